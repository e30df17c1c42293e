//! The description of what a recipe may say: sections, their kinds, and the
//! fields of each kind with label, explanation, range and default.

use super::component::{Component, Value};

/// One of the words that a [`FieldKind::Choice`] field may hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The word in the recipe.
    pub key: &'static str,
    /// What the window calls it.
    pub label: &'static str,
    /// What it means, in one sentence.
    pub help: &'static str,
}

/// Type and range of a field. All bounds are inclusive unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldKind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
        /// What zero stands for ("full batch"), where it is special.
        zero_means: Option<&'static str>,
    },
    /// A finite number; whole numbers are accepted too.
    Float {
        /// Lower bound.
        min: f64,
        /// Upper bound.
        max: f64,
        /// The lower bound itself is refused.
        min_exclusive: bool,
        /// The upper bound itself is refused.
        max_exclusive: bool,
        /// A slider for it should be logarithmic.
        logarithmic: bool,
    },
    /// One of a few words.
    Choice(&'static [Choice]),
    /// Free text, possibly empty.
    Text,
    /// A file, relative to the recipe's folder; never empty.
    Path,
    /// A list of whole numbers, possibly empty.
    IntegerList {
        /// Smallest element.
        min: i64,
        /// Largest element.
        max: i64,
    },
    /// A list of texts, possibly empty.
    TextList,
}

/// The value of a field that the recipe leaves out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    /// For [`FieldKind::Bool`].
    Bool(bool),
    /// For [`FieldKind::Integer`].
    Integer(i64),
    /// For [`FieldKind::Float`].
    Float(f64),
    /// For [`FieldKind::Choice`], [`FieldKind::Text`] and [`FieldKind::Path`]
    /// (a path has the default `""`, which validation then asks to fill in).
    Text(&'static str),
    /// For [`FieldKind::IntegerList`].
    IntegerList(&'static [i64]),
    /// For [`FieldKind::TextList`].
    TextList(&'static [&'static str]),
}

impl Default {
    /// The default as a recipe value.
    pub fn value(&self) -> Value {
        match *self {
            Default::Bool(value) => Value::Bool(value),
            Default::Integer(value) => Value::Integer(value),
            Default::Float(value) => Value::Float(value),
            Default::Text(value) => Value::Text(value.to_owned()),
            Default::IntegerList(values) => Value::from(values.to_vec()),
            Default::TextList(values) => {
                Value::List(values.iter().map(|text| Value::from(*text)).collect())
            }
        }
    }
}

/// One key of a section.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// The key in the recipe, snake case.
    pub key: &'static str,
    /// What the window calls it, sentence case.
    pub label: &'static str,
    /// What it means, in one sentence, for the tooltip.
    pub help: &'static str,
    /// Unit of the value, empty where it has none.
    pub unit: &'static str,
    /// Type and range.
    pub kind: FieldKind,
    /// The value when the recipe leaves the key out.
    pub default: Default,
    /// Changing it acts on the running network, without a restart.
    pub live: bool,
}

impl Field {
    const fn new(
        key: &'static str,
        label: &'static str,
        help: &'static str,
        kind: FieldKind,
        default: Default,
    ) -> Field {
        Field {
            key,
            label,
            help,
            unit: "",
            kind,
            default,
            live: false,
        }
    }

    /// A field that is true or false.
    pub const fn boolean(
        key: &'static str,
        label: &'static str,
        help: &'static str,
        default: bool,
    ) -> Field {
        Field::new(key, label, help, FieldKind::Bool, Default::Bool(default))
    }

    /// A whole number from `min` to `max`.
    pub const fn integer(
        key: &'static str,
        label: &'static str,
        help: &'static str,
        default: i64,
        min: i64,
        max: i64,
    ) -> Field {
        let kind = FieldKind::Integer {
            min,
            max,
            zero_means: None,
        };
        Field::new(key, label, help, kind, Default::Integer(default))
    }

    /// A number from `min` to `max`, both included.
    pub const fn float(
        key: &'static str,
        label: &'static str,
        help: &'static str,
        default: f64,
        min: f64,
        max: f64,
    ) -> Field {
        let kind = FieldKind::Float {
            min,
            max,
            min_exclusive: false,
            max_exclusive: false,
            logarithmic: false,
        };
        Field::new(key, label, help, kind, Default::Float(default))
    }

    /// One of a few words.
    pub const fn choice(
        key: &'static str,
        label: &'static str,
        help: &'static str,
        default: &'static str,
        choices: &'static [Choice],
    ) -> Field {
        let kind = FieldKind::Choice(choices);
        Field::new(key, label, help, kind, Default::Text(default))
    }

    /// A text, possibly empty.
    pub const fn text(
        key: &'static str,
        label: &'static str,
        help: &'static str,
        default: &'static str,
    ) -> Field {
        Field::new(key, label, help, FieldKind::Text, Default::Text(default))
    }

    /// The path of a file; it has no default and has to be given.
    pub const fn path(key: &'static str, label: &'static str, help: &'static str) -> Field {
        Field::new(key, label, help, FieldKind::Path, Default::Text(""))
    }

    /// A list of whole numbers.
    pub const fn integer_list(
        key: &'static str,
        label: &'static str,
        help: &'static str,
        default: &'static [i64],
        min: i64,
        max: i64,
    ) -> Field {
        let kind = FieldKind::IntegerList { min, max };
        Field::new(key, label, help, kind, Default::IntegerList(default))
    }

    /// A list of texts.
    pub const fn text_list(
        key: &'static str,
        label: &'static str,
        help: &'static str,
        default: &'static [&'static str],
    ) -> Field {
        let default = Default::TextList(default);
        Field::new(key, label, help, FieldKind::TextList, default)
    }

    /// The same field, which may be changed on the running network.
    pub const fn live(mut self) -> Field {
        self.live = true;
        self
    }

    /// The same field with a unit.
    pub const fn unit(mut self, unit: &'static str) -> Field {
        self.unit = unit;
        self
    }

    /// The same whole number, zero standing for `meaning`.
    pub const fn zero_means(mut self, meaning: &'static str) -> Field {
        if let FieldKind::Integer { min, max, .. } = self.kind {
            self.kind = FieldKind::Integer {
                min,
                max,
                zero_means: Some(meaning),
            };
        }
        self
    }

    /// The same number with its lower bound excluded.
    pub const fn above_min(mut self) -> Field {
        if let FieldKind::Float {
            min,
            max,
            max_exclusive,
            logarithmic,
            ..
        } = self.kind
        {
            self.kind = FieldKind::Float {
                min,
                max,
                min_exclusive: true,
                max_exclusive,
                logarithmic,
            };
        }
        self
    }

    /// The same number with its upper bound excluded.
    pub const fn below_max(mut self) -> Field {
        if let FieldKind::Float {
            min,
            max,
            min_exclusive,
            logarithmic,
            ..
        } = self.kind
        {
            self.kind = FieldKind::Float {
                min,
                max,
                min_exclusive,
                max_exclusive: true,
                logarithmic,
            };
        }
        self
    }

    /// The same number, to be set on a logarithmic slider.
    pub const fn logarithmic(mut self) -> Field {
        if let FieldKind::Float {
            min,
            max,
            min_exclusive,
            max_exclusive,
            ..
        } = self.kind
        {
            self.kind = FieldKind::Float {
                min,
                max,
                min_exclusive,
                max_exclusive,
                logarithmic: true,
            };
        }
        self
    }

    /// What the field accepts, as it stands after "expected" in a refusal.
    pub fn expectation(&self) -> String {
        match self.kind {
            FieldKind::Bool => "true or false".to_owned(),
            FieldKind::Integer {
                min,
                max,
                zero_means,
            } => {
                let zero = zero_means
                    .map(|meaning| format!(" (0: {meaning})"))
                    .unwrap_or_default();
                format!("a whole number from {min} to {max}{zero}")
            }
            FieldKind::Float {
                min,
                max,
                min_exclusive,
                max_exclusive,
                ..
            } => match (min_exclusive, max_exclusive) {
                (false, false) => format!("a number from {min} to {max}"),
                (true, false) => format!("a number above {min} and at most {max}"),
                (false, true) => format!("a number of at least {min} and below {max}"),
                (true, true) => format!("a number above {min} and below {max}"),
            },
            FieldKind::Choice(choices) => one_of(choices.iter().map(|choice| choice.key)),
            FieldKind::Text => "a text".to_owned(),
            FieldKind::Path => "the path of a file".to_owned(),
            FieldKind::IntegerList { min, max } => {
                format!("a list of whole numbers from {min} to {max}")
            }
            FieldKind::TextList => "a list of texts".to_owned(),
        }
    }

    /// The value in this field's type (a whole number becomes a float where a
    /// float is meant), or `None` where the field refuses it.
    pub fn accept(&self, value: &Value) -> Option<Value> {
        let accepted = match (self.kind, value) {
            (FieldKind::Bool, Value::Bool(_)) => true,
            (FieldKind::Integer { min, max, .. }, Value::Integer(number)) => {
                (min..=max).contains(number)
            }
            (FieldKind::Float { .. }, Value::Integer(number)) => {
                return self.accept(&Value::Float(*number as f64));
            }
            (
                FieldKind::Float {
                    min,
                    max,
                    min_exclusive,
                    max_exclusive,
                    ..
                },
                Value::Float(number),
            ) => {
                number.is_finite()
                    && (*number > min || (!min_exclusive && *number == min))
                    && (*number < max || (!max_exclusive && *number == max))
            }
            (FieldKind::Choice(choices), Value::Text(text)) => {
                choices.iter().any(|choice| choice.key == text)
            }
            (FieldKind::Text, Value::Text(_)) => true,
            (FieldKind::Path, Value::Text(text)) => !text.trim().is_empty(),
            (FieldKind::IntegerList { min, max }, Value::List(list)) => list
                .iter()
                .all(|item| matches!(item, Value::Integer(number) if (min..=max).contains(number))),
            (FieldKind::TextList, Value::List(list)) => {
                list.iter().all(|item| matches!(item, Value::Text(_)))
            }
            _ => false,
        };
        accepted.then(|| value.clone())
    }

    /// The sentence that refuses `value`, without the file and the line.
    pub(super) fn refusal(&self, path: &str, value: &Value) -> String {
        if let (FieldKind::Path, Value::Text(_)) = (self.kind, value) {
            return format!("{path} is missing, expected the path of a file");
        }
        let mut message = format!(
            "{path} is {}, expected {}",
            shown(value),
            self.expectation()
        );
        if let (FieldKind::Choice(choices), Value::Text(text)) = (self.kind, value)
            && let Some(near) = nearest(text, choices.iter().map(|choice| choice.key))
        {
            message.push_str(&format!("; did you mean {near}?"));
        }
        message
    }
}

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
