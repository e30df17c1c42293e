//! The Lanczos process with full reorthogonalisation, and the Gauss quadrature
//! that it gives.

use super::error::{MathError, check_length};
use super::krylov::OrthonormalBasis;
use super::operator::SymmetricOperator;
use super::progress::Progress;
use super::tridiagonal;
use super::vector;

/// Below this share of ‖T‖ a remainder is rounding: the Krylov space is
/// invariant.
pub(crate) const BREAKDOWN: f64 = 1e-12;

/// Memory for runs of up to `steps` steps in ℝⁿ, reused from run to run.
#[derive(Debug)]
pub struct Lanczos {
    basis: OrthonormalBasis,
    v: Vec<f64>,
    w: Vec<f64>,
    steps: usize,
}

impl Lanczos {
    /// Room for `steps` steps (at most n) in ℝⁿ.
    pub fn new(n: usize, steps: usize) -> Self {
        let steps = steps.min(n);
        Self {
            basis: OrthonormalBasis::new(n, steps),
            v: vec![0.0; n],
            w: vec![0.0; n],
            steps,
        }
    }

    /// Run from `start` (any length but zero; it is normalised). Ends early
    /// when the Krylov space is invariant: the quadrature is then exact.
    /// `after_product` is called after each product.
    ///
    /// # Errors
    /// `Length`, `NotFinite`, `Degenerate` for a zero start, `Cancelled`.
    pub fn run<A: SymmetricOperator + ?Sized>(
        &mut self,
        operator: &A,
        start: &[f64],
        progress: &dyn Progress,
        mut after_product: impl FnMut(),
    ) -> Result<Tridiagonal, MathError> {
        check_length("the start vector", start.len(), self.v.len())?;
        check_length("the operator's vector", operator.dim(), self.v.len())?;
        let length = vector::norm(start);
        if !length.is_finite() {
            return Err(MathError::NotFinite {
                what: "the start vector",
            });
        }
        if length == 0.0 {
            return Err(MathError::Degenerate {
                what: "the start vector of Lanczos is zero",
            });
        }
        self.basis.clear();
        self.basis.push(start, 1.0 / length);
        let mut alpha = Vec::with_capacity(self.steps);
        let mut beta = Vec::with_capacity(self.steps);
        let mut size: f64 = 0.0;
        for j in 0..self.steps {
            progress.check()?;
            self.basis.column(j, &mut self.v);
            operator.apply(&self.v, &mut self.w);
            after_product();
            let remainder = self.basis.orthogonalize(&mut self.w);
            let a = self.basis.coefficients()[j];
            if !(remainder.is_finite() && a.is_finite()) {
                return Err(MathError::NotFinite {
                    what: "a product with the operator",
                });
            }
            alpha.push(a);
            beta.push(remainder);
            size = size.max(a.abs() + remainder);
            if remainder <= BREAKDOWN * size || j + 1 == self.steps {
                break;
            }
            self.basis.push(&self.w, 1.0 / remainder);
        }
        Ok(Tridiagonal { alpha, beta })
    }
}

/// The matrix T of a Lanczos run of m steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Tridiagonal {
    /// Diagonal, m elements.
    pub alpha: Vec<f64>,
    /// β₁ … β_m: the off-diagonal, and last the norm of the remainder, which
    /// does not belong to T but gives the residuals.
    pub beta: Vec<f64>,
}

/// A Ritz value with the weight of its Gauss quadrature node and the distance
/// within which the operator has an eigenvalue.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Ritz {
    /// θ.
    pub value: f64,
    /// τ² = s₁², the weight of the node θ; the weights of a run add up to 1.
    pub weight: f64,
    /// |β_m s_m|: the norm of A y − θ y for the Ritz vector y.
    pub residual: f64,
}

impl Tridiagonal {
    /// m.
    pub fn steps(&self) -> usize {
        self.alpha.len()
    }

    /// Ritz values, ascending: with their weights they are the nodes of the
    /// Gauss quadrature with vᵀf(A)v = Σ τ²f(θ), exact for polynomials of
    /// degree up to 2m − 1 (Golub and Welsch 1969; Golub and Meurant 2010).
    ///
    /// # Errors
    /// `NoConvergence` of the tridiagonal solver.
    pub fn ritz(&self) -> Result<Vec<Ritz>, MathError> {
        let m = self.alpha.len();
        if m == 0 {
            return Ok(Vec::new());
        }
        let eigen = tridiagonal::eigen_rows(&self.alpha, &self.beta[..m - 1], &[0, m - 1])?;
        let remainder = self.beta[m - 1];
        Ok(eigen
            .values
            .iter()
            .enumerate()
            .map(|(k, value)| {
                let (first, last) = match eigen.components(k) {
                    [first, last] => (*first, *last),
                    _ => (0.0, 0.0),
                };
                Ritz {
                    value: *value,
                    weight: first * first,
                    residual: (remainder * last).abs(),
                }
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::NoProgress;
    use crate::math::golden::{self, gaussian, random_symmetric};
    use crate::math::operator::DenseSymmetric;

    fn run<A: SymmetricOperator>(a: &A, start: &[f64], steps: usize) -> Tridiagonal {
        Lanczos::new(a.dim(), steps)
            .run(a, start, &NoProgress, || ())
            .unwrap()
    }

    #[test]
    fn reference_run_on_the_reference_network() {
        let reference = golden::mlp();
        let hessian = golden::hessian(&reference);
        let n = reference.theta.len();
        let start: Vec<f64> = (0..n)
            .map(|i| if i % 2 == 0 { 1.0 } else { -1.0 })
            .collect();
        let t = run(&hessian, &start, 5);
        let ritz = t.ritz().unwrap();
        let expected = &reference.lanczos5;
        for (k, found) in ritz.iter().enumerate() {
            assert!((t.alpha[k] - expected.alpha[k]).abs() < 1e-11);
            assert!((t.beta[k] - expected.beta[k]).abs() < 1e-11);
            assert!((found.value - expected.ritz[k]).abs() < 1e-11);
            assert!((found.weight - expected.weights[k]).abs() < 1e-11);
        }
    }

    #[test]
    fn quadrature_is_exact_for_moments_up_to_twice_the_steps() {
        let n = 40;
        let a = random_symmetric(n, 3);
        let mut v = gaussian(n, 4);
        vector::normalize(&mut v);
        for m in [1, 2, 5, 8] {
            let ritz = run(&a, &v, m).ritz().unwrap();
            assert!((ritz.iter().map(|r| r.weight).sum::<f64>() - 1.0).abs() < 1e-13);
            let (mut power, mut next) = (v.clone(), vec![0.0; n]);
            for j in 0..2 * m {
                let exact = vector::dot(&v, &power);
                let quadrature: f64 = ritz.iter().map(|r| r.weight * r.value.powi(j as i32)).sum();
                let size: f64 = ritz
                    .iter()
                    .map(|r| r.weight * r.value.abs().powi(j as i32))
                    .sum();
                assert!((exact - quadrature).abs() <= 1e-12 * size.max(exact.abs()));
                a.apply(&power, &mut next);
                std::mem::swap(&mut power, &mut next);
            }
            // One degree more is beyond it.
            if m < 8 {
                let exact = vector::dot(&v, &power);
                let quadrature: f64 = ritz
                    .iter()
                    .map(|r| r.weight * r.value.powi(2 * m as i32))
                    .sum();
                assert!((exact - quadrature).abs() > 1e-6 * exact.abs());
            }
        }
    }

    #[test]
    fn no_ghosts_after_many_steps() {
        // Without reorthogonalisation the outlier is found several times.
        let mut d: Vec<f64> = (0..200).map(|i| f64::from(i) / 200.0).collect();
        d[199] = 100.0;
        let a = DenseSymmetric::diagonal(&d);
        let ritz = run(&a, &gaussian(200, 1), 150).ritz().unwrap();
        assert_eq!(ritz.iter().filter(|r| r.value > 50.0).count(), 1);
        assert!((ritz[149].value - 100.0).abs() < 1e-11);
    }

    #[test]
    fn every_eigenvalue_lies_within_a_residual() {
        let a = random_symmetric(60, 8);
        let exact = crate::math::dense::SymmetricEigen::new(60, a.elements()).unwrap();
        for m in [3, 10, 30] {
            for ritz in run(&a, &gaussian(60, 2), m).ritz().unwrap() {
                let nearest = exact
                    .values
                    .iter()
                    .map(|value| (value - ritz.value).abs())
                    .fold(f64::INFINITY, f64::min);
                assert!(nearest <= ritz.residual + 1e-12);
            }
        }
    }

    #[test]
    fn an_invariant_space_ends_the_run() {
        let mut d = vec![1.0; 30];
        d[3] = 5.0;
        d[4] = -2.0;
        let t = run(&DenseSymmetric::diagonal(&d), &[1.0; 30], 20);
        assert_eq!(t.steps(), 3);
        let ritz = t.ritz().unwrap();
        for (ritz, (value, weight)) in ritz.iter().zip([(-2.0, 1.0), (1.0, 28.0), (5.0, 1.0)]) {
            assert!((ritz.value - value).abs() < 1e-12);
            assert!((ritz.weight - weight / 30.0).abs() < 1e-12);
            assert!(ritz.residual < 1e-11);
        }
        assert_eq!(
            run(&DenseSymmetric::diagonal(&[0.0; 9]), &[1.0; 9], 5).steps(),
            1
        );
    }

    #[test]
    fn what_is_not_finite_is_an_error() {
        let a = DenseSymmetric::diagonal(&[1.0, f64::NAN]);
        let error = Lanczos::new(2, 2).run(&a, &[1.0, 1.0], &NoProgress, || ());
        assert!(matches!(error, Err(MathError::NotFinite { .. })));
        let a = DenseSymmetric::diagonal(&[1.0, 2.0]);
        let zero = Lanczos::new(2, 2).run(&a, &[0.0, 0.0], &NoProgress, || ());
        assert!(matches!(zero, Err(MathError::Degenerate { .. })));
    }
}
