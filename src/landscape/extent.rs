//! How far a slice reaches.

use serde::{Deserialize, Serialize};

use super::axis::GridAxis;
use crate::math::MathError;

/// Share of the points' own extent that is added on each side.
const MARGIN: f64 = 0.12;
/// The shorter side of a fitted view, as a share of the longer.
const NARROWEST: f64 = 0.6;

/// How far a slice reaches along its directions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// From −a to a along both.
    Symmetric(f64),
    /// As far as the points on the plane ask for, so that they fill the view; up
    /// to ±`otherwise` where there are none, or only the middle.
    Fit {
        /// The extent without points.
        otherwise: f64,
    },
}

impl Extent {
    /// The axes of a grid of `points` points a side over the points (α, β) to be
    /// seen. The middle (0, 0) is always among them and a point of the grid;
    /// points that are not finite are left out.
    ///
    /// # Errors
    /// `Argument` for less than two points, or an extent that is not above 0.
    pub fn axes(
        self,
        points: usize,
        seen: impl Iterator<Item = (f64, f64)>,
    ) -> Result<[GridAxis; 2], MathError> {
        let (extent, seen): (f64, Vec<(f64, f64)>) = match self {
            Self::Symmetric(extent) => (extent, Vec::new()),
            Self::Fit { otherwise } => (
                otherwise,
                seen.filter(|(a, b)| a.is_finite() && b.is_finite())
                    .collect(),
            ),
        };
        let around = |pick: &dyn Fn(&(f64, f64)) -> f64| {
            seen.iter()
                .map(pick)
                .fold((0.0f64, 0.0f64), |(low, high), x| (low.min(x), high.max(x)))
        };
        let ranges = [around(&|point| point.0), around(&|point| point.1)];
        let longest = ranges
            .iter()
            .map(|(low, high)| high - low)
            .fold(0.0, f64::max);
        if longest <= 0.0 {
            let axis = GridAxis::symmetric(extent, points)?;
            return Ok([axis, axis]);
        }
        let axis = |(low, high): (f64, f64)| {
            let half = (0.5 * (high - low)).max(0.5 * NARROWEST * longest);
            let (middle, half) = (0.5 * (low + high), half + MARGIN * longest);
            GridAxis::holding_zero(middle - half, middle + half, points)
        };
        Ok([axis(ranges[0])?, axis(ranges[1])?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fills_the_view_with_a_margin() {
        let path = [(0.0, 0.0), (-4.0, 0.5), (-10.0, 1.0), (f64::NAN, 3.0)];
        let fit = Extent::Fit { otherwise: 1.0 };
        let [x, y] = fit.axes(33, path.into_iter()).unwrap();
        assert!(x.min() <= -11.2 && x.min() > -14.0, "{x:?}");
        assert!(x.max() >= 1.2 && x.max() < 2.0, "{x:?}");
        // The shorter side is not a strip.
        let (wide, high) = (x.max() - x.min(), y.max() - y.min());
        assert!(high >= 0.5 * wide && high <= wide, "{y:?}");
        for axis in [x, y] {
            assert!(axis.coordinates().contains(&0.0));
        }
    }

    #[test]
    fn without_a_path_the_extent_is_the_one_given() {
        let symmetric = GridAxis::symmetric(2.0, 9).unwrap();
        for extent in [Extent::Symmetric(2.0), Extent::Fit { otherwise: 2.0 }] {
            let axes = extent.axes(9, [(0.0, 0.0)].into_iter()).unwrap();
            assert_eq!(axes, [symmetric, symmetric]);
        }
        let path = [(0.0, 0.0), (5.0, 5.0)];
        let axes = Extent::Symmetric(2.0).axes(9, path.into_iter()).unwrap();
        assert_eq!(axes, [symmetric, symmetric]);
        assert!(Extent::Symmetric(0.0).axes(9, [].into_iter()).is_err());
    }
}
