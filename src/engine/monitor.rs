//! Measures the sharpness of the running training as often as a share of its
//! time allows.
//!
//! Where one measurement is short it is made on the trainer's own thread, at
//! every step if the share pays for it: no channel and no other thread is in
//! the way. Longer ones go to the analysis threads, one at a time; what they
//! cost the training is measured, as the time by which its steps take longer
//! meanwhile, and pauses keep that within the share as well. Measurements that
//! cannot be paid for are left out, never waited for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crossbeam_channel::{SendTimeoutError, Sender};

use super::analyses::{TrackSettings, Tracked, Tracker};
use super::budget::Budget;
use super::command::Origin;
use super::event::MonitorLoad;
use super::job::{Job, JobContext, JobError, JobHandle};
use super::pool::{Submitter, panic_message};
use super::result::{AnalysisResult, ResultKind, SpectrumPoint};
use crate::math::Progress as _;
use crate::recipe::Component;
use crate::train::Run;

/// The slot of the measurements.
pub(super) const SLOT: &str = "live sharpness";

/// How long a measurement waits for the trainer before it looks whether it is
/// still wanted.
const PATIENCE: Duration = Duration::from_millis(20);
/// Measurements up to this long, in seconds, are always made on the trainer's
/// thread: there nothing else comes before them.
const SHORT: f64 = 1e-3;
/// Measurements up to this long are made there where the share pays for one at
/// every step.
const LONG: f64 = 5e-3;
/// The same where the whole time is granted: commands wait no longer than that.
const LONGEST: f64 = 0.5;
/// Parameters × samples up to which the first measurements, whose length nobody
/// knows yet, are made there.
const FIRST: usize = 1 << 20;
/// The part of what measuring costs that is timed: telling the window and colder
/// caches cost the rest.
const TIMED_PART: f64 = 0.95;
/// Share of the old value that running means of times keep.
const KEEP: f64 = 0.9;
/// Steps beside measurements for each one that is timed alone.
const FLOWN: u32 = 8;
/// Steps without a measurement that must have been timed before one is made
/// beside the training.
const TIMED: u32 = 4;

/// How the running training is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MonitorSettings {
    /// Steps between two measurements; 0 measures never.
    pub every: u64,
    /// Measure as often as the share allows, whatever `every` says (but 0).
    pub automatic: bool,
    /// The share of the time that measuring may take; 1 measures always.
    pub share: f64,
    /// What is measured.
    pub track: TrackSettings,
}

impl MonitorSettings {
    /// What a recipe's `[analyses.spectrum]` asks for.
    pub fn from_recipe(spectrum: &Component) -> Self {
        Self {
            every: spectrum.count("every") as u64,
            automatic: spectrum.boolean("automatic"),
            share: spectrum.float("share"),
            track: TrackSettings::from_recipe(spectrum),
        }
    }

    fn is_due(&self, step: u64) -> bool {
        self.every > 0 && (self.automatic || step.is_multiple_of(self.every))
    }
}

/// A finished measurement.
pub(super) struct Measurement {
    pub(super) origin: Origin,
    pub(super) point: SpectrumPoint,
}

/// Times after which a mean is one.
const SETTLED: u32 = 4;

/// A running mean of times.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    value: f64,
    count: u32,
}

impl Mean {
    /// Takes in a time. Others may have had the processor meanwhile: at first
    /// the shortest counts, and later one that is far longer counts as twice.
    fn push(&mut self, value: f64) {
        self.value = match self.count {
            0 => value,
            1..SETTLED => value.min(self.value),
            _ => KEEP * self.value + (1.0 - KEEP) * value.min(2.0 * self.value),
        };
        self.count = self.count.saturating_add(1);
    }
}

/// A measurement beside the training.
struct Flight {
    handle: JobHandle,
    seconds: Arc<Mutex<Option<f64>>>,
    /// Steps and their time since it began.
    steps: u32,
    time: f64,
}

pub(super) struct Monitor {
    submitter: Submitter,
    measurements: Sender<Measurement>,
    settings: Option<MonitorSettings>,
    budget: Budget,
    /// What the next measurement starts from.
    tracker: Arc<Mutex<Tracker>>,
    /// Seconds of a measurement.
    cost: Mean,
    /// Seconds from step to step, without measuring.
    period: Mean,
    flight: Option<Flight>,
    /// Steps that must pass before the next flight.
    pause: u32,
    /// Steps made beside flights and not yet followed by a pause.
    flown: u32,
    last: Option<Instant>,
    /// Time spent on measuring since `last`.
    measured: f64,
    /// Steps offered and measured since the load was asked for.
    offered: u64,
    made: u64,
    failure: Option<String>,
    told: bool,
}

impl Monitor {
    pub(super) fn new(submitter: Submitter, measurements: Sender<Measurement>) -> Self {
        Self {
            submitter,
            measurements,
            settings: None,
            budget: Budget::new(0.0),
            tracker: Arc::default(),
            cost: Mean::default(),
            period: Mean::default(),
            flight: None,
            pause: 0,
            flown: 0,
            last: None,
            measured: 0.0,
            offered: 0,
            made: 0,
            failure: None,
            told: false,
        }
    }

    /// How to measure from now on.
    pub(super) fn set(&mut self, settings: MonitorSettings) {
        self.budget.set_share(if settings.share < 1.0 {
            TIMED_PART * settings.share
        } else {
            settings.share
        });
        if self
            .settings
            .is_some_and(|before| before.track != settings.track)
        {
            self.cost = Mean::default();
        }
        self.settings = Some(settings);
    }

    /// Gives up what is being measured: the run it belongs to is void.
    pub(super) fn forget(&mut self) {
        self.flight = None;
        self.tracker = Arc::default();
        self.cost = Mean::default();
        self.period = Mean::default();
        self.told = false;
        self.failure = None;
        self.rest();
    }

    /// The training stands still.
    pub(super) fn rest(&mut self) {
        self.budget.rest();
        self.last = None;
        self.pause = 0;
        (self.offered, self.made) = (0, 0);
    }

    /// What measuring cost since the last call.
    pub(super) fn load(&mut self) -> Option<MonitorLoad> {
        let made = std::mem::take(&mut self.made);
        let offered = std::mem::take(&mut self.offered);
        (made > 0).then(|| MonitorLoad {
            share: self.budget.spent(),
            every: offered as f64 / made as f64,
        })
    }

    /// Why the first measurement that failed did, once.
    pub(super) fn failure(&mut self) -> Option<String> {
        let failure = self.failure.take().filter(|_| !self.told);
        self.told |= failure.is_some();
        failure
    }

    /// Measures the run's present parameters if it is time, before it steps on;
    /// what comes out at once is returned.
    pub(super) fn offer(&mut self, origin: Origin, run: &Run) -> Option<SpectrumPoint> {
        let settings = self.settings.filter(|settings| settings.every > 0)?;
        let now = Instant::now();
        self.offered += 1;
        if let Some(last) = self.last.replace(now) {
            let passed = now.saturating_duration_since(last);
            self.budget.pass(passed);
            self.stepped(passed.as_secs_f64() - self.measured);
        }
        self.measured = 0.0;
        if !settings.is_due(run.steps_done()) || self.flight.is_some() || !self.budget.affords() {
            return None;
        }
        if self.is_here(run) {
            let found = self.measure_here(run, &settings);
            let took = now.elapsed();
            self.measured = took.as_secs_f64();
            self.budget.spend(took);
            self.cost.push(self.measured);
            return found;
        }
        if self.pause == 0 && self.period.count >= TIMED {
            self.submit(origin, run, &settings);
        }
        None
    }

    /// Measures the final parameters, whether or not it is time.
    pub(super) fn offer_last(&mut self, origin: Origin, run: &Run) -> Option<SpectrumPoint> {
        let settings = self.settings.filter(|settings| settings.every > 0)?;
        if self.flight.is_none() && self.is_here(run) {
            return self.measure_here(run, &settings);
        }
        self.submit(origin, run, &settings);
        None
    }

    /// A step was made in so many seconds.
    fn stepped(&mut self, seconds: f64) {
        let seconds = seconds.max(0.0);
        let Some(flight) = &mut self.flight else {
            self.period.push(seconds);
            self.pause = self.pause.saturating_sub(1);
            return;
        };
        flight.steps += 1;
        flight.time += seconds;
        if !flight.handle.is_done() {
            return;
        }
        // What the steps took longer is what the measurement cost; then some
        // are timed alone again.
        let longer = flight.time - f64::from(flight.steps) * self.period.value;
        self.budget.spend(Duration::from_secs_f64(longer.max(0.0)));
        self.flown += flight.steps;
        self.pause = self.flown / FLOWN;
        self.flown %= FLOWN;
        let took = *flight
            .seconds
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(took) = took {
            self.cost.push(took);
            self.made += 1;
        }
        self.flight = None;
    }

    /// Whether a measurement is made on this thread.
    fn is_here(&self, run: &Run) -> bool {
        if self.cost.count < SETTLED {
            let setup = run.setup();
            return setup.dim() * setup.data.train.len() <= FIRST;
        }
        let (share, cost) = (self.budget.share(), self.cost.value);
        if share >= 1.0 {
            return cost <= LONGEST;
        }
        let paid = self.period.value * share / (1.0 - share);
        cost <= SHORT || (cost <= LONG && cost <= paid)
    }

    fn measure_here(&mut self, run: &Run, settings: &MonitorSettings) -> Option<SpectrumPoint> {
        let mut tracker = match self.tracker.try_lock() {
            Ok(tracker) => tracker,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let (setup, theta) = (run.setup(), run.parameters());
        let at = Tracked::of(run);
        let work = || tracker.measure(setup, theta, &at, &settings.track, &());
        let failure = match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(point)) => {
                self.made += 1;
                return Some(point);
            }
            Ok(Err(error)) => error.to_string(),
            Err(panic) => {
                let message = panic_message(&*panic);
                *tracker = Tracker::default();
                message.to_string()
            }
        };
        let step = at.step;
        self.failure = Some(format!(
            "the sharpness at step {step} could not be measured: {failure}"
        ));
        None
    }

    fn submit(&mut self, origin: Origin, run: &Run, settings: &MonitorSettings) {
        let setup = Arc::clone(run.setup());
        let theta: Arc<[f32]> = run.parameters().into();
        let at = Tracked::of(run);
        let track = settings.track;
        let (tracker, sender) = (Arc::clone(&self.tracker), self.measurements.clone());
        let seconds = Arc::new(Mutex::new(None));
        let took = Arc::clone(&seconds);
        let work = move |context: &JobContext| {
            let point = {
                let mut tracker = tracker.lock().unwrap_or_else(PoisonError::into_inner);
                let start = Instant::now();
                let found = tracker.measure(&setup, &theta, &at, &track, context)?;
                *took.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(start.elapsed().as_secs_f64());
                found
            };
            let step = point.step;
            let mut measurement = Measurement { origin, point };
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
        self.flight = Some(Flight {
            handle: self.submitter.submit(job),
            seconds,
            steps: 0,
            time: 0.0,
        });
    }
}
