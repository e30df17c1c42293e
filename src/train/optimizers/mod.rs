//! Optimizers on flat parameter vectors: one file each and one word in the
//! registry below.

mod fields;
mod scalar;
mod stability;
mod surroundings;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::recipe::{Component, Kind};

pub use fields::COMMON_FIELDS;
pub use scalar::Scalar;
pub(super) use scalar::wide;
pub use stability::Stability;
pub use surroundings::{StepError, Surroundings};

/// An update rule for a flat parameter vector.
///
/// The gradient comes clipped; the learning rate comes with the schedule's
/// factor in it. Everything is one pass over the vectors, in a fixed order.
pub trait Optimizer<T: Scalar>: Send {
    /// Updates `theta` by one step along `gradient` (both of the dimension that
    /// the optimizer was built for). `surroundings` are those of `theta` as it
    /// comes in.
    ///
    /// # Errors
    /// [`StepError`] where something of the surroundings cannot be computed;
    /// plain rules ask for nothing and never fail. `theta` is then unchanged.
    fn step(
        &mut self,
        theta: &mut [T],
        gradient: &[T],
        learning_rate: f64,
        surroundings: &mut dyn Surroundings<T>,
    ) -> Result<(), StepError>;

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

    /// The parameters at which it takes the gradient of its step, if these are
    /// others than θ, from `theta` and the `gradient` there.
    fn perturbed(&self, _theta: &[T], _gradient: &[T]) -> Option<Vec<T>> {
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

register!(
    sgd,
    momentum,
    nesterov,
    rmsprop,
    adam,
    adamw,
    sam,
    asam,
    gradient_regularization,
    normalized,
    adahessian,
    gauss_newton,
);

/// All optimizers, in the order in which they are listed.
pub fn kinds() -> Vec<&'static Kind> {
    REGISTRY.iter().map(|entry| entry.kind).collect()
}

/// Why an optimizer cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptimizerError {
    /// It has no such name.
    #[error("optimizer.kind is {0:?}, which is not an optimizer")]
    Unknown(String),
    /// It keeps a matrix of all pairs of parameters.
    #[error(
        "the optimizer {kind} takes at most {limit} parameters, and the network has {parameters}"
    )]
    TooLarge {
        /// The optimizer.
        kind: &'static str,
        /// The most parameters that it takes.
        limit: usize,
        /// What the network has.
        parameters: usize,
    },
}

fn find(component: &Component, dim: usize) -> Result<&'static Entry, OptimizerError> {
    let entry = REGISTRY
        .iter()
        .find(|entry| entry.kind.key == component.kind)
        .ok_or_else(|| OptimizerError::Unknown(component.kind.clone()))?;
    if entry.kind.key == gauss_newton::KIND.key && dim > gauss_newton::LIMIT {
        return Err(OptimizerError::TooLarge {
            kind: entry.kind.key,
            limit: gauss_newton::LIMIT,
            parameters: dim,
        });
    }
    Ok(entry)
}

/// The optimizer that a recipe describes, for a vector of `dim` parameters.
///
/// # Errors
/// [`OptimizerError`].
pub fn build(component: &Component, dim: usize) -> Result<Box<dyn Optimizer<f32>>, OptimizerError> {
    Ok((find(component, dim)?.single)(component, dim))
}

/// The same optimizer in double precision.
///
/// # Errors
/// [`OptimizerError`].
pub fn build_double(
    component: &Component,
    dim: usize,
) -> Result<Box<dyn Optimizer<f64>>, OptimizerError> {
    Ok((find(component, dim)?.double)(component, dim))
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
