//! The race itself: who makes the next step.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::function_run::FunctionRun;
use super::runner::{Curve, Runner, Status};
use crate::functions::{self, TestFunction};
use crate::math::Progress;
use crate::recipe::{Component, Recipe, Schema};
use crate::train::{Run, RunError, Setup};

/// Runners at most: as many as there are colours that everybody can tell apart.
pub const MOST_RUNNERS: usize = 8;

/// What is equal between runners at any moment of a race.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
pub enum Lockstep {
    /// The number of updates.
    #[default]
    #[strum(serialize = "step")]
    Step,
    /// The accumulated learning rate Σηₜ, within one step: the time of the
    /// gradient flow that gradient descent follows.
    #[strum(serialize = "η·t")]
    Eta,
    /// The seconds that the steps took on this machine, within one step. Not
    /// reproducible.
    #[strum(serialize = "wall time")]
    Time,
}

impl Lockstep {
    /// The word on the command line and in files: `step`, `eta` or `time`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Eta => "eta",
            Self::Time => "time",
        }
    }
}

/// What the runners run on.
#[derive(Clone, Debug, PartialEq)]
pub enum GroundSettings {
    /// The network of the base recipe.
    Network,
    /// A closed-form function.
    Function {
        /// The function, as [`functions::section`] takes it.
        function: Component,
        /// Where all start; the function's own start where nothing is said.
        start: Option<[f64; 2]>,
    },
}

/// Everything that determines a race.
#[derive(Clone, Debug, PartialEq)]
pub struct RaceSettings {
    /// What the runners have in common. On a function its optimizer, schedule,
    /// steps and seed count.
    pub base: Recipe,
    /// The folder that the recipe's relative paths start from.
    pub base_dir: PathBuf,
    /// What they run on.
    pub ground: GroundSettings,
    /// Who runs.
    pub entries: Vec<Entry>,
    /// What is equal between them.
    pub lockstep: Lockstep,
}

impl RaceSettings {
    /// A race on a function with gradient descent at the function's own
    /// learning rate as the base.
    ///
    /// # Errors
    /// One sentence for what is no function.
    pub fn on_function(
        function: Component,
        entries: Vec<Entry>,
        schema: &Schema,
    ) -> Result<Self, String> {
        let built = functions::build(&function)?;
        let mut base = Recipe::defaults(schema);
        base.name = built.kind.title.to_owned();
        let optimizer = schema
            .section("optimizer")
            .and_then(|section| section.component("sgd"));
        if let Some(optimizer) = optimizer {
            base.optimizer = optimizer.with("learning_rate", built.facts.learning_rate);
        }
        Ok(Self {
            base,
            base_dir: PathBuf::from("."),
            ground: GroundSettings::Function {
                function,
                start: None,
            },
            entries,
            lockstep: Lockstep::Step,
        })
    }
}

/// What the runners run on, built.
#[derive(Clone, Debug)]
pub enum Ground {
    /// A network with its data and loss.
    Network(Arc<Setup>),
    /// A function and the common start.
    Function(Arc<TestFunction>, [f64; 2]),
}

impl Ground {
    /// Number of parameters.
    pub fn dim(&self) -> usize {
        match self {
            Self::Network(setup) => setup.dim(),
            Self::Function(..) => 2,
        }
    }
}

/// Why there is no race, or why it broke down.
#[derive(Debug, thiserror::Error)]
pub enum RaceError {
    /// The runners or the ground are refused.
    #[error("{0}")]
    Refused(String),
    /// The network's run could not be built or broke down.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Several runs from the same parameters on the same ground, in lockstep.
///
/// Each call of [`Race::advance`] makes one step of one runner: of the one
/// whose clock (updates, Σηₜ with the coming step, or seconds) is least, the
/// first entered among equals. So no runner is ever ahead of another by more
/// than one step. By updates or Σηₜ the race repeats itself bit for bit.
pub struct Race {
    settings: RaceSettings,
    ground: Ground,
    runners: Vec<Runner>,
}

impl Race {
    /// Builds ground and runners; all stand at the start.
    ///
    /// # Errors
    /// [`RaceError`], with one sentence.
    pub fn new(settings: RaceSettings, schema: &Schema) -> Result<Self, RaceError> {
        let recipes = recipes(&settings, schema).map_err(RaceError::Refused)?;
        let ground = match &settings.ground {
            GroundSettings::Network => {
                let base = Arc::new(settings.base.clone());
                Ground::Network(Arc::new(Setup::new(base, &settings.base_dir)?))
            }
            GroundSettings::Function { function, start } => {
                let function = functions::build(function).map_err(RaceError::Refused)?;
                let start = start.unwrap_or(function.facts.start);
                if !start.iter().all(|x| x.is_finite()) {
                    return Err(RaceError::Refused(format!(
                        "the start is {start:?}, expected two finite numbers"
                    )));
                }
                Ground::Function(Arc::new(function), start)
            }
        };
        let runners = build(&ground, &settings.entries, recipes)?;
        Ok(Self {
            settings,
            ground,
            runners,
        })
    }

    /// Back to the start.
    ///
    /// # Errors
    /// [`RaceError`].
    pub fn reset(&mut self) -> Result<(), RaceError> {
        let recipes = self
            .runners
            .iter()
            .map(|runner| Arc::clone(&runner.recipe))
            .collect();
        self.runners = build(&self.ground, &self.settings.entries, recipes)?;
        Ok(())
    }

    /// What determined the race.
    pub fn settings(&self) -> &RaceSettings {
        &self.settings
    }

    /// What the runners run on.
    pub fn ground(&self) -> &Ground {
        &self.ground
    }

    /// The runners in the order in which they were entered.
    pub fn runners(&self) -> &[Runner] {
        &self.runners
    }

    /// What is equal between the runners.
    pub fn lockstep(&self) -> Lockstep {
        self.settings.lockstep
    }

    /// Whether nobody will make a step any more: all are finished or stopped,
    /// or, by Σηₜ or time, one has made all its steps and the others have come
    /// as far.
    pub fn is_over(&self) -> bool {
        self.next_runner().is_none()
    }

    /// The race's clock at a runner: its updates, Σηₜ or seconds.
    pub fn clock_of(&self, runner: &Runner) -> f64 {
        match self.settings.lockstep {
            Lockstep::Step => runner.steps_done() as f64,
            Lockstep::Eta => runner.eta(),
            Lockstep::Time => runner.seconds(),
        }
    }

    /// The race's clock: the farthest of the runners that did not diverge, or of
    /// all if all did.
    pub fn clock(&self) -> f64 {
        let farthest = |diverged: bool| {
            self.runners
                .iter()
                .filter(|runner| diverged || !matches!(runner.status(), Status::Diverged(_)))
                .map(|runner| self.clock_of(runner))
                .reduce(f64::max)
        };
        farthest(false).or_else(|| farthest(true)).unwrap_or(0.0)
    }

    /// Where the clock of a runner that still runs will be when its turn comes.
    fn turn(&self, runner: &Runner) -> f64 {
        match self.settings.lockstep {
            Lockstep::Step | Lockstep::Time => self.clock_of(runner),
            Lockstep::Eta => runner.eta() + runner.learning_rate(),
        }
    }

    /// Who makes the next step.
    pub fn next_runner(&self) -> Option<usize> {
        let finished = self
            .runners
            .iter()
            .filter(|runner| *runner.status() == Status::Finished)
            .map(|runner| self.clock_of(runner))
            .reduce(f64::min);
        let may = |turn: f64| match (self.settings.lockstep, finished) {
            (Lockstep::Step, _) | (_, None) => true,
            // A rounding of the sum must not cost a step.
            (Lockstep::Eta, Some(end)) => turn <= end * (1.0 + 1e-12),
            (Lockstep::Time, Some(end)) => turn < end,
        };
        self.runners
            .iter()
            .enumerate()
            .filter(|(_, runner)| *runner.status() == Status::Running)
            .map(|(index, runner)| (index, self.turn(runner)))
            .filter(|(_, turn)| may(*turn))
            .min_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(index, _)| index)
    }

    /// Makes one step of one runner and tells of which; nothing when the race is
    /// over. `now` tells the seconds since any fixed moment.
    ///
    /// # Errors
    /// [`RaceError::Run`].
    pub fn advance(&mut self, now: &mut dyn FnMut() -> f64) -> Result<Option<usize>, RaceError> {
        let Some(index) = self.next_runner() else {
            return Ok(None);
        };
        self.runners[index].step(now)?;
        Ok(Some(index))
    }

    /// Makes a step of everybody: each makes one by steps, by Σηₜ as many as fit
    /// into the largest of the coming learning rates, by time as many as there
    /// are runners. Stops early when cancelled.
    ///
    /// # Errors
    /// [`RaceError::Run`].
    pub fn round(
        &mut self,
        now: &mut dyn FnMut() -> f64,
        progress: &dyn Progress,
    ) -> Result<(), RaceError> {
        let running = || {
            self.runners
                .iter()
                .filter(|runner| *runner.status() == Status::Running)
        };
        let count = running().count();
        let least = running()
            .map(|runner| self.clock_of(runner))
            .reduce(f64::min);
        let rate = running().map(Runner::learning_rate).reduce(f64::max);
        let (Some(least), Some(rate)) = (least, rate) else {
            return Ok(());
        };
        let mut made = 0;
        while let Some(next) = self.next_runner() {
            let runner = &self.runners[next];
            let due = match self.settings.lockstep {
                Lockstep::Step => self.clock_of(runner) <= least,
                Lockstep::Eta => self.turn(runner) <= (least + rate) * (1.0 + 1e-12),
                Lockstep::Time => made < count,
            };
            if !due || progress.is_cancelled() {
                break;
            }
            self.runners[next].step(now)?;
            made += 1;
        }
        Ok(())
    }

    /// How many steps of a runner lie at or before a moment of the clock: all
    /// runners stand there together.
    pub fn step_at(&self, runner: &Runner, clock: f64) -> u64 {
        step_at(
            self.settings.lockstep,
            runner.curve(),
            runner.steps_done(),
            clock,
        )
    }
}

/// The step of a curve at or before a moment of the race's clock.
pub fn step_at(lockstep: Lockstep, curve: &Curve, steps_done: u64, clock: f64) -> u64 {
    if clock.is_nan() || clock <= 0.0 {
        return 0;
    }
    let column = match lockstep {
        Lockstep::Step => return (clock.min(1e15) as u64).min(steps_done),
        Lockstep::Eta => &curve.eta,
        Lockstep::Time => &curve.seconds,
    };
    // A rounding of the sum must not cost a step.
    let reached = column.partition_point(|at| *at <= clock * (1.0 + 1e-12)) as u64;
    reached.saturating_sub(1).min(steps_done)
}

/// The checked recipe of every entry.
fn recipes(settings: &RaceSettings, schema: &Schema) -> Result<Vec<Arc<Recipe>>, String> {
    let count = settings.entries.len();
    if !(2..=MOST_RUNNERS).contains(&count) {
        return Err(format!(
            "a race of {count} {}, expected 2 to {MOST_RUNNERS}",
            if count == 1 { "runner" } else { "runners" }
        ));
    }
    for (index, entry) in settings.entries.iter().enumerate() {
        if settings.entries[..index]
            .iter()
            .any(|other| other.name == entry.name)
        {
            return Err(format!(
                "two runners are called {:?}, expected different names",
                entry.name
            ));
        }
    }
    // The memory for snapshots is for all of them together.
    let mut base = settings.base.clone();
    let memory = base.training.count("snapshot_memory_mb") / count;
    base.training.set(
        "snapshot_memory_mb",
        i64::try_from(memory.max(1)).unwrap_or(1),
    );
    settings
        .entries
        .iter()
        .map(|entry| entry.recipe(&base, schema).map(Arc::new))
        .collect()
}

fn build(
    ground: &Ground,
    entries: &[Entry],
    recipes: Vec<Arc<Recipe>>,
) -> Result<Vec<Runner>, RaceError> {
    entries
        .iter()
        .zip(recipes)
        .map(|(entry, recipe)| match ground {
            Ground::Network(setup) => {
                let setup = setup.with_recipe(recipe)?;
                let run = Run::from_setup(Arc::new(setup))?;
                Ok(Runner::network(entry.clone(), run))
            }
            Ground::Function(function, start) => {
                let run = FunctionRun::new(Arc::clone(function), *start, Arc::clone(&recipe))?;
                Ok(Runner::function(entry.clone(), recipe, run))
            }
        })
        .collect()
}
