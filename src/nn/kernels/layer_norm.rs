//! Layer normalization (Ba, Kiros, Hinton 2016) over all features of a sample:
//! y = γ x̂ + β, x̂ = (x − μ)·r, r = 1/√(σ² + ε), with the biased variance and
//! ε = 10⁻⁵ as in PyTorch.
//!
//! With a(u) = mean u and b(u) = mean (x̂ u) over the features of one sample,
//! the derivative along ẋ is x̂' = r (ẋ − a(ẋ) − x̂ b(ẋ)), and since that map is
//! symmetric the gradient is r (g − a(g) − x̂ b(g)) with g = γ δ.

use super::matrix::Write;
use super::scalar::Scalar;

/// ε in the denominator.
pub const EPSILON: f64 = 1e-5;

/// Sizes of a layer normalization. γ and β have the layout of one sample:
/// [channels, plane].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NormGeometry {
    /// Channels of the value.
    pub channels: usize,
    /// Positions per channel.
    pub plane: usize,
}

impl NormGeometry {
    /// Features that are normalized together.
    pub fn features(&self) -> usize {
        self.channels * self.plane
    }

    /// Length of the statistics of n samples: μ and r, one number each per
    /// column (the columns of one sample agree).
    pub fn statistics_len(&self, samples: usize) -> usize {
        2 * samples * self.plane
    }

    /// Length of the scratch of every function here.
    pub fn scratch_len(&self, samples: usize) -> usize {
        6 * samples * self.plane
    }

    /// γ (or β, …) of channel c and column j (sample j / plane).
    #[inline(always)]
    fn at<T: Copy>(&self, parameters: &[T], c: usize, j: usize) -> T {
        if self.plane == 1 {
            parameters[c]
        } else {
            parameters[c * self.plane + j % self.plane]
        }
    }

    /// Turns sums over channels, per column, into means over the features of a
    /// sample, written to all its columns.
    fn means<T: Scalar>(&self, sums: &mut [T]) {
        let factor = T::ONE / T::from_f64(self.features() as f64);
        for columns in sums.chunks_exact_mut(self.plane) {
            let mean = columns.iter().copied().sum::<T>() * factor;
            columns.fill(mean);
        }
    }
}

/// `statistics` ← (μ, r) of x.
pub fn statistics<T: Scalar>(geometry: &NormGeometry, x: &[T], statistics: &mut [T]) {
    let length = x.len() / geometry.channels;
    let (mean, inverse) = statistics.split_at_mut(length);
    mean.fill(T::ZERO);
    for row in x.chunks_exact(length) {
        for (sum, x) in mean.iter_mut().zip(row) {
            *sum += *x;
        }
    }
    geometry.means(mean);
    inverse.fill(T::ZERO);
    for row in x.chunks_exact(length) {
        for ((sum, x), mean) in inverse.iter_mut().zip(row).zip(&*mean) {
            let d = *x - *mean;
            *sum += d * d;
        }
    }
    geometry.means(inverse);
    for value in inverse.iter_mut() {
        *value = T::ONE / (*value + T::from_f64(EPSILON)).sqrt();
    }
}

/// y ← the normalized x.
pub fn forward<T: Scalar>(
    geometry: &NormGeometry,
    scale: &[T],
    shift: &[T],
    x: &[T],
    statistics: &[T],
    y: &mut [T],
) {
    let length = x.len() / geometry.channels;
    let (mean, inverse) = statistics.split_at(length);
    for (c, (x, y)) in x
        .chunks_exact(length)
        .zip(y.chunks_exact_mut(length))
        .enumerate()
    {
        for (j, (x, y)) in x.iter().zip(y).enumerate() {
            let normalized = (*x - mean[j]) * inverse[j];
            *y = geometry.at(scale, c, j) * normalized + geometry.at(shift, c, j);
        }
    }
}

/// dx ← or += the input gradient; dγ, dβ += theirs where given.
#[allow(clippy::too_many_arguments)]
pub fn backward<T: Scalar>(
    geometry: &NormGeometry,
    scale: &[T],
    x: &[T],
    statistics: &[T],
    dy: &[T],
    input: Option<(Write, &mut [T])>,
    parameters: Option<(&mut [T], &mut [T])>,
    scratch: &mut [T],
) {
    let length = x.len() / geometry.channels;
    let (mean, inverse) = statistics.split_at(length);
    if let Some((scale_gradient, shift_gradient)) = parameters {
        for (c, (x, dy)) in x
            .chunks_exact(length)
            .zip(dy.chunks_exact(length))
            .enumerate()
        {
            for (j, (x, dy)) in x.iter().zip(dy).enumerate() {
                let k = c * geometry.plane + j % geometry.plane;
                scale_gradient[k] += *dy * (*x - mean[j]) * inverse[j];
                shift_gradient[k] += *dy;
            }
        }
    }
    let Some((write, dx)) = input else { return };
    let (a, rest) = scratch.split_at_mut(length);
    let b = &mut rest[..length];
    a.fill(T::ZERO);
    b.fill(T::ZERO);
    for (c, (x, dy)) in x
        .chunks_exact(length)
        .zip(dy.chunks_exact(length))
        .enumerate()
    {
        for (j, (x, dy)) in x.iter().zip(dy).enumerate() {
            let g = geometry.at(scale, c, j) * *dy;
            a[j] += g;
            b[j] += g * (*x - mean[j]) * inverse[j];
        }
    }
    geometry.means(a);
    geometry.means(b);
    let rows = x
        .chunks_exact(length)
        .zip(dy.chunks_exact(length))
        .zip(dx.chunks_exact_mut(length));
    for (c, ((x, dy), dx)) in rows.enumerate() {
        for (j, ((x, dy), dx)) in x.iter().zip(dy).zip(dx).enumerate() {
            let normalized = (*x - mean[j]) * inverse[j];
            let g = geometry.at(scale, c, j) * *dy;
            let value = inverse[j] * (g - a[j] - normalized * b[j]);
            *dx = match write {
                Write::Overwrite => value,
                Write::Accumulate => *dx + value,
            };
        }
    }
}

/// ẏ ← the derivative of y along (ẋ, γ̇, β̇); `rx` is `None` for a constant input.
#[allow(clippy::too_many_arguments)]
pub fn tangent<T: Scalar>(
    geometry: &NormGeometry,
    scale: &[T],
    x: &[T],
    statistics: &[T],
    rx: Option<&[T]>,
    (scale_tangent, shift_tangent): (&[T], &[T]),
    ry: &mut [T],
    scratch: &mut [T],
) {
    let length = x.len() / geometry.channels;
    let (mean, inverse) = statistics.split_at(length);
    let (a, rest) = scratch.split_at_mut(length);
    let b = &mut rest[..length];
    if let Some(rx) = rx {
        tangent_means(geometry, x, statistics, rx, a, b);
    }
    for (c, (x, ry)) in x
        .chunks_exact(length)
        .zip(ry.chunks_exact_mut(length))
        .enumerate()
    {
        for (j, (x, ry)) in x.iter().zip(ry).enumerate() {
            let normalized = (*x - mean[j]) * inverse[j];
            let mut value =
                geometry.at(scale_tangent, c, j) * normalized + geometry.at(shift_tangent, c, j);
            if let Some(rx) = rx {
                let rx = rx[c * length + j];
                value += geometry.at(scale, c, j) * (inverse[j] * (rx - a[j] - normalized * b[j]));
            }
            *ry = value;
        }
    }
}

/// a(ẋ) and b(ẋ) per column.
fn tangent_means<T: Scalar>(
    geometry: &NormGeometry,
    x: &[T],
    statistics: &[T],
    rx: &[T],
    a: &mut [T],
    b: &mut [T],
) {
    let length = a.len();
    let (mean, inverse) = statistics.split_at(length);
    a.fill(T::ZERO);
    b.fill(T::ZERO);
    for (x, rx) in x.chunks_exact(length).zip(rx.chunks_exact(length)) {
        for (j, (x, rx)) in x.iter().zip(rx).enumerate() {
            a[j] += *rx;
            b[j] += *rx * (*x - mean[j]) * inverse[j];
        }
    }
    geometry.means(a);
    geometry.means(b);
}

/// The derivative of [`backward`] along (ẋ, γ̇, δ̇): dẋ ← or += its input
/// gradient, and the derivatives of dγ and dβ are added.
///
/// With g = γδ, ġ = γδ̇ + γ̇δ and ṙ = −r² b(ẋ):
/// ṙ (g − a(g) − x̂ b(g)) + r (ġ − a(ġ) − x̂' b(g) − x̂ (mean(x̂' g) + b(ġ))).
#[allow(clippy::too_many_arguments)]
pub fn backward_tangent<T: Scalar>(
    geometry: &NormGeometry,
    scale: &[T],
    scale_tangent: &[T],
    x: &[T],
    statistics: &[T],
    rx: Option<&[T]>,
    (dy, rdy): (&[T], &[T]),
    input: Option<(Write, &mut [T])>,
    (scale_gradient, shift_gradient): (&mut [T], &mut [T]),
    scratch: &mut [T],
) {
    let length = x.len() / geometry.channels;
    let (mean, inverse) = statistics.split_at(length);
    let mut parts = scratch.chunks_exact_mut(length);
    let mut part = || parts.next().unwrap_or_default();
    // Means over a sample's features: of ẋ and x̂ẋ, of g and x̂g, of ġ and of
    // x̂ġ + x̂'g.
    let (ax, bx, ag, bg, arg, brg) = (part(), part(), part(), part(), part(), part());
    match rx {
        Some(rx) => tangent_means(geometry, x, statistics, rx, ax, bx),
        None => {
            ax.fill(T::ZERO);
            bx.fill(T::ZERO);
        }
    }
    for sums in [&mut *ag, &mut *bg, &mut *arg, &mut *brg] {
        sums.fill(T::ZERO);
    }
    for c in 0..geometry.channels {
        for j in 0..length {
            let i = c * length + j;
            let normalized = (x[i] - mean[j]) * inverse[j];
            let moved = match rx {
                Some(rx) => inverse[j] * (rx[i] - ax[j] - normalized * bx[j]),
                None => T::ZERO,
            };
            let g = geometry.at(scale, c, j) * dy[i];
            let rg = geometry.at(scale, c, j) * rdy[i] + geometry.at(scale_tangent, c, j) * dy[i];
            ag[j] += g;
            bg[j] += g * normalized;
            arg[j] += rg;
            brg[j] += rg * normalized + moved * g;
            let k = c * geometry.plane + j % geometry.plane;
            scale_gradient[k] += rdy[i] * normalized + dy[i] * moved;
            shift_gradient[k] += rdy[i];
        }
    }
    let Some((write, rdx)) = input else { return };
    for means in [&mut *ag, &mut *bg, &mut *arg, &mut *brg] {
        geometry.means(means);
    }
    for c in 0..geometry.channels {
        for j in 0..length {
            let i = c * length + j;
            let r = inverse[j];
            let normalized = (x[i] - mean[j]) * r;
            let moved = match rx {
                Some(rx) => r * (rx[i] - ax[j] - normalized * bx[j]),
                None => T::ZERO,
            };
            let g = geometry.at(scale, c, j) * dy[i];
            let rg = geometry.at(scale, c, j) * rdy[i] + geometry.at(scale_tangent, c, j) * dy[i];
            let value = -(r * r * bx[j]) * (g - ag[j] - normalized * bg[j])
                + r * (rg - arg[j] - moved * bg[j] - normalized * brg[j]);
            rdx[i] = match write {
                Write::Overwrite => value,
                Write::Accumulate => rdx[i] + value,
            };
        }
    }
}
