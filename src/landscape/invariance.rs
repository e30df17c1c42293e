//! Does a slice stay the same when a network is written differently?
//!
//! Scaling what a unit puts out and dividing what reads it leaves a network's
//! function alone where the activation between them is positively homogeneous,
//! φ(cx) = cφ(x) for c > 0 (ReLU, identity). A picture of the landscape should
//! not change then either; which normalizations promise that is measured here.

use serde::Serialize;

use super::{
    Directions, Drawing, GridAxis, LandscapeError, Normalization, Place, QuantityPlane,
    TensorBlock, evaluate_slice2d,
};
use crate::math::rng::stream;
use crate::math::{MathError, Progress};
use crate::nn::Network;
use crate::nn::network::Operator;
use crate::objective::Objective;

/// What is scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rescaling {
    /// A weight tensor and its bias as a whole; the next weight tensor is divided.
    Layer,
    /// One unit: its row and its bias; its column in the next layer is divided.
    Neuron,
}

impl Rescaling {
    /// Whether slices along random directions of this normalization do not see
    /// it: filters and whole tensors keep their proportions under the scaling of
    /// a layer, but not those that read a single scaled unit; elements always do.
    pub fn is_promised(self, normalization: Normalization) -> bool {
        match normalization {
            Normalization::Elementwise => true,
            Normalization::Filter | Normalization::Layer => self == Self::Layer,
            Normalization::None => false,
        }
    }
}

/// Two layers with nothing but homogeneous functions between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pair {
    weight: usize,
    bias: Option<usize>,
    next: usize,
    /// Whether both are dense, so that a unit has a column of its own.
    dense: bool,
}

/// The first place of a network where it can be rescaled, if there is one.
fn pair(network: &Network) -> Option<Pair> {
    let operations = network.operations();
    let read_later = |value: usize, after: usize| {
        operations.iter().enumerate().any(|(k, operation)| {
            k != after
                && (operation.input == value
                    || matches!(operation.operator, Operator::Add(other) if other == value))
        })
    };
    let mut open: Option<(usize, Option<usize>, bool)> = None;
    for (k, operation) in operations.iter().enumerate() {
        // A value that is also read elsewhere carries the factor there.
        if read_later(operation.input, k) {
            open = None;
        }
        match operation.operator {
            Operator::Dense { weight, bias, .. } | Operator::Conv2d { weight, bias, .. } => {
                let is_dense = matches!(operation.operator, Operator::Dense { .. });
                if let Some((first, first_bias, dense)) = open {
                    return Some(Pair {
                        weight: first,
                        bias: first_bias,
                        next: weight,
                        dense: dense && is_dense,
                    });
                }
                open = Some((weight, bias, is_dense));
            }
            Operator::Activation(activation) => {
                if !matches!(activation.choice().key, "relu" | "identity") {
                    open = None;
                }
            }
            // They commute with a common positive factor.
            Operator::MaxPool2d(_) | Operator::AvgPool2d(_) | Operator::Flatten => {}
            Operator::LayerNorm { .. } | Operator::Add(_) => open = None,
        }
    }
    None
}

/// θ with the first layer that can be rescaled multiplied by `factor` and the
/// next divided by it, or a unit of it (the one with the largest weights). None
/// where the network has no two layers with only ReLU, identity, pooling and
/// flattening between them, or no two dense ones for a unit.
pub fn rescaled(
    network: &Network,
    theta: &[f64],
    rescaling: Rescaling,
    factor: f64,
) -> Option<Vec<f64>> {
    let pair = pair(network)?;
    let tensors = &network.layout().tensors;
    let (weight, next) = (&tensors[pair.weight], &tensors[pair.next]);
    let bias = pair.bias.map(|bias| &tensors[bias]);
    let mut scaled = theta.to_vec();
    let mut multiply = |range: std::ops::Range<usize>, by: f64| {
        scaled[range].iter_mut().for_each(|x| *x *= by);
    };
    match rescaling {
        Rescaling::Layer => {
            multiply(weight.range.clone(), factor);
            if let Some(bias) = bias {
                multiply(bias.range.clone(), factor);
            }
            multiply(next.range.clone(), 1.0 / factor);
        }
        Rescaling::Neuron => {
            if !pair.dense {
                return None;
            }
            let size = |unit: usize| {
                theta[weight.filter(unit)]
                    .iter()
                    .map(|x| x * x)
                    .sum::<f64>()
            };
            let unit = (0..weight.filters()).max_by(|a, b| size(*a).total_cmp(&size(*b)))?;
            multiply(weight.filter(unit), factor);
            if let Some(bias) = bias {
                multiply(bias.range.start + unit..bias.range.start + unit + 1, factor);
            }
            for row in 0..next.filters() {
                let column = next.filter(row).start + unit;
                multiply(column..column + 1, 1.0 / factor);
            }
        }
    }
    Some(scaled)
}

/// How a slice is drawn for the test.
#[derive(Debug, Clone, Copy)]
pub struct InvarianceSettings {
    /// How directions are drawn.
    pub drawing: Drawing,
    /// Their seed.
    pub seed: u64,
    /// How far the slice reaches.
    pub extent: f64,
    /// What is scaled.
    pub rescaling: Rescaling,
    /// By how much.
    pub factor: f64,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Invariance {
    /// What was scaled.
    pub rescaling: Rescaling,
    /// By how much.
    pub factor: f64,
    /// How the directions were scaled.
    pub normalization: Normalization,
    /// max |Δ output| over the largest |output|, over all samples.
    pub outputs_changed: f64,
    /// max |Δ loss|/loss over a slice of 9×9 points with the same seed.
    pub slice_changed: f64,
    /// Whether the normalization promises that the slice stays the same.
    pub promised: bool,
}

/// Relative differences up to which a slice counts as the same: filters are
/// scaled to norms that are themselves right to 10⁻¹⁰.
const SAME: f64 = 1e-6;

impl Invariance {
    /// Whether the slice stayed the same.
    pub fn is_same(&self) -> bool {
        self.slice_changed <= SAME
    }

    /// In one sentence.
    pub fn sentence(&self) -> String {
        let what = match self.rescaling {
            Rescaling::Layer => "a layer",
            Rescaling::Neuron => "a neuron",
        };
        let normalization = match self.normalization {
            Normalization::Filter => "filter",
            Normalization::Layer => "layer",
            Normalization::Elementwise => "element-wise",
            Normalization::None => "no",
        };
        let verdict = match (self.is_same(), self.promised) {
            (true, true) => "the same, as promised",
            (true, false) => "the same, though nothing promises it",
            (false, true) => "different, against the promise",
            (false, false) => "different, and nothing promises otherwise",
        };
        format!(
            "With {what} scaled by {} the outputs change by {:.0e} of their size; the slice with \
             {normalization} normalization changes by {:.0e}: {verdict}.",
            self.factor, self.outputs_changed, self.slice_changed
        )
    }
}

/// Scales a part of a network without changing its function, and compares the
/// slices before and after: 9×9 points along random directions of the same seed.
/// None where the network has no place to scale: see [`rescaled`].
///
/// # Errors
/// Those of [`Directions::random`]; `Cancelled`.
pub fn invariance(
    objective: &Objective<f64>,
    theta: &[f64],
    blocks: &[TensorBlock],
    settings: &InvarianceSettings,
    progress: &dyn Progress,
) -> Result<Option<Invariance>, LandscapeError> {
    let InvarianceSettings {
        rescaling, factor, ..
    } = *settings;
    let Some(other) = rescaled(objective.network(), theta, rescaling, factor) else {
        return Ok(None);
    };
    let axis = GridAxis::symmetric(settings.extent, 9)?;
    let slice = |theta: &[f64]| -> Result<Vec<f64>, MathError> {
        let mut random = stream(settings.seed, "directions");
        let directions = Directions::random(theta, blocks, settings.drawing, &mut random)?;
        let place = Place {
            centre: theta,
            directions: &directions,
        };
        let plane = QuantityPlane::loss(objective.clone(), place)?;
        let slice = evaluate_slice2d(&plane, &axis, &axis, progress, &mut |_| ())?;
        progress.check()?;
        Ok(slice.loss.clone())
    };
    let mut workspace = objective.workspace();
    let before = objective.outputs(theta, &mut workspace);
    let after = objective.outputs(&other, &mut workspace);
    let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
    let size = largest(&mut before.iter().map(|x| x.abs()));
    let change = largest(&mut before.iter().zip(&after).map(|(a, b)| (a - b).abs()));
    Ok(Some(Invariance {
        rescaling,
        factor,
        normalization: settings.drawing.normalization,
        outputs_changed: if change == 0.0 { 0.0 } else { change / size },
        slice_changed: relative_difference(&slice(theta)?, &slice(&other)?),
        promised: rescaling.is_promised(settings.drawing.normalization),
    }))
}

/// The largest relative difference between two lists of values,
/// max |a − b|/max(|a|, |b|); infinite where only one of two is a number.
fn relative_difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| {
            if a == b || (a.is_nan() && b.is_nan()) {
                return 0.0;
            }
            let difference = (a - b).abs() / a.abs().max(b.abs());
            if difference.is_nan() {
                f64::INFINITY
            } else {
                difference
            }
        })
        .fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use strum::IntoEnumIterator as _;

    use super::*;
    use crate::math::vector::to_f64;
    use crate::nn::ParameterKind;
    use crate::train::Setup;
    use crate::train::testing::recipe;

    fn setup(activation: &str, layer_norm: bool) -> Setup {
        let mut recipe = recipe();
        recipe.model.set("hidden", vec![8i64, 6]);
        recipe.model.set("activation", activation);
        recipe.model.set("layer_norm", layer_norm);
        Setup::new(Arc::new(recipe), Path::new(".")).unwrap()
    }

    fn measure(
        setup: &Setup,
        normalization: Normalization,
        rescaling: Rescaling,
    ) -> Option<Invariance> {
        let blocks: Vec<TensorBlock> = setup
            .network
            .layout()
            .iter()
            .map(|tensor| TensorBlock {
                range: tensor.range.clone(),
                filters: tensor.filters(),
                is_weight: tensor.kind == ParameterKind::Weight,
            })
            .collect();
        let settings = InvarianceSettings {
            drawing: normalization.into(),
            seed: 3,
            extent: 1.0,
            rescaling,
            factor: 10.0,
        };
        // Biases that are not zero, or their scaling would not show.
        let theta: Vec<f64> = to_f64(&setup.initial.theta)
            .iter()
            .enumerate()
            .map(|(k, x)| x + 0.1 * (1.7 * k as f64).sin())
            .collect();
        let objective = setup.training_double().unwrap();
        invariance(objective, &theta, &blocks, &settings, &()).unwrap()
    }

    #[test]
    fn normalizations_keep_what_they_promise_and_no_more() {
        let setup = setup("relu", false);
        for normalization in Normalization::iter() {
            for rescaling in [Rescaling::Layer, Rescaling::Neuron] {
                let found = measure(&setup, normalization, rescaling).unwrap();
                assert!(found.outputs_changed < 1e-14, "{found:?}");
                assert_eq!(found.is_same(), found.promised, "{found:?}");
                if !found.promised {
                    assert!(found.slice_changed > 1e-2, "{found:?}");
                }
            }
        }
        let text = measure(&setup, Normalization::Filter, Rescaling::Layer).unwrap();
        let text = text.sentence();
        assert!(text.ends_with("the same, as promised."), "{text}");
    }

    #[test]
    fn it_does_not_apply_without_homogeneity() {
        for (activation, layer_norm) in [("tanh", false), ("gelu", false), ("relu", true)] {
            let setup = setup(activation, layer_norm);
            let found = measure(&setup, Normalization::Filter, Rescaling::Layer);
            assert!(found.is_none(), "{activation} {found:?}");
        }
    }

    #[test]
    fn what_is_not_a_number_on_both_sides_is_the_same() {
        let nan = f64::NAN;
        assert_eq!(relative_difference(&[nan, 1.0, 0.0], &[nan, 1.0, 0.0]), 0.0);
        assert_eq!(relative_difference(&[nan, 1.0], &[1.0, 1.0]), f64::INFINITY);
        assert_eq!(relative_difference(&[1.0], &[-3.0]), 4.0 / 3.0);
    }
}
