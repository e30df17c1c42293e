//! Himmelblau (1972): (x² + y − 11)² + (x + y² − 7)².

use super::{Facts, Formula, Number};
use crate::recipe::{Component, Kind};

pub(super) static KIND: Kind = Kind {
    key: "himmelblau",
    title: "Himmelblau",
    help: "(x² + y − 11)² + (x + y² − 7)²: four equal minima; which one is reached depends on the way.",
    fields: &[],
};

pub(super) struct Himmelblau;

pub(super) fn new(_component: &Component) -> Himmelblau {
    Himmelblau
}

impl Formula for Himmelblau {
    fn value<N: Number>(&self, x: N, y: N) -> N {
        let (a, b) = (x * x + y - 11.0, x + y * y - 7.0);
        a * a + b * b
    }

    fn gradient<N: Number>(&self, x: N, y: N) -> [N; 2] {
        let (a, b) = (x * x + y - 11.0, x + y * y - 7.0);
        [x * a * 4.0 + b * 2.0, a * 2.0 + y * b * 4.0]
    }

    fn hessian(&self, x: f64, y: f64) -> [f64; 3] {
        [
            12.0 * x * x + 4.0 * y - 42.0,
            4.0 * (x + y),
            12.0 * y * y + 4.0 * x - 26.0,
        ]
    }

    fn facts(&self) -> Facts {
        Facts {
            axes: ["x", "y"],
            window: [[-5.0, 5.0], [-5.0, 5.0]],
            start: [0.0, 0.0],
            minima: vec![
                [3.0, 2.0],
                [-2.805_118_086_952_745, 3.131_312_518_250_573],
                [-3.779_310_253_377_747, -3.283_185_991_286_169_4],
                [3.584_428_340_330_491_7, -1.848_126_526_964_403_6],
            ],
            minimum: Some(0.0),
            learning_rate: 1e-2,
        }
    }
}
