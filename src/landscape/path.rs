//! The path of training on a plane, and how much of it the plane shows.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Directions, PlaneLoss};
use crate::math::error::check_length;
use crate::math::floats::{Real, cell, cells};
use crate::math::projection::PlaneProjector;
use crate::math::{MathError, Progress, vector};

/// A snapshot's shadow on the plane.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PathPoint {
    /// Step of the snapshot.
    pub step: u64,
    /// Coordinate along d₁, in displacements of the slice.
    pub alpha: f64,
    /// Coordinate along d₂.
    pub beta: f64,
    /// ‖θ − (θ* + αd₁ + βd₂)‖: how far the snapshot is from the plane.
    pub off_plane: f64,
}

/// Named parameters on a plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnchorPoint {
    /// What they are called.
    pub name: String,
    /// Coordinate along d₁.
    pub alpha: f64,
    /// Coordinate along d₂.
    pub beta: f64,
}

/// The path of another run on a plane.
#[derive(Debug, Clone, PartialEq)]
pub struct GhostPath {
    /// The run's name.
    pub name: String,
    /// Its number among the line styles.
    pub series: usize,
    /// Its snapshots' shadows, by rising step.
    pub points: Vec<PathPoint>,
}

/// Project snapshots (step, parameters) on the plane through `centre`.
///
/// # Errors
/// `Length`, `Degenerate`, and `NotFinite` for parameters that are not.
pub fn project_path<T: Real, C: Real>(
    snapshots: &[(u64, &[T])],
    centre: &[C],
    directions: &Directions,
) -> Result<Vec<PathPoint>, MathError> {
    let projector = PlaneProjector::new(&directions.first, &directions.second)?;
    snapshots
        .par_iter()
        .map(|(step, theta)| {
            let found = projector.project(theta, centre)?;
            if !found.off_plane.is_finite() {
                return Err(MathError::NotFinite {
                    what: "a snapshot of the path",
                });
            }
            Ok(PathPoint {
                step: *step,
                alpha: found.alpha,
                beta: found.beta,
                off_plane: found.off_plane,
            })
        })
        .collect()
}

/// How much of a path lies outside a plane.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PathShare {
    /// Length of the path through its snapshots, Σ‖θᵢ₊₁ − θᵢ‖.
    pub length: f64,
    /// Share of the length that runs perpendicular to the plane,
    /// Σ‖(I − P)(θᵢ₊₁ − θᵢ)‖ / Σ‖θᵢ₊₁ − θᵢ‖, between 0 and 1.
    pub length_outside: f64,
    /// Share of the squared distances from the centre that is perpendicular to
    /// the plane, Σ‖(I − P)(θᵢ − θ*)‖² / Σ‖θᵢ − θ*‖²: one minus the explained
    /// share for principal components.
    pub squares_outside: f64,
}

/// Measure how much of the path lies outside the plane through `centre`.
///
/// # Errors
/// `Length`, `Degenerate`, `NotFinite`.
pub fn path_share<T: Real, C: Real>(
    snapshots: &[(u64, &[T])],
    centre: &[C],
    directions: &Directions,
) -> Result<PathShare, MathError> {
    let projector = PlaneProjector::new(&directions.first, &directions.second)?;
    let n = directions.dim();
    check_length("the centre of the plane", centre.len(), n)?;
    for (_, theta) in snapshots {
        check_length("a snapshot of the path", theta.len(), n)?;
    }
    // (whole, outside) of a displacement.
    let split = |w: Vec<f64>| {
        let whole = vector::norm(&w);
        (
            whole,
            projector.project_displacement(w).off_plane.min(whole),
        )
    };
    let steps: Vec<(f64, f64)> = snapshots
        .par_windows(2)
        .map(|pair| {
            let (before, after) = (pair[0].1, pair[1].1);
            split(
                after
                    .iter()
                    .zip(before)
                    .map(|(b, a)| b.to_f64() - a.to_f64())
                    .collect(),
            )
        })
        .collect();
    let offsets: Vec<(f64, f64)> = snapshots
        .par_iter()
        .map(|(_, theta)| {
            split(
                theta
                    .iter()
                    .zip(centre)
                    .map(|(t, c)| t.to_f64() - c.to_f64())
                    .collect(),
            )
        })
        .collect();
    let length: f64 = steps.iter().map(|s| s.0).sum();
    let outside: f64 = steps.iter().map(|s| s.1).sum();
    let squares: f64 = offsets.iter().map(|s| s.0 * s.0).sum();
    let squares_outside: f64 = offsets.iter().map(|s| s.1 * s.1).sum();
    if !(length.is_finite() && squares.is_finite()) {
        return Err(MathError::NotFinite {
            what: "a snapshot of the path",
        });
    }
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    Ok(PathShare {
        length,
        length_outside: share(outside, length),
        squares_outside: share(squares_outside, squares),
    })
}

/// How wrong the loss is that a plane shows under a path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LossErrors {
    /// Steps of the snapshots.
    pub steps: Vec<u64>,
    /// L(θᵢ): the losses of the snapshots themselves.
    #[serde(with = "cells", default)]
    pub losses: Vec<f64>,
    /// L(projection of θᵢ): what the plane shows in their places.
    #[serde(with = "cells", default)]
    pub on_plane: Vec<f64>,
    /// |L(θᵢ) − L(projection of θᵢ)| for each snapshot; not-a-number where one
    /// of the two is.
    #[serde(with = "cells")]
    pub errors: Vec<f64>,
    /// The largest of them that is a number; not-a-number if none is.
    #[serde(with = "cell")]
    pub largest: f64,
    /// The step where it occurs.
    pub at_step: Option<u64>,
}

/// Compare the losses of the snapshots, on the same samples as the plane's,
/// with those that the plane shows at their projections.
///
/// # Errors
/// `Length` unless there is one loss for each point; `Cancelled`.
pub fn loss_errors<P: PlaneLoss + ?Sized>(
    plane: &P,
    path: &[PathPoint],
    losses: &[f64],
    progress: &dyn Progress,
) -> Result<LossErrors, MathError> {
    check_length("the list of losses", losses.len(), path.len())?;
    let on_plane: Vec<f64> = path
        .par_iter()
        .map_init(
            || plane.scratch(),
            |scratch, point| {
                progress.check()?;
                Ok(plane.loss_at(point.alpha, point.beta, scratch))
            },
        )
        .collect::<Result<_, MathError>>()?;
    let errors: Vec<f64> = losses
        .iter()
        .zip(&on_plane)
        .map(|(loss, shown)| (loss - shown).abs())
        .collect();
    let worst = errors
        .iter()
        .zip(path)
        .filter(|(error, _)| !error.is_nan())
        .max_by(|a, b| a.0.total_cmp(b.0));
    let (largest, at_step) = match worst {
        Some((error, point)) => (*error, Some(point.step)),
        None => (f64::NAN, None),
    };
    Ok(LossErrors {
        steps: path.iter().map(|point| point.step).collect(),
        losses: losses.to_vec(),
        on_plane,
        errors,
        largest,
        at_step,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landscape::{GridAxis, PlaneFunction, evaluate_slice2d};
    use crate::math::golden::gaussian;
    use crate::math::pca::Centre;
    use crate::math::progress::CancelToken;
    use crate::math::rng::stream;

    #[test]
    fn principal_directions_through_the_same_centre_explain_what_they_say() {
        let n = 200;
        let mut position = gaussian(n, 0);
        let path: Vec<Vec<f32>> = (0..30)
            .map(|i| {
                vector::axpy(0.1, &gaussian(n, 10 + i), &mut position);
                position.iter().map(|x| *x as f32).collect()
            })
            .collect();
        let views: Vec<&[f32]> = path.iter().map(Vec::as_slice).collect();
        let snapshots: Vec<(u64, &[f32])> = views.iter().map(|p| (7, *p)).collect();
        let mut rng = stream(0, "directions");
        let directions = Directions::of_path(&views, Centre::Last, &mut rng).unwrap();
        let share = path_share(&snapshots, views[29], &directions).unwrap();
        let explained: f64 = directions.explained.unwrap().iter().sum();
        assert!((share.squares_outside - (1.0 - explained)).abs() < 1e-10);
        assert!(share.length_outside > 0.5 && share.length_outside <= 1.0);

        // Components around the mean, a plane through the last point: what the
        // components say is not what the plane shows.
        let wrong = Directions::of_path(&views, Centre::Mean, &mut rng).unwrap();
        let share = path_share(&snapshots, views[29], &wrong).unwrap();
        let explained: f64 = wrong.explained.unwrap().iter().sum();
        assert!((share.squares_outside - (1.0 - explained)).abs() > 1e-3);

        // The last snapshot is the origin.
        let points = project_path(&snapshots, views[29], &directions).unwrap();
        let last = points[29];
        assert_eq!((last.alpha, last.beta, last.off_plane), (0.0, 0.0, 0.0));
        // Pythagoras for orthonormal directions.
        for (point, theta) in points.iter().zip(&views) {
            let whole = vector::distance(theta, views[29]);
            let parts = point.alpha.powi(2) + point.beta.powi(2) + point.off_plane.powi(2);
            assert!((parts.sqrt() - whole).abs() < 1e-9 * (1.0 + whole));
        }
    }

    #[test]
    fn a_path_in_the_plane_lies_over_its_own_losses() {
        // Transposed rows and columns would put the path on wrong contours.
        let n = 40;
        let directions = Directions::new(gaussian(n, 1), gaussian(n, 2)).unwrap();
        let centre = gaussian(n, 3);
        let loss = |a: f64, b: f64| a * a + 5.0 * b + 0.3 * a * b;
        let axis = GridAxis::symmetric(1.0, 9).unwrap();
        let tall = GridAxis::symmetric(2.0, 17).unwrap();
        let plane = PlaneFunction(loss);
        let slice = evaluate_slice2d(&plane, &axis, &tall, &(), &mut |_| ()).unwrap();
        let places = [(0usize, 16usize), (3, 4), (8, 1)];
        let thetas: Vec<Vec<f64>> = places
            .iter()
            .map(|(i, j)| {
                directions
                    .point(&centre, slice.alpha[*i], slice.beta[*j])
                    .unwrap()
            })
            .collect();
        let snapshots: Vec<(u64, &[f64])> = thetas.iter().map(|t| (0, t.as_slice())).collect();
        let points = project_path(&snapshots, &centre, &directions).unwrap();
        let mut losses = Vec::new();
        for (point, (i, j)) in points.iter().zip(places) {
            assert!((point.alpha - slice.alpha[i]).abs() < 1e-12);
            assert!((point.beta - slice.beta[j]).abs() < 1e-12);
            assert!(point.off_plane < 1e-12);
            losses.push(slice.at(i, j).unwrap());
        }
        let share = path_share(&snapshots, &centre, &directions).unwrap();
        assert!(share.length_outside < 1e-12 && share.squares_outside < 1e-12);
        let errors = loss_errors(&plane, &points, &losses, &()).unwrap();
        assert!(errors.largest < 1e-10);
    }

    #[test]
    fn errors_of_the_loss_are_found_and_undefined_ones_kept() {
        let point = |step, alpha| PathPoint {
            step,
            alpha,
            beta: 0.0,
            off_plane: 1.0,
        };
        let path = [point(0, 1.0), point(5, 2.0), point(9, 3.0)];
        let plane = PlaneFunction(|a: f64, _| a);
        let found = loss_errors(&plane, &path, &[1.5, f64::NAN, 3.1], &()).unwrap();
        assert!((found.largest - 0.5).abs() < 1e-15);
        assert_eq!(found.at_step, Some(0));
        assert_eq!(found.steps, [0, 5, 9]);
        assert!(found.errors[1].is_nan());
        assert!(loss_errors(&plane, &path, &[1.0], &()).is_err());
        let token = CancelToken::new();
        token.cancel();
        let ended = loss_errors(&plane, &path, &[0.0; 3], &token);
        assert_eq!(ended, Err(MathError::Cancelled));
    }

    #[test]
    fn a_resting_or_broken_path() {
        let directions = Directions::new(vec![1.0, 0.0, 0.0], vec![0.0, 1.0, 0.0]).unwrap();
        let centre = [1.0, 2.0, 3.0];
        let rest: [(u64, &[f64]); 2] = [(0, &centre), (1, &centre)];
        let share = path_share(&rest, &centre, &directions).unwrap();
        assert_eq!(
            (share.length, share.length_outside, share.squares_outside),
            (0.0, 0.0, 0.0)
        );
        let broken: [(u64, &[f64]); 1] = [(0, &[f64::NAN, 0.0, 0.0])];
        assert!(project_path(&broken, &centre, &directions).is_err());
        let short: [(u64, &[f64]); 1] = [(0, &[0.0])];
        assert!(project_path(&short, &centre, &directions).is_err());
        assert!(path_share(&short, &centre, &directions).is_err());
    }
}
