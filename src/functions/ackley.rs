//! Ackley (1987): 20 + e − 20 exp(−0.2 √((x² + y²)/2)) − exp((cos 2πx + cos 2πy)/2).

use std::f64::consts::{E, TAU};

use super::{Facts, Formula, Number};
use crate::recipe::{Component, Kind};

pub(super) static KIND: Kind = Kind {
    key: "ackley",
    title: "Ackley",
    help: "20 + e − 20 exp(−0.2 √((x² + y²)/2)) − exp((cos 2πx + cos 2πy)/2): a rippled plain with a pointed hole.",
    fields: &[],
};

pub(super) struct Ackley;

pub(super) fn new(_component: &Component) -> Ackley {
    Ackley
}

/// √((x² + y²)/2).
fn radius<N: Number>(x: N, y: N) -> N {
    ((x * x + y * y) * 0.5).sqrt()
}

/// 20 exp(−0.2 r).
fn cone<N: Number>(r: N) -> N {
    (r * -0.2).exp() * 20.0
}

/// exp((cos 2πx + cos 2πy)/2).
fn ripple<N: Number>(x: N, y: N) -> N {
    (((x * TAU).cos() + (y * TAU).cos()) * 0.5).exp()
}

impl Formula for Ackley {
    fn value<N: Number>(&self, x: N, y: N) -> N {
        // Equal things first, so that little is lost near the minimum.
        (-cone(radius(x, y)) + 20.0) + (-ripple(x, y) + E)
    }

    fn gradient<N: Number>(&self, x: N, y: N) -> [N; 2] {
        let (r, ripple) = (radius(x, y), ripple(x, y));
        let cone = cone(r);
        [x, y].map(|x| {
            let rippled = ripple * (x * TAU).sin() * (0.5 * TAU);
            if r.is_zero() {
                // The tip of the cone: zero is one of its subgradients.
                rippled
            } else {
                cone * x / r * 0.1 + rippled
            }
        })
    }

    fn hessian(&self, x: f64, y: f64) -> [f64; 3] {
        let (r, ripple) = (radius(x, y), ripple(x, y));
        if r == 0.0 {
            return [f64::NAN; 3];
        }
        let cone = cone(r);
        let (sx, cx) = (Number::sin(x * TAU), Number::cos(x * TAU));
        let (sy, cy) = (Number::sin(y * TAU), Number::cos(y * TAU));
        // Of 0.1·cone·a/r with respect to b, and where a = b the rest.
        let pair = |a: f64, b: f64| -cone * a * b * (0.01 / (r * r) + 0.05 / (r * r * r));
        let round = 0.1 * cone / r;
        let (half, quarter) = (0.5 * TAU * TAU, 0.25 * TAU * TAU);
        [
            pair(x, x) + round + ripple * (half * cx - quarter * sx * sx),
            pair(x, y) - ripple * quarter * sx * sy,
            pair(y, y) + round + ripple * (half * cy - quarter * sy * sy),
        ]
    }

    fn facts(&self) -> Facts {
        Facts {
            axes: ["x", "y"],
            window: [[-5.0, 5.0], [-5.0, 5.0]],
            start: [-2.6, 3.3],
            minima: vec![[0.0, 0.0]],
            minimum: Some(0.0),
            learning_rate: 2e-2,
        }
    }
}
