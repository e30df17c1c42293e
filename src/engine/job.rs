//! Analysis jobs: what they are, how they are told to stop, and how they report.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::command::Origin;
use super::result::AnalysisResult;
use crate::math::progress::{CancelToken, Cancelled, Progress};

/// Which job of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// The place that a job's result is for. A new job in a slot cancels and
/// replaces the one before it; jobs in different slots do not disturb each
/// other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slot(pub String);

impl Slot {
    /// The slot of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why a job ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The job was told to stop.
    #[error("cancelled")]
    Cancelled,
    /// The job could not do its work.
    #[error("{0}")]
    Failed(String),
}

impl From<Cancelled> for JobError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// One analysis: a piece of work that runs on an analysis thread, inside the
/// analysis threads' rayon pool.
pub trait Analysis: Send {
    /// Does the work. Results that will still be refined go to
    /// [`JobContext::publish`]; the last one is returned.
    ///
    /// # Errors
    /// [`JobError::Cancelled`] after [`JobContext::cancel`] was seen to be set,
    /// [`JobError::Failed`] with one sentence otherwise.
    fn run(&mut self, context: &JobContext) -> Result<AnalysisResult, JobError>;
}

impl<F> Analysis for F
where
    F: FnMut(&JobContext) -> Result<AnalysisResult, JobError> + Send,
{
    fn run(&mut self, context: &JobContext) -> Result<AnalysisResult, JobError> {
        self(context)
    }
}

/// What happens to the job that a slot already holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Succession {
    /// It is cancelled and replaced at once: the user asked for something else.
    #[default]
    Replace,
    /// If it runs it may finish first; only one that still waits is replaced.
    /// For jobs that follow the training: each shows something before the next.
    Follow,
}

/// A request for an analysis.
pub struct Job {
    /// Where the result belongs.
    pub slot: Slot,
    /// What the status bar calls it, such as `slice 65×65`.
    pub label: String,
    /// The run and generation whose parameters are analysed.
    pub origin: Origin,
    /// What happens to the job that the slot already holds.
    pub succession: Succession,
    /// The work.
    pub analysis: Box<dyn Analysis>,
}

impl Job {
    /// A job that replaces the one before it in its slot.
    pub fn new(
        slot: impl Into<String>,
        label: impl Into<String>,
        origin: Origin,
        analysis: impl Analysis + 'static,
    ) -> Self {
        Self {
            slot: Slot::new(slot),
            label: label.into(),
            origin,
            succession: Succession::Replace,
            analysis: Box::new(analysis),
        }
    }

    /// The same job, which lets the running one in its slot finish first.
    #[must_use]
    pub fn following(mut self) -> Self {
        self.succession = Succession::Follow;
        self
    }
}

/// What a job and its handle share.
pub(super) struct JobShared {
    pub(super) id: JobId,
    pub(super) slot: Slot,
    pub(super) label: String,
    pub(super) cancel: CancelToken,
    progress: AtomicU32,
    done: AtomicBool,
}

impl JobShared {
    pub(super) fn new(id: JobId, slot: Slot, label: String) -> Self {
        Self {
            id,
            slot,
            label,
            cancel: CancelToken::new(),
            progress: AtomicU32::new(0f32.to_bits()),
            done: AtomicBool::new(false),
        }
    }

    pub(super) fn finish(&self) {
        self.done.store(true, Ordering::Release);
    }

    fn set_progress(&self, fraction: f32) {
        self.progress
            .store(fraction.clamp(0.0, 1.0).to_bits(), Ordering::Relaxed);
    }
}

/// What a running analysis sees of the engine.
pub struct JobContext {
    pub(super) shared: Arc<JobShared>,
    pub(super) publish: Box<dyn Fn(AnalysisResult) + Send + Sync>,
}

/// The computation's own progress is the job's: pass the context on.
impl Progress for JobContext {
    fn report(&self, done: usize, total: usize) {
        self.set_progress(done as f32 / total.max(1) as f32);
    }

    fn is_cancelled(&self) -> bool {
        self.shared.cancel.is_cancelled()
    }
}

impl JobContext {
    /// Set when the job should stop: pass it on to whatever takes long.
    pub fn cancel(&self) -> &CancelToken {
        &self.shared.cancel
    }

    /// Tells how much of the work is done, between 0 and 1.
    pub fn set_progress(&self, fraction: f32) {
        self.shared.set_progress(fraction);
    }

    /// Reports a result that will still be refined. After a cancellation it is
    /// dropped.
    pub fn publish(&self, result: AnalysisResult) {
        if !self.shared.cancel.is_cancelled() {
            (self.publish)(result);
        }
    }
}

/// A handle on a submitted job. Dropping it cancels the job.
pub struct JobHandle {
    pub(super) shared: Arc<JobShared>,
    pub(super) origin: Origin,
    pub(super) detached: bool,
}

impl JobHandle {
    /// The job's number.
    pub fn id(&self) -> JobId {
        self.shared.id
    }

    /// The slot that it was submitted to.
    pub fn slot(&self) -> &Slot {
        &self.shared.slot
    }

    /// What the status bar calls it.
    pub fn label(&self) -> &str {
        &self.shared.label
    }

    /// The run and generation that it analyses.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// How much of the work is done, between 0 and 1.
    pub fn progress(&self) -> f32 {
        f32::from_bits(self.shared.progress.load(Ordering::Relaxed))
    }

    /// Whether the job has ended: finished, failed, or cancelled.
    pub fn is_done(&self) -> bool {
        self.shared.done.load(Ordering::Acquire)
    }

    /// Tells the job to stop. Nothing but its last event comes from it.
    pub fn cancel(&self) {
        self.shared.cancel.cancel();
    }

    /// Lets the job go on without its handle.
    pub fn detach(mut self) {
        self.detached = true;
    }
}

impl Drop for JobHandle {
    fn drop(&mut self) {
        if !self.detached {
            self.shared.cancel.cancel();
        }
    }
}

impl fmt::Debug for JobHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("JobHandle")
            .field("id", &self.id())
            .field("slot", self.slot())
            .field("label", &self.label())
            .field("progress", &self.progress())
            .finish()
    }
}
