//! sin x.

#[cfg(test)]
use candle_core::Tensor;

use super::{Function, Jet};
use crate::nn::kernels::Scalar;
use crate::recipe::Choice;

/// sin x.
#[derive(Debug)]
pub struct Sin;

impl Function for Sin {
    const CHOICE: Choice = Choice {
        key: "sin",
        label: "Sine",
        help: "Periodic activation: networks that fit waves, with many equivalent minima.",
    };

    const ODD: bool = true;

    #[inline(always)]
    fn jet<T: Scalar, const FMA: bool>(x: T) -> Jet<T> {
        let (sine, cosine) = x.sin_cos::<FMA>();
        Jet {
            value: sine,
            first: cosine,
            second: -sine,
        }
    }

    #[cfg(test)]
    fn reference(x: f64) -> [f64; 3] {
        [libm::sin(x), libm::cos(x), -libm::sin(x)]
    }

    #[cfg(test)]
    fn candle(x: &Tensor) -> candle_core::Result<Tensor> {
        x.sin()
    }

    #[cfg(test)]
    fn scale(_x: f64, _value: f64) -> f64 {
        1.0
    }
}
