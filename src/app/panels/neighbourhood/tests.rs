use egui_kittest::kittest::Queryable as _;

use super::super::tests::{Bench, calm, harness, recipe, train, until};
use super::*;
use crate::app::plot::testing;
use crate::figure::Axes;

type Harness = egui_kittest::Harness<'static, Bench>;

fn shown(size: (f32, f32), dark: bool) -> Harness {
    let mut harness = harness(&[PanelKind::Neighbourhood], size, dark);
    train(&mut harness, recipe("edge-of-stability"), 200);
    calm(&mut harness);
    harness
}

fn axes(harness: &Harness) -> Vec<Axes> {
    let bench = harness.state();
    let figure = bench.panels[0].figure(&bench.ws).expect("a figure");
    figure.axes().cloned().collect()
}

#[test]
fn every_measure_is_told_with_what_it_is_blind_to() {
    for (size, dark) in [((760.0, 520.0), true), ((900.0, 420.0), false)] {
        let mut harness = shown(size, dark);
        testing::look(&mut harness, "neighbourhood sharpness", dark);
        for name in [
            "SAM: ≥ ",
            "second order: ",
            "ASAM: ≥ ",
            "box: ≥ ",
            "mean rise: ",
            "λ₁: ",
        ] {
            let rows = harness.query_all_by_label_contains(name).count();
            assert!(rows > 0, "{name}");
        }
        assert!(harness.query_by_label_contains("Fisher–Rao²: ").is_some());
        assert_eq!(axes(&harness).len(), 3);
    }
}

#[test]
fn where_there_is_little_room_the_table_takes_the_place_of_the_curves() {
    let mut harness = shown((420.0, 260.0), true);
    assert!(harness.query_by_label_contains("ASAM: ").is_none());
    harness.get_by_label("table").click();
    calm(&mut harness);
    assert!(harness.query_by_label_contains("ASAM: ").is_some());
    testing::look(&mut harness, "neighbourhood table", true);
}

#[test]
fn few_bits_have_a_plane_scales_and_a_curve() {
    let mut harness = shown((640.0, 420.0), false);
    harness
        .get_by_label("Around the parameters: few bits")
        .click();
    calm(&mut harness);
    testing::look(&mut harness, "neighbourhood plane", false);
    // Bits and staircase, sweep and map, two planes.
    assert!(axes(&harness).len() >= 5);
    for part in ["Part: scales", "Part: bits"] {
        harness.get_by_label(part).click();
        calm(&mut harness);
        testing::look(&mut harness, &format!("neighbourhood {part}"), false);
    }
    let jobs = |harness: &Harness| {
        let run = harness.state().ws.run().expect("a run");
        run.results.quantized.as_ref().map(|found| found.value.bits)
    };
    assert_eq!(jobs(&harness), Some(3));
}

#[test]
fn a_running_training_is_measured_on_demand() {
    let mut harness = harness(&[PanelKind::Neighbourhood], (640.0, 420.0), true);
    let mut endless = recipe("spirals");
    endless.training.set("steps", 1_000_000i64);
    harness
        .state_mut()
        .ws
        .open(endless, std::path::PathBuf::from("."), true);
    until(&mut harness, "trains", |bench| {
        bench.ws.run().is_some_and(|run| run.newest_step() > 20)
    });
    // What stood still before the training began was measured by itself.
    until(&mut harness, "nothing to do", |bench| {
        bench.ws.jobs.is_empty()
    });
    let step = |bench: &Bench| {
        let run = bench.ws.run().expect("a run");
        run.results.sharpness.as_ref().map(|found| found.step)
    };
    let before = step(harness.state());
    harness.run_steps(20);
    assert!(harness.state().ws.jobs.is_empty());
    harness.get_by_label("Measure").click();
    until(&mut harness, "measured", |bench| step(bench) > before);
    harness.run_steps(3);
    assert!(
        harness
            .query_by_label_contains("measured at step")
            .is_some()
    );
    let measured = step(harness.state());
    harness.run_steps(20);
    assert_eq!(step(harness.state()), measured);
    // What stands still is measured by itself.
    harness.state_mut().ws.play_pause();
    until(&mut harness, "measured where it stands", |bench| {
        let shown = bench.ws.shown_snapshot().map(|snapshot| snapshot.step);
        bench.ws.run().is_some_and(|run| {
            !bench.ws.is_running()
                && run
                    .results
                    .sharpness
                    .as_ref()
                    .is_some_and(|found| found.complete && Some(found.step) == shown)
        })
    });
}
