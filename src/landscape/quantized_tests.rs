use std::path::Path;
use std::sync::OnceLock;

use super::*;
use crate::landscape::{Directions, GridAxis, Normalization, TensorBlock};
use crate::landscape::{
    StraightLine, evaluate_slice1d, evaluate_slice2d, search_by_evolution, search_by_gradient,
};
use crate::math::rng::stream;
use crate::math::{CancelToken, vector};
use crate::nn::ParameterKind;
use crate::objective::Objective;
use crate::train::testing::{optimizer, recipe};
use crate::train::{Run, StepOutcome};

/// A trained 2-8-2 network: its loss and its parameters.
fn trained() -> &'static (Objective<f64>, Vec<f64>) {
    static TRAINED: OnceLock<(Objective<f64>, Vec<f64>)> = OnceLock::new();
    TRAINED.get_or_init(|| {
        let mut recipe = recipe();
        recipe.data = crate::data::section()
            .component("moons")
            .unwrap()
            .with("samples", 80);
        recipe.optimizer = optimizer("adam", 0.03);
        recipe.training.set("steps", 600);
        let mut run = Run::new(&recipe, Path::new(".")).unwrap();
        while !matches!(run.step().unwrap(), StepOutcome::Finished) {}
        let theta = vector::to_f64(run.parameters());
        (run.setup().training_double().unwrap().clone(), theta)
    })
}

fn layout(objective: &Objective<f64>) -> &ParameterLayout {
    objective.network().layout()
}

fn fit(bits: u32) -> Quantizer {
    let (objective, theta) = trained();
    let (scope, rule) = (QuantizerScope::Tensor, ScaleRule::MaxAbs);
    Quantizer::fit(layout(objective), theta, bits, scope, rule).unwrap()
}

fn directions() -> Directions {
    let (objective, theta) = trained();
    let blocks: Vec<TensorBlock> = layout(objective)
        .iter()
        .map(|tensor| TensorBlock {
            range: tensor.range.clone(),
            filters: tensor.filters(),
            is_weight: tensor.kind == ParameterKind::Weight,
        })
        .collect();
    let mut random = stream(4, "directions");
    Directions::random(theta, &blocks, Normalization::Filter.into(), &mut random).unwrap()
}

#[test]
fn with_many_bits_the_slice_is_the_float_slice() {
    let (objective, theta) = trained();
    let directions = directions();
    let float = objective.plane(theta, &directions.first, &directions.second);
    // Within the reach of the centre's scales nothing is cut off.
    let axis = GridAxis::symmetric(0.4, 9).unwrap();
    let expected = evaluate_slice2d(&float, &axis, &axis, &(), &mut |_| ()).unwrap();
    let mut last = f64::INFINITY;
    for (bits, bound) in [(8, 0.15), (16, 2e-3), (24, 1e-5)] {
        let quantizer = fit(bits);
        let widened = widened(&quantizer);
        let plane = QuantizedPlane::new(
            objective,
            &widened,
            theta,
            &directions.first,
            &directions.second,
        )
        .unwrap();
        let found = evaluate_slice2d(&plane, &axis, &axis, &(), &mut |_| ()).unwrap();
        let apart = found
            .loss
            .iter()
            .zip(&expected.loss)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        assert!(apart < bound && apart < last, "{bits} bits: {apart}");
        last = apart;
    }
}

/// Scales for weights three times as large.
fn widened(quantizer: &Quantizer) -> Quantizer {
    let (objective, theta) = trained();
    let large: Vec<f64> = theta.iter().map(|x| 3.0 * x).collect();
    let (scope, rule) = (QuantizerScope::Tensor, ScaleRule::MaxAbs);
    Quantizer::fit(layout(objective), &large, quantizer.bits(), scope, rule).unwrap()
}

#[test]
fn the_loss_is_constant_where_parameters_round_alike() {
    let (objective, theta) = trained();
    let directions = directions();
    let quantizer = fit(3);
    let (first, second) = (&directions.first, &directions.second);
    let plane = QuantizedPlane::new(objective, &quantizer, theta, first, second).unwrap();
    let mut scratch = plane.scratch();
    let mut rounded = |a: f64| -> (Vec<u64>, u64) {
        let point: Vec<f64> = theta.iter().zip(first).map(|(t, d)| t + a * d).collect();
        let mut out = vec![0.0; theta.len()];
        quantizer.apply(&point, &mut out);
        let loss = plane.loss_at(a, 0.0, &mut scratch);
        (out.iter().map(|x| x.to_bits()).collect(), loss.to_bits())
    };
    let places: Vec<(Vec<u64>, u64)> = (0..=400).map(|k| rounded(f64::from(k) / 2000.0)).collect();
    let (mut alike, mut jumps) = (0, 0);
    for pair in places.windows(2) {
        if pair[0].0 == pair[1].0 {
            assert_eq!(pair[0].1, pair[1].1);
            alike += 1;
        } else if pair[0].1 != pair[1].1 {
            jumps += 1;
        }
    }
    // A staircase: mostly flat, with steps.
    assert!(alike > 300 && jumps > 3, "{alike} alike, {jumps} jumps");
}

#[test]
fn fewer_bits_are_worse_and_many_cost_nothing() {
    let (objective, theta) = trained();
    let loss = objective.loss(theta, &mut objective.workspace());
    let found = loss_against_bits(
        objective,
        layout(objective),
        theta,
        &[2, 3, 4, 8, 16, 24],
        QuantizerScope::Channel,
        ScaleRule::MaxAbs,
        &(),
    )
    .unwrap();
    assert!(
        found
            .windows(2)
            .all(|w| w[0].weight_error > w[1].weight_error)
    );
    assert!((found[5].loss - loss).abs() < 1e-5 && (found[4].loss - loss).abs() < 1e-3);
    assert!(found[0].loss > loss + 0.05, "{found:?} {loss}");
    assert_eq!(found[3].bits, 8);
}

#[test]
fn at_three_bits_the_sweep_is_jagged_and_the_nominal_scale_not_the_best() {
    let (objective, theta) = trained();
    let quantizer = fit(3);
    let all: Vec<usize> = (0..quantizer.tensors()).collect();
    let plane = ScalePlane::new(objective, &quantizer, theta, &all, &[]).unwrap();
    let axis = GridAxis::new(0.25, 1.75, 257).unwrap();
    let sweep = evaluate_slice1d(&plane, &axis, StraightLine::FIRST, &(), &mut |_| ()).unwrap();
    assert_eq!(sweep.alpha[128], 1.0);
    // The middle is the quantizer itself.
    let mut out = vec![0.0; theta.len()];
    quantizer.apply(theta, &mut out);
    let nominal = objective.loss(&out, &mut objective.workspace());
    assert_eq!(sweep.loss[128].to_bits(), nominal.to_bits());
    let minima = local_minima(&sweep.loss);
    let [best, _] = sweep.finite_range().unwrap();
    assert!(minima.len() >= 10, "{}", minima.len());
    assert!(best < 0.8 * nominal, "{best} {nominal}");

    // Two layers' factors: the map's row at b = 1 is the first layer's sweep.
    let both = ScalePlane::new(objective, &quantizer, theta, &[0], &[1]).unwrap();
    let small = GridAxis::new(0.5, 1.5, 9).unwrap();
    let map = evaluate_slice2d(&both, &small, &small, &(), &mut |_| ()).unwrap();
    let one = ScalePlane::new(objective, &quantizer, theta, &[0], &[]).unwrap();
    let line = evaluate_slice1d(&one, &small, StraightLine::FIRST, &(), &mut |_| ()).unwrap();
    let row: Vec<f64> = map.rows().nth(4).unwrap().to_vec();
    assert_eq!(row, line.loss);
    assert_eq!(map.at(4, 4), Some(nominal));
}

#[test]
fn both_searches_find_better_scales() {
    let (objective, theta) = trained();
    let quantizer = fit(3);
    let slow = search_by_gradient(objective, &quantizer, theta, 301, &()).unwrap();
    let mut random = stream(1, "search");
    let fast = search_by_evolution(objective, &quantizer, theta, 301, &mut random, &()).unwrap();
    let mut out = vec![0.0; theta.len()];
    quantizer.apply(theta, &mut out);
    let nominal = objective.loss(&out, &mut objective.workspace());
    for search in [&slow, &fast] {
        assert_eq!(search.best[0], nominal);
        assert!(search.best.windows(2).all(|w| w[1] <= w[0]));
        assert!(search.loss < 0.8 * nominal, "{} {nominal}", search.loss);
        // The factors that it names give the loss that it names.
        quantizer.apply_scaled(theta, &|k| search.factors[k], &mut out);
        let again = objective.loss(&out, &mut objective.workspace());
        assert_eq!(again.to_bits(), search.loss.to_bits());
        assert!(search.evaluations.last().is_some_and(|last| *last <= 301));
        assert_eq!(search.evaluations.len(), search.best.len());
    }
    let mut random = stream(1, "search");
    let again = search_by_evolution(objective, &quantizer, theta, 301, &mut random, &()).unwrap();
    assert_eq!(again, fast);
    let token = CancelToken::new();
    token.cancel();
    let stopped = search_by_gradient(objective, &quantizer, theta, 301, &token);
    assert_eq!(stopped, Err(MathError::Cancelled));
}

#[test]
fn vectors_and_tensors_that_are_not_there_are_refused() {
    let (objective, theta) = trained();
    let quantizer = fit(4);
    assert!(QuantizedPlane::new(objective, &quantizer, theta, &[0.0], theta).is_err());
    assert!(ScalePlane::new(objective, &quantizer, theta, &[0], &[2]).is_err());
    let token = CancelToken::new();
    token.cancel();
    let stopped = loss_against_bits(
        objective,
        layout(objective),
        theta,
        &[2, 3],
        QuantizerScope::Tensor,
        ScaleRule::MaxAbs,
        &token,
    );
    assert_eq!(stopped, Err(MathError::Cancelled));
}

#[test]
fn minima_of_plateaus_count_once() {
    assert_eq!(
        local_minima(&[3.0, 1.0, 2.0, 0.5, 0.5, 0.5, 0.7, 0.7, 0.1]),
        [1, 4]
    );
    assert_eq!(local_minima(&[0.0, 1.0, 0.0]), [0usize; 0]);
    assert_eq!(local_minima(&[2.0, 1.0, f64::NAN, 1.0, 2.0]), [0usize; 0]);
    assert_eq!(local_minima(&[]), [0usize; 0]);
}
