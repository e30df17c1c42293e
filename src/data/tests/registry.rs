use super::*;
use crate::data::{SOURCES, kinds, section};
use crate::recipe::{FieldKind, Schema};

#[test]
fn the_section_is_sound() {
    let schema = Schema {
        sections: vec![section()],
    };
    assert_eq!(schema.faults(), Vec::<String>::new());
    assert_eq!(kinds().len(), SOURCES.len());
}

#[test]
fn every_source_without_files_prepares_its_defaults() {
    let section = section();
    for kind in kinds() {
        let component = section.component(kind.key).unwrap();
        let needs_file = kind
            .fields
            .iter()
            .any(|field| field.kind == FieldKind::Path);
        if needs_file {
            assert!(
                !section.problems(&component).is_empty(),
                "{} has no file yet",
                kind.key
            );
            continue;
        }
        assert_eq!(section.problems(&component), [], "{}", kind.key);
        let first = prepared(&component, 5);
        assert_eq!(first, prepared(&component, 5), "{} repeats", kind.key);
        let samples = first.train.len() + first.validation.as_ref().map_or(0, Dataset::len);
        let validation = first.validation.as_ref().map_or(0, Dataset::len);
        assert_eq!(validation, (samples as f64 * 0.2).round() as usize);
        assert!(first.train.outputs() >= 1);
        assert_eq!(
            first.train.inputs.len(),
            first.train.len() * first.train.shape.len()
        );
    }
}

#[test]
fn every_random_source_depends_on_the_seed() {
    for kind in [
        "spirals",
        "moons",
        "circles",
        "blobs",
        "xor",
        "checkerboard",
    ] {
        let component = component(kind).with("samples", 20);
        assert_eq!(load(&component, 1), load(&component, 1), "{kind}");
        assert_ne!(load(&component, 1), load(&component, 2), "{kind}");
    }
}

#[test]
fn unknown_kinds_are_refused() {
    let message = refusal(&Component::new("mnist"));
    assert!(
        message.starts_with(
            "data.kind is \"mnist\", which is not known; expected one of spirals, moons,"
        ),
        "{message}"
    );
}
