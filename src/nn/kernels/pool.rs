//! Max and average pooling over square windows that do not overlap; a border
//! that the window does not fill is left out, as PyTorch does by default.

use super::matrix::Write;
use super::scalar::Scalar;
use super::simd::{Kernel, dispatch};

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

    /// The input positions at the top left of the outputs' windows, in order.
    #[inline(always)]
    fn corners(&self) -> impl Iterator<Item = usize> + use<> {
        let PoolGeometry { width, size, .. } = *self;
        let columns = self.output_width();
        (0..self.output_height())
            .flat_map(move |y| (0..columns).map(move |x| (y * width + x) * size))
    }
}

/// y ← the largest number in each window, `argmax` ← where in its plane it
/// lies (the first one of equals, as in PyTorch; a not-a-number wins).
pub fn max_forward<T: Scalar>(geometry: &PoolGeometry, x: &[T], y: &mut [T], argmax: &mut [u32]) {
    dispatch(MaxForward {
        geometry,
        x,
        y,
        argmax,
    });
}

struct MaxForward<'a, T> {
    geometry: &'a PoolGeometry,
    x: &'a [T],
    y: &'a mut [T],
    argmax: &'a mut [u32],
}

impl<T: Scalar> Kernel for MaxForward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self {
            geometry,
            x,
            y,
            argmax,
        } = self;
        let (width, size) = (geometry.width, geometry.size);
        let columns = geometry.output_width();
        let planes = x
            .chunks_exact(geometry.plane())
            .zip(y.chunks_exact_mut(geometry.output_plane()))
            .zip(argmax.chunks_exact_mut(geometry.output_plane()));
        for ((x, y), argmax) in planes {
            let lines = x
                .chunks_exact(size * width)
                .zip(y.chunks_exact_mut(columns))
                .zip(argmax.chunks_exact_mut(columns));
            for (oy, ((x, y), argmax)) in lines.enumerate() {
                let first = (oy * size * width) as u32;
                if size == 2 {
                    pairs(x, width, first, y, argmax);
                    continue;
                }
                for (ox, (y, argmax)) in y.iter_mut().zip(argmax).enumerate() {
                    let corner = ox * size;
                    let (mut best, mut at) = (x[corner], corner);
                    for dy in 0..size {
                        let start = corner + dy * width;
                        for (dx, value) in x[start..start + size].iter().enumerate() {
                            let better = exceeds(*value, best);
                            best = if better { *value } else { best };
                            at = if better { start + dx } else { at };
                        }
                    }
                    *y = best;
                    *argmax = first + at as u32;
                }
            }
        }
    }
}

/// Whether a number takes the place of the maximum so far.
#[allow(clippy::eq_op)] // only a not-a-number differs from itself
#[inline(always)]
fn exceeds<T: Scalar>(value: T, best: T) -> bool {
    (value > best) | (value != value)
}

/// One line of 2×2 windows: the usual size, without branches.
#[inline(always)]
fn pairs<T: Scalar>(x: &[T], width: usize, first: u32, y: &mut [T], argmax: &mut [u32]) {
    let (top, bottom) = x.split_at(width);
    let windows = top.chunks_exact(2).zip(bottom.chunks_exact(2));
    for (ox, ((top, bottom), (y, argmax))) in windows.zip(y.iter_mut().zip(argmax)).enumerate() {
        let right = exceeds(top[1], top[0]);
        let upper = if right { top[1] } else { top[0] };
        let low_right = exceeds(bottom[1], bottom[0]);
        let lower = if low_right { bottom[1] } else { bottom[0] };
        let down = exceeds(lower, upper);
        *y = if down { lower } else { upper };
        let column = u32::from(if down { low_right } else { right });
        *argmax = first + 2 * ox as u32 + column + if down { width as u32 } else { 0 };
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
        for (y, corner) in y.iter_mut().zip(geometry.corners()) {
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
        for (dy, corner) in dy.iter().zip(geometry.corners()) {
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
