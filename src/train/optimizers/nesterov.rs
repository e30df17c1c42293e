//! Nesterov's momentum in PyTorch's form: v ← βv + g, θ ← θ − η(g + βv)
//! (Nesterov 1983; Sutskever, Martens, Dahl and Hinton 2013).

use super::scalar::{Scalar, wide};
use super::{
    Optimizer, OptimizerState, Stability, StateMismatch, StepError, Surroundings, fields,
};
use crate::recipe::{Component, Field, Kind};

pub(super) static KIND: Kind = Kind {
    key: "nesterov",
    title: "Momentum (Nesterov)",
    help: "v ← βv + g, θ ← θ − η(g + βv): momentum that looks one step ahead.",
    fields: FIELDS,
};

static FIELDS: &[Field] = &[
    fields::learning_rate(0.02),
    fields::momentum(0.9),
    fields::WEIGHT_DECAY,
];

pub(super) struct Nesterov<T> {
    momentum: f64,
    weight_decay: f64,
    velocity: Vec<T>,
}

pub(super) fn new<T: Scalar>(component: &Component, dim: usize) -> Nesterov<T> {
    Nesterov {
        momentum: component.float("momentum"),
        weight_decay: component.float("weight_decay"),
        velocity: vec![T::default(); dim],
    }
}

impl<T: Scalar> Optimizer<T> for Nesterov<T> {
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
                let gradient = *gradient + decay * *theta;
                *velocity = beta * *velocity + gradient;
                *theta = *theta - eta * (gradient + beta * *velocity);
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
        let beta = self.momentum;
        Stability {
            weight_decay: self.weight_decay,
            ..Stability::line(
                (2.0 + 2.0 * beta) / (1.0 + 2.0 * beta),
                learning_rate,
                |rate| format!("(2 + 2β)/({rate}(1 + 2β))"),
            )
        }
    }

    fn momentum(&self) -> Option<Vec<f64>> {
        super::moving(&self.velocity)
    }
}
