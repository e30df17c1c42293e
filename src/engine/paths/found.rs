//! What is found between two solutions.

use std::sync::Arc;

use serde::Serialize;

use super::{PathMethod, ThroughThree};
use crate::connectivity::{CurveKind, Fork, LayerPath, MatchingMethod, Outside, Profile, UnitMap};
use crate::landscape::Interpolation;

/// The loss along one path on both sets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Profiles {
    /// On the training set.
    pub train: Profile,
    /// On the validation set, where there is one.
    pub validation: Option<Profile>,
}

/// The loss on the straight line beyond its ends on both sets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outsides {
    /// On the training set.
    pub train: Outside,
    /// On the validation set, where there is one.
    pub validation: Option<Outside>,
}

/// What one sweep of a matching reached.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sweep {
    /// cos(θ_A, π(θ_B)).
    pub similarity: f64,
    /// Units that are not where they were.
    pub moved: usize,
    /// The barrier of the training loss on the straight line then, as its points
    /// show it.
    #[serde(with = "crate::math::floats::cell")]
    pub barrier: f64,
    /// The training loss on that line.
    #[serde(skip)]
    pub line: Arc<Interpolation>,
    /// Where the units went then.
    #[serde(skip)]
    pub map: Arc<UnitMap>,
}

/// An alignment of the second network's units to the first's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alignment {
    /// How units were compared.
    pub method: MatchingMethod,
    /// The groups of units that move together: the layers that make them.
    pub groups: Vec<String>,
    /// For every group, the unit of B that takes place i, and whether it changes
    /// its sign (where the activation is odd).
    #[serde(flatten)]
    pub map: UnitMap,
    /// cos(θ_A, θ_B).
    pub similarity_before: f64,
    /// cos(θ_A, π(θ_B)).
    pub similarity: f64,
    /// Units that are not where they were.
    pub moved: usize,
    /// The matching as it went.
    pub sweeps: Vec<Sweep>,
    /// The loss from A to π(B), once the matching is found.
    pub profiles: Option<Profiles>,
    /// π(θ_B).
    #[serde(skip)]
    pub aligned: Arc<[f64]>,
}

/// A trained curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrainedCurve {
    /// What it makes of its bends.
    pub kind: CurveKind,
    /// Number of bends.
    pub bends: usize,
    /// Steps made of those asked for.
    pub iteration: usize,
    /// Steps asked for.
    pub iterations: usize,
    /// Mean training loss over the values of t drawn in each step.
    pub losses: Vec<f64>,
    /// The loss along the curve.
    pub profiles: Profiles,
    /// Its points, the ends among them.
    #[serde(skip)]
    pub points: Vec<Arc<[f64]>>,
}

/// The loss while some layers move.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layers {
    /// On the training set.
    pub train: Vec<LayerPath>,
    /// On the validation set, where there is one.
    pub validation: Option<Vec<LayerPath>>,
}

/// Paths between two solutions, as far as they are known yet.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Connection {
    /// What connects the ends.
    pub method: PathMethod,
    /// What the first end is called.
    pub from: String,
    /// What the second end is called.
    pub to: String,
    /// ‖θ_A − θ_B‖.
    pub distance: f64,
    /// The straight line between the ends.
    #[serde(flatten)]
    pub straight: Option<Profiles>,
    /// The same line beyond the ends, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside: Option<Outsides>,
    /// The alignment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alignment: Option<Alignment>,
    /// The trained curve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub curve: Option<TrainedCurve>,
    /// The layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<Layers>,
    /// The forks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fork: Option<Fork>,
    /// The plane through both ends and what the method found.
    #[serde(skip)]
    pub plane: Option<ThroughThree>,
    /// θ_A and θ_B.
    #[serde(skip)]
    pub ends: [Arc<[f64]>; 2],
}
