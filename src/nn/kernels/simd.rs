//! Choice of the vector unit at run time: a generic body is compiled once for
//! plain x86-64 (or any other processor), once for AVX2 and once for AVX-512,
//! and the widest one that the processor has is run.
//!
//! Within one machine the choice never changes, so results repeat bit for bit.

/// A loop to be compiled for several vector units.
///
/// `run` must be `#[inline(always)]`, and so must everything that it calls and
/// that should be vectorised. `FMA` tells whether the processor has a fused
/// multiply-add; without one, `mul_add` would be a slow library call.
pub trait Kernel {
    /// What the loop returns.
    type Output;
    /// The loop.
    fn run<const FMA: bool>(self) -> Self::Output;
}

/// Runs the kernel in the widest version that this processor supports.
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512dq") {
            // SAFETY: the processor has the features that the function enables
            // (every processor with AVX-512 has AVX2 and FMA).
            return unsafe { run_avx512(kernel) };
        }
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            // SAFETY: the processor has the features that the function enables.
            return unsafe { run_avx2(kernel) };
        }
        kernel.run::<false>()
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        // Every 64-bit ARM processor has a fused multiply-add.
        const FMA: bool = cfg!(target_arch = "aarch64");
        kernel.run::<FMA>()
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<true>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<true>()
}
