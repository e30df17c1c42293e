//! A function of one variable, with noise: regression that can be plotted.

use std::f64::consts::PI;
use std::path::Path;

use rand::Rng as _;

use super::points::{fraction, generator, normal};
use super::{DataError, DataSource, Dataset, InputShape, Targets};
use crate::recipe::{Choice, Component, Field, Kind, Problem};

/// y = offset + scale · f(x) + noise on an interval.
///
/// Twenty evenly spaced points of a Chebyshev polynomial on [−1, 1] are the
/// one-dimensional task of Cohen et al., 2021, "Gradient descent on neural
/// networks typically occurs at the edge of stability".
pub(super) struct Function;

static KIND: Kind = Kind {
    key: "function",
    title: "Function of one variable",
    help: "Points of a function of one variable, with noise: a regression whose fit can be seen.",
    fields: &[
        Field::choice(
            "function",
            "Function",
            "The function f of y = offset + scale · f(x).",
            "sine",
            &[
                choice("sine", "Sine", "sin(π · frequency · x)."),
                choice(
                    "chebyshev",
                    "Chebyshev polynomial",
                    "T_k(x) = cos(k arccos x), a polynomial of degree k that swings between −1 \
                     and 1.",
                ),
                choice("step", "Step", "−1 below zero, 1 from zero on."),
                choice(
                    "sinc",
                    "Sinc",
                    "sin(π · frequency · x) / (π · frequency · x).",
                ),
                choice("linear", "Linear", "x itself."),
                choice("absolute", "Absolute value", "|x|."),
                choice("gaussian", "Gaussian", "exp(−(frequency · x)²)."),
            ],
        ),
        Field::integer(
            "degree",
            "Degree",
            "Degree of the Chebyshev polynomial; other functions ignore it.",
            5,
            0,
            50,
        ),
        Field::float(
            "frequency",
            "Frequency",
            "Frequency of sine and sinc, inverse width of the Gaussian; other functions ignore it.",
            2.0,
            0.0,
            100.0,
        )
        .above_min(),
        Field::float(
            "scale",
            "Scale",
            "Factor of the function.",
            1.0,
            -1000.0,
            1000.0,
        ),
        Field::float(
            "offset",
            "Offset",
            "Added to the scaled function.",
            0.0,
            -1000.0,
            1000.0,
        ),
        Field::integer(
            "samples",
            "Samples",
            "How many points are drawn, training and validation together.",
            20,
            2,
            1_000_000,
        ),
        Field::float(
            "noise",
            "Noise",
            "Standard deviation of the Gaussian noise on y.",
            0.0,
            0.0,
            1000.0,
        ),
        Field::float(
            "from",
            "From",
            "Left end of the interval.",
            -1.0,
            -100.0,
            100.0,
        ),
        Field::float("to", "To", "Right end of the interval.", 1.0, -100.0, 100.0),
        Field::choice(
            "spacing",
            "Spacing",
            "How the points lie in the interval.",
            "even",
            &[
                choice("even", "Even", "Evenly spaced, both ends included."),
                choice("random", "Random", "Drawn uniformly."),
            ],
        ),
    ],
};

const fn choice(key: &'static str, label: &'static str, help: &'static str) -> Choice {
    Choice { key, label, help }
}

impl DataSource for Function {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn load(&self, component: &Component, seed: u64, _: &Path) -> Result<Dataset, DataError> {
        let samples = component.count("samples");
        let (from, to) = (component.float("from"), component.float("to"));
        let (scale, offset) = (component.float("scale"), component.float("offset"));
        let noise = component.float("noise");
        let random = component.text("spacing") == "random";
        let mut rng = generator(seed);
        let mut inputs: Vec<f64> = (0..samples)
            .map(|index| {
                let along = if random {
                    rng.random()
                } else {
                    fraction(index, samples)
                };
                from + (to - from) * along
            })
            .collect();
        inputs.sort_by(f64::total_cmp);
        let values = inputs
            .iter()
            .map(|x| offset + scale * function(component, *x) + noise * normal(&mut rng))
            .collect();
        Ok(Dataset {
            inputs,
            shape: InputShape::Vector(1),
            targets: Targets::Values { values, dims: 1 },
            feature_names: vec!["x".to_owned()],
        })
    }

    fn check(&self, component: &Component) -> Vec<Problem> {
        let (from, to) = (component.float("from"), component.float("to"));
        let mut problems = Vec::new();
        if from >= to {
            problems.push(Problem {
                key: "to".to_owned(),
                message: format!("data.to is {to}, expected a number above data.from, {from}"),
            });
        }
        for key in ["label_noise", "imbalance"] {
            let none = if key == "imbalance" { 1.0 } else { 0.0 };
            let value = component.float(key);
            if value != none {
                problems.push(Problem {
                    key: key.to_owned(),
                    message: format!(
                        "data.{key} is {value}, expected {none}, because a function has no \
                         classes (its noise is data.noise)"
                    ),
                });
            }
        }
        problems
    }
}

fn function(component: &Component, x: f64) -> f64 {
    let scaled = component.float("frequency") * x;
    match component.text("function") {
        "chebyshev" => chebyshev(component.count("degree"), x),
        "step" if x < 0.0 => -1.0,
        "step" => 1.0,
        "sinc" if scaled == 0.0 => 1.0,
        "sinc" => (PI * scaled).sin() / (PI * scaled),
        "linear" => x,
        "absolute" => x.abs(),
        "gaussian" => (-scaled * scaled).exp(),
        _ => (PI * scaled).sin(),
    }
}

/// The Chebyshev polynomial of the first kind, by its recurrence
/// T_{k+1}(x) = 2x T_k(x) − T_{k−1}(x).
fn chebyshev(degree: usize, x: f64) -> f64 {
    let (mut before, mut current) = (1.0, x);
    if degree == 0 {
        return before;
    }
    for _ in 1..degree {
        (before, current) = (current, 2.0 * x * current - before);
    }
    current
}
