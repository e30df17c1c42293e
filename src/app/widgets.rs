//! Small widgets that several parts of the window share.

use eframe::egui;
use egui::{Align, Align2, Button, Layout, Response, RichText, Sense, Ui, WidgetInfo, vec2};

use super::commands::{Command, Situation};
use super::icons::{Icon, IconButton};
use super::theme::Palette;
use crate::figure::{Dash, LineStyle, SeriesStyle};

/// A whole number with thin spaces between thousands: `12 345`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

/// A text that takes the room of the widest text that can stand there, so that
/// nothing moves when it changes.
pub fn fixed_label(ui: &mut Ui, text: &str, widest: &str, name: &str, align: Align) -> Response {
    let font = egui::TextStyle::Body.resolve(ui.style());
    let color = Palette::of(ui.visuals()).text;
    let width = ui
        .painter()
        .layout_no_wrap(widest.to_owned(), font.clone(), color)
        .size()
        .x
        .ceil();
    let (rect, response) =
        ui.allocate_exact_size(vec2(width, ui.spacing().interact_size.y), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, format!("{name} {text}")));
    if ui.is_rect_visible(rect) {
        let (anchor, place) = match align {
            Align::Max => (Align2::RIGHT_CENTER, rect.right_center()),
            Align::Center => (Align2::CENTER_CENTER, rect.center()),
            Align::Min => (Align2::LEFT_CENTER, rect.left_center()),
        };
        ui.painter().text(place, anchor, text, font, color);
    }
    response
}

/// A command as an icon button with its tooltip; whether it was pressed.
pub fn command_icon(ui: &mut Ui, command: Command, icon: Icon, now: &Situation) -> bool {
    let tooltip = command.tooltip_with_shortcut(ui.ctx());
    ui.add(IconButton::new(icon, command.text()).enabled(command.enabled(now)))
        .on_hover_text(&tooltip)
        .on_disabled_hover_text(&tooltip)
        .clicked()
}

/// A command as a line of a menu; whether it was chosen.
pub fn command_line(ui: &mut Ui, command: Command, now: &Situation, marked: bool) -> bool {
    let mut button = Button::new(command.text()).selected(marked);
    if let Some(keys) = command.shortcut_text(ui.ctx()) {
        let weak = Palette::of(ui.visuals()).weak;
        button = button.shortcut_text(RichText::new(keys).color(weak));
    }
    let response = ui
        .add_enabled(command.enabled(now), button)
        .on_hover_text(command.tooltip());
    let clicked = response.clicked();
    if clicked {
        ui.close();
    }
    clicked
}

/// The one thing to press in a dialog.
pub fn primary_button(ui: &mut Ui, enabled: bool, text: &str) -> Response {
    let palette = Palette::of(ui.visuals());
    let button = Button::new(RichText::new(text).color(palette.on_accent)).fill(palette.accent);
    ui.add_enabled(enabled, button)
}

/// A piece of a run's line: its colour and its dash.
pub fn line_sample(ui: &mut Ui, series: usize) -> Response {
    let (rect, response) =
        ui.allocate_exact_size(vec2(24.0, ui.spacing().interact_size.y), Sense::hover());
    let theme = super::theme::figure_theme(ui.visuals());
    let style = LineStyle::from(SeriesStyle::nth(series));
    let [r, g, b, a] = style.rgba(&theme);
    let stroke = egui::Stroke::new(2.0, egui::Color32::from_rgba_unmultiplied(r, g, b, a));
    let (left, right) = (rect.left_center(), rect.right_center());
    let pattern = style.dash.pattern();
    if style.dash == Dash::Solid || pattern.len() < 2 {
        ui.painter().line_segment([left, right], stroke);
    } else {
        let lengths = |first: usize| -> Vec<f32> {
            pattern
                .iter()
                .skip(first)
                .step_by(2)
                .map(|length| *length as f32 * 1.6)
                .collect()
        };
        ui.painter().extend(egui::Shape::dashed_line_with_offset(
            &[left, right],
            stroke,
            &lengths(0),
            &lengths(1),
            0.0,
        ));
    }
    response
}

/// What stands at the right end of a row.
pub fn right_aligned<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    ui.with_layout(Layout::right_to_left(Align::Center), content)
        .inner
}

/// Tells something beside the pointer, over what `id` names.
pub fn at_pointer(ui: &Ui, id: egui::Id, contents: impl FnOnce(&mut Ui)) {
    let tooltip = egui::Tooltip::always_open(
        ui.ctx().clone(),
        ui.layer_id(),
        id,
        egui::PopupAnchor::Pointer,
    );
    tooltip.gap(14.0).show(|ui| {
        ui.spacing_mut().item_spacing = vec2(8.0, 2.0);
        contents(ui);
    });
}

/// Names and values beside the pointer.
pub fn values_at_pointer(ui: &Ui, id: egui::Id, rows: &[(&str, String)]) {
    at_pointer(ui, id, |ui| {
        egui::Grid::new(id).num_columns(2).show(ui, |ui| {
            for (name, value) in rows {
                ui.label(*name);
                ui.label(value);
                ui.end_row();
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1284), "1\u{2009}284");
        assert_eq!(thousands(12_345_678), "12\u{2009}345\u{2009}678");
    }
}
