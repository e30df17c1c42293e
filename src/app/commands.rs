//! Everything that a person can tell the window to do, in one table: menus,
//! shortcuts, tooltips, the palette, the list of keys and the tests are made
//! from it.

use eframe::egui;
use egui::{Context, Key, KeyboardShortcut, Modifiers};

use super::icons::Icon;

/// Something to do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::EnumIter, strum::IntoStaticStr,
)]
pub enum Command {
    /// Train, or pause.
    PlayPause,
    /// One training step.
    Step,
    /// The same recipe from step 0.
    Restart,
    /// Go back to the last good snapshot after a divergence.
    StepBack,
    /// Train a branch from the shown moment, with the editor's settings.
    Fork,
    /// Cancel every running analysis.
    CancelJobs,
    /// Follow the live parameters again.
    FollowLive,
    /// Show the snapshot before.
    PreviousSnapshot,
    /// Show the snapshot after.
    NextSnapshot,
    /// Forget the earlier runs that are shown for comparison.
    ForgetComparisons,

    /// Open the gallery.
    ChooseExperiment,
    /// Open a recipe file.
    OpenRecipe,
    /// Save the recipe to a file.
    SaveRecipe,
    /// Start a run with the changed recipe.
    ApplyRecipe,
    /// Give up the changes that need a restart.
    RevertRecipe,
    /// Undo the last change of the recipe.
    Undo,
    /// Redo it.
    Redo,
    /// Close the program.
    Quit,

    /// Bring the loss curves forward.
    ShowLoss,
    /// Bring the landscape forward.
    ShowLandscape,
    /// Bring the spectrum forward.
    ShowSpectrum,
    /// Bring the gradients forward.
    ShowGradients,
    /// Bring the opposing signals forward.
    ShowSignals,
    /// Bring data and prediction forward.
    ShowData,
    /// Bring the paths to other solutions forward.
    ShowPaths,
    /// Bring the race forward.
    ShowRace,
    /// Bring sharpness measures and quantized networks forward.
    ShowNeighbourhood,
    /// Bring the view of stability forward.
    ShowStability,
    /// Let the focused view fill the centre, or bring the others back.
    Maximise,
    /// Write the focused view's figure to a file.
    ExportFigure,
    /// The arrangement of the first start.
    ResetLayout,
    /// Show or hide the recipe.
    ToggleRecipePanel,
    /// Full screen, large text, high contrast, no side panel.
    Presentation,
    /// Larger.
    ZoomIn,
    /// Smaller.
    ZoomOut,
    /// The normal size.
    ZoomReset,
    /// Dark colours.
    DarkTheme,
    /// Light colours.
    LightTheme,
    /// The desktop's colours.
    SystemTheme,

    /// Find a command.
    Palette,
    /// The list of keys.
    Keys,
    /// Earlier messages.
    Messages,
    /// Version, adapter, licences.
    About,
}

/// Where a command belongs in the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::EnumIter)]
pub enum Section {
    /// The training run.
    Run,
    /// The recipe.
    Recipe,
    /// What is seen.
    View,
    /// Help.
    Help,
}

impl Section {
    /// The menu's title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Run => "Run",
            Self::Recipe => "Recipe",
            Self::View => "View",
            Self::Help => "Help",
        }
    }
}

/// What the availability of commands depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Situation {
    /// A run is loaded.
    pub loaded: bool,
    /// It is training.
    pub running: bool,
    /// It can train further: neither finished, diverged nor failed.
    pub can_train: bool,
    /// It has diverged and there is a snapshot to go back to.
    pub can_step_back: bool,
    /// Analyses are running.
    pub jobs: bool,
    /// Views show a past snapshot.
    pub past: bool,
    /// There are snapshots.
    pub snapshots: bool,
    /// There are earlier runs to compare with.
    pub comparisons: bool,
    /// The recipe has changes that wait for a restart.
    pub changed: bool,
    /// Every value of the recipe is valid.
    pub valid: bool,
    /// There is something to undo.
    pub can_undo: bool,
    /// There is something to redo.
    pub can_redo: bool,
    /// The focused view has a figure.
    pub figure: bool,
}

const fn key(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const fn control(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

const fn control_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}

impl Command {
    /// What the menu and the palette call it.
    pub fn text(self) -> &'static str {
        match self {
            Self::PlayPause => "Play or pause",
            Self::Step => "One step",
            Self::Restart => "Restart",
            Self::StepBack => "Step back to the last good snapshot",
            Self::Fork => "Fork from here",
            Self::CancelJobs => "Cancel analyses",
            Self::FollowLive => "Follow the live run",
            Self::PreviousSnapshot => "Previous snapshot",
            Self::NextSnapshot => "Next snapshot",
            Self::ForgetComparisons => "Remove comparison runs",
            Self::ChooseExperiment => "Choose an experiment…",
            Self::OpenRecipe => "Open recipe…",
            Self::SaveRecipe => "Save recipe…",
            Self::ApplyRecipe => "Apply recipe changes",
            Self::RevertRecipe => "Revert recipe changes",
            Self::Undo => "Undo",
            Self::Redo => "Redo",
            Self::Quit => "Quit",
            Self::ShowLoss => "Loss curves",
            Self::ShowLandscape => "Landscape",
            Self::ShowSpectrum => "Spectrum",
            Self::ShowGradients => "Gradients",
            Self::ShowSignals => "Opposing signals",
            Self::ShowData => "Data and prediction",
            Self::ShowPaths => "Paths",
            Self::ShowRace => "Race of optimizers",
            Self::ShowNeighbourhood => "Neighbourhood",
            Self::ShowStability => "Stability",
            Self::Maximise => "Maximise the view",
            Self::ExportFigure => "Export figure…",
            Self::ResetLayout => "Reset the layout",
            Self::ToggleRecipePanel => "Show or hide the recipe",
            Self::Presentation => "Presentation mode",
            Self::ZoomIn => "Zoom in",
            Self::ZoomOut => "Zoom out",
            Self::ZoomReset => "Normal size",
            Self::DarkTheme => "Dark theme",
            Self::LightTheme => "Light theme",
            Self::SystemTheme => "System theme",
            Self::Palette => "Find a command…",
            Self::Keys => "All keys",
            Self::Messages => "Messages",
            Self::About => "About losscape",
        }
    }

    /// One sentence that says what it does.
    pub fn tooltip(self) -> &'static str {
        match self {
            Self::PlayPause => "Train the network, or hold it where it is",
            Self::Step => "Make one training step, then hold",
            Self::Restart => "Go back to step 0 with the same recipe and seed",
            Self::StepBack => {
                "Return to the newest snapshot with a finite loss and forget what came after it"
            }
            Self::Fork => {
                "Train a branch from the shown moment with the recipe as it stands here, \
                 keeping this run for comparison"
            }
            Self::CancelJobs => "Stop every analysis that is running",
            Self::FollowLive => "Let every view show the newest parameters again",
            Self::PreviousSnapshot => "Let every view show the snapshot before the one shown now",
            Self::NextSnapshot => "Let every view show the snapshot after the one shown now",
            Self::ForgetComparisons => "Forget all earlier runs, keeping only the current one",
            Self::ChooseExperiment => "See all experiments that come with the program",
            Self::OpenRecipe => "Open a recipe from a TOML file and start it",
            Self::SaveRecipe => "Write the recipe as it stands here to a TOML file",
            Self::ApplyRecipe => {
                "Start a new run with the changed recipe, keeping this one for comparison"
            }
            Self::RevertRecipe => "Give up the changes that have not been applied",
            Self::Undo => "Undo the last change of the recipe",
            Self::Redo => "Redo the change that was undone",
            Self::Quit => "Close the program",
            Self::ShowLoss => "Bring the loss curves forward",
            Self::ShowLandscape => "Bring the loss landscape forward",
            Self::ShowSpectrum => "Bring the Hessian's spectrum forward",
            Self::ShowGradients => "Bring the gradient maps forward",
            Self::ShowSignals => "Bring the samples with opposing signals forward",
            Self::ShowData => "Bring the data and the network's prediction forward",
            Self::ShowPaths => "Bring the paths to other solutions forward",
            Self::ShowRace => "Bring the race of optimizers forward",
            Self::ShowNeighbourhood => "Bring sharpness and quantized networks forward",
            Self::ShowStability => "Bring what happens along the top eigenvectors forward",
            Self::Maximise => "Let the focused view fill the centre, or bring the others back",
            Self::ExportFigure => "Write the focused view as an SVG or PNG file",
            Self::ResetLayout => "Arrange the views as at the first start",
            Self::ToggleRecipePanel => "Show or hide the recipe on the left",
            Self::Presentation => "Fill the screen, with large text and high contrast",
            Self::ZoomIn => "Make everything larger",
            Self::ZoomOut => "Make everything smaller",
            Self::ZoomReset => "Show everything at its normal size",
            Self::DarkTheme => "Dark colours",
            Self::LightTheme => "Light colours",
            Self::SystemTheme => "Dark or light, as the desktop is",
            Self::Palette => "Find any command or experiment by name",
            Self::Keys => "Show all keys",
            Self::Messages => "Show earlier messages",
            Self::About => "Version, graphics adapter and licences",
        }
    }

    /// The keys that do it; the first is shown in menus.
    pub fn shortcuts(self) -> &'static [KeyboardShortcut] {
        macro_rules! keys {
            ($($key:expr),*) => {{
                const KEYS: &[KeyboardShortcut] = &[$($key),*];
                KEYS
            }};
        }
        match self {
            Self::PlayPause => keys![key(Key::Space)],
            Self::Step => keys![key(Key::ArrowRight)],
            Self::Restart => keys![key(Key::R)],
            Self::StepBack => keys![key(Key::B)],
            Self::Fork => keys![key(Key::Y)],
            Self::CancelJobs => keys![control(Key::Period)],
            Self::FollowLive => keys![key(Key::L)],
            Self::PreviousSnapshot => keys![key(Key::OpenBracket)],
            Self::NextSnapshot => keys![key(Key::CloseBracket)],
            Self::ChooseExperiment => keys![control(Key::N)],
            Self::OpenRecipe => keys![control(Key::O)],
            Self::SaveRecipe => keys![control(Key::S)],
            Self::ApplyRecipe => keys![control(Key::Enter)],
            Self::Undo => keys![control(Key::Z)],
            Self::Redo => keys![control_shift(Key::Z), control(Key::Y)],
            Self::Quit => keys![control(Key::Q)],
            Self::ShowLoss => keys![key(Key::Num1)],
            Self::ShowLandscape => keys![key(Key::Num2)],
            Self::ShowSpectrum => keys![key(Key::Num3)],
            Self::ShowGradients => keys![key(Key::Num4)],
            Self::ShowSignals => keys![key(Key::Num9)],
            Self::ShowData => keys![key(Key::Num5)],
            Self::ShowPaths => keys![key(Key::Num6)],
            Self::ShowRace => keys![key(Key::Num7)],
            Self::ShowNeighbourhood => keys![key(Key::Num0)],
            Self::ShowStability => keys![key(Key::Num8)],
            Self::Maximise => keys![key(Key::F)],
            Self::ExportFigure => keys![control(Key::E)],
            Self::ToggleRecipePanel => keys![control(Key::B)],
            Self::Presentation => keys![key(Key::F11)],
            Self::ZoomIn => keys![control(Key::Plus), control(Key::Equals)],
            Self::ZoomOut => keys![control(Key::Minus)],
            Self::ZoomReset => keys![control(Key::Num0)],
            Self::Palette => keys![control(Key::K), control_shift(Key::P)],
            Self::Keys => keys![key(Key::Questionmark), key(Key::F1)],
            Self::ForgetComparisons
            | Self::RevertRecipe
            | Self::ResetLayout
            | Self::DarkTheme
            | Self::LightTheme
            | Self::SystemTheme
            | Self::Messages
            | Self::About => &[],
        }
    }

    /// Where it belongs in the menu.
    pub fn section(self) -> Section {
        match self {
            Self::PlayPause
            | Self::Step
            | Self::Restart
            | Self::StepBack
            | Self::Fork
            | Self::CancelJobs
            | Self::FollowLive
            | Self::PreviousSnapshot
            | Self::NextSnapshot
            | Self::ForgetComparisons => Section::Run,
            Self::ChooseExperiment
            | Self::OpenRecipe
            | Self::SaveRecipe
            | Self::ApplyRecipe
            | Self::RevertRecipe
            | Self::Undo
            | Self::Redo
            | Self::Quit => Section::Recipe,
            Self::ShowLoss
            | Self::ShowLandscape
            | Self::ShowSpectrum
            | Self::ShowGradients
            | Self::ShowSignals
            | Self::ShowData
            | Self::ShowPaths
            | Self::ShowRace
            | Self::ShowNeighbourhood
            | Self::ShowStability
            | Self::Maximise
            | Self::ExportFigure
            | Self::ResetLayout
            | Self::ToggleRecipePanel
            | Self::Presentation
            | Self::ZoomIn
            | Self::ZoomOut
            | Self::ZoomReset
            | Self::DarkTheme
            | Self::LightTheme
            | Self::SystemTheme => Section::View,
            Self::Palette | Self::Keys | Self::Messages | Self::About => Section::Help,
        }
    }

    /// The sign of the command, where it has one.
    pub fn icon(self) -> Option<Icon> {
        Some(match self {
            Self::PlayPause => Icon::Play,
            Self::Step => Icon::Step,
            Self::Restart => Icon::Restart,
            Self::Undo => Icon::Undo,
            Self::Redo => Icon::Redo,
            Self::Maximise => Icon::Maximise,
            Self::ToggleRecipePanel => Icon::Sidebar,
            Self::Palette => Icon::Search,
            Self::Messages => Icon::Bell,
            _ => return None,
        })
    }

    /// Whether a line in the menu separates it from the command before it.
    pub fn starts_group(self) -> bool {
        matches!(
            self,
            Self::CancelJobs
                | Self::FollowLive
                | Self::ForgetComparisons
                | Self::ApplyRecipe
                | Self::Undo
                | Self::Quit
                | Self::Maximise
                | Self::ToggleRecipePanel
                | Self::ZoomIn
                | Self::DarkTheme
                | Self::Messages
        )
    }

    /// Whether it can be done now.
    pub fn enabled(self, now: &Situation) -> bool {
        match self {
            Self::PlayPause => now.loaded && (now.running || now.can_train),
            Self::Step => now.loaded && now.can_train,
            Self::Restart => now.loaded,
            Self::StepBack => now.can_step_back,
            Self::Fork => now.loaded && now.snapshots,
            Self::CancelJobs => now.jobs,
            Self::FollowLive => now.past,
            Self::PreviousSnapshot => now.snapshots,
            Self::NextSnapshot => now.snapshots && now.past,
            Self::ForgetComparisons => now.comparisons,
            Self::ApplyRecipe => now.changed && now.valid,
            Self::RevertRecipe => now.changed,
            Self::Undo => now.can_undo,
            Self::Redo => now.can_redo,
            Self::ExportFigure => now.figure,
            Self::ChooseExperiment
            | Self::OpenRecipe
            | Self::SaveRecipe
            | Self::Quit
            | Self::ShowLoss
            | Self::ShowLandscape
            | Self::ShowSpectrum
            | Self::ShowGradients
            | Self::ShowSignals
            | Self::ShowData
            | Self::ShowPaths
            | Self::ShowRace
            | Self::ShowNeighbourhood
            | Self::ShowStability
            | Self::Maximise
            | Self::ResetLayout
            | Self::ToggleRecipePanel
            | Self::Presentation
            | Self::ZoomIn
            | Self::ZoomOut
            | Self::ZoomReset
            | Self::DarkTheme
            | Self::LightTheme
            | Self::SystemTheme
            | Self::Palette
            | Self::Keys
            | Self::Messages
            | Self::About => true,
        }
    }

    /// The first key, as written in menus, or nothing.
    pub fn shortcut_text(self, ctx: &Context) -> Option<String> {
        self.shortcuts()
            .first()
            .map(|shortcut| format_shortcut(ctx, shortcut))
    }

    /// The tooltip with the key behind it.
    pub fn tooltip_with_shortcut(self, ctx: &Context) -> String {
        match self.shortcut_text(ctx) {
            Some(key) => format!("{} ({key})", self.tooltip()),
            None => self.tooltip().to_owned(),
        }
    }
}

/// A shortcut as a person reads it: `Ctrl+Shift+Z`, `→`.
pub fn format_shortcut(ctx: &Context, shortcut: &KeyboardShortcut) -> String {
    let key = match shortcut.logical_key {
        Key::ArrowRight => "→",
        Key::ArrowLeft => "←",
        Key::Questionmark => "?",
        Key::Plus => "+",
        Key::Minus => "−",
        Key::Equals => "=",
        Key::OpenBracket => "[",
        Key::CloseBracket => "]",
        Key::Period => ".",
        other => other.name(),
    };
    let modifiers = ctx.format_modifiers(shortcut.modifiers);
    if modifiers.is_empty() {
        key.to_owned()
    } else {
        format!("{modifiers}+{key}")
    }
}

/// All commands with their shortcuts, those with more modifiers first, so that
/// `Ctrl+Shift+Z` is not taken for `Ctrl+Z`.
fn by_modifiers() -> Vec<(KeyboardShortcut, Command)> {
    use strum::IntoEnumIterator as _;
    let mut all: Vec<_> = Command::iter()
        .flat_map(|command| command.shortcuts().iter().map(move |key| (*key, command)))
        .collect();
    all.sort_by_key(|(shortcut, _)| {
        let Modifiers {
            alt,
            shift,
            command,
            ..
        } = shortcut.modifiers;
        std::cmp::Reverse(u8::from(alt) + u8::from(shift) + u8::from(command))
    });
    all
}

/// The commands whose keys were pressed, taken out of the input.
///
/// A key that a text field wants stays with the text field, and keys that move
/// or press a focused widget (space, arrows, Enter) stay with that widget.
pub fn pressed(ctx: &Context, now: &Situation) -> Vec<Command> {
    let typing = ctx.text_edit_focused();
    let focused = ctx.egui_wants_keyboard_input();
    let mut commands = Vec::new();
    for (shortcut, command) in by_modifiers() {
        let plain = !shortcut.modifiers.command && !is_function_key(shortcut.logical_key);
        let editing = matches!(command, Command::Undo | Command::Redo);
        let moves_widgets = matches!(
            shortcut.logical_key,
            Key::Space | Key::ArrowRight | Key::ArrowLeft | Key::Enter
        ) && plain;
        if (typing && (plain || editing)) || (focused && moves_widgets) {
            continue;
        }
        if ctx.input_mut(|input| input.consume_shortcut(&shortcut)) && command.enabled(now) {
            commands.push(command);
        }
    }
    commands
}

fn is_function_key(key: Key) -> bool {
    matches!(key, Key::F1 | Key::F11)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{HashMap, HashSet};
    use strum::IntoEnumIterator as _;

    const EVERYTHING: Situation = Situation {
        loaded: true,
        running: true,
        can_train: true,
        can_step_back: true,
        jobs: true,
        past: true,
        snapshots: true,
        comparisons: true,
        changed: true,
        valid: true,
        can_undo: true,
        can_redo: true,
        figure: true,
    };

    #[test]
    fn every_command_has_a_text_and_a_tooltip_of_its_own() {
        let mut texts = HashSet::new();
        for command in Command::iter() {
            assert!(texts.insert(command.text()), "{command:?}: text used twice");
            assert!(command.tooltip().len() > 8, "{command:?}");
            assert!(
                !command.tooltip().ends_with('.'),
                "{command:?}: a tooltip is one sentence without a full stop"
            );
        }
    }

    #[test]
    fn no_key_does_two_things() {
        let mut seen: HashMap<KeyboardShortcut, Command> = HashMap::new();
        for command in Command::iter() {
            for shortcut in command.shortcuts() {
                if let Some(other) = seen.insert(*shortcut, command) {
                    panic!("{shortcut:?} does {other:?} and {command:?}");
                }
            }
        }
    }

    #[test]
    fn every_command_can_be_done_sometime() {
        for command in Command::iter() {
            assert!(command.enabled(&EVERYTHING), "{command:?}");
        }
    }

    #[test]
    fn nothing_about_a_run_can_be_done_without_one() {
        let nothing = Situation::default();
        for command in [Command::PlayPause, Command::Step, Command::Restart] {
            assert!(!command.enabled(&nothing), "{command:?}");
        }
    }

    fn press(shortcut: KeyboardShortcut, field: bool) -> Vec<Command> {
        let ctx = Context::default();
        let mut text = String::new();
        // The first pass gives the text field the focus.
        for pass in 0..2 {
            let mut input = egui::RawInput::default();
            if pass == 1 {
                input.events.push(egui::Event::Key {
                    key: shortcut.logical_key,
                    physical_key: None,
                    pressed: true,
                    repeat: false,
                    modifiers: shortcut.modifiers,
                });
            }
            let mut found = Vec::new();
            let _ = crate::app::testing::frame(&ctx, input, |ui| {
                if pass == 1 {
                    found = pressed(ui.ctx(), &EVERYTHING);
                }
                let response = ui.text_edit_singleline(&mut text);
                if field && pass == 0 {
                    response.request_focus();
                }
            });
            if pass == 1 {
                return found;
            }
        }
        Vec::new()
    }

    #[test]
    fn every_shortcut_does_its_command_and_nothing_else() {
        for command in Command::iter() {
            for shortcut in command.shortcuts() {
                let mut shortcut = *shortcut;
                // What a real keyboard reports with the command key.
                shortcut.modifiers.ctrl = shortcut.modifiers.command;
                assert_eq!(press(shortcut, false), [command], "{shortcut:?}");
            }
        }
    }

    #[test]
    fn no_plain_key_does_anything_while_typing() {
        for command in Command::iter() {
            for shortcut in command.shortcuts() {
                let plain = shortcut.modifiers.is_none() && !is_function_key(shortcut.logical_key);
                if plain || matches!(command, Command::Undo | Command::Redo) {
                    let mut shortcut = *shortcut;
                    shortcut.modifiers.ctrl = shortcut.modifiers.command;
                    assert_eq!(press(shortcut, true), [], "{shortcut:?}");
                }
            }
        }
    }

    #[test]
    fn shortcuts_read_well() {
        let ctx = Context::default();
        let text = |command: Command| command.shortcut_text(&ctx).unwrap_or_default();
        assert_eq!(text(Command::Step), "→");
        assert_eq!(text(Command::Palette), "Ctrl+K");
        assert_eq!(text(Command::Redo), "Ctrl+Shift+Z");
        assert_eq!(text(Command::About), "");
    }
}
