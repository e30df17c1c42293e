//! Flows beside a run: from its parameters at one moment on, at its times.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use crate::curvature::{
    EigenvalueEstimate, ExtremalOptions, TopSpectrum, central_flow_velocity, eigenvalue_gradient,
    gradient_flow, keep_sign, top_eigenvalues,
};
use crate::math::progress::Part;
use crate::math::rng::stream;
use crate::math::{MathError, Progress, vector};
use crate::objective::Objective;
use crate::train::{Replay, StepOutcome};

use super::StabilityError;
use super::flow_settings::{
    CENTRAL_SUBSTEPS, CentralReading, FlowReport, FlowSettings, FlowStep, TwinReading,
};
use super::scalar::solution_sharpness;

/// Runge–Kutta steps for a time 1/λ₁: the error of one along the top
/// eigenvector, the worst, is then below 3·10⁻⁴ of what it moves.
const PIECES: f64 = 2.0;
/// Runge–Kutta steps for one update at most; a sharper flow ends.
const SUBSTEPS: f64 = 200.0;
/// Updates in which a central flow that begins above 2/η comes down to it.
const RELAXATION: f64 = 10.0;
/// Steps between two results in part.
const PART: u64 = 8;

/// Follow a run from where it stands for so many updates, with the gradient
/// flow dθ/dt = −∇L and the central flow of gradient descent starting there
/// beside it. An update of learning rate η takes the flows a time η. The
/// gradient flow goes by Runge–Kutta steps of at most 1/(2λ₁).
///
/// The central flow is that with one unstable direction (Cohen et al. 2025): it
/// ends where a second eigenvalue comes above 2/η. Where it begins above 2/η,
/// as a run that oscillates may, its sharpness comes down to that within about
/// ten updates.
///
/// `on_part` gets what is known every few steps.
///
/// # Errors
/// [`StabilityError`], also when cancelled. A flow that cannot go on is no
/// error: the report says where it ends, and why.
pub fn flow_twins(
    replay: &mut Replay,
    settings: &FlowSettings,
    progress: &dyn Progress,
    on_part: &mut dyn FnMut(&FlowReport),
) -> Result<FlowReport, StabilityError> {
    let setup = Arc::clone(replay.run().setup());
    let objective = setup.training_double()?;
    let start = vector::to_f64(replay.run().parameters());
    let recipe = &setup.recipe;
    let decay = replay.run().stability().weight_decay != 0.0;
    let mut report = FlowReport {
        from: replay.run().steps_done(),
        every: settings.every.max(1),
        is_gradient_descent: recipe.optimizer.kind == "sgd"
            && setup.batch_size >= setup.data.train.len()
            && !decay
            && recipe.optimizer.float("clip_norm") == 0.0,
        ..FlowReport::default()
    };
    let mut workspace = objective.workspace();
    let follower = |steps: usize| Follower::new(objective, settings.tolerance, steps, recipe.seed);
    let mut run_sharpness = follower(1);
    let mut twin = settings.gradient_flow.then(|| GradientTwin {
        theta: start.clone(),
        follower: follower(1),
        sharpness: None,
    });
    let mut central = settings.central_flow.then(|| CentralTwin {
        theta: start.clone(),
        follower: follower(2),
        moment: None,
    });
    let mut time = 0.0;
    for index in 0..=settings.steps {
        let share = |index: u64| index as f64 / (settings.steps + 1) as f64;
        let part = Part::new(progress, share(index), share(index));
        progress.check()?;
        let run = replay.run();
        let (step, eta) = (run.steps_done(), run.learning_rate());
        let theta = vector::to_f64(run.parameters());
        let measured = index.is_multiple_of(settings.every.max(1));
        let sharpness = match measured.then(|| run_sharpness.measure(&theta, &part)) {
            Some(Ok(top)) => top.sharpness(),
            // The run itself leaves all bounds, which its next step will tell.
            None | Some(Err(MathError::NotFinite { .. })) => None,
            Some(Err(error)) => return Err(error.into()),
        };
        let mut gradient_flow = None;
        if let Some(flow) = &mut twin {
            match flow.read(objective, &theta, measured, &part) {
                Err(error) => {
                    report.gradient_flow_ended = Some(format!(
                        "{} at step {step}",
                        left_all_bounds(error, GRADIENT)?
                    ));
                    twin = None;
                }
                Ok(reading) => gradient_flow = Some(reading),
            }
        }
        if let Some(flow) = &mut central
            && let Err(error) = flow.look(objective, eta, &part)
        {
            report.central_flow_ended = Some(format!(
                "{} at step {step}",
                left_all_bounds(error, CENTRAL)?
            ));
            central = None;
        }
        if let Some(second) = central.as_ref().and_then(|flow| flow.second_above(eta)) {
            report.central_flow_ended = Some(format!(
                "two eigenvalues are at or above 2/η at step {step} (λ₂ = {second:.4}): the \
                 central flow with one unstable direction does not apply from there on"
            ));
            central = None;
        }
        report.steps.push(FlowStep {
            step,
            time,
            loss: objective.loss(&theta, &mut workspace),
            threshold: 2.0 / eta,
            sharpness,
            gradient_flow,
            central_flow: central.as_ref().and_then(|flow| flow.read(&theta)),
            solution_sharpness: solution_sharpness(&setup, &theta),
        });
        if index == settings.steps {
            break;
        }
        match replay.step()? {
            StepOutcome::Diverged(divergence) => {
                report.ended = Some(divergence.explanation);
                break;
            }
            _ if replay.run().steps_done() == step => {
                report.ended = Some(format!("the run ends at step {step}"));
                break;
            }
            _ => {}
        }
        time += eta;
        if let Some(flow) = &mut twin
            && let Err(why) = flow.advance(objective, eta, &part)?
        {
            report.gradient_flow_ended = Some(format!("{why} after step {step}"));
            twin = None;
        }
        if let Some(flow) = &mut central
            && let Err(why) = flow.advance(objective, eta, &part)?
        {
            report.central_flow_ended = Some(format!("{why} after step {step}"));
            central = None;
        }
        progress.report(index as usize + 1, settings.steps as usize + 1);
        if (index + 1).is_multiple_of(PART) {
            on_part(&report);
        }
    }
    Ok(report)
}

/// The largest eigenvalues along a path of parameters.
struct Follower<'a> {
    objective: &'a Objective<f64>,
    options: ExtremalOptions,
    random: ChaCha8Rng,
    top: Option<TopSpectrum>,
}

impl<'a> Follower<'a> {
    fn new(objective: &'a Objective<f64>, tolerance: f64, largest: usize, seed: u64) -> Self {
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

    fn measure(
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
type Advance = Result<Result<(), String>, StabilityError>;

const GRADIENT: &str = "gradient flow";
const CENTRAL: &str = "central flow";

/// The reason for which a flow cannot go on, if that is its own.
fn left_all_bounds(error: StabilityError, flow: &str) -> Result<String, StabilityError> {
    match error {
        StabilityError::Math(MathError::NotFinite { .. }) => {
            Ok(format!("the {flow} leaves all bounds"))
        }
        other => Err(other),
    }
}

struct GradientTwin<'a> {
    theta: Vec<f64>,
    follower: Follower<'a>,
    sharpness: Option<f64>,
}

impl GradientTwin<'_> {
    fn read(
        &mut self,
        objective: &Objective<f64>,
        run: &[f64],
        measured: bool,
        progress: &dyn Progress,
    ) -> Result<TwinReading, StabilityError> {
        let sharpness = if measured {
            self.follower.measure(&self.theta, progress)?.sharpness()
        } else {
            None
        };
        self.sharpness = sharpness.map(|found| found.value).or(self.sharpness);
        Ok(TwinReading {
            loss: objective.loss(&self.theta, &mut objective.workspace()),
            distance: distance(run, &self.theta),
            sharpness,
        })
    }

    /// One update's time further, in pieces that can be cancelled.
    fn advance(
        &mut self,
        objective: &Objective<f64>,
        time: f64,
        progress: &dyn Progress,
    ) -> Advance {
        let sharpness = self.sharpness.unwrap_or(0.0).max(f64::MIN_POSITIVE);
        let pieces = (PIECES * time * sharpness).ceil().max(1.0);
        if pieces.is_nan() || pieces > SUBSTEPS {
            return Ok(Err(format!(
                "the gradient flow needs more than {SUBSTEPS} steps for one update"
            )));
        }
        for _ in 0..pieces as usize {
            progress.check()?;
            let piece = time / pieces;
            if piece == 0.0 {
                break;
            }
            if let Err(error) = gradient_flow(objective, &mut self.theta, piece, piece) {
                return left_all_bounds(error.into(), GRADIENT).map(Err);
            }
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

struct CentralTwin<'a> {
    theta: Vec<f64>,
    follower: Follower<'a>,
    moment: Option<Moment>,
}

impl CentralTwin<'_> {
    /// Gradient, eigenvalues and velocity at the present parameters, for steps
    /// of learning rate η.
    fn look(
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
            let found = central_flow_velocity(eta, &gradient, sharpness, &slope)?;
            // dS/dt = −(S − 2/η)/RELAXATION instead of 0 above the line.
            let square = vector::norm_squared(&slope);
            let excess = 2.0 * (sharpness - 2.0 / eta) / (RELAXATION * eta * square);
            let along = -2.0 * vector::dot(&gradient, &slope) / square;
            variance = if square > 0.0 {
                (along + excess).max(0.0)
            } else {
                0.0
            };
            velocity = found.velocity;
            let more = variance - found.variance;
            vector::axpy(-0.5 * eta * more, &slope, &mut velocity);
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

    /// λ₂ where it is at or above 2/η.
    fn second_above(&self, eta: f64) -> Option<f64> {
        let second = self.moment.as_ref()?.eigenvalues.get(1)?.value;
        (second * eta >= 2.0).then_some(second)
    }

    fn read(&self, run: &[f64]) -> Option<CentralReading> {
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
    fn advance(
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
