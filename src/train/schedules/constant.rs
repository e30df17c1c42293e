//! A learning rate that stays.

use super::Schedule;
use crate::recipe::{Component, Kind};

pub(super) static KIND: Kind = Kind {
    key: "constant",
    title: "Constant",
    help: "The learning rate stays as it is.",
    fields: &[],
};

struct Constant;

pub(super) fn new(_component: &Component) -> Box<dyn Schedule> {
    Box::new(Constant)
}

impl Schedule for Constant {
    fn factor(&self, _step: u64, _total: u64) -> f64 {
        1.0
    }
}
