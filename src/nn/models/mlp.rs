//! The multilayer perceptron.

use super::{ModelKind, activation};
use crate::data::InputShape;
use crate::nn::activations;
use crate::nn::error::ModelError;
use crate::nn::network::{Network, NetworkBuilder};
use crate::recipe::{Component, Field, Kind};

/// Hidden dense layers with one activation, then a dense layer to the outputs.
///
/// Images are read as vectors, as with `x.flatten(1)` before a PyTorch
/// `nn.Sequential`: flattening is no module and the first layer is `0`.
pub static MLP: ModelKind = ModelKind {
    kind: Kind {
        key: "mlp",
        title: "Multilayer perceptron",
        help: "Hidden dense layers with one activation, then a dense layer to the outputs.",
        fields: &[
            Field::integer_list(
                "hidden",
                "Hidden layers",
                "Number of units of each hidden layer; an empty list makes a linear model.",
                &[32, 32],
                1,
                16384,
            ),
            Field::choice(
                "activation",
                "Activation",
                "Function applied after every hidden layer.",
                "tanh",
                activations::CHOICES,
            ),
            Field::boolean(
                "bias",
                "Bias",
                "Whether dense layers add a bias to each of their outputs.",
                true,
            ),
            Field::boolean(
                "residual",
                "Residual connections",
                "Adds a hidden layer's input to its output wherever both have the same width.",
                false,
            ),
            Field::boolean(
                "layer_norm",
                "Layer normalization",
                "Normalizes each hidden layer over its units, before the activation.",
                false,
            ),
        ],
    },
    build,
};

fn build(model: &Component, input: &InputShape, outputs: usize) -> Result<Network, ModelError> {
    let activation = activation(model.text("activation"))?;
    let bias = model.boolean("bias");
    let mut builder = NetworkBuilder::new(InputShape::Vector(input.len()));
    for (index, units) in model.integers("hidden").into_iter().enumerate() {
        let units = usize::try_from(units).unwrap_or(0);
        if units == 0 {
            return Err(ModelError::Shape(format!(
                "hidden[{index}] is no number of units: expected a whole number from 1"
            )));
        }
        let before = builder.last();
        let width = builder.shape().len();
        builder.dense(units, bias);
        if model.boolean("layer_norm") {
            builder.layer_norm();
        }
        builder.activation(activation);
        if model.boolean("residual") && width == units {
            builder.add(before);
        }
    }
    builder.dense(outputs, bias);
    Ok(builder.finish())
}
