//! Where gradients and updates lie with respect to the curvature.

use serde::{Deserialize, Serialize};

use crate::math::floats::Real;
use crate::math::statistics::Estimate;
use crate::math::{MathError, SymmetricOperator, vector};
use crate::objective::Objective;

/// Share of a vector in the space that orthonormal `vectors` span, ‖Pg‖²/‖g‖²:
/// of the gradient in the top eigenspace, f_top of Gur-Ari, Roberts and Dyer
/// 2018. Not-a-number for a zero vector.
pub fn eigenspace_share<T: Real>(g: &[T], vectors: &[Vec<f64>]) -> f64 {
    let inside: f64 = vectors.iter().map(|v| vector::dot(g, v).powi(2)).sum();
    inside / vector::norm_squared(g)
}

/// A vector as its part in the space of orthonormal `vectors` and the rest:
/// the dominant and the bulk component of an update.
pub fn split_by_eigenspace<T: Real>(g: &[T], vectors: &[Vec<f64>]) -> (Vec<f64>, Vec<f64>) {
    let mut inside = vec![0.0; g.len()];
    let mut rest = vector::to_f64(g);
    // Twice: the second pass removes what rounding left.
    for _ in 0..2 {
        for v in vectors {
            let along = vector::dot(&rest, v);
            vector::axpy(along, v, &mut inside);
            vector::axpy(-along, v, &mut rest);
        }
    }
    (inside, rest)
}

/// Overlap of two spaces with orthonormal bases, tr(P₁P₂)/√(k₁k₂): for equal k
/// (1/k)Σ⟨vᵢ, wⱼ⟩² (Gur-Ari, Roberts and Dyer 2018, equation 5). 1 for equal
/// spaces, 0 for orthogonal ones, about k/n for random ones; not-a-number for
/// an empty one.
pub fn eigenspace_overlap(first: &[Vec<f64>], second: &[Vec<f64>]) -> f64 {
    let sum: f64 = first
        .iter()
        .flat_map(|v| second.iter().map(move |w| vector::dot(v, w).powi(2)))
        .sum();
    sum / ((first.len() * second.len()) as f64).sqrt()
}

/// The overlap of every pair of spaces, such as the eigenspace at each step
/// with that at each other: the symmetric matrix of a heat map.
pub fn overlap_matrix(spaces: &[Vec<Vec<f64>>]) -> Vec<Vec<f64>> {
    let n = spaces.len();
    let mut matrix = vec![vec![0.0; n]; n];
    for i in 0..n {
        for j in 0..=i {
            let overlap = eigenspace_overlap(&spaces[i], &spaces[j]);
            matrix[i][j] = overlap;
            matrix[j][i] = overlap;
        }
    }
    matrix
}

/// Turn `v` so that it points the way `previous` does. An eigenvector's sign is
/// arbitrary; projections on it make a curve only if it is kept.
pub fn keep_sign(v: &mut [f64], previous: &[f64]) {
    if v.len() == previous.len() && vector::dot(v, previous) < 0.0 {
        vector::scale(-1.0, v);
    }
}

/// The curvature along a direction, dᵀHd/‖d‖²: a weighted mean of all
/// eigenvalues. Not-a-number for a zero direction.
///
/// # Errors
/// `Length` for another length than the operator's.
pub fn directional_curvature<A: SymmetricOperator + ?Sized>(
    operator: &A,
    direction: &[f64],
) -> Result<f64, MathError> {
    crate::math::error::check_length("a direction", direction.len(), operator.dim())?;
    let mut product = vec![0.0; direction.len()];
    operator.apply(direction, &mut product);
    Ok(vector::dot(direction, &product) / vector::norm_squared(direction))
}

/// The loss along an update Δ as far as its second-order expansion knows it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QuadraticModel {
    /// gᵀΔ.
    pub slope: f64,
    /// ΔᵀHΔ.
    pub curvature: f64,
    /// ‖Δ‖.
    pub length: f64,
}

impl QuadraticModel {
    /// Of an update, from gradient and Hessian where it starts.
    ///
    /// # Errors
    /// `Length` where the vectors do not belong together.
    pub fn of<A: SymmetricOperator + ?Sized>(
        operator: &A,
        gradient: &[f64],
        update: &[f64],
    ) -> Result<Self, MathError> {
        crate::math::error::check_length("the gradient", gradient.len(), operator.dim())?;
        crate::math::error::check_length("an update", update.len(), operator.dim())?;
        let mut product = vec![0.0; update.len()];
        operator.apply(update, &mut product);
        Ok(Self {
            slope: vector::dot(gradient, update),
            curvature: vector::dot(update, &product),
            length: vector::norm(update),
        })
    }

    /// Predicted change of the loss over the whole update, gᵀΔ + ½ΔᵀHΔ.
    pub fn change(&self) -> f64 {
        self.slope + 0.5 * self.curvature
    }

    /// The multiple of the update at which the parabola is lowest; nothing
    /// where it has no lowest point.
    pub fn best_multiple(&self) -> Option<f64> {
        (self.curvature > 0.0).then(|| -self.slope / self.curvature)
    }
}

/// The curvature along the gradient, gᵀHg/‖g‖², of each batch's own loss, and
/// their mean with its standard error: the batch sharpness, which comes to rest
/// at 2/η where stochastic gradient descent hovers (Andreyev and Beneventano
/// 2024). Not-a-number where a batch's gradient is zero.
///
/// # Panics
/// If θ has not as many numbers as the objectives have parameters.
pub fn batch_sharpness(batches: &[Objective<f64>], theta: &[f64]) -> (Estimate, Vec<f64>) {
    use rayon::prelude::*;
    let samples: Vec<f64> = batches
        .par_iter()
        .map(|batch| {
            let mut gradient = vec![0.0; theta.len()];
            batch.gradient(theta, &mut batch.workspace(), &mut gradient);
            let mut product = vec![0.0; theta.len()];
            batch.hessian(theta).apply(&gradient, &mut product);
            vector::dot(&gradient, &product) / vector::norm_squared(&gradient)
        })
        .collect();
    (Estimate::of_mean(&samples), samples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curvature::{ExtremalOptions, top_eigenvalues};
    use crate::math::golden::{self, gaussian, random_symmetric};
    use crate::math::krylov::OrthonormalBasis;
    use crate::math::operator::DenseSymmetric;
    use crate::math::rng::stream;
    use proptest::prelude::*;

    fn orthonormal(n: usize, k: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut basis = OrthonormalBasis::new(n, k);
        for j in 0..k {
            let mut w = gaussian(n, 100 * seed + j as u64);
            let length = basis.orthogonalize(&mut w);
            basis.push(&w, 1.0 / length);
        }
        (0..k)
            .map(|j| {
                let mut v = vec![0.0; n];
                basis.column(j, &mut v);
                v
            })
            .collect()
    }

    #[test]
    fn shares_by_pythagoras() {
        let basis = vec![vec![1.0, 0.0, 0.0], vec![0.0, 0.6, 0.8]];
        let g = [1.0f32, 2.0, 2.0];
        // 1² + (1.2 + 1.6)² of 9.
        assert!((eigenspace_share(&g, &basis) - 8.84 / 9.0).abs() < 1e-12);
        let (inside, rest) = split_by_eigenspace(&g, &basis);
        for (x, expected) in inside.iter().zip([1.0, 1.68, 2.24]) {
            assert!((x - expected).abs() < 1e-12);
        }
        for (x, expected) in rest.iter().zip([0.0, 0.32, -0.24]) {
            assert!((x - expected).abs() < 1e-12);
        }
        assert!(eigenspace_share(&[0.0; 3], &basis).is_nan());
        assert_eq!(eigenspace_share(&g, &[]), 0.0);
    }

    #[test]
    fn overlaps_of_known_spaces() {
        let n = 400;
        let first = orthonormal(n, 4, 1);
        assert!((eigenspace_overlap(&first, &first) - 1.0).abs() < 1e-12);
        // A rotation within the space does not matter.
        let turned: Vec<Vec<f64>> = [(0, 1, 0.6, 0.8), (1, 0, 0.6, -0.8)]
            .iter()
            .map(|(i, j, c, s)| {
                let pairs = first[*i].iter().zip(&first[*j]);
                pairs.map(|(x, y)| c * x + s * y).collect()
            })
            .collect();
        assert!((eigenspace_overlap(&first[..2], &turned) - 1.0).abs() < 1e-12);
        assert!(eigenspace_overlap(&first[..2], &first[2..]) < 1e-12);
        let other = orthonormal(n, 4, 2);
        // Random spaces: k/n on average.
        assert!(eigenspace_overlap(&first, &other) < 4.0 * 4.0 / n as f64);
        let matrix = overlap_matrix(&[first.clone(), other, first]);
        assert!((matrix[0][2] - 1.0).abs() < 1e-12);
        assert_eq!(matrix[0][1], matrix[1][0]);
        assert!(eigenspace_overlap(&[], &turned).is_nan());
    }

    #[test]
    fn signs_are_kept() {
        let mut v = vec![1.0, -2.0];
        keep_sign(&mut v, &[-1.0, 1.0]);
        assert_eq!(v, [-1.0, 2.0]);
        keep_sign(&mut v, &[-1.0, 1.0]);
        assert_eq!(v, [-1.0, 2.0]);
    }

    #[test]
    fn along_an_eigenvector_the_curvature_is_its_eigenvalue() {
        let hessian = golden::hessian(&golden::mlp());
        let options = ExtremalOptions {
            largest: 2,
            tolerance: 1e-9,
            ..ExtremalOptions::default()
        };
        let top = top_eigenvalues(&hessian, &options, &[], &mut stream(0, "s"), &()).unwrap();
        let scaled: Vec<f64> = top.vectors[1].iter().map(|x| -3.0 * x).collect();
        let along = directional_curvature(&hessian, &scaled).unwrap();
        assert!((along - top.eigenvalues[1].value).abs() < 1e-10);
        assert!(directional_curvature(&hessian, &[1.0]).is_err());
        assert!(
            directional_curvature(&hessian, &[0.0; 27])
                .unwrap()
                .is_nan()
        );
    }

    #[test]
    fn the_quadratic_model_is_right_to_third_order() {
        let reference = golden::mlp();
        let hessian = golden::hessian(&reference);
        let theta = &reference.theta;
        let gradient: Vec<f64> = (0..27)
            .map(|i| {
                let at = |h: f64| {
                    let mut moved = theta.clone();
                    moved[i] += h;
                    golden::loss(&moved, &reference)
                };
                (at(1e-6) - at(-1e-6)) / 2e-6
            })
            .collect();
        let error = |eta: f64| {
            let update: Vec<f64> = gradient.iter().map(|g| -eta * g).collect();
            let model = QuadraticModel::of(&hessian, &gradient, &update).unwrap();
            let moved: Vec<f64> = theta.iter().zip(&update).map(|(t, d)| t + d).collect();
            (golden::loss(&moved, &reference) - reference.loss - model.change()).abs()
        };
        let (far, near) = (error(0.2), error(0.1));
        assert!(far / near > 6.0 && far / near < 10.0, "{far} {near}");

        // Exact on a quadratic, and its minimum is where it says.
        let a = DenseSymmetric::diagonal(&[2.0, 5.0]);
        let model = QuadraticModel::of(&a, &[2.0, 5.0], &[-1.0, -1.0]).unwrap();
        assert!((model.change() + 3.5).abs() < 1e-14);
        assert!((model.best_multiple().unwrap() - 1.0).abs() < 1e-14);
        let down = DenseSymmetric::diagonal(&[-1.0]);
        let model = QuadraticModel::of(&down, &[1.0], &[-1.0]).unwrap();
        assert_eq!(model.best_multiple(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn parts_are_orthogonal_and_complete(seed in 0u64..1000, k in 1usize..8) {
            let n = 30;
            let basis = orthonormal(n, k, seed);
            let g = gaussian(n, seed + 7);
            let (inside, rest) = split_by_eigenspace(&g, &basis);
            for i in 0..n {
                prop_assert!((inside[i] + rest[i] - g[i]).abs() < 1e-12);
            }
            prop_assert!(vector::dot(&inside, &rest).abs() < 1e-12);
            let share = eigenspace_share(&g, &basis);
            let direct = vector::norm_squared(&inside) / vector::norm_squared(&g);
            prop_assert!((share - direct).abs() < 1e-12);
            // A curvature is between the ends of the spectrum.
            let a = random_symmetric(n, seed);
            let values = crate::math::dense::SymmetricEigen::new(n, a.elements()).unwrap().values;
            let along = directional_curvature(&a, &g).unwrap();
            prop_assert!(values[0] - 1e-9 <= along && along <= values[n - 1] + 1e-9);
        }
    }
}
