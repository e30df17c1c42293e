//! `losscape analyze … spectrum`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::super::Failure;
use super::super::figure::{Look, check_extension, write_figure};
use super::{Common, Target, target, write_json};
use crate::curvature::{Bandwidth, verify};
use crate::engine::analyses::{self, SpectrumSettings};
use crate::engine::curvature::{self, BatchSettings, ClassesResult, Cut, LayersResult, Matrix};
use crate::figure::Figure;
use crate::math::SymmetricOperator;
use crate::session::json::{ExactDocument, LayerDocument, SpectrumDocument};
use crate::session::subject;
use crate::train::optimizers::OptimizerState;
use crate::views::hessian::{batches, blocks, classes, density};

/// Residual of an eigenvalue, as a share of it, at which it is done.
const TOLERANCE: f64 = 1e-8;
/// Height of a row of the figure.
const ROW: f64 = 380.0;

#[derive(Debug, Args)]
pub(super) struct SpectrumArgs {
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

    /// Seed of the probes and batches [default: the recipe's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// The Hessian, the Gauss–Newton matrix, the Hessian less that, or the
    /// Hessian preconditioned as the optimizer is
    #[arg(long, value_enum, default_value = "hessian")]
    matrix: MatrixArg,

    /// Add every eigenvalue (up to 2,000 parameters), and how the density
    /// differs from them
    #[arg(long)]
    exact: bool,

    /// Add each layer's block, and what couples the layers
    #[arg(long)]
    layers: bool,

    /// Add each tensor's block (weights apart from biases), and what couples them
    #[arg(long)]
    tensors: bool,

    /// Add the Hessian of each class's loss
    #[arg(long)]
    classes: bool,

    /// Add the ends of the Hessians of N random mini-batches of each size (of
    /// small sizes up to 16 N, as long as they are disjoint)
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "5",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batches: Option<u32>,

    /// Also draw the density and what was added; the name ends with .svg or .png
    #[arg(long, value_name = "FILE")]
    figure: Option<PathBuf>,

    /// Draw the density of log₁₀|λ|
    #[arg(long, requires = "figure")]
    log: bool,

    /// Draw the nodes of the quadrature too
    #[arg(long, requires = "figure")]
    stems: bool,

    /// Width of the drawn density's kernel, times range over steps
    #[arg(
        long,
        value_name = "X",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    bandwidth: f64,

    #[command(flatten)]
    look: Look,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum MatrixArg {
    Hessian,
    GaussNewton,
    Rest,
    Preconditioned,
}

impl MatrixArg {
    pub(super) fn matrix(self) -> Matrix {
        match self {
            Self::Hessian => Matrix::Hessian,
            Self::GaussNewton => Matrix::GaussNewton,
            Self::Rest => Matrix::Rest,
            Self::Preconditioned => Matrix::Preconditioned,
        }
    }
}

/// What the optimizer remembered at the parameters, as far as that is known.
fn optimizer_state(target: &Target) -> Result<Option<OptimizerState<f32>>, Failure> {
    match target.step {
        Some(step) => target.folder.optimizer(step).map_err(Failure::input),
        None => Ok(None),
    }
}

pub(super) fn analyze(dir: &Path, args: &SpectrumArgs) -> Result<(), Failure> {
    args.look.check()?;
    args.figure.as_deref().map(check_extension).transpose()?;
    if !density::FACTORS.contains(&args.bandwidth) {
        return Err(Failure::Input(format!(
            "--bandwidth is {}; expected a number from {} to {}",
            args.bandwidth,
            density::FACTORS.start(),
            density::FACTORS.end()
        )));
    }
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
    let matrix = args.matrix.matrix();
    for (asked, option) in [
        (args.classes, "--classes"),
        (args.batches.is_some(), "--batches"),
    ] {
        if asked && matrix != Matrix::Hessian {
            return Err(Failure::Input(format!(
                "{option} was given with another --matrix; expected hessian"
            )));
        }
    }
    let state = if matrix == Matrix::Preconditioned {
        optimizer_state(&target)?
    } else {
        None
    };
    let operator = matrix
        .operator_with(setup, theta, state.as_ref())
        .map_err(Failure::input)?;
    let exact = if args.exact {
        let found = matrix.exact_with(setup, theta, state.as_ref(), &());
        Some(found.map_err(Failure::input)?)
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
    let look = density::DensityLook {
        log: args.log,
        stems: args.stems,
        bandwidth: args.bandwidth,
    };
    let series = density::DensitySeries {
        matrix,
        density,
        top: Some(&spectrum.top),
        exact: exact.as_ref(),
    };
    let info = density::DensityInfo {
        step: target.step,
        trace: Some(&trace),
        classes: setup.data.train.class_names().len(),
        ..density::DensityInfo::default()
    };
    let mut drawing = density::figure(&look, &[series], &info);
    if let Some(exact) = &exact {
        let sigma = density.sigma(Bandwidth::default());
        document.verification = Some(verify(density, Some(&spectrum.top), exact, sigma));
    }
    document.exact = exact.map(ExactDocument::new);
    if args.layers {
        document.layers = Some(cut(
            &target,
            &*operator,
            Cut::Layers,
            matrix,
            &settings,
            &mut drawing,
        )?);
    }
    if args.tensors {
        document.tensors = Some(cut(
            &target,
            &*operator,
            Cut::Tensors,
            matrix,
            &settings,
            &mut drawing,
        )?);
    }
    if args.classes {
        let planned = setup.data.train.class_names().len();
        let found = curvature::classes_with(setup, theta, &settings, true, &(), &mut |_| ())
            .map_err(Failure::input)?;
        let found = ClassesResult {
            classes: found,
            planned,
        };
        let figure = classes::figure(&look, Some(&found), false);
        drawing.rows.extend(figure.rows);
        document.classes = Some(found.classes);
    }
    if let Some(count) = args.batches {
        let settings = BatchSettings {
            batches: count as usize,
            seed: settings.seed,
            tolerance: TOLERANCE,
        };
        let found = curvature::batches(setup, theta, &settings, &(), &mut |_| ())
            .map_err(Failure::input)?;
        let figure = batches::figure(&found, args.log, Some(setup.batch_size));
        drawing.rows.extend(figure.rows);
        document.batches = Some(found);
    }
    if let Some(path) = &args.figure {
        let height = 60.0 + ROW * drawing.rows.len() as f64;
        let figure = drawing.titled(&setup.recipe.name);
        write_figure(figure, setup, path, &args.look.or_width(860.0), height)?;
    }
    write_json(&args.common.out, &document)
}

/// The blocks as a document, drawn below the rest.
fn cut(
    target: &Target,
    operator: &dyn SymmetricOperator,
    cut: Cut,
    matrix: Matrix,
    settings: &SpectrumSettings,
    drawing: &mut Figure,
) -> Result<Vec<LayerDocument>, Failure> {
    let (names, structure) =
        curvature::blocks(&target.setup, operator, cut, settings, &()).map_err(Failure::input)?;
    let found = LayersResult {
        matrix,
        cut,
        names,
        structure,
    };
    drawing
        .rows
        .extend(blocks::figure(Some(&found), false).rows);
    Ok(LayerDocument::all(found.names, &found.structure))
}
