//! Initializations that set the variance of the weights from the number of
//! inputs and outputs of a unit: LeCun et al. 1998 ("Efficient BackProp"),
//! Glorot and Bengio 2010, He et al. 2015.

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

use super::{GAIN, InitializerKind, Source, fans};
use crate::nn::layout::ParameterTensor;
use crate::recipe::{Component, Kind};

/// Variance 1/inputs.
fn lecun(inputs: f64, _outputs: f64) -> f64 {
    1.0 / inputs
}

/// Variance 2/(inputs + outputs).
fn xavier(inputs: f64, outputs: f64) -> f64 {
    2.0 / (inputs + outputs)
}

/// Variance 2/inputs.
fn he(inputs: f64, _outputs: f64) -> f64 {
    2.0 / inputs
}

fn normal(variance: f64, component: &Component, random: &mut ChaCha8Rng, values: &mut [f64]) {
    let deviation = component.float("gain") * variance.sqrt();
    for value in values {
        let sample: f64 = StandardNormal.sample(random);
        *value = deviation * sample;
    }
}

fn uniform(variance: f64, component: &Component, random: &mut ChaCha8Rng, values: &mut [f64]) {
    let bound = component.float("gain") * (3.0 * variance).sqrt();
    for value in values {
        *value = bound * (2.0 * random.random::<f64>() - 1.0);
    }
}

macro_rules! initializer {
    ($name:ident, $key:literal, $title:literal, $help:literal, $draw:ident, $variance:ident) => {
        #[doc = $help]
        pub static $name: InitializerKind = InitializerKind {
            kind: Kind {
                key: $key,
                title: $title,
                help: $help,
                fields: &[GAIN],
            },
            source: Source::Random(
                |component: &Component,
                 tensor: &ParameterTensor,
                 random: &mut ChaCha8Rng,
                 values: &mut [f64]| {
                    let (inputs, outputs) = fans(tensor);
                    $draw($variance(inputs, outputs), component, random, values);
                },
            ),
        };
    };
}

initializer!(
    LECUN_NORMAL,
    "lecun_normal",
    "LeCun, normal",
    "Normal weights with variance 1/inputs: keeps the scale of signals through linear and SELU-like layers.",
    normal,
    lecun
);
initializer!(
    LECUN_UNIFORM,
    "lecun_uniform",
    "LeCun, uniform",
    "Uniform weights with variance 1/inputs.",
    uniform,
    lecun
);
initializer!(
    XAVIER_NORMAL,
    "xavier_normal",
    "Xavier (Glorot), normal",
    "Normal weights with variance 2/(inputs + outputs): made for tanh and sigmoid.",
    normal,
    xavier
);
initializer!(
    XAVIER_UNIFORM,
    "xavier_uniform",
    "Xavier (Glorot), uniform",
    "Uniform weights with variance 2/(inputs + outputs).",
    uniform,
    xavier
);
initializer!(
    HE_NORMAL,
    "he_normal",
    "He (Kaiming), normal",
    "Normal weights with variance 2/inputs: made for ReLU.",
    normal,
    he
);
initializer!(
    HE_UNIFORM,
    "he_uniform",
    "He (Kaiming), uniform",
    "Uniform weights with variance 2/inputs.",
    uniform,
    he
);
