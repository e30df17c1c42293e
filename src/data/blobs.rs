//! Gaussian blobs, one class each.

use std::f64::consts::TAU;
use std::path::Path;

use rand_chacha::ChaCha8Rng;

use super::points::{SAMPLES, fraction, generator, normal, numbered};
use super::{DataError, DataSource, Dataset, InputShape, Targets};
use crate::recipe::{Component, Field, Kind};

/// Isotropic Gaussians around centres at distance 1 from the origin: on the
/// line evenly spaced from −1 to 1, in the plane evenly spaced on the unit
/// circle, in more dimensions in random directions.
pub(super) struct Blobs;

static KIND: Kind = Kind {
    key: "blobs",
    title: "Gaussian blobs",
    help: "One Gaussian cloud of points for each class, centres at distance 1 from the origin.",
    fields: &[
        Field::integer("classes", "Classes", "Clouds, one class each.", 3, 2, 100),
        SAMPLES,
        Field::float(
            "spread",
            "Spread",
            "Standard deviation of each cloud.",
            0.3,
            0.0,
            10.0,
        ),
        Field::integer(
            "dimensions",
            "Dimensions",
            "Features of a sample.",
            2,
            1,
            1000,
        ),
    ],
};

impl DataSource for Blobs {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn load(&self, component: &Component, seed: u64, _: &Path) -> Result<Dataset, DataError> {
        let classes = component.count("classes");
        let samples = component.count("samples");
        let spread = component.float("spread");
        let dimensions = component.count("dimensions");
        let mut rng = generator(seed);
        let centres: Vec<Vec<f64>> = (0..classes)
            .map(|class| centre(class, classes, dimensions, &mut rng))
            .collect();
        let mut inputs = Vec::with_capacity(samples * dimensions);
        let mut labels = Vec::with_capacity(samples);
        for index in 0..samples {
            let class = index % classes;
            for coordinate in &centres[class] {
                inputs.push(coordinate + spread * normal(&mut rng));
            }
            labels.push(class as u32);
        }
        Ok(Dataset {
            inputs,
            shape: InputShape::Vector(dimensions),
            targets: Targets::Classes {
                labels,
                names: numbered("Blob", classes),
            },
            feature_names: (1..=dimensions).map(|axis| format!("x{axis}")).collect(),
        })
    }
}

fn centre(class: usize, classes: usize, dimensions: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    match dimensions {
        1 => vec![2.0 * fraction(class, classes) - 1.0],
        2 => {
            let (sin, cos) = (TAU * class as f64 / classes as f64).sin_cos();
            vec![cos, sin]
        }
        _ => {
            let direction: Vec<f64> = (0..dimensions).map(|_| normal(rng)).collect();
            let norm = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
            direction.iter().map(|x| x / norm.max(1e-300)).collect()
        }
    }
}
