//! The score board of a race.

use super::runner::Status;
use super::state::{Ground, Race};
use crate::curvature::{EigenvalueEstimate, ExtremalOptions, top_eigenvalues};
use crate::math::rng::stream;
use crate::math::{MathError, Progress, vector};
use crate::train::{RunError, Setup};

/// Where a runner stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Updates done at the moment that is scored: that of a kept snapshot.
    pub step: u64,
    /// Σηₜ over these updates.
    pub eta: f64,
    /// Seconds that they took.
    pub seconds: f64,
    /// Mean loss over the whole training set, or the function's value.
    pub train_loss: f64,
    /// Mean loss over the validation set, if there is one.
    pub val_loss: Option<f64>,
    /// ‖θ − θ₀‖.
    pub distance_from_start: f64,
    /// ‖θ − θ_best‖ to the runner with the smallest training loss at this
    /// moment; none where no loss is a number.
    pub distance_from_best: Option<f64>,
    /// Distance to the nearest known minimum of a function.
    pub distance_from_minimum: Option<f64>,
    /// λ₁ of the training loss's Hessian (of the function's), where it was
    /// asked for; exact, with residual 0, on a function.
    pub sharpness: Option<EigenvalueEstimate>,
    /// Whether it still runs, now and not at the moment that is scored.
    pub status: Status,
}

/// All runners at one moment of the race's clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScoreBoard {
    /// The moment.
    pub clock: f64,
    /// One for each runner, in their order.
    pub scores: Vec<Score>,
    /// The runner with the smallest training loss.
    pub best: Option<usize>,
}

/// Why there is no score board.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// A number could not be computed, or nobody wants it any more.
    #[error(transparent)]
    Math(#[from] MathError),
    /// The Hessian's loss could not be built.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Tolerance of λ₁: good enough for a table.
const TOLERANCE: f64 = 1e-3;

impl Race {
    /// Where all runners stand at a moment of the clock, or now. Losses are
    /// means over all samples in single precision, λ₁ is measured in double
    /// precision on demand.
    ///
    /// # Errors
    /// [`ScoreError`], `Cancelled` among them. A λ₁ that cannot be measured
    /// because a runner's parameters are not finite is left out.
    pub fn score_board(
        &self,
        at: Option<f64>,
        sharpness: bool,
        progress: &dyn Progress,
    ) -> Result<ScoreBoard, ScoreError> {
        let start = match self.ground() {
            Ground::Network(setup) => vector::to_f64(&setup.initial.theta),
            Ground::Function(_, start) => start.to_vec(),
        };
        let mut thetas = Vec::new();
        let mut scores = Vec::new();
        for runner in self.runners() {
            progress.check().map_err(MathError::from)?;
            let step = at.map_or(runner.steps_done(), |clock| self.step_at(runner, clock));
            let Some((step, theta)) = runner.parameters_at(step) else {
                continue;
            };
            let now = step == runner.steps_done();
            let index = step as usize;
            let curve = runner.curve();
            let column = |column: &crate::math::chunked::Chunked<f64>, newest: f64| {
                let kept = column.get(index).copied();
                if now { newest } else { kept.unwrap_or(newest) }
            };
            let (train_loss, val_loss) = self.losses(&theta);
            scores.push(Score {
                step,
                eta: column(&curve.eta, runner.eta()),
                seconds: column(&curve.seconds, runner.seconds()),
                train_loss,
                val_loss,
                distance_from_start: vector::distance(&theta, &start),
                distance_from_best: None,
                distance_from_minimum: match (self.ground(), theta.as_slice()) {
                    (Ground::Function(function, _), &[x, y]) => {
                        function.distance_to_minimum([x, y])
                    }
                    _ => None,
                },
                sharpness: if sharpness {
                    self.sharpness(&theta, progress)?
                } else {
                    None
                },
                status: runner.status().clone(),
            });
            thetas.push(theta);
        }
        let best = scores
            .iter()
            .enumerate()
            .filter(|(_, score)| score.train_loss.is_finite())
            .min_by(|(_, a), (_, b)| a.train_loss.total_cmp(&b.train_loss))
            .map(|(index, _)| index);
        if let Some(best) = best {
            for (score, theta) in scores.iter_mut().zip(&thetas) {
                score.distance_from_best = Some(vector::distance(theta, &thetas[best]));
            }
        }
        Ok(ScoreBoard {
            clock: at.unwrap_or_else(|| self.clock()),
            scores,
            best,
        })
    }

    /// Training and validation loss over all samples.
    fn losses(&self, theta: &[f64]) -> (f64, Option<f64>) {
        match self.ground() {
            Ground::Function(function, _) => match theta {
                &[x, y] => (function.value([x, y]), None),
                _ => (f64::NAN, None),
            },
            Ground::Network(setup) => {
                let theta: Vec<f32> = theta.iter().map(|x| *x as f32).collect();
                let training = &setup.training;
                let loss = training.loss(&theta, &mut training.workspace());
                let validation = setup
                    .validation
                    .as_ref()
                    .map(|set| set.loss(&theta, &mut set.workspace()));
                (loss, validation)
            }
        }
    }

    fn sharpness(
        &self,
        theta: &[f64],
        progress: &dyn Progress,
    ) -> Result<Option<EigenvalueEstimate>, ScoreError> {
        if !theta.iter().all(|x| x.is_finite()) {
            return Ok(None);
        }
        match self.ground() {
            Ground::Function(function, _) => Ok(match theta {
                &[x, y] => {
                    let value = function.eigenvalues([x, y])[0];
                    value.is_finite().then_some(EigenvalueEstimate {
                        value,
                        residual: 0.0,
                        converged: true,
                    })
                }
                _ => None,
            }),
            Ground::Network(setup) => match of_network(setup, theta, progress) {
                Err(ScoreError::Math(MathError::NotFinite { .. })) => Ok(None),
                found => found,
            },
        }
    }
}

fn of_network(
    setup: &Setup,
    theta: &[f64],
    progress: &dyn Progress,
) -> Result<Option<EigenvalueEstimate>, ScoreError> {
    let hessian = setup.training_double()?.hessian(theta);
    let options = ExtremalOptions {
        largest: 1,
        smallest: 0,
        tolerance: TOLERANCE,
        ..ExtremalOptions::default()
    };
    let mut random = stream(setup.recipe.seed, "probes");
    let found = top_eigenvalues(&hessian, &options, &[], &mut random, progress)?;
    Ok(found.sharpness())
}
