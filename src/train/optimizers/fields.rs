//! The recipe fields that optimizers share.

use crate::recipe::Field;

pub(super) const fn learning_rate(default: f64) -> Field {
    Field::float(
        "learning_rate",
        "Learning rate η",
        "How far a step goes along the (transformed) gradient; the schedule multiplies it.",
        default,
        0.0,
        1e6,
    )
    .above_min()
    .logarithmic()
    .live()
}

pub(super) const fn momentum(default: f64) -> Field {
    Field::float(
        "momentum",
        "Momentum β",
        "How much of the last step's velocity is kept: 0 is plain gradient descent, 0.9 is usual.",
        default,
        0.0,
        1.0,
    )
    .below_max()
    .live()
}

/// How far a method looks around the parameters.
pub(super) const fn rho(help: &'static str, default: f64) -> Field {
    Field::float("rho", "Radius ρ", help, default, 0.0, 1e6).live()
}

pub(super) const WEIGHT_DECAY: Field = Field::float(
    "weight_decay",
    "Weight decay",
    "Adds this multiple of the parameters to the gradient (an L2 penalty of half this strength).",
    0.0,
    0.0,
    1e3,
)
.live();

pub(super) const DECOUPLED_WEIGHT_DECAY: Field = Field::float(
    "weight_decay",
    "Weight decay",
    "Each step shrinks the parameters by the learning rate times this, apart from the gradient.",
    0.01,
    0.0,
    1e3,
)
.live();

pub(super) const BETA1: Field = Field::float(
    "beta1",
    "Mean decay β₁",
    "How slowly the running mean of the gradient forgets.",
    0.9,
    0.0,
    1.0,
)
.below_max();

pub(super) const BETA2: Field = Field::float(
    "beta2",
    "Square decay β₂",
    "How slowly the running mean of the squared gradient forgets.",
    0.999,
    0.0,
    1.0,
)
.below_max();

pub(super) const ALPHA: Field = Field::float(
    "alpha",
    "Square decay α",
    "How slowly the running mean of the squared gradient forgets.",
    0.99,
    0.0,
    1.0,
)
.below_max();

pub(super) const EPSILON: Field = Field::float(
    "epsilon",
    "Epsilon ε",
    "Added to the root of the running square, so that nothing is divided by zero.",
    1e-8,
    0.0,
    1.0,
)
.above_min()
.logarithmic();

/// Fields that every optimizer has.
pub static COMMON_FIELDS: &[Field] = &[Field::float(
    "clip_norm",
    "Clip gradient norm",
    "A gradient longer than this is shortened to it before the step; 0 never clips.",
    0.0,
    0.0,
    1e9,
)
.live()];
