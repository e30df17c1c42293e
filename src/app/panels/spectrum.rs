//! The Hessian's spectrum.

use std::sync::Arc;

use eframe::egui::{self, Ui};
use egui_extras::{Column, TableBuilder};

use super::controls::{self, NARROW, header, segments, toggle};
use super::hessian::{HessianSettings, HessianView};
use super::shown::{Plan, Shown, fingerprint};
use super::{Panel, PanelKind};
use crate::app::plot::Options;
use crate::app::workspace::{Timed, Workspace};
use crate::engine::analyses::{self, SpectrumSettings as Measurement};
use crate::engine::{Origin, Slot, Spectrum, SpectrumPoint, Succession};
use crate::figure::Figure;
use crate::figure::ticks::format_number;
use crate::views::Time;
use crate::views::spectrum::{self, SpectrumData, SpectrumPart, SpectrumSample, SpectrumSettings};
use crate::views::table::{Cell, Table};

#[derive(Clone, Debug, PartialEq)]
struct Request {
    origin: Origin,
    step: u64,
    measurement: Measurement,
}

#[derive(Default)]
pub(super) struct SpectrumPanel {
    settings: SpectrumSettings,
    submitted: Option<Request>,
    submitted_at: f64,
    kept: Option<(Timed<Spectrum>, Origin)>,
    shown: Shown<(Origin, usize, u64, usize, u64)>,
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
    fn plan(&self, ws: &Workspace, arrangement: Arrangement) -> Option<Plan> {
        let run = ws.run()?;
        let points = run.spectrum.clone();
        let current = run.stability.sharpness_threshold();
        let formula = run.stability.formula();
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
        let first_step = run.history.rows().first().map(|row| row.step);
        let (last_step, steps_per_epoch) = (run.newest_step(), run.info.steps_per_epoch);
        Some(Box::new(move || {
            let mut threshold: Vec<(u64, f64)> = Vec::new();
            let measured = points
                .iter()
                .filter_map(|point| Some((point.step, point.stability.sharpness_threshold()?)));
            for (step, value) in measured.chain(current.map(|value| (last_step, value))) {
                let same = |last: &(u64, f64)| (last.1 - value).abs() <= 1e-12 * value.abs();
                if !threshold.last().is_some_and(same) {
                    threshold.push((step, value));
                }
            }
            if let (Some(first), Some(step)) = (threshold.first_mut(), first_step) {
                first.0 = first.0.min(step);
            }
            let data = SpectrumData {
                samples: &samples(&points),
                threshold: &threshold,
                formula: &formula,
                last_step,
                steps_per_epoch,
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
                    number(
                        ui,
                        ws,
                        "probes",
                        "probes",
                        "Random probes of the density",
                        1..=100,
                    );
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
            let narrow = ui.max_rect().width() < NARROW;
            number(
                ui,
                ws,
                "top",
                "k",
                "How many of the largest eigenvalues are measured",
                1..=20,
            );
            number(
                ui,
                ws,
                "every",
                "every",
                "Steps between two measurements; 0 never",
                0..=100_000,
            );
            if self.wants_density() && !narrow {
                number(
                    ui,
                    ws,
                    "probes",
                    "probes",
                    "Random probes of the density",
                    1..=100,
                );
            }
            let table = ui
                .button("Table")
                .on_hover_text("Every eigenvalue with its residual");
            egui::Popup::menu(&table)
                .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
                .show(|ui| {
                    let points = ws.run().map_or(&[][..], |run| &run.spectrum[..]);
                    table_ui(ui, &spectrum::table(&samples(points)));
                });
            controls::moment(ui, ws);
            controls::progress(ui, ws, &slot());
        });
    }
}

/// Measured top eigenvalues as the view takes them.
fn samples(points: &[Arc<SpectrumPoint>]) -> Vec<SpectrumSample> {
    points
        .iter()
        .map(|point| SpectrumSample {
            step: point.step,
            eigenvalues: point.eigenvalues.clone(),
        })
        .collect()
}

/// The step in so few digits that a figure which only ends there is built anew
/// when a pixel or so has been added.
fn coarse(step: u64) -> u64 {
    const BITS: u32 = 9;
    let spare = (u64::BITS - step.leading_zeros()).saturating_sub(BITS);
    (step >> spare) << spare
}

/// A whole number of the recipe's `[analyses.spectrum]`.
fn number(
    ui: &mut Ui,
    ws: &mut Workspace,
    key: &str,
    name: &str,
    hint: &str,
    range: std::ops::RangeInclusive<i64>,
) {
    let mut value = ws.recipe.spectrum.integer(key);
    let drag = ui
        .add(
            egui::DragValue::new(&mut value)
                .range(range)
                .speed(0.1)
                .prefix(format!("{name} ")),
        )
        .on_hover_text(hint);
    drag.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::SpinButton, true, format!("{name}: {hint}"))
    });
    if drag.changed() {
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
        let key = (
            run.origin(),
            run.spectrum.len(),
            run.spectrum.last().map_or(0, |point| point.step),
            self.kept
                .as_ref()
                .map_or(0, |(kept, _)| Arc::as_ptr(&kept.value) as usize),
            coarse(run.newest_step().max(1)),
        );
        let per_epoch = run.info.steps_per_epoch;
        let threshold = run.stability.sharpness_threshold().map(f64::to_bits);
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
        let settings = fingerprint(&(&self.settings, arrangement, threshold));
        let mut shown = std::mem::take(&mut self.shown);
        shown.follow(ui, key, settings, || self.plan(ws, arrangement));
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
            "lanczos_steps",
            "Lanczos steps",
            "More steps resolve more of the density",
            2..=400,
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
        Some(self.shown.as_seen(self.plan(ws, arrangement)?()))
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
