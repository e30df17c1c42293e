//! Tests of what a plane can show.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::math::vector::to_f64;
use crate::train::Setup;
use crate::train::testing::recipe;

fn setup() -> (Setup, Vec<f64>, Directions) {
    let setup = Setup::new(Arc::new(recipe()), Path::new(".")).unwrap();
    let theta = to_f64(&setup.initial.theta);
    let direction = |phase: f64| -> Vec<f64> {
        (0..theta.len())
            .map(|k| (0.7 * k as f64 + phase).sin())
            .collect()
    };
    let directions = Directions::new(direction(0.0), direction(1.3)).unwrap();
    (setup, theta, directions)
}

fn all(setup: &Setup, place: Place<'_, f64>) -> Vec<QuantityPlane<f64>> {
    let training = setup.training_double().unwrap().clone();
    let validation = Objective::new(
        Arc::clone(&setup.network),
        Arc::clone(&setup.loss),
        setup.data.validation.as_ref().unwrap(),
    )
    .unwrap();
    vec![
        QuantityPlane::loss(training.clone(), place).unwrap(),
        QuantityPlane::accuracy(training.clone(), place).unwrap(),
        QuantityPlane::gap([training.clone(), validation], place).unwrap(),
        QuantityPlane::gradient_norm(training.clone(), place).unwrap(),
        QuantityPlane::convexity(training, place).unwrap(),
    ]
}

#[test]
fn a_point_of_the_plane_has_the_value_of_its_parameters() {
    let (setup, theta, directions) = setup();
    let place = Place {
        centre: &theta,
        directions: &directions,
    };
    for plane in all(&setup, place) {
        let mut scratch = plane.scratch();
        for (a, b) in [(0.0, 0.0), (0.3, -0.2), (-0.1, 0.4)] {
            let point = directions.point(&theta, a, b).unwrap();
            let expected = plane.value(&point, &mut scratch);
            let found = plane.loss_at(a, b, &mut scratch);
            assert!(
                (found - expected).abs() <= 1e-9 * expected.abs(),
                "{found} {expected}"
            );
        }
    }
}

#[test]
fn quantities_are_what_they_are_called() {
    let (setup, theta, directions) = setup();
    let place = Place {
        centre: &theta,
        directions: &directions,
    };
    let planes = all(&setup, place);
    let value = |k: usize| planes[k].loss_at(0.0, 0.0, &mut planes[k].scratch());
    let training = setup.training_double().unwrap();
    let (loss, accuracy) = training.loss_and_accuracy(&theta, &mut training.workspace());
    assert!((value(0) - loss).abs() < 1e-14);
    assert_eq!(Some(value(1)), accuracy);
    let mut gradient = vec![0.0; theta.len()];
    training.gradient(&theta, &mut training.workspace(), &mut gradient);
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    assert!((value(3) - norm).abs() < 1e-13);
    let exact = crate::curvature::exact_spectrum(&training.hessian(&theta), &()).unwrap();
    let ratio = (exact.eigenvalues[theta.len() - 1] / exact.eigenvalues[0]).abs();
    assert!(
        (value(4) - ratio).abs() < 1e-2 * ratio,
        "{} {ratio}",
        value(4)
    );
    // Shares of hits have the variance of shares.
    let sampled = planes[1].sampled_loss_at(0.0, 0.0, &mut planes[1].scratch());
    let (n, p) = (sampled.samples as f64, sampled.mean);
    assert!((sampled.variance() - p * (1.0 - p) * n / (n - 1.0)).abs() < 1e-12);
}

#[test]
fn the_convexity_of_a_quadratic_is_the_same_everywhere() {
    // Squared error of a linear network: H = (2/N)XᵀX.
    let mut recipe = recipe();
    recipe.model.set("hidden", Vec::<i64>::new());
    recipe.loss = crate::recipe::Component::new("mean_squared_error").with("half", false);
    let setup = Setup::new(Arc::new(recipe), Path::new(".")).unwrap();
    let theta = to_f64(&setup.initial.theta);
    let n = theta.len();
    let mut first = vec![0.0; n];
    first[0] = 1.0;
    let mut second = vec![0.0; n];
    second[n - 1] = 1.0;
    let directions = Directions::new(first, second).unwrap();
    let training = setup.training_double().unwrap();
    let exact = crate::curvature::exact_spectrum(&training.hessian(&theta), &()).unwrap();
    let ratio = (exact.eigenvalues[n - 1] / exact.eigenvalues[0]).abs();
    assert!(ratio > 1e-3, "{ratio}");
    let place = Place {
        centre: &theta[..],
        directions: &directions,
    };
    let plane = QuantityPlane::convexity(training.clone(), place).unwrap();
    for (a, b) in [(0.0, 0.0), (3.0, -2.0), (-50.0, 80.0)] {
        let found = plane.loss_at(a, b, &mut plane.scratch());
        assert!((found - ratio).abs() < 1e-3 * ratio, "{found} {ratio}");
    }
}

#[test]
fn planes_of_another_network_are_refused() {
    let (setup, theta, directions) = setup();
    let training = setup.training_double().unwrap();
    let place = Place {
        centre: &theta[1..],
        directions: &directions,
    };
    assert!(QuantityPlane::loss(training.clone(), place).is_err());
    let short = Directions::new(vec![1.0, 0.0], vec![0.0, 1.0]).unwrap();
    let place = Place {
        centre: &theta[..],
        directions: &short,
    };
    assert!(QuantityPlane::convexity(training.clone(), place).is_err());
}
