//! The ball on a surface: dragged by the pointer, it slides over it.

use eframe::egui::{self, CursorIcon, PointerButton, Rect, Ui, Vec2};

use super::camera::Projection;
use super::scene::Scene;

/// How near to its middle, in points, the pointer catches the ball.
const REACH: f32 = 14.0;
/// What the eye meets before the ball hides it where it is farther from it than
/// this share of the box's half side.
const HIDDEN: f32 = 0.05;

/// A drag of the ball over the surface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slide {
    /// The place in the plane under the pointer.
    pub to: [f64; 2],
    /// Whether it was let go there, in this frame.
    pub released: bool,
}

/// Who has the ball.
#[derive(Default)]
pub(super) struct Grip {
    /// Where it was last on the surface, while it is held.
    held: Option<[f64; 2]>,
}

impl Grip {
    /// Whether a drag moves the ball now, and not the camera.
    pub(super) fn catches(
        &mut self,
        ui: &Ui,
        response: &egui::Response,
        rect: Rect,
        scene: &Scene,
        view: &Projection,
        ball: Option<[f64; 2]>,
    ) -> bool {
        if self.held.is_some() {
            return true;
        }
        let near = ball.filter(|ball| {
            let pressed = ui.input(|input| input.pointer.press_origin());
            let pointer = pressed.or(response.hover_pos());
            pointer.is_some_and(|pointer| reaches(scene, view, *ball, pointer - rect.min))
        });
        let Some(ball) = near else { return false };
        if response.drag_started_by(PointerButton::Primary) {
            self.held = Some(ball);
        } else if response.hovered() {
            ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
        }
        self.held.is_some()
    }

    /// Follows the pointer over the surface; beside it, the ball stays where it
    /// was.
    pub(super) fn follow(
        &mut self,
        ui: &Ui,
        response: &egui::Response,
        rect: Rect,
        scene: &Scene,
        view: &Projection,
    ) -> Option<Slide> {
        let before = self.held?;
        ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
        let pointer = ui.input(|input| input.pointer.latest_pos());
        let to = pointer
            .and_then(|pointer| under(scene, view, pointer - rect.min))
            .unwrap_or(before);
        let released = !response.dragged();
        self.held = (!released).then_some(to);
        Some(Slide { to, released })
    }
}

/// The place in the plane of the point of the surface under the pointer.
pub(super) fn under(scene: &Scene, view: &Projection, pointer: Vec2) -> Option<[f64; 2]> {
    let (origin, direction) = view.ray([pointer.x, pointer.y]);
    let [alpha, beta, _] = scene.values(scene.field.hit(origin, direction)?);
    Some([alpha, beta])
}

/// Whether the pointer is on a ball that nothing hides.
fn reaches(scene: &Scene, view: &Projection, [alpha, beta]: [f64; 2], pointer: Vec2) -> bool {
    let Some(place) = scene.on_surface(alpha, beta) else {
        return false;
    };
    let (at, _) = view.project(place);
    if (Vec2::from(at) - pointer).length() > REACH {
        return false;
    }
    let (origin, direction) = view.ray(at);
    let first = scene.field.hit(origin, direction);
    first.is_none_or(|first| (first - place).length() < HIDDEN)
}
