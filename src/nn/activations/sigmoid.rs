//! 1/(1 + e⁻ˣ).

#[cfg(test)]
use candle_core::Tensor;

use super::{Function, Jet};
use crate::nn::kernels::Scalar;
use crate::recipe::Choice;

/// 1/(1 + e⁻ˣ).
#[derive(Debug)]
pub struct Sigmoid;

impl Function for Sigmoid {
    const CHOICE: Choice = Choice {
        key: "sigmoid",
        label: "Sigmoid",
        help: "Logistic function 1/(1 + e^(−x)): smooth, between 0 and 1, saturates at both ends.",
    };

    #[inline(always)]
    fn jet<T: Scalar, const FMA: bool>(x: T) -> Jet<T> {
        let (value, complement) = sigmoid::<T, FMA>(x);
        let first = value * complement;
        Jet {
            value,
            first,
            second: first * (complement - value),
        }
    }

    #[inline(always)]
    fn slope<T: Scalar, const FMA: bool>(_x: T, y: T) -> T {
        y * (T::ONE - y)
    }

    #[cfg(test)]
    fn reference(x: f64) -> [f64; 3] {
        let s = 1.0 / (1.0 + libm::exp(-x));
        let slope = s / (1.0 + libm::exp(x));
        [s, slope, -slope * libm::tanh(0.5 * x)]
    }

    #[cfg(test)]
    fn candle(x: &Tensor) -> candle_core::Result<Tensor> {
        (x.neg()?.exp()? + 1.0)?.recip()
    }
}

/// (σ(x), σ(−x)), both to full relative accuracy.
#[inline(always)]
pub fn sigmoid<T: Scalar, const FMA: bool>(x: T) -> (T, T) {
    let e = (-x.abs()).exp_nonpositive::<FMA>();
    let large = T::ONE / (T::ONE + e);
    let small = e * large;
    if x > T::ZERO {
        (large, small)
    } else {
        (small, large)
    }
}
