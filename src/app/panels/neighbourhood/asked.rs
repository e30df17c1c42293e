//! A measurement that is asked for and comes back: of the parameters that are
//! shown, on demand while the training goes on.

use std::sync::Arc;

use eframe::egui::Ui;

use crate::app::panels::submitted::{Pace, Submitted};
use crate::app::workspace::{Timed, Workspace};
use crate::engine::{Analysis, Origin, Slot};
use crate::train::Snapshot;

const PACE: Pace = Pace {
    pause: 0.4,
    rest: 4.0,
};
/// Seconds up to which a measurement is quick enough to follow a training.
pub(super) const CHEAP: f64 = 0.5;

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request<Q> {
    origin: Origin,
    step: u64,
    pub(super) question: Q,
}

/// The newest request of one kind and its answer.
pub(super) struct Asked<Q, T> {
    submitted: Submitted<Request<Q>>,
    kept: Option<(Timed<T>, Request<Q>)>,
    /// Somebody asked for it, whether the training runs or not.
    demanded: bool,
}

impl<Q: Clone + PartialEq, T> Asked<Q, T> {
    pub(super) fn new(slot: &'static str) -> Self {
        Self {
            submitted: Submitted::new(slot),
            kept: None,
            demanded: false,
        }
    }

    pub(super) fn slot(&self) -> Slot {
        self.submitted.slot()
    }

    /// The answer, with what it answers.
    pub(super) fn kept(&self) -> Option<(&Timed<T>, &Q)> {
        self.kept
            .as_ref()
            .map(|(result, request)| (result, &request.question))
    }

    /// What was asked for last.
    pub(super) fn question(&self) -> Option<&Q> {
        self.submitted.request().map(|request| &request.question)
    }

    /// Measures the parameters that are shown as soon as that is possible.
    pub(super) fn demand(&mut self) {
        self.demanded = true;
    }

    /// How long the newest complete answer took.
    pub(super) fn took(&self) -> Option<f64> {
        self.kept.as_ref().and_then(|(kept, _)| kept.seconds)
    }

    /// Whether what is shown is not what would be measured now, and nothing is
    /// under way.
    pub(super) fn is_left(&self, ws: &Workspace) -> bool {
        let shown = ws.shown_snapshot().map(|snapshot| snapshot.step);
        let current = self.kept.as_ref().is_some_and(|(kept, request)| {
            kept.complete && Some(kept.step) == shown && self.submitted.is(request)
        });
        !self.submitted.is_busy(ws) && !current
    }

    /// Asks where that is due: at once for other settings and for parameters
    /// that stand still, after a while for those of a running training if they
    /// are to be followed.
    pub(super) fn follow(
        &mut self,
        ui: &Ui,
        ws: &mut Workspace,
        question: Q,
        follow: bool,
        label: &str,
        analysis: impl FnOnce(&Workspace, Arc<Snapshot>) -> Option<Box<dyn Analysis>>,
    ) {
        let (Some(run), Some(snapshot)) = (ws.run(), ws.shown_snapshot()) else {
            return;
        };
        let wanted = Request {
            origin: run.origin(),
            step: snapshot.step,
            question,
        };
        let calm = !ws.is_running() || ws.selected.is_some();
        let demanded = std::mem::take(&mut self.demanded);
        let due = match self.submitted.request() {
            // Its job may have been pushed aside.
            Some(submitted) if *submitted == wanted => {
                let answered = self
                    .kept
                    .as_ref()
                    .is_some_and(|(kept, request)| kept.complete && *request == wanted);
                calm && !answered && self.submitted.is_lost(ui, ws)
            }
            // The steps of one and the same training.
            Some(submitted)
                if submitted.origin == wanted.origin && submitted.question == wanted.question =>
            {
                let took = self.took();
                let cheap = took.is_some_and(|took| took <= CHEAP);
                calm || follow && cheap && !self.submitted.is_resting(ui, ws, took, PACE)
            }
            // Other settings for what is shown already.
            Some(submitted) if submitted.origin == wanted.origin => true,
            _ => calm,
        };
        let again = self.submitted.has_failed(ws) && self.submitted.is(&wanted);
        if !(demanded || due && !again) {
            return;
        }
        let Some(analysis) = analysis(ws, snapshot) else {
            return;
        };
        self.submitted.submit(ui, ws, label, wanted, analysis);
    }

    /// Takes the newest result, if it answers what was asked.
    pub(super) fn take(
        &mut self,
        ws: &Workspace,
        result: Option<&Timed<T>>,
        answers: impl FnOnce(&Q, &T) -> bool,
    ) {
        let Some(run) = ws.run() else {
            self.kept = None;
            self.submitted.forget();
            return;
        };
        self.kept
            .take_if(|(_, request)| request.origin != run.origin());
        let (Some(result), Some(request)) = (result, self.submitted.request()) else {
            return;
        };
        let belongs = request.origin == run.origin()
            && result.generation == request.origin.generation
            && result.step == request.step
            && answers(&request.question, &result.value);
        let known = self.kept.as_ref().is_some_and(|(kept, of)| {
            Arc::ptr_eq(&kept.value, &result.value)
                && kept.complete == result.complete
                && of == request
        });
        if belongs && !known {
            self.kept = Some((result.clone(), request.clone()));
        }
    }
}
