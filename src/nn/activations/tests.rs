use super::*;

fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}

/// (φ, φ', φ'') from libm, in forms that keep their relative accuracy.
fn reference(key: &str, x: f64) -> [f64; 3] {
    let sigmoid = |x: f64| 1.0 / (1.0 + libm::exp(-x));
    let s = sigmoid(x);
    let slope = s * sigmoid(-x);
    let difference = -libm::tanh(0.5 * x); // 1 − 2σ
    match key {
        "tanh" => {
            let c = libm::cosh(x);
            let t = libm::tanh(x);
            [t, 1.0 / (c * c), -2.0 * t / (c * c)]
        }
        "relu" => [x.max(0.0), f64::from(u8::from(x > 0.0)), 0.0],
        "gelu" => {
            let cumulative = 0.5 * erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
            let density = libm::exp(-0.5 * x * x) / (2.0 * std::f64::consts::PI).sqrt();
            [
                x * cumulative,
                cumulative + x * density,
                density * (2.0 - x * x),
            ]
        }
        "silu" => [x * s, s + x * slope, slope * (2.0 + x * difference)],
        "sigmoid" => [s, slope, slope * difference],
        "sin" => [libm::sin(x), libm::cos(x), -libm::sin(x)],
        "softplus" => [x.max(0.0) + libm::log1p(libm::exp(-x.abs())), s, slope],
        "identity" => [x, 1.0, 0.0],
        other => panic!("no reference for {other}"),
    }
}

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
fn double_precision_agrees_with_libm() {
    let x = points();
    for activation in ALL {
        let key = activation.choice().key;
        let got = kernels_f64(*activation, &x);
        let mut worst = [0.0f64; 3];
        for (i, x) in x.iter().enumerate() {
            for (k, expected) in reference(key, *x).into_iter().enumerate() {
                // Relative where the function is large or a pure power, absolute
                // where terms of order one cancel.
                let scale = match (k, key) {
                    (0, "sin") | (1 | 2, _) => 1.0,
                    // The reference rounds x/√2 before the exponential.
                    (_, "gelu") => (1.0 + 0.5 * x * x) * expected.abs().max(1e-300),
                    _ => expected.abs().max(1e-300),
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
            let expected = reference(key, f64::from(*x));
            for k in 0..3 {
                let scale = if k == 0 && key != "sin" {
                    expected[k].abs().max(1e-30)
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
