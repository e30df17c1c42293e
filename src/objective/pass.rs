//! The passes over one block of samples: forward, backward, and their
//! derivatives along a direction in parameter space.
//!
//! The R-operator is Pearlmutter's ("Fast exact multiplication by the Hessian",
//! 1994): differentiate the forward and the backward pass along v; the
//! derivative of the gradient is Hv. Leaving out the terms with the primal
//! gradient of a value gives the Gauss–Newton product.

use super::plan::Plan;
use crate::nn::activations::ActivationScalar;
use crate::nn::kernels::elementwise::{axpy, product, put, two_products};
use crate::nn::kernels::matrix::row_sums;
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
    fn fit(&mut self, plan: &Plan, samples: usize) {
        reserve(&mut self.columns, plan.columns(samples));
        reserve(&mut self.norm, plan.norm_scratch * samples);
    }
}

/// The gradients of an operation's two parameter tensors, the second of which
/// lies behind the first.
fn pair<'a, T>(
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
    fn parameters<'b>(&self, theta: &'b [T], tensor: usize) -> &'b [T] {
        &theta[self.network.layout().tensors[tensor].range.clone()]
    }

    /// A value, given the part of its arena in which it lies.
    fn value<'b>(&self, arena: &'b [T], value: ValueId) -> &'b [T]
    where
        'a: 'b,
    {
        if value == 0 {
            self.input
        } else {
            &arena[self.plan.range(value, self.samples)]
        }
    }

    fn view<'b>(&self, data: &'b [T], value: ValueId) -> View<'b, T> {
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
                            dy,
                            view,
                            Write::Accumulate,
                            dw,
                            db,
                        );
                    }
                    if let Some(dx) = dx {
                        let weight = parameters(weight);
                        dense::input_gradient(weight, (inputs, outputs), dy, n, write, dx);
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
    fn pull_back(&self, k: usize, primal: &Primal<T>, dy: &[T], write: Write, dx: &mut [T]) {
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

    /// φ' and φ''·δ of every activation, from values and gradients.
    pub fn curvature(&self, primal: &mut Primal<T>) {
        let (plan, n) = (self.plan, self.samples);
        reserve(&mut primal.first, plan.slopes * n);
        reserve(&mut primal.second, plan.slopes * n);
        for (k, operation) in self.network.operations().iter().enumerate() {
            if let Operator::Activation(activation) = operation.operator {
                let x = self.value(&primal.values, operation.input);
                let dy = &primal.deltas[plan.range(k + 1, n)];
                let start = plan.extra[k] * n;
                let first = &mut primal.first[start..start + dy.len()];
                let second = &mut primal.second[start..start + dy.len()];
                T::curvature(activation, x, dy, first, second);
            }
        }
    }

    /// The derivative of all values along `v` in parameter space.
    pub fn tangent(
        &self,
        theta: &[T],
        v: &[T],
        primal: &Primal<T>,
        tangents: &mut Vec<T>,
        scratch: &mut Scratch<T>,
    ) {
        let (plan, n) = (self.plan, self.samples);
        scratch.fit(plan, n);
        reserve(tangents, plan.values * n);
        for (k, operation) in self.network.operations().iter().enumerate() {
            if plan.constant[k + 1] {
                continue;
            }
            let input = operation.input;
            let range = plan.range(k + 1, n);
            let (before, after) = tangents.split_at_mut(range.start);
            let ry = &mut after[..range.len()];
            let x = self.value(&primal.values, input);
            let view = self.view(x, input);
            let rx = (!plan.constant[input]).then(|| &before[plan.range(input, n)]);
            match operation.operator {
                Operator::Dense {
                    weight,
                    bias,
                    inputs,
                    outputs,
                } => {
                    let widths = (inputs, outputs);
                    let bias = bias.map(|bias| self.parameters(v, bias));
                    dense::forward(self.parameters(v, weight), bias, widths, view, ry);
                    if let Some(rx) = rx {
                        let weight = self.parameters(theta, weight);
                        let rx = self.view(rx, input);
                        dense::product(weight, widths, rx, Write::Accumulate, ry);
                    }
                }
                Operator::Conv2d {
                    weight,
                    bias,
                    geometry,
                } => {
                    let bias = bias.map(|bias| self.parameters(v, bias));
                    let columns = &mut scratch.columns;
                    conv::forward(
                        &geometry,
                        self.parameters(v, weight),
                        bias,
                        view,
                        ry,
                        columns,
                    );
                    if let Some(rx) = rx {
                        conv::product(
                            &geometry,
                            self.parameters(theta, weight),
                            self.view(rx, input),
                            Write::Accumulate,
                            ry,
                            columns,
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
                    layer_norm::tangent(
                        &geometry,
                        self.parameters(theta, scale),
                        x,
                        statistics,
                        rx,
                        (self.parameters(v, scale), self.parameters(v, shift)),
                        ry,
                        &mut scratch.norm,
                    );
                }
                Operator::Activation(_) => {
                    if let Some(rx) = rx {
                        let start = plan.extra[k] * n;
                        let first = &primal.first[start..start + rx.len()];
                        product(first, rx, Write::Overwrite, ry);
                    }
                }
                Operator::MaxPool2d(geometry) => {
                    if let Some(rx) = rx {
                        let maxima = &primal.maxima[plan.extra[k] * n..][..ry.len()];
                        pool::max_pick(&geometry, maxima, rx, ry);
                    }
                }
                Operator::AvgPool2d(geometry) => {
                    if let Some(rx) = rx {
                        pool::average_forward(&geometry, rx, ry);
                    }
                }
                Operator::Flatten => {
                    if let Some(rx) = rx {
                        flatten(rx, n, plan.planes[input], Write::Overwrite, ry);
                    }
                }
                Operator::Add(earlier) => {
                    match rx {
                        Some(rx) => ry.copy_from_slice(rx),
                        None => ry.fill(T::ZERO),
                    }
                    if !plan.constant[earlier] {
                        axpy(T::ONE, &before[plan.range(earlier, n)], ry);
                    }
                }
            }
        }
    }

    /// The derivative of the backward pass along `v`: from that of the outputs'
    /// gradient, which must be in `tangent_deltas`, to that of the parameters',
    /// which is added to `product_out`.
    #[allow(clippy::too_many_arguments)]
    pub fn backward_tangent(
        &self,
        theta: &[T],
        v: &[T],
        primal: &Primal<T>,
        tangents: &[T],
        tangent_deltas: &mut [T],
        scratch: &mut Scratch<T>,
        out: &mut [T],
    ) {
        let (plan, n) = (self.plan, self.samples);
        let layout = self.network.layout();
        for (k, operation) in self.network.operations().iter().enumerate().rev() {
            if plan.constant[k + 1] {
                continue;
            }
            let input = operation.input;
            let range = plan.range(k + 1, n);
            let (before, after) = tangent_deltas.split_at_mut(range.start);
            let rdy = &after[..range.len()];
            let dy = &primal.deltas[range];
            let x = self.value(&primal.values, input);
            let view = self.view(x, input);
            let rx = (!plan.constant[input]).then(|| &tangents[plan.range(input, n)]);
            let rdx = (!plan.constant[input]).then(|| &mut before[plan.range(input, n)]);
            let write = plan.writes[k].0;
            match operation.operator {
                Operator::Dense {
                    weight,
                    bias,
                    inputs,
                    outputs,
                } => {
                    let widths = (inputs, outputs);
                    let (dw, db) = pair(out, layout, weight, bias);
                    let accumulate = Write::Accumulate;
                    dense::parameter_gradient(widths, rdy, view, accumulate, dw, db);
                    if let (Some(rx), Some(rdx)) = (rx, rdx) {
                        let rx = self.view(rx, input);
                        dense::parameter_gradient(widths, dy, rx, accumulate, dw, None);
                        let w = self.parameters(theta, weight);
                        dense::input_gradient(w, widths, rdy, n, write, rdx);
                        let rw = self.parameters(v, weight);
                        dense::input_gradient(rw, widths, dy, n, accumulate, rdx);
                    }
                }
                Operator::Conv2d {
                    weight,
                    bias,
                    geometry,
                } => {
                    let (dw, db) = pair(out, layout, weight, bias);
                    let columns = &mut scratch.columns;
                    let add = Write::Accumulate;
                    conv::parameter_gradient(&geometry, rdy, view, add, dw, db, columns);
                    if let (Some(rx), Some(rdx)) = (rx, rdx) {
                        let rx = self.view(rx, input);
                        conv::parameter_gradient(&geometry, dy, rx, add, dw, None, columns);
                        let w = self.parameters(theta, weight);
                        let rw = self.parameters(v, weight);
                        conv::input_gradient_sum(
                            &geometry,
                            [(w, rdy), (rw, dy)],
                            n,
                            write,
                            rdx,
                            columns,
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
                    let (scale_out, Some(shift_out)) = pair(out, layout, scale, Some(shift)) else {
                        continue;
                    };
                    layer_norm::backward_tangent(
                        &geometry,
                        self.parameters(theta, scale),
                        self.parameters(v, scale),
                        x,
                        statistics,
                        rx,
                        (dy, rdy),
                        rdx.map(|rdx| (write, rdx)),
                        (scale_out, shift_out),
                        &mut scratch.norm,
                    );
                }
                Operator::Activation(_) => {
                    if let (Some(rx), Some(rdx)) = (rx, rdx) {
                        let start = plan.extra[k] * n;
                        let range = start..start + rx.len();
                        let first = (&primal.first[range.clone()], rdy);
                        two_products(first, (&primal.second[range], rx), write, rdx);
                    }
                }
                Operator::Add(earlier) => {
                    if let Some(rdx) = rdx {
                        put(rdx, write, rdy);
                    }
                    if !plan.constant[earlier] {
                        let rdx = &mut before[plan.range(earlier, n)];
                        put(rdx, plan.writes[k].1, rdy);
                    }
                }
                Operator::MaxPool2d(_) | Operator::AvgPool2d(_) | Operator::Flatten => {
                    if let Some(rdx) = rdx {
                        self.pull_back(k, primal, rdy, write, rdx);
                    }
                }
            }
        }
    }

    /// `squares[s]` ← ‖∇ℓ‖² of sample s, from the values and from gradients that
    /// are not averaged over samples.
    ///
    /// For a dense layer the gradient of a sample is the outer product δ aᵀ, so
    /// its norm is ‖δ‖²(‖a‖² + 1), bias included (Goodfellow 2015).
    pub fn gradient_squares(
        &self,
        primal: &Primal<T>,
        scratch: &mut Scratch<T>,
        squares: &mut [T],
    ) {
        let (plan, n) = (self.plan, self.samples);
        scratch.fit(plan, n);
        squares.fill(T::ZERO);
        let square_sum = |rows: &[T], sums: &mut [T]| {
            sums.fill(T::ZERO);
            for row in rows.chunks_exact(n) {
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += *value * *value;
                }
            }
        };
        let (mut deltas, mut inputs) = (vec![T::ZERO; n], vec![T::ZERO; n]);
        for (k, operation) in self.network.operations().iter().enumerate() {
            let dy = &primal.deltas[plan.range(k + 1, n)];
            let x = self.value(&primal.values, operation.input);
            match operation.operator {
                Operator::Dense { bias, .. } => {
                    square_sum(dy, &mut deltas);
                    square_sum(x, &mut inputs);
                    let bias = if bias.is_some() { T::ONE } else { T::ZERO };
                    for ((square, delta), input) in squares.iter_mut().zip(&deltas).zip(&inputs) {
                        *square += *delta * (*input + bias);
                    }
                }
                Operator::Conv2d { bias, geometry, .. } => {
                    // Per sample: the gradient itself, by the kernel for one sample.
                    let (plane, positions) =
                        (geometry.height * geometry.width, geometry.output_plane());
                    let mut weight = vec![T::ZERO; geometry.outputs * geometry.patch_len()];
                    let mut delta = vec![T::ZERO; geometry.outputs * positions];
                    let mut sums = vec![T::ZERO; geometry.outputs];
                    for (s, square) in squares.iter_mut().enumerate() {
                        for (o, row) in delta.chunks_exact_mut(positions).enumerate() {
                            row.copy_from_slice(&dy[(o * n + s) * positions..][..positions]);
                        }
                        let view = View {
                            data: &x[s * plane..],
                            samples: 1,
                            channel_stride: n * plane,
                            sample_stride: 0,
                        };
                        conv::parameter_gradient(
                            &geometry,
                            &delta,
                            view,
                            Write::Overwrite,
                            &mut weight,
                            None,
                            &mut scratch.columns,
                        );
                        *square += weight.iter().map(|value| *value * *value).sum::<T>();
                        if bias.is_some() {
                            row_sums(&mut sums, Write::Overwrite, &delta, positions);
                            *square += sums.iter().map(|value| *value * *value).sum::<T>();
                        }
                    }
                }
                Operator::LayerNorm { geometry, .. } => {
                    let statistics =
                        &primal.statistics[plan.extra[k] * n..][..geometry.statistics_len(n)];
                    let columns = n * geometry.plane;
                    let (mean, inverse) = statistics.split_at(columns);
                    for (i, (x, dy)) in x.iter().zip(dy).enumerate() {
                        let j = i % columns;
                        let normalized = (*x - mean[j]) * inverse[j];
                        squares[j / geometry.plane] +=
                            *dy * *dy * (normalized * normalized + T::ONE);
                    }
                }
                Operator::MaxPool2d(_)
                | Operator::AvgPool2d(_)
                | Operator::Flatten
                | Operator::Activation(_)
                | Operator::Add(_) => {}
            }
        }
    }
}
