//! Panels: margins from measured text, then the place of every decoration.

use super::annotations;
use super::legend::{flow, legend_entries, shift};
use super::text::{Align, Rect, TextBox};
use super::ticks::{widest, x_ticks, y_ticks};
use super::{AxisView, ColorBarLayout, Margins, PanelLayout, View};
use crate::figure::fonts::{CAP_HEIGHT, Weight, shortened, width, wrap, wrap_note};
use crate::figure::limits::Limits;
use crate::figure::model::{Axes, ColorBar, Content, Frame};
use crate::figure::mosaic::{Mosaic, MosaicGrid};
use crate::figure::scale::Scale;
use crate::figure::theme::FigureTheme;

/// What all panels of a figure share.
pub(super) struct PanelStyle<'a> {
    pub(super) theme: &'a FigureTheme,
    /// Whether every panel explains its own series.
    pub(super) own_legend: bool,
    /// Whether a plot smaller than its cell stands in the middle of it, and
    /// not at its left.
    pub(super) centred: bool,
}

/// What axes and mosaics have in common.
struct Parts<'a> {
    title: Option<&'a str>,
    note: Option<String>,
    color_bar: Option<&'a ColorBar>,
    /// Axes with a frame.
    framed: Option<&'a Axes>,
    axes: Option<&'a Axes>,
    mosaic: Option<&'a Mosaic>,
    limits: Limits,
    /// Whether a plot smaller than its cell stands in the middle of it.
    centred: bool,
}

impl<'a> Parts<'a> {
    fn of(content: &'a Content, centred: bool) -> Self {
        match content {
            Content::Axes(axes) => Self {
                title: axes.title.as_deref(),
                note: axes.note_line(),
                color_bar: axes.color_bar.as_ref(),
                framed: (axes.frame == Frame::Full).then_some(axes),
                axes: Some(axes),
                mosaic: None,
                limits: axes.resolved_limits(),
                centred,
            },
            Content::Mosaic(mosaic) => Self {
                title: mosaic.title.as_deref(),
                note: mosaic.note.clone(),
                color_bar: mosaic.color_bar.as_ref(),
                framed: None,
                axes: None,
                mosaic: Some(mosaic),
                limits: Limits {
                    x: (0.0, 1.0),
                    y: (0.0, 1.0),
                },
                centred,
            },
        }
    }

    fn scales(&self) -> (Scale, Scale) {
        self.axes
            .map_or((Scale::Linear, Scale::Linear), |a| (a.x.scale, a.y.scale))
    }
}

/// The room that decorations need around a plot in a cell. Ticks depend on
/// the plot's size and that on the room for their labels: a few rounds settle
/// it, and the largest need of the last ones counts.
pub(super) fn margins(content: &Content, cell: Rect, style: &PanelStyle) -> Margins {
    let (theme, own_legend) = (style.theme, style.own_legend);
    let parts = Parts::of(content, style.centred);
    let mut found = Margins {
        left: 5.0 * theme.gap,
        right: theme.gap,
        top: 3.0 * theme.gap,
        bottom: 5.0 * theme.gap,
    };
    for round in 0..4 {
        let plot = plot_in(&parts, cell, found, theme);
        let needed = needed(&parts, cell, plot, own_legend, theme);
        found = if round < 2 {
            needed
        } else {
            Margins {
                left: found.left.max(needed.left),
                right: found.right.max(needed.right),
                top: found.top.max(needed.top),
                bottom: found.bottom.max(needed.bottom),
            }
        };
    }
    found
}

fn needed(parts: &Parts, cell: Rect, plot: Rect, own_legend: bool, theme: &FigureTheme) -> Margins {
    let gap = theme.gap;
    let mut m = Margins::default();
    let head_room = cell.right() - plot.x;
    m.top += title_lines(parts, head_room, theme).len() as f64 * TITLE_LINE * theme.body_size;
    if let (true, Some(axes)) = (own_legend, parts.axes) {
        m.top += flow(&legend_entries(axes), head_room, theme).1;
    }
    if m.top > 0.0 {
        m.top += 0.5 * gap;
    }
    if let Some(axes) = parts.framed {
        let view = View::new(parts.scales(), parts.limits, plot);
        let x_ticks = x_ticks(&axes.x, &view.x, theme);
        let y_ticks = y_ticks(&axes.y.ticks, &view.y, theme);
        let widest = widest(&y_ticks, theme);
        m.left = if widest > 0.0 {
            theme.tick_length + 0.5 * gap + widest
        } else {
            0.0
        };
        if !axes.y.full_label().is_empty() {
            m.left += 0.75 * gap + theme.body_size;
        }
        if x_ticks.iter().any(|t| !t.label.is_empty()) {
            m.bottom = theme.tick_length + 0.5 * gap + theme.label_size;
        }
        if !axes.x.full_label().is_empty() {
            m.bottom += 0.5 * gap + 1.1 * theme.body_size;
        }
        // Labels at the ends of an axis reach beyond it.
        let half_height = if widest > 0.0 {
            0.6 * theme.label_size
        } else {
            0.0
        };
        m.top = m.top.max(half_height);
        for tick in x_ticks.iter().filter(|t| !t.label.is_empty()) {
            let half = width(&tick.label, theme.label_size, Weight::Regular) / 2.0;
            let at = view.x.pixel(tick.value);
            m.right = m.right.max(at + half - plot.right());
            m.left = m.left.max(plot.x - (at - half));
        }
    }
    if let Some(note) = &parts.note {
        let lines = wrap_note(note, theme.label_size, head_room, 3).len();
        m.bottom += 0.5 * gap + 1.3 * theme.label_size * lines as f64;
    }
    if let Some(bar) = parts.color_bar {
        let axis = bar_axis(bar, plot);
        let labels = widest(&y_ticks(&bar.ticks, &axis, theme), theme);
        m.right = 1.5 * gap + bar_width(theme) + theme.tick_length + 0.5 * gap + labels;
        if !bar.full_label().is_empty() {
            m.right += 0.75 * gap + theme.body_size;
        }
        m.top = m.top.max(0.6 * theme.label_size);
        if bar.exceeded.1 {
            m.top += point_height(theme);
        }
        if bar.exceeded.0 {
            m.bottom = m.bottom.max(point_height(theme));
        }
    }
    m
}

/// Height of the pointed end of a colour bar.
fn point_height(theme: &FigureTheme) -> f64 {
    0.6 * bar_width(theme)
}

/// Distance of the lines of a title, as a multiple of their size.
const TITLE_LINE: f64 = 1.3;

fn title_lines(parts: &Parts, room: f64, theme: &FigureTheme) -> Vec<String> {
    parts.title.map_or_else(Vec::new, |title| {
        wrap(title, theme.body_size, Weight::SemiBold, room, 2)
    })
}

fn bar_width(theme: &FigureTheme) -> f64 {
    1.5 * theme.gap
}

/// A cell within its margins, on whole pixels.
fn inner(cell: Rect, m: Margins) -> Rect {
    let (left, top) = ((cell.x + m.left).ceil(), (cell.y + m.top).ceil());
    Rect::new(
        left,
        top,
        (cell.right() - m.right - left).floor().max(1.0),
        (cell.bottom() - m.bottom - top).floor().max(1.0),
    )
}

/// The plot within a cell and its margins: all of it, or the largest of the
/// right proportions, at the top and centred.
fn plot_in(parts: &Parts, cell: Rect, m: Margins, theme: &FigureTheme) -> Rect {
    let full = inner(cell, m);
    let (plot_width, plot_height) = match (parts.mosaic, parts.axes) {
        (Some(mosaic), _) => {
            let (w, h) = grid(mosaic, full, theme).size();
            (w.min(full.width), h.min(full.height))
        }
        (None, Some(axes)) if axes.equal_aspect => {
            let (sx, sy) = parts.scales();
            let length = |s: Scale, l: (f64, f64)| s.forward(l.1) - s.forward(l.0);
            let ratio = length(sx, parts.limits.x) / length(sy, parts.limits.y);
            if !(ratio.is_finite() && ratio > 0.0) {
                return full;
            }
            let height = full.height.min(full.width / ratio);
            ((height * ratio).min(full.width), height)
        }
        _ => return full,
    };
    // Whole pixels keep frames and cells sharp.
    Rect::new(
        if parts.centred {
            (full.x + (full.width - plot_width) / 2.0).floor()
        } else {
            full.x
        },
        full.y,
        plot_width,
        plot_height,
    )
}

fn grid(mosaic: &Mosaic, room: Rect, theme: &FigureTheme) -> MosaicGrid {
    let aspect = mosaic
        .tiles
        .iter()
        .map(|t| t.image.width.max(1) as f64 / t.image.height.max(1) as f64)
        .next()
        .unwrap_or(1.0);
    let captioned = mosaic.tiles.iter().any(|t| t.caption.is_some());
    let caption = if captioned {
        1.35 * theme.label_size
    } else {
        0.0
    };
    MosaicGrid::fit(
        mosaic.tiles.len(),
        aspect,
        mosaic.columns,
        (room.width, room.height),
        if captioned {
            theme.gap
        } else {
            0.5 * theme.gap
        },
        caption,
    )
}

fn bar_axis(bar: &ColorBar, plot: Rect) -> AxisView {
    AxisView {
        scale: bar.scale.normalization.scale,
        limits: bar.scale.normalization.limits,
        pixels: (plot.bottom(), plot.y),
    }
}

/// Places everything of a panel.
pub(super) fn place(
    content: &Content,
    cell: Rect,
    margins: Margins,
    style: &PanelStyle,
) -> PanelLayout {
    let (theme, own_legend) = (style.theme, style.own_legend);
    let parts = Parts::of(content, style.centred);
    let plot = plot_in(&parts, cell, margins, theme);
    let view = View::new(parts.scales(), parts.limits, plot);
    let mut panel = PanelLayout {
        cell,
        plot,
        view,
        x_ticks: Vec::new(),
        y_ticks: Vec::new(),
        texts: Vec::new(),
        annotations: Vec::new(),
        legend: Vec::new(),
        color_bar: None,
        mosaic: None,
    };
    head(&mut panel, &parts, own_legend, theme);
    let mut below = plot.bottom();
    if let Some(axes) = parts.framed {
        below = frame(&mut panel, axes, theme);
    }
    if let Some(note) = &parts.note {
        let room = cell.right() - plot.x;
        for line in wrap_note(note, theme.label_size, room, 3) {
            below += 1.3 * theme.label_size;
            panel.texts.push(TextBox {
                x: plot.x,
                y: below + 0.15 * theme.gap,
                size: theme.label_size,
                color: theme.muted,
                ..TextBox::plain(line)
            });
        }
    }
    if let Some(mosaic) = parts.mosaic {
        captions(&mut panel, mosaic, margins, theme);
    }
    if let Some(bar) = parts.color_bar {
        // Beside a mosaic it ends with the last images, not their captions.
        let caption = panel.mosaic.map_or(0.0, |grid| grid.caption_height);
        let beside = Rect {
            height: (plot.height - caption).max(1.0),
            ..plot
        };
        color_bar(&mut panel, bar, beside, theme);
    }
    if let Some(axes) = parts.axes {
        panel.annotations = annotations::place(axes, &view, plot, theme);
    }
    panel
}

/// Title and legend, downwards from the top, so that the titles of a row are
/// level.
fn head(panel: &mut PanelLayout, parts: &Parts, own_legend: bool, theme: &FigureTheme) {
    let room = panel.cell.right() - panel.plot.x;
    let mut y = panel.cell.y;
    for line in title_lines(parts, room, theme) {
        panel.texts.push(TextBox {
            x: panel.plot.x,
            y: y + 0.95 * theme.body_size,
            size: theme.body_size,
            weight: Weight::SemiBold,
            color: theme.foreground,
            ..TextBox::plain(line)
        });
        y += TITLE_LINE * theme.body_size;
    }
    if let (true, Some(axes)) = (own_legend, parts.axes) {
        let (mut items, _) = flow(&legend_entries(axes), room, theme);
        shift(&mut items, panel.plot.x, y);
        panel.legend = items;
    }
}

/// Ticks and labels of both axes; returns the lower end of what it placed.
fn frame(panel: &mut PanelLayout, axes: &Axes, theme: &FigureTheme) -> f64 {
    let (cell, plot, view) = (panel.cell, panel.plot, panel.view);
    let gap = theme.gap;
    panel.x_ticks = x_ticks(&axes.x, &view.x, theme);
    panel.y_ticks = y_ticks(&axes.y.ticks, &view.y, theme);
    let mut below = plot.bottom();
    let tick_text = |label: &str| TextBox {
        size: theme.label_size,
        color: theme.muted,
        ..TextBox::plain(label)
    };
    let baseline = plot.bottom() + theme.tick_length + 0.4 * gap + CAP_HEIGHT * theme.label_size;
    for tick in panel.x_ticks.iter().filter(|t| !t.label.is_empty()) {
        panel.texts.push(TextBox {
            x: view.x.pixel(tick.value),
            y: baseline,
            align: Align::Middle,
            ..tick_text(&tick.label)
        });
        below = baseline + 0.2 * theme.label_size;
    }
    for tick in panel.y_ticks.iter().filter(|t| !t.label.is_empty()) {
        panel.texts.push(TextBox {
            x: plot.x - theme.tick_length - 0.5 * gap,
            y: view.y.pixel(tick.value) + 0.5 * CAP_HEIGHT * theme.label_size,
            align: Align::End,
            ..tick_text(&tick.label)
        });
    }
    let axis_text = |label: String| TextBox {
        size: theme.body_size,
        color: theme.foreground,
        align: Align::Middle,
        ..TextBox::plain(label)
    };
    let label = axes.x.full_label();
    if !label.is_empty() {
        let label = shortened(&label, theme.body_size, Weight::Regular, cell.width);
        let half = width(&label, theme.body_size, Weight::Regular) / 2.0;
        below += 0.4 * gap + 0.95 * theme.body_size;
        panel.texts.push(TextBox {
            x: clamp(plot.center()[0], cell.x + half, cell.right() - half),
            y: below,
            ..axis_text(label)
        });
        below += 0.15 * theme.body_size;
    }
    let label = axes.y.full_label();
    if !label.is_empty() {
        // Beside the plot it may reach above it, but not below.
        let room = plot.bottom() - cell.y;
        let label = shortened(&label, theme.body_size, Weight::Regular, room);
        let half = width(&label, theme.body_size, Weight::Regular) / 2.0;
        let ticks_width = widest(&panel.y_ticks, theme);
        let before_ticks = if ticks_width > 0.0 {
            theme.tick_length + 0.5 * gap + ticks_width
        } else {
            0.0
        };
        panel.texts.push(TextBox {
            x: plot.x - before_ticks - 0.75 * gap - 0.1 * theme.body_size,
            y: clamp(plot.center()[1], cell.y + half, plot.bottom() - half),
            angle: -90.0,
            ..axis_text(label)
        });
    }
    below
}

fn clamp(value: f64, low: f64, high: f64) -> f64 {
    value.min(high).max(low)
}

fn color_bar(panel: &mut PanelLayout, bar: &ColorBar, plot: Rect, theme: &FigureTheme) {
    let gap = theme.gap;
    let rect = Rect::new(
        plot.right() + 1.5 * gap,
        plot.y,
        bar_width(theme),
        plot.height,
    );
    let axis = bar_axis(bar, plot);
    let found = y_ticks(&bar.ticks, &axis, theme);
    let x = rect.right() + theme.tick_length + 0.5 * gap;
    for tick in found.iter().filter(|t| !t.label.is_empty()) {
        panel.texts.push(TextBox {
            x,
            y: axis.pixel(tick.value) + 0.5 * CAP_HEIGHT * theme.label_size,
            size: theme.label_size,
            color: theme.muted,
            ..TextBox::plain(&tick.label)
        });
    }
    let label = shortened(
        &bar.full_label(),
        theme.body_size,
        Weight::Regular,
        plot.height,
    );
    if !label.is_empty() {
        panel.texts.push(TextBox {
            x: x + widest(&found, theme) + 0.75 * gap + 0.75 * theme.body_size,
            y: plot.center()[1],
            size: theme.body_size,
            color: theme.foreground,
            align: Align::Middle,
            angle: -90.0,
            ..TextBox::plain(label)
        });
    }
    panel.color_bar = Some(ColorBarLayout {
        bar: rect,
        point: point_height(theme),
        ticks: found,
        axis,
    });
}

fn captions(panel: &mut PanelLayout, mosaic: &Mosaic, margins: Margins, theme: &FigureTheme) {
    let (cell, plot) = (panel.cell, panel.plot);
    let grid = grid(mosaic, inner(cell, margins), theme);
    for (index, tile) in mosaic.tiles.iter().enumerate() {
        let Some(caption) = &tile.caption else {
            continue;
        };
        let (x, y) = grid.position(index);
        let room = grid.tile_width + 0.5 * grid.gap;
        panel.texts.push(TextBox {
            x: plot.x + x + grid.tile_width / 2.0,
            y: plot.y + y + grid.tile_height + 1.05 * theme.label_size,
            size: theme.label_size,
            color: tile.outline.map_or(theme.muted, |_| theme.foreground),
            align: Align::Middle,
            ..TextBox::plain(shortened(caption, theme.label_size, Weight::Regular, room))
        });
    }
    panel.mosaic = Some(grid);
}
