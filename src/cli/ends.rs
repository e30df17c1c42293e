//! What the folder of another run must have in common with this one for a line
//! or a plane through both.

use std::path::Path;

use super::Failure;
use crate::catalogue;
use crate::recipe::Recipe;
use crate::session::RunFolder;

/// Refuses a run of another network or another loss: parameters of the same
/// shapes are no points of one landscape where the activation, say, differs.
pub(super) fn check_alike(recipe: &Recipe, dir: &Path) -> Result<(), Failure> {
    let schema = catalogue::schema();
    let other = RunFolder::new(dir).recipe(schema).map_err(Failure::input)?;
    let difference = recipe.diff(&other, schema);
    let differs = difference
        .sections
        .iter()
        .find(|section| matches!(section.section, "model" | "loss"));
    let Some(section) = differs else {
        return Ok(());
    };
    let place = match section.keys.first().filter(|_| !section.kind_changed) {
        Some(key) => format!("{}.{key}", section.section),
        None => format!("{}.kind", section.section),
    };
    Err(Failure::Input(format!(
        "the run in {} has another {place}: expected a run with the same [model] and [loss]",
        dir.display()
    )))
}
