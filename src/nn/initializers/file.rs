//! Parameters from a file.

use std::path::Path;

use super::{InitializerKind, Source};
use crate::nn::checkpoint;
use crate::nn::error::InitializationError;
use crate::nn::network::Network;
use crate::recipe::{Component, Field, Kind};

/// All parameters from a safetensors file, see [`checkpoint::load`].
pub static FILE: InitializerKind = InitializerKind {
    kind: Kind {
        key: "file",
        title: "From a file",
        help: "Parameters from a safetensors file whose names are those of the same PyTorch nn.Sequential, such as 0.weight.",
        fields: &[Field::path(
            "path",
            "File",
            "The safetensors file, relative to the recipe's folder.",
        )],
    },
    source: Source::File(load),
};

fn load(
    component: &Component,
    network: &Network,
    base_dir: &Path,
) -> Result<Vec<f64>, InitializationError> {
    let path = component.path("path", base_dir);
    Ok(checkpoint::load(&path, network.layout())?)
}
