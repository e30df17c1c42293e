//! The plane through three solutions.

use crate::landscape::{Directions, GridAxis};
use crate::math::error::check_length;
use crate::math::{MathError, vector};

/// A plane through three parameter vectors, with its origin in the first.
#[derive(Debug)]
pub struct PlaneThrough {
    /// θ_B − θ_A and θ_C − θ_A, or the second made orthogonal to the first and
    /// both of the length ‖θ_B − θ_A‖.
    pub directions: Directions,
    /// Where A, B and C lie: (α, β).
    pub points: [(f64, f64); 3],
}

impl PlaneThrough {
    /// Axes of `grid` points that show all three, with `margin` times their
    /// spread on every side.
    ///
    /// # Errors
    /// See [`GridAxis::new`].
    pub fn axes(&self, margin: f64, grid: usize) -> Result<(GridAxis, GridAxis), MathError> {
        let axis = |of: fn((f64, f64)) -> f64| {
            let places = self.points.map(of);
            let low = places.iter().copied().fold(f64::INFINITY, f64::min);
            let high = places.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let margin = margin * (high - low);
            GridAxis::new(low - margin, high + margin, grid)
        };
        Ok((axis(|point| point.0)?, axis(|point| point.1)?))
    }
}

/// The plane through A, B and C. With `orthogonal` the axes are perpendicular
/// and equally long, so that shapes on the plane are true (Garipov et al. 2018);
/// without, B lies at (1, 0) and C at (0, 1).
///
/// # Errors
/// `Length`; `Degenerate` where the three lie on one line.
pub fn plane_through(
    a: &[f64],
    b: &[f64],
    c: &[f64],
    orthogonal: bool,
) -> Result<PlaneThrough, MathError> {
    check_length("the second parameter vector", b.len(), a.len())?;
    check_length("the third parameter vector", c.len(), a.len())?;
    let difference =
        |to: &[f64]| -> Vec<f64> { to.iter().zip(a).map(|(to, from)| to - from).collect() };
    let (first, mut second) = (difference(b), difference(c));
    let length = vector::norm(&first);
    let along = vector::dot(&first, &second) / (length * length);
    let mut outside = second.clone();
    vector::axpy(-along, &first, &mut outside);
    let height = vector::norm(&outside);
    let flat = 1e-9 * vector::norm(&second);
    if !(length > 0.0 && height > flat) {
        return Err(MathError::Degenerate {
            what: "the three parameter vectors lie on one line: they span no plane",
        });
    }
    let mut third = (0.0, 1.0);
    if orthogonal {
        vector::scale(length / height, &mut outside);
        second = outside;
        third = (along, height / length);
    }
    Ok(PlaneThrough {
        directions: Directions::new(first, second)?,
        points: [(0.0, 0.0), (1.0, 0.0), third],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_points_lie_where_it_says() {
        let a = [1.0, 2.0, -1.0, 0.5];
        let b = [2.0, 2.5, 0.0, 0.5];
        let c = [0.0, 1.0, 3.0, -2.0];
        for orthogonal in [false, true] {
            let plane = plane_through(&a, &b, &c, orthogonal).unwrap();
            for (point, theta) in plane.points.iter().zip([a, b, c]) {
                let found = plane.directions.point(&a[..], point.0, point.1).unwrap();
                assert!(vector::distance(&found, &theta[..]) < 1e-12);
            }
            if orthogonal {
                assert!(plane.directions.cosine.abs() < 1e-12);
                let lengths =
                    [&plane.directions.first, &plane.directions.second].map(|d| vector::norm(d));
                assert!((lengths[0] - lengths[1]).abs() < 1e-12);
            } else {
                assert_eq!(plane.points, [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]);
            }
        }
    }

    #[test]
    fn three_points_on_a_line_span_no_plane() {
        let error = plane_through(&[0.0, 0.0], &[1.0, 1.0], &[3.0, 3.0], true).unwrap_err();
        assert!(error.to_string().contains("one line"));
        assert!(plane_through(&[0.0, 1.0], &[0.0, 1.0], &[3.0, 3.0], true).is_err());
        assert!(plane_through(&[0.0, 1.0], &[0.0], &[3.0, 3.0], true).is_err());
    }
}
