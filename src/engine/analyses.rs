//! The program's analyses as jobs, and the settings that they take from a
//! recipe. Each is a plain function of a run's setup and a parameter vector, so
//! that the headless program runs the same code.

use std::sync::Arc;

use rayon::prelude::*;

use super::job::{Analysis, JobContext, JobError};
use super::result::{AnalysisResult, Landscape, ResultKind, SliceShape, Spectrum};
use crate::curvature::{
    DensityOptions, EigenvalueEstimate, ExtremalOptions, SpectralDensity, TraceMethod,
    spectral_density, top_eigenvalues, trace,
};
use crate::data::Dataset;
use crate::diagnostics::{PredictionMap, prediction};
use crate::gradients::{GradientMaps, SaliencyMaps, choose_samples, gradient_maps, saliency};
use crate::landscape::{
    Centre, Directions, GridAxis, LossErrors, Normalization, PathPoint, PathShare, PlaneLoss,
    Slice2d, TensorBlock, evaluate_slice1d, evaluate_slice2d, loss_errors, path_share,
    project_path,
};
use crate::math::SymmetricOperator;
use crate::math::rng::stream;
use crate::math::vector::to_f64;
use crate::math::{MathError, Progress, floats};
use crate::nn::{ParameterKind, ParameterLayout};
use crate::objective::{self, Objective};
use crate::recipe::Component;
use crate::train::{RunError, Setup, Snapshot};

/// The tolerance that is good enough for a plot.
const TOLERANCE: f64 = 1e-3;

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

/// The directions of a slice.
#[derive(Clone, Debug, PartialEq)]
pub enum SliceDirections {
    /// Random ones, drawn from this seed.
    Random {
        /// The seed.
        seed: u64,
    },
    /// The first two principal components of the snapshots.
    Path,
    /// Given ones, as they are.
    Given(Arc<Directions>),
}

/// What a slice looks like.
#[derive(Clone, Debug, PartialEq)]
pub struct SliceSettings {
    /// Points on a side.
    pub grid: usize,
    /// How far the slice reaches along each direction.
    pub extent: f64,
    /// How random directions are scaled.
    pub normalization: Normalization,
    /// The directions.
    pub directions: SliceDirections,
    /// The samples of the loss.
    pub split: Split,
    /// A line along the first direction instead of a plane.
    pub line: bool,
    /// Measure the loss on so many of the samples only, and its standard error;
    /// on all of them where there is no number.
    pub samples: Option<usize>,
}

impl SliceSettings {
    /// What a recipe's `[analyses.slice]` asks for: a plane.
    pub fn from_recipe(slice: &Component) -> Self {
        Self {
            grid: slice.count("grid").max(2),
            extent: slice.float("extent"),
            normalization: match slice.text("normalization") {
                "layer" => Normalization::Layer,
                "elementwise" => Normalization::Elementwise,
                "none" => Normalization::None,
                _ => Normalization::Filter,
            },
            directions: SliceDirections::Random {
                seed: slice.integer("seed").unsigned_abs(),
            },
            split: Split::parse(slice.text("split")).unwrap_or_default(),
            line: false,
            samples: None,
        }
    }
}

/// The blocks of a layout, as directions see them.
pub fn tensor_blocks(layout: &ParameterLayout) -> Vec<TensorBlock> {
    layout
        .iter()
        .map(|tensor| TensorBlock {
            range: tensor.range.clone(),
            filters: tensor.filters(),
            is_weight: tensor.kind == ParameterKind::Weight,
        })
        .collect()
}

/// The directions of a slice around `centre`. Random ones of a model with two
/// parameters are the axes themselves: then the slice is the whole landscape.
///
/// # Errors
/// [`MathError`], where the parameters or the path span no plane.
pub fn slice_directions<T: floats::Real>(
    setup: &Setup,
    centre: &[T],
    path: &[Arc<Snapshot>],
    settings: &SliceSettings,
) -> Result<Arc<Directions>, MathError> {
    let directions = match &settings.directions {
        SliceDirections::Given(directions) => return Ok(Arc::clone(directions)),
        SliceDirections::Random { .. } if centre.len() == 2 => {
            Directions::whole_plane(centre.len())?
        }
        SliceDirections::Random { seed } => Directions::random(
            centre,
            &tensor_blocks(setup.network.layout()),
            settings.normalization,
            settings.normalization.includes_biases(),
            &mut stream(*seed, "directions"),
        )?,
        SliceDirections::Path => {
            let vectors: Vec<&[f32]> = path.iter().map(|snapshot| &snapshot.theta[..]).collect();
            let centre = to_f64(centre);
            Directions::of_path(
                &vectors,
                Centre::Given(&centre),
                &mut stream(setup.recipe.seed, "directions"),
            )?
        }
    };
    Ok(Arc::new(directions))
}

/// Evaluates a slice around a snapshot in single precision, coarse grid first:
/// `on_level` gets every grid, each finer than the one before. The path's
/// snapshots are projected on the plane; it may be empty.
///
/// # Errors
/// [`JobError`].
pub fn slice(
    setup: &Setup,
    centre: &Snapshot,
    path: &[Arc<Snapshot>],
    settings: &SliceSettings,
    progress: &dyn Progress,
    on_level: &mut dyn FnMut(Landscape),
) -> Result<Landscape, JobError> {
    let excerpt = match settings.samples {
        Some(count) => Some(settings.split.excerpt::<f32>(setup, count)?),
        None => None,
    };
    let objective = match &excerpt {
        Some((objective, _)) => objective,
        None => settings.split.objective(setup)?,
    };
    let directions = slice_directions(setup, &centre.theta, path, settings)?;
    let [first, second] = directions.to_f32();
    let mut plane = objective.plane(&centre.theta, &first, &second);
    if let Some((_, population)) = excerpt {
        plane = plane.drawn_from(population);
    }
    let landscape = on_plane(&centre.theta, directions, path)?;
    let errors = |points: &[PathPoint]| plane_errors(objective, &plane, path, points, progress);
    evaluate(&plane, landscape, settings, progress, &errors, on_level)
}

/// The same slice in double precision throughout, around any parameters: slower,
/// and exact to rounding.
///
/// # Errors
/// [`JobError`].
pub fn slice_double(
    setup: &Setup,
    centre: &[f64],
    path: &[Arc<Snapshot>],
    settings: &SliceSettings,
    progress: &dyn Progress,
) -> Result<Landscape, JobError> {
    let (objective, population) = match settings.samples {
        Some(count) => {
            let (objective, population) = settings.split.excerpt(setup, count)?;
            (objective, Some(population))
        }
        None => (settings.split.objective_double(setup)?, None),
    };
    let directions = slice_directions(setup, centre, path, settings)?;
    let mut plane = objective.plane(centre, &directions.first, &directions.second);
    if let Some(population) = population {
        plane = plane.drawn_from(population);
    }
    let landscape = on_plane(centre, directions, path)?;
    let errors = |points: &[PathPoint]| plane_errors(&objective, &plane, path, points, progress);
    evaluate(&plane, landscape, settings, progress, &errors, &mut |_| ())
}

/// A landscape of no shape yet: the path projected on the plane.
fn on_plane<T: floats::Real>(
    centre: &[T],
    directions: Arc<Directions>,
    path: &[Arc<Snapshot>],
) -> Result<Projected, MathError> {
    let snapshots: Vec<(u64, &[f32])> = path
        .iter()
        .map(|snapshot| (snapshot.step, &snapshot.theta[..]))
        .collect();
    let share = if snapshots.is_empty() {
        None
    } else {
        Some(path_share(&snapshots, centre, &directions)?)
    };
    let points = project_path(&snapshots, centre, &directions)?.into();
    Ok(Projected {
        directions,
        points,
        share,
    })
}

/// A plane with the path on it, before the losses are known.
struct Projected {
    directions: Arc<Directions>,
    points: Arc<[PathPoint]>,
    share: Option<PathShare>,
}

impl Projected {
    fn with(&self, shape: SliceShape, errors: Option<&Arc<LossErrors>>) -> Landscape {
        Landscape {
            shape,
            directions: Arc::clone(&self.directions),
            path: Arc::clone(&self.points),
            share: self.share,
            errors: errors.cloned(),
        }
    }
}

/// Points of a path under which the error of a plane is measured, at most.
const ERROR_POINTS: usize = 200;

/// How wrong the losses of a plane are under a path: those of the snapshots
/// themselves against those of their projections, on the same samples. Of a
/// long path so many points are taken, evenly chosen, the first and the last
/// always among them.
fn plane_errors<T: objective::Real>(
    objective: &Objective<T>,
    plane: &impl PlaneLoss,
    path: &[Arc<Snapshot>],
    points: &[PathPoint],
    progress: &dyn Progress,
) -> Result<LossErrors, MathError> {
    let stride = points.len().div_ceil(ERROR_POINTS).max(1);
    let last = points.len().saturating_sub(1);
    let chosen: Vec<usize> = (0..points.len())
        .filter(|index| index.is_multiple_of(stride) || *index == last)
        .collect();
    let losses: Vec<f64> = chosen
        .par_iter()
        .map_init(
            || objective.workspace(),
            |workspace, &index| {
                progress.check()?;
                let theta: Vec<T> = path[index]
                    .theta
                    .iter()
                    .map(|&value| T::from_f64(f64::from(value)))
                    .collect();
                Ok(objective.loss(&theta, workspace))
            },
        )
        .collect::<Result<_, MathError>>()?;
    let points: Vec<PathPoint> = chosen.iter().map(|&index| points[index]).collect();
    loss_errors(plane, &points, &losses, progress)
}

/// Measures the error under a path.
type Errors<'a> = &'a dyn Fn(&[PathPoint]) -> Result<LossErrors, MathError>;

fn evaluate(
    plane: &impl PlaneLoss,
    projected: Projected,
    settings: &SliceSettings,
    progress: &dyn Progress,
    errors: Errors<'_>,
    on_level: &mut dyn FnMut(Landscape),
) -> Result<Landscape, JobError> {
    let axis = GridAxis::symmetric(settings.extent, settings.grid)?;
    // After a cancellation the evaluation still returns what it has: that is
    // not what was asked for, but has been reported.
    let mut measured: Option<Arc<LossErrors>> = None;
    let (shape, complete) = if settings.line {
        let mut report = |line| on_level(projected.with(SliceShape::Line(line), None));
        let line = evaluate_slice1d(plane, &axis, (1.0, 0.0), progress, &mut report)?;
        let complete = line.is_finest();
        (SliceShape::Line(line), complete)
    } else {
        let points = &projected.points;
        // A picture never waits longer for the errors than for its losses.
        let work = 2 * points.len().min(ERROR_POINTS);
        let mut report = |grid: Arc<Slice2d>| {
            let worth_it = grid.is_finest() || grid.loss.len() >= work;
            let shape = SliceShape::Plane(grid);
            on_level(projected.with(shape, measured.as_ref()));
            if worth_it && measured.is_none() && !points.is_empty() {
                // Where it was cancelled, so is the rest.
                measured = errors(points).ok().map(Arc::new);
            }
        };
        let grid = evaluate_slice2d(plane, &axis, &axis, progress, &mut report)?;
        let complete = grid.is_finest();
        (SliceShape::Plane(grid), complete)
    };
    if complete {
        Ok(projected.with(shape, measured.as_ref()))
    } else {
        Err(JobError::Cancelled)
    }
}

/// How the spectrum is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpectrumSettings {
    /// How many of the largest eigenvalues.
    pub top: usize,
    /// Random probes of trace and density; 0 leaves both out.
    pub probes: usize,
    /// Lanczos steps for each probe.
    pub lanczos_steps: usize,
    /// Source of the probes.
    pub seed: u64,
    /// An eigenvalue's residual as a share of it that is good enough. The value
    /// itself is then right to about the square of that.
    pub tolerance: f64,
}

impl SpectrumSettings {
    /// What a recipe's `[analyses.spectrum]` asks for.
    pub fn from_recipe(spectrum: &Component, seed: u64) -> Self {
        Self {
            top: spectrum.count("top").max(1),
            probes: spectrum.count("probes"),
            lanczos_steps: spectrum.count("lanczos_steps").max(2),
            seed,
            tolerance: TOLERANCE,
        }
    }
}

/// A part of a larger piece of work as a progress of its own.
struct Part<'a> {
    whole: &'a dyn Progress,
    from: f64,
    to: f64,
}

impl Progress for Part<'_> {
    fn report(&self, done: usize, total: usize) {
        const FINE: f64 = 1000.0;
        let fraction = done as f64 / total.max(1) as f64;
        let reached = self.from + (self.to - self.from) * fraction;
        self.whole.report((reached * FINE) as usize, FINE as usize);
    }

    fn is_cancelled(&self) -> bool {
        self.whole.is_cancelled()
    }
}

/// Measures the spectrum of the training loss's Hessian: its ends, then its
/// trace, then its density; `on_part` gets what is known after each.
///
/// # Errors
/// [`JobError`].
pub fn spectrum<T: floats::Real>(
    setup: &Setup,
    theta: &[T],
    settings: &SpectrumSettings,
    progress: &dyn Progress,
    on_part: &mut dyn FnMut(&Spectrum),
) -> Result<Spectrum, JobError> {
    let hessian = setup.training_double()?.hessian(&to_f64(theta));
    spectrum_of(&hessian, settings, progress, on_part)
}

/// Measures the spectrum of any operator; see [`spectrum`]. The trace is found
/// by the method with the smallest standard error for its products.
///
/// # Errors
/// [`JobError`].
pub fn spectrum_of(
    operator: &dyn SymmetricOperator,
    settings: &SpectrumSettings,
    progress: &dyn Progress,
    on_part: &mut dyn FnMut(&Spectrum),
) -> Result<Spectrum, JobError> {
    let part = |from, to| Part {
        whole: progress,
        from,
        to,
    };
    let mut probes = stream(settings.seed, "probes");
    let options = ExtremalOptions {
        largest: settings.top.min(operator.dim()),
        smallest: 1,
        tolerance: settings.tolerance,
        ..ExtremalOptions::default()
    };
    let mut found = Spectrum {
        top: top_eigenvalues(operator, &options, &[], &mut probes, &part(0.0, 0.3))?,
        trace: None,
        density: None,
    };
    if settings.probes == 0 {
        return Ok(found);
    }
    on_part(&found);
    let products = trace_products(settings);
    found.trace = Some(trace(
        operator,
        TraceMethod::best(products, operator.dim()),
        products,
        &mut probes,
        &part(0.3, 0.5),
    )?);
    on_part(&found);
    found.density = Some(density(
        operator,
        &found,
        settings,
        &mut probes,
        &part(0.5, 1.0),
    )?);
    Ok(found)
}

/// A trace takes one product for each probe, a density as many as it makes
/// steps: for the same effort the trace gets that many more probes.
fn trace_products(settings: &SpectrumSettings) -> usize {
    (settings.probes * settings.lanczos_steps / 4)
        .max(settings.probes)
        .max(2)
}

fn density(
    operator: &dyn SymmetricOperator,
    found: &Spectrum,
    settings: &SpectrumSettings,
    probes: &mut rand_chacha::ChaCha8Rng,
    progress: &dyn Progress,
) -> Result<SpectralDensity, MathError> {
    let options = DensityOptions {
        probes: settings.probes,
        steps: settings.lanczos_steps,
        ..DensityOptions::default()
    };
    spectral_density(operator, &options, Some(&found.top), probes, progress)
}

/// Follows the top eigenvalues through a training: each measurement starts from
/// the eigenvectors of the one before.
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    vectors: Vec<Vec<f64>>,
}

impl Tracker {
    /// The `top` largest eigenvalues of the training loss's Hessian, largest
    /// first.
    ///
    /// # Errors
    /// [`JobError`]; the next measurement starts afresh then.
    pub fn measure(
        &mut self,
        setup: &Setup,
        theta: &[f32],
        top: usize,
        progress: &dyn Progress,
    ) -> Result<Vec<EigenvalueEstimate>, JobError> {
        let start = std::mem::take(&mut self.vectors);
        let theta = to_f64(theta);
        let hessian = setup.training_double()?.hessian(&theta);
        let options = ExtremalOptions {
            largest: top.clamp(1, setup.dim()),
            smallest: 0,
            tolerance: TOLERANCE,
            ..ExtremalOptions::default()
        };
        let mut random = stream(setup.recipe.seed, "probes");
        let found = top_eigenvalues(&hessian, &options, &start, &mut random, progress)?;
        self.vectors = found.all_vectors();
        Ok(found.eigenvalues)
    }
}

/// A slice as a job.
pub fn slice_job(
    setup: Arc<Setup>,
    centre: Arc<Snapshot>,
    path: Vec<Arc<Snapshot>>,
    settings: SliceSettings,
) -> impl Analysis + 'static {
    move |context: &JobContext| {
        let step = centre.step;
        let result = |landscape| AnalysisResult {
            step,
            kind: ResultKind::Landscape(Arc::new(landscape)),
        };
        let mut publish = |landscape| context.publish(result(landscape));
        slice(&setup, &centre, &path, &settings, context, &mut publish).map(result)
    }
}

/// A spectrum as a job.
pub fn spectrum_job(
    setup: Arc<Setup>,
    snapshot: Arc<Snapshot>,
    settings: SpectrumSettings,
) -> impl Analysis + 'static {
    move |context: &JobContext| {
        let result = |spectrum: &Spectrum| AnalysisResult {
            step: snapshot.step,
            kind: ResultKind::Spectrum(Arc::new(spectrum.clone())),
        };
        let mut publish = |spectrum: &Spectrum| context.publish(result(spectrum));
        let found = spectrum(&setup, &snapshot.theta, &settings, context, &mut publish)?;
        Ok(result(&found))
    }
}

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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::curvature::exact_spectrum;
    use crate::train::testing::recipe;
    use crate::train::{Run, StepOutcome};

    fn trained() -> Run {
        let mut run = Run::new(&recipe(), Path::new(".")).unwrap();
        while run.step().unwrap() == StepOutcome::Trained {}
        run
    }

    fn settings() -> SliceSettings {
        SliceSettings {
            grid: 17,
            ..SliceSettings::from_recipe(&recipe().slice)
        }
    }

    fn plane(landscape: &Landscape) -> &crate::landscape::Slice2d {
        match &landscape.shape {
            SliceShape::Plane(slice) => slice,
            SliceShape::Line(_) => panic!("a plane was asked for"),
        }
    }

    #[test]
    fn a_slice_is_the_loss_around_its_centre() {
        let run = trained();
        let (setup, centre) = (run.setup(), run.snapshot());
        let mut levels = Vec::new();
        let path = run.snapshots().all();
        let found = slice(setup, &centre, path, &settings(), &(), &mut |landscape| {
            levels.push(plane(&landscape).alpha.len());
        })
        .unwrap();
        assert_eq!(levels, [9, 17]);
        let slice = plane(&found);
        let objective = &setup.training;
        let loss = |theta: &[f32]| objective.loss(theta, &mut objective.workspace());
        assert!((slice.centre_loss().unwrap() - loss(&centre.theta)).abs() < 1e-6);
        let (i, j) = (14, 3);
        let point = found
            .directions
            .point(&centre.theta[..], slice.alpha[i], slice.beta[j])
            .unwrap();
        let point: Vec<f32> = point.iter().map(|value| *value as f32).collect();
        assert!((slice.at(i, j).unwrap() - loss(&point)).abs() < 1e-5);
        // The path ends at the centre.
        assert_eq!(found.path.len(), path.len());
        let last = found.path.last().unwrap();
        assert!(last.alpha.abs() < 1e-6 && last.beta.abs() < 1e-6 && last.off_plane < 1e-6);
        assert!(found.share.is_some());
        // Random directions show little of the path: the losses are wrong.
        let errors = found.errors.unwrap();
        assert_eq!(errors.steps.len(), path.len());
        assert!(errors.errors.last().unwrap() < &1e-6);
        assert!(errors.largest > 1e-3);
        let of_first = loss(&path[0].theta) - {
            let first = found.path[0];
            let shadow = found
                .directions
                .point(&centre.theta[..], first.alpha, first.beta)
                .unwrap();
            loss(&shadow.iter().map(|v| *v as f32).collect::<Vec<f32>>())
        };
        assert!((errors.errors[0] - of_first.abs()).abs() < 1e-5);
    }

    #[test]
    fn a_plane_of_two_parameters_shows_the_path_without_error() {
        let text = crate::recipe::presets::preset("two-parameters").unwrap();
        let recipe =
            crate::recipe::Recipe::parse(text, "two-parameters", crate::catalogue::schema());
        let mut run = Run::new(&recipe.unwrap(), Path::new(".")).unwrap();
        while run.step().unwrap() == StepOutcome::Trained {}
        let settings = SliceSettings {
            grid: 17,
            ..SliceSettings::from_recipe(&run.setup().recipe.slice)
        };
        let path = run.snapshots().all();
        let centre = to_f64(run.parameters());
        let found = slice_double(run.setup(), &centre, path, &settings, &()).unwrap();
        let errors = found.errors.unwrap();
        assert_eq!(errors.steps.last(), path.last().map(|last| &last.step));
        assert!(errors.largest < 1e-12, "{}", errors.largest);
        let single = slice(
            run.setup(),
            &run.snapshot(),
            path,
            &settings,
            &(),
            &mut |_| (),
        );
        assert!(single.unwrap().errors.unwrap().largest < 1e-5);
    }

    #[test]
    fn principal_components_err_less_than_random_directions() {
        let run = trained();
        let (centre, path) = (run.snapshot(), run.snapshots().all());
        let largest = |directions| {
            let settings = SliceSettings {
                directions,
                ..settings()
            };
            let mut coarse = Vec::new();
            let found = slice(run.setup(), &centre, path, &settings, &(), &mut |level| {
                coarse.push(level.errors.is_some());
            })
            .unwrap();
            // The first picture does not wait for the errors.
            assert!(!coarse[0]);
            found.errors.unwrap().largest
        };
        let path_error = largest(SliceDirections::Path);
        let random = largest(SliceDirections::Random { seed: 3 });
        assert!(
            path_error > 0.0 && path_error < random,
            "{path_error} {random}"
        );
    }

    #[test]
    fn an_excerpt_tells_how_far_it_may_be_off() {
        let run = trained();
        let (setup, centre) = (run.setup(), run.snapshot());
        let of = |samples| {
            let settings = SliceSettings {
                grid: 9,
                samples,
                ..settings()
            };
            let found = slice(setup, &centre, &[], &settings, &(), &mut |_| ()).unwrap();
            plane(&found).clone()
        };
        let (all, half) = (of(None), of(Some(setup.data.train.len() / 2)));
        assert!(all.stderr.is_none());
        let stderr = half.stderr.unwrap();
        let off: Vec<f64> = all
            .loss
            .iter()
            .zip(&half.loss)
            .zip(&stderr)
            .map(|((all, half), stderr)| (all - half).abs() / stderr)
            .collect();
        // The points share their samples, so that they are off together.
        assert!(off.iter().all(|off| *off < 4.5), "{off:?}");
        assert!(off.iter().any(|off| *off > 0.01));
        let whole = of(Some(usize::MAX));
        assert_eq!(whole.stderr.unwrap(), vec![0.0; 81]);
        for (sampled, all) in whole.loss.iter().zip(&all.loss) {
            assert!((sampled - all).abs() <= 1e-12 * all.abs());
        }
    }

    #[test]
    fn principal_components_show_more_of_the_path_than_random_directions() {
        let run = trained();
        let (centre, path) = (run.snapshot(), run.snapshots().all());
        let outside = |directions| {
            let settings = SliceSettings {
                directions,
                line: true,
                ..settings()
            };
            let found = slice(run.setup(), &centre, path, &settings, &(), &mut |_| ()).unwrap();
            assert!(matches!(found.shape, SliceShape::Line(_)));
            found.share.unwrap().squares_outside
        };
        let path = outside(SliceDirections::Path);
        let random = outside(SliceDirections::Random { seed: 3 });
        assert!(path < 0.2 && path < random, "{path} {random}");
    }

    #[test]
    fn without_a_validation_set_a_slice_of_it_is_refused() {
        let mut recipe = recipe();
        recipe.data.set("validation_fraction", 0.0);
        let setup = Setup::new(recipe.into(), Path::new(".")).unwrap();
        let settings = SliceSettings {
            split: Split::Validation,
            ..settings()
        };
        let error = slice(&setup, &setup.initial, &[], &settings, &(), &mut |_| ()).unwrap_err();
        assert!(error.to_string().contains("validation_fraction"));
    }

    #[test]
    fn the_spectrum_agrees_with_the_exact_one() {
        let run = trained();
        let (setup, theta) = (run.setup(), run.parameters());
        let settings = SpectrumSettings {
            top: 3,
            probes: 20,
            lanczos_steps: 30,
            tolerance: 1e-3,
            seed: 0,
        };
        let mut parts = Vec::new();
        let found = spectrum(setup, theta, &settings, &(), &mut |part| {
            parts.push((part.trace.is_some(), part.density.is_some()));
        })
        .unwrap();
        assert_eq!(parts, [(false, false), (true, false)]);
        let hessian = setup.training_double().unwrap().hessian(&to_f64(theta));
        let exact = exact_spectrum(&hessian, &()).unwrap();
        for (found, exact) in found.top.eigenvalues.iter().zip(&exact.eigenvalues) {
            assert!((found.value - exact).abs() <= found.residual.max(1e-9));
        }
        let trace = found.trace.unwrap();
        // As many products as that are enough for every unit vector.
        assert_eq!((trace.method, trace.stderr), (TraceMethod::Exact, 0.0));
        assert!((trace.value - exact.trace).abs() < 1e-10 * exact.trace.abs());
        let text = serde_json::to_value(&found).unwrap();
        assert!(text["eigenvalues"][0]["residual"].is_number());
        assert!(text["trace"]["stderr"].is_number());
    }

    #[test]
    fn tracking_gives_the_same_as_starting_afresh() {
        let run = trained();
        let mut tracker = Tracker::default();
        for snapshot in run.snapshots().all().iter().rev().take(5).rev() {
            let measure =
                |tracker: &mut Tracker| tracker.measure(run.setup(), &snapshot.theta, 2, &());
            let tracked = measure(&mut tracker).unwrap();
            let fresh = measure(&mut Tracker::default()).unwrap();
            let difference = (tracked[0].value - fresh[0].value).abs();
            assert!(difference < 1e-4 * fresh[0].value);
        }
    }
}
