//! Where gradient methods become unstable on a quadratic.
//!
//! Each rule's iteration on ½λx² is a linear recurrence; it diverges when λ
//! exceeds the threshold given here. Training with full batches brings the
//! sharpness to it ("edge of stability", Cohen et al. 2021).

use serde::{Deserialize, Serialize};

use crate::math::floats::Real;

/// A gradient method, as far as its stability on a quadratic is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum UpdateRule {
    /// θ ← θ − ηg.
    GradientDescent,
    /// v ← βv + g, θ ← θ − ηv.
    Polyak {
        /// β.
        momentum: f64,
    },
    /// v ← βv + g, θ ← θ − η(g + βv).
    Nesterov {
        /// β.
        momentum: f64,
    },
    /// m ← β₁m + (1 − β₁)g, θ ← θ − ηm: Adam and AdamW with a frozen
    /// preconditioner P, for the eigenvalues of P⁻¹H.
    AveragedMomentum {
        /// β₁.
        beta1: f64,
    },
}

impl UpdateRule {
    /// The eigenvalue above which the rule diverges at learning rate `eta`
    /// (Cohen et al. 2021, appendix B; Cohen et al. 2022, equation 4):
    /// 2/η, (2+2β)/η, (2+2β)/(η(1+2β)), (2+2β₁)/((1−β₁)η). Weight decay that is
    /// added to the gradient adds its coefficient to every eigenvalue: shift the
    /// operator (before it is preconditioned). For decay beside the step see
    /// [`UpdateRule::decoupled_threshold`].
    pub fn stability_threshold(self, eta: f64) -> f64 {
        match self {
            Self::GradientDescent => 2.0 / eta,
            Self::Polyak { momentum } => (2.0 + 2.0 * momentum) / eta,
            Self::Nesterov { momentum } => (2.0 + 2.0 * momentum) / (eta * (1.0 + 2.0 * momentum)),
            Self::AveragedMomentum { beta1 } => (2.0 + 2.0 * beta1) / ((1.0 - beta1) * eta),
        }
    }

    /// The threshold where the parameters also shrink by ηw beside each step,
    /// θ ← (1 − ηw)θ − …, as AdamW has it: every threshold falls by the factor
    /// 1 − ηw/2, since what turns unstable is the root −1 of the recurrence
    /// (from its characteristic polynomial; for gradient descent the same as
    /// decay in the gradient).
    pub fn decoupled_threshold(self, eta: f64, decay: f64) -> f64 {
        self.stability_threshold(eta) * (1.0 - 0.5 * eta * decay)
    }
}

/// The diagonal of P of Adam or RMSProp, √(v/(1−β₂ᵗ)) + ε, for the
/// preconditioned sharpness λ₁(P⁻¹H).
///
/// `second_moment` is the running mean of squared gradients v after `step`
/// steps. Pass `beta2 = 0` where the optimizer does not correct v for its start
/// (RMSProp).
pub fn adaptive_preconditioner<T: Real>(
    second_moment: &[T],
    beta2: f64,
    step: u64,
    epsilon: f64,
) -> Vec<f64> {
    let steps = i32::try_from(step.max(1)).unwrap_or(i32::MAX);
    let correction = 1.0 - beta2.powi(steps);
    second_moment
        .iter()
        .map(|v| (v.to_f64() / correction).sqrt() + epsilon)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reference_values() {
        let eta = 0.1;
        let threshold = |rule: UpdateRule| rule.stability_threshold(eta);
        assert!((threshold(UpdateRule::GradientDescent) - 20.0).abs() < 1e-12);
        let momentum = 0.9;
        assert!((threshold(UpdateRule::Polyak { momentum }) - 38.0).abs() < 1e-12);
        assert!((threshold(UpdateRule::Nesterov { momentum }) - 13.571_428_571).abs() < 1e-8);
        let beta1 = 0.9;
        assert!((threshold(UpdateRule::AveragedMomentum { beta1 }) - 380.0).abs() < 1e-10);
    }

    /// |θ| after many steps of the rule on ½λθ², with decay beside the step.
    fn simulate(rule: UpdateRule, eta: f64, lambda: f64, decay: f64) -> f64 {
        let (mut x, mut v): (f64, f64) = (1.0, 0.0);
        for _ in 0..20_000 {
            let g = lambda * x;
            x *= 1.0 - eta * decay;
            match rule {
                UpdateRule::GradientDescent => x -= eta * g,
                UpdateRule::Polyak { momentum } => {
                    v = momentum * v + g;
                    x -= eta * v;
                }
                UpdateRule::Nesterov { momentum } => {
                    v = momentum * v + g;
                    x -= eta * (g + momentum * v);
                }
                UpdateRule::AveragedMomentum { beta1 } => {
                    v = beta1 * v + (1.0 - beta1) * g;
                    x -= eta * v;
                }
            }
            if x.abs() > 1e100 {
                break;
            }
        }
        x.abs()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn below_converges_and_above_diverges(
            eta in 0.01f64..1.0,
            beta in 0.0f64..0.95,
            decay in 0.0f64..0.5,
        ) {
            for rule in [
                UpdateRule::GradientDescent,
                UpdateRule::Polyak { momentum: beta },
                UpdateRule::Nesterov { momentum: beta },
                UpdateRule::AveragedMomentum { beta1: beta },
            ] {
                let threshold = rule.stability_threshold(eta);
                prop_assert!(simulate(rule, eta, 0.98 * threshold, 0.0) < 1e-6);
                prop_assert!(simulate(rule, eta, 1.02 * threshold, 0.0) > 1e6);
                let threshold = rule.decoupled_threshold(eta, decay);
                prop_assert!(simulate(rule, eta, 0.98 * threshold, decay) < 1e-6);
                prop_assert!(simulate(rule, eta, 1.02 * threshold, decay) > 1e6);
            }
        }
    }

    #[test]
    fn the_first_step_of_adam_is_corrected_fully() {
        // v = (1 − β₂)g² after one step: P = |g| + ε.
        let g = 3.0f64;
        let p = adaptive_preconditioner(&[0.001 * g * g], 0.999, 1, 1e-8);
        assert!((p[0] - (3.0 + 1e-8)).abs() < 1e-9);
        let p = adaptive_preconditioner(&[4.0f32], 0.0, 7, 0.5);
        assert_eq!(p, vec![2.5]);
    }
}
