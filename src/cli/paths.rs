//! `losscape analyze … interpolate|bezier|align|fork|plane`: paths between the
//! parameters of a run and others.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::analyze::{Common, Target, target, write_json};
use super::ends::check_alike;
use super::figure::{Look, check_extension, write_figure};
use super::{Failure, SplitArg};
use crate::connectivity::{CurveTraining, check_range, plane_through};
use crate::engine::paths::{Connection, Losses, PathEnd, PathMethod, PathSettings, connect};
use crate::landscape::evaluate_slice2d;
use crate::nn::{ParameterLayout, checkpoint};
use crate::session::json::{
    DirectionsDocument, PathsDocument, PlaneDocument, PlanePoint, SliceDocument,
};
use crate::session::subject;
use crate::views::landscape::{LandscapeSettings, PathOnPlane, SliceInfo};
use crate::views::{self, paths::PathLook};

/// Points on a side of the plane in a figure.
const GRID: usize = 65;

/// The other end of a path, and what every path can be told.
#[derive(Debug, Args)]
struct PathArgs {
    #[command(flatten)]
    common: Common,

    /// The other end: a safetensors file, the folder of another run, `initial`
    /// (the run's first parameters), or `seed:N` (trained now: the same recipe on
    /// the same data from another seed)
    #[arg(
        long,
        value_name = "FILE|DIR|initial|seed:N",
        default_value = "initial"
    )]
    to: String,

    #[command(flatten)]
    drawing: Drawing,
}

#[derive(Debug, Args)]
struct Drawing {
    /// Points on each path
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u16).range(3..=10_001))]
    points: u16,

    /// Write a figure too; the name ends with .svg or .png
    #[arg(long, value_name = "FILE")]
    figure: Option<PathBuf>,

    #[command(flatten)]
    look: Look,
}

#[derive(Debug, Args)]
pub(super) struct InterpolateArgs {
    #[command(flatten)]
    path: PathArgs,

    /// Add each layer alone, and growing groups of layers from either end
    #[arg(long)]
    layers: bool,

    /// Go on beyond the ends, from λ = LOW (at most 0) to λ = HIGH (at least 1);
    /// such as -0.25 1.5
    #[arg(long, value_names = ["LOW", "HIGH"], num_args = 2, allow_negative_numbers = true)]
    range: Option<Vec<f64>>,
}

#[derive(Debug, Args)]
pub(super) struct BezierArgs {
    #[command(flatten)]
    path: PathArgs,

    /// Bends of the curve: 1 makes it quadratic
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=20))]
    bends: u8,

    /// Straight pieces from bend to bend instead of one smooth curve
    #[arg(long)]
    chain: bool,

    /// Steps of Adam
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    iterations: u32,

    /// Learning rate of Adam
    #[arg(
        long,
        value_name = "X",
        default_value_t = 0.02,
        allow_negative_numbers = true
    )]
    learning_rate: f64,

    /// Seed of the points that the training draws [default: the recipe's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Where to write the bends, as tensors `w1.NAME`, `w2.NAME`, …
    #[arg(long, value_name = "FILE.safetensors")]
    save: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct AlignArgs {
    #[command(flatten)]
    path: PathArgs,

    /// How units are compared
    #[arg(long, value_enum, default_value = "weights")]
    method: MethodArg,

    /// Seed of the order in which layers are matched [default: the recipe's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Where to write the permuted parameters
    #[arg(long, value_name = "FILE.safetensors")]
    save: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum MethodArg {
    /// By the weights and biases that make and read them
    Weights,
    /// By their activations on the training samples
    Activations,
}

#[derive(Debug, Args)]
pub(super) struct ForkArgs {
    #[command(flatten)]
    common: Common,

    /// Steps at which copies part from the run [default: some from 0 to ¾ of it]
    #[arg(long, value_name = "STEP", num_args = 1.., value_delimiter = ',')]
    at: Vec<u64>,

    /// Seed of the copies' batches [default: the recipe's plus one]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    #[command(flatten)]
    drawing: Drawing,
}

#[derive(Debug, Args)]
pub(super) struct PlaneArgs {
    #[command(flatten)]
    common: Common,

    /// The second and the third point, each as in `interpolate --to`
    #[arg(
        long,
        value_name = "FILE|DIR|initial|seed:N",
        num_args = 2,
        required = true
    )]
    through: Vec<String>,

    /// Perpendicular axes of equal length: shapes are true, and the second point
    /// lies at (1, 0)
    #[arg(long)]
    orthogonal: bool,

    /// Points on a side
    #[arg(long, value_name = "N", default_value_t = 33, value_parser = clap::value_parser!(u16).range(2..=2049))]
    grid: u16,

    /// How far the plane reaches beyond the three points, as a share of their
    /// spread
    #[arg(
        long,
        value_name = "X",
        default_value_t = 0.3,
        allow_negative_numbers = true
    )]
    margin: f64,

    /// The samples whose loss is measured
    #[arg(long, value_enum, default_value = "train")]
    split: SplitArg,

    /// Write a figure too; the name ends with .svg or .png
    #[arg(long, value_name = "FILE")]
    figure: Option<PathBuf>,

    #[command(flatten)]
    look: Look,
}

/// What `--to` names.
fn end(target: &Target, text: &str) -> Result<PathEnd, Failure> {
    if text == "initial" {
        return Ok(PathEnd::Given {
            name: "initial".to_owned(),
            theta: crate::math::vector::to_f64(&target.setup.initial.theta).into(),
        });
    }
    if let Some(seed) = text.strip_prefix("seed:") {
        return seed
            .parse()
            .map(|seed| PathEnd::Twin { seed })
            .map_err(|_| {
                Failure::Input(format!(
                    "{text} names no seed; expected seed: and a whole number"
                ))
            });
    }
    let path = PathBuf::from(text);
    if path.is_dir() {
        check_alike(&target.setup.recipe, &path)?;
    }
    if path.exists() {
        return Ok(PathEnd::File(path));
    }
    Err(Failure::Input(format!(
        "{text} is no end of a path; expected a safetensors file, the folder of a run, initial or \
         seed:N"
    )))
}

/// The parameters of the run.
fn start(target: &Target) -> PathEnd {
    PathEnd::Given {
        name: match target.step {
            Some(step) => format!("step {step}"),
            None => "the given parameters".to_owned(),
        },
        theta: target.theta.clone().into(),
    }
}

impl Drawing {
    fn check(&self) -> Result<(), Failure> {
        self.look.check()?;
        self.figure.as_deref().map(check_extension).transpose()?;
        Ok(())
    }
}

/// Connects, writes the document and, if it is wanted, the figure.
fn write_paths(
    target: &Target,
    to: &PathEnd,
    settings: &PathSettings,
    out: &Path,
    drawing: &Drawing,
) -> Result<Connection, Failure> {
    let setup = &target.setup;
    let losses = Losses::double(setup).map_err(Failure::input)?;
    let ends = [&start(target), to];
    let found =
        connect(setup, &losses, ends, settings, &(), &mut |_| ()).map_err(Failure::input)?;
    let subject = subject(setup, target.step, "train");
    let validation = losses.validation.as_ref().map(|set| set.len());
    write_json(out, &PathsDocument::new(subject, validation, &found))?;
    if let Some(path) = &drawing.figure {
        let figure = views::paths::figure(&PathLook::default(), Some(&found));
        let height = 320.0 * figure.rows.len().max(1) as f64 + 100.0;
        let figure = figure.titled(&setup.recipe.name);
        write_figure(figure, setup, path, &drawing.look, height)?;
    }
    Ok(found)
}

fn settings(target: &Target, method: PathMethod, drawing: &Drawing) -> PathSettings {
    PathSettings {
        points: usize::from(drawing.points),
        plane: drawing.figure.as_ref().map(|_| GRID),
        ..PathSettings::new(method, target.setup.recipe.seed)
    }
}

pub(super) fn interpolate(dir: &Path, args: &InterpolateArgs) -> Result<(), Failure> {
    args.path.drawing.check()?;
    let range = match args.range.as_deref() {
        Some([low, high]) => {
            let range = [*low, *high];
            check_range(range).map_err(|error| Failure::Input(format!("--range: {error}")))?;
            Some(range)
        }
        _ => None,
    };
    let target = target(dir, &args.path.common)?;
    let to = end(&target, &args.path.to)?;
    let method = if args.layers {
        PathMethod::Layers
    } else {
        PathMethod::Linear
    };
    let drawing = &args.path.drawing;
    let mut settings = settings(&target, method, drawing);
    settings.range = range;
    write_paths(&target, &to, &settings, &args.path.common.out, drawing).map(|_| ())
}

pub(super) fn bezier(dir: &Path, args: &BezierArgs) -> Result<(), Failure> {
    args.path.drawing.check()?;
    if !(args.learning_rate.is_finite() && args.learning_rate > 0.0) {
        return Err(Failure::Input(format!(
            "--learning-rate is {}; expected a number above 0",
            args.learning_rate
        )));
    }
    let target = target(dir, &args.path.common)?;
    let to = end(&target, &args.path.to)?;
    let method = if args.chain {
        PathMethod::Chain
    } else {
        PathMethod::Bezier
    };
    let drawing = &args.path.drawing;
    let mut settings = settings(&target, method, drawing);
    settings.bends = usize::from(args.bends);
    settings.seed = args.seed.unwrap_or(settings.seed);
    settings.training = CurveTraining {
        iterations: args.iterations as usize,
        learning_rate: args.learning_rate,
        report_every: args.iterations as usize,
        ..CurveTraining::default()
    };
    let found = write_paths(&target, &to, &settings, &args.path.common.out, drawing)?;
    if let (Some(path), Some(curve)) = (&args.save, &found.curve) {
        let bends = &curve.points[1..curve.points.len() - 1];
        let (layout, all) = prefixed(target.setup.network.layout(), bends);
        checkpoint::save(path, &layout, &all, &[]).map_err(Failure::work)?;
    }
    Ok(())
}

/// Several vectors of a layout as one, their tensors called `w1.NAME`, ….
fn prefixed(layout: &ParameterLayout, vectors: &[Arc<[f64]>]) -> (ParameterLayout, Vec<f64>) {
    let mut all = ParameterLayout::default();
    for number in 1..=vectors.len() {
        for tensor in layout.iter() {
            let name = format!("w{number}.{}", tensor.name);
            all.push(name, tensor.shape.clone(), tensor.kind, tensor.layer);
        }
    }
    (
        all,
        vectors
            .iter()
            .flat_map(|vector| vector.iter().copied())
            .collect(),
    )
}

pub(super) fn align(dir: &Path, args: &AlignArgs) -> Result<(), Failure> {
    args.path.drawing.check()?;
    let target = target(dir, &args.path.common)?;
    let to = end(&target, &args.path.to)?;
    let method = match args.method {
        MethodArg::Weights => PathMethod::Weights,
        MethodArg::Activations => PathMethod::Activations,
    };
    let drawing = &args.path.drawing;
    let mut settings = settings(&target, method, drawing);
    settings.seed = args.seed.unwrap_or(settings.seed);
    let found = write_paths(&target, &to, &settings, &args.path.common.out, drawing)?;
    if let (Some(path), Some(alignment)) = (&args.save, &found.alignment) {
        let layout = target.setup.network.layout();
        checkpoint::save(path, layout, &alignment.aligned, &[]).map_err(Failure::work)?;
    }
    Ok(())
}

pub(super) fn fork(dir: &Path, args: &ForkArgs) -> Result<(), Failure> {
    args.drawing.check()?;
    if args.common.parameters.is_some() {
        return Err(Failure::Input(
            "--parameters does not go with fork, which trains the run again from its beginning"
                .to_owned(),
        ));
    }
    let target = target(dir, &args.common)?;
    let mut settings = settings(&target, PathMethod::Fork, &args.drawing);
    settings.seed = args.seed.unwrap_or(settings.seed.wrapping_add(1));
    if !args.at.is_empty() {
        settings.fork_steps = Some(args.at.clone());
    }
    let to = start(&target);
    write_paths(&target, &to, &settings, &args.common.out, &args.drawing).map(|_| ())
}

pub(super) fn plane(dir: &Path, args: &PlaneArgs) -> Result<(), Failure> {
    args.look.check()?;
    args.figure.as_deref().map(check_extension).transpose()?;
    if !(args.margin.is_finite() && args.margin >= 0.0) {
        return Err(Failure::Input(format!(
            "--margin is {}; expected a number from 0",
            args.margin
        )));
    }
    let target = target(dir, &args.common)?;
    let setup = &target.setup;
    let mut ends = vec![start(&target).resolve(setup, &()).map_err(Failure::input)?];
    for text in &args.through {
        ends.push(
            end(&target, text)?
                .resolve(setup, &())
                .map_err(Failure::input)?,
        );
    }
    let [(_, a), (_, b), (_, c)] = &ends[..] else {
        return Err(Failure::Input("--through needs two points".to_owned()));
    };
    let through = plane_through(a, b, c, args.orthogonal).map_err(Failure::input)?;
    let losses = Losses::double(setup).map_err(Failure::input)?;
    let (objective, split) = match (args.split, &losses.validation) {
        (SplitArg::Train, _) => (&losses.train, "train"),
        (SplitArg::Validation, Some(set)) => (set, "validation"),
        (SplitArg::Validation, None) => {
            return Err(Failure::Input(
                "there is no validation set: raise data.validation_fraction".to_owned(),
            ));
        }
    };
    let (alpha, beta) = through
        .axes(args.margin, usize::from(args.grid))
        .map_err(Failure::input)?;
    let directions = &through.directions;
    let plane = objective.plane(a, &directions.first, &directions.second);
    let slice =
        evaluate_slice2d(&plane, &alpha, &beta, &(), &mut |_| ()).map_err(Failure::input)?;
    let mut workspace = objective.workspace();
    let points: Vec<PlanePoint> = ends
        .iter()
        .zip(through.points)
        .map(|((name, theta), (alpha, beta))| PlanePoint {
            name: name.clone(),
            alpha,
            beta,
            loss: objective.loss(theta, &mut workspace),
        })
        .collect();
    let document = PlaneDocument {
        slice: SliceDocument::new(
            subject(setup, target.step, split),
            DirectionsDocument::new(directions, "points"),
            &slice,
        ),
        points,
    };
    write_json(&args.common.out, &document)?;
    if let Some(path) = &args.figure {
        let split = match args.split {
            SplitArg::Train => views::Split::Training,
            SplitArg::Validation => views::Split::Validation,
        };
        let step = target.step.unwrap_or(0);
        let info = SliceInfo::new(step, "through three solutions", "‖B − A‖", split);
        let settings = LandscapeSettings {
            path: false,
            ..LandscapeSettings::default()
        };
        let no_path = PathOnPlane::default();
        let mut figure = views::landscape::plane(&settings, Some(&slice), no_path, &info);
        let named: Vec<(&str, f64, f64)> = document
            .points
            .iter()
            .map(|point| (point.name.as_str(), point.alpha, point.beta))
            .collect();
        views::paths::mark_points(&mut figure, &named);
        let figure = figure.titled(&setup.recipe.name);
        write_figure(figure, setup, path, &args.look, 620.0)?;
    }
    Ok(())
}
