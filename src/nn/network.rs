//! A network as a list of operations over values, each value written once.

use std::fmt::Write as _;

use super::activations::Activation;
use super::error::ModelError;
use super::kernels::conv::ConvGeometry;
use super::kernels::layer_norm::NormGeometry;
use super::kernels::pool::PoolGeometry;
use super::layout::{ParameterKind, ParameterLayout};
use super::models;
use crate::data::InputShape;
use crate::recipe::Component;

/// A value of the network: 0 is the input, k+1 the output of operation k.
pub type ValueId = usize;

/// What an operation computes. Numbers named after tensors are indices into
/// [`ParameterLayout::tensors`].
#[derive(Clone, Copy, Debug)]
pub enum Operator {
    /// y = W x + b.
    Dense {
        /// W, `[outputs, inputs]`.
        weight: usize,
        /// b, `[outputs]`.
        bias: Option<usize>,
        /// Features of x.
        inputs: usize,
        /// Features of y.
        outputs: usize,
    },
    /// Two-dimensional convolution.
    Conv2d {
        /// The filters, `[outputs, channels, height, width]`.
        weight: usize,
        /// One bias per output channel.
        bias: Option<usize>,
        /// All sizes.
        geometry: ConvGeometry,
    },
    /// The maximum of each window.
    MaxPool2d(PoolGeometry),
    /// The mean of each window.
    AvgPool2d(PoolGeometry),
    /// Image to vector.
    Flatten,
    /// A function of each number.
    Activation(&'static dyn Activation),
    /// Layer normalization over all features of a sample.
    LayerNorm {
        /// γ, one number per feature.
        scale: usize,
        /// β, one number per feature.
        shift: usize,
        /// All sizes.
        geometry: NormGeometry,
    },
    /// The sum of the input and of another, earlier value.
    Add(ValueId),
}

/// One step of a network.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// What is computed.
    pub operator: Operator,
    /// From which value.
    pub input: ValueId,
}

/// A network: its operations, the shapes of their values, its parameters.
#[derive(Clone, Debug)]
pub struct Network {
    operations: Vec<Operation>,
    shapes: Vec<InputShape>,
    layout: ParameterLayout,
}

impl Network {
    /// The network that the `[model]` section describes, for these inputs and
    /// this number of outputs.
    ///
    /// # Errors
    /// If the description names something unknown or the layers do not fit.
    pub fn build(
        model: &Component,
        input: &InputShape,
        outputs: usize,
    ) -> Result<Network, ModelError> {
        models::build(model, input, outputs)
    }

    /// The operations; operation k writes value k+1.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The shape of a value, for one sample.
    pub fn shape(&self, value: ValueId) -> &InputShape {
        &self.shapes[value]
    }

    /// Where the parameters lie.
    pub fn layout(&self) -> &ParameterLayout {
        &self.layout
    }

    /// Shape of one input.
    pub fn input_shape(&self) -> &InputShape {
        &self.shapes[0]
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.shapes[self.shapes.len() - 1].len()
    }

    /// One line for people: the chain of layers and the number of parameters.
    pub fn describe(&self) -> String {
        let mut text = self.input_shape().to_string();
        for operation in &self.operations {
            let _ = match operation.operator {
                Operator::Dense { outputs, .. } => write!(text, " – dense {outputs}"),
                Operator::Conv2d { geometry, .. } => write!(
                    text,
                    " – conv {} {}×{}",
                    geometry.outputs, geometry.kernel.0, geometry.kernel.1
                ),
                Operator::MaxPool2d(pool) => write!(text, " – max-pool {}", pool.size),
                Operator::AvgPool2d(pool) => write!(text, " – avg-pool {}", pool.size),
                Operator::Flatten => write!(text, " – flatten"),
                Operator::Activation(activation) => {
                    write!(text, " – {}", activation.choice().key)
                }
                Operator::LayerNorm { .. } => write!(text, " – layer-norm"),
                Operator::Add(_) => write!(text, " – add"),
            };
        }
        let _ = write!(text, "; {} parameters", self.layout.len());
        text
    }
}

/// Puts a network together, layer by layer, and numbers the layers as PyTorch's
/// `nn.Sequential` does: activations, pools and flattening count.
#[derive(Debug)]
pub struct NetworkBuilder {
    network: Network,
    module: usize,
    layer: usize,
}

impl NetworkBuilder {
    /// A network without layers.
    pub fn new(input: InputShape) -> Self {
        Self {
            network: Network {
                operations: Vec::new(),
                shapes: vec![input],
                layout: ParameterLayout::default(),
            },
            module: 0,
            layer: 0,
        }
    }

    /// The value that the next layer reads.
    pub fn last(&self) -> ValueId {
        self.network.operations.len()
    }

    /// Shape of that value.
    pub fn shape(&self) -> &InputShape {
        &self.network.shapes[self.last()]
    }

    fn push(&mut self, operator: Operator, shape: InputShape) {
        let input = self.last();
        self.network.operations.push(Operation { operator, input });
        self.network.shapes.push(shape);
    }

    fn parameter(&mut self, name: &str, shape: Vec<usize>, kind: ParameterKind) -> usize {
        let name = format!("{}.{name}", self.module);
        self.network.layout.push(name, shape, kind, self.layer)
    }

    /// A dense layer; images are flattened first.
    pub fn dense(&mut self, outputs: usize, bias: bool) {
        if matches!(self.shape(), InputShape::Image { .. }) {
            self.flatten();
        }
        let inputs = self.shape().len();
        let weight = self.parameter("weight", vec![outputs, inputs], ParameterKind::Weight);
        let bias = bias.then(|| self.parameter("bias", vec![outputs], ParameterKind::Bias));
        self.push(
            Operator::Dense {
                weight,
                bias,
                inputs,
                outputs,
            },
            InputShape::Vector(outputs),
        );
        self.module += 1;
        self.layer += 1;
    }

    /// A convolution with a bias per output channel.
    ///
    /// # Errors
    /// A sentence on what was expected, if the input is no image or is smaller
    /// than the kernel.
    pub fn conv(
        &mut self,
        outputs: usize,
        kernel: (usize, usize),
        stride: usize,
        padding: usize,
    ) -> Result<(), String> {
        let (channels, height, width) = self.image("a convolution")?;
        if height + 2 * padding < kernel.0 || width + 2 * padding < kernel.1 {
            return Err(format!(
                "a {}×{} kernel does not fit on a {height}×{width} image with a padding of {padding}",
                kernel.0, kernel.1
            ));
        }
        let geometry = ConvGeometry {
            channels,
            height,
            width,
            outputs,
            kernel,
            stride,
            padding,
        };
        let weight = self.parameter(
            "weight",
            vec![outputs, channels, kernel.0, kernel.1],
            ParameterKind::Weight,
        );
        let bias = Some(self.parameter("bias", vec![outputs], ParameterKind::Bias));
        self.push(
            Operator::Conv2d {
                weight,
                bias,
                geometry,
            },
            InputShape::Image {
                channels: outputs,
                height: geometry.output_height(),
                width: geometry.output_width(),
            },
        );
        self.module += 1;
        self.layer += 1;
        Ok(())
    }

    /// Pooling over windows of `size`×`size`, the maximum or the mean.
    ///
    /// # Errors
    /// A sentence on what was expected, if the input is no image or is smaller
    /// than the window.
    pub fn pool(&mut self, maximum: bool, size: usize) -> Result<(), String> {
        let (channels, height, width) = self.image("pooling")?;
        if height < size || width < size {
            return Err(format!(
                "a {size}×{size} window does not fit on a {height}×{width} image"
            ));
        }
        let geometry = PoolGeometry {
            height,
            width,
            size,
        };
        let operator = if maximum {
            Operator::MaxPool2d(geometry)
        } else {
            Operator::AvgPool2d(geometry)
        };
        self.push(
            operator,
            InputShape::Image {
                channels,
                height: geometry.output_height(),
                width: geometry.output_width(),
            },
        );
        self.module += 1;
        Ok(())
    }

    /// Image to vector; a vector stays as it is.
    pub fn flatten(&mut self) {
        let features = self.shape().len();
        if matches!(self.shape(), InputShape::Image { .. }) {
            self.push(Operator::Flatten, InputShape::Vector(features));
        }
        self.module += 1;
    }

    /// An activation.
    pub fn activation(&mut self, activation: &'static dyn Activation) {
        let shape = *self.shape();
        self.push(Operator::Activation(activation), shape);
        self.module += 1;
    }

    /// Layer normalization over all features of a sample.
    pub fn layer_norm(&mut self) {
        let shape = *self.shape();
        let (channels, plane) = super::kernels::channels_and_plane(&shape);
        let sizes = match shape {
            InputShape::Vector(features) => vec![features],
            InputShape::Image {
                channels,
                height,
                width,
            } => vec![channels, height, width],
        };
        let scale = self.parameter("weight", sizes.clone(), ParameterKind::NormScale);
        let shift = self.parameter("bias", sizes, ParameterKind::NormShift);
        self.push(
            Operator::LayerNorm {
                scale,
                shift,
                geometry: NormGeometry { channels, plane },
            },
            shape,
        );
        self.module += 1;
        self.layer += 1;
    }

    /// Adds an earlier value of the same shape: the end of a residual block.
    /// It is no module of its own.
    pub fn add(&mut self, earlier: ValueId) {
        let shape = *self.shape();
        self.push(Operator::Add(earlier), shape);
    }

    /// The network.
    pub fn finish(self) -> Network {
        self.network
    }

    fn image(&self, what: &str) -> Result<(usize, usize, usize), String> {
        match *self.shape() {
            InputShape::Image {
                channels,
                height,
                width,
            } => Ok((channels, height, width)),
            InputShape::Vector(features) => Err(format!(
                "{what} needs images, and here it gets vectors of {features} numbers"
            )),
        }
    }
}
