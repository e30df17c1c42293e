//! A checkerboard: many small regions of two classes.

use std::path::Path;

use rand::Rng as _;

use super::points::{SAMPLES, noise, planar};
use super::{DataError, DataSource, Dataset};
use crate::recipe::{Component, Field, Kind};

/// Points drawn uniformly in the cells of a checkerboard on [−1, 1]².
pub(super) struct Checkerboard;

static KIND: Kind = Kind {
    key: "checkerboard",
    title: "Checkerboard",
    help: "The fields of a checkerboard, black or white: needs high frequencies, so networks \
           learn it slowly.",
    fields: &[
        SAMPLES,
        noise(0.0),
        Field::integer("cells", "Cells", "Fields along a side.", 4, 2, 32),
    ],
};

impl DataSource for Checkerboard {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn load(&self, component: &Component, seed: u64, _: &Path) -> Result<Dataset, DataError> {
        let cells = component.count("cells");
        Ok(planar(
            seed,
            component.count("samples"),
            component.float("noise"),
            vec!["Black".to_owned(), "White".to_owned()],
            |class, _, _, rng| {
                let row = rng.random_range(0..cells);
                // The cells of this colour in the row: column ≡ row + class (mod 2).
                let first = (row + class) % 2;
                let column = first + 2 * rng.random_range(0..(cells - first).div_ceil(2));
                let place = |cell: usize, within: f64| 2.0 * (cell as f64 + within) / cells as f64;
                [
                    place(column, rng.random()) - 1.0,
                    place(row, rng.random()) - 1.0,
                ]
            },
        ))
    }
}
