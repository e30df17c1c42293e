//! Instruments that tell what the network does: so far, what it says.

mod prediction;

pub use prediction::{PredictionMap, decide, prediction};
