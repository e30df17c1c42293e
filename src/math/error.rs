//! What can go wrong in a numerical routine.

use super::progress::Cancelled;

/// Why a numerical routine returned no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MathError {
    /// The caller asked to stop.
    #[error("the computation was cancelled")]
    Cancelled,
    /// A product or an intermediate value was infinite or not a number.
    #[error("{what} is not finite; are the parameters?")]
    NotFinite {
        /// What was being computed.
        what: &'static str,
    },
    /// Two vectors that belong together have different lengths.
    #[error("{what} has {found} elements where {expected} were expected")]
    Length {
        /// Which vector.
        what: &'static str,
        /// How long it had to be.
        expected: usize,
        /// How long it was.
        found: usize,
    },
    /// An argument outside the range in which the routine has a meaning.
    #[error("{what} is {found}; expected {expected}")]
    Argument {
        /// Which argument.
        what: &'static str,
        /// What was given.
        found: String,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// A matrix that had to be symmetric is not.
    #[error("the matrix is not symmetric: |A - Aᵀ| reaches {asymmetry:.3e} of its largest element")]
    NotSymmetric {
        /// Largest |aᵢⱼ − aⱼᵢ| over largest |aᵢⱼ|.
        asymmetry: f64,
    },
    /// An iteration did not converge within its limit.
    #[error("{what} did not converge")]
    NoConvergence {
        /// Which iteration.
        what: &'static str,
    },
    /// The system refused a thread.
    #[error("the system refused a thread")]
    NoThread,
    /// Vectors that had to span something do not.
    #[error("{what}")]
    Degenerate {
        /// Which vectors, and what they fail to span.
        what: &'static str,
    },
}

impl From<Cancelled> for MathError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// `Err(Length)` unless `found == expected`.
pub(crate) fn check_length(
    what: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), MathError> {
    if found == expected {
        Ok(())
    } else {
        Err(MathError::Length {
            what,
            expected,
            found,
        })
    }
}
