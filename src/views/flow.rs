//! Flows beside a run: gradient flow and central flow, their sharpness, loss and
//! distance, and the oscillation that the central flow predicts.

use serde::{Deserialize, Serialize};

use super::stability::{
    caveat, dashed, eigenvalue_line, marked_line, note, number, over, rings, rows, side_by_side,
    threshold_line, with_residual,
};
use super::step_axis;
use crate::figure::{Axes, Axis, Content, Dash, Figure, Ink, Line, LineStyle, Panel, Row};
use crate::stability::{CentralReading, FlowReport, FlowStep, TwinReading};

/// What a person can change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FlowLook {
    /// How the pairs of axes share the room.
    pub arrangement: FlowArrangement,
}

/// How the pairs of axes share the room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowArrangement {
    /// Two in a row.
    #[default]
    Grid,
    /// One above the other.
    Stacked,
    /// Beside each other.
    Row,
    /// Sharpness and distance only, one above the other.
    Two,
    /// The sharpness only.
    One,
}

/// Steps on either side over which the run's variance is a mean.
const SMOOTH: usize = 8;

/// The run.
const RUN: LineStyle = LineStyle::solid(Ink::Series(0));
/// The gradient flow.
const GRADIENT: LineStyle = LineStyle::solid(Ink::Series(1)).dashed(Dash::Dashed);
/// The central flow.
const CENTRAL: LineStyle = LineStyle::solid(Ink::Series(2)).dashed(Dash::Dotted);

/// The figure of a window of steps with flows beside it; empty axes before
/// there is a reading.
pub fn figure(look: &FlowLook, report: Option<&FlowReport>) -> Figure {
    let empty = FlowReport::default();
    let report = report.unwrap_or(&empty);
    let central = report.steps.iter().any(|step| step.central_flow.is_some());
    let closed = report
        .steps
        .iter()
        .any(|step| step.solution_sharpness.is_some());
    let mut all = vec![sharpness(report), distance(report), loss(report)];
    if closed {
        all.insert(1, solution(report));
    }
    if central {
        all.push(variance(report));
    }
    let count = match look.arrangement {
        FlowArrangement::Grid | FlowArrangement::Stacked | FlowArrangement::Row => all.len(),
        FlowArrangement::Two => 2,
        FlowArrangement::One => 1,
    };
    let mut all: Vec<(f64, Axes)> = all.into_iter().take(count).map(|a| (1.0, a)).collect();
    // On the axes that are always there.
    if let Some((_, first)) = all.first_mut() {
        caveats(first, report);
    }
    if let (Some(first), Some(last)) = (report.steps.first(), report.steps.last()) {
        over(&mut all, first.step, last.step);
    }
    let rows = match look.arrangement {
        FlowArrangement::Grid => grid(all),
        FlowArrangement::Row => side_by_side(all),
        _ => rows(all),
    };
    Figure {
        title: Some("Flows beside the run".to_owned()),
        rows,
        description: describe(report),
        ..Figure::default()
    }
}

/// What a reader has to know of all the axes: where something ends early, and
/// whether the flows belong to the run.
fn caveats(axes: &mut Axes, report: &FlowReport) {
    const OTHER: &str =
        "the flows are the limits of plain full-batch gradient descent, which this run is not";
    let ended = [
        &report.ended,
        &report.gradient_flow_ended,
        &report.central_flow_ended,
    ];
    let mut all: Vec<&str> = ended.into_iter().flatten().map(String::as_str).collect();
    if !report.is_gradient_descent && !report.steps.is_empty() {
        all.insert(0, OTHER);
    }
    if !all.is_empty() {
        caveat(axes, all.join(" · "));
    }
}

fn grid(all: Vec<(f64, Axes)>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let panel = |axes| Panel {
        width: 1.0,
        content: Content::from(axes),
    };
    for (index, (_, axes)) in all.into_iter().enumerate() {
        match rows.last_mut() {
            Some(row) if index % 2 == 1 => row.panels.push(panel(axes)),
            _ => rows.push(Row {
                height: 1.0,
                panels: vec![panel(axes)],
            }),
        }
    }
    rows
}

fn places(report: &FlowReport) -> Vec<f64> {
    report.steps.iter().map(|step| step.step as f64).collect()
}

fn of_run(report: &FlowReport, f: impl Fn(&FlowStep) -> f64) -> Vec<f64> {
    report.steps.iter().map(f).collect()
}

fn of_flow(report: &FlowReport, f: impl Fn(&TwinReading) -> f64) -> Vec<f64> {
    of_run(report, |step| {
        step.gradient_flow.as_ref().map_or(f64::NAN, &f)
    })
}

fn of_central(report: &FlowReport, f: impl Fn(&CentralReading) -> f64) -> Vec<f64> {
    of_run(report, |step| {
        step.central_flow.as_ref().map_or(f64::NAN, &f)
    })
}

fn any(values: &[f64]) -> bool {
    values.iter().any(|value| value.is_finite())
}

fn sharpness(report: &FlowReport) -> Axes {
    let mut axes = Axes::new(step_axis(), Axis::new("sharpness λ₁"));
    let measured: Vec<&FlowStep> = report
        .steps
        .iter()
        .filter(|step| step.sharpness.is_some())
        .collect();
    let x: Vec<f64> = measured.iter().map(|step| step.step as f64).collect();
    let run: Vec<_> = measured.iter().map(|step| step.sharpness).collect();
    let flow: Vec<_> = measured
        .iter()
        .map(|step| step.gradient_flow.as_ref().and_then(|flow| flow.sharpness))
        .collect();
    let central: Vec<_> = measured
        .iter()
        .map(|step| step.central_flow.as_ref()?.eigenvalues.first().copied())
        .collect();
    let mut highest = 0.0f64;
    for (values, style, name) in [
        (&run, RUN, "run"),
        (&flow, GRADIENT, "gradient flow"),
        (&central, CENTRAL, "central flow"),
    ] {
        if values.iter().any(Option::is_some) {
            eigenvalue_line(&mut axes, &x, values, style, name);
        }
        let top = values.iter().flatten().map(|found| found.value);
        highest = top.fold(highest, f64::max);
    }
    let line = of_run(report, |step| step.threshold);
    threshold_line(&mut axes, &places(report), &line, highest, dashed(), "2/η");
    if let (Some(Some(run)), Some(last)) = (run.last(), measured.last()) {
        note(
            &mut axes,
            format!("step {}: run {}", last.step, with_residual(run)),
        );
        if let Some(Some(flow)) = flow.last() {
            note(&mut axes, format!("gradient flow {}", with_residual(flow)));
        }
    }
    axes
}

fn distance(report: &FlowReport) -> Axes {
    let mut axes = Axes::new(step_axis(), Axis::new("distance ‖θ − θ′‖"));
    let x = places(report);
    let flow = of_flow(report, |flow| flow.distance);
    let central = of_central(report, |flow| flow.distance);
    for (values, style, name) in [
        (flow, GRADIENT, "to the gradient flow"),
        (central, CENTRAL, "to the central flow"),
    ] {
        if any(&values) {
            axes.layers
                .push(Line::new(x.clone(), values).style(style).named(name).into());
        }
    }
    if let Some(last) = report.steps.last() {
        axes.note = Some(format!("time Ση = {}", number(last.time, 3)));
    }
    axes
}

fn loss(report: &FlowReport) -> Axes {
    let mut axes = Axes::new(step_axis(), Axis::log("training loss"));
    let x = places(report);
    for (values, style, name) in [
        (of_run(report, |step| step.loss), RUN, "run"),
        (of_flow(report, |flow| flow.loss), GRADIENT, "gradient flow"),
        (
            of_central(report, |flow| flow.loss),
            CENTRAL,
            "central flow",
        ),
    ] {
        if any(&values) {
            axes.layers
                .push(Line::new(x.clone(), values).style(style).named(name).into());
        }
    }
    axes
}

/// The mean of each value with up to so many on either side of it;
/// not-a-number only where all of them are.
fn smooth(values: &[f64], reach: usize) -> Vec<f64> {
    (0..values.len())
        .map(|i| {
            if values[i].is_nan() {
                return f64::NAN;
            }
            let end = (i + reach + 1).min(values.len());
            let near = values[i.saturating_sub(reach)..end]
                .iter()
                .filter(|value| value.is_finite());
            near.clone().sum::<f64>() / near.count() as f64
        })
        .collect()
}

fn variance(report: &FlowReport) -> Axes {
    let x = places(report);
    let squares = of_central(report, |flow| flow.displacement.powi(2));
    let mut axes = Axes::new(step_axis(), Axis::new("variance along v₁"))
        .with(Line::new(x.clone(), squares.clone()).style(RUN.width(0.5).opacity(0.35)))
        .with(
            Line::new(x.clone(), smooth(&squares, SMOOTH))
                .style(RUN)
                .named("run"),
        );
    let predicted = Line::new(x, of_central(report, |flow| flow.variance));
    // Both are measured along an eigenvector of the central flow.
    let open: Vec<bool> = report
        .steps
        .iter()
        .map(|step| {
            let flow = step.central_flow.as_ref();
            let top = flow.and_then(|flow| flow.eigenvalues.first());
            top.is_some_and(|found| !found.converged)
        })
        .collect();
    let predicted = predicted.style(CENTRAL).named("σ² of the central flow");
    axes.layers.push(predicted.clone().into());
    rings(&mut axes, &predicted, &open);
    axes.note = Some(format!(
        "⟨θ − θ′, v₁⟩² of the run from the central flow θ′, and its mean over {} steps",
        2 * SMOOTH + 1
    ));
    axes
}

fn solution(report: &FlowReport) -> Axes {
    let x = places(report);
    let line = of_run(report, |step| step.threshold);
    let values = of_run(report, |step| step.solution_sharpness.unwrap_or(f64::NAN));
    let mut axes = Axes::new(step_axis(), Axis::new("φ of the flow's end"));
    let phi = Line::new(x.clone(), values.clone()).style(GRADIENT);
    marked_line(&mut axes, phi.named("φ"), &[]);
    let highest = values.iter().copied().fold(0.0, f64::max);
    threshold_line(&mut axes, &x, &line, highest, dashed(), "2/η");
    let rises = values.windows(2).filter(|pair| pair[1] > pair[0]).count();
    axes.note = Some(format!(
        "sharpness where a gradient flow from each step ends, in closed form · rises at {rises} steps"
    ));
    axes
}

fn describe(report: &FlowReport) -> String {
    let (Some(first), Some(last)) = (report.steps.first(), report.steps.last()) else {
        return "No flow goes along with the run yet.".to_owned();
    };
    let mut text = format!("Flows beside the steps {} to {}.", first.step, last.step);
    if let Some(flow) = &last.gradient_flow {
        text.push_str(&format!(
            " The run is {} away from the gradient flow.",
            number(flow.distance, 3)
        ));
    }
    if let Some(flow) = &last.central_flow {
        text.push_str(&format!(
            " It is {} away from the central flow.",
            number(flow.distance, 3)
        ));
    }
    text
}

#[cfg(test)]
#[path = "flow_tests.rs"]
mod tests;
