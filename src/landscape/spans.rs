//! Planes through given points and along given directions.

use rand::Rng;

use super::directions::{Directions, orthogonalize, random_beside};
use crate::math::error::check_length;
use crate::math::floats::Real;
use crate::math::{MathError, vector};

impl Directions {
    /// The plane through parameter vectors A, B and C: d₁ = B − A, d₂ = C − A,
    /// so that around A the points lie at (0, 0), (1, 0) and (0, 1) (Garipov et
    /// al. 2018). With `orthogonal`, d₂ loses its part along d₁: the plane is the
    /// same, and C lies at (⟨C−A, d₁⟩/‖d₁‖², 1). Without C, d₂ is random,
    /// orthogonal to d₁ and as long.
    ///
    /// # Errors
    /// `Length`, `NotFinite`, `Degenerate` where the points are equal or lie on a
    /// line.
    pub fn through<T: Real, R: Rng + ?Sized>(
        a: &[T],
        b: &[T],
        c: Option<&[T]>,
        orthogonal: bool,
        rng: &mut R,
    ) -> Result<Self, MathError> {
        let first = difference(b, a)?;
        let second = match c {
            Some(c) => Some(difference(c, a)?),
            None => None,
        };
        Self::spanned(first, second, orthogonal, rng)
    }

    /// The plane of a direction and another one, which loses its part along the
    /// first with `orthogonal`; without another, it is random, orthogonal to the
    /// first and as long.
    ///
    /// # Errors
    /// `Length`, `NotFinite`, `Degenerate`.
    pub fn spanned<R: Rng + ?Sized>(
        first: Vec<f64>,
        second: Option<Vec<f64>>,
        orthogonal: bool,
        rng: &mut R,
    ) -> Result<Self, MathError> {
        let second = match second {
            Some(mut second) => {
                // Refuses what spans no plane before rounding hides it.
                Self::new(first.clone(), second.clone())?;
                if orthogonal {
                    orthogonalize(&first, &mut second);
                }
                second
            }
            None => random_beside(&first, vector::norm(&first), rng),
        };
        Self::new(first, second)
    }

    /// ‖d₁‖ and ‖d₂‖.
    pub fn norms(&self) -> [f64; 2] {
        [vector::norm(&self.first), vector::norm(&self.second)]
    }
}

fn difference<T: Real>(to: &[T], from: &[T]) -> Result<Vec<f64>, MathError> {
    check_length("a parameter vector of the plane", to.len(), from.len())?;
    Ok(to
        .iter()
        .zip(from)
        .map(|(to, from)| to.to_f64() - from.to_f64())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landscape::{PlaneFunction, PlaneLoss as _, project_path};
    use crate::math::golden::gaussian;
    use crate::math::rng::stream;

    #[test]
    fn a_plane_through_three_points_passes_through_them() {
        let n = 40;
        let points = [1, 2, 3].map(|seed| gaussian(n, seed));
        let loss = |theta: &[f64]| theta.iter().map(|x| (1.3 * x).sin() + x * x).sum::<f64>();
        for orthogonal in [false, true] {
            let mut rng = stream(0, "directions");
            let [a, b, c] = &points;
            let plane = Directions::through(a, b, Some(c), orthogonal, &mut rng).unwrap();
            assert_eq!(plane.is_orthogonal(), orthogonal);
            let snapshots: Vec<(u64, &[f64])> = points.iter().map(|p| (0, &p[..])).collect();
            let found = project_path(&snapshots, a, &plane).unwrap();
            assert_eq!((found[0].alpha, found[0].beta), (0.0, 0.0));
            assert!((found[1].alpha - 1.0).abs() < 1e-12 && found[1].beta.abs() < 1e-12);
            assert!((found[2].beta - 1.0).abs() < 1e-12);
            assert_eq!(found[2].alpha.abs() < 1e-12, !orthogonal);
            let seen = PlaneFunction(|x, y| loss(&plane.point(a, x, y).unwrap()));
            for (point, theta) in found.iter().zip(&points) {
                assert!(point.off_plane < 1e-12);
                let value = seen.loss_at(point.alpha, point.beta, &mut ());
                assert!((value - loss(theta)).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn two_points_get_a_random_second_direction() {
        let (a, b) = (gaussian(30, 1), gaussian(30, 2));
        let draw = |seed| {
            Directions::through(&a, &b, None, false, &mut stream(seed, "directions")).unwrap()
        };
        let plane = draw(0);
        assert!(plane.is_orthogonal());
        let [first, second] = plane.norms();
        assert!((first - second).abs() < 1e-12 * first);
        assert_ne!(draw(1).second, plane.second);
        assert_eq!(draw(1).first, plane.first);
    }

    #[test]
    fn points_on_a_line_span_no_plane() {
        let a = gaussian(30, 1);
        let b: Vec<f64> = a.iter().map(|x| x + 1.0).collect();
        let c: Vec<f64> = a.iter().map(|x| x - 3.0).collect();
        for orthogonal in [false, true] {
            let mut rng = stream(0, "directions");
            let line = Directions::through(&a, &b, Some(&c), orthogonal, &mut rng);
            assert!(matches!(line, Err(MathError::Degenerate { .. })));
            let point = Directions::through(&a, &a, Some(&c), orthogonal, &mut rng);
            assert!(matches!(point, Err(MathError::Degenerate { .. })));
        }
        let short = Directions::through(&a[..], &b[..4], None, false, &mut stream(0, "d"));
        assert!(matches!(short, Err(MathError::Length { .. })));
    }
}
