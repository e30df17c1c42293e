//! Reading a recipe, strictly: whatever the schema does not know is refused
//! with its place and the nearest thing that it does know.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::component::{Component, Value};
use super::error::RecipeError;
use super::field::Field;
use super::schema::{Kind, Schema, Section};
use super::words::{nearest, one_of, shown};
use super::{Recipe, SECTIONS};

/// The keys above the first section.
const TOP_LEVEL: [&str; 4] = ["name", "description", "look_at", "seed"];

type Entry<'a, 'i> = (
    &'a Spanned<toml::de::DeString<'i>>,
    &'a Spanned<DeValue<'i>>,
);

impl Recipe {
    /// Reads a recipe. `file` is what refusals call it. Keys that are left out
    /// get their defaults; so does a section that has a default kind.
    ///
    /// # Errors
    ///
    /// The first refusal in the order of the text: text that is not TOML, an
    /// unknown section, kind or key, a key given twice, a wrong type, a value
    /// out of range, a missing section, kind or path.
    pub fn parse(text: &str, file: &str, schema: &Schema) -> Result<Recipe, RecipeError> {
        let document = DeTable::parse(text).map_err(|error| not_toml(text, file, &error))?;
        let mut reader = Reader {
            text,
            file,
            schema,
            refusals: Vec::new(),
        };
        let recipe = reader.recipe(document.get_ref());
        match reader
            .refusals
            .into_iter()
            .min_by_key(|(offset, _)| *offset)
        {
            None => Ok(recipe),
            Some((_, error)) => Err(error),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    file: &'a str,
    schema: &'a Schema,
    /// With the byte offset, by which the first one is found.
    refusals: Vec<(usize, RecipeError)>,
}

impl Reader<'_> {
    fn refuse(&mut self, span: Range<usize>, key: impl Into<String>, message: String) {
        let error = RecipeError {
            file: self.file.to_owned(),
            line: Some(line_of(self.text, span.start)),
            key: key.into(),
            message,
        };
        self.refusals.push((span.start, error));
    }

    /// Refuses something that is not there, and so has no line.
    fn refuse_missing(&mut self, key: impl Into<String>, message: String) {
        let mut error = RecipeError::unplaced(key.into(), message);
        error.file = self.file.to_owned();
        self.refusals.push((self.text.len(), error));
    }

    fn recipe(&mut self, document: &DeTable<'_>) -> Recipe {
        let mut recipe = Recipe::default();
        let mut seen = Vec::new();
        for entry in document {
            let (key, value) = entry;
            match key.get_ref().as_ref() {
                "name" => recipe.name = self.top_text(entry),
                "description" => recipe.description = self.top_text(entry),
                "look_at" => recipe.look_at = self.top_text(entry),
                "seed" => recipe.seed = self.seed(value),
                "analyses" => match value.get_ref() {
                    DeValue::Table(analyses) => {
                        for (key, value) in analyses {
                            let name = format!("analyses.{}", key.get_ref());
                            self.section_entry(&name, key.span(), value, &mut recipe, &mut seen);
                        }
                    }
                    other => {
                        let found = describe(other);
                        self.refuse(
                            value.span(),
                            "analyses",
                            format!("analyses is {found}, expected tables like [analyses.slice]"),
                        );
                    }
                },
                name => self.section_entry(name, key.span(), value, &mut recipe, &mut seen),
            }
        }
        for section in &self.schema.sections {
            if seen.contains(&section.key) {
                continue;
            }
            if section.default_kind.is_none() {
                self.refuse_missing(
                    section.key,
                    format!(
                        "[{}] is missing, expected this section with kind = {}",
                        section.key,
                        section.kinds_expectation()
                    ),
                );
            } else if let (Some(default), Some(slot)) =
                (section.default_component(), recipe.section_mut(section.key))
            {
                *slot = default;
            }
        }
        if !document.contains_key("name") {
            recipe.name = title_of(self.file);
        }
        recipe
    }

    fn top_text(&mut self, (key, value): Entry<'_, '_>) -> String {
        match value.get_ref() {
            DeValue::String(text) => text.as_ref().to_owned(),
            other => {
                let (name, found) = (key.get_ref().as_ref(), describe(other));
                self.refuse(
                    value.span(),
                    name,
                    format!("{name} is {found}, expected a text"),
                );
                String::new()
            }
        }
    }

    fn seed(&mut self, value: &Spanned<DeValue<'_>>) -> u64 {
        if let DeValue::Integer(number) = value.get_ref()
            && let Ok(seed) = u64::from_str_radix(number.as_str(), number.radix())
        {
            return seed;
        }
        let found = describe(value.get_ref());
        self.refuse(
            value.span(),
            "seed",
            format!(
                "seed is {found}, expected a whole number from 0 to {}",
                u64::MAX
            ),
        );
        0
    }

    fn section_entry(
        &mut self,
        name: &str,
        key_span: Range<usize>,
        value: &Spanned<DeValue<'_>>,
        recipe: &mut Recipe,
        seen: &mut Vec<&'static str>,
    ) {
        let schema = self.schema;
        let Some(section) = schema.section(name) else {
            self.refuse_unknown_section(name, key_span);
            return;
        };
        seen.push(section.key);
        match value.get_ref() {
            DeValue::Table(table) => {
                if let Some(component) = self.component(section, table, key_span)
                    && let Some(slot) = recipe.section_mut(section.key)
                {
                    *slot = component;
                }
            }
            other => {
                let found = describe(other);
                self.refuse(
                    key_span,
                    name,
                    format!("{name} is {found}, expected a section [{name}]"),
                );
            }
        }
    }

    fn refuse_unknown_section(&mut self, name: &str, span: Range<usize>) {
        let known = || {
            TOP_LEVEL
                .into_iter()
                .chain(self.schema.sections.iter().map(|section| section.key))
        };
        // A section without its "analyses." is nearer than any distance tells.
        let prefixed = format!("analyses.{name}");
        let near = SECTIONS
            .into_iter()
            .find(|key| *key == prefixed)
            .or_else(|| nearest(name, known()));
        let message = match near {
            Some(near) => {
                format!("{name} is not a key or section of a recipe; did you mean {near}?")
            }
            None => format!(
                "{name} is not a key or section of a recipe; expected {}",
                one_of(known())
            ),
        };
        self.refuse(span, name, message);
    }

    fn component(
        &mut self,
        section: &Section,
        table: &DeTable<'_>,
        header: Range<usize>,
    ) -> Option<Component> {
        let kind = self.kind(section, table, header.clone())?;
        let mut component = kind.defaults(section.common);
        let refused_before = self.refusals.len();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if name == "kind" && !section.is_single() {
                continue;
            }
            match section.field(kind, name) {
                Some(field) => {
                    if let Some(value) = self.value(section, field, value) {
                        component.set(name, value);
                    }
                }
                None => {
                    let message = section.unknown_key(kind, name);
                    self.refuse(key.span(), section.path(name), message);
                }
            }
        }
        if self.refusals.len() == refused_before {
            self.check_whole(section, &component, table, header);
        }
        Some(component)
    }

    /// What only the complete component shows: missing paths and combinations
    /// of values.
    fn check_whole(
        &mut self,
        section: &Section,
        component: &Component,
        table: &DeTable<'_>,
        header: Range<usize>,
    ) {
        for problem in section.problems(component) {
            let span = table
                .get(problem.key.as_str())
                .map_or(header.clone(), |value| value.span());
            self.refuse(span, section.path(&problem.key), problem.message);
        }
    }

    fn kind(
        &mut self,
        section: &Section,
        table: &DeTable<'_>,
        header: Range<usize>,
    ) -> Option<&'static Kind> {
        if section.is_single() {
            return section.kinds.first().copied();
        }
        let path = section.path("kind");
        let Some(value) = table.get("kind") else {
            let expected = section.kinds_expectation();
            self.refuse(
                header,
                path.as_str(),
                format!("{path} is missing, expected {expected}"),
            );
            return None;
        };
        let message = match value.get_ref() {
            DeValue::String(name) => match section.kind(name) {
                Some(kind) => return Some(kind),
                None => section.unknown_kind(name),
            },
            other => format!(
                "{path} is {}, expected {}",
                describe(other),
                section.kinds_expectation()
            ),
        };
        self.refuse(value.span(), path, message);
        None
    }

    fn value(
        &mut self,
        section: &Section,
        field: &Field,
        found: &Spanned<DeValue<'_>>,
    ) -> Option<Value> {
        let path = section.path(field.key);
        let message = match to_value(found.get_ref()) {
            Some(value) => match field.accept(&value) {
                Some(accepted) => return Some(accepted),
                None => field.refusal(&path, &value),
            },
            None => format!(
                "{path} is {}, expected {}",
                describe(found.get_ref()),
                field.expectation()
            ),
        };
        self.refuse(found.span(), path, message);
        None
    }
}

/// The value, or `None` for what no field holds: tables, dates, whole numbers
/// beyond 64 bits.
fn to_value(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Integer(number) => {
            Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()?)
        }
        DeValue::Float(number) => Value::Float(number.as_str().parse().ok()?),
        DeValue::String(text) => Value::Text(text.as_ref().to_owned()),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| to_value(item.get_ref()))
                .collect::<Option<Vec<Value>>>()?,
        ),
        DeValue::Datetime(_) | DeValue::Table(_) => return None,
    })
}

/// What a refusal says that it found.
fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Table(_) => "a table".to_owned(),
        DeValue::Datetime(date) => format!("the date {date}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        other => match to_value(other) {
            Some(value) => shown(&value),
            None => "a list with other things than values".to_owned(),
        },
    }
}

fn not_toml(text: &str, file: &str, error: &toml::de::Error) -> RecipeError {
    let span = error.span();
    let snippet = span
        .clone()
        .and_then(|span| text.get(span))
        .map(str::trim)
        .unwrap_or_default();
    let reason = error
        .message()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let duplicate = reason.contains("duplicate key") && !snippet.is_empty();
    RecipeError {
        file: file.to_owned(),
        line: span.map(|span| line_of(text, span.start)),
        key: if duplicate {
            snippet.to_owned()
        } else {
            String::new()
        },
        message: if duplicate {
            format!("{snippet} is given twice, expected once")
        } else {
            format!("this is not valid TOML: {reason}")
        },
    }
}

/// The line (from 1) of a byte offset.
fn line_of(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

/// The name of a recipe that gives none: its file's, without the extension.
fn title_of(file: &str) -> String {
    std::path::Path::new(file)
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .filter(|stem| !stem.is_empty())
        .unwrap_or_else(|| "Untitled".to_owned())
}
