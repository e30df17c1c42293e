//! What is kept of a run: the folder that `losscape run` leaves and that the
//! other commands read.
//!
//! ```text
//! recipe.toml              everything that determines the run
//! metrics.csv              one row a step
//! layers.csv               gradient norm and update ratio of each layer, one row a step
//! parameters.safetensors   the last parameters, under PyTorch's names
//! optimizer.safetensors    what the optimizer remembers at the last parameters
//! snapshots.safetensors    `steps` [n] and `parameters` [n, P], for the path
//! results/*.json           the analyses of the last parameters
//! figures/*.svg, *.png     every view
//! ```

mod error;
mod files;
mod folder;
pub mod json;
pub mod measures;
mod metrics;
mod optimizer;
pub mod race;
pub mod signals;

pub use error::SessionError;
pub use files::write_atomically;
pub use folder::{RunFolder, describe_directions, subject};
pub use metrics::{read_layers, read_metrics, write_layers};
