//! Small pictures.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::colormap::{ColorScale, Colormap, Normalization};
use super::heatmap::Interpolation;

/// A picture stretched over a rectangle of the axes, its first row on top.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Image {
    /// Left and right edge.
    pub x: (f64, f64),
    /// Lower and upper edge.
    pub y: (f64, f64),
    /// The pixels.
    pub raster: Raster,
    /// What is shown between pixels.
    pub interpolation: Interpolation,
    /// Opacity in \[0, 1\].
    pub opacity: f64,
}

/// Pixels, the top row first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Raster {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green, blue, opacity (not premultiplied) of every pixel, row by
    /// row.
    #[serde(serialize_with = "bytes")]
    pub rgba: Arc<[u8]>,
}

fn bytes<S: Serializer>(bytes: &Arc<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(bytes.iter())
}

impl Raster {
    /// Pixels from their bytes; what is missing becomes transparent.
    pub fn new(width: usize, height: usize, mut rgba: Vec<u8>) -> Self {
        rgba.resize(width * height * 4, 0);
        Self {
            width,
            height,
            rgba: rgba.into(),
        }
    }

    /// Values as colours, the top row first; not-a-number is transparent.
    pub fn from_values(width: usize, height: usize, values: &[f64], color: &ColorScale) -> Self {
        let rgba = values.iter().flat_map(|&v| color.rgba(v)).collect();
        Self::new(width, height, rgba)
    }

    /// Values as greys, the top row first: `low` black, `high` white.
    pub fn grey(width: usize, height: usize, values: &[f32], low: f32, high: f32) -> Self {
        let color = ColorScale::new(
            Colormap::Greys,
            Normalization::linear(f64::from(low), f64::from(high)),
        );
        let values: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
        Self::from_values(width, height, &values, &color)
    }

    /// The pixel in column `i` of row `j` from the top; transparent outside.
    pub fn pixel(&self, i: usize, j: usize) -> [u8; 4] {
        if i >= self.width || j >= self.height {
            return [0; 4];
        }
        let at = (j * self.width + i) * 4;
        [
            self.rgba[at],
            self.rgba[at + 1],
            self.rgba[at + 2],
            self.rgba[at + 3],
        ]
    }
}
