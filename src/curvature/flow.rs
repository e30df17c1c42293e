//! What discrete training is compared with: gradient flow, and the central flow
//! that gradient descent follows at the edge of stability.

use crate::math::error::check_length;
use crate::math::{MathError, SymmetricOperator, vector};
use crate::objective::Objective;

/// One step of length `dt` of dθ/dt = f(θ) by the classical Runge–Kutta method
/// of fourth order; `f` writes its value to its second argument. The error of a
/// step is of order dt⁵; the method is stable on a quadratic up to
/// dt·λ₁ = 2.78.
pub fn rk4_step(theta: &mut [f64], dt: f64, mut f: impl FnMut(&[f64], &mut [f64])) {
    let n = theta.len();
    let (mut at, mut slope, mut sum) = (theta.to_vec(), vec![0.0; n], vec![0.0; n]);
    for (weight, reach) in [(1.0, 0.5), (2.0, 0.5), (2.0, 1.0), (1.0, 0.0)] {
        f(&at, &mut slope);
        vector::axpy(weight / 6.0, &slope, &mut sum);
        at.copy_from_slice(theta);
        vector::axpy(reach * dt, &slope, &mut at);
    }
    vector::axpy(dt, &sum, theta);
}

/// Follow the gradient flow dθ/dt = −∇L(θ) of an objective for a time, in equal
/// steps of at most `longest` (1/λ₁ is accurate). Full-batch gradient descent
/// of learning rate η makes a time η with each step. Returns the number of
/// steps.
///
/// # Errors
/// `Argument` where time or step are not positive and finite; `NotFinite` where
/// the flow leaves all bounds.
///
/// # Panics
/// If θ has not as many numbers as the objective has parameters.
pub fn gradient_flow(
    objective: &Objective<f64>,
    theta: &mut [f64],
    time: f64,
    longest: f64,
) -> Result<usize, MathError> {
    for (what, value) in [
        ("the time of a gradient flow", time),
        ("the longest step of a gradient flow", longest),
    ] {
        if !(value.is_finite() && value > 0.0) {
            return Err(MathError::Argument {
                what,
                found: value.to_string(),
                expected: "a positive finite number",
            });
        }
    }
    let steps = (time / longest).ceil().max(1.0);
    let mut workspace = objective.workspace();
    for _ in 0..steps as usize {
        rk4_step(theta, time / steps, |theta, out| {
            objective.gradient(theta, &mut workspace, out);
            vector::scale(-1.0, out);
        });
        if !vector::max_abs(theta).is_finite() {
            return Err(MathError::NotFinite {
                what: "a gradient flow",
            });
        }
    }
    Ok(steps as usize)
}

/// ∇λ for an eigenvalue λ of the Hessian with the unit eigenvector v, which is
/// the third derivative ∇(vᵀHv) at fixed v: the central difference of
/// products, (H(θ + εv)v − H(θ − εv)v)/2ε with ε = 6·10⁻⁶·max(1, ‖θ‖/√n). For
/// a simple eigenvalue.
///
/// # Errors
/// `Length` if v is no vector of the objective's parameters.
///
/// # Panics
/// If θ has not as many numbers as the objective has parameters.
pub fn eigenvalue_gradient(
    objective: &Objective<f64>,
    theta: &[f64],
    v: &[f64],
) -> Result<Vec<f64>, MathError> {
    check_length("an eigenvector", v.len(), objective.dim())?;
    let size = vector::norm(theta) / (theta.len().max(1) as f64).sqrt();
    let epsilon = 6e-6 * size.max(1.0);
    let product = |step: f64| {
        let mut moved = theta.to_vec();
        vector::axpy(step, v, &mut moved);
        let mut product = vec![0.0; v.len()];
        objective.hessian(&moved).apply(v, &mut product);
        product
    };
    let (up, mut down) = rayon::join(|| product(epsilon), || product(-epsilon));
    for (down, up) in down.iter_mut().zip(&up) {
        *down = (up - *down) / (2.0 * epsilon);
    }
    Ok(down)
}

/// Where gradient descent drifts on average while it oscillates along one
/// unstable direction.
#[derive(Debug, Clone, PartialEq)]
pub struct CentralVelocity {
    /// dθ/dt, t in steps.
    pub velocity: Vec<f64>,
    /// σ², the variance of the oscillation along the top eigenvector: zero
    /// below the edge, and where sharpness falls by itself.
    pub variance: f64,
}

/// The central flow of gradient descent with one unstable direction (Cohen et
/// al. 2025, "Understanding optimization in deep learning with central flows"):
/// dθ/dt = −η(∇L + ½σ²∇S), where σ² = 2⟨−∇L, ∇S⟩/‖∇S‖², not below zero, holds
/// the sharpness S where it is. Below `sharpness` 2/η it is the gradient flow.
///
/// Where S is above the line, as it is beside a run that oscillates, a finite
/// `relaxation` R brings it down within about R steps: dS/dt = −(S − 2/η)/R with
/// σ² = 2⟨−∇L, ∇S⟩/‖∇S‖² + 2(S − 2/η)/(Rη‖∇S‖²). An infinite one holds it.
///
/// # Errors
/// `Length` where the vectors do not belong together; `Argument` where the
/// relaxation is not positive.
pub fn central_flow_velocity(
    eta: f64,
    gradient: &[f64],
    sharpness: f64,
    sharpness_gradient: &[f64],
    relaxation: f64,
) -> Result<CentralVelocity, MathError> {
    check_length(
        "the gradient of the sharpness",
        sharpness_gradient.len(),
        gradient.len(),
    )?;
    if relaxation.is_nan() || relaxation <= 0.0 {
        return Err(MathError::Argument {
            what: "the relaxation of a central flow",
            found: relaxation.to_string(),
            expected: "a positive number of steps",
        });
    }
    let along = -vector::dot(gradient, sharpness_gradient);
    let square = vector::norm_squared(sharpness_gradient);
    let variance = if sharpness * eta < 2.0 || square == 0.0 {
        0.0
    } else {
        let excess = (sharpness - 2.0 / eta) / (relaxation * eta);
        (2.0 * (along + excess) / square).max(0.0)
    };
    let mut velocity: Vec<f64> = gradient.iter().map(|g| -eta * g).collect();
    vector::axpy(-0.5 * eta * variance, sharpness_gradient, &mut velocity);
    Ok(CentralVelocity { velocity, variance })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::curvature::{ExtremalOptions, gradient_flow_solution, top_eigenvalues};
    use crate::data::InputShape;
    use crate::math::rng::stream;
    use crate::nn::{Network, losses, oracle};
    use crate::recipe::Component;

    fn objective() -> (Objective<f64>, Vec<f64>) {
        let data = oracle::data(InputShape::Vector(2), 20, 3, false);
        let model = Component::new("mlp")
            .with("hidden", vec![6i64])
            .with("activation", "tanh")
            .with("bias", true)
            .with("residual", false)
            .with("layer_norm", false);
        let loss = losses::build(&Component::new("cross_entropy")).unwrap();
        let outputs = loss.outputs(&data.targets).unwrap();
        let network = Arc::new(Network::build(&model, &data.shape, outputs).unwrap());
        let theta = oracle::theta(&network, 0.1);
        (Objective::new(network, loss, &data).unwrap(), theta)
    }

    #[test]
    fn the_method_is_of_fourth_order() {
        let error = |steps: i32| {
            let mut x = [1.0, 1.0];
            let dt = 1.0 / f64::from(steps);
            for _ in 0..steps {
                rk4_step(&mut x, dt, |x, f| (f[0], f[1]) = (-x[0], -3.0 * x[1]));
            }
            (x[0] - (-1f64).exp()).abs() + (x[1] - (-3f64).exp()).abs()
        };
        let ratio = error(20) / error(40);
        assert!((14.0..18.0).contains(&ratio), "{ratio}");
    }

    #[test]
    fn the_flow_of_a_scalar_network_ends_where_it_must() {
        let mut w = vec![3.0, 0.2];
        let end = gradient_flow_solution(&w).unwrap();
        for _ in 0..5000 {
            rk4_step(&mut w, 0.002, |w, f| {
                let rest = 1.0 - w[0] * w[1];
                (f[0], f[1]) = (rest * w[1], rest * w[0]);
            });
        }
        for (w, end) in w.iter().zip(&end.weights) {
            assert!((w - end).abs() < 1e-9);
        }
    }

    #[test]
    fn a_networks_flow_agrees_with_tiny_steps_of_descent() {
        let (objective, start) = objective();
        let mut flow = start.clone();
        assert_eq!(gradient_flow(&objective, &mut flow, 1.0, 0.3), Ok(4));
        let mut fine = start.clone();
        gradient_flow(&objective, &mut fine, 1.0, 0.01).unwrap();
        assert!(vector::distance(&flow, &fine) < 1e-5);
        let mut descent = start;
        let mut gradient = vec![0.0; descent.len()];
        let mut workspace = objective.workspace();
        for _ in 0..2000 {
            objective.gradient(&descent, &mut workspace, &mut gradient);
            vector::axpy(-1.0 / 2000.0, &gradient, &mut descent);
        }
        assert!(vector::distance(&descent, &fine) < 1e-3);
        assert!(gradient_flow(&objective, &mut fine, 1.0, 0.0).is_err());
    }

    #[test]
    fn the_central_flow_holds_the_sharpness() {
        let (objective, theta) = objective();
        let options = ExtremalOptions {
            largest: 1,
            smallest: 0,
            tolerance: 1e-10,
            ..ExtremalOptions::default()
        };
        let top = |theta: &[f64]| {
            let hessian = objective.hessian(theta);
            top_eigenvalues(&hessian, &options, &[], &mut stream(0, "start"), &()).unwrap()
        };
        let here = top(&theta);
        let s = here.eigenvalues[0].value;
        let slope = eigenvalue_gradient(&objective, &theta, &here.vectors[0]).unwrap();
        // Against the difference of the sharpness itself.
        let direction: Vec<f64> = (0..theta.len()).map(|i| (1.7 * i as f64).cos()).collect();
        let at = |h: f64| {
            let mut moved = theta.clone();
            vector::axpy(h, &direction, &mut moved);
            top(&moved).eigenvalues[0].value
        };
        let expected = (at(1e-4) - at(-1e-4)) / 2e-4;
        let found = vector::dot(&slope, &direction);
        assert!((found - expected).abs() < 1e-5 * expected.abs().max(1.0));

        let mut gradient = vec![0.0; theta.len()];
        objective.gradient(&theta, &mut objective.workspace(), &mut gradient);
        // Whichever way the gradient leads, one sign of it sharpens.
        let sharpens = vector::dot(&gradient, &slope) < 0.0;
        let sign = if sharpens { 1.0 } else { -1.0 };
        vector::scale(sign, &mut gradient);
        let eta = 2.0 / s * 1.001;
        let hold = f64::INFINITY;
        let held = central_flow_velocity(eta, &gradient, s, &slope, hold).unwrap();
        assert!(held.variance > 0.0);
        assert!(vector::dot(&held.velocity, &slope).abs() < 1e-12 * vector::norm(&slope));
        // dS/dt = ⟨∇S, dθ/dt⟩ = −(S − 2/η)/10.
        let falls = central_flow_velocity(1.1 * eta, &gradient, s, &slope, 10.0).unwrap();
        let expected = -(s - 2.0 / (1.1 * eta)) / 10.0;
        let found = vector::dot(&falls.velocity, &slope);
        assert!((found - expected).abs() < 1e-9 * expected.abs(), "{found}");
        assert!(central_flow_velocity(eta, &gradient, s, &slope, 0.0).is_err());
        let below = central_flow_velocity(0.5 * eta, &gradient, s, &slope, 10.0).unwrap();
        assert_eq!(below.variance, 0.0);
        vector::scale(-1.0, &mut gradient);
        let falling = central_flow_velocity(eta, &gradient, s, &slope, hold).unwrap();
        assert_eq!(falling.variance, 0.0);
    }
}
