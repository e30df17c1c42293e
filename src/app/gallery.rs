//! The gallery of experiments: a card for every recipe that comes with the
//! program.

use std::path::Path;

use eframe::egui;
use egui::{
    Align, Context, Id, Key, Layout, Modifiers, Rect, RichText, Sense, Stroke, StrokeKind, Ui,
    UiBuilder, WidgetInfo, vec2,
};

use super::recipe_editor::pictures::Pictures;
use super::theme::{self, Palette, UNIT};
use super::widgets::right_aligned;
use crate::catalogue;
use crate::recipe::{PRESETS, Recipe, presets};

const CARD_HEIGHT: f32 = 104.0;
const PICTURE_WIDTH: f32 = 112.0;
const CARD_MIN_WIDTH: f32 = 300.0;

/// What was chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// The experiment of this place.
    Experiment(usize),
    /// A file is to be opened.
    OpenFile,
}

/// The experiments and whether the gallery is open.
pub struct Gallery {
    recipes: Vec<Recipe>,
    /// What each group is about, and the places of its recipes.
    groups: Vec<(&'static str, Vec<usize>)>,
    open: bool,
    /// Told to be broken, for a developer to see.
    broken: Vec<String>,
}

impl Default for Gallery {
    fn default() -> Self {
        let mut recipes = Vec::new();
        let mut broken = Vec::new();
        for (name, text) in PRESETS {
            match Recipe::parse(text, &format!("{name}.toml"), catalogue::schema()) {
                Ok(recipe) => recipes.push(recipe),
                Err(error) => broken.push(error.to_string()),
            }
        }
        Self {
            groups: presets::grouped(),
            recipes,
            open: false,
            broken,
        }
    }
}

impl Gallery {
    /// The experiments, the default one first.
    pub fn recipes(&self) -> &[Recipe] {
        &self.recipes
    }

    /// Their names.
    pub fn names(&self) -> Vec<String> {
        self.recipes
            .iter()
            .map(|recipe| recipe.name.clone())
            .collect()
    }

    /// Why a bundled recipe cannot be read; empty in every release.
    pub fn broken(&self) -> &[String] {
        &self.broken
    }

    /// Opens it, or closes it.
    pub fn toggle(&mut self) {
        self.open = !self.open;
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Shows the gallery, if it is open; what was chosen, if something was.
    pub fn show(
        &mut self,
        ctx: &Context,
        pictures: &mut Pictures,
        current: &str,
    ) -> Option<Choice> {
        if !self.open {
            return None;
        }
        let mut choice = None;
        let screen = ctx.content_rect();
        let width = (screen.width() - 8.0 * UNIT).min(960.0);
        let modal = egui::Modal::new(Id::unique("gallery"))
            .backdrop_color(Palette::of(&ctx.global_style().visuals).scrim)
            .frame(theme::dialog_frame(ctx))
            .show(ctx, |ui| {
                ui.set_width(width);
                ui.horizontal(|ui| {
                    ui.heading("Experiments");
                    right_aligned(ui, |ui| {
                        if ui.button("Close").clicked() {
                            self.open = false;
                        }
                        if ui
                            .button("Open recipe…")
                            .on_hover_text("Open a recipe from a TOML file")
                            .clicked()
                        {
                            choice = Some(Choice::OpenFile);
                        }
                    });
                });
                ui.add_space(UNIT);
                let columns = ((width + UNIT) / (CARD_MIN_WIDTH + UNIT)).floor().max(1.0);
                let card = (width - (columns - 1.0) * UNIT - UNIT) / columns;
                // A dialog is no higher than 400 points of its own accord.
                let height = screen.height() - 144.0;
                egui::ScrollArea::vertical()
                    .max_height(height)
                    .min_scrolled_height(height)
                    .auto_shrink([false, true])
                    .show(ui, |ui| {
                        ui.spacing_mut().item_spacing = vec2(UNIT, UNIT);
                        for (title, group) in &self.groups {
                            ui.label(theme::strong(*title));
                            for row in group.chunks(columns as usize) {
                                ui.horizontal(|ui| {
                                    for index in row {
                                        let Some(recipe) = self.recipes.get(*index) else {
                                            continue;
                                        };
                                        let chosen = recipe.name == current;
                                        if card_ui(ui, recipe, pictures, card, chosen) {
                                            choice = Some(Choice::Experiment(*index));
                                        }
                                    }
                                });
                            }
                            ui.add_space(UNIT);
                        }
                    });
            });
        if modal.should_close() || ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
            self.open = false;
        }
        if choice.is_some() {
            self.open = false;
        }
        choice
    }
}

fn card_ui(
    ui: &mut Ui,
    recipe: &Recipe,
    pictures: &mut Pictures,
    width: f32,
    current: bool,
) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(width, CARD_HEIGHT), Sense::click());
    response.widget_info(|| {
        WidgetInfo::selected(egui::Role::Button, true, current, recipe.name.as_str())
    });
    if !ui.is_rect_visible(rect) {
        return response.clicked();
    }
    let palette = Palette::of(ui.visuals());
    let ground = if response.hovered() || response.has_focus() {
        palette.control_hovered
    } else {
        palette.panel
    };
    let line = if current || response.has_focus() {
        palette.accent
    } else {
        palette.outline
    };
    ui.painter().rect(
        rect,
        6.0,
        ground,
        Stroke::new(1.0, line),
        StrokeKind::Inside,
    );
    let picture = Rect::from_min_size(
        rect.min + vec2(UNIT, UNIT),
        vec2(PICTURE_WIDTH - UNIT, CARD_HEIGHT - 2.0 * UNIT),
    );
    ui.painter().rect_filled(picture, 4.0, palette.paper);
    pictures.data(ui, picture.shrink(4.0), recipe, Path::new("."), false);
    let text = Rect::from_min_max(
        picture.right_top() + vec2(1.5 * UNIT, 0.0),
        rect.max - vec2(UNIT, UNIT),
    );
    let mut inside = ui.new_child(
        UiBuilder::new()
            .max_rect(text)
            .layout(Layout::top_down(Align::Min)),
    );
    inside.set_clip_rect(text.intersect(ui.clip_rect()));
    inside.spacing_mut().item_spacing.y = 4.0;
    inside.add(egui::Label::new(theme::strong(&recipe.name).color(palette.strong)).truncate());
    inside.add(
        egui::Label::new(
            RichText::new(&recipe.description)
                .small()
                .color(palette.text),
        )
        .wrap(),
    );
    response.on_hover_text(&recipe.description).clicked()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bundled_recipe_can_be_read_and_has_a_name_of_its_own() {
        let gallery = Gallery::default();
        assert!(gallery.broken().is_empty(), "{:?}", gallery.broken());
        let mut names = gallery.names();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        for recipe in gallery.recipes() {
            assert!(!recipe.description.is_empty(), "{}", recipe.name);
            assert!(!recipe.look_at.is_empty(), "{}", recipe.name);
        }
    }
}
