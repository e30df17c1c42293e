//! The landscape of a network with weights of few bits (Frumkin et al. 2023,
//! "Jumping through local minima: quantization in the loss landscape of vision
//! transformers").
//!
//! Its slice is a staircase: all parameters that round to the same levels have
//! the same loss. What moves the levels themselves are the scales, and the loss
//! over them is jagged.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::PlaneLoss;
use crate::math::error::check_length;
use crate::math::{MathError, Progress, floats};
use crate::nn::ParameterLayout;
use crate::nn::quantize::{Quantizer, QuantizerScope, ScaleRule};
use crate::objective::DifferentiableLoss;

/// Working memory for one thread on a plane of quantized parameters.
#[derive(Debug)]
pub struct QuantizedScratch<S> {
    loss: S,
    theta: Vec<f64>,
    quantized: Vec<f64>,
}

impl<S> QuantizedScratch<S> {
    fn new<L: DifferentiableLoss<Scratch = S> + ?Sized>(loss: &L) -> Self {
        Self {
            loss: loss.scratch(),
            theta: vec![0.0; loss.dim()],
            quantized: vec![0.0; loss.dim()],
        }
    }
}

/// L(Q(θ* + α·d₁ + β·d₂)) with the scales of a quantizer that stays the same
/// all over the plane.
pub struct QuantizedPlane<'a, L: ?Sized> {
    loss: &'a L,
    quantizer: &'a Quantizer,
    centre: &'a [f64],
    directions: [&'a [f64]; 2],
}

impl<'a, L: DifferentiableLoss + ?Sized> QuantizedPlane<'a, L> {
    /// The plane through `centre` along two directions.
    ///
    /// # Errors
    /// `Length` for vectors of another length than the loss's parameters.
    pub fn new(
        loss: &'a L,
        quantizer: &'a Quantizer,
        centre: &'a [f64],
        first: &'a [f64],
        second: &'a [f64],
    ) -> Result<Self, MathError> {
        for vector in [centre, first, second] {
            check_length("a vector of the plane", vector.len(), loss.dim())?;
        }
        Ok(Self {
            loss,
            quantizer,
            centre,
            directions: [first, second],
        })
    }
}

impl<L: DifferentiableLoss + ?Sized> PlaneLoss for QuantizedPlane<'_, L> {
    type Scratch = QuantizedScratch<L::Scratch>;

    fn scratch(&self) -> Self::Scratch {
        QuantizedScratch::new(self.loss)
    }

    fn loss_at(&self, a: f64, b: f64, scratch: &mut Self::Scratch) -> f64 {
        let [first, second] = self.directions;
        let parts = self.centre.iter().zip(first).zip(second);
        for (theta, ((centre, first), second)) in scratch.theta.iter_mut().zip(parts) {
            *theta = centre + b * second + a * first;
        }
        self.quantizer.apply(&scratch.theta, &mut scratch.quantized);
        self.loss.value(&scratch.quantized, &mut scratch.loss)
    }
}

/// The loss over the scales: at (a, b) the scales of the first set of weight
/// tensors are multiplied by a, those of the second by b. With it the
/// evaluation of slices draws sweeps, too: (1, 1) is the quantizer itself.
pub struct ScalePlane<'a, L: ?Sized> {
    loss: &'a L,
    quantizer: &'a Quantizer,
    theta: &'a [f64],
    first: Vec<bool>,
    second: Vec<bool>,
}

impl<'a, L: DifferentiableLoss + ?Sized> ScalePlane<'a, L> {
    /// The plane of two sets of weight tensors, named by their numbers in the
    /// quantizer; a tensor in both gets the first's factor.
    ///
    /// # Errors
    /// `Length` for θ, `Argument` for a tensor that the quantizer has not.
    pub fn new(
        loss: &'a L,
        quantizer: &'a Quantizer,
        theta: &'a [f64],
        first: &[usize],
        second: &[usize],
    ) -> Result<Self, MathError> {
        check_length("the parameter vector", theta.len(), loss.dim())?;
        let tensors = quantizer.tensors();
        if let Some(index) = first.iter().chain(second).find(|index| **index >= tensors) {
            return Err(MathError::Argument {
                what: "the number of a weight tensor",
                found: index.to_string(),
                expected: "less than the number of weight tensors",
            });
        }
        let marked = |chosen: &[usize]| (0..tensors).map(|k| chosen.contains(&k)).collect();
        Ok(Self {
            loss,
            quantizer,
            theta,
            first: marked(first),
            second: marked(second),
        })
    }
}

impl<L: DifferentiableLoss + ?Sized> PlaneLoss for ScalePlane<'_, L> {
    type Scratch = QuantizedScratch<L::Scratch>;

    fn scratch(&self) -> Self::Scratch {
        QuantizedScratch::new(self.loss)
    }

    fn loss_at(&self, a: f64, b: f64, scratch: &mut Self::Scratch) -> f64 {
        let factor = |k: usize| match (self.first[k], self.second[k]) {
            (true, _) => a,
            (false, true) => b,
            (false, false) => 1.0,
        };
        self.quantizer
            .apply_scaled(self.theta, &factor, &mut scratch.quantized);
        self.loss.value(&scratch.quantized, &mut scratch.loss)
    }
}

/// The loss of the network with weights of so many bits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BitsPoint {
    /// Bits of a weight.
    pub bits: u32,
    /// L(Q(θ)).
    #[serde(with = "floats::cell")]
    pub loss: f64,
    /// ‖Q(W) − W‖/‖W‖.
    pub weight_error: f64,
}

/// The loss for several numbers of bits, each with scales of its own. Progress
/// counts them.
///
/// # Errors
/// Those of [`Quantizer::fit`], `Cancelled`.
pub fn loss_against_bits<L: DifferentiableLoss + ?Sized>(
    loss: &L,
    layout: &ParameterLayout,
    theta: &[f64],
    bits: &[u32],
    scope: QuantizerScope,
    rule: ScaleRule,
    progress: &dyn Progress,
) -> Result<Vec<BitsPoint>, MathError> {
    check_length("the parameter vector", theta.len(), loss.dim())?;
    let done = std::sync::atomic::AtomicUsize::new(0);
    bits.par_iter()
        .map_init(
            || QuantizedScratch::new(loss),
            |scratch, &bits_here| {
                progress.check()?;
                let quantizer =
                    Quantizer::fit_with(layout, theta, bits_here, scope, rule, progress)?;
                quantizer.apply(theta, &mut scratch.quantized);
                let found = BitsPoint {
                    bits: bits_here,
                    loss: loss.value(&scratch.quantized, &mut scratch.loss),
                    weight_error: quantizer.relative_error(theta),
                };
                let before = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                progress.report(before + 1, bits.len());
                Ok(found)
            },
        )
        .collect()
}

/// The places of the local minima of sampled values, ends left out: what is
/// lower than both neighbours, a run of equal values counted once, at its
/// middle. Not-a-number is no neighbour: it ends the curve.
pub fn local_minima(values: &[f64]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < values.len() {
        let mut end = start;
        while end + 1 < values.len() && values[end + 1] == values[start] {
            end += 1;
        }
        let lower = |other: Option<&f64>| other.is_some_and(|other| values[start] < *other);
        let before = start.checked_sub(1).and_then(|k| values.get(k));
        if lower(before) && lower(values.get(end + 1)) {
            found.push(start.midpoint(end));
        }
        start = end + 1;
    }
    found
}

#[cfg(test)]
#[path = "quantized_tests.rs"]
mod tests;
