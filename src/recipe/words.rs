//! How refusals put things: values, choices, the word that was meant.

use super::component::Value;

/// A value as refusals show it: in one line, not too long.
pub(super) fn shown(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string().replace(['\n', '\r', '\t'], " ");
    if text.chars().count() <= LONGEST {
        return text;
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("{start}…")
}

/// "a, b or c".
pub(super) fn one_of<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    match words.as_slice() {
        [] => "nothing".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// The candidate that a person most likely meant by `word`, if one is near:
/// by Damerau–Levenshtein distance, at most a third of the length (or two),
/// or by a common beginning.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let normal = |text: &str| text.to_lowercase().replace(['-', ' ', '.'], "_");
    let wanted = normal(word);
    let length = wanted.chars().count();
    candidates
        .filter_map(|candidate| {
            let candidate_normal = normal(candidate);
            let distance = strsim::damerau_levenshtein(&wanted, &candidate_normal);
            let begins = length >= 3
                && (candidate_normal.starts_with(&wanted)
                    || wanted.starts_with(candidate_normal.as_str()));
            let near = distance <= (length / 3).max(2).min(length.saturating_sub(1)) || begins;
            near.then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
