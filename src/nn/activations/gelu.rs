//! x Φ(x) with the normal distribution function Φ (Hendrycks and Gimpel 2016), in the exact form.

#[cfg(test)]
use candle_core::Tensor;

use super::{Function, Jet};
use crate::nn::kernels::Scalar;
use crate::recipe::Choice;

/// x Φ(x) with the normal distribution function Φ (Hendrycks and Gimpel 2016), in the exact form.
#[derive(Debug)]
pub struct Gelu;

impl Function for Gelu {
    const CHOICE: Choice = Choice {
        key: "gelu",
        label: "GELU",
        help: "Gaussian error linear unit, x·Φ(x) in the exact erf form, as PyTorch's default.",
    };

    #[inline(always)]
    fn jet<T: Scalar, const FMA: bool>(x: T) -> Jet<T> {
        let (tail, moment, unscaled) = x.normal_tail::<FMA>();
        let cumulative = if x > T::ZERO { T::ONE - tail } else { tail };
        // 1/√(2π)
        let density = unscaled * T::from_f64(0.398_942_280_401_432_7);
        // Far out the density is 0, also times infinity.
        let near = x.within(T::from_f64(1e3));
        Jet {
            value: if x >= T::ZERO { x } else { -T::ZERO } - moment,
            first: near.fma::<FMA>(density, cumulative),
            second: density * (T::TWO - near * near),
        }
    }

    #[cfg(test)]
    fn reference(x: f64) -> [f64; 3] {
        let cumulative = 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
        let density = libm::exp(-0.5 * x * x) / (2.0 * std::f64::consts::PI).sqrt();
        [
            x * cumulative,
            cumulative + x * density,
            density * (2.0 - x * x),
        ]
    }

    #[cfg(test)]
    fn candle(x: &Tensor) -> candle_core::Result<Tensor> {
        (x * 0.5)? * ((x / 2f64.sqrt())?.erf()? + 1.0)?
    }

    #[cfg(test)]
    fn scale(x: f64, value: f64) -> f64 {
        // The reference rounds x/√2 before the exponential.
        (1.0 + 0.5 * x * x) * value.abs().max(1e-300)
    }
}
