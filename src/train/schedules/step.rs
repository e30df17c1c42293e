//! A learning rate that drops by a factor every so many steps.

use super::Schedule;
use crate::recipe::{Component, Field, Kind};

pub(super) static KIND: Kind = Kind {
    key: "step",
    title: "Step decay",
    help: "Multiplies the learning rate by a factor every so many steps.",
    fields: FIELDS,
};

static FIELDS: &[Field] = &[
    Field::integer(
        "every",
        "Every",
        "How many steps lie between two drops, counted from the end of the warm-up.",
        1000,
        1,
        1_000_000_000,
    )
    .unit("steps"),
    Field::float(
        "factor",
        "Factor",
        "What the learning rate is multiplied by at each drop.",
        0.5,
        0.0,
        1.0,
    )
    .above_min(),
];

struct StepDecay {
    every: u64,
    factor: f64,
}

pub(super) fn new(component: &Component) -> Box<dyn Schedule> {
    Box::new(StepDecay {
        every: (component.count("every") as u64).max(1),
        factor: component.float("factor"),
    })
}

impl Schedule for StepDecay {
    fn factor(&self, step: u64, _total: u64) -> f64 {
        self.factor.powf((step / self.every) as f64)
    }
}
