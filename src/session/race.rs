//! The JSON of a race, as README documents it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::race::FinishedRace;
use crate::landscape::PathPoint;
use crate::race::{Ground, PlaneOrigin, RaceLandscape, Runner, Score, Status};
use crate::recipe::Value;

/// A race from beginning to end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RaceDocument {
    /// The base recipe's name.
    pub recipe: String,
    /// The seed of batches and noise.
    pub seed: u64,
    /// `step`, `eta` or `time`: what is equal between the runners.
    pub lockstep: String,
    /// Number of parameters.
    pub parameters: usize,
    /// The function, where the ground is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionDocument>,
    /// The runner with the smallest training loss at the end.
    pub best: Option<String>,
    /// The runners, in the order in which they were entered.
    pub runners: Vec<RunnerDocument>,
    /// The landscape under the paths; none where nobody moved.
    pub landscape: Option<LandscapeDocument>,
}

/// A closed-form function and where the race started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionDocument {
    /// Its name.
    pub kind: String,
    /// Its values, the gradient noise among them.
    pub values: BTreeMap<String, Value>,
    /// The common start.
    pub start: [f64; 2],
    /// Known minima.
    pub minima: Vec<[f64; 2]>,
}

/// A runner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunnerDocument {
    /// Its name.
    pub name: String,
    /// What differs from the base recipe, as `section.key`.
    pub changes: BTreeMap<String, Value>,
    /// Its optimizer with all values.
    pub optimizer: BTreeMap<String, Value>,
    /// `running` (when the race ended), `finished` or `diverged`.
    pub status: String,
    /// Why it diverged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// Where it stands at the end.
    pub score: Option<ScoreDocument>,
    /// The loss of each step's batch (of the function) before its update;
    /// element s is about the parameters after s updates.
    pub loss: Vec<Option<f64>>,
    /// Σηₜ over the updates before.
    pub eta_t: Vec<f64>,
    /// Seconds that the steps before took; not reproducible.
    pub seconds: Vec<f64>,
    /// `[step, loss]` on the validation set, where it was measured.
    pub val_loss: Vec<(u64, Option<f64>)>,
    /// The path on the plane.
    pub path: Vec<PathPoint>,
    /// Share of the path's length that runs perpendicular to the plane.
    pub path_outside: Option<f64>,
    /// The largest absolute difference between the loss of a point of the path
    /// and the loss of its projection.
    pub plane_error: Option<f64>,
    /// Points of a diverged runner that the plane leaves out.
    pub left_out: usize,
}

/// A line of the score board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreDocument {
    /// Updates done.
    pub step: u64,
    /// Σηₜ over them.
    pub eta_t: f64,
    /// Seconds that they took; not reproducible.
    pub seconds: f64,
    /// Mean loss over the whole training set (the function's value).
    pub train_loss: Option<f64>,
    /// Mean loss over the validation set.
    pub val_loss: Option<f64>,
    /// Distance of the parameters from the start.
    pub distance_from_start: Option<f64>,
    /// Distance from the parameters of the best runner.
    pub distance_from_best: Option<f64>,
    /// Distance from the nearest known minimum of a function.
    pub distance_from_minimum: Option<f64>,
    /// λ₁ of the Hessian with `--sharpness`.
    pub sharpness: Option<f64>,
    /// Its residual.
    pub sharpness_residual: Option<f64>,
}

/// The loss on the plane of a race: `loss[j][i]` at `(alpha[i], beta[j])`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LandscapeDocument {
    /// `whole_space` (two parameters: the coordinates are the parameters),
    /// `joint` (principal components of all paths) or `runner`.
    pub plane: String,
    /// What the plane goes through: `origin`, `mean of all paths`, or `last
    /// point of NAME`.
    pub centre: String,
    /// Shares of the squared distances from the centre along the two
    /// directions.
    pub explained: Option<[f64; 2]>,
    /// Displacements along the first direction, ascending.
    pub alpha: Vec<f64>,
    /// Displacements along the second direction, ascending.
    pub beta: Vec<f64>,
    /// The loss, a row for each β.
    pub loss: Vec<Vec<Option<f64>>>,
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

impl From<&Score> for ScoreDocument {
    fn from(score: &Score) -> Self {
        Self {
            step: score.step,
            eta_t: score.eta,
            seconds: score.seconds,
            train_loss: finite(score.train_loss),
            val_loss: score.val_loss.and_then(finite),
            distance_from_start: finite(score.distance_from_start),
            distance_from_best: score.distance_from_best.and_then(finite),
            distance_from_minimum: score.distance_from_minimum.and_then(finite),
            sharpness: score.sharpness.map(|found| found.value),
            sharpness_residual: score.sharpness.map(|found| found.residual),
        }
    }
}

impl From<&RaceLandscape> for LandscapeDocument {
    fn from(landscape: &RaceLandscape) -> Self {
        let (plane, centre) = match &landscape.origin {
            PlaneOrigin::WholeSpace => ("whole_space", "origin".to_owned()),
            PlaneOrigin::Mean => ("joint", "mean of all paths".to_owned()),
            PlaneOrigin::Last(name) => ("runner", format!("last point of {name}")),
        };
        let slice = &landscape.slice;
        Self {
            plane: plane.to_owned(),
            centre,
            explained: landscape.explained(),
            alpha: slice.alpha.clone(),
            beta: slice.beta.clone(),
            loss: slice
                .rows()
                .map(|row| row.iter().copied().map(finite).collect())
                .collect(),
        }
    }
}

impl RaceDocument {
    /// The document of a race that is over.
    pub fn new(finished: &FinishedRace) -> Self {
        let race = &finished.race;
        let base = &race.settings().base;
        let function = match race.ground() {
            Ground::Function(function, start) => Some(FunctionDocument {
                kind: function.kind.key.to_owned(),
                values: function.component.values.clone(),
                start: *start,
                minima: function.facts.minima.clone(),
            }),
            Ground::Network(_) => None,
        };
        let runners = race.runners();
        Self {
            recipe: base.name.clone(),
            seed: base.seed,
            lockstep: race.lockstep().key().to_owned(),
            parameters: race.ground().dim(),
            function,
            best: finished
                .board
                .best
                .and_then(|best| runners.get(best))
                .map(|runner| runner.entry.name.clone()),
            runners: runners
                .iter()
                .enumerate()
                .map(|(index, runner)| runner_document(finished, runner, index))
                .collect(),
            landscape: finished.landscape.as_ref().map(LandscapeDocument::from),
        }
    }
}

fn runner_document(finished: &FinishedRace, runner: &Runner, index: usize) -> RunnerDocument {
    let curve = runner.curve();
    let path = finished
        .landscape
        .as_ref()
        .and_then(|landscape| landscape.paths.get(index));
    let mut optimizer = runner.recipe.optimizer.values.clone();
    optimizer.insert(
        "kind".to_owned(),
        Value::from(runner.recipe.optimizer.kind.as_str()),
    );
    RunnerDocument {
        name: runner.entry.name.clone(),
        changes: runner
            .entry
            .changes
            .iter()
            .map(|change| {
                (
                    format!("{}.{}", change.section, change.key),
                    change.value.clone(),
                )
            })
            .collect(),
        optimizer,
        status: runner.status().word().to_owned(),
        explanation: match runner.status() {
            Status::Diverged(divergence) => Some(divergence.explanation.clone()),
            Status::Running | Status::Finished => None,
        },
        score: finished.board.scores.get(index).map(ScoreDocument::from),
        loss: curve.loss.iter().copied().map(finite).collect(),
        eta_t: curve.eta.to_vec(),
        seconds: curve.seconds.to_vec(),
        val_loss: curve
            .validation
            .iter()
            .map(|(step, loss)| (*step, finite(*loss)))
            .collect(),
        path: path.map_or_else(Vec::new, |path| path.points.to_vec()),
        path_outside: path.and_then(|path| path.share.map(|share| share.length_outside)),
        plane_error: path
            .and_then(|path| path.errors.as_ref())
            .and_then(|errors| finite(errors.largest)),
        left_out: path.map_or(0, |path| path.left_out),
    }
}
