//! The recipes that come with the program.

/// File name (without `.toml`) and text of every bundled recipe, the default
/// one first.
pub static PRESETS: &[(&str, &str)] = &[
    ("spirals", include_str!("../../assets/recipes/spirals.toml")),
    ("moons", include_str!("../../assets/recipes/moons.toml")),
    (
        "digits-mlp",
        include_str!("../../assets/recipes/digits-mlp.toml"),
    ),
    (
        "digits-cnn",
        include_str!("../../assets/recipes/digits-cnn.toml"),
    ),
    (
        "chebyshev",
        include_str!("../../assets/recipes/chebyshev.toml"),
    ),
    (
        "edge-of-stability",
        include_str!("../../assets/recipes/edge-of-stability.toml"),
    ),
    (
        "opposing-signals",
        include_str!("../../assets/recipes/opposing-signals.toml"),
    ),
    (
        "two-parameters",
        include_str!("../../assets/recipes/two-parameters.toml"),
    ),
    (
        "noisy-sine",
        include_str!("../../assets/recipes/noisy-sine.toml"),
    ),
    (
        "label-noise",
        include_str!("../../assets/recipes/label-noise.toml"),
    ),
];

/// The text of the bundled recipe of this file name, with or without `.toml`.
pub fn preset(name: &str) -> Option<&'static str> {
    let stem = name.strip_suffix(".toml").unwrap_or(name);
    PRESETS
        .iter()
        .find(|(key, _)| *key == stem)
        .map(|(_, text)| *text)
}
