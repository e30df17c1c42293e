//! Curvature of the loss: the ends, the density, the trace and the blocks of a
//! Hessian that is known only by its products, where gradients lie in it, and
//! what it means for stability.
//!
//! Everything works on any [`SymmetricOperator`]: the Hessian, the Gauss–Newton
//! matrix, the preconditioned Hessian of an adaptive optimizer. Every number
//! comes with its error: an eigenvalue with its residual, a trace with its
//! standard error, a density with the spread over its probes.
//!
//! [`SymmetricOperator`]: crate::math::SymmetricOperator

mod batches;
mod blocks;
mod bulk;
mod density;
mod eigenspace;
mod exact;
mod flow;
mod scalar_network;
pub mod sharpness;
mod stability;
mod summary;
mod top;
mod trace;

pub use crate::math::MathError as CurvatureError;
pub use crate::math::extremal::ExtremalOptions;
pub use crate::math::statistics::Estimate;
pub use crate::math::trace::Probe;
pub use batches::{SHARPNESS_BATCHES, sharpness_batches};
pub use blocks::{BlockCurvature, BlockOptions, BlockStructure, block_structure};
pub use bulk::{Outliers, Verification, verify};
pub use density::{
    Bandwidth, DensityCurve, DensityOptions, LogDensityCurve, ProbeRule, SpectralDensity,
    spectral_density,
};
pub use eigenspace::{
    QuadraticModel, batch_sharpness, directional_curvature, eigenspace_overlap, eigenspace_share,
    keep_sign, overlap_matrix, split_by_eigenspace,
};
pub use exact::{EXACT_LIMIT, ExactSpectrum, exact_spectrum, gram_spectrum};
pub use flow::{
    CentralVelocity, central_flow_velocity, eigenvalue_gradient, gradient_flow, rk4_step,
};
pub use scalar_network::{FlowSolution, gradient_flow_solution};
pub use stability::{UpdateRule, adaptive_preconditioner};
pub use summary::SpectrumSummary;
pub use top::{EigenvalueEstimate, TopSpectrum, top_eigenvalues};
pub use trace::{DiagonalEstimate, TraceEstimate, TraceMethod, diagonal, trace};
