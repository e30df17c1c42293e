//! Where everything in a figure goes, in pixels with y pointing down. Text is
//! measured with the bundled fonts, so that nothing overlaps or is cut off.

mod annotations;
mod axes;
mod legend;
mod text;
mod ticks;

pub use legend::{LegendEntry, LegendItem, LegendKey, legend_entries};
pub use text::{Align, Rect, TextBox};

use super::fonts::{Weight, wrap};
use super::limits::Limits;
use super::model::{Content, Figure, Legend, Panel, Row};
use super::mosaic::MosaicGrid;
use super::scale::Scale;
use super::theme::FigureTheme;
use super::ticks::Tick;

/// A whole figure laid out.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureLayout {
    /// Width in pixels.
    pub width: f64,
    /// Height in pixels.
    pub height: f64,
    /// The theme with its sizes as used here.
    pub theme: FigureTheme,
    /// The figure's title, line by line.
    pub title: Vec<TextBox>,
    /// The shared legend; empty where there is none.
    pub legend: Vec<LegendItem>,
    /// Every panel, row by row, in the order of [`Figure::panels`].
    pub panels: Vec<PanelLayout>,
}

/// One panel laid out.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelLayout {
    /// All that belongs to the panel.
    pub cell: Rect,
    /// The plot itself, or the grid of a mosaic.
    pub plot: Rect,
    /// From values to pixels; unused by mosaics.
    pub view: View,
    /// Ticks of the horizontal axis.
    pub x_ticks: Vec<Tick>,
    /// Ticks of the vertical axis.
    pub y_ticks: Vec<Tick>,
    /// Title, axis and tick labels, note, captions: all text outside the plot.
    pub texts: Vec<TextBox>,
    /// Labels of rules and contours, and text layers: all text inside the plot.
    pub annotations: Vec<TextBox>,
    /// The panel's own legend.
    pub legend: Vec<LegendItem>,
    /// The colour bar.
    pub color_bar: Option<ColorBarLayout>,
    /// The grid of a mosaic, from the plot's top left corner.
    pub mosaic: Option<MosaicGrid>,
}

/// A colour bar laid out; the low end is at the bottom.
#[derive(Clone, Debug, PartialEq)]
pub struct ColorBarLayout {
    /// The bar without pointed ends.
    pub bar: Rect,
    /// Height of a pointed end.
    pub point: f64,
    /// Ticks, right of the bar.
    pub ticks: Vec<Tick>,
    /// From values to pixels along the bar.
    pub axis: AxisView,
}

/// From the values of one axis to pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AxisView {
    /// How values are laid out.
    pub scale: Scale,
    /// Values at both ends.
    pub limits: (f64, f64),
    /// Pixels at both ends.
    pub pixels: (f64, f64),
}

impl AxisView {
    /// The pixel of a value; not finite where the value has no place.
    pub fn pixel(&self, value: f64) -> f64 {
        let fraction = self.scale.fraction(value, self.limits);
        self.pixels.0 + fraction * (self.pixels.1 - self.pixels.0)
    }

    /// The value at a pixel.
    pub fn value(&self, pixel: f64) -> f64 {
        let fraction = (pixel - self.pixels.0) / (self.pixels.1 - self.pixels.0);
        self.scale.at_fraction(fraction, self.limits)
    }
}

/// From values to pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// The horizontal axis.
    pub x: AxisView,
    /// The vertical axis.
    pub y: AxisView,
}

impl View {
    fn new(scales: (Scale, Scale), limits: Limits, plot: Rect) -> Self {
        Self {
            x: AxisView {
                scale: scales.0,
                limits: limits.x,
                pixels: (plot.x, plot.right()),
            },
            y: AxisView {
                scale: scales.1,
                limits: limits.y,
                pixels: (plot.bottom(), plot.y),
            },
        }
    }

    /// The pixel of a point.
    pub fn pixel(&self, x: f64, y: f64) -> [f64; 2] {
        [self.x.pixel(x), self.y.pixel(y)]
    }
}

/// What surrounds a plot, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Margins {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl FigureLayout {
    /// Lays a figure out on `width × height` pixels. Text is as large as the
    /// theme says, or down to 0.72 of it where panels are small.
    pub fn new(figure: &Figure, width: f64, height: f64, theme: &FigureTheme) -> Self {
        let (width, height) = (width.max(1.0), height.max(1.0));
        let theme = fitting_theme(figure, width, height, theme);
        let pad = 1.5 * theme.gap;
        let mut area = Rect::new(
            pad,
            pad,
            (width - 2.0 * pad).max(1.0),
            (height - 2.0 * pad).max(1.0),
        );

        let title_lines = figure.title.as_ref().map_or_else(Vec::new, |title| {
            wrap(title, theme.title_size, Weight::SemiBold, area.width, 2)
        });
        let line = 1.3 * theme.title_size;
        let title_height = match title_lines.len() {
            0 => 0.0,
            n => n as f64 * line + 0.5 * theme.gap,
        };
        let title_y = area.y;
        area = area.cut_top(title_height);

        let shared = match figure.legend {
            Legend::Shared => legend::shared_entries(figure),
            _ => Vec::new(),
        };
        let (mut legend, legend_height) = legend::flow(&shared, area.width, &theme);
        let legend_y = area.y;
        area = area.cut_top(legend_height);

        let panels = lay_out_rows(figure, area, &theme);
        // Title and shared legend stand above the leftmost plot.
        let left = panels
            .iter()
            .map(|p| p.plot.x)
            .reduce(f64::min)
            .unwrap_or(area.x);
        let widest = title_lines
            .iter()
            .map(|l| super::fonts::width(l, theme.title_size, Weight::SemiBold))
            .fold(0.0, f64::max);
        let title_x = left.min(area.right() - widest).max(area.x);
        let title = title_lines
            .into_iter()
            .enumerate()
            .map(|(i, text)| TextBox {
                x: title_x,
                y: title_y + i as f64 * line + 0.95 * theme.title_size,
                size: theme.title_size,
                weight: Weight::SemiBold,
                color: theme.foreground,
                ..TextBox::plain(text)
            })
            .collect();
        let right = legend.iter().map(LegendItem::right).fold(0.0, f64::max);
        legend::shift(
            &mut legend,
            left.min(area.right() - right).max(area.x),
            legend_y,
        );
        Self {
            width,
            height,
            theme,
            title,
            legend,
            panels,
        }
    }

    /// Every text of the figure.
    pub fn texts(&self) -> impl Iterator<Item = &TextBox> {
        let own = self.title.iter().chain(self.legend.iter().map(|i| &i.text));
        own.chain(self.panels.iter().flat_map(|p| {
            p.texts
                .iter()
                .chain(&p.annotations)
                .chain(p.legend.iter().map(|i| &i.text))
        }))
    }
}

/// Smaller text for many panels on little room.
fn fitting_theme(figure: &Figure, width: f64, height: f64, theme: &FigureTheme) -> FigureTheme {
    let columns = figure
        .rows
        .iter()
        .map(|r| r.panels.len())
        .max()
        .unwrap_or(1)
        .max(1) as f64;
    let rows = figure.rows.len().max(1) as f64;
    let unit = theme.body_size / 12.0;
    let factor = (width / columns / (230.0 * unit))
        .min(height / rows / (190.0 * unit))
        .clamp(0.72, 1.0);
    theme.scaled(factor)
}

fn lay_out_rows(figure: &Figure, area: Rect, theme: &FigureTheme) -> Vec<PanelLayout> {
    let gap = 2.0 * theme.gap;
    let weights: Vec<f64> = figure.rows.iter().map(|r| positive(r.height)).collect();
    let heights = shares(area.height, gap, &weights);
    let style = axes::PanelStyle {
        theme,
        own_legend: figure.legend == Legend::PerPanel,
        centred: figure.panels().count() == 1,
    };

    let cells: Vec<Vec<Rect>> = figure
        .rows
        .iter()
        .zip(&heights)
        .map(|(row, &(y, height))| {
            let weights: Vec<f64> = row.panels.iter().map(|p| positive(p.width)).collect();
            shares(area.width, gap, &weights)
                .into_iter()
                .map(|(x, width)| Rect::new(area.x + x, area.y + y, width, height))
                .collect()
        })
        .collect();
    let mut margins: Vec<Vec<Margins>> = figure
        .rows
        .iter()
        .zip(&cells)
        .map(|(row, cells)| {
            row.panels
                .iter()
                .zip(cells)
                .map(|(panel, cell)| axes::margins(&panel.content, *cell, &style))
                .collect()
        })
        .collect();
    align(figure, &mut margins);

    let mut panels = Vec::new();
    for (row, (cells, margins)) in figure.rows.iter().zip(cells.iter().zip(&margins)) {
        for (panel, (cell, margins)) in row.panels.iter().zip(cells.iter().zip(margins)) {
            panels.push(axes::place(&panel.content, *cell, *margins, &style));
        }
    }
    panels
}

/// Plots of a row share their upper and lower edge; plots of a column their
/// left and right edge where the rows are divided alike.
fn align(figure: &Figure, margins: &mut [Vec<Margins>]) {
    for row in margins.iter_mut() {
        let top = row.iter().map(|m| m.top).fold(0.0, f64::max);
        let bottom = row.iter().map(|m| m.bottom).fold(0.0, f64::max);
        for m in row {
            (m.top, m.bottom) = (top, bottom);
        }
    }
    let widths = |panels: &[Panel]| -> Vec<f64> { panels.iter().map(|p| p.width).collect() };
    let alike = figure
        .rows
        .windows(2)
        .all(|pair| widths(&pair[0].panels) == widths(&pair[1].panels));
    if !alike {
        return;
    }
    // A plot of fixed proportions ends where it must.
    let free = |content: &Content| match content {
        Content::Axes(axes) => axes.equal_aspect,
        Content::Mosaic(_) => true,
    };
    let columns = margins.first().map_or(0, Vec::len);
    for column in 0..columns {
        let left = margins.iter().map(|r| r[column].left).fold(0.0, f64::max);
        let stretched = |(row, _): &(&Row, &mut Vec<Margins>)| !free(&row.panels[column].content);
        let right = figure
            .rows
            .iter()
            .zip(margins.iter_mut())
            .filter(stretched)
            .map(|(_, m)| m[column].right)
            .fold(0.0, f64::max);
        for (row, m) in figure.rows.iter().zip(margins.iter_mut()) {
            m[column].left = left;
            if !free(&row.panels[column].content) {
                m[column].right = right;
            }
        }
    }
}

fn positive(weight: f64) -> f64 {
    if weight > 0.0 && weight.is_finite() {
        weight
    } else {
        1.0
    }
}

/// Divides a length by weights with gaps between: offset and length of each.
fn shares(length: f64, gap: f64, weights: &[f64]) -> Vec<(f64, f64)> {
    let gaps = gap * weights.len().saturating_sub(1) as f64;
    let room = (length - gaps).max(1.0);
    let total: f64 = weights.iter().sum();
    let mut at = 0.0;
    weights
        .iter()
        .map(|w| {
            let share = room * w / total;
            let start = at;
            at += share + gap;
            (start, share)
        })
        .collect()
}
