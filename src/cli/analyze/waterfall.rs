//! `losscape analyze … waterfall`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::Failure;
use super::super::figure::{Look, check_extension, write_figure};
use super::spectrum::MatrixArg;
use super::write_json;
use crate::engine::curvature::{self, Matrix, WATERFALL_ROWS, WaterfallSettings, choose_snapshots};
use crate::session::json::WaterfallDocument;
use crate::session::{RunFolder, subject};
use crate::views::hessian::density::DensityLook;
use crate::views::hessian::waterfall::{self, WaterfallLook};

#[derive(Debug, Args)]
pub(super) struct WaterfallArgs {
    /// Where to write the JSON
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// Moments of the training at most
    #[arg(long, value_name = "N", default_value_t = WATERFALL_ROWS as u32,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    moments: u32,

    /// Random probes, the same for every moment
    #[arg(long, value_name = "N", default_value_t = 3,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    probes: u32,

    /// Lanczos steps for each probe [default: the recipe's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=10_000))]
    steps: Option<u32>,

    /// Seed of the probes [default: the recipe's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// The Hessian, the Gauss–Newton matrix, or the Hessian less that: hessian,
    /// gauss-newton, rest
    #[arg(
        long,
        value_enum,
        default_value = "hessian",
        hide_possible_values = true
    )]
    matrix: MatrixArg,

    /// Also draw it; the name ends with .svg or .png
    #[arg(long, value_name = "FILE")]
    figure: Option<PathBuf>,

    /// Draw log₁₀|λ|, with a picture for each sign
    #[arg(long, requires = "figure")]
    log: bool,

    #[command(flatten)]
    look: Look,
}

pub(super) fn analyze(dir: &Path, args: &WaterfallArgs) -> Result<(), Failure> {
    args.look.check()?;
    args.figure.as_deref().map(check_extension).transpose()?;
    let matrix = args.matrix.matrix();
    if matrix == Matrix::Preconditioned {
        return Err(Failure::Input(
            "--matrix is preconditioned; expected hessian, gauss-newton or rest: the snapshots of \
             a folder do not remember their optimizer"
                .to_owned(),
        ));
    }
    let folder = RunFolder::new(dir);
    let setup = folder
        .setup(crate::catalogue::schema())
        .map_err(Failure::input)?;
    let snapshots = folder.snapshots(&setup).map_err(Failure::input)?;
    let chosen = choose_snapshots(&snapshots, args.moments as usize);
    let settings = WaterfallSettings {
        matrix,
        rows: args.moments as usize,
        probes: args.probes as usize,
        lanczos_steps: args
            .steps
            .map_or(setup.recipe.spectrum.count("lanczos_steps"), |n| n as usize),
        seed: args.seed.unwrap_or(setup.recipe.seed),
    };
    let found = curvature::waterfall(&setup, &chosen, &settings, &(), &mut |_| ())
        .map_err(Failure::input)?;
    if let Some(path) = &args.figure {
        let look = WaterfallLook {
            density: DensityLook {
                log: args.log,
                ..DensityLook::default()
            },
            ..WaterfallLook::default()
        };
        let figure = waterfall::figure(&look, Some(&found), setup.steps_per_epoch)
            .titled(&setup.recipe.name);
        write_figure(figure, &setup, path, &args.look, 480.0)?;
    }
    let subject = subject(&setup, chosen.last().map(|snapshot| snapshot.step), "train");
    write_json(
        &args.out,
        &WaterfallDocument::new(subject, &settings, found),
    )
}
