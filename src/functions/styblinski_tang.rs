//! Styblinski and Tang (1990): ½ Σ (x⁴ − 16x² + 5x).

use super::{Facts, Formula, Number};
use crate::recipe::{Component, Kind};

pub(super) static KIND: Kind = Kind {
    key: "styblinski_tang",
    title: "Styblinski–Tang",
    help: "½ Σ (x⁴ − 16x² + 5x): four valleys of which one is the deepest.",
    fields: &[],
};

pub(super) struct StyblinskiTang;

pub(super) fn new(_component: &Component) -> StyblinskiTang {
    StyblinskiTang
}

/// The smallest root of 2x³ − 16x + 2.5.
const DEEPEST: f64 = -2.903_534_027_771_177;

impl Formula for StyblinskiTang {
    fn value<N: Number>(&self, x: N, y: N) -> N {
        let one = |x: N| {
            let square = x * x;
            (square * square - square * 16.0 + x * 5.0) * 0.5
        };
        one(x) + one(y)
    }

    fn gradient<N: Number>(&self, x: N, y: N) -> [N; 2] {
        [x, y].map(|x| x * x * x * 2.0 - x * 16.0 + 2.5)
    }

    fn hessian(&self, x: f64, y: f64) -> [f64; 3] {
        let one = |x: f64| 6.0 * x * x - 16.0;
        [one(x), 0.0, one(y)]
    }

    fn facts(&self) -> Facts {
        Facts {
            axes: ["x", "y"],
            window: [[-5.0, 5.0], [-5.0, 5.0]],
            start: [0.4, 4.5],
            minima: vec![[DEEPEST, DEEPEST]],
            minimum: Some(-78.332_331_407_542_82),
            learning_rate: 1e-2,
        }
    }
}
