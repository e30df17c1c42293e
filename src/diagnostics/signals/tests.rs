use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::groups::correlation;
use super::*;
use crate::data::{Dataset, InputShape, PreparedData, Targets};
use crate::math::NoProgress;
use crate::math::progress::{CancelToken, Reporting};
use crate::recipe::{Component, Recipe};
use crate::train::Run;
use crate::train::testing::{diverging, optimizer, recipe};

/// f = w·x without bias on the samples (1, a) and (−1, a): ℓ± = ½(w ∓ a)² and
/// L = ½w² + ½a².
fn line(w: f32, a: f64, learning_rate: f64) -> Arc<Setup> {
    let mut recipe: Recipe = recipe();
    recipe.model.set("hidden", Vec::<i64>::new());
    recipe.model.set("bias", false);
    recipe.loss = Component::new("mean_squared_error").with("half", true);
    recipe.optimizer = optimizer("sgd", learning_rate);
    recipe.training.set("batch_size", 0);
    recipe.training.set("steps", 20);
    let train = Dataset {
        inputs: vec![1.0, -1.0],
        shape: InputShape::Vector(1),
        targets: Targets::Values {
            values: vec![a, a],
            dims: 1,
        },
        feature_names: vec!["x".to_owned()],
    };
    let data = PreparedData {
        train_indices: vec![0, 1],
        validation: None,
        standardization: None,
        validation_indices: Vec::new(),
        relabelled: Vec::new(),
        train,
    };
    Arc::new(Setup::with_data(Arc::new(recipe), data, Some(vec![w]), Path::new(".")).unwrap())
}

fn settings(from: u64, steps: usize, top: usize) -> SignalSettings {
    SignalSettings { from, steps, top }
}

fn signals(setup: &Arc<Setup>, settings: SignalSettings) -> OpposingSignals {
    opposing_signals(setup, &[], &[], settings, &NoProgress, &mut |_| ()).unwrap()
}

#[test]
fn at_the_edge_two_opposite_samples_are_in_antiphase() {
    // η = 2/λ: w ← −w, so that Δℓ± = ±2aw in turn, and the mean stands still.
    let (w, a) = (0.25, 1.0);
    let found = signals(&line(w as f32, a, 2.0), settings(0, 16, 5));
    assert_eq!((found.steps(), found.end()), (16, 16));
    for step in 0..16 {
        let sign = if step % 2 == 0 { 1.0 } else { -1.0 };
        assert_eq!(
            found.changes(step),
            [sign * 2.0 * a * w, -sign * 2.0 * a * w]
        );
        assert_eq!(found.largest(step), 2.0 * a * w);
        assert_eq!(
            (found.loss_change(step), found.ratio(step)),
            (Some(0.0), None)
        );
    }
    assert_eq!(found.median_ratio(), None);
    let groups = found.groups.unwrap();
    assert_eq!(groups.step, 0);
    assert_eq!(groups.rising.samples, [0]);
    assert_eq!(groups.falling.samples, [1]);
    assert_eq!(groups.correlation, Some(-1.0));
    assert_eq!(groups.pearson, Some(-1.0));
    assert!(groups.running[..RUNNING - 1].iter().all(Option::is_none));
    assert!(
        groups.running[RUNNING - 1..]
            .iter()
            .all(|r| *r == Some(-1.0))
    );
    // g± = w ∓ a, of opposite signs.
    assert_eq!(groups.cosines, vec![-1.0; 17]);
}

#[test]
fn changes_are_those_of_the_closed_form() {
    let (mut w, a, eta) = (0.5, 0.75, 1.5);
    let found = signals(&line(w as f32, a, eta), settings(0, 8, 1));
    for step in 0..8 {
        let next = w - eta * w;
        let common = 0.5 * (next * next - w * w);
        let expected = [common - a * (next - w), common + a * (next - w)];
        assert_eq!(found.changes(step), expected);
        let ratio = expected[0].abs().max(expected[1].abs()) / common.abs();
        assert!((found.ratio(step).unwrap() - ratio).abs() < 1e-12 * ratio);
        w = next;
    }
    // A later beginning sees the same steps.
    let later = signals(&line(0.5, a, eta), settings(3, 4, 1));
    for step in 0..4 {
        assert_eq!(later.changes(step), found.changes(step + 3));
        assert_eq!(later.index(step as u64 + 3), Some(step));
    }
    assert_eq!((later.index(2), later.index(7)), (None, None));
}

#[test]
fn where_all_losses_fall_there_are_no_groups() {
    let found = signals(&line(4.0, 0.125, 0.1), settings(0, 10, 3));
    assert_eq!(found.groups, None);
    let (rising, falling) = found.extremes(0, 5);
    assert!(rising.is_empty());
    // ℓ₊ lies nearer its minimum, and falls less.
    let order: Vec<usize> = falling.iter().map(|change| change.sample).collect();
    assert_eq!(order, [1, 0]);
}

#[test]
fn changes_sum_to_that_of_the_mean_and_groups_share_no_sample() {
    let run = Run::new(&recipe(), Path::new(".")).unwrap();
    let found = signals(run.setup(), settings(5, 30, 7));
    let n = run.setup().data.train.len() as f64;
    for step in 0..found.steps() {
        let sum: f64 = found.changes(step).iter().sum();
        let change = found.loss_change(step).unwrap();
        assert!((sum - n * change).abs() < 1e-12 * n);
        let (rising, falling) = found.extremes(step, 3);
        assert!(rising.windows(2).all(|w| w[0].change >= w[1].change));
        assert!(falling.windows(2).all(|w| w[0].change <= w[1].change));
        let largest = rising.iter().chain(&falling).map(|c| c.change.abs());
        assert_eq!(largest.fold(0.0, f64::max), found.largest(step));
    }
    let groups = found.groups.as_ref().unwrap();
    let (up, down) = (&groups.rising.samples, &groups.falling.samples);
    assert_eq!((up.len(), down.len()), (7, 7));
    assert!(up.iter().all(|sample| !down.contains(sample)));
    let moment = found.index(groups.step).unwrap();
    let changes = found.changes(moment);
    assert!(up.iter().all(|sample| changes[*sample] > 0.0));
    assert!(down.iter().all(|sample| changes[*sample] < 0.0));
    assert!((0..30).all(|step| found.largest(step) <= found.largest(moment)));
    // The losses are those of the objective.
    let theta = to_f64(&run.setup().initial.theta);
    let whole = signals(run.setup(), settings(0, 1, 1));
    let objective = run.setup().training_double().unwrap();
    let losses = objective.per_sample_losses(&theta, &mut objective.workspace());
    for (found, expected) in whole.losses[0].iter().zip(&losses) {
        assert!((found - expected).abs() < 1e-12 * expected.abs());
    }
    // Cosines are those of per-sample slopes along the other group's gradient.
    let replay = Replay::at(run.setup(), &[], &[], 5, |_| true).unwrap();
    let theta = to_f64(replay.run().parameters());
    let mean_gradient = |samples: &[usize]| {
        let part = part_of_training(run.setup(), samples).unwrap();
        let mut gradient = vec![0.0; theta.len()];
        part.gradient(&theta, &mut part.workspace(), &mut gradient);
        gradient
    };
    let (up_gradient, down_gradient) = (mean_gradient(up), mean_gradient(down));
    let slopes = objective.per_sample_slopes(&theta, &down_gradient, &mut objective.workspace());
    let inner: f64 = up.iter().map(|sample| slopes[*sample]).sum::<f64>() / 7.0;
    let lengths =
        crate::math::vector::norm(&up_gradient) * crate::math::vector::norm(&down_gradient);
    assert!((groups.cosines[0] - inner / lengths).abs() < 1e-10);
}

#[test]
fn equal_groups_point_the_same_way() {
    let run = Run::new(&recipe(), Path::new(".")).unwrap();
    let same = Group {
        samples: vec![3, 8],
        losses: Vec::new(),
    };
    let mut groups = Groups {
        rising: same.clone(),
        falling: same,
        ..Groups::default()
    };
    let thetas = [run.setup().initial.theta.to_vec()];
    groups
        .measure_gradients(run.setup(), &thetas, &NoProgress)
        .unwrap();
    assert!((groups.cosines[0] - 1.0).abs() < 1e-15);
    assert_eq!(correlation(&[1.0, -2.0], &[2.0, -4.0]), Some(1.0));
    assert_eq!(correlation(&[1.0, -2.0], &[0.0, 0.0]), None);
}

#[test]
fn many_pieces_and_snapshots_change_nothing() {
    let mut recipe = recipe();
    recipe.data.set("samples", 700);
    recipe.data.set("validation_fraction", 0.0);
    let mut run = Run::new(&recipe, Path::new(".")).unwrap();
    while run.step().unwrap() == StepOutcome::Trained {}
    let kept = run.snapshots().all();
    let asked = settings(20, 12, 4);
    let near = opposing_signals(run.setup(), kept, &[], asked, &(), &mut |_| ()).unwrap();
    assert_eq!(near, signals(run.setup(), asked));
    assert_eq!(near.losses[0].len(), 700);
    let theta = kept.iter().find(|kept| kept.step == 20).unwrap();
    let objective = run.setup().training_double().unwrap();
    let losses = objective.per_sample_losses(&to_f64(&theta.theta), &mut objective.workspace());
    for (found, expected) in near.losses[0].iter().zip(&losses) {
        assert!((found - expected).abs() < 1e-12 * expected.abs().max(1e-3));
    }
}

#[test]
fn a_run_that_ends_or_diverges_gives_the_steps_before() {
    let run = Run::new(&recipe(), Path::new(".")).unwrap();
    let found = signals(run.setup(), settings(45, 20, 2));
    assert_eq!((found.steps(), found.end()), (5, 50));
    assert_eq!(found.learning_rates, vec![0.1; 5]);
    let at_end = signals(run.setup(), settings(50, 3, 2));
    assert_eq!((at_end.steps(), at_end.loss.len()), (0, 1));
    assert_eq!(at_end.groups, None);
    // One that was given more steps at its end goes on.
    let more = [(50, "steps".to_owned(), 60.0)];
    let asked = settings(45, 20, 2);
    let longer = opposing_signals(run.setup(), &[], &more, asked, &(), &mut |_| ()).unwrap();
    assert_eq!(longer.end(), 60);
    assert_eq!(longer.losses[..6], found.losses[..]);
    let run = Run::new(&diverging(), Path::new(".")).unwrap();
    let found = signals(run.setup(), settings(0, 2000, 2));
    assert!((1..2000).contains(&found.steps()));
    assert!(found.loss.iter().all(|loss| loss.is_finite()));
    assert_eq!(found.learning_rates.len(), found.steps());
}

#[test]
fn parts_come_before_the_whole_and_a_cancelled_analysis_stops() {
    let run = Run::new(&recipe(), Path::new(".")).unwrap();
    let mut parts = Vec::new();
    let asked = settings(0, 40, 3);
    let mut take = |part: &OpposingSignals| parts.push(part.steps());
    let done = AtomicUsize::new(0);
    let whole = AtomicUsize::new(0);
    let progress = Reporting::new(CancelToken::new(), |reached, total| {
        done.fetch_max(reached, Ordering::Relaxed);
        whole.store(total, Ordering::Relaxed);
    });
    opposing_signals(run.setup(), &[], &[], asked, &progress, &mut take).unwrap();
    assert_eq!(parts, [5, 10, 15, 20, 25, 30, 35]);
    assert_eq!(done.into_inner(), whole.into_inner());
    // Stopped on the way there, while losses are measured, and at the gradients.
    for limit in [0, 7, 60] {
        let token = CancelToken::new();
        let stop = token.clone();
        let progress = Reporting::new(token, move |done, _| {
            if done >= limit {
                stop.cancel();
            }
        });
        let found = opposing_signals(run.setup(), &[], &[], asked, &progress, &mut |_| ());
        assert!(matches!(found, Err(SignalError::Cancelled(_))), "{limit}");
    }
    let token = CancelToken::new();
    token.cancel();
    let late = opposing_signals(
        run.setup(),
        &[],
        &[],
        settings(30, 5, 1),
        &token,
        &mut |_| (),
    );
    assert!(matches!(late, Err(SignalError::Cancelled(_))));
}

#[test]
fn what_cannot_be_looked_at_is_refused() {
    let run = Run::new(&recipe(), Path::new(".")).unwrap();
    let look = |settings| opposing_signals(run.setup(), &[], &[], settings, &(), &mut |_| ());
    let most = most_steps(run.setup().training.len(), run.setup().dim());
    assert!(most > 100_000);
    let Err(SignalError::TooLarge { most: told, .. }) = look(settings(0, most + 1, 1)) else {
        panic!("too many steps");
    };
    assert_eq!(told, most);
    assert!(matches!(
        look(settings(51, 1, 1)),
        Err(SignalError::Run(RunError::NoSnapshot(51)))
    ));
}

/// The bundled recipe with this learning rate: the analysis of its first steps,
/// and the sharpness at each of them.
fn bundled(learning_rate: f64, steps: usize) -> (OpposingSignals, Vec<f64>) {
    let text = crate::recipe::presets::preset("opposing-signals").unwrap();
    let mut recipe = Recipe::parse(text, "opposing-signals", crate::catalogue::schema()).unwrap();
    recipe.optimizer.set("learning_rate", learning_rate);
    recipe.training.set("steps", 400);
    let run = Run::new(&recipe, Path::new(".")).unwrap();
    let setup = run.setup();
    let found = signals(setup, settings(0, steps, 8));
    let mut replay = Replay::at(setup, &[], &[], 0, |_| true).unwrap();
    let objective = setup.training_double().unwrap();
    // Every fourth is enough.
    let mut sharpness: Vec<f64> = Vec::new();
    for step in 0..=steps {
        sharpness.push(match sharpness.last() {
            Some(last) if step % 4 > 0 => *last,
            _ => {
                let hessian = objective.hessian(&to_f64(replay.run().parameters()));
                let exact = crate::curvature::exact_spectrum(&hessian, &()).unwrap();
                exact.eigenvalues[0]
            }
        });
        replay.step().unwrap();
    }
    (found, sharpness)
}

#[test]
fn the_bundled_recipe_shows_what_it_promises() {
    let eta = 0.085;
    let (found, sharpness) = bundled(eta, 260);
    let edge = 2.0 / eta;
    let crossed = sharpness.iter().position(|s| *s > edge).unwrap();
    assert!((20..120).contains(&crossed), "{crossed}");
    // A spike follows, far above what was reached before, and ends below 2/η.
    let before = found.loss[..=crossed + 20]
        .iter()
        .copied()
        .fold(f64::MAX, f64::min);
    let (spike, height) =
        found.loss[crossed..]
            .iter()
            .copied()
            .enumerate()
            .fold(
                (0, 0.0),
                |most, now| if now.1 > most.1 { now } else { most },
            );
    let spike = crossed + spike;
    assert!(height > 2.0 * before, "{height} {before}");
    assert!(sharpness[spike + 5] < edge);
    assert!(*found.loss.last().unwrap() < 1.1 * before);
    // The groups are the outliers of either sign.
    let groups = found.groups.as_ref().unwrap();
    let text = crate::recipe::presets::preset("opposing-signals").unwrap();
    let recipe = Recipe::parse(text, "opposing-signals", crate::catalogue::schema()).unwrap();
    let run = Run::new(&recipe, Path::new(".")).unwrap();
    let side = |group: &Group| -> Vec<f64> {
        let of = |sample: &usize| run.setup().data.train.input(*sample)[1];
        group.samples.iter().map(of).collect()
    };
    let (up, down) = (side(&groups.rising), side(&groups.falling));
    let sign = up[0].signum();
    assert!(up.iter().all(|x| x * sign > 5.0), "{up:?}");
    assert!(down.iter().all(|x| x * sign < -5.0), "{down:?}");
    // Together below the edge, against each other at it.
    let correlation = |steps: std::ops::Range<usize>| {
        correlation(
            &groups.rising.changes()[steps.clone()],
            &groups.falling.changes()[steps],
        )
        .unwrap()
    };
    assert!(correlation(0..crossed) > 0.8, "{}", correlation(0..crossed));
    let at = correlation(spike - 20..spike + 10);
    assert!(at < -0.9, "{at}");
    // Their gradients oppose each other all along, until the loss jumps.
    assert!(groups.cosines[..spike - 10].iter().all(|c| *c < -0.9));
    // One sample's loss moves by far more than the mean.
    let mut ratios: Vec<f64> = (spike - 30..spike).filter_map(|k| found.ratio(k)).collect();
    ratios.sort_by(f64::total_cmp);
    assert!(ratios[ratios.len() / 2] > 50.0, "{ratios:?}");

    // At a fifth of the learning rate nothing of this happens.
    let (calm, sharpness) = bundled(eta / 5.0, 400);
    assert!(sharpness.iter().all(|s| *s < 2.0 / (eta / 5.0)));
    assert!(calm.loss.windows(2).all(|w| w[1] <= w[0]));
}
