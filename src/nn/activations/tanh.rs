//! tanh x, with the derivatives 1 − y² and −2y (1 − y²).

#[cfg(test)]
use candle_core::Tensor;

use super::{Function, Jet};
use crate::nn::kernels::Scalar;
use crate::recipe::Choice;

/// tanh x, with the derivatives 1 − y² and −2y (1 − y²).
#[derive(Debug)]
pub struct Tanh;

impl Function for Tanh {
    const CHOICE: Choice = Choice {
        key: "tanh",
        label: "Tanh",
        help: "Hyperbolic tangent: smooth, between −1 and 1, saturates at both ends.",
    };

    const ODD: bool = true;

    #[inline(always)]
    fn jet<T: Scalar, const FMA: bool>(x: T) -> Jet<T> {
        let value = x.tanh::<FMA>();
        let first = (T::ONE - value) * (T::ONE + value);
        Jet {
            value,
            first,
            second: -T::TWO * value * first,
        }
    }

    #[inline(always)]
    fn slope<T: Scalar, const FMA: bool>(_x: T, y: T) -> T {
        (T::ONE - y) * (T::ONE + y)
    }

    #[cfg(test)]
    fn reference(x: f64) -> [f64; 3] {
        let (c, t) = (libm::cosh(x), libm::tanh(x));
        [t, 1.0 / (c * c), -2.0 * t / (c * c)]
    }

    #[cfg(test)]
    fn candle(x: &Tensor) -> candle_core::Result<Tensor> {
        x.tanh()
    }
}
