//! Curvature of the loss: the ends, the density and the trace of a Hessian
//! that is known only by its products, and what they mean for stability.
//!
//! Everything works on any [`SymmetricOperator`]: the Hessian, the Gauss–Newton
//! matrix, the preconditioned Hessian of an adaptive optimizer. Every number
//! comes with its error: an eigenvalue with its residual, a trace with its
//! standard error, a density with the spread over its probes.
//!
//! [`SymmetricOperator`]: crate::math::SymmetricOperator

mod density;
mod exact;
mod stability;
mod top;
mod trace;

pub use crate::math::MathError as CurvatureError;
pub use crate::math::extremal::ExtremalOptions;
pub use crate::math::statistics::Estimate;
pub use crate::math::trace::Probe;
pub use density::{
    Bandwidth, DensityCurve, DensityOptions, LogDensityCurve, ProbeRule, SpectralDensity,
    spectral_density,
};
pub use exact::{EXACT_LIMIT, ExactSpectrum, exact_spectrum};
pub use stability::{UpdateRule, adaptive_preconditioner};
pub use top::{EigenvalueEstimate, TopSpectrum, top_eigenvalues};
pub use trace::{TraceEstimate, TraceMethod, trace};
