//! Fewer points for the same picture. Works in pixels, so that scales are
//! already applied; returns indices, so that every canvas can use it.

/// Indices of the points that draw the same curve, for x in non-decreasing
/// pixels: in each pixel column the first, the lowest, the highest and the
/// last point of every unbroken piece. No spike is lost. Points that are not
/// finite break the curve; each such run is kept as one index. The first and
/// the last point are always kept.
pub fn columns(x: &[f64], y: &[f64]) -> Vec<usize> {
    let n = x.len().min(y.len());
    let mut kept = Vec::new();
    let mut i = 0;
    while i < n {
        if !(x[i].is_finite() && y[i].is_finite()) {
            kept.push(i);
            while i < n && !(x[i].is_finite() && y[i].is_finite()) {
                i += 1;
            }
            continue;
        }
        let column = x[i].floor();
        let first = i;
        let (mut low, mut high) = (i, i);
        while i < n && y[i].is_finite() && x[i].floor() == column {
            if y[i] < y[low] {
                low = i;
            }
            if y[i] > y[high] {
                high = i;
            }
            i += 1;
        }
        let mut of_column = [first, low, high, i - 1];
        of_column.sort_unstable();
        for index in of_column {
            if kept.last() != Some(&index) {
                kept.push(index);
            }
        }
    }
    if n > 0 && kept.last() != Some(&(n - 1)) {
        kept.push(n - 1);
    }
    kept
}

/// Indices of the points that draw the same path within `tolerance` pixels,
/// for paths that go any way (Ramer 1972; Douglas & Peucker 1973). Points that
/// are not finite break the path; each such run is kept as one index. The
/// first and the last point are always kept.
pub fn path(x: &[f64], y: &[f64], tolerance: f64) -> Vec<usize> {
    let n = x.len().min(y.len());
    let finite = |i: usize| x[i].is_finite() && y[i].is_finite();
    let mut keep = vec![false; n];
    let mut i = 0;
    while i < n {
        let start = i;
        if !finite(i) {
            keep[i] = true;
            while i < n && !finite(i) {
                i += 1;
            }
            continue;
        }
        while i < n && finite(i) {
            i += 1;
        }
        keep[start] = true;
        keep[i - 1] = true;
        let mut pending = vec![(start, i - 1)];
        while let Some((a, b)) = pending.pop() {
            let farthest = (a + 1..b)
                .map(|k| (k, distance((x[k], y[k]), (x[a], y[a]), (x[b], y[b]))))
                .fold(
                    (a, tolerance),
                    |best, next| {
                        if next.1 > best.1 { next } else { best }
                    },
                );
            if farthest.0 != a {
                keep[farthest.0] = true;
                pending.push((a, farthest.0));
                pending.push((farthest.0, b));
            }
        }
    }
    if n > 0 {
        keep[n - 1] = true;
    }
    (0..n).filter(|&k| keep[k]).collect()
}

/// Distance of a point from a segment.
fn distance(p: (f64, f64), a: (f64, f64), b: (f64, f64)) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let squared = dx * dx + dy * dy;
    let t = if squared > 0.0 {
        (((p.0 - a.0) * dx + (p.1 - a.1) * dy) / squared).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (p.0 - a.0 - t * dx).hypot(p.1 - a.1 - t * dy)
}

/// [`columns`] where x never goes back, [`path`] within a quarter of a pixel
/// otherwise.
pub fn curve(x: &[f64], y: &[f64]) -> Vec<usize> {
    let forward = x
        .iter()
        .filter(|v| v.is_finite())
        .try_fold(f64::NEG_INFINITY, |before, &now| {
            (now >= before).then_some(now)
        })
        .is_some();
    if forward {
        columns(x, y)
    } else {
        path(x, y, 0.25)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(prop_oneof![9 => -1e3..1e3f64, 1 => Just(f64::NAN)], 0..400)
    }

    fn finite_range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
        crate::figure::samples::finite_range(values)
    }

    /// Lengths of runs of finite values are what breaks preserve.
    fn pieces(values: impl Iterator<Item = f64>) -> usize {
        let mut count = 0;
        let mut inside = false;
        for v in values {
            if v.is_finite() && !inside {
                count += 1;
            }
            inside = v.is_finite();
        }
        count
    }

    proptest! {
        #[test]
        fn extremes_breaks_and_ends_survive(y in values(), scale in 0.01..2.0f64) {
            let x: Vec<f64> = (0..y.len()).map(|i| i as f64 * scale).collect();
            for kept in [columns(&x, &y), path(&x, &y, 0.25)] {
                prop_assert!(kept.windows(2).all(|w| w[0] < w[1]));
                prop_assert_eq!(kept.first().copied(), (!y.is_empty()).then_some(0));
                prop_assert_eq!(kept.last().copied(), y.len().checked_sub(1));
                prop_assert_eq!(pieces(kept.iter().map(|&i| y[i])), pieces(y.iter().copied()));
            }
            let kept = columns(&x, &y);
            prop_assert_eq!(finite_range(kept.iter().map(|&i| y[i])), finite_range(y.iter().copied()));
        }

        #[test]
        fn a_path_stays_within_the_tolerance(points in prop::collection::vec((-50.0..50.0f64, -50.0..50.0f64), 2..200)) {
            let (x, y): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
            let kept = path(&x, &y, 2.0);
            for pair in kept.windows(2) {
                for k in pair[0]..pair[1] {
                    let d = distance((x[k], y[k]), (x[pair[0]], y[pair[0]]), (x[pair[1]], y[pair[1]]));
                    prop_assert!(d <= 2.0 + 1e-9);
                }
            }
        }
    }

    #[test]
    fn a_million_points_become_a_few_per_column() {
        let n = 1_000_000;
        let x: Vec<f64> = (0..n).map(|i| i as f64 / n as f64 * 500.0).collect();
        let mut y = vec![0.0; n];
        y[777_777] = 9.0;
        let kept = curve(&x, &y);
        assert!(kept.len() <= 4 * 501);
        assert!(kept.contains(&777_777));
    }
}
