//! The Hessian of each class's loss (Rangwani et al. 2022).

use super::{Points, named_rows, point_layers};
use crate::curvature::{Bandwidth, EigenvalueEstimate};
use crate::engine::curvature::ClassesResult;
use crate::figure::ticks::format_number;
use crate::figure::{Axes, Axis, Content, Figure, Line, Marker, Panel, Row};
use crate::views::table::{Cell, Table};

use super::density::{DensityLook, sigma};

/// Rows of classes beyond which only some are drawn: the largest.
const ROWS: usize = 24;
/// Classes whose densities are drawn at most.
const CURVES: usize = 8;

/// The figure: λ₁, −λₘᵢₙ and the trace of every class, and the densities where
/// there are any.
pub fn figure(look: &DensityLook, found: Option<&ClassesResult>, stacked: bool) -> Figure {
    let classes = found.map_or(&[][..], |found| &found.classes);
    let names: Vec<String> = classes
        .iter()
        .take(ROWS)
        .map(|class| format!("{} ({})", class.class, class.samples))
        .collect();
    let mut axes = Axes::new(
        Axis::log("curvature of the class's loss"),
        named_rows("class (samples)", &names),
    );
    let reversed = |values: Vec<f64>| -> Vec<f64> { values.into_iter().rev().collect() };
    let end = |list: &[EigenvalueEstimate], sign: f64| {
        list.first()
            .map_or((f64::NAN, f64::NAN), |e| (sign * e.value, e.residual))
    };
    let shown = &classes[..classes.len().min(ROWS)];
    let series = [
        (
            "trace",
            shown
                .iter()
                .map(|c| (c.trace.value, c.trace.stderr))
                .collect::<Vec<(f64, f64)>>(),
            Marker::Triangle,
        ),
        (
            "λ₁",
            shown.iter().map(|c| end(&c.eigenvalues, 1.0)).collect(),
            Marker::Circle,
        ),
        (
            "−λₘᵢₙ",
            shown.iter().map(|c| end(&c.smallest, -1.0)).collect(),
            Marker::Square,
        ),
    ];
    for (k, (name, values, marker)) in series.into_iter().enumerate() {
        if values.is_empty() {
            continue;
        }
        let (values, errors): (Vec<f64>, Vec<f64>) = values.into_iter().unzip();
        let positive = |v: f64| if v > 0.0 { v } else { f64::NAN };
        if !values.iter().any(|value| *value > 0.0) {
            continue;
        }
        axes.layers.extend(point_layers(&Points {
            name,
            values: reversed(values.into_iter().map(positive).collect()),
            errors: reversed(errors),
            series: k,
            marker,
            offset: 0.15 * (1.0 - k as f64),
        }));
    }
    if classes.len() > ROWS {
        axes.note = Some(format!("the first {ROWS} of {} classes", classes.len()));
    }
    let mut contents: Vec<Content> = vec![axes.into()];
    if classes.iter().any(|class| class.density.is_some()) {
        contents.push(densities(look, classes).into());
    }
    let panel = |content| Panel {
        width: 1.0,
        content,
    };
    let rows = if stacked {
        contents
            .into_iter()
            .map(|content| Row {
                height: 1.0,
                panels: vec![panel(content)],
            })
            .collect()
    } else {
        vec![Row {
            height: 1.0,
            panels: contents.into_iter().map(panel).collect(),
        }]
    };
    Figure {
        title: Some("Curvature by class".to_owned()),
        rows,
        description: describe(found),
        ..Figure::default()
    }
}

/// One curve for each class over common axes.
fn densities(look: &DensityLook, classes: &[crate::engine::curvature::ClassCurvature]) -> Axes {
    let found: Vec<_> = classes
        .iter()
        .enumerate()
        .filter_map(|(k, class)| Some((k, class, class.density.as_ref()?)))
        .take(CURVES)
        .collect();
    let (mut highest, mut floor) = (0.0f64, f64::INFINITY);
    let mut lines = Vec::new();
    for (k, class, density) in &found {
        if look.log {
            let top = density.range[0].abs().max(density.range[1].abs());
            let width = 0.08 * look.bandwidth;
            let curve = density.log_curve(1e-8 * top, width, 256);
            highest = curve.positive.iter().copied().fold(highest, f64::max);
            floor = 1e-6 * highest;
            let x: Vec<f64> = curve.log10.iter().map(|v| 10f64.powf(*v)).collect();
            lines.push((*k, &class.class, x, curve.positive));
        } else {
            let curve = density.curve(Bandwidth::Sigma(sigma(look, density)), 256);
            highest = curve.y.iter().copied().fold(highest, f64::max);
            let single = 1.0 / (density.dimension.max(1) as f64 * 2.5 * curve.bandwidth);
            floor = floor.min(0.02 * single);
            lines.push((*k, &class.class, curve.x, curve.y));
        }
    }
    let floor = floor.min(0.1 * highest).max(f64::MIN_POSITIVE);
    let (x, y) = if look.log {
        (Axis::log("λ > 0"), Axis::log("density per decade"))
    } else {
        (Axis::new("eigenvalue λ"), Axis::log("density"))
    };
    let mut axes = Axes::new(x, y.limits(floor, 2.0 * highest.max(floor)));
    for (k, name, x, y) in lines {
        let y: Vec<f64> = y.into_iter().map(|v| v.max(0.5 * floor)).collect();
        axes.layers
            .push(Line::new(x, y).series(k).named(name.clone()).into());
    }
    if classes.len() > CURVES {
        axes.note = Some(format!("densities of the first {CURVES} classes"));
    }
    axes
}

fn describe(found: Option<&ClassesResult>) -> String {
    let sharpest = found
        .into_iter()
        .flat_map(|found| &found.classes)
        .filter_map(|class| Some((class, class.eigenvalues.first()?.value)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    match sharpest {
        Some((class, value)) => format!(
            "The loss of class {} has the largest eigenvalue of all classes, {}.",
            class.class,
            format_number(value, 3)
        ),
        None => "No class has been measured yet.".to_owned(),
    }
}

/// Every number with its error.
pub fn table(found: &ClassesResult) -> Table {
    let rows = found
        .classes
        .iter()
        .map(|class| {
            let end = |list: &[EigenvalueEstimate]| {
                list.first()
                    .map_or([f64::NAN; 2], |e| [e.value, e.residual])
            };
            let [largest, largest_residual] = end(&class.eigenvalues);
            let [smallest, smallest_residual] = end(&class.smallest);
            let mut row = vec![Cell::Text(class.class.clone())];
            row.extend(
                [
                    class.samples as f64,
                    class.loss,
                    largest,
                    largest_residual,
                    smallest,
                    smallest_residual,
                    class.trace.value,
                    class.trace.stderr,
                ]
                .map(Cell::Number),
            );
            row
        })
        .collect();
    Table {
        title: "Curvature by class".to_owned(),
        columns: [
            "class",
            "samples",
            "loss",
            "λ₁",
            "±",
            "λₘᵢₙ",
            "±",
            "trace",
            "±",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curvature::{ProbeRule, SpectralDensity, TraceEstimate, TraceMethod};
    use crate::engine::curvature::ClassCurvature;
    use crate::figure::Layer;

    fn class(name: &str, sharpness: f64, density: bool) -> ClassCurvature {
        let estimate = |value: f64| EigenvalueEstimate {
            value,
            residual: 0.01,
            converged: true,
        };
        ClassCurvature {
            class: name.to_owned(),
            samples: 20,
            share: 0.5,
            loss: 0.3,
            eigenvalues: vec![estimate(sharpness)],
            smallest: vec![estimate(-0.1 * sharpness)],
            trace: TraceEstimate {
                value: 3.0 * sharpness,
                stderr: 0.1,
                probes: 10,
                method: TraceMethod::XTrace,
            },
            density: density.then(|| {
                let rule = ProbeRule {
                    nodes: vec![-0.1, 0.0, sharpness],
                    weights: vec![0.1, 0.8, 0.1],
                };
                SpectralDensity {
                    dimension: 10,
                    steps: 3,
                    rules: vec![rule],
                    exact: Vec::new(),
                    range: [-0.1, sharpness],
                }
            }),
        }
    }

    #[test]
    fn classes_are_rows_and_densities_a_panel_of_their_own() {
        let mut found = ClassesResult {
            classes: vec![class("a", 2.0, false), class("b", 5.0, false)],
            planned: 3,
        };
        let look = DensityLook::default();
        let figure = |found: &ClassesResult| super::figure(&look, Some(found), true);
        assert_eq!(figure(&found).axes().count(), 1);
        assert!(figure(&found).description.contains("class b"));
        let first = figure(&found);
        let axes = first.axes().next().unwrap();
        let Some(Layer::Scatter(largest)) = axes.layers.get(3) else {
            panic!("no points");
        };
        // The first class at the top.
        assert_eq!(&largest.x[..], [5.0, 2.0]);
        found.classes.push(class("c", 1.0, true));
        for log in [false, true] {
            let look = DensityLook {
                log,
                ..DensityLook::default()
            };
            let figure = super::figure(&look, Some(&found), true);
            assert_eq!(figure.axes().count(), 2);
        }
        assert_eq!(table(&found).rows[1][3], Cell::Number(5.0));
        assert_eq!(table(&found).columns.len(), table(&found).rows[0].len());
    }
}
