//! The two number types of the kernels, f32 and f64, and the elementary
//! functions that the activations and losses are made of, in a form that the
//! compiler vectorises: no branches, no library calls.
//!
//! Accuracy (measured in the tests against libm): a few units in the last
//! place in both precisions.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

#[cfg(target_arch = "x86_64")]
use super::vector::{self, Vector};

/// f32 or f64.
pub trait Scalar:
    Copy
    + Default
    + Debug
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + Sum
    + 'static
{
    /// The registers of AVX-512.
    #[cfg(target_arch = "x86_64")]
    type Wide: Vector<Element = Self>;
    /// The registers of AVX2.
    #[cfg(target_arch = "x86_64")]
    type Narrow: Vector<Element = Self>;

    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// ½.
    const HALF: Self;
    /// 2.
    const TWO: Self;
    /// Not a number.
    const NAN: Self;

    /// The nearest number of this type.
    fn from_f64(value: f64) -> Self;
    /// The number in double precision.
    fn to_f64(self) -> f64;
    /// |x|.
    fn abs(self) -> Self;
    /// √x.
    fn sqrt(self) -> Self;
    /// |x| with the sign of `sign`.
    fn copysign(self, sign: Self) -> Self;
    /// x·a + b, fused where the processor can.
    fn fma<const FMA: bool>(self, a: Self, b: Self) -> Self;

    /// eˣ for x ≤ 0 (values below the smallest normal number come out as about
    /// that number).
    fn exp_nonpositive<const FMA: bool>(self) -> Self;
    /// tanh x.
    fn tanh<const FMA: bool>(self) -> Self;
    /// ln x for a positive normal x.
    fn ln<const FMA: bool>(self) -> Self;
    /// ln(1+x) for 0 ≤ x ≤ 1.
    fn ln_1p_unit<const FMA: bool>(self) -> Self;
    /// (sin x, cos x). For |x| beyond 10⁹ the argument's own rounding decides.
    fn sin_cos<const FMA: bool>(self) -> (Self, Self);
    /// For the standard normal distribution: (½ erfc(|x|/√2), e^(−x²/2)), the
    /// tail probability beyond |x| and the unnormalised density.
    fn normal_tail<const FMA: bool>(self) -> (Self, Self);

    /// The larger of the two; `other` where `self` is not a number.
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        if self > other { self } else { other }
    }

    /// `dst` ← `keep`·`dst` + `scale`·`lhs`·`rhs` for an m×k and a k×n matrix,
    /// each with (row stride, column stride), single-threaded.
    ///
    /// # Safety
    /// The pointers must be valid for every element that the sizes and strides
    /// name, and `dst` must not overlap the others.
    #[allow(clippy::too_many_arguments)]
    unsafe fn gemm_raw(
        sizes: (usize, usize, usize),
        dst: *mut Self,
        dst_strides: (usize, usize),
        keep: bool,
        lhs: *const Self,
        lhs_strides: (usize, usize),
        rhs: *const Self,
        rhs_strides: (usize, usize),
    );
}

/// c₀ + c₁x + … by Horner's rule.
#[inline(always)]
pub fn polynomial<T: Scalar, const FMA: bool, const N: usize>(x: T, coefficients: &[T; N]) -> T {
    let mut sum = coefficients[N - 1];
    let mut k = N - 1;
    while k > 0 {
        k -= 1;
        sum = sum.fma::<FMA>(x, coefficients[k]);
    }
    sum
}

macro_rules! common {
    ($t:ty) => {
        const ZERO: Self = 0.0;
        const ONE: Self = 1.0;
        const HALF: Self = 0.5;
        const TWO: Self = 2.0;
        const NAN: Self = <$t>::NAN;

        #[inline(always)]
        fn abs(self) -> Self {
            <$t>::abs(self)
        }

        #[inline(always)]
        fn sqrt(self) -> Self {
            <$t>::sqrt(self)
        }

        #[inline(always)]
        fn copysign(self, sign: Self) -> Self {
            <$t>::copysign(self, sign)
        }

        #[inline(always)]
        fn fma<const FMA: bool>(self, a: Self, b: Self) -> Self {
            if FMA {
                self.mul_add(a, b)
            } else {
                self * a + b
            }
        }

        unsafe fn gemm_raw(
            (m, n, k): (usize, usize, usize),
            dst: *mut Self,
            dst_strides: (usize, usize),
            keep: bool,
            lhs: *const Self,
            lhs_strides: (usize, usize),
            rhs: *const Self,
            rhs_strides: (usize, usize),
        ) {
            // SAFETY: the caller's promise is gemm's.
            unsafe {
                gemm::gemm(
                    m,
                    n,
                    k,
                    dst,
                    dst_strides.1 as isize,
                    dst_strides.0 as isize,
                    keep,
                    lhs,
                    lhs_strides.1 as isize,
                    lhs_strides.0 as isize,
                    rhs,
                    rhs_strides.1 as isize,
                    rhs_strides.0 as isize,
                    1.0,
                    1.0,
                    false,
                    false,
                    false,
                    gemm::Parallelism::None,
                );
            }
        }
    };
}

/// 1.5·2⁵²: adding it rounds to a whole number, which then lies in the low bits.
const ROUND_F64: f64 = 6_755_399_441_055_744.0;
/// 1.5·2²³, the same for f32.
const ROUND_F32: f32 = 12_582_912.0;

/// 1/k! from k = 2.
const EXP_F64: [f64; 12] = {
    let mut table = [0.0; 12];
    let mut factorial = 1.0;
    let mut k = 2;
    while k < 14 {
        factorial *= k as f64;
        table[k - 2] = 1.0 / factorial;
        k += 1;
    }
    table
};
const EXP_F32: [f32; 6] = {
    let mut table = [0.0; 6];
    let mut k = 0;
    while k < 6 {
        table[k] = EXP_F64[k] as f32;
        k += 1;
    }
    table
};

/// 2/(2k+1), the series of 2·artanh(f)/f in powers of f².
const ARTANH_F64: [f64; 12] = {
    let mut table = [0.0; 12];
    let mut k = 0;
    while k < 12 {
        table[k] = 2.0 / (2 * k + 1) as f64;
        k += 1;
    }
    table
};
const ARTANH_F32: [f32; 6] = {
    let mut table = [0.0; 6];
    let mut k = 0;
    while k < 6 {
        table[k] = ARTANH_F64[k] as f32;
        k += 1;
    }
    table
};

/// (−1)ᵏ/(2k+1)!, the sine's series in powers of x², without the factor x.
const SIN: [f64; 12] = alternating_inverse_factorials(1);
/// (−1)ᵏ/(2k)!, the cosine's.
const COS: [f64; 12] = alternating_inverse_factorials(0);

const fn alternating_inverse_factorials(first: usize) -> [f64; 12] {
    let mut table = [0.0; 12];
    let mut value = 1.0;
    let mut k = 0;
    while k < 12 {
        table[k] = value;
        let n = 2 * k + first;
        value = -value / ((n + 1) * (n + 2)) as f64;
        k += 1;
    }
    table
}

/// π in three parts; a whole number below 2²⁰ times the first two is exact.
const PI_PARTS: [f64; 3] = [
    3.141_592_653_468_251_2,
    1.215_420_101_260_793_2e-10,
    4.044_532_497_591_901e-21,
];

/// (1+2a)·exp(a²)·erfc(a) for a ≥ 0 as a polynomial in (a−3)/(a+3): the
/// variables of Shepherd and Laframboise, "Chebyshev approximation of
/// (1+2x)exp(x²)erfc x in 0 ≤ x < ∞" (1981); coefficients fitted anew.
const ERFCX_F64: [f64; 25] = [
    1.253_008_058_269_729_6,
    -0.135_621_106_124_581_17,
    -0.047_562_294_353_449_2,
    0.129_645_158_702_759_4,
    -0.119_273_663_415_386_38,
    0.068_308_027_344_009_9,
    -0.023_770_514_917_171_34,
    0.002_529_391_815_693_969_6,
    0.001_888_690_344_999_172,
    -0.000_779_832_269_654_330_6,
    -0.000_105_159_719_584_480_65,
    0.000_125_099_342_458_372_9,
    4.949_196_649_968_345e-6,
    -2.010_054_226_852_561e-5,
    -7.308_281_468_783_614e-7,
    3.472_370_944_977_168e-6,
    3.557_608_668_408_059_5e-7,
    -6.166_011_460_398_726e-7,
    -1.404_765_431_542_846_2e-7,
    1.018_362_060_384_273_8e-7,
    4.106_401_366_794_035_5e-8,
    -1.331_291_966_103_868_9e-8,
    -8.217_595_058_711_455e-9,
    9.862_533_510_345_587e-10,
    8.393_734_858_690_877e-10,
];
const ERFCX_F32: [f32; 12] = [
    1.253_008,
    -0.135_621_07,
    -0.047_562_156,
    0.129_644_11,
    -0.119_275_27,
    0.068_316_57,
    -0.023_763_577,
    0.002_499_116_8,
    0.001_875_079_1,
    -0.000_726_453_7,
    -9.254_517e-5,
    7.731_024e-5,
];

/// (2ⁿ, eʳ − 1) with eˣ = 2ⁿ·eʳ and |r| ≤ ½ ln 2; n within the normal numbers.
#[inline(always)]
fn exp_parts_f64<const FMA: bool>(x: f64) -> (f64, f64) {
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let rounded = x.fma::<FMA>(std::f64::consts::LOG2_E, ROUND_F64);
    let n = rounded - ROUND_F64;
    let r = (-n).fma::<FMA>(LN2_HIGH, x);
    let r = (-n).fma::<FMA>(LN2_LOW, r);
    let p = (r * r).fma::<FMA>(polynomial::<f64, FMA, 12>(r, &EXP_F64), r);
    (
        f64::from_bits(rounded.to_bits().wrapping_add(1023) << 52),
        p,
    )
}

#[inline(always)]
fn exp_parts_f32<const FMA: bool>(x: f32) -> (f32, f32) {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let rounded = x.fma::<FMA>(std::f32::consts::LOG2_E, ROUND_F32);
    let n = rounded - ROUND_F32;
    let r = (-n).fma::<FMA>(LN2_HIGH, x);
    let r = (-n).fma::<FMA>(LN2_LOW, r);
    let p = (r * r).fma::<FMA>(polynomial::<f32, FMA, 6>(r, &EXP_F32), r);
    (f32::from_bits(rounded.to_bits().wrapping_add(127) << 23), p)
}

/// sin and cos of r = x − nπ, and the bits that flip the sign for odd n.
#[inline(always)]
fn reduce_by_pi<const FMA: bool>(x: f64) -> (f64, u64) {
    let rounded = x.fma::<FMA>(std::f64::consts::FRAC_1_PI, ROUND_F64);
    let n = rounded - ROUND_F64;
    let r = (-n).fma::<FMA>(PI_PARTS[0], x);
    let r = (-n).fma::<FMA>(PI_PARTS[1], r);
    let r = (-n).fma::<FMA>(PI_PARTS[2], r);
    // Far outside the range of the reduction the series must not blow up.
    let r = if r > 2.0 { 2.0 } else { r };
    let r = if r < -2.0 { -2.0 } else { r };
    (r, rounded.to_bits() << 63)
}

impl Scalar for f64 {
    #[cfg(target_arch = "x86_64")]
    type Wide = vector::F64x8;
    #[cfg(target_arch = "x86_64")]
    type Narrow = vector::F64x4;

    common!(f64);

    #[inline(always)]
    fn from_f64(value: f64) -> f64 {
        value
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn exp_nonpositive<const FMA: bool>(self) -> f64 {
        let x = if self < -708.0 { -708.0 } else { self };
        let (scale, p) = exp_parts_f64::<FMA>(x);
        scale.fma::<FMA>(p, scale)
    }

    #[inline(always)]
    fn tanh<const FMA: bool>(self) -> f64 {
        // (e^2x − 1)/(e^2x + 1); from 20 on it is 1 to the last place.
        let x = self.abs();
        let y = 2.0 * if x > 20.0 { 20.0 } else { x };
        let (scale, p) = exp_parts_f64::<FMA>(y);
        let e = scale.fma::<FMA>(p, scale - 1.0);
        (e / (e + 2.0)).copysign(self)
    }

    #[inline(always)]
    fn ln<const FMA: bool>(self) -> f64 {
        let bits = self.to_bits();
        let mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
        // The exponent as a number: its bits in the low mantissa of 2⁵².
        let exponent = f64::from_bits((bits >> 52) | 0x4330_0000_0000_0000)
            - (4_503_599_627_370_496.0 + 1023.0);
        let large = mantissa > std::f64::consts::SQRT_2;
        let m = if large { 0.5 * mantissa } else { mantissa };
        let e = if large { exponent + 1.0 } else { exponent };
        let f = (m - 1.0) / (m + 1.0);
        let series = f * polynomial::<f64, FMA, 12>(f * f, &ARTANH_F64);
        // 0·x is 0, or not a number where x is none.
        e.fma::<FMA>(std::f64::consts::LN_2, series) + 0.0 * self
    }

    #[inline(always)]
    fn ln_1p_unit<const FMA: bool>(self) -> f64 {
        // Beyond √2−1 halve the argument of the logarithm: ln 2 + ln((1+x)/2).
        let large = self > std::f64::consts::SQRT_2 - 1.0;
        let f = if large {
            (self - 1.0) / (self + 3.0)
        } else {
            self / (self + 2.0)
        };
        let series = f * polynomial::<f64, FMA, 12>(f * f, &ARTANH_F64);
        if large {
            series + std::f64::consts::LN_2
        } else {
            series
        }
    }

    #[inline(always)]
    fn sin_cos<const FMA: bool>(self) -> (f64, f64) {
        let (r, flip) = reduce_by_pi::<FMA>(self);
        let square = r * r;
        let sine = r * polynomial::<f64, FMA, 12>(square, &SIN);
        let cosine = polynomial::<f64, FMA, 12>(square, &COS);
        (
            f64::from_bits(sine.to_bits() ^ flip),
            f64::from_bits(cosine.to_bits() ^ flip),
        )
    }

    #[inline(always)]
    fn normal_tail<const FMA: bool>(self) -> (f64, f64) {
        let x = self.abs();
        let x = if x > 1e3 { 1e3 } else { x };
        let h = 0.5 * x * x;
        // The rounding error of h would be multiplied by h in the exponential.
        let rest = if FMA { (0.5 * x).mul_add(x, -h) } else { 0.0 };
        let density = (-h).exp_nonpositive::<FMA>();
        let density = (-rest).fma::<FMA>(density, density);
        let a = x * std::f64::consts::FRAC_1_SQRT_2;
        let t = (a - 3.0) / (a + 3.0);
        let scaled = polynomial::<f64, FMA, 25>(t, &ERFCX_F64) / (1.0 + 2.0 * a);
        (0.5 * density * scaled, density)
    }
}

impl Scalar for f32 {
    #[cfg(target_arch = "x86_64")]
    type Wide = vector::F32x16;
    #[cfg(target_arch = "x86_64")]
    type Narrow = vector::F32x8;

    common!(f32);

    #[inline(always)]
    fn from_f64(value: f64) -> f32 {
        value as f32
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn exp_nonpositive<const FMA: bool>(self) -> f32 {
        let x = if self < -87.0 { -87.0 } else { self };
        let (scale, p) = exp_parts_f32::<FMA>(x);
        scale.fma::<FMA>(p, scale)
    }

    #[inline(always)]
    fn tanh<const FMA: bool>(self) -> f32 {
        let x = self.abs();
        let y = 2.0 * if x > 10.0 { 10.0 } else { x };
        let (scale, p) = exp_parts_f32::<FMA>(y);
        let e = scale.fma::<FMA>(p, scale - 1.0);
        (e / (e + 2.0)).copysign(self)
    }

    #[inline(always)]
    fn ln<const FMA: bool>(self) -> f32 {
        let bits = self.to_bits();
        let mantissa = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000);
        let exponent = f32::from_bits((bits >> 23) | 0x4b00_0000) - (8_388_608.0 + 127.0);
        let large = mantissa > std::f32::consts::SQRT_2;
        let m = if large { 0.5 * mantissa } else { mantissa };
        let e = if large { exponent + 1.0 } else { exponent };
        let f = (m - 1.0) / (m + 1.0);
        let series = f * polynomial::<f32, FMA, 6>(f * f, &ARTANH_F32);
        // 0·x is 0, or not a number where x is none.
        e.fma::<FMA>(std::f32::consts::LN_2, series) + 0.0 * self
    }

    #[inline(always)]
    fn ln_1p_unit<const FMA: bool>(self) -> f32 {
        let large = self > std::f32::consts::SQRT_2 - 1.0;
        let f = if large {
            (self - 1.0) / (self + 3.0)
        } else {
            self / (self + 2.0)
        };
        let series = f * polynomial::<f32, FMA, 6>(f * f, &ARTANH_F32);
        if large {
            series + std::f32::consts::LN_2
        } else {
            series
        }
    }

    #[inline(always)]
    fn sin_cos<const FMA: bool>(self) -> (f32, f32) {
        // The reduction needs more digits than an f32 has.
        let (r, flip) = reduce_by_pi::<FMA>(f64::from(self));
        let square = r * r;
        let [s, c] = [&SIN, &COS].map(|table| {
            let table: [f64; 8] = std::array::from_fn(|k| table[k]);
            polynomial::<f64, FMA, 8>(square, &table)
        });
        (
            f64::from_bits((r * s).to_bits() ^ flip) as f32,
            f64::from_bits(c.to_bits() ^ flip) as f32,
        )
    }

    #[inline(always)]
    fn normal_tail<const FMA: bool>(self) -> (f32, f32) {
        let x = self.abs();
        let x = if x > 1e3 { 1e3 } else { x };
        let h = 0.5 * x * x;
        let rest = if FMA { (0.5 * x).mul_add(x, -h) } else { 0.0 };
        let density = (-h).exp_nonpositive::<FMA>();
        let density = (-rest).fma::<FMA>(density, density);
        let a = x * std::f32::consts::FRAC_1_SQRT_2;
        let t = (a - 3.0) / (a + 3.0);
        let scaled = polynomial::<f32, FMA, 12>(t, &ERFCX_F32) / (1.0 + 2.0 * a);
        (0.5 * density * scaled, density)
    }
}
