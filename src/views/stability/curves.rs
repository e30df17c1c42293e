//! Curves over steps, as this view and that of the flows draw them.

use crate::curvature::EigenvalueEstimate;
use crate::figure::ticks::format_number;
use crate::figure::{
    Axes, Band, Content, Dash, Ink, Layer, Line, LineStyle, Marker, Panel, Row, Rule, Scale,
    Scatter, ScatterColors,
};
use crate::stability::{SpectrumReading, StabilityReport, StepReading};
use crate::views::percent;

/// A line this many times above everything else would press it flat.
const FAR: f64 = 5.0;
/// Values that did not converge get a ring each up to this many.
const MARKS: usize = 400;
/// The name of the rings in a legend.
pub(super) const OPEN: &str = "not converged";

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

/// Puts before it what no reader may miss: the end is cut where room is short.
pub(in crate::views) fn caveat(axes: &mut Axes, text: String) {
    axes.note = Some(match axes.note.take() {
        Some(after) => format!("{text} · {after}"),
        None => text,
    });
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
/// residuals; open rings where the iteration did not converge.
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
    let open: Vec<bool> = values
        .iter()
        .map(|value| value.is_some_and(|found| !found.converged))
        .collect();
    let line = Line::new(x.to_vec(), of(&|e| e.value)).style(style);
    marked_line(axes, line.named(name), &open);
}

/// A line with a marker for each of few values, and an open ring instead where a
/// value is not what it would be had an iteration converged.
pub(in crate::views) fn marked_line(axes: &mut Axes, line: Line, open: &[bool]) {
    let full = if open.contains(&true) {
        Marker::None
    } else {
        marker(line.x.len())
    };
    axes.layers.push(line.clone().marked(full).into());
    rings(axes, &line, open);
}

/// Open rings on a line at the values that are `open`; one name in the legend
/// for those of all lines.
pub(in crate::views) fn rings(axes: &mut Axes, line: &Line, open: &[bool]) {
    let at: Vec<usize> = (0..open.len()).filter(|i| open[*i]).collect();
    if at.is_empty() {
        return;
    }
    let every = at.len().div_ceil(MARKS);
    let of = |values: &[f64]| -> Vec<f64> {
        let kept = at.iter().step_by(every);
        kept.filter_map(|i| values.get(*i).copied()).collect()
    };
    let named = axes
        .layers
        .iter()
        .any(|layer| matches!(layer, Layer::Scatter(rings) if rings.name.as_deref() == Some(OPEN)));
    axes.layers.push(
        Scatter {
            colors: ScatterColors::Uniform(line.style.ink),
            marker: Marker::Ring,
            name: (!named).then(|| OPEN.to_owned()),
            ..Scatter::new(of(&line.x), of(&line.y))
        }
        .into(),
    );
}

/// The vertices of a stability line over the steps, which changes at once and
/// not in slopes: its value holds from one place to the next. What is above
/// `reach` or no number is a gap (not-a-number), so that a schedule that begins
/// or ends with tiny learning rates does not press everything else flat; nothing
/// where no part is left.
pub(in crate::views) fn line_within(
    x: &[f64],
    threshold: &[f64],
    reach: f64,
) -> Option<(Vec<f64>, Vec<f64>)> {
    let (mut place, mut value): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    for (x, threshold) in x.iter().zip(threshold) {
        let shown = if threshold.is_finite() && *threshold <= reach {
            *threshold
        } else {
            f64::NAN
        };
        if let Some(before) = value.last().copied().filter(|before| before.is_finite())
            && before != shown
        {
            place.push(*x);
            value.push(before);
        }
        place.push(*x);
        value.push(shown);
    }
    let any = value.iter().any(|value| value.is_finite());
    any.then_some((place, value))
}

/// Draws a stability line over the steps where it is at most five times as high
/// as `highest`, the highest of the curves that it stands among; all of it on a
/// logarithmic axis, and where there is nothing positive. See [`line_within`].
/// Whether a part of it was drawn.
pub(in crate::views) fn threshold_line(
    axes: &mut Axes,
    x: &[f64],
    threshold: &[f64],
    highest: f64,
    style: LineStyle,
    name: &str,
) -> bool {
    let everything = axes.y.scale == Scale::Log10 || !highest.is_finite() || highest <= 0.0;
    let reach = if everything {
        f64::INFINITY
    } else {
        FAR * highest
    };
    let Some((place, value)) = line_within(x, threshold, reach) else {
        return false;
    };
    axes.layers
        .push(Line::new(place, value).style(style).named(name).into());
    true
}

/// The line of steps that were clipped.
pub(in crate::views) fn dotted() -> LineStyle {
    LineStyle::solid(Ink::Foreground).dashed(Dash::Dotted)
}

/// The line of the optimizer, and beside it that of the steps as they were made
/// where clipping shortened them; `of` puts a threshold of a step into the units
/// of the axes.
///
/// An oscillation makes gradients long and short by turns, and so the factors. Two
/// steps of descent multiply it by (1 − ηf₁λ)(1 − ηf₂λ), which is 1 at the mean of
/// 2/(ηf₁) and 2/(ηf₂): the line of two successive steps is drawn.
pub(super) fn stability_lines(
    axes: &mut Axes,
    report: &StabilityReport,
    highest: f64,
    name: &str,
    of: impl Fn(&StepReading, f64) -> f64,
) {
    let x = places(&report.steps);
    let line = column(report, |step| of(step, step.threshold));
    threshold_line(axes, &x, &line, highest, dashed(), name);
    let made = |step: &StepReading| {
        step.clip_factor?;
        Some(of(step, step.clipped_threshold.unwrap_or(step.threshold)))
    };
    let clipped: Vec<f64> = (0..report.steps.len())
        .map(|i| {
            // The last update is one of the pair before it.
            let first = report
                .steps
                .len()
                .checked_sub(3)
                .map_or(i, |last| i.min(last));
            let pair = report.steps.get(first..first + 2).unwrap_or_default();
            if pair.iter().all(|step| step.clipped_threshold.is_none()) {
                return f64::NAN;
            }
            let values: Option<Vec<f64>> = pair.iter().map(made).collect();
            values.map_or(f64::NAN, |values| 0.5 * values.iter().sum::<f64>())
        })
        .collect();
    let name = format!("{name}, clipped");
    threshold_line(axes, &x, &clipped, highest, dotted(), &name);
}

/// How often steps were clipped and how much, where they were.
pub(super) fn clipping(report: &StabilityReport) -> Option<String> {
    let factors = report.steps.iter().filter_map(|step| step.clip_factor);
    let (all, clipped, least) = factors.fold((0usize, 0usize, 1.0f64), |(all, n, least), f| {
        (all + 1, n + usize::from(f < 1.0), least.min(f))
    });
    (clipped > 0).then(|| {
        format!(
            "clipped at {} of the steps, down to {}·η",
            percent(clipped as f64 / all as f64),
            number(least, 2)
        )
    })
}

/// Tells in the note that steps were clipped, and what the line of those is.
pub(super) fn note_clipping(axes: &mut Axes, report: &StabilityReport) {
    if let Some(how) = clipping(report) {
        note(
            axes,
            format!("{how}; dotted: the line of two successive steps"),
        );
    }
}

/// The last value that is one.
pub(in crate::views) fn last_finite(values: &[f64]) -> Option<f64> {
    values.iter().rev().copied().find(|value| value.is_finite())
}

/// Whether an eigenvalue is there that did not converge.
pub(super) fn is_open(found: Option<&EigenvalueEstimate>) -> bool {
    found.is_some_and(|found| !found.converged)
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
