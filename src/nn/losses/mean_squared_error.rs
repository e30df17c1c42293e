//! Squared error.

use std::sync::Arc;

use super::{Elementwise, Formula, LossKind, elementwise_formula, one_output_each};
use crate::data::Targets;
use crate::nn::error::LossError;
use crate::nn::kernels::Scalar;
use crate::recipe::{Field, Kind};

/// Σ (f − y)² over the outputs, halved on request. Classes are compared as
/// one-hot vectors, one output per class.
pub static MEAN_SQUARED_ERROR: LossKind = LossKind {
    kind: Kind {
        key: "mean_squared_error",
        title: "Mean squared error",
        help: "Squared distance of the outputs from the target, summed over outputs, averaged over samples; classes are read as one-hot vectors.",
        fields: &[Field::boolean(
            "half",
            "Factor ½",
            "Multiplies the loss by ½, so that its gradient is the plain difference.",
            false,
        )],
    },
    build: |component| {
        Arc::new(MeanSquaredError {
            half: component.boolean("half"),
        })
    },
    #[cfg(test)]
    oracle: |component, outputs, y| {
        let factor = if component.boolean("half") { 0.5 } else { 1.0 };
        (outputs - y)?.sqr()? * factor
    },
};

#[derive(Debug)]
struct MeanSquaredError {
    half: bool,
}

impl Elementwise for MeanSquaredError {
    #[inline(always)]
    fn value<T: Scalar, const FMA: bool>(&self, f: T, y: T) -> T {
        let d = f - y;
        let square = d * d;
        if self.half { T::HALF * square } else { square }
    }

    #[inline(always)]
    fn first<T: Scalar, const FMA: bool>(&self, f: T, y: T) -> T {
        let d = f - y;
        if self.half { d } else { T::TWO * d }
    }

    #[inline(always)]
    fn second<T: Scalar, const FMA: bool>(&self, _f: T, _y: T) -> T {
        if self.half { T::ONE } else { T::TWO }
    }
}

impl Formula for MeanSquaredError {
    fn outputs(&self, targets: &Targets) -> Result<usize, LossError> {
        Ok(one_output_each(targets))
    }

    elementwise_formula!();
}
