//! What a person sets for a race, and the race that it makes.

use serde::{Deserialize, Serialize};

use super::changes::{Changed, with_changes};
use crate::app::workspace::Workspace;
use crate::catalogue;
use crate::functions::{self, Facts};
use crate::race::{Entry, GroundSettings, Lockstep, MOST_RUNNERS, RaceSettings};
use crate::recipe::Value;
use crate::train::optimizers;

/// What the runners run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    /// The network of the current run.
    Network,
    /// A closed-form function.
    #[default]
    Function,
}

/// A runner: its optimizer, its learning rate, and what else is not as in the
/// recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RunnerSettings {
    /// The optimizer's key.
    pub(super) optimizer: String,
    /// η.
    pub(super) learning_rate: f64,
    /// All other values.
    #[serde(default)]
    pub(super) changes: Vec<Changed>,
}

/// What is stored of the panel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    pub(super) place: Place,
    pub(super) function: String,
    /// κ of the quadratic.
    pub(super) condition: f64,
    pub(super) noise: f64,
    /// The common start; the function's own where there is none.
    pub(super) start: Option<[f64; 2]>,
    pub(super) runners: Vec<RunnerSettings>,
    pub(super) lockstep: Lockstep,
    pub(super) steps: u32,
    /// Rounds a second; 0 runs as fast as it can.
    pub(super) speed: u32,
    pub(super) log: bool,
    /// The runner whose own plane is shown instead of the joint one.
    pub(super) plane: Option<usize>,
    pub(super) sharpness: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let mut settings = Self {
            place: Place::Function,
            function: "rosenbrock".to_owned(),
            condition: 20.0,
            noise: 0.0,
            start: None,
            runners: Vec::new(),
            lockstep: Lockstep::Step,
            steps: 1000,
            speed: 60,
            log: true,
            plane: None,
            sharpness: false,
        };
        settings.propose_runners();
        settings
    }
}

impl Settings {
    /// What is known about the function.
    pub(super) fn facts(&self) -> Option<Facts> {
        functions::named(&self.function)
            .ok()
            .map(|function| function.facts)
    }

    /// A learning rate that suits an optimizer here: on a function that of
    /// gradient descent, or a share of the window for those that scale their
    /// steps themselves.
    pub(super) fn proposed_rate(&self, optimizer: &str) -> f64 {
        let default = optimizers::kinds()
            .into_iter()
            .find(|kind| kind.key == optimizer)
            .and_then(|kind| kind.fields.iter().find(|f| f.key == "learning_rate"))
            .and_then(|field| match field.default.value() {
                Value::Float(rate) => Some(rate),
                _ => None,
            })
            .unwrap_or(0.01);
        let Some(facts) = self.facts().filter(|_| self.place == Place::Function) else {
            return default;
        };
        let descent = match self.function.as_str() {
            "quadratic" => 1.0 / self.condition.max(1.0),
            _ => facts.learning_rate,
        };
        match optimizer {
            "sgd" => descent,
            "momentum" | "nesterov" => 0.5 * descent,
            _ => 0.01 * (facts.window[0][1] - facts.window[0][0]),
        }
    }

    /// Gradient descent, momentum and Adam at rates that suit the ground.
    pub(super) fn propose_runners(&mut self) {
        self.runners = ["sgd", "momentum", "adam"]
            .map(|optimizer| RunnerSettings {
                optimizer: optimizer.to_owned(),
                learning_rate: self.proposed_rate(optimizer),
                changes: Vec::new(),
            })
            .to_vec();
    }

    /// Adds the first optimizer that does not run yet.
    pub(super) fn add_runner(&mut self) {
        if self.runners.len() >= MOST_RUNNERS {
            return;
        }
        let kinds = optimizers::kinds();
        let new = kinds
            .iter()
            .find(|kind| {
                self.runners
                    .iter()
                    .all(|runner| runner.optimizer != kind.key)
            })
            .or(kinds.first());
        if let Some(kind) = new {
            self.runners.push(RunnerSettings {
                optimizer: kind.key.to_owned(),
                learning_rate: self.proposed_rate(kind.key),
                changes: Vec::new(),
            });
        }
    }

    /// Changes a value of a runner; one that the recipe (or the runner's
    /// optimizer) has anyway is no change.
    pub(super) fn change(
        &mut self,
        ws: &Workspace,
        index: usize,
        section: &str,
        key: &str,
        value: Value,
    ) {
        let changes = &mut self.runners[index].changes;
        // Values of one kind mean nothing for another.
        changes.retain(|old| old.section != section || (key != "kind" && old.key != key));
        let usual = self.race(ws).and_then(|race| {
            let recipe = race.entries[index].recipe(&race.base, catalogue::schema())?;
            Ok(recipe.section(section).cloned())
        });
        let same = usual.ok().flatten().is_some_and(|component| match &value {
            Value::Text(kind) if key == "kind" => component.kind == *kind,
            value => component.get(key) == Some(value),
        });
        if !same {
            self.runners[index].changes.push(Changed {
                section: section.to_owned(),
                key: key.to_owned(),
                value,
            });
        }
    }

    /// The runners by name: optimizer, rate and changes, numbered where that is
    /// not enough.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for runner in &self.runners {
            let mut base = format!("{} {}", runner.optimizer, runner.learning_rate);
            for change in &runner.changes {
                let key = if change.key == "kind" {
                    &change.section
                } else {
                    &change.key
                };
                let value = match &change.value {
                    Value::Text(text) => text.clone(),
                    other => other.to_string(),
                };
                base.push_str(&format!(", {key} {value}"));
            }
            let mut name = base.clone();
            let mut number = 2;
            while names.contains(&name) {
                name = format!("{base} ({number})");
                number += 1;
            }
            names.push(name);
        }
        names
    }

    /// The race that this makes.
    ///
    /// # Errors
    /// One sentence.
    pub(super) fn race(&self, ws: &Workspace) -> Result<RaceSettings, String> {
        let schema = catalogue::schema();
        let on_network = self.place == Place::Network;
        let own = on_network.then_some(ws.applied.optimizer.kind.as_str());
        let entries = self
            .names()
            .into_iter()
            .zip(&self.runners)
            .map(|(name, runner)| {
                let entry = Entry::base(name);
                // A runner with the recipe's optimizer keeps its other values.
                let entry = if own == Some(runner.optimizer.as_str()) {
                    entry
                } else {
                    entry.with("optimizer", "kind", runner.optimizer.as_str())
                };
                let entry = entry.with("optimizer", "learning_rate", runner.learning_rate);
                with_changes(entry, &runner.changes)
            })
            .collect();
        let mut settings = if on_network {
            if ws.run().is_none() {
                return Err("there is no network yet: choose an experiment first".to_owned());
            }
            RaceSettings {
                base: ws.applied.clone(),
                base_dir: ws.base_dir.clone(),
                ground: GroundSettings::Network,
                entries,
                lockstep: self.lockstep,
            }
        } else {
            let mut component = functions::section()
                .component(&self.function)
                .ok_or_else(|| format!("{:?} is no function", self.function))?
                .with("noise", self.noise);
            if self.function == "quadratic" {
                component.set("condition", self.condition);
            }
            let mut settings = RaceSettings::on_function(component, entries, schema)?;
            if let GroundSettings::Function { start, .. } = &mut settings.ground {
                *start = self.start;
            }
            settings
        };
        settings.lockstep = self.lockstep;
        settings
            .base
            .training
            .set("steps", i64::from(self.steps.max(1)));
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::race::Race;

    #[test]
    fn every_function_has_a_race_to_propose() {
        let ws = Workspace::new(std::sync::Arc::new(|| ())).expect("threads");
        for kind in functions::kinds() {
            let mut settings = Settings {
                function: kind.key.to_owned(),
                steps: 300,
                ..Settings::default()
            };
            settings.propose_runners();
            let race = settings.race(&ws).expect("a race");
            let mut race = Race::new(race, catalogue::schema()).expect("runners");
            while race.advance(&mut || 0.0).expect("a step").is_some() {}
            // Not the last: clipping nothing, one may have jumped off a cliff.
            for runner in race.runners() {
                let loss = &runner.curve().loss;
                let least = loss.iter().copied().fold(f64::INFINITY, f64::min);
                assert!(least < loss[0], "{}: {}", kind.key, runner.entry.name);
            }
        }
        let settings = Settings {
            place: Place::Network,
            ..Settings::default()
        };
        assert!(settings.race(&ws).is_err());
    }

    #[test]
    fn names_differ() {
        let mut settings = Settings::default();
        settings.runners.push(settings.runners[0].clone());
        settings.add_runner();
        assert_eq!(
            settings.names(),
            [
                "sgd 0.001",
                "momentum 0.0005",
                "adam 0.04",
                "sgd 0.001 (2)",
                "nesterov 0.0005"
            ]
        );
        for _ in 0..9 {
            settings.add_runner();
        }
        assert_eq!(settings.runners.len(), MOST_RUNNERS);
    }
}
