//! What a runner differs in besides optimizer and learning rate, and how the
//! recipe has changed since the race was started.

use eframe::egui::{self, Button, Popup, PopupCloseBehavior, Role, ScrollArea, Ui, WidgetInfo};
use serde::{Deserialize, Serialize};

use super::super::controls::remark;
use super::RacePanel;
use super::settings::Place;
use crate::app::recipe_editor::{FieldEditor, kind_row};
use crate::app::theme::{HALF, Palette};
use crate::app::workspace::Workspace;
use crate::catalogue;
use crate::race::{Entry, GroundSettings, SECTIONS};
use crate::recipe::{Recipe, Value};

/// One value of a runner that is not the recipe's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Changed {
    pub(super) section: String,
    pub(super) key: String,
    pub(super) value: Value,
}

/// Keys that have a control of their own, are the same for all runners, or of
/// which a race knows nothing.
const ELSEWHERE: [(&str, &str); 4] = [
    ("optimizer", "learning_rate"),
    ("training", "steps"),
    ("training", "steps_per_second"),
    ("training", "snapshot_memory_mb"),
];

/// Parts of a recipe that a race takes over.
const TAKEN: [&str; 7] = [
    "data",
    "model",
    "initialization",
    "loss",
    "optimizer",
    "schedule",
    "training",
];

/// Differing keys that are named.
const NAMED: usize = 3;

/// The runner with its changes made.
pub(super) fn with_changes(entry: Entry, changes: &[Changed]) -> Entry {
    changes.iter().fold(entry, |entry, change| {
        // A section that does not exist any more is left out.
        match SECTIONS.into_iter().find(|known| *known == change.section) {
            Some(section) => entry.with(section, change.key.as_str(), change.value.clone()),
            None => entry,
        }
    })
}

/// What of a recipe is not as in the race's base, by section and key.
pub(super) fn differing(base: &Recipe, now: &Recipe) -> Vec<String> {
    let difference = base.diff(now, catalogue::schema());
    let mut found: Vec<String> = Vec::new();
    if difference.seed {
        found.push("seed".to_owned());
    }
    for section in &difference.sections {
        if !TAKEN.contains(&section.section) {
            continue;
        }
        if section.kind_changed {
            found.push(format!("{}.kind", section.section));
            continue;
        }
        let keys = section.keys.iter().filter(|key| {
            let place = (section.section, key.as_str());
            // The race has steps of its own.
            place.0 != "training" || !ELSEWHERE.contains(&place)
        });
        found.extend(keys.map(|key| format!("{}.{key}", section.section)));
    }
    found
}

impl RacePanel {
    /// The button for everything else that a runner may differ in.
    pub(super) fn changes_button(&mut self, ui: &mut Ui, ws: &Workspace, index: usize) {
        let changes = &self.settings.runners[index].changes;
        let (text, hint) = if changes.is_empty() {
            (
                "…".to_owned(),
                "Other values of this runner: momentum, batch size, schedule, …".to_owned(),
            )
        } else {
            let list: Vec<String> = changes
                .iter()
                .map(|change| format!("{}.{} = {}", change.section, change.key, change.value))
                .collect();
            (format!("+{}", changes.len()), list.join("\n"))
        };
        let button = Button::new(text).selected(!changes.is_empty());
        let response = ui.add(button.frame_when_inactive(true)).on_hover_text(hint);
        let name = format!("Other values of runner {}", index + 1);
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name.clone()));
        Popup::menu(&response)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .show(|ui| {
                ui.set_width(330.0);
                ScrollArea::vertical()
                    .max_height(420.0)
                    .show(ui, |ui| self.changes_ui(ui, ws, index));
            });
    }

    fn changes_ui(&mut self, ui: &mut Ui, ws: &Workspace, index: usize) {
        let schema = catalogue::schema();
        let on_network = self.settings.place == Place::Network;
        let resolved = self.settings.race(ws).and_then(|race| {
            let entry = &race.entries[index];
            entry.recipe(&race.base, schema)
        });
        let recipe = match resolved {
            Ok(recipe) => recipe,
            Err(message) => {
                let color = Palette::of(ui.visuals()).error;
                ui.label(egui::RichText::new(message).color(color));
                if ui.button("Forget the changes").clicked() {
                    self.settings.runners[index].changes.clear();
                }
                return;
            }
        };
        let mut set: Option<(&'static str, &'static str, Value)> = None;
        for name in SECTIONS {
            // A function has no batches.
            if name == "training" && !on_network {
                continue;
            }
            let (Some(section), Some(component)) = (schema.section(name), recipe.section(name))
            else {
                continue;
            };
            let Some(kind) = section.kind(&component.kind) else {
                continue;
            };
            ui.push_id((index, name), |ui| {
                ui.label(crate::app::theme::strong(section.title));
                if name == "schedule"
                    && let Some(chosen) = kind_row(ui, section, &component.kind)
                {
                    set = Some((name, "kind", Value::from(chosen)));
                }
                for field in section.fields(kind) {
                    if ELSEWHERE.contains(&(name, field.key)) {
                        continue;
                    }
                    let mut editor = FieldEditor {
                        section,
                        field,
                        texts: &mut self.texts,
                    };
                    let outcome = editor.ui(ui, component.get(field.key));
                    if let Some(value) = outcome.value {
                        set = Some((name, field.key, value));
                    }
                }
            });
            ui.add_space(HALF);
        }
        if let Some((section, key, value)) = set {
            self.settings.change(ws, index, section, key, value);
        }
        let changed = !self.settings.runners[index].changes.is_empty();
        if ui
            .add_enabled(changed, Button::new("All as in the recipe"))
            .clicked()
        {
            self.settings.runners[index].changes.clear();
        }
    }

    /// Says that the recipe is not the one that this race was started with.
    pub(super) fn recipe_note(&mut self, ui: &mut Ui, ws: &Workspace) {
        if self.settings.place != Place::Network || ws.run().is_none() {
            return;
        }
        let Some(started) = self
            .frame
            .as_ref()
            .and_then(|frame| frame.settings.clone())
            .filter(|settings| settings.ground == GroundSettings::Network)
        else {
            return;
        };
        let keys = differing(&started.base, &ws.recipe);
        if keys.is_empty() {
            return;
        }
        let mut list = keys[..keys.len().min(NAMED)].join(", ");
        if keys.len() > NAMED {
            list.push_str(&format!(" and {} more", keys.len() - NAMED));
        }
        let applied = differing(&ws.applied, &ws.recipe).is_empty();
        ui.horizontal_wrapped(|ui| {
            let end = if applied {
                "."
            } else {
                ": apply it to race with it."
            };
            remark(
                ui,
                &format!("The recipe has changed since this race was started ({list}){end}"),
            );
            if applied && ui.small_button("Race with it").clicked() {
                self.play = true;
                self.load(ui, ws);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::Settings;
    use super::*;
    use crate::race::Race;
    use crate::train::testing;

    fn workspace() -> Workspace {
        Workspace::new(std::sync::Arc::new(|| ())).expect("threads")
    }

    #[test]
    fn a_runner_can_differ_in_any_value() {
        let ws = workspace();
        let mut settings = Settings::default();
        settings.change(&ws, 0, "optimizer", "weight_decay", 0.01.into());
        settings.change(&ws, 0, "schedule", "kind", "cosine".into());
        settings.change(&ws, 1, "optimizer", "momentum", 0.5.into());
        settings.change(&ws, 1, "optimizer", "momentum", 0.7.into());
        assert_eq!(settings.runners[1].changes.len(), 1);
        assert!(settings.names()[0].contains("weight_decay 0.01, schedule cosine"));
        let race = settings.race(&ws).expect("a race");
        let recipes: Vec<Recipe> = race
            .entries
            .iter()
            .map(|entry| {
                entry
                    .recipe(&race.base, catalogue::schema())
                    .expect("a recipe")
            })
            .collect();
        assert!(Race::new(race, catalogue::schema()).is_ok());
        assert_eq!(recipes[0].optimizer.float("weight_decay"), 0.01);
        assert_eq!(recipes[0].schedule.kind, "cosine");
        assert_eq!(recipes[1].optimizer.float("momentum"), 0.7);
        assert_eq!(recipes[2].schedule.kind, recipes[1].schedule.kind);
        // What is the recipe's own value is no change.
        let usual = recipes[2].optimizer.get("weight_decay").cloned();
        let usual = usual.expect("a value");
        settings.change(&ws, 0, "optimizer", "weight_decay", usual);
        assert_eq!(settings.runners[0].changes.len(), 1);
        // Stored and read again.
        let stored = serde_json::to_value(&settings).expect("json");
        let back: Settings = serde_json::from_value(stored).expect("settings");
        assert_eq!(back, settings);
    }

    #[test]
    fn what_differs_from_the_start_of_the_race_is_named() {
        let base = testing::recipe();
        assert!(differing(&base, &base).is_empty());
        let mut now = base.clone();
        now.training.set("steps", 17i64);
        now.training.set("steps_per_second", 3i64);
        now.slice.set("grid", 9i64);
        now.name = "another".to_owned();
        assert!(differing(&base, &now).is_empty());
        now.training.set("batch_size", 3i64);
        now.optimizer.set("learning_rate", 0.123);
        now.seed += 1;
        assert_eq!(
            differing(&base, &now),
            ["seed", "optimizer.learning_rate", "training.batch_size"]
        );
    }
}
