//! Once its buffers have grown, an analysis allocates nothing per call.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use losscape::data::{Dataset, InputShape, Targets};
use losscape::landscape::PlaneLoss as _;
use losscape::math::SymmetricOperator as _;
use losscape::nn::{Network, losses};
use losscape::objective::Objective;
use losscape::recipe::Component;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, which counts what each thread asks of it.
struct Counting;

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is ending may have no counter any more.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often the second of two calls allocates.
fn allocations(mut call: impl FnMut()) -> usize {
    call();
    let before = ALLOCATIONS.with(Cell::get);
    call();
    ALLOCATIONS.with(Cell::get) - before
}

fn objective(model: &Component, shape: InputShape) -> Objective<f64> {
    let samples = 150;
    let data = Dataset {
        inputs: (0..samples * shape.len())
            .map(|i| (1.3 * i as f64).sin())
            .collect(),
        shape,
        targets: Targets::Classes {
            labels: (0..samples).map(|i| (i % 3) as u32).collect(),
            names: ["a", "b", "c"].map(str::to_owned).to_vec(),
        },
        feature_names: Vec::new(),
    };
    let loss = losses::build(&Component::new("cross_entropy")).unwrap();
    let network = Arc::new(Network::build(model, &shape, 3).unwrap());
    Objective::new(network, loss, &data).unwrap()
}

#[test]
fn nothing_is_allocated_per_call() {
    let mlp = Component::new("mlp")
        .with("hidden", vec![16_i64, 16])
        .with("activation", "tanh")
        .with("bias", true)
        .with("residual", false)
        .with("layer_norm", false);
    let layers = vec!["conv 3 3x3 pad 1", "relu", "max-pool 2", "dense 8", "gelu"];
    let cnn = Component::new("cnn").with("layers", layers);
    let image = InputShape::Image {
        channels: 1,
        height: 8,
        width: 8,
    };
    for (model, shape) in [
        (&mlp, InputShape::Vector(2)),
        (&mlp, InputShape::Vector(300)),
        (&cnn, image),
    ] {
        let objective = objective(model, shape);
        let n = objective.dim();
        let numbers = |phase: f64| (0..n).map(|i| (0.7 * i as f64 + phase).cos()).collect();
        let (theta, v): (Vec<f64>, Vec<f64>) = (numbers(0.1), numbers(0.9));
        let mut out = vec![0.0; n];
        let mut workspace = objective.workspace();
        let count = allocations(|| {
            objective.loss(&theta, &mut workspace);
        });
        assert_eq!(count, 0, "loss of {shape:?}");
        let count = allocations(|| {
            objective.gradient(&theta, &mut workspace, &mut out);
        });
        assert_eq!(count, 0, "gradient of {shape:?}");
        let plane = objective.plane(&theta, &v, &theta);
        let mut scratch = plane.scratch();
        let count = allocations(|| {
            plane.loss_at(0.3, 0.2, &mut scratch);
        });
        assert_eq!(count, 0, "slice of {shape:?}");
        for operator in [objective.hessian(&theta), objective.gauss_newton(&theta)] {
            let count = allocations(|| operator.apply(&v, &mut out));
            assert_eq!(count, 0, "{:?} product of {shape:?}", operator.curvature());
        }
    }
}
