use super::*;
use crate::curvature::EigenvalueEstimate;
use crate::figure::{FigureTheme, Layer, SvgOptions, svg};

fn report() -> FlowReport {
    let estimate = |value| {
        Some(EigenvalueEstimate {
            value,
            residual: 1e-3,
            converged: true,
        })
    };
    FlowReport {
        from: 100,
        every: 2,
        is_gradient_descent: true,
        steps: (0..11u64)
            .map(|t| FlowStep {
                step: 100 + t,
                time: 0.1 * t as f64,
                loss: 0.5,
                threshold: 20.0,
                sharpness: if t % 2 == 0 { estimate(20.0) } else { None },
                gradient_flow: Some(TwinReading {
                    loss: 0.4,
                    distance: t as f64,
                    sharpness: if t % 2 == 0 { estimate(25.0) } else { None },
                }),
                central_flow: (t < 6).then(|| CentralReading {
                    loss: 0.45,
                    distance: 0.1,
                    eigenvalues: estimate(20.0).into_iter().collect(),
                    variance: 0.01,
                    displacement: if t % 2 == 0 { 0.1 } else { -0.1 },
                }),
                solution_sharpness: None,
            })
            .collect(),
        central_flow_ended: Some("two eigenvalues are at or above 2/η".into()),
        ..FlowReport::default()
    }
}

fn names(axes: &Axes) -> Vec<String> {
    axes.layers
        .iter()
        .filter_map(|layer| match layer {
            Layer::Line(line) => line.name.clone(),
            _ => None,
        })
        .collect()
}

#[test]
fn every_arrangement_is_drawn_whatever_is_known() {
    let options = SvgOptions::new(600.0, 500.0).theme(FigureTheme::light());
    for (arrangement, axes) in [
        (FlowArrangement::Grid, 4),
        (FlowArrangement::Stacked, 4),
        (FlowArrangement::Row, 4),
        (FlowArrangement::Two, 2),
        (FlowArrangement::One, 1),
    ] {
        let look = FlowLook { arrangement };
        let drawn = figure(&look, Some(&report()));
        assert_eq!(drawn.axes().count(), axes);
        for figure in [drawn, figure(&look, None)] {
            assert!(svg::write(&figure, &options).contains("</svg>"));
        }
    }
}

#[test]
fn run_and_flows_are_told_apart_and_an_end_is_told() {
    let figure = figure(&FlowLook::default(), Some(&report()));
    let axes: Vec<&Axes> = figure.axes().collect();
    assert_eq!(
        names(axes[0]),
        ["run", "gradient flow", "central flow", "2/η"]
    );
    assert_eq!(
        names(axes[1]),
        ["to the gradient flow", "to the central flow"]
    );
    assert!(axes[1].note.as_ref().unwrap().contains("Ση = 1"));
    let note = axes[0].note.as_ref().unwrap();
    assert!(note.contains("two eigenvalues"), "{note}");
    assert!(!note.contains("full-batch"));
    assert!(
        figure
            .description
            .contains("10 away from the gradient flow")
    );
    let other = FlowReport {
        is_gradient_descent: false,
        ..report()
    };
    // Also where there is room for the first axes only.
    for arrangement in [FlowArrangement::Grid, FlowArrangement::One] {
        let figure = super::figure(&FlowLook { arrangement }, Some(&other));
        let note = figure.axes().next().unwrap().note.clone().unwrap();
        assert!(note.contains("full-batch gradient descent"), "{note}");
        assert!(note.contains("two eigenvalues"), "{note}");
    }
}

#[test]
fn the_variance_of_the_run_is_a_mean_of_squares() {
    let figure = figure(&FlowLook::default(), Some(&report()));
    let axes = figure.axes().nth(3).unwrap();
    assert_eq!(names(axes), ["run", "σ² of the central flow"]);
    let Layer::Line(smoothed) = &axes.layers[1] else {
        panic!("{:?}", axes.layers);
    };
    assert!((smoothed.y[2] - 0.01).abs() < 1e-12);
    assert!(smoothed.y[9].is_nan());
    assert_eq!(smooth(&[1.0, f64::NAN, 3.0], 1)[0], 1.0);
    assert!(smooth(&[1.0, f64::NAN, 3.0], 1)[1].is_nan());
    assert_eq!(smooth(&[0.0, 3.0, 6.0], 1), [1.5, 3.0, 4.5]);
}

#[test]
fn the_closed_form_has_axes_of_its_own() {
    let mut scalar = report();
    for (index, step) in scalar.steps.iter_mut().enumerate() {
        step.solution_sharpness = Some(22.0 - index as f64 / 10.0);
    }
    let figure = figure(&FlowLook::default(), Some(&scalar));
    let axes = figure.axes().nth(1).unwrap();
    assert_eq!(names(axes), ["φ", "2/η"]);
    assert!(axes.note.as_ref().unwrap().contains("rises at 0 steps"));
    // The line moves with the learning rate.
    scalar.steps[10].threshold = 30.0;
    let figure = super::figure(&FlowLook::default(), Some(&scalar));
    let Some(Layer::Line(line)) = figure.axes().nth(1).unwrap().layers.last() else {
        panic!("no line");
    };
    assert_eq!((line.y[0], line.y[line.y.len() - 1]), (20.0, 30.0));
}

#[test]
fn flows_that_did_not_converge_have_open_rings() {
    let mut open = report();
    let flow = open.steps[4].gradient_flow.as_mut().unwrap();
    flow.sharpness.as_mut().unwrap().converged = false;
    let figure = figure(&FlowLook::default(), Some(&open));
    let rings: Vec<f64> = figure
        .axes()
        .flat_map(|axes| &axes.layers)
        .filter_map(|layer| match layer {
            Layer::Scatter(rings) => Some(rings.x.to_vec()),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(rings, [104.0]);
}
