//! The Gauss–Newton matrix by its factor, for networks with few samples and
//! outputs.

use rayon::prelude::*;

use super::pass::{Block, reserve};
use super::{Inner, Objective, Workspace};
use crate::math::dense::SymmetricEigen;
use crate::math::{MathError, Progress};
use crate::nn::kernels::channels_and_plane;
use crate::nn::losses::{LossBatch, TargetSlice};

/// A matrix B with BᵀB = G, the Gauss–Newton matrix: row (i, k) is the
/// parameter gradient of sample i's outputs, combined by row k of
/// (∂²ℓᵢ/∂f²/N)^{½}.
#[derive(Clone, Debug)]
pub struct GaussNewtonFactor {
    /// N·K: samples × outputs.
    pub rows: usize,
    /// P: parameters.
    pub dim: usize,
    /// B, row after row.
    pub elements: Vec<f64>,
}

/// Elements of a factor at most (1 GiB).
const ELEMENTS: usize = 1 << 27;

impl Objective<f64> {
    /// The factor of the Gauss–Newton matrix at θ (Schraudolph 2002), one
    /// backward pass for each sample and output. Progress counts samples.
    ///
    /// # Errors
    /// `Argument` where samples × outputs × parameters exceed 2²⁷; `NotFinite`,
    /// `Cancelled`.
    ///
    /// # Panics
    /// If θ has not [`Objective::dim`] numbers.
    pub fn gauss_newton_factor(
        &self,
        theta: &[f64],
        progress: &dyn Progress,
    ) -> Result<GaussNewtonFactor, MathError> {
        self.check(theta);
        let inner = &*self.inner;
        let (dim, width) = (self.dim(), inner.network.outputs());
        let rows = self.len() * width;
        if rows.saturating_mul(dim) > ELEMENTS {
            return Err(MathError::Argument {
                what: "samples × outputs × parameters of a Gauss–Newton factor",
                found: rows.saturating_mul(dim).to_string(),
                expected: "at most 134217728 (use products with the matrix instead)",
            });
        }
        let mut elements = vec![0.0; rows * dim];
        let done = std::sync::atomic::AtomicUsize::new(0);
        elements
            .par_chunks_exact_mut((width * dim).max(1))
            .enumerate()
            .try_for_each_init(Workspace::default, |workspace, (sample, rows)| {
                progress.check()?;
                inner.factor_rows(sample, theta, workspace, rows)?;
                let done = 1 + done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                progress.report(done, inner.samples.len());
                Ok::<_, MathError>(())
            })?;
        Ok(GaussNewtonFactor {
            rows,
            dim,
            elements,
        })
    }
}

impl Inner<f64> {
    /// Adds the rows of one sample to `rows`.
    fn factor_rows(
        &self,
        sample: usize,
        theta: &[f64],
        workspace: &mut Workspace<f64>,
        rows: &mut [f64],
    ) -> Result<(), MathError> {
        let (index, place) = (
            sample / self.samples.block_size(),
            sample % self.samples.block_size(),
        );
        let n = self.samples.count(index);
        // The sample out of its block, in which all samples of a channel lie
        // side by side.
        let (_, plane) = channels_and_plane(self.network.input_shape());
        let input: Vec<f64> = self
            .samples
            .inputs(index)
            .chunks_exact(n * plane)
            .flat_map(|channel| &channel[place * plane..(place + 1) * plane])
            .copied()
            .collect();
        let values: Vec<f64>;
        let targets = match self.samples.targets(index) {
            TargetSlice::Classes(labels) => TargetSlice::Classes(&labels[place..=place]),
            TargetSlice::Values(all) => {
                values = all.chunks_exact(n).map(|row| row[place]).collect();
                TargetSlice::Values(&values)
            }
        };
        let block = Block {
            network: &self.network,
            plan: &self.plan,
            input: &input,
            samples: 1,
        };
        block.forward(theta, &mut workspace.primal, &mut workspace.scratch, 0);
        let batch = LossBatch {
            outputs: block.outputs(&workspace.primal.values),
            targets,
            samples: 1,
        };
        let width = self.network.outputs();
        let root = self.loss_root(batch, width)?;
        let mut deltas = std::mem::take(&mut workspace.primal.deltas);
        reserve(&mut deltas, self.plan.values);
        for (seeds, row) in root
            .chunks_exact(width)
            .zip(rows.chunks_exact_mut(theta.len()))
        {
            block.outputs_mut(&mut deltas).copy_from_slice(seeds);
            block.backward(
                theta,
                &workspace.primal,
                &mut deltas,
                &mut workspace.scratch,
                Some(row),
                None,
            );
        }
        workspace.primal.deltas = deltas;
        Ok(())
    }

    /// (∂²ℓ/∂f²/N)^{½} of one sample, a symmetric matrix. Losses are convex in
    /// the outputs; what rounding makes negative counts as zero.
    fn loss_root(&self, batch: LossBatch<'_, f64>, width: usize) -> Result<Vec<f64>, MathError> {
        let factor = 1.0 / self.samples.len() as f64;
        let mut matrix = vec![0.0; width * width];
        let mut unit = vec![0.0; width];
        for (k, column) in matrix.chunks_exact_mut(width).enumerate() {
            unit[k] = 1.0;
            self.loss.hessian_product_f64(batch, factor, &unit, column);
            unit[k] = 0.0;
        }
        let eigen = SymmetricEigen::new(width, &matrix)?;
        matrix.fill(0.0);
        for (k, value) in eigen.values.iter().enumerate() {
            let v = eigen.vector(k);
            let size = value.max(0.0).sqrt();
            for (row, x) in matrix.chunks_exact_mut(width).zip(v) {
                for (element, y) in row.iter_mut().zip(v) {
                    *element += size * x * y;
                }
            }
        }
        Ok(matrix)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::HessianOperator;
    use super::*;
    use crate::data::InputShape;
    use crate::math::operator::SymmetricOperator;
    use crate::nn::{Network, losses, oracle};
    use crate::recipe::Component;

    fn objective(
        model: &Component,
        loss: &Component,
        shape: InputShape,
        regression: bool,
    ) -> (Objective<f64>, Vec<f64>) {
        let data = oracle::data(shape, 23, 3, regression);
        let loss = losses::build(loss).unwrap();
        let outputs = loss.outputs(&data.targets).unwrap();
        let network = Arc::new(Network::build(model, &data.shape, outputs).unwrap());
        let theta = oracle::theta(&network, 0.1);
        (Objective::new(network, loss, &data).unwrap(), theta)
    }

    fn product(operator: &HessianOperator, v: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; v.len()];
        operator.apply(v, &mut out);
        out
    }

    #[test]
    fn its_square_is_the_gauss_newton_matrix() {
        let mlp = Component::new("mlp")
            .with("hidden", vec![5i64, 4])
            .with("activation", "gelu")
            .with("bias", true)
            .with("residual", false)
            .with("layer_norm", false);
        let cnn = Component::new("cnn").with(
            "layers",
            vec!["conv 3 3x3 pad 1", "silu", "max-pool 2", "layer-norm"],
        );
        let image = InputShape::Image {
            channels: 2,
            height: 4,
            width: 4,
        };
        let cross_entropy = Component::new("cross_entropy");
        let squared = Component::new("mean_squared_error").with("half", false);
        for (model, loss, shape, regression) in [
            (&mlp, &cross_entropy, InputShape::Vector(2), false),
            (&mlp, &squared, InputShape::Vector(2), true),
            (&cnn, &cross_entropy, image, false),
        ] {
            let (objective, theta) = objective(model, loss, shape, regression);
            let factor = objective.gauss_newton_factor(&theta, &()).unwrap();
            assert_eq!(factor.rows, objective.len() * objective.network().outputs());
            let matrix = objective.gauss_newton(&theta);
            for phase in [0.3, 1.1] {
                let v: Vec<f64> = (0..theta.len())
                    .map(|i| (2.1 * i as f64 + phase).cos())
                    .collect();
                let mut found = vec![0.0; v.len()];
                for row in factor.elements.chunks_exact(factor.dim) {
                    let along = crate::math::vector::dot(row, &v);
                    crate::math::vector::axpy(along, row, &mut found);
                }
                let expected = product(&matrix, &v);
                let scale = crate::math::vector::max_abs(&expected);
                for (found, expected) in found.iter().zip(&expected) {
                    assert!((found - expected).abs() < 1e-11 * scale);
                }
            }
        }
    }
}
