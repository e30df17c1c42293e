//! x itself.

#[cfg(test)]
use candle_core::Tensor;

use super::{Function, Jet};
use crate::nn::kernels::Scalar;
use crate::recipe::Choice;

/// x itself.
#[derive(Debug)]
pub struct Identity;

impl Function for Identity {
    const CHOICE: Choice = Choice {
        key: "identity",
        label: "Identity",
        help: "No nonlinearity: the network stays a product of matrices, a deep linear network.",
    };

    const ODD: bool = true;

    #[inline(always)]
    fn jet<T: Scalar, const FMA: bool>(x: T) -> Jet<T> {
        Jet {
            value: x,
            first: T::ONE,
            second: T::ZERO,
        }
    }

    #[cfg(test)]
    fn reference(x: f64) -> [f64; 3] {
        [x, 1.0, 0.0]
    }

    #[cfg(test)]
    fn candle(x: &Tensor) -> candle_core::Result<Tensor> {
        Ok(x.clone())
    }
}
