//! Instruments that tell how healthy a training step is, and what the network
//! says.

mod prediction;

pub use prediction::{PredictionMap, decide, prediction};

/// The norm of each layer's update over the norm of its parameters. About 1e-3
/// is usual for a network that learns well; a layer whose parameters are all
/// zero gives infinity, or not-a-number where its update is zero too.
pub fn update_ratios(update_norms: &[f64], parameter_norms: &[f64]) -> Vec<f32> {
    update_norms
        .iter()
        .zip(parameter_norms)
        .map(|(update, parameters)| (update / parameters) as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_by_layer_and_zero_parameters_show() {
        let ratios = update_ratios(&[0.1, 0.2, 0.0], &[10.0, 0.0, 0.0]);
        assert!((ratios[0] - 0.01).abs() < 1e-9);
        assert!(ratios[1].is_infinite() && ratios[2].is_nan());
    }
}
