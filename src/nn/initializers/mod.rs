//! The first parameters of a network.
//!
//! Weights are drawn tensor by tensor from the stream "initialization" of the
//! recipe's seed; biases and normalization shifts start at zero, normalization
//! scales at one. A new initializer is a file with a [`InitializerKind`] and a
//! line in [`ALL`].

mod file;
mod orthogonal;
mod variance;

#[cfg(test)]
mod tests;

use std::path::Path;

use rand_chacha::ChaCha8Rng;

use super::error::InitializationError;
use super::layout::{ParameterKind, ParameterTensor};
use super::network::Network;
use crate::math::rng;
use crate::recipe::{Component, Field, Kind};

/// Where the weights come from.
pub enum Source {
    /// Fills one weight tensor.
    Random(fn(&Component, &ParameterTensor, &mut ChaCha8Rng, &mut [f64])),
    /// All parameters come from a file in `base_dir`.
    File(fn(&Component, &Network, base_dir: &Path) -> Result<Vec<f64>, InitializationError>),
}

/// A kind of initialization: its fields, and where the weights come from.
pub struct InitializerKind {
    /// Key, title and fields for the recipe.
    pub kind: Kind,
    /// Where the weights come from.
    pub source: Source,
}

/// Every kind of initialization, in the order in which the program lists them.
pub static ALL: &[&InitializerKind] = &[
    &variance::XAVIER_NORMAL,
    &variance::XAVIER_UNIFORM,
    &variance::HE_NORMAL,
    &variance::HE_UNIFORM,
    &variance::LECUN_NORMAL,
    &variance::LECUN_UNIFORM,
    &orthogonal::ORTHOGONAL,
    &file::FILE,
];

/// The kinds for the recipe's schema.
pub fn kinds() -> Vec<&'static Kind> {
    ALL.iter().map(|initializer| &initializer.kind).collect()
}

/// The field that scales the weights.
const GAIN: Field = Field::float(
    "gain",
    "Gain",
    "Factor on the standard deviation of the weights.",
    1.0,
    0.0,
    1000.0,
)
.above_min();

/// The first parameters in single precision, as training uses them.
///
/// # Errors
/// See [`initialize_f64`].
pub fn initialize(
    network: &Network,
    initialization: &Component,
    seed: u64,
    base_dir: &Path,
) -> Result<Vec<f32>, InitializationError> {
    let theta = initialize_f64(network, initialization, seed, base_dir)?;
    Ok(theta.into_iter().map(|value| value as f32).collect())
}

/// The first parameters of an `[initialization]` section; files are looked for
/// relative to `base_dir`.
///
/// # Errors
/// If the kind is unknown or its file does not fit the network.
pub fn initialize_f64(
    network: &Network,
    initialization: &Component,
    seed: u64,
    base_dir: &Path,
) -> Result<Vec<f64>, InitializationError> {
    let kind = ALL
        .iter()
        .find(|kind| kind.kind.key == initialization.kind)
        .ok_or_else(|| InitializationError::UnknownKind {
            kind: initialization.kind.clone(),
            known: ALL
                .iter()
                .map(|kind| kind.kind.key)
                .collect::<Vec<_>>()
                .join(", "),
        })?;
    let fill = match kind.source {
        Source::Random(fill) => fill,
        Source::File(load) => return load(initialization, network, base_dir),
    };
    let mut random = rng::stream(seed, "initialization");
    let mut theta = vec![0.0; network.layout().len()];
    for tensor in network.layout().iter() {
        let values = &mut theta[tensor.range.clone()];
        match tensor.kind {
            ParameterKind::Weight => fill(initialization, tensor, &mut random, values),
            ParameterKind::NormScale => values.fill(1.0),
            ParameterKind::Bias | ParameterKind::NormShift => {}
        }
    }
    Ok(theta)
}

/// Inputs and outputs of one unit of a weight tensor [outputs, inputs, …]: the
/// kernel's area counts in both.
fn fans(tensor: &ParameterTensor) -> (f64, f64) {
    let area: usize = tensor.shape.iter().skip(2).product();
    let size = |axis: usize| tensor.shape.get(axis).copied().unwrap_or(1) * area;
    (size(1) as f64, size(0) as f64)
}
