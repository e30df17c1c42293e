//! Opposing outliers: a linear regression in which a few samples have one large
//! feature of either sign and one target.

use std::path::Path;

use super::points::{generator, normal};
use super::{DataError, DataSource, Dataset, InputShape, Targets};
use crate::recipe::{Component, Field, Kind, Problem};

/// Most samples have two small features and the first of them as the target; a
/// few have 1 as the first feature, ±size as the second, and all one target. For
/// these the second feature is large and tells nothing: what lowers the loss of
/// those with one sign raises that of the others. After the example of
/// Rosenfeld & Risteski, 2023, "Outliers with Opposing Signals Have an Outsized
/// Effect on Neural Network Optimization".
pub(super) struct Outliers;

static KIND: Kind = Kind {
    key: "outliers",
    title: "Opposing outliers",
    help: "A regression with a few samples whose second feature is large, of either sign, and \
           tells nothing: they pull the network in opposite directions.",
    fields: &[
        Field::integer(
            "samples",
            "Samples",
            "How many points are drawn, training and validation together.",
            200,
            2,
            1_000_000,
        ),
        Field::integer(
            "outliers",
            "Outliers",
            "How many of them are outliers, the signs of their second feature in turn.",
            20,
            0,
            1_000_000,
        ),
        Field::float(
            "size",
            "Size",
            "The second feature of the outliers is about this or minus this.",
            10.0,
            0.0,
            1000.0,
        ),
        Field::float(
            "target",
            "Target",
            "The target of all outliers; that of the others is their first feature.",
            2.0,
            -1000.0,
            1000.0,
        ),
        Field::float(
            "features",
            "Other features",
            "Standard deviation of both features of the other samples.",
            0.5,
            0.0,
            1000.0,
        ),
        Field::float(
            "spread",
            "Spread",
            "Standard deviation of the outliers' features as a share of them.",
            0.1,
            0.0,
            10.0,
        ),
    ],
};

impl DataSource for Outliers {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn load(&self, component: &Component, seed: u64, _: &Path) -> Result<Dataset, DataError> {
        let samples = component.count("samples");
        let ordinary = samples.saturating_sub(component.count("outliers"));
        let (size, target) = (component.float("size"), component.float("target"));
        let (features, spread) = (component.float("features"), component.float("spread"));
        let mut rng = generator(seed);
        let mut inputs = Vec::with_capacity(2 * samples);
        let mut values = Vec::with_capacity(samples);
        for index in 0..samples {
            let noise = [normal(&mut rng), normal(&mut rng)];
            if index < ordinary {
                inputs.extend(noise.map(|noise| features * noise));
                values.push(features * noise[0]);
            } else {
                let sign = if (index - ordinary).is_multiple_of(2) {
                    1.0
                } else {
                    -1.0
                };
                inputs.push(1.0 + spread * noise[0]);
                inputs.push(sign * size * (1.0 + spread * noise[1]));
                values.push(target);
            }
        }
        Ok(Dataset {
            inputs,
            shape: InputShape::Vector(2),
            targets: Targets::Values { values, dims: 1 },
            feature_names: vec!["x₁".to_owned(), "x₂".to_owned()],
        })
    }

    fn check(&self, component: &Component) -> Vec<Problem> {
        let mut problems = Vec::new();
        let (samples, outliers) = (component.integer("samples"), component.integer("outliers"));
        if outliers > samples {
            problems.push(Problem {
                key: "outliers".to_owned(),
                message: format!(
                    "data.outliers is {outliers}, expected at most data.samples, {samples}"
                ),
            });
        }
        for (key, none) in [("label_noise", 0.0), ("imbalance", 1.0)] {
            let value = component.float(key);
            if value != none {
                problems.push(Problem {
                    key: key.to_owned(),
                    message: format!(
                        "data.{key} is {value}, expected {none}, because there are no classes"
                    ),
                });
            }
        }
        problems
    }
}
