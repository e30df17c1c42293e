//! The bundled handwritten digits.

use std::path::Path;

use super::{DataError, DataSource, Dataset, InputShape, Targets, file};
use crate::recipe::{Component, Kind};

/// 1,797 handwritten digits of 8×8 pixels, each pixel a count from 0 to 16,
/// scaled to 0 … 1 here: the test part of "Optical recognition of handwritten
/// digits" (Alpaydin and Kaynak, 1998, UCI Machine Learning Repository,
/// doi:10.24432/C50P49, CC BY 4.0), see `assets/data/README.md`.
pub(super) struct Digits;

static KIND: Kind = Kind {
    key: "digits",
    title: "Handwritten digits",
    help: "1,797 handwritten digits as images of 8×8 pixels (Alpaydin and Kaynak, 1998); comes \
           with the program.",
    fields: &[],
};

const FILE: &str = "digits.csv.gz";
static BYTES: &[u8] = include_bytes!("../../assets/data/digits.csv.gz");

const SIDE: usize = 8;
const BRIGHTEST: u8 = 16;

impl DataSource for Digits {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn load(&self, _: &Component, _: u64, _: &Path) -> Result<Dataset, DataError> {
        let damaged =
            |line: usize, message: &str| DataError::line(Path::new(FILE), line as u64 + 1, message);
        let bytes = file::decompress(BYTES)
            .map_err(|source| DataError::file(Path::new(FILE), source.to_string()))?;
        let mut inputs = Vec::new();
        let mut labels = Vec::new();
        for (line, row) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if row.is_empty() {
                continue;
            }
            let numbers: Option<Vec<u8>> = row
                .split(|byte| *byte == b',')
                .map(|cell| std::str::from_utf8(cell).ok()?.trim().parse().ok())
                .collect();
            let numbers = numbers.ok_or_else(|| damaged(line, "expected whole numbers"))?;
            let Some((label, pixels)) = numbers
                .split_last()
                .filter(|(label, pixels)| **label < 10 && pixels.len() == SIDE * SIDE)
            else {
                return Err(damaged(line, "expected 64 pixels and a digit"));
            };
            inputs.extend(
                pixels
                    .iter()
                    .map(|pixel| f64::from(*pixel) / f64::from(BRIGHTEST)),
            );
            labels.push(u32::from(*label));
        }
        Ok(Dataset {
            inputs,
            shape: InputShape::Image {
                channels: 1,
                height: SIDE,
                width: SIDE,
            },
            targets: Targets::Classes {
                labels,
                names: (0..10).map(|digit| digit.to_string()).collect(),
            },
            feature_names: Vec::new(),
        })
    }
}
