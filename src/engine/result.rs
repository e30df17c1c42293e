//! The results that analysis jobs deliver.

use std::sync::Arc;

use crate::curvature::{SpectralDensity, TopEigenvalues, TraceEstimate};
use crate::gradients::{GradientMaps, PredictionMap, SaliencyMaps};
use crate::landscape::{Slice1d, Slice2d};
use crate::train::optimizers::Stability;

/// A result, with the step of the parameters that it is about.
#[derive(Clone, Debug)]
pub struct AnalysisResult {
    /// The step of the parameters that were analysed.
    pub step: u64,
    /// What came out.
    pub kind: ResultKind,
}

/// The top eigenvalues of the Hessian at one step of a running training.
#[derive(Clone, Debug)]
pub struct SpectrumPoint {
    /// The step.
    pub step: u64,
    /// The eigenvalues, largest first, each with its residual.
    pub eigenvalues: Arc<TopEigenvalues>,
    /// The learning rate of the step's update.
    pub learning_rate: f64,
    /// Up to which sharpness that update is stable.
    pub stability: Stability,
}

/// What an analysis delivers. Large results are shared.
#[derive(Clone, Debug)]
pub enum ResultKind {
    /// Nothing: the job did its work elsewhere.
    Nothing,
    /// The loss along a line.
    Slice1d(Arc<Slice1d>),
    /// The loss on a plane.
    Slice2d(Arc<Slice2d>),
    /// The largest and smallest eigenvalues of the Hessian.
    TopEigenvalues(Arc<TopEigenvalues>),
    /// The spectral density of the Hessian.
    SpectralDensity(Arc<SpectralDensity>),
    /// The trace of the Hessian.
    Trace(Arc<TraceEstimate>),
    /// Gradient norms and gradient images of every layer.
    Gradients(Arc<GradientMaps>),
    /// Input-gradient maps of chosen samples.
    Saliency(Arc<SaliencyMaps>),
    /// The network's outputs over a part of the input space or on samples.
    Prediction(Arc<PredictionMap>),
}
