//! Shared arrays of numbers.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// An immutable array of numbers that clones in constant time, so that a
/// figure can share the arrays of the result it shows. Not-a-number is
/// allowed and means "no value here".
#[derive(Clone, Debug)]
pub struct Samples(Arc<[f64]>);

impl Samples {
    /// Smallest and largest finite value, or `None` where there is none.
    pub fn finite_range(&self) -> Option<(f64, f64)> {
        finite_range(self.iter().copied())
    }
}

/// Smallest and largest finite value of an iterator.
pub fn finite_range(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values
        .into_iter()
        .filter(|v| v.is_finite())
        .fold(None, |range, v| match range {
            None => Some((v, v)),
            Some((low, high)) => Some((low.min(v), high.max(v))),
        })
}

impl PartialEq for Samples {
    /// Bitwise, so that a figure with not-a-number in it equals itself.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.len() == other.len()
                && self
                    .iter()
                    .zip(other.iter())
                    .all(|(a, b)| a.to_bits() == b.to_bits()))
    }
}

impl Default for Samples {
    fn default() -> Self {
        Self(Arc::from([]))
    }
}

impl Deref for Samples {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        &self.0
    }
}

impl From<Vec<f64>> for Samples {
    fn from(values: Vec<f64>) -> Self {
        Self(values.into())
    }
}

impl From<Arc<[f64]>> for Samples {
    fn from(values: Arc<[f64]>) -> Self {
        Self(values)
    }
}

impl From<&[f64]> for Samples {
    fn from(values: &[f64]) -> Self {
        Self(values.into())
    }
}

impl From<&[f32]> for Samples {
    fn from(values: &[f32]) -> Self {
        values.iter().map(|&v| f64::from(v)).collect()
    }
}

impl From<Vec<f32>> for Samples {
    fn from(values: Vec<f32>) -> Self {
        Self::from(values.as_slice())
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl Serialize for Samples {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
