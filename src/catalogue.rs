//! Every registry in one place.

use std::sync::OnceLock;

use crate::data;
use crate::recipe::{Schema, analysis_sections, training_section};

/// Everything that a recipe may say.
pub fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let mut sections = vec![data::section(), training_section()];
        sections.extend(analysis_sections());
        Schema { sections }
    })
}
