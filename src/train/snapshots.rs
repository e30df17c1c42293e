//! Snapshots of the flat parameter vector under a memory limit: dense early,
//! thinner later, the first and the last always there.

use std::sync::Arc;

use super::optimizers::OptimizerState;

/// The parameters after so many steps. They are shared and never change.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Updates done.
    pub step: u64,
    /// The flat parameter vector, in the layout's order.
    pub theta: Arc<[f32]>,
    /// What the optimizer remembered, where training can go on from here.
    pub optimizer: Option<Arc<OptimizerState<f32>>>,
}

impl Snapshot {
    /// Memory of the vectors, in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.theta[..]) + self.optimizer.as_ref().map_or(0, |state| state.bytes())
    }
}

/// Snapshots per doubling of the step count, before memory runs short.
const DENSITY: u64 = 128;

/// The snapshots of a run.
///
/// With density d every one of the first 2d steps is kept, then every second
/// one up to 4d, every fourth up to 8d, and so on. Whenever the memory limit is
/// passed the density is halved, which thins all ages alike: what is kept under
/// half the density was kept under the full one.
#[derive(Clone, Debug)]
pub struct Snapshots {
    kept: Vec<Arc<Snapshot>>,
    density: u64,
    limit: usize,
    bytes: usize,
}

impl Snapshots {
    /// No snapshots yet; at most `limit` bytes of vectors, apart from the first
    /// and the last.
    pub fn new(limit: usize) -> Self {
        Self {
            kept: Vec::new(),
            density: DENSITY,
            limit,
            bytes: 0,
        }
    }

    /// Whether the policy keeps a snapshot of this step.
    pub fn wants(&self, step: u64) -> bool {
        step == 0 || wants(self.density, step)
    }

    /// Adds a snapshot of a later step than all before (others are ignored). It
    /// stays as long as it is the last, and after that if the policy keeps its
    /// step.
    pub fn push(&mut self, snapshot: Arc<Snapshot>) {
        match self.kept.last() {
            Some(last) if last.step >= snapshot.step => return,
            // The first one stays, at whatever step.
            Some(last) if self.kept.len() > 1 && !wants(self.density, last.step) => {
                self.bytes -= last.bytes();
                self.kept.pop();
            }
            _ => {}
        }
        self.bytes += snapshot.bytes();
        self.kept.push(snapshot);
        self.thin_to_limit();
    }

    /// Holds at most `limit` bytes from now on.
    pub fn limit_to(&mut self, limit: usize) {
        self.limit = limit;
        self.thin_to_limit();
    }

    /// Snapshots that were kept before, by rising step, as they are: none is
    /// thinned out.
    pub fn restored(kept: Vec<Arc<Snapshot>>) -> Self {
        Self {
            bytes: kept.iter().map(|snapshot| snapshot.bytes()).sum(),
            kept,
            density: DENSITY,
            limit: usize::MAX,
        }
    }

    fn thin_to_limit(&mut self) {
        while self.bytes > self.limit && self.kept.len() > 2 {
            self.density /= 2;
            self.thin();
        }
    }

    fn thin(&mut self) {
        let first = self.kept.first().map(|snapshot| snapshot.step);
        let last = self.kept.last().map(|snapshot| snapshot.step);
        let density = self.density;
        self.kept.retain(|snapshot| {
            Some(snapshot.step) == first
                || Some(snapshot.step) == last
                || wants(density, snapshot.step)
        });
        self.bytes = self.kept.iter().map(|snapshot| snapshot.bytes()).sum();
    }

    /// All of them, by rising step.
    pub fn all(&self) -> &[Arc<Snapshot>] {
        &self.kept
    }

    /// The first one.
    pub fn first(&self) -> Option<&Arc<Snapshot>> {
        self.kept.first()
    }

    /// The last one.
    pub fn last(&self) -> Option<&Arc<Snapshot>> {
        self.kept.last()
    }

    /// The newest one at or before this step.
    pub fn at_or_before(&self, step: u64) -> Option<&Arc<Snapshot>> {
        let after = self.kept.partition_point(|snapshot| snapshot.step <= step);
        after.checked_sub(1).and_then(|index| self.kept.get(index))
    }

    /// The one nearest to this step.
    pub fn nearest(&self, step: u64) -> Option<&Arc<Snapshot>> {
        self.kept
            .iter()
            .min_by_key(|snapshot| snapshot.step.abs_diff(step))
    }

    /// Forgets all after this step.
    pub fn truncate_after(&mut self, step: u64) {
        self.kept.retain(|snapshot| snapshot.step <= step);
        self.bytes = self.kept.iter().map(|snapshot| snapshot.bytes()).sum();
    }

    /// Memory of the vectors, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Whether this density keeps `step`: the spacing is the power of two at or
/// below step/density, and at least one.
fn wants(density: u64, step: u64) -> bool {
    density > 0 && step.is_multiple_of(1 << (step / density).max(1).ilog2())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn snapshot(step: u64, dim: usize) -> Arc<Snapshot> {
        Arc::new(Snapshot {
            step,
            theta: vec![step as f32; dim].into(),
            optimizer: None,
        })
    }

    fn steps(snapshots: &Snapshots) -> Vec<u64> {
        snapshots.all().iter().map(|kept| kept.step).collect()
    }

    #[test]
    fn early_steps_are_all_kept_and_later_ones_ever_fewer() {
        let mut snapshots = Snapshots::new(usize::MAX);
        for step in 0..=10_000 {
            if snapshots.wants(step) {
                snapshots.push(snapshot(step, 1));
            }
        }
        let kept = steps(&snapshots);
        assert_eq!(&kept[..256], (0..256).collect::<Vec<_>>());
        let between = |low: u64, high: u64| {
            kept.iter()
                .filter(|step| (low..high).contains(step))
                .count()
        };
        assert_eq!(between(256, 512), 128);
        assert_eq!(between(512, 1024), 128);
        assert_eq!(between(4096, 8192), 128);
    }

    #[test]
    fn the_nearest_and_the_one_before_are_found() {
        let mut snapshots = Snapshots::new(usize::MAX);
        for step in [0, 2, 10] {
            snapshots.push(snapshot(step, 1));
        }
        assert_eq!(snapshots.at_or_before(9).unwrap().step, 2);
        assert_eq!(snapshots.at_or_before(10).unwrap().step, 10);
        assert_eq!(snapshots.nearest(7).unwrap().step, 10);
        snapshots.truncate_after(5);
        assert_eq!(steps(&snapshots), [0, 2]);
        assert!(Snapshots::new(1).nearest(3).is_none());
    }

    proptest! {
        #[test]
        fn halving_the_density_only_takes_away(step in 1u64..1_000_000, exponent in 0u32..8) {
            let density = 1u64 << exponent;
            prop_assert!(!wants(density / 2, step) || wants(density, step));
        }

        #[test]
        fn first_and_last_stay_and_memory_stays_within_the_limit(
            total in 1u64..3000,
            dim in 1usize..40,
            limit in 0usize..20_000,
            forced in prop::collection::vec(0u64..3000, 0..5),
        ) {
            let mut snapshots = Snapshots::new(limit);
            for step in 0..=total {
                if snapshots.wants(step) || forced.contains(&step) || step == total {
                    snapshots.push(snapshot(step, dim));
                    prop_assert_eq!(snapshots.first().unwrap().step, 0);
                    prop_assert_eq!(snapshots.last().unwrap().step, step);
                    prop_assert!(snapshots.bytes() <= limit || snapshots.all().len() <= 2);
                }
            }
            let kept = steps(&snapshots);
            prop_assert!(kept.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert_eq!(*kept.last().unwrap(), total);
            // No forced snapshot outlives its time as the last one.
            for step in &kept[1..kept.len() - 1] {
                prop_assert!(snapshots.wants(*step));
            }
            let bytes: usize = snapshots.all().iter().map(|kept| kept.bytes()).sum();
            prop_assert_eq!(bytes, snapshots.bytes());
        }
    }
}
