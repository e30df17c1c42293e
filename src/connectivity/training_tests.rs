use std::sync::Arc;

use super::*;
use crate::connectivity::testing::{mlp, normal, objective, ring};
use crate::connectivity::{CurveKind, profile};
use crate::data::InputShape;
use crate::math::CancelToken;
use crate::math::rng::stream;

fn around_the_ring(kind: CurveKind, bends: &[[f64; 2]]) -> Curve {
    let points: Vec<Arc<[f64]>> = [[-1.0, 0.0]]
        .iter()
        .chain(bends)
        .chain(&[[1.0, 0.0]])
        .map(|point| point[..].into())
        .collect();
    Curve::new(kind, points).unwrap()
}

#[test]
fn a_quadratic_curve_finds_the_way_round_the_ring() {
    let training = CurveTraining {
        iterations: 2000,
        draws: 8,
        ..CurveTraining::default()
    };
    let mut reported = Vec::new();
    let start = around_the_ring(CurveKind::Bezier, &[[0.3, 1.0]]);
    let (curve, losses) = train_curve(
        &ring(),
        start,
        &training,
        &mut stream(0, "curve"),
        &(),
        &mut |state| {
            reported.push((state.iteration, state.losses.len()));
            Ok(())
        },
    )
    .unwrap();
    assert_eq!(reported.len(), 101);
    assert_eq!((reported[0], reported[100]), ((0, 0), (2000, 2000)));
    assert_eq!(losses.len(), 2000);
    // The best one: c = 3/√2, mean 2/105, highest 4/81.
    let bend = &curve.points()[1];
    assert!(bend[0].abs() < 5e-3, "{bend:?}");
    assert!((bend[1] - 3.0 / 2f64.sqrt()).abs() < 5e-3, "{bend:?}");
    let found = profile(&ring(), &curve, 1001, true, &()).unwrap();
    assert!((found.mean - 2.0 / 105.0).abs() < 1e-5);
    assert!((found.line.barrier - 4.0 / 81.0).abs() < 1e-3);
}

#[test]
fn a_chain_goes_round_too_and_more_bends_are_better() {
    let mean = |bends: &[[f64; 2]]| {
        let start = around_the_ring(CurveKind::Chain, bends);
        let training = CurveTraining {
            iterations: 1500,
            ..CurveTraining::default()
        };
        let mut random = stream(0, "curve");
        let (curve, _) =
            train_curve(&ring(), start, &training, &mut random, &(), &mut |_| Ok(())).unwrap();
        profile(&ring(), &curve, 1001, true, &()).unwrap().mean
    };
    let one = mean(&[[0.1, 1.0]]);
    let three = mean(&[[-0.5, 0.6], [0.1, 1.0], [0.5, 0.6]]);
    assert!(three < 0.2 * one && three < 0.01, "{one} {three}");
}

#[test]
fn the_gradient_of_a_bend_is_that_of_the_mean_loss() {
    // One step of Adam moves every number by about the learning rate, against
    // the sign of its gradient.
    let loss = objective(&mlp(&[4], false, false), InputShape::Vector(2));
    let (a, b) = (normal(1, loss.dim()), normal(2, loss.dim()));
    let start = Curve::straight(CurveKind::Bezier, &a[..], &b[..], 1).unwrap();
    let training = CurveTraining {
        iterations: 1,
        draws: 256,
        learning_rate: 1e-3,
        report_every: 1,
    };
    let mut random = stream(0, "curve");
    let (moved, _) = train_curve(
        &loss,
        start.clone(),
        &training,
        &mut random,
        &(),
        &mut |_| Ok(()),
    )
    .unwrap();
    let mean = |curve: &Curve| profile(&loss, curve, 513, false, &()).unwrap().mean;
    let base = mean(&start);
    for k in 0..loss.dim() {
        let mut points = start.points().to_vec();
        let mut bend = points[1].to_vec();
        let step = moved.points()[1][k] - bend[k];
        bend[k] += 1e-4;
        points[1] = bend.into();
        let slope = (mean(&Curve::new(CurveKind::Bezier, points).unwrap()) - base) / 1e-4;
        if slope.abs() > 1e-3 {
            assert!(step * slope < 0.0, "{k}: {step} {slope}");
            assert!((step.abs() - 1e-3).abs() < 1e-6);
        }
    }
}

#[test]
fn the_ends_stay_and_the_stream_decides() {
    let loss = objective(&mlp(&[4], false, false), InputShape::Vector(2));
    let (a, b) = (normal(1, loss.dim()), normal(2, loss.dim()));
    let training = CurveTraining {
        iterations: 30,
        ..CurveTraining::default()
    };
    let train = |seed| {
        let start = Curve::straight(CurveKind::Chain, &a[..], &b[..], 2).unwrap();
        let mut random = stream(seed, "curve");
        train_curve(&loss, start, &training, &mut random, &(), &mut |_| Ok(())).unwrap()
    };
    let (first, second) = (train(3), train(3));
    assert_eq!(first.0, second.0);
    assert_eq!(first.1, second.1);
    assert_ne!(train(4).0, first.0);
    assert_eq!(first.0.points()[0][..], a[..]);
    assert_eq!(first.0.points()[3][..], b[..]);
    assert!(first.1[29] < first.1[0]);
}

#[test]
fn it_stops_where_it_must() {
    let train = |curve: Curve, training: &CurveTraining, token: &CancelToken| {
        train_curve(
            &ring(),
            curve,
            training,
            &mut stream(0, "curve"),
            token,
            &mut |_| Ok(()),
        )
    };
    let bend = [[0.0, 1.0]];
    let token = CancelToken::new();
    let nothing = CurveTraining {
        draws: 0,
        ..CurveTraining::default()
    };
    let curve = || around_the_ring(CurveKind::Bezier, &bend);
    assert!(train(curve(), &nothing, &token).is_err());
    let far = around_the_ring(CurveKind::Bezier, &[[1e200, 0.0]]);
    assert!(matches!(
        train(far, &CurveTraining::default(), &token),
        Err(MathError::NotFinite { .. })
    ));
    // A line has nothing to train.
    let line = around_the_ring(CurveKind::Bezier, &[]);
    assert!(
        train(line, &CurveTraining::default(), &token)
            .unwrap()
            .1
            .is_empty()
    );
    token.cancel();
    assert_eq!(
        train(curve(), &CurveTraining::default(), &token).unwrap_err(),
        MathError::Cancelled
    );
}
