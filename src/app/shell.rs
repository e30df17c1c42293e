//! The application: everything together, frame by frame.

mod files;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use eframe::egui;
use egui::{Context, Frame, Key, Margin, Modifiers, Panel, Ui, ViewportCommand};

use super::background::{Progress, Task};
use super::commands::{self, Command, Situation};
use super::dialogs::{Asking, FileDialogs, Question, SystemDialogs};
use super::export::{self, ExportDialog};
use super::frame_times::{FrameTimes, Stretch};
use super::gallery::{self, Gallery};
use super::opening::Opened;
use super::palette::{self, Palette};
use super::panels::PanelKind;
use super::persistence::{self, Stored};
use super::recipe_editor::{self, RecipeEditor, pictures::Pictures};
use super::status::Adapter;
use super::theme::{self, Appearance, HALF, UNIT};
use super::windows::{Table, Windows};
use super::workbench::{self, Workbench};
use super::workspace::Workspace;
use super::{banner, fonts, runs, status, surface, timeline, transport};
use crate::catalogue;
use crate::figure::{self, SvgOptions};
use crate::recipe::Recipe;

use files::Purpose;

/// The time between two frames while something moves.
const FRAME: Duration = Duration::from_millis(33);
const TOP_HEIGHT: f32 = 40.0;
const TIMELINE_HEIGHT: f32 = 36.0;
const STATUS_HEIGHT: f32 = 28.0;
const RECIPE_WIDTH: f32 = 304.0;

/// How the program starts.
#[derive(Clone)]
pub struct AppOptions {
    /// The recipe; the default one if there is none.
    pub recipe: Option<Recipe>,
    /// The folder that its relative paths start from.
    pub base_dir: PathBuf,
    /// Train at once.
    pub autoplay: bool,
    /// Dark or light; what was chosen last time if there is none.
    pub appearance: Option<Appearance>,
    /// The service that asks for files.
    pub dialogs: Arc<dyn FileDialogs>,
}

impl AppOptions {
    /// Starts this recipe at once; its relative paths start from `base_dir`.
    pub fn new(recipe: Recipe, base_dir: PathBuf) -> Self {
        Self {
            recipe: Some(recipe),
            base_dir,
            ..Self::default()
        }
    }
}

impl Default for AppOptions {
    fn default() -> Self {
        Self {
            recipe: None,
            base_dir: PathBuf::from("."),
            autoplay: true,
            appearance: None,
            dialogs: Arc::new(SystemDialogs),
        }
    }
}

/// The window's application.
pub struct App {
    ws: Workspace,
    editor: RecipeEditor,
    pictures: Pictures,
    workbench: Workbench,
    gallery: Gallery,
    palette: Palette,
    export: ExportDialog,
    asking: Asking<Purpose>,
    windows: Windows,
    opening: Option<Task<Result<Opened, String>>>,
    saving: Option<Task<Result<PathBuf, String>>>,
    copying: Option<Task<Result<figure::Raster, String>>>,
    numbers: Option<Task<Table>>,
    adapter: Adapter,
    appearance: Appearance,
    presentation: bool,
    recipe_shown: bool,
    recipe_width: f32,
    zoom: f32,
    frame_times: FrameTimes,
    processor_times: FrameTimes,
    logic_time: Times,
}

impl App {
    /// Makes the application and starts the first run.
    ///
    /// # Errors
    /// Where the system refuses a thread.
    pub fn new(cc: &eframe::CreationContext<'_>, options: AppOptions) -> std::io::Result<Self> {
        let ctx = &cc.egui_ctx;
        fonts::install(ctx);
        ctx.options_mut(|options| options.zoom_with_keyboard = false);
        let stored = cc
            .storage
            .and_then(|storage| storage.get_string(persistence::KEY))
            .map(|text| Stored::read(&text))
            .unwrap_or_default();
        let appearance = options.appearance.or(stored.appearance).unwrap_or_default();
        theme::install(ctx, appearance, false);
        if let Some(state) = &cc.wgpu_render_state {
            surface::install(ctx, state);
        }
        if let Some(zoom) = stored.zoom {
            ctx.set_zoom_factor(zoom);
        }

        let wake = {
            let ctx = ctx.clone();
            // Not sooner than the next frame is due: the trainer reports faster
            // than anyone can see.
            Arc::new(move || ctx.request_repaint_after(FRAME))
        };
        let gallery = Gallery::default();
        let mut ws = Workspace::new(wake)?;
        for error in gallery.broken() {
            ws.notifications.error(error.clone());
        }
        let mut workbench = Workbench::default();
        if let Some(layout) = stored.layout
            && !workbench.set_layout(layout)
        {
            ws.notifications
                .info("The stored layout is of another version; this is the default one");
        }
        if let Some(settings) = &stored.panels {
            workbench.set_panel_settings(settings);
        }
        let mut editor = RecipeEditor::default();
        if let Some(sections) = &stored.open_sections {
            editor.set_open_sections(sections);
        }
        let mut export = ExportDialog::default();
        if let Some(settings) = stored.export {
            export.settings = settings;
        }
        let recipe = options
            .recipe
            .or_else(|| gallery.recipes().first().cloned())
            .unwrap_or_else(|| Recipe::defaults(catalogue::schema()));
        ws.open(recipe, options.base_dir, options.autoplay);

        Ok(Self {
            ws,
            editor,
            pictures: Pictures::new(ctx),
            workbench,
            gallery,
            palette: Palette::default(),
            export,
            asking: Asking::new(options.dialogs),
            windows: Windows::default(),
            opening: None,
            saving: None,
            copying: None,
            numbers: None,
            adapter: cc
                .wgpu_render_state
                .as_ref()
                .map(Adapter::of)
                .unwrap_or_default(),
            appearance,
            presentation: false,
            recipe_shown: stored.recipe_shown.unwrap_or(true),
            recipe_width: stored.recipe_width.unwrap_or(RECIPE_WIDTH),
            zoom: stored.zoom.unwrap_or(1.0),
            frame_times: FrameTimes::default(),
            processor_times: FrameTimes::default(),
            logic_time: NO_TIME,
        })
    }

    /// What the window knows: runs, results, messages.
    pub fn workspace(&self) -> &Workspace {
        &self.ws
    }

    /// The same, for tests and benches that set things up.
    pub fn workspace_mut(&mut self) -> &mut Workspace {
        &mut self.ws
    }

    /// The views.
    pub fn workbench(&self) -> &Workbench {
        &self.workbench
    }

    /// How long the window's own work took per frame, without painting.
    pub fn frame_times(&self) -> &FrameTimes {
        &self.frame_times
    }

    /// How much processor time the same work took: unlike the time on the wall
    /// it does not grow with what else the machine does. Empty where the system
    /// does not tell.
    pub fn processor_times(&self) -> &FrameTimes {
        &self.processor_times
    }

    /// Forgets the frame times so far, to measure from now on.
    pub fn clear_frame_times(&mut self) {
        self.frame_times.clear();
        self.processor_times.clear();
    }

    /// The graphics adapter.
    pub fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    /// Dark, light, or the desktop's.
    pub fn appearance(&self) -> Appearance {
        self.appearance
    }

    /// Whether the presentation mode is on.
    pub fn is_presentation(&self) -> bool {
        self.presentation
    }

    /// What can be done now.
    pub fn situation(&self) -> Situation {
        let (can_undo, can_redo) = self.editor.can_undo_redo(&self.ws.recipe);
        Situation {
            changed: self.editor.is_changed(&self.ws),
            valid: self.editor.is_valid(),
            can_undo,
            can_redo,
            // Making a figure to find out would be too dear for every frame.
            figure: self.ws.run().is_some(),
            ..self.ws.situation()
        }
    }

    /// Does a command.
    pub fn perform(&mut self, ctx: &Context, command: Command) {
        match command {
            Command::PlayPause => self.ws.play_pause(),
            Command::Step => self.ws.step(),
            Command::Restart => self.ws.restart(),
            Command::StepBack => {
                if let Some(crate::engine::RunState::Diverged(divergence)) =
                    self.ws.run().map(|run| run.state.clone())
                {
                    self.ws.rewind(divergence.rewind_to);
                }
            }
            Command::Fork => self.ws.fork(),
            Command::CancelJobs => self.ws.cancel_all(),
            Command::FollowLive => self.ws.follow_live(),
            Command::PreviousSnapshot => self.ws.select_neighbour(false),
            Command::NextSnapshot => self.ws.select_neighbour(true),
            Command::ForgetComparisons => self.ws.forget_comparisons(),
            Command::ChooseExperiment => self.gallery.toggle(),
            Command::OpenRecipe => self.ask_for_recipe(ctx),
            Command::SaveRecipe => self.ask_where_to_save(ctx),
            Command::ApplyRecipe => self.ws.apply(),
            Command::RevertRecipe => self.editor.revert(&mut self.ws),
            Command::Undo => self.editor.undo(&mut self.ws),
            Command::Redo => self.editor.redo(&mut self.ws),
            Command::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
            Command::ShowLoss => self.workbench.focus(PanelKind::Loss),
            Command::ShowLandscape => self.workbench.focus(PanelKind::Landscape),
            Command::ShowSpectrum => self.workbench.focus(PanelKind::Spectrum),
            Command::ShowGradients => self.workbench.focus(PanelKind::Gradients),
            Command::ShowSignals => self.workbench.focus(PanelKind::Signals),
            Command::ShowData => self.workbench.focus(PanelKind::Data),
            Command::ShowPaths => self.workbench.focus(PanelKind::Paths),
            Command::ShowRace => self.workbench.focus(PanelKind::Race),
            Command::ShowNeighbourhood => self.workbench.focus(PanelKind::Neighbourhood),
            Command::ShowStability => self.workbench.focus(PanelKind::Stability),
            Command::Maximise => self.workbench.toggle_maximised(),
            Command::ExportFigure => self.export.open(self.workbench.focused()),
            Command::ResetLayout => self.workbench.reset_layout(),
            Command::ToggleRecipePanel => self.recipe_shown = !self.recipe_shown,
            Command::Presentation => self.set_presentation(ctx, !self.presentation),
            Command::ZoomIn => zoom(ctx, |zoom| zoom + 0.1),
            Command::ZoomOut => zoom(ctx, |zoom| zoom - 0.1),
            Command::ZoomReset => zoom(ctx, |_| 1.0),
            Command::DarkTheme => self.set_appearance(ctx, Appearance::Dark),
            Command::LightTheme => self.set_appearance(ctx, Appearance::Light),
            Command::SystemTheme => self.set_appearance(ctx, Appearance::System),
            Command::Palette => self.palette.toggle(),
            Command::Keys => self.windows.keys = !self.windows.keys,
            Command::Messages => self.ws.notifications.toggle_history(),
            Command::About => self.windows.about = !self.windows.about,
        }
    }

    /// Whether a command is a switch that is on.
    fn is_on(&self, command: Command) -> bool {
        match command {
            Command::ToggleRecipePanel => self.recipe_shown && !self.presentation,
            Command::Presentation => self.presentation,
            Command::Maximise => self.workbench.maximised().is_some(),
            Command::DarkTheme => self.appearance == Appearance::Dark,
            Command::LightTheme => self.appearance == Appearance::Light,
            Command::SystemTheme => self.appearance == Appearance::System,
            _ => false,
        }
    }

    fn set_appearance(&mut self, ctx: &Context, appearance: Appearance) {
        self.appearance = appearance;
        theme::install(ctx, appearance, self.presentation);
    }

    fn set_presentation(&mut self, ctx: &Context, on: bool) {
        self.presentation = on;
        theme::install(ctx, self.appearance, on);
        ctx.send_viewport_cmd(ViewportCommand::Fullscreen(on));
    }

    /// Starts an experiment of the gallery.
    fn start_experiment(&mut self, index: usize) {
        if let Some(recipe) = self.gallery.recipes().get(index).cloned() {
            self.ws.open(recipe, PathBuf::from("."), true);
            self.editor.forget();
        }
    }

    /// Takes in what other threads have finished.
    fn collect(&mut self, ctx: &Context) {
        if let Some(task) = &self.opening {
            match task.poll() {
                Progress::Working => {}
                Progress::Done(Ok(opened)) => {
                    self.opening = None;
                    self.ws.open(opened.recipe, opened.base_dir, true);
                    self.editor.forget();
                    self.ws.notifications.info(opened.message);
                }
                Progress::Done(Err(error)) => {
                    self.opening = None;
                    self.ws.notifications.error(error);
                }
                Progress::Lost => self.opening = None,
            }
        }
        if let Some(task) = &self.saving {
            match task.poll() {
                Progress::Working => {}
                Progress::Done(Ok(path)) => {
                    self.saving = None;
                    self.ws
                        .notifications
                        .info(format!("The recipe is in {}", path.display()));
                }
                Progress::Done(Err(error)) => {
                    self.saving = None;
                    self.ws.notifications.error(error);
                }
                Progress::Lost => self.saving = None,
            }
        }
        if let Some(task) = &self.copying {
            match task.poll() {
                Progress::Working => {}
                Progress::Done(Ok(raster)) => {
                    self.copying = None;
                    let size = [raster.width, raster.height];
                    ctx.copy_image(egui::ColorImage::from_rgba_unmultiplied(size, &raster.rgba));
                    self.ws.notifications.info("The figure is on the clipboard");
                }
                Progress::Done(Err(error)) => {
                    self.copying = None;
                    self.ws.notifications.error(error);
                }
                Progress::Lost => self.copying = None,
            }
        }
        if let Some(task) = &self.numbers {
            match task.poll() {
                Progress::Working => {}
                Progress::Done(table) => {
                    self.numbers = None;
                    self.windows.table = Some(table);
                }
                Progress::Lost => self.numbers = None,
            }
        }
    }

    fn workbench_request(&mut self, ctx: &Context, request: workbench::Request) {
        match request {
            workbench::Request::Export(kind) => self.export.open(kind),
            workbench::Request::Help(kind) => {
                self.windows.help = Some((kind, self.workbench.title(kind, &self.ws)));
            }
            workbench::Request::Copy(kind) => {
                let Some(figure) = self.workbench.figure(kind, &self.ws) else {
                    return;
                };
                let dark = ctx.global_style().visuals.dark_mode;
                let settings = export::ExportSettings {
                    dark,
                    ..self.export.settings.clone()
                };
                let shot = self.workbench.shot(kind);
                let task = Task::start("copy", ctx, move || {
                    let figure = match shot {
                        Some(shot) => settings.solid(&shot, figure)?,
                        None => figure,
                    };
                    let theme = if dark {
                        figure::FigureTheme::dark()
                    } else {
                        figure::FigureTheme::light()
                    };
                    let options = SvgOptions::new(settings.width, settings.height).theme(theme);
                    figure::png::rasterize(&figure, &options, (2.0 * settings.width) as u32)
                        .map_err(|error| error.to_string())
                });
                self.copying = task.ok();
            }
            workbench::Request::Table(kind) => {
                let Some(figure) = self.workbench.figure(kind, &self.ws) else {
                    return;
                };
                let title = self.workbench.title(kind, &self.ws);
                let task = Task::start("numbers", ctx, move || {
                    Table::new(title, figure::table::csv(&figure))
                });
                self.numbers = task.ok();
            }
        }
    }

    fn editor_request(&mut self, ctx: &Context, request: recipe_editor::Request) {
        match request {
            recipe_editor::Request::Command(command) => self.perform(ctx, command),
            recipe_editor::Request::ChooseFile { section, key } => {
                let question = Question {
                    title: "Choose a file".to_owned(),
                    save: false,
                    directory: Some(self.ws.base_dir.clone()),
                    file_name: String::new(),
                    filters: Vec::new(),
                };
                self.asking
                    .ask(ctx, Purpose::Field { section, key }, question);
            }
        }
    }

    /// Whether something over the window wants the keys for itself.
    fn is_covered(&self) -> bool {
        self.palette.is_open()
            || self.gallery.is_open()
            || self.export.is_open()
            || self.asking.is_open()
    }

    fn keys(&mut self, ctx: &Context) {
        let now = self.situation();
        let covered = self.is_covered();
        for command in commands::pressed(ctx, &now) {
            // Under a dialog only what closes it or has nothing to do with it.
            let allowed = !covered
                || matches!(
                    command,
                    Command::Palette
                        | Command::ChooseExperiment
                        | Command::Quit
                        | Command::ZoomIn
                        | Command::ZoomOut
                        | Command::ZoomReset
                        | Command::Presentation
                );
            if allowed {
                self.perform(ctx, command);
            }
        }
        if !covered
            && !ctx.any_popup_open()
            && !ctx.text_edit_focused()
            && ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape))
        {
            self.escape(ctx);
        }
    }

    /// Leaves the innermost mode.
    fn escape(&mut self, ctx: &Context) {
        if self.windows.close_one() {
            return;
        }
        if self.workbench.maximised().is_some() {
            self.workbench.restore();
        } else if self.presentation {
            self.set_presentation(ctx, false);
        } else if self.ws.selected.is_some() {
            self.ws.follow_live();
        }
    }

    fn bars_and_views(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let now = self.situation();
        let bar = |ui: &Ui, vertical: i8| {
            Frame::new()
                .fill(theme::Palette::of(ui.visuals()).panel)
                .inner_margin(Margin::symmetric(UNIT as i8, vertical))
        };
        let scale = if self.presentation { 1.3 } else { 1.0 };
        let mut asked = Vec::new();
        Panel::top("transport")
            .exact_size(TOP_HEIGHT * scale)
            .frame(bar(ui, 0))
            .show_separator_line(false)
            .show(ui, |ui| {
                let on: Vec<Command> = {
                    use strum::IntoEnumIterator as _;
                    Command::iter()
                        .filter(|command| self.is_on(*command))
                        .collect()
                };
                asked = transport::ui(ui, &mut self.ws, &now, |command| on.contains(&command));
            });
        if !self.presentation {
            Panel::bottom("status")
                .exact_size(STATUS_HEIGHT)
                .frame(bar(ui, 0))
                .show_separator_line(false)
                .show(ui, |ui| status::ui(ui, &mut self.ws, &self.adapter));
        }
        Panel::bottom("timeline")
            .exact_size(TIMELINE_HEIGHT * scale)
            .frame(bar(ui, 0))
            .show_separator_line(false)
            .show(ui, |ui| asked.extend(timeline::ui(ui, &mut self.ws)));

        if self.recipe_shown && !self.presentation {
            let most = (ui.available_width() * 0.45).max(220.0);
            let panel = Panel::left("recipe")
                .resizable(true)
                .default_size(self.recipe_width.min(most))
                .size_range(220.0..=most)
                .frame(bar(ui, UNIT as i8))
                .show_separator_line(false)
                .show(ui, |ui| {
                    runs::ui(ui, &mut self.ws);
                    self.editor.ui(ui, &mut self.ws, &mut self.pictures)
                });
            self.recipe_width = panel.response.rect.width();
            for request in panel.inner {
                self.editor_request(&ctx, request);
            }
        }
        let mut requests = Vec::new();
        egui::CentralPanel::no_frame()
            .frame(
                Frame::new()
                    .fill(theme::Palette::of(ui.visuals()).canvas)
                    .inner_margin(Margin::same(HALF as i8)),
            )
            .show(ui, |ui| {
                banner::ui(ui, &mut self.ws);
                requests = self.workbench.ui(ui, &mut self.ws);
            });
        for request in requests {
            self.workbench_request(&ctx, request);
        }
        asked.append(&mut self.ws.commands);
        for command in asked {
            self.perform(&ctx, command);
        }
    }

    fn overlays(&mut self, ctx: &Context) {
        let current = self.ws.recipe.name.clone();
        match self.gallery.show(ctx, &mut self.pictures, &current) {
            Some(gallery::Choice::Experiment(index)) => self.start_experiment(index),
            Some(gallery::Choice::OpenFile) => self.ask_for_recipe(ctx),
            None => {}
        }
        let available = self.asking.is_available();
        if let Some(export::Request::Browse(question)) =
            self.export
                .show(ctx, &mut self.ws, &self.workbench, available)
        {
            self.asking.ask(ctx, Purpose::ExportFigure, question);
        }
        if let Some((purpose, path)) = self.asking.show(ctx) {
            self.answer(ctx, purpose, &path);
        }
        self.windows.show(ctx, &self.adapter);
        let now = self.situation();
        let names = self.gallery.names();
        match self.palette.show(ctx, &names, &now) {
            Some(palette::Choice::Command(command)) => self.perform(ctx, command),
            Some(palette::Choice::Experiment(index)) => self.start_experiment(index),
            None => {}
        }
        let bottom = if self.presentation {
            TIMELINE_HEIGHT * 1.3
        } else {
            TIMELINE_HEIGHT + STATUS_HEIGHT
        };
        self.ws.notifications.show(ctx, bottom);
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        let start = Stretch::start();
        self.ws.drain();
        self.collect(ctx);
        self.pictures.collect();
        // Everything else moves only when someone touches it.
        let moves = self.ws.is_running()
            || self.ws.is_loading()
            || self.ws.jobs.iter().any(|job| !job.is_done());
        if moves {
            ctx.request_repaint_after(FRAME);
        }
        self.logic_time = added(self.logic_time, start.elapsed());
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let start = Stretch::start();
        let ctx = ui.ctx().clone();
        self.ws.begin_frame();
        self.zoom = ctx.zoom_factor();
        self.keys(&ctx);
        self.dropped_files(&ctx);
        self.bars_and_views(ui);
        self.overlays(&ctx);
        self.editor.follow(&ctx, &mut self.ws);
        let (wall, processor) = added(self.logic_time, start.elapsed());
        self.logic_time = NO_TIME;
        self.frame_times.push(wall);
        if let Some(processor) = processor {
            self.processor_times.push(processor);
        }
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        let stored = Stored {
            appearance: Some(self.appearance),
            zoom: Some(self.zoom),
            recipe_shown: Some(self.recipe_shown),
            recipe_width: Some(self.recipe_width),
            open_sections: Some(self.editor.open_sections()),
            layout: self.workbench.layout().ok(),
            panels: Some(self.workbench.panel_settings()),
            export: Some(self.export.settings.clone()),
        };
        storage.set_string(persistence::KEY, stored.write());
    }

    /// What is worth keeping is in [`Stored`], where one part that no longer
    /// fits does not take everything with it.
    fn persist_egui_memory(&self) -> bool {
        false
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        theme::Palette::of(visuals).canvas.to_normalized_gamma_f32()
    }
}

type Times = (Duration, Option<Duration>);

const NO_TIME: Times = (Duration::ZERO, Some(Duration::ZERO));

/// The sums of times on the wall and on the processor.
fn added(a: Times, b: Times) -> Times {
    (a.0 + b.0, a.1.zip(b.1).map(|(a, b)| a + b))
}

fn zoom(ctx: &Context, change: impl Fn(f32) -> f32) {
    let zoom = (change(ctx.zoom_factor()) * 10.0).round() / 10.0;
    ctx.set_zoom_factor(zoom.clamp(0.5, 4.0));
}
