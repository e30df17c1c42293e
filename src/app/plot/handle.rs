//! Drags that do not pan: a mark that is moved, a line that is drawn.

use eframe::egui::{CursorIcon, PointerButton, Pos2, Ui};
use egui_plot::PlotTransform;

use super::panel::ShownPlot;
use super::{Dragged, Drawn, Place, place_of};
use crate::figure::Axes;

/// How near to its middle, in points, the pointer catches the handle.
const REACH: f32 = 12.0;

/// Who has the handle.
#[derive(Default)]
pub(super) struct Grip {
    /// Where the plot was in the frame before.
    transform: Option<PlotTransform>,
    held: bool,
}

impl Grip {
    /// Whether a drag that begins or goes on now moves the handle at `at`.
    pub(super) fn catches(&self, ui: &Ui, axes: &Axes, at: Place) -> bool {
        if self.held {
            return true;
        }
        let Some(transform) = &self.transform else {
            return false;
        };
        let place = screen(transform, axes, at);
        ui.input(|input| {
            let pointer = input.pointer.press_origin().or(input.pointer.hover_pos());
            pointer.is_some_and(|pointer| pointer.distance(place) < REACH)
        })
    }

    /// Follows the pointer, after the plot was shown.
    pub(super) fn follow(
        &mut self,
        ui: &Ui,
        panel: usize,
        axes: &Axes,
        shown: &ShownPlot,
        grabbed: bool,
    ) -> Option<Dragged> {
        self.transform = Some(shown.transform);
        let response = &shown.response;
        if grabbed && response.drag_started_by(PointerButton::Primary) {
            self.held = true;
        }
        if !self.held {
            if grabbed && response.hovered() {
                ui.ctx().set_cursor_icon(CursorIcon::Grab);
            }
            return None;
        }
        ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
        let released = !response.dragged();
        self.held = !released;
        let pointer = ui.input(|input| input.pointer.latest_pos())?;
        // Beyond the frame there is nothing to see.
        let pointer = shown.transform.frame().clamp(pointer);
        Some(Dragged {
            to: place_of(panel, axes, &shown.transform, pointer, None),
            released,
        })
    }
}

/// The hand that draws.
#[derive(Default)]
pub(super) struct Hand {
    from: Option<Place>,
}

impl Hand {
    /// Follows the pointer, after the plot was shown.
    pub(super) fn follow(
        &mut self,
        ui: &Ui,
        panel: usize,
        axes: &Axes,
        shown: &ShownPlot,
    ) -> Option<Drawn> {
        let response = &shown.response;
        if response.hovered() {
            ui.ctx().set_cursor_icon(CursorIcon::Crosshair);
        }
        let at = |pointer: Pos2| {
            let pointer = shown.transform.frame().clamp(pointer);
            place_of(panel, axes, &shown.transform, pointer, None)
        };
        if response.drag_started_by(PointerButton::Primary) {
            self.from = ui.input(|input| input.pointer.press_origin()).map(at);
        }
        let from = self.from?;
        let released = !response.dragged();
        if released {
            self.from = None;
        }
        let to = at(ui.input(|input| input.pointer.latest_pos())?);
        Some(Drawn { from, to, released })
    }
}

/// Where a place is on the screen.
pub(super) fn screen(transform: &PlotTransform, axes: &Axes, at: Place) -> Pos2 {
    Pos2::new(
        transform.position_from_point_x(axes.x.scale.forward(at.x)),
        transform.position_from_point_y(axes.y.scale.forward(at.y)),
    )
}
