//! Norms of gradients, updates and parameters, layer by layer.

use super::optimizers::wide;
use crate::math::vector;

/// Norms of one step, over all layers and for each.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct StepNorms {
    pub(super) total: f64,
    pub(super) layers: Vec<f64>,
}

/// ‖g‖ of each range and of all of them together.
pub(super) fn norms(
    vector: &[f32],
    ranges: impl Iterator<Item = std::ops::Range<usize>>,
) -> StepNorms {
    collect(ranges.map(|range| vector::norm_squared(&vector[range])))
}

/// ‖a − b‖ of each range and of all of them together.
pub(super) fn distances(
    a: &[f32],
    b: &[f32],
    ranges: impl Iterator<Item = std::ops::Range<usize>>,
) -> StepNorms {
    collect(ranges.map(|range| distance_squared(&a[range.clone()], &b[range])))
}

fn collect(squares: impl Iterator<Item = f64>) -> StepNorms {
    let mut norms = StepNorms::default();
    let mut total = 0.0;
    for square in squares {
        total += square;
        norms.layers.push(square.sqrt());
    }
    norms.total = total.sqrt();
    norms
}

/// Σ(aᵢ − bᵢ)², in eight lanes of double precision whose order never changes.
fn distance_squared(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 8;
    let mut lanes = [0.0f64; LANES];
    wide(|| {
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
    });
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let found = distances(&a, &b, [0..37, 37..100].into_iter());
        assert!((found.total - direct).abs() < 1e-12);
        let squares: f64 = found.layers.iter().map(|norm| norm * norm).sum();
        assert!((squares.sqrt() - direct).abs() < 1e-12);
        assert_eq!(norms(&[3.0, 4.0], std::iter::once(0..2)).total, 5.0);
    }
}
