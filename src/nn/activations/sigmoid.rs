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
        let (s, complement) = sigmoid::<T, FMA>(x);
        let first = s * complement;
        let (y, low, exponential) = over_one_plus_exp::<T, FMA>(T::ONE, -x.abs());
        Jet {
            value: if x > T::ZERO {
                y
            } else {
                exponential.times::<FMA>(y, low)
            },
            first,
            second: first * (complement - s),
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

/// eˣ = (1 + p)·scale·back, of [`Scalar::exp_nonpositive_parts`].
#[derive(Clone, Copy, Debug)]
pub struct Exponential<T> {
    p: T,
    scale: T,
    back: T,
}

impl<T: Scalar> Exponential<T> {
    /// (y + low)·eˣ for a `low` that completes a rounded `y`.
    #[inline(always)]
    pub fn times<const FMA: bool>(self, y: T, low: T) -> T {
        let rest = y.fma::<FMA>(self.p, low.fma::<FMA>(self.p, low));
        (y + rest) * self.scale * self.back
    }
}

/// y/(1 + eˣ) for x ≤ 0, rounded, what the rounding of 1 + eˣ lost, and eˣ.
#[inline(always)]
pub fn over_one_plus_exp<T: Scalar, const FMA: bool>(y: T, x: T) -> (T, T, Exponential<T>) {
    let (p, scale, back) = x.exp_nonpositive_parts::<FMA>();
    // Without `back`, which matters only where e is negligible.
    let e = scale.fma::<FMA>(p, scale);
    let sum = T::ONE + e;
    let quotient = y / sum;
    // A correction of half a unit in the last place needs no exact 1/(1 + e).
    let inverse = sum.fma::<FMA>(-T::HALF, T::from_f64(1.457));
    let lost = e - (sum - T::ONE);
    let low = -(quotient * lost * inverse);
    (quotient, low, Exponential { p, scale, back })
}
