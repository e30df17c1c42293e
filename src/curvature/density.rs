//! The density of eigenvalues by stochastic Lanczos quadrature (Lin, Saad and
//! Yang 2016; Ghorbani, Krishnan and Xiao 2019; Papyan 2018).

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::top::TopSpectrum;
use crate::math::lanczos::Lanczos;
use crate::math::operator::Deflated;
use crate::math::smoothing::{UniformGrid, add_gaussians};
use crate::math::statistics::{self, Estimate};
use crate::math::trace::{Probe, at_least_one, probe_rng};
use crate::math::{MathError, Progress, SymmetricOperator};

/// Numbers that the bases of concurrent runs may take together (512 MiB).
const BASIS_NUMBERS: usize = 1 << 26;
/// Points of a curve at most.
const CURVE_POINTS: usize = 1 << 15;

/// How much work a density is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DensityOptions {
    /// Random probes, each an independent estimate.
    pub probes: usize,
    /// Lanczos steps for each probe.
    pub steps: usize,
    /// Distribution of the probes.
    #[serde(default)]
    pub probe: Probe,
}

impl Default for DensityOptions {
    fn default() -> Self {
        Self {
            probes: 10,
            steps: 80,
            probe: Probe::Rademacher,
        }
    }
}

/// The quadrature of one probe: vᵀf(H)v = Σ weight·f(node).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeRule {
    /// Ritz values, ascending.
    pub nodes: Vec<f64>,
    /// Their weights, which add up to 1.
    pub weights: Vec<f64>,
}

/// A spectral density as what was computed: raw nodes and weights. Curves are
/// made from it without another product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpectralDensity {
    /// n: multiply a density by it for counts.
    pub dimension: usize,
    /// Lanczos steps asked for.
    pub steps: usize,
    /// One rule for each probe.
    pub rules: Vec<ProbeRule>,
    /// Eigenvalues found exactly and taken out before probing, each of weight
    /// 1/n; the rules then describe the remaining n − k.
    pub exact: Vec<f64>,
    /// Smallest and largest node or exact eigenvalue.
    pub range: [f64; 2],
}

/// The width σ of the Gaussian kernel of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bandwidth {
    /// σ = range/steps.
    #[default]
    RangeOverSteps,
    /// σ = half range · 2/((m − 1)√(8 ln κ)) with κ = 3 (Papyan 2018).
    Papyan,
    /// σ² = 10⁻⁵·max(1, range) (Ghorbani et al. 2019): the published number is
    /// the variance.
    Ghorbani,
    /// σ itself.
    Sigma(f64),
}

/// A smoothed density on a linear axis. `y` integrates to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DensityCurve {
    /// Eigenvalues, equally spaced by at most σ/2.
    pub x: Vec<f64>,
    /// Mean density over the probes.
    pub y: Vec<f64>,
    /// y − standard error over the probes, not below zero.
    pub lower: Vec<f64>,
    /// y + standard error over the probes.
    pub upper: Vec<f64>,
    /// The σ used (wider than asked for where the grid would be too large).
    pub bandwidth: f64,
}

/// A smoothed density of log₁₀|λ|, for each sign. Both curves and the share
/// near zero together make 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogDensityCurve {
    /// log₁₀|λ|, equally spaced.
    pub log10: Vec<f64>,
    /// Density per decade of the positive eigenvalues.
    pub positive: Vec<f64>,
    /// Density per decade of the negative eigenvalues.
    pub negative: Vec<f64>,
    /// Share of the spectrum with |λ| below the floor.
    pub near_zero: f64,
    /// The floor.
    pub floor: f64,
    /// Width of the kernel in decades.
    pub bandwidth: f64,
}

/// Estimate the spectral density of `operator`.
///
/// With `deflate`, the eigenpairs found there that converged are taken out
/// first and enter exactly: the probes then resolve the bulk. Probes run in
/// parallel as far as memory allows, each with random numbers of its own; the
/// result does not depend on the number of threads. Progress counts products.
///
/// # Errors
/// `Argument` for no probes, no steps or an empty operator, `NotFinite`,
/// `Cancelled`.
pub fn spectral_density<A, R>(
    operator: &A,
    options: &DensityOptions,
    deflate: Option<&TopSpectrum>,
    rng: &mut R,
    progress: &dyn Progress,
) -> Result<SpectralDensity, MathError>
where
    A: SymmetricOperator + ?Sized,
    R: Rng + ?Sized,
{
    let n = operator.dim();
    at_least_one("the number of probes", options.probes)?;
    at_least_one("the number of Lanczos steps", options.steps)?;
    at_least_one("the dimension of the operator", n)?;
    let (exact, vectors) = converged_pairs(deflate);
    if exact.len() >= n {
        return Ok(SpectralDensity::new(n, options.steps, Vec::new(), exact));
    }
    let free = n - exact.len();
    let deflated = Deflated::new(operator, vectors)?;
    let steps = options.steps.min(free);

    let mut rngs: Vec<ChaCha8Rng> = (0..options.probes).map(|_| probe_rng(rng)).collect();
    let concurrent = (BASIS_NUMBERS / (n * steps)).clamp(1, options.probes);
    let spare: Mutex<Vec<(Lanczos, Vec<f64>)>> = Mutex::new(Vec::new());
    let (done, total) = (AtomicUsize::new(0), options.probes * steps);
    let run = |rng: &mut ChaCha8Rng| -> Result<ProbeRule, MathError> {
        let kept = spare.lock().ok().and_then(|mut spare| spare.pop());
        let (mut lanczos, mut start) =
            kept.unwrap_or_else(|| (Lanczos::new(n, steps), vec![0.0; n]));
        options.probe.fill(&mut start, rng);
        deflated.project(&mut start);
        let mut products = 0;
        let t = lanczos.run(&deflated, &start, progress, || {
            products += 1;
            progress.report(done.fetch_add(1, Ordering::Relaxed) + 1, total);
        })?;
        // A run that ended early is finished all the same.
        done.fetch_add(steps - products, Ordering::Relaxed);
        if let Ok(mut spare) = spare.lock() {
            spare.push((lanczos, start));
        }
        let ritz = t.ritz()?;
        Ok(ProbeRule {
            nodes: ritz.iter().map(|r| r.value).collect(),
            weights: ritz.iter().map(|r| r.weight).collect(),
        })
    };
    let mut rules = Vec::with_capacity(options.probes);
    for batch in rngs.chunks_mut(concurrent) {
        let found: Result<Vec<ProbeRule>, MathError> = batch.par_iter_mut().map(run).collect();
        rules.extend(found?);
    }
    progress.report(total, total);
    Ok(SpectralDensity::new(n, options.steps, rules, exact))
}

/// The pairs that may enter exactly: each eigenvector once.
fn converged_pairs(top: Option<&TopSpectrum>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let (mut values, mut vectors) = (Vec::new(), Vec::<Vec<f64>>::new());
    let Some(top) = top else {
        return (values, vectors);
    };
    let largest = top.eigenvalues.iter().zip(&top.vectors);
    let smallest = top.smallest.iter().zip(&top.smallest_vectors);
    for (estimate, vector) in largest.chain(smallest) {
        // Where both ends overlap the same pair appears twice.
        let known = vectors
            .iter()
            .any(|v| crate::math::vector::cosine(v, vector).abs() > 0.5);
        if estimate.converged && !known {
            values.push(estimate.value);
            vectors.push(vector.clone());
        }
    }
    (values, vectors)
}

impl SpectralDensity {
    pub(crate) fn new(
        dimension: usize,
        steps: usize,
        rules: Vec<ProbeRule>,
        exact: Vec<f64>,
    ) -> Self {
        let mut range = [f64::INFINITY, f64::NEG_INFINITY];
        for x in rules.iter().flat_map(|rule| &rule.nodes).chain(&exact) {
            range[0] = range[0].min(*x);
            range[1] = range[1].max(*x);
        }
        if range[0] > range[1] {
            range = [0.0, 0.0];
        }
        Self {
            dimension,
            steps,
            rules,
            exact,
            range,
        }
    }

    /// Share of the spectrum that the rules describe; the rest is exact.
    pub(super) fn probed_share(&self) -> f64 {
        let n = self.dimension.max(1) as f64;
        1.0 - self.exact.len() as f64 / n
    }

    /// Σ weight·f(node) over one rule and the exact eigenvalues: the mean of f
    /// over the spectrum as one probe sees it.
    fn mean_of(&self, rule: &ProbeRule, f: impl Fn(f64) -> f64) -> f64 {
        let probed: f64 = rule
            .nodes
            .iter()
            .zip(&rule.weights)
            .map(|(x, w)| w * f(*x))
            .sum();
        let exact: f64 = self.exact.iter().map(|x| f(*x)).sum();
        self.probed_share() * probed + exact / self.dimension.max(1) as f64
    }

    /// Mean of λ^p over the spectrum with its standard error over the probes:
    /// n times the first moment estimates the trace, n times the second the
    /// squared Frobenius norm.
    pub fn moment(&self, p: i32) -> Estimate {
        self.estimate(|x| x.powi(p))
    }

    /// Share of the eigenvalues with |λ| ≤ `threshold`.
    pub fn share_near_zero(&self, threshold: f64) -> Estimate {
        self.estimate(|x| if x.abs() <= threshold { 1.0 } else { 0.0 })
    }

    pub(super) fn estimate(&self, f: impl Fn(f64) -> f64) -> Estimate {
        if self.rules.is_empty() {
            let value =
                self.exact.iter().map(|x| f(*x)).sum::<f64>() / self.dimension.max(1) as f64;
            return Estimate { value, stderr: 0.0 };
        }
        let samples: Vec<f64> = self
            .rules
            .iter()
            .map(|rule| self.mean_of(rule, &f))
            .collect();
        Estimate::of_mean(&samples)
    }

    /// The kernel's standard deviation for a choice of bandwidth.
    pub fn sigma(&self, bandwidth: Bandwidth) -> f64 {
        let range = self.range[1] - self.range[0];
        let m = self.steps.max(2) as f64;
        match bandwidth {
            Bandwidth::RangeOverSteps => range / m,
            Bandwidth::Papyan => range / ((m - 1.0) * (8.0 * 3f64.ln()).sqrt()),
            Bandwidth::Ghorbani => (1e-5 * range.max(1.0)).sqrt(),
            Bandwidth::Sigma(sigma) => sigma,
        }
    }

    /// Every node of every probe with its weight in the whole (its share of
    /// the spectrum over the number of probes), and the exact eigenvalues: the
    /// raw stems. They add up to 1.
    pub fn stems(&self) -> Vec<(f64, f64)> {
        let share = self.probed_share() / self.rules.len().max(1) as f64;
        let unit = 1.0 / self.dimension.max(1) as f64;
        let mut stems: Vec<(f64, f64)> = self
            .rules
            .iter()
            .flat_map(|rule| rule.nodes.iter().zip(&rule.weights))
            .map(|(x, w)| (*x, share * w))
            .chain(self.exact.iter().map(|x| (*x, unit)))
            .collect();
        stems.sort_by(|a, b| a.0.total_cmp(&b.0));
        stems
    }

    /// The density on a linear axis, smoothed by a Gaussian, with its spread
    /// over the probes. It has at least `points` points, more where the kernel
    /// asks for them.
    pub fn curve(&self, bandwidth: Bandwidth, points: usize) -> DensityCurve {
        let [min, max] = self.range;
        let (grid, sigma) =
            UniformGrid::for_kernel(min, max, self.sigma(bandwidth), points, CURVE_POINTS);
        let share = self.probed_share();
        let unit = 1.0 / self.dimension.max(1) as f64;
        let mut exact = vec![0.0; grid.points];
        add_gaussians(
            self.exact.iter().map(|x| (*x, unit)),
            sigma,
            &grid,
            &mut exact,
        );
        let curves: Vec<Vec<f64>> = self
            .rules
            .par_iter()
            .map(|rule| {
                let mut y = vec![0.0; grid.points];
                let nodes = rule.nodes.iter().zip(&rule.weights);
                add_gaussians(nodes.map(|(x, w)| (*x, share * w)), sigma, &grid, &mut y);
                y
            })
            .collect();
        let mut y = Vec::with_capacity(grid.points);
        let mut lower = Vec::with_capacity(grid.points);
        let mut upper = Vec::with_capacity(grid.points);
        let mut samples = vec![0.0; curves.len()];
        for (i, exact) in exact.iter().enumerate() {
            for (sample, curve) in samples.iter_mut().zip(&curves) {
                *sample = curve[i];
            }
            let probed = if samples.is_empty() {
                0.0
            } else {
                statistics::mean(&samples)
            };
            let stderr = statistics::stderr(&samples);
            let spread = if stderr.is_finite() { stderr } else { 0.0 };
            y.push(exact + probed);
            lower.push((exact + probed - spread).max(0.0));
            upper.push(exact + probed + spread);
        }
        DensityCurve {
            x: grid.values(),
            y,
            lower,
            upper,
            bandwidth: sigma,
        }
    }

    /// The density of log₁₀|λ| for each sign, smoothed with `bandwidth` (in
    /// decades); what lies below `floor` is counted, not drawn.
    pub fn log_curve(&self, floor: f64, bandwidth: f64, points: usize) -> LogDensityCurve {
        let floor = if floor > 0.0 {
            floor
        } else {
            f64::MIN_POSITIVE
        };
        let top = self.range[0].abs().max(self.range[1].abs()).max(floor);
        let (grid, sigma) =
            UniformGrid::for_kernel(floor.log10(), top.log10(), bandwidth, points, CURVE_POINTS);
        let stems = self.stems();
        let side = |sign: f64| {
            let mut y = vec![0.0; grid.points];
            let nodes = stems
                .iter()
                .filter(|(x, _)| sign * x >= floor)
                .map(|(x, w)| ((sign * x).log10(), *w));
            add_gaussians(nodes, sigma, &grid, &mut y);
            y
        };
        LogDensityCurve {
            log10: grid.values(),
            positive: side(1.0),
            negative: side(-1.0),
            near_zero: stems
                .iter()
                .filter(|(x, _)| x.abs() < floor)
                .map(|s| s.1)
                .sum(),
            floor,
            bandwidth: sigma,
        }
    }
}

#[cfg(test)]
#[path = "density_tests.rs"]
mod tests;
