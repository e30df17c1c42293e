//! Symmetric linear operators that are known only by their products.

use std::ops::Range;
use std::sync::Mutex;

use super::error::{MathError, check_length};
use super::vector;

/// A symmetric linear operator on ℝⁿ.
///
/// `apply` may be called from several threads at once.
pub trait SymmetricOperator: Sync {
    /// n.
    fn dim(&self) -> usize;

    /// `out` ← A `v`; both have length n, what `out` held before does not
    /// matter.
    fn apply(&self, v: &[f64], out: &mut [f64]);
}

impl<A: SymmetricOperator + ?Sized> SymmetricOperator for &A {
    fn dim(&self) -> usize {
        (**self).dim()
    }

    fn apply(&self, v: &[f64], out: &mut [f64]) {
        (**self).apply(v, out);
    }
}

/// Vectors that come and go with the products, kept between them.
#[derive(Debug, Default)]
struct Spare(Mutex<Vec<Vec<f64>>>);

impl Spare {
    /// Run `f` with a vector of length `n` of unspecified content.
    fn with<R>(&self, n: usize, f: impl FnOnce(&mut [f64]) -> R) -> R {
        let kept = self.0.lock().ok().and_then(|mut kept| kept.pop());
        let mut buffer = kept.unwrap_or_else(|| vec![0.0; n]);
        let result = f(&mut buffer);
        if let Ok(mut kept) = self.0.lock() {
            kept.push(buffer);
        }
        result
    }
}

/// A symmetric matrix kept whole, for exact spectra and for tests.
#[derive(Debug, Clone)]
pub struct DenseSymmetric {
    n: usize,
    /// Row-major, which for a symmetric matrix is column-major too.
    elements: Vec<f64>,
}

impl DenseSymmetric {
    /// From n² elements, row after row. The matrix is replaced by ½(A + Aᵀ).
    ///
    /// # Errors
    /// `Length` if there are not n² elements; `NotSymmetric` if |A − Aᵀ|
    /// exceeds 10⁻⁶ of the largest element.
    pub fn new(n: usize, mut elements: Vec<f64>) -> Result<Self, MathError> {
        check_length("a matrix", elements.len(), n * n)?;
        let asymmetry = symmetrize(n, &mut elements);
        if asymmetry > 1e-6 {
            return Err(MathError::NotSymmetric { asymmetry });
        }
        Ok(Self { n, elements })
    }

    /// diag(d).
    pub fn diagonal(d: &[f64]) -> Self {
        let n = d.len();
        let mut elements = vec![0.0; n * n];
        for (i, d) in d.iter().enumerate() {
            elements[i * n + i] = *d;
        }
        Self { n, elements }
    }

    /// The elements, row after row.
    pub fn elements(&self) -> &[f64] {
        &self.elements
    }
}

impl SymmetricOperator for DenseSymmetric {
    fn dim(&self) -> usize {
        self.n
    }

    fn apply(&self, v: &[f64], out: &mut [f64]) {
        for (out, row) in out.iter_mut().zip(self.elements.chunks_exact(self.n)) {
            *out = vector::dot(row, v);
        }
    }
}

/// A ← ½(A + Aᵀ); returns the largest |aᵢⱼ − aⱼᵢ| over the largest |aᵢⱼ|
/// (0 for a zero matrix).
pub(crate) fn symmetrize(n: usize, elements: &mut [f64]) -> f64 {
    let mut difference: f64 = 0.0;
    let largest = vector::max_abs(elements);
    for i in 0..n {
        for j in 0..i {
            let (a, b) = (elements[i * n + j], elements[j * n + i]);
            difference = difference.max((a - b).abs());
            let mean = 0.5 * (a + b);
            elements[i * n + j] = mean;
            elements[j * n + i] = mean;
        }
    }
    if largest > 0.0 {
        difference / largest
    } else {
        0.0
    }
}

/// P^{−½} A P^{−½} for a positive diagonal P: it has the eigenvalues of P⁻¹A,
/// the preconditioned sharpness of Cohen et al. 2022 ("Adaptive gradient
/// methods at the edge of stability").
pub struct Preconditioned<A> {
    inner: A,
    inverse_root: Vec<f64>,
    spare: Spare,
}

impl<A: SymmetricOperator> Preconditioned<A> {
    /// With the diagonal of P, all of it positive.
    ///
    /// # Errors
    /// `Length` if P has another length than A; `Argument` if an element is not
    /// positive and finite.
    pub fn new(inner: A, preconditioner: &[f64]) -> Result<Self, MathError> {
        check_length("the preconditioner", preconditioner.len(), inner.dim())?;
        if let Some(p) = preconditioner
            .iter()
            .find(|p| !(**p > 0.0 && p.is_finite()))
        {
            return Err(MathError::Argument {
                what: "an element of the preconditioner",
                found: p.to_string(),
                expected: "a positive finite number",
            });
        }
        Ok(Self {
            inner,
            inverse_root: preconditioner.iter().map(|p| 1.0 / p.sqrt()).collect(),
            spare: Spare::default(),
        })
    }
}

impl<A: SymmetricOperator> SymmetricOperator for Preconditioned<A> {
    fn dim(&self) -> usize {
        self.inner.dim()
    }

    fn apply(&self, v: &[f64], out: &mut [f64]) {
        self.spare.with(v.len(), |scaled| {
            for ((scaled, v), r) in scaled.iter_mut().zip(v).zip(&self.inverse_root) {
                *scaled = v * r;
            }
            self.inner.apply(scaled, out);
        });
        for (out, r) in out.iter_mut().zip(&self.inverse_root) {
            *out *= r;
        }
    }
}

/// A + cI: weight decay adds its coefficient to every eigenvalue.
pub struct Shifted<A> {
    inner: A,
    shift: f64,
}

impl<A: SymmetricOperator> Shifted<A> {
    /// A + `shift`·I.
    pub fn new(inner: A, shift: f64) -> Self {
        Self { inner, shift }
    }
}

impl<A: SymmetricOperator> SymmetricOperator for Shifted<A> {
    fn dim(&self) -> usize {
        self.inner.dim()
    }

    fn apply(&self, v: &[f64], out: &mut [f64]) {
        self.inner.apply(v, out);
        vector::axpy(self.shift, v, out);
    }
}

/// P A P with P = I − QQᵀ: A without the directions in Q, which become
/// eigenvectors with eigenvalue zero.
pub struct Deflated<A> {
    inner: A,
    vectors: Vec<Vec<f64>>,
    spare: Spare,
}

impl<A: SymmetricOperator> Deflated<A> {
    /// Without the given orthonormal directions.
    ///
    /// # Errors
    /// `Length` if one of them has another length than A.
    pub fn new(inner: A, vectors: Vec<Vec<f64>>) -> Result<Self, MathError> {
        for v in &vectors {
            check_length("a deflated direction", v.len(), inner.dim())?;
        }
        Ok(Self {
            inner,
            vectors,
            spare: Spare::default(),
        })
    }

    /// v ← (I − QQᵀ) v, twice, so that rounding leaves nothing behind.
    pub fn project(&self, v: &mut [f64]) {
        for _ in 0..2 {
            for q in &self.vectors {
                let along = vector::dot(q, v);
                vector::axpy(-along, q, v);
            }
        }
    }
}

impl<A: SymmetricOperator> SymmetricOperator for Deflated<A> {
    fn dim(&self) -> usize {
        self.inner.dim()
    }

    fn apply(&self, v: &[f64], out: &mut [f64]) {
        self.spare.with(v.len(), |projected| {
            projected.copy_from_slice(v);
            self.project(projected);
            self.inner.apply(projected, out);
        });
        self.project(out);
    }
}

/// The block of A for a range of its components: the Hessian of one layer, the
/// others held fixed.
pub struct Restricted<A> {
    inner: A,
    range: Range<usize>,
    spare: Spare,
}

impl<A: SymmetricOperator> Restricted<A> {
    /// The block of rows and columns in `range`.
    ///
    /// # Errors
    /// `Argument` if the range is empty or reaches beyond A.
    pub fn new(inner: A, range: Range<usize>) -> Result<Self, MathError> {
        check_range(&range, inner.dim())?;
        Ok(Self {
            inner,
            range,
            spare: Spare::default(),
        })
    }
}

/// `Err(Argument)` unless the range holds something and lies within `dim`.
pub(crate) fn check_range(range: &Range<usize>, dim: usize) -> Result<(), MathError> {
    if range.start < range.end && range.end <= dim {
        return Ok(());
    }
    Err(MathError::Argument {
        what: "a block of an operator",
        found: format!("{}..{} of {dim}", range.start, range.end),
        expected: "a range that is not empty and lies within the operator",
    })
}

impl<A: SymmetricOperator> SymmetricOperator for Restricted<A> {
    fn dim(&self) -> usize {
        self.range.len()
    }

    fn apply(&self, v: &[f64], out: &mut [f64]) {
        let n = self.inner.dim();
        self.spare.with(n, |whole| {
            whole.fill(0.0);
            whole[self.range.clone()].copy_from_slice(v);
            self.spare.with(n, |product| {
                self.inner.apply(whole, product);
                out.copy_from_slice(&product[self.range.clone()]);
            });
        });
    }
}

/// A − B: the Hessian less the Gauss–Newton matrix is what the curvature of the
/// network itself adds.
pub struct Difference<A, B> {
    first: A,
    second: B,
    spare: Spare,
}

impl<A: SymmetricOperator, B: SymmetricOperator> Difference<A, B> {
    /// `first` − `second`.
    ///
    /// # Errors
    /// `Length` if their dimensions differ.
    pub fn new(first: A, second: B) -> Result<Self, MathError> {
        check_length(
            "the subtracted operator's vector",
            second.dim(),
            first.dim(),
        )?;
        Ok(Self {
            first,
            second,
            spare: Spare::default(),
        })
    }
}

impl<A: SymmetricOperator, B: SymmetricOperator> SymmetricOperator for Difference<A, B> {
    fn dim(&self) -> usize {
        self.first.dim()
    }

    fn apply(&self, v: &[f64], out: &mut [f64]) {
        self.first.apply(v, out);
        self.spare.with(v.len(), |product| {
            self.second.apply(v, product);
            vector::axpy(-1.0, product, out);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> DenseSymmetric {
        DenseSymmetric::new(3, vec![2.0, 1.0, 0.0, 1.0, 3.0, -1.0, 0.0, -1.0, 4.0]).unwrap()
    }

    #[test]
    fn asymmetric_matrices_are_refused() {
        let error = DenseSymmetric::new(2, vec![1.0, 2.0, 3.0, 4.0]).unwrap_err();
        assert!(matches!(error, MathError::NotSymmetric { asymmetry } if asymmetry == 0.25));
        assert!(DenseSymmetric::new(2, vec![1.0]).is_err());
    }

    #[test]
    fn operators_do_what_their_formula_says() {
        let v = [1.0, -2.0, 0.5];
        let mut out = [f64::NAN; 3];
        Shifted::new(example(), 10.0).apply(&v, &mut out);
        assert_eq!(out, [10.0, -25.5, 9.0]);

        let p = [4.0, 1.0, 0.25];
        Preconditioned::new(example(), &p)
            .unwrap()
            .apply(&v, &mut out);
        let expected = [0.5 * (1.0 - 2.0), 0.5 - 6.0 - 1.0, 2.0 * (2.0 + 4.0)];
        for (a, b) in out.iter().zip(expected) {
            assert!((a - b).abs() < 1e-14);
        }
        assert!(Preconditioned::new(example(), &[1.0, 0.0, 1.0]).is_err());

        let deflated = Deflated::new(example(), vec![vec![1.0, 0.0, 0.0]]).unwrap();
        deflated.apply(&v, &mut out);
        assert_eq!(out, [0.0, -6.5, 4.0]);

        let mut part = [f64::NAN; 2];
        let block = Restricted::new(example(), 1..3).unwrap();
        block.apply(&v[1..], &mut part);
        assert_eq!(part, [-6.5, 4.0]);
        assert!(Restricted::new(example(), 2..4).is_err());
        assert!(Restricted::new(example(), 1..1).is_err());

        let less = Difference::new(example(), DenseSymmetric::diagonal(&[2.0, 3.0, 4.0]));
        less.unwrap().apply(&v, &mut out);
        assert_eq!(out, [-2.0, 0.5, 2.0]);
        assert!(Difference::new(example(), DenseSymmetric::diagonal(&[1.0])).is_err());
    }
}
