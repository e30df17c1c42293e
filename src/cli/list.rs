//! `losscape list`: everything that a recipe can name.

use std::fmt::Write as _;

use clap::Args;

use super::Failure;
use crate::recipe::{Field, FieldKind, PRESETS, Schema, Section};

/// Which registry to list, and how much of it.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// What to list: data, models, activations, initializations, losses,
    /// optimizers, schedules, training, analyses, functions or recipes [default: all of them]
    what: Option<String>,

    /// Also list the keys of each entry, with their ranges and defaults
    #[arg(long)]
    keys: bool,
}

/// The word on the command line, and the recipe section that it stands for.
const REGISTRIES: [(&str, &str); 7] = [
    ("data", "data"),
    ("models", "model"),
    ("initializations", "initialization"),
    ("losses", "loss"),
    ("optimizers", "optimizer"),
    ("schedules", "schedule"),
    ("training", "training"),
];

pub(super) fn list(args: &ListArgs) -> Result<(), Failure> {
    let text = listing(args.what.as_deref(), args.keys, crate::catalogue::schema())?;
    super::say(&text);
    Ok(())
}

fn listing(what: Option<&str>, keys: bool, schema: &Schema) -> Result<String, Failure> {
    let mut text = String::new();
    match what {
        None => {
            for (word, section) in REGISTRIES {
                list_section(&mut text, word, section, keys, schema);
                if word == "models" {
                    list_activations(&mut text);
                }
            }
            list_analyses(&mut text, keys, schema);
            list_functions(&mut text, keys);
            list_recipes(&mut text);
        }
        Some("functions") => list_functions(&mut text, keys),
        Some("recipes") => list_recipes(&mut text),
        Some("activations") => list_activations(&mut text),
        Some("analyses") => list_analyses(&mut text, keys, schema),
        Some(word) => {
            let word = word.replace(' ', "");
            // The singular and the section's own name are as good.
            let found = REGISTRIES.iter().find(|(plural, section)| {
                *plural == word || *section == word || plural.trim_end_matches('s') == word
            });
            let Some((plural, section)) = found else {
                let mut known: Vec<&str> = REGISTRIES.iter().map(|(word, _)| *word).collect();
                known.extend(["activations", "analyses", "functions", "recipes"]);
                let near = known
                    .iter()
                    .max_by(|a, b| {
                        strsim::jaro_winkler(a, &word).total_cmp(&strsim::jaro_winkler(b, &word))
                    })
                    .map_or("", |near| near);
                return Err(Failure::Input(format!(
                    "there is no list called {word:?}; did you mean {near}? Expected one of {}",
                    known.join(", ")
                )));
            };
            list_section(&mut text, plural, section, keys, schema);
        }
    }
    Ok(text)
}

fn list_section(text: &mut String, word: &str, key: &str, keys: bool, schema: &Schema) {
    if let Some(section) = schema.section(key) {
        list_kinds(text, word, section, keys);
    }
}

/// The closed-form functions of `losscape race`, which no recipe names.
fn list_functions(text: &mut String, keys: bool) {
    list_kinds(text, "functions", &crate::functions::section(), keys);
}

fn list_kinds(text: &mut String, word: &str, section: &Section, keys: bool) {
    heading(text, word);
    for kind in &section.kinds {
        if !section.is_single() {
            entry(text, kind.key, kind.help);
        }
        // A section of one kind has nothing to list but its keys.
        if keys || section.is_single() {
            for field in kind.fields {
                list_field(text, field);
            }
        }
    }
    if keys && !section.common.is_empty() {
        entry(text, "(all of them)", "");
        for field in section.common {
            list_field(text, field);
        }
    }
    text.push('\n');
}

fn list_activations(text: &mut String) {
    heading(text, "activations");
    for activation in crate::nn::activations::CHOICES {
        entry(text, activation.key, activation.help);
    }
    text.push('\n');
}

fn list_analyses(text: &mut String, keys: bool, schema: &Schema) {
    heading(text, "analyses");
    let analyses = schema
        .sections
        .iter()
        .filter(|section| section.key.starts_with("analyses."));
    for section in analyses {
        let Section { key, help, .. } = section;
        entry(text, key.trim_start_matches("analyses."), help);
        if keys {
            for field in section.kinds.iter().flat_map(|kind| kind.fields) {
                list_field(text, field);
            }
        }
    }
    text.push('\n');
}

fn list_recipes(text: &mut String) {
    heading(text, "recipes");
    let schema = crate::catalogue::schema();
    for (stem, source) in PRESETS {
        let description = crate::recipe::Recipe::parse(source, stem, schema)
            .map(|recipe| recipe.description)
            .unwrap_or_default();
        entry(text, stem, &description);
    }
    text.push('\n');
}

fn heading(text: &mut String, word: &str) {
    text.push_str(word);
    text.push('\n');
}

fn entry(text: &mut String, key: &str, help: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  {key:<22} {help}");
}

fn list_field(text: &mut String, field: &Field) {
    let default = field.default.value();
    let expectation = field.expectation();
    let unit = if field.unit.is_empty() || matches!(field.kind, FieldKind::Choice(_)) {
        String::new()
    } else {
        format!(" {}", field.unit)
    };
    let _ = writeln!(
        text,
        "      {:<22} {expectation}, default {default}{unit}",
        field.key
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_registered_is_listed() {
        let schema = crate::catalogue::schema();
        let Ok(text) = listing(None, true, schema) else {
            panic!("the whole listing is refused");
        };
        for section in &schema.sections {
            for kind in &section.kinds {
                assert!(text.contains(kind.key), "{} is missing", kind.key);
                for field in section.fields(kind) {
                    assert!(text.contains(field.key), "{} is missing", field.key);
                }
            }
        }
        for (stem, _) in PRESETS {
            assert!(text.contains(stem));
        }
        for kind in crate::functions::kinds() {
            assert!(text.contains(kind.help), "{} is missing", kind.key);
        }
    }

    #[test]
    fn an_unknown_list_is_refused_with_the_nearest() {
        let Err(Failure::Input(sentence)) =
            listing(Some("optimisers"), false, crate::catalogue::schema())
        else {
            panic!("accepted");
        };
        assert!(sentence.contains("did you mean optimizers?"), "{sentence}");
    }
}
