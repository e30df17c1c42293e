//! Wakes the window when there is something to fetch, at most once between two
//! fetches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The function that wakes the window, such as `request_repaint`.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

#[derive(Clone)]
pub(super) struct Waker {
    wake: Wake,
    pending: Arc<AtomicBool>,
}

impl Waker {
    pub(super) fn new(wake: Wake) -> Self {
        Self {
            wake,
            pending: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Something is there to fetch.
    pub(super) fn notify(&self) {
        if !self.pending.swap(true, Ordering::AcqRel) {
            (self.wake)();
        }
    }

    /// Call before fetching: what comes from now on wakes again.
    pub(super) fn rearm(&self) {
        self.pending.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn wakes_once_until_rearmed() {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let waker = Waker::new(Arc::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        }));
        waker.notify();
        waker.notify();
        assert_eq!(count.load(Ordering::Relaxed), 1);
        waker.rearm();
        waker.notify();
        assert_eq!(count.load(Ordering::Relaxed), 2);
    }
}
