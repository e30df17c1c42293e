//! Vector registers by name, for the loops that the compiler does not tile by
//! itself: matrix products keep a block of sums in registers.

use super::scalar::Scalar;

/// A register of numbers.
///
/// # Safety
/// The functions of the AVX types may only run on a processor that has the
/// unit, within a function compiled for it: [`dispatch`] sees to both. Pointers
/// must be valid for [`Vector::LANES`] numbers, or for `count` of them.
#[allow(clippy::missing_safety_doc)] // the same for all, above
pub trait Vector: Copy {
    /// What it is made of.
    type Element: Scalar;
    /// Numbers in a register.
    const LANES: usize;
    /// Registers that the processor has.
    const REGISTERS: usize;

    /// The same number in all lanes.
    unsafe fn splat(value: Self::Element) -> Self;
    /// The numbers at `from`.
    unsafe fn load(from: *const Self::Element) -> Self;
    /// The first `count` numbers at `from`, then zeros.
    unsafe fn load_part(from: *const Self::Element, count: usize) -> Self;
    /// Writes all lanes.
    unsafe fn store(self, to: *mut Self::Element);
    /// Writes the first `count` lanes.
    unsafe fn store_part(self, to: *mut Self::Element, count: usize);
    /// self·factor + term.
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self;
    /// The sum of the lanes.
    unsafe fn sum(self) -> Self::Element;
    /// The sums of the lanes of four registers.
    #[inline(always)]
    unsafe fn sum4(four: [Self; 4]) -> [Self::Element; 4] {
        // SAFETY: the caller's promise.
        four.map(|register| unsafe { register.sum() })
    }
}

/// A loop over registers.
///
/// `run` must be `#[inline(always)]`, and so must everything that it calls.
pub trait VectorKernel<T> {
    /// The loop.
    ///
    /// # Safety
    /// The processor has the vectors of `V`, and the function that this is
    /// inlined into is compiled for them.
    unsafe fn run<V: Vector<Element = T>>(self);
}

/// A register for processors without a unit that is known here.
#[derive(Clone, Copy, Debug)]
pub struct Portable<T>([T; 4]);

impl<T: Scalar> Vector for Portable<T> {
    type Element = T;
    const LANES: usize = 4;
    const REGISTERS: usize = if cfg!(target_arch = "aarch64") {
        32
    } else {
        16
    };

    #[inline(always)]
    unsafe fn splat(value: T) -> Self {
        Self([value; 4])
    }
    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: valid for four numbers, by the caller's promise; an array of
        // numbers is aligned as one of them.
        Self(unsafe { from.cast::<[T; 4]>().read() })
    }
    #[inline(always)]
    unsafe fn load_part(from: *const T, count: usize) -> Self {
        let mut lanes = [T::ZERO; 4];
        for (i, lane) in lanes.iter_mut().enumerate().take(count) {
            // SAFETY: valid for `count` numbers, by the caller's promise.
            *lane = unsafe { from.add(i).read() };
        }
        Self(lanes)
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: as in `load`.
        unsafe { to.cast::<[T; 4]>().write(self.0) };
    }
    #[inline(always)]
    unsafe fn store_part(self, to: *mut T, count: usize) {
        for (i, lane) in self.0.into_iter().enumerate().take(count) {
            // SAFETY: valid for `count` numbers, by the caller's promise.
            unsafe { to.add(i).write(lane) };
        }
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        // Every 64-bit ARM processor has a fused multiply-add; what x86
        // processors come here have none.
        const FMA: bool = cfg!(target_arch = "aarch64");
        let mut sums = term.0;
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum = self.0[i].fma::<FMA>(factor.0[i], *sum);
        }
        Self(sums)
    }
    #[inline(always)]
    unsafe fn sum(self) -> T {
        (self.0[0] + self.0[2]) + (self.0[1] + self.0[3])
    }
}

/// Runs the loop with the widest registers that this processor has.
#[inline]
pub fn dispatch<T: Scalar, K: VectorKernel<T>>(kernel: K) {
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512dq") {
            // SAFETY: the processor has the features that the function enables
            // (every processor with AVX-512 has AVX2 and FMA).
            return unsafe { x86::run_avx512::<T, K>(kernel) };
        }
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            // SAFETY: the processor has the features that the function enables.
            return unsafe { x86::run_avx2::<T, K>(kernel) };
        }
    }
    // SAFETY: plain arrays need no vector unit.
    unsafe { kernel.run::<Portable<T>>() }
}

#[cfg(all(test, target_arch = "x86_64"))]
pub(super) use x86::run_avx2;

/// The registers of the x86 units.
#[cfg(target_arch = "x86_64")]
pub use x86::{F32x8, F32x16, F64x4, F64x8};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Scalar, Vector, VectorKernel};

    #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
    pub unsafe fn run_avx512<T: Scalar, K: VectorKernel<T>>(kernel: K) {
        // SAFETY: this function is compiled for AVX-512.
        unsafe { kernel.run::<T::Wide>() }
    }

    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn run_avx2<T: Scalar, K: VectorKernel<T>>(kernel: K) {
        // SAFETY: this function is compiled for AVX2.
        unsafe { kernel.run::<T::Narrow>() }
    }

    macro_rules! register {
        ($(#[$doc:meta])* $name:ident($register:ty) of $lanes:literal $t:ty, $registers:literal,
         $splat:ident $load:ident $store:ident $fma:ident,
         $load_part:expr, $store_part:expr, $sum:expr, $sum4:ident) => {
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name($register);

            impl Vector for $name {
                type Element = $t;
                const LANES: usize = $lanes;
                const REGISTERS: usize = $registers;

                #[inline(always)]
                unsafe fn splat(value: $t) -> Self {
                    // SAFETY: the caller's promise, here and below.
                    Self(unsafe { $splat(value) })
                }
                #[inline(always)]
                unsafe fn load(from: *const $t) -> Self {
                    // SAFETY: as above.
                    Self(unsafe { $load(from) })
                }
                #[inline(always)]
                unsafe fn load_part(from: *const $t, count: usize) -> Self {
                    // SAFETY: as above.
                    Self(unsafe { $load_part(from, count) })
                }
                #[inline(always)]
                unsafe fn store(self, to: *mut $t) {
                    // SAFETY: as above.
                    unsafe { $store(to, self.0) }
                }
                #[inline(always)]
                unsafe fn store_part(self, to: *mut $t, count: usize) {
                    // SAFETY: as above.
                    unsafe { $store_part(to, self.0, count) }
                }
                #[inline(always)]
                unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
                    // SAFETY: as above.
                    Self(unsafe { $fma(self.0, factor.0, term.0) })
                }
                #[inline(always)]
                unsafe fn sum(self) -> $t {
                    // SAFETY: as above.
                    unsafe { $sum(self.0) }
                }
                #[inline(always)]
                unsafe fn sum4(four: [Self; 4]) -> [$t; 4] {
                    // SAFETY: as above.
                    unsafe { $sum4(four.map(|register| register.0)) }
                }
            }
        };
    }

    /// The first `count` of N numbers, then zeros.
    #[inline(always)]
    unsafe fn copied<T: Scalar, const N: usize>(from: *const T, count: usize) -> [T; N] {
        let mut lanes = [T::ZERO; N];
        for (i, lane) in lanes.iter_mut().enumerate().take(count) {
            // SAFETY: valid for `count` numbers, by the caller's promise.
            *lane = unsafe { from.add(i).read() };
        }
        lanes
    }

    #[inline(always)]
    unsafe fn sum_f32x4(v: __m128) -> f32 {
        // SAFETY: SSE, which every x86-64 processor has.
        unsafe {
            let v = _mm_add_ps(v, _mm_movehl_ps(v, v));
            _mm_cvtss_f32(_mm_add_ss(v, _mm_shuffle_ps::<1>(v, v)))
        }
    }

    #[inline(always)]
    unsafe fn sum_f32x8(v: __m256) -> f32 {
        // SAFETY: the caller's promise.
        unsafe {
            sum_f32x4(_mm_add_ps(
                _mm256_castps256_ps128(v),
                _mm256_extractf128_ps::<1>(v),
            ))
        }
    }

    #[inline(always)]
    unsafe fn sum_f64x4(v: __m256d) -> f64 {
        // SAFETY: the caller's promise.
        unsafe {
            let v = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd::<1>(v));
            _mm_cvtsd_f64(_mm_add_sd(v, _mm_unpackhi_pd(v, v)))
        }
    }

    // Four sums at a time take half the shuffles of four single ones: registers
    // are interleaved and added until each lane of 128 bits holds all four.

    #[inline(always)]
    unsafe fn sum4_f32x16([a, b, c, d]: [__m512; 4]) -> [f32; 4] {
        // SAFETY: the caller's promise.
        unsafe {
            let ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
            let cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
            let (ab, cd) = (_mm512_castps_pd(ab), _mm512_castps_pd(cd));
            let low = _mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd));
            let high = _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd));
            let all = _mm512_add_ps(low, high);
            let all = _mm256_add_ps(
                _mm512_castps512_ps256(all),
                _mm512_extractf32x8_ps::<1>(all),
            );
            four_f32(all)
        }
    }

    #[inline(always)]
    unsafe fn sum4_f32x8([a, b, c, d]: [__m256; 4]) -> [f32; 4] {
        // SAFETY: the caller's promise.
        unsafe { four_f32(_mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d))) }
    }

    #[inline(always)]
    unsafe fn four_f32(v: __m256) -> [f32; 4] {
        let mut sums = [0.0; 4];
        // SAFETY: the caller's promise.
        unsafe {
            let v = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
            _mm_storeu_ps(sums.as_mut_ptr(), v);
        }
        sums
    }

    #[inline(always)]
    unsafe fn sum4_f64x8([a, b, c, d]: [__m512d; 4]) -> [f64; 4] {
        // SAFETY: the caller's promise.
        unsafe {
            let pair = |a, b| {
                let v = _mm512_add_pd(_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
                let v = _mm256_add_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd::<1>(v));
                two_f64(v)
            };
            let ([a, b], [c, d]) = (pair(a, b), pair(c, d));
            [a, b, c, d]
        }
    }

    #[inline(always)]
    unsafe fn sum4_f64x4([a, b, c, d]: [__m256d; 4]) -> [f64; 4] {
        // SAFETY: the caller's promise.
        unsafe {
            let ([a, b], [c, d]) = (two_f64(_mm256_hadd_pd(a, b)), two_f64(_mm256_hadd_pd(c, d)));
            [a, b, c, d]
        }
    }

    #[inline(always)]
    unsafe fn two_f64(v: __m256d) -> [f64; 2] {
        let mut sums = [0.0; 2];
        // SAFETY: the caller's promise.
        unsafe {
            let v = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd::<1>(v));
            _mm_storeu_pd(sums.as_mut_ptr(), v);
        }
        sums
    }

    register!(
        /// Sixteen f32, AVX-512.
        F32x16(__m512) of 16 f32, 32,
        _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_fmadd_ps,
        |from, count: usize| _mm512_maskz_loadu_ps(((1u32 << count) - 1) as __mmask16, from),
        |to, v, count: usize| {
            _mm512_mask_storeu_ps(to, ((1u32 << count) - 1) as __mmask16, v)
        },
        |v: __m512| {
            sum_f32x8(_mm256_add_ps(
                _mm512_castps512_ps256(v),
                _mm512_extractf32x8_ps::<1>(v),
            ))
        },
        sum4_f32x16
    );
    register!(
        /// Eight f64, AVX-512.
        F64x8(__m512d) of 8 f64, 32,
        _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_fmadd_pd,
        |from, count: usize| _mm512_maskz_loadu_pd(((1u32 << count) - 1) as __mmask8, from),
        |to, v, count: usize| {
            _mm512_mask_storeu_pd(to, ((1u32 << count) - 1) as __mmask8, v)
        },
        |v: __m512d| {
            sum_f64x4(_mm256_add_pd(
                _mm512_castpd512_pd256(v),
                _mm512_extractf64x4_pd::<1>(v),
            ))
        },
        sum4_f64x8
    );
    register!(
        /// Eight f32, AVX2.
        F32x8(__m256) of 8 f32, 16,
        _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_fmadd_ps,
        |from, count| _mm256_loadu_ps(copied::<f32, 8>(from, count).as_ptr()),
        |to: *mut f32, v, count: usize| {
            let mut lanes = [0.0; 8];
            _mm256_storeu_ps(lanes.as_mut_ptr(), v);
            to.copy_from_nonoverlapping(lanes.as_ptr(), count);
        },
        |v| sum_f32x8(v),
        sum4_f32x8
    );
    register!(
        /// Four f64, AVX2.
        F64x4(__m256d) of 4 f64, 16,
        _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_fmadd_pd,
        |from, count| _mm256_loadu_pd(copied::<f64, 4>(from, count).as_ptr()),
        |to: *mut f64, v, count: usize| {
            let mut lanes = [0.0; 4];
            _mm256_storeu_pd(lanes.as_mut_ptr(), v);
            to.copy_from_nonoverlapping(lanes.as_ptr(), count);
        },
        |v| sum_f64x4(v),
        sum4_f64x4
    );
}
