//! Data for tests that looks like real data.

use crate::math::chunked::Chunked;
use crate::train::MetricRow;

/// The metrics of a run of two layers that learns with noise.
pub fn rows(n: u64) -> Chunked<MetricRow> {
    (0..n)
        .map(|step| {
            let s = step as f64;
            let noise = (s * 12.9898).sin() * 43758.545;
            let noise = noise - noise.floor();
            let measured = step % 10 == 0;
            let loss = 1.05 * (-s / 180.0).exp() + 0.02;
            MetricRow {
                step,
                train_loss: loss * (0.8 + 0.4 * noise),
                val_loss: measured.then_some(1.05 * (-s / 230.0).exp() + 0.05),
                train_accuracy: measured.then_some(1.0 - 0.5 * (-s / 150.0).exp()),
                val_accuracy: measured.then_some(0.95 - 0.45 * (-s / 150.0).exp()),
                learning_rate: 0.1,
                gradient_norm: loss,
                update_norm: Some(0.1 * loss),
                parameter_norm: 5.0 + 0.001 * s,
                sharpness: None,
                layer_gradient_norms: vec![
                    (loss * (1.0 + noise)) as f32,
                    (0.3 * loss) as f32,
                    0.01,
                ],
                layer_update_ratios: vec![
                    (0.01 * loss) as f32,
                    2e-3,
                    (1e-4 * (1.0 + noise)) as f32,
                ],
            }
        })
        .collect()
}
