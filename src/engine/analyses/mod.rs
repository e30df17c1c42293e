//! The program's analyses as jobs, and the settings that they take from a
//! recipe. Each is a plain function of a run's setup and a parameter vector, so
//! that the headless program runs the same code.

mod maps;
mod slices;
mod spectra;

use std::sync::Arc;

use super::job::JobError;
use crate::data::Dataset;
use crate::math::MathError;
use crate::math::rng::stream;
use crate::objective::{self, Objective};
use crate::train::{RunError, Setup};

pub use maps::{
    gradients, gradients_job, prediction_job, predictions, saliency_job, saliency_maps,
};
pub use slices::{
    SliceDirections, SliceSettings, slice, slice_directions, slice_double, slice_job, tensor_blocks,
};
pub use spectra::{SpectrumSettings, Tracker, spectrum, spectrum_job, spectrum_of};

impl From<MathError> for JobError {
    fn from(error: MathError) -> Self {
        match error {
            MathError::Cancelled => Self::Cancelled,
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<RunError> for JobError {
    fn from(error: RunError) -> Self {
        Self::Failed(error.to_string())
    }
}

fn no_validation() -> JobError {
    JobError::Failed("there is no validation set: raise data.validation_fraction".to_owned())
}

/// Which samples a loss is taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Split {
    /// The training set.
    #[default]
    Train,
    /// The validation set.
    Validation,
}

impl Split {
    /// The split called `key`: `train` or `validation`.
    pub fn parse(key: &str) -> Option<Self> {
        match key {
            "train" => Some(Self::Train),
            "validation" => Some(Self::Validation),
            _ => None,
        }
    }

    fn objective(self, setup: &Setup) -> Result<&Objective<f32>, JobError> {
        match self {
            Self::Train => Ok(&setup.training),
            Self::Validation => setup.validation.as_ref().ok_or_else(no_validation),
        }
    }

    fn data(self, setup: &Setup) -> Result<&Dataset, JobError> {
        match self {
            Self::Train => Ok(&setup.data.train),
            Self::Validation => setup.data.validation.as_ref().ok_or_else(no_validation),
        }
    }

    /// The loss on `count` samples of this set, drawn without putting back from
    /// the recipe's seed, and how many there are in all.
    fn excerpt<T: objective::Real>(
        self,
        setup: &Setup,
        count: usize,
    ) -> Result<(Objective<T>, usize), JobError> {
        let data = self.data(setup)?;
        let population = data.len();
        let mut random = stream(setup.recipe.seed, "excerpt");
        let mut chosen =
            rand::seq::index::sample(&mut random, population, count.clamp(1, population))
                .into_vec();
        chosen.sort_unstable();
        let (network, loss) = (Arc::clone(&setup.network), Arc::clone(&setup.loss));
        Objective::new(network, loss, &data.subset(&chosen))
            .map(|objective| (objective, population))
            .map_err(|error| JobError::Failed(error.to_string()))
    }

    fn objective_double(self, setup: &Setup) -> Result<Objective<f64>, JobError> {
        match self {
            Self::Train => Ok(setup.training_double()?.clone()),
            Self::Validation => {
                let validation = setup.data.validation.as_ref().ok_or_else(no_validation)?;
                let (network, loss) = (Arc::clone(&setup.network), Arc::clone(&setup.loss));
                Objective::new(network, loss, validation)
                    .map_err(|error| JobError::Failed(error.to_string()))
            }
        }
    }
}

#[cfg(test)]
mod testing {
    use std::path::Path;

    use crate::train::testing::recipe;
    use crate::train::{Run, StepOutcome};

    pub(super) fn trained() -> Run {
        let mut run = Run::new(&recipe(), Path::new(".")).unwrap();
        while run.step().unwrap() == StepOutcome::Trained {}
        run
    }
}
