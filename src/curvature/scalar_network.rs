//! Scalar networks L = ½(Πwᵢ − 1)², whose gradient flow is known in closed form
//! (Kreisler, Nacson, Soudry and Carmon 2023, "Gradient descent monotonically
//! decreases the sharpness of gradient flow solutions in scalar networks and
//! beyond").

/// The minimum that the gradient flow from `weights` reaches.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowSolution {
    /// The weights there: Πwᵢ = 1.
    pub weights: Vec<f64>,
    /// λ₁ = Σ 1/wᵢ² there.
    pub sharpness: f64,
}

/// Where the gradient flow from `weights` ends, and how sharp that minimum is.
///
/// The flow conserves all wᵢ² − wⱼ², so that its end is at wᵢ² + c with
/// Π(wᵢ² + c) = 1. Nothing where the product of the weights is not positive
/// (the flow then may end elsewhere) or a weight is not finite.
pub fn gradient_flow_solution(weights: &[f64]) -> Option<FlowSolution> {
    let product: f64 = weights.iter().product();
    if weights.is_empty() || !product.is_finite() || product <= 0.0 {
        return None;
    }
    let squares: Vec<f64> = weights.iter().map(|w| w * w).collect();
    let least = squares.iter().copied().fold(f64::INFINITY, f64::min);
    // Σ ln(wᵢ² + c) rises with c from −∞ at −least, and is not negative at
    // least + c = 1. Shifted by the smallest square, so that a c close to
    // −least keeps its digits.
    let gaps: Vec<f64> = squares.iter().map(|square| square - least).collect();
    let log = |d: f64| gaps.iter().map(|gap| (gap + d).ln()).sum::<f64>();
    let (mut low, mut high) = (0.0f64, 1.0f64);
    for _ in 0..2000 {
        let middle = if low > 0.0 {
            (low * high).sqrt()
        } else {
            high * 1e-3
        };
        if middle <= low || middle >= high || middle == 0.0 {
            break;
        }
        if log(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    let ends: Vec<f64> = gaps.iter().map(|gap| gap + high).collect();
    Some(FlowSolution {
        sharpness: ends.iter().map(|square| 1.0 / square).sum(),
        weights: weights
            .iter()
            .zip(&ends)
            .map(|(w, square)| square.sqrt().copysign(*w))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn gradient(w: &[f64]) -> Vec<f64> {
        let product: f64 = w.iter().product();
        w.iter().map(|w| (product - 1.0) * product / w).collect()
    }

    #[test]
    fn the_reference_value() {
        // √((9 − 0.04)² + 4).
        let found = gradient_flow_solution(&[3.0, 0.2]).unwrap();
        assert!((found.sharpness - 9.180_501_075_65).abs() < 1e-10);
        assert!((found.weights[0] * found.weights[1] - 1.0).abs() < 1e-12);
        let at = gradient_flow_solution(&[2.0, -0.5, -1.0]).unwrap();
        for (found, w) in at.weights.iter().zip([2.0, -0.5, -1.0]) {
            assert!((found - w).abs() < 1e-12);
        }
        assert!((at.sharpness - 5.25).abs() < 1e-11);
        assert_eq!(gradient_flow_solution(&[1.0, -1.0]), None);
        assert_eq!(gradient_flow_solution(&[]), None);
    }

    #[test]
    fn small_steps_go_there() {
        let mut w = vec![1.9, 0.4, 0.3, 1.1];
        let expected = gradient_flow_solution(&w).unwrap();
        for _ in 0..200_000 {
            let step = gradient(&w);
            for (w, g) in w.iter_mut().zip(step) {
                *w -= 1e-4 * g;
            }
        }
        for (w, expected) in w.iter().zip(&expected.weights) {
            assert!((w - expected).abs() < 1e-3, "{w} {expected}");
        }
    }

    proptest! {
        #[test]
        fn gradient_descent_only_lowers_it(
            w in prop::collection::vec(0.3f64..2.0, 2..5),
            share in 0.05f64..0.95,
        ) {
            // The theorem holds for steps below 2 over the sharpness, and the
            // product staying positive.
            let start = gradient_flow_solution(&w).unwrap();
            let eta = share * 2.0 / start.sharpness;
            let next: Vec<f64> = w.iter().zip(gradient(&w)).map(|(w, g)| w - eta * g).collect();
            let product: f64 = next.iter().product();
            prop_assume!(next.iter().all(|w| *w > 0.0) && (product - 1.0).abs() < 1.0);
            prop_assume!((w.iter().product::<f64>() - 1.0).abs() < 1.0);
            let after = gradient_flow_solution(&next).unwrap();
            prop_assert!(after.sharpness <= start.sharpness * (1.0 + 1e-12));
            prop_assert!((after.weights.iter().product::<f64>() - 1.0).abs() < 1e-10);
        }
    }
}
