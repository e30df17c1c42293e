//! RMSProp: s ← αs + (1−α)g², θ ← θ − ηg/(√s + ε), with ε outside the root as
//! in PyTorch (Tieleman and Hinton 2012).

use super::scalar::{Scalar, wide};
use super::{
    Optimizer, OptimizerState, Stability, StateMismatch, StepError, Surroundings, fields,
};
use crate::recipe::{Component, Field, Kind};

pub(super) static KIND: Kind = Kind {
    key: "rmsprop",
    title: "RMSProp",
    help: "Divides each parameter's step by a running root mean square of its gradient.",
    fields: FIELDS,
};

static FIELDS: &[Field] = &[
    fields::learning_rate(0.01),
    fields::ALPHA,
    fields::EPSILON,
    fields::WEIGHT_DECAY,
];

pub(super) struct RmsProp<T> {
    alpha: f64,
    epsilon: f64,
    weight_decay: f64,
    square: Vec<T>,
}

pub(super) fn new<T: Scalar>(component: &Component, dim: usize) -> RmsProp<T> {
    RmsProp {
        alpha: component.float("alpha"),
        epsilon: component.float("epsilon"),
        weight_decay: component.float("weight_decay"),
        square: vec![T::default(); dim],
    }
}

impl<T: Scalar> Optimizer<T> for RmsProp<T> {
    fn step(
        &mut self,
        theta: &mut [T],
        gradient: &[T],
        learning_rate: f64,
        _: &mut dyn Surroundings<T>,
    ) -> Result<(), StepError> {
        let eta = T::from_f64(learning_rate);
        let alpha = T::from_f64(self.alpha);
        let rest = T::from_f64(1.0 - self.alpha);
        let epsilon = T::from_f64(self.epsilon);
        let decay = T::from_f64(self.weight_decay);
        let square = &mut self.square;
        wide(|| {
            for ((theta, gradient), square) in theta.iter_mut().zip(gradient).zip(square) {
                let gradient = *gradient + decay * *theta;
                *square = alpha * *square + rest * (gradient * gradient);
                *theta = *theta - eta * gradient / (square.sqrt() + epsilon);
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
        OptimizerState {
            updates: 0,
            slots: vec![self.square.clone()],
        }
    }

    fn restore(&mut self, state: &OptimizerState<T>) -> Result<(), StateMismatch> {
        state.expect(1, self.square.len())?;
        self.square.copy_from_slice(&state.slots[0]);
        Ok(())
    }

    fn reset(&mut self) {
        self.square.fill(T::default());
    }

    fn stability(&self, learning_rate: f64) -> Stability {
        Stability {
            preconditioned: true,
            hessian_shift: self.weight_decay,
            ..Stability::line(2.0, learning_rate, |rate| format!("2/{rate}"))
        }
    }

    /// √s + ε: RMSProp does not correct s for its start.
    fn preconditioner(&self) -> Option<Vec<f64>> {
        let square = |s: &T| s.to_f64();
        if self.square.iter().all(|s| square(s) == 0.0) {
            return None;
        }
        let roots = self.square.iter().map(|s| square(s).sqrt() + self.epsilon);
        Some(roots.collect())
    }
}
