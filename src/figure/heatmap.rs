//! Values on a grid as colours.

use serde::Serialize;

use super::colormap::ColorScale;
use super::image::Raster;
use super::samples::Samples;

/// What is shown between samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Interpolation {
    /// Every cell has the colour of its own value.
    #[default]
    Nearest,
    /// Values are interpolated between the middles of cells, which the figure
    /// says in its note. A cell without a value is never interpolated.
    Bilinear,
}

/// Values on a rectangular grid as colours.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Heatmap {
    /// Edges of the columns, in increasing order: one more than columns.
    pub x_edges: Samples,
    /// Edges of the rows, in increasing order: one more than rows.
    pub y_edges: Samples,
    /// Row-major, `values[j * columns + i]` in column i along x and row j
    /// *up* the y axis; not-a-number where there is no value.
    pub values: Samples,
    /// From values to colours.
    pub color: ColorScale,
    /// What is shown between samples.
    pub interpolation: Interpolation,
}

impl Heatmap {
    /// A heat map with the middles of its columns and rows at `x` and `y`
    /// (increasing), as for a function sampled on a grid.
    pub fn sampled(x: &[f64], y: &[f64], values: impl Into<Samples>, color: ColorScale) -> Self {
        Self {
            x_edges: edges_around(x),
            y_edges: edges_around(y),
            values: values.into(),
            color,
            interpolation: Interpolation::Nearest,
        }
    }

    /// A heat map of unit cells, the first with its middle at (0, 0).
    pub fn of_cells(
        columns: usize,
        rows: usize,
        values: impl Into<Samples>,
        color: ColorScale,
    ) -> Self {
        let edges = |n: usize| (0..=n).map(|i| i as f64 - 0.5).collect();
        Self {
            x_edges: edges(columns),
            y_edges: edges(rows),
            values: values.into(),
            color,
            interpolation: Interpolation::Nearest,
        }
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.x_edges.len().saturating_sub(1)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.y_edges.len().saturating_sub(1)
    }

    /// The value of column `i` in row `j`; not-a-number outside.
    pub fn value(&self, i: usize, j: usize) -> f64 {
        if i >= self.columns() {
            return f64::NAN;
        }
        let index = j * self.columns() + i;
        self.values.get(index).copied().unwrap_or(f64::NAN)
    }

    /// The value under a point, `None` outside: for read-outs.
    pub fn value_at(&self, x: f64, y: f64) -> Option<f64> {
        Some(self.value(cell_of(&self.x_edges, x)?, cell_of(&self.y_edges, y)?))
    }

    /// The cells as an image of `columns × rows` pixels, the top row first:
    /// red, green, blue, opacity. Cells without a value are transparent.
    pub fn pixels(&self) -> Raster {
        let (width, height) = (self.columns(), self.rows());
        let mut rgba = Vec::with_capacity(width * height * 4);
        for j in (0..height).rev() {
            for i in 0..width {
                rgba.extend(self.color.rgba(self.value(i, j)));
            }
        }
        Raster::new(width, height, rgba)
    }

    /// The value at fractional cell coordinates, (0.5, 0.5) being the middle
    /// of the first cell: bilinear between middles, constant beyond the
    /// outermost ones. A cell without a value stays without one all over, and
    /// has no part in its neighbours.
    pub fn interpolated(&self, u: f64, v: f64) -> f64 {
        let (columns, rows) = (self.columns(), self.rows());
        if columns == 0 || rows == 0 {
            return f64::NAN;
        }
        let own = |position: f64, count: usize| (position.floor().max(0.0) as usize).min(count - 1);
        if self.value(own(u, columns), own(v, rows)).is_nan() {
            return f64::NAN;
        }
        let split = |position: f64, count: usize| {
            let p = (position - 0.5).clamp(0.0, (count - 1) as f64);
            let low = (p.floor() as usize).min(count - 1);
            (low, (low + 1).min(count - 1), p - low as f64)
        };
        let (i0, i1, s) = split(u, columns);
        let (j0, j1, t) = split(v, rows);
        let (mut sum, mut weights) = (0.0, 0.0);
        for (i, j, weight) in [
            (i0, j0, (1.0 - s) * (1.0 - t)),
            (i1, j0, s * (1.0 - t)),
            (i0, j1, (1.0 - s) * t),
            (i1, j1, s * t),
        ] {
            let value = self.value(i, j);
            if weight > 0.0 && !value.is_nan() {
                sum += weight * value;
                weights += weight;
            }
        }
        sum / weights
    }
}

/// Cell edges halfway between increasing middles; the outermost cells are
/// symmetric about theirs.
pub fn edges_around(middles: &[f64]) -> Samples {
    match middles {
        [] => Samples::default(),
        [only] => [only - 0.5, only + 0.5].into_iter().collect(),
        [first, second, ..] => {
            let n = middles.len();
            let mut edges = vec![first - (second - first) / 2.0];
            edges.extend(middles.windows(2).map(|w| (w[0] + w[1]) / 2.0));
            edges.push(middles[n - 1] + (middles[n - 1] - middles[n - 2]) / 2.0);
            edges.into()
        }
    }
}

/// The cell between increasing edges in which a coordinate lies.
pub fn cell_of(edges: &[f64], coordinate: f64) -> Option<usize> {
    let (first, last) = (*edges.first()?, *edges.last()?);
    if !(coordinate >= first && coordinate <= last) || edges.len() < 2 {
        return None;
    }
    let after = edges.partition_point(|&edge| edge <= coordinate);
    Some(after.saturating_sub(1).min(edges.len() - 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Colormap, Normalization};

    fn grid() -> Heatmap {
        let color = ColorScale::new(Colormap::Greys, Normalization::linear(0.0, 5.0));
        Heatmap::sampled(
            &[0.0, 1.0, 2.0],
            &[10.0, 20.0],
            vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
            color,
        )
    }

    #[test]
    fn rows_go_up_and_pixels_go_down() {
        let map = grid();
        assert_eq!(&map.x_edges[..], [-0.5, 0.5, 1.5, 2.5]);
        assert_eq!(&map.y_edges[..], [5.0, 15.0, 25.0]);
        assert_eq!(map.value_at(2.0, 10.0), Some(2.0));
        assert_eq!(map.value_at(0.0, 21.0), Some(3.0));
        assert_eq!(map.value_at(3.0, 10.0), None);
        let pixels = map.pixels();
        assert_eq!(pixels.pixel(2, 0), [255, 255, 255, 255]);
        assert_eq!(pixels.pixel(0, 1), [0, 0, 0, 255]);
    }

    #[test]
    fn interpolation_is_exact_at_middles_and_spreads_no_value_into_gaps() {
        let mut map = grid();
        assert_eq!(map.interpolated(1.5, 0.5), 1.0);
        assert_eq!(map.interpolated(1.0, 0.5), 0.5);
        assert_eq!(map.interpolated(0.0, 0.0), 0.0);
        map.values = vec![0.0, f64::NAN, 2.0, 3.0, 4.0, 5.0].into();
        assert!(map.interpolated(1.2, 0.6).is_nan());
        assert_eq!(map.interpolated(0.5, 0.5), 0.0);
        assert_eq!(map.interpolated(0.9, 0.5), 0.0);
        assert_eq!(map.pixels().pixel(1, 1), [0; 4]);
    }
}
