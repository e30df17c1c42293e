//! Mathematics that knows nothing of networks: random streams, linear algebra
//! helpers, linear assignment, Lanczos and its quadrature, principal components,
//! statistics.
//!
//! Every sum here is accumulated in double precision, in blocks of a fixed
//! size whose partial results are added in a fixed order: the number of
//! threads never changes a result.

pub mod assignment;
pub mod chunked;
pub mod dense;
pub mod error;
pub mod extremal;
pub mod floats;
pub mod follow;
pub mod krylov;
pub mod lanczos;
pub mod operator;
pub mod pca;
pub mod progress;
pub mod projection;
pub mod rng;
pub mod sketch;
pub mod smoothing;
pub mod statistics;
pub mod trace;
pub mod tridiagonal;
pub mod vector;

#[cfg(test)]
pub(crate) mod golden;

pub use error::MathError;
pub use operator::SymmetricOperator;
pub use progress::{CancelToken, Cancelled, NoProgress, Progress};
