//! What the analyses of paths need to know of a loss.

use crate::objective::{Objective, Real, Workspace};

/// A function of the whole parameter vector with its gradient, to be evaluated
/// from many threads.
pub trait ParameterLoss: Sync {
    /// What one thread needs: buffers.
    type Scratch: Send;

    /// Number of parameters.
    fn dim(&self) -> usize;

    /// A scratch for one thread.
    fn scratch(&self) -> Self::Scratch;

    /// L(θ) and the share of samples that are classified correctly, where there
    /// are classes.
    fn loss(&self, theta: &[f64], scratch: &mut Self::Scratch) -> (f64, Option<f64>);

    /// `gradient` ← ∇L(θ); returns L(θ).
    fn gradient(&self, theta: &[f64], scratch: &mut Self::Scratch, gradient: &mut [f64]) -> f64;
}

/// Buffers of an objective in its own precision.
#[derive(Clone, Debug, Default)]
pub struct ObjectiveScratch<T> {
    workspace: Workspace<T>,
    theta: Vec<T>,
    gradient: Vec<T>,
}

impl<T: Real> ObjectiveScratch<T> {
    fn set(&mut self, theta: &[f64]) {
        self.theta.clear();
        self.theta.extend(theta.iter().map(|x| T::from_f64(*x)));
    }
}

impl<T: Real> ParameterLoss for Objective<T> {
    type Scratch = ObjectiveScratch<T>;

    fn dim(&self) -> usize {
        self.dim()
    }

    fn scratch(&self) -> ObjectiveScratch<T> {
        ObjectiveScratch::default()
    }

    fn loss(&self, theta: &[f64], scratch: &mut ObjectiveScratch<T>) -> (f64, Option<f64>) {
        scratch.set(theta);
        self.loss_and_accuracy(&scratch.theta, &mut scratch.workspace)
    }

    fn gradient(
        &self,
        theta: &[f64],
        scratch: &mut ObjectiveScratch<T>,
        gradient: &mut [f64],
    ) -> f64 {
        scratch.set(theta);
        scratch.gradient.resize(theta.len(), T::ZERO);
        let loss = self.gradient(
            &scratch.theta,
            &mut scratch.workspace,
            &mut scratch.gradient,
        );
        for (out, value) in gradient.iter_mut().zip(&scratch.gradient) {
            *out = value.to_f64();
        }
        loss
    }
}
