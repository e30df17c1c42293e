//! Reference values of the golden 2-4-3 network, and properties of all
//! registered optimizers.

use super::*;

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
        optimizer.step(&mut theta, &gradient, component.float("learning_rate"));
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
    assert_close(threshold("sgd", 0.1).threshold(), 20.0);
    assert_close(threshold("momentum", 0.1).threshold(), 38.0);
    assert!((threshold("nesterov", 0.1).threshold() - 13.5714).abs() < 1e-4);
    assert_close(threshold("adam", 0.1).threshold(), 380.0);
    assert_eq!(threshold("sgd", 0.1).formula(), "2/η");
    let (rate, formula) = threshold("sgd", 0.9).largest_learning_rate(4.0).unwrap();
    assert_eq!((rate, formula.as_str()), (0.5, "2/λ₁"));
    assert_eq!(threshold("adam", 0.1).largest_learning_rate(4.0), None);
    assert_eq!(threshold("adam", 0.1).sharpness_threshold(), None);
}

/// Whether 3,000 steps of the optimizer on ½λθ² go to zero or away from it.
/// Adaptive ones have their preconditioner frozen at 1: v is set anew before
/// every step, so late that its correction is done, and hardly changed by it.
fn is_stable(kind: &str, rate: f64, decay: f64, lambda: f64) -> bool {
    let component = component(kind, rate).with("weight_decay", decay);
    let component = match kind {
        "rmsprop" => component.with("alpha", 1.0),
        "adam" | "adamw" => component.with("beta2", 1.0 - 1e-15),
        _ => component,
    };
    let mut optimizer = build_double(&component, 1).unwrap();
    let mut theta = [1.0f64];
    for _ in 0..3000 {
        let mut state = optimizer.state();
        if matches!(kind, "rmsprop" | "adam" | "adamw") {
            state.updates = 100_000_000_000_000_000;
            *state.slots.last_mut().unwrap() = vec![1.0];
            optimizer.restore(&state).unwrap();
        }
        let gradient = [lambda * theta[0]];
        optimizer.step(&mut theta, &gradient, rate);
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
            let component = component(kind.key, rate).with("weight_decay", decay);
            let stability = build(&component, 1).unwrap().stability(rate);
            let line = stability.threshold() - stability.hessian_shift;
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
            optimizer.step(&mut theta, &gradient, 0.01);
            let adaptive = matches!(kind.key, "rmsprop" | "adam" | "adamw");
            let Some(p) = optimizer.preconditioner() else {
                assert!(!adaptive);
                continue;
            };
            assert!(adaptive);
            // θ' = θ − ηP⁻¹m, where m is the gradient itself for RMSProp, and
            // AdamW shrinks θ first.
            let state = optimizer.state();
            let mean = if kind.key == "rmsprop" {
                &gradient
            } else {
                &state.slots[0]
            };
            let shrink = if kind.key == "adamw" { 1.0 - 1e-4 } else { 1.0 };
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
            optimizer.step(theta, &gradient, 0.01);
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
    let mut theta = [0.0f32];
    optimizer.step(&mut theta, &[1.0], 0.1);
    assert!(optimizer.set("momentum", 0.0));
    optimizer.step(&mut theta, &[1.0], 0.1);
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
