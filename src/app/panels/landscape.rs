//! Slices of the loss landscape.

use std::sync::Arc;

use eframe::egui::{self, Ui};
use serde::{Deserialize, Serialize};

use super::controls::{self, all, choice, header, segments, toggle};
use super::shown::{Plan, Shown, fingerprint};
use super::{Panel, PanelKind};
use crate::app::plot::{Options, Place};
use crate::app::surface::{self, Shot, SurfaceView};
use crate::app::workspace::{RunRecord, Timed, Workspace};
use crate::engine::analyses::{self, SliceDirections, SliceSettings};
use crate::engine::{Landscape, Origin, SliceShape, Slot, Succession};
use crate::figure::Figure;
use crate::train::Snapshot;
use crate::views::landscape::{
    self, LandscapeSettings, PathOnPlane, SliceInfo, SliceKind, displacement_unit,
};
use crate::views::{Split, percent};

/// Which directions span the slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Directions {
    /// Random ones, scaled to the parameters.
    #[default]
    Random,
    /// The principal components of the path of training.
    Path,
}

/// What is stored of the panel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Settings {
    look: LandscapeSettings,
    directions: Directions,
}

/// What a slice was asked for with.
#[derive(Clone, Debug, PartialEq)]
struct Request {
    origin: Origin,
    step: u64,
    slice: SliceSettings,
}

/// A slice on the screen, with what it was asked for with.
#[derive(Clone)]
struct Kept {
    result: Timed<Landscape>,
    request: Request,
    /// When it was asked for, in seconds.
    asked_at: f64,
}

#[derive(Default)]
pub(super) struct LandscapePanel {
    settings: Settings,
    submitted: Option<Request>,
    /// When the newest request was made, in seconds.
    submitted_at: f64,
    kept: Option<Kept>,
    /// The same line on the validation set.
    validation: Option<Kept>,
    shown: Shown<Key>,
    surface: SurfaceView,
}

/// Which results are shown.
type Key = [(usize, bool); 2];

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

fn slot() -> Slot {
    Slot::new("landscape")
}

impl LandscapePanel {
    fn slice_settings(&self, ws: &Workspace) -> SliceSettings {
        let mut slice = SliceSettings::from_recipe(&ws.recipe.slice);
        slice.line = self.settings.look.kind == SliceKind::Line;
        if slice.line {
            // A line is drawn for both sets.
            slice.split = analyses::Split::Train;
        }
        if self.settings.directions == Directions::Path {
            slice.directions = SliceDirections::Path;
        }
        slice
    }

    /// Asks for a slice where another one is wanted than the newest.
    fn follow(&mut self, ui: &Ui, ws: &mut Workspace) {
        let Some(run) = ws.run() else { return };
        let Some(centre) = ws.shown_snapshot() else {
            return;
        };
        let mut wanted = Request {
            origin: run.origin(),
            step: centre.step,
            slice: self.slice_settings(ws),
        };
        let mut centre = centre;
        if let Some((training, snapshot)) = self.half_done(ws, &wanted) {
            wanted = training;
            centre = snapshot;
        }
        if wanted.slice.directions == SliceDirections::Path && run.snapshots.all().len() < 3 {
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
                if now < self.submitted_at + pause + took.unwrap_or(0.0) {
                    ui.ctx().request_repaint_after_secs(pause as f32);
                    return;
                }
            }
        }
        let path = path(run, &centre);
        let label = format!("slice {0}×{0}", wanted.slice.grid);
        let analysis = analyses::slice_job(
            Arc::clone(&run.info.setup),
            centre,
            path,
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
        let both = wanted.slice.line && run.info.validation.is_some();
        let same = kept.request.slice == wanted.slice && kept.request.origin == wanted.origin;
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
    fn take(&mut self, ui: &Ui, ws: &Workspace) {
        let Some(run) = ws.run() else {
            self.kept = None;
            return;
        };
        let stale = |kept: &Kept| kept.request.origin != run.origin();
        self.kept.take_if(|kept| stale(kept));
        self.validation.take_if(|kept| stale(kept));
        let (Some(result), Some(request)) = (&run.results.landscape, &self.submitted) else {
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
            asked_at: self.submitted_at,
        });
    }

    /// How the figure is built; a surface draws its contour lines itself.
    fn plan(&self, ws: &Workspace, contours: bool) -> Option<Plan> {
        let Kept {
            result, request, ..
        } = self.kept.clone()?;
        let slice = request.slice;
        let validation = self
            .validation
            .as_ref()
            .filter(|other| {
                let other = &other.request.slice;
                (other.extent, &other.directions) == (slice.extent, &slice.directions)
            })
            .map(|other| Arc::clone(&other.result.value));
        let normalization = ws.recipe.slice.text("normalization").to_owned();
        let look = LandscapeSettings {
            log: ws.recipe.slice.boolean("log_scale"),
            ..self.settings.look.clone()
        };
        let look = LandscapeSettings {
            contours: if contours { look.contours } else { 0 },
            ..look
        };
        Some(Box::new(move || {
            let landscape = &*result.value;
            let two_parameters = landscape.directions.dim() == 2;
            let unit = match slice.directions {
                SliceDirections::Random { .. } if two_parameters => "parameter",
                SliceDirections::Random { .. } => displacement_unit(&normalization),
                _ => "‖d‖",
            };
            let directions = match slice.directions {
                SliceDirections::Random { .. } if two_parameters => {
                    "the whole landscape".to_owned()
                }
                SliceDirections::Random { seed } => format!("seed {seed}"),
                _ => match landscape.directions.explained {
                    Some([first, second]) => format!(
                        "principal components, {} of the path",
                        percent(first + second)
                    ),
                    None => "principal components".to_owned(),
                },
            };
            let split = match slice.split {
                analyses::Split::Train => Split::Training,
                analyses::Split::Validation => Split::Validation,
            };
            let info = SliceInfo::new(result.step, &directions, unit, split);
            match &landscape.shape {
                SliceShape::Plane(slice) => {
                    let path = PathOnPlane {
                        points: &landscape.path,
                        share: landscape.share.as_ref(),
                        errors: landscape.errors.as_deref(),
                        anchors: &landscape.anchors,
                    };
                    landscape::plane(&look, Some(slice), path, &info)
                }
                SliceShape::Line(slice) => {
                    let validation = match validation.as_ref().map(|other| &other.shape) {
                        Some(SliceShape::Line(line)) => Some(&**line),
                        _ => None,
                    };
                    landscape::line(&look, Some(slice), validation, &info)
                }
            }
        }))
    }

    fn controls(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        header(ui, |ui| {
            segments(
                ui,
                "Slice",
                &mut self.settings.look.kind,
                &[
                    (SliceKind::Plane, "2-D", "The loss on a plane"),
                    (
                        SliceKind::Surface,
                        "3-D",
                        "The loss on a plane as a surface; drag to turn it",
                    ),
                    (SliceKind::Line, "1-D", "The loss along a line"),
                ],
            );
            let mut log = ws.recipe.slice.boolean("log_scale");
            if toggle(
                ui,
                &mut log,
                "log",
                "Colours and contours follow the logarithm of the loss",
            ) {
                ws.recipe.slice.set("log_scale", log);
            }
            let has_validation = ws.run().is_some_and(|run| run.info.validation.is_some());
            if has_validation && self.settings.look.kind != SliceKind::Line {
                let mut split = ws.recipe.slice.text("split").to_owned();
                let splits = [("train", "training"), ("validation", "validation")]
                    .map(|(key, text)| (key.to_owned(), text.to_owned()));
                if choice(
                    ui,
                    "Loss on",
                    &mut split,
                    &splits,
                    "The samples of the loss",
                ) {
                    ws.recipe.slice.set("split", split.as_str());
                }
            }
            let grid = ws.recipe.slice.count("grid");
            let mut chosen = grid;
            let mut grids: Vec<usize> = vec![17, 33, 65, 129];
            if !grids.contains(&grid) {
                grids.push(grid);
                grids.sort_unstable();
            }
            let grids: Vec<(usize, String)> =
                grids.into_iter().map(|g| (g, format!("{g}×{g}"))).collect();
            if choice(ui, "Points", &mut chosen, &grids, "Points of the slice") {
                ws.recipe.slice.set("grid", chosen as i64);
            }
            let mut extent = ws.recipe.slice.float("extent");
            let speed = 0.01 * extent.max(0.01);
            let drag = ui
                .add(
                    egui::DragValue::new(&mut extent)
                        .range(1e-4..=1000.0)
                        .speed(speed)
                        .max_decimals(4)
                        .prefix("±"),
                )
                .on_hover_text("How far the slice reaches along each direction; drag to change");
            drag.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::SpinButton, true, "Extent of the slice")
            });
            if drag.changed() {
                ws.recipe.slice.set("extent", extent);
            }
            if self.settings.directions == Directions::Random
                && ui
                    .button("Re-roll")
                    .on_hover_text("Draw other random directions")
                    .clicked()
            {
                let seed = ws.recipe.slice.integer("seed");
                ws.recipe.slice.set("seed", seed.wrapping_add(1).max(0));
            }
            controls::moment(ui, ws);
            controls::progress(ui, ws, &slot());
        });
    }

    /// Whether a surface is to be shown, and there is a plane for it.
    fn is_solid(&self) -> bool {
        let plane = |kept: &Kept| matches!(kept.result.value.shape, SliceShape::Plane(_));
        self.settings.look.kind == SliceKind::Surface && self.kept.as_ref().is_some_and(plane)
    }

    /// Shows the surface; whether that was possible.
    fn surface_ui(&mut self, ui: &mut Ui, ws: &mut Workspace) -> bool {
        let Some(figure) = self.shown.figure() else {
            return false;
        };
        self.surface.set_figure(figure, self.settings.look.contours);
        let marks = self.marks(ws.linked_step().or(ws.selected));
        let marks: Vec<[f64; 2]> = marks.iter().map(|mark| [mark.x, mark.y]).collect();
        let shown = |_: &&Kept| self.settings.look.path;
        let path: Vec<[f64; 2]> = self
            .kept
            .iter()
            .filter(shown)
            .flat_map(|kept| kept.result.value.path.iter())
            .map(|point| [point.alpha, point.beta])
            .collect();
        let id = egui::Id::unique("landscape surface");
        let Some(response) = self.surface.show(ui, id, &path, &marks) else {
            return false;
        };
        let point = response.hovered.zip(self.kept.as_ref());
        if let Some(point) = point.and_then(|(k, kept)| kept.result.value.path.get(k)) {
            ws.cursor_step = Some(point.step);
            if response.clicked {
                ws.select_step(point.step);
            }
        }
        true
    }

    /// The places of the path at a step, to be marked.
    fn marks(&self, step: Option<u64>) -> Vec<Place> {
        let (Some(step), Some(kept)) = (step, &self.kept) else {
            return Vec::new();
        };
        if !self.settings.look.path || matches!(kept.result.value.shape, SliceShape::Line(_)) {
            return Vec::new();
        }
        let path = &kept.result.value.path;
        path.iter()
            .min_by_key(|point| point.step.abs_diff(step))
            .map(|point| Place {
                panel: 0,
                x: point.alpha,
                y: point.beta,
            })
            .into_iter()
            .collect()
    }
}

/// Snapshots up to the one shown, as many as can be projected quickly, evenly
/// chosen; the first and the shown one are always among them.
fn path(run: &RunRecord, centre: &Arc<Snapshot>) -> Vec<Arc<Snapshot>> {
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

fn points(landscape: &Landscape) -> usize {
    match &landscape.shape {
        SliceShape::Plane(slice) => slice.alpha.len(),
        SliceShape::Line(slice) => slice.alpha.len(),
    }
}

fn points_of(kept: &Kept) -> usize {
    points(&kept.result.value)
}

impl Panel for LandscapePanel {
    fn kind(&self) -> PanelKind {
        PanelKind::Landscape
    }

    fn title(&self, _ws: &Workspace) -> String {
        "Landscape".to_owned()
    }

    fn ui(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        const SENTENCE: &str = "The loss on a plane through the parameters, with the path that \
                                training takes on it.";
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
        // A job that failed is asked for again only on demand.
        let failed = ws
            .run()
            .is_some_and(|run| run.results.failure(&slot()).is_some());
        let other =
            self.submitted.as_ref().map(|request| &request.slice) != Some(&self.slice_settings(ws));
        if !failed || self.submitted.is_none() || other {
            self.follow(ui, ws);
        }
        if self.kept.is_none() {
            controls::nothing_yet(ui, SENTENCE, None);
            return;
        }
        let version = |kept: &Option<Kept>| {
            kept.as_ref().map_or((0, false), |kept| {
                (
                    Arc::as_ptr(&kept.result.value) as usize,
                    kept.result.complete,
                )
            })
        };
        let key = [version(&self.kept), version(&self.validation)];
        let log = ws.recipe.slice.boolean("log_scale");
        let settings = fingerprint(&(&self.settings, log));
        let mut shown = std::mem::take(&mut self.shown);
        let available = surface::is_available(ui.ctx());
        let solid = self.is_solid() && available;
        shown.follow(ui, key, settings, || self.plan(ws, !solid));
        self.shown = shown;
        if solid && self.surface_ui(ui, ws) {
            return;
        }
        if self.is_solid() && !available {
            controls::remark(
                ui,
                "There is no graphics adapter here to draw a surface with; this is the map.",
            );
        }
        let options = Options {
            marks: self.marks(ws.linked_step().or(ws.selected)),
            ..Options::default()
        };
        let response = self.shown.show(ui, "landscape", &options);
        if let (Some(place), Some(kept)) = (response.hovered, &self.kept) {
            // Only where the pointer is on the path itself.
            let on = kept
                .result
                .value
                .path
                .iter()
                .find(|point| point.alpha == place.x && point.beta == place.y);
            if let Some(point) = on {
                ws.cursor_step = Some(point.step);
                if response.clicked.is_some() {
                    ws.select_step(point.step);
                }
            }
        }
    }

    fn settings_menu(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        let look = &mut self.settings.look;
        ui.horizontal(|ui| {
            ui.label("Colours");
            choice(ui, "Colours", &mut look.colors, &all(), "The colour map");
        });
        ui.checkbox(&mut look.smooth, "Interpolate between points");
        ui.checkbox(&mut look.path, "Path of training");
        ui.checkbox(&mut look.labels, "Values on contours");
        ui.horizontal(|ui| {
            ui.label("Contours");
            let drag = ui.add(egui::DragValue::new(&mut look.contours).range(0..=40));
            drag.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::SpinButton, true, "Number of contours")
            });
        });
        ui.horizontal(|ui| {
            ui.label("Directions");
            segments(
                ui,
                "Directions",
                &mut self.settings.directions,
                &[
                    (
                        Directions::Random,
                        "random",
                        "Random, scaled to the parameters",
                    ),
                    (
                        Directions::Path,
                        "path",
                        "Principal components of the path of training",
                    ),
                ],
            );
        });
        if self.settings.directions == Directions::Random {
            ui.horizontal(|ui| {
                ui.label("Normalization");
                let mut chosen = ws.recipe.slice.text("normalization").to_owned();
                let options: Vec<(String, String)> = [
                    ("filter", "filter"),
                    ("layer", "layer"),
                    ("elementwise", "element-wise"),
                    ("none", "none"),
                ]
                .map(|(key, text)| (key.to_owned(), text.to_owned()))
                .to_vec();
                if choice(
                    ui,
                    "Normalization",
                    &mut chosen,
                    &options,
                    "How directions are scaled",
                ) {
                    ws.recipe.slice.set("normalization", chosen.as_str());
                }
            });
        }
        if ui
            .button("Fit")
            .on_hover_text("Show the whole slice again (double click)")
            .clicked()
        {
            self.shown.view.fit();
            ui.close();
        }
    }

    fn figure(&self, ws: &Workspace) -> Option<Figure> {
        Some(self.shown.as_seen(self.plan(ws, true)?()))
    }

    fn shot(&self) -> Option<Shot> {
        self.is_solid().then(|| self.surface.shot()).flatten()
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
