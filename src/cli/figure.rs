//! `losscape figure`: one figure of a finished run, as SVG or PNG.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::Failure;
use crate::engine::headless::FinishedRun;
use crate::figure::embed::{PROGRAM, PROGRAM_KEY, RECIPE_KEY};
use crate::figure::{Figure, FigureTheme, SvgOptions, png, svg};
use crate::session::{RunFolder, write_atomically};
use crate::train::Setup;

/// Which figure of which run, and what it looks like.
#[derive(Debug, Args)]
pub(super) struct FigureArgs {
    /// The folder of a finished run, as `losscape run` left it
    dir: PathBuf,

    /// What the figure shows
    #[arg(long, value_enum)]
    view: View,

    /// Where to write it; the name ends with .svg or .png
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    #[command(flatten)]
    look: Look,
}

/// Size and colours.
#[derive(Debug, Args)]
pub(super) struct Look {
    /// Width in CSS pixels, 96 to the inch [default: 720]
    #[arg(long, value_name = "PX", allow_negative_numbers = true)]
    width: Option<f64>,

    /// Height in CSS pixels [default: what suits the view]
    #[arg(long, value_name = "PX", allow_negative_numbers = true)]
    height: Option<f64>,

    /// Pixels of a PNG for each CSS pixel: 1 is 96 dpi, 3 is 288 dpi
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2.0,
        allow_negative_numbers = true
    )]
    scale: f64,

    /// Light for paper, dark for slides
    #[arg(long, value_enum, default_value_t = ThemeArg::Light)]
    theme: ThemeArg,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            width: None,
            height: None,
            scale: 2.0,
            theme: ThemeArg::Light,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ThemeArg {
    Light,
    Dark,
}

/// The views of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum View {
    /// Loss and accuracy against steps
    Loss,
    /// The slice of the loss landscape with the training path
    Landscape,
    /// Eigenvalues of the Hessian against steps, and their density
    Spectrum,
    /// Gradient norms by layer, gradient images and saliency maps
    Gradients,
    /// The data and what the network makes of them
    Data,
}

impl View {
    pub(super) const ALL: [Self; 5] = [
        Self::Loss,
        Self::Landscape,
        Self::Spectrum,
        Self::Gradients,
        Self::Data,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Landscape => "landscape",
            Self::Spectrum => "spectrum",
            Self::Gradients => "gradients",
            Self::Data => "data",
        }
    }

    /// The height in CSS pixels that suits it at the default width.
    fn height(self) -> f64 {
        match self {
            Self::Loss => 480.0,
            Self::Landscape | Self::Data => 620.0,
            Self::Spectrum => 640.0,
            Self::Gradients => 1100.0,
        }
    }
}

pub(super) fn figure(args: &FigureArgs) -> Result<(), Failure> {
    check_extension(&args.out)?;
    args.look.check()?;
    let run = RunFolder::new(&args.dir)
        .open(crate::catalogue::schema())
        .map_err(Failure::input)?;
    write(&run, args.view, &args.out, &args.look)
}

/// Writes the figure of one view, in the format that the file's name asks for.
pub(super) fn write(
    run: &FinishedRun,
    view: View,
    path: &Path,
    look: &Look,
) -> Result<(), Failure> {
    let figure = super::views::figure(run, view).with_metadata("step", run.last.step.to_string());
    write_figure(figure, &run.setup, path, look, view.height())
}

/// Writes a figure about a run, with the run's recipe in it, in the format that
/// the file's name asks for.
pub(super) fn write_figure(
    figure: Figure,
    setup: &Setup,
    path: &Path,
    look: &Look,
    height: f64,
) -> Result<(), Failure> {
    let schema = crate::catalogue::schema();
    let recipe = setup.recipe.with_absolute_paths(&setup.base_dir, schema);
    let figure = figure
        .with_metadata(RECIPE_KEY, recipe.to_toml(schema))
        .with_metadata(PROGRAM_KEY, PROGRAM);
    let (width, height) = (look.width.unwrap_or(720.0), look.height.unwrap_or(height));
    let theme = match look.theme {
        ThemeArg::Light => FigureTheme::light(),
        ThemeArg::Dark => FigureTheme::dark(),
    };
    let options = SvgOptions::new(width, height).theme(theme);
    let bytes = match check_extension(path)? {
        Format::Svg => svg::write(&figure, &options).into_bytes(),
        Format::Png => {
            let width = (width * look.scale).round() as u32;
            png::write(&figure, &options, width).map_err(Failure::work)?
        }
    };
    write_atomically(path, &bytes).map_err(Failure::work)
}

impl Look {
    /// The same with this width where none was asked for.
    pub(super) fn or_width(&self, width: f64) -> Self {
        Self {
            width: self.width.or(Some(width)),
            ..*self
        }
    }

    pub(super) fn check(&self) -> Result<(), Failure> {
        for (name, value, least, most) in [
            ("--width", self.width, 120.0, 10_000.0),
            ("--height", self.height, 90.0, 10_000.0),
            ("--scale", Some(self.scale), 0.25, 16.0),
        ] {
            if let Some(value) = value
                && !(least..=most).contains(&value)
            {
                return Err(Failure::Input(format!(
                    "{name} is {value}; expected a number from {least} to {most}"
                )));
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Svg,
    Png,
}

pub(super) fn check_extension(path: &Path) -> Result<Format, Failure> {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        Some("svg") => Ok(Format::Svg),
        Some("png") => Ok(Format::Png),
        _ => Err(Failure::Input(format!(
            "{} names neither an SVG nor a PNG; expected a name that ends with .svg or .png",
            path.display()
        ))),
    }
}
