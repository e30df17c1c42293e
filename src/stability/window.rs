//! The readings of a window of steps, as data.

use serde::{Deserialize, Serialize};

use crate::curvature::{EigenvalueEstimate, SHARPNESS_BATCHES, TraceEstimate};
use crate::math::floats::cell;
use crate::math::statistics::Estimate;
use crate::train::Setup;

/// What is read, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StabilitySettings {
    /// Updates that are followed.
    pub steps: u64,
    /// Steps between two measurements of eigenvalues; everything else is read
    /// at every step. The last step is measured too.
    pub every: u64,
    /// How many of the largest eigenvalues.
    pub top: usize,
    /// Residual of an eigenvalue as a share of it that is good enough.
    pub tolerance: f64,
    /// Mini-batches that the batch sharpness is a mean over, drawn once for the
    /// whole window; 0 leaves it out, as full batches do.
    pub batches: usize,
    /// Products for each trace; 0 leaves it out.
    pub trace_products: usize,
}

impl StabilitySettings {
    /// The settings that suit a run: as many eigenvalues as there are classes
    /// (for values, as many as its recipe's spectrum has), and for mini-batches
    /// the batch sharpness and the trace.
    pub fn of(setup: &Setup) -> Self {
        let full = setup.batch_size >= setup.data.train.len();
        let top = if setup.is_classification() {
            setup.data.train.class_names().len()
        } else {
            setup.recipe.spectrum.count("top")
        };
        Self {
            steps: 200,
            every: 4,
            top: top.clamp(1, 20),
            tolerance: 1e-3,
            batches: if full { 0 } else { SHARPNESS_BATCHES },
            trace_products: if full { 0 } else { 16 },
        }
    }
}

/// What one step of a run was like, seen from where it began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReading {
    /// Updates before it.
    pub step: u64,
    /// Mean loss of the training set.
    #[serde(with = "cell")]
    pub loss: f64,
    /// η of the step's update.
    #[serde(with = "cell")]
    pub learning_rate: f64,
    /// Up to which eigenvalue the update is stable: of the Hessian, or of the
    /// preconditioned one where the report says so; not-a-number for an optimizer
    /// without such a line.
    #[serde(with = "cell")]
    pub threshold: f64,
    /// The factor min(1, c/‖g‖) by which clipping shortened the gradient of the
    /// step's update, 1 where nothing was clipped; nothing without an update.
    #[serde(default)]
    pub clip_factor: Option<f64>,
    /// The threshold of the update as it was made, of η times that factor, where
    /// it was clipped: for plain gradient descent 2/(η·factor).
    #[serde(default)]
    pub clipped_threshold: Option<f64>,
    /// ‖g‖ of the training loss.
    #[serde(with = "cell")]
    pub gradient_norm: f64,
    /// ⟨g, v₁⟩. The sign of v₁ is kept from one measurement to the next; at the
    /// steps between, v₁ is interpolated (where it takes too much memory, and
    /// as long as there is no next measurement, it is the newest one).
    #[serde(with = "cell")]
    pub gradient_along: f64,
    /// ⟨θ − θ₀, v₁⟩ for parameters θ₀ and top eigenvector v₁ of the window's
    /// start, which stay the same over the window.
    #[serde(with = "cell")]
    pub iterate_along: f64,
    /// gᵀHg/‖g‖².
    #[serde(with = "cell")]
    pub gradient_curvature: f64,
    /// ΔᵀHΔ/‖Δ‖² along the step's update Δ.
    pub update_curvature: Option<f64>,
    /// gᵀΔ + ½ΔᵀHΔ: the change of the training loss that its second-order
    /// expansion predicts for the update.
    pub predicted_change: Option<f64>,
    /// The change that came.
    pub actual_change: Option<f64>,
}

/// What was measured of the spectrum at one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpectrumReading {
    /// The step.
    pub step: u64,
    /// The largest eigenvalues of the Hessian, descending.
    pub eigenvalues: Vec<EigenvalueEstimate>,
    /// The smallest.
    pub smallest: Option<EigenvalueEstimate>,
    /// η·λ₁, without a unit: plain gradient descent is stable up to 2.
    #[serde(with = "cell")]
    pub scaled_sharpness: f64,
    /// λ₁(P⁻¹H) where the optimizer divides its steps by P.
    pub preconditioned: Option<EigenvalueEstimate>,
    /// Share of the training loss's gradient in the space of the top
    /// eigenvectors, ‖P_k g‖²/‖g‖².
    #[serde(with = "cell")]
    pub share: f64,
    /// The same share of the gradient of the step's own batch, where batches
    /// are not the whole set.
    pub batch_share: Option<f64>,
    /// Mean curvature along the gradients of mini-batches, each with the
    /// Hessian of its own batch.
    pub batch_sharpness: Option<Estimate>,
    /// tr H.
    pub trace: Option<TraceEstimate>,
    /// Products with the Hessian that the eigenvalues took.
    pub products: usize,
}

/// The readings of a window of steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StabilityReport {
    /// The first step.
    pub from: u64,
    /// Steps between two measurements of eigenvalues.
    pub every: u64,
    /// How many of the largest eigenvalues there are at every measured step: not
    /// more than parameters, and fewer than asked for where fewer were found.
    pub top: usize,
    /// k/P for P parameters: the share that a random vector has in k directions.
    pub chance: f64,
    /// Samples in a batch.
    pub batch_size: usize,
    /// Whether each batch is the whole training set.
    pub full_batch: bool,
    /// The stability threshold as a formula, such as `2/η`.
    pub formula: String,
    /// Whether it is one for the preconditioned Hessian.
    pub is_preconditioned: bool,
    /// Every step, the last one without an update.
    pub steps: Vec<StepReading>,
    /// The measured steps.
    pub spectra: Vec<SpectrumReading>,
    /// The measured steps whose eigenspaces are compared: every n-th one, so that
    /// they are at most 400 and fit into memory.
    pub overlap_steps: Vec<u64>,
    /// (1/k)Σ⟨vᵢ(t), vⱼ(t′)⟩² for each pair of these.
    pub overlaps: Vec<Vec<f64>>,
    /// Why the window ends before its last step, if it does.
    pub ended: Option<String>,
}

impl StabilityReport {
    /// The number that decides whether a step is stable: λ₁ of the Hessian, or of
    /// the preconditioned one where the line is one of that.
    pub fn decisive(&self, reading: &SpectrumReading) -> Option<EigenvalueEstimate> {
        if self.is_preconditioned {
            reading.preconditioned
        } else {
            reading.eigenvalues.first().copied()
        }
    }
}
