//! The arithmetic of the layers, on plain slices, for f32 and f64.
//!
//! Both the candle graph that trains and the direct objective of the analyses
//! use these kernels; none of them allocates, and all are single-threaded.
//!
//! A value of n samples lies *channel by channel*: element (channel c, sample
//! s, position p) at `(c·n + s)·plane + p`. A vector has as many channels as
//! features and a plane of 1, so its features are rows and its samples columns.
//! Samples are then contiguous in every product, whatever the layer's width,
//! and a convolution is one product for all samples.

pub mod conv;
pub mod dense;
pub mod elementwise;
pub mod layer_norm;
pub mod matrix;
pub mod pool;
pub mod scalar;
pub mod simd;
pub mod tile;
pub mod vector;

#[cfg(test)]
mod accuracy_tests;
#[cfg(test)]
mod tests;

pub use matrix::{Matrix, Write};
pub use scalar::Scalar;

use crate::data::InputShape;

/// Channels and positions per channel of a value: (features, 1) for a vector,
/// (channels, height·width) for an image.
pub fn channels_and_plane(shape: &InputShape) -> (usize, usize) {
    match *shape {
        InputShape::Vector(features) => (features, 1),
        InputShape::Image {
            channels,
            height,
            width,
        } => (channels, height * width),
    }
}

/// A value that a layer reads, either channel by channel (the layers' own
/// order) or sample by sample (the order of a data set).
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    /// The numbers.
    pub data: &'a [T],
    /// Number of samples.
    pub samples: usize,
    /// Distance from one channel to the next.
    pub channel_stride: usize,
    /// Distance from one sample to the next.
    pub sample_stride: usize,
}

impl<'a, T> View<'a, T> {
    /// A value in the layers' own order.
    pub fn by_channel(data: &'a [T], samples: usize, plane: usize) -> Self {
        Self {
            data,
            samples,
            channel_stride: samples * plane,
            sample_stride: plane,
        }
    }

    /// At most `count` samples from `start` on.
    fn part(self, start: usize, count: usize) -> Self {
        Self {
            data: &self.data[start * self.sample_stride..],
            samples: count.min(self.samples - start),
            ..self
        }
    }

    /// Rows of a data set, one sample each.
    pub fn by_sample(data: &'a [T], samples: usize, channels: usize, plane: usize) -> Self {
        Self {
            data,
            samples,
            channel_stride: plane,
            sample_stride: channels * plane,
        }
    }
}

/// Reorders rows of a data set, one sample each, channel by channel.
pub fn to_channels<T: Copy>(
    rows: &[T],
    samples: usize,
    channels: usize,
    plane: usize,
    out: &mut [T],
) {
    for (s, row) in rows
        .chunks_exact(channels * plane)
        .take(samples)
        .enumerate()
    {
        for (c, values) in row.chunks_exact(plane).enumerate() {
            let start = (c * samples + s) * plane;
            out[start..start + plane].copy_from_slice(values);
        }
    }
}

/// The way back from [`to_channels`].
pub fn to_samples<T: Copy>(
    values: &[T],
    samples: usize,
    channels: usize,
    plane: usize,
    out: &mut [T],
) {
    for (s, row) in out
        .chunks_exact_mut(channels * plane)
        .take(samples)
        .enumerate()
    {
        for (c, row) in row.chunks_exact_mut(plane).enumerate() {
            let start = (c * samples + s) * plane;
            row.copy_from_slice(&values[start..start + plane]);
        }
    }
}

/// Flattens images to vectors: (c, s, p) → (c·plane + p, s).
pub fn flatten<T: Scalar>(x: &[T], samples: usize, plane: usize, write: Write, out: &mut [T]) {
    for (image, rows) in x
        .chunks_exact(samples * plane)
        .zip(out.chunks_exact_mut(samples * plane))
    {
        transpose(image, samples, plane, write, rows);
    }
}

/// The way back from [`flatten`].
pub fn unflatten<T: Scalar>(x: &[T], samples: usize, plane: usize, write: Write, out: &mut [T]) {
    for (rows, image) in x
        .chunks_exact(samples * plane)
        .zip(out.chunks_exact_mut(samples * plane))
    {
        transpose(rows, plane, samples, write, image);
    }
}

/// `out` (columns×rows) ← or += `x`ᵀ (rows×columns).
fn transpose<T: Scalar>(x: &[T], rows: usize, columns: usize, write: Write, out: &mut [T]) {
    for (r, row) in x.chunks_exact(columns).take(rows).enumerate() {
        for (c, value) in row.iter().enumerate() {
            let out = &mut out[c * rows + r];
            *out = match write {
                Write::Overwrite => *value,
                Write::Accumulate => *out + *value,
            };
        }
    }
}
