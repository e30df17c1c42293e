//! The recipe on the left: sections made from the schema, each with a small
//! picture; every field a widget with its explanation.
//!
//! Live fields act on the running network at once. Everything else waits for
//! Apply, which starts a new run and keeps the old one for comparison. Undo and
//! redo go over the recipe as it is shown, whichever way it was changed.

mod field;
pub mod pictures;
mod sketches;

use std::collections::HashMap;

use eframe::egui;
use egui::{Align, Layout, RichText, Sense, Ui, UiBuilder, WidgetInfo, util::undoer, vec2};

use super::commands::Command;
use super::icons::{Icon, IconButton};
use super::theme::{self, HALF, Palette, UNIT};
use super::workspace::{RunRecord, Workspace};
use crate::catalogue;
use crate::engine::{RunId, RunState};
use crate::recipe::{Recipe, Section, Value};
pub use field::format_float;
pub(in crate::app) use field::{FieldEditor, kind_row};
use pictures::Pictures;

/// The height of a section's header.
const HEADER_HEIGHT: f32 = 32.0;

/// What the editor asks the shell to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Do this command.
    Command(Command),
    /// Let the person choose a file for the field of this section and key.
    ChooseFile {
        /// The section.
        section: &'static str,
        /// The field's key.
        key: &'static str,
    },
}

/// The editor and what it remembers between frames.
pub struct RecipeEditor {
    undoer: undoer::Undoer<Recipe>,
    open: HashMap<&'static str, bool>,
    /// What is being typed in list fields, by section and key.
    texts: HashMap<(String, String), String>,
    /// The recipe that `problems` is about, and the run that has been told of
    /// its live values.
    checked: Option<(Recipe, Option<RunId>)>,
    problems: Vec<(String, String)>,
}

impl Default for RecipeEditor {
    fn default() -> Self {
        let settings = undoer::Settings {
            stable_time: 0.4,
            ..undoer::Settings::default()
        };
        Self {
            undoer: undoer::Undoer::with_settings(settings),
            open: HashMap::from([("optimizer", true)]),
            texts: HashMap::new(),
            checked: None,
            problems: Vec::new(),
        }
    }
}

impl RecipeEditor {
    /// Starts with another recipe: nothing to undo.
    pub fn forget(&mut self) {
        let open = std::mem::take(&mut self.open);
        *self = Self {
            open,
            ..Self::default()
        };
    }

    /// Which sections are unfolded, for the next start.
    pub fn open_sections(&self) -> Vec<String> {
        let mut open: Vec<String> = self
            .open
            .iter()
            .filter(|(_, open)| **open)
            .map(|(section, _)| (*section).to_owned())
            .collect();
        open.sort();
        open
    }

    /// Unfolds these sections and no others.
    pub fn set_open_sections(&mut self, sections: &[String]) {
        self.open = catalogue::schema()
            .sections
            .iter()
            .map(|section| {
                let open = sections.iter().any(|name| name == section.key);
                (section.key, open)
            })
            .collect();
    }

    /// Whether there is something to undo, and something to redo.
    pub fn can_undo_redo(&self, recipe: &Recipe) -> (bool, bool) {
        (self.undoer.has_undo(recipe), self.undoer.has_redo(recipe))
    }

    /// Undoes the last change.
    pub fn undo(&mut self, ws: &mut Workspace) {
        if let Some(recipe) = self.undoer.undo(&ws.recipe) {
            ws.recipe = recipe.clone();
            self.texts.clear();
        }
        self.act_live(ws);
    }

    /// Redoes what was undone.
    pub fn redo(&mut self, ws: &mut Workspace) {
        if let Some(recipe) = self.undoer.redo(&ws.recipe) {
            ws.recipe = recipe.clone();
            self.texts.clear();
        }
        self.act_live(ws);
    }

    /// Gives up what has not been applied.
    pub fn revert(&mut self, ws: &mut Workspace) {
        ws.recipe = ws.applied.clone();
        self.texts.clear();
    }

    /// Called every frame, also while the editor is hidden: remembers changes
    /// for undo, checks the recipe, and passes live changes on.
    pub fn follow(&mut self, ctx: &egui::Context, ws: &mut Workspace) {
        self.undoer.feed_state(ctx.time(), &ws.recipe);
        if self.undoer.is_in_flux() {
            ctx.request_repaint_after(std::time::Duration::from_millis(200));
        }
        let run = ws.run().map(RunRecord::id);
        let known = self
            .checked
            .as_ref()
            .is_some_and(|(recipe, told)| *recipe == ws.recipe && *told == run);
        if !known && !ws.is_loading() {
            self.problems = ws
                .recipe
                .validate(catalogue::schema())
                .into_iter()
                .map(|error| (error.key, error.message))
                .collect();
            self.checked = Some((ws.recipe.clone(), run));
            self.act_live(ws);
        }
    }

    /// Whether every value is valid.
    pub fn is_valid(&self) -> bool {
        self.problems.is_empty()
    }

    /// Passes on the values that a running network can take: live fields of
    /// sections whose kind has not changed.
    fn act_live(&mut self, ws: &mut Workspace) {
        if ws.is_loading() {
            return;
        }
        if !same_texts(&ws.applied, &ws.recipe) {
            ws.applied.name.clone_from(&ws.recipe.name);
            ws.applied.description.clone_from(&ws.recipe.description);
            ws.applied.look_at.clone_from(&ws.recipe.look_at);
        }
        let mut changes: Vec<(&'static str, &'static str, Value)> = Vec::new();
        for section in &catalogue::schema().sections {
            let (Some(before), Some(after)) = (
                ws.applied.section(section.key),
                ws.recipe.section(section.key),
            ) else {
                continue;
            };
            if before == after || before.kind != after.kind {
                continue;
            }
            let Some(kind) = section.kind(&after.kind) else {
                continue;
            };
            // A combination that its section refuses must not run either.
            if !section.problems(after).is_empty() {
                continue;
            }
            for field in section.fields(kind).filter(|field| field.live) {
                let value = after.get(field.key);
                if let Some(value) = value
                    && before.get(field.key) != Some(value)
                {
                    changes.push((section.key, field.key, value.clone()));
                }
            }
        }
        for (section, key, value) in changes {
            ws.set_live(section, key, value);
        }
    }

    /// Whether something waits for a restart.
    pub fn is_changed(&self, ws: &Workspace) -> bool {
        ws.difference().needs_restart()
    }

    /// Shows the editor.
    pub fn ui(&mut self, ui: &mut Ui, ws: &mut Workspace, pictures: &mut Pictures) -> Vec<Request> {
        let mut requests = Vec::new();
        self.header_ui(ui, ws, &mut requests);
        // The foot is laid out first, from below, so that what scrolls gets the rest.
        let changed = self.is_changed(ws);
        egui::Panel::bottom("recipe foot")
            .show_separator_line(false)
            .frame(egui::Frame::NONE)
            .show(ui, |ui| self.foot_ui(ui, ws, changed, &mut requests));
        egui::ScrollArea::vertical()
            .id_salt("recipe")
            .auto_shrink([false, false])
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = HALF;
                self.top_fields_ui(ui, ws);
                for section in &catalogue::schema().sections {
                    self.section_ui(ui, section, ws, pictures, &mut requests);
                }
                ui.add_space(UNIT);
            });
        requests
    }

    fn header_ui(&mut self, ui: &mut Ui, ws: &Workspace, requests: &mut Vec<Request>) {
        let (can_undo, can_redo) = self.can_undo_redo(&ws.recipe);
        ui.horizontal(|ui| {
            ui.label(theme::strong("Recipe"));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 0.0;
                for (command, enabled) in [
                    (Command::SaveRecipe, true),
                    (Command::Redo, can_redo),
                    (Command::Undo, can_undo),
                ] {
                    let tooltip = command.tooltip_with_shortcut(ui.ctx());
                    let response = match command.icon() {
                        Some(icon) => {
                            ui.add(IconButton::new(icon, command.text()).enabled(enabled))
                        }
                        None => ui.add_enabled(enabled, egui::Button::new("Save…").frame(false)),
                    };
                    if response
                        .on_hover_text(&tooltip)
                        .on_disabled_hover_text(&tooltip)
                        .clicked()
                    {
                        requests.push(Request::Command(command));
                    }
                    if command == Command::SaveRecipe {
                        ui.add_space(UNIT);
                    }
                }
            });
        });
    }

    fn top_fields_ui(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        field::row(
            ui,
            "Name",
            "What the run is called, here and in figures",
            |ui| {
                ui.add(
                    egui::TextEdit::singleline(&mut ws.recipe.name)
                        .desired_width(f32::INFINITY)
                        .align(egui::Align2::LEFT_CENTER)
                        .id_salt("recipe name"),
                )
                .accessible_name("Name")
            },
        );
        field::row(
            ui,
            "Seed",
            "Source of everything random in the run: data, first parameters, batches",
            |ui| {
                let mut seed = ws.recipe.seed as f64;
                let response = ui
                    .add(
                        egui::DragValue::new(&mut seed)
                            .min_size(vec2(64.0, 0.0))
                            .speed(0.05)
                            .range(0.0..=9.0e15)
                            .max_decimals(0),
                    )
                    .accessible_name("Seed");
                if response.changed() {
                    ws.recipe.seed = seed.round() as u64;
                }
                response
            },
        );
        ui.add_space(HALF);
    }

    fn section_ui(
        &mut self,
        ui: &mut Ui,
        section: &'static Section,
        ws: &mut Workspace,
        pictures: &mut Pictures,
        requests: &mut Vec<Request>,
    ) {
        let open = self.open.get(section.key).copied().unwrap_or(false);
        let broken = self
            .problems
            .iter()
            .any(|(key, _)| key.starts_with(section.key));
        if header_ui(ui, section, ws, pictures, open, broken) {
            self.open.insert(section.key, !open);
        }
        if !open {
            return;
        }
        let Some(mut component) = ws.recipe.section(section.key).cloned() else {
            return;
        };
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = HALF;
            if section.kinds.len() > 1 {
                let chosen = field::kind_row(ui, section, &component.kind);
                if let Some(kind) = chosen
                    && kind != component.kind
                {
                    section.switch_kind(&mut component, kind);
                    self.texts.retain(|(name, _), _| name != section.key);
                }
                self.problem_ui(ui, section, "kind");
            }
            if let Some(kind) = section.kind(&component.kind) {
                for field in section.fields(kind) {
                    let mut editor = field::FieldEditor {
                        section,
                        field,
                        texts: &mut self.texts,
                    };
                    let outcome = editor.ui(ui, component.get(field.key));
                    if let Some(value) = outcome.value {
                        component.set(field.key, value);
                    }
                    if outcome.choose_file {
                        requests.push(Request::ChooseFile {
                            section: section.key,
                            key: field.key,
                        });
                    }
                    if let Some(message) = outcome.message {
                        field::message_ui(ui, &message);
                    } else {
                        self.problem_ui(ui, section, field.key);
                    }
                }
            }
        });
        ui.add_space(HALF);
        if let Some(slot) = ws.recipe.section_mut(section.key)
            && *slot != component
        {
            *slot = component;
        }
    }

    fn problem_ui(&self, ui: &mut Ui, section: &Section, key: &str) {
        let path = section.path(key);
        for (problem, message) in &self.problems {
            if *problem == path {
                field::message_ui(ui, message);
            }
        }
    }

    fn foot_ui(
        &mut self,
        ui: &mut Ui,
        ws: &mut Workspace,
        changed: bool,
        requests: &mut Vec<Request>,
    ) {
        ui.add_space(HALF);
        if changed {
            let palette = Palette::of(ui.visuals());
            egui::Frame::NONE
                .fill(palette.selection)
                .corner_radius(4.0)
                .inner_margin(egui::Margin::symmetric(UNIT as i8, HALF as i8))
                .show(ui, |ui| {
                    ui.horizontal(|ui| {
                        let valid = self.is_valid();
                        let text = if valid {
                            "Restarts the run"
                        } else {
                            "Not valid yet"
                        };
                        ui.label(RichText::new(text).color(palette.text)).on_hover_text(
                            "These changes need a new run; the present one is kept for comparison",
                        );
                        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                            let apply =
                                egui::Button::new(RichText::new("Apply").color(palette.on_accent))
                                    .fill(palette.accent);
                            for (command, response) in [
                                (Command::ApplyRecipe, ui.add_enabled(valid, apply)),
                                (Command::RevertRecipe, ui.button("Revert")),
                            ] {
                                let tooltip = command.tooltip_with_shortcut(ui.ctx());
                                if response.on_hover_text(tooltip).clicked() {
                                    requests.push(Request::Command(command));
                                }
                            }
                        });
                    });
                });
            ui.add_space(HALF);
        }
        let look_at = ws.applied.look_at.trim();
        let finished = matches!(
            ws.run().map(|run| &run.state),
            Some(RunState::Failed { .. })
        );
        if !look_at.is_empty() && !finished {
            ui.separator();
            ui.label(theme::small(ui, "What to look at"));
            egui::ScrollArea::vertical()
                .id_salt("look at")
                .max_height(120.0)
                .show(ui, |ui| {
                    ui.add(egui::Label::new(look_at).wrap());
                });
        }
    }
}

fn same_texts(first: &Recipe, second: &Recipe) -> bool {
    first.name == second.name
        && first.description == second.description
        && first.look_at == second.look_at
}

/// The header of a section; whether it was clicked.
fn header_ui(
    ui: &mut Ui,
    section: &Section,
    ws: &Workspace,
    pictures: &mut Pictures,
    open: bool,
    broken: bool,
) -> bool {
    let size = vec2(ui.available_width(), HEADER_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| {
        WidgetInfo::selected(
            egui::Role::Button,
            true,
            open,
            format!("{} section", section.title),
        )
    });
    if !ui.is_rect_visible(rect) {
        return response.clicked();
    }
    let palette = Palette::of(ui.visuals());
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 4.0, palette.control);
    }
    let component = ws.recipe.section(section.key);
    let kind = component
        .and_then(|component| section.kind(&component.kind))
        .filter(|_| !section.is_single());
    let mut inside = ui.new_child(
        UiBuilder::new()
            .max_rect(rect.shrink2(vec2(HALF, 0.0)))
            .layout(Layout::left_to_right(Align::Center)),
    );
    let ui = &mut inside;
    ui.spacing_mut().item_spacing.x = HALF;
    let (triangle, _) = ui.allocate_exact_size(egui::Vec2::splat(12.0), Sense::hover());
    let icon = if open { Icon::Unfolded } else { Icon::Folded };
    icon.paint(ui.painter(), triangle, palette.weak);
    let title = if broken {
        theme::strong(section.title).color(palette.error)
    } else {
        RichText::new(section.title).color(palette.strong)
    };
    ui.label(title);
    let picture_width = 52.0;
    let picture = egui::Rect::from_min_max(
        egui::pos2(rect.right() - picture_width, rect.top() + HALF),
        egui::pos2(rect.right() - HALF, rect.bottom() - HALF),
    );
    if let Some(kind) = kind {
        let room = picture.left() - ui.cursor().left() - HALF;
        if room > 24.0 {
            ui.allocate_ui(vec2(room, HEADER_HEIGHT), |ui| {
                ui.add(egui::Label::new(theme::small(ui, kind.title)).truncate());
            });
        }
    }
    pictures.section(ui, picture, section, ws);
    response.on_hover_text(section.help).clicked()
}

#[cfg(test)]
mod tests;
