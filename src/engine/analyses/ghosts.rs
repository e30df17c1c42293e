//! Paths of other runs on the plane of a slice.

use std::sync::Arc;

use super::directions::PathCentre;
use crate::engine::Landscape;
use crate::landscape::{GhostPath, project_path};
use crate::train::Snapshot;

/// Another run of the same network, whose path is shown too.
#[derive(Clone, Debug)]
pub struct Ghost {
    /// The run's name.
    pub name: String,
    /// Its number among the line styles.
    pub series: usize,
    /// Its snapshots, by rising step.
    pub path: Vec<Arc<Snapshot>>,
}

/// The ghosts' paths on the plane of a landscape around `centre`. A plane
/// through something else, and a ghost that does not fit, have none.
pub(super) fn projected(
    ghosts: &[Ghost],
    landscape: &Landscape,
    centre: &[f32],
) -> Arc<[GhostPath]> {
    if landscape.info.centre != PathCentre::Parameters {
        return Arc::default();
    }
    ghosts
        .iter()
        .filter_map(|ghost| {
            let path: Vec<(u64, &[f32])> = ghost
                .path
                .iter()
                .map(|snapshot| (snapshot.step, &snapshot.theta[..]))
                .collect();
            let points = project_path(&path, centre, &landscape.directions).ok()?;
            Some(GhostPath {
                name: ghost.name.clone(),
                series: ghost.series,
                points,
            })
        })
        .collect()
}
