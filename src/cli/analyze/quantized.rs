//! `losscape analyze … quantized`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::super::Failure;
use super::super::figure::{Look, check_extension, write_figure};
use super::{Common, target, write_json};
use crate::engine::analyses::SliceDirections;
use crate::engine::quantized::{QuantizedSettings, quantized};
use crate::landscape::Extent;
use crate::nn::quantize::{QuantizerScope, ScaleRule};
use crate::session::json::DirectionsDocument;
use crate::session::measures::QuantizedDocument;
use crate::session::subject;
use crate::views;
use crate::views::quantized::QuantizedLook;

/// Which quantizer, and what is looked at.
#[derive(Debug, Args)]
pub(super) struct QuantizedArgs {
    #[command(flatten)]
    common: Common,

    /// Bits of a weight
    #[arg(long, value_name = "B", default_value_t = 4,
          value_parser = clap::value_parser!(u32).range(1..=32))]
    bits: u32,

    /// Whether a layer's weights share a scale, or those into each unit
    #[arg(long, value_enum, default_value = "tensor")]
    scope: ScopeArg,

    /// Scales from the largest weight, or those of the smallest squared error
    #[arg(long, value_enum, default_value = "max")]
    scales: RuleArg,

    /// Add the loss over factors on the scales: on all of them, on each layer's,
    /// and a map over the two largest layers'
    #[arg(long)]
    sweep: bool,

    /// Add searches for better scales, by gradients and by evolution, of so many
    /// evaluations each
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    search: Option<u32>,

    /// Add a plane of N points on a side, beside the float network's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=2049))]
    grid: Option<u16>,

    /// How far line and plane reach along each direction [default: the recipe's]
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    extent: Option<f64>,

    /// Seed of the directions [default: the recipe's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Also draw everything; the name ends with .svg or .png
    #[arg(long, value_name = "FILE")]
    figure: Option<PathBuf>,

    #[command(flatten)]
    look: Look,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ScopeArg {
    Tensor,
    Channel,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RuleArg {
    Max,
    LeastSquares,
}

/// Points of a sweep.
const SWEEP: usize = 513;

pub(super) fn analyze(dir: &Path, args: &QuantizedArgs) -> Result<(), Failure> {
    args.look.check()?;
    args.figure.as_deref().map(check_extension).transpose()?;
    if let Some(extent) = args.extent
        && !(extent.is_finite() && extent > 0.0)
    {
        return Err(Failure::Input(format!(
            "--extent is {extent}; expected a number above 0"
        )));
    }
    let target = target(dir, &args.common)?;
    let setup = &target.setup;
    let mut settings = QuantizedSettings::from_recipe(setup);
    settings.bits = args.bits;
    settings.scope = match args.scope {
        ScopeArg::Tensor => QuantizerScope::Tensor,
        ScopeArg::Channel => QuantizerScope::Channel,
    };
    settings.rule = match args.scales {
        RuleArg::Max => ScaleRule::MaxAbs,
        RuleArg::LeastSquares => ScaleRule::LeastSquares,
    };
    settings.sweep = if args.sweep { SWEEP } else { 0 };
    settings.search = args.search.map_or(0, |count| count as usize);
    settings.plane = args.grid.is_some();
    if let Some(grid) = args.grid {
        settings.slice.grid = usize::from(grid);
    }
    if let Some(extent) = args.extent {
        settings.slice.extent = Extent::Symmetric(extent);
    }
    if let Some(seed) = args.seed {
        settings.slice.directions = SliceDirections::Random { seed };
    }
    let (report, directions) =
        quantized(setup, &target.theta, &settings, &(), &mut |_| ()).map_err(Failure::input)?;
    if let Some(path) = &args.figure {
        let unit = if target.theta.len() == 2 {
            ""
        } else {
            views::landscape::displacement_unit(setup.recipe.slice.text("normalization"))
        };
        let figure = views::quantized::figure(&report, unit, QuantizedLook::default())
            .titled(&setup.recipe.name);
        let height = 360.0 * figure.rows.len() as f64 + 40.0;
        let look = args.look.or_width(960.0);
        write_figure(figure, setup, path, &look, height)?;
    }
    let mut plane = DirectionsDocument::new(&directions, "axes");
    if target.theta.len() != 2
        && let SliceDirections::Random { seed } = settings.slice.directions
    {
        plane.source = "random".to_owned();
        plane.seed = Some(seed);
        plane.normalization = Some(setup.recipe.slice.text("normalization").to_owned());
    }
    let document = QuantizedDocument {
        subject: subject(setup, target.step, "train"),
        directions: plane,
        report,
    };
    write_json(&args.common.out, &document)
}
