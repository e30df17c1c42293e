//! Instruments that tell what the network does: what it says, and which samples
//! a step pulls in opposite directions.

mod prediction;
pub mod signals;

pub use prediction::{PredictionMap, decide, prediction};
