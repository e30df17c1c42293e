//! Threads: one that trains, some that analyse; commands in, events out.
//!
//! The window holds an [`Engine`] and never computes and never blocks:
//! [`Engine::load`], [`Engine::send`] and [`Engine::submit`] return at once,
//! [`Engine::drain`] hands over what has happened since, and the newest
//! parameters and gradient lie in places that only the newest value occupies.
//! The engine wakes the window at most once between two drains.

pub mod analyses;
mod budget;
mod command;
pub mod curvature;
mod event;
pub mod headless;
mod job;
mod latest;
mod monitor;
mod outbox;
pub mod paths;
mod pool;
mod process;
pub mod quantized;
pub mod race;
mod record;
mod result;
pub mod stability;
mod trainer;
mod waker;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

pub use command::{Command, Generation, Origin, RunId};
pub use event::{
    Event, EventKind, JobEvent, JobEventKind, LiveGradient, MonitorLoad, RunInfo, RunState,
};
pub use job::{Analysis, Job, JobContext, JobError, JobHandle, JobId, Slot, Succession};
pub use monitor::MonitorSettings;
pub use process::{Priority, cores, prepare_process, set_thread_priority, thread_time};
pub use record::RunRecord;
pub use result::{
    AnalysisResult, Landscape, Reroll, ResultKind, SliceShape, Spectrum, SpectrumPoint,
};
pub use waker::Wake;

use crate::recipe::Recipe;
use crate::train::{Setup, Snapshot};
use latest::Latest;
use monitor::Monitor;
use outbox::Outbox;
use pool::{Pool, Submitter};
use trainer::{Links, Trainer};
use waker::Waker;

/// Commands that may wait for the trainer.
const COMMANDS: usize = 1024;
/// Events that may wait for the window.
const EVENTS: usize = 1024;
/// Measurements that may wait for the trainer.
const MEASUREMENTS: usize = 64;

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Too many commands wait already.
    #[error("the trainer is busy: too many commands wait already")]
    Busy,
    /// The trainer thread has ended.
    #[error("the trainer has stopped; start the program again")]
    Stopped,
}

/// The trainer thread and the analysis threads. Dropping it ends them all.
pub struct Engine {
    commands: Sender<Command>,
    events: Receiver<Event>,
    waker: Waker,
    submitter: Submitter,
    live: Latest<Snapshot>,
    gradient: Latest<LiveGradient>,
    origin: Mutex<Origin>,
    stop: Arc<AtomicBool>,
    trainer: Option<JoinHandle<()>>,
    pool: Option<Pool>,
}

impl Engine {
    /// Starts the threads. `wake` is called, from any of them, when there is
    /// something to [`Engine::drain`], and not again before it was.
    ///
    /// # Errors
    /// Where the system refuses a thread.
    pub fn new(wake: Wake) -> io::Result<Self> {
        let (commands, command_receiver) = bounded(COMMANDS);
        let (event_sender, events) = bounded(EVENTS);
        let (measurement_sender, measurements) = bounded(MEASUREMENTS);
        let waker = Waker::new(wake);
        let pool = Pool::new(event_sender.clone(), waker.clone())?;
        let submitter = pool.submitter();
        let (live, gradient) = (Latest::new(), Latest::new());
        let stop = Arc::new(AtomicBool::new(false));
        let links = Links {
            commands: command_receiver,
            measurements,
            stop: Arc::clone(&stop),
            outbox: Outbox::new(event_sender, waker.clone()),
            live: live.clone(),
            gradient: gradient.clone(),
            monitor: Monitor::new(submitter.clone(), measurement_sender),
        };
        let trainer = std::thread::Builder::new()
            .name("trainer".to_owned())
            .spawn(move || {
                set_thread_priority(Priority::Watched);
                Trainer::new(links).work();
            })?;
        Ok(Self {
            commands,
            events,
            waker,
            submitter,
            live,
            gradient,
            origin: Mutex::new(Origin::default()),
            stop,
            trainer: Some(trainer),
            pool: Some(pool),
        })
    }

    /// The run and generation that were asked for last.
    pub fn origin(&self) -> Origin {
        *self.origin.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads a recipe, paused at step 0; relative paths start from `base_dir`.
    /// The new run's origin is known at once.
    ///
    /// # Errors
    /// [`EngineError`]; the former run goes on then.
    pub fn load(
        &self,
        recipe: Arc<Recipe>,
        base_dir: impl Into<PathBuf>,
    ) -> Result<Origin, EngineError> {
        let base_dir = base_dir.into();
        self.begin(true, |origin| Command::Load {
            recipe,
            base_dir,
            origin,
        })
    }

    /// Holds, paused, a new run that was set up already; see
    /// [`Setup::branch`].
    ///
    /// # Errors
    /// [`EngineError`]; the former run goes on then.
    pub fn begin_run(&self, setup: Arc<Setup>) -> Result<Origin, EngineError> {
        self.begin(true, |origin| Command::Begin { setup, origin })
    }

    /// Goes back to the beginning of the same run, paused.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn reset(&self) -> Result<Origin, EngineError> {
        self.begin(false, |origin| Command::Reset { origin })
    }

    /// Goes back to the newest snapshot at or before `step`, paused.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn rewind(&self, step: u64) -> Result<Origin, EngineError> {
        self.begin(false, |origin| Command::Rewind { step, origin })
    }

    /// Sends any other command.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn send(&self, command: Command) -> Result<(), EngineError> {
        self.commands
            .try_send(command)
            .map_err(|error| match error {
                TrySendError::Full(_) => EngineError::Busy,
                TrySendError::Disconnected(_) => EngineError::Stopped,
            })
    }

    fn begin(
        &self,
        new_run: bool,
        command: impl FnOnce(Origin) -> Command,
    ) -> Result<Origin, EngineError> {
        let mut current = self.origin.lock().unwrap_or_else(PoisonError::into_inner);
        let origin = Origin {
            run: RunId(current.run.0 + u64::from(new_run)),
            generation: Generation(current.generation.0 + 1),
        };
        self.send(command(origin))?;
        *current = origin;
        Ok(origin)
    }

    /// What has happened since the last call, oldest first. What the trainer
    /// reported before the newest generation is left out, and so are results
    /// of cancelled jobs.
    pub fn drain(&self) -> Vec<Event> {
        self.waker.rearm();
        let generation = self.origin().generation;
        self.events
            .try_iter()
            .filter_map(|mut event| match &mut event.kind {
                EventKind::Job(job) => job.void_if_cancelled().then_some(event),
                _ => (event.origin.generation >= generation).then_some(event),
            })
            .collect()
    }

    /// The newest parameters of the present generation, at most some 25
    /// milliseconds old while training. They carry no optimizer state.
    pub fn live_parameters(&self) -> Option<Arc<Snapshot>> {
        self.live.get(self.origin())
    }

    /// The newest gradient of the present generation.
    pub fn live_gradient(&self) -> Option<Arc<LiveGradient>> {
        self.gradient.get(self.origin())
    }

    /// Submits an analysis job and returns at once. Keep the handle: dropping
    /// it cancels the job.
    pub fn submit(&self, job: Job) -> JobHandle {
        self.submitter.submit(job)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A full channel wakes the trainer as well.
        let _ = self.commands.try_send(Command::Shutdown);
        self.pool = None;
        if let Some(trainer) = self.trainer.take() {
            // The trainer catches its panics; there is nothing left to tell.
            let _ = trainer.join();
        }
    }
}
