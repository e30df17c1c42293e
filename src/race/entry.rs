//! Who takes part in a race: a name, and what differs from the base recipe.

use crate::recipe::{Component, Recipe, Schema, Section, Value};

/// The sections in which runners may differ: everything else they share, or
/// they would not run on one landscape from one start.
pub const SECTIONS: [&str; 3] = ["optimizer", "schedule", "training"];

/// One changed value of a recipe.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The section, one of [`SECTIONS`].
    pub section: &'static str,
    /// The key, `kind` included.
    pub key: String,
    /// Its value.
    pub value: Value,
}

/// A runner as it was entered.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name, unlike that of any other.
    pub name: String,
    /// What differs from the base recipe, in the order given.
    pub changes: Vec<Change>,
}

/// A list of things as "a, b or c".
fn one_of(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// `key = value` pairs after `words` such as `adam: a = 1, b = [2, 3]`: commas
/// within brackets and quotes do not separate.
pub fn split_pairs(text: &str) -> Vec<&str> {
    let (mut parts, mut from) = (Vec::new(), 0);
    let (mut depth, mut quoted) = (0usize, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth = depth.saturating_sub(1),
            ',' if !quoted && depth == 0 => {
                parts.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// A value as TOML writes it; a bare word is a text.
pub fn parse_value(text: &str) -> Value {
    fn of_toml(value: toml::Value) -> Option<Value> {
        Some(match value {
            toml::Value::Boolean(value) => Value::Bool(value),
            toml::Value::Integer(value) => Value::Integer(value),
            toml::Value::Float(value) => Value::Float(value),
            toml::Value::String(value) => Value::Text(value),
            toml::Value::Array(values) => Value::List(
                values
                    .into_iter()
                    .map(of_toml)
                    .collect::<Option<Vec<Value>>>()?,
            ),
            toml::Value::Datetime(_) | toml::Value::Table(_) => return None,
        })
    }
    // The sign of one value only: `1e-3\nb = 2` is a text.
    let line = text.trim();
    let value = (!line.contains('\n'))
        .then(|| toml::from_str::<toml::Table>(&format!("value = {line}")).ok())
        .flatten()
        .and_then(|mut table| table.remove("value"))
        .and_then(of_toml);
    value.unwrap_or_else(|| Value::Text(line.to_owned()))
}

impl Entry {
    /// A runner that differs in nothing.
    pub fn base(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            changes: Vec::new(),
        }
    }

    /// The same runner with one more change.
    #[must_use]
    pub fn with(
        mut self,
        section: &'static str,
        key: impl Into<String>,
        value: impl Into<Value>,
    ) -> Self {
        self.changes.push(Change {
            section,
            key: key.into(),
            value: value.into(),
        });
        self
    }

    /// Reads `NAME: section.key = value, …`. `optimizer = adam` stands for
    /// `optimizer.kind = adam`; a key without its section is looked for in
    /// optimizer, schedule and training, in this order. A runner without
    /// changes is `NAME` alone.
    ///
    /// # Errors
    /// One sentence: what is not understood and what was expected.
    pub fn parse(text: &str, schema: &Schema) -> Result<Self, String> {
        let (name, changes) = match text.split_once(':') {
            Some((name, changes)) => (name.trim(), changes),
            None if text.contains('=') => {
                return Err(format!(
                    "runner {text:?} has no name, expected \"NAME: section.key=value, …\""
                ));
            }
            None => (text.trim(), ""),
        };
        if name.is_empty() {
            return Err(format!(
                "runner {text:?} has no name, expected \"NAME: section.key=value, …\""
            ));
        }
        let mut entry = Self::base(name);
        for pair in split_pairs(changes) {
            let Some((place, value)) = pair.split_once('=') else {
                return Err(format!(
                    "runner {name:?} has {pair:?}, expected section.key=value, such as optimizer.learning_rate=0.01"
                ));
            };
            let (section, key) = place_of(place.trim(), name, schema)?;
            entry.changes.push(Change {
                section,
                key,
                value: parse_value(value),
            });
        }
        Ok(entry)
    }

    /// The recipe of this runner: the base with the changes made, checked by
    /// the schema. A kind is changed before any value of it.
    ///
    /// # Errors
    /// One sentence: which value of which runner is refused and why.
    pub fn recipe(&self, base: &Recipe, schema: &Schema) -> Result<Recipe, String> {
        let mut recipe = base.clone();
        let refuse = |message: String| Err(format!("runner {:?}: {message}", self.name));
        for name in SECTIONS {
            let (Some(section), Some(component)) = (schema.section(name), recipe.section_mut(name))
            else {
                continue;
            };
            let of_section = || self.changes.iter().filter(|change| change.section == name);
            for change in of_section().filter(|change| change.key == "kind") {
                // A kind that it is already keeps its values.
                if let Value::Text(kind) = &change.value
                    && (*kind == component.kind || section.switch_kind(component, kind))
                {
                    continue;
                }
                // The section says it best.
                let found = match &change.value {
                    Value::Text(kind) => kind.clone(),
                    other => other.to_string(),
                };
                let wrong = Component::new(&found);
                let message = section.problems(&wrong).into_iter().next();
                return refuse(message.map_or_else(String::new, |problem| problem.message));
            }
            for change in of_section().filter(|change| change.key != "kind") {
                component.set(&change.key, accepted(section, component, change));
            }
            if of_section().next().is_some()
                && let Some(problem) = section.problems(component).into_iter().next()
            {
                return refuse(problem.message);
            }
        }
        Ok(recipe)
    }

    /// What the runner differs in, such as `optimizer = adam, learning_rate =
    /// 0.01`; `as the recipe` for one that does not.
    pub fn describe(&self) -> String {
        if self.changes.is_empty() {
            return "as the recipe".to_owned();
        }
        let changes: Vec<String> = self
            .changes
            .iter()
            .map(|change| {
                let key = if change.key == "kind" {
                    change.section
                } else {
                    &change.key
                };
                match &change.value {
                    Value::Text(text) => format!("{key} = {text}"),
                    other => format!("{key} = {other}"),
                }
            })
            .collect();
        changes.join(", ")
    }
}

/// The value in its field's type, or as it is where the field refuses it.
fn accepted(section: &Section, component: &Component, change: &Change) -> Value {
    section
        .kind(&component.kind)
        .and_then(|kind| section.field(kind, &change.key))
        .and_then(|field| field.accept(&change.value))
        .unwrap_or_else(|| change.value.clone())
}

/// Section and key of `optimizer.learning_rate`, `optimizer` or
/// `learning_rate`.
fn place_of(place: &str, name: &str, schema: &Schema) -> Result<(&'static str, String), String> {
    if let Some((section, key)) = place.split_once('.') {
        let (section, key) = (section.trim(), key.trim());
        if let Some(found) = SECTIONS.into_iter().find(|known| *known == section) {
            return Ok((found, key.to_owned()));
        }
        let why = if schema.section(section).is_some() || section == "analyses" {
            "all runners share data, network, loss and start"
        } else {
            "there is no such section"
        };
        return Err(format!(
            "runner {name:?} changes {place}, but {why}; expected a key of {}",
            one_of(&SECTIONS)
        ));
    }
    if let Some(found) = SECTIONS.into_iter().find(|known| *known == place) {
        return Ok((found, "kind".to_owned()));
    }
    let has = |section: &Section| {
        let mut kinds = section.kinds.iter();
        kinds.any(|kind| section.field(kind, place).is_some())
    };
    SECTIONS
        .into_iter()
        .find(|key| schema.section(key).is_some_and(has))
        .map(|section| (section, place.to_owned()))
        .ok_or_else(|| {
            format!(
                "runner {name:?} changes {place:?}, which is no key of {}; losscape list optimizers --keys names them",
                one_of(&SECTIONS)
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::schema;
    use crate::train::testing;

    #[test]
    fn entries_are_read() {
        let text = "fast: learning_rate=0.3, optimizer = adam, training.batch_size=8, schedule.kind=\"cosine\"";
        let entry = Entry::parse(text, schema()).unwrap();
        assert_eq!(entry.name, "fast");
        let recipe = entry.recipe(&testing::recipe(), schema()).unwrap();
        assert_eq!(recipe.optimizer.kind, "adam");
        // The kind came first, although it was written later.
        assert_eq!(recipe.optimizer.float("learning_rate"), 0.3);
        assert_eq!(recipe.training.count("batch_size"), 8);
        assert_eq!(recipe.schedule.kind, "cosine");
        assert_eq!(recipe.seed, testing::recipe().seed);
        assert_eq!(
            Entry::parse("plain", schema()).unwrap(),
            Entry::base("plain")
        );
        // What is there already keeps its values.
        let entry = Entry::parse("same: optimizer=sgd", schema()).unwrap();
        let base = testing::recipe();
        assert_eq!(entry.recipe(&base, schema()).unwrap(), base);
        // A whole number where a float is meant.
        let entry = Entry::parse("one: optimizer.learning_rate=1", schema()).unwrap();
        let recipe = entry.recipe(&testing::recipe(), schema()).unwrap();
        assert_eq!(
            recipe.optimizer.get("learning_rate"),
            Some(&Value::Float(1.0))
        );
    }

    #[test]
    fn what_is_wrong_is_told_in_a_sentence() {
        let parse = |text: &str| {
            let entry = Entry::parse(text, schema())?;
            entry.recipe(&testing::recipe(), schema()).map(|_| ())
        };
        for (text, part) in [
            ("optimizer=adam", "has no name"),
            ("a: adam", "expected section.key=value"),
            ("a: model.hidden=[3, 4]", "all runners share data"),
            ("a: optimzer.learning_rate=1", "there is no such section"),
            ("a: foo=1", "no key of optimizer, schedule or training"),
            ("a: optimizer=adma", "did you mean adam?"),
            (
                "a: optimizer.learning_rate=-1",
                "optimizer.learning_rate is -1",
            ),
            ("a: optimizer.learning_rate=fast", "expected a number"),
            ("a: optimizer.beta1=0.5", "is not a key of sgd"),
            ("a: optimizer=3", "optimizer.kind is \"3\""),
            (": lr=3", "has no name"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
            assert!(!error.contains('\n'));
        }
    }

    #[test]
    fn commas_in_lists_do_not_separate() {
        assert_eq!(
            split_pairs("a=[1, 2], b=\"x, y\", , c=3"),
            ["a=[1, 2]", "b=\"x, y\"", "c=3"]
        );
        assert_eq!(parse_value("1e-3"), Value::Float(1e-3));
        assert_eq!(parse_value(" true "), Value::Bool(true));
        assert_eq!(parse_value("adam"), Value::from("adam"));
        assert_eq!(parse_value("[1, 2]"), Value::from(vec![1i64, 2]));
        assert_eq!(parse_value("1\nb = 2"), Value::from("1\nb = 2"));
    }
}
