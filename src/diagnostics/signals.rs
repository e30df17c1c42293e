//! Opposing signals: samples whose losses a step moves in opposite directions,
//! each by far more than it moves their mean (Rosenfeld & Risteski, 2023,
//! "Outliers with Opposing Signals Have an Outsized Effect on Neural Network
//! Optimization").

mod groups;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use rayon::prelude::*;

use crate::math::progress::{Cancelled, Offset, Progress};
use crate::math::statistics;
use crate::math::vector::to_f64;
use crate::objective::{Objective, Workspace};
use crate::train::{HyperparameterChange, Replay, RunError, Setup, Snapshot, StepOutcome};

pub use groups::{Group, Groups};

/// How the groups of [`Groups`] are chosen, in a sentence.
pub const RULE: &str = "At the step of the largest |Δℓ| of any sample, those samples whose losses \
                        rise are told from those whose losses fall; of each, those with the \
                        largest Σ|Δℓ| over all steps.";

/// Changes that a running correlation is taken over.
pub const RUNNING: usize = 10;

/// Numbers that one analysis may hold: 512 MB of losses and parameters.
const MOST_NUMBERS: usize = 1 << 26;

/// Multiplications between two questions whether to go on, about: some ten
/// milliseconds.
const PIECE: usize = 1 << 23;

/// Samples between two such questions, at most.
const MOST_SAMPLES: usize = 256;

/// Which steps are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalSettings {
    /// The step that the first update begins at.
    pub from: u64,
    /// Updates, at least one.
    pub steps: usize,
    /// Samples in each group, and listed as rising and falling at each step; at
    /// least one.
    pub top: usize,
}

/// Why there are no opposing signals.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// The computation was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The run cannot be made again.
    #[error(transparent)]
    Run(#[from] RunError),
    /// More numbers than are held at a time.
    #[error(
        "{steps} steps of {samples} samples and {parameters} parameters are more numbers than \
         are kept at a time; ask for at most {most} steps"
    )]
    TooLarge {
        /// Steps that were asked for.
        steps: usize,
        /// Samples of the training set.
        samples: usize,
        /// Parameters of the network.
        parameters: usize,
        /// Steps that are possible.
        most: usize,
    },
}

/// A sample and by how much its loss changed.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SampleChange {
    /// The sample's number in the training set.
    pub sample: usize,
    /// Its loss after the step less that before.
    pub change: f64,
}

/// The losses of every training sample over some steps, and the two groups that
/// the steps pull apart.
#[derive(Clone, Debug, PartialEq)]
pub struct OpposingSignals {
    /// What was asked for. There are fewer steps than that while the analysis
    /// goes on, and where the run ended or diverged.
    pub settings: SignalSettings,
    /// ℓᵢ after `from`, `from` + 1, … updates: one row more than steps.
    pub losses: Vec<Arc<[f64]>>,
    /// L, the mean of each row.
    pub loss: Vec<f64>,
    /// The learning rate of each update.
    pub learning_rates: Vec<f64>,
    /// The groups, where some losses rise while others fall.
    pub groups: Option<Groups>,
}

impl OpposingSignals {
    /// Steps that were looked at.
    pub fn steps(&self) -> usize {
        self.losses.len().saturating_sub(1)
    }

    /// The step after the last update.
    pub fn end(&self) -> u64 {
        self.settings.from + self.steps() as u64
    }

    /// Which row of changes belongs to the update that begins at this step.
    pub fn index(&self, step: u64) -> Option<usize> {
        let index = usize::try_from(step.checked_sub(self.settings.from)?).ok()?;
        (index < self.steps()).then_some(index)
    }

    /// The step to look at first: that of the groups, or the last.
    pub fn shown_step(&self) -> Option<u64> {
        let groups = self.groups.as_ref().map(|groups| groups.step);
        groups.or_else(|| self.end().checked_sub(1).filter(|_| self.steps() > 0))
    }

    /// Δℓᵢ = ℓᵢ(θ₊) − ℓᵢ(θ) of every sample in the step of this number, counted
    /// from zero; nothing beyond the last.
    pub fn changes(&self, index: usize) -> Vec<f64> {
        match (self.losses.get(index), self.losses.get(index + 1)) {
            (Some(before), Some(after)) => changes(before, after).collect(),
            _ => Vec::new(),
        }
    }

    /// ΔL of the step of this number.
    pub fn loss_change(&self, index: usize) -> Option<f64> {
        Some(self.loss.get(index + 1)? - self.loss.get(index)?)
    }

    /// max|Δℓᵢ| over the samples in the step of this number; not-a-number beyond
    /// the last.
    pub fn largest(&self, index: usize) -> f64 {
        match (self.losses.get(index), self.losses.get(index + 1)) {
            (Some(before), Some(after)) => {
                changes(before, after).fold(0.0, |most: f64, change| most.max(change.abs()))
            }
            _ => f64::NAN,
        }
    }

    /// max|Δℓᵢ| / |ΔL|: how many times more a step moves one sample's loss than
    /// the mean. Nothing where the mean does not move.
    pub fn ratio(&self, index: usize) -> Option<f64> {
        let change = self.loss_change(index)?.abs();
        (change > 0.0).then(|| self.largest(index) / change)
    }

    /// The median of [`OpposingSignals::ratio`] over all steps that have one.
    pub fn median_ratio(&self) -> Option<f64> {
        let ratios: Vec<f64> = (0..self.steps()).filter_map(|k| self.ratio(k)).collect();
        (!ratios.is_empty()).then(|| statistics::median(&ratios))
    }

    /// The `top` samples whose losses rise most in the step of this number, and
    /// those whose losses fall most, the largest change first. A loss that stays
    /// is in neither list; equal changes keep the order of the samples.
    pub fn extremes(&self, index: usize, top: usize) -> (Vec<SampleChange>, Vec<SampleChange>) {
        let all: Vec<SampleChange> = self
            .changes(index)
            .into_iter()
            .enumerate()
            .map(|(sample, change)| SampleChange { sample, change })
            .collect();
        let most = |sign: f64| {
            let mut some: Vec<SampleChange> = all
                .iter()
                .copied()
                .filter(|change| sign * change.change > 0.0)
                .collect();
            some.sort_by(|a, b| (sign * b.change).total_cmp(&(sign * a.change)));
            some.truncate(top);
            some
        };
        (most(1.0), most(-1.0))
    }

    /// Takes in one more moment of the run; `false` for one with a loss that is
    /// not finite.
    fn push(&mut self, losses: Vec<f64>) -> bool {
        if !losses.iter().all(|loss| loss.is_finite()) {
            return false;
        }
        self.loss.push(statistics::mean(&losses));
        self.losses.push(losses.into());
        true
    }
}

fn changes<'a>(before: &'a [f64], after: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    before
        .iter()
        .zip(after)
        .map(|(before, after)| after - before)
}

/// The steps that an analysis of `samples` samples and `parameters` parameters
/// can hold, at most.
pub fn most_steps(samples: usize, parameters: usize) -> usize {
    (MOST_NUMBERS / (samples + parameters / 2).max(1)).saturating_sub(1)
}

/// Makes a piece of a run again and looks at every training sample's loss before
/// and after each of its steps, in double precision at the parameters of single
/// precision that the run has. `snapshots` and `changes` are as in [`Replay::at`];
/// `on_part` gets what is known after every eighth of the steps, with groups but
/// without the cosines of their gradients. A run that ends or diverges within
/// the steps gives those before.
///
/// # Errors
/// [`SignalError`].
pub fn opposing_signals(
    setup: &Arc<Setup>,
    snapshots: &[Arc<Snapshot>],
    changes: &[HyperparameterChange],
    settings: SignalSettings,
    progress: &dyn Progress,
    on_part: &mut dyn FnMut(&OpposingSignals),
) -> Result<OpposingSignals, SignalError> {
    let settings = SignalSettings {
        steps: settings.steps.max(1),
        top: settings.top.max(1),
        ..settings
    };
    let steps = settings.steps;
    let most = most_steps(setup.training.len(), setup.dim());
    if steps > most {
        return Err(SignalError::TooLarge {
            steps,
            samples: setup.training.len(),
            parameters: setup.dim(),
            most,
        });
    }
    let asked = |_| !progress.is_cancelled();
    let replay = Replay::at(setup, snapshots, changes, settings.from, asked);
    progress.check()?;
    let mut replay = replay?;
    let mut measure = SampleLosses::new(setup)?;
    let mut found = OpposingSignals {
        settings,
        losses: Vec::with_capacity(steps + 1),
        loss: Vec::with_capacity(steps + 1),
        learning_rates: Vec::with_capacity(steps),
        groups: None,
    };
    let mut thetas: Vec<Vec<f32>> = Vec::with_capacity(steps + 1);
    // The gradients of the groups are as many pieces of work as the losses.
    let whole = 2 * steps + 1;
    let part = steps.div_ceil(8);
    let mut go_on = true;
    loop {
        let theta = replay.run().parameters().to_vec();
        if !found.push(measure.at(&to_f64(&theta), progress)?) {
            break;
        }
        thetas.push(theta);
        let done = found.steps();
        progress.report(done, whole);
        if done > 0 && done < steps && done.is_multiple_of(part) {
            found.groups = Groups::choose(&found);
            on_part(&found);
        }
        if done == steps || !go_on {
            break;
        }
        let (before, learning_rate) = (replay.run().steps_done(), replay.run().learning_rate());
        let outcome = replay.step()?;
        // A run that was finished may have been given more steps.
        go_on = !matches!(outcome, StepOutcome::Diverged(_)) && !replay.run().is_finished();
        if replay.run().steps_done() == before {
            break;
        }
        found.learning_rates.push(learning_rate);
    }
    found.learning_rates.truncate(found.steps());
    found.groups = Groups::choose(&found);
    if let Some(groups) = &mut found.groups {
        let rest = Offset::new(progress, steps, whole);
        groups.measure_gradients(setup, &thetas, &rest)?;
    }
    progress.report(whole, whole);
    Ok(found)
}

/// The losses of all training samples, in pieces that take some milliseconds.
struct SampleLosses {
    pieces: Vec<(Objective<f64>, Workspace<f64>)>,
}

impl SampleLosses {
    fn new(setup: &Setup) -> Result<Self, RunError> {
        let data = &setup.data.train;
        let size = (PIECE / setup.dim().max(1)).clamp(1, MOST_SAMPLES);
        let all: Vec<usize> = (0..data.len()).collect();
        let pieces = all
            .chunks(size)
            .map(|samples| {
                let objective = part_of_training(setup, samples)?;
                let workspace = objective.workspace();
                Ok((objective, workspace))
            })
            .collect::<Result<_, RunError>>()?;
        Ok(Self { pieces })
    }

    fn at(&mut self, theta: &[f64], progress: &dyn Progress) -> Result<Vec<f64>, Cancelled> {
        let parts: Vec<Vec<f64>> = self
            .pieces
            .par_iter_mut()
            .map(|(objective, workspace)| {
                progress.check()?;
                Ok(objective.per_sample_losses(theta, workspace))
            })
            .collect::<Result<_, Cancelled>>()?;
        Ok(parts.concat())
    }
}

/// The loss over these samples of the training set.
fn part_of_training(setup: &Setup, samples: &[usize]) -> Result<Objective<f64>, RunError> {
    let (network, loss) = (Arc::clone(&setup.network), Arc::clone(&setup.loss));
    Objective::new(network, loss, &setup.data.train.subset(samples))
        .map_err(|error| RunError::Model(error.to_string()))
}
