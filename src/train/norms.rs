//! Norms of gradients, updates and parameters, layer by layer.

use super::layers::Layer;
use super::optimizers::wide;
use crate::math::vector;

/// The norm of a vector and of each layer's part of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Norms {
    pub(super) total: f64,
    pub(super) layers: Vec<f64>,
}

impl Norms {
    fn from_squares(squares: impl Iterator<Item = f64>) -> Self {
        let mut norms = Self::default();
        let mut total = 0.0;
        for square in squares {
            total += square;
            norms.layers.push(square.sqrt());
        }
        norms.total = total.sqrt();
        norms
    }
}

/// ‖g‖.
pub(super) fn norms(vector: &[f32], layers: &[Layer]) -> Norms {
    let part = |layer: &Layer| vector::norm_squared(&vector[layer.range.clone()]);
    Norms::from_squares(layers.iter().map(part))
}

/// ‖a − b‖.
pub(super) fn distances(a: &[f32], b: &[f32], layers: &[Layer]) -> Norms {
    let part = |layer: &Layer| {
        let range = layer.range.clone();
        distance_squared(&a[range.clone()], &b[range])
    };
    Norms::from_squares(layers.iter().map(part))
}

/// The norm of each layer's update over the norm of its parameters. About 1e-3
/// is usual for a network that learns well; a layer whose parameters are all
/// zero gives infinity, or not-a-number where its update is zero too.
pub(super) fn ratios(updates: &Norms, parameters: &Norms) -> Vec<f32> {
    updates
        .layers
        .iter()
        .zip(&parameters.layers)
        .map(|(update, parameters)| (update / parameters) as f32)
        .collect()
}

/// Σ(aᵢ − bᵢ)², in sixteen lanes of double precision whose order never changes.
fn distance_squared(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 16;
    wide(|| {
        let mut lanes = [0.0f64; LANES];
        let (a_chunks, a_rest) = a.as_chunks::<LANES>();
        let (b_chunks, b_rest) = b.as_chunks::<LANES>();
        for (a, b) in a_chunks.iter().zip(b_chunks) {
            for lane in 0..LANES {
                let difference = f64::from(a[lane]) - f64::from(b[lane]);
                lanes[lane] += difference * difference;
            }
        }
        for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
            let difference = f64::from(*a) - f64::from(*b);
            lanes[lane] += difference * difference;
        }
        lanes.iter().sum()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(range: std::ops::Range<usize>) -> Layer {
        Layer {
            name: String::new(),
            range,
        }
    }

    #[test]
    fn layers_add_up_to_the_whole() {
        let a: Vec<f32> = (0..100).map(|i| (i as f32 * 0.3).sin()).collect();
        let b: Vec<f32> = (0..100).map(|i| (i as f32 * 0.7).cos()).collect();
        let direct = a
            .iter()
            .zip(&b)
            .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
            .sum::<f64>()
            .sqrt();
        let found = distances(&a, &b, &[layer(0..37), layer(37..100)]);
        assert!((found.total - direct).abs() < 1e-12);
        let squares: f64 = found.layers.iter().map(|norm| norm * norm).sum();
        assert!((squares.sqrt() - direct).abs() < 1e-12);
        assert_eq!(norms(&[3.0, 4.0], &[layer(0..2)]).total, 5.0);
    }

    #[test]
    fn ratios_are_by_layer_and_zero_parameters_show() {
        let of = |layers: &[f64]| Norms {
            total: 0.0,
            layers: layers.to_vec(),
        };
        let ratios = ratios(&of(&[0.1, 0.2, 0.0]), &of(&[10.0, 0.0, 0.0]));
        assert!((ratios[0] - 0.01).abs() < 1e-9);
        assert!(ratios[1].is_infinite() && ratios[2].is_nan());
    }
}
