//! The views: loss curves, landscape, paths, neighbourhood, spectrum, stability,
//! gradients, opposing signals, data, races.
//!
//! A panel reads the workspace, has a figure built when something that it shows
//! has changed (at most some 15 times a second, on a thread of its own unless it
//! takes next to no time), draws it, and asks the engine for the analyses that
//! it needs. A panel that is not on the screen is not
//! called, and so asks for nothing.

mod builder;
mod controls;
mod data;
mod gradients;
mod hessian;
mod landscape;
mod loss;
mod neighbourhood;
mod paths;
mod race;
mod shown;
mod signals;
mod spectrum;
mod stability;
mod submitted;

#[cfg(test)]
mod tests;

use eframe::egui::Ui;
use serde::{Deserialize, Serialize};

use super::surface::Shot;
use super::workspace::Workspace;
use crate::figure::Figure;

/// Which view.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PanelKind {
    /// Training and validation loss over the steps.
    Loss,
    /// A slice of the loss landscape.
    Landscape,
    /// Eigenvalues of the Hessian.
    Spectrum,
    /// Gradients of layers, weights and inputs.
    Gradients,
    /// Samples that the steps pull in opposite directions.
    Signals,
    /// The data and what the network makes of them.
    Data,
    /// Paths to other solutions.
    Paths,
    /// Several optimizers side by side.
    Race,
    /// Sharpness measures and quantized networks around the parameters.
    Neighbourhood,
    /// What happens along the top eigenvectors, step by step.
    Stability,
}

/// A view in a tile.
pub trait Panel {
    /// Which view it is.
    fn kind(&self) -> PanelKind;

    /// What its tile is called.
    fn title(&self, ws: &Workspace) -> String;

    /// Draws the view and handles what is done to it.
    fn ui(&mut self, ui: &mut Ui, ws: &mut Workspace);

    /// The settings that are too rarely needed for the view itself.
    fn settings_menu(&mut self, ui: &mut Ui, ws: &mut Workspace);

    /// The figure as it is seen now, for exporting it; nothing before there is
    /// something to see.
    fn figure(&self, ws: &Workspace) -> Option<Figure>;

    /// What is seen in space instead of that figure, if the view shows that.
    fn shot(&self) -> Option<Shot> {
        None
    }

    /// The settings, to be stored.
    fn save(&self) -> Option<serde_json::Value>;

    /// Takes stored settings; those of another version are left.
    fn restore(&mut self, stored: &serde_json::Value);
}

/// A new view of this kind with its default settings.
pub fn new(kind: PanelKind) -> Box<dyn Panel> {
    match kind {
        PanelKind::Loss => Box::new(loss::LossPanel::default()),
        PanelKind::Landscape => Box::new(landscape::LandscapePanel::default()),
        PanelKind::Spectrum => Box::new(spectrum::SpectrumPanel::default()),
        PanelKind::Gradients => Box::new(gradients::GradientsPanel::default()),
        PanelKind::Signals => Box::new(signals::SignalsPanel::default()),
        PanelKind::Data => Box::new(data::DataPanel::default()),
        PanelKind::Paths => Box::new(paths::PathsPanel::default()),
        PanelKind::Race => Box::new(race::RacePanel::default()),
        PanelKind::Neighbourhood => Box::new(neighbourhood::NeighbourhoodPanel::default()),
        PanelKind::Stability => Box::new(stability::StabilityPanel::default()),
    }
}
