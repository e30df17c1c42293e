//! Traces that use the dominant range of an operator: where few eigenvalues
//! outweigh the rest, the error falls with the number of products and not with
//! its root.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::error::MathError;
use super::krylov::OrthonormalBasis;
use super::operator::SymmetricOperator;
use super::progress::Progress;
use super::statistics::Estimate;
use super::trace::{Probe, by_unit_vectors, multiply, probe_rng};
use super::vector;

/// Numbers that a basis takes at most (512 MiB).
const BASIS_NUMBERS: usize = 1 << 26;
/// Share of a product below which what is new in it is rounding.
const NEW: f64 = 1e-10;

/// An orthonormal basis Q of the range of A that `rank` Gaussian vectors ω
/// reach.
struct Range {
    q: OrthonormalBasis,
    /// Generators of the ω.
    rngs: Vec<ChaCha8Rng>,
    /// The upper triangle R of AΩ = QR, column after column.
    r: Vec<f64>,
    /// What of A is outside Q, where one of the products brought nothing new:
    /// then Q holds the whole range.
    whole: Option<f64>,
}

impl Range {
    fn find<A, R>(
        operator: &A,
        rank: usize,
        rng: &mut R,
        progress: &dyn Progress,
        total: usize,
    ) -> Result<Self, MathError>
    where
        A: SymmetricOperator + ?Sized,
        R: Rng + ?Sized,
    {
        let mut q = OrthonormalBasis::new(operator.dim(), rank);
        let rngs: Vec<ChaCha8Rng> = (0..rank).map(|_| probe_rng(rng)).collect();
        let mut r = vec![0.0; rank * rank];
        let mut whole: Option<f64> = None;
        multiply(
            operator,
            rank,
            |j, v| Probe::Gaussian.fill(v, &mut rngs[j].clone()),
            progress,
            (0, total),
            |j, _, product| {
                let before = vector::norm(product);
                let length = q.orthogonalize(product);
                let k = q.len();
                if length > NEW * before {
                    r[j * rank..j * rank + k].copy_from_slice(q.coefficients());
                    r[j * rank + k] = length;
                    q.push(product, 1.0 / length);
                } else {
                    whole = Some(whole.unwrap_or(0.0).max(length));
                }
                Ok(())
            },
        )?;
        Ok(Self { q, rngs, r, whole })
    }

    /// QᵀAQ, column after column.
    fn projected<A: SymmetricOperator + ?Sized>(
        &mut self,
        operator: &A,
        progress: &dyn Progress,
        (done, total): (usize, usize),
    ) -> Result<Vec<f64>, MathError> {
        let k = self.q.len();
        let mut h = vec![0.0; k * k];
        // Reading the columns and projecting on them alternate: copies of the
        // columns would take as much memory again.
        let mut columns: Vec<Vec<f64>> = Vec::new();
        const AT_ONCE: usize = 64;
        for from in (0..k).step_by(AT_ONCE) {
            let count = AT_ONCE.min(k - from);
            columns.resize_with(count, Vec::new);
            for (j, column) in columns.iter_mut().enumerate() {
                column.resize(operator.dim(), 0.0);
                self.q.column(from + j, column);
            }
            let q = &mut self.q;
            multiply(
                operator,
                count,
                |j, v| v.copy_from_slice(&columns[j]),
                progress,
                (done + from, total),
                |j, _, product| {
                    q.orthogonalize(product);
                    h[(from + j) * k..(from + j + 1) * k].copy_from_slice(q.coefficients());
                    Ok(())
                },
            )?;
        }
        super::operator::symmetrize(k, &mut h);
        Ok(h)
    }
}

fn enough(method: &'static str, products: usize, least: usize, n: usize) -> Result<(), MathError> {
    if products < least || n == 0 {
        return Err(MathError::Argument {
            what: method,
            found: products.to_string(),
            expected: "at least 3 (Hutch++) or 4 (XTrace), for an operator that is not empty",
        });
    }
    Ok(())
}

fn exact<A: SymmetricOperator + ?Sized>(
    operator: &A,
    progress: &dyn Progress,
) -> Result<(Estimate, usize), MathError> {
    let found = by_unit_vectors(operator, progress)?;
    Ok((found.trace, operator.dim()))
}

fn diagonal_sum(h: &[f64], k: usize) -> f64 {
    (0..k).map(|i| h[i * k + i]).sum()
}

/// Trace by Hutch++ (Meyer, Musco, Musco and Woodruff 2021): a third of the
/// products finds the dominant range, a third takes its trace exactly, a third
/// estimates the rest. Exact, with a standard error of zero, where there are
/// products for all n unit vectors. Returns the estimate and the number of
/// products used.
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
    enough("the number of products for Hutch++", products, 3, n)?;
    if products >= n {
        return exact(operator, progress);
    }
    let rank = (products / 3).min(BASIS_NUMBERS / n).max(1);
    let mut range = Range::find(operator, rank, rng, progress, products)?;
    let h = range.projected(operator, progress, (rank, products))?;
    let k = range.q.len();
    let dominant = diagonal_sum(&h, k);
    if let Some(stderr) = range.whole {
        let value = dominant;
        return Ok((Estimate { value, stderr }, rank + k));
    }
    let probes = products - rank - k;
    // (I − QQᵀ)v for all probes first: the basis is not shared while it works.
    let rngs: Vec<ChaCha8Rng> = (0..probes).map(|_| probe_rng(rng)).collect();
    let mut samples = Vec::with_capacity(probes);
    let mut batch: Vec<Vec<f64>> = Vec::new();
    const AT_ONCE: usize = 16;
    for from in (0..probes).step_by(AT_ONCE) {
        let count = AT_ONCE.min(probes - from);
        batch.resize_with(count, Vec::new);
        for (i, v) in batch.iter_mut().enumerate() {
            v.resize(n, 0.0);
            Probe::Rademacher.fill(v, &mut rngs[from + i].clone());
            range.q.orthogonalize(v);
        }
        multiply(
            operator,
            count,
            |i, v| v.copy_from_slice(&batch[i]),
            progress,
            (rank + k + from, products),
            |_, v, product| {
                samples.push(vector::dot(v, product));
                Ok(())
            },
        )?;
    }
    let rest = Estimate::of_mean(&samples);
    let estimate = Estimate {
        value: dominant + rest.value,
        stderr: rest.stderr,
    };
    Ok((estimate, products))
}

/// Trace by XTrace (Epperly, Tropp and Webber 2024, "XTrace: making the most of
/// every sample in stochastic trace estimation"): half of the products finds
/// the dominant range Q, half takes its trace; each of the k vectors that found
/// it is then a probe of what the others leave out, so that none is used for
/// one purpose only. The standard error is that of the k leave-one-out
/// estimates, s/√k; since they share most of Q it is optimistic: on trained
/// networks the error was up to 1.8 times as large. Exact, with a standard
/// error of zero, where there are products for all n unit vectors. Returns the
/// estimate and the number of products used.
///
/// With A symmetric, w = Qᵀω, r = QᵀAω, s the unit vector orthogonal to the
/// other columns of R, a = sᵀw and u = w − as, the i-th estimate is
/// tr H − sᵀHs + (n − k + 1)/‖ω − Qu‖² · (wᵀr − 2uᵀr + uᵀHu), H = QᵀAQ: the
/// probe is scaled to the length that makes it uniform on a sphere (their
/// section 2.3).
///
/// # Errors
/// `Argument` for fewer than four products, `NotFinite`, `Cancelled`.
pub fn xtrace<A, R>(
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
    enough("the number of products for XTrace", products, 4, n)?;
    if products >= n {
        return exact(operator, progress);
    }
    let rank = (products / 2).min(BASIS_NUMBERS / n).max(2);
    let mut range = Range::find(operator, rank, rng, progress, products)?;
    let h = range.projected(operator, progress, (rank, products))?;
    let k = range.q.len();
    let dominant = diagonal_sum(&h, k);
    if let Some(stderr) = range.whole {
        let value = dominant;
        return Ok((Estimate { value, stderr }, rank + k));
    }
    let times =
        |x: &[f64]| -> Vec<f64> { h.chunks_exact(k).map(|row| vector::dot(row, x)).collect() };
    let mut omega = vec![0.0; n];
    let mut estimates = Vec::with_capacity(k);
    for i in 0..k {
        progress.check()?;
        Probe::Gaussian.fill(&mut omega, &mut range.rngs[i].clone());
        let outside = range.q.orthogonalize(&mut omega);
        let w = range.q.coefficients();
        let r = &range.r[i * k..(i + 1) * k];
        let s = orthogonal_to_others(&range.r, k, i);
        let a = vector::dot(&s, w);
        let mut u = w.to_vec();
        vector::axpy(-a, &s, &mut u);
        let length_squared = outside * outside + a * a;
        let rest = vector::dot(w, r) - 2.0 * vector::dot(&u, r) + vector::dot(&u, &times(&u));
        let scale = (n - k + 1) as f64 / length_squared;
        estimates.push(dominant - vector::dot(&s, &times(&s)) + scale * rest);
    }
    Ok((Estimate::of_mean(&estimates), 2 * rank))
}

/// The unit vector orthogonal to all columns but the i-th of a regular upper
/// triangle: Rᵀs ∝ e_i, by forward substitution.
fn orthogonal_to_others(r: &[f64], k: usize, i: usize) -> Vec<f64> {
    let mut s = vec![0.0; k];
    for p in i..k {
        let column = &r[p * k..(p + 1) * k];
        let known = vector::dot(&column[i..p], &s[i..p]);
        let right = if p == i { 1.0 } else { 0.0 };
        s[p] = (right - known) / column[p];
        // The scale is free: keep it where nothing overflows.
        if s[p].abs() > 1e100 {
            vector::scale(1e-100, &mut s);
        }
    }
    vector::normalize(&mut s);
    s
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::dense::SymmetricEigen;
    use crate::math::golden::random_symmetric;
    use crate::math::operator::DenseSymmetric;
    use crate::math::rng::stream;
    use crate::math::trace::hutchinson;
    use crate::math::{CancelToken, NoProgress};

    /// Given eigenvalues in a random basis.
    fn with_spectrum(values: &[f64], seed: u64) -> DenseSymmetric {
        let n = values.len();
        let base = SymmetricEigen::new(n, random_symmetric(n, seed).elements()).unwrap();
        let mut elements = vec![0.0; n * n];
        for (k, value) in values.iter().enumerate() {
            let v = base.vector(k);
            for i in 0..n {
                vector::axpy(value * v[i], v, &mut elements[i * n..(i + 1) * n]);
            }
        }
        DenseSymmetric::new(n, elements).unwrap()
    }

    type Method = fn(
        &DenseSymmetric,
        usize,
        &mut ChaCha8Rng,
        &dyn Progress,
    ) -> Result<(Estimate, usize), MathError>;

    const METHODS: [Method; 2] = [
        |a, m, rng, progress| hutch_plus_plus(a, m, rng, progress),
        |a, m, rng, progress| xtrace(a, m, rng, progress),
    ];

    #[test]
    fn low_rank_is_exact() {
        let mut d = vec![0.0; 200];
        (d[3], d[60], d[61], d[150]) = (5.0, 2.0, -1.0, 0.5);
        let a = DenseSymmetric::diagonal(&d);
        for method in METHODS {
            let (found, used) = method(&a, 30, &mut stream(0, "probes"), &NoProgress).unwrap();
            assert!(used <= 30);
            assert!((found.value - 6.5).abs() < 1e-9, "{}", found.value);
            assert!(found.stderr < 1e-8);
            let zero = DenseSymmetric::diagonal(&[0.0; 50]);
            let (found, _) = method(&zero, 12, &mut stream(0, "probes"), &NoProgress).unwrap();
            assert_eq!((found.value, found.stderr), (0.0, 0.0));
        }
    }

    #[test]
    fn products_for_the_whole_space_leave_no_error() {
        let small = random_symmetric(5, 3);
        let exact: f64 = (0..5).map(|i| small.elements()[6 * i]).sum();
        for method in METHODS {
            let (found, used) = method(&small, 30, &mut stream(0, "p"), &NoProgress).unwrap();
            assert!((found.value - exact).abs() < 1e-12 && found.stderr == 0.0);
            assert_eq!(used, 5);
        }
    }

    /// Mean square error over many seeds, and the mean of the squared standard
    /// errors.
    fn errors(
        a: &DenseSymmetric,
        trace: f64,
        mut estimate: impl FnMut(&DenseSymmetric, &mut ChaCha8Rng) -> Estimate,
    ) -> (f64, f64) {
        let seeds = 60;
        let (mut real, mut claimed) = (0.0, 0.0);
        for seed in 0..seeds {
            let found = estimate(a, &mut stream(seed, "probes"));
            real += (found.value - trace).powi(2);
            claimed += found.stderr.powi(2);
        }
        (real / seeds as f64, claimed / seeds as f64)
    }

    #[test]
    fn falling_spectra_gain_and_standard_errors_are_true() {
        let n = 150;
        let m = 44;
        // Fast decay, and outliers above a bulk of both signs.
        let decay: Vec<f64> = (0..n).map(|k| 10.0 / (1.0 + k as f64).powi(2)).collect();
        let outliers: Vec<f64> = (0..n)
            .map(|k| match k {
                0..8 => 20.0 - k as f64,
                _ => 0.3 * (k as f64 * 1.7).sin(),
            })
            .collect();
        for values in [decay, outliers] {
            let trace: f64 = values.iter().sum();
            let a = with_spectrum(&values, 2);
            let (plain, _) = errors(&a, trace, |a, rng| {
                hutchinson(a, m, Probe::Rademacher, rng, &NoProgress)
                    .unwrap()
                    .trace
            });
            let [meyer, epperly] = METHODS.map(|method| {
                let (real, claimed) = errors(&a, trace, |a, rng| {
                    method(a, m, rng, &NoProgress).unwrap().0
                });
                let ratio = (claimed / real).sqrt();
                assert!((0.5..2.0).contains(&ratio), "{ratio}");
                real
            });
            assert!(meyer < 0.2 * plain, "{meyer} {plain}");
            assert!(epperly < 0.1 * plain, "{epperly} {plain}");
            assert!(epperly < meyer, "{epperly} {meyer}");
        }
    }

    #[test]
    fn flat_spectra_stay_unbiased() {
        let a = random_symmetric(60, 8);
        let trace: f64 = (0..60).map(|i| a.elements()[61 * i]).sum();
        for method in METHODS {
            let mut sum = 0.0;
            let mut square = 0.0;
            for seed in 0..100 {
                let found = method(&a, 20, &mut stream(seed, "p"), &NoProgress)
                    .unwrap()
                    .0;
                sum += found.value - trace;
                square += (found.value - trace).powi(2);
            }
            let (mean, spread) = (sum / 100.0, (square / 100.0f64).sqrt());
            assert!(mean.abs() < 3.0 * spread / 10.0, "{mean} {spread}");
        }
    }

    #[test]
    fn threads_do_not_change_a_bit_and_misuse_is_refused() {
        let a = random_symmetric(120, 1);
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let token = CancelToken::new();
        token.cancel();
        for method in METHODS {
            let run = || method(&a, 50, &mut stream(0, "p"), &NoProgress).unwrap();
            assert_eq!(pool(1).unwrap().install(run), pool(4).unwrap().install(run));
            assert!(method(&a, 2, &mut stream(0, "p"), &NoProgress).is_err());
            let ended = method(&a, 20, &mut stream(0, "p"), &token);
            assert_eq!(ended, Err(MathError::Cancelled));
            let bad = DenseSymmetric::diagonal(&[f64::NAN; 30]);
            assert!(method(&bad, 12, &mut stream(0, "p"), &NoProgress).is_err());
        }
    }
}
