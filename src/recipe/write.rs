//! Writing a recipe: complete, in the schema's order, so that reading it gives
//! the same recipe back.

use super::component::{Component, Value};
use super::schema::Schema;
use super::{Recipe, SECTIONS};

/// Lists longer than this are written one element to a line.
const LINE_WIDTH: usize = 100;

impl Recipe {
    /// The recipe as TOML: every section, every key of its kind.
    /// `Recipe::parse(&recipe.to_toml(schema), …)` gives an equal recipe.
    pub fn to_toml(&self, schema: &Schema) -> String {
        let mut text = String::new();
        line(&mut text, "name", &Value::from(self.name.as_str()));
        for (key, value) in [
            ("description", &self.description),
            ("look_at", &self.look_at),
        ] {
            if !value.is_empty() {
                line(&mut text, key, &Value::from(value.as_str()));
            }
        }
        text.push_str(&format!("seed = {}\n", self.seed));
        for key in SECTIONS {
            if let Some(component) = self.section(key)
                && *component != Component::default()
            {
                text.push_str(&format!("\n[{key}]\n"));
                write_component(&mut text, key, component, schema);
            }
        }
        text
    }
}

fn write_component(text: &mut String, section: &str, component: &Component, schema: &Schema) {
    if !component.kind.is_empty() {
        line(text, "kind", &Value::from(component.kind.as_str()));
    }
    let mut written = Vec::new();
    if let Some(section) = schema.section(section)
        && let Some(kind) = section.kind(&component.kind)
    {
        for field in section.fields(kind) {
            if let Some(value) = component.get(field.key) {
                line(text, field.key, value);
                written.push(field.key);
            }
        }
    }
    // Whatever the schema does not know is kept: the editor may hold a recipe
    // that is not valid yet.
    for (key, value) in &component.values {
        if !written.contains(&key.as_str()) {
            line(text, key, value);
        }
    }
}

fn line(text: &mut String, key: &str, value: &Value) {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) {
        text.push_str(key);
    } else {
        text.push_str(&Value::from(key).to_string());
    }
    text.push_str(" = ");
    let inline = value.to_string();
    match value {
        Value::List(items) if inline.len() > LINE_WIDTH => {
            text.push_str("[\n");
            for item in items {
                text.push_str(&format!("  {item},\n"));
            }
            text.push(']');
        }
        _ => text.push_str(&inline),
    }
    text.push('\n');
}
