//! Slices through the loss landscape, the path of training on them, and how
//! much of the path a slice shows.
//!
//! A slice is f(α, β) = L(θ* + αd₁ + βd₂). Grids, paths and interpolations know
//! of the loss only what [`PlaneLoss`] says; [`SliceQuantity`] lists what else a
//! plane can show. Quantized parameters ask for a
//! [`DifferentiableLoss`](crate::objective::DifferentiableLoss).

mod attention;
mod axis;
mod basins;
mod directions;
mod evaluate;
mod extent;
mod interpolation;
mod invariance;
mod path;
mod quantity;
mod quantized;
mod refinement;
mod scale_search;
mod slice;
mod spans;

pub use crate::math::MathError as LandscapeError;
pub use crate::math::pca::Centre;
pub use crate::objective::{PlaneFunction, PlaneLoss};
pub use attention::{Attention, Focus};
pub use axis::GridAxis;
pub use basins::{Basin, GridPoint, basins};
pub use directions::{Directions, Drawing, Normalization, TensorBlock, normalize};
pub use evaluate::{
    Picture, StraightLine, evaluate_slice1d, evaluate_slice2d, evaluate_slice2d_for,
};
pub use extent::Extent;
pub use interpolation::Interpolation;
pub(crate) use interpolation::between;
pub use invariance::{Invariance, InvarianceSettings, Rescaling, invariance, rescaled};
pub use path::{
    AnchorPoint, GhostPath, LossErrors, PathPoint, PathShare, loss_errors, path_share, project_path,
};
pub use quantity::{Place, QuantityPlane, QuantityScratch, SliceQuantity};
pub use quantized::{
    BitsPoint, QuantizedPlane, QuantizedScratch, ScalePlane, local_minima, loss_against_bits,
};
pub use refinement::Refinement;
pub use scale_search::{ScaleSearch, search_by_evolution, search_by_gradient};
pub use slice::{Slice1d, Slice2d};
