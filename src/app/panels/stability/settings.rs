//! What a person can choose in the view of stability.

use eframe::egui::Ui;
use serde::{Deserialize, Serialize};

use crate::app::panels::controls::{NARROW, choice, segments, toggle, whole_number};
use crate::stability::{FlowSettings, StabilitySettings};
use crate::train::Setup;
use crate::views::stability::StabilityPart;

/// Which part of the view is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum View {
    /// A part of the readings.
    Readings(StabilityPart),
    /// Flows beside the run.
    Flows,
}

/// What is stored of the panel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    pub(super) view: View,
    /// Updates in the window.
    pub(super) steps: u64,
    /// Steps between two measurements of eigenvalues.
    pub(super) every: u64,
    /// How many eigenvalues; those of [`StabilitySettings::of`] where not given.
    pub(super) top: Option<usize>,
    pub(super) log: bool,
    pub(super) gradient_flow: bool,
    pub(super) central_flow: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            view: View::Readings(StabilityPart::Sharpness),
            steps: 100,
            every: 5,
            top: None,
            log: false,
            gradient_flow: true,
            central_flow: false,
        }
    }
}

impl Settings {
    /// Brings stored values into their ranges.
    pub(super) fn clamped(self) -> Self {
        Self {
            steps: self.steps.clamp(4, 5000),
            every: self.every.clamp(1, 500),
            top: self.top.map(|top| top.clamp(1, 20)),
            ..self
        }
    }

    pub(super) fn is_without_flows(&self) -> bool {
        !self.gradient_flow && !self.central_flow
    }

    pub(super) fn readings(&self, setup: &Setup, steps: u64) -> StabilitySettings {
        let standard = StabilitySettings::of(setup);
        StabilitySettings {
            steps,
            every: self.every,
            top: self.top.unwrap_or(standard.top),
            ..standard
        }
    }

    pub(super) fn flows(&self, steps: u64) -> FlowSettings {
        FlowSettings {
            steps,
            every: self.every,
            gradient_flow: self.gradient_flow,
            central_flow: self.central_flow,
            ..FlowSettings::default()
        }
    }

    /// The part of the view, and what belongs to it.
    pub(super) fn ui(&mut self, ui: &mut Ui, setup: &Setup) {
        use StabilityPart::{Oscillation, Overlap, Prediction, Share, Sharpness};
        let part = View::Readings;
        let parts = [
            (
                part(Sharpness),
                "sharpness",
                "Top eigenvalues against the stability line, and the curvature along the step",
            ),
            (
                part(Oscillation),
                "oscillation",
                "Gradient and parameters along the top eigenvector, step by step",
            ),
            (
                part(Share),
                "share",
                "How much of the gradient lies in the space of the top eigenvectors",
            ),
            (
                part(Overlap),
                "overlap",
                "How much the space of the top eigenvectors has in common with its past",
            ),
            (
                part(Prediction),
                "prediction",
                "The change of the loss that gradient and Hessian predict, and the real one",
            ),
            (
                View::Flows,
                "flows",
                "Gradient flow and central flow, started beside the run",
            ),
        ];
        let narrow = ui.max_rect().width() < NARROW;
        if narrow {
            let named: Vec<(View, String)> = parts
                .iter()
                .map(|(view, name, _)| (*view, (*name).to_owned()))
                .collect();
            choice(ui, "Shown", &mut self.view, &named, "Which part is shown");
        } else {
            segments(ui, "Shown", &mut self.view, &parts);
        }
        match self.view {
            View::Readings(Sharpness) => {
                toggle(
                    ui,
                    &mut self.log,
                    "log",
                    "A logarithmic axis of the eigenvalues",
                );
            }
            View::Flows => {
                ui.label("Beside it:");
                toggle(
                    ui,
                    &mut self.gradient_flow,
                    "gradient flow",
                    "dθ/dt = −∇L from the window's first step, by the Runge–Kutta method: where \
                     infinitely small steps would go",
                );
                toggle(
                    ui,
                    &mut self.central_flow,
                    "central flow",
                    "Where gradient descent goes on average while it oscillates along one unstable \
                     direction (Cohen et al., 2025); takes longer",
                );
            }
            View::Readings(_) => {}
        }
        if !narrow {
            self.numbers(ui, setup);
        }
    }

    /// The window, and how many eigenvalues.
    pub(super) fn numbers(&mut self, ui: &mut Ui, setup: &Setup) {
        let steps = "Steps in the window: the last ones, or those from the step that is shown";
        whole_number(ui, &mut self.steps, "steps", steps, 4..=5000);
        let every = if self.view == View::Flows {
            "Steps between two measurements of the sharpness of run and gradient flow"
        } else {
            "Steps between two measurements of eigenvalues"
        };
        whole_number(ui, &mut self.every, "every", every, 1..=500);
        if self.view != View::Flows {
            let standard = StabilitySettings::of(setup).top as u64;
            let mut top = self.top.map_or(standard, |top| top as u64);
            let hint = "Top eigenvalues; if nothing else is chosen, as many as there are classes, for \
                        a regression as many as the recipe's spectrum has, 20 at most";
            if whole_number(ui, &mut top, "k", hint, 1..=20) {
                self.top = usize::try_from(top).ok();
            }
        }
    }
}
