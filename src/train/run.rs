//! One training run, without threads: it makes a step when told to.

use std::path::Path;
use std::sync::Arc;

use super::batches::Batches;
use super::divergence::{Divergence, Trigger};
use super::history::{History, MetricRow};
use super::norms::{Norms, distances, norms, ratios};
use super::optimizers::{self, Optimizer, Stability, clip_factor};
use super::schedules::{self, LearningRateSchedule};
use super::setup::{RunError, Setup};
use super::snapshots::{Snapshot, Snapshots};
use super::surroundings::LossSurroundings;
use crate::data::Targets;
use crate::nn::graph::Graph;
use crate::nn::losses::BatchTargets;
use crate::objective::Workspace;
use crate::recipe::Recipe;

/// What a call of [`Run::step`] did. The step's metrics are the last row of the
/// history.
#[derive(Clone, Debug, PartialEq)]
pub enum StepOutcome {
    /// One update; there are more to come.
    Trained,
    /// All updates are done, and the last row tells about the final parameters.
    Finished,
    /// The loss or the gradient of this step is not finite: no update was made,
    /// and further calls do nothing.
    Diverged(Divergence),
}

/// A training run: parameters, optimizer, history and snapshots.
///
/// Everything follows from the recipe: the same recipe gives the same numbers,
/// bit for bit, on any number of threads.
pub struct Run {
    setup: Arc<Setup>,
    graph: Graph,
    inputs: Vec<f32>,
    targets: BatchTargets,
    batches: Batches,
    batch_inputs: Vec<f32>,
    batch_targets: BatchTargets,
    optimizer: Box<dyn Optimizer<f32>>,
    schedule: LearningRateSchedule,
    learning_rate: f64,
    clip_norm: f64,
    /// Of the last update.
    clip_factor: f64,
    total_steps: u64,
    validation_every: u64,
    theta: Vec<f32>,
    previous: Vec<f32>,
    gradient: Vec<f32>,
    /// What the optimizer got at the last update; nothing before the first.
    update_gradient: Vec<f32>,
    /// Of the parameters that the last row is about.
    parameter_norms: Norms,
    step: u64,
    history: History,
    snapshots: Snapshots,
    sharpness: Option<(u64, f64)>,
    diverged: Option<Divergence>,
    training_space: Workspace<f32>,
    validation_space: Option<Workspace<f32>>,
}

impl Run {
    /// Builds the run of a recipe that its schema has accepted; relative paths
    /// start from `base_dir`.
    ///
    /// # Errors
    /// [`RunError`], with one sentence about what could not be made.
    pub fn new(recipe: &Recipe, base_dir: &Path) -> Result<Self, RunError> {
        let setup = Setup::new(Arc::new(recipe.clone()), base_dir)?;
        Self::from_setup(Arc::new(setup))
    }

    /// The run at the beginning of what was set up before.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn from_setup(setup: Arc<Setup>) -> Result<Self, RunError> {
        let recipe = &setup.recipe;
        let theta = setup.initial.theta.to_vec();
        let dim = theta.len();
        let train = &setup.data.train;
        let graph = Graph::new(Arc::clone(&setup.network), Arc::clone(&setup.loss), &theta)
            .map_err(RunError::graph)?;
        let targets = match &train.targets {
            Targets::Classes { labels, .. } => BatchTargets::Classes(labels.clone()),
            Targets::Values { values, .. } => {
                BatchTargets::Values(values.iter().map(|value| *value as f32).collect())
            }
        };
        let batches = Batches::new(
            recipe.seed,
            train.len(),
            recipe.training.count("batch_size"),
        );
        let memory = recipe.training.count("snapshot_memory_mb") << 20;
        let mut run = Self {
            graph,
            inputs: train.inputs.iter().map(|value| *value as f32).collect(),
            batch_inputs: Vec::new(),
            batch_targets: match &targets {
                BatchTargets::Classes(_) => BatchTargets::Classes(Vec::new()),
                BatchTargets::Values(_) => BatchTargets::Values(Vec::new()),
            },
            targets,
            batches,
            optimizer: optimizers::build(&recipe.optimizer, dim)?,
            schedule: schedules::build(&recipe.schedule)?,
            learning_rate: recipe.optimizer.float("learning_rate"),
            clip_norm: recipe.optimizer.float("clip_norm"),
            clip_factor: 1.0,
            total_steps: recipe.training.count("steps") as u64,
            validation_every: recipe.training.count("validation_every") as u64,
            previous: theta.clone(),
            gradient: vec![0.0; dim],
            update_gradient: Vec::new(),
            parameter_norms: Norms::default(),
            theta,
            step: setup.initial.step,
            history: History::new(),
            snapshots: Snapshots::new(memory),
            sharpness: None,
            diverged: None,
            training_space: setup.training.workspace(),
            validation_space: setup.validation.as_ref().map(|set| set.workspace()),
            setup,
        };
        if let Some(state) = &run.setup.initial.optimizer {
            run.optimizer.restore(state).map_err(RunError::model)?;
        }
        run.snapshots.push(Arc::clone(&run.setup.initial));
        Ok(run)
    }

    /// Back to the beginning, with the recipe's own hyperparameters.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn reset(&mut self) -> Result<(), RunError> {
        *self = Self::from_setup(Arc::clone(&self.setup))?;
        Ok(())
    }

    /// What training does not change.
    pub fn setup(&self) -> &Arc<Setup> {
        &self.setup
    }

    /// Updates done so far.
    pub fn steps_done(&self) -> u64 {
        self.step
    }

    /// Updates until the run is finished.
    pub fn total_steps(&self) -> u64 {
        self.total_steps
    }

    /// Whether all updates are done.
    pub fn is_finished(&self) -> bool {
        self.step >= self.total_steps
    }

    /// Why the run cannot go on, if it diverged.
    pub fn divergence(&self) -> Option<&Divergence> {
        self.diverged.as_ref()
    }

    /// The present parameters, in the layout's order.
    pub fn parameters(&self) -> &[f32] {
        &self.theta
    }

    /// The gradient that was computed last, in the layout's order (zero before
    /// the first step): that of the last step's batch as the update used it,
    /// clipped. After the last step of all and after a divergence it is the one
    /// at the present parameters, which no update used, and unclipped.
    pub fn gradient(&self) -> &[f32] {
        &self.gradient
    }

    /// The gradient that the last update used, after clipping and without weight
    /// decay, in the layout's order; nothing before the first update, and after
    /// going back until the next one.
    pub fn update_gradient(&self) -> Option<&[f32]> {
        (!self.update_gradient.is_empty()).then_some(&self.update_gradient)
    }

    /// The norm to which the next update's gradient is shortened; 0 where nothing
    /// is clipped.
    pub fn clip_norm(&self) -> f64 {
        self.clip_norm
    }

    /// The factor min(1, c/‖g‖) by which clipping to the norm c shortened the
    /// gradient g of the last update: gradient descent made a step of η times
    /// this factor along g. 1 where nothing was clipped, before the first update,
    /// and after going back until the next one.
    pub fn clip_factor(&self) -> f64 {
        self.clip_factor
    }

    /// The metrics so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The snapshots so far.
    pub fn snapshots(&self) -> &Snapshots {
        &self.snapshots
    }

    /// The learning rate of the update that comes next, the schedule's factor
    /// included.
    pub fn learning_rate(&self) -> f64 {
        self.learning_rate * self.schedule.factor(self.step, self.total_steps)
    }

    /// Up to which sharpness the next update is stable.
    pub fn stability(&self) -> Stability {
        self.optimizer.stability(self.learning_rate())
    }

    /// The diagonal of P by which an adaptive optimizer divides the next step;
    /// nothing for the others, and before the first step.
    pub fn preconditioner(&self) -> Option<Vec<f64>> {
        self.optimizer.preconditioner()
    }

    /// Enters the sharpness measured at a step: into its row, and into the
    /// explanation should the run diverge.
    pub fn set_sharpness(&mut self, step: u64, sharpness: f64) {
        self.history.set_sharpness(step, sharpness);
        if self.sharpness.is_none_or(|(newest, _)| newest <= step) {
            self.sharpness = Some((step, sharpness));
        }
    }

    /// A copy of the present parameters with all that is needed to go on from
    /// here.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::new(Snapshot {
            step: self.step,
            theta: self.theta.as_slice().into(),
            optimizer: Some(Arc::new(self.optimizer.state())),
        })
    }

    /// Keeps the present parameters as the run's last snapshot, whatever the
    /// policy says, until the next one comes.
    pub fn keep_snapshot(&mut self) {
        if self
            .snapshots
            .last()
            .is_none_or(|last| last.step < self.step)
        {
            self.snapshots.push(self.snapshot());
        }
    }

    /// Changes a hyperparameter from the next step on: `learning_rate` (the
    /// schedule goes on multiplying it), `clip_norm`, any live field of the
    /// optimizer, or of `[training]` `steps` and `validation_every`.
    ///
    /// # Errors
    /// [`RunError::Hyperparameter`] where there is no such field or the value is
    /// out of its range; nothing changes then.
    pub fn set_hyperparameter(&mut self, key: &str, value: f64) -> Result<(), RunError> {
        let kind = &self.setup.recipe.optimizer.kind;
        let fields = optimizers::kinds()
            .into_iter()
            .filter(|candidate| candidate.key == kind)
            .flat_map(|kind| kind.fields);
        let refuse = |message: String| Err(RunError::Hyperparameter(message));
        if let Some(field) = fields
            .chain(optimizers::COMMON_FIELDS)
            .find(|field| field.key == key)
        {
            if field.accept(&value.into()).is_none() {
                return refuse(format!(
                    "{key} is {value}, expected {}",
                    field.expectation()
                ));
            }
            match key {
                "learning_rate" => self.learning_rate = value,
                "clip_norm" => self.clip_norm = value,
                _ if self.optimizer.set(key, value) => {}
                _ => return refuse(format!("{key} cannot be changed while the network trains")),
            }
            return Ok(());
        }
        let count = (value >= 0.0 && value.fract() == 0.0 && value < 1e15).then_some(value as u64);
        match (key, count) {
            ("steps", Some(steps)) if steps > 0 => self.total_steps = steps,
            ("validation_every", Some(every)) => self.validation_every = every,
            ("steps" | "validation_every", _) => {
                return refuse(format!(
                    "{key} is {value}, expected a whole number of steps"
                ));
            }
            _ => return refuse(format!("{kind} has no hyperparameter {key}")),
        }
        Ok(())
    }

    /// Goes back to the newest snapshot at or before `step` and forgets what
    /// came after it. Hyperparameters stay as they are; from the same ones, the
    /// run repeats itself bit for bit. Returns the step at which it now stands.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn rewind(&mut self, step: u64) -> Result<u64, RunError> {
        let snapshot = self
            .snapshots
            .at_or_before(step)
            .cloned()
            .ok_or(RunError::NoSnapshot(step))?;
        self.resume(&snapshot)?;
        self.diverged = None;
        self.history.truncate(self.step);
        self.snapshots.truncate_after(self.step);
        if self.sharpness.is_some_and(|(step, _)| step >= self.step) {
            self.sharpness = None;
        }
        Ok(self.step)
    }

    /// Stands where `snapshot` was taken; history and snapshots stay as they are.
    pub(super) fn resume(&mut self, snapshot: &Snapshot) -> Result<(), RunError> {
        match &snapshot.optimizer {
            Some(state) => self.optimizer.restore(state).map_err(RunError::model)?,
            None => self.optimizer.reset(),
        }
        self.theta.copy_from_slice(&snapshot.theta);
        self.step = snapshot.step;
        self.clip_factor = 1.0;
        self.update_gradient.clear();
        Ok(())
    }

    /// The samples of the batch that the next update uses.
    pub(super) fn batch(&mut self) -> &[usize] {
        self.batches.batch(self.step)
    }

    /// Makes one step: measures the batch's loss and gradient at the present
    /// parameters, adds a row to the history and updates the parameters. The
    /// last step of all also adds the row of the final parameters.
    ///
    /// # Errors
    /// [`RunError::Graph`]; [`RunError::Step`] from the optimizer, and the run
    /// stands where it stood then.
    pub fn step(&mut self) -> Result<StepOutcome, RunError> {
        if let Some(divergence) = &self.diverged {
            return Ok(StepOutcome::Diverged(divergence.clone()));
        }
        if self.snapshots.wants(self.step)
            && self
                .snapshots
                .last()
                .is_none_or(|last| last.step < self.step)
        {
            self.snapshots.push(self.snapshot());
        }
        let mut row = self.measure()?;
        if self.is_finished() {
            return Ok(self.finish(row));
        }
        if let Some(divergence) = self.check(&row) {
            return Ok(self.diverge(row, divergence));
        }
        self.update(&mut row)?;
        self.history.append(row);
        self.step += 1;
        if !self.is_finished() {
            return Ok(StepOutcome::Trained);
        }
        let row = self.measure()?;
        Ok(self.finish(row))
    }

    fn finish(&mut self, row: MetricRow) -> StepOutcome {
        if let Some(divergence) = self.check(&row) {
            return self.diverge(row, divergence);
        }
        self.history.append(row);
        self.keep_snapshot();
        StepOutcome::Finished
    }

    fn check(&self, row: &MetricRow) -> Option<Divergence> {
        let trigger = if !row.train_loss.is_finite() {
            Trigger::Loss(row.train_loss)
        } else if !row.gradient_norm.is_finite() {
            Trigger::Gradient(row.gradient_norm)
        } else {
            return None;
        };
        Some(Divergence::new(
            self.step,
            trigger,
            self.learning_rate(),
            &self.stability(),
            self.sharpness,
            &self.snapshots,
        ))
    }

    fn diverge(&mut self, row: MetricRow, divergence: Divergence) -> StepOutcome {
        self.history.append(row);
        self.diverged = Some(divergence.clone());
        StepOutcome::Diverged(divergence)
    }

    /// The row of the present parameters, without an update.
    fn measure(&mut self) -> Result<MetricRow, RunError> {
        let train_loss = self.batch_gradient()?;
        let gradient_norms = norms(&self.gradient, &self.setup.layers);
        self.parameter_norms = norms(&self.theta, &self.setup.layers);
        let mut row = MetricRow {
            step: self.step,
            train_loss,
            learning_rate: self.learning_rate(),
            gradient_norm: gradient_norms.total,
            parameter_norm: self.parameter_norms.total,
            layer_gradient_norms: gradient_norms.layers.iter().map(|n| *n as f32).collect(),
            ..MetricRow::default()
        };
        let due = self.validation_every > 0
            && (self.step.is_multiple_of(self.validation_every) || self.is_finished());
        if due {
            if self.setup.is_classification() {
                let (_, accuracy) = self
                    .setup
                    .training
                    .loss_and_accuracy(&self.theta, &mut self.training_space);
                row.train_accuracy = accuracy;
            }
            if let (Some(set), Some(space)) = (&self.setup.validation, &mut self.validation_space) {
                let (loss, accuracy) = set.loss_and_accuracy(&self.theta, space);
                row.val_loss = Some(loss);
                row.val_accuracy = accuracy;
            }
        }
        Ok(row)
    }

    /// Mean loss of the step's batch at the present parameters; its gradient
    /// lies in `self.gradient` afterwards.
    fn batch_gradient(&mut self) -> Result<f64, RunError> {
        self.graph
            .set_parameters(&self.theta)
            .map_err(RunError::graph)?;
        if self.batches.is_full() {
            return self
                .graph
                .loss_and_gradient(&self.inputs, &self.targets, &mut self.gradient)
                .map_err(RunError::graph);
        }
        let width = self.setup.data.train.shape.len();
        let batch = self.batches.batch(self.step);
        self.batch_inputs.clear();
        for sample in batch {
            let row = &self.inputs[sample * width..(sample + 1) * width];
            self.batch_inputs.extend_from_slice(row);
        }
        gather(
            &self.targets,
            batch,
            self.setup.data.train.len(),
            &mut self.batch_targets,
        );
        self.graph
            .loss_and_gradient(&self.batch_inputs, &self.batch_targets, &mut self.gradient)
            .map_err(RunError::graph)
    }

    /// Updates the parameters along the gradient and enters the update's norms.
    fn update(&mut self, row: &mut MetricRow) -> Result<(), RunError> {
        let clip_factor = clip_factor(row.gradient_norm, self.clip_norm);
        let factor = clip_factor as f32;
        if factor < 1.0 {
            for component in &mut self.gradient {
                *component *= factor;
            }
        }
        self.previous.copy_from_slice(&self.theta);
        let full = self.batches.is_full();
        let mut surroundings = LossSurroundings::new(
            &self.setup,
            &self.previous,
            (!full).then(|| self.batches.batch(self.step)),
            self.step,
            self.clip_norm,
        );
        self.optimizer.step(
            &mut self.theta,
            &self.gradient,
            row.learning_rate,
            &mut surroundings,
        )?;
        self.clip_factor = clip_factor;
        self.update_gradient.clone_from(&self.gradient);
        let updates = distances(&self.theta, &self.previous, &self.setup.layers);
        row.update_norm = Some(updates.total);
        row.layer_update_ratios = ratios(&updates, &self.parameter_norms);
        Ok(())
    }
}

/// The batch's targets from those of the whole set.
fn gather(all: &BatchTargets, batch: &[usize], samples: usize, out: &mut BatchTargets) {
    match (all, out) {
        (BatchTargets::Classes(all), BatchTargets::Classes(out)) => {
            out.clear();
            out.extend(batch.iter().map(|sample| all[*sample]));
        }
        (BatchTargets::Values(all), BatchTargets::Values(out)) => {
            let dims = all.len() / samples.max(1);
            out.clear();
            for sample in batch {
                out.extend_from_slice(&all[sample * dims..(sample + 1) * dims]);
            }
        }
        (all, out) => {
            // The two were made alike; copying keeps the function total.
            *out = all.clone();
        }
    }
}
