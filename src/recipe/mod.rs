//! What a run is: a strict, schema-driven recipe in TOML.
//!
//! This room knows nothing of the others. They describe what can be chosen (a
//! [`Schema`] of [`Section`]s, [`Kind`]s and [`Field`]s, assembled in
//! `catalogue.rs`), and from that one description come the parser with its
//! refusals, the writer, the recipe editor and the listings.

mod component;
mod diff;
mod error;
mod field;
mod paths;
pub mod presets;
mod read;
mod schema;
mod sections;
mod words;
mod write;

#[cfg(test)]
mod tests;

pub use component::{Component, Value};
pub use diff::{Difference, SectionDifference};
pub use error::RecipeError;
pub use field::{Choice, Default, Field, FieldKind};
pub use presets::PRESETS;
pub use schema::{Kind, Problem, Schema, Section};
pub use sections::{analysis_sections, training_section};

use serde::{Deserialize, Serialize};

/// The sections of a recipe, in the order in which they are written.
pub const SECTIONS: [&str; 10] = [
    "data",
    "model",
    "initialization",
    "loss",
    "optimizer",
    "schedule",
    "training",
    "analyses.slice",
    "analyses.spectrum",
    "analyses.gradients",
];

/// Everything that determines a run.
///
/// A recipe that comes from [`Recipe::parse`] is complete: every key of every
/// chosen kind has a value of its field's type and within its range.
#[derive(Clone, Debug, std::default::Default, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Name shown in the gallery and in titles.
    pub name: String,
    /// What the experiment is, in a sentence or two.
    pub description: String,
    /// What to look at while it runs, in one sentence.
    pub look_at: String,
    /// Source of everything random, see [`crate::math::rng::stream`].
    pub seed: u64,
    /// `[data]`: the data set and how it is prepared.
    pub data: Component,
    /// `[model]`: the network.
    pub model: Component,
    /// `[initialization]`: the first parameters.
    pub initialization: Component,
    /// `[loss]`.
    pub loss: Component,
    /// `[optimizer]`.
    pub optimizer: Component,
    /// `[schedule]` of the learning rate.
    pub schedule: Component,
    /// `[training]`: batch size, steps and what is kept.
    pub training: Component,
    /// `[analyses.slice]`.
    pub slice: Component,
    /// `[analyses.spectrum]`.
    pub spectrum: Component,
    /// `[analyses.gradients]`.
    pub gradients: Component,
}

impl Recipe {
    /// The component of the section `key` (one of [`SECTIONS`]), or `None` for
    /// a section that no recipe has.
    pub fn section(&self, key: &str) -> Option<&Component> {
        Some(match key {
            "data" => &self.data,
            "model" => &self.model,
            "initialization" => &self.initialization,
            "loss" => &self.loss,
            "optimizer" => &self.optimizer,
            "schedule" => &self.schedule,
            "training" => &self.training,
            "analyses.slice" => &self.slice,
            "analyses.spectrum" => &self.spectrum,
            "analyses.gradients" => &self.gradients,
            _ => return None,
        })
    }

    /// Like [`Recipe::section`], for changing it.
    pub fn section_mut(&mut self, key: &str) -> Option<&mut Component> {
        Some(match key {
            "data" => &mut self.data,
            "model" => &mut self.model,
            "initialization" => &mut self.initialization,
            "loss" => &mut self.loss,
            "optimizer" => &mut self.optimizer,
            "schedule" => &mut self.schedule,
            "training" => &mut self.training,
            "analyses.slice" => &mut self.slice,
            "analyses.spectrum" => &mut self.spectrum,
            "analyses.gradients" => &mut self.gradients,
            _ => return None,
        })
    }

    /// A recipe with the default kind (the first where there is no default) and
    /// the default values of every section.
    pub fn defaults(schema: &Schema) -> Recipe {
        let mut recipe = Recipe {
            name: "Untitled".to_owned(),
            ..Recipe::default()
        };
        for section in &schema.sections {
            if let (Some(component), Some(slot)) =
                (section.default_component(), recipe.section_mut(section.key))
            {
                *slot = component;
            }
        }
        recipe
    }

    /// Everything that the schema refuses in this recipe; empty when it can
    /// run. The errors name no file and no line.
    pub fn validate(&self, schema: &Schema) -> Vec<RecipeError> {
        let mut errors = Vec::new();
        for section in &schema.sections {
            if let Some(component) = self.section(section.key) {
                errors.extend(section.problems(component).into_iter().map(|problem| {
                    let key = section.path(&problem.key);
                    RecipeError::unplaced(key, problem.message)
                }));
            }
        }
        errors
    }
}
