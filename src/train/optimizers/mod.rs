//! Optimizers on flat parameter vectors: one file each and one word in the
//! registry below.

mod fields;
mod scalar;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::recipe::{Component, Kind};

pub use fields::COMMON_FIELDS;
pub use scalar::Scalar;
pub(super) use scalar::wide;

/// An update rule for a flat parameter vector.
///
/// The gradient comes clipped; the learning rate comes with the schedule's
/// factor in it. Everything is one pass over the vectors, in a fixed order.
pub trait Optimizer<T: Scalar>: Send {
    /// Updates `theta` by one step along `gradient` (both of the dimension that
    /// the optimizer was built for).
    fn step(&mut self, theta: &mut [T], gradient: &[T], learning_rate: f64);

    /// Changes one of its live hyperparameters; `false` where it has none of
    /// this name. The learning rate is not the optimizer's but an argument of
    /// each step.
    fn set(&mut self, key: &str, value: f64) -> bool;

    /// A copy of everything that it remembers from former steps.
    fn state(&self) -> OptimizerState<T>;

    /// Takes up a state that [`Optimizer::state`] gave.
    ///
    /// # Errors
    /// [`StateMismatch`] where it is the state of another optimizer or of
    /// another dimension; the optimizer is unchanged then.
    fn restore(&mut self, state: &OptimizerState<T>) -> Result<(), StateMismatch>;

    /// Forgets all former steps.
    fn reset(&mut self);

    /// Up to which sharpness steps of this learning rate are stable.
    fn stability(&self, learning_rate: f64) -> Stability;

    /// The diagonal of P in θ ← θ − ηP⁻¹m, by which an adaptive optimizer
    /// divides its step, from what it remembers: its corrections for the start
    /// are in it, so that [`Stability::threshold`] is the line for the largest
    /// eigenvalue of P⁻¹(H + [`Stability::hessian_shift`]·I). Nothing for the
    /// others, and before the first step.
    fn preconditioner(&self) -> Option<Vec<f64>> {
        None
    }

    /// The running mean or sum of gradients that it steps along. Nothing for
    /// optimizers without one, and before the first step.
    fn momentum(&self) -> Option<Vec<f64>> {
        None
    }
}

/// A running mean of gradients as [`Optimizer::momentum`] has it.
fn moving<T: Scalar>(mean: &[T]) -> Option<Vec<f64>> {
    let mean: Vec<f64> = mean.iter().map(|x| x.to_f64()).collect();
    mean.iter().any(|x| *x != 0.0).then_some(mean)
}

/// What an optimizer remembers from former steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OptimizerState<T> {
    /// Steps counted so far, by those that correct a bias with it.
    pub updates: u64,
    /// Its vectors, each as long as the parameter vector: velocity, or mean and
    /// square.
    pub slots: Vec<Vec<T>>,
}

impl<T> OptimizerState<T> {
    fn expect(&self, slots: usize, dim: usize) -> Result<(), StateMismatch> {
        if self.slots.len() == slots && self.slots.iter().all(|slot| slot.len() == dim) {
            Ok(())
        } else {
            Err(StateMismatch {
                expected: slots,
                dim,
                found: self.slots.iter().map(Vec::len).collect(),
            })
        }
    }

    /// Memory of the vectors, in bytes.
    pub fn bytes(&self) -> usize {
        self.slots.iter().map(|slot| size_of_val(&slot[..])).sum()
    }
}

/// A state that belongs to another optimizer or another network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the optimizer state has vectors of lengths {found:?}, expected {expected} of length {dim}"
)]
pub struct StateMismatch {
    expected: usize,
    dim: usize,
    found: Vec<usize>,
}

/// Up to which sharpness steps of a given size are stable on a quadratic: up to
/// c/η, less the weight decay that is added to every eigenvalue (Cohen et al.
/// 2021; adaptive methods: Cohen et al. 2022, where the Hessian is
/// preconditioned).
#[derive(Clone, Debug)]
pub struct Stability {
    /// Whether the line is one for λ₁(P⁻¹H) of the preconditioned Hessian and
    /// not for λ₁(H): then the plot of the Hessian's eigenvalues has no line.
    pub preconditioned: bool,
    /// c, which momentum moves away from 2.
    pub coefficient: f64,
    /// What the threshold loses: the weight decay where it is added to every
    /// eigenvalue, its multiple for AdamW.
    pub weight_decay: f64,
    /// Weight decay that belongs to the Hessian before it is preconditioned:
    /// the line is one for P⁻¹(H + shift·I) then. Zero for the others.
    pub hessian_shift: f64,
    learning_rate: f64,
    formula: fn(&str) -> String,
}

impl Stability {
    /// The largest stable sharpness, of the preconditioned Hessian where it is
    /// one of that.
    pub fn threshold(&self) -> f64 {
        self.coefficient / self.learning_rate - self.weight_decay
    }

    /// The line in a plot of the Hessian's own eigenvalues, where there is one.
    pub fn sharpness_threshold(&self) -> Option<f64> {
        (!self.preconditioned).then(|| self.threshold())
    }

    /// The threshold as a formula, such as `2/η`.
    pub fn formula(&self) -> String {
        let formula = (self.formula)("η");
        if self.weight_decay == 0.0 {
            formula
        } else if self.preconditioned {
            format!("{formula}·(1 − η·decay/2)")
        } else {
            format!("{formula} − decay")
        }
    }

    /// The largest stable learning rate at this sharpness with its formula, such
    /// as `2/λ₁`; nothing where the Hessian's own sharpness does not decide.
    pub fn largest_learning_rate(&self, sharpness: f64) -> Option<(f64, String)> {
        let curvature = sharpness + self.weight_decay;
        if self.preconditioned || curvature.is_nan() || curvature <= 0.0 {
            return None;
        }
        let formula = if self.weight_decay > 0.0 {
            (self.formula)("(λ₁ + decay)")
        } else {
            (self.formula)("λ₁")
        };
        Some((self.coefficient / curvature, formula))
    }
}

/// One registered optimizer.
struct Entry {
    kind: &'static Kind,
    single: fn(&Component, usize) -> Box<dyn Optimizer<f32>>,
    double: fn(&Component, usize) -> Box<dyn Optimizer<f64>>,
}

/// Declares the modules and registers them, in the order of the list.
macro_rules! register {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*

        static REGISTRY: &[Entry] = &[$(Entry {
            kind: &$module::KIND,
            single: |component, dim| Box::new($module::new::<f32>(component, dim)),
            double: |component, dim| Box::new($module::new::<f64>(component, dim)),
        }),*];
    };
}

register!(sgd, momentum, nesterov, rmsprop, adam, adamw);

/// All optimizers, in the order in which they are listed.
pub fn kinds() -> Vec<&'static Kind> {
    REGISTRY.iter().map(|entry| entry.kind).collect()
}

/// The optimizer has no such name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("optimizer.kind is {0:?}, which is not an optimizer")]
pub struct UnknownOptimizer(String);

fn find(component: &Component) -> Result<&'static Entry, UnknownOptimizer> {
    REGISTRY
        .iter()
        .find(|entry| entry.kind.key == component.kind)
        .ok_or_else(|| UnknownOptimizer(component.kind.clone()))
}

/// The optimizer that a recipe describes, for a vector of `dim` parameters.
///
/// # Errors
/// [`UnknownOptimizer`].
pub fn build(
    component: &Component,
    dim: usize,
) -> Result<Box<dyn Optimizer<f32>>, UnknownOptimizer> {
    Ok((find(component)?.single)(component, dim))
}

/// The same optimizer in double precision.
///
/// # Errors
/// [`UnknownOptimizer`].
pub fn build_double(
    component: &Component,
    dim: usize,
) -> Result<Box<dyn Optimizer<f64>>, UnknownOptimizer> {
    Ok((find(component)?.double)(component, dim))
}

/// The factor that shortens a gradient of this norm to `clip_norm`, as
/// PyTorch's `clip_grad_norm_` has it; 1 where nothing is to be clipped.
pub fn clip_factor(norm: f64, clip_norm: f64) -> f64 {
    if clip_norm > 0.0 && norm > clip_norm {
        clip_norm / (norm + 1e-6)
    } else {
        1.0
    }
}
