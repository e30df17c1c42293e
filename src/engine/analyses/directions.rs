//! The directions of a slice of a run, and what is to be said about them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::slices::SliceSettings;
use crate::curvature::{EigenvalueEstimate, ExtremalOptions, top_eigenvalues};
use crate::engine::job::JobError;
use crate::landscape::{Centre, Directions, Drawing, TensorBlock};
use crate::math::rng::stream;
use crate::math::vector::{self, to_f64};
use crate::math::{MathError, Progress, floats};
use crate::nn::{ParameterKind, ParameterLayout};
use crate::objective;
use crate::train::optimizers::{self, OptimizerState, clip_factor};
use crate::train::{LossSurroundings, Setup, Snapshot};

/// The directions of a slice.
#[derive(Clone, Debug, PartialEq)]
pub enum SliceDirections {
    /// Random ones, drawn from this seed.
    Random {
        /// The seed.
        seed: u64,
    },
    /// The first two principal components of the snapshots.
    Path,
    /// Given ones, as they are.
    Given(Arc<Directions>),
    /// Two that mean something, each of length 1.
    Axes([SliceAxis; 2]),
    /// From the parameters in the middle to others.
    Through(Through),
}

/// A direction that means something at the parameters in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SliceAxis {
    /// −∇L of the whole training loss.
    Gradient,
    /// Against the running mean (or sum) of gradients that the optimizer
    /// remembers.
    Momentum,
    /// The step that the optimizer would make next on the gradient of the whole
    /// training loss: preconditioned, with momentum and weight decay.
    Update,
    /// The eigenvector of the Hessian's n-th largest eigenvalue, from 0.
    Largest(usize),
    /// The eigenvector of the Hessian's n-th smallest eigenvalue, from 0.
    Smallest(usize),
    /// Random, orthogonal to the other.
    Random {
        /// The seed.
        seed: u64,
    },
}

impl SliceAxis {
    /// How it is written.
    pub fn symbol(self) -> String {
        match self {
            Self::Gradient => "−∇L".to_owned(),
            Self::Momentum => "−m".to_owned(),
            Self::Update => "Δθ".to_owned(),
            Self::Largest(n) => format!("v{}", subscript(n + 1)),
            Self::Smallest(0) => "v min".to_owned(),
            Self::Smallest(n) => format!("v min{}", subscript(n + 1)),
            Self::Random { .. } => "random".to_owned(),
        }
    }

    /// Whether it needs the optimizer's memory.
    pub fn needs_optimizer(self) -> bool {
        matches!(self, Self::Momentum | Self::Update)
    }
}

fn subscript(number: usize) -> String {
    let digit = |c: char| char::from_u32(0x2080 + c.to_digit(10).unwrap_or(0)).unwrap_or(c);
    number.to_string().chars().map(digit).collect()
}

/// Other parameters that a plane passes through.
#[derive(Clone, Debug, PartialEq)]
pub struct Through {
    /// One or two; with one, the second direction is random, orthogonal to the
    /// first and as long.
    pub points: Vec<Anchor>,
    /// Whether the second direction loses its part along the first.
    pub orthogonal: bool,
}

/// Named parameters.
#[derive(Clone, Debug)]
pub struct Anchor {
    /// What they are called on the plane.
    pub name: String,
    /// The flat vector.
    pub theta: Arc<[f64]>,
}

impl PartialEq for Anchor {
    /// The same vector in the same place, not an equal one.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.theta, &other.theta)
    }
}

/// Which point principal components are taken around; the slice is drawn through
/// the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathCentre {
    /// The parameters that are looked at (Li et al. 2018).
    #[default]
    Parameters,
    /// The mean of the snapshots.
    Mean,
}

/// What is to be said about one direction.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AxisInfo {
    /// What it means, where it means something: `v₁`.
    pub symbol: Option<String>,
    /// ‖d‖.
    pub norm: f64,
    /// Its share of the path's squared distances, for a principal component.
    pub explained: Option<f64>,
    /// The eigenvalue, for an eigenvector of the Hessian.
    pub eigenvalue: Option<EigenvalueEstimate>,
}

/// How the directions of a slice came about, and what they are like.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DirectionInfo {
    /// `axes` (the whole plane of a two-parameter model), `random`, `path`,
    /// `eigenvectors`, `gradient`, `momentum`, `update`, `through` or `file`.
    pub source: String,
    /// Both.
    pub axes: [AxisInfo; 2],
    /// cos(d₁, d₂).
    pub cosine: f64,
    /// Where (0, 0) is: `parameters` or, for principal components around it,
    /// `mean`.
    pub centre: PathCentre,
    /// The layers that move, where not all do.
    pub layers: Option<Vec<String>>,
    /// Whether biases and normalisation parameters move, for random directions.
    pub biases: Option<bool>,
}

impl DirectionInfo {
    /// What the settings and the directions themselves tell.
    pub fn of(setup: &Setup, settings: &SliceSettings, directions: &Directions) -> Self {
        let [first, second] = directions.norms();
        let axis = |k: usize, norm: f64| AxisInfo {
            symbol: match &settings.directions {
                SliceDirections::Axes(axes) => Some(axes[k].symbol()),
                SliceDirections::Path => Some(format!("PC{}", k + 1)),
                _ => None,
            },
            norm,
            explained: directions.explained.map(|explained| explained[k]),
            eigenvalue: None,
        };
        let random = matches!(settings.directions, SliceDirections::Random { .. });
        let drawn = random && setup.dim() != 2;
        let layout = setup.network.layout();
        let name = |layer: &usize| layout.layer_name(*layer).to_owned();
        let layers = settings.layers.as_ref().filter(|_| drawn);
        Self {
            source: source(&settings.directions, setup.dim()).to_owned(),
            axes: [axis(0, first), axis(1, second)],
            cosine: directions.cosine,
            centre: match settings.directions {
                SliceDirections::Path => settings.path_centre,
                _ => PathCentre::Parameters,
            },
            layers: layers.map(|layers| layers.iter().map(name).collect()),
            biases: drawn.then(|| settings.drawing().include_biases),
        }
    }
}

fn source(directions: &SliceDirections, parameters: usize) -> &'static str {
    match directions {
        SliceDirections::Random { .. } if parameters == 2 => "axes",
        SliceDirections::Random { .. } => "random",
        SliceDirections::Path => "path",
        SliceDirections::Given(_) => "file",
        SliceDirections::Through(_) => "through",
        SliceDirections::Axes([first, _]) => match first {
            SliceAxis::Gradient => "gradient",
            SliceAxis::Momentum => "momentum",
            SliceAxis::Update => "update",
            SliceAxis::Largest(_) | SliceAxis::Smallest(_) => "eigenvectors",
            SliceAxis::Random { .. } => "random",
        },
    }
}

/// The blocks of a layout, as directions see them.
pub fn tensor_blocks(layout: &ParameterLayout) -> Vec<TensorBlock> {
    blocks_of(layout, None)
}

/// The blocks of these layers only.
fn blocks_of(layout: &ParameterLayout, layers: Option<&[usize]>) -> Vec<TensorBlock> {
    layout
        .iter()
        .filter(|tensor| layers.is_none_or(|layers| layers.contains(&tensor.layer)))
        .map(|tensor| TensorBlock {
            range: tensor.range.clone(),
            filters: tensor.filters(),
            is_weight: tensor.kind == ParameterKind::Weight,
        })
        .collect()
}

/// The blocks that random directions of these settings move.
pub(super) fn moving_blocks(setup: &Setup, settings: &SliceSettings) -> Vec<TensorBlock> {
    blocks_of(setup.network.layout(), settings.layers.as_deref())
}

/// A plane in parameter space.
pub(super) struct SlicePlane<T> {
    /// What (0, 0) is.
    pub centre: Vec<T>,
    pub directions: Arc<Directions>,
    pub info: DirectionInfo,
}

/// Where the directions of random planes come from.
fn drawing_stream(seed: u64) -> rand_chacha::ChaCha8Rng {
    stream(seed, "directions")
}

/// The directions of a slice around `centre`. Random ones of a model with two
/// parameters are the axes themselves: then the slice is the whole landscape.
///
/// # Errors
/// [`JobError`], where the parameters or the path span no plane.
pub fn slice_directions<T: floats::Real + objective::Real>(
    setup: &Setup,
    centre: &[T],
    path: &[Arc<Snapshot>],
    settings: &SliceSettings,
) -> Result<Arc<Directions>, JobError> {
    let found = slice_plane(setup, centre, None, path, settings, &())?;
    Ok(found.directions)
}

/// The plane of a slice around `theta`. `optimizer` is what the optimizer
/// remembers there, which momentum and updates need.
pub(super) fn slice_plane<T: floats::Real + objective::Real>(
    setup: &Setup,
    theta: &[T],
    optimizer: Option<&OptimizerState<f32>>,
    path: &[Arc<Snapshot>],
    settings: &SliceSettings,
    progress: &dyn Progress,
) -> Result<SlicePlane<T>, JobError> {
    let mut centre = theta.to_vec();
    let mut eigenvalues = [None, None];
    let directions = match &settings.directions {
        SliceDirections::Given(directions) => Arc::clone(directions),
        SliceDirections::Random { .. } if theta.len() == 2 => {
            Arc::new(Directions::whole_plane(theta.len())?)
        }
        SliceDirections::Random { seed } => Arc::new(Directions::random(
            theta,
            &moving_blocks(setup, settings),
            settings.drawing(),
            &mut drawing_stream(*seed),
        )?),
        SliceDirections::Path => {
            let (directions, mean) = path_directions(setup, theta, path, settings.path_centre)?;
            if let Some(mean) = mean {
                centre = mean.iter().map(|x| T::from_f64(*x)).collect();
            }
            Arc::new(directions)
        }
        SliceDirections::Axes(axes) => {
            let theta = to_f64(theta);
            let meaning = Meaning {
                setup,
                theta: &theta,
                optimizer,
            };
            let (directions, found) = meaning.plane(*axes, progress)?;
            eigenvalues = found;
            Arc::new(directions)
        }
        SliceDirections::Through(through) => {
            let centre = to_f64(theta);
            let other = |k: usize| through.points.get(k).map(|anchor| &*anchor.theta);
            let Some(first) = other(0) else {
                return Err(JobError::Failed(
                    "a plane through points needs at least one point beside the middle".to_owned(),
                ));
            };
            Arc::new(Directions::through(
                &centre[..],
                first,
                other(1),
                through.orthogonal,
                &mut drawing_stream(setup.recipe.seed),
            )?)
        }
    };
    let mut info = DirectionInfo::of(setup, settings, &directions);
    for (axis, eigenvalue) in info.axes.iter_mut().zip(eigenvalues) {
        axis.eigenvalue = eigenvalue;
    }
    Ok(SlicePlane {
        centre,
        directions,
        info,
    })
}

/// Principal components of the path, and the mean where they are taken around
/// that.
fn path_directions<T: floats::Real>(
    setup: &Setup,
    theta: &[T],
    path: &[Arc<Snapshot>],
    centre: PathCentre,
) -> Result<(Directions, Option<Vec<f64>>), MathError> {
    let vectors: Vec<&[f32]> = path.iter().map(|snapshot| &snapshot.theta[..]).collect();
    let mut random = drawing_stream(setup.recipe.seed);
    match centre {
        PathCentre::Parameters => {
            let theta = to_f64(theta);
            let found = Directions::of_path(&vectors, Centre::Given(&theta), &mut random)?;
            Ok((found, None))
        }
        PathCentre::Mean => {
            let mut mean = vec![0.0; theta.len()];
            for vector in &vectors {
                crate::math::error::check_length("a snapshot", vector.len(), mean.len())?;
                vector::axpy(1.0 / vectors.len() as f64, vector, &mut mean);
            }
            let found = Directions::of_path(&vectors, Centre::Given(&mean), &mut random)?;
            Ok((found, Some(mean)))
        }
    }
}

/// Directions that mean something at θ.
struct Meaning<'a> {
    setup: &'a Setup,
    theta: &'a [f64],
    optimizer: Option<&'a OptimizerState<f32>>,
}

/// How exact eigenvectors of a plane are.
const EIGENVECTORS: f64 = 1e-6;
/// Products with the Hessian that they may take.
const PRODUCTS: usize = 1000;

impl Meaning<'_> {
    fn plane(
        &self,
        axes: [SliceAxis; 2],
        progress: &dyn Progress,
    ) -> Result<(Directions, [Option<EigenvalueEstimate>; 2]), JobError> {
        let spectrum = self.eigenvectors(axes, progress)?;
        let mut eigenvalues = [None, None];
        let mut found = [None, None];
        let mut seed = self.setup.recipe.seed;
        for k in 0..2 {
            found[k] = match axes[k] {
                SliceAxis::Gradient => Some(negative(self.gradient()?)),
                SliceAxis::Momentum => Some(negative(self.momentum()?)),
                SliceAxis::Update => Some(self.update()?),
                SliceAxis::Random { seed: given } => {
                    seed = given;
                    None
                }
                SliceAxis::Largest(n) | SliceAxis::Smallest(n) => {
                    let largest = matches!(axes[k], SliceAxis::Largest(_));
                    let pair = spectrum.as_ref().and_then(|found| {
                        let (values, vectors) = if largest {
                            (&found.eigenvalues, &found.vectors)
                        } else {
                            (&found.smallest, &found.smallest_vectors)
                        };
                        values.get(n).copied().zip(vectors.get(n).cloned())
                    });
                    let Some((value, vector)) = pair else {
                        return Err(JobError::Failed(format!(
                            "there is no eigenvector number {}: the network has {} parameters",
                            n + 1,
                            self.theta.len()
                        )));
                    };
                    eigenvalues[k] = Some(value);
                    Some(vector)
                }
            };
        }
        for (vector, axis) in found.iter_mut().zip(axes) {
            if let Some(vector) = vector
                && vector::normalize(vector) == 0.0
            {
                return Err(JobError::Failed(format!(
                    "{} is zero at these parameters, so it is no direction",
                    axis.symbol()
                )));
            }
        }
        let mut random = drawing_stream(seed);
        let directions = match found {
            [Some(first), second] => Directions::spanned(first, second, false, &mut random)?,
            [None, Some(second)] => {
                let turned = Directions::spanned(second, None, false, &mut random)?;
                Directions::new(turned.second, turned.first)?
            }
            [None, None] => {
                return Err(JobError::Failed(
                    "a plane of two random directions is one of random directions".to_owned(),
                ));
            }
        };
        Ok((directions, eigenvalues))
    }

    fn eigenvectors(
        &self,
        axes: [SliceAxis; 2],
        progress: &dyn Progress,
    ) -> Result<Option<crate::curvature::TopSpectrum>, JobError> {
        let (mut largest, mut smallest) = (0, 0);
        for axis in axes {
            match axis {
                SliceAxis::Largest(n) => largest = largest.max(n + 1),
                SliceAxis::Smallest(n) => smallest = smallest.max(n + 1),
                _ => {}
            }
        }
        if largest + smallest == 0 {
            return Ok(None);
        }
        if largest + smallest > self.theta.len() {
            return Err(JobError::Failed(format!(
                "{} eigenvectors were asked for, and the network has {} parameters",
                largest + smallest,
                self.theta.len()
            )));
        }
        let options = ExtremalOptions {
            largest,
            smallest,
            tolerance: EIGENVECTORS,
            max_products: PRODUCTS,
            ..ExtremalOptions::default()
        };
        let objective = self.setup.training_double()?;
        let hessian = objective.hessian_until(self.theta, progress)?;
        let mut random = stream(self.setup.recipe.seed, "probes");
        Ok(Some(top_eigenvalues(
            &hessian,
            &options,
            &[],
            &mut random,
            progress,
        )?))
    }

    fn gradient(&self) -> Result<Vec<f64>, JobError> {
        let objective = self.setup.training_double()?;
        let mut gradient = vec![0.0; self.theta.len()];
        objective.gradient(self.theta, &mut objective.workspace(), &mut gradient);
        Ok(gradient)
    }

    /// The optimizer as it was at these parameters.
    fn optimizer(&self) -> Result<Box<dyn optimizers::Optimizer<f64>>, JobError> {
        let failed = |error: &dyn std::error::Error| JobError::Failed(error.to_string());
        let recipe = &self.setup.recipe.optimizer;
        let mut optimizer =
            optimizers::build_double(recipe, self.theta.len()).map_err(|e| failed(&e))?;
        match self.optimizer {
            Some(state) => {
                let state = OptimizerState {
                    updates: state.updates,
                    slots: state.slots.iter().map(|slot| to_f64(slot)).collect(),
                };
                optimizer.restore(&state).map_err(|e| failed(&e))?;
            }
            None if optimizer.state().slots.is_empty() => {}
            None => {
                return Err(JobError::Failed(
                    "these parameters come without what the optimizer remembered at them, which \
                     its momentum and its update need"
                        .to_owned(),
                ));
            }
        }
        Ok(optimizer)
    }

    fn momentum(&self) -> Result<Vec<f64>, JobError> {
        self.optimizer()?.momentum().ok_or_else(|| {
            JobError::Failed(format!(
                "the optimizer {} has no momentum at these parameters",
                self.setup.recipe.optimizer.kind
            ))
        })
    }

    fn update(&self) -> Result<Vec<f64>, JobError> {
        let mut optimizer = self.optimizer()?;
        let mut gradient = self.gradient()?;
        let recipe = &self.setup.recipe.optimizer;
        let norm = vector::norm(&gradient);
        vector::scale(clip_factor(norm, recipe.float("clip_norm")), &mut gradient);
        let mut theta = self.theta.to_vec();
        // Those that draw at random count their updates.
        let step = self.optimizer.map_or(0, |state| state.updates);
        let mut surroundings = LossSurroundings::new(
            self.setup,
            self.theta,
            None,
            step,
            recipe.float("clip_norm"),
        );
        let rate = recipe.float("learning_rate");
        optimizer
            .step(&mut theta, &gradient, rate, &mut surroundings)
            .map_err(|error| JobError::Failed(error.to_string()))?;
        vector::axpy(-1.0, self.theta, &mut theta);
        Ok(theta)
    }
}

fn negative(mut vector: Vec<f64>) -> Vec<f64> {
    vector::scale(-1.0, &mut vector);
    vector
}

impl SliceSettings {
    /// How random directions of these settings are drawn.
    pub fn drawing(&self) -> Drawing {
        Drawing {
            normalization: self.normalization,
            include_biases: self
                .biases
                .unwrap_or_else(|| self.normalization.includes_biases()),
            orthogonal: self.orthogonal,
        }
    }
}
