//! Gradient descent: θ ← θ − ηg (Cauchy 1847; stochastic: Robbins and Monro 1951).

use std::marker::PhantomData;

use super::scalar::{Scalar, wide};
use super::{
    Optimizer, OptimizerState, Stability, StateMismatch, StepError, Surroundings, fields,
};
use crate::recipe::{Component, Field, Kind};

pub(super) static KIND: Kind = Kind {
    key: "sgd",
    title: "Gradient descent",
    help: "θ ← θ − ηg. With batch size 0 it is gradient descent, with small batches stochastic gradient descent.",
    fields: FIELDS,
};

static FIELDS: &[Field] = &[fields::learning_rate(0.1), fields::WEIGHT_DECAY];

pub(super) struct Sgd<T> {
    weight_decay: f64,
    scalar: PhantomData<T>,
}

pub(super) fn new<T: Scalar>(component: &Component, _dim: usize) -> Sgd<T> {
    Sgd {
        weight_decay: component.float("weight_decay"),
        scalar: PhantomData,
    }
}

impl<T: Scalar> Optimizer<T> for Sgd<T> {
    fn step(
        &mut self,
        theta: &mut [T],
        gradient: &[T],
        learning_rate: f64,
        _: &mut dyn Surroundings<T>,
    ) -> Result<(), StepError> {
        let eta = T::from_f64(learning_rate);
        let decay = T::from_f64(self.weight_decay);
        wide(|| {
            for (theta, gradient) in theta.iter_mut().zip(gradient) {
                *theta = *theta - eta * (*gradient + decay * *theta);
            }
        });
        Ok(())
    }

    fn set(&mut self, key: &str, value: f64) -> bool {
        match key {
            "weight_decay" => self.weight_decay = value,
            _ => return false,
        }
        true
    }

    fn state(&self) -> OptimizerState<T> {
        OptimizerState::default()
    }

    fn restore(&mut self, state: &OptimizerState<T>) -> Result<(), StateMismatch> {
        state.expect(0, 0)
    }

    fn reset(&mut self) {}

    fn stability(&self, learning_rate: f64) -> Stability {
        Stability {
            weight_decay: self.weight_decay,
            ..Stability::line(2.0, learning_rate, |rate| format!("2/{rate}"))
        }
    }
}
