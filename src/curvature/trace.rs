//! The trace of the Hessian, n times its mean eigenvalue, and its diagonal.

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::math::sketch::{hutch_plus_plus, xtrace};
use crate::math::trace::{Probe, by_unit_vectors, hutchinson};
use crate::math::{MathError, Progress, SymmetricOperator};

/// How a trace is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceMethod {
    /// Mean of vᵀHv over Rademacher probes (Hutchinson 1990).
    #[default]
    Hutchinson,
    /// The dominant range exactly, the rest by probes (Meyer et al. 2021).
    #[serde(rename = "hutch++")]
    HutchPlusPlus,
    /// The same with every product used for both purposes (Epperly, Tropp and
    /// Webber 2024).
    #[serde(rename = "xtrace")]
    XTrace,
    /// The sum of the diagonal, from one product for each parameter.
    Exact,
}

impl TraceMethod {
    /// The method with the smallest standard error for this many products with
    /// an operator of this dimension: exact where there are enough of them,
    /// otherwise XTrace; Hutchinson for so few that no range can be found.
    pub fn best(products: usize, dim: usize) -> Self {
        if products >= dim {
            Self::Exact
        } else if products >= 8 {
            Self::XTrace
        } else {
            Self::Hutchinson
        }
    }

    /// Its name: `hutchinson`, `hutch++`, `xtrace` or `exact`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Hutchinson => "hutchinson",
            Self::HutchPlusPlus => "hutch++",
            Self::XTrace => "xtrace",
            Self::Exact => "exact",
        }
    }
}

/// A trace with its standard error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TraceEstimate {
    /// The estimate.
    pub value: f64,
    /// Its standard error: over the probes of Hutchinson, over the probes of
    /// the rest of Hutch++, over the leave-one-out estimates of XTrace; zero
    /// for an exact trace, not-a-number for a single probe.
    #[serde(with = "crate::math::floats::cell")]
    pub stderr: f64,
    /// Products with the operator that were used.
    pub probes: usize,
    /// How it was found; files from before there was a choice have Hutchinson's.
    #[serde(default)]
    pub method: TraceMethod,
}

/// The diagonal with the standard error of each element.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiagonalEstimate {
    /// Hᵢᵢ for every parameter.
    #[serde(with = "crate::math::floats::cells")]
    pub values: Vec<f64>,
    /// Their standard errors over the probes: zero for an exact diagonal,
    /// not-a-number for a single probe.
    #[serde(with = "crate::math::floats::cells")]
    pub stderr: Vec<f64>,
    /// Products with the operator that were used.
    pub probes: usize,
}

/// Estimate the trace with at most `products` products. Whatever the method,
/// the trace is exact where they suffice for all unit vectors. Progress counts
/// products.
///
/// # Errors
/// `Argument` for too few products: none, fewer than three for Hutch++, four
/// for XTrace, the dimension for an exact trace. `NotFinite`, `Cancelled`.
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
    let n = operator.dim();
    let method = if products >= n {
        TraceMethod::Exact
    } else {
        method
    };
    let (estimate, probes) = match method {
        TraceMethod::Hutchinson => {
            let found = hutchinson(operator, products, Probe::Rademacher, rng, progress)?;
            (found.trace, products)
        }
        TraceMethod::HutchPlusPlus => hutch_plus_plus(operator, products, rng, progress)?,
        TraceMethod::XTrace => xtrace(operator, products, rng, progress)?,
        TraceMethod::Exact if products < n => {
            return Err(MathError::Argument {
                what: "the number of products for an exact trace",
                found: products.to_string(),
                expected: "one for each parameter",
            });
        }
        TraceMethod::Exact => (by_unit_vectors(operator, progress)?.trace, n),
    };
    Ok(TraceEstimate {
        value: estimate.value,
        stderr: estimate.stderr,
        probes,
        method,
    })
}

/// Estimate the diagonal with at most `products` products, by Rademacher probes
/// (Bekas, Kokiopoulou and Saad 2007) or, where they suffice, exactly.
///
/// # Errors
/// `Argument` for no products, `NotFinite`, `Cancelled`.
pub fn diagonal<A, R>(
    operator: &A,
    products: usize,
    rng: &mut R,
    progress: &dyn Progress,
) -> Result<DiagonalEstimate, MathError>
where
    A: SymmetricOperator + ?Sized,
    R: Rng + ?Sized,
{
    let n = operator.dim();
    let (found, probes) = if products >= n {
        (by_unit_vectors(operator, progress)?, n)
    } else {
        let found = hutchinson(operator, products, Probe::Rademacher, rng, progress)?;
        (found, products)
    };
    Ok(DiagonalEstimate {
        values: found.diagonal,
        stderr: found.diagonal_stderr,
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
        for method in [
            TraceMethod::Hutchinson,
            TraceMethod::HutchPlusPlus,
            TraceMethod::XTrace,
        ] {
            let mut rng = stream(0, "probes");
            let found = trace(&hessian, method, 20, &mut rng, &()).unwrap();
            assert!((found.value - reference.trace).abs() <= 3.0 * found.stderr + 1e-9);
            assert!(found.probes <= 20);
            assert_eq!(found.method, method);
            let text = serde_json::to_value(found).unwrap();
            assert_eq!(text["method"], method.key());
        }
        let old = r#"{"value": 1.0, "stderr": 0.5, "probes": 7}"#;
        let old: TraceEstimate = serde_json::from_str(old).unwrap();
        assert_eq!(old.method, TraceMethod::Hutchinson);
    }

    #[test]
    fn enough_products_make_it_exact() {
        let reference = golden::mlp();
        let hessian = golden::hessian(&reference);
        let mut rng = stream(0, "probes");
        for products in [27, 200] {
            let method = TraceMethod::best(products, 27);
            let found = trace(&hessian, method, products, &mut rng, &()).unwrap();
            assert!((found.value - reference.trace).abs() < 1e-12);
            assert_eq!((found.stderr, found.probes), (0.0, 27));
            assert_eq!(found.method, TraceMethod::Exact);
            let found = diagonal(&hessian, products, &mut rng, &()).unwrap();
            assert_eq!((found.probes, found.stderr[26]), (27, 0.0));
            for (value, exact) in found.values.iter().zip(&reference.hess_diag) {
                assert!((value - exact).abs() < 1e-12);
            }
        }
        assert!(trace(&hessian, TraceMethod::Exact, 26, &mut rng, &()).is_err());
        assert_eq!(TraceMethod::best(26, 27), TraceMethod::XTrace);
        assert_eq!(TraceMethod::best(2, 27), TraceMethod::Hutchinson);
    }

    #[test]
    fn the_diagonal_comes_with_its_errors() {
        let reference = golden::mlp();
        let hessian = golden::hessian(&reference);
        let found = diagonal(&hessian, 26, &mut stream(1, "probes"), &()).unwrap();
        assert_eq!(found.probes, 26);
        let close = found
            .values
            .iter()
            .zip(&found.stderr)
            .zip(&reference.hess_diag);
        assert!(
            close
                .filter(|((v, e), exact)| (*v - *exact).abs() <= 3.0 * *e)
                .count()
                >= 25
        );
    }
}
