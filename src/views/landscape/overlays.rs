//! What lies on a plane besides the loss: the path of training with its halos,
//! and the basins.

use super::PathOnPlane;
use crate::figure::ticks::format_number;
use crate::figure::{Axes, Ink, Line, LineStyle, Marker, Scatter, ScatterColors, SeriesStyle};
use crate::landscape::{Basin, GhostPath, GridPoint, PathPoint, Slice2d, basins};

pub(super) fn add_path(axes: &mut Axes, path: PathOnPlane<'_>, step: u64) {
    let points = path.points;
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return;
    };
    axes.layers.push(
        Line::new(
            points.iter().map(|p| p.alpha).collect::<Vec<f64>>(),
            points.iter().map(|p| p.beta).collect::<Vec<f64>>(),
        )
        .style(LineStyle::solid(Ink::Foreground).width(0.9).cased())
        .named("path of training")
        .into(),
    );
    let span = |limits: Option<(f64, f64)>| limits.map_or(f64::INFINITY, |(a, b)| b - a);
    let size = [span(axes.x.limits), span(axes.y.limits)];
    if let Some(halos) = halos(path, size) {
        axes.layers.push(halos.into());
    }
    let point = |at: &PathPoint, marker, size, ink, name: String| Scatter {
        colors: ScatterColors::Uniform(ink),
        marker,
        size,
        edged: true,
        name: Some(name),
        ..Scatter::new(vec![at.alpha], vec![at.beta])
    };
    if points.len() > 1 {
        let start = format!("step {}", format_number(first.step as f64, 9));
        axes.layers
            .push(point(first, Marker::Square, 1.2, Ink::Foreground, start).into());
    }
    let shown = points.iter().find(|p| p.step == step).unwrap_or(last);
    let now = format!("step {}", format_number(shown.step as f64, 9));
    axes.layers
        .push(point(shown, Marker::Circle, 1.9, Ink::Accent, now).into());
}

/// Draws the paths of other runs, in their own colours and dashes.
pub(super) fn add_ghosts(axes: &mut Axes, ghosts: &[GhostPath]) {
    for ghost in ghosts {
        let style = SeriesStyle::nth(ghost.series);
        let line = Line::new(
            ghost.points.iter().map(|p| p.alpha).collect::<Vec<f64>>(),
            ghost.points.iter().map(|p| p.beta).collect::<Vec<f64>>(),
        );
        axes.layers.push(
            line.style(LineStyle::from(style).width(0.8).cased())
                .named(ghost.name.as_str())
                .into(),
        );
        if let Some(last) = ghost.points.last() {
            let end = Scatter {
                colors: ScatterColors::Uniform(style.ink),
                marker: style.marker,
                size: 1.2,
                edged: true,
                ..Scatter::new(vec![last.alpha], vec![last.beta])
            };
            axes.layers.push(end.into());
        }
    }
}

/// Halos are at least this share of the map apart, so that the path stays seen.
const APART: f64 = 0.07;
/// The largest halo's diameter, in markers.
const LARGEST_HALO: f64 = 4.5;
/// A path of which no more than this share runs outside lies on the plane.
const ON_PLANE: f64 = 1e-3;

/// Rings around points of a path, as wide as they are far from the plane;
/// nothing for a path on it.
fn halos(path: PathOnPlane<'_>, size: [f64; 2]) -> Option<Scatter> {
    let points = path.points;
    let outside = path.share.map_or(0.0, |share| share.length_outside);
    let largest = points.iter().map(|p| p.off_plane).fold(0.0, f64::max);
    if !(largest.is_finite() && largest > 0.0 && outside > ON_PLANE) {
        return None;
    }
    // Where losses were measured, only points that have one.
    let loss = |point: &PathPoint| {
        let errors = path.errors?;
        let index = errors.steps.binary_search(&point.step).ok()?;
        errors.losses.get(index).copied()
    };
    let candidates: Vec<(&PathPoint, f64)> = points
        .iter()
        .map(|point| (point, loss(point).unwrap_or(f64::NAN)))
        .filter(|(_, loss)| path.errors.is_none() || loss.is_finite())
        .collect();
    let [width, height] = size;
    let mut last: Option<&PathPoint> = None;
    let (chosen, values): (Vec<&PathPoint>, Vec<f64>) = candidates
        .into_iter()
        .filter(|(point, _)| {
            let apart = last.is_none_or(|last| {
                let (x, y) = (point.alpha - last.alpha, point.beta - last.beta);
                (x / width).hypot(y / height) >= APART
            });
            if apart {
                last = Some(point);
            }
            apart
        })
        .unzip();
    Some(Scatter {
        colors: ScatterColors::Uniform(Ink::Foreground),
        marker: Marker::Ring,
        size: LARGEST_HALO,
        sizes: chosen.iter().map(|p| p.off_plane / largest).collect(),
        values,
        name: Some(format!(
            "halo: distance from the plane, at most {}",
            format_number(largest, 2)
        )),
        ..Scatter::new(
            chosen.iter().map(|p| p.alpha).collect::<Vec<f64>>(),
            chosen.iter().map(|p| p.beta).collect::<Vec<f64>>(),
        )
    })
}

/// How many basins are marked, at most.
const BASINS: usize = 24;
/// Basins whose persistence is a smaller share of the range of the losses are
/// not told from the grid's own roughness.
const LEAST_PERSISTENCE: f64 = 0.005;

/// Marks the minima of the basins and the saddles between them. Returns how many
/// basins there are.
pub(super) fn add_basins(axes: &mut Axes, slice: &Slice2d) -> usize {
    let Some([low, high]) = slice.finite_range() else {
        return 0;
    };
    let least = LEAST_PERSISTENCE * (high - low);
    let found: Vec<Basin> = basins(slice)
        .into_iter()
        .filter(|basin| basin.persistence > least)
        .collect();
    let marks = |points: Vec<GridPoint>, marker, name: &str| Scatter {
        colors: ScatterColors::Uniform(Ink::Foreground),
        marker,
        size: 1.3,
        edged: true,
        name: Some(name.to_owned()),
        ..Scatter::new(
            points.iter().map(|p| p.alpha).collect::<Vec<f64>>(),
            points.iter().map(|p| p.beta).collect::<Vec<f64>>(),
        )
    };
    let shown = &found[..found.len().min(BASINS)];
    let minima = shown.iter().map(|basin| basin.minimum).collect();
    let saddles: Vec<GridPoint> = shown.iter().filter_map(|basin| basin.saddle).collect();
    axes.layers
        .push(marks(minima, Marker::Triangle, "minimum of the grid").into());
    if !saddles.is_empty() {
        axes.layers
            .push(marks(saddles, Marker::Cross, "saddle").into());
    }
    found.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Axis, Layer};

    #[test]
    fn two_wells_have_two_minima_and_a_saddle() {
        let axis: Vec<f64> = (0..33).map(|i| -2.0 + i as f64 / 8.0).collect();
        let loss = axis.iter().flat_map(|b| {
            axis.iter()
                .map(move |a| (a * a - 1.0).powi(2) + 0.1 * a + b * b)
        });
        let slice = Slice2d {
            loss: loss.collect(),
            alpha: axis.clone(),
            beta: axis.clone(),
            stderr: None,
            level: 0,
            levels: 1,
        };
        let mut axes = Axes::new(Axis::new("α"), Axis::new("β"));
        assert_eq!(add_basins(&mut axes, &slice), 2);
        let (Layer::Scatter(minima), Layer::Scatter(saddles)) = (&axes.layers[0], &axes.layers[1])
        else {
            panic!("two layers of points");
        };
        assert_eq!((minima.x.len(), saddles.x.len()), (2, 1));
        assert_eq!((minima.x[0], minima.y[0]), (-1.0, 0.0));
    }
}
