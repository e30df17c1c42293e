//! Damped Gauss–Newton (Levenberg 1944; for networks Schraudolph 2002):
//! θ ← θ − η(G + δI)⁻¹g with the Gauss–Newton matrix of the batch, solved
//! exactly in double precision by a Cholesky factorisation.

use std::marker::PhantomData;

use super::scalar::Scalar;
use super::{
    Optimizer, OptimizerState, Stability, StateMismatch, StepError, Surroundings, fields,
};
use crate::math::dense::solve_positive;
use crate::recipe::{Component, Field, Kind};

/// The most parameters: a matrix of all pairs is factorised at every step.
pub(super) const LIMIT: usize = 1000;

pub(super) static KIND: Kind = Kind {
    key: "gauss_newton",
    title: "Gauss–Newton",
    help: "θ ← θ − η(G + δI)⁻¹g, solved exactly: the step to the minimum of a quadratic model. Up to 1,000 parameters. On a closed-form function, the Hessian without its negative eigenvalues stands for G.",
    fields: FIELDS,
};

static FIELDS: &[Field] = &[
    fields::learning_rate(1.0),
    Field::float(
        "damping",
        "Damping δ",
        "Added to every eigenvalue of the Gauss–Newton matrix: small is a Newton step, large a short step along the gradient.",
        0.01,
        1e-9,
        1e6,
    )
    .logarithmic()
    .live(),
];

pub(super) struct GaussNewton<T> {
    damping: f64,
    scalar: PhantomData<T>,
}

pub(super) fn new<T: Scalar>(component: &Component, _dim: usize) -> GaussNewton<T> {
    GaussNewton {
        damping: component.float("damping"),
        scalar: PhantomData,
    }
}

impl<T: Scalar> Optimizer<T> for GaussNewton<T> {
    fn step(
        &mut self,
        theta: &mut [T],
        gradient: &[T],
        learning_rate: f64,
        surroundings: &mut dyn Surroundings<T>,
    ) -> Result<(), StepError> {
        let n = theta.len();
        let mut matrix = surroundings.gauss_newton()?;
        for k in 0..n {
            matrix[k * (n + 1)] += self.damping;
        }
        let mut step: Vec<f64> = gradient.iter().map(|g| g.to_f64()).collect();
        solve_positive(n, &mut matrix, &mut step).map_err(|_| {
            StepError(format!(
                "the Gauss–Newton matrix with damping {} cannot be factorised: raise optimizer.damping",
                self.damping
            ))
        })?;
        for (theta, step) in theta.iter_mut().zip(step) {
            *theta = T::from_f64(theta.to_f64() - learning_rate * step);
        }
        Ok(())
    }

    fn set(&mut self, key: &str, value: f64) -> bool {
        match key {
            "damping" => self.damping = value,
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

    /// λ₁((G + δI)⁻¹H) would decide, which no diagonal preconditioner gives.
    fn stability(&self, _: f64) -> Stability {
        Stability::none(
            "its preconditioner, the inverse of the damped Gauss–Newton matrix, is no diagonal",
        )
    }
}
