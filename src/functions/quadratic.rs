//! A quadratic with eigenvalues 1 and κ along axes that can be turned.

use super::{Facts, Formula, Number};
use crate::recipe::{Component, Field, Kind};

pub(super) static KIND: Kind = Kind {
    key: "quadratic",
    title: "Quadratic",
    help: "½(u² + κv²), (u, v) turned by an angle: gradient descent shrinks by (κ − 1)/(κ + 1) a step at best, at η = 2/(κ + 1), and leaves above 2/κ.",
    fields: &[
        Field::float(
            "condition",
            "Condition number κ",
            "The largest eigenvalue of the Hessian over the smallest, which is 1.",
            20.0,
            1.0,
            1e9,
        )
        .logarithmic(),
        Field::float(
            "angle",
            "Angle",
            "How far the long axis is turned from the x axis; methods that scale coordinates notice it.",
            0.0,
            -180.0,
            180.0,
        )
        .unit("°"),
    ],
};

pub(super) struct Quadratic {
    condition: f64,
    cos: f64,
    sin: f64,
}

pub(super) fn new(component: &Component) -> Quadratic {
    let angle = component.float("angle").to_radians();
    Quadratic {
        condition: component.float("condition"),
        cos: Number::cos(angle),
        sin: Number::sin(angle),
    }
}

impl Quadratic {
    /// (u, v): along the long and the short axis.
    fn turned<N: Number>(&self, x: N, y: N) -> [N; 2] {
        [x * self.cos + y * self.sin, y * self.cos - x * self.sin]
    }
}

impl Formula for Quadratic {
    fn value<N: Number>(&self, x: N, y: N) -> N {
        let [u, v] = self.turned(x, y);
        (u * u + v * v * self.condition) * 0.5
    }

    fn gradient<N: Number>(&self, x: N, y: N) -> [N; 2] {
        let [u, v] = self.turned(x, y);
        let v = v * self.condition;
        [u * self.cos - v * self.sin, u * self.sin + v * self.cos]
    }

    fn hessian(&self, _x: f64, _y: f64) -> [f64; 3] {
        let (c, s, k) = (self.cos, self.sin, self.condition);
        [c * c + k * s * s, c * s * (1.0 - k), s * s + k * c * c]
    }

    fn facts(&self) -> Facts {
        Facts {
            axes: ["x", "y"],
            window: [[-2.0, 2.0], [-2.0, 2.0]],
            start: [1.8, 1.2],
            minima: vec![[0.0, 0.0]],
            minimum: Some(0.0),
            learning_rate: 1.0 / self.condition,
        }
    }
}
