//! Races with a clock: to the end in one call, and on a thread of their own.

mod landscapes;
mod thread;
mod worker;

#[cfg(test)]
mod tests;

use std::time::Instant;

use crate::math::{CancelToken, MathError};
use crate::race::{
    PlaneChoice, Race, RaceError, RaceLandscape, RaceSettings, ScoreBoard, ScoreError,
};
use crate::recipe::Schema;

pub use thread::{RaceFrame, RaceState, RaceThread, RunnerFrame};

/// A race that is over, and what was measured at its end.
pub struct FinishedRace {
    /// The runners with their curves and paths.
    pub race: Race,
    /// Where they stand.
    pub board: ScoreBoard,
    /// The landscape with all paths; nothing where nobody moved.
    pub landscape: Option<RaceLandscape>,
    /// What could not be computed, and why: one sentence each.
    pub failures: Vec<String>,
}

/// What is measured at the end of a race.
#[derive(Clone, Debug)]
pub struct Finish {
    /// Which plane; the name of a runner chooses its own.
    pub plane: Option<String>,
    /// Points a side of the landscape.
    pub grid: usize,
    /// Whether λ₁ is measured.
    pub sharpness: bool,
}

/// Why a race has no end.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// It could not be built or broke down.
    #[error(transparent)]
    Race(#[from] RaceError),
    /// It was told to stop.
    #[error("cancelled")]
    Cancelled,
}

/// Runs a race to its end and measures what `finish` asks for. `report` is told
/// the steps done and due, of all runners together; it must be quick.
///
/// By steps or Σηₜ all numbers but the seconds are the same on every run and
/// for any number of threads.
///
/// # Errors
/// [`EndError`]. What cannot be measured at the end is no error: see
/// [`FinishedRace::failures`].
pub fn run_to_end(
    settings: RaceSettings,
    schema: &Schema,
    finish: &Finish,
    cancel: &CancelToken,
    report: &dyn Fn(u64, u64),
) -> Result<FinishedRace, EndError> {
    let mut race = Race::new(settings, schema)?;
    let choice = match &finish.plane {
        None => PlaneChoice::Joint,
        Some(name) => {
            let names = || {
                race.runners()
                    .iter()
                    .map(|runner| runner.entry.name.as_str())
            };
            let index = names().position(|known| known == name).ok_or_else(|| {
                let known: Vec<&str> = names().collect();
                RaceError::Refused(format!(
                    "the plane is that of {name:?}, which is no runner; expected joint or one of {}",
                    known.join(", ")
                ))
            })?;
            PlaneChoice::Runner(index)
        }
    };
    let total: u64 = race
        .runners()
        .iter()
        .map(|runner| runner.total_steps())
        .sum();
    let began = Instant::now();
    let mut now = || began.elapsed().as_secs_f64();
    let mut done = 0;
    while race.advance(&mut now)?.is_some() {
        if cancel.is_cancelled() {
            return Err(EndError::Cancelled);
        }
        done += 1;
        if done % 64 == 0 {
            report(done, total);
        }
    }
    report(done, total);
    let mut failures = Vec::new();
    let board = match race.score_board(None, finish.sharpness, cancel) {
        Ok(board) => board,
        Err(ScoreError::Math(MathError::Cancelled)) => return Err(EndError::Cancelled),
        Err(error) => {
            failures.push(format!("the sharpness could not be measured: {error}"));
            race.score_board(None, false, cancel).unwrap_or_default()
        }
    };
    let task = race.landscape(choice, finish.grid);
    let landscape = match task.compute(cancel, &mut |_| ()) {
        Ok(landscape) => Some(landscape),
        Err(MathError::Cancelled) => return Err(EndError::Cancelled),
        Err(error) => {
            failures.push(format!("the landscape could not be computed: {error}"));
            None
        }
    };
    Ok(FinishedRace {
        race,
        board,
        landscape,
        failures,
    })
}
