use strum::IntoEnumIterator as _;

use super::curves::line_within;
use super::*;
use crate::curvature::EigenvalueEstimate;
use crate::figure::{Axes, FigureTheme, Layer, SvgOptions, svg};
use crate::math::statistics::Estimate;
use crate::stability::{SpectrumReading, StepReading};

/// A window in which the gradient turns at every step from step 10 on, and λ₁
/// reaches 2/η = 20 there.
fn report() -> StabilityReport {
    let estimate = |value| EigenvalueEstimate {
        value,
        residual: 1e-3,
        converged: true,
    };
    let steps: Vec<StepReading> = (0..21u64)
        .map(|step| {
            let t = step as f64;
            let sign = if step >= 10 && step % 2 == 1 {
                -1.0
            } else {
                1.0
            };
            StepReading {
                step,
                loss: 1.0 / (1.0 + t),
                learning_rate: 0.1,
                threshold: 20.0,
                clip_factor: (step < 20).then_some(1.0),
                clipped_threshold: None,
                gradient_norm: 1.0,
                gradient_along: 0.2 * sign,
                iterate_along: 0.1 * sign,
                gradient_curvature: 10.0 + t,
                update_curvature: (step < 20).then_some(10.0 + t),
                predicted_change: (step < 20).then_some(-0.1),
                actual_change: (step < 20).then_some(if step == 3 { 0.1 } else { -0.1 }),
            }
        })
        .collect();
    let spectra: Vec<SpectrumReading> = (0..=5u64)
        .map(|index| SpectrumReading {
            step: 4 * index,
            eigenvalues: vec![estimate(10.0 + 2.0 * index as f64), estimate(5.0)],
            smallest: Some(estimate(-1.0)),
            scaled_sharpness: 0.1 * (10.0 + 2.0 * index as f64),
            preconditioned: None,
            share: 0.4,
            batch_share: None,
            batch_sharpness: None,
            trace: None,
            products: 9,
        })
        .collect();
    let overlaps = (0..6i32)
        .map(|i| (0..6i32).map(|j| 0.9f64.powi((i - j).abs())).collect())
        .collect();
    StabilityReport {
        from: 0,
        every: 4,
        top: 2,
        chance: 0.05,
        batch_size: 100,
        full_batch: true,
        formula: "2/η".into(),
        is_preconditioned: false,
        overlap_steps: spectra.iter().map(|reading| reading.step).collect(),
        steps,
        spectra,
        overlaps,
        ended: None,
    }
}

fn of(part: StabilityPart, report: &StabilityReport) -> Figure {
    let look = StabilityLook {
        part,
        ..StabilityLook::default()
    };
    figure(&look, Some(report))
}

fn lines(axes: &Axes) -> Vec<(String, Vec<f64>)> {
    axes.layers
        .iter()
        .filter_map(|layer| match layer {
            Layer::Line(line) => Some((line.name.clone().unwrap_or_default(), line.y.to_vec())),
            _ => None,
        })
        .collect()
}

#[test]
fn every_part_is_drawn_whatever_is_known() {
    let nan = StabilityReport {
        steps: vec![StepReading {
            loss: f64::NAN,
            ..report().steps[0].clone()
        }],
        ..report()
    };
    let options = SvgOptions::new(500.0, 400.0).theme(FigureTheme::dark());
    for part in StabilityPart::iter() {
        for report in [&report(), &nan, &StabilityReport::default()] {
            let figure = of(part, report);
            assert!(!figure.description.is_empty());
            assert!(svg::write(&figure, &options).contains("</svg>"));
        }
        let nothing = figure(
            &StabilityLook {
                part,
                ..Default::default()
            },
            None,
        );
        assert!(nothing.description.contains("Nothing"));
    }
}

#[test]
fn the_line_is_the_optimizers_and_the_note_tells_the_values() {
    let figure = of(StabilityPart::Sharpness, &report());
    let axes: Vec<&Axes> = figure.axes().collect();
    let names: Vec<String> = lines(axes[0]).into_iter().map(|line| line.0).collect();
    assert_eq!(names, ["λ₁", "λ₂", "λₘᵢₙ", "2/η"]);
    let note = axes[0].note.as_ref().unwrap();
    for text in ["λ₁ = 20 ± 0.001", "2/η = 20", "η·λ₁ = 2"] {
        assert!(note.contains(text), "{note}");
    }
    // Descent goes along the gradient: one line for both.
    assert_eq!(lines(axes[1])[0].0, "gradient and update");

    // A line that is far above everything would press it flat.
    let mut far = report();
    for step in &mut far.steps {
        step.threshold = 500.0;
    }
    let figure = of(StabilityPart::Sharpness, &far);
    assert!(
        figure
            .axes()
            .all(|axes| lines(axes).iter().all(|line| line.0 != "2/η"))
    );
}

#[test]
fn an_adaptive_optimizer_has_its_line_at_the_preconditioned_sharpness() {
    let mut adam = report();
    adam.is_preconditioned = true;
    adam.formula = "38/η".into();
    for reading in &mut adam.spectra {
        reading.preconditioned = Some(EigenvalueEstimate {
            value: 400.0,
            residual: 0.1,
            converged: false,
        });
    }
    for step in &mut adam.steps {
        step.threshold = 380.0;
    }
    let figure = of(StabilityPart::Sharpness, &adam);
    let axes: Vec<&Axes> = figure.axes().collect();
    assert_eq!(axes.len(), 3);
    assert_eq!(lines(axes[0])[1].0, "38/η");
    assert!(lines(axes[1]).iter().all(|line| line.0 != "38/η"));
    assert!(axes[0].note.as_ref().unwrap().contains("not converged"));
    // The description compares like with like.
    let text = &figure.description;
    assert!(
        text.contains("preconditioned Hessian is 400 (not converged)"),
        "{text}"
    );
    assert!(text.contains("threshold 38/η is 380"), "{text}");
    // η·λ₁(P⁻¹H) = 40 against 38, also where λ₁ is 0.
    for reading in &mut adam.spectra {
        reading.eigenvalues[0].value = 0.0;
        reading.scaled_sharpness = 0.0;
    }
    let figure = of(StabilityPart::Oscillation, &adam);
    let scaled = figure.axes().nth(2).unwrap();
    assert!((lines(scaled)[0].1[0] - 40.0).abs() < 1e-9);
    assert!((lines(scaled)[1].1[0] - 38.0).abs() < 1e-9);
}

#[test]
fn the_oscillation_counts_the_signs_that_turn() {
    let report = report();
    // From 10 to 11, …, from 19 to 20.
    assert_eq!(flips(&report), Some(0.5));
    assert_eq!(flips(&StabilityReport::default()), None);
    let figure = of(StabilityPart::Oscillation, &report);
    let note = figure.axes().next().unwrap().note.clone().unwrap();
    assert!(note.contains("50 %"), "{note}");
}

#[test]
fn shares_have_the_chance_level_and_batches_where_there_are_some() {
    let mut report = report();
    let names = |report: &StabilityReport| -> Vec<String> {
        let figure = of(StabilityPart::Share, report);
        let axes = figure.axes().next().unwrap();
        lines(axes).into_iter().map(|line| line.0).collect()
    };
    assert_eq!(names(&report), ["all samples", "a random direction"]);
    report.full_batch = false;
    for reading in &mut report.spectra {
        reading.batch_share = Some(0.7);
        reading.batch_sharpness = Some(Estimate {
            value: 12.0,
            stderr: 1.0,
        });
    }
    assert_eq!(names(&report)[0], "batch of 100");
    let figure = of(StabilityPart::Sharpness, &report);
    let along = figure.axes().nth(1).unwrap();
    assert!(
        lines(along)
            .iter()
            .any(|line| line.0.starts_with("batch sharpness"))
    );
}

#[test]
fn overlaps_are_a_map_with_steps_on_both_axes() {
    let figure = of(StabilityPart::Overlap, &report());
    let axes = figure.axes().next().unwrap();
    let Layer::Heatmap(map) = &axes.layers[0] else {
        panic!("{:?}", axes.layers);
    };
    assert_eq!((map.columns(), map.rows()), (6, 6));
    assert_eq!(map.value_at(8.0, 8.0), Some(1.0));
    assert!((map.value_at(0.0, 20.0).unwrap() - 0.9f64.powi(5)).abs() < 1e-12);
    assert!(axes.note.as_ref().unwrap().contains("0.9"));
}

#[test]
fn the_prediction_names_its_error_and_the_rises() {
    let figure = of(StabilityPart::Prediction, &report());
    let note = figure.axes().next().unwrap().note.clone().unwrap();
    // One of twenty is wrong, by 0.2.
    assert!(
        note.contains("mean error 0.01") && note.contains("5 %"),
        "{note}"
    );
}

#[test]
fn an_early_end_is_told() {
    let mut report = report();
    report.ended = Some("the run ends at step 20".into());
    for part in StabilityPart::iter() {
        for single in [false, true] {
            let look = StabilityLook {
                part,
                single,
                ..StabilityLook::default()
            };
            let figure = figure(&look, Some(&report));
            let note = figure.axes().next().unwrap().note.clone().unwrap();
            assert!(note.contains("ends at step 20"), "{part}: {note}");
        }
    }
}

#[test]
fn a_line_is_drawn_where_it_is_near_and_broken_elsewhere() {
    let x: Vec<f64> = (0..6).map(f64::from).collect();
    // A warm-up, a piece that holds, and a learning rate that goes to zero.
    let line = [10_010.0, 40.0, 20.0, 20.0, 1e7, f64::INFINITY];
    let (place, value) = line_within(&x, &line, 50.0).unwrap();
    assert_eq!(place, [0.0, 1.0, 2.0, 2.0, 3.0, 4.0, 4.0, 5.0]);
    assert_eq!(value[1..6], [40.0, 40.0, 20.0, 20.0, 20.0]);
    assert!(value[0].is_nan() && value[6].is_nan() && value[7].is_nan());
    assert!(line_within(&x, &line, 10.0).is_none());
    let mut axes = Axes::new(crate::views::step_axis(), crate::figure::Axis::new("λ"));
    assert!(threshold_line(&mut axes, &x, &line, 10.0, dashed(), "2/η"));
    let drawn = &lines(&axes)[0].1;
    let top = drawn.iter().copied().filter(|y| y.is_finite());
    assert_eq!(top.fold(0.0, f64::max), 40.0);
    assert!(!threshold_line(&mut axes, &x, &line, 3.0, dashed(), "2/η"));
    assert_eq!(last_finite(&line), Some(1e7));
    assert_eq!(last_finite(&[f64::NAN]), None);
}

#[test]
fn clipped_steps_have_a_line_of_their_own() {
    let mut clipped = report();
    // By turns to a third and to a half of η.
    for (t, step) in clipped.steps.iter_mut().take(6).enumerate() {
        let factor = [1.0 / 3.0, 0.5][t % 2];
        (step.clip_factor, step.clipped_threshold) = (Some(factor), Some(20.0 / factor));
    }
    let figure = of(StabilityPart::Sharpness, &clipped);
    let axes: Vec<&Axes> = figure.axes().collect();
    let found = lines(axes[0]);
    let (name, values) = found.last().unwrap();
    assert_eq!(name, "2/η, clipped");
    // λ = 50: (1 − 5/3)(1 − 5/2) = 1. Then half a pair, then none.
    assert!(values[..5].iter().all(|y| (y - 50.0).abs() < 1e-9));
    assert!(values.contains(&30.0) && values.last().unwrap().is_nan());
    let note = axes[0].note.as_ref().unwrap();
    assert!(
        note.contains("clipped at 30 % of the steps, down to 0.33·η"),
        "{note}"
    );
    assert!(figure.description.contains("clipped at 30 %"));
    // η·50 = 5 instead of 2.
    let figure = of(StabilityPart::Oscillation, &clipped);
    let found = lines(figure.axes().nth(2).unwrap());
    assert_eq!(found[2].0, "stable up to, clipped");
    assert!((found[2].1[0] - 5.0).abs() < 1e-9);
    let plain = of(StabilityPart::Sharpness, &report());
    assert!(!plain.description.contains("clipped"));
    // Where all of a window is clipped, so is its end.
    for step in clipped.steps.iter_mut().take(20) {
        (step.clip_factor, step.clipped_threshold) = (Some(0.5), Some(40.0));
    }
    let figure = of(StabilityPart::Sharpness, &clipped);
    let values = lines(figure.axes().next().unwrap()).pop().unwrap().1;
    assert!(values.iter().all(|y| *y == 40.0), "{values:?}");
}

/// The places of the rings.
fn rings_of(axes: &Axes) -> Vec<f64> {
    axes.layers
        .iter()
        .filter_map(|layer| match layer {
            Layer::Scatter(rings) => Some(rings.x.to_vec()),
            _ => None,
        })
        .flatten()
        .collect()
}

#[test]
fn what_did_not_converge_has_open_rings() {
    let mut open = report();
    // Of the measurements at 0, 4, 8, …
    open.spectra[1].eigenvalues[0].converged = false;
    let rings = |part, report: &StabilityReport| rings_of(of(part, report).axes().next().unwrap());
    assert_eq!(rings(StabilityPart::Sharpness, &open), [4.0]);
    assert_eq!(rings(StabilityPart::Share, &open), [4.0]);
    assert_eq!(rings(StabilityPart::Overlap, &open), [4.0]);
    // Between two measurements the vector is one between both.
    let around: Vec<f64> = (1..8).map(f64::from).collect();
    assert_eq!(rings(StabilityPart::Oscillation, &open), around);
    for part in StabilityPart::iter() {
        assert_eq!(rings(part, &report()), [0.0; 0], "{part}");
    }
    let figure = of(StabilityPart::Oscillation, &open);
    let iterate = figure.axes().nth(1).unwrap();
    assert_eq!(rings_of(iterate), [0.0; 0]);
    open.spectra[0].eigenvalues[0].converged = false;
    let figure = of(StabilityPart::Oscillation, &open);
    assert_eq!(rings_of(figure.axes().nth(1).unwrap()).len(), 21);
}
