//! Figures of analyses, written as SVG or PNG.

use std::path::Path;

use super::Failure;
use crate::figure::embed::RECIPE_KEY;
use crate::figure::{Figure, SvgOptions, png, svg};
use crate::session::write_atomically;
use crate::train::Setup;

/// Pixels of a PNG for each CSS pixel.
const SCALE: f64 = 2.0;

/// Whether a file is to be a PNG (or else an SVG), as its name says.
fn is_png(path: &Path) -> Result<bool, Failure> {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        Some("svg") => Ok(false),
        Some("png") => Ok(true),
        _ => Err(Failure::Input(format!(
            "--figure {} names neither an SVG nor a PNG; expected a name that ends with .svg or .png",
            path.display()
        ))),
    }
}

/// Refuses a name that [`write`] could not write, before the work is done.
pub(super) fn check(path: Option<&Path>) -> Result<(), Failure> {
    path.map_or(Ok(()), |path| is_png(path).map(|_| ()))
}

/// Writes a figure, `size` (width, height) in CSS pixels, with the recipe in it.
pub(super) fn write(
    figure: Figure,
    setup: &Setup,
    size: (f64, f64),
    path: &Path,
) -> Result<(), Failure> {
    let schema = crate::catalogue::schema();
    let recipe = setup.recipe.with_absolute_paths(&setup.base_dir, schema);
    let figure = figure
        .with_metadata(RECIPE_KEY, recipe.to_toml(schema))
        .with_metadata("program", concat!("losscape ", env!("CARGO_PKG_VERSION")));
    let options = SvgOptions::new(size.0, size.1);
    let bytes = if is_png(path)? {
        png::write(&figure, &options, (SCALE * size.0).round() as u32).map_err(Failure::work)?
    } else {
        svg::write(&figure, &options).into_bytes()
    };
    write_atomically(path, &bytes).map_err(Failure::work)
}
