//! The landscape under a race: one plane for all paths.

use std::sync::Arc;

use super::runner::{Path, Status};
use super::state::{Ground, Race};
use crate::functions::TestFunction;
use crate::landscape::{
    Centre, Directions, GridAxis, LossErrors, PathPoint, PathShare, PlaneFunction, PlaneLoss,
    Slice2d, evaluate_slice2d, loss_errors, path_share, project_path,
};
use crate::math::rng::stream;
use crate::math::{MathError, Progress, vector};
use crate::train::{Setup, Snapshot};

/// Which plane is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlaneChoice {
    /// The first two principal components of all runners' paths together,
    /// around their mean.
    #[default]
    Joint,
    /// The principal components of one runner's path, around its last point.
    Runner(usize),
}

/// Where the plane lies.
#[derive(Clone, Debug, PartialEq)]
pub enum PlaneOrigin {
    /// Two parameters: the plane is the whole space and the coordinates are the
    /// parameters themselves.
    WholeSpace,
    /// Through the mean of all runners' path points.
    Mean,
    /// Through the last point of this runner.
    Last(String),
}

/// A runner's path on the plane.
#[derive(Clone, Debug, PartialEq)]
pub struct RunnerPath {
    /// Its name.
    pub name: String,
    /// The points by rising step.
    pub points: Arc<[PathPoint]>,
    /// How much of the path lies outside the plane.
    pub share: Option<PathShare>,
    /// How wrong the plane's losses are under the path; nothing on a function,
    /// where the plane is the whole space.
    pub errors: Option<Arc<LossErrors>>,
    /// Points of a diverged runner that are too far off to be shown.
    pub left_out: usize,
}

/// The landscape of a race.
#[derive(Clone, Debug)]
pub struct RaceLandscape {
    /// The loss on the plane.
    pub slice: Arc<Slice2d>,
    /// What the coordinates count along.
    pub directions: Arc<Directions>,
    /// Where the plane lies.
    pub origin: PlaneOrigin,
    /// The point at (0, 0).
    pub centre: Arc<[f64]>,
    /// The paths, in the order of the runners.
    pub paths: Vec<RunnerPath>,
}

impl RaceLandscape {
    /// Shares of the squared distances from the centre along the two directions,
    /// where they are principal components.
    pub fn explained(&self) -> Option<[f64; 2]> {
        self.directions.explained
    }
}

/// What a landscape is computed from: a copy of the paths, so that the race can
/// go on meanwhile.
#[derive(Clone)]
pub struct LandscapeTask {
    ground: Ground,
    names: Vec<String>,
    paths: Vec<Path>,
    left_out: Vec<usize>,
    choice: PlaneChoice,
    grid: usize,
}

/// Points of each path that make the plane, so that a runner with many
/// snapshots weighs no more than the others; and that are projected on it.
const OF_PLANE: usize = 64;
/// Points of each path that are drawn.
const DRAWN: usize = 400;
/// Points of each path under which the plane's error is measured.
const MEASURED: usize = 40;
/// How much more than the paths the map shows, on each side.
const MARGIN: f64 = 0.15;
/// The shorter side of the map is at least this share of the longer one.
const NARROWEST: f64 = 0.4;
/// A diverged runner is shown while its loss is at most this many times the
/// loss at the start.
const SHOWN: f64 = 10.0;

/// At most `most` of a list, evenly chosen, the first and the last among them.
fn thinned<T: Clone>(all: &[T], most: usize) -> Vec<T> {
    if all.len() <= most.max(2) {
        return all.to_vec();
    }
    let last = all.len() - 1;
    let parts = most.max(2) - 1;
    (0..=parts)
        .map(|k| all[(k * last + parts / 2) / parts].clone())
        .collect()
}

impl Race {
    /// The landscape under the race with `grid` points a side, as a task that
    /// can be computed on another thread.
    pub fn landscape(&self, choice: PlaneChoice, grid: usize) -> LandscapeTask {
        let mut left_out = Vec::new();
        let paths = self
            .runners()
            .iter()
            .map(|runner| {
                let path = runner.path();
                let far = matches!(runner.status(), Status::Diverged(_))
                    && matches!(path, Path::Network(_));
                if !far {
                    left_out.push(0);
                    return path;
                }
                let loss = &runner.curve().loss;
                let bound = SHOWN * loss.first().copied().unwrap_or(f64::MAX);
                let near = loss
                    .iter()
                    .position(|loss| !loss.is_finite() || *loss > bound)
                    .unwrap_or(loss.len());
                let kept = path.until(near.saturating_sub(1) as u64);
                left_out.push(path.len() - kept.len());
                kept
            })
            .collect();
        LandscapeTask {
            ground: self.ground().clone(),
            names: self
                .runners()
                .iter()
                .map(|runner| runner.entry.name.clone())
                .collect(),
            paths,
            left_out,
            choice,
            grid: grid.max(2),
        }
    }
}

impl LandscapeTask {
    /// Projects the paths and evaluates the loss around them, coarse grid
    /// first: `on_level` gets every grid, each finer than the one before.
    ///
    /// # Errors
    /// [`MathError`]: `Cancelled`; `Degenerate` before anybody has moved.
    pub fn compute(
        &self,
        progress: &dyn Progress,
        on_level: &mut dyn FnMut(RaceLandscape),
    ) -> Result<RaceLandscape, MathError> {
        match &self.ground {
            Ground::Function(function, start) => {
                self.on_function(function, *start, progress, on_level)
            }
            Ground::Network(setup) => self.on_network(setup, progress, on_level),
        }
    }

    /// The paths of a function's task on a landscape of the same ground: the map
    /// stays as it is. Nothing on a network, whose plane moves with the paths.
    pub fn on_same_map(&self, landscape: &RaceLandscape) -> Option<RaceLandscape> {
        matches!(self.ground, Ground::Function(..)).then(|| RaceLandscape {
            paths: self.points(),
            ..landscape.clone()
        })
    }

    /// The paths of a function.
    fn points(&self) -> Vec<RunnerPath> {
        self.paths
            .iter()
            .zip(&self.names)
            .map(|(path, name)| {
                let points = match path {
                    Path::Function(points) => points.as_slice(),
                    Path::Network(_) => &[],
                };
                RunnerPath {
                    name: name.clone(),
                    points: points
                        .iter()
                        .map(|(step, [x, y])| PathPoint {
                            step: *step,
                            alpha: *x,
                            beta: *y,
                            off_plane: 0.0,
                        })
                        .collect(),
                    share: None,
                    errors: None,
                    left_out: 0,
                }
            })
            .collect()
    }

    fn on_function(
        &self,
        function: &TestFunction,
        start: [f64; 2],
        progress: &dyn Progress,
        on_level: &mut dyn FnMut(RaceLandscape),
    ) -> Result<RaceLandscape, MathError> {
        // The window of the function, and the start if somebody chose one
        // outside of it; paths that leave it are cut off at the frame.
        let axis = |side: usize| {
            let [low, high] = function.facts.window[side];
            let room = 0.05 * (high - low);
            let low = if start[side] < low {
                start[side] - room
            } else {
                low
            };
            let high = if start[side] > high {
                start[side] + room
            } else {
                high
            };
            GridAxis::new(low, high, self.grid)
        };
        let plane = PlaneFunction(|x: f64, y: f64| function.value([x, y]));
        let projected = Projected {
            directions: Arc::new(Directions::whole_plane(2)?),
            origin: PlaneOrigin::WholeSpace,
            centre: vec![0.0; 2].into(),
            paths: self.points(),
        };
        projected.evaluate(&plane, [axis(0)?, axis(1)?], progress, on_level)
    }

    fn on_network(
        &self,
        setup: &Setup,
        progress: &dyn Progress,
        on_level: &mut dyn FnMut(RaceLandscape),
    ) -> Result<RaceLandscape, MathError> {
        let paths: Vec<Vec<Arc<Snapshot>>> = self
            .paths
            .iter()
            .map(|path| match path {
                Path::Network(all) => thinned(all, DRAWN),
                Path::Function(_) => Vec::new(),
            })
            .collect();
        let (directions, origin, centre) = self.plane(setup, &paths)?;
        let mut found = Vec::new();
        for ((path, name), left_out) in paths.iter().zip(&self.names).zip(&self.left_out) {
            progress.check()?;
            let snapshots = with_steps(path);
            let share = if snapshots.len() > 1 {
                Some(path_share(&snapshots, &centre, &directions)?)
            } else {
                None
            };
            found.push(RunnerPath {
                name: name.clone(),
                points: project_path(&snapshots, &centre, &directions)?.into(),
                share,
                errors: None,
                left_out: *left_out,
            });
        }
        let axes = axes_around(&found, self.grid)?;
        // θ = centre + αd₁ + βd₂ in single precision, as all slices.
        let centre32: Vec<f32> = centre.iter().map(|x| *x as f32).collect();
        let [first, second] = directions.to_f32();
        let plane = setup.training.plane(&centre32, &first, &second);
        for (found, path) in found.iter_mut().zip(&paths) {
            found.errors = plane_errors(setup, &plane, path, &found.points, progress)?;
        }
        let projected = Projected {
            directions: Arc::new(directions),
            origin,
            centre: centre.into(),
            paths: found,
        };
        projected.evaluate(&plane, axes, progress, on_level)
    }

    /// Directions, where the plane lies, and the point at its middle.
    fn plane(
        &self,
        setup: &Setup,
        paths: &[Vec<Arc<Snapshot>>],
    ) -> Result<(Directions, PlaneOrigin, Vec<f64>), MathError> {
        if setup.dim() == 2 {
            let whole = Directions::whole_plane(2)?;
            return Ok((whole, PlaneOrigin::WholeSpace, vec![0.0; 2]));
        }
        let mut random = stream(setup.recipe.seed, "race plane");
        let chosen: Vec<Arc<Snapshot>> = match self.choice {
            PlaneChoice::Joint => paths
                .iter()
                .flat_map(|path| thinned(path, OF_PLANE))
                .collect(),
            PlaneChoice::Runner(index) => {
                thinned(paths.get(index).map_or(&[][..], Vec::as_slice), DRAWN)
            }
        };
        let vectors: Vec<&[f32]> = chosen.iter().map(|snapshot| &snapshot.theta[..]).collect();
        let (origin, centre) = match self.choice {
            PlaneChoice::Joint => {
                let mut mean = vec![0.0; setup.dim()];
                for vector in &vectors {
                    vector::axpy(1.0 / vectors.len() as f64, vector, &mut mean);
                }
                (PlaneOrigin::Mean, mean)
            }
            PlaneChoice::Runner(index) => {
                let last = vectors.last().copied().unwrap_or(&setup.initial.theta);
                let name = self.names.get(index).cloned().unwrap_or_default();
                (PlaneOrigin::Last(name), vector::to_f64(last))
            }
        };
        let directions = Directions::of_path(&vectors, Centre::Given(&centre), &mut random)?;
        Ok((directions, origin, centre))
    }
}

fn with_steps(path: &[Arc<Snapshot>]) -> Vec<(u64, &[f32])> {
    path.iter()
        .map(|snapshot| (snapshot.step, &snapshot.theta[..]))
        .collect()
}

/// How wrong the plane is under an even choice of a path's points.
fn plane_errors<P: PlaneLoss>(
    setup: &Setup,
    plane: &P,
    path: &[Arc<Snapshot>],
    points: &[PathPoint],
    progress: &dyn Progress,
) -> Result<Option<Arc<LossErrors>>, MathError> {
    let pairs: Vec<(Arc<Snapshot>, PathPoint)> =
        path.iter().cloned().zip(points.iter().copied()).collect();
    let chosen = thinned(&pairs, MEASURED);
    if chosen.is_empty() {
        return Ok(None);
    }
    let mut workspace = setup.training.workspace();
    let mut losses = Vec::with_capacity(chosen.len());
    for (snapshot, _) in &chosen {
        progress.check()?;
        losses.push(setup.training.loss(&snapshot.theta, &mut workspace));
    }
    let points: Vec<PathPoint> = chosen.iter().map(|(_, point)| *point).collect();
    loss_errors(plane, &points, &losses, progress).map(|errors| Some(Arc::new(errors)))
}

/// Axes that hold all points with a margin, neither much narrower than the
/// other.
fn axes_around(paths: &[RunnerPath], grid: usize) -> Result<[GridAxis; 2], MathError> {
    let range = |of: fn(&PathPoint) -> f64| {
        let values = paths.iter().flat_map(|path| path.points.iter().map(of));
        values
            .filter(|value| value.is_finite())
            .fold(None, |range: Option<(f64, f64)>, value| match range {
                None => Some((value, value)),
                Some((low, high)) => Some((low.min(value), high.max(value))),
            })
            .unwrap_or((-1.0, 1.0))
    };
    let (x, y) = (range(|point| point.alpha), range(|point| point.beta));
    let longest = (x.1 - x.0).max(y.1 - y.0);
    // Nobody has moved yet: show some surroundings.
    let longest = if longest > 0.0 { longest } else { 1.0 };
    let axis = |(low, high): (f64, f64)| {
        let width = (high - low).max(NARROWEST * longest);
        let (middle, half) = (0.5 * (low + high), width * (0.5 + MARGIN));
        GridAxis::new(middle - half, middle + half, grid)
    };
    Ok([axis(x)?, axis(y)?])
}

/// A landscape before its losses are known.
struct Projected {
    directions: Arc<Directions>,
    origin: PlaneOrigin,
    centre: Arc<[f64]>,
    paths: Vec<RunnerPath>,
}

impl Projected {
    fn evaluate<P: PlaneLoss>(
        self,
        plane: &P,
        [x, y]: [GridAxis; 2],
        progress: &dyn Progress,
        on_level: &mut dyn FnMut(RaceLandscape),
    ) -> Result<RaceLandscape, MathError> {
        let with = |slice| RaceLandscape {
            slice,
            directions: Arc::clone(&self.directions),
            origin: self.origin.clone(),
            centre: Arc::clone(&self.centre),
            paths: self.paths.clone(),
        };
        let slice = evaluate_slice2d(plane, &x, &y, progress, &mut |slice| {
            on_level(with(slice));
        })?;
        if !slice.is_finest() {
            return Err(MathError::Cancelled);
        }
        Ok(with(slice))
    }
}
