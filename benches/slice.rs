//! How soon a slice is there: its first useful grid and all of it. (Training
//! steps are measured by `losscape bench`.)
//!
//! `cargo bench --bench slice`

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use losscape::benchmark::{Case, NetworkKind};
use losscape::catalogue;
use losscape::engine::analyses::{self, SliceSettings};
use losscape::landscape::{GridAxis, evaluate_slice2d};
use losscape::objective::Objective;
use losscape::recipe::{Recipe, presets};
use losscape::train::Setup;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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

/// Seconds for 129×129 points of 784-128-10 on 1000 samples, on all cores.
fn wide_seconds() -> f64 {
    let case = Case::new(NetworkKind::Wide).expect("a network");
    let objective: Objective<f32> =
        Objective::new(case.network, case.loss, &case.data).expect("an objective");
    let axis = GridAxis::symmetric(1.0, 129).expect("an axis");
    let [first, second] = &case.directions;
    (0..3)
        .map(|_| {
            let start = Instant::now();
            let plane = objective.plane(&case.theta, first, second);
            evaluate_slice2d(&plane, &axis, &axis, &(), &mut |_| ()).expect("a slice");
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

fn main() {
    losscape::engine::prepare_process();
    let (coarse, points, whole) = slice_seconds();
    println!(
        "slice, 2-32-32-3 tanh, 300 points: {points}×{points} after {:.1} ms, 51×51 after {:.1} ms",
        1e3 * coarse,
        1e3 * whole
    );
    println!(
        "slice, 784-128-10 relu, 1000 samples: 129×129 after {:.2} s",
        wide_seconds()
    );
}
