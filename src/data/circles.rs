//! Circles: one class around the other.

use std::f64::consts::TAU;
use std::path::Path;

use rand::Rng as _;

use super::points::{SAMPLES, noise, planar};
use super::{DataError, DataSource, Dataset};
use crate::recipe::{Component, Field, Kind};

/// A circle of radius 1 around a smaller one, angles drawn uniformly.
pub(super) struct Circles;

static KIND: Kind = Kind {
    key: "circles",
    title: "Circles",
    help: "A circle inside a circle, which no straight line separates.",
    fields: &[
        SAMPLES,
        noise(0.05),
        Field::float(
            "factor",
            "Inner radius",
            "Radius of the inner circle; that of the outer one is 1.",
            0.5,
            0.0,
            1.0,
        )
        .below_max(),
    ],
};

impl DataSource for Circles {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn load(&self, component: &Component, seed: u64, _: &Path) -> Result<Dataset, DataError> {
        let factor = component.float("factor");
        Ok(planar(
            seed,
            component.count("samples"),
            component.float("noise"),
            vec!["Outer circle".to_owned(), "Inner circle".to_owned()],
            |circle, _, _, rng| {
                let (sin, cos) = (TAU * rng.random::<f64>()).sin_cos();
                let radius = if circle == 0 { 1.0 } else { factor };
                [radius * cos, radius * sin]
            },
        ))
    }
}
