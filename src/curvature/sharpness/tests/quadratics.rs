//! Quadratics, for which every measure has a closed form.

use proptest::prelude::*;

use super::plain;
use crate::curvature::sharpness::*;
use crate::curvature::{EigenvalueEstimate, ExtremalOptions, top_eigenvalues};
use crate::math::dense::SymmetricEigen;
use crate::math::operator::{DenseSymmetric, SymmetricOperator};
use crate::math::rng::stream;
use crate::math::{CancelToken, MathError, vector};
use crate::objective::DifferentiableLoss;

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
}
