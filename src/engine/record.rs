//! A run as the events tell it: what the window keeps of each run.

use std::sync::Arc;

use super::command::Origin;
use super::event::{Event, EventKind, RunInfo, RunState};
use super::result::SpectrumPoint;
use crate::train::optimizers::Stability;
use crate::train::{History, Snapshots};

/// The record of one run: feed it the run's events.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// What training does not change.
    pub info: Arc<RunInfo>,
    /// The rows so far.
    pub history: History,
    /// The snapshots so far, thinned by the policy; the vectors are shared.
    pub snapshots: Snapshots,
    /// The measured top eigenvalues, by rising step.
    pub spectrum: Vec<Arc<SpectrumPoint>>,
    /// Changes of hyperparameters: step, key, value.
    pub changes: Vec<(u64, String, f64)>,
    /// Up to which sharpness the present steps are stable.
    pub stability: Stability,
    /// Whether it trains.
    pub state: RunState,
    /// Steps per second, while it trains.
    pub steps_per_second: Option<f64>,
}

impl RunRecord {
    /// The record of a run that was just loaded or reset.
    pub fn new(info: Arc<RunInfo>) -> Self {
        let memory = info.recipe.training.count("snapshot_memory_mb") << 20;
        let mut snapshots = Snapshots::new(memory);
        snapshots.push(Arc::clone(&info.initial));
        Self {
            history: History::new(),
            snapshots,
            spectrum: Vec::new(),
            changes: Vec::new(),
            stability: info.stability.clone(),
            state: RunState::Paused,
            steps_per_second: None,
            info,
        }
    }

    /// The run and the generation in which it was loaded or reset.
    pub fn origin(&self) -> Origin {
        self.info.origin
    }

    /// Enters an event of this run; events of other runs, a new
    /// [`EventKind::Loaded`] and jobs' events are not for it and give `false`.
    pub fn apply(&mut self, event: Event) -> bool {
        if event.origin.run != self.info.origin.run {
            return false;
        }
        match event.kind {
            EventKind::Rewound { step } => {
                self.history.truncate(step);
                self.snapshots.truncate_after(step);
                self.spectrum.retain(|point| point.step <= step);
                // Hyperparameters stay as they are, from here on.
                for (changed, ..) in &mut self.changes {
                    *changed = step.min(*changed);
                }
            }
            EventKind::Metrics(rows) => {
                for row in rows {
                    self.history.append(row);
                }
            }
            EventKind::Snapshots(snapshots) => {
                for snapshot in snapshots {
                    self.snapshots.push(snapshot);
                }
            }
            EventKind::Spectrum(point) => {
                if let Some(sharpness) = point.sharpness() {
                    self.history.set_sharpness(point.step, sharpness);
                }
                let index = self.spectrum.partition_point(|p| p.step < point.step);
                if self
                    .spectrum
                    .get(index)
                    .is_some_and(|p| p.step == point.step)
                {
                    self.spectrum[index] = point;
                } else {
                    self.spectrum.insert(index, point);
                }
            }
            EventKind::State(state) => {
                self.state = state;
                if self.state != RunState::Running {
                    self.steps_per_second = None;
                }
            }
            EventKind::Hyperparameter {
                key,
                value,
                step,
                stability,
            } => {
                self.changes.push((step, key, value));
                self.stability = stability;
            }
            EventKind::Rate { steps_per_second } => {
                self.steps_per_second = Some(steps_per_second);
            }
            EventKind::Loaded(_) | EventKind::Refused { .. } | EventKind::Job(_) => return false,
        }
        true
    }

    /// Updates done, as far as reported: the newest row's step, or the newest
    /// snapshot's where that is later.
    pub fn step(&self) -> u64 {
        let row = self.history.last().map_or(0, |row| row.step);
        let snapshot = self.snapshots.last().map_or(0, |kept| kept.step);
        row.max(snapshot)
    }
}
