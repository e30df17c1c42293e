//! Re-roll twelve: random planes of twelve seeds side by side.

use std::sync::Arc;

use eframe::egui::Ui;

use super::request::path;
use super::{LandscapePanel, readout};
use crate::app::panels::controls::{self, header, remark};
use crate::app::panels::shown::{Plan, Shown, fingerprint};
use crate::app::plot::Options;
use crate::app::workspace::Workspace;
use crate::engine::analyses::{self, SliceSettings};
use crate::engine::{Origin, Reroll, SliceShape, Slot, Succession};
use crate::figure::Figure;
use crate::views::Split;
use crate::views::landscape::{self, LandscapeSettings, SliceInfo, SliceKind};

/// Planes side by side.
const TWELVE: u64 = 12;
/// Points on a side of each, at most.
const POINTS: usize = 33;

/// What the planes were asked for with.
#[derive(Clone, Debug, PartialEq)]
struct Request {
    origin: Origin,
    slice: SliceSettings,
    first: u64,
}

/// The twelve planes, and what they are of.
#[derive(Default)]
pub(super) struct Twelve {
    open: bool,
    asked: Option<(Request, u64)>,
    shown: Shown<(usize, u64)>,
}

impl Twelve {
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Shows twelve planes from now on, of the parameters of this moment.
    pub(super) fn open(&mut self) {
        self.open = true;
        self.asked = None;
    }

    pub(super) fn close(&mut self) {
        self.open = false;
        self.shown.clear();
    }
}

fn slot() -> Slot {
    Slot::new("landscape re-rolls")
}

impl LandscapePanel {
    /// Shows the planes instead of the slice, if they were asked for.
    pub(super) fn twelve_ui(&mut self, ui: &mut Ui, ws: &mut Workspace) -> bool {
        let random = self.settings.directions == super::settings::Directions::Random;
        if !self.twelve.open || !random || self.settings.look.kind == SliceKind::Line {
            return false;
        }
        header(ui, |ui| {
            remark(ui, "A click on a plane takes its seed.");
            if ui.button("Twelve others").clicked()
                && let Some((request, _)) = &self.twelve.asked
            {
                ws.recipe.slice.set("seed", (request.first + TWELVE) as i64);
                self.twelve.asked = None;
            }
            controls::progress(ui, ws, &slot());
        });
        controls::failure(ui, ws, &slot());
        self.ask_for_twelve(ws);
        let Some(result) = ws.run().and_then(|run| run.results.rerolls.as_ref()) else {
            return true;
        };
        let Some((request, step)) = &self.twelve.asked else {
            return true;
        };
        let slices = Arc::clone(&result.value);
        if result.step != *step || slices.first().map(|found| found.seed) != Some(request.first) {
            return true;
        }
        let look = LandscapeSettings {
            log: ws.recipe.slice.boolean("log_scale"),
            ..self.settings.look.clone()
        };
        let normalization = ws.recipe.slice.text("normalization").to_owned();
        let (slice, step) = (request.slice.clone(), *step);
        let class = self.class_name(ws, &slice.quantity);
        let key = (Arc::as_ptr(&slices) as usize, request.first);
        let settings = fingerprint(&(&look, &normalization));
        let planned = Arc::clone(&slices);
        let plan = move || -> Option<Plan> {
            Some(Box::new(move || {
                figure(
                    &planned,
                    &look,
                    &slice,
                    &normalization,
                    class.as_deref(),
                    step,
                )
            }))
        };
        let mut shown = std::mem::take(&mut self.twelve.shown);
        shown.follow(ui, key, settings, plan);
        let response = shown.show(ui, "landscape re-rolls", &Options::default());
        self.twelve.shown = shown;
        let clicked = response
            .clicked
            .and_then(|place| landscape::reroll_of(place.panel))
            .and_then(|plane| slices.get(plane));
        if let Some(found) = clicked {
            ws.recipe.slice.set("seed", found.seed as i64);
            self.twelve.close();
        }
        true
    }

    /// Asks for the planes of the present parameters, unless that was done.
    fn ask_for_twelve(&mut self, ws: &mut Workspace) {
        let mut slice = self.slice_settings(ws);
        slice.grid = slice.grid.min(POINTS);
        let Some(run) = ws.run() else { return };
        let origin = run.origin();
        let seed = ws.recipe.slice.integer("seed").unsigned_abs();
        if let Some((asked, _)) = &self.twelve.asked {
            // The seed alone is no other question: it may be one of the twelve.
            let same = SliceSettings {
                directions: slice.directions.clone(),
                ..asked.slice.clone()
            };
            if asked.origin == origin && same == slice {
                return;
            }
        }
        let Some(centre) = self.centre(ws) else {
            return;
        };
        let step = centre.step;
        let path = path(run, &centre);
        let seeds = (seed..seed.saturating_add(TWELVE)).collect();
        let setup = run.setup();
        let job = analyses::rerolls_job(setup, centre, path, slice.clone(), seeds);
        ws.submit(
            slot(),
            "twelve slices".to_owned(),
            Succession::Replace,
            Box::new(job),
        );
        let request = Request {
            origin,
            slice,
            first: seed,
        };
        self.twelve.asked = Some((request, step));
    }
}

fn figure(
    slices: &[Reroll],
    look: &LandscapeSettings,
    slice: &SliceSettings,
    normalization: &str,
    class: Option<&str>,
    step: u64,
) -> Figure {
    let first = slices.first().map_or(0, |found| found.seed);
    let planes: Vec<_> = (first..first.saturating_add(TWELVE))
        .enumerate()
        .map(
            |(k, seed)| match slices.get(k).map(|found| &found.landscape.shape) {
                Some(SliceShape::Plane(plane)) => (seed, Some(&**plane)),
                _ => (seed, None),
            },
        )
        .collect();
    let unit = slices.first().map_or("", |found| {
        readout::unit(&found.landscape, slice, normalization)
    });
    let split = match slice.split {
        analyses::Split::Train => Split::Training,
        analyses::Split::Validation => Split::Validation,
    };
    let info = SliceInfo {
        quantity: &slice.quantity,
        class,
        ..SliceInfo::new(step, "", unit, split)
    };
    landscape::rerolls(look, &planes, &info)
}
