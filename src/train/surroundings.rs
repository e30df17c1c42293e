//! The loss of a step's batch around the parameters, as optimizers ask for it.

use rand_chacha::ChaCha8Rng;

use super::optimizers::{Scalar, StepError, Surroundings, clip_factor};
use super::setup::{RunError, Setup};
use crate::math::{floats, rng, vector};
use crate::objective::{HessianOperator, Objective, Real};

/// A precision in which a run's training loss is at hand.
pub trait Precision: Scalar + Real + floats::Real {
    /// The loss over the whole training set.
    ///
    /// # Errors
    /// [`RunError`], as [`Setup::training_double`].
    fn training(setup: &Setup) -> Result<Objective<Self>, RunError>;
}

impl Precision for f32 {
    fn training(setup: &Setup) -> Result<Objective<f32>, RunError> {
        Ok(setup.training.clone())
    }
}

impl Precision for f64 {
    fn training(setup: &Setup) -> Result<Objective<f64>, RunError> {
        setup.training_double().cloned()
    }
}

/// The surroundings of a run's parameters by the direct kernels: gradients in
/// the precision `T` of the parameters, curvature in double precision. Nothing
/// is built before it is asked for.
pub struct LossSurroundings<'a, T> {
    setup: &'a Setup,
    theta: &'a [T],
    batch: Option<&'a [usize]>,
    step: u64,
    clip_norm: f64,
    objective: Option<Objective<T>>,
    hessian: Option<HessianOperator>,
}

impl<'a, T: Precision> LossSurroundings<'a, T> {
    /// Around `theta`, the parameters before the update from `step` to
    /// `step + 1`, for the samples `batch` of the training set or all of them.
    pub fn new(
        setup: &'a Setup,
        theta: &'a [T],
        batch: Option<&'a [usize]>,
        step: u64,
        clip_norm: f64,
    ) -> Self {
        Self {
            setup,
            theta,
            batch,
            step,
            clip_norm,
            objective: None,
            hessian: None,
        }
    }

    fn objective<U: Precision>(&self) -> Result<Objective<U>, StepError> {
        let failed = |error: &dyn std::fmt::Display| StepError(error.to_string());
        let Some(batch) = self.batch else {
            return U::training(self.setup).map_err(|e| failed(&e));
        };
        let (network, loss) = (self.setup.network.clone(), self.setup.loss.clone());
        let samples = self.setup.data.train.subset(batch);
        Objective::new(network, loss, &samples).map_err(|e| failed(&e))
    }
}

impl<T: Precision> Surroundings<T> for LossSurroundings<'_, T> {
    fn gradient(&mut self, at: &[T], out: &mut [T]) -> Result<(), StepError> {
        let objective = match self.objective.take() {
            Some(objective) => objective,
            None => self.objective()?,
        };
        objective.gradient(at, &mut objective.workspace(), out);
        self.objective = Some(objective);
        let squares: f64 = out.iter().map(|g| Scalar::to_f64(*g).powi(2)).sum();
        let factor = clip_factor(squares.sqrt(), self.clip_norm);
        if factor < 1.0 {
            let factor = <T as Scalar>::from_f64(factor);
            out.iter_mut().for_each(|g| *g = *g * factor);
        }
        Ok(())
    }

    fn hessian_product(&mut self, v: &[f64], out: &mut [f64]) -> Result<(), StepError> {
        let hessian = match self.hessian.take() {
            Some(hessian) => hessian,
            None => self
                .objective::<f64>()?
                .hessian(&vector::to_f64(self.theta)),
        };
        hessian.product(v, out);
        self.hessian = Some(hessian);
        Ok(())
    }

    /// From its factor where samples × outputs are no more than the parameters,
    /// else column by column.
    fn gauss_newton(&mut self) -> Result<Vec<f64>, StepError> {
        let objective = self.objective::<f64>()?;
        let theta = vector::to_f64(self.theta);
        let dim = theta.len();
        let mut matrix = vec![0.0; dim * dim];
        if objective.len() * objective.network().outputs() <= dim {
            let factor = objective
                .gauss_newton_factor(&theta, &())
                .map_err(|error| StepError(error.to_string()))?;
            for row in factor.elements.chunks_exact(dim.max(1)) {
                for (x, line) in row.iter().zip(matrix.chunks_exact_mut(dim)) {
                    vector::axpy(*x, row, line);
                }
            }
            return Ok(matrix);
        }
        let operator = objective.gauss_newton(&theta);
        let mut unit = vec![0.0; dim];
        for (k, column) in matrix.chunks_exact_mut(dim.max(1)).enumerate() {
            unit[k] = 1.0;
            operator.product(&unit, column);
            unit[k] = 0.0;
        }
        Ok(matrix)
    }

    fn random(&self) -> ChaCha8Rng {
        let mut random = rng::stream(self.setup.recipe.seed, "optimizer");
        random.set_stream(self.step);
        random
    }
}
