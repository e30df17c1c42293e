//! What lies around the parameters: how far the loss rises, by every measure of
//! sharpness, and what becomes of it when the weights have few bits only.

mod asked;
mod bits;
mod sharpness;
#[cfg(test)]
mod tests;

use eframe::egui::{self, Button, Ui};
use serde::{Deserialize, Serialize};

use super::controls::{self, header, segments};
use super::shown::Shown;
use super::{Panel, PanelKind};
use crate::app::widgets::thousands;
use crate::app::workspace::Workspace;
use crate::curvature::sharpness::{Neighbourhood, SharpnessReport, SharpnessSettings};
use crate::engine::quantized::QuantizedReport;
use crate::figure::Figure;
use crate::nn::quantize::{QuantizerScope, ScaleRule};
use crate::views::quantized::QuantizedPart;
use asked::{Asked, CHEAP};
use bits::{PlaneOf, Question};

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Segment {
    /// How far the loss rises.
    #[default]
    Sharpness,
    /// Weights of few bits.
    FewBits,
}

/// The radii around which the rise of the loss is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Radii {
    rho: f64,
    scaled_rho: f64,
    epsilon: f64,
}

impl Default for Radii {
    fn default() -> Self {
        let usual = SharpnessSettings::default();
        Self {
            rho: usual.rho,
            scaled_rho: usual.scaled_rho,
            epsilon: usual.epsilon,
        }
    }
}

/// What is stored of the panel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Settings {
    /// Measure again and again while the training goes on.
    follow: bool,
    segment: Segment,
    /// How far the radius that is told is from the one asked for.
    shift: i32,
    /// The neighbourhood that is shown where there is room for one.
    seen: Neighbourhood,
    /// The table instead of the curves, where there is room for one.
    table: bool,
    radii: Radii,
    bits: u32,
    scope: QuantizerScope,
    rule: ScaleRule,
    plane_of: PlaneOf,
    part: QuantizedPart,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            follow: false,
            segment: Segment::default(),
            shift: 0,
            seen: Neighbourhood::Ball,
            table: false,
            radii: Radii::default(),
            bits: 3,
            scope: QuantizerScope::default(),
            rule: ScaleRule::default(),
            plane_of: PlaneOf::default(),
            part: QuantizedPart::Plane,
        }
    }
}

pub(super) struct NeighbourhoodPanel {
    settings: Settings,
    sharpness: Asked<SharpnessSettings, SharpnessReport>,
    bits: Asked<Question, QuantizedReport>,
    /// The figure of the segment that is shown.
    shown: Shown<(usize, usize)>,
    /// The room under the controls, in the frame before.
    room: egui::Vec2,
}

impl Default for NeighbourhoodPanel {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            sharpness: Asked::new("sharpness"),
            bits: Asked::new("quantized"),
            shown: Shown::default(),
            room: egui::Vec2::ZERO,
        }
    }
}

impl Segment {
    /// What it shows.
    fn sentence(self) -> &'static str {
        match self {
            Self::Sharpness => {
                "How far the loss rises around these parameters: SAM's, ASAM's and the box's \
                 largest rise, the mean rise, λ₁ and the Fisher–Rao norm, each with its error and \
                 with the rescalings that it does not see."
            }
            Self::FewBits => {
                "The loss of this network with weights of few bits: on a plane beside the float \
                 network's, over the quantizer's scales, and against the number of bits."
            }
        }
    }
}

impl NeighbourhoodPanel {
    fn slot(&self) -> crate::engine::Slot {
        match self.settings.segment {
            Segment::Sharpness => self.sharpness.slot(),
            Segment::FewBits => self.bits.slot(),
        }
    }

    /// The step of what is shown, whether it is not what would be measured now,
    /// and how long it took.
    fn standing(&self, ws: &Workspace) -> (Option<u64>, bool, Option<f64>) {
        match self.settings.segment {
            Segment::Sharpness => (
                self.sharpness.kept().map(|(kept, _)| kept.step),
                self.sharpness.is_left(ws),
                self.sharpness.took(),
            ),
            Segment::FewBits => (
                self.bits.kept().map(|(kept, _)| kept.step),
                self.bits.is_left(ws),
                self.bits.took(),
            ),
        }
    }

    fn demand(&mut self) {
        match self.settings.segment {
            Segment::Sharpness => self.sharpness.demand(),
            Segment::FewBits => self.bits.demand(),
        }
    }

    fn controls(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        let room = self.room;
        header(ui, |ui| {
            let changed = segments(
                ui,
                "Around the parameters",
                &mut self.settings.segment,
                &[
                    (
                        Segment::Sharpness,
                        "sharpness",
                        "How far the loss rises within a radius",
                    ),
                    (
                        Segment::FewBits,
                        "few bits",
                        "The network with weights of few bits",
                    ),
                ],
            );
            if changed {
                self.shown.clear();
                self.shown.view.fit();
            }
            match self.settings.segment {
                Segment::Sharpness => {
                    self.sharpness_controls(ui);
                    self.sharpness_parts(ui, room);
                }
                Segment::FewBits => self.bits_controls(ui, room),
            }
            let (measured, left, took) = self.standing(ws);
            if ws.is_running() && measured.is_some() {
                self.follow_ui(ui, took);
            }
            if left
                && measured.is_some()
                && ui
                    .button("Measure")
                    .on_hover_text("Measure the parameters that are shown")
                    .clicked()
            {
                self.demand();
            }
            let shown = ws.shown_snapshot().map(|snapshot| snapshot.step);
            if let Some(step) = measured.filter(|step| Some(*step) != shown) {
                let weak = crate::app::theme::Palette::of(ui.visuals()).weak;
                ui.label(
                    egui::RichText::new(format!("measured at step {}", thousands(step)))
                        .color(weak),
                );
            }
            controls::moment(ui, ws);
            controls::progress(ui, ws, &self.slot());
        });
    }

    fn follow_ui(&mut self, ui: &mut Ui, took: Option<f64>) {
        let cheap = took.is_some_and(|took| took <= CHEAP);
        let button = Button::new("follow")
            .selected(self.settings.follow && cheap)
            .frame_when_inactive(true);
        let response = ui
            .add_enabled(cheap, button)
            .on_hover_text("Measure again and again while the training goes on");
        let response = match took {
            Some(took) => response.on_disabled_hover_text(format!(
                "A measurement takes {} s, too long to follow the training; \u{201c}Measure\u{201d} \
                 takes one",
                crate::figure::ticks::format_number(took, 2)
            )),
            None => response.on_disabled_hover_text("The first measurement is still under way"),
        };
        let on = self.settings.follow;
        response.widget_info(|| {
            egui::WidgetInfo::selected(egui::Role::CheckBox, cheap, on && cheap, "follow")
        });
        if response.clicked() {
            self.settings.follow = !on;
        }
    }
}

impl Panel for NeighbourhoodPanel {
    fn kind(&self) -> PanelKind {
        PanelKind::Neighbourhood
    }

    fn title(&self, _ws: &Workspace) -> String {
        "Neighbourhood".to_owned()
    }

    fn ui(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        self.take_sharpness(ws);
        self.take_bits(ws);
        let sentence = self.settings.segment.sentence();
        let Some(run) = ws.run() else {
            self.shown.clear();
            controls::nothing_trained(ui, ws, sentence);
            return;
        };
        self.shown.of_run(run.id());
        self.controls(ui, ws);
        if controls::failure(ui, ws, &self.slot()) {
            self.demand();
        }
        match self.settings.segment {
            Segment::Sharpness => self.follow_sharpness(ui, ws),
            Segment::FewBits => self.follow_bits(ui, ws),
        }
        if self.standing(ws).0.is_none() {
            let busy = ws.job(&self.slot()).is_some();
            let button = (!busy).then_some("Measure");
            if controls::nothing_yet(ui, sentence, button) {
                self.demand();
            }
            return;
        }
        let room = ui.available_size();
        self.room = room;
        match self.settings.segment {
            Segment::Sharpness => self.sharpness_body(ui, ws, room),
            Segment::FewBits => self.bits_body(ui, ws, room),
        }
    }

    fn settings_menu(&mut self, ui: &mut Ui, _ws: &mut Workspace) {
        match self.settings.segment {
            Segment::Sharpness => self.radii_menu(ui),
            Segment::FewBits => self.bits_menu(ui),
        }
        if ui.button("Measure again").clicked() {
            self.demand();
            ui.close();
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
        match self.settings.segment {
            Segment::Sharpness => self.sharpness_export(ws),
            Segment::FewBits => self.bits_export(ws),
        }
    }

    fn save(&self) -> Option<serde_json::Value> {
        serde_json::to_value(&self.settings).ok()
    }

    fn restore(&mut self, stored: &serde_json::Value) {
        if let Ok(settings) = serde_json::from_value::<Settings>(stored.clone()) {
            self.settings = settings;
            let radii = &mut self.settings.radii;
            let usual = Radii::default();
            for (value, usual) in [
                (&mut radii.rho, usual.rho),
                (&mut radii.scaled_rho, usual.scaled_rho),
                (&mut radii.epsilon, usual.epsilon),
            ] {
                if !(*value > 0.0 && value.is_finite()) {
                    *value = usual;
                }
            }
        }
    }
}
