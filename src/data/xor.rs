//! Exclusive or: the sign of a product.

use std::path::Path;

use rand::Rng as _;

use super::points::{SAMPLES, noise, planar};
use super::{DataError, DataSource, Dataset};
use crate::recipe::{Component, Field, Kind};

/// Points drawn uniformly in the four quadrants of [−1, 1]², labelled by
/// whether the signs of their coordinates differ.
pub(super) struct Xor;

static KIND: Kind = Kind {
    key: "xor",
    title: "Exclusive or",
    help: "Opposite quadrants of the plane share a class: the smallest problem that needs a \
           hidden layer.",
    fields: &[
        SAMPLES,
        noise(0.0),
        Field::float(
            "gap",
            "Gap",
            "Distance of the points from the axes, before noise.",
            0.1,
            0.0,
            1.0,
        )
        .below_max(),
    ],
};

impl DataSource for Xor {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn load(&self, component: &Component, seed: u64, _: &Path) -> Result<Dataset, DataError> {
        let gap = component.float("gap");
        Ok(planar(
            seed,
            component.count("samples"),
            component.float("noise"),
            vec!["Same sign".to_owned(), "Different signs".to_owned()],
            |class, index, _, rng| {
                let x = gap + (1.0 - gap) * rng.random::<f64>();
                let y = gap + (1.0 - gap) * rng.random::<f64>();
                let side = if index % 2 == 0 { 1.0 } else { -1.0 };
                let other = if class == 0 { side } else { -side };
                [side * x, other * y]
            },
        ))
    }
}
