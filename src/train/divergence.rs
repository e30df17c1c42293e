//! What is said when a run stops because its numbers are no longer finite.

use serde::{Deserialize, Serialize};

use super::optimizers::Stability;
use super::snapshots::Snapshots;

/// A run that stopped because a number was no longer finite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Divergence {
    /// The step whose loss or gradient was not finite.
    pub step: u64,
    /// What happened and why, in a sentence.
    pub explanation: String,
    /// The snapshot to go back to: the newest one that is at least ten steps
    /// and a twentieth of the run older, else the first.
    pub rewind_to: u64,
}

/// What was not finite.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trigger {
    Loss(f64),
    Gradient(f64),
}

impl Divergence {
    pub(super) fn new(
        step: u64,
        trigger: Trigger,
        learning_rate: f64,
        stability: &Stability,
        sharpness: Option<(u64, f64)>,
        snapshots: &Snapshots,
    ) -> Self {
        let (what, value) = match trigger {
            Trigger::Loss(value) => ("loss", value),
            Trigger::Gradient(value) => ("gradient", value),
        };
        let became = if value.is_nan() {
            "stopped being a number"
        } else {
            "became infinite"
        };
        let rate = significant(learning_rate);
        let bound = sharpness.and_then(|(measured, sharpness)| {
            let (largest, formula) = stability.largest_learning_rate(sharpness)?;
            Some((measured, largest, formula))
        });
        let reason = match bound {
            Some((_, largest, formula)) if learning_rate > largest => {
                format!("η = {rate} exceeds {formula} = {}", significant(largest))
            }
            Some((measured, largest, formula)) => format!(
                "η = {rate}, and {formula} was still {} at step {}",
                significant(largest),
                grouped(measured)
            ),
            None => {
                let why = stability.absent().map(|why| format!("; {why}"));
                format!("η = {rate} is too large here{}", why.unwrap_or_default())
            }
        };
        let back = step.saturating_sub((step / 20).max(10));
        Self {
            step,
            explanation: format!("The {what} {became} at step {}: {reason}", grouped(step)),
            rewind_to: snapshots
                .at_or_before(back)
                .map_or(0, |snapshot| snapshot.step),
        }
    }
}

/// A count with its thousands set apart, such as 1,312.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with three significant digits at most.
pub(crate) fn significant(value: f64) -> String {
    if !value.is_finite() || value == 0.0 {
        return value.to_string();
    }
    let magnitude = value.abs().log10().floor();
    if !(-4.0..6.0).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    let scale = 10f64.powf(2.0 - magnitude);
    ((value * scale).round() / scale).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::optimizers::{COMMON_FIELDS, build, kinds};
    use super::*;

    fn explain(trigger: Trigger, rate: f64, sharpness: Option<(u64, f64)>) -> String {
        let sgd = kinds()[0].defaults(COMMON_FIELDS);
        let stability = build(&sgd, 1).unwrap().stability(rate);
        let snapshots = Snapshots::new(0);
        Divergence::new(1312, trigger, rate, &stability, sharpness, &snapshots).explanation
    }

    #[test]
    fn the_explanation_names_the_threshold_where_it_is_known() {
        assert_eq!(
            explain(Trigger::Loss(f64::INFINITY), 0.9, Some((1310, 2.0 / 0.31))),
            "The loss became infinite at step 1,312: η = 0.9 exceeds 2/λ₁ = 0.31"
        );
        assert_eq!(
            explain(Trigger::Loss(f64::NAN), 0.9, None),
            "The loss stopped being a number at step 1,312: η = 0.9 is too large here"
        );
        assert_eq!(
            explain(Trigger::Gradient(f64::INFINITY), 0.1, Some((1300, 4.0))),
            "The gradient became infinite at step 1,312: η = 0.1, and 2/λ₁ was still 0.5 at step 1,300"
        );
    }

    #[test]
    fn where_no_line_is_the_explanation_says_why() {
        let sam = kinds().into_iter().find(|kind| kind.key == "sam").unwrap();
        let optimizer = build(&sam.defaults(COMMON_FIELDS), 1).unwrap();
        let (stability, snapshots) = (optimizer.stability(0.9), Snapshots::new(0));
        let trigger = Trigger::Loss(f64::INFINITY);
        let found = Divergence::new(7, trigger, 0.9, &stability, Some((6, 4.0)), &snapshots);
        assert_eq!(
            found.explanation,
            "The loss became infinite at step 7: η = 0.9 is too large here; where SAM becomes \
             unstable depends on the gradient's norm too"
        );
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(significant(0.314159), "0.314");
        assert_eq!(significant(1e-9), "1.00e-9");
        assert_eq!(significant(12.0), "12");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
