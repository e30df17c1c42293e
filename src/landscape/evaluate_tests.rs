//! Tests of slices, on functions and on small networks.

use super::*;
use crate::landscape::{
    Directions, Drawing, Focus, Normalization, PlaneFunction, TensorBlock, normalize, project_path,
};
use crate::math::golden;
use crate::math::progress::{CancelToken, NoProgress, Reporting};
use crate::math::rng::stream;

fn axis(points: usize) -> GridAxis {
    GridAxis::symmetric(1.0, points).unwrap()
}

fn evaluate<P: PlaneLoss>(plane: &P, nx: usize, ny: usize) -> (Arc<Slice2d>, Vec<Arc<Slice2d>>) {
    let mut levels = Vec::new();
    let last = evaluate_slice2d(plane, &axis(nx), &axis(ny), &NoProgress, &mut |slice| {
        levels.push(slice);
    });
    (last.unwrap(), levels)
}

/// A loss at θ* + a·d₁ + b·d₂ for a function of the parameters.
fn through<'a>(
    theta: &'a [f64],
    directions: &'a Directions,
    loss: impl Fn(&[f64]) -> f64 + Sync + 'a,
) -> impl PlaneLoss + 'a {
    PlaneFunction(move |a, b| loss(&directions.point(theta, a, b).unwrap()))
}

#[test]
fn the_reference_slice() {
    let reference = golden::mlp();
    let n = reference.theta.len();
    let block = |range: std::ops::Range<usize>, filters, is_weight| TensorBlock {
        range,
        filters,
        is_weight,
    };
    let layout = [
        block(0..8, 4, true),
        block(8..12, 1, false),
        block(12..24, 3, true),
        block(24..27, 1, false),
    ];
    let direction = |f: &dyn Fn(f64) -> f64| {
        let mut d: Vec<f64> = (0..n).map(|k| f(k as f64)).collect();
        normalize(
            &mut d,
            &reference.theta,
            &layout,
            Normalization::Filter,
            false,
        )
        .unwrap();
        d
    };
    let directions = Directions::new(
        direction(&|k| (2.1 * k + 0.7).sin()),
        direction(&|k| (1.1 * k - 0.2).cos()),
    )
    .unwrap();
    let plane = through(&reference.theta, &directions, |theta| {
        golden::loss(theta, &reference)
    });
    let (slice, _) = evaluate(&plane, 9, 9);
    assert_eq!(slice.alpha, reference.filter_slice.coords);
    for (row, expected) in slice
        .rows()
        .zip(&reference.filter_slice.loss_rows_beta_cols_alpha)
    {
        for (loss, expected) in row.iter().zip(expected) {
            assert!((loss - expected).abs() < 1e-11, "{loss} {expected}");
        }
    }
    assert!((slice.centre_loss().unwrap() - reference.loss).abs() < 1e-14);
}

#[test]
fn every_point_is_evaluated_once_and_coarse_grids_are_part_of_fine_ones() {
    let count = AtomicUsize::new(0);
    let plane = PlaneFunction(|a: f64, b: f64| {
        count.fetch_add(1, Ordering::Relaxed);
        a + 10.0 * b
    });
    let (last, levels) = evaluate(&plane, 33, 17);
    assert_eq!(count.load(Ordering::Relaxed), 33 * 17);
    let sizes: Vec<_> = levels
        .iter()
        .map(|s| (s.alpha.len(), s.beta.len()))
        .collect();
    assert_eq!(sizes, [(5, 5), (9, 5), (17, 9), (33, 17)]);
    assert_eq!(levels.last().unwrap(), &last);
    assert!(last.is_finest() && !levels[0].is_finest());
    for slice in &levels {
        for (j, row) in slice.rows().enumerate() {
            for (i, loss) in row.iter().enumerate() {
                // Rows over beta, columns over alpha, on every grid.
                assert_eq!(*loss, slice.alpha[i] + 10.0 * slice.beta[j]);
            }
        }
        let (i, j) = slice.centre().unwrap();
        assert_eq!((slice.alpha[i], slice.beta[j]), (0.0, 0.0));
    }
}

#[test]
fn any_grid_size_is_possible() {
    let plane = PlaneFunction(|a: f64, b: f64| a * b);
    for (nx, ny, levels) in [(51, 51, 2), (5, 5, 1), (2, 9, 2), (50, 51, 2), (9, 257, 7)] {
        let (last, all) = evaluate(&plane, nx, ny);
        assert_eq!((last.alpha.len(), last.beta.len()), (nx, ny));
        assert_eq!(all.len(), levels);
        assert_eq!(last.centre().is_some(), nx % 2 == 1 && ny % 2 == 1);
    }
}

#[test]
fn what_is_not_a_number_stays_so() {
    let plane = PlaneFunction(|a: f64, b: f64| {
        if a > 0.9 && b > 0.9 {
            f64::NAN
        } else if a < -0.9 {
            f64::INFINITY
        } else {
            -1.0
        }
    });
    let (last, _) = evaluate(&plane, 17, 17);
    assert!(last.at(16, 16).unwrap().is_nan());
    assert_eq!(last.at(0, 3), Some(f64::INFINITY));
    assert_eq!(last.non_finite(), 18);
    assert_eq!(last.finite_range(), Some([-1.0, -1.0]));
}

#[test]
fn cancelling_keeps_the_finest_complete_grid() {
    let token = CancelToken::new();
    token.cancel();
    let plane = PlaneFunction(|a: f64, b: f64| a - b);
    let mut seen = 0;
    let found = evaluate_slice2d(&plane, &axis(257), &axis(257), &token, &mut |_| seen += 1);
    let found = found.unwrap();
    assert_eq!((found.alpha.len(), found.is_finest(), seen), (5, false, 1));
    // In the middle of a later level.
    let token = CancelToken::new();
    let progress = Reporting::new(token.clone(), |done, total| {
        assert!(done <= total);
        if done > 400 {
            token.cancel();
        }
    });
    let found = evaluate_slice2d(&plane, &axis(65), &axis(65), &progress, &mut |_| ());
    assert_eq!(found.unwrap().alpha.len(), 17);
    // 2·127 intervals have no coarser grid through the centre.
    let token = CancelToken::new();
    token.cancel();
    let none = evaluate_slice2d(&plane, &axis(255), &axis(255), &token, &mut |_| ());
    assert_eq!(none, Err(Cancelled));
}

#[test]
fn threads_do_not_change_a_bit() {
    let plane = PlaneFunction(|a: f64, b: f64| (3.0 * a).sin() * (b - 0.1).exp());
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let one = pool(1).unwrap().install(|| evaluate(&plane, 33, 33).0);
    let four = pool(4).unwrap().install(|| evaluate(&plane, 33, 33).0);
    assert_eq!(one, four);
}

#[test]
fn a_line_goes_where_it_is_sent() {
    let plane = PlaneFunction(|a: f64, b: f64| a + 100.0 * b);
    let mut levels = 0;
    let line = evaluate_slice1d(
        &plane,
        &axis(17),
        StraightLine::between([0.0, 0.0], [0.5, 2.0]),
        &NoProgress,
        &mut |_| levels += 1,
    );
    let line = line.unwrap();
    assert_eq!(levels, 3);
    assert!(line.is_finest());
    for (t, loss) in line.alpha.iter().zip(&line.loss) {
        assert_eq!(*loss, 0.5 * t + 100.0 * (2.0 * t));
    }
    assert_eq!(line.finite_range(), Some([-200.5, 200.5]));
}

/// Two-layer ReLU network without bias, 3-5-2, squared error on fixed data.
fn relu_loss(theta: &[f64]) -> f64 {
    let mut total = 0.0;
    for s in 0..7 {
        let x: [f64; 3] = std::array::from_fn(|i| (1.3 * s as f64 + 2.1 * i as f64).sin());
        let hidden: [f64; 5] = std::array::from_fn(|j| {
            (0..3)
                .map(|i| theta[3 * j + i] * x[i])
                .sum::<f64>()
                .max(0.0)
        });
        for k in 0..2 {
            let y: f64 = (0..5).map(|j| theta[15 + 5 * k + j] * hidden[j]).sum();
            total += (y - (s as f64 * 0.7 + k as f64).cos()).powi(2);
        }
    }
    total / 7.0
}

#[test]
fn rescaling_a_relu_network_leaves_the_right_slices_alone() {
    let layout = [
        TensorBlock {
            range: 0..15,
            filters: 5,
            is_weight: true,
        },
        TensorBlock {
            range: 15..25,
            filters: 2,
            is_weight: true,
        },
    ];
    let theta = golden::gaussian(25, 5);
    let scaled = |factors: [f64; 5]| -> Vec<f64> {
        let mut theta = theta.clone();
        for j in 0..5 {
            for i in 0..3 {
                theta[3 * j + i] *= factors[j];
            }
            for k in 0..2 {
                theta[15 + 5 * k + j] /= factors[j];
            }
        }
        theta
    };
    let slice = |theta: &[f64], normalization| {
        let mut rng = stream(0, "directions");
        let drawing = Drawing {
            include_biases: false,
            ..Drawing::from(normalization)
        };
        let directions = Directions::random(theta, &layout, drawing, &mut rng).unwrap();
        evaluate(&through(theta, &directions, relu_loss), 9, 9)
            .0
            .loss
            .clone()
    };
    let difference = |theta: &[f64], normalization| {
        let original = slice(&golden::gaussian(25, 5), normalization);
        slice(theta, normalization)
            .iter()
            .zip(&original)
            .map(|(a, b)| ((a - b) / b).abs())
            .fold(0.0, f64::max)
    };
    let whole = scaled([8.0; 5]);
    let each = scaled([8.0, 0.25, 2.0, 1.0, 0.5]);
    assert!(difference(&whole, Normalization::Filter) < 1e-9);
    assert!(difference(&each, Normalization::Filter) > 1e-2);
    assert!(difference(&each, Normalization::Elementwise) < 1e-12);
    // Without any normalisation the picture depends on the scale.
    assert!(difference(&whole, Normalization::None) > 1e-2);
}

#[test]
fn the_slice_of_two_parameters_is_the_whole_landscape() {
    // y = w·x + b on four points; gradient descent.
    let data = [(-1.0, 0.3), (0.0, 1.0), (1.0, 1.2), (2.0, 2.9)];
    let loss = |p: &[f64]| -> f64 {
        data.iter()
            .map(|(x, y)| (p[0] * x + p[1] - y).powi(2))
            .sum::<f64>()
            / 4.0
    };
    let mut theta = vec![-1.5, 2.5];
    let mut path = vec![theta.clone()];
    let mut losses = vec![loss(&theta)];
    for _ in 0..30 {
        let gradient = |k: usize| {
            data.iter()
                .map(|(x, y)| 0.5 * (theta[0] * x + theta[1] - y) * if k == 0 { *x } else { 1.0 })
                .sum::<f64>()
        };
        let (gw, gb) = (gradient(0), gradient(1));
        theta = vec![theta[0] - 0.1 * gw, theta[1] - 0.1 * gb];
        path.push(theta.clone());
        losses.push(loss(&theta));
    }
    let snapshots: Vec<(u64, &[f64])> = path
        .iter()
        .enumerate()
        .map(|(i, p)| (i as u64, p.as_slice()))
        .collect();
    for directions in [
        Directions::whole_plane(2).unwrap(),
        // Slanted axes of other lengths: the same plane.
        Directions::new(vec![2.0, 0.5], vec![-0.3, 1.7]).unwrap(),
    ] {
        let plane = through(&theta, &directions, loss);
        let points = project_path(&snapshots, &theta, &directions).unwrap();
        for (point, recorded) in points.iter().zip(&losses) {
            assert!(point.off_plane < 1e-14);
            let seen = plane.loss_at(point.alpha, point.beta, &mut plane.scratch());
            assert!((seen - recorded).abs() < 1e-13);
        }
    }
}

/// Looks somewhere else before every batch.
struct Restless(AtomicUsize);

impl Attention for Restless {
    fn focus(&self) -> Focus {
        let turn = self.0.fetch_add(1, Ordering::Relaxed) as f64;
        Focus {
            point: Some((turn.sin(), turn.cos())),
            window: Some([(-turn.cos().abs(), 0.2), (-1.0, turn.sin())]),
        }
    }
}

#[test]
fn the_order_of_the_points_changes_no_bit() {
    let count = AtomicUsize::new(0);
    let plane = PlaneFunction(|a: f64, b: f64| {
        count.fetch_add(1, Ordering::Relaxed);
        if a > 0.8 && b > 0.5 {
            return f64::NAN;
        }
        (3.0 * a).sin() * (b - 0.1).exp()
    });
    let (plain, levels) = evaluate(&plane, 65, 33);
    count.store(0, Ordering::Relaxed);
    let mut complete = Vec::new();
    let mut parts = Vec::new();
    let mut on_picture = |picture| match picture {
        Picture::Level(slice) => complete.push(slice),
        Picture::Part(part) => parts.push((part, complete.len())),
    };
    let restless = Restless(AtomicUsize::new(0));
    let (x, y) = (axis(65), axis(33));
    let last =
        evaluate_slice2d_for(&plane, &x, &y, &restless, &NoProgress, &mut on_picture).unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 65 * 33);
    let bits = |slice: &Slice2d| -> Vec<u64> { slice.loss.iter().map(|v| v.to_bits()).collect() };
    assert_eq!(bits(&last), bits(&plain));
    assert_eq!(complete.len(), levels.len());
    for (with, without) in complete.iter().zip(&levels) {
        assert_eq!(bits(with), bits(without));
    }
    assert!(parts.len() > 10, "{}", parts.len());
    for (part, before) in &parts {
        // What is known of a level is what the level will be; all of the level
        // before is.
        let level = &complete[part.level];
        assert_eq!((&part.alpha, &part.beta), (&level.alpha, &level.beta));
        assert_eq!(*before, part.level);
        let coarse = &complete[part.level - 1];
        let share = coarse.loss.len() as f64 / level.loss.len() as f64;
        assert!(part.share() > share && part.share() < 1.0);
        for (value, expected) in part.values.iter().zip(&level.loss) {
            if let Some(value) = value {
                assert_eq!(value.to_bits(), expected.to_bits());
            }
        }
    }
}

#[test]
fn what_somebody_looks_at_comes_first() {
    struct Corner;
    impl Attention for Corner {
        fn focus(&self) -> Focus {
            Focus {
                point: Some((0.9, 0.9)),
                window: None,
            }
        }
    }
    let plane = PlaneFunction(|a: f64, b: f64| a + b);
    let mut first = None;
    let mut on_picture = |picture| {
        if let Picture::Part(part) = picture
            && part.alpha.len() == 65
        {
            first.get_or_insert(part);
        }
    };
    let axis = axis(65);
    evaluate_slice2d_for(&plane, &axis, &axis, &Corner, &NoProgress, &mut on_picture).unwrap();
    let part = first.unwrap();
    let known = |columns: std::ops::Range<usize>, rows: std::ops::Range<usize>| {
        rows.flat_map(|j| columns.clone().map(move |i| 65 * j + i))
            .filter(|k| part.values[*k].is_some())
            .count()
    };
    // Beside the quarter that the level before has.
    assert!(known(55..63, 55..63) > 60, "{}", known(55..63, 55..63));
    assert!(known(2..10, 2..10) < 20, "{}", known(2..10, 2..10));
}

#[test]
fn cancelling_within_a_level_keeps_the_one_before() {
    let token = CancelToken::new();
    let plane = PlaneFunction(|a: f64, b: f64| a * b);
    let mut on_picture = |picture| {
        if let Picture::Part(part) = picture
            && part.alpha.len() == 33
        {
            token.cancel();
        }
    };
    let axis = axis(65);
    let found = evaluate_slice2d_for(&plane, &axis, &axis, &(), &token, &mut on_picture).unwrap();
    assert_eq!((found.alpha.len(), found.is_finest()), (17, false));
    assert!(found.loss.iter().all(|v| v.is_finite()));
}

#[test]
fn what_takes_long_is_given_up_at_once() {
    struct Costly;
    impl PlaneLoss for Costly {
        type Scratch = ();
        fn scratch(&self) {}
        fn loss_at(&self, _: f64, _: f64, (): &mut ()) -> f64 {
            panic!("nobody waits for it")
        }
        fn is_costly(&self) -> bool {
            true
        }
    }
    let token = CancelToken::new();
    token.cancel();
    let found = evaluate_slice2d(&Costly, &axis(9), &axis(9), &token, &mut |_| ());
    assert_eq!(found, Err(Cancelled));
}
