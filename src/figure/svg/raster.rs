//! Images inside SVG: heat maps, pictures, colour bars.

use std::fmt::Write as _;

use super::Writer;
use super::xml::{base64, number};
use crate::figure::colormap::{Colormap, ENTRIES};
use crate::figure::layers::{Heatmap, Interpolation, Raster, cell_of};
use crate::figure::layout::{PanelLayout, Rect, View};
use crate::figure::png::encode;
use crate::figure::scale::Scale;

/// Pixels of a resampled image for each CSS pixel.
const DENSITY: f64 = 2.0;

/// Pixels along one side of a resampled image, at most.
const LARGEST: f64 = 2048.0;

impl Writer {
    /// An image stretched over a rectangle, with sharp pixels or smooth.
    pub(super) fn image(&mut self, raster: &Raster, at: Rect, sharp: bool, opacity: f64) {
        if raster.width == 0 || raster.height == 0 || at.width <= 0.0 || at.height <= 0.0 {
            return;
        }
        let _ = write!(
            self.out,
            "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\"",
            number(at.x),
            number(at.y),
            number(at.width),
            number(at.height)
        );
        if sharp {
            self.out.push_str(" style=\"image-rendering: pixelated\"");
        }
        if opacity < 1.0 {
            let _ = write!(self.out, " opacity=\"{}\"", number(opacity.max(0.0)));
        }
        let _ = writeln!(
            self.out,
            " xlink:href=\"data:image/png;base64,{}\"/>",
            base64(&encode(raster))
        );
    }

    pub(super) fn heatmap(&mut self, map: &Heatmap, placed: &PanelLayout) {
        let (plot, view) = (placed.plot, &placed.view);
        let Some(covered) = covered(map, view, plot) else {
            return;
        };
        if map.values.iter().any(|v| v.is_nan()) {
            self.rect(covered, " fill=\"url(#missing)\"");
        }
        let linear = view.x.scale == Scale::Linear && view.y.scale == Scale::Linear;
        let even = evenly_spaced(&map.x_edges) && evenly_spaced(&map.y_edges);
        let sharp = map.interpolation == Interpolation::Nearest;
        if sharp && linear && even {
            let left = view.x.pixel(map.x_edges[0]);
            let right = view.x.pixel(map.x_edges[map.columns()]);
            let bottom = view.y.pixel(map.y_edges[0]);
            let top = view.y.pixel(map.y_edges[map.rows()]);
            let at = Rect::new(left, top, right - left, bottom - top);
            self.image(&map.pixels(), at, true, 1.0);
        } else {
            self.image(&resampled(map, view, covered), covered, sharp, 1.0);
        }
    }

    /// The look-up table as a bar, its low end at the bottom.
    pub(super) fn lut(&mut self, map: Colormap, at: Rect) {
        let rgba = map
            .lut()
            .iter()
            .rev()
            .flat_map(|&[red, green, blue]| [red, green, blue, 255])
            .collect();
        self.image(&Raster::new(1, ENTRIES, rgba), at, true, 1.0);
    }
}

/// The part of the plot that a heat map covers.
fn covered(map: &Heatmap, view: &View, plot: Rect) -> Option<Rect> {
    if map.columns() == 0 || map.rows() == 0 {
        return None;
    }
    // An edge that the scale cannot show lies beyond its low end.
    let place = |pixel: f64, low: f64| if pixel.is_nan() { low } else { pixel };
    let left = place(view.x.pixel(map.x_edges[0]), plot.x).max(plot.x);
    let right = view.x.pixel(map.x_edges[map.columns()]).min(plot.right());
    let bottom = place(view.y.pixel(map.y_edges[0]), plot.bottom()).min(plot.bottom());
    let top = view.y.pixel(map.y_edges[map.rows()]).max(plot.y);
    (right > left && bottom > top).then(|| Rect::new(left, top, right - left, bottom - top))
}

fn evenly_spaced(edges: &[f64]) -> bool {
    let span = edges[edges.len() - 1] - edges[0];
    let step = span / (edges.len() - 1) as f64;
    edges
        .iter()
        .enumerate()
        .all(|(i, edge)| (edge - edges[0] - i as f64 * step).abs() <= 1e-6 * span)
}

/// The heat map as seen through the axes, pixel by pixel.
fn resampled(map: &Heatmap, view: &View, at: Rect) -> Raster {
    let width = (at.width * DENSITY).ceil().clamp(1.0, LARGEST) as usize;
    let height = (at.height * DENSITY).ceil().clamp(1.0, LARGEST) as usize;
    let cell = |edges: &[f64], value: f64| -> Option<f64> {
        let i = cell_of(edges, value)?;
        Some(i as f64 + (value - edges[i]) / (edges[i + 1] - edges[i]))
    };
    let columns: Vec<Option<f64>> = (0..width)
        .map(|i| {
            let pixel = at.x + (i as f64 + 0.5) / width as f64 * at.width;
            cell(&map.x_edges, view.x.value(pixel))
        })
        .collect();
    let mut rgba = Vec::with_capacity(width * height * 4);
    for j in 0..height {
        let pixel = at.y + (j as f64 + 0.5) / height as f64 * at.height;
        let row = cell(&map.y_edges, view.y.value(pixel));
        for column in &columns {
            let value = match (column, row) {
                (Some(u), Some(v)) => match map.interpolation {
                    Interpolation::Nearest => map.value(*u as usize, v as usize),
                    Interpolation::Bilinear => map.interpolated(*u, v),
                },
                _ => f64::NAN,
            };
            rgba.extend(map.color.rgba(value));
        }
    }
    Raster::new(width, height, rgba)
}
