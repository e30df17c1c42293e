//! The sharpness of a training from step to step.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use crate::curvature::{
    EigenvalueEstimate, Estimate, SHARPNESS_BATCHES, batch_sharpness, sharpness_batches,
};
use crate::engine::job::JobError;
use crate::engine::result::SpectrumPoint;
use crate::math::follow::{FollowOptions, FollowedPair, Follower};
use crate::math::operator::{Preconditioned, Shifted};
use crate::math::rng::stream;
use crate::math::{MathError, Progress};
use crate::objective::{HessianOperator, Objective};
use crate::recipe::Component;
use crate::train::optimizers::Stability;
use crate::train::{Run, Setup};

/// Products for each eigenvalue that is asked for, at most, where many are.
const PRODUCTS: usize = 4;
/// Residual, as a share of the eigenvalue, that is good enough: the value is
/// then right to about its square.
const TOLERANCE: f64 = 1e-3;

/// What is followed through a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackSettings {
    /// How many of the largest eigenvalues.
    pub top: usize,
    /// How many of the smallest.
    pub bottom: usize,
    /// Whether the batch sharpness is measured too, where batches are smaller
    /// than the training set.
    pub batch_sharpness: bool,
}

impl TrackSettings {
    /// What a recipe's `[analyses.spectrum]` asks for.
    pub fn from_recipe(spectrum: &Component) -> Self {
        Self {
            top: spectrum.count("top").max(1),
            bottom: spectrum.count("bottom"),
            batch_sharpness: spectrum.boolean("batch_sharpness"),
        }
    }
}

/// Where a training stands: what a measurement needs of it.
#[derive(Clone, Debug)]
pub struct Tracked {
    /// The step.
    pub step: u64,
    /// The learning rate of the step's update.
    pub learning_rate: f64,
    /// Up to which sharpness that update is stable.
    pub stability: Stability,
    /// The diagonal of P of an adaptive optimizer.
    pub preconditioner: Option<Vec<f64>>,
}

impl Tracked {
    /// Where `run` stands now.
    pub fn of(run: &Run) -> Self {
        let stability = run.stability();
        Self {
            step: run.steps_done(),
            learning_rate: run.learning_rate(),
            preconditioner: if stability.preconditioned {
                run.preconditioner()
            } else {
                None
            },
            stability,
        }
    }
}

/// Follows the ends of the Hessian's spectrum through a training: each
/// measurement starts from the eigenvectors of the one before, in the same
/// memory.
#[derive(Debug, Default)]
pub struct Tracker {
    /// What everything below belongs to.
    setup: Option<Arc<Setup>>,
    hessian: Option<HessianOperator>,
    theta: Vec<f64>,
    plain: Follower,
    preconditioned: Follower,
    random: Option<ChaCha8Rng>,
    batches: Vec<Objective<f64>>,
}

impl Tracker {
    /// The ends of the spectrum of the training loss's Hessian at `theta`, where
    /// the training stands as `at` tells; for an adaptive optimizer also the
    /// largest eigenvalue of P⁻¹(H + shift·I) (Cohen et al. 2022).
    ///
    /// # Errors
    /// [`JobError`]; the next measurement starts afresh then.
    pub fn measure(
        &mut self,
        setup: &Arc<Setup>,
        theta: &[f32],
        at: &Tracked,
        settings: &TrackSettings,
        progress: &dyn Progress,
    ) -> Result<SpectrumPoint, JobError> {
        if !self
            .setup
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, setup))
        {
            *self = Self {
                setup: Some(Arc::clone(setup)),
                ..Self::default()
            };
        }
        self.theta.clear();
        self.theta.extend(theta.iter().map(|x| f64::from(*x)));
        if !self.theta.iter().all(|x| x.is_finite()) {
            return Err(JobError::Failed(
                "a parameter is not a finite number".to_owned(),
            ));
        }
        let objective = setup.training_double()?;
        match &mut self.hessian {
            Some(hessian) => hessian.move_to(&self.theta),
            None => self.hessian = Some(objective.hessian(&self.theta)),
        }
        let Some(hessian) = &self.hessian else {
            return Err(JobError::Failed("there is no Hessian".to_owned()));
        };
        let random = self
            .random
            .get_or_insert_with(|| stream(setup.recipe.seed, "probes"));
        let options = FollowOptions {
            largest: settings.top.max(1),
            smallest: settings.bottom,
            tolerance: TOLERANCE,
            max_products: FollowOptions::default()
                .max_products
                .max(PRODUCTS * (settings.top + settings.bottom + 1)),
        };
        self.plain.measure(hessian, &options, random, progress)?;
        let preconditioned = match &at.preconditioner {
            Some(diagonal) => {
                let shifted = Shifted::new(hessian, at.stability.hessian_shift);
                let operator = Preconditioned::new(shifted, diagonal)?;
                let options = FollowOptions {
                    largest: 1,
                    smallest: 0,
                    ..options
                };
                self.preconditioned
                    .measure(&operator, &options, random, progress)?;
                self.preconditioned.largest().first().map(estimate)
            }
            None => None,
        };
        let batch_sharpness = if settings.batch_sharpness {
            self.batch_sharpness(setup, progress)?
        } else {
            None
        };
        Ok(SpectrumPoint {
            step: at.step,
            eigenvalues: self.plain.largest().iter().map(estimate).collect(),
            smallest: self.plain.smallest().iter().map(estimate).collect(),
            preconditioned,
            batch_sharpness,
            learning_rate: at.learning_rate,
            stability: at.stability.clone(),
        })
    }

    /// Products with the Hessian that the last measurement took.
    pub fn products(&self) -> usize {
        self.plain.products()
    }

    /// The batch sharpness over batches that are drawn once from the recipe's
    /// seed; nothing for full batches.
    fn batch_sharpness(
        &mut self,
        setup: &Setup,
        progress: &dyn Progress,
    ) -> Result<Option<Estimate>, JobError> {
        let train = &setup.data.train;
        if setup.batch_size >= train.len() {
            return Ok(None);
        }
        if self.batches.is_empty() {
            self.batches = sharpness_batches(setup, SHARPNESS_BATCHES)?;
        }
        progress.check().map_err(MathError::from)?;
        let (mean, _) = batch_sharpness(&self.batches, &self.theta);
        Ok(Some(mean))
    }
}

fn estimate(pair: &FollowedPair) -> EigenvalueEstimate {
    EigenvalueEstimate {
        value: pair.value,
        residual: pair.residual,
        converged: pair.converged,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::curvature::exact_spectrum;
    use crate::math::vector::to_f64;
    use crate::recipe::Recipe;
    use crate::train::StepOutcome;
    use crate::train::testing::{optimizer, recipe};

    const SETTINGS: TrackSettings = TrackSettings {
        top: 2,
        bottom: 1,
        batch_sharpness: false,
    };

    fn full_batch() -> Recipe {
        let mut recipe = recipe();
        recipe.training.set("batch_size", 0);
        recipe
    }

    #[test]
    fn at_every_step_the_values_are_the_exact_ones() {
        let mut recipe = full_batch();
        recipe.optimizer = optimizer("sgd", 1.0);
        recipe.training.set("steps", 150);
        let mut run = Run::new(&recipe, Path::new(".")).unwrap();
        let mut tracker = Tracker::default();
        let mut products = 0;
        while run.step().unwrap() == StepOutcome::Trained {
            let at = Tracked::of(&run);
            let found = tracker
                .measure(run.setup(), run.parameters(), &at, &SETTINGS, &())
                .unwrap();
            products += tracker.products();
            let theta = to_f64(run.parameters());
            let hessian = run.setup().training_double().unwrap().hessian(&theta);
            let exact = exact_spectrum(&hessian, &()).unwrap().eigenvalues;
            let scale = exact[0].abs();
            for (found, exact) in found.eigenvalues.iter().zip(&exact) {
                assert!(found.converged);
                assert!((found.value - exact).abs() <= found.residual + 1e-12 * scale);
                assert!((found.value - exact).abs() <= 1e-4 * scale);
            }
            let lowest = *exact.last().unwrap();
            assert!((found.smallest[0].value - lowest).abs() <= 1e-3 * scale);
            assert_eq!((found.eigenvalues.len(), found.smallest.len()), (2, 1));
        }
        // Four vectors are followed; cold starts would take several times more.
        assert!(products < 12 * 150, "{products}");
    }

    #[test]
    fn an_adaptive_optimizer_gets_its_preconditioned_sharpness() {
        let mut recipe = full_batch();
        recipe.optimizer = optimizer("adam", 0.01).with("weight_decay", 0.01);
        let mut run = Run::new(&recipe, Path::new(".")).unwrap();
        let mut tracker = Tracker::default();
        for step in 0..20 {
            let at = Tracked::of(&run);
            assert_eq!(at.preconditioner.is_some(), step > 0);
            let found = tracker
                .measure(run.setup(), run.parameters(), &at, &SETTINGS, &())
                .unwrap();
            assert_eq!(found.preconditioned.is_some(), step > 0);
            if let Some(found) = found.preconditioned {
                // From the snapshot of the same step, by another way.
                let operator =
                    crate::engine::curvature::preconditioned(run.setup(), &run.snapshot())
                        .unwrap()
                        .unwrap();
                let exact = exact_spectrum(&*operator, &()).unwrap().eigenvalues[0];
                assert!((found.value - exact).abs() <= found.residual + 1e-9 * exact);
                assert!((found.value - exact).abs() <= 1e-4 * exact);
            }
            run.step().unwrap();
        }
    }

    #[test]
    fn batch_sharpness_is_for_mini_batches() {
        let settings = TrackSettings {
            batch_sharpness: true,
            ..SETTINGS
        };
        for (recipe, expected) in [(recipe(), true), (full_batch(), false)] {
            let run = Run::new(&recipe, Path::new(".")).unwrap();
            let at = Tracked::of(&run);
            let found = Tracker::default()
                .measure(run.setup(), run.parameters(), &at, &settings, &())
                .unwrap();
            assert_eq!(found.batch_sharpness.is_some(), expected);
            if let Some(batch) = found.batch_sharpness {
                assert!(batch.value.is_finite() && batch.stderr > 0.0);
            }
        }
    }

    #[test]
    fn another_setup_starts_afresh_and_what_is_not_finite_is_an_error() {
        let run = Run::new(&full_batch(), Path::new(".")).unwrap();
        let mut wide = full_batch();
        wide.model.set("hidden", vec![5i64]);
        let other = Run::new(&wide, Path::new(".")).unwrap();
        let mut tracker = Tracker::default();
        for run in [&run, &other, &run] {
            let at = Tracked::of(run);
            let found = tracker.measure(run.setup(), run.parameters(), &at, &SETTINGS, &());
            assert!(found.unwrap().eigenvalues[0].converged);
        }
        let mut theta = run.parameters().to_vec();
        theta[0] = f32::NAN;
        let found = tracker.measure(run.setup(), &theta, &Tracked::of(&run), &SETTINGS, &());
        assert!(matches!(found, Err(JobError::Failed(_))));
    }
}
