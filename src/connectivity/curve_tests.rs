use super::*;
use crate::connectivity::testing::{mlp, normal, objective, ring};
use crate::data::InputShape;
use crate::math::CancelToken;

#[test]
fn curves_begin_and_end_exactly_at_their_ends() {
    let points: Vec<Arc<[f64]>> = (0..4).map(|seed| normal(seed, 7).into()).collect();
    for kind in [CurveKind::Bezier, CurveKind::Chain] {
        for count in 2..=4 {
            let curve = Curve::new(kind, points[..count].to_vec()).unwrap();
            let mut at = vec![0.0; 7];
            curve.at(0.0, &mut at);
            assert_eq!(at[..], points[0][..]);
            curve.at(1.0, &mut at);
            assert_eq!(at[..], points[count - 1][..]);
            for t in [0.0, 0.13, 0.5, 0.77, 1.0] {
                let weights = curve.weights(t);
                assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-15);
                assert!(weights.iter().all(|weight| *weight >= 0.0));
            }
        }
    }
}

#[test]
fn the_quadratic_curve_has_its_formula() {
    let points: Vec<Arc<[f64]>> = (0..3).map(|seed| normal(seed, 3).into()).collect();
    let curve = Curve::new(CurveKind::Bezier, points.clone()).unwrap();
    let mut at = vec![0.0; 3];
    for t in [0.2, 0.5, 0.9] {
        curve.at(t, &mut at);
        for k in 0..3 {
            let expected = (1.0 - t) * (1.0 - t) * points[0][k]
                + 2.0 * t * (1.0 - t) * points[1][k]
                + t * t * points[2][k];
            assert!((at[k] - expected).abs() < 1e-14);
        }
    }
}

#[test]
fn bends_on_the_chord_make_the_straight_line() {
    let objective = objective(&mlp(&[6], false, false), InputShape::Vector(2));
    let (a, b) = (normal(1, objective.dim()), normal(2, objective.dim()));
    let line = profile(
        &objective,
        &Curve::line(&a[..], &b[..]).unwrap(),
        9,
        true,
        &(),
    )
    .unwrap();
    assert_eq!(line.stretch, 1.0);
    assert_eq!(line.mean, line.mean_by_length);
    for kind in [CurveKind::Bezier, CurveKind::Chain] {
        for bends in 1..=3 {
            let curve = Curve::straight(kind, &a[..], &b[..], bends).unwrap();
            let found = profile(&objective, &curve, 9, true, &()).unwrap();
            for (found, line) in found.line.loss.iter().zip(&line.line.loss) {
                assert!((found - line).abs() < 1e-12);
            }
            assert!((found.line.barrier - line.line.barrier).abs() < 1e-10);
            assert!((found.stretch - 1.0).abs() < 1e-12);
            assert_eq!(found.accuracy, line_accuracy(&objective, &a, &b));
        }
    }
}

fn line_accuracy(
    objective: &crate::objective::Objective<f64>,
    a: &[f64],
    b: &[f64],
) -> Option<Vec<f64>> {
    (0..9)
        .map(|i| {
            let t = f64::from(i) / 8.0;
            let theta: Vec<f64> = a
                .iter()
                .zip(b)
                .map(|(a, b)| (1.0 - t) * a + t * b)
                .collect();
            objective
                .loss_and_accuracy(&theta, &mut objective.workspace())
                .1
        })
        .collect()
}

#[test]
fn the_loss_of_the_ring_along_curves_is_known() {
    let ends = || [vec![-1.0, 0.0], vec![1.0, 0.0]];
    let [a, b] = ends();
    let line = profile(&ring(), &Curve::line(a, b).unwrap(), 25, true, &()).unwrap();
    assert!((line.line.barrier - 1.0).abs() < 1e-12);
    assert_eq!(line.accuracy, None);
    // The best quadratic curve: mean 2/105, highest 4/81.
    let [a, b] = ends();
    let c = 3.0 / 2f64.sqrt();
    let points = vec![a.into(), vec![0.0, c].into(), b.into()];
    let curve = Curve::new(CurveKind::Bezier, points).unwrap();
    let found = profile(&ring(), &curve, 2001, true, &()).unwrap();
    assert!((found.mean - 2.0 / 105.0).abs() < 1e-6, "{}", found.mean);
    assert!((found.line.barrier - 4.0 / 81.0).abs() < 1e-9);
    // Length of a parabola y = 2t(1−t)c over x = 2t − 1: ∫ √(4 + 4c²(1−2t)²) dt.
    let f = |s: f64| 0.5 * (s * (1.0 + s * s).sqrt() + s.asinh());
    let length = 2.0 * f(c) / c;
    assert!((2.0 * found.stretch - length).abs() < 1e-5, "{length}");
    // A chain along three sides of a rectangle.
    let [a, b] = ends();
    let points = vec![
        a.into(),
        vec![-1.0, 1.0].into(),
        vec![1.0, 1.0].into(),
        b.into(),
    ];
    let chain = Curve::new(CurveKind::Chain, points).unwrap();
    let found = profile(&ring(), &chain, 301, true, &()).unwrap();
    assert!((found.stretch - 2.0).abs() < 1e-12);
    assert!((found.highest - 1.0).abs() < 1e-12);
    // Lengths 1, 2, 1 and means ∫y⁴ = 1/5, ∫x⁴ = 1/5, 1/5.
    assert!((found.mean_by_length - 0.2).abs() < 1e-4);
}

#[test]
fn what_is_no_curve_is_refused() {
    assert!(Curve::new(CurveKind::Bezier, vec![vec![1.0].into()]).is_err());
    assert!(Curve::line(vec![1.0], vec![1.0, 2.0]).is_err());
    let curve = Curve::line(vec![1.0], vec![2.0]).unwrap();
    assert!(profile(&ring(), &curve, 5, true, &()).is_err());
    let curve = Curve::line(vec![1.0, 0.0], vec![2.0, 1.0]).unwrap();
    assert!(profile(&ring(), &curve, 2, true, &()).is_err());
    let token = CancelToken::new();
    token.cancel();
    assert_eq!(
        profile(&ring(), &curve, 5, true, &token).unwrap_err(),
        MathError::Cancelled
    );
}
