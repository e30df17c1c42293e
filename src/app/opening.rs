//! What a file is, and the experiment that it brings: a recipe, a table of
//! data, an exported figure, or a state dict.

use std::path::{Path, PathBuf};

use crate::catalogue;
use crate::figure::embed;
use crate::recipe::{Recipe, Value};

/// What a file brings.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The recipe to run.
    pub recipe: Recipe,
    /// The folder that its paths start from.
    pub base_dir: PathBuf,
    /// What was done, in a sentence.
    pub message: String,
}

/// What a file would be, by its name, for the sign that is shown while it is
/// dragged over the window.
pub fn describe(path: Option<&Path>) -> &'static str {
    match extension(path).as_deref() {
        Some("toml") => "Run this recipe",
        Some("csv" | "tsv" | "txt") => "Train on this table",
        Some("svg" | "png") => "Bring back the experiment of this figure",
        Some("safetensors") => "Start from these parameters",
        Some(_) => "Losscape reads recipes (.toml), tables (.csv), its figures and .safetensors",
        None => "Open this file",
    }
}

fn extension(path: Option<&Path>) -> Option<String> {
    path?
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase())
}

/// Reads a file. `current` is the recipe that data and parameters are put into.
/// Takes time: not for the window's thread.
///
/// # Errors
/// One sentence: what was wrong, and where.
pub fn open(path: &Path, current: &Recipe, current_dir: &Path) -> Result<Opened, String> {
    let name = path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    match extension(Some(path)).as_deref() {
        Some("toml") => {
            let text = std::fs::read_to_string(path).map_err(unreadable)?;
            let recipe = Recipe::parse(&text, &name, catalogue::schema())
                .map_err(|error| error.to_string())?;
            Ok(Opened {
                message: format!("{} is running", recipe.name),
                recipe,
                base_dir: folder,
            })
        }
        Some("svg" | "png") => {
            let bytes = std::fs::read(path).map_err(unreadable)?;
            let text = embed::read_embedded_recipe(&bytes)
                .map_err(|error| format!("{name}: {error}"))?
                .ok_or_else(|| format!("{name} carries no recipe; figures from losscape do"))?;
            let recipe = Recipe::parse(&text, &name, catalogue::schema())
                .map_err(|error| error.to_string())?;
            Ok(Opened {
                message: format!("The experiment of {name} is running"),
                recipe,
                base_dir: folder,
            })
        }
        Some("csv" | "tsv" | "txt") => {
            std::fs::metadata(path).map_err(unreadable)?;
            let recipe = with_file(current, "data", "csv", path)?;
            Ok(Opened {
                message: format!("Training on {name}"),
                recipe,
                base_dir: current_dir.to_owned(),
            })
        }
        Some("safetensors") => {
            std::fs::metadata(path).map_err(unreadable)?;
            let recipe = with_file(current, "initialization", "file", path)?;
            Ok(Opened {
                message: format!("Starting from the parameters in {name}"),
                recipe,
                base_dir: current_dir.to_owned(),
            })
        }
        _ => Err(format!(
            "{name} is not a file that losscape reads: recipes (.toml), tables (.csv), its own \
             figures (.svg, .png) and parameters (.safetensors)"
        )),
    }
}

/// The recipe with one section replaced by a kind that reads this file.
fn with_file(recipe: &Recipe, section: &str, kind: &str, path: &Path) -> Result<Recipe, String> {
    let mut recipe = recipe.clone();
    let schema = catalogue::schema();
    let refused = || format!("This program has no {section} of kind {kind}");
    let description = schema.section(section).ok_or_else(refused)?;
    let component = recipe.section_mut(section).ok_or_else(refused)?;
    if !description.switch_kind(component, kind) {
        return Err(refused());
    }
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    component.set("path", Value::Text(absolute.to_string_lossy().into_owned()));
    Ok(recipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe() -> Recipe {
        Recipe::defaults(catalogue::schema())
    }

    #[test]
    fn a_recipe_comes_back_from_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mine.toml");
        let written = recipe().to_toml(catalogue::schema());
        std::fs::write(&path, &written).expect("written");
        let opened = open(&path, &recipe(), Path::new(".")).expect("opens");
        assert_eq!(opened.recipe, recipe());
        assert_eq!(opened.base_dir, folder.path());
    }

    #[test]
    fn a_table_becomes_the_data() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mine.csv");
        std::fs::write(&path, "x,label\n1,a\n2,b\n").expect("written");
        let opened = open(&path, &recipe(), Path::new("here")).expect("opens");
        assert_eq!(opened.recipe.data.kind, "csv");
        assert!(opened.recipe.data.text("path").ends_with("mine.csv"));
        assert_eq!(opened.base_dir, Path::new("here"));
    }

    #[test]
    fn what_cannot_be_read_is_one_sentence() {
        let here = Path::new(".");
        let folder = tempfile::tempdir().expect("a folder");
        let missing = folder.path().join("missing.toml");
        let error = open(&missing, &recipe(), here).expect_err("missing");
        assert!(error.contains("missing.toml cannot be read"), "{error}");
        let odd = folder.path().join("odd.docx");
        let error = open(&odd, &recipe(), here).expect_err("odd");
        assert!(error.starts_with("odd.docx is not a file"), "{error}");
        let wrong = folder.path().join("wrong.toml");
        std::fs::write(&wrong, "lerning_rate = 1").expect("written");
        let error = open(&wrong, &recipe(), here).expect_err("wrong");
        assert!(error.starts_with("wrong.toml, line 1"), "{error}");
    }
}
