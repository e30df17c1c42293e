//! A figure fitted to the screen: limits that do not tremble, and what is left
//! out where there is little room.

use super::{LAYOUT_SMALLEST_TEXT, SMALLEST_TEXT};
use crate::figure::limits::Limits;
use crate::figure::{Axes, Content, Figure, FigureTheme, Interpolation, Layer, fonts};

/// The limits to show next: the new ones, except that the vertical axis stays
/// as it is while the data fills most of it, so that it does not tremble.
pub(super) fn settled(axes: &Axes, before: Limits, found: Limits) -> Limits {
    let scale = axes.y.scale;
    let (a, b) = (scale.forward(before.y.0), scale.forward(before.y.1));
    let (c, d) = (scale.forward(found.y.0), scale.forward(found.y.1));
    let within = c >= a && d <= b;
    let keep = axes.y.limits.is_none()
        && !axes.is_picture()
        && !axes.equal_aspect
        && within
        && d - c > 0.8 * (b - a);
    Limits {
        x: found.x,
        y: if keep { before.y } else { found.y },
    }
}

/// A theme for the layout with which no text becomes too small for a screen.
pub(super) fn legible(
    figure: &Figure,
    width: f64,
    height: f64,
    theme: &FigureTheme,
) -> FigureTheme {
    let columns = figure
        .rows
        .iter()
        .map(|row| row.panels.len())
        .max()
        .unwrap_or(1);
    let unit = theme.body_size / 12.0;
    let room = (width / columns.max(1) as f64 / (230.0 * unit))
        .min(height / figure.rows.len().max(1) as f64 / (190.0 * unit));
    if room < SMALLEST_TEXT {
        theme.scaled(SMALLEST_TEXT / LAYOUT_SMALLEST_TEXT)
    } else {
        theme.clone()
    }
}

/// On little room the plot comes first: notes are cut to one line and left out
/// where even that is too much, the legend of a picture is left out.
pub(super) fn compact(figure: &mut Figure, width: f64, height: f64, theme: &FigureTheme) {
    let columns = figure
        .rows
        .iter()
        .map(|row| row.panels.len())
        .max()
        .unwrap_or(1)
        .max(1);
    let each = (
        width / columns as f64,
        height / figure.rows.len().max(1) as f64,
    );
    if each.1 > 22.0 * theme.body_size {
        return;
    }
    let tiny = each.1 < 14.0 * theme.body_size;
    let panels = figure.rows.iter_mut().flat_map(|row| row.panels.iter_mut());
    for panel in panels {
        let Content::Axes(axes) = &mut panel.content else {
            continue;
        };
        // The plot of an equal aspect stands in the middle, its note below it.
        let share = if axes.equal_aspect { 0.55 } else { 1.0 };
        let room = (share * each.0 - 4.0 * theme.body_size).max(0.0);
        axes.note = axes
            .note_line()
            .filter(|_| !tiny)
            .map(|note| fonts::shortened(&note, theme.label_size, fonts::Weight::Regular, room));
        for layer in &mut axes.layers {
            // What the note says beside its own text is in it already.
            match layer {
                Layer::Heatmap(map) => {
                    map.interpolation = Interpolation::Nearest;
                    if map.values.iter().any(|v| v.is_nan()) {
                        map.values = vec![0.0; map.values.len()].into();
                    }
                }
                Layer::Image(image) => image.interpolation = Interpolation::Nearest,
                _ => {}
            }
        }
        if axes.equal_aspect
            && axes
                .layers
                .iter()
                .any(|layer| matches!(layer, Layer::Heatmap(_)))
        {
            for layer in &mut axes.layers {
                match layer {
                    Layer::Line(line) => line.name = None,
                    Layer::Scatter(scatter) => scatter.name = None,
                    _ => {}
                }
            }
        }
    }
}
