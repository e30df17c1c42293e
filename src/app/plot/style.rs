//! What a figure's theme is on screen.

use eframe::egui::{self, Color32, Stroke, TextStyle};

use crate::figure::{FigureTheme, Ink, LineStyle};

/// The figure theme that suits the style of a `ui`: dark or light, with its
/// text sizes, on the ground of its panels.
pub fn theme(ui: &egui::Ui) -> FigureTheme {
    let visuals = ui.visuals();
    let base = if visuals.dark_mode {
        FigureTheme::dark()
    } else {
        FigureTheme::light()
    };
    let label = f64::from(TextStyle::Small.resolve(ui.style()).size);
    let mut theme = base.scaled(label / base.label_size);
    theme.background = visuals.panel_fill.to_srgba_unmultiplied();
    theme
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
