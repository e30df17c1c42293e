//! `losscape` without a command: the window, or the same job without one.

use std::path::PathBuf;

use super::Failure;
use super::run::run_into;

/// Opens the window on the recipe. Without a display, or in a build without a
/// window, says so and runs the recipe headless.
pub(super) fn open(name: &str, out: Option<PathBuf>) -> Result<(), Failure> {
    let (recipe, stem, base_dir) = super::read_recipe(name)?;
    match try_window(&recipe, &base_dir) {
        Ok(()) => Ok(()),
        Err(WindowMissing::NoDisplay(reason)) => {
            let out = out.unwrap_or_else(|| PathBuf::from(format!("losscape-{stem}")));
            eprintln!(
                "{reason}, so the same job runs without a window; results go to {}",
                out.display()
            );
            run_into(&recipe, &base_dir, &out, false)
        }
        Err(WindowMissing::Failed(failure)) => Err(failure),
    }
}

/// Why there is no window.
enum WindowMissing {
    /// The machine or the build has none: a sentence without its full stop.
    NoDisplay(String),
    /// There should have been one.
    #[cfg_attr(
        not(feature = "gui"),
        expect(dead_code, reason = "only a window can fail")
    )]
    Failed(Failure),
}

#[cfg(feature = "gui")]
fn try_window(
    recipe: &crate::recipe::Recipe,
    base_dir: &std::path::Path,
) -> Result<(), WindowMissing> {
    use crate::app::{AppOptions, WindowError, run_window};

    if no_display() {
        return Err(WindowMissing::NoDisplay("there is no display".to_owned()));
    }
    let options = AppOptions::new(recipe.clone(), base_dir.to_owned());
    run_window(options).map_err(|error| match error {
        WindowError::NoDisplay(reason) => WindowMissing::NoDisplay(format!(
            "there is no display that a window could open on ({reason})"
        )),
        other => WindowMissing::Failed(Failure::work(other)),
    })
}

/// On Unix without macOS, whether neither X11 nor Wayland is announced.
#[cfg(feature = "gui")]
fn no_display() -> bool {
    let announced = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(all(unix, not(target_os = "macos")))
        && !["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"]
            .into_iter()
            .any(announced)
}

#[cfg(not(feature = "gui"))]
fn try_window(
    _recipe: &crate::recipe::Recipe,
    _base_dir: &std::path::Path,
) -> Result<(), WindowMissing> {
    Err(WindowMissing::NoDisplay(
        "this build of losscape has no window".to_owned(),
    ))
}
