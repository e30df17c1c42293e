//! The ends of the spectrum.

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::math::extremal::{EigenPair, ExtremalOptions, extremal_eigenpairs};
use crate::math::{MathError, Progress, SymmetricOperator};

/// An eigenvalue with the error bound that its residual gives.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EigenvalueEstimate {
    /// λ.
    pub value: f64,
    /// ‖Hv − λv‖ for the unit vector v found: H has an eigenvalue within this
    /// distance of λ.
    pub residual: f64,
    /// Whether the residual met the tolerance asked for.
    pub converged: bool,
}

/// Largest and smallest eigenvalues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopSpectrum {
    /// The algebraically largest, descending.
    pub eigenvalues: Vec<EigenvalueEstimate>,
    /// The algebraically smallest, ascending.
    pub smallest: Vec<EigenvalueEstimate>,
    /// Products with the operator that were used.
    pub products: usize,
    /// Unit eigenvectors of `eigenvalues`, in their order; not written to
    /// files.
    #[serde(skip)]
    pub vectors: Vec<Vec<f64>>,
    /// Unit eigenvectors of `smallest`, in their order; not written to files.
    #[serde(skip)]
    pub smallest_vectors: Vec<Vec<f64>>,
}

impl TopSpectrum {
    /// λ_max, the sharpness.
    pub fn sharpness(&self) -> Option<EigenvalueEstimate> {
        self.eigenvalues.first().copied()
    }

    /// λ_min, if it was asked for.
    pub fn lowest(&self) -> Option<EigenvalueEstimate> {
        self.smallest.first().copied()
    }

    /// All eigenvectors, those of the largest first: the warm start for the
    /// same search at neighbouring parameters.
    pub fn all_vectors(&self) -> Vec<Vec<f64>> {
        self.vectors
            .iter()
            .chain(&self.smallest_vectors)
            .cloned()
            .collect()
    }
}

/// Find the ends of the spectrum by thick-restart Lanczos with full
/// reorthogonalisation; see [`extremal_eigenpairs`].
///
/// `warm_start` takes [`TopSpectrum::all_vectors`] of an earlier, similar
/// search (or nothing). Progress counts products, of `options.max_products`.
///
/// # Errors
/// Those of [`extremal_eigenpairs`]. Values that did not converge within the
/// products allowed are no error: they are marked, and their residual shows it.
pub fn top_eigenvalues<A, R>(
    operator: &A,
    options: &ExtremalOptions,
    warm_start: &[Vec<f64>],
    rng: &mut R,
    progress: &dyn Progress,
) -> Result<TopSpectrum, MathError>
where
    A: SymmetricOperator + ?Sized,
    R: Rng + ?Sized,
{
    let pairs = extremal_eigenpairs(operator, options, warm_start, rng, progress)?;
    let (eigenvalues, vectors) = split(pairs.largest);
    let (smallest, smallest_vectors) = split(pairs.smallest);
    Ok(TopSpectrum {
        eigenvalues,
        smallest,
        products: pairs.products,
        vectors,
        smallest_vectors,
    })
}

fn split(pairs: Vec<EigenPair>) -> (Vec<EigenvalueEstimate>, Vec<Vec<f64>>) {
    pairs
        .into_iter()
        .map(|pair| {
            let estimate = EigenvalueEstimate {
                value: pair.value,
                residual: pair.residual,
                converged: pair.converged,
            };
            (estimate, pair.vector)
        })
        .unzip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::golden;
    use crate::math::rng::stream;

    #[test]
    fn both_ends_with_their_vectors_survive_as_a_warm_start() {
        let reference = golden::mlp();
        let hessian = golden::hessian(&reference);
        let options = ExtremalOptions {
            largest: 3,
            smallest: 1,
            tolerance: 1e-8,
            ..ExtremalOptions::default()
        };
        let mut rng = stream(0, "start");
        let cold = top_eigenvalues(&hessian, &options, &[], &mut rng, &()).unwrap();
        assert!((cold.sharpness().unwrap().value - reference.hess_eigs_desc[0]).abs() < 1e-10);
        assert!((cold.lowest().unwrap().value - reference.hess_eigs_desc[26]).abs() < 1e-10);
        let warm = top_eigenvalues(&hessian, &options, &cold.all_vectors(), &mut rng, &()).unwrap();
        assert!(warm.products <= cold.products);

        let text = serde_json::to_string(&cold).unwrap();
        let back: TopSpectrum = serde_json::from_str(&text).unwrap();
        assert!((back.eigenvalues[2].value - cold.eigenvalues[2].value).abs() < 1e-15);
        assert_eq!(back.products, cold.products);
        assert!(back.vectors.is_empty());
    }
}
