//! `losscape analyze … sharpness`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::Failure;
use super::super::figure::{Look, check_extension, write_figure};
use super::{Common, target, write_json};
use crate::curvature::sharpness::{SharpnessSettings, sharpness};
use crate::session::measures::SharpnessDocument;
use crate::session::subject;
use crate::views;

/// Radii, deviations and how much work is done.
#[derive(Debug, Args)]
pub(super) struct SharpnessArgs {
    #[command(flatten)]
    common: Common,

    /// Radius of the ball (SAM)
    #[arg(
        long,
        value_name = "R",
        default_value_t = 0.05,
        allow_negative_numbers = true
    )]
    rho: f64,

    /// Radius of the ball in units of |θ| (ASAM)
    #[arg(
        long,
        value_name = "R",
        default_value_t = 0.5,
        allow_negative_numbers = true
    )]
    scaled_rho: f64,

    /// Half-width of the box, times |θ| + 1
    #[arg(
        long,
        value_name = "E",
        default_value_t = 1e-3,
        allow_negative_numbers = true
    )]
    epsilon: f64,

    /// Standard deviation of random displacements [default: rho over the root of
    /// the number of parameters]
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    sigma: Option<f64>,

    /// The same in units of |θ| [default: scaled-rho over that root]
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    scaled_sigma: Option<f64>,

    /// Gradient steps of each ascent, at most
    #[arg(long, value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    steps: u32,

    /// Pairs of random displacements
    #[arg(long, value_name = "N", default_value_t = 64,
          value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    probes: u32,

    /// Seed of the displacements [default: the recipe's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Also draw the measures against the radius; the name ends with .svg or .png
    #[arg(long, value_name = "FILE")]
    figure: Option<PathBuf>,

    #[command(flatten)]
    look: Look,
}

pub(super) fn analyze(dir: &Path, args: &SharpnessArgs) -> Result<(), Failure> {
    for (name, value) in [
        ("--rho", Some(args.rho)),
        ("--scaled-rho", Some(args.scaled_rho)),
        ("--epsilon", Some(args.epsilon)),
        ("--sigma", args.sigma),
        ("--scaled-sigma", args.scaled_sigma),
    ] {
        // Radii around it are looked at, too: they must not over- or underflow.
        if let Some(value) = value
            && !(1e-100..=1e100).contains(&value)
        {
            return Err(Failure::Input(format!(
                "{name} is {value}; expected a number above 0, from 1e-100 to 1e100"
            )));
        }
    }
    args.look.check()?;
    args.figure.as_deref().map(check_extension).transpose()?;
    let target = target(dir, &args.common)?;
    let settings = SharpnessSettings {
        rho: args.rho,
        scaled_rho: args.scaled_rho,
        epsilon: args.epsilon,
        sigma: args.sigma,
        scaled_sigma: args.scaled_sigma,
        steps: args.steps as usize,
        pairs: args.probes as usize,
        seed: args.seed.unwrap_or(target.setup.recipe.seed),
        ..SharpnessSettings::default()
    };
    let objective = target.setup.training_double().map_err(Failure::input)?;
    let report = sharpness(objective, &target.theta, &settings, &()).map_err(Failure::input)?;
    if let Some(path) = &args.figure {
        let figure = views::sharpness::figure(&report, target.theta.len(), Default::default())
            .titled(&target.setup.recipe.name);
        let look = args.look.or_width(1080.0);
        write_figure(figure, &target.setup, path, &look, 440.0)?;
    }
    let document = SharpnessDocument {
        subject: subject(&target.setup, target.step, "train"),
        report,
    };
    write_json(&args.common.out, &document)
}
