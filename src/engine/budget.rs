//! How much of the training's time the measurements beside it may take.

use std::time::Duration;

/// Seconds that may be saved up for later: a longer pause does not pay for a
/// long standstill.
const SAVED: f64 = 0.1;
/// Seconds over which the share that was really spent is averaged.
const MEMORY: f64 = 2.0;

/// A purse that fills with the time that goes by, at the share that is granted,
/// and is emptied by measuring. One may always be spent from a purse that is not
/// in debt, so that in the long run the share is kept however long one
/// measurement takes. It knows no clock: it is told what passed.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    share: f64,
    purse: f64,
    /// Spent and passed lately.
    spent: f64,
    passed: f64,
}

impl Budget {
    /// An empty purse that fills at this share of the time.
    pub(super) fn new(share: f64) -> Self {
        Self {
            share,
            purse: 0.0,
            spent: 0.0,
            passed: 0.0,
        }
    }

    pub(super) fn set_share(&mut self, share: f64) {
        self.share = share.clamp(0.0, 1.0);
    }

    pub(super) fn share(&self) -> f64 {
        self.share
    }

    /// Time went by, that of measuring included.
    pub(super) fn pass(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        self.purse = (self.purse + self.share * seconds).min(self.share * SAVED);
        let fading = (1.0 - seconds / MEMORY).max(0.0);
        self.spent *= fading;
        self.passed = self.passed * fading + seconds;
    }

    /// Measuring kept the training from its work for so long.
    pub(super) fn spend(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        self.purse -= seconds;
        self.spent += seconds;
    }

    /// Whether a measurement may begin.
    pub(super) fn affords(&self) -> bool {
        self.share >= 1.0 || self.purse >= 0.0
    }

    /// Nothing trains: nothing is kept waiting, and debts are forgotten.
    pub(super) fn rest(&mut self) {
        self.purse = self.purse.max(0.0);
        (self.spent, self.passed) = (0.0, 0.0);
    }

    /// The share that was spent lately.
    pub(super) fn spent(&self) -> f64 {
        if self.passed > 0.0 {
            (self.spent / self.passed).min(1.0)
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Steps of this length with measurements that take so long, wherever the
    /// budget allows: time of training, time of measuring, measurements.
    fn train(share: f64, step: &[f64], cost: f64, steps: usize) -> (f64, f64, usize) {
        let mut budget = Budget::new(share);
        let (mut training, mut measuring, mut count) = (0.0, 0.0, 0);
        for index in 0..steps {
            if budget.affords() {
                let time = Duration::from_secs_f64(cost);
                budget.spend(time);
                budget.pass(time);
                measuring += cost;
                count += 1;
            }
            let length = step[index % step.len()];
            budget.pass(Duration::from_secs_f64(length));
            training += length;
        }
        (training, measuring, count)
    }

    #[test]
    fn a_network_that_is_small_enough_is_measured_at_every_step() {
        let (_, _, count) = train(0.3, &[1e-3], 0.4e-3, 5000);
        assert_eq!(count, 5000);
        // And any at all where everything is granted.
        let (_, _, count) = train(1.0, &[1e-5], 1.0, 100);
        assert_eq!(count, 100);
    }

    #[test]
    fn after_standing_still_a_measurement_is_due_at_once() {
        let mut budget = Budget::new(0.1);
        budget.spend(Duration::from_secs(10));
        assert!(!budget.affords());
        budget.rest();
        assert!(budget.affords());
    }

    #[test]
    fn the_share_that_is_told_is_the_one_spent() {
        let mut budget = Budget::new(0.5);
        for _ in 0..10_000 {
            budget.pass(Duration::from_millis(1));
            budget.spend(Duration::from_micros(200));
        }
        assert!((budget.spent() - 0.2).abs() < 0.01);
    }

    proptest! {
        #[test]
        fn the_share_is_never_exceeded_and_used_up_where_it_is_too_small(
            share in 0.05..0.95f64,
            step in prop::collection::vec(1e-4..2e-2f64, 1..6),
            cost in 1e-5..0.2f64,
        ) {
            let (training, measuring, count) = train(share, &step, cost, 20_000);
            // One measurement may be under way, and the first is free.
            prop_assert!(measuring <= share * (training + measuring) + cost + 1e-9);
            prop_assert!(count > 0);
            if count < 19_000 {
                prop_assert!(measuring + cost + share * SAVED >= 0.9 * share * (training + measuring));
            }
        }
    }
}
