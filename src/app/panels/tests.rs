use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::{self, Rect, Ui, UiBuilder, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use strum::IntoEnumIterator as _;

use super::*;
use crate::app::plot::testing;
use crate::app::theme::Palette;
use crate::catalogue;
use crate::engine::RunState;
use crate::recipe::Recipe;

mod drawing;
mod hessian;

/// Panels over a real engine.
pub(super) struct Bench {
    pub(super) ws: Workspace,
    pub(super) panels: Vec<Box<dyn Panel>>,
}

impl Bench {
    fn new(kinds: &[PanelKind]) -> Self {
        Self {
            ws: Workspace::new(Arc::new(|| ())).expect("threads"),
            panels: kinds.iter().map(|kind| new(*kind)).collect(),
        }
    }

    fn ui(&mut self, ui: &mut Ui) {
        self.ws.drain();
        self.ws.begin_frame();
        let area = ui.available_rect_before_wrap();
        ui.painter()
            .rect_filled(area, 0.0, Palette::of(ui.visuals()).canvas);
        let count = self.panels.len();
        let columns = if count > 1 { 2 } else { 1 };
        let rows = count.div_ceil(columns);
        let size = vec2(area.width() / columns as f32, area.height() / rows as f32);
        for (index, panel) in self.panels.iter_mut().enumerate() {
            let corner = area.min
                + vec2(
                    (index % columns) as f32 * size.x,
                    (index / columns) as f32 * size.y,
                );
            let cell = Rect::from_min_size(corner, size).shrink(2.0);
            ui.painter()
                .rect_filled(cell, 0.0, Palette::of(ui.visuals()).paper);
            let mut child =
                ui.new_child(UiBuilder::new().id_salt(index).max_rect(cell.shrink(4.0)));
            panel.ui(&mut child, &mut self.ws);
        }
    }
}

/// The views of a run; a race needs none.
fn of_a_run() -> impl Iterator<Item = PanelKind> {
    PanelKind::iter().filter(|kind| *kind != PanelKind::Race)
}

/// Those whose analyses are quick; the view of stability has tests of its own,
/// of shorter windows.
fn quick() -> impl Iterator<Item = PanelKind> {
    of_a_run().filter(|kind| *kind != PanelKind::Stability)
}

pub(super) fn recipe(name: &str) -> Recipe {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("assets/recipes")
        .join(format!("{name}.toml"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut recipe = Recipe::parse(&text, name, catalogue::schema()).unwrap();
    recipe.training.set("steps_per_second", 0i64);
    recipe
}

pub(super) fn harness(
    kinds: &[PanelKind],
    size: (f32, f32),
    dark: bool,
) -> Harness<'static, Bench> {
    testing::harness(size, dark)
        .with_step_dt(1.0 / 60.0)
        .build_ui_state(|ui, bench: &mut Bench| bench.ui(ui), Bench::new(kinds))
}

/// Frames until something holds.
pub(super) fn until(harness: &mut Harness<'_, Bench>, what: &str, holds: impl Fn(&Bench) -> bool) {
    let start = Instant::now();
    loop {
        harness.step();
        if holds(harness.state()) {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(super) fn train(harness: &mut Harness<'_, Bench>, recipe: Recipe, steps: u64) {
    let mut recipe = recipe;
    recipe.training.set("steps", steps as i64);
    harness
        .state_mut()
        .ws
        .open(recipe, PathBuf::from("."), true);
    until(harness, "trained", |bench| {
        bench
            .ws
            .run()
            .is_some_and(|run| matches!(run.state, RunState::Finished | RunState::Diverged(_)))
    });
}

/// Everything that is under way has arrived.
pub(super) fn calm(harness: &mut Harness<'_, Bench>) {
    let start = Instant::now();
    let mut quiet = 0;
    while quiet <= 30 {
        harness.step();
        quiet = if harness.state().ws.jobs.is_empty() {
            quiet + 1
        } else {
            0
        };
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "analyses never come to rest: {:?}",
            harness.state().ws.jobs
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn every_panel_says_what_it_will_show_before_there_is_anything() {
    for kind in of_a_run() {
        let mut harness = harness(&[kind], (480.0, 320.0), true);
        harness.run_steps(2);
        harness.get_by_label("Choose an experiment…").click();
        harness.step();
        assert_eq!(
            harness.state().ws.commands,
            [crate::app::commands::Command::ChooseExperiment]
        );
        assert!(
            harness.state().panels[0]
                .figure(&harness.state().ws)
                .is_none()
        );
        testing::look(&mut harness, &format!("panel {kind} empty"), true);
    }
}

#[test]
fn settings_come_back_as_they_were_stored() {
    for kind in PanelKind::iter() {
        let mut panel = new(kind);
        assert_eq!(panel.kind(), kind);
        let defaults = panel.save().unwrap();
        panel.restore(&serde_json::json!({"nonsense": [1, 2]}));
        panel.restore(&serde_json::json!(17));
        assert_eq!(panel.save().unwrap(), defaults);
        let mut changed = defaults.clone();
        assert!(
            change(&mut changed),
            "{kind} stores no number and no choice"
        );
        panel.restore(&changed);
        assert_eq!(panel.save().unwrap(), changed);
    }
}

/// Changes a choice of yes or no, or a number, somewhere in stored settings.
fn change(stored: &mut serde_json::Value) -> bool {
    use serde_json::Value;
    match stored {
        Value::Bool(yes) => *yes = !*yes,
        Value::Number(number) => match number.as_u64() {
            Some(whole) => *stored = (whole + 1).into(),
            None => return false,
        },
        Value::Array(list) => return list.iter_mut().any(change),
        Value::Object(fields) => return fields.values_mut().any(change),
        _ => return false,
    }
    true
}

#[test]
fn all_panels_show_a_trained_network() {
    let kinds: Vec<PanelKind> = quick().collect();
    for dark in [true, false] {
        let mut harness = harness(&kinds, (1280.0, 1080.0), dark);
        train(&mut harness, recipe("spirals"), 600);
        calm(&mut harness);
        testing::look(&mut harness, "panels spirals", dark);
        for panel in &harness.state().panels {
            let figure = panel.figure(&harness.state().ws);
            let figure = figure.unwrap_or_else(|| panic!("{} has no figure", panel.kind()));
            assert!(!figure.description.is_empty());
            for axes in figure.axes() {
                assert!(!axes.x.label.is_empty() && !axes.y.label.is_empty());
            }
        }
    }
}

#[test]
fn each_panel_is_legible_alone_large_and_small() {
    for (name, size) in [("large", (760.0, 520.0)), ("small", (330.0, 230.0))] {
        for kind in quick() {
            let mut harness = harness(&[kind], size, true);
            train(&mut harness, recipe("edge-of-stability"), 400);
            calm(&mut harness);
            testing::look(&mut harness, &format!("panel {kind} {name}"), true);
        }
    }
}

#[test]
fn images_have_saliency_and_predictions() {
    let mut harness = harness(
        &[PanelKind::Data, PanelKind::Gradients],
        (1280.0, 560.0),
        true,
    );
    train(&mut harness, recipe("digits-mlp"), 300);
    calm(&mut harness);
    harness.get_by_label("Gradients of: inputs").click();
    calm(&mut harness);
    testing::look(&mut harness, "panels digits", true);
    // A picture that was clicked is explained.
    let first = harness
        .get_all_by_label_contains("7")
        .find(|node| node.accesskit_node().role() == egui::accesskit::Role::Button)
        .expect("a seven");
    first.click();
    calm(&mut harness);
    assert!(
        harness
            .query_by_label_contains("Close the sample")
            .is_some()
    );
    testing::look(&mut harness, "panels digits picked", true);
    harness.get_by_label("Gradients of: weights").click();
    calm(&mut harness);
    testing::look(&mut harness, "panels digits weights", false);
}

#[test]
fn one_dimension_has_a_curve_and_a_line_of_both_sets() {
    let mut harness = harness(
        &[PanelKind::Data, PanelKind::Landscape],
        (1100.0, 480.0),
        false,
    );
    train(&mut harness, recipe("noisy-sine"), 400);
    harness.get_by_label("Slice: 1-D").click();
    calm(&mut harness);
    testing::look(&mut harness, "panels sine", false);
    let bench = harness.state();
    let figure = bench.panels[1].figure(&bench.ws).unwrap();
    let names: Vec<String> = figure
        .axes()
        .flat_map(|axes| &axes.layers)
        .filter_map(|layer| match layer {
            crate::figure::Layer::Line(line) => line.name.clone(),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["train", "validation"]);
}

#[test]
fn the_plane_stands_up_as_a_surface() {
    for (name, size) in [("large", (760.0, 520.0)), ("small", (330.0, 230.0))] {
        for dark in [true, false] {
            let mut harness = harness(&[PanelKind::Landscape], size, dark);
            train(&mut harness, recipe("spirals"), 600);
            harness.get_by_label("Slice: 3-D").click();
            calm(&mut harness);
            assert!(harness.query_by_label_contains("Loss surface. ").is_some());
            let bench = harness.state();
            assert!(bench.panels[0].shot().is_some());
            // The numbers are those of the plane.
            let figure = bench.panels[0].figure(&bench.ws).unwrap();
            let contours = figure
                .axes()
                .flat_map(|axes| &axes.layers)
                .any(|layer| matches!(layer, crate::figure::Layer::Contours(_)));
            assert!(contours);
            testing::look(&mut harness, &format!("panel surface {name}"), dark);
        }
    }
}

/// Chooses an entry of a list that opens.
fn choose(harness: &mut Harness<'_, Bench>, list: &str, entry: &str) {
    harness.get_by_label_contains(list).click();
    harness.run_steps(3);
    harness
        .get_all_by_label(entry)
        .last()
        .expect("the entry")
        .click();
    harness.run_steps(3);
    calm(harness);
}

#[test]
fn the_slice_has_the_directions_and_values_that_were_chosen() {
    let mut harness = harness(&[PanelKind::Landscape], (900.0, 560.0), true);
    train(&mut harness, recipe("moons"), 200);
    calm(&mut harness);
    let axes = |harness: &Harness<'_, Bench>| {
        let bench = harness.state();
        let figure = bench.panels[0].figure(&bench.ws).unwrap();
        figure.axes().next().unwrap().clone()
    };
    choose(&mut harness, "Directions: ", "eigenvectors");
    assert_eq!(axes(&harness).x.label, "α · v₁");
    choose(&mut harness, "Directions: ", "path");
    harness.get_by_label("fit").click();
    calm(&mut harness);
    let fitted = axes(&harness);
    assert_eq!(fitted.y.label, "β · PC2");
    let (low, high) = fitted.x.limits.unwrap();
    assert!((low + high).abs() > 1e-9 || high != 1.0, "{low} {high}");
    testing::look(&mut harness, "panel landscape path", true);
    choose(&mut harness, "Shown: ", "validation accuracy");
    assert_eq!(
        axes(&harness).color_bar.unwrap().label,
        "validation accuracy"
    );
    choose(&mut harness, "Shown: ", "validation − training loss");
    let bar = axes(&harness).color_bar.unwrap();
    assert_eq!(bar.scale.map, crate::figure::Colormap::RdBu);
    testing::look(&mut harness, "panel landscape gap", true);
    choose(&mut harness, "Directions: ", "through points");
    let bench = harness.state();
    let found = bench.ws.run().unwrap().results.landscape.clone().unwrap();
    let start = &found.value.anchors[0];
    assert_eq!(start.name, "start");
    assert!((start.alpha - 1.0).abs() < 1e-6 && start.beta.abs() < 1e-6);
}

#[test]
fn one_of_twelve_planes_is_taken() {
    for dark in [true, false] {
        let mut harness = harness(&[PanelKind::Landscape], (760.0, 520.0), dark);
        train(&mut harness, recipe("moons"), 200);
        calm(&mut harness);
        harness.get_by_label("×12").click();
        harness.run_steps(2);
        until(&mut harness, "twelve planes", |bench| {
            let rerolls = &bench.ws.run().unwrap().results.rerolls;
            rerolls
                .as_ref()
                .is_some_and(|found| found.value.len() == 12)
        });
        calm(&mut harness);
        testing::look(&mut harness, "panel landscape twelve", dark);
        let before = harness.state().ws.recipe.slice.integer("seed");
        let at = egui::pos2(190.0, 150.0);
        harness.hover_at(at);
        harness.step();
        harness.drag_at(at);
        harness.drop_at(at);
        harness.run_steps(2);
        let after = harness.state().ws.recipe.slice.integer("seed");
        assert!(
            (before + 1..before + 6).contains(&after),
            "{before} {after}"
        );
        calm(&mut harness);
        // The seed's own plane is there.
        let bench = harness.state();
        let figure = bench.panels[0].figure(&bench.ws).unwrap();
        let note = figure.axes().next().unwrap().note.clone().unwrap();
        assert!(note.contains(&format!("seed {after}")), "{note}");
    }
}

#[test]
fn a_diverged_run_is_explained_beside_its_curve() {
    let mut harness = harness(
        &[PanelKind::Loss, PanelKind::Spectrum],
        (1100.0, 480.0),
        true,
    );
    let mut recipe = recipe("edge-of-stability");
    recipe.optimizer.set("learning_rate", 1e6);
    train(&mut harness, recipe, 400);
    calm(&mut harness);
    testing::look(&mut harness, "panels diverged", true);
    let bench = harness.state();
    let figure = bench.panels[0].figure(&bench.ws).unwrap();
    assert!(figure.axes().next().unwrap().note.is_some());
}

#[test]
fn two_runs_lie_over_each_other() {
    let mut harness = harness(&[PanelKind::Loss, PanelKind::Data], (1100.0, 480.0), false);
    train(&mut harness, recipe("moons"), 150);
    let bench = harness.state_mut();
    bench.ws.recipe.optimizer.set("learning_rate", 0.02);
    bench.ws.apply();
    until(&mut harness, "two runs", |bench| {
        bench.ws.runs.len() == 2
            && bench
                .ws
                .run()
                .is_some_and(|run| run.state == RunState::Finished)
    });
    calm(&mut harness);
    testing::look(&mut harness, "panels two runs", false);
    let bench = harness.state();
    let figure = bench.panels[0].figure(&bench.ws).unwrap();
    let names: Vec<String> = figure
        .axes()
        .flat_map(|axes| &axes.layers)
        .filter_map(|layer| match layer {
            crate::figure::Layer::Line(line) => line.name.clone(),
            _ => None,
        })
        .collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert_ne!(names[0], names[2]);
}

#[test]
fn opposing_signals_follow_the_run_and_the_moment() {
    let mut harness = harness(&[PanelKind::Signals], (900.0, 560.0), true);
    let fewer = serde_json::json!({"steps": 60});
    harness.state_mut().panels[0].restore(&fewer);
    train(&mut harness, recipe("moons"), 120);
    calm(&mut harness);
    let described = |harness: &Harness<'_, Bench>| {
        let bench = harness.state();
        bench.panels[0].figure(&bench.ws).unwrap().description
    };
    let text = described(&harness);
    assert!(text.contains("from step 60 to step 120"), "{text}");
    // A moment within these steps leaves them, one before has steps around it.
    harness.state_mut().ws.select_step(90);
    calm(&mut harness);
    assert_eq!(described(&harness), text);
    harness.state_mut().ws.select_step(20);
    calm(&mut harness);
    let text = described(&harness);
    assert!(text.contains("from step 0 to step 50"), "{text}");
    testing::look(&mut harness, "panel signals moment", true);
    let figure = |harness: &Harness<'_, Bench>| {
        let bench = harness.state();
        bench.panels[0].figure(&bench.ws).unwrap()
    };
    let pairs = |figure: &Figure| figure.axes().last().unwrap().x.label.clone();
    assert_eq!(pairs(&figure(&harness)), "Δℓ, step 20 → 21");
    // A click on the curves looks at that step, whatever the moment.
    let at = egui::pos2(200.0, 150.0);
    harness.hover_at(at);
    harness.run_steps(3);
    harness.drag_at(at);
    harness.drop_at(at);
    harness.run_steps(2);
    harness.event(egui::Event::PointerGone);
    calm(&mut harness);
    assert_ne!(pairs(&figure(&harness)), "Δℓ, step 20 → 21");
    assert!(described(&harness).contains("from step 0 to step 50"));
    harness.get_by_label_contains("Let go of").click();
    calm(&mut harness);
    assert_eq!(pairs(&figure(&harness)), "Δℓ, step 20 → 21");
}

#[test]
fn a_hidden_panel_asks_for_nothing() {
    let mut harness = harness(&[], (400.0, 300.0), true);
    harness.state_mut().panels = vec![];
    train(&mut harness, recipe("moons"), 50);
    let slots: Vec<String> = harness
        .state()
        .ws
        .jobs
        .iter()
        .map(|job| job.slot().to_string())
        .collect();
    assert!(slots.is_empty(), "{slots:?}");
}

#[test]
fn a_click_on_a_step_shows_that_moment_everywhere() {
    let mut harness = harness(
        &[PanelKind::Loss, PanelKind::Landscape],
        (1100.0, 480.0),
        true,
    );
    train(&mut harness, recipe("moons"), 200);
    calm(&mut harness);
    let at = egui::pos2(300.0, 260.0);
    harness.hover_at(at);
    harness.step();
    assert!(harness.state().ws.cursor_step.is_some());
    harness.drag_at(at);
    harness.drop_at(at);
    harness.run_steps(2);
    let selected = harness.state().ws.selected.expect("a selected step");
    calm(&mut harness);
    let bench = harness.state();
    let note = bench.panels[1]
        .figure(&bench.ws)
        .and_then(|figure| figure.axes().next().and_then(|axes| axes.note.clone()))
        .unwrap();
    assert!(note.contains(&format!("step {selected}")), "{note}");
    testing::look(&mut harness, "panels past", true);
    harness
        .get_all_by_label_contains("follow the run")
        .next()
        .unwrap()
        .click();
    harness.run_steps(2);
    assert_eq!(harness.state().ws.selected, None);
}

/// Races that are over, with everything measured.
fn race_over(harness: &mut Harness<'_, Bench>) {
    until(harness, "the race is over", |bench| {
        bench.panels[0]
            .figure(&bench.ws)
            .is_some_and(|figure| figure.description.contains("finished"))
    });
    for _ in 0..60 {
        harness.step();
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_race_begins_with_a_button_and_can_be_scrubbed() {
    for (name, size) in [("large", (1000.0, 620.0)), ("small", (420.0, 380.0))] {
        for dark in [true, false] {
            let mut harness = harness(&[PanelKind::Race], size, dark);
            harness.run_steps(2);
            let bench = harness.state();
            assert!(bench.panels[0].figure(&bench.ws).is_none());
            testing::look(&mut harness, "panel race empty", dark);
            harness
                .get_by_label("Race SGD, momentum and Adam on Rosenbrock")
                .click();
            runs(&mut harness);
            race_over_soon(&mut harness);
            testing::look(&mut harness, &format!("panel race {name}"), dark);
            let bench = harness.state();
            let figure = bench.panels[0].figure(&bench.ws).expect("a figure");
            assert_eq!(figure.panels().count(), 2);
            let names: Vec<String> = figure
                .axes()
                .flat_map(|axes| &axes.layers)
                .filter_map(|layer| match layer {
                    crate::figure::Layer::Line(line) => line.name.clone(),
                    _ => None,
                })
                .collect();
            assert_eq!(names.len(), 6, "{names:?}");
            assert_eq!(names[..3], names[3..]);
        }
    }
}

/// Waits until the race has begun.
fn runs(harness: &mut Harness<'_, Bench>) {
    let start = Instant::now();
    while harness.query_by_label("Pause the race").is_none() {
        assert!(start.elapsed() < Duration::from_secs(30), "it never begins");
        harness.step();
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Takes the speed limit away and waits for the end.
fn race_over_soon(harness: &mut Harness<'_, Bench>) {
    let mut stored = harness.state().panels[0].save().expect("settings");
    stored["speed"] = 0.into();
    harness.state_mut().panels[0].restore(&stored);
    harness.get_by_label("Add a runner").click();
    harness.run_steps(2);
    harness.get_by_label("Take runner 4 out").click();
    harness.run_steps(2);
    race_over(harness);
}

#[test]
fn a_race_on_the_network_shows_one_plane() {
    let mut harness = harness(&[PanelKind::Race], (1000.0, 620.0), true);
    train(&mut harness, recipe("moons"), 60);
    harness
        .get_by_label("Race SGD, momentum and Adam on Rosenbrock")
        .click();
    runs(&mut harness);
    let mut stored = harness.state().panels[0].save().expect("settings");
    stored["place"] = "network".into();
    stored["steps"] = 120.into();
    harness.state_mut().panels[0].restore(&stored);
    race_over_soon(&mut harness);
    until(&mut harness, "a plane of all paths", |bench| {
        let figure = bench.panels[0].figure(&bench.ws);
        let note = figure.and_then(|figure| figure.axes().next()?.note.clone());
        note.is_some_and(|note| {
            note.contains("principal components of all paths") && note.contains("65×65")
        })
    });
    testing::look(&mut harness, "panel race network", true);
    // Everything else in which a runner may differ.
    harness.get_by_label("Other values of runner 1").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("All as in the recipe").is_some());
    testing::look(&mut harness, "panel race values", true);
    // The recipe that it was started with is another one now.
    assert!(
        harness
            .query_by_label_contains("has changed since")
            .is_none()
    );
    harness
        .state_mut()
        .ws
        .recipe
        .training
        .set("batch_size", 7i64);
    harness.run_steps(2);
    assert!(
        harness
            .query_by_label_contains("(training.batch_size)")
            .is_some()
    );
}

/// Waits for a branch and for its end.
fn branched(harness: &mut Harness<'_, Bench>, name: &str) {
    until(harness, name, |bench| {
        bench
            .ws
            .run()
            .is_some_and(|run| run.name.contains(name) && run.state == RunState::Finished)
    });
}

#[test]
fn training_goes_on_from_where_the_ball_is_let_go() {
    let mut harness = harness(&[PanelKind::Landscape], (700.0, 520.0), true);
    train(&mut harness, recipe("moons"), 60);
    calm(&mut harness);
    let end = harness.state().ws.shown_snapshot().unwrap();
    assert_eq!(end.step, 60);
    // The ball lies in the middle of the map.
    let map = harness
        .get_all_by_role(egui::accesskit::Role::Image)
        .find(|node| {
            node.accesskit_node()
                .label()
                .is_some_and(|text| text.contains("β"))
        })
        .expect("the map")
        .rect();
    let (from, to) = (map.center(), map.center() + vec2(map.width() / 5.0, 0.0));
    harness.hover_at(from);
    harness.run_steps(2);
    harness.drag_at(from);
    harness.run_steps(2);
    for part in 1..=4 {
        harness.hover_at(from + (to - from) * (part as f32 / 4.0));
        harness.run_steps(1);
    }
    harness.drop_at(to);
    harness.run_steps(2);
    branched(&mut harness, "dragged at step 60");
    calm(&mut harness);
    let ws = &harness.state().ws;
    assert_eq!(ws.runs.len(), 2);
    let run = ws.run().unwrap();
    let start = &run.info.initial;
    assert!(run.info.is_branch && start.step == 60);
    // As many steps again, and the editor says so too.
    assert_eq!(run.info.total_steps, 120);
    assert_eq!(ws.recipe.training.count("steps"), 120);
    assert_ne!(start.theta, end.theta);
    // The path before is a ghost on the landscape.
    let landscape = run.results.landscape.as_ref().unwrap();
    assert_eq!(landscape.value.ghosts.len(), 1);
    assert!(landscape.value.ghosts[0].points.len() > 10);
    testing::look(&mut harness, "panel landscape branch", true);
}

#[test]
fn a_branch_begins_again_where_it_parted() {
    let mut harness = harness(&[], (200.0, 200.0), true);
    train(&mut harness, recipe("moons"), 60);
    let ws = &mut harness.state_mut().ws;
    ws.select_step(20);
    ws.fork();
    branched(&mut harness, "from step 20");
    let start = harness.state().ws.run().unwrap().info.initial.theta.clone();
    // Another learning rate, changed while it runs, is part of the new start.
    let ws = &mut harness.state_mut().ws;
    ws.set_live(
        "optimizer",
        "learning_rate",
        crate::recipe::Value::Float(0.01),
    );
    let before = ws.run().unwrap().id();
    ws.restart();
    until(&mut harness, "begun again", |bench| {
        let run = bench.ws.run().unwrap();
        run.id() != before && run.state == RunState::Finished
    });
    let ws = &harness.state().ws;
    let run = ws.run().unwrap();
    assert_eq!(ws.runs.len(), 2);
    assert!(run.name.ends_with("from step 20"));
    assert_eq!(
        (run.info.initial.step, &run.info.initial.theta),
        (20, &start)
    );
    assert_eq!(run.info.recipe.optimizer.float("learning_rate"), 0.01);
}

#[test]
fn a_job_of_a_run_that_is_gone_ends_silently() {
    use crate::engine::{AnalysisResult, JobContext, JobError, Slot, Succession};
    use crate::math::Progress as _;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let mut harness = harness(&[], (200.0, 200.0), true);
    train(&mut harness, recipe("moons"), 5);
    let ended = Arc::new(AtomicUsize::new(0));
    let began = Arc::new(AtomicUsize::new(0));
    let counts = (Arc::clone(&began), Arc::clone(&ended));
    // One that breaks down when it is told to stop.
    let job = move |context: &JobContext| -> Result<AnalysisResult, JobError> {
        counts.0.fetch_add(1, Ordering::Relaxed);
        while !context.is_cancelled() {
            std::thread::sleep(Duration::from_millis(1));
        }
        counts.1.fetch_add(1, Ordering::Relaxed);
        Err(JobError::Failed("it was in the middle of something".into()))
    };
    let slot = Slot::new("landscape");
    let ws = &mut harness.state_mut().ws;
    ws.submit(slot.clone(), "endless", Succession::Replace, Box::new(job));
    until(&mut harness, "begun", |_| {
        began.load(Ordering::Relaxed) == 1
    });
    train(&mut harness, recipe("spirals"), 5);
    until(&mut harness, "ended", |_| {
        ended.load(Ordering::Relaxed) == 1
    });
    harness.run_steps(10);
    let ws = &harness.state().ws;
    assert_eq!(ws.runs.len(), 1);
    assert!(ws.jobs.is_empty());
    assert!(ws.run().unwrap().results.failure(&slot).is_none());
    assert_eq!(ws.notifications.messages().count(), 0);
}
