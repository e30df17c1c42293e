//! The layers of a network as the gradient views show them.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::nn::ParameterLayout;

/// A layer with parameters: its tensors lie together in the flat vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// What its tensors' names begin with, such as `2` of `2.weight`.
    pub name: String,
    /// Its part of the parameter vector.
    pub range: Range<usize>,
}

/// The layers of a layout, in its order; their ranges follow each other and
/// cover the whole vector.
pub fn layers(layout: &ParameterLayout) -> Vec<Layer> {
    (0..layout.layers())
        .map(|layer| Layer {
            name: layout.layer_name(layer).to_owned(),
            range: layout.layer_range(layer),
        })
        .collect()
}
