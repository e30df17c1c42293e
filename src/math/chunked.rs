//! A list that grows without ever moving what it holds.

use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

/// Elements of a chunk that is filled one by one.
const CHUNK: usize = 4096;
/// Elements of a `Vec` that is worth a chunk of its own.
const WORTH_A_CHUNK: usize = 256;

/// A growing list in chunks. Adding an element never copies the others, as a
/// `Vec` does every time it has doubled: with millions of elements that would take
/// longer than a frame of the window. A long `Vec` is taken over as it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Vec<T>", into = "Vec<T>")]
#[serde(bound(
    serialize = "T: Clone + Serialize",
    deserialize = "T: Deserialize<'de>"
))]
pub struct Chunked<T> {
    /// Each has at least one element.
    chunks: Vec<Vec<T>>,
    /// How many elements stand before each chunk.
    starts: Vec<usize>,
}

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            starts: Vec::new(),
        }
    }
}

impl<T> Chunked<T> {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        match (self.starts.last(), self.chunks.last()) {
            (Some(start), Some(last)) => start + last.len(),
            _ => 0,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Adds an element at the end.
    pub fn push(&mut self, value: T) {
        match self.chunks.last_mut() {
            // Only a short one may move as it grows: a short list stays small.
            Some(last) if last.len() < last.capacity().max(WORTH_A_CHUNK) => last.push(value),
            None => self.add(vec![value]),
            Some(_) => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(value);
                self.add(chunk);
            }
        }
    }

    /// Adds all elements at the end. Many are not even copied.
    pub fn append(&mut self, values: Vec<T>) {
        if values.len() < WORTH_A_CHUNK {
            self.extend(values);
        } else {
            self.add(values);
        }
    }

    fn add(&mut self, chunk: Vec<T>) {
        self.starts.push(self.len());
        self.chunks.push(chunk);
    }

    /// The chunk of an element and its place in there; one that does not exist
    /// is beyond the end of its chunk.
    fn place(&self, index: usize) -> (usize, usize) {
        let chunk = self.starts.partition_point(|start| *start <= index);
        let chunk = chunk.saturating_sub(1);
        (chunk, index - self.starts.get(chunk).unwrap_or(&0))
    }

    /// The element with this number.
    pub fn get(&self, index: usize) -> Option<&T> {
        let (chunk, within) = self.place(index);
        self.chunks.get(chunk)?.get(within)
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
        let (chunk, within) = self.place(index);
        let first = self.chunks.get(chunk).and_then(|chunk| chunk.get(within..));
        let rest = self.chunks.get(chunk + 1..).unwrap_or_default();
        first
            .unwrap_or_default()
            .iter()
            .chain(rest.iter().flatten())
    }

    /// Keeps the first so many elements.
    pub fn truncate(&mut self, length: usize) {
        drop(self.split_off(length));
    }

    /// Keeps the first so many elements and gives back the others.
    pub fn split_off(&mut self, length: usize) -> Self {
        let mut rest = Self::new();
        if length >= self.len() {
            return rest;
        }
        let kept = self.starts.partition_point(|start| *start < length);
        let whole = self.chunks.split_off(kept);
        self.starts.truncate(kept);
        if let (Some(start), Some(last)) = (self.starts.last(), self.chunks.last_mut())
            && length - start < last.len()
        {
            rest.add(last.split_off(length - start));
        }
        whole.into_iter().for_each(|chunk| rest.add(chunk));
        rest
    }

    /// Forgets all elements.
    pub fn clear(&mut self) {
        self.chunks.clear();
        self.starts.clear();
    }

    /// The number of the first element for which `before` does not hold; it
    /// holds up to some element and not after it.
    pub fn partition_point(&self, before: impl Fn(&T) -> bool) -> usize {
        let chunk = self
            .chunks
            .partition_point(|chunk| chunk.last().is_some_and(&before));
        match (self.starts.get(chunk), self.chunks.get(chunk)) {
            (Some(start), Some(within)) => start + within.partition_point(before),
            _ => self.len(),
        }
    }
}

impl<T: Clone> Chunked<T> {
    /// A copy of all elements.
    pub fn to_vec(&self) -> Vec<T> {
        self.iter().cloned().collect()
    }
}

impl<T: PartialEq> PartialEq for Chunked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<T> Index<usize> for Chunked<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        let (chunk, within) = self.place(index);
        &self.chunks[chunk][within]
    }
}

impl<T> IndexMut<usize> for Chunked<T> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        let (chunk, within) = self.place(index);
        &mut self.chunks[chunk][within]
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
        fn long_and_short_vecs_follow_each_other(
            lengths in proptest::collection::vec((0..3 * WORTH_A_CHUNK, 0..3usize), 0..8),
            keep in 0..8 * WORTH_A_CHUNK,
        ) {
            let (mut list, mut vec) = (Chunked::new(), Vec::new());
            for (length, single) in lengths {
                let next: Vec<usize> = (vec.len()..vec.len() + length).collect();
                vec.extend(&next);
                list.append(next);
                for _ in 0..single {
                    list.push(vec.len());
                    vec.push(vec.len());
                }
                let cut = vec.split_off(keep.min(vec.len()));
                prop_assert_eq!(list.split_off(keep).to_vec(), cut);
                prop_assert_eq!(list.len(), vec.len());
                for index in 0..=vec.len() {
                    prop_assert_eq!(list.get(index), vec.get(index));
                    prop_assert_eq!(list.partition_point(|v| *v < index), index);
                }
                let rest: Vec<usize> = list.iter_from(keep / 2).copied().collect();
                prop_assert_eq!(&rest[..], vec.get(keep / 2..).unwrap_or_default());
                prop_assert_eq!(&list, &vec.iter().copied().collect());
            }
        }

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
    fn a_long_vec_stays_where_it_is() {
        let mut list: Chunked<usize> = (0..10).collect();
        let long = vec![7; WORTH_A_CHUNK];
        let place = long.as_ptr();
        list.append(long);
        assert!(std::ptr::eq(place, &list[10]));
        // Nor does it move for those that follow.
        list.extend(0..2 * CHUNK);
        assert!(std::ptr::eq(place, &list[10]));
    }

    #[test]
    fn files_see_a_plain_list() {
        let list: Chunked<u32> = (0..5000).collect();
        let text = serde_json::to_string(&list).unwrap();
        assert!(text.starts_with("[0,1,2,"));
        assert_eq!(serde_json::from_str::<Chunked<u32>>(&text).unwrap(), list);
    }
}
