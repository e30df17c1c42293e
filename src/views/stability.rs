//! What happens along the top eigenvectors of the Hessian, step by step:
//! sharpness against the stability line, the oscillation, the share of the
//! gradient, the turning of the eigenspace, and how far a quadratic model sees.

use serde::{Deserialize, Serialize};

use super::percent;
use super::spectrum::eigenvalue_name;
use crate::curvature::EigenvalueEstimate;
use crate::figure::ticks::format_number;
use crate::figure::{
    Axes, Axis, Band, ColorBar, ColorScale, Colormap, Content, Dash, Figure, Heatmap, Ink, Line,
    LineStyle, Marker, Normalization, Panel, Row, Rule, Scale, SeriesStyle, Ticks,
};
use crate::stability::{SpectrumReading, StabilityReport, StepReading};

/// Which part of the view is shown.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub enum StabilityPart {
    /// The eigenvalues with the optimizer's line, and curvature along the step.
    #[default]
    Sharpness,
    /// The gradient and the parameters along the top eigenvector.
    Oscillation,
    /// The share of the gradient in the space of the top eigenvectors.
    Share,
    /// How much that space has in common with itself at other steps.
    Overlap,
    /// The change of the loss that the quadratic model predicts, and the real
    /// one.
    Prediction,
}

/// What a person can change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StabilityLook {
    /// Which part is shown.
    pub part: StabilityPart,
    /// Whether curvatures have a logarithmic axis.
    pub log: bool,
    /// Whether only the first pair of axes of the part is shown.
    pub single: bool,
}

/// The figure of a window of steps; empty axes before there is a reading.
pub fn figure(look: &StabilityLook, report: Option<&StabilityReport>) -> Figure {
    let empty = StabilityReport::default();
    let report = report.unwrap_or(&empty);
    let mut all = match look.part {
        StabilityPart::Sharpness => sharpness(look, report),
        StabilityPart::Oscillation => oscillation(report),
        StabilityPart::Share => vec![(1.0, share(report))],
        StabilityPart::Overlap => vec![(1.0, overlap(report))],
        StabilityPart::Prediction => prediction(report),
    };
    if let (Some(why), Some((_, last))) = (&report.ended, all.last_mut()) {
        note(last, why.clone());
    }
    if look.single {
        all.truncate(1);
    }
    Figure {
        title: Some("Stability".to_owned()),
        rows: rows(all),
        description: describe(report),
        ..Figure::default()
    }
}

/// Rows of one pair of axes each, with their relative heights.
pub(super) fn rows(all: Vec<(f64, Axes)>) -> Vec<Row> {
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

/// Adds to the line under a plot.
pub(super) fn note(axes: &mut Axes, text: String) {
    axes.note = Some(match axes.note.take() {
        Some(before) => format!("{before} · {text}"),
        None => text,
    });
}

pub(super) fn step_axis() -> Axis {
    Axis::new("step").ticks(Ticks::Integers)
}

pub(super) fn number(value: f64, digits: usize) -> String {
    format_number(value, digits)
}

/// The value of an eigenvalue with its residual.
pub(super) fn with_residual(found: &EigenvalueEstimate) -> String {
    let mut text = format!("{} ± {}", number(found.value, 4), number(found.residual, 1));
    if !found.converged {
        text.push_str(", not converged");
    }
    text
}

/// Few values are points, many a line.
pub(super) fn marker(count: usize) -> Marker {
    if count <= 60 {
        Marker::Circle
    } else {
        Marker::None
    }
}

pub(super) fn dashed() -> LineStyle {
    LineStyle::solid(Ink::Foreground).dashed(Dash::Dashed)
}

/// A line for the zero of an axis that has both signs.
pub(super) fn zero() -> Rule {
    Rule::horizontal(0.0).style(LineStyle::solid(Ink::Muted).width(0.6))
}

/// A series of eigenvalues over steps as a line within the band of its
/// residuals.
pub(super) fn eigenvalue_line(
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
pub(super) fn threshold_line(
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

fn places(steps: &[StepReading]) -> Vec<f64> {
    steps.iter().map(|reading| reading.step as f64).collect()
}

fn measured(spectra: &[SpectrumReading]) -> Vec<f64> {
    spectra.iter().map(|reading| reading.step as f64).collect()
}

fn column(report: &StabilityReport, f: impl Fn(&StepReading) -> f64) -> Vec<f64> {
    report.steps.iter().map(f).collect()
}

fn highest<'a>(values: impl Iterator<Item = &'a EigenvalueEstimate>) -> f64 {
    values
        .map(|found| found.value)
        .filter(|value| value.is_finite())
        .fold(f64::NEG_INFINITY, f64::max)
}

fn sharpness(look: &StabilityLook, report: &StabilityReport) -> Vec<(f64, Axes)> {
    let mut all = Vec::new();
    if report.is_preconditioned {
        all.push((1.0, preconditioned(look, report)));
    }
    all.push((1.0, eigenvalues(look, report)));
    all.push((0.8, along_the_step(report)));
    all
}

fn curvature_axis(look: &StabilityLook, label: &str) -> Axis {
    Axis::new(label).scaled(if look.log {
        Scale::Log10
    } else {
        Scale::Linear
    })
}

fn eigenvalues(look: &StabilityLook, report: &StabilityReport) -> Axes {
    let mut axes = Axes::new(step_axis(), curvature_axis(look, "eigenvalue of H"));
    let x = measured(&report.spectra);
    for k in 0..report.top {
        let values: Vec<_> = report
            .spectra
            .iter()
            .map(|reading| reading.eigenvalues.get(k).copied())
            .collect();
        let mut style = LineStyle::from(SeriesStyle::nth(k));
        if k == 0 {
            style.dash = Dash::Solid;
        }
        eigenvalue_line(&mut axes, &x, &values, style, eigenvalue_name(k + 1));
    }
    let smallest: Vec<_> = report.spectra.iter().map(|r| r.smallest).collect();
    if smallest.iter().any(Option::is_some) {
        let style = LineStyle::solid(Ink::Muted);
        eigenvalue_line(&mut axes, &x, &smallest, style, "λₘᵢₙ");
    }
    let top = highest(report.spectra.iter().filter_map(|r| r.eigenvalues.first()));
    let traces: Vec<f64> = report
        .spectra
        .iter()
        .map(|reading| reading.trace.map_or(f64::NAN, |trace| trace.value))
        .collect();
    let trace_top = traces.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // Where the trace is far above, the note names it.
    if trace_top.is_finite() && (look.log || trace_top <= 5.0 * top) {
        axes.layers.push(
            Line::new(x, traces)
                .style(LineStyle::solid(Ink::Series(report.top)).dashed(Dash::Dotted))
                .named("trace")
                .into(),
        );
    }
    if !report.is_preconditioned {
        let (x, line) = (places(&report.steps), column(report, |r| r.threshold));
        threshold_line(&mut axes, &x, &line, top, &report.formula);
    }
    if let Some(last) = report.spectra.last()
        && let Some(first) = last.eigenvalues.first()
    {
        note(
            &mut axes,
            format!("step {}: λ₁ = {}", last.step, with_residual(first)),
        );
        if !report.is_preconditioned
            && let Some(step) = report.steps.last()
        {
            let line = number(step.threshold, 4);
            note(&mut axes, format!("{} = {line}", report.formula));
        }
        note(
            &mut axes,
            format!("η·λ₁ = {}", number(last.scaled_sharpness, 3)),
        );
        if let Some(trace) = last.trace {
            let (value, error) = (number(trace.value, 3), number(trace.stderr, 1));
            note(&mut axes, format!("trace {value} ± {error}"));
        }
    }
    axes
}

/// The eigenvalue that decides for an optimizer that divides its steps.
fn preconditioned(look: &StabilityLook, report: &StabilityReport) -> Axes {
    let mut axes = Axes::new(step_axis(), curvature_axis(look, "λ₁ of P⁻¹H"));
    let x = measured(&report.spectra);
    let values: Vec<_> = report.spectra.iter().map(|r| r.preconditioned).collect();
    let style = LineStyle::solid(Ink::Series(0));
    eigenvalue_line(&mut axes, &x, &values, style, "preconditioned sharpness");
    let top = highest(values.iter().flatten());
    let (x, line) = (places(&report.steps), column(report, |r| r.threshold));
    threshold_line(&mut axes, &x, &line, top, &report.formula);
    if let (Some(Some(last)), Some(threshold)) = (values.last(), line.last()) {
        axes.note = Some(format!(
            "{} · {} = {}",
            with_residual(last),
            report.formula,
            number(*threshold, 4)
        ));
    }
    axes
}

fn along_the_step(report: &StabilityReport) -> Axes {
    let mut axes = Axes::new(step_axis(), Axis::new("curvature along"));
    let x = places(&report.steps);
    let gradient = column(report, |r| r.gradient_curvature);
    let update = column(report, |r| r.update_curvature.unwrap_or(f64::NAN));
    // Plain descent goes along the gradient: one line says both.
    let same = gradient
        .iter()
        .zip(&update)
        .all(|(a, b)| b.is_nan() || (a - b).abs() <= 1e-3 * a.abs());
    let name = if same && !report.steps.is_empty() {
        "gradient and update"
    } else {
        "gradient"
    };
    axes.layers
        .push(Line::new(x.clone(), gradient).series(0).named(name).into());
    if !same {
        let style = LineStyle::solid(Ink::Series(1)).dashed(SeriesStyle::nth(1).dash);
        axes.layers.push(
            Line::new(x.clone(), update)
                .style(style)
                .named("update")
                .into(),
        );
    }
    let batches: Vec<_> = report.spectra.iter().map(|r| r.batch_sharpness).collect();
    if batches.iter().any(Option::is_some) {
        let of = |sign: f64| -> Vec<f64> {
            batches
                .iter()
                .map(|found| found.map_or(f64::NAN, |e| e.value + sign * e.stderr))
                .collect()
        };
        let (place, name) = (measured(&report.spectra), "batch sharpness ± s.e.");
        axes.layers.push(
            Band {
                x: place.clone().into(),
                lower: of(-1.0).into(),
                upper: of(1.0).into(),
                ink: Ink::Series(2),
                name: None,
            }
            .into(),
        );
        axes.layers.push(
            Line::new(place, of(0.0))
                .style(LineStyle::solid(Ink::Series(2)))
                .named(name)
                .into(),
        );
    }
    if !report.is_preconditioned {
        let line = column(report, |r| r.threshold);
        let top = column(report, |r| r.gradient_curvature)
            .into_iter()
            .chain(batches.iter().flatten().map(|e| e.value))
            .fold(0.0, f64::max);
        threshold_line(&mut axes, &x, &line, top, &report.formula);
    }
    axes
}

/// The share of steps at which ⟨g, v₁⟩ has another sign than at the step
/// before; nothing for less than two.
pub fn flips(report: &StabilityReport) -> Option<f64> {
    let pairs = report.steps.len().checked_sub(1).filter(|n| *n > 0)?;
    let flipped = report
        .steps
        .windows(2)
        .filter(|pair| pair[0].gradient_along * pair[1].gradient_along < 0.0)
        .count();
    Some(flipped as f64 / pairs as f64)
}

fn oscillation(report: &StabilityReport) -> Vec<(f64, Axes)> {
    let x = places(&report.steps);
    let line = |values: Vec<f64>, series: usize| {
        let style = LineStyle::solid(Ink::Series(series)).width(0.8);
        Line::new(x.clone(), values)
            .style(style)
            .marked(marker(x.len()))
    };
    let mut gradient = Axes::new(step_axis(), Axis::new("⟨g, v₁⟩"))
        .with(zero())
        .with(line(column(report, |r| r.gradient_along), 0));
    if let Some(share) = flips(report) {
        gradient.note = Some(format!(
            "the sign turns at {} of the steps · v₁ measured every {} steps, its sign kept",
            percent(share),
            report.every
        ));
    }
    let mut iterate = Axes::new(step_axis(), Axis::new("⟨θ − θ₀, v₁⟩"))
        .with(zero())
        .with(line(column(report, |r| r.iterate_along), 1));
    if !report.steps.is_empty() {
        iterate.note = Some(format!("θ₀ and v₁ are those of step {}", report.from));
    }
    let places = measured(&report.spectra);
    let mut scaled = Axes::new(step_axis(), Axis::new("η·sharpness"));
    let eta: Vec<f64> = report.steps.iter().map(|r| r.learning_rate).collect();
    let values: Vec<f64> = report
        .spectra
        .iter()
        .map(|reading| match reading.preconditioned {
            _ if !report.is_preconditioned => reading.scaled_sharpness,
            // η·λ₁(P⁻¹H), with η from η·λ₁.
            Some(found) => {
                let top = reading.eigenvalues.first().map_or(f64::NAN, |e| e.value);
                found.value * reading.scaled_sharpness / top
            }
            None => f64::NAN,
        })
        .collect();
    let line: Vec<f64> = report
        .steps
        .iter()
        .zip(&eta)
        .map(|(reading, eta)| reading.threshold * eta)
        .collect();
    let name = if report.is_preconditioned {
        "η·λ₁(P⁻¹H)"
    } else {
        "η·λ₁"
    };
    let top = values.iter().copied().fold(0.0, f64::max);
    scaled.layers.push(
        Line::new(places.clone(), values)
            .style(LineStyle::solid(Ink::Series(0)))
            .marked(marker(places.len()))
            .named(name)
            .into(),
    );
    threshold_line(&mut scaled, &x, &line, top, "stable up to");
    vec![(1.0, gradient), (1.0, iterate), (0.8, scaled)]
}

fn share(report: &StabilityReport) -> Axes {
    let x = measured(&report.spectra);
    let top = report.top;
    let mut axes = Axes::new(
        step_axis(),
        Axis::new("share of the gradient").limits(0.0, 1.0),
    );
    if !report.full_batch && !report.spectra.is_empty() {
        let values: Vec<f64> = report
            .spectra
            .iter()
            .map(|reading| reading.batch_share.unwrap_or(f64::NAN))
            .collect();
        let style = LineStyle::solid(Ink::Series(1)).dashed(SeriesStyle::nth(1).dash);
        axes.layers.push(
            Line::new(x.clone(), values)
                .style(style)
                .marked(marker(x.len()))
                .named(format!("batch of {}", report.batch_size))
                .into(),
        );
    }
    let values: Vec<f64> = report.spectra.iter().map(|r| r.share).collect();
    axes.layers.push(
        Line::new(x.clone(), values)
            .style(LineStyle::solid(Ink::Series(0)))
            .marked(marker(x.len()))
            .named("all samples")
            .into(),
    );
    let (Some(first), Some(last)) = (x.first(), x.last()) else {
        return axes;
    };
    axes.layers.push(
        Line::new(vec![*first, *last], vec![report.chance; 2])
            .style(dashed())
            .named("a random direction")
            .into(),
    );
    axes.note = Some(format!(
        "‖Pg‖²/‖g‖² in the space of the top {top} eigenvector{} · chance {}",
        if top == 1 { "" } else { "s" },
        percent(report.chance)
    ));
    axes
}

fn overlap(report: &StabilityReport) -> Axes {
    let x: Vec<f64> = report.overlap_steps.iter().map(|s| *s as f64).collect();
    let color = ColorScale::new(Colormap::Viridis, Normalization::linear(0.0, 1.0));
    let mut axes = Axes::new(step_axis(), step_axis()).equal_aspect();
    if x.len() < 2 {
        return axes;
    }
    let values: Vec<f64> = report.overlaps.iter().flatten().copied().collect();
    axes.layers
        .push(Heatmap::sampled(&x, &x, values, color).into());
    let consecutive: Vec<f64> = report
        .overlaps
        .iter()
        .enumerate()
        .skip(1)
        .filter_map(|(i, row)| row.get(i - 1).copied())
        .collect();
    let mean = consecutive.iter().sum::<f64>() / consecutive.len().max(1) as f64;
    let ends = report
        .overlaps
        .first()
        .and_then(|row| row.last())
        .copied()
        .unwrap_or(f64::NAN);
    axes.note = Some(format!(
        "top {} eigenvectors · one measurement to the next: {} · first to last: {} · chance {}",
        report.top,
        number(mean, 3),
        number(ends, 3),
        percent(report.chance)
    ));
    axes.with_color_bar(ColorBar {
        scale: color,
        label: "overlap".to_owned(),
        unit: None,
        exceeded: (false, false),
        ticks: Ticks::Auto,
    })
}

fn prediction(report: &StabilityReport) -> Vec<(f64, Axes)> {
    let x = places(&report.steps);
    let predicted = column(report, |r| r.predicted_change.unwrap_or(f64::NAN));
    let actual = column(report, |r| r.actual_change.unwrap_or(f64::NAN));
    let largest = actual
        .iter()
        .filter(|value| value.is_finite())
        .fold(0.0f64, |most, value| most.max(value.abs()));
    let changes = Axes::new(step_axis(), Axis::new("change of the loss"))
        .with(zero())
        .with(
            Line::new(x.clone(), actual.clone())
                .style(LineStyle::solid(Ink::Series(0)))
                .named("real"),
        )
        .with(
            Line::new(x.clone(), predicted.clone())
                .style(LineStyle::solid(Ink::Series(1)).dashed(SeriesStyle::nth(1).dash))
                .named("gᵀΔ + ½ΔᵀHΔ"),
        );
    let mut changes = changes;
    let errors: Vec<f64> = predicted
        .iter()
        .zip(&actual)
        .map(|(p, a)| (p - a).abs())
        .filter(|error| error.is_finite())
        .collect();
    if !errors.is_empty() && largest > 0.0 {
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        let rises = actual.iter().filter(|change| **change > 0.0).count();
        changes.note = Some(format!(
            "mean error {} · the loss rises at {} of the steps",
            number(mean, 2),
            percent(rises as f64 / errors.len() as f64)
        ));
    }
    let loss = Axes::new(step_axis(), Axis::log("training loss"))
        .with(Line::new(x, column(report, |r| r.loss)).style(LineStyle::solid(Ink::Series(0))));
    vec![(1.0, changes), (0.7, loss)]
}

fn describe(report: &StabilityReport) -> String {
    let (Some(first), Some(last)) = (report.steps.first(), report.steps.last()) else {
        return "Nothing has been read along the run yet.".to_owned();
    };
    let mut text = format!("Steps {} to {}.", first.step, last.step);
    if let Some(top) = report.spectra.last().and_then(|r| r.eigenvalues.first()) {
        text.push_str(&format!(
            " The largest eigenvalue of the Hessian is {}, the threshold {} is {}.",
            number(top.value, 3),
            report.formula,
            number(last.threshold, 3)
        ));
    }
    if let Some(share) = flips(report) {
        text.push_str(&format!(
            " The gradient along the top eigenvector changes its sign at {} of the steps.",
            percent(share)
        ));
    }
    text
}

#[cfg(test)]
#[path = "stability_tests.rs"]
mod tests;
