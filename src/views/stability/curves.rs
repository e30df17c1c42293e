//! Curves over steps, as this view and that of the flows draw them.

use crate::curvature::EigenvalueEstimate;
use crate::figure::ticks::format_number;
use crate::figure::{
    Axes, Axis, Band, Content, Dash, Ink, Line, LineStyle, Marker, Panel, Row, Rule, Scale, Ticks,
};
use crate::stability::{SpectrumReading, StabilityReport, StepReading};

/// Rows of one pair of axes each, with their relative heights.
pub(in crate::views) fn rows(all: Vec<(f64, Axes)>) -> Vec<Row> {
    all.into_iter()
        .map(|(height, axes)| Row {
            height,
            panels: vec![Panel {
                width: 1.0,
                content: Content::from(axes),
            }],
        })
        .collect()
}

/// The same in one row.
pub(in crate::views) fn side_by_side(all: Vec<(f64, Axes)>) -> Vec<Row> {
    vec![Row {
        height: 1.0,
        panels: rows(all).into_iter().flat_map(|row| row.panels).collect(),
    }]
}

/// Shows the same steps in all axes.
pub(in crate::views) fn over(all: &mut [(f64, Axes)], first: u64, last: u64) {
    for (_, axes) in all {
        axes.x.limits = (last > first).then_some((first as f64, last as f64));
    }
}

/// Adds to the line under a plot.
pub(in crate::views) fn note(axes: &mut Axes, text: String) {
    axes.note = Some(match axes.note.take() {
        Some(before) => format!("{before} · {text}"),
        None => text,
    });
}

pub(in crate::views) fn step_axis() -> Axis {
    Axis::new("step").ticks(Ticks::Integers)
}

pub(in crate::views) fn number(value: f64, digits: usize) -> String {
    format_number(value, digits)
}

/// The value of an eigenvalue with its residual.
pub(in crate::views) fn with_residual(found: &EigenvalueEstimate) -> String {
    let mut text = format!("{} ± {}", number(found.value, 4), number(found.residual, 1));
    if !found.converged {
        text.push_str(", not converged");
    }
    text
}

/// Few values are points, many a line.
pub(in crate::views) fn marker(count: usize) -> Marker {
    if count <= 60 {
        Marker::Circle
    } else {
        Marker::None
    }
}

pub(in crate::views) fn dashed() -> LineStyle {
    LineStyle::solid(Ink::Foreground).dashed(Dash::Dashed)
}

/// A line for the zero of an axis that has both signs.
pub(in crate::views) fn zero() -> Rule {
    Rule::horizontal(0.0).style(LineStyle::solid(Ink::Muted).width(0.6))
}

/// A series of eigenvalues over steps as a line within the band of its
/// residuals.
pub(in crate::views) fn eigenvalue_line(
    axes: &mut Axes,
    x: &[f64],
    values: &[Option<EigenvalueEstimate>],
    style: LineStyle,
    name: impl Into<String>,
) {
    let of = |f: &dyn Fn(&EigenvalueEstimate) -> f64| -> Vec<f64> {
        values
            .iter()
            .map(|value| value.as_ref().map_or(f64::NAN, f))
            .collect()
    };
    axes.layers.push(
        Band {
            x: x.to_vec().into(),
            lower: of(&|e| e.value - e.residual).into(),
            upper: of(&|e| e.value + e.residual).into(),
            ink: style.ink,
            name: None,
        }
        .into(),
    );
    axes.layers.push(
        Line::new(x.to_vec(), of(&|e| e.value))
            .style(style)
            .marked(marker(x.len()))
            .named(name)
            .into(),
    );
}

/// A stability line over the steps, which changes at once and not in slopes;
/// nothing where it is so far above `highest` that it would press everything
/// flat. Whether it was drawn.
pub(in crate::views) fn threshold_line(
    axes: &mut Axes,
    x: &[f64],
    threshold: &[f64],
    highest: f64,
    formula: &str,
) -> bool {
    let least = threshold.iter().copied().fold(f64::INFINITY, f64::min);
    let log = axes.y.scale == Scale::Log10;
    if !least.is_finite() || (highest > 0.0 && least > 5.0 * highest && !log) {
        return false;
    }
    let (mut place, mut value) = (Vec::new(), Vec::new());
    for (x, threshold) in x.iter().zip(threshold) {
        if let Some(before) = value.last().copied()
            && before != *threshold
        {
            place.push(*x);
            value.push(before);
        }
        place.push(*x);
        value.push(*threshold);
    }
    axes.layers.push(
        Line::new(place, value)
            .style(dashed())
            .named(formula)
            .into(),
    );
    true
}

pub(super) fn places(steps: &[StepReading]) -> Vec<f64> {
    steps.iter().map(|reading| reading.step as f64).collect()
}

pub(super) fn measured(spectra: &[SpectrumReading]) -> Vec<f64> {
    spectra.iter().map(|reading| reading.step as f64).collect()
}

pub(super) fn column(report: &StabilityReport, f: impl Fn(&StepReading) -> f64) -> Vec<f64> {
    report.steps.iter().map(f).collect()
}

pub(super) fn highest<'a>(values: impl Iterator<Item = &'a EigenvalueEstimate>) -> f64 {
    values
        .map(|found| found.value)
        .filter(|value| value.is_finite())
        .fold(f64::NEG_INFINITY, f64::max)
}
