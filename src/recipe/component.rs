//! A section of a recipe: its kind and its values.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A value in a recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a decimal point or an exponent.
    Float(f64),
    /// A quoted text.
    Text(String),
    /// A list in brackets.
    List(Vec<Value>),
}

impl fmt::Display for Value {
    /// As the recipe writes it, in one line.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(value) => write!(formatter, "{value}"),
            Value::Integer(value) => write!(formatter, "{value}"),
            Value::Float(value) if value.is_nan() => formatter.write_str("nan"),
            // `{:?}` is the shortest form that reads back as the same number,
            // and always has a point or an exponent.
            Value::Float(value) => write!(formatter, "{value:?}"),
            Value::Text(text) => write!(formatter, "{}", toml::Value::String(text.clone())),
            Value::List(list) => {
                formatter.write_str("[")?;
                for (index, item) in list.iter().enumerate() {
                    if index > 0 {
                        formatter.write_str(", ")?;
                    }
                    write!(formatter, "{item}")?;
                }
                formatter.write_str("]")
            }
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Integer(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Value {
        Value::Integer(i64::from(value))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Text(value)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Value {
        Value::List(values.into_iter().map(Into::into).collect())
    }
}

/// A section of a recipe: what kind of thing it is, and its values by key.
///
/// The typed accessors expect a component that its section has accepted (see
/// [`super::Recipe::parse`] and [`super::Recipe::validate`]). Asked for a key
/// that is not there, they log an error and give NaN, 0, `false` or nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// The kind's key; empty in a section that has one kind only.
    pub kind: String,
    /// The values by key.
    pub values: BTreeMap<String, Value>,
}

impl Component {
    /// A component without values.
    pub fn new(kind: &str) -> Component {
        Component {
            kind: kind.to_owned(),
            values: BTreeMap::new(),
        }
    }

    /// The same component with one value set.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Component {
        self.set(key, value);
        self
    }

    /// Sets one value.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.values.insert(key.to_owned(), value.into());
    }

    /// The value of the key, if it is there.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// The number of the key (a whole number counts).
    pub fn float(&self, key: &str) -> f64 {
        match self.get(key) {
            Some(Value::Float(value)) => *value,
            Some(Value::Integer(value)) => *value as f64,
            _ => self.absent(key, "a number", f64::NAN),
        }
    }

    /// The whole number of the key.
    pub fn integer(&self, key: &str) -> i64 {
        match self.get(key) {
            Some(Value::Integer(value)) => *value,
            _ => self.absent(key, "a whole number", 0),
        }
    }

    /// The whole number of the key as a count; a negative one counts as zero.
    pub fn count(&self, key: &str) -> usize {
        usize::try_from(self.integer(key)).unwrap_or(0)
    }

    /// The truth value of the key.
    pub fn boolean(&self, key: &str) -> bool {
        match self.get(key) {
            Some(Value::Bool(value)) => *value,
            _ => self.absent(key, "true or false", false),
        }
    }

    /// The text of the key.
    pub fn text(&self, key: &str) -> &str {
        match self.get(key) {
            Some(Value::Text(value)) => value,
            _ => self.absent(key, "a text", ""),
        }
    }

    /// The list of the key.
    pub fn list(&self, key: &str) -> &[Value] {
        match self.get(key) {
            Some(Value::List(values)) => values,
            _ => self.absent(key, "a list", &[]),
        }
    }

    /// The whole numbers of the list of the key.
    pub fn integers(&self, key: &str) -> Vec<i64> {
        self.list(key)
            .iter()
            .filter_map(|value| match value {
                Value::Integer(value) => Some(*value),
                _ => None,
            })
            .collect()
    }

    /// The texts of the list of the key.
    pub fn texts(&self, key: &str) -> Vec<&str> {
        self.list(key)
            .iter()
            .filter_map(|value| match value {
                Value::Text(value) => Some(value.as_str()),
                _ => None,
            })
            .collect()
    }

    /// The file that the key names, relative to `base_dir` unless absolute.
    pub fn path(&self, key: &str, base_dir: &Path) -> PathBuf {
        base_dir.join(self.text(key))
    }

    fn absent<T>(&self, key: &str, expected: &str, fallback: T) -> T {
        log::error!(
            "the recipe component {:?} has no {key} that is {expected}",
            self.kind
        );
        fallback
    }
}
