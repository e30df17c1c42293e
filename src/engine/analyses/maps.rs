//! Maps of gradients and outputs.

use std::sync::Arc;

use super::Split;
use crate::diagnostics::{PredictionMap, prediction};
use crate::engine::job::{Analysis, JobContext};
use crate::engine::result::{AnalysisResult, ResultKind};
use crate::gradients::{GradientMaps, SaliencyMaps, choose_samples, gradient_maps, saliency};
use crate::train::{Setup, Snapshot};

/// The gradient of the whole training loss as a job.
pub fn gradients_job(setup: Arc<Setup>, snapshot: Arc<Snapshot>) -> impl Analysis + 'static {
    move |_: &JobContext| {
        Ok(AnalysisResult {
            step: snapshot.step,
            kind: ResultKind::Gradients(Arc::new(gradients(&setup, &snapshot.theta))),
        })
    }
}

/// The gradient of the whole training loss.
pub fn gradients(setup: &Setup, theta: &[f32]) -> GradientMaps {
    gradient_maps(&setup.training, setup.network.layout(), theta)
}

/// Saliency maps as a job. `samples` are numbers in the split's data set; with
/// none, `count` of them are chosen, going round the classes.
pub fn saliency_job(
    setup: Arc<Setup>,
    snapshot: Arc<Snapshot>,
    split: Split,
    samples: Vec<usize>,
    count: usize,
    output: Option<usize>,
) -> impl Analysis + 'static {
    move |_: &JobContext| {
        let maps = saliency_maps(&setup, &snapshot.theta, split, &samples, count, output);
        Ok(AnalysisResult {
            step: snapshot.step,
            kind: ResultKind::Saliency(Arc::new(maps)),
        })
    }
}

/// Saliency maps of samples; see [`saliency_job`]. Where there is no validation
/// set, the samples are the training set's.
pub fn saliency_maps(
    setup: &Setup,
    theta: &[f32],
    split: Split,
    samples: &[usize],
    count: usize,
    output: Option<usize>,
) -> SaliencyMaps {
    let data = match (split, &setup.data.validation) {
        (Split::Validation, Some(validation)) => validation,
        _ => &setup.data.train,
    };
    let chosen = if samples.is_empty() {
        choose_samples(data, count)
    } else {
        samples.to_vec()
    };
    saliency(&setup.training, theta, data, &chosen, output)
}

/// The network's outputs as a job: a curve, a map of `resolution` points a side,
/// or the outputs for `samples` of the training set.
pub fn prediction_job(
    setup: Arc<Setup>,
    snapshot: Arc<Snapshot>,
    resolution: usize,
    samples: Vec<usize>,
) -> impl Analysis + 'static {
    move |_: &JobContext| {
        Ok(AnalysisResult {
            step: snapshot.step,
            kind: ResultKind::Prediction(Arc::new(predictions(
                &setup,
                &snapshot.theta,
                resolution,
                &samples,
            ))),
        })
    }
}

/// The network's outputs; see [`prediction_job`].
pub fn predictions(
    setup: &Setup,
    theta: &[f32],
    resolution: usize,
    samples: &[usize],
) -> PredictionMap {
    prediction(
        &setup.training,
        theta,
        &setup.data.train,
        resolution,
        samples,
    )
}
