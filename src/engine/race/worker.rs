//! What the thread of a race does: it obeys, runs, and reports.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::super::pool::panic_message;
use super::super::waker::Waker;
use super::landscapes::{LandscapeSender, Purpose};
use super::thread::{Command, Place, RaceFrame, RaceState, RunnerFrame};
use crate::catalogue;
use crate::math::{MathError, Progress};
use crate::race::{
    Ground, PlaneChoice, Race, RaceError, RaceSettings, Runner, ScoreBoard, ScoreError,
};

/// Time between two reports while running.
const PUBLISH_EVERY: Duration = Duration::from_millis(33);
/// How long the race runs before it looks for commands.
const SLICE_OF_TIME: Duration = Duration::from_millis(4);
/// Time between two score boards while running, at least.
const SCORE_EVERY: Duration = Duration::from_millis(250);

/// Points a side of a network's map while the race is running, at most.
const WHILE_RUNNING: usize = 33;

/// What the worker shares with the handle.
pub(super) struct Links {
    pub(super) commands: Receiver<Command>,
    pub(super) place: Place,
    pub(super) waker: Waker,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) maps: LandscapeSender,
}

/// What the thread does.
pub(super) struct Worker {
    links: Links,
    race: Option<Race>,
    settings: Option<Arc<RaceSettings>>,
    generation: u64,
    revision: u64,
    state: RaceState,
    began: Instant,
    speed: Option<Duration>,
    next_round: Instant,
    published: Instant,
    /// The moment that is looked at, and whether λ₁ is wanted.
    look: (Option<f64>, bool),
    board: Arc<ScoreBoard>,
    /// The board is not of the moment that is looked at.
    board_due: bool,
    board_next: Instant,
    map: (PlaneChoice, usize),
    map_number: u64,
    /// Purpose, clock and points of the newest map that was asked for.
    map_of: Option<(Purpose, f64, usize)>,
}

/// Cancelled by the end of the program and by a command that waits.
struct Until<'a> {
    stop: &'a AtomicBool,
    commands: &'a Receiver<Command>,
}

impl Progress for Until<'_> {
    fn report(&self, _done: usize, _total: usize) {}

    fn is_cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || !self.commands.is_empty()
    }
}

impl Worker {
    pub(super) fn new(links: Links) -> Self {
        let now = Instant::now();
        Self {
            links,
            race: None,
            settings: None,
            generation: 0,
            revision: 0,
            state: RaceState::Paused,
            began: now,
            speed: None,
            next_round: now,
            published: now,
            look: (None, false),
            board: Arc::default(),
            board_due: false,
            board_next: now,
            map: (PlaneChoice::Joint, 129),
            map_number: 0,
            map_of: None,
        }
    }

    /// The life of the thread.
    pub(super) fn work(mut self) {
        while !self.links.stop.load(Ordering::Relaxed) {
            let done = catch_unwind(AssertUnwindSafe(|| {
                if self.state == RaceState::Running {
                    self.run();
                    true
                } else {
                    self.stand()
                }
            }));
            match done {
                Ok(true) => {}
                Ok(false) => return,
                Err(panic) => {
                    let message = format!("The race broke down: {}", panic_message(&*panic));
                    self.fail(message);
                }
            }
        }
    }

    /// Waits for a command and obeys; `false` when nobody is there any more.
    fn stand(&mut self) -> bool {
        if self.board_due {
            self.score();
            self.publish();
        }
        // A board that a command interrupted is due still: it comes after it.
        match self.links.commands.recv() {
            Ok(command) => self.obey(command),
            Err(_) => return false,
        }
        while let Ok(command) = self.links.commands.try_recv() {
            self.obey(command);
        }
        true
    }

    /// Obeys what waits, and runs for a moment.
    fn run(&mut self) {
        while let Ok(command) = self.links.commands.try_recv() {
            self.obey(command);
        }
        if self.state != RaceState::Running {
            return;
        }
        let now = Instant::now();
        match self.speed {
            Some(interval) if now < self.next_round => {
                let wait = (self.next_round - now).min(PUBLISH_EVERY);
                if let Ok(command) = self.links.commands.recv_timeout(wait.min(interval)) {
                    self.obey(command);
                }
            }
            Some(interval) => {
                self.next_round += interval;
                if self.next_round + PUBLISH_EVERY < now {
                    // Too slow for the limit, or just begun: do not catch up.
                    self.next_round = now + interval;
                }
                self.advance(true);
            }
            None => self.advance(false),
        }
        if self.state == RaceState::Running && self.published.elapsed() >= PUBLISH_EVERY {
            if Instant::now() >= self.board_next {
                let began = Instant::now();
                self.score();
                // Scoring never takes more than a tenth of the time.
                self.board_next = Instant::now() + SCORE_EVERY.max(10 * began.elapsed());
            }
            self.publish();
        }
    }

    /// Makes one round, or single steps for a moment.
    fn advance(&mut self, one_round: bool) {
        let Some(race) = &mut self.race else {
            self.state = RaceState::Paused;
            return;
        };
        let clock = self.began;
        let mut now = || clock.elapsed().as_secs_f64();
        let outcome = if one_round {
            let until = Until {
                stop: &self.links.stop,
                commands: &self.links.commands,
            };
            race.round(&mut now, &until)
        } else {
            let began = Instant::now();
            loop {
                match race.advance(&mut now) {
                    Ok(Some(_)) if began.elapsed() < SLICE_OF_TIME => {}
                    Ok(_) => break Ok(()),
                    Err(error) => break Err(error),
                }
            }
        };
        let over = race.is_over();
        match outcome {
            Err(error) => self.fail(error.to_string()),
            Ok(()) if over => self.halt(RaceState::Over),
            Ok(()) => {}
        }
    }

    /// Stands still from now on.
    fn halt(&mut self, state: RaceState) {
        self.state = state;
        self.board_due = true;
        self.publish();
    }

    fn fail(&mut self, message: String) {
        self.race = None;
        self.state = RaceState::Failed(message);
        self.board = Arc::default();
        self.board_due = false;
        self.publish();
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Load(settings, generation) => {
                self.race = None;
                self.settings = Some(Arc::new((*settings).clone()));
                self.begin(generation, Race::new(*settings, catalogue::schema()));
            }
            Command::Reset(generation) => {
                let Some(mut race) = self.race.take() else {
                    self.generation = generation;
                    return self.publish();
                };
                let outcome = race.reset().map(|()| race);
                self.begin(generation, outcome);
            }
            Command::Play => {
                if self.race.as_ref().is_some_and(|race| !race.is_over()) {
                    self.state = RaceState::Running;
                    self.next_round = Instant::now();
                    self.publish();
                }
            }
            Command::Pause => {
                if self.state == RaceState::Running {
                    self.halt(RaceState::Paused);
                }
            }
            Command::Round => {
                if self.race.is_some() {
                    self.state = RaceState::Paused;
                    self.advance(true);
                    if self.state == RaceState::Paused {
                        self.halt(RaceState::Paused);
                    }
                }
            }
            Command::Speed(limit) => {
                self.speed = limit
                    .filter(|limit| *limit > 0.0)
                    .and_then(|limit| Duration::try_from_secs_f64(1.0 / limit).ok());
                self.next_round = Instant::now();
            }
            Command::Look { at, sharpness } => {
                self.look = (at, sharpness);
                self.board_due = true;
                self.board_next = Instant::now();
            }
            Command::Map { choice, grid } => {
                if self.map != (choice, grid) {
                    self.map = (choice, grid);
                    self.map_number += 1;
                    self.map_of = None;
                    self.publish();
                }
            }
        }
    }

    fn begin(&mut self, generation: u64, race: Result<Race, RaceError>) {
        self.generation = generation;
        self.state = RaceState::Paused;
        self.look.0 = None;
        self.board = Arc::default();
        self.board_due = true;
        self.map_of = None;
        match race {
            Ok(race) => {
                self.race = Some(race);
                self.publish();
            }
            Err(error) => self.fail(error.to_string()),
        }
    }

    /// Measures where all stand, unless a command comes first.
    fn score(&mut self) {
        let Some(race) = &self.race else {
            self.board_due = false;
            return;
        };
        let until = Until {
            stop: &self.links.stop,
            commands: &self.links.commands,
        };
        let (at, sharpness) = self.look;
        let sharpness = sharpness && self.state != RaceState::Running;
        match race.score_board(at, sharpness, &until) {
            Ok(board) => {
                self.board = Arc::new(board);
                self.board_due = false;
            }
            Err(ScoreError::Math(MathError::Cancelled)) => {}
            Err(error) => {
                tracing::warn!("the score board is without λ₁: {error}");
                self.board = Arc::new(race.score_board(at, false, &()).unwrap_or_default());
                self.board_due = false;
            }
        }
    }

    /// Lays the present state down and asks for a map of it.
    fn publish(&mut self) {
        self.revision += 1;
        self.published = Instant::now();
        let (ground, runners, clock) = match &self.race {
            Some(race) => (
                Some(race.ground().clone()),
                race.runners().iter().map(frame_of).collect(),
                race.clock(),
            ),
            None => (None, Vec::new(), 0.0),
        };
        let frame = RaceFrame {
            generation: self.generation,
            revision: self.revision,
            state: self.state.clone(),
            settings: self.settings.clone(),
            ground,
            runners,
            clock,
            board: Arc::clone(&self.board),
        };
        self.ask_for_map(clock);
        *self
            .links
            .place
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(frame));
        self.links.waker.notify();
    }

    fn ask_for_map(&mut self, clock: f64) {
        let Some(race) = &self.race else { return };
        let purpose = Purpose {
            generation: self.generation,
            map: self.map_number,
        };
        let flat = matches!(race.ground(), Ground::Function(..));
        let (choice, grid) = self.map;
        // The plane of a network moves with the paths: coarse while they grow.
        let grid = if flat || self.state != RaceState::Running {
            grid
        } else {
            grid.min(WHILE_RUNNING)
        };
        if self.map_of == Some((purpose, clock, grid)) {
            return;
        }
        // While running the next one is soon enough; the last one must come.
        if self.state == RaceState::Running && self.links.maps.is_busy() {
            return;
        }
        let moved = race.runners().iter().any(|runner| runner.steps_done() > 0);
        if !moved && !flat {
            return;
        }
        self.map_of = Some((purpose, clock, grid));
        self.links.maps.send(purpose, race.landscape(choice, grid));
    }
}

fn frame_of(runner: &Runner) -> RunnerFrame {
    RunnerFrame {
        name: runner.entry.name.clone(),
        curve: runner.curve().clone(),
        steps_done: runner.steps_done(),
        status: runner.status().clone(),
    }
}
