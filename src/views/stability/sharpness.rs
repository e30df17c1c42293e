//! Eigenvalues against the stability line, and the curvature along the step.

use super::StabilityLook;
use super::curves::{
    column, eigenvalue_line, highest, last_finite, measured, note, note_clipping, number, places,
    stability_lines, with_residual,
};
use crate::figure::{Axes, Axis, Band, Dash, Ink, Line, LineStyle, Scale, SeriesStyle};
use crate::stability::StabilityReport;
use crate::views::sharpness_live::top_name;
use crate::views::step_axis;

pub(super) fn sharpness(look: &StabilityLook, report: &StabilityReport) -> Vec<(f64, Axes)> {
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
        eigenvalue_line(&mut axes, &x, &values, style, top_name(k));
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
        stability_lines(&mut axes, report, top, &report.formula, |_, line| line);
    }
    if let Some(last) = report.spectra.last()
        && let Some(first) = last.eigenvalues.first()
    {
        note(
            &mut axes,
            format!("step {}: λ₁ = {}", last.step, with_residual(first)),
        );
        if !report.is_preconditioned
            && let Some(line) = last_finite(&column(report, |step| step.threshold))
        {
            let line = number(line, 4);
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
        if !report.is_preconditioned {
            note_clipping(&mut axes, report);
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
    stability_lines(&mut axes, report, top, &report.formula, |_, line| line);
    if let Some(Some(last)) = values.last() {
        note(&mut axes, with_residual(last));
        if let Some(line) = last_finite(&column(report, |step| step.threshold)) {
            let line = number(line, 4);
            note(&mut axes, format!("{} = {line}", report.formula));
        }
    }
    note_clipping(&mut axes, report);
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
        let top = column(report, |r| r.gradient_curvature)
            .into_iter()
            .chain(batches.iter().flatten().map(|e| e.value))
            .fold(0.0, f64::max);
        stability_lines(&mut axes, report, top, &report.formula, |_, line| line);
    }
    axes
}
