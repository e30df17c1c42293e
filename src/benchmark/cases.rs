//! The networks, data and parameters of the suite, by formulas that any program
//! can repeat bit for bit.
//!
//! All numbers come from uᵢ of a stream s, a hash of the index i (all in
//! unsigned 32-bit arithmetic, modulo 2³²; the constants of the mixing are
//! C. Wellons' "lowbias32"):
//!
//! ```text
//! x = i + s·0x9E3779B9
//! x = (x xor x>>16)·0x7FEB352D;  x = (x xor x>>15)·0x846CA68B;  x = x xor x>>16
//! u = (x>>8)/2²³ − 1                           in [−1, 1), exact in f32
//! ```
//!
//! | what | number i of it |
//! |---|---|
//! | inputs, sample by sample | uᵢ of stream 1 |
//! | class of sample i | i mod K |
//! | parameters θ, in the order of the flat vector (PyTorch's `nn.Sequential`) | uᵢ of stream 2 · √(3/fan-in of the layer), rounded to f32 |
//! | directions d₁ and d₂ | the same of streams 3 and 4 |
//!
//! The loss is the cross-entropy, mean over samples.

use std::sync::Arc;

use crate::data::{Dataset, InputShape, Targets};
use crate::nn::{Loss, Network, losses};
use crate::recipe::Component;

/// A network of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkKind {
    /// Dense 2-32-32-2 with tanh, 1000 samples.
    Tanh,
    /// Dense 2-32-32-2 with ReLU, 1000 samples.
    Relu,
    /// Dense 784-128-10 with ReLU, 1000 samples.
    Wide,
    /// LeNet: two convolutions with max-pooling and three dense layers, with
    /// ReLU, on 500 images of 28×28.
    LeNet,
}

impl NetworkKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tanh, Self::Relu, Self::Wide, Self::LeNet];

    /// Its name in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tanh => "tanh 2-32-32-2",
            Self::Relu => "relu 2-32-32-2",
            Self::Wide => "relu 784-128-10",
            Self::LeNet => "LeNet 28x28",
        }
    }

    /// Samples of the analyses.
    pub fn samples(self) -> usize {
        match self {
            Self::Tanh | Self::Relu | Self::Wide => 1000,
            Self::LeNet => 500,
        }
    }

    /// Samples in a batch of the training step.
    pub fn batch(self) -> usize {
        match self {
            Self::Tanh | Self::Relu => 32,
            Self::Wide | Self::LeNet => 64,
        }
    }

    /// Number of classes.
    pub fn classes(self) -> usize {
        match self {
            Self::Tanh | Self::Relu => 2,
            Self::Wide | Self::LeNet => 10,
        }
    }

    /// The shape of an input.
    pub fn input(self) -> InputShape {
        match self {
            Self::Tanh | Self::Relu => InputShape::Vector(2),
            Self::Wide => InputShape::Vector(784),
            Self::LeNet => InputShape::Image {
                channels: 1,
                height: 28,
                width: 28,
            },
        }
    }

    /// The `[model]` section of a recipe.
    pub fn model(self) -> Component {
        let (hidden, activation) = match self {
            Self::Tanh => (vec![32, 32], "tanh"),
            Self::Relu => (vec![32, 32], "relu"),
            Self::Wide => (vec![128], "relu"),
            Self::LeNet => {
                let layers = vec![
                    "conv 6 5x5 pad 2",
                    "relu",
                    "max-pool 2",
                    "conv 16 5x5",
                    "relu",
                    "max-pool 2",
                    "dense 120",
                    "relu",
                    "dense 84",
                    "relu",
                ];
                return Component::new("cnn").with("layers", layers);
            }
        };
        Component::new("mlp")
            .with("hidden", hidden)
            .with("activation", activation)
            .with("bias", true)
            .with("residual", false)
            .with("layer_norm", false)
    }
}

/// A network with everything that a work needs.
#[derive(Debug)]
pub struct Case {
    /// Which network.
    pub kind: NetworkKind,
    /// The network.
    pub network: Arc<Network>,
    /// The loss.
    pub loss: Arc<dyn Loss>,
    /// The data.
    pub data: Dataset,
    /// θ.
    pub theta: Vec<f32>,
    /// d₁ and d₂.
    pub directions: [Vec<f32>; 2],
}

impl Case {
    /// Makes the network, its data and its parameters.
    ///
    /// # Errors
    /// A sentence on what could not be made.
    pub fn new(kind: NetworkKind) -> Result<Self, String> {
        let network = Network::build(&kind.model(), &kind.input(), kind.classes())
            .map_err(|error| error.to_string())?;
        let loss = losses::build(&Component::new("cross_entropy")).map_err(|e| e.to_string())?;
        Ok(Self {
            kind,
            data: data(kind),
            theta: parameters(&network, 2),
            directions: [parameters(&network, 3), parameters(&network, 4)],
            network: Arc::new(network),
            loss,
        })
    }
}

/// uᵢ of a stream.
pub fn uniform(stream: u32, index: usize) -> f64 {
    // Indices stay far below 2³².
    let mut x = (index as u32).wrapping_add(stream.wrapping_mul(0x9E37_79B9));
    x = (x ^ (x >> 16)).wrapping_mul(0x7FEB_352D);
    x = (x ^ (x >> 15)).wrapping_mul(0x846C_A68B);
    x ^= x >> 16;
    f64::from(x >> 8) / f64::from(1u32 << 23) - 1.0
}

/// The data of a network.
fn data(kind: NetworkKind) -> Dataset {
    let (samples, classes) = (kind.samples(), kind.classes());
    Dataset {
        inputs: (0..samples * kind.input().len())
            .map(|index| uniform(1, index))
            .collect(),
        shape: kind.input(),
        targets: Targets::Classes {
            labels: (0..samples).map(|index| (index % classes) as u32).collect(),
            names: (0..classes).map(|class| class.to_string()).collect(),
        },
        feature_names: Vec::new(),
    }
}

/// A vector in the order of the parameters, scaled as first weights are.
fn parameters(network: &Network, stream: u32) -> Vec<f32> {
    let layout = network.layout();
    let mut all = Vec::with_capacity(layout.len());
    let mut fan_in = 1;
    for tensor in layout.iter() {
        // A layer's bias follows its weight.
        if tensor.shape.len() > 1 {
            fan_in = tensor.filter_len();
        }
        let scale = (3.0 / fan_in as f64).sqrt();
        let numbers = tensor.range.clone().map(|index| uniform(stream, index));
        all.extend(numbers.map(|u| (scale * u) as f32));
    }
    all
}
