//! The spectral density over a training: the same probes at snapshot after
//! snapshot, so that only the network changes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::curvature::{DensityOptions, SpectralDensity, spectral_density};
use crate::engine::job::JobError;
use crate::math::progress::Part;
use crate::math::rng::stream;
use crate::math::vector::to_f64;
use crate::math::{MathError, Progress};
use crate::train::{Setup, Snapshot, Snapshots};

use super::Matrix;

/// Snapshots of a waterfall at most.
pub const WATERFALL_ROWS: usize = 40;

/// How a waterfall is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WaterfallSettings {
    /// Which matrix; [`Matrix::Preconditioned`] needs snapshots that remember
    /// their optimizer.
    pub matrix: Matrix,
    /// Snapshots at most.
    pub rows: usize,
    /// Random probes, the same for every snapshot.
    pub probes: usize,
    /// Lanczos steps for each probe.
    pub lanczos_steps: usize,
    /// Source of the probes.
    pub seed: u64,
}

/// The density at one snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaterfallRow {
    /// The step.
    pub step: u64,
    /// The density: nodes and weights of every probe.
    pub density: SpectralDensity,
}

/// The density over the steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Waterfall {
    /// Which matrix.
    pub matrix: Matrix,
    /// The rows that are there already, by rising step.
    pub rows: Vec<WaterfallRow>,
    /// How many there will be.
    pub planned: usize,
}

/// Snapshots at about equal distances in steps, the first and the last among
/// them.
pub fn choose_snapshots(snapshots: &Snapshots, rows: usize) -> Vec<Arc<Snapshot>> {
    let (Some(first), Some(last)) = (snapshots.first(), snapshots.last()) else {
        return Vec::new();
    };
    let span = (last.step - first.step) as f64;
    let gaps = rows.saturating_sub(1).max(1);
    let mut chosen: Vec<Arc<Snapshot>> = (0..rows.max(1))
        .rev()
        .map(|k| first.step + (span * k as f64 / gaps as f64).round() as u64)
        .filter_map(|step| snapshots.nearest(if rows <= 1 { last.step } else { step }))
        .cloned()
        .collect();
    chosen.reverse();
    chosen.dedup_by_key(|snapshot| snapshot.step);
    chosen
}

/// The places 0 … n − 1, the ends first, then what lies in the middle of the
/// widest gaps: any beginning of the list is spread over the whole.
pub(super) fn coarse_to_fine(n: usize) -> Vec<usize> {
    let mut order = Vec::with_capacity(n);
    let mut known = vec![false; n];
    let mut add = |place: usize, order: &mut Vec<usize>| {
        if let Some(known) = known.get_mut(place)
            && !std::mem::replace(known, true)
        {
            order.push(place);
        }
    };
    let last = n.saturating_sub(1);
    add(last, &mut order);
    add(0, &mut order);
    let mut parts = 2;
    while order.len() < n {
        for k in 1..parts {
            add((last * k + parts / 2) / parts, &mut order);
        }
        parts *= 2;
    }
    order
}

/// The density of a matrix at one snapshot, as a waterfall has it.
///
/// # Errors
/// [`JobError`].
pub fn density_at(
    setup: &Setup,
    snapshot: &Snapshot,
    settings: &WaterfallSettings,
    progress: &dyn Progress,
) -> Result<SpectralDensity, JobError> {
    let theta = to_f64(&snapshot.theta);
    let operator = settings.matrix.operator_with(
        &setup.at(snapshot.step),
        &theta,
        snapshot.optimizer.as_deref(),
    )?;
    let options = DensityOptions {
        probes: settings.probes.max(1),
        steps: settings.lanczos_steps.max(2),
        ..DensityOptions::default()
    };
    let mut random = stream(settings.seed, "waterfall");
    Ok(spectral_density(
        &*operator,
        &options,
        None,
        &mut random,
        progress,
    )?)
}

/// The density at every one of the snapshots, from coarse to fine; `on_part`
/// gets what is known after each.
///
/// # Errors
/// [`JobError`].
pub fn waterfall(
    setup: &Setup,
    snapshots: &[Arc<Snapshot>],
    settings: &WaterfallSettings,
    progress: &dyn Progress,
    on_part: &mut dyn FnMut(&Waterfall),
) -> Result<Waterfall, JobError> {
    let total = snapshots.len();
    let mut found = Waterfall {
        matrix: settings.matrix,
        rows: Vec::with_capacity(total),
        planned: total,
    };
    for (done, index) in coarse_to_fine(total).into_iter().enumerate() {
        progress.check().map_err(MathError::from)?;
        let share = |k: usize| k as f64 / total as f64;
        let part = Part::new(progress, share(done), share(done + 1));
        let density = density_at(setup, &snapshots[index], settings, &part)?;
        let step = snapshots[index].step;
        let place = found.rows.partition_point(|row| row.step < step);
        found.rows.insert(place, WaterfallRow { step, density });
        if done + 1 < total {
            on_part(&found);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::CancelToken;
    use crate::train::testing::recipe;
    use crate::train::{Run, StepOutcome};
    use std::path::Path;

    fn settings() -> WaterfallSettings {
        WaterfallSettings {
            matrix: Matrix::Hessian,
            rows: 5,
            probes: 2,
            lanczos_steps: 12,
            seed: 7,
        }
    }

    #[test]
    fn the_order_begins_with_the_ends_and_leaves_nothing_out() {
        for n in 0..50 {
            let mut order = coarse_to_fine(n);
            if n > 3 {
                assert_eq!(order[..2], [n - 1, 0]);
                assert!(order[2].abs_diff(n / 2) <= 1);
            }
            order.sort_unstable();
            assert_eq!(order, (0..n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_row_is_the_density_of_its_snapshot() {
        let mut run = Run::new(&recipe(), Path::new(".")).unwrap();
        while run.step().unwrap() == StepOutcome::Trained {}
        let chosen = choose_snapshots(run.snapshots(), 5);
        let steps: Vec<u64> = chosen.iter().map(|snapshot| snapshot.step).collect();
        assert_eq!(steps, [0, 13, 25, 38, 50]);
        let mut parts = Vec::new();
        let found = waterfall(run.setup(), &chosen, &settings(), &(), &mut |part| {
            parts.push(part.rows.iter().map(|row| row.step).collect::<Vec<_>>());
        })
        .unwrap();
        assert_eq!(parts[..3], [vec![50], vec![0, 50], vec![0, 25, 50]]);
        assert_eq!((found.rows.len(), found.planned), (5, 5));
        for (row, snapshot) in found.rows.iter().zip(&chosen) {
            assert_eq!(row.step, snapshot.step);
            let theta = to_f64(&snapshot.theta);
            let hessian = run.setup().training_double().unwrap().hessian(&theta);
            let options = DensityOptions {
                probes: 2,
                steps: 12,
                ..DensityOptions::default()
            };
            let mut random = stream(7, "waterfall");
            let alone = spectral_density(&hessian, &options, None, &mut random, &()).unwrap();
            assert_eq!(row.density, alone);
        }
        assert_ne!(found.rows[0].density, found.rows[4].density);
        let token = CancelToken::new();
        token.cancel();
        let ended = waterfall(run.setup(), &chosen, &settings(), &token, &mut |_| ());
        assert!(matches!(ended, Err(JobError::Cancelled)));
        assert_eq!(choose_snapshots(run.snapshots(), 1)[0].step, 50);
    }
}
