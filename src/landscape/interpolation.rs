//! The loss on the straight line between two parameter vectors, and its
//! barrier.

use serde::{Deserialize, Serialize};

use crate::math::floats::{cell, cells};
use crate::math::{MathError, Progress};

/// Golden section steps by which the barrier's place is refined: an interval
/// shrinks by 0.618 with each.
const REFINEMENTS: usize = 30;

/// L((1−λ)θ_A + λθ_B) for λ from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interpolation {
    /// λ, from 0 to 1.
    pub lambda: Vec<f64>,
    /// Loss at each λ, as it was computed.
    #[serde(with = "cells")]
    pub loss: Vec<f64>,
    /// max_λ [L(θ(λ)) − ((1−λ)L_A + λL_B)], the excess over the straight line
    /// between the ends' losses (Frankle et al. 2020; Entezari et al. 2022).
    /// Zero where the line is nowhere exceeded; not-a-number where the loss
    /// is.
    #[serde(with = "cell")]
    pub barrier: f64,
    /// λ where that excess is largest.
    pub barrier_at: f64,
    /// max_λ L(θ(λ)) − ½(L_A + L_B), the other definition in use.
    #[serde(with = "cell")]
    pub barrier_over_mean: f64,
}

impl Interpolation {
    /// `points` values of λ from 0 to 1.
    ///
    /// # Errors
    /// `Argument` for fewer than three.
    pub fn grid(points: usize) -> Result<Vec<f64>, MathError> {
        if points < 3 {
            return Err(MathError::Argument {
                what: "the number of points of the interpolation",
                found: points.to_string(),
                expected: "at least 3",
            });
        }
        Ok((0..points)
            .map(|i| i as f64 / (points - 1) as f64)
            .collect())
    }

    /// The barriers as these points show them; between them the loss may be
    /// higher.
    ///
    /// # Panics
    /// If there are no points, or not as many losses.
    pub fn of_points(lambda: Vec<f64>, loss: Vec<f64>) -> Self {
        let (straight, mean) = bases(&loss);
        let (at, barrier) = highest_point(&excess(&lambda, &loss, &straight));
        let (_, barrier_over_mean) = highest_point(&excess(&lambda, &loss, &|_| mean));
        Self {
            barrier,
            barrier_at: lambda[at],
            barrier_over_mean,
            lambda,
            loss,
        }
    }

    /// The barriers, looked for between the points too: `loss_at(λ)` is the
    /// loss there.
    ///
    /// # Errors
    /// `Cancelled`.
    ///
    /// # Panics
    /// If there are no points, or not as many losses.
    pub fn refined(
        lambda: Vec<f64>,
        loss: Vec<f64>,
        loss_at: &mut dyn FnMut(f64) -> f64,
        progress: &dyn Progress,
    ) -> Result<Self, MathError> {
        let (straight, mean) = bases(&loss);
        let (barrier_at, barrier) = highest(loss_at, &lambda, &loss, &straight, progress)?;
        let (_, barrier_over_mean) = highest(loss_at, &lambda, &loss, &|_| mean, progress)?;
        Ok(Self {
            lambda,
            loss,
            barrier,
            barrier_at,
            barrier_over_mean,
        })
    }
}

/// (1−λ)L_A + λL_B, and ½(L_A + L_B).
fn bases(loss: &[f64]) -> (impl Fn(f64) -> f64 + use<>, f64) {
    let (first, last) = (loss[0], loss[loss.len() - 1]);
    let straight = move |lambda: f64| between(first, last, lambda);
    (straight, 0.5 * (first + last))
}

/// (1−λ)a + λb: exactly a and b at the ends, and everywhere where they are equal.
pub(crate) fn between(a: f64, b: f64, lambda: f64) -> f64 {
    if lambda < 0.5 {
        a + lambda * (b - a)
    } else {
        b - (1.0 - lambda) * (b - a)
    }
}

fn excess(lambda: &[f64], loss: &[f64], base: &dyn Fn(f64) -> f64) -> Vec<f64> {
    lambda.iter().zip(loss).map(|(l, x)| x - base(*l)).collect()
}

/// The first largest excess, or the first that is not a number.
fn highest_point(excess: &[f64]) -> (usize, f64) {
    let mut best = 0;
    for (i, x) in excess.iter().enumerate() {
        if x.is_nan() {
            return (i, f64::NAN);
        }
        if *x > excess[best] {
            best = i;
        }
    }
    (best, excess[best])
}

/// Largest loss − base(λ) and its place: the best point of the grid, refined
/// between its neighbours.
fn highest(
    loss_at: &mut dyn FnMut(f64) -> f64,
    lambda: &[f64],
    loss: &[f64],
    base: &dyn Fn(f64) -> f64,
    progress: &dyn Progress,
) -> Result<(f64, f64), MathError> {
    let excess = excess(lambda, loss, base);
    let (best, highest) = highest_point(&excess);
    if !highest.is_finite() {
        return Ok((lambda[best], highest));
    }
    let mut at = |l: f64| loss_at(l) - base(l);
    let (mut a, mut b) = (
        lambda[best.saturating_sub(1)],
        lambda[(best + 1).min(lambda.len() - 1)],
    );
    let mut top = (lambda[best], excess[best]);
    let golden = 0.5 * (5f64.sqrt() - 1.0);
    let (mut c, mut d) = (b - golden * (b - a), a + golden * (b - a));
    let (mut at_c, mut at_d) = (at(c), at(d));
    for _ in 0..REFINEMENTS {
        progress.check()?;
        for (l, x) in [(c, at_c), (d, at_d)] {
            // A strict comparison: the grid's own point wins where equal, and
            // what is not a number never does.
            if x > top.1 {
                top = (l, x);
            }
        }
        if at_c > at_d {
            (b, d, at_d) = (d, c, at_c);
            c = b - golden * (b - a);
            at_c = at(c);
        } else {
            (a, c, at_c) = (c, d, at_d);
            d = a + golden * (b - a);
            at_d = at(d);
        }
    }
    Ok(top)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landscape::{PlaneFunction, PlaneLoss};

    fn interpolate(line: &impl PlaneLoss, points: usize) -> Result<Interpolation, MathError> {
        let lambda = Interpolation::grid(points)?;
        let mut scratch = line.scratch();
        let mut at = |lambda: f64| line.loss_at(lambda, 0.0, &mut scratch);
        let loss = lambda.iter().map(|lambda| at(*lambda)).collect();
        Interpolation::refined(lambda, loss, &mut at, &())
    }

    #[test]
    fn the_straight_line_of_the_toy_has_barrier_one() {
        // L = (x² + y² − 1)² from (−1, 0) to (1, 0).
        let line = PlaneFunction(|l: f64, _| ((2.0 * l - 1.0).powi(2) - 1.0).powi(2));
        let found = interpolate(&line, 25).unwrap();
        assert!((found.barrier - 1.0).abs() < 1e-12);
        assert!((found.barrier_over_mean - 1.0).abs() < 1e-12);
        assert!((found.barrier_at - 0.5).abs() < 1e-6);
        assert_eq!((found.loss[0], found.loss[24]), (0.0, 0.0));
    }

    #[test]
    fn the_two_definitions_differ_where_the_ends_do() {
        // A slope: nothing exceeds the straight line, half of it the mean.
        let slope = PlaneFunction(|l: f64, _| 3.0 * l);
        let found = interpolate(&slope, 11).unwrap();
        assert!(found.barrier.abs() < 1e-12);
        assert!((found.barrier_over_mean - 1.5).abs() < 1e-12);
        // A bump between grid points is found.
        let bump = PlaneFunction(|l: f64, _| (-((l - 0.4123) / 0.05).powi(2)).exp());
        let found = interpolate(&bump, 25).unwrap();
        assert!((found.barrier - 1.0).abs() < 1e-9);
        assert!((found.barrier_at - 0.4123).abs() < 1e-5);
    }

    #[test]
    fn undefined_losses_make_undefined_barriers() {
        let line = PlaneFunction(|l: f64, _| if l > 0.6 { f64::NAN } else { l });
        assert!(interpolate(&line, 25).unwrap().barrier.is_nan());
        let line = PlaneFunction(|l: f64, _| if l == 0.5 { f64::INFINITY } else { l });
        assert_eq!(interpolate(&line, 25).unwrap().barrier, f64::INFINITY);
        assert!(interpolate(&line, 2).is_err());
    }
}
