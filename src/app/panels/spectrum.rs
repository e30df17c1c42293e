//! The Hessian's spectrum.

use std::sync::Arc;

use eframe::egui::{self, Ui};
use egui_extras::{Column, TableBuilder};

use super::controls::{self, NARROW, header, segments, toggle, whole_number};
use super::hessian::{HessianSettings, HessianView};
use super::loss::run_key;
use super::shown::{Growing, Plan, Shown, fingerprint, pixel_columns};
use super::{Panel, PanelKind};
use crate::app::plot::Options;
use crate::app::workspace::{Timed, Workspace};
use crate::catalogue;
use crate::engine::analyses::{self, SpectrumSettings as Measurement};
use crate::engine::{Origin, Slot, Spectrum, Succession};
use crate::figure::Figure;
use crate::figure::ticks::format_number;
use crate::recipe::FieldKind;
use crate::views::Time;
use crate::views::sharpness_live::{self, LiveCurves, LiveData};
use crate::views::spectrum::{self, SpectrumData, SpectrumPart, SpectrumSettings};
use crate::views::table::{Cell, Table};

#[derive(Clone, Debug, PartialEq)]
struct Request {
    origin: Origin,
    step: u64,
    measurement: Measurement,
}

/// The run, its measurements, the newest of them and of the spectra, its step,
/// and what part of the steps is in view.
type Key = (Origin, usize, u64, usize, u64, Option<(u64, u64)>);

#[derive(Default)]
pub(super) struct SpectrumPanel {
    settings: SpectrumSettings,
    submitted: Option<Request>,
    submitted_at: f64,
    kept: Option<(Timed<Spectrum>, Origin)>,
    /// The eigenvalues over the steps, as far as they are known.
    live: Growing<LiveCurves>,
    shown: Shown<Key>,
    arrangement: Option<Arrangement>,
    hessian: HessianView,
}

/// Seconds between two densities of a running training, at least.
const PAUSE: f64 = 1.5;
/// Seconds after which a request without an answer is made again.
const PATIENCE: f64 = 2.0;
/// How much longer than it takes to measure a density the next one waits.
const REST: f64 = 3.0;
/// Wide panels show the parts side by side.
const SIDE_BY_SIDE: f32 = 1.5;
/// Both parts need so many points of height above each other, or of width side
/// by side; where there is less, only the eigenvalues over the steps are shown.
const BOTH: (f32, f32) = (300.0, 440.0);

/// How the parts share the room.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Arrangement {
    Stacked,
    SideBySide,
    Single,
}

impl Arrangement {
    fn of(room: egui::Vec2) -> Self {
        let wide = room.x >= SIDE_BY_SIDE * room.y;
        if wide && room.x >= BOTH.1 && room.y >= 150.0 {
            Self::SideBySide
        } else if room.y >= BOTH.0 {
            Self::Stacked
        } else {
            Self::Single
        }
    }
}

fn slot() -> Slot {
    Slot::new("spectrum")
}

impl SpectrumPanel {
    fn wants_density(&self) -> bool {
        self.settings.part != SpectrumPart::Eigenvalues
    }

    /// Asks for a density where another one is wanted than the newest.
    fn follow(&mut self, ui: &Ui, ws: &mut Workspace) {
        let (Some(run), Some(snapshot)) = (ws.run(), ws.shown_snapshot()) else {
            return;
        };
        let wanted = Request {
            origin: run.origin(),
            step: snapshot.step,
            measurement: Measurement::from_recipe(&ws.recipe.spectrum, ws.recipe.seed),
        };
        let now = ui.input(|input| input.time);
        if let Some(submitted) = &self.submitted {
            if *submitted == wanted {
                let lost = ws.job(&slot()).is_none() && now > self.submitted_at + PATIENCE;
                let answered = self.kept.as_ref().is_some_and(|(kept, of)| {
                    *of == wanted.origin && kept.step == wanted.step && kept.complete
                });
                if answered || !lost {
                    return;
                }
            }
            let moved_on =
                submitted.origin == wanted.origin && submitted.measurement == wanted.measurement;
            if moved_on {
                let busy = ws.job(&slot()).is_some();
                let took = self.kept.as_ref().and_then(|(kept, _)| kept.seconds);
                let pause = PAUSE.max(REST * took.unwrap_or(0.0));
                let early = ws.is_running() && now < self.submitted_at + pause;
                if busy || early {
                    ui.ctx().request_repaint_after_secs(0.25);
                    return;
                }
            }
        }
        let analysis =
            analyses::spectrum_job(Arc::clone(&run.info.setup), snapshot, wanted.measurement);
        ws.submit(slot(), "spectrum", Succession::Replace, Box::new(analysis));
        self.submitted = Some(wanted);
        self.submitted_at = now;
    }

    /// Takes a spectrum with a density; one without does not replace it.
    fn take(&mut self, ws: &Workspace) {
        let Some(run) = ws.run() else {
            self.kept = None;
            return;
        };
        let origin = run.origin();
        self.kept.take_if(|(_, of)| *of != origin);
        let Some(result) = &run.results.spectrum else {
            return;
        };
        if result.generation != origin.generation {
            return;
        }
        let better = match &self.kept {
            None => true,
            Some((kept, _)) => {
                (!Arc::ptr_eq(&kept.value, &result.value) || kept.complete != result.complete)
                    && (result.value.density.is_some() || kept.value.density.is_none())
            }
        };
        if better {
            self.kept = Some((result.clone(), origin));
        }
    }

    /// How the figure is built.
    fn plan(
        &self,
        live: &Growing<LiveCurves>,
        ws: &Workspace,
        arrangement: Arrangement,
        view: Option<(Option<(f64, f64)>, usize)>,
    ) -> Option<Plan> {
        let run = ws.run()?;
        let kept = self.kept.as_ref().map(|(kept, _)| kept.clone());
        let single = arrangement == Arrangement::Single && self.settings.part == SpectrumPart::Both;
        let settings = SpectrumSettings {
            stacked: arrangement != Arrangement::SideBySide,
            part: if single {
                SpectrumPart::Eigenvalues
            } else {
                self.settings.part
            },
            ..self.settings.clone()
        };
        let first_step = run.history.rows().first().map_or(0, |row| row.step);
        let data = LiveData {
            key: run_key(run),
            points: &run.spectrum,
            stability: Some(&run.stability),
            steps: (first_step, run.newest_step()),
            steps_per_epoch: run.info.steps_per_epoch,
            load: run.load,
        };
        let (window, columns) = view.unwrap_or((None, usize::MAX / 8));
        live.get().follow(&settings.live(), &data);
        let live = live.clone();
        let sentence = sharpness_live::describe(&data);
        Some(Box::new(move || {
            let axes = live.get().axes(window, columns);
            let data = SpectrumData {
                eigenvalues: Some(&axes),
                sentence: &sentence,
                density: kept
                    .as_ref()
                    .and_then(|kept| Some((kept.step, kept.value.density.as_ref()?))),
                trace: kept.as_ref().and_then(|kept| kept.value.trace.as_ref()),
                exact: kept
                    .as_ref()
                    .map_or(&[], |kept| &kept.value.top.eigenvalues[..]),
            };
            spectrum::figure(&settings, &data)
        }))
    }

    fn controls(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        header(ui, |ui| {
            segments(
                ui,
                "Shown",
                &mut self.settings.part,
                &[
                    (SpectrumPart::Both, "both", "Eigenvalues and density"),
                    (
                        SpectrumPart::Eigenvalues,
                        "λ(t)",
                        "The top eigenvalues over the steps",
                    ),
                    (
                        SpectrumPart::Density,
                        "density",
                        "The density of all eigenvalues, and the Hessian taken apart",
                    ),
                ],
            );
            if self.settings.part == SpectrumPart::Density {
                let look = &mut self.settings.density;
                self.hessian.controls(ui, ws, look);
                if self.hessian.wants_plain() {
                    number(ui, ws, "probes", "probes", "Random probes of the density");
                    controls::progress(ui, ws, &slot());
                }
                controls::moment(ui, ws);
                return;
            }
            toggle(
                ui,
                &mut self.settings.log_eigenvalues,
                "log",
                "A logarithmic axis of the eigenvalues",
            );
            toggle(
                ui,
                &mut self.settings.relative,
                "λ / line",
                "Eigenvalues relative to the line above which this optimizer is unstable; for an \
                 adaptive one those of the preconditioned Hessian",
            );
            let narrow = ui.max_rect().width() < NARROW;
            number(
                ui,
                ws,
                "top",
                "k",
                "How many of the largest eigenvalues are measured",
            );
            let mut automatic = ws.recipe.spectrum.boolean("automatic");
            let hint = "Measure at every step where the network is small enough, and elsewhere as \
                        often as the share of the time allows";
            if toggle(ui, &mut automatic, "live", hint) {
                ws.recipe.spectrum.set("automatic", automatic);
            }
            if !automatic {
                number(
                    ui,
                    ws,
                    "every",
                    "every",
                    "Steps between two measurements; 0 never",
                );
            }
            if self.wants_density() && !narrow {
                number(ui, ws, "probes", "probes", "Random probes of the density");
            }
            let table = ui
                .button("Table")
                .on_hover_text("Every eigenvalue with its residual");
            egui::Popup::menu(&table)
                .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
                .show(|ui| {
                    if let Some(run) = ws.run() {
                        table_ui(ui, &sharpness_live::table(&run.spectrum));
                    }
                });
            controls::moment(ui, ws);
            controls::progress(ui, ws, &slot());
        });
    }
}

/// The step in so few digits that a figure which only ends there is built anew
/// when a pixel or so has been added.
fn coarse(step: u64) -> u64 {
    const BITS: u32 = 9;
    let spare = (u64::BITS - step.leading_zeros()).saturating_sub(BITS);
    (step >> spare) << spare
}

/// A whole number of the recipe's `[analyses.spectrum]`, in the range that it
/// has there.
fn number(ui: &mut Ui, ws: &mut Workspace, key: &str, name: &str, hint: &str) {
    let section = catalogue::schema().section("analyses.spectrum");
    let field = section.and_then(|section| section.field(section.kind("")?, key));
    let Some(FieldKind::Integer { min, max, .. }) = field.map(|field| field.kind) else {
        return;
    };
    let mut value = ws.recipe.spectrum.integer(key);
    if whole_number(ui, &mut value, name, hint, min..=max) {
        ws.recipe.spectrum.set(key, value);
    }
}

fn table_ui(ui: &mut Ui, table: &Table) {
    ui.set_min_width(360.0);
    if table.rows.is_empty() {
        ui.label("No eigenvalue has been measured yet.");
        return;
    }
    if ui
        .button("Copy")
        .on_hover_text("Copy all rows, to be pasted into a spreadsheet")
        .clicked()
    {
        ui.copy_text(table.tsv());
    }
    let height = ui.spacing().interact_size.y;
    TableBuilder::new(ui)
        .striped(true)
        .max_scroll_height(280.0)
        .columns(Column::auto().at_least(56.0), table.columns.len())
        .header(height, |mut row| {
            for column in &table.columns {
                row.col(|ui| {
                    ui.strong(column);
                });
            }
        })
        .body(|body| {
            body.rows(height, table.rows.len(), |mut row| {
                // The newest on top.
                let index = table.rows.len() - 1 - row.index();
                for cell in &table.rows[index] {
                    row.col(|ui| {
                        ui.label(match cell {
                            Cell::Number(value) => format_number(*value, 6),
                            other => other.text(),
                        });
                    });
                }
            });
        });
}

impl Panel for SpectrumPanel {
    fn kind(&self) -> PanelKind {
        PanelKind::Spectrum
    }

    fn title(&self, _ws: &Workspace) -> String {
        "Spectrum".to_owned()
    }

    fn ui(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        self.take(ws);
        let Some(run) = ws.run() else {
            self.shown.clear();
            self.hessian.clear();
            controls::nothing_trained(
                ui,
                ws,
                "The largest eigenvalues of the Hessian while the network trains, with the line \
                 above which training becomes unstable, and the density of all eigenvalues.",
            );
            return;
        };
        self.shown.of_run(run.id());
        let over_steps = self.settings.part != SpectrumPart::Density;
        let window = self.shown.view.zoomed_x(0).filter(|_| over_steps);
        let key = (
            run.origin(),
            run.spectrum.len(),
            run.spectrum.last().map_or(0, |point| point.step),
            self.kept
                .as_ref()
                .map_or(0, |(kept, _)| Arc::as_ptr(&kept.value) as usize),
            coarse(run.newest_step().max(1)),
            window.map(|(a, b)| (a.to_bits(), b.to_bits())),
        );
        let per_epoch = run.info.steps_per_epoch;
        let threshold = run.stability.threshold().map(f64::to_bits);
        self.hessian.take(ws);
        self.controls(ui, ws);
        let alone = self.settings.part == SpectrumPart::Density;
        let plain = !alone || self.hessian.wants_plain();
        if plain && controls::failure(ui, ws, &slot()) {
            self.submitted = None;
        }
        let failed = ws
            .run()
            .is_some_and(|run| run.results.failure(&slot()).is_some());
        if plain && self.wants_density() && (!failed || self.submitted.is_none()) {
            self.follow(ui, ws);
        }
        if alone {
            let plain = self.kept.as_ref().map(|(kept, _)| kept);
            self.hessian.body(ui, ws, &self.settings.density, plain);
            return;
        }
        let arrangement = Arrangement::of(ui.available_size());
        let columns = pixel_columns(ui);
        let settings = fingerprint(&(&self.settings, arrangement, threshold, columns));
        let mut shown = std::mem::take(&mut self.shown);
        shown.follow(ui, key, settings, || {
            self.plan(&self.live, ws, arrangement, Some((window, columns)))
        });
        self.shown = shown;
        self.arrangement = Some(arrangement);
        let time = self.settings.time;
        let marked = ws.linked_step().or(ws.selected);
        let cursor = marked.map(|step| time.of_step(step as f64, per_epoch));
        let options = Options {
            cursors: vec![cursor],
            ..Options::default()
        };
        let response = self.shown.show(ui, "spectrum", &options);
        let step_at = |x: f64| time.to_step(x, per_epoch).round().max(0.0) as u64;
        if let Some(place) = response.hovered.filter(|place| place.panel == 0) {
            ws.cursor_step = Some(step_at(place.x));
        }
        if let Some(place) = response.clicked.filter(|place| place.panel == 0) {
            ws.select_step(step_at(place.x));
        }
    }

    fn settings_menu(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        ui.checkbox(&mut self.settings.density.log, "Density of log |λ|");
        let mut epochs = self.settings.time == Time::Epoch;
        if ui.checkbox(&mut epochs, "Count epochs").changed() {
            self.settings.time = if epochs { Time::Epoch } else { Time::Step };
        }
        number(
            ui,
            ws,
            "bottom",
            "smallest",
            "How many of the smallest eigenvalues are measured",
        );
        let mut share = 100.0 * ws.recipe.spectrum.float("share");
        let drag = egui::DragValue::new(&mut share)
            .range(1.0..=100.0)
            .speed(0.5)
            .max_decimals(0)
            .prefix("at most ")
            .suffix(" % of the time");
        let hint = "By how much the measurements may slow the training down at most";
        if ui.add(drag).on_hover_text(hint).changed() {
            ws.recipe.spectrum.set("share", share / 100.0);
        }
        let mut batches = ws.recipe.spectrum.boolean("batch_sharpness");
        let hint = "The curvature of mini-batches along their own gradients, which comes to rest \
                    at 2/η in stochastic gradient descent";
        let checkbox = ui.checkbox(&mut batches, "Batch sharpness");
        if checkbox.on_hover_text(hint).changed() {
            ws.recipe.spectrum.set("batch_sharpness", batches);
        }
        number(
            ui,
            ws,
            "lanczos_steps",
            "Lanczos steps",
            "More steps resolve more of the density",
        );
        if ui.button("Measure again").clicked() {
            self.submitted = None;
            ui.close();
        }
        if ui
            .button("Fit")
            .on_hover_text("Show everything again (double click)")
            .clicked()
        {
            self.shown.view.fit();
            self.hessian.fit();
            ui.close();
        }
    }

    fn figure(&self, ws: &Workspace) -> Option<Figure> {
        let run = ws.run()?;
        if self.settings.part == SpectrumPart::Density {
            let plain = self.kept.as_ref().map(|(kept, _)| kept);
            return self.hessian.figure(ws, &self.settings.density, plain);
        }
        if run.spectrum.is_empty() && self.kept.is_none() {
            return None;
        }
        let arrangement = self.arrangement.unwrap_or(Arrangement::Stacked);
        let live = Growing::default();
        let plan = self.plan(&live, ws, arrangement, None)?;
        Some(self.shown.as_seen(plan()))
    }

    fn save(&self) -> Option<serde_json::Value> {
        let mut stored = serde_json::to_value(&self.settings).ok()?;
        stored["hessian"] = serde_json::to_value(&self.hessian.settings).ok()?;
        Some(stored)
    }

    fn restore(&mut self, stored: &serde_json::Value) {
        if let Ok(settings) = serde_json::from_value(stored.clone()) {
            self.settings = settings;
        }
        let hessian = stored.get("hessian").cloned().unwrap_or_default();
        if let Ok(settings) = serde_json::from_value::<HessianSettings>(hessian) {
            self.hessian.settings = settings.restored();
        }
    }
}
