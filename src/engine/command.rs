//! What the trainer thread can be told.

use std::path::PathBuf;
use std::sync::Arc;

use super::monitor::MonitorSettings;
use crate::recipe::Recipe;
use crate::train::Setup;

/// Which run of this process an event belongs to: every load counts one up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// Counts up whenever what came before no longer holds: at every load, reset
/// and rewind. Whoever asked for the change knows the new generation at once
/// and drops events that carry an older one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

/// The run and the generation that an event or a job belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The run.
    pub run: RunId,
    /// The generation.
    pub generation: Generation,
}

/// A command for the trainer thread. Commands take effect between two training
/// steps, in the order in which they were sent.
#[derive(Clone, Debug)]
pub enum Command {
    /// Build the run of this recipe and hold it at step 0, paused.
    Load {
        /// The recipe.
        recipe: Arc<Recipe>,
        /// The folder that the recipe's relative paths start from.
        base_dir: PathBuf,
        /// The origin of everything that the new run reports.
        origin: Origin,
    },
    /// Train until paused or finished. A finished run stays finished.
    Play,
    /// Stop after the current step.
    Pause,
    /// Make one training step, then pause.
    Step,
    /// Go back to the beginning with the same recipe, paused. The hyperparameters
    /// return to the recipe's.
    Reset {
        /// The origin of everything reported from now on.
        origin: Origin,
    },
    /// Train until so many steps are done, then pause.
    RunTo(u64),
    /// Limit the speed to so many steps per second; `None` means no limit.
    SetSpeed(Option<f64>),
    /// Change a hyperparameter of the running optimizer: `learning_rate` (the
    /// schedule's factor still multiplies it), `clip_norm`, any field that the
    /// optimizer marks as live, or `steps` and `validation_every` of
    /// `[training]`.
    SetHyperparameter {
        /// The field's key in the recipe.
        key: String,
        /// The new value.
        value: f64,
    },
    /// Go back to the newest snapshot at or before this step and forget what
    /// came after it; pauses. Hyperparameters keep their present values.
    Rewind {
        /// The step to go back to.
        step: u64,
        /// The origin of everything reported from now on.
        origin: Origin,
    },
    /// Hold, paused, a run that was set up already, such as a fork of another
    /// one ([`Setup::branch`]).
    Begin {
        /// What training does not change.
        setup: Arc<Setup>,
        /// The origin of everything that the new run reports.
        origin: Origin,
    },
    /// Measure the ends of the Hessian's spectrum while training.
    SetMonitoring(MonitorSettings),
    /// End the thread.
    Shutdown,
}
