//! What the window remembers from one start to the next: best effort. What
//! cannot be read, or is of another version, is as at the first start.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::export::ExportSettings;
use super::theme::Appearance;

/// The key in eframe's storage.
pub const KEY: &str = "losscape";
/// The version of what is written.
pub const VERSION: u32 = 1;

/// What is remembered. Every part is read on its own, so that one that no
/// longer fits does not take the others with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stored {
    /// Dark, light, or the desktop's.
    pub appearance: Option<Appearance>,
    /// Everything is this much larger.
    pub zoom: Option<f32>,
    /// The recipe is shown.
    pub recipe_shown: Option<bool>,
    /// The width of the recipe.
    pub recipe_width: Option<f32>,
    /// The unfolded sections of the recipe.
    pub open_sections: Option<Vec<String>>,
    /// The arrangement of the views.
    pub layout: Option<serde_json::Value>,
    /// The settings of the views.
    pub panels: Option<BTreeMap<String, serde_json::Value>>,
    /// How figures are exported.
    pub export: Option<ExportSettings>,
}

impl Stored {
    /// As text.
    pub fn write(&self) -> String {
        let mut parts = serde_json::Map::new();
        parts.insert("version".to_owned(), VERSION.into());
        fn put<T: Serialize>(
            parts: &mut serde_json::Map<String, serde_json::Value>,
            key: &str,
            value: &Option<T>,
        ) {
            if let Some(value) = value
                && let Ok(value) = serde_json::to_value(value)
            {
                parts.insert(key.to_owned(), value);
            }
        }
        put(&mut parts, "appearance", &self.appearance);
        put(&mut parts, "zoom", &self.zoom);
        put(&mut parts, "recipe_shown", &self.recipe_shown);
        put(&mut parts, "recipe_width", &self.recipe_width);
        put(&mut parts, "open_sections", &self.open_sections);
        put(&mut parts, "layout", &self.layout);
        put(&mut parts, "panels", &self.panels);
        put(&mut parts, "export", &self.export);
        serde_json::Value::Object(parts).to_string()
    }

    /// From text; whatever does not fit is left out.
    pub fn read(text: &str) -> Self {
        let Ok(serde_json::Value::Object(mut parts)) = serde_json::from_str(text) else {
            return Self::default();
        };
        if parts.get("version") != Some(&VERSION.into()) {
            return Self::default();
        }
        fn take<T: for<'de> Deserialize<'de>>(
            parts: &mut serde_json::Map<String, serde_json::Value>,
            key: &str,
        ) -> Option<T> {
            serde_json::from_value(parts.remove(key)?).ok()
        }
        Self {
            appearance: take(&mut parts, "appearance"),
            zoom: take(&mut parts, "zoom").filter(|zoom: &f32| (0.5..=4.0).contains(zoom)),
            recipe_shown: take(&mut parts, "recipe_shown"),
            recipe_width: take(&mut parts, "recipe_width")
                .filter(|width: &f32| (160.0..=800.0).contains(width)),
            open_sections: take(&mut parts, "open_sections"),
            layout: take(&mut parts, "layout"),
            panels: take(&mut parts, "panels"),
            export: take(&mut parts, "export"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Stored {
        Stored {
            appearance: Some(Appearance::Light),
            zoom: Some(1.5),
            recipe_shown: Some(false),
            recipe_width: Some(300.0),
            open_sections: Some(vec!["data".to_owned()]),
            layout: Some(serde_json::json!({"root": 1})),
            panels: Some(BTreeMap::from([("Loss".to_owned(), serde_json::json!({}))])),
            export: Some(ExportSettings::default()),
        }
    }

    #[test]
    fn it_comes_back_as_it_was_written() {
        assert_eq!(Stored::read(&full().write()), full());
        assert_eq!(Stored::read(&Stored::default().write()), Stored::default());
    }

    #[test]
    fn nonsense_is_as_at_the_first_start() {
        for text in ["", "null", "[]", "{", "{\"version\": 99, \"zoom\": 1.5}"] {
            assert_eq!(Stored::read(text), Stored::default(), "{text}");
        }
    }

    #[test]
    fn one_broken_part_does_not_take_the_others_with_it() {
        let text = full().write().replace("\"Light\"", "\"Purple\"");
        let stored = Stored::read(&text);
        assert_eq!(stored.appearance, None);
        assert_eq!(stored.zoom, Some(1.5));
        let text = full().write().replace("1.5", "1e9");
        assert_eq!(Stored::read(&text).zoom, None);
    }
}
