//! What changed between two recipes, and whether a running network can take
//! the change.

use std::collections::BTreeSet;

use super::schema::Schema;
use super::{Recipe, SECTIONS};

/// How one section differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionDifference {
    /// The section, one of [`SECTIONS`].
    pub section: &'static str,
    /// It is of another kind now.
    pub kind_changed: bool,
    /// The keys whose values differ or that only one of the two has.
    pub keys: Vec<String>,
    /// The running network can take all of it without a restart.
    pub live: bool,
}

/// How two recipes differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Name, description or "what to look at" differ, which no run notices.
    pub text: bool,
    /// The seeds differ.
    pub seed: bool,
    /// The sections that differ, in their order.
    pub sections: Vec<SectionDifference>,
}

impl Difference {
    /// The recipes are equal.
    pub fn is_empty(&self) -> bool {
        !self.text && !self.seed && self.sections.is_empty()
    }

    /// Something changed that only a new run can show.
    pub fn needs_restart(&self) -> bool {
        self.seed || self.sections.iter().any(|section| !section.live)
    }

    /// The changed keys that need no restart, with their sections.
    pub fn live_keys(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.sections
            .iter()
            .filter(|section| section.live)
            .flat_map(|section| {
                section
                    .keys
                    .iter()
                    .map(|key| (section.section, key.as_str()))
            })
    }
}

impl Recipe {
    /// How `other` differs from this recipe.
    pub fn diff(&self, other: &Recipe, schema: &Schema) -> Difference {
        let mut difference = Difference {
            text: (&self.name, &self.description, &self.look_at)
                != (&other.name, &other.description, &other.look_at),
            seed: self.seed != other.seed,
            sections: Vec::new(),
        };
        for name in SECTIONS {
            let (Some(before), Some(after)) = (self.section(name), other.section(name)) else {
                continue;
            };
            if before == after {
                continue;
            }
            let kind_changed = before.kind != after.kind;
            let all: BTreeSet<&String> = before.values.keys().chain(after.values.keys()).collect();
            let keys: Vec<String> = all
                .into_iter()
                .filter(|key| before.get(key) != after.get(key))
                .cloned()
                .collect();
            let section = schema.section(name);
            let kind = section.and_then(|section| section.kind(&after.kind));
            let live = match (section, kind) {
                (Some(section), Some(kind)) if kind_changed => {
                    !section.restarts && section.fields(kind).all(|field| field.live)
                }
                (Some(section), Some(kind)) => keys
                    .iter()
                    .all(|key| section.field(kind, key).is_some_and(|field| field.live)),
                _ => false,
            };
            difference.sections.push(SectionDifference {
                section: name,
                kind_changed,
                keys,
                live,
            });
        }
        difference
    }
}
