//! What happens along the top eigenvectors of the Hessian, step by step:
//! sharpness against the stability line, the oscillation, the share of the
//! gradient, the turning of the eigenspace, and how far a quadratic model sees.

pub(super) mod curves;
mod parts;
mod sharpness;

use serde::{Deserialize, Serialize};

use self::curves::clipping;
use self::parts::{oscillation, overlap, prediction, share};
use self::sharpness::sharpness;
use super::percent;
use crate::figure::Figure;
use crate::stability::StabilityReport;

pub(super) use self::curves::{
    caveat, dashed, eigenvalue_line, last_finite, marked_line, note, number, over, rings, rows,
    side_by_side, threshold_line, with_residual,
};
pub use self::parts::flips;

/// Which part of the view is shown.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub enum StabilityPart {
    /// The eigenvalues with the optimizer's line, and curvature along the step.
    #[default]
    Sharpness,
    /// The gradient and the parameters along the top eigenvector.
    Oscillation,
    /// The share of the gradient in the space of the top eigenvectors.
    Share,
    /// How much that space has in common with itself at other steps.
    Overlap,
    /// The change of the loss that the quadratic model predicts, and the real
    /// one.
    Prediction,
}

/// What a person can change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StabilityLook {
    /// Which part is shown.
    pub part: StabilityPart,
    /// Whether curvatures have a logarithmic axis.
    pub log: bool,
    /// Whether only the first pair of axes of the part is shown.
    pub single: bool,
    /// Whether the pairs of axes stand beside each other.
    pub beside: bool,
}

/// The figure of a window of steps; empty axes before there is a reading.
pub fn figure(look: &StabilityLook, report: Option<&StabilityReport>) -> Figure {
    let empty = StabilityReport::default();
    let report = report.unwrap_or(&empty);
    let mut all = match look.part {
        StabilityPart::Sharpness => sharpness(look, report),
        StabilityPart::Oscillation => oscillation(report),
        StabilityPart::Share => vec![(1.0, share(report))],
        StabilityPart::Overlap => vec![(1.0, overlap(report))],
        StabilityPart::Prediction => prediction(report),
    };
    if look.single {
        all.truncate(1);
    }
    // On the axes that are always there.
    if let (Some(why), Some((_, first))) = (&report.ended, all.first_mut()) {
        caveat(first, why.clone());
    }
    if look.part != StabilityPart::Overlap
        && let (Some(first), Some(last)) = (report.steps.first(), report.steps.last())
    {
        over(&mut all, first.step, last.step);
    }
    Figure {
        title: Some("Stability".to_owned()),
        rows: if look.beside {
            side_by_side(all)
        } else {
            rows(all)
        },
        description: describe(report),
        ..Figure::default()
    }
}

fn describe(report: &StabilityReport) -> String {
    let (Some(first), Some(last)) = (report.steps.first(), report.steps.last()) else {
        return "Nothing has been read along the run yet.".to_owned();
    };
    let mut text = format!("Steps {} to {}.", first.step, last.step);
    let newest = report.spectra.last();
    if let Some(found) = newest.and_then(|reading| report.decisive(reading)) {
        text.push_str(&format!(
            " The largest eigenvalue of the {} is {}",
            if report.is_preconditioned {
                "preconditioned Hessian"
            } else {
                "Hessian"
            },
            number(found.value, 3)
        ));
        if !found.converged {
            text.push_str(" (not converged)");
        }
        let thresholds: Vec<f64> = report.steps.iter().map(|step| step.threshold).collect();
        if let Some(line) = last_finite(&thresholds) {
            let line = number(line, 3);
            text.push_str(&format!(", the threshold {} is {line}", report.formula));
        }
        text.push('.');
    }
    if let Some(how) = clipping(report) {
        text.push_str(&format!(" The gradient was {how}."));
    }
    if let Some(share) = flips(report) {
        text.push_str(&format!(
            " The gradient along the top eigenvector changes its sign at {} of the steps.",
            percent(share)
        ));
    }
    text
}

#[cfg(test)]
mod tests;
