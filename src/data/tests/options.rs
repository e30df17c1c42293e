use approx::assert_abs_diff_eq;

use super::*;
use crate::data::{InputShape, Standardization, Targets, check};

fn messages(component: &Component) -> Vec<String> {
    check(component)
        .into_iter()
        .map(|problem| problem.message)
        .collect()
}

#[test]
fn the_split_is_stratified_and_complete() {
    let data = prepared(&component("digits").with("validation_fraction", 0.25), 1);
    let validation = data.validation.unwrap();
    assert_eq!(validation.len(), 449);
    let all = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180];
    for (count, all) in validation.class_counts().iter().zip(all) {
        assert!((*count as f64 - 0.25 * f64::from(all)).abs() < 1.0);
    }
    let mut indices = [data.train_indices.clone(), data.validation_indices.clone()].concat();
    indices.sort_unstable();
    assert_eq!(indices, (0..1797).collect::<Vec<usize>>());
    // The indices say where the samples come from.
    let loaded = load(&component("digits"), 1);
    assert_eq!(data.train, loaded.subset(&data.train_indices));
    assert_eq!(validation, loaded.subset(&data.validation_indices));
    // Another seed splits otherwise.
    let other = prepared(&component("digits").with("validation_fraction", 0.25), 2);
    assert_ne!(other.validation_indices, data.validation_indices);
}

#[test]
fn no_validation_and_regression_splits() {
    let data = prepared(&component("function").with("validation_fraction", 0.0), 0);
    assert!(data.validation.is_none());
    assert_eq!(data.train.len(), 20);
    assert_eq!(data.train_indices, (0..20).collect::<Vec<usize>>());
    let data = prepared(&component("function").with("validation_fraction", 0.3), 0);
    assert_eq!((data.train.len(), data.validation.unwrap().len()), (14, 6));
}

#[test]
fn every_class_keeps_a_training_sample() {
    let component = component("blobs")
        .with("classes", 5)
        .with("samples", 11)
        .with("validation_fraction", 0.5);
    let data = prepared(&component, 0);
    assert!(data.train.class_counts().iter().all(|count| *count >= 1));
    assert_eq!(data.validation.unwrap().len(), 6);
}

#[test]
fn parts_without_samples_are_refused() {
    let few = component("moons")
        .with("samples", 4)
        .with("validation_fraction", 0.1);
    assert_eq!(
        messages(&few),
        [
            "data.validation_fraction is 0.1, which makes 0 of 4 samples the validation part, \
             expected at least one sample in each part, or 0 for no validation"
        ]
    );
    assert_eq!(
        refusal(&few),
        "data.validation_fraction is 0.1, which leaves 4 of 4 samples for training and 0 for \
         validation, expected at least one sample in each part and one of each class for \
         training, or 0 for no validation"
    );
    let many = few.with("validation_fraction", 0.9);
    assert!(refusal(&many).contains("leaves 0 of 4 samples for training"));
    assert_eq!(messages(&many).len(), 1);
    assert_eq!(messages(&component("moons")), Vec::<String>::new());
    let limited = component("moons").with("limit", 2);
    assert_eq!(messages(&limited).len(), 1, "0.2 of 2 samples is none");
}

#[test]
fn standardization_uses_the_training_part_only() {
    let component = component("blobs")
        .with("samples", 200)
        .with("dimensions", 3)
        .with("standardize", true);
    let data = prepared(&component, 0);
    let standardization = data.standardization.clone().unwrap();
    for feature in 0..3 {
        let column: Vec<f64> = data
            .train
            .inputs
            .iter()
            .skip(feature)
            .step_by(3)
            .copied()
            .collect();
        let mean = column.iter().sum::<f64>() / column.len() as f64;
        let variance = column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / column.len() as f64;
        assert_abs_diff_eq!(mean, 0.0, epsilon = 1e-12);
        assert_abs_diff_eq!(variance, 1.0, epsilon = 1e-12);
    }
    let raw = prepared(&component.with("standardize", false), 0);
    assert_eq!(standardization, Standardization::of(&raw.train));
    let mut validation = raw.validation.unwrap().inputs;
    standardization.apply(&mut validation);
    assert_eq!(validation, data.validation.unwrap().inputs);
    let mut back = data.train.inputs;
    standardization.invert(&mut back);
    for (a, b) in back.iter().zip(&raw.train.inputs) {
        assert_abs_diff_eq!(a, b, epsilon = 1e-12);
    }
}

#[test]
fn constant_features_and_images_standardize_sensibly() {
    let dataset = Dataset {
        inputs: vec![0.1, 1.0, 0.1, 3.0, 0.1, 5.0],
        shape: InputShape::Vector(2),
        targets: Targets::Values {
            values: vec![0.0; 3],
            dims: 1,
        },
        feature_names: Vec::new(),
    };
    let standardization = Standardization::of(&dataset);
    assert_eq!(standardization.std[0], 1.0, "the constant feature");
    assert_abs_diff_eq!(standardization.mean[0], 0.1, epsilon = 1e-15);
    assert_abs_diff_eq!(standardization.std[1], (8.0_f64 / 3.0).sqrt());

    let data = prepared(&component("digits").with("standardize", true), 0);
    let standardization = data.standardization.unwrap();
    assert_eq!(standardization.mean.len(), 64);
    assert!(
        standardization
            .mean
            .iter()
            .all(|mean| *mean == standardization.mean[0])
    );
    assert!(
        standardization
            .std
            .iter()
            .all(|std| *std == standardization.std[0])
    );
    let count = data.train.inputs.len() as f64;
    let mean = data.train.inputs.iter().sum::<f64>() / count;
    let square = data.train.inputs.iter().map(|x| x * x).sum::<f64>() / count;
    assert_abs_diff_eq!(mean, 0.0, epsilon = 1e-10);
    assert_abs_diff_eq!(square, 1.0, epsilon = 1e-10);
}

#[test]
fn label_noise_changes_its_share_of_training_labels() {
    let clean = prepared(&component("digits"), 0);
    let noisy = prepared(&component("digits").with("label_noise", 0.3), 0);
    let before = clean.train.labels().unwrap();
    let after = noisy.train.labels().unwrap();
    let changed: Vec<usize> = (0..before.len())
        .filter(|i| before[*i] != after[*i])
        .collect();
    assert_eq!(changed.len(), (0.3 * before.len() as f64).round() as usize);
    assert_eq!(changed, noisy.relabelled);
    assert_eq!(clean.train.inputs, noisy.train.inputs);
    assert_eq!(clean.validation, noisy.validation, "validation stays clean");
    // Uniform over the nine other classes.
    let mut shifts = [0; 10];
    for index in changed {
        shifts[((after[index] + 10 - before[index]) % 10) as usize] += 1;
    }
    assert_eq!(shifts[0], 0);
    assert!(
        shifts[1..].iter().all(|count| (20..80).contains(count)),
        "{shifts:?}"
    );
    // All of two classes: every label is the other one.
    let all = prepared(&component("moons").with("label_noise", 1.0), 0);
    let none = prepared(&component("moons"), 0);
    assert!(
        all.train
            .labels()
            .unwrap()
            .iter()
            .zip(none.train.labels().unwrap())
            .all(|(a, b)| a != b)
    );
}

#[test]
fn imbalance_is_an_exponential_long_tail() {
    let component = component("blobs")
        .with("classes", 3)
        .with("samples", 300)
        .with("validation_fraction", 0.0)
        .with("imbalance", 100.0);
    let data = prepared(&component, 0);
    assert_eq!(data.train.class_counts(), [100, 10, 1]);
    assert!(data.train_indices.is_sorted());
    // The validation part stays as it is.
    let data = prepared(&component.clone().with("validation_fraction", 0.1), 0);
    assert_eq!(data.validation.unwrap().class_counts(), [10, 10, 10]);
    assert_eq!(data.train.class_counts(), [90, 9, 1]);
    assert_eq!(
        refusal(&component.with("imbalance", 1000.0)),
        "data.imbalance is 1000, which leaves no training sample of the class Blob 3, expected a \
         smaller ratio or more samples"
    );
}

#[test]
fn the_limit_is_a_random_choice() {
    let data = prepared(&component("digits").with("limit", 100), 0);
    assert_eq!(data.train.len() + data.validation.unwrap().len(), 100);
    assert!(data.train_indices.iter().any(|index| *index > 1000));
    assert_eq!(data.train.outputs(), 10);
    let loaded = load(&component("digits"), 0);
    assert_eq!(data.train, loaded.subset(&data.train_indices));
    let all = prepared(&component("digits").with("limit", 100_000), 0);
    assert_eq!(all.train.len(), 1438);
}

#[test]
fn one_class_is_refused() {
    let component = component("digits")
        .with("limit", 1)
        .with("validation_fraction", 0.0);
    let message = refusal(&component);
    assert!(
        message.starts_with("all samples are of the class ")
            && message.ends_with(", expected at least two classes"),
        "{message}"
    );
}

#[test]
fn functions_refuse_what_needs_classes() {
    let function = component("function");
    assert_eq!(
        refusal(&function.clone().with("label_noise", 0.1)),
        "data.label_noise is 0.1, expected 0, because a function has no classes (its noise is \
         data.noise)"
    );
    assert_eq!(
        messages(&function.clone().with("imbalance", 2.0)),
        [
            "data.imbalance is 2, expected 1, because a function has no classes (its noise is \
             data.noise)"
        ]
    );
    assert_eq!(
        messages(&function.with("from", 1.0)),
        ["data.to is 1, expected a number above data.from, 1"]
    );
}
