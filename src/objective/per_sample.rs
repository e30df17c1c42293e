//! What single samples and single inputs contribute.

use super::pass::{Block, Primal, Real, Scratch, reserve};
use super::{Objective, Workspace};
use crate::data::Targets;
use crate::nn::kernels::matrix::row_sums;
use crate::nn::kernels::{View, Write, channels_and_plane, conv, to_channels, to_samples};
use crate::nn::losses::{LossBatch, TargetSlice};
use crate::nn::network::Operator;

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
    pub(super) fn differentiate_block(
        &self,
        index: usize,
        theta: &[T],
        workspace: &mut Workspace<T>,
    ) {
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

impl<T: Real> Block<'_, T> {
    /// `squares[s]` ← ‖∇ℓ‖² of sample s, from the values and from gradients that
    /// are not averaged over samples.
    ///
    /// For a dense layer the gradient of a sample is the outer product δ aᵀ, so
    /// its norm is ‖δ‖²(‖a‖² + 1), bias included (Goodfellow 2015).
    fn gradient_squares(&self, primal: &Primal<T>, scratch: &mut Scratch<T>, squares: &mut [T]) {
        let (plan, n) = (self.plan, self.samples);
        scratch.fit(plan, n);
        squares.fill(T::ZERO);
        let square_sum = |rows: &[T], sums: &mut [T]| {
            sums.fill(T::ZERO);
            for row in rows.chunks_exact(n) {
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += *value * *value;
                }
            }
        };
        let (mut deltas, mut inputs) = (vec![T::ZERO; n], vec![T::ZERO; n]);
        for (k, operation) in self.network.operations().iter().enumerate() {
            let dy = &primal.deltas[plan.range(k + 1, n)];
            let x = self.value(&primal.values, operation.input);
            match operation.operator {
                Operator::Dense { bias, .. } => {
                    square_sum(dy, &mut deltas);
                    square_sum(x, &mut inputs);
                    let bias = if bias.is_some() { T::ONE } else { T::ZERO };
                    for ((square, delta), input) in squares.iter_mut().zip(&deltas).zip(&inputs) {
                        *square += *delta * (*input + bias);
                    }
                }
                Operator::Conv2d { bias, geometry, .. } => {
                    let columns = &mut scratch.columns;
                    conv_gradients(
                        &geometry,
                        bias.is_some(),
                        dy,
                        x,
                        n,
                        columns,
                        |s, gradient| {
                            squares[s] += gradient.iter().map(|value| *value * *value).sum::<T>();
                        },
                    );
                }
                Operator::LayerNorm { geometry, .. } => {
                    let statistics =
                        &primal.statistics[plan.extra[k] * n..][..geometry.statistics_len(n)];
                    let columns = n * geometry.plane;
                    let (mean, inverse) = statistics.split_at(columns);
                    for (i, (x, dy)) in x.iter().zip(dy).enumerate() {
                        let j = i % columns;
                        let normalized = (*x - mean[j]) * inverse[j];
                        squares[j / geometry.plane] +=
                            *dy * *dy * (normalized * normalized + T::ONE);
                    }
                }
                Operator::MaxPool2d(_)
                | Operator::AvgPool2d(_)
                | Operator::Flatten
                | Operator::Activation(_)
                | Operator::Add(_) => {}
            }
        }
    }
}

/// Forms the gradient of a convolution's weight (and bias, behind it) for one
/// sample after the other.
pub(super) fn conv_gradients<T: Real>(
    geometry: &conv::ConvGeometry,
    bias: bool,
    dy: &[T],
    x: &[T],
    n: usize,
    columns: &mut [T],
    mut take: impl FnMut(usize, &[T]),
) {
    let (plane, positions) = (geometry.height * geometry.width, geometry.output_plane());
    let weights = geometry.outputs * geometry.patch_len();
    let biases = if bias { geometry.outputs } else { 0 };
    let mut gradient = vec![T::ZERO; weights + biases];
    let mut delta = vec![T::ZERO; geometry.outputs * positions];
    for s in 0..n {
        for (o, row) in delta.chunks_exact_mut(positions).enumerate() {
            row.copy_from_slice(&dy[(o * n + s) * positions..][..positions]);
        }
        let view = View {
            data: &x[s * plane..],
            samples: 1,
            channel_stride: n * plane,
            sample_stride: 0,
        };
        let (weight, sums) = gradient.split_at_mut(weights);
        let write = Write::Overwrite;
        conv::parameter_gradient(geometry, &delta, view, write, weight, None, columns);
        if bias {
            row_sums(sums, write, &delta, positions);
        }
        take(s, &gradient);
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
