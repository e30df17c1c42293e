//! What happens along the top eigenvectors, step by step, and the flows beside
//! a run. The window of steps ends with the newest one, or begins with the step
//! that is shown.

mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use eframe::egui::{Ui, Vec2};

use self::settings::{Settings, View};
use super::controls::{self, header};
use super::shown::{Plan, Shown, fingerprint};
use super::submitted::{Pace, Submitted};
use super::{Panel, PanelKind};
use crate::app::plot::Options;
use crate::app::workspace::{RunRecord, Timed, Workspace};
use crate::engine::stability::{Beginning, flow_job, stability_job};
use crate::engine::{Analysis, Origin};
use crate::figure::Figure;
use crate::stability::{FlowReport, StabilityReport};
use crate::views::flow::{self, FlowArrangement, FlowLook};
use crate::views::stability::{self, StabilityLook, StabilityPart};

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
struct Request {
    origin: Origin,
    from: u64,
    steps: u64,
    /// Stands for all settings that change what is computed.
    settings: u64,
}

/// A result on the screen, and what it answers.
type Kept<T> = Option<(Timed<T>, Request)>;

pub(super) struct StabilityPanel {
    settings: Settings,
    submitted: Submitted<Request>,
    readings: Kept<StabilityReport>,
    flows: Kept<FlowReport>,
    shown: Shown<(usize, usize)>,
    room: Vec2,
}

impl Default for StabilityPanel {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            submitted: Submitted::new("stability"),
            readings: None,
            flows: None,
            shown: Shown::default(),
            room: Vec2::ZERO,
        }
    }
}

const PACE: Pace = Pace {
    pause: 1.0,
    rest: 3.0,
};
/// Steps below which there is nothing to see.
const LEAST: u64 = 4;
/// Points of height under which only the first axes are shown.
const SINGLE: f32 = 240.0;

const SENTENCE: &str = "What happens along the top eigenvectors of the Hessian, step by step: \
                        sharpness against the stability line, the oscillation of the gradient, \
                        its share in their space, and gradient flow beside the run.";

const CHOOSE: &str = "Gradient flow is where infinitely small steps would go, the central flow \
                      where descent goes on average while it oscillates: choose one of them above.";

impl StabilityPanel {
    /// The window of steps that is wanted now; nothing before there are enough.
    fn window(&self, ws: &Workspace, run: &RunRecord) -> Option<(u64, u64)> {
        let (first, last) = (run.info.initial.step, run.newest_step());
        if last < first + LEAST {
            return None;
        }
        let steps = self.settings.steps.min(last - first);
        let latest = last - steps;
        let from = ws.selected.map_or(latest, |step| step.clamp(first, latest));
        Some((from, steps))
    }

    fn request(&self, ws: &Workspace) -> Option<Request> {
        let run = ws.run()?;
        let (from, steps) = self.window(ws, run)?;
        let setup = &run.info.setup;
        let settings = match self.settings.view {
            View::Readings(_) => fingerprint(&self.settings.readings(setup, 0)),
            View::Flows => fingerprint(&self.settings.flows(0)),
        };
        Some(Request {
            origin: run.origin(),
            from,
            steps,
            settings,
        })
    }

    /// What is kept of the part that is shown: its request, whether it is
    /// complete, and how long it took.
    fn kept(&self) -> Option<(&Request, bool, Option<f64>)> {
        match self.settings.view {
            View::Readings(_) => {
                let (kept, of) = self.readings.as_ref()?;
                Some((of, kept.complete, kept.seconds))
            }
            View::Flows => {
                let (kept, of) = self.flows.as_ref()?;
                Some((of, kept.complete, kept.seconds))
            }
        }
    }

    /// Asks for a window where another one is wanted than the newest.
    fn follow(&mut self, ui: &Ui, ws: &mut Workspace) {
        let Some(wanted) = self.request(ws) else {
            return;
        };
        if self.settings.view == View::Flows && self.settings.is_without_flows() {
            return;
        }
        let kept = self.kept();
        let answered = kept.is_some_and(|(of, complete, _)| *of == wanted && complete);
        if answered {
            return;
        }
        if self.submitted.is(&wanted) && !self.submitted.is_lost(ui, ws) {
            return;
        }
        let moved_on = self.submitted.request().is_some_and(|submitted| {
            submitted.origin == wanted.origin && submitted.settings == wanted.settings
        });
        // A step that was chosen is shown at once.
        if moved_on && ws.selected.is_none() {
            let took = kept.and_then(|(_, _, seconds)| seconds);
            if self.submitted.is_resting(ui, ws, took, PACE) {
                return;
            }
        }
        let Some(run) = ws.run() else { return };
        let setup = &run.info.setup;
        let beginning = Beginning {
            setup: Arc::clone(setup),
            snapshots: run.snapshots.all().to_vec(),
            changes: run.changes.clone(),
            from: wanted.from,
        };
        let (analysis, label): (Box<dyn Analysis>, _) = match self.settings.view {
            View::Readings(_) => {
                let settings = self.settings.readings(setup, wanted.steps);
                (Box::new(stability_job(beginning, settings)), "stability")
            }
            View::Flows => {
                let settings = self.settings.flows(wanted.steps);
                (Box::new(flow_job(beginning, settings)), "flows")
            }
        };
        self.submitted.submit(ui, ws, label, wanted, analysis);
    }

    /// Takes what came: a window in part only where it does not take the place
    /// of a whole one that follows the same training.
    fn take(&mut self, ws: &Workspace) {
        let Some(run) = ws.run() else {
            (self.readings, self.flows) = (None, None);
            return;
        };
        let origin = run.origin();
        self.readings.take_if(|(_, of)| of.origin != origin);
        self.flows.take_if(|(_, of)| of.origin != origin);
        let Some(request) = self.submitted.request() else {
            return;
        };
        match self.settings.view {
            View::Readings(_) => accept(&mut self.readings, &run.results.stability, request),
            View::Flows => accept(&mut self.flows, &run.results.flow, request),
        }
    }

    fn look(&self, room: Vec2) -> StabilityLook {
        let part = match self.settings.view {
            View::Readings(part) => part,
            View::Flows => StabilityPart::default(),
        };
        StabilityLook {
            part,
            log: self.settings.log,
            beside: is_wide(room),
            single: room.y < SINGLE && !is_wide(room),
        }
    }

    /// How the figure is built.
    fn plan(&self, room: Vec2) -> Option<Plan> {
        if self.settings.view == View::Flows {
            let (kept, _) = self.flows.as_ref()?;
            let found = Arc::clone(&kept.value);
            let arrangement = arrangement(room);
            return Some(Box::new(move || {
                flow::figure(&FlowLook { arrangement }, Some(&found))
            }));
        }
        let (kept, _) = self.readings.as_ref()?;
        let (found, look) = (Arc::clone(&kept.value), self.look(room));
        Some(Box::new(move || stability::figure(&look, Some(&found))))
    }
}

fn accept<T>(kept: &mut Kept<T>, result: &Option<Timed<T>>, request: &Request) {
    let Some(result) = result else { return };
    if result.generation != request.origin.generation || result.step != request.from {
        return;
    }
    let better = match kept {
        None => true,
        Some((before, _)) if Arc::ptr_eq(&before.value, &result.value) => {
            before.complete != result.complete
        }
        Some((before, of)) => {
            let follows = of.settings == request.settings && of != request;
            result.complete || !before.complete || !follows
        }
    };
    if better {
        *kept = Some((result.clone(), request.clone()));
    }
}

/// Whether there is more room beside each other than above.
fn is_wide(room: Vec2) -> bool {
    room.x >= 760.0 && room.x >= 2.4 * room.y
}

fn arrangement(room: Vec2) -> FlowArrangement {
    if is_wide(room) {
        FlowArrangement::Row
    } else if room.x >= 620.0 && room.y >= 380.0 {
        FlowArrangement::Grid
    } else if room.y >= 620.0 {
        FlowArrangement::Stacked
    } else if room.y >= SINGLE {
        FlowArrangement::Two
    } else {
        FlowArrangement::One
    }
}

impl Panel for StabilityPanel {
    fn kind(&self) -> PanelKind {
        PanelKind::Stability
    }

    fn title(&self, _ws: &Workspace) -> String {
        "Stability".to_owned()
    }

    fn ui(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        self.take(ws);
        let Some(run) = ws.run() else {
            self.shown.clear();
            controls::nothing_trained(ui, ws, SENTENCE);
            return;
        };
        self.shown.of_run(run.id());
        let setup = Arc::clone(&run.info.setup);
        let before = self.settings.view;
        header(ui, |ui| {
            self.settings.ui(ui, &setup);
            controls::moment(ui, ws);
            controls::progress(ui, ws, &self.submitted.slot());
        });
        if self.settings.view != before {
            self.shown.view.fit();
        }
        if controls::failure(ui, ws, &self.submitted.slot()) {
            self.submitted.forget();
        }
        let failed = self.submitted.has_failed(ws);
        if !failed {
            self.follow(ui, ws);
        }
        let idle = self.settings.view == View::Flows && self.settings.is_without_flows();
        if self.kept().is_none() || idle {
            self.shown.clear();
            if idle {
                controls::nothing_yet(ui, CHOOSE, None);
            } else if self.request(ws).is_some() && !failed {
                controls::nothing_yet(ui, SENTENCE, None);
            } else if !failed {
                controls::nothing_trained(ui, ws, SENTENCE);
            }
            return;
        }
        self.room = ui.available_size();
        let of = |pointer: Option<*const ()>| pointer.map_or(0, |pointer| pointer as usize);
        let key = (
            of(self
                .readings
                .as_ref()
                .map(|(kept, _)| Arc::as_ptr(&kept.value).cast())),
            of(self
                .flows
                .as_ref()
                .map(|(kept, _)| Arc::as_ptr(&kept.value).cast())),
        );
        let room = self.room;
        let settings = fingerprint(&(
            self.look(room),
            self.settings.view,
            (self.settings.view == View::Flows).then(|| arrangement(room)),
        ));
        let mut shown = std::mem::take(&mut self.shown);
        shown.follow(ui, key, settings, || self.plan(room));
        self.shown = shown;
        // The overlaps have steps on both axes.
        let over_steps = self.settings.view != View::Readings(StabilityPart::Overlap);
        let panels = self
            .shown
            .figure()
            .map_or(0, |figure| figure.panels().count());
        let cursor = ws.linked_step().or(ws.selected).map(|step| step as f64);
        let options = Options {
            cursors: if over_steps {
                vec![cursor; panels]
            } else {
                Vec::new()
            },
            ..Options::default()
        };
        let response = self.shown.show(ui, "stability", &options);
        let step_at = |x: f64| x.round().max(0.0) as u64;
        if let Some(place) = response.hovered.filter(|_| over_steps) {
            ws.cursor_step = Some(step_at(place.x));
        }
        if let Some(place) = response.clicked.filter(|_| over_steps) {
            ws.select_step(step_at(place.x));
        }
    }

    fn settings_menu(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        if let Some(run) = ws.run() {
            let setup = Arc::clone(&run.info.setup);
            self.settings.numbers(ui, &setup);
        }
        if ui.button("Read again").clicked() {
            self.submitted.forget();
            (self.readings, self.flows) = (None, None);
            ui.close();
        }
        if ui
            .button("Fit")
            .on_hover_text("Show everything again (double click)")
            .clicked()
        {
            self.shown.view.fit();
            ui.close();
        }
    }

    fn figure(&self, _ws: &Workspace) -> Option<Figure> {
        Some(self.shown.as_seen(self.plan(self.room)?()))
    }

    fn save(&self) -> Option<serde_json::Value> {
        serde_json::to_value(&self.settings).ok()
    }

    fn restore(&mut self, stored: &serde_json::Value) {
        if let Ok(settings) = serde_json::from_value::<Settings>(stored.clone()) {
            self.settings = settings.clamped();
        }
    }
}
