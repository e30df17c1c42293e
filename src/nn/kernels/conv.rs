//! Two-dimensional convolution (cross-correlation, as every framework has it)
//! by im2col: the patches under the kernel become the columns of a matrix, and
//! the convolution of all samples is one matrix product.

use super::View;
use super::matrix::{Matrix, Write, multiply, multiply_transposed, row_sums};
use super::scalar::Scalar;

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

    /// Length of the patch matrix of n samples, the scratch that every
    /// function here needs.
    pub fn columns_len(&self, samples: usize) -> usize {
        self.patch_len() * samples * self.output_plane()
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

/// The patch matrix: row (channel, ky, kx), column (sample, oy, ox).
pub fn im2col<T: Scalar>(geometry: &ConvGeometry, x: View<'_, T>, columns: &mut [T]) {
    let (oh, ow) = (geometry.output_height(), geometry.output_width());
    let mut rows = columns.chunks_exact_mut(x.samples * oh * ow);
    for c in 0..geometry.channels {
        for ky in 0..geometry.kernel.0 {
            let (first_y, end_y) = geometry.valid(ky, geometry.height, oh);
            for kx in 0..geometry.kernel.1 {
                let (first_x, end_x) = geometry.valid(kx, geometry.width, ow);
                let Some(row) = rows.next() else { return };
                for (s, out) in row.chunks_exact_mut(oh * ow).enumerate() {
                    let start = c * x.channel_stride + s * x.sample_stride;
                    let image = &x.data[start..start + geometry.height * geometry.width];
                    out[..first_y * ow].fill(T::ZERO);
                    out[end_y * ow..].fill(T::ZERO);
                    for oy in first_y..end_y {
                        let line = &mut out[oy * ow..(oy + 1) * ow];
                        line[..first_x].fill(T::ZERO);
                        line[end_x..].fill(T::ZERO);
                        if first_x == end_x {
                            continue;
                        }
                        let y = oy * geometry.stride + ky - geometry.padding;
                        let from =
                            y * geometry.width + first_x * geometry.stride + kx - geometry.padding;
                        let line = &mut line[first_x..end_x];
                        if geometry.stride == 1 {
                            for (out, value) in line.iter_mut().zip(&image[from..]) {
                                *out = *value;
                            }
                        } else {
                            let values = image[from..].iter().step_by(geometry.stride);
                            for (out, value) in line.iter_mut().zip(values) {
                                *out = *value;
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The transpose of [`im2col`]: every patch element is added to its pixel of
/// `dx` (in the layers' own order).
fn col2im<T: Scalar>(geometry: &ConvGeometry, columns: &[T], samples: usize, dx: &mut [T]) {
    let (oh, ow) = (geometry.output_height(), geometry.output_width());
    let plane = geometry.height * geometry.width;
    let mut rows = columns.chunks_exact(samples * oh * ow);
    for c in 0..geometry.channels {
        for ky in 0..geometry.kernel.0 {
            let (first_y, end_y) = geometry.valid(ky, geometry.height, oh);
            for kx in 0..geometry.kernel.1 {
                let (first_x, end_x) = geometry.valid(kx, geometry.width, ow);
                let Some(row) = rows.next() else { return };
                if first_x == end_x {
                    continue;
                }
                for (s, patch) in row.chunks_exact(oh * ow).enumerate() {
                    let start = (c * samples + s) * plane;
                    let image = &mut dx[start..start + plane];
                    for oy in first_y..end_y {
                        let y = oy * geometry.stride + ky - geometry.padding;
                        let from =
                            y * geometry.width + first_x * geometry.stride + kx - geometry.padding;
                        let line = &patch[oy * ow + first_x..oy * ow + end_x];
                        if geometry.stride == 1 {
                            for (pixel, value) in image[from..].iter_mut().zip(line) {
                                *pixel += *value;
                            }
                        } else {
                            let pixels = image[from..].iter_mut().step_by(geometry.stride);
                            for (pixel, value) in pixels.zip(line) {
                                *pixel += *value;
                            }
                        }
                    }
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
    let length = x.samples * geometry.output_plane();
    let write = match bias {
        Some(bias) => {
            for (row, bias) in y.chunks_exact_mut(length).zip(bias) {
                row.fill(*bias);
            }
            Write::Accumulate
        }
        None => Write::Overwrite,
    };
    product(geometry, weight, x, write, y, columns);
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
    let columns = &mut columns[..geometry.columns_len(x.samples)];
    im2col(geometry, x, columns);
    columns_product(geometry, weight, x.samples, write, y, columns);
}

/// y ← or += W · (patch matrix).
pub fn columns_product<T: Scalar>(
    geometry: &ConvGeometry,
    weight: &[T],
    samples: usize,
    write: Write,
    y: &mut [T],
    columns: &[T],
) {
    let length = samples * geometry.output_plane();
    multiply(
        (geometry.outputs, length, geometry.patch_len()),
        y,
        write,
        Matrix::rows(weight, geometry.patch_len()),
        Matrix::rows(columns, length),
    );
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
    let length = samples * geometry.output_plane();
    let columns = &mut columns[..geometry.columns_len(samples)];
    for (k, (weight, dy)) in terms.into_iter().enumerate() {
        multiply(
            (geometry.patch_len(), length, geometry.outputs),
            columns,
            if k == 0 {
                Write::Overwrite
            } else {
                Write::Accumulate
            },
            Matrix::transposed(weight, geometry.patch_len()),
            Matrix::rows(dy, length),
        );
    }
    if write == Write::Overwrite {
        dx.fill(T::ZERO);
    }
    col2im(geometry, columns, samples, dx);
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
    let length = x.samples * geometry.output_plane();
    let columns = &mut columns[..geometry.columns_len(x.samples)];
    im2col(geometry, x, columns);
    multiply_transposed(
        (geometry.outputs, geometry.patch_len(), length),
        weight,
        write,
        dy,
        columns,
    );
    if let Some(bias) = bias {
        row_sums(bias, write, dy, length);
    }
}
