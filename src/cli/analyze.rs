//! `losscape analyze`: one analysis of a finished run, as JSON.

mod quantized;
mod sharpness;
mod signals;
mod spectrum;
mod stability;
#[cfg(test)]
mod tests;
mod waterfall;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::Failure;
use super::paths::{self, AlignArgs, BezierArgs, ForkArgs, InterpolateArgs, PlaneArgs};
use super::slice::SliceArgs;
use crate::nn::checkpoint;
use crate::session::{RunFolder, write_atomically};
use crate::train::Setup;

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
    Spectrum(Box<spectrum::SpectrumArgs>),
    /// The density of the Hessian's eigenvalues over the training
    Waterfall(waterfall::WaterfallArgs),
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
        Analysis::Spectrum(asked) => spectrum::analyze(dir, asked),
        Analysis::Waterfall(asked) => waterfall::analyze(dir, asked),
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

pub(super) fn write_json(path: &Path, document: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_vec_pretty(document).map_err(Failure::work)?;
    write_atomically(path, &text).map_err(Failure::work)
}
