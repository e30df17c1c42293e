//! The marks that axes can carry. All coordinates are values of the axes,
//! before any scale is applied.

use serde::Serialize;

use super::colormap::ColorScale;
pub use super::heatmap::{Heatmap, Interpolation, cell_of, edges_around};
pub use super::image::{Image, Raster};
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

    /// The same line in the style (colour and dash) of the n-th series. For
    /// raw values behind it see [`SeriesStyle::raw`].
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
    /// Diameters of the points as multiples of that; all alike where empty.
    pub sizes: Vec<f64>,
    /// Values of their own for points over a map: where the map is shown as a
    /// surface, drop-lines lead from these heights down, or up, to it.
    pub values: Vec<f64>,
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
            sizes: Vec::new(),
            values: Vec::new(),
            edged: false,
            name: None,
        }
    }

    /// The diameter of point `index` as a multiple of the theme's.
    pub fn point_size(&self, index: usize) -> f64 {
        self.size * self.sizes.get(index).copied().unwrap_or(1.0)
    }

    /// The largest of the diameters.
    pub fn largest_size(&self) -> f64 {
        self.size
            * self
                .sizes
                .iter()
                .copied()
                .fold(if self.sizes.is_empty() { 1.0 } else { 0.0 }, f64::max)
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
