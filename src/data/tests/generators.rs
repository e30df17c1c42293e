use std::f64::consts::PI;

use approx::assert_abs_diff_eq;

use super::*;
use crate::data::{InputShape, Targets};

fn point(dataset: &Dataset, index: usize) -> (f64, f64) {
    let input = dataset.input(index);
    (input[0], input[1])
}

fn label(dataset: &Dataset, index: usize) -> usize {
    dataset.labels().unwrap()[index] as usize
}

fn values(dataset: &Dataset) -> &[f64] {
    match &dataset.targets {
        Targets::Values { values, dims: 1 } => values,
        other => panic!("{other:?}"),
    }
}

#[test]
fn counts_are_exact_and_classes_balanced() {
    for (kind, classes) in [
        ("spirals", 2),
        ("moons", 2),
        ("circles", 2),
        ("blobs", 3),
        ("xor", 2),
        ("checkerboard", 2),
    ] {
        for samples in [2_i64, 7, 100] {
            let dataset = load(&component(kind).with("samples", samples), 0);
            assert_eq!(dataset.len() as i64, samples, "{kind}");
            assert_eq!(dataset.shape, InputShape::Vector(2));
            assert_eq!(dataset.feature_names.len(), 2);
            let counts = dataset.class_counts();
            assert_eq!(counts.len(), classes, "{kind}");
            let spread = counts.iter().max().unwrap() - counts.iter().min().unwrap();
            assert!(spread <= 1, "{kind}: {counts:?}");
        }
    }
}

#[test]
fn spirals_follow_their_arms() {
    let arms = 3;
    let component = component("spirals")
        .with("arms", arms)
        .with("samples", 300)
        .with("turns", 1.5)
        .with("noise", 0.0);
    let dataset = load(&component, 0);
    assert_eq!(dataset.class_names(), ["Arm 1", "Arm 2", "Arm 3"]);
    for index in 0..dataset.len() {
        let (x, y) = point(&dataset, index);
        let radius = x.hypot(y);
        assert!((0.1 - 1e-12..=1.0 + 1e-12).contains(&radius));
        // The angle left over after unwinding is the arm's own.
        let along = (radius - 0.1) / 0.9;
        let arm = (y.atan2(x) / (2.0 * PI) - 1.5 * along) * f64::from(arms);
        let arm = arm.rem_euclid(f64::from(arms));
        let distance = (arm - label(&dataset, index) as f64).abs();
        assert!(distance.min(f64::from(arms) - distance) < 1e-6);
    }
    // Both ends of an arm are there.
    assert_abs_diff_eq!(point(&dataset, 0).0.hypot(point(&dataset, 0).1), 0.1);
    let last = point(&dataset, 299);
    assert_abs_diff_eq!(last.0.hypot(last.1), 1.0, epsilon = 1e-12);
}

#[test]
fn noise_has_its_standard_deviation() {
    let plain = load(
        &component("spirals")
            .with("samples", 4000)
            .with("noise", 0.0),
        3,
    );
    let noisy = load(
        &component("spirals")
            .with("samples", 4000)
            .with("noise", 0.3),
        3,
    );
    let square: f64 = plain
        .inputs
        .iter()
        .zip(&noisy.inputs)
        .map(|(a, b)| (a - b).powi(2))
        .sum();
    let deviation = (square / plain.inputs.len() as f64).sqrt();
    assert!((deviation - 0.3).abs() < 0.01, "{deviation}");
}

#[test]
fn moons_are_half_circles() {
    let dataset = load(&component("moons").with("noise", 0.0), 0);
    for index in 0..dataset.len() {
        let (x, y) = point(&dataset, index);
        if label(&dataset, index) == 0 {
            assert_abs_diff_eq!(x.hypot(y), 1.0, epsilon = 1e-12);
            assert!(y >= -1e-12);
        } else {
            assert_abs_diff_eq!((x - 1.0).hypot(y - 0.5), 1.0, epsilon = 1e-12);
            assert!(y <= 0.5 + 1e-12);
        }
    }
}

#[test]
fn circles_have_their_radii() {
    let dataset = load(
        &component("circles").with("noise", 0.0).with("factor", 0.4),
        0,
    );
    for index in 0..dataset.len() {
        let (x, y) = point(&dataset, index);
        let radius = [1.0, 0.4][label(&dataset, index)];
        assert_abs_diff_eq!(x.hypot(y), radius, epsilon = 1e-12);
    }
}

#[test]
fn xor_is_the_sign_of_the_product() {
    let dataset = load(&component("xor").with("gap", 0.2), 0);
    let mut quadrants = [0; 4];
    for index in 0..dataset.len() {
        let (x, y) = point(&dataset, index);
        assert_eq!(label(&dataset, index), usize::from(x * y < 0.0));
        assert!((0.2..=1.0).contains(&x.abs()) && (0.2..=1.0).contains(&y.abs()));
        quadrants[usize::from(x < 0.0) + 2 * usize::from(y < 0.0)] += 1;
    }
    assert_eq!(quadrants, [75; 4]);
}

#[test]
fn the_checkerboard_alternates_and_is_full() {
    for cells in [2, 3, 5] {
        let component = component("checkerboard")
            .with("cells", cells)
            .with("samples", 3000);
        let dataset = load(&component, 0);
        let side = f64::from(cells);
        let mut seen = vec![false; (cells * cells) as usize];
        for index in 0..dataset.len() {
            let (x, y) = point(&dataset, index);
            let column = ((x + 1.0) / 2.0 * side).floor();
            let row = ((y + 1.0) / 2.0 * side).floor();
            assert!((0.0..side).contains(&column) && (0.0..side).contains(&row));
            assert_eq!(label(&dataset, index), (column + row) as usize % 2);
            seen[(row * side + column) as usize] = true;
        }
        assert!(seen.iter().all(|seen| *seen));
    }
}

#[test]
fn blobs_lie_around_their_centres() {
    for (dimensions, classes) in [(1, 3), (2, 4), (5, 3)] {
        let component = component("blobs")
            .with("dimensions", dimensions)
            .with("classes", classes)
            .with("samples", 6000)
            .with("spread", 0.1);
        let dataset = load(&component, 0);
        let dimensions = dataset.shape.len();
        let mut means = vec![vec![0.0; dimensions]; classes as usize];
        let counts = dataset.class_counts();
        for index in 0..dataset.len() {
            let class = label(&dataset, index);
            for (mean, x) in means[class].iter_mut().zip(dataset.input(index)) {
                *mean += x / counts[class] as f64;
            }
        }
        if dimensions == 1 {
            for (mean, centre) in means.iter().zip([-1.0, 0.0, 1.0]) {
                assert_abs_diff_eq!(mean[0], centre, epsilon = 0.02);
            }
        } else {
            for mean in &means {
                let norm = mean.iter().map(|x| x * x).sum::<f64>().sqrt();
                assert_abs_diff_eq!(norm, 1.0, epsilon = 0.02);
            }
        }
        let square: f64 = (0..dataset.len())
            .flat_map(|index| {
                let mean = means[label(&dataset, index)].clone();
                let input = dataset.input(index).to_vec();
                mean.into_iter().zip(input).map(|(m, x)| (x - m).powi(2))
            })
            .sum();
        let deviation = (square / dataset.inputs.len() as f64).sqrt();
        assert_abs_diff_eq!(deviation, 0.1, epsilon = 0.005);
    }
}

#[test]
fn chebyshev_points_are_those_of_the_paper() {
    for degree in [0, 1, 2, 3, 4, 5, 12] {
        let component = component("function")
            .with("function", "chebyshev")
            .with("degree", degree);
        let dataset = load(&component, 0);
        assert_eq!(dataset.len(), 20);
        assert_eq!((dataset.inputs[0], dataset.inputs[19]), (-1.0, 1.0));
        for (index, (x, y)) in dataset.inputs.iter().zip(values(&dataset)).enumerate() {
            assert_abs_diff_eq!(*x, -1.0 + 2.0 * index as f64 / 19.0, epsilon = 1e-15);
            let exact = (f64::from(degree) * x.clamp(-1.0, 1.0).acos()).cos();
            assert_abs_diff_eq!(*y, exact, epsilon = 1e-12);
        }
    }
}

#[test]
fn functions_have_their_values() {
    for (name, exact) in [
        ("sine", (|x: f64| (2.0 * PI * x).sin()) as fn(f64) -> f64),
        ("step", |x| if x < 0.0 { -1.0 } else { 1.0 }),
        ("sinc", |x| {
            if x == 0.0 {
                1.0
            } else {
                (2.0 * PI * x).sin() / (2.0 * PI * x)
            }
        }),
        ("linear", |x| x),
        ("absolute", f64::abs),
        ("gaussian", |x| (-4.0 * x * x).exp()),
    ] {
        let component = component("function")
            .with("function", name)
            .with("samples", 41)
            .with("scale", 3.0)
            .with("offset", -1.0)
            .with("from", -2.0)
            .with("to", 2.0);
        let dataset = load(&component, 0);
        for (x, y) in dataset.inputs.iter().zip(values(&dataset)) {
            assert_abs_diff_eq!(*y, 3.0 * exact(*x) - 1.0, epsilon = 1e-12);
        }
    }
}

#[test]
fn random_spacing_stays_in_the_interval() {
    let component = component("function")
        .with("spacing", "random")
        .with("samples", 500)
        .with("from", 2.0)
        .with("to", 3.0)
        .with("noise", 0.1);
    let dataset = load(&component, 0);
    assert!(dataset.inputs.iter().all(|x| (2.0..3.0).contains(x)));
    assert!(dataset.inputs.is_sorted());
    let square: f64 = dataset
        .inputs
        .iter()
        .zip(values(&dataset))
        .map(|(x, y)| (y - (2.0 * PI * x).sin()).powi(2))
        .sum();
    assert_abs_diff_eq!((square / 500.0).sqrt(), 0.1, epsilon = 0.01);
}

#[test]
fn the_digits_are_all_there() {
    let dataset = load(&component("digits"), 0);
    assert_eq!(dataset.len(), 1797);
    assert_eq!(dataset.inputs.len(), 1797 * 64);
    let shape = InputShape::Image {
        channels: 1,
        height: 8,
        width: 8,
    };
    assert_eq!(dataset.shape, shape);
    assert_eq!(
        dataset.class_counts(),
        [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    );
    assert_eq!(dataset.class_names()[7], "7");
    assert!(
        dataset
            .inputs
            .iter()
            .all(|pixel| (0.0..=1.0).contains(pixel))
    );
    assert_eq!(
        dataset.input(0)[..6],
        [0.0, 0.0, 0.3125, 0.8125, 0.5625, 0.0625]
    );
    assert_eq!(dataset.labels().unwrap()[..4], [0, 1, 2, 3]);
}

#[test]
fn outliers_have_one_target_and_a_large_feature_of_either_sign() {
    let dataset = load(
        &component("outliers")
            .with("samples", 60)
            .with("outliers", 8)
            .with("size", 7.0)
            .with("target", 3.0)
            .with("spread", 0.0),
        5,
    );
    assert_eq!((dataset.len(), dataset.shape.len()), (60, 2));
    for (index, target) in values(&dataset).iter().enumerate() {
        let (x, y) = point(&dataset, index);
        if index < 52 {
            assert_eq!(*target, x);
            assert!(y.abs() < 0.5 * 6.0);
        } else {
            let sign = if index % 2 == 0 { 1.0 } else { -1.0 };
            assert_eq!((x, y, *target), (1.0, sign * 7.0, 3.0));
        }
    }
    let source = crate::data::source("outliers").unwrap();
    let check = |component| source.check(&component).len();
    assert_eq!(check(component("outliers").with("outliers", 201)), 1);
    assert_eq!(check(component("outliers").with("label_noise", 0.5)), 1);
    assert_eq!(check(component("outliers")), 0);
}
