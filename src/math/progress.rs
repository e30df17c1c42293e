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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

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
