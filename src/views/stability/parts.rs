//! The oscillation, the share of the gradient, the turning of the eigenspace,
//! and the quadratic model.

use super::curves::{
    OPEN, column, dashed, is_open, marked_line, measured, note, note_clipping, number, places,
    stability_lines, zero,
};
use crate::figure::{
    Axes, Axis, ColorBar, ColorScale, Colormap, Heatmap, Ink, Line, LineStyle, Marker,
    Normalization, Scatter, ScatterColors, SeriesStyle, Ticks,
};
use crate::stability::{SpectrumReading, StabilityReport};
use crate::views::{percent, step_axis};

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

/// At which steps v₁ is one that did not converge, of the measurement at or
/// before the step or of the next one, between which it is interpolated.
fn open_steps(report: &StabilityReport) -> Vec<bool> {
    let open = |reading: Option<&SpectrumReading>| {
        reading.is_some_and(|reading| is_open(reading.eigenvalues.first()))
    };
    report
        .steps
        .iter()
        .map(|row| {
            let next = report.spectra.partition_point(|r| r.step < row.step);
            let exact = report.spectra.get(next).is_some_and(|r| r.step == row.step);
            let before = next.checked_sub(1).and_then(|i| report.spectra.get(i));
            open(report.spectra.get(next)) || (!exact && open(before))
        })
        .collect()
}

pub(super) fn oscillation(report: &StabilityReport) -> Vec<(f64, Axes)> {
    let x = places(&report.steps);
    let line = |values: Vec<f64>, series: usize| {
        let style = LineStyle::solid(Ink::Series(series)).width(0.8);
        Line::new(x.clone(), values).style(style)
    };
    let mut gradient = Axes::new(step_axis(), Axis::new("⟨g, v₁⟩")).with(zero());
    let along = line(column(report, |r| r.gradient_along), 0);
    marked_line(&mut gradient, along, &open_steps(report));
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
    let mut iterate = Axes::new(step_axis(), Axis::new("⟨θ − θ₀, v₁⟩")).with(zero());
    // The vector of the window's start throughout.
    let start = report.spectra.first().and_then(|r| r.eigenvalues.first());
    let along = line(column(report, |r| r.iterate_along), 1);
    marked_line(&mut iterate, along, &vec![is_open(start); x.len()]);
    if !report.steps.is_empty() {
        iterate.note = Some(format!("θ₀ and v₁ are those of step {}", report.from));
    }
    vec![
        (1.0, gradient),
        (1.0, iterate),
        (0.8, scaled_sharpness(report)),
    ]
}

/// η times the eigenvalue that decides, against the number up to which steps
/// are stable.
fn scaled_sharpness(report: &StabilityReport) -> Axes {
    let x = measured(&report.spectra);
    let mut axes = Axes::new(step_axis(), Axis::new("η·λ"));
    let rate = |step: u64| {
        let found = report.steps.binary_search_by_key(&step, |row| row.step);
        found.map_or(f64::NAN, |index| report.steps[index].learning_rate)
    };
    let decisive = |reading: &SpectrumReading| report.decisive(reading);
    let values: Vec<f64> = report
        .spectra
        .iter()
        .map(|reading| rate(reading.step) * decisive(reading).map_or(f64::NAN, |e| e.value))
        .collect();
    let open: Vec<bool> = report
        .spectra
        .iter()
        .map(|reading| is_open(decisive(reading).as_ref()))
        .collect();
    let name = if report.is_preconditioned {
        "η·λ₁(P⁻¹H)"
    } else {
        "η·λ₁"
    };
    let top = values.iter().copied().fold(0.0, f64::max);
    let line = Line::new(x, values).style(LineStyle::solid(Ink::Series(0)));
    marked_line(&mut axes, line.named(name), &open);
    stability_lines(&mut axes, report, top, "stable up to", |row, line| {
        row.learning_rate * line
    });
    note_clipping(&mut axes, report);
    axes
}

/// At which measurements one of the top eigenvectors did not converge.
fn open_spaces(report: &StabilityReport) -> Vec<bool> {
    report
        .spectra
        .iter()
        .map(|reading| reading.eigenvalues.iter().any(|found| !found.converged))
        .collect()
}

pub(super) fn share(report: &StabilityReport) -> Axes {
    let x = measured(&report.spectra);
    let top = report.top;
    let mut axes = Axes::new(
        step_axis(),
        Axis::new("share of the gradient").limits(0.0, 1.0),
    );
    let open = open_spaces(report);
    if !report.full_batch && !report.spectra.is_empty() {
        let values: Vec<f64> = report
            .spectra
            .iter()
            .map(|reading| reading.batch_share.unwrap_or(f64::NAN))
            .collect();
        let style = LineStyle::solid(Ink::Series(1)).dashed(SeriesStyle::nth(1).dash);
        let line = Line::new(x.clone(), values).style(style);
        let name = format!("batch of {}", report.batch_size);
        marked_line(&mut axes, line.named(name), &open);
    }
    let values: Vec<f64> = report.spectra.iter().map(|r| r.share).collect();
    let line = Line::new(x.clone(), values).style(LineStyle::solid(Ink::Series(0)));
    marked_line(&mut axes, line.named("all samples"), &open);
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
    let (kept, all) = (x.len(), report.spectra.len());
    if kept < all {
        note(&mut axes, format!("{kept} of {all} measurements"));
    }
    // On the diagonal.
    let open: Vec<f64> = report
        .spectra
        .iter()
        .zip(open_spaces(report))
        .filter(|(reading, open)| *open && report.overlap_steps.contains(&reading.step))
        .map(|(reading, _)| reading.step as f64)
        .collect();
    if !open.is_empty() {
        note(&mut axes, format!("{OPEN} at {} of {kept}", open.len()));
        axes.layers.push(
            Scatter {
                colors: ScatterColors::Uniform(Ink::Foreground),
                marker: Marker::Ring,
                name: Some(OPEN.to_owned()),
                ..Scatter::new(open.clone(), open)
            }
            .into(),
        );
    }
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
