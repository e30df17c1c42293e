//! Which samples make up which batch.

use rand::seq::SliceRandom as _;

use crate::math::rng;

/// The batches of a run: every epoch goes once through the training set in a
/// new random order, and its last batch may be short. The order of an epoch
/// depends on the seed and the epoch's number alone, so that a run can be taken
/// up anywhere.
pub(super) struct Batches {
    seed: u64,
    size: usize,
    order: Vec<usize>,
    /// The epoch whose order is in `order`; none for full batch, where it is
    /// the data's own.
    epoch: Option<u64>,
}

impl Batches {
    /// Batches of `size` of `samples` samples; 0 means all of them.
    pub(super) fn new(seed: u64, samples: usize, size: usize) -> Self {
        let size = if size == 0 {
            samples
        } else {
            size.min(samples)
        };
        Self {
            seed,
            size: size.max(1),
            order: (0..samples).collect(),
            epoch: None,
        }
    }

    /// Samples in a batch that is not a short one.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Whether every batch is the whole training set.
    pub(super) fn is_full(&self) -> bool {
        self.size >= self.order.len()
    }

    /// Batches in an epoch.
    pub(super) fn per_epoch(&self) -> u64 {
        self.order.len().div_ceil(self.size).max(1) as u64
    }

    /// The samples of the batch that the update from `step` to `step + 1` uses.
    pub(super) fn batch(&mut self, step: u64) -> &[usize] {
        if self.is_full() {
            return &self.order;
        }
        let epoch = step / self.per_epoch();
        if self.epoch != Some(epoch) {
            let mut random = rng::stream(self.seed, "batches");
            random.set_stream(epoch);
            for (index, sample) in self.order.iter_mut().enumerate() {
                *sample = index;
            }
            self.order.shuffle(&mut random);
            self.epoch = Some(epoch);
        }
        let start = (step % self.per_epoch()) as usize * self.size;
        let end = (start + self.size).min(self.order.len());
        &self.order[start..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_holds_every_sample_once() {
        let mut batches = Batches::new(3, 10, 4);
        assert_eq!(batches.per_epoch(), 3);
        for epoch in 0..3 {
            let mut seen: Vec<usize> = Vec::new();
            for step in 0..3 {
                let batch = batches.batch(3 * epoch + step);
                assert_eq!(batch.len(), if step == 2 { 2 } else { 4 });
                seen.extend(batch);
            }
            seen.sort_unstable();
            assert_eq!(seen, (0..10).collect::<Vec<_>>());
        }
    }

    #[test]
    fn batches_can_be_taken_up_anywhere_and_epochs_differ() {
        let mut forward = Batches::new(0, 100, 7);
        let all: Vec<Vec<usize>> = (0..60).map(|s| forward.batch(s).to_vec()).collect();
        let mut other = Batches::new(0, 100, 7);
        for step in [59, 3, 30, 0] {
            assert_eq!(other.batch(step), all[step as usize]);
        }
        assert_ne!(all[0], all[15]);
        assert_ne!(Batches::new(1, 100, 7).batch(0), all[0]);
    }

    #[test]
    fn full_batch_keeps_the_order_of_the_data() {
        for size in [0, 5, 9] {
            let mut batches = Batches::new(0, 5, size);
            assert!(batches.is_full());
            assert_eq!(batches.batch(7), [0, 1, 2, 3, 4]);
            assert_eq!(batches.per_epoch(), 1);
        }
    }
}
