//! The trace of the Hessian: n times its mean eigenvalue.

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::math::trace::{Probe, hutch_plus_plus, hutchinson};
use crate::math::{MathError, Progress, SymmetricOperator};

/// How a trace is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceMethod {
    /// Mean of vᵀHv over Rademacher probes (Hutchinson 1990).
    #[default]
    Hutchinson,
    /// The dominant range exactly, the rest by probes (Meyer et al. 2021).
    HutchPlusPlus,
}

/// A trace with its standard error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TraceEstimate {
    /// The estimate.
    pub value: f64,
    /// Its standard error over the probes; not-a-number for a single probe.
    #[serde(with = "crate::math::floats::cell")]
    pub stderr: f64,
    /// Products with the operator that were used.
    pub probes: usize,
}

/// Estimate the trace with (about) `products` products. Progress counts them.
///
/// # Errors
/// `Argument` for no products (fewer than three for Hutch++), `NotFinite`,
/// `Cancelled`.
pub fn trace<A, R>(
    operator: &A,
    method: TraceMethod,
    products: usize,
    rng: &mut R,
    progress: &dyn Progress,
) -> Result<TraceEstimate, MathError>
where
    A: SymmetricOperator + ?Sized,
    R: Rng + ?Sized,
{
    let (estimate, probes) = match method {
        TraceMethod::Hutchinson => {
            let found = hutchinson(operator, products, Probe::Rademacher, rng, progress)?;
            (found.trace, products)
        }
        TraceMethod::HutchPlusPlus => hutch_plus_plus(operator, products, rng, progress)?,
    };
    Ok(TraceEstimate {
        value: estimate.value,
        stderr: estimate.stderr,
        probes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::golden;
    use crate::math::rng::stream;

    #[test]
    fn within_three_standard_errors_of_the_reference() {
        let reference = golden::mlp();
        let hessian = golden::hessian(&reference);
        for method in [TraceMethod::Hutchinson, TraceMethod::HutchPlusPlus] {
            let mut rng = stream(0, "probes");
            let found = trace(&hessian, method, 60, &mut rng, &()).unwrap();
            assert!((found.value - reference.trace).abs() <= 3.0 * found.stderr + 1e-9);
            assert!(found.probes <= 60);
        }
    }
}
