//! A place that only the newest value occupies.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::command::Origin;

/// A shared value and where it belongs.
type Placed<T> = Option<(Origin, Arc<T>)>;

/// A place for a shared value; clones share the place.
pub(super) struct Latest<T>(Arc<Mutex<Placed<T>>>);

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

    fn lock(&self) -> MutexGuard<'_, Placed<T>> {
        // Nothing that can panic runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
