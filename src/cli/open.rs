//! `losscape` without a command: the window, or the same job without one.

use std::path::PathBuf;

use super::Failure;
use super::run::run_into;

/// Opens the window on the recipe. Without a display, without a graphics
/// adapter, or in a build without a window, says so and runs the recipe
/// headless.
pub(super) fn open(name: &str, out: Option<PathBuf>) -> Result<(), Failure> {
    let (recipe, stem, base_dir) = super::read_recipe(name)?;
    match try_window(&recipe, &base_dir) {
        Ok(()) => Ok(()),
        Err(WindowMissing::Nothing(reason)) => {
            let out = out.unwrap_or_else(|| PathBuf::from(format!("losscape-{stem}")));
            eprintln!(
                "{reason}. The same job runs without a window; results go to {}",
                out.display()
            );
            run_into(&recipe, &base_dir, &out, false)
        }
        Err(WindowMissing::Failed(failure)) => Err(failure),
    }
}

/// Why there is no window.
enum WindowMissing {
    /// The machine has no display, nothing that can draw on it, or the build
    /// has no window: a sentence without its full stop.
    Nothing(String),
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
    use crate::app::{AppOptions, run_window};

    let options = AppOptions {
        recipe: Some(recipe.clone()),
        base_dir: base_dir.to_owned(),
        ..AppOptions::default()
    };
    run_window(options).map_err(missing)
}

/// Without a display or an adapter there is the same job without a window; any
/// other error is one.
#[cfg(feature = "gui")]
fn missing(error: crate::app::WindowError) -> WindowMissing {
    use crate::app::WindowError;

    match error {
        missing @ (WindowError::NoDisplay(_) | WindowError::NoAdapter(_)) => {
            WindowMissing::Nothing(missing.to_string())
        }
        other => WindowMissing::Failed(Failure::work(other)),
    }
}

#[cfg(not(feature = "gui"))]
fn try_window(
    _recipe: &crate::recipe::Recipe,
    _base_dir: &std::path::Path,
) -> Result<(), WindowMissing> {
    Err(WindowMissing::Nothing(
        "this build of losscape has no window".to_owned(),
    ))
}

#[cfg(all(test, feature = "gui"))]
mod tests {
    use super::*;
    use crate::app::WindowError;

    #[test]
    fn without_a_display_or_an_adapter_the_job_is_done_headless() {
        let none = || "none".to_owned();
        for error in [
            WindowError::NoDisplay(none()),
            WindowError::NoAdapter(none()),
        ] {
            assert!(matches!(missing(error), WindowMissing::Nothing(_)));
        }
        let other = missing(WindowError::Other(none()));
        assert!(matches!(other, WindowMissing::Failed(_)));
    }
}
