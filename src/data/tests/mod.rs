//! Every generator, the bundled digits, the user's files, and the options.

mod csv;
mod generators;
mod idx;
mod options;
mod registry;

use std::path::Path;

use super::{DataError, Dataset, PreparedData, prepare, source};
use crate::recipe::Component;

/// The component of this kind with default values.
fn component(kind: &str) -> Component {
    source(kind).unwrap().kind().defaults(super::COMMON_FIELDS)
}

/// All samples of the component.
fn load(component: &Component, seed: u64) -> Dataset {
    source(&component.kind)
        .unwrap()
        .load(component, seed, Path::new("."))
        .unwrap()
}

fn prepared(component: &Component, seed: u64) -> PreparedData {
    prepare(component, seed, Path::new(".")).unwrap()
}

fn refusal(component: &Component) -> String {
    prepare(component, 0, Path::new("."))
        .unwrap_err()
        .to_string()
}

/// The message of an error without the folder of the temporary file.
fn sentence<T>(result: Result<T, DataError>, directory: &Path) -> String {
    let Err(error) = result else {
        panic!("this should have been refused");
    };
    let prefix = format!("{}/", directory.display());
    error.to_string().replace(&prefix, "")
}
