//! The ends of the spectrum of a matrix that moves a little between one look
//! and the next, such as the Hessian while a network trains.
//!
//! Rayleigh–Ritz on the eigenvectors found last, enlarged by the residual of the
//! worst pair until all of them meet the tolerance (the method of Davidson 1975
//! without a preconditioner): where the matrix hardly moved, one product for
//! each vector that is followed is all that it takes. The residual ‖A y − θ y‖
//! is that of the vector itself, so it is true however the iteration ends.
//!
//! A pair of small residual is an eigenpair, but not always the outermost: one
//! more vector than asked for, the guard, is followed at the upper end, so that
//! an eigenvalue that overtakes the others is seen (every time where it is near,
//! else every [`GUARDED`] times), and every [`LOOK`] times a Lanczos search with
//! a random part begins anew.

use rand::Rng;

use super::dense::SymmetricEigen;
use super::error::MathError;
use super::extremal::{ExtremalOptions, extremal_eigenpairs};
use super::operator::SymmetricOperator;
use super::progress::Progress;
use super::vector;

/// Measurements between two searches that do not trust the vectors known.
pub const LOOK: u64 = 64;
/// Measurements between two looks at a guard whose eigenvalue is far below those
/// that are asked for.
pub const GUARDED: u64 = 4;
/// The share of the last of them from which it is near.
const NEAR: f64 = 0.75;
/// Vectors followed beyond those asked for, at the upper end.
const GUARDS: usize = 1;
/// Columns that the search space may have beyond those that it begins with.
const ROOM: usize = 16;
/// Share of the spectrum's size below which an eigenvalue need not be found
/// more exactly.
const FLOOR: f64 = 0.1;
/// How much less exact the search of a cold start is: the iteration after it
/// does the rest.
const COARSE: f64 = 10.0;
/// Residual of the guard, as a share of the spectrum's size, from which it gets
/// a product of its own.
const STRAY: f64 = 0.3;
/// Matrices up to this size are diagonalised by rotations.
const SMALL: usize = 8;

/// What to follow, and how exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FollowOptions {
    /// How many of the (algebraically) largest eigenvalues.
    pub largest: usize,
    /// How many of the (algebraically) smallest eigenvalues.
    pub smallest: usize,
    /// A pair has converged when its residual is at most this share of |θ| (of
    /// ‖A‖/10 for smaller |θ|).
    pub tolerance: f64,
    /// Products with the operator at most, beyond those of a new search.
    pub max_products: usize,
}

impl Default for FollowOptions {
    fn default() -> Self {
        Self {
            largest: 1,
            smallest: 0,
            tolerance: 1e-3,
            max_products: 40,
        }
    }
}

/// An eigenvalue as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct FollowedPair {
    /// θ.
    pub value: f64,
    /// ‖A y − θ y‖ of the unit vector y: the operator has an eigenvalue within
    /// this distance of θ.
    pub residual: f64,
    /// Whether the residual meets the tolerance.
    pub converged: bool,
}

/// Follows both ends of a spectrum; its memory is kept from one measurement to
/// the next.
#[derive(Debug, Clone, Default)]
pub struct Follower {
    n: usize,
    capacity: usize,
    /// Orthonormal columns of length n, one after another; before a
    /// measurement the vectors found last.
    basis: Vec<f64>,
    /// The operator times each of them.
    images: Vec<f64>,
    /// Columns in use.
    columns: usize,
    /// basisᵀ · images, in rows of `capacity`.
    projected: Vec<f64>,
    small: SmallEigen,
    residual: Vec<f64>,
    /// Which Ritz pair's residual that is, and its norm.
    residual_is: Option<(usize, f64)>,
    spare: Vec<f64>,
    /// The guard and its eigenvalue.
    guard: Vec<f64>,
    guard_value: Option<f64>,
    /// Whether it is among the columns now.
    guarded: bool,
    pairs: Vec<FollowedPair>,
    kept: Vec<usize>,
    /// How many of them are largest ones: fewer than asked for where there were
    /// too few columns.
    upper: usize,
    largest: usize,
    smallest: usize,
    measured: u64,
    products: usize,
}

impl Follower {
    /// Forgets what was found: the next measurement searches anew.
    pub fn forget(&mut self) {
        self.columns = 0;
        self.guard_value = None;
        self.pairs.clear();
        self.upper = 0;
    }

    /// The largest eigenvalues of the last measurement, descending.
    pub fn largest(&self) -> &[FollowedPair] {
        &self.pairs[..self.upper]
    }

    /// The smallest eigenvalues of the last measurement, ascending.
    pub fn smallest(&self) -> &[FollowedPair] {
        &self.pairs[self.upper..]
    }

    /// The unit vector of the k-th largest eigenvalue of the last measurement,
    /// counted from 0.
    pub fn vector(&self, k: usize) -> Option<&[f64]> {
        (k < self.upper && k < self.columns).then(|| &self.basis[k * self.n..(k + 1) * self.n])
    }

    /// Products of the last measurement.
    pub fn products(&self) -> usize {
        self.products
    }

    /// Measures both ends of `operator`'s spectrum, beginning with the vectors
    /// found last where it has the same size as then and the options ask for
    /// the same number.
    ///
    /// # Errors
    /// Those of [`extremal_eigenpairs`]; nothing is remembered then. Too few
    /// products are no error: the residuals tell.
    pub fn measure<A, R>(
        &mut self,
        operator: &A,
        options: &FollowOptions,
        rng: &mut R,
        progress: &dyn Progress,
    ) -> Result<(), MathError>
    where
        A: SymmetricOperator + ?Sized,
        R: Rng + ?Sized,
    {
        let result = self.try_measure(operator, options, rng, progress);
        if result.is_err() {
            self.forget();
        }
        result
    }

    fn try_measure<A, R>(
        &mut self,
        operator: &A,
        options: &FollowOptions,
        rng: &mut R,
        progress: &dyn Progress,
    ) -> Result<(), MathError>
    where
        A: SymmetricOperator + ?Sized,
        R: Rng + ?Sized,
    {
        let n = operator.dim();
        let wanted = (options.largest.min(n), options.smallest.min(n));
        if wanted.0 + wanted.1 == 0 || options.max_products == 0 {
            return Err(MathError::Argument {
                what: "the number of eigenvalues or of products",
                found: "0".to_owned(),
                expected: "at least 1",
            });
        }
        self.products = 0;
        if (self.n, (self.largest, self.smallest)) != (n, wanted) {
            self.forget();
            (self.n, (self.largest, self.smallest)) = (n, wanted);
            self.measured = 0;
            self.capacity = (wanted.0 + GUARDS + wanted.1 + ROOM).min(n);
            self.basis.resize(self.capacity * n, 0.0);
            self.images.resize(self.capacity * n, 0.0);
            self.projected.resize(self.capacity * self.capacity, 0.0);
            self.residual.resize(n, 0.0);
            self.spare.resize(self.capacity * n, 0.0);
        }
        if self.columns == 0 || self.measured.is_multiple_of(LOOK) {
            self.search(operator, options, rng, progress)?;
            self.guarded = self.largest > 0;
        } else {
            self.guarded = self.needs_guard();
            if self.guarded {
                self.residual.copy_from_slice(&self.guard);
                self.push_residual();
            }
        }
        self.measured += 1;
        self.iterate(operator, options, progress)
    }

    /// Whether the guard takes part this time.
    fn needs_guard(&self) -> bool {
        let last = self.largest().last();
        let (Some(guard), Some(last)) = (self.guard_value, last) else {
            return false;
        };
        let near = last.value <= 0.0 || guard >= NEAR * last.value;
        near || self.measured.is_multiple_of(GUARDED)
    }

    /// Takes the vectors of a Lanczos search for the beginning.
    fn search<A, R>(
        &mut self,
        operator: &A,
        options: &FollowOptions,
        rng: &mut R,
        progress: &dyn Progress,
    ) -> Result<(), MathError>
    where
        A: SymmetricOperator + ?Sized,
        R: Rng + ?Sized,
    {
        let n = self.n;
        let coarse = ExtremalOptions {
            largest: self.largest + usize::from(self.largest > 0) * GUARDS,
            smallest: self.smallest,
            tolerance: COARSE * options.tolerance,
            max_products: options.max_products.max(2),
            max_basis: None,
        };
        let known: Vec<Vec<f64>> = self.basis[..self.columns * n]
            .chunks_exact(n)
            .map(<[f64]>::to_vec)
            .collect();
        let found = extremal_eigenpairs(operator, &coarse, &known, rng, progress)?;
        self.products += found.products;
        self.columns = 0;
        for pair in found.largest.iter().chain(&found.smallest) {
            self.residual.copy_from_slice(&pair.vector);
            self.push_residual();
        }
        // What was known may be better than what the search found.
        for vector in &known {
            if self.columns < self.capacity && self.columns < coarse.largest + self.smallest + 2 {
                self.residual.copy_from_slice(vector);
                self.push_residual();
            }
        }
        Ok(())
    }

    /// Adds what `residual` has outside the basis as a new column; `false` where
    /// that is nothing, or there is no room.
    fn push_residual(&mut self) -> bool {
        let n = self.n;
        self.residual_is = None;
        if self.columns == self.capacity {
            return false;
        }
        let length = vector::normalize(&mut self.residual);
        if !(length.is_finite() && length > 0.0) {
            return false;
        }
        let mut left = 1.0;
        // Twice: the second pass removes what rounding left.
        for _ in 0..2 {
            for column in self.basis[..self.columns * n].chunks_exact(n) {
                let along = vector::dot(column, &self.residual);
                vector::axpy(-along, column, &mut self.residual);
            }
            left *= vector::normalize(&mut self.residual);
        }
        if !left.is_finite() || left < 1e-8 {
            return false;
        }
        self.basis[self.columns * n..(self.columns + 1) * n].copy_from_slice(&self.residual);
        self.columns += 1;
        true
    }

    /// Rayleigh–Ritz, enlarged by residuals until the wanted pairs converge.
    fn iterate<A: SymmetricOperator + ?Sized>(
        &mut self,
        operator: &A,
        options: &FollowOptions,
        progress: &dyn Progress,
    ) -> Result<(), MathError> {
        let n = self.n;
        let first = self.products;
        let (mut known, mut strayed) = (0, false);
        loop {
            while known < self.columns {
                progress.check()?;
                let column = known * n..(known + 1) * n;
                operator.apply(&self.basis[column.clone()], &mut self.images[column]);
                self.products += 1;
                self.project(known)?;
                known += 1;
            }
            let used = self.products - first;
            progress.report(used.min(options.max_products), options.max_products);
            self.residual_is = None;
            self.small
                .decompose(known, &self.projected, self.capacity)?;
            let scale = self.small.scale();
            let floor = f64::EPSILON * scale;
            let worst = self.judge(options, scale, floor);
            let mut index = worst;
            if index.is_none() && self.guarded && !strayed && known > self.largest {
                // The guard is looked after once each time.
                strayed = true;
                let guard = known - 1 - self.largest;
                let stray = self.residual_of(guard) > STRAY * scale;
                let next_to_wanted = guard >= self.smallest;
                index = (stray && next_to_wanted).then_some(guard);
            }
            let Some(index) = index else { break };
            if used >= options.max_products {
                break;
            }
            // It stands on all columns, and so on those that stay.
            self.residual_of(index);
            if known == self.capacity && !self.shrink(&mut known) {
                break;
            }
            if !self.push_residual() {
                break;
            }
        }
        self.rotate_to_ends();
        Ok(())
    }

    /// The row and column of `projected` that belong to a new image.
    fn project(&mut self, new: usize) -> Result<(), MathError> {
        let (n, row) = (self.n, self.capacity);
        let image = &self.images[new * n..(new + 1) * n];
        for (k, column) in self.basis[..(new + 1) * n].chunks_exact(n).enumerate() {
            let value = vector::dot(column, image);
            if !value.is_finite() {
                return Err(MathError::NotFinite {
                    what: "a product with the operator",
                });
            }
            self.projected[new * row + k] = value;
            self.projected[k * row + new] = value;
        }
        Ok(())
    }

    /// Fills `pairs`; the Ritz index of the pair that is farthest from its
    /// tolerance, if one does not meet it.
    fn judge(&mut self, options: &FollowOptions, scale: f64, floor: f64) -> Option<usize> {
        let m = self.small.n;
        let (largest, smallest) = (self.largest.min(m), self.smallest.min(m));
        self.pairs.clear();
        self.upper = largest;
        let mut worst = (1.0, None);
        for k in (0..largest).map(|k| m - 1 - k).chain(0..smallest) {
            let residual = self.residual_of(k).max(floor);
            let value = self.small.values[k];
            let allowed = (options.tolerance * value.abs().max(FLOOR * scale)).max(2.0 * floor);
            let excess = if residual <= allowed {
                0.0
            } else {
                residual / allowed
            };
            if excess > worst.0 {
                worst = (excess, Some(k));
            }
            self.pairs.push(FollowedPair {
                value,
                residual,
                converged: excess == 0.0,
            });
        }
        // Fewer columns than eigenvalues asked for: any residual helps.
        if largest + smallest < self.largest + self.smallest && worst.1.is_none() && m > 0 {
            return Some(m - 1);
        }
        worst.1
    }

    /// `residual` ← A y − θ y of Ritz pair `k`; its norm.
    fn residual_of(&mut self, k: usize) -> f64 {
        if let Some((known, norm)) = self.residual_is
            && known == k
        {
            return norm;
        }
        let n = self.n;
        let theta = self.small.values[k];
        self.residual.fill(0.0);
        for (j, s) in self.small.vector(k).iter().enumerate() {
            let column = j * n..(j + 1) * n;
            let (q, w) = (&self.basis[column.clone()], &self.images[column]);
            let st = s * theta;
            for ((r, q), w) in self.residual.iter_mut().zip(q).zip(w) {
                *r += s * w - st * q;
            }
        }
        let norm = vector::norm(&self.residual);
        self.residual_is = Some((k, norm));
        norm
    }

    /// The Ritz indices next to both ends, the largest first, `extra` more than
    /// wanted at each end.
    fn ends(&self, extra: usize) -> impl Iterator<Item = usize> + use<> {
        let m = self.small.n;
        let upper = if self.largest > 0 {
            (self.largest + GUARDS + extra).min(m)
        } else {
            0
        };
        let lower = if self.smallest > 0 {
            (self.smallest + extra).min(m - upper)
        } else {
            0
        };
        (0..upper).map(move |k| m - 1 - k).chain(0..lower)
    }

    /// Makes room by keeping the Ritz vectors next to the ends; `false` where
    /// that is all of them.
    fn shrink(&mut self, known: &mut usize) -> bool {
        let kept: Vec<usize> = self.ends(2).collect();
        if kept.len() >= self.columns || self.columns == self.n {
            return false;
        }
        let values: Vec<f64> = kept.iter().map(|k| self.small.values[*k]).collect();
        for images in [false, true] {
            self.rotate(&kept, images);
        }
        let row = self.capacity;
        self.columns = kept.len();
        *known = kept.len();
        for (i, value) in values.iter().enumerate() {
            self.projected[i * row..i * row + kept.len()].fill(0.0);
            self.projected[i * row + i] = *value;
        }
        true
    }

    /// The basis becomes the wanted Ritz vectors, and the guard is put aside.
    fn rotate_to_ends(&mut self) {
        let (m, n) = (self.small.n, self.n);
        let (upper, lower) = (self.largest.min(m), self.smallest.min(m));
        if self.guarded {
            self.guard_value = None;
            if m > upper + lower {
                let k = m - 1 - upper;
                self.guard.clear();
                self.guard.resize(n, 0.0);
                for (column, s) in self.basis.chunks_exact(n).zip(self.small.vector(k)) {
                    vector::axpy(*s, column, &mut self.guard);
                }
                self.guard_value = Some(self.small.values[k]);
            }
        }
        let mut kept = std::mem::take(&mut self.kept);
        kept.clear();
        kept.extend((0..upper).map(|k| m - 1 - k));
        kept.extend(0..lower.min(m - upper));
        self.rotate(&kept, false);
        self.columns = kept.len();
        self.kept = kept;
    }

    /// basis (or images) ← the combinations of its columns for these Ritz pairs.
    fn rotate(&mut self, kept: &[usize], images: bool) {
        let n = self.n;
        let from = if images { &self.images } else { &self.basis };
        for (to, k) in self.spare.chunks_exact_mut(n).zip(kept) {
            to.fill(0.0);
            for (column, s) in from.chunks_exact(n).zip(self.small.vector(*k)) {
                vector::axpy(*s, column, to);
            }
        }
        let to = if images {
            &mut self.images
        } else {
            &mut self.basis
        };
        to[..kept.len() * n].copy_from_slice(&self.spare[..kept.len() * n]);
    }
}

/// Eigenvalues, ascending, and eigenvectors of a matrix of few rows.
#[derive(Debug, Clone, Default)]
struct SmallEigen {
    n: usize,
    values: Vec<f64>,
    /// Eigenvector after eigenvector.
    vectors: Vec<f64>,
    matrix: Vec<f64>,
    rotation: Vec<f64>,
    order: Vec<usize>,
}

impl SmallEigen {
    fn vector(&self, k: usize) -> &[f64] {
        &self.vectors[k * self.n..(k + 1) * self.n]
    }

    fn scale(&self) -> f64 {
        vector::max_abs(&self.values)
    }

    /// Of the leading n×n block of a symmetric matrix with rows this far apart.
    fn decompose(&mut self, n: usize, elements: &[f64], row: usize) -> Result<(), MathError> {
        self.n = n;
        self.matrix.clear();
        for i in 0..n {
            self.matrix
                .extend_from_slice(&elements[i * row..i * row + n]);
        }
        if n <= SMALL && self.rotations() {
            return Ok(());
        }
        self.matrix.clear();
        for i in 0..n {
            self.matrix
                .extend_from_slice(&elements[i * row..i * row + n]);
        }
        let eigen = SymmetricEigen::new(n, &self.matrix)?;
        self.values = eigen.values;
        self.vectors = eigen.vectors;
        Ok(())
    }

    /// Jacobi's cyclic rotations (Golub and Van Loan, section 8.5): few for a
    /// matrix that is nearly diagonal, as that of Ritz vectors is. `false` where
    /// they do not settle.
    fn rotations(&mut self) -> bool {
        let n = self.n;
        let a = &mut self.matrix;
        let v = &mut self.rotation;
        v.clear();
        v.resize(n * n, 0.0);
        for i in 0..n {
            v[i * n + i] = 1.0;
        }
        let mut settled = false;
        for _ in 0..30 {
            let (mut outside, mut inside) = (0.0, 0.0);
            for i in 0..n {
                inside += a[i * n + i] * a[i * n + i];
                for j in 0..i {
                    outside += a[i * n + j] * a[i * n + j];
                }
            }
            if outside <= 1e-30 * inside || outside == 0.0 {
                settled = true;
                break;
            }
            for p in 0..n {
                for q in p + 1..n {
                    let apq = a[p * n + q];
                    if apq == 0.0 {
                        continue;
                    }
                    let tau = (a[q * n + q] - a[p * n + p]) / (2.0 * apq);
                    let t = if tau >= 0.0 {
                        1.0 / (tau + (1.0 + tau * tau).sqrt())
                    } else {
                        -1.0 / (-tau + (1.0 + tau * tau).sqrt())
                    };
                    let c = 1.0 / (1.0 + t * t).sqrt();
                    let s = t * c;
                    for k in 0..n {
                        let (x, y) = (a[k * n + p], a[k * n + q]);
                        a[k * n + p] = c * x - s * y;
                        a[k * n + q] = s * x + c * y;
                    }
                    for k in 0..n {
                        let (x, y) = (a[p * n + k], a[q * n + k]);
                        a[p * n + k] = c * x - s * y;
                        a[q * n + k] = s * x + c * y;
                    }
                    // Exactly zero, where rounding leaves a little.
                    (a[p * n + q], a[q * n + p]) = (0.0, 0.0);
                    for k in 0..n {
                        // Row k of `rotation` is eigenvector k.
                        let (x, y) = (v[p * n + k], v[q * n + k]);
                        v[p * n + k] = c * x - s * y;
                        v[q * n + k] = s * x + c * y;
                    }
                }
            }
        }
        self.order.clear();
        self.order.extend(0..n);
        let diagonal = |i: usize| a[i * n + i];
        self.order
            .sort_by(|i, j| diagonal(*i).total_cmp(&diagonal(*j)));
        self.values.clear();
        self.vectors.clear();
        for i in &self.order {
            self.values.push(diagonal(*i));
            self.vectors.extend_from_slice(&v[i * n..(i + 1) * n]);
        }
        settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::golden::random_symmetric;
    use crate::math::operator::DenseSymmetric;
    use crate::math::rng::stream;

    fn exact(a: &DenseSymmetric) -> Vec<f64> {
        let mut values = SymmetricEigen::new(a.dim(), a.elements()).unwrap().values;
        values.reverse();
        values
    }

    fn options(largest: usize, smallest: usize) -> FollowOptions {
        FollowOptions {
            largest,
            smallest,
            tolerance: 1e-6,
            max_products: 200,
        }
    }

    /// A + t·B, which moves with t.
    fn moving(n: usize, t: f64) -> DenseSymmetric {
        let (a, b) = (random_symmetric(n, 1), random_symmetric(n, 2));
        let elements = a.elements().iter().zip(b.elements());
        DenseSymmetric::new(n, elements.map(|(a, b)| a + t * b).collect()).unwrap()
    }

    #[test]
    fn both_ends_of_a_matrix_that_moves() {
        let n = 40;
        let mut follower = Follower::default();
        let mut random = stream(0, "follow");
        for step in 0..60 {
            let a = moving(n, 0.01 * f64::from(step));
            follower
                .measure(&a, &options(3, 2), &mut random, &())
                .unwrap();
            let values = exact(&a);
            let found = follower.largest().iter().zip(&values);
            let lowest = follower.smallest().iter().zip(values.iter().rev());
            for (found, exact) in found.chain(lowest) {
                assert!(found.converged);
                // Far more than the residual says, by its square.
                assert!((found.value - exact).abs() <= 1e-6 * values[0].abs());
            }
            assert_eq!(
                (follower.largest().len(), follower.smallest().len()),
                (3, 2)
            );
            let v = follower.vector(0).unwrap();
            assert!((vector::norm(v) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn what_stands_still_costs_a_product_for_each_vector() {
        let a = moving(40, 0.0);
        let mut follower = Follower::default();
        let mut random = stream(0, "follow");
        for step in 0..10 {
            follower
                .measure(&a, &options(2, 1), &mut random, &())
                .unwrap();
            // Two, their guard, and the smallest.
            assert!(step == 0 || follower.products() <= 5);
        }
    }

    #[test]
    fn an_eigenvalue_that_overtakes_the_others_is_seen() {
        let n = 50;
        let mut follower = Follower::default();
        let mut random = stream(0, "follow");
        for step in 0..400 {
            let t = f64::from(step) / 100.0;
            let mut d: Vec<f64> = (0..n).map(|i| 0.5 * f64::from(i) / f64::from(n)).collect();
            // One after the other becomes the largest.
            (d[7], d[19], d[33]) = (2.0 - 0.4 * t, 1.0 + 0.5 * t, 0.1 + 1.2 * t);
            let a = DenseSymmetric::diagonal(&d);
            follower
                .measure(&a, &options(1, 0), &mut random, &())
                .unwrap();
            let highest = d.iter().copied().fold(f64::MIN, f64::max);
            assert!((follower.largest()[0].value - highest).abs() < 1e-6 * highest);
        }
    }

    #[test]
    fn too_few_products_leave_a_residual_that_is_true_and_large() {
        let a = random_symmetric(120, 5);
        let few = FollowOptions {
            max_products: 3,
            ..options(2, 1)
        };
        let mut follower = Follower::default();
        follower
            .measure(&a, &few, &mut stream(0, "follow"), &())
            .unwrap();
        let values = exact(&a);
        for (k, found) in follower.largest().iter().enumerate() {
            assert!(!found.converged && found.residual > 1e-3 * values[0]);
            let v = follower.vector(k).unwrap().to_vec();
            let mut product = vec![0.0; v.len()];
            a.apply(&v, &mut product);
            assert!((vector::dot(&v, &product) - found.value).abs() < 1e-9 * values[0]);
            vector::axpy(-found.value, &v, &mut product);
            assert!((vector::norm(&product) - found.residual).abs() < 1e-9 * values[0]);
            // There is an eigenvalue within it.
            let distance = |exact: &f64| (exact - found.value).abs();
            assert!(values.iter().map(distance).fold(f64::MAX, f64::min) <= found.residual);
        }
    }

    #[test]
    fn ends_are_told_apart_where_there_are_too_few_columns() {
        let a = random_symmetric(120, 6);
        let few = FollowOptions {
            max_products: 12,
            ..options(30, 4)
        };
        let mut follower = Follower::default();
        follower
            .measure(&a, &few, &mut stream(0, "follow"), &())
            .unwrap();
        let (largest, smallest) = (follower.largest(), follower.smallest());
        assert!(largest.len() < 30 && smallest.len() == 4);
        assert!(smallest.is_sorted_by(|a, b| a.value <= b.value));
        assert!(largest.is_sorted_by(|a, b| a.value >= b.value));
        assert!(smallest[0].value < 0.0 && largest[0].value > 0.0);
    }

    #[test]
    fn small_equal_and_degenerate_matrices() {
        let mut random = stream(0, "follow");
        for d in [
            vec![3.0],
            vec![1.0, -1.0],
            vec![0.0; 7],
            vec![2.0; 9],
            [vec![5.0; 3], vec![-4.0; 2], vec![1.0; 20]].concat(),
        ] {
            let a = DenseSymmetric::diagonal(&d);
            let mut sorted = d.clone();
            sorted.sort_by(|a, b| b.total_cmp(a));
            let mut follower = Follower::default();
            for _ in 0..3 {
                follower
                    .measure(&a, &options(3, 2), &mut random, &())
                    .unwrap();
                let (largest, smallest) = (follower.largest(), follower.smallest());
                assert_eq!(largest.len(), 3.min(d.len()));
                assert_eq!(smallest.len(), 2.min(d.len()));
                for (found, exact) in largest.iter().zip(&sorted) {
                    assert!((found.value - exact).abs() < 1e-9, "{d:?}");
                }
                for (found, exact) in smallest.iter().zip(sorted.iter().rev()) {
                    assert!((found.value - exact).abs() < 1e-9, "{d:?}");
                }
            }
        }
    }

    #[test]
    fn rotations_agree_with_the_general_solver() {
        for n in 1..=SMALL {
            let a = random_symmetric(n, n as u64);
            let mut small = SmallEigen::default();
            small.decompose(n, a.elements(), n).unwrap();
            let general = SymmetricEigen::new(n, a.elements()).unwrap();
            for k in 0..n {
                assert!(
                    (small.values[k] - general.values[k]).abs()
                        < 1e-12 * general.values[n - 1].abs().max(1.0)
                );
                let overlap = vector::dot(small.vector(k), general.vector(k));
                assert!((overlap.abs() - 1.0).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn after_an_error_it_starts_afresh() {
        let mut follower = Follower::default();
        let mut random = stream(0, "follow");
        let broken = DenseSymmetric::diagonal(&[1.0, f64::NAN, 2.0]);
        assert!(
            follower
                .measure(&broken, &options(1, 0), &mut random, &())
                .is_err()
        );
        assert!(follower.largest().is_empty() && follower.vector(0).is_none());
        let sound = DenseSymmetric::diagonal(&[1.0, 5.0, 2.0]);
        follower
            .measure(&sound, &options(1, 0), &mut random, &())
            .unwrap();
        assert!((follower.largest()[0].value - 5.0).abs() < 1e-9);
        assert!(
            follower
                .measure(&sound, &options(0, 0), &mut random, &())
                .is_err()
        );
    }
}
