use rand::Rng as _;
use rand::seq::SliceRandom as _;

use super::*;
use crate::connectivity::testing::{IMAGE, cnn, mlp, normal, objective};
use crate::connectivity::{Curve, profile};
use crate::data::InputShape;
use crate::math::CancelToken;
use crate::math::rng::stream;

/// A copy with its units in another order and, where they are odd, half of them
/// negated.
fn copy(symmetry: &Symmetry, theta: &[f64], seed: u64) -> (UnitMap, Vec<f64>) {
    let mut random = stream(seed, "copy");
    let mut map = symmetry.unmoved();
    for (k, group) in symmetry.groups().iter().enumerate() {
        map.permutations[k].shuffle(&mut random);
        if group.odd {
            map.flipped[k]
                .iter_mut()
                .for_each(|flip| *flip = random.random());
        }
    }
    let moved = symmetry.rearrange(&map, theta).unwrap();
    (map, moved)
}

/// A network and its permuted and negated copy: both are undone and nothing
/// remains of the barrier.
fn assert_recovered(objective: &Objective<f64>, seed: u64) {
    let symmetry = Symmetry::new(objective.network());
    // Small enough that no two units are saturated on every sample.
    let mut theta = normal(seed, objective.dim());
    vector::scale(0.4, &mut theta);
    let (applied, moved) = copy(&symmetry, &theta, seed);
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
        for (k, places) in found.map.permutations.iter().enumerate() {
            // The copy's unit p⁻¹(i) is unit i, with the sign that it got there.
            for (place, unit) in places.iter().enumerate() {
                assert_eq!(applied.permutations[k][*unit], place);
                assert_eq!(found.map.flipped[k][place], applied.flipped[k][*unit]);
            }
        }
        assert!((found.similarity - 1.0).abs() < 1e-12);
        let aligned = symmetry.rearrange(&found.map, &moved).unwrap();
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
    let layers = [
        "conv 5 3x3",
        "sin",
        "avg-pool 2",
        "flatten",
        "dense 8",
        "relu",
    ];
    assert_recovered(&objective(&cnn(&layers), IMAGE), 7);
}

#[test]
fn signs_are_matched_where_the_activation_is_odd_only() {
    let vector = InputShape::Vector(3);
    let negative = |model: &crate::recipe::Component| {
        let objective = objective(model, vector);
        let symmetry = Symmetry::new(objective.network());
        let mut theta = normal(3, objective.dim());
        vector::scale(0.4, &mut theta);
        let opposite: Vec<f64> = theta.iter().map(|x| -x).collect();
        let found = match_weights(
            &symmetry,
            &theta,
            &opposite,
            &mut stream(0, "s"),
            &(),
            &mut |_| (),
        );
        found.unwrap()
    };
    // All of −θ but the outputs' biases is θ with the other sign of every unit.
    let tanh = negative(&mlp(&[6], false, false));
    assert_eq!((tanh.map.negated(), tanh.moved), (6, 0));
    assert!(tanh.similarity > 0.5);
    let relu = mlp(&[6], false, false).with("activation", "relu");
    assert_eq!(negative(&relu).map.negated(), 0);
}

#[test]
fn one_hidden_layer_is_matched_as_well_as_can_be() {
    let objective = objective(&mlp(&[5], false, false), InputShape::Vector(2));
    let symmetry = Symmetry::new(objective.network());
    let (a, b) = (normal(1, objective.dim()), normal(2, objective.dim()));
    let found = match_weights(&symmetry, &a, &b, &mut stream(0, "s"), &(), &mut |_| ()).unwrap();
    let similarity = |permutation: &[usize], signs: u32| {
        let map = UnitMap {
            permutations: vec![permutation.to_vec()],
            flipped: vec![(0..5).map(|unit| signs >> unit & 1 == 1).collect()],
        };
        vector::cosine(&a, &symmetry.rearrange(&map, &b).unwrap())
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
        for signs in 0..32 {
            best = best.max(similarity(permutation, signs));
        }
    }
    assert!((found.similarity - best).abs() < 1e-12);
}

#[test]
fn matching_never_makes_it_worse() {
    let objective = objective(&mlp(&[8, 8, 8], true, true), InputShape::Vector(3));
    let symmetry = Symmetry::new(objective.network());
    let (a, b) = (normal(1, objective.dim()), normal(2, objective.dim()));
    let found = match_weights(&symmetry, &a, &b, &mut stream(0, "s"), &(), &mut |_| ()).unwrap();
    assert!(found.similarity >= vector::cosine(&a, &b));
    let itself = match_weights(&symmetry, &a, &a, &mut stream(0, "s"), &(), &mut |_| ()).unwrap();
    assert_eq!((itself.moved, itself.map.negated()), (0, 0));
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
