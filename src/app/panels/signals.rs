//! Opposing signals: the samples that the steps pull in opposite directions.

use std::sync::Arc;

use eframe::egui::{self, Ui};
use serde::{Deserialize, Serialize};

use super::controls::{self, NARROW, header, segments, toggle, whole_number};
use super::shown::{Plan, Shown, fingerprint};
use super::submitted::{Pace, Submitted};
use super::{Panel, PanelKind};
use crate::app::plot::Options;
use crate::app::workspace::{RunRecord, Timed, Workspace};
use crate::diagnostics::signals::{OpposingSignals, SignalSettings, most_steps};
use crate::engine::{Origin, analyses};
use crate::figure::Figure;
use crate::views::signals::{self, Arrangement, SignalData, SignalLook, SignalPart};

/// What is stored of the panel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Settings {
    look: SignalLook,
    /// Steps that are looked at.
    steps: usize,
    /// Samples of each group.
    top: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            look: SignalLook::default(),
            steps: 200,
            top: 8,
        }
    }
}

/// What is asked for: of which run, and which steps.
#[derive(Clone, Debug, PartialEq)]
struct Request {
    origin: Origin,
    settings: SignalSettings,
}

pub(super) struct SignalsPanel {
    settings: Settings,
    submitted: Submitted<Request>,
    kept: Option<(Timed<OpposingSignals>, Origin)>,
    /// The step whose samples are shown until it is let go.
    pinned: Option<u64>,
    shown: Shown<(Origin, usize, Option<u64>)>,
    arrangement: Arrangement,
}

impl Default for SignalsPanel {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            submitted: Submitted::new("signals"),
            kept: None,
            pinned: None,
            shown: Shown::default(),
            arrangement: Arrangement::default(),
        }
    }
}

const PACE: Pace = Pace {
    pause: 1.0,
    rest: 3.0,
};
/// So many points of width and height everything needs, beside or above each
/// other, and losses and samples alone.
const BESIDE: (f32, f32) = (560.0, 360.0);
const STACKED: (f32, f32) = (520.0, 560.0);
const PAIR: (f32, f32) = (440.0, 150.0);
const TALL: (f32, f32) = (200.0, 340.0);

const SENTENCE: &str = "Which samples' losses rise and which fall in every step: at the edge of \
                        stability a few pull the network in opposite directions, each by far \
                        more than the mean loss shows.";

fn arrangement(room: egui::Vec2) -> Arrangement {
    if room.x >= BESIDE.0 && room.y >= BESIDE.1 && room.x >= room.y {
        Arrangement::Beside
    } else if room.x >= STACKED.0 && room.y >= STACKED.1 {
        Arrangement::Stacked
    } else if room.x >= TALL.0 && room.y >= TALL.1.max(room.x) {
        Arrangement::Tall
    } else if room.x >= PAIR.0 && room.y >= PAIR.1 {
        Arrangement::Pair
    } else {
        Arrangement::Single
    }
}

impl SignalsPanel {
    /// The steps that are looked at: the last ones, or those around the moment
    /// that views show. A moment within those that are shown already leaves them.
    fn wanted(&self, run: &RunRecord, ws: &Workspace) -> Option<SignalSettings> {
        let (first, newest) = (run.info.initial.step, run.step());
        let most = most_steps(run.info.training.len(), run.info.dim()).max(1);
        let asked = self.settings.steps.clamp(1, most) as u64;
        let end = match ws.selected {
            Some(selected) => {
                let shown = self.kept.as_ref().filter(|(_, of)| *of == run.origin());
                let shown = shown.map(|(kept, _)| kept.value.settings);
                if let Some(shown) = shown
                    && (shown.from..=shown.from + shown.steps as u64).contains(&selected)
                    && shown.top == self.settings.top
                    && (shown.steps as u64 == asked || shown.from == first)
                {
                    return Some(shown);
                }
                (selected + asked / 2).min(newest)
            }
            None => newest,
        };
        let from = end.saturating_sub(asked).max(first);
        let steps = usize::try_from(end.checked_sub(from)?).ok()?;
        (steps > 0).then_some(SignalSettings {
            from,
            steps,
            top: self.settings.top.max(1),
        })
    }

    /// Asks for an analysis where another one is wanted than the newest.
    fn follow(&mut self, ui: &Ui, ws: &mut Workspace) {
        let Some(run) = ws.run() else { return };
        let Some(settings) = self.wanted(run, ws) else {
            return;
        };
        let wanted = Request {
            origin: run.origin(),
            settings,
        };
        let kept = self.kept.as_ref();
        if self.submitted.is(&wanted) {
            let answered = kept.is_some_and(|(kept, of)| {
                *of == wanted.origin && kept.value.settings == settings && kept.complete
            });
            if answered || !self.submitted.is_lost(ui, ws) {
                return;
            }
        }
        let moved_on = self.submitted.request().is_some_and(|submitted| {
            submitted.origin == wanted.origin
                && submitted.settings.top == settings.top
                && submitted.settings != settings
        });
        if moved_on {
            let took = kept.and_then(|(kept, _)| kept.seconds);
            if self.submitted.is_resting(ui, ws, took, PACE) {
                return;
            }
        }
        let start = run.snapshots.all().iter().rev();
        let start = start
            .filter(|kept| kept.step <= settings.from && kept.optimizer.is_some())
            .take(1)
            .cloned()
            .collect();
        let setup = Arc::clone(&run.info.setup);
        let analysis = analyses::signals_job(setup, start, run.changes.clone(), settings);
        self.submitted
            .submit(ui, ws, "opposing signals", wanted, Box::new(analysis));
    }

    /// Takes an analysis; one in part does not replace a whole one.
    fn take(&mut self, ws: &Workspace) {
        let Some(run) = ws.run() else {
            self.kept = None;
            return;
        };
        let origin = run.origin();
        self.kept.take_if(|(_, of)| *of != origin);
        let Some(result) = &run.results.signals else {
            // The run went back: what was known of it is void.
            if self.kept.take().is_some() {
                self.submitted.forget();
            }
            return;
        };
        if result.generation != origin.generation {
            return;
        }
        let better = match &self.kept {
            None => true,
            Some((kept, _)) => {
                (!Arc::ptr_eq(&kept.value, &result.value) || kept.complete != result.complete)
                    && (result.complete || !kept.complete)
            }
        };
        if better {
            self.kept = Some((result.clone(), origin));
        }
        let within = |step: &mut u64| {
            let kept = self.kept.as_ref();
            kept.is_none_or(|(kept, _)| kept.value.index(*step).is_none())
        };
        self.pinned.take_if(within);
    }

    /// The step whose samples are shown, where one was chosen.
    fn chosen(&self, ws: &Workspace) -> Option<u64> {
        let (kept, _) = self.kept.as_ref()?;
        ws.linked_step()
            .into_iter()
            .chain(self.pinned)
            .chain(ws.selected)
            .find(|step| kept.value.index(*step).is_some())
    }

    /// How the figure is built.
    fn plan(&self, ws: &Workspace, arrangement: Arrangement, marked: bool) -> Option<Plan> {
        let info = Arc::clone(&ws.run()?.info);
        let (kept, _) = self.kept.as_ref()?;
        let found = Arc::clone(&kept.value);
        let (look, step) = (self.settings.look.clone(), self.chosen(ws));
        Some(Box::new(move || {
            let data = SignalData {
                found: &found,
                data: &info.data.train,
                step,
                marked,
            };
            signals::figure(&look, arrangement, &data)
        }))
    }

    /// Which of the figure's panels count steps.
    fn over_steps(&self) -> &'static [usize] {
        match (self.settings.look.part, self.arrangement) {
            (SignalPart::Samples, _) => &[],
            (_, Arrangement::Single)
            | (SignalPart::Both, Arrangement::Pair | Arrangement::Tall) => &[0],
            (SignalPart::Both, Arrangement::Beside) => &[0, 2],
            _ => &[0, 1],
        }
    }

    fn controls(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        header(ui, |ui| {
            let look = &mut self.settings.look;
            segments(
                ui,
                "Shown",
                &mut look.part,
                &[
                    (SignalPart::Both, "both", "Groups and samples"),
                    (
                        SignalPart::Groups,
                        "groups",
                        "The losses of both groups over the steps, and what they have in common",
                    ),
                    (
                        SignalPart::Samples,
                        "samples",
                        "The samples that one step moves most, and its changes against the next",
                    ),
                ],
            );
            toggle(ui, &mut look.log, "log", "A logarithmic axis of the losses");
            whole_number(
                ui,
                &mut self.settings.steps,
                "steps",
                "How many steps are looked at: the last ones, or those around the shown moment",
                2..=5000,
            );
            if ui.max_rect().width() >= NARROW {
                self.group_size(ui);
            }
            if let Some(step) = self.pinned {
                let name = crate::app::widgets::thousands(step);
                let text = format!("{name} → {}  ✕", crate::app::widgets::thousands(step + 1));
                let response = ui
                    .add(egui::Button::new(text).selected(true))
                    .on_hover_text("The samples of this step are shown; click to let it go");
                response.widget_info(|| {
                    let text = format!("Let go of the samples of step {name}");
                    egui::WidgetInfo::labeled(egui::Role::Button, true, text)
                });
                if response.clicked() {
                    self.pinned = None;
                }
            }
            controls::moment(ui, ws);
            controls::progress(ui, ws, &self.submitted.slot());
        });
    }

    fn group_size(&mut self, ui: &mut Ui) {
        whole_number(
            ui,
            &mut self.settings.top,
            "samples",
            "How many samples are in each group",
            1..=50,
        );
    }
}

impl Panel for SignalsPanel {
    fn kind(&self) -> PanelKind {
        PanelKind::Signals
    }

    fn title(&self, _ws: &Workspace) -> String {
        "Opposing signals".to_owned()
    }

    fn ui(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        self.take(ws);
        let begun = ws
            .run()
            .filter(|run| run.step() > run.info.initial.step)
            .map(|run| (run.id(), run.origin()));
        let Some((id, origin)) = begun else {
            self.shown.clear();
            controls::nothing_trained(ui, ws, SENTENCE);
            return;
        };
        self.shown.of_run(id);
        self.controls(ui, ws);
        if controls::failure(ui, ws, &self.submitted.slot()) {
            self.submitted.forget();
        }
        let failed = self.submitted.has_failed(ws);
        if !failed {
            self.follow(ui, ws);
        }
        let Some((kept, _)) = &self.kept else {
            if !failed {
                controls::nothing_yet(ui, SENTENCE, None);
            }
            return;
        };
        let found = Arc::clone(&kept.value);
        self.arrangement = arrangement(ui.available_size());
        let key = (origin, Arc::as_ptr(&found) as usize, self.chosen(ws));
        let settings = fingerprint(&(&self.settings.look, self.arrangement));
        let mut shown = std::mem::take(&mut self.shown);
        shown.follow(ui, key, settings, || self.plan(ws, self.arrangement, false));
        self.shown = shown;
        let over_steps = self.over_steps();
        let mut cursors = vec![None; 4];
        let marked = self.chosen(ws).or_else(|| found.shown_step());
        for panel in over_steps {
            cursors[*panel] = marked.map(|step| step as f64);
        }
        let options = Options {
            cursors,
            ..Options::default()
        };
        let response = self.shown.show(ui, "opposing signals", &options);
        let step_at = |x: f64| x.round().max(0.0) as u64;
        let of_steps = |place: &crate::app::plot::Place| over_steps.contains(&place.panel);
        if let Some(place) = response.hovered.filter(of_steps) {
            ws.cursor_step = Some(step_at(place.x));
        }
        // Other steps than those of snapshots can be looked at here, too.
        if let Some(place) = response.clicked.filter(of_steps) {
            let step = step_at(place.x);
            self.pinned = found.index(step).map(|_| step);
        }
    }

    fn settings_menu(&mut self, ui: &mut Ui, _ws: &mut Workspace) {
        ui.horizontal(|ui| self.group_size(ui));
        if ui.button("Measure again").clicked() {
            self.submitted.forget();
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

    fn figure(&self, ws: &Workspace) -> Option<Figure> {
        let figure = self.plan(ws, self.arrangement, true)?();
        Some(self.shown.as_seen(figure))
    }

    fn save(&self) -> Option<serde_json::Value> {
        serde_json::to_value(&self.settings).ok()
    }

    fn restore(&mut self, stored: &serde_json::Value) {
        if let Ok(settings) = serde_json::from_value(stored.clone()) {
            self.settings = settings;
        }
    }
}
