//! A learning rate that falls along half a cosine (Loshchilov and Hutter 2017,
//! without restarts).

use super::Schedule;
use crate::recipe::{Component, Field, Kind};

pub(super) static KIND: Kind = Kind {
    key: "cosine",
    title: "Cosine",
    help: "Lowers the learning rate along half a cosine, from the full rate to the last step's.",
    fields: FIELDS,
};

static FIELDS: &[Field] = &[Field::float(
    "min_factor",
    "Last factor",
    "What part of the learning rate is left at the end of the run.",
    0.0,
    0.0,
    1.0,
)];

struct Cosine {
    min_factor: f64,
}

pub(super) fn new(component: &Component) -> Box<dyn Schedule> {
    Box::new(Cosine {
        min_factor: component.float("min_factor"),
    })
}

impl Schedule for Cosine {
    fn factor(&self, step: u64, total: u64) -> f64 {
        let done = (step as f64 / total.max(1) as f64).min(1.0);
        // libm, so that the bits are the same on every machine.
        let cosine = libm::cos(std::f64::consts::PI * done);
        self.min_factor + (1.0 - self.min_factor) * 0.5 * (1.0 + cosine)
    }
}
