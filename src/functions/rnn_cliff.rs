//! The loss of a recurrent network of one unit over its two parameters
//! (Pascanu, Mikolov and Bengio 2013, figure 6): xₜ = wσ(xₜ₋₁) + b from x₀ = ½,
//! E = (σ(x_T) − target)². Its gradient explodes along a wall.

use super::{Facts, Formula, Number};
use crate::recipe::{Component, Field, Kind};

pub(super) static KIND: Kind = Kind {
    key: "rnn_cliff",
    title: "RNN cliff",
    help: "(σ(x_T) − target)² of a recurrent network of one unit, xₜ = wσ(xₜ₋₁) + b: a wall whose gradient is thousands of times the median (Pascanu et al. 2013); clip it with optimizer.clip_norm.",
    fields: &[
        Field::integer(
            "steps",
            "Steps T",
            "How often the unit feeds on itself.",
            50,
            1,
            1000,
        ),
        Field::float(
            "target",
            "Target",
            "What the unit should say at the end.",
            0.7,
            0.0,
            1.0,
        ),
    ],
};

pub(super) struct RnnCliff {
    steps: usize,
    target: f64,
}

pub(super) fn new(component: &Component) -> RnnCliff {
    RnnCliff {
        steps: component.count("steps"),
        target: component.float("target"),
    }
}

/// x₀.
const START: f64 = 0.5;

/// σ(x) and σ'(x).
fn sigmoid<N: Number>(x: N) -> (N, N) {
    let value = N::from(1.0) / ((-x).exp() + 1.0);
    (value, value * (-value + 1.0))
}

impl Formula for RnnCliff {
    fn value<N: Number>(&self, w: N, b: N) -> N {
        let mut x = N::from(START);
        for _ in 0..self.steps {
            x = w * sigmoid(x).0 + b;
        }
        let error = sigmoid(x).0 - self.target;
        error * error
    }

    fn gradient<N: Number>(&self, w: N, b: N) -> [N; 2] {
        let mut x = N::from(START);
        let mut along = [N::from(0.0); 2];
        for _ in 0..self.steps {
            let (value, slope) = sigmoid(x);
            let factor = w * slope;
            along = [value + factor * along[0], factor * along[1] + 1.0];
            x = w * value + b;
        }
        let (value, slope) = sigmoid(x);
        let outer = (value - self.target) * slope * 2.0;
        along.map(|along| outer * along)
    }

    fn hessian(&self, w: f64, b: f64) -> [f64; 3] {
        let mut x = START;
        let (mut xw, mut xb) = (0.0, 0.0);
        let (mut xww, mut xwb, mut xbb) = (0.0, 0.0, 0.0);
        for _ in 0..self.steps {
            let (value, slope) = sigmoid(x);
            let bend = slope * (1.0 - 2.0 * value);
            (xww, xwb, xbb) = (
                2.0 * slope * xw + w * (bend * xw * xw + slope * xww),
                slope * xb + w * (bend * xw * xb + slope * xwb),
                w * (bend * xb * xb + slope * xbb),
            );
            (xw, xb) = (value + w * slope * xw, 1.0 + w * slope * xb);
            x = w * value + b;
        }
        let (value, slope) = sigmoid(x);
        let bend = slope * (1.0 - 2.0 * value);
        let error = value - self.target;
        let second = |x1: f64, x2: f64, x12: f64| {
            2.0 * (slope * slope * x1 * x2 + error * (bend * x1 * x2 + slope * x12))
        };
        [
            second(xw, xw, xww),
            second(xw, xb, xwb),
            second(xb, xb, xbb),
        ]
    }

    fn facts(&self) -> Facts {
        Facts {
            axes: ["w", "b"],
            window: [[4.4, 6.4], [-3.2, -1.8]],
            start: [5.6, -2.0],
            // The smallest value is taken on a curve.
            minima: Vec::new(),
            minimum: Some(0.0),
            learning_rate: 0.1,
        }
    }
}
