//! Tests of slices of a run.

use std::path::Path;

use super::super::directions::{SliceAxis, Through};
use super::super::testing::trained;
use super::*;
use crate::train::testing::{optimizer, recipe};
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
    assert_eq!(levels, [5, 9, 17]);
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

/// A slice in double precision, 9×9, with these changes.
fn double(run: &Run, change: impl FnOnce(&mut SliceSettings)) -> Result<Landscape, JobError> {
    let mut settings = SliceSettings {
        grid: 9,
        ..settings()
    };
    change(&mut settings);
    let snapshot = run.snapshot();
    let theta = to_f64(&snapshot.theta);
    let optimizer = snapshot.optimizer.as_deref();
    let path = run.snapshots().all();
    slice_double(run.setup(), &theta, optimizer, path, &settings, &())
}

fn loss(run: &Run, theta: &[f64]) -> f64 {
    let objective = run.setup().training_double().unwrap();
    objective.loss(theta, &mut objective.workspace())
}

#[test]
fn curvatures_along_eigenvectors_are_the_eigenvalues() {
    let run = trained();
    let step = 1e-3;
    for (axes, largest) in [
        ([SliceAxis::Largest(0), SliceAxis::Largest(1)], [true, true]),
        (
            [SliceAxis::Smallest(0), SliceAxis::Largest(2)],
            [false, true],
        ),
    ] {
        let found = double(&run, |settings| {
            settings.directions = SliceDirections::Axes(axes);
            settings.extent = Extent::Symmetric(step * 4.0);
        })
        .unwrap();
        assert!(found.directions.is_orthogonal());
        let slice = plane(&found);
        let at = |i: usize, j: usize| slice.at(i, j).unwrap();
        let second = [
            at(5, 4) - 2.0 * at(4, 4) + at(3, 4),
            at(4, 5) - 2.0 * at(4, 4) + at(4, 3),
        ]
        .map(|difference| difference / (step * step));
        for ((second, axis), largest) in second.iter().zip(&found.info.axes).zip(largest) {
            let eigenvalue = axis.eigenvalue.unwrap();
            assert!(eigenvalue.converged);
            let error = (second - eigenvalue.value).abs();
            assert!(
                error < 1e-3 * (1.0 + eigenvalue.value.abs()),
                "{axis:?} {second}"
            );
            assert!(!largest || eigenvalue.value > 0.0);
            assert!((axis.norm - 1.0).abs() < 1e-12);
        }
    }
}

#[test]
fn the_gradient_falls_by_its_norm_and_the_update_is_the_next_step() {
    let mut recipe = recipe();
    recipe.training.set("batch_size", 0i64);
    for optimizer in ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"] {
        recipe.optimizer = crate::train::testing::optimizer(optimizer, 0.01);
        recipe.training.set("steps", 6i64);
        let mut run = Run::new(&recipe, Path::new(".")).unwrap();
        for _ in 0..5 {
            run.step().unwrap();
        }
        let step = 1e-5;
        let of = |axes: [SliceAxis; 2]| {
            double(&run, |settings| {
                settings.directions = SliceDirections::Axes(axes);
                settings.extent = Extent::Symmetric(step * 4.0);
            })
        };
        let random = SliceAxis::Random { seed: 3 };
        let found = of([SliceAxis::Gradient, random]).unwrap();
        let slice = plane(&found);
        let objective = run.setup().training_double().unwrap();
        let theta = to_f64(run.parameters());
        let mut gradient = vec![0.0; theta.len()];
        objective.gradient(&theta, &mut objective.workspace(), &mut gradient);
        let norm = crate::math::vector::norm(&gradient);
        let slope = (slice.at(5, 4).unwrap() - slice.at(3, 4).unwrap()) / (2.0 * step);
        assert!((slope + norm).abs() < 1e-6 * (1.0 + norm), "{slope} {norm}");
        assert!(found.directions.is_orthogonal());
        assert_eq!(found.info.source, "gradient");

        // With the whole set as batch, the update is what the run does next.
        let update = of([SliceAxis::Update, random]).unwrap();
        let momentum = of([SliceAxis::Momentum, random]);
        let has_momentum = !matches!(optimizer, "sgd" | "rmsprop");
        assert_eq!(momentum.is_ok(), has_momentum, "{optimizer}");
        run.step().unwrap();
        let after = to_f64(run.parameters());
        let moved: Vec<f64> = after.iter().zip(&theta).map(|(b, a)| b - a).collect();
        let cosine = crate::math::vector::cosine(&moved, &update.directions.first);
        assert!(cosine > 1.0 - 1e-5, "{optimizer} {cosine}");
    }
}

#[test]
fn parameters_without_the_optimizers_memory_have_no_update() {
    let mut recipe = recipe();
    recipe.optimizer = crate::train::testing::optimizer("adam", 0.01);
    let run = Run::new(&recipe, Path::new(".")).unwrap();
    let settings = SliceSettings {
        directions: SliceDirections::Axes([SliceAxis::Update, SliceAxis::Random { seed: 1 }]),
        ..settings()
    };
    let theta = to_f64(run.parameters());
    let error = slice_double(run.setup(), &theta, None, &[], &settings, &()).unwrap_err();
    assert!(error.to_string().contains("what the optimizer remembered"));
}

#[test]
fn a_plane_through_other_parameters_shows_their_losses() {
    let run = trained();
    let snapshots = run.snapshots().all();
    let anchor = |index: usize| Anchor {
        name: format!("{index}"),
        theta: to_f64(&snapshots[index].theta).into(),
    };
    for (points, orthogonal) in [(vec![0, 20], false), (vec![0, 20], true), (vec![7], false)] {
        let points: Vec<Anchor> = points.into_iter().map(anchor).collect();
        let found = double(&run, |settings| {
            settings.grid = 17;
            settings.extent = Extent::Fit { otherwise: 1.0 };
            settings.directions = SliceDirections::Through(Through {
                points: points.clone(),
                orthogonal,
            });
        })
        .unwrap();
        assert_eq!(found.anchors.len(), points.len());
        let slice = plane(&found);
        let theta = to_f64(run.parameters());
        assert!((slice.centre_loss().unwrap() - loss(&run, &theta)).abs() < 1e-12);
        for (place, point) in found.anchors.iter().zip(&points) {
            let on_plane = found
                .directions
                .point(&theta, place.alpha, place.beta)
                .unwrap();
            let error = loss(&run, &on_plane) - loss(&run, &point.theta);
            assert!(error.abs() < 1e-10, "{error}");
            // What was asked to be seen is.
            let inside = |x: f64, axis: &[f64]| axis[0] <= x && x <= axis[axis.len() - 1];
            assert!(inside(place.alpha, &slice.alpha) && inside(place.beta, &slice.beta));
        }
        assert_eq!(
            found.directions.is_orthogonal(),
            orthogonal || points.len() == 1
        );
    }
}

#[test]
fn the_point_uphill_of_sam_is_marked() {
    for kind in ["sam", "asam"] {
        let mut recipe = recipe();
        recipe.optimizer = optimizer(kind, 0.1).with("rho", 0.2);
        let run = Run::new(&recipe, Path::new(".")).unwrap();
        let found = double(&run, |settings| {
            settings.grid = 5;
            settings.directions =
                SliceDirections::Axes([SliceAxis::Gradient, SliceAxis::Largest(0)]);
        })
        .unwrap();
        let [point] = &found.anchors[..] else {
            panic!("{:?}", found.anchors);
        };
        assert!(point.name.starts_with(&kind.to_uppercase()));
        // SAM's lies ρ up the gradient, whose axis points down it.
        if kind == "sam" {
            assert!((point.alpha + 0.2).abs() < 1e-9, "{}", point.alpha);
        }
        let theta = to_f64(run.parameters());
        let there = found
            .directions
            .point(&theta, point.alpha, point.beta)
            .unwrap();
        assert!(loss(&run, &there) > loss(&run, &theta));
    }
    assert!(double(&trained(), |_| ()).unwrap().anchors.is_empty());
}

/// What the optimizer would do depends on its hyperparameters in force.
#[test]
fn a_slice_takes_the_hyperparameters_of_its_moment() {
    let with = |momentum: f64, decay: f64, rho: f64| {
        let mut recipe = recipe();
        recipe.optimizer = optimizer("sgd", 0.1)
            .with("momentum", momentum)
            .with("weight_decay", decay);
        let sgd = Run::new(&recipe, Path::new(".")).unwrap();
        recipe.optimizer = optimizer("sam", 0.1)
            .with("weight_decay", decay)
            .with("rho", rho);
        (sgd, Run::new(&recipe, Path::new(".")).unwrap())
    };
    let along = |setup: &Setup, snapshot: &Snapshot| {
        let settings = SliceSettings {
            grid: 5,
            directions: SliceDirections::Axes([SliceAxis::Update, SliceAxis::Random { seed: 1 }]),
            ..settings()
        };
        slice(setup, snapshot, &[], &settings, &(), &mut |_| ()).unwrap()
    };
    let at = |run: &Run, step: u64| Snapshot {
        step,
        ..Snapshot::clone(&run.setup().initial)
    };
    let ((sgd, sam), (other_sgd, other_sam)) = (with(0.5, 0.0, 0.2), with(0.5, 0.7, 0.4));
    let changes = [
        (7, "weight_decay".to_owned(), 0.7),
        (7, "rho".to_owned(), 0.4),
    ];
    let found = |run: &Run, step: u64| along(&run.setup().with_changes(&changes), &at(run, step));
    for (step, sgd_then, sam_then) in [(6, &sgd, &sam), (7, &other_sgd, &other_sam)] {
        let expected = along(sgd_then.setup(), &at(sgd_then, 0));
        assert_eq!(
            found(&sgd, step).directions.first,
            expected.directions.first
        );
        let expected = along(sam_then.setup(), &at(sam_then, 0));
        assert_eq!(found(&sam, step).anchors, expected.anchors);
    }
    assert_ne!(found(&sam, 6).anchors, found(&sam, 7).anchors);
    assert_ne!(
        found(&sgd, 6).directions.first,
        found(&sgd, 7).directions.first
    );
}

#[test]
fn components_around_the_mean_are_drawn_through_it() {
    let run = trained();
    let found = double(&run, |settings| {
        settings.directions = SliceDirections::Path;
        settings.path_centre = PathCentre::Mean;
    })
    .unwrap();
    let snapshots = run.snapshots().all();
    let mut mean = vec![0.0; run.setup().dim()];
    for snapshot in snapshots {
        for (mean, x) in mean.iter_mut().zip(snapshot.theta.iter()) {
            *mean += f64::from(*x) / snapshots.len() as f64;
        }
    }
    let slice = plane(&found);
    assert!((slice.centre_loss().unwrap() - loss(&run, &mean)).abs() < 1e-12);
    // One minus the explained share is what lies outside.
    let explained: f64 = found
        .info
        .axes
        .iter()
        .filter_map(|axis| axis.explained)
        .sum();
    let share = found.share.unwrap();
    assert!((share.squares_outside - (1.0 - explained)).abs() < 1e-6);
    assert_eq!(found.info.centre, PathCentre::Mean);
}

#[test]
fn a_fitted_slice_shows_the_whole_path() {
    let run = trained();
    let found = double(&run, |settings| {
        settings.directions = SliceDirections::Path;
        settings.extent = Extent::Fit { otherwise: 1.0 };
    })
    .unwrap();
    let slice = plane(&found);
    let (low, high) = (slice.alpha[0], slice.alpha[8]);
    let reach = |f: &dyn Fn(f64, f64) -> f64| found.path.iter().map(|p| p.alpha).fold(0.0, f);
    let (least, most) = (reach(&f64::min), reach(&f64::max));
    assert!(low < least && most < high);
    // It fills the view.
    assert!(
        most - least > 0.5 * (high - low),
        "{least} {most} {low} {high}"
    );
    assert!(slice.centre().is_some());
}

#[test]
fn only_the_chosen_layers_move() {
    let run = trained();
    let found = double(&run, |settings| {
        settings.layers = Some(vec![1]);
        settings.biases = Some(true);
        settings.orthogonal = false;
    })
    .unwrap();
    let layout = run.setup().network.layout();
    let first = layout.layer_range(0);
    let moves = |range: std::ops::Range<usize>| {
        let directions = [&found.directions.first, &found.directions.second];
        directions
            .iter()
            .any(|d| d[range.clone()].iter().any(|x| *x != 0.0))
    };
    assert!(!moves(first.clone()) && moves(first.end..layout.len()));
    let bias = layout.get("2.bias").unwrap();
    assert!(moves(bias.range.clone()));
    assert_eq!(found.info.layers, Some(vec!["2".to_owned()]));
    assert_eq!(found.info.biases, Some(true));
}

#[test]
fn the_losses_of_the_classes_add_up() {
    let run = trained();
    let setup = run.setup();
    let counts = setup.data.train.class_counts();
    let total: usize = counts.iter().sum();
    let whole = double(&run, |_| ()).unwrap();
    let mut sum = vec![0.0; 81];
    for (class, count) in counts.iter().enumerate() {
        let quantity = SliceQuantity::ClassLoss { class };
        let found = double(&run, |settings| settings.quantity = quantity.clone()).unwrap();
        assert_eq!(found.quantity, quantity);
        for (sum, loss) in sum.iter_mut().zip(&plane(&found).loss) {
            *sum += loss * *count as f64 / total as f64;
        }
    }
    for (sum, loss) in sum.iter().zip(&plane(&whole).loss) {
        assert!((sum - loss).abs() < 1e-12 * (1.0 + loss.abs()));
    }
    // All samples are the whole, too.
    let samples = (0..total).collect();
    let all = double(&run, |settings| {
        settings.quantity = SliceQuantity::SampleLoss { samples };
    });
    assert_eq!(plane(&all.unwrap()).loss, plane(&whole).loss);
}

#[test]
fn the_accuracy_in_the_middle_is_the_runs_own() {
    let run = trained();
    let of = |split| {
        let found = double(&run, |settings| {
            settings.quantity = SliceQuantity::Accuracy;
            settings.split = split;
        });
        let found = found.unwrap();
        let (i, j) = plane(&found).centre().unwrap();
        plane(&found).at(i, j).unwrap()
    };
    let objective = &run.setup().training;
    let (_, accuracy) = objective.loss_and_accuracy(run.parameters(), &mut objective.workspace());
    assert_eq!(Some(of(Split::Train)), accuracy);
    let objective = run.setup().validation.as_ref().unwrap();
    let (_, accuracy) = objective.loss_and_accuracy(run.parameters(), &mut objective.workspace());
    assert_eq!(Some(of(Split::Validation)), accuracy);
}

#[test]
fn the_gap_is_the_difference_and_costs_no_error_of_its_own() {
    let run = trained();
    let of = |quantity: SliceQuantity, split| {
        double(&run, |settings| {
            settings.quantity = quantity;
            settings.split = split;
        })
        .unwrap()
    };
    let gap = of(SliceQuantity::Gap, Split::Train);
    let train = of(SliceQuantity::Loss, Split::Train);
    let validation = of(SliceQuantity::Loss, Split::Validation);
    for k in 0..81 {
        let expected = plane(&validation).loss[k] - plane(&train).loss[k];
        assert!((plane(&gap).loss[k] - expected).abs() < 1e-13);
    }
    assert!(gap.errors.is_some());
    let convexity = of(SliceQuantity::Convexity, Split::Train);
    assert!(convexity.errors.is_none());
    assert!(plane(&convexity).loss.iter().all(|ratio| *ratio >= 0.0));
}

#[test]
fn impossible_quantities_are_explained() {
    let run = trained();
    let error = |quantity: SliceQuantity| {
        let found = double(&run, |settings| settings.quantity = quantity);
        found.unwrap_err().to_string()
    };
    let class = error(SliceQuantity::ClassLoss { class: 9 });
    assert!(class.contains("there is no class 9"), "{class}");
    let samples = vec![0, 9999];
    let sample = error(SliceQuantity::SampleLoss { samples });
    assert!(sample.contains("there is no sample 9999"), "{sample}");
    let samples = Vec::new();
    assert!(error(SliceQuantity::SampleLoss { samples }).contains("at least one"));
}

#[test]
fn a_growing_slice_shows_an_excerpt_first_and_ends_alike() {
    let mut recipe = recipe();
    recipe.data.set("samples", 1800i64);
    recipe.training.set("steps", 3i64);
    let mut run = Run::new(&recipe, Path::new(".")).unwrap();
    while run.step().unwrap() == StepOutcome::Trained {}
    for (line, grid) in [(false, 33), (true, 129)] {
        let of = |growing: bool| {
            let settings = SliceSettings {
                grid,
                growing,
                line,
                attention: growing.then(Looking::default),
                ..settings()
            };
            let mut seen = Vec::new();
            let mut report = |landscape: Landscape| seen.push(landscape);
            let found = slice(
                run.setup(),
                &run.snapshot(),
                &[],
                &settings,
                &(),
                &mut report,
            );
            (found.unwrap(), seen)
        };
        let (grown, seen) = of(true);
        let (plain, _) = of(false);
        match (&grown.shape, &plain.shape) {
            (SliceShape::Plane(a), SliceShape::Plane(b)) => assert_eq!(a, b),
            (SliceShape::Line(a), SliceShape::Line(b)) => assert_eq!(a, b),
            _ => panic!("the same shape"),
        }
        let excerpt = seen[0].excerpt.unwrap();
        assert!(excerpt.samples < excerpt.population && excerpt.samples >= 64);
        let points = |landscape: &Landscape| match &landscape.shape {
            SliceShape::Plane(slice) => (slice.alpha.len(), slice.stderr.is_some()),
            SliceShape::Line(slice) => (slice.alpha.len(), slice.stderr.is_some()),
        };
        assert_eq!(points(&seen[0]), (5, true));
        // It never gets coarser again.
        let counts: Vec<usize> = seen.iter().map(|landscape| points(landscape).0).collect();
        assert!(
            counts.windows(2).all(|pair| pair[0] <= pair[1]),
            "{counts:?}"
        );
        let last = seen.last().unwrap();
        assert_eq!((last.excerpt, points(last)), (None, (grid, false)));
    }
}

#[test]
fn planes_of_other_seeds_are_those_slices() {
    let run = trained();
    let settings = SliceSettings {
        grid: 9,
        ..settings()
    };
    let (setup, centre) = (run.setup(), run.snapshot());
    let mut seen = 0;
    let mut on_slice = |found: &[Reroll]| seen = found.len();
    let found = rerolls(setup, &centre, &[], &settings, &[4, 9], &(), &mut on_slice).unwrap();
    assert_eq!(seen, 2);
    for Reroll { seed, landscape } in &found {
        let settings = SliceSettings {
            directions: SliceDirections::Random { seed: *seed },
            ..settings.clone()
        };
        let alone = slice(setup, &centre, &[], &settings, &(), &mut |_| ()).unwrap();
        assert_eq!(plane(landscape), plane(&alone));
    }
    let token = crate::math::CancelToken::new();
    token.cancel();
    let ended = rerolls(setup, &centre, &[], &settings, &[4], &token, &mut |_| ());
    assert!(matches!(ended, Err(JobError::Cancelled)));
}
