//! What an open window costs: the UI thread's own work per frame, and the
//! training speed with all views live against training alone. Painting is left
//! out: that is the graphics driver's. How old the slice is that is shown; and the
//! same work while the ball is dragged over the map.
//!
//! `cargo bench --bench window [RECIPE…] [SECONDS]`
//!
//! The processor's time per frame leaves out the waiting for a core that others
//! have: on a busy machine it is the figure to compare.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use egui_kittest::{Harness, HarnessBuilder};
use losscape::app::panels::PanelKind;
use losscape::app::{App, AppOptions, FrameTimes};
use losscape::catalogue;
use losscape::engine::{Command, Engine, EventKind};
use losscape::recipe::{Recipe, presets};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FRAME: Duration = Duration::from_millis(33);
const SECONDS: f64 = 6.0;
/// No frame is to take longer while somebody drags.
const SMOOTH: f64 = 0.016;
const ROUNDS: usize = 3;

/// A bundled recipe without speed limit or end.
fn recipe(name: &str) -> Recipe {
    let text = presets::preset(name).expect("a bundled recipe");
    let mut recipe = Recipe::parse(text, name, catalogue::schema()).expect("a valid recipe");
    recipe.training.set("steps_per_second", 0);
    recipe.training.set("steps", 100_000_000);
    recipe
}

/// Steps per second of the trainer thread alone: no window, no analyses.
fn alone(name: &str) -> f64 {
    let mut recipe = recipe(name);
    recipe.spectrum.set("every", 0);
    let engine = Engine::new(Arc::new(|| ())).expect("threads");
    engine
        .load(Arc::new(recipe), PathBuf::from("."))
        .expect("the trainer runs");
    engine.send(Command::Play).expect("the trainer runs");
    let mut newest = 0;
    let mut drain = |seconds: f64| {
        let start = Instant::now();
        while start.elapsed().as_secs_f64() < seconds {
            for event in engine.drain() {
                if let EventKind::Metrics(rows) = &event.kind {
                    newest = rows.last().map_or(newest, |row| row.step);
                }
            }
            std::thread::sleep(FRAME);
        }
        newest
    };
    let first = drain(1.0);
    let start = Instant::now();
    let last = drain(SECONDS);
    (last - first) as f64 / start.elapsed().as_secs_f64()
}

fn step(window: &Harness<'_, App>) -> u64 {
    let run = window.state().workspace().run();
    run.map_or(0, |run| run.newest_step())
}

/// The step of the slice that is on the screen.
fn slice_step(window: &Harness<'_, App>) -> Option<u64> {
    let app = window.state();
    let figure = app
        .workbench()
        .figure(PanelKind::Landscape, app.workspace())?;
    let note = figure.axes().next()?.note.clone()?;
    let step = note
        .split(" · ")
        .find_map(|part| part.strip_prefix("step "))?;
    let digits: String = step.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Draws frames at 30 Hz for so many seconds. Returns how old the parameters
/// under the slice were, in seconds, looking twice a second.
fn draw(window: &mut Harness<'_, App>, seconds: f64) -> Vec<f64> {
    let start = Instant::now();
    let (mut passed, mut ages, mut next) = (Vec::new(), Vec::new(), 0.5);
    while start.elapsed().as_secs_f64() < seconds {
        let frame = Instant::now();
        window.step();
        let now = start.elapsed().as_secs_f64();
        passed.push((now, step(window)));
        if now > next {
            next += 0.5;
            if let Some(shown) = slice_step(window) {
                let before = passed.partition_point(|(_, step)| *step < shown);
                ages.push(now - passed.get(before).map_or(now, |(time, _)| *time));
            }
        }
        std::thread::sleep(FRAME.saturating_sub(frame.elapsed()));
    }
    ages.sort_by(f64::total_cmp);
    ages
}

/// Drags the ball round on the map for so many seconds: the frames' times on the
/// wall and on the processor, if it was caught.
fn drag(window: &mut Harness<'_, App>, seconds: f64) -> Option<(FrameTimes, FrameTimes)> {
    let map = window
        .get_all_by_role(egui::accesskit::Role::Image)
        .find(|node| {
            let node = node.accesskit_node();
            node.label()
                .is_some_and(|text| text.contains("around the parameters"))
        })
        .map(|node| node.rect())?;
    let middle = map.center();
    window.hover_at(middle);
    window.step();
    window.drag_at(middle);
    window.state_mut().clear_frame_times();
    let (start, mut turns) = (Instant::now(), 0.0f32);
    while start.elapsed().as_secs_f64() < seconds {
        let frame = Instant::now();
        turns += 0.02;
        let reach = 0.2 * map.height().min(map.width());
        window.hover_at(middle + reach * egui::Vec2::angled(turns * std::f32::consts::TAU));
        window.step();
        std::thread::sleep(FRAME.saturating_sub(frame.elapsed()));
    }
    let app = window.state();
    let times = (app.frame_times().clone(), app.processor_times().clone());
    // Let go, it begins a branch.
    window.drop_at(middle + egui::vec2(0.1 * map.height(), 0.0));
    for _ in 0..30 {
        window.step();
        std::thread::sleep(FRAME);
    }
    (window.state().workspace().runs.len() > 1).then_some(times)
}

/// Steps per second under an open window with every view live, and the UI
/// thread's work per frame: on the wall, and on the processor; and the ages of the
/// slice. Then the same work while the ball is dragged, if it was caught.
fn under_a_window(name: &str, seconds: f64) -> Measured {
    let options = AppOptions {
        recipe: Some(recipe(name)),
        ..AppOptions::default()
    };
    let mut window = HarnessBuilder::default()
        .with_size([1440.0, 900.0])
        .with_step_dt(FRAME.as_secs_f32())
        .build_eframe(|cc| App::new(cc, options).expect("threads"));
    let _ = draw(&mut window, 2.0);
    window.state_mut().clear_frame_times();
    let (first, start) = (step(&window), Instant::now());
    let ages = draw(&mut window, seconds);
    let rate = (step(&window) - first) as f64 / start.elapsed().as_secs_f64();
    let app = window.state();
    let (wall, processor) = (app.frame_times().clone(), app.processor_times().clone());
    window.state_mut().clear_frame_times();
    let dragging = drag(&mut window, seconds);
    Measured {
        rate,
        wall,
        processor,
        ages,
        dragging,
    }
}

/// What an open window costs.
struct Measured {
    rate: f64,
    wall: FrameTimes,
    processor: FrameTimes,
    ages: Vec<f64>,
    dragging: Option<(FrameTimes, FrameTimes)>,
}

fn main() {
    losscape::engine::prepare_process();
    println!(
        "{:<12} {:>12} {:>12} {:>7}  {:>24}  {:>24}  {:>20}",
        "recipe",
        "alone",
        "with window",
        "ratio",
        "frame, wall: p50 p99 max",
        "processor: p50 p99 max",
        "age of the slice",
    );
    let recipes = ["spirals", "digits-mlp", "digits-cnn"];
    let chosen: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let seconds = chosen.iter().find_map(|argument| argument.parse().ok());
    let named = chosen.iter().any(|chosen| recipes.contains(&&**chosen));
    for name in recipes {
        if named && !chosen.iter().any(|chosen| chosen == name) {
            continue;
        }
        for _ in 0..ROUNDS {
            let alone = alone(name);
            let Measured {
                rate,
                wall,
                processor,
                ages,
                dragging,
            } = under_a_window(name, seconds.unwrap_or(SECONDS));
            let middle = ages.get(ages.len() / 2).copied().unwrap_or(f64::NAN);
            let oldest = ages.last().copied().unwrap_or(f64::NAN);
            let columns = |times: &FrameTimes| {
                [times.median(), times.p99(), times.longest()]
                    .map(|seconds| format!("{:>5.2}", 1e3 * seconds))
                    .join(" ")
            };
            println!(
                "{name:<12} {alone:>7.0} st/s {rate:>7.0} st/s {:>7.3}  {:>21} ms  {:>21} ms  {middle:>4.1} s, at most {oldest:.1} s",
                rate / alone,
                columns(&wall),
                columns(&processor),
            );
            match &dragging {
                Some((wall, processor)) => println!(
                    "{:>45}  {:>21} ms  {:>21} ms  {} of {} over {} ms",
                    "while the ball is dragged:",
                    columns(wall),
                    columns(processor),
                    wall.over(SMOOTH),
                    wall.len(),
                    1e3 * SMOOTH,
                ),
                None => println!("{:>45}  the ball was not caught", ""),
            }
        }
    }
}
