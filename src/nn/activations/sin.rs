//! sin x.

use super::{Function, Jet};
use crate::nn::kernels::Scalar;
use crate::recipe::Choice;

/// sin x.
#[derive(Debug)]
pub struct Sin;

impl Function for Sin {
    const CHOICE: Choice = Choice {
        key: "sin",
        label: "Sine",
        help: "Periodic activation: networks that fit waves, with many equivalent minima.",
    };

    #[inline(always)]
    fn jet<T: Scalar, const FMA: bool>(x: T) -> Jet<T> {
        let (sine, cosine) = x.sin_cos::<FMA>();
        Jet {
            value: sine,
            first: cosine,
            second: -sine,
        }
    }
}
