//! The real window without a display: driven by accessible names as a person
//! would, drawn by wgpu.
//!
//! A graphics adapter is needed; Mesa's software one will do. Where there is
//! none the tests fail and say what to install.

#![cfg(feature = "gui")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use eframe::egui;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use egui_kittest::{Harness, HarnessBuilder, Node};
use losscape::app::dialogs::{FileDialogs, Question};
use losscape::app::theme::Appearance;
use losscape::app::{App, AppOptions};
use losscape::catalogue;
use losscape::engine::RunState;
use losscape::recipe::Recipe;

/// How long something may take to happen, on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// File dialogs that answer by themselves.
struct Answers(Mutex<Vec<PathBuf>>);

impl FileDialogs for Answers {
    fn is_available(&self) -> bool {
        true
    }

    fn ask(&self, _question: &Question) -> Option<PathBuf> {
        self.0.lock().ok()?.pop()
    }
}

/// Only one window at a time: each trains, and the drawing is done by the same
/// few cores.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Fails with what to install where nothing can draw.
fn need_adapter() {
    static FOUND: OnceLock<bool> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        losscape::engine::prepare_process();
        std::panic::catch_unwind(|| {
            egui_kittest::wgpu::create_render_state(
                egui_kittest::wgpu::default_wgpu_setup(),
                eframe::egui_wgpu::RendererOptions::PREDICTABLE,
            );
        })
        .is_ok()
    });
    assert!(
        *found,
        "no graphics adapter can draw the window: install a Vulkan driver, such as Mesa's \
         software one (Debian: apt install libvulkan1 mesa-vulkan-drivers), or run scripts/test, \
         which does"
    );
}

fn recipe(change: impl FnOnce(&mut Recipe)) -> Recipe {
    let text = losscape::recipe::presets::preset("spirals").expect("the default recipe");
    let mut recipe = Recipe::parse(text, "spirals.toml", catalogue::schema()).expect("valid");
    change(&mut recipe);
    recipe
}

fn options() -> AppOptions {
    AppOptions {
        recipe: Some(recipe(|recipe| {
            // Slow enough to be looked at, and to leave the machine to the window.
            recipe.training.set("steps_per_second", 60);
            recipe.spectrum.set("every", 0);
        })),
        appearance: Some(Appearance::Dark),
        dialogs: Arc::new(Answers(Mutex::new(Vec::new()))),
        ..AppOptions::default()
    }
}

fn window_of(size: [f32; 2], options: AppOptions) -> Harness<'static, App> {
    need_adapter();
    HarnessBuilder::default()
        .with_size(size)
        .with_step_dt(1.0 / 30.0)
        .wgpu()
        .build_eframe(|cc| App::new(cc, options).expect("threads can be started"))
}

fn window(options: AppOptions) -> Harness<'static, App> {
    window_of([1440.0, 900.0], options)
}

/// Makes steps until the condition holds.
#[track_caller]
fn until(
    window: &mut Harness<'static, App>,
    what: &str,
    condition: impl Fn(&Harness<'static, App>) -> bool,
) {
    let start = Instant::now();
    while !condition(window) {
        assert!(start.elapsed() < PATIENCE, "did not come about: {what}");
        window.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    // What follows sees a window that shows it.
    window.run_steps(2);
}

fn step_of(window: &Harness<'static, App>) -> u64 {
    window
        .state()
        .workspace()
        .run()
        .map_or(0, |run| run.newest_step())
}

fn is_running(window: &Harness<'static, App>) -> bool {
    window.state().workspace().is_running()
}

fn click(window: &mut Harness<'static, App>, label: &str) {
    window
        .get_by_role_and_label(egui::Role::Button, label)
        .click();
    window.run_steps(3);
}

fn has(window: &Harness<'static, App>, label: &str) -> bool {
    window.query_all_by_label(label).next().is_some()
}

fn says(window: &Harness<'static, App>, part: &str) -> bool {
    window.query_all_by_label_contains(part).next().is_some()
}

/// The field of this name, which its caption bears too.
#[track_caller]
fn field<'a>(window: &'a Harness<'static, App>, label: &'a str) -> Node<'a> {
    window
        .query_all_by_label(label)
        .find(|node| {
            let role = node.accesskit_node().role();
            matches!(role, egui::Role::SpinButton | egui::Role::TextInput)
        })
        .unwrap_or_else(|| panic!("there is no field {label}"))
}

/// Types into the field of this name, in place of what is there.
fn retype(window: &mut Harness<'static, App>, label: &str, text: &str) {
    field(window, label).click();
    window.run_steps(3);
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    window.run_steps(2);
    window.event(egui::Event::Text(text.to_owned()));
    window.run_steps(2);
    window.key_press(egui::Key::Enter);
    window.run_steps(3);
}

/// Draws the window and checks that there is something on it.
fn picture(window: &mut Harness<'static, App>) -> image::RgbaImage {
    let image = window.render().expect("the window can be drawn");
    let mut colors: Vec<[u8; 4]> = image.pixels().step_by(97).map(|pixel| pixel.0).collect();
    colors.sort_unstable();
    colors.dedup();
    assert!(colors.len() > 12, "the window is as good as empty");
    if let Some(folder) = std::env::var_os("LOSSCAPE_PICTURES") {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = std::thread::current().name().unwrap_or("window").to_owned();
        let _ = image.save(Path::new(&folder).join(format!("{name}-{number:02}.png")));
    }
    image
}

fn mean_brightness(image: &image::RgbaImage) -> f64 {
    let sum: f64 = image
        .pixels()
        .map(|pixel| f64::from(pixel.0[0]) + f64::from(pixel.0[1]) + f64::from(pixel.0[2]))
        .sum();
    sum / (3.0 * f64::from(image.width()) * f64::from(image.height()))
}

#[test]
fn it_opens_already_training_with_every_view() {
    let _alone = alone();
    let mut window = window(options());
    until(&mut window, "training", |window| step_of(window) > 5);
    for title in ["Loss curves", "Landscape", "Spectrum"] {
        assert!(has(&window, title), "{title}");
    }
    assert!(has(&window, "Experiment: Two spirals"));
    picture(&mut window);
}

#[test]
fn it_plays_pauses_steps_and_restarts() {
    let _alone = alone();
    let mut window = window(options());
    until(&mut window, "training", |window| step_of(window) > 3);
    click(&mut window, "Pause");
    until(&mut window, "paused", |window| !is_running(window));
    let paused_at = step_of(&window);
    window.run_steps(5);
    assert_eq!(step_of(&window), paused_at);

    click(&mut window, "One step");
    until(&mut window, "one more step", |window| {
        step_of(window) == paused_at + 1
    });
    assert!(!is_running(&window));

    click(&mut window, "Play");
    until(&mut window, "on again", |window| {
        step_of(window) > paused_at + 3
    });
    window.key_press(egui::Key::Space);
    until(&mut window, "paused by the space bar", |window| {
        !is_running(window)
    });
    window.key_press(egui::Key::R);
    until(&mut window, "back at the start", |window| {
        step_of(window) == 0
    });
}

#[test]
fn the_gallery_starts_another_experiment() {
    let _alone = alone();
    let mut window = window(options());
    until(&mut window, "training", |window| step_of(window) > 0);
    click(&mut window, "Experiment: Two spirals");
    assert!(has(&window, "Experiments"));
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(500) {
        window.step();
        std::thread::sleep(Duration::from_millis(10));
    }
    picture(&mut window);
    // Any other card will do.
    let names: Vec<String> = losscape::recipe::PRESETS
        .iter()
        .filter_map(|(name, text)| Recipe::parse(text, name, catalogue::schema()).ok())
        .map(|recipe| recipe.name)
        .collect();
    let other = names
        .iter()
        .find(|name| *name != "Two spirals" && has(&window, name))
        .expect("more than one card")
        .clone();
    click(&mut window, &other);
    until(&mut window, "the other experiment", |window| {
        let ws = window.state().workspace();
        ws.run().is_some_and(|run| run.info.recipe.name == other) && step_of(window) > 0
    });
    assert_eq!(window.state().workspace().runs.len(), 1);
    assert!(!has(&window, "Experiments"));
}

#[test]
fn a_learning_rate_acts_at_once_and_can_be_undone() {
    let _alone = alone();
    let mut window = window(options());
    until(&mut window, "training", |window| step_of(window) > 0);
    let before = window
        .state()
        .workspace()
        .recipe
        .optimizer
        .float("learning_rate");
    retype(&mut window, "Learning rate η", "0.0125");
    let rate = |window: &Harness<'static, App>| {
        let row = window.state().workspace().run()?.history.last()?.clone();
        Some(row.learning_rate)
    };
    until(&mut window, "the new rate", |window| {
        rate(window) == Some(0.0125)
    });
    assert_eq!(window.state().workspace().runs.len(), 1, "no restart");
    assert!(!has(&window, "Restarts the run"));
    // The undo point settles after a moment without changes.
    window.run_steps(30);
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    until(&mut window, "the old rate", |window| {
        rate(window) == Some(before)
    });
}

#[test]
fn other_changes_wait_for_apply_and_keep_the_run_for_comparison() {
    let _alone = alone();
    let mut window = window(options());
    until(&mut window, "training", |window| step_of(window) > 2);
    retype(&mut window, "Seed", "7");
    assert!(has(&window, "Restarts the run"));
    click(&mut window, "Revert");
    assert!(!has(&window, "Restarts the run"));
    retype(&mut window, "Seed", "7");
    click(&mut window, "Apply");
    until(&mut window, "the second run", |window| {
        window.state().workspace().runs.len() == 2 && step_of(window) > 2
    });
    let ws = window.state().workspace();
    assert_eq!(ws.run().map(|run| run.info.recipe.seed), Some(7));
    assert!(ws.runs[0].history.len() > 1);
    assert!(has(&window, "Runs"));
    picture(&mut window);
    click(&mut window, "Hide Two spirals");
    assert!(!window.state().workspace().runs[0].visible);
    click(&mut window, "Remove Two spirals");
    assert_eq!(window.state().workspace().runs.len(), 1);
    assert!(!has(&window, "Runs"));
}

#[test]
fn an_invalid_value_says_what_was_expected() {
    let _alone = alone();
    let mut window = window(options());
    until(&mut window, "training", |window| step_of(window) > 0);
    retype(&mut window, "Learning rate η", "-3");
    assert!(
        says(&window, "optimizer.learning_rate is -3"),
        "the sentence stands beside the field"
    );
    picture(&mut window);
    window.run_steps(30);
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    window.run_steps(3);
    assert!(!says(&window, "optimizer.learning_rate is -3"));
}

#[test]
fn keys_bring_every_view_forward_and_maximise_it() {
    let _alone = alone();
    let mut window = window(options());
    until(&mut window, "training", |window| step_of(window) > 2);
    let keys = [
        egui::Key::Num1,
        egui::Key::Num2,
        egui::Key::Num3,
        egui::Key::Num4,
        egui::Key::Num5,
        egui::Key::Num6,
        egui::Key::Num8,
    ];
    for key in keys {
        window.key_press(key);
        window.run_steps(2);
        window.key_press(egui::Key::F);
        window.run_steps(4);
        let bench = window.state().workbench();
        let kind = bench.maximised().expect("the view fills the centre");
        assert_eq!(kind, bench.focused());
        let title = bench.title(kind, window.state().workspace());
        assert!(has(&window, &format!("Restore {title}")), "{title}");
        picture(&mut window);
        window.key_press(egui::Key::Escape);
        window.run_steps(2);
        assert_eq!(window.state().workbench().maximised(), None);
    }
}

#[test]
fn the_palette_finds_and_does_commands() {
    let _alone = alone();
    let mut window = window(options());
    until(&mut window, "training", |window| step_of(window) > 0);
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::K);
    window.run_steps(3);
    window.event(egui::Event::Text("light theme".to_owned()));
    window.run_steps(3);
    assert!(has(&window, "View: Light theme"));
    picture(&mut window);
    window.key_press(egui::Key::Enter);
    window.run_steps(3);
    assert_eq!(window.state().appearance(), Appearance::Light);
    assert!(!has(&window, "View: Light theme"), "the palette is closed");
    // Plain keys do nothing while something is typed there.
    let running = is_running(&window);
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::K);
    window.run_steps(3);
    window.key_press(egui::Key::Space);
    window.run_steps(3);
    assert_eq!(is_running(&window), running);
    window.key_press(egui::Key::Escape);
    window.run_steps(3);
    assert!(!says(&window, "View: "));
}

#[test]
fn light_is_lighter_than_dark() {
    let _alone = alone();
    let mut window = window(options());
    until(&mut window, "training", |window| step_of(window) > 2);
    let dark = mean_brightness(&picture(&mut window));
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::K);
    window.run_steps(2);
    window.event(egui::Event::Text("light theme".to_owned()));
    window.run_steps(2);
    window.key_press(egui::Key::Enter);
    window.run_steps(4);
    let light = mean_brightness(&picture(&mut window));
    assert!(dark < 90.0 && light > 170.0, "{dark} {light}");
}

fn export(window: &mut Harness<'static, App>, file: &Path) {
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::E);
    window.run_steps(3);
    assert!(has(window, "Export figure"));
    retype(window, "File", &file.to_string_lossy());
    picture(window);
    // The dialog grows when its preview is ready; a click that just then lands
    // beside the button is made again.
    let start = Instant::now();
    while has(window, "Export figure") {
        assert!(start.elapsed() < PATIENCE, "the dialog does not close");
        if let Some(button) = window.query_by_label("Export") {
            button.click();
        }
        for _ in 0..40 {
            if has(window, "Export figure") {
                window.step();
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
    assert!(file.is_file(), "there is no {}", file.display());
}

#[test]
fn a_figure_goes_to_a_file_and_brings_its_experiment_back() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(options());
    until(&mut window, "training", |window| step_of(window) > 5);
    window.key_press(egui::Key::Num1);
    window.run_steps(5);
    let file = folder.path().join("loss.svg");
    export(&mut window, &file);
    let text = std::fs::read_to_string(&file).expect("the figure");
    assert!(text.starts_with("<svg") || text.starts_with("<?xml"));
    assert!(text.contains("<text"), "text stays text");
    let embedded = losscape::figure::embed::read_embedded_recipe(text.as_bytes())
        .expect("readable")
        .expect("the recipe is inside");
    assert!(embedded.contains("Two spirals"));

    // Dropped on a window that runs something else, it comes back.
    let other = recipe(|recipe| recipe.name = "Something else".to_owned());
    window
        .state_mut()
        .workspace_mut()
        .open(other, PathBuf::from("."), true);
    until(&mut window, "something else", |window| {
        has(window, "Experiment: Something else") && step_of(window) > 0
    });
    let context = window.ctx.clone();
    window.state_mut().open_file(&context, &file);
    until(&mut window, "two spirals again", |window| {
        has(window, "Experiment: Two spirals") && step_of(window) > 0
    });
}

#[test]
fn an_export_that_fails_says_why_and_stays_open() {
    let _alone = alone();
    let mut window = window(options());
    until(&mut window, "training", |window| step_of(window) > 5);
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::E);
    window.run_steps(3);
    retype(&mut window, "File", "/no/such/folder/figure.svg");
    click(&mut window, "Export");
    until(&mut window, "the sentence", |window| {
        has(window, "There is no folder /no/such/folder")
    });
    click(&mut window, "Cancel");
    assert!(!has(&window, "Export figure"));
}

#[test]
fn a_divergence_is_explained_with_two_ways_out() {
    let _alone = alone();
    let mut options = options();
    options.recipe = Some(recipe(|recipe| {
        let schema = catalogue::schema();
        let optimizer = schema.section("optimizer").expect("optimizers");
        assert!(optimizer.switch_kind(&mut recipe.optimizer, "sgd"));
        recipe.optimizer.set("learning_rate", 1.0e9);
        let loss = schema.section("loss").expect("losses");
        assert!(loss.switch_kind(&mut recipe.loss, "mean_squared_error"));
        recipe.training.set("steps_per_second", 0);
    }));
    let mut window = window(options);
    until(&mut window, "the divergence", |window| {
        let run = window.state().workspace().run();
        run.is_some_and(|run| matches!(run.state, RunState::Diverged(_)))
    });
    assert!(says(&window, "Step back to"));
    assert!(says(&window, "Lower η to"));
    picture(&mut window);
    window.get_by_label_contains("Step back to").click();
    until(&mut window, "the way back", |window| {
        let run = window.state().workspace().run();
        run.is_some_and(|run| run.state == RunState::Paused)
    });
    assert!(!says(&window, "Step back to"));
}

#[test]
fn a_recipe_file_is_opened_through_the_dialog() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.toml");
    let text = recipe(|recipe| recipe.name = "Mine".to_owned()).to_toml(catalogue::schema());
    std::fs::write(&path, text).expect("written");
    let mut options = options();
    options.dialogs = Arc::new(Answers(Mutex::new(vec![path])));
    let mut window = window(options);
    until(&mut window, "training", |window| step_of(window) > 0);
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::O);
    until(&mut window, "my recipe", |window| {
        has(window, "Experiment: Mine") && step_of(window) > 0
    });
}

/// Does a command through the palette.
fn command(window: &mut Harness<'static, App>, words: &str) {
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::K);
    window.run_steps(3);
    window.event(egui::Event::Text(words.to_owned()));
    window.run_steps(2);
    window.key_press(egui::Key::Enter);
    window.run_steps(4);
}

#[test]
fn small_windows_open_and_close() {
    let _alone = alone();
    let mut window = window(options());
    until(&mut window, "training", |window| step_of(window) > 2);
    for (words, sign) in [
        ("all keys", "Make one training step, then hold"),
        ("about", "Licence"),
    ] {
        command(&mut window, words);
        assert!(says(&window, sign), "{words}");
        picture(&mut window);
        window.key_press(egui::Key::Escape);
        window.run_steps(3);
        assert!(!says(&window, sign), "{words}");
    }
    click(&mut window, "Loss curves menu");
    click(&mut window, "What this shows…");
    assert!(says(&window, "The loss of every step"));
    window.key_press(egui::Key::Escape);
    window.run_steps(3);
    click(&mut window, "Loss curves menu");
    click(&mut window, "Show the numbers…");
    until(&mut window, "the table", |window| says(window, " rows"));
    picture(&mut window);
}

#[test]
fn the_landscape_becomes_a_surface_while_it_trains() {
    let _alone = alone();
    let mut window = window(options());
    until(&mut window, "training", |window| step_of(window) > 2);
    window.key_press(egui::Key::Num2);
    window.run_steps(2);
    until(&mut window, "the slice", |window| {
        says(window, "β (filter norms) against")
    });
    let flat = picture(&mut window);
    window.get_by_label("Slice: 3-D").click();
    until(&mut window, "the surface", |window| {
        says(window, "Loss surface. ")
    });
    assert!(!says(&window, "no graphics adapter here"));
    let before = step_of(&window);
    until(&mut window, "training goes on", |window| {
        step_of(window) > before + 10
    });
    let solid = picture(&mut window);
    let area = window.get_by_label_contains("Loss surface. ").rect();
    assert!(area.width() > 200.0 && area.height() > 150.0, "{area:?}");
    let inside = |image: &image::RgbaImage| -> Vec<[u8; 4]> {
        let (left, top) = (area.left() as u32, area.top() as u32);
        let (width, height) = (area.width() as u32, area.height() as u32);
        (0..width * height)
            .map(|k| image.get_pixel(left + k % width, top + k / width).0)
            .collect()
    };
    let (flat, first) = (inside(&flat), inside(&solid));
    let differ = |a: &[[u8; 4]], b: &[[u8; 4]]| {
        a.iter().zip(b).filter(|(a, b)| a != b).count() as f64 / a.len() as f64
    };
    assert!(differ(&flat, &first) > 0.3, "the surface is not the map");
    let colors: std::collections::BTreeSet<[u8; 4]> = first.iter().copied().collect();
    assert!(colors.len() > 200, "{} colours", colors.len());

    // Turned by the hand it looks otherwise.
    let at = area.center();
    window.drag_at(at);
    window.step();
    window.hover_at(at + egui::vec2(90.0, 20.0));
    window.step();
    window.drop_at(at + egui::vec2(90.0, 20.0));
    window.run_steps(4);
    let turned = inside(&picture(&mut window));
    assert!(differ(&first, &turned) > 0.2);
    click(&mut window, "Reset view");
    window.get_by_label("Slice: 2-D").click();
    until(&mut window, "the map", |window| {
        says(window, "β (filter norms) against")
    });
}

#[test]
fn a_surface_is_exported_as_it_is_seen() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(options());
    until(&mut window, "training", |window| step_of(window) > 2);
    window.key_press(egui::Key::Num2);
    window.run_steps(2);
    window.get_by_label("Slice: 3-D").click();
    until(&mut window, "the surface", |window| {
        says(window, "Loss surface. ")
    });
    let file = folder.path().join("surface.svg");
    export(&mut window, &file);
    let svg = std::fs::read_to_string(&file).expect("the file");
    assert!(
        svg.contains("data:image/png;base64"),
        "the picture is in it"
    );
    assert!(svg.contains("α (filter norms)"), "texts are texts");
    assert!(
        losscape::figure::read_embedded_recipe(svg.as_bytes())
            .expect("readable")
            .is_some()
    );
}

#[test]
fn the_presentation_mode_hides_the_recipe_and_ends_with_escape() {
    let _alone = alone();
    let mut window = window(options());
    until(&mut window, "training", |window| step_of(window) > 2);
    assert!(has(&window, "Recipe"));
    window.key_press(egui::Key::F11);
    window.run_steps(4);
    assert!(window.state().is_presentation());
    assert!(!has(&window, "Recipe"));
    picture(&mut window);
    window.key_press(egui::Key::Escape);
    window.run_steps(4);
    assert!(!window.state().is_presentation());
    assert!(has(&window, "Recipe"));
}

#[test]
fn a_dragged_file_says_what_it_would_do() {
    let _alone = alone();
    let mut window = window(options());
    until(&mut window, "training", |window| step_of(window) > 2);
    let before = mean_brightness(&picture(&mut window));
    window.input_mut().hovered_files.push(egui::HoveredFile {
        path: Some(PathBuf::from("/somewhere/table.csv")),
        mime: String::new(),
    });
    window.step();
    let covered = mean_brightness(&picture(&mut window));
    assert!(covered < 0.9 * before, "{covered} {before}");
}

#[test]
fn a_past_snapshot_can_be_looked_at() {
    let _alone = alone();
    let mut window = window(options());
    until(&mut window, "training", |window| step_of(window) > 20);
    click(&mut window, "Pause");
    window.get_by_label("Timeline").click();
    window.run_steps(3);
    let selected = window.state().workspace().selected;
    assert!(selected.is_some());
    click(&mut window, "Live");
    assert_eq!(window.state().workspace().selected, None);
}

#[test]
fn it_fits_small_windows_and_large_text() {
    let _alone = alone();
    for (size, zoom) in [
        ([1024.0, 700.0], 1.0),
        ([720.0, 480.0], 1.0),
        ([1440.0, 900.0], 2.0),
    ] {
        let mut window = window_of(size, options());
        window.ctx.set_zoom_factor(zoom);
        until(&mut window, "training", |window| step_of(window) > 3);
        assert!(has(&window, "Pause"));
        picture(&mut window);
    }
}

#[test]
fn the_windows_own_work_is_measured() {
    let _alone = alone();
    let mut window = window(options());
    until(&mut window, "training", |window| step_of(window) > 10);
    window.state_mut().clear_frame_times();
    window.run_steps(20);
    // How long a frame takes is for `benches/window.rs` to say.
    let times = window.state().frame_times();
    assert_eq!(times.len(), 20);
    assert!(times.median() > 0.0 && times.median() <= times.p99());
}
