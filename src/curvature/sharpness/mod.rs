//! How sharp the loss is around a point, by every usual measure: the largest
//! rise in a ball (SAM), in a ball in units of |θ| (ASAM) and in a box (Keskar),
//! the mean rise under random displacements, and the Fisher–Rao norm, next to
//! what gradient, λ₁ and trace say of them; and which changes of the parameters
//! each measure is blind to.

mod ascent;
mod average;
mod blindness;
mod report;
#[cfg(test)]
mod tests;

pub use ascent::{AscentOptions, Neighbourhood, Rise, Scaled, WorstCase, worst_case};
pub use average::{AverageCase, MeanRise, average_case, fisher_rao_norm};
pub use blindness::{Blindness, Measure};
pub use report::{Noted, SharpnessReport, SharpnessSettings, WorstCaseReport, sharpness};
