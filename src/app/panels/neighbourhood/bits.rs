//! The network with weights of few bits.

use std::sync::Arc;

use eframe::egui::{self, Ui, WidgetInfo};
use serde::{Deserialize, Serialize};

use super::super::controls::{NARROW, choice, nothing_yet, segments, slider};
use super::super::shown::{Plan, fingerprint};
use super::NeighbourhoodPanel;
use crate::app::plot::Options;
use crate::app::workspace::Workspace;
use crate::engine::analyses::{DirectionInfo, SliceDirections};
use crate::engine::quantized::{QuantizedSettings, quantized_job};
use crate::figure::Figure;
use crate::nn::quantize::{QuantizerScope, ScaleRule};
use crate::views::landscape::displacement_unit;
use crate::views::quantized::{self as view, QuantizedLook, QuantizedPart};

/// Most bits that are looked at: with more there is nothing to see.
const MOST_BITS: u32 = 8;
/// Points of the line, of a sweep, on a side of the map over two scales, and on
/// a side of the plane.
const LINE: usize = 201;
const SWEEP: usize = 257;
const MAP: usize = 17;
const GRID: usize = 33;
/// Room from which on everything is shown at once.
const ROOMY: egui::Vec2 = egui::vec2(900.0, 640.0);

/// Which plane the quantized network is seen on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PlaneOf {
    /// That of the landscape's newest slice; a random one where there is none.
    #[default]
    Landscape,
    /// Random directions as the recipe normalises them.
    Random,
}

/// What the quantized network was asked for with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Question {
    bits: u32,
    scope: QuantizerScope,
    rule: ScaleRule,
    /// The landscape's directions; random ones where there are none.
    plane: Option<Arc<DirectionInfo>>,
}

impl NeighbourhoodPanel {
    fn bits_question(&self, ws: &Workspace) -> Question {
        let plane = (self.settings.plane_of == PlaneOf::Landscape)
            .then(|| {
                let run = ws.run()?;
                let found = run.results.landscape.as_ref()?;
                (found.generation == run.generation).then(|| found.value.info.clone())
            })
            .flatten();
        // Directions that change with every step of a training ask for nothing.
        let before = self.bits.question().and_then(|asked| asked.plane.clone());
        let moving = ws.is_running() && plane.is_some() && before.is_some();
        Question {
            bits: self.settings.bits.clamp(1, MOST_BITS),
            scope: self.settings.scope,
            rule: self.settings.rule,
            plane: if moving { before } else { plane },
        }
    }

    pub(super) fn follow_bits(&mut self, ui: &Ui, ws: &mut Workspace) {
        let question = self.bits_question(ws);
        let asked = question.clone();
        let follow = self.settings.follow;
        let label = format!("quantized, {}", view::bits_name(question.bits));
        self.bits
            .follow(ui, ws, question, follow, &label, |ws, snapshot| {
                let run = ws.run()?;
                let mut settings = QuantizedSettings::from_recipe(&run.info.setup);
                settings.bits = asked.bits;
                settings.scope = asked.scope;
                settings.rule = asked.rule;
                (settings.line, settings.sweep, settings.map) = (LINE, SWEEP, MAP);
                settings.plane = true;
                settings.slice.grid = GRID;
                if let (Some(_), Some(landscape)) = (&asked.plane, &run.results.landscape) {
                    settings.slice.directions =
                        SliceDirections::Given(Arc::clone(&landscape.value.directions));
                }
                let setup = Arc::clone(&run.info.setup);
                Some(Box::new(quantized_job(setup, snapshot, settings)))
            });
    }

    pub(super) fn take_bits(&mut self, ws: &Workspace) {
        let result = ws.run().and_then(|run| run.results.quantized.as_ref());
        self.bits.take(ws, result, |asked, found| {
            found.bits == asked.bits && found.scope == asked.scope && found.rule == asked.rule
        });
    }

    pub(super) fn bits_controls(&mut self, ui: &mut Ui, room: egui::Vec2) {
        let narrow = ui.max_rect().width() < NARROW;
        let mut bits = self.settings.bits.clamp(1, MOST_BITS);
        let width = if narrow { 64.0 } else { 96.0 };
        let hint = "Bits of a weight; biases and normalizations keep all of theirs";
        let bar = egui::Slider::new(&mut bits, 1..=MOST_BITS);
        let response = slider(ui, "bits", bar, width, hint);
        response.widget_info(|| WidgetInfo::slider(true, f64::from(bits), "Bits of a weight"));
        self.settings.bits = bits;
        if !Self::is_roomy(room) {
            segments(
                ui,
                "Part",
                &mut self.settings.part,
                &[
                    (
                        QuantizedPart::Plane,
                        "plane",
                        "The loss on one plane, as it is and with the weights quantized",
                    ),
                    (
                        QuantizedPart::Scales,
                        "scales",
                        "The loss over factors on the quantizer's scales",
                    ),
                    (
                        QuantizedPart::Bits,
                        "bits",
                        "The loss against the number of bits, and along one direction",
                    ),
                ],
            );
        }
        if !narrow {
            self.plane_choice(ui);
        }
    }

    fn is_roomy(room: egui::Vec2) -> bool {
        room.x >= ROOMY.x && room.y >= ROOMY.y
    }

    fn plane_choice(&mut self, ui: &mut Ui) {
        choice(
            ui,
            "Plane",
            &mut self.settings.plane_of,
            &[
                (PlaneOf::Landscape, "the landscape's plane".to_owned()),
                (PlaneOf::Random, "a random plane".to_owned()),
            ],
            "The directions of the landscape view's newest slice, or random ones that are scaled \
             as the recipe says",
        );
    }

    /// What is too rarely needed for the view itself.
    pub(super) fn bits_menu(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            ui.label("Seen on");
            self.plane_choice(ui);
        });
        ui.horizontal(|ui| {
            ui.label("One scale for");
            choice(
                ui,
                "One scale for",
                &mut self.settings.scope,
                &[
                    (QuantizerScope::Tensor, "each layer".to_owned()),
                    (QuantizerScope::Channel, "each unit".to_owned()),
                ],
                "Whether a layer's weights share a scale, or those into each unit",
            );
        });
        ui.horizontal(|ui| {
            ui.label("Scales from");
            choice(
                ui,
                "Scales from",
                &mut self.settings.rule,
                &[
                    (ScaleRule::MaxAbs, "the largest weight".to_owned()),
                    (ScaleRule::LeastSquares, "least squares".to_owned()),
                ],
                "The largest weight becomes a level, or the squared error is least; one bit always \
                 takes the mean of |W|",
            );
        });
    }

    pub(super) fn bits_body(&mut self, ui: &mut Ui, ws: &Workspace, room: egui::Vec2) {
        let Some((result, question)) = self.bits.kept() else {
            return;
        };
        let part = if Self::is_roomy(room) {
            QuantizedPart::All
        } else {
            self.settings.part
        };
        let missing = match part {
            QuantizedPart::Plane => result.value.plane.is_none(),
            QuantizedPart::Scales => result.value.sweeps.is_empty(),
            QuantizedPart::All | QuantizedPart::Bits => false,
        };
        if missing {
            let sentence = if ws.job(&self.bits.slot()).is_some() {
                "This part is still being computed."
            } else {
                "This part was cancelled: measure again."
            };
            nothing_yet(ui, sentence, None);
            return;
        }
        let look = QuantizedLook {
            part,
            stacked: part != QuantizedPart::All && room.x < 1.1 * room.y,
        };
        let key = (
            Arc::as_ptr(&result.value) as usize,
            usize::from(result.complete),
        );
        let settings = fingerprint(&(&look, question));
        let mut shown = std::mem::take(&mut self.shown);
        shown.follow(ui, key, settings, || self.bits_plan(ws, look));
        self.shown = shown;
        self.shown.show(ui, "quantized", &Options::default());
    }

    fn bits_plan(&self, ws: &Workspace, look: QuantizedLook) -> Option<Plan> {
        let (result, question) = self.bits.kept()?;
        let report = Arc::clone(&result.value);
        let run = ws.run()?;
        let drawn = question.plane.is_none() && run.info.setup.dim() != 2;
        let unit = if drawn {
            displacement_unit(run.info.setup.recipe.slice.text("normalization"))
        } else {
            ""
        };
        Some(Box::new(move || view::figure(&report, unit, look)))
    }

    pub(super) fn bits_export(&self, ws: &Workspace) -> Option<Figure> {
        Some(self.bits_plan(ws, QuantizedLook::default())?())
    }
}
