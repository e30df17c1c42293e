//! The newest request of a panel for a measurement, and when the next is due.

use eframe::egui::Ui;

use crate::app::workspace::Workspace;
use crate::engine::{Analysis, Slot, Succession};

/// Seconds after which a request without an answer is made again.
const PATIENCE: f64 = 2.0;
/// Seconds until a panel looks again whether the next one is due.
const LOOK_AGAIN: f32 = 0.25;

/// How often measurements follow a running training.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    /// Seconds between two requests, at least.
    pub pause: f64,
    /// How many times as long as the work itself took the next one waits.
    pub rest: f64,
}

/// The newest request of one slot.
pub(super) struct Submitted<R> {
    slot: &'static str,
    newest: Option<R>,
    /// When it was made, in seconds.
    at: f64,
}

impl<R: PartialEq> Submitted<R> {
    /// Nothing yet.
    pub fn new(slot: &'static str) -> Self {
        Self {
            slot,
            newest: None,
            at: 0.0,
        }
    }

    pub fn slot(&self) -> Slot {
        Slot::new(self.slot)
    }

    /// What was asked for last.
    pub fn request(&self) -> Option<&R> {
        self.newest.as_ref()
    }

    /// Whether it was this.
    pub fn is(&self, request: &R) -> bool {
        self.newest.as_ref() == Some(request)
    }

    /// As if nothing had been asked for.
    pub fn forget(&mut self) {
        self.newest = None;
    }

    /// Begins the work of a request, instead of the one before.
    pub fn submit(
        &mut self,
        ui: &Ui,
        ws: &mut Workspace,
        label: &str,
        request: R,
        analysis: Box<dyn Analysis>,
    ) {
        ws.submit(self.slot(), label, Succession::Replace, analysis);
        self.newest = Some(request);
        self.at = now(ui);
    }

    /// Whether a measurement is under way.
    pub fn is_busy(&self, ws: &Workspace) -> bool {
        ws.job(&self.slot()).is_some()
    }

    /// Whether it failed: the panel tells, and waits to be asked.
    pub fn has_failed(&self, ws: &Workspace) -> bool {
        self.newest.is_some()
            && ws
                .run()
                .is_some_and(|run| run.results.failure(&self.slot()).is_some())
    }

    /// Whether the work has ended for so long that its answer would have come: it
    /// may have been pushed aside.
    pub fn is_lost(&self, ui: &Ui, ws: &Workspace) -> bool {
        !self.is_busy(ws) && now(ui) > self.at + PATIENCE
    }

    /// Whether the next measurement of the same training has to wait. The window
    /// looks again then.
    pub fn is_resting(&self, ui: &Ui, ws: &Workspace, took: Option<f64>, pace: Pace) -> bool {
        let pause = pace.pause.max(pace.rest * took.unwrap_or(0.0));
        let resting = self.is_busy(ws) || ws.is_running() && now(ui) < self.at + pause;
        if resting {
            ui.ctx().request_repaint_after_secs(LOOK_AGAIN);
        }
        resting
    }
}

fn now(ui: &Ui) -> f64 {
    ui.input(|input| input.time)
}
