//! The JSON of the sharpness measures and of quantized networks, as README
//! documents it. A number that is not one is written as `null`, an infinite one
//! as `"inf"`.

use serde::{Deserialize, Serialize};

use super::json::{DirectionsDocument, Subject};
use crate::curvature::sharpness::SharpnessReport;
use crate::engine::quantized::QuantizedReport;

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
