use super::conv::{self, ConvGeometry};
use super::elementwise::{axpy, displace, product, put, two_products};
use super::layer_norm::{self, NormGeometry};
use super::matrix::{Matrix, Write, multiply, multiply_into, row_sums};
use super::pool::{self, PoolGeometry};
use super::{Scalar, View, dense, flatten, to_channels, to_samples, unflatten};

fn numbers(count: usize, phase: f64) -> Vec<f64> {
    (0..count).map(|i| (1.3 * i as f64 + phase).sin()).collect()
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs() / expected.abs().max(1.0);
        assert!(error < 1e-12, "{found} {expected}");
    }
}

/// The elementary functions, with and without fused multiply-adds.
fn check_elementary<const FMA: bool>() {
    let relative = |found: f64, expected: f64, tolerance: f64| {
        let error = (found - expected).abs() / expected.abs().max(1e-300);
        assert!(error < tolerance, "{found} {expected}: {error:e}");
    };
    for i in 0..20000 {
        let x = -0.03 * f64::from(i);
        relative(x.exp_nonpositive::<FMA>(), libm::exp(x), 1e-15);
        let x = f64::from(i) * 1.7e-3 - 17.0;
        relative(Scalar::tanh::<FMA>(x), libm::tanh(x), 2e-15);
        let x = f64::from(i) * 0.01 + 1e-3;
        let error = (Scalar::ln::<FMA>(x) - libm::log(x)).abs();
        assert!(error < 1e-15 * libm::log(x).abs().max(1.0));
        let x = f64::from(i) / 19999.0;
        relative(x.ln_1p_unit::<FMA>(), libm::log1p(x), 1e-15);
        let x = f64::from(i) * 0.7 - 7000.0;
        let (sine, cosine) = Scalar::sin_cos::<FMA>(x);
        assert!((sine - libm::sin(x)).abs() < 5e-16);
        assert!((cosine - libm::cos(x)).abs() < 5e-16);
        let x = f64::from(i) * 5e-4;
        let (tail, ..) = x.normal_tail::<FMA>();
        let expected = 0.5 * libm::erfc(x * std::f64::consts::FRAC_1_SQRT_2);
        relative(tail, expected, 1e-15 * (2.0 + x * x));

        let x = -4e-3 * i as f32;
        let expected = libm::exp(f64::from(x));
        relative(f64::from(x.exp_nonpositive::<FMA>()), expected, 2e-7);
        let x = i as f32 * 1e-3 - 10.0;
        let expected = libm::tanh(f64::from(x));
        relative(f64::from(Scalar::tanh::<FMA>(x)), expected, 3e-7);
        let x = i as f32 * 0.01 + 1e-3;
        let expected = libm::log(f64::from(x));
        assert!(
            (f64::from(Scalar::ln::<FMA>(x)) - expected).abs() < 2e-7 * expected.abs().max(1.0)
        );
        let x = i as f32 * 5e-4;
        let (tail, ..) = x.normal_tail::<FMA>();
        let expected = 0.5 * libm::erfc(f64::from(x) * std::f64::consts::FRAC_1_SQRT_2);
        relative(f64::from(tail), expected, 5e-7);
    }
    assert!(Scalar::ln::<FMA>(f64::NAN).is_nan() && Scalar::ln::<FMA>(f32::NAN).is_nan());
    // Very large arguments stay bounded.
    assert!(Scalar::sin_cos::<FMA>(1e300f64).0.abs() < 2.0);
}

#[test]
fn elementary_functions_agree_with_libm() {
    check_elementary::<true>();
    check_elementary::<false>();
}

#[test]
fn products_agree_with_the_definition() {
    for (m, n, k) in [(3, 5, 4), (7, 2, 40), (1, 70, 3), (20, 33, 65), (4, 4, 1)] {
        let (a, b) = (numbers(m * k, 0.1), numbers(k * n, 0.7));
        let expected: Vec<f64> = (0..m * n)
            .map(|ij| (0..k).map(|l| a[ij / n * k + l] * b[l * n + ij % n]).sum())
            .collect();
        let mut c = numbers(m * n, 0.3);
        let sum: Vec<f64> = c.iter().zip(&expected).map(|(c, e)| c + e).collect();
        multiply(
            (m, n, k),
            &mut c,
            Write::Accumulate,
            Matrix::rows(&a, k),
            Matrix::rows(&b, n),
        );
        assert_close(&c, &sum);
        // Into a wider matrix, whose other columns stay.
        let mut wide = vec![9.0; m * (n + 2)];
        let (lhs, rhs) = (Matrix::rows(&a, k), Matrix::rows(&b, n));
        multiply_into((m, n, k), (&mut wide, n + 2), Write::Overwrite, lhs, rhs);
        for (wide, expected) in wide.chunks(n + 2).zip(expected.chunks(n)) {
            assert_close(&wide[..n], expected);
            assert_eq!(wide[n..], [9.0, 9.0]);
        }
    }
}

#[test]
#[should_panic(expected = "covers")]
fn a_matrix_beyond_its_slice_is_refused() {
    let a = [0.0; 5];
    let mut c = [0.0; 4];
    let (lhs, rhs) = (Matrix::rows(&a, 3), Matrix::rows(&a, 2));
    multiply((2, 2, 3), &mut c, Write::Overwrite, lhs, rhs);
}

#[test]
fn elementwise_loops_do_what_they_say() {
    let (x, z) = (numbers(37, 0.2), numbers(37, 0.9));
    let mut y = numbers(37, 0.5);
    let start = y.clone();
    axpy(0.5, &x, &mut y);
    let at = |i: usize| (x[i], z[i], start[i]);
    let expect = |f: &dyn Fn(f64, f64, f64) -> f64| -> Vec<f64> {
        (0..37)
            .map(|i| {
                let (x, z, s) = at(i);
                f(x, z, s)
            })
            .collect()
    };
    assert_close(&y, &expect(&|x, _, s| s + 0.5 * x));
    product(&x, &z, Write::Overwrite, &mut y);
    assert_close(&y, &expect(&|x, z, _| x * z));
    product(&x, &z, Write::Accumulate, &mut y);
    assert_close(&y, &expect(&|x, z, _| 2.0 * x * z));
    two_products((&x, &x), (&z, &z), Write::Overwrite, &mut y);
    assert_close(&y, &expect(&|x, z, _| x * x + z * z));
    two_products((&x, &x), (&z, &z), Write::Accumulate, &mut y);
    assert_close(&y, &expect(&|x, z, _| 2.0 * (x * x + z * z)));
    displace(&start, (2.0, &x), (-1.0, &z), &mut y);
    assert_close(&y, &expect(&|x, z, s| s + 2.0 * x - z));
    put(&mut y, Write::Overwrite, &x);
    put(&mut y, Write::Accumulate, &z);
    assert_close(&y, &expect(&|x, z, _| x + z));
    let mut sums = [1.0, 1.0];
    row_sums(&mut sums, Write::Accumulate, &x[..36], 18);
    let expected = [x[..18].iter().sum::<f64>(), x[18..36].iter().sum()];
    assert_close(&sums, &expected.map(|sum| sum + 1.0));
}

#[test]
fn orders_turn_into_each_other() {
    let (n, channels, plane) = (3, 2, 4);
    let rows = numbers(n * channels * plane, 0.4);
    let mut ordered = vec![0.0; rows.len()];
    to_channels(&rows, n, channels, plane, &mut ordered);
    assert_eq!(
        ordered[(n + 2) * plane + 1],
        rows[(2 * channels + 1) * plane + 1]
    );
    let mut back = vec![0.0; rows.len()];
    to_samples(&ordered, n, channels, plane, &mut back);
    assert_eq!(back, rows);
    let mut flat = vec![0.0; rows.len()];
    flatten(&ordered, n, plane, Write::Overwrite, &mut flat);
    let mut direct = vec![0.0; rows.len()];
    to_channels(&rows, n, channels * plane, 1, &mut direct);
    assert_eq!(flat, direct);
    unflatten(&flat, n, plane, Write::Overwrite, &mut back);
    assert_eq!(back, ordered);
    unflatten(&flat, n, plane, Write::Accumulate, &mut back);
    assert_close(&back, &ordered.iter().map(|x| 2.0 * x).collect::<Vec<_>>());
}

#[test]
fn dense_layers_read_both_orders() {
    for (inputs, outputs, n) in [
        (2, 32, 45),
        (20, 3, 33),
        (20, 9, 64),
        (5, 6, 1),
        (700, 400, 3),
    ] {
        let weight = numbers(inputs * outputs, 0.1);
        let bias = numbers(outputs, 0.6);
        let rows = numbers(n * inputs, 0.8);
        let mut ordered = vec![0.0; rows.len()];
        to_channels(&rows, n, inputs, 1, &mut ordered);
        let expected: Vec<f64> = (0..outputs * n)
            .map(|i| {
                let (o, s) = (i / n, i % n);
                let dot = (0..inputs).map(|k| weight[o * inputs + k] * rows[s * inputs + k]);
                bias[o] + dot.sum::<f64>()
            })
            .collect();
        let views = [
            View::by_channel(&ordered, n, 1),
            View::by_sample(&rows, n, inputs, 1),
        ];
        let dy = numbers(outputs * n, 0.2);
        let mut gradients = Vec::new();
        for view in views {
            let mut y = vec![f64::NAN; outputs * n];
            dense::forward(&weight, Some(&bias), (inputs, outputs), view, &mut y);
            assert_close(&y, &expected);
            let mut dw = vec![0.0; weight.len()];
            let mut db = vec![0.0; outputs];
            let widths = (inputs, outputs);
            dense::parameter_gradient(
                widths,
                [(&dy, view)],
                Write::Overwrite,
                &mut dw,
                Some(&mut db),
            );
            dw.extend(db);
            gradients.push(dw);
        }
        assert_close(&gradients[0], &gradients[1]);
    }
}

#[test]
fn convolutions_agree_with_the_definition() {
    for (kernel, stride, padding, n) in [
        ((3, 3), 1, 1, 5),
        ((2, 3), 1, 0, 4),
        ((3, 2), 2, 1, 3),
        ((5, 5), 1, 2, 2),
        ((1, 1), 3, 0, 2),
        // So many samples that the patches come in several parts.
        ((3, 3), 1, 1, 300),
    ] {
        let g = ConvGeometry {
            channels: 2,
            height: 6,
            width: 7,
            outputs: 3,
            kernel,
            stride,
            padding,
        };
        let rows = numbers(n * 84, 0.3);
        let mut ordered = vec![0.0; rows.len()];
        to_channels(&rows, n, 2, 42, &mut ordered);
        let weight = numbers(3 * g.patch_len(), 0.9);
        let bias = [0.1, -0.2, 0.3];
        let (oh, ow) = (g.output_height(), g.output_width());
        let pixel = |s: usize, c: usize, y: isize, x: isize| {
            if (0..6).contains(&y) && (0..7).contains(&x) {
                rows[(s * 2 + c) * 42 + y as usize * 7 + x as usize]
            } else {
                0.0
            }
        };
        let mut expected = vec![0.0; 3 * n * oh * ow];
        for (i, expected) in expected.iter_mut().enumerate() {
            let (o, s) = (i / (n * oh * ow), i / (oh * ow) % n);
            let (oy, ox) = (i / ow % oh, i % ow);
            *expected = bias[o];
            for k in 0..g.patch_len() {
                let (c, ky, kx) = (
                    k / (kernel.0 * kernel.1),
                    k / kernel.1 % kernel.0,
                    k % kernel.1,
                );
                let y = (oy * stride + ky) as isize - padding as isize;
                let x = (ox * stride + kx) as isize - padding as isize;
                *expected += weight[o * g.patch_len() + k] * pixel(s, c, y, x);
            }
        }
        let dy = numbers(expected.len(), 0.5);
        let mut columns = vec![f64::NAN; g.columns_len(n)];
        for view in [
            View::by_channel(&ordered, n, 42),
            View::by_sample(&rows, n, 2, 42),
        ] {
            let mut y = vec![f64::NAN; expected.len()];
            conv::forward(&g, &weight, Some(&bias), view, &mut y, &mut columns);
            assert_close(&y, &expected);
            // ⟨dy, W∗x⟩ = ⟨dW, W⟩ = ⟨dx, x⟩.
            let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
            conv::product(&g, &weight, view, Write::Overwrite, &mut y, &mut columns);
            let expected = dot(&dy, &y);
            let mut dw = vec![0.0; weight.len()];
            conv::parameter_gradient(
                &g,
                &dy,
                view,
                Write::Accumulate,
                &mut dw,
                None,
                &mut columns,
            );
            assert!((dot(&dw, &weight) - expected).abs() < 1e-10);
            let mut dx = vec![f64::NAN; rows.len()];
            conv::input_gradient(&g, &weight, &dy, n, Write::Overwrite, &mut dx, &mut columns);
            assert!((dot(&dx, &ordered) - expected).abs() < 1e-10);
            let before = dx.clone();
            conv::input_gradient(
                &g,
                &weight,
                &dy,
                n,
                Write::Accumulate,
                &mut dx,
                &mut columns,
            );
            assert_close(&dx, &before.iter().map(|x| 2.0 * x).collect::<Vec<_>>());
        }
    }
}

#[test]
fn pools_take_the_first_maximum_and_show_what_is_no_number() {
    for size in [2, 3] {
        let g = PoolGeometry {
            height: 7,
            width: 6,
            size,
        };
        let mut x = numbers(3 * 42, 0.2);
        x[0] = f64::NAN;
        x[42..84].fill(1.5);
        let length = 3 * g.output_plane();
        let (mut y, mut argmax) = (vec![0.0; length], vec![0; length]);
        pool::max_forward(&g, &x, &mut y, &mut argmax);
        let mut mean = vec![0.0; length];
        pool::average_forward(&g, &x, &mut mean);
        assert!(y[0].is_nan() && argmax[0] == 0);
        for o in 1..length {
            let (plane, p) = (o / g.output_plane(), o % g.output_plane());
            let (oy, ox) = (p / g.output_width(), p % g.output_width());
            let window: Vec<usize> = (0..size * size)
                .map(|k| (oy * size + k / size) * 6 + ox * size + k % size)
                .collect();
            let values: Vec<f64> = window.iter().map(|i| x[plane * 42 + i]).collect();
            let largest = values.iter().copied().fold(f64::MIN, f64::max);
            assert_eq!(y[o], largest);
            let first = values.iter().position(|value| *value == largest).unwrap();
            assert_eq!(argmax[o] as usize, window[first]);
            let expected = values.iter().sum::<f64>() / (size * size) as f64;
            assert!((mean[o] - expected).abs() < 1e-14);
        }
        let mut picked = vec![0.0; length];
        pool::max_pick(&g, &argmax, &x, &mut picked);
        assert_eq!(picked[1..], y[1..]);
        let dy = numbers(length, 0.7);
        let mut dx = vec![f64::NAN; x.len()];
        pool::max_backward(&g, &argmax, &dy, Write::Overwrite, &mut dx);
        let mut expected = vec![0.0; x.len()];
        for (o, dy) in dy.iter().enumerate() {
            expected[o / g.output_plane() * 42 + argmax[o] as usize] += dy;
        }
        assert_eq!(dx, expected);
        pool::average_backward(&g, &dy, Write::Overwrite, &mut dx);
        assert!((dx.iter().sum::<f64>() - dy.iter().sum::<f64>()).abs() < 1e-12);
    }
}

#[test]
fn a_normalized_sample_has_mean_zero_and_variance_one() {
    for (channels, plane) in [(50, 1), (3, 20)] {
        let g = NormGeometry { channels, plane };
        let n = 4;
        let x: Vec<f64> = numbers(n * g.features(), 0.3)
            .iter()
            .map(|x| 5.0 + 3.0 * x)
            .collect();
        let mut statistics = vec![0.0; g.statistics_len(n)];
        layer_norm::statistics(&g, &x, &mut statistics);
        let (ones, zeros) = (vec![1.0; g.features()], vec![0.0; g.features()]);
        let mut y = vec![0.0; x.len()];
        layer_norm::forward(&g, &ones, &zeros, &x, &statistics, &mut y);
        let mut rows = vec![0.0; y.len()];
        to_samples(&y, n, channels, plane, &mut rows);
        for row in rows.chunks(g.features()) {
            let mean = row.iter().sum::<f64>() / row.len() as f64;
            let variance = row.iter().map(|y| y * y).sum::<f64>() / row.len() as f64;
            assert!(mean.abs() < 1e-13 && (variance - 1.0).abs() < 1e-4);
        }
    }
}
