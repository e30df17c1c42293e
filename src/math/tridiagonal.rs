//! Eigenvalues of a symmetric tridiagonal matrix and chosen rows of its
//! eigenvector matrix.
//!
//! Quadrature needs only the first row, residuals only the last: following
//! two rows instead of all makes the cost quadratic instead of cubic.

use super::error::{MathError, check_length};

/// Sweeps allowed for each eigenvalue; two or three are usual.
const SWEEPS: usize = 60;

/// Eigenvalues of a symmetric tridiagonal matrix T = S Θ Sᵀ, ascending, with
/// the rows of S that were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct TridiagonalEigen {
    /// Θ, ascending.
    pub values: Vec<f64>,
    /// How many rows of S are kept.
    rows: usize,
    /// The kept part of S, column after column.
    columns: Vec<f64>,
}

impl TridiagonalEigen {
    /// The kept components of eigenvector `k` (in the order of the rows asked
    /// for).
    pub fn components(&self, k: usize) -> &[f64] {
        &self.columns[k * self.rows..(k + 1) * self.rows]
    }
}

/// Eigenvalues, and the given rows of the eigenvector matrix.
///
/// Implicitly shifted QR with Wilkinson's shift (Golub and Van Loan, *Matrix
/// Computations*, 8.3). `off_diagonal` has one element less than `diagonal`.
///
/// # Errors
/// `Length` for a wrong length, `NotFinite` for an infinite or undefined
/// element, `NoConvergence` after 60 sweeps for one eigenvalue (not seen for
/// finite input).
pub fn eigen_rows(
    diagonal: &[f64],
    off_diagonal: &[f64],
    rows: &[usize],
) -> Result<TridiagonalEigen, MathError> {
    let m = diagonal.len();
    check_length("the off-diagonal", off_diagonal.len(), m.saturating_sub(1))?;
    if !diagonal.iter().chain(off_diagonal).all(|x| x.is_finite()) {
        return Err(MathError::NotFinite {
            what: "a tridiagonal matrix",
        });
    }
    let mut a = diagonal.to_vec();
    let mut b = off_diagonal.to_vec();
    let r = rows.len();
    let mut z = vec![0.0; r * m];
    for (slot, row) in rows.iter().enumerate() {
        if let Some(z) = z.get_mut(row * r + slot) {
            *z = 1.0;
        }
    }
    diagonalize(&mut a, &mut b, &mut z, r)?;

    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|i, j| a[*i].total_cmp(&a[*j]));
    Ok(TridiagonalEigen {
        values: order.iter().map(|k| a[*k]).collect(),
        rows: r,
        columns: order
            .iter()
            .flat_map(|k| z[k * r..(k + 1) * r].iter().copied())
            .collect(),
    })
}

/// The eigenvalues alone, ascending; see [`eigen_rows`].
pub fn eigenvalues(diagonal: &[f64], off_diagonal: &[f64]) -> Result<Vec<f64>, MathError> {
    Ok(eigen_rows(diagonal, off_diagonal, &[])?.values)
}

/// Bring T to diagonal form in `a`, applying every rotation to the columns of
/// `z` (each of length `rows`).
fn diagonalize(a: &mut [f64], b: &mut [f64], z: &mut [f64], rows: usize) -> Result<(), MathError> {
    let m = a.len();
    let size = a
        .iter()
        .chain(b.iter())
        .fold(0.0f64, |largest, x| largest.max(x.abs()));
    let negligible = |b: f64, p: f64, q: f64| {
        b.abs() <= f64::EPSILON * (p.abs() + q.abs()) || b.abs() <= 0.1 * f64::EPSILON * size
    };
    let mut hi = m.saturating_sub(1);
    let mut sweeps = 0;
    while hi > 0 {
        if negligible(b[hi - 1], a[hi - 1], a[hi]) {
            b[hi - 1] = 0.0;
            hi -= 1;
            sweeps = 0;
            continue;
        }
        let mut lo = hi - 1;
        while lo > 0 && !negligible(b[lo - 1], a[lo - 1], a[lo]) {
            lo -= 1;
        }
        if lo > 0 {
            b[lo - 1] = 0.0;
        }
        sweeps += 1;
        if sweeps > SWEEPS {
            return Err(MathError::NoConvergence {
                what: "the tridiagonal eigenvalue iteration",
            });
        }
        sweep(a, b, z, rows, lo, hi);
    }
    Ok(())
}

/// One implicitly shifted QR step on the unreduced block `lo..=hi`.
fn sweep(a: &mut [f64], b: &mut [f64], z: &mut [f64], rows: usize, lo: usize, hi: usize) {
    let half = 0.5 * (a[hi - 1] - a[hi]);
    let last = b[hi - 1];
    let shift = a[hi] - last * (last / (half + half.hypot(last).copysign(half)));
    let mut x = a[lo] - shift;
    let mut bulge = b[lo];
    for k in lo..hi {
        let length = x.hypot(bulge);
        let (c, s) = if length > 0.0 {
            (x / length, bulge / length)
        } else {
            (1.0, 0.0)
        };
        if k > lo {
            b[k - 1] = length;
        }
        // The rotated 2×2 block, written so that its trace is kept exactly.
        let (p, q, t) = (a[k], a[k + 1], b[k]);
        let moved = s * (s * (q - p) + 2.0 * c * t);
        a[k] = p + moved;
        a[k + 1] = q - moved;
        b[k] = c * s * (q - p) + (c * c - s * s) * t;
        if k + 1 < hi {
            x = b[k];
            bulge = s * b[k + 1];
            b[k + 1] *= c;
        }
        let (left, right) = z[k * rows..(k + 2) * rows].split_at_mut(rows);
        for (u, v) in left.iter_mut().zip(right) {
            (*u, *v) = (c * *u + s * *v, c * *v - s * *u);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::dense::SymmetricEigen;
    use proptest::prelude::*;

    fn compare_with_dense(diagonal: &[f64], off: &[f64]) {
        let m = diagonal.len();
        let mut full = vec![0.0; m * m];
        for i in 0..m {
            full[i * m + i] = diagonal[i];
            if i + 1 < m {
                full[i * m + i + 1] = off[i];
                full[(i + 1) * m + i] = off[i];
            }
        }
        let size = diagonal
            .iter()
            .chain(off)
            .fold(0.0f64, |s, x| s.max(x.abs()));
        let dense = SymmetricEigen::new(m, &full).unwrap();
        let rows: Vec<usize> = (0..m).collect();
        let ours = eigen_rows(diagonal, off, &rows).unwrap();
        for k in 0..m {
            assert!((ours.values[k] - dense.values[k]).abs() <= 1e-13 * size * m as f64);
            // T s = θ s, which is also right where eigenvalues repeat.
            let s = ours.components(k);
            assert!((s.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-13 * m as f64);
            for i in 0..m {
                let ts: f64 = (0..m).map(|j| full[i * m + j] * s[j]).sum();
                assert!((ts - ours.values[k] * s[i]).abs() <= 1e-13 * size * m as f64);
            }
        }
    }

    #[test]
    fn agrees_with_the_dense_solver() {
        compare_with_dense(&[2.0], &[]);
        compare_with_dense(&[0.0, 0.0], &[1.0]);
        compare_with_dense(&[1.0, 1.0, 1.0], &[0.0, 0.0]);
        // Wilkinson's W21+, with pairs that agree to many digits.
        let wilkinson: Vec<f64> = (-10i32..=10).map(|i| f64::from(i.abs())).collect();
        compare_with_dense(&wilkinson, &[1.0; 20]);
        // Zero diagonal, graded, and split matrices.
        compare_with_dense(&[0.0; 40], &[0.5; 39]);
        let graded: Vec<f64> = (0..30).map(|i| 10f64.powi(-i)).collect();
        compare_with_dense(&graded, &graded[1..]);
        compare_with_dense(&[3.0, 1.0, 4.0, 1.0, 5.0], &[0.1, 0.0, 1e-300, 2.0]);
    }

    #[test]
    fn known_eigenvalues_of_the_discrete_laplacian() {
        let m = 100;
        let values = eigenvalues(&vec![2.0; m], &vec![-1.0; m - 1]).unwrap();
        for (k, value) in values.iter().enumerate() {
            let angle = std::f64::consts::PI * (k + 1) as f64 / (m + 1) as f64;
            assert!((value - (2.0 - 2.0 * angle.cos())).abs() < 1e-13);
        }
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(eigenvalues(&[1.0, 2.0], &[]).is_err());
        assert!(eigenvalues(&[1.0, f64::NAN], &[0.0]).is_err());
        assert!(eigenvalues(&[], &[]).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn any_matrix_agrees_with_the_dense_solver(
            elements in prop::collection::vec((-5.0f64..5.0, -5.0f64..5.0), 1..40),
        ) {
            let (diagonal, mut off): (Vec<f64>, Vec<f64>) = elements.into_iter().unzip();
            off.pop();
            compare_with_dense(&diagonal, &off);
        }
    }
}
