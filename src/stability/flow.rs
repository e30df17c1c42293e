//! Flows beside a run: from its parameters at one moment on, at its times.

use std::sync::Arc;

use crate::math::progress::Part;
use crate::math::{MathError, Progress, vector};
use crate::train::{Replay, StepOutcome};

use super::StabilityError;
use super::flow_settings::{FlowReport, FlowSettings, FlowStep};
use super::scalar::solution_sharpness;
use super::twins::{CENTRAL, CentralTwin, Follower, GRADIENT, GradientTwin, left_all_bounds};

/// Steps between two results in part.
const PART: u64 = 8;

/// Follow a run from where it stands for so many updates, with the gradient
/// flow dθ/dt = −∇L and the central flow of gradient descent starting there
/// beside it. An update of learning rate η takes the flows a time η. The
/// gradient flow goes by Runge–Kutta steps of at most 1/(2λ₁) for its own λ₁,
/// measured at every update and again whenever a time 2/λ₁ has passed.
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
    let mut report = FlowReport {
        from: replay.run().steps_done(),
        every: settings.every.max(1),
        is_gradient_descent: recipe.optimizer.kind == "sgd"
            && setup.batch_size >= setup.data.train.len()
            && replay.run().stability().weight_decay == 0.0,
        ..FlowReport::default()
    };
    let mut workspace = objective.workspace();
    let follower = |steps: usize| Follower::new(objective, settings.tolerance, steps, recipe.seed);
    let mut run_sharpness = follower(1);
    let mut twin = settings
        .gradient_flow
        .then(|| GradientTwin::new(start.clone(), follower(1)));
    let mut central = settings
        .central_flow
        .then(|| CentralTwin::new(start.clone(), follower(2)));
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
        if let Some(why) = central.as_ref().and_then(|flow| flow.two_unstable(eta)) {
            report.central_flow_ended = Some(format!("{why} at step {step}"));
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
        let decay = run.stability().weight_decay != 0.0;
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
        // Hyperparameters may change on the way, and a clip norm only counts
        // where it acts.
        report.is_gradient_descent &= !decay && replay.run().clip_factor() >= 1.0;
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
