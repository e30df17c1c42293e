//! x Φ(x) with the normal distribution function Φ (Hendrycks and Gimpel 2016), in the exact form.

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
        let (tail, unscaled) = x.normal_tail::<FMA>();
        let cumulative = if x > T::ZERO { T::ONE - tail } else { tail };
        // 1/√(2π)
        let density = unscaled * T::from_f64(0.398_942_280_401_432_7);
        Jet {
            value: x * cumulative,
            first: x.fma::<FMA>(density, cumulative),
            second: density * (T::TWO - x * x),
        }
    }
}
