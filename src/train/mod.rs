//! Training without threads: one step, the run's state, its history;
//! optimizers and learning rate schedules.

mod batches;
mod divergence;
pub mod history;
mod layers;
mod norms;
pub mod optimizers;
mod replay;
mod run;
pub mod schedules;
mod setup;
pub mod snapshots;
mod surroundings;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use divergence::Divergence;
pub(crate) use divergence::{grouped, significant};
pub use history::{CSV_HEADER, History, MetricRow};
pub use layers::{Layer, layers};
pub use replay::{HyperparameterChange, Replay};
pub use run::{Run, StepOutcome};
pub use setup::{RunError, Setup};
pub use snapshots::{Snapshot, Snapshots};
pub use surroundings::LossSurroundings;
