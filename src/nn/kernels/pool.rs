//! Max and average pooling over square windows that do not overlap; a border
//! that the window does not fill is left out, as PyTorch does by default.

use super::matrix::Write;
use super::scalar::Scalar;

/// Sizes of a pooling layer; the channels do not matter to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolGeometry {
    /// Height of the input.
    pub height: usize,
    /// Width of the input.
    pub width: usize,
    /// Side of the window, and its step.
    pub size: usize,
}

impl PoolGeometry {
    /// Height of the output.
    pub fn output_height(&self) -> usize {
        self.height / self.size
    }

    /// Width of the output.
    pub fn output_width(&self) -> usize {
        self.width / self.size
    }

    /// Positions of the input.
    pub fn plane(&self) -> usize {
        self.height * self.width
    }

    /// Positions of the output.
    pub fn output_plane(&self) -> usize {
        self.output_height() * self.output_width()
    }

    /// The input position at the top left of an output's window.
    fn corner(&self, output: usize) -> usize {
        let (oy, ox) = (output / self.output_width(), output % self.output_width());
        (oy * self.width + ox) * self.size
    }
}

/// y ← the largest number in each window, `argmax` ← where in its plane it
/// lies (the first one of equals, as in PyTorch; a not-a-number wins).
pub fn max_forward<T: Scalar>(geometry: &PoolGeometry, x: &[T], y: &mut [T], argmax: &mut [u32]) {
    let planes = x
        .chunks_exact(geometry.plane())
        .zip(y.chunks_exact_mut(geometry.output_plane()))
        .zip(argmax.chunks_exact_mut(geometry.output_plane()));
    for ((x, y), argmax) in planes {
        for (o, (y, argmax)) in y.iter_mut().zip(argmax).enumerate() {
            let corner = geometry.corner(o);
            let (mut best, mut at) = (x[corner], corner);
            for dy in 0..geometry.size {
                let start = corner + dy * geometry.width;
                for (dx, value) in x[start..start + geometry.size].iter().enumerate() {
                    #[allow(clippy::eq_op)] // only a not-a-number differs from itself
                    if *value > best || (*value != *value && best == best) {
                        (best, at) = (*value, start + dx);
                    }
                }
            }
            *y = best;
            *argmax = at as u32;
        }
    }
}

/// y ← x at the recorded maxima: the derivative of [`max_forward`] along x.
pub fn max_pick<T: Scalar>(geometry: &PoolGeometry, argmax: &[u32], x: &[T], y: &mut [T]) {
    let planes = x
        .chunks_exact(geometry.plane())
        .zip(y.chunks_exact_mut(geometry.output_plane()))
        .zip(argmax.chunks_exact(geometry.output_plane()));
    for ((x, y), argmax) in planes {
        for (y, at) in y.iter_mut().zip(argmax) {
            *y = x[*at as usize];
        }
    }
}

/// dx ← or += dy at the recorded maxima, 0 elsewhere.
pub fn max_backward<T: Scalar>(
    geometry: &PoolGeometry,
    argmax: &[u32],
    dy: &[T],
    write: Write,
    dx: &mut [T],
) {
    if write == Write::Overwrite {
        dx.fill(T::ZERO);
    }
    let planes = dx
        .chunks_exact_mut(geometry.plane())
        .zip(dy.chunks_exact(geometry.output_plane()))
        .zip(argmax.chunks_exact(geometry.output_plane()));
    for ((dx, dy), argmax) in planes {
        for (dy, at) in dy.iter().zip(argmax) {
            dx[*at as usize] += *dy;
        }
    }
}

/// y ← the mean of each window. Linear, so it is its own derivative.
pub fn average_forward<T: Scalar>(geometry: &PoolGeometry, x: &[T], y: &mut [T]) {
    let factor = T::ONE / T::from_f64((geometry.size * geometry.size) as f64);
    let planes = x
        .chunks_exact(geometry.plane())
        .zip(y.chunks_exact_mut(geometry.output_plane()));
    for (x, y) in planes {
        for (o, y) in y.iter_mut().enumerate() {
            let corner = geometry.corner(o);
            let mut sum = T::ZERO;
            for dy in 0..geometry.size {
                let start = corner + dy * geometry.width;
                for value in &x[start..start + geometry.size] {
                    sum += *value;
                }
            }
            *y = sum * factor;
        }
    }
}

/// dx ← or += dy spread evenly over each window.
pub fn average_backward<T: Scalar>(geometry: &PoolGeometry, dy: &[T], write: Write, dx: &mut [T]) {
    let factor = T::ONE / T::from_f64((geometry.size * geometry.size) as f64);
    if write == Write::Overwrite {
        dx.fill(T::ZERO);
    }
    let planes = dx
        .chunks_exact_mut(geometry.plane())
        .zip(dy.chunks_exact(geometry.output_plane()));
    for (dx, dy) in planes {
        for (o, dy) in dy.iter().enumerate() {
            let corner = geometry.corner(o);
            let share = *dy * factor;
            for line in 0..geometry.size {
                let start = corner + line * geometry.width;
                for value in &mut dx[start..start + geometry.size] {
                    *value += share;
                }
            }
        }
    }
}
