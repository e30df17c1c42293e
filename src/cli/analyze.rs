//! `losscape analyze`: one analysis of a finished run, as JSON.

mod quantized;
mod sharpness;
mod signals;
mod stability;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::Failure;
use super::paths::{self, AlignArgs, BezierArgs, ForkArgs, InterpolateArgs, PlaneArgs};
use super::slice::SliceArgs;
use crate::engine::analyses::{self, SpectrumSettings};
use crate::engine::curvature::{self, Matrix};
use crate::nn::checkpoint;
use crate::session::json::{ExactDocument, LayerDocument, SpectrumDocument};
use crate::session::{RunFolder, subject, write_atomically};
use crate::train::Setup;

/// Residual of an eigenvalue, as a share of it, at which it is done.
const TOLERANCE: f64 = 1e-8;

/// Which run, which parameters, which analysis.
#[derive(Debug, Args)]
pub(super) struct AnalyzeArgs {
    /// The folder of a finished run, as `losscape run` left it
    dir: PathBuf,

    #[command(subcommand)]
    analysis: Analysis,
}

#[derive(Debug, Subcommand)]
enum Analysis {
    /// The loss on a plane (or a line) through the parameters
    Slice(Box<SliceArgs>),
    /// Eigenvalues, trace and density of the Hessian of the training loss
    Spectrum(SpectrumArgs),
    /// How sharp the training loss is around the parameters, by every measure
    Sharpness(sharpness::SharpnessArgs),
    /// What happens along the top eigenvectors, step by step
    Stability(stability::StabilityArgs),
    /// Gradient flow and central flow beside the run
    Flow(stability::FlowArgs),
    /// The landscape of the network with weights of few bits
    Quantized(quantized::QuantizedArgs),
    /// Per-sample losses over some steps: the samples that rise and fall most
    Signals(signals::SignalsArgs),
    /// The loss on the straight line to other parameters, and its barrier
    Interpolate(InterpolateArgs),
    /// A curve of low loss to other parameters, trained
    Bezier(BezierArgs),
    /// Permute the units of other parameters so that they match these
    Align(AlignArgs),
    /// The barrier between the run and copies that part from it, by step
    Fork(ForkArgs),
    /// The loss on the plane through these and two other parameter vectors
    Plane(PlaneArgs),
}

/// What every analysis can be told.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// Where to write the JSON
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    /// Analyse these parameters instead of the run's last ones
    #[arg(long, value_name = "FILE.safetensors")]
    pub parameters: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct SpectrumArgs {
    #[command(flatten)]
    common: Common,

    /// How many of the largest eigenvalues [default: the recipe's]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1000))]
    top: Option<u32>,

    /// Random probes of trace and density [default: the recipe's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    probes: Option<u32>,

    /// Lanczos steps for each probe [default: the recipe's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=10_000))]
    steps: Option<u32>,

    /// Seed of the probes [default: the recipe's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// The Hessian, the Gauss–Newton matrix, or the Hessian less that
    #[arg(long, value_enum, default_value = "hessian")]
    matrix: MatrixArg,

    /// Add every eigenvalue (up to 2,000 parameters)
    #[arg(long)]
    exact: bool,

    /// Add each layer's block, and what couples the layers
    #[arg(long)]
    layers: bool,

    /// Add the Hessian of each class's loss
    #[arg(long)]
    classes: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum MatrixArg {
    Hessian,
    GaussNewton,
    Rest,
}

/// A run with the parameters to analyse.
pub(super) struct Target {
    pub setup: Arc<Setup>,
    pub theta: Vec<f64>,
    pub step: Option<u64>,
    pub folder: RunFolder,
}

pub(super) fn analyze(args: &AnalyzeArgs) -> Result<(), Failure> {
    let dir = &args.dir;
    match &args.analysis {
        Analysis::Slice(slice) => super::slice::analyze(dir, slice),
        Analysis::Spectrum(spectrum) => analyze_spectrum(dir, spectrum),
        Analysis::Interpolate(asked) => paths::interpolate(dir, asked),
        Analysis::Bezier(asked) => paths::bezier(dir, asked),
        Analysis::Align(asked) => paths::align(dir, asked),
        Analysis::Fork(asked) => paths::fork(dir, asked),
        Analysis::Plane(asked) => paths::plane(dir, asked),
        Analysis::Sharpness(asked) => sharpness::analyze(dir, asked),
        Analysis::Signals(asked) => signals::analyze(dir, asked),
        Analysis::Stability(asked) => stability::analyze(dir, asked),
        Analysis::Flow(asked) => stability::flow(dir, asked),
        Analysis::Quantized(asked) => quantized::analyze(dir, asked),
    }
}

pub(super) fn target(dir: &Path, common: &Common) -> Result<Target, Failure> {
    let folder = RunFolder::new(dir);
    let setup = folder
        .setup(crate::catalogue::schema())
        .map_err(Failure::input)?;
    let (theta, step) = match &common.parameters {
        Some(path) => {
            let theta = checkpoint::load(path, setup.network.layout()).map_err(Failure::input)?;
            (theta, None)
        }
        None => {
            let (theta, step) = folder.parameters(&setup).map_err(Failure::input)?;
            (theta, Some(step))
        }
    };
    Ok(Target {
        setup,
        theta,
        step,
        folder,
    })
}

fn analyze_spectrum(dir: &Path, args: &SpectrumArgs) -> Result<(), Failure> {
    let target = target(dir, &args.common)?;
    let recipe = &target.setup.recipe;
    let mut settings =
        SpectrumSettings::from_recipe(&recipe.spectrum, args.seed.unwrap_or(recipe.seed));
    let given =
        |value: Option<u32>, otherwise: usize| value.map_or(otherwise, |value| value as usize);
    settings.top = given(args.top, settings.top);
    settings.probes = given(args.probes, settings.probes);
    settings.lanczos_steps = given(args.steps, settings.lanczos_steps);
    settings.tolerance = TOLERANCE;
    let (setup, theta) = (&target.setup, &target.theta);
    let matrix = match args.matrix {
        MatrixArg::Hessian => Matrix::Hessian,
        MatrixArg::GaussNewton => Matrix::GaussNewton,
        MatrixArg::Rest => Matrix::Rest,
    };
    if args.classes && matrix != Matrix::Hessian {
        return Err(Failure::Input(
            "--classes was given with another --matrix; expected hessian".to_owned(),
        ));
    }
    let operator = matrix.operator(setup, theta).map_err(Failure::input)?;
    let exact = if args.exact {
        let exact = matrix.exact(setup, theta, &()).map_err(Failure::input)?;
        Some(ExactDocument::new(exact))
    } else {
        None
    };
    let spectrum =
        analyses::spectrum_of(&*operator, &settings, &(), &mut |_| ()).map_err(Failure::input)?;
    let (Some(trace), Some(density)) = (spectrum.trace, &spectrum.density) else {
        return Err(Failure::Work("the spectrum came out incomplete".to_owned()));
    };
    let subject = subject(setup, target.step, "train");
    let mut document = SpectrumDocument::new(subject, &spectrum.top, trace, density);
    document.matrix = matrix;
    document.exact = exact;
    if args.layers {
        let (names, structure) =
            curvature::layers(setup, &*operator, &settings, &()).map_err(Failure::input)?;
        document.layers = Some(LayerDocument::all(names, &structure));
    }
    if args.classes {
        let classes = curvature::classes(setup, theta, &settings, &()).map_err(Failure::input)?;
        document.classes = Some(classes);
    }
    write_json(&args.common.out, &document)
}

pub(super) fn write_json(path: &Path, document: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_vec_pretty(document).map_err(Failure::work)?;
    write_atomically(path, &text).map_err(Failure::work)
}
