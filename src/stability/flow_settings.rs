//! What runs beside a run, and what is read of it, as data.

use serde::{Deserialize, Serialize};

use crate::curvature::EigenvalueEstimate;
use crate::math::floats::cell;

/// Steps of the central flow for each update: with fewer, its own motion along
/// the top eigenvector would oscillate as the run's does.
pub const CENTRAL_SUBSTEPS: usize = 4;

/// Which flows go along with a run, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowSettings {
    /// Updates that are followed.
    pub steps: u64,
    /// Steps between two readings of the sharpness of run and gradient flow;
    /// losses and distances are read at every step.
    pub every: u64,
    /// Whether the gradient flow goes along.
    pub gradient_flow: bool,
    /// Whether the central flow does.
    pub central_flow: bool,
    /// Residual of an eigenvalue as a share of it that is good enough.
    pub tolerance: f64,
}

impl Default for FlowSettings {
    fn default() -> Self {
        Self {
            steps: 200,
            every: 4,
            gradient_flow: true,
            central_flow: true,
            tolerance: 1e-3,
        }
    }
}

/// The gradient flow beside a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwinReading {
    /// Its loss.
    #[serde(with = "cell")]
    pub loss: f64,
    /// ‖θ − θ_flow‖ of the run's parameters from it.
    #[serde(with = "cell")]
    pub distance: f64,
    /// Its largest eigenvalue, where it was measured.
    pub sharpness: Option<EigenvalueEstimate>,
}

/// The central flow beside a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CentralReading {
    /// Its loss: what the run's would be without the oscillation.
    #[serde(with = "cell")]
    pub loss: f64,
    /// ‖θ − θ_central‖ of the run's parameters from it.
    #[serde(with = "cell")]
    pub distance: f64,
    /// Its two largest eigenvalues.
    pub eigenvalues: Vec<EigenvalueEstimate>,
    /// σ²: the variance of the run's oscillation along the top eigenvector as
    /// the central flow predicts it.
    #[serde(with = "cell")]
    pub variance: f64,
    /// ⟨θ − θ_central, v₁⟩ of the run's parameters, for the top eigenvector of
    /// the central flow with its sign kept: its square has the mean σ².
    #[serde(with = "cell")]
    pub displacement: f64,
}

/// A step of the run with what goes along.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowStep {
    /// Updates before it.
    pub step: u64,
    /// The flows' time, Ση from the window's start.
    #[serde(with = "cell")]
    pub time: f64,
    /// Mean loss of the training set.
    #[serde(with = "cell")]
    pub loss: f64,
    /// 2/η of the step's update.
    #[serde(with = "cell")]
    pub threshold: f64,
    /// The run's largest eigenvalue, where it was measured.
    pub sharpness: Option<EigenvalueEstimate>,
    /// The gradient flow, up to where it ends.
    pub gradient_flow: Option<TwinReading>,
    /// The central flow, up to where it ends.
    pub central_flow: Option<CentralReading>,
    /// Sharpness of the minimum that a gradient flow from the run's parameters
    /// reaches, in closed form: for networks that are products of numbers only.
    pub solution_sharpness: Option<f64>,
}

/// A window of steps with what goes along.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FlowReport {
    /// The first step, where the flows begin.
    pub from: u64,
    /// Steps between two measurements of the sharpness.
    pub every: u64,
    /// Whether every step was one of gradient descent on the whole training set
    /// with the plain update, which is what the flows are the limits of: without
    /// weight decay, and none was clipped.
    pub is_gradient_descent: bool,
    /// Every step.
    pub steps: Vec<FlowStep>,
    /// Why the window ends before its last step, if it does.
    pub ended: Option<String>,
    /// Why the gradient flow ends before the window, if it does.
    pub gradient_flow_ended: Option<String>,
    /// Why the central flow ends before the window, if it does.
    pub central_flow_ended: Option<String>,
}
