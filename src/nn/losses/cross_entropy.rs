//! Softmax cross-entropy.

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

/// Samples that are worked on together, their sums in registers or on the stack.
const CHUNK: usize = 64;

/// Row maxima m and Σ exp(f − m) of the samples from `start`.
#[inline(always)]
fn log_sum_exp<T: Scalar, const FMA: bool>(
    batch: &LossBatch<'_, T>,
    start: usize,
    length: usize,
) -> ([T; CHUNK], [T; CHUNK]) {
    let mut largest = [T::ZERO; CHUNK];
    let mut sums = [T::ZERO; CHUNK];
    for (k, row) in batch.outputs.chunks_exact(batch.samples).enumerate() {
        let row = &row[start..start + length];
        if k == 0 {
            largest[..length].copy_from_slice(row);
        } else {
            for (largest, f) in largest.iter_mut().zip(row) {
                // Keeps a not-a-number on either side.
                *largest = if *f <= *largest { *largest } else { *f };
            }
        }
    }
    for row in batch.outputs.chunks_exact(batch.samples) {
        let row = &row[start..start + length];
        for ((sum, largest), f) in sums.iter_mut().zip(&largest).zip(row) {
            *sum += (*f - *largest).exp_nonpositive::<FMA>();
        }
    }
    (largest, sums)
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
        for (start, losses) in (0..).step_by(CHUNK).zip(losses.chunks_mut(CHUNK)) {
            let (largest, sums) = log_sum_exp::<T, FMA>(&batch, start, losses.len());
            for ((loss, sum), largest) in losses.iter_mut().zip(&sums).zip(&largest) {
                *loss = sum.ln::<FMA>() + *largest;
            }
            for (s, loss) in (start..).zip(losses) {
                *loss -= batch.outputs[labels[s] as usize * batch.samples + s];
            }
        }
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
        let n = batch.samples;
        for start in (0..n).step_by(CHUNK) {
            let length = CHUNK.min(n - start);
            let (largest, mut sums) = log_sum_exp::<T, FMA>(&batch, start, length);
            for sum in &mut sums {
                *sum = factor / *sum;
            }
            for (row, out) in batch
                .outputs
                .chunks_exact(n)
                .zip(gradient.chunks_exact_mut(n))
            {
                let row = &row[start..start + length];
                let out = &mut out[start..start + length];
                for (((out, f), largest), scale) in out.iter_mut().zip(row).zip(&largest).zip(&sums)
                {
                    *out = (*f - *largest).exp_nonpositive::<FMA>() * *scale;
                }
            }
            for s in start..start + length {
                gradient[labels[s] as usize * n + s] -= factor;
            }
        }
    }

    #[inline(always)]
    fn hessian_product<T: Scalar, const FMA: bool>(
        &self,
        batch: LossBatch<'_, T>,
        factor: T,
        direction: &[T],
        product: &mut [T],
    ) {
        let n = batch.samples;
        for start in (0..n).step_by(CHUNK) {
            let length = CHUNK.min(n - start);
            let (largest, sums) = log_sum_exp::<T, FMA>(&batch, start, length);
            // p first, then p·u, then p (u − p·u).
            let mut dots = [T::ZERO; CHUNK];
            for k in 0..batch.width() {
                let range = k * n + start..k * n + start + length;
                let row = batch.outputs[range.clone()]
                    .iter()
                    .zip(&direction[range.clone()]);
                let rest = largest.iter().zip(&sums).zip(&mut dots);
                for (((f, u), ((largest, sum), dot)), p) in row.zip(rest).zip(&mut product[range]) {
                    *p = (*f - *largest).exp_nonpositive::<FMA>() / *sum;
                    *dot += *p * *u;
                }
            }
            for k in 0..batch.width() {
                let range = k * n + start..k * n + start + length;
                let row = direction[range.clone()].iter().zip(&dots);
                for ((u, dot), p) in row.zip(&mut product[range]) {
                    *p = factor * *p * (*u - *dot);
                }
            }
        }
    }
}
