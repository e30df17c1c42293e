//! The Hessian taken apart in the Spectrum panel.

use super::*;

#[test]
fn what_a_recipe_may_say_is_not_changed_by_looking_at_it() {
    let mut harness = harness(&[PanelKind::Spectrum], (900.0, 480.0), true);
    let mut recipe = recipe("moons");
    recipe.model.set("hidden", vec![4i64]);
    recipe.data.set("samples", 40i64);
    let most = [("probes", 1000i64), ("top", 50), ("every", 1_000_000)];
    for (key, value) in most {
        recipe.spectrum.set(key, value);
    }
    recipe.spectrum.set("automatic", false);
    train(&mut harness, recipe, 3);
    for label in ["probes: ", "k: ", "every: "] {
        harness.get_by(|node| node.label().is_some_and(|text| text.starts_with(label)));
    }
    for (key, value) in most {
        assert_eq!(harness.state().ws.recipe.spectrum.integer(key), value);
    }
}

#[test]
fn the_hessian_is_taken_apart_on_demand() {
    let mut harness = harness(&[PanelKind::Spectrum], (700.0, 480.0), true);
    let mut recipe = recipe("moons");
    recipe.model.set("hidden", vec![4i64]);
    recipe.data.set("samples", 40i64);
    recipe.spectrum.set("probes", 2i64);
    recipe.spectrum.set("lanczos_steps", 10i64);
    train(&mut harness, recipe, 30);
    let part = |harness: &mut Harness<'_, Bench>, part: &str| {
        let bench = harness.state_mut();
        let mut stored = bench.panels[0].save().unwrap();
        stored["part"] = "density".into();
        stored["hessian"]["part"] = part.into();
        stored["hessian"]["exact"] = true.into();
        bench.panels[0].restore(&stored);
        harness.step();
        harness.step();
        if let Some(button) = harness.query_by_label("Measure") {
            button.click();
        }
        harness.step();
        calm(harness);
        harness.step();
    };
    for (name, panels, word) in [
        ("waterfall", 1, "moments"),
        ("layers", 2, "outside the diagonal"),
        ("classes", 1, "class"),
        ("batches", 1, "2/λ₁"),
        ("density", 1, "differs by"),
    ] {
        part(&mut harness, name);
        let bench = harness.state();
        let figure = bench.panels[0].figure(&bench.ws).unwrap();
        assert_eq!(figure.axes().count(), panels, "{name}");
        let axes = figure.axes().next().unwrap();
        assert!(!axes.layers.is_empty(), "{name}");
        let told = format!("{:?} {}", axes.note, figure.description);
        assert!(told.contains(word), "{name}: {told}");
        testing::look(&mut harness, &format!("panels hessian {name}"), false);
    }
    part(&mut harness, "summary");
    harness.get_by_label("effective rank (Σ|λ|)²/Σλ²");
    harness.get_by_label("H (exact)");
    let bench = harness.state();
    assert!(bench.panels[0].figure(&bench.ws).is_none());
    // The kernel's width is a matter of drawing alone.
    let mut stored = bench.panels[0].save().unwrap();
    stored["hessian"]["part"] = "density".into();
    stored["density"]["bandwidth"] = 3.0.into();
    let bench = harness.state_mut();
    bench.panels[0].restore(&stored);
    calm(&mut harness);
    let finished = harness.state().ws.last_finished.clone();
    let bench = harness.state_mut();
    stored["density"]["bandwidth"] = 0.3.into();
    bench.panels[0].restore(&stored);
    for _ in 0..10 {
        harness.step();
    }
    assert!(harness.state().ws.jobs.is_empty());
    assert_eq!(harness.state().ws.last_finished, finished);
}
