//! Slices of the loss landscape.

mod ball;
mod controls;
mod menu;
mod points;
mod readout;
mod request;
mod section;
mod settings;
mod twelve;

use std::sync::Arc;

use eframe::egui::{self, Ui};

use super::controls as common;
use super::shown::{Plan, Shown, fingerprint};
use super::{Panel, PanelKind};
use crate::app::plot::{FigureResponse, Options, Place};
use crate::app::surface::{self, Shot, SurfaceView};
use crate::app::workspace::{Timed, Workspace};
use crate::engine::analyses::{self, Looking, SliceSettings};
use crate::engine::{Landscape, Origin, RunId, SliceShape, Slot};
use crate::figure::Figure;
use crate::landscape::{Focus, SliceQuantity};
use crate::recipe::Component;
use crate::train::Snapshot;
use crate::views::Split;
use crate::views::landscape::{
    self, LandscapeSettings, PathOnPlane, SectionOnPlane, SliceInfo, SliceKind,
};
use ball::{Ball, Ground, Touch};
use menu::SelfTest;
use points::Points;
use section::SectionLine;
use settings::Settings;
use twelve::Twelve;

/// What a slice was asked for with.
#[derive(Clone, Debug, PartialEq)]
struct Request {
    origin: Origin,
    step: u64,
    slice: SliceSettings,
    /// The other runs whose paths are shown.
    ghosts: Vec<RunId>,
    /// How the optimizer was set at that step, where the slice depends on it.
    optimizer: Option<Component>,
}

/// A slice on the screen, with what it was asked for with.
#[derive(Clone)]
struct Kept {
    result: Timed<Landscape>,
    request: Request,
    /// The parameters in its middle.
    centre: Arc<Snapshot>,
    /// When it was asked for, in seconds.
    asked_at: f64,
}

#[derive(Default)]
pub(super) struct LandscapePanel {
    settings: Settings,
    submitted: Option<Request>,
    /// The parameters that the newest request is about.
    centred_on: Option<Arc<Snapshot>>,
    /// When the newest request was made, in seconds.
    submitted_at: f64,
    kept: Option<Kept>,
    /// The same line on the validation set.
    validation: Option<Kept>,
    shown: Shown<Key>,
    surface: SurfaceView,
    /// Where somebody looks: there slices are refined first.
    looking: Looking,
    points: Points,
    twelve: Twelve,
    self_test: Option<SelfTest>,
    ball: Ball,
    section: SectionLine,
}

/// Which results are shown: the slice, that of the validation set, the section.
type Key = [(usize, bool); 3];

/// Room so many times as wide as high has a section beside the map.
const BESIDE: f32 = 1.3;

fn slot() -> Slot {
    Slot::new("landscape")
}

impl LandscapePanel {
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
                (other.extent, &other.directions, &other.quantity)
                    == (slice.extent, &slice.directions, &slice.quantity)
            })
            .map(|other| Arc::clone(&other.result.value));
        let (section, beside) = (self.shown_section(ws), self.section.beside);
        let normalization = ws.recipe.slice.text("normalization").to_owned();
        let class = self.class_name(ws, &slice.quantity);
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
            let source = readout::source(landscape, &slice);
            let split = match slice.split {
                analyses::Split::Train => Split::Training,
                analyses::Split::Validation => Split::Validation,
            };
            let unit = readout::unit(landscape, &slice, &normalization);
            let excerpt = landscape.excerpt;
            let info = SliceInfo {
                quantity: &landscape.quantity,
                class: class.as_deref(),
                symbols: [0, 1].map(|k| landscape.info.axes[k].symbol.as_deref()),
                excerpt: excerpt.map(|excerpt| (excerpt.samples, excerpt.population)),
                known: landscape.refining.as_ref().map(|part| part.share()),
                ..SliceInfo::new(result.step, &source, unit, split)
            };
            match &landscape.shape {
                SliceShape::Plane(slice) => {
                    let path = PathOnPlane {
                        points: &landscape.path,
                        share: landscape.share.as_ref(),
                        errors: landscape.errors.as_deref(),
                        ghosts: &landscape.ghosts,
                        anchors: &landscape.anchors,
                    };
                    let picture = landscape
                        .refining
                        .as_ref()
                        .map(|part| part.over(slice, look.smooth));
                    let slice = picture.as_ref().unwrap_or(slice);
                    let mut figure = landscape::plane(&look, Some(slice), path, &info);
                    if let Some(section) = &section {
                        let section = SectionOnPlane {
                            ends: section.ends,
                            length: section.length,
                            training: &section.training,
                            validation: section.validation.as_ref(),
                            beside,
                        };
                        landscape::add_section(&mut figure, &look, section, &info);
                    }
                    figure
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

    /// The name of the class whose loss is shown.
    fn class_name(&self, ws: &Workspace, quantity: &SliceQuantity) -> Option<String> {
        let SliceQuantity::ClassLoss { class } = quantity else {
            return None;
        };
        let names = ws.run()?.info.setup.data.train.class_names();
        names.get(*class).cloned()
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
        let marks = marks.into_iter().chain(self.ball.place());
        let marks: Vec<[f64; 2]> = marks.map(|mark| [mark.x, mark.y]).collect();
        let kept = self.kept.clone();
        let ground = kept.as_ref().and_then(Ground::of);
        let ball = ground.and_then(|ground| ground.ball());
        let shown = |_: &&Kept| self.settings.look.path;
        let path: Vec<[f64; 2]> = self
            .kept
            .iter()
            .filter(shown)
            .flat_map(|kept| kept.result.value.path.iter())
            .map(|point| [point.alpha, point.beta])
            .collect();
        let id = egui::Id::unique("landscape surface");
        let ball = ball.map(|place| [place.x, place.y]);
        let Some(response) = self.surface.show(ui, id, &path, &marks, ball) else {
            return false;
        };
        if let Some(ground) = ground {
            self.ball.follow(ui, ws, ground, Touch::from(&response));
        }
        self.looking.at(Focus {
            point: response.place.map(|[alpha, beta]| (alpha, beta)),
            window: None,
        });
        let point = response.hovered.zip(self.kept.as_ref());
        if let Some(point) = point.and_then(|(k, kept)| kept.result.value.path.get(k)) {
            ws.cursor_step = Some(point.step);
            if response.clicked {
                ws.select_step(point.step);
            }
        }
        true
    }

    /// The map or the lines.
    fn figure_ui(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        let mut marks = self.marks(ws.linked_step().or(ws.selected));
        marks.extend(self.ball.place());
        let kept = self.kept.clone();
        let ground = kept.as_ref().and_then(Ground::of);
        let options = Options {
            marks,
            handle: ground.and_then(|ground| ground.ball()),
            pencil: self.pencil(),
            ..Options::default()
        };
        let response = self.shown.show(ui, "landscape", &options);
        let asked =
            ground.and_then(|ground| self.ball.follow(ui, ws, ground, Touch::from(&response)));
        if let Some(ends) = asked {
            self.section.set(ends);
        }
        if let Some(drawn) = &response.drawn {
            self.draw_section(drawn);
        }
        self.looking.at(Focus {
            point: response
                .hovered
                .filter(|place| place.panel == 0)
                .map(|place| (place.x, place.y)),
            window: self.shown.view.zoomed(0),
        });
        self.respond(&response, ws);
    }

    /// What the pointer does on the map.
    fn respond(&mut self, response: &FigureResponse, ws: &mut Workspace) {
        let on_map = response.hovered.filter(|place| place.panel == 0);
        let (Some(place), Some(kept)) = (on_map, &self.kept) else {
            return;
        };
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
            common::nothing_trained(ui, ws, SENTENCE);
            return;
        };
        self.shown.of_run(run.id());
        self.controls(ui, ws);
        if self.twelve_ui(ui, ws) {
            return;
        }
        if common::failure(ui, ws, &slot()) {
            self.submitted = None;
        }
        // A job that failed is asked for again only on demand.
        let failed = ws
            .run()
            .is_some_and(|run| run.results.failure(&slot()).is_some());
        let wanted = self.slice_settings(ws);
        let other = self.submitted.as_ref().map(|request| &request.slice) != Some(&wanted);
        if !failed || self.submitted.is_none() || other {
            self.follow(ui, ws);
        }
        if self.kept.is_none() {
            common::nothing_yet(ui, SENTENCE, None);
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
        self.follow_section(ws);
        let section = self
            .shown_section(ws)
            .map_or((0, false), |section| (Arc::as_ptr(&section) as usize, true));
        let key = [version(&self.kept), version(&self.validation), section];
        let log = ws.recipe.slice.boolean("log_scale");
        let room = ui.available_size();
        self.section.beside = room.x > BESIDE * room.y;
        let settings = fingerprint(&(&self.settings, log, self.section.beside));
        let mut shown = std::mem::take(&mut self.shown);
        let available = surface::is_available(ui.ctx());
        let solid = self.is_solid() && available;
        shown.follow(ui, key, settings, || self.plan(ws, !solid));
        self.shown = shown;
        if solid && self.surface_ui(ui, ws) {
            return;
        }
        if self.is_solid() && !available {
            common::remark(
                ui,
                "There is no graphics adapter here to draw a surface with; this is the map.",
            );
        }
        self.figure_ui(ui, ws);
    }

    fn settings_menu(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        self.menu(ui, ws);
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
