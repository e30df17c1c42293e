//! ASAM: SAM whose neighbourhood is measured relative to the parameters, see
//! [`super::sam`]. Biases are scaled like weights.

use super::fields;
use super::sam::Sam;
use super::scalar::Scalar;
use crate::recipe::{Component, Field, Kind};

pub(super) static KIND: Kind = Kind {
    key: "asam",
    title: "ASAM",
    help: "Adaptive SAM: each parameter is moved uphill in proportion to its own size, so that rescaling the network does not change what is seen.",
    fields: FIELDS,
};

static FIELDS: &[Field] = &[
    fields::learning_rate(0.1),
    fields::rho(
        "How far uphill the gradient is taken, relative to the parameters; 0 is plain gradient descent, 0.5 is usual.",
        0.5,
    ),
    Field::float(
        "offset",
        "Offset",
        "Added to the size of each parameter, so that one at zero can move (η in the paper).",
        0.01,
        0.0,
        1e3,
    )
    .live(),
    fields::momentum(0.0),
    fields::WEIGHT_DECAY,
];

pub(super) fn new<T: Scalar>(component: &Component, dim: usize) -> Sam<T> {
    Sam::new(component, dim, Some(component.float("offset")))
}
