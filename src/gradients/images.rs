//! A weight tensor, or its gradient, as an image.

use serde::{Deserialize, Serialize};

use crate::data::InputShape;
use crate::nn::{ParameterKind, ParameterTensor};

/// A tensor laid out as an image of tiles.
///
/// A dense layer is one tile whose rows are its filters; a dense layer that
/// reads image inputs has one tile for each filter and channel, in the shape of
/// the input; a convolution has one for each filter and input channel, in the
/// shape of the kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorImage {
    /// The tensor's name.
    pub name: String,
    /// Rows of tiles.
    pub tile_rows: usize,
    /// Tiles in a row.
    pub tile_columns: usize,
    /// Rows of pixels in a tile.
    pub tile_height: usize,
    /// Pixels in a row of a tile.
    pub tile_width: usize,
    /// The tensor's numbers: tile after tile, each row-major. The last row of
    /// tiles may be short.
    pub values: Vec<f32>,
}

impl TensorImage {
    /// Number of tiles.
    pub fn tiles(&self) -> usize {
        self.values.len() / (self.tile_height * self.tile_width).max(1)
    }

    /// Largest finite absolute value, for a scale that is centred on zero.
    pub fn limit(&self) -> f32 {
        self.values
            .iter()
            .map(|value| value.abs())
            .filter(|value| value.is_finite())
            .fold(0.0, f32::max)
    }

    /// The index in `values` of the pixel in this row and column of the whole
    /// image, whose tiles stand `gap` pixels apart; nothing in a gap or where
    /// the last row of tiles has ended.
    pub fn index(&self, row: usize, column: usize, gap: usize) -> Option<usize> {
        let (high, wide) = (self.tile_height + gap, self.tile_width + gap);
        let (tile_row, y) = (row / high, row % high);
        let (tile_column, x) = (column / wide, column % wide);
        if y >= self.tile_height || x >= self.tile_width || tile_column >= self.tile_columns {
            return None;
        }
        let tile = tile_row * self.tile_columns + tile_column;
        (tile < self.tiles()).then(|| (tile * self.tile_height + y) * self.tile_width + x)
    }

    /// The whole image, row-major, as (height, width, pixels), with tiles `gap`
    /// pixels apart; where there is no number, the pixel is not-a-number.
    pub fn assemble(&self, gap: usize) -> (usize, usize, Vec<f32>) {
        let size = |tiles: usize, pixels: usize| (tiles * (pixels + gap)).saturating_sub(gap);
        let height = size(self.tile_rows, self.tile_height);
        let width = size(self.tile_columns, self.tile_width);
        let pixels = (0..height * width)
            .map(|pixel| {
                self.index(pixel / width, pixel % width, gap)
                    .map_or(f32::NAN, |index| self.values[index])
            })
            .collect();
        (height, width, pixels)
    }
}

/// A tensor's part of a flat vector (parameters, a gradient, an update) as an
/// image. `input` is the shape of the network's inputs, which shapes the tiles
/// of a first dense layer.
pub fn tensor_image(tensor: &ParameterTensor, vector: &[f32], input: &InputShape) -> TensorImage {
    let values = vector
        .get(tensor.range.clone())
        .unwrap_or_default()
        .to_vec();
    let filters = tensor.filters();
    let (tile_rows, tile_columns, tile_height, tile_width) = match (&tensor.shape[..], input) {
        ([_, channels, height, width], _) if *channels == 1 => {
            let columns = near_square(filters);
            (filters.div_ceil(columns), columns, *height, *width)
        }
        ([_, channels, height, width], _) => (filters, *channels, *height, *width),
        (
            [_, inputs],
            InputShape::Image {
                channels,
                height,
                width,
            },
        ) if tensor.layer == 0 && *inputs == channels * height * width => {
            let columns = if *channels == 1 {
                near_square(filters)
            } else {
                *channels
            };
            (
                (filters * channels).div_ceil(columns),
                columns,
                *height,
                *width,
            )
        }
        ([rows, columns], _) => (1, 1, *rows, *columns),
        _ if tensor.kind == ParameterKind::Weight => (1, 1, filters, tensor.filter_len()),
        _ => (1, 1, 1, values.len()),
    };
    TensorImage {
        name: tensor.name.clone(),
        tile_rows,
        tile_columns,
        tile_height,
        tile_width,
        values,
    }
}

/// Columns of a nearly square arrangement, wider than high.
fn near_square(tiles: usize) -> usize {
    (1..=tiles).find(|side| side * side >= tiles).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(shape: &[usize], layer: usize) -> ParameterTensor {
        ParameterTensor {
            name: "0.weight".into(),
            shape: shape.to_vec(),
            range: 1..1 + shape.iter().product::<usize>(),
            kind: ParameterKind::Weight,
            layer,
        }
    }

    fn vector(tensor: &ParameterTensor) -> Vec<f32> {
        (0..tensor.range.end).map(|index| index as f32).collect()
    }

    #[test]
    fn a_dense_layer_has_its_filters_as_rows() {
        let tensor = tensor(&[3, 2], 1);
        let image = tensor_image(&tensor, &vector(&tensor), &InputShape::Vector(2));
        assert_eq!(
            image.assemble(1),
            (3, 2, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        );
        assert_eq!(image.limit(), 6.0);
    }

    #[test]
    fn a_first_layer_on_images_has_tiles_in_their_shape() {
        let input = InputShape::Image {
            channels: 1,
            height: 2,
            width: 3,
        };
        let tensor = tensor(&[5, 6], 0);
        let image = tensor_image(&tensor, &vector(&tensor), &input);
        assert_eq!((image.tile_rows, image.tile_columns), (2, 3));
        assert_eq!((image.tile_height, image.tile_width), (2, 3));
        let (height, width, pixels) = image.assemble(1);
        assert_eq!((height, width), (5, 11));
        // The second tile begins after the first and a gap.
        assert!(pixels[3].is_nan());
        assert_eq!(pixels[4], 7.0);
        // The first tile of the second row of tiles.
        assert_eq!(pixels[3 * 11], 19.0);
        // There is no sixth tile.
        assert!(pixels[3 * 11 + 8].is_nan());
        // In a later layer the same matrix is a matrix.
        let mut later = tensor;
        later.layer = 1;
        assert_eq!(tensor_image(&later, &vector(&later), &input).tile_height, 5);
    }

    #[test]
    fn a_convolution_has_filters_down_and_channels_across() {
        let tensor = tensor(&[4, 2, 3, 3], 1);
        let image = tensor_image(&tensor, &vector(&tensor), &InputShape::Vector(2));
        assert_eq!((image.tile_rows, image.tile_columns), (4, 2));
        assert_eq!(image.tiles(), 8);
        assert_eq!(image.index(4, 4, 1), Some((2 + 1) * 9));
        assert_eq!(image.index(3, 0, 1), None);
    }

    #[test]
    fn not_a_number_does_not_hide_the_scale() {
        let tensor = tensor(&[1, 2], 1);
        let image = tensor_image(&tensor, &[0.0, f32::NAN, -2.0], &InputShape::Vector(2));
        assert_eq!(image.limit(), 2.0);
    }
}
