//! Networks: reference values, central differences, and what each measure is
//! blind to.

use std::sync::Arc;

use strum::IntoEnumIterator as _;

use super::plain;
use crate::curvature::sharpness::*;
use crate::curvature::{ExtremalOptions, top_eigenvalues};
use crate::data::{Dataset, InputShape, Targets};
use crate::math::rng::stream;
use crate::math::{CancelToken, MathError, golden, vector};
use crate::nn::{Network, losses};
use crate::objective::Objective;
use crate::recipe::Component;

fn objective(model: &Component, data: &Dataset) -> Objective<f64> {
    let loss = losses::build(&Component::new("cross_entropy")).unwrap();
    let outputs = loss.outputs(&data.targets).unwrap();
    let network = Arc::new(Network::build(model, &data.shape, outputs).unwrap());
    Objective::new(network, loss, data).unwrap()
}

fn mlp(hidden: i64, activation: &str) -> Component {
    Component::new("mlp")
        .with("hidden", vec![hidden])
        .with("activation", activation)
        .with("bias", true)
        .with("residual", false)
        .with("layer_norm", false)
}

fn points(inputs: Vec<f64>, labels: Vec<u32>, classes: usize) -> Dataset {
    Dataset {
        inputs,
        shape: InputShape::Vector(2),
        targets: Targets::Classes {
            labels,
            names: (0..classes).map(|k| k.to_string()).collect(),
        },
        feature_names: Vec::new(),
    }
}

fn golden_objective() -> (Objective<f64>, golden::Golden) {
    let reference = golden::mlp();
    let data = points(
        reference.x.concat(),
        reference.y.iter().map(|y| *y as u32).collect(),
        3,
    );
    (objective(&mlp(4, "tanh"), &data), reference)
}

#[test]
fn the_reference_network_has_the_reference_rises() {
    let (objective, reference) = golden_objective();
    let radii = [0.05, 0.5];
    let found = worst_case(
        &objective,
        &reference.theta,
        Neighbourhood::Ball,
        &radii,
        &plain(30),
        &(),
    )
    .unwrap();
    // L(θ + ρg/‖g‖) of tests/golden/mlp_2_4_3.json.
    let expected = [1.163_201_162_420_867_6, 1.445_689_432_846_559_3];
    for (rise, expected) in found.rises.iter().zip(expected) {
        assert!((rise.one_step + reference.loss - expected).abs() < 1e-12);
        assert!(rise.ascent >= rise.one_step);
    }
}

#[test]
fn slopes_and_traces_agree_with_central_differences() {
    let (objective, reference) = golden_objective();
    let theta = &reference.theta;
    let mut workspace = objective.workspace();
    let mut gradient = vec![0.0; theta.len()];
    objective.gradient(theta, &mut workspace, &mut gradient);
    for kind in [
        Neighbourhood::Ball,
        Neighbourhood::ScaledBall,
        Neighbourhood::Box,
    ] {
        let found = worst_case(&objective, theta, kind, &[1e-3], &plain(3), &()).unwrap();
        let scales = kind.scales(theta);
        let slope: Vec<f64> = gradient.iter().zip(&scales).map(|(g, d)| g * d).collect();
        let unit: Vec<f64> = match kind {
            Neighbourhood::Box => slope.iter().map(|x| x.signum()).collect(),
            _ => slope.iter().map(|x| x / vector::norm(&slope)).collect(),
        };
        let h = 1e-5;
        let mut at = |h: f64| {
            let point: Vec<f64> = (0..theta.len())
                .map(|i| theta[i] + h * scales[i] * unit[i])
                .collect();
            objective.loss(&point, &mut workspace)
        };
        let difference = (at(h) - at(-h)) / (2.0 * h);
        assert!(
            (found.slope - difference).abs() < 1e-8 * difference,
            "{kind:?}"
        );
    }
    // Pairs ±σe are second differences: their mean is ½σ² tr H.
    let sigma = 1e-3;
    let found = average_case(
        &objective,
        theta,
        false,
        &[sigma],
        2000,
        &mut stream(0, "probes"),
        &(),
    )
    .unwrap();
    let scale = 0.5 * sigma * sigma;
    let rise = found.rises[0].rise;
    assert!((rise.value / scale - reference.trace).abs() < 4.0 * rise.stderr / scale);
    let stderr = (2.0 * reference.fro2 / 2000.0).sqrt();
    assert!((rise.stderr / scale / stderr - 1.0).abs() < 0.15);
}

const HIDDEN: usize = 6;

/// A 2-6-2 ReLU network on twenty points.
fn relu_network() -> (Objective<f64>, Vec<f64>) {
    let inputs = (0..40).map(|k| (1.7 * f64::from(k) + 0.3).sin()).collect();
    let labels = (0..20).map(|k| (k * k) % 3 % 2).collect();
    let objective = objective(&mlp(HIDDEN as i64, "relu"), &points(inputs, labels, 2));
    let theta = (0..objective.dim())
        .map(|k| 0.9 * (1.3 * k as f64 + 0.4).sin() + 0.2)
        .collect();
    (objective, theta)
}

/// Incoming weights and bias of unit j times c_j, outgoing weights divided by it.
fn rescaled(objective: &Objective<f64>, theta: &[f64], factors: &[f64]) -> Vec<f64> {
    let layout = objective.network().layout();
    let range = |name: &str| layout.get(name).unwrap().range.clone();
    let mut theta = theta.to_vec();
    for (j, c) in factors.iter().enumerate() {
        for i in 0..2 {
            theta[range("0.weight").start + 2 * j + i] *= c;
            theta[range("2.weight").start + HIDDEN * i + j] /= c;
        }
        theta[range("0.bias").start + j] *= c;
    }
    theta
}

/// The units in another order.
fn permuted(objective: &Objective<f64>, theta: &[f64]) -> Vec<f64> {
    let layout = objective.network().layout();
    let range = |name: &str| layout.get(name).unwrap().range.clone();
    let mut out = theta.to_vec();
    for j in 0..HIDDEN {
        let from = (5 * j + 2) % HIDDEN;
        for i in 0..2 {
            out[range("0.weight").start + 2 * j + i] =
                theta[range("0.weight").start + 2 * from + i];
            out[range("2.weight").start + HIDDEN * i + j] =
                theta[range("2.weight").start + HIDDEN * i + from];
        }
        out[range("0.bias").start + j] = theta[range("0.bias").start + from];
    }
    out
}

/// Every measure's numbers at θ.
fn measured(objective: &Objective<f64>, theta: &[f64], measure: Measure) -> Vec<f64> {
    let worst = |kind: Neighbourhood, radius: f64| {
        let found = worst_case(objective, theta, kind, &[radius], &plain(3), &()).unwrap();
        vec![found.rises[0].one_step, found.rises[0].ascent, found.slope]
    };
    let average = |scaled: bool| {
        let mut random = stream(2, "probes");
        let found = average_case(objective, theta, scaled, &[0.05], 40, &mut random, &()).unwrap();
        vec![found.rises[0].rise.value]
    };
    match measure {
        Measure::Sam => worst(Neighbourhood::Ball, 0.05),
        Measure::Asam => worst(Neighbourhood::ScaledBall, 0.1),
        Measure::Box => worst(Neighbourhood::Box, 1e-2),
        Measure::Average => average(false),
        Measure::ScaledAverage => average(true),
        Measure::SecondOrder => {
            let ends = ExtremalOptions {
                tolerance: 1e-12,
                ..ExtremalOptions::default()
            };
            let hessian = objective.hessian(theta);
            let top = top_eigenvalues(&hessian, &ends, &[], &mut stream(0, "start"), &()).unwrap();
            vec![top.eigenvalues[0].value]
        }
        Measure::FisherRao => vec![fisher_rao_norm(objective, theta)],
    }
}

#[test]
fn measures_are_blind_to_what_they_say_and_to_nothing_else() {
    let (objective, theta) = relu_network();
    let layer = rescaled(&objective, &theta, &[3.7; HIDDEN]);
    let units = rescaled(&objective, &theta, &[0.3, 2.9, 1.7, 0.8, 5.1, 1.3]);
    let other = permuted(&objective, &theta);
    let mut workspace = objective.workspace();
    let loss = objective.loss(&theta, &mut workspace);
    for same in [&layer, &units, &other] {
        // The same function in other parameters.
        assert!((objective.loss(same, &mut workspace) - loss).abs() < 1e-13);
        assert!(vector::distance(same, &theta) > 0.5);
    }
    for measure in Measure::iter() {
        let here = measured(&objective, &theta, measure);
        let change = |there: &[f64]| {
            let there = measured(&objective, there, measure);
            let pairs = here.iter().zip(&there);
            pairs.map(|(a, b)| ((a - b) / a).abs()).fold(0.0, f64::max)
        };
        let says = measure.blindness();
        for (blind, there) in [
            (says.layer_rescaling, &layer),
            (says.unit_rescaling, &units),
        ] {
            let change = change(there);
            if blind {
                assert!(change < 1e-9, "{measure:?}: {change}");
            } else {
                assert!(change > 0.05, "{measure:?}: {change}");
            }
        }
        // The probes of the means are not permuted with the units.
        if !matches!(measure, Measure::Average | Measure::ScaledAverage) {
            assert!(says.permutation && change(&other) < 1e-9, "{measure:?}");
        }
        assert!(says.note.ends_with('.'));
    }
}

#[test]
fn the_fisher_rao_norm_is_the_answer_to_a_common_factor() {
    let (objective, theta) = relu_network();
    // dℓ(cθ)/dc at c = 1 for every sample, by central differences.
    let mut workspace = objective.workspace();
    let mut at = |c: f64| {
        let point: Vec<f64> = theta.iter().map(|x| c * x).collect();
        objective.per_sample_losses(&point, &mut workspace)
    };
    let h = 1e-6;
    let (above, below) = (at(1.0 + h), at(1.0 - h));
    let squares = above
        .iter()
        .zip(&below)
        .map(|(a, b)| ((a - b) / (2.0 * h)).powi(2));
    let expected = squares.sum::<f64>() / above.len() as f64;
    let found = fisher_rao_norm(&objective, &theta);
    assert!((found - expected).abs() < 1e-7 * expected);
}

#[test]
fn a_report_holds_every_measure_and_survives_a_file() {
    let (objective, reference) = golden_objective();
    let settings = SharpnessSettings {
        rho: 0.5,
        curve: 2,
        ..SharpnessSettings::default()
    };
    let report = sharpness(&objective, &reference.theta, &settings, &()).unwrap();
    let sam = &report.sam.value;
    assert_eq!(sam.worst.rises.len(), 5);
    let at = sam.worst.at(0.5).unwrap();
    assert!((at.one_step + report.loss - 1.445_689_432_846_559_3).abs() < 1e-12);
    assert_eq!(sam.value, at.ascent);
    let lambda = sam.worst.curvature.unwrap();
    assert!((lambda.value - reference.hess_eigs_desc[0]).abs() < 1e-6);
    let expected = 0.5 * sam.worst.slope + 0.125 * lambda.value;
    assert!((at.second_order.unwrap() - expected).abs() < 1e-14);
    let boxed = &report.boxed.value;
    assert_eq!(boxed.worst.curvature, None);
    let percent = 100.0 * boxed.value / (1.0 + report.loss);
    assert!((boxed.percent.unwrap() - percent).abs() < 1e-14);
    let average = &report.average.value;
    assert!((average.sigma - 0.5 / 27f64.sqrt()).abs() < 1e-15);
    assert!((average.average.trace.unwrap().value - reference.trace).abs() < 1e-10);
    // Displacements of about that length rise less than the worst one.
    assert!(average.value < sam.value);
    let text = serde_json::to_string(&report).unwrap();
    assert!(
        text.contains(r#""box":{"blind_to":{"layer_rescaling":false"#),
        "{text}"
    );
    let back: SharpnessReport = serde_json::from_str(&text).unwrap();
    assert_eq!(back.asam, report.asam);
}

#[test]
fn a_report_can_be_cancelled() {
    let (objective, theta) = relu_network();
    let token = CancelToken::new();
    token.cancel();
    let stopped = sharpness(&objective, &theta, &SharpnessSettings::default(), &token);
    assert_eq!(stopped, Err(MathError::Cancelled));
}
