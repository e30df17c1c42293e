//! Vector arithmetic over `f32` and `f64` slices with sums in double precision.
//!
//! Sums run over sixteen independent lanes inside blocks of 4,096 elements, and
//! the blocks' sums are added in order: the rounding error grows with
//! n/4096 + 256 instead of n, and the result depends neither on the number of
//! threads nor on the width of the machine's registers. Lengths must agree;
//! the shorter one decides otherwise (checked in debug builds).

use super::floats::Real;

/// Elements summed in one go before a partial sum is put aside.
const BLOCK: usize = 4096;
/// Independent accumulators within a block.
const LANES: usize = 16;

/// Sum of a block's lanes, as a balanced tree.
#[inline(always)]
fn fold(mut lanes: [f64; LANES]) -> f64 {
    let mut width = LANES / 2;
    while width > 0 {
        for l in 0..width {
            lanes[l] += lanes[l + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[inline(always)]
fn block_dot<A: Real, B: Real>(a: &[A], b: &[B]) -> f64 {
    let mut lanes = [0.0; LANES];
    let mut xs = a.chunks_exact(LANES);
    let mut ys = b.chunks_exact(LANES);
    for (x, y) in xs.by_ref().zip(ys.by_ref()) {
        for l in 0..LANES {
            lanes[l] += x[l].to_f64() * y[l].to_f64();
        }
    }
    for (l, (x, y)) in xs.remainder().iter().zip(ys.remainder()).enumerate() {
        lanes[l] += x.to_f64() * y.to_f64();
    }
    fold(lanes)
}

#[inline(always)]
fn dot_body<A: Real, B: Real>(a: &[A], b: &[B]) -> f64 {
    a.chunks(BLOCK)
        .zip(b.chunks(BLOCK))
        .map(|(x, y)| block_dot(x, y))
        .sum()
}

#[inline(always)]
fn axpy_body<A: Real>(alpha: f64, x: &[A], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += alpha * x.to_f64();
    }
}

/// The same loops compiled for 256-bit registers. No fused multiply-add: the
/// results are those of the portable version, bit for bit.
#[cfg(target_arch = "x86_64")]
mod wide {
    use super::{Real, axpy_body, dot_body};

    #[target_feature(enable = "avx2")]
    pub(super) fn dot<A: Real, B: Real>(a: &[A], b: &[B]) -> f64 {
        dot_body(a, b)
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn axpy<A: Real>(alpha: f64, x: &[A], y: &mut [f64]) {
        axpy_body(alpha, x, y);
    }
}

/// Whether the 256-bit version may run.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

/// Σ aᵢ bᵢ.
pub fn dot<A: Real, B: Real>(a: &[A], b: &[B]) -> f64 {
    debug_assert_eq!(a.len(), b.len());
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the processor has AVX2, which is all that the function asks.
        return unsafe { wide::dot(a, b) };
    }
    dot_body(a, b)
}

/// y ← y + α x.
pub fn axpy<A: Real>(alpha: f64, x: &[A], y: &mut [f64]) {
    debug_assert_eq!(x.len(), y.len());
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the processor has AVX2, which is all that the function asks.
        return unsafe { wide::axpy(alpha, x, y) };
    }
    axpy_body(alpha, x, y);
}

/// Σ aᵢ².
pub fn norm_squared<A: Real>(a: &[A]) -> f64 {
    dot(a, a)
}

/// √Σ aᵢ² (for elements whose squares neither overflow nor vanish).
pub fn norm<A: Real>(a: &[A]) -> f64 {
    norm_squared(a).sqrt()
}

/// Σ aᵢ, blocked like the products.
pub fn sum<A: Real>(a: &[A]) -> f64 {
    a.chunks(BLOCK)
        .map(|block| {
            let mut lanes = [0.0; LANES];
            let mut chunks = block.chunks_exact(LANES);
            for x in chunks.by_ref() {
                for l in 0..LANES {
                    lanes[l] += x[l].to_f64();
                }
            }
            for (l, x) in chunks.remainder().iter().enumerate() {
                lanes[l] += x.to_f64();
            }
            fold(lanes)
        })
        .sum()
}

/// ‖a − b‖.
pub fn distance<A: Real, B: Real>(a: &[A], b: &[B]) -> f64 {
    debug_assert_eq!(a.len(), b.len());
    a.chunks(BLOCK)
        .zip(b.chunks(BLOCK))
        .map(|(x, y)| {
            let mut lanes = [0.0; LANES];
            for (i, (x, y)) in x.iter().zip(y).enumerate() {
                let d = x.to_f64() - y.to_f64();
                lanes[i % LANES] += d * d;
            }
            fold(lanes)
        })
        .sum::<f64>()
        .sqrt()
}

/// x ← α x.
pub fn scale(alpha: f64, x: &mut [f64]) {
    for x in x {
        *x *= alpha;
    }
}

/// Divide by the norm and return it; a zero vector stays zero.
pub fn normalize(x: &mut [f64]) -> f64 {
    let length = norm(x);
    if length > 0.0 {
        scale(1.0 / length, x);
    }
    length
}

/// ⟨a, b⟩ / (‖a‖‖b‖), in [−1, 1]; 0 where one of them is zero.
pub fn cosine<A: Real, B: Real>(a: &[A], b: &[B]) -> f64 {
    let lengths = norm(a) * norm(b);
    if lengths > 0.0 {
        (dot(a, b) / lengths).clamp(-1.0, 1.0)
    } else {
        0.0
    }
}

/// Largest |aᵢ|; not-a-number if any element is.
pub fn max_abs<A: Real>(a: &[A]) -> f64 {
    let mut largest = 0.0;
    for x in a {
        let x = x.to_f64().abs();
        if x.is_nan() {
            return f64::NAN;
        }
        if x > largest {
            largest = x;
        }
    }
    largest
}

/// The same numbers in double precision.
pub fn to_f64<A: Real>(a: &[A]) -> Vec<f64> {
    a.iter().map(|x| x.to_f64()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sums_of_singles_do_not_drift() {
        // A naive f32 sum of ten million tenths is 0.27 % off.
        let tenths = vec![0.1f32; 10_000_000];
        let expected = 1e7 * f64::from(0.1f32);
        assert!((sum(&tenths) - expected).abs() < 1e-9 * expected);
        let ones = vec![1.0f32; tenths.len()];
        assert!((dot(&tenths, &ones) - expected).abs() < 1e-9 * expected);
    }

    #[test]
    fn portable_and_wide_versions_agree_to_the_bit() {
        let a: Vec<f64> = (0..10_007).map(|i| (i as f64 * 0.37).sin()).collect();
        let b: Vec<f32> = (0..10_007).map(|i| (i as f32 * 0.11).cos()).collect();
        assert_eq!(dot(&a, &b).to_bits(), dot_body(&a, &b).to_bits());
        let (mut y, mut z) = (a.clone(), a.clone());
        axpy(0.3, &b, &mut y);
        axpy_body(0.3, &b, &mut z);
        assert_eq!(y, z);
    }

    #[test]
    fn not_a_number_is_seen() {
        assert!(max_abs(&[1.0, f64::NAN, 2.0]).is_nan());
        assert_eq!(max_abs(&[1.0f32, -3.0]), 3.0);
        assert_eq!(cosine(&[0.0, 0.0], &[1.0, 0.0]), 0.0);
    }

    proptest! {
        #[test]
        fn products_agree_with_their_definition(
            pairs in prop::collection::vec((-1e3f64..1e3, -1e3f64..1e3), 0..200),
        ) {
            let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let direct: f64 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
            let size: f64 = a.iter().zip(&b).map(|(x, y)| (x * y).abs()).sum();
            prop_assert!((dot(&a, &b) - direct).abs() <= 1e-13 * size);
            let squared: f64 = a.iter().zip(&b).map(|(x, y)| (x - y) * (x - y)).sum();
            prop_assert!((distance(&a, &b).powi(2) - squared).abs() <= 1e-12 * (1.0 + squared));
        }
    }
}
