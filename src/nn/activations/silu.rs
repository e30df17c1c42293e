//! x σ(x) (Elfwing, Uchibe, Doya 2018).

use super::sigmoid;
use super::{Function, Jet};
use crate::nn::kernels::Scalar;
use crate::recipe::Choice;

/// x σ(x) (Elfwing, Uchibe, Doya 2018).
#[derive(Debug)]
pub struct Silu;

impl Function for Silu {
    const CHOICE: Choice = Choice {
        key: "silu",
        label: "SiLU",
        help: "Sigmoid linear unit, x·σ(x), also called swish: smooth and not monotonic.",
    };

    #[inline(always)]
    fn jet<T: Scalar, const FMA: bool>(x: T) -> Jet<T> {
        let (s, complement) = sigmoid::<T, FMA>(x);
        let slope = s * complement;
        Jet {
            value: x * s,
            first: x.fma::<FMA>(slope, s),
            second: slope * (T::TWO + x * (complement - s)),
        }
    }
}
