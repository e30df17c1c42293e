//! The derivatives of the passes along a direction v in parameter space: the
//! R-operator of Pearlmutter ("Fast exact multiplication by the Hessian", 1994).
//!
//! Differentiating the forward and the backward pass along v gives the
//! derivative of the gradient, which is Hv. An ordinary backward pass from
//! (∂²ℓ/∂f²)·R{f} instead gives the Gauss–Newton product.

use super::pass::{Block, Primal, Real, Scratch, pair, reserve};
use crate::nn::kernels::elementwise::{axpy, product, put, two_products};
use crate::nn::kernels::{Write, conv, dense, flatten, layer_norm, pool};
use crate::nn::network::Operator;

impl<T: Real> Block<'_, T> {
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
                    let direction = self.parameters(v, weight);
                    match rx {
                        None => dense::forward(direction, bias, widths, view, ry),
                        Some(rx) => {
                            let along = (self.parameters(theta, weight), self.view(rx, input));
                            dense::tangent(along, (direction, view), bias, widths, ry);
                        }
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
                    let add = Write::Accumulate;
                    if let (Some(rx), Some(rdx)) = (rx, rdx) {
                        let terms = [(rdy, view), (dy, self.view(rx, input))];
                        dense::parameter_gradient(widths, terms, add, dw, db);
                        let w = self.parameters(theta, weight);
                        let rw = self.parameters(v, weight);
                        dense::input_gradient([(w, rdy), (rw, dy)], widths, n, write, rdx);
                    } else {
                        dense::parameter_gradient(widths, [(rdy, view)], add, dw, db);
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
}
