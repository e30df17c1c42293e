//! The two groups of samples that the steps pull apart.

use rayon::prelude::*;

use super::{OpposingSignals, RUNNING, SignalError, part_of_training};
use crate::math::progress::{Cancelled, Progress};
use crate::math::vector::{cosine, dot, to_f64};
use crate::math::{floats, statistics};
use crate::train::Setup;

/// Samples that rise and fall together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Their numbers in the training set, that with the largest Σ|Δℓ| first.
    pub samples: Vec<usize>,
    /// Their mean loss after `from`, `from` + 1, … updates.
    pub losses: Vec<f64>,
}

impl Group {
    /// The change of their mean loss in each step.
    pub fn changes(&self) -> Vec<f64> {
        self.losses.windows(2).map(|w| w[1] - w[0]).collect()
    }
}

/// Two groups with opposite signs, chosen by [`super::RULE`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    /// The step whose update made the largest |Δℓᵢ|: it decides the signs.
    pub step: u64,
    /// Those whose losses that update raised.
    pub rising: Group,
    /// Those whose losses it lowered.
    pub falling: Group,
    /// ΣΔ₊Δ₋ / √(ΣΔ₊² ΣΔ₋²) of the changes of the mean losses over all steps: a
    /// common decrease is agreement, so no mean is taken off. Nothing where a
    /// group's loss never changes.
    pub correlation: Option<f64>,
    /// The same with the means taken off (Pearson).
    pub pearson: Option<f64>,
    /// For each step, the correlation over the last [`RUNNING`] of them, itself
    /// included; nothing for the first ones.
    pub running: Vec<Option<f64>>,
    /// cos(g₊, g₋) of the gradients of the mean losses, after `from`, `from` + 1,
    /// … updates. Empty while the losses are still being measured.
    pub cosines: Vec<f64>,
}

impl Groups {
    /// The groups of what was measured; nothing where no step raises one loss
    /// while it lowers another.
    pub(super) fn choose(found: &OpposingSignals) -> Option<Self> {
        let steps = found.steps();
        let mut moment = (0, 0.0);
        let mut totals = vec![0.0; found.losses.first()?.len()];
        for step in 0..steps {
            for (total, change) in totals.iter_mut().zip(found.changes(step)) {
                *total += change.abs();
                if change.abs() > moment.1 {
                    moment = (step, change.abs());
                }
            }
        }
        let signs = found.changes(moment.0);
        let group = |sign: f64| {
            let mut samples: Vec<usize> = (0..signs.len())
                .filter(|sample| sign * signs[*sample] > 0.0)
                .collect();
            samples.sort_by(|a, b| totals[*b].total_cmp(&totals[*a]));
            samples.truncate(found.settings.top);
            let losses = found
                .losses
                .iter()
                .map(|row| {
                    let some: Vec<f64> = samples.iter().map(|sample| row[*sample]).collect();
                    statistics::mean(&some)
                })
                .collect();
            Group { samples, losses }
        };
        let (rising, falling) = (group(1.0), group(-1.0));
        if rising.samples.is_empty() || falling.samples.is_empty() {
            return None;
        }
        let (up, down) = (rising.changes(), falling.changes());
        let running = (1..=steps)
            .map(|end| {
                let start = end.checked_sub(RUNNING)?;
                correlation(&up[start..end], &down[start..end])
            })
            .collect();
        Some(Self {
            step: found.settings.from + moment.0 as u64,
            correlation: correlation(&up, &down),
            pearson: correlation(&centred(&up), &centred(&down)),
            running,
            cosines: Vec::new(),
            rising,
            falling,
        })
    }

    /// Measures [`Groups::cosines`] at these parameters.
    pub(super) fn measure_gradients<T: floats::Real>(
        &mut self,
        setup: &Setup,
        thetas: &[Vec<T>],
        progress: &dyn Progress,
    ) -> Result<(), SignalError> {
        let rising = part_of_training(setup, &self.rising.samples)?;
        let falling = part_of_training(setup, &self.falling.samples)?;
        let done = std::sync::atomic::AtomicUsize::new(0);
        self.cosines = thetas
            .par_iter()
            .map_init(
                || (rising.workspace(), falling.workspace()),
                |(up, down), theta| {
                    progress.check()?;
                    let theta = to_f64(theta);
                    let mut gradients = [vec![0.0; theta.len()], vec![0.0; theta.len()]];
                    rising.gradient(&theta, up, &mut gradients[0]);
                    falling.gradient(&theta, down, &mut gradients[1]);
                    let before = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    progress.report(before + 1, thetas.len());
                    Ok(cosine(&gradients[0], &gradients[1]))
                },
            )
            .collect::<Result<_, Cancelled>>()?;
        Ok(())
    }
}

/// Σab / √(Σa² Σb²); nothing where one of them is zero.
pub(super) fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let squares = dot(a, a) * dot(b, b);
    (squares > 0.0).then(|| (dot(a, b) / squares.sqrt()).clamp(-1.0, 1.0))
}

fn centred(values: &[f64]) -> Vec<f64> {
    let mean = statistics::mean(values);
    values.iter().map(|value| value - mean).collect()
}
