//! Matrix products with a block of sums in registers, for matrices that lie in
//! a core's own cache: nothing is packed, as it is for large products.
//!
//! Two shapes occur. In [`accumulate`] the columns of the right factor are
//! contiguous (samples beside each other): a number of the left factor times a
//! few registers of columns. In [`dots`] both factors are rows along which the
//! sum runs: the gradient of a weight matrix.
//!
//! Both sum over several terms at once, since the derivative of a product is a
//! sum of two products.

use super::matrix::{Matrix, Write};
use super::scalar::Scalar;
use super::vector::{Vector, VectorKernel, dispatch};

/// What a sum begins with.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a, T> {
    /// Zero.
    Zero,
    /// What the destination holds.
    Old,
    /// A number for each row.
    Rows(&'a [T]),
}

impl<T> From<Write> for Start<'_, T> {
    fn from(write: Write) -> Self {
        match write {
            Write::Overwrite => Start::Zero,
            Write::Accumulate => Start::Old,
        }
    }
}

/// `dst` (m×n, rows `row` apart) ← `start` + Σ lhs (m×k) · rhs (k×n) over the
/// terms. The columns of every `rhs` are contiguous.
///
/// # Panics
/// If a slice is too short for its matrix, or columns are not contiguous.
pub fn accumulate<T: Scalar, const TERMS: usize>(
    (m, n, k): (usize, usize, usize),
    (dst, row): (&mut [T], usize),
    start: Start<'_, T>,
    terms: [(Matrix<'_, T>, Matrix<'_, T>); TERMS],
) {
    if m == 0 || n == 0 {
        return;
    }
    assert!(Matrix::new(dst, row, 1).covers(m, n) && (n <= row || m == 1));
    for (lhs, rhs) in terms {
        assert!(lhs.covers(m, k) && rhs.covers(k, n) && rhs.column == 1);
    }
    if let Start::Rows(rows) = start {
        assert!(rows.len() >= m, "a number for each row");
    }
    dispatch(Accumulate {
        sizes: (m, n, k),
        dst: dst.as_mut_ptr(),
        row,
        start,
        terms,
    });
}

struct Accumulate<'a, T, const TERMS: usize> {
    sizes: (usize, usize, usize),
    dst: *mut T,
    row: usize,
    start: Start<'a, T>,
    terms: [(Matrix<'a, T>, Matrix<'a, T>); TERMS],
}

impl<T: Scalar, const TERMS: usize> VectorKernel<T> for Accumulate<'_, T, TERMS> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let (m, n, _) = self.sizes;
        let mut j = 0;
        // SAFETY: the sizes were checked against the slices.
        unsafe {
            // With sixteen registers eight sums leave room for the factors.
            if V::REGISTERS == 32 {
                while j + 2 * V::LANES <= n {
                    let mut i = 0;
                    while i + 8 <= m {
                        self.tile::<V, 8, 2, false>(i, j);
                        i += 8;
                    }
                    self.rest_of_rows::<V, 2, false>(i, j);
                    j += 2 * V::LANES;
                }
            } else {
                while j + 2 * V::LANES <= n {
                    let mut i = 0;
                    while i + 4 <= m {
                        self.tile::<V, 4, 2, false>(i, j);
                        i += 4;
                    }
                    self.rest_of_rows::<V, 2, false>(i, j);
                    j += 2 * V::LANES;
                }
            }
            while j + V::LANES <= n {
                self.rest_of_rows::<V, 1, false>(0, j);
                j += V::LANES;
            }
            if j < n {
                self.rest_of_rows::<V, 1, true>(0, j);
            }
        }
    }
}

impl<T: Scalar, const TERMS: usize> Accumulate<'_, T, TERMS> {
    /// The rows from i on, in the columns of C registers from j on.
    #[inline(always)]
    unsafe fn rest_of_rows<V: Vector<Element = T>, const C: usize, const PART: bool>(
        &self,
        mut i: usize,
        j: usize,
    ) {
        let m = self.sizes.0;
        // SAFETY: the caller's promise.
        unsafe {
            while i + 4 <= m {
                self.tile::<V, 4, C, PART>(i, j);
                i += 4;
            }
            if i + 2 <= m {
                self.tile::<V, 2, C, PART>(i, j);
                i += 2;
            }
            if i < m {
                self.tile::<V, 1, C, PART>(i, j);
            }
        }
    }

    /// R rows from i on, C registers of columns from j on; with `PART` the
    /// single register covers the last columns and more.
    #[inline(always)]
    unsafe fn tile<V: Vector<Element = T>, const R: usize, const C: usize, const PART: bool>(
        &self,
        i: usize,
        j: usize,
    ) {
        let (_, n, k) = self.sizes;
        let rest = n - j;
        // SAFETY: rows i..i+R and the columns lie within the matrices.
        unsafe {
            let load = |from: *const T| {
                if PART {
                    V::load_part(from, rest)
                } else {
                    V::load(from)
                }
            };
            let mut sums = [[V::splat(T::ZERO); C]; R];
            for (r, sums) in sums.iter_mut().enumerate() {
                match self.start {
                    Start::Zero => {}
                    Start::Rows(rows) => *sums = [V::splat(*rows.get_unchecked(i + r)); C],
                    Start::Old => {
                        for (c, sum) in sums.iter_mut().enumerate() {
                            *sum = load(self.dst.add((i + r) * self.row + j + c * V::LANES));
                        }
                    }
                }
            }
            for (lhs, rhs) in &self.terms {
                let mut a = lhs.data.as_ptr().add(i * lhs.row);
                let mut b = rhs.data.as_ptr().add(j);
                for _ in 0..k {
                    let mut columns = [V::splat(T::ZERO); C];
                    for (c, column) in columns.iter_mut().enumerate() {
                        *column = load(b.add(c * V::LANES));
                    }
                    for (r, sums) in sums.iter_mut().enumerate() {
                        let factor = V::splat(*a.add(r * lhs.row));
                        for (sum, column) in sums.iter_mut().zip(columns) {
                            *sum = factor.mul_add(column, *sum);
                        }
                    }
                    a = a.wrapping_add(lhs.column);
                    b = b.wrapping_add(rhs.row);
                }
            }
            for (r, sums) in sums.into_iter().enumerate() {
                for (c, sum) in sums.into_iter().enumerate() {
                    let to = self.dst.add((i + r) * self.row + j + c * V::LANES);
                    if PART {
                        sum.store_part(to, rest);
                    } else {
                        sum.store(to);
                    }
                }
            }
        }
    }
}

/// `dst` (m×n, row-major) ← or += Σ lhs (m×k) · rhsᵀ (n×k) over the terms, all
/// rows contiguous.
///
/// # Panics
/// If a slice is too short for its matrix, or a row is not contiguous.
pub fn dots<T: Scalar, const TERMS: usize>(
    (m, n, k): (usize, usize, usize),
    dst: &mut [T],
    write: Write,
    terms: [(Matrix<'_, T>, Matrix<'_, T>); TERMS],
) {
    assert!(dst.len() >= m * n);
    for (lhs, rhs) in terms {
        assert!(lhs.covers(m, k) && rhs.covers(n, k) && lhs.column == 1 && rhs.column == 1);
    }
    dispatch(Dots {
        sizes: (m, n, k),
        dst: dst.as_mut_ptr(),
        write,
        terms,
    });
}

struct Dots<'a, T, const TERMS: usize> {
    sizes: (usize, usize, usize),
    dst: *mut T,
    write: Write,
    terms: [(Matrix<'a, T>, Matrix<'a, T>); TERMS],
}

impl<T: Scalar, const TERMS: usize> VectorKernel<T> for Dots<'_, T, TERMS> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        let (m, n, _) = self.sizes;
        let mut i = 0;
        // SAFETY: the sizes were checked against the slices.
        unsafe {
            if V::REGISTERS == 32 {
                while i + 4 <= m {
                    self.row::<V, 4>(i, n);
                    i += 4;
                }
            }
            while i + 2 <= m {
                self.row::<V, 2>(i, n);
                i += 2;
            }
            if i < m {
                self.row::<V, 1>(i, n);
            }
        }
    }
}

impl<T: Scalar, const TERMS: usize> Dots<'_, T, TERMS> {
    #[inline(always)]
    unsafe fn row<V: Vector<Element = T>, const R: usize>(&self, i: usize, n: usize) {
        let mut j = 0;
        // SAFETY: the caller's promise.
        unsafe {
            while j + 4 <= n {
                self.tile::<V, R, 4>(i, j);
                j += 4;
            }
            if j + 2 <= n {
                self.tile::<V, R, 2>(i, j);
                j += 2;
            }
            if j < n {
                self.tile::<V, R, 1>(i, j);
            }
        }
    }

    /// R rows from i on times C rows from j on.
    #[inline(always)]
    unsafe fn tile<V: Vector<Element = T>, const R: usize, const C: usize>(
        &self,
        i: usize,
        j: usize,
    ) {
        let (_, n, k) = self.sizes;
        // SAFETY: rows i..i+R and j..j+C lie within the matrices.
        unsafe {
            let mut sums = [[V::splat(T::ZERO); C]; R];
            for (lhs, rhs) in &self.terms {
                let a = lhs.data.as_ptr().add(i * lhs.row);
                let b = rhs.data.as_ptr().add(j * rhs.row);
                let mut step = |from: usize, count: Option<usize>| {
                    let load = |from| match count {
                        Some(count) => V::load_part(from, count),
                        None => V::load(from),
                    };
                    let mut columns = [V::splat(T::ZERO); C];
                    for (c, column) in columns.iter_mut().enumerate() {
                        *column = load(b.add(c * rhs.row + from));
                    }
                    for (r, sums) in sums.iter_mut().enumerate() {
                        let factor = load(a.add(r * lhs.row + from));
                        for (sum, column) in sums.iter_mut().zip(columns) {
                            *sum = factor.mul_add(column, *sum);
                        }
                    }
                };
                let mut p = 0;
                while p + V::LANES <= k {
                    step(p, None);
                    p += V::LANES;
                }
                if p < k {
                    step(p, Some(k - p));
                }
            }
            for (r, sums) in sums.into_iter().enumerate() {
                for (c, sum) in sums.into_iter().enumerate() {
                    let to = self.dst.add((i + r) * n + j + c);
                    let sum = sum.sum();
                    *to = match self.write {
                        Write::Overwrite => sum,
                        Write::Accumulate => *to + sum,
                    };
                }
            }
        }
    }
}
