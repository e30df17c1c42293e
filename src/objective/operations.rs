//! How many floating point operations a work needs, counted from the network: for
//! the shares of the peak that `losscape bench` tells, and to know what takes long.
//!
//! Only the products of dense and convolutional layers and the displacements
//! along a slice are counted, two operations for a multiply–add. Activations,
//! pooling, losses and the updates of an optimizer count as nothing, so a share
//! of the peak tells how much of the time is matrix work.

use crate::nn::{Network, Operator};

/// Operations of the layers' products for one sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Products {
    /// Of all layers together.
    pub all: f64,
    /// Of the first layer.
    pub first: f64,
    /// Numbers that the first layer puts out.
    pub first_outputs: f64,
    /// Numbers of parameters behind the first layer.
    pub later_parameters: f64,
}

impl Products {
    /// Counts them.
    pub fn of(network: &Network) -> Self {
        let layers: Vec<(f64, usize)> = network
            .operations()
            .iter()
            .enumerate()
            .filter_map(|(k, operation)| match operation.operator {
                Operator::Dense {
                    inputs, outputs, ..
                } => Some((2.0 * (inputs * outputs) as f64, k)),
                Operator::Conv2d { geometry, .. } => {
                    let numbers = geometry.outputs * geometry.output_plane();
                    Some((2.0 * (geometry.patch_len() * numbers) as f64, k))
                }
                _ => None,
            })
            .collect();
        let layout = network.layout();
        Self {
            all: layers.iter().map(|layer| layer.0).sum(),
            first: layers.first().map_or(0.0, |layer| layer.0),
            first_outputs: layers
                .first()
                .map_or(0.0, |layer| network.shape(layer.1 + 1).len() as f64),
            later_parameters: (layout.len() - layout.layer_range(0).end) as f64,
        }
    }

    /// One point of a slice: the first layer's products are kept for the whole
    /// slice, and only displaced.
    pub fn slice_point(&self, samples: usize) -> f64 {
        let sample = self.all - self.first + 4.0 * self.first_outputs;
        sample * samples as f64 + 4.0 * self.later_parameters
    }

    /// Loss and gradient: forward, weights, and inputs of all layers but the
    /// first.
    pub fn gradient(&self, samples: usize) -> f64 {
        (3.0 * self.all - self.first) * samples as f64
    }

    /// Hessian-vector product by the R-operator, everything that does not
    /// depend on the vector being kept: each of the three products of the
    /// gradient becomes two, but for the first layer, whose input is constant.
    pub fn hessian_product(&self, samples: usize) -> f64 {
        (6.0 * self.all - 4.0 * self.first) * samples as f64
    }

    /// Gauss–Newton-vector product: tangents forward, gradients backward.
    pub fn gauss_newton_product(&self, samples: usize) -> f64 {
        (4.0 * self.all - 2.0 * self.first) * samples as f64
    }

    /// Norms of the gradients of single samples: forward and the gradients of
    /// the values; the weights' gradients are not formed for dense layers, and
    /// those of convolutions are not counted.
    pub fn gradient_norms(&self, samples: usize) -> f64 {
        (2.0 * self.all - self.first) * samples as f64
    }
}
