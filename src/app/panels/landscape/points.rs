//! The parameters that a plane can be drawn through: the run's start, moments
//! that were pinned, and other runs' ends.

use std::sync::Arc;

use super::settings::Settings;
use crate::app::widgets::thousands;
use crate::app::workspace::Workspace;
use crate::engine::analyses::{Anchor, Through};
use crate::train::Snapshot;

/// The run's first parameters.
pub(super) const START: &str = "start";

/// Pinned moments, and the vectors that were made for slices.
#[derive(Default)]
pub(super) struct Points {
    pins: Vec<(String, Arc<[f32]>)>,
    /// The anchors in use: a slice is asked for anew when they are others.
    anchors: Vec<(Arc<[f32]>, Anchor)>,
}

impl Points {
    /// Keeps the parameters of this moment for planes.
    pub(super) fn pin(&mut self, snapshot: &Snapshot) -> String {
        let name = format!("step {}", thousands(snapshot.step));
        if !self.pins.iter().any(|(pin, _)| *pin == name) {
            self.pins.push((name.clone(), Arc::clone(&snapshot.theta)));
        }
        name
    }

    /// All parameters of the network's size that there are, by name.
    pub(super) fn all(&self, ws: &Workspace) -> Vec<(String, Arc<[f32]>)> {
        let Some(run) = ws.run() else {
            return Vec::new();
        };
        let start = run.snapshots.first().unwrap_or(&run.info.initial);
        let mut all = vec![(START.to_owned(), Arc::clone(&start.theta))];
        all.extend(self.pins.iter().cloned());
        let others = ws.runs.iter().filter(|other| other.id() != run.id());
        all.extend(others.filter_map(|other| {
            let last = other.snapshots.last()?;
            Some((other.name.clone(), Arc::clone(&last.theta)))
        }));
        all.retain(|(_, theta)| theta.len() == run.info.setup.dim());
        all
    }

    fn anchor(&mut self, name: &str, theta: &Arc<[f32]>) -> Anchor {
        let known = self
            .anchors
            .iter()
            .find(|(of, anchor)| Arc::ptr_eq(of, theta) && anchor.name == name);
        if let Some((_, anchor)) = known {
            return anchor.clone();
        }
        let anchor = Anchor {
            name: name.to_owned(),
            theta: theta.iter().map(|x| f64::from(*x)).collect(),
        };
        // Two are in use at a time.
        if self.anchors.len() > 8 {
            self.anchors.clear();
        }
        self.anchors.push((Arc::clone(theta), anchor.clone()));
        anchor
    }

    /// What was chosen, as far as it is there; the start where nothing is.
    pub(super) fn through(&mut self, ws: &Workspace, settings: &Settings) -> Option<Through> {
        let all = self.all(ws);
        let find = |name: &Option<String>| {
            let name = name.as_deref()?;
            all.iter().find(|(known, _)| known == name)
        };
        let [first, second] = &settings.through;
        let first = find(first).or(all.first())?;
        let second = find(second).filter(|second| second.0 != first.0);
        let points = [Some(first), second]
            .into_iter()
            .flatten()
            .map(|(name, theta)| self.anchor(name, theta))
            .collect();
        Some(Through {
            points,
            orthogonal: settings.through_orthogonal,
        })
    }
}
