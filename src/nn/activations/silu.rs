//! x σ(x) (Elfwing, Uchibe, Doya 2018).

#[cfg(test)]
use candle_core::Tensor;

use super::sigmoid::{over_one_plus_exp, sigmoid};
use super::{Function, Jet};
use crate::nn::kernels::Scalar;
use crate::recipe::Choice;

/// x σ(x) (Elfwing, Uchibe, Doya 2018).
#[derive(Debug)]
pub struct Silu;

impl Function for Silu {
    const CHOICE: Choice = Choice {
        key: "silu",
        label: "SiLU",
        help: "Sigmoid linear unit, x·σ(x), also called swish: smooth and not monotonic.",
    };

    #[inline(always)]
    fn jet<T: Scalar, const FMA: bool>(x: T) -> Jet<T> {
        let (s, complement) = sigmoid::<T, FMA>(x);
        let slope = s * complement;
        // Not x·σ(x): for negative x, σ(x) may be too small for a normal number
        // where x·σ(x) is none too small.
        let positive = x > T::ZERO;
        let near = x.within(T::from_f64(1e3));
        let y = if positive { x } else { near };
        let (y, low, exponential) = over_one_plus_exp::<T, FMA>(y, -x.abs());
        Jet {
            value: if positive {
                y
            } else {
                exponential.times::<FMA>(y, low)
            },
            first: near.fma::<FMA>(slope, s),
            second: slope * (T::TWO + near * (complement - s)),
        }
    }

    #[cfg(test)]
    fn reference(x: f64) -> [f64; 3] {
        let [s, slope, bend] = super::sigmoid::Sigmoid::reference(x);
        [x * s, s + x * slope, 2.0 * slope + x * bend]
    }

    #[cfg(test)]
    fn candle(x: &Tensor) -> candle_core::Result<Tensor> {
        x * (x.neg()?.exp()? + 1.0)?.recip()?
    }
}
