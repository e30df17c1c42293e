//! The two directions that span a slice.

use std::ops::Range;

use rand::Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use crate::math::error::check_length;
use crate::math::floats::Real;
use crate::math::pca::{Centre, principal_components};
use crate::math::projection::PlaneProjector;
use crate::math::{MathError, vector};

/// One tensor of the flat parameter vector, as far as directions care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorBlock {
    /// Where it lies in the flat vector.
    pub range: Range<usize>,
    /// How many filters it has: rows of a dense layer `[out, in]`, output
    /// channels of a convolution `[out, in, kh, kw]`. They lie one after
    /// another, all of the same length. 1 takes the tensor as a whole.
    pub filters: usize,
    /// Whether it is a weight; biases, normalisation scales and shifts are not.
    pub is_weight: bool,
}

impl TensorBlock {
    /// Elements of one filter.
    fn filter_len(&self) -> usize {
        self.range.len() / self.filters.max(1)
    }

    fn check(&self, n: usize) -> Result<(), MathError> {
        let whole = self.filters > 0 && self.range.len().is_multiple_of(self.filters);
        if self.range.start > self.range.end || self.range.end > n || !whole {
            return Err(MathError::Argument {
                what: "a tensor of the parameter layout",
                found: format!("{:?} in {} filters", self.range, self.filters),
                expected: "a range within the parameters that its filters divide evenly",
            });
        }
        Ok(())
    }
}

/// How a direction is made comparable between layers.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, strum::EnumIter,
)]
#[serde(rename_all = "lowercase")]
pub enum Normalization {
    /// Each filter of the direction gets the norm of the filter of θ (Li et al.
    /// 2018): d ← d·‖θ_f‖/(‖d_f‖ + 10⁻¹⁰).
    #[default]
    Filter,
    /// The same with whole tensors.
    Layer,
    /// d_k ← d_k·|θ_k|: the same slice for every positive rescaling of the
    /// units of a ReLU network.
    Elementwise,
    /// As drawn.
    None,
}

impl Normalization {
    /// Whether biases and normalisation parameters move unless told otherwise.
    /// Li et al. keep them still: a filter of one element, scaled to the norm
    /// of the bias, would be the bias itself up to sign on both axes.
    pub fn includes_biases(self) -> bool {
        matches!(self, Self::Elementwise | Self::None)
    }
}

/// Scale `direction` in place. Parameters outside all `blocks`, and those of
/// tensors that are no weights unless `include_biases`, become zero. Where
/// biases are included, filter normalisation takes each such tensor as a
/// whole.
///
/// # Errors
/// `Length`, `Argument` for an impossible block.
pub fn normalize<T: Real>(
    direction: &mut [f64],
    theta: &[T],
    blocks: &[TensorBlock],
    normalization: Normalization,
    include_biases: bool,
) -> Result<(), MathError> {
    check_length("a direction", direction.len(), theta.len())?;
    keep_blocks(direction, blocks, include_biases)?;
    for block in blocks {
        if !(block.is_weight || include_biases) || block.range.is_empty() {
            continue;
        }
        let d = &mut direction[block.range.clone()];
        let theta = &theta[block.range.clone()];
        let len = match normalization {
            Normalization::None => continue,
            Normalization::Elementwise => {
                for (d, theta) in d.iter_mut().zip(theta) {
                    *d *= theta.to_f64().abs();
                }
                continue;
            }
            Normalization::Filter if block.is_weight => block.filter_len(),
            Normalization::Filter | Normalization::Layer => d.len(),
        };
        for (d, theta) in d.chunks_exact_mut(len).zip(theta.chunks_exact(len)) {
            vector::scale(vector::norm(theta) / (vector::norm(d) + 1e-10), d);
        }
    }
    Ok(())
}

/// Zero what is outside the blocks that move.
fn keep_blocks(
    direction: &mut [f64],
    blocks: &[TensorBlock],
    include_biases: bool,
) -> Result<(), MathError> {
    let mut kept = vec![0.0; direction.len()];
    for block in blocks {
        block.check(direction.len())?;
        if block.is_weight || include_biases {
            kept[block.range.clone()].copy_from_slice(&direction[block.range.clone()]);
        }
    }
    direction.copy_from_slice(&kept);
    Ok(())
}

/// How random directions are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawing {
    /// How they are scaled.
    pub normalization: Normalization,
    /// Whether biases and normalisation parameters move.
    pub include_biases: bool,
    /// Whether the second is made orthogonal to the first before both are
    /// normalised.
    pub orthogonal: bool,
}

impl From<Normalization> for Drawing {
    /// Orthogonal ones, with biases where the normalization has them.
    fn from(normalization: Normalization) -> Self {
        Self {
            normalization,
            include_biases: normalization.includes_biases(),
            orthogonal: true,
        }
    }
}

/// Two directions and the angle between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Directions {
    /// d₁.
    pub first: Vec<f64>,
    /// d₂.
    pub second: Vec<f64>,
    /// cos(d₁, d₂) as they are now. Directions are made orthogonal before they
    /// are normalised, and normalising bends them: this is what is left.
    pub cosine: f64,
    /// Shares of the path's squared distances along the two directions, where
    /// they are principal components of a path.
    pub explained: Option<[f64; 2]>,
}

impl Directions {
    /// Two directions of one's own, as they are.
    ///
    /// # Errors
    /// `Length`, `NotFinite`, `Degenerate` if they do not span a plane.
    pub fn new(first: Vec<f64>, second: Vec<f64>) -> Result<Self, MathError> {
        PlaneProjector::new(&first, &second)?;
        Ok(Self {
            cosine: vector::cosine(&first, &second),
            first,
            second,
            explained: None,
        })
    }

    /// Gaussian directions, orthogonalised where asked for, then normalised.
    /// Parameters outside all `blocks` stay still.
    ///
    /// Every component is drawn, the first direction before the second, whether
    /// it is kept or not: other layers' choices never shift the numbers.
    ///
    /// # Errors
    /// `Length`, `Argument` for an impossible block, `Degenerate` where too few
    /// parameters move to span a plane (see [`Directions::whole_plane`]).
    pub fn random<T: Real, R: Rng + ?Sized>(
        theta: &[T],
        blocks: &[TensorBlock],
        drawing: Drawing,
        rng: &mut R,
    ) -> Result<Self, MathError> {
        let Drawing {
            normalization,
            include_biases,
            orthogonal,
        } = drawing;
        let mut draw = || -> Vec<f64> {
            (0..theta.len())
                .map(|_| rng.sample(StandardNormal))
                .collect()
        };
        let (mut first, mut second) = (draw(), draw());
        keep_blocks(&mut first, blocks, include_biases)?;
        keep_blocks(&mut second, blocks, include_biases)?;
        if orthogonal {
            orthogonalize(&first, &mut second);
        }
        for d in [&mut first, &mut second] {
            normalize(d, theta, blocks, normalization, include_biases)?;
        }
        Self::new(first, second)
    }

    /// The plane of a model with two parameters: the axes themselves.
    ///
    /// # Errors
    /// `Length` for any other number of parameters.
    pub fn whole_plane(parameters: usize) -> Result<Self, MathError> {
        check_length("the parameter vector", parameters, 2)?;
        Self::new(vec![1.0, 0.0], vec![0.0, 1.0])
    }

    /// The first two principal components of a path, of length 1 (Li et al.
    /// 2018, around the last point). A path on a line gets a random second
    /// direction, orthogonal to it.
    ///
    /// The centre must be the point that the slice is drawn through.
    ///
    /// # Errors
    /// `Length`, `NotFinite`, `Degenerate` for a path that does not move or
    /// parameters that span no plane.
    pub fn of_path<T: Real, R: Rng + ?Sized>(
        snapshots: &[&[T]],
        centre: Centre<'_>,
        rng: &mut R,
    ) -> Result<Self, MathError> {
        let found = principal_components(snapshots, centre, 2)?;
        let mut components = found.components.into_iter();
        let Some(first) = components.next() else {
            return Err(MathError::Degenerate {
                what: "the path does not move, so it has no principal direction",
            });
        };
        let second = components
            .next()
            .unwrap_or_else(|| random_beside(&first, 1.0, rng));
        let share = |k: usize| found.explained.get(k).copied().unwrap_or(0.0);
        let explained = Some([share(0), share(1)]);
        Ok(Self {
            explained,
            ..Self::new(first, second)?
        })
    }

    /// Number of parameters.
    pub fn dim(&self) -> usize {
        self.first.len()
    }

    /// |cos(d₁, d₂)| ≤ 10⁻⁶: what may be called orthogonal.
    pub fn is_orthogonal(&self) -> bool {
        self.cosine.abs() <= 1e-6
    }

    /// θ* + αd₁ + βd₂, each time from θ* itself: stepping to and fro would
    /// drift.
    ///
    /// # Errors
    /// `Length`.
    pub fn point<T: Real>(
        &self,
        theta: &[T],
        alpha: f64,
        beta: f64,
    ) -> Result<Vec<f64>, MathError> {
        check_length("the parameter vector", theta.len(), self.dim())?;
        Ok(theta
            .iter()
            .zip(&self.first)
            .zip(&self.second)
            .map(|((theta, first), second)| theta.to_f64() + alpha * first + beta * second)
            .collect())
    }

    /// Both directions in single precision, for single-precision kernels.
    pub fn to_f32(&self) -> [Vec<f32>; 2] {
        [&self.first, &self.second].map(|d| d.iter().map(|x| *x as f32).collect())
    }
}

/// A Gaussian direction of this length, orthogonal to another.
pub(super) fn random_beside<R: Rng + ?Sized>(first: &[f64], length: f64, rng: &mut R) -> Vec<f64> {
    let mut second: Vec<f64> = (0..first.len())
        .map(|_| rng.sample(StandardNormal))
        .collect();
    orthogonalize(first, &mut second);
    vector::normalize(&mut second);
    vector::scale(length, &mut second);
    second
}

/// second ← second − its part along first; twice, so that rounding leaves
/// nothing.
pub(super) fn orthogonalize(first: &[f64], second: &mut [f64]) {
    let squared = vector::norm_squared(first);
    if squared > 0.0 {
        for _ in 0..2 {
            let along = vector::dot(first, second) / squared;
            vector::axpy(-along, first, second);
        }
    }
}

#[cfg(test)]
#[path = "directions_tests.rs"]
mod tests;
