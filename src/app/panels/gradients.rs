//! Gradients of the layers, of one tensor, and with respect to inputs.

use std::sync::Arc;

use eframe::egui::Ui;
use serde::{Deserialize, Serialize};

use super::controls::{self, choice, header, segments, toggle};
use super::loss::run_key;
use super::shown::{Growing, Plan, Shown, fingerprint, pixel_columns};
use super::{Panel, PanelKind};
use crate::app::plot::Options;
use crate::app::workspace::{RunRecord, Workspace};
use crate::engine::{Origin, Slot, Succession, analyses};
use crate::figure::Figure;
use crate::gradients::{SaliencyMaps, tensor_image};
use crate::nn::ParameterKind;
use crate::views::gradients::{
    self, GradientPart, GradientSettings, LayerCurves, LayerSeries, TensorQuantity,
};
use crate::views::{Time, saliency};

/// What is stored of the panel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Settings {
    look: GradientSettings,
    /// Which output's gradient is shown; `None` that of the predicted class.
    output: Option<usize>,
}

/// What is shown: a run or step, rows or a vector, which part, and the window in
/// view.
type Key = (u64, usize, u64, Option<(u64, u64)>);

#[derive(Default)]
pub(super) struct GradientsPanel {
    settings: Settings,
    curves: Growing<LayerCurves>,
    submitted: Option<(Origin, u64, Slot, u64)>,
    submitted_at: f64,
    kept: Option<(u64, Origin, Arc<SaliencyMaps>)>,
    shown: Shown<Key>,
}

/// Points of height that norms and ratios need above each other.
const BOTH: f32 = 250.0;
/// Seconds after which a request without an answer is made again.
const PATIENCE: f64 = 2.0;
/// Seconds between two saliency maps of a running training.
const PAUSE: f64 = 0.2;

fn saliency_slot() -> Slot {
    Slot::new("saliency")
}

fn gradients_slot() -> Slot {
    Slot::new("gradients")
}

/// The names of a run's layers with the shapes of their weights.
fn layer_names(run: &RunRecord) -> Vec<String> {
    let layout = run.info.network.layout();
    run.info
        .layers
        .iter()
        .map(|layer| {
            let weight = layout.iter().find(|tensor| {
                tensor.range.start >= layer.range.start && tensor.kind == ParameterKind::Weight
            });
            match weight {
                Some(weight) => {
                    let shape: Vec<String> = weight.shape.iter().map(usize::to_string).collect();
                    format!("{} · {}", layer.name, shape.join("×"))
                }
                None => layer.name.clone(),
            }
        })
        .collect()
}

impl GradientsPanel {
    /// The tensor that is shown: the chosen one, or the first weight.
    fn tensor(&self, run: &RunRecord) -> Option<usize> {
        let layout = run.info.network.layout();
        layout
            .iter()
            .position(|tensor| tensor.name == self.settings.look.tensor)
            .or_else(|| {
                layout
                    .iter()
                    .position(|tensor| tensor.kind == ParameterKind::Weight)
            })
    }

    /// The vector whose part is shown, with its step.
    fn vector(&self, ws: &Workspace) -> Option<(u64, Arc<[f32]>)> {
        let run = ws.run()?;
        let snapshot = ws.shown_snapshot()?;
        match self.settings.look.quantity {
            TensorQuantity::Weights => Some((snapshot.step, Arc::clone(&snapshot.theta))),
            TensorQuantity::Gradient => {
                let live = run.live_gradient.as_ref().filter(|_| ws.selected.is_none());
                if let Some(live) = live {
                    return Some((live.step, Arc::clone(&live.gradient)));
                }
                let maps = run.results.gradients.as_ref()?;
                (maps.generation == run.generation)
                    .then(|| (maps.step, Arc::clone(&maps.value.gradient)))
            }
        }
    }

    /// Asks for what the shown part needs.
    fn follow(&mut self, ui: &Ui, ws: &mut Workspace) {
        let (Some(run), Some(snapshot)) = (ws.run(), ws.shown_snapshot()) else {
            return;
        };
        let setup = Arc::clone(&run.info.setup);
        let count = ws.recipe.gradients.count("samples").max(1);
        let (slot, detail) = match self.settings.look.part {
            GradientPart::Saliency => {
                (saliency_slot(), fingerprint(&(count, self.settings.output)))
            }
            GradientPart::Weights
                if self.settings.look.quantity == TensorQuantity::Gradient
                    && (ws.selected.is_some() || run.live_gradient.is_none()) =>
            {
                (gradients_slot(), 0)
            }
            _ => return,
        };
        let wanted = (run.origin(), snapshot.step, slot.clone(), detail);
        let now = ui.input(|input| input.time);
        if self.submitted.as_ref() == Some(&wanted) {
            let lost = ws.job(&slot).is_none() && now > self.submitted_at + PATIENCE;
            let answered = if slot == saliency_slot() {
                self.kept
                    .as_ref()
                    .is_some_and(|(step, of, _)| (*step, *of) == (wanted.1, wanted.0))
            } else {
                let maps = run.results.gradients.as_ref();
                maps.is_some_and(|maps| maps.step == wanted.1)
            };
            if answered || !lost {
                return;
            }
        }
        let moved_on = self
            .submitted
            .as_ref()
            .is_some_and(|(origin, _, slot, detail)| {
                (origin, slot, detail) == (&wanted.0, &wanted.2, &wanted.3)
            });
        if moved_on && ws.selected.is_none() {
            let early = now < self.submitted_at + PAUSE;
            if ws.job(&slot).is_some() || early {
                ui.ctx().request_repaint_after_secs(PAUSE as f32);
                return;
            }
        }
        if slot == saliency_slot() {
            let split = match run.info.validation {
                Some(_) => analyses::Split::Validation,
                None => analyses::Split::Train,
            };
            let output = self.settings.output;
            let job = analyses::saliency_job(setup, snapshot, split, Vec::new(), count, output);
            ws.submit(slot, "saliency maps", Succession::Replace, Box::new(job));
        } else {
            let job = analyses::gradients_job(setup, snapshot);
            ws.submit(slot, "gradient", Succession::Replace, Box::new(job));
        }
        self.submitted = Some(wanted);
        self.submitted_at = now;
    }

    /// Takes saliency maps; those of a single chosen sample are another view's.
    fn take(&mut self, ws: &Workspace) {
        let Some(run) = ws.run() else { return };
        let origin = run.origin();
        self.kept.take_if(|(_, of, _)| *of != origin);
        if let Some(result) = &run.results.saliency
            && result.generation == origin.generation
            && (result.value.samples.len() > 1 || ws.recipe.gradients.count("samples") <= 1)
        {
            self.kept = Some((result.step, origin, Arc::clone(&result.value)));
        }
    }

    fn series<'a>(run: &'a RunRecord, names: &'a [String]) -> LayerSeries<'a> {
        LayerSeries {
            key: run_key(run),
            rows: run.history.rows(),
            layers: names,
            steps_per_epoch: run.info.steps_per_epoch,
        }
    }

    /// The figure of the part that is shown, in full detail.
    fn build(&self, ws: &Workspace) -> Option<Figure> {
        if self.settings.look.part == GradientPart::Layers {
            let run = ws.run()?;
            let names = layer_names(run);
            let series = Self::series(run, &names);
            return Some(gradients::layers(&self.settings.look, &series));
        }
        Some(self.plan(ws)?())
    }

    /// How the figure of a tensor or of inputs is built.
    fn plan(&self, ws: &Workspace) -> Option<Plan> {
        let run = ws.run()?;
        let info = Arc::clone(&run.info);
        if self.settings.look.part == GradientPart::Weights {
            let (step, vector) = self.vector(ws)?;
            let (tensor, quantity) = (self.tensor(run)?, self.settings.look.quantity);
            return Some(Box::new(move || {
                let tensor = &info.network.layout().tensors[tensor];
                // The data know whether their inputs are images; a dense
                // network does not.
                let image = tensor_image(tensor, &vector, &info.data.train.shape);
                gradients::tensor(quantity, Some(&image), step)
            }));
        }
        let (step, _, maps) = self.kept.clone()?;
        Some(Box::new(move || {
            saliency::saliency(Some(&maps), info.data.train.class_names(), step)
        }))
    }

    fn controls(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        header(ui, |ui| {
            let look = &mut self.settings.look;
            segments(
                ui,
                "Gradients of",
                &mut look.part,
                &[
                    (
                        GradientPart::Layers,
                        "layers",
                        "Norms and update ratios of the layers",
                    ),
                    (
                        GradientPart::Weights,
                        "weights",
                        "One weight matrix or filter bank as images",
                    ),
                    (
                        GradientPart::Saliency,
                        "inputs",
                        "Which parts of inputs speak for a decision",
                    ),
                ],
            );
            let Some(run) = ws.run() else { return };
            match look.part {
                GradientPart::Layers => {
                    toggle(ui, &mut look.norms, "‖g‖", "Gradient norms as a heat map");
                    toggle(
                        ui,
                        &mut look.ratios,
                        "‖Δθ‖/‖θ‖",
                        "Update-to-weight ratios as lines",
                    );
                }
                GradientPart::Weights => {
                    let tensors: Vec<(String, String)> = run
                        .info
                        .network
                        .layout()
                        .iter()
                        .map(|tensor| {
                            let shape: Vec<String> =
                                tensor.shape.iter().map(usize::to_string).collect();
                            let text = format!("{} · {}", tensor.name, shape.join("×"));
                            (tensor.name.clone(), text)
                        })
                        .collect();
                    if let Some(index) = {
                        let layout = run.info.network.layout();
                        layout
                            .iter()
                            .position(|tensor| tensor.name == look.tensor)
                            .or_else(|| layout.iter().position(|t| t.kind == ParameterKind::Weight))
                    } {
                        look.tensor.clone_from(&tensors[index].0);
                    }
                    choice(
                        ui,
                        "Tensor",
                        &mut look.tensor,
                        &tensors,
                        "Which tensor is shown",
                    );
                    segments(
                        ui,
                        "Quantity",
                        &mut look.quantity,
                        &[
                            (
                                TensorQuantity::Gradient,
                                "gradient",
                                "The gradient of the loss",
                            ),
                            (
                                TensorQuantity::Weights,
                                "weights",
                                "The parameters themselves",
                            ),
                        ],
                    );
                }
                GradientPart::Saliency => {
                    let names = run.info.data.train.class_names();
                    if !names.is_empty() {
                        let mut options = vec![(None, "predicted".to_owned())];
                        options.extend(
                            names
                                .iter()
                                .enumerate()
                                .map(|(k, name)| (Some(k), name.clone())),
                        );
                        choice(
                            ui,
                            "Explained class",
                            &mut self.settings.output,
                            &options,
                            "Which class's output is explained",
                        );
                    }
                    let mut count = ws.recipe.gradients.integer("samples");
                    let mut counts = vec![4, 6, 8, 10, 12, 16];
                    if !counts.contains(&count) {
                        counts.push(count);
                        counts.sort_unstable();
                    }
                    let options: Vec<(i64, String)> = counts
                        .into_iter()
                        .map(|n| (n, format!("{n} samples")))
                        .collect();
                    if choice(ui, "Samples", &mut count, &options, "How many samples") {
                        ws.recipe.gradients.set("samples", count);
                    }
                }
            }
            controls::moment(ui, ws);
        });
    }

    fn show_layers(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        let Some(run) = ws.run() else { return };
        let names = layer_names(run);
        let series = Self::series(run, &names);
        let per_epoch = run.info.steps_per_epoch;
        // Both need room; where there is little, the norms are shown.
        let mut look = self.settings.look.clone();
        if ui.available_height() < BOTH && look.norms {
            look.ratios = false;
        }
        // The ratios are the last panel.
        let ratio_panel = usize::from(look.norms);
        let window = self.shown.view.zoomed_x(ratio_panel);
        let columns = pixel_columns(ui);
        let key = (
            series.key,
            series.rows.len(),
            0,
            window.map(|(a, b)| (a.to_bits(), b.to_bits())),
        );
        let settings = fingerprint(&(&look, columns));
        let curves = &self.curves;
        self.shown.follow(ui, key, settings, || {
            curves.get().follow(&look, &series);
            let curves = curves.clone();
            Some(Box::new(move || curves.get().figure(window, columns)))
        });
        let time = self.settings.look.time;
        let marked = ws.linked_step().or(ws.selected);
        let cursor = marked.map(|step| time.of_step(step as f64, per_epoch));
        let options = Options {
            cursors: vec![cursor, cursor],
            ..Options::default()
        };
        let response = self.shown.show(ui, "gradients of layers", &options);
        let step_at = |x: f64| time.to_step(x, per_epoch).round().max(0.0) as u64;
        if let Some(place) = response.hovered {
            ws.cursor_step = Some(step_at(place.x));
        }
        if let Some(place) = response.clicked {
            ws.select_step(step_at(place.x));
        }
    }

    fn show_other(&mut self, ui: &mut Ui, ws: &mut Workspace, sentence: &str) {
        let key = match self.settings.look.part {
            GradientPart::Weights => self
                .vector(ws)
                .map(|(step, vector)| (step, vector.as_ptr() as usize, 1, None)),
            _ => self
                .kept
                .as_ref()
                .map(|(step, _, maps)| (*step, Arc::as_ptr(maps) as usize, 2, None)),
        };
        let Some(key) = key else {
            controls::nothing_yet(ui, sentence, None);
            return;
        };
        let settings = fingerprint(&self.settings);
        let mut shown = std::mem::take(&mut self.shown);
        shown.follow(ui, key, settings, || self.plan(ws));
        self.shown = shown;
        let id = match self.settings.look.part {
            GradientPart::Weights => "gradient of weights",
            _ => "gradients of inputs",
        };
        self.shown.show(ui, id, &Options::default());
    }
}

impl Panel for GradientsPanel {
    fn kind(&self) -> PanelKind {
        PanelKind::Gradients
    }

    fn title(&self, _ws: &Workspace) -> String {
        "Gradients".to_owned()
    }

    fn ui(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        const SENTENCE: &str = "How large the gradients of all layers are, step by step; the \
                                gradient of a weight matrix as an image; and which parts of an \
                                input speak for a decision.";
        self.take(ws);
        let Some(run) = ws.run() else {
            self.shown.clear();
            controls::nothing_trained(ui, ws, SENTENCE);
            return;
        };
        self.shown.of_run(run.id());
        self.controls(ui, ws);
        for slot in [saliency_slot(), gradients_slot()] {
            if controls::failure(ui, ws, &slot) {
                self.submitted = None;
            }
        }
        self.follow(ui, ws);
        match self.settings.look.part {
            GradientPart::Layers if ws.run().is_some_and(|run| run.history.is_empty()) => {
                controls::nothing_trained(ui, ws, SENTENCE);
            }
            GradientPart::Layers => self.show_layers(ui, ws),
            _ => self.show_other(ui, ws, SENTENCE),
        }
    }

    fn settings_menu(&mut self, ui: &mut Ui, _ws: &mut Workspace) {
        let mut epochs = self.settings.look.time == Time::Epoch;
        if ui.checkbox(&mut epochs, "Count epochs").changed() {
            self.settings.look.time = if epochs { Time::Epoch } else { Time::Step };
        }
        if ui
            .button("Fit")
            .on_hover_text("Show everything again (double click)")
            .clicked()
        {
            self.shown.view.fit();
            ui.close();
        }
    }

    fn figure(&self, ws: &Workspace) -> Option<Figure> {
        let run = ws.run()?;
        if self.settings.look.part == GradientPart::Layers && run.history.is_empty() {
            return None;
        }
        Some(self.shown.as_seen(self.build(ws)?))
    }

    fn save(&self) -> Option<serde_json::Value> {
        serde_json::to_value(&self.settings).ok()
    }

    fn restore(&mut self, stored: &serde_json::Value) {
        if let Ok(settings) = serde_json::from_value(stored.clone()) {
            self.settings = settings;
        }
    }
}
