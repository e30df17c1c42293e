//! What happens along the top eigenvectors of the Hessian, step by step, and
//! what a run is compared with: gradient flow and the central flow.
//!
//! Both analyses take a [`Replay`](crate::train::Replay), which makes a piece of
//! a run once more bit for bit, and go along with it. They are plain functions
//! with progress, cancellation and results in part.

mod flow;
mod flow_settings;
mod readings;
mod scalar;
#[cfg(test)]
mod tests;
mod twins;
mod window;

use crate::math::MathError;
use crate::math::progress::Cancelled;
use crate::train::RunError;

pub use flow::flow_twins;
pub use flow_settings::{
    CENTRAL_SUBSTEPS, CentralReading, FlowReport, FlowSettings, FlowStep, TwinReading,
};
pub use readings::stability_readings;
pub use scalar::solution_sharpness;
pub use window::{SpectrumReading, StabilityReport, StabilitySettings, StepReading};

/// Why a piece of a run could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum StabilityError {
    /// The run could not be made again.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A computation failed or was cancelled.
    #[error(transparent)]
    Math(#[from] MathError),
}

impl From<Cancelled> for StabilityError {
    fn from(cancelled: Cancelled) -> Self {
        Self::Math(cancelled.into())
    }
}
