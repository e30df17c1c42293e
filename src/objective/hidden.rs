//! The values inside a network, for comparing networks unit by unit.

use super::{Objective, Real, Workspace};
use crate::nn::network::ValueId;

impl<T: Real> Objective<T> {
    /// Number of blocks that the samples are worked on in.
    pub fn blocks(&self) -> usize {
        self.inner.samples.blocks()
    }

    /// Runs the network forward on the samples of a block and returns some of
    /// its values, channel by channel: [channels, samples, positions]; the
    /// features of a vector are channels of one position.
    ///
    /// # Panics
    /// If there is no such block or value, or a value is the input.
    pub fn block_values<'a>(
        &self,
        theta: &[T],
        block: usize,
        values: &[ValueId],
        workspace: &'a mut Workspace<T>,
    ) -> Vec<&'a [T]> {
        self.check(theta);
        let inner = &*self.inner;
        let block = inner.block(block);
        block.forward(theta, &mut workspace.primal, &mut workspace.scratch, 0);
        let arena = &workspace.primal.values;
        values
            .iter()
            .map(|value| {
                assert!(*value > 0, "a value that an operation wrote");
                &arena[inner.plan.range(*value, block.samples)]
            })
            .collect()
    }
}
