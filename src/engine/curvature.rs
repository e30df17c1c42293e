//! Analyses of curvature beyond the spectrum of the Hessian: other matrices,
//! the exact spectrum, layers and classes. Each is a plain function of a run's
//! setup and a parameter vector.

mod batches;
mod jobs;
mod waterfall;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::analyses::SpectrumSettings;
use super::job::JobError;
use crate::curvature::{
    BlockOptions, BlockStructure, DensityOptions, EXACT_LIMIT, EigenvalueEstimate, ExactSpectrum,
    ExtremalOptions, SpectralDensity, block_structure, exact_spectrum, gram_spectrum,
    spectral_density, top_eigenvalues, trace,
};
use crate::curvature::{TraceEstimate, TraceMethod};
use crate::math::operator::{Difference, Preconditioned, Shifted, SymmetricOperator};
use crate::math::rng::stream;
use crate::math::{MathError, Progress, vector};
use crate::objective::Objective;
use crate::train::optimizers::OptimizerState;
use crate::train::{Setup, Snapshot, optimizers};

pub use batches::{BatchEnds, BatchExtremes, BatchSettings, Spread, batch_sizes, batches};
pub use jobs::{
    ClassesResult, CurvatureResult, LayersResult, MatricesResult, MatrixSpectrum, batches_job,
    classes_job, layers_job, matrices, matrices_job, waterfall_job,
};
pub use waterfall::{
    WATERFALL_ROWS, Waterfall, WaterfallRow, WaterfallSettings, choose_snapshots, density_at,
    waterfall,
};

/// Which matrix of the training loss is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matrix {
    /// The Hessian H.
    #[default]
    Hessian,
    /// The Gauss–Newton matrix G.
    GaussNewton,
    /// H − G: what the curvature of the network's outputs adds.
    Rest,
    /// P^{−½}(H + shift·I)P^{−½}: the Hessian as an adaptive optimizer's
    /// stability line sees it; see [`preconditioned`].
    Preconditioned,
}

impl Matrix {
    /// Its symbol in mathematics.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Hessian => "H",
            Self::GaussNewton => "G",
            Self::Rest => "H − G",
            Self::Preconditioned => "P⁻¹H",
        }
    }

    /// The matrix at θ as an operator; `state` is what the optimizer remembered
    /// there, which only [`Matrix::Preconditioned`] needs.
    ///
    /// # Errors
    /// [`JobError`] if there is no objective; one sentence where there is no
    /// preconditioner.
    pub fn operator_with(
        self,
        setup: &Setup,
        theta: &[f64],
        state: Option<&OptimizerState<f32>>,
    ) -> Result<Box<dyn SymmetricOperator>, JobError> {
        if self != Self::Preconditioned {
            return self.operator(setup, theta);
        }
        let missing = || {
            JobError::Failed(format!(
                "there is no preconditioned Hessian: the optimizer {} has no preconditioner, or \
                 what it remembered at these parameters is not known",
                setup.recipe.optimizer.kind
            ))
        };
        preconditioned_at(setup, theta, state)?.ok_or_else(missing)
    }

    /// The matrix at θ as an operator.
    ///
    /// # Errors
    /// [`JobError`] if there is no objective.
    pub fn operator(
        self,
        setup: &Setup,
        theta: &[f64],
    ) -> Result<Box<dyn SymmetricOperator>, JobError> {
        let objective = setup.training_double()?;
        Ok(match self {
            Self::Hessian => Box::new(objective.hessian(theta)),
            Self::GaussNewton => Box::new(objective.gauss_newton(theta)),
            Self::Rest => Box::new(Difference::new(
                objective.hessian(theta),
                objective.gauss_newton(theta),
            )?),
            Self::Preconditioned => return self.operator_with(setup, theta, None),
        })
    }

    /// All its eigenvalues: from the whole matrix up to 2,000 parameters, from
    /// the Gram matrix where it is the Gauss–Newton matrix and samples × outputs
    /// are fewer.
    ///
    /// # Errors
    /// [`JobError`] where the network is too large, or cancelled.
    pub fn exact(
        self,
        setup: &Setup,
        theta: &[f64],
        progress: &dyn Progress,
    ) -> Result<ExactSpectrum, JobError> {
        let objective = setup.training_double()?;
        let rows = objective.len() * objective.network().outputs();
        if self == Self::GaussNewton && rows <= EXACT_LIMIT.min(theta.len()) {
            let factor = objective.gauss_newton_factor(theta, progress)?;
            return Ok(gram_spectrum(&factor.elements, factor.dim, progress)?);
        }
        if theta.len() > EXACT_LIMIT {
            let small = match self {
                Self::GaussNewton => " (or samples times outputs, for the Gauss–Newton matrix)",
                _ => "",
            };
            return Err(JobError::Failed(format!(
                "an exact spectrum takes at most {EXACT_LIMIT} parameters{small}; the network has {}",
                theta.len()
            )));
        }
        Ok(exact_spectrum(&*self.operator(setup, theta)?, progress)?)
    }

    /// The same for any matrix; `state` as in [`Matrix::operator_with`].
    ///
    /// # Errors
    /// As [`Matrix::exact`] and [`Matrix::operator_with`].
    pub fn exact_with(
        self,
        setup: &Setup,
        theta: &[f64],
        state: Option<&OptimizerState<f32>>,
        progress: &dyn Progress,
    ) -> Result<ExactSpectrum, JobError> {
        if self == Self::Preconditioned && theta.len() <= EXACT_LIMIT {
            let operator = self.operator_with(setup, theta, state)?;
            return Ok(exact_spectrum(&*operator, progress)?);
        }
        self.exact(setup, theta, progress)
    }
}

/// The Hessian as an adaptive optimizer's stability line sees it,
/// P^{−½}(H + shift·I)P^{−½}, at a snapshot: its largest eigenvalue is the
/// preconditioned sharpness, to be compared with `Stability::threshold`.
/// Nothing for other optimizers, before the first step, and for a snapshot that
/// does not remember its optimizer.
///
/// # Errors
/// [`JobError`], where the optimizer's state does not fit, or an element of P
/// is not positive.
pub fn preconditioned(
    setup: &Setup,
    snapshot: &Snapshot,
) -> Result<Option<Box<dyn SymmetricOperator>>, JobError> {
    let theta = vector::to_f64(&snapshot.theta);
    let setup = setup.at(snapshot.step);
    preconditioned_at(&setup, &theta, snapshot.optimizer.as_deref())
}

fn preconditioned_at(
    setup: &Setup,
    theta: &[f64],
    state: Option<&OptimizerState<f32>>,
) -> Result<Option<Box<dyn SymmetricOperator>>, JobError> {
    let Some(state) = state else {
        return Ok(None);
    };
    let failed = |error: &dyn std::error::Error| JobError::Failed(error.to_string());
    let mut optimizer =
        optimizers::build(&setup.recipe.optimizer, setup.dim()).map_err(|e| failed(&e))?;
    optimizer.restore(state).map_err(|e| failed(&e))?;
    let Some(diagonal) = optimizer.preconditioner() else {
        return Ok(None);
    };
    let hessian = setup.training_double()?.hessian(theta);
    // The learning rate plays no part in the shift.
    let shifted = Shifted::new(hessian, optimizer.stability(1.0).hessian_shift);
    Ok(Some(Box::new(Preconditioned::new(shifted, &diagonal)?)))
}

/// Where the parameters are cut.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub enum Cut {
    /// Between layers.
    #[default]
    Layers,
    /// Between tensors: weights apart from biases.
    Tensors,
}

impl Cut {
    /// The blocks' names and their places in the flat vector.
    pub fn blocks(self, setup: &Setup) -> Vec<(String, Range<usize>)> {
        let layout = setup.network.layout();
        match self {
            Self::Layers => (0..layout.layers())
                .map(|layer| {
                    let name = layout.layer_name(layer).to_owned();
                    (name, layout.layer_range(layer))
                })
                .collect(),
            Self::Tensors => layout
                .iter()
                .map(|tensor| (tensor.name.clone(), tensor.range.clone()))
                .collect(),
        }
    }
}

/// The matrix cut into the network's layers, with their names.
///
/// # Errors
/// [`JobError`].
pub fn layers(
    setup: &Setup,
    operator: &dyn SymmetricOperator,
    settings: &SpectrumSettings,
    progress: &dyn Progress,
) -> Result<(Vec<String>, BlockStructure), JobError> {
    blocks(setup, operator, Cut::Layers, settings, progress)
}

/// The matrix cut into blocks, with their names.
///
/// # Errors
/// [`JobError`].
pub fn blocks(
    setup: &Setup,
    operator: &dyn SymmetricOperator,
    cut: Cut,
    settings: &SpectrumSettings,
    progress: &dyn Progress,
) -> Result<(Vec<String>, BlockStructure), JobError> {
    let (names, ranges): (Vec<_>, Vec<_>) = cut.blocks(setup).into_iter().unzip();
    let options = BlockOptions {
        probes: settings.probes.max(BlockOptions::default().probes),
        ends: ends(settings),
    };
    let mut random = stream(settings.seed, "layers");
    let found = block_structure(operator, &ranges, &options, &mut random, progress)?;
    Ok((names, found))
}

/// The Hessian of the loss of one class: the mean over its samples alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassCurvature {
    /// The class.
    pub class: String,
    /// How many samples it has in the training set.
    pub samples: usize,
    /// Its share of the training loss's mean: Σ over the classes of share times
    /// Hessian is the Hessian of the whole.
    pub share: f64,
    /// Mean loss of its samples.
    #[serde(with = "crate::math::floats::cell")]
    pub loss: f64,
    /// The largest eigenvalues, descending.
    pub eigenvalues: Vec<EigenvalueEstimate>,
    /// The smallest, ascending.
    pub smallest: Vec<EigenvalueEstimate>,
    /// The trace.
    pub trace: TraceEstimate,
    /// The density, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub density: Option<SpectralDensity>,
}

/// The Hessians of the classes of the training set (those without samples are
/// left out); empty for a regression.
///
/// # Errors
/// [`JobError`].
pub fn classes(
    setup: &Setup,
    theta: &[f64],
    settings: &SpectrumSettings,
    progress: &dyn Progress,
) -> Result<Vec<ClassCurvature>, JobError> {
    classes_with(setup, theta, settings, false, progress, &mut |_| ())
}

/// The same, with the density of every class where `density` is set; `on_part`
/// gets what is known after each class.
///
/// # Errors
/// [`JobError`].
pub fn classes_with(
    setup: &Setup,
    theta: &[f64],
    settings: &SpectrumSettings,
    density: bool,
    progress: &dyn Progress,
    on_part: &mut dyn FnMut(&[ClassCurvature]),
) -> Result<Vec<ClassCurvature>, JobError> {
    let train = &setup.data.train;
    let labels = train.labels().unwrap_or_default();
    let mut found = Vec::new();
    for (class, name) in train.class_names().iter().enumerate() {
        progress.check().map_err(MathError::from)?;
        let members: Vec<usize> = (0..labels.len())
            .filter(|index| labels[*index] as usize == class)
            .collect();
        if members.is_empty() {
            continue;
        }
        let (network, loss) = (setup.network.clone(), setup.loss.clone());
        let objective = Objective::<f64>::new(network, loss, &train.subset(&members))
            .map_err(|error| JobError::Failed(error.to_string()))?;
        let hessian = objective.hessian(theta);
        let mut random = stream(settings.seed, "classes");
        let silent = Silent(progress);
        let ends = top_eigenvalues(&hessian, &ends(settings), &[], &mut random, &silent)?;
        let products = (settings.probes * settings.lanczos_steps / 4).max(8);
        let method = TraceMethod::best(products, theta.len());
        let trace = trace(&hessian, method, products, &mut random, &silent)?;
        let density = if density && settings.probes > 0 {
            let options = DensityOptions {
                probes: settings.probes,
                steps: settings.lanczos_steps,
                ..DensityOptions::default()
            };
            let deflate = Some(&ends);
            Some(spectral_density(
                &hessian,
                &options,
                deflate,
                &mut random,
                &silent,
            )?)
        } else {
            None
        };
        found.push(ClassCurvature {
            class: name.clone(),
            samples: members.len(),
            share: members.len() as f64 / train.len() as f64,
            loss: objective.loss(theta, &mut objective.workspace()),
            eigenvalues: ends.eigenvalues,
            smallest: ends.smallest,
            trace,
            density,
        });
        progress.report(class + 1, train.class_names().len());
        on_part(&found);
    }
    Ok(found)
}

/// Can be cancelled, and reports nothing.
struct Silent<'a>(&'a dyn Progress);

impl Progress for Silent<'_> {
    fn report(&self, _done: usize, _total: usize) {}

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

fn ends(settings: &SpectrumSettings) -> ExtremalOptions {
    ExtremalOptions {
        largest: settings.top,
        smallest: 1,
        tolerance: settings.tolerance,
        ..ExtremalOptions::default()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::math::dense::SymmetricEigen;
    use crate::train::testing::{optimizer, recipe};
    use crate::train::{Run, StepOutcome};

    fn settings() -> SpectrumSettings {
        SpectrumSettings {
            top: 2,
            probes: 8,
            lanczos_steps: 20,
            seed: 0,
            tolerance: 1e-9,
        }
    }

    fn setup(hidden: i64, samples: i64) -> (Setup, Vec<f64>) {
        let mut recipe = recipe();
        recipe.model.set("hidden", vec![hidden]);
        recipe.data.set("samples", samples);
        let setup = Setup::new(recipe.into(), Path::new(".")).unwrap();
        let theta = vector::to_f64(&setup.initial.theta);
        (setup, theta)
    }

    #[test]
    fn the_gram_matrix_gives_the_gauss_newton_spectrum() {
        // 82 or 402 parameters, 2·(training samples) rows: fewer and more.
        for (hidden, samples) in [(8, 60), (80, 40)] {
            let (setup, theta) = setup(hidden, samples);
            let found = Matrix::GaussNewton.exact(&setup, &theta, &()).unwrap();
            let operator = Matrix::GaussNewton.operator(&setup, &theta).unwrap();
            let exact = exact_spectrum(&*operator, &()).unwrap();
            assert_eq!(found.eigenvalues.len(), theta.len());
            for (found, exact) in found.eigenvalues.iter().zip(&exact.eigenvalues) {
                assert!((found - exact).abs() < 1e-12 * exact.abs().max(1.0));
            }
            assert!((found.trace - exact.trace).abs() < 1e-10 * exact.trace);
        }
    }

    #[test]
    fn the_hessian_is_gauss_newton_and_the_rest() {
        let (setup, theta) = setup(8, 60);
        let trace = |matrix: Matrix| matrix.exact(&setup, &theta, &()).unwrap().trace;
        let sum = trace(Matrix::GaussNewton) + trace(Matrix::Rest);
        assert!((trace(Matrix::Hessian) - sum).abs() < 1e-12);
        let (large, theta) = super::tests::setup(700, 60);
        let error = Matrix::Hessian.exact(&large, &theta, &()).unwrap_err();
        assert!(error.to_string().contains("at most 2000 parameters"));
    }

    #[test]
    fn the_preconditioned_hessian_of_a_training_with_adam() {
        let mut recipe = recipe();
        recipe.optimizer = optimizer("adam", 0.01).with("weight_decay", 0.1);
        let mut run = Run::new(&recipe, Path::new(".")).unwrap();
        run.step().unwrap();
        run.set_hyperparameter("weight_decay", 0.3).unwrap();
        while run.step().unwrap() == StepOutcome::Trained {}
        let snapshot = run.snapshot();
        let state = snapshot.optimizer.as_ref().unwrap();
        // The shift is the weight decay that is in force, as the run's own line
        // has it.
        assert_eq!(run.stability().hessian_shift, 0.3);
        let changed = [(1, "weight_decay".to_owned(), 0.3)];
        let setup = run.setup().with_changes(&changed);
        let operator = preconditioned(&setup, &snapshot).unwrap().unwrap();
        let found = exact_spectrum(&*operator, &()).unwrap();
        // (H + 0.3·I)/√(pᵢpⱼ), with p from the state.
        let n = run.setup().dim();
        let steps = state.updates as f64;
        let (first, second) = (1.0 - 0.9f64.powf(steps), 1.0 - 0.999f64.powf(steps));
        let p: Vec<f64> = state.slots[1]
            .iter()
            .map(|v| first * ((f64::from(*v) / second).sqrt() + 1e-8))
            .collect();
        let theta = vector::to_f64(&snapshot.theta);
        let hessian = run.setup().training_double().unwrap().hessian(&theta);
        let (mut unit, mut column) = (vec![0.0; n], vec![0.0; n]);
        let mut elements = Vec::new();
        for j in 0..n {
            unit[j] = 1.0;
            hessian.apply(&unit, &mut column);
            unit[j] = 0.0;
            column[j] += 0.3;
            elements.extend((0..n).map(|i| column[i] / (p[i] * p[j]).sqrt()));
        }
        let exact = SymmetricEigen::new(n, &elements).unwrap();
        let size = exact.values[n - 1].abs();
        for (found, exact) in found.eigenvalues.iter().zip(exact.values.iter().rev()) {
            assert!((found - exact).abs() < 1e-10 * size);
        }
        let start = &run.setup().initial;
        assert!(preconditioned(run.setup(), start).unwrap().is_none());
    }

    /// The Hessian from candle's second backward pass, a column at a time.
    fn independent(setup: &Setup, theta: &[f64]) -> Vec<f64> {
        let n = theta.len();
        let mut unit = vec![0.0; n];
        let mut elements = Vec::with_capacity(n * n);
        for j in 0..n {
            unit[j] = 1.0;
            let (network, loss) = (&setup.network, &setup.recipe.loss);
            let answer = crate::nn::oracle::ask(network, loss, &setup.data.train, theta, &unit);
            elements.extend(answer.hessian_product);
            unit[j] = 0.0;
        }
        elements
    }

    #[test]
    fn every_eigenvalue_of_a_small_network_agrees_with_candle() {
        for (hidden, activation) in [(24, "tanh"), (12, "gelu")] {
            let mut recipe = recipe();
            recipe.model.set("hidden", vec![hidden, 6]);
            recipe.model.set("activation", activation);
            recipe.data.set("samples", 24);
            let mut run = Run::new(&recipe, Path::new(".")).unwrap();
            while run.step().unwrap() == StepOutcome::Trained {}
            let (setup, theta) = (run.setup(), vector::to_f64(run.parameters()));
            let n = theta.len();
            assert!(n <= 500, "{n}");
            let found = Matrix::Hessian.exact(setup, &theta, &()).unwrap();
            let other = SymmetricEigen::new(n, &independent(setup, &theta)).unwrap();
            let size = vector::max_abs(&other.values);
            for (found, expected) in found.eigenvalues.iter().zip(other.values.iter().rev()) {
                assert!((found - expected).abs() < 1e-8 * size, "{found} {expected}");
            }
            // So do the ends found by iteration, within their residuals.
            let operator = Matrix::Hessian.operator(setup, &theta).unwrap();
            let settings = SpectrumSettings {
                top: 5,
                ..settings()
            };
            let random = &mut stream(0, "ends");
            let ends = top_eigenvalues(&*operator, &ends(&settings), &[], random, &()).unwrap();
            for (found, expected) in ends.eigenvalues.iter().zip(other.values.iter().rev()) {
                assert!(found.converged);
                assert!((found.value - expected).abs() < 1e-8 * size);
            }
        }
    }

    #[test]
    fn the_density_of_a_network_lies_within_its_band() {
        let (setup, theta) = setup(16, 60);
        for matrix in [Matrix::Hessian, Matrix::GaussNewton, Matrix::Rest] {
            let exact = matrix.exact(&setup, &theta, &()).unwrap();
            let operator = matrix.operator(&setup, &theta).unwrap();
            // The spread over fewer probes would itself be a guess.
            for probes in [10, 20, 40] {
                let settings = SpectrumSettings {
                    probes,
                    lanczos_steps: 30,
                    ..settings()
                };
                let found =
                    crate::engine::analyses::spectrum_of(&*operator, &settings, &(), &mut |_| ())
                        .unwrap();
                let density = found.density.unwrap();
                let sigma = density.sigma(crate::curvature::Bandwidth::default());
                let truth = exact.density(30);
                let [low, high] = density.range;
                for (from, to) in [(0.0, 0.2), (0.1, 0.5), (0.3, 0.35), (0.5, 1.0)] {
                    let interval = [low + from * (high - low), low + to * (high - low)];
                    let estimate = density.mass(interval, sigma);
                    let expected = truth.mass(interval, sigma).value;
                    let error = (estimate.value - expected).abs();
                    // Four standard errors, and a thousandth of the spectrum
                    // where all probes agree.
                    assert!(error <= 4.0 * estimate.stderr + 1e-3, "{matrix:?} {error}");
                }
            }
        }
    }

    #[test]
    fn blocks_of_tensors_and_densities_of_classes() {
        let (setup, theta) = setup(8, 60);
        let operator = Matrix::Hessian.operator(&setup, &theta).unwrap();
        let (names, found) = blocks(&setup, &*operator, Cut::Tensors, &settings(), &()).unwrap();
        assert_eq!(names, ["0.weight", "0.bias", "2.weight", "2.bias"]);
        let exact = exact_spectrum(&*operator, &()).unwrap();
        let traces: f64 = found.blocks.iter().map(|block| block.trace.value).sum();
        assert!((traces - exact.trace).abs() < 1e-10);
        let mut parts = 0;
        let classes = classes_with(&setup, &theta, &settings(), true, &(), &mut |part| {
            parts += 1;
            assert_eq!(part.len(), parts);
        })
        .unwrap();
        assert_eq!(parts, 2);
        for class in &classes {
            let density = class.density.as_ref().unwrap();
            let mean = density.moment(1);
            let error = theta.len() as f64 * mean.value - class.trace.value;
            assert!(error.abs() <= 4.0 * theta.len() as f64 * mean.stderr + 1e-9);
        }
        let error = Matrix::Preconditioned
            .operator(&setup, &theta)
            .err()
            .unwrap();
        assert!(error.to_string().contains("sgd has no preconditioner"));
    }

    #[test]
    fn layers_add_up() {
        let (setup, theta) = setup(8, 60);
        let operator = Matrix::Hessian.operator(&setup, &theta).unwrap();
        let (names, found) = layers(&setup, &*operator, &settings(), &()).unwrap();
        assert_eq!(names, ["0", "2"]);
        let exact = exact_spectrum(&*operator, &()).unwrap();
        let traces: f64 = found.blocks.iter().map(|block| block.trace.value).sum();
        let largest = found
            .blocks
            .iter()
            .map(|block| block.eigenvalues[0].value)
            .fold(0.0, f64::max);
        assert!((traces - exact.trace).abs() < 1e-10);
        // A principal block's largest eigenvalue never exceeds the whole's.
        assert!(largest <= exact.eigenvalues[0] + 1e-9);
    }

    #[test]
    fn classes_add_up() {
        let (setup, theta) = setup(8, 60);
        let found = classes(&setup, &theta, &settings(), &()).unwrap();
        assert_eq!(found.len(), 2);
        let whole = exact_spectrum(&*Matrix::Hessian.operator(&setup, &theta).unwrap(), &());
        let trace: f64 = found.iter().map(|c| c.share * c.trace.value).sum();
        let error: f64 = found.iter().map(|c| c.share * c.trace.stderr).sum();
        assert!((trace - whole.unwrap().trace).abs() <= 4.0 * error + 1e-10);
        let loss: f64 = found.iter().map(|c| c.share * c.loss).sum();
        let objective = setup.training_double().unwrap();
        let expected = objective.loss(&theta, &mut objective.workspace());
        assert!((loss - expected).abs() < 1e-12);
    }
}
