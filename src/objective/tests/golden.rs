//! Reference values: a network given by formula, and two from PyTorch.

use std::path::{Path, PathBuf};

use candle_core::{DType, Tensor};
use serde::Deserialize;

use super::*;
use crate::data::Targets;
use crate::nn::{ParameterKind, checkpoint};
use crate::objective::PlaneLoss;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

fn json<T: for<'a> Deserialize<'a>>(name: &str) -> T {
    serde_json::from_slice(&std::fs::read(file(name)).unwrap()).unwrap()
}

#[derive(Deserialize)]
struct Formula {
    theta: Vec<f64>,
    #[serde(rename = "X")]
    x: Vec<Vec<f64>>,
    #[serde(rename = "Y")]
    y: Vec<u32>,
    loss: f64,
    per_sample_loss: Vec<f64>,
    grad: Vec<f64>,
    hess_eigs_desc: Vec<f64>,
    hess_diag: Vec<f64>,
    trace: f64,
    fro2: f64,
    ggn_eigs_desc: Vec<f64>,
    per_sample_grad_norm: Vec<f64>,
    #[serde(rename = "trSigma_ddof1")]
    tr_sigma: f64,
    filter_slice: FilterSlice,
}

#[derive(Deserialize)]
struct FilterSlice {
    coords: Vec<f64>,
    loss_rows_beta_cols_alpha: Vec<Vec<f64>>,
}

/// A direction given by formula, filter by filter of the length of θ's filters;
/// biases zero.
fn filter_normalized(network: &Network, theta: &[f64], formula: fn(f64) -> f64) -> Vec<f64> {
    let mut direction = vec![0.0; theta.len()];
    let norm = |values: &[f64]| values.iter().map(|x| x * x).sum::<f64>().sqrt();
    for tensor in network.layout().iter() {
        for filter in (0..tensor.filters()).map(|filter| tensor.filter(filter)) {
            if tensor.kind == ParameterKind::Weight {
                let raw: Vec<f64> = filter.clone().map(|k| formula(k as f64)).collect();
                let scale = norm(&theta[filter.clone()]) / norm(&raw);
                for (d, raw) in direction[filter].iter_mut().zip(raw) {
                    *d = scale * raw;
                }
            }
        }
    }
    direction
}

#[test]
fn the_network_given_by_formula() {
    let golden: Formula = json("mlp_2_4_3.json");
    let data = Dataset {
        inputs: golden.x.concat(),
        shape: InputShape::Vector(2),
        targets: Targets::Classes {
            labels: golden.y.clone(),
            names: (0..3).map(|k| k.to_string()).collect(),
        },
        feature_names: Vec::new(),
    };
    let (network, objective, single) = objectives(&mlp(&[4], "tanh"), &cross_entropy(), &data);
    assert_eq!((objective.dim(), objective.len()), (27, 6));
    let theta = &golden.theta;
    let mut workspace = objective.workspace();
    assert!((objective.loss(theta, &mut workspace) - golden.loss).abs() < 1e-10);
    let losses = objective.per_sample_losses(theta, &mut workspace);
    assert!(difference(&losses, &golden.per_sample_loss) < 1e-10);
    let mut gradient = vec![0.0; 27];
    let loss = objective.gradient(theta, &mut workspace, &mut gradient);
    assert!((loss - golden.loss).abs() < 1e-10);
    assert!(difference(&gradient, &golden.grad) < 1e-10);
    let norms = objective.per_sample_gradient_norms(theta, &mut workspace);
    assert!(difference(&norms, &golden.per_sample_grad_norm) < 1e-10);
    // tr Σ = (Σ‖gᵢ‖² − N‖ḡ‖²)/(N−1).
    let squares: f64 = norms.iter().map(|norm| norm * norm).sum();
    let mean: f64 = gradient.iter().map(|g| g * g).sum();
    assert!(((squares - 6.0 * mean) / 5.0 - golden.tr_sigma).abs() < 1e-10);

    let matrix = dense(&objective.hessian(theta));
    assert!(difference(&eigenvalues(&matrix), &golden.hess_eigs_desc) < 1e-10);
    let diagonal: Vec<f64> = (0..27).map(|i| matrix[i * 28]).collect();
    assert!(difference(&diagonal, &golden.hess_diag) < 1e-10);
    assert!((diagonal.iter().sum::<f64>() - golden.trace).abs() < 1e-10);
    assert!((matrix.iter().map(|h| h * h).sum::<f64>() - golden.fro2).abs() < 1e-10);
    let matrix = dense(&objective.gauss_newton(theta));
    assert!(difference(&eigenvalues(&matrix), &golden.ggn_eigs_desc) < 1e-10);

    let slice = &golden.filter_slice;
    let d1 = filter_normalized(&network, theta, |k| (2.1 * k + 0.7).sin());
    let d2 = filter_normalized(&network, theta, |k| (1.1 * k - 0.2).cos());
    let plane = objective.plane(theta, &d1, &d2);
    let mut scratch = plane.scratch();
    let plane32 = single.plane(&to_f32(theta), &to_f32(&d1), &to_f32(&d2));
    let mut scratch32 = plane32.scratch();
    for (b, row) in slice.coords.iter().zip(&slice.loss_rows_beta_cols_alpha) {
        for (a, expected) in slice.coords.iter().zip(row) {
            let found = plane.loss_at(*a, *b, &mut scratch);
            assert!((found - expected).abs() < 1e-10 * expected.max(1.0));
            let found = plane32.loss_at(*a, *b, &mut scratch32);
            assert!((found - expected).abs() < 1e-5 * expected.max(1.0));
        }
    }
}

#[derive(Deserialize)]
struct Torch {
    #[serde(rename = "P")]
    parameters: usize,
    loss: f64,
    grad_norm: f64,
    trace: f64,
    fro: f64,
    top5: Vec<f64>,
    bottom3: Vec<f64>,
    alpha: Vec<f64>,
    beta: Vec<f64>,
    slice_loss_ji: Vec<Vec<f64>>,
}

fn torch(name: &str, model: &Component, shape: InputShape, classes: usize) {
    let golden: Torch = json(&format!("{name}.json"));
    let arrays = Tensor::read_npz(file(&format!("{name}.npz"))).unwrap();
    let array = |key: &str| {
        let (_, array) = arrays.iter().find(|(name, _)| name == key).unwrap();
        array.to_dtype(DType::F64).unwrap().flatten_all().unwrap()
    };
    let labels: Vec<f64> = array("y").to_vec1().unwrap();
    let data = Dataset {
        inputs: array("x").to_vec1().unwrap(),
        shape,
        targets: Targets::Classes {
            labels: labels.iter().map(|label| *label as u32).collect(),
            names: (0..classes).map(|k| k.to_string()).collect(),
        },
        feature_names: Vec::new(),
    };
    let (network, objective, _) = objectives(model, &cross_entropy(), &data);
    assert_eq!(objective.dim(), golden.parameters);
    let layout = network.layout();
    let theta = checkpoint::load(&file(&format!("{name}.safetensors")), layout).unwrap();
    let mut workspace = objective.workspace();
    let mut gradient = vec![0.0; theta.len()];
    let loss = objective.gradient(&theta, &mut workspace, &mut gradient);
    assert!((loss - golden.loss).abs() < 1e-10, "{loss} {}", golden.loss);
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    assert!((norm - golden.grad_norm).abs() < 1e-10);

    let matrix = dense(&objective.hessian(&theta));
    let values = eigenvalues(&matrix);
    let n = values.len();
    assert!(difference(&values[..5], &golden.top5) < 1e-10);
    let mut bottom = golden.bottom3.clone();
    bottom.sort_by(|a, b| b.total_cmp(a));
    assert!(difference(&values[n - 3..], &bottom) < 1e-10);
    assert!((values.iter().sum::<f64>() - golden.trace).abs() < 1e-9);
    let frobenius = matrix.iter().map(|h| h * h).sum::<f64>().sqrt();
    assert!((frobenius - golden.fro).abs() < 1e-9);

    let directions = file(&format!("{name}.directions.safetensors"));
    let d1 = checkpoint::load_prefixed(&directions, layout, "d1.").unwrap();
    let d2 = checkpoint::load_prefixed(&directions, layout, "d2.").unwrap();
    let plane = objective.plane(&theta, &d1, &d2);
    let mut scratch = plane.scratch();
    for (b, row) in golden.beta.iter().zip(&golden.slice_loss_ji) {
        for (a, expected) in golden.alpha.iter().zip(row) {
            let found = plane.loss_at(*a, *b, &mut scratch);
            assert!(
                (found - expected).abs() < 1e-10,
                "({a}, {b}): {found} {expected}"
            );
        }
    }
}

#[test]
fn the_perceptron_from_pytorch() {
    let model =
        Component::new("sequential").with("layers", vec!["dense 10", "tanh", "dense 8", "relu"]);
    torch("torch_mlp", &model, InputShape::Vector(2), 3);
}

#[test]
fn the_convolutional_network_from_pytorch() {
    let layers = vec!["conv 3 3x3", "gelu", "max-pool 2", "conv 4 2x2", "tanh"];
    let model = Component::new("cnn").with("layers", layers);
    torch("torch_cnn", &model, image(1, 8, 8), 4);
}
