//! The description of what a recipe may say: sections, their kinds, and the
//! fields of each kind.

use super::component::{Component, Value};
use super::field::{Field, FieldKind};
use super::words::{nearest, one_of};

/// One of the things that a section can be: an optimizer, a data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kind {
    /// The word after `kind =`, snake case.
    pub key: &'static str,
    /// What the window calls it, sentence case.
    pub title: &'static str,
    /// What it is, in a sentence or two.
    pub help: &'static str,
    /// Its own fields; the section's common fields come after them.
    pub fields: &'static [Field],
}

impl Kind {
    /// A component of this kind with the default value of every field, the
    /// section's `common` ones included.
    pub fn defaults(&self, common: &[Field]) -> Component {
        Component {
            kind: self.key.to_owned(),
            values: self
                .fields
                .iter()
                .chain(common)
                .map(|field| (field.key.to_owned(), field.default.value()))
                .collect(),
        }
    }
}

/// Something that a section's own check refuses: a combination of values.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The key at fault (of the section, or `kind`).
    pub key: String,
    /// One sentence: what was found and what was expected.
    pub message: String,
}

/// One table of the recipe.
#[derive(Clone, Debug)]
pub struct Section {
    /// The table's name, one of [`super::SECTIONS`].
    pub key: &'static str,
    /// What the window calls it.
    pub title: &'static str,
    /// What it decides, in one sentence.
    pub help: &'static str,
    /// What it can be. A section whose only kind has an empty key writes no
    /// `kind` line.
    pub kinds: Vec<&'static Kind>,
    /// Fields of all its kinds.
    pub common: &'static [Field],
    /// The kind of a recipe that leaves the section out; `None` when every
    /// recipe must have the section.
    pub default_kind: Option<&'static str>,
    /// Whether changing the kind needs a restart (for a section all of whose
    /// fields are live it does not).
    pub restarts: bool,
    /// Refuses combinations of values that are fine one by one; called with a
    /// complete component only.
    pub check: Option<fn(&Component) -> Vec<Problem>>,
}

impl Section {
    /// The kind called `key`.
    pub fn kind(&self, key: &str) -> Option<&'static Kind> {
        self.kinds.iter().copied().find(|kind| kind.key == key)
    }

    /// Whether the section is written without a `kind` line.
    pub fn is_single(&self) -> bool {
        matches!(self.kinds.as_slice(), [only] if only.key.is_empty())
    }

    /// All fields of a component of this kind: its own, then the common ones.
    pub fn fields(&self, kind: &Kind) -> impl Iterator<Item = &'static Field> + use<> {
        kind.fields.iter().chain(self.common)
    }

    /// The field `key` of the kind.
    pub fn field(&self, kind: &Kind, key: &str) -> Option<&'static Field> {
        self.fields(kind).find(|field| field.key == key)
    }

    /// A component of the kind with default values; `None` for an unknown kind.
    pub fn component(&self, kind: &str) -> Option<Component> {
        self.kind(kind).map(|kind| kind.defaults(self.common))
    }

    /// The component of a recipe that leaves the section out, or of the first
    /// kind where the section must be there.
    pub fn default_component(&self) -> Option<Component> {
        match self.default_kind {
            Some(kind) => self.component(kind),
            None => self.kinds.first().map(|kind| kind.defaults(self.common)),
        }
    }

    /// Makes `component` one of another kind: the common fields keep their
    /// values, the kind's own get their defaults. An unknown kind changes
    /// nothing and gives `false`.
    pub fn switch_kind(&self, component: &mut Component, kind: &str) -> bool {
        let Some(mut switched) = self.component(kind) else {
            return false;
        };
        for field in self.common {
            if let Some(value) = component
                .get(field.key)
                .and_then(|value| field.accept(value))
            {
                switched.set(field.key, value);
            }
        }
        *component = switched;
        true
    }

    /// `section.key`, as refusals write it.
    pub fn path(&self, key: &str) -> String {
        format!("{}.{key}", self.key)
    }

    /// What follows "expected" when the kind is missing or unknown.
    pub(super) fn kinds_expectation(&self) -> String {
        one_of(self.kinds.iter().map(|kind| kind.key))
    }

    /// The sentence that refuses the kind `found`.
    pub(super) fn unknown_kind(&self, found: &str) -> String {
        let keys = || self.kinds.iter().map(|kind| kind.key);
        let path = self.path("kind");
        match nearest(found, keys()) {
            Some(near) => format!(
                "{path} is \"{found}\", which is not known; did you mean {near}? It can be {}",
                one_of(keys())
            ),
            None => format!(
                "{path} is \"{found}\", which is not known; expected {}",
                one_of(keys())
            ),
        }
    }

    /// The sentence that refuses the key `found` in a component of this kind.
    pub(super) fn unknown_key(&self, kind: &'static Kind, found: &str) -> String {
        let path = self.path(found);
        let owner = if kind.key.is_empty() {
            format!("[{}]", self.key)
        } else {
            kind.key.to_owned()
        };
        let keys: Vec<&str> = self.fields(kind).map(|field| field.key).collect();
        let others: Vec<&str> = self
            .kinds
            .iter()
            .filter(|other| other.fields.iter().any(|field| field.key == found))
            .map(|other| other.key)
            .collect();
        let mut message = format!("{path} is not a key of {owner}");
        if !others.is_empty() {
            message.push_str(&format!("; it belongs to {}", others.join(", ")));
        } else if let Some(near) = nearest(found, keys.iter().copied()) {
            message.push_str(&format!("; did you mean {near}?"));
        } else if keys.is_empty() {
            message.push_str(", which has no keys");
        } else {
            message.push_str(&format!("; expected {}", one_of(keys.iter().copied())));
        }
        message
    }

    /// Everything that this section refuses in a component.
    pub fn problems(&self, component: &Component) -> Vec<Problem> {
        let Some(kind) = self.kind(&component.kind) else {
            return vec![Problem {
                key: "kind".to_owned(),
                message: self.unknown_kind(&component.kind),
            }];
        };
        let mut problems = Vec::new();
        for field in self.fields(kind) {
            let message = match component.get(field.key) {
                Some(value) if field.accept(value).is_some() => continue,
                Some(value) => field.refusal(&self.path(field.key), value),
                None => format!(
                    "{} is missing, expected {}",
                    self.path(field.key),
                    field.expectation()
                ),
            };
            problems.push(Problem {
                key: field.key.to_owned(),
                message,
            });
        }
        for key in component.values.keys() {
            if self.field(kind, key).is_none() {
                problems.push(Problem {
                    key: key.clone(),
                    message: self.unknown_key(kind, key),
                });
            }
        }
        if problems.is_empty()
            && let Some(check) = self.check
        {
            problems.extend(check(component));
        }
        problems
    }
}

/// Everything that a recipe may say.
#[derive(Clone, Debug, std::default::Default)]
pub struct Schema {
    /// The sections, in the order of [`super::SECTIONS`].
    pub sections: Vec<Section>,
}

impl Schema {
    /// The section called `key`.
    pub fn section(&self, key: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.key == key)
    }

    /// What is wrong with the schema itself: a section that no recipe has, a
    /// key used twice, a default outside its own range, a missing label or
    /// explanation. Empty for a sound schema; the tests of the catalogue ask.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (index, section) in self.sections.iter().enumerate() {
            let name = section.key;
            if !super::SECTIONS.contains(&name) {
                faults.push(format!("no recipe has a section {name}"));
            }
            if self.sections[..index].iter().any(|other| other.key == name) {
                faults.push(format!("section {name} is there twice"));
            }
            if section.title.is_empty() || section.help.is_empty() || section.kinds.is_empty() {
                faults.push(format!("section {name} lacks a title, help or kinds"));
            }
            if let Some(kind) = section.default_kind
                && section.kind(kind).is_none()
            {
                faults.push(format!("the default kind {kind} of {name} does not exist"));
            }
            for (index, kind) in section.kinds.iter().enumerate() {
                section.kind_faults(index, kind, &mut faults);
            }
        }
        faults
    }
}

impl Section {
    fn kind_faults(&self, index: usize, kind: &'static Kind, faults: &mut Vec<String>) {
        let name = format!("{}.{}", self.key, kind.key);
        if self.kinds[..index]
            .iter()
            .any(|other| other.key == kind.key)
        {
            faults.push(format!("kind {name} is there twice"));
        }
        if kind.title.is_empty() || kind.help.is_empty() {
            faults.push(format!("kind {name} lacks a title or help"));
        }
        let fields: Vec<&Field> = self.fields(kind).collect();
        for (index, field) in fields.iter().enumerate() {
            let path = format!("{name}.{}", field.key);
            if field.key == "kind" || fields[..index].iter().any(|other| other.key == field.key) {
                faults.push(format!("key {path} is there twice"));
            }
            let snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if field.key.is_empty() || !field.key.chars().all(snake) {
                faults.push(format!("key {path} is not in snake case"));
            }
            if field.label.is_empty() || field.help.is_empty() {
                faults.push(format!("key {path} lacks a label or help"));
            }
            let default = field.default.value();
            let fine = match field.kind {
                FieldKind::Path => matches!(default, Value::Text(_)),
                _ => field.accept(&default).as_ref() == Some(&default),
            };
            if !fine {
                let expected = field.expectation();
                faults.push(format!("default {default} of {path} is not {expected}"));
            }
        }
    }
}
