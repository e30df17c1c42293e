//! Paths in recipes.

use std::path::Path;

use super::{Component, FieldKind, Recipe, Schema, Value};

impl Recipe {
    /// The recipe with its relative paths made absolute, so that it means the
    /// same from any folder. A file that is gone keeps the path as it was given.
    #[must_use]
    pub fn with_absolute_paths(&self, base_dir: &Path, schema: &Schema) -> Recipe {
        let mut recipe = self.clone();
        for section in &schema.sections {
            let Some(component) = recipe.section_mut(section.key) else {
                continue;
            };
            let Some(kind) = section.kind(&component.kind) else {
                continue;
            };
            for field in section.fields(kind) {
                if field.kind == FieldKind::Path {
                    make_absolute(component, field.key, base_dir);
                }
            }
        }
        recipe
    }
}

fn make_absolute(component: &mut Component, key: &str, base_dir: &Path) {
    let Some(Value::Text(text)) = component.get(key) else {
        return;
    };
    if text.is_empty() {
        return;
    }
    if let Ok(absolute) = std::fs::canonicalize(base_dir.join(text)) {
        let absolute = absolute.to_string_lossy().into_owned();
        component.set(key, absolute);
    }
}

#[cfg(test)]
mod tests {
    use crate::catalogue::schema;
    use crate::recipe::Recipe;

    #[test]
    fn relative_paths_become_absolute_where_the_file_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("points.csv"), "x,y\n1,2\n").unwrap();
        let mut recipe = Recipe::defaults(schema());
        let csv = schema()
            .section("data")
            .and_then(|data| data.component("csv"));
        recipe.data = csv.unwrap().with("path", "points.csv");
        let moved = recipe.with_absolute_paths(folder.path(), schema());
        assert!(std::path::Path::new(moved.data.text("path")).is_absolute());
        recipe.data.set("path", "gone.csv");
        let kept = recipe.with_absolute_paths(folder.path(), schema());
        assert_eq!(kept.data.text("path"), "gone.csv");
    }
}
