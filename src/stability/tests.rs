use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::curvature::{
    ExtremalOptions, TopSpectrum, eigenspace_share, exact_spectrum, top_eigenvalues,
};
use crate::data::{Dataset, InputShape, PreparedData, Targets};
use crate::math::dense::SymmetricEigen;
use crate::math::golden::gaussian;
use crate::math::operator::{Preconditioned, Shifted, SymmetricOperator};
use crate::math::progress::{CancelToken, Reporting};
use crate::math::rng::stream;
use crate::math::{MathError, statistics, vector};
use crate::objective::Objective;
use crate::recipe::{Component, Recipe};
use crate::train::testing::{optimizer, recipe};
use crate::train::{Replay, Setup};

fn setup(recipe: Recipe) -> Arc<Setup> {
    Arc::new(Setup::new(recipe.into(), Path::new(".")).unwrap())
}

fn at(setup: &Arc<Setup>, step: u64) -> Replay {
    Replay::at(setup, &[], &[], step, |_| true).unwrap()
}

fn settings(setup: &Setup, steps: u64, every: u64) -> StabilitySettings {
    StabilitySettings {
        steps,
        every,
        tolerance: 1e-9,
        ..StabilitySettings::of(setup)
    }
}

/// A linear model of three features without bias, squared error, whole batches:
/// a quadratic.
fn quadratic(eta: f64) -> Arc<Setup> {
    let mut inputs = gaussian(60, 3);
    for (index, value) in inputs.iter_mut().enumerate() {
        *value *= [0.3, 1.0, 0.6][index % 3];
    }
    values(&[], inputs, gaussian(20, 4), eta, None)
}

/// A linear network on numbers.
fn values(
    hidden: &[i64],
    inputs: Vec<f64>,
    values: Vec<f64>,
    eta: f64,
    start: Option<Vec<f32>>,
) -> Arc<Setup> {
    let mut recipe = recipe();
    recipe.model.set("hidden", hidden.to_vec());
    recipe.model.set("activation", "identity");
    recipe.model.set("bias", false);
    recipe.loss = Component::new("mean_squared_error").with("half", true);
    recipe.optimizer = optimizer("sgd", eta);
    recipe.training.set("batch_size", 0);
    recipe.training.set("steps", 400);
    let (samples, width) = (values.len(), inputs.len() / values.len());
    let train = Dataset {
        inputs,
        shape: InputShape::Vector(width),
        targets: Targets::Values { values, dims: 1 },
        feature_names: vec!["x".into(); width],
    };
    let data = PreparedData {
        train,
        validation: None,
        standardization: None,
        train_indices: (0..samples).collect(),
        validation_indices: Vec::new(),
        relabelled: Vec::new(),
    };
    Arc::new(Setup::with_data(recipe.into(), data, start, Path::new(".")).unwrap())
}

/// All eigenvalues and eigenvectors of the Hessian, ascending.
fn eigen(setup: &Setup, theta: &[f64]) -> SymmetricEigen {
    let hessian = setup.training_double().unwrap().hessian(theta);
    let n = theta.len();
    let (mut unit, mut column, mut elements) = (vec![0.0; n], vec![0.0; n], Vec::new());
    for j in 0..n {
        unit[j] = 1.0;
        hessian.apply(&unit, &mut column);
        unit[j] = 0.0;
        elements.extend_from_slice(&column);
    }
    SymmetricEigen::new(n, &elements).unwrap()
}

#[test]
fn on_a_quadratic_descent_alternates_by_one_minus_eta_lambda() {
    let probe = quadratic(0.1);
    let theta = vector::to_f64(&probe.initial.theta);
    let lambda = *eigen(&probe, &theta).values.last().unwrap();
    let eta = 1.7 / lambda;
    let setup = quadratic(eta);
    let settings = settings(&setup, 12, 3);
    let found = stability_readings(&mut at(&setup, 0), &settings, &(), &mut |_| ()).unwrap();
    assert_eq!((found.steps.len(), found.spectra.len()), (13, 5));
    assert_eq!(found.formula, "2/η");
    assert!(found.full_batch && !found.is_preconditioned && found.ended.is_none());
    let first = found.steps[0].gradient_along;
    for (t, reading) in found.steps.iter().enumerate() {
        let factor = (1.0 - eta * lambda).powi(t as i32);
        // Training is in single precision.
        let close = |a: f64, b: f64| (a - b).abs() < 1e-5 * first.abs();
        assert!(close(reading.gradient_along, first * factor), "{t}");
        // v₁ᵀ(θ − θ₀) = (g·v₁)((1 − ηλ)ᵗ − 1)/λ.
        assert!(
            close(reading.iterate_along * lambda, first * (factor - 1.0)),
            "{t}"
        );
        assert_eq!(reading.step, t as u64);
        if t < 12 {
            let (predicted, actual) = (
                reading.predicted_change.unwrap(),
                reading.actual_change.unwrap(),
            );
            assert!((predicted - actual).abs() < 1e-12, "{predicted} {actual}");
            let curvature = reading.update_curvature.unwrap();
            assert!((curvature - reading.gradient_curvature).abs() < 1e-4 * lambda);
        }
    }
    assert_eq!(found.steps[12].predicted_change, None);
    for reading in &found.spectra {
        assert!((reading.eigenvalues[0].value - lambda).abs() < 1e-9 * lambda);
        assert!((reading.scaled_sharpness - 1.7).abs() < 1e-6);
    }
    // The same eigenspace at all times.
    assert_eq!(found.overlap_steps, [0, 3, 6, 9, 12]);
    for (i, row) in found.overlaps.iter().enumerate() {
        assert_eq!(row.len(), 5);
        assert!((row[i] - 1.0).abs() < 1e-12);
    }
}

#[test]
fn readings_are_those_of_independent_computations() {
    let setup = setup(recipe());
    let (from, every) = (10, 4);
    let settings = settings(&setup, 10, every);
    assert_eq!((settings.top, settings.batches), (2, 16));
    let mut parts = Vec::new();
    let mut replay = at(&setup, from);
    let found = stability_readings(&mut replay, &settings, &(), &mut |part| {
        parts.push(part.steps.len());
    })
    .unwrap();
    assert!(!found.full_batch);
    assert_eq!((setup.dim(), found.batch_size), (42, 16));
    assert_eq!(found.chance, 2.0 / 42.0);
    let objective = setup.training_double().unwrap();
    let measured: Vec<u64> = found.spectra.iter().map(|found| found.step).collect();
    assert_eq!(measured, [10, 14, 18, 20]);
    for spectrum in &found.spectra {
        let step = spectrum.step;
        let mut replay = at(&setup, step);
        let theta = vector::to_f64(replay.run().parameters());
        let eigen = eigen(&setup, &theta);
        let n = theta.len();
        for (k, value) in spectrum.eigenvalues.iter().enumerate() {
            assert!((value.value - eigen.values[n - 1 - k]).abs() < 1e-9 && value.converged);
        }
        let smallest = spectrum.smallest.unwrap();
        assert!((smallest.value - eigen.values[0]).abs() < 1e-8);
        assert!(
            (spectrum.trace.unwrap().value - eigen.values.iter().sum::<f64>()).abs()
                <= 5.0 * spectrum.trace.unwrap().stderr + 1e-9
        );
        let mut gradient = vec![0.0; n];
        let loss = objective.gradient(&theta, &mut objective.workspace(), &mut gradient);
        let top: Vec<Vec<f64>> = (0..2).map(|k| eigen.vector(n - 1 - k).to_vec()).collect();
        let inside: f64 = top.iter().map(|v| vector::dot(&gradient, v).powi(2)).sum();
        assert!((spectrum.share - inside / vector::norm_squared(&gradient)).abs() < 1e-7);
        let reading = &found.steps[(step - from) as usize];
        assert!((reading.loss - loss).abs() < 1e-14);
        assert!(
            (reading.gradient_along.abs() - vector::dot(&gradient, &top[0]).abs()).abs() < 1e-6
        );
        assert_eq!(reading.learning_rate, 0.1);
        assert!((reading.threshold - 20.0).abs() < 1e-12);
        let Some(share) = spectrum.batch_share else {
            assert_eq!(step, from + 10);
            continue;
        };
        let members = setup.data.train.subset(replay.batch());
        let batch =
            Objective::<f64>::new(setup.network.clone(), setup.loss.clone(), &members).unwrap();
        batch.gradient(&theta, &mut batch.workspace(), &mut gradient);
        let inside: f64 = top.iter().map(|v| vector::dot(&gradient, v).powi(2)).sum();
        assert!((share - inside / vector::norm_squared(&gradient)).abs() < 1e-4);
        assert!((0.0..=1.0).contains(&share) && (0.0..=1.0).contains(&spectrum.share));
        assert!(spectrum.batch_sharpness.unwrap().stderr > 0.0);
        // The change of the loss, from the parameters on both sides.
        replay.step().unwrap();
        let next = vector::to_f64(replay.run().parameters());
        let after = objective.loss(&next, &mut objective.workspace());
        assert!((reading.actual_change.unwrap() - (after - loss)).abs() < 1e-14);
        assert!((reading.predicted_change.unwrap() - (after - loss)).abs() < 1e-3);
    }
    let text = serde_json::to_string(&found).unwrap();
    assert_eq!(
        serde_json::from_str::<StabilityReport>(&text).unwrap(),
        found
    );
}

#[test]
fn an_adaptive_optimizer_is_read_by_its_preconditioned_hessian() {
    let mut recipe = recipe();
    recipe.optimizer = optimizer("adam", 0.01).with("weight_decay", 0.2);
    recipe.training.set("batch_size", 0);
    let setup = setup(recipe);
    let settings = settings(&setup, 4, 2);
    let found = stability_readings(&mut at(&setup, 0), &settings, &(), &mut |_| ()).unwrap();
    assert!(found.is_preconditioned);
    // Before the first step there is nothing to divide by.
    assert_eq!(found.spectra[0].preconditioned, None);
    let replay = at(&setup, 4);
    let state = replay.run().snapshot().optimizer.clone().unwrap();
    let (first, second) = (1.0 - 0.9f64.powi(4), 1.0 - 0.999f64.powi(4));
    let diagonal: Vec<f64> = state.slots[1]
        .iter()
        .map(|v| first * ((f64::from(*v) / second).sqrt() + 1e-8))
        .collect();
    let theta = vector::to_f64(replay.run().parameters());
    let hessian = setup.training_double().unwrap().hessian(&theta);
    let operator = Preconditioned::new(Shifted::new(hessian, 0.2), &diagonal).unwrap();
    let exact = exact_spectrum(&operator, &()).unwrap().eigenvalues[0];
    let reading = found.spectra[2].preconditioned.unwrap();
    assert!(
        (reading.value - exact).abs() < 1e-6 * exact,
        "{} {exact}",
        reading.value
    );
    assert!((found.steps[4].threshold - 38.0 / 0.01).abs() < 1e-6);
}

#[test]
fn a_random_vector_has_the_chance_share_in_an_eigenspace() {
    let setup = setup(recipe());
    let theta = vector::to_f64(&setup.initial.theta);
    let hessian = setup.training_double().unwrap().hessian(&theta);
    let options = ExtremalOptions {
        largest: 5,
        smallest: 0,
        ..ExtremalOptions::default()
    };
    let top: TopSpectrum =
        top_eigenvalues(&hessian, &options, &[], &mut stream(0, "t"), &()).unwrap();
    let shares: Vec<f64> = (0..2000)
        .map(|seed| eigenspace_share(&gaussian(theta.len(), seed), &top.vectors))
        .collect();
    let chance = 5.0 / theta.len() as f64;
    assert!((statistics::mean(&shares) - chance).abs() < 4.0 * statistics::stderr(&shares));
}

#[test]
fn a_window_ends_where_the_run_does_and_stops_when_told() {
    let setup = setup(recipe());
    let settings = settings(&setup, 10, 5);
    let found = stability_readings(&mut at(&setup, 45), &settings, &(), &mut |_| ()).unwrap();
    assert_eq!(found.steps.last().unwrap().step, 50);
    assert!(found.ended.unwrap().contains("step 50"));
    let flow = FlowSettings {
        steps: 10,
        ..FlowSettings::default()
    };
    let found = flow_twins(&mut at(&setup, 45), &flow, &(), &mut |_| ()).unwrap();
    assert_eq!(found.steps.len(), 6);
    assert!(found.ended.is_some() && !found.is_gradient_descent);

    let token = CancelToken::new();
    let cancel = token.clone();
    let progress = Reporting::new(token, move |done, _| {
        if done > 3 {
            cancel.cancel();
        }
    });
    for error in [
        stability_readings(&mut at(&setup, 0), &settings, &progress, &mut |_| ()).map(|_| ()),
        flow_twins(&mut at(&setup, 0), &flow, &progress, &mut |_| ()).map(|_| ()),
    ] {
        assert!(matches!(
            error,
            Err(StabilityError::Math(MathError::Cancelled))
        ));
    }
}

#[test]
fn the_gradient_flow_of_a_quadratic_is_the_exponential() {
    let eta = 0.9;
    let setup = quadratic(eta);
    let theta = vector::to_f64(&setup.initial.theta);
    let eigen = eigen(&setup, &theta);
    let objective = setup.training_double().unwrap();
    let mut gradient = vec![0.0; theta.len()];
    objective.gradient(&theta, &mut objective.workspace(), &mut gradient);
    let settings = FlowSettings {
        steps: 20,
        every: 5,
        central_flow: false,
        tolerance: 1e-9,
        ..FlowSettings::default()
    };
    let found = flow_twins(&mut at(&setup, 0), &settings, &(), &mut |_| ()).unwrap();
    assert!(found.is_gradient_descent);
    for (t, step) in found.steps.iter().enumerate() {
        let twin = step.gradient_flow.as_ref().unwrap();
        // Along vᵢ, both shrink g·vᵢ/λᵢ: by (1 − ηλ)ᵗ and by e^(−ηλt).
        let squares: f64 = (0..theta.len())
            .filter(|i| eigen.values[*i] > 1e-9)
            .map(|i| {
                let lambda = eigen.values[i];
                let along = vector::dot(&gradient, eigen.vector(i)) / lambda;
                let flow = (-eta * lambda * t as f64).exp();
                (along * ((1.0 - eta * lambda).powi(t as i32) - flow)).powi(2)
            })
            .sum();
        let expected = squares.sqrt();
        assert!(
            (twin.distance - expected).abs() < 2e-3,
            "{t}: {} {expected}",
            twin.distance
        );
        assert!(!(1..4).contains(&t) || expected > 0.01);
        assert!((step.time - eta * t as f64).abs() < 1e-12);
        assert_eq!(twin.sharpness.is_some(), t % 5 == 0);
        assert_eq!(step.sharpness.is_some(), t % 5 == 0);
    }
}

#[test]
fn descent_lowers_the_sharpness_of_the_gradient_flow_solution() {
    // λ₁ = w₁² + w₂² at the minimum: 6.6 here, 2/η = 6.
    let setup = values(
        &[1],
        vec![1.0],
        vec![1.0],
        1.0 / 3.0,
        Some(vec![2.55, 0.35]),
    );
    let settings = FlowSettings {
        steps: 300,
        every: 10,
        central_flow: false,
        ..FlowSettings::default()
    };
    let found = flow_twins(&mut at(&setup, 0), &settings, &(), &mut |_| ()).unwrap();
    let phi: Vec<f64> = found
        .steps
        .iter()
        .map(|step| step.solution_sharpness.unwrap())
        .collect();
    assert!((6.3..7.0).contains(&phi[0]), "{}", phi[0]);
    for pair in phi.windows(2) {
        // Weights are in single precision.
        assert!(pair[1] <= pair[0] + 1e-5, "{pair:?}");
    }
    let last = *phi.last().unwrap();
    assert!((5.0..6.0).contains(&last), "{last}");
    // The flow itself arrives where the closed form says.
    let flow = found.steps.last().unwrap().gradient_flow.as_ref().unwrap();
    assert!((flow.sharpness.unwrap().value - phi[0]).abs() < 1e-3);
    // Other networks have no such form.
    let other = self::setup(recipe());
    assert_eq!(
        solution_sharpness(&other, &vector::to_f64(&other.initial.theta)),
        None
    );
}

/// Squared error on a few points of two spirals, a 2-10-10-2 tanh network, plain
/// descent on all of them.
fn edge(eta: f64) -> Arc<Setup> {
    let mut recipe = recipe();
    recipe.data.set("samples", 40i64);
    recipe.model.set("hidden", vec![10i64, 10]);
    recipe.loss = Component::new("mean_squared_error").with("half", false);
    recipe.optimizer = optimizer("sgd", eta);
    recipe.training.set("batch_size", 0);
    recipe.training.set("steps", 6000);
    setup(recipe)
}

#[test]
fn the_gradient_turns_at_every_step_at_the_edge_and_not_before() {
    // The line is at 10: λ₁ is 8.6 after 50 steps and hovers there after 1000.
    let setup = edge(0.2);
    let settings = StabilitySettings {
        tolerance: 1e-6,
        ..settings(&setup, 8, 2)
    };
    let read =
        |from: u64| stability_readings(&mut at(&setup, from), &settings, &(), &mut |_| ()).unwrap();
    let (before, there) = (read(50), read(1000));
    let flips = |report: &StabilityReport| -> usize {
        let pairs = report.steps.windows(2);
        pairs
            .filter(|pair| pair[0].gradient_along * pair[1].gradient_along < 0.0)
            .filter(|pair| pair[0].gradient_along.abs() > 1e-2 * pair[0].gradient_norm)
            .count()
    };
    assert_eq!((flips(&before), flips(&there)), (0, 8));
    for reading in &before.spectra {
        assert!(reading.scaled_sharpness < 1.8 && reading.share < 1e-3);
    }
    for reading in &there.spectra {
        assert!((1.9..2.2).contains(&reading.scaled_sharpness));
        assert!(reading.share > 0.9);
    }
    // Far from the edge the quadratic model is nearly exact.
    let error = |report: &StabilityReport| -> f64 {
        let worst = report.steps.iter().filter_map(|step| {
            Some((step.predicted_change? - step.actual_change?).abs() / step.actual_change?.abs())
        });
        worst.fold(0.0, f64::max)
    };
    assert!(error(&before) < 0.05, "{}", error(&before));
}

#[test]
fn the_central_flow_holds_the_sharpness_at_the_line() {
    let setup = edge(0.2);
    let settings = FlowSettings {
        steps: 40,
        every: 10,
        ..FlowSettings::default()
    };
    let found = flow_twins(&mut at(&setup, 1000), &settings, &(), &mut |_| ()).unwrap();
    assert!(found.is_gradient_descent && found.central_flow_ended.is_none());
    let last = found.steps.last().unwrap();
    let central = last.central_flow.as_ref().unwrap();
    let sharpness = central.eigenvalues[0].value;
    assert!((sharpness - 10.0).abs() < 0.1, "{sharpness}");
    let flow = last.gradient_flow.as_ref().unwrap();
    assert!(central.distance < flow.distance && central.variance > 0.0);
    // Below the edge, both flows are the same but for their methods.
    let found = flow_twins(&mut at(&setup, 50), &settings, &(), &mut |_| ()).unwrap();
    let last = found.steps.last().unwrap();
    let (central, flow) = (
        last.central_flow.as_ref().unwrap(),
        last.gradient_flow.as_ref().unwrap(),
    );
    assert_eq!(central.variance, 0.0);
    assert!((central.loss - flow.loss).abs() < 1e-3 * flow.loss);
}

#[test]
fn the_last_update_of_a_run_is_read_with_its_own_batch() {
    let setup = setup(recipe());
    let settings = settings(&setup, 5, 1);
    let found = stability_readings(&mut at(&setup, 45), &settings, &(), &mut |_| ()).unwrap();
    let shares: Vec<_> = found.spectra.iter().map(|r| r.batch_share).collect();
    assert_eq!(shares.len(), 6);
    assert_eq!(shares[5], None);
    for (spectrum, share) in found.spectra.iter().zip(&shares[..5]) {
        let mut replay = at(&setup, spectrum.step);
        let theta = vector::to_f64(replay.run().parameters());
        let members = setup.data.train.subset(replay.batch());
        let (network, loss) = (setup.network.clone(), setup.loss.clone());
        let batch = Objective::<f64>::new(network, loss, &members).unwrap();
        let mut gradient = vec![0.0; theta.len()];
        batch.gradient(&theta, &mut batch.workspace(), &mut gradient);
        let eigen = eigen(&setup, &theta);
        let n = theta.len();
        let top: Vec<Vec<f64>> = (0..2).map(|k| eigen.vector(n - 1 - k).to_vec()).collect();
        let expected = eigenspace_share(&gradient, &top);
        let step = spectrum.step;
        assert!(
            (share.unwrap() - expected).abs() < 1e-4,
            "{step}: {share:?} {expected}"
        );
    }
}

#[test]
fn more_eigenvalues_than_there_are_parameters_are_all_of_them() {
    // The number of products would not do for all of 282 eigenvalues by itself.
    let mut recipe = recipe();
    recipe.model.set("hidden", vec![12i64, 14]);
    let setup = setup(recipe);
    let dim = setup.dim();
    assert!(dim > 200, "{dim}");
    let settings = StabilitySettings {
        top: 1000,
        batches: 0,
        trace_products: 0,
        tolerance: 1e-3,
        ..settings(&setup, 0, 1)
    };
    let found = stability_readings(&mut at(&setup, 3), &settings, &(), &mut |_| ()).unwrap();
    assert_eq!(found.spectra[0].eigenvalues.len(), dim);
    assert_eq!((found.top, found.chance), (dim, 1.0));
    assert!((found.spectra[0].share - 1.0).abs() < 1e-9);
}

#[test]
fn overlaps_are_those_of_every_nth_measurement_of_a_long_window() {
    let setup = quadratic(0.1);
    let settings = StabilitySettings {
        tolerance: 1e-3,
        ..settings(&setup, 400, 1)
    };
    let found = stability_readings(&mut at(&setup, 0), &settings, &(), &mut |_| ()).unwrap();
    assert_eq!(found.spectra.len(), 401);
    assert_eq!((found.overlaps.len(), found.overlap_steps[1]), (201, 2));
    assert!(found.overlaps.iter().all(|row| row.len() == 201));
}

/// The same quadratic with steps no longer than η·c.
fn clipped(eta: f64, clip_norm: f64) -> Arc<Setup> {
    let plain = quadratic(eta);
    let mut recipe = Recipe::clone(&plain.recipe);
    recipe.optimizer.set("clip_norm", clip_norm);
    let data = PreparedData::clone(&plain.data);
    Arc::new(Setup::with_data(recipe.into(), data, None, Path::new(".")).unwrap())
}

#[test]
fn clipped_steps_have_the_line_of_their_length() {
    let setup = clipped(0.5, 0.1);
    let settings = settings(&setup, 60, 20);
    let found = stability_readings(&mut at(&setup, 0), &settings, &(), &mut |_| ()).unwrap();
    let (last, steps) = found.steps.split_last().unwrap();
    assert_eq!((last.clip_factor, last.clipped_threshold), (None, None));
    let short = steps
        .iter()
        .filter(|step| step.clip_factor < Some(1.0))
        .count();
    assert!(0 < short && short < steps.len(), "{short}");
    for step in steps {
        let factor = (0.1 / step.gradient_norm).min(1.0);
        assert!((step.clip_factor.unwrap() - factor).abs() < 1e-4);
        match step.clipped_threshold {
            Some(line) => assert!((line * step.clip_factor.unwrap() - 4.0).abs() < 1e-9),
            None => assert_eq!(step.clip_factor, Some(1.0)),
        }
    }
    // The flows are the limits of steps that nothing shortens.
    let flow = |from: u64| {
        let settings = FlowSettings {
            steps: 5,
            central_flow: false,
            ..FlowSettings::default()
        };
        let found = flow_twins(&mut at(&setup, from), &settings, &(), &mut |_| ()).unwrap();
        found.is_gradient_descent
    };
    assert_eq!((flow(0), flow(short as u64 + 20)), (false, true));
}

#[test]
fn hyperparameters_that_change_on_the_way_count() {
    let setup = quadratic(0.1);
    let settings = FlowSettings {
        steps: 8,
        central_flow: false,
        ..FlowSettings::default()
    };
    for (key, value, expected) in [
        ("clip_norm", 1e-6, false),
        ("clip_norm", 1e6, true),
        ("learning_rate", 0.2, true),
    ] {
        let changes = [(4, key.to_owned(), value)];
        let mut replay = Replay::at(&setup, &[], &changes, 0, |_| true).unwrap();
        let found = flow_twins(&mut replay, &settings, &(), &mut |_| ()).unwrap();
        assert_eq!(found.is_gradient_descent, expected, "{key} {value}");
    }
}

#[test]
fn a_flow_that_sharpens_measures_itself_anew() {
    // A product of four numbers fitted to 10: λ₁ goes from 2.5 to 126 while
    // the flow comes to the minimum, where steps of 0.03 would be unstable.
    let start = Some(vec![0.5f32; 4]);
    let plain = values(&[1, 1, 1], vec![1.0], vec![10.0], 0.03, start.clone());
    let mut recipe = Recipe::clone(&plain.recipe);
    // The run itself would be, too.
    recipe.optimizer.set("clip_norm", 0.1);
    let data = PreparedData::clone(&plain.data);
    let setup = Setup::with_data(recipe.into(), data, start, Path::new(".")).unwrap();
    let setup = Arc::new(setup);
    let losses = |every: u64| -> Vec<f64> {
        let settings = FlowSettings {
            steps: 40,
            every,
            central_flow: false,
            tolerance: 1e-6,
            ..FlowSettings::default()
        };
        let found = flow_twins(&mut at(&setup, 0), &settings, &(), &mut |_| ()).unwrap();
        assert_eq!(found.gradient_flow_ended, None);
        let steps = found.steps.iter();
        steps
            .map(|step| step.gradient_flow.as_ref().unwrap().loss)
            .collect()
    };
    let (rarely, often) = (losses(1000), losses(1));
    assert!(often[0] > 40.0 && often[40] < 1e-12, "{often:?}");
    for (a, b) in rarely.iter().zip(&often) {
        assert!((a - b).abs() < 1e-2 * often[0], "{a} {b}");
    }
    assert!(rarely[40] < 1e-12, "{}", rarely[40]);
}
