//! The trainer thread: commands in, steps, events out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, select};

use super::command::{Command, Origin};
use super::event::{EventKind, LiveGradient, RunInfo, RunState};
use super::latest::Latest;
use super::monitor::{Measurement, Monitor, MonitorSettings};
use super::outbox::Outbox;
use super::pool::panic_message;
use super::result::SpectrumPoint;
use crate::recipe::Recipe;
use crate::train::{Run, RunError, Setup, Snapshot, StepOutcome};

/// Time between two reports while training.
const PUBLISH_EVERY: Duration = Duration::from_millis(25);
/// Time between two reports of the speed.
const RATE_EVERY: Duration = Duration::from_millis(500);
/// How soon a full event channel is tried again while standing still.
const RETRY: Duration = Duration::from_millis(5);
/// How long to stand still before looking whether the engine is gone.
const IDLE: Duration = Duration::from_secs(1);

/// What the trainer shares with the rest of the engine.
pub(super) struct Links {
    pub(super) commands: Receiver<Command>,
    pub(super) measurements: Receiver<Measurement>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) outbox: Outbox,
    pub(super) live: Latest<Snapshot>,
    pub(super) gradient: Latest<LiveGradient>,
    pub(super) monitor: Monitor,
}

/// Until when to train.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Goal {
    /// Stand still.
    Stand,
    /// Go on to the end.
    End,
    /// Go on until so many steps are done.
    Step(u64),
}

/// How far the run's rows and snapshots have been reported: the first step that
/// has not.
#[derive(Clone, Copy, Default)]
struct Reported {
    row: u64,
    snapshot: u64,
}

pub(super) struct Trainer {
    links: Links,
    run: Option<Run>,
    origin: Origin,
    state: RunState,
    goal: Goal,
    reported: Reported,
    /// Measured and not yet reported.
    points: Vec<SpectrumPoint>,
    interval: Option<Duration>,
    next_step: Instant,
    published: Instant,
    rate_from: (Instant, u64),
}

impl Trainer {
    pub(super) fn new(links: Links) -> Self {
        let now = Instant::now();
        Self {
            links,
            run: None,
            origin: Origin::default(),
            state: RunState::Empty,
            goal: Goal::Stand,
            reported: Reported::default(),
            points: Vec::new(),
            interval: None,
            next_step: now,
            published: now,
            rate_from: (now, 0),
        }
    }

    /// The life of the thread.
    pub(super) fn work(mut self) {
        while !self.links.stop.load(Ordering::Relaxed) {
            let going = if self.goal == Goal::Stand {
                self.stand()
            } else {
                self.train()
            };
            if !going {
                break;
            }
        }
    }

    /// Waits for a command or a measurement; `false` when the engine is gone.
    fn stand(&mut self) -> bool {
        let patience = if self.links.outbox.flush() {
            IDLE
        } else {
            RETRY
        };
        select! {
            recv(self.links.commands) -> command => match command {
                Ok(Command::Shutdown) | Err(_) => return false,
                Ok(command) => self.guarded(|trainer| trainer.obey(command)),
            },
            recv(self.links.measurements) -> measurement => {
                if let Ok(measurement) = measurement {
                    self.enter(measurement);
                    self.report();
                    self.links.outbox.flush();
                }
            },
            default(patience) => {}
        }
        true
    }

    /// Obeys what waits and makes one step; `false` when the engine is gone.
    fn train(&mut self) -> bool {
        // With a speed limit, wait for the next step's time or a command.
        let wait = match self.interval {
            Some(_) => self
                .next_step
                .saturating_duration_since(Instant::now())
                .min(PUBLISH_EVERY),
            None => Duration::ZERO,
        };
        let command = if wait.is_zero() {
            self.links
                .commands
                .try_recv()
                .map_err(|error| error.is_disconnected())
        } else {
            self.links
                .commands
                .recv_timeout(wait)
                .map_err(|error| error == RecvTimeoutError::Disconnected)
        };
        while let Ok(measurement) = self.links.measurements.try_recv() {
            self.enter(measurement);
        }
        match command {
            Ok(Command::Shutdown) | Err(true) => return false,
            Ok(command) => self.guarded(|trainer| trainer.obey(command)),
            Err(false) => {
                let now = Instant::now();
                if self.interval.is_none() || now >= self.next_step {
                    self.pace(now);
                    self.guarded(Self::step);
                }
            }
        }
        if self.published.elapsed() >= PUBLISH_EVERY {
            self.publish();
        }
        true
    }

    /// Sets the time of the next step under a speed limit.
    fn pace(&mut self, now: Instant) {
        if let Some(interval) = self.interval {
            self.next_step += interval;
            if self.next_step + interval + PUBLISH_EVERY < now {
                // Too slow for the limit, or just begun: do not catch up.
                self.next_step = now + interval;
            }
        }
    }

    /// Does something that may panic: then the run is given up, and the thread
    /// lives on for the next one.
    fn guarded(&mut self, work: impl FnOnce(&mut Self)) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(self))) {
            let message = format!("The training broke down: {}", panic_message(&*panic));
            self.fail(message);
        }
    }

    fn fail(&mut self, message: String) {
        self.run = None;
        self.links.monitor.forget();
        self.enter_state(RunState::Failed { message });
    }

    fn refuse(&mut self, message: impl Into<String>) {
        let message = message.into();
        self.links
            .outbox
            .push(self.origin, EventKind::Refused { message });
        self.links.outbox.flush();
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Load {
                recipe,
                base_dir,
                origin,
            } => self.load(recipe, &base_dir, origin),
            Command::Begin { setup, origin } => {
                self.make_room(origin);
                self.take_up(Ok(setup));
            }
            Command::Reset { origin } => self.reset(origin),
            Command::Rewind { step, origin } => self.rewind(step, origin),
            Command::Play => self.go(Goal::End),
            Command::Step => {
                if self.may_train() {
                    self.step();
                    let goes_on = |run: &Run| run.divergence().is_none() && !run.is_finished();
                    if self.run.as_ref().is_some_and(goes_on) {
                        self.enter_state(RunState::Paused);
                    }
                }
            }
            Command::RunTo(step) => self.go(Goal::Step(step)),
            Command::Pause => {
                if self.goal != Goal::Stand {
                    self.enter_state(RunState::Paused);
                }
            }
            Command::SetSpeed(limit) => self.set_speed(limit),
            Command::SetHyperparameter { key, value } => self.set_hyperparameter(key, value),
            Command::SetMonitoring(settings) => self.links.monitor.set(settings),
            Command::Shutdown => self.links.stop.store(true, Ordering::Relaxed),
        }
    }

    fn load(&mut self, recipe: Arc<Recipe>, base_dir: &Path, origin: Origin) {
        self.make_room(origin);
        self.take_up(Setup::new(recipe, base_dir).map(Arc::new));
    }

    /// Gives the present run up for another one.
    fn make_room(&mut self, origin: Origin) {
        self.run = None;
        self.origin = origin;
        self.enter_state(RunState::Empty);
    }

    /// Holds a run at its beginning.
    fn take_up(&mut self, setup: Result<Arc<Setup>, RunError>) {
        if let Ok(setup) = &setup {
            let recipe = &setup.recipe;
            let limit = recipe.training.count("steps_per_second");
            self.set_speed((limit > 0).then_some(limit as f64));
            let settings = MonitorSettings::from_recipe(&recipe.spectrum);
            self.links.monitor.set(settings);
        }
        self.begin(setup.and_then(Run::from_setup));
    }

    fn reset(&mut self, origin: Origin) {
        self.origin = origin;
        match self.run.take() {
            Some(run) => self.begin(Run::from_setup(Arc::clone(run.setup()))),
            None => self.refuse("there is no run to start again"),
        }
    }

    /// Takes up a run at its beginning and tells about it.
    fn begin(&mut self, run: Result<Run, RunError>) {
        self.links.monitor.forget();
        self.points.clear();
        self.reported = Reported::default();
        match run {
            Ok(run) => {
                let info = RunInfo {
                    origin: self.origin,
                    setup: Arc::clone(run.setup()),
                    total_steps: run.total_steps(),
                    stability: run.stability(),
                };
                self.run = Some(run);
                self.links
                    .outbox
                    .push(self.origin, EventKind::Loaded(Arc::new(info)));
                self.enter_state(RunState::Paused);
            }
            Err(error) => self.fail(error.to_string()),
        }
    }

    fn rewind(&mut self, step: u64, origin: Origin) {
        self.origin = origin;
        let Some(run) = &mut self.run else {
            return self.refuse("there is no run to go back in");
        };
        match run.rewind(step) {
            Ok(step) => {
                self.reported.row = self.reported.row.min(step);
                self.reported.snapshot = self.reported.snapshot.min(step + 1);
                self.links.monitor.forget();
                self.points.retain(|point| point.step <= step);
                self.links
                    .outbox
                    .push(self.origin, EventKind::Rewound { step });
                self.enter_state(RunState::Paused);
            }
            Err(error) => self.refuse(error.to_string()),
        }
    }

    /// Whether there is a run that can make a step; says why not.
    fn may_train(&mut self) -> bool {
        let refusal = match &self.run {
            None => "there is no run to train: load a recipe first",
            Some(run) if run.divergence().is_some() => {
                "the run diverged: go back to an earlier step, or start again"
            }
            Some(run) if run.is_finished() => {
                "all steps are done: ask for more steps, or start again"
            }
            Some(run) => {
                // A run that had finished and got more steps replaces its last
                // row.
                self.reported.row = self.reported.row.min(run.steps_done());
                return true;
            }
        };
        self.refuse(refusal);
        false
    }

    fn go(&mut self, goal: Goal) {
        if !self.may_train() {
            return;
        }
        let done = self.run.as_ref().map_or(0, Run::steps_done);
        if let Goal::Step(step) = goal
            && step <= done
        {
            return self.refuse(format!("step {step} is already done"));
        }
        let now = Instant::now();
        if self.goal == Goal::Stand {
            self.next_step = now;
            self.rate_from = (now, done);
        }
        self.goal = goal;
        self.enter_state(RunState::Running);
    }

    fn set_speed(&mut self, limit: Option<f64>) {
        self.interval = limit
            .filter(|limit| *limit > 0.0)
            .and_then(|limit| Duration::try_from_secs_f64(1.0 / limit).ok());
        self.next_step = Instant::now();
    }

    fn set_hyperparameter(&mut self, key: String, value: f64) {
        let Some(run) = &mut self.run else {
            return self.refuse(format!("there is no run whose {key} could be changed"));
        };
        match run.set_hyperparameter(&key, value) {
            Ok(()) => {
                let kind = EventKind::Hyperparameter {
                    key,
                    value,
                    step: run.steps_done(),
                    stability: run.stability(),
                };
                self.links.outbox.push(self.origin, kind);
                self.links.outbox.flush();
            }
            Err(error) => self.refuse(error.to_string()),
        }
    }

    /// Makes one step.
    fn step(&mut self) {
        let Some(run) = &mut self.run else {
            self.goal = Goal::Stand;
            return;
        };
        if let Some(point) = self.links.monitor.offer(self.origin, run) {
            enter(run, &mut self.points, point);
        }
        match run.step() {
            Ok(StepOutcome::Trained) => {
                if self.goal == Goal::Step(run.steps_done()) {
                    self.enter_state(RunState::Paused);
                }
            }
            Ok(StepOutcome::Finished) => {
                if let Some(point) = self.links.monitor.offer_last(self.origin, run) {
                    enter(run, &mut self.points, point);
                }
                self.enter_state(RunState::Finished);
            }
            Ok(StepOutcome::Diverged(divergence)) => {
                self.enter_state(RunState::Diverged(divergence));
            }
            Err(error) => self.fail(error.to_string()),
        }
    }

    /// Enters a measured sharpness, unless what it belongs to is void.
    fn enter(&mut self, measurement: Measurement) {
        let Some(run) = &mut self.run else { return };
        if measurement.origin != self.origin {
            return;
        }
        enter(run, &mut self.points, measurement.point);
    }

    /// Enters a state, after reporting all that happened before.
    fn enter_state(&mut self, state: RunState) {
        if state != RunState::Running {
            self.goal = Goal::Stand;
            self.links.monitor.rest();
            if let Some(run) = &mut self.run
                && run.divergence().is_none()
            {
                run.keep_snapshot();
            }
        }
        self.report();
        if state != self.state || matches!(state, RunState::Failed { .. }) {
            self.state = state.clone();
            self.links.outbox.push(self.origin, EventKind::State(state));
        }
        self.publish();
    }

    /// Puts new rows and snapshots into the outbox.
    fn report(&mut self) {
        let Some(run) = &self.run else { return };
        let rows = run.history().rows();
        let first = rows.partition_point(|row| row.step < self.reported.row);
        if let Some(last) = rows.last() {
            self.reported.row = self.reported.row.max(last.step + 1);
        }
        // No longer than it has to be: the window keeps it as it is.
        let mut new = Vec::with_capacity(rows.len() - first);
        new.extend(rows.iter_from(first).cloned());
        self.links.outbox.push_rows(self.origin, new);
        let snapshots = run.snapshots().all();
        let first = snapshots.partition_point(|kept| kept.step < self.reported.snapshot);
        if let Some(last) = snapshots.last() {
            self.reported.snapshot = self.reported.snapshot.max(last.step + 1);
        }
        self.links
            .outbox
            .push_snapshots(self.origin, snapshots[first..].to_vec());
        let points = std::mem::take(&mut self.points);
        self.links.outbox.push_spectrum(self.origin, points);
    }

    /// Reports everything new: rows, snapshots, the newest parameters and
    /// gradient, the speed.
    fn publish(&mut self) {
        self.report();
        if let Some(failure) = self.links.monitor.failure() {
            self.refuse(failure);
        }
        let now = Instant::now();
        match &self.run {
            Some(run) => {
                self.links.live.put(
                    self.origin,
                    Arc::new(Snapshot {
                        step: run.steps_done(),
                        theta: run.parameters().into(),
                        optimizer: None,
                    }),
                );
                if let Some(row) = run.history().last() {
                    let gradient = LiveGradient {
                        step: row.step,
                        gradient: run.gradient().into(),
                    };
                    self.links.gradient.put(self.origin, Arc::new(gradient));
                }
                let (from, steps) = self.rate_from;
                let elapsed = now.saturating_duration_since(from);
                if self.goal != Goal::Stand && elapsed >= RATE_EVERY {
                    let made = run.steps_done().saturating_sub(steps) as f64;
                    let steps_per_second = made / elapsed.as_secs_f64();
                    self.links
                        .outbox
                        .push(self.origin, EventKind::Rate { steps_per_second });
                    self.rate_from = (now, run.steps_done());
                    if let Some(load) = self.links.monitor.load() {
                        self.links
                            .outbox
                            .push(self.origin, EventKind::Monitoring(load));
                    }
                }
            }
            None => {
                self.links.live.clear();
                self.links.gradient.clear();
            }
        }
        self.published = now;
        self.links.outbox.flush();
    }
}

/// Enters what was measured, into the run and among what is to be reported.
fn enter(run: &mut Run, points: &mut Vec<SpectrumPoint>, point: SpectrumPoint) {
    if let Some(sharpness) = point.sharpness() {
        run.set_sharpness(point.step, sharpness);
    }
    points.push(point);
}
