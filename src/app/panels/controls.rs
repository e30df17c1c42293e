//! The small controls above a figure, and what stands where there is none.

use std::ops::RangeInclusive;

use eframe::egui::emath::Numeric;
use eframe::egui::{
    self, Align, Button, ComboBox, DragValue, Layout, Response, RichText, Role, Sense, Stroke, Ui,
    UiBuilder, WidgetInfo, vec2,
};
use strum::IntoEnumIterator;

use crate::app::commands::Command;
use crate::app::theme::{HALF, Palette, UNIT};
use crate::app::widgets::primary_button;
use crate::app::workspace::Workspace;
use crate::engine::{RunState, Slot};

/// Panels narrower than this leave rarely used controls to their menu.
pub(super) const NARROW: f32 = 400.0;

/// A row of small controls, broken where it must be. It never widens the panel.
pub(super) fn header(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    let area = ui.available_rect_before_wrap();
    let mut row = ui.new_child(UiBuilder::new().id_salt("header").max_rect(area));
    compact(row.style_mut());
    row.horizontal_wrapped(|ui| {
        ui.set_min_height(ui.spacing().interact_size.y);
        content(ui);
    });
    let bottom = row.min_rect().bottom();
    let used = egui::Rect::from_min_max(area.min, egui::pos2(area.right(), bottom));
    ui.advance_cursor_after_rect(used);
    ui.add_space(HALF / 2.0);
}

/// Small text and little room: what stands over a figure must not weigh more
/// than the figure.
fn compact(style: &mut egui::Style) {
    let small = egui::TextStyle::Small.resolve(style).size;
    let scale = small / 11.0;
    style.override_text_style = Some(egui::TextStyle::Small);
    style.drag_value_text_style = egui::TextStyle::Small;
    style.spacing.item_spacing = vec2(HALF, HALF) * scale;
    style.spacing.interact_size = vec2(24.0, 20.0) * scale;
    style.spacing.button_padding = vec2(6.0, 1.0) * scale;
    style.spacing.icon_width *= 0.8;
    style.spacing.slider_rail_height = 3.0;
}

/// One of few values, side by side. `name` says what is chosen.
pub(super) fn segments<T: PartialEq + Copy>(
    ui: &mut Ui,
    name: &str,
    value: &mut T,
    options: &[(T, &str, &str)],
) -> bool {
    let mut changed = false;
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 1.0;
        for (option, text, hint) in options {
            let chosen = value == option;
            let response = ui
                .add(
                    Button::new(*text)
                        .selected(chosen)
                        .frame_when_inactive(true),
                )
                .on_hover_text(*hint);
            response.widget_info(|| {
                WidgetInfo::selected(Role::RadioButton, true, chosen, format!("{name}: {text}"))
            });
            if response.clicked() && !chosen {
                *value = *option;
                changed = true;
            }
        }
    });
    changed
}

/// Something that is on or off.
pub(super) fn toggle(ui: &mut Ui, value: &mut bool, text: &str, hint: &str) -> bool {
    let response = ui
        .add(Button::new(text).selected(*value).frame_when_inactive(true))
        .on_hover_text(hint);
    let on = *value;
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, text));
    if response.clicked() {
        *value = !*value;
    }
    response.clicked()
}

/// One of several values in a list that opens.
pub(super) fn choice<T: PartialEq + Clone>(
    ui: &mut Ui,
    name: &str,
    value: &mut T,
    options: &[(T, String)],
    hint: &str,
) -> bool {
    let shown = options
        .iter()
        .find(|(option, _)| option == value)
        .map_or_else(String::new, |(_, text)| text.clone());
    let mut changed = false;
    let response = ComboBox::from_id_salt(name)
        .selected_text(shown.clone())
        .width(0.0)
        .show_ui(ui, |ui| {
            for (option, text) in options {
                let chosen = option == value;
                if ui.selectable_label(chosen, text).clicked() && !chosen {
                    *value = option.clone();
                    changed = true;
                }
            }
        })
        .response
        .on_hover_text(hint);
    response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, format!("{name}: {shown}")));
    changed
}

/// All values of an enumeration with their names.
pub(super) fn all<T: IntoEnumIterator + ToString>() -> Vec<(T, String)> {
    T::iter()
        .map(|value| {
            let text = value.to_string();
            (value, text)
        })
        .collect()
}

/// A labelled slider of a header.
pub(super) fn slider(
    ui: &mut Ui,
    name: &str,
    slider: egui::Slider<'_>,
    width: f32,
    hint: &str,
) -> Response {
    let weak = Palette::of(ui.visuals()).weak;
    ui.horizontal(|ui| {
        ui.spacing_mut().slider_width = width;
        let label = ui.add(egui::Label::new(RichText::new(name).color(weak)).extend());
        ui.add(slider).labelled_by(label.id).on_hover_text(hint)
    })
    .inner
}

/// A whole number that is taken when it has been chosen, not on the way. Whether
/// it changed.
pub(super) fn whole_number<N: Numeric + Send + Sync>(
    ui: &mut Ui,
    value: &mut N,
    name: &str,
    hint: &str,
    range: RangeInclusive<N>,
) -> bool {
    let id = ui.make_persistent_id(("whole number", name));
    let mut shown = ui.data(|data| data.get_temp(id)).unwrap_or(*value);
    let drag = ui
        .add(
            DragValue::new(&mut shown)
                .range(range)
                .speed(0.3)
                .prefix(format!("{name} ")),
        )
        .on_hover_text(hint);
    drag.widget_info(|| {
        WidgetInfo::labeled(Role::SpinButton, ui.is_enabled(), format!("{name}: {hint}"))
    });
    if drag.dragged() || drag.has_focus() {
        ui.data_mut(|data| data.insert_temp(id, shown));
        return false;
    }
    ui.data_mut(|data| data.remove::<N>(id));
    let changed = shown != *value;
    *value = shown;
    changed
}

/// How far a job is, as a small disc that fills.
pub(super) fn progress(ui: &mut Ui, ws: &Workspace, slot: &Slot) {
    let Some(job) = ws.job(slot) else { return };
    let fraction = job.progress();
    let side = ui.spacing().interact_size.y * 0.6;
    let (area, response) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
    response.widget_info(|| {
        WidgetInfo::labeled(
            Role::ProgressIndicator,
            true,
            format!("{} is running", job.label()),
        )
    });
    let palette = Palette::of(ui.visuals());
    let (centre, radius) = (area.center(), side / 2.0 - 1.0);
    ui.painter()
        .circle_stroke(centre, radius, Stroke::new(1.5, palette.outline));
    let steps = (fraction * 24.0).round() as usize;
    if steps > 0 {
        let arc: Vec<egui::Pos2> = (0..=steps)
            .map(|k| {
                let turn = k as f32 / 24.0 * std::f32::consts::TAU - std::f32::consts::FRAC_PI_2;
                centre + egui::Vec2::angled(turn) * radius
            })
            .collect();
        ui.painter().line(arc, Stroke::new(2.0, palette.accent));
    }
    response.on_hover_text(format!("{}: {:.0} %", job.label(), 100.0 * fraction));
}

/// A sentence above a figure.
pub(super) fn remark(ui: &mut Ui, sentence: &str) {
    let weak = Palette::of(ui.visuals()).weak;
    ui.label(RichText::new(sentence).small().color(weak));
}

/// Why the job of a slot failed, beside a way to try again; whether that was
/// pressed.
pub(super) fn failure(ui: &mut Ui, ws: &Workspace, slot: &Slot) -> bool {
    let message = ws.run().and_then(|run| run.results.failure(slot));
    let Some(message) = message else { return false };
    let color = Palette::of(ui.visuals()).error;
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(message).color(color));
        ui.button("Try again").clicked()
    })
    .inner
}

/// What stands in the middle of a view that has nothing to show: what it will
/// show, and the button that starts it, if there is one. Returns whether the
/// button was pressed.
pub(super) fn nothing_yet(ui: &mut Ui, sentence: &str, button: Option<&str>) -> bool {
    let mut pressed = false;
    let room = ui.available_size();
    let width = (room.x - 4.0 * UNIT).clamp(80.0, 360.0);
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        ui.add_space((room.y * 0.4 - 2.0 * UNIT).max(0.0));
        ui.set_max_width(width.max(1.0));
        let weak = Palette::of(ui.visuals()).weak;
        ui.label(RichText::new(sentence).color(weak));
        if let Some(button) = button {
            ui.add_space(UNIT);
            pressed = primary_button(ui, true, button).clicked();
        }
    });
    pressed
}

/// The same where there is no run at all, or none that has made a step: offers
/// to choose an experiment or to train.
pub(super) fn nothing_trained(ui: &mut Ui, ws: &mut Workspace, sentence: &str) {
    let (button, command) = match ws.run().map(|run| &run.state) {
        None if ws.is_loading() => (None, None),
        None => (
            Some("Choose an experiment…"),
            Some(Command::ChooseExperiment),
        ),
        Some(RunState::Paused) => (Some("Train"), Some(Command::PlayPause)),
        Some(_) => (None, None),
    };
    if nothing_yet(ui, sentence, button) {
        ws.commands.extend(command);
    }
}

/// What a view says while the parameters of an earlier step are shown.
pub(super) fn moment(ui: &mut Ui, ws: &mut Workspace) {
    let Some(step) = ws.selected else { return };
    let text = format!("step {}", crate::app::widgets::thousands(step));
    let response = ui
        .add(Button::new(format!("{text}  ✕")).selected(true))
        .on_hover_text("The parameters of this step are shown; click to follow the run again");
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Button, true, format!("Leave {text}, follow the run"))
    });
    if response.clicked() {
        ws.follow_live();
    }
}
