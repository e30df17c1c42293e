//! A list that grows without ever moving what it holds.

use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

/// Elements of a chunk.
const CHUNK: usize = 4096;

/// A growing list in chunks of equal length. Adding an element never copies the
/// others, as a `Vec` does every time it has doubled: with millions of elements
/// that would take longer than a frame of the window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<T>", into = "Vec<T>")]
#[serde(bound(
    serialize = "T: Clone + Serialize",
    deserialize = "T: Deserialize<'de>"
))]
pub struct Chunked<T> {
    /// All full but the last one, which has at least one element.
    chunks: Vec<Vec<T>>,
}

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T> Chunked<T> {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        let full = self.chunks.len().saturating_sub(1) * CHUNK;
        full + self.chunks.last().map_or(0, Vec::len)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Adds an element at the end.
    pub fn push(&mut self, value: T) {
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => last.push(value),
            _ => {
                // A short list stays small, a long one is filled anyway.
                let room = if self.chunks.is_empty() { 16 } else { CHUNK };
                let mut chunk = Vec::with_capacity(room);
                chunk.push(value);
                self.chunks.push(chunk);
            }
        }
    }

    /// The element with this number.
    pub fn get(&self, index: usize) -> Option<&T> {
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }

    /// The first element.
    pub fn first(&self) -> Option<&T> {
        self.get(0)
    }

    /// The last element.
    pub fn last(&self) -> Option<&T> {
        self.chunks.last()?.last()
    }

    /// All elements, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.chunks.iter().flatten()
    }

    /// The elements from this number on.
    pub fn iter_from(&self, index: usize) -> impl Iterator<Item = &T> {
        let (chunk, within) = (index / CHUNK, index % CHUNK);
        let first = self.chunks.get(chunk).and_then(|chunk| chunk.get(within..));
        let rest = self.chunks.get(chunk + 1..).unwrap_or_default();
        first
            .unwrap_or_default()
            .iter()
            .chain(rest.iter().flatten())
    }

    /// Keeps the first so many elements.
    pub fn truncate(&mut self, length: usize) {
        if length >= self.len() {
            return;
        }
        self.chunks.truncate(length.div_ceil(CHUNK));
        if let Some(last) = self.chunks.last_mut() {
            // Between one and all of its elements.
            last.truncate((length - 1) % CHUNK + 1);
        }
    }

    /// Forgets all elements.
    pub fn clear(&mut self) {
        self.chunks.clear();
    }

    /// The number of the first element for which `before` does not hold; it
    /// holds up to some element and not after it.
    pub fn partition_point(&self, before: impl Fn(&T) -> bool) -> usize {
        let chunk = self
            .chunks
            .partition_point(|chunk| chunk.last().is_some_and(&before));
        let within = self.chunks.get(chunk);
        match within {
            Some(within) => chunk * CHUNK + within.partition_point(before),
            None => self.len(),
        }
    }
}

impl<T: Clone> Chunked<T> {
    /// A copy of all elements.
    pub fn to_vec(&self) -> Vec<T> {
        self.iter().cloned().collect()
    }
}

impl<T> Index<usize> for Chunked<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        &self.chunks[index / CHUNK][index % CHUNK]
    }
}

impl<T> IndexMut<usize> for Chunked<T> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        &mut self.chunks[index / CHUNK][index % CHUNK]
    }
}

impl<T> Extend<T> for Chunked<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.push(value));
    }
}

impl<T> FromIterator<T> for Chunked<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut list = Self::new();
        list.extend(values);
        list
    }
}

impl<T> From<Vec<T>> for Chunked<T> {
    fn from(values: Vec<T>) -> Self {
        values.into_iter().collect()
    }
}

impl<T: Clone> From<Chunked<T>> for Vec<T> {
    fn from(list: Chunked<T>) -> Self {
        list.chunks.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_list_in_chunks_is_a_list(
            length in 0..3 * CHUNK + 5,
            keep in 0..4 * CHUNK,
            from in 0..4 * CHUNK,
        ) {
            let mut vec: Vec<usize> = (0..length).map(|i| 2 * i).collect();
            let mut list = Chunked::from(vec.clone());
            for _ in 0..2 {
                prop_assert_eq!(list.len(), vec.len());
                prop_assert_eq!(list.is_empty(), vec.is_empty());
                prop_assert_eq!(list.to_vec(), vec.clone());
                prop_assert_eq!((list.first(), list.last()), (vec.first(), vec.last()));
                prop_assert_eq!(list.get(from), vec.get(from));
                let rest: Vec<usize> = list.iter_from(from).copied().collect();
                prop_assert_eq!(&rest[..], vec.get(from..).unwrap_or_default());
                prop_assert_eq!(
                    list.partition_point(|v| *v < from),
                    vec.partition_point(|v| *v < from)
                );
                list.truncate(keep);
                vec.truncate(keep);
                // Larger than all: what it is looked up by must never fall.
                list.push(10 * CHUNK);
                vec.push(10 * CHUNK);
                if let Some(last) = vec.len().checked_sub(1) {
                    list[last] += 1;
                    vec[last] += 1;
                    prop_assert_eq!(list[last], vec[last]);
                }
                prop_assert_eq!(&list, &Chunked::from(vec.clone()));
            }
        }
    }

    #[test]
    fn files_see_a_plain_list() {
        let list: Chunked<u32> = (0..5000).collect();
        let text = serde_json::to_string(&list).unwrap();
        assert!(text.starts_with("[0,1,2,"));
        assert_eq!(serde_json::from_str::<Chunked<u32>>(&text).unwrap(), list);
    }
}
