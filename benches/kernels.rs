//! Speed of the training graph and of the analyses' kernels, one core.
//!
//! `RAYON_NUM_THREADS=1 cargo bench --bench kernels`

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use losscape::data::InputShape;
use losscape::nn::{BatchTargets, Graph, Network, initialize, losses};
use losscape::recipe::Component;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn mlp(inputs: usize, hidden: &[i64], activation: &str, outputs: usize) -> Arc<Network> {
    let model = Component::new("mlp")
        .with("hidden", hidden.to_vec())
        .with("activation", activation)
        .with("bias", true)
        .with("residual", false)
        .with("layer_norm", false);
    Arc::new(Network::build(&model, &InputShape::Vector(inputs), outputs).expect("a network"))
}

fn lenet() -> Arc<Network> {
    let layers = vec![
        "conv 6 5x5 pad 2",
        "relu",
        "max-pool 2",
        "conv 16 5x5",
        "relu",
        "max-pool 2",
        "dense 120",
        "relu",
        "dense 84",
        "relu",
    ];
    let model = Component::new("cnn").with("layers", layers);
    let image = InputShape::Image {
        channels: 1,
        height: 28,
        width: 28,
    };
    Arc::new(Network::build(&model, &image, 10).expect("a network"))
}

fn theta(network: &Network) -> Vec<f32> {
    let initialization = Component::new("xavier_normal").with("gain", 1.0);
    initialize(network, &initialization, 0, std::path::Path::new("")).expect("parameters")
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| (1.3 * i as f32).sin()).collect()
}

fn graph(criterion: &mut Criterion) {
    for (name, network, batch) in [
        ("2-32-32-2 tanh", mlp(2, &[32, 32], "tanh", 2), 32),
        ("784-128-10 relu", mlp(784, &[128], "relu", 10), 64),
        ("lenet", lenet(), 64),
    ] {
        let loss = losses::build(&Component::new("cross_entropy")).expect("a loss");
        let mut theta = theta(&network);
        let mut graph = Graph::new(Arc::clone(&network), loss, &theta).expect("a graph");
        let inputs = numbers(batch * network.input_shape().len());
        let outputs = network.outputs();
        let targets = BatchTargets::Classes((0..batch).map(|i| (i % outputs) as u32).collect());
        let mut gradient = vec![0.0; theta.len()];
        criterion.bench_function(&format!("graph step {name}, batch {batch}"), |bench| {
            bench.iter(|| {
                graph.set_parameters(&theta).expect("parameters");
                let loss = graph
                    .loss_and_gradient(&inputs, &targets, &mut gradient)
                    .expect("a gradient");
                for (theta, gradient) in theta.iter_mut().zip(&gradient) {
                    *theta -= 1e-6 * gradient;
                }
                black_box(loss)
            });
        });
    }
}

criterion_group! {
    name = kernels;
    config = Criterion::default().sample_size(50);
    targets = graph
}
criterion_main!(kernels);
