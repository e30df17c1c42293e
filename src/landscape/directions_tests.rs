//! Tests of the directions of a slice.

use super::*;
use crate::math::golden::gaussian;
use crate::math::rng::stream;
use strum::IntoEnumIterator as _;

/// A dense layer 4×3 with bias, and a dense layer 2×4 with bias.
fn layout() -> Vec<TensorBlock> {
    let block = |range: Range<usize>, filters, is_weight| TensorBlock {
        range,
        filters,
        is_weight,
    };
    vec![
        block(0..12, 4, true),
        block(12..16, 1, false),
        block(16..24, 2, true),
        block(24..26, 1, false),
    ]
}

/// Biases stay still.
fn still(normalization: Normalization) -> Drawing {
    Drawing {
        include_biases: false,
        ..Drawing::from(normalization)
    }
}

fn random(normalization: Normalization, include_biases: bool, seed: u64) -> Directions {
    let mut rng = stream(seed, "directions");
    let theta = gaussian(26, 1);
    let drawing = Drawing {
        include_biases,
        ..Drawing::from(normalization)
    };
    Directions::random(&theta, &layout(), drawing, &mut rng).unwrap()
}

#[test]
fn each_filter_has_the_norm_of_its_own_filter() {
    let theta = gaussian(26, 1);
    let found = random(Normalization::Filter, false, 0);
    for (start, len, filters) in [(0, 3, 4), (16, 4, 2)] {
        for f in 0..filters {
            let range = start + f * len..start + (f + 1) * len;
            let expected = vector::norm(&theta[range.clone()]);
            for d in [&found.first, &found.second] {
                assert!((vector::norm(&d[range.clone()]) - expected).abs() < 1e-9);
            }
        }
    }
    // Biases stay still; filters differ from each other in norm.
    for d in [&found.first, &found.second] {
        assert!(d[12..16].iter().chain(&d[24..26]).all(|x| *x == 0.0));
    }
}

#[test]
fn layers_and_elements() {
    let theta = gaussian(26, 1);
    let layer = random(Normalization::Layer, false, 0);
    for range in [0..12, 16..24] {
        let expected = vector::norm(&theta[range.clone()]);
        assert!((vector::norm(&layer.second[range]) - expected).abs() < 1e-9);
    }
    let raw = random(Normalization::None, true, 0);
    let elementwise = random(Normalization::Elementwise, true, 0);
    for (k, theta) in theta.iter().enumerate() {
        let expected = raw.first[k] * theta.abs();
        assert!((elementwise.first[k] - expected).abs() < 1e-14);
    }
}

#[test]
fn included_biases_are_not_the_bias_itself() {
    let theta = gaussian(26, 1);
    let found = random(Normalization::Filter, true, 0);
    let bias = &theta[12..16];
    for d in [&found.first, &found.second] {
        assert!((vector::norm(&d[12..16]) - vector::norm(bias)).abs() < 1e-9);
        assert!(vector::cosine(&d[12..16], bias).abs() < 0.999);
    }
    assert!(vector::cosine(&found.first[12..16], &found.second[12..16]).abs() < 0.999);
}

#[test]
fn what_is_called_orthogonal_is() {
    for normalization in Normalization::iter() {
        for seed in 0..20 {
            let found = random(normalization, normalization.includes_biases(), seed);
            let cosine = vector::cosine(&found.first, &found.second);
            assert_eq!(found.cosine, cosine);
            assert_eq!(found.is_orthogonal(), cosine.abs() <= 1e-6);
            // Never parallel.
            assert!(cosine.abs() < 0.95);
        }
    }
    assert!(random(Normalization::None, true, 3).is_orthogonal());
    // Normalising bends: it would be false to say "orthogonal" here.
    assert!(!random(Normalization::Filter, false, 3).is_orthogonal());
}

#[test]
fn directions_have_mean_zero() {
    // Directions drawn uniformly from [0, 1] are nearly parallel.
    let n = 20_000;
    let blocks = [TensorBlock {
        range: 0..n,
        filters: 1,
        is_weight: true,
    }];
    let mut rng = stream(0, "directions");
    let theta = vec![1.0f32; n];
    let found = Directions::random(&theta, &blocks, still(Normalization::None), &mut rng).unwrap();
    assert!((vector::sum(&found.first) / n as f64).abs() < 0.03);
}

#[test]
fn planes_that_do_not_exist_are_refused() {
    // One weight moves: no plane.
    let blocks = [
        TensorBlock {
            range: 0..1,
            filters: 1,
            is_weight: true,
        },
        TensorBlock {
            range: 1..2,
            filters: 1,
            is_weight: false,
        },
    ];
    let mut rng = stream(0, "directions");
    let theta = [0.3, 0.4];
    let found = Directions::random(&theta, &blocks, still(Normalization::Filter), &mut rng);
    assert!(matches!(found, Err(MathError::Degenerate { .. })));
    let whole = Directions::whole_plane(2).unwrap();
    assert!(whole.is_orthogonal());
    assert!(Directions::whole_plane(3).is_err());
    let uneven = [TensorBlock {
        range: 0..2,
        filters: 3,
        is_weight: true,
    }];
    let found = Directions::random(&theta, &uneven, still(Normalization::Filter), &mut rng);
    assert!(matches!(found, Err(MathError::Argument { .. })));
}

#[test]
fn a_dead_filter_stays_where_it_is() {
    let mut theta = gaussian(26, 1);
    theta[3..6].fill(0.0);
    let mut d = gaussian(26, 2);
    normalize(&mut d, &theta, &layout(), Normalization::Filter, false).unwrap();
    assert!(d[3..6].iter().all(|x| *x == 0.0));
    assert!(d[0..3].iter().any(|x| *x != 0.0));
}

#[test]
fn the_plane_of_a_path_contains_it() {
    let n = 500;
    let (u, v) = (gaussian(n, 1), gaussian(n, 2));
    let path: Vec<Vec<f64>> = (0..20)
        .map(|i| {
            let t = f64::from(i);
            (0..n).map(|k| t * u[k] + (0.3 * t).sin() * v[k]).collect()
        })
        .collect();
    let views: Vec<&[f64]> = path.iter().map(Vec::as_slice).collect();
    let mut rng = stream(0, "directions");
    let found = Directions::of_path(&views, Centre::Last, &mut rng).unwrap();
    assert!(found.is_orthogonal());
    let [a, b] = found.explained.unwrap();
    assert!((a + b - 1.0).abs() < 1e-12 && a > b);
    // A straight path still gives a plane; a resting one does not.
    let line: Vec<&[f64]> = vec![&u, &path[0]];
    let found = Directions::of_path(&line, Centre::Last, &mut rng).unwrap();
    assert_eq!(found.explained.unwrap()[1], 0.0);
    assert!(found.is_orthogonal());
    let rest: Vec<&[f64]> = vec![&u, &u];
    assert!(Directions::of_path(&rest, Centre::Last, &mut rng).is_err());
}

#[test]
fn points_are_computed_afresh() {
    let found = random(Normalization::Filter, false, 0);
    let theta = gaussian(26, 1);
    let there = found.point(&theta, 0.3, -0.7).unwrap();
    for k in 0..26 {
        let displacement = 0.3 * found.first[k] - 0.7 * found.second[k];
        assert!((there[k] - theta[k] - displacement).abs() < 1e-15);
    }
    assert_eq!(found.point(&theta, 0.0, 0.0).unwrap(), theta);
}

#[test]
fn only_what_was_chosen_moves_and_the_draws_stay_the_same() {
    let theta = gaussian(26, 1);
    let draw = |blocks: &[TensorBlock], orthogonal| {
        let drawing = Drawing {
            orthogonal,
            ..Drawing::from(Normalization::None)
        };
        Directions::random(&theta, blocks, drawing, &mut stream(4, "directions")).unwrap()
    };
    let (whole, second) = (draw(&layout(), false), draw(&layout()[2..], false));
    assert!(second.first[..16].iter().all(|x| *x == 0.0));
    assert_eq!(second.first[16..], whole.first[16..]);
    assert_eq!(second.second[16..], whole.second[16..]);
    // Without orthogonalisation an angle is left, and it is told.
    assert!(!whole.is_orthogonal());
    assert!(draw(&layout(), true).is_orthogonal());
}
