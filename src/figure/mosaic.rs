//! Small images side by side: samples, filters, saliency maps.

use serde::Serialize;

use super::layers::Raster;
use super::model::ColorBar;
use super::style::Ink;

/// Images in a regular grid, each with a caption, drawn with sharp pixels.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Mosaic {
    /// One line above.
    pub title: Option<String>,
    /// The images, row by row.
    pub tiles: Vec<Tile>,
    /// Images a row; chosen to fill the panel where `None`.
    pub columns: Option<usize>,
    /// What the colours mean.
    pub color_bar: Option<ColorBar>,
    /// A line below.
    pub note: Option<String>,
}

/// One image of a mosaic.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tile {
    /// The pixels.
    pub image: Raster,
    /// Drawn over the image, such as a saliency map; stretched to its size.
    pub overlay: Option<Raster>,
    /// Written below it.
    pub caption: Option<String>,
    /// The colour of a frame around it, such as for a wrong prediction.
    pub outline: Option<Ink>,
}

impl Tile {
    /// An image without caption, overlay or frame.
    pub fn new(image: Raster) -> Self {
        Self {
            image,
            overlay: None,
            caption: None,
            outline: None,
        }
    }

    /// The same image with a caption.
    pub fn captioned(mut self, caption: impl Into<String>) -> Self {
        self.caption = Some(caption.into());
        self
    }

    /// The same image with a frame around it.
    pub fn outlined(mut self, ink: Ink) -> Self {
        self.outline = Some(ink);
        self
    }

    /// The same image with another over it.
    pub fn overlaid(mut self, overlay: Raster) -> Self {
        self.overlay = Some(overlay);
        self
    }
}

/// Where the tiles of a mosaic go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MosaicGrid {
    /// Tiles a row.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
    /// Width of an image.
    pub tile_width: f64,
    /// Height of an image.
    pub tile_height: f64,
    /// Distance between neighbouring images.
    pub gap: f64,
    /// Height of the captions below each row.
    pub caption_height: f64,
}

impl MosaicGrid {
    /// The grid that shows `count` images of `aspect` (width over height) as
    /// large as possible in `width × height`, or with `columns` a row.
    pub fn fit(
        count: usize,
        aspect: f64,
        columns: Option<usize>,
        (width, height): (f64, f64),
        gap: f64,
        caption_height: f64,
    ) -> Self {
        let count = count.max(1);
        let with_columns = |columns: usize| {
            let rows = count.div_ceil(columns);
            let by_width = (width - gap * (columns - 1) as f64) / columns as f64;
            let by_height = (height - gap * (rows - 1) as f64) / rows as f64 - caption_height;
            let tile_height = (by_width / aspect).min(by_height).max(1.0);
            Self {
                columns,
                rows,
                tile_width: tile_height * aspect,
                tile_height,
                gap,
                caption_height,
            }
        };
        match columns {
            Some(columns) => with_columns(columns.clamp(1, count)),
            // The first of the best: fewer columns where it makes no difference.
            None => (1..=count)
                .map(with_columns)
                .reduce(|best, next| {
                    if next.tile_height > best.tile_height + 1e-9 {
                        next
                    } else {
                        best
                    }
                })
                .unwrap_or_else(|| with_columns(1)),
        }
    }

    /// Width and height of the whole grid.
    pub fn size(&self) -> (f64, f64) {
        let columns = self.columns as f64;
        let rows = self.rows as f64;
        (
            columns * self.tile_width + (columns - 1.0) * self.gap,
            rows * (self.tile_height + self.caption_height) + (rows - 1.0) * self.gap,
        )
    }

    /// Left and top edge of image `index`, from the grid's own.
    pub fn position(&self, index: usize) -> (f64, f64) {
        (
            (index % self.columns) as f64 * (self.tile_width + self.gap),
            (index / self.columns) as f64 * (self.tile_height + self.caption_height + self.gap),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_fits_and_uses_the_room() {
        for count in 1..40 {
            let grid = MosaicGrid::fit(count, 1.0, None, (400.0, 300.0), 6.0, 14.0);
            let (width, height) = grid.size();
            assert!(width <= 400.001 && height <= 300.001);
            assert!(grid.columns * grid.rows >= count);
        }
        let ten = MosaicGrid::fit(10, 1.0, Some(5), (400.0, 300.0), 6.0, 0.0);
        assert_eq!((ten.columns, ten.rows), (5, 2));
        assert_eq!(
            ten.position(6),
            (ten.tile_width + 6.0, ten.tile_height + 6.0)
        );
    }
}
