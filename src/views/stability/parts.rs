//! The oscillation, the share of the gradient, the turning of the eigenspace,
//! and the quadratic model.

use super::curves::{
    column, dashed, marker, measured, number, places, step_axis, threshold_line, zero,
};
use crate::figure::{
    Axes, Axis, ColorBar, ColorScale, Colormap, Heatmap, Ink, Line, LineStyle, Normalization,
    SeriesStyle, Ticks,
};
use crate::stability::StabilityReport;
use crate::views::percent;

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

pub(super) fn oscillation(report: &StabilityReport) -> Vec<(f64, Axes)> {
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
        // Where it has died away, what turns is rounding.
        let largest = report
            .steps
            .iter()
            .map(|reading| reading.gradient_along.abs() / reading.gradient_norm)
            .fold(0.0, f64::max);
        gradient.note = Some(format!(
            "turns at {} of the steps, at most {} of ‖g‖ · v₁ every {} steps, interpolated",
            percent(share),
            percent(largest),
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

pub(super) fn share(report: &StabilityReport) -> Axes {
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

pub(super) fn overlap(report: &StabilityReport) -> Axes {
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

pub(super) fn prediction(report: &StabilityReport) -> Vec<(f64, Axes)> {
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
