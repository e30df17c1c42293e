//! Beale (1958): Σₖ (cₖ − x + xyᵏ)² with c = 1.5, 2.25, 2.625.

use super::{Facts, Formula, Number};
use crate::recipe::{Component, Kind};

pub(super) static KIND: Kind = Kind {
    key: "beale",
    title: "Beale",
    help: "(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²: flat plains between steep corners.",
    fields: &[],
};

pub(super) struct Beale;

pub(super) fn new(_component: &Component) -> Beale {
    Beale
}

const TARGETS: [f64; 3] = [1.5, 2.25, 2.625];

impl Formula for Beale {
    fn value<N: Number>(&self, x: N, y: N) -> N {
        let mut sum = N::from(0.0);
        let mut power = N::from(1.0);
        for target in TARGETS {
            power = power * y;
            let term = x * (power - 1.0) + target;
            sum = sum + term * term;
        }
        sum
    }

    fn gradient<N: Number>(&self, x: N, y: N) -> [N; 2] {
        let mut sums = [N::from(0.0); 2];
        // yᵏ⁻¹ and k.
        let (mut before, mut k) = (N::from(1.0), 1.0);
        for target in TARGETS {
            let power = before * y;
            let term = (x * (power - 1.0) + target) * 2.0;
            sums[0] = sums[0] + term * (power - 1.0);
            sums[1] = sums[1] + term * x * before * k;
            before = power;
            k += 1.0;
        }
        sums
    }

    fn hessian(&self, x: f64, y: f64) -> [f64; 3] {
        let mut sums = [0.0; 3];
        for (target, k) in TARGETS.into_iter().zip(1..) {
            let (power, slope) = (y.powi(k), f64::from(k) * y.powi(k - 1));
            let bend = f64::from(k * (k - 1)) * if k > 1 { y.powi(k - 2) } else { 0.0 };
            let term = target + x * (power - 1.0);
            sums[0] += 2.0 * (power - 1.0) * (power - 1.0);
            sums[1] += 2.0 * (x * slope * (power - 1.0) + term * slope);
            sums[2] += 2.0 * (x * slope * x * slope + term * x * bend);
        }
        sums
    }

    fn facts(&self) -> Facts {
        Facts {
            axes: ["x", "y"],
            window: [[-4.5, 4.5], [-4.5, 4.5]],
            start: [1.0, 1.5],
            minima: vec![[3.0, 0.5]],
            minimum: Some(0.0),
            learning_rate: 5e-3,
        }
    }
}
