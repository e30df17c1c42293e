//! Sharpness-aware minimization (Foret, Kleiner, Mobahi and Neyshabur 2021):
//! θ ← θ − η∇L(θ + e), e = ρg/‖g‖ over all parameters; and its scale-invariant
//! form ASAM (Kwon, Kim, Park and Choi 2021), e = ρT²g/‖Tg‖ with T = |θ| + c
//! element by element. Momentum and weight decay act on the step from θ, and
//! the weight decay has no part in e. Two gradients a step.

use super::scalar::{Scalar, wide};
use super::{
    Optimizer, OptimizerState, Stability, StateMismatch, StepError, Surroundings, fields,
};
use crate::recipe::{Component, Field, Kind};

pub(super) static KIND: Kind = Kind {
    key: "sam",
    title: "SAM",
    help: "Sharpness-aware minimization: steps along the gradient at θ + ρg/‖g‖, uphill of θ, and so away from sharp minima. Two gradients a step.",
    fields: FIELDS,
};

static FIELDS: &[Field] = &[
    fields::learning_rate(0.1),
    fields::rho(
        "How far uphill the gradient is taken; 0 is plain gradient descent, 0.05 is usual.",
        0.05,
    ),
    fields::momentum(0.0),
    fields::WEIGHT_DECAY,
];

pub(super) struct Sam<T> {
    rho: f64,
    /// c of ASAM's T = |θ| + c.
    offset: Option<f64>,
    momentum: f64,
    weight_decay: f64,
    velocity: Vec<T>,
    /// Working memory.
    uphill: Vec<T>,
}

pub(super) fn new<T: Scalar>(component: &Component, dim: usize) -> Sam<T> {
    Sam::new(component, dim, None)
}

impl<T: Scalar> Sam<T> {
    pub(super) fn new(component: &Component, dim: usize, offset: Option<f64>) -> Self {
        Self {
            rho: component.float("rho"),
            offset,
            momentum: component.float("momentum"),
            weight_decay: component.float("weight_decay"),
            velocity: vec![T::default(); dim],
            uphill: Vec::new(),
        }
    }

    /// `out` ← θ + e; θ itself where the gradient is zero.
    fn perturb(&self, theta: &[T], gradient: &[T], out: &mut [T]) {
        let scale = |theta: T| self.offset.map_or(1.0, |c| theta.to_f64().abs() + c);
        let squares: f64 = theta
            .iter()
            .zip(gradient)
            .map(|(theta, g)| (scale(*theta) * g.to_f64()).powi(2))
            .sum();
        let norm = squares.sqrt();
        let factor = if norm > 0.0 { self.rho / norm } else { 0.0 };
        for ((out, theta), g) in out.iter_mut().zip(theta).zip(gradient) {
            let scale = scale(*theta);
            *out = T::from_f64(theta.to_f64() + factor * scale * scale * g.to_f64());
        }
    }
}

impl<T: Scalar> Optimizer<T> for Sam<T> {
    fn step(
        &mut self,
        theta: &mut [T],
        gradient: &[T],
        learning_rate: f64,
        surroundings: &mut dyn Surroundings<T>,
    ) -> Result<(), StepError> {
        let mut there = std::mem::take(&mut self.uphill);
        there.resize(theta.len(), T::default());
        self.perturb(theta, gradient, &mut there);
        let mut uphill = vec![T::default(); theta.len()];
        surroundings.gradient(&there, &mut uphill)?;
        self.uphill = there;
        let eta = T::from_f64(learning_rate);
        let beta = T::from_f64(self.momentum);
        let decay = T::from_f64(self.weight_decay);
        let velocity = &mut self.velocity;
        wide(|| {
            for ((theta, gradient), velocity) in theta.iter_mut().zip(&uphill).zip(velocity) {
                *velocity = beta * *velocity + (*gradient + decay * *theta);
                *theta = *theta - eta * *velocity;
            }
        });
        Ok(())
    }

    fn set(&mut self, key: &str, value: f64) -> bool {
        match (key, &mut self.offset) {
            ("rho", _) => self.rho = value,
            ("momentum", _) => self.momentum = value,
            ("weight_decay", _) => self.weight_decay = value,
            ("offset", Some(offset)) => *offset = value,
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

    /// No line. On a quadratic the step is η(I + ρH/‖g‖)H, which shrinks the
    /// gradient up to ‖g‖/(2ρ)·(√(1 + 8ρ/(η‖g‖)) − 1) only (Long and Bartlett
    /// 2024): up to 2/η for a large gradient, and the less the smaller it is, so
    /// that training stays well below 2/η.
    fn stability(&self, learning_rate: f64) -> Stability {
        if self.rho == 0.0 {
            return Stability {
                weight_decay: self.weight_decay,
                ..Stability::line(2.0 + 2.0 * self.momentum, learning_rate, |rate| {
                    format!("(2 + 2β)/{rate}")
                })
            };
        }
        Stability::none("where SAM becomes unstable depends on the gradient's norm too")
    }

    fn perturbed(&self, theta: &[T], gradient: &[T]) -> Option<Vec<T>> {
        let mut out = vec![T::default(); theta.len()];
        self.perturb(theta, gradient, &mut out);
        Some(out)
    }

    fn momentum(&self) -> Option<Vec<f64>> {
        super::moving(&self.velocity)
    }
}
