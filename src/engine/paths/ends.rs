//! The ends of a path: parameters that are there, a file, or a network that is
//! trained for it.

use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::JobError;
use crate::math::Progress;
use crate::math::vector::to_f64;
use crate::nn::checkpoint;
use crate::train::{Run, Setup, StepOutcome};

/// One end of a path.
#[derive(Clone, Debug, PartialEq)]
pub enum PathEnd {
    /// These parameters.
    Given {
        /// What they are called.
        name: String,
        /// The parameters.
        theta: Arc<[f64]>,
    },
    /// The end of another run of the same recipe on the same data: first
    /// parameters and batches are drawn from this seed.
    Twin {
        /// The seed.
        seed: u64,
    },
    /// A safetensors file, or the folder of a finished run of the same network.
    File(PathBuf),
}

impl PathEnd {
    /// The parameters, with what they are called. A twin is trained for it:
    /// progress counts its steps.
    ///
    /// # Errors
    /// [`JobError`], with one sentence on what is wrong with a file.
    pub fn resolve(
        &self,
        setup: &Setup,
        progress: &dyn Progress,
    ) -> Result<(String, Arc<[f64]>), JobError> {
        match self {
            Self::Given { name, theta } => Ok((name.clone(), Arc::clone(theta))),
            Self::Twin { seed } => {
                let theta = twin(setup, *seed, progress)?;
                Ok((format!("seed {seed}"), theta.into()))
            }
            Self::File(path) => {
                let file = if path.is_dir() {
                    path.join("parameters.safetensors")
                } else {
                    path.clone()
                };
                let theta = checkpoint::load(&file, setup.network.layout())
                    .map_err(|error| JobError::Failed(error.to_string()))?;
                let name = path.file_name().unwrap_or(path.as_os_str());
                Ok((name.to_string_lossy().into_owned(), theta.into()))
            }
        }
    }
}

/// The last parameters of a run of the same recipe on the same data from
/// another seed.
fn twin(setup: &Setup, seed: u64, progress: &dyn Progress) -> Result<Vec<f64>, JobError> {
    let mut recipe = (*setup.recipe).clone();
    recipe.seed = seed;
    recipe.training.set("validation_every", 0);
    let data = (*setup.data).clone();
    let setup = Setup::with_data(Arc::new(recipe), data, None, &setup.base_dir)?;
    let mut run = Run::from_setup(Arc::new(setup))?;
    let total = run.total_steps() as usize;
    loop {
        progress.check()?;
        match run.step()? {
            StepOutcome::Trained => progress.report(run.steps_done() as usize, total),
            StepOutcome::Finished => return Ok(to_f64(run.parameters())),
            StepOutcome::Diverged(divergence) => {
                return Err(JobError::Failed(format!(
                    "the run from seed {seed} diverged at step {}: lower the learning rate",
                    divergence.step
                )));
            }
        }
    }
}
