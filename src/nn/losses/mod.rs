//! Losses: the loss of a sample, its gradient and its Hessian with respect to
//! the network's outputs.
//!
//! The training loss is the mean of the sample losses. A new loss is a file
//! with a [`LossKind`] (and, for the tests, the same loss computed by candle) and
//! a line in [`ALL`].

mod binary_cross_entropy;
mod cross_entropy;
mod huber;
mod mean_squared_error;

#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::sync::Arc;

#[cfg(test)]
use candle_core::Tensor;

use super::error::LossError;
use super::kernels::scalar::Scalar;
use super::kernels::simd::{Kernel, dispatch};
use crate::data::Targets;
use crate::recipe::{Component, Kind};

/// A kind of loss: its fields, and how a loss is made from them.
pub struct LossKind {
    /// Key, title and fields for the recipe.
    pub kind: Kind,
    /// Makes the loss.
    pub build: fn(&Component) -> Arc<dyn Loss>,
    /// The loss once more for the tests, from candle's operations: outputs and
    /// targets [samples, outputs] (classes as one-hot rows) to anything that
    /// sums up to the sum of the sample losses.
    #[cfg(test)]
    pub oracle: fn(&Component, &Tensor, &Tensor) -> candle_core::Result<Tensor>,
}

/// Every kind of loss, in the order in which the program lists them.
pub static ALL: &[&LossKind] = &[
    &cross_entropy::CROSS_ENTROPY,
    &mean_squared_error::MEAN_SQUARED_ERROR,
    &binary_cross_entropy::BINARY_CROSS_ENTROPY,
    &huber::HUBER,
];

/// The kinds for the recipe's schema.
pub fn kinds() -> Vec<&'static Kind> {
    ALL.iter().map(|loss| &loss.kind).collect()
}

/// The kind of loss with this key, if there is one.
pub fn find(key: &str) -> Option<&'static LossKind> {
    ALL.iter().copied().find(|kind| kind.kind.key == key)
}

/// Every loss with the defaults of its fields, and with each of its switches and
/// numbers set otherwise: what the tests go through.
#[cfg(test)]
pub(crate) fn variants() -> Vec<Component> {
    use crate::recipe::Value;
    let mut all = Vec::new();
    for loss in ALL {
        let usual = loss.kind.defaults(&[]);
        for (key, value) in &usual.values {
            match value {
                Value::Bool(on) => all.push(usual.clone().with(key, !on)),
                Value::Float(number) => all.push(usual.clone().with(key, 0.4 * number)),
                _ => {}
            }
        }
        all.push(usual);
    }
    all
}

/// The loss of a `[loss]` section.
///
/// # Errors
/// `UnknownKind`.
pub fn build(loss: &Component) -> Result<Arc<dyn Loss>, LossError> {
    find(&loss.kind)
        .map(|kind| (kind.build)(loss))
        .ok_or_else(|| LossError::UnknownKind {
            kind: loss.kind.clone(),
            known: ALL
                .iter()
                .map(|kind| kind.kind.key)
                .collect::<Vec<_>>()
                .join(", "),
        })
}

/// Targets of a batch, owned.
#[derive(Clone, Debug, PartialEq)]
pub enum BatchTargets {
    /// A class per sample.
    Classes(Vec<u32>),
    /// Rows of numbers, one row per sample: [samples, dims].
    Values(Vec<f32>),
}

/// Targets of n samples as the loss kernels read them.
#[derive(Clone, Copy, Debug)]
pub enum TargetSlice<'a, T> {
    /// A class per sample.
    Classes(&'a [u32]),
    /// Numbers, dimension by dimension: [dims, samples].
    Values(&'a [T]),
}

/// Outputs of the network for n samples, [width, samples], and their targets.
#[derive(Clone, Copy, Debug)]
pub struct LossBatch<'a, T> {
    /// The outputs, output by output.
    pub outputs: &'a [T],
    /// What they should be.
    pub targets: TargetSlice<'a, T>,
    /// Number of samples.
    pub samples: usize,
}

impl<T: Scalar> LossBatch<'_, T> {
    /// Number of outputs.
    #[inline(always)]
    pub fn width(&self) -> usize {
        self.outputs.len() / self.samples.max(1)
    }

    /// What output k of sample s should be, classes read as one-hot vectors
    /// (with a single output: class 0 as 0, every other as 1).
    #[inline(always)]
    fn target(&self, k: usize, s: usize) -> T {
        match self.targets {
            TargetSlice::Values(values) => values[k * self.samples + s],
            TargetSlice::Classes(labels) => {
                let hit = if self.outputs.len() == self.samples {
                    labels[s] != 0
                } else {
                    labels[s] as usize == k
                };
                if hit { T::ONE } else { T::ZERO }
            }
        }
    }
}

/// The formulas of a loss. Mark all functions `#[inline(always)]`.
pub trait Formula: Debug + Send + Sync + 'static {
    /// Number of outputs that a network needs for these targets.
    ///
    /// # Errors
    /// If the loss cannot be used with them.
    fn outputs(&self, targets: &Targets) -> Result<usize, LossError>;

    /// `losses[s]` ← ℓ of sample s.
    fn losses<T: Scalar, const FMA: bool>(&self, batch: LossBatch<'_, T>, losses: &mut [T]);

    /// `gradient` ← `factor`·∂ℓ/∂f, laid out as the outputs.
    fn gradient<T: Scalar, const FMA: bool>(
        &self,
        batch: LossBatch<'_, T>,
        factor: T,
        gradient: &mut [T],
    );

    /// `product` ← `factor`·(∂²ℓ/∂f²)·`direction`, laid out as the outputs.
    fn hessian_product<T: Scalar, const FMA: bool>(
        &self,
        batch: LossBatch<'_, T>,
        factor: T,
        direction: &[T],
        product: &mut [T],
    );
}

/// A loss, in either precision.
pub trait Loss: Debug + Send + Sync {
    /// Number of outputs that a network needs for these targets.
    ///
    /// # Errors
    /// If the loss cannot be used with them.
    fn outputs(&self, targets: &Targets) -> Result<usize, LossError>;

    /// `losses[s]` ← ℓ of sample s.
    fn losses_f32(&self, batch: LossBatch<'_, f32>, losses: &mut [f32]);
    /// `losses[s]` ← ℓ of sample s.
    fn losses_f64(&self, batch: LossBatch<'_, f64>, losses: &mut [f64]);
    /// `gradient` ← `factor`·∂ℓ/∂f, laid out as the outputs.
    fn gradient_f32(&self, batch: LossBatch<'_, f32>, factor: f32, gradient: &mut [f32]);
    /// `gradient` ← `factor`·∂ℓ/∂f, laid out as the outputs.
    fn gradient_f64(&self, batch: LossBatch<'_, f64>, factor: f64, gradient: &mut [f64]);
    /// `product` ← `factor`·(∂²ℓ/∂f²)·`direction`, laid out as the outputs.
    fn hessian_product_f32(
        &self,
        batch: LossBatch<'_, f32>,
        factor: f32,
        direction: &[f32],
        product: &mut [f32],
    );
    /// `product` ← `factor`·(∂²ℓ/∂f²)·`direction`, laid out as the outputs.
    fn hessian_product_f64(
        &self,
        batch: LossBatch<'_, f64>,
        factor: f64,
        direction: &[f64],
        product: &mut [f64],
    );
}

/// The same for code that is generic over the precision.
pub trait LossScalar: Scalar {
    /// `losses[s]` ← ℓ of sample s.
    fn losses(loss: &dyn Loss, batch: LossBatch<'_, Self>, losses: &mut [Self]);
    /// `gradient` ← `factor`·∂ℓ/∂f.
    fn gradient(loss: &dyn Loss, batch: LossBatch<'_, Self>, factor: Self, gradient: &mut [Self]);
    /// `product` ← `factor`·(∂²ℓ/∂f²)·`direction`.
    fn hessian_product(
        loss: &dyn Loss,
        batch: LossBatch<'_, Self>,
        factor: Self,
        direction: &[Self],
        product: &mut [Self],
    );
}

macro_rules! loss_scalar {
    ($t:ty, $losses:ident, $gradient:ident, $hessian_product:ident) => {
        impl LossScalar for $t {
            fn losses(loss: &dyn Loss, batch: LossBatch<'_, $t>, losses: &mut [$t]) {
                loss.$losses(batch, losses);
            }

            fn gradient(
                loss: &dyn Loss,
                batch: LossBatch<'_, $t>,
                factor: $t,
                gradient: &mut [$t],
            ) {
                loss.$gradient(batch, factor, gradient);
            }

            fn hessian_product(
                loss: &dyn Loss,
                batch: LossBatch<'_, $t>,
                factor: $t,
                direction: &[$t],
                product: &mut [$t],
            ) {
                loss.$hessian_product(batch, factor, direction, product);
            }
        }
    };
}
loss_scalar!(f32, losses_f32, gradient_f32, hessian_product_f32);
loss_scalar!(f64, losses_f64, gradient_f64, hessian_product_f64);

macro_rules! compiled {
    ($t:ty, $losses:ident, $gradient:ident, $hessian_product:ident) => {
        fn $losses(&self, batch: LossBatch<'_, $t>, out: &mut [$t]) {
            dispatch(Losses {
                loss: self,
                batch,
                out,
            });
        }

        fn $gradient(&self, batch: LossBatch<'_, $t>, factor: $t, out: &mut [$t]) {
            dispatch(Gradient {
                loss: self,
                batch,
                factor,
                out,
            });
        }

        fn $hessian_product(
            &self,
            batch: LossBatch<'_, $t>,
            factor: $t,
            direction: &[$t],
            out: &mut [$t],
        ) {
            dispatch(HessianProduct {
                loss: self,
                batch,
                factor,
                direction,
                out,
            });
        }
    };
}

impl<F: Formula> Loss for F {
    fn outputs(&self, targets: &Targets) -> Result<usize, LossError> {
        Formula::outputs(self, targets)
    }

    compiled!(f32, losses_f32, gradient_f32, hessian_product_f32);
    compiled!(f64, losses_f64, gradient_f64, hessian_product_f64);
}

struct Losses<'a, F, T> {
    loss: &'a F,
    batch: LossBatch<'a, T>,
    out: &'a mut [T],
}

impl<F: Formula, T: Scalar> Kernel for Losses<'_, F, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        self.loss.losses::<T, FMA>(self.batch, self.out);
    }
}

struct Gradient<'a, F, T> {
    loss: &'a F,
    batch: LossBatch<'a, T>,
    factor: T,
    out: &'a mut [T],
}

impl<F: Formula, T: Scalar> Kernel for Gradient<'_, F, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        self.loss
            .gradient::<T, FMA>(self.batch, self.factor, self.out);
    }
}

struct HessianProduct<'a, F, T> {
    loss: &'a F,
    batch: LossBatch<'a, T>,
    factor: T,
    direction: &'a [T],
    out: &'a mut [T],
}

impl<F: Formula, T: Scalar> Kernel for HessianProduct<'_, F, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        self.loss
            .hessian_product::<T, FMA>(self.batch, self.factor, self.direction, self.out);
    }
}

/// A loss that is a sum over outputs of a function of one output and its
/// target. Mark all functions `#[inline(always)]`.
trait Elementwise: Debug + Send + Sync + 'static {
    /// The loss of one output f with target y.
    fn value<T: Scalar, const FMA: bool>(&self, f: T, y: T) -> T;
    /// Its derivative with respect to f.
    fn first<T: Scalar, const FMA: bool>(&self, f: T, y: T) -> T;
    /// Its second derivative with respect to f.
    fn second<T: Scalar, const FMA: bool>(&self, f: T, y: T) -> T;
}

/// The loops that turn an [`Elementwise`] into a [`Formula`].
mod elementwise {
    use super::{Elementwise, LossBatch, Scalar};

    #[inline(always)]
    pub fn losses<E: Elementwise, T: Scalar, const FMA: bool>(
        loss: &E,
        batch: LossBatch<'_, T>,
        losses: &mut [T],
    ) {
        losses.fill(T::ZERO);
        for (k, outputs) in batch.outputs.chunks_exact(batch.samples).enumerate() {
            for (s, (f, sum)) in outputs.iter().zip(&mut *losses).enumerate() {
                *sum += loss.value::<T, FMA>(*f, batch.target(k, s));
            }
        }
    }

    #[inline(always)]
    pub fn gradient<E: Elementwise, T: Scalar, const FMA: bool>(
        loss: &E,
        batch: LossBatch<'_, T>,
        factor: T,
        gradient: &mut [T],
    ) {
        let rows = batch
            .outputs
            .chunks_exact(batch.samples)
            .zip(gradient.chunks_exact_mut(batch.samples));
        for (k, (outputs, gradient)) in rows.enumerate() {
            for (s, (f, out)) in outputs.iter().zip(gradient).enumerate() {
                *out = factor * loss.first::<T, FMA>(*f, batch.target(k, s));
            }
        }
    }

    #[inline(always)]
    pub fn hessian_product<E: Elementwise, T: Scalar, const FMA: bool>(
        loss: &E,
        batch: LossBatch<'_, T>,
        factor: T,
        direction: &[T],
        product: &mut [T],
    ) {
        for k in 0..batch.width() {
            for s in 0..batch.samples {
                let i = k * batch.samples + s;
                let second = loss.second::<T, FMA>(batch.outputs[i], batch.target(k, s));
                product[i] = factor * second * direction[i];
            }
        }
    }
}

/// The [`Formula`] of an [`Elementwise`] loss, except for `outputs`.
macro_rules! elementwise_formula {
    () => {
        #[inline(always)]
        fn losses<T: $crate::nn::kernels::Scalar, const FMA: bool>(
            &self,
            batch: $crate::nn::losses::LossBatch<'_, T>,
            losses: &mut [T],
        ) {
            $crate::nn::losses::elementwise::losses::<Self, T, FMA>(self, batch, losses);
        }

        #[inline(always)]
        fn gradient<T: $crate::nn::kernels::Scalar, const FMA: bool>(
            &self,
            batch: $crate::nn::losses::LossBatch<'_, T>,
            factor: T,
            gradient: &mut [T],
        ) {
            $crate::nn::losses::elementwise::gradient::<Self, T, FMA>(
                self, batch, factor, gradient,
            );
        }

        #[inline(always)]
        fn hessian_product<T: $crate::nn::kernels::Scalar, const FMA: bool>(
            &self,
            batch: $crate::nn::losses::LossBatch<'_, T>,
            factor: T,
            direction: &[T],
            product: &mut [T],
        ) {
            $crate::nn::losses::elementwise::hessian_product::<Self, T, FMA>(
                self, batch, factor, direction, product,
            );
        }
    };
}
use elementwise_formula;

/// Outputs for targets that an elementwise loss compares one by one: one per
/// class or per dimension.
fn one_output_each(targets: &Targets) -> usize {
    match targets {
        Targets::Classes { names, .. } => names.len(),
        Targets::Values { dims, .. } => *dims,
    }
}

/// How many samples are classified correctly, or `None` for a regression. The
/// class is the largest output (the first of equals); with a single output it
/// is 1 where the output is positive and else 0.
pub fn correct<T: Scalar>(batch: LossBatch<'_, T>) -> Option<usize> {
    let TargetSlice::Classes(labels) = batch.targets else {
        return None;
    };
    let hits = labels
        .iter()
        .take(batch.samples)
        .enumerate()
        .filter(|(s, label)| predicted_class(batch.outputs, batch.samples, *s) == **label);
    Some(hits.count())
}

/// The class that the outputs [width, samples] give sample s.
pub fn predicted_class<T: Scalar>(outputs: &[T], samples: usize, s: usize) -> u32 {
    if outputs.len() == samples {
        return u32::from(outputs[s] > T::ZERO);
    }
    let mut best = 0;
    for k in 1..outputs.len() / samples.max(1) {
        if outputs[k * samples + s] > outputs[best * samples + s] {
            best = k;
        }
    }
    best as u32
}
