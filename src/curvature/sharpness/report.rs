//! All measures of one point together.

use serde::{Deserialize, Serialize};

use super::super::{ExtremalOptions, TraceEstimate, TraceMethod, top_eigenvalues, trace};
use super::{
    AscentOptions, AverageCase, Blindness, Measure, Neighbourhood, Scaled, WorstCase, average_case,
    fisher_rao_norm, worst_case,
};
use crate::math::progress::Progress;
use crate::math::rng::stream;
use crate::math::{MathError, floats, vector};
use crate::objective::{DifferentiableLoss as _, Objective};

/// How the surroundings of a point are measured.
#[derive(Debug, Clone, PartialEq)]
pub struct SharpnessSettings {
    /// ρ of the ball. The usual value is 0.05 (Foret et al. 2021).
    pub rho: f64,
    /// ρ of the ball in units of |θ|. The usual value is 0.5 (Kwon et al. 2021).
    pub scaled_rho: f64,
    /// ε of the box. The usual value is 10⁻³ (Keskar et al. 2017).
    pub epsilon: f64,
    /// σ of the mean rise; by default ρ/√P, for which displacements are as long
    /// as ρ in the quadratic mean.
    pub sigma: Option<f64>,
    /// σ of the mean rise in units of |θ|; by default the other ρ over √P.
    pub scaled_sigma: Option<f64>,
    /// Gradients of each ascent, at most.
    pub steps: usize,
    /// Pairs of probes of the mean rises.
    pub pairs: usize,
    /// Hessian-vector products for each of the traces, at most.
    pub trace_products: usize,
    /// Every measure is also taken at this many radii below and above its own,
    /// each √2 times the one before; 0 for none.
    pub curve: usize,
    /// Source of the probes.
    pub seed: u64,
}

impl Default for SharpnessSettings {
    fn default() -> Self {
        Self {
            rho: 0.05,
            scaled_rho: 0.5,
            epsilon: 1e-3,
            sigma: None,
            scaled_sigma: None,
            steps: 20,
            pairs: 64,
            trace_products: 256,
            curve: 6,
            seed: 0,
        }
    }
}

/// A measure with what it is blind to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Noted<T> {
    /// What it is blind to.
    pub blind_to: Blindness,
    /// The measure.
    #[serde(flatten)]
    pub value: T,
}

impl<T> Noted<T> {
    fn new(measure: Measure, value: T) -> Self {
        Self {
            blind_to: measure.blindness(),
            value,
        }
    }
}

/// The largest rise at the radius asked for, and around it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorstCaseReport {
    /// The radius asked for.
    pub radius: f64,
    /// The largest rise there, see `Rise::ascent`.
    #[serde(with = "floats::cell")]
    pub value: f64,
    /// 100·(max L − L)/(1 + L), the form of Keskar et al.; for the box.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// All radii.
    #[serde(flatten)]
    pub worst: WorstCase,
}

/// The mean rise at the deviation asked for, and around it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AverageReport {
    /// σ asked for.
    pub sigma: f64,
    /// The mean rise there.
    #[serde(with = "floats::cell")]
    pub value: f64,
    /// Its standard error.
    #[serde(with = "floats::cell")]
    pub stderr: f64,
    /// All deviations.
    #[serde(flatten)]
    pub average: AverageCase,
}

/// The squared Fisher–Rao norm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FisherRao {
    /// E⟨θ, ∇ℓ⟩².
    #[serde(with = "floats::cell")]
    pub value: f64,
}

/// All measures of one point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SharpnessReport {
    /// L(θ).
    pub loss: f64,
    /// The largest rise in the ball.
    pub sam: Noted<WorstCaseReport>,
    /// The largest rise in the ball in units of |θ|.
    pub asam: Noted<WorstCaseReport>,
    /// The largest rise in the box.
    #[serde(rename = "box")]
    pub boxed: Noted<WorstCaseReport>,
    /// The mean rise.
    pub average: Noted<AverageReport>,
    /// The mean rise in units of |θ|.
    pub scaled_average: Noted<AverageReport>,
    /// The squared Fisher–Rao norm.
    pub fisher_rao: Noted<FisherRao>,
}

/// The radii around one, which is among them exactly.
fn around(radius: f64, count: usize) -> Vec<f64> {
    let count = count as i32;
    (-count..=count)
        .map(|k| {
            let whole = radius * 2f64.powi(k.div_euclid(2));
            if k.rem_euclid(2) == 0 {
                whole
            } else {
                whole * std::f64::consts::SQRT_2
            }
        })
        .collect()
}

/// One part of several that are equally much work.
struct Part<'a> {
    whole: &'a dyn Progress,
    index: usize,
}

/// Parts of the whole work.
const PARTS: usize = 5;

impl Progress for Part<'_> {
    fn report(&self, done: usize, total: usize) {
        let total = total.max(1);
        self.whole.report(self.index * total + done, PARTS * total);
    }

    fn is_cancelled(&self) -> bool {
        self.whole.is_cancelled()
    }
}

/// Measure the surroundings of θ in every way.
///
/// # Errors
/// `Argument` for settings that are not positive numbers, `Length`, `NotFinite`,
/// `Cancelled`.
pub fn sharpness(
    objective: &Objective<f64>,
    theta: &[f64],
    settings: &SharpnessSettings,
    progress: &dyn Progress,
) -> Result<SharpnessReport, MathError> {
    crate::math::error::check_length("the parameter vector", theta.len(), objective.dim())?;
    let hessian = objective.hessian(theta);
    let root = (theta.len().max(1) as f64).sqrt();
    let worst = |neighbourhood: Neighbourhood, radius: f64, index| {
        let part = Part {
            whole: progress,
            index,
        };
        let scales = neighbourhood.scales(theta);
        let operator = Scaled::new(&hessian, scales)?;
        let ends = ExtremalOptions {
            largest: 1,
            smallest: 0,
            tolerance: 1e-6,
            ..ExtremalOptions::default()
        };
        let mut random = stream(settings.seed, "sharpness");
        // Where the products are not finite the ascent says what is wrong.
        let top = top_eigenvalues(&operator, &ends, &[], &mut random, &Silent(progress))?;
        let curvature = top.sharpness().zip(top.vectors.first().map(Vec::as_slice));
        let options = AscentOptions {
            steps: settings.steps,
            curvature,
        };
        let radii = around(radius, settings.curve);
        let mut worst = worst_case(objective, theta, neighbourhood, &radii, &options, &part)?;
        if neighbourhood == Neighbourhood::Box {
            // Only the start of the ascent: the box has no bound by λ₁.
            worst.curvature = None;
        }
        let value = worst.at(radius).map_or(f64::NAN, |rise| rise.ascent);
        Ok::<_, MathError>(Noted::new(
            neighbourhood.measure(),
            WorstCaseReport {
                radius,
                value,
                percent: None,
                worst,
            },
        ))
    };
    let average = |scaled: bool, sigma: f64, index| {
        let part = Part {
            whole: progress,
            index,
        };
        let (measure, neighbourhood) = if scaled {
            (Measure::ScaledAverage, Neighbourhood::ScaledBall)
        } else {
            (Measure::Average, Neighbourhood::Ball)
        };
        let mut random = stream(settings.seed, "displacements");
        let deviations = around(sigma, settings.curve);
        let average = average_case(
            objective,
            theta,
            scaled,
            &deviations,
            settings.pairs,
            &mut random,
            &part,
        )?;
        let operator = Scaled::new(&hessian, neighbourhood.scales(theta))?;
        let average = average.with_trace(best_trace(&operator, settings, progress)?);
        let (value, stderr) = average
            .at(sigma)
            .map_or((f64::NAN, f64::NAN), |at| (at.rise.value, at.rise.stderr));
        Ok::<_, MathError>(Noted::new(
            measure,
            AverageReport {
                sigma,
                value,
                stderr,
                average,
            },
        ))
    };
    let loss = objective.value(theta, &mut objective.workspace());
    if !loss.is_finite() || !vector::norm(theta).is_finite() {
        return Err(MathError::NotFinite { what: "the loss" });
    }
    let sam = worst(Neighbourhood::Ball, settings.rho, 0)?;
    let asam = worst(Neighbourhood::ScaledBall, settings.scaled_rho, 1)?;
    let mut boxed = worst(Neighbourhood::Box, settings.epsilon, 2)?;
    boxed.value.percent = Some(100.0 * boxed.value.value / (1.0 + loss));
    Ok(SharpnessReport {
        loss,
        sam,
        asam,
        boxed,
        average: average(false, settings.sigma.unwrap_or(settings.rho / root), 3)?,
        scaled_average: average(
            true,
            settings.scaled_sigma.unwrap_or(settings.scaled_rho / root),
            4,
        )?,
        fisher_rao: Noted::new(
            Measure::FisherRao,
            FisherRao {
                value: fisher_rao_norm(objective, theta),
            },
        ),
    })
}

/// Says nothing, but can be cancelled.
struct Silent<'a>(&'a dyn Progress);

impl Progress for Silent<'_> {
    fn report(&self, _done: usize, _total: usize) {}

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

fn best_trace(
    operator: &dyn crate::math::SymmetricOperator,
    settings: &SharpnessSettings,
    progress: &dyn Progress,
) -> Result<TraceEstimate, MathError> {
    let products = settings.trace_products.max(8);
    let method = TraceMethod::best(products, operator.dim());
    let mut random = stream(settings.seed, "probes");
    trace(operator, method, products, &mut random, &Silent(progress))
}
