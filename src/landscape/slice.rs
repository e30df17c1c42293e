//! Slices of the loss as results.

use serde::{Deserialize, Serialize};

use crate::math::floats::{Cell, cells};

/// The loss on a line through θ*.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slice1d {
    /// Displacements, ascending.
    pub alpha: Vec<f64>,
    /// Loss at each displacement, as it was computed: what is infinite or not
    /// a number is kept.
    #[serde(with = "cells")]
    pub loss: Vec<f64>,
    /// Standard error of each loss, where it was measured on an excerpt of the
    /// samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<Vec<f64>>,
    /// Which grid of the refinement this is, from 0.
    pub level: usize,
    /// How many grids there are.
    pub levels: usize,
}

/// The loss on a grid in the plane through θ*.
///
/// A slice is always complete in itself: a coarser grid of a refinement is a
/// smaller slice, not one with holes. Not-a-number therefore always means that
/// the loss there is not a number.
///
/// In files `loss` is a list of rows, `loss[j][i]` at `(alpha[i], beta[j])`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Rows", try_from = "Rows")]
pub struct Slice2d {
    /// Displacements along d₁, ascending.
    pub alpha: Vec<f64>,
    /// Displacements along d₂, ascending.
    pub beta: Vec<f64>,
    /// Loss at (`alpha[i]`, `beta[j]`) in element `j * alpha.len() + i`, as it
    /// was computed: what is infinite or not a number is kept, and any finite
    /// value, zero and negative included, is a loss.
    pub loss: Vec<f64>,
    /// Standard error of each loss, where it was measured on an excerpt of the
    /// samples; laid out as `loss`.
    pub stderr: Option<Vec<f64>>,
    /// Which grid of the refinement this is, from 0.
    pub level: usize,
    /// How many grids there are.
    pub levels: usize,
}

impl Slice1d {
    /// Whether this is the finest grid asked for.
    pub fn is_finest(&self) -> bool {
        self.level + 1 == self.levels
    }

    /// Smallest and largest finite loss.
    pub fn finite_range(&self) -> Option<[f64; 2]> {
        finite_range(&self.loss)
    }
}

impl Slice2d {
    /// Loss at (`alpha[i]`, `beta[j]`).
    pub fn at(&self, i: usize, j: usize) -> Option<f64> {
        if i < self.alpha.len() {
            self.loss.get(j * self.alpha.len() + i).copied()
        } else {
            None
        }
    }

    /// The losses row by row: row j holds those at `beta[j]`.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.loss.chunks_exact(self.alpha.len().max(1))
    }

    /// Whether this is the finest grid asked for.
    pub fn is_finest(&self) -> bool {
        self.level + 1 == self.levels
    }

    /// Indices (i, j) of the point at displacement exactly zero, if the grid
    /// has one (grids with an even number of points do not).
    pub fn centre(&self) -> Option<(usize, usize)> {
        let zero = |x: &[f64]| x.iter().position(|x| *x == 0.0);
        Some((zero(&self.alpha)?, zero(&self.beta)?))
    }

    /// The loss at a place within the grid, bilinear between its four points;
    /// not-a-number beside a point that is not finite.
    pub fn between(&self, alpha: f64, beta: f64) -> Option<f64> {
        let (i, s) = cell(&self.alpha, alpha)?;
        let (j, t) = cell(&self.beta, beta)?;
        let corners = [(i, j), (i + 1, j), (i, j + 1), (i + 1, j + 1)];
        let shares = [(1.0 - s) * (1.0 - t), s * (1.0 - t), (1.0 - s) * t, s * t];
        let mut sum = 0.0;
        for ((i, j), share) in corners.into_iter().zip(shares) {
            if share > 0.0 {
                let loss = self.at(i, j)?;
                sum += if loss.is_finite() {
                    share * loss
                } else {
                    f64::NAN
                };
            }
        }
        Some(sum)
    }

    /// Loss at θ* itself, if the grid has that point.
    pub fn centre_loss(&self) -> Option<f64> {
        let (i, j) = self.centre()?;
        self.at(i, j)
    }

    /// Smallest and largest finite loss.
    pub fn finite_range(&self) -> Option<[f64; 2]> {
        finite_range(&self.loss)
    }

    /// How many losses are infinite or not a number.
    pub fn non_finite(&self) -> usize {
        self.loss.iter().filter(|x| !x.is_finite()).count()
    }

    /// Indices (i, j) of the smallest finite loss.
    pub fn lowest(&self) -> Option<(usize, usize)> {
        let (k, _) = self
            .loss
            .iter()
            .enumerate()
            .filter(|(_, x)| x.is_finite())
            .min_by(|a, b| a.1.total_cmp(b.1))?;
        Some((k % self.alpha.len(), k / self.alpha.len()))
    }
}

/// Which interval of a rising axis holds `x`, and how far along it is.
fn cell(axis: &[f64], x: f64) -> Option<(usize, f64)> {
    let (first, last) = (axis.first()?, axis.last()?);
    if axis.len() < 2 || !(*first..=*last).contains(&x) {
        return None;
    }
    let i = axis.partition_point(|at| *at <= x).clamp(1, axis.len() - 1) - 1;
    Some((i, (x - axis[i]) / (axis[i + 1] - axis[i])))
}

fn finite_range(values: &[f64]) -> Option<[f64; 2]> {
    values
        .iter()
        .filter(|x| x.is_finite())
        .fold(None, |range: Option<[f64; 2]>, x| match range {
            None => Some([*x, *x]),
            Some([min, max]) => Some([min.min(*x), max.max(*x)]),
        })
}

/// A slice as it stands in a file.
#[derive(Serialize, Deserialize)]
struct Rows {
    alpha: Vec<f64>,
    beta: Vec<f64>,
    loss: Vec<Vec<Cell>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stderr: Option<Vec<Vec<Cell>>>,
    #[serde(default)]
    level: usize,
    #[serde(default = "one")]
    levels: usize,
}

fn one() -> usize {
    1
}

impl From<Slice2d> for Rows {
    fn from(slice: Slice2d) -> Self {
        let width = slice.alpha.len().max(1);
        let rows = |values: &[f64]| {
            let rows = values.chunks_exact(width);
            rows.map(|row| row.iter().map(|x| Cell(*x)).collect())
                .collect()
        };
        Self {
            loss: rows(&slice.loss),
            stderr: slice.stderr.as_deref().map(rows),
            alpha: slice.alpha,
            beta: slice.beta,
            level: slice.level,
            levels: slice.levels,
        }
    }
}

impl TryFrom<Rows> for Slice2d {
    type Error = String;

    fn try_from(rows: Rows) -> Result<Self, String> {
        let (nx, ny) = (rows.alpha.len(), rows.beta.len());
        let flat = |name: &str, cells: Vec<Vec<Cell>>| {
            if cells.len() != ny || cells.iter().any(|row| row.len() != nx) {
                return Err(format!(
                    "{name} must have {ny} rows of {nx} numbers, one for each beta and alpha"
                ));
            }
            Ok(cells.into_iter().flatten().map(|cell| cell.0).collect())
        };
        Ok(Self {
            loss: flat("loss", rows.loss)?,
            stderr: rows
                .stderr
                .map(|stderr| flat("stderr", stderr))
                .transpose()?,
            alpha: rows.alpha,
            beta: rows.beta,
            level: rows.level,
            levels: rows.levels,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice() -> Slice2d {
        Slice2d {
            alpha: vec![-1.0, 0.0, 1.0],
            beta: vec![0.0, 2.0],
            loss: vec![1.0, -2.0, f64::NAN, 4.0, f64::INFINITY, 0.0],
            stderr: None,
            level: 0,
            levels: 1,
        }
    }

    #[test]
    fn zero_and_negative_losses_are_losses() {
        let slice = slice();
        assert_eq!(slice.finite_range(), Some([-2.0, 4.0]));
        assert_eq!(slice.lowest(), Some((1, 0)));
        assert_eq!(slice.non_finite(), 2);
        assert_eq!(slice.centre(), Some((1, 0)));
        assert_eq!(slice.centre_loss(), Some(-2.0));
        assert_eq!(slice.at(2, 1), Some(0.0));
        assert_eq!((slice.at(3, 0), slice.at(0, 2)), (None, None));
        assert!(slice.is_finest());
        assert_eq!(finite_range(&[f64::NAN]), None);
    }

    #[test]
    fn between_the_points_the_loss_is_bilinear() {
        let mut slice = slice();
        slice.loss = vec![1.0, 2.0, 3.0, 5.0, 6.0, 7.0];
        // 3 + α + 2β − 1 on these points.
        for (alpha, beta) in [(-1.0, 0.0), (1.0, 2.0), (0.25, 0.5), (-0.75, 1.9)] {
            let expected = 2.0 + alpha + 2.0 * beta;
            assert!((slice.between(alpha, beta).unwrap() - expected).abs() < 1e-14);
        }
        assert_eq!(slice.between(1.1, 0.0), None);
        slice.loss[0] = f64::INFINITY;
        assert!(slice.between(-0.5, 0.5).unwrap().is_nan());
        assert_eq!(slice.between(1.0, 0.0), Some(3.0));
    }

    #[test]
    fn files_hold_rows_over_beta_and_keep_what_is_not_finite() {
        let text = serde_json::to_string(&slice()).unwrap();
        assert!(text.contains(r#""loss":[[1.0,-2.0,null],[4.0,"inf",0.0]]"#));
        let back: Slice2d = serde_json::from_str(&text).unwrap();
        assert!(back.loss[2].is_nan());
        assert_eq!(back.loss[4], f64::INFINITY);
        assert_eq!(back.beta, slice().beta);
        let short = r#"{"alpha":[0.0,1.0],"beta":[0.0],"loss":[[1.0]]}"#;
        let error = serde_json::from_str::<Slice2d>(short).unwrap_err();
        assert!(error.to_string().contains("1 rows of 2 numbers"), "{error}");
    }
}
