//! Races: several optimizers from one start, on a closed-form function or on
//! the network of the current run.

mod board;
mod changes;
mod controls;
mod settings;

use std::collections::HashMap;
use std::sync::Arc;

use eframe::egui::{self, Rect, RichText, Ui, UiBuilder, pos2};

use super::controls::nothing_yet;
use super::shown::{Plan, Shown, fingerprint};
use super::{Panel, PanelKind};
use crate::app::plot::Options;
use crate::app::theme::{HALF, Palette, UNIT};
use crate::app::workspace::Workspace;
use crate::engine::EngineError;
use crate::engine::race::{RaceFrame, RaceState, RaceThread};
use crate::figure::Figure;
use crate::race::{Ground, Lockstep, PlaneChoice, RaceLandscape};
use crate::views::landscape::LandscapeSettings;
use crate::views::loss::DEFAULT_SMOOTHING;
use crate::views::race::{self as view, RaceLossSettings, RunnerSeries};
use settings::{Place, Settings};

/// Points a side of the map of a function, and of a network's plane.
const GRIDS: [usize; 2] = [129, 65];
/// Seconds that a change rests before a race on a network is built anew.
const REST: f64 = 0.4;
/// Room from which on everything is shown at once.
const WIDE: f32 = 560.0;
const HIGH: f32 = 260.0;

/// What is shown where there is no room for everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Map,
    Losses,
    Scores,
}

#[derive(Default)]
pub(super) struct RacePanel {
    settings: Settings,
    /// The race, once somebody started one.
    thread: Option<RaceThread>,
    frame: Option<Arc<RaceFrame>>,
    map: Option<Arc<RaceLandscape>>,
    /// Why there is no map.
    map_failure: Option<String>,
    /// The moment of the clock that is looked at; the newest where there is
    /// none.
    at: Option<f64>,
    /// Something changed at this time, in seconds, and the race is not built
    /// anew yet.
    changed_at: Option<f64>,
    /// Run as soon as it is built.
    play: bool,
    /// It was told to run and not to stand still since: then it runs again
    /// after a change, whether its newest state says so yet or not.
    wanted: bool,
    /// Why the newest change made no race.
    refusal: Option<String>,
    /// There is no room for everything at once.
    small: bool,
    part: Part,
    /// What is being typed in lists of values of a runner.
    texts: HashMap<(String, String), String>,
    map_shown: Shown<(u64, u64, usize, Option<u64>)>,
    losses_shown: Shown<(u64, u64, Option<u64>)>,
}

impl RacePanel {
    fn tell(&mut self, sent: Result<(), EngineError>) {
        if let Err(error) = sent {
            self.refusal = Some(error.to_string());
        }
    }

    /// The thread, started where there is none yet.
    fn start_thread(&mut self, ui: &Ui) -> bool {
        if self.thread.is_none() {
            let context = ui.ctx().clone();
            match RaceThread::new(Arc::new(move || context.request_repaint())) {
                Ok(thread) => self.thread = Some(thread),
                Err(error) => {
                    self.refusal = Some(format!("the system refuses a thread: {error}"));
                }
            }
        }
        self.thread.is_some()
    }

    /// Builds the race anew from the settings.
    fn load(&mut self, ui: &Ui, ws: &Workspace) {
        self.changed_at = None;
        self.at = None;
        let race = match self.settings.race(ws) {
            Ok(race) => race,
            Err(message) => {
                self.refusal = Some(message);
                return;
            }
        };
        if !self.start_thread(ui) {
            return;
        }
        self.refusal = None;
        let speed = self.settings.speed;
        let play = std::mem::take(&mut self.play);
        self.wanted = play;
        let sharpness = self.settings.sharpness;
        let map = self.map_choice();
        let Some(thread) = &self.thread else { return };
        let sent = thread
            .load(race)
            .and_then(|_| thread.set_speed((speed > 0).then(|| f64::from(speed))))
            .and_then(|()| thread.set_map(map.0, map.1))
            .and_then(|()| thread.look(None, sharpness))
            .and_then(|()| if play { thread.play() } else { Ok(()) });
        self.tell(sent);
        self.map_shown.view.fit();
    }

    fn map_choice(&self) -> (PlaneChoice, usize) {
        match (self.settings.place, self.settings.plane) {
            (Place::Function, _) => (PlaneChoice::Joint, GRIDS[0]),
            (Place::Network, None) => (PlaneChoice::Joint, GRIDS[1]),
            (Place::Network, Some(index)) => (PlaneChoice::Runner(index), GRIDS[1]),
        }
    }

    /// Takes in what the race reported.
    fn follow(&mut self, ui: &Ui, ws: &Workspace) {
        if let Some(changed) = self.changed_at {
            let now = ui.input(|input| input.time);
            let rest = match self.settings.place {
                Place::Function => 0.0,
                Place::Network => REST,
            };
            if now >= changed + rest {
                self.load(ui, ws);
            } else {
                ui.ctx().request_repaint_after_secs(rest as f32);
            }
        }
        let Some(thread) = &self.thread else { return };
        if let Some(frame) = thread.frame() {
            let before = self.frame.as_ref().map(|frame| frame.generation);
            // A network's plane belongs to the paths that made it; the map of a
            // function stays until the next one comes.
            if before != Some(frame.generation) && matches!(frame.ground, Some(Ground::Network(_)))
            {
                self.map = None;
            }
            self.frame = Some(frame);
            match thread.landscape() {
                Some(Ok(map)) => {
                    self.map = Some(map);
                    self.map_failure = None;
                }
                Some(Err(message)) => self.map_failure = Some(message),
                None => {}
            }
        }
    }

    fn is_running(&self) -> bool {
        self.frame
            .as_ref()
            .is_some_and(|frame| frame.state == RaceState::Running)
    }

    /// How the map is drawn.
    fn map_plan(&self) -> Option<Plan> {
        let (frame, map) = (self.frame.clone()?, self.map.clone()?);
        let settings = LandscapeSettings {
            log: self.settings.log,
            ..LandscapeSettings::default()
        };
        let at = self.at;
        Some(Box::new(move || map_figure(&frame, &map, &settings, at)))
    }

    fn losses_plan(&self) -> Option<Plan> {
        let frame = self.frame.clone()?;
        let (log, at) = (self.settings.log, self.at);
        Some(Box::new(move || losses_figure(&frame, log, at)))
    }

    fn map_ui(&mut self, ui: &mut Ui) {
        let Some(frame) = self.frame.clone() else {
            return;
        };
        let Some(map) = &self.map else {
            let sentence = match (&self.map_failure, &frame.state) {
                (Some(message), _) => message.clone(),
                (None, RaceState::Running) => "The plane through all paths is being computed.".to_owned(),
                (None, _) => "The loss on one plane with the paths of all runners, as soon as they have moved.".to_owned(),
            };
            nothing_yet(ui, &sentence, None);
            return;
        };
        let key = (
            frame.generation,
            frame.revision,
            Arc::as_ptr(map) as usize,
            self.at.map(f64::to_bits),
        );
        let settings = fingerprint(&self.settings.log);
        let mut shown = std::mem::take(&mut self.map_shown);
        shown.follow(ui, key, settings, || self.map_plan());
        self.map_shown = shown;
        let response = self.map_shown.show(ui, "race map", &Options::default());
        if let Some(place) = response.clicked
            && self.settings.place == Place::Function
        {
            self.settings.start = Some([place.x, place.y]);
            self.play = true;
            self.changed_at = Some(0.0);
        }
    }

    fn losses_ui(&mut self, ui: &mut Ui) {
        let Some(frame) = &self.frame else { return };
        let key = (frame.generation, frame.revision, self.at.map(f64::to_bits));
        let settings = fingerprint(&self.settings.log);
        let mut shown = std::mem::take(&mut self.losses_shown);
        shown.follow(ui, key, settings, || self.losses_plan());
        self.losses_shown = shown;
        self.losses_shown
            .show(ui, "race losses", &Options::default());
    }

    /// Map, losses and scores in the room that is left.
    fn body(&mut self, ui: &mut Ui) {
        let area = ui.available_rect_before_wrap();
        let child = |ui: &mut Ui, name: &str, rect: Rect| {
            ui.new_child(UiBuilder::new().id_salt(name).max_rect(rect))
        };
        if self.small {
            let rect = area;
            let mut inner = child(ui, "race part", rect);
            inner.set_clip_rect(rect.intersect(ui.clip_rect()));
            match self.part {
                Part::Map => self.map_ui(&mut inner),
                Part::Losses => self.losses_ui(&mut inner),
                Part::Scores => self.board_ui(&mut inner),
            }
            return;
        }
        let middle = area.left() + (0.54 * area.width()).round();
        let rows = self.frame.as_ref().map_or(0, |frame| frame.runners.len());
        let row = ui.spacing().interact_size.y * 0.9;
        let table = (row * (rows as f32 + 2.2)).min(0.6 * area.height());
        let split = area.bottom() - table;
        let left = Rect::from_min_max(area.min, pos2(middle - HALF, area.bottom()));
        let upper = Rect::from_min_max(pos2(middle + HALF, area.top()), pos2(area.right(), split));
        let lower = Rect::from_min_max(pos2(middle + HALF, split + HALF), area.max);
        self.map_ui(&mut child(ui, "race map", left));
        self.losses_ui(&mut child(ui, "race losses", upper));
        let mut inner = child(ui, "race scores", lower);
        inner.set_clip_rect(lower.intersect(ui.clip_rect()));
        self.board_ui(&mut inner);
    }
}

/// The runners of a frame as the views take them.
fn series(frame: &RaceFrame) -> Vec<RunnerSeries<'_>> {
    frame
        .runners
        .iter()
        .enumerate()
        .map(|(index, runner)| RunnerSeries {
            name: &runner.name,
            index,
            curve: &runner.curve,
            steps_done: runner.steps_done,
            status: &runner.status,
        })
        .collect()
}

fn lockstep(frame: &RaceFrame) -> Lockstep {
    frame
        .settings
        .as_ref()
        .map_or(Lockstep::Step, |settings| settings.lockstep)
}

fn map_figure(
    frame: &RaceFrame,
    map: &RaceLandscape,
    settings: &LandscapeSettings,
    at: Option<f64>,
) -> Figure {
    let function = match &frame.ground {
        Some(Ground::Function(function, _)) => Some(&**function),
        _ => None,
    };
    view::landscape(
        settings,
        Some(map),
        &series(frame),
        function,
        lockstep(frame),
        at,
    )
}

fn losses_figure(frame: &RaceFrame, log: bool, at: Option<f64>) -> Figure {
    let noisy = match &frame.ground {
        Some(Ground::Network(setup)) => setup.steps_per_epoch > 1,
        _ => false,
    };
    let settings = RaceLossSettings {
        log,
        smoothing: if noisy { DEFAULT_SMOOTHING } else { 0.0 },
        clock: lockstep(frame),
        columns: 1200,
    };
    view::losses(&settings, &series(frame), at)
}

impl Panel for RacePanel {
    fn kind(&self) -> PanelKind {
        PanelKind::Race
    }

    fn title(&self, _ws: &Workspace) -> String {
        "Race".to_owned()
    }

    fn ui(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        self.follow(ui, ws);
        if self.thread.is_none() {
            let pressed = nothing_yet(
                ui,
                "Several optimizers from one start, step by step side by side: their paths on one \
                 landscape, their losses, and who is ahead.",
                Some("Race SGD, momentum and Adam on Rosenbrock"),
            );
            // What somebody set before is not lost for it.
            let again = !pressed
                && self.settings != Settings::default()
                && ui.button("Race as set before").clicked();
            if pressed {
                self.settings = Settings::default();
            }
            if pressed || again {
                self.play = true;
                self.load(ui, ws);
            }
            if let Some(message) = &self.refusal {
                let color = Palette::of(ui.visuals()).error;
                ui.label(RichText::new(message).color(color));
            }
            return;
        }
        self.controls(ui, ws);
        self.recipe_note(ui, ws);
        let failed = match self.frame.as_ref().map(|frame| &frame.state) {
            Some(RaceState::Failed(message)) => Some(message.clone()),
            _ => None,
        };
        if let Some(message) = self.refusal.clone().or(failed) {
            let color = Palette::of(ui.visuals()).error;
            ui.label(RichText::new(message).color(color));
        }
        self.scrub_ui(ui);
        ui.add_space(HALF);
        self.body(ui);
    }

    fn settings_menu(&mut self, ui: &mut Ui, _ws: &mut Workspace) {
        ui.checkbox(&mut self.settings.log, "Logarithmic losses and colours");
        if ui
            .checkbox(&mut self.settings.sharpness, "Measure λ₁")
            .on_hover_text("The largest eigenvalue of the Hessian where each runner stands")
            .changed()
        {
            self.look();
        }
        self.plane_menu(ui);
        if self.settings.place == Place::Function
            && ui
                .add_enabled(
                    self.settings.start.is_some(),
                    egui::Button::new("The function's own start"),
                )
                .clicked()
        {
            self.settings.start = None;
            self.changed_at = Some(0.0);
            ui.close();
        }
        if ui
            .button("Fit")
            .on_hover_text("Show everything again (double click)")
            .clicked()
        {
            self.map_shown.view.fit();
            self.losses_shown.view.fit();
            ui.close();
        }
        ui.add_space(UNIT / 2.0);
    }

    fn figure(&self, _ws: &Workspace) -> Option<Figure> {
        let frame = self.frame.as_ref().filter(|frame| frame.clock > 0.0)?;
        let losses = losses_figure(frame, self.settings.log, self.at);
        let mut figure = match self.map_plan() {
            Some(map) => map(),
            None => Figure::default(),
        };
        let description = losses.description.clone();
        let panels = losses.rows.into_iter().flat_map(|row| row.panels);
        match figure.rows.first_mut() {
            Some(row) => row.panels.extend(panels),
            None => {
                figure.rows = vec![crate::figure::Row {
                    height: 1.0,
                    panels: panels.collect(),
                }]
            }
        }
        let figure = figure.described(description);
        Some(match &frame.settings {
            Some(settings) => {
                crate::views::race::with_settings(figure.titled(&settings.base.name), settings)
            }
            None => figure,
        })
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
