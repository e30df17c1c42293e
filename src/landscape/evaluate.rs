//! Evaluating a slice, coarse grid first.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;

use super::PlaneLoss;
use super::attention::{Attention, Bends, worth};
use super::axis::GridAxis;
use super::refinement::Refinement;
use super::slice::{Slice1d, Slice2d};
use crate::math::{Cancelled, Progress};

/// Points of the coarsest grid up to which it is finished whatever happens.
const NEVER_CANCELLED: usize = 33 * 33;
/// Points that a thread takes at a time, at most.
const CHUNK: usize = 8;
/// Into how many batches a level is divided, where somebody looks on.
const BATCHES: usize = 12;

/// Evaluate a slice on the grid `alpha` × `beta`.
///
/// Grids of 2ᵏ + 1 points are refined from 5×5 on, others as far as their
/// numbers divide; every point is evaluated once. `on_level` gets each grid as
/// soon as it is complete; the last one is also returned. Points are evaluated
/// in parallel, each from θ* itself. Progress counts points. A loss on an excerpt
/// of the samples ([`PlaneLoss::population`]) comes with its standard error.
///
/// After cancellation the finest complete grid is returned: look at
/// [`Slice2d::is_finest`]. The coarsest grid is always completed, so that there
/// is something to see.
///
/// # Errors
/// `Cancelled` only where the grid has no coarser one of at most 33×33 points
/// (51×51 has, 255×255 has not), or each point takes long
/// ([`PlaneLoss::is_costly`]).
pub fn evaluate_slice2d<P: PlaneLoss + ?Sized>(
    plane: &P,
    alpha: &GridAxis,
    beta: &GridAxis,
    progress: &dyn Progress,
    on_level: &mut dyn FnMut(Arc<Slice2d>),
) -> Result<Arc<Slice2d>, Cancelled> {
    let mut on_picture = |picture: Picture| {
        if let Picture::Level(slice) = picture {
            on_level(slice);
        }
    };
    evaluate_pictures(plane, [alpha, beta], None, progress, &mut on_picture)
}

/// What a slice looks like so far.
#[derive(Debug, Clone)]
pub enum Picture {
    /// A complete grid.
    Level(Arc<Slice2d>),
    /// Some points of the next one.
    Part(Refinement),
}

/// The same for somebody who looks on: the points of each level are evaluated in
/// the order of what they are worth to them ([`Attention`]), and `on_picture` also
/// gets the level after every twelfth or so. The values are the same bit for bit.
///
/// # Errors
/// Those of [`evaluate_slice2d`].
pub fn evaluate_slice2d_for<P: PlaneLoss + ?Sized>(
    plane: &P,
    alpha: &GridAxis,
    beta: &GridAxis,
    attention: &dyn Attention,
    progress: &dyn Progress,
    on_picture: &mut dyn FnMut(Picture),
) -> Result<Arc<Slice2d>, Cancelled> {
    evaluate_pictures(plane, [alpha, beta], Some(attention), progress, on_picture)
}

fn evaluate_pictures<P: PlaneLoss + ?Sized>(
    plane: &P,
    [alpha, beta]: [&GridAxis; 2],
    attention: Option<&dyn Attention>,
    progress: &dyn Progress,
    on_picture: &mut dyn FnMut(Picture),
) -> Result<Arc<Slice2d>, Cancelled> {
    let (xs, ys) = (alpha.coordinates(), beta.coordinates());
    let levels = paired(&alpha.strides(), &beta.strides());
    let mut finest = None;
    let axes = |(sx, sy): (usize, usize)| -> (Vec<f64>, Vec<f64>) {
        (
            xs.iter().copied().step_by(sx).collect(),
            ys.iter().copied().step_by(sy).collect(),
        )
    };
    refine(
        plane,
        &|i, j| (xs[i], ys[j]),
        (xs.len(), ys.len()),
        &levels,
        attention,
        progress,
        &mut |found| match found {
            Found::Level(level, strides, values) => {
                let (alpha, beta) = axes(strides);
                let slice = Arc::new(Slice2d {
                    alpha,
                    beta,
                    loss: values.iter().map(|(loss, _)| *loss).collect(),
                    stderr: errors(plane, &values),
                    level,
                    levels: levels.len(),
                });
                on_picture(Picture::Level(Arc::clone(&slice)));
                finest = Some(slice);
            }
            Found::Some(level, strides, values, known) => {
                let (alpha, beta) = axes(strides);
                let place = |i: usize, j: usize| j * strides.1 * xs.len() + i * strides.0;
                let values = (0..beta.len())
                    .flat_map(|j| (0..alpha.len()).map(move |i| (i, j)))
                    .map(|(i, j)| place(i, j))
                    .map(|k| known[k].then_some(values[k].0))
                    .collect();
                on_picture(Picture::Part(Refinement {
                    alpha,
                    beta,
                    values,
                    level,
                }));
            }
        },
    );
    finest.ok_or(Cancelled)
}

/// A straight line on a plane, in its coordinates: `from` + t·`towards`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StraightLine {
    /// Where t = 0 is.
    pub from: (f64, f64),
    /// What is added at t = 1.
    pub towards: (f64, f64),
}

impl StraightLine {
    /// Along d₁, through the middle.
    pub const FIRST: Self = Self {
        from: (0.0, 0.0),
        towards: (1.0, 0.0),
    };

    /// From `a` at t = 0 to `b` at t = 1.
    pub fn between(a: [f64; 2], b: [f64; 2]) -> Self {
        Self {
            from: (a[0], a[1]),
            towards: (b[0] - a[0], b[1] - a[1]),
        }
    }

    fn at(&self, t: f64) -> (f64, f64) {
        let (from, towards) = (self.from, self.towards);
        (from.0 + t * towards.0, from.1 + t * towards.1)
    }
}

/// Evaluate the loss along a line on the plane. Refinement, cancellation and
/// errors are those of [`evaluate_slice2d`].
pub fn evaluate_slice1d<P: PlaneLoss + ?Sized>(
    plane: &P,
    axis: &GridAxis,
    line: StraightLine,
    progress: &dyn Progress,
    on_level: &mut dyn FnMut(Arc<Slice1d>),
) -> Result<Arc<Slice1d>, Cancelled> {
    let xs = axis.coordinates();
    let levels: Vec<(usize, usize)> = axis.strides().into_iter().map(|s| (s, 1)).collect();
    let mut finest = None;
    refine(
        plane,
        &|i, _| line.at(xs[i]),
        (xs.len(), 1),
        &levels,
        None,
        progress,
        &mut |found| {
            let Found::Level(level, (stride, _), values) = found else {
                return;
            };
            let slice = Arc::new(Slice1d {
                alpha: xs.iter().copied().step_by(stride).collect(),
                loss: values.iter().map(|(loss, _)| *loss).collect(),
                stderr: errors(plane, &values),
                level,
                levels: levels.len(),
            });
            on_level(Arc::clone(&slice));
            finest = Some(slice);
        },
    );
    finest.ok_or(Cancelled)
}

/// The loss at a point and its standard error.
type Value = (f64, f64);

/// The standard errors of evaluated points, where they have them.
fn errors<P: PlaneLoss + ?Sized>(plane: &P, values: &[Value]) -> Option<Vec<f64>> {
    plane
        .population()
        .map(|_| values.iter().map(|(_, stderr)| *stderr).collect())
}

/// Both axes' strides level by level; the axis with fewer waits at its
/// coarsest.
fn paired(x: &[usize], y: &[usize]) -> Vec<(usize, usize)> {
    let depth = x.len().max(y.len());
    let at = |strides: &[usize], level: usize| strides[level.saturating_sub(depth - strides.len())];
    (0..depth)
        .map(|level| (at(x, level), at(y, level)))
        .collect()
}

/// Scratches that wait for the next thread.
struct Scratches<'a, P: PlaneLoss + ?Sized> {
    plane: &'a P,
    waiting: Mutex<Vec<P::Scratch>>,
}

impl<P: PlaneLoss + ?Sized> Scratches<'_, P> {
    fn with(&self, f: impl FnOnce(&mut P::Scratch)) {
        let waiting = self.waiting.lock().ok().and_then(|mut all| all.pop());
        let mut scratch = waiting.unwrap_or_else(|| self.plane.scratch());
        f(&mut scratch);
        if let Ok(mut all) = self.waiting.lock() {
            all.push(scratch);
        }
    }
}

/// What [`refine`] hands over.
enum Found<'a> {
    /// A complete level: its strides, its values row after row.
    Level(usize, (usize, usize), Vec<Value>),
    /// What is known of a level that is not complete.
    Some(usize, (usize, usize), &'a [Value], &'a [bool]),
}

/// Evaluate level after level, handing each complete one to `on_found`, and with
/// somebody's attention also what is known of a level after each batch of points.
fn refine<P: PlaneLoss + ?Sized>(
    plane: &P,
    coordinates: &(dyn Fn(usize, usize) -> (f64, f64) + Sync),
    (nx, ny): (usize, usize),
    levels: &[(usize, usize)],
    attention: Option<&dyn Attention>,
    progress: &dyn Progress,
    on_found: &mut dyn FnMut(Found<'_>),
) {
    let total = nx * ny;
    const UNKNOWN: Value = (f64::NAN, f64::NAN);
    let mut values = vec![UNKNOWN; total];
    let mut known = vec![false; total];
    let done = AtomicUsize::new(0);
    let scratches = Scratches {
        plane,
        waiting: Mutex::new(Vec::new()),
    };
    for (level, (sx, sy)) in levels.iter().copied().enumerate() {
        let points = || {
            (0..ny)
                .step_by(sy)
                .flat_map(move |j| (0..nx).step_by(sx).map(move |i| j * nx + i))
        };
        let missing: Vec<usize> = points().filter(|k| !known[*k]).collect();
        let quick = !plane.is_costly() && missing.len() <= NEVER_CANCELLED;
        let must_finish = level == 0 && quick;
        // Small enough that all threads have work, whole rows where possible.
        let chunk = (missing.len() / (4 * rayon::current_num_threads())).clamp(1, CHUNK);
        let mut waiting: Vec<&[usize]> = missing.chunks(chunk).collect();
        let ranking = match (attention, level.checked_sub(1).and_then(|l| levels.get(l))) {
            (Some(attention), Some(&before)) => Some(Ranking::new(
                attention,
                before,
                (nx, ny),
                &values,
                coordinates,
            )),
            _ => None,
        };
        let stopped = AtomicBool::new(false);
        while !waiting.is_empty() {
            let batch = match &ranking {
                Some(ranking) => ranking.best(&mut waiting, missing.len().div_ceil(chunk)),
                None => std::mem::take(&mut waiting),
            };
            let found: Vec<Vec<Value>> = batch
                .par_iter()
                .map(|chunk| {
                    let mut found = Vec::with_capacity(chunk.len());
                    scratches.with(|scratch| {
                        let stops = || {
                            let stops = !must_finish
                                && (stopped.load(Ordering::Relaxed) || progress.is_cancelled());
                            if stops {
                                stopped.store(true, Ordering::Relaxed);
                            }
                            stops
                        };
                        for k in *chunk {
                            if stops() {
                                return;
                            }
                            let place = coordinates(k % nx, k / nx);
                            let wanted: &dyn Progress = if must_finish { &() } else { progress };
                            found.push(value(plane, place, scratch, wanted));
                        }
                        // The last point may have been given up.
                        if stops() {
                            return;
                        }
                        let before = done.fetch_add(chunk.len(), Ordering::Relaxed);
                        progress.report(before + chunk.len(), total);
                    });
                    found
                })
                .collect();
            if stopped.load(Ordering::Relaxed) {
                return;
            }
            for (k, value) in batch
                .iter()
                .copied()
                .flatten()
                .zip(found.into_iter().flatten())
            {
                values[*k] = value;
                known[*k] = true;
            }
            if !waiting.is_empty() {
                on_found(Found::Some(level, (sx, sy), &values, &known));
            }
        }
        let values = points().map(|k| values[k]).collect();
        on_found(Found::Level(level, (sx, sy), values));
    }
}

fn value<P: PlaneLoss + ?Sized>(
    plane: &P,
    (a, b): (f64, f64),
    scratch: &mut P::Scratch,
    progress: &dyn Progress,
) -> Value {
    match plane.population() {
        None => (plane.loss_until(a, b, scratch, progress), f64::NAN),
        Some(population) => {
            let sampled = plane.sampled_loss_at(a, b, scratch);
            (sampled.mean, sampled.standard_error(population))
        }
    }
}

/// Tells which chunks of a level come first.
struct Ranking<'a> {
    attention: &'a dyn Attention,
    bends: Bends,
    coordinates: &'a (dyn Fn(usize, usize) -> (f64, f64) + Sync),
    width: usize,
    half: (f64, f64),
}

impl<'a> Ranking<'a> {
    /// After the level with these strides, on a grid of this many points.
    fn new(
        attention: &'a dyn Attention,
        strides: (usize, usize),
        (nx, ny): (usize, usize),
        values: &[Value],
        coordinates: &'a (dyn Fn(usize, usize) -> (f64, f64) + Sync),
    ) -> Self {
        let level: Vec<f64> = (0..ny)
            .step_by(strides.1)
            .flat_map(|j| {
                (0..nx)
                    .step_by(strides.0)
                    .map(move |i| values[j * nx + i].0)
            })
            .collect();
        let (low, high) = (coordinates(0, 0), coordinates(nx - 1, ny - 1));
        Self {
            attention,
            bends: Bends::new(&level, nx.div_ceil(strides.0), strides),
            coordinates,
            width: nx,
            half: (0.5 * (high.0 - low.0), 0.5 * (high.1 - low.1)),
        }
    }

    /// Takes the next batch out of `waiting`: of a level of `all` chunks about
    /// one in [`BATCHES`], the most worth first; equals stay in order.
    fn best<'b>(&self, waiting: &mut Vec<&'b [usize]>, all: usize) -> Vec<&'b [usize]> {
        let count = all.div_ceil(BATCHES).max(2 * rayon::current_num_threads());
        if count >= waiting.len() {
            return std::mem::take(waiting);
        }
        let focus = self.attention.focus();
        let mut ranked: Vec<(f64, &[usize])> = waiting
            .iter()
            .map(|chunk| {
                let worth: f64 = chunk
                    .iter()
                    .map(|k| {
                        let (i, j) = (k % self.width, k / self.width);
                        worth(
                            (i, j),
                            (self.coordinates)(i, j),
                            self.half,
                            &focus,
                            &self.bends,
                        )
                    })
                    .sum();
                (worth / chunk.len() as f64, *chunk)
            })
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let rest = ranked.split_off(count);
        *waiting = rest.into_iter().map(|(_, chunk)| chunk).collect();
        ranked.into_iter().map(|(_, chunk)| chunk).collect()
    }
}

#[cfg(test)]
#[path = "evaluate_tests.rs"]
mod tests;
