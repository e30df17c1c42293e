//! Interpolating one layer, or a growing group of layers, while the others stay
//! (Adilova et al. 2023, "Layer-wise Linear Mode Connectivity").

use serde::{Deserialize, Serialize};

use super::Silent;
use super::curve::{Curve, profile};
use super::loss::ParameterLoss;
use super::symmetry::layer_names;
use crate::landscape::Interpolation;
use crate::math::error::check_length;
use crate::math::floats::cell;
use crate::math::{MathError, Progress};
use crate::nn::ParameterLayout;

/// Which layers move from A to B; the others stay at A.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumIter,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub enum LayerGroup {
    /// One layer.
    Single,
    /// All layers from the first to this one.
    Shallow,
    /// All layers from this one to the last.
    Deep,
}

/// The loss while some layers move from A to B.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerPath {
    /// Which layers move.
    pub group: LayerGroup,
    /// Name of the layer: the part of its tensors' names before the dot.
    pub layer: String,
    /// Number of parameters that move.
    pub parameters: usize,
    /// The loss on the way. Its barrier is over the straight line between the
    /// losses of this path's own ends.
    #[serde(flatten)]
    pub line: Interpolation,
    /// max_λ [L(λ) − ((1−λ)L_A + λL_B)] with the losses of the whole networks
    /// A and B.
    #[serde(with = "cell")]
    pub excess: f64,
}

/// Interpolates each layer alone, and the growing groups from the shallow and
/// from the deep end, in `points` points each. The last shallow group and the
/// first deep one hold all layers: the full interpolation.
///
/// Progress counts paths.
///
/// # Errors
/// `Argument` for fewer than three points, `Length`, `Cancelled`.
pub fn layer_paths<L: ParameterLoss + ?Sized>(
    loss: &L,
    layout: &ParameterLayout,
    a: &[f64],
    b: &[f64],
    points: usize,
    progress: &dyn Progress,
) -> Result<Vec<LayerPath>, MathError> {
    check_length("the first parameter vector", a.len(), layout.len())?;
    check_length("the second parameter vector", b.len(), layout.len())?;
    let names = layer_names(layout);
    let count = names.len();
    let mut scratch = loss.scratch();
    let ends = (loss.loss(a, &mut scratch).0, loss.loss(b, &mut scratch).0);
    let mut paths = Vec::with_capacity(3 * count);
    for group in [LayerGroup::Single, LayerGroup::Shallow, LayerGroup::Deep] {
        for (layer, name) in names.iter().enumerate() {
            let moving = match group {
                LayerGroup::Single => layout.layer_range(layer),
                LayerGroup::Shallow => 0..layout.layer_range(layer).end,
                LayerGroup::Deep => layout.layer_range(layer).start..layout.len(),
            };
            let mut end = a.to_vec();
            end[moving.clone()].copy_from_slice(&b[moving.clone()]);
            let curve = Curve::line(a, end)?;
            let found = profile(loss, &curve, points, true, &Silent(progress))?;
            let excess = found
                .line
                .lambda
                .iter()
                .zip(&found.line.loss)
                .map(|(l, x)| x - ((1.0 - l) * ends.0 + l * ends.1))
                .fold(f64::NEG_INFINITY, |most, x| {
                    if most.is_nan() || x.is_nan() {
                        f64::NAN
                    } else {
                        most.max(x)
                    }
                });
            paths.push(LayerPath {
                group,
                layer: name.clone(),
                parameters: moving.len(),
                line: found.line,
                excess,
            });
            progress.report(paths.len(), 3 * count);
        }
    }
    Ok(paths)
}

#[cfg(test)]
#[path = "layers_tests.rs"]
mod tests;
