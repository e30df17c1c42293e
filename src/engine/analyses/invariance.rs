//! The self-test of a normalization on a run's network.

use std::sync::Arc;

use super::SliceDirections;
use super::directions::moving_blocks;
use super::slices::SliceSettings;
use crate::engine::job::{Analysis, JobContext, JobError};
use crate::engine::result::{AnalysisResult, ResultKind};
use crate::landscape::{self, Extent, Invariance, InvarianceSettings, Rescaling};
use crate::math::Progress;
use crate::math::vector::to_f64;
use crate::train::{Setup, Snapshot};

/// What a part of the network is scaled by.
const FACTOR: f64 = 10.0;

/// Scales a layer, then a neuron, without changing the network's function, and
/// measures how much a slice along random directions of these settings changes:
/// 9×9 points in double precision, on the training set. Empty where the network
/// has no place to scale (see [`landscape::rescaled`]).
///
/// # Errors
/// [`JobError`].
pub fn invariance(
    setup: &Setup,
    theta: &[f64],
    settings: &SliceSettings,
    progress: &dyn Progress,
) -> Result<Vec<Invariance>, JobError> {
    let seed = match settings.directions {
        SliceDirections::Random { seed } => seed,
        _ => 0,
    };
    let (Extent::Symmetric(extent) | Extent::Fit { otherwise: extent }) = settings.extent;
    let blocks = moving_blocks(setup, settings);
    let objective = setup.training_double()?;
    let mut found = Vec::new();
    for rescaling in [Rescaling::Layer, Rescaling::Neuron] {
        let settings = InvarianceSettings {
            drawing: settings.drawing(),
            seed,
            extent,
            rescaling,
            factor: FACTOR,
        };
        let one = landscape::invariance(objective, theta, &blocks, &settings, progress)?;
        found.extend(one);
    }
    Ok(found)
}

/// The self-test as a job.
pub fn invariance_job(
    setup: Arc<Setup>,
    snapshot: Arc<Snapshot>,
    settings: SliceSettings,
) -> impl Analysis + 'static {
    move |context: &JobContext| {
        let theta = to_f64(&snapshot.theta);
        let found = invariance(&setup, &theta, &settings, context)?;
        Ok(AnalysisResult {
            step: snapshot.step,
            kind: ResultKind::Invariance(Arc::new(found)),
        })
    }
}
