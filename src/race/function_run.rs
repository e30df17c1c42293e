//! A run on a closed-form function: the same optimizers and schedules as on a
//! network, in double precision, with the exact gradient.

use std::sync::Arc;

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::trail::Trail;
use crate::functions::TestFunction;
use crate::math::rng;
use crate::recipe::Recipe;
use crate::train::optimizers::{self, Optimizer, StepError, Surroundings, clip_factor};
use crate::train::schedules::{self, LearningRateSchedule};
use crate::train::{Divergence, RunError, grouped, significant};

/// So many widths of the window away a runner is given up: it will not come
/// back, and numbers would only grow until they overflow.
const AWAY: f64 = 1e6;

/// What a step measured before it moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    /// f.
    pub(super) value: f64,
    /// The learning rate of the update, the schedule's factor included; none
    /// where there was no update.
    pub(super) learning_rate: Option<f64>,
}

/// A point that an optimizer moves over a function.
pub(super) struct FunctionRun {
    function: Arc<TestFunction>,
    recipe: Arc<Recipe>,
    start: [f64; 2],
    at: [f64; 2],
    optimizer: Box<dyn Optimizer<f64>>,
    schedule: LearningRateSchedule,
    step: u64,
    total_steps: u64,
    trail: Trail,
    diverged: Option<Divergence>,
}

impl FunctionRun {
    pub(super) fn new(
        function: Arc<TestFunction>,
        start: [f64; 2],
        recipe: Arc<Recipe>,
    ) -> Result<Self, RunError> {
        let mut trail = Trail::default();
        trail.push(0, start);
        Ok(Self {
            optimizer: optimizers::build_double(&recipe.optimizer, 2)?,
            schedule: schedules::build(&recipe.schedule)?,
            total_steps: recipe.training.count("steps") as u64,
            at: start,
            start,
            step: 0,
            trail,
            diverged: None,
            function,
            recipe,
        })
    }

    pub(super) fn steps_done(&self) -> u64 {
        self.step
    }

    pub(super) fn total_steps(&self) -> u64 {
        self.total_steps
    }

    pub(super) fn at(&self) -> [f64; 2] {
        self.at
    }

    pub(super) fn trail(&self) -> &Trail {
        &self.trail
    }

    pub(super) fn divergence(&self) -> Option<&Divergence> {
        self.diverged.as_ref()
    }

    pub(super) fn learning_rate(&self) -> f64 {
        self.recipe.optimizer.float("learning_rate")
            * self.schedule.factor(self.step, self.total_steps)
    }

    /// Makes one step, or measures the last point of all.
    pub(super) fn step(&mut self) -> Option<Measured> {
        if self.diverged.is_some() {
            return None;
        }
        let value = self.function.value(self.at);
        let mut surroundings = FunctionSurroundings {
            function: Arc::clone(&self.function),
            at: self.at,
            seed: self.recipe.seed,
            step: self.step,
            clip_norm: self.recipe.optimizer.float("clip_norm"),
        };
        let mut gradient = surroundings.noisy_gradient(self.at);
        let rate = self.learning_rate();
        let norm = gradient[0].hypot(gradient[1]);
        let still = Measured {
            value,
            learning_rate: None,
        };
        if let Some(explanation) = self.trouble(value, norm, rate) {
            self.diverged = Some(Divergence {
                step: self.step,
                explanation,
                rewind_to: 0,
            });
            return Some(still);
        }
        if self.step >= self.total_steps {
            return Some(still);
        }
        let factor = clip_factor(norm, surroundings.clip_norm);
        gradient = gradient.map(|slope| slope * factor);
        let made = self
            .optimizer
            .step(&mut self.at, &gradient, rate, &mut surroundings);
        if let Err(error) = made {
            self.diverged = Some(Divergence {
                step: self.step,
                explanation: format!("Step {} failed: {error}", grouped(self.step)),
                rewind_to: 0,
            });
            return Some(still);
        }
        self.step += 1;
        self.trail.push(self.step, self.at);
        Some(Measured {
            value,
            learning_rate: Some(rate),
        })
    }

    /// Why this step cannot be made, in a sentence.
    fn trouble(&self, value: f64, norm: f64, rate: f64) -> Option<String> {
        let far = self
            .at
            .iter()
            .zip(self.function.facts.window)
            .any(|(at, [low, high])| (at - 0.5 * (low + high)).abs() > AWAY * (high - low));
        let what = if value.is_nan() || norm.is_nan() {
            "The loss stopped being a number"
        } else if !value.is_finite() || !norm.is_finite() {
            "The loss became infinite"
        } else if far {
            "The runner left the window by a million widths"
        } else {
            return None;
        };
        let sharpness = self.function.eigenvalues(self.start)[0];
        let bound = self
            .optimizer
            .stability(rate)
            .largest_learning_rate(sharpness);
        let reason = match bound {
            Some((largest, formula)) if rate > largest => format!(
                "η = {} exceeds {formula} = {} at the start",
                significant(rate),
                significant(largest)
            ),
            _ => format!("η = {} is too large here", significant(rate)),
        };
        Some(format!("{what} at step {}: {reason}", grouped(self.step)))
    }
}

/// What optimizers may ask about the function around a point: its own formulas,
/// and the same noise on every gradient of a step, as from the same batch.
struct FunctionSurroundings {
    function: Arc<TestFunction>,
    at: [f64; 2],
    seed: u64,
    step: u64,
    clip_norm: f64,
}

impl FunctionSurroundings {
    /// The gradient with its noise, which follows from the seed and the step
    /// alone, as the batches of a network do.
    fn noisy_gradient(&self, at: [f64; 2]) -> [f64; 2] {
        let gradient = self.function.gradient(at);
        let noise = self.function.noise();
        if noise == 0.0 {
            return gradient;
        }
        let mut random = self.stream("gradient noise");
        gradient.map(|slope| slope + noise * random.sample::<f64, _>(StandardNormal))
    }

    fn stream(&self, name: &str) -> ChaCha8Rng {
        let mut random = rng::stream(self.seed, name);
        random.set_stream(self.step);
        random
    }
}

impl Surroundings<f64> for FunctionSurroundings {
    fn gradient(&mut self, at: &[f64], out: &mut [f64]) -> Result<(), StepError> {
        let gradient = self.noisy_gradient([at[0], at[1]]);
        let factor = clip_factor(gradient[0].hypot(gradient[1]), self.clip_norm);
        out.copy_from_slice(&gradient.map(|slope| slope * factor));
        Ok(())
    }

    fn hessian_product(&mut self, v: &[f64], out: &mut [f64]) -> Result<(), StepError> {
        let rows = self.function.hessian(self.at);
        out.copy_from_slice(&rows.map(|row| row[0] * v[0] + row[1] * v[1]));
        Ok(())
    }

    /// The Hessian without its negative eigenvalues: a function that is not made
    /// of a network and a loss has no Gauss–Newton matrix.
    fn gauss_newton(&mut self) -> Result<Vec<f64>, StepError> {
        let [[xx, xy], [_, yy]] = self.function.hessian(self.at);
        let [largest, smallest] = self.function.eigenvalues(self.at);
        if smallest >= 0.0 {
            return Ok(vec![xx, xy, xy, yy]);
        }
        if largest <= 0.0 {
            return Ok(vec![0.0; 4]);
        }
        // λ₁v₁v₁ᵀ = λ₁(H − λ₂I)/(λ₁ − λ₂).
        let factor = largest / (largest - smallest);
        let element = |h: f64, shift: f64| factor * (h - shift);
        let off = element(xy, 0.0);
        Ok(vec![element(xx, smallest), off, off, element(yy, smallest)])
    }

    fn random(&self) -> ChaCha8Rng {
        self.stream("optimizer")
    }
}
