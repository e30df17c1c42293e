//! The figure: a grid of panels with titles, axes and metadata.

use std::collections::BTreeMap;

use serde::Serialize;

use super::colormap::ColorScale;
use super::layers::{Interpolation, Layer};
use super::mosaic::Mosaic;
use super::scale::Scale;

/// A figure as data, complete in itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figure {
    /// One line above everything.
    pub title: Option<String>,
    /// Rows of panels, from top to bottom.
    pub rows: Vec<Row>,
    /// Where the names of series are explained.
    pub legend: Legend,
    /// What made the figure: `recipe` (TOML), `version`, `seed`, …; written
    /// into the files.
    pub metadata: BTreeMap<String, String>,
    /// What the figure shows, in words, for those who cannot see it.
    pub description: String,
}

/// One row of panels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Height relative to the other rows.
    pub height: f64,
    /// Panels, from left to right.
    pub panels: Vec<Panel>,
}

/// One cell of the grid.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Panel {
    /// Width relative to the other panels of the row.
    pub width: f64,
    /// What it shows.
    pub content: Content,
}

/// What a panel shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(clippy::large_enum_variant, reason = "figures have few panels")]
pub enum Content {
    /// Marks over a pair of axes.
    Axes(Axes),
    /// Small images side by side.
    Mosaic(Mosaic),
}

/// Where the names of series are explained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Legend {
    /// In a line above each panel that has named series; never over data.
    #[default]
    PerPanel,
    /// In one line above all panels: they share their series.
    Shared,
    /// Nowhere.
    None,
}

/// A pair of axes with layers of marks over them, drawn in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Axes {
    /// One line above the plot.
    pub title: Option<String>,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// Marks, the first at the bottom.
    pub layers: Vec<Layer>,
    /// What the colours of a heat map or of points mean.
    pub color_bar: Option<ColorBar>,
    /// Whether one unit is equally long on both axes.
    pub equal_aspect: bool,
    /// A line under the plot, such as `plane error 0.02 · 65×65`.
    pub note: Option<String>,
    /// What surrounds the plot.
    pub frame: Frame,
}

/// What surrounds a plot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Frame {
    /// Axis lines, ticks, labels and grid.
    #[default]
    Full,
    /// Nothing: for pictures.
    Bare,
}

/// One axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Axis {
    /// What it measures.
    pub label: String,
    /// In what unit.
    pub unit: Option<String>,
    /// How values are laid out.
    pub scale: Scale,
    /// What it shows; the data's range where `None`.
    pub limits: Option<(f64, f64)>,
    /// Where its ticks stand.
    pub ticks: Ticks,
}

/// Where ticks stand.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub enum Ticks {
    /// At round values that suit scale and size.
    #[default]
    Auto,
    /// At whole numbers only: steps, epochs, counts.
    Integers,
    /// At given values with given labels.
    Named(Vec<(f64, String)>),
    /// Nowhere.
    None,
}

/// A key to colours, drawn as an axis beside the plot.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColorBar {
    /// The colours and their values: the same as the layer's.
    pub scale: ColorScale,
    /// What they measure.
    pub label: String,
    /// In what unit.
    pub unit: Option<String>,
    /// Whether the data goes below and above the limits; drawn as pointed ends.
    pub exceeded: (bool, bool),
    /// Where its ticks stand.
    pub ticks: Ticks,
}

impl Figure {
    /// A figure of a single pair of axes.
    pub fn single(axes: Axes) -> Self {
        Self::row([Content::Axes(axes)])
    }

    /// A figure of panels of equal width side by side.
    pub fn row<C: Into<Content>>(contents: impl IntoIterator<Item = C>) -> Self {
        Self::grid([contents])
    }

    /// A figure of rows of equal height, each of panels of equal width.
    pub fn grid<C: Into<Content>, R: IntoIterator<Item = C>>(
        rows: impl IntoIterator<Item = R>,
    ) -> Self {
        Self {
            rows: rows
                .into_iter()
                .map(|row| Row {
                    height: 1.0,
                    panels: row
                        .into_iter()
                        .map(|content| Panel {
                            width: 1.0,
                            content: content.into(),
                        })
                        .collect(),
                })
                .collect(),
            ..Self::default()
        }
    }

    /// The same figure with a title.
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// The same figure with a description in words.
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The same figure with one more entry of metadata.
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// All panels, row by row.
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.rows.iter().flat_map(|row| &row.panels)
    }

    /// All axes, row by row.
    pub fn axes(&self) -> impl Iterator<Item = &Axes> {
        self.panels().filter_map(|panel| match &panel.content {
            Content::Axes(axes) => Some(axes),
            Content::Mosaic(_) => None,
        })
    }
}

impl From<Axes> for Content {
    fn from(axes: Axes) -> Self {
        Self::Axes(axes)
    }
}

impl From<Mosaic> for Content {
    fn from(mosaic: Mosaic) -> Self {
        Self::Mosaic(mosaic)
    }
}

impl Axes {
    /// Empty axes.
    pub fn new(x: Axis, y: Axis) -> Self {
        Self {
            x,
            y,
            ..Self::default()
        }
    }

    /// The same axes with a title.
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// The same axes with one more layer on top.
    pub fn with(mut self, layer: impl Into<Layer>) -> Self {
        self.layers.push(layer.into());
        self
    }

    /// The same axes with a colour bar.
    pub fn with_color_bar(mut self, bar: ColorBar) -> Self {
        self.color_bar = Some(bar);
        self
    }

    /// The same axes with a note under the plot.
    pub fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// The same axes with units of equal length.
    pub fn equal_aspect(mut self) -> Self {
        self.equal_aspect = true;
        self
    }

    /// The line under the plot: the note and, where a canvas shows something
    /// that the data does not say by itself, what that is.
    pub fn note_line(&self) -> Option<String> {
        let mut parts: Vec<&str> = self.note.iter().map(String::as_str).collect();
        let bilinear = self.layers.iter().any(|layer| match layer {
            Layer::Heatmap(h) => h.interpolation == Interpolation::Bilinear,
            Layer::Image(i) => i.interpolation == Interpolation::Bilinear,
            _ => false,
        });
        if bilinear {
            parts.push("bilinear between samples");
        }
        if self.has_missing_cells() {
            parts.push("hatched: not a number");
        }
        (!parts.is_empty()).then(|| parts.join(" · "))
    }

    /// Whether a heat map has cells without a value.
    pub fn has_missing_cells(&self) -> bool {
        self.layers
            .iter()
            .any(|layer| matches!(layer, Layer::Heatmap(h) if h.values.iter().any(|v| v.is_nan())))
    }

    /// Whether the plot is a picture: filled by a heat map or an image. It
    /// then has a box around it and no grid.
    pub fn is_picture(&self) -> bool {
        self.layers
            .iter()
            .any(|layer| matches!(layer, Layer::Heatmap(_) | Layer::Image(_)))
    }
}

impl Axis {
    /// A linear axis that shows the range of the data.
    pub fn new(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            ..Self::default()
        }
    }

    /// A logarithmic axis that shows the range of the data.
    pub fn log(label: impl Into<String>) -> Self {
        Self::new(label).scaled(Scale::Log10)
    }

    /// The same axis in a unit; none where it has no name.
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = Some(unit.into()).filter(|unit| !unit.is_empty());
        self
    }

    /// The same axis on another scale.
    pub fn scaled(mut self, scale: Scale) -> Self {
        self.scale = scale;
        self
    }

    /// The same axis with fixed limits.
    pub fn limits(mut self, low: f64, high: f64) -> Self {
        self.limits = Some((low, high));
        self
    }

    /// The same axis with other ticks.
    pub fn ticks(mut self, ticks: Ticks) -> Self {
        self.ticks = ticks;
        self
    }

    /// Label with unit, as written beside the axis.
    pub fn full_label(&self) -> String {
        full_label(&self.label, self.unit.as_deref())
    }
}

impl ColorBar {
    /// A colour bar with automatic ticks.
    pub fn new(scale: ColorScale, label: impl Into<String>) -> Self {
        Self {
            scale,
            label: label.into(),
            unit: None,
            exceeded: (false, false),
            ticks: Ticks::Auto,
        }
    }

    /// The same colour bar with pointed ends where `values` exceed its limits.
    pub fn over(mut self, values: &[f64]) -> Self {
        self.exceeded = self.scale.exceeded_by(values);
        self
    }

    /// The same colour bar in a unit.
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = Some(unit.into()).filter(|unit| !unit.is_empty());
        self
    }

    /// Label with unit, as written beside the bar.
    pub fn full_label(&self) -> String {
        full_label(&self.label, self.unit.as_deref())
    }
}

fn full_label(label: &str, unit: Option<&str>) -> String {
    match unit {
        Some(unit) if label.is_empty() => unit.to_owned(),
        Some(unit) => format!("{label} ({unit})"),
        None => label.to_owned(),
    }
}
