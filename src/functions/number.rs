//! The arithmetic that formulas need: real numbers, and in the tests complex
//! ones, by which derivatives are checked to the last digits.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A number that a formula can be evaluated at.
pub(super) trait Number:
    Copy
    + From<f64>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Add<f64, Output = Self>
    + Sub<f64, Output = Self>
    + Mul<f64, Output = Self>
{
    fn exp(self) -> Self;
    fn sin(self) -> Self;
    fn cos(self) -> Self;
    fn sqrt(self) -> Self;
    fn is_zero(self) -> bool;
}

// libm, so that the bits are the same on every machine.
impl Number for f64 {
    fn exp(self) -> Self {
        libm::exp(self)
    }

    fn sin(self) -> Self {
        libm::sin(self)
    }

    fn cos(self) -> Self {
        libm::cos(self)
    }

    fn sqrt(self) -> Self {
        libm::sqrt(self)
    }

    fn is_zero(self) -> bool {
        self == 0.0
    }
}
