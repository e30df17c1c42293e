//! A whole training step (batch, graph, gradient, Adam, metrics), in
//! microseconds: the minimum over many short repetitions, as
//! `benches/peers/training_step.py` measures it for PyTorch. And how soon a
//! slice is there.
//!
//! `taskset -c 0 cargo bench --bench training`

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use losscape::catalogue;
use losscape::engine::analyses::{self, SliceSettings};
use losscape::recipe::{Recipe, presets};
use losscape::train::{Run, Setup};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const STEPS: usize = 20;
const REPETITIONS: usize = 200;

/// The recipe of one row of the table.
fn recipe(data: &str, model: &str, batch: usize) -> Recipe {
    let text = format!(
        "name = \"bench\"\n[data]\n{data}\nvalidation_fraction = 0.0\n[model]\nkind = \"mlp\"\n\
         {model}\n[loss]\nkind = \"cross_entropy\"\n[optimizer]\nkind = \"adam\"\n\
         learning_rate = 0.001\n[training]\nbatch_size = {batch}\nsteps = 100000000\n\
         validation_every = 0\n[analyses.spectrum]\nevery = 0\n"
    );
    Recipe::parse(&text, "bench.toml", catalogue::schema()).expect("a valid recipe")
}

fn microseconds_per_step(recipe: &Recipe, base_dir: &Path) -> f64 {
    let mut run = Run::new(recipe, base_dir).expect("a run");
    let mut best = f64::INFINITY;
    for repetition in 0..REPETITIONS + 10 {
        let start = Instant::now();
        for _ in 0..STEPS {
            run.step().expect("a step");
        }
        if repetition >= 10 {
            best = best.min(start.elapsed().as_secs_f64());
        }
    }
    1e6 * best / STEPS as f64
}

/// 1,000 noise images of 28×28 pixels in ten classes, as IDX files.
fn write_images(folder: &Path) {
    let (n, side) = (1000u32, 28u32);
    let mut images = vec![0, 0, 8, 3];
    for size in [n, side, side] {
        images.extend(size.to_be_bytes());
    }
    let mut state = 1u32;
    images.extend((0..n * side * side).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    }));
    let mut labels = vec![0, 0, 8, 1];
    labels.extend(n.to_be_bytes());
    labels.extend((0..n).map(|i| (i % 10) as u8));
    std::fs::write(folder.join("images.idx"), images).expect("a file");
    std::fs::write(folder.join("labels.idx"), labels).expect("a file");
}

/// Seconds from asking to the first useful grid and to 51×51 points, of the
/// 2-32-32-3 network on 300 points.
fn slice_seconds() -> (f64, usize, f64) {
    let text = presets::preset("spirals").expect("a bundled recipe");
    let mut recipe = Recipe::parse(text, "spirals", catalogue::schema()).expect("a valid recipe");
    recipe.data.set("arms", 3);
    recipe.data.set("samples", 300);
    recipe.data.set("validation_fraction", 0.0);
    let setup = Setup::new(Arc::new(recipe), Path::new(".")).expect("a setup");
    let settings = SliceSettings::from_recipe(&setup.recipe.slice);
    let mut best = (f64::INFINITY, 0, f64::INFINITY);
    for _ in 0..20 {
        let start = Instant::now();
        let mut first = None;
        let found = analyses::slice(&setup, &setup.initial, &[], &settings, &(), &mut |level| {
            if let losscape::engine::SliceShape::Plane(plane) = &level.shape {
                first.get_or_insert((start.elapsed().as_secs_f64(), plane.alpha.len()));
            }
        });
        found.expect("a slice");
        let whole = start.elapsed().as_secs_f64();
        let (coarse, points) = first.expect("a coarse grid");
        best = (best.0.min(coarse), points, best.2.min(whole));
    }
    best
}

fn main() {
    losscape::engine::prepare_process();
    let folder = tempfile::tempdir().expect("a folder");
    write_images(folder.path());
    let spirals = "kind = \"spirals\"\narms = 2\nsamples = 1000";
    let images = "kind = \"idx\"\nimages = \"images.idx\"\nlabels = \"labels.idx\"";
    for (name, recipe) in [
        (
            "2-32-32-2 tanh, batch 32, Adam",
            recipe(spirals, "hidden = [32, 32]\nactivation = \"tanh\"", 32),
        ),
        (
            "784-128-10 relu, batch 64, Adam",
            recipe(images, "hidden = [128]\nactivation = \"relu\"", 64),
        ),
    ] {
        let microseconds = microseconds_per_step(&recipe, folder.path());
        println!("training step, {name}: {microseconds:.1} µs");
    }
    let (coarse, points, whole) = slice_seconds();
    println!(
        "slice, 2-32-32-3 tanh, 300 points: {points}×{points} after {:.1} ms, 51×51 after {:.1} ms",
        1e3 * coarse,
        1e3 * whole
    );
}
