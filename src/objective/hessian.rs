//! Products with the Hessian and with the Gauss–Newton matrix at a fixed θ.

use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use super::pass::{Primal, Real, Scratch, reserve};
use super::{Inner, Objective, Workspace};
use crate::math::operator::SymmetricOperator;
use crate::math::{Cancelled, Progress};

/// Which matrix an operator multiplies with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curvature {
    /// The Hessian ∇²L.
    Hessian,
    /// The generalized Gauss–Newton matrix (1/N) Σ Jᵀ (∂²ℓ/∂f²) J
    /// (Schraudolph 2002), positive semi-definite for a convex ℓ.
    GaussNewton,
}

/// A curvature matrix of an objective at a fixed θ, as an operator.
///
/// What does not depend on the vector (values, gradients, derivatives of the
/// activations) is computed once and kept, as long as it stays within a memory
/// limit; beyond it, it is computed anew in every product.
///
/// Large products run in parallel over groups of blocks; the groups depend only
/// on the data and the network, and their results are added in order.
#[derive(Debug)]
pub struct HessianOperator<T = f64> {
    objective: Arc<Inner<T>>,
    theta: Vec<T>,
    curvature: Curvature,
    primals: Option<Vec<Primal<T>>>,
    groups: usize,
    spare: Mutex<Vec<Product<T>>>,
}

/// Working memory of one product over one group of blocks.
#[derive(Debug, Default)]
struct Product<T> {
    workspace: Workspace<T>,
    tangent_deltas: Vec<T>,
    sum: Vec<T>,
}

/// Bytes that the kept values of an operator may take.
const KEPT: usize = 512 * 1024 * 1024;

/// Parameters × samples from which a product is worth several threads.
const PARALLEL: usize = 1 << 20;

impl<T: Real> Objective<T> {
    /// The Hessian at θ.
    ///
    /// # Panics
    /// If θ has not [`Objective::dim`] numbers.
    pub fn hessian(&self, theta: &[T]) -> HessianOperator<T> {
        HessianOperator::new(self, theta, Curvature::Hessian)
    }

    /// The Hessian at θ, given up soon after `progress` is cancelled: what is
    /// computed once takes as long as some gradients.
    ///
    /// # Errors
    /// `Cancelled`.
    ///
    /// # Panics
    /// If θ has not [`Objective::dim`] numbers.
    pub fn hessian_until(
        &self,
        theta: &[T],
        progress: &dyn Progress,
    ) -> Result<HessianOperator<T>, Cancelled> {
        let limits = (KEPT, PARALLEL);
        let operator = HessianOperator::prepared(self, theta, Curvature::Hessian, limits, progress);
        progress.check()?;
        Ok(operator)
    }

    /// The generalized Gauss–Newton matrix at θ.
    ///
    /// # Panics
    /// If θ has not [`Objective::dim`] numbers.
    pub fn gauss_newton(&self, theta: &[T]) -> HessianOperator<T> {
        HessianOperator::new(self, theta, Curvature::GaussNewton)
    }
}

impl<T: Real> HessianOperator<T> {
    fn new(objective: &Objective<T>, theta: &[T], curvature: Curvature) -> Self {
        Self::with_limits(objective, theta, curvature, KEPT, PARALLEL)
    }

    /// With other limits: how many bytes may be kept, and from which number of
    /// parameters × samples a product is split into groups.
    pub(super) fn with_limits(
        objective: &Objective<T>,
        theta: &[T],
        curvature: Curvature,
        kept: usize,
        parallel: usize,
    ) -> Self {
        Self::prepared(objective, theta, curvature, (kept, parallel), &())
    }

    /// With nothing kept after a cancellation.
    fn prepared(
        objective: &Objective<T>,
        theta: &[T],
        curvature: Curvature,
        (kept, parallel): (usize, usize),
        progress: &dyn Progress,
    ) -> Self {
        objective.check(theta);
        let inner = Arc::clone(&objective.inner);
        let (dim, samples) = (objective.dim(), objective.len());
        let blocks = inner.samples.blocks();
        let per_sample = 2 * (inner.plan.values + inner.plan.slopes);
        let groups = if dim * samples < parallel {
            1
        } else {
            // Every group costs a vector of its own, which must be small
            // against the work of its samples.
            blocks.min(samples.div_ceil(256)).min(16)
        };
        let mut operator = Self {
            objective: inner,
            theta: theta.to_vec(),
            curvature,
            primals: None,
            groups,
            spare: Mutex::new(Vec::new()),
        };
        if per_sample * samples * size_of::<T>() <= kept {
            let primals = (0..blocks)
                .into_par_iter()
                .map_init(Workspace::default, |workspace, index| {
                    progress.check()?;
                    workspace.primal = Primal::default();
                    operator.prepare(index, workspace);
                    Ok(std::mem::take(&mut workspace.primal))
                })
                .collect::<Result<Vec<_>, Cancelled>>();
            operator.primals = primals.ok();
        }
        operator
    }

    /// Goes to another θ of the same objective, as a new operator there would
    /// be, in the memory that it has: for the Hessian at every step of a
    /// training. Small networks are prepared on the calling thread.
    ///
    /// # Panics
    /// If θ has not as many numbers as before.
    pub fn move_to(&mut self, theta: &[T]) {
        assert_eq!(
            theta.len(),
            self.theta.len(),
            "a vector of the network's parameters"
        );
        self.theta.copy_from_slice(theta);
        let Some(mut primals) = self.primals.take() else {
            return;
        };
        if self.groups == 1 {
            let mut product = self.borrow();
            for (index, primal) in primals.iter_mut().enumerate() {
                std::mem::swap(primal, &mut product.workspace.primal);
                self.prepare(index, &mut product.workspace);
                std::mem::swap(primal, &mut product.workspace.primal);
            }
            self.give_back(product);
        } else {
            primals.par_iter_mut().enumerate().for_each_init(
                Workspace::default,
                |workspace, (index, primal)| {
                    std::mem::swap(primal, &mut workspace.primal);
                    self.prepare(index, workspace);
                    std::mem::swap(primal, &mut workspace.primal);
                },
            );
        }
        self.primals = Some(primals);
    }

    /// Which matrix this is.
    pub fn curvature(&self) -> Curvature {
        self.curvature
    }

    /// The point at which it was taken.
    pub fn theta(&self) -> &[T] {
        &self.theta
    }

    /// Number of groups that a product is split into.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// What a product needs of a block: values, gradients, derivatives.
    fn prepare(&self, index: usize, workspace: &mut Workspace<T>) {
        let inner = &*self.objective;
        let block = inner.block(index);
        let factor = T::ONE / T::from_f64(inner.samples.len() as f64);
        inner.differentiate(index, &self.theta, workspace, factor);
        let mut deltas = std::mem::take(&mut workspace.primal.deltas);
        block.backward(
            &self.theta,
            &workspace.primal,
            &mut deltas,
            &mut workspace.scratch,
            None,
            None,
        );
        workspace.primal.deltas = deltas;
        block.curvature(&mut workspace.primal);
    }

    /// Adds the product over the blocks of a group to `out`.
    fn group(&self, group: usize, v: &[T], product: &mut Product<T>, out: &mut [T]) {
        let inner = &*self.objective;
        let blocks = inner.samples.blocks();
        let (start, end) = (
            group * blocks / self.groups,
            (group + 1) * blocks / self.groups,
        );
        let factor = T::ONE / T::from_f64(inner.samples.len() as f64);
        for index in start..end {
            if self.primals.is_none() {
                self.prepare(index, &mut product.workspace);
            }
            let Workspace {
                primal,
                tangents,
                scratch,
                ..
            } = &mut product.workspace;
            let primal = match &self.primals {
                Some(primals) => &primals[index],
                None => primal,
            };
            let seeds = &mut product.tangent_deltas;
            self.block(index, v, primal, tangents, seeds, scratch, factor, out);
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn block(
        &self,
        index: usize,
        v: &[T],
        primal: &Primal<T>,
        tangents: &mut Vec<T>,
        tangent_deltas: &mut Vec<T>,
        scratch: &mut Scratch<T>,
        factor: T,
        out: &mut [T],
    ) {
        let inner = &*self.objective;
        let block = inner.block(index);
        block.tangent(&self.theta, v, primal, tangents, scratch);
        reserve(tangent_deltas, inner.plan.values * block.samples);
        let batch = inner.batch(index, &primal.values);
        T::hessian_product(
            inner.loss.as_ref(),
            batch,
            factor,
            block.outputs(tangents),
            block.outputs_mut(tangent_deltas),
        );
        match self.curvature {
            Curvature::Hessian => block.backward_tangent(
                &self.theta,
                v,
                primal,
                tangents,
                tangent_deltas,
                scratch,
                out,
            ),
            Curvature::GaussNewton => block.backward(
                &self.theta,
                primal,
                tangent_deltas,
                scratch,
                Some(out),
                None,
            ),
        }
    }

    /// `out` ← the product with `v`.
    ///
    /// # Panics
    /// If a vector has not as many numbers as θ.
    pub fn product(&self, v: &[T], out: &mut [T]) {
        let dim = self.theta.len();
        assert!(
            v.len() == dim && out.len() == dim,
            "vectors of the network's parameters"
        );
        out.fill(T::ZERO);
        if self.groups == 1 {
            let mut product = self.borrow();
            self.group(0, v, &mut product, out);
            self.give_back(product);
            return;
        }
        // The first group adds to `out` itself.
        let first = || {
            let mut product = self.borrow();
            self.group(0, v, &mut product, out);
            self.give_back(product);
        };
        let others = || -> Vec<Product<T>> {
            (1..self.groups)
                .into_par_iter()
                .map(|group| {
                    let mut product = self.borrow();
                    let mut sum = std::mem::take(&mut product.sum);
                    sum.clear();
                    sum.resize(dim, T::ZERO);
                    self.group(group, v, &mut product, &mut sum);
                    product.sum = sum;
                    product
                })
                .collect()
        };
        let ((), parts) = rayon::join(first, others);
        const CHUNK: usize = 4096;
        out.par_chunks_mut(CHUNK).enumerate().for_each(|(k, out)| {
            for part in &parts {
                let part = &part.sum[k * CHUNK..];
                for (out, part) in out.iter_mut().zip(part) {
                    *out += *part;
                }
            }
        });
        for part in parts {
            self.give_back(part);
        }
    }

    fn borrow(&self) -> Product<T> {
        self.spare
            .lock()
            .ok()
            .and_then(|mut spare| spare.pop())
            .unwrap_or_default()
    }

    fn give_back(&self, product: Product<T>) {
        if let Ok(mut spare) = self.spare.lock() {
            spare.push(product);
        }
    }
}

impl SymmetricOperator for HessianOperator {
    fn dim(&self) -> usize {
        self.theta.len()
    }

    fn apply(&self, v: &[f64], out: &mut [f64]) {
        self.product(v, out);
    }
}
