//! The density part of the spectrum's panel, and the Hessian taken apart: over
//! the training, by layers, classes and batches, and in numbers.

mod settings;
mod table;

use std::sync::Arc;

use eframe::egui::{self, Ui, vec2};

use super::controls::{self, choice, slider, toggle};
use super::shown::{Plan, Shown, fingerprint};
use super::submitted::{Pace, Submitted};
use crate::app::plot::Options;
use crate::app::workspace::{Timed, Workspace};
use crate::engine::analyses::SpectrumSettings as Measurement;
use crate::engine::curvature::{
    BatchSettings, CurvatureResult, Cut, Matrix, WATERFALL_ROWS, WaterfallSettings, batches_job,
    choose_snapshots, classes_job, layers_job, matrices_job, waterfall_job,
};
use crate::engine::{Analysis, Origin, Spectrum};
use crate::figure::Figure;
use crate::recipe::Component;
use crate::train::Snapshot;
use crate::views::hessian::density::{DensityInfo, DensityLook, DensitySeries, FACTORS};
use crate::views::hessian::waterfall::WaterfallLook;
use crate::views::hessian::{batches, blocks, classes, density, summary, waterfall};

use settings::HessianPart;
pub(super) use settings::HessianSettings;

const PACE: Pace = Pace {
    pause: 1.5,
    rest: 3.0,
};
/// Probes and steps of a waterfall at most: it has many rows.
const WATERFALL_PROBES: usize = 3;
const WATERFALL_STEPS: usize = 60;
/// Parts stand side by side in panels so many times wider than high.
const SIDE_BY_SIDE: f32 = 1.4;

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    Matrices { matrices: Vec<Matrix>, exact: bool },
    Waterfall { matrix: Matrix },
    Layers { matrix: Matrix, cut: Cut },
    Classes { density: bool },
    Batches { count: usize },
}

#[derive(Clone, Debug, PartialEq)]
struct Request {
    origin: Origin,
    step: u64,
    wanted: Wanted,
    measurement: Measurement,
    /// How the optimizer was set at that step, where its preconditioner is asked
    /// for.
    optimizer: Option<Component>,
}

#[derive(Clone)]
struct Kept {
    result: Timed<CurvatureResult>,
    request: Request,
}

/// The state of the part.
pub(super) struct HessianView {
    pub settings: HessianSettings,
    submitted: Submitted<Request>,
    /// The newest result of each kind.
    kept: Vec<Kept>,
    shown: Shown<(HessianPart, usize, bool)>,
    stacked: bool,
}

impl Default for HessianView {
    fn default() -> Self {
        Self {
            settings: HessianSettings::default(),
            submitted: Submitted::new("curvature"),
            kept: Vec::new(),
            shown: Shown::default(),
            stacked: false,
        }
    }
}

/// Whether two requests are for the same kind of result.
fn same_kind(a: &Wanted, b: &Wanted) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

fn answers(result: &CurvatureResult, wanted: &Wanted) -> bool {
    matches!(
        (result, wanted),
        (CurvatureResult::Matrices(_), Wanted::Matrices { .. })
            | (CurvatureResult::Waterfall(_), Wanted::Waterfall { .. })
            | (CurvatureResult::Layers(_), Wanted::Layers { .. })
            | (CurvatureResult::Classes(_), Wanted::Classes { .. })
            | (CurvatureResult::Batches { .. }, Wanted::Batches { .. })
    )
}

impl HessianView {
    /// Whether the plain spectrum of the Hessian is what is shown.
    pub fn wants_plain(&self) -> bool {
        self.wanted().is_none()
    }

    /// What the part that is shown needs to have measured; nothing where the
    /// plain spectrum is enough.
    fn wanted(&self) -> Option<Wanted> {
        let settings = &self.settings;
        Some(match settings.part {
            HessianPart::Density => {
                let matrices = settings.matrices.list();
                if matrices == [Matrix::Hessian] && !settings.exact {
                    return None;
                }
                Wanted::Matrices {
                    matrices,
                    exact: settings.exact,
                }
            }
            HessianPart::Summary => Wanted::Matrices {
                matrices: vec![Matrix::Hessian, Matrix::GaussNewton, Matrix::Rest],
                exact: settings.exact,
            },
            HessianPart::Waterfall => Wanted::Waterfall {
                matrix: settings.matrix,
            },
            HessianPart::Layers => Wanted::Layers {
                matrix: settings.matrix,
                cut: settings.cut,
            },
            HessianPart::Classes => Wanted::Classes {
                density: settings.densities,
            },
            HessianPart::Batches => Wanted::Batches {
                count: settings.batches,
            },
        })
    }

    /// The request that would give what is wanted now.
    fn request(&self, ws: &Workspace) -> Option<(Request, Arc<Snapshot>)> {
        let run = ws.run()?;
        let wanted = self.wanted()?;
        let mut snapshot = ws.shown_snapshot()?;
        let preconditioned = match &wanted {
            Wanted::Matrices { matrices, .. } => matrices.contains(&Matrix::Preconditioned),
            Wanted::Layers { matrix, .. } => *matrix == Matrix::Preconditioned,
            _ => false,
        };
        if preconditioned && snapshot.optimizer.is_none() {
            // Stored snapshots remember their optimizer.
            snapshot = run.snapshots.nearest(snapshot.step)?.clone();
        }
        if let Wanted::Waterfall { .. } = wanted {
            snapshot = run.snapshots.last()?.clone();
        }
        let optimizer =
            preconditioned.then(|| run.setup().at(snapshot.step).recipe.optimizer.clone());
        let request = Request {
            origin: run.origin(),
            step: snapshot.step,
            optimizer,
            wanted,
            measurement: Measurement::from_recipe(&ws.recipe.spectrum, ws.recipe.seed),
        };
        Some((request, snapshot))
    }

    fn submit(&mut self, ui: &Ui, ws: &mut Workspace) {
        let Some((request, snapshot)) = self.request(ws) else {
            return;
        };
        let Some(run) = ws.run() else { return };
        let setup = run.setup();
        let measurement = request.measurement;
        let (label, analysis): (&str, Box<dyn Analysis>) = match &request.wanted {
            Wanted::Matrices { matrices, exact } => (
                if *exact { "exact spectrum" } else { "spectra" },
                Box::new(matrices_job(
                    setup,
                    snapshot,
                    matrices.clone(),
                    *exact,
                    measurement,
                )),
            ),
            Wanted::Waterfall { matrix } => {
                let settings = WaterfallSettings {
                    matrix: *matrix,
                    rows: WATERFALL_ROWS,
                    probes: measurement.probes.clamp(1, WATERFALL_PROBES),
                    lanczos_steps: measurement.lanczos_steps.min(WATERFALL_STEPS),
                    seed: measurement.seed,
                };
                let chosen = choose_snapshots(&run.snapshots, WATERFALL_ROWS);
                let job = waterfall_job(setup, chosen, settings);
                ("spectrum over the training", Box::new(job))
            }
            Wanted::Layers { matrix, cut } => (
                "curvature by layer",
                Box::new(layers_job(setup, snapshot, *matrix, *cut, measurement)),
            ),
            Wanted::Classes { density } => (
                "curvature by class",
                Box::new(classes_job(setup, snapshot, *density, measurement)),
            ),
            Wanted::Batches { count } => {
                let settings = BatchSettings {
                    batches: *count,
                    seed: measurement.seed,
                    tolerance: measurement.tolerance,
                };
                let job = batches_job(setup, snapshot, settings);
                ("curvature by batch size", Box::new(job))
            }
        };
        self.submitted.submit(ui, ws, label, request, analysis);
    }

    /// Follows the training where that is quick; everything else is measured on
    /// demand.
    fn follow(&mut self, ui: &Ui, ws: &mut Workspace) {
        let Some((request, _)) = self.request(ws) else {
            return;
        };
        if !matches!(request.wanted, Wanted::Matrices { .. })
            || self.submitted.is(&request)
            || self.current().is_some_and(|kept| kept.request == request)
        {
            return;
        }
        let only_step = self.submitted.request().is_some_and(|submitted| {
            let moved = Request {
                step: request.step,
                ..submitted.clone()
            };
            moved == request
        });
        if only_step {
            let took = self.current().and_then(|kept| kept.result.seconds);
            if self.submitted.is_resting(ui, ws, took, PACE) {
                return;
            }
        }
        self.submit(ui, ws);
    }

    /// Takes the newest result.
    pub fn take(&mut self, ws: &Workspace) {
        let Some(run) = ws.run() else {
            self.kept.clear();
            return;
        };
        let origin = run.origin();
        self.kept.retain(|kept| kept.request.origin == origin);
        if self.submitted.request().is_some_and(|s| s.origin != origin) {
            self.submitted.forget();
        }
        let (Some(result), Some(request)) = (&run.results.curvature, self.submitted.request())
        else {
            return;
        };
        let belongs = result.generation == origin.generation
            && result.step == request.step
            && answers(&result.value, &request.wanted);
        if !belongs {
            return;
        }
        let kept = Kept {
            result: result.clone(),
            request: request.clone(),
        };
        match self
            .kept
            .iter_mut()
            .find(|old| same_kind(&old.request.wanted, &request.wanted))
        {
            Some(old)
                if Arc::ptr_eq(&old.result.value, &result.value)
                    && old.result.complete == result.complete => {}
            Some(old) => *old = kept,
            None => self.kept.push(kept),
        }
    }

    /// The result that answers what is shown, if only for another step or with
    /// other settings.
    fn current(&self) -> Option<&Kept> {
        let wanted = self.wanted()?;
        self.kept
            .iter()
            .find(|kept| same_kind(&kept.request.wanted, &wanted))
            .filter(|kept| match (&kept.request.wanted, &wanted) {
                // The numbers of other matrices are no answer.
                (
                    Wanted::Matrices { matrices, .. },
                    Wanted::Matrices {
                        matrices: wanted, ..
                    },
                ) => matrices == wanted,
                _ => true,
            })
    }

    /// The controls of the part, in the panel's header.
    pub fn controls(&mut self, ui: &mut Ui, ws: &mut Workspace, look: &mut DensityLook) {
        choice(
            ui,
            "Part",
            &mut self.settings.part,
            &controls::all::<HessianPart>(),
            "The density at one moment, over the training, or the Hessian taken apart",
        );
        let adaptive = ws.run().is_some_and(|run| run.stability.preconditioned);
        if !adaptive && self.settings.matrices == settings::Matrices::Preconditioned {
            self.settings.matrices = settings::Matrices::default();
        }
        match self.settings.part {
            HessianPart::Density => {
                let offered = settings::Matrices::offered(adaptive);
                let hint = "H: the Hessian, G: Gauss–Newton, H − G: the rest; P⁻¹H: the Hessian \
                            as the adaptive optimizer's stability sees it";
                choice(ui, "Matrix", &mut self.settings.matrices, &offered, hint);
                look_controls(ui, look, true);
                self.exact_toggle(ui);
            }
            HessianPart::Waterfall => {
                self.matrix_choice(ui, false);
                look_controls(ui, look, false);
            }
            HessianPart::Layers => {
                self.matrix_choice(ui, adaptive);
                let cuts = controls::all::<Cut>();
                let hint = "Layers, or tensors: weights apart from biases";
                choice(ui, "Blocks", &mut self.settings.cut, &cuts, hint);
            }
            HessianPart::Classes => {
                let hint = "The density of every class's Hessian";
                toggle(ui, &mut self.settings.densities, "densities", hint);
                if self.settings.densities {
                    toggle(ui, &mut look.log, "log |λ|", "A logarithmic axis of λ");
                }
            }
            HessianPart::Batches => {
                let drag = egui::DragValue::new(&mut self.settings.batches)
                    .range(1..=100)
                    .speed(0.1)
                    .prefix("batches ");
                let hint = "Random batches of each size";
                let drag = ui.add(drag).on_hover_text(hint);
                drag.widget_info(|| {
                    egui::WidgetInfo::labeled(egui::Role::SpinButton, true, hint.to_owned())
                });
                let hint = "A logarithmic axis of |λ|";
                toggle(ui, &mut self.settings.log_batches, "log", hint);
            }
            HessianPart::Summary => self.exact_toggle(ui),
        }
        self.table_button(ui);
        self.job_controls(ui, ws);
    }

    fn exact_toggle(&mut self, ui: &mut Ui) {
        let hint = "All eigenvalues from the whole matrix, for networks of up to 2,000 \
                    parameters, laid over the estimate";
        toggle(ui, &mut self.settings.exact, "verify", hint);
    }

    fn matrix_choice(&mut self, ui: &mut Ui, adaptive: bool) {
        let mut offered = vec![Matrix::Hessian, Matrix::GaussNewton, Matrix::Rest];
        if adaptive {
            offered.push(Matrix::Preconditioned);
        } else if self.settings.matrix == Matrix::Preconditioned {
            self.settings.matrix = Matrix::Hessian;
        }
        let offered: Vec<(Matrix, String)> = offered
            .into_iter()
            .map(|matrix| (matrix, matrix.symbol().to_owned()))
            .collect();
        let hint = "H: the Hessian, G: Gauss–Newton, H − G: the rest";
        choice(ui, "Matrix", &mut self.settings.matrix, &offered, hint);
    }

    fn table_button(&self, ui: &mut Ui) {
        let table = self.current().and_then(|kept| match &*kept.result.value {
            CurvatureResult::Layers(found) => Some(blocks::table(found)),
            CurvatureResult::Classes(found) => Some(classes::table(found)),
            CurvatureResult::Batches { sizes, .. } => Some(batches::table(sizes)),
            _ => None,
        });
        let Some(table) = table else { return };
        let button = ui
            .button("Table")
            .on_hover_text("Every number with its error");
        egui::Popup::menu(&button)
            .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
            .show(|ui| table::popup(ui, &table));
    }

    /// Whether the job that runs is for the part that is shown.
    fn is_measuring(&self, ws: &Workspace) -> bool {
        let mine = |request: &Request| {
            let wanted = self.wanted();
            wanted.is_some_and(|wanted| same_kind(&wanted, &request.wanted))
        };
        self.submitted.is_busy(ws) && self.submitted.request().is_some_and(mine)
    }

    /// Progress with a way to cancel, or a way to measure again.
    fn job_controls(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        if self.wants_plain() {
            return;
        }
        if self.is_measuring(ws) {
            controls::progress(ui, ws, &self.submitted.slot());
            if ui
                .button("Cancel")
                .on_hover_text("Stop this measurement")
                .clicked()
            {
                ws.cancel(&self.submitted.slot());
            }
            return;
        }
        let Some(kept) = self.current() else { return };
        let old = self
            .request(ws)
            .is_some_and(|(request, _)| request != kept.request);
        // What follows the training comes by itself, unless it was cancelled.
        let follows = matches!(kept.request.wanted, Wanted::Matrices { .. });
        let left = !kept.result.complete || (old && !follows);
        if left
            && ui
                .button("Again")
                .on_hover_text("Measure the present parameters with these settings")
                .clicked()
        {
            self.submit(ui, ws);
        }
    }

    /// Draws the part.
    pub fn body(
        &mut self,
        ui: &mut Ui,
        ws: &mut Workspace,
        look: &DensityLook,
        plain: Option<&Timed<Spectrum>>,
    ) {
        if let Some(run) = ws.run() {
            self.shown.of_run(run.id());
        }
        if !self.wants_plain() && controls::failure(ui, ws, &self.submitted.slot()) {
            self.submit(ui, ws);
        }
        if !self.submitted.has_failed(ws) || self.changed(ws) {
            self.follow(ui, ws);
        }
        if self.settings.part == HessianPart::Classes
            && ws
                .run()
                .is_some_and(|run| !run.info.setup.is_classification())
        {
            let sentence = "The Hessian of each class's own loss. This experiment has no classes.";
            controls::nothing_yet(ui, sentence, None);
            return;
        }
        // The estimate stays while it is being verified.
        let estimate = self.settings.part == HessianPart::Density
            && self.settings.matrices.list() == [Matrix::Hessian]
            && plain.is_some();
        if !self.wants_plain() && self.current().is_none() && !estimate {
            self.nothing(ui, ws);
            return;
        }
        self.refusal(ui);
        if self.settings.part == HessianPart::Summary {
            if let Some(table) = self.summary(ws) {
                table::summary(ui, &table);
            }
            return;
        }
        let room = ui.available_size();
        self.stacked = room.x < SIDE_BY_SIDE * room.y;
        let key = match self.current() {
            Some(kept) => (
                self.settings.part,
                Arc::as_ptr(&kept.result.value) as usize,
                kept.result.complete,
            ),
            None => (
                self.settings.part,
                plain.map_or(0, |plain| Arc::as_ptr(&plain.value) as usize),
                plain.is_some_and(|plain| plain.complete),
            ),
        };
        let settings = fingerprint(&(&self.settings, look, self.stacked));
        let mut shown = std::mem::take(&mut self.shown);
        shown.follow(ui, key, settings, || self.plan(ws, look, plain));
        self.shown = shown;
        self.shown.show(ui, "hessian", &Options::default());
    }

    /// Whether something else is wanted than what failed.
    fn changed(&self, ws: &Workspace) -> bool {
        let request = self.request(ws).map(|(request, _)| request.wanted);
        self.submitted.request().map(|submitted| &submitted.wanted) != request.as_ref()
    }

    fn nothing(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        let sentence = self.settings.part.sentence();
        // What runs for another part gives way.
        let busy = self.is_measuring(ws);
        if ws.run().is_none_or(|run| run.newest_step() == 0) && !busy {
            controls::nothing_trained(ui, ws, sentence);
            return;
        }
        let button = (!busy).then_some("Measure");
        if controls::nothing_yet(ui, sentence, button) {
            self.submit(ui, ws);
        }
    }

    /// Why an exact spectrum that was asked for is not there.
    fn refusal(&self, ui: &mut Ui) {
        let Some(kept) = self.current().filter(|_| self.settings.exact) else {
            return;
        };
        if let CurvatureResult::Matrices(found) = &*kept.result.value
            && let Some(sentence) = found.spectra.iter().find_map(|one| one.refused.as_ref())
        {
            controls::remark(ui, sentence);
        }
    }

    fn summary(&self, ws: &Workspace) -> Option<crate::views::table::Table> {
        let CurvatureResult::Matrices(found) = &*self.current()?.result.value else {
            return None;
        };
        let all: Vec<_> = found
            .spectra
            .iter()
            .map(summary::Summarized::from)
            .collect();
        Some(summary::table(&all, count_classes(ws)))
    }

    /// How the figure is built.
    fn plan(
        &self,
        ws: &Workspace,
        look: &DensityLook,
        plain: Option<&Timed<Spectrum>>,
    ) -> Option<Plan> {
        let run = ws.run()?;
        let look = look.clone();
        let classes = count_classes(ws);
        let Some(kept) = self.current() else {
            let plain = plain.cloned();
            return Some(Box::new(move || {
                let series: Vec<DensitySeries<'_>> = plain
                    .iter()
                    .filter_map(|plain| {
                        Some(DensitySeries {
                            matrix: Matrix::Hessian,
                            density: plain.value.density.as_ref()?,
                            top: Some(&plain.value.top),
                            exact: None,
                        })
                    })
                    .collect();
                let info = DensityInfo {
                    step: plain.as_ref().map(|plain| plain.step),
                    trace: plain.as_ref().and_then(|plain| plain.value.trace.as_ref()),
                    classes,
                    ..DensityInfo::default()
                };
                density::figure(&look, &series, &info)
            }));
        };
        let (result, step) = (Arc::clone(&kept.result.value), kept.result.step);
        let (stacked, log) = (self.stacked, self.settings.log_batches);
        let (per_epoch, own) = (run.info.steps_per_epoch, run.info.setup.batch_size);
        Some(Box::new(move || match &*result {
            CurvatureResult::Matrices(found) => {
                let series: Vec<DensitySeries<'_>> = found
                    .spectra
                    .iter()
                    .filter_map(|one| {
                        Some(DensitySeries {
                            matrix: one.matrix,
                            density: one.spectrum.density.as_ref()?,
                            top: Some(&one.spectrum.top),
                            exact: one.exact.as_ref(),
                        })
                    })
                    .collect();
                let trace = found
                    .spectra
                    .first()
                    .and_then(|one| one.spectrum.trace.as_ref());
                let info = DensityInfo {
                    step: Some(step),
                    trace,
                    classes,
                    ..DensityInfo::default()
                };
                density::figure(&look, &series, &info)
            }
            CurvatureResult::Waterfall(found) => {
                let look = WaterfallLook {
                    density: look,
                    ..WaterfallLook::default()
                };
                waterfall::figure(&look, Some(found), per_epoch)
            }
            CurvatureResult::Layers(found) => blocks::figure(Some(found), stacked),
            CurvatureResult::Classes(found) => classes::figure(&look, Some(found), stacked),
            CurvatureResult::Batches { sizes, .. } => batches::figure(sizes, log, Some(own)),
        }))
    }

    /// The figure as it is seen now.
    pub fn figure(
        &self,
        ws: &Workspace,
        look: &DensityLook,
        plain: Option<&Timed<Spectrum>>,
    ) -> Option<Figure> {
        if self.settings.part == HessianPart::Summary {
            return None;
        }
        let there = if self.wants_plain() {
            plain.is_some()
        } else {
            self.current().is_some()
        };
        there
            .then(|| self.plan(ws, look, plain))?
            .map(|plan| self.shown.as_seen(plan()))
    }

    /// Shows everything again.
    pub fn fit(&mut self) {
        self.shown.view.fit();
    }

    /// Forgets the figure: there is no run.
    pub fn clear(&mut self) {
        self.shown.clear();
    }
}

fn count_classes(ws: &Workspace) -> usize {
    ws.run()
        .map_or(0, |run| run.info.setup.data.train.class_names().len())
}

/// Axis, nodes and kernel of a density: none of them takes another product.
fn look_controls(ui: &mut Ui, look: &mut DensityLook, stems: bool) {
    toggle(ui, &mut look.log, "log |λ|", "A logarithmic axis of |λ|");
    if stems {
        let hint = "The quadrature's nodes, each as a stem of its weight";
        toggle(ui, &mut look.stems, "nodes", hint);
    }
    let scale = egui::Slider::new(&mut look.bandwidth, FACTORS)
        .logarithmic(true)
        .max_decimals(2)
        .custom_formatter(|value, _| format!("×{}", crate::figure::ticks::format_number(value, 2)))
        .custom_parser(|text| text.trim_start_matches('×').trim().parse().ok());
    let hint = "Width of the kernel, times range over Lanczos steps; needs no new products";
    ui.allocate_ui(vec2(150.0, ui.spacing().interact_size.y), |ui| {
        slider(ui, "σ", scale, 64.0, hint);
    });
}
