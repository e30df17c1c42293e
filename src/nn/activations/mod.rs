//! Activation functions with their first and second derivatives.
//!
//! Errors, held by the tests over the whole range: the value in f32 at most
//! 2 ulp (units in the last place; the sine 0.51 ulp up to |x| = 3·10⁶), in f64 at
//! most 6 ulp; φ' and φ'' in f32 4·10⁻⁷ and 6·10⁻⁷, absolute. Values below the
//! smallest normal number may come out as 0, unless the argument is as small.
//!
//! A new one is a file with a [`Function`] (and, for the tests, the same function
//! computed otherwise) and a line in the registry below.

mod gelu;
mod identity;
mod relu;
mod sigmoid;
mod silu;
mod sin;
mod softplus;
mod tanh;

pub(super) use sigmoid::sigmoid;

#[cfg(test)]
mod tests;

#[cfg(test)]
use candle_core::Tensor;

use super::kernels::matrix::Write;
use super::kernels::scalar::Scalar;
use super::kernels::simd::{Kernel, dispatch};
use crate::recipe::Choice;

macro_rules! registry {
    ($($file:ident::$name:ident),* $(,)?) => {
        /// Every activation, in the order in which the program lists them.
        pub static ALL: &[&dyn Activation] = &[$(&$file::$name),*];

        /// The choices of a recipe field, one for each activation of [`ALL`].
        pub static CHOICES: &[Choice] = &[$($file::$name::CHOICE),*];
    };
}

registry! {
    tanh::Tanh,
    relu::Relu,
    gelu::Gelu,
    silu::Silu,
    sigmoid::Sigmoid,
    sin::Sin,
    softplus::Softplus,
    identity::Identity,
}

/// The activation with this key, if there is one.
pub fn find(key: &str) -> Option<&'static dyn Activation> {
    ALL.iter()
        .copied()
        .find(|activation| activation.choice().key == key)
}

/// φ, φ' and φ'' at one point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jet<T> {
    /// φ(x).
    pub value: T,
    /// φ'(x).
    pub first: T,
    /// φ''(x).
    pub second: T,
}

/// The formula of an activation. Mark all functions `#[inline(always)]`.
pub trait Function: Send + Sync + 'static {
    /// Key, label and explanation.
    const CHOICE: Choice;

    /// Whether φ(−x) = −φ(x): a unit with it can change the sign of its inputs
    /// and of its output.
    const ODD: bool = false;

    /// φ, φ', φ'' at x; what a caller does not use is not computed.
    fn jet<T: Scalar, const FMA: bool>(x: T) -> Jet<T>;

    /// φ'(x) where y = φ(x) is known, for functions where that saves work.
    #[inline(always)]
    fn slope<T: Scalar, const FMA: bool>(x: T, _y: T) -> T {
        Self::jet::<T, FMA>(x).first
    }

    /// [φ, φ', φ''] at x once more, independently: from libm, in forms that keep
    /// their relative accuracy.
    #[cfg(test)]
    fn reference(x: f64) -> [f64; 3];

    /// φ once more from candle's operations, which candle differentiates twice.
    #[cfg(test)]
    fn candle(x: &Tensor) -> candle_core::Result<Tensor>;

    /// What errors of φ(x) = `value` are measured against: relative errors,
    /// where nothing else is said.
    #[cfg(test)]
    fn scale(_x: f64, value: f64) -> f64 {
        value.abs().max(1e-300)
    }
}

/// An activation on slices, in either precision.
pub trait Activation: Send + Sync {
    /// Key, label and explanation.
    fn choice(&self) -> Choice;

    /// Whether φ(−x) = −φ(x).
    fn odd(&self) -> bool;

    /// y ← φ(x).
    fn value_f32(&self, x: &[f32], y: &mut [f32]);
    /// y ← φ(x).
    fn value_f64(&self, x: &[f64], y: &mut [f64]);
    /// dx ← or += φ'(x) dy, where y = φ(x).
    fn backward_f32(&self, x: &[f32], y: &[f32], dy: &[f32], write: Write, dx: &mut [f32]);
    /// dx ← or += φ'(x) dy, where y = φ(x).
    fn backward_f64(&self, x: &[f64], y: &[f64], dy: &[f64], write: Write, dx: &mut [f64]);
    /// `first` ← φ'(x), `second` ← φ''(x) dy: what the R-operator needs.
    fn curvature_f32(&self, x: &[f32], dy: &[f32], first: &mut [f32], second: &mut [f32]);
    /// `first` ← φ'(x), `second` ← φ''(x) dy: what the R-operator needs.
    fn curvature_f64(&self, x: &[f64], dy: &[f64], first: &mut [f64], second: &mut [f64]);

    /// [`Function::reference`].
    #[cfg(test)]
    fn reference(&self, x: f64) -> [f64; 3];
    /// φ, φ', φ'' as a processor without fused multiply-adds computes them.
    #[cfg(test)]
    fn plain_f32(&self, x: &[f32]) -> Vec<Jet<f32>>;
    /// [`Function::candle`].
    #[cfg(test)]
    fn candle(&self, x: &Tensor) -> candle_core::Result<Tensor>;
    /// [`Function::scale`].
    #[cfg(test)]
    fn scale(&self, x: f64, value: f64) -> f64;
}

impl std::fmt::Debug for dyn Activation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.choice().key)
    }
}

impl<F: Function> Activation for F {
    fn choice(&self) -> Choice {
        F::CHOICE
    }

    fn odd(&self) -> bool {
        F::ODD
    }

    fn value_f32(&self, x: &[f32], y: &mut [f32]) {
        dispatch(Value { x, y, f: self });
    }

    fn value_f64(&self, x: &[f64], y: &mut [f64]) {
        dispatch(Value { x, y, f: self });
    }

    fn backward_f32(&self, x: &[f32], y: &[f32], dy: &[f32], write: Write, dx: &mut [f32]) {
        let f = self;
        dispatch(Backward {
            x,
            y,
            dy,
            write,
            dx,
            f,
        });
    }

    fn backward_f64(&self, x: &[f64], y: &[f64], dy: &[f64], write: Write, dx: &mut [f64]) {
        let f = self;
        dispatch(Backward {
            x,
            y,
            dy,
            write,
            dx,
            f,
        });
    }

    fn curvature_f32(&self, x: &[f32], dy: &[f32], first: &mut [f32], second: &mut [f32]) {
        let f = self;
        dispatch(Curvature {
            x,
            dy,
            first,
            second,
            f,
        });
    }

    fn curvature_f64(&self, x: &[f64], dy: &[f64], first: &mut [f64], second: &mut [f64]) {
        let f = self;
        dispatch(Curvature {
            x,
            dy,
            first,
            second,
            f,
        });
    }

    #[cfg(test)]
    fn reference(&self, x: f64) -> [f64; 3] {
        F::reference(x)
    }

    #[cfg(test)]
    fn plain_f32(&self, x: &[f32]) -> Vec<Jet<f32>> {
        x.iter().map(|x| F::jet::<f32, false>(*x)).collect()
    }

    #[cfg(test)]
    fn candle(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        F::candle(x)
    }

    #[cfg(test)]
    fn scale(&self, x: f64, value: f64) -> f64 {
        F::scale(x, value)
    }
}

/// The same for code that is generic over the precision.
pub trait ActivationScalar: Scalar {
    /// y ← φ(x).
    fn value(activation: &dyn Activation, x: &[Self], y: &mut [Self]);
    /// dx ← or += φ'(x) dy, where y = φ(x).
    fn backward(
        activation: &dyn Activation,
        x: &[Self],
        y: &[Self],
        dy: &[Self],
        write: Write,
        dx: &mut [Self],
    );
    /// `first` ← φ'(x), `second` ← φ''(x) dy.
    fn curvature(
        activation: &dyn Activation,
        x: &[Self],
        dy: &[Self],
        first: &mut [Self],
        second: &mut [Self],
    );
}

macro_rules! activation_scalar {
    ($t:ty, $value:ident, $backward:ident, $curvature:ident) => {
        impl ActivationScalar for $t {
            fn value(activation: &dyn Activation, x: &[$t], y: &mut [$t]) {
                activation.$value(x, y);
            }

            fn backward(
                activation: &dyn Activation,
                x: &[$t],
                y: &[$t],
                dy: &[$t],
                write: Write,
                dx: &mut [$t],
            ) {
                activation.$backward(x, y, dy, write, dx);
            }

            fn curvature(
                activation: &dyn Activation,
                x: &[$t],
                dy: &[$t],
                first: &mut [$t],
                second: &mut [$t],
            ) {
                activation.$curvature(x, dy, first, second);
            }
        }
    };
}
activation_scalar!(f32, value_f32, backward_f32, curvature_f32);
activation_scalar!(f64, value_f64, backward_f64, curvature_f64);

struct Value<'a, T, F: ?Sized> {
    x: &'a [T],
    y: &'a mut [T],
    #[allow(dead_code)] // names the formula
    f: &'a F,
}

impl<T: Scalar, F: Function> Kernel for Value<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for (x, y) in self.x.iter().zip(self.y) {
            *y = F::jet::<T, FMA>(*x).value;
        }
    }
}

struct Backward<'a, T, F: ?Sized> {
    x: &'a [T],
    y: &'a [T],
    dy: &'a [T],
    write: Write,
    dx: &'a mut [T],
    #[allow(dead_code)]
    f: &'a F,
}

impl<T: Scalar, F: Function> Kernel for Backward<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let inputs = self.x.iter().zip(self.y).zip(self.dy);
        match self.write {
            Write::Overwrite => {
                for (((x, y), dy), dx) in inputs.zip(self.dx) {
                    *dx = F::slope::<T, FMA>(*x, *y) * *dy;
                }
            }
            Write::Accumulate => {
                for (((x, y), dy), dx) in inputs.zip(self.dx) {
                    *dx += F::slope::<T, FMA>(*x, *y) * *dy;
                }
            }
        }
    }
}

struct Curvature<'a, T, F: ?Sized> {
    x: &'a [T],
    dy: &'a [T],
    first: &'a mut [T],
    second: &'a mut [T],
    #[allow(dead_code)]
    f: &'a F,
}

impl<T: Scalar, F: Function> Kernel for Curvature<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let inputs = self.x.iter().zip(self.dy);
        for (((x, dy), first), second) in inputs.zip(self.first).zip(self.second) {
            let jet = F::jet::<T, FMA>(*x);
            *first = jet.first;
            *second = jet.second * *dy;
        }
    }
}
