//! Two-dimensional convolution (cross-correlation, as every framework has it)
//! by im2col: the patches under the kernel become the columns of a matrix, and
//! the convolution of all samples is one matrix product.

use super::View;
use super::matrix::{Matrix, Write, row_sums};
use super::scalar::Scalar;
use super::tile::{Start, accumulate, dots};

/// Sizes of a convolution. Weights are row-major [outputs, channels, kernel
/// height, kernel width].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvGeometry {
    /// Channels of the input.
    pub channels: usize,
    /// Height of the input.
    pub height: usize,
    /// Width of the input.
    pub width: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// (height, width) of the kernel.
    pub kernel: (usize, usize),
    /// Step of the kernel, in both directions.
    pub stride: usize,
    /// Zeros added on every side.
    pub padding: usize,
}

impl ConvGeometry {
    /// Height of the output.
    pub fn output_height(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel.0) / self.stride + 1
    }

    /// Width of the output.
    pub fn output_width(&self) -> usize {
        (self.width + 2 * self.padding - self.kernel.1) / self.stride + 1
    }

    /// Positions of the output.
    pub fn output_plane(&self) -> usize {
        self.output_height() * self.output_width()
    }

    /// Numbers under the kernel: rows of the patch matrix, inputs of a filter.
    pub fn patch_len(&self) -> usize {
        self.channels * self.kernel.0 * self.kernel.1
    }

    /// Samples whose patches are laid out at a time: few enough for the patch
    /// matrix to stay in a core's own cache.
    fn chunk(&self) -> usize {
        const NUMBERS: usize = 64 * 1024;
        (NUMBERS / (self.patch_len() * self.output_plane())).max(1)
    }

    /// Length of the patch matrix for n samples, the scratch that every
    /// function here needs.
    pub fn columns_len(&self, samples: usize) -> usize {
        self.patch_len() * samples.min(self.chunk()) * self.output_plane()
    }

    /// The outputs o with 0 ≤ o·stride + offset − padding < size.
    fn valid(&self, offset: usize, size: usize, outputs: usize) -> (usize, usize) {
        let first = self.padding.saturating_sub(offset).div_ceil(self.stride);
        let end = if size + self.padding > offset {
            (size + self.padding - offset - 1) / self.stride + 1
        } else {
            0
        };
        (first.min(outputs), end.min(outputs).max(first.min(outputs)))
    }
}

/// Where the lines of one kernel position lie: in the output plane, in the
/// image, and how long and how many they are.
struct Lines {
    output: usize,
    image: usize,
    length: usize,
    count: usize,
}

impl ConvGeometry {
    /// The lines under kernel position (ky, kx).
    fn lines(&self, ky: usize, kx: usize) -> Lines {
        let (first_y, end_y) = self.valid(ky, self.height, self.output_height());
        let (first_x, end_x) = self.valid(kx, self.width, self.output_width());
        let empty = first_x == end_x || first_y == end_y;
        Lines {
            output: first_y * self.output_width() + first_x,
            image: if empty {
                0
            } else {
                (first_y * self.stride + ky - self.padding) * self.width
                    + first_x * self.stride
                    + kx
                    - self.padding
            },
            length: if empty { 0 } else { end_x - first_x },
            count: if empty { 0 } else { end_y - first_y },
        }
    }
}

/// Calls a function with a constant for the usual line lengths, so that a line
/// is a few vector moves instead of a loop.
macro_rules! by_length {
    ($length:expr, $function:ident $arguments:tt, $($n:literal)*) => {
        match $length {
            $($n => $function::<T, $n> $arguments,)*
            _ => $function::<T, 0> $arguments,
        }
    };
}

/// The patch matrix: row (channel, ky, kx), column (sample, oy, ox).
fn im2col<T: Scalar>(geometry: &ConvGeometry, x: View<'_, T>, columns: &mut [T]) {
    let plane = geometry.output_plane();
    let (height, width) = geometry.kernel;
    for ky in 0..height {
        for kx in 0..width {
            let lines = geometry.lines(ky, kx);
            for c in 0..geometry.channels {
                let length = x.samples * plane;
                let row = &mut columns[((c * height + ky) * width + kx) * length..][..length];
                // Whatever the padding covers.
                if lines.length * lines.count < plane {
                    row.fill(T::ZERO);
                }
                let images = &x.data[c * x.channel_stride..];
                by_length!(
                    lines.length,
                    copy_lines(geometry, &lines, images, x.sample_stride, row),
                    1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 18 20 22 24 26 27 28 30 32
                );
            }
        }
    }
}

/// Copies the lines of all samples; `N` is their length, or 0 for any.
fn copy_lines<T: Scalar, const N: usize>(
    geometry: &ConvGeometry,
    lines: &Lines,
    images: &[T],
    sample_stride: usize,
    row: &mut [T],
) {
    let length = if N == 0 { lines.length } else { N };
    let (width, stride) = (geometry.output_width(), geometry.stride);
    for (s, out) in row.chunks_exact_mut(geometry.output_plane()).enumerate() {
        let image = &images[s * sample_stride + lines.image..];
        for line in 0..lines.count {
            let out = &mut out[lines.output + line * width..][..length];
            let image = &image[line * stride * geometry.width..];
            if stride == 1 {
                out.copy_from_slice(&image[..length]);
            } else {
                for (out, value) in out.iter_mut().zip(image.iter().step_by(stride)) {
                    *out = *value;
                }
            }
        }
    }
}

/// The transpose of [`im2col`]: every patch element is added to its pixel of
/// `dx`, whose channels lie `channel_stride` apart.
fn col2im<T: Scalar>(
    geometry: &ConvGeometry,
    columns: &[T],
    samples: usize,
    dx: &mut [T],
    channel_stride: usize,
) {
    let length = samples * geometry.output_plane();
    let (height, width) = geometry.kernel;
    for ky in 0..height {
        for kx in 0..width {
            let lines = geometry.lines(ky, kx);
            for c in 0..geometry.channels {
                let row = &columns[((c * height + ky) * width + kx) * length..][..length];
                let images = &mut dx[c * channel_stride..];
                by_length!(
                    lines.length,
                    add_lines(geometry, &lines, row, images),
                    1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 18 20 22 24 26 27 28 30 32
                );
            }
        }
    }
}

/// Adds the lines of all samples; `N` is their length, or 0 for any.
fn add_lines<T: Scalar, const N: usize>(
    geometry: &ConvGeometry,
    lines: &Lines,
    row: &[T],
    images: &mut [T],
) {
    let length = if N == 0 { lines.length } else { N };
    let (width, stride) = (geometry.output_width(), geometry.stride);
    let plane = geometry.height * geometry.width;
    for (s, patch) in row.chunks_exact(geometry.output_plane()).enumerate() {
        let image = &mut images[s * plane + lines.image..];
        for line in 0..lines.count {
            let patch = &patch[lines.output + line * width..][..length];
            let image = &mut image[line * stride * geometry.width..];
            if stride == 1 {
                for (pixel, value) in image[..length].iter_mut().zip(patch) {
                    *pixel += *value;
                }
            } else {
                for (pixel, value) in image.iter_mut().step_by(stride).zip(patch) {
                    *pixel += *value;
                }
            }
        }
    }
}

/// y ← W ∗ x + b.
pub fn forward<T: Scalar>(
    geometry: &ConvGeometry,
    weight: &[T],
    bias: Option<&[T]>,
    x: View<'_, T>,
    y: &mut [T],
    columns: &mut [T],
) {
    let start = bias.map_or(Start::Zero, Start::Rows);
    convolve(geometry, weight, x, start, y, columns);
}

/// y ← or += W ∗ x.
pub fn product<T: Scalar>(
    geometry: &ConvGeometry,
    weight: &[T],
    x: View<'_, T>,
    write: Write,
    y: &mut [T],
    columns: &mut [T],
) {
    convolve(geometry, weight, x, write.into(), y, columns);
}

fn convolve<T: Scalar>(
    geometry: &ConvGeometry,
    weight: &[T],
    x: View<'_, T>,
    begin: Start<'_, T>,
    y: &mut [T],
    columns: &mut [T],
) {
    let (patch, plane) = (geometry.patch_len(), geometry.output_plane());
    for start in (0..x.samples).step_by(geometry.chunk()) {
        let part = x.part(start, geometry.chunk());
        let length = part.samples * plane;
        let columns = &mut columns[..patch * length];
        im2col(geometry, part, columns);
        accumulate(
            (geometry.outputs, length, patch),
            (&mut y[start * plane..], x.samples * plane),
            begin,
            [(Matrix::rows(weight, patch), Matrix::rows(columns, length))],
        );
    }
}

/// dx ← or += the transposed convolution of dy.
pub fn input_gradient<T: Scalar>(
    geometry: &ConvGeometry,
    weight: &[T],
    dy: &[T],
    samples: usize,
    write: Write,
    dx: &mut [T],
    columns: &mut [T],
) {
    input_gradient_sum(geometry, [(weight, dy)], samples, write, dx, columns);
}

/// dx ← or += the sum of the transposed convolutions of each dy with its W.
pub fn input_gradient_sum<T: Scalar, const N: usize>(
    geometry: &ConvGeometry,
    terms: [(&[T], &[T]); N],
    samples: usize,
    write: Write,
    dx: &mut [T],
    columns: &mut [T],
) {
    let (patch, plane) = (geometry.patch_len(), geometry.output_plane());
    let image = geometry.height * geometry.width;
    if write == Write::Overwrite {
        dx.fill(T::ZERO);
    }
    for start in (0..samples).step_by(geometry.chunk()) {
        let count = geometry.chunk().min(samples - start);
        let length = count * plane;
        let columns = &mut columns[..patch * length];
        accumulate(
            (patch, length, geometry.outputs),
            (&mut *columns, length),
            Start::Zero,
            terms.map(|(weight, dy)| {
                (
                    Matrix::transposed(weight, patch),
                    Matrix::rows(&dy[start * plane..], samples * plane),
                )
            }),
        );
        col2im(
            geometry,
            columns,
            count,
            &mut dx[start * image..],
            samples * image,
        );
    }
}

/// dW ← or += dy · (patch matrix of x)ᵀ, db ← or += Σ dy.
pub fn parameter_gradient<T: Scalar>(
    geometry: &ConvGeometry,
    dy: &[T],
    x: View<'_, T>,
    write: Write,
    weight: &mut [T],
    bias: Option<&mut [T]>,
    columns: &mut [T],
) {
    let (patch, plane) = (geometry.patch_len(), geometry.output_plane());
    for start in (0..x.samples).step_by(geometry.chunk()) {
        let part = x.part(start, geometry.chunk());
        let length = part.samples * plane;
        let columns = &mut columns[..patch * length];
        im2col(geometry, part, columns);
        let write = if start == 0 { write } else { Write::Accumulate };
        dots(
            (geometry.outputs, patch, length),
            weight,
            write.into(),
            [(
                Matrix::rows(&dy[start * plane..], x.samples * plane),
                Matrix::rows(columns, length),
            )],
        );
    }
    if let Some(bias) = bias {
        row_sums(bias, write, dy, x.samples * plane);
    }
}
