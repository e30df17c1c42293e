//! Two moons: interlocking half circles.

use std::f64::consts::PI;
use std::path::Path;

use super::points::{SAMPLES, fraction, noise, planar};
use super::{DataError, DataSource, Dataset};
use crate::recipe::{Component, Kind};

/// Two interlocking half circles of radius 1: (cos t, sin t) and
/// (1 − cos t, ½ − sin t), t ∈ [0, π].
pub(super) struct Moons;

static KIND: Kind = Kind {
    key: "moons",
    title: "Moons",
    help: "Two interlocking half circles in the plane.",
    fields: &[SAMPLES, noise(0.1)],
};

impl DataSource for Moons {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn load(&self, component: &Component, seed: u64, _: &Path) -> Result<Dataset, DataError> {
        Ok(planar(
            seed,
            component.count("samples"),
            component.float("noise"),
            vec!["Upper moon".to_owned(), "Lower moon".to_owned()],
            |moon, index, total, _| {
                let (sin, cos) = (PI * fraction(index, total)).sin_cos();
                if moon == 0 {
                    [cos, sin]
                } else {
                    [1.0 - cos, 0.5 - sin]
                }
            },
        ))
    }
}
