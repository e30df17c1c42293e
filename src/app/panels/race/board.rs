//! The score board and the moment that is looked at.

use eframe::egui::{self, Align, Grid, Layout, RichText, ScrollArea, Ui, WidgetInfo};

use super::super::controls::header;
use super::{HIGH, RacePanel, WIDE, lockstep};
use crate::app::theme::{HALF, Palette, UNIT};
use crate::app::widgets::{line_sample, thousands};
use crate::figure::ticks::format_number;
use crate::race::{Lockstep, Status};

impl RacePanel {
    /// Lets the race measure the moment that is looked at.
    pub(super) fn look(&mut self) {
        let Some(thread) = &self.thread else { return };
        let sent = thread.look(self.at, self.settings.sharpness);
        self.tell(sent);
    }

    /// The slider over the race's clock: all runners stand at one moment.
    pub(super) fn scrub_ui(&mut self, ui: &mut Ui) {
        let Some(frame) = self.frame.clone() else {
            return;
        };
        let lockstep = lockstep(&frame);
        let end = frame.clock;
        let mut at = self.at.unwrap_or(end).min(end);
        let text = match lockstep {
            Lockstep::Step => format!("step {}", thousands(at as u64)),
            Lockstep::Eta => format!("Σηₜ {}", format_number(at, 4)),
            Lockstep::Time => format!("{} s", format_number(at, 3)),
        };
        let row = ui.spacing().interact_size.y + 2.0 * HALF;
        let room = ui.available_size();
        self.small = room.x < WIDE || room.y - row < HIGH;
        ui.push_id("moment", |ui| {
            header(ui, |ui| {
                if self.small {
                    self.part_ui(ui);
                }
                let weak = Palette::of(ui.visuals()).weak;
                let size = egui::vec2(72.0, ui.spacing().interact_size.y);
                ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
                    ui.set_min_width(size.x);
                    ui.label(RichText::new(&text).color(weak));
                });
                // The row is wider than the panel where it can be broken.
                let room = ui.max_rect().right() - ui.cursor().left();
                ui.spacing_mut().slider_width = (room - 2.0 * UNIT).max(40.0);
                let range = 0.0..=end.max(f64::MIN_POSITIVE);
                let mut slider = egui::Slider::new(&mut at, range).show_value(false);
                if lockstep == Lockstep::Step {
                    slider = slider.step_by(1.0);
                }
                let response = ui.add_enabled(end > 0.0, slider).on_hover_text(
                    "Look at an earlier moment of all runners; at the right end they are followed",
                );
                response.widget_info(|| {
                    WidgetInfo::slider(true, at, format!("Moment of the race: {text}"))
                });
                if response.changed() {
                    self.scrub(at, end);
                }
            });
        });
    }

    /// Looks at a moment of the clock, or follows the race at its end.
    fn scrub(&mut self, at: f64, end: f64) {
        let newest = at >= end * (1.0 - 1e-9);
        self.at = (!newest).then_some(at);
        if self.is_running() && self.at.is_some() {
            self.wanted = false;
            let sent = self.thread.as_ref().map_or(Ok(()), |thread| thread.pause());
            self.tell(sent);
        }
        self.look();
    }

    /// Who stands where.
    pub(super) fn board_ui(&mut self, ui: &mut Ui) {
        let Some(frame) = self.frame.clone() else {
            return;
        };
        let board = &frame.board;
        let palette = Palette::of(ui.visuals());
        let has_validation = board.scores.iter().any(|score| score.val_loss.is_some());
        let has_minimum = board
            .scores
            .iter()
            .any(|score| score.distance_from_minimum.is_some());
        let has_sharpness = board.scores.iter().any(|score| score.sharpness.is_some());
        ScrollArea::both()
            .auto_shrink([false, false])
            .show(ui, |ui| {
                ui.style_mut().override_text_style = Some(egui::TextStyle::Small);
                ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
                ui.spacing_mut().interact_size.y *= 0.75;
                Grid::new("score board")
                    .num_columns(8)
                    .striped(true)
                    .spacing([1.5 * UNIT, HALF / 2.0])
                    .show(ui, |ui| {
                        let head = |ui: &mut Ui, text: &str, hint: &str| {
                            ui.label(RichText::new(text).color(palette.weak))
                                .on_hover_text(hint);
                        };
                        head(ui, "", "");
                        head(ui, "runner", "Optimizer and learning rate");
                        head(ui, "step", "Updates done");
                        head(
                            ui,
                            "loss",
                            "Over the whole training set, or of the function",
                        );
                        if has_validation {
                            head(ui, "validation", "Loss over the validation set");
                        }
                        head(
                            ui,
                            "from start",
                            "Distance of the parameters from the start",
                        );
                        head(
                            ui,
                            "from best",
                            "Distance from the runner with the smallest loss",
                        );
                        if has_minimum {
                            head(
                                ui,
                                "from minimum",
                                "Distance from the nearest known minimum",
                            );
                        }
                        if has_sharpness {
                            head(ui, "λ₁", "The largest eigenvalue of the Hessian there");
                        }
                        ui.end_row();
                        for (index, (runner, score)) in
                            frame.runners.iter().zip(&board.scores).enumerate()
                        {
                            line_sample(ui, index);
                            let best = board.best == Some(index);
                            let diverged = match &runner.status {
                                Status::Diverged(divergence) => Some(&divergence.explanation),
                                Status::Running | Status::Finished => None,
                            };
                            let name = if best {
                                RichText::new(&runner.name).color(palette.strong).strong()
                            } else {
                                RichText::new(&runner.name)
                            };
                            let response = ui.label(name);
                            if let Some(explanation) = diverged {
                                response.on_hover_text(explanation);
                            }
                            let number = |ui: &mut Ui, value: Option<f64>| {
                                ui.label(value.map_or_else(String::new, |v| format_number(v, 4)));
                            };
                            if diverged.is_some() {
                                ui.label(
                                    RichText::new(format!("{} stopped", thousands(score.step)))
                                        .color(palette.error),
                                );
                            } else {
                                ui.label(thousands(score.step));
                            }
                            number(ui, Some(score.train_loss));
                            if has_validation {
                                number(ui, score.val_loss);
                            }
                            number(ui, Some(score.distance_from_start));
                            number(ui, score.distance_from_best);
                            if has_minimum {
                                number(ui, score.distance_from_minimum);
                            }
                            if has_sharpness {
                                number(ui, score.sharpness.map(|found| found.value));
                            }
                            ui.end_row();
                        }
                    });
            });
    }
}
