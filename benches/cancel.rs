//! How soon an analysis stops: each is begun on the engine's threads, told to stop
//! some time later, and watched until it has ended.
//!
//! `cargo bench --bench cancel`

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use losscape::catalogue;
use losscape::engine::analyses::{
    self, SectionRequest, SliceAxis, SliceDirections, SliceSettings, SpectrumSettings, Split,
    slice_directions,
};
use losscape::engine::paths::{PathEnd, PathMethod, PathSettings, paths_job};
use losscape::engine::{Analysis, Engine, Job};
use losscape::landscape::SliceQuantity;
use losscape::recipe::{Recipe, presets};
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

fn main() {
    losscape::engine::prepare_process();
    let engine = Engine::new(Arc::new(|| ())).expect("threads");
    for recipe in ["spirals", "digits-mlp", "digits-cnn"] {
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
