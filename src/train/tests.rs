//! A run from the outside: what a step records, and that it repeats itself.

use std::path::Path;
use std::sync::Arc;

use super::testing::{diverging, optimizer, recipe};
use super::*;
use crate::recipe::Recipe;

fn finish(run: &mut Run) -> StepOutcome {
    loop {
        match run.step().unwrap() {
            StepOutcome::Trained => {}
            outcome => return outcome,
        }
    }
}

fn finished(recipe: &Recipe) -> Run {
    let mut run = Run::new(recipe, Path::new(".")).unwrap();
    assert_eq!(finish(&mut run), StepOutcome::Finished);
    run
}

fn csv(run: &Run) -> String {
    let mut text = Vec::new();
    run.history().write_csv(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn every_step_has_its_row_and_the_last_parameters_too() {
    let run = finished(&recipe());
    let rows = run.history().rows();
    assert_eq!(rows.len(), 51);
    for (step, row) in rows.iter().enumerate() {
        assert_eq!(row.step, step as u64);
        assert!(row.train_loss.is_finite() && row.gradient_norm > 0.0);
        assert_eq!(row.update_norm.is_some(), step < 50);
        assert_eq!(row.val_loss.is_some(), step % 10 == 0);
        assert_eq!(row.train_accuracy.is_some(), step % 10 == 0);
        assert_eq!(row.layer_gradient_norms.len(), run.setup().layers.len());
        if let Some(update) = row.update_norm {
            // Plain gradient descent: the update is η times the gradient.
            assert!((update - 0.1 * row.gradient_norm).abs() < 1e-4 * update);
        }
        let squares: f64 = row
            .layer_gradient_norms
            .iter()
            .map(|norm| f64::from(*norm).powi(2))
            .sum();
        assert!((squares.sqrt() - row.gradient_norm).abs() < 1e-5 * row.gradient_norm);
    }
    assert!(rows[50].train_loss < rows[0].train_loss);
    let snapshots = run.snapshots();
    assert_eq!(snapshots.first().unwrap().step, 0);
    assert_eq!(snapshots.last().unwrap().step, 50);
    assert_eq!(&snapshots.last().unwrap().theta[..], run.parameters());
}

#[test]
fn the_same_recipe_gives_the_same_bits_on_one_thread_and_on_two() {
    let mut recipe = recipe();
    for kind in ["adam", "sam", "adahessian", "gauss_newton"] {
        recipe.optimizer = optimizer(kind, 0.01);
        let mut expected: Option<(String, Vec<f32>)> = None;
        for threads in [1, 2, 2] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let run = pool.install(|| finished(&recipe));
            let found = (csv(&run), run.parameters().to_vec());
            match &expected {
                Some(expected) => assert_eq!(*expected, found, "{kind}"),
                None => expected = Some(found),
            }
        }
    }
}

/// The Gauss–Newton matrix by its factor and by its columns, the clipped
/// gradient elsewhere, and the Hessian's products, of a batch and of all samples.
#[test]
fn surroundings_are_those_of_the_batch() {
    use super::optimizers::Surroundings as _;
    use crate::math::SymmetricOperator as _;
    let setup = Setup::new(recipe().into(), Path::new(".")).unwrap();
    let dim = setup.dim();
    let theta: Vec<f64> = crate::math::vector::to_f64(&setup.initial.theta);
    // Three samples have fewer outputs than the network parameters, 48 more.
    let few = [4, 0, 7];
    for batch in [Some(&few[..]), None] {
        let (network, loss) = (setup.network.clone(), setup.loss.clone());
        let samples = match batch {
            Some(batch) => setup.data.train.subset(batch),
            None => setup.data.train.clone(),
        };
        let objective = crate::objective::Objective::<f64>::new(network, loss, &samples).unwrap();
        let mut around = LossSurroundings::new(&setup, &theta, batch, 3, 0.01);
        let (mut found, mut expected) = (vec![0.0; dim], vec![0.0; dim]);
        let at: Vec<f64> = theta.iter().map(|x| x + 0.1).collect();
        around.gradient(&at, &mut found).unwrap();
        objective.gradient(&at, &mut objective.workspace(), &mut expected);
        let norm = expected.iter().map(|g| g * g).sum::<f64>().sqrt();
        assert!(norm > 0.01);
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected * 0.01 / norm).abs() < 1e-6);
        }
        let v: Vec<f64> = (0..dim).map(|k| (k as f64).sin()).collect();
        around.hessian_product(&v, &mut found).unwrap();
        objective.hessian(&theta).apply(&v, &mut expected);
        assert_eq!(found, expected);
        let matrix = around.gauss_newton().unwrap();
        objective.gauss_newton(&theta).apply(&v, &mut expected);
        for (row, expected) in matrix.chunks_exact(dim).zip(&expected) {
            let product: f64 = row.iter().zip(&v).map(|(g, v)| g * v).sum();
            assert!((product - expected).abs() < 1e-12);
        }
    }
}

#[test]
fn another_seed_gives_another_run() {
    let mut other = recipe();
    other.seed = 1;
    assert_ne!(csv(&finished(&recipe())), csv(&finished(&other)));
}

#[test]
fn a_run_taken_up_from_a_snapshot_repeats_itself() {
    for kind in optimizers::kinds() {
        let mut recipe = recipe();
        recipe.optimizer = optimizer(kind.key, 0.01);
        let mut run = finished(&recipe);
        let (text, theta) = (csv(&run), run.parameters().to_vec());
        assert_eq!(run.rewind(23).unwrap(), 23);
        assert_eq!(run.history().len(), 23);
        assert_eq!(finish(&mut run), StepOutcome::Finished);
        assert_eq!(csv(&run), text, "{}", kind.key);
        assert_eq!(run.parameters(), theta, "{}", kind.key);
        run.reset().unwrap();
        finish(&mut run);
        assert_eq!(csv(&run), text, "{} after a reset", kind.key);
    }
}

#[test]
fn full_batch_loss_falls_steadily_under_gradient_descent() {
    let mut recipe = recipe();
    recipe.training.set("batch_size", 0);
    recipe.optimizer = optimizer("sgd", 0.01);
    let run = finished(&recipe);
    assert_eq!(run.setup().batch_size, run.setup().data.train.len());
    let losses: Vec<f64> = run
        .history()
        .rows()
        .iter()
        .map(|row| row.train_loss)
        .collect();
    assert!(losses.windows(2).all(|pair| pair[1] < pair[0]));
}

#[test]
fn a_diverging_run_stops_marks_the_row_and_explains() {
    let mut run = Run::new(&diverging(), Path::new(".")).unwrap();
    run.set_sharpness(0, 4.0);
    let StepOutcome::Diverged(divergence) = finish(&mut run) else {
        panic!("the run did not diverge");
    };
    let last = run.history().last().unwrap();
    assert_eq!(last.step, divergence.step);
    assert!(!last.train_loss.is_finite() || !last.gradient_norm.is_finite());
    assert_eq!(last.update_norm, None);
    assert!(
        divergence.explanation.contains("η = 50 exceeds 2/λ₁ = 0.5"),
        "{}",
        divergence.explanation
    );
    // Nothing more happens, and going back works.
    let rows = run.history().len();
    assert!(matches!(run.step().unwrap(), StepOutcome::Diverged(_)));
    assert_eq!(run.history().len(), rows);
    let step = run.rewind(divergence.rewind_to).unwrap();
    assert!(step < divergence.step);
    run.set_hyperparameter("learning_rate", 1e-3).unwrap();
    assert_eq!(run.step().unwrap(), StepOutcome::Trained);
}

#[test]
fn hyperparameters_act_on_the_next_step_and_bad_ones_are_refused() {
    let mut run = Run::new(&recipe(), Path::new(".")).unwrap();
    run.step().unwrap();
    run.set_hyperparameter("learning_rate", 0.25).unwrap();
    run.set_hyperparameter("clip_norm", 1e-3).unwrap();
    run.step().unwrap();
    let row = run.history().last().unwrap();
    assert_eq!(row.learning_rate, 0.25);
    assert!(row.gradient_norm > 1e-2);
    assert!((row.update_norm.unwrap() - 0.25e-3).abs() < 1e-6);
    for (key, value) in [
        ("learning_rate", -1.0),
        ("learning_rate", f64::NAN),
        ("momentum", 0.5),
        ("steps", 1.5),
        ("seed", 1.0),
    ] {
        let error = run.set_hyperparameter(key, value).unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
    run.set_hyperparameter("steps", 4.0).unwrap();
    assert_eq!(finish(&mut run), StepOutcome::Finished);
    assert_eq!(run.steps_done(), 4);
}

/// Plain gradient descent: the update is η times the gradient it used.
#[test]
fn a_run_tells_how_its_last_update_was_clipped() {
    let mut run = Run::new(&recipe(), Path::new(".")).unwrap();
    assert_eq!((run.clip_norm(), run.clip_factor()), (0.0, 1.0));
    assert_eq!(run.update_gradient(), None);
    run.step().unwrap();
    assert_eq!(run.clip_factor(), 1.0);
    assert_eq!(run.update_gradient(), Some(run.gradient()));
    run.set_hyperparameter("clip_norm", 1e-3).unwrap();
    // What comes next does not change what was.
    assert_eq!((run.clip_norm(), run.clip_factor()), (1e-3, 1.0));
    run.set_hyperparameter("steps", 3.0).unwrap();
    run.step().unwrap();
    let before = run.parameters().to_vec();
    assert_eq!(run.step().unwrap(), StepOutcome::Finished);
    let norm = run.history().row(2).unwrap().gradient_norm;
    assert!((run.clip_factor() - 1e-3 / norm).abs() < 1e-4 * run.clip_factor());
    let used = run.update_gradient().unwrap();
    for ((before, after), used) in before.iter().zip(run.parameters()).zip(used) {
        assert!((before - after - 0.1 * used).abs() < 1e-7);
    }
    // The gradient at the final parameters is another one.
    let length = |gradient: &[f32]| gradient.iter().map(|g| g * g).sum::<f32>().sqrt();
    assert!((length(used) - 1e-3).abs() < 1e-6);
    assert!(length(run.gradient()) > 1e-2);
    run.rewind(0).unwrap();
    assert_eq!((run.clip_factor(), run.update_gradient()), (1.0, None));
}

#[test]
fn a_setup_knows_the_hyperparameters_of_every_moment() {
    let run = Run::new(&recipe(), Path::new(".")).unwrap();
    let changes = [
        (3, "learning_rate".to_owned(), 0.2),
        (3, "steps".to_owned(), 70.0),
        (5, "clip_norm".to_owned(), 2.0),
        (5, "learning_rate".to_owned(), 0.4),
    ];
    let setup = run.setup().with_changes(&changes);
    let found = |step| {
        let at = setup.at(step);
        let number = |key| at.recipe.optimizer.float(key);
        (number("learning_rate"), number("clip_norm"))
    };
    assert_eq!([2, 3, 4].map(found), [(0.1, 0.0), (0.2, 0.0), (0.2, 0.0)]);
    assert_eq!([5, 99].map(found), [(0.4, 2.0), (0.4, 2.0)]);
    assert_eq!(setup.at(9).recipe.training, setup.recipe.training);
    // What was computed for one serves the others.
    let objective = std::ptr::from_ref(setup.training_double().unwrap());
    for other in [&*setup.at(5), run.setup()] {
        assert!(std::ptr::eq(objective, other.training_double().unwrap()));
    }
    let again = setup.with_changes(&changes);
    assert!(std::sync::Arc::ptr_eq(&setup, &again));
}

#[test]
fn more_steps_replace_the_last_row() {
    let mut run = finished(&recipe());
    run.set_hyperparameter("steps", 60.0).unwrap();
    assert_eq!(finish(&mut run), StepOutcome::Finished);
    assert_eq!(run.history().len(), 61);
    assert!(run.history().row(50).unwrap().update_norm.is_some());
}

#[test]
fn the_schedule_multiplies_the_learning_rate() {
    let mut recipe = recipe();
    let cosine = schedules::kinds().into_iter().find(|k| k.key == "cosine");
    recipe.schedule = cosine
        .unwrap()
        .defaults(schedules::COMMON_FIELDS)
        .with("warmup_steps", 4);
    let run = finished(&recipe);
    let rates: Vec<f64> = run
        .history()
        .rows()
        .iter()
        .map(|row| row.learning_rate)
        .collect();
    assert!((rates[0] - 0.02).abs() < 1e-12 && (rates[4] - 0.1).abs() < 1e-12);
    assert!(rates[49] < 0.001 && rates[50].abs() < 1e-12);
}

/// The golden 2-4-3 network of the references as a recipe: its data as a table
/// in `folder`, its parameters as a file beside it.
fn golden(folder: &Path, optimizer: crate::recipe::Component) -> Recipe {
    let mut table = String::from("x0,x1,class\n");
    for i in 0..6 {
        let i_ = f64::from(i);
        let (x0, x1) = ((0.9 * i_ + 0.2).sin(), (1.7 * i_ - 0.3).cos());
        table.push_str(&format!("{x0},{x1},{}\n", i % 3));
    }
    std::fs::write(folder.join("golden.csv"), table).unwrap();
    let mut recipe = recipe();
    recipe.data = crate::data::section()
        .component("csv")
        .unwrap()
        .with("path", "golden.csv")
        .with("validation_fraction", 0.0);
    recipe.model.set("hidden", vec![4i64]);
    recipe.training.set("batch_size", 0);
    recipe.training.set("steps", 100);
    let network = Setup::new(recipe.clone().into(), folder).unwrap().network;
    let theta: Vec<f64> = (0..27)
        .map(|k| 0.7 * (1.3 * f64::from(k) + 0.4).sin())
        .collect();
    let file = folder.join("golden.safetensors");
    crate::nn::checkpoint::save(&file, network.layout(), &theta, &[]).unwrap();
    recipe.initialization =
        crate::recipe::Component::new("file").with("path", "golden.safetensors");
    recipe.optimizer = optimizer;
    recipe
}

#[test]
fn the_golden_network_trains_to_the_reference_losses() {
    let folder = tempfile::tempdir().unwrap();
    let adamw = optimizer("adamw", 0.01).with("weight_decay", 0.01);
    for (optimizer, references) in [
        (
            optimizer("sgd", 0.5),
            vec![
                (0, 1.1363427952372545),
                (1, 1.01346472939611),
                (10, 0.649226141061592),
                (100, 0.0740522570112148),
            ],
        ),
        (optimizer("momentum", 0.05), vec![(100, 0.0914223795129)]),
        (optimizer("sam", 0.5), vec![(100, 0.0735566854691)]),
        (optimizer("nesterov", 0.05), vec![(100, 0.0886035114286)]),
        (optimizer("adam", 0.01), vec![(100, 0.411505749283)]),
        (optimizer("rmsprop", 0.01), vec![(100, 0.0645913513032)]),
        (adamw, vec![(100, 0.41751682615)]),
    ] {
        let kind = optimizer.kind.clone();
        let recipe = golden(folder.path(), optimizer);
        let mut run = Run::new(&recipe, folder.path()).unwrap();
        assert_eq!(finish(&mut run), StepOutcome::Finished);
        for (step, expected) in references {
            // Training is in single precision.
            let found = run.history().row(step).unwrap().train_loss;
            assert!((found - expected).abs() < 2e-5, "{kind} at {step}: {found}");
        }
    }
}

#[test]
fn a_branch_from_a_snapshot_repeats_the_run() {
    // What the optimizer remembers goes along.
    let mut recipe = recipe();
    recipe.optimizer = optimizer("adam", 0.01);
    let run = finished(&recipe);
    let start = run.snapshots().at_or_before(20).unwrap();
    assert_eq!(start.step, 20);
    let setup = run.setup().branch(&recipe, start).unwrap();
    let mut branch = Run::from_setup(setup.into()).unwrap();
    assert_eq!(branch.steps_done(), 20);
    assert_eq!(finish(&mut branch), StepOutcome::Finished);
    assert_eq!(branch.parameters(), run.parameters());
    assert_eq!(branch.history().rows()[0].step, 20);
    assert_eq!(branch.snapshots().first().unwrap().step, 20);
    // Back to where it parted.
    branch.reset().unwrap();
    assert_eq!(branch.parameters(), &start.theta[..]);
}

#[test]
fn a_branch_from_a_place_off_the_path_can_be_replayed_from_its_first_step() {
    let run = finished(&recipe());
    let off = Snapshot {
        step: 40,
        theta: run.parameters().iter().map(|value| value + 0.1).collect(),
        optimizer: None,
    };
    let setup = Arc::new(run.setup().branch(&recipe(), &off).unwrap());
    let mut branch = Run::from_setup(Arc::clone(&setup)).unwrap();
    for step in 40..43 {
        let replay = Replay::at(&setup, &[], &[], step, |_| true).unwrap();
        assert_eq!(replay.run().parameters(), branch.parameters());
        branch.step().unwrap();
    }
}

#[test]
fn a_branch_takes_other_settings_but_not_another_network() {
    let run = finished(&recipe());
    let last = run.snapshot();
    let mut other = recipe();
    other.optimizer = optimizer("adam", 0.01);
    other.training.set("batch_size", 7);
    let setup = run.setup().branch(&other, &last).unwrap();
    // The momentum of one optimizer is not another's.
    let new = super::optimizers::build(&other.optimizer, setup.dim()).unwrap();
    assert_eq!(*setup.initial.optimizer.clone().unwrap(), new.state());
    assert_eq!(setup.batch_size, 7);
    // All steps were done: it gets as many again.
    let mut branch = Run::from_setup(setup.into()).unwrap();
    assert_eq!(branch.total_steps(), 100);
    assert_eq!(finish(&mut branch), StepOutcome::Finished);
    // A branch of the branch gets as many, too, and not twice as many; what
    // somebody asked for otherwise counts from where it begins.
    let end = branch.snapshot();
    let mut inherited = (*branch.setup().recipe).clone();
    let steps = |recipe: &Recipe| {
        let again = branch.setup().branch(recipe, &end).unwrap();
        again.recipe.training.count("steps")
    };
    assert_eq!(steps(&inherited), 150);
    inherited.training.set("steps", 30i64);
    assert_eq!(steps(&inherited), 130);
    inherited.training.set("steps", 400i64);
    assert_eq!(steps(&inherited), 400);
    let refused = |recipe: &Recipe, start: &Snapshot| {
        let error = run.setup().branch(recipe, start).unwrap_err();
        error.to_string()
    };
    let mut model = recipe();
    model.model.set("hidden", vec![3i64]);
    assert!(refused(&model, &last).contains("[model]"));
    let start = |theta: Vec<f32>| Snapshot {
        step: 3,
        theta: theta.into(),
        optimizer: None,
    };
    assert!(refused(&recipe(), &start(vec![0.0; 2])).contains("2 parameters"));
    let mut infinite = last.theta.to_vec();
    infinite[1] = f32::INFINITY;
    assert!(refused(&recipe(), &start(infinite)).contains("finite"));
}
