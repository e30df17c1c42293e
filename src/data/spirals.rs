//! Spirals: the arms of a galaxy, one class each.

use std::f64::consts::TAU;
use std::path::Path;

use super::points::{SAMPLES, fraction, noise, numbered, planar};
use super::{DataError, DataSource, Dataset};
use crate::recipe::{Component, Field, Kind};

/// Spiral arms around the origin, inside the unit disc.
///
/// Arm k is the curve r(t) = 0.1 + 0.9 t, φ(t) = 2π (k / arms + turns · t),
/// t ∈ [0, 1], after the two-spirals problem (Lang and Witbrock, 1988).
pub(super) struct Spirals;

static KIND: Kind = Kind {
    key: "spirals",
    title: "Spirals",
    help: "Interleaved spiral arms in the plane, one class each: easy to see, hard to separate.",
    fields: &[
        Field::integer("arms", "Arms", "Spiral arms, one class each.", 2, 2, 12),
        SAMPLES,
        noise(0.02),
        Field::float(
            "turns",
            "Turns",
            "How often each arm winds around the origin; more turns are harder to learn.",
            1.0,
            0.1,
            5.0,
        ),
    ],
};

impl DataSource for Spirals {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn load(&self, component: &Component, seed: u64, _: &Path) -> Result<Dataset, DataError> {
        let arms = component.count("arms");
        let turns = component.float("turns");
        Ok(planar(
            seed,
            component.count("samples"),
            component.float("noise"),
            numbered("Arm", arms),
            |arm, index, total, _| {
                let along = fraction(index, total);
                let radius = 0.1 + 0.9 * along;
                let angle = TAU * (arm as f64 / arms as f64 + turns * along);
                [radius * angle.cos(), radius * angle.sin()]
            },
        ))
    }
}
