//! The flows that go along with a run: each knows where it stands, and takes an
//! update's time at once.

use rand_chacha::ChaCha8Rng;

use crate::curvature::{
    EigenvalueEstimate, ExtremalOptions, TopSpectrum, central_flow_velocity, eigenvalue_gradient,
    gradient_flow, keep_sign, top_eigenvalues,
};
use crate::math::rng::stream;
use crate::math::{MathError, Progress, vector};
use crate::objective::Objective;

use super::StabilityError;
use super::flow_settings::{CENTRAL_SUBSTEPS, CentralReading, TwinReading};

/// Runge–Kutta steps for a time 1/λ₁: the error of one along the top
/// eigenvector, the worst, is then below 3·10⁻⁴ of what it moves.
const PIECES: f64 = 2.0;
/// Runge–Kutta steps for one update at most; a sharper flow ends.
const SUBSTEPS: f64 = 200.0;
/// The time, in units of 1/λ₁, after which the gradient flow measures λ₁ again
/// within an update.
const MEASURE: f64 = 2.0;
/// Updates in which a central flow that begins above 2/η comes down to it.
const RELAXATION: f64 = 10.0;

/// The largest eigenvalues along a path of parameters.
pub(super) struct Follower<'a> {
    objective: &'a Objective<f64>,
    options: ExtremalOptions,
    random: ChaCha8Rng,
    top: Option<TopSpectrum>,
}

impl<'a> Follower<'a> {
    pub(super) fn new(
        objective: &'a Objective<f64>,
        tolerance: f64,
        largest: usize,
        seed: u64,
    ) -> Self {
        Self {
            options: ExtremalOptions {
                largest: largest.min(objective.dim()),
                smallest: 0,
                tolerance,
                ..ExtremalOptions::default()
            },
            objective,
            random: stream(seed, "flow"),
            top: None,
        }
    }

    pub(super) fn measure(
        &mut self,
        theta: &[f64],
        progress: &dyn Progress,
    ) -> Result<&TopSpectrum, MathError> {
        let before = self.top.take();
        let start = before.as_ref().map_or(&[][..], |top| &top.vectors);
        let hessian = self.objective.hessian(theta);
        let mut found =
            top_eigenvalues(&hessian, &self.options, start, &mut self.random, progress)?;
        for (vector, earlier) in found.vectors.iter_mut().zip(start) {
            keep_sign(vector, earlier);
        }
        Ok(self.top.insert(found))
    }
}

/// How a step of a flow ended where nothing failed: the reason for which it
/// cannot go on, if there is one.
pub(super) type Advance = Result<Result<(), String>, StabilityError>;

pub(super) const GRADIENT: &str = "gradient flow";
pub(super) const CENTRAL: &str = "central flow";

/// The reason for which a flow cannot go on, if that is its own.
pub(super) fn left_all_bounds(error: StabilityError, flow: &str) -> Result<String, StabilityError> {
    match error {
        StabilityError::Math(MathError::NotFinite { .. }) => {
            Ok(format!("the {flow} leaves all bounds"))
        }
        other => Err(other),
    }
}

/// The gradient flow beside a run.
pub(super) struct GradientTwin<'a> {
    theta: Vec<f64>,
    follower: Follower<'a>,
    sharpness: f64,
    /// The flow's time since that was measured.
    since: f64,
}

impl<'a> GradientTwin<'a> {
    pub(super) fn new(theta: Vec<f64>, follower: Follower<'a>) -> Self {
        Self {
            theta,
            follower,
            sharpness: 0.0,
            since: f64::INFINITY,
        }
    }

    fn measure(&mut self, progress: &dyn Progress) -> Result<EigenvalueEstimate, MathError> {
        let found = self.follower.measure(&self.theta, progress)?.sharpness();
        let found = found.ok_or(MathError::NotFinite {
            what: "the sharpness of a flow",
        })?;
        (self.sharpness, self.since) = (found.value, 0.0);
        Ok(found)
    }

    pub(super) fn read(
        &mut self,
        objective: &Objective<f64>,
        run: &[f64],
        measured: bool,
        progress: &dyn Progress,
    ) -> Result<TwinReading, StabilityError> {
        let sharpness = match measured {
            true => Some(self.measure(progress)?),
            false => None,
        };
        Ok(TwinReading {
            loss: objective.loss(&self.theta, &mut objective.workspace()),
            distance: distance(run, &self.theta),
            sharpness,
        })
    }

    /// One update's time further, in pieces that can be cancelled.
    pub(super) fn advance(
        &mut self,
        objective: &Objective<f64>,
        time: f64,
        progress: &dyn Progress,
    ) -> Advance {
        let (mut left, mut made) = (time, 0.0);
        // The rest that rounding leaves is no piece.
        while left > 1e-9 * time {
            progress.check()?;
            let old = made == 0.0 && self.since > 0.0;
            if (old || self.since * self.sharpness >= MEASURE)
                && let Err(error) = self.measure(progress)
            {
                return left_all_bounds(error.into(), GRADIENT).map(Err);
            }
            let pieces = (PIECES * left * self.sharpness).ceil().max(1.0);
            if pieces.is_nan() || made + pieces > SUBSTEPS {
                return Ok(Err(format!(
                    "the gradient flow needs more than {SUBSTEPS} steps for one update"
                )));
            }
            let piece = left / pieces;
            if let Err(error) = gradient_flow(objective, &mut self.theta, piece, piece) {
                return left_all_bounds(error.into(), GRADIENT).map(Err);
            }
            left -= piece;
            self.since += piece;
            made += 1.0;
        }
        Ok(Ok(()))
    }
}

/// What is known of the central flow where it stands.
struct Moment {
    loss: f64,
    eigenvalues: Vec<EigenvalueEstimate>,
    direction: Vec<f64>,
    velocity: Vec<f64>,
    variance: f64,
}

/// The central flow beside a run.
pub(super) struct CentralTwin<'a> {
    theta: Vec<f64>,
    follower: Follower<'a>,
    moment: Option<Moment>,
}

impl<'a> CentralTwin<'a> {
    pub(super) fn new(theta: Vec<f64>, follower: Follower<'a>) -> Self {
        Self {
            theta,
            follower,
            moment: None,
        }
    }

    /// Gradient, eigenvalues and velocity at the present parameters, for steps
    /// of learning rate η.
    pub(super) fn look(
        &mut self,
        objective: &Objective<f64>,
        eta: f64,
        progress: &dyn Progress,
    ) -> Result<(), StabilityError> {
        let mut gradient = vec![0.0; self.theta.len()];
        let loss = objective.gradient(&self.theta, &mut objective.workspace(), &mut gradient);
        let top = self.follower.measure(&self.theta, progress)?;
        let sharpness = top.sharpness().map_or(f64::NAN, |found| found.value);
        let direction = top.vectors.first().cloned().unwrap_or_default();
        let eigenvalues = top.eigenvalues.clone();
        let (mut velocity, mut variance) = (Vec::new(), 0.0);
        if sharpness * eta >= 2.0 {
            let slope = eigenvalue_gradient(objective, &self.theta, &direction)?;
            let found = central_flow_velocity(eta, &gradient, sharpness, &slope, RELAXATION)?;
            (velocity, variance) = (found.velocity, found.variance);
        }
        if velocity.is_empty() {
            velocity = gradient.iter().map(|g| -eta * g).collect();
        }
        self.moment = Some(Moment {
            loss,
            eigenvalues,
            direction,
            velocity,
            variance,
        });
        Ok(())
    }

    /// Why this flow does not apply, where a second eigenvalue is at or above 2/η.
    pub(super) fn two_unstable(&self, eta: f64) -> Option<String> {
        let second = self.moment.as_ref()?.eigenvalues.get(1)?.value;
        (second * eta >= 2.0).then(|| {
            format!(
                "the {CENTRAL} with one unstable direction ends where λ₂ = {second:.4} comes to \
                 2/η,"
            )
        })
    }

    pub(super) fn read(&self, run: &[f64]) -> Option<CentralReading> {
        let moment = self.moment.as_ref()?;
        let away = run.iter().zip(&self.theta).map(|(a, b)| a - b);
        Some(CentralReading {
            loss: moment.loss,
            distance: distance(run, &self.theta),
            eigenvalues: moment.eigenvalues.clone(),
            variance: moment.variance,
            displacement: away.zip(&moment.direction).map(|(d, v)| d * v).sum(),
        })
    }

    /// One update further, from a moment that has been looked at.
    pub(super) fn advance(
        &mut self,
        objective: &Objective<f64>,
        eta: f64,
        progress: &dyn Progress,
    ) -> Advance {
        for substep in 0..CENTRAL_SUBSTEPS {
            if substep > 0
                && let Err(error) = self.look(objective, eta, progress)
            {
                return left_all_bounds(error, CENTRAL).map(Err);
            }
            // The caller has asked about the first.
            if substep > 0
                && let Some(why) = self.two_unstable(eta)
            {
                return Ok(Err(why));
            }
            let Some(moment) = self.moment.take() else {
                break;
            };
            let dt = 1.0 / CENTRAL_SUBSTEPS as f64;
            vector::axpy(dt, &moment.velocity, &mut self.theta);
            if !vector::max_abs(&self.theta).is_finite() {
                return Ok(Err(format!("the {CENTRAL} leaves all bounds")));
            }
        }
        Ok(Ok(()))
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b));
    squares.sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::train::Setup;
    use crate::train::testing::recipe;

    #[test]
    fn a_second_unstable_direction_ends_the_central_flow_within_an_update() {
        let setup = Setup::new(recipe().into(), Path::new(".")).unwrap();
        let objective = setup.training_double().unwrap();
        let theta = vector::to_f64(&setup.initial.theta);
        let twin = || {
            let follower = Follower::new(objective, 1e-6, 2, 0);
            let mut twin = CentralTwin::new(theta.clone(), follower);
            twin.look(objective, 0.01, &()).unwrap();
            assert_eq!(twin.two_unstable(0.01), None);
            twin
        };
        assert_eq!(twin().advance(objective, 0.01, &()).unwrap(), Ok(()));
        // Between two steps of the flow the line comes down to both.
        let why = twin().advance(objective, 1e4, &()).unwrap().unwrap_err();
        assert!(why.contains("λ₂ = "), "{why}");
    }
}
