//! What the pointer and the keys do to a surface, and the buttons over it.

use eframe::egui::{
    self, Button, Event, EventFilter, Key, Modifiers, PointerButton, Rect, Role, Ui, UiBuilder,
    Vec2, WidgetInfo, vec2,
};

use super::camera::{Extents, Viewport};
use super::{Standpoint, SurfaceView};
use crate::app::theme::HALF;

/// How far a drag over one point turns, in radians.
const TURN: f32 = 0.008;
/// How far an arrow key turns, in radians.
const KEY_TURN: f32 = 0.09;
/// How far an arrow key with Shift moves, in points.
const KEY_MOVE: f32 = 24.0;
/// How much a key magnifies.
const KEY_ZOOM: f32 = 1.2;
/// How far the wheel turns for a magnification by e, in points.
const WHEEL: f32 = 240.0;
/// Smaller tiles have no buttons for views; the keys remain.
const BUTTONS: Vec2 = vec2(320.0, 200.0);
/// The room above the box that the buttons take.
pub(super) const BUTTON_HEIGHT: f32 = 18.0;
impl SurfaceView {
    /// Drag, wheel and pinch.
    pub(super) fn pointer(
        &mut self,
        ui: &Ui,
        response: &egui::Response,
        rect: Rect,
        viewport: &Viewport,
        extents: &Extents,
    ) {
        let shift = ui.input(|input| input.modifiers.shift);
        let by = response.drag_delta();
        if by != Vec2::ZERO {
            let moves = response.dragged_by(PointerButton::Secondary)
                || response.dragged_by(PointerButton::Middle)
                || shift;
            if moves {
                self.camera.pan([by.x, by.y], extents, viewport);
            } else {
                self.camera.orbit(-by.x * TURN, by.y * TURN);
            }
        }
        if let Some(pointer) = response.hover_pos() {
            let (wheel, pinch) =
                ui.input(|input| (input.smooth_scroll_delta(), input.zoom_delta()));
            let factor = pinch * ((wheel.x + wheel.y) / WHEEL).exp();
            if factor != 1.0 {
                let at = pointer - rect.min;
                self.camera.zoom_at(factor, [at.x, at.y], extents, viewport);
            }
        }
        let icon = if response.dragged() {
            egui::CursorIcon::Grabbing
        } else {
            egui::CursorIcon::Grab
        };
        if response.hovered() || response.dragged() {
            ui.ctx().set_cursor_icon(icon);
        }
    }

    /// What keys do while the surface has the focus.
    pub(super) fn keys(
        &mut self,
        ui: &Ui,
        response: &egui::Response,
        viewport: &Viewport,
        extents: &Extents,
    ) {
        if !response.has_focus() {
            return;
        }
        let filter = EventFilter {
            horizontal_arrows: true,
            vertical_arrows: true,
            ..EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        let middle = [viewport.size[0] / 2.0, viewport.size[1] / 2.0];
        let pressed = ui.input(|input| {
            input
                .events
                .iter()
                .filter_map(|event| match event {
                    Event::Key {
                        key,
                        pressed: true,
                        modifiers,
                        ..
                    } if !modifiers.command && !modifiers.alt => Some((*key, *modifiers)),
                    _ => None,
                })
                .collect::<Vec<(Key, Modifiers)>>()
        });
        for (key, modifiers) in pressed {
            let (x, y) = match key {
                Key::ArrowLeft => (-1.0, 0.0),
                Key::ArrowRight => (1.0, 0.0),
                Key::ArrowUp => (0.0, -1.0),
                Key::ArrowDown => (0.0, 1.0),
                Key::Plus | Key::Equals => {
                    self.camera.zoom_at(KEY_ZOOM, middle, extents, viewport);
                    continue;
                }
                Key::Minus => {
                    self.camera
                        .zoom_at(1.0 / KEY_ZOOM, middle, extents, viewport);
                    continue;
                }
                Key::Num0 | Key::Home => {
                    self.reset();
                    continue;
                }
                _ => continue,
            };
            if modifiers.shift {
                let by = [KEY_MOVE * x, KEY_MOVE * y];
                self.camera.pan(by, extents, viewport);
            } else {
                // As if the scene were pulled that way.
                self.camera.orbit(-KEY_TURN * x, KEY_TURN * y);
            }
        }
    }

    /// The usual views, small in the upper right corner.
    pub(super) fn buttons(&mut self, ui: &mut Ui, rect: Rect) {
        use strum::IntoEnumIterator as _;
        if !has_buttons(rect) {
            return;
        }
        let row = Rect::from_min_size(rect.min, vec2(rect.width(), BUTTON_HEIGHT));
        let mut corner = ui.new_child(
            UiBuilder::new()
                .id_salt("views")
                .max_rect(row)
                .layout(egui::Layout::right_to_left(egui::Align::Center)),
        );
        let ui = &mut corner;
        ui.style_mut().override_text_style = Some(egui::TextStyle::Small);
        ui.spacing_mut().button_padding = vec2(5.0, 1.0);
        ui.spacing_mut().item_spacing.x = 1.0;
        ui.spacing_mut().interact_size.y = BUTTON_HEIGHT;
        let reset = ui
            .add_enabled(
                self.camera != self.standpoint.camera(),
                Button::new("Reset view"),
            )
            .on_hover_text("Back to where it was looked from (double click, 0, Home)");
        if reset.clicked() {
            self.reset();
        }
        ui.add_space(HALF);
        for standpoint in Standpoint::iter().collect::<Vec<_>>().into_iter().rev() {
            let (text, hint) = standpoint.words();
            let chosen = self.camera == standpoint.camera();
            let button = ui
                .add(Button::new(text).selected(chosen).frame_when_inactive(true))
                .on_hover_text(hint);
            button.widget_info(|| {
                WidgetInfo::selected(Role::RadioButton, true, chosen, format!("View: {text}"))
            });
            if button.clicked() {
                self.look_from(standpoint);
            }
        }
    }
}

/// Whether a picture has room for buttons over it.
pub(super) fn has_buttons(rect: Rect) -> bool {
    rect.width() >= BUTTONS.x && rect.height() >= BUTTONS.y
}
