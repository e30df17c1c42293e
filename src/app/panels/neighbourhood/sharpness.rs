//! How far the loss rises around the parameters, by every measure.

use eframe::egui::{
    self, Align, DragValue, Grid, Label, Layout, Rect, RichText, Role, ScrollArea, Slider, Ui,
    UiBuilder, WidgetInfo, pos2, vec2,
};

use super::super::controls::{NARROW, segments, toggle};
use super::super::shown::{Plan, fingerprint};
use super::NeighbourhoodPanel;
use crate::app::plot::Options;
use crate::app::theme::{HALF, Palette, UNIT};
use crate::app::workspace::Workspace;
use crate::curvature::sharpness::{Neighbourhood, SharpnessSettings};
use crate::engine::analyses::sharpness_job;
use crate::figure::Figure;
use crate::figure::ticks::format_number;
use crate::views::sharpness::{self as view, SharpnessLook};

/// Room from which on all neighbourhoods stand side by side.
const WIDE: f32 = 860.0;
/// Room from which on the table stands under the figure, or beside it.
const HIGH: f32 = 400.0;
const BESIDE: f32 = 800.0;
/// Rows of the table with its head and foot.
const ROWS: f32 = 11.0;
/// Width of the table where it stands beside the figure.
const TABLE: f32 = 330.0;

/// How figure and table share the room.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Arrangement {
    Below,
    Beside,
    Either,
}

impl Arrangement {
    fn of(room: egui::Vec2) -> Self {
        if room.x >= BESIDE && room.x >= 1.7 * room.y {
            Self::Beside
        } else if room.y >= HIGH {
            Self::Below
        } else {
            Self::Either
        }
    }
}

impl NeighbourhoodPanel {
    fn sharpness_settings(&self, ws: &Workspace) -> SharpnessSettings {
        let radii = &self.settings.radii;
        SharpnessSettings {
            rho: radii.rho,
            scaled_rho: radii.scaled_rho,
            epsilon: radii.epsilon,
            seed: ws.run().map_or(0, |run| run.info.recipe.seed),
            ..SharpnessSettings::default()
        }
    }

    pub(super) fn follow_sharpness(&mut self, ui: &Ui, ws: &mut Workspace) {
        let question = self.sharpness_settings(ws);
        let settings = question.clone();
        let follow = self.settings.follow;
        self.sharpness
            .follow(ui, ws, question, follow, "sharpness", |ws, snapshot| {
                let setup = ws.run()?.info.setup.clone();
                Some(Box::new(sharpness_job(setup, snapshot, settings)))
            });
    }

    pub(super) fn take_sharpness(&mut self, ws: &Workspace) {
        let result = ws.run().and_then(|run| run.results.sharpness.as_ref());
        self.sharpness.take(ws, result, |asked, found| {
            found.sam.value.radius == asked.rho
                && found.asam.value.radius == asked.scaled_rho
                && found.boxed.value.radius == asked.epsilon
        });
    }

    /// The radius that all measures are told at.
    pub(super) fn sharpness_controls(&mut self, ui: &mut Ui) {
        let report = self
            .sharpness
            .kept()
            .map(|(result, _)| result.value.clone());
        let reach = report.as_ref().map_or(0, |report| view::reach(report));
        let mut shift = self.settings.shift.clamp(-reach, reach);
        let radius = report
            .as_ref()
            .and_then(|report| view::measures(report, shift).into_iter().next())
            .map_or_else(
                || format!("ρ = {}", format_number(self.settings.radii.rho, 3)),
                |row| row.at,
            );
        ui.spacing_mut().slider_width = if ui.max_rect().width() < NARROW {
            72.0
        } else {
            110.0
        };
        let slider = Slider::new(&mut shift, -reach..=reach).show_value(false);
        let response = ui.add_enabled(reach > 0, slider).on_hover_text(
            "The radius that all measures are told at: SAM's ρ is written, the others grow and \
             shrink with it",
        );
        response.widget_info(|| {
            WidgetInfo::slider(true, f64::from(shift), format!("Radius: {radius}"))
        });
        if response.changed() {
            self.settings.shift = shift;
        }
        let weak = Palette::of(ui.visuals()).weak;
        let size = vec2(60.0, ui.spacing().interact_size.y);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(size.x);
            ui.add(Label::new(RichText::new(radius).color(weak)).extend());
        });
    }

    /// What is chosen where there is no room for everything.
    pub(super) fn sharpness_parts(&mut self, ui: &mut Ui, room: egui::Vec2) {
        let arrangement = Arrangement::of(room);
        if arrangement == Arrangement::Either {
            toggle(
                ui,
                &mut self.settings.table,
                "table",
                "Every measure with its value, instead of the curves",
            );
        }
        let curves = arrangement != Arrangement::Either || !self.settings.table;
        if curves && !Self::shows_all(arrangement, room) {
            segments(
                ui,
                "Neighbourhood",
                &mut self.settings.seen,
                &[
                    (Neighbourhood::Ball, "ball", "‖e‖ ≤ ρ"),
                    (Neighbourhood::ScaledBall, "|θ| ball", "‖e/|θ|‖ ≤ ρ"),
                    (Neighbourhood::Box, "box", "|e| ≤ ε(|θ| + 1)"),
                ],
            );
        }
    }

    fn shows_all(arrangement: Arrangement, room: egui::Vec2) -> bool {
        match arrangement {
            Arrangement::Beside => room.x - TABLE >= WIDE,
            Arrangement::Below | Arrangement::Either => room.x >= WIDE,
        }
    }

    pub(super) fn sharpness_body(&mut self, ui: &mut Ui, ws: &Workspace, room: egui::Vec2) {
        let arrangement = Arrangement::of(room);
        let area = ui.available_rect_before_wrap();
        let row = ui.spacing().interact_size.y * 0.82;
        let (figure, table) = match arrangement {
            Arrangement::Either if self.settings.table => (None, Some(area)),
            Arrangement::Either => (Some(area), None),
            Arrangement::Below => {
                let split = area.bottom() - (ROWS * row).min(0.55 * area.height());
                (
                    Some(Rect::from_min_max(area.min, pos2(area.right(), split))),
                    Some(Rect::from_min_max(
                        pos2(area.left(), split + HALF),
                        area.max,
                    )),
                )
            }
            Arrangement::Beside => {
                let split = area.right() - TABLE;
                (
                    Some(Rect::from_min_max(area.min, pos2(split, area.bottom()))),
                    Some(Rect::from_min_max(pos2(split + UNIT, area.top()), area.max)),
                )
            }
        };
        if let Some(rect) = figure {
            let all = Self::shows_all(arrangement, room);
            let look = SharpnessLook {
                shift: self.settings.shift,
                only: (!all).then_some(self.settings.seen),
            };
            let mut inner = ui.new_child(UiBuilder::new().id_salt("curves").max_rect(rect));
            self.sharpness_figure(&mut inner, ws, look);
        }
        if let Some(rect) = table {
            let mut inner = ui.new_child(UiBuilder::new().id_salt("measures").max_rect(rect));
            inner.set_clip_rect(rect.intersect(ui.clip_rect()));
            self.table_ui(&mut inner);
        }
    }

    fn sharpness_figure(&mut self, ui: &mut Ui, ws: &Workspace, look: SharpnessLook) {
        let Some(key) = self
            .sharpness
            .kept()
            .map(|(result, _)| (std::sync::Arc::as_ptr(&result.value) as usize, 0))
        else {
            return;
        };
        let mut shown = std::mem::take(&mut self.shown);
        shown.follow(ui, key, fingerprint(&look), || {
            self.sharpness_plan(ws, look)
        });
        self.shown = shown;
        self.shown.show(ui, "sharpness", &Options::default());
    }

    fn sharpness_plan(&self, ws: &Workspace, look: SharpnessLook) -> Option<Plan> {
        let report = self.sharpness.kept()?.0.value.clone();
        let dim = ws.run()?.info.setup.dim();
        Some(Box::new(move || view::figure(&report, dim, look)))
    }

    pub(super) fn sharpness_export(&self, ws: &Workspace) -> Option<Figure> {
        let look = SharpnessLook {
            shift: self.settings.shift,
            only: None,
        };
        Some(self.sharpness_plan(ws, look)?())
    }

    /// Every measure with its value, how sure it is, and what it is blind to.
    fn table_ui(&self, ui: &mut Ui) {
        let Some((result, _)) = self.sharpness.kept() else {
            return;
        };
        let reach = view::reach(&result.value);
        let rows = view::measures(&result.value, self.settings.shift.clamp(-reach, reach));
        let palette = Palette::of(ui.visuals());
        ScrollArea::both()
            .id_salt("measures")
            .auto_shrink([false, false])
            .show(ui, |ui| {
                ui.style_mut().override_text_style = Some(egui::TextStyle::Small);
                ui.spacing_mut().interact_size.y *= 0.75;
                let width = ui.available_width();
                Grid::new("measures")
                    .num_columns(4)
                    .striped(true)
                    .spacing([1.5 * UNIT, HALF / 2.0])
                    .show(ui, |ui| {
                        let text = |ui: &mut Ui, text: RichText| ui.add(Label::new(text).extend());
                        for (head, hint) in [
                            ("measure", "Point at one to read what it is"),
                            (
                                "value",
                                "± is a standard error, or comes from the residual of an \
                                 eigenvalue; ≥ is the most that ascent found, the truth is not \
                                 below it",
                            ),
                            ("at", "Radius or deviation"),
                            (
                                "rescaling",
                                "Layers or units of a ReLU network times c, what reads them \
                                 divided by c: the same function. A measure that sees it has \
                                 another value for it.",
                            ),
                        ] {
                            text(ui, RichText::new(head).color(palette.weak)).on_hover_text(hint);
                        }
                        ui.end_row();
                        for row in &rows {
                            text(ui, RichText::new(row.name).color(palette.strong))
                                .on_hover_text(row.definition);
                            text(ui, RichText::new(row.text()));
                            text(ui, RichText::new(&row.at).color(palette.weak));
                            let (word, color) = if row.sees_rescaling() {
                                ("sees it", ui.visuals().text_color())
                            } else {
                                ("blind", palette.weak)
                            };
                            let response = text(ui, RichText::new(word).color(color))
                                .on_hover_text(&*row.blind_to.note);
                            let spoken =
                                format!("{}: {}. {}", row.name, row.text(), row.blind_to.note);
                            response.widget_info(|| {
                                WidgetInfo::labeled(Role::Label, true, spoken.clone())
                            });
                            ui.end_row();
                        }
                    });
                ui.set_max_width(width);
                ui.label(
                    RichText::new(format!(
                        "L = {} · every measure is blind to the order of the units",
                        format_number(result.value.loss, 4),
                    ))
                    .color(palette.weak),
                );
            });
    }

    /// The radii around which all measures are taken.
    pub(super) fn radii_menu(&mut self, ui: &mut Ui) {
        let radii = &mut self.settings.radii;
        for (value, name, hint) in [
            (&mut radii.rho, "ρ", "Radius of the ball (SAM)"),
            (
                &mut radii.scaled_rho,
                "ρ in |θ|",
                "Radius of the ball in units of |θ| (ASAM)",
            ),
            (
                &mut radii.epsilon,
                "ε",
                "Half-width of the box, times |θ| + 1",
            ),
        ] {
            let speed = 0.01 * *value;
            let drag = DragValue::new(value)
                .range(1e-8..=1e3)
                .speed(speed)
                .custom_formatter(|value, _| format_number(value, 3))
                .prefix(format!("{name} = "));
            // Taken when it has been chosen, not on the way.
            let response = ui.add(drag.update_while_editing(false)).on_hover_text(hint);
            response.widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, hint.to_owned()));
        }
    }
}
