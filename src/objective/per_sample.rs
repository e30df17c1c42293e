//! What single samples and single inputs contribute.

use super::pass::{Real, reserve};
use super::{Objective, Workspace};
use crate::data::Targets;
use crate::nn::kernels::{channels_and_plane, to_channels, to_samples};
use crate::nn::losses::{LossBatch, TargetSlice};

/// What is differentiated with respect to an input.
#[derive(Clone, Copy, Debug)]
pub enum Sensitivity<'a> {
    /// One output for each input: the logit of a class.
    Output(&'a [usize]),
    /// The loss against these targets, one for each input.
    Loss(&'a Targets),
}

impl<T: Real> Objective<T> {
    /// ‖∇ℓ(θ)‖ of every sample, without forming the gradients of dense layers.
    pub fn per_sample_gradient_norms(&self, theta: &[T], workspace: &mut Workspace<T>) -> Vec<T> {
        self.check(theta);
        let inner = &*self.inner;
        let mut norms = Vec::with_capacity(self.len());
        for index in 0..inner.samples.blocks() {
            self.differentiate_block(index, theta, workspace);
            let block = inner.block(index);
            reserve(&mut workspace.losses, block.samples);
            let squares = &mut workspace.losses[..block.samples];
            block.gradient_squares(&workspace.primal, &mut workspace.scratch, squares);
            norms.extend(squares.iter().map(|square| square.sqrt()));
        }
        norms
    }

    /// ⟨∇ℓ(θ), v⟩ of every sample: how fast each sample's loss changes along v.
    pub fn per_sample_slopes(&self, theta: &[T], v: &[T], workspace: &mut Workspace<T>) -> Vec<T> {
        self.check(theta);
        self.check(v);
        let inner = &*self.inner;
        let mut slopes = vec![T::ZERO; self.len()];
        for index in 0..inner.samples.blocks() {
            self.differentiate_block(index, theta, workspace);
            let block = inner.block(index);
            block.curvature(&mut workspace.primal);
            let Workspace {
                primal,
                tangents,
                scratch,
                ..
            } = workspace;
            block.tangent(theta, v, primal, tangents, scratch);
            let n = block.samples;
            let slopes = &mut slopes[inner.samples.start(index)..][..n];
            let rows = block
                .outputs(tangents)
                .chunks_exact(n)
                .zip(block.outputs(&primal.deltas).chunks_exact(n));
            for (tangents, deltas) in rows {
                for ((slope, tangent), delta) in slopes.iter_mut().zip(tangents).zip(deltas) {
                    *slope += *tangent * *delta;
                }
            }
        }
        slopes
    }

    /// The gradient of an output or of the loss with respect to each input, rows
    /// [n, input length] like `inputs`.
    ///
    /// # Panics
    /// If `inputs` are not whole rows, or there is not one output or target for
    /// each.
    pub fn input_gradient(
        &self,
        theta: &[T],
        inputs: &[T],
        sensitivity: Sensitivity<'_>,
        workspace: &mut Workspace<T>,
    ) -> Vec<T> {
        self.check(theta);
        let inner = &*self.inner;
        let length = inner.network.input_shape().len();
        let count = inputs.len() / length;
        assert_eq!(inputs.len(), count * length, "inputs are whole rows");
        let (channels, plane) = channels_and_plane(inner.network.input_shape());
        let mut all = vec![T::ZERO; inputs.len()];
        let step = inner.samples.block_size();
        let (mut ordered, mut gradient) = (Vec::new(), Vec::new());
        for start in (0..count).step_by(step) {
            let n = step.min(count - start);
            let range = start * length..(start + n) * length;
            let block = inner.arranged(&inputs[range.clone()], n, &mut ordered);
            let primal = &mut workspace.primal;
            block.forward(theta, primal, &mut workspace.scratch, 0);
            reserve(&mut primal.deltas, inner.plan.values * n);
            let outputs = block.outputs(&primal.values);
            let seeds = block.outputs_mut(&mut primal.deltas);
            match sensitivity {
                Sensitivity::Output(chosen) => {
                    seeds.fill(T::ZERO);
                    for (s, output) in chosen[start..start + n].iter().enumerate() {
                        seeds[output * n + s] = T::ONE;
                    }
                }
                Sensitivity::Loss(targets) => {
                    let mut values = Vec::new();
                    let batch = LossBatch {
                        outputs,
                        targets: slice(targets, start, n, &mut values),
                        samples: n,
                    };
                    T::gradient(inner.loss.as_ref(), batch, T::ONE, seeds);
                }
            }
            reserve(&mut gradient, range.len());
            let mut deltas = std::mem::take(&mut primal.deltas);
            block.backward(
                theta,
                primal,
                &mut deltas,
                &mut workspace.scratch,
                None,
                Some(&mut gradient[..range.len()]),
            );
            primal.deltas = deltas;
            to_samples(&gradient, n, channels, plane, &mut all[range]);
        }
        all
    }

    /// Values and gradients of a block, not averaged over samples.
    fn differentiate_block(&self, index: usize, theta: &[T], workspace: &mut Workspace<T>) {
        let inner = &*self.inner;
        inner.differentiate(index, theta, workspace, T::ONE);
        let mut deltas = std::mem::take(&mut workspace.primal.deltas);
        inner.block(index).backward(
            theta,
            &workspace.primal,
            &mut deltas,
            &mut workspace.scratch,
            None,
            None,
        );
        workspace.primal.deltas = deltas;
    }
}

/// The targets of n samples from `start` on.
fn slice<'a, T: Real>(
    targets: &'a Targets,
    start: usize,
    n: usize,
    ordered: &'a mut Vec<T>,
) -> TargetSlice<'a, T> {
    match targets {
        Targets::Classes { labels, .. } => TargetSlice::Classes(&labels[start..start + n]),
        Targets::Values { values, dims } => {
            let rows: Vec<T> = values[start * dims..(start + n) * dims]
                .iter()
                .map(|value| T::from_f64(*value))
                .collect();
            ordered.resize(rows.len(), T::ZERO);
            to_channels(&rows, n, *dims, 1, ordered);
            TargetSlice::Values(ordered)
        }
    }
}
