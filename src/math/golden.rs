//! For the tests: the reference network of `tests/golden/mlp_2_4_3.json`, its
//! exact Hessian by hyper-dual numbers, and random matrices.

use std::ops::{Add, Mul};

use rand::Rng as _;
use rand_distr::StandardNormal;
use serde::Deserialize;

use super::operator::DenseSymmetric;
use super::rng;

#[derive(Deserialize)]
pub(crate) struct Golden {
    pub theta: Vec<f64>,
    #[serde(rename = "X")]
    pub x: Vec<[f64; 2]>,
    #[serde(rename = "Y")]
    pub y: Vec<usize>,
    pub loss: f64,
    pub hess_eigs_desc: Vec<f64>,
    pub hess_diag: Vec<f64>,
    pub trace: f64,
    pub fro2: f64,
    pub filter_slice: FilterSlice,
    pub lanczos5: Lanczos5,
}

#[derive(Deserialize)]
pub(crate) struct FilterSlice {
    pub coords: Vec<f64>,
    pub loss_rows_beta_cols_alpha: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
pub(crate) struct Lanczos5 {
    pub alpha: Vec<f64>,
    pub beta: Vec<f64>,
    pub ritz: Vec<f64>,
    pub weights: Vec<f64>,
}

pub(crate) fn mlp() -> Golden {
    serde_json::from_str(include_str!("../../tests/golden/mlp_2_4_3.json")).unwrap()
}

/// f + aε₁ + bε₂ + cε₁ε₂ with ε₁² = ε₂² = 0: the mixed part of a function's
/// value is its exact second derivative.
#[derive(Clone, Copy)]
struct HyperDual([f64; 4]);

impl HyperDual {
    fn real(x: f64) -> Self {
        Self([x, 0.0, 0.0, 0.0])
    }

    fn map(self, f: f64, d: f64, dd: f64) -> Self {
        let [_, a, b, c] = self.0;
        Self([f, d * a, d * b, d * c + dd * a * b])
    }

    fn tanh(self) -> Self {
        let t = self.0[0].tanh();
        let d = 1.0 - t * t;
        self.map(t, d, -2.0 * t * d)
    }

    fn exp(self) -> Self {
        let e = self.0[0].exp();
        self.map(e, e, e)
    }

    fn ln(self) -> Self {
        let x = self.0[0];
        self.map(x.ln(), 1.0 / x, -1.0 / (x * x))
    }
}

impl Add for HyperDual {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }
}

impl Mul for HyperDual {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let ([f, a, b, c], [g, p, q, r]) = (self.0, other.0);
        Self([
            f * g,
            f * p + a * g,
            f * q + b * g,
            f * r + c * g + a * q + b * p,
        ])
    }
}

/// Mean cross-entropy of the 2-4-3 tanh network.
fn loss_of(theta: &[HyperDual], golden: &Golden) -> HyperDual {
    let mut total = HyperDual::real(0.0);
    for (x, y) in golden.x.iter().zip(&golden.y) {
        let hidden: Vec<HyperDual> = (0..4)
            .map(|j| {
                (0..2)
                    .fold(theta[8 + j], |z, i| {
                        z + theta[2 * j + i] * HyperDual::real(x[i])
                    })
                    .tanh()
            })
            .collect();
        let logits: Vec<HyperDual> = (0..3)
            .map(|k| (0..4).fold(theta[24 + k], |z, j| z + theta[12 + 4 * k + j] * hidden[j]))
            .collect();
        let sum = logits
            .iter()
            .fold(HyperDual::real(0.0), |sum, z| sum + z.exp());
        total = total + sum.ln() + logits[*y] * HyperDual::real(-1.0);
    }
    total * HyperDual::real(1.0 / golden.x.len() as f64)
}

pub(crate) fn loss(theta: &[f64], golden: &Golden) -> f64 {
    let theta: Vec<HyperDual> = theta.iter().map(|x| HyperDual::real(*x)).collect();
    loss_of(&theta, golden).0[0]
}

pub(crate) fn hessian(golden: &Golden) -> DenseSymmetric {
    let n = golden.theta.len();
    let mut elements = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let theta: Vec<HyperDual> = golden
                .theta
                .iter()
                .enumerate()
                .map(|(k, x)| {
                    let mark = |hit: bool| if hit { 1.0 } else { 0.0 };
                    HyperDual([*x, mark(k == i), mark(k == j), 0.0])
                })
                .collect();
            let second = loss_of(&theta, golden).0[3];
            elements[i * n + j] = second;
            elements[j * n + i] = second;
        }
    }
    DenseSymmetric::new(n, elements).unwrap()
}

pub(crate) fn gaussian(n: usize, seed: u64) -> Vec<f64> {
    rng::stream(seed, "test vector")
        .sample_iter(StandardNormal)
        .take(n)
        .collect()
}

/// (G + Gᵀ)/2 with Gaussian G.
pub(crate) fn random_symmetric(n: usize, seed: u64) -> DenseSymmetric {
    let g = gaussian(n * n, seed);
    let elements = (0..n * n)
        .map(|k| 0.5 * (g[k] + g[(k % n) * n + k / n]))
        .collect();
    DenseSymmetric::new(n, elements).unwrap()
}

#[test]
fn the_reference_network_is_read_as_it_was_meant() {
    let golden = mlp();
    assert!((loss(&golden.theta, &golden) - golden.loss).abs() < 1e-14);
    let hessian = hessian(&golden);
    for (i, d) in golden.hess_diag.iter().enumerate() {
        assert!((hessian.elements()[i * 27 + i] - d).abs() < 1e-12);
    }
}
