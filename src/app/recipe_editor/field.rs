//! One field of the recipe as a widget: a slider, a number, a choice, a list.

use std::collections::HashMap;

use eframe::egui;
use egui::{Align, ComboBox, DragValue, Layout, Response, RichText, Slider, TextEdit, Ui, vec2};

use super::super::theme::{HALF, Palette, UNIT};
use crate::recipe::{Field, FieldKind, Section, Value};

/// What a field's widget gives back.
#[derive(Debug, Default)]
pub(in crate::app) struct Outcome {
    /// The new value, if it was changed.
    pub value: Option<Value>,
    /// Why what is typed is no value at all, in a sentence.
    pub message: Option<String>,
    /// A file is to be chosen.
    pub choose_file: bool,
}

/// A row: what it is on the left, with its explanation, the control on the right.
pub(super) fn row(
    ui: &mut Ui,
    label: &str,
    help: &str,
    control: impl FnOnce(&mut Ui) -> Response,
) -> Response {
    let label_width = (ui.available_width() * 0.46).clamp(112.0, 176.0).round();
    let height = ui.spacing().interact_size.y;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = UNIT;
        ui.add_space(UNIT);
        let weak = Palette::of(ui.visuals()).text;
        ui.allocate_ui_with_layout(
            vec2(label_width - UNIT, height),
            Layout::left_to_right(Align::Center),
            |ui| {
                ui.set_min_width(label_width - UNIT);
                ui.add(egui::Label::new(RichText::new(label).color(weak)).truncate())
                    .on_hover_text(help);
            },
        );
        control(ui).on_hover_text(help)
    })
    .inner
}

/// A sentence about what is wrong, under its field.
pub(super) fn message_ui(ui: &mut Ui, message: &str) {
    let color = Palette::of(ui.visuals()).error;
    ui.horizontal(|ui| {
        ui.add_space(UNIT);
        ui.add(egui::Label::new(RichText::new(message).small().color(color)).wrap());
    });
}

/// The choice among a section's kinds; the chosen one.
pub(in crate::app) fn kind_row(ui: &mut Ui, section: &Section, kind: &str) -> Option<&'static str> {
    let current = section.kind(kind);
    let mut chosen = None;
    row(ui, "Kind", section.help, |ui| {
        combo(
            ui,
            (section.key, "kind"),
            &format!("{}: kind", section.title),
            current.map_or(kind, |kind| kind.title),
            |ui| {
                for candidate in &section.kinds {
                    let response = ui
                        .selectable_label(candidate.key == kind, candidate.title)
                        .on_hover_text(candidate.help);
                    if response.clicked() {
                        chosen = Some(candidate.key);
                    }
                }
            },
        )
    });
    chosen
}

fn combo(
    ui: &mut Ui,
    salt: (&str, &str),
    name: &str,
    selected: &str,
    content: impl FnOnce(&mut Ui),
) -> Response {
    ComboBox::from_id_salt(salt)
        .selected_text(selected)
        .width(ui.available_width() - HALF)
        .truncate()
        .show_ui(ui, content)
        .response
        .accessible_name(name)
}

/// The widget of one field.
pub(in crate::app) struct FieldEditor<'a> {
    /// The section.
    pub section: &'static Section,
    /// The field.
    pub field: &'static Field,
    /// What is being typed in list fields.
    pub texts: &'a mut HashMap<(String, String), String>,
}

impl FieldEditor<'_> {
    fn name(&self) -> String {
        self.field.label.to_owned()
    }

    fn salt(&self) -> (&'static str, &'static str) {
        (self.section.key, self.field.key)
    }

    /// Shows it.
    pub fn ui(&mut self, ui: &mut Ui, value: Option<&Value>) -> Outcome {
        let mut outcome = Outcome::default();
        let field = self.field;
        match (field.kind, value) {
            (FieldKind::Bool, Some(Value::Bool(value))) => {
                let mut on = *value;
                let name = self.name();
                row(ui, field.label, field.help, |ui| {
                    ui.add(egui::Checkbox::without_text(&mut on))
                        .accessible_name(name)
                });
                if on != *value {
                    outcome.value = Some(Value::Bool(on));
                }
            }
            (
                FieldKind::Integer {
                    min,
                    max,
                    zero_means,
                },
                Some(Value::Integer(value)),
            ) => {
                let changed = self.integer(ui, *value, min, max, zero_means);
                outcome.value = changed.map(Value::Integer);
            }
            (FieldKind::Float { .. }, Some(Value::Float(_) | Value::Integer(_))) => {
                let number = match value {
                    Some(Value::Float(number)) => *number,
                    Some(Value::Integer(number)) => *number as f64,
                    _ => 0.0,
                };
                outcome.value = self.float(ui, number).map(Value::Float);
            }
            (FieldKind::Choice(choices), Some(Value::Text(value))) => {
                let current = choices.iter().find(|choice| choice.key == value);
                let (name, salt) = (self.name(), self.salt());
                row(ui, field.label, field.help, |ui| {
                    combo(
                        ui,
                        salt,
                        &name,
                        current.map_or(value, |choice| choice.label),
                        |ui| {
                            for choice in choices {
                                let response = ui
                                    .selectable_label(choice.key == value, choice.label)
                                    .on_hover_text(choice.help);
                                if response.clicked() && choice.key != value {
                                    outcome.value = Some(Value::from(choice.key));
                                }
                            }
                        },
                    )
                });
            }
            (FieldKind::Text, Some(Value::Text(value))) => {
                let mut text = value.clone();
                let (name, salt) = (self.name(), self.salt());
                row(ui, field.label, field.help, |ui| {
                    ui.add(
                        TextEdit::singleline(&mut text)
                            .align(egui::Align2::LEFT_CENTER)
                            .id_salt(salt)
                            .desired_width(f32::INFINITY),
                    )
                    .accessible_name(name)
                });
                if text != *value {
                    outcome.value = Some(Value::Text(text));
                }
            }
            (FieldKind::Path, Some(Value::Text(value))) => {
                let mut text = value.clone();
                let (name, salt) = (self.name(), self.salt());
                let mut choose = false;
                row(ui, field.label, field.help, |ui| {
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        choose = ui
                            .button("…")
                            .accessible_name(format!("Choose a file: {name}"))
                            .on_hover_text("Choose a file")
                            .clicked();
                        ui.add(
                            TextEdit::singleline(&mut text)
                                .align(egui::Align2::LEFT_CENTER)
                                .id_salt(salt)
                                .hint_text("Path of a file")
                                .desired_width(f32::INFINITY),
                        )
                        .accessible_name(name)
                    })
                    .inner
                });
                outcome.choose_file = choose;
                if text != *value {
                    outcome.value = Some(Value::Text(text));
                }
            }
            (FieldKind::IntegerList { .. }, Some(Value::List(list))) => {
                self.list(ui, list, false, &mut outcome);
            }
            (FieldKind::TextList, Some(Value::List(list))) => {
                self.list(ui, list, true, &mut outcome);
            }
            // A value of another type than its field's, or none: it comes from
            // nowhere but a fault; the default mends it.
            _ => {
                let name = self.name();
                row(ui, field.label, field.help, |ui| {
                    let response = ui.button("Set the default").accessible_name(name);
                    if response.clicked() {
                        outcome.value = Some(field.default.value());
                    }
                    response
                });
            }
        }
        outcome
    }

    fn integer(
        &self,
        ui: &mut Ui,
        value: i64,
        min: i64,
        max: i64,
        zero_means: Option<&'static str>,
    ) -> Option<i64> {
        let field = self.field;
        let mut number = value as f64;
        let speed = (value.abs() as f64 * 0.01).clamp(0.05, 1.0e6);
        let name = self.name();
        let response = row(ui, field.label, field.help, |ui| {
            let suffix = match (zero_means, value) {
                (Some(meaning), 0) => format!(" ({meaning})"),
                _ if field.unit.is_empty() => String::new(),
                _ => format!(" {}", field.unit),
            };
            ui.add(
                DragValue::new(&mut number)
                    .min_size(number_size(ui))
                    .speed(speed)
                    .max_decimals(0)
                    .suffix(suffix)
                    .custom_formatter(|number, _| format_integer(number))
                    .custom_parser(parse_number)
                    .update_while_editing(false),
            )
            .accessible_name(name)
        });
        if !response.changed() {
            return None;
        }
        let mut number = number.round() as i64;
        if response.dragged() {
            number = number.clamp(min, max);
        }
        (number != value).then_some(number)
    }

    fn float(&self, ui: &mut Ui, value: f64) -> Option<f64> {
        let field = self.field;
        let FieldKind::Float {
            min,
            max,
            logarithmic,
            ..
        } = field.kind
        else {
            return None;
        };
        let mut number = value;
        let name = self.name();
        let slider_range = slider_range(field, value);
        let response = row(ui, field.label, field.help, |ui| {
            let size = number_size(ui);
            let drag = |number| {
                DragValue::new(number)
                    .min_size(size)
                    .speed(drag_speed(value, min, max))
                    .custom_formatter(|number, _| format_float(number))
                    .custom_parser(parse_number)
                    .suffix(if field.unit.is_empty() {
                        String::new()
                    } else {
                        format!(" {}", field.unit)
                    })
                    .update_while_editing(false)
            };
            let Some((low, high)) = slider_range else {
                return ui.add(drag(&mut number)).accessible_name(name);
            };
            let value_width = size.x;
            ui.spacing_mut().slider_width = (ui.available_width() - value_width - UNIT).max(32.0);
            let slider = ui
                .add(
                    Slider::new(&mut number, low..=high)
                        .logarithmic(logarithmic)
                        .smallest_positive(low.max(1.0e-9))
                        .clamping(egui::SliderClamping::Never)
                        .show_value(false),
                )
                .accessible_name(format!("{name} slider"));
            if slider.changed() {
                number = round_to_digits(number.clamp(low, high), 3);
            }
            let text = ui
                .add_sized(
                    vec2(
                        ui.available_width().min(value_width),
                        ui.spacing().interact_size.y,
                    ),
                    drag(&mut number),
                )
                .accessible_name(name);
            slider.union(text)
        });
        if !response.changed() {
            return None;
        }
        if response.dragged() {
            number = number.clamp(min, max);
        }
        (number != value && !number.is_nan()).then_some(number)
    }

    fn list(&mut self, ui: &mut Ui, list: &[Value], lines: bool, outcome: &mut Outcome) {
        let field = self.field;
        let key = (self.section.key.to_owned(), field.key.to_owned());
        let separator = if lines { "\n" } else { ", " };
        let written = || {
            list.iter()
                .map(|value| match value {
                    Value::Text(text) => text.clone(),
                    other => other.to_string(),
                })
                .collect::<Vec<_>>()
                .join(separator)
        };
        let (name, salt) = (self.name(), self.salt());
        let mut text = self.texts.get(&key).cloned().unwrap_or_else(written);
        let response = row(ui, field.label, field.help, |ui| {
            let edit = if lines {
                TextEdit::multiline(&mut text)
                    .desired_rows(list.len().clamp(2, 10))
                    .hint_text("One a line")
            } else {
                TextEdit::singleline(&mut text)
                    .align(egui::Align2::LEFT_CENTER)
                    .hint_text("Separated by commas")
            };
            ui.add(edit.id_salt(salt).desired_width(f32::INFINITY))
                .accessible_name(name)
        });
        let parsed = if lines {
            Ok(text
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(Value::from)
                .collect())
        } else {
            parse_integers(&text)
        };
        match parsed {
            Ok(values) => {
                if values != list {
                    outcome.value = Some(Value::List(values));
                }
                if response.has_focus() || response.changed() {
                    self.texts.insert(key, text);
                } else {
                    // Next time as the recipe writes it.
                    self.texts.remove(&key);
                }
            }
            Err(word) => {
                outcome.message = Some(format!(
                    "{} is not a whole number; expected whole numbers separated by commas",
                    shown(&word)
                ));
                self.texts.insert(key, text);
            }
        }
    }
}

/// The size that all numbers have at least, so that they stand in a column.
fn number_size(ui: &Ui) -> egui::Vec2 {
    vec2(64.0, ui.spacing().interact_size.y)
}

fn shown(word: &str) -> String {
    let short: String = word.chars().take(24).collect();
    format!("“{short}”")
}

/// Whole numbers separated by commas or blanks; or the first word that is none.
fn parse_integers(text: &str) -> Result<Vec<Value>, String> {
    text.split([',', ' ', ';'])
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(|word| {
            word.parse()
                .map(Value::Integer)
                .map_err(|_| word.to_owned())
        })
        .collect()
}

/// A number as a person types it: a comma is a point, a real minus sign is one.
fn parse_number(text: &str) -> Option<f64> {
    let cleaned: String = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .map(|character| match character {
            ',' => '.',
            '−' => '-',
            other => other,
        })
        .collect();
    let number: String = cleaned
        .chars()
        .take_while(|character| character.is_ascii_digit() || "+-.eE".contains(*character))
        .collect();
    number
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

fn format_integer(number: f64) -> String {
    format!("{number:.0}").replace('-', "−")
}

/// The shortest digits that read back as the same number, with an exponent
/// where it is far from one.
pub fn format_float(number: f64) -> String {
    let magnitude = number.abs();
    let text = if number != 0.0 && !(1.0e-4..1.0e6).contains(&magnitude) {
        format!("{number:e}")
    } else {
        format!("{number}")
    };
    text.replace('-', "−")
}

/// `number` with so many significant digits.
fn round_to_digits(number: f64, digits: usize) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return number;
    }
    format!("{:.*e}", digits.saturating_sub(1), number)
        .parse()
        .unwrap_or(number)
}

/// How fast a number changes while it is dragged.
fn drag_speed(value: f64, min: f64, max: f64) -> f64 {
    let span = max - min;
    let by_value = value.abs() * 0.01;
    if span.is_finite() && span <= 10.0 {
        (span * 0.002).max(by_value * 0.1)
    } else {
        by_value.max(1.0e-3)
    }
}

/// The range of a field's slider; none where a slider would not help.
///
/// A logarithmic slider reaches a factor of 100 below and above the default, so
/// that a finger's width is a sensible change, or as far as the value.
fn slider_range(field: &Field, value: f64) -> Option<(f64, f64)> {
    let FieldKind::Float {
        min,
        max,
        logarithmic,
        ..
    } = field.kind
    else {
        return None;
    };
    let default = match field.default {
        crate::recipe::Default::Float(default) => default,
        crate::recipe::Default::Integer(default) => default as f64,
        _ => return None,
    };
    if logarithmic {
        let (low, high) = if default > 0.0 {
            (default / 100.0, default * 100.0)
        } else {
            (1.0e-6, 1.0)
        };
        let low = if min > 0.0 { low.max(min) } else { low };
        let low = if value > 0.0 { low.min(value) } else { low };
        let high = high.min(max).max(value);
        return (low < high && low > 0.0).then_some((low, high));
    }
    (max - min <= 2.0).then_some((min, max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        assert_eq!(parse_number("0,5"), Some(0.5));
        assert_eq!(parse_number(" −3 "), Some(-3.0));
        assert_eq!(parse_number("1e-3"), Some(1e-3));
        assert_eq!(parse_number("32 steps"), Some(32.0));
        assert_eq!(parse_number("nonsense"), None);
        assert_eq!(parse_number("1e999"), None);
    }

    #[test]
    fn numbers_are_written_short() {
        assert_eq!(format_float(0.01), "0.01");
        assert_eq!(format_float(1e-5), "1e−5");
        assert_eq!(format_float(0.0), "0");
        assert_eq!(format_float(1e7), "1e7");
        assert_eq!(format_integer(-3.0), "−3");
    }

    #[test]
    fn a_dragged_number_is_round() {
        assert_eq!(round_to_digits(0.123456, 3), 0.123);
        assert_eq!(round_to_digits(98765.0, 3), 98800.0);
        assert_eq!(round_to_digits(0.0, 3), 0.0);
        assert_eq!(round_to_digits(-0.0019999, 3), -0.002);
    }

    #[test]
    fn lists_say_which_word_is_wrong() {
        assert_eq!(
            parse_integers("32, 16 8"),
            Ok(vec![
                Value::Integer(32),
                Value::Integer(16),
                Value::Integer(8)
            ])
        );
        assert_eq!(parse_integers(""), Ok(vec![]));
        assert_eq!(parse_integers("32, many"), Err("many".to_owned()));
    }

    #[test]
    fn a_slider_reaches_its_value() {
        let field = Field::float("x", "X", "help", 0.1, 0.0, 1000.0)
            .above_min()
            .logarithmic();
        let field: &'static Field = Box::leak(Box::new(field));
        let (low, high) = slider_range(field, 0.1).expect("a slider");
        assert!((low - 1e-3).abs() < 1e-12 && (high - 10.0).abs() < 1e-9);
        assert_eq!(slider_range(field, 500.0).expect("a slider").1, 500.0);
        let wide = Field::float("y", "Y", "help", 1.0, 0.0, 1.0e6);
        let wide: &'static Field = Box::leak(Box::new(wide));
        assert_eq!(slider_range(wide, 1.0), None);
    }
}
