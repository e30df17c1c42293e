//! Tests of the orthonormal basis.

use super::*;
use crate::math::golden::gaussian;
use crate::math::vector;

/// A basis of k random columns.
fn filled(n: usize, capacity: usize, k: usize) -> OrthonormalBasis {
    let mut basis = OrthonormalBasis::new(n, capacity);
    for j in 0..k {
        let mut w = gaussian(n, j as u64);
        let length = basis.orthogonalize(&mut w);
        basis.push(&w, 1.0 / length);
    }
    basis
}

fn columns(basis: &OrthonormalBasis, n: usize) -> Vec<Vec<f64>> {
    (0..basis.len())
        .map(|j| {
            let mut v = vec![0.0; n];
            basis.column(j, &mut v);
            v
        })
        .collect()
}

#[test]
fn columns_are_orthonormal_for_every_size() {
    for (n, k) in [(1, 1), (5, 5), (27, 20), (2047, 9), (2049, 9), (20_000, 33)] {
        let v = columns(&filled(n, k + 2, k), n);
        for i in 0..k {
            for j in 0..=i {
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((vector::dot(&v[i], &v[j]) - expected).abs() < 1e-13);
            }
        }
    }
}

#[test]
fn coefficients_are_the_projections() {
    let n = 5000;
    let mut basis = filled(n, 40, 31);
    let v = columns(&basis, n);
    let w = gaussian(n, 99);
    let mut rest = w.clone();
    let length = basis.orthogonalize(&mut rest);
    let mut squares = length * length;
    for (v, c) in v.iter().zip(basis.coefficients()) {
        assert!((vector::dot(v, &w) - c).abs() < 1e-11);
        squares += c * c;
    }
    assert!((squares - vector::norm_squared(&w)).abs() < 1e-9 * squares);
}

#[test]
fn threads_do_not_change_a_bit() {
    let n = 30_000;
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let one = pool(1).unwrap().install(|| columns(&filled(n, 12, 12), n));
    let three = pool(3).unwrap().install(|| columns(&filled(n, 12, 12), n));
    assert_eq!(one, three);
}

#[test]
fn rotation_is_the_matrix_product() {
    let n = 4500;
    let (k, kept) = (7, 3);
    let mut basis = filled(n, 8, k);
    let before = columns(&basis, n);
    let s: Vec<f64> = (0..k * kept).map(|i| (i as f64).sin()).collect();
    let mut first = vec![0.0; n];
    basis.combine(&s[..k], &mut first);
    basis.rotate(&s, kept);
    let after = columns(&basis, n);
    assert_eq!(after.len(), kept);
    assert_eq!(after[0], first);
    for (out, s) in after.iter().zip(s.chunks_exact(k)) {
        for i in (0..n).step_by(371) {
            let direct: f64 = (0..k).map(|j| before[j][i] * s[j]).sum();
            assert!((out[i] - direct).abs() < 1e-14);
        }
    }
}
