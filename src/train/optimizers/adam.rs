//! Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019), in
//! PyTorch's arithmetic. They differ in the weight decay only: Adam adds it to
//! the gradient, AdamW shrinks the parameters by ηλ beside the step.

use super::scalar::{Scalar, wide};
use super::{
    Optimizer, OptimizerState, Stability, StateMismatch, StepError, Surroundings, fields,
};
use crate::recipe::{Component, Field, Kind};

pub(super) static KIND: Kind = Kind {
    key: "adam",
    title: "Adam",
    help: "Running means of the gradient and of its square, bias-corrected; weight decay is added to the gradient.",
    fields: FIELDS,
};

static FIELDS: &[Field] = &[
    fields::learning_rate(0.001),
    fields::BETA1,
    fields::BETA2,
    fields::EPSILON,
    fields::WEIGHT_DECAY,
];

/// How weight decay enters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Decay {
    /// Added to the gradient.
    Coupled,
    /// The parameters shrink by ηλ, beside the step.
    Decoupled,
}

pub(super) struct Adam<T> {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
    decay: Decay,
    updates: u64,
    mean: Vec<T>,
    square: Vec<T>,
}

pub(super) fn new<T: Scalar>(component: &Component, dim: usize) -> Adam<T> {
    Adam::new(component, dim, Decay::Coupled)
}

impl<T: Scalar> Adam<T> {
    pub(super) fn new(component: &Component, dim: usize, decay: Decay) -> Self {
        Self {
            beta1: component.float("beta1"),
            beta2: component.float("beta2"),
            epsilon: component.float("epsilon"),
            weight_decay: component.float("weight_decay"),
            decay,
            updates: 0,
            mean: vec![T::default(); dim],
            square: vec![T::default(); dim],
        }
    }
}

impl<T: Scalar> Optimizer<T> for Adam<T> {
    fn step(
        &mut self,
        theta: &mut [T],
        gradient: &[T],
        learning_rate: f64,
        _: &mut dyn Surroundings<T>,
    ) -> Result<(), StepError> {
        self.updates += 1;
        // A power with a real exponent: exact enough, and it never overflows.
        let updates = self.updates as f64;
        let correction1 = 1.0 - self.beta1.powf(updates);
        let correction2 = 1.0 - self.beta2.powf(updates);
        let (coupled, shrink) = match self.decay {
            Decay::Coupled => (self.weight_decay, 1.0),
            Decay::Decoupled => (0.0, 1.0 - learning_rate * self.weight_decay),
        };
        let step_size = T::from_f64(learning_rate / correction1);
        let root_correction = T::from_f64(1.0 / correction2.sqrt());
        let rest1 = T::from_f64(1.0 - self.beta1);
        let beta2 = T::from_f64(self.beta2);
        let rest2 = T::from_f64(1.0 - self.beta2);
        let epsilon = T::from_f64(self.epsilon);
        let coupled = T::from_f64(coupled);
        let shrink = T::from_f64(shrink);
        let (mean, square) = (&mut self.mean, &mut self.square);
        wide(|| {
            for (((theta, gradient), mean), square) in
                theta.iter_mut().zip(gradient).zip(mean).zip(square)
            {
                let gradient = *gradient + coupled * *theta;
                *mean = *mean + rest1 * (gradient - *mean);
                *square = beta2 * *square + rest2 * (gradient * gradient);
                *theta = shrink * *theta
                    - step_size * *mean / (square.sqrt() * root_correction + epsilon);
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
            updates: self.updates,
            slots: vec![self.mean.clone(), self.square.clone()],
        }
    }

    fn restore(&mut self, state: &OptimizerState<T>) -> Result<(), StateMismatch> {
        state.expect(2, self.mean.len())?;
        self.updates = state.updates;
        self.mean.copy_from_slice(&state.slots[0]);
        self.square.copy_from_slice(&state.slots[1]);
        Ok(())
    }

    fn reset(&mut self) {
        self.updates = 0;
        self.mean.fill(T::default());
        self.square.fill(T::default());
    }

    fn stability(&self, learning_rate: f64) -> Stability {
        let beta = self.beta1;
        // Decoupled decay shrinks θ by ηλ beside the step: the recurrence of a
        // quadratic then turns unstable at (1 + β₁)(2 − ηλ)/((1 − β₁)η).
        let (weight_decay, hessian_shift) = match self.decay {
            Decay::Coupled => (0.0, self.weight_decay),
            Decay::Decoupled => (self.weight_decay * (1.0 + beta) / (1.0 - beta), 0.0),
        };
        Stability {
            preconditioned: true,
            weight_decay,
            hessian_shift,
            ..Stability::line((2.0 + 2.0 * beta) / (1.0 - beta), learning_rate, |rate| {
                format!("(2 + 2β₁)/((1 − β₁){rate})")
            })
        }
    }

    /// (1 − β₁ᵗ)(√(v/(1 − β₂ᵗ)) + ε): both corrections are folded in (Cohen et
    /// al. 2022, equation 2).
    fn preconditioner(&self) -> Option<Vec<f64>> {
        if self.updates == 0 {
            return None;
        }
        let updates = self.updates as f64;
        let correction1 = 1.0 - self.beta1.powf(updates);
        let correction2 = 1.0 - self.beta2.powf(updates);
        let divisor = |v: &T| correction1 * ((v.to_f64() / correction2).sqrt() + self.epsilon);
        Some(self.square.iter().map(divisor).collect())
    }

    fn momentum(&self) -> Option<Vec<f64>> {
        super::moving(&self.mean)
    }
}
