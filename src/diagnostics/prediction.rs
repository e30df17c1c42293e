//! What the network says: a fitted curve, a decision map, the outputs for
//! samples.

use serde::{Deserialize, Serialize};

use crate::data::{Dataset, InputShape, Targets};
use crate::objective::Objective;

/// How far a map reaches beyond the data, as a share of their range.
const MARGIN: f64 = 0.1;

/// The network's outputs, in the coordinates of its inputs (standardised where
/// the data are).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PredictionMap {
    /// For one-dimensional inputs: the outputs along a line.
    Curve {
        /// The inputs, rising.
        x: Vec<f32>,
        /// Outputs for each input.
        width: usize,
        /// The outputs, input by input.
        outputs: Vec<f32>,
    },
    /// For two-dimensional inputs: the outputs on a grid.
    Plane {
        /// The first coordinate of each column, rising.
        x: Vec<f32>,
        /// The second coordinate of each row, rising.
        y: Vec<f32>,
        /// Outputs for each point.
        width: usize,
        /// The outputs, point by point; rows after each other.
        outputs: Vec<f32>,
        /// The class that the network decides for, at each point; empty where
        /// there are no classes.
        classes: Vec<u32>,
    },
    /// For any other inputs: the outputs for chosen samples.
    Samples {
        /// The samples' numbers in the data set.
        samples: Vec<usize>,
        /// Outputs for each sample.
        width: usize,
        /// The outputs, sample by sample.
        outputs: Vec<f32>,
        /// The class that the network decides for; empty where there are no
        /// classes.
        classes: Vec<u32>,
    },
}

/// The class of a sample with these outputs: the largest output's, or, where
/// there is one output only, 1 for a positive one and 0 otherwise. Outputs that
/// are not numbers never win.
pub fn decide(outputs: &[f32]) -> u32 {
    if let [output] = outputs {
        return u32::from(*output > 0.0);
    }
    let mut best = 0;
    for (class, output) in outputs.iter().enumerate() {
        if *output > outputs[best] || outputs[best].is_nan() {
            best = class;
        }
    }
    best as u32
}

/// What the network says about the region of the data: a curve of `resolution`
/// points, a map of `resolution` × `resolution` points, or the outputs for the
/// chosen samples where inputs have more than two dimensions.
pub fn prediction(
    objective: &Objective<f32>,
    theta: &[f32],
    data: &Dataset,
    resolution: usize,
    samples: &[usize],
) -> PredictionMap {
    let classes = matches!(data.targets, Targets::Classes { .. });
    let width = |outputs: &[f32], points: usize| outputs.len() / points.max(1);
    let decisions = |outputs: &[f32], width: usize| -> Vec<u32> {
        if classes && width > 0 {
            outputs.chunks_exact(width).map(decide).collect()
        } else {
            Vec::new()
        }
    };
    let says = |inputs: &[f32]| objective.predict(theta, inputs, &mut objective.workspace());
    match data.shape {
        InputShape::Vector(1) => {
            let x = axis(data, 0, resolution);
            let outputs = says(&x);
            PredictionMap::Curve {
                width: width(&outputs, x.len()),
                outputs,
                x,
            }
        }
        InputShape::Vector(2) => {
            let (x, y) = (axis(data, 0, resolution), axis(data, 1, resolution));
            let inputs: Vec<f32> = y
                .iter()
                .flat_map(|y| x.iter().flat_map(|x| [*x, *y]))
                .collect();
            let outputs = says(&inputs);
            let width = width(&outputs, x.len() * y.len());
            PredictionMap::Plane {
                classes: decisions(&outputs, width),
                width,
                outputs,
                x,
                y,
            }
        }
        _ => {
            let samples: Vec<usize> = samples
                .iter()
                .copied()
                .filter(|s| *s < data.len())
                .collect();
            let inputs: Vec<f32> = samples
                .iter()
                .flat_map(|sample| data.input(*sample))
                .map(|value| *value as f32)
                .collect();
            let outputs = says(&inputs);
            let width = width(&outputs, samples.len());
            PredictionMap::Samples {
                classes: decisions(&outputs, width),
                width,
                outputs,
                samples,
            }
        }
    }
}

/// Equally spaced coordinates over the range of one input, and a margin.
fn axis(data: &Dataset, dimension: usize, points: usize) -> Vec<f32> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for sample in 0..data.len() {
        let value = data.input(sample)[dimension];
        low = low.min(value);
        high = high.max(value);
    }
    if !(low.is_finite() && high.is_finite()) {
        (low, high) = (-1.0, 1.0);
    }
    let margin = if high > low {
        MARGIN * (high - low)
    } else {
        1.0
    };
    let (low, high) = (low - margin, high + margin);
    let points = points.max(2);
    (0..points)
        .map(|point| (low + (high - low) * point as f64 / (points - 1) as f64) as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    use crate::train::Setup;
    use crate::train::testing::recipe;

    fn setup(recipe: crate::recipe::Recipe) -> Setup {
        Setup::new(recipe.into(), Path::new(".")).unwrap()
    }

    #[test]
    fn decisions_are_the_largest_output_or_a_sign() {
        assert_eq!(decide(&[0.1, 3.0, -1.0]), 1);
        assert_eq!(decide(&[-0.1]), 0);
        assert_eq!(decide(&[0.1]), 1);
        assert_eq!(decide(&[f32::NAN, -1.0]), 1);
    }

    #[test]
    fn a_plane_covers_the_data_and_agrees_with_single_points() {
        let setup = setup(recipe());
        let map = prediction(
            &setup.training,
            &setup.initial.theta,
            &setup.data.train,
            11,
            &[],
        );
        let PredictionMap::Plane {
            x,
            y,
            width,
            outputs,
            classes,
        } = map
        else {
            panic!("two spirals lie in a plane");
        };
        assert_eq!((x.len(), y.len(), width), (11, 11, 2));
        for sample in 0..setup.data.train.len() {
            let input = setup.data.train.input(sample);
            assert!(f64::from(x[0]) < input[0] && input[0] < f64::from(x[10]));
            assert!(f64::from(y[0]) < input[1] && input[1] < f64::from(y[10]));
        }
        let (column, row) = (3, 7);
        let training = &setup.training;
        let alone = training.predict(
            &setup.initial.theta,
            &[x[column], y[row]],
            &mut training.workspace(),
        );
        let point = row * 11 + column;
        for (output, expected) in outputs[2 * point..2 * point + 2].iter().zip(&alone) {
            assert!((output - expected).abs() < 1e-6);
        }
        assert_eq!(classes[point], decide(&alone));
    }

    #[test]
    fn one_dimension_gives_a_curve_and_many_give_samples() {
        let mut curve = recipe();
        curve.data = crate::data::section().component("function").unwrap();
        curve.loss = crate::recipe::Component::new("mean_squared_error").with("half", false);
        let curve = setup(curve);
        let map = prediction(
            &curve.training,
            &curve.initial.theta,
            &curve.data.train,
            50,
            &[],
        );
        assert!(matches!(map, PredictionMap::Curve { x, width: 1, .. } if x.len() == 50));
        let mut digits = recipe();
        digits.data = crate::data::section().component("digits").unwrap();
        let digits = setup(digits);
        let map = prediction(
            &digits.training,
            &digits.initial.theta,
            &digits.data.train,
            50,
            &[0, 5, usize::MAX],
        );
        assert!(
            matches!(map, PredictionMap::Samples { samples, classes, width: 10, .. }
            if samples == [0, 5] && classes.len() == 2)
        );
    }
}
