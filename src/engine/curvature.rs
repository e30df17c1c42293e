//! Analyses of curvature beyond the spectrum of the Hessian: other matrices,
//! the exact spectrum, layers and classes. Each is a plain function of a run's
//! setup and a parameter vector.

use serde::{Deserialize, Serialize};

use super::analyses::SpectrumSettings;
use super::job::JobError;
use crate::curvature::{
    BlockOptions, BlockStructure, EXACT_LIMIT, EigenvalueEstimate, ExactSpectrum, ExtremalOptions,
    block_structure, exact_spectrum, gram_spectrum, top_eigenvalues, trace,
};
use crate::curvature::{TraceEstimate, TraceMethod};
use crate::math::operator::{Difference, Preconditioned, Shifted, SymmetricOperator};
use crate::math::rng::stream;
use crate::math::{MathError, Progress, vector};
use crate::objective::Objective;
use crate::train::{Setup, Snapshot, optimizers};

/// Which matrix of the training loss is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matrix {
    /// The Hessian H.
    #[default]
    Hessian,
    /// The Gauss–Newton matrix G.
    GaussNewton,
    /// H − G: what the curvature of the network's outputs adds.
    Rest,
}

impl Matrix {
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
    let Some(state) = &snapshot.optimizer else {
        return Ok(None);
    };
    let failed = |error: &dyn std::error::Error| JobError::Failed(error.to_string());
    let mut optimizer =
        optimizers::build(&setup.recipe.optimizer, setup.dim()).map_err(|e| failed(&e))?;
    optimizer.restore(state).map_err(|e| failed(&e))?;
    let Some(diagonal) = optimizer.preconditioner() else {
        return Ok(None);
    };
    let theta = vector::to_f64(&snapshot.theta);
    let hessian = setup.training_double()?.hessian(&theta);
    // The learning rate plays no part in the shift.
    let shifted = Shifted::new(hessian, optimizer.stability(1.0).hessian_shift);
    Ok(Some(Box::new(Preconditioned::new(shifted, &diagonal)?)))
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
    let layout = setup.network.layout();
    let (names, ranges): (Vec<_>, Vec<_>) = (0..layout.layers())
        .map(|layer| {
            let name = layout.layer_name(layer).to_owned();
            (name, layout.layer_range(layer))
        })
        .unzip();
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
        let ends = top_eigenvalues(&hessian, &ends(settings), &[], &mut random, &())?;
        let products = (settings.probes * settings.lanczos_steps / 4).max(8);
        let method = TraceMethod::best(products, theta.len());
        found.push(ClassCurvature {
            class: name.clone(),
            samples: members.len(),
            share: members.len() as f64 / train.len() as f64,
            loss: objective.loss(theta, &mut objective.workspace()),
            eigenvalues: ends.eigenvalues,
            smallest: ends.smallest,
            trace: trace(&hessian, method, products, &mut random, &())?,
        });
        progress.report(class + 1, train.class_names().len());
    }
    Ok(found)
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
        recipe.optimizer = optimizer("adam", 0.01).with("weight_decay", 0.3);
        let mut run = Run::new(&recipe, Path::new(".")).unwrap();
        while run.step().unwrap() == StepOutcome::Trained {}
        let snapshot = run.snapshot();
        let state = snapshot.optimizer.as_ref().unwrap();
        let operator = preconditioned(run.setup(), &snapshot).unwrap().unwrap();
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
