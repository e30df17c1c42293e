//! The whole spectrum of a small network.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};

use super::density::{ProbeRule, SpectralDensity};
use crate::math::dense::SymmetricEigen;
use crate::math::error::check_length;
use crate::math::operator::symmetrize;
use crate::math::{MathError, Progress, SymmetricOperator, vector};

/// Largest dimension for which the whole matrix is formed.
pub const EXACT_LIMIT: usize = 2000;

/// How soon cancelling is noticed while a matrix is decomposed.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// Multiplications of a Gram matrix between two looks.
const PIECE: usize = 100_000_000;

/// All eigenvalues of an operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExactSpectrum {
    /// Descending.
    pub eigenvalues: Vec<f64>,
    /// Largest ‖Hv − λv‖ over all pairs, with the matrix that was formed.
    pub max_residual: f64,
    /// Largest |Hᵢⱼ − Hⱼᵢ| over largest |Hᵢⱼ| before symmetrisation.
    pub asymmetry: f64,
    /// Sum of the diagonal.
    pub trace: f64,
    /// Sum of the squared elements.
    pub frobenius_squared: f64,
}

impl ExactSpectrum {
    /// Largest |λ| over the smallest |λ| that is not zero to rounding (10⁻¹² of
    /// the largest); not-a-number where all are.
    pub fn condition_number(&self) -> f64 {
        let largest = vector::max_abs(&self.eigenvalues);
        let smallest = self
            .eigenvalues
            .iter()
            .map(|value| value.abs())
            .filter(|value| *value > 1e-12 * largest)
            .fold(f64::NAN, f64::min);
        largest / smallest
    }

    /// The eigenvalues as a density (each with weight 1/n), to be smoothed like
    /// an estimated one; `steps` sets the width of [`Bandwidth::RangeOverSteps`]
    /// and [`Bandwidth::Papyan`].
    ///
    /// [`Bandwidth::RangeOverSteps`]: super::Bandwidth::RangeOverSteps
    /// [`Bandwidth::Papyan`]: super::Bandwidth::Papyan
    pub fn density(&self, steps: usize) -> SpectralDensity {
        let n = self.eigenvalues.len();
        let mut nodes = self.eigenvalues.clone();
        nodes.reverse();
        let rule = ProbeRule {
            weights: vec![1.0 / n.max(1) as f64; n],
            nodes,
        };
        SpectralDensity::new(n, steps, vec![rule], Vec::new())
    }
}

/// Form the matrix column by column (in parallel), check that it is symmetric,
/// and decompose it. Progress counts columns.
///
/// # Errors
/// `Argument` above [`EXACT_LIMIT`], `NotSymmetric` if |H − Hᵀ| exceeds 10⁻⁶ of
/// the largest element, `NotFinite`, `NoConvergence`, `Cancelled`.
pub fn exact_spectrum<A: SymmetricOperator + ?Sized>(
    operator: &A,
    progress: &dyn Progress,
) -> Result<ExactSpectrum, MathError> {
    let n = operator.dim();
    if n > EXACT_LIMIT {
        return Err(MathError::Argument {
            what: "the number of parameters for an exact spectrum",
            found: n.to_string(),
            expected: "at most 2000 (estimate the density instead)",
        });
    }
    let mut elements = vec![0.0; n * n];
    let done = AtomicUsize::new(0);
    elements
        .par_chunks_exact_mut(n.max(1))
        .enumerate()
        .try_for_each_init(
            || vec![0.0; n],
            |unit, (j, column)| {
                progress.check()?;
                unit[j] = 1.0;
                operator.apply(unit, column);
                unit[j] = 0.0;
                progress.report(done.fetch_add(1, Ordering::Relaxed) + 1, n);
                Ok::<_, MathError>(())
            },
        )?;
    if !elements.iter().all(|x| x.is_finite()) {
        return Err(MathError::NotFinite {
            what: "a product with the operator",
        });
    }
    let asymmetry = symmetrize(n, &mut elements);
    if asymmetry > 1e-6 {
        return Err(MathError::NotSymmetric { asymmetry });
    }
    decompose(n, elements, asymmetry, progress)
}

/// The spectrum of a matrix, found beside the calling thread: the decomposition
/// cannot be stopped, but it need not be waited for. Cancelled, it ends by itself
/// and nobody hears of it.
fn decompose(
    n: usize,
    elements: Vec<f64>,
    asymmetry: f64,
    progress: &dyn Progress,
) -> Result<ExactSpectrum, MathError> {
    progress.check()?;
    let (sender, answer) = crossbeam_channel::bounded(1);
    let work = move || {
        // Nobody may wait any more.
        let _ = sender.send(decomposed(n, &elements, asymmetry));
    };
    let thread = std::thread::Builder::new()
        .name("decomposition".to_owned())
        .spawn(work)
        .map_err(|_| MathError::NoThread)?;
    loop {
        match answer.recv_timeout(LOOK_AGAIN) {
            Ok(found) => return found,
            Err(RecvTimeoutError::Timeout) => progress.check()?,
            // It ended without an answer.
            Err(RecvTimeoutError::Disconnected) => {
                if let Err(panic) = thread.join() {
                    std::panic::resume_unwind(panic);
                }
                return Err(MathError::NoConvergence {
                    what: "the dense eigenvalue iteration",
                });
            }
        }
    }
}

fn decomposed(n: usize, elements: &[f64], asymmetry: f64) -> Result<ExactSpectrum, MathError> {
    let eigen = SymmetricEigen::new(n, elements)?;
    let max_residual = vector::max_abs(&eigen.residuals(elements)?);
    let mut eigenvalues = eigen.values;
    eigenvalues.reverse();
    Ok(ExactSpectrum {
        eigenvalues,
        max_residual,
        asymmetry,
        trace: (0..n).map(|i| elements[i * n + i]).sum(),
        frobenius_squared: vector::norm_squared(elements),
    })
}

/// The whole spectrum of BᵀB from the Gram matrix BBᵀ, for a B of few rows:
/// the Gauss–Newton matrix of a network with few samples × outputs, whatever
/// the number of parameters. The eigenvalues of both are the same but for
/// zeros. `elements` are the rows of B, each of length `dim`.
///
/// The residual is that of the smaller of BBᵀ and BᵀB, which is the one that is
/// decomposed.
///
/// # Errors
/// `Length` for incomplete rows; `Argument` if rows and `dim` both exceed
/// [`EXACT_LIMIT`]; `NotFinite`, `NoConvergence`, `Cancelled`.
pub fn gram_spectrum(
    elements: &[f64],
    dim: usize,
    progress: &dyn Progress,
) -> Result<ExactSpectrum, MathError> {
    let rows = elements.len() / dim.max(1);
    check_length("the factor of a Gram matrix", elements.len(), rows * dim)?;
    let size = rows.min(dim);
    if size > EXACT_LIMIT {
        return Err(MathError::Argument {
            what: "the smaller of rows (samples × outputs) and parameters for an exact spectrum",
            found: size.to_string(),
            expected: "at most 2000 (estimate the density instead)",
        });
    }
    progress.check()?;
    let b = MatRef::from_row_major_slice(elements, rows, dim);
    let mut product = Mat::<f64>::zeros(size, size);
    let (left, right) = if rows <= dim {
        (b, b.transpose())
    } else {
        (b.transpose(), b)
    };
    // One thread: the sums do not depend on how many there are. In pieces, so
    // that it can be cancelled.
    let inner = rows.max(dim);
    let piece = (PIECE / (size * size).max(1)).max(64);
    for start in (0..inner).step_by(piece) {
        progress.check()?;
        let length = piece.min(inner - start);
        matmul(
            product.as_mut(),
            Accum::Add,
            left.subcols(start, length),
            right.subrows(start, length),
            1.0,
            Par::Seq,
        );
    }
    let mut gram: Vec<f64> = product
        .col_iter()
        .flat_map(|column| column.iter().copied().collect::<Vec<_>>())
        .collect();
    if !gram.iter().all(|x| x.is_finite()) {
        return Err(MathError::NotFinite {
            what: "a Gram matrix",
        });
    }
    let asymmetry = symmetrize(size, &mut gram);
    let mut found = decompose(size, gram, asymmetry, progress)?;
    found.eigenvalues.resize(dim, 0.0);
    found.eigenvalues.sort_by(|a, b| b.total_cmp(a));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::golden;
    use crate::math::operator::{DenseSymmetric, Preconditioned};
    use crate::math::progress::CancelToken;

    #[test]
    fn the_reference_network() {
        let reference = golden::mlp();
        let hessian = golden::hessian(&reference);
        let found = exact_spectrum(&hessian, &()).unwrap();
        for (value, exact) in found.eigenvalues.iter().zip(&reference.hess_eigs_desc) {
            assert!((value - exact).abs() < 1e-12);
        }
        // h + 1 exact zeros for a linear layer with softmax cross-entropy.
        assert_eq!(
            found.eigenvalues.iter().filter(|l| l.abs() < 1e-12).count(),
            5
        );
        assert!((found.trace - reference.trace).abs() < 1e-12);
        assert!((found.frobenius_squared - reference.fro2).abs() < 1e-12);
        assert!(found.max_residual < 1e-14);
    }

    #[test]
    fn a_preconditioned_operator_has_the_eigenvalues_of_the_quotient() {
        // P⁻¹A for diagonal A and P.
        let a = DenseSymmetric::diagonal(&[1.0, 6.0, -2.0]);
        let scaled = Preconditioned::new(a, &[2.0, 3.0, 0.5]).unwrap();
        let found = exact_spectrum(&scaled, &()).unwrap();
        for (value, exact) in found.eigenvalues.iter().zip([2.0, 0.5, -4.0]) {
            assert!((value - exact).abs() < 1e-14);
        }
    }

    #[test]
    fn a_gram_matrix_has_the_eigenvalues_of_the_square() {
        for (rows, dim) in [(4, 9), (9, 4), (5, 5), (1, 30)] {
            let b = golden::gaussian(rows * dim, 3);
            let mut square = vec![0.0; dim * dim];
            for row in b.chunks_exact(dim) {
                for (i, x) in row.iter().enumerate() {
                    vector::axpy(*x, row, &mut square[i * dim..(i + 1) * dim]);
                }
            }
            let whole = exact_spectrum(&DenseSymmetric::new(dim, square).unwrap(), &()).unwrap();
            let found = gram_spectrum(&b, dim, &()).unwrap();
            assert_eq!(found.eigenvalues.len(), dim);
            for (found, exact) in found.eigenvalues.iter().zip(&whole.eigenvalues) {
                assert!((found - exact).abs() < 1e-12 * whole.eigenvalues[0]);
            }
            assert!((found.trace - whole.trace).abs() < 1e-12 * whole.trace);
            let squares = whole.frobenius_squared;
            assert!((found.frobenius_squared - squares).abs() < 1e-12 * squares);
        }
        assert!(gram_spectrum(&[1.0; 5], 2, &()).is_err());
        assert!(gram_spectrum(&[f64::NAN; 4], 2, &()).is_err());
    }

    #[test]
    fn the_condition_number_leaves_exact_zeros_out() {
        let found = exact_spectrum(&DenseSymmetric::diagonal(&[-8.0, 0.0, 2.0, 4.0]), &());
        assert!((found.unwrap().condition_number() - 4.0).abs() < 1e-12);
        let zero = exact_spectrum(&DenseSymmetric::diagonal(&[0.0, 0.0]), &()).unwrap();
        assert!(zero.condition_number().is_nan());
    }

    /// Wants to stop once it was asked so many times.
    struct Impatient {
        asked: AtomicUsize,
        patience: usize,
    }

    impl Progress for Impatient {
        fn report(&self, _done: usize, _total: usize) {}

        fn is_cancelled(&self) -> bool {
            self.asked.fetch_add(1, Ordering::Relaxed) >= self.patience
        }
    }

    #[test]
    fn a_decomposition_need_not_be_waited_for() {
        let n = 500;
        let a = golden::random_symmetric(n, 1);
        // Once for each column, and once before the decomposition.
        let impatient = Impatient {
            asked: AtomicUsize::new(0),
            patience: n + 1,
        };
        assert_eq!(exact_spectrum(&a, &impatient), Err(MathError::Cancelled));
        assert!(impatient.asked.into_inner() > n + 1);
    }

    struct Crooked;

    impl SymmetricOperator for Crooked {
        fn dim(&self) -> usize {
            2
        }

        fn apply(&self, v: &[f64], out: &mut [f64]) {
            out[0] = v[0] + v[1];
            out[1] = v[1];
        }
    }

    #[test]
    fn what_cannot_be_decomposed_is_refused() {
        assert!(matches!(
            exact_spectrum(&Crooked, &()),
            Err(MathError::NotSymmetric { .. })
        ));
        let large = DenseSymmetric::diagonal(&[f64::NAN]);
        assert!(exact_spectrum(&large, &()).is_err());
        let token = CancelToken::new();
        token.cancel();
        assert_eq!(exact_spectrum(&Crooked, &token), Err(MathError::Cancelled));
    }
}
