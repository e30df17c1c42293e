//! Every registry in one place: what a recipe may say.

use std::sync::OnceLock;

use crate::recipe::{Kind, Schema, Section, analysis_sections, training_section};
use crate::{data, nn, train};

/// Everything that a recipe may say.
pub fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let mut sections = vec![data::section()];
        sections.extend(network_and_training());
        sections.push(training_section());
        sections.extend(analysis_sections());
        Schema { sections }
    })
}

/// The sections from the network to the schedule, each made of its registry.
fn network_and_training() -> Vec<Section> {
    let section = |key, title, help, kinds: Vec<&'static Kind>, common, default_kind| Section {
        key,
        title,
        help,
        kinds,
        common,
        default_kind,
        restarts: true,
        check: None,
    };
    vec![
        section(
            "model",
            "Model",
            "The network; its head to the outputs that the data and the loss need is added.",
            nn::models::kinds(),
            &[],
            None,
        ),
        section(
            "initialization",
            "Initialization",
            "The parameters that training starts from.",
            nn::initializers::kinds(),
            &[],
            Some("lecun_normal"),
        ),
        section(
            "loss",
            "Loss",
            "What training makes small: the mean over samples of what is lost on each.",
            nn::losses::kinds(),
            &[],
            None,
        ),
        section(
            "optimizer",
            "Optimizer",
            "How the parameters move along the gradient.",
            train::optimizers::kinds(),
            train::optimizers::COMMON_FIELDS,
            None,
        ),
        section(
            "schedule",
            "Schedule",
            "How the learning rate changes over the run.",
            train::schedules::kinds(),
            train::schedules::COMMON_FIELDS,
            Some("constant"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{PRESETS, Recipe};

    #[test]
    fn the_schema_has_no_faults() {
        assert_eq!(schema().faults(), Vec::<String>::new());
    }

    #[test]
    fn every_bundled_recipe_is_valid_and_survives_writing() {
        assert!(PRESETS.len() >= 6);
        for (stem, text) in PRESETS {
            let recipe = match Recipe::parse(text, stem, schema()) {
                Ok(recipe) => recipe,
                Err(error) => panic!("{error}"),
            };
            let again = Recipe::parse(&recipe.to_toml(schema()), stem, schema());
            assert_eq!(again.ok().as_ref(), Some(&recipe), "{stem}");
        }
    }
}
