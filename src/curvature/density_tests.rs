//! Tests of the spectral density.

use super::*;
use crate::curvature::{ExtremalOptions, exact_spectrum, top_eigenvalues};
use crate::math::golden::{self, gaussian, random_symmetric};
use crate::math::operator::DenseSymmetric;
use crate::math::progress::{CancelToken, Reporting};
use crate::math::rng::stream;
use crate::math::smoothing::trapezoid;
use crate::math::vector;

fn density<A: SymmetricOperator>(a: &A, probes: usize, steps: usize) -> SpectralDensity {
    let options = DensityOptions {
        probes,
        steps,
        ..DensityOptions::default()
    };
    spectral_density(a, &options, None, &mut stream(0, "probes"), &()).unwrap()
}

fn integral(x: &[f64], y: &[f64]) -> f64 {
    trapezoid(y, x[1] - x[0])
}

#[test]
fn every_curve_integrates_to_one_and_resolves_its_kernel() {
    let a = random_symmetric(150, 1);
    let found = density(&a, 4, 30);
    for bandwidth in [
        Bandwidth::RangeOverSteps,
        Bandwidth::Papyan,
        Bandwidth::Ghorbani,
        Bandwidth::Sigma(0.5),
        Bandwidth::Sigma(1e-9),
    ] {
        let curve = found.curve(bandwidth, 200);
        assert!((integral(&curve.x, &curve.y) - 1.0).abs() < 1e-6);
        let spacing = curve.x[1] - curve.x[0];
        assert!(spacing <= 0.5 * curve.bandwidth * (1.0 + 1e-9));
        for i in 0..curve.y.len() {
            assert!(curve.lower[i] <= curve.y[i] && curve.y[i] <= curve.upper[i]);
        }
    }
    // Ghorbani's number is a variance: 1e-5·range, not a width.
    let range = found.range[1] - found.range[0];
    let sigma = found.sigma(Bandwidth::Ghorbani);
    assert!((sigma * sigma - 1e-5 * range.max(1.0)).abs() < 1e-15);
    // Papyan's rule: at distance 2/(m−1) of the half range the kernel has
    // fallen by the factor κ = 3 at the middle.
    let m = 30.0;
    let half_distance = 0.5 * range / (m - 1.0);
    let sigma = found.sigma(Bandwidth::Papyan);
    let fall = (0.5 * (half_distance / sigma).powi(2)).exp();
    assert!((fall - 3.0).abs() < 1e-9, "{fall}");
}

#[test]
fn moments_agree_with_the_exact_ones() {
    let reference = golden::mlp();
    let hessian = golden::hessian(&reference);
    let found = density(&hessian, 200, 12);
    let n = reference.theta.len() as f64;
    for (p, exact) in [(0, n), (1, reference.trace), (2, reference.fro2)] {
        let moment = found.moment(p);
        assert!((n * moment.value - exact).abs() <= 4.0 * n * moment.stderr + 1e-10);
    }
    for rule in &found.rules {
        assert!((rule.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
    let stems: f64 = found.stems().iter().map(|s| s.1).sum();
    assert!((stems - 1.0).abs() < 1e-12);
}

#[test]
fn edges_of_the_marchenko_pastur_law() {
    // M = ZZᵀ/m, n/m = ½: the edges are (1 ± √½)².
    let (n, m) = (400, 800);
    let z = gaussian(n * m, 7);
    let mut elements = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let x = vector::dot(&z[i * m..(i + 1) * m], &z[j * m..(j + 1) * m]) / m as f64;
            elements[i * n + j] = x;
            elements[j * n + i] = x;
        }
    }
    let a = DenseSymmetric::new(n, elements).unwrap();
    let found = density(&a, 40, 60);
    let (low, high) = ((1.0 - 0.5f64.sqrt()).powi(2), (1.0 + 0.5f64.sqrt()).powi(2));
    assert!((low - 0.085_786_4).abs() < 1e-7 && (high - 2.914_213_6).abs() < 1e-7);
    // Finite size moves the edges by about n^(−2/3).
    assert!((found.range[0] - low).abs() < 0.03, "{:?}", found.range);
    assert!((found.range[1] - high).abs() < 0.12, "{:?}", found.range);
    // The density itself: √((high−x)(x−low))/(2π·½·x), smoothed alike.
    let sigma = 0.1;
    let curve = found.curve(Bandwidth::Sigma(sigma), 500);
    let step = (high - low) / 4000.0;
    let law = (0..4000).map(|k| {
        let x = low + step * (f64::from(k) + 0.5);
        (
            x,
            step * ((high - x) * (x - low)).sqrt() / (std::f64::consts::PI * x),
        )
    });
    let grid = UniformGrid {
        start: curve.x[0],
        spacing: curve.x[1] - curve.x[0],
        points: curve.x.len(),
    };
    let mut expected = vec![0.0; grid.points];
    add_gaussians(law, sigma, &grid, &mut expected);
    assert!((integral(&curve.x, &expected) - 1.0).abs() < 1e-3);
    for (y, expected) in curve.y.iter().zip(&expected) {
        // Three standard errors of 40 probes.
        assert!((y - expected).abs() < 0.055, "{y} {expected}");
    }
}

#[test]
fn enough_steps_give_the_exact_density() {
    let a = random_symmetric(40, 3);
    let exact = exact_spectrum(&a, &()).unwrap().density(40);
    let found = density(&a, 400, 40);
    let bandwidth = Bandwidth::Sigma(1.0);
    let (ours, theirs) = (found.curve(bandwidth, 1000), exact.curve(bandwidth, 1000));
    assert_eq!(ours.x.len(), theirs.x.len());
    for i in 0..ours.x.len() {
        let spread = ours.upper[i] - ours.y[i];
        assert!((ours.y[i] - theirs.y[i]).abs() < 5.0 * spread + 1e-6);
    }
}

#[test]
fn outliers_taken_out_enter_exactly() {
    let n = 300;
    let mut d: Vec<f64> = (0..n).map(|i| (i as f64 / n as f64 - 0.5) * 0.2).collect();
    (d[10], d[20], d[30]) = (50.0, 40.0, -8.0);
    let a = DenseSymmetric::diagonal(&d);
    let options = ExtremalOptions {
        largest: 2,
        smallest: 1,
        tolerance: 1e-8,
        ..ExtremalOptions::default()
    };
    let top = top_eigenvalues(&a, &options, &[], &mut stream(1, "start"), &()).unwrap();
    let options = DensityOptions::default();
    let mut rng = stream(0, "probes");
    let found = spectral_density(&a, &options, Some(&top), &mut rng, &()).unwrap();
    assert_eq!(found.exact.len(), 3);
    // Nothing of the outliers is left in the bulk.
    for rule in &found.rules {
        assert!(rule.nodes.iter().all(|x| x.abs() < 0.11));
    }
    let exact_mean = d.iter().sum::<f64>() / n as f64;
    let mean = found.moment(1);
    assert!((mean.value - exact_mean).abs() <= 4.0 * mean.stderr + 1e-10);
    let curve = found.curve(Bandwidth::Sigma(0.05), 100);
    assert!((integral(&curve.x, &curve.y) - 1.0).abs() < 1e-6);
    // Each outlier is a peak of weight 1/n.
    let near = |centre: f64| {
        let y: Vec<f64> = curve
            .x
            .iter()
            .zip(&curve.y)
            .map(|(x, y)| if (x - centre).abs() < 1.0 { *y } else { 0.0 })
            .collect();
        integral(&curve.x, &y)
    };
    for centre in [50.0, 40.0, -8.0] {
        assert!((near(centre) - 1.0 / n as f64).abs() < 1e-4 / n as f64);
    }
}

#[test]
fn logarithmic_curves_and_the_share_near_zero_make_one() {
    let reference = golden::mlp();
    let hessian = golden::hessian(&reference);
    let exact = exact_spectrum(&hessian, &()).unwrap().density(27);
    let curve = exact.log_curve(1e-6, 0.1, 200);
    assert!((curve.near_zero - 5.0 / 27.0).abs() < 1e-12);
    let positive = integral(&curve.log10, &curve.positive);
    let negative = integral(&curve.log10, &curve.negative);
    assert!((positive - 12.0 / 27.0).abs() < 1e-6);
    assert!((negative - 10.0 / 27.0).abs() < 1e-6);
    assert!((exact.share_near_zero(1e-6).value - 5.0 / 27.0).abs() < 1e-12);
}

#[test]
fn threads_do_not_change_a_bit_and_progress_is_complete() {
    let a = random_symmetric(80, 5);
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let one = pool(1).unwrap().install(|| density(&a, 6, 20));
    let four = pool(4).unwrap().install(|| density(&a, 6, 20));
    assert_eq!(one, four);

    let last = AtomicUsize::new(0);
    let progress = Reporting::new(CancelToken::new(), |done, total| {
        assert!(done <= total);
        last.fetch_max(done, Ordering::Relaxed);
    });
    let options = DensityOptions {
        probes: 3,
        steps: 7,
        probe: Probe::Gaussian,
    };
    spectral_density(&a, &options, None, &mut stream(0, "p"), &progress).unwrap();
    assert_eq!(last.load(Ordering::Relaxed), 21);
}

#[test]
fn cancelled_empty_and_undefined_are_errors() {
    let a = random_symmetric(20, 5);
    let token = CancelToken::new();
    token.cancel();
    let options = DensityOptions::default();
    let mut rng = stream(0, "probes");
    let ended = spectral_density(&a, &options, None, &mut rng, &token);
    assert_eq!(ended, Err(MathError::Cancelled));
    let none = DensityOptions {
        probes: 0,
        ..DensityOptions::default()
    };
    assert!(spectral_density(&a, &none, None, &mut rng, &()).is_err());
    let bad = DenseSymmetric::diagonal(&[1.0, f64::NAN]);
    assert!(spectral_density(&bad, &options, None, &mut rng, &()).is_err());
    let text = serde_json::to_string(&density(&a, 2, 5)).unwrap();
    let back: SpectralDensity = serde_json::from_str(&text).unwrap();
    assert_eq!(back.rules.len(), 2);
}
