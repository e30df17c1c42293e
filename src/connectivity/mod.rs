//! Paths between solutions: straight lines and their barriers, curves of low
//! loss, permutations that bring two networks into one basin, layers one by
//! one, and runs that part.
//!
//! The barrier of a path is max_t [L(φ(t)) − ((1−t)L_A + tL_B)], the excess over
//! the straight line between the ends' losses (Frankle et al. 2020; Entezari et
//! al. 2022).

mod curve;
mod fork;
mod layers;
mod loss;
mod matching;
mod outside;
mod plane;
mod symmetry;
mod training;

#[cfg(test)]
mod testing;

pub use curve::{Curve, CurveKind, Profile, profile};
pub use fork::{Fork, ForkError, ForkOptions, ForkPoint, default_steps, fork};
pub use layers::{LayerGroup, LayerPath, layer_paths};
pub use loss::{ObjectiveScratch, ParameterLoss};
pub use matching::{Matching, MatchingMethod, match_activations, match_weights};
pub use outside::{Outside, USUAL_RANGE, check_range, outside};
pub use plane::{PlaneThrough, plane_through};
pub use symmetry::{Permutations, Symmetry, UnitGroup, UnitMap};
pub use training::{CurveState, CurveTraining, train_curve};

use crate::math::Progress;

/// Cancels as the progress does, and reports nothing.
pub(crate) struct Silent<'a>(pub &'a dyn Progress);

impl Progress for Silent<'_> {
    fn report(&self, _done: usize, _total: usize) {}

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}
