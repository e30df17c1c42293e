//! Slices of the loss landscape.

use std::sync::Arc;

use rayon::prelude::*;

use super::Split;
use crate::engine::job::{Analysis, JobContext, JobError};
use crate::engine::result::{AnalysisResult, Landscape, ResultKind, SliceShape};
use crate::landscape::{
    Centre, Directions, GridAxis, LossErrors, Normalization, PathPoint, PathShare, PlaneLoss,
    Slice2d, TensorBlock, evaluate_slice1d, evaluate_slice2d, loss_errors, path_share,
    project_path,
};
use crate::math::rng::stream;
use crate::math::vector::to_f64;
use crate::math::{MathError, Progress, floats};
use crate::nn::{ParameterKind, ParameterLayout};
use crate::objective::{self, Objective};
use crate::recipe::Component;
use crate::train::{Setup, Snapshot};

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

#[cfg(test)]
#[path = "slices_tests.rs"]
mod tests;
