//! The settings that are too rarely needed for the header.

use std::sync::Arc;

use eframe::egui::{self, Ui};

use super::LandscapePanel;
use super::readout;
use super::settings::{Directions, Second};
use crate::app::panels::controls::{all, choice, remark, segments};
use crate::app::workspace::Workspace;
use crate::engine::analyses::{self, PathCentre, SliceSettings};
use crate::engine::{Slot, Succession};
use crate::landscape::Drawing;

/// The self-test that was asked for.
pub(super) struct SelfTest {
    drawing: Drawing,
    layers: Option<Vec<usize>>,
    step: u64,
}

fn slot() -> Slot {
    Slot::new("landscape self-test")
}

impl LandscapePanel {
    pub(super) fn menu(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        self.look(ui);
        ui.separator();
        self.directions(ui, ws);
        ui.separator();
        if let Some(kept) = &self.kept {
            for line in readout::full(&kept.result.value.info) {
                remark(ui, &line);
            }
        }
        if self.settings.directions == Directions::Random {
            self.self_test(ui, ws);
        }
        self.ball.kick_ui(ui, ws);
        if ui
            .button("Fit")
            .on_hover_text("Show the whole slice again (double click)")
            .clicked()
        {
            self.shown.view.fit();
            ui.close();
        }
    }

    fn look(&mut self, ui: &mut Ui) {
        let look = &mut self.settings.look;
        ui.horizontal(|ui| {
            ui.label("Colours");
            choice(ui, "Colours", &mut look.colors, &all(), "The colour map");
        });
        ui.checkbox(&mut look.smooth, "Interpolate between points");
        ui.checkbox(&mut look.path, "Path of training");
        ui.checkbox(&mut look.basins, "Minima and saddles")
            .on_hover_text("Where the basins of this grid lie and meet; small dents are left out");
        ui.checkbox(&mut look.labels, "Values on contours");
        ui.horizontal(|ui| {
            ui.label("Contours");
            let drag = ui.add(egui::DragValue::new(&mut look.contours).range(0..=40));
            drag.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::SpinButton, true, "Number of contours")
            });
        });
    }

    fn directions(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        match self.settings.directions {
            Directions::Random => self.random(ui, ws),
            Directions::Path => {
                ui.horizontal(|ui| {
                    ui.label("Components around");
                    segments(
                        ui,
                        "Centre",
                        &mut self.settings.path_centre,
                        &[
                            (
                                PathCentre::Parameters,
                                "θ∗",
                                "The parameters that are looked at",
                            ),
                            (
                                PathCentre::Mean,
                                "mean",
                                "The mean of the snapshots; the slice is drawn through it",
                            ),
                        ],
                    );
                });
            }
            Directions::Through => self.through(ui, ws),
            _ => {}
        }
        if self.settings.directions.has_second() {
            ui.horizontal(|ui| {
                ui.label("Second direction");
                let options = Second::ALL.map(|(key, text)| (key, text.to_owned()));
                choice(
                    ui,
                    "Second direction",
                    &mut self.settings.second,
                    &options,
                    "What the second axis is",
                );
            });
        }
    }

    fn random(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        ui.horizontal(|ui| {
            ui.label("Normalization");
            let mut chosen = ws.recipe.slice.text("normalization").to_owned();
            let options: Vec<(String, String)> = [
                ("filter", "filter"),
                ("layer", "layer"),
                ("elementwise", "element-wise"),
                ("none", "none"),
            ]
            .map(|(key, text)| (key.to_owned(), text.to_owned()))
            .to_vec();
            if choice(
                ui,
                "Normalization",
                &mut chosen,
                &options,
                "How directions are scaled",
            ) {
                ws.recipe.slice.set("normalization", chosen.as_str());
            }
        });
        ui.checkbox(&mut self.settings.orthogonal, "Orthogonal before scaling");
        let usual = SliceSettings::from_recipe(&ws.recipe.slice);
        let usual = usual.drawing().include_biases;
        let mut biases = self.settings.biases.unwrap_or(usual);
        if ui
            .checkbox(&mut biases, "Biases and normalisation move")
            .changed()
        {
            self.settings.biases = (biases != usual).then_some(biases);
        }
        let Some(run) = ws.run() else { return };
        let layout = run.info.setup.network.layout();
        if layout.layers() < 2 {
            return;
        }
        ui.horizontal_wrapped(|ui| {
            ui.label("Layers");
            for layer in 0..layout.layers() {
                let name = layout.layer_name(layer);
                let mut moves = !self.settings.still.iter().any(|still| still == name);
                let before = moves;
                crate::app::panels::controls::toggle(
                    ui,
                    &mut moves,
                    name,
                    "Whether random directions move this layer",
                );
                if moves != before {
                    self.settings.still.retain(|still| still != name);
                    if !moves {
                        self.settings.still.push(name.to_owned());
                    }
                }
            }
        });
    }

    fn through(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        let names: Vec<String> = self
            .points
            .all(ws)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        for (k, (title, hint)) in [
            ("d₁ to", "The parameters at α = 1"),
            ("d₂ to", "The parameters at β = 1"),
        ]
        .into_iter()
        .enumerate()
        {
            let mut options: Vec<(Option<String>, String)> = names
                .iter()
                .map(|name| (Some(name.clone()), name.clone()))
                .collect();
            if k == 1 {
                options.insert(0, (None, "random".to_owned()));
            }
            ui.horizontal(|ui| {
                ui.label(title);
                choice(ui, title, &mut self.settings.through[k], &options, hint);
            });
        }
        ui.checkbox(&mut self.settings.through_orthogonal, "d₂ orthogonal to d₁");
        if let Some(snapshot) = ws.shown_snapshot()
            && ui
                .button("Pin this moment")
                .on_hover_text("Keep the parameters that are shown, to draw planes through them")
                .clicked()
        {
            let name = self.points.pin(&snapshot);
            let free = usize::from(self.settings.through[0].is_some());
            self.settings.through[free] = Some(name);
        }
    }

    /// The button, and what came of it, as long as it is about this slice.
    fn self_test(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        let settings = self.slice_settings(ws);
        let (drawing, layers) = (settings.drawing(), settings.layers.clone());
        let pressed = ui
            .button("Self-test of the normalization")
            .on_hover_text(
                "Scales a layer and a neuron without changing the network's function, and \
                 compares the slices",
            )
            .clicked();
        if pressed && let (Some(run), Some(centre)) = (ws.run(), self.centre(ws)) {
            let step = centre.step;
            let setup = Arc::clone(&run.info.setup);
            let job = analyses::invariance_job(setup, centre, settings);
            let label = "self-test".to_owned();
            ws.submit(slot(), label, Succession::Replace, Box::new(job));
            self.self_test = Some(SelfTest {
                drawing,
                layers,
                step,
            });
            return;
        }
        let Some(asked) = &self.self_test else { return };
        if asked.drawing != drawing || asked.layers != layers {
            return;
        }
        let result = ws.run().and_then(|run| run.results.invariance.as_ref());
        let Some(result) = result.filter(|result| result.step == asked.step) else {
            return;
        };
        if result.value.is_empty() {
            remark(
                ui,
                "It does not apply: the network has no two layers with only ReLU, identity, \
                 pooling or flattening between them.",
            );
        }
        ui.scope(|ui| {
            ui.set_max_width(300.0);
            for found in result.value.iter() {
                remark(ui, &found.sentence());
            }
        });
    }
}
