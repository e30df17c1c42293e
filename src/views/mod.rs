//! Turns runs and results into figures, for the window and the command line
//! alike: one module for each view, with the settings that a person can change.
//!
//! A builder takes borrowed data and never fails: what is missing is left out,
//! nothing yet is an empty pair of axes with its labels, and not-a-number stays
//! a gap. Colours, dashes and markers of runs come from their number, so that a
//! run looks the same in every view.

pub mod data;
pub mod flow;
pub mod gradients;
pub mod hessian;
pub mod landscape;
pub mod loss;
pub mod paths;
pub mod quantized;
pub mod race;
pub mod saliency;
pub mod sharpness;
pub mod sharpness_live;
pub mod signals;
pub mod spectrum;
pub mod stability;
pub mod table;
pub mod thinning;

#[cfg(test)]
mod samples;

use serde::{Deserialize, Serialize};

use crate::figure::{Axis, Colormap, Ticks};

/// What the horizontal axis counts.
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
pub enum Time {
    /// Parameter updates.
    #[default]
    Step,
    /// Passes over the training set.
    Epoch,
}

impl Time {
    /// The place of a step on the axis.
    pub fn of_step(self, step: f64, steps_per_epoch: u64) -> f64 {
        match self {
            Self::Step => step,
            Self::Epoch => step / steps_per_epoch.max(1) as f64,
        }
    }

    /// The step at a place on the axis.
    pub fn to_step(self, place: f64, steps_per_epoch: u64) -> f64 {
        match self {
            Self::Step => place,
            Self::Epoch => place * steps_per_epoch.max(1) as f64,
        }
    }
}

/// A horizontal axis of steps.
fn step_axis() -> Axis {
    Axis::new("step").ticks(Ticks::Integers)
}

/// The samples on which something is measured.
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
pub enum Split {
    /// Those that training sees.
    #[default]
    Training,
    /// Those that it does not.
    Validation,
}

/// The sequential colour maps on offer.
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
pub enum Colors {
    /// Viridis.
    #[default]
    Viridis,
    /// Cividis: the same to everybody.
    Cividis,
    /// Magma.
    Magma,
    /// Greys, for print.
    Greys,
}

impl Colors {
    /// The figure's colour map.
    pub fn map(self) -> Colormap {
        match self {
            Self::Viridis => Colormap::Viridis,
            Self::Cividis => Colormap::Cividis,
            Self::Magma => Colormap::Magma,
            Self::Greys => Colormap::Greys,
        }
    }
}

/// A share as a percentage for people: `62 %`, `3.4 %`, `< 0.1 %`.
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if !percent.is_finite() {
        return "not a number".to_owned();
    }
    if percent > 0.0 && percent < 0.1 {
        return "< 0.1 %".to_owned();
    }
    let digits = usize::from(percent.abs() < 10.0);
    let text = format!("{percent:.digits$}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    format!("{text} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_read_as_percentages() {
        assert_eq!(percent(0.62), "62 %");
        assert_eq!(percent(0.034), "3.4 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(1e-5), "< 0.1 %");
        assert_eq!(percent(f64::NAN), "not a number");
    }

    #[test]
    fn steps_and_epochs_convert_back() {
        for time in [Time::Step, Time::Epoch] {
            let place = time.of_step(120.0, 8);
            assert_eq!(time.to_step(place, 8), 120.0);
        }
        assert_eq!(Time::Epoch.of_step(120.0, 8), 15.0);
    }
}
