//! The recipe editor without a window: what acts at once, what waits, undo.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui;

use super::*;
use crate::recipe::presets;

fn ctx() -> egui::Context {
    egui::Context::default()
}

/// A workspace that has loaded the default recipe, paused.
fn loaded() -> Workspace {
    let mut ws = Workspace::new(Arc::new(|| {})).expect("threads");
    let text = presets::preset("spirals").expect("the default recipe");
    let recipe = Recipe::parse(text, "spirals.toml", catalogue::schema()).expect("valid");
    ws.open(recipe, ".".into(), false);
    wait(&mut ws, |ws| ws.run().is_some());
    ws
}

#[track_caller]
fn wait(ws: &mut Workspace, condition: impl Fn(&Workspace) -> bool) {
    let start = Instant::now();
    while !condition(ws) {
        assert!(start.elapsed() < Duration::from_secs(30), "it never came");
        std::thread::sleep(Duration::from_millis(2));
        ws.drain();
    }
}

/// Follows the workspace for some frames of a tenth of a second each.
fn follow(editor: &mut RecipeEditor, ws: &mut Workspace, from: f64, frames: u32) {
    let ctx = ctx();
    for frame in 0..frames {
        let input = egui::RawInput {
            time: Some(from + 0.1 * f64::from(frame)),
            ..egui::RawInput::default()
        };
        let _ = crate::app::testing::frame(&ctx, input, |ui| editor.follow(ui.ctx(), ws));
    }
}

#[test]
fn a_live_value_reaches_the_run_and_needs_no_restart() {
    let mut ws = loaded();
    let mut editor = RecipeEditor::default();
    follow(&mut editor, &mut ws, 0.0, 2);
    ws.recipe.optimizer.set("learning_rate", 0.005);
    follow(&mut editor, &mut ws, 1.0, 2);
    assert!(!editor.is_changed(&ws));
    assert_eq!(ws.applied.optimizer.float("learning_rate"), 0.005);
    wait(&mut ws, |ws| {
        ws.run().is_some_and(|run| {
            run.changes
                .iter()
                .any(|(_, key, value)| key == "learning_rate" && *value == 0.005)
        })
    });
}

#[test]
fn an_invalid_live_value_does_not_reach_the_run() {
    let mut ws = loaded();
    let mut editor = RecipeEditor::default();
    follow(&mut editor, &mut ws, 0.0, 2);
    let before = ws.applied.optimizer.float("learning_rate");
    ws.recipe.optimizer.set("learning_rate", -1.0);
    follow(&mut editor, &mut ws, 1.0, 2);
    assert!(!editor.is_valid());
    assert_eq!(ws.applied.optimizer.float("learning_rate"), before);
}

#[test]
fn another_kind_waits_and_can_be_reverted() {
    let mut ws = loaded();
    let mut editor = RecipeEditor::default();
    follow(&mut editor, &mut ws, 0.0, 2);
    let other = catalogue::schema()
        .section("optimizer")
        .and_then(|section| {
            section
                .kinds
                .iter()
                .find(|kind| kind.key != ws.recipe.optimizer.kind)
        })
        .expect("another optimizer")
        .key;
    let section = catalogue::schema().section("optimizer").expect("there");
    assert!(section.switch_kind(&mut ws.recipe.optimizer, other));
    follow(&mut editor, &mut ws, 1.0, 2);
    assert!(editor.is_changed(&ws));
    assert_ne!(ws.applied.optimizer.kind, other);
    editor.revert(&mut ws);
    assert!(!editor.is_changed(&ws));
}

#[test]
fn a_change_can_be_undone_and_redone() {
    let mut ws = loaded();
    let mut editor = RecipeEditor::default();
    follow(&mut editor, &mut ws, 0.0, 10);
    let seed = ws.recipe.seed;
    ws.recipe.seed = seed + 5;
    follow(&mut editor, &mut ws, 1.0, 10);
    assert_eq!(editor.can_undo_redo(&ws.recipe), (true, false));
    editor.undo(&mut ws);
    assert_eq!(ws.recipe.seed, seed);
    assert_eq!(editor.can_undo_redo(&ws.recipe), (false, true));
    editor.redo(&mut ws);
    assert_eq!(ws.recipe.seed, seed + 5);
}

#[test]
fn a_restart_keeps_the_values_that_were_changed_live() {
    let mut ws = loaded();
    let mut editor = RecipeEditor::default();
    follow(&mut editor, &mut ws, 0.0, 2);
    ws.recipe.optimizer.set("learning_rate", 0.004);
    follow(&mut editor, &mut ws, 1.0, 2);
    // An edit that waits is not applied by a restart.
    ws.recipe.seed = 99;
    let first = ws.run().map(RunRecord::id);
    ws.restart();
    assert_eq!(ws.recipe.seed, 99);
    wait(&mut ws, |ws| ws.run().map(RunRecord::id) != first);
    let run = ws.run().expect("the new run");
    assert_eq!(run.info.recipe.optimizer.float("learning_rate"), 0.004);
    assert_ne!(run.info.recipe.seed, 99);
    assert_eq!(ws.runs.len(), 1);
}

#[test]
fn a_recipe_that_cannot_be_built_says_so_and_the_last_one_can_be_started_again() {
    let mut ws = loaded();
    let section = catalogue::schema()
        .section("initialization")
        .expect("there");
    assert!(section.switch_kind(&mut ws.recipe.initialization, "file"));
    ws.recipe
        .initialization
        .set("path", "no-such-file.safetensors");
    ws.apply();
    wait(&mut ws, |ws| ws.load_failure.is_some());
    assert!(matches!(
        ws.run().map(|run| &run.state),
        Some(RunState::Failed { .. })
    ));
    let id = ws.run().map(RunRecord::id);
    ws.restart();
    wait(&mut ws, |ws| {
        ws.run().map(RunRecord::id) != id && ws.load_failure.is_none()
    });
    assert_eq!(ws.runs.len(), 1);
}

#[test]
fn every_section_and_every_kind_can_be_shown() {
    let mut ws = loaded();
    let mut editor = RecipeEditor::default();
    let all: Vec<String> = catalogue::schema()
        .sections
        .iter()
        .map(|section| section.key.to_owned())
        .collect();
    editor.set_open_sections(&all);
    let ctx = ctx();
    super::super::fonts::install(&ctx);
    super::super::theme::install(&ctx, super::super::theme::Appearance::Light, false);
    ctx.set_missing_glyph_policy(egui::MissingGlyphPolicy::Panic);
    let mut pictures = Pictures::new(&ctx);
    for section in &catalogue::schema().sections {
        for kind in &section.kinds {
            let component = ws.recipe.section_mut(section.key).expect("every section");
            section.switch_kind(component, kind.key);
            for width in [160.0, 280.0, 600.0] {
                let input = egui::RawInput {
                    screen_rect: Some(egui::Rect::from_min_size(
                        egui::Pos2::ZERO,
                        vec2(width, 3000.0),
                    )),
                    ..egui::RawInput::default()
                };
                let output = crate::app::testing::frame(&ctx, input, |ui| {
                    let requests = editor.ui(ui, &mut ws, &mut pictures);
                    assert!(requests.is_empty());
                });
                assert!(output.shapes.len() > 20);
            }
        }
    }
}
