//! From a recipe's `[data]` to what the network trains and validates on.

use std::path::Path;

use rand::Rng as _;
use rand::seq::index;

use super::{DataError, Dataset, InputShape, Targets, source, split};
use crate::math::rng::stream;
use crate::recipe::Component;

/// Standard deviations below this share of the feature's size count as zero:
/// the feature is constant up to rounding.
const CONSTANT: f64 = 1e-12;

/// How inputs were shifted and scaled: z = (x − mean) / std.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardization {
    /// One for each number of an input (all equal for images).
    pub mean: Vec<f64>,
    /// One for each number of an input, never zero.
    pub std: Vec<f64>,
}

impl Standardization {
    /// Mean and standard deviation (dividing by the number of samples) of each
    /// feature, or over all pixels of images. Constant features get 1.
    pub fn of(dataset: &Dataset) -> Standardization {
        let length = dataset.shape.len().max(1);
        let groups = match dataset.shape {
            InputShape::Vector(_) => length,
            InputShape::Image { .. } => 1,
        };
        let count = (dataset.inputs.len() / groups).max(1) as f64;
        let mut mean = vec![0.0; groups];
        for (index, x) in dataset.inputs.iter().enumerate() {
            mean[index % groups] += x / count;
        }
        let mut variance = vec![0.0; groups];
        for (index, x) in dataset.inputs.iter().enumerate() {
            variance[index % groups] += (x - mean[index % groups]).powi(2) / count;
        }
        let std: Vec<f64> = variance
            .iter()
            .zip(&mean)
            .map(|(variance, mean)| {
                let std = variance.sqrt();
                if std > CONSTANT * mean.abs() {
                    std
                } else {
                    1.0
                }
            })
            .collect();
        Standardization {
            mean: (0..length).map(|index| mean[index % groups]).collect(),
            std: (0..length).map(|index| std[index % groups]).collect(),
        }
    }

    /// Standardizes inputs, `[samples, length]`.
    pub fn apply(&self, inputs: &mut [f64]) {
        for sample in inputs.chunks_mut(self.mean.len().max(1)) {
            for ((x, mean), std) in sample.iter_mut().zip(&self.mean).zip(&self.std) {
                *x = (*x - mean) / std;
            }
        }
    }

    /// Undoes [`Standardization::apply`].
    pub fn invert(&self, inputs: &mut [f64]) {
        for sample in inputs.chunks_mut(self.mean.len().max(1)) {
            for ((x, mean), std) in sample.iter_mut().zip(&self.mean).zip(&self.std) {
                *x = *x * std + mean;
            }
        }
    }
}

/// What a network trains and validates on.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedData {
    /// The training part.
    pub train: Dataset,
    /// The validation part, if there is one.
    pub validation: Option<Dataset>,
    /// What was done to the inputs, if anything.
    pub standardization: Option<Standardization>,
    /// Where each training sample is in the loaded data set.
    pub train_indices: Vec<usize>,
    /// Where each validation sample is in the loaded data set.
    pub validation_indices: Vec<usize>,
    /// The training samples whose labels were replaced, ascending.
    pub relabelled: Vec<usize>,
}

/// Loads a `[data]` component and applies its options: limit, split, imbalance
/// and label noise of the training part, standardization with the statistics of
/// the training part. The streams are "data", "limit", "split", "imbalance" and
/// "label_noise". Relative paths start at `base_dir`.
///
/// # Errors
///
/// A data set that cannot be loaded, has no samples or samples of one class
/// only, or does not go together with the options.
pub fn prepare(
    component: &Component,
    seed: u64,
    base_dir: &Path,
) -> Result<PreparedData, DataError> {
    let Some(source) = source(&component.kind) else {
        let known: Vec<&str> = super::kinds().iter().map(|kind| kind.key).collect();
        let message = format!(
            "data.kind is \"{}\", which is not known; expected one of {}",
            component.kind,
            known.join(", ")
        );
        return Err(DataError::options("kind", message));
    };
    if let Some(problem) = source.check(component).into_iter().next() {
        return Err(DataError::options(&problem.key, problem.message));
    }
    let mut dataset = source.load(component, seed, base_dir)?;
    check_loaded(&dataset)?;
    let chosen = split::limited(dataset.len(), component.count("limit"), seed);
    if chosen.len() < dataset.len() {
        dataset = dataset.subset(&chosen);
    }
    check_classes(&dataset)?;
    let fraction = component.float("validation_fraction");
    let (mut train_rows, validation_rows) = split::split(&dataset, fraction, seed)?;
    let mut train = dataset.subset(&train_rows);
    let imbalance = component.float("imbalance");
    if imbalance > 1.0 {
        require_classes(&dataset, "imbalance")?;
        let kept = split::long_tail(&train, imbalance, seed)?;
        train = train.subset(&kept);
        train_rows = kept.into_iter().map(|row| train_rows[row]).collect();
    }
    let noise = component.float("label_noise");
    let relabelled = if noise > 0.0 {
        require_classes(&dataset, "label_noise")?;
        relabel(&mut train, noise, seed)
    } else {
        Vec::new()
    };
    let mut validation = (!validation_rows.is_empty()).then(|| dataset.subset(&validation_rows));
    let standardization = component.boolean("standardize").then(|| {
        let standardization = Standardization::of(&train);
        standardization.apply(&mut train.inputs);
        if let Some(validation) = &mut validation {
            standardization.apply(&mut validation.inputs);
        }
        standardization
    });
    let loaded = |rows: Vec<usize>| rows.into_iter().map(|row| chosen[row]).collect();
    let (train_indices, validation_indices) = (loaded(train_rows), loaded(validation_rows));
    Ok(PreparedData {
        train,
        validation,
        standardization,
        train_indices,
        validation_indices,
        relabelled,
    })
}

fn check_loaded(dataset: &Dataset) -> Result<(), DataError> {
    if dataset.is_empty() || dataset.shape.is_empty() {
        let message = "the data set has no samples, expected at least one";
        return Err(DataError::options("kind", message));
    }
    let values = match &dataset.targets {
        Targets::Values { values, .. } => values.as_slice(),
        Targets::Classes { .. } => &[],
    };
    if dataset.inputs.iter().chain(values).any(|x| !x.is_finite()) {
        let message = "the data set holds a number that is not finite, expected finite ones only";
        return Err(DataError::options("kind", message));
    }
    Ok(())
}

fn check_classes(dataset: &Dataset) -> Result<(), DataError> {
    let Targets::Classes { names, .. } = &dataset.targets else {
        return Ok(());
    };
    let counts = dataset.class_counts();
    let mut present = names
        .iter()
        .zip(counts)
        .filter(|(_, count)| *count > 0)
        .map(|(name, _)| name);
    match (present.next(), present.next()) {
        (Some(only), None) => Err(DataError::options(
            "kind",
            format!("all samples are of the class {only}, expected at least two classes"),
        )),
        _ => Ok(()),
    }
}

fn require_classes(dataset: &Dataset, key: &str) -> Result<(), DataError> {
    match dataset.targets {
        Targets::Classes { .. } => Ok(()),
        Targets::Values { .. } => Err(DataError::options(
            key,
            format!("data.{key} needs classes, but the targets of this data set are numbers"),
        )),
    }
}

/// Replaces the labels of a share of the samples by another class each, drawn
/// uniformly; gives their indices, ascending.
fn relabel(dataset: &mut Dataset, share: f64, seed: u64) -> Vec<usize> {
    let Targets::Classes { labels, names } = &mut dataset.targets else {
        return Vec::new();
    };
    let classes = names.len() as u32;
    if classes < 2 {
        return Vec::new();
    }
    let mut rng = stream(seed, "label_noise");
    let count = ((labels.len() as f64 * share).round() as usize).min(labels.len());
    let mut relabelled = index::sample(&mut rng, labels.len(), count).into_vec();
    relabelled.sort_unstable();
    for index in &relabelled {
        let other = rng.random_range(0..classes - 1);
        let label = &mut labels[*index];
        *label = if other >= *label { other + 1 } else { other };
    }
    relabelled
}
