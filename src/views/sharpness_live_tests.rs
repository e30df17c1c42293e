//! Tests of the eigenvalues over the steps.

use super::*;
use crate::curvature::Estimate;
use crate::figure::Layer;
use crate::train::optimizers;
use crate::train::testing::optimizer;

fn estimate(value: f64) -> EigenvalueEstimate {
    EigenvalueEstimate {
        value,
        residual: 0.01,
        converged: true,
    }
}

fn stability(kind: &str, rate: f64) -> Stability {
    let component = optimizer(kind, rate);
    optimizers::build(&component, 3).unwrap().stability(rate)
}

fn point(step: u64, value: f64, stability: Stability) -> SpectrumPoint {
    SpectrumPoint {
        step,
        eigenvalues: vec![estimate(value), estimate(0.5 * value)],
        smallest: vec![estimate(-0.25)],
        preconditioned: stability.preconditioned.then(|| estimate(100.0 * value)),
        batch_sharpness: None,
        learning_rate: 0.1,
        stability,
    }
}

/// λ₁ = step/25 under 2/η = 20, from step 250 on under 10.
fn points() -> Chunked<SpectrumPoint> {
    (0..20)
        .map(|i| {
            let rate = if i < 10 { 0.1 } else { 0.2 };
            point(25 * i, i as f64, stability("sgd", rate))
        })
        .collect()
}

fn data<'a>(points: &'a Chunked<SpectrumPoint>, stability: &'a Stability) -> LiveData<'a> {
    LiveData {
        key: 1,
        points,
        stability: Some(stability),
        steps: (0, 480),
        steps_per_epoch: 1,
        load: None,
    }
}

fn drawn(settings: &LiveSettings, data: &LiveData<'_>) -> Axes {
    let mut live = LiveCurves::default();
    live.follow(settings, data);
    live.axes(None, 1000)
}

fn line(axes: &Axes, name: &str) -> Option<Line> {
    axes.layers.iter().find_map(|layer| match layer {
        Layer::Line(line) if line.name.as_deref() == Some(name) => Some(line.clone()),
        _ => None,
    })
}

#[test]
fn eigenvalues_have_their_residuals_and_the_line_above_them() {
    let (points, now) = (points(), stability("sgd", 0.2));
    let axes = drawn(&LiveSettings::default(), &data(&points, &now));
    let last = |name: &str| line(&axes, name).unwrap().y.last().copied();
    assert_eq!(last("λ₁"), Some(19.0));
    assert_eq!(last("λ₂"), Some(9.5));
    assert_eq!(last("λₘᵢₙ"), Some(-0.25));
    let band = |layer: &Layer| matches!(layer, Layer::Band(band) if band.upper[3] == 3.01);
    assert!(axes.layers.iter().any(band));
    let threshold = line(&axes, "2/η").unwrap();
    assert_eq!(&threshold.x[..], [0.0, 250.0, 250.0, 480.0]);
    assert_eq!(&threshold.y[..], [20.0, 20.0, 10.0, 10.0]);
    let note = axes.note.unwrap();
    assert!(note.contains("λ₁ = 19 ± 0.01 at step 475"), "{note}");
    assert!(note.contains("η·λ₁ = 3.8 of 2"), "{note}");
}

#[test]
fn moving_the_learning_rate_moves_the_end_of_the_line_at_once() {
    let (points, now) = (points(), stability("sgd", 0.05));
    let axes = drawn(&LiveSettings::default(), &data(&points, &now));
    let threshold = line(&axes, "2/η").unwrap();
    assert_eq!(threshold.y.last().copied(), Some(40.0));
    assert!(axes.note.unwrap().contains("η·λ₁ = 0.95 of 2"));
}

#[test]
fn a_line_far_above_is_only_named() {
    let now = stability("sgd", 0.001);
    let points: Chunked<SpectrumPoint> = (0..9).map(|i| point(i, 2.0, now.clone())).collect();
    let linear = drawn(&LiveSettings::default(), &data(&points, &now));
    assert!(line(&linear, "2/η").is_none());
    assert!(linear.note.unwrap().contains("η·λ₁ = 0.002 of 2"));
    for settings in [
        LiveSettings {
            log: true,
            ..LiveSettings::default()
        },
        LiveSettings {
            relative: true,
            ..LiveSettings::default()
        },
    ] {
        assert!(line(&drawn(&settings, &data(&points, &now)), "2/η").is_some());
    }
}

#[test]
fn relative_to_the_line_every_value_is_divided_by_its_own() {
    let (points, now) = (points(), stability("sgd", 0.2));
    let settings = LiveSettings {
        relative: true,
        ..LiveSettings::default()
    };
    let axes = drawn(&settings, &data(&points, &now));
    let top = line(&axes, "λ₁").unwrap();
    assert!((top.y[9] - 9.0 / 20.0).abs() < 1e-12);
    assert!((top.y[10] - 10.0 / 10.0).abs() < 1e-12);
    let threshold = line(&axes, "2/η").unwrap();
    assert!(threshold.y.iter().all(|y| *y == 1.0));
}

#[test]
fn an_adaptive_optimizer_is_judged_by_the_preconditioned_hessian() {
    let now = stability("adam", 0.01);
    let points: Chunked<SpectrumPoint> = (0..9).map(|i| point(i, 20.0, now.clone())).collect();
    // 2000 of 38/0.01: pressed flat, so named only, until one asks for it.
    let plain = drawn(&LiveSettings::default(), &data(&points, &now));
    assert!(line(&plain, "λ₁").is_some() && line(&plain, PRECONDITIONED).is_none());
    let note = plain.note.unwrap();
    assert!(note.contains("η·λ₁(P⁻¹H) = 20 of 38"), "{note}");
    let settings = LiveSettings {
        relative: true,
        ..LiveSettings::default()
    };
    let axes = drawn(&settings, &data(&points, &now));
    let curve = line(&axes, PRECONDITIONED).unwrap();
    assert!((curve.y[3] - 2000.0 / 3800.0).abs() < 1e-9);
    assert!(line(&axes, "λ₁").is_none());
    assert!(line(&axes, &now.formula()).is_some());
}

#[test]
fn what_did_not_converge_is_open_and_said_so() {
    let now = stability("sgd", 0.1);
    let mut all: Vec<SpectrumPoint> = points().iter().cloned().collect();
    for index in [4, 19] {
        all[index].eigenvalues[0].converged = false;
        all[index].eigenvalues[0].residual = 3.0;
    }
    let points: Chunked<SpectrumPoint> = all.into_iter().collect();
    let axes = drawn(&LiveSettings::default(), &data(&points, &now));
    let ring = axes.layers.iter().find_map(|layer| match layer {
        Layer::Scatter(scatter) if scatter.marker == Marker::Ring => Some(scatter.clone()),
        _ => None,
    });
    let ring = ring.unwrap();
    assert_eq!(&ring.x[..], [100.0, 475.0]);
    assert_eq!(ring.name.as_deref(), Some("not converged"));
    assert!(axes.note.unwrap().contains("not converged"));
    assert!(describe(&data(&points, &now)).contains("not converged"));
    let table = table(&points);
    assert_eq!(table.rows.len(), 60);
    assert_eq!(table.rows[12][4], Cell::Text("no".to_owned()));
}

#[test]
fn a_million_measurements_are_a_few_points_and_keep_their_spike() {
    let now = stability("sgd", 0.1);
    let mut points: Chunked<SpectrumPoint> = Chunked::new();
    let mut live = LiveCurves::default();
    let mut axes = Axes::default();
    for step in 0..40_000 {
        let value = if step == 17_123 { 15.0 } else { 5.0 };
        points.push(point(step, value, now.clone()));
        if step % 4999 == 0 {
            // As it grows.
            live.follow(&LiveSettings::default(), &data(&points, &now));
            axes = live.axes(None, 200);
        }
    }
    let curve = line(&axes, "λ₁").unwrap();
    assert!(curve.y.len() <= 4 * 202);
    assert!(curve.y.contains(&15.0));
    // Taken back and measured anew.
    points.truncate(10);
    points.push(point(30, 7.0, now.clone()));
    live.follow(&LiveSettings::default(), &data(&points, &now));
    let axes = live.axes(None, 200);
    assert_eq!(line(&axes, "λ₁").unwrap().y.len(), 11);
}

#[test]
fn batch_sharpness_stands_against_the_line() {
    let now = stability("sgd", 0.1);
    let points: Chunked<SpectrumPoint> = (0..9)
        .map(|i| SpectrumPoint {
            batch_sharpness: Some(Estimate {
                value: 18.0,
                stderr: 1.0,
            }),
            ..point(i, 12.0, now.clone())
        })
        .collect();
    let axes = drawn(&LiveSettings::default(), &data(&points, &now));
    assert_eq!(line(&axes, "batch sharpness").unwrap().y[0], 18.0);
    assert!(axes.note.unwrap().contains("batch sharpness 18 ± 1"));
}

#[test]
fn how_often_is_said_in_words() {
    let load = |share, every| MonitorLoad { share, every };
    assert_eq!(cadence(load(0.12, 1.0)), "every step (12 % of the time)");
    assert_eq!(
        cadence(load(0.3, 7.2)),
        "every ~7.2 steps (30 % of the time)"
    );
}

#[test]
fn nothing_yet_is_an_empty_figure() {
    let (points, now) = (Chunked::new(), stability("sgd", 0.1));
    let axes = drawn(&LiveSettings::default(), &data(&points, &now));
    assert!(line(&axes, "λ₁").is_none() && axes.note.is_none());
    assert!(describe(&data(&points, &now)).starts_with("No eigenvalue"));
}
