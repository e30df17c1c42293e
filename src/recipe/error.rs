//! Refusals of a recipe.

/// Why a recipe is refused: one sentence with the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipeError {
    /// The file, or empty for a recipe that was not read from one.
    pub file: String,
    /// The line, counted from 1, where there is a file.
    pub line: Option<usize>,
    /// The key at fault, as `section.key`; empty when the text is not TOML.
    pub key: String,
    /// What was found there and what was expected.
    pub message: String,
}

impl RecipeError {
    /// A refusal of a recipe that was not read from a file.
    pub fn unplaced(key: String, message: String) -> RecipeError {
        RecipeError {
            file: String::new(),
            line: None,
            key,
            message,
        }
    }
}

impl std::fmt::Display for RecipeError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.file.as_str(), self.line) {
            ("", None) => {}
            ("", Some(line)) => write!(formatter, "line {line}: ")?,
            (file, None) => write!(formatter, "{file}: ")?,
            (file, Some(line)) => write!(formatter, "{file}, line {line}: ")?,
        }
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for RecipeError {}
