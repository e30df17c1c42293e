//! What must hold whatever the numbers are.

use super::*;
use crate::data::Targets;
use crate::nn::oracle;
use crate::objective::PlaneLoss;

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn cnn() -> Component {
    let layers = vec![
        "conv 4 3x3 pad 1",
        "gelu",
        "max-pool 2",
        "conv 3 2x2",
        "layer-norm",
        "sin",
    ];
    Component::new("cnn").with("layers", layers)
}

/// Two perceptrons and a convolutional network with several blocks of samples.
type Problem = (Arc<Network>, Dataset, Objective<f64>, Objective<f32>);

fn problems() -> Vec<Problem> {
    [
        (mlp(&[9, 9], "silu"), InputShape::Vector(2), 700),
        (cnn(), image(2, 6, 6), 150),
        // Too wide for the tiles.
        (mlp(&[230], "tanh"), InputShape::Vector(300), 40),
    ]
    .into_iter()
    .map(|(model, shape, samples)| {
        let data = oracle::data(shape, samples, 3, false);
        let (network, double, single) = objectives(&model, &cross_entropy(), &data);
        assert!(double.inner.samples.blocks() > 1 || samples == 40);
        (network, data, double, single)
    })
    .collect()
}

#[test]
fn products_are_derivatives_of_the_gradient() {
    for (network, _, objective, _) in problems() {
        let theta = oracle::theta(&network, 0.1);
        let v = direction(theta.len(), 0.5);
        let h = 1e-5;
        let mut workspace = objective.workspace();
        let mut gradient = |sign: f64| {
            let moved: Vec<f64> = theta
                .iter()
                .zip(&v)
                .map(|(t, v)| t + sign * h * v)
                .collect();
            let mut gradient = vec![0.0; theta.len()];
            objective.gradient(&moved, &mut workspace, &mut gradient);
            gradient
        };
        let (up, down) = (gradient(1.0), gradient(-1.0));
        let expected: Vec<f64> = up
            .iter()
            .zip(&down)
            .map(|(up, down)| (up - down) / (2.0 * h))
            .collect();
        let product = apply(&objective.hessian(&theta), &v);
        assert!(difference(&product, &expected) < 1e-7);
    }
}

#[test]
fn operators_are_symmetric_and_linear() {
    for (network, _, objective, _) in problems() {
        let theta = oracle::theta(&network, 0.1);
        let (u, v) = (direction(theta.len(), 0.5), direction(theta.len(), 1.9));
        for operator in [objective.hessian(&theta), objective.gauss_newton(&theta)] {
            let (hu, hv) = (apply(&operator, &u), apply(&operator, &v));
            let (left, right) = (dot(&u, &hv), dot(&v, &hu));
            assert!((left - right).abs() < 1e-12 * dot(&hu, &hu).max(1.0));
            let sum: Vec<f64> = u.iter().zip(&v).map(|(u, v)| 2.0 * u - 3.0 * v).collect();
            let expected: Vec<f64> = hu.iter().zip(&hv).map(|(u, v)| 2.0 * u - 3.0 * v).collect();
            assert!(difference(&apply(&operator, &sum), &expected) < 1e-12);
            // The same operator gives the same bits again.
            assert_eq!(hu, apply(&operator, &u));
        }
        let gauss_newton = apply(&objective.gauss_newton(&theta), &u);
        assert!(dot(&u, &gauss_newton) >= 0.0);
    }
}

#[test]
fn closed_forms_of_linear_models() {
    // Linear regression, one output: H = (2/N) XᵀX, with a column of ones for
    // the bias; and there the Gauss–Newton matrix is the Hessian.
    let data = oracle::data(InputShape::Vector(3), 40, 1, true);
    let loss = Component::new("mean_squared_error").with("half", false);
    let (network, objective, _) = objectives(&mlp(&[], "tanh"), &loss, &data);
    let theta = oracle::theta(&network, 0.3);
    let column = |i: usize, s: usize| if i < 3 { data.inputs[s * 3 + i] } else { 1.0 };
    let expected: Vec<f64> = (0..16)
        .map(|ij| {
            (0..40)
                .map(|s| column(ij / 4, s) * column(ij % 4, s))
                .sum::<f64>()
                / 20.0
        })
        .collect();
    assert!(difference(&dense(&objective.hessian(&theta)), &expected) < 1e-12);
    assert!(difference(&dense(&objective.gauss_newton(&theta)), &expected) < 1e-12);

    // Two classes with one logit: H = (1/N) Xᵀ diag(σ(1−σ)) X.
    let data = oracle::data(InputShape::Vector(3), 40, 2, false);
    let loss = Component::new("binary_cross_entropy");
    let (_, objective, _) = objectives(&mlp(&[], "tanh"), &loss, &data);
    let outputs = objective.outputs(&theta, &mut objective.workspace());
    let column = |i: usize, s: usize| if i < 3 { data.inputs[s * 3 + i] } else { 1.0 };
    let expected: Vec<f64> = (0..16)
        .map(|ij| {
            (0..40)
                .map(|s| {
                    let p = 1.0 / (1.0 + (-outputs[s]).exp());
                    p * (1.0 - p) * column(ij / 4, s) * column(ij % 4, s)
                })
                .sum::<f64>()
                / 40.0
        })
        .collect();
    assert!(difference(&dense(&objective.hessian(&theta)), &expected) < 1e-12);
    assert!(difference(&dense(&objective.gauss_newton(&theta)), &expected) < 1e-12);
}

#[test]
fn single_precision_follows_double() {
    for (network, _, double, single) in problems() {
        let theta = oracle::theta(&network, 0.1);
        let mut workspace = double.workspace();
        let mut gradient = vec![0.0; theta.len()];
        let loss = double.gradient(&theta, &mut workspace, &mut gradient);
        let (_, accuracy) = double.loss_and_accuracy(&theta, &mut workspace);
        let norms = double.per_sample_gradient_norms(&theta, &mut workspace);
        let theta = to_f32(&theta);
        let mut workspace = single.workspace();
        let mut gradient32 = vec![0.0; theta.len()];
        let loss32 = single.gradient(&theta, &mut workspace, &mut gradient32);
        assert!((loss - loss32).abs() < 1e-4);
        assert!(difference(&to_f64(&gradient32), &gradient) < 1e-4);
        let (again, accuracy32) = single.loss_and_accuracy(&theta, &mut workspace);
        assert_eq!(again, loss32);
        assert!((accuracy.unwrap() - accuracy32.unwrap()).abs() < 0.01);
        let norms32 = single.per_sample_gradient_norms(&theta, &mut workspace);
        assert!(difference(&to_f64(&norms32), &norms) < 1e-4);
    }
}

#[test]
fn samples_add_up() {
    for (network, data, objective, _) in problems() {
        let theta = oracle::theta(&network, 0.1);
        let v = direction(theta.len(), 0.8);
        let mut workspace = objective.workspace();
        let mut gradient = vec![0.0; theta.len()];
        let loss = objective.gradient(&theta, &mut workspace, &mut gradient);
        let n = objective.len() as f64;
        let losses = objective.per_sample_losses(&theta, &mut workspace);
        assert!((losses.iter().sum::<f64>() / n - loss).abs() < 1e-13);
        let slopes = objective.per_sample_slopes(&theta, &v, &mut workspace);
        assert!((slopes.iter().sum::<f64>() / n - dot(&gradient, &v)).abs() < 1e-12);
        let norms = objective.per_sample_gradient_norms(&theta, &mut workspace);
        // One sample alone has its own loss, slope and gradient.
        for s in [0, 17, objective.len() - 1] {
            let (_, one, _) = objectives_of(&network, &data.subset(&[s]));
            let mut own = vec![0.0; theta.len()];
            let loss = one.gradient(&theta, &mut one.workspace(), &mut own);
            assert!((loss - losses[s]).abs() < 1e-12);
            assert!((dot(&own, &v) - slopes[s]).abs() < 1e-11);
            assert!((dot(&own, &own).sqrt() - norms[s]).abs() < 1e-11);
        }
    }
}

fn objectives_of(
    network: &Arc<Network>,
    data: &Dataset,
) -> (Arc<Network>, Objective<f64>, Objective<f32>) {
    let loss = losses::build(&cross_entropy()).unwrap();
    let double = Objective::new(Arc::clone(network), Arc::clone(&loss), data).unwrap();
    let single = Objective::new(Arc::clone(network), loss, data).unwrap();
    (Arc::clone(network), double, single)
}

#[test]
fn the_plane_is_the_loss_at_the_displaced_vector() {
    // The last model starts with no linear layer, so nothing can be kept.
    let list = Component::new("sequential").with("layers", vec!["tanh", "dense 5", "relu"]);
    let data = oracle::data(InputShape::Vector(4), 90, 3, false);
    let (network, double, single) = objectives(&list, &cross_entropy(), &data);
    let mut all = problems();
    all.push((network, data, double, single));
    for (network, _, double, single) in all {
        let theta = oracle::theta(&network, 0.1);
        let (d1, d2) = (direction(theta.len(), 0.5), direction(theta.len(), 1.9));
        let plane = double.plane(&theta, &d1, &d2);
        let plane32 = single.plane(&to_f32(&theta), &to_f32(&d1), &to_f32(&d2));
        let mut scratch = PlaneLoss::scratch(&plane);
        let mut scratch32 = PlaneLoss::scratch(&plane32);
        let mut workspace = double.workspace();
        for (a, b) in [(0.0, 0.0), (0.3, -0.2), (-1.0, 0.7), (0.0, 2.0)] {
            let moved: Vec<f64> = (0..theta.len())
                .map(|i| theta[i] + a * d1[i] + b * d2[i])
                .collect();
            let expected = double.loss(&moved, &mut workspace);
            let found = PlaneLoss::loss_at(&plane, a, b, &mut scratch);
            assert!((found - expected).abs() < 1e-12 * expected.max(1.0));
            let found = PlaneLoss::loss_at(&plane32, a, b, &mut scratch32);
            assert!((found - expected).abs() < 1e-4 * expected.max(1.0));
        }
        // The centre is the training loss, bit for bit.
        assert_eq!(
            plane.loss_at(0.0, 0.0, &mut scratch),
            double.loss(&theta, &mut workspace)
        );
    }
}

#[test]
fn a_point_of_a_plane_does_not_depend_on_the_points_before_it() {
    for (network, data, double, single) in problems() {
        let theta = to_f32(&oracle::theta(&network, 0.1));
        let d1 = to_f32(&direction(theta.len(), 0.5));
        let d2 = to_f32(&direction(theta.len(), 1.9));
        let (plane, other) = (
            single.plane(&theta, &d1, &d2),
            single.plane(&d1, &d2, &theta),
        );
        let mut scratch = plane.scratch();
        for (a, b) in [
            (0.5, 0.25),
            (-0.5, 0.25),
            (0.5, -1.0),
            (0.5, 0.25),
            (0.0, 0.25),
        ] {
            let fresh = plane.loss_at(a, b, &mut plane.scratch());
            assert_eq!(plane.loss_at(a, b, &mut scratch), fresh);
            // Not even where a scratch served another plane.
            other.loss_at(a, b, &mut scratch);
            assert_eq!(plane.loss_at(a, b, &mut scratch), fresh);
        }
        let sampled = plane.sampled_loss_at(0.5, 0.25, &mut scratch);
        assert_eq!(sampled.samples, data.len());
        let mean = plane.loss_at(0.5, 0.25, &mut scratch);
        assert!((sampled.mean - mean).abs() < 1e-12 * mean);
        let moved: Vec<f64> = (0..theta.len())
            .map(|i| f64::from(theta[i]) + 0.5 * f64::from(d1[i]) + 0.25 * f64::from(d2[i]))
            .collect();
        let losses = double.per_sample_losses(&moved, &mut double.workspace());
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        let squares: f64 = losses.iter().map(|loss| (loss - mean).powi(2)).sum();
        let variance = squares / (losses.len() as f64 - 1.0);
        assert!((sampled.variance() - variance).abs() < 1e-4 * variance);
        let stderr = sampled.standard_error(4 * losses.len());
        let expected = (0.75 * variance / losses.len() as f64).sqrt();
        assert!((stderr - expected).abs() < 1e-4 * expected);
        assert_eq!(sampled.standard_error(losses.len()), 0.0);
    }
}

#[test]
fn gradients_of_samples_have_the_inner_products_of_the_gradients_themselves() {
    for (network, data, double, _) in problems() {
        let theta = oracle::theta(&network, 0.3);
        let n = data.len();
        let products = double.per_sample_gradient_products(&theta, &mut double.workspace());
        let norms = double.per_sample_gradient_norms(&theta, &mut double.workspace());
        let samples = [0, 1, n / 3, n / 2, n - 2, n - 1];
        let gradients = samples.map(|sample| {
            let loss = Arc::clone(double.loss_function());
            let one = Objective::<f64>::new(Arc::clone(&network), loss, &data.subset(&[sample]));
            let mut gradient = vec![0.0; theta.len()];
            let one = one.unwrap();
            one.gradient(&theta, &mut one.workspace(), &mut gradient);
            gradient
        });
        for (i, first) in samples.iter().zip(&gradients) {
            let norm = norms[*i];
            assert!((products[i * n + i] - norm * norm).abs() < 1e-12 * norm * norm);
            for (j, second) in samples.iter().zip(&gradients) {
                let size = norm * norms[*j];
                assert!((products[i * n + j] - dot(first, second)).abs() < 1e-12 * size);
            }
        }
    }
}

#[test]
fn the_gauss_newton_factor_is_a_factor_of_the_operator() {
    for (network, _, objective, _) in problems() {
        let theta = oracle::theta(&network, 0.1);
        let v = direction(theta.len(), 0.6);
        let factor = objective.gauss_newton_factor(&theta, &()).unwrap();
        let mut product = vec![0.0; factor.dim];
        for row in factor.elements.chunks_exact(factor.dim) {
            let along = dot(row, &v);
            for (product, x) in product.iter_mut().zip(row) {
                *product += along * x;
            }
        }
        let expected = apply(&objective.gauss_newton(&theta), &v);
        assert!(difference(&product, &expected) < 1e-10);
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let data = oracle::data(InputShape::Vector(20), 900, 4, false);
    let (network, objective, _) = objectives(&mlp(&[40, 30], "tanh"), &cross_entropy(), &data);
    let theta = oracle::theta(&network, 0.1);
    let v = direction(theta.len(), 0.5);
    let run = |threads: usize| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(|| {
                let hessian = objective.hessian(&theta);
                assert!(hessian.groups() > 1);
                (
                    apply(&hessian, &v),
                    apply(&objective.gauss_newton(&theta), &v),
                )
            })
    };
    let one = run(1);
    for threads in [2, 5] {
        assert_eq!(one, run(threads));
    }
    // Grouping and keeping are questions of speed only.
    let plain = HessianOperator::with_limits(&objective, &theta, Curvature::Hessian, 0, usize::MAX);
    assert_eq!(plain.groups(), 1);
    assert!(difference(&apply(&plain, &v), &one.0) < 1e-14);
}

#[test]
fn the_logit_of_a_class_can_be_traced_to_the_inputs() {
    for (network, data, objective, _) in problems() {
        let theta = oracle::theta(&network, 0.1);
        let mut workspace = objective.workspace();
        let inputs = &data.inputs[..5 * data.shape.len()];
        let classes = [0, 2, 1, 1, 2];
        let gradient = objective.input_gradient(
            &theta,
            inputs,
            Sensitivity::Output(&classes),
            &mut workspace,
        );
        let h = 1e-6;
        for i in (0..inputs.len()).step_by(3) {
            let mut logit = |sign: f64| {
                let mut moved = inputs.to_vec();
                moved[i] += sign * h;
                let s = i / data.shape.len();
                objective.predict(&theta, &moved, &mut workspace)[s * 3 + classes[s]]
            };
            let expected = (logit(1.0) - logit(-1.0)) / (2.0 * h);
            assert!((gradient[i] - expected).abs() < 1e-7);
        }
    }
}

#[test]
fn data_that_do_not_fit_are_refused() {
    let data = oracle::data(InputShape::Vector(3), 10, 3, false);
    let loss = losses::build(&cross_entropy()).unwrap();
    let build = |inputs: usize, outputs: usize, data: &Dataset| {
        let shape = InputShape::Vector(inputs);
        let network = Network::build(&mlp(&[4], "tanh"), &shape, outputs).unwrap();
        Objective::<f64>::new(Arc::new(network), Arc::clone(&loss), data).map(|_| ())
    };
    assert_eq!(build(3, 3, &data), Ok(()));
    assert_eq!(build(3, 3, &data.subset(&[])), Err(ObjectiveError::Empty));
    let found = ObjectiveError::Inputs {
        found: 3,
        expected: 2,
    };
    assert_eq!(build(2, 3, &data), Err(found));
    let found = ObjectiveError::Outputs {
        found: 5,
        expected: 3,
    };
    assert_eq!(build(3, 5, &data), Err(found));
    let mut wrong = data.clone();
    if let Targets::Classes { labels, .. } = &mut wrong.targets {
        labels[3] = 3;
    }
    let found = ObjectiveError::Class {
        found: 3,
        classes: 3,
    };
    assert_eq!(build(3, 3, &wrong), Err(found));
    let values = oracle::data(InputShape::Vector(3), 10, 3, true);
    assert!(matches!(build(3, 3, &values), Err(ObjectiveError::Loss(_))));
}

#[test]
fn a_diverged_network_has_no_number_for_a_loss() {
    let (network, _, objective, _) = problems().remove(0);
    let theta = vec![f64::NAN; network.layout().len()];
    assert!(objective.loss(&theta, &mut objective.workspace()).is_nan());
}
