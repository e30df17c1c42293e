//! The dense layer y = W x + b, W row-major [outputs, inputs], for n samples.

use super::View;
use super::matrix::{Matrix, Write, multiply, multiply_transposed, row_sums};
use super::scalar::Scalar;
use super::simd::{Kernel, dispatch};

/// y ← W x + b.
pub fn forward<T: Scalar>(
    weight: &[T],
    bias: Option<&[T]>,
    (inputs, outputs): (usize, usize),
    x: View<'_, T>,
    y: &mut [T],
) {
    let n = x.samples;
    if let Some(bias) = bias {
        for (row, bias) in y.chunks_exact_mut(n).zip(bias) {
            row.fill(*bias);
        }
    }
    let write = if bias.is_some() {
        Write::Accumulate
    } else {
        Write::Overwrite
    };
    product(weight, (inputs, outputs), x, write, y);
}

/// y ← or += W x.
pub fn product<T: Scalar>(
    weight: &[T],
    (inputs, outputs): (usize, usize),
    x: View<'_, T>,
    write: Write,
    y: &mut [T],
) {
    let n = x.samples;
    if (inputs <= 4 || outputs <= 4) && x.sample_stride == 1 {
        dispatch(NarrowProduct {
            weight,
            inputs,
            x: x.data,
            samples: n,
            write,
            y: &mut y[..outputs * n],
        });
        return;
    }
    multiply(
        (outputs, n, inputs),
        y,
        write,
        Matrix::rows(weight, inputs),
        Matrix::new(x.data, x.channel_stride, x.sample_stride),
    );
}

/// dx ← or += Wᵀ dy.
pub fn input_gradient<T: Scalar>(
    weight: &[T],
    (inputs, outputs): (usize, usize),
    dy: &[T],
    samples: usize,
    write: Write,
    dx: &mut [T],
) {
    multiply(
        (inputs, samples, outputs),
        dx,
        write,
        Matrix::transposed(weight, inputs),
        Matrix::rows(dy, samples),
    );
}

/// dW ← or += dy xᵀ, db ← or += Σ dy.
pub fn parameter_gradient<T: Scalar>(
    (inputs, outputs): (usize, usize),
    dy: &[T],
    x: View<'_, T>,
    write: Write,
    weight: &mut [T],
    bias: Option<&mut [T]>,
) {
    let n = x.samples;
    if x.sample_stride == 1 {
        multiply_transposed((outputs, inputs, n), weight, write, dy, x.data);
    } else {
        multiply(
            (outputs, inputs, n),
            weight,
            write,
            Matrix::rows(dy, n),
            Matrix::new(x.data, x.sample_stride, x.channel_stride),
        );
    }
    if let Some(bias) = bias {
        row_sums(bias, write, dy, n);
    }
}

/// y ← or += W x where one side of W is so short that packing the operands of
/// a general product would cost more than the product.
struct NarrowProduct<'a, T> {
    weight: &'a [T],
    inputs: usize,
    x: &'a [T],
    samples: usize,
    write: Write,
    y: &'a mut [T],
}

impl<T: Scalar> Kernel for NarrowProduct<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        const LANES: usize = 32;
        let n = self.samples;
        for (weights, y) in self
            .weight
            .chunks_exact(self.inputs)
            .zip(self.y.chunks_exact_mut(n))
        {
            let mut start = 0;
            while start + LANES <= n {
                let mut sums = [T::ZERO; LANES];
                if self.write == Write::Accumulate {
                    sums.copy_from_slice(&y[start..start + LANES]);
                }
                for (weight, row) in weights.iter().zip(self.x.chunks_exact(n)) {
                    for (sum, x) in sums.iter_mut().zip(&row[start..start + LANES]) {
                        *sum = weight.fma::<FMA>(*x, *sum);
                    }
                }
                y[start..start + LANES].copy_from_slice(&sums);
                start += LANES;
            }
            for s in start..n {
                let mut sum = match self.write {
                    Write::Overwrite => T::ZERO,
                    Write::Accumulate => y[s],
                };
                for (weight, row) in weights.iter().zip(self.x.chunks_exact(n)) {
                    sum = weight.fma::<FMA>(row[s], sum);
                }
                y[s] = sum;
            }
        }
    }
}
