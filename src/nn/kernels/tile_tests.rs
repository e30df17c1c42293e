use super::*;
use crate::nn::kernels::vector::Portable;

fn numbers<T: Scalar>(count: usize, phase: f64) -> Vec<T> {
    (0..count)
        .map(|i| T::from_f64((1.3 * i as f64 + phase).sin()))
        .collect()
}

/// How a kernel is run: by whatever the processor has, or by plain arrays.
#[derive(Clone, Copy)]
enum By {
    Processor,
    Arrays,
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

fn all() -> Vec<By> {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
        return vec![By::Processor, By::Arrays, By::Avx2];
    }
    vec![By::Processor, By::Arrays]
}

fn run<T: Scalar>(by: By, kernel: impl VectorKernel<T>) {
    match by {
        By::Processor => dispatch(kernel),
        // SAFETY: plain arrays need no vector unit.
        By::Arrays => unsafe { kernel.run::<Portable<T>>() },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `all` asked the processor.
        By::Avx2 => unsafe { crate::nn::kernels::vector::run_avx2(kernel) },
    }
}

/// What a sum begins with at (i, j).
type Value<'a> = Box<dyn Fn(usize, usize) -> f64 + 'a>;

/// Σ over two terms of a matrix product, by the definition, with a start.
fn expected<T: Scalar>(
    (m, n, k): (usize, usize, usize),
    start: impl Fn(usize, usize) -> f64,
    terms: [(Matrix<'_, T>, Matrix<'_, T>); 2],
) -> Vec<f64> {
    let at = |matrix: &Matrix<'_, T>, i, j| matrix.data[i * matrix.row + j * matrix.column];
    (0..m * n)
        .map(|ij| {
            let (i, j) = (ij / n, ij % n);
            let terms = terms.iter().flat_map(|(a, b)| {
                (0..k).map(move |l| at(a, i, l).to_f64() * at(b, l, j).to_f64())
            });
            start(i, j) + terms.sum::<f64>()
        })
        .collect()
}

fn check<T: Scalar>(tolerance: f64) {
    let sizes = [
        (1, 1, 1),
        (3, 5, 4),
        (32, 100, 2),
        (2, 130, 33),
        (13, 67, 19),
        (9, 16, 40),
        (17, 31, 5),
        (4, 3, 0),
    ];
    for (sizes, by) in sizes
        .into_iter()
        .flat_map(|s| all().into_iter().map(move |by| (s, by)))
    {
        let (m, n, k) = sizes;
        let (a, b) = (numbers::<T>(m * k, 0.1), numbers::<T>(m * k, 0.9));
        let (x, y) = (numbers::<T>(k * n, 0.2), numbers::<T>(k * n, 0.7));
        let (bias, old) = (numbers::<T>(m, 0.5), numbers::<T>(m * n, 0.4));
        let close = |found: &[T], expected: &[f64]| {
            for (found, expected) in found.iter().zip(expected) {
                let error = (found.to_f64() - expected).abs();
                assert!(error < tolerance, "{sizes:?}: {found:?} {expected}");
            }
        };
        let starts: [(Start<'_, T>, Value<'_>); 3] = [
            (Start::Zero, Box::new(|_, _| 0.0)),
            (Start::Old, Box::new(|i, j| old[i * n + j].to_f64())),
            (Start::Rows(&bias), Box::new(|i, _| bias[i].to_f64())),
        ];
        for (start, value) in starts {
            // One left factor is stored by rows, the other by columns.
            let terms = [
                (Matrix::rows(&a, k), Matrix::rows(&x, n)),
                (Matrix::transposed(&b, m), Matrix::rows(&y, n)),
            ];
            let mut found = old.clone();
            run(
                by,
                Accumulate {
                    sizes,
                    dst: found.as_mut_ptr(),
                    row: n,
                    start,
                    terms,
                },
            );
            close(&found, &expected(sizes, &value, terms));
            let rows = [
                (Matrix::rows(&a, k), Matrix::rows(&x, k)),
                (Matrix::rows(&b, k), Matrix::rows(&y, k)),
            ];
            let mut found = old.clone();
            run(
                by,
                Dots {
                    sizes,
                    dst: found.as_mut_ptr(),
                    start,
                    terms: rows,
                },
            );
            let turned = [
                (Matrix::rows(&a, k), Matrix::transposed(&x, k)),
                (Matrix::rows(&b, k), Matrix::transposed(&y, k)),
            ];
            close(&found, &expected(sizes, &value, turned));
        }
    }
}

#[test]
fn tiles_agree_with_the_definition() {
    check::<f64>(1e-13);
    check::<f32>(3e-5);
}

#[test]
fn the_columns_beside_a_tile_stay() {
    let (a, x) = (numbers::<f64>(6, 0.1), numbers::<f64>(10, 0.4));
    let mut wide = vec![9.0; 3 * 7];
    let terms = [(Matrix::rows(&a, 2), Matrix::rows(&x, 5))];
    accumulate((3, 5, 2), (&mut wide, 7), Start::Zero, terms);
    for row in wide.chunks(7) {
        assert_eq!(row[5..], [9.0, 9.0]);
        assert!(row[..5].iter().all(|value| *value != 9.0));
    }
}

#[test]
#[should_panic(expected = "covers")]
fn a_factor_beyond_its_slice_is_refused() {
    let a = [0.0; 5];
    let terms = [(Matrix::rows(&a, 3), Matrix::rows(&a, 3))];
    dots((2, 2, 3), &mut [0.0; 4], Start::Zero, terms);
}
