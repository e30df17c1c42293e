//! A list of layers over any input.

use super::{ModelKind, layers};
use crate::data::InputShape;
use crate::nn::error::ModelError;
use crate::nn::network::Network;
use crate::recipe::{Component, Field, Kind};

/// A list of layers over vectors or images, then a dense layer to the outputs.
pub static SEQUENTIAL: ModelKind = ModelKind {
    kind: Kind {
        key: "sequential",
        title: "List of layers",
        help: "Layers one by one, so that activations can differ, then a dense layer to the outputs.",
        fields: &[Field::text_list(
            "layers",
            "Layers",
            "One layer per entry: \"dense 10\", \"layer-norm\" or an activation, and over images \"conv 8 3x3 pad 1 stride 1\", \"max-pool 2\", \"avg-pool 2\", \"flatten\"; the dense layer to the outputs is added.",
            &["dense 32", "tanh", "dense 32", "relu"],
        )],
    },
    build,
};

fn build(model: &Component, input: &InputShape, outputs: usize) -> Result<Network, ModelError> {
    layers::build(&model.texts("layers"), input, outputs)
}
