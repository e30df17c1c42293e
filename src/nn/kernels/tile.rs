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
            // Few rows need more columns, or the sums wait for each other.
            if m < 4 {
                while j + 4 * V::LANES <= n {
                    self.rows::<V, 1, 4, false>(j);
                    j += 4 * V::LANES;
                }
            }
            // With sixteen registers eight sums leave room for the factors.
            while j + 2 * V::LANES <= n {
                if V::REGISTERS == 32 {
                    self.rows::<V, 8, 2, false>(j);
                } else {
                    self.rows::<V, 4, 2, false>(j);
                }
                j += 2 * V::LANES;
            }
            while j + V::LANES <= n {
                self.rows::<V, 8, 1, false>(j);
                j += V::LANES;
            }
            if j < n {
                self.rows::<V, 8, 1, true>(j);
            }
        }
    }
}

impl<T: Scalar, const TERMS: usize> Accumulate<'_, T, TERMS> {
    /// All rows, at most R at a time, in the columns of C registers from j on.
    #[inline(always)]
    unsafe fn rows<V: Vector<Element = T>, const R: usize, const C: usize, const PART: bool>(
        &self,
        j: usize,
    ) {
        let (m, mut i) = (self.sizes.0, 0);
        // SAFETY: the caller's promise.
        unsafe {
            while R == 8 && i + 8 <= m {
                self.tile::<V, 8, C, PART>(i, j);
                i += 8;
            }
            while R >= 4 && i + 4 <= m {
                self.tile::<V, 4, C, PART>(i, j);
                i += 4;
            }
            while i + 2 <= m {
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
                let mut rows = [lhs.data.as_ptr(); R];
                for (r, row) in rows.iter_mut().enumerate() {
                    *row = row.add((i + r) * lhs.row);
                }
                let mut b = rhs.data.as_ptr().add(j);
                let mut at = 0;
                for _ in 0..k {
                    let mut columns = [V::splat(T::ZERO); C];
                    for (c, column) in columns.iter_mut().enumerate() {
                        *column = load(b.add(c * V::LANES));
                    }
                    for (row, sums) in rows.iter().zip(&mut sums) {
                        let factor = V::splat(*row.add(at));
                        for (sum, column) in sums.iter_mut().zip(columns) {
                            *sum = factor.mul_add(column, *sum);
                        }
                    }
                    at += lhs.column;
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

/// `dst` (m×n, row-major) ← `start` + Σ lhs (m×k) · rhsᵀ (n×k) over the terms,
/// all rows contiguous.
///
/// # Panics
/// If a slice is too short for its matrix, or a row is not contiguous.
pub fn dots<T: Scalar, const TERMS: usize>(
    (m, n, k): (usize, usize, usize),
    dst: &mut [T],
    start: Start<'_, T>,
    terms: [(Matrix<'_, T>, Matrix<'_, T>); TERMS],
) {
    assert!(dst.len() >= m * n);
    if let Start::Rows(rows) = start {
        assert!(rows.len() >= m, "a number for each row");
    }
    for (lhs, rhs) in terms {
        assert!(lhs.covers(m, k) && rhs.covers(n, k) && lhs.column == 1 && rhs.column == 1);
    }
    dispatch(Dots {
        sizes: (m, n, k),
        dst: dst.as_mut_ptr(),
        start,
        terms,
    });
}

struct Dots<'a, T, const TERMS: usize> {
    sizes: (usize, usize, usize),
    dst: *mut T,
    start: Start<'a, T>,
    terms: [(Matrix<'a, T>, Matrix<'a, T>); TERMS],
}

impl<T: Scalar, const TERMS: usize> VectorKernel<T> for Dots<'_, T, TERMS> {
    #[inline(always)]
    unsafe fn run<V: Vector<Element = T>>(self) {
        // So many rows of the right factor stay in the first cache while those
        // of the left one pass by.
        const GROUP: usize = 8;
        let (m, n, _) = self.sizes;
        // SAFETY: the sizes were checked against the slices.
        unsafe {
            for j in (0..n).step_by(GROUP) {
                let end = n.min(j + GROUP);
                let mut i = 0;
                while V::REGISTERS == 32 && i + 4 <= m {
                    self.row::<V, 4>(i, j, end);
                    i += 4;
                }
                while i + 2 <= m {
                    self.row::<V, 2>(i, j, end);
                    i += 2;
                }
                if i < m {
                    self.row::<V, 1>(i, j, end);
                }
            }
        }
    }
}

impl<T: Scalar, const TERMS: usize> Dots<'_, T, TERMS> {
    #[inline(always)]
    unsafe fn row<V: Vector<Element = T>, const R: usize>(&self, i: usize, j: usize, end: usize) {
        let mut j = j;
        // SAFETY: the caller's promise.
        unsafe {
            while j + 4 <= end {
                self.tile::<V, R, 4>(i, j);
                j += 4;
            }
            if j + 2 <= end {
                self.tile::<V, R, 2>(i, j);
                j += 2;
            }
            if j < end {
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
                let (mut a, mut b) = ([lhs.data.as_ptr(); R], [rhs.data.as_ptr(); C]);
                for (r, a) in a.iter_mut().enumerate() {
                    *a = a.add((i + r) * lhs.row);
                }
                for (c, b) in b.iter_mut().enumerate() {
                    *b = b.add((j + c) * rhs.row);
                }
                let whole = k / V::LANES;
                for p in 0..whole {
                    step::<V, R, C>(&mut sums, |row| V::load(row.add(p * V::LANES)), a, b);
                }
                let rest = k - whole * V::LANES;
                if rest > 0 {
                    step::<V, R, C>(
                        &mut sums,
                        |row| V::load_part(row.add(whole * V::LANES), rest),
                        a,
                        b,
                    );
                }
            }
            for (r, sums) in sums.into_iter().enumerate() {
                let to = self.dst.add((i + r) * n + j);
                let put = |c: usize, sum: T| {
                    let to = to.add(c);
                    *to = match self.start {
                        Start::Zero => sum,
                        Start::Old => *to + sum,
                        Start::Rows(rows) => *rows.get_unchecked(i + r) + sum,
                    };
                };
                if C == 4 {
                    let sums = V::sum4([sums[0], sums[1 % C], sums[2 % C], sums[3 % C]]);
                    for (c, sum) in sums.into_iter().enumerate() {
                        put(c, sum);
                    }
                } else {
                    for (c, sum) in sums.into_iter().enumerate() {
                        put(c, sum.sum());
                    }
                }
            }
        }
    }
}

/// One register along the rows, loaded by `load`.
#[inline(always)]
unsafe fn step<V: Vector, const R: usize, const C: usize>(
    sums: &mut [[V; C]; R],
    load: impl Fn(*const V::Element) -> V,
    a: [*const V::Element; R],
    b: [*const V::Element; C],
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut columns = [V::splat(V::Element::ZERO); C];
        for (b, column) in b.into_iter().zip(&mut columns) {
            *column = load(b);
        }
        for (a, sums) in a.into_iter().zip(sums) {
            let factor = load(a);
            for (sum, column) in sums.iter_mut().zip(columns) {
                *sum = factor.mul_add(column, *sum);
            }
        }
    }
}

#[cfg(test)]
#[path = "tile_tests.rs"]
mod tests;
