//! The Hessians of mini-batches: how far their extremes lie from those of the
//! whole training set (Granziol, Zohren and Roberts 2020).

use rand::seq::SliceRandom as _;
use serde::{Deserialize, Serialize};

use crate::curvature::{EigenvalueEstimate, ExtremalOptions, top_eigenvalues};
use crate::engine::job::JobError;
use crate::math::rng::stream;
use crate::math::{MathError, Progress, floats, statistics};
use crate::objective::Objective;
use crate::train::Setup;

use super::Silent;

/// How many times as many batches of small sizes are measured at most.
const SMALL: usize = 16;

/// Which batches are measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchSettings {
    /// Random batches of every size; of small sizes, which vary most and cost
    /// least, up to sixteen times as many, as long as all are disjoint.
    pub batches: usize,
    /// Source of the batches.
    pub seed: u64,
    /// An eigenvalue's residual as a share of it that is good enough.
    pub tolerance: f64,
}

/// Mean and standard deviation over batches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation between batches (divided by their number less
    /// one); not-a-number for a single batch.
    #[serde(with = "floats::cell")]
    pub deviation: f64,
}

/// The ends of the Hessian of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchEnds {
    /// λ₁.
    pub largest: EigenvalueEstimate,
    /// λ_min.
    pub smallest: EigenvalueEstimate,
}

/// The batches of one size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchExtremes {
    /// Samples in a batch.
    pub size: usize,
    /// λ₁ over the batches.
    pub largest: Spread,
    /// λ_min over the batches.
    pub smallest: Spread,
    /// Every batch.
    pub batches: Vec<BatchEnds>,
}

/// The sizes 1, 2, 4, … below n, and n.
pub fn batch_sizes(n: usize) -> Vec<usize> {
    let powers = std::iter::successors(Some(1usize), |size| size.checked_mul(2));
    let mut sizes: Vec<usize> = powers.take_while(|size| *size < n).collect();
    sizes.push(n);
    sizes
}

/// λ₁ and λ_min of the Hessian of the mean loss of a batch against its size, for
/// B = 1, 2, 4, …, n; from the whole set, which is one batch, to single samples.
/// `on_part` gets what is known after each size (by rising size).
///
/// Batches of one size are disjoint as long as the samples last, and larger
/// ones are made of smaller ones. λ₁ is convex and the Hessian of a batch is the
/// mean of those of its parts: over a partition of all samples the mean of λ₁
/// falls with B, that of λ_min rises.
///
/// # Errors
/// [`JobError`].
pub fn batches(
    setup: &Setup,
    theta: &[f64],
    settings: &BatchSettings,
    progress: &dyn Progress,
    on_part: &mut dyn FnMut(&[BatchExtremes]),
) -> Result<Vec<BatchExtremes>, JobError> {
    let train = &setup.data.train;
    let n = train.len();
    let sizes = batch_sizes(n);
    let count = |size: usize| {
        if size == n {
            1
        } else {
            let least = settings.batches.max(1);
            least.max((n / size).min(SMALL * least))
        }
    };
    // The work grows with the samples; a batch has some work of its own.
    let work = |size: usize| count(size) * (size + 16);
    let total: usize = sizes.iter().map(|size| work(*size)).sum();
    let mut random = stream(settings.seed, "batch curvature");
    let mut orders: Vec<Vec<usize>> = Vec::new();
    let options = ExtremalOptions {
        largest: 1,
        smallest: 1,
        tolerance: settings.tolerance,
        ..ExtremalOptions::default()
    };
    let mut found: Vec<BatchExtremes> = Vec::new();
    let mut done = 0;
    for size in sizes.into_iter().rev() {
        let parts = n / size;
        let mut ends = Vec::with_capacity(count(size));
        for k in 0..count(size) {
            progress.check().map_err(MathError::from)?;
            while orders.len() <= k / parts {
                let mut order: Vec<usize> = (0..n).collect();
                order.shuffle(&mut random);
                orders.push(order);
            }
            let from = (k % parts) * size;
            let mut members = orders[k / parts][from..from + size].to_vec();
            members.sort_unstable();
            let (network, loss) = (setup.network.clone(), setup.loss.clone());
            let objective = Objective::<f64>::new(network, loss, &train.subset(&members))
                .map_err(|error| JobError::Failed(error.to_string()))?;
            let hessian = objective.hessian(theta);
            let mut start = stream(settings.seed, "batch start");
            let top = top_eigenvalues(&hessian, &options, &[], &mut start, &Silent(progress))?;
            if let (Some(largest), Some(smallest)) = (top.eigenvalues.first(), top.smallest.first())
            {
                ends.push(BatchEnds {
                    largest: *largest,
                    smallest: *smallest,
                });
            }
            done += size + 16;
            progress.report(done.min(total), total);
        }
        let spread = |of: fn(&BatchEnds) -> f64| {
            let values: Vec<f64> = ends.iter().map(of).collect();
            Spread {
                mean: statistics::mean(&values),
                deviation: statistics::variance(&values).sqrt(),
            }
        };
        found.insert(
            0,
            BatchExtremes {
                size,
                largest: spread(|ends| ends.largest.value),
                smallest: spread(|ends| ends.smallest.value),
                batches: ends,
            },
        );
        if size > 1 {
            on_part(&found);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::curvature::exact_spectrum;
    use crate::math::vector::to_f64;
    use crate::train::testing::recipe;
    use crate::train::{Run, StepOutcome};

    #[test]
    fn extremes_widen_as_batches_shrink() {
        assert_eq!(batch_sizes(1), [1]);
        assert_eq!(batch_sizes(8), [1, 2, 4, 8]);
        assert_eq!(batch_sizes(11), [1, 2, 4, 8, 11]);
        let mut recipe = recipe();
        recipe.training.set("validation_fraction", 0.0);
        recipe.data.set("validation_fraction", 0.0);
        recipe.data.set("samples", 32);
        recipe.model.set("hidden", vec![4i64]);
        let mut run = Run::new(&recipe, Path::new(".")).unwrap();
        while run.step().unwrap() == StepOutcome::Trained {}
        let (setup, theta) = (run.setup(), to_f64(run.parameters()));
        assert_eq!(setup.data.train.len(), 32);
        // So many batches that those of every size are all samples.
        let settings = BatchSettings {
            batches: 32,
            seed: 0,
            tolerance: 1e-7,
        };
        let mut parts = Vec::new();
        let found = batches(setup, &theta, &settings, &(), &mut |part| {
            parts.push(part.len());
        })
        .unwrap();
        assert_eq!(parts, [1, 2, 3, 4, 5]);
        assert_eq!(found.len(), 6);
        // The batch of all samples is the whole Hessian.
        let hessian = setup.training_double().unwrap().hessian(&theta);
        let exact = exact_spectrum(&hessian, &()).unwrap();
        let whole = &found[5];
        let n = exact.eigenvalues.len();
        assert_eq!((whole.size, whole.batches.len()), (32, 1));
        assert!((whole.largest.mean - exact.eigenvalues[0]).abs() < 1e-9);
        assert!((whole.smallest.mean - exact.eigenvalues[n - 1]).abs() < 1e-6);
        assert!(whole.largest.deviation.is_nan());
        // Jensen: single samples (all of them, once) lie widest.
        assert_eq!(found[0].batches.len(), 32);
        assert!(found[0].largest.mean > whole.largest.mean);
        assert!(found[0].smallest.mean < whole.smallest.mean);
        assert!(found[0].largest.mean > 1.2 * found[4].largest.mean);
        assert!(found[1].largest.mean > found[5].largest.mean);
    }
}
