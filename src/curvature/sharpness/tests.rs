use std::sync::Arc;

use proptest::prelude::*;
use strum::IntoEnumIterator as _;

use super::*;
use crate::curvature::{EigenvalueEstimate, ExtremalOptions, top_eigenvalues};
use crate::data::{Dataset, InputShape, Targets};
use crate::math::dense::SymmetricEigen;
use crate::math::operator::{DenseSymmetric, SymmetricOperator};
use crate::math::rng::stream;
use crate::math::{CancelToken, MathError, golden, vector};
use crate::nn::{Network, losses};
use crate::objective::{DifferentiableLoss, Objective};
use crate::recipe::Component;

/// c + bᵀθ + ½θᵀAθ.
struct Quadratic {
    constant: f64,
    linear: Vec<f64>,
    matrix: DenseSymmetric,
}

impl Quadratic {
    fn new(linear: &[f64], elements: &[f64]) -> Self {
        Self {
            constant: 2.0,
            linear: linear.to_vec(),
            matrix: DenseSymmetric::new(linear.len(), elements.to_vec()).unwrap(),
        }
    }

    fn product(&self, v: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; v.len()];
        self.matrix.apply(v, &mut out);
        out
    }

    fn gradient(&self, theta: &[f64]) -> Vec<f64> {
        let product = self.product(theta);
        product
            .iter()
            .zip(&self.linear)
            .map(|(a, b)| a + b)
            .collect()
    }

    /// L(θ + e) − L(θ) by its own formula gᵀe + ½eᵀAe.
    fn rise(&self, theta: &[f64], e: &[f64]) -> f64 {
        vector::dot(&self.gradient(theta), e) + 0.5 * vector::dot(e, &self.product(e))
    }
}

impl DifferentiableLoss for Quadratic {
    type Scratch = ();

    fn dim(&self) -> usize {
        self.linear.len()
    }

    fn scratch(&self) {}

    fn value(&self, theta: &[f64], (): &mut ()) -> f64 {
        self.constant
            + vector::dot(&self.linear, theta)
            + 0.5 * vector::dot(theta, &self.product(theta))
    }

    fn differentiate(&self, theta: &[f64], (): &mut (), gradient: &mut [f64]) -> f64 {
        gradient.copy_from_slice(&self.gradient(theta));
        self.value(theta, &mut ())
    }
}

const THETA: [f64; 3] = [0.5, -1.5, 2.0];
const MATRIX: [f64; 9] = [4.0, 0.5, 0.0, 0.5, 1.0, -0.3, 0.0, -0.3, 2.0];

fn quadratic() -> Quadratic {
    Quadratic::new(&[-1.0, 0.4, -2.5], &MATRIX)
}

/// The maximum of gᵀu + ½uᵀBu on ‖u‖ = ρ by its stationarity: (μI − B)u = g
/// with μ ≥ λ₁ so that ‖u‖ = ρ. In the eigenbasis of B, and for g with a part
/// along the first eigenvector.
fn on_sphere(slope: &[f64], matrix: &[f64], radius: f64) -> f64 {
    let eigen = SymmetricEigen::new(slope.len(), matrix).unwrap();
    let values = &eigen.values;
    let parts: Vec<f64> = (0..slope.len())
        .map(|k| vector::dot(eigen.vector(k), slope))
        .collect();
    let length = |mu: f64| -> f64 {
        let squares = parts
            .iter()
            .zip(values)
            .map(|(g, l)| (g / (mu - l)).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let top = values[slope.len() - 1];
    let (mut low, mut high) = (top, top + vector::norm(&parts) / radius + 1e-12);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if length(middle) > radius {
            low = middle;
        } else {
            high = middle;
        }
    }
    let pairs = parts.iter().zip(values);
    pairs
        .map(|(g, l)| {
            let u = g / (high - l);
            g * u + 0.5 * l * u * u
        })
        .sum()
}

fn plain(steps: usize) -> AscentOptions<'static> {
    AscentOptions {
        steps,
        curvature: None,
    }
}

/// D B D, row by row.
fn scaled(scales: &[f64], matrix: &[f64]) -> Vec<f64> {
    let n = scales.len();
    (0..n * n)
        .map(|k| scales[k / n] * matrix[k] * scales[k % n])
        .collect()
}

#[test]
fn the_ball_of_a_quadratic() {
    let loss = quadratic();
    let g = loss.gradient(&THETA);
    let radii = [0.05, 0.3, 2.0];
    let found = worst_case(&loss, &THETA, Neighbourhood::Ball, &radii, &plain(500), &()).unwrap();
    assert!((found.slope - vector::norm(&g)).abs() < 1e-14);
    for rise in &found.rises {
        let e: Vec<f64> = g
            .iter()
            .map(|x| rise.radius * x / vector::norm(&g))
            .collect();
        assert!((rise.one_step - loss.rise(&THETA, &e)).abs() < 1e-12);
        let exact = on_sphere(&g, &MATRIX, rise.radius);
        assert!(rise.one_step <= rise.ascent && rise.ascent <= exact + 1e-12);
        assert!(
            (rise.ascent - exact).abs() < 1e-8 * exact,
            "{rise:?} {exact}"
        );
        assert_eq!(rise.second_order, None);
    }
}

#[test]
fn the_ball_in_units_of_theta_of_a_quadratic() {
    let loss = quadratic();
    let g = loss.gradient(&THETA);
    let scales = THETA.map(f64::abs);
    let slope: Vec<f64> = g.iter().zip(&scales).map(|(g, d)| g * d).collect();
    let radii = [0.1, 0.5];
    let found = worst_case(
        &loss,
        &THETA,
        Neighbourhood::ScaledBall,
        &radii,
        &plain(500),
        &(),
    )
    .unwrap();
    for rise in &found.rises {
        // e = ρθ²⊙g/‖|θ|⊙g‖.
        let e: Vec<f64> = THETA
            .iter()
            .zip(&g)
            .map(|(x, g)| rise.radius * x * x * g / vector::norm(&slope))
            .collect();
        assert!((rise.one_step - loss.rise(&THETA, &e)).abs() < 1e-12);
        let exact = on_sphere(&slope, &scaled(&scales, &MATRIX), rise.radius);
        assert!(rise.one_step <= rise.ascent && rise.ascent <= exact + 1e-12);
        assert!((rise.ascent - exact).abs() < 1e-8 * exact);
    }
}

#[test]
fn the_box_of_a_convex_quadratic_ends_in_a_corner() {
    let loss = quadratic();
    let g = loss.gradient(&THETA);
    let radii = [1e-3, 0.2, 1.0];
    let found = worst_case(&loss, &THETA, Neighbourhood::Box, &radii, &plain(50), &()).unwrap();
    for rise in &found.rises {
        let corner = |signs: [f64; 3]| -> f64 {
            let e: Vec<f64> = (0..3)
                .map(|i| signs[i] * rise.radius * (THETA[i].abs() + 1.0))
                .collect();
            loss.rise(&THETA, &e)
        };
        let first = corner([g[0].signum(), g[1].signum(), g[2].signum()]);
        assert!((rise.one_step - first).abs() < 1e-12);
        let sign = |bit: usize| if bit == 0 { -1.0 } else { 1.0 };
        let best = (0..8)
            .map(|k| corner([sign(k & 1), sign(k & 2), sign(k & 4)]))
            .fold(f64::NEG_INFINITY, f64::max);
        // A wide box has several corners that are maxima among their
        // neighbours; which one the ascent finds is not said.
        assert!(rise.one_step <= rise.ascent && rise.ascent <= best + 1e-12);
        if rise.radius < 0.5 {
            assert!((rise.ascent - best).abs() < 1e-12, "{rise:?} {best}");
        }
    }
}

#[test]
fn at_a_minimum_the_eigenvector_alone_leads_up() {
    // The gradient at θ = 0 is exactly zero.
    let loss = Quadratic::new(&[0.0; 3], &MATRIX);
    let theta = [0.0; 3];
    let ends = ExtremalOptions {
        largest: 1,
        tolerance: 1e-12,
        ..ExtremalOptions::default()
    };
    let top = top_eigenvalues(&loss.matrix, &ends, &[], &mut stream(0, "start"), &()).unwrap();
    let options = AscentOptions {
        steps: 10,
        curvature: Some((top.eigenvalues[0], &top.vectors[0])),
    };
    let found = worst_case(
        &loss,
        &theta,
        Neighbourhood::Ball,
        &[0.1, 0.4],
        &options,
        &(),
    )
    .unwrap();
    for rise in &found.rises {
        let expected = 0.5 * rise.radius.powi(2) * top.eigenvalues[0].value;
        assert_eq!(rise.one_step, 0.0);
        assert!((rise.ascent - expected).abs() < 1e-12);
        assert!((rise.second_order.unwrap() - expected).abs() < 1e-15);
    }
    let without = worst_case(&loss, &theta, Neighbourhood::Ball, &[0.1], &plain(10), &()).unwrap();
    assert_eq!(without.rises[0].ascent, 0.0);
}

#[test]
fn the_second_order_value_bounds_the_rise_of_a_quadratic() {
    let loss = quadratic();
    let value = EigenvalueEstimate {
        value: SymmetricEigen::new(3, &MATRIX).unwrap().values[2],
        residual: 0.0,
        converged: true,
    };
    let options = AscentOptions {
        steps: 100,
        curvature: Some((value, &[1.0, 0.0, 0.0])),
    };
    let found = worst_case(
        &loss,
        &THETA,
        Neighbourhood::Ball,
        &[0.05, 1.0],
        &options,
        &(),
    )
    .unwrap();
    for rise in &found.rises {
        assert!(rise.ascent <= rise.second_order.unwrap() + 1e-9);
        assert!(rise.second_order.unwrap() < 1.6 * rise.ascent);
    }
}

#[test]
fn the_mean_rise_of_a_quadratic_is_half_sigma_squared_times_the_trace() {
    let loss = quadratic();
    let sigmas = [0.01, 0.5];
    let pairs = 4000;
    for is_scaled in [false, true] {
        let found = average_case(
            &loss,
            &THETA,
            is_scaled,
            &sigmas,
            pairs,
            &mut stream(5, "probes"),
            &(),
        )
        .unwrap();
        let matrix = if is_scaled {
            scaled(&THETA.map(f64::abs), &MATRIX)
        } else {
            MATRIX.to_vec()
        };
        let trace: f64 = (0..3).map(|i| matrix[4 * i]).sum();
        let frobenius: f64 = matrix.iter().map(|x| x * x).sum();
        for rise in &found.rises {
            let half = 0.5 * rise.deviation * rise.deviation;
            assert!((rise.rise.value - half * trace).abs() < 4.0 * rise.rise.stderr);
            // Var eᵀBe = 2‖B‖².
            let stderr = half * (2.0 * frobenius / pairs as f64).sqrt();
            assert!((rise.rise.stderr / stderr - 1.0).abs() < 0.15);
        }
        let trace = crate::curvature::trace(
            &DenseSymmetric::new(3, matrix).unwrap(),
            crate::curvature::TraceMethod::Exact,
            3,
            &mut stream(0, "probes"),
            &(),
        )
        .unwrap();
        let found = found.with_trace(trace);
        let expected = 0.5 * 0.25 * trace.value;
        assert!((found.at(0.5).unwrap().second_order.unwrap() - expected).abs() < 1e-15);
    }
}

proptest! {
    #[test]
    fn one_step_then_ascent_then_the_true_maximum(
        entries in prop::collection::vec(-1.0f64..1.0, 16),
        linear in prop::collection::vec(-1.0f64..1.0, 4),
        theta in prop::collection::vec(-2.0f64..2.0, 4),
        radius in 0.01f64..2.0,
    ) {
        // Indefinite, so that the ascent may end in a local maximum.
        let matrix: Vec<f64> =
            (0..16).map(|k| entries[k] + entries[4 * (k % 4) + k / 4]).collect();
        let loss = Quadratic::new(&linear, &matrix);
        let slope = loss.gradient(&theta);
        prop_assume!(vector::norm(&slope) > 1e-3);
        let found =
            worst_case(&loss, &theta, Neighbourhood::Ball, &[0.5 * radius, radius], &plain(60), &())
                .unwrap();
        // The true maximum over the ball is the largest of those on the spheres
        // in it.
        let exact = (0..500)
            .map(|k| on_sphere(&slope, &matrix, radius * (-0.025 * f64::from(k)).exp()))
            .fold(0.0, f64::max);
        let rise = found.rises[1];
        prop_assert!(rise.one_step <= rise.ascent);
        prop_assert!(rise.ascent <= exact * (1.0 + 1e-3) + 1e-9, "{} {}", rise.ascent, exact);
        prop_assert!(found.rises[0].ascent <= rise.ascent);
    }
}

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
    // The mean over a sphere never exceeds the maximum over the ball.
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
fn impossible_questions_and_cancellation() {
    let loss = quadratic();
    for radii in [
        &[0.0][..],
        &[-1.0],
        &[f64::NAN],
        &[0.2, 0.1],
        &[f64::INFINITY],
    ] {
        let refused = worst_case(&loss, &THETA, Neighbourhood::Ball, radii, &plain(1), &());
        assert!(matches!(refused, Err(MathError::Argument { .. })));
        let mut random = stream(0, "probes");
        let refused = average_case(&loss, &THETA, false, radii, 2, &mut random, &());
        assert!(matches!(refused, Err(MathError::Argument { .. })));
    }
    let mut random = stream(0, "probes");
    assert!(average_case(&loss, &THETA, false, &[0.1], 0, &mut random, &()).is_err());
    let short = worst_case(&loss, &[1.0], Neighbourhood::Box, &[0.1], &plain(1), &());
    assert!(matches!(short, Err(MathError::Length { .. })));
    let lost = worst_case(
        &loss,
        &[f64::NAN, 0.0, 0.0],
        Neighbourhood::Ball,
        &[0.1],
        &plain(1),
        &(),
    );
    assert!(matches!(lost, Err(MathError::NotFinite { .. })));
    let token = CancelToken::new();
    token.cancel();
    let stopped = worst_case(
        &loss,
        &THETA,
        Neighbourhood::Ball,
        &[0.1],
        &plain(1),
        &token,
    );
    assert_eq!(stopped, Err(MathError::Cancelled));
    let stopped = average_case(&loss, &THETA, true, &[0.1], 3, &mut random, &token);
    assert_eq!(stopped, Err(MathError::Cancelled));
    let (objective, theta) = relu_network();
    let stopped = sharpness(&objective, &theta, &SharpnessSettings::default(), &token);
    assert_eq!(stopped, Err(MathError::Cancelled));
}
