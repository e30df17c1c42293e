//! Tests of slices of a run.

use std::path::Path;

use super::super::testing::trained;
use super::*;
use crate::train::testing::recipe;
use crate::train::{Run, StepOutcome};

fn settings() -> SliceSettings {
    SliceSettings {
        grid: 17,
        ..SliceSettings::from_recipe(&recipe().slice)
    }
}

fn plane(landscape: &Landscape) -> &crate::landscape::Slice2d {
    match &landscape.shape {
        SliceShape::Plane(slice) => slice,
        SliceShape::Line(_) => panic!("a plane was asked for"),
    }
}

#[test]
fn a_slice_is_the_loss_around_its_centre() {
    let run = trained();
    let (setup, centre) = (run.setup(), run.snapshot());
    let mut levels = Vec::new();
    let path = run.snapshots().all();
    let found = slice(setup, &centre, path, &settings(), &(), &mut |landscape| {
        levels.push(plane(&landscape).alpha.len());
    })
    .unwrap();
    assert_eq!(levels, [9, 17]);
    let slice = plane(&found);
    let objective = &setup.training;
    let loss = |theta: &[f32]| objective.loss(theta, &mut objective.workspace());
    assert!((slice.centre_loss().unwrap() - loss(&centre.theta)).abs() < 1e-6);
    let (i, j) = (14, 3);
    let point = found
        .directions
        .point(&centre.theta[..], slice.alpha[i], slice.beta[j])
        .unwrap();
    let point: Vec<f32> = point.iter().map(|value| *value as f32).collect();
    assert!((slice.at(i, j).unwrap() - loss(&point)).abs() < 1e-5);
    // The path ends at the centre.
    assert_eq!(found.path.len(), path.len());
    let last = found.path.last().unwrap();
    assert!(last.alpha.abs() < 1e-6 && last.beta.abs() < 1e-6 && last.off_plane < 1e-6);
    assert!(found.share.is_some());
    // Random directions show little of the path: the losses are wrong.
    let errors = found.errors.unwrap();
    assert_eq!(errors.steps.len(), path.len());
    assert!(errors.errors.last().unwrap() < &1e-6);
    assert!(errors.largest > 1e-3);
    let of_first = loss(&path[0].theta) - {
        let first = found.path[0];
        let shadow = found
            .directions
            .point(&centre.theta[..], first.alpha, first.beta)
            .unwrap();
        loss(&shadow.iter().map(|v| *v as f32).collect::<Vec<f32>>())
    };
    assert!((errors.errors[0] - of_first.abs()).abs() < 1e-5);
}

#[test]
fn a_plane_of_two_parameters_shows_the_path_without_error() {
    let text = crate::recipe::presets::preset("two-parameters").unwrap();
    let recipe = crate::recipe::Recipe::parse(text, "two-parameters", crate::catalogue::schema());
    let mut run = Run::new(&recipe.unwrap(), Path::new(".")).unwrap();
    while run.step().unwrap() == StepOutcome::Trained {}
    let settings = SliceSettings {
        grid: 17,
        ..SliceSettings::from_recipe(&run.setup().recipe.slice)
    };
    let path = run.snapshots().all();
    let centre = to_f64(run.parameters());
    let found = slice_double(run.setup(), &centre, None, path, &settings, &()).unwrap();
    let errors = found.errors.unwrap();
    assert_eq!(errors.steps.last(), path.last().map(|last| &last.step));
    assert!(errors.largest < 1e-12, "{}", errors.largest);
    let single = slice(
        run.setup(),
        &run.snapshot(),
        path,
        &settings,
        &(),
        &mut |_| (),
    );
    assert!(single.unwrap().errors.unwrap().largest < 1e-5);
}

#[test]
fn principal_components_err_less_than_random_directions() {
    let run = trained();
    let (centre, path) = (run.snapshot(), run.snapshots().all());
    let largest = |directions| {
        let settings = SliceSettings {
            directions,
            ..settings()
        };
        let mut coarse = Vec::new();
        let found = slice(run.setup(), &centre, path, &settings, &(), &mut |level| {
            coarse.push(level.errors.is_some());
        })
        .unwrap();
        // The first picture does not wait for the errors.
        assert!(!coarse[0]);
        found.errors.unwrap().largest
    };
    let path_error = largest(SliceDirections::Path);
    let random = largest(SliceDirections::Random { seed: 3 });
    assert!(
        path_error > 0.0 && path_error < random,
        "{path_error} {random}"
    );
}

#[test]
fn an_excerpt_tells_how_far_it_may_be_off() {
    let run = trained();
    let (setup, centre) = (run.setup(), run.snapshot());
    let of = |samples| {
        let settings = SliceSettings {
            grid: 9,
            samples,
            ..settings()
        };
        let found = slice(setup, &centre, &[], &settings, &(), &mut |_| ()).unwrap();
        plane(&found).clone()
    };
    let (all, half) = (of(None), of(Some(setup.data.train.len() / 2)));
    assert!(all.stderr.is_none());
    let stderr = half.stderr.unwrap();
    let off: Vec<f64> = all
        .loss
        .iter()
        .zip(&half.loss)
        .zip(&stderr)
        .map(|((all, half), stderr)| (all - half).abs() / stderr)
        .collect();
    // The points share their samples, so that they are off together.
    assert!(off.iter().all(|off| *off < 4.5), "{off:?}");
    assert!(off.iter().any(|off| *off > 0.01));
    let whole = of(Some(usize::MAX));
    assert_eq!(whole.stderr.unwrap(), vec![0.0; 81]);
    for (sampled, all) in whole.loss.iter().zip(&all.loss) {
        assert!((sampled - all).abs() <= 1e-12 * all.abs());
    }
}

#[test]
fn principal_components_show_more_of_the_path_than_random_directions() {
    let run = trained();
    let (centre, path) = (run.snapshot(), run.snapshots().all());
    let outside = |directions| {
        let settings = SliceSettings {
            directions,
            line: true,
            ..settings()
        };
        let found = slice(run.setup(), &centre, path, &settings, &(), &mut |_| ()).unwrap();
        assert!(matches!(found.shape, SliceShape::Line(_)));
        found.share.unwrap().squares_outside
    };
    let path = outside(SliceDirections::Path);
    let random = outside(SliceDirections::Random { seed: 3 });
    assert!(path < 0.2 && path < random, "{path} {random}");
}

#[test]
fn without_a_validation_set_a_slice_of_it_is_refused() {
    let mut recipe = recipe();
    recipe.data.set("validation_fraction", 0.0);
    let setup = Setup::new(recipe.into(), Path::new(".")).unwrap();
    let settings = SliceSettings {
        split: Split::Validation,
        ..settings()
    };
    let error = slice(&setup, &setup.initial, &[], &settings, &(), &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("validation_fraction"));
}
