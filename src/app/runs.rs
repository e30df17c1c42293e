//! The list of runs: which line is which, which are shown, and which to forget.

use eframe::egui;
use egui::{RichText, Ui};

use super::icons::{Icon, IconButton, small_side};
use super::theme::{self, HALF, Palette};
use super::widgets::{line_sample, right_aligned};
use super::workspace::Workspace;

/// Shows the list if there is more than one run.
pub fn ui(ui: &mut Ui, ws: &mut Workspace) {
    if ws.runs.len() < 2 {
        return;
    }
    ui.label(theme::strong("Runs"));
    let mut remove = None;
    let palette = Palette::of(ui.visuals());
    let current = ws.current;
    for (index, run) in ws.runs.iter_mut().enumerate().rev() {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = HALF;
            line_sample(ui, run.color);
            let is_current = index == current;
            right_aligned(ui, |ui| {
                if is_current {
                    ui.label(theme::small(ui, "current"));
                } else {
                    let name = format!("Remove {}", run.name);
                    let close = IconButton::new(Icon::Close, &name).size(small_side());
                    if ui.add(close).on_hover_text(&name).clicked() {
                        remove = Some(run.id());
                    }
                    let (icon, name) = if run.visible {
                        (Icon::Eye, format!("Hide {}", run.name))
                    } else {
                        (Icon::EyeOff, format!("Show {}", run.name))
                    };
                    let eye = IconButton::new(icon, &name).size(small_side());
                    if ui.add(eye).on_hover_text(&name).clicked() {
                        run.visible = !run.visible;
                    }
                }
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    let color = if is_current || run.visible {
                        palette.text
                    } else {
                        palette.weak
                    };
                    ui.add(egui::Label::new(RichText::new(&run.name).color(color)).truncate())
                        .on_hover_text(difference_text(&run.info.recipe));
                });
            });
        });
    }
    if let Some(id) = remove {
        ws.remove_run(id);
    }
    ui.add_space(HALF);
    ui.separator();
}

/// What identifies a run at a glance.
fn difference_text(recipe: &crate::recipe::Recipe) -> String {
    let rate = recipe
        .optimizer
        .get("learning_rate")
        .map_or_else(String::new, |value| format!(", η {value}"));
    format!(
        "{} on {}{rate}, seed {}",
        recipe.optimizer.kind, recipe.data.kind, recipe.seed
    )
}
