//! One runner: a run on the race's ground, and its clocks.

use std::sync::Arc;

use super::entry::Entry;
use super::function_run::FunctionRun;
use crate::math::chunked::Chunked;
use crate::math::vector::to_f64;
use crate::recipe::Recipe;
use crate::train::{Divergence, Run, RunError, Snapshot};

/// Whether a runner still runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// It goes on.
    Running,
    /// All its steps are done.
    Finished,
    /// Its loss or gradient stopped being finite.
    Diverged(Divergence),
}

impl Status {
    /// The status in a word: `running`, `finished` or `diverged`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Diverged(_) => "diverged",
        }
    }
}

/// What a runner left behind at each step: element *s* is about the parameters
/// after *s* updates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// Loss of the step's batch before its update (of the function).
    pub loss: Chunked<f64>,
    /// Σηₜ over the updates before.
    pub eta: Chunked<f64>,
    /// Seconds that the steps before took.
    pub seconds: Chunked<f64>,
    /// Validation losses with their steps, where they were measured.
    pub validation: Vec<(u64, f64)>,
}

/// A place on the path of a runner.
#[derive(Clone, Debug)]
pub enum Path {
    /// Snapshots of a network's parameters.
    Network(Vec<Arc<Snapshot>>),
    /// Points of the plane.
    Function(Vec<(u64, [f64; 2])>),
}

impl Path {
    /// The path up to this step.
    #[must_use]
    pub fn until(&self, step: u64) -> Self {
        match self {
            Self::Network(all) => {
                let end = all.partition_point(|snapshot| snapshot.step <= step);
                Self::Network(all[..end].to_vec())
            }
            Self::Function(all) => {
                let end = all.partition_point(|(kept, _)| *kept <= step);
                Self::Function(all[..end].to_vec())
            }
        }
    }

    /// How many points it has.
    pub fn len(&self) -> usize {
        match self {
            Self::Network(all) => all.len(),
            Self::Function(all) => all.len(),
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

enum Kind {
    Network(Box<Run>),
    Function(Box<FunctionRun>),
}

/// One of those who race.
pub struct Runner {
    /// What it is called and what differs from the base recipe.
    pub entry: Entry,
    /// Its own recipe.
    pub recipe: Arc<Recipe>,
    kind: Kind,
    curve: Curve,
    eta: f64,
    seconds: f64,
    status: Status,
}

impl Runner {
    pub(super) fn network(entry: Entry, run: Run) -> Self {
        let recipe = Arc::clone(&run.setup().recipe);
        Self::new(entry, recipe, Kind::Network(Box::new(run)))
    }

    pub(super) fn function(entry: Entry, recipe: Arc<Recipe>, run: FunctionRun) -> Self {
        Self::new(entry, recipe, Kind::Function(Box::new(run)))
    }

    fn new(entry: Entry, recipe: Arc<Recipe>, kind: Kind) -> Self {
        Self {
            entry,
            recipe,
            kind,
            curve: Curve::default(),
            eta: 0.0,
            seconds: 0.0,
            status: Status::Running,
        }
    }

    /// Updates done.
    pub fn steps_done(&self) -> u64 {
        match &self.kind {
            Kind::Network(run) => run.steps_done(),
            Kind::Function(run) => run.steps_done(),
        }
    }

    /// Updates until it is finished.
    pub fn total_steps(&self) -> u64 {
        match &self.kind {
            Kind::Network(run) => run.total_steps(),
            Kind::Function(run) => run.total_steps(),
        }
    }

    /// Σηₜ over the updates done.
    pub fn eta(&self) -> f64 {
        self.eta
    }

    /// Seconds that its steps took.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Whether it still runs.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// What it left behind so far.
    pub fn curve(&self) -> &Curve {
        &self.curve
    }

    /// Its present parameters.
    pub fn parameters(&self) -> Vec<f64> {
        match &self.kind {
            Kind::Network(run) => to_f64(run.parameters()),
            Kind::Function(run) => run.at().to_vec(),
        }
    }

    /// The learning rate of the update that comes next.
    pub fn learning_rate(&self) -> f64 {
        match &self.kind {
            Kind::Network(run) => run.learning_rate(),
            Kind::Function(run) => run.learning_rate(),
        }
    }

    /// Its path so far, the present parameters last.
    pub fn path(&self) -> Path {
        match &self.kind {
            Kind::Network(run) => {
                let mut all = run.snapshots().all().to_vec();
                if all.last().is_none_or(|last| last.step < run.steps_done()) {
                    all.push(run.snapshot());
                }
                Path::Network(all)
            }
            Kind::Function(run) => Path::Function(run.trail().points().to_vec()),
        }
    }

    /// Step and parameters of the kept moment at or before this step.
    pub fn parameters_at(&self, step: u64) -> Option<(u64, Vec<f64>)> {
        if step >= self.steps_done() {
            return Some((self.steps_done(), self.parameters()));
        }
        match &self.kind {
            Kind::Network(run) => run
                .snapshots()
                .at_or_before(step)
                .map(|snapshot| (snapshot.step, to_f64(&snapshot.theta))),
            Kind::Function(run) => run
                .trail()
                .at_or_before(step)
                .map(|(step, at)| (step, at.to_vec())),
        }
    }

    /// The run on a network, if it is one.
    pub fn run(&self) -> Option<&Run> {
        match &self.kind {
            Kind::Network(run) => Some(run),
            Kind::Function(_) => None,
        }
    }

    /// Makes one step; `now` tells the seconds since any fixed moment.
    pub(super) fn step(&mut self, now: &mut dyn FnMut() -> f64) -> Result<(), RunError> {
        let began = now();
        let before = (self.eta, self.seconds);
        match &mut self.kind {
            Kind::Network(run) => {
                let rate = run.learning_rate();
                let done = run.steps_done();
                run.step()?;
                let took = (now() - began).max(0.0);
                if run.steps_done() > done {
                    self.eta += rate;
                    self.seconds += took;
                }
                let known = self.curve.loss.len();
                let mut clocks = before;
                for row in run.history().rows().iter_from(known) {
                    self.curve.loss.push(row.train_loss);
                    self.curve.eta.push(clocks.0);
                    self.curve.seconds.push(clocks.1);
                    if let Some(loss) = row.val_loss {
                        self.curve.validation.push((row.step, loss));
                    }
                    // The last step adds the row of the final parameters, too.
                    clocks = (self.eta, self.seconds);
                }
                self.status = match run.divergence() {
                    Some(divergence) => Status::Diverged(divergence.clone()),
                    None if run.is_finished() => Status::Finished,
                    None => Status::Running,
                };
            }
            Kind::Function(run) => {
                let mut clocks = before;
                // After the last update the final point is measured, too.
                for _ in 0..2 {
                    let Some(measured) = run.step() else { break };
                    self.curve.loss.push(measured.value);
                    self.curve.eta.push(clocks.0);
                    self.curve.seconds.push(clocks.1);
                    let Some(rate) = measured.learning_rate else {
                        break;
                    };
                    self.eta += rate;
                    self.seconds += (now() - began).max(0.0);
                    clocks = (self.eta, self.seconds);
                    if run.steps_done() < run.total_steps() {
                        break;
                    }
                }
                self.status = match run.divergence() {
                    Some(divergence) => Status::Diverged(divergence.clone()),
                    None if run.steps_done() >= run.total_steps() => Status::Finished,
                    None => Status::Running,
                };
            }
        }
        Ok(())
    }
}
