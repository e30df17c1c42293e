//! Inner products between the gradients of samples.

use super::pass::Real;
use super::per_sample::conv_gradients;
use super::{Objective, Workspace};
use crate::nn::kernels::Write;
use crate::nn::kernels::matrix::{Matrix, multiply};
use crate::nn::network::Operator;

/// What the gradients of one layer are made of, for all samples.
enum Factor<T> {
    /// Outer products δ aᵀ: the inputs a [inputs, N] and the gradients δ
    /// [outputs, N] of the outputs.
    Outer {
        inputs: Vec<T>,
        deltas: Vec<T>,
        bias: bool,
    },
    /// The gradients themselves, [parameters, N].
    Whole(Vec<T>),
}

impl<T: Real> Objective<T> {
    /// ⟨∇ℓᵢ(θ), ∇ℓⱼ(θ)⟩ of all pairs of samples, a symmetric matrix [N, N].
    ///
    /// The gradients of dense layers are not formed: those of two samples are
    /// outer products, so that their inner product is ⟨δᵢ, δⱼ⟩(⟨aᵢ, aⱼ⟩ + 1),
    /// bias included. Where it is large two samples learn from each other, where
    /// it is negative they oppose each other (Fort et al. 2019, "Stiffness").
    pub fn per_sample_gradient_products(
        &self,
        theta: &[T],
        workspace: &mut Workspace<T>,
    ) -> Vec<T> {
        self.check(theta);
        let n = self.len();
        let mut sum = vec![T::ZERO; n * n];
        let (mut inner, mut outer) = (Vec::new(), Vec::new());
        for factor in self.gradient_factors(theta, workspace) {
            match factor {
                Factor::Outer {
                    inputs,
                    deltas,
                    bias,
                } => {
                    gram(&inputs, n, Write::Overwrite, &mut inner);
                    gram(&deltas, n, Write::Overwrite, &mut outer);
                    let bias = if bias { T::ONE } else { T::ZERO };
                    for ((sum, inner), outer) in sum.iter_mut().zip(&inner).zip(&outer) {
                        *sum += *outer * (*inner + bias);
                    }
                }
                Factor::Whole(gradients) => gram(&gradients, n, Write::Accumulate, &mut sum),
            }
        }
        sum
    }

    fn gradient_factors(&self, theta: &[T], workspace: &mut Workspace<T>) -> Vec<Factor<T>> {
        let all = &*self.inner;
        let (plan, total) = (&all.plan, self.len());
        let operations = all.network.operations();
        let mut factors: Vec<Option<Factor<T>>> = Vec::new();
        for operation in operations {
            let zeros = |rows: usize| vec![T::ZERO; rows * total];
            factors.push(match operation.operator {
                Operator::Dense {
                    inputs,
                    outputs,
                    bias,
                    ..
                } => Some(Factor::Outer {
                    inputs: zeros(inputs),
                    deltas: zeros(outputs),
                    bias: bias.is_some(),
                }),
                Operator::Conv2d { geometry, bias, .. } => {
                    let biases = if bias.is_some() { 1 } else { 0 };
                    let parameters = geometry.outputs * (geometry.patch_len() + biases);
                    Some(Factor::Whole(zeros(parameters)))
                }
                Operator::LayerNorm { .. } => {
                    let features = plan.lengths[operation.input];
                    Some(Factor::Whole(zeros(2 * features)))
                }
                _ => None,
            });
        }
        for index in 0..all.samples.blocks() {
            self.differentiate_block(index, theta, workspace);
            let block = all.block(index);
            let (n, start) = (block.samples, all.samples.start(index));
            let Workspace {
                primal, scratch, ..
            } = &mut *workspace;
            scratch.fit(plan, n);
            for (k, (operation, factor)) in operations.iter().zip(&mut factors).enumerate() {
                let dy = &primal.deltas[plan.range(k + 1, n)];
                let x = block.value(&primal.values, operation.input);
                match (factor, &operation.operator) {
                    (Some(Factor::Outer { inputs, deltas, .. }), _) => {
                        place(x, n, start, total, inputs);
                        place(dy, n, start, total, deltas);
                    }
                    (Some(Factor::Whole(whole)), Operator::Conv2d { geometry, bias, .. }) => {
                        let columns = &mut scratch.columns;
                        conv_gradients(
                            geometry,
                            bias.is_some(),
                            dy,
                            x,
                            n,
                            columns,
                            |s, gradient| {
                                for (p, value) in gradient.iter().enumerate() {
                                    whole[p * total + start + s] = *value;
                                }
                            },
                        );
                    }
                    (Some(Factor::Whole(whole)), Operator::LayerNorm { geometry, .. }) => {
                        let statistics =
                            &primal.statistics[plan.extra[k] * n..][..geometry.statistics_len(n)];
                        let columns = n * geometry.plane;
                        let (mean, inverse) = statistics.split_at(columns);
                        let features = x.len() / n;
                        for (i, (x, dy)) in x.iter().zip(dy).enumerate() {
                            let (channel, j) = (i / columns, i % columns);
                            let (s, position) = (j / geometry.plane, j % geometry.plane);
                            let feature = channel * geometry.plane + position;
                            let normalized = (*x - mean[j]) * inverse[j];
                            whole[feature * total + start + s] = *dy * normalized;
                            whole[(features + feature) * total + start + s] = *dy;
                        }
                    }
                    _ => {}
                }
            }
        }
        factors.into_iter().flatten().collect()
    }
}

/// Writes the rows [rows, n] of a block into the columns from `start` on.
fn place<T: Copy>(rows: &[T], n: usize, start: usize, total: usize, out: &mut [T]) {
    for (row, out) in rows.chunks_exact(n).zip(out.chunks_exact_mut(total)) {
        out[start..start + n].copy_from_slice(row);
    }
}

/// `out` ← or += MᵀM for M [rows, n].
fn gram<T: Real>(matrix: &[T], n: usize, write: Write, out: &mut Vec<T>) {
    out.resize(n * n, T::ZERO);
    multiply(
        (n, n, matrix.len() / n),
        out,
        write,
        Matrix::transposed(matrix, n),
        Matrix::rows(matrix, n),
    );
}
