//! Mathematics that knows nothing of networks: random streams, linear algebra
//! helpers, Lanczos and its quadrature, principal components, statistics.

pub mod rng;
