//! 1/(1 + e⁻ˣ).

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
