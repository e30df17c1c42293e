//! The Huber loss.

use std::sync::Arc;

use super::{Elementwise, Formula, LossKind, elementwise_formula, one_output_each};
use crate::data::Targets;
use crate::nn::error::LossError;
use crate::nn::kernels::Scalar;
use crate::recipe::{Field, Kind};

/// ½d² where |d| ≤ δ, else δ(|d| − ½δ), summed over the outputs (Huber 1964;
/// PyTorch's `HuberLoss`). Classes are compared as one-hot vectors.
pub static HUBER: LossKind = LossKind {
    kind: Kind {
        key: "huber",
        title: "Huber",
        help: "Half the squared error for small errors, linear for large ones, so that outliers pull less; summed over outputs, averaged over samples.",
        fields: &[Field::float(
            "delta",
            "δ",
            "Size of the error beyond which the loss grows linearly.",
            1.0,
            1e-6,
            1e6,
        )
        .logarithmic()],
    },
    build: |component| {
        Arc::new(Huber {
            delta: component.float("delta"),
        })
    },
    #[cfg(test)]
    oracle: |component, outputs, y| {
        let delta = component.float("delta");
        let d = (outputs - y)?;
        let size = d.abs()?;
        let small = size.detach().le(delta)?.to_dtype(d.dtype())?;
        let large = small.affine(-1.0, 1.0)?;
        let square = ((d.sqr()? * 0.5)? * small)?;
        let linear = (((size - 0.5 * delta)? * delta)? * large)?;
        square + linear
    },
};

#[derive(Debug)]
struct Huber {
    delta: f64,
}

impl Elementwise for Huber {
    #[inline(always)]
    fn value<T: Scalar, const FMA: bool>(&self, f: T, y: T) -> T {
        let delta = T::from_f64(self.delta);
        let d = (f - y).abs();
        if d > delta {
            delta * (d - T::HALF * delta)
        } else {
            T::HALF * d * d
        }
    }

    #[inline(always)]
    fn first<T: Scalar, const FMA: bool>(&self, f: T, y: T) -> T {
        let delta = T::from_f64(self.delta);
        let d = f - y;
        if d.abs() > delta {
            delta.copysign(d)
        } else {
            d
        }
    }

    #[inline(always)]
    fn second<T: Scalar, const FMA: bool>(&self, f: T, y: T) -> T {
        if (f - y).abs() > T::from_f64(self.delta) {
            T::ZERO
        } else {
            T::ONE
        }
    }
}

impl Formula for Huber {
    fn outputs(&self, targets: &Targets) -> Result<usize, LossError> {
        Ok(one_output_each(targets))
    }

    elementwise_formula!();
}
