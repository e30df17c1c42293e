//! Every registry in one place: what a recipe may say, gathered from the rooms
//! that know what it means.

use std::sync::OnceLock;

use crate::data;
use crate::recipe::{Schema, analysis_sections, training_section};

/// What a recipe may say about data, training and analyses.
pub fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let mut sections = vec![data::section(), training_section()];
        sections.extend(analysis_sections());
        Schema { sections }
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::schema;
    use crate::data::prepare;
    use crate::recipe::{PRESETS, Recipe};

    #[test]
    fn the_schema_is_sound() {
        assert_eq!(schema().faults(), Vec::<String>::new());
    }

    #[test]
    fn the_presets_say_what_these_sections_know() {
        for (name, text) in PRESETS {
            let mut table: toml::Table = text.parse().unwrap();
            for section in ["model", "initialization", "loss", "optimizer", "schedule"] {
                table.remove(section).unwrap();
            }
            let text = table.to_string();
            let recipe = Recipe::parse(&text, &format!("{name}.toml"), schema())
                .unwrap_or_else(|error| panic!("{error}"));
            prepare(&recipe.data, recipe.seed, Path::new(""))
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}
