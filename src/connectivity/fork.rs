//! From when on copies of a run end in the same basin: a run is copied at a
//! step, the copy goes on with other batches, and the barrier between both ends
//! is measured (Frankle et al. 2020; Singh et al. 2024).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Silent;
use super::curve::{Curve, Profile, profile};
use super::loss::ParameterLoss;
use crate::math::vector::to_f64;
use crate::math::{Cancelled, MathError, Progress};
use crate::recipe::Recipe;
use crate::train::{Run, RunError, Setup, Snapshot, StepOutcome};

/// What a fork experiment is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct ForkOptions {
    /// Steps at which copies part from the run.
    pub steps: Vec<u64>,
    /// Seed of the copies' batches; the run keeps its own.
    pub seed: u64,
    /// Points of each straight line.
    pub points: usize,
}

/// A run and a copy that parted from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForkPoint {
    /// The last step that they have in common.
    pub step: u64,
    /// ‖θ_A − θ_B‖ of their ends.
    pub distance: f64,
    /// The training loss from the run's end to the copy's.
    pub train: Profile,
    /// The validation loss, where there is a validation set.
    pub validation: Option<Profile>,
}

/// The barrier against the step at which two runs part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fork {
    /// Steps of the whole run.
    pub total_steps: u64,
    /// Seeds of the batches: the run's and the copies'.
    pub seeds: [u64; 2],
    /// By rising step.
    pub points: Vec<ForkPoint>,
}

/// Why a fork experiment has no result.
#[derive(Debug, thiserror::Error)]
pub enum ForkError {
    /// The run could not be made.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The path could not be measured, or all was cancelled.
    #[error(transparent)]
    Math(#[from] MathError),
    /// The experiment makes no sense here.
    #[error("{0}")]
    Refused(String),
}

impl From<Cancelled> for ForkError {
    fn from(cancelled: Cancelled) -> Self {
        Self::Math(cancelled.into())
    }
}

/// Steps at which it is worth parting from a run that begins at `first` and ends
/// at `total`: the beginning, then about evenly on a
/// logarithmic scale up to three quarters of the run.
pub fn default_steps(first: u64, total: u64) -> Vec<u64> {
    let mut steps: Vec<u64> = [0.0, 0.01, 0.03, 0.1, 0.2, 0.4, 0.75]
        .iter()
        .map(|share| first + (share * total.saturating_sub(first) as f64).round() as u64)
        .filter(|step| *step < total)
        .collect();
    steps.dedup();
    steps
}

/// Trains the run of this setup to its end and, from each of the steps, a copy
/// with the batches of another seed; measures the straight line between both
/// ends. `on_point` gets what is known after each copy.
///
/// Progress counts training steps.
///
/// # Errors
/// [`ForkError`]: without batches that are smaller than the training set both
/// copies would take the same steps; a step must lie before the run's end; a
/// copy may diverge.
pub fn fork<L: ParameterLoss + ?Sized>(
    setup: &Arc<Setup>,
    train: &L,
    validation: Option<&L>,
    options: &ForkOptions,
    progress: &dyn Progress,
    on_point: &mut dyn FnMut(&Fork),
) -> Result<Fork, ForkError> {
    if setup.batch_size >= setup.data.train.len() {
        return Err(ForkError::Refused(format!(
            "every batch is the whole training set, so that both copies would take the same \
             steps: set training.batch_size below {}",
            setup.data.train.len()
        )));
    }
    let mut run = Run::from_setup(Arc::clone(setup))?;
    // Nothing but the last parameters is looked at.
    run.set_hyperparameter("validation_every", 0.0)?;
    let (first_step, total_steps) = (run.steps_done(), run.total_steps());
    let mut steps = options.steps.clone();
    steps.sort_unstable();
    steps.dedup();
    if let Some(early) = steps.iter().find(|step| **step < first_step) {
        return Err(ForkError::Refused(format!(
            "a copy cannot part at step {early}: expected a step from {first_step} on, where the run begins"
        )));
    }
    if let Some(late) = steps.iter().find(|step| **step >= total_steps) {
        return Err(ForkError::Refused(format!(
            "a copy cannot part at step {late}: expected a step before {total_steps}, the run's last"
        )));
    }
    let work = total_steps - first_step + steps.iter().map(|step| total_steps - step).sum::<u64>();
    let mut done = 0;
    let mut from: Vec<Arc<Snapshot>> = Vec::with_capacity(steps.len());
    for step in &steps {
        train_until(&mut run, *step, (&mut done, work), progress)?;
        from.push(run.snapshot());
    }
    train_until(&mut run, total_steps, (&mut done, work), progress)?;
    let end: Arc<[f64]> = to_f64(run.parameters()).into();
    let mut result = Fork {
        total_steps,
        seeds: [setup.recipe.seed, options.seed],
        points: Vec::with_capacity(steps.len()),
    };
    // Other batches: the data are those of the setup, whatever the seed.
    let mut recipe = Recipe::clone(&setup.recipe);
    recipe.seed = options.seed;
    for snapshot in from {
        let mut copy = Run::from_setup(Arc::new(setup.branch(&recipe, &snapshot)?))?;
        copy.set_hyperparameter("validation_every", 0.0)?;
        train_until(&mut copy, total_steps, (&mut done, work), progress)?;
        let line = Curve::line(Arc::clone(&end), to_f64(copy.parameters()))?;
        let measure = |loss: &L| profile(loss, &line, options.points, true, &Silent(progress));
        result.points.push(ForkPoint {
            step: snapshot.step,
            distance: line.distance(),
            train: measure(train)?,
            validation: validation.map(measure).transpose()?,
        });
        on_point(&result);
    }
    Ok(result)
}

fn train_until(
    run: &mut Run,
    step: u64,
    (done, work): (&mut u64, u64),
    progress: &dyn Progress,
) -> Result<(), ForkError> {
    while run.steps_done() < step {
        progress.check()?;
        if let StepOutcome::Diverged(divergence) = run.step()? {
            return Err(ForkError::Refused(format!(
                "a copy diverged at step {}: lower the learning rate",
                divergence.step
            )));
        }
        *done += 1;
        progress.report(
            usize::try_from(*done).unwrap_or(usize::MAX),
            usize::try_from(work).unwrap_or(usize::MAX),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::math::CancelToken;
    use crate::train::testing::recipe;

    fn setup(batch_size: i64) -> Arc<Setup> {
        let mut recipe = recipe();
        recipe.training.set("batch_size", batch_size);
        Arc::new(Setup::new(recipe.into(), Path::new(".")).unwrap())
    }

    fn options(steps: &[u64], seed: u64) -> ForkOptions {
        ForkOptions {
            steps: steps.to_vec(),
            seed,
            points: 5,
        }
    }

    #[test]
    fn copies_that_part_later_end_closer() {
        let setup = setup(16);
        let validation = setup.validation.as_ref();
        let mut told = Vec::new();
        let found = fork(
            &setup,
            &setup.training,
            validation,
            &options(&[49, 0], 7),
            &(),
            &mut |fork| told.push(fork.points.len()),
        )
        .unwrap();
        assert_eq!(told, [1, 2]);
        assert_eq!((found.total_steps, found.seeds), (50, [0, 7]));
        assert_eq!((found.points[0].step, found.points[1].step), (0, 49));
        assert!(found.points[0].distance > found.points[1].distance);
        assert!(found.points[1].distance > 0.0);
        // The run's own end is the run's end.
        let mut run = Run::from_setup(Arc::clone(&setup)).unwrap();
        while run.step().unwrap() == StepOutcome::Trained {}
        let objective = &setup.training;
        let loss = objective.loss(run.parameters(), &mut objective.workspace());
        for point in &found.points {
            assert_eq!(point.train.line.loss[0], loss);
            assert_eq!(point.validation.is_some(), validation.is_some());
        }
    }

    #[test]
    fn a_copy_with_the_same_batches_is_the_run() {
        let setup = setup(16);
        let options = options(&[20], setup.recipe.seed);
        let found = fork(&setup, &setup.training, None, &options, &(), &mut |_| ()).unwrap();
        assert_eq!(found.points[0].distance, 0.0);
        assert_eq!(found.points[0].train.line.barrier, 0.0);
    }

    #[test]
    fn what_cannot_be_forked_is_refused() {
        let whole = setup(0);
        let refused = |setup: &Arc<Setup>, steps: &[u64]| {
            let options = options(steps, 7);
            fork(setup, &setup.training, None, &options, &(), &mut |_| ())
                .unwrap_err()
                .to_string()
        };
        assert!(refused(&whole, &[0]).contains("training.batch_size"));
        assert!(refused(&setup(16), &[50]).contains("before 50"));
        let token = CancelToken::new();
        token.cancel();
        let setup = setup(16);
        let options = options(&[0], 7);
        assert!(matches!(
            fork(&setup, &setup.training, None, &options, &token, &mut |_| ()),
            Err(ForkError::Math(MathError::Cancelled))
        ));
    }

    #[test]
    fn the_default_steps_rise() {
        assert_eq!(default_steps(0, 1000), [0, 10, 30, 100, 200, 400, 750]);
        assert_eq!(default_steps(0, 2), [0, 1]);
        assert_eq!(
            default_steps(900, 1000),
            [900, 901, 903, 910, 920, 940, 975]
        );
    }
}
