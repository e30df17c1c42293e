//! The bar at the very bottom: running analyses, what finished last, the
//! graphics adapter and the seed.

use eframe::egui;
use egui::{Rect, RichText, Sense, Ui, pos2, vec2};

use super::icons::{Icon, IconButton, small_side};
use super::theme::{self, HALF, Palette, UNIT};
use super::widgets::right_aligned;
use super::workspace::Workspace;

/// The graphics adapter that draws the window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adapter {
    /// Its name, as its driver gives it.
    pub name: String,
    /// The driver's interface: Vulkan, Metal, …
    pub backend: String,
    /// It is a program, not hardware.
    pub software: bool,
}

impl Adapter {
    /// The adapter of this render state.
    pub fn of(state: &eframe::egui_wgpu::RenderState) -> Self {
        let info = state.adapter.get_info();
        Self {
            name: info.name,
            backend: info.backend.to_string(),
            software: info.device_type == eframe::wgpu::DeviceType::Cpu,
        }
    }

    /// The name without what stands in brackets, and whether it is software.
    pub fn label(&self) -> String {
        let name = self.name.split(" (").next().unwrap_or_default();
        if name.is_empty() {
            "no graphics adapter".to_owned()
        } else if self.software {
            format!("{name} (software rendering)")
        } else {
            name.to_owned()
        }
    }
}

/// Shows the bar.
pub fn ui(ui: &mut Ui, ws: &mut Workspace, adapter: &Adapter) {
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = UNIT;
        // The right end first: it is always there, the jobs get what is left.
        right_aligned(ui, |ui| {
            let seed = ws.applied.seed;
            ui.label(theme::small(ui, format!("seed {seed}")));
            if ui.available_width() > 420.0 {
                let hint = if adapter.software {
                    "The window is drawn by the processor, which training needs too; a graphics \
                     driver would make both faster"
                } else {
                    "The graphics adapter that draws the window"
                };
                ui.label(theme::small(ui, adapter.label()))
                    .on_hover_text(hint);
            }
            ui.with_layout(
                egui::Layout::left_to_right(egui::Align::Center).with_main_justify(false),
                |ui| jobs_ui(ui, ws),
            );
        });
    });
}

fn jobs_ui(ui: &mut Ui, ws: &mut Workspace) {
    let mut cancel = None;
    let mut hidden = 0;
    for job in ws.jobs.iter().filter(|job| !job.is_done()) {
        if ui.available_width() < 200.0 {
            hidden += 1;
            continue;
        }
        ui.spacing_mut().item_spacing.x = HALF;
        ui.label(theme::small(ui, job.label()));
        progress(ui, job.progress());
        let name = format!("Cancel {}", job.label());
        if ui
            .add(IconButton::new(Icon::Close, &name).size(small_side()))
            .on_hover_text(&name)
            .clicked()
        {
            cancel = Some(job.slot().clone());
        }
        ui.add_space(UNIT);
    }
    if hidden > 0 {
        ui.label(theme::small(ui, format!("and {hidden} more")));
    }
    if let Some(slot) = cancel {
        ws.cancel(&slot);
    }
    let idle = ws.jobs.iter().all(|job| job.is_done());
    if idle && let Some((label, seconds)) = &ws.last_finished {
        let text = format!("{label} ✓ {}", duration(*seconds));
        ui.add(egui::Label::new(theme::small(ui, text)).truncate());
    }
}

/// A thin bar of fixed width, and the percentage.
fn progress(ui: &mut Ui, part: f32) {
    let palette = Palette::of(ui.visuals());
    let (rect, _) = ui.allocate_exact_size(vec2(64.0, 14.0), Sense::hover());
    let rail = Rect::from_center_size(rect.center(), vec2(rect.width(), 4.0));
    ui.painter().rect_filled(rail, 2.0, palette.control_active);
    let done = Rect::from_min_max(
        rail.min,
        pos2(
            rail.left() + rail.width() * part.clamp(0.0, 1.0),
            rail.bottom(),
        ),
    );
    ui.painter().rect_filled(done, 2.0, palette.accent);
    let percent = format!("{:.0} %", 100.0 * part);
    let (text, _) = ui.allocate_exact_size(vec2(36.0, 14.0), Sense::hover());
    let font = egui::TextStyle::Small.resolve(ui.style());
    ui.painter().text(
        text.right_center(),
        egui::Align2::RIGHT_CENTER,
        percent,
        font,
        palette.weak,
    );
}

/// A time as a person reads it.
pub fn duration(seconds: f64) -> String {
    if seconds < 0.0995 {
        format!("{:.0} ms", 1000.0 * seconds)
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!(
            "{:.0} min {:02.0} s",
            (seconds / 60.0).floor(),
            seconds % 60.0
        )
    }
}

/// Says that something is an error, in the right colour.
pub fn error_text(ui: &Ui, text: &str) -> RichText {
    RichText::new(text).color(Palette::of(ui.visuals()).error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(0.004), "4 ms");
        assert_eq!(duration(0.34), "0.3 s");
        assert_eq!(duration(75.0), "1 min 15 s");
    }

    #[test]
    fn software_rendering_is_said() {
        let adapter = Adapter {
            name: "llvmpipe (LLVM 15.0.6, 256 bits)".to_owned(),
            backend: "vulkan".to_owned(),
            software: true,
        };
        assert_eq!(adapter.label(), "llvmpipe (software rendering)");
        assert_eq!(Adapter::default().label(), "no graphics adapter");
    }
}
