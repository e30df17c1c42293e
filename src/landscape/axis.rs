//! The coordinates of a slice, and the order in which a grid is refined.

use serde::{Deserialize, Serialize};

use crate::math::MathError;

/// Points of the coarsest grid along an axis, at least.
const COARSEST: usize = 5;

/// Equally spaced coordinates from `min` to `max`.
///
/// Each is computed from its index alone, never by adding steps, so that the
/// last is exactly `max`, a symmetric axis is exactly symmetric, and the
/// centre of an odd symmetric axis is exactly 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct GridAxis {
    min: f64,
    max: f64,
    points: usize,
}

/// An axis as it stands in a file, before it is checked.
#[derive(Deserialize)]
struct Fields {
    min: f64,
    max: f64,
    points: usize,
}

impl TryFrom<Fields> for GridAxis {
    type Error = MathError;

    fn try_from(fields: Fields) -> Result<Self, MathError> {
        Self::new(fields.min, fields.max, fields.points)
    }
}

impl GridAxis {
    /// From `min` to `max` in `points` points.
    ///
    /// # Errors
    /// `Argument` unless `points ≥ 2` and `min < max`, both finite.
    pub fn new(min: f64, max: f64, points: usize) -> Result<Self, MathError> {
        if points < 2 {
            return Err(MathError::Argument {
                what: "the number of grid points",
                found: points.to_string(),
                expected: "at least 2 (an odd number, if the centre is to be a point)",
            });
        }
        if !(min.is_finite() && max.is_finite() && min < max) {
            return Err(MathError::Argument {
                what: "the extent of the grid",
                found: format!("{min} to {max}"),
                expected: "finite numbers, the first below the second",
            });
        }
        Ok(Self { min, max, points })
    }

    /// From −`extent` to `extent`. An even number of points is allowed, but has
    /// no centre.
    ///
    /// # Errors
    /// Those of [`GridAxis::new`].
    pub fn symmetric(extent: f64, points: usize) -> Result<Self, MathError> {
        Self::new(-extent, extent, points)
    }

    /// The shortest axis that reaches at least from `min` to `max` and has 0, if
    /// that lies between them, as a point of every grid of its refinement with at
    /// least nine points (coarser ones would make it much longer).
    ///
    /// # Errors
    /// Those of [`GridAxis::new`].
    pub fn holding_zero(min: f64, max: f64, points: usize) -> Result<Self, MathError> {
        let axis = Self::new(min, max, points)?;
        if min >= 0.0 || max <= 0.0 {
            return Ok(axis);
        }
        let stride = axis
            .strides()
            .into_iter()
            .find(|stride| (points - 1) / stride >= 8)
            .unwrap_or(1);
        let intervals = (points - 1) / stride;
        // With 0 as coarse point k, an interval must be as long as either side
        // asks for.
        let length = |k: usize| (-min / k as f64).max(max / (intervals - k) as f64);
        match (1..intervals).min_by(|a, b| length(*a).total_cmp(&length(*b))) {
            Some(k) => {
                let h = length(k);
                Self::new(-(k as f64) * h, (intervals - k) as f64 * h, points)
            }
            None => Ok(axis),
        }
    }

    /// First coordinate.
    pub fn min(&self) -> f64 {
        self.min
    }

    /// Last coordinate.
    pub fn max(&self) -> f64 {
        self.max
    }

    /// How many coordinates.
    pub fn points(&self) -> usize {
        self.points
    }

    /// How many points the grids of its refinement have, coarse to fine.
    pub fn level_points(&self) -> Vec<usize> {
        let count = |stride| (self.points - 1) / stride + 1;
        self.strides().into_iter().map(count).collect()
    }

    /// The same range in another number of points.
    ///
    /// # Errors
    /// `Argument` for fewer than 2.
    pub fn with_points(&self, points: usize) -> Result<Self, MathError> {
        Self::new(self.min, self.max, points)
    }

    /// Coordinate number `i`.
    pub fn coordinate(&self, i: usize) -> f64 {
        let last = (self.points - 1) as f64;
        if self.min == -self.max {
            self.max * ((2.0 * i as f64 - last) / last)
        } else {
            let share = i as f64 / last;
            let value = self.min * (1.0 - share) + self.max * share;
            // A point that is meant to be 0 is 0, whatever rounding says.
            if value.abs() <= 1e-12 * (self.max - self.min) {
                0.0
            } else {
                value
            }
        }
    }

    /// All coordinates, ascending.
    pub fn coordinates(&self) -> Vec<f64> {
        (0..self.points).map(|i| self.coordinate(i)).collect()
    }

    /// Distances in points from one grid to the next finer one, ending with 1.
    /// Each divides the one before, so that every coarser grid is part of the
    /// finer ones, equally spaced from end to end and, where there is a centre,
    /// through it: 257 points give 5, 9, 17, 33, 65, 129, 257.
    pub(crate) fn strides(&self) -> Vec<usize> {
        let last = self.points - 1;
        // Dividing half the intervals keeps the centre.
        let mut rest = if last.is_multiple_of(2) {
            last / 2
        } else {
            last
        };
        let mut strides = vec![1];
        let mut stride = 1;
        let mut factor = 2;
        while rest > 1 {
            if rest.is_multiple_of(factor) {
                rest /= factor;
                stride *= factor;
                if last / stride + 1 < COARSEST {
                    break;
                }
                strides.push(stride);
            } else {
                factor += 1;
            }
        }
        strides.reverse();
        strides
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn powers_of_two_double_at_each_level() {
        let counts = |points: usize| -> Vec<usize> {
            let axis = GridAxis::symmetric(1.0, points).unwrap();
            let strides = axis.strides();
            strides.iter().map(|s| (points - 1) / s + 1).collect()
        };
        assert_eq!(counts(257), [5, 9, 17, 33, 65, 129, 257]);
        assert_eq!(counts(129), [5, 9, 17, 33, 65, 129]);
        assert_eq!(counts(9), [5, 9]);
        assert_eq!(counts(51), [11, 51]);
        assert_eq!(counts(101), [11, 51, 101]);
        assert_eq!(counts(5), [5]);
        assert_eq!(counts(2), [2]);
    }

    #[test]
    fn impossible_axes_are_refused() {
        assert!(GridAxis::symmetric(1.0, 1).is_err());
        assert!(GridAxis::symmetric(0.0, 9).is_err());
        assert!(GridAxis::symmetric(f64::NAN, 9).is_err());
        assert!(GridAxis::new(2.0, 1.0, 9).is_err());
        let text = r#"{"min":-1.0,"max":1.0,"points":0}"#;
        assert!(serde_json::from_str::<GridAxis>(text).is_err());
    }

    #[test]
    fn coordinates_do_not_drift() {
        // Adding 0.1 a thousand times misses 100 by 1e-12.
        let axis = GridAxis::new(0.0, 100.0, 1001).unwrap();
        assert_eq!(axis.coordinate(1000), 100.0);
        assert_eq!(axis.coordinate(500), 50.0);
        // An even grid has no centre, and does not pretend to.
        let even = GridAxis::symmetric(1.0, 10).unwrap().coordinates();
        assert!(even.iter().all(|x| *x != 0.0));
    }

    proptest! {
        #[test]
        fn an_axis_around_zero_has_zero_on_its_grids(
            min in -50.0f64..-1e-3,
            max in 1e-3f64..50.0,
            level in 2u32..8,
        ) {
            let points = (1 << level) + 1;
            let axis = GridAxis::holding_zero(min, max, points).unwrap();
            prop_assert!(axis.min() <= min + 1e-12 && axis.max() >= max - 1e-12);
            let x = axis.coordinates();
            let zero = x.iter().position(|x| *x == 0.0);
            prop_assert!(zero.is_some());
            for stride in axis.strides() {
                let fine = (points - 1) / stride >= 8;
                prop_assert!(!fine || zero.unwrap_or(1).is_multiple_of(stride));
            }
            // Little is added to what was asked for.
            prop_assert!(points < 9 || x[points - 1] - x[0] <= 2.0 * (max - min));
            prop_assert!(x.windows(2).all(|pair| pair[0] < pair[1]));
        }

        #[test]
        fn symmetric_axes_are_symmetric_to_the_bit(extent in 1e-6f64..1e6, half in 1usize..400) {
            let axis = GridAxis::symmetric(extent, 2 * half + 1).unwrap();
            let x = axis.coordinates();
            prop_assert_eq!(x[half], 0.0);
            prop_assert_eq!(x[2 * half], extent);
            for i in 0..half {
                prop_assert_eq!(x[i], -x[2 * half - i]);
                prop_assert!(x[i] < x[i + 1]);
            }
            let strides = axis.strides();
            prop_assert_eq!(strides.last(), Some(&1));
            for pair in strides.windows(2) {
                prop_assert!(pair[0].is_multiple_of(pair[1]));
            }
            // Coarser grids contain both ends and the centre.
            for stride in strides {
                prop_assert!(half.is_multiple_of(stride));
            }
        }
    }
}
