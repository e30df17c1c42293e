//! A data set, cut into blocks in the order that the kernels read.

use super::ObjectiveError;
use super::pass::{Block, Real};
use super::plan::Plan;
use crate::data::{Dataset, Targets};
use crate::nn::kernels::{channels_and_plane, to_channels};
use crate::nn::losses::TargetSlice;
use crate::nn::network::Network;

/// The samples of an objective.
#[derive(Debug)]
pub(super) struct Samples<T> {
    inputs: Vec<T>,
    targets: Owned<T>,
    count: usize,
    block: usize,
    input_len: usize,
}

#[derive(Debug)]
enum Owned<T> {
    Classes(Vec<u32>),
    Values { values: Vec<T>, dims: usize },
}

impl<T: Real> Samples<T> {
    pub fn new(network: &Network, data: &Dataset, block: usize) -> Result<Self, ObjectiveError> {
        let count = data.len();
        if count == 0 {
            return Err(ObjectiveError::Empty);
        }
        let input_len = network.input_shape().len();
        if data.inputs.len() != count * input_len {
            return Err(ObjectiveError::Inputs {
                found: data.inputs.len() / count,
                expected: input_len,
            });
        }
        let rows: Vec<T> = data.inputs.iter().map(|x| T::from_f64(*x)).collect();
        let mut inputs = vec![T::ZERO; rows.len()];
        for (rows, inputs) in rows
            .chunks(block * input_len)
            .zip(inputs.chunks_mut(block * input_len))
        {
            arrange(network, rows, rows.len() / input_len, inputs);
        }
        let targets = match &data.targets {
            Targets::Classes { labels, names } => {
                let classes = names.len();
                if let Some(found) = labels.iter().find(|label| **label as usize >= classes) {
                    return Err(ObjectiveError::Class {
                        found: *found,
                        classes,
                    });
                }
                Owned::Classes(labels.clone())
            }
            Targets::Values { values, dims } => {
                let rows: Vec<T> = values.iter().map(|y| T::from_f64(*y)).collect();
                let mut values = vec![T::ZERO; rows.len()];
                for (rows, values) in rows
                    .chunks(block * dims)
                    .zip(values.chunks_mut(block * dims))
                {
                    to_channels(rows, rows.len() / dims, *dims, 1, values);
                }
                Owned::Values {
                    values,
                    dims: *dims,
                }
            }
        };
        Ok(Self {
            inputs,
            targets,
            count,
            block,
            input_len,
        })
    }

    /// The network and one block.
    pub fn block<'a>(&'a self, network: &'a Network, plan: &'a Plan, index: usize) -> Block<'a, T> {
        Block {
            network,
            plan,
            input: self.inputs(index),
            samples: self.count(index),
        }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.count.div_ceil(self.block)
    }

    /// Samples in every block but perhaps the last.
    pub fn block_size(&self) -> usize {
        self.block
    }

    /// First sample of a block.
    pub fn start(&self, index: usize) -> usize {
        index * self.block
    }

    /// Samples of a block.
    pub fn count(&self, index: usize) -> usize {
        self.block.min(self.count - self.start(index))
    }

    /// Inputs of a block, channel by channel.
    pub fn inputs(&self, index: usize) -> &[T] {
        let start = self.start(index);
        &self.inputs[start * self.input_len..(start + self.count(index)) * self.input_len]
    }

    /// Targets of a block.
    pub fn targets(&self, index: usize) -> TargetSlice<'_, T> {
        let (start, end) = (self.start(index), self.start(index) + self.count(index));
        match &self.targets {
            Owned::Classes(labels) => TargetSlice::Classes(&labels[start..end]),
            Owned::Values { values, dims } => {
                TargetSlice::Values(&values[start * dims..end * dims])
            }
        }
    }
}

/// Rows of a data set in the order in which the network's first layer reads.
pub(super) fn arrange<T: Real>(network: &Network, rows: &[T], samples: usize, out: &mut [T]) {
    let (channels, plane) = channels_and_plane(network.input_shape());
    to_channels(rows, samples, channels, plane, out);
}
