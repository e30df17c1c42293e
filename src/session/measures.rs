//! The JSON of the sharpness measures, of quantized networks, and of pieces of
//! a run followed step by step, as README documents it. A number that is not one
//! is written as `null`, an infinite one as `"inf"`.

use serde::{Deserialize, Serialize};

use super::json::{DirectionsDocument, Subject};
use crate::curvature::sharpness::SharpnessReport;
use crate::engine::quantized::QuantizedReport;
use crate::stability::{FlowReport, StabilityReport};

/// How sharp the loss is around the parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SharpnessDocument {
    /// What was measured.
    #[serde(flatten)]
    pub subject: Subject,
    /// Every measure.
    #[serde(flatten)]
    pub report: SharpnessReport,
}

/// The landscape of a quantized network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantizedDocument {
    /// What was quantized.
    #[serde(flatten)]
    pub subject: Subject,
    /// The directions of line and plane.
    pub directions: DirectionsDocument,
    /// Everything measured.
    #[serde(flatten)]
    pub report: QuantizedReport,
}

/// What happened along the top eigenvectors over a window of steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StabilityDocument {
    /// The run; its step is the window's first.
    #[serde(flatten)]
    pub subject: Subject,
    /// Every reading.
    #[serde(flatten)]
    pub report: StabilityReport,
}

/// Flows beside a window of steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowDocument {
    /// The run; its step is the window's first.
    #[serde(flatten)]
    pub subject: Subject,
    /// Every reading.
    #[serde(flatten)]
    pub report: FlowReport,
}
