//! The two number types of the kernels, f32 and f64, and the elementary
//! functions that the activations and losses are made of, in a form that the
//! compiler vectorises: no branches, no library calls.
//!
//! Accuracy: every function states its error in units in the last place (ulp)
//! of the exact result; the tests hold it to that over the whole range, with
//! and without fused multiply-adds. Results below the smallest normal number may
//! come out as 0: subnormal numbers are slow.

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

    /// eˣ for x ≤ 0; 0 below a half of the smallest normal number or so. Error:
    /// at most 1.5 ulp.
    fn exp_nonpositive<const FMA: bool>(self) -> Self;
    /// (p, s, b) with eˣ = (1 + p)·s·b for x ≤ 0, also where eˣ is below the
    /// smallest normal number, but x·eˣ is not; below that s is 0. b is 1 unless
    /// eˣ is negligible beside 1, and then at least 2⁻⁹.
    fn exp_nonpositive_parts<const FMA: bool>(self) -> (Self, Self, Self);
    /// tanh x. Error: at most 2 ulp in f32, 4 ulp in f64.
    fn tanh<const FMA: bool>(self) -> Self;
    /// ln x for a positive x, subnormal or not; ∞ for ∞. Error: at most 1.5 ulp
    /// in f32, 3 ulp in f64.
    fn ln<const FMA: bool>(self) -> Self;
    /// ln(1+x) for 0 ≤ x ≤ 1. Error: at most 1.5 ulp in f32, 4 ulp in f64.
    fn ln_1p_unit<const FMA: bool>(self) -> Self;
    /// (sin x, cos x) for |x| ≤ 3·10⁶, and with fused multiply-adds ≤ 10¹⁵.
    /// Error: at most 0.51 ulp each in f32, also near the zeros. In f64 at most
    /// 2.5 ulp for the sine, 5·10⁻¹⁶ for the cosine. Beyond that range only
    /// bounded: the argument's own rounding decides there.
    fn sin_cos<const FMA: bool>(self) -> (Self, Self);
    /// For the standard normal distribution: the tail probability
    /// T(x) = ½ erfc(|x|/√2) beyond |x|, |x|·T(x) (where T(x) alone may be below
    /// the smallest normal number) and the unnormalised density e^(−x²/2).
    /// Error: at most 2 ulp in f32; in f64 6 ulp, 1.5 for the density.
    fn normal_tail<const FMA: bool>(self) -> (Self, Self, Self);

    /// The nearest number between −`limit` and `limit`.
    #[inline(always)]
    fn within(self, limit: Self) -> Self {
        if self.abs() > limit {
            limit.copysign(self)
        } else {
            self
        }
    }

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

/// (eʳ − 1 − r)/r² for |r| ≤ ½ ln 2; like the other tables without a formula
/// the polynomial of least largest error, by the exchange algorithm of Remez.
const EXP_F64: [f64; 10] = [
    0.500_000_000_000_000_6,
    0.166_666_666_666_666_85,
    0.041_666_666_666_573_44,
    0.008_333_333_333_314_66,
    0.001_388_888_893_248_881_6,
    0.000_198_412_699_029_392_1,
    2.480_150_427_360_802_4e-5,
    2.755_722_800_424_278_6e-6,
    2.762_640_716_663_312_4e-7,
    2.511_446_445_813_454e-8,
];
const EXP_F32: [f32; 5] = [
    0.5,
    0.166_665_18,
    0.041_666_202,
    0.008_368_954,
    0.001_395_064_9,
];

/// (2ʳ − 1)/r for |r| ≤ ½, best where [`Scalar::tanh`] needs it most.
const EXP2_F32: [f32; 5] = [
    0.693_146_8,
    0.240_222_56,
    0.055_509_172,
    0.009_670_087,
    0.001_321_645_6,
];

/// a and b in (tanh x − x)/x³ ≈ (a₀ + a₁x²)/(1 + bx²) for |x| ≤ 0.55.
const TANH_F32: ([f32; 2], f32) = ([-0.333_333_2, -0.001_551_119_4], 0.404_645_6);

/// (ln(1+s) − s + s²/2)/s³ for √½ ≤ 1+s ≤ √2.
const LN_F32: [f32; 9] = [
    0.333_333_1,
    -0.249_999_87,
    0.200_022_3,
    -0.166_692_72,
    0.142_186_08,
    -0.123_839_21,
    0.118_729_435,
    -0.117_925_27,
    0.069_188_27,
];

/// (ln(1+x) − x)/x² for 0 ≤ x ≤ 1 in powers of x − ½.
const LN_1P_F32: [f32; 9] = [
    -0.378_139_56,
    0.179_224_9,
    -0.093_232_065,
    0.051_088_54,
    -0.028_901_322,
    0.016_663_92,
    -0.010_205_109,
    0.006_906_943_4,
    -0.003_247_476_4,
];

/// sin r/r in powers of r² for |r| ≤ π/2, to 36 bits.
const SIN_F32: [f64; 6] = [
    0.999_999_999_983_009_5,
    -0.166_666_666_169_943_6,
    0.008_333_330_979_867_225,
    -0.000_198_408_618_061_083_8,
    2.752_529_813_116_804e-6,
    -2.388_966_534_236_693_2e-8,
];
/// cos r in powers of r², of small relative error also near the zeros.
const COS_F32: [f64; 8] = [
    0.999_999_999_999_991_3,
    -0.499_999_999_999_660_94,
    0.041_666_666_664_404_88,
    -0.001_388_888_882_948_606_2,
    2.480_157_944_109_717_7e-5,
    -2.755_674_250_793_072_7e-7,
    2.085_289_457_058_119_8e-9,
    -1.094_769_153_190_648_9e-11,
];

/// exp(x²/2)·T(x)/q for the normal tail T and q = 1/(x + 3.5) in powers of
/// q − 0.171875, for 0 ≤ x ≤ 13.25; the coefficients from the second to the
/// fifth are single-precision numbers.
const MILLS: [f64; 10] = [
    0.873_309_965_127_727_7,
    4.960_130_214_691_162,
    19.101_823_806_762_695,
    43.568_767_547_607_42,
    21.697_336_196_899_414,
    -164.149_910_585_014_3,
    -242.480_767_216_982_37,
    848.930_809_641_847_8,
    1_261.587_583_820_178_2,
    -4_894.006_764_309_383_5,
];
/// What the first one loses as a single-precision number.
const MILLS_LOW: f32 = (MILLS[0] - MILLS_F32[0] as f64) as f32;
const MILLS_F32: [f32; 10] = {
    let mut table = [0.0; 10];
    let mut k = 0;
    while k < 10 {
        table[k] = MILLS[k] as f32;
        k += 1;
    }
    table
};
const MILLS_SHIFT: f32 = 3.5;
const MILLS_CENTRE: f32 = 0.171_875;

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
/// (n as the low bits of a number, eʳ − 1) with e^(x+low) = 2ⁿ·eʳ and
/// |r| ≤ ½ ln 2; no low part is 0.
#[inline(always)]
fn exp_parts_f64<const FMA: bool>(x: f64, low: Option<f64>) -> (u64, f64) {
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let rounded = x.fma::<FMA>(std::f64::consts::LOG2_E, ROUND_F64);
    let n = rounded - ROUND_F64;
    let r = (-n).fma::<FMA>(LN2_HIGH, x);
    let r = match low {
        None => (-n).fma::<FMA>(LN2_LOW, r),
        Some(low) => r + (-n).fma::<FMA>(LN2_LOW, low),
    };
    let p = (r * r).fma::<FMA>(polynomial::<f64, FMA, 10>(r, &EXP_F64), r);
    (rounded.to_bits(), p)
}

/// ln 2 in two parts; products of the first with small whole numbers are exact.
const LN2_HIGH_F32: f32 = 0.693_359_4;
const LN2_LOW_F32: f32 = -2.121_944_4e-4;

#[inline(always)]
fn exp_parts_f32<const FMA: bool>(x: f32, low: Option<f32>) -> (u32, f32) {
    let rounded = x.fma::<FMA>(std::f32::consts::LOG2_E, ROUND_F32);
    let n = rounded - ROUND_F32;
    let r = (-n).fma::<FMA>(LN2_HIGH_F32, x);
    let r = match low {
        None => (-n).fma::<FMA>(LN2_LOW_F32, r),
        Some(low) => r + (-n).fma::<FMA>(LN2_LOW_F32, low),
    };
    let p = (r * r).fma::<FMA>(polynomial::<f32, FMA, 5>(r, &EXP_F32), r);
    (rounded.to_bits(), p)
}

/// 2ⁿ for the bits of [`exp_parts_f64`]; 0 for the n below that of the smallest
/// normal number.
#[inline(always)]
fn power_of_two_f64(bits: u64) -> f64 {
    f64::from_bits(bits.wrapping_add(1023) << 52)
}

#[inline(always)]
fn power_of_two_f32(bits: u32) -> f32 {
    f32::from_bits(bits.wrapping_add(127) << 23)
}

/// (h, d) with h + d = x²/2 to twice the precision.
#[inline(always)]
fn half_square_f64<const FMA: bool>(x: f64) -> (f64, f64) {
    if FMA {
        let h = 0.5 * x * x;
        (h, (0.5 * x).mul_add(x, -h))
    } else {
        // The square of half the digits is exact.
        let high = f64::from_bits(x.to_bits() & 0xffff_ffff_f800_0000);
        (0.5 * high * high, 0.5 * (x - high) * (x + high))
    }
}

#[inline(always)]
fn half_square_f32<const FMA: bool>(x: f32) -> (f32, f32) {
    if FMA {
        let h = 0.5 * x * x;
        (h, (0.5 * x).mul_add(x, -h))
    } else {
        let high = f32::from_bits(x.to_bits() & 0xffff_f000);
        (0.5 * high * high, 0.5 * (x - high) * (x + high))
    }
}

/// exp(x²/2)·T(x) for the normal tail T and 0 ≤ x ≤ 13.25 as a sum of two
/// numbers, and the same times x.
#[inline(always)]
fn mills_ratio_f32<const FMA: bool>(x: f32) -> [(f32, f32); 2] {
    if FMA {
        // What the roundings of x + 3.5 and of its inverse q lose comes back as
        // the distance of x from the point where q is exact, times the slope
        // of the ratio m, x·m − 1/√(2π).
        let sum = x + MILLS_SHIFT;
        let q = 1.0 / sum;
        let lost = x - (sum - MILLS_SHIFT);
        let distance = q.mul_add(-sum, 1.0).mul_add(-sum, lost);
        let t = q - MILLS_CENTRE;
        let tail: [f32; 9] = std::array::from_fn(|k| MILLS_F32[k + 1]);
        let rest = polynomial::<f32, true, 9>(t, &tail);
        let series = t.mul_add(rest, MILLS_F32[0]);
        let series_low = t.mul_add(rest, MILLS_F32[0] - series) + MILLS_LOW;
        let m = q * series;
        let slope = x.mul_add(m, -0.398_942_3);
        let low = q.mul_add(series, -m) + distance.mul_add(slope, q * series_low);
        let y = x * m;
        [(m, low), (y, x.mul_add(low, x.mul_add(m, -y)))]
    } else {
        let x = f64::from(x);
        let q = 1.0 / (x + f64::from(MILLS_SHIFT));
        let m = q * polynomial::<f64, false, 10>(q - f64::from(MILLS_CENTRE), &MILLS);
        [m, x * m].map(|y| {
            let high = y as f32;
            (high, (y - f64::from(high)) as f32)
        })
    }
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
        // From here on 2ⁿ comes out as 0.
        const LOWEST: f64 = -709.0;
        let x = if self < LOWEST { LOWEST } else { self };
        let (n, p) = exp_parts_f64::<FMA>(x, None);
        let scale = power_of_two_f64(n);
        scale.fma::<FMA>(p, scale)
    }

    #[inline(always)]
    fn exp_nonpositive_parts<const FMA: bool>(self) -> (f64, f64, f64) {
        const LOWEST: f64 = -715.2;
        let x = if self < LOWEST { LOWEST } else { self };
        let (n, p) = exp_parts_f64::<FMA>(x, None);
        let (boost, back) = if x < -700.0 {
            (9, 0.001_953_125)
        } else {
            (0, 1.0)
        };
        (p, power_of_two_f64(n.wrapping_add(boost)), back)
    }

    #[inline(always)]
    fn tanh<const FMA: bool>(self) -> f64 {
        // (e^2x − 1)/(e^2x + 1); from 20 on it is 1 to the last place.
        let x = self.abs();
        let y = 2.0 * if x > 20.0 { 20.0 } else { x };
        let (n, p) = exp_parts_f64::<FMA>(y, None);
        let scale = power_of_two_f64(n);
        let e = scale.fma::<FMA>(p, scale - 1.0);
        (e / (e + 2.0)).copysign(self)
    }

    #[inline(always)]
    fn ln<const FMA: bool>(self) -> f64 {
        // A subnormal number as a normal one times 2⁻⁵⁴.
        let small = self < f64::MIN_POSITIVE;
        let x = if small {
            self * 18_014_398_509_481_984.0
        } else {
            self
        };
        let offset = if small { 1023.0 + 54.0 } else { 1023.0 };
        let bits = x.to_bits();
        let mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
        // The exponent as a number: its bits in the low mantissa of 2⁵².
        let exponent = f64::from_bits((bits >> 52) | 0x4330_0000_0000_0000)
            - (4_503_599_627_370_496.0 + offset);
        let large = mantissa > std::f64::consts::SQRT_2;
        let m = if large { 0.5 * mantissa } else { mantissa };
        let e = if large { exponent + 1.0 } else { exponent };
        let f = (m - 1.0) / (m + 1.0);
        let series = f * polynomial::<f64, FMA, 12>(f * f, &ARTANH_F64);
        let ln = e.fma::<FMA>(std::f64::consts::LN_2, series);
        // What is no number, and infinity, stays.
        if self < f64::INFINITY { ln } else { self }
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
    fn normal_tail<const FMA: bool>(self) -> (f64, f64, f64) {
        // From here on e^(−x²/2) comes out as 0.
        const LIMIT: f64 = 37.656;
        let x = self.abs();
        let x = if x > LIMIT { LIMIT } else { x };
        let (h, rest) = half_square_f64::<FMA>(x);
        let (n, p) = exp_parts_f64::<FMA>(-h, Some(-rest));
        let scale = power_of_two_f64(n);
        let density = scale.fma::<FMA>(p, scale);
        let a = x * std::f64::consts::FRAC_1_SQRT_2;
        let t = (a - 3.0) / (a + 3.0);
        let ratio = 0.5 * polynomial::<f64, FMA, 25>(t, &ERFCX_F64) / (1.0 + 2.0 * a);
        (ratio * density, x * ratio * density, density)
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
        // From here on 2ⁿ comes out as 0.
        const LOWEST: f32 = -88.0;
        let x = if self < LOWEST { LOWEST } else { self };
        let (n, p) = exp_parts_f32::<FMA>(x, None);
        let scale = power_of_two_f32(n);
        scale.fma::<FMA>(p, scale)
    }

    #[inline(always)]
    fn exp_nonpositive_parts<const FMA: bool>(self) -> (f32, f32, f32) {
        const LOWEST: f32 = -92.6;
        let x = if self < LOWEST { LOWEST } else { self };
        let (n, p) = exp_parts_f32::<FMA>(x, None);
        let (boost, back) = if x < -80.0 {
            (7, 0.007_812_5)
        } else {
            (0, 1.0)
        };
        (p, power_of_two_f32(n.wrapping_add(boost)), back)
    }

    #[inline(always)]
    fn tanh<const FMA: bool>(self) -> f32 {
        // Near 0 a rational function, beyond it 1 − 2/(e^2x + 1), which from 10
        // on is 1 to the last place; one division serves both.
        const HALVINGS: f32 = 2.0 * std::f32::consts::LOG2_E;
        // With it, the low bits are the exponent's.
        const ROUND: f32 = ROUND_F32 + 127.0;
        let x = self.abs();
        let x = if x > 10.0 { 10.0 } else { x };
        let rounded = x.fma::<FMA>(HALVINGS, ROUND);
        let n = rounded - ROUND;
        let r = if FMA {
            x.fma::<FMA>(HALVINGS, -n)
        } else {
            ((2.0 * x - n * LN2_HIGH_F32) - n * LN2_LOW_F32) * std::f32::consts::LOG2_E
        };
        let scale = f32::from_bits(rounded.to_bits() << 23);
        let fraction = r * polynomial::<f32, FMA, 5>(r, &EXP2_F32);
        let far = scale.fma::<FMA>(fraction, scale + 1.0);
        let square = x * x;
        let ([a0, a1], b) = TANH_F32;
        let near = x * square * square.fma::<FMA>(a1, a0);
        let (base, numerator, denominator) = if x < 0.55 {
            (x, near, square.fma::<FMA>(b, 1.0))
        } else {
            (1.0, -2.0, far)
        };
        (base + numerator / denominator).copysign(self)
    }

    #[inline(always)]
    fn ln<const FMA: bool>(self) -> f32 {
        const LN2_HIGH: f32 = 0.693_359_4;
        const LN2_LOW: f32 = -2.121_944_4e-4;
        // The bits of √½: the exponent counts from there.
        const ROOT: u32 = 0x3f35_04f3;
        // A subnormal number as a normal one times 2⁻²⁵.
        let small = self < f32::MIN_POSITIVE;
        let x = if small { self * 33_554_432.0 } else { self };
        let offset = if small { 25.0 } else { 0.0 };
        let bits = x.to_bits().wrapping_sub(ROOT);
        let e = (bits.cast_signed() >> 23) as f32 - offset;
        let s = f32::from_bits((bits & 0x007f_ffff) + ROOT) - 1.0;
        let square = s * s;
        let y = s * square * polynomial::<f32, FMA, 9>(s, &LN_F32);
        let y = (-0.5).fma::<FMA>(square, e.fma::<FMA>(LN2_LOW, y));
        let ln = e.fma::<FMA>(LN2_HIGH, s + y);
        // What is no number, and infinity, stays.
        if self < f32::INFINITY { ln } else { self }
    }

    #[inline(always)]
    fn ln_1p_unit<const FMA: bool>(self) -> f32 {
        let series = polynomial::<f32, FMA, 9>(self - 0.5, &LN_1P_F32);
        (self * self).fma::<FMA>(series, self)
    }

    #[inline(always)]
    fn sin_cos<const FMA: bool>(self) -> (f32, f32) {
        // The reduction needs more digits than an f32 has.
        let (r, flip) = reduce_by_pi::<FMA>(f64::from(self));
        let square = r * r;
        let s = polynomial::<f64, FMA, 6>(square, &SIN_F32);
        let c = polynomial::<f64, FMA, 8>(square, &COS_F32);
        (
            f64::from_bits((r * s).to_bits() ^ flip) as f32,
            f64::from_bits(c.to_bits() ^ flip) as f32,
        )
    }

    #[inline(always)]
    fn normal_tail<const FMA: bool>(self) -> (f32, f32, f32) {
        // From here on e^(−x²/2) comes out as 0.
        const LIMIT: f32 = 13.25;
        let x = self.abs();
        let x = if x > LIMIT { LIMIT } else { x };
        let (h, rest) = half_square_f32::<FMA>(x);
        let (n, p) = exp_parts_f32::<FMA>(-h, Some(-rest));
        let scale = power_of_two_f32(n);
        let [tail, moment] = mills_ratio_f32::<FMA>(x)
            .map(|(high, low)| scale * (high + high.fma::<FMA>(p, low.fma::<FMA>(p, low))));
        (tail, moment, scale.fma::<FMA>(p, scale))
    }
}
