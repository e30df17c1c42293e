//! What the tests of the window share.

use eframe::egui;
use egui_kittest::{Harness, HarnessBuilder};

use crate::app::fonts;
use crate::app::theme::{self, Appearance};

/// A harness of this size with the window's fonts, light or dark.
pub fn harness<State>(size: (f32, f32), dark: bool) -> HarnessBuilder<State> {
    Harness::builder()
        .with_size(egui::vec2(size.0, size.1))
        .with_theme(if dark {
            egui::Theme::Dark
        } else {
            egui::Theme::Light
        })
        .with_context_setup(move |context| {
            fonts::install(context);
            let appearance = if dark {
                Appearance::Dark
            } else {
                Appearance::Light
            };
            theme::install(context, appearance, false);
        })
        .with_render_cursor(false)
        .wgpu()
}

/// Draws the harness with wgpu. Where the variable `LOSSCAPE_LOOK` names a
/// folder, the picture goes there, for a person to look at.
pub fn look<State>(harness: &mut Harness<'_, State>, name: &str, dark: bool) {
    let image = harness.render().expect("a wgpu adapter such as lavapipe");
    assert!(image.width() > 0);
    if let Ok(folder) = std::env::var("LOSSCAPE_LOOK") {
        let mode = if dark { "dark" } else { "light" };
        let path = std::path::Path::new(&folder).join(format!("{} {mode}.png", name));
        image.save(path).expect("the folder of LOSSCAPE_LOOK");
    }
}
