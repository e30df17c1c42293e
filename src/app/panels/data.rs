//! The data and what the network makes of them.

use std::sync::Arc;

use eframe::egui::{self, Rect, Ui, UiBuilder, vec2};

use super::controls::{self, choice, header, segments, toggle};
use super::shown::{Plan, Shown, fingerprint};
use super::{Panel, PanelKind};
use crate::app::plot::{Drawn, Options, Pencil};
use crate::app::workspace::Workspace;
use crate::data::{Dataset, InputShape};
use crate::diagnostics::{PredictionMap, prediction};
use crate::engine::{
    AnalysisResult, JobContext, JobError, Origin, ResultKind, RunInfo, Slot, Succession, analyses,
};
use crate::figure::Figure;
use crate::gradients::SaliencyMaps;
use crate::views::Split;
use crate::views::data::{self, DataSettings, Said};
use crate::views::saliency;

#[derive(Clone, Debug, PartialEq)]
struct Request {
    origin: Origin,
    step: u64,
    resolution: usize,
    samples: Vec<usize>,
    split: Split,
}

#[derive(Default)]
pub(super) struct DataPanel {
    settings: DataSettings,
    submitted: Option<Request>,
    submitted_at: f64,
    kept: Option<(u64, Request, Arc<PredictionMap>)>,
    shown: Shown<(Origin, usize, bool)>,
    /// The sample that was clicked, and what speaks for its class.
    picked: Option<usize>,
    explained: Option<(u64, Arc<SaliencyMaps>)>,
    explained_for: Option<(Origin, u64, usize)>,
    detail: Shown<(usize, u64)>,
    /// Whether the pointer brushes samples.
    brushes: bool,
}

/// Seconds between two predictions of a running training.
const PAUSE: f64 = 0.1;
/// Seconds after which a request without an answer is made again.
const PATIENCE: f64 = 2.0;
/// Points a side of the map while training.
const LIVE: usize = 64;
/// Points a side of the map at rest.
const FINE: usize = 128;
/// Points of a fitted curve.
const CURVE: usize = 256;
/// The share of the panel that a picked sample takes.
const DETAIL: f32 = 0.36;

fn slot() -> Slot {
    Slot::new("prediction")
}

fn detail_slot() -> Slot {
    Slot::new("sample")
}

/// The samples that are shown.
fn dataset_of<'a>(settings: &DataSettings, info: &'a RunInfo) -> &'a Dataset {
    match (settings.split, &info.data.validation) {
        (Split::Validation, Some(validation)) => validation,
        _ => &info.data.train,
    }
}

impl DataPanel {
    /// The samples that are shown.
    fn dataset<'a>(&self, ws: &'a Workspace) -> Option<&'a Dataset> {
        Some(dataset_of(&self.settings, &ws.run()?.info))
    }

    fn request(&self, ws: &Workspace) -> Option<Request> {
        let run = ws.run()?;
        let snapshot = ws.shown_snapshot()?;
        let dataset = self.dataset(ws)?;
        let (resolution, samples) = match dataset.shape {
            InputShape::Vector(1) => (CURVE, Vec::new()),
            InputShape::Vector(2) => (if ws.is_running() { LIVE } else { FINE }, Vec::new()),
            InputShape::Vector(_) => return None,
            // Errors can only come first when all are judged.
            InputShape::Image { .. } if self.settings.errors_first => {
                (0, (0..dataset.len().min(2000)).collect())
            }
            InputShape::Image { .. } => (0, data::images_shown(&self.settings, dataset)),
        };
        Some(Request {
            origin: run.origin(),
            step: snapshot.step,
            resolution,
            samples,
            split: self.settings.split,
        })
    }

    fn follow(&mut self, ui: &Ui, ws: &mut Workspace) {
        let Some(wanted) = self.request(ws) else {
            return;
        };
        let now = ui.input(|input| input.time);
        if self.submitted.as_ref() == Some(&wanted) {
            let lost = ws.job(&slot()).is_none() && now > self.submitted_at + PATIENCE;
            let answered = self
                .kept
                .as_ref()
                .is_some_and(|(_, request, _)| *request == wanted);
            if answered || !lost {
                return;
            }
        }
        let moved_on = self.submitted.as_ref().is_some_and(|submitted| {
            submitted.origin == wanted.origin && submitted.split == wanted.split
        });
        if moved_on && ws.selected.is_none() {
            let early = now < self.submitted_at + PAUSE;
            if early || ws.job(&slot()).is_some() {
                ui.ctx().request_repaint_after_secs(PAUSE as f32);
                return;
            }
        }
        let (Some(run), Some(snapshot)) = (ws.run(), ws.shown_snapshot()) else {
            return;
        };
        let setup = Arc::clone(&run.info.setup);
        let request = wanted.clone();
        let analysis = move |_: &JobContext| -> Result<AnalysisResult, JobError> {
            let data = match (request.split, &setup.data.validation) {
                (Split::Validation, Some(validation)) => validation,
                _ => &setup.data.train,
            };
            let map = prediction(
                &setup.training,
                &snapshot.theta,
                data,
                request.resolution,
                &request.samples,
            );
            Ok(AnalysisResult {
                step: snapshot.step,
                kind: ResultKind::Prediction(Arc::new(map)),
            })
        };
        ws.submit(
            slot(),
            "prediction",
            Succession::Replace,
            Box::new(analysis),
        );
        self.submitted = Some(wanted);
        self.submitted_at = now;
    }

    /// What speaks for the class of the picked sample.
    fn explain(&mut self, ws: &mut Workspace) {
        let (Some(run), Some(snapshot), Some(sample)) =
            (ws.run(), ws.shown_snapshot(), self.picked)
        else {
            return;
        };
        let wanted = (run.origin(), snapshot.step, sample);
        let again = self
            .explained_for
            .is_some_and(|(origin, _, of)| (origin, of) == (wanted.0, wanted.2));
        if self.explained_for == Some(wanted) || (again && ws.job(&detail_slot()).is_some()) {
            return;
        }
        let split = match self.settings.split {
            Split::Training => analyses::Split::Train,
            Split::Validation => analyses::Split::Validation,
        };
        let setup = Arc::clone(&run.info.setup);
        let job = analyses::saliency_job(setup, snapshot, split, vec![sample], 1, None);
        ws.submit(
            detail_slot(),
            "saliency map",
            Succession::Replace,
            Box::new(job),
        );
        self.explained_for = Some(wanted);
    }

    fn take(&mut self, ws: &Workspace) {
        let Some(run) = ws.run() else {
            self.kept = None;
            self.picked = None;
            return;
        };
        let origin = run.origin();
        if self
            .kept
            .as_ref()
            .is_some_and(|(_, request, _)| request.origin != origin)
        {
            self.kept = None;
        }
        if self
            .submitted
            .as_ref()
            .is_some_and(|submitted| submitted.origin.run != origin.run)
        {
            self.picked = None;
            self.explained = None;
        }
        if let (Some(result), Some(request)) = (&run.results.prediction, &self.submitted)
            && result.generation == origin.generation
            && request.origin == origin
            && result.step == request.step
        {
            let same = self
                .kept
                .as_ref()
                .is_some_and(|(_, _, map)| Arc::ptr_eq(map, &result.value));
            if !same {
                self.kept = Some((result.step, request.clone(), Arc::clone(&result.value)));
            }
        }
        if let Some(result) = &run.results.saliency
            && result.generation == origin.generation
            && let [only] = &result.value.samples[..]
            && Some(only.sample) == self.picked
        {
            self.explained = Some((result.step, Arc::clone(&result.value)));
        }
    }

    /// How the figure is built.
    fn plan(&self, ws: &Workspace) -> Option<Plan> {
        let dataset = self.dataset(ws)?;
        let said = self
            .kept
            .as_ref()
            .filter(|(_, request, _)| {
                request.split == self.settings.split
                    || !matches!(dataset.shape, InputShape::Image { .. })
            })
            .map(|(step, _, map)| (*step, Arc::clone(map)));
        let info = Arc::clone(&ws.run()?.info);
        let settings = self.settings.clone();
        Some(Box::new(move || {
            let said = said.as_ref().map(|(step, map)| Said { step: *step, map });
            data::figure(&settings, dataset_of(&settings, &info), said)
        }))
    }

    fn controls(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        let Some(run) = ws.run() else { return };
        let validation = run.info.validation.is_some();
        let shape = run.info.data.train.shape;
        let names = run.info.data.train.feature_names.clone();
        header(ui, |ui| {
            if validation {
                let before = self.settings.split;
                segments(
                    ui,
                    "Samples",
                    &mut self.settings.split,
                    &[
                        (
                            Split::Training,
                            "training",
                            "The samples that training sees",
                        ),
                        (
                            Split::Validation,
                            "validation",
                            "The samples that it does not see",
                        ),
                    ],
                );
                if before != self.settings.split {
                    self.picked = None;
                }
            }
            match shape {
                InputShape::Vector(2) => {
                    toggle(
                        ui,
                        &mut self.settings.regions,
                        "regions",
                        "The network's decisions",
                    );
                }
                InputShape::Vector(features) if features > 2 => {
                    let options: Vec<(usize, String)> = (0..features)
                        .map(|f| {
                            let name = names
                                .get(f)
                                .cloned()
                                .unwrap_or_else(|| format!("x{}", f + 1));
                            (f, name)
                        })
                        .collect();
                    choice(
                        ui,
                        "Across",
                        &mut self.settings.feature_x,
                        &options,
                        "The feature across",
                    );
                    choice(
                        ui,
                        "Up",
                        &mut self.settings.feature_y,
                        &options,
                        "The feature upwards",
                    );
                }
                InputShape::Image { .. } => {
                    toggle(
                        ui,
                        &mut self.settings.errors_first,
                        "errors first",
                        "Images that are taken for another class come first",
                    );
                    let options: Vec<(usize, String)> = [20, 40, 80, 160]
                        .map(|n| (n, format!("{n} images")))
                        .to_vec();
                    choice(
                        ui,
                        "Images",
                        &mut self.settings.images,
                        &options,
                        "Images at most",
                    );
                }
                InputShape::Vector(_) => {}
            }
            self.brush_control(ui, ws);
            controls::moment(ui, ws);
        });
    }

    /// The button that lets samples be brushed, and how many are.
    fn brush_control(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        if self.settings.split != Split::Training {
            return;
        }
        let hint = "Drag a box around samples, with Shift to add to them, or click images. The \
                    landscape can show their loss.";
        toggle(ui, &mut self.brushes, "brush", hint);
        if !ws.brushed.is_empty() {
            let clear = ui
                .small_button(format!("{} ✕", ws.brushed.len()))
                .on_hover_text("Brush none");
            clear.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::Button, true, "Brush no samples")
            });
            if clear.clicked() {
                ws.brushed.clear();
            }
        }
    }

    /// Whether the pointer brushes now.
    fn is_brushing(&self) -> bool {
        self.brushes && self.settings.split == Split::Training
    }

    /// Takes the samples in a box.
    fn brush(&self, ui: &Ui, ws: &mut Workspace, drawn: &Drawn) {
        let Some(run) = ws.run().filter(|_| drawn.released) else {
            return;
        };
        let data = &run.info.data.train;
        let within = |a: f64, b: f64, value: f64| (a.min(b)..=a.max(b)).contains(&value);
        let (from, to) = (drawn.from, drawn.to);
        let inside: Vec<usize> = (0..data.len())
            .filter(|sample| {
                let [x, y] = data::place_of(&self.settings, data, *sample);
                within(from.x, to.x, x) && within(from.y, to.y, y)
            })
            .collect();
        if !ui.input(|input| input.modifiers.shift) {
            ws.brushed.clear();
        }
        ws.brushed.extend(inside);
        ws.brushed.sort_unstable();
        ws.brushed.dedup();
    }

    /// The sample behind an image of the mosaic, in the order it shows them.
    fn sample_of_tile(&self, ws: &Workspace, tile: usize) -> Option<usize> {
        let dataset = self.dataset(ws)?;
        let Some((_, _, map)) = &self.kept else {
            return data::images_shown(&self.settings, dataset)
                .get(tile)
                .copied();
        };
        let PredictionMap::Samples {
            samples, classes, ..
        } = &**map
        else {
            return None;
        };
        let mut order: Vec<(usize, bool)> = samples
            .iter()
            .enumerate()
            .map(|(k, &sample)| {
                let label = dataset.labels().and_then(|labels| labels.get(sample));
                (sample, classes.get(k) != label)
            })
            .collect();
        if self.settings.errors_first {
            order.sort_by_key(|(_, wrong)| !wrong);
        }
        order.get(tile).map(|(sample, _)| *sample)
    }

    /// The picked sample beside the others: its image and what speaks for its
    /// class.
    fn detail_ui(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        self.explain(ws);
        ui.horizontal(|ui| {
            if let Some(sample) = self.picked {
                ui.label(format!("Sample {sample}"));
            }
            let close = ui.small_button("✕").on_hover_text("Close the sample");
            close.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::Button, true, "Close the sample")
            });
            if close.clicked() {
                self.picked = None;
            }
        });
        let (Some((step, maps)), Some(run)) = (&self.explained, ws.run()) else {
            return;
        };
        let key = (Arc::as_ptr(maps) as usize, *step);
        self.detail.follow(ui, key, 0, || {
            let (maps, info) = (Arc::clone(maps), Arc::clone(&run.info));
            Some(Box::new(move || {
                saliency::sample(&maps, info.data.train.class_names())
            }))
        });
        self.detail.show(ui, "data sample", &Options::default());
    }
}

impl Panel for DataPanel {
    fn kind(&self) -> PanelKind {
        PanelKind::Data
    }

    fn title(&self, _ws: &Workspace) -> String {
        "Data".to_owned()
    }

    fn ui(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        self.take(ws);
        let Some(run) = ws.run() else {
            self.shown.clear();
            controls::nothing_trained(
                ui,
                ws,
                "The data and what the network makes of them: regions of the plane by class, a \
                 fitted curve, or images with their predictions.",
            );
            return;
        };
        self.shown.of_run(run.id());
        let origin = run.origin();
        let pictures = matches!(run.info.data.train.shape, InputShape::Image { .. });
        self.controls(ui, ws);
        if controls::failure(ui, ws, &slot()) {
            self.submitted = None;
        }
        self.follow(ui, ws);
        let key = (
            origin,
            self.kept
                .as_ref()
                .map_or(0, |(.., map)| Arc::as_ptr(map) as usize),
            ws.is_running(),
        );
        let samples = ws.run().map_or(0, |run| run.info.data.train.len());
        ws.brushed.retain(|sample| *sample < samples);
        self.settings.brushed = match self.settings.split {
            Split::Training => ws.brushed.clone(),
            Split::Validation => Vec::new(),
        };
        let settings = fingerprint(&self.settings);
        let mut shown = std::mem::take(&mut self.shown);
        shown.follow(ui, key, settings, || self.plan(ws));
        self.shown = shown;
        let options = Options {
            selectable_tiles: pictures,
            pencil: (self.is_brushing() && !pictures).then_some((0, Pencil::Box)),
            ..Options::default()
        };
        let room = ui.available_rect_before_wrap();
        let beside = self.picked.is_some() && pictures;
        let split = if beside { room.width() * DETAIL } else { 0.0 };
        let main = Rect::from_min_size(room.min, vec2(room.width() - split, room.height()));
        let mut left = ui.new_child(UiBuilder::new().id_salt("data").max_rect(main));
        let response = self.shown.show(&mut left, "data", &options);
        if beside {
            let area = Rect::from_min_max(main.right_top(), room.max);
            let mut right = ui.new_child(UiBuilder::new().id_salt("sample").max_rect(area));
            self.detail_ui(&mut right, ws);
        }
        ui.advance_cursor_after_rect(room);
        if let Some(drawn) = &response.drawn {
            self.brush(ui, ws, drawn);
        }
        if let Some((_, tile)) = response.tile_clicked
            && self.is_brushing()
        {
            if let Some(sample) = self.sample_of_tile(ws, tile) {
                match ws.brushed.binary_search(&sample) {
                    Ok(at) => drop(ws.brushed.remove(at)),
                    Err(at) => ws.brushed.insert(at, sample),
                }
            }
        } else if let Some((_, tile)) = response.tile_clicked {
            let sample = self.sample_of_tile(ws, tile);
            self.picked = if self.picked == sample { None } else { sample };
            self.explained = None;
            self.explained_for = None;
        }
    }

    fn settings_menu(&mut self, ui: &mut Ui, _ws: &mut Workspace) {
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
        Some(self.shown.as_seen(self.plan(ws)?()))
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
