//! Legends: a line of keys and names above a plot, broken where it must be.

use super::text::TextBox;
use crate::figure::fonts::{CAP_HEIGHT, Weight, shortened};
use crate::figure::layers::{Layer, ScatterColors};
use crate::figure::model::{Axes, Figure};
use crate::figure::style::{Ink, LineStyle, Marker, SeriesStyle};
use crate::figure::theme::FigureTheme;

/// A name with all the marks that bear it.
#[derive(Clone, Debug, PartialEq)]
pub struct LegendEntry {
    /// The name.
    pub name: String,
    /// The marks, to be drawn over each other.
    pub keys: Vec<LegendKey>,
}

/// How a mark looks in a legend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LegendKey {
    /// A short line with a point in the middle.
    Line(LineStyle, Marker),
    /// A filled rectangle of an opacity.
    Area(Ink, f64),
    /// A point.
    Point(Marker, Ink),
}

/// A legend entry with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct LegendItem {
    /// The marks.
    pub keys: Vec<LegendKey>,
    /// Left end of the marks.
    pub x: f64,
    /// Middle line of the marks.
    pub y: f64,
    /// Width of the marks.
    pub width: f64,
    /// The name.
    pub text: TextBox,
}

impl LegendItem {
    pub(super) fn right(&self) -> f64 {
        self.text.x + self.text.width()
    }
}

/// The entries of a panel's legend, in the order of its layers; layers of one
/// name share an entry.
pub fn legend_entries(axes: &Axes) -> Vec<LegendEntry> {
    let mut entries = Vec::new();
    for layer in &axes.layers {
        match layer {
            Layer::Line(line) => add(
                &mut entries,
                line.name.as_deref(),
                LegendKey::Line(line.style, line.marker),
            ),
            Layer::Band(band) => add(
                &mut entries,
                band.name.as_deref(),
                LegendKey::Area(band.ink, 0.0),
            ),
            Layer::Scatter(scatter) => match &scatter.colors {
                ScatterColors::Classes { names, .. } => {
                    for (class, name) in names.iter().enumerate() {
                        let style = SeriesStyle::nth(class);
                        let key = LegendKey::Point(style.marker, style.ink);
                        add(&mut entries, Some(name), key);
                    }
                }
                ScatterColors::Uniform(ink) => add(
                    &mut entries,
                    scatter.name.as_deref(),
                    LegendKey::Point(scatter.marker, *ink),
                ),
                ScatterColors::Values { .. } => add(
                    &mut entries,
                    scatter.name.as_deref(),
                    LegendKey::Point(scatter.marker, Ink::Muted),
                ),
            },
            Layer::Stems(stems) => add(
                &mut entries,
                stems.name.as_deref(),
                LegendKey::Line(stems.style, stems.marker),
            ),
            Layer::Bars(bars) => add(
                &mut entries,
                bars.name.as_deref(),
                LegendKey::Area(bars.ink, 0.85),
            ),
            Layer::Arrow(arrow) => add(
                &mut entries,
                arrow.name.as_deref(),
                LegendKey::Line(arrow.style, Marker::None),
            ),
            Layer::Heatmap(_)
            | Layer::Contours(_)
            | Layer::Rule(_)
            | Layer::Text(_)
            | Layer::Image(_) => {}
        }
    }
    entries
}

/// The entries of all panels; the first panel that uses a name shows how.
pub(super) fn shared_entries(figure: &Figure) -> Vec<LegendEntry> {
    let mut shared: Vec<LegendEntry> = Vec::new();
    for entry in figure.axes().flat_map(legend_entries) {
        if !shared.iter().any(|e| e.name == entry.name) {
            shared.push(entry);
        }
    }
    shared
}

fn add(entries: &mut Vec<LegendEntry>, name: Option<&str>, key: LegendKey) {
    let Some(name) = name.filter(|n| !n.is_empty()) else {
        return;
    };
    match entries.iter_mut().find(|e| e.name == name) {
        Some(entry) if entry.keys.contains(&key) => {}
        Some(entry) => entry.keys.push(key),
        None => entries.push(LegendEntry {
            name: name.to_owned(),
            keys: vec![key],
        }),
    }
}

/// Places entries in lines no wider than `room`, from the origin; returns the
/// height that they take, with the distance to what follows.
pub(super) fn flow(
    entries: &[LegendEntry],
    room: f64,
    theme: &FigureTheme,
) -> (Vec<LegendItem>, f64) {
    let size = theme.label_size;
    let line_height = 1.55 * size;
    let (mut x, mut y) = (0.0, 0.5 * line_height);
    let mut items: Vec<LegendItem> = Vec::new();
    for entry in entries {
        let has_line = entry.keys.iter().any(|k| matches!(k, LegendKey::Line(..)));
        let key = if has_line { 2.2 * size } else { 1.0 * size };
        let before_text = key + 0.6 * theme.gap;
        let name = shortened(&entry.name, size, Weight::Regular, room - before_text);
        let mut text = TextBox {
            size,
            color: theme.foreground,
            ..TextBox::plain(name)
        };
        let width = before_text + text.width();
        if x > 0.0 && x + width > room {
            x = 0.0;
            y += line_height;
        }
        text.x = x + before_text;
        text.y = y + 0.5 * CAP_HEIGHT * size;
        items.push(LegendItem {
            keys: entry.keys.clone(),
            x,
            y,
            width: key,
            text,
        });
        x += width + 2.0 * theme.gap;
    }
    let height = if items.is_empty() {
        0.0
    } else {
        y + 0.5 * line_height + 0.25 * theme.gap
    };
    (items, height)
}

/// Moves placed entries.
pub(super) fn shift(items: &mut [LegendItem], x: f64, y: f64) {
    for item in items {
        item.x += x;
        item.y += y;
        item.text.x += x;
        item.text.y += y;
    }
}
