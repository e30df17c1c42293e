//! tanh x, with the derivatives 1 − y² and −2y (1 − y²).

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
}
