//! Measures the sharpness of the running training, beside it: every so many
//! steps the parameters go to the analysis threads, and what they find comes
//! back to the trainer. Where training is faster than measuring, measurements
//! are left out, never waited for.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{SendTimeoutError, Sender};

use super::analyses::Tracker;
use super::command::Origin;
use super::job::{Job, JobContext, JobError, JobHandle};
use super::pool::Submitter;
use super::result::{AnalysisResult, ResultKind, SpectrumPoint};
use crate::math::Progress as _;
use crate::train::Run;

/// The slot of the measurements.
pub(super) const SLOT: &str = "sharpness";

/// How long a measurement waits for the trainer before it looks whether it is
/// still wanted.
const PATIENCE: Duration = Duration::from_millis(20);

/// A finished measurement.
pub(super) struct Measurement {
    pub(super) origin: Origin,
    pub(super) point: Arc<SpectrumPoint>,
}

pub(super) struct Monitor {
    submitter: Submitter,
    measurements: Sender<Measurement>,
    every: u64,
    top: usize,
    handles: Vec<JobHandle>,
    /// What the next measurement starts from.
    tracker: Arc<Mutex<Tracker>>,
}

impl Monitor {
    pub(super) fn new(submitter: Submitter, measurements: Sender<Measurement>) -> Self {
        Self {
            submitter,
            measurements,
            every: 0,
            top: 1,
            handles: Vec::new(),
            tracker: Arc::default(),
        }
    }

    /// How often to measure (0: never), and how many eigenvalues.
    pub(super) fn set(&mut self, every: u64, top: usize) {
        self.every = every;
        self.top = top.max(1);
    }

    /// Gives up what is being measured: the run it belongs to is void.
    pub(super) fn forget(&mut self) {
        self.handles.clear();
        self.tracker = Arc::default();
    }

    /// Measures the run's present parameters if it is time.
    pub(super) fn offer(&mut self, origin: Origin, run: &Run) {
        if self.every > 0 && run.steps_done().is_multiple_of(self.every) {
            self.submit(origin, run);
        }
    }

    /// Measures the final parameters, whether or not it is time.
    pub(super) fn offer_last(&mut self, origin: Origin, run: &Run) {
        if self.every > 0 {
            self.submit(origin, run);
        }
    }

    fn submit(&mut self, origin: Origin, run: &Run) {
        self.handles.retain(|handle| !handle.is_done());
        let setup = Arc::clone(run.setup());
        let theta: Arc<[f32]> = run.parameters().into();
        let (step, learning_rate, stability) =
            (run.steps_done(), run.learning_rate(), run.stability());
        let (top, tracker, sender) = (
            self.top,
            Arc::clone(&self.tracker),
            self.measurements.clone(),
        );
        let work = move |context: &JobContext| {
            let eigenvalues = {
                let mut tracker = tracker.lock().unwrap_or_else(PoisonError::into_inner);
                tracker.measure(&setup, &theta, top, context)?
            };
            let mut measurement = Measurement {
                origin,
                point: Arc::new(SpectrumPoint {
                    step,
                    eigenvalues,
                    learning_rate,
                    stability: stability.clone(),
                }),
            };
            loop {
                match sender.send_timeout(measurement, PATIENCE) {
                    Ok(()) | Err(SendTimeoutError::Disconnected(_)) => break,
                    Err(SendTimeoutError::Timeout(back)) => {
                        context.check()?;
                        measurement = back;
                    }
                }
            }
            Ok::<_, JobError>(AnalysisResult {
                step,
                kind: ResultKind::Nothing,
            })
        };
        let job = Job::new(SLOT, "sharpness", origin, work).following();
        self.handles.push(self.submitter.submit(job));
    }
}
