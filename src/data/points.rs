//! What the generators of points share.

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::dataset::{Dataset, InputShape, Targets};
use crate::math::rng::stream;
use crate::recipe::Field;

/// The field `samples` of the generators of classes.
pub(super) const SAMPLES: Field = Field::integer(
    "samples",
    "Samples",
    "How many points are drawn, training and validation together.",
    300,
    2,
    1_000_000,
);

/// The field `noise` of the generators, with a default of its own.
pub(super) const fn noise(default: f64) -> Field {
    Field::float(
        "noise",
        "Noise",
        "Standard deviation of the Gaussian noise on both coordinates.",
        default,
        0.0,
        10.0,
    )
}

/// The stream that generators draw from.
pub(super) fn generator(seed: u64) -> ChaCha8Rng {
    stream(seed, "data")
}

/// A standard normal number.
pub(super) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    rng.sample(StandardNormal)
}

/// Points in the plane of the named classes, dealt out to the classes in turn,
/// so that the classes are balanced to within one sample. `place` draws the
/// point of a class; the second argument is how many of that class came before
/// and the third how many it has in all. Then comes the noise.
pub(super) fn planar(
    seed: u64,
    samples: usize,
    noise: f64,
    names: Vec<String>,
    mut place: impl FnMut(usize, usize, usize, &mut ChaCha8Rng) -> [f64; 2],
) -> Dataset {
    let classes = names.len().max(1);
    let mut rng = generator(seed);
    let mut inputs = Vec::with_capacity(2 * samples);
    let mut labels = Vec::with_capacity(samples);
    for index in 0..samples {
        let class = index % classes;
        let total = (samples - class).div_ceil(classes);
        let [x, y] = place(class, index / classes, total, &mut rng);
        inputs.push(x + noise * normal(&mut rng));
        inputs.push(y + noise * normal(&mut rng));
        labels.push(class as u32);
    }
    Dataset {
        inputs,
        shape: InputShape::Vector(2),
        targets: Targets::Classes { labels, names },
        feature_names: vec!["x₁".to_owned(), "x₂".to_owned()],
    }
}

/// The `index`-th of `total` evenly spaced positions from 0 to 1.
pub(super) fn fraction(index: usize, total: usize) -> f64 {
    index as f64 / total.saturating_sub(1).max(1) as f64
}

/// Names "prefix 1", "prefix 2", …
pub(super) fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (1..=count)
        .map(|number| format!("{prefix} {number}"))
        .collect()
}
