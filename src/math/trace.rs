//! Trace, Frobenius norm and diagonal of an operator from random probes.

use rand::{Rng, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;

use super::error::MathError;
use super::krylov::OrthonormalBasis;
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
    /// vᵀAv of each probe.
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
    let mut diagonal = vec![0.0; n];
    let mut samples = Vec::with_capacity(probes);
    let mut squares = Vec::with_capacity(probes);
    let mut slots: Vec<(Vec<f64>, Vec<f64>)> = (0..BATCH.min(probes))
        .map(|_| (vec![0.0; n], vec![0.0; n]))
        .collect();
    while samples.len() < probes {
        progress.check()?;
        let batch = BATCH.min(probes - samples.len());
        let mut rngs: Vec<ChaCha8Rng> = (0..batch).map(|_| probe_rng(rng)).collect();
        slots
            .par_iter_mut()
            .zip(&mut rngs)
            .try_for_each(|((v, product), rng)| {
                progress.check()?;
                kind.fill(v, rng);
                operator.apply(v, product);
                Ok::<_, MathError>(())
            })?;
        for (v, product) in &slots[..batch] {
            samples.push(vector::dot(v, product));
            squares.push(vector::norm_squared(product));
            for ((d, v), p) in diagonal.iter_mut().zip(v).zip(product) {
                *d += v * p;
            }
        }
        progress.report(samples.len(), probes);
    }
    if !squares.iter().all(|s| s.is_finite()) {
        return Err(MathError::NotFinite {
            what: "a product with the operator",
        });
    }
    vector::scale(1.0 / probes as f64, &mut diagonal);
    Ok(ProbeEstimates {
        trace: Estimate::of_mean(&samples),
        frobenius_squared: Estimate::of_mean(&squares),
        diagonal,
        samples,
    })
}

/// Trace by Hutch++ (Meyer, Musco, Musco and Woodruff 2021): a third of the
/// products finds the dominant range, a third takes its trace exactly, a third
/// estimates the rest. Its error falls with the number of products instead of
/// its root where few eigenvalues dominate. Returns the estimate and the
/// number of products used.
///
/// # Errors
/// `Argument` for fewer than three products, `NotFinite`, `Cancelled`.
pub fn hutch_plus_plus<A, R>(
    operator: &A,
    products: usize,
    rng: &mut R,
    progress: &dyn Progress,
) -> Result<(Estimate, usize), MathError>
where
    A: SymmetricOperator + ?Sized,
    R: Rng + ?Sized,
{
    let n = operator.dim();
    if products < 3 || n == 0 {
        return Err(MathError::Argument {
            what: "the number of products for Hutch++",
            found: products.to_string(),
            expected: "at least 3, for an operator that is not empty",
        });
    }
    let third = products / 3;
    let rank = third.min(n);
    let mut used = 0;
    let mut apply = |v: &[f64], out: &mut [f64]| -> Result<(), MathError> {
        progress.check()?;
        operator.apply(v, out);
        used += 1;
        progress.report(used.min(products), products);
        if vector::norm_squared(out).is_finite() {
            Ok(())
        } else {
            Err(MathError::NotFinite {
                what: "a product with the operator",
            })
        }
    };
    let mut basis = OrthonormalBasis::new(n, rank);
    let (mut v, mut w) = (vec![0.0; n], vec![0.0; n]);
    for _ in 0..rank {
        Probe::Gaussian.fill(&mut v, rng);
        apply(&v, &mut w)?;
        let before = vector::norm(&w);
        let length = basis.orthogonalize(&mut w);
        if length > 1e-10 * before {
            basis.push(&w, 1.0 / length);
        }
    }
    let mut exact = 0.0;
    for j in 0..basis.len() {
        basis.column(j, &mut v);
        apply(&v, &mut w)?;
        exact += vector::dot(&v, &w);
    }
    if basis.len() == n {
        let value = exact;
        return Ok((Estimate { value, stderr: 0.0 }, used));
    }
    let mut samples = Vec::with_capacity(third);
    for _ in 0..products - 2 * third {
        Probe::Rademacher.fill(&mut v, rng);
        basis.orthogonalize(&mut v);
        apply(&v, &mut w)?;
        samples.push(vector::dot(&v, &w));
    }
    let rest = Estimate::of_mean(&samples);
    let estimate = Estimate {
        value: exact + rest.value,
        stderr: rest.stderr,
    };
    Ok((estimate, used))
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
    fn hutch_plus_plus_is_exact_for_low_rank_and_better_for_decay() {
        let mut d = vec![0.0; 200];
        (d[3], d[60], d[61], d[150]) = (5.0, 2.0, -1.0, 0.5);
        let a = DenseSymmetric::diagonal(&d);
        let (found, used) = hutch_plus_plus(&a, 30, &mut stream(0, "probes"), &NoProgress).unwrap();
        assert!(used <= 30);
        assert!((found.value - 6.5).abs() < 1e-10);

        // Quickly falling eigenvalues in a random basis.
        let n = 150;
        let base =
            crate::math::dense::SymmetricEigen::new(n, random_symmetric(n, 2).elements()).unwrap();
        let mut elements = vec![0.0; n * n];
        let mut trace = 0.0;
        for k in 0..n {
            let value = 10.0 / (1.0 + k as f64).powi(2);
            trace += value;
            for i in 0..n {
                vector::axpy(
                    value * base.vector(k)[i],
                    base.vector(k),
                    &mut elements[i * n..(i + 1) * n],
                );
            }
        }
        let a = DenseSymmetric::new(n, elements).unwrap();
        let (mut plain, mut better) = (0.0f64, 0.0f64);
        for seed in 0..20 {
            let mut rng = stream(seed, "probes");
            let estimate = hutchinson(&a, 45, Probe::Rademacher, &mut rng, &NoProgress).unwrap();
            plain += (estimate.trace.value - trace).powi(2);
            let (estimate, _) = hutch_plus_plus(&a, 45, &mut rng, &NoProgress).unwrap();
            better += (estimate.value - trace).powi(2);
        }
        assert!(better < 0.1 * plain, "{better} {plain}");
        // Products enough for the whole space leave no error.
        let small = random_symmetric(5, 3);
        let exact: f64 = (0..5).map(|i| small.elements()[6 * i]).sum();
        let (found, _) = hutch_plus_plus(&small, 30, &mut stream(0, "p"), &NoProgress).unwrap();
        assert!((found.value - exact).abs() < 1e-12 && found.stderr == 0.0);
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
        assert!(hutch_plus_plus(&a, 2, &mut rng, &()).is_err());
        let bad = DenseSymmetric::diagonal(&[f64::NAN]);
        assert!(hutchinson(&bad, 2, Probe::Rademacher, &mut rng, &()).is_err());
    }
}
