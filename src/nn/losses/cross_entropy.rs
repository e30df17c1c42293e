//! Softmax cross-entropy.

// Loops with indices over arrays of a constant length become vectors.
#![allow(clippy::needless_range_loop)]

use std::sync::Arc;

use super::{Formula, LossBatch, LossKind, TargetSlice};
use crate::data::Targets;
use crate::nn::error::LossError;
use crate::nn::kernels::Scalar;
use crate::recipe::Kind;

/// −ln of the softmax probability of the true class.
pub static CROSS_ENTROPY: LossKind = LossKind {
    kind: Kind {
        key: "cross_entropy",
        title: "Cross-entropy",
        help: "Minus the logarithm of the softmax probability of the true class; for classes.",
        fields: &[],
    },
    build: |_| Arc::new(CrossEntropy),
    #[cfg(test)]
    oracle: |_, outputs, y| {
        let shifted = outputs.broadcast_sub(&outputs.max_keepdim(1)?.detach())?;
        let normalizer = shifted.exp()?.sum_keepdim(1)?.log()?;
        normalizer.sum_all()? - (shifted * y)?.sum_all()?
    },
};

/// ℓ = ln Σ exp f − f_y, gradient p − e_y, Hessian diag p − p pᵀ.
#[derive(Debug)]
struct CrossEntropy;

/// Calls a function for all samples in order, for N of them at a time with N as
/// a constant: sums then stay in registers and loops have no ends to care for.
macro_rules! in_chunks {
    ($samples:expr, $start:ident, $n:ident => $body:expr) => {{
        let mut $start = 0;
        while $start + 64 <= $samples {
            const $n: usize = 64;
            $body;
            $start += $n;
        }
        while $start + 16 <= $samples {
            const $n: usize = 16;
            $body;
            $start += $n;
        }
        while $start < $samples {
            const $n: usize = 1;
            $body;
            $start += $n;
        }
    }};
}

/// N numbers of a row.
#[inline(always)]
fn chunk<T, const N: usize>(row: &[T], start: usize) -> &[T; N] {
    &row[start..start + N].as_chunks::<N>().0[0]
}

/// N numbers of a row, to be written.
#[inline(always)]
fn chunk_mut<T, const N: usize>(row: &mut [T], start: usize) -> &mut [T; N] {
    &mut row[start..start + N].as_chunks_mut::<N>().0[0]
}

/// Row maxima m and Σ exp(f − m) of N samples from `start`.
#[inline(always)]
fn log_sum_exp<T: Scalar, const FMA: bool, const N: usize>(
    batch: &LossBatch<'_, T>,
    start: usize,
) -> ([T; N], [T; N]) {
    let mut largest = *chunk::<T, N>(batch.outputs, start);
    for row in batch.outputs.chunks_exact(batch.samples).skip(1) {
        let row = chunk::<T, N>(row, start);
        for i in 0..N {
            // Keeps a not-a-number on either side.
            largest[i] = if row[i] <= largest[i] {
                largest[i]
            } else {
                row[i]
            };
        }
    }
    let mut sums = [T::ZERO; N];
    for row in batch.outputs.chunks_exact(batch.samples) {
        let row = chunk::<T, N>(row, start);
        for i in 0..N {
            sums[i] += (row[i] - largest[i]).exp_nonpositive::<FMA>();
        }
    }
    (largest, sums)
}

#[inline(always)]
fn losses<T: Scalar, const FMA: bool, const N: usize>(
    batch: &LossBatch<'_, T>,
    labels: &[u32],
    start: usize,
    losses: &mut [T],
) {
    let (largest, sums) = log_sum_exp::<T, FMA, N>(batch, start);
    let losses = chunk_mut::<T, N>(losses, start);
    for i in 0..N {
        losses[i] = sums[i].ln::<FMA>() + largest[i];
    }
    for i in 0..N {
        let s = start + i;
        losses[i] -= batch.outputs[labels[s] as usize * batch.samples + s];
    }
}

#[inline(always)]
fn gradient<T: Scalar, const FMA: bool, const N: usize>(
    batch: &LossBatch<'_, T>,
    labels: &[u32],
    start: usize,
    factor: T,
    gradient: &mut [T],
) {
    let n = batch.samples;
    let (largest, mut sums) = log_sum_exp::<T, FMA, N>(batch, start);
    for sum in &mut sums {
        *sum = factor / *sum;
    }
    let rows = batch.outputs.chunks_exact(n);
    for (row, out) in rows.zip(gradient.chunks_exact_mut(n)) {
        let (row, out) = (chunk::<T, N>(row, start), chunk_mut::<T, N>(out, start));
        for i in 0..N {
            out[i] = (row[i] - largest[i]).exp_nonpositive::<FMA>() * sums[i];
        }
    }
    for s in start..start + N {
        gradient[labels[s] as usize * n + s] -= factor;
    }
}

#[inline(always)]
fn hessian_product<T: Scalar, const FMA: bool, const N: usize>(
    batch: &LossBatch<'_, T>,
    start: usize,
    factor: T,
    direction: &[T],
    product: &mut [T],
) {
    let n = batch.samples;
    let (largest, mut sums) = log_sum_exp::<T, FMA, N>(batch, start);
    for sum in &mut sums {
        *sum = T::ONE / *sum;
    }
    // p first, then p·u, then p (u − p·u).
    let mut dots = [T::ZERO; N];
    let rows = batch.outputs.chunks_exact(n).zip(direction.chunks_exact(n));
    for ((row, u), p) in rows.zip(product.chunks_exact_mut(n)) {
        let (row, u) = (chunk::<T, N>(row, start), chunk::<T, N>(u, start));
        let p = chunk_mut::<T, N>(p, start);
        for i in 0..N {
            p[i] = (row[i] - largest[i]).exp_nonpositive::<FMA>() * sums[i];
            dots[i] = p[i].fma::<FMA>(u[i], dots[i]);
        }
    }
    for (u, p) in direction.chunks_exact(n).zip(product.chunks_exact_mut(n)) {
        let (u, p) = (chunk::<T, N>(u, start), chunk_mut::<T, N>(p, start));
        for i in 0..N {
            p[i] = factor * p[i] * (u[i] - dots[i]);
        }
    }
}

impl Formula for CrossEntropy {
    fn outputs(&self, targets: &Targets) -> Result<usize, LossError> {
        match targets {
            Targets::Classes { names, .. } => Ok(names.len()),
            Targets::Values { .. } => Err(LossError::Targets(
                "cross-entropy compares classes, and the targets are numbers: expected \
                 mean_squared_error or huber"
                    .to_owned(),
            )),
        }
    }

    #[inline(always)]
    fn losses<T: Scalar, const FMA: bool>(&self, batch: LossBatch<'_, T>, losses: &mut [T]) {
        let TargetSlice::Classes(labels) = batch.targets else {
            losses.fill(T::NAN);
            return;
        };
        in_chunks!(batch.samples, start, N => {
            self::losses::<T, FMA, N>(&batch, labels, start, losses)
        });
    }

    #[inline(always)]
    fn gradient<T: Scalar, const FMA: bool>(
        &self,
        batch: LossBatch<'_, T>,
        factor: T,
        gradient: &mut [T],
    ) {
        let TargetSlice::Classes(labels) = batch.targets else {
            gradient.fill(T::NAN);
            return;
        };
        in_chunks!(batch.samples, start, N => {
            self::gradient::<T, FMA, N>(&batch, labels, start, factor, gradient)
        });
    }

    #[inline(always)]
    fn hessian_product<T: Scalar, const FMA: bool>(
        &self,
        batch: LossBatch<'_, T>,
        factor: T,
        direction: &[T],
        product: &mut [T],
    ) {
        in_chunks!(batch.samples, start, N => {
            self::hessian_product::<T, FMA, N>(&batch, start, factor, direction, product)
        });
    }
}
