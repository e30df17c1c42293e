//! Data sets: generated, bundled, and loaded from the user's files; the split
//! into a training and a validation part; standardization, label noise and
//! class imbalance.
//!
//! A data set is one file that implements [`DataSource`] and one line in
//! [`SOURCES`]; it then appears in recipes, in the window and in the listings.
//! Everything random is drawn from named streams of the recipe's seed
//! ([`crate::math::rng::stream`]), so that the same recipe has the same data.

mod blobs;
mod checkerboard;
mod circles;
mod csv;
mod dataset;
mod digits;
mod error;
mod file;
mod function;
mod idx;
mod moons;
mod outliers;
mod points;
mod prepare;
mod spirals;
mod split;
mod xor;

#[cfg(test)]
mod tests;

pub use dataset::{Dataset, InputShape, Targets};
pub use error::DataError;
pub use prepare::{PreparedData, Standardization, prepare};

use std::path::Path;

use crate::recipe::{Component, Field, Kind, Problem, Section};

/// A data set that a recipe can name.
pub trait DataSource: Sync {
    /// Its key, its explanation and its fields.
    fn kind(&self) -> &'static Kind;

    /// All samples, before the common options of [`COMMON_FIELDS`] are applied.
    /// Relative paths start at `base_dir`.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or does not hold what was expected; values
    /// that make no data set.
    fn load(&self, component: &Component, seed: u64, base_dir: &Path)
    -> Result<Dataset, DataError>;

    /// Refuses combinations of values that are fine one by one.
    fn check(&self, _component: &Component) -> Vec<Problem> {
        Vec::new()
    }
}

/// Every data set, in the order of the listings.
pub static SOURCES: &[&dyn DataSource] = &[
    &spirals::Spirals,
    &moons::Moons,
    &circles::Circles,
    &blobs::Blobs,
    &xor::Xor,
    &checkerboard::Checkerboard,
    &function::Function,
    &outliers::Outliers,
    &digits::Digits,
    &csv::Csv,
    &idx::Idx,
];

/// Fields that every data set has.
pub const COMMON_FIELDS: &[Field] = &[
    Field::float(
        "validation_fraction",
        "Validation fraction",
        "Share of the samples that training never sees and that the validation loss is measured \
         on; each class gives its share.",
        0.2,
        0.0,
        1.0,
    )
    .below_max(),
    Field::boolean(
        "standardize",
        "Standardize",
        "Shift and scale the inputs to mean 0 and standard deviation 1 over the training part: \
         each feature by itself, images as a whole.",
        false,
    ),
    Field::float(
        "label_noise",
        "Label noise",
        "Share of the training labels that are replaced by another class, drawn uniformly.",
        0.0,
        0.0,
        1.0,
    ),
    Field::float(
        "imbalance",
        "Class imbalance",
        "Ratio of the largest to the smallest class in the training part; the classes between \
         follow an exponential long tail (Cui et al., 2019).",
        1.0,
        1.0,
        1e6,
    )
    .logarithmic(),
    Field::integer(
        "limit",
        "Limit",
        "Use at most so many samples, drawn at random; 0 uses all.",
        0,
        0,
        i64::MAX,
    )
    .zero_means("all"),
];

/// The kinds of the section `[data]`.
pub fn kinds() -> Vec<&'static Kind> {
    SOURCES.iter().map(|source| source.kind()).collect()
}

/// The data set called `key`.
pub fn source(key: &str) -> Option<&'static dyn DataSource> {
    SOURCES
        .iter()
        .copied()
        .find(|source| source.kind().key == key)
}

/// The section `[data]` of a recipe.
pub fn section() -> Section {
    Section {
        key: "data",
        title: "Data",
        help: "What the network learns from, and which part of it validates.",
        kinds: kinds(),
        common: COMMON_FIELDS,
        default_kind: None,
        restarts: true,
        check: Some(check),
    }
}

/// Numbers of a generated data set at most: 800 MB in double precision.
const MOST_NUMBERS: usize = 100_000_000;

/// Refuses combinations of values in a complete `[data]` component.
pub fn check(component: &Component) -> Vec<Problem> {
    let mut problems = source(&component.kind)
        .map(|source| source.check(component))
        .unwrap_or_default();
    if component.get("samples").is_some() && component.get("dimensions").is_some() {
        let numbers = component
            .count("samples")
            .saturating_mul(component.count("dimensions"));
        if numbers > MOST_NUMBERS {
            problems.push(Problem {
                key: "samples".to_owned(),
                message: format!(
                    "data.samples times data.dimensions is {numbers}, expected at most \
                     {MOST_NUMBERS}"
                ),
            });
        }
    }
    let fraction = component.float("validation_fraction");
    if fraction > 0.0 && component.get("samples").is_some() {
        let samples = split::capped(component.count("samples"), component.count("limit"));
        let validation = split::validation_count(samples, fraction);
        if validation == 0 || validation >= samples {
            problems.push(Problem {
                key: "validation_fraction".to_owned(),
                message: format!(
                    "data.validation_fraction is {fraction}, which makes {validation} of {samples} \
                     samples the validation part, expected at least one sample in each part, or 0 \
                     for no validation"
                ),
            });
        }
    }
    problems
}
