//! Long series made short enough to be drawn many times a second, without
//! losing a spike.

use crate::figure::{Scale, decimate};

/// Indices of the points that matter within a window of x (non-decreasing):
/// for each of about `columns` columns the first, the lowest, the highest and
/// the last point, every break, and one neighbour on either side of the window.
/// `scale` is that of the x axis.
pub fn indices(
    x: &[f64],
    y: &[f64],
    window: Option<(f64, f64)>,
    columns: usize,
    scale: Scale,
) -> Vec<usize> {
    let n = x.len().min(y.len());
    let (from, to) = match window {
        Some((low, high)) => (
            x[..n].partition_point(|&v| v < low).saturating_sub(1),
            (x[..n].partition_point(|&v| v <= high) + 1).min(n),
        ),
        None => (0, n),
    };
    if to <= from {
        return Vec::new();
    }
    if to - from <= 4 * columns.max(1) {
        return (from..to).collect();
    }
    let first = x[from..to]
        .iter()
        .map(|&v| scale.forward(v))
        .find(|v| v.is_finite())
        .unwrap_or(0.0);
    let span = scale.forward(x[to - 1]) - first;
    let per_column = if span > 0.0 {
        columns.max(1) as f64 / span
    } else {
        0.0
    };
    // What the scale cannot show, such as step 0 on a logarithm, stays: it is
    // a break there.
    let places: Vec<f64> = x[from..to]
        .iter()
        .map(|&v| (scale.forward(v) - first) * per_column)
        .collect();
    decimate::columns(&places, &y[from..to])
        .into_iter()
        .map(|index| from + index)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn extremes_of_a_window_survive(
            y in prop::collection::vec(-1e3..1e3f64, 1..3000),
            low in 0.0..1000.0f64,
            width in 1.0..2000.0f64,
        ) {
            let x: Vec<f64> = (0..y.len()).map(|i| i as f64).collect();
            let window = (low, low + width);
            let kept = indices(&x, &y, Some(window), 40, Scale::Linear);
            prop_assert!(kept.windows(2).all(|w| w[0] < w[1]));
            prop_assert!(kept.len() <= 4 * 43);
            let inside = |i: &usize| x[*i] >= window.0 && x[*i] <= window.1;
            let highest = (0..y.len()).filter(inside).map(|i| y[i]).fold(f64::MIN, f64::max);
            let kept_highest = kept.iter().filter(|i| inside(i)).map(|&i| y[i]).fold(f64::MIN, f64::max);
            prop_assert_eq!(highest, kept_highest);
        }
    }

    #[test]
    fn breaks_and_short_series_stay() {
        let x = [0.0, 1.0, 2.0];
        assert_eq!(
            indices(&x, &[1.0, f64::NAN, 2.0], None, 1, Scale::Linear),
            [0, 1, 2]
        );
        assert!(indices(&[], &[], None, 10, Scale::Log10).is_empty());
        assert!(indices(&x, &x, Some((5.0, 6.0)), 10, Scale::Linear).len() <= 1);
        let x: Vec<f64> = (0..10_000).map(f64::from).collect();
        let mut y = vec![0.0; 10_000];
        y[5000] = f64::INFINITY;
        assert!(indices(&x, &y, None, 100, Scale::Log10).contains(&5000));
    }
}
