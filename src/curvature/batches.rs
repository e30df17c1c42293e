//! The mini-batches over which the batch sharpness is a mean.

use std::sync::Arc;

use crate::math::rng::stream;
use crate::objective::Objective;
use crate::train::{RunError, Setup};

/// How many mini-batches the batch sharpness is a mean over where nothing else
/// is asked for.
pub const SHARPNESS_BATCHES: usize = 16;

/// So many mini-batches of the run's size, each drawn from the training set
/// without putting back. They follow from the recipe's seed alone, and fewer of
/// them are the first of more: whoever asks looks at the same ones.
///
/// # Errors
/// [`RunError::Model`] where loss and data do not belong together.
pub fn sharpness_batches(setup: &Setup, count: usize) -> Result<Vec<Objective<f64>>, RunError> {
    let mut random = stream(setup.recipe.seed, "sharpness batches");
    let train = &setup.data.train;
    let size = setup.batch_size.min(train.len());
    (0..count)
        .map(|_| {
            let mut members = rand::seq::index::sample(&mut random, train.len(), size).into_vec();
            members.sort_unstable();
            let (network, loss) = (Arc::clone(&setup.network), Arc::clone(&setup.loss));
            Objective::new(network, loss, &train.subset(&members))
                .map_err(|error| RunError::Model(error.to_string()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::train::testing::recipe;

    #[test]
    fn fewer_batches_are_the_first_of_more() {
        let setup = Setup::new(recipe().into(), Path::new(".")).unwrap();
        let theta = crate::math::vector::to_f64(&setup.initial.theta);
        let losses = |count: usize| -> Vec<f64> {
            let batches = sharpness_batches(&setup, count).unwrap();
            assert!(batches.iter().all(|batch| batch.len() == 16));
            batches
                .iter()
                .map(|batch| batch.loss(&theta, &mut batch.workspace()))
                .collect()
        };
        let (few, many) = (losses(3), losses(5));
        assert_eq!(few, many[..3]);
        assert!(many.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
