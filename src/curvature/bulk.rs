//! What stands out of a spectral density, how much of it lies where, and how an
//! estimate compares with the exact spectrum.

use serde::{Deserialize, Serialize};

use super::density::SpectralDensity;
use super::exact::ExactSpectrum;
use super::top::TopSpectrum;
use crate::math::floats;
use crate::math::smoothing::{UniformGrid, add_gaussians};
use crate::math::statistics::Estimate;

/// A node whose weight is less than this share of one eigenvalue is no sign of
/// an eigenvalue: it only fills a gap.
const FAINT: f64 = 0.05;
/// Places at which cumulative distributions are compared.
const PLACES: usize = 512;

/// The eigenvalues beyond the bulk of a spectrum.
///
/// The bulk grows from the spectrum's median: every node of the quadrature
/// (with at least a twentieth of one eigenvalue's weight) and every converged
/// eigenvalue within `separation` of its edge belongs to it and moves the edge.
/// The converged eigenvalues that remain are the outliers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outliers {
    /// Smallest and largest value of the bulk.
    pub edges: [f64; 2],
    /// The largest gap within the bulk: the bandwidth of the density.
    pub separation: f64,
    /// Converged eigenvalues above the bulk, descending.
    pub above: Vec<f64>,
    /// Converged eigenvalues below the bulk, ascending.
    pub below: Vec<f64>,
    /// How many more eigenvalues the density sees beyond the edges that were
    /// not found one by one, from the weights of their nodes.
    pub further: f64,
}

impl SpectralDensity {
    /// The outliers, told from the bulk by gaps wider than `separation`.
    pub fn outliers(&self, separation: f64) -> Outliers {
        let n = self.dimension.max(1) as f64;
        let share = self.probed_share();
        let mut candidates: Vec<f64> = self.exact.clone();
        for rule in &self.rules {
            let nodes = rule.nodes.iter().zip(&rule.weights);
            candidates.extend(
                nodes
                    .filter(|(_, w)| share * *w * n >= FAINT)
                    .map(|(x, _)| *x),
            );
        }
        candidates.sort_by(f64::total_cmp);
        let median = self.median();
        let start = candidates.partition_point(|x| *x < median);
        let (mut low, mut high) = (median, median);
        for x in &candidates[start..] {
            if x - high > separation {
                break;
            }
            high = *x;
        }
        for x in candidates[..start].iter().rev() {
            if low - x > separation {
                break;
            }
            low = *x;
        }
        let mut above: Vec<f64> = self.exact.iter().copied().filter(|x| *x > high).collect();
        above.sort_by(|a, b| b.total_cmp(a));
        let mut below: Vec<f64> = self.exact.iter().copied().filter(|x| *x < low).collect();
        below.sort_by(f64::total_cmp);
        let beyond = |x: f64| x > high || x < low;
        let probed: f64 = self
            .rules
            .iter()
            .flat_map(|rule| rule.nodes.iter().zip(&rule.weights))
            .filter(|(x, _)| beyond(**x))
            .map(|(_, w)| *w)
            .sum();
        Outliers {
            edges: [low, high],
            separation,
            above,
            below,
            further: n * share * probed / self.rules.len().max(1) as f64,
        }
    }

    /// The value that half of the spectrum's weight lies below.
    fn median(&self) -> f64 {
        let mut sum = 0.0;
        let stems = self.stems();
        for (x, w) in &stems {
            sum += w;
            if sum >= 0.5 {
                return *x;
            }
        }
        stems.last().map_or(0.0, |(x, _)| *x)
    }

    /// Share of the spectrum in the interval, each eigenvalue smoothed by a
    /// Gaussian of standard deviation `sigma` (0 for none), with its standard
    /// error over the probes. Sharp edges are resolved no better than the nodes
    /// lie apart; a `sigma` of the density's bandwidth makes the estimate
    /// unbiased but for the probes.
    pub fn mass(&self, interval: [f64; 2], sigma: f64) -> Estimate {
        self.estimate(|x| cumulative(interval[1] - x, sigma) - cumulative(interval[0] - x, sigma))
    }
}

impl SpectralDensity {
    /// The mean density over the probes at given, equally spaced places, for
    /// pictures of several densities over common axes. `sigma` should be at
    /// least twice the spacing.
    pub fn on_grid(&self, grid: &UniformGrid, sigma: f64) -> Vec<f64> {
        let mut y = vec![0.0; grid.points];
        add_gaussians(self.stems(), sigma, grid, &mut y);
        y
    }

    /// The density of log₁₀(sign·λ) of the eigenvalues of one sign at places on
    /// that axis, per decade; `sigma` in decades.
    pub fn on_log_grid(&self, grid: &UniformGrid, sigma: f64, sign: f64) -> Vec<f64> {
        let mut y = vec![0.0; grid.points];
        let nodes = self.stems().into_iter().filter(|(x, _)| sign * x > 0.0);
        let nodes = nodes.map(|(x, w)| ((sign * x).log10(), w));
        add_gaussians(nodes, sigma, grid, &mut y);
        y
    }
}

/// The normal distribution function of x/σ; a step where σ is 0.
fn cumulative(x: f64, sigma: f64) -> f64 {
    if sigma > 0.0 {
        0.5 * libm::erfc(-x / (sigma * std::f64::consts::SQRT_2))
    } else if x >= 0.0 {
        1.0
    } else {
        0.0
    }
}

/// How an estimated spectrum differs from the exact one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Largest difference of the share of eigenvalues below any λ, both
    /// smoothed by the same kernel.
    pub share: f64,
    /// The λ where it is.
    pub at: f64,
    /// The standard error that the estimate states there.
    #[serde(with = "floats::cell")]
    pub stderr: f64,
    /// Standard deviation of the kernel.
    pub bandwidth: f64,
    /// Largest distance of a converged end of the spectrum from the exact
    /// eigenvalue of the same rank; none where no end converged.
    pub eigenvalue: Option<f64>,
}

/// Compares a density and the ends found with the exact spectrum of the same
/// matrix.
pub fn verify(
    density: &SpectralDensity,
    top: Option<&TopSpectrum>,
    exact: &ExactSpectrum,
    sigma: f64,
) -> Verification {
    let truth = exact.density(density.steps);
    let low = density.range[0].min(truth.range[0]) - 3.0 * sigma;
    let high = density.range[1].max(truth.range[1]) + 3.0 * sigma;
    let mut found = Verification {
        share: 0.0,
        at: low,
        stderr: 0.0,
        bandwidth: sigma,
        eigenvalue: None,
    };
    for k in 0..PLACES {
        let at = low + (high - low) * k as f64 / (PLACES - 1) as f64;
        let below = [f64::NEG_INFINITY, at];
        let estimate = density.mass(below, sigma);
        let difference = (estimate.value - truth.mass(below, sigma).value).abs();
        if difference > found.share {
            found.share = difference;
            found.at = at;
            found.stderr = estimate.stderr;
        }
    }
    if let Some(top) = top {
        let largest = top.eigenvalues.iter().zip(&exact.eigenvalues);
        let smallest = top.smallest.iter().zip(exact.eigenvalues.iter().rev());
        found.eigenvalue = largest
            .chain(smallest)
            .filter(|(estimate, _)| estimate.converged)
            .map(|(estimate, exact)| (estimate.value - exact).abs())
            .reduce(f64::max);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curvature::{
        DensityOptions, ExtremalOptions, exact_spectrum, spectral_density, top_eigenvalues,
    };
    use crate::math::golden;
    use crate::math::operator::DenseSymmetric;
    use crate::math::rng::stream;

    /// Four hundred eigenvalues in [−0.5, 0.5] and three above, one below.
    fn spiked() -> DenseSymmetric {
        let mut values: Vec<f64> = (0..400).map(|k| k as f64 / 400.0 - 0.5).collect();
        values.extend([4.0, 6.0, 9.0, -3.0]);
        DenseSymmetric::diagonal(&values)
    }

    fn density(a: &DenseSymmetric, top: usize) -> (SpectralDensity, TopSpectrum) {
        let options = ExtremalOptions {
            largest: top,
            smallest: 1,
            tolerance: 1e-8,
            ..ExtremalOptions::default()
        };
        let mut random = stream(1, "probes");
        let top = top_eigenvalues(a, &options, &[], &mut random, &()).unwrap();
        let options = DensityOptions {
            probes: 8,
            steps: 40,
            ..DensityOptions::default()
        };
        let found = spectral_density(a, &options, Some(&top), &mut random, &()).unwrap();
        (found, top)
    }

    #[test]
    fn spikes_stand_out_of_the_bulk() {
        let (found, _) = density(&spiked(), 3);
        let outliers = found.outliers(0.3);
        assert_eq!(outliers.above.len(), 3);
        for (found, expected) in outliers.above.iter().zip([9.0, 6.0, 4.0]) {
            assert!((found - expected).abs() < 1e-9);
        }
        assert_eq!(outliers.below.len(), 1);
        assert!((outliers.below[0] + 3.0).abs() < 1e-9);
        assert!(outliers.further < 1e-9);
        assert!(outliers.edges[0] >= -0.5 - 1e-9 && outliers.edges[1] <= 0.5);
        assert!(outliers.edges[1] > 0.4 && outliers.edges[0] < -0.4);
        // Gaps that are allowed to be wide make one bulk of it.
        let wide = found.outliers(6.0);
        assert!(wide.above.is_empty() && wide.below.is_empty());
    }

    #[test]
    fn spikes_that_were_not_looked_for_are_counted() {
        // Of three only one was asked for: the weights tell of the others.
        let (found, _) = density(&spiked(), 1);
        let outliers = found.outliers(0.3);
        assert_eq!(outliers.above.len(), 1);
        assert!((outliers.further - 2.0).abs() < 1e-6, "{outliers:?}");
    }

    #[test]
    fn mass_lies_within_its_band() {
        // Of a diagonal matrix Rademacher probes know everything.
        let hessian = golden::random_symmetric(180, 4);
        let exact = exact_spectrum(&hessian, &()).unwrap();
        let (low, high) = (exact.eigenvalues[179], exact.eigenvalues[0]);
        let mut outside = 0;
        let mut checked = 0;
        for (probes, seed) in [(4, 1), (10, 2), (30, 3)] {
            let options = DensityOptions {
                probes,
                steps: 40,
                ..DensityOptions::default()
            };
            let mut random = stream(seed, "probes");
            let found = spectral_density(&hessian, &options, None, &mut random, &()).unwrap();
            let sigma = found.sigma(crate::curvature::Bandwidth::default());
            let truth = exact.density(40);
            for k in 0..10 {
                let at = |k: usize| low + (high - low) * k as f64 / 10.0;
                let interval = [at(k), at(k + 1)];
                let estimate = found.mass(interval, sigma);
                let expected = truth.mass(interval, sigma).value;
                let error = (estimate.value - expected).abs();
                assert!(estimate.stderr > 0.0);
                assert!(
                    error <= 4.5 * estimate.stderr + 1e-9,
                    "{probes} {k}: {error}"
                );
                outside += usize::from(error > 2.0 * estimate.stderr);
                checked += 1;
            }
            let whole = found.mass([f64::NEG_INFINITY, f64::INFINITY], sigma);
            assert!((whole.value - 1.0).abs() < 1e-9);
        }
        // Two standard errors hold for all but a few of the intervals.
        assert!(6 * outside <= checked, "{outside} of {checked}");
    }

    #[test]
    fn verification_finds_what_is_wrong() {
        let a = golden::random_symmetric(120, 9);
        let (found, top) = density(&a, 3);
        let exact = exact_spectrum(&a, &()).unwrap();
        let sigma = found.sigma(crate::curvature::Bandwidth::default());
        let right = verify(&found, Some(&top), &exact, sigma);
        assert!(right.share < 5.0 * right.stderr.max(2e-3), "{right:?}");
        assert!(right.eigenvalue.is_some_and(|error| error < 1e-6));
        // Another matrix: everything moved by a tenth of the range.
        let shift = 0.1 * (found.range[1] - found.range[0]);
        let mut moved = exact.clone();
        moved.eigenvalues.iter_mut().for_each(|x| *x += shift);
        let wrong = verify(&found, Some(&top), &moved, sigma);
        assert!(wrong.share > 4.0 * right.share);
        assert!(wrong.eigenvalue.is_some_and(|e| (e - shift).abs() < 1e-5));
    }
}
