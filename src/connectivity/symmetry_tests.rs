use rand::seq::SliceRandom as _;

use super::*;
use crate::connectivity::testing::{IMAGE, cnn, mlp, normal, objective};
use crate::data::InputShape;
use crate::math::rng::stream;
use crate::recipe::Component;

fn shuffled(symmetry: &Symmetry, seed: u64) -> Permutations {
    let mut random = stream(seed, "permutations");
    let mut permutations = symmetry.identity();
    for permutation in &mut permutations {
        permutation.shuffle(&mut random);
    }
    permutations
}

/// The outputs of a permuted network are those of the network.
fn assert_same_function(model: &Component, shape: InputShape, groups: &[(&str, usize)]) {
    let objective = objective(model, shape);
    let symmetry = Symmetry::new(objective.network());
    let found: Vec<(&str, usize)> = symmetry
        .groups()
        .iter()
        .map(|group| (group.name.as_str(), group.units))
        .collect();
    assert_eq!(found, groups, "{model:?}");
    let theta = normal(1, objective.dim());
    let permutations = shuffled(&symmetry, 2);
    let permuted = symmetry.permute(&permutations, &theta).unwrap();
    if !groups.is_empty() {
        assert_ne!(permuted, theta);
    }
    let mut workspace = objective.workspace();
    let before = objective.outputs(&theta, &mut workspace);
    let after = objective.outputs(&permuted, &mut workspace);
    for (before, after) in before.iter().zip(&after) {
        assert!(
            (before - after).abs() <= 1e-12 * (1.0 + before.abs()),
            "{model:?}: {before} {after}"
        );
    }
    // Odd units with the other sign, and only those.
    let mut map = symmetry.unmoved();
    map.permutations = permutations;
    for (group, flipped) in symmetry.groups().iter().zip(&mut map.flipped) {
        let every_second = (0..group.units).map(|unit| unit % 2 == 0);
        *flipped = every_second.map(|flip| flip && group.odd).collect();
    }
    let turned = symmetry.rearrange(&map, &theta).unwrap();
    let after = objective.outputs(&turned, &mut workspace);
    for (before, after) in before.iter().zip(&after) {
        assert!((before - after).abs() <= 1e-12 * (1.0 + before.abs()));
    }
    // Something else is another function.
    if !groups.is_empty() {
        let rolled: Vec<f64> = theta[1..].iter().chain(&theta[..1]).copied().collect();
        assert_ne!(objective.outputs(&rolled, &mut workspace), before);
    }
}

#[test]
fn permuted_networks_are_the_same_function() {
    let vector = InputShape::Vector(5);
    assert_same_function(&mlp(&[7, 6], false, false), vector, &[("0", 7), ("2", 6)]);
    assert_same_function(&mlp(&[7, 6], false, true), vector, &[("0", 7), ("3", 6)]);
    assert_same_function(&mlp(&[], false, false), vector, &[]);
    let layers = [
        "conv 4 3x3 pad 1",
        "relu",
        "max-pool 2",
        "conv 5 2x2",
        "tanh",
    ];
    assert_same_function(&cnn(&layers), IMAGE, &[("0", 4), ("3", 5)]);
    // Channels that were flattened move in blocks.
    let layers = [
        "conv 4 3x3",
        "layer-norm",
        "relu",
        "avg-pool 2",
        "flatten",
        "dense 6",
        "layer-norm",
        "tanh",
    ];
    assert_same_function(&cnn(&layers), IMAGE, &[("0", 4), ("5", 6)]);
    let layers = ["conv 4 3x3", "flatten", "layer-norm", "relu"];
    assert_same_function(&cnn(&layers), IMAGE, &[("0", 4)]);
}

#[test]
fn layers_whose_outputs_are_added_move_together() {
    let vector = InputShape::Vector(5);
    // 5 → 7, 7 → 7 with a sum, 7 → 4, 4 → 4 with a sum.
    assert_same_function(
        &mlp(&[7, 7, 4, 4], true, false),
        vector,
        &[("0 + 2", 7), ("4 + 6", 4)],
    );
    assert_same_function(&mlp(&[7, 7], true, true), vector, &[("0 + 3", 7)]);
    // What is added to the inputs has their order.
    assert_same_function(&mlp(&[5, 5, 6], true, false), vector, &[("4", 6)]);
}

#[test]
fn what_later_layers_read_is_known() {
    let objective = objective(&mlp(&[7, 7, 4], true, false), InputShape::Vector(5));
    let symmetry = Symmetry::new(objective.network());
    // dense 1, tanh 2, dense 3, tanh 4, add 5, dense 6, tanh 7, dense 8.
    assert_eq!(symmetry.groups()[0].read, [2, 5]);
    assert_eq!(symmetry.groups()[1].read, [7]);
}

#[test]
fn permutations_are_checked_and_compose() {
    let objective = objective(&mlp(&[4], false, false), InputShape::Vector(2));
    let symmetry = Symmetry::new(objective.network());
    let theta = normal(3, objective.dim());
    assert_eq!(
        symmetry.permute(&symmetry.identity(), &theta).unwrap(),
        theta
    );
    let p = vec![vec![2, 0, 3, 1]];
    let mut inverse = vec![vec![0; 4]];
    for (place, unit) in p[0].iter().enumerate() {
        inverse[0][*unit] = place;
    }
    let moved = symmetry.permute(&p, &theta).unwrap();
    assert_eq!(moved[..2], theta[4..6]);
    assert_eq!(symmetry.permute(&inverse, &moved).unwrap(), theta);
    for wrong in [vec![vec![0, 1, 2, 2]], vec![vec![0, 1, 2]], vec![]] {
        assert!(symmetry.permute(&wrong, &theta).is_err());
    }
    assert!(symmetry.permute(&p, &theta[1..]).is_err());
}

#[test]
fn units_are_odd_where_everything_between_them_is() {
    let odd = |model: &Component, shape: InputShape| -> Vec<bool> {
        let objective = objective(model, shape);
        let symmetry = Symmetry::new(objective.network());
        symmetry.groups().iter().map(|group| group.odd).collect()
    };
    let vector = InputShape::Vector(5);
    assert_eq!(odd(&mlp(&[7, 6], false, false), vector), [true, true]);
    assert_eq!(odd(&mlp(&[7, 7], true, false), vector), [true]);
    // A normalization subtracts the mean of all units.
    assert_eq!(odd(&mlp(&[7, 6], false, true), vector), [false, false]);
    let relu = mlp(&[7, 6], false, false).with("activation", "relu");
    assert_eq!(odd(&relu, vector), [false, false]);
    let layers = ["conv 4 3x3", "tanh", "max-pool 2", "conv 5 2x2", "sin"];
    assert_eq!(odd(&cnn(&layers), IMAGE), [false, true]);
    let layers = ["conv 4 3x3", "tanh", "avg-pool 2", "conv 5 2x2", "relu"];
    assert_eq!(odd(&cnn(&layers), IMAGE), [true, false]);
    // What is not odd keeps its sign.
    let objective = objective(&relu, vector);
    let symmetry = Symmetry::new(objective.network());
    let mut map = symmetry.unmoved();
    map.flipped[0][1] = true;
    let theta = normal(1, objective.dim());
    assert!(symmetry.rearrange(&map, &theta).is_err());
    map.flipped.pop();
    assert!(symmetry.rearrange(&map, &theta).is_err());
}
