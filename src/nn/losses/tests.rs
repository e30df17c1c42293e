use candle_core::{Device, Tensor};

use super::*;

fn all() -> Vec<Arc<dyn Loss>> {
    variants().iter().map(|loss| build(loss).unwrap()).collect()
}

const N: usize = 67;
const LABELS: [u32; N] = {
    let mut labels = [0; N];
    let mut i = 0;
    while i < N {
        labels[i] = (i * 7 % 3) as u32;
        i += 1;
    }
    labels
};

fn outputs(width: usize) -> Vec<f64> {
    (0..width * N)
        .map(|i| 3.0 * (1.7 * i as f64 + 0.3).sin())
        .collect()
}

#[test]
fn values_agree_with_the_formulas() {
    let outputs = outputs(3);
    for component in variants() {
        let loss = build(&component).unwrap();
        let oracle = find(&component.kind).unwrap().oracle;
        let batch = LossBatch {
            outputs: &outputs,
            targets: TargetSlice::Classes(&LABELS),
            samples: N,
        };
        let mut losses = [0.0; N];
        loss.losses_f64(batch, &mut losses);
        for s in 0..N {
            let f = [outputs[s], outputs[N + s], outputs[2 * N + s]];
            let y = [0, 1, 2].map(|k| f64::from(u8::from(LABELS[s] == k)));
            let row = |numbers: &[f64]| Tensor::from_slice(numbers, (1, 3), &Device::Cpu).unwrap();
            let expected = oracle(&component, &row(&f), &row(&y)).unwrap();
            let expected: f64 = expected.sum_all().unwrap().to_scalar().unwrap();
            assert!(
                (losses[s] - expected).abs() < 1e-13 * (1.0 + expected),
                "{loss:?}"
            );
        }
        let outputs: Vec<f32> = outputs.iter().map(|f| *f as f32).collect();
        let batch = LossBatch {
            outputs: &outputs,
            targets: TargetSlice::Classes(&LABELS),
            samples: N,
        };
        let mut single = [0.0; N];
        loss.losses_f32(batch, &mut single);
        for (single, double) in single.iter().zip(&losses) {
            assert!((f64::from(*single) - double).abs() < 3e-6 * (1.0 + double));
        }
    }
}

#[test]
fn gradients_and_hessians_agree_with_central_differences() {
    let f = outputs(3);
    let direction: Vec<f64> = (0..f.len()).map(|i| (0.9 * i as f64).cos()).collect();
    fn batch(outputs: &[f64]) -> LossBatch<'_, f64> {
        LossBatch {
            outputs,
            targets: TargetSlice::Classes(&LABELS),
            samples: N,
        }
    }
    let h = 1e-5;
    for loss in all() {
        let mut gradient = vec![0.0; f.len()];
        loss.gradient_f64(batch(&f), 0.25, &mut gradient);
        let mut product = vec![0.0; f.len()];
        loss.hessian_product_f64(batch(&f), 0.25, &direction, &mut product);
        let moved = |sign: f64| -> Vec<f64> {
            f.iter()
                .zip(&direction)
                .map(|(f, d)| f + sign * h * d)
                .collect()
        };
        let (mut up, mut down) = ([0.0; N], [0.0; N]);
        loss.losses_f64(batch(&moved(1.0)), &mut up);
        loss.losses_f64(batch(&moved(-1.0)), &mut down);
        for s in 0..N {
            let slope: f64 = (0..3)
                .map(|k| gradient[k * N + s] * direction[k * N + s])
                .sum();
            let difference = 0.25 * (up[s] - down[s]) / (2.0 * h);
            assert!((slope - difference).abs() < 1e-8, "{loss:?}");
        }
        let (mut up, mut down) = (gradient.clone(), gradient.clone());
        loss.gradient_f64(batch(&moved(1.0)), 0.25, &mut up);
        loss.gradient_f64(batch(&moved(-1.0)), 0.25, &mut down);
        for i in 0..f.len() {
            let difference = (up[i] - down[i]) / (2.0 * h);
            assert!((product[i] - difference).abs() < 1e-8, "{loss:?}");
        }
    }
}

#[test]
fn large_logits_stay_finite() {
    let outputs = [800.0, -800.0, 0.0, 0.0];
    let labels = [0, 1];
    for key in ["cross_entropy", "binary_cross_entropy"] {
        let loss = build(&Component::new(key)).unwrap();
        let batch = LossBatch {
            outputs: &outputs,
            targets: TargetSlice::Classes(&labels),
            samples: 2,
        };
        let mut losses = [0.0; 2];
        loss.losses_f64(batch, &mut losses);
        assert!(losses.iter().all(|loss| loss.is_finite()), "{losses:?}");
        assert!(losses[0] < 1.0);
        let mut gradient = [0.0; 4];
        loss.gradient_f64(batch, 1.0, &mut gradient);
        assert!(gradient.iter().all(|g| g.is_finite()));
    }
}

#[test]
fn a_not_a_number_reaches_the_loss() {
    let outputs = [1.0, f64::NAN, f64::NAN, 2.0];
    for loss in all() {
        let batch = LossBatch {
            outputs: &outputs,
            targets: TargetSlice::Classes(&[0, 1]),
            samples: 2,
        };
        let mut losses = [0.0; 2];
        loss.losses_f64(batch, &mut losses);
        assert!(
            losses.iter().all(|loss| loss.is_nan()),
            "{loss:?} {losses:?}"
        );
    }
}

#[test]
fn outputs_follow_from_loss_and_targets() {
    let classes = |n: usize| Targets::Classes {
        labels: vec![0],
        names: (0..n).map(|k| k.to_string()).collect(),
    };
    let values = Targets::Values {
        values: vec![0.5, 2.0],
        dims: 2,
    };
    let [cross, square, binary, huber] = [
        "cross_entropy",
        "mean_squared_error",
        "binary_cross_entropy",
        "huber",
    ]
    .map(|key| build(&find(key).unwrap().kind.defaults(&[])).unwrap());
    assert_eq!(cross.outputs(&classes(2)), Ok(2));
    assert!(
        cross
            .outputs(&values)
            .unwrap_err()
            .to_string()
            .contains("classes")
    );
    assert_eq!(square.outputs(&classes(3)), Ok(3));
    assert_eq!(square.outputs(&values), Ok(2));
    assert_eq!(huber.outputs(&values), Ok(2));
    assert_eq!(binary.outputs(&classes(2)), Ok(1));
    assert_eq!(binary.outputs(&classes(3)), Ok(3));
    assert!(
        binary
            .outputs(&values)
            .unwrap_err()
            .to_string()
            .contains("0 to 1")
    );
    let unknown = build(&Component::new("hinge")).unwrap_err();
    assert!(
        unknown
            .to_string()
            .contains("expected one of cross_entropy")
    );
}

#[test]
fn accuracy_counts_the_largest_output() {
    let batch = LossBatch {
        outputs: &[1.0f32, 0.0, 3.0, 2.0, 5.0, 3.0],
        targets: TargetSlice::Classes(&[1, 1, 0]),
        samples: 3,
    };
    assert_eq!(correct(batch), Some(3));
    let single = LossBatch {
        outputs: &[1.0f32, -1.0, 3.0],
        targets: TargetSlice::Classes(&[1, 1, 0]),
        samples: 3,
    };
    assert_eq!(correct(single), Some(1));
    let regression = LossBatch {
        outputs: &[1.0f32],
        targets: TargetSlice::Values(&[1.0]),
        samples: 1,
    };
    assert_eq!(correct(regression), None);
}
