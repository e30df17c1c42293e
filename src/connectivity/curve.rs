//! Curves through parameter space: straight lines, Bézier curves and polygonal
//! chains, and the loss along them.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::loss::ParameterLoss;
use crate::landscape::{Interpolation, between};
use crate::math::error::check_length;
use crate::math::floats::cell;
use crate::math::{MathError, Progress, vector};

/// What a curve makes of its control points.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub enum CurveKind {
    /// The Bézier curve with these control points: quadratic for one bend. The
    /// bends are not on it.
    #[default]
    #[strum(serialize = "Bézier curve")]
    Bezier,
    /// Straight pieces from point to point, each for an equal part of t.
    #[strum(serialize = "chain")]
    Chain,
}

/// A curve φ(t), t from 0 to 1, through parameter space (Garipov et al. 2018).
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    kind: CurveKind,
    points: Vec<Arc<[f64]>>,
}

impl Curve {
    /// The curve from the first of these points to the last; those between are
    /// its bends.
    ///
    /// # Errors
    /// `Argument` for fewer than two points, `Length` where they differ.
    pub fn new(kind: CurveKind, points: Vec<Arc<[f64]>>) -> Result<Self, MathError> {
        let Some(first) = points.first().filter(|_| points.len() > 1) else {
            return Err(MathError::Argument {
                what: "the number of points of a curve",
                found: points.len().to_string(),
                expected: "at least 2",
            });
        };
        for point in &points {
            check_length("a point of a curve", point.len(), first.len())?;
        }
        Ok(Self { kind, points })
    }

    /// The straight line (1−t)·a + t·b.
    ///
    /// # Errors
    /// `Length`.
    pub fn line(a: impl Into<Arc<[f64]>>, b: impl Into<Arc<[f64]>>) -> Result<Self, MathError> {
        Self::new(CurveKind::Chain, vec![a.into(), b.into()])
    }

    /// A curve with this number of bends that lie evenly on the straight line,
    /// which it therefore is.
    ///
    /// # Errors
    /// `Length`.
    pub fn straight(
        kind: CurveKind,
        a: impl Into<Arc<[f64]>>,
        b: impl Into<Arc<[f64]>>,
        bends: usize,
    ) -> Result<Self, MathError> {
        let line = Self::line(a, b)?;
        let mut points = Vec::with_capacity(bends + 2);
        points.push(Arc::clone(&line.points[0]));
        for bend in 1..=bends {
            let t = bend as f64 / (bends + 1) as f64;
            let mut point = vec![0.0; line.dim()];
            line.at(t, &mut point);
            points.push(point.into());
        }
        points.push(Arc::clone(&line.points[1]));
        Self::new(kind, points)
    }

    /// What it makes of its points.
    pub fn kind(&self) -> CurveKind {
        self.kind
    }

    /// Its points: the ends and the bends between them.
    pub fn points(&self) -> &[Arc<[f64]>] {
        &self.points
    }

    /// Number of parameters.
    pub fn dim(&self) -> usize {
        self.points[0].len()
    }

    /// ∂φ(t)/∂(point k) for every k: Bernstein polynomials, or hat functions.
    pub fn weights(&self, t: f64) -> Vec<f64> {
        let degree = self.points.len() - 1;
        match self.kind {
            CurveKind::Bezier => bernstein(degree, t),
            CurveKind::Chain => {
                let mut weights = vec![0.0; degree + 1];
                let (piece, within) = self.piece(t);
                weights[piece] = 1.0 - within;
                weights[piece + 1] = within;
                weights
            }
        }
    }

    /// `out` ← φ(t).
    pub fn at(&self, t: f64, out: &mut [f64]) {
        match self.kind {
            CurveKind::Bezier => combine(&self.points, &self.weights(t), out),
            CurveKind::Chain => {
                let (piece, within) = self.piece(t);
                let (a, b) = (&self.points[piece], &self.points[piece + 1]);
                for (out, (a, b)) in out.iter_mut().zip(a.iter().zip(&b[..])) {
                    *out = between(*a, *b, within);
                }
            }
        }
    }

    /// The piece of a chain that t lies in, and how far along it, from 0 to 1.
    fn piece(&self, t: f64) -> (usize, f64) {
        let pieces = self.points.len() - 1;
        let place = t.clamp(0.0, 1.0) * pieces as f64;
        let piece = (place.floor() as usize).min(pieces - 1);
        (piece, place - piece as f64)
    }

    /// ‖φ'(t)‖.
    fn speed(&self, differences: &[Vec<f64>], t: f64, out: &mut [f64]) -> f64 {
        let degree = differences.len();
        let weights = match self.kind {
            CurveKind::Bezier => bernstein(degree - 1, t),
            CurveKind::Chain => {
                let (piece, _) = self.piece(t);
                (0..degree)
                    .map(|k| f64::from(u8::from(k == piece)))
                    .collect()
            }
        };
        combine(differences, &weights, out);
        degree as f64 * vector::norm(out)
    }

    /// ‖φ'(t)‖ at the middles of `pieces` equal parts of t.
    fn speeds(&self, pieces: usize) -> Vec<f64> {
        let differences: Vec<Vec<f64>> = self
            .points
            .windows(2)
            .map(|pair| {
                pair[1]
                    .iter()
                    .zip(&pair[0][..])
                    .map(|(b, a)| b - a)
                    .collect()
            })
            .collect();
        (0..pieces)
            .into_par_iter()
            .map_init(
                || vec![0.0; self.dim()],
                |out, piece| self.speed(&differences, (piece as f64 + 0.5) / pieces as f64, out),
            )
            .collect()
    }

    /// ‖φ(1) − φ(0)‖.
    pub fn distance(&self) -> f64 {
        let last = self.points.len() - 1;
        vector::distance(&self.points[0], &self.points[last])
    }
}

fn bernstein(degree: usize, t: f64) -> Vec<f64> {
    // de Casteljau's scheme on the unit vectors: weights are exact at the ends.
    let mut weights = vec![1.0];
    for _ in 0..degree {
        let mut next = vec![0.0; weights.len() + 1];
        for (k, weight) in weights.iter().enumerate() {
            next[k] += (1.0 - t) * weight;
            next[k + 1] += t * weight;
        }
        weights = next;
    }
    weights
}

fn combine<P: AsRef<[f64]>>(points: &[P], weights: &[f64], out: &mut [f64]) {
    out.fill(0.0);
    for (point, weight) in points.iter().zip(weights) {
        if *weight != 0.0 {
            vector::axpy(*weight, point.as_ref(), out);
        }
    }
}

/// The loss along a curve: barriers are measured against the straight line
/// between the ends' losses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// λ (or t), losses and barriers.
    #[serde(flatten)]
    pub line: Interpolation,
    /// Share of samples classified correctly at each λ, where there are classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Vec<f64>>,
    /// The highest loss on the curve.
    #[serde(with = "cell")]
    pub highest: f64,
    /// ∫ L dt, by the trapezoidal rule.
    #[serde(with = "cell")]
    pub mean: f64,
    /// ∫ L ds / ∫ ds along the arc.
    #[serde(with = "cell")]
    pub mean_by_length: f64,
    /// The arc's length over the distance of its ends; 1 for a straight line.
    #[serde(with = "cell")]
    pub stretch: f64,
}

/// Measures the loss along the curve in `points` points, and, if `refined`,
/// looks for the barriers' heights between them.
///
/// Progress counts points.
///
/// # Errors
/// `Argument` for fewer than three points, `Length`, `Cancelled`.
pub fn profile<L: ParameterLoss + ?Sized>(
    loss: &L,
    curve: &Curve,
    points: usize,
    refined: bool,
    progress: &dyn Progress,
) -> Result<Profile, MathError> {
    check_length("a point of the curve", curve.dim(), loss.dim())?;
    let lambda = Interpolation::grid(points)?;
    let done = std::sync::atomic::AtomicUsize::new(0);
    let scratch = || (loss.scratch(), vec![0.0; curve.dim()]);
    let values: Vec<(f64, Option<f64>)> = lambda
        .par_iter()
        .map_init(scratch, |(scratch, theta), t| {
            progress.check()?;
            curve.at(*t, theta);
            let value = loss.loss(theta, scratch);
            let before = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            progress.report(before + 1, points);
            Ok(value)
        })
        .collect::<Result<_, MathError>>()?;
    let losses: Vec<f64> = values.iter().map(|(loss, _)| *loss).collect();
    let accuracy = values.iter().map(|(_, accuracy)| *accuracy).collect();
    let line = if refined {
        let (mut scratch, mut theta) = scratch();
        let mut at = |t: f64| {
            curve.at(t, &mut theta);
            loss.loss(&theta, &mut scratch).0
        };
        Interpolation::refined(lambda, losses, &mut at, progress)?
    } else {
        Interpolation::of_points(lambda, losses)
    };
    Ok(Profile::new(line, accuracy, curve))
}

impl Profile {
    fn new(line: Interpolation, accuracy: Option<Vec<f64>>, curve: &Curve) -> Self {
        let pieces = line.loss.len() - 1;
        let middle: Vec<f64> = line.loss.windows(2).map(|l| 0.5 * (l[0] + l[1])).collect();
        let mean = middle.iter().sum::<f64>() / pieces as f64;
        let distance = curve.distance();
        let (mean_by_length, stretch) = if curve.points.len() == 2 || distance == 0.0 {
            (mean, 1.0)
        } else {
            let speeds = curve.speeds(pieces);
            let length: f64 = speeds.iter().sum::<f64>() / pieces as f64;
            let weighted: f64 = middle.iter().zip(&speeds).map(|(l, s)| l * s).sum();
            (weighted / (length * pieces as f64), length / distance)
        };
        let highest = line.loss.iter().fold(f64::NEG_INFINITY, |highest, loss| {
            if highest.is_nan() || loss.is_nan() {
                f64::NAN
            } else {
                highest.max(*loss)
            }
        });
        Self {
            accuracy,
            highest,
            mean,
            mean_by_length,
            stretch,
            line,
        }
    }
}

#[cfg(test)]
#[path = "curve_tests.rs"]
mod tests;
