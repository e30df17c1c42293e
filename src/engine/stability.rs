//! Pieces of a run followed once more, as jobs.

use std::sync::Arc;

use super::job::{Analysis, JobContext, JobError};
use super::result::{AnalysisResult, ResultKind};
use crate::math::{MathError, Progress};
use crate::stability::{
    FlowReport, FlowSettings, StabilityError, StabilityReport, StabilitySettings, flow_twins,
    stability_readings,
};
use crate::train::{HyperparameterChange, Replay, Setup, Snapshot};

impl From<StabilityError> for JobError {
    fn from(error: StabilityError) -> Self {
        match error {
            StabilityError::Run(error) => error.into(),
            StabilityError::Math(error) => error.into(),
        }
    }
}

/// Where a piece of a run begins, and what is needed to make it again.
#[derive(Clone)]
pub struct Beginning {
    /// Everything that training does not change.
    pub setup: Arc<Setup>,
    /// Kept snapshots, by rising step: those that remember their optimizer save
    /// steps on the way.
    pub snapshots: Vec<Arc<Snapshot>>,
    /// Changes of hyperparameters while the run trained.
    pub changes: Vec<HyperparameterChange>,
    /// The step to begin at.
    pub from: u64,
}

impl Beginning {
    /// The run as it stood there.
    ///
    /// # Errors
    /// [`JobError`]: where the run does not come there, or cancelled.
    pub fn replay(&self, progress: &dyn Progress) -> Result<Replay, JobError> {
        let go_on = |_| !progress.is_cancelled();
        let replay = Replay::at(
            &self.setup,
            &self.snapshots,
            &self.changes,
            self.from,
            go_on,
        );
        progress.check().map_err(MathError::from)?;
        replay.map_err(|error| match error {
            crate::train::RunError::NoSnapshot(step) => {
                JobError::Failed(format!("the run does not come to step {step}"))
            }
            other => other.into(),
        })
    }

    /// Reads what happens along the top eigenvectors; see
    /// [`stability_readings`].
    ///
    /// # Errors
    /// [`JobError`].
    pub fn readings(
        &self,
        settings: &StabilitySettings,
        progress: &dyn Progress,
        on_part: &mut dyn FnMut(&StabilityReport),
    ) -> Result<StabilityReport, JobError> {
        let mut replay = self.replay(progress)?;
        Ok(stability_readings(
            &mut replay,
            settings,
            progress,
            on_part,
        )?)
    }

    /// Lets flows go along; see [`flow_twins`].
    ///
    /// # Errors
    /// [`JobError`].
    pub fn flows(
        &self,
        settings: &FlowSettings,
        progress: &dyn Progress,
        on_part: &mut dyn FnMut(&FlowReport),
    ) -> Result<FlowReport, JobError> {
        let mut replay = self.replay(progress)?;
        Ok(flow_twins(&mut replay, settings, progress, on_part)?)
    }
}

/// The readings of a window of steps as a job. Its result is about the window's
/// first step.
pub fn stability_job(beginning: Beginning, settings: StabilitySettings) -> impl Analysis + 'static {
    move |context: &JobContext| {
        let result = |report: &StabilityReport| AnalysisResult {
            step: report.from,
            kind: ResultKind::Stability(Arc::new(report.clone())),
        };
        let mut publish = |report: &StabilityReport| context.publish(result(report));
        let found = beginning.readings(&settings, context, &mut publish)?;
        Ok(result(&found))
    }
}

/// Flows beside a window of steps as a job. Its result is about the window's
/// first step.
pub fn flow_job(beginning: Beginning, settings: FlowSettings) -> impl Analysis + 'static {
    move |context: &JobContext| {
        let result = |report: &FlowReport| AnalysisResult {
            step: report.from,
            kind: ResultKind::Flow(Arc::new(report.clone())),
        };
        let mut publish = |report: &FlowReport| context.publish(result(report));
        let found = beginning.flows(&settings, context, &mut publish)?;
        Ok(result(&found))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::math::progress::CancelToken;
    use crate::train::testing::recipe;
    use crate::train::{Run, StepOutcome};

    #[test]
    fn a_window_of_a_changed_run_is_that_of_the_run() {
        let mut run = Run::new(&recipe(), Path::new(".")).unwrap();
        let mut thetas = Vec::new();
        for step in 0..40 {
            if step == 12 {
                run.set_hyperparameter("learning_rate", 0.4).unwrap();
            }
            thetas.push(run.parameters().to_vec());
            assert_eq!(run.step().unwrap(), StepOutcome::Trained);
        }
        let beginning = Beginning {
            setup: Arc::clone(run.setup()),
            snapshots: run.snapshots().all().to_vec(),
            changes: vec![(12, "learning_rate".to_owned(), 0.4)],
            from: 10,
        };
        let settings = StabilitySettings {
            steps: 5,
            every: 5,
            ..StabilitySettings::of(run.setup())
        };
        let found = beginning.readings(&settings, &(), &mut |_| ()).unwrap();
        let rates: Vec<f64> = found.steps.iter().map(|row| row.learning_rate).collect();
        assert_eq!(rates, [0.1, 0.1, 0.4, 0.4, 0.4, 0.4]);
        assert!((found.steps[2].threshold - 5.0).abs() < 1e-12);
        let objective = run.setup().training_double().unwrap();
        for row in &found.steps {
            let theta = crate::math::vector::to_f64(&thetas[row.step as usize]);
            assert_eq!(row.loss, objective.loss(&theta, &mut objective.workspace()));
        }
    }

    #[test]
    fn what_the_run_never_reached_is_a_sentence() {
        let run = Run::new(&recipe(), Path::new(".")).unwrap();
        let beginning = Beginning {
            setup: Arc::clone(run.setup()),
            snapshots: Vec::new(),
            changes: Vec::new(),
            from: 51,
        };
        let error = beginning.replay(&()).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), "the run does not come to step 51");
        let token = CancelToken::new();
        token.cancel();
        let stopped = beginning.replay(&token).map(|_| ());
        assert!(matches!(stopped, Err(JobError::Cancelled)));
    }
}
