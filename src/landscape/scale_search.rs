//! Looking for better scales of a quantizer: by gradients that see through the
//! rounding, and by evolution, which needs none (Frumkin et al. 2023, "Jumping
//! through local minima").
//!
//! What is sought are the logarithms of one factor for each weight tensor.

use rand::Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::math::error::check_length;
use crate::math::{MathError, Progress, floats, vector};
use crate::nn::quantize::Quantizer;
use crate::objective::DifferentiableLoss;

/// What a search found, and how soon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScaleSearch {
    /// The best factor of each weight tensor's scales.
    pub factors: Vec<f64>,
    /// The loss with them.
    #[serde(with = "floats::cell")]
    pub loss: f64,
    /// Evaluations of the loss after each round, a gradient counted as three.
    pub evaluations: Vec<usize>,
    /// The best loss after as many.
    #[serde(with = "floats::cells")]
    pub best: Vec<f64>,
}

impl ScaleSearch {
    /// A search that has seen the quantizer itself.
    fn new(tensors: usize, loss: f64) -> Self {
        Self {
            factors: vec![1.0; tensors],
            loss,
            evaluations: vec![1],
            best: vec![loss],
        }
    }

    fn see(&mut self, logarithms: &[f64], loss: f64) -> bool {
        let better = loss < self.loss || (self.loss.is_nan() && !loss.is_nan());
        if better {
            self.loss = loss;
            self.factors = logarithms.iter().map(|x| x.exp()).collect();
        }
        better
    }

    fn end_round(&mut self, cost: usize) {
        let before = self.evaluations.last().copied().unwrap_or(0);
        self.evaluations.push(before + cost);
        self.best.push(self.loss);
    }
}

/// Evaluations that a gradient counts as.
const GRADIENT: usize = 3;

/// Length of the first step of the logarithms; the last is a hundredth of it.
const FIRST_STEP: f64 = 0.2;

/// Descend along the gradient of learned step size quantization (Esser et al.
/// 2020, "Learned step size quantization"), which takes rounding for the
/// identity ([`Quantizer::factor_slopes`]), with steps of shrinking length.
/// Progress counts evaluations.
///
/// # Errors
/// `Length`, `Cancelled`.
pub fn search_by_gradient<L: DifferentiableLoss + ?Sized>(
    loss: &L,
    quantizer: &Quantizer,
    theta: &[f64],
    evaluations: usize,
    progress: &dyn Progress,
) -> Result<ScaleSearch, MathError> {
    check_length("the parameter vector", theta.len(), loss.dim())?;
    let mut scratch = loss.scratch();
    let mut rounded = vec![0.0; theta.len()];
    let mut gradient = vec![0.0; theta.len()];
    let tensors = quantizer.tensors();
    let mut logarithms = vec![0.0f64; tensors];
    quantizer.apply(theta, &mut rounded);
    let mut search = ScaleSearch::new(tensors, loss.value(&rounded, &mut scratch));
    let rounds = evaluations.saturating_sub(1) / GRADIENT;
    for round in 0..rounds {
        progress.check()?;
        let factor = |k: usize| logarithms[k].exp();
        quantizer.apply_scaled(theta, &factor, &mut rounded);
        let here = loss.differentiate(&rounded, &mut scratch, &mut gradient);
        search.see(&logarithms, here);
        search.end_round(GRADIENT);
        let mut slopes = quantizer.factor_slopes(theta, &factor, &gradient);
        for (slope, x) in slopes.iter_mut().zip(&logarithms) {
            *slope *= x.exp();
        }
        let length = vector::normalize(&mut slopes);
        if !(length > 0.0 && length.is_finite()) {
            break;
        }
        let share = (round + 1) as f64 / rounds as f64;
        vector::axpy(-FIRST_STEP * 0.01f64.powf(share), &slopes, &mut logarithms);
        progress.report(1 + GRADIENT * (round + 1), evaluations);
    }
    Ok(search)
}

/// Children of a generation.
const CHILDREN: usize = 8;

/// Let the best factors have children with normally distributed changes of their
/// logarithms, wider after a success and narrower otherwise (a (1 + 8) evolution
/// strategy with the one-fifth rule of Rechenberg 1973). The result does not
/// depend on the number of threads. Progress counts evaluations.
///
/// # Errors
/// `Length`, `Cancelled`.
pub fn search_by_evolution<L, R>(
    loss: &L,
    quantizer: &Quantizer,
    theta: &[f64],
    evaluations: usize,
    rng: &mut R,
    progress: &dyn Progress,
) -> Result<ScaleSearch, MathError>
where
    L: DifferentiableLoss + ?Sized,
    R: Rng + ?Sized,
{
    check_length("the parameter vector", theta.len(), loss.dim())?;
    let tensors = quantizer.tensors();
    let mut rounded = vec![0.0; theta.len()];
    quantizer.apply(theta, &mut rounded);
    let nominal = loss.value(&rounded, &mut loss.scratch());
    let mut search = ScaleSearch::new(tensors, nominal);
    let mut parent = vec![0.0f64; tensors];
    let mut width = FIRST_STEP;
    for generation in 0..evaluations.saturating_sub(1) / CHILDREN {
        progress.check()?;
        let children: Vec<Vec<f64>> = (0..CHILDREN)
            .map(|_| {
                let change = |x: &f64| x + width * rng.sample::<f64, _>(StandardNormal);
                parent.iter().map(change).collect()
            })
            .collect();
        let losses: Vec<f64> = children
            .par_iter()
            .map_init(
                || (loss.scratch(), vec![0.0; theta.len()]),
                |(scratch, rounded), child| {
                    quantizer.apply_scaled(theta, &|k| child[k].exp(), rounded);
                    loss.value(rounded, scratch)
                },
            )
            .collect();
        let mut successes = 0;
        let before = search.loss;
        for (child, loss) in children.iter().zip(&losses) {
            successes += usize::from(*loss < before);
            if search.see(child, *loss) {
                parent.clone_from(child);
            }
        }
        let change = if 5 * successes > CHILDREN {
            1.3
        } else {
            1.0 / 1.2
        };
        width = (width * change).clamp(1e-4, 1.0);
        search.end_round(CHILDREN);
        progress.report(1 + CHILDREN * (generation + 1), evaluations);
    }
    Ok(search)
}
