//! The window's signs, drawn as shapes, so that they look the same everywhere
//! and at every size, and buttons that carry them.

use eframe::egui;
use egui::{
    Color32, Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui, Vec2,
    WidgetInfo, pos2, vec2,
};

use super::theme::{CONTROL_HEIGHT, Palette};

/// A sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter)]
pub enum Icon {
    /// A triangle: train.
    Play,
    /// Two bars: pause.
    Pause,
    /// A triangle and a bar: one step.
    Step,
    /// An open circle with an arrow head: from the start again.
    Restart,
    /// A magnifying glass: find a command.
    Search,
    /// Three dots: what can be done here.
    More,
    /// Two arrows apart: fill the centre.
    Maximise,
    /// Two arrows together: back into the arrangement.
    Restore,
    /// A cross: close, cancel, remove.
    Close,
    /// An eye: visible.
    Eye,
    /// A crossed eye: hidden.
    EyeOff,
    /// A bent arrow to the left: undo.
    Undo,
    /// A bent arrow to the right: redo.
    Redo,
    /// A triangle pointing right: folded.
    Folded,
    /// A triangle pointing down: unfolded, or a menu.
    Unfolded,
    /// A bell: messages.
    Bell,
    /// A sidebar: show or hide the recipe.
    Sidebar,
    /// A triangle with a mark: warning.
    Warning,
    /// A tick: done.
    Check,
    /// Three lines: the menu of everything.
    Menu,
}

impl Icon {
    /// Draws the sign in the largest square in the middle of `rect`.
    pub fn paint(self, painter: &Painter, rect: Rect, color: Color32) {
        let side = rect.width().min(rect.height());
        let square = Rect::from_center_size(rect.center(), Vec2::splat(side));
        let at = |x: f32, y: f32| pos2(square.left() + x * side, square.top() + y * side);
        let width = (side / 9.0).clamp(1.2, 2.4);
        let stroke = Stroke::new(width, color);
        let line = |points: &[Pos2]| {
            painter.add(Shape::line(points.to_vec(), stroke));
        };
        let filled = |points: Vec<Pos2>| {
            painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
        };
        match self {
            Self::Play => filled(vec![at(0.24, 0.14), at(0.88, 0.5), at(0.24, 0.86)]),
            Self::Pause => {
                for x in [0.22, 0.58] {
                    painter.rect_filled(
                        Rect::from_min_max(at(x, 0.16), at(x + 0.2, 0.84)),
                        1.0,
                        color,
                    );
                }
            }
            Self::Step => {
                filled(vec![at(0.16, 0.16), at(0.66, 0.5), at(0.16, 0.84)]);
                painter.rect_filled(
                    Rect::from_min_max(at(0.7, 0.16), at(0.86, 0.84)),
                    1.0,
                    color,
                );
            }
            Self::Restart => {
                let arc: Vec<Pos2> = arc(at(0.5, 0.52), side * 0.34, -0.18, -1.72);
                line(&arc);
                filled(vec![at(0.58, 0.02), at(0.94, 0.24), at(0.6, 0.46)]);
            }
            Self::Search => {
                painter.circle_stroke(at(0.42, 0.42), side * 0.27, stroke);
                line(&[at(0.62, 0.62), at(0.88, 0.88)]);
            }
            Self::More => {
                for x in [0.18, 0.5, 0.82] {
                    painter.circle_filled(at(x, 0.5), side * 0.085, color);
                }
            }
            Self::Maximise => {
                line(&[at(0.56, 0.14), at(0.86, 0.14), at(0.86, 0.44)]);
                line(&[at(0.86, 0.14), at(0.58, 0.42)]);
                line(&[at(0.44, 0.86), at(0.14, 0.86), at(0.14, 0.56)]);
                line(&[at(0.14, 0.86), at(0.42, 0.58)]);
            }
            Self::Restore => {
                line(&[at(0.58, 0.12), at(0.58, 0.42), at(0.88, 0.42)]);
                line(&[at(0.88, 0.12), at(0.58, 0.42)]);
                line(&[at(0.42, 0.88), at(0.42, 0.58), at(0.12, 0.58)]);
                line(&[at(0.12, 0.88), at(0.42, 0.58)]);
            }
            Self::Close => {
                line(&[at(0.2, 0.2), at(0.8, 0.8)]);
                line(&[at(0.8, 0.2), at(0.2, 0.8)]);
            }
            Self::Eye | Self::EyeOff => {
                let lid = |up: f32| -> Vec<Pos2> {
                    (0..=12)
                        .map(|i| {
                            let t = i as f32 / 12.0;
                            at(
                                0.06 + 0.88 * t,
                                0.5 - up * 0.3 * (std::f32::consts::PI * t).sin(),
                            )
                        })
                        .collect()
                };
                line(&lid(1.0));
                line(&lid(-1.0));
                painter.circle_filled(at(0.5, 0.5), side * 0.14, color);
                if self == Self::EyeOff {
                    line(&[at(0.16, 0.9), at(0.84, 0.1)]);
                }
            }
            Self::Undo | Self::Redo => {
                let mirror = |x: f32| if self == Self::Undo { x } else { 1.0 - x };
                let turn: Vec<Pos2> = (0..=10)
                    .map(|i| {
                        let angle =
                            -std::f32::consts::FRAC_PI_2 + std::f32::consts::PI * i as f32 / 10.0;
                        at(mirror(0.6 + 0.26 * angle.cos()), 0.58 + 0.26 * angle.sin())
                    })
                    .collect();
                let mut points = vec![at(mirror(0.18), 0.32)];
                points.extend(turn);
                points.push(at(mirror(0.36), 0.84));
                line(&points);
                line(&[
                    at(mirror(0.36), 0.12),
                    at(mirror(0.14), 0.32),
                    at(mirror(0.36), 0.52),
                ]);
            }
            Self::Folded => filled(vec![at(0.34, 0.22), at(0.72, 0.5), at(0.34, 0.78)]),
            Self::Unfolded => filled(vec![at(0.22, 0.34), at(0.78, 0.34), at(0.5, 0.72)]),
            Self::Bell => {
                let dome: Vec<Pos2> = (0..=12)
                    .map(|i| {
                        let angle = std::f32::consts::PI * (1.0 + i as f32 / 12.0);
                        at(0.5 + 0.26 * angle.cos(), 0.44 + 0.28 * angle.sin())
                    })
                    .collect();
                let mut points = vec![at(0.12, 0.74), at(0.24, 0.62)];
                points.extend(dome);
                points.extend([at(0.76, 0.62), at(0.88, 0.74), at(0.12, 0.74)]);
                line(&points);
                line(&[at(0.42, 0.88), at(0.58, 0.88)]);
            }
            Self::Sidebar => {
                painter.rect_stroke(
                    Rect::from_min_max(at(0.1, 0.16), at(0.9, 0.84)),
                    2.0,
                    stroke,
                    StrokeKind::Middle,
                );
                line(&[at(0.38, 0.16), at(0.38, 0.84)]);
            }
            Self::Warning => {
                let mut triangle = vec![at(0.5, 0.12), at(0.92, 0.86), at(0.08, 0.86)];
                triangle.push(triangle[0]);
                line(&triangle);
                line(&[at(0.5, 0.4), at(0.5, 0.62)]);
                painter.circle_filled(at(0.5, 0.74), width * 0.65, color);
            }
            Self::Check => line(&[at(0.16, 0.54), at(0.4, 0.78), at(0.86, 0.24)]),
            Self::Menu => {
                for y in [0.24, 0.5, 0.76] {
                    line(&[at(0.14, y), at(0.86, y)]);
                }
            }
        }
    }
}

/// Points on a circle from one angle to another, in turns of π.
fn arc(center: Pos2, radius: f32, from: f32, to: f32) -> Vec<Pos2> {
    const PARTS: usize = 24;
    (0..=PARTS)
        .map(|i| {
            let angle = std::f32::consts::PI * (from + (to - from) * i as f32 / PARTS as f32);
            center + radius * vec2(angle.cos(), angle.sin())
        })
        .collect()
}

/// A button that carries a sign; its name is for screen readers and tests.
#[derive(Clone, Copy, Debug)]
pub struct IconButton<'a> {
    icon: Icon,
    name: &'a str,
    enabled: bool,
    selected: bool,
    framed: bool,
    size: Option<Vec2>,
}

impl<'a> IconButton<'a> {
    /// A frameless button.
    pub fn new(icon: Icon, name: &'a str) -> Self {
        Self {
            icon,
            name,
            enabled: true,
            selected: false,
            framed: false,
            size: None,
        }
    }

    /// Whether it can be pressed.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Whether it is shown as switched on.
    pub fn selected(mut self, selected: bool) -> Self {
        self.selected = selected;
        self
    }

    /// Whether it has a ground when nobody points at it.
    pub fn framed(mut self, framed: bool) -> Self {
        self.framed = framed;
        self
    }

    /// The size of the button; by default a square as high as other controls.
    pub fn size(mut self, size: Vec2) -> Self {
        self.size = Some(size);
        self
    }
}

impl egui::Widget for IconButton<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        let size = self
            .size
            .unwrap_or_else(|| Vec2::splat(ui.spacing().interact_size.y));
        ui.add_enabled_ui(self.enabled, |ui| {
            let (rect, response) = ui.allocate_exact_size(size, Sense::click());
            response.widget_info(|| {
                let mut info = WidgetInfo::labeled(Role::Button, ui.is_enabled(), self.name);
                if self.selected {
                    info.selected = Some(true);
                }
                info
            });
            if ui.is_rect_visible(rect) {
                let palette = Palette::of(ui.visuals());
                let visuals = ui.style().interact(&response);
                let ground = if self.selected {
                    Some(palette.selection)
                } else if response.hovered() || response.has_focus() || self.framed {
                    Some(visuals.weak_bg_fill)
                } else {
                    None
                };
                if let Some(ground) = ground {
                    ui.painter()
                        .rect_filled(rect, visuals.corner_radius, ground);
                }
                if response.has_focus() {
                    ui.painter().rect_stroke(
                        rect,
                        visuals.corner_radius,
                        Stroke::new(1.0, palette.accent),
                        StrokeKind::Inside,
                    );
                }
                let side = (size.y.min(size.x) * 0.58).round();
                let color = if self.selected {
                    palette.accent
                } else {
                    visuals.text_color()
                };
                self.icon.paint(
                    ui.painter(),
                    Rect::from_center_size(rect.center(), Vec2::splat(side)),
                    color,
                );
            }
            response
        })
        .inner
    }
}

/// The side of a small icon button, such as the one that cancels a job.
pub fn small_side() -> Vec2 {
    Vec2::splat(CONTROL_HEIGHT * 0.75)
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator as _;

    #[test]
    fn every_icon_draws_something_inside_its_square() {
        let ctx = egui::Context::default();
        let output = crate::app::testing::frame(&ctx, egui::RawInput::default(), |ui| {
            for (index, icon) in Icon::iter().enumerate() {
                let rect = Rect::from_min_size(pos2(100.0 * index as f32, 0.0), Vec2::splat(32.0));
                icon.paint(
                    &ui.painter().with_clip_rect(Rect::EVERYTHING),
                    rect,
                    Color32::WHITE,
                );
            }
        });
        for (index, icon) in Icon::iter().enumerate() {
            let room = Rect::from_min_size(pos2(100.0 * index as f32, 0.0), Vec2::splat(32.0));
            let drawn = output
                .shapes
                .iter()
                .map(|shape| shape.shape.visual_bounding_rect())
                .filter(|bounds| bounds.intersects(room))
                .collect::<Vec<_>>();
            assert!(!drawn.is_empty(), "{icon:?} draws nothing");
            for bounds in drawn {
                assert!(
                    room.expand(1.5).contains_rect(bounds),
                    "{icon:?}: {bounds:?}"
                );
            }
        }
    }
}
