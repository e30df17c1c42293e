//! Coordinates of a vector in a plane whose axes need not be orthogonal nor of
//! length one.

use super::error::{MathError, check_length};
use super::floats::Real;
use super::vector;

/// The plane spanned by two directions, ready for projections.
#[derive(Debug, Clone)]
pub struct PlaneProjector<'a> {
    first: &'a [f64],
    second: &'a [f64],
    /// ⟨d₁,d₁⟩, ⟨d₁,d₂⟩, ⟨d₂,d₂⟩.
    gram: [f64; 3],
}

/// Where a vector's shadow falls, and how far from the plane the vector is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaneCoordinates {
    /// Coefficient of the first direction.
    pub alpha: f64,
    /// Coefficient of the second direction.
    pub beta: f64,
    /// ‖w − α d₁ − β d₂‖.
    pub off_plane: f64,
}

impl<'a> PlaneProjector<'a> {
    /// # Errors
    /// `Length` if the directions differ in length; `NotFinite`; `Degenerate`
    /// if one is zero or they are parallel (to 10⁻¹⁰).
    pub fn new(first: &'a [f64], second: &'a [f64]) -> Result<Self, MathError> {
        check_length("the second direction", second.len(), first.len())?;
        let gram = [
            vector::norm_squared(first),
            vector::dot(first, second),
            vector::norm_squared(second),
        ];
        if !gram.iter().all(|g| g.is_finite()) {
            return Err(MathError::NotFinite {
                what: "a direction of the plane",
            });
        }
        let determinant = gram[0] * gram[2] - gram[1] * gram[1];
        if determinant.is_nan()
            || determinant <= 1e-20 * gram[0] * gram[2]
            || gram[0] * gram[2] == 0.0
        {
            return Err(MathError::Degenerate {
                what: "the two directions do not span a plane: one is zero or they are parallel",
            });
        }
        Ok(Self {
            first,
            second,
            gram,
        })
    }

    /// Orthogonal projection of w = `point` − `centre`: the coefficients solve
    /// the 2×2 Gram system, which is right for any two directions (⟨w,d⟩/‖d‖,
    /// seen in published tools, is not even right for orthogonal ones).
    ///
    /// # Errors
    /// `Length`.
    pub fn project<P: Real, C: Real>(
        &self,
        point: &[P],
        centre: &[C],
    ) -> Result<PlaneCoordinates, MathError> {
        check_length("a point of the path", point.len(), self.first.len())?;
        check_length("the centre of the plane", centre.len(), self.first.len())?;
        let w: Vec<f64> = point
            .iter()
            .zip(centre)
            .map(|(p, c)| p.to_f64() - c.to_f64())
            .collect();
        Ok(self.project_displacement(w))
    }

    /// Projection of a displacement from the centre, of the plane's dimension.
    pub(crate) fn project_displacement(&self, mut w: Vec<f64>) -> PlaneCoordinates {
        let (mut alpha, mut beta) = (0.0, 0.0);
        // The second round removes what rounding left in the first.
        for _ in 0..2 {
            let (a, b) = self.solve(vector::dot(&w, self.first), vector::dot(&w, self.second));
            vector::axpy(-a, self.first, &mut w);
            vector::axpy(-b, self.second, &mut w);
            alpha += a;
            beta += b;
        }
        PlaneCoordinates {
            alpha,
            beta,
            off_plane: vector::norm(&w),
        }
    }

    fn solve(&self, p: f64, q: f64) -> (f64, f64) {
        let [a, b, c] = self.gram;
        // Scaled so that directions of very different lengths lose nothing.
        let (s, t) = (a.sqrt(), c.sqrt());
        let cosine = b / (s * t);
        let (p, q) = (p / s, q / t);
        let determinant = (1.0 - cosine) * (1.0 + cosine);
        (
            (p - cosine * q) / (determinant * s),
            (q - cosine * p) / (determinant * t),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::golden::gaussian;

    #[test]
    fn coefficients_of_long_and_slanted_axes() {
        // ⟨w,d⟩/‖d‖ would give 2 and 5/√2 here.
        let projector = PlaneProjector::new(&[2.0, 0.0, 0.0], &[1.0, 1.0, 0.0]).unwrap();
        let found = projector
            .project(&[2.0f32, 3.0, 4.0], &[0.0, 0.0, 0.0])
            .unwrap();
        assert!((found.alpha + 0.5).abs() < 1e-15);
        assert!((found.beta - 3.0).abs() < 1e-15);
        assert!((found.off_plane - 4.0).abs() < 1e-15);
    }

    #[test]
    fn points_of_the_plane_are_recovered() {
        let n = 300;
        let first = gaussian(n, 1);
        let mut second = gaussian(n, 2);
        vector::axpy(30.0, &first, &mut second);
        vector::scale(1e-4, &mut second);
        let projector = PlaneProjector::new(&first, &second).unwrap();
        let centre = gaussian(n, 3);
        let mut point = centre.clone();
        vector::axpy(0.7, &first, &mut point);
        vector::axpy(-1234.5, &second, &mut point);
        let found = projector.project(&point, &centre).unwrap();
        assert!((found.alpha - 0.7).abs() < 1e-9);
        assert!((found.beta + 1234.5).abs() < 1e-6);
        assert!(found.off_plane < 1e-11);
    }

    #[test]
    fn parallel_or_zero_directions_are_refused() {
        assert!(PlaneProjector::new(&[1.0, 2.0], &[2.0, 4.0]).is_err());
        assert!(PlaneProjector::new(&[1.0, 2.0], &[0.0, 0.0]).is_err());
        assert!(PlaneProjector::new(&[1.0, f64::NAN], &[0.0, 1.0]).is_err());
        assert!(PlaneProjector::new(&[1.0, 2.0], &[0.0]).is_err());
    }
}
