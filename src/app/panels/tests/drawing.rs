//! What is drawn on views with the pointer: sections, brushed samples.

use super::*;
use crate::figure::Figure;
use crate::landscape::SliceQuantity;

/// The picture whose description holds a word.
fn picture(harness: &Harness<'_, Bench>, word: &str) -> Rect {
    harness
        .get_all_by_role(egui::accesskit::Role::Image)
        .find(|node| {
            node.accesskit_node()
                .label()
                .is_some_and(|text| text.contains(word))
        })
        .expect("the picture")
        .rect()
}

fn drag(harness: &mut Harness<'_, Bench>, from: egui::Pos2, to: egui::Pos2) {
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
    calm(harness);
}

fn figure(harness: &Harness<'_, Bench>) -> Figure {
    let bench = harness.state();
    bench.panels[0].figure(&bench.ws).unwrap()
}

#[test]
fn a_line_on_the_map_has_its_values_below() {
    for (dark, size) in [(true, (720.0, 620.0)), (false, (760.0, 400.0))] {
        let mut harness = harness(&[PanelKind::Landscape], size, dark);
        train(&mut harness, recipe("moons"), 200);
        calm(&mut harness);
        harness.get_by_label("section").click();
        harness.run_steps(2);
        let map = picture(&harness, "β");
        let (from, to) = (
            map.lerp_inside(vec2(0.3, 0.3)),
            map.lerp_inside(vec2(0.7, 0.6)),
        );
        drag(&mut harness, from, to);
        // Neither the ball nor the map moved.
        assert_eq!(harness.state().ws.runs.len(), 1);
        let run = harness.state().ws.run().unwrap();
        let section = run.results.section.as_ref().unwrap().value.clone();
        let [a, b] = section.ends;
        assert!(a[0] < b[0] && a[1] > b[1], "{a:?} {b:?}");
        assert!(section.length > 0.0 && section.validation.is_some());
        let figure = figure(&harness);
        assert_eq!(figure.axes().count(), 2);
        testing::look(&mut harness, "panel landscape section", dark);
        // Switched off, it is gone.
        harness.get_by_label("section").click();
        calm(&mut harness);
        let bench = harness.state();
        let figure = bench.panels[0].figure(&bench.ws).unwrap();
        assert_eq!(figure.axes().count(), 1);
    }
}

#[test]
fn brushed_samples_have_a_landscape_of_their_own() {
    let mut harness = harness(
        &[PanelKind::Landscape, PanelKind::Data],
        (1200.0, 560.0),
        true,
    );
    train(&mut harness, recipe("moons"), 200);
    calm(&mut harness);
    harness.get_by_label("brush").click();
    harness.run_steps(2);
    let data = picture(&harness, "x₂");
    let (from, to) = (
        data.lerp_inside(vec2(0.1, 0.1)),
        data.lerp_inside(vec2(0.5, 0.6)),
    );
    drag(&mut harness, from, to);
    let brushed = harness.state().ws.brushed.clone();
    let samples = harness.state().ws.run().unwrap().info.data.train.len();
    assert!(
        brushed.len() > 3 && brushed.len() < samples,
        "{}",
        brushed.len()
    );
    let entry = format!("loss of {} brushed samples", brushed.len());
    choose(&mut harness, "Shown: ", &entry);
    let run = harness.state().ws.run().unwrap();
    let landscape = run.results.landscape.as_ref().unwrap();
    let expected = SliceQuantity::SampleLoss { samples: brushed };
    assert_eq!(landscape.value.quantity, expected);
    testing::look(&mut harness, "panel data brushed", true);
    // None brushed: the loss of all is shown again.
    harness.get_by_label("Brush no samples").click();
    calm(&mut harness);
    let run = harness.state().ws.run().unwrap();
    let landscape = run.results.landscape.as_ref().unwrap();
    assert_eq!(landscape.value.quantity, SliceQuantity::Loss);
}
