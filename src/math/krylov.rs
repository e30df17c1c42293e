//! An orthonormal basis that grows by one vector at a time, and the vector
//! arithmetic of Lanczos on it.
//!
//! The basis is stored in blocks of rows: within a block the columns lie one
//! after another, so that a block's columns stay in the cache while a vector is
//! projected on all of them, and blocks are independent work for the threads.
//! Partial sums are added in block order whatever thread computed them.

use rayon::prelude::*;

/// Rows of a block; its share of one column is 16 KiB.
const ROWS: usize = 2048;
/// Columns treated together.
const GROUP: usize = 4;
/// Products below which threads cost more than they bring.
const PARALLEL: usize = 1 << 17;

/// Orthonormal columns v₀ … v_{k−1} in ℝⁿ.
#[derive(Debug, Clone)]
pub struct OrthonormalBasis {
    n: usize,
    capacity: usize,
    /// Rows of a block, the last one may use fewer.
    rows: usize,
    len: usize,
    /// Block after block; in each, `capacity` columns of `rows` elements.
    data: Vec<f64>,
    /// One row of partial sums for each block.
    partial: Vec<f64>,
    correction: Vec<f64>,
    coefficients: Vec<f64>,
}

impl OrthonormalBasis {
    /// An empty basis of ℝⁿ with room for `capacity` columns.
    pub fn new(n: usize, capacity: usize) -> Self {
        let capacity = capacity.max(1);
        let rows = n.clamp(1, ROWS);
        let blocks = n.div_ceil(rows).max(1);
        Self {
            n,
            capacity,
            rows,
            len: 0,
            data: vec![0.0; blocks * capacity * rows],
            partial: vec![0.0; blocks * (capacity + 1)],
            correction: vec![0.0; capacity],
            coefficients: vec![0.0; capacity],
        }
    }

    /// n.
    pub fn dim(&self) -> usize {
        self.n
    }

    /// k, the number of columns.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no column yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many columns there is room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Forget the columns, keep the memory.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Vᵀw as found by the last [`OrthonormalBasis::orthogonalize`].
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients[..self.len]
    }

    fn parallel(&self) -> bool {
        self.n * self.len >= PARALLEL && self.n > self.rows
    }

    /// w ← (I − VVᵀ) w by two passes of classical Gram–Schmidt ("twice is
    /// enough": Giraud, Langou and Rozložník 2005); returns ‖w‖ afterwards.
    /// The two passes read the basis three times, not four.
    pub fn orthogonalize(&mut self, w: &mut [f64]) -> f64 {
        debug_assert_eq!(w.len(), self.n);
        let (k, rows) = (self.len, self.rows);
        let stride = self.capacity * rows;
        let width = self.capacity + 1;
        let parallel = self.parallel();
        let Self {
            data,
            partial,
            correction,
            coefficients,
            ..
        } = self;

        // First pass: coefficients.
        let gather = |((w, v), sums): ((&mut [f64], &[f64]), &mut [f64])| {
            kernels::gather(v, rows, w, &mut sums[..k]);
        };
        for_each_block(parallel, w, data, partial, (rows, stride, width), gather);
        reduce(partial, width, &mut coefficients[..k]);

        // Subtract; coefficients of what is left, while the block is at hand.
        let first = &coefficients[..k];
        let subtract_gather = |((w, v), sums): ((&mut [f64], &[f64]), &mut [f64])| {
            kernels::subtract(v, rows, first, w);
            kernels::gather(v, rows, w, &mut sums[..k]);
        };
        for_each_block(
            parallel,
            w,
            data,
            partial,
            (rows, stride, width),
            subtract_gather,
        );
        reduce(partial, width, &mut correction[..k]);

        // Second pass, and the norm.
        let second = &correction[..k];
        let subtract_norm = |((w, v), sums): ((&mut [f64], &[f64]), &mut [f64])| {
            kernels::subtract(v, rows, second, w);
            sums[k] = crate::math::vector::norm_squared(w);
        };
        for_each_block(
            parallel,
            w,
            data,
            partial,
            (rows, stride, width),
            subtract_norm,
        );
        for (c, d) in coefficients[..k].iter_mut().zip(&correction[..k]) {
            *c += d;
        }
        partial
            .chunks_exact(width)
            .map(|sums| sums[k])
            .sum::<f64>()
            .sqrt()
    }

    /// Append `scale`·w, which must be orthonormal to the columns. Does nothing
    /// when the basis is full.
    pub fn push(&mut self, w: &[f64], scale: f64) {
        debug_assert_eq!(w.len(), self.n);
        debug_assert!(self.len < self.capacity);
        if self.len == self.capacity {
            return;
        }
        let stride = self.capacity * self.rows;
        let at = self.len * self.rows;
        for (block, w) in self.data.chunks_exact_mut(stride).zip(w.chunks(self.rows)) {
            for (v, w) in block[at..].iter_mut().zip(w) {
                *v = scale * w;
            }
        }
        self.len += 1;
    }

    /// Copy column `j` to `out`.
    pub fn column(&self, j: usize, out: &mut [f64]) {
        let stride = self.capacity * self.rows;
        let at = j * self.rows;
        for (block, out) in self
            .data
            .chunks_exact(stride)
            .zip(out.chunks_mut(self.rows))
        {
            out.copy_from_slice(&block[at..at + out.len()]);
        }
    }

    /// `out` ← V s for `s` with one element for each column.
    pub fn combine(&self, s: &[f64], out: &mut [f64]) {
        let stride = self.capacity * self.rows;
        let rows = self.rows;
        let one = |(block, out): (&[f64], &mut [f64])| {
            out.fill(0.0);
            kernels::add(block, rows, s, out);
        };
        if self.parallel() {
            self.data
                .par_chunks_exact(stride)
                .zip(out.par_chunks_mut(rows))
                .for_each(one);
        } else {
            self.data
                .chunks_exact(stride)
                .zip(out.chunks_mut(rows))
                .for_each(one);
        }
    }

    /// V ← V S, where S has one row for each column of V and `kept` columns,
    /// stored column after column and orthonormal.
    pub fn rotate(&mut self, s: &[f64], kept: usize) {
        let (k, rows) = (self.len, self.rows);
        let stride = self.capacity * rows;
        let parallel = self.parallel();
        let one = |rotated: &mut Vec<f64>, block: &mut [f64]| {
            rotated.clear();
            rotated.resize(kept * rows, 0.0);
            for (out, s) in rotated.chunks_exact_mut(rows).zip(s.chunks_exact(k)) {
                kernels::add(block, rows, s, out);
            }
            block[..kept * rows].copy_from_slice(rotated);
        };
        if parallel {
            self.data
                .par_chunks_exact_mut(stride)
                .for_each_init(Vec::new, one);
        } else {
            let mut rotated = Vec::new();
            for block in self.data.chunks_exact_mut(stride) {
                one(&mut rotated, block);
            }
        }
        self.len = kept;
    }
}

/// Run `f` on every block of w, of the basis, and its row of partial sums.
fn for_each_block(
    parallel: bool,
    w: &mut [f64],
    data: &[f64],
    partial: &mut [f64],
    (rows, stride, width): (usize, usize, usize),
    f: impl Fn(((&mut [f64], &[f64]), &mut [f64])) + Sync + Send,
) {
    if parallel {
        w.par_chunks_mut(rows)
            .zip(data.par_chunks_exact(stride))
            .zip(partial.par_chunks_exact_mut(width))
            .for_each(f);
    } else {
        w.chunks_mut(rows)
            .zip(data.chunks_exact(stride))
            .zip(partial.chunks_exact_mut(width))
            .for_each(f);
    }
}

/// Add the blocks' partial sums, in order.
fn reduce(partial: &[f64], width: usize, out: &mut [f64]) {
    out.fill(0.0);
    for sums in partial.chunks_exact(width) {
        for (out, sum) in out.iter_mut().zip(sums) {
            *out += sum;
        }
    }
}

/// The loops over one block, compiled twice: as the target allows, and for
/// 256-bit registers where the processor has them.
mod kernels {
    use super::GROUP;

    const LANES: usize = 8;

    #[inline(always)]
    fn gather_body(block: &[f64], rows: usize, w: &[f64], sums: &mut [f64]) {
        let len = w.len();
        let mut columns = block.chunks_exact(rows);
        let mut groups = sums.chunks_exact_mut(GROUP);
        for group in groups.by_ref() {
            let mut next = || columns.next().map_or(&[][..], |column| &column[..len]);
            let v = [next(), next(), next(), next()];
            let mut lanes = [[0.0; LANES]; GROUP];
            let whole = len - len % LANES;
            let mut i = 0;
            while i < whole {
                let w: &[f64] = &w[i..i + LANES];
                for (lanes, v) in lanes.iter_mut().zip(&v) {
                    let v: &[f64] = &v[i..i + LANES];
                    for l in 0..LANES {
                        lanes[l] += v[l] * w[l];
                    }
                }
                i += LANES;
            }
            for ((sum, lanes), v) in group.iter_mut().zip(&lanes).zip(&v) {
                let mut total: f64 = lanes.iter().sum();
                for (v, w) in v[whole..].iter().zip(&w[whole..]) {
                    total += v * w;
                }
                *sum = total;
            }
        }
        for (sum, column) in groups.into_remainder().iter_mut().zip(columns) {
            *sum = crate::math::vector::dot(&column[..len], w);
        }
    }

    #[inline(always)]
    fn accumulate_body(block: &[f64], rows: usize, s: &[f64], sign: f64, w: &mut [f64]) {
        let len = w.len();
        let mut columns = block.chunks_exact(rows);
        let mut groups = s.chunks_exact(GROUP);
        for s in groups.by_ref() {
            let mut next = || columns.next().map_or(&[][..], |column| &column[..len]);
            let (a, b, c, d) = (next(), next(), next(), next());
            let s = [sign * s[0], sign * s[1], sign * s[2], sign * s[3]];
            for i in 0..len {
                w[i] += (s[0] * a[i] + s[1] * b[i]) + (s[2] * c[i] + s[3] * d[i]);
            }
        }
        for (s, column) in groups.remainder().iter().zip(columns) {
            let s = sign * s;
            for (w, v) in w.iter_mut().zip(column) {
                *w += s * v;
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    mod wide {
        #[target_feature(enable = "avx2")]
        pub(super) fn gather(block: &[f64], rows: usize, w: &[f64], sums: &mut [f64]) {
            super::gather_body(block, rows, w, sums);
        }

        #[target_feature(enable = "avx2")]
        pub(super) fn accumulate(block: &[f64], rows: usize, s: &[f64], sign: f64, w: &mut [f64]) {
            super::accumulate_body(block, rows, s, sign, w);
        }
    }

    /// sums ← V_blockᵀ w.
    pub(super) fn gather(block: &[f64], rows: usize, w: &[f64], sums: &mut [f64]) {
        #[cfg(target_arch = "x86_64")]
        if crate::math::vector::has_avx2() {
            // SAFETY: the processor has AVX2, which is all that it asks.
            return unsafe { wide::gather(block, rows, w, sums) };
        }
        gather_body(block, rows, w, sums);
    }

    fn accumulate(block: &[f64], rows: usize, s: &[f64], sign: f64, w: &mut [f64]) {
        #[cfg(target_arch = "x86_64")]
        if crate::math::vector::has_avx2() {
            // SAFETY: the processor has AVX2, which is all that it asks.
            return unsafe { wide::accumulate(block, rows, s, sign, w) };
        }
        accumulate_body(block, rows, s, sign, w);
    }

    /// w ← w + V_block s.
    pub(super) fn add(block: &[f64], rows: usize, s: &[f64], w: &mut [f64]) {
        accumulate(block, rows, s, 1.0, w);
    }

    /// w ← w − V_block s.
    pub(super) fn subtract(block: &[f64], rows: usize, s: &[f64], w: &mut [f64]) {
        accumulate(block, rows, s, -1.0, w);
    }
}

#[cfg(test)]
#[path = "krylov_tests.rs"]
mod tests;
