//! Evaluating a slice, coarse grid first.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;

use super::PlaneLoss;
use super::axis::GridAxis;
use super::slice::{Slice1d, Slice2d};
use crate::math::{Cancelled, Progress};

/// Points of the coarsest grid up to which it is finished whatever happens.
const NEVER_CANCELLED: usize = 33 * 33;
/// Points that a thread takes at a time, at most.
const CHUNK: usize = 8;

/// Evaluate a slice on the grid `alpha` × `beta`.
///
/// Grids of 2ᵏ + 1 points are refined from 9×9 on, others as far as their
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
/// (51×51 has, 255×255 has not).
pub fn evaluate_slice2d<P: PlaneLoss + ?Sized>(
    plane: &P,
    alpha: &GridAxis,
    beta: &GridAxis,
    progress: &dyn Progress,
    on_level: &mut dyn FnMut(Arc<Slice2d>),
) -> Result<Arc<Slice2d>, Cancelled> {
    let (xs, ys) = (alpha.coordinates(), beta.coordinates());
    let levels = paired(&alpha.strides(), &beta.strides());
    let mut finest = None;
    refine(
        plane,
        &|i, j| (xs[i], ys[j]),
        (xs.len(), ys.len()),
        &levels,
        progress,
        &mut |level, (sx, sy), values| {
            let slice = Arc::new(Slice2d {
                alpha: xs.iter().copied().step_by(sx).collect(),
                beta: ys.iter().copied().step_by(sy).collect(),
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

/// Evaluate the loss along t·(`towards.0`·d₁ + `towards.1`·d₂): `(1.0, 0.0)`
/// for a line along d₁. Refinement, cancellation and errors are those of
/// [`evaluate_slice2d`].
pub fn evaluate_slice1d<P: PlaneLoss + ?Sized>(
    plane: &P,
    axis: &GridAxis,
    towards: (f64, f64),
    progress: &dyn Progress,
    on_level: &mut dyn FnMut(Arc<Slice1d>),
) -> Result<Arc<Slice1d>, Cancelled> {
    let xs = axis.coordinates();
    let levels: Vec<(usize, usize)> = axis.strides().into_iter().map(|s| (s, 1)).collect();
    let mut finest = None;
    refine(
        plane,
        &|i, _| (xs[i] * towards.0, xs[i] * towards.1),
        (xs.len(), 1),
        &levels,
        progress,
        &mut |level, (stride, _), values| {
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

/// Evaluate level after level, handing each complete one to `on_level` with its
/// strides, its values and their standard errors, row after row.
fn refine<P: PlaneLoss + ?Sized>(
    plane: &P,
    coordinates: &(dyn Fn(usize, usize) -> (f64, f64) + Sync),
    (nx, ny): (usize, usize),
    levels: &[(usize, usize)],
    progress: &dyn Progress,
    on_level: &mut dyn FnMut(usize, (usize, usize), Vec<Value>),
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
        let must_finish = level == 0 && missing.len() <= NEVER_CANCELLED;
        let mut found = vec![UNKNOWN; missing.len()];
        // Small enough that all threads have work, whole rows where possible.
        let chunk = (missing.len() / (4 * rayon::current_num_threads())).clamp(1, CHUNK);
        let stopped = AtomicBool::new(false);
        found
            .par_chunks_mut(chunk)
            .zip(missing.par_chunks(chunk))
            .for_each(|(found, missing)| {
                scratches.with(|scratch| {
                    for (found, k) in found.iter_mut().zip(missing) {
                        if !must_finish
                            && (stopped.load(Ordering::Relaxed) || progress.is_cancelled())
                        {
                            stopped.store(true, Ordering::Relaxed);
                            return;
                        }
                        let (a, b) = coordinates(k % nx, k / nx);
                        *found = match plane.population() {
                            None => (plane.loss_at(a, b, scratch), f64::NAN),
                            Some(population) => {
                                let sampled = plane.sampled_loss_at(a, b, scratch);
                                (sampled.mean, sampled.standard_error(population))
                            }
                        };
                    }
                    let before = done.fetch_add(missing.len(), Ordering::Relaxed);
                    progress.report(before + missing.len(), total);
                });
            });
        if stopped.load(Ordering::Relaxed) {
            return;
        }
        for (k, value) in missing.iter().zip(found) {
            values[*k] = value;
            known[*k] = true;
        }
        on_level(level, (sx, sy), points().map(|k| values[k]).collect());
    }
}

#[cfg(test)]
#[path = "evaluate_tests.rs"]
mod tests;
