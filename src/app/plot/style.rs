//! What a figure's theme is on screen.

use eframe::egui::{self, Color32, Stroke};

use crate::app::theme::figure_theme;
use crate::figure::{FigureTheme, Ink, LineStyle};

/// The figure theme that suits the style of a `ui`.
pub fn theme(ui: &egui::Ui) -> FigureTheme {
    figure_theme(ui.visuals())
}

/// A colour of a theme as egui's.
pub fn color([red, green, blue, opacity]: [u8; 4]) -> Color32 {
    Color32::from_rgba_unmultiplied(red, green, blue, opacity)
}

/// The colour of an ink.
pub(super) fn ink(theme: &FigureTheme, ink: Ink) -> Color32 {
    color(theme.rgba(ink))
}

/// The stroke of a line style.
pub(super) fn stroke(theme: &FigureTheme, style: &LineStyle) -> Stroke {
    Stroke::new(style.pixels(theme) as f32, color(style.rgba(theme)))
}
