//! `losscape analyze`: one analysis of a finished run, as JSON.

mod quantized;
mod sharpness;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::{Failure, SplitArg};
use crate::engine::Landscape;
use crate::engine::analyses::{self, SliceDirections, SliceSettings, SpectrumSettings, Split};
use crate::engine::curvature::{self, Matrix};
use crate::landscape::{Directions, Normalization};
use crate::nn::checkpoint;
use crate::session::json::{
    ExactDocument, LayerDocument, LineDocument, SliceDocument, SpectrumDocument,
};
use crate::session::{RunFolder, describe_directions, subject, write_atomically};
use crate::train::{Setup, Snapshot};

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
    Slice(SliceArgs),
    /// Eigenvalues, trace and density of the Hessian of the training loss
    Spectrum(SpectrumArgs),
    /// How sharp the training loss is around the parameters, by every measure
    Sharpness(sharpness::SharpnessArgs),
    /// The landscape of the network with weights of few bits
    Quantized(quantized::QuantizedArgs),
}

/// What every analysis can be told.
#[derive(Debug, Args)]
struct Common {
    /// Where to write the JSON
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// Analyse these parameters instead of the run's last ones
    #[arg(long, value_name = "FILE.safetensors")]
    parameters: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct SliceArgs {
    #[command(flatten)]
    common: Common,

    /// Points on a side [default: the recipe's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=2049))]
    grid: Option<u16>,

    /// How far the slice reaches along each direction [default: the recipe's]
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    extent: Option<f64>,

    /// `random`, or a safetensors file with the tensors `d1.NAME` and `d2.NAME`
    #[arg(long, value_name = "random|FILE", default_value = "random")]
    directions: String,

    /// The file of `--directions file`
    #[arg(long, value_name = "FILE.safetensors")]
    directions_file: Option<PathBuf>,

    /// How random directions are scaled [default: the recipe's]
    #[arg(long, value_enum)]
    normalization: Option<NormalizationArg>,

    /// Seed of random directions [default: the recipe's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// The samples whose loss is measured [default: the recipe's]
    #[arg(long, value_enum)]
    split: Option<SplitArg>,

    /// A line along the first direction instead of a plane
    #[arg(long)]
    line: bool,

    /// Measure the loss on N samples drawn at random, with its standard error
    /// [default: on all of them]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..))]
    samples: Option<u64>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum NormalizationArg {
    Filter,
    Layer,
    Elementwise,
    None,
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
struct Target {
    setup: Arc<Setup>,
    theta: Vec<f64>,
    step: Option<u64>,
    folder: RunFolder,
}

pub(super) fn analyze(args: &AnalyzeArgs) -> Result<(), Failure> {
    match &args.analysis {
        Analysis::Slice(slice) => analyze_slice(&args.dir, slice),
        Analysis::Spectrum(spectrum) => analyze_spectrum(&args.dir, spectrum),
        Analysis::Sharpness(asked) => sharpness::analyze(&args.dir, asked),
        Analysis::Quantized(asked) => quantized::analyze(&args.dir, asked),
    }
}

fn target(dir: &Path, common: &Common) -> Result<Target, Failure> {
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

fn analyze_slice(dir: &Path, args: &SliceArgs) -> Result<(), Failure> {
    let target = target(dir, &args.common)?;
    let mut settings = SliceSettings::from_recipe(&target.setup.recipe.slice);
    if let Some(grid) = args.grid {
        settings.grid = usize::from(grid);
    }
    if let Some(extent) = args.extent {
        if !(extent.is_finite() && extent > 0.0) {
            return Err(Failure::Input(format!(
                "--extent is {extent}; expected a number above 0"
            )));
        }
        settings.extent = extent;
    }
    if let Some(normalization) = args.normalization {
        settings.normalization = match normalization {
            NormalizationArg::Filter => Normalization::Filter,
            NormalizationArg::Layer => Normalization::Layer,
            NormalizationArg::Elementwise => Normalization::Elementwise,
            NormalizationArg::None => Normalization::None,
        };
    }
    if let Some(split) = args.split {
        settings.split = match split {
            SplitArg::Train => Split::Train,
            SplitArg::Validation => Split::Validation,
        };
    }
    if let Some(seed) = args.seed {
        settings.directions = SliceDirections::Random { seed };
    }
    settings.line = args.line;
    settings.samples = args
        .samples
        .map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    if let Some(file) = directions_file(args)? {
        let layout = target.setup.network.layout();
        let load = |prefix| checkpoint::load_prefixed(&file, layout, prefix);
        let first = load("d1.").map_err(Failure::input)?;
        let second = load("d2.").map_err(Failure::input)?;
        let directions = Directions::new(first, second).map_err(|error| {
            Failure::Input(format!("the directions in {}: {error}", file.display()))
        })?;
        settings.directions = SliceDirections::Given(Arc::new(directions));
    }
    // The path belongs to the run's own parameters.
    let path: Vec<Arc<Snapshot>> = if target.step.is_some() {
        let snapshots = target
            .folder
            .snapshots(&target.setup)
            .map_err(Failure::input)?;
        snapshots.all().to_vec()
    } else {
        Vec::new()
    };
    let landscape = analyses::slice_double(&target.setup, &target.theta, &path, &settings, &())
        .map_err(Failure::input)?;
    let split = match settings.split {
        Split::Train => "train",
        Split::Validation => "validation",
    };
    let mut subject = subject(&target.setup, target.step, split);
    if let Some(count) = settings.samples {
        subject.samples = subject.samples.min(count);
    }
    let directions = describe_directions(&landscape, &settings, target.theta.len());
    let Landscape {
        shape,
        path,
        share,
        errors,
        ..
    } = landscape;
    match shape {
        crate::engine::SliceShape::Line(line) => write_json(
            &args.common.out,
            &LineDocument::new(subject, directions, &line),
        ),
        crate::engine::SliceShape::Plane(plane) => {
            let mut document = SliceDocument::new(subject, directions, &plane);
            document.path = path.to_vec();
            document.path_outside = share.map(|share| share.length_outside);
            document.path_errors = errors.as_deref().cloned();
            write_json(&args.common.out, &document)
        }
    }
}

/// The file that the directions come from, if they come from one.
fn directions_file(args: &SliceArgs) -> Result<Option<PathBuf>, Failure> {
    match (args.directions.as_str(), &args.directions_file) {
        ("random", None) => Ok(None),
        ("random", Some(_)) => Err(Failure::Input(
            "--directions-file was given with --directions random; expected --directions file"
                .to_owned(),
        )),
        ("file", Some(file)) => Ok(Some(file.clone())),
        ("file", None) => Err(Failure::Input(
            "--directions file needs --directions-file FILE.safetensors".to_owned(),
        )),
        (file, None) if Path::new(file).is_file() => Ok(Some(PathBuf::from(file))),
        (other, _) => Err(Failure::Input(format!(
            "--directions is {other:?}; expected random or a safetensors file that is there"
        ))),
    }
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

fn write_json(path: &Path, document: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_vec_pretty(document).map_err(Failure::work)?;
    write_atomically(path, &text).map_err(Failure::work)
}
