//! Speed of the training graph and of the analyses' kernels, one core.
//!
//! `RAYON_NUM_THREADS=1 cargo bench --bench kernels`

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use losscape::data::{Dataset, InputShape, Targets};
use losscape::landscape::PlaneLoss as _;
use losscape::math::SymmetricOperator as _;
use losscape::nn::{BatchTargets, Graph, Network, initialize, losses};
use losscape::objective::Objective;
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

/// Samples of a data set of this shape, with as many classes as outputs.
fn data(network: &Network, samples: usize) -> Dataset {
    let classes = network.outputs();
    Dataset {
        inputs: numbers(samples * network.input_shape().len())
            .into_iter()
            .map(f64::from)
            .collect(),
        shape: *network.input_shape(),
        targets: Targets::Classes {
            labels: (0..samples).map(|i| (i % classes) as u32).collect(),
            names: (0..classes).map(|k| k.to_string()).collect(),
        },
        feature_names: Vec::new(),
    }
}

fn objective(criterion: &mut Criterion) {
    for (name, network, samples) in [
        ("2-32-32-3 tanh", mlp(2, &[32, 32], "tanh", 3), 300),
        ("2-32-32-2 tanh", mlp(2, &[32, 32], "tanh", 2), 1000),
        ("2-32-32-2 relu", mlp(2, &[32, 32], "relu", 2), 1000),
        ("784-128-10 relu", mlp(784, &[128], "relu", 10), 1000),
        ("lenet", lenet(), 500),
    ] {
        let loss = losses::build(&Component::new("cross_entropy")).expect("a loss");
        let data = data(&network, samples);
        let theta = theta(&network);
        let theta64: Vec<f64> = theta.iter().map(|value| f64::from(*value)).collect();
        let single = Objective::<f32>::new(Arc::clone(&network), Arc::clone(&loss), &data)
            .expect("an objective");
        let double = Objective::<f64>::new(network, loss, &data).expect("an objective");
        let name = format!("{name}, {samples} samples");

        let mut workspace = single.workspace();
        criterion.bench_function(&format!("loss, {name}"), |bench| {
            bench.iter(|| single.loss(black_box(&theta), &mut workspace));
        });
        let direction = numbers(theta.len());
        let plane = single.plane(&theta, &direction, &theta);
        let mut scratch = plane.scratch();
        criterion.bench_function(&format!("slice point, {name}"), |bench| {
            bench.iter(|| plane.loss_at(black_box(0.3), black_box(0.2), &mut scratch));
        });
        let mut gradient = vec![0.0; theta.len()];
        criterion.bench_function(&format!("gradient f32, {name}"), |bench| {
            bench.iter(|| single.gradient(black_box(&theta), &mut workspace, &mut gradient));
        });
        let mut workspace = double.workspace();
        let mut gradient = vec![0.0; theta.len()];
        criterion.bench_function(&format!("gradient f64, {name}"), |bench| {
            bench.iter(|| double.gradient(black_box(&theta64), &mut workspace, &mut gradient));
        });
        let v: Vec<f64> = direction.iter().map(|value| f64::from(*value)).collect();
        let hessian = double.hessian(&theta64);
        criterion.bench_function(&format!("Hessian product, {name}"), |bench| {
            bench.iter(|| hessian.apply(black_box(&v), &mut gradient));
        });
        let gauss_newton = double.gauss_newton(&theta64);
        criterion.bench_function(&format!("Gauss-Newton product, {name}"), |bench| {
            bench.iter(|| gauss_newton.apply(black_box(&v), &mut gradient));
        });
    }
}

criterion_group! {
    name = kernels;
    config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_secs(2)).warm_up_time(std::time::Duration::from_millis(500));
    targets = graph, objective
}
criterion_main!(kernels);
