//! Paths between two solutions as a job: straight lines, alignments, curves,
//! layers and forks, each a function of a run's setup and two ends.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::job::{Analysis, JobContext, JobError};
use super::result::{AnalysisResult, ResultKind};
use crate::connectivity::{
    Curve, CurveKind, CurveTraining, Fork, ForkError, ForkOptions, LayerPath, Matching,
    MatchingMethod, Profile, Symmetry, default_steps, fork, layer_paths, match_activations,
    match_weights, profile, train_curve,
};
use crate::math::rng::stream;
use crate::math::vector::{self, to_f64};
use crate::math::{MathError, Progress};
use crate::nn::checkpoint;
use crate::objective::{Objective, Real};
use crate::train::{Run, Setup, StepOutcome};

/// What a barrier is, for files.
pub const BARRIER: &str = "max over t of L(phi(t)) - ((1 - t) L(phi(0)) + t L(phi(1)))";

impl From<ForkError> for JobError {
    fn from(error: ForkError) -> Self {
        match error {
            ForkError::Math(error) => error.into(),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// One end of a path.
#[derive(Clone, Debug, PartialEq)]
pub enum PathEnd {
    /// These parameters.
    Given {
        /// What they are called.
        name: String,
        /// The parameters.
        theta: Arc<[f64]>,
    },
    /// The end of another run of the same recipe on the same data: first
    /// parameters and batches are drawn from this seed.
    Twin {
        /// The seed.
        seed: u64,
    },
    /// A safetensors file, or the folder of a finished run of the same network.
    File(PathBuf),
}

impl PathEnd {
    /// The parameters, with what they are called. A twin is trained for it:
    /// progress counts its steps.
    ///
    /// # Errors
    /// [`JobError`], with one sentence on what is wrong with a file.
    pub fn resolve(
        &self,
        setup: &Setup,
        progress: &dyn Progress,
    ) -> Result<(String, Arc<[f64]>), JobError> {
        match self {
            Self::Given { name, theta } => Ok((name.clone(), Arc::clone(theta))),
            Self::Twin { seed } => {
                let theta = twin(setup, *seed, progress)?;
                Ok((format!("seed {seed}"), theta.into()))
            }
            Self::File(path) => {
                let file = if path.is_dir() {
                    path.join("parameters.safetensors")
                } else {
                    path.clone()
                };
                let theta = checkpoint::load(&file, setup.network.layout())
                    .map_err(|error| JobError::Failed(error.to_string()))?;
                let name = path.file_name().unwrap_or(path.as_os_str());
                Ok((name.to_string_lossy().into_owned(), theta.into()))
            }
        }
    }
}

/// The last parameters of a run of the same recipe on the same data from
/// another seed.
fn twin(setup: &Setup, seed: u64, progress: &dyn Progress) -> Result<Vec<f64>, JobError> {
    let mut recipe = (*setup.recipe).clone();
    recipe.seed = seed;
    recipe.training.set("validation_every", 0);
    let data = (*setup.data).clone();
    let setup = Setup::with_data(Arc::new(recipe), data, None, &setup.base_dir)?;
    let mut run = Run::from_setup(Arc::new(setup))?;
    let total = run.total_steps() as usize;
    loop {
        progress.check()?;
        match run.step()? {
            StepOutcome::Trained => progress.report(run.steps_done() as usize, total),
            StepOutcome::Finished => return Ok(to_f64(run.parameters())),
            StepOutcome::Diverged(divergence) => {
                return Err(JobError::Failed(format!(
                    "the run from seed {seed} diverged at step {}: lower the learning rate",
                    divergence.step
                )));
            }
        }
    }
}

/// How two solutions are connected.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
pub enum PathMethod {
    /// The straight line.
    #[default]
    #[strum(serialize = "straight line")]
    Linear,
    /// The straight line after the units of the second network were permuted to
    /// match the first's by weights.
    #[strum(serialize = "aligned by weights")]
    Weights,
    /// The same by activations.
    #[strum(serialize = "aligned by activations")]
    Activations,
    /// A trained Bézier curve.
    #[strum(serialize = "Bézier curve")]
    Bezier,
    /// A trained polygonal chain.
    #[strum(serialize = "polygonal chain")]
    Chain,
    /// Layer by layer.
    #[strum(serialize = "layer by layer")]
    Layers,
    /// Copies of the run that part from it at different steps.
    #[strum(serialize = "forks of the run")]
    Fork,
}

/// What is computed.
#[derive(Clone, Debug, PartialEq)]
pub struct PathSettings {
    /// How the ends are connected.
    pub method: PathMethod,
    /// Points on each path.
    pub points: usize,
    /// Bends of a curve.
    pub bends: usize,
    /// How a curve is trained.
    pub training: CurveTraining,
    /// Seed of the sweeps' order, of the draws of t, and of the batches of the
    /// copies.
    pub seed: u64,
    /// Steps at which copies part; some that suit the run where there are none.
    pub fork_steps: Option<Vec<u64>>,
}

impl PathSettings {
    /// The method with its defaults.
    pub fn new(method: PathMethod, seed: u64) -> Self {
        Self {
            method,
            points: 25,
            bends: match method {
                PathMethod::Chain => 3,
                _ => 1,
            },
            training: CurveTraining::default(),
            seed,
            fork_steps: None,
        }
    }
}

/// The loss along one path on both sets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Profiles {
    /// On the training set.
    pub train: Profile,
    /// On the validation set, where there is one.
    pub validation: Option<Profile>,
}

/// What one sweep of a matching reached.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sweep {
    /// cos(θ_A, π(θ_B)).
    pub similarity: f64,
    /// Units that are not where they were.
    pub moved: usize,
    /// The barrier of the training loss on the straight line then, as its points
    /// show it.
    #[serde(with = "crate::math::floats::cell")]
    pub barrier: f64,
    /// The permutations then.
    #[serde(skip)]
    pub permutations: Arc<Vec<Vec<usize>>>,
}

/// An alignment of the second network's units to the first's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alignment {
    /// How units were compared.
    pub method: MatchingMethod,
    /// The groups of units that move together: the layers that make them.
    pub groups: Vec<String>,
    /// For every group, the unit of B that takes place i.
    pub permutations: Vec<Vec<usize>>,
    /// cos(θ_A, θ_B).
    pub similarity_before: f64,
    /// cos(θ_A, π(θ_B)).
    pub similarity: f64,
    /// Units that are not where they were.
    pub moved: usize,
    /// The matching as it went.
    pub sweeps: Vec<Sweep>,
    /// The loss from A to π(B), once the matching is found.
    pub profiles: Option<Profiles>,
    /// π(θ_B).
    #[serde(skip)]
    pub aligned: Arc<[f64]>,
}

/// A trained curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrainedCurve {
    /// What it makes of its bends.
    pub kind: CurveKind,
    /// Number of bends.
    pub bends: usize,
    /// Steps made of those asked for.
    pub iteration: usize,
    /// Steps asked for.
    pub iterations: usize,
    /// Mean training loss over the values of t drawn in each step.
    pub losses: Vec<f64>,
    /// The loss along the curve.
    pub profiles: Profiles,
    /// Its points, the ends among them.
    #[serde(skip)]
    pub points: Vec<Arc<[f64]>>,
}

/// The loss while some layers move.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layers {
    /// On the training set.
    pub train: Vec<LayerPath>,
    /// On the validation set, where there is one.
    pub validation: Option<Vec<LayerPath>>,
}

/// Paths between two solutions, as far as they are known yet.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Connection {
    /// What connects the ends.
    pub method: PathMethod,
    /// What the first end is called.
    pub from: String,
    /// What the second end is called.
    pub to: String,
    /// ‖θ_A − θ_B‖.
    pub distance: f64,
    /// The straight line between the ends.
    #[serde(flatten)]
    pub straight: Option<Profiles>,
    /// The alignment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alignment: Option<Alignment>,
    /// The trained curve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub curve: Option<TrainedCurve>,
    /// The layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<Layers>,
    /// The forks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fork: Option<Fork>,
    /// θ_A and θ_B.
    #[serde(skip)]
    pub ends: [Arc<[f64]>; 2],
}

/// The losses that are measured along paths.
pub struct Losses<T> {
    /// Over the training set.
    pub train: Objective<T>,
    /// Over the validation set, if there is one.
    pub validation: Option<Objective<T>>,
}

impl Losses<f32> {
    /// Those of a run, in single precision.
    pub fn single(setup: &Setup) -> Self {
        Self {
            train: setup.training.clone(),
            validation: setup.validation.clone(),
        }
    }
}

impl Losses<f64> {
    /// Those of a run, in double precision.
    ///
    /// # Errors
    /// [`JobError::Failed`].
    pub fn double(setup: &Setup) -> Result<Self, JobError> {
        let validation = match (&setup.validation, &setup.data.validation) {
            (Some(_), Some(set)) => {
                let (network, loss) = (Arc::clone(&setup.network), Arc::clone(&setup.loss));
                let objective = Objective::new(network, loss, set)
                    .map_err(|error| JobError::Failed(error.to_string()))?;
                Some(objective)
            }
            _ => None,
        };
        Ok(Self {
            train: setup.training_double()?.clone(),
            validation,
        })
    }
}

impl<T: Real> Losses<T> {
    fn profiles(
        &self,
        curve: &Curve,
        points: usize,
        refined: bool,
        progress: &dyn Progress,
    ) -> Result<Profiles, MathError> {
        let quiet = Quiet(progress);
        let of = |loss: &Objective<T>| profile(loss, curve, points, refined, &quiet);
        Ok(Profiles {
            train: of(&self.train)?,
            validation: self.validation.as_ref().map(of).transpose()?,
        })
    }
}

/// Cancels as the progress does, and reports nothing.
struct Quiet<'a>(&'a dyn Progress);

impl Progress for Quiet<'_> {
    fn report(&self, _done: usize, _total: usize) {}

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// Connects two solutions. `publish` gets every state that is worth showing; the
/// last one is returned.
///
/// # Errors
/// [`JobError`], with one sentence on what cannot be connected so.
pub fn connect<T: Real>(
    setup: &Arc<Setup>,
    losses: &Losses<T>,
    ends: [&PathEnd; 2],
    settings: &PathSettings,
    progress: &dyn Progress,
    publish: &mut dyn FnMut(&Connection),
) -> Result<Connection, JobError> {
    let (from, a) = ends[0].resolve(setup, progress)?;
    if settings.method == PathMethod::Fork {
        return forks(setup, losses, (from, a), settings, progress, publish);
    }
    let (to, b) = ends[1].resolve(setup, progress)?;
    for (name, theta) in [(&from, &a), (&to, &b)] {
        if theta.len() != setup.dim() {
            return Err(JobError::Failed(format!(
                "{name} has {} parameters, and this network has {}: a path needs two solutions \
                 of one network",
                theta.len(),
                setup.dim()
            )));
        }
    }
    let line = Curve::line(Arc::clone(&a), Arc::clone(&b))?;
    let mut found = Connection {
        method: settings.method,
        from,
        to,
        distance: line.distance(),
        straight: Some(losses.profiles(&line, settings.points, false, progress)?),
        alignment: None,
        curve: None,
        layers: None,
        fork: None,
        ends: [a, b],
    };
    publish(&found);
    found.straight = Some(losses.profiles(&line, settings.points, true, progress)?);
    match settings.method {
        PathMethod::Linear | PathMethod::Fork => {}
        PathMethod::Weights => {
            let method = MatchingMethod::Weights;
            align(
                setup, losses, &mut found, method, settings, progress, publish,
            )?;
        }
        PathMethod::Activations => {
            let method = MatchingMethod::Activations;
            align(
                setup, losses, &mut found, method, settings, progress, publish,
            )?;
        }
        PathMethod::Bezier => {
            bend(
                losses,
                &mut found,
                CurveKind::Bezier,
                settings,
                progress,
                publish,
            )?;
        }
        PathMethod::Chain => {
            bend(
                losses,
                &mut found,
                CurveKind::Chain,
                settings,
                progress,
                publish,
            )?;
        }
        PathMethod::Layers => {
            let layout = setup.network.layout();
            let [a, b] = found.ends.clone();
            let of = |loss: &Objective<T>, progress: &dyn Progress| {
                layer_paths(loss, layout, &a, &b, settings.points, progress)
            };
            found.layers = Some(Layers {
                train: of(&losses.train, progress)?,
                validation: None,
            });
            publish(&found);
            if let (Some(layers), Some(set)) = (&mut found.layers, &losses.validation) {
                layers.validation = Some(of(set, &Quiet(progress))?);
            }
        }
    }
    Ok(found)
}

fn align<T: Real>(
    setup: &Setup,
    losses: &Losses<T>,
    found: &mut Connection,
    method: MatchingMethod,
    settings: &PathSettings,
    progress: &dyn Progress,
    publish: &mut dyn FnMut(&Connection),
) -> Result<(), JobError> {
    let symmetry = Symmetry::new(&setup.network);
    let [a, b] = found.ends.clone();
    found.alignment = Some(Alignment {
        method,
        groups: symmetry.groups().iter().map(|g| g.name.clone()).collect(),
        permutations: symmetry.identity(),
        similarity_before: vector::cosine(&a[..], &b[..]),
        similarity: vector::cosine(&a[..], &b[..]),
        moved: 0,
        sweeps: Vec::new(),
        profiles: None,
        aligned: Arc::clone(&b),
    });
    // What went wrong while a sweep was looked at.
    let mut failed = None;
    let mut on_sweep = |matching: &Matching| {
        let Some(alignment) = &mut found.alignment else {
            return;
        };
        let measured = symmetry
            .permute(&matching.permutations, &b)
            .and_then(|aligned| Curve::line(Arc::clone(&a), aligned))
            .and_then(|line| {
                let points = settings.points.clamp(3, 11);
                let seen = profile(&losses.train, &line, points, false, &Quiet(progress))?;
                Ok((seen.line.barrier, Arc::clone(&line.points()[1])))
            });
        let (barrier, aligned) = match measured {
            Ok(measured) => measured,
            Err(error) => {
                failed.get_or_insert(error);
                return;
            }
        };
        alignment.permutations.clone_from(&matching.permutations);
        alignment.similarity = matching.similarity;
        alignment.moved = matching.moved;
        alignment.aligned = aligned;
        alignment.sweeps.push(Sweep {
            similarity: matching.similarity,
            moved: matching.moved,
            barrier,
            permutations: Arc::new(matching.permutations.clone()),
        });
        publish(found);
    };
    match method {
        MatchingMethod::Weights => {
            let mut random = stream(settings.seed, "matching");
            match_weights(&symmetry, &a, &b, &mut random, progress, &mut on_sweep)?;
        }
        MatchingMethod::Activations => {
            let set = &losses.train;
            match_activations(set, &symmetry, &a, &b, progress, &mut on_sweep)?;
        }
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    if let Some(alignment) = &mut found.alignment {
        let line = Curve::line(a, Arc::clone(&alignment.aligned))?;
        alignment.profiles = Some(losses.profiles(&line, settings.points, true, progress)?);
    }
    Ok(())
}

fn bend<T: Real>(
    losses: &Losses<T>,
    found: &mut Connection,
    kind: CurveKind,
    settings: &PathSettings,
    progress: &dyn Progress,
    publish: &mut dyn FnMut(&Connection),
) -> Result<(), JobError> {
    let [a, b] = found.ends.clone();
    let start = Curve::straight(kind, a, b, settings.bends)?;
    let mut random = stream(settings.seed, "curve");
    let training = &settings.training;
    let (curve, means) = train_curve(
        &losses.train,
        start,
        training,
        &mut random,
        progress,
        &mut |state| {
            found.curve = Some(TrainedCurve {
                kind,
                bends: settings.bends,
                iteration: state.iteration,
                iterations: training.iterations,
                losses: state.losses.to_vec(),
                profiles: losses.profiles(state.curve, settings.points, false, progress)?,
                points: state.curve.points().to_vec(),
            });
            publish(found);
            Ok(())
        },
    )?;
    found.curve = Some(TrainedCurve {
        kind,
        bends: settings.bends,
        iteration: means.len(),
        iterations: training.iterations,
        losses: means,
        profiles: losses.profiles(&curve, settings.points, true, progress)?,
        points: curve.points().to_vec(),
    });
    Ok(())
}

fn forks<T: Real>(
    setup: &Arc<Setup>,
    losses: &Losses<T>,
    (from, a): (String, Arc<[f64]>),
    settings: &PathSettings,
    progress: &dyn Progress,
    publish: &mut dyn FnMut(&Connection),
) -> Result<Connection, JobError> {
    let total = setup.recipe.training.count("steps") as u64;
    let options = ForkOptions {
        steps: settings
            .fork_steps
            .clone()
            .unwrap_or_else(|| default_steps(total)),
        seed: settings.seed,
        points: settings.points,
    };
    let mut found = Connection {
        method: settings.method,
        from,
        to: format!("copies with the batches of seed {}", settings.seed),
        distance: 0.0,
        straight: None,
        alignment: None,
        curve: None,
        layers: None,
        fork: None,
        ends: [Arc::clone(&a), a],
    };
    let (train, validation) = (&losses.train, losses.validation.as_ref());
    let fork = fork(setup, train, validation, &options, progress, &mut |fork| {
        found.fork = Some(fork.clone());
        publish(&found);
    })?;
    found.fork = Some(fork);
    Ok(found)
}

/// Paths as a job, in single precision. The first end is the parameters of
/// `step`.
pub fn paths_job(
    setup: Arc<Setup>,
    step: u64,
    from: PathEnd,
    to: PathEnd,
    settings: PathSettings,
) -> impl Analysis + 'static {
    move |context: &JobContext| {
        let result = |found: &Connection| AnalysisResult {
            step,
            kind: ResultKind::Paths(Arc::new(found.clone())),
        };
        let mut publish = |found: &Connection| context.publish(result(found));
        let losses = Losses::single(&setup);
        connect(
            &setup,
            &losses,
            [&from, &to],
            &settings,
            context,
            &mut publish,
        )
        .map(|found| result(&found))
    }
}

#[cfg(test)]
#[path = "paths_tests.rs"]
mod tests;
