//! The command palette: any command or experiment by a few letters of its name.

use std::ops::Range;

use eframe::egui;
use egui::{Align2, Context, Id, Key, Modifiers, TextEdit, text::LayoutJob, vec2};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::commands::{Command, Situation};
use super::theme::{self, Palette as Colors, UNIT};

/// What can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A command.
    Command(Command),
    /// The experiment of this place in the gallery.
    Experiment(usize),
}

/// One line of the palette.
#[derive(Clone, Debug)]
struct Line {
    choice: Choice,
    text: String,
    enabled: bool,
    /// The matched characters, as byte ranges.
    matched: Vec<Range<usize>>,
}

/// The palette and what is typed in it.
pub struct Palette {
    open: bool,
    just_opened: bool,
    query: String,
    selected: usize,
    matcher: Matcher,
}

impl Default for Palette {
    fn default() -> Self {
        Self {
            open: false,
            just_opened: false,
            query: String::new(),
            selected: 0,
            matcher: Matcher::new(Config::DEFAULT),
        }
    }
}

impl Palette {
    /// Opens it, or closes it.
    pub fn toggle(&mut self) {
        self.open = !self.open;
        self.just_opened = self.open;
        self.query.clear();
        self.selected = 0;
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Shows the palette, if it is open; what was chosen, if something was.
    pub fn show(
        &mut self,
        ctx: &Context,
        experiments: &[String],
        now: &Situation,
    ) -> Option<Choice> {
        if !self.open {
            return None;
        }
        let lines = self.lines(experiments, now);
        self.selected = self.selected.min(lines.len().saturating_sub(1));
        let (down, up, enter) = ctx.input_mut(|input| {
            (
                input.count_and_consume_key(Modifiers::NONE, Key::ArrowDown),
                input.count_and_consume_key(Modifiers::NONE, Key::ArrowUp),
                input.consume_key(Modifiers::NONE, Key::Enter),
            )
        });
        if !lines.is_empty() {
            self.selected =
                (self.selected + down + lines.len() - up.min(lines.len())) % lines.len();
        }
        let moved = down + up > 0;
        let mut chosen = None;

        let screen = ctx.content_rect();
        let width = (screen.width() - 4.0 * UNIT).min(520.0);
        let modal = egui::Modal::new(Id::unique("palette"))
            .area(egui::Modal::default_area(Id::unique("palette")).anchor(
                Align2::CENTER_TOP,
                vec2(0.0, (screen.height() * 0.12).round()),
            ))
            .backdrop_color(Colors::of(&ctx.global_style().visuals).scrim)
            .show(ctx, |ui| {
                ui.set_width(width);
                let field = ui.add(
                    TextEdit::singleline(&mut self.query)
                        .id(Id::unique("palette query"))
                        .hint_text("Find a command or an experiment")
                        .desired_width(f32::INFINITY)
                        .margin(vec2(UNIT, 0.75 * UNIT))
                        .align(Align2::LEFT_CENTER)
                        .lock_focus(true),
                );
                if self.just_opened {
                    field.request_focus();
                }
                if field.changed() {
                    self.selected = 0;
                }
                ui.add_space(theme::HALF);
                egui::ScrollArea::vertical()
                    .max_height((screen.height() * 0.6).min(420.0))
                    .auto_shrink([false, true])
                    .show(ui, |ui| {
                        ui.spacing_mut().item_spacing.y = 0.0;
                        if lines.is_empty() {
                            ui.add_space(UNIT);
                            ui.label(theme::small(
                                ui,
                                format!("Nothing here is called “{}”", self.query),
                            ));
                        }
                        for (index, line) in lines.iter().enumerate() {
                            let selected = index == self.selected;
                            let response = line_ui(ui, line, selected);
                            if selected && (moved || self.just_opened) {
                                response.scroll_to_me(None);
                            }
                            if line.enabled && response.clicked() {
                                chosen = Some(line.choice);
                            }
                        }
                    });
            });
        self.just_opened = false;
        if enter && let Some(line) = lines.get(self.selected).filter(|line| line.enabled) {
            chosen = Some(line.choice);
        }
        if chosen.is_some() || modal.should_close() {
            self.open = false;
        }
        chosen
    }

    fn lines(&mut self, experiments: &[String], now: &Situation) -> Vec<Line> {
        use strum::IntoEnumIterator as _;
        let commands = Command::iter()
            .filter(|command| *command != Command::Palette)
            .map(|command| {
                (
                    Choice::Command(command),
                    format!("{}: {}", command.section().title(), command.text()),
                    command.enabled(now),
                )
            });
        let experiments = experiments.iter().enumerate().map(|(index, name)| {
            (
                Choice::Experiment(index),
                format!("Experiment: {name}"),
                true,
            )
        });
        let pattern = Pattern::parse(&self.query, CaseMatching::Smart, Normalization::Smart);
        let mut buffer = Vec::new();
        let mut scored: Vec<(u32, Line)> = commands
            .chain(experiments)
            .filter_map(|(choice, text, enabled)| {
                let mut indices = Vec::new();
                let score = pattern.indices(
                    Utf32Str::new(&text, &mut buffer),
                    &mut self.matcher,
                    &mut indices,
                )?;
                let matched = byte_ranges(&text, &indices);
                Some((
                    score + u32::from(enabled),
                    Line {
                        choice,
                        text,
                        enabled,
                        matched,
                    },
                ))
            })
            .collect();
        if !self.query.is_empty() {
            scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        }
        scored.into_iter().map(|(_, line)| line).collect()
    }
}

/// The byte ranges of the characters with these numbers.
fn byte_ranges(text: &str, characters: &[u32]) -> Vec<Range<usize>> {
    text.char_indices()
        .enumerate()
        .filter(|(number, _)| characters.contains(&(*number as u32)))
        .map(|(_, (start, character))| start..start + character.len_utf8())
        .collect()
}

fn line_ui(ui: &mut egui::Ui, line: &Line, selected: bool) -> egui::Response {
    let colors = Colors::of(ui.visuals());
    let font = egui::TextStyle::Body.resolve(ui.style());
    let (plain, hit) = if line.enabled {
        (colors.text, colors.accent)
    } else {
        (colors.weak, colors.weak)
    };
    let mut job = LayoutJob::default();
    let mut at = 0;
    let format = |color| egui::TextFormat::simple(font.clone(), color);
    for range in &line.matched {
        job.append(&line.text[at..range.start], 0.0, format(plain));
        job.append(&line.text[range.clone()], 0.0, format(hit));
        at = range.end;
    }
    job.append(&line.text[at..], 0.0, format(plain));

    let mut button = egui::Button::selectable(selected, job)
        .min_size(vec2(ui.available_width(), ui.spacing().interact_size.y))
        .frame_when_inactive(selected)
        .truncate()
        .right_text("");
    if let Choice::Command(command) = line.choice
        && let Some(keys) = command.shortcut_text(ui.ctx())
    {
        button = button.shortcut_text(egui::RichText::new(keys).color(colors.weak));
    }
    let response = ui
        .add_enabled(line.enabled, button)
        .accessible_name(line.text.clone());
    match line.choice {
        Choice::Command(command) => response
            .on_hover_text(command.tooltip())
            .on_disabled_hover_text("Cannot be done now"),
        Choice::Experiment(_) => response,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str) -> Vec<Line> {
        let mut palette = Palette {
            query: query.to_owned(),
            ..Palette::default()
        };
        palette.lines(
            &["Two spirals".to_owned(), "Handwritten digits".to_owned()],
            &Situation {
                loaded: true,
                can_train: true,
                ..Situation::default()
            },
        )
    }

    #[test]
    fn without_letters_everything_is_listed() {
        use strum::IntoEnumIterator as _;
        assert_eq!(found("").len(), Command::iter().count() - 1 + 2);
    }

    #[test]
    fn a_few_letters_find_commands_and_experiments() {
        assert_eq!(
            found("present")[0].choice,
            Choice::Command(Command::Presentation)
        );
        assert_eq!(found("hdig")[0].choice, Choice::Experiment(1));
        assert_eq!(found("spir")[0].choice, Choice::Experiment(0));
        assert_eq!(
            found("light th")[0].choice,
            Choice::Command(Command::LightTheme)
        );
        assert!(found("qqqq").is_empty());
    }

    #[test]
    fn matched_letters_are_marked_where_they_are() {
        let line = &found("presentation")[0];
        let letters: String = line
            .matched
            .iter()
            .map(|range| &line.text[range.clone()])
            .collect();
        assert_eq!(letters.to_lowercase(), "presentation");
        assert_eq!(byte_ranges("λ₁ a", &[1, 3]), [2..5, 6..7]);
    }

    #[test]
    fn what_cannot_be_done_is_shown_but_marked() {
        let undo = found("undo");
        let line = undo
            .iter()
            .find(|line| line.choice == Choice::Command(Command::Undo))
            .expect("undo is listed");
        assert!(!line.enabled);
    }
}
