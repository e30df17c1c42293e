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
    use std::path::Path;

    use super::*;
    use crate::data::prepare;
    use crate::recipe::{PRESETS, Recipe, SECTIONS};

    #[test]
    fn the_schema_is_sound_and_complete() {
        assert_eq!(schema().faults(), Vec::<String>::new());
        let keys: Vec<&str> = schema()
            .sections
            .iter()
            .map(|section| section.key)
            .collect();
        assert_eq!(keys, SECTIONS);
    }

    #[test]
    fn every_preset_is_a_recipe_and_survives_writing() {
        for (name, text) in PRESETS {
            let recipe = Recipe::parse(text, &format!("{name}.toml"), schema())
                .unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(recipe.validate(schema()), []);
            let written = recipe.to_toml(schema());
            assert_eq!(Recipe::parse(&written, name, schema()), Ok(recipe.clone()));
            prepare(&recipe.data, recipe.seed, Path::new(""))
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn every_kind_of_every_section_survives_writing() {
        for section in &schema().sections {
            for kind in &section.kinds {
                let mut recipe = Recipe::defaults(schema());
                if let (Some(slot), Some(component)) =
                    (recipe.section_mut(section.key), section.component(kind.key))
                {
                    *slot = component;
                }
                if !recipe.validate(schema()).is_empty() {
                    // Only a file that nobody has named yet.
                    let missing = recipe.validate(schema());
                    assert!(
                        missing
                            .iter()
                            .all(|error| error.message.ends_with("expected the path of a file")),
                        "{missing:?}"
                    );
                    continue;
                }
                let written = recipe.to_toml(schema());
                assert_eq!(Recipe::parse(&written, "x.toml", schema()), Ok(recipe));
            }
        }
    }
}
