//! The fields of a recipe: their types, ranges, defaults and explanations.

use super::component::Value;
use super::words::{nearest, one_of, shown};

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
