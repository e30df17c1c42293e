//! Matrix products on slices, and the few reductions that go with them.
//!
//! Always single-threaded: parallelism lies outside, over blocks of samples or
//! over points of a grid.

use super::scalar::Scalar;
use super::simd::{Kernel, dispatch};

/// What happens to a destination's old content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// It is replaced.
    Overwrite,
    /// The result is added to it.
    Accumulate,
}

/// A matrix in a slice: element (i, j) is `data[i·row + j·column]`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
    data: &'a [T],
    row: usize,
    column: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// With the given row and column strides.
    pub fn new(data: &'a [T], row: usize, column: usize) -> Self {
        Self { data, row, column }
    }

    /// Row-major with rows of this length.
    pub fn rows(data: &'a [T], columns: usize) -> Self {
        Self::new(data, columns, 1)
    }

    /// The transpose of a row-major matrix with rows of this length.
    pub fn transposed(data: &'a [T], columns: usize) -> Self {
        Self::new(data, 1, columns)
    }

    fn covers(&self, rows: usize, columns: usize) -> bool {
        rows == 0
            || columns == 0
            || (rows - 1) * self.row + (columns - 1) * self.column < self.data.len()
    }
}

/// `dst` (row-major m×n) ← or += `lhs` (m×k) · `rhs` (k×n).
///
/// # Panics
/// If a slice is too short for its matrix.
pub fn multiply<T: Scalar>(
    (m, n, k): (usize, usize, usize),
    dst: &mut [T],
    write: Write,
    lhs: Matrix<'_, T>,
    rhs: Matrix<'_, T>,
) {
    assert!(dst.len() >= m * n && lhs.covers(m, k) && rhs.covers(k, n));
    // SAFETY: all three matrices lie within their slices, and `dst` is
    // borrowed mutably, so it overlaps neither of the others.
    unsafe {
        T::gemm_raw(
            (m, n, k),
            dst.as_mut_ptr(),
            (n, 1),
            write == Write::Accumulate,
            lhs.data.as_ptr(),
            (lhs.row, lhs.column),
            rhs.data.as_ptr(),
            (rhs.row, rhs.column),
        );
    }
}

struct RowDots<'a, T> {
    dst: &'a mut [T],
    write: Write,
    lhs: &'a [T],
    rhs: &'a [T],
    length: usize,
}

/// Σ aᵢbᵢ with 32 running sums, which are then added pairwise.
#[inline(always)]
fn dot<T: Scalar, const FMA: bool>(a: &[T], b: &[T]) -> T {
    const LANES: usize = 32;
    let mut sums = [T::ZERO; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum = a.fma::<FMA>(*b, *sum);
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum = a.fma::<FMA>(*b, *sum);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0]
}

impl<T: Scalar> Kernel for RowDots<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let columns = self.rhs.len() / self.length;
        for (row, dst) in self
            .lhs
            .chunks_exact(self.length)
            .zip(self.dst.chunks_exact_mut(columns))
        {
            for (other, dst) in self.rhs.chunks_exact(self.length).zip(dst) {
                let sum = dot::<T, FMA>(row, other);
                *dst = match self.write {
                    Write::Overwrite => sum,
                    Write::Accumulate => *dst + sum,
                };
            }
        }
    }
}

/// `dst` (m×n) ← or += `lhs`·`rhs`ᵀ for row-major m×k and n×k matrices: the
/// gradient of a weight matrix from the rows of deltas and of activations.
pub fn multiply_transposed<T: Scalar>(
    (m, n, k): (usize, usize, usize),
    dst: &mut [T],
    write: Write,
    lhs: &[T],
    rhs: &[T],
) {
    // A general product packs its operands; for a handful of columns that
    // costs more than the product, and most vector lanes would stay empty.
    if n <= 4 && k > 0 && m > 0 && n > 0 {
        dispatch(RowDots {
            dst: &mut dst[..m * n],
            write,
            lhs: &lhs[..m * k],
            rhs: &rhs[..n * k],
            length: k,
        });
    } else {
        multiply(
            (m, n, k),
            dst,
            write,
            Matrix::rows(lhs, k),
            Matrix::transposed(rhs, k),
        );
    }
}

struct RowSums<'a, T> {
    dst: &'a mut [T],
    write: Write,
    rows: &'a [T],
    length: usize,
}

impl<T: Scalar> Kernel for RowSums<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        const LANES: usize = 32;
        for (row, dst) in self.rows.chunks_exact(self.length).zip(self.dst) {
            let mut sums = [T::ZERO; LANES];
            let (chunks, rest) = row.as_chunks::<LANES>();
            for chunk in chunks {
                for (sum, value) in sums.iter_mut().zip(chunk) {
                    *sum += *value;
                }
            }
            for (sum, value) in sums.iter_mut().zip(rest) {
                *sum += *value;
            }
            let mut width = LANES / 2;
            while width > 0 {
                for i in 0..width {
                    sums[i] += sums[i + width];
                }
                width /= 2;
            }
            *dst = match self.write {
                Write::Overwrite => sums[0],
                Write::Accumulate => *dst + sums[0],
            };
        }
    }
}

/// `dst[i]` ← or += the sum of row i of a row-major matrix: a bias gradient.
pub fn row_sums<T: Scalar>(dst: &mut [T], write: Write, rows: &[T], length: usize) {
    if length > 0 {
        dispatch(RowSums {
            dst,
            write,
            rows,
            length,
        });
    }
}

/// `dst` += `source`.
pub fn add_to<T: Scalar>(dst: &mut [T], source: &[T]) {
    for (dst, source) in dst.iter_mut().zip(source) {
        *dst += *source;
    }
}

/// `dst` ← or += `source`.
pub fn put<T: Scalar>(dst: &mut [T], write: Write, source: &[T]) {
    match write {
        Write::Overwrite => dst.copy_from_slice(source),
        Write::Accumulate => add_to(dst, source),
    }
}
