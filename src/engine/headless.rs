//! A run from beginning to end without threads of its own, with the analyses
//! that its recipe asks for: what scripts and clusters use.

use std::path::Path;
use std::sync::Arc;

use super::analyses::{
    self, SliceSettings, SpectrumSettings, Split, TrackSettings, Tracked, Tracker,
};
use super::job::JobError;
use super::result::{Landscape, Spectrum, SpectrumPoint};
use crate::diagnostics::PredictionMap;
use crate::gradients::{GradientMaps, SaliencyMaps, choose_samples};
use crate::math::{CancelToken, Progress};
use crate::recipe::Recipe;
use crate::train::{
    Divergence, History, MetricRow, Run, RunError, Setup, Snapshot, Snapshots, StepOutcome,
};

/// Points of a fitted curve, and of a side of a decision map.
const RESOLUTION: usize = 121;
/// Samples whose predictions are kept where inputs are no plane.
const PREDICTED_SAMPLES: usize = 40;

/// How far the work has come.
#[derive(Clone, Copy, Debug)]
pub enum Stage<'a> {
    /// Training: so many of all steps are done; with the newest row.
    Training {
        /// Updates done.
        done: u64,
        /// Updates in all.
        total: u64,
        /// The newest row.
        row: &'a MetricRow,
    },
    /// An analysis: its name, and its progress between 0 and 1.
    Analysis {
        /// `slice`, `spectrum` or `gradients`.
        name: &'static str,
        /// Done, between 0 and 1.
        fraction: f64,
    },
}

/// A run that has ended, and what its analyses found.
pub struct FinishedRun {
    /// Recipe, data, network, loss, layers, initial parameters.
    pub setup: Arc<Setup>,
    /// All rows; the sharpness is in them.
    pub history: History,
    /// The snapshots that the policy kept.
    pub snapshots: Snapshots,
    /// Why the run stopped early, if it did.
    pub divergence: Option<Divergence>,
    /// The parameters that were analysed: the last ones, or the last finite
    /// ones of a run that diverged.
    pub last: Arc<Snapshot>,
    /// The top eigenvalues while training.
    pub spectrum_points: Vec<SpectrumPoint>,
    /// The slice around the last parameters.
    pub landscape: Option<Landscape>,
    /// The spectrum at the last parameters.
    pub spectrum: Option<Spectrum>,
    /// The gradient at the last parameters.
    pub gradients: GradientMaps,
    /// Saliency maps at the last parameters, of validation samples where there
    /// are any.
    pub saliency: SaliencyMaps,
    /// The network's outputs at the last parameters.
    pub prediction: PredictionMap,
    /// What could not be analysed, and why: one sentence each.
    pub failures: Vec<String>,
}

/// Why a run without threads ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum HeadlessError {
    /// The run could not be built or broke down.
    #[error(transparent)]
    Run(#[from] RunError),
    /// It was told to stop.
    #[error("cancelled")]
    Cancelled,
}

/// The progress of one analysis as stages.
struct Reporter<'a> {
    name: &'static str,
    report: &'a (dyn Fn(Stage<'_>) + Sync),
    cancel: &'a CancelToken,
}

impl Progress for Reporter<'_> {
    fn report(&self, done: usize, total: usize) {
        (self.report)(Stage::Analysis {
            name: self.name,
            fraction: done as f64 / total.max(1) as f64,
        });
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

/// Trains the run of a recipe to its end, measuring the sharpness every so many
/// steps as the recipe asks, and analyses the last parameters. `report` is told
/// about every step and about the analyses' progress; it must be quick.
///
/// The numbers are the same on every run and for any number of threads.
///
/// # Errors
/// [`HeadlessError`]. A run that diverges, or an analysis that fails, is no
/// error: see [`FinishedRun::divergence`] and [`FinishedRun::failures`].
pub fn run_to_end(
    recipe: &Recipe,
    base_dir: &Path,
    cancel: &CancelToken,
    report: &(dyn Fn(Stage<'_>) + Sync),
) -> Result<FinishedRun, HeadlessError> {
    let mut run = Run::new(recipe, base_dir)?;
    let mut failures = Vec::new();
    let spectrum_points = train(&mut run, cancel, report, &mut failures)?;
    let last = last_finite(&run);
    let setup = Arc::clone(run.setup());
    let reporter = |name| Reporter {
        name,
        report,
        cancel,
    };
    let mut keep = |result: Result<(), JobError>, what: &str| match result {
        Ok(()) => Ok(()),
        Err(JobError::Cancelled) => Err(HeadlessError::Cancelled),
        Err(JobError::Failed(message)) => {
            failures.push(format!("the {what} could not be computed: {message}"));
            Ok(())
        }
    };

    let (mut landscape, mut spectrum) = (None, None);
    let settings = SliceSettings::from_recipe(&recipe.slice);
    let path = run.snapshots().all();
    let found = analyses::slice(
        &setup,
        &last,
        path,
        &settings,
        &reporter("slice"),
        &mut |_| (),
    );
    keep(found.map(|found| landscape = Some(found)), "slice")?;
    let settings = SpectrumSettings::from_recipe(&recipe.spectrum, recipe.seed);
    let progress = reporter("spectrum");
    let found = analyses::spectrum(&setup, &last.theta, &settings, &progress, &mut |_| ());
    keep(found.map(|found| spectrum = Some(found)), "spectrum")?;

    let progress = reporter("gradients");
    progress.report(0, 1);
    let (gradients, saliency, prediction) = maps(&setup, &last.theta);
    progress.report(1, 1);

    Ok(FinishedRun {
        history: run.history().clone(),
        snapshots: run.snapshots().clone(),
        divergence: run.divergence().cloned(),
        setup,
        last,
        spectrum_points,
        landscape,
        spectrum,
        gradients,
        saliency,
        prediction,
        failures,
    })
}

/// The gradient, saliency maps of as many samples as the recipe asks for, and
/// the predictions at `theta`.
pub fn maps(setup: &Setup, theta: &[f32]) -> (GradientMaps, SaliencyMaps, PredictionMap) {
    let samples = setup.recipe.gradients.count("samples");
    let saliency = analyses::saliency_maps(setup, theta, Split::Validation, &[], samples, None);
    let chosen = choose_samples(&setup.data.train, PREDICTED_SAMPLES);
    let prediction = analyses::predictions(setup, theta, RESOLUTION, &chosen);
    (analyses::gradients(setup, theta), saliency, prediction)
}

/// Trains to the end, measuring the sharpness as the recipe asks.
fn train(
    run: &mut Run,
    cancel: &CancelToken,
    report: &(dyn Fn(Stage<'_>) + Sync),
    failures: &mut Vec<String>,
) -> Result<Vec<SpectrumPoint>, HeadlessError> {
    let spectrum = run.setup().recipe.spectrum.clone();
    let every = spectrum.count("every") as u64;
    let settings = TrackSettings::from_recipe(&spectrum);
    let mut tracker = Tracker::default();
    let mut points = Vec::new();
    let mut measure = |run: &mut Run, failures: &mut Vec<String>| {
        let step = run.steps_done();
        let at = Tracked::of(run);
        match tracker.measure(run.setup(), run.parameters(), &at, &settings, cancel) {
            Ok(point) => {
                if let Some(sharpness) = point.sharpness() {
                    run.set_sharpness(step, sharpness);
                }
                points.push(point);
                Ok(())
            }
            Err(JobError::Cancelled) => Err(HeadlessError::Cancelled),
            Err(JobError::Failed(message)) => {
                failures.push(format!(
                    "the sharpness at step {step} could not be measured: {message}"
                ));
                Ok(())
            }
        }
    };
    loop {
        if cancel.is_cancelled() {
            return Err(HeadlessError::Cancelled);
        }
        if every > 0 && run.steps_done().is_multiple_of(every) {
            measure(run, failures)?;
        }
        let outcome = run.step()?;
        if let Some(row) = run.history().last() {
            report(Stage::Training {
                done: run.steps_done(),
                total: run.total_steps(),
                row,
            });
        }
        match outcome {
            StepOutcome::Trained => {}
            StepOutcome::Finished => {
                if every > 0 {
                    measure(run, failures)?;
                }
                return Ok(points);
            }
            StepOutcome::Diverged(_) => return Ok(points),
        }
    }
}

/// The run's parameters, or those of its newest snapshot before it diverged.
fn last_finite(run: &Run) -> Arc<Snapshot> {
    match run.divergence() {
        None => run.snapshot(),
        Some(divergence) => run
            .snapshots()
            .at_or_before(divergence.rewind_to)
            .cloned()
            .unwrap_or_else(|| Arc::clone(&run.setup().initial)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::train::testing::{diverging, recipe};

    fn run(recipe: &Recipe) -> FinishedRun {
        run_to_end(recipe, Path::new("."), &CancelToken::new(), &|_| ()).unwrap()
    }

    fn small() -> Recipe {
        let mut recipe = recipe();
        recipe.spectrum.set("every", 20);
        recipe.slice.set("grid", 9);
        recipe
    }

    #[test]
    fn everything_that_the_recipe_asks_for_is_there_and_repeats_itself() {
        let steps = AtomicUsize::new(0);
        let recipe = small();
        let first = run_to_end(&recipe, Path::new("."), &CancelToken::new(), &|stage| {
            if let Stage::Training { .. } = stage {
                steps.fetch_add(1, Ordering::Relaxed);
            }
        })
        .unwrap();
        assert_eq!(steps.load(Ordering::Relaxed), 50);
        assert_eq!(first.failures, Vec::<String>::new());
        let measured: Vec<u64> = first
            .spectrum_points
            .iter()
            .map(|point| point.step)
            .collect();
        assert_eq!(measured, [0, 20, 40, 50]);
        let sharpness: Vec<_> = first.history.column(|row| row.sharpness).collect();
        assert_eq!(sharpness.len(), 4);
        assert_eq!(first.last.step, 50);
        let spectrum = first.spectrum.as_ref().unwrap();
        let top = spectrum.top.sharpness().unwrap();
        assert!((top.value - sharpness[3].1).abs() < 1e-3 * top.value);

        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        let second = pool.install(|| run(&recipe));
        assert_eq!(first.history, second.history);
        assert_eq!(first.last.theta, second.last.theta);
        assert_eq!(first.spectrum, second.spectrum);
        assert_eq!(first.gradients, second.gradients);
        assert_eq!(first.saliency, second.saliency);
        assert_eq!(first.prediction, second.prediction);
    }

    #[test]
    fn a_diverged_run_is_analysed_where_it_was_finite() {
        let finished = run(&diverging());
        let divergence = finished.divergence.unwrap();
        assert!(finished.last.step < divergence.step);
        assert!(finished.last.theta.iter().all(|value| value.is_finite()));
        assert!(finished.landscape.is_some());
    }

    #[test]
    fn a_cancelled_run_ends() {
        let cancel = CancelToken::new();
        let stop = cancel.clone();
        let ended = run_to_end(&small(), Path::new("."), &cancel, &move |_| stop.cancel());
        assert!(matches!(ended, Err(HeadlessError::Cancelled)));
    }
}
