//! Binary cross-entropy on logits.

use std::sync::Arc;

use super::{Elementwise, Formula, LossKind, elementwise_formula};
use crate::data::Targets;
use crate::nn::activations::sigmoid;
use crate::nn::error::LossError;
use crate::nn::kernels::Scalar;
use crate::recipe::Kind;

/// ℓ = ln(1 + eᶠ) − y f for a logit f and a target y from 0 to 1 (PyTorch's
/// `BCEWithLogitsLoss`), summed over the outputs.
///
/// Two classes share one output, the logit of the second class. With another
/// number of classes every class has a logit of its own, compared with the
/// one-hot vector. Numbers as targets are probabilities, one logit each.
pub static BINARY_CROSS_ENTROPY: LossKind = LossKind {
    kind: Kind {
        key: "binary_cross_entropy",
        title: "Binary cross-entropy",
        help: "Minus the logarithm of the probability of the target; two classes share one logit, more classes have one each.",
        fields: &[],
    },
    build: |_| Arc::new(BinaryCrossEntropy),
    #[cfg(test)]
    oracle: |_, outputs, y| (outputs.exp()? + 1.0)?.log()? - (outputs * y)?,
};

#[derive(Debug)]
struct BinaryCrossEntropy;

impl Elementwise for BinaryCrossEntropy {
    #[inline(always)]
    fn value<T: Scalar, const FMA: bool>(&self, f: T, y: T) -> T {
        let e = (-f.abs()).exp_nonpositive::<FMA>();
        // max(f, 0) − y f without the difference of two large numbers.
        let linear = if f > T::ZERO {
            (T::ONE - y) * f
        } else {
            -y * f
        };
        e.ln_1p_unit::<FMA>() + linear
    }

    #[inline(always)]
    fn first<T: Scalar, const FMA: bool>(&self, f: T, y: T) -> T {
        let (p, complement) = sigmoid::<T, FMA>(f);
        (T::ONE - y) * p - y * complement
    }

    #[inline(always)]
    fn second<T: Scalar, const FMA: bool>(&self, f: T, _y: T) -> T {
        let (p, complement) = sigmoid::<T, FMA>(f);
        p * complement
    }
}

impl Formula for BinaryCrossEntropy {
    fn outputs(&self, targets: &Targets) -> Result<usize, LossError> {
        match targets {
            Targets::Classes { names, .. } if names.len() == 2 => Ok(1),
            Targets::Classes { names, .. } => Ok(names.len()),
            Targets::Values { values, dims } => {
                match values.iter().find(|value| !(0.0..=1.0).contains(*value)) {
                    None => Ok(*dims),
                    Some(value) => Err(LossError::Targets(format!(
                        "binary cross-entropy compares probabilities, and a target is {value}: \
                         expected numbers from 0 to 1"
                    ))),
                }
            }
        }
    }

    elementwise_formula!();
}
