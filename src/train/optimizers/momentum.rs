//! Polyak's heavy ball: v ← βv + g, θ ← θ − ηv (Polyak 1964).

use super::scalar::{Scalar, wide};
use super::{
    Optimizer, OptimizerState, Stability, StateMismatch, StepError, Surroundings, fields,
};
use crate::recipe::{Component, Field, Kind};

pub(super) static KIND: Kind = Kind {
    key: "momentum",
    title: "Momentum (Polyak)",
    help: "v ← βv + g, θ ← θ − ηv: a ball with inertia that rolls down the loss.",
    fields: FIELDS,
};

static FIELDS: &[Field] = &[
    fields::learning_rate(0.02),
    fields::momentum(0.9),
    fields::WEIGHT_DECAY,
];

pub(super) struct Momentum<T> {
    momentum: f64,
    weight_decay: f64,
    velocity: Vec<T>,
}

pub(super) fn new<T: Scalar>(component: &Component, dim: usize) -> Momentum<T> {
    Momentum {
        momentum: component.float("momentum"),
        weight_decay: component.float("weight_decay"),
        velocity: vec![T::default(); dim],
    }
}

impl<T: Scalar> Optimizer<T> for Momentum<T> {
    fn step(
        &mut self,
        theta: &mut [T],
        gradient: &[T],
        learning_rate: f64,
        _: &mut dyn Surroundings<T>,
    ) -> Result<(), StepError> {
        let eta = T::from_f64(learning_rate);
        let beta = T::from_f64(self.momentum);
        let decay = T::from_f64(self.weight_decay);
        let velocity = &mut self.velocity;
        wide(|| {
            for ((theta, gradient), velocity) in theta.iter_mut().zip(gradient).zip(velocity) {
                *velocity = beta * *velocity + (*gradient + decay * *theta);
                *theta = *theta - eta * *velocity;
            }
        });
        Ok(())
    }

    fn set(&mut self, key: &str, value: f64) -> bool {
        match key {
            "momentum" => self.momentum = value,
            "weight_decay" => self.weight_decay = value,
            _ => return false,
        }
        true
    }

    fn state(&self) -> OptimizerState<T> {
        OptimizerState {
            updates: 0,
            slots: vec![self.velocity.clone()],
        }
    }

    fn restore(&mut self, state: &OptimizerState<T>) -> Result<(), StateMismatch> {
        state.expect(1, self.velocity.len())?;
        self.velocity.copy_from_slice(&state.slots[0]);
        Ok(())
    }

    fn reset(&mut self) {
        self.velocity.fill(T::default());
    }

    fn stability(&self, learning_rate: f64) -> Stability {
        Stability {
            weight_decay: self.weight_decay,
            ..Stability::line(2.0 + 2.0 * self.momentum, learning_rate, |rate| {
                format!("(2 + 2β)/{rate}")
            })
        }
    }

    fn momentum(&self) -> Option<Vec<f64>> {
        super::moving(&self.velocity)
    }
}
