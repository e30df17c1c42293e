//! The candle graph of a network, for training.
//!
//! candle builds the graph and differentiates it; its nodes are our own
//! operations, because candle's are slow on a processor (tanh, conv2d,
//! column sums, the gradient of a product's constant side) or wrong (the
//! gradient of max_pool2d, layer_norm and softmax_last_dim).

mod linear;
mod ops;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};

use candle_core::{CustomOp1, CustomOp2, CustomOp3, Device, Tensor, Var};
use thiserror::Error;

use super::kernels::{channels_and_plane, to_channels};
use super::losses::{BatchTargets, Loss};
use super::network::{Network, Operator, ValueId};
use linear::{Linear, LinearOp, Source};
use ops::{ActivationOp, Assign, FlattenOp, LayerNormOp, LossOp, PoolOp, Sink};

/// What can go wrong in the graph.
#[derive(Debug, Error)]
pub enum GraphError {
    /// The arguments do not fit the network.
    #[error("{what}: {found} numbers, expected {expected}")]
    Length {
        /// Which argument.
        what: &'static str,
        /// Its length.
        found: usize,
        /// What it should be.
        expected: usize,
    },
    /// There is nothing to average over.
    #[error("the batch has no samples")]
    Empty,
    /// A class that the network has no output for.
    #[error("a target is class {found}, and the network knows the classes 0 to {last}")]
    Class {
        /// The class.
        found: u32,
        /// The largest class there is.
        last: usize,
    },
    /// candle refused an operation.
    #[error("candle: {}", first_line(.0))]
    Candle(#[from] candle_core::Error),
}

/// candle's messages carry a backtrace where `RUST_BACKTRACE` is set.
fn first_line(error: &candle_core::Error) -> String {
    error
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// A node of the graph, made once and applied at every step.
enum Node {
    Unary(Arc<Box<dyn CustomOp1 + Send + Sync>>),
    /// An operation with one parameter tensor.
    Binary(Arc<Box<dyn CustomOp2 + Send + Sync>>, usize),
    /// An operation with two parameter tensors.
    Ternary(Arc<Box<dyn CustomOp3 + Send + Sync>>, usize, usize),
    /// The sum with an earlier value.
    Add(ValueId),
}

/// The candle graph of a network and its loss: parameters in, loss and gradient
/// out. Sequential and deterministic.
pub struct Graph {
    network: Arc<Network>,
    loss: Arc<dyn Loss>,
    variables: Vec<Var>,
    nodes: Vec<(Node, ValueId)>,
    sink: Sink,
    by_sample: bool,
}

impl Graph {
    /// The graph of a network with these first parameters.
    ///
    /// # Errors
    /// If the number of parameters is not the network's.
    pub fn new(
        network: Arc<Network>,
        loss: Arc<dyn Loss>,
        theta: &[f32],
    ) -> Result<Graph, GraphError> {
        let layout = network.layout();
        check("parameters", theta.len(), layout.len())?;
        let variables = layout
            .iter()
            .map(|tensor| {
                let values = theta[tensor.range.clone()].to_vec();
                Var::from_vec(values, tensor.shape.as_slice(), &Device::Cpu)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let sink: Sink = Arc::new(Mutex::new(vec![0.0; theta.len()]));
        let by_sample = reads_rows(&network);
        let nodes = network
            .operations()
            .iter()
            .map(|operation| {
                let source = match (operation.input, by_sample) {
                    (0, true) => Source::DataBySample,
                    (0, false) => Source::DataByChannel,
                    _ => Source::Value,
                };
                let node = node(&network, &operation.operator, source, &sink);
                (node, operation.input)
            })
            .collect();
        Ok(Graph {
            network,
            loss,
            variables,
            nodes,
            sink,
            by_sample,
        })
    }

    /// The network.
    pub fn network(&self) -> &Arc<Network> {
        &self.network
    }

    /// Overwrites the parameters.
    ///
    /// # Errors
    /// If their number is not the network's.
    pub fn set_parameters(&mut self, theta: &[f32]) -> Result<(), GraphError> {
        let layout = self.network.layout();
        check("parameters", theta.len(), layout.len())?;
        for (variable, tensor) in self.variables.iter().zip(layout.iter()) {
            variable
                .as_tensor()
                .inplace_op1(&Assign(&theta[tensor.range.clone()]))?;
        }
        Ok(())
    }

    /// The mean loss over a batch, and its gradient.
    ///
    /// `inputs` are rows [samples, input length], `gradient` is laid out as the
    /// parameters; what it held before does not matter.
    ///
    /// # Errors
    /// If a length does not fit, or a class is out of range.
    pub fn loss_and_gradient(
        &mut self,
        inputs: &[f32],
        targets: &BatchTargets,
        gradient: &mut [f32],
    ) -> Result<f64, GraphError> {
        check("gradient", gradient.len(), self.network.layout().len())?;
        let loss = self.loss(inputs, targets)?;
        loss.backward()?;
        let sink = self
            .sink
            .lock()
            .map_err(|_| candle_core::Error::Msg("the gradient is poisoned".to_owned()))?;
        gradient.copy_from_slice(&sink);
        drop(sink);
        Ok(loss.to_scalar::<f64>()?)
    }

    /// The scalar loss node of a batch.
    fn loss(&self, inputs: &[f32], targets: &BatchTargets) -> Result<Tensor, GraphError> {
        let samples = match targets {
            BatchTargets::Classes(labels) => labels.len(),
            BatchTargets::Values(values) => values.len() / self.network.outputs(),
        };
        if samples == 0 {
            return Err(GraphError::Empty);
        }
        let length = self.network.input_shape().len();
        check("inputs of the batch", inputs.len(), samples * length)?;
        let outputs = self.outputs(inputs, samples)?;
        let loss = LossOp {
            loss: Arc::clone(&self.loss),
            targets: self.prepare(targets, samples)?,
        };
        Ok(outputs.apply_op1(loss)?)
    }

    /// The outputs [outputs, samples, 1].
    fn outputs(&self, inputs: &[f32], samples: usize) -> Result<Tensor, GraphError> {
        let (channels, plane) = channels_and_plane(self.network.input_shape());
        let input = if self.by_sample {
            Tensor::from_slice(inputs, (samples, channels, plane), &Device::Cpu)?
        } else {
            let mut ordered = vec![0.0; inputs.len()];
            to_channels(inputs, samples, channels, plane, &mut ordered);
            Tensor::from_vec(ordered, (channels, samples, plane), &Device::Cpu)?
        };
        let mut values = Vec::with_capacity(self.nodes.len() + 1);
        values.push(input);
        for (node, input) in &self.nodes {
            let x = &values[*input];
            let y = match node {
                Node::Unary(op) => x.apply_op1_arc(Arc::clone(op))?,
                Node::Binary(op, a) => x.apply_op2_arc(&self.variables[*a], Arc::clone(op))?,
                Node::Ternary(op, a, b) => {
                    x.apply_op3_arc(&self.variables[*a], &self.variables[*b], Arc::clone(op))?
                }
                Node::Add(earlier) => x.add(&values[*earlier])?,
            };
            values.push(y);
        }
        values
            .pop()
            .ok_or_else(|| candle_core::Error::Msg("the network is empty".to_owned()).into())
    }

    /// The targets, checked, numbers dimension by dimension.
    fn prepare(&self, targets: &BatchTargets, samples: usize) -> Result<BatchTargets, GraphError> {
        let outputs = self.network.outputs();
        match targets {
            BatchTargets::Classes(labels) => {
                let last = if outputs == 1 { 1 } else { outputs - 1 };
                match labels.iter().find(|label| **label as usize > last) {
                    Some(found) => Err(GraphError::Class {
                        found: *found,
                        last,
                    }),
                    None => Ok(BatchTargets::Classes(labels.clone())),
                }
            }
            BatchTargets::Values(values) => {
                check("targets of the batch", values.len(), samples * outputs)?;
                let mut ordered = vec![0.0; values.len()];
                to_channels(values, samples, outputs, 1, &mut ordered);
                Ok(BatchTargets::Values(ordered))
            }
        }
    }
}

/// Whether the first layer may read the data's rows as they are, which saves
/// reordering them: long rows that nothing but a linear layer reads.
fn reads_rows(network: &Network) -> bool {
    let long = network.input_shape().len() > 16;
    let mut readers = network
        .operations()
        .iter()
        .filter(|operation| operation.input == 0 || matches!(operation.operator, Operator::Add(0)));
    let linear = readers.next().is_some_and(|operation| {
        matches!(
            operation.operator,
            Operator::Dense { .. } | Operator::Conv2d { .. }
        )
    });
    long && linear && readers.next().is_none()
}

fn node(network: &Network, operator: &Operator, source: Source, sink: &Sink) -> Node {
    let range = |tensor: usize| network.layout().tensors[tensor].range.clone();
    let linear = |linear: Linear, weight: usize, bias: Option<usize>| {
        let op = LinearOp {
            linear,
            source,
            weight: range(weight),
            bias: bias.map(range),
            sink: Arc::clone(sink),
        };
        match bias {
            Some(bias) => Node::Ternary(Arc::new(Box::new(op)), weight, bias),
            None => Node::Binary(Arc::new(Box::new(op)), weight),
        }
    };
    match *operator {
        Operator::Dense {
            weight,
            bias,
            inputs,
            outputs,
        } => linear(Linear::Dense((inputs, outputs)), weight, bias),
        Operator::Conv2d {
            weight,
            bias,
            geometry,
        } => linear(Linear::Conv(geometry), weight, bias),
        Operator::MaxPool2d(geometry) => Node::Unary(Arc::new(Box::new(PoolOp {
            geometry,
            maximum: true,
        }))),
        Operator::AvgPool2d(geometry) => Node::Unary(Arc::new(Box::new(PoolOp {
            geometry,
            maximum: false,
        }))),
        Operator::Flatten => Node::Unary(Arc::new(Box::new(FlattenOp))),
        Operator::Activation(activation) => {
            Node::Unary(Arc::new(Box::new(ActivationOp(activation))))
        }
        Operator::LayerNorm {
            scale,
            shift,
            geometry,
        } => Node::Ternary(
            Arc::new(Box::new(LayerNormOp {
                geometry,
                scale: range(scale),
                shift: range(shift),
                sink: Arc::clone(sink),
            })),
            scale,
            shift,
        ),
        Operator::Add(earlier) => Node::Add(earlier),
    }
}

fn check(what: &'static str, found: usize, expected: usize) -> Result<(), GraphError> {
    if found == expected {
        Ok(())
    } else {
        Err(GraphError::Length {
            what,
            found,
            expected,
        })
    }
}
