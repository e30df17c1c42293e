//! What the trainer and the analysis threads report.

use std::ops::Deref;
use std::sync::Arc;

use super::command::Origin;
use super::job::{JobId, Slot};
use super::result::{AnalysisResult, SpectrumPoint};
use crate::math::progress::CancelToken;
use crate::train::optimizers::Stability;
use crate::train::{Divergence, MetricRow, Setup, Snapshot};

/// An event with the run and generation that it belongs to.
#[derive(Clone, Debug)]
pub struct Event {
    /// Where the event comes from. Drop the event when its generation is older
    /// than the newest one that you asked for.
    pub origin: Origin,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum EventKind {
    /// A run was built and stands at step 0; also sent after a reset.
    Loaded(Arc<RunInfo>),
    /// The run went back to this step: rows and snapshots after it are void.
    Rewound {
        /// The step at which the run now stands.
        step: u64,
    },
    /// New rows of the history, oldest first. Rows are never left out; how many
    /// come at a time depends on the speed.
    Metrics(Vec<MetricRow>),
    /// Snapshots that the policy kept since the last such event, oldest first.
    /// Which older ones it thins out meanwhile follows from the policy: push
    /// them into a [`crate::train::Snapshots`] of the same limit.
    Snapshots(Vec<Arc<Snapshot>>),
    /// The ends of the Hessian's spectrum at some steps of the running training,
    /// by rising step; the first eigenvalue of each is the sharpness.
    Spectrum(Vec<SpectrumPoint>),
    /// What measuring them costs, about twice a second while running.
    Monitoring(MonitorLoad),
    /// The run's state changed.
    State(RunState),
    /// A hyperparameter was changed at this step.
    Hyperparameter {
        /// The field's key.
        key: String,
        /// Its new value.
        value: f64,
        /// The step from which it holds.
        step: u64,
        /// Up to which sharpness steps are stable from now on.
        stability: Stability,
    },
    /// A command could not be obeyed; the run goes on as before.
    Refused {
        /// One sentence: what, and why not.
        message: String,
    },
    /// The training speed, about twice a second while running.
    Rate {
        /// Training steps per second.
        steps_per_second: f64,
    },
    /// An analysis job reports.
    Job(JobEvent),
}

/// What the measurements beside a training cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MonitorLoad {
    /// The share of the time that they take.
    pub share: f64,
    /// Steps from one measurement to the next; 1 measures at every step.
    pub every: f64,
}

/// Whether the run is training.
#[derive(Clone, Debug, PartialEq)]
pub enum RunState {
    /// Nothing is loaded.
    Empty,
    /// Standing still.
    Paused,
    /// Training.
    Running,
    /// All steps of the recipe are done.
    Finished,
    /// The loss or the gradient stopped being finite.
    Diverged(Divergence),
    /// The run could not be built or broke down.
    Failed {
        /// What went wrong, in a sentence.
        message: String,
    },
}

/// What an analysis job reports.
#[derive(Clone, Debug)]
pub struct JobEvent {
    /// The job.
    pub job: JobId,
    /// The slot that it was submitted to.
    pub slot: Slot,
    /// What it reports.
    pub kind: JobEventKind,
    /// Set once the job is cancelled: its results are void from then on.
    pub(super) cancel: CancelToken,
}

impl JobEvent {
    /// Turns the end of a job that was cancelled meanwhile into `Cancelled`;
    /// `false` for a result that is void and to be dropped.
    pub(super) fn void_if_cancelled(&mut self) -> bool {
        if !self.cancel.is_cancelled() {
            return true;
        }
        if matches!(self.kind, JobEventKind::Partial(_)) {
            return false;
        }
        self.kind = JobEventKind::Cancelled;
        true
    }
}

/// What happened to a job. After `Finished`, `Cancelled` or `Failed` nothing
/// more comes from it, and after its handle asked it to stop no result does.
#[derive(Clone, Debug)]
pub enum JobEventKind {
    /// A result that will still be refined.
    Partial(AnalysisResult),
    /// The last result.
    Finished {
        /// The result.
        result: AnalysisResult,
        /// The time that the job took, in seconds.
        seconds: f64,
    },
    /// The job was cancelled.
    Cancelled,
    /// The job failed or panicked.
    Failed {
        /// What went wrong, in a sentence.
        message: String,
    },
}

/// A loaded run: where it belongs, and everything about it that training does
/// not change (`info.recipe`, `info.network`, `info.data`, … through [`Setup`]).
#[derive(Clone, Debug)]
pub struct RunInfo {
    /// The run and the generation in which it was built or reset.
    pub origin: Origin,
    /// Recipe, data, network, loss, objectives, layers, initial parameters.
    pub setup: Arc<Setup>,
    /// How many steps the recipe asks for.
    pub total_steps: u64,
    /// Up to which sharpness the first step is stable; later steps announce
    /// changes of hyperparameters by [`EventKind::Hyperparameter`].
    pub stability: Stability,
}

impl Deref for RunInfo {
    type Target = Setup;

    fn deref(&self) -> &Setup {
        &self.setup
    }
}

/// The gradient of one training step, for the gradient images.
#[derive(Clone, Debug)]
pub struct LiveGradient {
    /// The step whose parameters it was taken at.
    pub step: u64,
    /// The gradient of the batch's mean loss, in the layout's order; shortened
    /// where the optimizer clips it.
    pub gradient: Arc<[f32]>,
}
