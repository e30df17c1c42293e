//! The analyses of the Hessian beyond its plain spectrum as jobs.

use std::sync::Arc;

use super::{
    BatchExtremes, BatchSettings, ClassCurvature, Cut, Matrix, Waterfall, WaterfallSettings,
    batch_sizes, batches, blocks, classes_with, waterfall,
};
use crate::curvature::{BlockStructure, ExactSpectrum};
use crate::engine::analyses::{SpectrumSettings, spectrum_of};
use crate::engine::job::{Analysis, JobContext, JobError};
use crate::engine::result::{AnalysisResult, ResultKind, Spectrum};
use crate::math::Progress;
use crate::math::progress::Part;
use crate::math::vector::to_f64;
use crate::train::{Setup, Snapshot};

/// The spectrum of one of the matrices.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSpectrum {
    /// Which matrix.
    pub matrix: Matrix,
    /// Its ends, trace and density.
    pub spectrum: Spectrum,
    /// All its eigenvalues, where they were asked for and can be had.
    pub exact: Option<ExactSpectrum>,
    /// Why they cannot, in a sentence.
    pub refused: Option<String>,
}

/// The spectra of several matrices at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatricesResult {
    /// Those that are there already, in the order asked for.
    pub spectra: Vec<MatrixSpectrum>,
}

/// A matrix cut into blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct LayersResult {
    /// Which matrix.
    pub matrix: Matrix,
    /// Where it was cut.
    pub cut: Cut,
    /// The blocks' names.
    pub names: Vec<String>,
    /// The blocks.
    pub structure: BlockStructure,
}

/// The Hessians of the classes.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassesResult {
    /// Those that are there already.
    pub classes: Vec<ClassCurvature>,
    /// How many classes there are.
    pub planned: usize,
}

/// What an analysis of the Hessian found.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each variant is documented by its type")]
pub enum CurvatureResult {
    Matrices(MatricesResult),
    Waterfall(Waterfall),
    Layers(LayersResult),
    Classes(ClassesResult),
    /// Extremes by batch size.
    Batches {
        /// The sizes that are there already, ascending.
        sizes: Vec<BatchExtremes>,
        /// How many sizes there will be.
        planned: usize,
    },
}

fn result(step: u64, found: CurvatureResult) -> AnalysisResult {
    AnalysisResult {
        step,
        kind: ResultKind::Curvature(Arc::new(found)),
    }
}

/// The spectra of `wanted` at a snapshot, and all eigenvalues of each where
/// `exact` is set and the network is small enough; `on_part` gets what is known
/// after each.
///
/// # Errors
/// [`JobError`]; that an exact spectrum cannot be had is none.
pub fn matrices(
    setup: &Setup,
    snapshot: &Snapshot,
    wanted: &[Matrix],
    exact: bool,
    settings: &SpectrumSettings,
    progress: &dyn Progress,
    on_part: &mut dyn FnMut(&MatricesResult),
) -> Result<MatricesResult, JobError> {
    let theta = to_f64(&snapshot.theta);
    let state = snapshot.optimizer.as_deref();
    let setup = setup.at(snapshot.step);
    let mut found = MatricesResult::default();
    let count = wanted.len().max(1) as f64;
    for (k, matrix) in wanted.iter().enumerate() {
        let share = |part: f64| (k as f64 + part) / count;
        let split = if exact { 0.5 } else { 1.0 };
        let operator = matrix.operator_with(&setup, &theta, state)?;
        let part = Part::new(progress, share(0.0), share(split));
        let spectrum = spectrum_of(&*operator, settings, &part, &mut |_| ())?;
        let mut entry = MatrixSpectrum {
            matrix: *matrix,
            spectrum,
            exact: None,
            refused: None,
        };
        if exact {
            let part = Part::new(progress, share(split), share(1.0));
            match matrix.exact_with(&setup, &theta, state, &part) {
                Ok(spectrum) => entry.exact = Some(spectrum),
                Err(JobError::Cancelled) => return Err(JobError::Cancelled),
                Err(JobError::Failed(sentence)) => entry.refused = Some(sentence),
            }
        }
        found.spectra.push(entry);
        if found.spectra.len() < wanted.len() {
            on_part(&found);
        }
    }
    Ok(found)
}

/// The spectra of several matrices as a job; see [`matrices`].
pub fn matrices_job(
    setup: Arc<Setup>,
    snapshot: Arc<Snapshot>,
    wanted: Vec<Matrix>,
    exact: bool,
    settings: SpectrumSettings,
) -> impl Analysis + 'static {
    move |context: &JobContext| {
        let step = snapshot.step;
        let mut publish = |part: &MatricesResult| {
            context.publish(result(step, CurvatureResult::Matrices(part.clone())));
        };
        let found = matrices(
            &setup,
            &snapshot,
            &wanted,
            exact,
            &settings,
            context,
            &mut publish,
        )?;
        Ok(result(step, CurvatureResult::Matrices(found)))
    }
}

/// A waterfall as a job; its result carries the step of the last snapshot.
pub fn waterfall_job(
    setup: Arc<Setup>,
    snapshots: Vec<Arc<Snapshot>>,
    settings: WaterfallSettings,
) -> impl Analysis + 'static {
    move |context: &JobContext| {
        let step = snapshots.last().map_or(0, |snapshot| snapshot.step);
        let mut publish = |part: &Waterfall| {
            context.publish(result(step, CurvatureResult::Waterfall(part.clone())));
        };
        let found = waterfall(&setup, &snapshots, &settings, context, &mut publish)?;
        Ok(result(step, CurvatureResult::Waterfall(found)))
    }
}

/// The blocks of a matrix as a job.
pub fn layers_job(
    setup: Arc<Setup>,
    snapshot: Arc<Snapshot>,
    matrix: Matrix,
    cut: Cut,
    settings: SpectrumSettings,
) -> impl Analysis + 'static {
    move |context: &JobContext| {
        let theta = to_f64(&snapshot.theta);
        let state = snapshot.optimizer.as_deref();
        let operator = matrix.operator_with(&setup.at(snapshot.step), &theta, state)?;
        let (names, structure) = blocks(&setup, &*operator, cut, &settings, context)?;
        let found = LayersResult {
            matrix,
            cut,
            names,
            structure,
        };
        Ok(result(snapshot.step, CurvatureResult::Layers(found)))
    }
}

/// The Hessians of the classes as a job, with their densities where `density`
/// is set.
pub fn classes_job(
    setup: Arc<Setup>,
    snapshot: Arc<Snapshot>,
    density: bool,
    settings: SpectrumSettings,
) -> impl Analysis + 'static {
    move |context: &JobContext| {
        let theta = to_f64(&snapshot.theta);
        let planned = setup.data.train.class_names().len();
        if planned == 0 {
            return Err(JobError::Failed(
                "the data have no classes; expected a classification".to_owned(),
            ));
        }
        let wrap = |classes: &[ClassCurvature]| {
            let classes = classes.to_vec();
            CurvatureResult::Classes(ClassesResult { classes, planned })
        };
        let mut publish =
            |part: &[ClassCurvature]| context.publish(result(snapshot.step, wrap(part)));
        let found = classes_with(&setup, &theta, &settings, density, context, &mut publish)?;
        Ok(result(snapshot.step, wrap(&found)))
    }
}

/// The extremes of mini-batches as a job.
pub fn batches_job(
    setup: Arc<Setup>,
    snapshot: Arc<Snapshot>,
    settings: BatchSettings,
) -> impl Analysis + 'static {
    move |context: &JobContext| {
        let theta = to_f64(&snapshot.theta);
        let planned = batch_sizes(setup.data.train.len()).len();
        let wrap = |sizes: &[BatchExtremes]| CurvatureResult::Batches {
            sizes: sizes.to_vec(),
            planned,
        };
        let mut publish =
            |part: &[BatchExtremes]| context.publish(result(snapshot.step, wrap(part)));
        let found = batches(&setup, &theta, &settings, context, &mut publish)?;
        Ok(result(snapshot.step, wrap(&found)))
    }
}
