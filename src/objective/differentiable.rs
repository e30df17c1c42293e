//! What an analysis of the surroundings of a point needs to know of a loss.

use super::{Objective, Workspace};

/// A loss over parameter vectors that tells its value and its gradient, to many
/// threads at once.
pub trait DifferentiableLoss: Sync {
    /// What one thread needs: buffers, mostly.
    type Scratch: Send;

    /// Number of parameters.
    fn dim(&self) -> usize;

    /// A scratch for one thread.
    fn scratch(&self) -> Self::Scratch;

    /// L(θ), as it is: infinite or not a number, too.
    fn value(&self, theta: &[f64], scratch: &mut Self::Scratch) -> f64;

    /// `gradient` ← ∇L(θ); returns L(θ).
    fn differentiate(
        &self,
        theta: &[f64],
        scratch: &mut Self::Scratch,
        gradient: &mut [f64],
    ) -> f64;
}

impl<L: DifferentiableLoss + ?Sized> DifferentiableLoss for &L {
    type Scratch = L::Scratch;

    fn dim(&self) -> usize {
        (**self).dim()
    }

    fn scratch(&self) -> Self::Scratch {
        (**self).scratch()
    }

    fn value(&self, theta: &[f64], scratch: &mut Self::Scratch) -> f64 {
        (**self).value(theta, scratch)
    }

    fn differentiate(
        &self,
        theta: &[f64],
        scratch: &mut Self::Scratch,
        gradient: &mut [f64],
    ) -> f64 {
        (**self).differentiate(theta, scratch, gradient)
    }
}

impl DifferentiableLoss for Objective<f64> {
    type Scratch = Workspace<f64>;

    fn dim(&self) -> usize {
        Objective::dim(self)
    }

    fn scratch(&self) -> Workspace<f64> {
        self.workspace()
    }

    fn value(&self, theta: &[f64], scratch: &mut Workspace<f64>) -> f64 {
        self.loss(theta, scratch)
    }

    fn differentiate(
        &self,
        theta: &[f64],
        scratch: &mut Workspace<f64>,
        gradient: &mut [f64],
    ) -> f64 {
        self.gradient(theta, scratch, gradient)
    }
}
