//! Paths between two solutions as a job: straight lines, alignments, curves,
//! layers and forks, each a function of a run's setup and two ends.

mod ends;
mod found;
mod plane;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::connectivity::{
    Curve, CurveKind, CurveTraining, ForkError, ForkOptions, Matching, MatchingMethod, Silent,
    Symmetry, default_steps, fork, layer_paths, match_activations, match_weights, outside, profile,
    train_curve,
};
use crate::engine::job::{Analysis, JobContext, JobError};
use crate::engine::result::{AnalysisResult, ResultKind};
use crate::math::rng::stream;
use crate::math::vector;
use crate::math::{MathError, Progress};
use crate::objective::{Objective, Real};
use crate::train::Setup;

pub use ends::PathEnd;
pub use found::{Alignment, Connection, Layers, Outsides, Profiles, Sweep, TrainedCurve};
pub use plane::{PointOnPlane, ThroughThree};

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
    /// How far the straight line goes on beyond its ends, as values of λ; not at
    /// all where there is no range.
    pub range: Option<[f64; 2]>,
    /// Points on a side of the plane through the ends and the aligned network
    /// or the bend; no plane where there is none.
    pub plane: Option<usize>,
}

impl PathSettings {
    /// The method with its defaults.
    pub fn new(method: PathMethod, seed: u64) -> Self {
        Self {
            method,
            points: 25,
            bends: 1,
            training: CurveTraining::default(),
            seed,
            fork_steps: None,
            range: None,
            plane: None,
        }
    }
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
        let quiet = Silent(progress);
        let of = |loss: &Objective<T>| profile(loss, curve, points, refined, &quiet);
        Ok(Profiles {
            train: of(&self.train)?,
            validation: self.validation.as_ref().map(of).transpose()?,
        })
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
        outside: None,
        alignment: None,
        curve: None,
        layers: None,
        fork: None,
        plane: None,
        ends: [a, b],
    };
    publish(&found);
    found.straight = Some(losses.profiles(&line, settings.points, true, progress)?);
    if let Some(range) = settings.range {
        let [a, b] = found.ends.clone();
        let quiet = Silent(progress);
        let of = |loss: &Objective<T>| outside(loss, &a, &b, range, settings.points, &quiet);
        found.outside = Some(Outsides {
            train: of(&losses.train)?,
            validation: losses.validation.as_ref().map(of).transpose()?,
        });
    }
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
                layers.validation = Some(of(set, &Silent(progress))?);
            }
        }
    }
    if let Some(grid) = settings.plane {
        publish(&found);
        plane::add(&losses.train, &mut found, grid, progress, publish)?;
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
        map: symmetry.unmoved(),
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
            .rearrange(&matching.map, &b)
            .and_then(|aligned| Curve::line(Arc::clone(&a), aligned))
            .and_then(|line| {
                let points = settings.points.clamp(3, 11);
                let seen = profile(&losses.train, &line, points, false, &Silent(progress))?;
                Ok((seen.line, Arc::clone(&line.points()[1])))
            });
        let (line, aligned) = match measured {
            Ok(measured) => measured,
            Err(error) => {
                failed.get_or_insert(error);
                return;
            }
        };
        alignment.map.clone_from(&matching.map);
        alignment.similarity = matching.similarity;
        alignment.moved = matching.moved;
        alignment.aligned = aligned;
        alignment.sweeps.push(Sweep {
            similarity: matching.similarity,
            moved: matching.moved,
            barrier: line.barrier,
            line: Arc::new(line),
            map: Arc::new(matching.map.clone()),
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
            .unwrap_or_else(|| default_steps(setup.initial.step, total)),
        seed: settings.seed,
        points: settings.points,
    };
    let mut found = Connection {
        method: settings.method,
        from,
        to: format!("copies with the batches of seed {}", settings.seed),
        distance: 0.0,
        straight: None,
        outside: None,
        alignment: None,
        curve: None,
        layers: None,
        fork: None,
        plane: None,
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
mod tests;
