//! Tests of the search for both ends of a spectrum.

use super::*;
use crate::math::golden::{self, random_symmetric};
use crate::math::operator::DenseSymmetric;
use crate::math::progress::{CancelToken, NoProgress};
use crate::math::rng::stream;

fn solve<A: SymmetricOperator>(
    a: &A,
    options: &ExtremalOptions,
    warm: &[Vec<f64>],
    seed: u64,
) -> ExtremalPairs {
    extremal_eigenpairs(a, options, warm, &mut stream(seed, "start"), &NoProgress).unwrap()
}

fn true_residual<A: SymmetricOperator>(a: &A, pair: &EigenPair) -> f64 {
    let mut product = vec![0.0; a.dim()];
    a.apply(&pair.vector, &mut product);
    vector::axpy(-pair.value, &pair.vector, &mut product);
    vector::norm(&product)
}

fn options(largest: usize, smallest: usize, tolerance: f64) -> ExtremalOptions {
    ExtremalOptions {
        largest,
        smallest,
        tolerance,
        max_products: 2000,
        max_basis: None,
    }
}

#[test]
fn both_ends_of_the_reference_network() {
    let reference = golden::mlp();
    let hessian = golden::hessian(&reference);
    let exact = &reference.hess_eigs_desc;
    let found = solve(&hessian, &options(5, 3, 1e-9), &[], 0);
    for (k, pair) in found.largest.iter().enumerate() {
        assert!(pair.converged);
        assert!((pair.value - exact[k]).abs() < 1e-10, "{k}: {}", pair.value);
        assert!(true_residual(&hessian, pair) < 1e-8);
    }
    for (k, pair) in found.smallest.iter().enumerate() {
        assert!((pair.value - exact[26 - k]).abs() < 1e-10);
    }
}

#[test]
fn restarts_find_the_same_pairs() {
    let n = 300;
    let a = random_symmetric(n, 5);
    let exact = SymmetricEigen::new(n, a.elements()).unwrap();
    let mut small = options(4, 2, 1e-7);
    small.max_basis = Some(24);
    for options in [options(4, 2, 1e-7), small] {
        let found = solve(&a, &options, &[], 1);
        for (k, pair) in found.largest.iter().enumerate() {
            assert!(pair.converged, "{k} after {}", found.products);
            assert!((pair.value - exact.values[n - 1 - k]).abs() < 1e-9);
            let residual = true_residual(&a, pair);
            assert!((residual - pair.residual).abs() < 1e-10 + 1e-3 * residual);
        }
        for (k, pair) in found.smallest.iter().enumerate() {
            assert!(pair.converged);
            assert!((pair.value - exact.values[k]).abs() < 1e-9);
        }
    }
}

#[test]
fn a_stopped_iteration_shows_its_residual() {
    let a = random_symmetric(200, 6);
    let mut few = options(3, 1, 1e-6);
    few.max_products = 6;
    let found = solve(&a, &few, &[], 2);
    assert_eq!(found.products, 6);
    for pair in found.largest.iter().chain(&found.smallest) {
        assert!(!pair.converged);
        assert!(pair.residual > 1e-2 * pair.value.abs());
        assert!((true_residual(&a, pair) - pair.residual).abs() < 1e-9);
    }
}

#[test]
fn repeated_eigenvalues_are_all_found() {
    let mut d = vec![0.0; 400];
    for (i, value) in [3.0, 3.0, 3.0, 2.0, 2.0, -1.0, -1.0].iter().enumerate() {
        d[50 * i] = *value;
    }
    let found = solve(&DenseSymmetric::diagonal(&d), &options(5, 2, 1e-8), &[], 3);
    let values: Vec<f64> = found.largest.iter().map(|p| p.value).collect();
    for (value, expected) in values.iter().zip([3.0, 3.0, 3.0, 2.0, 2.0]) {
        assert!((value - expected).abs() < 1e-10, "{values:?}");
    }
    assert!(found.smallest.iter().all(|p| (p.value + 1.0).abs() < 1e-10));
    // The identity breaks down at every step.
    let found = solve(
        &DenseSymmetric::diagonal(&[1.0; 50]),
        &options(3, 0, 1e-8),
        &[],
        4,
    );
    assert!(found.largest.iter().all(|p| (p.value - 1.0).abs() < 1e-12));
    // Nothing at all.
    let found = solve(
        &DenseSymmetric::diagonal(&[0.0; 50]),
        &options(2, 1, 1e-8),
        &[],
        4,
    );
    assert!(found.largest.iter().all(|p| p.value.abs() < 1e-12));
}

#[test]
fn small_matrices_are_solved_exactly() {
    for n in 1..6 {
        let a = random_symmetric(n, n as u64);
        let exact = SymmetricEigen::new(n, a.elements()).unwrap();
        let found = solve(&a, &options(5, 5, 1e-12), &[], 5);
        assert_eq!(found.largest.len(), n);
        for (k, pair) in found.largest.iter().enumerate() {
            assert!((pair.value - exact.values[n - 1 - k]).abs() < 1e-12);
        }
    }
}

#[test]
fn a_warm_start_needs_few_products_and_still_sees_newcomers() {
    let n = 1200;
    let mut d: Vec<f64> = (0..n).map(|i| 0.01 * (i as f64 * 0.7).sin()).collect();
    d[7] = 10.0;
    let a = DenseSymmetric::diagonal(&d);
    let one = options(1, 0, 1e-3);
    let cold = solve(&a, &one, &[], 6);
    d[7] = 10.2;
    let moved = DenseSymmetric::diagonal(&d);
    let warm = solve(&moved, &one, &[cold.largest[0].vector.clone()], 7);
    assert!(warm.products <= 5, "{} products", warm.products);
    assert!((warm.largest[0].value - 10.2).abs() < 1e-5);
    d[900] = 12.0;
    let overtaken = DenseSymmetric::diagonal(&d);
    let warm = solve(&overtaken, &one, &[warm.largest[0].vector.clone()], 8);
    assert!((warm.largest[0].value - 12.0).abs() < 1e-4);
}

#[test]
fn the_largest_is_not_the_largest_magnitude() {
    // A power iteration would return −9 here.
    let found = solve(
        &DenseSymmetric::diagonal(&[-9.0, 2.0, 1.0]),
        &options(1, 1, 1e-9),
        &[],
        0,
    );
    assert!((found.largest[0].value - 2.0).abs() < 1e-12);
    assert!((found.smallest[0].value + 9.0).abs() < 1e-12);
}

#[test]
fn clusters_are_separated_or_said_not_to_be() {
    // Three eigenvalues within 10⁻⁵ of each other above a bulk of both signs.
    let n = 500;
    let mut d: Vec<f64> = (0..n).map(|i| (i as f64 * 0.9).sin()).collect();
    (d[11], d[200], d[333]) = (2.0, 2.0 - 1e-5, 2.0 - 2e-5);
    (d[40], d[41]) = (-1.5, -1.5 + 1e-4);
    let a = DenseSymmetric::diagonal(&d);
    let found = solve(&a, &options(3, 2, 1e-7), &[], 9);
    for (pair, exact) in found.largest.iter().zip([2.0, 2.0 - 1e-5, 2.0 - 2e-5]) {
        assert!(pair.converged && (pair.value - exact).abs() < 1e-9);
    }
    for (pair, exact) in found.smallest.iter().zip([-1.5, -1.5 + 1e-4]) {
        assert!(pair.converged && (pair.value - exact).abs() < 1e-9);
    }
    // All negative: the largest is the one next to zero.
    let negative: Vec<f64> = (1..=n).map(|i| -(i as f64)).collect();
    let found = solve(
        &DenseSymmetric::diagonal(&negative),
        &options(2, 1, 1e-6),
        &[],
        1,
    );
    let values: Vec<f64> = found.largest.iter().map(|pair| pair.value).collect();
    assert!((values[0] + 1.0).abs() < 1e-4 && (values[1] + 2.0).abs() < 1e-4);
    assert!((found.smallest[0].value + n as f64).abs() < 1e-4);
}

#[test]
fn a_search_is_cancelled_within_one_product() {
    struct Cancelling {
        inner: DenseSymmetric,
        token: CancelToken,
        products: std::sync::atomic::AtomicUsize,
    }

    impl SymmetricOperator for Cancelling {
        fn dim(&self) -> usize {
            self.inner.dim()
        }

        fn apply(&self, v: &[f64], out: &mut [f64]) {
            let before = self
                .products
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if before == 9 {
                self.token.cancel();
            }
            self.inner.apply(v, out);
        }
    }

    let a = Cancelling {
        inner: random_symmetric(100, 1),
        token: CancelToken::new(),
        products: Default::default(),
    };
    let mut rng = stream(0, "start");
    let ended = extremal_eigenpairs(&a, &options(3, 3, 1e-12), &[], &mut rng, &a.token);
    assert_eq!(ended, Err(MathError::Cancelled));
    assert_eq!(a.products.load(std::sync::atomic::Ordering::Relaxed), 10);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(40))]
    #[test]
    fn residuals_bound_the_distance_to_an_eigenvalue(
        seed in 0u64..10_000,
        n in 5usize..60,
        largest in 1usize..4,
        smallest in 0usize..4,
        max_products in 3usize..40,
        basis in proptest::option::of(8usize..20),
    ) {
        let a = random_symmetric(n, seed);
        let exact = SymmetricEigen::new(n, a.elements()).unwrap();
        let wanted = ExtremalOptions {
            largest,
            smallest,
            tolerance: 1e-4,
            max_products,
            max_basis: basis,
        };
        let found = solve(&a, &wanted, &[], seed);
        proptest::prop_assert!(found.products <= max_products);
        for pair in found.largest.iter().chain(&found.smallest) {
            let nearest = exact
                .values
                .iter()
                .map(|value| (value - pair.value).abs())
                .fold(f64::INFINITY, f64::min);
            proptest::prop_assert!(nearest <= pair.residual + 1e-10);
            proptest::prop_assert!((true_residual(&a, pair) - pair.residual).abs() < 1e-8);
        }
    }
}

#[test]
fn cancelling_and_bad_products_end_the_search() {
    let token = CancelToken::new();
    token.cancel();
    let a = DenseSymmetric::diagonal(&[1.0, 2.0]);
    let mut rng = stream(0, "start");
    let ended = extremal_eigenpairs(&a, &ExtremalOptions::default(), &[], &mut rng, &token);
    assert_eq!(ended, Err(MathError::Cancelled));
    let bad = DenseSymmetric::diagonal(&[1.0, f64::INFINITY]);
    let ended = extremal_eigenpairs(&bad, &ExtremalOptions::default(), &[], &mut rng, &());
    assert!(matches!(ended, Err(MathError::NotFinite { .. })));
}
