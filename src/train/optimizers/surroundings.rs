//! What an update rule may ask about the loss around the parameters.

use rand_chacha::ChaCha8Rng;

/// Why a step could not be made, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StepError(pub String);

/// The loss of the step's batch around the parameters θ of the step. Nothing is
/// computed before it is asked for, so that plain rules pay nothing.
pub trait Surroundings<T> {
    /// `out` ← the gradient of the same batch at `at`, clipped as the gradient
    /// of the step was.
    ///
    /// # Errors
    /// [`StepError`].
    fn gradient(&mut self, at: &[T], out: &mut [T]) -> Result<(), StepError>;

    /// `out` ← H`v` with the Hessian of the same batch at θ.
    ///
    /// # Errors
    /// [`StepError`].
    fn hessian_product(&mut self, v: &[f64], out: &mut [f64]) -> Result<(), StepError>;

    /// The Gauss–Newton matrix of the same batch at θ: all its elements, the
    /// square of the dimension.
    ///
    /// # Errors
    /// [`StepError`].
    fn gauss_newton(&mut self) -> Result<Vec<f64>, StepError>;

    /// Random numbers that depend on the run's seed and the step alone.
    fn random(&self) -> ChaCha8Rng;
}
