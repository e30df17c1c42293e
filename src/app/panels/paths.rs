//! Paths between the parameters that are shown and another solution.

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::{self, Ui};
use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator as _;

use super::controls::{self, choice, header, toggle, whole_number};
use super::shown::{Plan, Shown, fingerprint};
use super::{Panel, PanelKind};
use crate::app::plot::Options;
use crate::app::widgets::thousands;
use crate::app::workspace::{RunRecord, Timed, Workspace};
use crate::connectivity::USUAL_RANGE;
use crate::engine::paths::{Connection, PathEnd, PathMethod, PathSettings, paths_job};
use crate::engine::{Origin, RunId, RunState, Slot, Succession};
use crate::figure::Figure;
use crate::math::vector::to_f64;
use crate::train::Snapshot;
use crate::views::paths::{self, PathLook};

/// The other end.
#[derive(Clone, Debug, Default, PartialEq)]
enum Other {
    /// The run's first parameters.
    #[default]
    Initial,
    /// The run's snapshot nearest to this step.
    Snapshot(u64),
    /// The same recipe on the same data from another seed, trained for it.
    Twin(u64),
    /// Another run in the list.
    Run(RunId),
    /// A file or the folder of a run.
    File(PathBuf),
}

/// The kinds of other ends, as the list of them has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OtherKind {
    Initial,
    Snapshot,
    Twin,
    Run(RunId),
    File,
}

impl Other {
    fn kind(&self) -> OtherKind {
        match self {
            Self::Initial => OtherKind::Initial,
            Self::Snapshot(_) => OtherKind::Snapshot,
            Self::Twin(_) => OtherKind::Twin,
            Self::Run(id) => OtherKind::Run(*id),
            Self::File(_) => OtherKind::File,
        }
    }
}

/// What is stored of the panel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Settings {
    look: PathLook,
    method: PathMethod,
    bends: usize,
    iterations: usize,
    /// The straight line beyond its ends.
    beyond: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            look: PathLook::default(),
            method: PathMethod::Linear,
            bends: 1,
            iterations: PathSettings::new(PathMethod::Bezier, 0).training.iterations,
            beyond: false,
        }
    }
}

/// What a path was asked for with.
#[derive(Clone, Debug, PartialEq)]
struct Request {
    origin: Origin,
    step: u64,
    other: Other,
    paths: PathSettings,
}

/// Paths on the screen.
#[derive(Clone)]
struct Kept {
    result: Timed<Connection>,
    request: Request,
}

/// The end of a twin that has been trained already.
struct Twin {
    run: RunId,
    seed: u64,
    theta: Arc<[f64]>,
}

#[derive(Default)]
pub(super) struct PathsPanel {
    settings: Settings,
    other: Other,
    /// The path of a file while it is written.
    file: String,
    submitted: Option<Request>,
    /// When the newest request was made, in seconds.
    submitted_at: f64,
    kept: Option<Kept>,
    twins: Vec<Twin>,
    /// When the newest alignment began to be played, in seconds.
    played_at: Option<f64>,
    shown: Shown<(usize, bool)>,
}

/// Seconds between two paths that follow a running training, at least, and how
/// many times the work itself they wait.
const PAUSE: f64 = 0.4;
const REST: f64 = 4.0;
/// Seconds after which a request without an answer can be made again.
const PATIENCE: f64 = 2.0;
/// Seconds for which one sweep of an alignment is shown, and for all at most.
const SWEEP: f64 = 0.5;
const PLAY: f64 = 6.0;
/// Points of area from which on there is room for a plane.
const ROOMY: f32 = 400_000.0;
/// Points on a side of a plane.
const GRID: usize = 33;
/// Twins that are kept.
const TWINS: usize = 4;
/// Points of height under which only the losses are shown.
const BOTH: f32 = 260.0;

const SENTENCE: &str = "The loss on the way from these parameters to others: straight, aligned, \
                        along a trained curve, layer by layer. The barrier is what it rises above \
                        the straight line between the ends' losses.";

fn slot() -> Slot {
    Slot::new("paths")
}

/// Whether a method is quick enough to follow a running training.
fn follows(method: PathMethod) -> bool {
    matches!(
        method,
        PathMethod::Linear | PathMethod::Weights | PathMethod::Activations | PathMethod::Layers
    )
}

fn step_name(step: u64) -> String {
    format!("step {}", thousands(step))
}

fn given(name: String, snapshot: &Snapshot) -> PathEnd {
    PathEnd::Given {
        name,
        theta: to_f64(&snapshot.theta).into(),
    }
}

impl PathsPanel {
    fn path_settings(&self, run: &RunRecord) -> PathSettings {
        let mut paths = PathSettings::new(self.settings.method, run.info.recipe.seed);
        // While the path follows a training there is no time for a plane.
        let calm = matches!(run.state, RunState::Paused | RunState::Finished);
        paths.plane =
            (self.settings.look.details && (calm || !follows(paths.method))).then_some(GRID);
        paths.range =
            (self.settings.beyond && paths.method == PathMethod::Linear).then_some(USUAL_RANGE);
        match self.settings.method {
            PathMethod::Bezier | PathMethod::Chain => {
                paths.bends = self.settings.bends;
                paths.training.iterations = self.settings.iterations;
            }
            // The copies' batches are others than the run's.
            PathMethod::Fork => paths.seed = run.info.recipe.seed.wrapping_add(1),
            _ => {}
        }
        paths
    }

    /// The other end as a job takes it; none while there is no such end.
    fn end(&self, ws: &Workspace) -> Option<PathEnd> {
        let run = ws.run()?;
        match &self.other {
            Other::Initial => Some(given("initial".to_owned(), &run.info.initial)),
            Other::Snapshot(step) => {
                let snapshot = run.snapshots.nearest(*step)?;
                Some(given(step_name(snapshot.step), snapshot))
            }
            Other::Twin(seed) => {
                let known = self
                    .twins
                    .iter()
                    .find(|twin| twin.run == run.id() && twin.seed == *seed);
                Some(match known {
                    Some(twin) => PathEnd::Given {
                        name: format!("seed {seed}"),
                        theta: Arc::clone(&twin.theta),
                    },
                    None => PathEnd::Twin { seed: *seed },
                })
            }
            Other::Run(id) => {
                let other = ws.runs.iter().find(|other| other.id() == *id)?;
                let snapshot = other.snapshots.last().or(other.live.as_ref())?;
                Some(given(other.name.clone(), snapshot))
            }
            Other::File(path) if path.as_os_str().is_empty() => None,
            Other::File(path) => {
                let path = if path.is_relative() {
                    ws.base_dir.join(path)
                } else {
                    path.clone()
                };
                Some(PathEnd::File(path))
            }
        }
    }

    /// Asks for a path where another one is wanted than the newest.
    fn follow(&mut self, ui: &Ui, ws: &mut Workspace) {
        let (Some(run), Some(from)) = (ws.run(), ws.shown_snapshot()) else {
            return;
        };
        if from.step == run.info.initial.step && self.other == Other::Initial {
            return;
        }
        let wanted = Request {
            origin: run.origin(),
            step: from.step,
            other: self.other.clone(),
            paths: self.path_settings(run),
        };
        let now = ui.input(|input| input.time);
        if let Some(submitted) = &self.submitted {
            let busy = ws.job(&slot()).is_some();
            if *submitted == wanted {
                // One that was cancelled is begun again only on demand.
                return;
            }
            if (Request {
                step: wanted.step,
                ..submitted.clone()
            }) == wanted
            {
                // Only time has passed.
                let method = wanted.paths.method;
                if busy && (ws.selected.is_none() || !follows(method)) || !follows(method) {
                    return;
                }
                let took = self.kept.as_ref().and_then(|kept| kept.result.seconds);
                let pause = PAUSE.max(REST * took.unwrap_or(0.0));
                if ws.is_running() && now < self.submitted_at + pause {
                    ui.ctx().request_repaint_after_secs(pause as f32);
                    return;
                }
            }
        }
        let Some(to) = self.end(ws) else { return };
        let start = given(step_name(from.step), &from);
        let setup = Arc::clone(&run.info.setup);
        let analysis = paths_job(setup, from.step, start, to, wanted.paths.clone());
        let label = wanted.paths.method.to_string();
        ws.submit(slot(), label, Succession::Replace, Box::new(analysis));
        self.submitted = Some(wanted);
        self.submitted_at = now;
    }

    /// Whether nothing is under way although the newest request has no last
    /// result, or one of another step that does not follow the training.
    fn is_left(&self, ui: &Ui, ws: &Workspace) -> bool {
        let Some(submitted) = &self.submitted else {
            return false;
        };
        let waited = ui.input(|input| input.time) > self.submitted_at + PATIENCE;
        let complete = self
            .kept
            .as_ref()
            .is_some_and(|kept| kept.request == *submitted && kept.result.complete);
        let shown = ws.shown_snapshot().map(|snapshot| snapshot.step);
        let old = !follows(submitted.paths.method) && shown != Some(submitted.step);
        ws.job(&slot()).is_none() && waited && (!complete || old)
    }

    /// Takes the newest result.
    fn take(&mut self, ui: &Ui, ws: &Workspace) {
        let Some(run) = ws.run() else {
            self.kept = None;
            return;
        };
        self.kept
            .take_if(|kept| kept.request.origin != run.origin());
        let (Some(result), Some(request)) = (&run.results.paths, &self.submitted) else {
            return;
        };
        let belongs = result.generation == request.origin.generation
            && run.id() == request.origin.run
            && result.step == request.step
            && result.value.method == request.paths.method;
        let known = self.kept.as_ref().is_some_and(|kept| {
            Arc::ptr_eq(&kept.result.value, &result.value)
                && kept.result.complete == result.complete
        });
        if !belongs || known {
            return;
        }
        if let Other::Twin(seed) = request.other
            && result.value.fork.is_none()
            && !self
                .twins
                .iter()
                .any(|twin| twin.run == run.id() && twin.seed == seed)
        {
            self.twins.truncate(TWINS - 1);
            let theta = Arc::clone(&result.value.ends[1]);
            let run = run.id();
            self.twins.insert(0, Twin { run, seed, theta });
        }
        // An alignment of a network that stands still is played once.
        let first = self
            .kept
            .as_ref()
            .is_none_or(|kept| kept.request != *request);
        if first {
            let align = result.value.alignment.is_some() || aligns(request.paths.method);
            let now = ui.input(|input| input.time);
            self.played_at = (align && !ws.is_running()).then_some(now);
        }
        self.kept = Some(Kept {
            result: result.clone(),
            request: request.clone(),
        });
    }

    /// The sweep of an alignment that is being played.
    fn sweep(&mut self, ui: &Ui) -> Option<usize> {
        let began = self.played_at?;
        let kept = self.kept.as_ref()?;
        let alignment = kept.result.value.alignment.as_ref()?;
        let count = alignment.sweeps.len();
        let each = SWEEP.min(PLAY / count.max(1) as f64);
        let past = ui.input(|input| input.time) - began;
        let sweep = (past / each).max(0.0) as usize;
        if sweep >= count {
            if kept.result.complete {
                self.played_at = None;
            }
            return None;
        }
        let next = (sweep + 1) as f64 * each - past;
        ui.ctx().request_repaint_after_secs(next.max(0.01) as f32);
        Some(sweep)
    }

    fn plan(&self, look: PathLook) -> Option<Plan> {
        let found = Arc::clone(&self.kept.as_ref()?.result.value);
        Some(Box::new(move || paths::figure(&look, Some(&found))))
    }

    /// The other ends on offer.
    fn others(ws: &Workspace) -> Vec<(OtherKind, String)> {
        let mut others = vec![
            (OtherKind::Initial, "first parameters".to_owned()),
            (OtherKind::Snapshot, "a snapshot".to_owned()),
            (OtherKind::Twin, "another seed".to_owned()),
        ];
        if let Some(run) = ws.run() {
            let layout = run.info.network.layout();
            others.extend(
                ws.runs
                    .iter()
                    .filter(|other| other.id() != run.id())
                    .filter(|other| other.info.network.layout() == layout)
                    .map(|other| (OtherKind::Run(other.id()), other.name.clone())),
            );
        }
        others.push((OtherKind::File, "a file".to_owned()));
        others
    }

    fn controls(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        header(ui, |ui| {
            let methods: Vec<(PathMethod, String)> = PathMethod::iter()
                .map(|method| (method, method.to_string()))
                .collect();
            choice(
                ui,
                "Path",
                &mut self.settings.method,
                &methods,
                "How the two solutions are connected",
            );
            if self.settings.method != PathMethod::Fork {
                self.other_ui(ui, ws);
            }
            if matches!(self.settings.method, PathMethod::Bezier | PathMethod::Chain) {
                let (bends, hint) = (&mut self.settings.bends, "Bends of the curve");
                whole_number(ui, bends, "bends", hint, 1..=9);
                let hint = "Steps in which the bends are trained";
                whole_number(
                    ui,
                    &mut self.settings.iterations,
                    "steps",
                    hint,
                    50..=20_000,
                );
            }
            toggle(
                ui,
                &mut self.settings.look.log,
                "log",
                "A logarithmic axis of the loss",
            );
            if self.settings.method == PathMethod::Linear {
                toggle(
                    ui,
                    &mut self.settings.beyond,
                    "beyond",
                    "The straight line beyond its ends, from λ = \u{2212}0.25 to 1.5",
                );
            }
            if self.is_left(ui, ws)
                && ui
                    .button("Again")
                    .on_hover_text("Connect the present parameters")
                    .clicked()
            {
                self.submitted = None;
            }
            let played = self.kept.as_ref().is_some_and(|kept| {
                let alignment = kept.result.value.alignment.as_ref();
                kept.result.complete && alignment.is_some_and(|a| a.sweeps.len() > 1)
            });
            if played
                && self.played_at.is_none()
                && ui
                    .button("Replay")
                    .on_hover_text("Show the alignment sweep by sweep")
                    .clicked()
            {
                self.played_at = Some(ui.input(|input| input.time));
            }
            controls::moment(ui, ws);
            controls::progress(ui, ws, &slot());
        });
    }

    fn other_ui(&mut self, ui: &mut Ui, ws: &Workspace) {
        let mut kind = self.other.kind();
        let seed = ws.run().map_or(0, |run| run.info.recipe.seed);
        if choice(
            ui,
            "To",
            &mut kind,
            &Self::others(ws),
            "The other end of the path; \u{201c}another seed\u{201d} trains a second network of \
             the same recipe on the same data",
        ) {
            self.other = match kind {
                OtherKind::Initial => Other::Initial,
                OtherKind::Snapshot => {
                    Other::Snapshot(ws.run().map_or(0, |run| run.newest_step() / 2))
                }
                OtherKind::Twin => Other::Twin(seed.wrapping_add(1)),
                OtherKind::Run(id) => Other::Run(id),
                OtherKind::File => Other::File(PathBuf::from(&self.file)),
            };
        }
        match &mut self.other {
            Other::Snapshot(step) => {
                let last = ws.run().map_or(0, RunRecord::newest_step);
                whole_number(
                    ui,
                    step,
                    "step",
                    "The snapshot nearest to this step",
                    0..=last,
                );
            }
            Other::Twin(seed) => {
                let hint = "Seed of the other network's first parameters and batches";
                whole_number(ui, seed, "seed", hint, 0..=u64::from(u32::MAX));
            }
            Other::File(path) => {
                let field = egui::TextEdit::singleline(&mut self.file)
                    .hint_text("parameters.safetensors, or a run's folder")
                    .desired_width(160.0);
                let response = ui
                    .add(field)
                    .on_hover_text("A safetensors file or the folder of a run of the same network");
                response.widget_info(|| {
                    egui::WidgetInfo::labeled(egui::Role::TextInput, true, "File of the other end")
                });
                if response.lost_focus() {
                    *path = PathBuf::from(self.file.trim());
                }
            }
            Other::Initial | Other::Run(_) => {}
        }
    }
}

fn aligns(method: PathMethod) -> bool {
    matches!(method, PathMethod::Weights | PathMethod::Activations)
}

impl Panel for PathsPanel {
    fn kind(&self) -> PanelKind {
        PanelKind::Paths
    }

    fn title(&self, _ws: &Workspace) -> String {
        "Paths".to_owned()
    }

    fn ui(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        self.take(ui, ws);
        let Some(run) = ws.run() else {
            self.shown.clear();
            controls::nothing_trained(ui, ws, SENTENCE);
            return;
        };
        self.shown.of_run(run.id());
        self.controls(ui, ws);
        if controls::failure(ui, ws, &slot()) {
            self.submitted = None;
        }
        // A job that failed is asked for again only on demand, or for something
        // else.
        let failed = ws
            .run()
            .is_some_and(|run| run.results.failure(&slot()).is_some());
        let other = self.submitted.as_ref().is_none_or(|submitted| {
            let settings = ws.run().map(|run| self.path_settings(run));
            submitted.other != self.other || Some(&submitted.paths) != settings.as_ref()
        });
        if !failed || other {
            self.follow(ui, ws);
        }
        let Some(kept) = &self.kept else {
            if ws.job(&slot()).is_some() {
                controls::nothing_yet(ui, SENTENCE, None);
            } else if self.is_left(ui, ws) {
                if controls::nothing_yet(ui, SENTENCE, Some("Connect")) {
                    self.submitted = None;
                }
            } else {
                controls::nothing_trained(ui, ws, SENTENCE);
            }
            return;
        };
        let key = (
            Arc::as_ptr(&kept.result.value) as usize,
            kept.result.complete,
        );
        let room = ui.available_size();
        let look = PathLook {
            stacked: room.x < 1.3 * room.y,
            details: self.settings.look.details
                && (room.y >= BOTH || room.x >= 1.3 * room.y)
                && room.x * room.y > 90_000.0,
            plane: room.x * room.y > ROOMY,
            sweep: self.sweep(ui),
            ..self.settings.look.clone()
        };
        let settings = fingerprint(&look);
        let mut shown = std::mem::take(&mut self.shown);
        shown.follow(ui, key, settings, || self.plan(look));
        self.shown = shown;
        self.shown.show(ui, "paths", &Options::default());
    }

    fn settings_menu(&mut self, ui: &mut Ui, _ws: &mut Workspace) {
        let look = &mut self.settings.look;
        ui.checkbox(&mut look.validation, "Validation loss");
        ui.checkbox(&mut look.details, "Permutations, training, layers");
        if ui.button("Connect again").clicked() {
            self.submitted = None;
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
        let look = PathLook {
            stacked: true,
            plane: true,
            ..self.settings.look.clone()
        };
        Some(self.shown.as_seen(self.plan(look)?()))
    }

    fn save(&self) -> Option<serde_json::Value> {
        serde_json::to_value(&self.settings).ok()
    }

    fn restore(&mut self, stored: &serde_json::Value) {
        if let Ok(settings) = serde_json::from_value::<Settings>(stored.clone()) {
            self.settings = settings;
            self.settings.bends = self.settings.bends.clamp(1, 9);
            self.settings.iterations = self.settings.iterations.clamp(50, 20_000);
        }
    }
}
