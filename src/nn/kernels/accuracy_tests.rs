//! The elementary functions and the activations against libm over the whole
//! range of the numbers, in units in the last place (ulp) of the exact result.
//!
//! In single precision libm's double precision counts as exact. In double
//! precision its own error, about 1 ulp (4 for erfc in the tails), comes on top
//! of the bounds that the functions state.

use super::Scalar;
use super::simd::{Kernel, dispatch};
use crate::nn::activations::{self, Jet};

/// A function under test, the same from libm, and where it is defined.
trait Case {
    fn value<T: Scalar, const FMA: bool>(x: T) -> T;
    fn exact(x: f64) -> f64;
    fn defined(_x: f64) -> bool {
        true
    }
}

macro_rules! case {
    ($name:ident, $value:expr, $exact:expr, $defined:expr) => {
        struct $name;
        impl Case for $name {
            #[inline(always)]
            fn value<T: Scalar, const FMA: bool>(x: T) -> T {
                let value: fn(T) -> T = $value;
                value(x)
            }
            fn exact(x: f64) -> f64 {
                let exact: fn(f64) -> f64 = $exact;
                exact(x)
            }
            fn defined(x: f64) -> bool {
                let defined: fn(f64) -> bool = $defined;
                defined(x)
            }
        }
    };
}

/// Where the sine's reduction is exact without fused multiply-adds too.
const SINE_RANGE: f64 = 3e6;

case!(Exp, |x| x.exp_nonpositive::<FMA>(), libm::exp, |x| x <= 0.0);
case!(Tanh, |x| x.tanh::<FMA>(), libm::tanh, |_| true);
case!(Ln, |x| x.ln::<FMA>(), libm::log, |x| x > 0.0);
case!(Ln1p, |x| x.ln_1p_unit::<FMA>(), libm::log1p, |x| {
    (0.0..=1.0).contains(&x)
});
case!(Sin, |x| x.sin_cos::<FMA>().0, libm::sin, |x| {
    x.abs() <= SINE_RANGE
});
case!(Cos, |x| x.sin_cos::<FMA>().1, libm::cos, |x| {
    x.abs() <= SINE_RANGE
});
case!(Tail, |x| x.normal_tail::<FMA>().0, tail, |_| true);
case!(
    Moment,
    |x| x.normal_tail::<FMA>().1,
    |x| x.abs() * tail(x),
    // Beyond it the tail is subnormal, which the reference multiplies.
    |x| x.abs() < 37.5
);
case!(
    Density,
    |x| x.normal_tail::<FMA>().2,
    |x| {
        let h = 0.5 * x * x;
        let e = libm::exp(-h);
        // What the rounding of h lost.
        if h < 800.0 {
            e - e * (0.5 * x).mul_add(x, -h)
        } else {
            e
        }
    },
    |_| true
);

/// ½ erfc(|x|/√2) with what the rounding of |x|/√2 lost.
fn tail(x: f64) -> f64 {
    const ROOT: f64 = std::f64::consts::FRAC_1_SQRT_2;
    const ROOT_LOW: f64 = -4.833_646_656_726_457e-17;
    let x = x.abs();
    let a = x * ROOT;
    if a > 30.0 {
        return 0.0;
    }
    let lost = x.mul_add(ROOT, -a) + x * ROOT_LOW;
    // 1/√π
    0.5 * libm::erfc(a) - lost * 0.564_189_583_547_756_3 * libm::exp(-a * a)
}

struct Run<'a, T, C> {
    x: &'a [T],
    y: &'a mut [T],
    case: C,
}

impl<T: Scalar, C: Case> Kernel for Run<'_, T, C> {
    type Output = C;
    #[inline(always)]
    fn run<const FMA: bool>(self) -> C {
        for (x, y) in self.x.iter().zip(self.y) {
            *y = C::value::<T, FMA>(*x);
        }
        self.case
    }
}

/// The values with and without fused multiply-adds.
fn both<T: Scalar, C: Case>(case: C, x: &[T]) -> [Vec<T>; 2] {
    let mut fused = vec![T::ZERO; x.len()];
    let mut plain = fused.clone();
    let y = &mut fused;
    let case = dispatch(Run { x, y, case });
    let y = &mut plain;
    Run { x, y, case }.run::<false>();
    [fused, plain]
}

/// Finite numbers of all exponents and both signs, more of them of common size.
fn singles(defined: impl Fn(f64) -> bool) -> Vec<f32> {
    let everywhere = (0..=u32::MAX).step_by(16_411);
    let (low, high) = ((1.0f32 / 256.0).to_bits(), 128f32.to_bits());
    let common = (low..high).step_by(509).flat_map(|x| [x, x | 1 << 31]);
    let edges = [
        0.0,
        -0.0,
        1.0,
        f32::MIN_POSITIVE,
        f32::from_bits(1),
        f32::MAX,
        f32::EPSILON,
    ];
    let edges = edges.into_iter().flat_map(|x| [x, -x]);
    everywhere
        .chain(common)
        .map(f32::from_bits)
        .chain(edges)
        .filter(|x| x.is_finite() && defined(f64::from(*x)))
        .collect()
}

/// The same in double precision.
fn doubles(defined: impl Fn(f64) -> bool) -> Vec<f64> {
    let everywhere = (0..=u64::MAX).step_by((1 << 47) + 123_456_789);
    let (low, high) = ((1.0f64 / 4096.0).to_bits(), 1024f64.to_bits());
    let common = (low..high)
        .step_by((1 << 40) + 12_345_677)
        .flat_map(|x| [x, x | 1 << 63]);
    everywhere
        .chain(common)
        .map(f64::from_bits)
        .filter(|x| x.is_finite() && defined(*x))
        .collect()
}

/// The error in units in the last place of the exact result. A result below the
/// smallest normal number may come out as 0, unless that is for the smallness
/// of the argument.
fn ulp(x: f32, found: f32, exact: f64) -> f64 {
    let error = (f64::from(found) - exact).abs();
    if exact.abs() < f64::from(f32::MIN_POSITIVE) {
        let allowed = if x.abs() < 1.0 {
            f32::from_bits(1)
        } else {
            f32::MIN_POSITIVE
        };
        assert!(error <= f64::from(allowed), "{x:e}: {found:e} {exact:e}");
        return 0.0;
    }
    let power = f64::from_bits(exact.to_bits() & 0x7ff0_0000_0000_0000);
    let error = error / (power * f64::from(f32::EPSILON));
    // What is no number is no small error.
    if error.is_nan() { f64::INFINITY } else { error }
}

fn ulp_f64(found: f64, exact: f64) -> f64 {
    let error = (found - exact).abs();
    if exact.abs() < f64::MIN_POSITIVE {
        assert!(error <= f64::MIN_POSITIVE, "{found:e} {exact:e}");
        return 0.0;
    }
    let power = f64::from_bits(exact.to_bits() & 0x7ff0_0000_0000_0000);
    // The quotient first: a unit in the last place may be subnormal.
    let error = error / power / f64::EPSILON;
    if error.is_nan() { f64::INFINITY } else { error }
}

fn check_single<C: Case>(case: C, bound: f64) {
    let x = singles(C::defined);
    let found = both(case, &x);
    for (i, x) in x.iter().enumerate() {
        let exact = C::exact(f64::from(*x));
        for y in &found {
            let error = ulp(*x, y[i], exact);
            assert!(error <= bound, "{x:e}: {:e} {exact:e}: {error}", y[i]);
        }
    }
}

fn check_double<C: Case>(case: C, bound: f64) {
    let x = doubles(C::defined);
    let found = both(case, &x);
    for (i, x) in x.iter().enumerate() {
        let exact = C::exact(*x);
        for y in &found {
            let error = ulp_f64(y[i], exact);
            assert!(error <= bound, "{x:e}: {:e} {exact:e}: {error}", y[i]);
        }
    }
}

#[test]
fn single_precision_is_exact_to_two_units_in_the_last_place() {
    check_single(Exp, 1.5);
    check_single(Tanh, 2.0);
    check_single(Ln, 1.5);
    check_single(Ln1p, 1.5);
    check_single(Sin, 0.51);
    check_single(Cos, 0.51);
    check_single(Tail, 2.0);
    check_single(Moment, 2.0);
    check_single(Density, 1.5);
}

#[test]
fn double_precision_is_exact_to_a_few_units_in_the_last_place() {
    check_double(Exp, 2.5);
    check_double(Tanh, 5.0);
    check_double(Ln, 4.0);
    check_double(Ln1p, 4.0);
    check_double(Sin, 3.5);
    check_double(Tail, 8.0);
    check_double(Moment, 9.0);
    check_double(Density, 2.5);
    let x = doubles(Cos::defined);
    let found = both(Cos, &x);
    for (i, x) in x.iter().enumerate() {
        assert!(found.iter().all(|y| (y[i] - libm::cos(*x)).abs() < 5e-16));
    }
}

/// (φ, φ', φ'') with and without fused multiply-adds.
fn jets(activation: &dyn activations::Activation, x: &[f32]) -> [Vec<Jet<f32>>; 2] {
    let mut value = vec![0.0; x.len()];
    activation.value_f32(x, &mut value);
    let (mut first, mut second) = (value.clone(), value.clone());
    activation.curvature_f32(x, &vec![1.0; x.len()], &mut first, &mut second);
    let fused = (0..x.len())
        .map(|i| Jet {
            value: value[i],
            first: first[i],
            second: second[i],
        })
        .collect();
    [fused, activation.plain_f32(x)]
}

#[test]
fn activations_are_exact_to_two_units_in_the_last_place() {
    for activation in activations::ALL {
        let key = activation.choice().key;
        let x = singles(|x| key != "sin" || x.abs() <= SINE_RANGE);
        let found = jets(*activation, &x);
        for (i, x) in x.iter().enumerate() {
            let exact = activation.reference(f64::from(*x));
            for y in &found {
                let error = ulp(*x, y[i].value, exact[0]);
                assert!(error <= 2.0, "{key} {x:e}: {:?} {exact:?}: {error}", y[i]);
                // In the derivatives terms of order one cancel.
                let first = (f64::from(y[i].first) - exact[1]).abs();
                let second = (f64::from(y[i].second) - exact[2]).abs();
                assert!(
                    first < 4e-7 && second < 6e-7,
                    "{key} {x:e}: {:?} {exact:?}",
                    y[i]
                );
            }
        }
    }
}

#[test]
fn special_values_come_out_as_such() {
    fn check<T: Scalar>(infinity: T) {
        let at = |y: [Vec<T>; 2]| y.map(|y| y[0].to_f64());
        let same = |y: [Vec<T>; 2], expected: f64| {
            for y in at(y) {
                assert_eq!(y.to_bits(), expected.to_bits(), "{y} {expected}");
            }
        };
        let none = |y: [Vec<T>; 2]| assert!(at(y).iter().all(|y| y.is_nan()));
        let zero = [T::ZERO];
        same(both(Exp, &zero), 1.0);
        same(both(Exp, &[-T::ZERO]), 1.0);
        same(both(Exp, &[-infinity]), 0.0);
        same(both(Tanh, &zero), 0.0);
        same(both(Tanh, &[-T::ZERO]), -0.0);
        same(both(Tanh, &[infinity]), 1.0);
        same(both(Tanh, &[-infinity]), -1.0);
        same(both(Ln, &[T::ONE]), 0.0);
        same(both(Ln, &[infinity]), f64::INFINITY);
        same(both(Ln1p, &zero), 0.0);
        same(both(Sin, &zero), 0.0);
        same(both(Sin, &[-T::ZERO]), -0.0);
        same(both(Cos, &zero), 1.0);
        same(both(Tail, &[infinity]), 0.0);
        same(both(Moment, &[-infinity]), 0.0);
        same(both(Density, &zero), 1.0);
        same(both(Density, &[infinity]), 0.0);
        none(both(Sin, &[infinity]));
        let nan = [T::NAN];
        none(both(Exp, &nan));
        none(both(Tanh, &nan));
        none(both(Ln, &nan));
        none(both(Ln1p, &nan));
        none(both(Sin, &nan));
        none(both(Cos, &nan));
        none(both(Tail, &nan));
        none(both(Density, &nan));
    }
    check(f32::INFINITY);
    check(f64::INFINITY);
}

#[test]
fn activations_have_their_limits() {
    let infinity = f32::INFINITY;
    // At −∞, −0 and ∞.
    for (key, expected) in [
        ("tanh", [-1.0, -0.0, 1.0]),
        ("relu", [0.0, 0.0, infinity]),
        ("gelu", [0.0, -0.0, infinity]),
        ("silu", [0.0, -0.0, infinity]),
        ("sigmoid", [0.0, 0.5, 1.0]),
        ("softplus", [0.0, std::f32::consts::LN_2, infinity]),
        ("identity", [-infinity, -0.0, infinity]),
    ] {
        let activation = activations::find(key).unwrap();
        for found in jets(activation, &[-infinity, -0.0, infinity]) {
            for (i, found) in found.iter().enumerate() {
                assert_eq!(found.value, expected[i], "{key}");
                assert!(!found.first.is_nan() && !found.second.is_nan(), "{key}");
            }
            if ["tanh", "gelu", "identity"].contains(&key) {
                assert!(found[1].value.is_sign_negative() == expected[1].is_sign_negative());
            }
        }
        assert!(jets(activation, &[f32::NAN])[0][0].value.is_nan());
    }
}
