//! The bar at the top: the menu, the experiment, play and step, the speed, where
//! the run stands, and the palette.

use eframe::egui;
use egui::{Align, Button, DragValue, RichText, Ui, vec2};
use strum::IntoEnumIterator as _;

use super::commands::{Command, Section, Situation};
use super::icons::{Icon, IconButton};
use super::theme::{self, HALF, Palette, UNIT};
use super::widgets::{command_icon, command_line, fixed_label, right_aligned, thousands};
use super::workspace::Workspace;
use crate::engine::RunState;

/// The speeds to choose from, in steps per second.
const SPEEDS: [f64; 6] = [1.0, 5.0, 20.0, 100.0, 500.0, 2000.0];

/// Shows the bar; what was asked for.
pub fn ui(
    ui: &mut Ui,
    ws: &mut Workspace,
    now: &Situation,
    is_on: impl Fn(Command) -> bool,
) -> Vec<Command> {
    let mut asked = Vec::new();
    // What does not fit goes: first the words, then the rate.
    let wide = ui.available_width() > 900.0;
    let medium = ui.available_width() > 720.0;
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = HALF;
        menu_ui(ui, now, &is_on, &mut asked);
        if wide {
            ui.label(theme::strong("losscape").color(Palette::of(ui.visuals()).strong));
            ui.add_space(UNIT);
        }
        experiment_ui(ui, ws, if wide { 260.0 } else { 180.0 }, &mut asked);
        ui.add_space(UNIT);
        transport_ui(ui, now, &mut asked);
        ui.add_space(UNIT);
        speed_ui(ui, ws, now);
        ui.add_space(UNIT);
        place_ui(ui, ws, medium);
        right_aligned(ui, |ui| {
            ui.spacing_mut().item_spacing.x = HALF;
            let tooltip = Command::Palette.tooltip_with_shortcut(ui.ctx());
            let keys = Command::Palette.shortcut_text(ui.ctx()).unwrap_or_default();
            let weak = Palette::of(ui.visuals()).weak;
            if wide
                && ui
                    .add(Button::new(RichText::new(keys).color(weak)).frame(false))
                    .accessible_name("Find a command")
                    .on_hover_text(&tooltip)
                    .clicked()
            {
                asked.push(Command::Palette);
            }
            for command in [
                Command::Palette,
                Command::Messages,
                Command::ToggleRecipePanel,
            ] {
                let Some(icon) = command.icon() else { continue };
                let unread = command == Command::Messages && ws.notifications.unread() > 0;
                let tooltip = command.tooltip_with_shortcut(ui.ctx());
                let button =
                    IconButton::new(icon, command.text()).selected(is_on(command) || unread);
                if ui.add(button).on_hover_text(tooltip).clicked() {
                    asked.push(command);
                }
            }
        });
    });
    asked
}

/// All commands, by section.
fn menu_ui(
    ui: &mut Ui,
    now: &Situation,
    is_on: &impl Fn(Command) -> bool,
    asked: &mut Vec<Command>,
) {
    let button = ui
        .add(IconButton::new(Icon::Menu, "Menu"))
        .on_hover_text("Everything that can be done");
    egui::Popup::menu(&button).show(|ui| {
        ui.set_min_width(160.0);
        for section in Section::iter() {
            ui.menu_button(section.title(), |ui| {
                ui.set_min_width(240.0);
                for command in Command::iter().filter(|command| command.section() == section) {
                    if command.starts_group() {
                        ui.separator();
                    }
                    if command_line(ui, command, now, is_on(command)) {
                        asked.push(command);
                    }
                }
            });
        }
    });
}

fn experiment_ui(ui: &mut Ui, ws: &Workspace, width: f32, asked: &mut Vec<Command>) {
    let name = if ws.recipe.name.is_empty() {
        "Untitled"
    } else {
        &ws.recipe.name
    };
    let palette = Palette::of(ui.visuals());
    let height = ui.spacing().interact_size.y;
    let response = ui
        .allocate_ui(vec2(width, height), |ui| {
            let button = Button::new(RichText::new(name).color(palette.strong))
                .right_text(RichText::new("▾").color(palette.weak))
                .truncate()
                .min_size(vec2(width, height));
            ui.add(button)
        })
        .inner
        .accessible_name(format!("Experiment: {name}"))
        .on_hover_text(Command::ChooseExperiment.tooltip_with_shortcut(ui.ctx()));
    if response.clicked() {
        asked.push(Command::ChooseExperiment);
    }
}

fn transport_ui(ui: &mut Ui, now: &Situation, asked: &mut Vec<Command>) {
    ui.spacing_mut().item_spacing.x = 2.0;
    let (icon, name) = if now.running {
        (Icon::Pause, "Pause")
    } else {
        (Icon::Play, "Play")
    };
    let tooltip = Command::PlayPause.tooltip_with_shortcut(ui.ctx());
    let size = vec2(1.5, 1.0) * ui.spacing().interact_size.y;
    let play = IconButton::new(icon, name)
        .framed(true)
        .size(size)
        .enabled(Command::PlayPause.enabled(now));
    if ui
        .add(play)
        .on_hover_text(tooltip)
        .on_disabled_hover_text("The run is over: restart it, or raise the number of steps")
        .clicked()
    {
        asked.push(Command::PlayPause);
    }
    for command in [Command::Step, Command::Restart] {
        if let Some(icon) = command.icon()
            && command_icon(ui, command, icon, now)
        {
            asked.push(command);
        }
    }
    ui.spacing_mut().item_spacing.x = HALF;
}

fn speed_ui(ui: &mut Ui, ws: &mut Workspace, now: &Situation) {
    let limit = ws.speed_limit();
    let text = |limit: Option<f64>| match limit {
        None => "Full speed".to_owned(),
        Some(limit) => format!("{}/s", thousands(limit as u64)),
    };
    let button = Button::new(text(limit))
        .right_text("▾")
        .min_size(vec2(96.0, ui.spacing().interact_size.y));
    let response = ui
        .add_enabled(now.loaded, button)
        .accessible_name("Speed")
        .on_hover_text("The most training steps in a second");
    egui::Popup::menu(&response)
        .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
        .show(|ui| {
            ui.set_min_width(176.0);
            for choice in std::iter::once(None).chain(SPEEDS.iter().rev().copied().map(Some)) {
                let label = match choice {
                    None => "Full speed".to_owned(),
                    Some(1.0) => "1 step/s".to_owned(),
                    Some(speed) => format!("{} steps/s", thousands(speed as u64)),
                };
                if ui.selectable_label(limit == choice, label).clicked() {
                    ws.set_speed_limit(choice);
                    ui.close();
                }
            }
            ui.separator();
            run_to_ui(ui, ws);
        });
}

/// Train up to a step, then pause.
fn run_to_ui(ui: &mut Ui, ws: &mut Workspace) {
    let Some(run) = ws.run() else { return };
    let (step, total) = (run.newest_step(), run.info.total_steps);
    let id = ui.scope_id().with("run to");
    let suggestion = (step / 100 + 1) * 100;
    let mut goal = ui
        .data(|data| data.get_temp::<u64>(id))
        .unwrap_or(suggestion)
        .clamp(step.saturating_add(1), total.max(step.saturating_add(1)));
    ui.horizontal(|ui| {
        let go = ui
            .add_enabled(step < total, Button::new("Run to step"))
            .on_hover_text("Train until this step is reached, then pause");
        ui.add(DragValue::new(&mut goal).speed(10.0))
            .accessible_name("Step to run to");
        if go.clicked() {
            ws.run_to(goal);
            ui.close();
        }
    });
    ui.data_mut(|data| data.insert_temp(id, goal));
}

fn place_ui(ui: &mut Ui, ws: &Workspace, with_rate: bool) {
    let Some(run) = ws.run() else {
        if ws.is_loading() {
            ui.label(theme::small(ui, "Preparing the data and the network"));
        }
        return;
    };
    let total = run.info.total_steps;
    let widest = thousands(total.max(run.newest_step()).max(9999))
        .replace(|character: char| character.is_ascii_digit(), "0");
    ui.label(theme::small(ui, "step"));
    fixed_label(
        ui,
        &thousands(run.newest_step()),
        &widest,
        "Step",
        Align::Min,
    )
    .on_hover_text(format!("Of {} steps", thousands(total)));
    if with_rate {
        ui.add_space(UNIT);
        let text = match &run.state {
            RunState::Running => match run.steps_per_second {
                Some(rate) => format!("{} steps/s", thousands(rate.round() as u64)),
                None => "…".to_owned(),
            },
            RunState::Paused | RunState::Empty => "paused".to_owned(),
            RunState::Finished => "finished".to_owned(),
            RunState::Diverged(_) => "diverged".to_owned(),
            RunState::Failed { .. } => "failed".to_owned(),
        };
        fixed_label(ui, &text, "000\u{2009}000 steps/s", "Speed now", Align::Min);
    }
}
