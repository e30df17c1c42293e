//! Largest and smallest eigenvalues with their vectors, from products alone:
//! thick-restart Lanczos (Wu and Simon 2000) with full reorthogonalisation.
//!
//! Convergence is judged by the residual ‖A y − θ y‖ = |β_m s_m| of every
//! wanted pair, never by the agreement of consecutive values.

use rand::Rng;
use rand_distr::StandardNormal;

use super::dense::SymmetricEigen;
use super::error::{MathError, check_length};
use super::krylov::OrthonormalBasis;
use super::lanczos::BREAKDOWN;
use super::operator::SymmetricOperator;
use super::progress::Progress;
use super::tridiagonal;
use super::vector;

/// Share of a random direction in a warm start: enough to notice an
/// eigenvector that has overtaken the earlier ones, little enough that an
/// unchanged one is found at once.
const FRESH: f64 = 0.1;
/// Memory that the basis takes at most, in numbers (256 MiB).
const BASIS_NUMBERS: usize = 1 << 25;
/// Columns of the basis at most.
const BASIS_COLUMNS: usize = 160;

/// What to look for, and how hard.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtremalOptions {
    /// How many of the (algebraically) largest eigenvalues.
    pub largest: usize,
    /// How many of the (algebraically) smallest eigenvalues.
    pub smallest: usize,
    /// A pair has converged when its residual is at most this share of |θ|
    /// (of ‖A‖/100 for smaller |θ|).
    pub tolerance: f64,
    /// Products with the operator at most.
    pub max_products: usize,
    /// Columns of the basis before a restart; `None` chooses by memory.
    pub max_basis: Option<usize>,
}

impl Default for ExtremalOptions {
    fn default() -> Self {
        Self {
            largest: 5,
            smallest: 1,
            tolerance: 1e-3,
            max_products: 200,
            max_basis: None,
        }
    }
}

/// An approximate eigenvalue with its vector.
#[derive(Debug, Clone, PartialEq)]
pub struct EigenPair {
    /// θ.
    pub value: f64,
    /// ‖A y − θ y‖: the operator has an eigenvalue within this distance of θ.
    pub residual: f64,
    /// Whether the residual meets the tolerance.
    pub converged: bool,
    /// y, of norm 1; its largest component is positive.
    pub vector: Vec<f64>,
}

/// Both ends of a spectrum.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtremalPairs {
    /// The largest, in descending order.
    pub largest: Vec<EigenPair>,
    /// The smallest, in ascending order.
    pub smallest: Vec<EigenPair>,
    /// Products with the operator that were used.
    pub products: usize,
}

/// The projected matrix: an arrow of kept Ritz values, then a tridiagonal
/// tail.
#[derive(Default)]
struct Projected {
    /// Ritz values kept at the last restart …
    kept: Vec<f64>,
    /// … and what couples each of them to the first tail vector.
    coupling: Vec<f64>,
    alpha: Vec<f64>,
    /// Couples tail vector j to j + 1; as long as `alpha` after each step.
    beta: Vec<f64>,
}

impl Projected {
    fn len(&self) -> usize {
        self.kept.len() + self.alpha.len()
    }

    fn dense(&self) -> Vec<f64> {
        let (p, m) = (self.kept.len(), self.len());
        let mut t = vec![0.0; m * m];
        let mut set = |i: usize, j: usize, x: f64| {
            t[i * m + j] = x;
            t[j * m + i] = x;
        };
        for (i, (value, coupling)) in self.kept.iter().zip(&self.coupling).enumerate() {
            set(i, i, *value);
            if p < m {
                set(i, p, *coupling);
            }
        }
        for (j, alpha) in self.alpha.iter().enumerate() {
            set(p + j, p + j, *alpha);
            if p + j + 1 < m {
                set(p + j, p + j + 1, self.beta[j]);
            }
        }
        t
    }

    /// Ritz values, ascending, each with the last component of its vector.
    fn values_and_last(&self) -> Result<Vec<(f64, f64)>, MathError> {
        let m = self.len();
        if self.kept.is_empty() {
            let eigen = tridiagonal::eigen_rows(&self.alpha, &self.beta[..m - 1], &[m - 1])?;
            Ok((0..m)
                .map(|k| (eigen.values[k], eigen.components(k)[0]))
                .collect())
        } else {
            let eigen = SymmetricEigen::new(m, &self.dense())?;
            Ok((0..m)
                .map(|k| (eigen.values[k], eigen.vector(k)[m - 1]))
                .collect())
        }
    }
}

/// Find both ends of the spectrum of `operator`.
///
/// `warm_start` may hold earlier eigenvectors (any number, any order): the
/// search begins in their sum with a small random part, so that tracking a
/// slowly moving spectrum costs a few products. Repeated eigenvalues are
/// found by continuing with a fresh random vector whenever the Krylov space
/// is invariant.
///
/// # Errors
/// `Argument` where nothing is asked for, `Length` for a warm start of another
/// length, `NotFinite`, `Cancelled`, `NoConvergence` of the small solver. Too
/// few products are no error: the residuals tell.
pub fn extremal_eigenpairs<A, R>(
    operator: &A,
    options: &ExtremalOptions,
    warm_start: &[Vec<f64>],
    rng: &mut R,
    progress: &dyn Progress,
) -> Result<ExtremalPairs, MathError>
where
    A: SymmetricOperator + ?Sized,
    R: Rng + ?Sized,
{
    let n = operator.dim();
    let (largest, smallest) = (options.largest.min(n), options.smallest.min(n));
    let wanted = largest + smallest;
    if wanted == 0 || options.max_products == 0 {
        return Err(MathError::Argument {
            what: "the number of eigenvalues or of products",
            found: "0".to_owned(),
            expected: "at least 1",
        });
    }
    for v in warm_start {
        check_length("a warm start", v.len(), n)?;
    }
    let columns = basis_columns(n, wanted, options);
    let mut basis = OrthonormalBasis::new(n, columns);
    let mut v = start_vector(n, warm_start, rng);
    let mut w = vec![0.0; n];
    basis.push(&v, 1.0);

    let mut t = Projected::default();
    let mut products = 0;
    let mut scale: f64 = 0.0;
    let mut next_check = wanted.max(2) + 1;
    let mut first_breakdown = None;
    let limit = options.max_products;
    let remainder = loop {
        progress.check()?;
        basis.column(basis.len() - 1, &mut v);
        operator.apply(&v, &mut w);
        products += 1;
        progress.report(products, limit);
        let mut remainder = basis.orthogonalize(&mut w);
        let alpha = basis.coefficients()[basis.len() - 1];
        if !(remainder.is_finite() && alpha.is_finite()) {
            return Err(MathError::NotFinite {
                what: "a product with the operator",
            });
        }
        scale = scale.max(alpha.abs() + remainder);
        t.alpha.push(alpha);
        t.beta.push(remainder);

        let m = t.len();
        let stop = m == n || products == limit;
        let full = m == basis.capacity();
        let invariant = remainder <= BREAKDOWN * scale;
        if stop {
            break remainder;
        }
        if full || invariant || products >= next_check {
            // Ritz values near each other cost little to look at again, a
            // whole eigenproblem after each product does.
            next_check = products + (m / 8).max(1);
            let ritz = t.values_and_last()?;
            let ends = ritz[..smallest.min(m)]
                .iter()
                .chain(&ritz[m - largest.min(m)..]);
            let mut settled = m >= wanted.max(2);
            for (value, last) in ends {
                settled &= has_converged(*value, (remainder * last).abs(), scale, options);
            }
            // After a breakdown, give missing copies of repeated eigenvalues a
            // chance to appear.
            let first = match (first_breakdown, invariant) {
                (None, true) => *first_breakdown.insert(products),
                (Some(first), _) => first,
                (None, false) => 0,
            };
            let patience = if first > 0 { first + 2 * wanted + 2 } else { 3 };
            if settled && products >= patience {
                break remainder;
            }
        }
        if invariant {
            // Any direction outside the invariant space continues the search;
            // nothing couples it to what was found.
            remainder = 0.0;
            if let Some(beta) = t.beta.last_mut() {
                *beta = 0.0;
            }
        }
        if full {
            restart(&mut basis, &mut t, (largest, smallest), remainder)?;
        }
        if invariant {
            let mut length = 0.0;
            for _ in 0..8 {
                fill_gaussian(&mut w, rng);
                let before = vector::norm(&w);
                length = basis.orthogonalize(&mut w);
                if length > 1e-8 * before {
                    break;
                }
            }
            basis.push(&w, 1.0 / length);
        } else {
            basis.push(&w, 1.0 / remainder);
        }
    };
    collect(
        &basis,
        &t,
        remainder,
        scale,
        products,
        (largest, smallest),
        options,
    )
}

fn has_converged(value: f64, residual: f64, scale: f64, options: &ExtremalOptions) -> bool {
    residual <= options.tolerance * value.abs().max(1e-2 * scale)
}

/// How many columns to keep: all where that is little, otherwise enough that
/// restarts are rare.
fn basis_columns(n: usize, wanted: usize, options: &ExtremalOptions) -> usize {
    let least = 2 * wanted + 8;
    options
        .max_basis
        .unwrap_or_else(|| (BASIS_NUMBERS / n.max(1)).min(BASIS_COLUMNS))
        .max(least)
        .min(options.max_products)
        .min(n)
        .max(1)
}

fn fill_gaussian<R: Rng + ?Sized>(w: &mut [f64], rng: &mut R) {
    for w in w {
        *w = rng.sample(StandardNormal);
    }
}

/// A random unit vector, or the earlier eigenvectors with a little of one.
fn start_vector<R: Rng + ?Sized>(n: usize, warm_start: &[Vec<f64>], rng: &mut R) -> Vec<f64> {
    let mut v = vec![0.0; n];
    fill_gaussian(&mut v, rng);
    vector::normalize(&mut v);
    let mut sum = vec![0.0; n];
    for earlier in warm_start {
        let length = vector::norm(earlier);
        if length.is_finite() && length > 0.0 {
            vector::axpy(1.0 / length, earlier, &mut sum);
        }
    }
    if vector::normalize(&mut sum) > 1e-8 {
        vector::scale(FRESH, &mut v);
        vector::axpy(1.0, &sum, &mut v);
        vector::normalize(&mut v);
    }
    v
}

/// Replace the basis by the Ritz vectors next to both ends, some more than
/// wanted. What follows them is the remainder, pushed by the caller.
fn restart(
    basis: &mut OrthonormalBasis,
    t: &mut Projected,
    (largest, smallest): (usize, usize),
    remainder: f64,
) -> Result<(), MathError> {
    let m = t.len();
    let eigen = SymmetricEigen::new(m, &t.dense())?;
    // Half of the free columns go with the wanted ones.
    let extra = m.saturating_sub(largest + smallest + 4) / 4;
    let mut low = (smallest + extra).min(m - 1);
    let mut high = (largest + extra).min(m - 1 - low);
    if smallest == 0 {
        (low, high) = (0, (largest + 2 * extra).min(m - 1));
    } else if largest == 0 {
        (low, high) = ((smallest + 2 * extra).min(m - 1), 0);
    }
    let chosen: Vec<usize> = (0..low).chain(m - high..m).collect();
    let s: Vec<f64> = chosen
        .iter()
        .flat_map(|k| eigen.vector(*k).iter().copied())
        .collect();
    basis.rotate(&s, chosen.len());
    t.kept = chosen.iter().map(|k| eigen.values[*k]).collect();
    t.coupling = chosen
        .iter()
        .map(|k| remainder * eigen.vector(*k)[m - 1])
        .collect();
    t.alpha.clear();
    t.beta.clear();
    Ok(())
}

fn collect(
    basis: &OrthonormalBasis,
    t: &Projected,
    remainder: f64,
    scale: f64,
    products: usize,
    (largest, smallest): (usize, usize),
    options: &ExtremalOptions,
) -> Result<ExtremalPairs, MathError> {
    let m = t.len();
    let eigen = SymmetricEigen::new(m, &t.dense())?;
    let n = basis.dim();
    let pair = |k: usize| {
        let s = eigen.vector(k);
        let mut y = vec![0.0; n];
        basis.combine(s, &mut y);
        vector::normalize(&mut y);
        orient(&mut y);
        // Rounding alone leaves about this much.
        let residual = (remainder * s[m - 1]).abs().max(f64::EPSILON * scale);
        EigenPair {
            value: eigen.values[k],
            residual,
            converged: has_converged(eigen.values[k], residual, scale, options),
            vector: y,
        }
    };
    Ok(ExtremalPairs {
        largest: (0..largest.min(m)).map(|k| pair(m - 1 - k)).collect(),
        smallest: (0..smallest.min(m)).map(pair).collect(),
        products,
    })
}

/// Make the component of largest magnitude positive (the first of equals).
pub(crate) fn orient(v: &mut [f64]) {
    let mut pivot = 0.0f64;
    for x in v.iter() {
        if x.abs() > pivot.abs() {
            pivot = *x;
        }
    }
    if pivot < 0.0 {
        vector::scale(-1.0, v);
    }
}

#[cfg(test)]
#[path = "extremal_tests.rs"]
mod tests;
