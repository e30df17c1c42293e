//! What can be wrong with the folder of a run.

use std::path::PathBuf;

use crate::nn::CheckpointError;
use crate::recipe::RecipeError;

/// Why a folder could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The folder of a run is not there or lacks its recipe.
    #[error(
        "{} is not the folder of a run: expected recipe.toml, metrics.csv and \
         parameters.safetensors in it, as `losscape run` leaves them",
        .0.display()
    )]
    NotARun(PathBuf),
    /// A file could not be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is there but does not hold what it should.
    #[error("{}: {message}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected, in a sentence.
        message: String,
    },
    /// The recipe is not valid.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The parameters do not fit the network.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}
