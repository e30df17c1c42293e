//! Normalised gradient descent: θ ← θ − ηg/‖g‖ (Nesterov 1984; for losses whose
//! curvature grows with the gradient Chen, Zhou, Liang and Lu 2023).

use std::marker::PhantomData;

use super::scalar::{Scalar, wide};
use super::{
    Optimizer, OptimizerState, Stability, StateMismatch, StepError, Surroundings, fields,
};
use crate::recipe::{Component, Field, Kind};

pub(super) static KIND: Kind = Kind {
    key: "normalized",
    title: "Normalised gradient descent",
    help: "θ ← θ − ηg/‖g‖: every step is η long, however steep the loss; it never leaves a minimum's reach and never settles in it.",
    fields: FIELDS,
};

static FIELDS: &[Field] = &[fields::learning_rate(0.05)];

pub(super) struct Normalized<T>(PhantomData<T>);

pub(super) fn new<T: Scalar>(_: &Component, _dim: usize) -> Normalized<T> {
    Normalized(PhantomData)
}

impl<T: Scalar> Optimizer<T> for Normalized<T> {
    fn step(
        &mut self,
        theta: &mut [T],
        gradient: &[T],
        learning_rate: f64,
        _: &mut dyn Surroundings<T>,
    ) -> Result<(), StepError> {
        // The largest component first, so that no square overflows.
        let largest = gradient
            .iter()
            .map(|g| g.to_f64().abs())
            .fold(0.0, f64::max);
        if largest == 0.0 {
            return Ok(());
        }
        let squares: f64 = gradient
            .iter()
            .map(|g| (g.to_f64() / largest).powi(2))
            .sum();
        let norm = largest * squares.sqrt();
        let eta = T::from_f64(learning_rate);
        let norm = T::from_f64(norm);
        wide(|| {
            for (theta, gradient) in theta.iter_mut().zip(gradient) {
                *theta = *theta - eta * (*gradient / norm);
            }
        });
        Ok(())
    }

    fn set(&mut self, _: &str, _: f64) -> bool {
        false
    }

    fn state(&self) -> OptimizerState<T> {
        OptimizerState::default()
    }

    fn restore(&mut self, state: &OptimizerState<T>) -> Result<(), StateMismatch> {
        state.expect(0, 0)
    }

    fn reset(&mut self) {}

    /// No line: on ½λθ² a step of length η never leaves the minimum's reach and
    /// ends by jumping to and fro across it, whatever λ.
    fn stability(&self, _: f64) -> Stability {
        Stability::none("a step of fixed length is bounded at every sharpness")
    }
}
