//! The gradient of the whole loss, tensor by tensor and filter by filter.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::math::vector::norm;
use crate::nn::ParameterLayout;
use crate::objective::Objective;

/// The gradient of one tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorGradient {
    /// The tensor's name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// ‖g‖ over the tensor.
    pub gradient_norm: f64,
    /// ‖θ‖ over the tensor.
    pub parameter_norm: f64,
    /// ‖g‖ of each filter (one for a tensor without filters).
    pub filter_norms: Vec<f64>,
}

impl TensorGradient {
    /// ‖g‖/‖θ‖; infinite for parameters that are all zero.
    pub fn ratio(&self) -> f64 {
        self.gradient_norm / self.parameter_norm
    }
}

/// The gradient of the mean loss over a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GradientMaps {
    /// The mean loss.
    pub loss: f64,
    /// ‖g‖.
    pub gradient_norm: f64,
    /// The tensors, in the layout's order.
    pub tensors: Vec<TensorGradient>,
    /// g, in the layout's order, for [`super::tensor_image`]; not written to
    /// files.
    #[serde(skip, default = "no_gradient")]
    pub gradient: Arc<[f32]>,
}

fn no_gradient() -> Arc<[f32]> {
    Arc::new([])
}

/// The gradient of the objective at `theta`.
pub fn gradient_maps(
    objective: &Objective<f32>,
    layout: &ParameterLayout,
    theta: &[f32],
) -> GradientMaps {
    let mut gradient = vec![0.0; theta.len()];
    let loss = objective.gradient(theta, &mut objective.workspace(), &mut gradient);
    GradientMaps {
        loss,
        gradient_norm: norm(&gradient),
        tensors: table(layout, theta, &gradient),
        gradient: gradient.into(),
    }
}

/// The norms of a gradient, tensor by tensor.
fn table(layout: &ParameterLayout, theta: &[f32], gradient: &[f32]) -> Vec<TensorGradient> {
    layout
        .iter()
        .map(|tensor| TensorGradient {
            name: tensor.name.clone(),
            shape: tensor.shape.clone(),
            gradient_norm: norm(&gradient[tensor.range.clone()]),
            parameter_norm: norm(&theta[tensor.range.clone()]),
            filter_norms: (0..tensor.filters())
                .map(|filter| norm(&gradient[tensor.filter(filter)]))
                .collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::ParameterKind;

    #[test]
    fn norms_are_by_tensor_and_by_filter() {
        let mut layout = ParameterLayout::default();
        layout.push("0.weight".into(), vec![2, 2], ParameterKind::Weight, 0);
        layout.push("0.bias".into(), vec![2], ParameterKind::Bias, 0);
        let theta = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let gradient = [3.0, 4.0, 0.0, 12.0, 5.0, 0.0];
        let tensors = table(&layout, &theta, &gradient);
        assert_eq!(tensors[0].filter_norms, [5.0, 12.0]);
        assert_eq!((tensors[0].gradient_norm, tensors[0].ratio()), (13.0, 13.0));
        assert_eq!(tensors[1].filter_norms, [5.0]);
        assert!(tensors[1].ratio().is_infinite());
    }
}
