//! The training loss as a function of the flat parameter vector: its value,
//! gradient, Hessian and Gauss–Newton products, and what each sample
//! contributes.
//!
//! Direct kernels on plain slices, in f32 for slices of the landscape and in
//! f64 for curvature. Samples are worked on in blocks whose size follows from
//! the network and the data alone, and all sums run in the order of the blocks,
//! so no result depends on the number of threads.

mod data;
mod differentiable;
mod gradient_products;
mod hessian;
mod hidden;
mod jacobian;
mod operations;
mod pass;
mod per_sample;
mod plan;
mod plane;
mod plane_loss;
mod r_operator;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use thiserror::Error;

use crate::data::Dataset;
use crate::nn::error::LossError;
use crate::nn::losses::{Loss, LossBatch, correct};
use crate::nn::network::Network;
use data::Samples;
use pass::{Block, Primal, Scratch, reserve};
use plan::Plan;

pub use differentiable::DifferentiableLoss;
pub use hessian::{Curvature, HessianOperator};
pub use jacobian::GaussNewtonFactor;
pub use operations::Products;
pub use pass::Real;
pub use per_sample::Sensitivity;
pub use plane::{LONG, Plane, PlaneScratch};
pub use plane_loss::{PlaneFunction, PlaneLoss, SampledLoss};

/// Data that do not fit the network.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ObjectiveError {
    /// There is nothing to average over.
    #[error("the data set has no samples")]
    Empty,
    /// The inputs have another length than the network's.
    #[error("an input has {found} numbers, and the network reads {expected}")]
    Inputs {
        /// Length of an input.
        found: usize,
        /// What the network reads.
        expected: usize,
    },
    /// The loss needs another number of outputs than the network has.
    #[error("the loss needs {expected} outputs for these targets, and the network has {found}")]
    Outputs {
        /// Outputs of the network.
        found: usize,
        /// Outputs that the loss needs.
        expected: usize,
    },
    /// A label beyond the classes.
    #[error("a target is class {found}, and there are {classes} classes")]
    Class {
        /// The label.
        found: u32,
        /// Number of classes.
        classes: usize,
    },
    /// The loss cannot be used with the targets.
    #[error(transparent)]
    Loss(#[from] LossError),
}

/// A network, a loss and a data set: L(θ) = mean of ℓ over the samples.
///
/// Cloning is cheap: clones share the data.
#[derive(Debug)]
pub struct Objective<T> {
    inner: Arc<Inner<T>>,
}

impl<T> Clone for Objective<T> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

#[derive(Debug)]
struct Inner<T> {
    network: Arc<Network>,
    loss: Arc<dyn Loss>,
    plan: Plan,
    samples: Samples<T>,
    /// The same in blocks for forward passes alone, if these differ.
    strips: Option<Samples<T>>,
}

/// Working memory of an objective, for one thread. It grows to what is asked of
/// it and is then reused.
#[derive(Clone, Debug, Default)]
pub struct Workspace<T> {
    primal: Primal<T>,
    tangents: Vec<T>,
    scratch: Scratch<T>,
    losses: Vec<T>,
}

impl<T: Real> Objective<T> {
    /// The objective of this network and loss on these data.
    ///
    /// # Errors
    /// If the data are empty or do not fit the network or the loss.
    pub fn new(
        network: Arc<Network>,
        loss: Arc<dyn Loss>,
        data: &Dataset,
    ) -> Result<Self, ObjectiveError> {
        let expected = loss.outputs(&data.targets)?;
        if expected != network.outputs() {
            return Err(ObjectiveError::Outputs {
                found: network.outputs(),
                expected,
            });
        }
        let plan = Plan::new(&network);
        let count = data.len();
        let block = plan.block_size(count, network.layout().len(), size_of::<T>());
        let samples = Samples::new(&network, data, block)?;
        let strips = plan
            .strip(count, size_of::<T>())
            .filter(|strip| *strip < block)
            .map(|strip| Samples::new(&network, data, strip))
            .transpose()?;
        Ok(Self {
            inner: Arc::new(Inner {
                network,
                loss,
                plan,
                samples,
                strips,
            }),
        })
    }

    /// Number of parameters.
    pub fn dim(&self) -> usize {
        self.inner.network.layout().len()
    }

    /// Number of samples, at least one.
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.inner.samples.len()
    }

    /// The network.
    pub fn network(&self) -> &Arc<Network> {
        &self.inner.network
    }

    /// The loss.
    pub fn loss_function(&self) -> &Arc<dyn Loss> {
        &self.inner.loss
    }

    /// Working memory for one thread.
    pub fn workspace(&self) -> Workspace<T> {
        Workspace::default()
    }

    /// L(θ).
    ///
    /// # Panics
    /// If θ has not [`Objective::dim`] numbers, as every function here.
    pub fn loss(&self, theta: &[T], workspace: &mut Workspace<T>) -> f64 {
        let mut sum = 0.0;
        self.for_blocks(theta, workspace, |_, _, losses, _| {
            sum += total(losses);
        });
        sum / self.len() as f64
    }

    /// L(θ) and the share of samples that are classified correctly (`None` for
    /// a regression).
    pub fn loss_and_accuracy(
        &self,
        theta: &[T],
        workspace: &mut Workspace<T>,
    ) -> (f64, Option<f64>) {
        let mut sum = 0.0;
        let mut hits = Some(0);
        self.for_blocks(theta, workspace, |_, _, losses, batch| {
            sum += total(losses);
            hits = hits.zip(correct(batch)).map(|(hits, more)| hits + more);
        });
        let n = self.len() as f64;
        (sum / n, hits.map(|hits| hits as f64 / n))
    }

    /// ℓ of every sample, in the order of the data set.
    pub fn per_sample_losses(&self, theta: &[T], workspace: &mut Workspace<T>) -> Vec<T> {
        let mut all = Vec::with_capacity(self.len());
        self.for_blocks(theta, workspace, |_, _, losses, _| {
            all.extend_from_slice(losses);
        });
        all
    }

    /// The outputs of every sample, [samples, outputs] row by row.
    pub fn outputs(&self, theta: &[T], workspace: &mut Workspace<T>) -> Vec<T> {
        let width = self.inner.network.outputs();
        let mut all = vec![T::ZERO; self.len() * width];
        self.for_blocks(theta, workspace, |start, n, _, batch| {
            let rows = &mut all[start * width..(start + n) * width];
            crate::nn::kernels::to_samples(batch.outputs, n, width, 1, rows);
        });
        all
    }

    /// `gradient` ← ∇L(θ); returns L(θ).
    pub fn gradient(&self, theta: &[T], workspace: &mut Workspace<T>, gradient: &mut [T]) -> f64 {
        self.check(theta);
        self.check(gradient);
        let inner = &*self.inner;
        gradient.fill(T::ZERO);
        let factor = T::ONE / T::from_f64(self.len() as f64);
        let mut sum = 0.0;
        for index in 0..inner.samples.blocks() {
            let block = inner.block(index);
            sum += inner.differentiate(index, theta, workspace, factor);
            let mut deltas = std::mem::take(&mut workspace.primal.deltas);
            block.backward(
                theta,
                &workspace.primal,
                &mut deltas,
                &mut workspace.scratch,
                Some(gradient),
                None,
            );
            workspace.primal.deltas = deltas;
        }
        sum / self.len() as f64
    }

    /// The outputs for any inputs: `inputs` are rows [n, input length], the
    /// result rows [n, outputs]. For decision maps and fitted curves.
    ///
    /// # Panics
    /// If `inputs` are not whole rows.
    pub fn predict(&self, theta: &[T], inputs: &[T], workspace: &mut Workspace<T>) -> Vec<T> {
        self.check(theta);
        let inner = &*self.inner;
        let length = inner.network.input_shape().len();
        let width = inner.network.outputs();
        let count = inputs.len() / length;
        assert_eq!(inputs.len(), count * length, "inputs are whole rows");
        let mut all = vec![T::ZERO; count * width];
        let step = inner.samples.block_size();
        let mut ordered = Vec::new();
        for start in (0..count).step_by(step) {
            let n = step.min(count - start);
            let rows = &inputs[start * length..(start + n) * length];
            let block = inner.arranged(rows, n, &mut ordered);
            block.forward(theta, &mut workspace.primal, &mut workspace.scratch, 0);
            crate::nn::kernels::to_samples(
                block.outputs(&workspace.primal.values),
                n,
                width,
                1,
                &mut all[start * width..(start + n) * width],
            );
        }
        all
    }

    /// Runs the network forward, block by block, and hands over the first
    /// sample, the number of samples, their losses, outputs and targets.
    fn for_blocks(
        &self,
        theta: &[T],
        workspace: &mut Workspace<T>,
        mut visit: impl FnMut(usize, usize, &[T], LossBatch<'_, T>),
    ) {
        self.check(theta);
        let inner = &*self.inner;
        let strips = inner.strips();
        for index in 0..strips.blocks() {
            let block = strips.block(&inner.network, &inner.plan, index);
            block.forward(theta, &mut workspace.primal, &mut workspace.scratch, 0);
            let batch = inner.strip_batch(index, &workspace.primal.values);
            reserve(&mut workspace.losses, block.samples);
            let losses = &mut workspace.losses[..block.samples];
            T::losses(inner.loss.as_ref(), batch, losses);
            visit(strips.start(index), block.samples, losses, batch);
        }
    }

    fn check(&self, theta: &[T]) {
        assert_eq!(
            theta.len(),
            self.dim(),
            "a vector of the network's parameters"
        );
    }
}

impl<T: Real> Inner<T> {
    fn block(&self, index: usize) -> Block<'_, T> {
        self.samples.block(&self.network, &self.plan, index)
    }

    /// The samples in blocks for forward passes.
    fn strips(&self) -> &Samples<T> {
        self.strips.as_ref().unwrap_or(&self.samples)
    }

    /// The outputs and targets of a block of [`Inner::strips`].
    fn strip_batch<'a>(&'a self, index: usize, values: &'a [T]) -> LossBatch<'a, T> {
        let strips = self.strips();
        LossBatch {
            outputs: strips
                .block(&self.network, &self.plan, index)
                .outputs(values),
            targets: strips.targets(index),
            samples: strips.count(index),
        }
    }

    /// A block of other inputs, given as rows.
    fn arranged<'a>(&'a self, rows: &[T], samples: usize, ordered: &'a mut Vec<T>) -> Block<'a, T> {
        reserve(ordered, rows.len());
        data::arrange(&self.network, rows, samples, ordered);
        Block {
            network: &self.network,
            plan: &self.plan,
            input: &ordered[..rows.len()],
            samples,
        }
    }

    /// The outputs and targets of a block.
    fn batch<'a>(&'a self, index: usize, values: &'a [T]) -> LossBatch<'a, T> {
        LossBatch {
            outputs: self.block(index).outputs(values),
            targets: self.samples.targets(index),
            samples: self.samples.count(index),
        }
    }

    /// Runs the network forward on a block, puts `factor`·∂ℓ/∂f into the
    /// gradients' arena and returns the sum of the losses.
    fn differentiate(
        &self,
        index: usize,
        theta: &[T],
        workspace: &mut Workspace<T>,
        factor: T,
    ) -> f64 {
        let block = self.block(index);
        let primal = &mut workspace.primal;
        block.forward(theta, primal, &mut workspace.scratch, 0);
        reserve(&mut primal.deltas, self.plan.values * block.samples);
        reserve(&mut workspace.losses, block.samples);
        let losses = &mut workspace.losses[..block.samples];
        let batch = self.batch(index, &primal.values);
        T::losses(self.loss.as_ref(), batch, losses);
        let seeds = block.outputs_mut(&mut primal.deltas);
        T::gradient(self.loss.as_ref(), batch, factor, seeds);
        total(losses)
    }
}

/// The sum in double precision.
fn total<T: Real>(losses: &[T]) -> f64 {
    // Several sums, so that an addition need not wait for the one before.
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let chunks = losses.chunks_exact(LANES);
    let rest: f64 = chunks.remainder().iter().map(|loss| loss.to_f64()).sum();
    for chunk in chunks {
        for (sum, loss) in sums.iter_mut().zip(chunk) {
            *sum += loss.to_f64();
        }
    }
    sums.iter().sum::<f64>() + rest
}
