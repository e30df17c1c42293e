use std::ops::{Add, Div, Mul, Neg, Sub};

use proptest::prelude::*;

use super::*;

/// A complex number: the imaginary part of f(x + ih)/h is f'(x), without the
/// cancellation of a difference (Squire and Trapp 1998).
#[derive(Clone, Copy, Debug)]
struct Complex(f64, f64);

impl From<f64> for Complex {
    fn from(re: f64) -> Self {
        Self(re, 0.0)
    }
}

impl Add for Complex {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0, self.1 + other.1)
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0, self.1 - other.1)
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self(
            self.0 * other.0 - self.1 * other.1,
            self.0 * other.1 + self.1 * other.0,
        )
    }
}

impl Div for Complex {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let norm = other.0 * other.0 + other.1 * other.1;
        let product = self * Self(other.0, -other.1);
        Self(product.0 / norm, product.1 / norm)
    }
}

impl Neg for Complex {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0, -self.1)
    }
}

impl Add<f64> for Complex {
    type Output = Self;
    fn add(self, other: f64) -> Self {
        Self(self.0 + other, self.1)
    }
}

impl Sub<f64> for Complex {
    type Output = Self;
    fn sub(self, other: f64) -> Self {
        Self(self.0 - other, self.1)
    }
}

impl Mul<f64> for Complex {
    type Output = Self;
    fn mul(self, other: f64) -> Self {
        Self(self.0 * other, self.1 * other)
    }
}

impl Number for Complex {
    fn exp(self) -> Self {
        let size = self.0.exp();
        Self(size * self.1.cos(), size * self.1.sin())
    }

    fn sin(self) -> Self {
        Self(self.0.sin() * self.1.cosh(), self.0.cos() * self.1.sinh())
    }

    fn cos(self) -> Self {
        Self(self.0.cos() * self.1.cosh(), -self.0.sin() * self.1.sinh())
    }

    fn sqrt(self) -> Self {
        let (size, angle) = (self.0.hypot(self.1).sqrt(), 0.5 * self.1.atan2(self.0));
        Self(size * angle.cos(), size * angle.sin())
    }

    fn is_zero(self) -> bool {
        self.0 == 0.0 && self.1 == 0.0
    }
}

const STEP: f64 = 1e-100;

fn close(found: f64, expected: f64, scale: f64, what: &str) {
    assert!(
        (found - expected).abs() <= 1e-11 * (1.0 + expected.abs().max(scale)),
        "{what}: {found} and not {expected}"
    );
}

/// Gradient and Hessian of a formula against complex steps and, coarsely,
/// against differences of the values alone.
pub(super) fn check<F: Formula>(key: &str, formula: &F) {
    let facts = formula.facts();
    let [[x0, x1], [y0, y1]] = facts.window;
    assert!(facts.learning_rate > 0.0);
    for i in 0..12 {
        for j in 0..12 {
            // Never on a grid line where something may vanish.
            let x = x0 + (x1 - x0) * (f64::from(i) + 0.37) / 12.0;
            let y = y0 + (y1 - y0) * (f64::from(j) + 0.61) / 12.0;
            let gradient = formula.gradient(x, y);
            let hessian = formula.hessian(x, y);
            let along_x = formula.value(Complex(x, STEP), y.into()).1 / STEP;
            let along_y = formula.value(x.into(), Complex(y, STEP)).1 / STEP;
            let size = gradient[0].hypot(gradient[1]);
            close(gradient[0], along_x, size, key);
            close(gradient[1], along_y, size, key);
            let [xx, xy] = formula
                .gradient(Complex(x, STEP), y.into())
                .map(|slope| slope.1 / STEP);
            let [yx, yy] = formula
                .gradient(x.into(), Complex(y, STEP))
                .map(|slope| slope.1 / STEP);
            let size = xx.abs().max(yy.abs()).max(xy.abs());
            close(hessian[0], xx, size, key);
            close(hessian[1], xy, size, key);
            close(hessian[1], yx, size, key);
            close(hessian[2], yy, size, key);
            let h = 1e-6;
            let difference = (formula.value(x + h, y) - formula.value(x - h, y)) / (2.0 * h);
            let scale = 1.0 + formula.value(x, y).abs() + size;
            assert!(
                (difference - gradient[0]).abs() < 1e-5 * scale,
                "{key}: {difference} and not {}",
                gradient[0]
            );
        }
    }
}

#[test]
fn gradients_and_hessians_are_the_derivatives() {
    for entry in REGISTRY {
        (entry.check)();
    }
    // Turned axes and other constants as well.
    let turned = section()
        .component("quadratic")
        .unwrap()
        .with("angle", 33.0)
        .with("condition", 7.0);
    check("quadratic", &quadratic::new(&turned));
    let plain = section().component("saddle").unwrap().with("quartic", 0.0);
    check("saddle", &saddle::new(&plain));
}

#[test]
fn minima_are_where_they_are_said_to_be() {
    for kind in kinds() {
        let function = named(kind.key).unwrap();
        let Some(minimum) = function.facts.minimum else {
            continue;
        };
        for at in &function.facts.minima {
            assert!(
                (function.value(*at) - minimum).abs() < 1e-12,
                "{}",
                kind.key
            );
            let [a, b] = function.gradient(*at);
            assert!(a.hypot(b) < 1e-11, "{}: {a} {b}", kind.key);
            let eigenvalues = function.eigenvalues(*at);
            let pointed = eigenvalues[0].is_nan();
            assert!(pointed || eigenvalues[1] > 0.0, "{}", kind.key);
            assert_eq!(function.distance_to_minimum(*at), Some(0.0));
        }
    }
    // The root of 2x³ − 16x + 2.5 and the value there, in closed form.
    let function = named("styblinski_tang").unwrap();
    let [x, _] = function.facts.minima[0];
    assert!((x * x * x - 8.0 * x + 1.25).abs() < 1e-13);
}

#[test]
fn starts_lie_in_the_window_and_move() {
    for kind in kinds() {
        let function = named(kind.key).unwrap();
        for (start, [low, high]) in function.facts.start.iter().zip(function.facts.window) {
            assert!(low < *start && *start < high, "{}", kind.key);
        }
        let [a, b] = function.gradient(function.facts.start);
        assert!(a.hypot(b) > 1e-3, "{}", kind.key);
    }
}

#[test]
fn gradient_descent_with_the_suggested_rate_goes_down() {
    for kind in kinds() {
        let function = named(kind.key).unwrap();
        let mut at = function.facts.start;
        for _ in 0..500 {
            let [a, b] = function.gradient(at);
            at = [
                at[0] - function.facts.learning_rate * a,
                at[1] - function.facts.learning_rate * b,
            ];
        }
        let (first, last) = (function.value(function.facts.start), function.value(at));
        assert!(
            last.is_finite() && last < first,
            "{}: {first} {last}",
            kind.key
        );
    }
}

#[test]
fn the_quadratic_has_its_condition_number() {
    for angle in [0.0, 20.0, -135.0] {
        let component = section()
            .component("quadratic")
            .unwrap()
            .with("condition", 250.0)
            .with("angle", angle);
        let function = build(&component).unwrap();
        let [largest, smallest] = function.eigenvalues([0.3, -0.8]);
        assert!((largest - 250.0).abs() < 1e-10);
        assert!((smallest - 1.0).abs() < 1e-10);
    }
}

#[test]
fn the_cliff_has_a_wall() {
    let function = named("rnn_cliff").unwrap();
    let [[w0, w1], [b0, b1]] = function.facts.window;
    let n = 257;
    let mut norms = Vec::with_capacity(n * n);
    for i in 0..n {
        for j in 0..n {
            let w = w0 + (w1 - w0) * i as f64 / (n - 1) as f64;
            let b = b0 + (b1 - b0) * j as f64 / (n - 1) as f64;
            let [a, c] = function.gradient([w, b]);
            norms.push(a.hypot(c));
        }
    }
    norms.sort_by(f64::total_cmp);
    let (median, largest) = (norms[n * n / 2], norms[n * n - 1]);
    // The same grid in NumPy: 672.67 over 0.069616.
    assert!((median - 0.069_615_6).abs() < 1e-6, "{median}");
    assert!(largest > 5000.0 * median, "{largest} over {median}");
}

#[test]
fn what_is_no_function_is_refused_in_a_sentence() {
    let error = named("rosenbrok").unwrap_err();
    assert!(error.contains("did you mean rosenbrock?"), "{error}");
    let component = section()
        .component("quadratic")
        .unwrap()
        .with("condition", 0.5);
    let error = build(&component).unwrap_err();
    assert!(error.starts_with("function.condition is 0.5"), "{error}");
    let schema = crate::recipe::Schema {
        sections: vec![section()],
    };
    // Its only fault is that no recipe has this section.
    assert_eq!(schema.faults(), ["no recipe has a section function"]);
}

proptest! {
    #[test]
    fn nothing_lies_below_the_minimum(u in -1.0f64..1.0, v in -1.0f64..1.0) {
        for kind in kinds() {
            let function = named(kind.key).unwrap();
            let at = [u, v]
                .iter()
                .zip(function.facts.window)
                .map(|(u, [low, high])| 0.5 * (low + high) + u * (high - low))
                .collect::<Vec<_>>();
            if let Some(minimum) = function.facts.minimum {
                prop_assert!(function.value([at[0], at[1]]) >= minimum - 1e-9, "{}", kind.key);
            }
        }
    }
}
