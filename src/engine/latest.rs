//! A place that only the newest value occupies.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::command::Origin;

/// A place for a shared value and where it belongs; clones share the place.
pub(super) struct Latest<T>(Arc<Mutex<Option<(Origin, Arc<T>)>>>);

impl<T> Clone for Latest<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Latest<T> {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(None)))
    }

    /// Replaces whatever is there.
    pub(super) fn put(&self, origin: Origin, value: Arc<T>) {
        *self.lock() = Some((origin, value));
    }

    pub(super) fn clear(&self) {
        *self.lock() = None;
    }

    /// The value, if it belongs to this origin.
    pub(super) fn get(&self, origin: Origin) -> Option<Arc<T>> {
        self.lock()
            .as_ref()
            .filter(|(place, _)| *place == origin)
            .map(|(_, value)| Arc::clone(value))
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Origin, Arc<T>)>> {
        // Nothing that can panic runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
