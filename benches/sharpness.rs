//! What the sharpness costs: training with and without a measurement at every
//! step, and the spectrum of a network of 100,000 parameters.
//!
//! `cargo bench --bench sharpness`

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use losscape::benchmark::{Case, NetworkKind};
use losscape::catalogue;
use losscape::curvature::{DensityOptions, ExtremalOptions, spectral_density, top_eigenvalues};
use losscape::engine::analyses::{TrackSettings, Tracked, Tracker};
use losscape::engine::{Command, Engine, EventKind, thread_time};
use losscape::math::follow::{FollowOptions, Follower};
use losscape::math::rng::stream;
use losscape::math::vector::{axpy, to_f64};
use losscape::objective::Objective;
use losscape::recipe::{Recipe, presets};
use losscape::train::Run;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A 1-16-16-1 tanh network, 321 parameters, on twenty points.
fn small(share: f64) -> Recipe {
    let text = presets::preset("chebyshev").expect("a bundled recipe");
    let mut recipe = Recipe::parse(text, "small", catalogue::schema()).expect("a valid recipe");
    recipe.model.set("hidden", vec![16i64, 16]);
    recipe.training.set("steps_per_second", 0);
    recipe.training.set("steps", 100_000_000);
    recipe.spectrum.set("every", i64::from(share > 0.0));
    recipe.spectrum.set("top", 1);
    recipe.spectrum.set("bottom", 0);
    recipe.spectrum.set("share", share.max(0.01));
    recipe
}

fn now() -> Duration {
    thread_time().unwrap_or_default()
}

/// Microseconds of processor time of a step, of a measurement, and products of
/// one, over so many steps.
fn one_thread(steps: u32) -> (f64, f64, f64) {
    let mut run = Run::new(&small(0.0), Path::new(".")).expect("a run");
    let settings = TrackSettings {
        top: 1,
        bottom: 0,
        batch_sharpness: false,
    };
    let mut tracker = Tracker::default();
    let (mut stepping, mut measuring, mut products) = (Duration::ZERO, Duration::ZERO, 0);
    for _ in 0..steps {
        let start = now();
        let at = Tracked::of(&run);
        tracker
            .measure(run.setup(), run.parameters(), &at, &settings, &())
            .expect("a sharpness");
        let middle = now();
        run.step().expect("a step");
        measuring += middle - start;
        stepping += now() - middle;
        products += tracker.products();
    }
    let per_step = 1e6 / f64::from(steps);
    (
        stepping.as_secs_f64() * per_step,
        measuring.as_secs_f64() * per_step,
        products as f64 / f64::from(steps),
    )
}

/// Steps per second of the engine, and the share of steps with a sharpness.
fn engine(share: f64, seconds: f64) -> (f64, f64) {
    let engine = Engine::new(Arc::new(|| ())).expect("threads");
    engine
        .load(Arc::new(small(share)), PathBuf::from("."))
        .expect("the trainer runs");
    engine.send(Command::Play).expect("the trainer runs");
    let (mut newest, mut points) = (0, 0);
    let mut drain = |seconds: f64| {
        let start = Instant::now();
        while start.elapsed().as_secs_f64() < seconds {
            for event in engine.drain() {
                match &event.kind {
                    EventKind::Metrics(rows) => {
                        newest = rows.last().map_or(newest, |row| row.step);
                    }
                    EventKind::Spectrum(new) => points += new.len(),
                    _ => {}
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        (newest, points)
    };
    let first = drain(0.5);
    let start = Instant::now();
    let last = drain(seconds);
    let steps = (last.0 - first.0) as f64;
    (
        steps / start.elapsed().as_secs_f64(),
        (last.1 - first.1) as f64 / steps,
    )
}

/// Memory of this process in MiB, now; nothing where the system does not tell.
fn memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    digits.parse::<f64>().ok().map(|kib| kib / 1024.0)
}

/// The ends and the density of the Hessian of a 784-128-10 network, 101,770
/// parameters, on 1,000 samples; and its sharpness from step to step.
fn spectra() {
    let case = Case::new(NetworkKind::Wide).expect("a network");
    let objective: Objective<f64> =
        Objective::new(case.network, case.loss, &case.data).expect("an objective");
    let mut theta = to_f64(&case.theta);
    println!("{} parameters, {} samples", theta.len(), objective.len());
    let before = memory();
    let mut hessian = objective.hessian(&theta);
    for top in [1, 5] {
        let options = ExtremalOptions {
            largest: top,
            smallest: 0,
            ..ExtremalOptions::default()
        };
        let start = Instant::now();
        let found = top_eigenvalues(&hessian, &options, &[], &mut stream(0, "bench"), &())
            .expect("eigenvalues");
        println!(
            "top-{top}: {:.2} s, {} products, residual at most {:.1e}",
            start.elapsed().as_secs_f64(),
            found.products,
            found
                .eigenvalues
                .iter()
                .map(|e| e.residual / e.value)
                .fold(0.0, f64::max),
        );
    }
    let options = DensityOptions {
        probes: 4,
        steps: 60,
        ..DensityOptions::default()
    };
    let start = Instant::now();
    spectral_density(&hessian, &options, None, &mut stream(0, "bench"), &()).expect("a density");
    println!(
        "density, 4 probes × 60 steps: {:.2} s",
        start.elapsed().as_secs_f64()
    );
    if let (Some(before), Some(after)) = (before, memory()) {
        println!("memory: {:.0} MiB more than before", after - before);
    }
    let (mut follower, mut random) = (Follower::default(), stream(0, "bench"));
    let (mut gradient, mut workspace) = (vec![0.0; theta.len()], objective.workspace());
    let mut times = Vec::new();
    for _ in 0..30 {
        let start = Instant::now();
        hessian.move_to(&theta);
        follower
            .measure(&hessian, &FollowOptions::default(), &mut random, &())
            .expect("a sharpness");
        times.push((start.elapsed().as_secs_f64(), follower.products()));
        objective.gradient(&theta, &mut workspace, &mut gradient);
        axpy(-0.05, &gradient, &mut theta);
    }
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (seconds, products) = times[15];
    println!(
        "top-1 from step to step: {:.0} ms ({products} products)",
        1e3 * seconds
    );
}

fn main() {
    losscape::engine::prepare_process();
    for _ in 0..3 {
        let (step, measurement, products) = one_thread(20_000);
        println!(
            "321 parameters, 20 points: step {step:.1} µs, top-1 {measurement:.1} µs \
             ({products:.2} products), speed {:.2} of the bare one",
            step / (step + measurement)
        );
    }
    for share in [1.0, 0.3] {
        let (bare, _) = engine(0.0, 3.0);
        let (with, measured) = engine(share, 3.0);
        println!(
            "engine, share {share}: {with:.0} of {bare:.0} steps/s ({:.2}), {:.1} % of the steps \
             measured",
            with / bare,
            100.0 * measured
        );
    }
    spectra();
}
