//! Sharpness measures as a job.

use std::sync::Arc;

use crate::curvature::sharpness::{SharpnessSettings, sharpness};
use crate::engine::job::{Analysis, JobContext};
use crate::engine::result::{AnalysisResult, ResultKind};
use crate::math::vector::to_f64;
use crate::train::{Setup, Snapshot};

/// How far the training loss rises around a snapshot, by every measure, as a job.
pub fn sharpness_job(
    setup: Arc<Setup>,
    snapshot: Arc<Snapshot>,
    settings: SharpnessSettings,
) -> impl Analysis + 'static {
    move |context: &JobContext| {
        let objective = setup.training_double()?;
        let theta = to_f64(&snapshot.theta);
        let report = sharpness(objective, &theta, &settings, context)?;
        Ok(AnalysisResult {
            step: snapshot.step,
            kind: ResultKind::Sharpness(Arc::new(report)),
        })
    }
}
