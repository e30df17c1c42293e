//! Asking for slices, and taking what comes.

use std::sync::Arc;

use eframe::egui::Ui;

use super::points::START;
use super::settings::Directions;
use super::{Kept, LandscapePanel, Request, slot};
use crate::app::workspace::{RunRecord, Workspace};
use crate::engine::analyses::{self, Ghost, SliceDirections, SliceSettings};
use crate::engine::{Landscape, SliceShape, Succession};
use crate::landscape::SliceQuantity;
use crate::train::Snapshot;

/// Seconds between two slices of a running training, at least.
const PAUSE: f64 = 0.15;
/// Seconds after which a request without an answer is made again.
const PATIENCE: f64 = 2.0;
/// Numbers of snapshots that are projected at most, times their length.
const PATH_NUMBERS: usize = 6_000_000;
/// A finer slice is not replaced by one with fewer points a side than this,
const FINE: usize = 33;
/// unless it has been on the screen for so many seconds: then a coarse picture
/// of the present parameters tells more.
const OLD: f64 = 4.0;
/// Seconds after which a slice of a running training is given up for one of the
/// present parameters, however coarse it is yet.
const FRESH: f64 = 2.0;

impl LandscapePanel {
    pub(super) fn slice_settings(&mut self, ws: &Workspace) -> SliceSettings {
        self.settings.slice(ws, &self.looking, &mut self.points)
    }

    /// The parameters in the middle. Momentum and update take the newest moment
    /// at which the optimizer's memory was kept.
    pub(super) fn centre(&self, ws: &Workspace) -> Option<Arc<Snapshot>> {
        let shown = ws.shown_snapshot()?;
        let needs = matches!(
            self.settings.directions,
            Directions::Momentum | Directions::Update
        );
        if !needs || shown.optimizer.is_some() {
            return Some(shown);
        }
        let kept = ws.run()?.snapshots.at_or_before(shown.step).cloned();
        kept.filter(|kept| kept.optimizer.is_some()).or(Some(shown))
    }

    /// Asks for a slice where another one is wanted than the newest.
    pub(super) fn follow(&mut self, ui: &Ui, ws: &mut Workspace) {
        let slice = self.slice_settings(ws);
        let Some(run) = ws.run() else { return };
        let Some(mut centre) = self.centre(ws) else {
            return;
        };
        let setup = run.setup();
        let optimizer = &setup.at(centre.step).recipe.optimizer;
        let mut wanted = Request {
            origin: run.origin(),
            step: centre.step,
            optimizer: slice
                .asks_optimizer(&optimizer.kind)
                .then(|| optimizer.clone()),
            slice,
            ghosts: ghosts(ws).map(RunRecord::id).collect(),
        };
        if let Some((training, snapshot)) = self.half_done(ws, &wanted) {
            wanted = training;
            centre = snapshot;
        }
        if wanted.slice.directions == SliceDirections::Path && run.snapshots.all().len() < 3 {
            return;
        }
        // A plane from the start to itself is none.
        if let SliceDirections::Through(through) = &wanted.slice.directions
            && centre.step == run.info.initial.step
            && through.points.iter().any(|point| point.name == START)
        {
            return;
        }
        let now = ui.input(|input| input.time);
        if let Some(submitted) = &self.submitted {
            if *submitted == wanted {
                let lost = ws.job(&slot()).is_none() && now > self.submitted_at + PATIENCE;
                if self.has_answer() || !lost {
                    return;
                }
            }
            let moved_on = submitted.origin == wanted.origin && submitted.slice == wanted.slice;
            // Only time has passed: let the running slice become fine, though
            // not for long, and leave the training some room.
            if moved_on && ws.selected.is_none() {
                if ws.job(&slot()).is_some() {
                    let seen = [&self.kept, &self.validation]
                        .into_iter()
                        .flatten()
                        .any(|kept| kept.request == *submitted);
                    let overdue = ws.is_running() && now > self.submitted_at + FRESH;
                    if !(seen && overdue) {
                        return;
                    }
                }
                let took = self.kept.as_ref().and_then(|kept| kept.result.seconds);
                let pause = took.unwrap_or(0.0).max(PAUSE);
                // A training that rests needs no room.
                if ws.is_running() && now < self.submitted_at + pause + took.unwrap_or(0.0) {
                    ui.ctx().request_repaint_after_secs(pause as f32);
                    return;
                }
            }
        }
        let path = path(run, &centre);
        self.centred_on = Some(Arc::clone(&centre));
        let label = format!("slice {0}×{0}", wanted.slice.grid);
        let analysis = analyses::slice_job(
            setup,
            centre,
            path,
            ghosts(ws).filter_map(ghost).collect(),
            wanted.slice.clone(),
        );
        ws.submit(slot(), label, Succession::Replace, Box::new(analysis));
        self.submitted = Some(wanted);
        self.submitted_at = now;
    }

    /// Whether the newest request has its last result.
    fn has_answer(&self) -> bool {
        [&self.kept, &self.validation]
            .into_iter()
            .flatten()
            .any(|kept| Some(&kept.request) == self.submitted.as_ref() && kept.result.complete)
    }

    /// Where a line on the training set is complete: the same line on the
    /// validation set, if there is one.
    fn half_done(&self, ws: &Workspace, wanted: &Request) -> Option<(Request, Arc<Snapshot>)> {
        let run = ws.run()?;
        let kept = self.kept.as_ref()?;
        let one_set = matches!(
            wanted.slice.quantity,
            SliceQuantity::Gap | SliceQuantity::SampleLoss { .. }
        );
        let both = wanted.slice.line && run.info.validation.is_some() && !one_set;
        let same = kept.request.slice == wanted.slice
            && kept.request.origin == wanted.origin
            && kept.request.optimizer == wanted.optimizer;
        if !both || !same || !kept.result.complete {
            return None;
        }
        let other = Request {
            slice: SliceSettings {
                split: analyses::Split::Validation,
                ..kept.request.slice.clone()
            },
            ..kept.request.clone()
        };
        let done = self
            .validation
            .as_ref()
            .is_some_and(|kept| kept.request == other && kept.result.complete);
        if done {
            return None;
        }
        let live = run.live.as_ref().filter(|live| live.step == other.step);
        let stored = run.snapshots.nearest(other.step);
        let snapshot = live.or(stored.filter(|s| s.step == other.step))?;
        Some((other, Arc::clone(snapshot)))
    }

    /// Takes the newest result, unless a finer one of the same kind is shown and
    /// this one is still being refined.
    pub(super) fn take(&mut self, ui: &Ui, ws: &Workspace) {
        let Some(run) = ws.run() else {
            self.kept = None;
            return;
        };
        let stale = |kept: &Kept| kept.request.origin != run.origin();
        self.kept.take_if(|kept| stale(kept));
        self.validation.take_if(|kept| stale(kept));
        let (Some(result), Some(request), Some(centre)) =
            (&run.results.landscape, &self.submitted, &self.centred_on)
        else {
            return;
        };
        let belongs = result.generation == request.origin.generation
            && run.id() == request.origin.run
            && result.step == request.step;
        if !belongs {
            return;
        }
        let second = request.slice.line && request.slice.split == analyses::Split::Validation;
        let place = if second {
            &mut self.validation
        } else {
            &mut self.kept
        };
        if let Some(kept) = place {
            if Arc::ptr_eq(&kept.result.value, &result.value)
                && kept.result.complete == result.complete
            {
                return;
            }
            let alike = kept.request.slice == request.slice;
            let points = points(&result.value);
            let enough = points >= points_of(kept).min(FINE);
            let old = ui.input(|input| input.time) > kept.asked_at + OLD;
            if alike && !result.complete && !enough && !old && ws.selected.is_none() {
                return;
            }
        }
        *place = Some(Kept {
            result: result.clone(),
            request: request.clone(),
            centre: Arc::clone(centre),
            asked_at: self.submitted_at,
        });
    }
}

/// Snapshots up to the one shown, as many as can be projected quickly, evenly
/// chosen; the first and the shown one are always among them.
pub(super) fn path(run: &RunRecord, centre: &Arc<Snapshot>) -> Vec<Arc<Snapshot>> {
    let all: Vec<&Arc<Snapshot>> = run
        .snapshots
        .all()
        .iter()
        .filter(|snapshot| snapshot.step < centre.step)
        .collect();
    let most = (PATH_NUMBERS / centre.theta.len().max(1)).clamp(24, 400);
    let stride = all.len().div_ceil(most).max(1);
    all.into_iter()
        .step_by(stride)
        .chain(std::iter::once(centre))
        .cloned()
        .collect()
}

/// The other runs of the same network that are to be seen.
fn ghosts(ws: &Workspace) -> impl Iterator<Item = &RunRecord> {
    let run = ws.run();
    ws.visible_runs().filter(move |other| {
        run.is_some_and(|run| {
            other.id() != run.id() && other.info.network.layout() == run.info.network.layout()
        })
    })
}

/// A run's path, as much of it as can be projected quickly.
fn ghost(run: &RunRecord) -> Option<Ghost> {
    let last = run.snapshots.last()?;
    Some(Ghost {
        name: run.name.clone(),
        series: run.color,
        path: path(run, last),
    })
}

fn points(landscape: &Landscape) -> usize {
    match &landscape.shape {
        SliceShape::Plane(slice) => slice.alpha.len(),
        SliceShape::Line(slice) => slice.alpha.len(),
    }
}

fn points_of(kept: &Kept) -> usize {
    points(&kept.result.value)
}
