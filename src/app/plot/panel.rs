//! One plot of a figure: the marks, and what pans and zooms it.

use std::cell::RefCell;

use eframe::egui::{self, Id, Rect, Role, Shape, Ui, UiBuilder, Vec2, Vec2b, WidgetInfo};
use egui_plot::{Plot, PlotTransform, PlotUi};

use super::marks::{Marks, ShapeCache};
use super::prepare::PreparedAxes;
use crate::figure::FigureTheme;

/// One plot of a figure about to be shown.
pub(super) struct PanelPlot<'a> {
    pub(super) id: Id,
    pub(super) frame: Rect,
    pub(super) prepared: &'a PreparedAxes,
    pub(super) theme: &'a FigureTheme,
    pub(super) generation: u64,
    pub(super) cache: &'a RefCell<ShapeCache>,
    pub(super) limits: [(f64, f64); 2],
    pub(super) fit: bool,
    pub(super) description: String,
    /// Whether a drag moves a handle rather than the plot.
    pub(super) grabbed: bool,
}

/// A plot that was shown.
pub(super) struct ShownPlot {
    pub(super) response: egui::Response,
    pub(super) transform: PlotTransform,
    /// Where the grid goes, under the marks.
    pub(super) under: egui::layers::ShapeIdx,
}

impl PanelPlot<'_> {
    pub(super) fn show(&self, ui: &mut Ui) -> ShownPlot {
        let clip = self.frame.intersect(ui.clip_rect());
        let under = ui.painter().with_clip_rect(clip).add(Shape::Noop);
        let mut child = ui.new_child(UiBuilder::new().id_salt(self.id).max_rect(self.frame));
        let equal = self.prepared.axes.equal_aspect;
        let mut plot = Plot::new("plot")
            .id(self.id)
            .min_size(Vec2::ZERO)
            .width(self.frame.width())
            .height(self.frame.height())
            .show_axes(false)
            .show_grid(false)
            .show_background(false)
            .show_x(false)
            .show_y(false)
            .allow_scroll(false)
            .allow_zoom(false)
            .allow_drag(if self.grabbed {
                Vec2b::FALSE
            } else {
                drag_directions(ui)
            })
            .set_margin_fraction(Vec2::ZERO);
        if equal {
            plot = plot.data_aspect(1.0);
        }
        if self.fit {
            plot = plot.reset();
        }
        let marks = Marks::new(
            self.prepared,
            self.theme,
            self.limits,
            self.generation,
            self.cache,
        );
        // The marks live as long as the plot's closure needs them.
        let shown = plot.show(&mut child, |plot_ui| {
            wheel(plot_ui, self.limits, equal);
            plot_ui.add(marks);
        });
        let description = &self.description;
        shown
            .response
            .widget_info(|| WidgetInfo::labeled(Role::Image, true, description));
        ShownPlot {
            response: shown.response,
            transform: shown.transform,
            under,
        }
    }
}

/// Along which axes a drag moves: both, or with Shift the one it went farther.
fn drag_directions(ui: &Ui) -> Vec2b {
    ui.input(|input| {
        if !input.modifiers.shift {
            return Vec2b::TRUE;
        }
        let moved = match (input.pointer.press_origin(), input.pointer.latest_pos()) {
            (Some(from), Some(to)) => to - from,
            _ => Vec2::ZERO,
        };
        let along_x = moved.x.abs() >= moved.y.abs();
        Vec2b::new(along_x, !along_x)
    })
}

/// How far out the wheel zooms, as a multiple of the data's range.
const FARTHEST: f64 = 20.0;
/// How far in it zooms.
const NEAREST: f64 = 1e-9;

/// Zooms at the pointer.
fn wheel(plot_ui: &mut PlotUi<'_>, limits: [(f64, f64); 2], equal: bool) {
    if !plot_ui.response().contains_pointer() {
        return;
    }
    let (scroll, pinch, modifiers) = plot_ui.ctx().input(|input| {
        let scroll = input.smooth_scroll_delta();
        (scroll.x + scroll.y, input.zoom_delta(), input.modifiers)
    });
    let factor = (scroll / 250.0).exp() * pinch;
    if (factor - 1.0).abs() < 1e-4 {
        return;
    }
    let mut zoom = Vec2::splat(factor);
    if modifiers.shift && !equal {
        zoom.y = 1.0;
    } else if modifiers.alt && !equal {
        zoom.x = 1.0;
    }
    let bounds = plot_ui.plot_bounds();
    for (d, span) in [bounds.width(), bounds.height()].into_iter().enumerate() {
        let whole = limits[d].1 - limits[d].0;
        let next = span / f64::from(zoom[d]);
        if next > FARTHEST * whole || next < NEAREST * whole {
            return;
        }
    }
    plot_ui.zoom_bounds_around_hovered(zoom);
}
