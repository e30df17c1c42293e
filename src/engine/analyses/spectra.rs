//! Spectra of the Hessian of the training loss.

use std::sync::Arc;

use crate::curvature::{
    DensityOptions, ExtremalOptions, SpectralDensity, TraceMethod, spectral_density,
    top_eigenvalues, trace,
};
use crate::engine::job::{Analysis, JobContext, JobError};
use crate::engine::result::{AnalysisResult, ResultKind, Spectrum};
use crate::math::progress::Part;
use crate::math::rng::stream;
use crate::math::vector::to_f64;
use crate::math::{MathError, Progress, SymmetricOperator, floats};
use crate::recipe::Component;
use crate::train::{Setup, Snapshot};

/// The tolerance that is good enough for a plot.
const TOLERANCE: f64 = 1e-3;

/// How the spectrum is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpectrumSettings {
    /// How many of the largest eigenvalues.
    pub top: usize,
    /// Random probes of trace and density; 0 leaves both out.
    pub probes: usize,
    /// Lanczos steps for each probe.
    pub lanczos_steps: usize,
    /// Source of the probes.
    pub seed: u64,
    /// An eigenvalue's residual as a share of it that is good enough. The value
    /// itself is then right to about the square of that.
    pub tolerance: f64,
}

impl SpectrumSettings {
    /// What a recipe's `[analyses.spectrum]` asks for.
    pub fn from_recipe(spectrum: &Component, seed: u64) -> Self {
        Self {
            top: spectrum.count("top").max(1),
            probes: spectrum.count("probes"),
            lanczos_steps: spectrum.count("lanczos_steps").max(2),
            seed,
            tolerance: TOLERANCE,
        }
    }
}

/// Measures the spectrum of the training loss's Hessian: its ends, then its
/// trace, then its density; `on_part` gets what is known after each.
///
/// # Errors
/// [`JobError`].
pub fn spectrum<T: floats::Real>(
    setup: &Setup,
    theta: &[T],
    settings: &SpectrumSettings,
    progress: &dyn Progress,
    on_part: &mut dyn FnMut(&Spectrum),
) -> Result<Spectrum, JobError> {
    let objective = setup.training_double()?;
    let hessian = objective.hessian_until(&to_f64(theta), progress)?;
    spectrum_of(&hessian, settings, progress, on_part)
}

/// Measures the spectrum of any operator; see [`spectrum`]. The trace is found
/// by the method with the smallest standard error for its products.
///
/// # Errors
/// [`JobError`].
pub fn spectrum_of(
    operator: &dyn SymmetricOperator,
    settings: &SpectrumSettings,
    progress: &dyn Progress,
    on_part: &mut dyn FnMut(&Spectrum),
) -> Result<Spectrum, JobError> {
    let part = |from, to| Part::new(progress, from, to);
    let mut probes = stream(settings.seed, "probes");
    let options = ExtremalOptions {
        largest: settings.top.min(operator.dim()),
        smallest: 1,
        tolerance: settings.tolerance,
        ..ExtremalOptions::default()
    };
    let mut found = Spectrum {
        top: top_eigenvalues(operator, &options, &[], &mut probes, &part(0.0, 0.3))?,
        trace: None,
        density: None,
    };
    if settings.probes == 0 {
        return Ok(found);
    }
    on_part(&found);
    let products = trace_products(settings);
    found.trace = Some(trace(
        operator,
        TraceMethod::best(products, operator.dim()),
        products,
        &mut probes,
        &part(0.3, 0.5),
    )?);
    on_part(&found);
    found.density = Some(density(
        operator,
        &found,
        settings,
        &mut probes,
        &part(0.5, 1.0),
    )?);
    Ok(found)
}

/// A trace takes one product for each probe, a density as many as it makes
/// steps: for the same effort the trace gets that many more probes.
fn trace_products(settings: &SpectrumSettings) -> usize {
    (settings.probes * settings.lanczos_steps / 4)
        .max(settings.probes)
        .max(2)
}

fn density(
    operator: &dyn SymmetricOperator,
    found: &Spectrum,
    settings: &SpectrumSettings,
    probes: &mut rand_chacha::ChaCha8Rng,
    progress: &dyn Progress,
) -> Result<SpectralDensity, MathError> {
    let options = DensityOptions {
        probes: settings.probes,
        steps: settings.lanczos_steps,
        ..DensityOptions::default()
    };
    spectral_density(operator, &options, Some(&found.top), probes, progress)
}

/// A spectrum as a job.
pub fn spectrum_job(
    setup: Arc<Setup>,
    snapshot: Arc<Snapshot>,
    settings: SpectrumSettings,
) -> impl Analysis + 'static {
    move |context: &JobContext| {
        let result = |spectrum: &Spectrum| AnalysisResult {
            step: snapshot.step,
            kind: ResultKind::Spectrum(Arc::new(spectrum.clone())),
        };
        let mut publish = |spectrum: &Spectrum| context.publish(result(spectrum));
        let found = spectrum(&setup, &snapshot.theta, &settings, context, &mut publish)?;
        Ok(result(&found))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::trained;
    use super::*;
    use crate::curvature::exact_spectrum;

    #[test]
    fn the_spectrum_agrees_with_the_exact_one() {
        let run = trained();
        let (setup, theta) = (run.setup(), run.parameters());
        let settings = SpectrumSettings {
            top: 3,
            probes: 20,
            lanczos_steps: 30,
            tolerance: 1e-3,
            seed: 0,
        };
        let mut parts = Vec::new();
        let found = spectrum(setup, theta, &settings, &(), &mut |part| {
            parts.push((part.trace.is_some(), part.density.is_some()));
        })
        .unwrap();
        assert_eq!(parts, [(false, false), (true, false)]);
        let hessian = setup.training_double().unwrap().hessian(&to_f64(theta));
        let exact = exact_spectrum(&hessian, &()).unwrap();
        for (found, exact) in found.top.eigenvalues.iter().zip(&exact.eigenvalues) {
            assert!((found.value - exact).abs() <= found.residual.max(1e-9));
        }
        let trace = found.trace.unwrap();
        // As many products as that are enough for every unit vector.
        assert_eq!((trace.method, trace.stderr), (TraceMethod::Exact, 0.0));
        assert!((trace.value - exact.trace).abs() < 1e-10 * exact.trace.abs());
        let text = serde_json::to_value(&found).unwrap();
        assert!(text["eigenvalues"][0]["residual"].is_number());
        assert!(text["trace"]["stderr"].is_number());
    }
}
