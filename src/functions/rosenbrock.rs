//! Rosenbrock's banana (1960): (1 − x)² + 100(y − x²)².

use super::{Facts, Formula, Number};
use crate::recipe::{Component, Kind};

pub(super) static KIND: Kind = Kind {
    key: "rosenbrock",
    title: "Rosenbrock",
    help: "(1 − x)² + 100(y − x²)²: a curved valley, easy to find and slow to follow.",
    fields: &[],
};

pub(super) struct Rosenbrock;

pub(super) fn new(_component: &Component) -> Rosenbrock {
    Rosenbrock
}

impl Formula for Rosenbrock {
    fn value<N: Number>(&self, x: N, y: N) -> N {
        let (a, b) = (-x + 1.0, y - x * x);
        a * a + b * b * 100.0
    }

    fn gradient<N: Number>(&self, x: N, y: N) -> [N; 2] {
        let b = y - x * x;
        [(x - 1.0) * 2.0 - x * b * 400.0, b * 200.0]
    }

    fn hessian(&self, x: f64, y: f64) -> [f64; 3] {
        [2.0 - 400.0 * (y - 3.0 * x * x), -400.0 * x, 200.0]
    }

    fn facts(&self) -> Facts {
        Facts {
            axes: ["x", "y"],
            window: [[-2.0, 2.0], [-1.0, 3.0]],
            start: [-1.2, 1.0],
            minima: vec![[1.0, 1.0]],
            minimum: Some(0.0),
            learning_rate: 1e-3,
        }
    }
}
