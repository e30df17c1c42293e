//! The gradient-flow solution of networks that are products of numbers.

use crate::curvature::gradient_flow_solution;
use crate::data::Targets;
use crate::math::vector;
use crate::nn::network::Operator;
use crate::train::Setup;

/// Sharpness of the minimum that the gradient flow from θ reaches, in closed
/// form, for a product of numbers fitted to numbers with the squared error:
/// every layer 1×1 without bias, the identity as activation. Nothing for any
/// other network, and where the flow may end elsewhere.
///
/// For L = (a/2)·mean (xₖ·Πwᵢ − yₖ)² the minimum is at Πwᵢ = p =
/// mean(xy)/mean(x²). With wᵢ = |p|^(1/d)·uᵢ (one sign turned where p < 0) it is
/// that of the normal form ½(Πuᵢ − 1)², and the sharpness
/// a·mean(x²)·p²·|p|^(−2/d)·Σ1/uᵢ² (Kreisler et al. 2023).
pub fn solution_sharpness(setup: &Setup, theta: &[f64]) -> Option<f64> {
    let train = &setup.data.train;
    let Targets::Values { values, .. } = &train.targets else {
        return None;
    };
    let scalar = setup
        .network
        .operations()
        .iter()
        .all(|operation| match operation.operator {
            Operator::Dense {
                bias: None,
                inputs: 1,
                outputs: 1,
                ..
            } => true,
            Operator::Activation(activation) => activation.choice().key == "identity",
            _ => false,
        });
    if !scalar || setup.recipe.loss.kind != "mean_squared_error" {
        return None;
    }
    let xx = vector::norm_squared(&train.inputs);
    let xy = vector::dot(&train.inputs, values);
    let factor = if setup.recipe.loss.boolean("half") {
        1.0
    } else {
        2.0
    };
    product_sharpness(factor * xx / train.len() as f64, xy / xx, theta)
}

/// The same for (c/2)(Πwᵢ − p)².
fn product_sharpness(c: f64, p: f64, weights: &[f64]) -> Option<f64> {
    if !p.is_finite() || p == 0.0 || weights.is_empty() {
        return None;
    }
    let scale = p.abs().powf(1.0 / weights.len() as f64);
    let mut scaled: Vec<f64> = weights.iter().map(|w| w / scale).collect();
    if let Some(first) = scaled.first_mut().filter(|_| p < 0.0) {
        *first = -*first;
    }
    let found = gradient_flow_solution(&scaled)?;
    Some(c * (p / scale).powi(2) * found.sharpness)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curvature::rk4_step;

    #[test]
    fn the_closed_form_is_where_the_flow_goes() {
        for (c, p, start) in [
            (1.0, 1.0, vec![3.0, 0.2]),
            (0.5, 6.0, vec![2.0, 1.5, 0.7]),
            (4.5, -1.3, vec![-1.2, 0.9]),
        ] {
            let expected = product_sharpness(c, p, &start).unwrap();
            let mut w = start;
            for _ in 0..40_000 {
                rk4_step(&mut w, 1e-3, |w, f| {
                    let product: f64 = w.iter().product();
                    for (f, w) in f.iter_mut().zip(w) {
                        *f = -c * (product - p) * product / w;
                    }
                });
            }
            // H = c·∇Π∇Πᵀ at the minimum.
            let product: f64 = w.iter().product();
            assert!((product - p).abs() < 1e-9);
            let found: f64 = w.iter().map(|w| c * (product / w).powi(2)).sum();
            assert!(
                (found - expected).abs() < 1e-6 * expected,
                "{found} {expected}"
            );
        }
        assert_eq!(product_sharpness(1.0, 1.0, &[-1.0, 2.0]), None);
        assert_eq!(product_sharpness(1.0, f64::NAN, &[1.0, 2.0]), None);
    }
}
