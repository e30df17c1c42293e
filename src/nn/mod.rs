//! Networks: their description, the ordered layout of their parameters, the
//! candle graph that trains them, the kernels that both training and analyses
//! run on, losses, initializations and parameter files.

pub mod activations;
pub mod checkpoint;
pub mod error;
pub mod graph;
pub mod initializers;
pub mod kernels;
pub mod layout;
pub mod losses;
pub mod models;
pub mod network;
#[cfg(test)]
pub(crate) mod oracle;
pub mod quantize;

pub use error::{CheckpointError, InitializationError, LossError, ModelError};
pub use graph::{Graph, GraphError};
pub use initializers::{initialize, initialize_f64};
pub use layout::{ParameterKind, ParameterLayout, ParameterTensor};
pub use losses::{BatchTargets, Loss};
pub use network::{Network, Operation, Operator, ValueId};
