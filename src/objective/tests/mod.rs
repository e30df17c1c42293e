//! The kernels against reference values, against candle's double backward, and
//! against central differences.

mod golden;
mod oracle;
mod properties;

use std::sync::Arc;

use super::*;
use crate::data::InputShape;
use crate::math::operator::SymmetricOperator;
use crate::nn::losses;
use crate::recipe::Component;

/// The largest |a − b| over the larger of 1 and the largest |b|.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let scale = b.iter().fold(1.0f64, |scale, b| scale.max(b.abs()));
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |worst: f64, d| if d <= worst { worst } else { d })
        / scale
}

fn to_f32(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}

fn to_f64(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

/// A direction from a formula.
fn direction(dim: usize, phase: f64) -> Vec<f64> {
    (0..dim).map(|i| (2.1 * i as f64 + phase).cos()).collect()
}

fn apply(operator: &HessianOperator, v: &[f64]) -> Vec<f64> {
    let mut out = vec![f64::NAN; v.len()];
    operator.apply(v, &mut out);
    out
}

/// The whole matrix, column by column.
fn dense(operator: &HessianOperator) -> Vec<f64> {
    let n = operator.dim();
    (0..n)
        .flat_map(|i| {
            let mut unit = vec![0.0; n];
            unit[i] = 1.0;
            apply(operator, &unit)
        })
        .collect()
}

/// All eigenvalues, largest first.
fn eigenvalues(matrix: &[f64]) -> Vec<f64> {
    let n = matrix.len().isqrt();
    let mut values = faer::Mat::from_fn(n, n, |i, j| 0.5 * (matrix[i * n + j] + matrix[j * n + i]))
        .self_adjoint_eigenvalues(faer::Side::Lower)
        .unwrap();
    values.reverse();
    values
}

fn cross_entropy() -> Component {
    Component::new("cross_entropy")
}

fn mlp(hidden: &[i64], activation: &str) -> Component {
    Component::new("mlp")
        .with("hidden", hidden.to_vec())
        .with("activation", activation)
        .with("bias", true)
        .with("residual", false)
        .with("layer_norm", false)
}

fn image(channels: usize, height: usize, width: usize) -> InputShape {
    InputShape::Image {
        channels,
        height,
        width,
    }
}

/// A network for these data, and its objective in both precisions.
fn objectives(
    model: &Component,
    loss: &Component,
    data: &Dataset,
) -> (Arc<Network>, Objective<f64>, Objective<f32>) {
    let loss = losses::build(loss).unwrap();
    let outputs = loss.outputs(&data.targets).unwrap();
    let network = Arc::new(Network::build(model, &data.shape, outputs).unwrap());
    let double = Objective::new(Arc::clone(&network), Arc::clone(&loss), data).unwrap();
    let single = Objective::new(Arc::clone(&network), loss, data).unwrap();
    (network, double, single)
}
