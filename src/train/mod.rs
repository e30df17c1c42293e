//! Training without threads: one step, the run's state, its history;
//! optimizers and learning rate schedules.

pub mod history;
pub mod optimizers;
pub mod schedules;
pub mod snapshots;

pub use history::{History, MetricRow};
pub use snapshots::{Snapshot, Snapshots};
