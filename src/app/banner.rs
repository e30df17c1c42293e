//! The banner over the views when a run cannot go on: what happened, and what
//! can be done.

use eframe::egui;
use egui::{Button, RichText, Ui, vec2};

use super::icons::Icon;
use super::recipe_editor::format_float;
use super::theme::{HALF, Palette, UNIT};
use super::widgets::{primary_button, thousands};
use super::workspace::Workspace;
use crate::engine::RunState;
use crate::recipe::Value;

/// What was chosen.
#[derive(Clone, Debug, PartialEq)]
enum Way {
    /// Go back to this step, paused.
    Back(u64),
    /// Go back to this step and train on with this learning rate.
    Lower(u64, f64),
    /// Start the applied recipe again.
    Restart,
}

/// Shows the banner if the run diverged or failed.
pub fn ui(ui: &mut Ui, ws: &mut Workspace) {
    let Some(run) = ws.run() else {
        if let Some(message) = ws.load_failure.clone() {
            frame(ui, |ui| {
                message_ui(ui, &message);
            });
        }
        return;
    };
    let mut way = None;
    match &run.state {
        RunState::Diverged(divergence) => {
            let back = divergence.rewind_to;
            let explanation = divergence.explanation.clone();
            let lower = lower_rate(ws);
            frame(ui, |ui| {
                message_ui(ui, &explanation);
                ui.horizontal_wrapped(|ui| {
                    let text = format!("Step back to {}", thousands(back));
                    if primary_button(ui, true, &text)
                        .on_hover_text("Return to that snapshot, paused")
                        .clicked()
                    {
                        way = Some(Way::Back(back));
                    }
                    if let Some(rate) = lower {
                        let text = format!("Lower η to {} and go on", format_float(rate));
                        if ui
                            .add(Button::new(text))
                            .on_hover_text(format!(
                                "Return to step {}, set the learning rate, and train on",
                                thousands(back)
                            ))
                            .clicked()
                        {
                            way = Some(Way::Lower(back, rate));
                        }
                    }
                });
            });
        }
        RunState::Failed { message } => {
            let message = message.clone();
            frame(ui, |ui| {
                message_ui(ui, &message);
                if primary_button(ui, true, "Start the last working recipe").clicked() {
                    way = Some(Way::Restart);
                }
            });
        }
        _ => {}
    }
    match way {
        Some(Way::Back(step)) => ws.rewind(step),
        Some(Way::Lower(step, rate)) => {
            ws.rewind(step);
            ws.recipe.optimizer.set("learning_rate", rate);
            ws.set_live("optimizer", "learning_rate", Value::Float(rate));
            ws.play();
        }
        Some(Way::Restart) => ws.restart(),
        None => {}
    }
}

/// A learning rate that the last measured sharpness allows: half of the largest
/// stable one, or half of the present one.
fn lower_rate(ws: &Workspace) -> Option<f64> {
    let run = ws.run()?;
    let present = match ws.recipe.optimizer.get("learning_rate")? {
        Value::Float(rate) => *rate,
        Value::Integer(rate) => *rate as f64,
        _ => return None,
    };
    let stable = run
        .spectrum
        .last()
        .and_then(|point| Some((point.sharpness()?, &point.stability)))
        .and_then(|(sharpness, stability)| stability.largest_learning_rate(sharpness))
        .map(|(rate, _)| rate / 2.0)
        .filter(|rate| rate.is_finite() && *rate > 0.0);
    let rate = stable.map_or(present / 2.0, |stable| stable.min(present / 2.0));
    // Two digits are enough, and read well.
    format!("{rate:.1e}").parse().ok()
}

fn frame(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    let palette = Palette::of(ui.visuals());
    egui::Frame::NONE
        .fill(palette.banner)
        .corner_radius(4.0)
        .inner_margin(egui::Margin::symmetric((1.5 * UNIT) as i8, UNIT as i8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = UNIT;
            content(ui);
        });
    ui.add_space(HALF);
}

fn message_ui(ui: &mut Ui, message: &str) {
    let palette = Palette::of(ui.visuals());
    ui.horizontal_top(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(18.0, 18.0), egui::Sense::hover());
        Icon::Warning.paint(ui.painter(), rect, palette.warning);
        ui.add(egui::Label::new(RichText::new(message).color(palette.text)).wrap());
    });
}
