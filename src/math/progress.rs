//! How a long computation tells how far it is and learns that nobody waits for
//! it any more. It knows of no thread and no channel: whoever runs it does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The computation stopped because it was asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the computation was cancelled")]
pub struct Cancelled;

/// The two-way contract between a computation and whoever waits for it.
///
/// Both functions may be called from several threads at once, and often: they
/// must be cheap and must not block.
pub trait Progress: Sync {
    /// `done` of `total` units of work are finished (`done ≤ total`; the unit
    /// is the computation's own: products, grid points, columns). Reports of
    /// different threads may arrive out of order.
    fn report(&self, done: usize, total: usize);

    /// Whether the computation should stop as soon as it can.
    fn is_cancelled(&self) -> bool;

    /// `Err(Cancelled)` once cancellation was asked for.
    fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }
}

/// Reports nowhere and is never cancelled.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn report(&self, _done: usize, _total: usize) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}

impl Progress for () {
    fn report(&self, _done: usize, _total: usize) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}

impl<P: Progress + ?Sized> Progress for &P {
    fn report(&self, done: usize, total: usize) {
        (**self).report(done, total);
    }

    fn is_cancelled(&self) -> bool {
        (**self).is_cancelled()
    }
}

/// A flag shared by the one who may cancel and the one who should stop.
/// Clones share the flag; once set it stays set.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ask every holder of a clone to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`CancelToken::cancel`] was called on any clone.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A token alone is a progress that reports nowhere.
impl Progress for CancelToken {
    fn report(&self, _done: usize, _total: usize) {}

    fn is_cancelled(&self) -> bool {
        Self::is_cancelled(self)
    }
}

/// A token together with a function that is told how far the work is.
pub struct Reporting<F> {
    token: CancelToken,
    report: F,
}

impl<F: Fn(usize, usize) + Sync> Reporting<F> {
    /// Calls `report(done, total)`; stops when `token` is cancelled.
    pub fn new(token: CancelToken, report: F) -> Self {
        Self { token, report }
    }
}

impl<F: Fn(usize, usize) + Sync> Progress for Reporting<F> {
    fn report(&self, done: usize, total: usize) {
        (self.report)(done, total);
    }

    fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }
}

/// A part of a larger piece of work that counts units of its own: its beginning
/// and end are shares of the whole.
pub struct Part<'a> {
    whole: &'a dyn Progress,
    from: f64,
    to: f64,
}

impl<'a> Part<'a> {
    /// The part of `whole` from the share `from` to the share `to`.
    pub fn new(whole: &'a dyn Progress, from: f64, to: f64) -> Self {
        Self { whole, from, to }
    }
}

impl Progress for Part<'_> {
    fn report(&self, done: usize, total: usize) {
        const FINE: f64 = 1000.0;
        let fraction = done as f64 / total.max(1) as f64;
        let reached = self.from + (self.to - self.from) * fraction;
        self.whole.report((reached * FINE) as usize, FINE as usize);
    }

    fn is_cancelled(&self) -> bool {
        self.whole.is_cancelled()
    }
}

/// A part of a larger piece of work in the same units, which counts from zero.
pub struct Offset<'a> {
    whole: &'a dyn Progress,
    before: usize,
    total: usize,
}

impl<'a> Offset<'a> {
    /// The part of `whole` that begins when `before` of `total` units are done.
    pub fn new(whole: &'a dyn Progress, before: usize, total: usize) -> Self {
        Self {
            whole,
            before,
            total,
        }
    }
}

impl Progress for Offset<'_> {
    fn report(&self, done: usize, _total: usize) {
        self.whole.report(self.before + done, self.total);
    }

    fn is_cancelled(&self) -> bool {
        self.whole.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn parts_count_on_and_are_cancelled_with_the_whole() {
        let seen = AtomicUsize::new(0);
        let token = CancelToken::new();
        let whole = Reporting::new(token.clone(), |done, total| {
            seen.store(10_000 * done + total, Ordering::Relaxed);
        });
        let part = Part::new(&whole, 0.25, 0.75);
        part.report(1, 2);
        assert_eq!(seen.load(Ordering::Relaxed), 10_000 * 500 + 1000);
        let offset = Offset::new(&whole, 7, 40);
        offset.report(3, 5);
        assert_eq!(seen.load(Ordering::Relaxed), 10_000 * 10 + 40);
        token.cancel();
        assert!(part.is_cancelled() && offset.is_cancelled());
    }

    #[test]
    fn clones_share_the_flag() {
        let token = CancelToken::new();
        let clone = token.clone();
        assert!(clone.check().is_ok());
        token.cancel();
        assert!(clone.is_cancelled());
        assert_eq!(clone.check(), Err(Cancelled));
    }

    #[test]
    fn reporting_passes_the_numbers_on() {
        let seen = AtomicUsize::new(0);
        let token = CancelToken::new();
        let progress = Reporting::new(token.clone(), |done, total| {
            seen.store(10 * done + total, Ordering::Relaxed);
        });
        progress.report(3, 4);
        assert_eq!(seen.load(Ordering::Relaxed), 34);
        assert!(!progress.is_cancelled());
        token.cancel();
        assert!(progress.is_cancelled());
    }
}
