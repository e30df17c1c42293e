//! `losscape analyze DIR slice`: a plane or a line through a run's parameters.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::analyze::{Common, Target, target, write_json};
use super::ends::check_alike;
use super::{Failure, SplitArg};
use crate::engine::SliceShape;
use crate::engine::analyses::{
    self, Anchor, PathCentre, SliceAxis, SliceDirections, SliceSettings, Split, Through,
};
use crate::landscape::{Directions, Extent, Normalization, Place, SliceQuantity};
use crate::nn::checkpoint;
use crate::session::json::{LineDocument, SectionDocument, SliceDocument};
use crate::session::{RunFolder, describe_directions, subject};
use crate::train::Snapshot;
use crate::train::optimizers::OptimizerState;

#[derive(Debug, Args)]
pub(super) struct SliceArgs {
    #[command(flatten)]
    common: Common,

    /// Points on a side [default: the recipe's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=2049))]
    grid: Option<u16>,

    /// How far the slice reaches along each direction, or `fit`: so that the path
    /// fills it [default: the recipe's]
    #[arg(long, value_name = "A|fit", allow_hyphen_values = true)]
    extent: Option<String>,

    /// Which directions span the plane: random, path (principal components of the
    /// snapshots), eigenvectors (of the largest eigenvalues), gradient, momentum,
    /// update (the optimizer's next step), through (see --through), or a
    /// safetensors file with the tensors `d1.NAME` and `d2.NAME`
    #[arg(long, value_name = "WHICH|FILE", default_value = "random")]
    directions: String,

    /// The second direction beside eigenvectors, gradient, momentum or update
    /// [default: second for eigenvectors, else random]
    #[arg(long, value_enum)]
    second: Option<SecondArg>,

    /// The file of `--directions file`
    #[arg(long, value_name = "FILE.safetensors")]
    directions_file: Option<PathBuf>,

    /// Draw the plane through A (in the middle), B and C, each `step:N` (the
    /// snapshot nearest to it), the folder of a run, or a safetensors file
    #[arg(long, value_names = ["A", "B", "C"], num_args = 2..=3)]
    through: Vec<String>,

    /// With --through: make the second direction orthogonal to the first
    #[arg(long)]
    orthogonal: bool,

    /// What principal components are taken around [default: parameters]
    #[arg(long, value_enum)]
    path_centre: Option<PathCentreArg>,

    /// How random directions are scaled [default: the recipe's]
    #[arg(long, value_enum)]
    normalization: Option<NormalizationArg>,

    /// Let biases and normalisation parameters move along random directions
    /// [default: with elementwise and none]
    #[arg(long)]
    biases: bool,

    /// Keep them still
    #[arg(long, conflicts_with = "biases")]
    no_biases: bool,

    /// Let only these layers move along random directions (the part of their
    /// parameters' names before the dot)
    #[arg(long, value_name = "NAME", value_delimiter = ',', num_args = 1..)]
    layers: Vec<String>,

    /// Do not make random directions orthogonal before they are scaled
    #[arg(long)]
    not_orthogonal: bool,

    /// Seed of random directions [default: the recipe's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// What is shown
    #[arg(long, value_enum, default_value = "loss")]
    quantity: QuantityArg,

    /// The class of `--quantity class-loss`: its name, or its number from 0
    #[arg(long, value_name = "K")]
    class: Option<String>,

    /// The samples of `--quantity sample-loss`, by their numbers in the split
    #[arg(long, value_name = "I", value_delimiter = ',', num_args = 1..)]
    of_samples: Vec<usize>,

    /// The samples that it is measured on [default: the recipe's]
    #[arg(long, value_enum)]
    split: Option<SplitArg>,

    /// A line along the first direction instead of a plane
    #[arg(long)]
    line: bool,

    /// Instead of the plane, the values along the straight line from one place
    /// α,β of it to another, in `--grid` points
    #[arg(long, value_names = ["A,B", "A,B"], num_args = 2, allow_hyphen_values = true,
          conflicts_with_all = ["line", "self_test", "extent", "split"])]
    section: Vec<String>,

    /// Measure on N samples drawn at random, with the standard error
    /// [default: on all of them]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..))]
    samples: Option<u64>,

    /// Add a test of what the normalization promises: scale a layer and a neuron
    /// without changing the function, and compare the slices
    #[arg(long)]
    self_test: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum NormalizationArg {
    Filter,
    Layer,
    Elementwise,
    None,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PathCentreArg {
    /// The parameters in the middle
    Parameters,
    /// The mean of the snapshots; the slice is drawn through it
    Mean,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SecondArg {
    /// Random, orthogonal to the first
    Random,
    /// Against the gradient of the training loss
    Gradient,
    /// Against the optimizer's running mean of gradients
    Momentum,
    /// The optimizer's next step
    Update,
    /// The eigenvector of the largest eigenvalue
    Largest,
    /// That of the second largest
    Second,
    /// That of the smallest
    Smallest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum QuantityArg {
    /// The mean loss of the split
    Loss,
    /// The share of samples that are classified correctly
    Accuracy,
    /// The mean loss of one class
    ClassLoss,
    /// The mean loss of chosen samples
    SampleLoss,
    /// The norm of the loss's gradient
    GradientNorm,
    /// |λ_min/λ_max| of the loss's Hessian, by Lanczos in every point
    Convexity,
    /// The validation loss less the training loss
    Gap,
}

fn input(message: impl Into<String>) -> Failure {
    Failure::Input(message.into())
}

pub(super) fn analyze(dir: &Path, args: &SliceArgs) -> Result<(), Failure> {
    let mut target = target(dir, &args.common)?;
    let settings = settings(&mut target, args)?;
    // The path belongs to the run's own parameters; a plane through given points
    // shows it too.
    let path: Vec<Arc<Snapshot>> = if target.step.is_some() || !args.through.is_empty() {
        let snapshots = target
            .folder
            .snapshots(&target.setup)
            .map_err(Failure::input)?;
        snapshots.all().to_vec()
    } else {
        Vec::new()
    };
    let optimizer = match target.step {
        Some(step) => target.folder.optimizer(step).map_err(Failure::input)?,
        None => None,
    };
    let (setup, theta) = (&target.setup, &target.theta);
    let optimizer = optimizer.as_ref();
    if let [from, to] = &args.section[..] {
        let ends = [place(from)?, place(to)?];
        return section(&target, &path, optimizer, settings, ends, &args.common.out);
    }
    let landscape = analyses::slice_double(setup, theta, optimizer, &path, &settings, &())
        .map_err(Failure::input)?;
    let split = match settings.split {
        _ if settings.quantity == SliceQuantity::Gap => "validation less train",
        Split::Train => "train",
        Split::Validation => "validation",
    };
    let mut subject = subject(setup, target.step, split);
    match (&settings.quantity, landscape.excerpt) {
        (_, Some(excerpt)) => subject.samples = excerpt.samples,
        (SliceQuantity::SampleLoss { samples }, None) => subject.samples = samples.len(),
        (SliceQuantity::ClassLoss { class }, None) => {
            let data = match settings.split {
                Split::Validation => setup.data.validation.as_ref(),
                Split::Train => Some(&setup.data.train),
            };
            let count = data.and_then(|data| data.class_counts().get(*class).copied());
            subject.samples = count.unwrap_or(subject.samples);
        }
        _ => {}
    }
    let directions = describe_directions(&landscape, &settings);
    let invariance = if args.self_test {
        let found = analyses::invariance(setup, theta, &settings, &()).map_err(Failure::input)?;
        Some(found)
    } else {
        None
    };
    match &landscape.shape {
        SliceShape::Line(line) => {
            let mut document = LineDocument::new(subject, directions, line);
            document.invariance = invariance;
            write_json(&args.common.out, &document.showing(settings.quantity))
        }
        SliceShape::Plane(plane) => {
            let mut document = SliceDocument::new(subject, directions, plane);
            document.path = landscape.path.to_vec();
            document.path_outside = landscape.share.map(|share| share.length_outside);
            document.path_errors = landscape.errors.as_deref().cloned();
            document.invariance = invariance;
            write_json(&args.common.out, &document.showing(settings.quantity))
        }
    }
}

/// A place on the plane: `α,β`.
fn place(text: &str) -> Result<[f64; 2], Failure> {
    let numbers: Option<Vec<f64>> = text
        .split(',')
        .map(|part| part.trim().parse().ok().filter(|x: &f64| x.is_finite()))
        .collect();
    match numbers.as_deref() {
        Some([alpha, beta]) => Ok([*alpha, *beta]),
        _ => Err(input(format!(
            "--section has {text:?}; expected two numbers α,β such as -0.5,0.25"
        ))),
    }
}

/// Writes what the plane of these settings shows along a line on it.
fn section(
    target: &Target,
    path: &[Arc<Snapshot>],
    optimizer: Option<&OptimizerState<f32>>,
    settings: SliceSettings,
    ends: [[f64; 2]; 2],
    out: &Path,
) -> Result<(), Failure> {
    if ends[0] == ends[1] {
        return Err(input("--section has the same place twice; expected a line"));
    }
    let (setup, theta) = (&target.setup, &target.theta);
    // The plane itself is only asked how it lies.
    let coarse = SliceSettings {
        grid: 2,
        extent: Extent::Symmetric(1.0),
        quantity: SliceQuantity::Loss,
        ..settings.clone()
    };
    let landscape = analyses::slice_double(setup, theta, optimizer, path, &coarse, &())
        .map_err(Failure::input)?;
    if landscape.info.centre == PathCentre::Mean {
        return Err(input(
            "--section goes with --path-centre parameters: its places are counted from there",
        ));
    }
    let plane = Place {
        centre: &theta[..],
        directions: &landscape.directions,
    };
    let found = analyses::section_double(setup, plane, &settings, ends, settings.grid, &())
        .map_err(Failure::input)?;
    let directions = describe_directions(&landscape, &settings);
    let split = if found.validation.is_some() {
        "both"
    } else {
        "train"
    };
    let document = SectionDocument::new(subject(setup, target.step, split), directions, &found);
    write_json(out, &document)
}

fn settings(target: &mut Target, args: &SliceArgs) -> Result<SliceSettings, Failure> {
    let mut settings = SliceSettings::from_recipe(&target.setup.recipe.slice);
    if let Some(grid) = args.grid {
        settings.grid = usize::from(grid);
    }
    if let Some(text) = &args.extent {
        settings.extent = extent(text, settings.extent)?;
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
    settings.line = args.line;
    settings.samples = args
        .samples
        .map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    settings.quantity = quantity(target, args)?;
    settings.directions = directions(target, &settings, args)?;
    if let Some(centre) = args.path_centre {
        if settings.directions != SliceDirections::Path {
            return Err(input("--path-centre goes with --directions path"));
        }
        settings.path_centre = match centre {
            PathCentreArg::Parameters => PathCentre::Parameters,
            PathCentreArg::Mean => PathCentre::Mean,
        };
    }
    let drawing = args.biases || args.no_biases || args.not_orthogonal || !args.layers.is_empty();
    let random = matches!(settings.directions, SliceDirections::Random { .. });
    if drawing && !random {
        return Err(input(
            "--biases, --no-biases, --layers and --not-orthogonal go with --directions random",
        ));
    }
    if args.normalization.is_some() && !random {
        return Err(input(
            "--normalization was given with directions that are not scaled; expected --directions \
             random",
        ));
    }
    let draws = match &settings.directions {
        SliceDirections::Random { .. } => true,
        SliceDirections::Axes(axes) => axes
            .iter()
            .any(|axis| matches!(axis, SliceAxis::Random { .. })),
        _ => false,
    };
    if args.seed.is_some() && !draws {
        return Err(input(
            "--seed was given with directions that are not drawn; expected --directions random or \
             --second random",
        ));
    }
    settings.orthogonal = !args.not_orthogonal;
    if args.biases || args.no_biases {
        settings.biases = Some(args.biases);
    }
    if !args.layers.is_empty() {
        settings.layers = Some(layers(target, &args.layers)?);
    }
    Ok(settings)
}

fn extent(text: &str, otherwise: Extent) -> Result<Extent, Failure> {
    let (Extent::Symmetric(default) | Extent::Fit { otherwise: default }) = otherwise;
    if text == "fit" {
        return Ok(Extent::Fit { otherwise: default });
    }
    match text.parse::<f64>() {
        Ok(extent) if extent.is_finite() && extent > 0.0 => Ok(Extent::Symmetric(extent)),
        _ => Err(input(format!(
            "--extent is {text}; expected a number above 0, or fit"
        ))),
    }
}

fn layers(target: &Target, names: &[String]) -> Result<Vec<usize>, Failure> {
    let layout = target.setup.network.layout();
    let known: Vec<&str> = (0..layout.layers())
        .map(|layer| layout.layer_name(layer))
        .collect();
    names
        .iter()
        .map(|name| {
            known.iter().position(|known| known == name).ok_or_else(|| {
                input(format!(
                    "--layers names {name:?}; the network has the layers {}",
                    known.join(", ")
                ))
            })
        })
        .collect()
}

fn quantity(target: &Target, args: &SliceArgs) -> Result<SliceQuantity, Failure> {
    if args.class.is_some() != (args.quantity == QuantityArg::ClassLoss) {
        return Err(input("--class goes with --quantity class-loss"));
    }
    if args.of_samples.is_empty() == (args.quantity == QuantityArg::SampleLoss) {
        return Err(input("--of-samples goes with --quantity sample-loss"));
    }
    Ok(match args.quantity {
        QuantityArg::Loss => SliceQuantity::Loss,
        QuantityArg::Accuracy => SliceQuantity::Accuracy,
        QuantityArg::GradientNorm => SliceQuantity::GradientNorm,
        QuantityArg::Convexity => SliceQuantity::Convexity,
        QuantityArg::Gap => SliceQuantity::Gap,
        QuantityArg::SampleLoss => SliceQuantity::SampleLoss {
            samples: args.of_samples.clone(),
        },
        QuantityArg::ClassLoss => {
            if !target.setup.is_classification() {
                return Err(input(
                    "--quantity class-loss needs classes, and the run's targets are numbers",
                ));
            }
            let names = target.setup.data.train.class_names();
            let given = args.class.as_deref().unwrap_or_default();
            let class = names
                .iter()
                .position(|name| name == given)
                .or_else(|| given.parse().ok())
                .ok_or_else(|| {
                    input(format!(
                        "--class is {given:?}; expected one of {}, or its number from 0",
                        names.join(", ")
                    ))
                })?;
            SliceQuantity::ClassLoss { class }
        }
    })
}

/// The directions; a plane through given points also gets its middle.
fn directions(
    target: &mut Target,
    settings: &SliceSettings,
    args: &SliceArgs,
) -> Result<SliceDirections, Failure> {
    let seed = match (&args.seed, &settings.directions) {
        (Some(seed), _) => *seed,
        (None, SliceDirections::Random { seed }) => *seed,
        (None, _) => target.setup.recipe.seed,
    };
    if args.directions != "file" && args.directions_file.is_some() {
        return Err(input(format!(
            "--directions-file was given with --directions {}; expected --directions file",
            args.directions
        )));
    }
    if !args.through.is_empty() && !matches!(args.directions.as_str(), "through" | "random") {
        return Err(input(format!(
            "--through was given with --directions {}; expected --directions through",
            args.directions
        )));
    }
    if args.orthogonal && args.through.is_empty() {
        return Err(input("--orthogonal goes with --through"));
    }
    let first = match args.directions.as_str() {
        "eigenvectors" => Some(SliceAxis::Largest(0)),
        "gradient" => Some(SliceAxis::Gradient),
        "momentum" => Some(SliceAxis::Momentum),
        "update" => Some(SliceAxis::Update),
        _ => None,
    };
    if let Some(first) = first {
        let second = match args.second {
            Some(SecondArg::Random) => SliceAxis::Random { seed },
            Some(SecondArg::Gradient) => SliceAxis::Gradient,
            Some(SecondArg::Momentum) => SliceAxis::Momentum,
            Some(SecondArg::Update) => SliceAxis::Update,
            Some(SecondArg::Largest) => SliceAxis::Largest(0),
            Some(SecondArg::Second) => SliceAxis::Largest(1),
            Some(SecondArg::Smallest) => SliceAxis::Smallest(0),
            None if first == SliceAxis::Largest(0) => SliceAxis::Largest(1),
            None => SliceAxis::Random { seed },
        };
        return Ok(SliceDirections::Axes([first, second]));
    }
    if args.second.is_some() {
        return Err(input(
            "--second goes with --directions eigenvectors, gradient, momentum or update",
        ));
    }
    match args.directions.as_str() {
        "random" if args.through.is_empty() => Ok(SliceDirections::Random { seed }),
        "path" => Ok(SliceDirections::Path),
        "random" | "through" => through(target, args),
        "file" => match &args.directions_file {
            Some(file) => from_file(target, file),
            None => Err(input(
                "--directions file needs --directions-file FILE.safetensors",
            )),
        },
        file if Path::new(file).is_file() => from_file(target, Path::new(file)),
        other => Err(input(format!(
            "--directions is {other:?}; expected random, path, eigenvectors, gradient, momentum, \
             update, through, or a safetensors file that is there"
        ))),
    }
}

fn from_file(target: &Target, file: &Path) -> Result<SliceDirections, Failure> {
    let layout = target.setup.network.layout();
    let load = |prefix| checkpoint::load_prefixed(file, layout, prefix);
    let first = load("d1.").map_err(Failure::input)?;
    let second = load("d2.").map_err(Failure::input)?;
    let directions = Directions::new(first, second)
        .map_err(|error| input(format!("the directions in {}: {error}", file.display())))?;
    Ok(SliceDirections::Given(Arc::new(directions)))
}

fn through(target: &mut Target, args: &SliceArgs) -> Result<SliceDirections, Failure> {
    let [middle, others @ ..] = &args.through[..] else {
        return Err(input("--directions through needs --through A B or A B C"));
    };
    if args.common.parameters.is_some() {
        return Err(input(
            "--parameters was given with --through, whose first point is the middle",
        ));
    }
    let points = others
        .iter()
        .map(|text| {
            let (theta, step) = parameters(target, text)?;
            // The snapshot that was found may be a neighbour.
            Ok(Anchor {
                name: step.map_or_else(|| text.clone(), |step| format!("step:{step}")),
                theta: theta.into(),
            })
        })
        .collect::<Result<_, Failure>>()?;
    (target.theta, target.step) = parameters(target, middle)?;
    Ok(SliceDirections::Through(Through {
        points,
        orthogonal: args.orthogonal,
    }))
}

/// Parameters by their name, and their step where they are the run's own.
fn parameters(target: &Target, text: &str) -> Result<(Vec<f64>, Option<u64>), Failure> {
    let layout = target.setup.network.layout();
    if let Some(step) = text.strip_prefix("step:") {
        let step: u64 = step
            .parse()
            .map_err(|_| input(format!("{text:?} is no step; expected step:N")))?;
        let snapshots = target
            .folder
            .snapshots(&target.setup)
            .map_err(Failure::input)?;
        let found = snapshots
            .nearest(step)
            .ok_or_else(|| input("the run has no snapshots"))?;
        let theta = found.theta.iter().map(|x| f64::from(*x)).collect();
        return Ok((theta, Some(found.step)));
    }
    let path = Path::new(text);
    if path.is_dir() {
        check_alike(&target.setup.recipe, path)?;
        let folder = RunFolder::new(path);
        let setup = folder
            .setup(crate::catalogue::schema())
            .map_err(Failure::input)?;
        if setup.network.layout() != layout {
            return Err(input(format!(
                "the run in {text} has another network, so that no plane passes through both"
            )));
        }
        let (theta, _) = folder.parameters(&setup).map_err(Failure::input)?;
        return Ok((theta, None));
    }
    if path.is_file() {
        let theta = checkpoint::load(path, layout).map_err(Failure::input)?;
        return Ok((theta, None));
    }
    Err(input(format!(
        "{text:?} is not there; expected step:N, the folder of a run, or a safetensors file"
    )))
}
