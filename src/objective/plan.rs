//! Where the values of a network lie in a block's buffers.

use crate::nn::kernels::conv::ConvGeometry;
use crate::nn::kernels::{Write, channels_and_plane};
use crate::nn::network::{Network, Operator, ValueId};

/// Layout of the working memory for one block of samples. All offsets and
/// lengths are per sample: multiply by the number of samples of the block.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// For each value, where it starts in an arena of values; the input (value
    /// 0) has no place there.
    pub offsets: Vec<usize>,
    /// Numbers of each value.
    pub lengths: Vec<usize>,
    /// Positions per channel of each value.
    pub planes: Vec<usize>,
    /// Length of an arena of values.
    pub values: usize,
    /// For each operation, where its part of the arena for derivatives of
    /// activations, maxima or statistics starts (0 if it has none).
    pub extra: Vec<usize>,
    /// Length of an arena of activation derivatives.
    pub slopes: usize,
    /// Length of the arena of positions of maxima.
    pub maxima: usize,
    /// Length of the arena of normalization statistics.
    pub statistics: usize,
    /// The convolutions, whose patch matrices share a scratch.
    pub convolutions: Vec<ConvGeometry>,
    /// Length of the largest scratch of a normalization.
    pub norm_scratch: usize,
    /// For each operation, whether the backward pass is the first to write the
    /// gradient of its input, and of the other summand of an addition.
    pub writes: Vec<(Write, Write)>,
    /// For each value, whether no parameter influences it.
    pub constant: Vec<bool>,
}

impl Plan {
    pub fn new(network: &Network) -> Self {
        let operations = network.operations();
        let mut plan = Plan {
            offsets: vec![0],
            lengths: vec![network.input_shape().len()],
            planes: vec![channels_and_plane(network.input_shape()).1],
            values: 0,
            extra: Vec::new(),
            slopes: 0,
            maxima: 0,
            statistics: 0,
            convolutions: Vec::new(),
            norm_scratch: 0,
            writes: vec![(Write::Accumulate, Write::Accumulate); operations.len()],
            constant: vec![true],
        };
        for (k, operation) in operations.iter().enumerate() {
            let shape = network.shape(k + 1);
            let (channels, plane) = channels_and_plane(shape);
            plan.offsets.push(plan.values);
            plan.lengths.push(channels * plane);
            plan.planes.push(plane);
            plan.values += channels * plane;
            let mut constant = plan.constant[operation.input];
            let mut claim = |arena: &mut usize, length: usize| {
                plan.extra.push(*arena);
                *arena += length;
            };
            match operation.operator {
                Operator::Activation(_) => claim(&mut plan.slopes, channels * plane),
                Operator::MaxPool2d(_) => claim(&mut plan.maxima, channels * plane),
                Operator::LayerNorm { geometry, .. } => {
                    claim(&mut plan.statistics, geometry.statistics_len(1));
                    plan.norm_scratch = plan.norm_scratch.max(geometry.scratch_len(1));
                    constant = false;
                }
                Operator::Conv2d { geometry, .. } => {
                    plan.extra.push(0);
                    plan.convolutions.push(geometry);
                    constant = false;
                }
                Operator::Dense { .. } => {
                    plan.extra.push(0);
                    constant = false;
                }
                Operator::Add(earlier) => {
                    plan.extra.push(0);
                    constant &= plan.constant[earlier];
                }
                Operator::AvgPool2d(_) | Operator::Flatten => plan.extra.push(0),
            }
            plan.constant.push(constant);
        }
        let mut written = vec![false; operations.len() + 1];
        let mut claim = |value: ValueId| {
            if std::mem::replace(&mut written[value], true) {
                Write::Accumulate
            } else {
                Write::Overwrite
            }
        };
        for (k, operation) in operations.iter().enumerate().rev() {
            plan.writes[k].0 = claim(operation.input);
            if let Operator::Add(earlier) = operation.operator {
                plan.writes[k].1 = claim(earlier);
            }
        }
        plan
    }

    /// Samples per block, for numbers of `size` bytes: as many as keep what a
    /// pass over a block touches within a core's own cache, and all blocks of
    /// about the same size. Where the network's `parameters` alone fill that
    /// cache, more samples, since every block reads them all and adds to their
    /// gradient. It depends on nothing but the network and the data, so that sums
    /// are formed in the same order on every machine.
    pub fn block_size(&self, samples: usize, parameters: usize, size: usize) -> usize {
        // Inputs are read twice, values and gradients many times.
        const CACHE: usize = 512 * 1024;
        const LANES: usize = 16;
        let per_sample = (self.lengths[0] / 4 + 3 * self.values) * size;
        const LARGEST: usize = 256;
        let largest = if parameters * size > CACHE {
            LARGEST
        } else {
            (CACHE / per_sample.max(1)).clamp(LANES, LARGEST) / LANES * LANES
        };
        let blocks = samples.div_ceil(largest).max(1);
        samples
            .div_ceil(blocks)
            .next_multiple_of(LANES)
            .min(samples.max(1))
    }

    /// Samples per block of a forward pass alone, where a narrow network's values
    /// then stay in the first cache; the sums over samples of a backward pass
    /// want to be longer.
    pub fn strip(&self, samples: usize, size: usize) -> Option<usize> {
        const STRIP: usize = 64;
        const CACHE: usize = 32 * 1024;
        const KEPT: usize = 64 * 1024 * 1024;
        let neighbours = self.lengths.windows(2).map(|pair| pair[0] + pair[1]);
        let narrow = neighbours.max().unwrap_or(0) * STRIP * size <= CACHE;
        let copies = samples * self.lengths[0] * size;
        (narrow && copies <= KEPT && samples > STRIP).then_some(STRIP)
    }

    /// Length of the largest patch matrix.
    pub fn columns(&self, samples: usize) -> usize {
        let lengths = self.convolutions.iter();
        lengths
            .map(|geometry| geometry.columns_len(samples))
            .max()
            .unwrap_or(0)
    }

    /// The numbers of a value in an arena for n samples.
    pub fn range(&self, value: ValueId, samples: usize) -> std::ops::Range<usize> {
        let start = self.offsets[value] * samples;
        start..start + self.lengths[value] * samples
    }
}
