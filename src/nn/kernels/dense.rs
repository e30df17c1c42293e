//! The dense layer y = W x + b, W row-major [outputs, inputs], for n samples.

use super::View;
use super::matrix::{Matrix, Write, multiply, row_sums};
use super::scalar::Scalar;
use super::tile::{Start, accumulate, dots};

/// y ← W x + b.
pub fn forward<T: Scalar>(
    weight: &[T],
    bias: Option<&[T]>,
    widths: (usize, usize),
    x: View<'_, T>,
    y: &mut [T],
) {
    let start = bias.map_or(Start::Zero, Start::Rows);
    products([(weight, x)], widths, start, y);
}

/// y ← or += W x.
pub fn product<T: Scalar>(
    weight: &[T],
    widths: (usize, usize),
    x: View<'_, T>,
    write: Write,
    y: &mut [T],
) {
    products([(weight, x)], widths, write.into(), y);
}

/// y ← V x + W rx + rb: the derivative of W x + b along (V, rx, rb).
pub fn tangent<T: Scalar>(
    (weight, rx): (&[T], View<'_, T>),
    (direction, x): (&[T], View<'_, T>),
    bias: Option<&[T]>,
    widths: (usize, usize),
    y: &mut [T],
) {
    let start = bias.map_or(Start::Zero, Start::Rows);
    products([(direction, x), (weight, rx)], widths, start, y);
}

/// Weights up to which the tiles are faster than a
/// product that packs its operands.
const TILED: usize = 1 << 16;

fn products<T: Scalar, const TERMS: usize>(
    terms: [(&[T], View<'_, T>); TERMS],
    (inputs, outputs): (usize, usize),
    start: Start<'_, T>,
    y: &mut [T],
) {
    let Some((_, x)) = terms.first() else {
        return;
    };
    let n = x.samples;
    if inputs * outputs <= TILED && terms.iter().all(|(_, x)| x.sample_stride == 1) {
        let terms = terms.map(|(weight, x)| {
            (
                Matrix::rows(weight, inputs),
                Matrix::new(x.data, x.channel_stride, 1),
            )
        });
        accumulate((outputs, n, inputs), (y, n), start, terms);
        return;
    }
    let mut write = match start {
        Start::Zero => Write::Overwrite,
        Start::Old => Write::Accumulate,
        Start::Rows(bias) => {
            for (row, bias) in y.chunks_exact_mut(n).zip(bias) {
                row.fill(*bias);
            }
            Write::Accumulate
        }
    };
    for (weight, x) in terms {
        multiply(
            (outputs, n, inputs),
            y,
            write,
            Matrix::rows(weight, inputs),
            Matrix::new(x.data, x.channel_stride, x.sample_stride),
        );
        write = Write::Accumulate;
    }
}

/// dx ← or += Σ Wᵀ dy over the terms (W, dy).
pub fn input_gradient<T: Scalar, const TERMS: usize>(
    terms: [(&[T], &[T]); TERMS],
    (inputs, outputs): (usize, usize),
    samples: usize,
    write: Write,
    dx: &mut [T],
) {
    let terms = terms.map(|(weight, dy)| {
        (
            Matrix::transposed(weight, inputs),
            Matrix::rows(dy, samples),
        )
    });
    let sizes = (inputs, samples, outputs);
    if inputs * outputs <= TILED {
        accumulate(sizes, (dx, samples), write.into(), terms);
        return;
    }
    let mut write = write;
    for (weight, dy) in terms {
        multiply(sizes, dx, write, weight, dy);
        write = Write::Accumulate;
    }
}

/// dW ← or += Σ dy xᵀ over the terms (dy, x), db ← or += Σ dy of the first.
pub fn parameter_gradient<T: Scalar, const TERMS: usize>(
    (inputs, outputs): (usize, usize),
    terms: [(&[T], View<'_, T>); TERMS],
    write: Write,
    weight: &mut [T],
    bias: Option<&mut [T]>,
) {
    let Some((first, x)) = terms.first() else {
        return;
    };
    let n = x.samples;
    let sizes = (outputs, inputs, n);
    if inputs * outputs <= TILED && terms.iter().all(|(_, x)| x.sample_stride == 1) {
        let terms = terms.map(|(dy, x)| {
            let x = Matrix::new(x.data, x.channel_stride, 1);
            (Matrix::rows(dy, n), x)
        });
        dots(sizes, weight, write.into(), terms);
    } else {
        let mut write = write;
        for (dy, x) in terms {
            let x = Matrix::new(x.data, x.sample_stride, x.channel_stride);
            multiply(sizes, weight, write, Matrix::rows(dy, n), x);
            write = Write::Accumulate;
        }
    }
    if let Some(bias) = bias {
        row_sums(bias, write, first, n);
    }
}
