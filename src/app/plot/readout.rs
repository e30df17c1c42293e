//! What is under the pointer, in exact values.

use eframe::egui::{self, Color32, Pos2, Rect, Response, Ui, pos2, vec2};
use egui_plot::PlotTransform;

use crate::app::widgets::at_pointer;
use crate::figure::ticks::format_number;
use crate::figure::{Axes, Axis, FigureTheme, Layer, Marker, Scatter, ScatterColors, Ticks};

use super::prepare::{PreparedAxes, PreparedLayer};
use super::shapes;
use super::style::{color, ink};

/// How near the pointer has to be to a mark, in pixels.
const REACH: f32 = 12.0;

/// Values under the pointer.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Readout {
    /// The first line.
    pub title: String,
    /// A name and a value each, with the colour of the mark.
    pub rows: Vec<(Option<Color32>, String, String)>,
    /// Points to mark.
    pub points: Vec<(Pos2, Color32)>,
    /// The value of x that is meant.
    pub x: f64,
    /// The value of y, where one point is meant.
    pub y: Option<f64>,
}

/// A value as an axis would say it.
pub(super) fn axis_value(axis: &Axis, value: f64) -> String {
    if let Ticks::Named(names) = &axis.ticks
        && let Some((_, name)) = names
            .iter()
            .min_by(|a, b| (a.0 - value).abs().total_cmp(&(b.0 - value).abs()))
        && names.iter().any(|(at, _)| (at - value).abs() <= 0.5)
    {
        return name.clone();
    }
    let digits = if matches!(axis.ticks, Ticks::Integers) {
        9
    } else {
        4
    };
    format_number(value, digits)
}

fn labelled(axis: &Axis, value: f64) -> String {
    let unit = axis
        .unit
        .as_deref()
        .map_or(String::new(), |unit| format!(" {unit}"));
    format!("{} {}{unit}", axis.label, axis_value(axis, value))
        .trim()
        .to_owned()
}

/// What is under a pointer at `pointer`.
pub(super) fn find(
    prepared: &PreparedAxes,
    transform: &PlotTransform,
    pointer: Pos2,
    theme: &FigureTheme,
) -> Option<Readout> {
    let axes = &prepared.axes;
    let at = transform.value_from_position(pointer);
    let mut nearest: Option<(f32, Readout)> = None;
    let mut offer = |distance: f32, readout: Readout| {
        if distance <= REACH && nearest.as_ref().is_none_or(|(best, _)| distance < *best) {
            nearest = Some((distance, readout));
        }
    };
    for (layer, prepared) in axes.layers.iter().zip(&prepared.layers) {
        let PreparedLayer::Curves { x, y, forward } = prepared else {
            continue;
        };
        match layer {
            Layer::Scatter(scatter) => {
                if let Some((distance, index)) = nearest_point(x, &y[0], transform, pointer) {
                    offer(
                        distance,
                        point_readout(axes, scatter, index, transform, theme),
                    );
                }
            }
            Layer::Stems(stems) => {
                if let Some((distance, index)) = nearest_point(x, &y[0], transform, pointer) {
                    let (vx, vy) = (stems.x[index], stems.y[index]);
                    let name = stems.name.clone().unwrap_or_default();
                    let ink = ink(theme, stems.style.ink);
                    offer(distance, one_point(axes, name, vx, vy, ink, transform));
                }
            }
            Layer::Line(line) if !*forward || axes.is_picture() => {
                if let Some((distance, index)) = nearest_point(x, &y[0], transform, pointer) {
                    let (vx, vy) = (line.x[index], line.y[index]);
                    let name = line.name.clone().unwrap_or_default();
                    let ink = color(line.style.rgba(theme));
                    offer(distance, one_point(axes, name, vx, vy, ink, transform));
                }
            }
            _ => {}
        }
    }
    if let Some((_, readout)) = nearest {
        return Some(readout);
    }
    if let Some(readout) = cell(axes, at.x, at.y) {
        return Some(readout);
    }
    if let Some(readout) = bars(axes, at.x, theme) {
        return Some(readout);
    }
    series(prepared, transform, pointer, theme)
}

/// The sample of each series at the step nearest to the pointer.
fn series(
    prepared: &PreparedAxes,
    transform: &PlotTransform,
    pointer: Pos2,
    theme: &FigureTheme,
) -> Option<Readout> {
    let axes = &prepared.axes;
    let at = transform.value_from_position(pointer).x;
    let mut best: Option<f64> = None;
    let lines = || {
        let layers = axes.layers.iter().zip(&prepared.layers);
        layers.filter_map(|(layer, prepared)| match (layer, prepared) {
            (
                Layer::Line(line),
                PreparedLayer::Curves {
                    x,
                    y,
                    forward: true,
                },
            ) => Some((line, x, &y[0])),
            _ => None,
        })
    };
    for (line, x, _) in lines() {
        if line.name.is_none() && lines().any(|(other, ..)| other.name.is_some()) {
            continue;
        }
        if let Some(index) = nearest_sorted(x, at)
            && best.is_none_or(|best| (x[index] - at).abs() < (best - at).abs())
        {
            best = Some(x[index]);
        }
    }
    let meant = best?;
    let screen_x = transform.position_from_point_x(meant);
    if (screen_x - pointer.x).abs() > 60.0 {
        return None;
    }
    let mut readout = Readout {
        x: axes.x.scale.inverse(meant),
        ..Readout::default()
    };
    readout.title = labelled(&axes.x, readout.x);
    for (line, x, y) in lines() {
        let Some(index) = nearest_sorted(x, meant) else {
            continue;
        };
        // Series measured less often show their last value only near it.
        let distance = (transform.position_from_point_x(x[index]) - screen_x).abs();
        let value = line.y.get(index).copied().unwrap_or(f64::NAN);
        if distance > 6.0 && x[index] != meant {
            continue;
        }
        let ink = color(line.style.rgba(theme));
        if y[index].is_finite() {
            let place = pos2(
                transform.position_from_point_x(x[index]),
                transform.position_from_point_y(y[index]),
            );
            readout.points.push((place, ink));
        }
        if let Some(name) = &line.name {
            readout
                .rows
                .push((Some(ink), name.clone(), format_number(value, 4)));
        } else if !lines().any(|(other, ..)| other.name.is_some()) {
            let name = axes.y.label.clone();
            readout
                .rows
                .push((Some(ink), name, format_number(value, 4)));
        }
    }
    (!readout.rows.is_empty()).then_some(readout)
}

/// The index of the value nearest to `at`, in values that never go back.
fn nearest_sorted(x: &[f64], at: f64) -> Option<usize> {
    let after = x.partition_point(|&v| v < at);
    [after.checked_sub(1), Some(after)]
        .into_iter()
        .flatten()
        .filter(|&i| i < x.len() && x[i].is_finite())
        .min_by(|&a, &b| (x[a] - at).abs().total_cmp(&(x[b] - at).abs()))
}

fn nearest_point(
    x: &[f64],
    y: &[f64],
    transform: &PlotTransform,
    pointer: Pos2,
) -> Option<(f32, usize)> {
    let [sx, sy] = transform.dpos_dvalue();
    let at = transform.value_from_position(pointer);
    x.iter()
        .zip(y)
        .enumerate()
        .filter(|(_, (x, y))| x.is_finite() && y.is_finite())
        .map(|(i, (x, y))| (((x - at.x) * sx).hypot((y - at.y) * sy) as f32, i))
        .min_by(|a, b| a.0.total_cmp(&b.0))
}

fn one_point(
    axes: &Axes,
    name: String,
    x: f64,
    y: f64,
    ink: Color32,
    transform: &PlotTransform,
) -> Readout {
    let place = pos2(
        transform.position_from_point_x(axes.x.scale.forward(x)),
        transform.position_from_point_y(axes.y.scale.forward(y)),
    );
    let mut rows = vec![
        (None, axes.x.label.clone(), axis_value(&axes.x, x)),
        (None, axes.y.label.clone(), axis_value(&axes.y, y)),
    ];
    if axes.is_picture()
        && let Some(under) = cell(axes, axes.x.scale.forward(x), axes.y.scale.forward(y))
    {
        rows.extend(under.rows.into_iter().skip(2));
    }
    Readout {
        title: name,
        rows,
        points: vec![(place, ink)],
        x,
        y: Some(y),
    }
}

fn point_readout(
    axes: &Axes,
    scatter: &Scatter,
    index: usize,
    transform: &PlotTransform,
    theme: &FigureTheme,
) -> Readout {
    let (_, point_ink) = scatter.point_style(index);
    let name = match &scatter.colors {
        ScatterColors::Classes { classes, names } => classes
            .get(index)
            .and_then(|&class| names.get(class).cloned())
            .unwrap_or_default(),
        _ => scatter.name.clone().unwrap_or_default(),
    };
    let mut readout = one_point(
        axes,
        name,
        scatter.x[index],
        scatter.y[index],
        ink(theme, point_ink),
        transform,
    );
    if let ScatterColors::Values { values, .. } = &scatter.colors
        && let Some(&value) = values.get(index)
    {
        let label = axes.color_bar.as_ref().map_or("value", |bar| &bar.label);
        readout
            .rows
            .push((None, label.to_owned(), format_number(value, 4)));
    }
    readout
}

/// The heat map's cell under a point on the scales.
fn cell(axes: &Axes, x: f64, y: f64) -> Option<Readout> {
    let (x, y) = (axes.x.scale.inverse(x), axes.y.scale.inverse(y));
    let map = axes.layers.iter().rev().find_map(|layer| match layer {
        Layer::Heatmap(map) => Some(map),
        _ => None,
    })?;
    let value = map.value_at(x, y)?;
    let label = axes
        .color_bar
        .as_ref()
        .map_or_else(|| "value".to_owned(), |bar| bar.label.clone());
    Some(Readout {
        title: String::new(),
        rows: vec![
            (None, axes.x.label.clone(), axis_value(&axes.x, x)),
            (None, axes.y.label.clone(), axis_value(&axes.y, y)),
            (None, label, format_number(value, 4)),
        ],
        points: Vec::new(),
        x,
        y: Some(y),
    })
}

fn bars(axes: &Axes, x: f64, theme: &FigureTheme) -> Option<Readout> {
    let x = axes.x.scale.inverse(x);
    let bars = axes.layers.iter().find_map(|layer| match layer {
        Layer::Bars(bars) => Some(bars),
        _ => None,
    })?;
    let index = crate::figure::layers::cell_of(&bars.edges, x)?;
    let range = format!(
        "{} to {}",
        format_number(bars.edges[index], 4),
        format_number(bars.edges[index + 1], 4)
    );
    let height = bars.heights.get(index).copied().unwrap_or(f64::NAN);
    Some(Readout {
        title: format!("{} {range}", axes.x.label),
        rows: vec![(
            Some(ink(theme, bars.ink)),
            axes.y.label.clone(),
            format_number(height, 4),
        )],
        points: Vec::new(),
        x,
        y: None,
    })
}

/// Marks the points that are meant and shows their values beside the pointer.
pub(super) fn show(
    ui: &Ui,
    response: &Response,
    readout: &Readout,
    frame: Rect,
    theme: &FigureTheme,
) {
    let painter = ui.painter().with_clip_rect(frame);
    let edge = egui::Stroke::new(1.0, color(theme.background));
    let mut out = Vec::new();
    for &(at, ink) in &readout.points {
        let size = 1.1 * theme.marker_size as f32;
        shapes::marker(
            at,
            Marker::Circle,
            size,
            ink.to_opaque(),
            Some(edge),
            &mut out,
        );
    }
    painter.extend(out);
    at_pointer(ui, response.id, |ui| {
        if !readout.title.is_empty() {
            ui.label(egui::RichText::new(&readout.title).strong());
        }
        egui::Grid::new("readout").num_columns(2).show(ui, |ui| {
            for (ink, name, value) in &readout.rows {
                ui.horizontal(|ui| {
                    if let Some(ink) = ink {
                        let (area, _) =
                            ui.allocate_exact_size(vec2(8.0, 8.0), egui::Sense::hover());
                        ui.painter()
                            .circle_filled(area.center(), 3.5, ink.to_opaque());
                    }
                    ui.label(name);
                });
                ui.label(value);
                ui.end_row();
            }
        });
    });
}
