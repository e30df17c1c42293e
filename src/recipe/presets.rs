//! The recipes that come with the program.

/// File name (without `.toml`) and text of every bundled recipe, the default
/// one first.
pub static PRESETS: &[(&str, &str)] = &[];

/// The text of the bundled recipe of this file name, with or without `.toml`.
pub fn preset(name: &str) -> Option<&'static str> {
    let stem = name.strip_suffix(".toml").unwrap_or(name);
    PRESETS
        .iter()
        .find(|(key, _)| *key == stem)
        .map(|(_, text)| *text)
}
