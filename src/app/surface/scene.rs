//! What is shown: the figure of a plane, lifted into space.

use super::camera::Extents;
use super::math::{Vec3, vec3};
use super::mesh::HeightField;
use crate::figure::{
    Axes, Axis, ColorBar, ColorScale, Heatmap, Ink, Layer, Line, LineStyle, Marker, Normalization,
    Scatter,
};

/// Half of the box's height, where its longer side is 2.
pub const HALF_HEIGHT: f32 = 0.46;
/// The shorter side is at least this part of the longer one.
const NARROWEST: f64 = 0.4;
/// Contour lines at most: the shader has room for so many.
pub const LEVELS: usize = 64;
/// Points of one layer that are drawn, at most.
const POINTS: usize = 2000;

/// A line laid on the surface.
#[derive(Clone, Debug, PartialEq)]
pub struct SurfaceLine {
    /// Its pieces.
    pub pieces: Vec<[Vec3; 2]>,
    /// How it is drawn.
    pub style: LineStyle,
}

/// A point on the surface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurfacePoint {
    /// Where it is.
    pub at: Vec3,
    /// A circle becomes a ball.
    pub marker: Marker,
    /// Its colour.
    pub ink: Ink,
    /// Diameter as a multiple of the theme's.
    pub size: f64,
}

/// One of the two axes on the floor.
#[derive(Clone, Debug, PartialEq)]
pub struct FloorAxis {
    /// Label, limits and ticks.
    pub axis: Axis,
    /// The values at both ends.
    pub limits: (f64, f64),
    /// Half of its length in the scene.
    half: f32,
}

impl FloorAxis {
    /// The place of a value, from −half to half.
    pub fn place(&self, value: f64) -> f32 {
        let fraction = (value - self.limits.0) / (self.limits.1 - self.limits.0);
        self.half * (2.0 * fraction - 1.0) as f32
    }

    /// The value at a place.
    pub fn value(&self, place: f32) -> f64 {
        let fraction = f64::from(place / self.half + 1.0) / 2.0;
        self.limits.0 + fraction * (self.limits.1 - self.limits.0)
    }
}

/// A surface with what lies on it, made from the figure of a plane.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The heights.
    pub field: HeightField,
    /// The axis to the right.
    pub alpha: FloorAxis,
    /// The axis to the back.
    pub beta: FloorAxis,
    /// Colours and heights, the same.
    pub color: ColorScale,
    /// What the heights measure.
    pub label: String,
    /// The key to the colours.
    pub color_bar: Option<ColorBar>,
    /// Heights of the contour lines, from 0 to 1.
    pub levels: Vec<f32>,
    /// Lines on the surface.
    pub lines: Vec<SurfaceLine>,
    /// Points on the surface.
    pub points: Vec<SurfacePoint>,
    /// The figure in words.
    pub description: String,
    /// What stands under it.
    pub note: Option<String>,
}

impl Scene {
    /// The surface over the heat map of these axes, with the figure's lines and
    /// points laid on it and contour lines at the values `levels`. Heights are
    /// where the values lie between the ends of the colour map; what exceeds
    /// them is cut off at the ends. `None` without a heat map of at least two
    /// by two samples.
    pub fn of(axes: &Axes, levels: &[f64], description: &str) -> Option<Self> {
        let map = axes.layers.iter().find_map(|layer| match layer {
            Layer::Heatmap(map) => Some(map),
            _ => None,
        })?;
        if map.columns() < 2 || map.rows() < 2 {
            return None;
        }
        let limits = axes.resolved_limits();
        let spans = (limits.x.1 - limits.x.0, limits.y.1 - limits.y.0);
        let longest = spans.0.max(spans.1);
        let half = |span: f64| (span / longest).clamp(NARROWEST, 1.0) as f32;
        let floor = |axis: &Axis, limits, span| FloorAxis {
            axis: axis.clone(),
            limits,
            half: half(span),
        };
        let alpha = floor(&axes.x, limits.x, spans.0);
        let beta = floor(&axes.y, limits.y, spans.1);
        let color = map.color;
        let field = HeightField {
            x: middles(&map.x_edges).map(|x| alpha.place(x)).collect(),
            z: middles(&map.y_edges).map(|y| -beta.place(y)).collect(),
            y: heights(map, &color.normalization),
        };
        let place = |x: f64, y: f64| [alpha.place(x), -beta.place(y)];
        let mut lines = Vec::new();
        let mut points = Vec::new();
        for layer in &axes.layers {
            match layer {
                Layer::Line(line) => lines.push(draped(&field, line, place)),
                // What a map says by a ring, a surface says by the height.
                Layer::Scatter(scatter) if scatter.marker == Marker::Ring => {
                    let height = |value| height_of(&color.normalization, value);
                    let (line, ends) = dropped(&field, scatter, place, height);
                    lines.push(line);
                    points.extend(ends);
                }
                Layer::Scatter(scatter) => points.extend(scattered(&field, scatter, place)),
                _ => {}
            }
        }
        let levels = levels
            .iter()
            .map(|level| color.normalization.fraction(*level) as f32)
            .filter(|level| (0.0..=1.0).contains(level))
            .take(LEVELS)
            .collect();
        let label = axes.color_bar.as_ref().map(|bar| bar.full_label());
        let mut note: Vec<&str> = axes.note.iter().map(String::as_str).collect();
        note.push("linear between samples");
        if map.values.iter().any(|value| value.is_nan()) {
            note.push("holes: not a number");
        }
        let note = Some(note.join(" · "));
        Some(Self {
            field,
            alpha,
            beta,
            color,
            label: label.unwrap_or_default(),
            color_bar: axes.color_bar.clone(),
            levels,
            lines,
            points,
            description: description.to_owned(),
            note,
        })
    }

    /// The box around it.
    pub fn extents(&self) -> Extents {
        Extents {
            half: vec3(self.alpha.half, HALF_HEIGHT, self.beta.half),
        }
    }

    /// α, β and the value at a place of the surface.
    pub fn values(&self, at: Vec3) -> [f64; 3] {
        let fraction = f64::from(at.y / HALF_HEIGHT + 1.0) / 2.0;
        let Normalization { scale, limits } = self.color.normalization;
        [
            self.alpha.value(at.x),
            self.beta.value(-at.z),
            scale.at_fraction(fraction, limits),
        ]
    }

    /// Whether a place is where values above the limits were cut off.
    pub fn is_cut(&self, at: Vec3) -> bool {
        at.y.abs() >= HALF_HEIGHT * (1.0 - 1e-5)
    }

    /// The place on the surface over a point of the plane.
    pub fn on_surface(&self, alpha: f64, beta: f64) -> Option<Vec3> {
        let (x, z) = (self.alpha.place(alpha), -self.beta.place(beta));
        Some(vec3(x, self.field.height_at(x, z)?, z))
    }
}

fn middles(edges: &[f64]) -> impl Iterator<Item = f64> {
    edges.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0)
}

fn height_of(normalization: &Normalization, value: f64) -> f32 {
    // Clamping keeps not-a-number.
    let fraction = normalization.fraction(value).clamp(0.0, 1.0);
    HALF_HEIGHT * (2.0 * fraction - 1.0) as f32
}

fn heights(map: &Heatmap, normalization: &Normalization) -> Vec<f32> {
    let columns = map.columns();
    (0..columns * map.rows())
        .map(|k| height_of(normalization, map.value(k % columns, k / columns)))
        .collect()
}

fn draped(field: &HeightField, line: &Line, place: impl Fn(f64, f64) -> [f32; 2]) -> SurfaceLine {
    let path: Vec<[f32; 2]> = line
        .x
        .iter()
        .zip(line.y.iter())
        .map(|(&x, &y)| place(x, y))
        .collect();
    SurfaceLine {
        pieces: field.drape(&path),
        style: line.style,
    }
}

/// Drop-lines from the points' own values to the surface, and their ends.
fn dropped(
    field: &HeightField,
    scatter: &Scatter,
    place: impl Fn(f64, f64) -> [f32; 2],
    height: impl Fn(f64) -> f32,
) -> (SurfaceLine, Vec<SurfacePoint>) {
    let ends: Vec<[Vec3; 2]> = scatter
        .x
        .iter()
        .zip(scatter.y.iter())
        .zip(&scatter.values)
        .take(POINTS)
        .filter_map(|((&x, &y), &value)| {
            let ([x, z], own) = (place(x, y), height(value));
            let foot = field.height_at(x, z)?;
            own.is_finite()
                .then_some([vec3(x, own, z), vec3(x, foot, z)])
        })
        .collect();
    let points = ends
        .iter()
        .enumerate()
        .map(|(index, [own, _])| SurfacePoint {
            at: *own,
            marker: Marker::Circle,
            ink: scatter.point_style(index).1,
            size: 0.7,
        });
    let points = points.collect();
    let line = SurfaceLine {
        pieces: ends,
        style: LineStyle::solid(scatter.point_style(0).1).width(0.6),
    };
    (line, points)
}

fn scattered(
    field: &HeightField,
    scatter: &Scatter,
    place: impl Fn(f64, f64) -> [f32; 2],
) -> Vec<SurfacePoint> {
    let coordinates = scatter.x.iter().zip(scatter.y.iter()).take(POINTS);
    coordinates
        .enumerate()
        .filter_map(|(index, (&x, &y))| {
            let [x, z] = place(x, y);
            let (marker, ink) = scatter.point_style(index);
            Some(SurfacePoint {
                at: vec3(x, field.height_at(x, z)?, z),
                marker,
                ink,
                size: scatter.point_size(index),
            })
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::figure::{Colormap, ScatterColors};

    /// Axes with a function on [−1, 1]² and a path to the middle.
    pub fn axes(n: usize, f: impl Fn(f64, f64) -> f64) -> Axes {
        let axis: Vec<f64> = (0..n)
            .map(|i| -1.0 + 2.0 * i as f64 / (n - 1) as f64)
            .collect();
        let values: Vec<f64> = axis
            .iter()
            .flat_map(|&b| axis.iter().map(move |&a| (a, b)))
            .map(|(a, b)| f(a, b))
            .collect();
        let color = ColorScale::new(
            Colormap::Viridis,
            Normalization::spanning(crate::figure::Scale::Linear, &values),
        );
        let mut axes = Axes::new(Axis::new("α").unit("filter norms"), Axis::new("β"));
        axes.x.limits = Some((-1.0, 1.0));
        axes.y.limits = Some((-1.0, 1.0));
        axes.color_bar = Some(ColorBar::new(color, "training loss"));
        axes.with(Heatmap::sampled(&axis, &axis, values, color))
            .with(
                Line::new(vec![-0.8, -0.4, 0.0], vec![0.6, 0.1, 0.0])
                    .style(LineStyle::solid(Ink::Foreground).cased()),
            )
            .with(Scatter {
                colors: ScatterColors::Uniform(Ink::Accent),
                marker: Marker::Circle,
                size: 1.9,
                ..Scatter::new(vec![0.0], vec![0.0])
            })
    }

    pub fn scene(n: usize, f: impl Fn(f64, f64) -> f64) -> Scene {
        Scene::of(&axes(n, f), &[0.5, 1.0, 1.5], "A bowl.").unwrap()
    }

    #[test]
    fn heights_are_where_values_lie_on_the_colour_map() {
        let scene = scene(21, |a, b| a * a + b * b);
        let highest = scene.field.y.iter().copied().fold(f32::MIN, f32::max);
        let lowest = scene.field.y.iter().copied().fold(f32::MAX, f32::min);
        assert!((highest - HALF_HEIGHT).abs() < 1e-6);
        assert!((lowest + HALF_HEIGHT).abs() < 1e-6);
        assert_eq!(scene.levels, [0.25, 0.5, 0.75]);
        let corner = scene.on_surface(1.0, -1.0).unwrap();
        assert_eq!(corner, vec3(1.0, HALF_HEIGHT, 1.0));
        let [alpha, beta, loss] = scene.values(corner);
        assert!((alpha - 1.0).abs() < 1e-6 && (beta + 1.0).abs() < 1e-6);
        assert!((loss - 2.0).abs() < 1e-5);
    }

    #[test]
    fn the_path_and_the_point_lie_on_it() {
        let scene = scene(21, |a, b| a * a + b * b);
        let pieces = &scene.lines[0].pieces;
        assert!(pieces.len() > 10 && scene.lines[0].style.casing);
        assert_eq!(scene.points.len(), 1);
        let end = pieces.last().unwrap()[1];
        assert!((end - scene.points[0].at).length() < 1e-5);
        assert!((scene.points[0].at.y + HALF_HEIGHT).abs() < 1e-5);
    }

    #[test]
    fn what_exceeds_the_limits_is_cut_and_holes_stay() {
        let mut axes = axes(11, |a, b| if a > 0.9 { f64::NAN } else { a + b });
        for layer in &mut axes.layers {
            if let Layer::Heatmap(map) = layer {
                map.color.normalization.limits = (-0.5, 0.5);
            }
        }
        let scene = Scene::of(&axes, &[0.0, 7.0], "").unwrap();
        assert!(
            scene
                .field
                .y
                .iter()
                .all(|y| y.is_nan() || y.abs() <= HALF_HEIGHT)
        );
        assert_eq!(scene.field.y.iter().filter(|y| y.is_nan()).count(), 11);
        assert!(scene.on_surface(1.0, 0.0).is_none());
        let cut = scene.on_surface(0.6, 0.8).unwrap();
        assert!(scene.is_cut(cut));
        assert_eq!(scene.levels, [0.5], "7 is beyond the limits");
        assert!(scene.note.unwrap().contains("holes"));
    }

    #[test]
    fn without_a_map_there_is_no_surface() {
        let empty = Axes::new(Axis::new("x"), Axis::new("y"));
        assert!(Scene::of(&empty, &[], "").is_none());
        assert!(Scene::of(&axes(2, |a, _| a), &[], "").is_some());
    }

    #[test]
    fn drop_lines_lead_from_a_value_to_the_surface() {
        let halos = Scatter {
            marker: Marker::Ring,
            values: vec![1.0, f64::NAN],
            ..Scatter::new(vec![0.5, -0.5], vec![0.0, 0.0])
        };
        let axes = axes(9, |a, b| a * a + b * b).with(halos);
        let scene = Scene::of(&axes, &[], "").unwrap();
        let drops = scene.lines.last().unwrap();
        // Not-a-number has no height.
        assert_eq!(drops.pieces.len(), 1);
        let [own, foot] = drops.pieces[0];
        assert_eq!((own.x, own.z), (foot.x, foot.z));
        let [_, _, value] = scene.values(own);
        let [_, _, below] = scene.values(foot);
        assert!((value - 1.0).abs() < 1e-5 && (below - 0.25).abs() < 1e-5);
    }
}
