//! A spectrum in a few numbers.

use serde::{Deserialize, Serialize};

use super::density::{ProbeRule, SpectralDensity};
use super::exact::ExactSpectrum;
use crate::math::statistics::Estimate;

/// |λ| below this share of the largest counts as zero: rounding gives exact
/// zeros either sign.
const ZERO: f64 = 1e-6;

/// Functions of all eigenvalues, each with its standard error over the probes
/// (by the jackknife where it is not a mean); zero for an exact spectrum,
/// not-a-number for a single probe.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SpectrumSummary {
    /// Σλ.
    pub trace: Estimate,
    /// √Σλ².
    pub frobenius: Estimate,
    /// (Σ|λ|)²/Σλ²: how many eigenvalues of equal size would have these sums.
    pub effective_rank: Estimate,
    /// Σ_{λ<0}|λ|/Σ|λ|: the share of negative curvature.
    pub negative_mass: Estimate,
    /// Share of eigenvalues below −10⁻⁶ of the largest |λ|.
    pub negative_share: Estimate,
    /// Share of eigenvalues within 10⁻⁶ of the largest |λ| of zero.
    pub zero_share: Estimate,
}

/// Means over the spectrum of 1 (negative), 1 (zero), λ, |λ|, |λ| (negative),
/// λ².
type Means = [f64; 6];

fn means(stems: impl Iterator<Item = (f64, f64)>, zero: f64) -> Means {
    let mut sums = [0.0; 6];
    for (x, w) in stems {
        let terms = [
            if x < -zero { w } else { 0.0 },
            if x.abs() <= zero { w } else { 0.0 },
            w * x,
            w * x.abs(),
            w * (-x).max(0.0),
            w * x * x,
        ];
        for (sum, term) in sums.iter_mut().zip(terms) {
            *sum += term;
        }
    }
    sums
}

/// The numbers of the summary, in its order.
fn functions(m: &Means, n: f64) -> [f64; 6] {
    let [negative, zero, mean, size, below, square] = *m;
    [
        n * mean,
        (n * square).sqrt(),
        n * size * size / square,
        below / size,
        negative,
        zero,
    ]
}

impl SpectralDensity {
    /// The spectrum in a few numbers, with their errors.
    pub fn summary(&self) -> SpectrumSummary {
        let n = self.dimension.max(1) as f64;
        let zero = ZERO * self.range[0].abs().max(self.range[1].abs());
        let unit = 1.0 / n;
        let share = 1.0 - self.exact.len() as f64 * unit;
        let exact = means(self.exact.iter().map(|x| (*x, unit)), zero);
        let probe = |rule: &ProbeRule| {
            let stems = rule.nodes.iter().zip(&rule.weights);
            means(stems.map(|(x, w)| (*x, share * w)), zero)
        };
        let rules: Vec<Means> = self.rules.iter().map(probe).collect();
        let count = rules.len() as f64;
        let mut sums = [0.0; 6];
        for rule in &rules {
            for (sum, x) in sums.iter_mut().zip(rule) {
                *sum += x;
            }
        }
        let with = |probed: &Means, count: f64| -> [f64; 6] {
            let whole = std::array::from_fn(|k| {
                let probed = if count > 0.0 { probed[k] / count } else { 0.0 };
                exact[k] + probed
            });
            functions(&whole, n)
        };
        let values = with(&sums, count);
        let mut errors = [0.0; 6];
        if rules.len() == 1 {
            errors = [f64::NAN; 6];
        } else if !rules.is_empty() {
            // Jackknife (Efron and Stein 1981): leave out each probe in turn.
            let left: Vec<[f64; 6]> = rules
                .iter()
                .map(|rule| with(&std::array::from_fn(|k| sums[k] - rule[k]), count - 1.0))
                .collect();
            for (k, error) in errors.iter_mut().enumerate() {
                let centre = left.iter().map(|values| values[k]).sum::<f64>() / count;
                let squares: f64 = left.iter().map(|values| (values[k] - centre).powi(2)).sum();
                *error = (squares * (count - 1.0) / count).sqrt();
            }
        }
        summary(values, errors)
    }
}

impl ExactSpectrum {
    /// The spectrum in a few numbers, without error.
    pub fn summary(&self) -> SpectrumSummary {
        let n = self.eigenvalues.len().max(1) as f64;
        let zero = ZERO * crate::math::vector::max_abs(&self.eigenvalues);
        let stems = self.eigenvalues.iter().map(|x| (*x, 1.0 / n));
        summary(functions(&means(stems, zero), n), [0.0; 6])
    }
}

fn summary(values: [f64; 6], errors: [f64; 6]) -> SpectrumSummary {
    let at = |k: usize| Estimate {
        value: values[k],
        stderr: errors[k],
    };
    SpectrumSummary {
        trace: at(0),
        frobenius: at(1),
        effective_rank: at(2),
        negative_mass: at(3),
        negative_share: at(4),
        zero_share: at(5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curvature::{DensityOptions, exact_spectrum, spectral_density};
    use crate::math::golden;
    use crate::math::operator::DenseSymmetric;
    use crate::math::rng::stream;

    #[test]
    fn of_known_eigenvalues() {
        let a = DenseSymmetric::diagonal(&[3.0, 3.0, -2.0, 0.0]);
        let found = exact_spectrum(&a, &()).unwrap().summary();
        let close = |estimate: Estimate, expected: f64| {
            assert!((estimate.value - expected).abs() < 1e-12);
            assert_eq!(estimate.stderr, 0.0);
        };
        close(found.trace, 4.0);
        close(found.frobenius, 22f64.sqrt());
        close(found.effective_rank, 64.0 / 22.0);
        close(found.negative_mass, 0.25);
        close(found.negative_share, 0.25);
        close(found.zero_share, 0.25);
    }

    #[test]
    fn estimates_agree_with_the_exact_summary() {
        let hessian = golden::hessian(&golden::mlp());
        let exact = exact_spectrum(&hessian, &()).unwrap().summary();
        let options = DensityOptions {
            probes: 100,
            steps: 27,
            ..DensityOptions::default()
        };
        let density = spectral_density(&hessian, &options, None, &mut stream(2, "p"), &()).unwrap();
        let found = density.summary();
        for (found, exact) in [
            (found.trace, exact.trace),
            (found.frobenius, exact.frobenius),
            (found.effective_rank, exact.effective_rank),
            (found.negative_mass, exact.negative_mass),
            (found.negative_share, exact.negative_share),
            (found.zero_share, exact.zero_share),
        ] {
            assert!(found.stderr > 0.0);
            assert!(
                (found.value - exact.value).abs() <= 4.0 * found.stderr,
                "{found:?} {exact:?}"
            );
        }
        // The trace is the mean of the probes: the jackknife is its plain error.
        let moment = density.moment(1);
        assert!((found.trace.stderr - 27.0 * moment.stderr).abs() < 1e-10);
        let one = DensityOptions {
            probes: 1,
            ..options
        };
        let density = spectral_density(&hessian, &one, None, &mut stream(2, "p"), &()).unwrap();
        assert!(density.summary().trace.stderr.is_nan());
    }
}
