//! Rastrigin (1974): 20 + Σ (x² − 10 cos 2πx).

use std::f64::consts::TAU;

use super::{Facts, Formula, Number};
use crate::recipe::{Component, Kind};

pub(super) static KIND: Kind = Kind {
    key: "rastrigin",
    title: "Rastrigin",
    help: "20 + Σ (x² − 10 cos 2πx): a bowl with a local minimum at every whole number.",
    fields: &[],
};

pub(super) struct Rastrigin;

pub(super) fn new(_component: &Component) -> Rastrigin {
    Rastrigin
}

impl Formula for Rastrigin {
    fn value<N: Number>(&self, x: N, y: N) -> N {
        let one = |x: N| x * x - (x * TAU).cos() * 10.0;
        one(x) + one(y) + 20.0
    }

    fn gradient<N: Number>(&self, x: N, y: N) -> [N; 2] {
        [x, y].map(|x| x * 2.0 + (x * TAU).sin() * (10.0 * TAU))
    }

    fn hessian(&self, x: f64, y: f64) -> [f64; 3] {
        let one = |x: f64| 2.0 + 10.0 * TAU * TAU * Number::cos(x * TAU);
        [one(x), 0.0, one(y)]
    }

    fn facts(&self) -> Facts {
        Facts {
            axes: ["x", "y"],
            window: [[-5.12, 5.12], [-5.12, 5.12]],
            start: [3.4, -4.3],
            minima: vec![[0.0, 0.0]],
            minimum: Some(0.0),
            learning_rate: 2e-3,
        }
    }
}
