//! A saddle: ½(x² − y²) + ¼q·y⁴, bounded below where q > 0.

use super::{Facts, Formula, Number};
use crate::recipe::{Component, Field, Kind};

pub(super) static KIND: Kind = Kind {
    key: "saddle",
    title: "Saddle",
    help: "½(x² − y²) + ¼q·y⁴: gradients vanish at the saddle in the middle, and the way out is sideways.",
    fields: &[Field::float(
        "quartic",
        "Quartic q",
        "Bends the way down up again: minima at y = ±1/√q; 0 leaves the plain saddle ½(x² − y²), which has none.",
        0.25,
        0.0,
        1e3,
    )],
};

pub(super) struct Saddle {
    quartic: f64,
}

pub(super) fn new(component: &Component) -> Saddle {
    Saddle {
        quartic: component.float("quartic"),
    }
}

impl Formula for Saddle {
    fn value<N: Number>(&self, x: N, y: N) -> N {
        let square = y * y;
        (x * x - square) * 0.5 + square * square * (0.25 * self.quartic)
    }

    fn gradient<N: Number>(&self, x: N, y: N) -> [N; 2] {
        [x, y * y * y * self.quartic - y]
    }

    fn hessian(&self, _x: f64, y: f64) -> [f64; 3] {
        [1.0, 0.0, 3.0 * self.quartic * y * y - 1.0]
    }

    fn facts(&self) -> Facts {
        let bounded = self.quartic > 0.0;
        let reach = if bounded { self.quartic.powf(-0.5) } else { 2.0 };
        Facts {
            axes: ["x", "y"],
            window: [[-1.5 * reach, 1.5 * reach]; 2],
            start: [1.2 * reach, 0.01 * reach],
            minima: if bounded {
                vec![[0.0, reach], [0.0, -reach]]
            } else {
                Vec::new()
            },
            minimum: bounded.then(|| -0.25 / self.quartic),
            learning_rate: 0.1,
        }
    }
}
