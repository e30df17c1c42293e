//! Asking for a file: the desktop's dialog where there is one, and a field for
//! the path where there is none.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui;
use egui::{Context, Id, Key, Modifiers, TextEdit};

use super::background::{Progress, Task};
use super::theme::{self, HALF, Palette, UNIT};
use super::widgets::{primary_button, right_aligned};

/// Files of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// What they are called.
    pub name: &'static str,
    /// Their endings, without the dot.
    pub extensions: &'static [&'static str],
}

/// What the person is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The dialog's title.
    pub title: String,
    /// A file to be written, and not one to be read.
    pub save: bool,
    /// Where to begin.
    pub directory: Option<PathBuf>,
    /// The name that is proposed for a new file.
    pub file_name: String,
    /// What is shown.
    pub filters: Vec<Filter>,
}

/// A service that asks a person for a file. Tests bring one that answers by
/// itself.
pub trait FileDialogs: Send + Sync {
    /// Whether there is such a service here.
    fn is_available(&self) -> bool;

    /// Asks, and waits for the answer; called on a thread of its own.
    fn ask(&self, question: &Question) -> Option<PathBuf>;
}

/// The desktop's dialogs.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDialogs;

impl FileDialogs for SystemDialogs {
    fn is_available(&self) -> bool {
        if cfg!(any(target_os = "macos", target_os = "windows")) {
            return true;
        }
        // Elsewhere: the desktop portal over D-Bus, or zenity. Without both
        // every question would be answered by nothing at once.
        let on_path = |program: &str| {
            std::env::var_os("PATH").is_some_and(|paths| {
                std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
            })
        };
        let bus = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some();
        let portal = [
            "/usr/share/dbus-1/services/org.freedesktop.portal.Desktop.service",
            "/run/current-system/sw/share/dbus-1/services/org.freedesktop.portal.Desktop.service",
        ];
        on_path("zenity") || (bus && portal.iter().any(|file| Path::new(file).is_file()))
    }

    fn ask(&self, question: &Question) -> Option<PathBuf> {
        let mut dialog = rfd::FileDialog::new().set_title(&question.title);
        if let Some(directory) = &question.directory {
            dialog = dialog.set_directory(directory);
        }
        for filter in &question.filters {
            dialog = dialog.add_filter(filter.name, filter.extensions);
        }
        if question.save {
            dialog.set_file_name(&question.file_name).save_file()
        } else {
            dialog.pick_file()
        }
    }
}

/// One question at a time, and what its answer is for.
pub struct Asking<P> {
    dialogs: Arc<dyn FileDialogs>,
    waiting: Option<(P, Task<Option<PathBuf>>)>,
    field: Option<PathField<P>>,
}

/// The field for a path, where there is no service.
struct PathField<P> {
    purpose: P,
    question: Question,
    text: String,
    just_opened: bool,
}

impl<P: Clone> Asking<P> {
    /// Asks through this service.
    pub fn new(dialogs: Arc<dyn FileDialogs>) -> Self {
        Self {
            dialogs,
            waiting: None,
            field: None,
        }
    }

    /// Whether there is a service.
    pub fn is_available(&self) -> bool {
        self.dialogs.is_available()
    }

    /// Whether a question waits for its answer.
    pub fn is_open(&self) -> bool {
        self.waiting.is_some() || self.field.is_some()
    }

    /// Asks. A question that is still open is forgotten.
    pub fn ask(&mut self, ctx: &Context, purpose: P, question: Question) {
        if self.dialogs.is_available() {
            let dialogs = Arc::clone(&self.dialogs);
            let asked = question.clone();
            let task = Task::start("file dialog", ctx, move || dialogs.ask(&asked));
            if let Ok(task) = task {
                self.waiting = Some((purpose, task));
                return;
            }
        }
        let start = question
            .directory
            .clone()
            .unwrap_or_default()
            .join(&question.file_name);
        self.field = Some(PathField {
            purpose,
            question,
            text: start.to_string_lossy().into_owned(),
            just_opened: true,
        });
    }

    /// The answer, once it is there. Draws the field if there is one.
    pub fn show(&mut self, ctx: &Context) -> Option<(P, PathBuf)> {
        if let Some((purpose, task)) = &self.waiting {
            match task.poll() {
                Progress::Working => {}
                Progress::Done(Some(path)) => {
                    let purpose = purpose.clone();
                    self.waiting = None;
                    return Some((purpose, path));
                }
                Progress::Done(None) | Progress::Lost => self.waiting = None,
            }
        }
        let field = self.field.as_mut()?;
        let mut done = None;
        let modal = egui::Modal::new(Id::unique("path field"))
            .backdrop_color(Palette::of(&ctx.global_style().visuals).scrim)
            .frame(theme::dialog_frame(ctx))
            .show(ctx, |ui| {
                ui.set_width((ctx.content_rect().width() - 8.0 * UNIT).min(480.0));
                ui.heading(&field.question.title);
                ui.add_space(HALF);
                ui.label(theme::small(
                    ui,
                    "This desktop has no file dialog; give the path of the file",
                ));
                let name = if field.question.save {
                    "Path of the new file"
                } else {
                    "Path of the file"
                };
                let edit = ui
                    .add(
                        TextEdit::singleline(&mut field.text)
                            .id(Id::unique("path of the file"))
                            .align(egui::Align2::LEFT_CENTER)
                            .desired_width(f32::INFINITY),
                    )
                    .accessible_name(name);
                if field.just_opened {
                    edit.request_focus();
                    field.just_opened = false;
                }
                ui.add_space(UNIT);
                let enter = edit.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
                right_aligned(ui, |ui| {
                    let word = if field.question.save { "Save" } else { "Open" };
                    let ready = !field.text.trim().is_empty();
                    if primary_button(ui, ready, word).clicked() || (enter && ready) {
                        done = Some(Some(expand_home(field.text.trim())));
                    }
                    if ui.button("Cancel").clicked() {
                        done = Some(None);
                    }
                });
            });
        if modal.should_close() || ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
            done = done.or(Some(None));
        }
        let answer = done?;
        let purpose = field.purpose.clone();
        self.field = None;
        answer.map(|path| (purpose, path))
    }
}

/// A path as typed: `~/` is the home folder.
pub fn expand_home(text: &str) -> PathBuf {
    if let Some(rest) = text.strip_prefix("~/")
        && let Some(directories) = directories::UserDirs::new()
    {
        return directories.home_dir().join(rest);
    }
    PathBuf::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Answers(Option<PathBuf>);

    impl FileDialogs for Answers {
        fn is_available(&self) -> bool {
            true
        }

        fn ask(&self, _question: &Question) -> Option<PathBuf> {
            self.0.clone()
        }
    }

    fn question() -> Question {
        Question {
            title: "Open recipe".to_owned(),
            save: false,
            directory: None,
            file_name: String::new(),
            filters: Vec::new(),
        }
    }

    #[test]
    fn an_answer_comes_back_with_its_purpose() {
        let ctx = Context::default();
        let mut asking = Asking::new(Arc::new(Answers(Some(PathBuf::from("a.toml")))));
        asking.ask(&ctx, 7, question());
        for _ in 0..1000 {
            if let Some(answer) = asking.show(&ctx) {
                assert_eq!(answer, (7, PathBuf::from("a.toml")));
                assert!(!asking.is_open());
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        panic!("no answer came");
    }

    #[test]
    fn a_home_folder_is_found() {
        assert_eq!(
            expand_home("/pictures/x.svg"),
            PathBuf::from("/pictures/x.svg")
        );
        let home = expand_home("~/x.svg");
        assert!(home.ends_with("x.svg"));
        assert!(!home.starts_with("~"));
    }
}
