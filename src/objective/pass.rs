//! The passes over one block of samples, forward and backward.

use super::plan::Plan;
use crate::nn::activations::ActivationScalar;
use crate::nn::kernels::elementwise::{axpy, put};
use crate::nn::kernels::{View, Write, conv, dense, flatten, layer_norm, pool, unflatten};
use crate::nn::layout::ParameterLayout;
use crate::nn::losses::LossScalar;
use crate::nn::network::{Network, Operator, ValueId};

/// The number types of the objective.
pub trait Real: ActivationScalar + LossScalar {}

impl<T: ActivationScalar + LossScalar> Real for T {}

/// What the passes keep of a block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Primal<T> {
    /// The values.
    pub values: Vec<T>,
    /// The gradient of the loss with respect to the values.
    pub deltas: Vec<T>,
    /// φ' of the activations.
    pub first: Vec<T>,
    /// φ'' of the activations times the gradient of their output.
    pub second: Vec<T>,
    /// Positions of the maxima of pools.
    pub maxima: Vec<u32>,
    /// Statistics of normalizations.
    pub statistics: Vec<T>,
}

/// Working memory of the passes; it grows to what they need and is reused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch<T> {
    pub columns: Vec<T>,
    pub norm: Vec<T>,
}

/// A network and one block of inputs, channel by channel.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a, T> {
    pub network: &'a Network,
    pub plan: &'a Plan,
    pub input: &'a [T],
    pub samples: usize,
}

/// Makes a buffer at least this long.
pub(crate) fn reserve<T: Clone + Default>(buffer: &mut Vec<T>, length: usize) {
    if buffer.len() < length {
        buffer.resize(length, T::default());
    }
}

impl<T: Real> Scratch<T> {
    pub(super) fn fit(&mut self, plan: &Plan, samples: usize) {
        reserve(&mut self.columns, plan.columns(samples));
        reserve(&mut self.norm, plan.norm_scratch * samples);
    }
}

/// The gradients of an operation's two parameter tensors, the second of which
/// lies behind the first.
pub(super) fn pair<'a, T>(
    gradient: &'a mut [T],
    layout: &ParameterLayout,
    first: usize,
    second: Option<usize>,
) -> (&'a mut [T], Option<&'a mut [T]>) {
    let first = layout.tensors[first].range.clone();
    let (head, tail) = gradient.split_at_mut(first.end);
    let second = second.map(|second| {
        let range = &layout.tensors[second].range;
        &mut tail[range.start - first.end..range.end - first.end]
    });
    (&mut head[first], second)
}

impl<'a, T: Real> Block<'a, T> {
    pub(super) fn parameters<'b>(&self, theta: &'b [T], tensor: usize) -> &'b [T] {
        &theta[self.network.layout().tensors[tensor].range.clone()]
    }

    /// A value, given the part of its arena in which it lies.
    pub(super) fn value<'b>(&self, arena: &'b [T], value: ValueId) -> &'b [T]
    where
        'a: 'b,
    {
        if value == 0 {
            self.input
        } else {
            &arena[self.plan.range(value, self.samples)]
        }
    }

    pub(super) fn view<'b>(&self, data: &'b [T], value: ValueId) -> View<'b, T> {
        View::by_channel(data, self.samples, self.plan.planes[value])
    }

    /// The network's outputs, [outputs, samples].
    pub fn outputs<'b>(&self, arena: &'b [T]) -> &'b [T]
    where
        'a: 'b,
    {
        self.value(arena, self.network.operations().len())
    }

    /// Like [`Block::outputs`], to be written.
    pub fn outputs_mut<'b>(&self, arena: &'b mut [T]) -> &'b mut [T] {
        &mut arena[self
            .plan
            .range(self.network.operations().len(), self.samples)]
    }

    /// The output of the first operation.
    pub fn first_layer(&self, theta: &[T], primal: &mut Primal<T>, scratch: &mut Scratch<T>) {
        self.run(theta, primal, scratch, 0..1);
    }

    /// All values from operation `start` on; the ones before must be there.
    pub fn forward(
        &self,
        theta: &[T],
        primal: &mut Primal<T>,
        scratch: &mut Scratch<T>,
        start: usize,
    ) {
        let end = self.network.operations().len();
        self.run(theta, primal, scratch, start..end);
    }

    fn run(
        &self,
        theta: &[T],
        primal: &mut Primal<T>,
        scratch: &mut Scratch<T>,
        operations: std::ops::Range<usize>,
    ) {
        let (plan, n) = (self.plan, self.samples);
        scratch.fit(plan, n);
        reserve(&mut primal.values, plan.values * n);
        reserve(&mut primal.maxima, plan.maxima * n);
        reserve(&mut primal.statistics, plan.statistics * n);
        for k in operations {
            let operation = &self.network.operations()[k];
            let range = plan.range(k + 1, n);
            let (before, after) = primal.values.split_at_mut(range.start);
            let y = &mut after[..range.len()];
            let x = self.value(before, operation.input);
            let view = self.view(x, operation.input);
            let parameters = |tensor| self.parameters(theta, tensor);
            match operation.operator {
                Operator::Dense {
                    weight,
                    bias,
                    inputs,
                    outputs,
                } => dense::forward(
                    parameters(weight),
                    bias.map(parameters),
                    (inputs, outputs),
                    view,
                    y,
                ),
                Operator::Conv2d {
                    weight,
                    bias,
                    geometry,
                } => conv::forward(
                    &geometry,
                    parameters(weight),
                    bias.map(parameters),
                    view,
                    y,
                    &mut scratch.columns,
                ),
                Operator::MaxPool2d(geometry) => {
                    let maxima = &mut primal.maxima[plan.extra[k] * n..][..y.len()];
                    pool::max_forward(&geometry, x, y, maxima);
                }
                Operator::AvgPool2d(geometry) => pool::average_forward(&geometry, x, y),
                Operator::Flatten => {
                    flatten(x, n, plan.planes[operation.input], Write::Overwrite, y);
                }
                Operator::Activation(activation) => T::value(activation, x, y),
                Operator::LayerNorm {
                    scale,
                    shift,
                    geometry,
                } => {
                    let statistics =
                        &mut primal.statistics[plan.extra[k] * n..][..geometry.statistics_len(n)];
                    layer_norm::statistics(&geometry, x, statistics);
                    layer_norm::forward(
                        &geometry,
                        parameters(scale),
                        parameters(shift),
                        x,
                        statistics,
                        y,
                    );
                }
                Operator::Add(earlier) => {
                    y.copy_from_slice(x);
                    axpy(T::ONE, self.value(before, earlier), y);
                }
            }
        }
    }

    /// The gradients of all values from that of the outputs, which must be in
    /// `deltas`; parameter gradients are added to `gradient`, the input's is
    /// written to `input_gradient`.
    ///
    /// `deltas` is an arena like the values'.
    pub fn backward(
        &self,
        theta: &[T],
        primal: &Primal<T>,
        deltas: &mut [T],
        scratch: &mut Scratch<T>,
        mut gradient: Option<&mut [T]>,
        mut input_gradient: Option<&mut [T]>,
    ) {
        let (plan, n) = (self.plan, self.samples);
        scratch.fit(plan, n);
        let layout = self.network.layout();
        for (k, operation) in self.network.operations().iter().enumerate().rev() {
            let range = plan.range(k + 1, n);
            let (before, after) = deltas.split_at_mut(range.start);
            let dy = &after[..range.len()];
            let x = self.value(&primal.values, operation.input);
            let view = self.view(x, operation.input);
            let write = plan.writes[k].0;
            let parameters = |tensor| self.parameters(theta, tensor);
            // Where the input's gradient goes, if anyone wants it.
            let dx = if operation.input == 0 {
                input_gradient.as_deref_mut()
            } else if plan.constant[operation.input] && input_gradient.is_none() {
                None
            } else {
                Some(&mut before[plan.range(operation.input, n)])
            };
            match operation.operator {
                Operator::Dense {
                    weight,
                    bias,
                    inputs,
                    outputs,
                } => {
                    if let Some(gradient) = gradient.as_deref_mut() {
                        let (dw, db) = pair(gradient, layout, weight, bias);
                        dense::parameter_gradient(
                            (inputs, outputs),
                            [(dy, view)],
                            Write::Accumulate,
                            dw,
                            db,
                        );
                    }
                    if let Some(dx) = dx {
                        let weight = parameters(weight);
                        dense::input_gradient([(weight, dy)], (inputs, outputs), n, write, dx);
                    }
                }
                Operator::Conv2d {
                    weight,
                    bias,
                    geometry,
                } => {
                    if let Some(gradient) = gradient.as_deref_mut() {
                        let (dw, db) = pair(gradient, layout, weight, bias);
                        conv::parameter_gradient(
                            &geometry,
                            dy,
                            view,
                            Write::Accumulate,
                            dw,
                            db,
                            &mut scratch.columns,
                        );
                    }
                    if let Some(dx) = dx {
                        conv::input_gradient(
                            &geometry,
                            parameters(weight),
                            dy,
                            n,
                            write,
                            dx,
                            &mut scratch.columns,
                        );
                    }
                }
                Operator::LayerNorm {
                    scale,
                    shift,
                    geometry,
                } => {
                    let statistics =
                        &primal.statistics[plan.extra[k] * n..][..geometry.statistics_len(n)];
                    let gradients = gradient.as_deref_mut().and_then(|gradient| {
                        let (scale, shift) = pair(gradient, layout, scale, Some(shift));
                        shift.map(|shift| (scale, shift))
                    });
                    layer_norm::backward(
                        &geometry,
                        parameters(scale),
                        x,
                        statistics,
                        dy,
                        dx.map(|dx| (write, dx)),
                        gradients,
                        &mut scratch.norm,
                    );
                }
                Operator::Activation(activation) => {
                    if let Some(dx) = dx {
                        let y = self.value(&primal.values, k + 1);
                        T::backward(activation, x, y, dy, write, dx);
                    }
                }
                Operator::Add(earlier) => {
                    if let Some(dx) = dx {
                        put(dx, write, dy);
                    }
                    let write = plan.writes[k].1;
                    if earlier == 0 {
                        if let Some(dx) = input_gradient.as_deref_mut() {
                            put(dx, write, dy);
                        }
                    } else {
                        put(&mut before[plan.range(earlier, n)], write, dy);
                    }
                }
                Operator::MaxPool2d(_) | Operator::AvgPool2d(_) | Operator::Flatten => {
                    if let Some(dx) = dx {
                        self.pull_back(k, primal, dy, write, dx);
                    }
                }
            }
        }
    }

    /// dx ← or += the transpose of a pool or a flattening applied to dy.
    pub(super) fn pull_back(
        &self,
        k: usize,
        primal: &Primal<T>,
        dy: &[T],
        write: Write,
        dx: &mut [T],
    ) {
        let operation = &self.network.operations()[k];
        let n = self.samples;
        match operation.operator {
            Operator::MaxPool2d(geometry) => {
                let maxima = &primal.maxima[self.plan.extra[k] * n..][..dy.len()];
                pool::max_backward(&geometry, maxima, dy, write, dx);
            }
            Operator::AvgPool2d(geometry) => pool::average_backward(&geometry, dy, write, dx),
            _ => unflatten(dy, n, self.plan.planes[operation.input], write, dx),
        }
    }
}
