//! Speed of the training graph and of the analyses' kernels, one core, on the
//! networks and data of `losscape bench`, which compares them with the machine's
//! peak; here each kernel is followed from one version to the next.
//!
//! `RAYON_NUM_THREADS=1 cargo bench --bench kernels`

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use losscape::benchmark::cases::uniform;
use losscape::benchmark::{Case, NetworkKind};
use losscape::landscape::PlaneLoss as _;
use losscape::math::{SymmetricOperator as _, vector};
use losscape::nn::{BatchTargets, Graph};
use losscape::objective::Objective;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn graph(criterion: &mut Criterion) {
    for kind in [NetworkKind::Tanh, NetworkKind::Wide, NetworkKind::LeNet] {
        let Case {
            network,
            loss,
            mut theta,
            ..
        } = Case::new(kind).expect("a case");
        let batch = kind.batch();
        let mut graph = Graph::new(Arc::clone(&network), loss, &theta).expect("a graph");
        let inputs: Vec<f32> = (0..batch * network.input_shape().len())
            .map(|index| uniform(1, index) as f32)
            .collect();
        let outputs = network.outputs();
        let targets = BatchTargets::Classes((0..batch).map(|i| (i % outputs) as u32).collect());
        let mut gradient = vec![0.0; theta.len()];
        let name = format!("graph step {}, batch {batch}", kind.name());
        criterion.bench_function(&name, |bench| {
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

fn objective(criterion: &mut Criterion) {
    for kind in NetworkKind::ALL {
        let Case {
            network,
            loss,
            data,
            theta,
            directions: [first, second],
            ..
        } = Case::new(kind).expect("a case");
        let theta64 = vector::to_f64(&theta);
        let single = Objective::<f32>::new(Arc::clone(&network), Arc::clone(&loss), &data)
            .expect("an objective");
        let double = Objective::<f64>::new(network, loss, &data).expect("an objective");
        let name = format!("{}, {} samples", kind.name(), kind.samples());

        let mut workspace = single.workspace();
        criterion.bench_function(&format!("loss, {name}"), |bench| {
            bench.iter(|| single.loss(black_box(&theta), &mut workspace));
        });
        let plane = single.plane(&theta, &first, &second);
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
        let v = vector::to_f64(&first);
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
