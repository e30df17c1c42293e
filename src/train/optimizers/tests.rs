//! Reference values of the golden 2-4-3 network, and properties of all
//! registered optimizers.

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::math::rng;

const INPUTS: usize = 2;
const HIDDEN: usize = 4;
const CLASSES: usize = 3;
const SAMPLES: usize = 6;
const DIM: usize = 27;

/// θ_k = 0.7·sin(1.3k + 0.4).
fn golden_theta() -> Vec<f64> {
    (0..DIM)
        .map(|k| 0.7 * (1.3 * k as f64 + 0.4).sin())
        .collect()
}

/// Loss and gradient of the golden tanh network with softmax cross-entropy,
/// written out by hand so that nothing but the optimizer is under test.
fn loss_and_gradient(theta: &[f64], gradient: &mut [f64]) -> f64 {
    let (w1, rest) = theta.split_at(HIDDEN * INPUTS);
    let (b1, rest) = rest.split_at(HIDDEN);
    let (w2, b2) = rest.split_at(CLASSES * HIDDEN);
    gradient.fill(0.0);
    let mut loss = 0.0;
    for i in 0..SAMPLES {
        let x = [(0.9 * i as f64 + 0.2).sin(), (1.7 * i as f64 - 0.3).cos()];
        let y = i % CLASSES;
        let h: Vec<f64> = (0..HIDDEN)
            .map(|j| (w1[2 * j] * x[0] + w1[2 * j + 1] * x[1] + b1[j]).tanh())
            .collect();
        let z: Vec<f64> = (0..CLASSES)
            .map(|c| (0..HIDDEN).map(|j| w2[c * HIDDEN + j] * h[j]).sum::<f64>() + b2[c])
            .collect();
        let total: f64 = z.iter().map(|z| z.exp()).sum();
        loss += (total.ln() - z[y]) / SAMPLES as f64;
        let mut hidden_error = [0.0; HIDDEN];
        for c in 0..CLASSES {
            let error = (z[c].exp() / total - f64::from(u8::from(c == y))) / SAMPLES as f64;
            for j in 0..HIDDEN {
                gradient[12 + c * HIDDEN + j] += error * h[j];
                hidden_error[j] += error * w2[c * HIDDEN + j];
            }
            gradient[24 + c] += error;
        }
        for j in 0..HIDDEN {
            let error = hidden_error[j] * (1.0 - h[j] * h[j]);
            gradient[2 * j] += error * x[0];
            gradient[2 * j + 1] += error * x[1];
            gradient[8 + j] += error;
        }
    }
    loss
}

/// The golden network around θ. Its curvature is a stand-in of the right shape:
/// the Hessian by differences of gradients, and the identity for G.
struct Golden(Vec<f64>);

impl<T: Scalar> Surroundings<T> for Golden {
    fn gradient(&mut self, at: &[T], out: &mut [T]) -> Result<(), StepError> {
        let at: Vec<f64> = at.iter().map(|x| x.to_f64()).collect();
        let mut gradient = vec![0.0; DIM];
        loss_and_gradient(&at, &mut gradient);
        for (out, g) in out.iter_mut().zip(gradient) {
            *out = T::from_f64(g);
        }
        Ok(())
    }

    fn hessian_product(&mut self, v: &[f64], out: &mut [f64]) -> Result<(), StepError> {
        let h = 1e-5;
        let mut other = vec![0.0; DIM];
        let moved =
            |by: f64| -> Vec<f64> { self.0.iter().zip(v).map(|(t, v)| t + by * v).collect() };
        loss_and_gradient(&moved(h), out);
        loss_and_gradient(&moved(-h), &mut other);
        for (out, other) in out.iter_mut().zip(other) {
            *out = (*out - other) / (2.0 * h);
        }
        Ok(())
    }

    fn gauss_newton(&mut self) -> Result<Vec<f64>, StepError> {
        let mut identity = vec![0.0; DIM * DIM];
        (0..DIM).for_each(|k| identity[k * (DIM + 1)] = 1.0);
        Ok(identity)
    }

    fn random(&self) -> ChaCha8Rng {
        rng::stream(3, "optimizer")
    }
}

/// ½xᵀAx for a symmetric A, row after row.
struct Quadratic {
    matrix: Vec<f64>,
    gauss_newton: Vec<f64>,
}

impl Quadratic {
    fn new(matrix: Vec<f64>) -> Self {
        Self {
            gauss_newton: matrix.clone(),
            matrix,
        }
    }

    fn times(&self, v: &[f64]) -> Vec<f64> {
        let rows = self.matrix.chunks_exact(v.len());
        rows.map(|row| row.iter().zip(v).map(|(a, v)| a * v).sum())
            .collect()
    }
}

impl Surroundings<f64> for Quadratic {
    fn gradient(&mut self, at: &[f64], out: &mut [f64]) -> Result<(), StepError> {
        out.copy_from_slice(&self.times(at));
        Ok(())
    }

    fn hessian_product(&mut self, v: &[f64], out: &mut [f64]) -> Result<(), StepError> {
        out.copy_from_slice(&self.times(v));
        Ok(())
    }

    fn gauss_newton(&mut self) -> Result<Vec<f64>, StepError> {
        Ok(self.gauss_newton.clone())
    }

    fn random(&self) -> ChaCha8Rng {
        rng::stream(3, "optimizer")
    }
}

/// One step of an optimizer on a quadratic from `theta`.
fn one_step(component: &Component, matrix: &[f64], theta: &[f64]) -> Vec<f64> {
    let mut around = Quadratic::new(matrix.to_vec());
    let gradient = around.times(theta);
    let mut theta = theta.to_vec();
    let mut optimizer = build_double(component, theta.len()).unwrap();
    let rate = component.float("learning_rate");
    optimizer
        .step(&mut theta, &gradient, rate, &mut around)
        .unwrap();
    theta
}

fn component(kind: &str, learning_rate: f64) -> Component {
    let kind = kinds().into_iter().find(|k| k.key == kind).unwrap();
    kind.defaults(COMMON_FIELDS)
        .with("learning_rate", learning_rate)
}

fn train(component: &Component, steps: usize) -> f64 {
    let mut optimizer = build_double(component, DIM).unwrap();
    let mut theta = golden_theta();
    let mut gradient = vec![0.0; DIM];
    for _ in 0..steps {
        loss_and_gradient(&theta, &mut gradient);
        let mut around = Golden(theta.clone());
        optimizer
            .step(
                &mut theta,
                &gradient,
                component.float("learning_rate"),
                &mut around,
            )
            .unwrap();
    }
    loss_and_gradient(&theta, &mut gradient)
}

fn assert_close(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 1e-10,
        "found {found}, expected {expected}"
    );
}

#[test]
fn sharpness_aware_minimization_agrees_with_the_reference() {
    assert_close(train(&component("sam", 0.5), 100), 0.0735566854691);
    // Without a radius it is gradient descent.
    let still = component("sam", 0.5).with("rho", 0.0);
    assert_close(train(&still, 10), 0.649226141061592);
    let still = component("asam", 0.5).with("rho", 0.0);
    assert_close(train(&still, 10), 0.649226141061592);
}

#[test]
fn gradient_descent_agrees_with_the_reference() {
    let gd = component("sgd", 0.5);
    assert_close(train(&gd, 0), 1.1363427952372545);
    assert_close(train(&gd, 1), 1.01346472939611);
    assert_close(train(&gd, 10), 0.649226141061592);
    assert_close(train(&gd, 100), 0.0740522570112148);
}

#[test]
fn momentum_and_nesterov_agree_with_the_reference() {
    assert_close(train(&component("momentum", 0.05), 100), 0.0914223795129);
    assert_close(train(&component("nesterov", 0.05), 100), 0.0886035114286);
}

#[test]
fn adaptive_optimizers_agree_with_the_reference() {
    assert_close(train(&component("adam", 0.01), 100), 0.411505749283);
    assert_close(train(&component("rmsprop", 0.01), 100), 0.0645913513032);
    let adamw = component("adamw", 0.01).with("weight_decay", 0.01);
    assert_close(train(&adamw, 100), 0.41751682615);
}

#[test]
fn thresholds_agree_with_the_reference() {
    let threshold =
        |kind: &str, rate: f64| build(&component(kind, rate), 1).unwrap().stability(rate);
    assert_close(threshold("sgd", 0.1).threshold().unwrap(), 20.0);
    assert_close(threshold("momentum", 0.1).threshold().unwrap(), 38.0);
    assert!((threshold("nesterov", 0.1).threshold().unwrap() - 13.5714).abs() < 1e-4);
    assert_close(threshold("adam", 0.1).threshold().unwrap(), 380.0);
    assert_eq!(threshold("sgd", 0.1).formula(), "2/η");
    let (rate, formula) = threshold("sgd", 0.9).largest_learning_rate(4.0).unwrap();
    assert_eq!((rate, formula.as_str()), (0.5, "2/λ₁"));
    assert_eq!(threshold("adam", 0.1).largest_learning_rate(4.0), None);
    assert_eq!(threshold("adam", 0.1).sharpness_threshold(), None);
    // λ(1 + ρλ) = 20 with ρ = 0.01.
    let penalty = threshold("gradient_regularization", 0.1);
    let line = penalty.sharpness_threshold().unwrap();
    assert_close(line * (1.0 + 0.01 * line), 20.0);
    assert_eq!(penalty.formula(), "(√(1 + 4ρ·2/η) − 1)/(2ρ)");
    let (rate, formula) = penalty.largest_learning_rate(line).unwrap();
    assert_close(rate, 0.1);
    assert_eq!(formula, "2/(λ₁ + ρλ₁²)");
    for kind in ["sam", "asam", "normalized", "gauss_newton"] {
        let none = threshold(kind, 0.1);
        assert_eq!((none.threshold(), none.sharpness_threshold()), (None, None));
        assert_eq!(none.largest_learning_rate(4.0), None);
        assert_eq!(none.formula(), "");
        assert!(none.absent().is_some());
    }
    assert!(threshold("sgd", 0.1).absent().is_none());
}

#[test]
fn a_step_of_sam_is_as_by_hand() {
    // H = diag(3, 1), θ = (1, 2): g = (3, 2), ‖g‖ = √13.
    let h = [3.0, 0.0, 0.0, 1.0];
    let theta = [1.0, 2.0];
    let sam = component("sam", 0.1).with("rho", 0.2);
    let found = one_step(&sam, &h, &theta);
    let reach = 0.2 / 13f64.sqrt();
    assert_close(found[0], 1.0 - 0.1 * 3.0 * (1.0 + 3.0 * reach));
    assert_close(found[1], 2.0 - 0.1 * (2.0 + 2.0 * reach));
    // ASAM with T = |θ| + 0.5 = (1.5, 2.5): Tg = (4.5, 5).
    let asam = component("asam", 0.1).with("rho", 0.2).with("offset", 0.5);
    let found = one_step(&asam, &h, &theta);
    let reach = 0.2 / (4.5f64.powi(2) + 25.0).sqrt();
    assert_close(found[0], 1.0 - 0.1 * 3.0 * (1.0 + reach * 2.25 * 3.0));
    assert_close(found[1], 2.0 - 0.1 * (2.0 + reach * 6.25 * 2.0));
    // Weight decay and momentum act from θ.
    let decayed = sam.with("weight_decay", 0.7).with("momentum", 0.9);
    let found = one_step(&decayed, &h, &theta);
    let reach = 0.2 / 13f64.sqrt();
    assert_close(found[0], 1.0 - 0.1 * (3.0 * (1.0 + 3.0 * reach) + 0.7));
    // Where the gradient is zero there is no uphill.
    assert_eq!(one_step(&component("sam", 0.1), &h, &[0.0, 0.0]), [0.0; 2]);
    let optimizer = build_double(&component("sam", 0.1), 2).unwrap();
    let uphill = optimizer.perturbed(&theta, &[3.0, 4.0]).unwrap();
    assert_close(uphill[0], 1.03);
    assert_close(uphill[1], 2.04);
    let plain = build_double(&component("sgd", 0.1), 2).unwrap();
    assert_eq!(plain.perturbed(&theta, &[3.0, 4.0]), None);
}

#[test]
fn sam_shrinks_the_gradient_up_to_its_own_edge() {
    // ‖g‖/(2ρ)·(√(1 + 8ρ/(η‖g‖)) − 1), Long and Bartlett 2024.
    let (eta, rho) = (0.1, 0.05);
    for norm in [0.01f64, 0.3, 100.0] {
        let edge = norm / (2.0 * rho) * ((1.0 + 8.0 * rho / (eta * norm)).sqrt() - 1.0);
        for (factor, shrinks) in [(0.98, true), (1.02, false)] {
            let lambda = factor * edge;
            let found = one_step(&component("sam", eta), &[lambda], &[norm / lambda]);
            assert_eq!((lambda * found[0]).abs() < norm, shrinks, "{norm} {factor}");
        }
    }
}

#[test]
fn sam_is_trapped_at_a_saddle_within_its_radius() {
    // On ½(x² − y²) from x = 0, trapped if and only if |y| < ρ at the start.
    let (eta, rho) = (0.1, 0.5);
    let sam = component("sam", eta).with("rho", rho);
    for (start, trapped) in [(0.98, true), (1.02, false)] {
        let mut theta = vec![0.0, start * rho];
        for _ in 0..300 {
            theta = one_step(&sam, &[1.0, 0.0, 0.0, -1.0], &theta);
        }
        assert_eq!(theta[1].abs() <= eta * rho, trapped, "{theta:?}");
    }
}

#[test]
fn gradient_regularization_descends_the_penalised_loss() {
    // Against central differences of L + (ρ/2)‖g‖² on the golden network.
    let (eta, rho) = (0.1, 0.3);
    let penalised = |theta: &[f64]| {
        let mut gradient = vec![0.0; DIM];
        let loss = loss_and_gradient(theta, &mut gradient);
        loss + 0.5 * rho * gradient.iter().map(|g| g * g).sum::<f64>()
    };
    let component = component("gradient_regularization", eta).with("rho", rho);
    let mut optimizer = build_double(&component, DIM).unwrap();
    let start = golden_theta();
    let mut gradient = vec![0.0; DIM];
    loss_and_gradient(&start, &mut gradient);
    let mut theta = start.clone();
    optimizer
        .step(&mut theta, &gradient, eta, &mut Golden(start.clone()))
        .unwrap();
    for k in 0..DIM {
        let at = |by: f64| {
            let mut moved = start.clone();
            moved[k] += by;
            penalised(&moved)
        };
        let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
        assert!((theta[k] - (start[k] - eta * slope)).abs() < 1e-8);
    }
}

#[test]
fn normalised_steps_are_as_long_as_the_learning_rate() {
    let normalized = component("normalized", 0.25);
    for scale in [1e-200, 1.0, 1e200] {
        let mut optimizer = build_double(&normalized, 2).unwrap();
        let mut theta = [1.0, 1.0];
        let mut around = Quadratic::new(vec![0.0; 4]);
        let gradient = [3.0 * scale, -4.0 * scale];
        optimizer
            .step(&mut theta, &gradient, 0.25, &mut around)
            .unwrap();
        assert_close(theta[0], 1.0 - 0.15);
        assert_close(theta[1], 1.0 + 0.2);
    }
    assert_eq!(one_step(&normalized, &[0.0; 4], &[1.0, 1.0]), [1.0, 1.0]);
    // Where plain gradient descent leaves every bound it stays within η.
    let mut theta = [3.0];
    for _ in 0..100 {
        let next = one_step(&normalized, &[1e3], &theta);
        theta.copy_from_slice(&next);
    }
    assert!(theta[0].abs() <= 0.25 + 1e-12);
}

#[test]
fn adahessian_finds_a_diagonal_hessian_exactly() {
    let diagonal = [5.0, -2.0, 0.5];
    let mut matrix = vec![0.0; 9];
    (0..3).for_each(|k| matrix[4 * k] = diagonal[k]);
    let component = component("adahessian", 0.01).with("weight_decay", 0.0);
    let mut optimizer = build_double(&component, 3).unwrap();
    let mut theta = [1.0, -1.0, 2.0];
    let mut around = Quadratic::new(matrix);
    for step in 1..=5 {
        let gradient = around.times(&theta);
        optimizer
            .step(&mut theta, &gradient, 0.01, &mut around)
            .unwrap();
        let first = 1.0 - 0.9f64.powi(step);
        for (p, h) in optimizer.preconditioner().unwrap().iter().zip(diagonal) {
            assert!((p - first * (h.abs() + 1e-8)).abs() < 1e-12, "{step}");
        }
    }
}

#[test]
fn adahessian_is_the_plain_computation() {
    let a = [2.0, 0.7, -0.3, 0.7, 1.0, 0.4, -0.3, 0.4, 3.0];
    let component = component("adahessian", 0.02).with("probes", 2);
    let mut optimizer = build_double(&component, 3).unwrap();
    let mut around = Quadratic::new(a.to_vec());
    let mut theta = [1.0, -1.0, 2.0];
    let mut expected = theta;
    let (mut m, mut v) = ([0.0; 3], [0.0; 3]);
    for step in 1..=4 {
        let gradient = around.times(&theta);
        optimizer
            .step(&mut theta, &gradient, 0.02, &mut around)
            .unwrap();
        let mut random = around.random();
        let mut d = [0.0; 3];
        for _ in 0..2 {
            let z: Vec<f64> = (0..3)
                .map(|_| if random.random::<bool>() { 1.0 } else { -1.0 })
                .collect();
            let hz = around.times(&z);
            (0..3).for_each(|k| d[k] += 0.5 * z[k] * hz[k]);
        }
        let g = around.times(&expected);
        for k in 0..3 {
            m[k] = 0.9 * m[k] + 0.1 * g[k];
            v[k] = 0.999 * v[k] + 0.001 * d[k] * d[k];
            let mean = m[k] / (1.0 - 0.9f64.powi(step));
            let root = (v[k] / (1.0 - 0.999f64.powi(step))).sqrt();
            expected[k] -= 0.02 * (mean / (root + 1e-8) + 0.01 * expected[k]);
        }
        for (found, expected) in theta.iter().zip(expected) {
            assert_close(*found, expected);
        }
    }
}

#[test]
fn gauss_newton_solves_a_quadratic_in_one_step() {
    let a = [2.0, 0.7, -0.3, 0.7, 1.0, 0.4, -0.3, 0.4, 3.0];
    let theta = [1.0, -1.0, 2.0];
    let newton = component("gauss_newton", 1.0).with("damping", 1e-9);
    for x in one_step(&newton, &a, &theta) {
        assert!(x.abs() < 1e-8);
    }
    // With damping: (A + δI)·step = Aθ, checked by multiplying out.
    let damped = component("gauss_newton", 0.5).with("damping", 0.3);
    let found = one_step(&damped, &a, &theta);
    let step: Vec<f64> = (0..3).map(|k| (theta[k] - found[k]) / 0.5).collect();
    let quadratic = Quadratic::new(a.to_vec());
    let (product, gradient) = (quadratic.times(&step), quadratic.times(&theta));
    for k in 0..3 {
        assert_close(product[k] + 0.3 * step[k], gradient[k]);
    }
    let error = build(&newton, 1001).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("at most 1000 parameters, and the network has 1001"));
}

/// Whether 3,000 steps of the optimizer on ½λθ² go to zero or away from it.
/// Adaptive ones have their preconditioner frozen at 1: v is set anew before
/// every step, so late that its correction is done, and hardly changed by it.
fn is_stable(kind: &str, rate: f64, decay: f64, lambda: f64) -> bool {
    let component = component(kind, rate).with("weight_decay", decay);
    let component = match kind {
        "rmsprop" => component.with("alpha", 1.0),
        "adam" | "adamw" | "adahessian" => component.with("beta2", 1.0 - 1e-15),
        _ => component,
    };
    let mut around = Quadratic {
        matrix: vec![lambda],
        gauss_newton: vec![0.75],
    };
    let mut optimizer = build_double(&component, 1).unwrap();
    let mut theta = [1.0f64];
    for _ in 0..3000 {
        let mut state = optimizer.state();
        if matches!(kind, "rmsprop" | "adam" | "adamw" | "adahessian") {
            state.updates = 100_000_000_000_000_000;
            *state.slots.last_mut().unwrap() = vec![1.0];
            optimizer.restore(&state).unwrap();
        }
        let gradient = [lambda * theta[0]];
        optimizer
            .step(&mut theta, &gradient, rate, &mut around)
            .unwrap();
        if theta[0].is_nan() || theta[0].abs() > 1e3 {
            return false;
        }
    }
    theta[0].abs() < 1e-3
}

#[test]
fn quadratics_are_stable_up_to_the_threshold_and_not_beyond() {
    let rate = 0.1;
    for kind in kinds() {
        for decay in [0.0, 0.5] {
            if decay > 0.0 && !kind.fields.iter().any(|f| f.key == "weight_decay") {
                continue;
            }
            let component = component(kind.key, rate).with("weight_decay", decay);
            let stability = build(&component, 1).unwrap().stability(rate);
            let Some(line) = stability.threshold() else {
                assert!(stability.absent().is_some());
                continue;
            };
            let line = line - stability.hessian_shift;
            for (factor, stable) in [(0.5, true), (0.99, true), (1.01, false), (1.5, false)] {
                assert_eq!(
                    is_stable(kind.key, rate, decay, factor * line),
                    stable,
                    "{} with decay {decay} at {factor} of {line}",
                    kind.key
                );
            }
        }
    }
}

#[test]
fn preconditioners_are_what_the_step_is_divided_by() {
    for kind in kinds() {
        let component = component(kind.key, 0.01);
        let mut optimizer = build_double(&component, DIM).unwrap();
        assert_eq!(optimizer.preconditioner(), None, "{}", kind.key);
        let mut theta = golden_theta();
        let mut gradient = vec![0.0; DIM];
        for _ in 0..3 {
            let before = theta.clone();
            loss_and_gradient(&theta, &mut gradient);
            let mut around = Golden(before.clone());
            optimizer
                .step(&mut theta, &gradient, 0.01, &mut around)
                .unwrap();
            let adaptive = matches!(kind.key, "rmsprop" | "adam" | "adamw" | "adahessian");
            // A line for P⁻¹H is of use only where P can be had.
            assert_eq!(optimizer.stability(0.01).preconditioned, adaptive);
            let Some(p) = optimizer.preconditioner() else {
                assert!(!adaptive);
                continue;
            };
            assert!(adaptive);
            // θ' = θ − ηP⁻¹m, where m is the gradient itself for RMSProp, and
            // AdamW and AdaHessian shrink θ first.
            let state = optimizer.state();
            let mean = if kind.key == "rmsprop" {
                &gradient
            } else {
                &state.slots[0]
            };
            let decoupled = matches!(kind.key, "adamw" | "adahessian");
            let shrink = if decoupled { 1.0 - 1e-4 } else { 1.0 };
            for k in 0..DIM {
                let expected = shrink * before[k] - 0.01 * mean[k] / p[k];
                assert!((theta[k] - expected).abs() < 1e-12, "{}", kind.key);
            }
        }
        optimizer.reset();
        assert_eq!(optimizer.preconditioner(), None);
    }
}

#[test]
fn every_optimizer_resumes_exactly_from_its_state() {
    for kind in kinds() {
        let component = component(kind.key, 0.01).with("weight_decay", 0.1);
        let mut optimizer = build(&component, DIM).unwrap();
        let mut theta: Vec<f32> = golden_theta().iter().map(|t| *t as f32).collect();
        let advance = |optimizer: &mut Box<dyn Optimizer<f32>>, theta: &mut Vec<f32>| {
            let double: Vec<f64> = theta.iter().map(|t| f64::from(*t)).collect();
            let mut gradient = vec![0.0; DIM];
            loss_and_gradient(&double, &mut gradient);
            let gradient: Vec<f32> = gradient.iter().map(|g| *g as f32).collect();
            let mut around = Golden(double);
            optimizer.step(theta, &gradient, 0.01, &mut around).unwrap();
        };
        for _ in 0..5 {
            advance(&mut optimizer, &mut theta);
        }
        let (state, middle) = (optimizer.state(), theta.clone());
        for _ in 0..5 {
            advance(&mut optimizer, &mut theta);
        }
        let end = theta.clone();
        let mut again = build(&component, DIM).unwrap();
        let text = serde_json::to_string(&state).unwrap();
        let state: OptimizerState<f32> = serde_json::from_str(&text).unwrap();
        again.restore(&state).unwrap();
        theta.copy_from_slice(&middle);
        for _ in 0..5 {
            advance(&mut again, &mut theta);
        }
        assert_eq!(theta, end, "{}", kind.key);
        assert!(
            build(&component, DIM + 1).unwrap().restore(&state).is_err() || state.slots.is_empty()
        );
        again.reset();
        assert_eq!(again.state(), build(&component, DIM).unwrap().state());
    }
}

#[test]
fn live_fields_are_those_that_can_be_set() {
    for kind in kinds() {
        let mut optimizer = build(&component(kind.key, 0.1), 3).unwrap();
        for field in kind.fields {
            let set = field.key == "learning_rate" || optimizer.set(field.key, 0.5);
            assert_eq!(set, field.live, "{}.{}", kind.key, field.key);
        }
        assert!(!optimizer.set("no_such_thing", 1.0));
    }
}

#[test]
fn a_changed_hyperparameter_acts_on_the_next_step() {
    let mut optimizer = build(&component("momentum", 0.1), 1).unwrap();
    let mut around = Golden(Vec::new());
    let mut theta = [0.0f32];
    optimizer
        .step(&mut theta, &[1.0], 0.1, &mut around)
        .unwrap();
    assert!(optimizer.set("momentum", 0.0));
    optimizer
        .step(&mut theta, &[1.0], 0.1, &mut around)
        .unwrap();
    assert!((theta[0] + 0.2).abs() < 1e-7);
}

#[test]
fn clipping_shortens_long_gradients_only() {
    assert_eq!(clip_factor(3.0, 0.0), 1.0);
    assert_eq!(clip_factor(0.5, 1.0), 1.0);
    assert!((clip_factor(4.0, 1.0) - 0.25).abs() < 1e-6);
}

#[test]
fn an_unknown_optimizer_is_refused() {
    assert!(build(&Component::new("adamm"), 1).is_err());
}
