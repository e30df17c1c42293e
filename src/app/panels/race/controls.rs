//! The controls of a race: the ground, what is equal, the runners, transport.

use eframe::egui::{self, Align, DragValue, Layout, Role, Ui, WidgetInfo};

use super::super::controls::{all, choice, header, segments};
use super::settings::Place;
use super::{Part, RacePanel};
use crate::app::icons::{Icon, IconButton, small_side};
use crate::app::widgets::line_sample;
use crate::app::workspace::Workspace;
use crate::engine::race::RaceState;
use crate::functions;
use crate::race::{GroundSettings, MOST_RUNNERS};
use crate::train::optimizers;

/// Room for the controls of a runner, in heights of a control.
const WIDTH_OF_RUNNER: f32 = 11.0;

/// A number with a name for those who cannot see it.
fn named(response: &egui::Response, name: String) {
    response.widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, name.clone()));
}

impl RacePanel {
    /// Something that determines the race was changed.
    fn change(&mut self, ui: &Ui) {
        self.play |= self.wanted;
        self.changed_at = Some(ui.input(|input| input.time));
    }

    pub(super) fn controls(&mut self, ui: &mut Ui, ws: &mut Workspace) {
        let before = self.settings.clone();
        header(ui, |ui| {
            self.transport_ui(ui, ws);
            self.ground_ui(ui, ws);
            choice(
                ui,
                "Equal between the runners",
                &mut self.settings.lockstep,
                &all(),
                "What is equal between the runners: updates, accumulated learning rate, or wall time",
            );
            let steps = ui
                .add(
                    DragValue::new(&mut self.settings.steps)
                        .range(1..=100_000)
                        .speed(10.0)
                        .suffix(" steps"),
                )
                .on_hover_text("Steps of every runner");
            named(&steps, "Steps of every runner".to_owned());
            let speed = ui
                .add(
                    DragValue::new(&mut self.settings.speed)
                        .range(0..=5000)
                        .custom_formatter(|value, _| match value as u32 {
                            0 => "full speed".to_owned(),
                            limit => format!("{limit}/s"),
                        }),
                )
                .on_hover_text("Rounds a second; 0 runs as fast as it can");
            named(&speed, "Rounds a second".to_owned());
        });
        // Each row of controls with names of its own.
        ui.push_id("runners", |ui| header(ui, |ui| self.runners_ui(ui, ws)));
        if self.settings.speed != before.speed {
            let limit = self.settings.speed;
            let sent = self.thread.as_ref().map_or(Ok(()), |thread| {
                thread.set_speed((limit > 0).then(|| f64::from(limit)))
            });
            self.tell(sent);
        }
        let mut like_before = self.settings.clone();
        like_before.speed = before.speed;
        if like_before != before {
            self.change(ui);
        }
    }

    fn transport_ui(&mut self, ui: &mut Ui, ws: &Workspace) {
        let running = self.is_running();
        let over = self
            .frame
            .as_ref()
            .is_some_and(|frame| frame.state == RaceState::Over);
        let (icon, name, hint) = if running {
            (Icon::Pause, "Pause the race", "All stand still")
        } else if over {
            (Icon::Play, "Race again", "From the start again")
        } else {
            (Icon::Play, "Start the race", "All run")
        };
        let side = small_side();
        if ui
            .add(IconButton::new(icon, name).size(side))
            .on_hover_text(hint)
            .clicked()
        {
            if over {
                self.play = true;
                self.load(ui, ws);
            } else if let Some(thread) = &self.thread {
                let sent = if running {
                    thread.pause()
                } else {
                    thread.play()
                };
                self.wanted = !running;
                self.at = None;
                self.tell(sent);
                self.look();
            }
        }
        if ui
            .add(
                IconButton::new(Icon::Step, "Step of all runners")
                    .size(side)
                    .enabled(!over),
            )
            .on_hover_text("Everybody makes a step")
            .clicked()
        {
            let sent = self.thread.as_ref().map_or(Ok(()), |thread| thread.step());
            self.wanted = false;
            self.at = None;
            self.tell(sent);
            self.look();
        }
        if ui
            .add(IconButton::new(Icon::Restart, "Back to the start").size(side))
            .on_hover_text("All back to the start")
            .clicked()
        {
            self.reset(ui, ws);
        }
    }

    /// Back to the start; on a network that has changed meanwhile, with the
    /// present one.
    fn reset(&mut self, ui: &Ui, ws: &Workspace) {
        let same = self.frame.as_ref().is_some_and(|frame| {
            frame.settings.as_ref().is_some_and(|old| {
                self.settings
                    .race(ws)
                    .is_ok_and(|new| new == **old && old.ground != GroundSettings::Network)
            })
        });
        self.play = false;
        self.wanted = false;
        if !same {
            self.load(ui, ws);
            return;
        }
        self.at = None;
        let sent = self
            .thread
            .as_ref()
            .map_or(Ok(()), |thread| thread.reset().map(|_| ()));
        self.tell(sent);
        self.look();
    }

    fn ground_ui(&mut self, ui: &mut Ui, ws: &Workspace) {
        let mut place = match self.settings.place {
            Place::Network => None,
            Place::Function => Some(self.settings.function.clone()),
        };
        let mut options: Vec<(Option<String>, String)> = functions::kinds()
            .into_iter()
            .map(|kind| (Some(kind.key.to_owned()), kind.title.to_owned()))
            .collect();
        if ws.run().is_some() {
            options.insert(0, (None, "this network".to_owned()));
        }
        if choice(
            ui,
            "Ground",
            &mut place,
            &options,
            "What the runners run on",
        ) {
            match place {
                None => self.settings.place = Place::Network,
                Some(function) => {
                    self.settings.place = Place::Function;
                    self.settings.function = function;
                }
            }
            // Learning rates and starts of one ground mean nothing on another.
            self.settings.start = None;
            self.settings.plane = None;
            for index in 0..self.settings.runners.len() {
                let optimizer = self.settings.runners[index].optimizer.clone();
                self.settings.runners[index].learning_rate =
                    self.settings.proposed_rate(&optimizer);
            }
            self.map = None;
            self.map_failure = None;
            self.play = true;
        }
        if self.settings.place == Place::Network {
            return;
        }
        if self.settings.function == "quadratic" {
            let response = ui
                .add(
                    DragValue::new(&mut self.settings.condition)
                        .range(1.0..=1e6)
                        .speed(0.5)
                        .prefix("κ "),
                )
                .on_hover_text("Condition number: the largest eigenvalue over the smallest");
            named(&response, "Condition number".to_owned());
        }
        let response = ui
            .add(
                DragValue::new(&mut self.settings.noise)
                    .range(0.0..=1e6)
                    .speed(0.02)
                    .max_decimals(3)
                    .prefix("noise "),
            )
            .on_hover_text("Standard deviation of the noise of each component of the gradient");
        named(&response, "Gradient noise".to_owned());
    }

    fn runners_ui(&mut self, ui: &mut Ui, ws: &Workspace) {
        let kinds: Vec<(String, String)> = optimizers::kinds()
            .into_iter()
            .map(|kind| (kind.key.to_owned(), kind.key.to_owned()))
            .collect();
        let mut remove = None;
        let count = self.settings.runners.len();
        // A runner's controls stay together: the row breaks between runners.
        let height = ui.spacing().interact_size.y;
        let size = egui::vec2(WIDTH_OF_RUNNER * height, height);
        let layout = Layout::left_to_right(Align::Center);
        for index in 0..count {
            ui.allocate_ui_with_layout(size, layout, |ui| {
                line_sample(ui, index);
                let number = index + 1;
                let mut optimizer = self.settings.runners[index].optimizer.clone();
                if choice(
                    ui,
                    &format!("Optimizer of runner {number}"),
                    &mut optimizer,
                    &kinds,
                    "The runner's optimizer",
                ) {
                    let learning_rate = self.settings.proposed_rate(&optimizer);
                    self.settings.runners[index].optimizer = optimizer;
                    self.settings.runners[index].learning_rate = learning_rate;
                    let changes = &mut self.settings.runners[index].changes;
                    changes.retain(|change| change.section != "optimizer");
                }
                let rate = &mut self.settings.runners[index].learning_rate;
                let speed = 0.01 * *rate;
                let response = ui
                    .add(
                        DragValue::new(rate)
                            .range(1e-9..=1e6)
                            .speed(speed)
                            .custom_formatter(|value, _| {
                                crate::figure::ticks::format_number(value, 3)
                            })
                            .prefix("η "),
                    )
                    .on_hover_text("The runner's learning rate");
                named(&response, format!("Learning rate of runner {number}"));
                self.changes_button(ui, ws, index);
                if count > 2 {
                    let name = format!("Take runner {number} out");
                    let button = IconButton::new(Icon::Close, &name).size(small_side());
                    if ui
                        .add(button)
                        .on_hover_text("Take it out of the race")
                        .clicked()
                    {
                        remove = Some(index);
                    }
                }
            });
        }
        if let Some(index) = remove {
            self.settings.runners.remove(index);
            self.settings.plane = None;
        }
        if count < MOST_RUNNERS {
            let response = ui
                .button("+")
                .on_hover_text("Another optimizer from the same start");
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Add a runner"));
            if response.clicked() {
                self.settings.add_runner();
            }
        }
    }

    /// What is shown where there is no room for everything.
    pub(super) fn part_ui(&mut self, ui: &mut Ui) {
        let options = [
            (Part::Map, "map", "The landscape with all paths"),
            (Part::Losses, "losses", "The losses of all runners"),
            (Part::Scores, "scores", "Who stands where"),
        ];
        segments(ui, "Show", &mut self.part, &options);
    }

    /// Which plane of a network is shown.
    pub(super) fn plane_menu(&mut self, ui: &mut Ui) {
        if self.settings.place == Place::Function {
            return;
        }
        let mut options = vec![(None, "all paths".to_owned())];
        let names = self.settings.names();
        options.extend(
            names
                .into_iter()
                .enumerate()
                .map(|(i, name)| (Some(i), name)),
        );
        ui.horizontal(|ui| {
            ui.label("Plane of");
            let changed = choice(
                ui,
                "Plane of",
                &mut self.settings.plane,
                &options,
                "Principal components of all paths around their mean, or of one runner's around its last point",
            );
            if changed {
                let (plane, grid) = self.map_choice();
                let sent = self
                    .thread
                    .as_ref()
                    .map_or(Ok(()), |thread| thread.set_map(plane, grid));
                self.tell(sent);
            }
        });
    }
}
