//! How soon an analysis stops: each is begun on the engine's threads, told to stop
//! some time later, and watched until it has ended.
//!
//! `cargo bench --bench cancel [RECIPE…]`
//!
//! Analysis threads give way to everything else on the machine: measure on a
//! quiet one.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use losscape::catalogue;
use losscape::curvature::sharpness::SharpnessSettings;
use losscape::diagnostics::signals::SignalSettings;
use losscape::engine::analyses::{
    self, SectionRequest, SliceAxis, SliceDirections, SliceSettings, SpectrumSettings, Split,
    slice_directions,
};
use losscape::engine::curvature::{self, BatchSettings, Cut, Matrix, WaterfallSettings};
use losscape::engine::paths::{PathEnd, PathMethod, PathSettings, paths_job};
use losscape::engine::quantized::{QuantizedSettings, quantized_job};
use losscape::engine::stability::{Beginning, flow_job, stability_job};
use losscape::engine::{Analysis, Engine, Job};
use losscape::landscape::SliceQuantity;
use losscape::recipe::{Recipe, presets};
use losscape::stability::{FlowSettings, StabilitySettings};
use losscape::train::{Run, Setup, Snapshot};
use strum::IntoEnumIterator as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long a job has worked when it is told to stop.
const AFTER: [Duration; 4] = [
    Duration::from_millis(5),
    Duration::from_millis(40),
    Duration::from_millis(150),
    Duration::from_millis(600),
];

/// A bundled recipe after some steps, and all its snapshots.
fn trained(name: &str, steps: u64) -> Subject {
    let text = presets::preset(name).expect("a bundled recipe");
    let recipe = Recipe::parse(text, name, catalogue::schema()).expect("a valid recipe");
    let setup = Setup::new(Arc::new(recipe), Path::new(".")).expect("a setup");
    let mut run = Run::from_setup(Arc::new(setup)).expect("a run");
    while run.steps_done() < steps {
        run.step().expect("a step");
    }
    run.keep_snapshot();
    Subject {
        setup: Arc::clone(run.setup()),
        path: run.snapshots().all().to_vec(),
    }
}

/// Seconds until a job has ended after it was told to stop; nothing where it was
/// over before.
fn stop(engine: &Engine, analysis: Box<dyn Analysis>, after: Duration) -> Option<f64> {
    let job = Job {
        analysis,
        ..Job::new("bench", "bench", engine.origin(), nothing)
    };
    let handle = engine.submit(job);
    std::thread::sleep(after);
    if handle.is_done() {
        return None;
    }
    let start = Instant::now();
    handle.cancel();
    while !handle.is_done() {
        std::thread::sleep(Duration::from_micros(100));
    }
    let _ = engine.drain();
    Some(start.elapsed().as_secs_f64())
}

fn nothing(
    _: &losscape::engine::JobContext,
) -> Result<losscape::engine::AnalysisResult, losscape::engine::JobError> {
    Err(losscape::engine::JobError::Cancelled)
}

type Make = Box<dyn Fn() -> Box<dyn Analysis>>;

/// What jobs are made of.
#[derive(Clone)]
struct Subject {
    setup: Arc<Setup>,
    path: Vec<Arc<Snapshot>>,
}

impl Subject {
    fn last(&self) -> Arc<Snapshot> {
        Arc::clone(self.path.last().expect("a snapshot"))
    }

    /// A job of this name.
    fn job<A: Analysis + 'static>(
        &self,
        name: impl Into<String>,
        make: impl Fn(Arc<Setup>, Arc<Snapshot>, Vec<Arc<Snapshot>>) -> A + 'static,
    ) -> (String, Make) {
        let subject = self.clone();
        let make = move || -> Box<dyn Analysis> {
            let setup = Arc::clone(&subject.setup);
            Box::new(make(setup, subject.last(), subject.path.clone()))
        };
        (name.into(), Box::new(make))
    }
}

/// Every analysis, at its largest.
fn jobs(of: &Subject) -> Vec<(String, Make)> {
    let slice = SliceSettings {
        grid: 257,
        ..SliceSettings::from_recipe(&of.setup.recipe.slice)
    };
    let eigenvectors = [SliceAxis::Largest(0), SliceAxis::Largest(1)];
    let slices = [
        ("slice 257×257", slice.clone()),
        (
            "slice along eigenvectors",
            SliceSettings {
                directions: SliceDirections::Axes(eigenvectors),
                ..slice.clone()
            },
        ),
        (
            "convexity map 17×17",
            SliceSettings {
                grid: 17,
                quantity: SliceQuantity::Convexity,
                ..slice.clone()
            },
        ),
        (
            "gradient norms 257×257",
            SliceSettings {
                quantity: SliceQuantity::GradientNorm,
                ..slice.clone()
            },
        ),
    ];
    let mut all: Vec<(String, Make)> = Vec::new();
    for (name, settings) in slices {
        all.push(of.job(name, move |setup, last, path| {
            analyses::slice_job(setup, last, path, Vec::new(), settings.clone())
        }));
    }
    let theta = &of.last().theta;
    let directions = slice_directions(&of.setup, theta, &[], &slice).expect("directions");
    let plane = slice.clone();
    all.push(of.job("section of 4097 points", move |setup, last, _| {
        let request = SectionRequest {
            centre: last,
            directions: Arc::clone(&directions),
            slice: plane.clone(),
            ends: [[-1.0, -1.0], [1.0, 1.0]],
            points: 4097,
        };
        analyses::section_job(setup, request)
    }));
    let plane = slice.clone();
    all.push(of.job("twelve re-rolls", move |setup, last, path| {
        analyses::rerolls_job(setup, last, path, plane.clone(), (0..12).collect())
    }));
    all.push(of.job("self-test", move |setup, last, _| {
        analyses::invariance_job(setup, last, slice.clone())
    }));
    all.push(of.job("spectrum", |setup, last, _| {
        let settings = SpectrumSettings::from_recipe(&setup.recipe.spectrum, 0);
        analyses::spectrum_job(setup, last, settings)
    }));
    all.push(of.job("saliency of 64 samples", |setup, last, _| {
        analyses::saliency_job(setup, last, Split::Train, (0..64).collect(), 16, None)
    }));
    all.extend(around(of));
    all.extend(curvature_jobs(of));
    all.extend(pieces(of));
    for method in PathMethod::iter() {
        all.push(of.job(format!("path: {method}"), move |setup, last, _| {
            let end = PathEnd::Given {
                name: "last".to_owned(),
                theta: last.theta.iter().map(|x| f64::from(*x)).collect(),
            };
            let settings = PathSettings::new(method, 0);
            paths_job(setup, last.step, end, PathEnd::Twin { seed: 1 }, settings)
        }));
    }
    all
}

/// What looks around the parameters.
fn around(of: &Subject) -> Vec<(String, Make)> {
    vec![
        of.job("sharpness measures", |setup, last, _| {
            analyses::sharpness_job(setup, last, SharpnessSettings::default())
        }),
        of.job("few bits", |setup, last, _| {
            let settings = QuantizedSettings {
                sweep: 401,
                search: 2000,
                plane: true,
                ..QuantizedSettings::from_recipe(&setup)
            };
            quantized_job(setup, last, settings)
        }),
    ]
}

/// The Hessian taken apart.
fn curvature_jobs(of: &Subject) -> Vec<(String, Make)> {
    let spectrum = SpectrumSettings::from_recipe(&of.setup.recipe.spectrum, 0);
    vec![
        of.job("H, G, H − G, exact", move |setup, last, _| {
            let matrices = vec![Matrix::Hessian, Matrix::GaussNewton, Matrix::Rest];
            curvature::matrices_job(setup, last, matrices, true, spectrum)
        }),
        of.job("layers", move |setup, last, _| {
            curvature::layers_job(setup, last, Matrix::Hessian, Cut::Layers, spectrum)
        }),
        of.job("classes", move |setup, last, _| {
            curvature::classes_job(setup, last, true, spectrum)
        }),
        of.job("batches", |setup, last, _| {
            let settings = BatchSettings {
                batches: 4,
                seed: 0,
                tolerance: 1e-3,
            };
            curvature::batches_job(setup, last, settings)
        }),
        of.job("waterfall", |setup, _, path| {
            let settings = WaterfallSettings {
                matrix: Matrix::Hessian,
                rows: 40,
                probes: 3,
                lanczos_steps: 60,
                seed: 0,
            };
            curvature::waterfall_job(setup, path, settings)
        }),
    ]
}

/// Pieces of the run made again.
fn pieces(of: &Subject) -> Vec<(String, Make)> {
    let beginning = |setup: Arc<Setup>, snapshots: Vec<Arc<Snapshot>>| Beginning {
        setup,
        snapshots,
        changes: Vec::new(),
        from: 10,
    };
    vec![
        of.job("stability", move |setup, _, path| {
            let settings = StabilitySettings::of(&setup);
            stability_job(beginning(setup, path), settings)
        }),
        of.job("flows", move |setup, _, path| {
            flow_job(beginning(setup, path), FlowSettings::default())
        }),
        of.job("opposing signals", |setup, _, path| {
            let settings = SignalSettings {
                from: 10,
                steps: 500,
                top: 8,
            };
            analyses::signals_job(setup, path, Vec::new(), settings)
        }),
    ]
}

fn main() {
    losscape::engine::prepare_process();
    let engine = Engine::new(Arc::new(|| ())).expect("threads");
    let chosen: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    for recipe in ["spirals", "digits-mlp", "digits-cnn"] {
        if !chosen.is_empty() && !chosen.iter().any(|chosen| chosen == recipe) {
            continue;
        }
        let subject = trained(recipe, 40);
        println!(
            "{recipe}, {} parameters: until a cancelled job has ended",
            subject.setup.dim()
        );
        for (name, make) in jobs(&subject) {
            let found = AFTER.map(|after| stop(&engine, make(), after));
            let text = found.map(|seconds| match seconds {
                Some(seconds) => format!("{:>7.1}", 1e3 * seconds),
                None => "   over".to_owned(),
            });
            println!("  {name:<26} {} ms", text.join(" "));
        }
    }
}
