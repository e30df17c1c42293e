//! Closed-form functions of two variables on which optimizers are watched: one
//! file each and one word in the registry below.
//!
//! Their plane is the whole space, so a path on it is the whole truth. Value
//! and gradient are formulas over any [`Number`], so that the tests can take
//! derivatives by complex steps.

mod number;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use crate::recipe::{Component, Field, Kind, Section};
use number::Number;

/// What is known about a function beside its formula.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// What the two variables are called.
    pub axes: [&'static str; 2],
    /// The part of the plane worth looking at: `[[x_low, x_high], [y_low, y_high]]`.
    pub window: [[f64; 2]; 2],
    /// Where a race starts unless told otherwise.
    pub start: [f64; 2],
    /// The points where the function is smallest, where they are isolated and
    /// known.
    pub minima: Vec<[f64; 2]>,
    /// The smallest value; none where the function has no lower bound.
    pub minimum: Option<f64>,
    /// A learning rate with which gradient descent from the start neither
    /// crawls nor leaves.
    pub learning_rate: f64,
}

/// A function as its file writes it.
trait Formula: Send + Sync + 'static {
    fn value<N: Number>(&self, x: N, y: N) -> N;
    /// (∂f/∂x, ∂f/∂y).
    fn gradient<N: Number>(&self, x: N, y: N) -> [N; 2];
    /// (∂²f/∂x², ∂²f/∂x∂y, ∂²f/∂y²).
    fn hessian(&self, x: f64, y: f64) -> [f64; 3];
    fn facts(&self) -> Facts;
}

/// The same behind a pointer.
trait Evaluate: Send + Sync {
    fn value(&self, x: f64, y: f64) -> f64;
    fn gradient(&self, x: f64, y: f64) -> [f64; 2];
    fn hessian(&self, x: f64, y: f64) -> [f64; 3];
}

impl<F: Formula> Evaluate for F {
    fn value(&self, x: f64, y: f64) -> f64 {
        Formula::value(self, x, y)
    }

    fn gradient(&self, x: f64, y: f64) -> [f64; 2] {
        Formula::gradient(self, x, y)
    }

    fn hessian(&self, x: f64, y: f64) -> [f64; 3] {
        Formula::hessian(self, x, y)
    }
}

/// A closed-form function of two variables.
#[derive(Clone)]
pub struct TestFunction {
    /// Its entry in the registry.
    pub kind: &'static Kind,
    /// The values that it was built with.
    pub component: Component,
    /// What is known about it.
    pub facts: Facts,
    formula: Arc<dyn Evaluate>,
}

impl TestFunction {
    fn new<F: Formula>(kind: &'static Kind, component: &Component, formula: F) -> Self {
        Self {
            kind,
            component: component.clone(),
            facts: formula.facts(),
            formula: Arc::new(formula),
        }
    }

    /// f(x, y).
    pub fn value(&self, [x, y]: [f64; 2]) -> f64 {
        self.formula.value(x, y)
    }

    /// ∇f(x, y); zero at a kink that is a minimum.
    pub fn gradient(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        self.formula.gradient(x, y)
    }

    /// The second derivatives, row by row; not a number where there are none.
    pub fn hessian(&self, [x, y]: [f64; 2]) -> [[f64; 2]; 2] {
        let [xx, xy, yy] = self.formula.hessian(x, y);
        [[xx, xy], [xy, yy]]
    }

    /// Both eigenvalues of the Hessian, the larger first.
    pub fn eigenvalues(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [xx, xy, yy] = self.formula.hessian(x, y);
        let (mean, apart) = (0.5 * (xx + yy), 0.5 * (xx - yy));
        let radius = apart.hypot(xy);
        [mean + radius, mean - radius]
    }

    /// How much noise is added to each component of a gradient: its standard
    /// deviation.
    pub fn noise(&self) -> f64 {
        self.component.float("noise")
    }

    /// The distance to the nearest known minimum.
    pub fn distance_to_minimum(&self, [x, y]: [f64; 2]) -> Option<f64> {
        self.facts
            .minima
            .iter()
            .map(|[a, b]| (x - a).hypot(y - b))
            .min_by(f64::total_cmp)
    }
}

impl fmt::Debug for TestFunction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TestFunction")
            .field("component", &self.component)
            .finish_non_exhaustive()
    }
}

/// Fields that every function has.
pub static COMMON_FIELDS: &[Field] = &[Field::float(
    "noise",
    "Gradient noise",
    "Standard deviation of the normal noise that is added to each component of every gradient; the same for all runners at the same step.",
    0.0,
    0.0,
    1e6,
)];

/// One registered function.
struct Entry {
    kind: &'static Kind,
    build: fn(&Component) -> TestFunction,
    #[cfg(test)]
    check: fn(),
}

/// Declares the modules and registers them, in the order of the list.
macro_rules! register {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*

        static REGISTRY: &[Entry] = &[$(Entry {
            kind: &$module::KIND,
            build: |component| {
                TestFunction::new(&$module::KIND, component, $module::new(component))
            },
            #[cfg(test)]
            check: || tests::check(
                $module::KIND.key,
                &$module::new(&$module::KIND.defaults(COMMON_FIELDS)),
            ),
        }),*];
    };
}

register!(
    rosenbrock,
    beale,
    himmelblau,
    rastrigin,
    ackley,
    styblinski_tang,
    saddle,
    quadratic,
    rnn_cliff,
);

/// All functions, in the order in which they are listed.
pub fn kinds() -> Vec<&'static Kind> {
    REGISTRY.iter().map(|entry| entry.kind).collect()
}

/// What a function can be and the values that it takes, checked and refused as
/// the sections of a recipe are.
pub fn section() -> Section {
    Section {
        key: "function",
        title: "Function",
        help: "A closed-form function of two variables.",
        kinds: kinds(),
        common: COMMON_FIELDS,
        default_kind: Some("rosenbrock"),
        restarts: true,
        check: None,
    }
}

/// The function that a component describes.
///
/// # Errors
/// One sentence about what [`section`] refuses.
pub fn build(component: &Component) -> Result<TestFunction, String> {
    if let Some(problem) = section().problems(component).into_iter().next() {
        return Err(problem.message);
    }
    REGISTRY
        .iter()
        .find(|entry| entry.kind.key == component.kind)
        .map(|entry| (entry.build)(component))
        .ok_or_else(|| format!("{:?} is not a function", component.kind))
}

/// The function of this name with its default values.
///
/// # Errors
/// As [`build`].
pub fn named(key: &str) -> Result<TestFunction, String> {
    let component = section()
        .component(key)
        .unwrap_or_else(|| Component::new(key));
    build(&component)
}
