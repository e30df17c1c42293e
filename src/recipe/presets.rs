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
    (
        "below-the-edge",
        include_str!("../../assets/recipes/below-the-edge.toml"),
    ),
    (
        "to-the-edge",
        include_str!("../../assets/recipes/to-the-edge.toml"),
    ),
    (
        "catapult",
        include_str!("../../assets/recipes/catapult.toml"),
    ),
    (
        "edge-momentum",
        include_str!("../../assets/recipes/edge-momentum.toml"),
    ),
    (
        "edge-adam",
        include_str!("../../assets/recipes/edge-adam.toml"),
    ),
    (
        "edge-cross-entropy",
        include_str!("../../assets/recipes/edge-cross-entropy.toml"),
    ),
    (
        "diverges",
        include_str!("../../assets/recipes/diverges.toml"),
    ),
    ("warm-up", include_str!("../../assets/recipes/warm-up.toml")),
    (
        "clipping",
        include_str!("../../assets/recipes/clipping.toml"),
    ),
    (
        "small-batches",
        include_str!("../../assets/recipes/small-batches.toml"),
    ),
    ("sam", include_str!("../../assets/recipes/sam.toml")),
    (
        "imbalanced",
        include_str!("../../assets/recipes/imbalanced.toml"),
    ),
    (
        "scalar-network",
        include_str!("../../assets/recipes/scalar-network.toml"),
    ),
];

/// The bundled recipes in the order in which the gallery shows them: what a
/// group is about, and its recipes. One in no group comes last.
pub static GROUPS: &[(&str, &[&str])] = &[
    (
        "First steps",
        &[
            "spirals",
            "moons",
            "digits-mlp",
            "digits-cnn",
            "two-parameters",
        ],
    ),
    ("Fit and memory", &["noisy-sine", "label-noise"]),
    (
        "Edge of stability",
        &[
            "edge-of-stability",
            "chebyshev",
            "below-the-edge",
            "to-the-edge",
            "catapult",
            "edge-momentum",
            "edge-adam",
            "edge-cross-entropy",
            "opposing-signals",
        ],
    ),
    ("Surviving long steps", &["diverges", "warm-up", "clipping"]),
    (
        "Where training ends",
        &["small-batches", "sam", "imbalanced", "scalar-network"],
    ),
];

/// The bundled recipes by group, as places in [`PRESETS`].
pub fn grouped() -> Vec<(&'static str, Vec<usize>)> {
    let place = |name: &&str| PRESETS.iter().position(|(key, _)| key == name);
    let mut groups: Vec<(&str, Vec<usize>)> = GROUPS
        .iter()
        .map(|(title, names)| (*title, names.iter().filter_map(place).collect()))
        .collect();
    let rest: Vec<usize> = (0..PRESETS.len())
        .filter(|index| !groups.iter().any(|(_, group)| group.contains(index)))
        .collect();
    if !rest.is_empty() {
        groups.push(("More", rest));
    }
    groups
}

/// The text of the bundled recipe of this file name, with or without `.toml`.
pub fn preset(name: &str) -> Option<&'static str> {
    let stem = name.strip_suffix(".toml").unwrap_or(name);
    PRESETS
        .iter()
        .find(|(key, _)| *key == stem)
        .map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_is_in_one_group() {
        let groups = grouped();
        let titles: Vec<&str> = groups.iter().map(|(title, _)| *title).collect();
        let expected: Vec<&str> = GROUPS.iter().map(|(title, _)| *title).collect();
        assert_eq!(titles, expected, "a recipe is in no group");
        let mut places: Vec<usize> = groups.into_iter().flat_map(|(_, group)| group).collect();
        let named: usize = GROUPS.iter().map(|(_, names)| names.len()).sum();
        assert_eq!(places.len(), named, "a name in a group is no recipe");
        places.sort_unstable();
        assert_eq!(places, (0..PRESETS.len()).collect::<Vec<_>>());
    }
}
