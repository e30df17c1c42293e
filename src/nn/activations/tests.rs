use super::*;

fn points() -> Vec<f64> {
    let mut points: Vec<f64> = (-6000..=6000).map(|i| f64::from(i) * 2.03e-3).collect();
    points.extend((-400..=400).map(|i| f64::from(i) * 1e-5));
    points.extend([1e-12, -1e-12, 1e-300, -1e-300, 0.0, -0.0, 19.9, -19.9, 30.0]);
    points
}

/// (φ, φ', φ'') by the slice kernels; φ'' through `curvature` with dy = 1.
fn kernels_f64(activation: &dyn Activation, x: &[f64]) -> [Vec<f64>; 3] {
    let mut y = vec![0.0; x.len()];
    activation.value_f64(x, &mut y);
    let ones = vec![1.0; x.len()];
    let (mut first, mut second) = (y.clone(), y.clone());
    activation.curvature_f64(x, &ones, &mut first, &mut second);
    let mut slope = y.clone();
    activation.backward_f64(x, &y, &ones, Write::Overwrite, &mut slope);
    for (slope, first) in slope.iter().zip(&first) {
        assert!((slope - first).abs() <= 1e-15, "{slope} {first}");
    }
    [y, first, second]
}

#[test]
fn odd_functions_are_those_that_say_so() {
    for activation in ALL {
        let odd = points().iter().all(|x| {
            let [plus, minus] = [*x, -x].map(|x| activation.reference(x)[0]);
            (plus + minus).abs() <= 1e-15 * (1.0 + plus.abs())
        });
        assert_eq!(odd, activation.odd(), "{}", activation.choice().key);
    }
}

#[test]
fn double_precision_agrees_with_libm() {
    let x = points();
    for activation in ALL {
        let key = activation.choice().key;
        let got = kernels_f64(*activation, &x);
        let mut worst = [0.0f64; 3];
        for (i, x) in x.iter().enumerate() {
            for (k, expected) in activation.reference(*x).into_iter().enumerate() {
                // In the derivatives terms of order one cancel.
                let scale = if k == 0 {
                    activation.scale(*x, expected)
                } else {
                    1.0
                };
                worst[k] = worst[k].max((got[k][i] - expected).abs() / scale);
            }
        }
        assert!(
            worst[0] < 2e-15 && worst[1] < 2e-15 && worst[2] < 2e-15,
            "{key}: {worst:?}"
        );
    }
}

#[test]
fn single_precision_agrees_with_libm() {
    let x: Vec<f32> = points().iter().map(|x| *x as f32).collect();
    for activation in ALL {
        let key = activation.choice().key;
        let mut y = vec![0.0f32; x.len()];
        activation.value_f32(&x, &mut y);
        let ones = vec![1.0f32; x.len()];
        let (mut first, mut second) = (y.clone(), y.clone());
        activation.curvature_f32(&x, &ones, &mut first, &mut second);
        let mut worst = [0.0f64; 3];
        for (i, x) in x.iter().enumerate() {
            let got = [y[i], first[i], second[i]];
            let expected = activation.reference(f64::from(*x));
            for k in 0..3 {
                let scale = if k == 0 {
                    activation.scale(f64::from(*x), expected[k]).max(1e-30)
                } else {
                    1.0
                };
                worst[k] = worst[k].max((f64::from(got[k]) - expected[k]).abs() / scale);
            }
        }
        assert!(
            worst[0] < 3e-7 && worst[1] < 4e-7 && worst[2] < 6e-7,
            "{key}: {worst:?}"
        );
    }
}

#[test]
fn every_lane_computes_the_same_number() {
    let x: Vec<f32> = (0..67).map(|i| i as f32 * 0.17 - 5.0).collect();
    let x64: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
    for activation in ALL {
        let mut whole = vec![0.0; x.len()];
        activation.value_f32(&x, &mut whole);
        let mut whole64 = vec![0.0; x.len()];
        activation.value_f64(&x64, &mut whole64);
        for i in 0..x.len() {
            let mut one = [0.0];
            activation.value_f32(&x[i..=i], &mut one);
            assert_eq!(one[0].to_bits(), whole[i].to_bits());
            let mut one = [0.0];
            activation.value_f64(&x64[i..=i], &mut one);
            assert_eq!(one[0].to_bits(), whole64[i].to_bits());
        }
    }
}

#[test]
fn not_a_number_stays_visible() {
    for activation in ALL {
        let mut y = [0.0f32; 17];
        activation.value_f32(&[f32::NAN; 17], &mut y);
        assert!(y.iter().all(|y| y.is_nan()), "{activation:?}");
        let mut y = [0.0f64; 17];
        activation.value_f64(&[f64::NAN; 17], &mut y);
        assert!(y.iter().all(|y| y.is_nan()), "{activation:?}");
    }
}

#[test]
fn relu_has_slope_zero_at_zero() {
    let mut slope = [9.0f64; 3];
    let x = [-1.0, 0.0, 2.0];
    find("relu")
        .unwrap()
        .backward_f64(&x, &x, &[5.0; 3], Write::Overwrite, &mut slope);
    assert_eq!(slope, [0.0, 0.0, 5.0]);
}

#[test]
fn the_registry_and_the_choices_agree() {
    assert_eq!(ALL.len(), CHOICES.len());
    for (activation, choice) in ALL.iter().zip(CHOICES) {
        assert_eq!(activation.choice().key, choice.key);
        assert!(find(choice.key).is_some());
    }
    assert!(find("swish").is_none());
}
