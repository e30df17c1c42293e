//! Eigenvalues and eigenvectors of a whole symmetric matrix (by faer).

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};

use super::error::{MathError, check_length};
use super::vector;

/// A = V Λ Vᵀ for a symmetric n×n matrix.
#[derive(Debug, Clone)]
pub struct SymmetricEigen {
    /// Λ, ascending.
    pub values: Vec<f64>,
    /// V, eigenvector after eigenvector, each of length n and norm 1.
    pub vectors: Vec<f64>,
}

impl SymmetricEigen {
    /// Decompose the matrix with these n² elements (only the lower triangle in
    /// column-major order is read). One thread, so that the result does not
    /// depend on how many there are.
    ///
    /// # Errors
    /// `Length`, `NotFinite`, `NoConvergence`.
    pub fn new(n: usize, elements: &[f64]) -> Result<Self, MathError> {
        check_length("a matrix", elements.len(), n * n)?;
        if !elements.iter().all(|x| x.is_finite()) {
            return Err(MathError::NotFinite { what: "a matrix" });
        }
        if n == 0 {
            return Ok(Self {
                values: Vec::new(),
                vectors: Vec::new(),
            });
        }
        let matrix = MatRef::from_column_major_slice(elements, n, n);
        let mut values = Diag::<f64>::zeros(n);
        let mut vectors = Mat::<f64>::zeros(n, n);
        let mut memory = MemBuffer::new(self_adjoint_evd_scratch::<f64>(
            n,
            ComputeEigenvectors::Yes,
            Par::Seq,
            faer::prelude::default(),
        ));
        self_adjoint_evd(
            matrix,
            values.as_mut(),
            Some(vectors.as_mut()),
            Par::Seq,
            MemStack::new(&mut memory),
            faer::prelude::default(),
        )
        .map_err(|_| MathError::NoConvergence {
            what: "the dense eigenvalue iteration",
        })?;
        Ok(Self {
            values: (0..n).map(|k| values.column_vector()[k]).collect(),
            vectors: vectors
                .col_iter()
                .flat_map(|column| column.iter().copied().collect::<Vec<_>>())
                .collect(),
        })
    }

    /// n.
    pub fn dim(&self) -> usize {
        self.values.len()
    }

    /// Eigenvector `k`, of norm 1.
    pub fn vector(&self, k: usize) -> &[f64] {
        let n = self.dim();
        &self.vectors[k * n..(k + 1) * n]
    }

    /// ‖A vₖ − λₖ vₖ‖ for every k, with the matrix that was decomposed.
    ///
    /// # Errors
    /// `Length` if the matrix has another size.
    pub fn residuals(&self, elements: &[f64]) -> Result<Vec<f64>, MathError> {
        let n = self.dim();
        check_length("a matrix", elements.len(), n * n)?;
        let a = MatRef::from_column_major_slice(elements, n, n);
        let v = MatRef::from_column_major_slice(&self.vectors, n, n);
        let mut product = Mat::<f64>::zeros(n, n);
        matmul(product.as_mut(), Accum::Replace, a, v, 1.0, Par::Seq);
        Ok((0..n)
            .map(|k| {
                let squares: f64 = (0..n)
                    .map(|i| {
                        let r = product[(i, k)] - self.values[k] * v[(i, k)];
                        r * r
                    })
                    .sum();
                squares.sqrt()
            })
            .collect())
    }
}

/// Solves A x = b for a symmetric positive definite n×n matrix by Cholesky's
/// factorisation A = LLᵀ. `elements` holds A row after row (its lower triangle
/// is read) and L afterwards; `b` holds the right side and x afterwards. One
/// thread, sums in a fixed order.
///
/// # Errors
/// `Length`; `Argument` where the matrix is not positive definite.
pub fn solve_positive(n: usize, elements: &mut [f64], b: &mut [f64]) -> Result<(), MathError> {
    check_length("a matrix", elements.len(), n * n)?;
    check_length("a right side", b.len(), n)?;
    for j in 0..n {
        let (above, rest) = elements.split_at_mut(j * n);
        let row = &mut rest[..n];
        // Row j of L from the rows before it.
        for k in 0..j {
            let earlier = &above[k * n..k * n + k + 1];
            row[k] = (row[k] - vector::dot(&row[..k], &earlier[..k])) / earlier[k];
        }
        let pivot = row[j] - vector::dot(&row[..j], &row[..j]);
        if pivot.is_nan() || pivot <= 0.0 || pivot.is_infinite() {
            return Err(MathError::Argument {
                what: "a pivot of a matrix",
                found: pivot.to_string(),
                expected: "a positive number (the matrix is not positive definite)",
            });
        }
        row[j] = pivot.sqrt();
    }
    for j in 0..n {
        let row = &elements[j * n..j * n + j + 1];
        b[j] = (b[j] - vector::dot(&row[..j], &b[..j])) / row[j];
    }
    for j in (0..n).rev() {
        b[j] /= elements[j * n + j];
        let (before, at) = b.split_at_mut(j);
        vector::axpy(-at[0], &elements[j * n..j * n + j], before);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::golden;

    #[test]
    fn pairs_satisfy_their_equation() {
        for n in [1, 2, 7, 60, 200] {
            let a = golden::random_symmetric(n, 11);
            let eigen = SymmetricEigen::new(n, a.elements()).unwrap();
            let residuals = eigen.residuals(a.elements()).unwrap();
            let size = eigen.values[0].abs().max(eigen.values[n - 1].abs());
            assert!(residuals.iter().all(|r| *r <= 1e-13 * size * n as f64));
            assert!(eigen.values.windows(2).all(|w| w[0] <= w[1]));
        }
    }

    #[test]
    fn positive_systems_are_solved() {
        for n in [1, 2, 7, 60] {
            let a = golden::random_symmetric(n, 11);
            // A² + I.
            let mut matrix = vec![0.0; n * n];
            for i in 0..n {
                for j in 0..n {
                    let product: f64 = (0..n)
                        .map(|k| a.elements()[i * n + k] * a.elements()[k * n + j])
                        .sum();
                    matrix[i * n + j] = product + f64::from(u8::from(i == j));
                }
            }
            let x: Vec<f64> = (0..n).map(|k| (k as f64 + 0.3).sin()).collect();
            let mut b: Vec<f64> = (0..n)
                .map(|i| vector::dot(&matrix[i * n..][..n], &x))
                .collect();
            solve_positive(n, &mut matrix, &mut b).unwrap();
            for (found, expected) in b.iter().zip(&x) {
                assert!((found - expected).abs() < 1e-11);
            }
        }
        assert!(solve_positive(1, &mut [-1.0], &mut [1.0]).is_err());
        assert!(solve_positive(1, &mut [f64::NAN], &mut [1.0]).is_err());
        assert!(solve_positive(2, &mut [1.0, 2.0, 2.0, 1.0], &mut [1.0, 1.0]).is_err());
    }

    #[test]
    fn infinite_elements_are_refused() {
        assert!(SymmetricEigen::new(1, &[f64::INFINITY]).is_err());
        assert!(SymmetricEigen::new(2, &[1.0]).is_err());
        assert!(SymmetricEigen::new(0, &[]).unwrap().values.is_empty());
    }
}
