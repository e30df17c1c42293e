//! A level of a refinement that is not complete yet.

use super::slice::Slice2d;

/// Some of the points of a grid, while the others are still to come.
///
/// It is no slice: what is not known is not there. [`Refinement::over`] makes a
/// picture of it together with the complete coarser slice.
#[derive(Debug, Clone, PartialEq)]
pub struct Refinement {
    /// Displacements along d₁, ascending.
    pub alpha: Vec<f64>,
    /// Displacements along d₂, ascending.
    pub beta: Vec<f64>,
    /// The value at (`alpha[i]`, `beta[j]`) in element `j * alpha.len() + i`,
    /// where it is known.
    pub values: Vec<Option<f64>>,
    /// Which grid of the refinement this is, from 0.
    pub level: usize,
}

impl Refinement {
    /// The share of the points that are known.
    pub fn share(&self) -> f64 {
        let known = self.values.iter().filter(|value| value.is_some()).count();
        known as f64 / self.values.len().max(1) as f64
    }

    /// The picture of both: the points that are known, and elsewhere what the
    /// picture of the coarser slice shows there, with `smooth` interpolated
    /// linearly between its points, without that of the nearest one. Beside a
    /// coarser point that is not a number there is no number either. It is for
    /// drawing only.
    pub fn over(&self, coarse: &Slice2d, smooth: bool) -> Slice2d {
        let width = self.alpha.len();
        // How many intervals of this grid are one of the coarser.
        let ratio = |fine: usize, coarse: usize| {
            fine.saturating_sub(1)
                .checked_div(coarse.saturating_sub(1))
                .unwrap_or(1)
                .max(1)
        };
        let rx = ratio(width, coarse.alpha.len());
        let ry = ratio(self.beta.len(), coarse.beta.len());
        let loss = self
            .values
            .iter()
            .enumerate()
            .map(|(k, value)| {
                value.unwrap_or_else(|| shown(coarse, (k % width, rx), (k / width, ry), smooth))
            })
            .collect();
        Slice2d {
            alpha: self.alpha.clone(),
            beta: self.beta.clone(),
            loss,
            stderr: None,
            level: self.level,
            levels: coarse.levels,
        }
    }
}

/// What the picture of `coarse` shows at indices (i, j) of a grid that divides
/// each of its intervals into so many.
fn shown(coarse: &Slice2d, (i, rx): (usize, usize), (j, ry): (usize, usize), smooth: bool) -> f64 {
    let at = |i, j| coarse.at(i, j).unwrap_or(f64::NAN);
    if !smooth {
        return at((i + rx / 2) / rx, (j + ry / 2) / ry);
    }
    let parts = |index: usize, ratio: usize| {
        let (low, share) = (index / ratio, (index % ratio) as f64 / ratio as f64);
        [(low, 1.0 - share), (low + 1, share)]
    };
    let mut sum = 0.0;
    for (j, wy) in parts(j, ry) {
        for (i, wx) in parts(i, rx) {
            // A point without weight says nothing, whatever it is.
            if wx * wy > 0.0 {
                sum += wx * wy * at(i, j);
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coarse() -> Slice2d {
        Slice2d {
            alpha: vec![-1.0, 0.0, 1.0],
            beta: vec![-1.0, 0.0, 1.0],
            loss: vec![0.0, 2.0, 4.0, 10.0, 12.0, 14.0, 20.0, f64::NAN, 24.0],
            stderr: None,
            level: 0,
            levels: 2,
        }
    }

    fn refinement(known: &[(usize, f64)]) -> Refinement {
        let axis = vec![-1.0, -0.5, 0.0, 0.5, 1.0];
        let mut values = vec![None; 25];
        for (k, value) in known {
            values[*k] = Some(*value);
        }
        Refinement {
            alpha: axis.clone(),
            beta: axis,
            values,
            level: 1,
        }
    }

    #[test]
    fn known_points_are_themselves_and_the_rest_is_the_coarser_picture() {
        let found = refinement(&[(1, -7.0), (6, f64::NAN), (2, 2.0)]);
        assert_eq!(found.share(), 3.0 / 25.0);
        let smooth = found.over(&coarse(), true);
        assert_eq!(smooth.at(1, 0), Some(-7.0));
        assert!(smooth.at(1, 1).unwrap().is_nan());
        assert_eq!(smooth.at(3, 0), Some(3.0));
        assert_eq!(smooth.at(3, 1), Some(8.0));
        // Only its own neighbours feel what is not a number.
        assert!(smooth.at(1, 4).unwrap().is_nan());
        assert_eq!(smooth.at(0, 4), Some(20.0));
        assert_eq!(smooth.at(1, 2), Some(11.0));
        let rough = found.over(&coarse(), false);
        assert_eq!(rough.at(4, 4), Some(24.0));
        assert!(
            rough
                .loss
                .iter()
                .all(|v| v.is_nan() || *v == -7.0 || coarse().loss.contains(v))
        );
    }

    #[test]
    fn an_axis_may_be_as_coarse_as_before() {
        let mut found = refinement(&[]);
        found.beta = vec![-1.0, 0.0, 1.0];
        found.values = vec![None; 15];
        let picture = found.over(&coarse(), true);
        assert_eq!(picture.at(1, 1), Some(11.0));
        assert_eq!(picture.at(4, 0), Some(4.0));
    }
}
