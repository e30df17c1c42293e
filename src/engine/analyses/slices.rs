//! Slices of the loss landscape.

use std::cell::OnceCell;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::directions::{
    Anchor, DirectionInfo, PathCentre, SliceDirections, SlicePlane, slice_plane,
};
use super::ghosts::{Ghost, projected};
use super::quantities::quantity_plane;
use super::{Excerpt, Precision, Split};
use crate::engine::job::{Analysis, JobContext, JobError};
use crate::engine::result::{AnalysisResult, Landscape, Reroll, ResultKind, SliceShape};
use crate::landscape::{
    AnchorPoint, Attention, Directions, Extent, Focus, GridAxis, LossErrors, Normalization,
    PathPoint, PathShare, Picture, Place, PlaneLoss as _, QuantityPlane, Slice1d, Slice2d,
    SliceQuantity, StraightLine, evaluate_slice1d, evaluate_slice2d, evaluate_slice2d_for,
    loss_errors, path_share, project_path,
};
use crate::math::progress::Part;
use crate::math::vector::to_f64;
use crate::math::{MathError, Progress};
use crate::recipe::Component;
use crate::train::optimizers::{self, OptimizerState};
use crate::train::{Setup, Snapshot};

/// What a slice looks like.
#[derive(Clone, Debug, PartialEq)]
pub struct SliceSettings {
    /// Points on a side.
    pub grid: usize,
    /// How far the slice reaches along each direction.
    pub extent: Extent,
    /// How random directions are scaled.
    pub normalization: Normalization,
    /// Whether random directions are made orthogonal before they are scaled.
    pub orthogonal: bool,
    /// Whether biases and normalisation parameters move along random directions;
    /// where nothing is said, the normalization decides.
    pub biases: Option<bool>,
    /// The layers that move along random directions, by their numbers; all where
    /// there is no list.
    pub layers: Option<Vec<usize>>,
    /// The directions.
    pub directions: SliceDirections,
    /// What principal components are taken around.
    pub path_centre: PathCentre,
    /// What is shown.
    pub quantity: SliceQuantity,
    /// The samples that it is measured on.
    pub split: Split,
    /// A line along the first direction instead of a plane.
    pub line: bool,
    /// Measure on so many of the samples only, and the standard error of means
    /// over them; on all of them where there is no number.
    pub samples: Option<usize>,
    /// Show a coarse picture of an excerpt of the samples first, where there are
    /// many.
    pub growing: bool,
    /// Where somebody looks while the slice is refined; they also get to see
    /// levels that are not complete.
    pub attention: Option<Looking>,
}

impl SliceSettings {
    /// Whether such a slice depends on how the optimizer of this kind is set: a
    /// direction is its step, or the point that it looks at is marked.
    pub fn asks_optimizer(&self, kind: &str) -> bool {
        let axes = match &self.directions {
            SliceDirections::Axes(axes) => &axes[..],
            _ => &[],
        };
        uphill_name(kind).is_some() || axes.iter().any(|axis| axis.needs_optimizer())
    }

    /// What a recipe's `[analyses.slice]` asks for: a plane.
    pub fn from_recipe(slice: &Component) -> Self {
        Self {
            grid: slice.count("grid").max(2),
            extent: Extent::Symmetric(slice.float("extent")),
            normalization: match slice.text("normalization") {
                "layer" => Normalization::Layer,
                "elementwise" => Normalization::Elementwise,
                "none" => Normalization::None,
                _ => Normalization::Filter,
            },
            orthogonal: true,
            biases: None,
            layers: None,
            directions: SliceDirections::Random {
                seed: slice.integer("seed").unsigned_abs(),
            },
            path_centre: PathCentre::default(),
            quantity: SliceQuantity::default(),
            split: Split::parse(slice.text("split")).unwrap_or_default(),
            line: false,
            samples: None,
            growing: false,
            attention: None,
        }
    }
}

/// Where somebody looks, shared between them and a running slice.
#[derive(Clone, Default)]
pub struct Looking(Arc<Mutex<Focus>>);

impl Looking {
    /// They look there now.
    pub fn at(&self, focus: Focus) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = focus;
    }
}

impl Attention for Looking {
    fn focus(&self) -> Focus {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for Looking {
    /// The same person, wherever they look.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Looking {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Looking")
    }
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
    let optimizer = centre.optimizer.as_deref();
    slice_in(
        &setup.at(centre.step),
        &centre.theta,
        optimizer,
        path,
        settings,
        progress,
        on_level,
    )
}

/// The same slice in double precision throughout, around any parameters: slower,
/// and exact to rounding. `optimizer` is what the optimizer remembers there, if
/// that is known: momentum and updates need it.
///
/// # Errors
/// [`JobError`].
pub fn slice_double(
    setup: &Setup,
    centre: &[f64],
    optimizer: Option<&OptimizerState<f32>>,
    path: &[Arc<Snapshot>],
    settings: &SliceSettings,
    progress: &dyn Progress,
) -> Result<Landscape, JobError> {
    slice_in(
        setup,
        centre,
        optimizer,
        path,
        settings,
        progress,
        &mut |_| (),
    )
}

fn slice_in<T: Precision>(
    setup: &Setup,
    centre: &[T],
    optimizer: Option<&OptimizerState<f32>>,
    path: &[Arc<Snapshot>],
    settings: &SliceSettings,
    progress: &dyn Progress,
    on_level: &mut dyn FnMut(Landscape),
) -> Result<Landscape, JobError> {
    let found = slice_plane(setup, centre, optimizer, path, settings, progress)?;
    let uphill = perturbed(setup, centre)?;
    let projected = Projected::new(&found, path, settings, uphill)?;
    let SlicePlane {
        centre, directions, ..
    } = &found;
    let place = Place {
        centre: &centre[..],
        directions,
    };
    let anchors = projected.anchors.iter().map(|p| (p.alpha, p.beta));
    let seen = projected.points.iter().map(|p| (p.alpha, p.beta));
    let axes = settings.extent.axes(settings.grid, seen.chain(anchors))?;
    let mut work = Work {
        settings,
        path,
        axes,
        projected: &projected,
        on_level,
        least: 0,
    };
    if let Some(count) = preview_samples(setup, settings)? {
        let (plane, excerpt) = quantity_plane::<T>(setup, settings, place, Some(count))?;
        work.preview(&plane, excerpt, &Part::new(progress, 0.0, 0.1))?;
    }
    let (plane, excerpt) = quantity_plane::<T>(setup, settings, place, settings.samples)?;
    work.evaluate(&plane, excerpt, progress)
}

/// What the point uphill is called, for the optimizers that take their gradient
/// at one.
fn uphill_name(kind: &str) -> Option<&'static str> {
    match kind {
        "sam" => Some("SAM: θ + ρg/‖g‖"),
        "asam" => Some("ASAM: θ + ρT²g/‖Tg‖"),
        _ => None,
    }
}

/// The point uphill of θ at which SAM takes the gradient of its step, for the
/// gradient of the whole training loss; nothing for other optimizers and where
/// the gradient is not finite.
fn perturbed<T: Precision>(setup: &Setup, theta: &[T]) -> Result<Option<Anchor>, JobError> {
    let recipe = &setup.recipe.optimizer;
    let Some(name) = uphill_name(&recipe.kind) else {
        return Ok(None);
    };
    let optimizer = optimizers::build_double(recipe, theta.len())
        .map_err(|error| JobError::Failed(error.to_string()))?;
    let objective = setup.training_double()?;
    let theta = to_f64(theta);
    let mut gradient = vec![0.0; theta.len()];
    objective.gradient(&theta, &mut objective.workspace(), &mut gradient);
    if !gradient.iter().all(|slope| slope.is_finite()) {
        return Ok(None);
    }
    let uphill = optimizer.perturbed(&theta, &gradient);
    Ok(uphill.map(|theta| Anchor {
        name: name.to_owned(),
        theta: theta.into(),
    }))
}

/// A set of fewer samples is not worth an excerpt.
const MANY: usize = 1024;
/// The excerpt's share of the samples, 1/16, and its least.
const EXCERPT_SHARE: usize = 16;
const EXCERPT_LEAST: usize = 128;
/// Points on a side of a picture of an excerpt, at most; on a line.
const PREVIEW: usize = 17;
const PREVIEW_LINE: usize = 65;

/// How many samples a first picture takes, if one is wanted and worth it.
fn preview_samples(setup: &Setup, settings: &SliceSettings) -> Result<Option<usize>, JobError> {
    let (SliceQuantity::Loss | SliceQuantity::Accuracy) = settings.quantity else {
        return Ok(None);
    };
    if !settings.growing || settings.samples.is_some() {
        return Ok(None);
    }
    let count = settings.split.data(setup)?.len();
    Ok((count >= MANY).then(|| (count / EXCERPT_SHARE).max(EXCERPT_LEAST)))
}

/// A plane with the path on it, before the losses are known.
struct Projected {
    directions: Arc<Directions>,
    info: Arc<DirectionInfo>,
    quantity: SliceQuantity,
    points: Arc<[PathPoint]>,
    anchors: Arc<[AnchorPoint]>,
    share: Option<PathShare>,
}

impl Projected {
    fn new<T: Precision>(
        plane: &SlicePlane<T>,
        path: &[Arc<Snapshot>],
        settings: &SliceSettings,
        marked: Option<Anchor>,
    ) -> Result<Self, MathError> {
        let SlicePlane {
            centre,
            directions,
            info,
        } = plane;
        let snapshots: Vec<(u64, &[f32])> = path
            .iter()
            .map(|snapshot| (snapshot.step, &snapshot.theta[..]))
            .collect();
        let share = if snapshots.is_empty() {
            None
        } else {
            Some(path_share(&snapshots, centre, directions)?)
        };
        let mut anchors = Vec::new();
        let through: &[Anchor] = match &settings.directions {
            SliceDirections::Through(through) => &through.points,
            _ => &[],
        };
        for anchor in through.iter().chain(&marked) {
            let found = project_path(&[(0, &anchor.theta[..])], centre, directions)?;
            anchors.extend(found.first().map(|point| AnchorPoint {
                name: anchor.name.clone(),
                alpha: point.alpha,
                beta: point.beta,
            }));
        }
        Ok(Self {
            points: project_path(&snapshots, centre, directions)?.into(),
            directions: Arc::clone(directions),
            info: Arc::new(info.clone()),
            quantity: settings.quantity.clone(),
            anchors: anchors.into(),
            share,
        })
    }

    fn with(
        &self,
        shape: SliceShape,
        errors: Option<&Arc<LossErrors>>,
        excerpt: Option<Excerpt>,
    ) -> Landscape {
        Landscape {
            shape,
            directions: Arc::clone(&self.directions),
            info: Arc::clone(&self.info),
            quantity: self.quantity.clone(),
            path: Arc::clone(&self.points),
            ghosts: Arc::default(),
            anchors: Arc::clone(&self.anchors),
            share: self.share,
            errors: errors.cloned(),
            excerpt,
            refining: None,
        }
    }
}

/// Points of a path under which the error of a plane is measured, at most.
const ERROR_POINTS: usize = 200;

/// How wrong the values of a plane are under a path: those of the snapshots
/// themselves against those of their projections, on the same samples. Of a
/// long path so many points are taken, evenly chosen, the first and the last
/// always among them.
fn plane_errors<T: Precision>(
    plane: &QuantityPlane<T>,
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
            || plane.scratch(),
            |scratch, &index| {
                progress.check()?;
                let theta: Vec<T> = path[index]
                    .theta
                    .iter()
                    .map(|&value| T::from_f64(f64::from(value)))
                    .collect();
                Ok(plane.value(&theta, scratch))
            },
        )
        .collect::<Result<_, MathError>>()?;
    let points: Vec<PathPoint> = chosen.iter().map(|&index| points[index]).collect();
    loss_errors(plane, &points, &losses, progress)
}

/// Time between two pictures of a level that is not complete.
const BETWEEN_PARTS: Duration = Duration::from_millis(90);

/// A slice to be evaluated.
struct Work<'a> {
    settings: &'a SliceSettings,
    path: &'a [Arc<Snapshot>],
    axes: [GridAxis; 2],
    projected: &'a Projected,
    on_level: &'a mut dyn FnMut(Landscape),
    /// Points on a side that a level must have to be worth showing.
    least: usize,
}

impl Work<'_> {
    /// Coarse pictures of an excerpt of the samples.
    fn preview<T: Precision>(
        &mut self,
        plane: &QuantityPlane<T>,
        excerpt: Option<Excerpt>,
        progress: &dyn Progress,
    ) -> Result<(), JobError> {
        let most = if self.settings.line {
            PREVIEW_LINE
        } else {
            PREVIEW
        };
        // The grids of the slice itself, as far as they are coarse.
        let coarse = |axis: &GridAxis| {
            let points = axis.level_points().into_iter().take_while(|n| *n <= most);
            points.last().map(|points| axis.with_points(points))
        };
        let (Some(alpha), Some(beta)) = (coarse(&self.axes[0]), coarse(&self.axes[1])) else {
            return Ok(());
        };
        let (alpha, beta) = (alpha?, beta?);
        if alpha.points() == self.axes[0].points() {
            return Ok(());
        }
        let levels = self.axes[0].level_points().len();
        let Self {
            projected,
            on_level,
            ..
        } = self;
        if self.settings.line {
            evaluate_slice1d(plane, &alpha, StraightLine::FIRST, progress, &mut |line| {
                let line = Slice1d {
                    levels,
                    ..(*line).clone()
                };
                on_level(projected.with(SliceShape::Line(Arc::new(line)), None, excerpt));
            })?;
        } else {
            evaluate_slice2d(plane, &alpha, &beta, progress, &mut |grid| {
                let grid = Slice2d {
                    levels,
                    ..(*grid).clone()
                };
                on_level(projected.with(SliceShape::Plane(Arc::new(grid)), None, excerpt));
            })?;
        }
        progress.check()?;
        self.least = alpha.points();
        Ok(())
    }

    fn evaluate<T: Precision>(
        self,
        plane: &QuantityPlane<T>,
        excerpt: Option<Excerpt>,
        progress: &dyn Progress,
    ) -> Result<Landscape, JobError> {
        // After a cancellation the evaluation still returns what it has: that is
        // not what was asked for, but has been reported.
        let mut measured: Option<Arc<LossErrors>> = None;
        let projected = self.projected;
        let (shape, complete) = if self.settings.line {
            let mut report = |line: Arc<Slice1d>| {
                if line.alpha.len() >= self.least {
                    (self.on_level)(projected.with(SliceShape::Line(line), None, excerpt));
                }
            };
            let line = evaluate_slice1d(
                plane,
                &self.axes[0],
                StraightLine::FIRST,
                progress,
                &mut report,
            )?;
            let complete = line.is_finest();
            (SliceShape::Line(line), complete)
        } else {
            let points = &projected.points;
            let measure = !points.is_empty() && !self.settings.quantity.is_costly();
            // A picture never waits longer for the errors than for its losses.
            let work = 2 * points.len().min(ERROR_POINTS);
            let mut complete: Option<Arc<Slice2d>> = None;
            let mut told = Instant::now();
            let mut report = |picture: Picture| match picture {
                Picture::Level(grid) => {
                    complete = Some(Arc::clone(&grid));
                    let worth_it = grid.is_finest() || grid.loss.len() >= work;
                    if grid.alpha.len() >= self.least {
                        let shape = SliceShape::Plane(grid);
                        (self.on_level)(projected.with(shape, measured.as_ref(), excerpt));
                        told = Instant::now();
                    }
                    if worth_it && measured.is_none() && measure {
                        // Where it was cancelled, so is the rest.
                        measured = plane_errors(plane, self.path, points, progress)
                            .ok()
                            .map(Arc::new);
                    }
                }
                Picture::Part(part) => {
                    let Some(grid) = &complete else { return };
                    if grid.alpha.len() < self.least || told.elapsed() < BETWEEN_PARTS {
                        return;
                    }
                    told = Instant::now();
                    let shape = SliceShape::Plane(Arc::clone(grid));
                    (self.on_level)(Landscape {
                        refining: Some(Arc::new(part)),
                        ..projected.with(shape, measured.as_ref(), excerpt)
                    });
                }
            };
            let [alpha, beta] = &self.axes;
            let grid = match &self.settings.attention {
                Some(looking) => {
                    evaluate_slice2d_for(plane, alpha, beta, looking, progress, &mut report)?
                }
                None => {
                    let mut report = |grid| report(Picture::Level(grid));
                    evaluate_slice2d(plane, alpha, beta, progress, &mut report)?
                }
            };
            let complete = grid.is_finest();
            (SliceShape::Plane(grid), complete)
        };
        if complete {
            Ok(projected.with(shape, measured.as_ref(), excerpt))
        } else {
            Err(JobError::Cancelled)
        }
    }
}

/// A slice as a job.
pub fn slice_job(
    setup: Arc<Setup>,
    centre: Arc<Snapshot>,
    path: Vec<Arc<Snapshot>>,
    ghosts: Vec<Ghost>,
    settings: SliceSettings,
) -> impl Analysis + 'static {
    move |context: &JobContext| {
        let step = centre.step;
        let on_plane = OnceCell::new();
        let result = |mut landscape: Landscape| {
            let paths = on_plane.get_or_init(|| projected(&ghosts, &landscape, &centre.theta));
            landscape.ghosts = Arc::clone(paths);
            AnalysisResult {
                step,
                kind: ResultKind::Landscape(Arc::new(landscape)),
            }
        };
        let mut publish = |landscape| context.publish(result(landscape));
        slice(&setup, &centre, &path, &settings, context, &mut publish).map(result)
    }
}

/// Points on a side of the first pictures of several seeds.
const COARSE_REROLL: usize = 9;

/// Slices along random directions of several seeds, otherwise alike: those of
/// `seeds` in their order, all of them coarse before any is fine. `on_slice` gets
/// what is there after each.
///
/// # Errors
/// [`JobError`].
pub fn rerolls(
    setup: &Setup,
    centre: &Snapshot,
    path: &[Arc<Snapshot>],
    settings: &SliceSettings,
    seeds: &[u64],
    progress: &dyn Progress,
    on_slice: &mut dyn FnMut(&[Reroll]),
) -> Result<Vec<Reroll>, JobError> {
    let mut found: Vec<Reroll> = Vec::with_capacity(seeds.len());
    // Only an extent that follows the path asks where it runs.
    let path = match settings.extent {
        Extent::Fit { .. } => path,
        Extent::Symmetric(_) => &[],
    };
    let coarse = settings.grid.min(COARSE_REROLL);
    let parts = [(coarse, 0.0, 0.1), (settings.grid, 0.1, 1.0)];
    for (grid, from, to) in parts {
        let share = |k: usize| from + (to - from) * k as f64 / seeds.len() as f64;
        for (k, &seed) in seeds.iter().enumerate() {
            let settings = SliceSettings {
                directions: SliceDirections::Random { seed },
                growing: false,
                attention: None,
                grid,
                ..settings.clone()
            };
            let part = Part::new(progress, share(k), share(k + 1));
            let landscape = slice(setup, centre, path, &settings, &part, &mut |_| ())?;
            // The coarsest grid of each is completed even after a cancellation.
            progress.check()?;
            match found.get_mut(k) {
                Some(place) => place.landscape = landscape,
                None => found.push(Reroll { seed, landscape }),
            }
            on_slice(&found);
        }
    }
    Ok(found)
}

/// [`rerolls`] as a job.
pub fn rerolls_job(
    setup: Arc<Setup>,
    centre: Arc<Snapshot>,
    path: Vec<Arc<Snapshot>>,
    settings: SliceSettings,
    seeds: Vec<u64>,
) -> impl Analysis + 'static {
    move |context: &JobContext| {
        let step = centre.step;
        let result = |found: &[Reroll]| AnalysisResult {
            step,
            kind: ResultKind::Rerolls(found.into()),
        };
        let mut publish = |found: &[Reroll]| context.publish(result(found));
        let found = rerolls(
            &setup,
            &centre,
            &path,
            &settings,
            &seeds,
            context,
            &mut publish,
        )?;
        Ok(result(&found))
    }
}

#[cfg(test)]
#[path = "slices_tests.rs"]
mod tests;
