//! What is stored of the part.

use serde::{Deserialize, Serialize};

use crate::engine::curvature::{Cut, Matrix};

/// What is shown.
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
pub(super) enum HessianPart {
    /// The density at the moment that is shown.
    #[default]
    #[strum(serialize = "one moment")]
    Density,
    /// The density over the training.
    #[strum(serialize = "over training")]
    Waterfall,
    /// Layer by layer.
    #[strum(serialize = "by layer")]
    Layers,
    /// Class by class.
    #[strum(serialize = "by class")]
    Classes,
    /// By batch size.
    #[strum(serialize = "by batch size")]
    Batches,
    /// In a few numbers.
    #[strum(serialize = "in numbers")]
    Summary,
}

impl HessianPart {
    /// What it will show.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Density => "The density of all eigenvalues, estimated from random probes.",
            Self::Waterfall => {
                "The density of the eigenvalues at up to 40 moments of the training, one row \
                 each, from the same random probes: eigenvalues that leave the bulk draw lines."
            }
            Self::Layers => {
                "The Hessian cut into blocks: the largest and smallest eigenvalue, trace and norm \
                 of each, and how strongly the blocks are coupled."
            }
            Self::Classes => {
                "The Hessian of each class's own loss: its largest and smallest eigenvalue and \
                 its trace. A rare class is often the sharpest."
            }
            Self::Batches => {
                "The largest and smallest eigenvalue of the Hessians of mini-batches: both move \
                 outwards as batches get smaller."
            }
            Self::Summary => {
                "Trace, Frobenius norm, effective rank, negative curvature and condition number \
                 of the Hessian, the Gauss–Newton matrix and the rest, each with its error."
            }
        }
    }
}

/// The matrices whose densities are laid over one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Matrices {
    #[default]
    Hessian,
    GaussNewton,
    Rest,
    All,
    Preconditioned,
}

impl Matrices {
    pub fn list(self) -> Vec<Matrix> {
        match self {
            Self::Hessian => vec![Matrix::Hessian],
            Self::GaussNewton => vec![Matrix::GaussNewton],
            Self::Rest => vec![Matrix::Rest],
            Self::All => vec![Matrix::Hessian, Matrix::GaussNewton, Matrix::Rest],
            Self::Preconditioned => vec![Matrix::Preconditioned],
        }
    }

    /// Those on offer with their names.
    pub fn offered(adaptive: bool) -> Vec<(Self, String)> {
        let mut all = vec![
            (Self::Hessian, "H"),
            (Self::GaussNewton, "G"),
            (Self::Rest, "H − G"),
            (Self::All, "H, G, H − G"),
        ];
        if adaptive {
            all.push((Self::Preconditioned, "P⁻¹H"));
        }
        all.into_iter()
            .map(|(value, name)| (value, name.to_owned()))
            .collect()
    }
}

/// What a person can change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app::panels) struct HessianSettings {
    pub(super) part: HessianPart,
    pub(super) matrices: Matrices,
    pub(super) matrix: Matrix,
    pub(super) exact: bool,
    pub(super) cut: Cut,
    pub(super) densities: bool,
    pub(super) batches: usize,
    pub(super) log_batches: bool,
}

impl Default for HessianSettings {
    fn default() -> Self {
        Self {
            part: HessianPart::Density,
            matrices: Matrices::Hessian,
            matrix: Matrix::Hessian,
            exact: false,
            cut: Cut::Layers,
            densities: false,
            batches: 5,
            log_batches: true,
        }
    }
}

impl HessianSettings {
    /// Stored settings, with numbers where they may be.
    pub fn restored(mut self) -> Self {
        self.batches = self.batches.clamp(1, 100);
        self
    }
}
