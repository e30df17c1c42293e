//! What the trainer and the analysis threads report.

use std::path::PathBuf;
use std::sync::Arc;

use super::command::Origin;
use super::job::{JobId, Slot};
use super::result::AnalysisResult;
use crate::data::PreparedData;
use crate::nn::Network;
use crate::nn::losses::Loss;
use crate::objective::Objective;
use crate::recipe::Recipe;
use crate::train::{MetricRow, Snapshot, SpectrumPoint};

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
    /// The policy kept a snapshot.
    Snapshot(Arc<Snapshot>),
    /// The top eigenvalues of the Hessian at one step of the running training;
    /// the first of them is the sharpness.
    Spectrum(Arc<SpectrumPoint>),
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
    Diverged {
        /// The step at which it happened.
        step: u64,
        /// What happened and what it exceeds, in a sentence.
        explanation: String,
        /// The newest snapshot that is worth going back to, if there is one.
        rewind_to: Option<u64>,
    },
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

/// Everything about a loaded run that does not change while it trains.
pub struct RunInfo {
    /// The run and the generation in which it was built.
    pub origin: Origin,
    /// The recipe.
    pub recipe: Arc<Recipe>,
    /// The folder that the recipe's relative paths start from.
    pub base_dir: PathBuf,
    /// The network; `network.layout()` orders the parameter vector.
    pub network: Arc<Network>,
    /// The loss.
    pub loss: Arc<dyn Loss>,
    /// The data, split and standardised.
    pub data: Arc<PreparedData>,
    /// The loss over the whole training set, in single precision.
    pub training: Objective<f32>,
    /// The loss over the validation set, in single precision, if there is one.
    pub validation: Option<Objective<f32>>,
    /// The parameters at step 0.
    pub initial: Arc<Snapshot>,
    /// How many steps the recipe asks for.
    pub total_steps: u64,
    /// Samples in a batch (the whole training set for full batch).
    pub batch_size: usize,
    /// Steps in an epoch, the last short batch counted.
    pub steps_per_epoch: u64,
}

impl std::fmt::Debug for RunInfo {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RunInfo")
            .field("origin", &self.origin)
            .field("recipe", &self.recipe.name)
            .field("parameters", &self.network.layout().len())
            .field("total_steps", &self.total_steps)
            .finish_non_exhaustive()
    }
}

/// The gradient of one training step, for the gradient images.
#[derive(Clone, Debug)]
pub struct LiveGradient {
    /// The step whose parameters it was taken at.
    pub step: u64,
    /// The gradient of the batch's mean loss, in the layout's order.
    pub gradient: Arc<[f32]>,
}
