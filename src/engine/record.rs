//! A run as the events tell it: what the window keeps of each run.

use std::sync::Arc;

use super::command::Origin;
use super::event::{Event, EventKind, MonitorLoad, RunInfo, RunState};
use super::result::SpectrumPoint;
use crate::math::chunked::Chunked;
use crate::train::optimizers::Stability;
use crate::train::{History, MetricRow, Setup, Snapshots};

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
    pub spectrum: Chunked<SpectrumPoint>,
    /// What measuring them costs, while it trains.
    pub load: Option<MonitorLoad>,
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
            spectrum: Chunked::new(),
            load: None,
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

    /// What an analysis of the run begins with: its setup, which knows of the
    /// hyperparameters that were changed.
    pub fn setup(&self) -> Arc<Setup> {
        self.info.setup.with_changes(&self.changes)
    }

    /// Enters an event of this run; events of other runs, a new
    /// [`EventKind::Loaded`] and jobs' events are not for it and give `false`.
    pub fn apply(&mut self, event: Event) -> bool {
        if event.origin.run != self.info.origin.run {
            return false;
        }
        match event.kind {
            EventKind::Rewound { step } => drop(self.rewind(step)),
            EventKind::Metrics(rows) => self.history.append_all(rows),
            EventKind::Snapshots(snapshots) => {
                for snapshot in snapshots {
                    self.snapshots.push(snapshot);
                }
            }
            EventKind::Spectrum(points) => {
                for point in points {
                    self.enter(point);
                }
            }
            EventKind::Monitoring(load) => self.load = Some(load),
            EventKind::State(state) => {
                self.state = state;
                if self.state != RunState::Running {
                    self.steps_per_second = None;
                    self.load = None;
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

    /// Enters that the run stands at this step again. Gives back what was told
    /// of later ones: there may be so much of it that dropping it takes a while.
    pub fn rewind(&mut self, step: u64) -> (Chunked<MetricRow>, Chunked<SpectrumPoint>) {
        self.snapshots.truncate_after(step);
        // Hyperparameters stay as they are, from here on.
        for (changed, ..) in &mut self.changes {
            *changed = step.min(*changed);
        }
        let kept = self.spectrum.partition_point(|point| point.step <= step);
        (self.history.split_off(step), self.spectrum.split_off(kept))
    }

    /// Enters a measurement; one of the same step is replaced.
    fn enter(&mut self, point: SpectrumPoint) {
        if let Some(sharpness) = point.sharpness() {
            self.history.set_sharpness(point.step, sharpness);
        }
        if self
            .spectrum
            .last()
            .is_none_or(|last| last.step < point.step)
        {
            self.spectrum.push(point);
            return;
        }
        // A late one: those after it are few.
        let index = self.spectrum.partition_point(|p| p.step < point.step);
        let mut later = self.spectrum.split_off(index).to_vec();
        later.retain(|p| p.step != point.step);
        self.spectrum.push(point);
        self.spectrum.extend(later);
    }

    /// Updates done, as far as reported: the newest row's step, or the newest
    /// snapshot's where that is later.
    pub fn step(&self) -> u64 {
        let row = self.history.last().map_or(0, |row| row.step);
        let snapshot = self.snapshots.last().map_or(0, |kept| kept.step);
        row.max(snapshot)
    }
}
