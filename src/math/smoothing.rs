//! Weighted points smoothed by a Gaussian kernel.
//!
//! Two traps of published tools are closed by construction: the width is
//! always the standard deviation σ (never the variance), and the grid is
//! always at least as fine as σ/2.

/// Widths of the kernel beyond which it is taken for zero.
const REACH: f64 = 8.0;
/// Widths of the kernel by which a grid extends beyond the outermost points.
const MARGIN: f64 = 6.0;

/// Equally spaced points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UniformGrid {
    /// First point.
    pub start: f64,
    /// Distance of neighbours.
    pub spacing: f64,
    /// How many points.
    pub points: usize,
}

impl UniformGrid {
    /// The points, ascending.
    pub fn values(&self) -> Vec<f64> {
        (0..self.points)
            .map(|i| self.start + self.spacing * i as f64)
            .collect()
    }

    /// A grid for a kernel of width `sigma` on points in [min, max]: at least
    /// `points` points, spacing at most σ/2, six widths of margin at both
    /// ends. Where that would take more than `most` points, the kernel is
    /// widened; the second value is the width to use.
    pub fn for_kernel(min: f64, max: f64, sigma: f64, points: usize, most: usize) -> (Self, f64) {
        let most = most.max(64);
        let range = (max - min).max(0.0);
        // range + 2·MARGIN·σ ≤ (most − 1)·σ/2
        let narrowest = range / (0.5 * (most - 1) as f64 - 2.0 * MARGIN);
        let size = min.abs().max(max.abs());
        // Where all points coincide any width shows the same spike.
        let least = (f64::EPSILON * size * 64.0).max(1e-300);
        let sigma = if sigma.is_finite() { sigma } else { 0.0 }
            .max(narrowest)
            .max(least);
        let start = min - MARGIN * sigma;
        let width = range + 2.0 * MARGIN * sigma;
        let needed = (2.0 * width / sigma).ceil() as usize + 1;
        let points = needed.max(points.min(most)).max(2);
        let grid = Self {
            start,
            spacing: width / (points - 1) as f64,
            points,
        };
        (grid, sigma)
    }
}

/// `out[i]` += Σ_k weight_k 𝒩(x_i; node_k, σ²) on a uniform grid.
pub fn add_gaussians(
    nodes: impl IntoIterator<Item = (f64, f64)>,
    sigma: f64,
    grid: &UniformGrid,
    out: &mut [f64],
) {
    let height = 1.0 / (sigma * (2.0 * std::f64::consts::PI).sqrt());
    let last = grid.points.min(out.len());
    let index = |x: f64| ((x - grid.start) / grid.spacing).clamp(0.0, last as f64);
    for (node, weight) in nodes {
        let from = index(node - REACH * sigma).floor() as usize;
        let to = index(node + REACH * sigma).ceil() as usize;
        for (i, out) in out[..last].iter_mut().enumerate().take(to).skip(from) {
            let z = (grid.start + grid.spacing * i as f64 - node) / sigma;
            *out += weight * height * (-0.5 * z * z).exp();
        }
    }
}

/// Integral by the trapezoidal rule of values on a uniform grid.
pub fn trapezoid(values: &[f64], spacing: f64) -> f64 {
    match values {
        [] | [_] => 0.0,
        [first, .., last] => spacing * (values.iter().sum::<f64>() - 0.5 * (first + last)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn width_is_the_standard_deviation() {
        let sigma = 0.2;
        let (grid, used) = UniformGrid::for_kernel(1.0, 1.0, sigma, 2001, 1 << 16);
        assert_eq!(used, sigma);
        let mut y = vec![0.0; grid.points];
        add_gaussians([(1.0, 1.0)], sigma, &grid, &mut y);
        let x = grid.values();
        let moment = |p: i32| {
            let terms: Vec<f64> = x
                .iter()
                .zip(&y)
                .map(|(x, y)| y * (x - 1.0).powi(p))
                .collect();
            trapezoid(&terms, grid.spacing)
        };
        assert!((moment(0) - 1.0).abs() < 1e-8);
        assert!(moment(1).abs() < 1e-12);
        assert!((moment(2) - sigma * sigma).abs() < 1e-8);
    }

    #[test]
    fn degenerate_input_still_makes_a_grid() {
        for (min, max, sigma) in [(0.0, 0.0, 0.0), (5.0, 5.0, f64::NAN), (0.0, 1e9, 1e-9)] {
            let (grid, sigma) = UniformGrid::for_kernel(min, max, sigma, 100, 1000);
            assert!(grid.points >= 2 && grid.points <= 1001);
            assert!(grid.spacing > 0.0 && grid.spacing <= 0.5 * sigma * (1.0 + 1e-9));
        }
    }

    proptest! {
        #[test]
        fn spacing_and_integral_hold_for_any_points(
            points in prop::collection::vec((-1e3f64..1e3, 0.0f64..1.0), 1..30),
            sigma in 1e-4f64..1e2,
            wanted in 2usize..500,
        ) {
            let min = points.iter().map(|p| p.0).fold(f64::INFINITY, f64::min);
            let max = points.iter().map(|p| p.0).fold(f64::NEG_INFINITY, f64::max);
            let (grid, sigma) = UniformGrid::for_kernel(min, max, sigma, wanted, 1 << 15);
            prop_assert!(grid.spacing <= 0.5 * sigma * (1.0 + 1e-9));
            prop_assert!(grid.points >= wanted && grid.points <= (1 << 15) + 1);
            let mut y = vec![0.0; grid.points];
            add_gaussians(points.iter().copied(), sigma, &grid, &mut y);
            let mass: f64 = points.iter().map(|p| p.1).sum();
            prop_assert!((trapezoid(&y, grid.spacing) - mass).abs() <= 1e-7 * (1.0 + mass));
        }
    }
}
