//! The kinds of models that a recipe can name.
//!
//! A new one is a file with a [`Kind`] and a function that builds the network,
//! and a line in [`ALL`].

mod cnn;
mod layers;
mod mlp;
mod sequential;

#[cfg(test)]
mod tests;

use super::activations::{self, Activation};
use super::error::ModelError;
use super::network::Network;
use crate::data::InputShape;
use crate::recipe::{Component, Kind};

/// A kind of model: its fields, and how a network is made from them.
pub struct ModelKind {
    /// Key, title and fields for the recipe.
    pub kind: Kind,
    /// Builds the network for these inputs and this number of outputs.
    pub build: fn(&Component, &InputShape, usize) -> Result<Network, ModelError>,
}

/// Every kind of model, in the order in which the program lists them.
pub static ALL: &[&ModelKind] = &[&mlp::MLP, &cnn::CNN, &sequential::SEQUENTIAL];

/// The kinds for the recipe's schema.
pub fn kinds() -> Vec<&'static Kind> {
    ALL.iter().map(|model| &model.kind).collect()
}

/// Builds the network of a `[model]` section.
///
/// # Errors
/// See [`Network::build`].
pub fn build(model: &Component, input: &InputShape, outputs: usize) -> Result<Network, ModelError> {
    let kind = ALL
        .iter()
        .find(|kind| kind.kind.key == model.kind)
        .ok_or_else(|| ModelError::UnknownKind {
            kind: model.kind.clone(),
            known: ALL
                .iter()
                .map(|kind| kind.kind.key)
                .collect::<Vec<_>>()
                .join(", "),
        })?;
    if input.is_empty() || outputs == 0 {
        return Err(ModelError::Shape(format!(
            "a network needs at least one input and one output, and here it gets {} and {outputs}",
            input.len()
        )));
    }
    let network = (kind.build)(model, input, outputs)?;
    let parameters = network.layout().len();
    if parameters > MOST_PARAMETERS {
        return Err(ModelError::Shape(format!(
            "the network has {parameters} parameters, expected at most {MOST_PARAMETERS}: \
             make its layers narrower"
        )));
    }
    Ok(network)
}

/// Parameters of a network at most: its vectors and those of an optimizer then
/// take less than a gigabyte.
const MOST_PARAMETERS: usize = 50_000_000;

/// The activation with this key, or an error that names all of them.
fn activation(name: &str) -> Result<&'static dyn Activation, ModelError> {
    activations::find(name).ok_or_else(|| ModelError::UnknownActivation {
        name: name.to_owned(),
        known: activation_names(),
    })
}

fn activation_names() -> String {
    activations::CHOICES
        .iter()
        .map(|choice| choice.key)
        .collect::<Vec<_>>()
        .join(", ")
}
