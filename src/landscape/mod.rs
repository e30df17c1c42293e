//! Slices through the loss landscape, the path of training on them, and how
//! much of the path a slice shows.
//!
//! A slice is f(α, β) = L(θ* + αd₁ + βd₂). This room knows of the loss only
//! what [`PlaneLoss`] says (for quantized parameters:
//! [`DifferentiableLoss`](crate::objective::DifferentiableLoss)).

mod axis;
mod directions;
mod evaluate;
mod interpolation;
mod path;
mod quantized;
mod scale_search;
mod slice;

pub use crate::math::MathError as LandscapeError;
pub use crate::math::pca::Centre;
pub use crate::objective::{PlaneFunction, PlaneLoss};
pub use axis::GridAxis;
pub use directions::{Directions, Normalization, TensorBlock, normalize};
pub use evaluate::{evaluate_slice1d, evaluate_slice2d};
pub use interpolation::{Interpolation, interpolate};
pub use path::{LossErrors, PathPoint, PathShare, loss_errors, path_share, project_path};
pub use quantized::{
    BitsPoint, QuantizedPlane, QuantizedScratch, ScalePlane, local_minima, loss_against_bits,
};
pub use scale_search::{ScaleSearch, search_by_evolution, search_by_gradient};
pub use slice::{Slice1d, Slice2d};
