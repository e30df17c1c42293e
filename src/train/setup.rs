//! Everything about a run that training does not change.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::batches::Batches;
use super::layers::{Layer, layers};
use super::optimizers::{self, OptimizerError, OptimizerState, StepError};
use super::replay::HyperparameterChange;
use super::schedules::UnknownSchedule;
use super::snapshots::Snapshot;
use crate::data::{self, DataError, Dataset, PreparedData, Targets};
use crate::nn::losses::Loss;
use crate::nn::{self, Network};
use crate::objective::Objective;
use crate::recipe::Recipe;

/// Why a run could not be built or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The data set could not be made.
    #[error(transparent)]
    Data(#[from] DataError),
    /// There is nothing to train on.
    #[error("the training set is empty: lower data.validation_fraction or ask for more samples")]
    NoSamples,
    /// The network, its first parameters or the loss could not be built.
    #[error("{0}")]
    Model(String),
    /// The optimizer could not be built.
    #[error(transparent)]
    Optimizer(#[from] OptimizerError),
    /// The schedule could not be built.
    #[error(transparent)]
    Schedule(#[from] UnknownSchedule),
    /// The training graph failed.
    #[error("training failed: {0}")]
    Graph(String),
    /// The optimizer could not make its step.
    #[error("the step failed: {0}")]
    Step(#[from] StepError),
    /// A hyperparameter cannot be changed.
    #[error("{0}")]
    Hyperparameter(String),
    /// A run cannot begin where it was asked to.
    #[error("{0}")]
    Fork(String),
    /// There is no snapshot to go back to.
    #[error("there is no snapshot at or before step {0}")]
    NoSnapshot(u64),
}

impl RunError {
    pub(super) fn model(error: impl fmt::Display) -> Self {
        Self::Model(first_line(&error))
    }

    pub(super) fn graph(error: impl fmt::Display) -> Self {
        Self::Graph(first_line(&error))
    }
}

/// What the recipe's optimizer remembers before its first step.
fn new_optimizer(recipe: &Recipe, dim: usize) -> Result<Arc<OptimizerState<f32>>, RunError> {
    let optimizer = optimizers::build(&recipe.optimizer, dim)?;
    Ok(Arc::new(optimizer.state()))
}

/// candle appends a backtrace to its errors, which is not for users.
fn first_line(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

/// Everything about a run that training does not change. Analyses of a run
/// start from it and a parameter vector. Cloning is cheap: clones share what is
/// large.
#[derive(Clone)]
pub struct Setup {
    /// The recipe.
    pub recipe: Arc<Recipe>,
    /// The folder that the recipe's relative paths start from.
    pub base_dir: PathBuf,
    /// The data, split and standardised.
    pub data: Arc<PreparedData>,
    /// The network; `network.layout()` orders the parameter vector.
    pub network: Arc<Network>,
    /// The loss.
    pub loss: Arc<dyn Loss>,
    /// The loss over the whole training set, in single precision.
    pub training: Objective<f32>,
    /// The loss over the validation set, in single precision, if there is one.
    pub validation: Option<Objective<f32>>,
    /// The layers that the metrics tell apart.
    pub layers: Vec<Layer>,
    /// Where the run begins: at step 0, or where it parts from another run.
    pub initial: Arc<Snapshot>,
    /// Whether it parts from another run: then the recipe alone does not bring
    /// it back.
    pub is_branch: bool,
    /// Samples in a batch (the whole training set for full batch).
    pub batch_size: usize,
    /// Steps in an epoch, the last short batch counted.
    pub steps_per_epoch: u64,
    /// Changes of hyperparameters while the run trained, by rising step, where
    /// they are known; see [`Setup::at`].
    changes: Vec<HyperparameterChange>,
    training_double: Arc<OnceLock<Result<Objective<f64>, String>>>,
}

impl Setup {
    /// Makes the data, the network, its first parameters and the loss of a
    /// recipe that its schema has accepted.
    ///
    /// # Errors
    /// [`RunError`], with one sentence about what could not be made.
    pub fn new(recipe: Arc<Recipe>, base_dir: &Path) -> Result<Self, RunError> {
        let data = data::prepare(&recipe.data, recipe.seed, base_dir)?;
        Self::with_data(recipe, data, None, base_dir)
    }

    /// The same on data that are there already, whatever the recipe's `[data]`
    /// says, and from `initial` parameters instead of the recipe's if given.
    ///
    /// # Errors
    /// [`RunError`], as [`Setup::new`]; also if `initial` has not as many
    /// numbers as the network has parameters.
    pub fn with_data(
        recipe: Arc<Recipe>,
        data: PreparedData,
        initial: Option<Vec<f32>>,
        base_dir: &Path,
    ) -> Result<Self, RunError> {
        if data.train.is_empty() {
            return Err(RunError::NoSamples);
        }
        let loss = nn::losses::build(&recipe.loss).map_err(RunError::model)?;
        let outputs = loss.outputs(&data.train.targets).map_err(RunError::model)?;
        let network =
            Network::build(&recipe.model, &data.train.shape, outputs).map_err(RunError::model)?;
        let network = Arc::new(network);
        let theta = match initial {
            Some(theta) => theta,
            None => nn::initialize(&network, &recipe.initialization, recipe.seed, base_dir)
                .map_err(RunError::model)?,
        };
        if theta.len() != network.layout().len() {
            return Err(RunError::Model(format!(
                "the initial parameters are {} numbers, and the network has {}",
                theta.len(),
                network.layout().len()
            )));
        }
        let optimizer = new_optimizer(&recipe, theta.len())?;
        let objective = |set: &Dataset| {
            Objective::new(Arc::clone(&network), Arc::clone(&loss), set).map_err(RunError::model)
        };
        let training = objective(&data.train)?;
        let validation = match &data.validation {
            Some(set) if !set.is_empty() => Some(objective(set)?),
            _ => None,
        };
        let batch_size = recipe.training.count("batch_size");
        let batches = Batches::new(recipe.seed, data.train.len(), batch_size);
        Ok(Self {
            layers: layers(network.layout()),
            is_branch: false,
            initial: Arc::new(Snapshot {
                step: 0,
                theta: theta.into(),
                optimizer: Some(optimizer),
            }),
            batch_size: batches.size(),
            steps_per_epoch: batches.per_epoch(),
            base_dir: base_dir.to_owned(),
            data: Arc::new(data),
            network,
            loss,
            training,
            validation,
            recipe,
            changes: Vec::new(),
            training_double: Arc::default(),
        })
    }

    /// The same data, network and loss for a run that begins at `start`, with
    /// the optimizer, the schedule, the training and the seed of `recipe`. What
    /// the optimizer remembered at `start` is kept where the optimizer is of the
    /// same kind. A recipe that asks for no step after `start` gets as many as
    /// it says from there; where it says what this run's recipe says, as many as
    /// this run makes, so that branches of branches do not grow.
    ///
    /// # Errors
    /// [`RunError::Fork`] where the recipe has other data, another model or
    /// another loss, or `start` is not a finite parameter vector of this
    /// network; [`RunError::Optimizer`].
    pub fn branch(&self, recipe: &Recipe, start: &Snapshot) -> Result<Self, RunError> {
        let same = [
            ("data", self.recipe.data == recipe.data),
            ("model", self.recipe.model == recipe.model),
            ("loss", self.recipe.loss == recipe.loss),
        ];
        if let Some((section, _)) = same.iter().find(|(_, same)| !same) {
            return Err(RunError::Fork(format!(
                "[{section}] of the recipe has changed: a fork keeps data, model and loss"
            )));
        }
        if start.theta.len() != self.dim() {
            return Err(RunError::Fork(format!(
                "the start has {} parameters, and the network has {}",
                start.theta.len(),
                self.dim()
            )));
        }
        if !start.theta.iter().all(|value| value.is_finite()) {
            return Err(RunError::Fork(
                "a parameter of the start is not a finite number".to_owned(),
            ));
        }
        let mut recipe = recipe.clone();
        let steps = recipe.training.count("steps") as u64;
        if steps <= start.step {
            let inherited = steps == self.recipe.training.count("steps") as u64;
            let own = if inherited { self.initial.step } else { 0 };
            let steps = start.step.saturating_add(steps.saturating_sub(own).max(1));
            recipe
                .training
                .set("steps", i64::try_from(steps).unwrap_or(i64::MAX));
        }
        let same_optimizer = recipe.optimizer.kind == self.recipe.optimizer.kind;
        // A run's beginning always remembers its optimizer: what is replayed of
        // the run begins there.
        let optimizer = match start.optimizer.as_ref().filter(|_| same_optimizer) {
            Some(kept) => Arc::clone(kept),
            None => new_optimizer(&recipe, self.dim())?,
        };
        let start = Snapshot {
            step: start.step,
            theta: Arc::clone(&start.theta),
            optimizer: Some(optimizer),
        };
        Ok(Self {
            is_branch: true,
            ..self.sharing(Arc::new(recipe), start)
        })
    }

    /// The same data, network, loss and first parameters under a recipe that
    /// differs from this one in `[optimizer]`, `[schedule]` and `[training]`
    /// only. What is large is shared.
    ///
    /// # Errors
    /// [`RunError::Optimizer`].
    pub fn with_recipe(&self, recipe: Arc<Recipe>) -> Result<Self, RunError> {
        let start = Snapshot {
            step: 0,
            theta: Arc::clone(&self.initial.theta),
            optimizer: Some(new_optimizer(&recipe, self.dim())?),
        };
        Ok(self.sharing(recipe, start))
    }

    /// A run of another recipe on the same data, network and loss, from `start`.
    fn sharing(&self, recipe: Arc<Recipe>, start: Snapshot) -> Self {
        let batch_size = recipe.training.count("batch_size");
        let batches = Batches::new(recipe.seed, self.data.train.len(), batch_size);
        Self {
            initial: Arc::new(start),
            is_branch: self.is_branch,
            batch_size: batches.size(),
            steps_per_epoch: batches.per_epoch(),
            base_dir: self.base_dir.clone(),
            data: Arc::clone(&self.data),
            network: Arc::clone(&self.network),
            loss: Arc::clone(&self.loss),
            training: self.training.clone(),
            validation: self.validation.clone(),
            layers: self.layers.clone(),
            changes: Vec::new(),
            training_double: Arc::clone(&self.training_double),
            recipe,
        }
    }

    /// The setup of a run whose hyperparameters were changed while it trained:
    /// the same, but that [`Setup::at`] knows of the changes (step, key, value; by
    /// rising step, as the run took them).
    pub fn with_changes(self: &Arc<Self>, changes: &[HyperparameterChange]) -> Arc<Self> {
        if self.changes == changes {
            return Arc::clone(self);
        }
        Arc::new(Self {
            changes: changes.to_vec(),
            ..Self::clone(self)
        })
    }

    /// The setup as it was in force for the update after `step` updates: in its
    /// recipe's `[optimizer]` stand the values of all changes up to then. Whoever
    /// builds the optimizer of a moment anew takes it from there.
    pub fn at(&self, step: u64) -> Cow<'_, Self> {
        let own = |(at, key, _): &&HyperparameterChange| {
            *at <= step && self.recipe.optimizer.get(key).is_some()
        };
        let mut due = self.changes.iter().filter(own).peekable();
        if due.peek().is_none() {
            return Cow::Borrowed(self);
        }
        let mut recipe = Recipe::clone(&self.recipe);
        for (_, key, value) in due {
            recipe.optimizer.set(key, *value);
        }
        Cow::Owned(Self {
            recipe: Arc::new(recipe),
            changes: Vec::new(),
            ..self.clone()
        })
    }

    /// Number of parameters.
    pub fn dim(&self) -> usize {
        self.initial.theta.len()
    }

    /// Whether samples have classes, so that there are accuracies.
    pub fn is_classification(&self) -> bool {
        matches!(self.data.train.targets, Targets::Classes { .. })
    }

    /// The loss over the whole training set in double precision, for curvature.
    /// Made when first asked for.
    ///
    /// # Errors
    /// [`RunError::Model`], as when the run was built.
    pub fn training_double(&self) -> Result<&Objective<f64>, RunError> {
        self.training_double
            .get_or_init(|| {
                let (network, loss) = (Arc::clone(&self.network), Arc::clone(&self.loss));
                Objective::new(network, loss, &self.data.train).map_err(|e| first_line(&e))
            })
            .as_ref()
            .map_err(|message| RunError::Model(message.clone()))
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Setup")
            .field("recipe", &self.recipe.name)
            .field("parameters", &self.dim())
            .field("samples", &self.data.train.len())
            .finish_non_exhaustive()
    }
}
