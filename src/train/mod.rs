//! Training without threads: one step, the run's state, its history;
//! optimizers and learning rate schedules.

mod batches;
pub mod history;
mod norms;
pub mod optimizers;
pub mod schedules;
pub mod snapshots;

pub use history::{CSV_HEADER, History, MetricRow};
pub use snapshots::{Snapshot, Snapshots};
