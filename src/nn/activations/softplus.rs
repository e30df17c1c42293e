//! ln(1 + eˣ), whose derivative is the sigmoid.

#[cfg(test)]
use candle_core::Tensor;

use super::{Function, Jet};
use crate::nn::kernels::Scalar;
use crate::recipe::Choice;

/// ln(1 + eˣ), whose derivative is the sigmoid.
#[derive(Debug)]
pub struct Softplus;

impl Function for Softplus {
    const CHOICE: Choice = Choice {
        key: "softplus",
        label: "Softplus",
        help: "ln(1 + eˣ): a smooth ReLU, always positive.",
    };

    #[inline(always)]
    fn jet<T: Scalar, const FMA: bool>(x: T) -> Jet<T> {
        let e = (-x.abs()).exp_nonpositive::<FMA>();
        let large = T::ONE / (T::ONE + e);
        let small = e * large;
        let positive = x > T::ZERO;
        let value = e.ln_1p_unit::<FMA>();
        Jet {
            value: if positive { value + x } else { value },
            first: if positive { large } else { small },
            second: large * small,
        }
    }

    #[cfg(test)]
    fn reference(x: f64) -> [f64; 3] {
        let [s, slope, _] = super::sigmoid::Sigmoid::reference(x);
        [x.max(0.0) + libm::log1p(libm::exp(-x.abs())), s, slope]
    }

    #[cfg(test)]
    fn candle(x: &Tensor) -> candle_core::Result<Tensor> {
        (x.exp()? + 1.0)?.log()
    }
}
