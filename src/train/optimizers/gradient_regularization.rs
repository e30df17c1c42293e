//! Gradient descent on L + (ρ/2)‖∇L‖² (Barrett and Dherin 2021; Zhao, Zhang and
//! Hu 2022): θ ← θ − η(g + ρHg), with the exact product of the batch's Hessian
//! and its gradient instead of a difference of gradients. Where the gradient is
//! clipped, the penalty is that of the clipped one.

use std::marker::PhantomData;

use super::scalar::{Scalar, wide};
use super::{
    Optimizer, OptimizerState, Stability, StateMismatch, StepError, Surroundings, fields,
};
use crate::recipe::{Component, Field, Kind};

pub(super) static KIND: Kind = Kind {
    key: "gradient_regularization",
    title: "Gradient regularization",
    help: "Gradient descent on L + (ρ/2)‖g‖²: θ ← θ − η(g + ρHg), which prefers places where the loss is flat around it.",
    fields: FIELDS,
};

static FIELDS: &[Field] = &[
    fields::learning_rate(0.1),
    Field::float(
        "rho",
        "Penalty ρ",
        "How much half the gradient's squared norm weighs beside the loss; 0 is plain gradient descent.",
        0.01,
        0.0,
        1e6,
    )
    .live(),
    fields::WEIGHT_DECAY,
];

pub(super) struct Regularized<T> {
    rho: f64,
    weight_decay: f64,
    scalar: PhantomData<T>,
}

pub(super) fn new<T: Scalar>(component: &Component, _dim: usize) -> Regularized<T> {
    Regularized {
        rho: component.float("rho"),
        weight_decay: component.float("weight_decay"),
        scalar: PhantomData,
    }
}

impl<T: Scalar> Optimizer<T> for Regularized<T> {
    fn step(
        &mut self,
        theta: &mut [T],
        gradient: &[T],
        learning_rate: f64,
        surroundings: &mut dyn Surroundings<T>,
    ) -> Result<(), StepError> {
        let along: Vec<f64> = gradient.iter().map(|g| g.to_f64()).collect();
        let mut product = vec![0.0; theta.len()];
        surroundings.hessian_product(&along, &mut product)?;
        let eta = T::from_f64(learning_rate);
        let decay = T::from_f64(self.weight_decay);
        let rho = self.rho;
        wide(|| {
            for ((theta, gradient), product) in theta.iter_mut().zip(gradient).zip(&product) {
                let penalty = T::from_f64(rho * *product);
                *theta = *theta - eta * (*gradient + penalty + decay * *theta);
            }
        });
        Ok(())
    }

    fn set(&mut self, key: &str, value: f64) -> bool {
        match key {
            "rho" => self.rho = value,
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

    /// On a quadratic the step is η(I + ρH)H: stable up to λ(1 + ρλ) = 2/η.
    fn stability(&self, learning_rate: f64) -> Stability {
        Stability {
            weight_decay: self.weight_decay,
            regularization: self.rho,
            ..Stability::line(2.0, learning_rate, |rate| format!("2/{rate}"))
        }
    }
}
