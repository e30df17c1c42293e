//! Trace, Frobenius norm and diagonal of an operator from random probes.

use rand::{Rng, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;

use super::error::MathError;
use super::operator::SymmetricOperator;
use super::progress::Progress;
use super::statistics::Estimate;
use super::vector;

/// Probes whose products may be in memory at the same time.
const BATCH: usize = 16;

/// Distribution of a probe's independent components, of mean 0 and variance 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Probe {
    /// ±1: the smaller variance, 2(‖A‖²_F − ΣA²ᵢᵢ)/m for the trace.
    #[default]
    Rademacher,
    /// Normal: variance 2‖A‖²_F/m for the trace.
    Gaussian,
}

impl Probe {
    /// Fill `v` with independent components.
    pub fn fill<R: Rng + ?Sized>(self, v: &mut [f64], rng: &mut R) {
        match self {
            Self::Rademacher => {
                for chunk in v.chunks_mut(64) {
                    let mut bits = rng.next_u64();
                    for v in chunk {
                        *v = if bits & 1 == 0 { 1.0 } else { -1.0 };
                        bits >>= 1;
                    }
                }
            }
            Self::Gaussian => {
                for v in v {
                    *v = rng.sample(StandardNormal);
                }
            }
        }
    }
}

/// What m probes tell of a symmetric operator.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeEstimates {
    /// tr A = E vᵀAv (Hutchinson 1990).
    pub trace: Estimate,
    /// ‖A‖²_F = tr A² = E‖Av‖².
    pub frobenius_squared: Estimate,
    /// Aᵢᵢ = E vᵢ(Av)ᵢ (Bekas, Kokiopoulou and Saad 2007).
    pub diagonal: Vec<f64>,
    /// Standard error of each element of the diagonal; not-a-number for a
    /// single probe.
    pub diagonal_stderr: Vec<f64>,
    /// vᵀAv of each probe; empty where no probes were needed.
    pub samples: Vec<f64>,
}

/// A generator of its own for each probe, so that probes may be drawn by any
/// thread.
pub(crate) fn probe_rng<R: Rng + ?Sized>(rng: &mut R) -> ChaCha8Rng {
    let mut key = [0; 32];
    rng.fill_bytes(&mut key);
    ChaCha8Rng::from_seed(key)
}

/// `Err(Argument)` for fewer than one.
pub(crate) fn at_least_one(what: &'static str, count: usize) -> Result<(), MathError> {
    if count == 0 {
        return Err(MathError::Argument {
            what,
            found: "0".to_owned(),
            expected: "at least 1",
        });
    }
    Ok(())
}

/// Multiply `count` vectors: `fill(i, v)` makes the i-th, `take(i, v, Av)` gets
/// it with its product, in order whatever thread computed it. `done` of `total`
/// products went before, as far as `progress` is concerned.
///
/// # Errors
/// `NotFinite`, `Cancelled`, or what `take` returns.
pub(crate) fn multiply<A: SymmetricOperator + ?Sized>(
    operator: &A,
    count: usize,
    fill: impl Fn(usize, &mut [f64]) + Sync,
    progress: &dyn Progress,
    (done, total): (usize, usize),
    mut take: impl FnMut(usize, &[f64], &mut [f64]) -> Result<(), MathError>,
) -> Result<(), MathError> {
    let n = operator.dim();
    let mut slots: Vec<(Vec<f64>, Vec<f64>)> = (0..BATCH.min(count))
        .map(|_| (vec![0.0; n], vec![0.0; n]))
        .collect();
    let mut from = 0;
    while from < count {
        progress.check()?;
        let batch = BATCH.min(count - from);
        slots[..batch]
            .par_iter_mut()
            .enumerate()
            .try_for_each(|(i, (v, product))| {
                progress.check()?;
                fill(from + i, v);
                operator.apply(v, product);
                if vector::norm_squared(product).is_finite() {
                    Ok(())
                } else {
                    Err(MathError::NotFinite {
                        what: "a product with the operator",
                    })
                }
            })?;
        for (i, (v, product)) in slots[..batch].iter_mut().enumerate() {
            take(from + i, v, product)?;
        }
        from += batch;
        progress.report((done + from).min(total), total);
    }
    Ok(())
}

/// Trace, squared Frobenius norm and diagonal from `probes` products, run in
/// parallel; the sums do not depend on the number of threads.
///
/// # Errors
/// `Argument` for no probes, `NotFinite`, `Cancelled`.
pub fn hutchinson<A, R>(
    operator: &A,
    probes: usize,
    kind: Probe,
    rng: &mut R,
    progress: &dyn Progress,
) -> Result<ProbeEstimates, MathError>
where
    A: SymmetricOperator + ?Sized,
    R: Rng + ?Sized,
{
    at_least_one("the number of probes", probes)?;
    let n = operator.dim();
    let rngs: Vec<ChaCha8Rng> = (0..probes).map(|_| probe_rng(rng)).collect();
    // Running means and sums of squared deviations (Welford 1962).
    let mut diagonal = vec![0.0; n];
    let mut deviations = vec![0.0; n];
    let mut samples = Vec::with_capacity(probes);
    let mut squares = Vec::with_capacity(probes);
    multiply(
        operator,
        probes,
        |i, v| kind.fill(v, &mut rngs[i].clone()),
        progress,
        (0, probes),
        |i, v, product| {
            samples.push(vector::dot(v, product));
            squares.push(vector::norm_squared(product));
            let weight = 1.0 / (i + 1) as f64;
            for (((mean, deviation), v), p) in
                diagonal.iter_mut().zip(&mut deviations).zip(v).zip(product)
            {
                let sample = *v * *p;
                let before = sample - *mean;
                *mean += weight * before;
                *deviation += before * (sample - *mean);
            }
            Ok(())
        },
    )?;
    let m = probes as f64;
    Ok(ProbeEstimates {
        trace: Estimate::of_mean(&samples),
        frobenius_squared: Estimate::of_mean(&squares),
        diagonal,
        // 0/0 for a single probe: not-a-number, as it should be.
        diagonal_stderr: deviations
            .iter()
            .map(|d| (d / (m - 1.0) / m).sqrt())
            .collect(),
        samples,
    })
}

/// Trace, squared Frobenius norm and diagonal from the n products with the unit
/// vectors: standard errors of zero.
///
/// # Errors
/// `NotFinite`, `Cancelled`.
pub fn by_unit_vectors<A: SymmetricOperator + ?Sized>(
    operator: &A,
    progress: &dyn Progress,
) -> Result<ProbeEstimates, MathError> {
    let n = operator.dim();
    let mut diagonal = vec![0.0; n];
    let mut squares = vec![0.0; n];
    multiply(
        operator,
        n,
        |i, v| {
            v.fill(0.0);
            v[i] = 1.0;
        },
        progress,
        (0, n),
        |i, _, product| {
            diagonal[i] = product[i];
            squares[i] = vector::norm_squared(product);
            Ok(())
        },
    )?;
    let exact = |value| Estimate { value, stderr: 0.0 };
    Ok(ProbeEstimates {
        trace: exact(vector::sum(&diagonal)),
        frobenius_squared: exact(vector::sum(&squares)),
        diagonal,
        diagonal_stderr: vec![0.0; n],
        samples: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::golden::{self, random_symmetric};
    use crate::math::operator::DenseSymmetric;
    use crate::math::rng::stream;
    use crate::math::{CancelToken, NoProgress, statistics};

    fn probe<A: SymmetricOperator>(a: &A, probes: usize, kind: Probe) -> ProbeEstimates {
        hutchinson(a, probes, kind, &mut stream(0, "probes"), &NoProgress).unwrap()
    }

    #[test]
    fn mean_and_variance_are_those_of_the_theory() {
        let reference = golden::mlp();
        let hessian = golden::hessian(&reference);
        let diagonal: f64 = reference.hess_diag.iter().map(|d| d * d).sum();
        let m = 4000;
        for (kind, variance) in [
            (Probe::Rademacher, 2.0 * (reference.fro2 - diagonal)),
            (Probe::Gaussian, 2.0 * reference.fro2),
        ] {
            let found = probe(&hessian, m, kind);
            let exact_error = (variance / m as f64).sqrt();
            assert!((found.trace.value - reference.trace).abs() < 3.0 * exact_error);
            assert!((found.trace.stderr / exact_error - 1.0).abs() < 0.15);
            assert!((statistics::variance(&found.samples) / variance - 1.0).abs() < 0.3);
            let f = found.frobenius_squared;
            assert!((f.value - reference.fro2).abs() < 4.0 * f.stderr);
        }
        let found = probe(&hessian, m, Probe::Rademacher);
        for (found, exact) in found.diagonal.iter().zip(&reference.hess_diag) {
            assert!((found - exact).abs() < 0.05);
        }
    }

    #[test]
    fn a_diagonal_matrix_is_known_from_one_probe() {
        let d: Vec<f64> = (0..100).map(|i| f64::from(i) - 30.0).collect();
        let found = probe(&DenseSymmetric::diagonal(&d), 1, Probe::Rademacher);
        assert!((found.trace.value - d.iter().sum::<f64>()).abs() < 1e-10);
        assert_eq!(found.diagonal, d);
        assert!(found.trace.stderr.is_nan());
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let a = random_symmetric(120, 1);
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let one = pool(1).unwrap().install(|| probe(&a, 40, Probe::Gaussian));
        let four = pool(4).unwrap().install(|| probe(&a, 40, Probe::Gaussian));
        assert_eq!(one, four);
    }

    #[test]
    fn the_diagonals_standard_errors_cover_the_truth() {
        // Var vᵢ(Av)ᵢ = Σ_{j≠i} Aᵢⱼ² for Rademacher probes.
        let n = 60;
        let a = random_symmetric(n, 4);
        let m = 2000;
        let found = probe(&a, m, Probe::Rademacher);
        let mut outside = 0;
        for i in 0..n {
            let row = &a.elements()[i * n..(i + 1) * n];
            let variance = vector::norm_squared(row) - row[i] * row[i];
            let exact_error = (variance / m as f64).sqrt();
            assert!((found.diagonal_stderr[i] / exact_error - 1.0).abs() < 0.1);
            if (found.diagonal[i] - row[i]).abs() > 2.0 * found.diagonal_stderr[i] {
                outside += 1;
            }
        }
        // 5 % of 60 on average.
        assert!(outside <= 9, "{outside} of {n}");
    }

    #[test]
    fn unit_vectors_give_everything_without_error() {
        let reference = golden::mlp();
        let found = by_unit_vectors(&golden::hessian(&reference), &NoProgress).unwrap();
        assert!((found.trace.value - reference.trace).abs() < 1e-12);
        assert!((found.frobenius_squared.value - reference.fro2).abs() < 1e-12);
        assert_eq!((found.trace.stderr, found.diagonal_stderr[3]), (0.0, 0.0));
        for (found, exact) in found.diagonal.iter().zip(&reference.hess_diag) {
            assert!((found - exact).abs() < 1e-12);
        }
    }

    #[test]
    fn probes_have_mean_zero() {
        // Uniform probes from [0, 1] would have mean ½.
        for kind in [Probe::Rademacher, Probe::Gaussian] {
            let mut v = vec![0.0; 100_000];
            kind.fill(&mut v, &mut stream(1, "probes"));
            assert!(statistics::mean(&v).abs() < 0.02);
            assert!((statistics::variance(&v) - 1.0).abs() < 0.02);
        }
    }

    #[test]
    fn cancelled_and_empty_calls_are_refused() {
        let a = DenseSymmetric::diagonal(&[1.0]);
        let mut rng = stream(0, "probes");
        let token = CancelToken::new();
        token.cancel();
        let ended = hutchinson(&a, 5, Probe::Rademacher, &mut rng, &token);
        assert_eq!(ended, Err(MathError::Cancelled));
        assert!(hutchinson(&a, 0, Probe::Rademacher, &mut rng, &()).is_err());
        let bad = DenseSymmetric::diagonal(&[f64::NAN]);
        assert!(hutchinson(&bad, 2, Probe::Rademacher, &mut rng, &()).is_err());
    }
}
