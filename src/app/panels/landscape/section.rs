//! Sections: lines drawn on the map, with what it shows along them below it.

use std::sync::Arc;

use eframe::egui::Ui;

use super::{Kept, LandscapePanel};
use crate::app::panels::controls::toggle;
use crate::app::plot::{Drawn, Pencil};
use crate::app::workspace::Workspace;
use crate::engine::analyses::{self, PathCentre, Section, SectionRequest, SliceSettings};
use crate::engine::{Landscape, SliceShape, Slot, Succession};
use crate::landscape::Extent;
use crate::views::landscape::SliceKind;

/// Points of a section.
const POINTS: usize = 129;
/// Points of a section of something that takes long in each of them.
const COSTLY: usize = 33;
/// A line shorter than this share of the plane is a click that slipped.
const SHORTEST: f64 = 0.01;

fn slot() -> Slot {
    Slot::new("landscape section")
}

/// A section that was asked for.
struct Submitted {
    /// The slice that it is one of.
    landscape: Arc<Landscape>,
    /// What that was asked for with.
    slice: SliceSettings,
    ends: [[f64; 2]; 2],
}

/// The line on the map.
#[derive(Default)]
pub(super) struct SectionLine {
    /// Whether drags draw lines.
    draws: bool,
    /// α and β of its ends.
    ends: Option<[[f64; 2]; 2]>,
    /// Whether the tile has more room beside the map than below it.
    pub beside: bool,
    /// What was asked for last.
    submitted: Option<Submitted>,
}

impl SectionLine {
    /// The line from one place to another, from now on.
    pub fn set(&mut self, ends: [[f64; 2]; 2]) {
        self.draws = true;
        self.ends = Some(ends);
    }
}

/// Whether lines can be drawn on a slice: one that lies around parameters.
fn suits(kept: &Kept) -> bool {
    let landscape = &*kept.result.value;
    matches!(landscape.shape, SliceShape::Plane(_))
        && landscape.info.centre == PathCentre::Parameters
}

/// Whether two slices show the same on the same plane, at whatever parameters,
/// however far and however fine.
fn alike(a: &SliceSettings, b: &SliceSettings) -> bool {
    let of = |slice: &SliceSettings| SliceSettings {
        grid: 0,
        extent: Extent::Symmetric(1.0),
        split: analyses::Split::Train,
        ..slice.clone()
    };
    of(a) == of(b)
}

impl LandscapePanel {
    /// The button that lets lines be drawn.
    pub(super) fn section_control(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        let possible =
            self.settings.look.kind == SliceKind::Plane && self.kept.as_ref().is_none_or(suits);
        if !possible {
            return;
        }
        let mut draws = self.section.draws;
        let hint = "Drag a line over the map: the values along it are drawn below; switch this \
                    off to remove it";
        if toggle(ui, &mut draws, "section", hint) {
            self.section = SectionLine {
                draws,
                ..SectionLine::default()
            };
            ws.cancel(&slot());
        }
    }

    /// The panel of the map where drags draw lines.
    pub(super) fn pencil(&self) -> Option<(usize, Pencil)> {
        let possible = self.section.draws && self.kept.as_ref().is_some_and(suits);
        possible.then_some((0, Pencil::Line))
    }

    /// Takes in a line that was drawn.
    pub(super) fn draw_section(&mut self, drawn: &Drawn) {
        let ends = [drawn.from, drawn.to].map(|end| [end.x, end.y]);
        let reach = self.kept.as_ref().map_or(0.0, |kept| {
            match &kept.result.value.shape {
                SliceShape::Plane(slice) => slice.alpha.last().zip(slice.alpha.first()),
                SliceShape::Line(_) => None,
            }
            .map_or(0.0, |(high, low)| high - low)
        });
        let [a, b] = ends;
        if drawn.released && (b[0] - a[0]).hypot(b[1] - a[1]) > SHORTEST * reach {
            self.section.set(ends);
        }
    }

    /// Asks for the section of the slice that is shown, where it is not there.
    pub(super) fn follow_section(&mut self, ws: &mut Workspace) {
        let (Some(ends), Some(kept), Some(run)) = (self.section.ends, &self.kept, ws.run()) else {
            return;
        };
        let landscape = &kept.result.value;
        let done = self.section.submitted.as_ref();
        let same = done.is_some_and(|done| {
            Arc::ptr_eq(&done.landscape.directions, &landscape.directions) && done.ends == ends
        });
        let slice = kept.request.slice.clone();
        let another = done.is_none_or(|done| done.ends != ends || !alike(&done.slice, &slice));
        let waiting = ws.job(&slot()).is_some() && !another;
        if !suits(kept) || same || waiting {
            return;
        }
        let points = if slice.quantity.is_costly() {
            COSTLY
        } else {
            POINTS
        };
        let job = analyses::section_job(
            Arc::clone(&run.info.setup),
            SectionRequest {
                centre: Arc::clone(&kept.centre),
                directions: Arc::clone(&landscape.directions),
                slice: slice.clone(),
                ends,
                points,
            },
        );
        self.section.submitted = Some(Submitted {
            landscape: Arc::clone(landscape),
            slice,
            ends,
        });
        ws.submit(slot(), "section", Succession::Replace, Box::new(job));
    }

    /// The section to be shown: that of the line on the map, perhaps still that
    /// of slightly older parameters.
    pub(super) fn shown_section(&self, ws: &Workspace) -> Option<Arc<Section>> {
        let ends = self.section.ends?;
        let kept = self.kept.as_ref().filter(|kept| suits(kept))?;
        let asked = self.section.submitted.as_ref()?;
        let run = ws.run()?;
        let found = run.results.section.as_ref()?;
        let fits = found.generation == run.origin().generation
            && found.value.ends == ends
            && found.value.quantity == kept.result.value.quantity
            && alike(&asked.slice, &kept.request.slice);
        fits.then(|| Arc::clone(&found.value))
    }
}
