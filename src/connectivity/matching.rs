//! Which units of one network are which units of another: permutations that
//! bring two solutions into the same basin (Ainsworth, Hayase & Srinivasa 2022,
//! "Git Re-Basin"), and changes of sign where activations are odd: then a unit
//! and its negative are the same (Hecht-Nielsen 1990, "On the algebraic structure
//! of feedforward network weight spaces").

use rand::Rng;
use rand::seq::SliceRandom as _;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Silent;
use super::symmetry::{Symmetry, UnitGroup, UnitMap};
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
    /// For every group of units, the unit of B that takes place i, and whether it
    /// changes its sign.
    #[serde(flatten)]
    pub map: UnitMap,
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
    fn product(&self, map: &UnitMap) -> Result<f64, MathError> {
        let permuted = self.symmetry.rearrange(map, self.b)?;
        Ok(vector::dot(self.a, &permuted))
    }

    fn matching(&self, map: &UnitMap, sweeps: usize) -> Result<Matching, MathError> {
        let product = self.product(map)?;
        Ok(Matching {
            similarity: if self.norms > 0.0 {
                (product / self.norms).clamp(-1.0, 1.0)
            } else {
                0.0
            },
            moved: map.moved(),
            map: map.clone(),
            sweeps,
        })
    }

    /// The best places and signs of one group while the others stay.
    fn best(
        &self,
        group: usize,
        map: &UnitMap,
        outgoing: bool,
        progress: &dyn Progress,
    ) -> Result<Matched, MathError> {
        let UnitGroup { units, odd, .. } = self.symmetry.groups()[group];
        let unmoved = self.symmetry.unmoved();
        let of_a = self
            .symmetry
            .unit_parameters(group, &unmoved, outgoing, self.a);
        let of_b = self.symmetry.unit_parameters(group, map, outgoing, self.b);
        let scores = products(units, &of_a, &of_b, progress)?;
        matched(units, scores, odd, progress)
    }
}

/// The unit of B for every place of a group, and whether it changes its sign.
type Matched = (Vec<usize>, Vec<bool>);

/// The exact assignment for the scores [units of A, units of B]. An odd unit can
/// be had with the score's other sign: what counts is its size.
fn matched(
    units: usize,
    mut scores: Vec<f64>,
    odd: bool,
    progress: &dyn Progress,
) -> Result<Matched, MathError> {
    let signs: Vec<bool> = scores.iter().map(|score| odd && *score < 0.0).collect();
    if odd {
        scores.iter_mut().for_each(|score| *score = score.abs());
    }
    let columns = assign_greatest(units, &scores, &Silent(progress))?.columns;
    let flipped = columns
        .iter()
        .enumerate()
        .map(|(place, unit)| signs[place * units + unit])
        .collect();
    Ok((columns, flipped))
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
/// nothing. Biases and normalizations count. Where the activation is odd the best
/// sign of every unit is found with its place.
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
    let mut told: Option<UnitMap> = None;
    // One group that nothing couples to itself has its best permutation at once.
    let starts = if count == 1 && !symmetry.is_coupled() {
        &[false][..]
    } else {
        &[false, true]
    };
    for &forward in starts {
        let mut map = symmetry.unmoved();
        if forward {
            for group in 0..count {
                let found = search.best(group, &map, false, progress)?;
                (map.permutations[group], map.flipped[group]) = found;
            }
            sweeps += 1;
            on_sweep(&search.matching(&map, sweeps)?);
        }
        let mut value = search.product(&map)?;
        for sweep in 0..MOST_SWEEPS {
            let before = value;
            let mut order: Vec<usize> = (0..count).collect();
            order.shuffle(random);
            for (done, group) in order.into_iter().enumerate() {
                let (places, signs) = search.best(group, &map, true, progress)?;
                let former = (
                    std::mem::replace(&mut map.permutations[group], places),
                    std::mem::replace(&mut map.flipped[group], signs),
                );
                // Where a layer both reads and writes the group the scores are
                // only a first approximation: what counts is the product.
                let after = search.product(&map)?;
                if after > value + GAIN * search.norms {
                    value = after;
                } else {
                    (map.permutations[group], map.flipped[group]) = former;
                }
                progress.report(done + 1, count);
            }
            sweeps += 1;
            on_sweep(&search.matching(&map, sweeps)?);
            if value <= before || sweep + 1 == MOST_SWEEPS {
                break;
            }
        }
        let found = search.matching(&map, sweeps)?;
        told = Some(map);
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
    if told.as_ref() != Some(&best.map) {
        on_sweep(&best);
    }
    Ok(best)
}

/// Matches the units of B to those of A by what they compute: for every group,
/// the permutation that maximises Σ_i ⟨z_i of A, z_π(i) of B⟩ over the samples
/// of the objective (and the positions of a convolution), where z is what later
/// layers read; with the best signs where they are odd. Groups do not depend on
/// each other, so that one sweep is all.
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
    let mut map = symmetry.unmoved();
    let mut found = search.matching(&map, 0)?;
    for (group, scores) in scores.into_iter().enumerate() {
        let UnitGroup { units, odd, .. } = symmetry.groups()[group];
        (map.permutations[group], map.flipped[group]) = matched(units, scores, odd, progress)?;
        found = search.matching(&map, 1)?;
        on_sweep(&found);
    }
    Ok(found)
}

#[cfg(test)]
#[path = "matching_tests.rs"]
mod tests;
