//! What one core can do: fused multiply-adds on registers, and a matrix
//! product.

use std::hint::black_box;

use serde::Serialize;

use super::timing::{Clock, repeat};
use crate::nn::kernels::matrix::multiply;
use crate::nn::kernels::simd::{Kernel, dispatch};
use crate::nn::kernels::{Matrix, Scalar, Write};

/// The number type of a work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single.
    F32,
    /// Double.
    F64,
}

impl Precision {
    /// `f32` or `f64`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

/// What one core reaches in one precision, in operations per nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Peak {
    /// Which precision.
    pub precision: Precision,
    /// Fused multiply-adds on registers.
    pub fma: f64,
    /// The product of two 512×512 matrices.
    pub product: f64,
}

/// Multiply-adds in a chain.
const LENGTH: usize = 4096;
/// Seconds that are enough for all.
const LONGEST: f64 = 0.6;
/// Side of the matrices.
const SIDE: usize = 512;

/// Independent chains of multiply-adds, `CHAINS` vectors of `LANES` numbers,
/// all in registers.
struct Chains<T, const LANES: usize, const CHAINS: usize> {
    factor: T,
    summand: T,
}

impl<T: Scalar, const LANES: usize, const CHAINS: usize> Kernel for Chains<T, LANES, CHAINS> {
    type Output = T;
    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    fn run<const FMA: bool>(self) -> T {
        let mut sums = [[T::ONE; LANES]; CHAINS];
        for _ in 0..LENGTH {
            for chain in 0..CHAINS {
                for lane in 0..LANES {
                    sums[chain][lane] = sums[chain][lane].fma::<FMA>(self.factor, self.summand);
                }
            }
        }
        sums.iter().flatten().copied().sum()
    }
}

/// Operations per nanosecond of so many chains.
fn chains<T: Scalar, const LANES: usize, const CHAINS: usize>(clock: Clock, seconds: f64) -> f64 {
    let timing = repeat(clock, seconds, || {
        let (factor, summand) = (T::from_f64(0.999), T::from_f64(1e-3));
        black_box(dispatch(Chains::<T, LANES, CHAINS> {
            factor: black_box(factor),
            summand: black_box(summand),
        }));
    });
    (2 * LENGTH * LANES * CHAINS) as f64 / (1e3 * timing.microseconds)
}

/// Operations per nanosecond of a matrix product.
fn product<T: Scalar>(clock: Clock, seconds: f64) -> f64 {
    let numbers = |stream| -> Vec<T> {
        (0..SIDE * SIDE)
            .map(|index| T::from_f64(super::cases::uniform(stream, index)))
            .collect()
    };
    let (lhs, rhs) = (numbers(1), numbers(2));
    let mut out = vec![T::ZERO; SIDE * SIDE];
    let timing = repeat(clock, seconds, || {
        let (lhs, rhs) = (Matrix::rows(&lhs, SIDE), Matrix::rows(&rhs, SIDE));
        multiply((SIDE, SIDE, SIDE), &mut out, Write::Overwrite, lhs, rhs);
        black_box(&mut out);
    });
    2.0 * (SIDE * SIDE * SIDE) as f64 / (1e3 * timing.microseconds)
}

/// Measures both precisions, for about `seconds` together, at most for
/// [`LONGEST`].
pub fn measure(clock: Clock, seconds: f64) -> Vec<Peak> {
    let part = seconds.min(LONGEST) / 6.0;
    vec![
        Peak {
            precision: Precision::F32,
            fma: chains::<f32, 16, 10>(clock, part).max(chains::<f32, 8, 10>(clock, part)),
            product: product::<f32>(clock, part),
        },
        Peak {
            precision: Precision::F64,
            fma: chains::<f64, 8, 10>(clock, part).max(chains::<f64, 4, 10>(clock, part)),
            product: product::<f64>(clock, part),
        },
    ]
}
