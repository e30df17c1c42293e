//! Files that come in and go out: asked for, dropped, opened, saved.

use std::path::{Path, PathBuf};

use eframe::egui;
use egui::Context;

use super::super::background::Task;
use super::super::dialogs::{Filter, Question};
use super::super::opening;
use super::super::theme::{self, UNIT};
use super::App;
use crate::catalogue;
use crate::recipe::Value;

/// What a chosen file is for.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    OpenRecipe,
    SaveRecipe,
    ExportFigure,
    Field {
        section: &'static str,
        key: &'static str,
    },
}

impl App {
    pub(super) fn ask_for_recipe(&mut self, ctx: &Context) {
        let question = Question {
            title: "Open recipe".to_owned(),
            save: false,
            directory: Some(self.ws.base_dir.clone()),
            file_name: String::new(),
            filters: vec![
                Filter {
                    name: "Recipes",
                    extensions: &["toml"],
                },
                Filter {
                    name: "Figures, tables, parameters",
                    extensions: &["svg", "png", "csv", "safetensors"],
                },
            ],
        };
        self.asking.ask(ctx, Purpose::OpenRecipe, question);
    }

    pub(super) fn ask_where_to_save(&mut self, ctx: &Context) {
        let stem: String = self
            .ws
            .recipe
            .name
            .to_lowercase()
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { '-' })
            .collect();
        let question = Question {
            title: "Save recipe".to_owned(),
            save: true,
            directory: Some(self.ws.base_dir.clone()),
            file_name: format!("{}.toml", stem.trim_matches('-')),
            filters: vec![Filter {
                name: "Recipes",
                extensions: &["toml"],
            }],
        };
        self.asking.ask(ctx, Purpose::SaveRecipe, question);
    }

    /// Opens a file of any kind that the program reads.
    pub fn open_file(&mut self, ctx: &Context, path: &Path) {
        let (path, recipe) = (path.to_owned(), self.ws.recipe.clone());
        let base_dir = self.ws.base_dir.clone();
        let task = Task::start("open", ctx, move || {
            opening::open(&path, &recipe, &base_dir)
        });
        match task {
            Ok(task) => self.opening = Some(task),
            Err(error) => self.ws.notifications.error(error.to_string()),
        }
    }

    pub(super) fn save_recipe(&mut self, ctx: &Context, path: &Path) {
        let schema = catalogue::schema();
        let recipe = self
            .ws
            .recipe
            .with_absolute_paths(&self.ws.base_dir, schema);
        let text = recipe.to_toml(schema);
        let mut path = path.to_owned();
        if path.extension().is_none() {
            path.set_extension("toml");
        }
        let task = Task::start("save", ctx, move || {
            crate::files::write_atomically(&path, text.as_bytes())
                .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
            Ok(path)
        });
        match task {
            Ok(task) => self.saving = Some(task),
            Err(error) => self.ws.notifications.error(error.to_string()),
        }
    }

    pub(super) fn answer(&mut self, ctx: &Context, purpose: Purpose, path: &Path) {
        match purpose {
            Purpose::OpenRecipe => self.open_file(ctx, path),
            Purpose::SaveRecipe => self.save_recipe(ctx, path),
            Purpose::ExportFigure => self.export.set_path(path),
            Purpose::Field { section, key } => {
                let path = path.strip_prefix(&self.ws.base_dir).unwrap_or(path);
                if let Some(component) = self.ws.recipe.section_mut(section) {
                    component.set(key, Value::Text(path.to_string_lossy().into_owned()));
                }
            }
        }
    }

    pub(super) fn dropped_files(&mut self, ctx: &Context) {
        let (hovered, dropped) = ctx.input(|input| {
            let hovered: Vec<Option<PathBuf>> = input
                .raw
                .hovered_files
                .iter()
                .map(|file| file.path.clone())
                .collect();
            let dropped: Vec<PathBuf> = input
                .raw
                .dropped_files
                .iter()
                .map(|file| file.path().to_owned())
                .collect();
            (hovered, dropped)
        });
        if let Some(first) = hovered.first() {
            drop_overlay(ctx, first.as_deref(), hovered.len());
        }
        if dropped.len() > 1 {
            self.ws
                .notifications
                .warning("Several files were dropped; the first one is opened");
        }
        if let Some(path) = dropped.first() {
            self.open_file(ctx, path);
        }
    }
}

/// Says what will happen when the file is let go.
fn drop_overlay(ctx: &Context, path: Option<&Path>, count: usize) {
    let painter = ctx.layer_painter(egui::LayerId::new(
        egui::Order::Foreground,
        egui::Id::unique("drop overlay"),
    ));
    let style = ctx.global_style();
    let palette = theme::Palette::of(&style.visuals);
    let rect = ctx.content_rect();
    painter.rect_filled(rect, 0.0, palette.scrim);
    let inner = rect.shrink(2.0 * UNIT);
    painter.rect_stroke(
        inner,
        8.0,
        egui::Stroke::new(2.0, palette.accent),
        egui::StrokeKind::Inside,
    );
    let name = path
        .and_then(Path::file_name)
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let more = if count > 1 {
        format!(" (the first of {count} files)")
    } else {
        String::new()
    };
    let text = format!("{}\n{name}{more}", opening::describe(path));
    let font = egui::TextStyle::Heading.resolve(&style);
    let galley = painter.layout(text, font, palette.strong, inner.width() - 4.0 * UNIT);
    let place = egui::Align2::CENTER_CENTER.align_size_within_rect(galley.size(), rect);
    painter.rect_filled(place.expand(2.0 * UNIT), 8.0, palette.raised);
    painter.galley(place.min, galley, palette.strong);
}
