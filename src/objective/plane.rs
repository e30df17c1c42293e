//! The loss on a plane θ + a·d₁ + b·d₂ in parameter space.

use std::sync::Arc;

use super::pass::{Real, reserve};
use super::plane_loss::PlaneLoss;
use super::{Inner, Objective, Workspace, total};
use crate::nn::kernels::elementwise::displace;
use crate::nn::network::Operator;

/// The loss on a plane through parameter space.
///
/// Every point is computed from the centre, so nothing drifts. The products of
/// the first layer are linear in its parameters,
/// Z(a, b) = XWᵀ + a·XD₁ᵀ + b·XD₂ᵀ, so the three of them are computed once; for
/// data with many features they are most of the work of a point.
#[derive(Debug)]
pub struct Plane<T> {
    objective: Arc<Inner<T>>,
    centre: Vec<T>,
    first: Vec<T>,
    second: Vec<T>,
    /// For each block, the first layer's outputs for W, D₁ and D₂.
    products: Option<Vec<[Vec<T>; 3]>>,
}

/// Working memory for one thread on a [`Plane`].
#[derive(Clone, Debug, Default)]
pub struct PlaneScratch<T> {
    workspace: Workspace<T>,
    theta: Vec<T>,
}

/// Features up to which the first layer's products are not kept.
const FEW: usize = 8;

/// Bytes that the first layer's products may take.
const KEPT: usize = 256 * 1024 * 1024;

impl<T: Real> Objective<T> {
    /// The plane through θ along d₁ and d₂.
    ///
    /// # Panics
    /// If a vector has not [`Objective::dim`] numbers.
    pub fn plane(&self, theta: &[T], first: &[T], second: &[T]) -> Plane<T> {
        self.check(theta);
        self.check(first);
        self.check(second);
        let mut plane = Plane {
            objective: Arc::clone(&self.inner),
            centre: theta.to_vec(),
            first: first.to_vec(),
            second: second.to_vec(),
            products: None,
        };
        let inner = &*self.inner;
        let linear = inner.network.operations().first().is_some_and(|operation| {
            match operation.operator {
                // For a few features the product is less work than its parts.
                Operator::Dense { inputs, .. } => inputs > FEW,
                Operator::Conv2d { .. } => true,
                _ => false,
            }
        });
        if linear && 3 * inner.plan.lengths[1] * self.len() * size_of::<T>() <= KEPT {
            let mut workspace = self.workspace();
            let mut product = |index: usize, theta: &[T]| {
                let block = inner.strips().block(&inner.network, &inner.plan, index);
                block.first_layer(theta, &mut workspace.primal, &mut workspace.scratch);
                workspace.primal.values[inner.plan.range(1, block.samples)].to_vec()
            };
            plane.products = Some(
                (0..inner.strips().blocks())
                    .map(|index| {
                        [
                            product(index, theta),
                            product(index, first),
                            product(index, second),
                        ]
                    })
                    .collect(),
            );
        }
        plane
    }
}

impl<T: Real> PlaneLoss for Plane<T> {
    type Scratch = PlaneScratch<T>;

    fn scratch(&self) -> PlaneScratch<T> {
        PlaneScratch::default()
    }

    /// L(θ + a·d₁ + b·d₂).
    fn loss_at(&self, a: f64, b: f64, scratch: &mut PlaneScratch<T>) -> f64 {
        let inner = &*self.objective;
        let PlaneScratch { workspace, theta } = scratch;
        let (a, b) = (T::from_f64(a), T::from_f64(b));
        // The first layer's own parameters are not read where its products are
        // kept, but they may be as many as all the others.
        let skip = match self.products {
            Some(_) => inner.network.layout().layer_range(0).end,
            None => 0,
        };
        reserve(theta, self.centre.len());
        displace(
            &self.centre[skip..],
            (a, &self.first[skip..]),
            (b, &self.second[skip..]),
            &mut theta[skip..],
        );
        let mut sum = 0.0;
        for index in 0..inner.strips().blocks() {
            let block = inner.strips().block(&inner.network, &inner.plan, index);
            let n = block.samples;
            let start = match &self.products {
                Some(products) => {
                    let [centre, first, second] = &products[index];
                    let values = &mut workspace.primal.values;
                    reserve(values, inner.plan.values * n);
                    let z = &mut values[inner.plan.range(1, n)];
                    displace(centre, (a, first), (b, second), z);
                    1
                }
                None => 0,
            };
            block.forward(theta, &mut workspace.primal, &mut workspace.scratch, start);
            reserve(&mut workspace.losses, n);
            let losses = &mut workspace.losses[..n];
            let batch = inner.strip_batch(index, &workspace.primal.values);
            T::losses(inner.loss.as_ref(), batch, losses);
            sum += total(losses);
        }
        sum / inner.samples.len() as f64
    }
}
