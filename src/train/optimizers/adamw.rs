//! AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019).

use super::adam::{Adam, Decay};
use super::fields;
use super::scalar::Scalar;
use crate::recipe::{Component, Field, Kind};

pub(super) static KIND: Kind = Kind {
    key: "adamw",
    title: "AdamW",
    help: "Adam whose weight decay shrinks the parameters by η times the decay, beside the step.",
    fields: FIELDS,
};

static FIELDS: &[Field] = &[
    fields::learning_rate(0.001),
    fields::BETA1,
    fields::BETA2,
    fields::EPSILON,
    fields::DECOUPLED_WEIGHT_DECAY,
];

pub(super) fn new<T: Scalar>(component: &Component, dim: usize) -> Adam<T> {
    Adam::new(component, dim, Decay::Decoupled)
}
