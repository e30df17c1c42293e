//! Which samples are used, which of them validate, and which stay in a long
//! tail.

use rand::seq::SliceRandom as _;

use super::{DataError, Dataset};
use crate::math::rng::stream;

/// Samples that are left of so many under a limit, 0 being no limit.
pub(super) fn capped(samples: usize, limit: usize) -> usize {
    if limit == 0 {
        samples
    } else {
        samples.min(limit)
    }
}

/// The samples that stay under a limit: a random choice, in their order.
pub(super) fn limited(samples: usize, limit: usize, seed: u64) -> Vec<usize> {
    let mut chosen: Vec<usize> = (0..samples).collect();
    let kept = capped(samples, limit);
    if kept < samples {
        chosen.shuffle(&mut stream(seed, "limit"));
        chosen.truncate(kept);
        chosen.sort_unstable();
    }
    chosen
}

/// How many of so many samples validate.
pub(super) fn validation_count(samples: usize, fraction: f64) -> usize {
    (samples as f64 * fraction).round() as usize
}

/// Indices of the training and of the validation part, each ascending.
///
/// Every class gives its share (largest remainders decide about the fractions
/// of samples) and keeps at least one sample for training.
///
/// # Errors
///
/// A fraction above 0 that leaves a part without samples.
pub(super) fn split(
    dataset: &Dataset,
    fraction: f64,
    seed: u64,
) -> Result<(Vec<usize>, Vec<usize>), DataError> {
    let samples = dataset.len();
    if fraction == 0.0 {
        return Ok(((0..samples).collect(), Vec::new()));
    }
    let mut groups = groups(dataset);
    let counts: Vec<usize> = groups.iter().map(Vec::len).collect();
    let shares = apportion(&counts, fraction);
    let wanted = validation_count(samples, fraction);
    let validating: usize = shares.iter().sum();
    if wanted >= samples || validating == 0 {
        let message = format!(
            "data.validation_fraction is {fraction}, which leaves {} of {samples} samples for \
             training and {} for validation, expected at least one sample in each part and one \
             of each class for training, or 0 for no validation",
            samples - wanted.min(samples),
            wanted.min(validating)
        );
        return Err(DataError::options("validation_fraction", message));
    }
    let mut rng = stream(seed, "split");
    let mut train = Vec::with_capacity(samples - validating);
    let mut validation = Vec::with_capacity(validating);
    for (group, share) in groups.iter_mut().zip(shares) {
        group.shuffle(&mut rng);
        let (first, rest) = group.split_at(share);
        validation.extend_from_slice(first);
        train.extend_from_slice(rest);
    }
    train.sort_unstable();
    validation.sort_unstable();
    Ok((train, validation))
}

/// The samples of each class; for a regression one group of all.
fn groups(dataset: &Dataset) -> Vec<Vec<usize>> {
    match dataset.labels() {
        None => vec![(0..dataset.len()).collect()],
        Some(labels) => {
            let mut groups = vec![Vec::new(); dataset.outputs()];
            for (index, label) in labels.iter().enumerate() {
                groups[*label as usize].push(index);
            }
            groups
        }
    }
}

/// How many of each class validate, by largest remainders, always fewer than
/// there are.
fn apportion(counts: &[usize], fraction: f64) -> Vec<usize> {
    let most: Vec<usize> = counts.iter().map(|count| count.saturating_sub(1)).collect();
    let quota = |class: usize| counts[class] as f64 * fraction;
    let mut shares: Vec<usize> = (0..counts.len())
        .map(|class| (quota(class).floor() as usize).min(most[class]))
        .collect();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    // Stable: of equal remainders the first class wins.
    order.sort_by(|a, b| quota(*b).fract().total_cmp(&quota(*a).fract()));
    let wanted = validation_count(counts.iter().sum(), fraction);
    let mut missing = wanted.saturating_sub(shares.iter().sum());
    while missing > 0 {
        let before = missing;
        for class in &order {
            if missing > 0 && shares[*class] < most[*class] {
                shares[*class] += 1;
                missing -= 1;
            }
        }
        if missing == before {
            break;
        }
    }
    shares
}

/// The samples that stay when the classes are thinned to an exponential long
/// tail, n_k = n · r^{−k/(K−1)} for class k of K (Cui et al., 2019,
/// "Class-balanced loss based on effective number of samples"), with the
/// largest n for which every class has enough. Ascending.
///
/// # Errors
///
/// A ratio that leaves a class without samples.
pub(super) fn long_tail(dataset: &Dataset, ratio: f64, seed: u64) -> Result<Vec<usize>, DataError> {
    let mut groups = groups(dataset);
    let last = groups.len().saturating_sub(1).max(1) as f64;
    let decay = |class: usize| ratio.powf(-(class as f64) / last);
    let largest = groups
        .iter()
        .enumerate()
        .map(|(class, group)| group.len() as f64 / decay(class))
        .fold(f64::INFINITY, f64::min);
    let mut rng = stream(seed, "imbalance");
    let mut kept = Vec::new();
    for (class, group) in groups.iter_mut().enumerate() {
        let count = ((largest * decay(class)).round() as usize).min(group.len());
        if count == 0 {
            let name = &dataset.class_names()[class];
            let message = format!(
                "data.imbalance is {ratio}, which leaves no training sample of the class {name}, \
                 expected a smaller ratio or more samples"
            );
            return Err(DataError::options("imbalance", message));
        }
        group.shuffle(&mut rng);
        kept.extend_from_slice(&group[..count]);
    }
    kept.sort_unstable();
    Ok(kept)
}
