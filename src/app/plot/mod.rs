//! Draws a [`Figure`] in the window, with egui_plot.
//!
//! Where everything goes, which ticks there are and how they read is decided
//! by the figure's own layout, the same that the exported files use; here are
//! the shapes, the textures and everything that answers to the pointer: drag
//! pans, the wheel zooms at the pointer (Shift only along x, Alt only along
//! y), dragging with the secondary button zooms into a box, a double click
//! fits, the legend hides and shows series, and what is under the pointer is
//! told in exact values. Until somebody pans or zooms, the axes follow the
//! data.
//!
//! Per frame only what changed is computed: layout, curves, textures and
//! shapes are kept until the figure, the size, the theme or the bounds change.

mod decorations;
mod fitting;
mod handle;
mod marks;
mod mosaic;
mod panel;
mod prepare;
mod readout;
mod shapes;
mod style;
mod text;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use eframe::egui::{self, Id, Pos2, Sense, Stroke, Ui, Vec2};
use egui_plot::{PlotMemory, PlotTransform};

pub use style::{color, theme};

use crate::figure::layout::{FigureLayout, legend_entries};
use crate::figure::limits::Limits;
use crate::figure::{Axes, Axis, Content, Figure, FigureTheme, Frame, Legend, Scale};

use fitting::{compact, legible, settled};
use handle::{Grip, Hand, screen};
use marks::ShapeCache;
use panel::{PanelPlot, ShownPlot};
use prepare::{PreparedAxes, PreparedMosaic};
use readout::Readout;

/// How much of the layout's own margin is left away: tiles have theirs.
const TRIM: f32 = 6.0;
/// The smallest text on screen, relative to the theme's.
const SMALLEST_TEXT: f64 = 0.88;
/// The layout makes text at most this much smaller.
const LAYOUT_SMALLEST_TEXT: f64 = 0.72;

/// Over everything the line or the box that follows the pointer.
fn being_drawn(
    ui: &Ui,
    drawn: &Drawn,
    pencil: Pencil,
    figure: &Figure,
    plots: &[(usize, ShownPlot, Option<Readout>)],
    theme: &FigureTheme,
) {
    let panel = drawn.from.panel;
    let content = figure.panels().nth(panel).map(|panel| &panel.content);
    let plot = plots.iter().find(|(plot, ..)| *plot == panel);
    let (Some(Content::Axes(axes)), Some((_, shown, _))) = (content, plot) else {
        return;
    };
    let ends = [drawn.from, drawn.to].map(|end| screen(&shown.transform, axes, end));
    for (width, ink) in [(3.5, theme.background), (1.5, theme.foreground)] {
        let stroke = Stroke::new(width, color(ink));
        match pencil {
            Pencil::Line => ui.painter().line_segment(ends, stroke),
            Pencil::Box => {
                let area = egui::Rect::from_two_pos(ends[0], ends[1]);
                ui.painter()
                    .rect_stroke(area, 0.0, stroke, egui::StrokeKind::Middle)
            }
        };
    }
}

/// Draws what surrounds the plots of a figure: texts and colour bars.
pub(in crate::app) fn surround(
    painter: &egui::Painter,
    figure: &Figure,
    layout: &FigureLayout,
    origin: Vec2,
) {
    let mut shapes = Vec::new();
    for (panel, place) in figure.panels().zip(&layout.panels) {
        decorations::texts(painter, place, origin, &mut shapes);
        if let (Content::Axes(axes), Some(place)) = (&panel.content, &place.color_bar)
            && let Some(bar) = &axes.color_bar
        {
            decorations::color_bar(bar, place, origin, &layout.theme, &mut shapes);
        }
    }
    painter.extend(shapes);
}

/// What is shown of a figure, and what was computed for it. Keep one for each
/// place where a figure is shown.
#[derive(Default)]
pub struct FigureView {
    figure: Option<Arc<Figure>>,
    panels: Vec<PanelState>,
    generation: u64,
    hidden: BTreeSet<String>,
    layout: Option<(LayoutKey, FigureLayout)>,
    fit: bool,
    grip: Grip,
    hand: Hand,
}

struct PanelState {
    prepared: Prepared,
    cache: RefCell<ShapeCache>,
    /// What the axes show until somebody zooms.
    limits: Limits,
    /// What somebody zoomed to, on the scales.
    zoomed: Option<[(f64, f64); 2]>,
}

enum Prepared {
    Axes(Box<PreparedAxes>),
    Mosaic(PreparedMosaic),
}

#[derive(Clone, PartialEq)]
struct LayoutKey {
    generation: u64,
    size: Vec2,
    theme: FigureTheme,
    zoomed: Vec<Option<[(f64, f64); 2]>>,
}

/// How a figure is shown.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// For each panel, in the order of [`Figure::panels`], the value of its x
    /// axis that is marked because the pointer is on it in another view.
    pub cursors: Vec<Option<f64>>,
    /// Places to mark with a ring.
    pub marks: Vec<Place>,
    /// A place that can be dragged elsewhere: then the drag does not pan.
    pub handle: Option<Place>,
    /// A panel on which a drag draws something, and does not pan.
    pub pencil: Option<(usize, Pencil)>,
    /// Whether the images of mosaics can be clicked.
    pub selectable_tiles: bool,
}

/// What a drag draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pencil {
    /// A straight line.
    Line,
    /// A box with sides along the axes.
    Box,
}

/// A place in a panel, in values of its axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Which panel, in the order of [`Figure::panels`].
    pub panel: usize,
    /// The value of x: that of the mark under the pointer where there is one.
    pub x: f64,
    /// The value of y.
    pub y: f64,
}

/// What happened to a figure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FigureResponse {
    /// Where the pointer is.
    pub hovered: Option<Place>,
    /// Where it was clicked.
    pub clicked: Option<Place>,
    /// Where the handle is being dragged to.
    pub dragged: Option<Dragged>,
    /// What is being drawn.
    pub drawn: Option<Drawn>,
    /// Where the secondary button was clicked, in values of the axes.
    pub menu_asked: Option<Place>,
    /// Panel and image under the pointer.
    pub tile_hovered: Option<(usize, usize)>,
    /// Panel and image that were clicked.
    pub tile_clicked: Option<(usize, usize)>,
}

/// A drag of the handle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dragged {
    /// Where the pointer has it.
    pub to: Place,
    /// Whether it was let go there, in this frame.
    pub released: bool,
}

/// A line, or the diagonal of a box, that is drawn with the pointer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawn {
    /// Where the pointer was pressed.
    pub from: Place,
    /// Where it is.
    pub to: Place,
    /// Whether it was let go there, in this frame.
    pub released: bool,
}

impl FigureView {
    /// A view of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets all axes follow the data again.
    pub fn fit(&mut self) {
        self.fit = true;
    }

    /// The range of x that somebody zoomed to in a panel, in values; `None`
    /// while the axes follow the data.
    pub fn zoomed_x(&self, panel: usize) -> Option<(f64, f64)> {
        let state = self.panels.get(panel)?;
        let Prepared::Axes(prepared) = &state.prepared else {
            return None;
        };
        let scale = prepared.axes.x.scale;
        state
            .zoomed
            .map(|[x, _]| (scale.inverse(x.0), scale.inverse(x.1)))
    }

    /// The ranges of x and y that somebody zoomed to in a panel, in values;
    /// `None` while the axes follow the data.
    pub fn zoomed(&self, panel: usize) -> Option<[(f64, f64); 2]> {
        let state = self.panels.get(panel)?;
        let Prepared::Axes(prepared) = &state.prepared else {
            return None;
        };
        let values =
            |scale: Scale, (low, high): (f64, f64)| (scale.inverse(low), scale.inverse(high));
        let Axes { x, y, .. } = &prepared.axes;
        state
            .zoomed
            .map(|[on_x, on_y]| [values(x.scale, on_x), values(y.scale, on_y)])
    }

    /// A figure as it is seen now: zoomed, and without what the legend hides.
    /// It has the panels of the one that is shown, perhaps in more detail; its
    /// title stays.
    pub fn as_seen(&self, mut figure: Figure) -> Figure {
        let title = figure.title.take();
        let mut figure = self.effective(&figure);
        figure.title = title;
        let contents = figure
            .rows
            .iter_mut()
            .flat_map(|row| row.panels.iter_mut())
            .map(|panel| &mut panel.content);
        for (content, state) in contents.zip(&self.panels) {
            if let (Content::Axes(axes), Prepared::Axes(_)) = (content, &state.prepared) {
                prepare::hide(axes, &self.hidden);
            }
        }
        figure
    }

    /// Draws a figure over all the room there is. `id` must be unique in the
    /// window.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        id: Id,
        figure: &Arc<Figure>,
        options: &Options,
    ) -> FigureResponse {
        let (area, _) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
        if area.width() < 24.0 || area.height() < 24.0 || !ui.is_rect_visible(area) {
            return FigureResponse::default();
        }
        let theme = style::theme(ui);
        self.update(ui.ctx(), figure);
        let origin = area.min.to_vec2() - Vec2::splat(TRIM);
        let size = area.size() + Vec2::splat(2.0 * TRIM);
        self.read_bounds(ui.ctx(), id);
        self.lay_out(figure, size, &theme);
        let response = self.draw(ui, id, figure, origin, options);
        self.fit = false;
        response
    }

    /// Takes in a figure if it is another one than before.
    fn update(&mut self, context: &egui::Context, figure: &Arc<Figure>) {
        if self
            .figure
            .as_ref()
            .is_some_and(|shown| Arc::ptr_eq(shown, figure))
        {
            return;
        }
        self.figure = Some(Arc::clone(figure));
        self.prepare(context, figure);
    }

    fn prepare(&mut self, context: &egui::Context, figure: &Figure) {
        self.generation += 1;
        let mut before = std::mem::take(&mut self.panels).into_iter();
        for panel in figure.panels() {
            let before = before.next();
            let state = match &panel.content {
                Content::Axes(axes) => {
                    let (mut old, kept) = match before {
                        Some(PanelState {
                            prepared: Prepared::Axes(old),
                            limits,
                            zoomed,
                            cache,
                        }) => (Some(old), Some((limits, zoomed, cache))),
                        _ => (None, None),
                    };
                    let comparable = old.as_ref().is_some_and(|old| same_scales(&old.axes, axes));
                    let prepared =
                        PreparedAxes::new(axes, &self.hidden, old.as_deref_mut(), context);
                    let found = prepared.axes.resolved_limits();
                    let (limits, zoomed, cache) = match kept {
                        Some((limits, zoomed, cache)) if comparable => {
                            (settled(axes, limits, found), zoomed, cache)
                        }
                        _ => (found, None, RefCell::default()),
                    };
                    PanelState {
                        prepared: Prepared::Axes(Box::new(prepared)),
                        cache,
                        limits,
                        zoomed,
                    }
                }
                Content::Mosaic(mosaic) => {
                    let mut old = match before {
                        Some(PanelState {
                            prepared: Prepared::Mosaic(old),
                            ..
                        }) => Some(old),
                        _ => None,
                    };
                    PanelState {
                        prepared: Prepared::Mosaic(PreparedMosaic::new(
                            mosaic,
                            old.as_mut(),
                            context,
                        )),
                        cache: RefCell::default(),
                        limits: Limits {
                            x: (0.0, 1.0),
                            y: (0.0, 1.0),
                        },
                        zoomed: None,
                    }
                }
            };
            self.panels.push(state);
        }
    }

    /// What the plots remember of being panned and zoomed.
    fn read_bounds(&mut self, context: &egui::Context, id: Id) {
        for (index, state) in self.panels.iter_mut().enumerate() {
            let Prepared::Axes(prepared) = &state.prepared else {
                continue;
            };
            let memory = PlotMemory::load(context, plot_id(id, index, &prepared.axes));
            state.zoomed = memory
                .filter(|memory| !memory.auto_bounds.any() && !self.fit)
                .map(|memory| of_bounds(memory.bounds()));
        }
    }

    fn lay_out(&mut self, figure: &Figure, size: Vec2, theme: &FigureTheme) {
        let key = LayoutKey {
            generation: self.generation,
            size,
            theme: theme.clone(),
            zoomed: self.panels.iter().map(|panel| panel.zoomed).collect(),
        };
        if self.layout.as_ref().is_some_and(|(laid, _)| *laid == key) {
            return;
        }
        let (width, height) = (f64::from(size.x), f64::from(size.y));
        let theme = legible(figure, width, height, theme);
        let mut laid = self.effective(figure);
        compact(&mut laid, width, height, &theme);
        let layout = FigureLayout::new(&laid, width, height, &theme);
        self.layout = Some((key, layout));
    }

    /// The figure with the limits that its panels show.
    fn effective(&self, figure: &Figure) -> Figure {
        let mut figure = figure.clone();
        // The window's tabs and headers carry the title.
        figure.title = None;
        let contents = figure
            .rows
            .iter_mut()
            .flat_map(|row| row.panels.iter_mut())
            .map(|panel| &mut panel.content);
        for (content, state) in contents.zip(&self.panels) {
            if let Content::Axes(axes) = content {
                let limits = state.shown_limits(axes);
                axes.x.limits = Some(limits.x);
                axes.y.limits = Some(limits.y);
            }
        }
        figure
    }

    fn draw(
        &mut self,
        ui: &mut Ui,
        id: Id,
        figure: &Arc<Figure>,
        origin: Vec2,
        options: &Options,
    ) -> FigureResponse {
        let mut found = FigureResponse::default();
        let Some((key, layout)) = self.layout.take() else {
            return found;
        };
        let theme = layout.theme.clone();
        let mut moved = false;
        let mut plots = Vec::new();
        for (index, (panel, state)) in figure.panels().zip(&mut self.panels).enumerate() {
            let Some(place) = layout.panels.get(index) else {
                continue;
            };
            match (&panel.content, &state.prepared) {
                (Content::Axes(axes), Prepared::Axes(prepared)) => {
                    let frame = decorations::rect(place.plot, origin);
                    let handle = options.handle.filter(|handle| handle.panel == index);
                    let draws = options.pencil.is_some_and(|(panel, _)| panel == index);
                    let grabbed = handle.is_some_and(|at| self.grip.catches(ui, axes, at));
                    let plot = PanelPlot {
                        id: plot_id(id, index, axes),
                        frame,
                        prepared,
                        theme: &theme,
                        generation: self.generation,
                        cache: &state.cache,
                        limits: on_scales(axes, state.shown_limits(axes)),
                        fit: self.fit,
                        description: describe(figure, axes),
                        grabbed: grabbed || draws,
                    };
                    let shown = plot.show(ui);
                    let bounds = of_bounds(shown.transform.bounds());
                    let zoomed = PlotMemory::load(ui.ctx(), plot.id)
                        .filter(|memory| !memory.auto_bounds.any())
                        .map(|_| bounds);
                    moved |= zoomed != state.zoomed;
                    let readout = shown
                        .response
                        .hover_pos()
                        .filter(|_| !shown.response.dragged())
                        .and_then(|pointer| {
                            readout::find(prepared, &shown.transform, pointer, &theme)
                        });
                    if draws {
                        let drawn = self.hand.follow(ui, index, axes, &shown);
                        found.drawn = found.drawn.or(drawn);
                    } else if handle.is_some() {
                        let dragged = self.grip.follow(ui, index, axes, &shown, grabbed);
                        found.dragged = found.dragged.or(dragged);
                    }
                    if let Some(pointer) = shown.response.interact_pointer_pos()
                        && shown.response.secondary_clicked()
                    {
                        found.menu_asked =
                            Some(place_of(index, axes, &shown.transform, pointer, None));
                    }
                    if let Some(pointer) = shown.response.hover_pos() {
                        let place =
                            place_of(index, axes, &shown.transform, pointer, readout.as_ref());
                        found.hovered = Some(place);
                        if shown.response.clicked() {
                            found.clicked = Some(place);
                        }
                    }
                    state.zoomed = zoomed;
                    plots.push((index, shown, readout));
                }
                (Content::Mosaic(mosaic), Prepared::Mosaic(prepared)) => {
                    let tiles = mosaic::show(
                        ui,
                        id.with(index),
                        mosaic,
                        prepared,
                        place,
                        origin,
                        &theme,
                        options.selectable_tiles,
                    );
                    if let Some(tile) = tiles.hovered {
                        found.tile_hovered = Some((index, tile));
                    }
                    if let Some(tile) = tiles.clicked {
                        found.tile_clicked = Some((index, tile));
                    }
                }
                _ => {}
            }
        }
        // Where somebody just panned or zoomed, ticks follow in the same frame.
        if moved {
            self.lay_out(figure, key.size, &key.theme);
        } else {
            self.layout = Some((key, layout));
        }
        let Some((key, layout)) = self.layout.take() else {
            return found;
        };
        self.decorate(ui, id, figure, &layout, origin, &plots, options);
        if let (Some(drawn), Some((_, pencil))) = (&found.drawn, options.pencil) {
            being_drawn(ui, drawn, pencil, figure, &plots, &layout.theme);
        }
        self.layout = Some((key, layout));
        found
    }

    /// Everything around and over the plots.
    #[allow(clippy::too_many_arguments)]
    fn decorate(
        &mut self,
        ui: &mut Ui,
        id: Id,
        figure: &Figure,
        layout: &FigureLayout,
        origin: Vec2,
        plots: &[(usize, ShownPlot, Option<Readout>)],
        options: &Options,
    ) {
        let theme = &layout.theme;
        let painter = ui.painter().clone();
        let family = text::semi_bold(&painter);
        let mut shapes = Vec::new();
        for item in &layout.title {
            text::shapes(&painter, item, origin, &family, &mut shapes);
        }
        for (index, (panel, place)) in figure.panels().zip(&layout.panels).enumerate() {
            decorations::texts(&painter, place, origin, &mut shapes);
            let bar = match &panel.content {
                Content::Axes(axes) => &axes.color_bar,
                Content::Mosaic(mosaic) => &mosaic.color_bar,
            };
            if let (Some(bar), Some(place)) = (bar, &place.color_bar) {
                decorations::color_bar(bar, place, origin, theme, &mut shapes);
            }
            let Content::Axes(axes) = &panel.content else {
                continue;
            };
            let Some((_, shown, readout)) = plots.iter().find(|(plot, ..)| *plot == index) else {
                continue;
            };
            let frame = *shown.transform.frame();
            let x = place.x_ticks.iter().filter(|tick| tick.major);
            let y = place.y_ticks.iter().filter(|tick| tick.major);
            let picture = axes.is_picture();
            if axes.frame == Frame::Full {
                painter.set(
                    shown.under,
                    marks::grid(
                        frame,
                        x.filter(|_| !picture)
                            .map(|tick| place.view.x.pixel(tick.value) as f32 + origin.x),
                        y.filter(|_| !picture)
                            .map(|tick| place.view.y.pixel(tick.value) as f32 + origin.y),
                        theme,
                    ),
                );
                shapes.extend(marks::frame_lines(frame, picture, theme));
                decorations::ticks(frame, place, origin, theme, &mut shapes);
            }
            let inside = painter.with_clip_rect(frame.expand(1.0).intersect(ui.clip_rect()));
            let mut annotations = Vec::new();
            for item in &place.annotations {
                text::shapes(&painter, item, origin, &family, &mut annotations);
            }
            inside.extend(annotations);
            if let Some(cursor) = options.cursors.get(index).copied().flatten()
                && readout.is_none()
            {
                let x = shown
                    .transform
                    .position_from_point_x(axes.x.scale.forward(cursor));
                if x >= frame.left() && x <= frame.right() {
                    let line = Stroke::new(1.0, color(theme.foreground).gamma_multiply(0.55));
                    inside.vline(x, frame.y_range(), line);
                }
            }
            for mark in options.marks.iter().filter(|mark| mark.panel == index) {
                let at = egui::pos2(
                    shown
                        .transform
                        .position_from_point_x(axes.x.scale.forward(mark.x)),
                    shown
                        .transform
                        .position_from_point_y(axes.y.scale.forward(mark.y)),
                );
                if at.x.is_finite() && at.y.is_finite() {
                    let size = 1.1 * theme.marker_size as f32;
                    inside.circle_stroke(at, size, Stroke::new(3.0, color(theme.background)));
                    inside.circle_stroke(at, size, Stroke::new(1.5, color(theme.foreground)));
                }
            }
            if let Some(readout) = readout {
                if readout.y.is_none() && readout.x.is_finite() {
                    let x = shown
                        .transform
                        .position_from_point_x(axes.x.scale.forward(readout.x));
                    let line = Stroke::new(1.0, color(theme.foreground).gamma_multiply(0.35));
                    inside.vline(x, frame.y_range(), line);
                }
                readout::show(ui, &shown.response, readout, frame, theme);
            }
        }
        painter.extend(shapes);
        self.legends(ui, id, figure, layout, origin);
    }

    fn legends(
        &mut self,
        ui: &mut Ui,
        id: Id,
        figure: &Figure,
        layout: &FigureLayout,
        origin: Vec2,
    ) {
        let mut changed = false;
        if figure.legend == Legend::Shared {
            let mut names: Vec<String> = Vec::new();
            for entry in figure.axes().flat_map(legend_entries) {
                if !names.contains(&entry.name) {
                    names.push(entry.name);
                }
            }
            changed |= decorations::legend(
                ui,
                id,
                &layout.legend,
                &names,
                origin,
                &mut self.hidden,
                &layout.theme,
            );
        }
        for (index, (panel, place)) in figure.panels().zip(&layout.panels).enumerate() {
            let Content::Axes(axes) = &panel.content else {
                continue;
            };
            if place.legend.is_empty() {
                continue;
            }
            let names: Vec<String> = legend_entries(axes).into_iter().map(|e| e.name).collect();
            changed |= decorations::legend(
                ui,
                id.with(("panel", index)),
                &place.legend,
                &names,
                origin,
                &mut self.hidden,
                &layout.theme,
            );
        }
        if changed {
            self.prepare(ui.ctx(), figure);
            ui.ctx().request_repaint();
        }
    }
}

impl PanelState {
    /// The limits that are on screen, in values.
    fn shown_limits(&self, axes: &Axes) -> Limits {
        match self.zoomed {
            None => self.limits,
            Some([x, y]) => {
                let back = |scale: Scale, (a, b): (f64, f64)| (scale.inverse(a), scale.inverse(b));
                Limits {
                    x: back(axes.x.scale, x),
                    y: back(axes.y.scale, y),
                }
            }
        }
    }
}

/// Names for the pans and zooms of a panel; another scale begins anew.
fn plot_id(id: Id, index: usize, axes: &Axes) -> Id {
    let kind = |scale: Scale| match scale {
        Scale::Linear => 0,
        Scale::Log10 => 1,
        Scale::SymLog { .. } => 2,
    };
    id.with((index, kind(axes.x.scale), kind(axes.y.scale)))
}

fn same_scales(a: &Axes, b: &Axes) -> bool {
    let same = |a: &Axis, b: &Axis| a.scale == b.scale && a.label == b.label;
    same(&a.x, &b.x) && same(&a.y, &b.y)
}

fn on_scales(axes: &Axes, limits: Limits) -> [(f64, f64); 2] {
    let on = |scale: Scale, (a, b): (f64, f64)| (scale.forward(a), scale.forward(b));
    [on(axes.x.scale, limits.x), on(axes.y.scale, limits.y)]
}

fn of_bounds(bounds: &egui_plot::PlotBounds) -> [(f64, f64); 2] {
    let (low, high) = (bounds.min(), bounds.max());
    [(low[0], high[0]), (low[1], high[1])]
}

fn place_of(
    panel: usize,
    axes: &Axes,
    transform: &PlotTransform,
    pointer: Pos2,
    readout: Option<&Readout>,
) -> Place {
    let at = transform.value_from_position(pointer);
    Place {
        panel,
        x: readout.map_or_else(|| axes.x.scale.inverse(at.x), |readout| readout.x),
        y: readout
            .and_then(|readout| readout.y)
            .unwrap_or_else(|| axes.y.scale.inverse(at.y)),
    }
}

/// What a plot shows, for those who cannot see it.
fn describe(figure: &Figure, axes: &Axes) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(figure.title.clone());
    parts.extend(axes.title.clone());
    parts.push(format!(
        "{} against {}",
        axes.y.full_label(),
        axes.x.full_label()
    ));
    if !figure.description.is_empty() {
        parts.push(figure.description.clone());
    }
    parts.join(". ")
}
