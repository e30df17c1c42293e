//! The loss on a plane θ + a·d₁ + b·d₂ in parameter space.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::operations::Products;
use super::pass::{Real, reserve};
use super::plane_loss::{PlaneLoss, SampledLoss};
use super::{Inner, Objective, Workspace, total};
use crate::nn::kernels::elementwise::{add_scaled, displace};
use crate::nn::losses::{LossBatch, correct};
use crate::nn::network::Operator;

/// The loss on a plane through parameter space.
///
/// Every point is computed from the centre, so nothing drifts. The products of
/// the first layer are linear in its parameters,
/// Z(a, b) = XWᵀ + b·XD₂ᵀ + a·XD₁ᵀ, so the three of them are computed once; for
/// data with many features they are most of the work of a point. The points of
/// a row share the first two terms.
#[derive(Debug)]
pub struct Plane<T> {
    /// Tells planes apart.
    id: u64,
    objective: Arc<Inner<T>>,
    centre: Vec<T>,
    first: Vec<T>,
    second: Vec<T>,
    /// For each block, the first layer's outputs for W, D₁ and D₂.
    products: Option<Vec<[Vec<T>; 3]>>,
    /// Whether the points of a row share its partial sums.
    rows: bool,
    population: Option<usize>,
}

/// Working memory for one thread on a [`Plane`].
#[derive(Clone, Debug, Default)]
pub struct PlaneScratch<T> {
    workspace: Workspace<T>,
    theta: Vec<T>,
    row: Row<T>,
}

/// What the points of a row have in common.
#[derive(Clone, Debug, Default)]
struct Row<T> {
    /// The plane and the bits of b that it was made for.
    of: Option<(u64, u64)>,
    /// θ + b·d₂.
    theta: Vec<T>,
    /// XWᵀ + b·XD₂ᵀ, block after block.
    products: Vec<T>,
}

/// Features up to which the first layer's products are not kept.
const FEW: usize = 8;

/// A point with more operations than this takes long: some milliseconds.
pub const LONG: f64 = 2e7;

/// Bytes that the first layer's products may take.
const KEPT: usize = 256 * 1024 * 1024;

/// Bytes that the products of a row may take in each thread: beyond the caches
/// nothing is gained.
const ROW: usize = 8 * 1024 * 1024;

impl<T: Real> Objective<T> {
    /// The plane through θ along d₁ and d₂.
    ///
    /// # Panics
    /// If a vector has not [`Objective::dim`] numbers.
    pub fn plane(&self, theta: &[T], first: &[T], second: &[T]) -> Plane<T> {
        self.check(theta);
        self.check(first);
        self.check(second);
        static PLANES: AtomicU64 = AtomicU64::new(0);
        let mut plane = Plane {
            id: PLANES.fetch_add(1, Ordering::Relaxed),
            objective: Arc::clone(&self.inner),
            centre: theta.to_vec(),
            first: first.to_vec(),
            second: second.to_vec(),
            products: None,
            rows: true,
            population: None,
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
        let bytes = inner.plan.lengths[1] * self.len() * size_of::<T>();
        if linear && 3 * bytes <= KEPT {
            plane.rows = bytes <= ROW;
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

impl<T: Real> Plane<T> {
    /// Says that the objective's samples are an excerpt of a set of so many.
    pub fn drawn_from(mut self, population: usize) -> Self {
        self.population = Some(population);
        self
    }

    /// Computes what the points of the row at b have in common, unless it is
    /// there.
    fn start_row(&self, b: f64, skip: usize, row: &mut Row<T>) {
        let of = Some((self.id, b.to_bits()));
        if row.of == of {
            return;
        }
        row.of = of;
        let b = T::from_f64(b);
        let length = self.centre.len() - skip;
        reserve(&mut row.theta, length);
        let theta = &mut row.theta[..length];
        add_scaled(&self.centre[skip..], b, &self.second[skip..], theta);
        let mut start = 0;
        for [centre, _, second] in self.products.iter().flatten() {
            reserve(&mut row.products, start + centre.len());
            let products = &mut row.products[start..start + centre.len()];
            add_scaled(centre, b, second, products);
            start += centre.len();
        }
    }

    /// Computes the losses of all samples at (a, b) and hands them over, block
    /// by block.
    fn losses(&self, a: f64, b: f64, scratch: &mut PlaneScratch<T>, mut take: impl FnMut(&[T])) {
        let loss = self.objective.loss.as_ref();
        self.batches(a, b, scratch, |batch, losses| {
            reserve(losses, batch.samples);
            let losses = &mut losses[..batch.samples];
            T::losses(loss, batch, losses);
            take(losses);
        });
    }

    /// Runs the network forward at (a, b) and hands over the outputs and targets,
    /// block by block, with room for the losses.
    fn batches(
        &self,
        a: f64,
        b: f64,
        scratch: &mut PlaneScratch<T>,
        mut take: impl FnMut(LossBatch<'_, T>, &mut Vec<T>),
    ) {
        let inner = &*self.objective;
        let PlaneScratch {
            workspace,
            theta,
            row,
        } = scratch;
        // The first layer's own parameters are not read where its products are
        // kept, but they may be as many as all the others.
        let skip = match self.products {
            Some(_) => inner.network.layout().layer_range(0).end,
            None => 0,
        };
        if self.rows {
            self.start_row(b, skip, row);
        }
        let (a, b) = (T::from_f64(a), T::from_f64(b));
        // (centre + b·second) + a·first, the same bits either way.
        let place = |kept: &[T], [centre, first, second]: [&[T]; 3], out: &mut [T]| {
            if self.rows {
                add_scaled(kept, a, first, out);
            } else {
                displace(centre, (b, second), (a, first), out);
            }
        };
        reserve(theta, self.centre.len());
        let parts = [&self.centre, &self.first, &self.second].map(|vector| &vector[skip..]);
        place(&row.theta, parts, &mut theta[skip..]);
        let mut from = 0;
        for index in 0..inner.strips().blocks() {
            let block = inner.strips().block(&inner.network, &inner.plan, index);
            let n = block.samples;
            let start = match &self.products {
                Some(products) => {
                    let values = &mut workspace.primal.values;
                    reserve(values, inner.plan.values * n);
                    let z = &mut values[inner.plan.range(1, n)];
                    let parts = products[index].each_ref().map(Vec::as_slice);
                    place(row.products.get(from..).unwrap_or_default(), parts, z);
                    from += z.len();
                    1
                }
                None => 0,
            };
            block.forward(theta, &mut workspace.primal, &mut workspace.scratch, start);
            let batch = inner.strip_batch(index, &workspace.primal.values);
            take(batch, &mut workspace.losses);
        }
    }
}

impl<T: Real> Plane<T> {
    /// The share of samples that are classified correctly at (a, b), with its
    /// variance over them; not a number for a regression.
    pub fn accuracy_at(&self, a: f64, b: f64, scratch: &mut PlaneScratch<T>) -> SampledLoss {
        let mut hits = Some(0);
        self.batches(a, b, scratch, |batch, _| {
            hits = hits.zip(correct(batch)).map(|(hits, more)| hits + more);
        });
        match hits {
            Some(hits) => SampledLoss::of_hits(hits, self.objective.samples.len()),
            // 0/0: not a number.
            None => SampledLoss::of_hits(0, 0),
        }
    }
}

impl<T: Real> PlaneLoss for Plane<T> {
    type Scratch = PlaneScratch<T>;

    fn scratch(&self) -> PlaneScratch<T> {
        PlaneScratch::default()
    }

    fn is_costly(&self) -> bool {
        let Inner {
            network, samples, ..
        } = &*self.objective;
        Products::of(network).slice_point(samples.len()) > LONG
    }

    /// L(θ + a·d₁ + b·d₂).
    fn loss_at(&self, a: f64, b: f64, scratch: &mut PlaneScratch<T>) -> f64 {
        let mut sum = 0.0;
        self.losses(a, b, scratch, |losses| sum += total(losses));
        sum / self.objective.samples.len() as f64
    }

    fn population(&self) -> Option<usize> {
        self.population
    }

    fn sampled_loss_at(&self, a: f64, b: f64, scratch: &mut PlaneScratch<T>) -> SampledLoss {
        let mut sampled = SampledLoss::default();
        self.losses(a, b, scratch, |losses| {
            sampled.add(losses.iter().map(|loss| loss.to_f64()));
        });
        sampled
    }
}
