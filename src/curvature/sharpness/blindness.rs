//! Which changes of the parameters that leave the network's function as it is a
//! measure does not see.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The measures of this room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::EnumIter)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The largest rise in a ball (Foret et al. 2021).
    Sam,
    /// The largest rise in a ball measured in units of |θ| (Kwon et al. 2021).
    Asam,
    /// The largest rise in a box around θ (Keskar et al. 2017).
    Box,
    /// The mean rise under Gaussian displacements.
    Average,
    /// The mean rise under Gaussian displacements in units of |θ|.
    ScaledAverage,
    /// ρ‖∇L‖ + ½ρ²λ₁, and λ₁ itself.
    SecondOrder,
    /// The Fisher–Rao norm (Liang et al. 2019).
    FisherRao,
}

/// What a measure is blind to: changes of θ that leave the network's function,
/// and the measure with it, as they are. What a measure is not blind to changes
/// it although the network stays the same, so that its values at two networks
/// can be told apart by nothing but their parametrisation (Dinh et al. 2017).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blindness {
    /// A whole layer's weights and biases times c > 0, the next layer's weights
    /// divided by c, where the activation between them is positively homogeneous
    /// (ReLU, leaky ReLU, identity).
    pub layer_rescaling: bool,
    /// The same with a factor of its own for every unit; layers are a special
    /// case of it.
    pub unit_rescaling: bool,
    /// The units of a layer in another order.
    pub permutation: bool,
    /// The same in a sentence.
    pub note: Cow<'static, str>,
}

impl Measure {
    /// What the measure is blind to.
    pub fn blindness(self) -> Blindness {
        let rescaling = match self {
            Self::Asam | Self::ScaledAverage | Self::FisherRao => true,
            Self::Sam | Self::Box | Self::Average | Self::SecondOrder => false,
        };
        Blindness {
            layer_rescaling: rescaling,
            unit_rescaling: rescaling,
            permutation: true,
            note: Cow::Borrowed(self.note()),
        }
    }

    fn note(self) -> &'static str {
        match self {
            Self::Sam => {
                "The same for every order of the units; sees rescalings: a ReLU network with \
                 its layers or units rescaled is the same function with another value."
            }
            Self::Asam => {
                "The same for every order of the units and for every positive rescaling of the \
                 units or layers of a ReLU network, because the ball stretches with each weight."
            }
            Self::Box => {
                "The same for every order of the units; sees rescalings, because the box of a \
                 weight has the half-width ε(|θ|+1) and not ε|θ|."
            }
            Self::Average => {
                "The same for every order of the units (in the mean: the probes differ); sees \
                 rescalings of the layers and units of a ReLU network."
            }
            Self::ScaledAverage => {
                "The same for every order of the units (in the mean: the probes differ) and for \
                 every positive rescaling of the units or layers of a ReLU network."
            }
            Self::SecondOrder => {
                "The same for every order of the units; sees rescalings: the eigenvalues and the \
                 gradient of a ReLU network change when its layers or units are rescaled."
            }
            Self::FisherRao => {
                "The same for every order of the units and for every positive rescaling of the \
                 units or layers of a ReLU network: it measures how the loss answers to a common \
                 factor on all parameters."
            }
        }
    }
}
