//! The convolutional network: a list of layers over images.

use super::{ModelKind, layers};
use crate::data::InputShape;
use crate::nn::error::ModelError;
use crate::nn::network::Network;
use crate::recipe::{Component, Field, Kind};

/// A list of layers over images, then a dense layer to the outputs.
pub static CNN: ModelKind = ModelKind {
    kind: Kind {
        key: "cnn",
        title: "Convolutional network",
        help: "A list of convolutions, activations and pools over images, then a dense layer to the outputs.",
        fields: &[Field::text_list(
            "layers",
            "Layers",
            "One layer per entry: \"conv 8 3x3 pad 1 stride 1\", \"max-pool 2\", \"avg-pool 2\", \"dense 32\", \"layer-norm\", \"flatten\" or an activation; the dense layer to the outputs is added.",
            &[
                "conv 8 3x3 pad 1",
                "relu",
                "max-pool 2",
                "conv 16 3x3",
                "relu",
            ],
        )],
    },
    build,
};

fn build(model: &Component, input: &InputShape, outputs: usize) -> Result<Network, ModelError> {
    if let InputShape::Vector(features) = input {
        return Err(ModelError::Shape(format!(
            "a convolutional network needs images, and the data are vectors of {features} numbers"
        )));
    }
    layers::build(&model.texts("layers"), input, outputs)
}
