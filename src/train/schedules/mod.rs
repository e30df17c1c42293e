//! Learning rate schedules: one file each and one word in the registry below.

use crate::recipe::{Component, Field, Kind};

/// A course of the learning rate, as a factor of the optimizer's own.
trait Schedule: Send + Sync {
    /// The factor at `step` of `total` steps, both counted from the end of the
    /// warm-up.
    fn factor(&self, step: u64, total: u64) -> f64;
}

/// Fields that every schedule has.
pub static COMMON_FIELDS: &[Field] = &[Field::integer(
    "warmup_steps",
    "Warm-up",
    "The learning rate rises linearly from zero over so many steps; 0 starts at once.",
    0,
    0,
    1_000_000_000,
)
.zero_means("no warm-up")
.unit("steps")];

/// Declares the modules and registers them, in the order of the list.
macro_rules! register {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*

        static REGISTRY: &[(&Kind, fn(&Component) -> Box<dyn Schedule>)] =
            &[$((&$module::KIND, $module::new)),*];
    };
}

register!(constant, step, cosine);

/// All schedules, in the order in which they are listed.
pub fn kinds() -> Vec<&'static Kind> {
    REGISTRY.iter().map(|(kind, _)| *kind).collect()
}

/// The schedule has no such name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schedule.kind is {0:?}, which is not a schedule")]
pub struct UnknownSchedule(String);

/// A schedule with its warm-up.
pub struct LearningRateSchedule {
    warmup: u64,
    schedule: Box<dyn Schedule>,
}

/// The schedule that a recipe describes.
///
/// # Errors
/// [`UnknownSchedule`].
pub fn build(component: &Component) -> Result<LearningRateSchedule, UnknownSchedule> {
    let (_, new) = REGISTRY
        .iter()
        .find(|(kind, _)| kind.key == component.kind)
        .ok_or_else(|| UnknownSchedule(component.kind.clone()))?;
    Ok(LearningRateSchedule {
        warmup: component.count("warmup_steps") as u64,
        schedule: new(component),
    })
}

impl LearningRateSchedule {
    /// What the learning rate is multiplied by in the update that leads from
    /// `step` to `step + 1`, in a run of `total_steps`. During the warm-up it
    /// is (step + 1)/(warmup_steps + 1): never zero, and one when the warm-up is
    /// over.
    pub fn factor(&self, step: u64, total_steps: u64) -> f64 {
        let ramp = if step < self.warmup {
            (step + 1) as f64 / (self.warmup + 1) as f64
        } else {
            1.0
        };
        let step = step.saturating_sub(self.warmup);
        let total = total_steps.saturating_sub(self.warmup);
        ramp * self.schedule.factor(step, total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(kind: &str, settings: &[(&str, f64)]) -> LearningRateSchedule {
        let kind = kinds().into_iter().find(|k| k.key == kind).unwrap();
        let mut component = kind.defaults(COMMON_FIELDS);
        for (key, value) in settings {
            if *key == "factor" || *key == "min_factor" {
                component.set(key, *value);
            } else {
                component.set(key, *value as i64);
            }
        }
        build(&component).unwrap()
    }

    #[test]
    fn constant_stays() {
        let constant = schedule("constant", &[]);
        assert_eq!(constant.factor(0, 10), 1.0);
        assert_eq!(constant.factor(1_000_000, 10), 1.0);
    }

    #[test]
    fn warm_up_is_linear_and_then_over() {
        let warm = schedule("constant", &[("warmup_steps", 4.0)]);
        let factors: Vec<f64> = (0..6).map(|step| warm.factor(step, 10)).collect();
        for (found, expected) in factors.iter().zip([0.2, 0.4, 0.6, 0.8, 1.0, 1.0]) {
            assert!((found - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn steps_drop_where_they_should() {
        let steps = schedule("step", &[("every", 10.0), ("factor", 0.1)]);
        assert_eq!(steps.factor(9, 100), 1.0);
        assert!((steps.factor(10, 100) - 0.1).abs() < 1e-15);
        assert!((steps.factor(25, 100) - 0.01).abs() < 1e-15);
    }

    #[test]
    fn cosine_falls_from_one_to_its_last_factor() {
        let cosine = schedule("cosine", &[("min_factor", 0.2)]);
        assert_eq!(cosine.factor(0, 100), 1.0);
        assert!((cosine.factor(50, 100) - 0.6).abs() < 1e-12);
        assert!((cosine.factor(100, 100) - 0.2).abs() < 1e-12);
        assert!((cosine.factor(500, 100) - 0.2).abs() < 1e-12);
        let warm = schedule("cosine", &[("warmup_steps", 20.0)]);
        assert_eq!(warm.factor(20, 120), 1.0);
        assert!((warm.factor(70, 120) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn every_schedule_is_finite_and_positive_within_the_run() {
        for kind in kinds() {
            let schedule = schedule(kind.key, &[]);
            for step in 0..50 {
                let factor = schedule.factor(step, 50);
                assert!(factor > 0.0 && factor <= 1.0, "{} at {step}", kind.key);
            }
        }
    }

    #[test]
    fn an_unknown_schedule_is_refused() {
        assert!(build(&Component::new("sine")).is_err());
    }
}
