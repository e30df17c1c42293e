//! The loss on the straight line through two solutions beyond them (Goodfellow,
//! Vinyals & Saxe 2015, "Qualitatively characterizing neural network optimization
//! problems").

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::loss::ParameterLoss;
use crate::landscape::between;
use crate::math::error::check_length;
use crate::math::floats::cells;
use crate::math::{MathError, Progress};

/// L((1−λ)θ_A + λθ_B) for λ before 0 and after 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outside {
    /// λ, ascending; none from 0 to 1.
    pub lambda: Vec<f64>,
    /// The loss at each.
    #[serde(with = "cells")]
    pub loss: Vec<f64>,
}

/// The usual range, that of Goodfellow et al. beyond the end of a training, and
/// some of it before its start.
pub const USUAL_RANGE: [f64; 2] = [-0.25, 1.5];

/// Checks a range of λ.
///
/// # Errors
/// `Argument` unless it is finite and holds 0 and 1.
pub fn check_range([low, high]: [f64; 2]) -> Result<(), MathError> {
    if low.is_finite() && high.is_finite() && low <= 0.0 && high >= 1.0 {
        return Ok(());
    }
    Err(MathError::Argument {
        what: "the range of the interpolation",
        found: format!("{low} to {high}"),
        expected: "finite numbers, the first at most 0, the second at least 1",
    })
}

/// Measures the loss at λ from the range's ends to 0 and to 1, as densely as
/// `points` lie from 0 to 1. Progress counts points.
///
/// # Errors
/// `Argument` for a range without 0 and 1 or fewer than three points, `Length`,
/// `Cancelled`.
pub fn outside<L: ParameterLoss + ?Sized>(
    loss: &L,
    a: &[f64],
    b: &[f64],
    range: [f64; 2],
    points: usize,
    progress: &dyn Progress,
) -> Result<Outside, MathError> {
    check_range(range)?;
    for end in [a, b] {
        check_length("an end of the line", end.len(), loss.dim())?;
    }
    if points < 3 {
        return Err(MathError::Argument {
            what: "the number of points of the interpolation",
            found: points.to_string(),
            expected: "at least 3",
        });
    }
    let [low, high] = range;
    let count = |length: f64| (length * (points - 1) as f64).ceil() as usize;
    let (before, after) = (count(-low), count(high - 1.0));
    // From their indices alone, so that the last ones are the range's ends.
    let mut lambda: Vec<f64> = (0..before)
        .map(|k| low * (before - k) as f64 / before as f64)
        .collect();
    lambda.extend((1..=after).map(|k| 1.0 + (high - 1.0) * k as f64 / after as f64));
    let total = lambda.len();
    let done = std::sync::atomic::AtomicUsize::new(0);
    let losses = lambda
        .par_iter()
        .map_init(
            || (loss.scratch(), vec![0.0; a.len()]),
            |(scratch, theta), lambda| {
                progress.check()?;
                for (theta, (a, b)) in theta.iter_mut().zip(a.iter().zip(b)) {
                    *theta = between(*a, *b, *lambda);
                }
                let value = loss.loss(theta, scratch).0;
                let before = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                progress.report(before + 1, total);
                Ok(value)
            },
        )
        .collect::<Result<_, MathError>>()?;
    Ok(Outside {
        lambda,
        loss: losses,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectivity::testing::Toy;
    use crate::math::CancelToken;

    /// L = x² + 3y.
    fn toy() -> Toy<impl Fn(&[f64]) -> (f64, Vec<f64>) + Sync> {
        Toy {
            dim: 2,
            function: |theta: &[f64]| {
                let [x, y] = [theta[0], theta[1]];
                (x * x + 3.0 * y, vec![2.0 * x, 3.0])
            },
        }
    }

    #[test]
    fn a_parabola_goes_on_beyond_its_ends() {
        let (a, b) = ([1.0, 0.0], [3.0, 2.0]);
        let found = outside(&toy(), &a, &b, USUAL_RANGE, 5, &()).unwrap();
        assert_eq!(found.lambda, [-0.25, 1.25, 1.5]);
        for (lambda, loss) in found.lambda.iter().zip(&found.loss) {
            let x = 1.0 + 2.0 * lambda;
            assert!((loss - (x * x + 6.0 * lambda)).abs() < 1e-14);
        }
        let denser = outside(&toy(), &a, &b, [-1.0, 1.0], 4, &()).unwrap();
        assert_eq!(denser.lambda, [-1.0, -2.0 / 3.0, -1.0 / 3.0]);
        let nothing = outside(&toy(), &a, &b, [0.0, 1.0], 9, &()).unwrap();
        assert!(nothing.lambda.is_empty());
    }

    #[test]
    fn impossible_ranges_are_refused() {
        let (a, b) = ([1.0, 0.0], [3.0, 2.0]);
        for range in [
            [0.1, 1.5],
            [-1.0, 0.9],
            [f64::NAN, 1.0],
            [0.0, f64::INFINITY],
        ] {
            assert!(outside(&toy(), &a, &b, range, 9, &()).is_err());
        }
        assert!(outside(&toy(), &a, &b, USUAL_RANGE, 2, &()).is_err());
        assert!(outside(&toy(), &a[..1], &b, USUAL_RANGE, 9, &()).is_err());
        let token = CancelToken::new();
        token.cancel();
        let cancelled = outside(&toy(), &a, &b, USUAL_RANGE, 9, &token);
        assert_eq!(cancelled, Err(MathError::Cancelled));
    }
}
