//! Short messages: shown for a while at the bottom, kept in a list.

use std::collections::VecDeque;

use eframe::egui;
use egui::{Align2, Context, Id, RichText, Ui, vec2};

use super::icons::{Icon, IconButton, small_side};
use super::theme::{self, Palette, UNIT};
use super::widgets::right_aligned;

/// How many messages are kept.
const KEPT: usize = 200;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something was done.
    Info,
    /// Something may not be as expected.
    Warning,
    /// Something could not be done.
    Error,
}

impl Level {
    /// How long a message of this kind stays on the screen, in seconds.
    fn seconds(self) -> f64 {
        match self {
            Self::Info => 4.0,
            Self::Warning => 8.0,
            Self::Error => 12.0,
        }
    }

    fn color(self, palette: &Palette) -> egui::Color32 {
        match self {
            Self::Info => palette.text,
            Self::Warning => palette.warning,
            Self::Error => palette.error,
        }
    }
}

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// How bad it is.
    pub level: Level,
    /// One sentence.
    pub text: String,
    /// The window's time when it first was shown.
    shown_at: Option<f64>,
    dismissed: bool,
}

/// All messages, the newest last.
#[derive(Debug, Default)]
pub struct Notifications {
    messages: VecDeque<Message>,
    history_open: bool,
    unread: usize,
}

impl Notifications {
    /// Tells that something was done.
    pub fn info(&mut self, text: impl Into<String>) {
        self.push(Level::Info, text.into());
    }

    /// Warns.
    pub fn warning(&mut self, text: impl Into<String>) {
        let text = text.into();
        log::warn!(target: "losscape", "{text}");
        self.push(Level::Warning, text);
    }

    /// Tells that something could not be done.
    pub fn error(&mut self, text: impl Into<String>) {
        let text = text.into();
        log::error!(target: "losscape", "{text}");
        self.push(Level::Error, text);
    }

    fn push(&mut self, level: Level, text: String) {
        // The same sentence again is the same message, shown again.
        if let Some(last) = self.messages.back_mut()
            && last.text == text
            && last.level == level
        {
            last.shown_at = None;
            last.dismissed = false;
            return;
        }
        if self.messages.len() == KEPT {
            self.messages.pop_front();
        }
        self.unread += 1;
        self.messages.push_back(Message {
            level,
            text,
            shown_at: None,
            dismissed: false,
        });
    }

    /// The messages, the oldest first.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.iter()
    }

    /// How many messages came since the list was last open.
    pub fn unread(&self) -> usize {
        self.unread
    }

    /// Opens the list, or closes it.
    pub fn toggle_history(&mut self) {
        self.history_open = !self.history_open;
        self.unread = 0;
    }

    /// Shows the newest messages above the status bar, and the list if it is open.
    pub fn show(&mut self, ctx: &Context, bottom_height: f32) {
        self.show_newest(ctx, bottom_height);
        self.show_history(ctx);
    }

    fn show_newest(&mut self, ctx: &Context, bottom_height: f32) {
        let now = ctx.time();
        let mut next_change: Option<f64> = None;
        let mut visible = Vec::new();
        for (index, message) in self.messages.iter_mut().enumerate().rev().take(4) {
            if message.dismissed {
                continue;
            }
            let shown_at = *message.shown_at.get_or_insert(now);
            let left = shown_at + message.level.seconds() - now;
            if left > 0.0 {
                next_change = Some(next_change.map_or(left, |next| next.min(left)));
                visible.push(index);
            }
        }
        if visible.is_empty() {
            return;
        }
        if let Some(left) = next_change {
            ctx.request_repaint_after(std::time::Duration::from_secs_f64(left));
        }
        let mut dismissed = None;
        egui::Area::new(Id::unique("notifications"))
            .order(egui::Order::Foreground)
            .anchor(
                Align2::RIGHT_BOTTOM,
                vec2(-2.0 * UNIT, -bottom_height - 1.5 * UNIT),
            )
            .show(ctx, |ui| {
                ui.set_width((ui.ctx().content_rect().width() - 4.0 * UNIT).min(400.0));
                // The newest one lowest.
                for index in visible.into_iter().rev() {
                    egui::Frame::popup(ui.style())
                        .inner_margin(egui::Margin::same(UNIT as i8))
                        .show(ui, |ui| {
                            ui.set_width(ui.available_width());
                            ui.horizontal_top(|ui| {
                                message_ui(ui, &self.messages[index], true);
                                right_aligned(ui, |ui| {
                                    let close = IconButton::new(Icon::Close, "Dismiss the message")
                                        .size(small_side());
                                    if ui.add(close).clicked() {
                                        dismissed = Some(index);
                                    }
                                });
                            });
                        });
                }
            });
        if let Some(message) = dismissed.and_then(|index| self.messages.get_mut(index)) {
            message.dismissed = true;
        }
    }

    fn show_history(&mut self, ctx: &Context) {
        if !self.history_open {
            return;
        }
        self.unread = 0;
        let mut open = true;
        egui::Window::new(theme::strong("Messages"))
            .id(Id::unique("messages"))
            .title_frame(
                egui::Frame::new()
                    .inner_margin(egui::Margin::symmetric(2 * UNIT as i8, UNIT as i8)),
            )
            .pivot(Align2::CENTER_CENTER)
            .default_pos(ctx.content_rect().center())
            .open(&mut open)
            .collapsible(false)
            .default_size(vec2(420.0, 280.0))
            .show(ctx, |ui| {
                if self.messages.is_empty() {
                    ui.label(theme::small(ui, "No messages so far"));
                }
                egui::ScrollArea::vertical()
                    .auto_shrink([false, false])
                    .show(ui, |ui| {
                        for message in self.messages.iter().rev() {
                            message_ui(ui, message, false);
                        }
                    });
            });
        self.history_open = open;
    }
}

fn message_ui(ui: &mut Ui, message: &Message, with_button: bool) {
    let color = message.level.color(Palette::of(ui.visuals()));
    let button = if with_button {
        small_side().x + UNIT
    } else {
        0.0
    };
    ui.horizontal_top(|ui| {
        if message.level > Level::Info {
            let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(16.0), egui::Sense::hover());
            Icon::Warning.paint(ui.painter(), rect, color);
        }
        let width = (ui.available_width() - button).max(64.0);
        ui.allocate_ui(vec2(width, 0.0), |ui| {
            ui.set_min_width(width);
            ui.add(egui::Label::new(RichText::new(&message.text).color(color)).wrap());
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_sentence_twice_is_one_message() {
        let mut notifications = Notifications::default();
        notifications.error("The disk is full");
        notifications.error("The disk is full");
        notifications.info("Saved");
        assert_eq!(notifications.messages().count(), 2);
        assert_eq!(notifications.unread(), 2);
    }

    #[test]
    fn old_messages_are_forgotten() {
        let mut notifications = Notifications::default();
        for number in 0..2 * KEPT {
            notifications.info(format!("message {number}"));
        }
        assert_eq!(notifications.messages().count(), KEPT);
    }

    #[test]
    fn a_message_goes_away_by_itself_and_stays_in_the_list() {
        let ctx = Context::default();
        let mut notifications = Notifications::default();
        notifications.info("Saved");
        let mut show = |time: f64| {
            let output = crate::app::testing::frame(
                &ctx,
                egui::RawInput {
                    time: Some(time),
                    ..Default::default()
                },
                |ui| notifications.show(ui.ctx(), 0.0),
            );
            output.shapes.len()
        };
        show(0.0);
        assert!(show(1.0) > 0);
        assert_eq!(show(30.0), 0);
        assert_eq!(notifications.messages().count(), 1);
    }
}
