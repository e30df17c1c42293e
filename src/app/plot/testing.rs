//! What the tests of the window share.

use eframe::egui;
use egui_kittest::{Harness, HarnessBuilder};

use crate::app::theme::{self, Appearance};
use crate::app::{fonts, surface};

/// The graphics device that tests draw with.
pub fn render_state() -> eframe::egui_wgpu::RenderState {
    egui_kittest::wgpu::create_render_state(
        egui_kittest::wgpu::default_wgpu_setup(),
        eframe::egui_wgpu::RendererOptions::PREDICTABLE,
    )
}

/// A harness of this size with the window's fonts, light or dark, in which
/// surfaces can be drawn.
pub fn harness<State>(size: (f32, f32), dark: bool) -> HarnessBuilder<State> {
    let state = render_state();
    let renderer = egui_kittest::wgpu::WgpuTestRenderer::from_render_state(state.clone());
    Harness::builder()
        .with_size(egui::vec2(size.0, size.1))
        .with_theme(if dark {
            egui::Theme::Dark
        } else {
            egui::Theme::Light
        })
        .with_context_setup(move |context| {
            surface::install(context, &state);
            fonts::install(context);
            let appearance = if dark {
                Appearance::Dark
            } else {
                Appearance::Light
            };
            theme::install(context, appearance, false);
        })
        .with_render_cursor(false)
        .renderer(renderer)
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
