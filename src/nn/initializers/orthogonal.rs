//! Orthogonal weights (Saxe, McClelland, Ganguli 2014).

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

use super::{GAIN, InitializerKind, Source};
use crate::nn::layout::ParameterTensor;
use crate::recipe::{Component, Kind};

/// Rows (or, where there are more rows than columns, columns) of each weight
/// matrix orthonormal, times the gain; a filter counts as a row.
pub static ORTHOGONAL: InitializerKind = InitializerKind {
    kind: Kind {
        key: "orthogonal",
        title: "Orthogonal",
        help: "Random orthogonal weight matrices: signals keep their length through deep networks.",
        fields: &[GAIN],
    },
    source: Source::Random(fill),
};

fn fill(
    component: &Component,
    tensor: &ParameterTensor,
    random: &mut ChaCha8Rng,
    values: &mut [f64],
) {
    let (rows, columns) = (tensor.filters(), tensor.filter_len());
    let (count, length) = (rows.min(columns), rows.max(columns));
    // `count` orthonormal vectors of `length`: Gaussian vectors made orthogonal
    // by Gram and Schmidt, twice each for full accuracy. Without the signs that
    // a QR decomposition would choose, they are uniformly distributed.
    let mut basis: Vec<f64> = Vec::with_capacity(count * length);
    for _ in 0..count {
        let mut vector: Vec<f64> = (0..length).map(|_| StandardNormal.sample(random)).collect();
        for _ in 0..2 {
            for other in basis.chunks_exact(length) {
                let dot: f64 = vector.iter().zip(other).map(|(a, b)| a * b).sum();
                for (value, other) in vector.iter_mut().zip(other) {
                    *value -= dot * other;
                }
            }
        }
        let norm = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
        basis.extend(vector.iter().map(|value| value / norm));
    }
    let gain = component.float("gain");
    for (i, value) in values.iter_mut().enumerate() {
        let (row, column) = (i / columns, i % columns);
        *value = gain
            * if rows <= columns {
                basis[row * length + column]
            } else {
                basis[column * length + row]
            };
    }
}
