//! Loops over the elements of one or two values.

use super::matrix::Write;
use super::scalar::Scalar;
use super::simd::{Kernel, dispatch};

struct Axpy<'a, T> {
    a: T,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Scalar> Kernel for Axpy<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for (y, x) in self.y.iter_mut().zip(self.x) {
            *y = x.fma::<FMA>(self.a, *y);
        }
    }
}

/// y ← y + a·x.
pub fn axpy<T: Scalar>(a: T, x: &[T], y: &mut [T]) {
    dispatch(Axpy { a, x, y });
}

/// `dst` ← or += `source`.
pub fn put<T: Scalar>(dst: &mut [T], write: Write, source: &[T]) {
    match write {
        Write::Overwrite => dst.copy_from_slice(source),
        Write::Accumulate => axpy(T::ONE, source, dst),
    }
}

struct Product<'a, T> {
    factor: &'a [T],
    x: &'a [T],
    write: Write,
    y: &'a mut [T],
}

impl<T: Scalar> Kernel for Product<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let inputs = self.factor.iter().zip(self.x);
        match self.write {
            Write::Overwrite => {
                for (y, (factor, x)) in self.y.iter_mut().zip(inputs) {
                    *y = *factor * *x;
                }
            }
            Write::Accumulate => {
                for (y, (factor, x)) in self.y.iter_mut().zip(inputs) {
                    *y = factor.fma::<FMA>(*x, *y);
                }
            }
        }
    }
}

/// y ← or += factor ⊙ x.
pub fn product<T: Scalar>(factor: &[T], x: &[T], write: Write, y: &mut [T]) {
    dispatch(Product {
        factor,
        x,
        write,
        y,
    });
}

struct TwoProducts<'a, T> {
    first: (&'a [T], &'a [T]),
    second: (&'a [T], &'a [T]),
    write: Write,
    y: &'a mut [T],
}

impl<T: Scalar> Kernel for TwoProducts<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let first = self.first.0.iter().zip(self.first.1);
        let second = self.second.0.iter().zip(self.second.1);
        let inputs = first.zip(second);
        match self.write {
            Write::Overwrite => {
                for (y, ((a, x), (b, z))) in self.y.iter_mut().zip(inputs) {
                    *y = a.fma::<FMA>(*x, *b * *z);
                }
            }
            Write::Accumulate => {
                for (y, ((a, x), (b, z))) in self.y.iter_mut().zip(inputs) {
                    *y += a.fma::<FMA>(*x, *b * *z);
                }
            }
        }
    }
}

/// y ← or += a ⊙ x + b ⊙ z for `first` = (a, x) and `second` = (b, z).
pub fn two_products<T: Scalar>(
    first: (&[T], &[T]),
    second: (&[T], &[T]),
    write: Write,
    y: &mut [T],
) {
    dispatch(TwoProducts {
        first,
        second,
        write,
        y,
    });
}

struct AddScaled<'a, T> {
    start: &'a [T],
    factor: T,
    direction: &'a [T],
    out: &'a mut [T],
}

impl<T: Scalar> Kernel for AddScaled<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let inputs = self.start.iter().zip(self.direction);
        for (out, (start, d)) in self.out.iter_mut().zip(inputs) {
            *out = d.fma::<FMA>(self.factor, *start);
        }
    }
}

/// `out` ← `start` + `factor`·`direction`.
pub fn add_scaled<T: Scalar>(start: &[T], factor: T, direction: &[T], out: &mut [T]) {
    dispatch(AddScaled {
        start,
        factor,
        direction,
        out,
    });
}

struct Displace<'a, T> {
    centre: &'a [T],
    first: (T, &'a [T]),
    second: (T, &'a [T]),
    out: &'a mut [T],
}

impl<T: Scalar> Kernel for Displace<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let directions = self.first.1.iter().zip(self.second.1);
        for (out, (centre, (d, e))) in self.out.iter_mut().zip(self.centre.iter().zip(directions)) {
            *out = e.fma::<FMA>(self.second.0, d.fma::<FMA>(self.first.0, *centre));
        }
    }
}

/// `out` ← `centre` + a·d + b·e for `first` = (a, d) and `second` = (b, e).
pub fn displace<T: Scalar>(centre: &[T], first: (T, &[T]), second: (T, &[T]), out: &mut [T]) {
    dispatch(Displace {
        centre,
        first,
        second,
        out,
    });
}
