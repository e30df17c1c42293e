use std::path::Path;

use super::*;
use crate::math::CancelToken;
use crate::math::vector::to_f64;
use crate::nn::checkpoint;
use crate::train::testing::recipe;
use crate::train::{Run, StepOutcome};

fn setup() -> Arc<Setup> {
    Arc::new(Setup::new(recipe().into(), Path::new(".")).unwrap())
}

fn initial(setup: &Setup) -> PathEnd {
    PathEnd::Given {
        name: "step 0".to_owned(),
        theta: to_f64(&setup.initial.theta).into(),
    }
}

fn settings(method: PathMethod) -> PathSettings {
    PathSettings {
        points: 7,
        bends: 2,
        training: CurveTraining {
            iterations: 12,
            report_every: 5,
            ..CurveTraining::default()
        },
        fork_steps: Some(vec![0, 30]),
        ..PathSettings::new(method, 5)
    }
}

fn connected(setup: &Arc<Setup>, method: PathMethod) -> (Connection, usize) {
    let losses = Losses::double(setup).unwrap();
    let ends = [&initial(setup), &PathEnd::Twin { seed: 3 }];
    let mut published = 0;
    let found = connect(setup, &losses, ends, &settings(method), &(), &mut |_| {
        published += 1;
    });
    (found.unwrap(), published)
}

#[test]
fn every_method_connects_and_reports_on_its_way() {
    let setup = setup();
    let (line, published) = connected(&setup, PathMethod::Linear);
    assert_eq!(published, 1);
    assert_eq!((&*line.from, &*line.to), ("step 0", "seed 3"));
    let straight = line.straight.as_ref().unwrap();
    assert_eq!(straight.train.line.loss.len(), 7);
    assert_eq!(straight.validation.is_some(), setup.validation.is_some());

    for method in [PathMethod::Weights, PathMethod::Activations] {
        let (found, published) = connected(&setup, method);
        let alignment = found.alignment.unwrap();
        assert_eq!(found.straight.as_ref(), Some(straight));
        assert_eq!(published, 1 + alignment.sweeps.len());
        assert_eq!(alignment.groups, ["0"]);
        let last = alignment.sweeps.last().unwrap();
        assert_eq!(last.similarity, alignment.similarity);
        assert_eq!(*last.map, alignment.map);
        // Both ends stay what they are.
        let aligned = alignment.profiles.unwrap().train.line;
        let before = &straight.train.line;
        assert!((aligned.loss[6] - before.loss[6]).abs() < 1e-12);
        assert_eq!(aligned.loss[0], before.loss[0]);
        if method == PathMethod::Weights {
            assert!(alignment.similarity >= alignment.similarity_before);
        }
    }
    for method in [PathMethod::Bezier, PathMethod::Chain] {
        let (found, published) = connected(&setup, method);
        // The line; the start, 5, 10 and 12 steps.
        assert_eq!(published, 5);
        let curve = found.curve.unwrap();
        assert_eq!((curve.iteration, curve.losses.len()), (12, 12));
        assert_eq!(curve.points.len(), 4);
        assert_eq!(
            curve.profiles.train.line.loss[0],
            straight.train.line.loss[0]
        );
    }
    let (found, published) = connected(&setup, PathMethod::Layers);
    assert_eq!(published, 2);
    let layers = found.layers.unwrap();
    assert_eq!(layers.train.len(), 6);
    assert_eq!(layers.train[3].line, straight.train.line);
    assert_eq!(layers.validation.is_some(), setup.validation.is_some());
    let (found, published) = connected(&setup, PathMethod::Fork);
    assert_eq!(published, 2);
    assert_eq!(found.fork.unwrap().points.len(), 2);
}

#[test]
fn the_plane_holds_the_ends_and_the_bend() {
    let setup = setup();
    let losses = Losses::double(&setup).unwrap();
    let ends = [&initial(&setup), &PathEnd::Twin { seed: 3 }];
    let with_plane = |method| {
        let settings = PathSettings {
            bends: 1,
            plane: Some(9),
            ..settings(method)
        };
        connect(&setup, &losses, ends, &settings, &(), &mut |_| ()).unwrap()
    };
    let found = with_plane(PathMethod::Bezier);
    let plane = found.plane.unwrap();
    assert_eq!((plane.slice.alpha.len(), plane.slice.beta.len()), (9, 9));
    assert!(plane.slice.is_finest());
    let places = plane
        .points
        .map(|point| (point.name, point.alpha, point.beta));
    assert_eq!(places[0], ("step 0".to_owned(), 0.0, 0.0));
    assert_eq!(places[1], ("seed 3".to_owned(), 1.0, 0.0));
    assert_eq!(places[2].0, "bend");
    assert!(places[2].2 > 0.0);
    assert_eq!((plane.path[0], plane.path[60]), ([0.0, 0.0], [1.0, 0.0]));
    // The middle of a quadratic curve: a quarter of both ends, half of the bend.
    let middle = plane.path[30];
    assert!((middle[0] - (0.25 + 0.5 * places[2].1)).abs() < 1e-12);
    assert!((middle[1] - 0.5 * places[2].2).abs() < 1e-12);
    let found = with_plane(PathMethod::Weights);
    let plane = found.plane.unwrap();
    assert_eq!(plane.points[2].name, "seed 3, aligned");
    assert_eq!(plane.path.len(), 2);
    assert!(with_plane(PathMethod::Linear).plane.is_none());
}

#[test]
fn a_twin_has_the_same_data_and_other_parameters() {
    let setup = setup();
    let own = PathEnd::Twin {
        seed: setup.recipe.seed,
    };
    let mut run = Run::from_setup(Arc::clone(&setup)).unwrap();
    while run.step().unwrap() == StepOutcome::Trained {}
    let (name, theta) = own.resolve(&setup, &()).unwrap();
    assert_eq!(name, "seed 0");
    assert_eq!(theta[..], to_f64(run.parameters())[..]);
    let other = PathEnd::Twin { seed: 9 }.resolve(&setup, &()).unwrap().1;
    assert_ne!(theta, other);
}

#[test]
fn files_and_folders_are_ends() {
    let setup = setup();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("parameters.safetensors");
    let theta = to_f64(&setup.initial.theta);
    checkpoint::save(&file, setup.network.layout(), &theta, &[]).unwrap();
    for path in [file, folder.path().to_owned()] {
        let (_, found) = PathEnd::File(path).resolve(&setup, &()).unwrap();
        assert_eq!(found[..], theta[..]);
    }
    let missing = PathEnd::File(folder.path().join("other.safetensors"));
    let error = missing.resolve(&setup, &()).unwrap_err();
    assert!(error.to_string().contains("other.safetensors"));
}

#[test]
fn ends_of_other_networks_are_refused_and_work_is_cancelled() {
    let setup = setup();
    let losses = Losses::single(&setup);
    let short = PathEnd::Given {
        name: "another".to_owned(),
        theta: vec![0.0; 3].into(),
    };
    let start = initial(&setup);
    let linear = settings(PathMethod::Linear);
    let error = connect(&setup, &losses, [&start, &short], &linear, &(), &mut |_| ());
    assert!(error.unwrap_err().to_string().contains("another has 3"));
    let token = CancelToken::new();
    token.cancel();
    let twin = PathEnd::Twin { seed: 3 };
    for end in [&twin, &start] {
        for method in [PathMethod::Linear, PathMethod::Fork] {
            let settings = settings(method);
            let error = connect(
                &setup,
                &losses,
                [&start, end],
                &settings,
                &token,
                &mut |_| (),
            );
            assert!(matches!(error, Err(JobError::Cancelled)));
        }
    }
    // While a curve is trained.
    let token = CancelToken::new();
    let bezier = settings(PathMethod::Bezier);
    let error = connect(
        &setup,
        &losses,
        [&start, &twin],
        &bezier,
        &token,
        &mut |found| {
            if found.curve.is_some() {
                token.cancel();
            }
        },
    );
    assert!(matches!(error, Err(JobError::Cancelled)));
}
