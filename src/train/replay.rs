//! A piece of a run made once more, step by step, so that an analysis can look
//! at every moment of it.

use std::sync::Arc;

use super::run::{Run, StepOutcome};
use super::setup::{RunError, Setup};
use super::snapshots::Snapshot;

/// A hyperparameter that was changed while a run trained.
pub type HyperparameterChange = (u64, String, f64);

/// A run made again from one of its snapshots. It is the same run bit for bit:
/// an epoch's batches depend on the seed alone, the snapshot remembers the
/// optimizer, and every change of a hyperparameter is made again at its step.
pub struct Replay {
    run: Run,
    /// Changes that are still to come, the next one last.
    changes: Vec<HyperparameterChange>,
}

impl Replay {
    /// The run of `setup` as it stood after `step` updates, made from the newest
    /// of `snapshots` at or before that step that remembers its optimizer (the
    /// run's beginning does). `on_step` is asked before each update on the way
    /// there and gives `false` to stop.
    ///
    /// # Errors
    /// [`RunError`]; [`RunError::NoSnapshot`] where the run begins after `step`,
    /// or ends or diverges before it. A run that was given more steps when it had
    /// ended goes on.
    pub fn at(
        setup: &Arc<Setup>,
        snapshots: &[Arc<Snapshot>],
        changes: &[HyperparameterChange],
        step: u64,
        mut on_step: impl FnMut(u64) -> bool,
    ) -> Result<Self, RunError> {
        let usable = |kept: &&Arc<Snapshot>| kept.step <= step && kept.optimizer.is_some();
        let start = snapshots
            .iter()
            .rev()
            .find(usable)
            .or_else(|| Some(&setup.initial).filter(usable))
            .ok_or(RunError::NoSnapshot(step))?;
        let mut run = Run::from_setup(Arc::clone(setup))?;
        run.resume(start)?;
        // Nobody looks at the validation set here.
        run.set_hyperparameter("validation_every", 0.0)?;
        let mut changes = changes.to_vec();
        changes.retain(|(_, key, _)| key != "validation_every");
        changes.reverse();
        let mut replay = Self { run, changes };
        replay.change();
        while replay.run.steps_done() < step {
            let before = replay.run.steps_done();
            if !on_step(before)
                || matches!(replay.step()?, StepOutcome::Diverged(_))
                || replay.run.steps_done() == before
            {
                return Err(RunError::NoSnapshot(step));
            }
        }
        Ok(replay)
    }

    /// The run as it stands: its parameters, the gradient of the last batch, the
    /// learning rate and the batch of the update that comes next.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The samples of the batch that the next update uses, in its order.
    pub fn batch(&mut self) -> &[usize] {
        self.run.batch()
    }

    /// Makes one step; see [`Run::step`].
    ///
    /// # Errors
    /// [`RunError`].
    pub fn step(&mut self) -> Result<StepOutcome, RunError> {
        let outcome = self.run.step()?;
        self.change();
        Ok(outcome)
    }

    /// Makes the changes that are due before the next update.
    fn change(&mut self) {
        let step = self.run.steps_done();
        let due = |change: &mut HyperparameterChange| change.0 <= step;
        while let Some((_, key, value)) = self.changes.pop_if(due) {
            // The run took it once, and so takes it again.
            let _ = self.run.set_hyperparameter(&key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::train::testing::{optimizer, recipe};

    #[test]
    fn a_replay_is_the_same_run_bit_for_bit() {
        replays(optimizer("adam", 0.02));
        // Its probes depend on the seed and the step alone.
        replays(optimizer("adahessian", 0.02));
    }

    fn replays(optimizer: crate::recipe::Component) {
        let mut recipe = recipe();
        recipe.optimizer = optimizer;
        let mut run = Run::new(&recipe, Path::new(".")).unwrap();
        let changes = [
            (7, "learning_rate".to_owned(), 0.05),
            (7, "clip_norm".to_owned(), 0.1),
            (21, "learning_rate".to_owned(), 0.01),
        ];
        let mut thetas = Vec::new();
        for step in 0..30 {
            for (_, key, value) in changes.iter().filter(|change| change.0 == step) {
                run.set_hyperparameter(key, *value).unwrap();
            }
            thetas.push(run.parameters().to_vec());
            run.step().unwrap();
        }
        // From nothing but the beginning, from early snapshots, and from all.
        for kept in [0, 6, run.snapshots().all().len()] {
            let kept = &run.snapshots().all()[..kept];
            for from in [0, 5, 7, 22] {
                let mut replay = Replay::at(run.setup(), kept, &changes, from, |_| true).unwrap();
                for theta in &thetas[from as usize..] {
                    assert_eq!(replay.run().parameters(), theta);
                    replay.step().unwrap();
                }
            }
        }
    }

    #[test]
    fn a_run_that_was_given_more_steps_at_its_end_is_replayed_across_it() {
        let mut run = Run::new(&recipe(), Path::new(".")).unwrap();
        let mut thetas = vec![run.parameters().to_vec()];
        let mut make = |run: &mut Run| {
            while !run.is_finished() {
                run.step().unwrap();
                thetas.push(run.parameters().to_vec());
            }
        };
        make(&mut run);
        let early = run.snapshots().all()[..20].to_vec();
        let changes = [
            (50, "steps".to_owned(), 70.0),
            (50, "learning_rate".to_owned(), 0.03),
        ];
        for (_, key, value) in &changes {
            run.set_hyperparameter(key, *value).unwrap();
        }
        make(&mut run);
        let all = run.snapshots().all().to_vec();
        for (kept, to) in [(&early, 30), (&early, 50), (&early, 60), (&all, 60)] {
            let mut replay = Replay::at(run.setup(), kept, &changes, to, |_| true).unwrap();
            for theta in &thetas[to as usize..] {
                assert_eq!(replay.run().parameters(), theta);
                replay.step().unwrap();
            }
            assert_eq!(replay.run().steps_done(), 70);
        }
        // Without the change there is nothing beyond the end.
        for changes in [&changes[..0], &changes[1..]] {
            let at = |step| Replay::at(run.setup(), &early, changes, step, |_| true).map(|_| ());
            assert!(at(50).is_ok());
            assert!(matches!(at(51), Err(RunError::NoSnapshot(51))));
        }
    }

    #[test]
    fn what_never_was_cannot_be_replayed() {
        let run = Run::new(&recipe(), Path::new(".")).unwrap();
        let at = |step, go: bool| Replay::at(run.setup(), &[], &[], step, |_| go).map(|_| ());
        assert!(matches!(at(51, true), Err(RunError::NoSnapshot(51))));
        assert!(matches!(at(9, false), Err(RunError::NoSnapshot(9))));
        assert!(at(50, true).is_ok());
    }

    #[test]
    fn the_next_batch_is_the_one_that_the_step_uses() {
        let run = Run::new(&recipe(), Path::new(".")).unwrap();
        let mut replay = Replay::at(run.setup(), &[], &[], 2, |_| true).unwrap();
        let batch = replay.batch().to_vec();
        assert_eq!(batch.len(), 16);
        let theta = crate::math::vector::to_f64(replay.run().parameters());
        replay.step().unwrap();
        let setup = replay.run().setup();
        let subset = setup.data.train.subset(&batch);
        let (network, loss) = (Arc::clone(&setup.network), Arc::clone(&setup.loss));
        let objective = crate::objective::Objective::<f64>::new(network, loss, &subset).unwrap();
        let expected = objective.loss(&theta, &mut objective.workspace());
        let found = replay.run().history().row(2).unwrap().train_loss;
        assert!((found - expected).abs() < 1e-6);
    }
}
