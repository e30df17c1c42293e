use rand::seq::SliceRandom as _;

use super::*;
use crate::connectivity::testing::{IMAGE, cnn, mlp, normal, objective};
use crate::connectivity::{Curve, profile};
use crate::data::InputShape;
use crate::math::CancelToken;
use crate::math::rng::stream;

fn copy(symmetry: &Symmetry, theta: &[f64], seed: u64) -> (Permutations, Vec<f64>) {
    let mut random = stream(seed, "copy");
    let mut permutations = symmetry.identity();
    for permutation in &mut permutations {
        permutation.shuffle(&mut random);
    }
    let moved = symmetry.permute(&permutations, theta).unwrap();
    (permutations, moved)
}

/// A network and its permuted copy: the permutation is undone and nothing
/// remains of the barrier.
fn assert_recovered(objective: &Objective<f64>, seed: u64) {
    let symmetry = Symmetry::new(objective.network());
    // Small enough that no two units are saturated on every sample.
    let mut theta = normal(seed, objective.dim());
    vector::scale(0.4, &mut theta);
    let (permutations, moved) = copy(&symmetry, &theta, seed);
    let naive = profile(
        objective,
        &Curve::line(&theta[..], &moved[..]).unwrap(),
        11,
        true,
        &(),
    )
    .unwrap();
    assert!((naive.line.loss[5] - naive.line.loss[0]).abs() > 1e-3);
    let mut sweeps = Vec::new();
    let by_weights = match_weights(
        &symmetry,
        &theta,
        &moved,
        &mut stream(seed, "sweeps"),
        &(),
        &mut |matching| sweeps.push(matching.sweeps),
    )
    .unwrap();
    assert!(sweeps.len() > 1 && sweeps.is_sorted());
    let by_activations =
        match_activations(objective, &symmetry, &theta, &moved, &(), &mut |_| ()).unwrap();
    for found in [by_weights, by_activations] {
        for (found, applied) in found.permutations.iter().zip(&permutations) {
            // The copy's unit p⁻¹(i) is unit i.
            for (place, unit) in found.iter().enumerate() {
                assert_eq!(applied[*unit], place);
            }
        }
        assert!((found.similarity - 1.0).abs() < 1e-12);
        let aligned = symmetry.permute(&found.permutations, &moved).unwrap();
        assert_eq!(aligned, theta);
        let line = Curve::line(&theta[..], aligned).unwrap();
        assert_eq!(
            profile(objective, &line, 5, true, &())
                .unwrap()
                .line
                .barrier,
            0.0
        );
    }
}

#[test]
fn a_permuted_copy_is_recognised_and_its_barrier_is_zero() {
    let vector = InputShape::Vector(5);
    for seed in 0..3 {
        assert_recovered(&objective(&mlp(&[12, 9], false, false), vector), seed);
    }
    assert_recovered(&objective(&mlp(&[9, 8, 7], false, true), vector), 4);
    assert_recovered(&objective(&mlp(&[8, 8], true, false), vector), 5);
    let layers = [
        "conv 5 3x3",
        "relu",
        "max-pool 2",
        "flatten",
        "dense 8",
        "tanh",
    ];
    assert_recovered(&objective(&cnn(&layers), IMAGE), 6);
}

#[test]
fn one_hidden_layer_is_matched_as_well_as_can_be() {
    let objective = objective(&mlp(&[5], false, false), InputShape::Vector(2));
    let symmetry = Symmetry::new(objective.network());
    let (a, b) = (normal(1, objective.dim()), normal(2, objective.dim()));
    let found = match_weights(&symmetry, &a, &b, &mut stream(0, "s"), &(), &mut |_| ()).unwrap();
    let similarity = |permutation: &[usize]| {
        let moved = symmetry.permute(&[permutation.to_vec()], &b).unwrap();
        vector::cosine(&a, &moved)
    };
    let mut best = f64::NEG_INFINITY;
    let mut all = vec![vec![]];
    for _ in 0..5 {
        all = all
            .into_iter()
            .flat_map(|p: Vec<usize>| {
                let left: Vec<usize> = (0..5).filter(|unit| !p.contains(unit)).collect();
                left.into_iter()
                    .map(move |unit| p.iter().copied().chain([unit]).collect())
            })
            .collect();
    }
    assert_eq!(all.len(), 120);
    for permutation in &all {
        best = best.max(similarity(permutation));
    }
    assert!((found.similarity - best).abs() < 1e-12);
    assert!((found.similarity - similarity(&found.permutations[0])).abs() < 1e-12);
}

#[test]
fn matching_never_makes_it_worse() {
    let objective = objective(&mlp(&[8, 8, 8], true, true), InputShape::Vector(3));
    let symmetry = Symmetry::new(objective.network());
    let (a, b) = (normal(1, objective.dim()), normal(2, objective.dim()));
    let found = match_weights(&symmetry, &a, &b, &mut stream(0, "s"), &(), &mut |_| ()).unwrap();
    assert!(found.similarity >= vector::cosine(&a, &b));
    let itself = match_weights(&symmetry, &a, &a, &mut stream(0, "s"), &(), &mut |_| ()).unwrap();
    assert_eq!(itself.moved, 0);
}

#[test]
fn activations_lie_unit_by_unit() {
    // The outputs as the values of the last operation.
    let objective = objective(&mlp(&[4], false, false), InputShape::Vector(2));
    let theta = normal(1, objective.dim());
    let mut workspace = objective.workspace();
    let outputs = objective.outputs(&theta, &mut workspace);
    assert_eq!(objective.blocks(), 1);
    let last = objective.network().operations().len();
    let values = objective.block_values(&theta, 0, &[last], &mut workspace)[0];
    let samples = objective.len();
    for sample in 0..samples {
        for output in 0..3 {
            assert_eq!(
                values[output * samples + sample],
                outputs[sample * 3 + output]
            );
        }
    }
}

#[test]
fn without_hidden_units_and_after_a_cancellation_there_is_no_matching() {
    let linear = objective(&mlp(&[], false, false), InputShape::Vector(2));
    let symmetry = Symmetry::new(linear.network());
    let theta = normal(1, linear.dim());
    let mut random = stream(0, "s");
    let error =
        match_weights(&symmetry, &theta, &theta, &mut random, &(), &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("no hidden units"));
    let network = objective(&mlp(&[4], false, false), InputShape::Vector(2));
    let symmetry = Symmetry::new(network.network());
    let theta = normal(1, network.dim());
    let token = CancelToken::new();
    token.cancel();
    let error =
        match_weights(&symmetry, &theta, &theta, &mut random, &token, &mut |_| ()).unwrap_err();
    assert_eq!(error, MathError::Cancelled);
    let error = match_activations(&network, &symmetry, &theta, &theta, &token, &mut |_| ());
    assert_eq!(error.unwrap_err(), MathError::Cancelled);
}
