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
    let mut layers: Vec<Layer> = Vec::new();
    let mut last = None;
    for tensor in &layout.tensors {
        match layers.last_mut() {
            Some(layer) if last == Some(tensor.layer) => layer.range.end = tensor.range.end,
            _ => layers.push(Layer {
                name: tensor
                    .name
                    .rsplit_once('.')
                    .map_or(tensor.name.as_str(), |(layer, _)| layer)
                    .to_owned(),
                range: tensor.range.clone(),
            }),
        }
        last = Some(tensor.layer);
    }
    layers
}
