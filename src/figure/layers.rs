//! The marks that axes can carry. All coordinates are values of the axes,
//! before any scale is applied.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::colormap::{ColorScale, Colormap, Normalization};
use super::samples::Samples;
use super::style::{Anchor, Ink, LineStyle, Marker, SeriesStyle};

/// One layer of marks.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "each variant is documented by its type")]
pub enum Layer {
    Line(Line),
    Band(Band),
    Scatter(Scatter),
    Heatmap(Heatmap),
    Contours(Contours),
    Rule(Rule),
    Stems(Stems),
    Bars(Bars),
    Text(Text),
    Arrow(Arrow),
    Image(Image),
}

macro_rules! into_layer {
    ($($kind:ident),*) => {$(
        impl From<$kind> for Layer {
            fn from(layer: $kind) -> Self {
                Self::$kind(layer)
            }
        }
    )*};
}
into_layer!(
    Line, Band, Scatter, Heatmap, Contours, Rule, Stems, Bars, Text, Arrow, Image
);

/// A line through points. A value that is not finite, or that the scale cannot
/// show, breaks it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Horizontal coordinates.
    pub x: Samples,
    /// Vertical coordinates, as many.
    pub y: Samples,
    /// How it is drawn.
    pub style: LineStyle,
    /// Points on it; on a dense line only some are drawn.
    pub marker: Marker,
    /// Its name in the legend.
    pub name: Option<String>,
}

impl Line {
    /// A line in the style of the first series.
    pub fn new(x: impl Into<Samples>, y: impl Into<Samples>) -> Self {
        Self {
            x: x.into(),
            y: y.into(),
            style: SeriesStyle::nth(0).into(),
            marker: Marker::None,
            name: None,
        }
    }

    /// The same line in the style (colour and dash) of the n-th series.
    pub fn series(mut self, index: usize) -> Self {
        self.style = SeriesStyle::nth(index).into();
        self
    }

    /// The same line in another style.
    pub fn style(mut self, style: LineStyle) -> Self {
        self.style = style;
        self
    }

    /// The same line with points.
    pub fn marked(mut self, marker: Marker) -> Self {
        self.marker = marker;
        self
    }

    /// The same line with a name in the legend.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// The area between two curves over common abscissae: a spread or an
/// uncertainty.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Band {
    /// Horizontal coordinates.
    pub x: Samples,
    /// Lower curve.
    pub lower: Samples,
    /// Upper curve.
    pub upper: Samples,
    /// Its colour; the theme says how opaque.
    pub ink: Ink,
    /// Its name in the legend; a line of the same name shares the entry.
    pub name: Option<String>,
}

/// Separate points.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scatter {
    /// Horizontal coordinates.
    pub x: Samples,
    /// Vertical coordinates, as many.
    pub y: Samples,
    /// Their colours and shapes.
    pub colors: ScatterColors,
    /// Their shape, where classes do not say it.
    pub marker: Marker,
    /// Diameter as a multiple of the theme's.
    pub size: f64,
    /// A thin edge of the paper's colour, for points on a heat map or dense
    /// ones.
    pub edged: bool,
    /// Their name in the legend, where classes do not say it.
    pub name: Option<String>,
}

/// How points are coloured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum ScatterColors {
    /// All the same.
    Uniform(Ink),
    /// By class: series colour and marker of that number.
    Classes {
        /// The class of every point.
        classes: Vec<usize>,
        /// Names of the classes, for the legend.
        names: Vec<String>,
    },
    /// By a value.
    Values {
        /// The value of every point.
        values: Samples,
        /// Its colour.
        scale: ColorScale,
    },
}

impl Scatter {
    /// Round points in the colour of the first series.
    pub fn new(x: impl Into<Samples>, y: impl Into<Samples>) -> Self {
        Self {
            x: x.into(),
            y: y.into(),
            colors: ScatterColors::Uniform(Ink::Series(0)),
            marker: Marker::Circle,
            size: 1.0,
            edged: false,
            name: None,
        }
    }

    /// The marker and, for all but coloured values, the ink of point `index`.
    pub fn point_style(&self, index: usize) -> (Marker, Ink) {
        match &self.colors {
            ScatterColors::Uniform(ink) => (self.marker, *ink),
            ScatterColors::Classes { classes, .. } => {
                let style = SeriesStyle::nth(classes.get(index).copied().unwrap_or(0));
                (style.marker, style.ink)
            }
            ScatterColors::Values { values, scale } => (
                self.marker,
                Ink::Rgba(scale.rgba(values.get(index).copied().unwrap_or(f64::NAN))),
            ),
        }
    }
}

/// What is shown between samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Interpolation {
    /// Every cell has the colour of its own value.
    #[default]
    Nearest,
    /// Values are interpolated between the middles of cells, which the figure
    /// says in its note. A cell without a value is never interpolated.
    Bilinear,
}

/// Values on a rectangular grid as colours.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Heatmap {
    /// Edges of the columns, in increasing order: one more than columns.
    pub x_edges: Samples,
    /// Edges of the rows, in increasing order: one more than rows.
    pub y_edges: Samples,
    /// Row-major, `values[j * columns + i]` in column i along x and row j
    /// *up* the y axis; not-a-number where there is no value.
    pub values: Samples,
    /// From values to colours.
    pub color: ColorScale,
    /// What is shown between samples.
    pub interpolation: Interpolation,
}

impl Heatmap {
    /// A heat map with the middles of its columns and rows at `x` and `y`
    /// (increasing), as for a function sampled on a grid.
    pub fn sampled(x: &[f64], y: &[f64], values: impl Into<Samples>, color: ColorScale) -> Self {
        Self {
            x_edges: edges_around(x),
            y_edges: edges_around(y),
            values: values.into(),
            color,
            interpolation: Interpolation::Nearest,
        }
    }

    /// A heat map of unit cells, the first with its middle at (0, 0).
    pub fn of_cells(
        columns: usize,
        rows: usize,
        values: impl Into<Samples>,
        color: ColorScale,
    ) -> Self {
        let edges = |n: usize| (0..=n).map(|i| i as f64 - 0.5).collect();
        Self {
            x_edges: edges(columns),
            y_edges: edges(rows),
            values: values.into(),
            color,
            interpolation: Interpolation::Nearest,
        }
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.x_edges.len().saturating_sub(1)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.y_edges.len().saturating_sub(1)
    }

    /// The value of column `i` in row `j`; not-a-number outside.
    pub fn value(&self, i: usize, j: usize) -> f64 {
        if i >= self.columns() {
            return f64::NAN;
        }
        let index = j * self.columns() + i;
        self.values.get(index).copied().unwrap_or(f64::NAN)
    }

    /// The value under a point, `None` outside: for read-outs.
    pub fn value_at(&self, x: f64, y: f64) -> Option<f64> {
        Some(self.value(cell_of(&self.x_edges, x)?, cell_of(&self.y_edges, y)?))
    }

    /// The cells as an image of `columns × rows` pixels, the top row first:
    /// red, green, blue, opacity. Cells without a value are transparent.
    pub fn pixels(&self) -> Raster {
        let (width, height) = (self.columns(), self.rows());
        let mut rgba = Vec::with_capacity(width * height * 4);
        for j in (0..height).rev() {
            for i in 0..width {
                rgba.extend(self.color.rgba(self.value(i, j)));
            }
        }
        Raster::new(width, height, rgba)
    }

    /// The value at fractional cell coordinates, (0.5, 0.5) being the middle
    /// of the first cell: bilinear between middles, constant beyond the
    /// outermost ones. A cell without a value stays without one all over, and
    /// has no part in its neighbours.
    pub fn interpolated(&self, u: f64, v: f64) -> f64 {
        let (columns, rows) = (self.columns(), self.rows());
        if columns == 0 || rows == 0 {
            return f64::NAN;
        }
        let own = |position: f64, count: usize| (position.floor().max(0.0) as usize).min(count - 1);
        if self.value(own(u, columns), own(v, rows)).is_nan() {
            return f64::NAN;
        }
        let split = |position: f64, count: usize| {
            let p = (position - 0.5).clamp(0.0, (count - 1) as f64);
            let low = (p.floor() as usize).min(count - 1);
            (low, (low + 1).min(count - 1), p - low as f64)
        };
        let (i0, i1, s) = split(u, columns);
        let (j0, j1, t) = split(v, rows);
        let (mut sum, mut weights) = (0.0, 0.0);
        for (i, j, weight) in [
            (i0, j0, (1.0 - s) * (1.0 - t)),
            (i1, j0, s * (1.0 - t)),
            (i0, j1, (1.0 - s) * t),
            (i1, j1, s * t),
        ] {
            let value = self.value(i, j);
            if weight > 0.0 && !value.is_nan() {
                sum += weight * value;
                weights += weight;
            }
        }
        sum / weights
    }
}

/// Cell edges halfway between increasing middles; the outermost cells are
/// symmetric about theirs.
pub fn edges_around(middles: &[f64]) -> Samples {
    match middles {
        [] => Samples::default(),
        [only] => [only - 0.5, only + 0.5].into_iter().collect(),
        [first, second, ..] => {
            let n = middles.len();
            let mut edges = vec![first - (second - first) / 2.0];
            edges.extend(middles.windows(2).map(|w| (w[0] + w[1]) / 2.0));
            edges.push(middles[n - 1] + (middles[n - 1] - middles[n - 2]) / 2.0);
            edges.into()
        }
    }
}

/// The cell between increasing edges in which a coordinate lies.
pub fn cell_of(edges: &[f64], coordinate: f64) -> Option<usize> {
    let (first, last) = (*edges.first()?, *edges.last()?);
    if !(coordinate >= first && coordinate <= last) || edges.len() < 2 {
        return None;
    }
    let after = edges.partition_point(|&edge| edge <= coordinate);
    Some(after.saturating_sub(1).min(edges.len() - 2))
}

/// Contour lines of a function, already computed (see
/// [`contour`](super::contour)).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contours {
    /// One entry for each level, in increasing order.
    pub levels: Vec<ContourLevel>,
    /// Width of the lines as a multiple of the theme's.
    pub width: f64,
    /// The colours underneath: lines and labels become black or white,
    /// whichever stands out at that level. `None` draws them in the
    /// foreground's colour.
    pub over: Option<ColorScale>,
    /// Whether the levels are written on the lines where there is room.
    pub labelled: bool,
}

/// The lines of one level.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContourLevel {
    /// The value on the lines.
    pub value: f64,
    /// The value as text.
    pub label: String,
    /// Points of every line; a closed line ends where it begins.
    pub lines: Vec<Vec<[f64; 2]>>,
}

/// Which way a rule runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Orientation {
    /// Left to right, at a y.
    Horizontal,
    /// Bottom to top, at an x.
    Vertical,
}

/// A line across the whole plot at one value, such as 2/η.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// Which way it runs.
    pub orientation: Orientation,
    /// At which value.
    pub at: f64,
    /// How it is drawn.
    pub style: LineStyle,
    /// Written at it.
    pub label: Option<String>,
    /// Whether automatic limits make room for it.
    pub in_limits: bool,
}

impl Rule {
    /// A dashed horizontal line.
    pub fn horizontal(at: f64) -> Self {
        Self {
            orientation: Orientation::Horizontal,
            at,
            style: LineStyle::solid(Ink::Muted)
                .dashed(super::style::Dash::Dashed)
                .width(0.8),
            label: None,
            in_limits: true,
        }
    }

    /// A dashed vertical line.
    pub fn vertical(at: f64) -> Self {
        Self {
            orientation: Orientation::Vertical,
            ..Self::horizontal(at)
        }
    }

    /// The same line with a label.
    pub fn labelled(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The same line in another style.
    pub fn style(mut self, style: LineStyle) -> Self {
        self.style = style;
        self
    }
}

/// Vertical lines from the baseline to points: discrete spectra.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stems {
    /// Horizontal coordinates.
    pub x: Samples,
    /// Heights.
    pub y: Samples,
    /// Where they start; the lower limit of the axis where the scale cannot
    /// show it.
    pub baseline: f64,
    /// How they are drawn.
    pub style: LineStyle,
    /// The points at their ends.
    pub marker: Marker,
    /// Their name in the legend.
    pub name: Option<String>,
}

/// Vertical bars: histograms, densities.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bars {
    /// Edges of the bars, in increasing order: one more than bars.
    pub edges: Samples,
    /// Heights.
    pub heights: Samples,
    /// Where they start; the lower limit of the axis where the scale cannot
    /// show it.
    pub baseline: f64,
    /// Their colour.
    pub ink: Ink,
    /// Their name in the legend.
    pub name: Option<String>,
}

/// A text at a point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Text {
    /// Horizontal coordinate.
    pub x: f64,
    /// Vertical coordinate.
    pub y: f64,
    /// What is written.
    pub text: String,
    /// Which point of the text is there.
    pub anchor: Anchor,
    /// Its colour.
    pub ink: Ink,
}

/// An arrow from one point to another: a gradient, a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Arrow {
    /// Where it begins: x, y.
    pub from: [f64; 2],
    /// Where its point is: x, y.
    pub to: [f64; 2],
    /// How it is drawn.
    pub style: LineStyle,
    /// Its name in the legend.
    pub name: Option<String>,
}

/// A picture stretched over a rectangle of the axes, its first row on top.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Image {
    /// Left and right edge.
    pub x: (f64, f64),
    /// Lower and upper edge.
    pub y: (f64, f64),
    /// The pixels.
    pub raster: Raster,
    /// What is shown between pixels.
    pub interpolation: Interpolation,
    /// Opacity in \[0, 1\].
    pub opacity: f64,
}

/// Pixels, the top row first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Raster {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green, blue, opacity (not premultiplied) of every pixel, row by
    /// row.
    #[serde(serialize_with = "bytes")]
    pub rgba: Arc<[u8]>,
}

fn bytes<S: Serializer>(bytes: &Arc<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(bytes.iter())
}

impl Raster {
    /// Pixels from their bytes; what is missing becomes transparent.
    pub fn new(width: usize, height: usize, mut rgba: Vec<u8>) -> Self {
        rgba.resize(width * height * 4, 0);
        Self {
            width,
            height,
            rgba: rgba.into(),
        }
    }

    /// Values as colours, the top row first; not-a-number is transparent.
    pub fn from_values(width: usize, height: usize, values: &[f64], color: &ColorScale) -> Self {
        let rgba = values.iter().flat_map(|&v| color.rgba(v)).collect();
        Self::new(width, height, rgba)
    }

    /// Values as greys, the top row first: `low` black, `high` white.
    pub fn grey(width: usize, height: usize, values: &[f32], low: f32, high: f32) -> Self {
        let color = ColorScale::new(
            Colormap::Greys,
            Normalization::linear(f64::from(low), f64::from(high)),
        );
        let values: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
        Self::from_values(width, height, &values, &color)
    }

    /// The pixel in column `i` of row `j` from the top; transparent outside.
    pub fn pixel(&self, i: usize, j: usize) -> [u8; 4] {
        if i >= self.width || j >= self.height {
            return [0; 4];
        }
        let at = (j * self.width + i) * 4;
        [
            self.rgba[at],
            self.rgba[at + 1],
            self.rgba[at + 2],
            self.rgba[at + 3],
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Heatmap {
        let color = ColorScale::new(Colormap::Greys, Normalization::linear(0.0, 5.0));
        Heatmap::sampled(
            &[0.0, 1.0, 2.0],
            &[10.0, 20.0],
            vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
            color,
        )
    }

    #[test]
    fn rows_go_up_and_pixels_go_down() {
        let map = grid();
        assert_eq!(&map.x_edges[..], [-0.5, 0.5, 1.5, 2.5]);
        assert_eq!(&map.y_edges[..], [5.0, 15.0, 25.0]);
        assert_eq!(map.value_at(2.0, 10.0), Some(2.0));
        assert_eq!(map.value_at(0.0, 21.0), Some(3.0));
        assert_eq!(map.value_at(3.0, 10.0), None);
        let pixels = map.pixels();
        assert_eq!(pixels.pixel(2, 0), [255, 255, 255, 255]);
        assert_eq!(pixels.pixel(0, 1), [0, 0, 0, 255]);
    }

    #[test]
    fn interpolation_is_exact_at_middles_and_spreads_no_value_into_gaps() {
        let mut map = grid();
        assert_eq!(map.interpolated(1.5, 0.5), 1.0);
        assert_eq!(map.interpolated(1.0, 0.5), 0.5);
        assert_eq!(map.interpolated(0.0, 0.0), 0.0);
        map.values = vec![0.0, f64::NAN, 2.0, 3.0, 4.0, 5.0].into();
        assert!(map.interpolated(1.2, 0.6).is_nan());
        assert_eq!(map.interpolated(0.5, 0.5), 0.0);
        assert_eq!(map.interpolated(0.9, 0.5), 0.0);
        assert_eq!(map.pixels().pixel(1, 1), [0; 4]);
    }
}
