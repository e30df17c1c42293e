//! Networks, data and toy losses for tests.

use std::sync::Arc;

use rand::Rng as _;

use super::ParameterLoss;
use crate::data::{Dataset, InputShape, Targets};
use crate::math::rng::stream;
use crate::nn::Network;
use crate::objective::Objective;
use crate::recipe::Component;

pub(crate) fn mlp(hidden: &[i64], residual: bool, layer_norm: bool) -> Component {
    Component::new("mlp")
        .with("hidden", hidden.to_vec())
        .with("activation", "tanh")
        .with("bias", true)
        .with("residual", residual)
        .with("layer_norm", layer_norm)
}

pub(crate) fn cnn(layers: &[&str]) -> Component {
    Component::new("cnn").with("layers", layers.to_vec())
}

pub(crate) const IMAGE: InputShape = InputShape::Image {
    channels: 2,
    height: 6,
    width: 6,
};

pub(crate) fn normal(seed: u64, count: usize) -> Vec<f64> {
    let mut random = stream(seed, "test");
    (0..count)
        .map(|_| {
            let sum: f64 = (0..12).map(|_| random.random::<f64>()).sum();
            sum - 6.0
        })
        .collect()
}

/// Twenty-five samples of three classes.
pub(crate) fn objective(model: &Component, shape: InputShape) -> Objective<f64> {
    let samples = 25;
    let network = Arc::new(Network::build(model, &shape, 3).unwrap());
    let data = Dataset {
        shape,
        inputs: normal(99, samples * shape.len()),
        targets: Targets::Classes {
            labels: (0..samples as u32).map(|i| i % 3).collect(),
            names: ["a", "b", "c"].map(str::to_owned).to_vec(),
        },
        feature_names: Vec::new(),
    };
    let loss = crate::nn::losses::build(&Component::new("cross_entropy")).unwrap();
    Objective::new(network, loss, &data).unwrap()
}

/// A loss of few parameters with its gradient.
pub(crate) struct Toy<F> {
    pub dim: usize,
    pub function: F,
}

impl<F: Fn(&[f64]) -> (f64, Vec<f64>) + Sync> ParameterLoss for Toy<F> {
    type Scratch = ();

    fn dim(&self) -> usize {
        self.dim
    }

    fn scratch(&self) {}

    fn loss(&self, theta: &[f64], _scratch: &mut ()) -> (f64, Option<f64>) {
        ((self.function)(theta).0, None)
    }

    fn gradient(&self, theta: &[f64], _scratch: &mut (), gradient: &mut [f64]) -> f64 {
        let (loss, of) = (self.function)(theta);
        gradient.copy_from_slice(&of);
        loss
    }
}

/// L = (x² + y² − 1)²: a ring of minima.
pub(crate) fn ring() -> Toy<impl Fn(&[f64]) -> (f64, Vec<f64>) + Sync> {
    Toy {
        dim: 2,
        function: |theta: &[f64]| {
            let [x, y] = [theta[0], theta[1]];
            let r = x * x + y * y - 1.0;
            (r * r, vec![4.0 * x * r, 4.0 * y * r])
        },
    }
}
