//! max(x, 0). Its derivative at 0 is taken as 0, as in PyTorch.

#[cfg(test)]
use candle_core::Tensor;

use super::{Function, Jet};
use crate::nn::kernels::Scalar;
use crate::recipe::Choice;

/// max(x, 0). Its derivative at 0 is taken as 0, as in PyTorch.
#[derive(Debug)]
pub struct Relu;

impl Function for Relu {
    const CHOICE: Choice = Choice {
        key: "relu",
        label: "ReLU",
        help: "Rectified linear unit, max(x, 0): piecewise linear, so the landscape has kinks and no curvature of its own.",
    };

    #[inline(always)]
    fn jet<T: Scalar, const FMA: bool>(x: T) -> Jet<T> {
        // Not-a-number stays visible: it fails the comparison and is kept.
        let off = x <= T::ZERO;
        Jet {
            value: if off { T::ZERO } else { x },
            first: if off { T::ZERO } else { T::ONE },
            second: T::ZERO,
        }
    }

    #[cfg(test)]
    fn reference(x: f64) -> [f64; 3] {
        [x.max(0.0), f64::from(u8::from(x > 0.0)), 0.0]
    }

    #[cfg(test)]
    fn candle(x: &Tensor) -> candle_core::Result<Tensor> {
        x.relu()
    }
}
