//! The mean rise of the loss under random displacements, and the Fisher–Rao
//! norm.

use rand::{Rng, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::TraceEstimate;
use super::ascent::check_radii;
use crate::math::error::check_length;
use crate::math::statistics::Estimate;
use crate::math::{MathError, Progress};
use crate::objective::{DifferentiableLoss, Objective};

/// The mean rise for one standard deviation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeanRise {
    /// σ.
    pub deviation: f64,
    /// E L(θ + σDe) − L(θ) over Gaussian e, with its standard error.
    pub rise: Estimate,
    /// ½σ² tr(DHD), where the trace is known. Where the loss has kinks (ReLU) the
    /// mean rise may exceed it at every σ: the Hessian does not see kinks, and
    /// training leaves samples close to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_order: Option<f64>,
}

/// The mean rise of the loss under Gaussian displacements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AverageCase {
    /// Whether the displacements are in units of |θ| (D = diag|θ|; otherwise
    /// D = I).
    pub scaled: bool,
    /// Pairs e, −e that the means are over, the same for every deviation.
    pub pairs: usize,
    /// tr(DHD), where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceEstimate>,
    /// One for each deviation, ascending.
    pub rises: Vec<MeanRise>,
}

impl AverageCase {
    /// The rise at this very deviation.
    pub fn at(&self, deviation: f64) -> Option<&MeanRise> {
        self.rises.iter().find(|rise| rise.deviation == deviation)
    }

    /// The same with the trace of DHD and what follows from it.
    pub fn with_trace(mut self, trace: TraceEstimate) -> Self {
        for rise in &mut self.rises {
            rise.second_order = Some(0.5 * rise.deviation * rise.deviation * trace.value);
        }
        self.trace = Some(trace);
        self
    }
}

/// Estimate E L(θ + σDe) − L(θ) for Gaussian e with D = diag|θ| (`scaled`) or
/// D = I.
///
/// Probes come in pairs ±e, which takes the odd orders of the loss out of the
/// noise; standard errors are over pairs. All deviations share the probes. The
/// result does not depend on the number of threads. Progress counts pairs.
///
/// # Errors
/// `Length`, `Argument` for no pairs or deviations that are not positive and
/// ascending, `NotFinite` for the loss at θ, `Cancelled`.
pub fn average_case<L, R>(
    loss: &L,
    theta: &[f64],
    scaled: bool,
    deviations: &[f64],
    pairs: usize,
    rng: &mut R,
    progress: &dyn Progress,
) -> Result<AverageCase, MathError>
where
    L: DifferentiableLoss + ?Sized,
    R: Rng + ?Sized,
{
    check_length("the parameter vector", theta.len(), loss.dim())?;
    check_radii(deviations)?;
    if pairs == 0 {
        return Err(MathError::Argument {
            what: "the number of pairs of probes",
            found: "0".to_owned(),
            expected: "at least 1 (2 for a standard error)",
        });
    }
    let centre = loss.value(theta, &mut loss.scratch());
    if !centre.is_finite() {
        return Err(MathError::NotFinite { what: "the loss" });
    }
    let seeds: Vec<u64> = (0..pairs).map(|_| rng.random()).collect();
    let done = AtomicUsize::new(0);
    let rises: Vec<Vec<f64>> = seeds
        .into_par_iter()
        .map_init(
            || (loss.scratch(), vec![0.0; theta.len()]),
            |(scratch, point), seed| {
                progress.check()?;
                let mut probe = ChaCha8Rng::seed_from_u64(seed);
                let e: Vec<f64> = theta
                    .iter()
                    .map(|theta| {
                        let e: f64 = probe.sample(StandardNormal);
                        if scaled { e * theta.abs() } else { e }
                    })
                    .collect();
                let mut at = |factor: f64| {
                    for ((point, theta), e) in point.iter_mut().zip(theta).zip(&e) {
                        *point = theta + factor * e;
                    }
                    loss.value(point, scratch)
                };
                let rises = deviations
                    .iter()
                    .map(|sigma| {
                        progress.check()?;
                        Ok(0.5 * (at(*sigma) + at(-sigma)) - centre)
                    })
                    .collect::<Result<Vec<f64>, MathError>>()?;
                progress.report(done.fetch_add(1, Ordering::Relaxed) + 1, pairs);
                Ok(rises)
            },
        )
        .collect::<Result<_, MathError>>()?;
    let rises = deviations
        .iter()
        .enumerate()
        .map(|(k, deviation)| {
            let samples: Vec<f64> = rises.iter().map(|rises| rises[k]).collect();
            MeanRise {
                deviation: *deviation,
                rise: Estimate::of_mean(&samples),
                second_order: None,
            }
        })
        .collect();
    Ok(AverageCase {
        scaled,
        pairs,
        trace: None,
        rises,
    })
}

/// The squared Fisher–Rao norm θᵀFθ = E⟨θ, ∇ℓ⟩² with the Fisher matrix of the
/// data's own targets (Liang et al. 2019, "Fisher–Rao metric, geometry, and
/// complexity of neural networks").
///
/// # Panics
/// If θ has not [`Objective::dim`] numbers.
pub fn fisher_rao_norm(objective: &Objective<f64>, theta: &[f64]) -> f64 {
    let slopes = objective.per_sample_slopes(theta, theta, &mut objective.workspace());
    let squares: f64 = slopes.iter().map(|slope| slope * slope).sum();
    squares / slopes.len() as f64
}
