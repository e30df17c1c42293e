//! The ready recipes on curvature do what their "what to look at" says.

use std::path::Path;

use losscape::catalogue;
use losscape::curvature::{ExtremalOptions, gradient_flow_solution, top_eigenvalues};
use losscape::engine::analyses::SpectrumSettings;
use losscape::engine::curvature;
use losscape::math::vector::to_f64;
use losscape::math::{SymmetricOperator, rng};
use losscape::recipe::{Recipe, presets};
use losscape::train::{Run, StepOutcome};

fn recipe(name: &str) -> Recipe {
    let text = presets::preset(name).unwrap();
    Recipe::parse(text, name, catalogue::schema()).unwrap()
}

fn largest(operator: &dyn SymmetricOperator) -> f64 {
    let options = ExtremalOptions {
        largest: 1,
        smallest: 0,
        tolerance: 1e-4,
        ..ExtremalOptions::default()
    };
    let mut random = rng::stream(0, "probes");
    let found = top_eigenvalues(operator, &options, &[], &mut random, &()).unwrap();
    found.eigenvalues[0].value
}

/// A moment of a run.
#[derive(Debug)]
struct Moment {
    step: u64,
    /// λ₁ of the Hessian of the whole training loss.
    sharpness: f64,
    /// What is to be compared with the optimizer's line (the preconditioned
    /// sharpness where it is one of that) over the line.
    ratio: f64,
    /// The whole training loss.
    loss: f64,
}

fn moment(run: &Run) -> Moment {
    let theta = to_f64(run.parameters());
    let objective = run.setup().training_double().unwrap();
    let sharpness = largest(&objective.hessian(&theta));
    let line = run.stability().threshold().unwrap_or(f64::NAN);
    let preconditioned = curvature::preconditioned(run.setup(), &run.snapshot()).unwrap();
    let compared = preconditioned.map_or(sharpness, |operator| largest(&*operator));
    Moment {
        step: run.steps_done(),
        sharpness,
        ratio: compared / line,
        loss: objective.loss(&theta, &mut objective.workspace()),
    }
}

/// The run of a recipe to its end, looked at every so many steps and at the end.
fn follow(recipe: &Recipe, every: u64) -> (Run, Vec<Moment>) {
    let mut run = Run::new(recipe, Path::new(".")).unwrap();
    let mut moments = Vec::new();
    loop {
        if run.steps_done().is_multiple_of(every) {
            moments.push(moment(&run));
        }
        match run.step().unwrap() {
            StepOutcome::Trained => {}
            StepOutcome::Finished => {
                moments.push(moment(&run));
                return (run, moments);
            }
            StepOutcome::Diverged(_) => return (run, moments),
        }
    }
}

/// Mean ratio over the last third.
fn tail(moments: &[Moment]) -> f64 {
    let tail = &moments[moments.len() * 2 / 3..];
    tail.iter().map(|moment| moment.ratio).sum::<f64>() / tail.len() as f64
}

/// Steps that raise the loss.
fn rises(run: &Run) -> usize {
    let rows = run.history().rows();
    let losses: Vec<f64> = rows.iter().map(|row| row.train_loss).collect();
    losses.windows(2).filter(|pair| pair[1] > pair[0]).count()
}

fn assert_within(found: f64, low: f64, high: f64) {
    assert!(
        (low..=high).contains(&found),
        "{found} is not in {low}..{high}"
    );
}

#[test]
fn below_the_edge_the_sharpness_grows_and_never_arrives() {
    let (run, moments) = follow(&recipe("below-the-edge"), 200);
    assert!(
        moments.iter().all(|moment| moment.ratio < 0.7),
        "{moments:?}"
    );
    let last = moments.last().unwrap();
    assert_within(last.sharpness / moments[0].sharpness, 4.7, 5.8);
    assert_eq!(rises(&run), 0);

    // Small batches from the same start get as low and are flatter there.
    let (_, small) = follow(&recipe("small-batches"), 12_000);
    let small = small.last().unwrap();
    assert_within(small.loss / last.loss, 0.2, 1.1);
    assert_within(small.sharpness, 33.0, 41.0);
    assert_within(last.sharpness, 57.0, 63.0);
}

#[test]
fn the_first_recipes_reach_the_edge_and_stay() {
    for name in ["edge-of-stability", "chebyshev"] {
        let (run, moments) = follow(&recipe(name), 400);
        assert!(moments[0].ratio < 0.8, "{name}: {moments:?}");
        assert_within(tail(&moments), 0.97, 1.03);
        assert!(rises(&run) > 100, "{name}");
    }
}

#[test]
fn at_the_edge_the_sharpness_hovers() {
    // At the recipe's learning rate and at others.
    for rate in [0.1, 0.08, 0.13] {
        let mut recipe = recipe("to-the-edge");
        assert_eq!(recipe.optimizer.float("learning_rate"), 0.1);
        recipe.optimizer.set("learning_rate", rate);
        let (run, moments) = follow(&recipe, 25);
        assert!(moments[0].ratio < 0.8);
        assert_within(tail(&moments), 0.95, 1.05);
        assert!(moments.last().unwrap().loss < 0.1 * moments[0].loss);
        assert!(rises(&run) > 100);
    }
}

#[test]
fn beyond_the_edge_the_sharpness_comes_down() {
    let (_, moments) = follow(&recipe("catapult"), 25);
    assert_within(moments[0].ratio, 1.36, 1.48);
    assert_within(tail(&moments), 0.97, 1.06);
    assert_eq!(moments.last().unwrap().step, 2000);
    assert!(moments.last().unwrap().loss < 0.1 * moments[0].loss);
}

#[test]
fn momentum_has_an_edge_of_its_own() {
    let (run, moments) = follow(&recipe("edge-momentum"), 25);
    assert_within(tail(&moments), 0.95, 1.05);
    let line = run.stability().sharpness_threshold().unwrap();
    assert!((line - 30.0).abs() < 1e-9);
}

#[test]
fn the_preconditioned_sharpness_of_adam_hovers() {
    let (run, moments) = follow(&recipe("edge-adam"), 50);
    assert!(run.stability().preconditioned);
    let line = run.stability().threshold().unwrap();
    assert!((line - 38_000.0).abs() < 1e-6 * line, "{line}");
    assert!(moments[0].ratio < 0.1);
    assert_within(tail(&moments), 0.95, 1.05);
    // Once it is there, the sharpness of the loss itself moves little.
    for moment in moments.iter().filter(|moment| moment.step >= 1200) {
        assert_within(moment.sharpness, 33.0, 37.0);
    }
}

#[test]
fn cross_entropy_meets_the_edge_and_leaves_it() {
    let (_, moments) = follow(&recipe("edge-cross-entropy"), 50);
    assert!(moments[0].ratio < 0.5);
    let middle: Vec<&Moment> = moments
        .iter()
        .filter(|moment| (500..=1500).contains(&moment.step))
        .collect();
    let mean = middle.iter().map(|moment| moment.ratio).sum::<f64>() / middle.len() as f64;
    assert_within(mean, 0.95, 1.05);
    assert_within(moments.last().unwrap().ratio, 0.3, 0.367);
}

#[test]
fn long_steps_diverge_but_for_warm_up_and_clipping() {
    let (run, moments) = follow(&recipe("diverges"), 1000);
    assert!(run.divergence().is_some());
    assert_within(run.steps_done() as f64, 25.0, 40.0);
    let start = &moments[0];
    assert_within(start.ratio, 6.2, 6.8);
    assert_within(start.sharpness, 62.0, 68.0);
    for name in ["warm-up", "clipping"] {
        let recipe = recipe(name);
        assert_eq!(recipe.optimizer.float("learning_rate"), 0.2);
        let (run, moments) = follow(&recipe, 100);
        assert!(run.divergence().is_none());
        assert_eq!(moments[0].sharpness, start.sharpness, "another start");
        assert_within(tail(&moments), 0.97, 1.05);
        assert!(moments.last().unwrap().loss < 0.01);
        if name == "warm-up" {
            // The line comes from above.
            assert!(moments[0].ratio < 0.1, "{}", moments[0].ratio);
            continue;
        }
        // The gradient is shortened while the sharpness lies above the line, and
        // the loss stays near its start.
        let rows = run.history().rows();
        let first = rows.first().unwrap();
        assert_within(first.update_norm.unwrap() / 0.2, 0.99, 1.01);
        assert!(first.gradient_norm > 2.0, "{}", first.gradient_norm);
        let highest = rows.iter().map(|row| row.train_loss).fold(0.0, f64::max);
        assert!(
            highest < 1.5 * first.train_loss,
            "{highest} {}",
            first.train_loss
        );
        for moment in &moments {
            match moment.step {
                0..=400 => assert!(moment.ratio > 1.15, "{moment:?}"),
                1200.. => assert_within(moment.ratio, 0.95, 1.05),
                _ => {}
            }
        }
    }
}

#[test]
fn the_wider_sam_looks_the_flatter_it_ends() {
    assert_eq!(recipe("sam").optimizer.float("rho"), 0.04);
    // Where each ends: at 2/η = 40 without looking uphill.
    let expected = [
        (0.0, 38.5, 41.5),
        (0.02, 17.0, 21.0),
        (0.04, 12.0, 15.0),
        (0.08, 7.2, 8.8),
    ];
    for (rho, low, high) in expected {
        let mut recipe = recipe("sam");
        recipe.optimizer.set("rho", rho);
        let (_, moments) = follow(&recipe, 250);
        let last = moments.last().unwrap();
        assert_within(last.sharpness, low, high);
        // All of them fit.
        assert!(last.loss < 0.03, "{last:?}");
        if rho == 0.04 {
            // It turns on the way.
            let most = |most: f64, moment: &Moment| most.max(moment.sharpness);
            assert_within(moments.iter().fold(0.0, most), 15.5, 18.5);
        }
    }
}

#[test]
fn rare_classes_are_sharper() {
    let (run, _) = follow(&recipe("imbalanced"), 10_000);
    let settings = SpectrumSettings {
        top: 1,
        probes: 4,
        lanczos_steps: 40,
        seed: 0,
        tolerance: 1e-4,
    };
    let theta = to_f64(run.parameters());
    let classes = curvature::classes(run.setup(), &theta, &settings, &()).unwrap();
    let [head, middle, tail] = &classes[..] else {
        panic!("three classes");
    };
    assert_eq!([head.samples, middle.samples, tail.samples], [300, 67, 15]);
    let ends =
        |class: &curvature::ClassCurvature| (class.eigenvalues[0].value, class.smallest[0].value);
    let [head, middle, tail] = [head, middle, tail].map(ends);
    assert_within(tail.0 / head.0, 4.5, 5.7);
    assert!(tail.0 > middle.0, "{tail:?} {middle:?}");
    assert!(tail.1 < 0.0, "{tail:?}");
    assert!(tail.1 < head.1 && tail.1 < middle.1, "{tail:?}");
}

#[test]
fn the_flow_solution_of_the_scalar_network_only_gets_flatter() {
    let recipe = recipe("scalar-network");
    let mut run = Run::new(&recipe, Path::new(".")).unwrap();
    let edge = 2.0 / run.learning_rate();
    let flow = |run: &Run| {
        let weights = to_f64(run.parameters());
        gradient_flow_solution(&weights).unwrap().sharpness
    };
    let start = flow(&run);
    assert_within(start / edge, 1.0, 1.3);
    let mut before = start;
    while run.step().unwrap() == StepOutcome::Trained {
        let after = flow(&run);
        // Training is in single precision.
        assert!(after <= before * (1.0 + 1e-6), "{before} {after}");
        before = after;
    }
    let last = moment(&run);
    assert!(last.loss < 1e-6, "{}", last.loss);
    assert_within(last.sharpness / edge, 0.9, 1.0 + 1e-6);
}
