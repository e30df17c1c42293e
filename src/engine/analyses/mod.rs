//! The program's analyses as jobs, and the settings that they take from a
//! recipe. Each is a plain function of a run's setup and a parameter vector, so
//! that the headless program runs the same code.

mod directions;
mod ghosts;
mod invariance;
mod maps;
mod quantities;
mod section;
mod sharpness;
mod signals;
mod slices;
mod spectra;
mod tracker;

use std::sync::Arc;

use super::job::JobError;
use crate::data::Dataset;
use crate::math::rng::stream;
use crate::math::{MathError, floats};
use crate::objective::{self, Objective};
use crate::train::{RunError, Setup};

pub use directions::{
    Anchor, AxisInfo, DirectionInfo, PathCentre, SliceAxis, SliceDirections, Through,
    slice_directions, tensor_blocks,
};
pub use ghosts::Ghost;
pub use invariance::{invariance, invariance_job};
pub use maps::{
    gradients, gradients_job, prediction_job, predictions, saliency_job, saliency_maps,
};
pub use section::{Section, SectionRequest, section, section_double, section_job};
pub use sharpness::sharpness_job;
pub use signals::signals_job;
pub use slices::{Looking, SliceSettings, rerolls, rerolls_job, slice, slice_double, slice_job};
pub use spectra::{SpectrumSettings, spectrum, spectrum_job, spectrum_of};
pub use tracker::{TrackSettings, Tracked, Tracker};

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

    fn objective<T: Precision>(self, setup: &Setup) -> Result<Objective<T>, JobError> {
        match self {
            Self::Train => T::training(setup),
            Self::Validation => T::validation(setup),
        }
    }

    fn data(self, setup: &Setup) -> Result<&Dataset, JobError> {
        match self {
            Self::Train => Ok(&setup.data.train),
            Self::Validation => setup.data.validation.as_ref().ok_or_else(no_validation),
        }
    }

    /// The loss on these members of the set (all where there is no list), and of
    /// them on `count` only, drawn without putting back from the recipe's seed:
    /// then also how many of how many.
    fn chosen<T: Precision>(
        self,
        setup: &Setup,
        members: Option<&[usize]>,
        count: Option<usize>,
    ) -> Result<(Objective<T>, Option<Excerpt>), JobError> {
        if members.is_none() && count.is_none() {
            return Ok((self.objective(setup)?, None));
        }
        let data = self.data(setup)?;
        let population = members.map_or(data.len(), <[usize]>::len);
        let mut chosen: Vec<usize> = match count {
            Some(count) => {
                let mut random = stream(setup.recipe.seed, "excerpt");
                let count = count.clamp(1, population.max(1));
                rand::seq::index::sample(&mut random, population, count.min(population)).into_vec()
            }
            None => (0..population).collect(),
        };
        chosen.sort_unstable();
        if let Some(members) = members {
            chosen = chosen.iter().map(|index| members[*index]).collect();
        }
        let excerpt = count.map(|_| Excerpt {
            samples: chosen.len(),
            population,
        });
        let (network, loss) = (Arc::clone(&setup.network), Arc::clone(&setup.loss));
        Objective::new(network, loss, &data.subset(&chosen))
            .map(|objective| (objective, excerpt))
            .map_err(|error| JobError::Failed(error.to_string()))
    }
}

/// How many samples of how many something was measured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// Samples that were drawn.
    pub samples: usize,
    /// Samples that they were drawn from.
    pub population: usize,
}

/// A precision in which a run's losses are computed.
trait Precision: objective::Real + floats::Real {
    fn training(setup: &Setup) -> Result<Objective<Self>, JobError>;
    fn validation(setup: &Setup) -> Result<Objective<Self>, JobError>;
}

impl Precision for f32 {
    fn training(setup: &Setup) -> Result<Objective<f32>, JobError> {
        Ok(setup.training.clone())
    }

    fn validation(setup: &Setup) -> Result<Objective<f32>, JobError> {
        setup.validation.clone().ok_or_else(no_validation)
    }
}

impl Precision for f64 {
    fn training(setup: &Setup) -> Result<Objective<f64>, JobError> {
        Ok(setup.training_double()?.clone())
    }

    fn validation(setup: &Setup) -> Result<Objective<f64>, JobError> {
        let validation = setup.data.validation.as_ref().ok_or_else(no_validation)?;
        let (network, loss) = (Arc::clone(&setup.network), Arc::clone(&setup.loss));
        Objective::new(network, loss, validation)
            .map_err(|error| JobError::Failed(error.to_string()))
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
