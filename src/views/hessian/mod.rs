//! The Hessian taken apart: its density in detail, over the training, by
//! layers, by classes and by batches, and in a few numbers.

pub mod batches;
pub mod blocks;
pub mod classes;
pub mod density;
pub mod summary;
pub mod waterfall;

use crate::figure::{Axis, Ink, Line, LineStyle, Marker, Scatter, ScatterColors, Ticks};

/// Values of named things as points with error bars, one row for each thing.
struct Points<'a> {
    name: &'a str,
    values: Vec<f64>,
    errors: Vec<f64>,
    series: usize,
    marker: Marker,
    /// How far above the middle of the row.
    offset: f64,
}

/// The points with horizontal error bars, to be drawn over [`named_rows`].
/// Values that are not positive are left out where the axis is logarithmic.
fn point_layers(points: &Points<'_>) -> [crate::figure::Layer; 2] {
    let places: Vec<f64> = (0..points.values.len())
        .map(|row| row as f64 + points.offset)
        .collect();
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for ((value, error), place) in points.values.iter().zip(&points.errors).zip(&places) {
        if error.is_nan() || *error <= 0.0 || !value.is_finite() {
            continue;
        }
        // A bar that would leave a logarithmic axis ends far to the left.
        let low = value - error;
        let low = if *value > 0.0 {
            low.max(1e-3 * value)
        } else {
            low
        };
        x.extend([low, value + error, f64::NAN]);
        y.extend([*place, *place, f64::NAN]);
    }
    [
        Line::new(x, y)
            .style(LineStyle::solid(Ink::Series(points.series)))
            .into(),
        Scatter {
            colors: ScatterColors::Uniform(Ink::Series(points.series)),
            marker: points.marker,
            size: 1.3,
            name: Some(points.name.to_owned()),
            ..Scatter::new(points.values.clone(), places)
        }
        .into(),
    ]
}

/// An axis with one place for each name, the first at the top.
fn named_rows(label: &str, names: &[String]) -> Axis {
    let last = names.len() as f64 - 1.0;
    let ticks = names.iter().cloned().enumerate();
    let ticks = ticks.map(|(row, name)| (last - row as f64, name)).collect();
    Axis::new(label)
        .ticks(Ticks::Named(ticks))
        .limits(-0.6, last.max(0.0) + 0.6)
}
