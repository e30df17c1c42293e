//! `losscape analyze … stability` and `losscape analyze … flow`: a piece of a
//! run made again, step by step.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::super::Failure;
use super::super::figure::{Look, check_extension, write_figure};
use super::write_json;
use crate::engine::stability::Beginning;
use crate::session::measures::{FlowDocument, StabilityDocument};
use crate::session::{RunFolder, subject};
use crate::stability::{FlowSettings, StabilitySettings};
use crate::views;
use crate::views::flow::FlowLook;
use crate::views::stability::{StabilityLook, StabilityPart};

/// Residual of an eigenvalue, as a share of it, at which it is done.
const TOLERANCE: f64 = 1e-5;

/// Which steps, where to write, and a figure.
#[derive(Debug, Args)]
struct WindowArgs {
    /// Where to write the JSON
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// The first step [default: so that the window ends where the run does]
    #[arg(long, value_name = "STEP")]
    from: Option<u64>,

    /// Updates that are followed
    #[arg(long, value_name = "N", default_value_t = 200,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    steps: u64,

    /// Steps between two measurements of eigenvalues
    #[arg(long, value_name = "M", default_value_t = 1,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    every: u64,

    /// Draw it too; the name ends with .svg or .png
    #[arg(long, value_name = "FILE")]
    figure: Option<PathBuf>,

    #[command(flatten)]
    look: Look,
}

#[derive(Debug, Args)]
pub(super) struct StabilityArgs {
    #[command(flatten)]
    window: WindowArgs,

    /// How many of the largest eigenvalues [default: the number of classes, for a
    /// regression the recipe's `top` of the spectrum; 20 at most]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1000))]
    top: Option<u32>,

    /// Mini-batches of the batch sharpness; 0 leaves it out [default: 16, or 0
    /// for full batches]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    batches: Option<u32>,

    /// Products for each trace; 0 leaves it out [default: 16, or 0 for full
    /// batches]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    trace: Option<u32>,

    /// What the figure shows
    #[arg(long, value_enum, default_value_t = PartArg::Sharpness)]
    part: PartArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PartArg {
    /// Eigenvalues and the stability line, curvature along the step
    Sharpness,
    /// Gradient and parameters along the top eigenvector
    Oscillation,
    /// Share of the gradient in the top eigenspace
    Share,
    /// Overlap of the eigenspace with itself at other steps
    Overlap,
    /// Loss change that the quadratic model predicts, and the real one
    Prediction,
}

impl PartArg {
    fn part(self) -> StabilityPart {
        match self {
            Self::Sharpness => StabilityPart::Sharpness,
            Self::Oscillation => StabilityPart::Oscillation,
            Self::Share => StabilityPart::Share,
            Self::Overlap => StabilityPart::Overlap,
            Self::Prediction => StabilityPart::Prediction,
        }
    }
}

#[derive(Debug, Args)]
#[command(mut_arg("every", |every| {
    every.help("Steps between two measurements of the sharpness of run and gradient flow")
}))]
pub(super) struct FlowArgs {
    #[command(flatten)]
    window: WindowArgs,

    /// Which flows go along
    #[arg(long, value_enum, default_value_t = BesideArg::Both)]
    beside: BesideArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BesideArg {
    /// The gradient flow
    Gradient,
    /// The central flow
    Central,
    /// Both
    Both,
}

impl WindowArgs {
    fn check(&self) -> Result<(), Failure> {
        self.look.check()?;
        self.figure.as_deref().map(check_extension).transpose()?;
        Ok(())
    }

    /// The run in the folder as it stands at the window's first step.
    fn beginning(&self, dir: &Path) -> Result<Beginning, Failure> {
        let folder = RunFolder::new(dir);
        let setup = folder
            .setup(crate::catalogue::schema())
            .map_err(Failure::input)?;
        let (_, last) = folder.parameters(&setup).map_err(Failure::input)?;
        let from = self.from.unwrap_or(last.saturating_sub(self.steps));
        if from > last {
            return Err(Failure::Input(format!(
                "--from is {from}, but the run in {} ends at step {last}",
                dir.display()
            )));
        }
        Ok(Beginning {
            setup,
            // The folder's snapshots do not remember the optimizer.
            snapshots: Vec::new(),
            changes: Vec::new(),
            from,
        })
    }
}

pub(super) fn analyze(dir: &Path, args: &StabilityArgs) -> Result<(), Failure> {
    args.window.check()?;
    let beginning = args.window.beginning(dir)?;
    let setup = &beginning.setup;
    let standard = StabilitySettings::of(setup);
    let given =
        |value: Option<u32>, otherwise: usize| value.map_or(otherwise, |value| value as usize);
    let settings = StabilitySettings {
        steps: args.window.steps,
        every: args.window.every,
        top: given(args.top, standard.top),
        tolerance: TOLERANCE,
        batches: given(args.batches, standard.batches),
        trace_products: given(args.trace, standard.trace_products),
    };
    let report = beginning
        .readings(&settings, &(), &mut |_| ())
        .map_err(Failure::input)?;
    if let Some(path) = &args.window.figure {
        let look = StabilityLook {
            part: args.part.part(),
            ..StabilityLook::default()
        };
        let figure = views::stability::figure(&look, Some(&report)).titled(&setup.recipe.name);
        let height = match look.part {
            StabilityPart::Share => 420.0,
            StabilityPart::Oscillation => 720.0,
            _ => 620.0,
        };
        write_figure(figure, setup, path, &args.window.look, height)?;
    }
    let document = StabilityDocument {
        subject: subject(setup, Some(report.from), "train"),
        report,
    };
    write_json(&args.window.out, &document)
}

pub(super) fn flow(dir: &Path, args: &FlowArgs) -> Result<(), Failure> {
    args.window.check()?;
    let beginning = args.window.beginning(dir)?;
    let settings = FlowSettings {
        steps: args.window.steps,
        every: args.window.every,
        gradient_flow: args.beside != BesideArg::Central,
        central_flow: args.beside != BesideArg::Gradient,
        tolerance: TOLERANCE,
    };
    let report = beginning
        .flows(&settings, &(), &mut |_| ())
        .map_err(Failure::input)?;
    let setup = &beginning.setup;
    if let Some(path) = &args.window.figure {
        let figure =
            views::flow::figure(&FlowLook::default(), Some(&report)).titled(&setup.recipe.name);
        let look = args.window.look.or_width(1000.0);
        write_figure(figure, setup, path, &look, 640.0)?;
    }
    let document = FlowDocument {
        subject: subject(setup, Some(report.from), "train"),
        report,
    };
    write_json(&args.window.out, &document)
}
