//! AdaHessian (Yao, Gholami, Shen, Mustafa, Keutzer and Mahoney 2021): Adam with
//! an estimate D of the Hessian's diagonal where Adam has the gradient,
//! D = mean of z ⊙ Hz over Rademacher vectors z (Hutchinson's estimator, of the
//! batch's Hessian), D itself where the Hessian is diagonal. Weight decay
//! shrinks the parameters beside the step, as in AdamW. D is not averaged over
//! filters.

use rand::Rng as _;

use super::scalar::{Scalar, wide};
use super::{
    Optimizer, OptimizerState, Stability, StateMismatch, StepError, Surroundings, fields,
};
use crate::recipe::{Component, Field, Kind};

pub(super) static KIND: Kind = Kind {
    key: "adahessian",
    title: "AdaHessian",
    help: "Adam that divides by a running root mean square of the Hessian's diagonal, estimated by random probes, instead of the gradient's.",
    fields: FIELDS,
};

static FIELDS: &[Field] = &[
    fields::learning_rate(0.05),
    fields::BETA1,
    fields::BETA2,
    fields::EPSILON,
    Field::integer(
        "probes",
        "Probes",
        "Random vectors for the Hessian's diagonal, one Hessian-vector product each, at every step.",
        1,
        1,
        1000,
    ),
    fields::DECOUPLED_WEIGHT_DECAY,
];

pub(super) struct AdaHessian<T> {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    probes: usize,
    weight_decay: f64,
    updates: u64,
    mean: Vec<T>,
    square: Vec<T>,
}

pub(super) fn new<T: Scalar>(component: &Component, dim: usize) -> AdaHessian<T> {
    AdaHessian {
        beta1: component.float("beta1"),
        beta2: component.float("beta2"),
        epsilon: component.float("epsilon"),
        probes: component.count("probes").max(1),
        weight_decay: component.float("weight_decay"),
        updates: 0,
        mean: vec![T::default(); dim],
        square: vec![T::default(); dim],
    }
}

impl<T: Scalar> AdaHessian<T> {
    /// The estimate of the Hessian's diagonal.
    fn diagonal(&self, surroundings: &mut dyn Surroundings<T>) -> Result<Vec<f64>, StepError> {
        let dim = self.mean.len();
        let mut random = surroundings.random();
        let (mut probe, mut product) = (vec![0.0; dim], vec![0.0; dim]);
        let mut sum = vec![0.0; dim];
        for _ in 0..self.probes {
            probe.fill_with(|| if random.random::<bool>() { 1.0 } else { -1.0 });
            surroundings.hessian_product(&probe, &mut product)?;
            for ((sum, z), hz) in sum.iter_mut().zip(&probe).zip(&product) {
                *sum += z * hz;
            }
        }
        let share = 1.0 / self.probes as f64;
        sum.iter_mut().for_each(|sum| *sum *= share);
        Ok(sum)
    }
}

impl<T: Scalar> Optimizer<T> for AdaHessian<T> {
    fn step(
        &mut self,
        theta: &mut [T],
        gradient: &[T],
        learning_rate: f64,
        surroundings: &mut dyn Surroundings<T>,
    ) -> Result<(), StepError> {
        let diagonal = self.diagonal(surroundings)?;
        self.updates += 1;
        let updates = self.updates as f64;
        let correction1 = 1.0 - self.beta1.powf(updates);
        let correction2 = 1.0 - self.beta2.powf(updates);
        let step_size = T::from_f64(learning_rate / correction1);
        let root_correction = T::from_f64(1.0 / correction2.sqrt());
        let shrink = T::from_f64(1.0 - learning_rate * self.weight_decay);
        let rest1 = T::from_f64(1.0 - self.beta1);
        let beta2 = T::from_f64(self.beta2);
        let rest2 = T::from_f64(1.0 - self.beta2);
        let epsilon = T::from_f64(self.epsilon);
        let (mean, square) = (&mut self.mean, &mut self.square);
        wide(|| {
            for ((((theta, gradient), diagonal), mean), square) in theta
                .iter_mut()
                .zip(gradient)
                .zip(&diagonal)
                .zip(mean)
                .zip(square)
            {
                let diagonal = T::from_f64(*diagonal);
                *mean = *mean + rest1 * (*gradient - *mean);
                *square = beta2 * *square + rest2 * (diagonal * diagonal);
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

    /// As AdamW's: the preconditioner is another, the recurrence the same.
    fn stability(&self, learning_rate: f64) -> Stability {
        let beta = self.beta1;
        Stability {
            preconditioned: true,
            weight_decay: self.weight_decay * (1.0 + beta) / (1.0 - beta),
            ..Stability::line((2.0 + 2.0 * beta) / (1.0 - beta), learning_rate, |rate| {
                format!("(2 + 2β₁)/((1 − β₁){rate})")
            })
        }
    }

    /// (1 − β₁ᵗ)(√(v/(1 − β₂ᵗ)) + ε), as Adam's.
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
