//! Networks with weights of few bits.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::layout::{ParameterKind, ParameterLayout};
use crate::math::{MathError, Progress, vector};

/// Fewest bits: with one, weights are ±s.
pub const FEWEST_BITS: u32 = 1;

/// Most bits: beyond that, rounding is finer than single precision.
pub const MOST_BITS: u32 = 32;

/// What shares a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuantizerScope {
    /// All weights of a layer.
    #[default]
    Tensor,
    /// The weights into one unit: a row of a dense layer, an output channel of
    /// a convolution.
    Channel,
}

/// How scales follow from the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScaleRule {
    /// s = max|W|/(2ᵇ⁻¹ − 1): the largest weight is a level, nothing is cut off.
    /// With one bit, which has no such level, the scale of the least squared
    /// error.
    #[default]
    MaxAbs,
    /// The s with the smallest squared error Σ(W − Q(W))²: large weights may be
    /// cut off for the benefit of the others.
    LeastSquares,
}

/// The scales of one weight tensor.
#[derive(Debug, Clone, PartialEq)]
struct TensorScales {
    /// Its name in the layout.
    name: String,
    /// Where it lies in the flat vector.
    range: Range<usize>,
    /// How many weights in a row share a scale.
    group: usize,
    /// One scale for each group; 0 where all its weights are zero.
    scales: Vec<f64>,
}

/// A symmetric uniform quantizer of weights, W ← s·clip(round(W/s), −2ᵇ⁻¹,
/// 2ᵇ⁻¹ − 1), with ties to even as in PyTorch. Biases and the parameters of
/// normalizations are left as they are.
///
/// With one bit W ← s·sign(W), zero counted as positive, and s = mean|W| has the
/// least squared error (Rastegari et al. 2016, "XNOR-Net").
#[derive(Debug, Clone, PartialEq)]
pub struct Quantizer {
    bits: u32,
    tensors: Vec<TensorScales>,
}

impl Quantizer {
    /// The quantizer with scales from these parameters.
    ///
    /// # Errors
    /// `Argument` unless bits are between [`FEWEST_BITS`] and [`MOST_BITS`],
    /// `Length`, `NotFinite` for a weight that is not.
    pub fn fit(
        layout: &ParameterLayout,
        theta: &[f64],
        bits: u32,
        scope: QuantizerScope,
        rule: ScaleRule,
    ) -> Result<Self, MathError> {
        Self::fit_with(layout, theta, bits, scope, rule, &())
    }

    /// The same for somebody who may not want to wait: the search for scales of
    /// the least squared error takes long where there are many weights.
    ///
    /// # Errors
    /// Those of [`Quantizer::fit`], `Cancelled`.
    pub fn fit_with(
        layout: &ParameterLayout,
        theta: &[f64],
        bits: u32,
        scope: QuantizerScope,
        rule: ScaleRule,
        progress: &dyn Progress,
    ) -> Result<Self, MathError> {
        crate::math::error::check_length("the parameter vector", theta.len(), layout.len())?;
        if !(FEWEST_BITS..=MOST_BITS).contains(&bits) {
            return Err(MathError::Argument {
                what: "the number of bits",
                found: bits.to_string(),
                expected: "a whole number from 1 to 32",
            });
        }
        let mut tensors = Vec::new();
        for tensor in layout.iter() {
            if tensor.kind != ParameterKind::Weight || tensor.range.is_empty() {
                continue;
            }
            let weights = &theta[tensor.range.clone()];
            if !weights.iter().all(|w| w.is_finite()) {
                return Err(MathError::NotFinite { what: "a weight" });
            }
            let whole = scale(weights, bits, rule, None, progress)?;
            let (group, scales) = match scope {
                QuantizerScope::Tensor => (weights.len(), vec![whole]),
                QuantizerScope::Channel => {
                    let group = tensor.filter_len().max(1);
                    let channels = weights.chunks(group);
                    // The tensor's scale is tried too, so that channels never
                    // have a larger error.
                    let scales = channels.map(|w| scale(w, bits, rule, Some(whole), progress));
                    (group, scales.collect::<Result<_, MathError>>()?)
                }
            };
            tensors.push(TensorScales {
                name: tensor.name.clone(),
                range: tensor.range.clone(),
                group,
                scales,
            });
        }
        Ok(Self { bits, tensors })
    }

    /// Bits of a weight.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// Number of weight tensors: the quantizer has scales for each.
    pub fn tensors(&self) -> usize {
        self.tensors.len()
    }

    /// Name of weight tensor `index` in the layout.
    ///
    /// # Panics
    /// If there is no such tensor.
    pub fn name(&self, index: usize) -> &str {
        &self.tensors[index].name
    }

    /// How many weights tensor `index` has.
    ///
    /// # Panics
    /// If there is no such tensor.
    pub fn weights(&self, index: usize) -> usize {
        self.tensors[index].range.len()
    }

    /// The scales of weight tensor `index`: one, or one for each channel.
    ///
    /// # Panics
    /// If there is no such tensor.
    pub fn scales(&self, index: usize) -> &[f64] {
        &self.tensors[index].scales
    }

    /// `out` ← Q(θ).
    ///
    /// # Panics
    /// If a vector has another length than the layout.
    pub fn apply(&self, theta: &[f64], out: &mut [f64]) {
        self.apply_scaled(theta, &|_| 1.0, out);
    }

    /// `out` ← Q(θ) with the scales of weight tensor `k` times `factor(k)`.
    ///
    /// # Panics
    /// If a vector has another length than the layout.
    pub fn apply_scaled(&self, theta: &[f64], factor: &dyn Fn(usize) -> f64, out: &mut [f64]) {
        out.copy_from_slice(theta);
        for (index, tensor) in self.tensors.iter().enumerate() {
            let factor = factor(index);
            let groups = out[tensor.range.clone()].chunks_mut(tensor.group);
            for (weights, scale) in groups.zip(&tensor.scales) {
                let scale = scale * factor;
                for w in weights {
                    *w = level(*w, scale, self.bits) * scale;
                }
            }
        }
    }

    /// The slopes of the loss in the factors of [`Quantizer::apply_scaled`], one
    /// for each weight tensor, from the gradient at the quantized parameters,
    /// with rounding taken for the identity: ∂Q/∂s is round(w/s) − w/s between
    /// the outermost levels and the outermost level beyond (Esser et al. 2020,
    /// "Learned step size quantization", without their gradient scale); with one
    /// bit it is the sign.
    ///
    /// # Panics
    /// If a vector has another length than the layout.
    pub fn factor_slopes(
        &self,
        theta: &[f64],
        factor: &dyn Fn(usize) -> f64,
        gradient: &[f64],
    ) -> Vec<f64> {
        let half = 2f64.powi(self.bits as i32 - 1);
        let tensors = self.tensors.iter().enumerate();
        tensors
            .map(|(index, tensor)| {
                let factor = factor(index);
                let groups = theta[tensor.range.clone()].chunks(tensor.group);
                let gradients = gradient[tensor.range.clone()].chunks(tensor.group);
                groups
                    .zip(gradients)
                    .zip(&tensor.scales)
                    .map(|((weights, gradients), nominal)| {
                        let scale = nominal * factor;
                        let parts = weights.iter().zip(gradients).map(|(w, g)| {
                            let inside =
                                self.bits > 1 && (-half..=half - 1.0).contains(&(w / scale));
                            let through = if inside { w / scale } else { 0.0 };
                            g * (level(*w, scale, self.bits) - through)
                        });
                        nominal * if scale == 0.0 { 0.0 } else { parts.sum() }
                    })
                    .sum()
            })
            .collect()
    }

    /// ‖Q(W) − W‖/‖W‖ over all weights; zero where they are all zero.
    ///
    /// # Panics
    /// If θ has another length than the layout.
    pub fn relative_error(&self, theta: &[f64]) -> f64 {
        let mut quantized = vec![0.0; theta.len()];
        self.apply(theta, &mut quantized);
        let (mut error, mut size) = (0.0, 0.0);
        for tensor in &self.tensors {
            let range = tensor.range.clone();
            error += vector::distance(&quantized[range.clone()], &theta[range.clone()]).powi(2);
            size += vector::norm_squared(&theta[range]);
        }
        if size > 0.0 {
            (error / size).sqrt()
        } else {
            0.0
        }
    }
}

/// The number of the level that w is rounded to.
fn level(w: f64, scale: f64, bits: u32) -> f64 {
    if scale == 0.0 {
        return 0.0;
    }
    if bits == 1 {
        return if w < 0.0 { -1.0 } else { w * 0.0 + 1.0 };
    }
    let half = 2f64.powi(bits as i32 - 1);
    // Adding zero turns −0 into 0: what rounds alike has the same bits.
    (w / scale).round_ties_even().clamp(-half, half - 1.0) + 0.0
}

fn scale(
    weights: &[f64],
    bits: u32,
    rule: ScaleRule,
    other: Option<f64>,
    progress: &dyn Progress,
) -> Result<f64, MathError> {
    let largest = vector::max_abs(weights);
    if bits == 1 {
        let sum: f64 = weights.iter().map(|w| w.abs()).sum();
        return Ok(sum / weights.len().max(1) as f64);
    }
    let covering = largest / (2f64.powi(bits as i32 - 1) - 1.0);
    match rule {
        ScaleRule::MaxAbs => Ok(covering),
        ScaleRule::LeastSquares if covering == 0.0 => Ok(0.0),
        ScaleRule::LeastSquares => least_squares(weights, bits, covering, other, progress),
    }
}

/// Shares of the covering scale that the search starts from.
const STARTS: usize = 48;

/// The scale of the smallest squared error. For fixed levels q the best scale is
/// Σwq/Σq², for a fixed scale the nearest levels are best: in turns the two
/// never raise the error. The search starts from many scales, because there are
/// many local minima.
fn least_squares(
    weights: &[f64],
    bits: u32,
    covering: f64,
    other: Option<f64>,
    progress: &dyn Progress,
) -> Result<f64, MathError> {
    let error = |scale: f64| -> f64 {
        let errors = weights
            .iter()
            .map(|w| (w - level(*w, scale, bits) * scale).powi(2));
        errors.sum()
    };
    let mut best = (error(covering), covering);
    let starts = (1..=STARTS).map(|k| 1.25 * covering * k as f64 / STARTS as f64);
    for start in starts.chain([covering]).chain(other) {
        progress.check()?;
        let mut scale = start;
        let mut here = error(scale);
        for _ in 0..50 {
            let (mut along, mut square) = (0.0, 0.0);
            for w in weights {
                let q = level(*w, scale, bits);
                along += w * q;
                square += q * q;
            }
            let next = along / square;
            if !(square > 0.0 && next > 0.0) {
                break;
            }
            let there = error(next);
            if there >= here {
                break;
            }
            (scale, here) = (next, there);
        }
        if here < best.0 && scale > 0.0 {
            best = (here, scale);
        }
    }
    Ok(best.1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A 3×4 weight, its bias, and a 2×3 weight.
    fn layout() -> ParameterLayout {
        let mut layout = ParameterLayout::default();
        layout.push("0.weight".into(), vec![3, 4], ParameterKind::Weight, 0);
        layout.push("0.bias".into(), vec![3], ParameterKind::Bias, 0);
        layout.push("2.weight".into(), vec![2, 3], ParameterKind::Weight, 1);
        layout
    }

    fn theta() -> Vec<f64> {
        (0..21).map(|k| (1.3 * f64::from(k) + 0.4).sin()).collect()
    }

    fn fit(theta: &[f64], bits: u32, scope: QuantizerScope, rule: ScaleRule) -> Quantizer {
        Quantizer::fit(&layout(), theta, bits, scope, rule).unwrap()
    }

    fn squared_error(quantizer: &Quantizer, theta: &[f64]) -> f64 {
        let mut out = vec![0.0; theta.len()];
        quantizer.apply(theta, &mut out);
        vector::distance(&out, theta).powi(2)
    }

    #[test]
    fn three_bits_by_hand() {
        let mut theta = theta();
        theta[..12].copy_from_slice(&[
            0.9, -0.9, 0.3, 0.44, // levels 3, −3, 1, 1 of 0.3
            0.46, -0.46, 0.15, 0.45, // 2, −2, tie to 0, tie to 2
            -0.45, 0.0, 0.1, -0.2, // −2, 0, 0, −1
        ]);
        let quantizer = fit(&theta, 3, QuantizerScope::Tensor, ScaleRule::MaxAbs);
        assert_eq!((quantizer.tensors(), quantizer.name(1)), (2, "2.weight"));
        let scale = quantizer.scales(0)[0];
        assert!((scale - 0.3).abs() < 1e-16);
        let mut out = vec![0.0; 21];
        quantizer.apply(&theta, &mut out);
        let levels: Vec<f64> = out[..12].iter().map(|w| w / scale).collect();
        let ties = [
            (0.15 / scale).round_ties_even(),
            (0.45 / scale).round_ties_even(),
        ];
        let expected = [
            3.0, -3.0, 1.0, 1.0, 2.0, -2.0, ties[0], ties[1], -ties[1], 0.0, 0.0, -1.0,
        ];
        assert_eq!(levels, expected);
        // Biases stay.
        assert_eq!(out[12..15], theta[12..15]);
        // Half the scale cuts off: the levels reach from −4 to 3.
        quantizer.apply_scaled(&theta, &|k| if k == 0 { 0.5 } else { 1.0 }, &mut out);
        assert_eq!(out[0], 3.0 * (0.5 * scale));
        assert_eq!(out[1], -4.0 * (0.5 * scale));
    }

    #[test]
    fn ties_go_to_the_even_level() {
        assert_eq!(level(0.5, 1.0, 4), 0.0);
        assert_eq!(level(1.5, 1.0, 4), 2.0);
        assert_eq!(level(2.5, 1.0, 4), 2.0);
        assert_eq!(level(-0.2, 1.0, 4).to_bits(), 0.0f64.to_bits());
        assert_eq!((level(99.0, 1.0, 4), level(-99.0, 1.0, 4)), (7.0, -8.0));
        assert_eq!(level(1.0, 0.0, 4), 0.0);
        assert!(level(f64::NAN, 1.0, 4).is_nan());
    }

    #[test]
    fn one_bit_is_the_sign_at_the_mean() {
        let mut theta = theta();
        theta[3] = 0.0;
        for rule in [ScaleRule::MaxAbs, ScaleRule::LeastSquares] {
            let quantizer = fit(&theta, 1, QuantizerScope::Tensor, rule);
            let mean = theta[..12].iter().map(|w| w.abs()).sum::<f64>() / 12.0;
            assert!((quantizer.scales(0)[0] - mean).abs() < 1e-15);
            let mut out = vec![0.0; 21];
            quantizer.apply(&theta, &mut out);
            for (w, q) in theta[..12].iter().zip(&out) {
                assert_eq!(*q, if *w < 0.0 { -mean } else { mean });
            }
            // No other scale is closer.
            let error = |factor: f64| {
                let mut out = vec![0.0; 21];
                quantizer.apply_scaled(&theta, &|_| factor, &mut out);
                vector::distance(&out, &theta)
            };
            assert!(error(1.0) < error(0.99) && error(1.0) < error(1.01));
            // ∂/∂f Σ g·f·s·sign(w).
            let gradient: Vec<f64> = (0..21).map(|k| (0.7 * f64::from(k)).cos()).collect();
            let slopes = quantizer.factor_slopes(&theta, &|_| 0.8, &gradient);
            let expected = vector::dot(&gradient[..12], &out[..12]);
            assert!((slopes[0] - expected).abs() < 1e-12);
        }
        assert!(level(f64::NAN, 1.0, 1).is_nan());
        let token = crate::math::CancelToken::new();
        token.cancel();
        let rule = ScaleRule::LeastSquares;
        let scope = QuantizerScope::Tensor;
        let found = Quantizer::fit_with(&layout(), &theta, 3, scope, rule, &token);
        assert_eq!(found, Err(MathError::Cancelled));
    }

    #[test]
    fn impossible_quantizers_are_refused() {
        let (scope, rule) = (QuantizerScope::Tensor, ScaleRule::MaxAbs);
        for bits in [0, 33] {
            assert!(Quantizer::fit(&layout(), &theta(), bits, scope, rule).is_err());
        }
        assert!(Quantizer::fit(&layout(), &[0.0; 3], 4, scope, rule).is_err());
        let mut lost = theta();
        lost[2] = f64::INFINITY;
        let refused = Quantizer::fit(&layout(), &lost, 4, scope, rule);
        assert_eq!(refused, Err(MathError::NotFinite { what: "a weight" }));
        let zeros = fit(&[0.0; 21], 4, scope, ScaleRule::LeastSquares);
        assert_eq!(zeros.relative_error(&[0.0; 21]), 0.0);
    }

    #[test]
    fn the_least_squares_scale_is_the_best_of_many() {
        let theta = theta();
        for bits in [2, 3, 4, 6] {
            let quantizer = fit(
                &theta,
                bits,
                QuantizerScope::Tensor,
                ScaleRule::LeastSquares,
            );
            let covering = fit(&theta, bits, QuantizerScope::Tensor, ScaleRule::MaxAbs);
            for tensor in 0..2 {
                let error = |factor: f64, of: &Quantizer| {
                    let mut out = vec![0.0; 21];
                    of.apply_scaled(&theta, &|_| factor, &mut out);
                    let range = of.tensors[tensor].range.clone();
                    vector::distance(&out[range.clone()], &theta[range]).powi(2)
                };
                let found = error(1.0, &quantizer);
                let best = (1..3000)
                    .map(|k| error(f64::from(k) / 2000.0, &covering))
                    .fold(f64::INFINITY, f64::min);
                assert!(found <= best * (1.0 + 1e-12), "{bits} bits: {found} {best}");
            }
        }
    }

    #[test]
    fn slopes_see_through_the_rounding() {
        let theta = theta();
        let quantizer = fit(&theta, 3, QuantizerScope::Channel, ScaleRule::MaxAbs);
        let factor = |k: usize| [0.6, 1.3][k];
        let gradient: Vec<f64> = (0..21).map(|k| (0.7 * f64::from(k)).cos()).collect();
        let found = quantizer.factor_slopes(&theta, &factor, &gradient);
        for (k, tensor) in quantizer.tensors.iter().enumerate() {
            let mut expected = 0.0;
            for (j, i) in tensor.range.clone().enumerate() {
                let nominal = tensor.scales[j / tensor.group];
                // s·(w/s + noise) between the outermost levels, with the rounding's
                // error as a constant, and the level beyond: their difference
                // quotients in the factor.
                let exact = theta[i] / (nominal * factor(k));
                let noise = exact.round_ties_even() - exact;
                let at = |f: f64| {
                    let s = nominal * f;
                    if (-4.0..=3.0).contains(&exact) {
                        s * noise + theta[i]
                    } else {
                        s * exact.clamp(-4.0, 3.0)
                    }
                };
                let h = 1e-6;
                expected += gradient[i] * (at(factor(k) + h) - at(factor(k) - h)) / (2.0 * h);
            }
            assert!(
                (found[k] - expected).abs() < 1e-7,
                "{} {expected}",
                found[k]
            );
        }
        let zeros = fit(&[0.0; 21], 3, QuantizerScope::Tensor, ScaleRule::MaxAbs);
        assert_eq!(
            zeros.factor_slopes(&[0.0; 21], &factor, &gradient),
            [0.0, 0.0]
        );
    }

    proptest! {
        #[test]
        fn channels_never_have_a_larger_error_than_tensors(
            theta in prop::collection::vec(-3.0f64..3.0, 21),
            bits in 2u32..9,
        ) {
            let rule = ScaleRule::LeastSquares;
            let tensor = squared_error(&fit(&theta, bits, QuantizerScope::Tensor, rule), &theta);
            let channel = squared_error(&fit(&theta, bits, QuantizerScope::Channel, rule), &theta);
            prop_assert!(channel <= tensor * (1.0 + 1e-12));
            // With covering scales that holds for the bound on each weight.
            let whole = fit(&theta, bits, QuantizerScope::Tensor, ScaleRule::MaxAbs);
            let parts = fit(&theta, bits, QuantizerScope::Channel, ScaleRule::MaxAbs);
            let mut out = vec![0.0; 21];
            parts.apply(&theta, &mut out);
            for tensor in &parts.tensors {
                for (k, i) in tensor.range.clone().enumerate() {
                    let scale = tensor.scales[k / tensor.group];
                    prop_assert!((out[i] - theta[i]).abs() <= 0.5 * scale * (1.0 + 1e-12));
                }
            }
            for k in 0..2 {
                let largest = whole.scales(k)[0];
                prop_assert!(parts.scales(k).iter().all(|scale| *scale <= largest));
            }
        }

        #[test]
        fn what_is_quantized_stays_and_more_bits_are_closer(
            theta in prop::collection::vec(-3.0f64..3.0, 21),
        ) {
            let mut last = f64::INFINITY;
            for bits in [4, 8, 12, 16, 24] {
                let quantizer = fit(&theta, bits, QuantizerScope::Tensor, ScaleRule::MaxAbs);
                let error = quantizer.relative_error(&theta);
                prop_assert!(error <= last);
                // Half a level each: √n·s/2 over ‖W‖ ≥ max|W|.
                prop_assert!(error <= 0.5 * 18f64.sqrt() / (2f64.powi(bits as i32 - 1) - 1.0));
                last = error;
                let mut once = vec![0.0; 21];
                quantizer.apply(&theta, &mut once);
                let mut twice = once.clone();
                quantizer.apply(&once, &mut twice);
                prop_assert_eq!(once, twice);
            }
        }
    }
}
