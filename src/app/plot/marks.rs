//! The layers of axes as an item of an egui plot.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use eframe::egui::{Color32, Mesh, Pos2, Rect, Shape, Stroke, TextureId, Ui, epaint::Vertex, pos2};
use egui_plot::{PlotBounds, PlotGeometry, PlotItem, PlotItemBase, PlotTransform};

use crate::figure::{
    Axes, Contours, FigureTheme, Layer, LineStyle, Marker, Orientation, Scale, ScatterColors,
    theme::black_or_white_on,
};

use super::prepare::{PreparedAxes, PreparedLayer};
use super::shapes::{self, arrow_head, hatching, polyline};
use super::style::{color, ink, stroke};

/// The shapes of the last frame, used again while nothing changes.
#[derive(Default)]
pub(super) struct ShapeCache {
    key: Option<Key>,
    shapes: Vec<Shape>,
}

#[derive(Clone, PartialEq)]
struct Key {
    generation: u64,
    frame: Rect,
    bounds: [[f64; 2]; 2],
    theme: FigureTheme,
    pixels_per_point: f32,
}

/// The layers of axes.
pub(super) struct Marks<'a> {
    base: PlotItemBase,
    pub prepared: &'a PreparedAxes,
    pub theme: &'a FigureTheme,
    pub limits: [(f64, f64); 2],
    pub generation: u64,
    pub cache: &'a RefCell<ShapeCache>,
}

impl<'a> Marks<'a> {
    pub fn new(
        prepared: &'a PreparedAxes,
        theme: &'a FigureTheme,
        limits: [(f64, f64); 2],
        generation: u64,
        cache: &'a RefCell<ShapeCache>,
    ) -> Self {
        Self {
            base: PlotItemBase::new("marks".to_owned()),
            prepared,
            theme,
            limits,
            generation,
            cache,
        }
    }
}

impl PlotItem for Marks<'_> {
    fn shapes(&self, ui: &Ui, transform: &PlotTransform, out: &mut Vec<Shape>) {
        let bounds = transform.bounds();
        let key = Key {
            generation: self.generation,
            frame: *transform.frame(),
            bounds: [bounds.min(), bounds.max()],
            theme: self.theme.clone(),
            pixels_per_point: ui.pixels_per_point(),
        };
        let mut cache = self.cache.borrow_mut();
        if cache.key.as_ref() != Some(&key) {
            cache.key = Some(key);
            cache.shapes.clear();
            let drawing = Drawing {
                axes: &self.prepared.axes,
                theme: self.theme,
                transform,
                frame: *transform.frame(),
            };
            if self.prepared.missing {
                let frame = drawing.frame;
                cache
                    .shapes
                    .push(Shape::rect_filled(frame, 0.0, color(self.theme.missing)));
                hatching(frame, color(self.theme.hatch), &mut cache.shapes);
            }
            for (layer, prepared) in self.prepared.axes.layers.iter().zip(&self.prepared.layers) {
                drawing.layer(layer, prepared, &mut cache.shapes);
            }
        }
        out.extend(cache.shapes.iter().cloned());
    }

    fn initialize(&mut self, _x_range: RangeInclusive<f64>) {}

    fn color(&self) -> Color32 {
        Color32::TRANSPARENT
    }

    fn allow_hover(&self) -> bool {
        false
    }

    fn geometry(&self) -> PlotGeometry<'_> {
        PlotGeometry::None
    }

    fn bounds(&self) -> PlotBounds {
        let [x, y] = self.limits;
        PlotBounds::from_min_max([x.0, y.0], [x.1, y.1])
    }

    fn base(&self) -> &PlotItemBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut PlotItemBase {
        &mut self.base
    }
}

/// Axes being drawn into a frame.
struct Drawing<'a> {
    axes: &'a Axes,
    theme: &'a FigureTheme,
    transform: &'a PlotTransform,
    frame: Rect,
}

impl Drawing<'_> {
    /// Pixels of coordinates on the scales.
    fn screen(&self, x: &[f64], y: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let t = self.transform;
        let origin = t.position_from_point(&egui_plot::PlotPoint::new(
            t.bounds().min()[0],
            t.bounds().min()[1],
        ));
        let [sx, sy] = t.dpos_dvalue();
        let [x0, y0] = t.bounds().min();
        (
            x.iter()
                .map(|&v| f64::from(origin.x) + (v - x0) * sx)
                .collect(),
            y.iter()
                .map(|&v| f64::from(origin.y) + (v - y0) * sy)
                .collect(),
        )
    }

    fn x(&self, value: f64) -> f32 {
        self.transform
            .position_from_point_x(self.axes.x.scale.forward(value))
    }

    fn y(&self, value: f64) -> f32 {
        self.transform
            .position_from_point_y(self.axes.y.scale.forward(value))
    }

    /// The pixel of a baseline; the lower edge where the scale cannot show it.
    fn baseline(&self, value: f64) -> f32 {
        let y = self.y(value);
        if y.is_finite() {
            y
        } else {
            self.frame.bottom()
        }
    }

    fn layer(&self, layer: &Layer, prepared: &PreparedLayer, out: &mut Vec<Shape>) {
        match (layer, prepared) {
            (Layer::Line(line), PreparedLayer::Curves { x, y, forward }) => {
                let (from, to) = if *forward {
                    self.visible(x)
                } else {
                    (0, x.len())
                };
                let (xs, ys) = self.screen(&x[from..to], &y[0][from..to]);
                self.curve(&xs, &ys, &line.style, out);
                if line.marker != Marker::None {
                    self.markers_along(&xs, &ys, line.marker, &line.style, out);
                }
            }
            (Layer::Band(band), PreparedLayer::Curves { x, y, .. }) => {
                let (xs, low) = self.screen(x, &y[0]);
                let (_, high) = self.screen(x, &y[1]);
                let fill = ink(self.theme, band.ink).gamma_multiply(self.theme.band_opacity as f32);
                out.push(band_mesh(&xs, &low, &high, fill));
            }
            (Layer::Scatter(scatter), PreparedLayer::Curves { x, y, .. }) => {
                let (xs, ys) = self.screen(x, &y[0]);
                // Many points in a small plot are smaller.
                let room = (self.frame.area() / (320.0 * 320.0)).sqrt();
                let crowd = if xs.len() > 60 {
                    room.clamp(0.5, 1.0)
                } else {
                    1.0
                };
                let unit = crowd * self.theme.marker_size as f32;
                let edge = scatter
                    .edged
                    .then(|| Stroke::new(1.0, color(self.theme.background)));
                let around = self.frame.expand(unit * scatter.largest_size() as f32);
                for (index, (&x, &y)) in xs.iter().zip(&ys).enumerate() {
                    let at = pos2(x as f32, y as f32);
                    if !(x.is_finite() && y.is_finite() && around.contains(at)) {
                        continue;
                    }
                    let (marker, point_ink) = scatter.point_style(index);
                    let fill = match &scatter.colors {
                        ScatterColors::Values { values, .. }
                            if !values.get(index).is_some_and(|v| v.is_finite()) =>
                        {
                            color(self.theme.missing)
                        }
                        _ => ink(self.theme, point_ink),
                    };
                    let size = unit * scatter.point_size(index) as f32;
                    shapes::marker(at, marker, size, fill, edge, out);
                }
            }
            (Layer::Stems(stems), PreparedLayer::Curves { x, y, .. }) => {
                let (xs, ys) = self.screen(x, &y[0]);
                let base = self.baseline(stems.baseline);
                let line = stroke(self.theme, &stems.style);
                for (&x, &y) in xs.iter().zip(&ys) {
                    if !(x.is_finite() && y.is_finite()) {
                        continue;
                    }
                    let top = pos2(x as f32, y as f32);
                    let piece = vec![pos2(top.x, base), top];
                    shapes::line(piece, line, stems.style.dash, out);
                    let size = self.theme.marker_size as f32;
                    shapes::marker(top, stems.marker, size, line.color, None, out);
                }
            }
            (Layer::Contours(contours), PreparedLayer::Contours(levels)) => {
                self.contours(contours, levels, out);
            }
            (Layer::Heatmap(map), PreparedLayer::Picture(texture)) => {
                self.picture(texture.id(), &map.x_edges, &map.y_edges, 1.0, out);
            }
            (Layer::Image(image), PreparedLayer::Picture(texture)) => {
                let (x, y) = ([image.x.0, image.x.1], [image.y.0, image.y.1]);
                self.picture(texture.id(), &x, &y, image.opacity as f32, out);
            }
            (Layer::Rule(rule), _) => {
                let line = stroke(self.theme, &rule.style);
                let frame = self.frame;
                let piece = match rule.orientation {
                    Orientation::Horizontal => {
                        let y = self.y(rule.at);
                        vec![pos2(frame.left(), y), pos2(frame.right(), y)]
                    }
                    Orientation::Vertical => {
                        let x = self.x(rule.at);
                        vec![pos2(x, frame.bottom()), pos2(x, frame.top())]
                    }
                };
                if piece.iter().all(|p| p.x.is_finite() && p.y.is_finite())
                    && frame.expand(1.0).contains(piece[0])
                {
                    shapes::line(piece, line, rule.style.dash, out);
                }
            }
            (Layer::Bars(bars), _) => {
                let base = self.baseline(bars.baseline);
                let fill = ink(self.theme, bars.ink).gamma_multiply(0.85);
                for (edges, &height) in bars.edges.windows(2).zip(bars.heights.iter()) {
                    let (left, right) = (self.x(edges[0]), self.x(edges[1]));
                    let top = self.y(height);
                    if !(left.is_finite() && right.is_finite() && top.is_finite()) {
                        continue;
                    }
                    let gap = if right - left > 3.0 { 0.5 } else { 0.0 };
                    let rect = Rect::from_two_pos(pos2(left + gap, top), pos2(right - gap, base));
                    out.push(Shape::rect_filled(rect, 0.0, fill));
                }
            }
            (Layer::Arrow(arrow), _) => {
                let from = pos2(self.x(arrow.from[0]), self.y(arrow.from[1]));
                let to = pos2(self.x(arrow.to[0]), self.y(arrow.to[1]));
                if from.any_nan() || to.any_nan() || (to - from).length() < 0.5 {
                    return;
                }
                let line = stroke(self.theme, &arrow.style);
                let size = (4.0 * line.width).max(7.0);
                let shaft_end = to - (to - from).normalized() * size * 0.8;
                if arrow.style.casing {
                    let wider = Stroke::new(line.width + 2.0, color(self.theme.background));
                    out.push(Shape::line_segment([from, shaft_end], wider));
                }
                shapes::line(vec![from, shaft_end], line, arrow.style.dash, out);
                out.push(arrow_head(to, to - from, size, line.color));
            }
            // Text is placed by the layout, so that it covers nothing.
            _ => {}
        }
    }

    /// The points that matter of a curve whose x never goes back: those within
    /// the bounds and one more on each side.
    fn visible(&self, x: &[f64]) -> (usize, usize) {
        let bounds = self.transform.bounds();
        if x.iter().any(|v| !v.is_finite()) {
            return (0, x.len());
        }
        let from = x
            .partition_point(|&v| v < bounds.min()[0])
            .saturating_sub(1);
        let to = x.partition_point(|&v| v <= bounds.max()[0]) + 1;
        (from, to.min(x.len()).max(from))
    }

    fn curve(&self, x: &[f64], y: &[f64], style: &LineStyle, out: &mut Vec<Shape>) {
        let line = stroke(self.theme, style);
        let pieces = polyline(x, y, self.frame);
        if style.casing {
            let wider = Stroke::new(
                line.width + 2.0,
                color(self.theme.background).gamma_multiply(0.85),
            );
            for piece in &pieces {
                shapes::line(piece.clone(), wider, crate::figure::Dash::Solid, out);
            }
        }
        for piece in pieces {
            shapes::line(piece, line, style.dash, out);
        }
    }

    fn markers_along(
        &self,
        x: &[f64],
        y: &[f64],
        marker: Marker,
        style: &LineStyle,
        out: &mut Vec<Shape>,
    ) {
        let size = self.theme.marker_size as f32;
        let fill = color(style.rgba(self.theme));
        let edge = style
            .casing
            .then(|| Stroke::new(1.0, color(self.theme.background)));
        let mut last: Option<Pos2> = None;
        for (&x, &y) in x.iter().zip(y) {
            let at = pos2(x as f32, y as f32);
            let finite = x.is_finite() && y.is_finite();
            if !finite || !self.frame.expand(size).contains(at) {
                continue;
            }
            if last.is_some_and(|last| last.distance(at) < 2.5 * size) {
                continue;
            }
            last = Some(at);
            shapes::marker(at, marker, size, fill, edge, out);
        }
    }

    fn contours(
        &self,
        contours: &Contours,
        levels: &[Vec<super::prepare::Curve>],
        out: &mut Vec<Shape>,
    ) {
        let width = (contours.width * self.theme.line_width) as f32;
        for (level, lines) in contours.levels.iter().zip(levels) {
            let ink = match contours.over {
                Some(scale) => {
                    let mut rgba = black_or_white_on(scale.rgba(level.value));
                    rgba[3] = 150;
                    color(rgba)
                }
                None => color(self.theme.foreground).gamma_multiply(0.8),
            };
            let line_stroke = Stroke::new(width, ink);
            for (x, y) in lines {
                let (xs, ys) = self.screen(x, y);
                for piece in polyline(&xs, &ys, self.frame) {
                    if piece.len() > 1 {
                        out.push(Shape::line(piece, line_stroke));
                    }
                }
            }
        }
    }

    /// A texture between cell edges: one quad where cells are equally large on
    /// the scales, otherwise one for each cell boundary.
    fn picture(
        &self,
        texture: TextureId,
        x_edges: &[f64],
        y_edges: &[f64],
        opacity: f32,
        out: &mut Vec<Shape>,
    ) {
        let xs = stops(x_edges, self.axes.x.scale, |v| {
            self.transform.position_from_point_x(v)
        });
        let ys = stops(y_edges, self.axes.y.scale, |v| {
            self.transform.position_from_point_y(v)
        });
        if xs.len() < 2 || ys.len() < 2 {
            return;
        }
        let tint = Color32::WHITE.gamma_multiply(opacity);
        let mut mesh = Mesh::with_texture(texture);
        for &(y, v) in &ys {
            for &(x, u) in &xs {
                mesh.vertices.push(Vertex {
                    pos: pos2(x, y),
                    uv: pos2(u, 1.0 - v),
                    color: tint,
                });
            }
        }
        let columns = xs.len() as u32;
        for j in 0..ys.len() as u32 - 1 {
            for i in 0..columns - 1 {
                let a = j * columns + i;
                mesh.add_triangle(a, a + 1, a + columns);
                mesh.add_triangle(a + 1, a + columns + 1, a + columns);
            }
        }
        out.push(Shape::mesh(mesh));
    }
}

/// Where a picture must be held: pixel and fraction of the texture at each
/// edge, only the first and last where they are evenly spaced.
fn stops(edges: &[f64], scale: Scale, to_pixel: impl Fn(f64) -> f32) -> Vec<(f32, f32)> {
    let n = edges.len();
    if n < 2 {
        return Vec::new();
    }
    let place = |i: usize| scale.forward(edges[i]);
    let (first, last) = (place(0), place(n - 1));
    let step = (last - first) / (n - 1) as f64;
    let even = (0..n).all(|i| (place(i) - first - step * i as f64).abs() <= 1e-6 * step.abs());
    let wanted: Vec<usize> = if even {
        vec![0, n - 1]
    } else {
        (0..n).collect()
    };
    wanted
        .into_iter()
        .filter(|&i| place(i).is_finite())
        .map(|i| (to_pixel(place(i)), i as f32 / (n - 1) as f32))
        .collect()
}

/// The area between two curves; nothing where either is not finite.
fn band_mesh(x: &[f64], low: &[f64], high: &[f64], fill: Color32) -> Shape {
    let mut mesh = Mesh::default();
    let mut before: Option<u32> = None;
    for i in 0..x.len().min(low.len()).min(high.len()) {
        if !(x[i].is_finite() && low[i].is_finite() && high[i].is_finite()) {
            before = None;
            continue;
        }
        let at = mesh.vertices.len() as u32;
        mesh.colored_vertex(pos2(x[i] as f32, low[i] as f32), fill);
        mesh.colored_vertex(pos2(x[i] as f32, high[i] as f32), fill);
        if let Some(before) = before {
            mesh.add_triangle(before, before + 1, at);
            mesh.add_triangle(before + 1, at + 1, at);
        }
        before = Some(at);
    }
    Shape::mesh(mesh)
}

/// Grid lines at the places of major ticks.
pub(super) fn grid(
    frame: Rect,
    x: impl Iterator<Item = f32>,
    y: impl Iterator<Item = f32>,
    theme: &FigureTheme,
) -> Shape {
    let line = Stroke::new(1.0, color(theme.grid));
    let mut lines = vec![Shape::rect_filled(frame, 0.0, color(theme.background))];
    lines.extend(
        x.map(|x| Shape::line_segment([pos2(x, frame.top()), pos2(x, frame.bottom())], line)),
    );
    lines.extend(
        y.map(|y| Shape::line_segment([pos2(frame.left(), y), pos2(frame.right(), y)], line)),
    );
    Shape::Vec(lines)
}

/// The frame's lines: left and below, or all around a picture.
pub(super) fn frame_lines(frame: Rect, all: bool, theme: &FigureTheme) -> Vec<Shape> {
    let line = Stroke::new(theme.frame_width as f32, color(theme.frame));
    if all {
        return vec![Shape::rect_stroke(
            frame,
            0.0,
            line,
            eframe::egui::StrokeKind::Middle,
        )];
    }
    vec![
        Shape::line_segment([frame.left_top(), frame.left_bottom()], line),
        Shape::line_segment([frame.left_bottom(), frame.right_bottom()], line),
    ]
}
