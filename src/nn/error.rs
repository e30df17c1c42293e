//! What can be wrong with a network, its parameters or their files.

use std::path::PathBuf;

use thiserror::Error;

/// A model description that makes no network.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ModelError {
    /// The kind is not in the registry.
    #[error("there is no model kind {kind:?}: expected one of {known}")]
    UnknownKind {
        /// What was asked for.
        kind: String,
        /// The kinds that exist.
        known: String,
    },
    /// The activation is not in the registry.
    #[error("there is no activation {name:?}: expected one of {known}")]
    UnknownActivation {
        /// What was asked for.
        name: String,
        /// The activations that exist.
        known: String,
    },
    /// A layer of a list cannot be read or does not fit the one before.
    #[error("layers[{index}] = {entry:?}: {message}")]
    Layer {
        /// Position in the list, from 0.
        index: usize,
        /// The entry as written.
        entry: String,
        /// What is wrong, and what was expected.
        message: String,
    },
    /// The model does not fit the data.
    #[error("{0}")]
    Shape(String),
}

/// Initial parameters that cannot be made.
#[derive(Debug, Error)]
pub enum InitializationError {
    /// The kind is not in the registry.
    #[error("there is no initialization {kind:?}: expected one of {known}")]
    UnknownKind {
        /// What was asked for.
        kind: String,
        /// The kinds that exist.
        known: String,
    },
    /// The file of parameters is no good.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// A parameter file that cannot be read or written.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// "read" or "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not a safetensors file.
    #[error("{} is not a safetensors file: {message}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        message: String,
    },
    /// A tensor of the network is not in the file.
    #[error("{} has no tensor {name:?} {expected:?}: it holds {found}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// Its shape.
        expected: Vec<usize>,
        /// The names in the file.
        found: String,
    },
    /// The file holds a tensor that the network has not.
    #[error("{} holds a tensor {name:?} {found:?} that the network does not have: expected {expected}", path.display())]
    Extra {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The network's names.
        expected: String,
    },
    /// A tensor has another shape than in the network.
    #[error("{}: tensor {name:?} has the shape {found:?}, expected {expected:?}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// The shape in the file.
        found: Vec<usize>,
        /// The shape in the network.
        expected: Vec<usize>,
    },
    /// A tensor has another number type than f32 or f64.
    #[error("{}: tensor {name:?} has the number type {found}, expected F32 or F64", path.display())]
    NumberType {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// The type in the file.
        found: String,
    },
    /// A vector does not have as many numbers as the layout.
    #[error("{found} parameters for a network of {expected}")]
    Length {
        /// Numbers given.
        found: usize,
        /// Parameters of the network.
        expected: usize,
    },
}

/// A loss that cannot be built or does not fit the data.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LossError {
    /// The kind is not in the registry.
    #[error("there is no loss {kind:?}: expected one of {known}")]
    UnknownKind {
        /// What was asked for.
        kind: String,
        /// The kinds that exist.
        known: String,
    },
    /// The loss cannot be used with these targets.
    #[error("{0}")]
    Targets(String),
}
