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
    pub(super) data: &'a [T],
    pub(super) row: usize,
    pub(super) column: usize,
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

    pub(super) fn covers(&self, rows: usize, columns: usize) -> bool {
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
    multiply_into((m, n, k), (dst, n), write, lhs, rhs);
}

/// The same into a matrix whose rows lie `dst.1` apart.
///
/// # Panics
/// If a slice is too short for its matrix, or the rows of `dst` overlap.
pub fn multiply_into<T: Scalar>(
    (m, n, k): (usize, usize, usize),
    (dst, row): (&mut [T], usize),
    write: Write,
    lhs: Matrix<'_, T>,
    rhs: Matrix<'_, T>,
) {
    assert!(Matrix::new(dst, row, 1).covers(m, n) && (n <= row || m <= 1));
    assert!(lhs.covers(m, k) && rhs.covers(k, n));
    // SAFETY: all three matrices lie within their slices, and `dst` is
    // borrowed mutably, so it overlaps neither of the others.
    unsafe {
        T::gemm_raw(
            (m, n, k),
            dst.as_mut_ptr(),
            (row, 1),
            write == Write::Accumulate,
            lhs.data.as_ptr(),
            (lhs.row, lhs.column),
            rhs.data.as_ptr(),
            (rhs.row, rhs.column),
        );
    }
}

/// Running sums of a reduction: one of the widest vectors of f32. The loops over
/// them are written with indices, which the compiler turns into vectors.
const LANES: usize = 16;

#[inline(always)]
fn sum_lanes<T: Scalar>(sums: &[T; LANES]) -> T {
    let mut sum = T::ZERO;
    for lane in sums {
        sum += *lane;
    }
    sum
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
        for (row, dst) in self.rows.chunks_exact(self.length).zip(self.dst) {
            let mut sums = [T::ZERO; LANES];
            let chunks = row.chunks_exact(LANES);
            let rest = chunks.remainder();
            for chunk in chunks {
                for i in 0..LANES {
                    sums[i] += chunk[i];
                }
            }
            let mut sum = sum_lanes(&sums);
            for value in rest {
                sum += *value;
            }
            *dst = match self.write {
                Write::Overwrite => sum,
                Write::Accumulate => *dst + sum,
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
