//! Races: several optimizers (or learning rates, batch sizes, …) from the same
//! parameters over the same batches, on one landscape: that of a network, or a
//! closed-form function whose plane is the whole space.
//!
//! A [`Race`] is pure state: it makes a step when told to, and a clock is
//! handed to it where seconds count.

mod entry;
mod function_run;
mod plane;
mod runner;
mod score;
mod state;
mod trail;

#[cfg(test)]
mod tests;

pub use entry::{Change, Entry, SECTIONS, parse_value, split_pairs};
pub use plane::{LandscapeTask, PlaneChoice, PlaneOrigin, RaceLandscape, RunnerPath};
pub use runner::{Curve, Path, Runner, Status};
pub use score::{Score, ScoreBoard, ScoreError};
pub use state::{
    Ground, GroundSettings, Lockstep, MOST_RUNNERS, Race, RaceError, RaceSettings, step_at,
};
pub use trail::Trail;
