//! The line of time at the bottom: snapshots as ticks, a handle at what views
//! show, and the way back to the live run.

use eframe::egui;
use egui::{Align, Key, Rect, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::commands::Command;
use super::theme::{self, HALF, Palette, UNIT};
use super::widgets::{fixed_label, thousands};
use super::workspace::Workspace;
use crate::engine::RunState;

/// Shows the line; a drag chooses the snapshot that views show.
pub fn ui(ui: &mut Ui, ws: &mut Workspace) -> Option<Command> {
    let mut asked = None;
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = UNIT;
        let Some(run) = ws.run() else {
            ui.label(theme::small(ui, "No run yet"));
            return;
        };
        let newest = run.newest_step();
        let end = run.info.total_steps.max(newest).max(1);
        let shown = ws.selected.unwrap_or(newest);
        let live = ws.selected.is_none();

        let widest = thousands(end).replace(|digit: char| digit.is_ascii_digit(), "0");
        fixed_label(ui, &thousands(shown), &widest, "Shown step", Align::Max)
            .on_hover_text("The step whose parameters the views show");
        let live_button = egui::Button::selectable(live, "Live").min_size(vec2(48.0, 0.0));
        let live_width = 56.0;
        let fork_button = egui::Button::new("Fork").min_size(vec2(48.0, 0.0));
        let size = vec2(
            (ui.available_width() - 2.0 * (live_width + UNIT)).max(48.0),
            ui.spacing().interact_size.y,
        );
        let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        response.widget_info(|| {
            let mut info = WidgetInfo::slider(true, shown as f64, "Timeline");
            info.enabled = true;
            info
        });
        let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
        let rail = Rect::from_min_max(
            pos2(rect.left() + HALF, rect.center().y - 1.5),
            pos2(rect.right() - HALF, rect.center().y + 1.5),
        );
        let place =
            |step: u64| rail.left() + rail.width() * (step as f64 / end as f64).min(1.0) as f32;
        let step_at = |x: f32| {
            let part = f64::from((x - rail.left()) / rail.width()).clamp(0.0, 1.0);
            (part * end as f64).round() as u64
        };

        if ui.is_rect_visible(rect) {
            draw(
                ui,
                ws,
                rail,
                rect,
                &place,
                shown,
                live,
                response.has_focus(),
            );
        }
        if (response.dragged() || response.clicked())
            && let Some(pointer) = response.interact_pointer_pos()
        {
            if pointer.x >= place(newest) && response.dragged() {
                ws.follow_live();
            } else {
                ws.select_step(step_at(pointer.x));
            }
        } else if let Some(pointer) = response.hover_pos() {
            let step = step_at(pointer.x).min(newest);
            ws.cursor_step = Some(step);
            response.clone().on_hover_text_at_pointer(format!(
                "Step {}; drag to look at a past snapshot",
                thousands(step)
            ));
        }
        if response.has_focus() {
            let (back, forward) = ui.input_mut(|input| {
                (
                    input.count_and_consume_key(egui::Modifiers::NONE, Key::ArrowLeft),
                    input.count_and_consume_key(egui::Modifiers::NONE, Key::ArrowRight),
                )
            });
            for _ in 0..back {
                ws.select_neighbour(false);
            }
            for _ in 0..forward {
                ws.select_neighbour(true);
            }
        }
        if ui
            .add(live_button)
            .on_hover_text(Command::FollowLive.tooltip_with_shortcut(ui.ctx()))
            .clicked()
        {
            asked = Some(Command::FollowLive);
        }
        let can_fork = Command::Fork.enabled(&ws.situation());
        if ui
            .add_enabled(can_fork, fork_button)
            .on_hover_text(Command::Fork.tooltip_with_shortcut(ui.ctx()))
            .clicked()
        {
            asked = Some(Command::Fork);
        }
    });
    asked
}

#[expect(clippy::too_many_arguments, reason = "one drawing, used once")]
fn draw(
    ui: &Ui,
    ws: &Workspace,
    rail: Rect,
    rect: Rect,
    place: &impl Fn(u64) -> f32,
    shown: u64,
    live: bool,
    focused: bool,
) {
    let Some(run) = ws.run() else { return };
    let palette = Palette::of(ui.visuals());
    let painter = ui.painter();
    painter.rect_filled(rail, 1.5, palette.control_active);
    let done = Rect::from_min_max(rail.min, pos2(place(run.newest_step()), rail.bottom()));
    painter.rect_filled(done, 1.5, palette.weak);

    // One tick a pixel at most.
    let mut last = f32::NEG_INFINITY;
    let tick = Stroke::new(1.0, palette.weak);
    let shapes = run.snapshots.all().iter().filter_map(|snapshot| {
        let x = place(snapshot.step).round() + 0.5;
        if x - last < 3.0 {
            return None;
        }
        last = x;
        Some(Shape::line_segment(
            [pos2(x, rail.bottom() + 1.0), pos2(x, rail.bottom() + 5.0)],
            tick,
        ))
    });
    painter.extend(shapes);

    for (step, ..) in &run.changes {
        let x = place(*step);
        let top = rail.top() - 7.0;
        painter.add(Shape::convex_polygon(
            vec![pos2(x - 3.0, top), pos2(x + 3.0, top), pos2(x, top + 5.0)],
            palette.warning,
            Stroke::NONE,
        ));
    }
    if let RunState::Diverged(divergence) = &run.state {
        let x = place(divergence.step);
        painter.line_segment(
            [pos2(x, rect.top() + 3.0), pos2(x, rect.bottom() - 3.0)],
            Stroke::new(2.0, palette.error),
        );
    }
    if let Some(step) = ws.linked_step() {
        let x = place(step);
        painter.line_segment(
            [pos2(x, rect.top() + 4.0), pos2(x, rect.bottom() - 4.0)],
            Stroke::new(1.0, palette.outline),
        );
    }
    let center = pos2(place(shown), rail.center().y);
    if live {
        painter.circle_filled(center, 5.0, palette.accent);
    } else {
        painter.circle_filled(center, 6.0, palette.paper);
        painter.circle_stroke(center, 6.0, Stroke::new(2.0, palette.accent));
    }
    if focused {
        painter.circle_stroke(center, 9.0, Stroke::new(1.0, palette.accent));
    }
}
