//! A race on a thread of its own: commands in, the newest state out.

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, TrySendError, bounded};

use super::super::EngineError;
use super::super::process::{Priority, set_thread_priority};
use super::super::waker::{Wake, Waker};
use super::landscapes::Landscapes;
use super::worker::{Links, Worker};
use crate::race::{Curve, Ground, PlaneChoice, RaceLandscape, RaceSettings, ScoreBoard, Status};

/// Commands that may wait.
const COMMANDS: usize = 256;

/// What the thread can be told.
pub(super) enum Command {
    Load(Box<RaceSettings>, u64),
    Play,
    Pause,
    Round,
    Reset(u64),
    Speed(Option<f64>),
    Look { at: Option<f64>, sharpness: bool },
    Map { choice: PlaneChoice, grid: usize },
}

/// What a race is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RaceState {
    /// Standing still.
    #[default]
    Paused,
    /// Running.
    Running,
    /// Nobody makes a step any more.
    Over,
    /// It could not be built or broke down: why, in a sentence.
    Failed(String),
}

/// A runner as it stands.
#[derive(Clone, Debug)]
pub struct RunnerFrame {
    /// Its name.
    pub name: String,
    /// What it left behind.
    pub curve: Curve,
    /// Updates done.
    pub steps_done: u64,
    /// Whether it still runs.
    pub status: Status,
}

/// The state of a race at one moment, complete in itself.
#[derive(Clone, Debug, Default)]
pub struct RaceFrame {
    /// Which race: counts up at every load and reset.
    pub generation: u64,
    /// Counts up with every report.
    pub revision: u64,
    /// What it is doing.
    pub state: RaceState,
    /// What determined it.
    pub settings: Option<Arc<RaceSettings>>,
    /// What the runners run on.
    pub ground: Option<Ground>,
    /// The runners.
    pub runners: Vec<RunnerFrame>,
    /// The race's clock.
    pub clock: f64,
    /// Where all stand at the moment that is looked at.
    pub board: Arc<ScoreBoard>,
}

/// Where the newest frame lies.
pub(super) type Place = Arc<Mutex<Option<Arc<RaceFrame>>>>;

/// The thread of a race. All calls return at once; dropping it ends the race.
pub struct RaceThread {
    commands: Sender<Command>,
    place: Place,
    waker: Waker,
    stop: Arc<AtomicBool>,
    generation: Cell<u64>,
    landscapes: Landscapes,
    thread: Option<JoinHandle<()>>,
}

impl RaceThread {
    /// Starts the thread. `wake` is called, from any thread, when there is a
    /// newer state, and not again before [`RaceThread::frame`] was.
    ///
    /// # Errors
    /// Where the system refuses a thread.
    pub fn new(wake: Wake) -> io::Result<Self> {
        let (sender, commands) = bounded(COMMANDS);
        let waker = Waker::new(wake);
        let place = Place::default();
        let stop = Arc::new(AtomicBool::new(false));
        let landscapes = Landscapes::new(waker.clone())?;
        let worker = Worker::new(Links {
            commands,
            place: Arc::clone(&place),
            waker: waker.clone(),
            stop: Arc::clone(&stop),
            maps: landscapes.sender(),
        });
        let thread = std::thread::Builder::new()
            .name("race".to_owned())
            .spawn(move || {
                set_thread_priority(Priority::Watched);
                worker.work();
            })?;
        Ok(Self {
            commands: sender,
            place,
            waker,
            stop,
            generation: Cell::new(0),
            landscapes,
            thread: Some(thread),
        })
    }

    fn send(&self, command: Command) -> Result<(), EngineError> {
        self.commands
            .try_send(command)
            .map_err(|error| match error {
                TrySendError::Full(_) => EngineError::Busy,
                TrySendError::Disconnected(_) => EngineError::Stopped,
            })
    }

    fn begin(&self, command: impl FnOnce(u64) -> Command) -> Result<u64, EngineError> {
        let generation = self.generation.get() + 1;
        self.send(command(generation))?;
        self.generation.set(generation);
        Ok(generation)
    }

    /// Builds a race, paused at the start; the former one is gone. Its
    /// generation is known at once.
    ///
    /// # Errors
    /// [`EngineError`]; the former race goes on then.
    pub fn load(&self, settings: RaceSettings) -> Result<u64, EngineError> {
        self.begin(|generation| Command::Load(Box::new(settings), generation))
    }

    /// Goes back to the start, paused.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn reset(&self) -> Result<u64, EngineError> {
        self.begin(Command::Reset)
    }

    /// Runs until paused or over.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn play(&self) -> Result<(), EngineError> {
        self.send(Command::Play)
    }

    /// Stands still.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn pause(&self) -> Result<(), EngineError> {
        self.send(Command::Pause)
    }

    /// Makes a step of everybody, then stands still.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn step(&self) -> Result<(), EngineError> {
        self.send(Command::Round)
    }

    /// Limits the speed to so many rounds a second; `None` means no limit.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn set_speed(&self, limit: Option<f64>) -> Result<(), EngineError> {
        self.send(Command::Speed(limit))
    }

    /// Lets the score board be about this moment of the clock (`None`: the
    /// newest), with λ₁ where wanted; λ₁ is measured while standing still.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn look(&self, at: Option<f64>, sharpness: bool) -> Result<(), EngineError> {
        self.send(Command::Look { at, sharpness })
    }

    /// Chooses the plane and its points a side.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn set_map(&self, choice: PlaneChoice, grid: usize) -> Result<(), EngineError> {
        self.send(Command::Map { choice, grid })
    }

    /// The newest state of the race that was asked for last; nothing before it
    /// is built.
    pub fn frame(&self) -> Option<Arc<RaceFrame>> {
        self.waker.rearm();
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        place
            .as_ref()
            .filter(|frame| frame.generation == self.generation.get())
            .cloned()
    }

    /// The newest landscape of this race, or why there is none.
    pub fn landscape(&self) -> Option<Result<Arc<RaceLandscape>, String>> {
        self.landscapes.newest(self.generation.get())
    }
}

impl Drop for RaceThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Whatever it is waiting for, a command wakes it.
        let _ = self.commands.try_send(Command::Pause);
        if let Some(thread) = self.thread.take() {
            // It catches its panics; there is nothing left to tell.
            let _ = thread.join();
        }
    }
}
