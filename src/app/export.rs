//! The dialog that writes a view's figure to a file.

use std::path::{Path, PathBuf};

use eframe::egui;
use egui::{ComboBox, Context, DragValue, Id, TextEdit, Ui};
use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator as _;

use super::background::{Progress, Task};
use super::dialogs::{Filter, Question, expand_home};
use super::panels::PanelKind;
use super::status::error_text;
use super::surface::Shot;
use super::theme::{self, HALF, Palette, UNIT};
use super::widgets::{primary_button, right_aligned};
use super::workbench::Workbench;
use super::workspace::Workspace;
use crate::figure::{Figure, FigureTheme, SvgOptions, png, svg};

/// Pixels of a picture in vector graphics for each CSS pixel.
const SVG_DENSITY: f64 = 3.0;

/// The format of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Vector graphics.
    #[default]
    Svg,
    /// Pixels.
    Png,
}

impl Format {
    /// The file name's ending, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }
}

/// How a figure is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExportSettings {
    /// The format.
    pub format: Format,
    /// Width in CSS pixels (96 to the inch).
    pub width: f64,
    /// Height in CSS pixels.
    pub height: f64,
    /// Pixels to the inch of a PNG.
    pub dpi: f64,
    /// On dark paper.
    pub dark: bool,
    /// Factor on text, lines and gaps.
    pub font_scale: f64,
}

impl Default for ExportSettings {
    fn default() -> Self {
        Self {
            format: Format::Svg,
            width: 640.0,
            height: 420.0,
            dpi: 300.0,
            dark: false,
            font_scale: 1.0,
        }
    }
}

impl ExportSettings {
    fn options(&self) -> SvgOptions {
        let theme = if self.dark {
            FigureTheme::dark()
        } else {
            FigureTheme::light()
        };
        let mut options = SvgOptions::new(self.width, self.height).theme(theme);
        options.font_scale = self.font_scale;
        options
    }

    /// Width and height of a PNG in pixels.
    pub fn pixels(&self) -> (u32, u32) {
        let scale = self.dpi / 96.0;
        (
            (self.width * scale).round() as u32,
            (self.height * scale).round() as u32,
        )
    }

    /// The figure of a view that is seen in space, as it will be written.
    ///
    /// # Errors
    /// One sentence, where the graphics device does not answer.
    pub fn solid(&self, shot: &Shot, plane: Figure) -> Result<Figure, String> {
        let options = self.options();
        let theme = options.theme.scaled(options.font_scale);
        let density = match self.format {
            Format::Svg => SVG_DENSITY,
            Format::Png => self.dpi / 96.0,
        };
        shot.figure(plane, [self.width, self.height], &theme, density)
    }

    /// Writes the figure.
    ///
    /// # Errors
    /// One sentence: the folder, the file or the picture that was not possible.
    pub fn write(&self, figure: &Figure, path: &Path) -> Result<(), String> {
        let bytes = match self.format {
            Format::Svg => svg::write(figure, &self.options()).into_bytes(),
            Format::Png => png::write(figure, &self.options(), self.pixels().0)
                .map_err(|error| error.to_string())?,
        };
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            && !folder.is_dir()
        {
            return Err(format!("There is no folder {}", folder.display()));
        }
        crate::files::write_atomically(path, &bytes)
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))
    }
}

/// What the dialog asks the shell to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Let the person choose the file.
    Browse(Question),
}

/// The dialog.
pub struct ExportDialog {
    /// What was set last.
    pub settings: ExportSettings,
    kind: Option<PanelKind>,
    path: String,
    /// The path was typed or chosen, and not proposed.
    path_is_own: bool,
    error: Option<String>,
    writing: Option<(PathBuf, Task<Result<(), String>>)>,
    folder: PathBuf,
}

impl Default for ExportDialog {
    fn default() -> Self {
        Self {
            settings: ExportSettings::default(),
            kind: None,
            path: String::new(),
            path_is_own: false,
            error: None,
            writing: None,
            folder: default_folder(),
        }
    }
}

/// Where figures go first: the folder of pictures, the home folder, or here.
fn default_folder() -> PathBuf {
    directories::UserDirs::new()
        .and_then(|directories| {
            directories
                .picture_dir()
                .filter(|folder| folder.is_dir())
                .map(Path::to_owned)
                .or_else(|| Some(directories.home_dir().to_owned()))
        })
        .or_else(|| std::env::current_dir().ok())
        .unwrap_or_default()
}

/// The field of the file's path.
fn path_id() -> Id {
    Id::unique("export path")
}

/// A file name out of words: small letters, digits and hyphens.
fn file_stem(words: &[&str]) -> String {
    let mut stem = String::new();
    for character in words.join("-").to_lowercase().chars() {
        if character.is_ascii_alphanumeric() {
            stem.push(character);
        } else if !stem.ends_with('-') && !stem.is_empty() {
            stem.push('-');
        }
    }
    stem.trim_end_matches('-').to_owned()
}

impl ExportDialog {
    /// Opens the dialog for a view.
    pub fn open(&mut self, kind: PanelKind) {
        self.kind = Some(kind);
        self.path_is_own = false;
        self.error = None;
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.kind.is_some()
    }

    /// Takes the file that was chosen.
    pub fn set_path(&mut self, path: &Path) {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("png") => self.settings.format = Format::Png,
            Some("svg") => self.settings.format = Format::Svg,
            _ => {}
        }
        self.path = path.to_string_lossy().into_owned();
        self.path_is_own = true;
        if let Some(folder) = path.parent() {
            self.folder = folder.to_owned();
        }
    }

    fn propose_path(&mut self, kind: PanelKind, ws: &Workspace) {
        if self.path_is_own {
            return;
        }
        let name = &ws.applied.name;
        let step = ws
            .shown_snapshot()
            .map_or_else(String::new, |snapshot| format!("step {}", snapshot.step));
        let stem = file_stem(&[name, &kind.to_string(), &step]);
        let file = self
            .folder
            .join(format!("{stem}.{}", self.settings.format.extension()));
        self.path = file.to_string_lossy().into_owned();
    }

    /// Shows the dialog, if it is open.
    pub fn show(
        &mut self,
        ctx: &Context,
        ws: &mut Workspace,
        workbench: &Workbench,
        dialogs_available: bool,
    ) -> Option<Request> {
        self.collect(ws);
        let mut kind = self.kind?;
        // Not under the hands of somebody who is about to type: the name has the
        // step in it, which goes on.
        if !ctx.memory(|memory| memory.has_focus(path_id())) {
            self.propose_path(kind, ws);
        }
        let mut request = None;
        let mut close = false;
        let mut export = false;
        let modal = egui::Modal::new(Id::unique("export figure"))
            .backdrop_color(Palette::of(&ctx.global_style().visuals).scrim)
            .frame(theme::dialog_frame(ctx))
            .show(ctx, |ui| {
                ui.set_width((ctx.content_rect().width() - 8.0 * UNIT).min(440.0));
                ui.heading("Export figure");
                ui.add_space(UNIT);
                egui::Grid::new("export settings")
                    .num_columns(2)
                    .spacing([2.0 * UNIT, UNIT])
                    .show(ui, |ui| self.settings_ui(ui, &mut kind, workbench, ws));
                ui.add_space(UNIT);
                self.path_ui(ui, dialogs_available, &mut request);
                if let Some(error) = &self.error {
                    ui.add_space(HALF);
                    ui.label(error_text(ui, error));
                }
                ui.add_space(UNIT);
                right_aligned(ui, |ui| {
                    let writing = self.writing.is_some();
                    let ready = !writing
                        && !self.path.trim().is_empty()
                        && workbench.figure(kind, ws).is_some();
                    let word = if writing { "Writing…" } else { "Export" };
                    export = primary_button(ui, ready, word).clicked();
                    close = ui.button("Cancel").clicked();
                });
            });
        self.kind = Some(kind);
        if export {
            self.start(ctx, kind, ws, workbench);
        }
        if close || modal.should_close() {
            self.kind = None;
        }
        request
    }

    fn settings_ui(
        &mut self,
        ui: &mut Ui,
        kind: &mut PanelKind,
        workbench: &Workbench,
        ws: &Workspace,
    ) {
        let settings = &mut self.settings;
        ui.label("View");
        ComboBox::from_id_salt("exported view")
            .selected_text(workbench.title(*kind, ws))
            .width(200.0)
            .show_ui(ui, |ui| {
                for candidate in PanelKind::iter() {
                    let title = workbench.title(candidate, ws);
                    ui.selectable_value(kind, candidate, title);
                }
            })
            .response
            .accessible_name("View");
        ui.end_row();

        ui.label("Format");
        ui.horizontal(|ui| {
            let hint = if workbench.shot(*kind).is_some() {
                "Vector graphics: text stays text; the surface is a picture in it"
            } else {
                "Vector graphics: sharp at any size, text stays text"
            };
            ui.selectable_value(&mut settings.format, Format::Svg, "SVG")
                .on_hover_text(hint);
            ui.selectable_value(&mut settings.format, Format::Png, "PNG")
                .on_hover_text("Pixels, for slides and documents that take no SVG");
        });
        ui.end_row();

        ui.label("Size");
        ui.horizontal(|ui| {
            let length = |ui: &mut Ui, value: &mut f64, name: &str| {
                ui.add(
                    DragValue::new(value)
                        .range(120.0..=8000.0)
                        .max_decimals(0)
                        .speed(2.0),
                )
                .accessible_name(name);
            };
            length(ui, &mut settings.width, "Width");
            ui.label("×");
            length(ui, &mut settings.height, "Height");
            let inches = (settings.width / 96.0, settings.height / 96.0);
            ui.label(theme::small(
                ui,
                format!("{:.1} × {:.1} in", inches.0, inches.1),
            ));
        });
        ui.end_row();

        ui.label("Text size");
        ui.add(
            DragValue::new(&mut settings.font_scale)
                .range(0.5..=3.0)
                .speed(0.01)
                .fixed_decimals(2)
                .prefix("× "),
        )
        .on_hover_text("Factor on text, lines and gaps")
        .accessible_name("Text size");
        ui.end_row();

        ui.label("Resolution");
        ui.horizontal(|ui| {
            let png = settings.format == Format::Png;
            ui.add_enabled(
                png,
                DragValue::new(&mut settings.dpi)
                    .range(48.0..=1200.0)
                    .max_decimals(0)
                    .suffix(" dpi"),
            )
            .accessible_name("Resolution");
            let text = if png {
                let (width, height) = settings.pixels();
                format!("{width} × {height} pixels")
            } else {
                "any".to_owned()
            };
            ui.label(theme::small(ui, text));
        });
        ui.end_row();

        ui.label("Paper");
        ui.horizontal(|ui| {
            ui.selectable_value(&mut settings.dark, false, "Light");
            ui.selectable_value(&mut settings.dark, true, "Dark");
        });
        ui.end_row();
    }

    fn path_ui(&mut self, ui: &mut Ui, dialogs_available: bool, request: &mut Option<Request>) {
        ui.label("File");
        ui.horizontal(|ui| {
            right_aligned(ui, |ui| {
                if dialogs_available && ui.button("Browse…").clicked() {
                    let path = expand_home(self.path.trim());
                    *request = Some(Request::Browse(self.question(&path)));
                }
                let edit = ui
                    .add(
                        TextEdit::singleline(&mut self.path)
                            .id(path_id())
                            .align(egui::Align2::LEFT_CENTER)
                            .desired_width(f32::INFINITY),
                    )
                    .accessible_name("File");
                if edit.changed() {
                    self.path_is_own = true;
                    self.error = None;
                }
            });
        });
    }

    fn question(&self, path: &Path) -> Question {
        let filter = match self.settings.format {
            Format::Svg => Filter {
                name: "SVG",
                extensions: &["svg"],
            },
            Format::Png => Filter {
                name: "PNG",
                extensions: &["png"],
            },
        };
        Question {
            title: "Export figure".to_owned(),
            save: true,
            directory: path.parent().map(Path::to_owned),
            file_name: path
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            filters: vec![filter],
        }
    }

    fn start(&mut self, ctx: &Context, kind: PanelKind, ws: &Workspace, workbench: &Workbench) {
        let Some(figure) = workbench.figure(kind, ws) else {
            self.error = Some("This view has nothing to show yet".to_owned());
            return;
        };
        let figure = with_recipe(figure, ws);
        let shot = workbench.shot(kind);
        let settings = self.settings.clone();
        let mut path = expand_home(self.path.trim());
        if path.extension().is_none() {
            path.set_extension(settings.format.extension());
        }
        let target = path.clone();
        let task = Task::start("export", ctx, move || {
            let figure = match shot {
                Some(shot) => settings.solid(&shot, figure)?,
                None => figure,
            };
            settings.write(&figure, &target)
        });
        match task {
            Ok(task) => {
                self.error = None;
                self.writing = Some((path, task));
            }
            Err(error) => self.error = Some(format!("No thread for writing: {error}")),
        }
    }

    /// Whether a file is being written.
    pub fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    fn collect(&mut self, ws: &mut Workspace) {
        let Some((path, task)) = &self.writing else {
            return;
        };
        match task.poll() {
            Progress::Working => return,
            Progress::Done(Ok(())) => {
                ws.notifications
                    .info(format!("The figure is in {}", path.display()));
                self.kind = None;
            }
            Progress::Done(Err(error)) => self.error = Some(error),
            Progress::Lost => self.error = Some("The figure could not be written".to_owned()),
        }
        self.writing = None;
    }
}

/// The figure with the recipe of the run that it shows inside, so that the file
/// brings its experiment back.
pub fn with_recipe(figure: Figure, ws: &Workspace) -> Figure {
    use crate::figure::embed::{PROGRAM, PROGRAM_KEY, RECIPE_KEY};
    if figure.metadata.contains_key(PROGRAM_KEY) {
        // It says itself what it is of.
        return figure;
    }
    let schema = crate::catalogue::schema();
    let recipe = ws
        .applied
        .with_absolute_paths(&ws.base_dir, schema)
        .to_toml(schema);
    let mut figure = figure
        .with_metadata(RECIPE_KEY, recipe)
        .with_metadata(PROGRAM_KEY, PROGRAM);
    if let Some(run) = ws.run().filter(|run| run.info.is_branch) {
        let start = format!(
            "{}, which parts from another run at step {}; the recipe alone does not bring it back",
            run.name, run.info.initial.step
        );
        figure = figure.with_metadata("branch", start);
    }
    figure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_plain() {
        assert_eq!(
            file_stem(&["Two spirals", "Loss", "step 1200"]),
            "two-spirals-loss-step-1200"
        );
        assert_eq!(file_stem(&["η → ∞", "Data"]), "data");
    }

    #[test]
    fn pixels_follow_from_size_and_resolution() {
        let settings = ExportSettings {
            width: 480.0,
            height: 240.0,
            dpi: 192.0,
            ..ExportSettings::default()
        };
        assert_eq!(settings.pixels(), (960, 480));
    }

    #[test]
    fn a_missing_folder_is_one_sentence() {
        let figure = Figure::single(crate::figure::Axes::new(
            crate::figure::Axis::new("x"),
            crate::figure::Axis::new("y"),
        ));
        let error = ExportSettings::default()
            .write(&figure, Path::new("/no/such/folder/figure.svg"))
            .expect_err("the folder is missing");
        assert_eq!(error, "There is no folder /no/such/folder");
    }
}
