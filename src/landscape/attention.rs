//! The order in which the points of a level are evaluated: where somebody looks
//! first, then where the surface bends. No value depends on it.

/// Where somebody looks, in displacements of the slice.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Focus {
    /// The place that matters most: under the pointer, or the middle of the view.
    pub point: Option<(f64, f64)>,
    /// What is seen: ranges along the first and the second direction.
    pub window: Option<[(f64, f64); 2]>,
}

/// Somebody who looks at a slice while it is being refined. Asked anew before
/// every batch of points, from one thread.
pub trait Attention: Sync {
    /// Where they look now.
    fn focus(&self) -> Focus;
}

/// Nobody looks anywhere in particular.
impl Attention for () {
    fn focus(&self) -> Focus {
        Focus::default()
    }
}

/// How far around the point of interest matters, as a share of the slice's half
/// side.
const NEAR: f64 = 0.25;
/// What a place in the window, and one at the point of interest, are worth
/// beside one where the surface bends most.
const IN_WINDOW: f64 = 4.0;
const AT_POINT: f64 = 2.0;

/// How strongly the coarser level bends at its points: |second differences|
/// along both axes, of the logarithms where all values are positive, divided by
/// the largest. What is not a number bends nothing.
pub(super) struct Bends {
    values: Vec<f64>,
    width: usize,
    strides: (usize, usize),
}

impl Bends {
    /// Of a level with these values, row after row of `width`, whose points are
    /// `strides` apart on the finest grid.
    pub fn new(level: &[f64], width: usize, strides: (usize, usize)) -> Self {
        let positive = level.iter().all(|v| !v.is_finite() || *v > 0.0);
        let f = |v: f64| if positive { v.ln() } else { v };
        let height = level.len() / width.max(1);
        let second = |middle: f64, before: f64, after: f64| {
            let bend = (f(after) - 2.0 * f(middle) + f(before)).abs();
            if bend.is_finite() { bend } else { 0.0 }
        };
        let mut values = vec![0.0; level.len()];
        for j in 0..height {
            for i in 0..width {
                let k = j * width + i;
                if i > 0 && i + 1 < width {
                    values[k] += second(level[k], level[k - 1], level[k + 1]);
                }
                if j > 0 && j + 1 < height {
                    values[k] += second(level[k], level[k - width], level[k + width]);
                }
            }
        }
        let largest = values.iter().copied().fold(0.0, f64::max);
        let size = level.iter().map(|v| f(*v).abs()).filter(|v| v.is_finite());
        // What rounding makes of a flat surface is no bend.
        let bent = largest > 1e-10 * size.fold(0.0, f64::max);
        let factor = if bent { 1.0 / largest } else { 0.0 };
        values.iter_mut().for_each(|value| *value *= factor);
        Self {
            values,
            width,
            strides,
        }
    }

    /// At point (i, j) of the finest grid: that of the nearest coarse point.
    fn at(&self, i: usize, j: usize) -> f64 {
        let near = |index: usize, stride: usize| (index + stride / 2) / stride;
        let column = near(i, self.strides.0).min(self.width.saturating_sub(1));
        let place = near(j, self.strides.1) * self.width + column;
        self.values.get(place).copied().unwrap_or(0.0)
    }
}

/// What evaluating a point is worth: see [`Focus`] and [`Bends`]. `place` is its
/// displacement, `half` half the sides of the slice.
pub(super) fn worth(
    (i, j): (usize, usize),
    place: (f64, f64),
    half: (f64, f64),
    focus: &Focus,
    bends: &Bends,
) -> f64 {
    let mut worth = bends.at(i, j);
    if let Some(point) = focus.point {
        let (x, y) = ((place.0 - point.0) / half.0, (place.1 - point.1) / half.1);
        let near = (-(x * x + y * y) / (2.0 * NEAR * NEAR)).exp();
        if near.is_finite() {
            worth += AT_POINT * near;
        }
    }
    if let Some([x, y]) = focus.window
        && (x.0..=x.1).contains(&place.0)
        && (y.0..=y.1).contains(&place.1)
    {
        worth += IN_WINDOW;
    }
    worth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bends_are_found_where_they_are() {
        // A valley along the middle column of a plane.
        let width = 5;
        let level: Vec<f64> = (0..25).map(|k| ((k % width) as f64 - 2.0).abs()).collect();
        let bends = Bends::new(&level, width, (4, 4));
        assert_eq!(bends.at(8, 8), 1.0);
        assert_eq!(bends.at(9, 3), 1.0);
        assert_eq!(bends.at(4, 8), 0.0);
        assert_eq!(bends.at(16, 16), 0.0);
        // What is not a number bends nothing.
        let mut broken = level;
        broken[12] = f64::NAN;
        let bends = Bends::new(&broken, width, (4, 4));
        assert_eq!(bends.at(8, 8), 0.0);
        assert_eq!(bends.at(8, 4), 1.0);
        // Nor does rounding.
        let slope: Vec<f64> = (0..25).map(|k| 0.1 * (k % width) as f64 - 0.3).collect();
        assert_eq!(Bends::new(&slope, width, (4, 4)).at(8, 8), 0.0);
        assert_eq!(Bends::new(&[f64::NAN; 9], 3, (1, 1)).at(1, 1), 0.0);
    }

    #[test]
    fn the_pointer_comes_before_bends_and_the_window_before_both() {
        let bends = Bends::new(&[0.0, 0.0, 1.0, 0.0, 0.0], 5, (1, 1));
        let focus = Focus {
            point: Some((-1.0, 0.0)),
            window: None,
        };
        let at = |focus: &Focus, i: usize| {
            let x = i as f64 / 2.0 - 1.0;
            worth((i, 0), (x, 0.0), (1.0, 1.0), focus, &bends)
        };
        assert!(at(&focus, 0) > at(&focus, 2));
        assert!(at(&Focus::default(), 2) > at(&Focus::default(), 0));
        let zoomed = Focus {
            window: Some([(0.9, 1.1), (-1.0, 1.0)]),
            ..focus
        };
        assert!(at(&zoomed, 4) > at(&zoomed, 0));
    }
}
