//! Opposing signals as a job.

use std::sync::Arc;

use crate::diagnostics::signals::{OpposingSignals, SignalError, SignalSettings, opposing_signals};
use crate::engine::job::{Analysis, JobContext, JobError};
use crate::engine::result::{AnalysisResult, ResultKind};
use crate::train::{HyperparameterChange, Setup, Snapshot};

impl From<SignalError> for JobError {
    fn from(error: SignalError) -> Self {
        match error {
            SignalError::Cancelled(_) => Self::Cancelled,
            other => Self::Failed(other.to_string()),
        }
    }
}

/// The losses of every training sample over some steps of a run, which is made
/// again from the newest of `snapshots` before them with the `changes` of its
/// hyperparameters.
pub fn signals_job(
    setup: Arc<Setup>,
    snapshots: Vec<Arc<Snapshot>>,
    changes: Vec<HyperparameterChange>,
    settings: SignalSettings,
) -> impl Analysis + 'static {
    move |context: &JobContext| {
        let result = |found: OpposingSignals| AnalysisResult {
            step: found.end(),
            kind: ResultKind::Signals(Arc::new(found)),
        };
        let mut publish = |part: &OpposingSignals| context.publish(result(part.clone()));
        let found = opposing_signals(
            &setup,
            &snapshots,
            &changes,
            settings,
            context,
            &mut publish,
        )?;
        Ok(result(found))
    }
}
