use egui_kittest::kittest::Queryable as _;

use crate::app::panels::PanelKind;
use crate::app::panels::tests::{calm, harness, recipe, train};
use crate::app::plot::testing;
use crate::recipe::Recipe;

/// A network at the edge of stability, small enough for a test.
fn small() -> Recipe {
    let mut recipe = recipe("edge-of-stability");
    recipe.data.set("samples", 24i64);
    recipe.model.set("hidden", vec![8i64]);
    recipe.optimizer.set("learning_rate", 0.3);
    recipe
}

/// A short window.
fn settings() -> serde_json::Value {
    serde_json::json!({"steps": 40, "every": 8})
}

#[test]
fn every_part_shows_the_last_steps_of_a_run() {
    for (name, size, dark) in [
        ("large", (760.0, 520.0), false),
        ("wide", (1000.0, 300.0), true),
        ("small", (330.0, 230.0), true),
    ] {
        let mut harness = harness(&[PanelKind::Stability], size, dark);
        harness.state_mut().panels[0].restore(&settings());
        train(&mut harness, small(), 500);
        for part in [
            "sharpness",
            "oscillation",
            "share",
            "overlap",
            "prediction",
            "flows",
        ] {
            let mut settings = settings();
            settings["view"] = match part {
                "flows" => part.into(),
                part => serde_json::json!({ "readings": part }),
            };
            harness.state_mut().panels[0].restore(&settings);
            harness.run_steps(3);
            calm(&mut harness);
            testing::look(&mut harness, &format!("stability {part} {name}"), dark);
            let bench = harness.state();
            let run = bench.ws.run().unwrap();
            assert!(
                run.results.failures.is_empty(),
                "{part}: {:?}",
                run.results.failures
            );
            let figure = bench.panels[0].figure(&bench.ws).unwrap();
            assert!(
                figure.description.contains("teps 460 to 500"),
                "{}",
                figure.description
            );
        }
    }
}

#[test]
fn a_chosen_step_begins_the_window_and_the_settings_change_it() {
    let mut harness = harness(&[PanelKind::Stability], (760.0, 520.0), true);
    harness.state_mut().panels[0].restore(&settings());
    train(&mut harness, small(), 300);
    calm(&mut harness);
    harness.state_mut().ws.select_step(50);
    harness.run_steps(3);
    calm(&mut harness);
    let bench = harness.state();
    let figure = bench.panels[0].figure(&bench.ws).unwrap();
    assert!(
        figure.description.contains("Steps 50 to 90"),
        "{}",
        figure.description
    );
    // The central flow is asked for beside the gradient flow.
    harness.get_by_label("Shown: flows").click();
    harness.run_steps(3);
    harness.get_by_label("central flow").click();
    harness.run_steps(3);
    calm(&mut harness);
    let run = harness.state().ws.run().unwrap();
    let flow = run.results.flow.as_ref().unwrap();
    assert!(flow.complete && flow.value.from == 50);
    let first = &flow.value.steps[0];
    assert!(first.gradient_flow.is_some() && first.central_flow.is_some());
    testing::look(&mut harness, "stability flows chosen", true);
    // Without either there is a sentence instead.
    for flow in ["gradient flow", "central flow"] {
        harness.get_by_label(flow).click();
        harness.run_steps(3);
    }
    calm(&mut harness);
    harness.get_by_label_contains("choose one of them");
}
