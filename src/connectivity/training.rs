//! Curves of low loss between two solutions: the bends are trained so that the
//! mean loss over the curve is least (Garipov et al. 2018, "Loss Surfaces, Mode
//! Connectivity, and Fast Ensembling of DNNs").

use rand::Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::curve::Curve;
use super::loss::ParameterLoss;
use crate::math::{MathError, Progress};

/// How a curve is trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurveTraining {
    /// Steps of Adam.
    pub iterations: usize,
    /// Values of t drawn for each step, one in every equal part of [0, 1]: the
    /// mean over them is unbiased.
    pub draws: usize,
    /// Learning rate until half of the steps are done; it then falls linearly
    /// to a hundredth at nine tenths (the schedule of Garipov et al.).
    pub learning_rate: f64,
    /// Steps between two reports.
    pub report_every: usize,
}

impl Default for CurveTraining {
    fn default() -> Self {
        Self {
            iterations: 600,
            draws: 4,
            learning_rate: 0.02,
            report_every: 20,
        }
    }
}

/// A training of a curve at some iteration.
#[derive(Debug)]
pub struct CurveState<'a> {
    /// Steps made.
    pub iteration: usize,
    /// The curve.
    pub curve: &'a Curve,
    /// Mean loss over the draws of every step made.
    pub losses: &'a [f64],
}

const BETA: (f64, f64) = (0.9, 0.999);
const EPSILON: f64 = 1e-8;

/// One draw's buffers.
struct Draw<S> {
    scratch: S,
    theta: Vec<f64>,
    gradient: Vec<f64>,
    t: f64,
    loss: f64,
}

/// Trains the bends of a curve: minimises E L(φ(t)), t uniform on [0, 1], by Adam
/// on ∂φ(t)/∂w · ∇L(φ(t)). The ends stay. For t uniform this is the mean over
/// the parameter, not over the length of the arc.
///
/// `on_report` gets the state at the beginning, after every
/// [`CurveTraining::report_every`] steps and at the end. Progress counts steps.
/// The result depends on the random stream, not on the number of threads.
///
/// # Errors
/// `Argument` without draws, `Length`, `Cancelled`, `NotFinite` where the loss
/// on the curve stops being finite.
pub fn train_curve<L: ParameterLoss + ?Sized>(
    loss: &L,
    start: Curve,
    training: &CurveTraining,
    random: &mut impl Rng,
    progress: &dyn Progress,
    on_report: &mut dyn FnMut(CurveState<'_>) -> Result<(), MathError>,
) -> Result<(Curve, Vec<f64>), MathError> {
    crate::math::error::check_length("a point of the curve", start.dim(), loss.dim())?;
    if training.draws == 0 {
        return Err(MathError::Argument {
            what: "the number of draws for each step",
            found: "0".to_owned(),
            expected: "at least 1",
        });
    }
    let kind = start.kind();
    let mut curve = start;
    let dim = curve.dim();
    let mut bends: Vec<Vec<f64>> = inner(&curve).iter().map(|bend| bend.to_vec()).collect();
    let mut moments: Vec<[Vec<f64>; 2]> = bends
        .iter()
        .map(|_| [vec![0.0; dim], vec![0.0; dim]])
        .collect();
    let mut draws: Vec<Draw<L::Scratch>> = (0..training.draws)
        .map(|_| Draw {
            scratch: loss.scratch(),
            theta: vec![0.0; dim],
            gradient: vec![0.0; dim],
            t: 0.0,
            loss: 0.0,
        })
        .collect();
    let mut losses = Vec::with_capacity(training.iterations);
    let every = training.report_every.max(1);
    let iterations = if bends.is_empty() {
        0
    } else {
        training.iterations
    };
    on_report(CurveState {
        iteration: 0,
        curve: &curve,
        losses: &losses,
    })?;
    for iteration in 0..iterations {
        progress.check()?;
        let parts = training.draws as f64;
        for (part, draw) in draws.iter_mut().enumerate() {
            draw.t = (part as f64 + random.random::<f64>()) / parts;
        }
        draws.par_iter_mut().for_each(|draw| {
            curve.at(draw.t, &mut draw.theta);
            draw.loss = loss.gradient(&draw.theta, &mut draw.scratch, &mut draw.gradient);
        });
        let mean = draws.iter().map(|draw| draw.loss).sum::<f64>() / parts;
        if !mean.is_finite() {
            return Err(MathError::NotFinite {
                what: "the loss on the curve",
            });
        }
        losses.push(mean);
        // What every draw says about the bends: weights and a gradient.
        let said: Vec<(Vec<f64>, &[f64])> = draws
            .iter()
            .map(|draw| (curve.weights(draw.t), &draw.gradient[..]))
            .collect();
        let rate = training.learning_rate * schedule(iteration, iterations);
        let count = (iteration + 1) as i32;
        let corrections = (1.0 - BETA.0.powi(count), 1.0 - BETA.1.powi(count));
        bends.par_iter_mut().zip(&mut moments).enumerate().for_each(
            |(bend, (point, [first, second]))| {
                for k in 0..dim {
                    let mut gradient = 0.0;
                    for (weights, of) in &said {
                        gradient += weights[bend + 1] * of[k];
                    }
                    gradient /= parts;
                    first[k] = BETA.0 * first[k] + (1.0 - BETA.0) * gradient;
                    second[k] = BETA.1 * second[k] + (1.0 - BETA.1) * gradient * gradient;
                    let scale = (second[k] / corrections.1).sqrt() + EPSILON;
                    point[k] -= rate * first[k] / (corrections.0 * scale);
                }
            },
        );
        let points = curve.points();
        let (first, last) = (points[0].clone(), points[points.len() - 1].clone());
        let all = std::iter::once(first)
            .chain(bends.iter().map(|bend| bend[..].into()))
            .chain(std::iter::once(last))
            .collect();
        curve = Curve::new(kind, all)?;
        progress.report(iteration + 1, iterations);
        if (iteration + 1).is_multiple_of(every) || iteration + 1 == iterations {
            on_report(CurveState {
                iteration: iteration + 1,
                curve: &curve,
                losses: &losses,
            })?;
        }
    }
    Ok((curve, losses))
}

fn inner(curve: &Curve) -> &[std::sync::Arc<[f64]>] {
    let points = curve.points();
    &points[1..points.len() - 1]
}

/// The learning rate's factor.
fn schedule(iteration: usize, iterations: usize) -> f64 {
    let done = iteration as f64 / iterations.max(1) as f64;
    if done <= 0.5 {
        1.0
    } else if done <= 0.9 {
        1.0 - (done - 0.5) / 0.4 * 0.99
    } else {
        0.01
    }
}

#[cfg(test)]
#[path = "training_tests.rs"]
mod tests;
