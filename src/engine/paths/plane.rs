//! The plane through both ends of a path and what was found between them.

use std::sync::Arc;

use super::Connection;
use crate::connectivity::{Curve, plane_through};
use crate::engine::JobError;
use crate::landscape::{Slice2d, evaluate_slice2d};
use crate::math::{MathError, Progress};
use crate::objective::{Objective, Real};

/// A named parameter vector on a plane.
#[derive(Clone, Debug, PartialEq)]
pub struct PointOnPlane {
    /// What it is called.
    pub name: String,
    /// Its place along the first axis, from A to B.
    pub alpha: f64,
    /// Its place along the second axis, perpendicular and equally long.
    pub beta: f64,
}

/// The training loss on the plane through A, B and a third parameter vector:
/// the permuted B, or the bend of a curve.
#[derive(Clone, Debug, PartialEq)]
pub struct ThroughThree {
    /// The losses; displacements count in ‖θ_B − θ_A‖.
    pub slice: Arc<Slice2d>,
    /// A, B and the third.
    pub points: [PointOnPlane; 3],
    /// The path between A and B that lies in the plane: α and β.
    pub path: Vec<[f64; 2]>,
}

/// How far the plane reaches beyond the points, as a share of their spread.
const MARGIN: f64 = 0.25;

/// Adds the plane where there is a third vector: one that is not on the line of
/// the other two.
pub(super) fn add<T: Real>(
    objective: &Objective<T>,
    found: &mut Connection,
    grid: usize,
    progress: &dyn Progress,
    publish: &mut dyn FnMut(&Connection),
) -> Result<(), JobError> {
    let [a, b] = found.ends.clone();
    let (name, third) = match (&found.alignment, &found.curve) {
        (Some(alignment), _) => (
            format!("{}, aligned", found.to),
            Arc::clone(&alignment.aligned),
        ),
        (_, Some(curve)) if curve.points.len() == 3 => {
            ("bend".to_owned(), Arc::clone(&curve.points[1]))
        }
        _ => return Ok(()),
    };
    let through = match plane_through(&a, &b, &third, true) {
        // Nothing was permuted, or the bend stayed on the chord.
        Err(MathError::Degenerate { .. }) => return Ok(()),
        other => other?,
    };
    let names = [found.from.clone(), found.to.clone(), name];
    let mut named = names.into_iter().zip(through.points);
    let points = std::array::from_fn(|_| {
        let (name, (alpha, beta)) = named.next().unwrap_or_default();
        PointOnPlane { name, alpha, beta }
    });
    let path = path(found, through.points);
    let (alpha, beta) = through.axes(MARGIN, grid)?;
    let cast = |vector: &[f64]| vector.iter().map(|x| T::from_f64(*x)).collect::<Vec<T>>();
    let directions = &through.directions;
    let plane = objective.plane(
        &cast(&a),
        &cast(&directions.first),
        &cast(&directions.second),
    );
    let mut on_level = |slice: Arc<Slice2d>| {
        found.plane = Some(ThroughThree {
            slice,
            points: Clone::clone(&points),
            path: path.clone(),
        });
        publish(found);
    };
    evaluate_slice2d(&plane, &alpha, &beta, progress, &mut on_level)?;
    progress.check()?;
    Ok(())
}

/// The path that the method found, as it lies on the plane.
fn path(found: &Connection, places: [(f64, f64); 3]) -> Vec<[f64; 2]> {
    let [a, b, third] = places.map(|(alpha, beta)| Arc::<[f64]>::from([alpha, beta]));
    let Some(curve) = &found.curve else {
        return [a, third].map(|point| [point[0], point[1]]).to_vec();
    };
    // A curve of points in the plane is that of their coordinates.
    let Ok(curve) = Curve::new(curve.kind, vec![a, third, b]) else {
        return Vec::new();
    };
    const PIECES: usize = 60;
    (0..=PIECES)
        .map(|piece| {
            let mut point = [0.0; 2];
            curve.at(piece as f64 / PIECES as f64, &mut point);
            point
        })
        .collect()
}
