//! The results that analysis jobs deliver.

use std::sync::Arc;

use serde::Serialize;

use super::analyses::{DirectionInfo, Excerpt, Section};
use super::curvature::CurvatureResult;
use super::paths::Connection;
use super::quantized::QuantizedReport;
use crate::curvature::sharpness::SharpnessReport;
use crate::curvature::{EigenvalueEstimate, Estimate, SpectralDensity, TopSpectrum, TraceEstimate};
use crate::diagnostics::PredictionMap;
use crate::diagnostics::signals::OpposingSignals;
use crate::gradients::{GradientMaps, SaliencyMaps};
use crate::landscape::{
    AnchorPoint, Directions, GhostPath, Invariance, LossErrors, PathPoint, PathShare, Refinement,
    Slice1d, Slice2d, SliceQuantity,
};
use crate::stability::{FlowReport, StabilityReport};
use crate::train::optimizers::Stability;

/// The ends of the Hessian's spectrum at one step of a training.
#[derive(Clone, Debug)]
pub struct SpectrumPoint {
    /// The step.
    pub step: u64,
    /// The largest eigenvalues, descending, each with its residual.
    pub eigenvalues: Vec<EigenvalueEstimate>,
    /// The smallest, ascending.
    pub smallest: Vec<EigenvalueEstimate>,
    /// The largest eigenvalue of P⁻¹(H + shift·I) of an adaptive optimizer: the
    /// preconditioned sharpness, which its stability line is for.
    pub preconditioned: Option<EigenvalueEstimate>,
    /// The mean over mini-batches of gᵀHg/‖g‖² of each one's own loss.
    pub batch_sharpness: Option<Estimate>,
    /// The learning rate of the step's update.
    pub learning_rate: f64,
    /// Up to which sharpness that update is stable.
    pub stability: Stability,
}

impl SpectrumPoint {
    /// The largest eigenvalue.
    pub fn sharpness(&self) -> Option<f64> {
        self.eigenvalues.first().map(|eigenvalue| eigenvalue.value)
    }

    /// The eigenvalue that the optimizer's stability line is for: λ₁ of the
    /// Hessian, or of the preconditioned one.
    pub fn decisive(&self) -> Option<EigenvalueEstimate> {
        if self.stability.preconditioned {
            self.preconditioned
        } else {
            self.eigenvalues.first().copied()
        }
    }
}

/// A slice with what is needed to draw the path of training on it.
#[derive(Clone, Debug)]
pub struct Landscape {
    /// The losses.
    pub shape: SliceShape,
    /// The two directions that displacements count along.
    pub directions: Arc<Directions>,
    /// How they came about.
    pub info: Arc<DirectionInfo>,
    /// What the values are.
    pub quantity: SliceQuantity,
    /// The snapshots' places on the plane, by rising step.
    pub path: Arc<[PathPoint]>,
    /// The paths of other runs on the plane.
    pub ghosts: Arc<[GhostPath]>,
    /// The places of other parameters that the plane passes through.
    pub anchors: Arc<[AnchorPoint]>,
    /// How much of the path lies outside the plane; nothing without a path.
    pub share: Option<PathShare>,
    /// How wrong the plane's losses are under the path, or under an even choice
    /// of its points; nothing for a line, without a path, and in the coarsest
    /// pictures, which do not wait for it.
    pub errors: Option<Arc<LossErrors>>,
    /// The part of the samples that it was measured on, where not on all.
    pub excerpt: Option<Excerpt>,
    /// What is known already of the next finer grid.
    pub refining: Option<Arc<Refinement>>,
}

/// A slice along random directions, and the seed that they were drawn from.
#[derive(Clone, Debug)]
pub struct Reroll {
    /// The seed.
    pub seed: u64,
    /// The slice.
    pub landscape: Landscape,
}

/// A line or a plane.
#[derive(Clone, Debug)]
pub enum SliceShape {
    /// The loss along the first direction.
    Line(Arc<Slice1d>),
    /// The loss on the plane of both.
    Plane(Arc<Slice2d>),
}

/// The spectrum of the Hessian, as far as it is known yet: the ends come first,
/// then the trace, then the density.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spectrum {
    /// Largest and smallest eigenvalues with residuals.
    #[serde(flatten)]
    pub top: TopSpectrum,
    /// The trace with its standard error.
    pub trace: Option<TraceEstimate>,
    /// The density of all eigenvalues.
    pub density: Option<SpectralDensity>,
}

/// A result, with the step of the parameters that it is about.
#[derive(Clone, Debug)]
pub struct AnalysisResult {
    /// The step of the parameters that were analysed.
    pub step: u64,
    /// What came out.
    pub kind: ResultKind,
}

/// What an analysis delivers. Large results are shared.
#[derive(Clone, Debug)]
pub enum ResultKind {
    /// Nothing: the job did its work elsewhere.
    Nothing,
    /// A slice of the loss.
    Landscape(Arc<Landscape>),
    /// Slices along random directions of several seeds, as many as are there yet.
    Rerolls(Arc<[Reroll]>),
    /// The loss along a line on a plane.
    Section(Arc<Section>),
    /// The spectrum of the Hessian.
    Spectrum(Arc<Spectrum>),
    /// Gradient norms and gradient images of every layer.
    Gradients(Arc<GradientMaps>),
    /// Input-gradient maps of chosen samples.
    Saliency(Arc<SaliencyMaps>),
    /// The network's outputs over a part of the input space or on samples.
    Prediction(Arc<PredictionMap>),
    /// What the self-test of a normalization found, for a layer and a neuron;
    /// empty where it does not apply.
    Invariance(Arc<Vec<Invariance>>),
    /// Matrices, layers, classes, batches, or the density over the training.
    Curvature(Arc<CurvatureResult>),
    /// Paths between two solutions.
    Paths(Arc<Connection>),
    /// How far the loss rises around a point, by every measure.
    Sharpness(Arc<SharpnessReport>),
    /// The landscape of the network with weights of few bits, as far as it is
    /// known yet.
    Quantized(Arc<QuantizedReport>),
    /// The losses of every sample over some steps.
    Signals(Arc<OpposingSignals>),
    /// What happens along the top eigenvectors over a window of steps.
    Stability(Arc<StabilityReport>),
    /// Flows beside a window of steps.
    Flow(Arc<FlowReport>),
}
