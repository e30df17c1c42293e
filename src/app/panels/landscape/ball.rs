//! The ball on the landscape: the shown parameters, to be dragged or kicked
//! elsewhere. Where it is let go, training goes on in a run of its own.

use std::sync::Arc;

use eframe::egui::{self, Ui};
use rand::Rng as _;
use rand_distr::StandardNormal;

use super::Kept;
use crate::app::plot::{Dragged, FigureResponse, Place};
use crate::app::surface::SurfaceResponse;
use crate::app::widgets::values_at_pointer;
use crate::app::workspace::Workspace;
use crate::engine::analyses::PathCentre;
use crate::engine::{Landscape, SliceShape};
use crate::figure::ticks::format_number;
use crate::math::rng::stream;
use crate::math::vector;
use crate::train::Snapshot;

/// A kick's length as a share of that of the parameters, at first.
const KICK: f64 = 0.1;

/// The ball, and what is being done to it.
pub(super) struct Ball {
    /// Where a drag has it.
    dragged: Option<Place>,
    /// Where the menu was asked for, while it is open.
    menu: Option<(Place, egui::Pos2)>,
    /// A kick's length as a share of that of the parameters.
    kick: f64,
    /// How many random kicks there were: each has another direction.
    kicks: u64,
}

impl Default for Ball {
    fn default() -> Self {
        Self {
            dragged: None,
            menu: None,
            kick: KICK,
            kicks: 0,
        }
    }
}

/// What was done to the map or the surface that the ball lies on.
#[derive(Clone, Copy)]
pub(super) struct Touch {
    dragged: Option<Dragged>,
    menu_asked: Option<Place>,
    /// Whether there is room for a section below.
    sections: bool,
}

impl From<&FigureResponse> for Touch {
    fn from(response: &FigureResponse) -> Self {
        Self {
            dragged: response.dragged,
            menu_asked: response.menu_asked.filter(|place| place.panel == 0),
            sections: true,
        }
    }
}

impl From<&SurfaceResponse> for Touch {
    fn from(response: &SurfaceResponse) -> Self {
        let place = |[x, y]: [f64; 2]| Place { panel: 0, x, y };
        Self {
            dragged: response.dragged.map(|slide| Dragged {
                to: place(slide.to),
                released: slide.released,
            }),
            menu_asked: response.menu_asked.map(place),
            sections: false,
        }
    }
}

/// The plane that the ball lies on.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    /// The slice.
    pub landscape: &'a Landscape,
    /// The parameters in its middle.
    pub centre: &'a Snapshot,
}

impl<'a> Ground<'a> {
    /// That of a slice. A plane through the mean of the path is not one through
    /// the parameters.
    pub fn of(kept: &'a Kept) -> Option<Self> {
        let landscape = &*kept.result.value;
        (landscape.info.centre == PathCentre::Parameters).then_some(Self {
            landscape,
            centre: &kept.centre,
        })
    }
}

impl Ground<'_> {
    /// Where the ball lies: at the shown step's place on the path, or in the
    /// middle.
    pub fn ball(&self) -> Option<Place> {
        if matches!(self.landscape.shape, SliceShape::Line(_)) {
            return None;
        }
        let step = self.centre.step;
        let point = self.landscape.path.iter().find(|point| point.step == step);
        let (x, y) = point.map_or((0.0, 0.0), |point| (point.alpha, point.beta));
        Some(Place { panel: 0, x, y })
    }

    /// θ* + αd₁ + βd₂.
    fn theta(&self, at: Place) -> Option<Arc<[f32]>> {
        let point = self
            .landscape
            .directions
            .point(&self.centre.theta[..], at.x, at.y);
        Some(point.ok()?.iter().map(|value| *value as f32).collect())
    }

    /// What the slice shows at a place.
    fn rows(&self, at: Place) -> [(&'static str, String); 3] {
        let loss = match &self.landscape.shape {
            SliceShape::Plane(slice) => slice.between(at.x, at.y),
            SliceShape::Line(_) => None,
        };
        let loss = loss.map_or("outside".to_owned(), |loss| format_number(loss, 3));
        [
            ("α", format_number(at.x, 3)),
            ("β", format_number(at.y, 3)),
            ("slice", loss),
        ]
    }
}

impl Ball {
    /// Where the ball is while it is dragged.
    pub fn place(&self) -> Option<Place> {
        self.dragged
    }

    /// Takes in what was done to the map. Training goes on from where the ball
    /// was let go. Gives the ends of a section if one was asked for.
    pub fn follow(
        &mut self,
        ui: &Ui,
        ws: &mut Workspace,
        ground: Ground<'_>,
        touch: Touch,
    ) -> Option<[[f64; 2]; 2]> {
        self.dragged = None;
        if let Some(dragged) = touch.dragged {
            if dragged.released {
                branch(ws, ground, dragged.to, "dragged");
            } else {
                self.dragged = Some(dragged.to);
                values_at_pointer(ui, ui.scope_id().with("ball"), &ground.rows(dragged.to));
            }
        }
        if let Some(place) = touch.menu_asked {
            let at = ui.input(|input| input.pointer.latest_pos());
            self.menu = at.map(|at| (place, at));
        }
        self.menu(ui, ws, ground, touch.sections)
    }

    /// The menu of a place on the map.
    fn menu(
        &mut self,
        ui: &Ui,
        ws: &mut Workspace,
        ground: Ground<'_>,
        sections: bool,
    ) -> Option<[[f64; 2]; 2]> {
        let (place, at) = self.menu?;
        let mut section = None;
        let mut open = true;
        let id = ui.scope_id().with("menu of a place");
        let popup = egui::Popup::new(id, ui.ctx().clone(), at, ui.layer_id())
            .kind(egui::PopupKind::Menu)
            .layout(egui::Layout::top_down_justified(egui::Align::Min))
            .open_bool(&mut open)
            .close_behavior(egui::PopupCloseBehavior::CloseOnClick);
        popup.show(|ui| {
            let here = format!(
                "Train from here: α {}, β {}",
                format_number(place.x, 3),
                format_number(place.y, 3)
            );
            let tooltip = "The parameters of this place become a run of their own; \
                           the present one stays for comparison";
            if ui.button(here).on_hover_text(tooltip).clicked() {
                branch(ws, ground, place, "placed");
            }
            if sections
                && let Some(ball) = ground.ball()
                && ui
                    .button("Section from the ball to here")
                    .on_hover_text("The values along the straight line, below the map")
                    .clicked()
            {
                section = Some([[ball.x, ball.y], [place.x, place.y]]);
            }
        });
        if !open {
            self.menu = None;
        }
        section
    }

    /// Moves the shown parameters off the path, by so much of their length.
    pub fn kick_ui(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        ui.horizontal(|ui| {
            ui.label("Kick");
            let mut percent = 100.0 * self.kick;
            let speed = 0.02 * percent.max(0.1);
            let size = ui
                .add(
                    egui::DragValue::new(&mut percent)
                        .range(0.01..=1000.0)
                        .speed(speed)
                        .max_decimals(2)
                        .suffix(" % of ‖θ‖"),
                )
                .on_hover_text("How far to move the parameters, as a share of their length");
            size.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::SpinButton, true, "Length of a kick")
            });
            if size.changed() {
                self.kick = percent / 100.0;
            }
            let random = ui
                .add_enabled(ws.run().is_some(), egui::Button::new("random"))
                .on_hover_text("Move them in a random direction, and train a branch from there");
            if random.clicked() {
                self.kicks += 1;
                let seed = ws.run().map_or(0, |run| run.info.recipe.seed);
                let mut random = stream(seed.wrapping_add(self.kicks), "kick");
                let draw =
                    |len| -> Vec<f64> { (0..len).map(|_| random.sample(StandardNormal)).collect() };
                self.kick_along(ws, "kicked", draw);
                ui.close();
            }
            let eigenvector = eigenvector(ws);
            for (sign, text) in [(1.0, "+v₁"), (-1.0, "−v₁")] {
                let button = ui
                    .add_enabled(eigenvector.is_some(), egui::Button::new(text))
                    .on_hover_text(
                        "Move them along the Hessian's top eigenvector, as last found by the \
                         spectrum, and train a branch from there",
                    )
                    .on_disabled_hover_text("Open the spectrum first: it finds the eigenvector");
                if button.clicked()
                    && let Some(v) = &eigenvector
                {
                    let v: Vec<f64> = v.iter().map(|x| sign * x).collect();
                    self.kick_along(ws, &format!("moved along {text}"), |_| v);
                    ui.close();
                }
            }
        });
    }

    fn kick_along(&self, ws: &mut Workspace, how: &str, direction: impl FnOnce(usize) -> Vec<f64>) {
        let Some(shown) = ws.shown_snapshot() else {
            return;
        };
        let mut direction = direction(shown.theta.len());
        if direction.len() != shown.theta.len() || vector::normalize(&mut direction) == 0.0 {
            return;
        }
        let length = self.kick * vector::norm(&shown.theta);
        let moved = shown.theta.iter().zip(&direction);
        let theta = moved.map(|(t, d)| (f64::from(*t) + length * d) as f32);
        ws.branch_moved(shown.step, theta.collect(), how);
    }
}

fn branch(ws: &mut Workspace, ground: Ground<'_>, at: Place, how: &str) {
    if let Some(theta) = ground.theta(at) {
        ws.branch_moved(ground.centre.step, theta, how);
    }
}

/// The top eigenvector that the spectrum found last.
fn eigenvector(ws: &Workspace) -> Option<Vec<f64>> {
    let spectrum = ws.run()?.results.spectrum.as_ref()?;
    spectrum.value.top.vectors.first().cloned()
}
