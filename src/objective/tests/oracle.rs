//! Every activation × loss × kind of layer against candle's double backward.

use super::*;
use crate::nn::activations;
use crate::nn::graph::Graph;
use crate::nn::losses::{self, BatchTargets};
use crate::nn::oracle::{self, ask};

/// Every loss, with classes and with numbers as targets where it takes them.
fn losses_to_test() -> Vec<(Component, bool)> {
    let mut all = Vec::new();
    for component in losses::variants() {
        let loss = losses::build(&component).unwrap();
        for regression in [false, true] {
            let targets = oracle::data(InputShape::Vector(1), 7, 3, regression).targets;
            if loss.outputs(&targets).is_ok() {
                all.push((component.clone(), regression));
            }
        }
    }
    all
}

fn models(activation: &str) -> Vec<(&'static str, Component, InputShape)> {
    let residual = mlp(&[5, 5, 5], activation).with("residual", true);
    let list = |layers: &[&str]| {
        let layers: Vec<String> = layers
            .iter()
            .map(|layer| layer.replace("ACT", activation))
            .collect();
        Component::new("sequential").with("layers", layers)
    };
    vec![
        ("plain", mlp(&[6, 4], activation), InputShape::Vector(3)),
        (
            "no bias",
            mlp(&[6], activation).with("bias", false),
            InputShape::Vector(3),
        ),
        ("residual", residual.clone(), InputShape::Vector(5)),
        (
            "layer norm",
            mlp(&[6, 6], activation).with("layer_norm", true),
            InputShape::Vector(3),
        ),
        (
            "residual with layer norm",
            residual.with("layer_norm", true),
            InputShape::Vector(2),
        ),
        (
            "max-pool",
            list(&["conv 3 3x3 pad 1", "ACT", "max-pool 2", "conv 2 2x2", "ACT"]),
            image(2, 5, 6),
        ),
        (
            "avg-pool and strides",
            list(&[
                "conv 3 3x2 pad 1 stride 2",
                "layer-norm",
                "ACT",
                "avg-pool 2",
                "dense 4",
                "ACT",
            ]),
            image(1, 7, 8),
        ),
        (
            "nothing but parameters after the data",
            list(&["ACT", "avg-pool 2", "flatten", "ACT", "dense 3"]),
            image(2, 4, 4),
        ),
    ]
}

#[test]
fn kernels_agree_with_double_backward() {
    for activation in activations::ALL {
        let activation = activation.choice().key;
        // candle's relu has another slope at 0, which no test point hits.
        for (name, model, shape) in models(activation) {
            for (loss, regression) in losses_to_test() {
                let data = oracle::data(shape, 7, 3, regression);
                let (network, objective, single) = objectives(&model, &loss, &data);
                let theta = oracle::theta(&network, 0.4);
                let v = direction(theta.len(), 0.2);
                let expected = ask(&network, &loss, &data, &theta, &v);
                let what = format!("{activation}, {name}, {}", loss.kind);
                let mut workspace = objective.workspace();
                let mut gradient = vec![0.0; theta.len()];
                let value = objective.gradient(&theta, &mut workspace, &mut gradient);
                assert!((value - expected.loss).abs() < 1e-12, "{what}");
                assert_eq!(value, objective.loss(&theta, &mut workspace), "{what}");
                assert!(difference(&gradient, &expected.gradient) < 1e-10, "{what}");
                let outputs = objective.outputs(&theta, &mut workspace);
                assert!(difference(&outputs, &expected.outputs) < 1e-12, "{what}");
                let again = objective.predict(&theta, &data.inputs, &mut workspace);
                assert_eq!(outputs, again, "{what}");
                let product = apply(&objective.hessian(&theta), &v);
                let error = difference(&product, &expected.hessian_product);
                assert!(error < 1e-10, "Hessian, {what}: {error}");
                let product = apply(&objective.gauss_newton(&theta), &v);
                let error = difference(&product, &expected.gauss_newton_product);
                assert!(error < 1e-10, "Gauss–Newton, {what}: {error}");
                let sensitivity = objective.input_gradient(
                    &theta,
                    &data.inputs,
                    Sensitivity::Loss(&data.targets),
                    &mut workspace,
                );
                let error = difference(&sensitivity, &expected.input_gradient);
                assert!(error < 1e-10, "inputs, {what}: {error}");

                // Single precision, and the training graph.
                let theta = to_f32(&theta);
                let mut workspace = single.workspace();
                let mut gradient = vec![0.0; theta.len()];
                let value32 = single.gradient(&theta, &mut workspace, &mut gradient);
                assert!((value32 - value).abs() < 1e-5 * value.max(1.0), "{what}");
                let error = difference(&to_f64(&gradient), &expected.gradient);
                assert!(error < 1e-5, "f32, {what}: {error}");
                let mut product = vec![0.0; theta.len()];
                single.hessian(&theta).product(&to_f32(&v), &mut product);
                let error = difference(&to_f64(&product), &expected.hessian_product);
                assert!(error < 1e-5, "Hessian in f32, {what}: {error}");
                single
                    .gauss_newton(&theta)
                    .product(&to_f32(&v), &mut product);
                let error = difference(&to_f64(&product), &expected.gauss_newton_product);
                assert!(error < 1e-5, "Gauss–Newton in f32, {what}: {error}");
                let targets = match &data.targets {
                    crate::data::Targets::Classes { labels, .. } => {
                        BatchTargets::Classes(labels.clone())
                    }
                    crate::data::Targets::Values { values, .. } => {
                        BatchTargets::Values(to_f32(values))
                    }
                };
                let zeros = vec![0.0; theta.len()];
                let loss = Arc::clone(single.loss_function());
                let mut graph = Graph::new(Arc::clone(&network), loss, &zeros).unwrap();
                graph.set_parameters(&theta).unwrap();
                let mut trained = vec![f32::NAN; theta.len()];
                let loss = graph
                    .loss_and_gradient(&to_f32(&data.inputs), &targets, &mut trained)
                    .unwrap();
                assert!((loss - value32).abs() < 1e-6 * value32.max(1.0), "{what}");
                let error = difference(&to_f64(&trained), &to_f64(&gradient));
                assert!(error < 2e-6, "graph, {what}: {error}");
            }
        }
    }
}
