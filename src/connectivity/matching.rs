//! Which units of one network are which units of another: permutations that
//! bring two solutions into the same basin (Ainsworth, Hayase & Srinivasa 2022,
//! "Git Re-Basin").

use rand::Rng;
use rand::seq::SliceRandom as _;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Silent;
use super::symmetry::{Permutations, Symmetry};
use crate::math::assignment::assign_greatest;
use crate::math::error::check_length;
use crate::math::{MathError, Progress, vector};
use crate::objective::{Objective, Real};

/// How units are compared.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub enum MatchingMethod {
    /// By the weights and biases that make and read them.
    #[default]
    Weights,
    /// By their activations on the training samples.
    Activations,
}

/// Two networks' units matched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Matching {
    /// For every group of units, the unit of B that takes place i.
    pub permutations: Permutations,
    /// cos(θ_A, π(θ_B)).
    pub similarity: f64,
    /// Sweeps over all groups made so far.
    pub sweeps: usize,
    /// Units that are not where they were in B.
    pub moved: usize,
}

/// Sweeps of the weight matching at most; it ends long before.
const MOST_SWEEPS: usize = 100;
/// A sweep must raise ⟨θ_A, π(θ_B)⟩ by more than this share of ‖θ_A‖‖θ_B‖.
const GAIN: f64 = 1e-12;

/// The state of a matching while it is found.
struct Search<'a> {
    symmetry: &'a Symmetry,
    a: &'a [f64],
    b: &'a [f64],
    norms: f64,
}

impl<'a> Search<'a> {
    fn new(symmetry: &'a Symmetry, a: &'a [f64], b: &'a [f64]) -> Result<Self, MathError> {
        check_length("the first parameter vector", a.len(), symmetry.dim())?;
        check_length("the second parameter vector", b.len(), symmetry.dim())?;
        if symmetry.groups().is_empty() {
            return Err(MathError::Degenerate {
                what: "this network has no hidden units that can change places: \
                       there is nothing to align",
            });
        }
        Ok(Self {
            symmetry,
            a,
            b,
            norms: vector::norm(a) * vector::norm(b),
        })
    }

    /// ⟨θ_A, π(θ_B)⟩.
    fn product(&self, permutations: &[Vec<usize>]) -> Result<f64, MathError> {
        let permuted = self.symmetry.permute(permutations, self.b)?;
        Ok(vector::dot(self.a, &permuted))
    }

    fn matching(&self, permutations: &Permutations, sweeps: usize) -> Result<Matching, MathError> {
        let product = self.product(permutations)?;
        Ok(Matching {
            similarity: if self.norms > 0.0 {
                (product / self.norms).clamp(-1.0, 1.0)
            } else {
                0.0
            },
            moved: permutations
                .iter()
                .map(|p| p.iter().enumerate().filter(|(i, unit)| i != *unit).count())
                .sum(),
            permutations: permutations.clone(),
            sweeps,
        })
    }

    /// The best permutation of one group while the others stay.
    fn best(
        &self,
        group: usize,
        permutations: &[Vec<usize>],
        outgoing: bool,
        progress: &dyn Progress,
    ) -> Result<Vec<usize>, MathError> {
        let units = self.symmetry.groups()[group].units;
        let identity = self.symmetry.identity();
        let of_a = self
            .symmetry
            .unit_parameters(group, &identity, outgoing, self.a);
        let of_b = self
            .symmetry
            .unit_parameters(group, permutations, outgoing, self.b);
        let scores = products(units, &of_a, &of_b, progress)?;
        Ok(assign_greatest(units, &scores, &Silent(progress))?.columns)
    }
}

/// The inner products of all rows of A with all rows of B, [units, units].
fn products(
    units: usize,
    a: &[f64],
    b: &[f64],
    progress: &dyn Progress,
) -> Result<Vec<f64>, MathError> {
    let length = a.len() / units.max(1);
    let row = |all: &'_ [f64], unit: usize| -> std::ops::Range<usize> {
        debug_assert!(all.len() == units * length);
        unit * length..(unit + 1) * length
    };
    let mut scores = vec![0.0; units * units];
    scores
        .par_chunks_mut(units.max(1))
        .enumerate()
        .try_for_each(|(i, scores)| {
            progress.check()?;
            for (j, score) in scores.iter_mut().enumerate() {
                *score = vector::dot(&a[row(a, i)], &b[row(b, j)]);
            }
            Ok::<(), MathError>(())
        })?;
    Ok(scores)
}

/// Matches the units of B to those of A by weights: coordinate ascent on
/// ⟨θ_A, π(θ_B)⟩, which is the same as bringing π(θ_B) closest to θ_A. For one
/// group of units after the other, in random order, the exact best permutation
/// is taken while the others stay; it ends when a sweep over all groups gains
/// nothing. Biases and normalizations count.
///
/// Ascent finds a local maximum. It is made from two starts, from B as it is
/// and from a pass through the layers that looks at incoming weights alone
/// (which undoes every permutation of A itself), and the better end is kept.
///
/// `on_sweep` gets the state after every sweep. Progress counts groups.
///
/// # Errors
/// `Length`, `NotFinite`, `Cancelled`; `Degenerate` for a network without
/// hidden units.
pub fn match_weights(
    symmetry: &Symmetry,
    a: &[f64],
    b: &[f64],
    random: &mut impl Rng,
    progress: &dyn Progress,
    on_sweep: &mut dyn FnMut(&Matching),
) -> Result<Matching, MathError> {
    let search = Search::new(symmetry, a, b)?;
    let count = symmetry.groups().len();
    let mut best: Option<Matching> = None;
    let mut sweeps = 0;
    let mut told: Option<Permutations> = None;
    // One group that nothing couples to itself has its best permutation at once.
    let starts = if count == 1 && !symmetry.is_coupled() {
        &[false][..]
    } else {
        &[false, true]
    };
    for &forward in starts {
        let mut permutations = symmetry.identity();
        if forward {
            for group in 0..count {
                permutations[group] = search.best(group, &permutations, false, progress)?;
            }
            sweeps += 1;
            on_sweep(&search.matching(&permutations, sweeps)?);
        }
        let mut value = search.product(&permutations)?;
        for sweep in 0..MOST_SWEEPS {
            let before = value;
            let mut order: Vec<usize> = (0..count).collect();
            order.shuffle(random);
            for (done, group) in order.into_iter().enumerate() {
                let found = search.best(group, &permutations, true, progress)?;
                let former = std::mem::replace(&mut permutations[group], found);
                // Where a layer both reads and writes the group the scores are
                // only a first approximation: what counts is the product.
                let after = search.product(&permutations)?;
                if after > value + GAIN * search.norms {
                    value = after;
                } else {
                    permutations[group] = former;
                }
                progress.report(done + 1, count);
            }
            sweeps += 1;
            on_sweep(&search.matching(&permutations, sweeps)?);
            if value <= before || sweep + 1 == MOST_SWEEPS {
                break;
            }
        }
        let found = search.matching(&permutations, sweeps)?;
        told = Some(permutations);
        if best
            .as_ref()
            .is_none_or(|best| found.similarity > best.similarity)
        {
            best = Some(found);
        }
    }
    let mut best = best.ok_or(MathError::Degenerate {
        what: "the units could not be matched",
    })?;
    best.sweeps = sweeps;
    // What is told last is what is returned.
    if told.as_ref() != Some(&best.permutations) {
        on_sweep(&best);
    }
    Ok(best)
}

/// Matches the units of B to those of A by what they compute: for every group,
/// the permutation that maximises Σ_i ⟨z_i of A, z_π(i) of B⟩ over the samples
/// of the objective (and the positions of a convolution), where z is what later
/// layers read. Groups do not depend on each other, so that one sweep is all.
///
/// `on_sweep` gets the state after every group. Progress counts blocks of
/// samples.
///
/// # Errors
/// See [`match_weights`].
pub fn match_activations<T: Real>(
    objective: &Objective<T>,
    symmetry: &Symmetry,
    a: &[f64],
    b: &[f64],
    progress: &dyn Progress,
    on_sweep: &mut dyn FnMut(&Matching),
) -> Result<Matching, MathError> {
    let search = Search::new(symmetry, a, b)?;
    let double = |values: &[T]| values.iter().map(|x| x.to_f64()).collect::<Vec<f64>>();
    let cast = |theta: &[f64]| theta.iter().map(|x| T::from_f64(*x)).collect::<Vec<T>>();
    let (theta_a, theta_b) = (cast(a), cast(b));
    let (mut space_a, mut space_b) = (objective.workspace(), objective.workspace());
    let mut scores: Vec<Vec<f64>> = symmetry
        .groups()
        .iter()
        .map(|group| vec![0.0; group.units * group.units])
        .collect();
    let values: Vec<usize> = symmetry
        .groups()
        .iter()
        .flat_map(|group| group.read.iter().copied())
        .collect();
    let blocks = objective.blocks();
    for block in 0..blocks {
        progress.check()?;
        let of_a = objective.block_values(&theta_a, block, &values, &mut space_a);
        let of_b = objective.block_values(&theta_b, block, &values, &mut space_b);
        let mut pairs = of_a.iter().zip(&of_b);
        for (group, scores) in symmetry.groups().iter().zip(&mut scores) {
            for (z_a, z_b) in pairs.by_ref().take(group.read.len()) {
                let more = products(group.units, &double(z_a), &double(z_b), progress)?;
                for (score, more) in scores.iter_mut().zip(more) {
                    *score += more;
                }
            }
        }
        progress.report(block + 1, blocks);
    }
    let mut permutations = symmetry.identity();
    let mut found = search.matching(&permutations, 0)?;
    for (group, scores) in scores.iter().enumerate() {
        let units = symmetry.groups()[group].units;
        permutations[group] = assign_greatest(units, scores, &Silent(progress))?.columns;
        found = search.matching(&permutations, 1)?;
        on_sweep(&found);
    }
    Ok(found)
}

#[cfg(test)]
#[path = "matching_tests.rs"]
mod tests;
