//! The oracle of the tests: the network once more, in double precision, from
//! candle's own operations, differentiated twice by candle.
//!
//! Convolutions, pools and flattening are products with constant selection
//! matrices, since not all of candle's operations for them can be
//! differentiated (correctly) twice.

use candle_core::{Device, Result, Tensor, Var};

use super::kernels::channels_and_plane;
use super::kernels::layer_norm::EPSILON;
use super::losses;
use super::network::{Network, Operator};
use crate::data::{Dataset, InputShape, Targets};
use crate::recipe::Component;

/// What the oracle says at one θ and one direction.
pub(crate) struct Oracle {
    pub loss: f64,
    pub outputs: Vec<f64>,
    pub gradient: Vec<f64>,
    pub hessian_product: Vec<f64>,
    pub gauss_newton_product: Vec<f64>,
    pub input_gradient: Vec<f64>,
}

/// Asks the oracle, on a thread of its own: candle reads once per thread
/// whether gradients may be differentiated again.
pub(crate) fn ask(
    network: &Network,
    loss: &Component,
    data: &Dataset,
    theta: &[f64],
    v: &[f64],
) -> Oracle {
    static SECOND_ORDER: std::sync::Once = std::sync::Once::new();
    SECOND_ORDER.call_once(|| {
        // SAFETY: only tests run this, and their threads read the environment
        // through the standard library, which locks it.
        unsafe { std::env::set_var("CANDLE_GRAD_DO_NOT_DETACH", "1") };
    });
    std::thread::scope(|scope| {
        scope
            .spawn(|| answer(network, loss, data, theta, v).unwrap())
            .join()
            .unwrap()
    })
}

fn answer(
    network: &Network,
    loss: &Component,
    data: &Dataset,
    theta: &[f64],
    v: &[f64],
) -> Result<Oracle> {
    let layout = network.layout();
    let split = |vector: &[f64]| -> Result<Vec<Tensor>> {
        layout
            .iter()
            .map(|tensor| {
                Tensor::from_slice(
                    &vector[tensor.range.clone()],
                    tensor.shape.as_slice(),
                    &Device::Cpu,
                )
            })
            .collect()
    };
    let parameters: Vec<Var> = split(theta)?
        .iter()
        .map(Var::from_tensor)
        .collect::<Result<_>>()?;
    let directions = split(v)?;
    let flat = |grads: &candle_core::backprop::GradStore| -> Result<Vec<f64>> {
        let mut all = Vec::new();
        for parameter in &parameters {
            match grads.get(parameter) {
                Some(gradient) => all.extend(gradient.flatten_all()?.to_vec1::<f64>()?),
                None => all.extend(vec![0.0; parameter.elem_count()]),
            }
        }
        Ok(all)
    };
    let along = |grads: &candle_core::backprop::GradStore| -> Result<Tensor> {
        let mut sum = Tensor::zeros((), candle_core::DType::F64, &Device::Cpu)?;
        for (parameter, direction) in parameters.iter().zip(&directions) {
            if let Some(gradient) = grads.get(parameter) {
                sum = (sum + (gradient * direction)?.sum_all()?)?;
            }
        }
        Ok(sum)
    };

    let n = data.len();
    let input = Tensor::from_slice(&data.inputs, (n, data.shape.len()), &Device::Cpu)?;
    let input = Var::from_tensor(&input)?;
    let outputs = forward(network, &parameters, &input)?;
    let mean = mean_loss(loss, &outputs, &data.targets)?;
    let grads = mean.backward()?;
    let gradient = flat(&grads)?;
    let input_gradient = match grads.get(&input) {
        Some(gradient) => (gradient * n as f64)?.flatten_all()?.to_vec1()?,
        None => vec![0.0; data.inputs.len()],
    };
    let hessian_product = flat(&along(&grads)?.backward()?)?;

    // Jv by differentiating Jᵀu, which is linear in u, along v.
    let u = Var::from_tensor(&outputs.ones_like()?)?;
    let transposed = (&outputs * u.as_tensor())?.sum_all()?.backward()?;
    let grads = along(&transposed)?.backward()?;
    let jv = match grads.get(&u) {
        Some(jv) => jv.detach(),
        None => outputs.zeros_like()?,
    };
    // (∂²ℓ/∂f²) Jv with the outputs as variables of their own.
    let free = Var::from_tensor(&outputs.detach().copy()?)?;
    let grads = mean_loss(loss, &free, &data.targets)?.backward()?;
    let seeds = match grads.get(&free) {
        Some(gradient) => {
            let grads = (gradient * &jv)?.sum_all()?.backward()?;
            match grads.get(&free) {
                Some(product) => product.detach(),
                None => jv.zeros_like()?,
            }
        }
        None => jv.zeros_like()?,
    };
    let gauss_newton_product = flat(&(&outputs * &seeds)?.sum_all()?.backward()?)?;

    Ok(Oracle {
        loss: mean.to_scalar()?,
        outputs: outputs.flatten_all()?.to_vec1()?,
        gradient,
        hessian_product,
        gauss_newton_product,
        input_gradient,
    })
}

/// The outputs [n, outputs] of rows of inputs. Every value is kept as rows
/// [n, channels·plane].
fn forward(network: &Network, parameters: &[Var], input: &Tensor) -> Result<Tensor> {
    let n = input.dim(0)?;
    let mut values = vec![input.clone()];
    for operation in network.operations() {
        let x = &values[operation.input];
        let shape = network.shape(operation.input);
        let y = match operation.operator {
            Operator::Dense { weight, bias, .. } => {
                let y = x.matmul(&parameters[weight].t()?)?;
                match bias {
                    Some(bias) => y.broadcast_add(&parameters[bias])?,
                    None => y,
                }
            }
            Operator::Conv2d {
                weight,
                bias,
                geometry: g,
            } => {
                let (oh, ow) = (g.output_height(), g.output_width());
                let positions = oh * ow;
                let mut selection = vec![0.0; shape.len() * positions * g.patch_len()];
                for (oy, ox) in (0..oh).flat_map(|y| (0..ow).map(move |x| (y, x))) {
                    for c in 0..g.channels {
                        for (ky, kx) in
                            (0..g.kernel.0).flat_map(|y| (0..g.kernel.1).map(move |x| (y, x)))
                        {
                            let (y, x) = (oy * g.stride + ky, ox * g.stride + kx);
                            let inside = (g.padding..g.padding + g.height).contains(&y)
                                && (g.padding..g.padding + g.width).contains(&x);
                            if inside {
                                let pixel =
                                    (c * g.height + y - g.padding) * g.width + x - g.padding;
                                let patch = (c * g.kernel.0 + ky) * g.kernel.1 + kx;
                                let column = (oy * ow + ox) * g.patch_len() + patch;
                                selection[pixel * positions * g.patch_len() + column] = 1.0;
                            }
                        }
                    }
                }
                let selection = constant(selection, shape.len())?;
                let patches = x
                    .matmul(&selection)?
                    .reshape((n * positions, g.patch_len()))?;
                let filters = parameters[weight].reshape((g.outputs, g.patch_len()))?;
                let mut y = patches.matmul(&filters.t()?)?;
                if let Some(bias) = bias {
                    y = y.broadcast_add(&parameters[bias])?;
                }
                y.reshape((n, positions, g.outputs))?
                    .transpose(1, 2)?
                    .contiguous()?
                    .reshape((n, g.outputs * positions))?
            }
            Operator::MaxPool2d(pool) | Operator::AvgPool2d(pool) => {
                let channels = channels_and_plane(shape).0;
                let mut windows = Vec::new();
                for (dy, dx) in (0..pool.size).flat_map(|y| (0..pool.size).map(move |x| (y, x))) {
                    let outputs = channels * pool.output_plane();
                    let mut selection = vec![0.0; shape.len() * outputs];
                    for o in 0..outputs {
                        let (c, p) = (o / pool.output_plane(), o % pool.output_plane());
                        let (oy, ox) = (p / pool.output_width(), p % pool.output_width());
                        let pixel = (c * pool.height + oy * pool.size + dy) * pool.width
                            + ox * pool.size
                            + dx;
                        selection[pixel * outputs + o] = 1.0;
                    }
                    windows.push(x.matmul(&constant(selection, shape.len())?)?);
                }
                let maximum = matches!(operation.operator, Operator::MaxPool2d(_));
                let count = windows.len() as f64;
                let mut windows = windows.into_iter();
                let mut y = windows.next().unwrap();
                for window in windows {
                    y = if maximum {
                        y.maximum(&window)?
                    } else {
                        (y + window)?
                    };
                }
                if maximum { y } else { (y / count)? }
            }
            Operator::Flatten => x.clone(),
            Operator::Activation(activation) => activation.candle(x)?,
            Operator::LayerNorm { scale, shift, .. } => {
                let features = shape.len();
                let mean = (x.sum_keepdim(1)? / features as f64)?;
                let centred = x.broadcast_sub(&mean)?;
                let variance = (centred.sqr()?.sum_keepdim(1)? / features as f64)?;
                let deviation = (variance + EPSILON)?.sqrt()?;
                centred
                    .broadcast_div(&deviation)?
                    .broadcast_mul(&parameters[scale].reshape((1, features))?)?
                    .broadcast_add(&parameters[shift].reshape((1, features))?)?
            }
            Operator::Add(earlier) => (x + &values[earlier])?,
        };
        values.push(y);
    }
    Ok(values.pop().unwrap())
}

fn constant(values: Vec<f64>, rows: usize) -> Result<Tensor> {
    let columns = values.len() / rows;
    Tensor::from_vec(values, (rows, columns), &Device::Cpu)
}

fn mean_loss(loss: &Component, outputs: &Tensor, targets: &Targets) -> Result<Tensor> {
    let (n, width) = outputs.dims2()?;
    let y = match targets {
        Targets::Values { values, .. } => values.clone(),
        Targets::Classes { labels, .. } if width == 1 => {
            labels.iter().map(|label| f64::from(*label)).collect()
        }
        Targets::Classes { labels, .. } => labels
            .iter()
            .flat_map(|label| (0..width).map(move |k| f64::from(u8::from(*label as usize == k))))
            .collect(),
    };
    let y = Tensor::from_vec(y, (n, width), &Device::Cpu)?;
    let kind = losses::find(&loss.kind).expect("a loss of the registry");
    (kind.oracle)(loss, outputs, &y)?.sum_all()? / n as f64
}

/// Inputs and targets from a formula, for the tests: `classes` of them, or that
/// many values where `regression`.
pub(crate) fn data(shape: InputShape, samples: usize, classes: usize, regression: bool) -> Dataset {
    let inputs = (0..samples * shape.len())
        .map(|i| (1.7 * i as f64 + 0.3).sin() + 0.5 * (0.37 * i as f64).cos())
        .collect();
    let targets = if regression {
        Targets::Values {
            values: (0..samples * classes)
                .map(|i| 0.5 + 0.5 * (0.9 * i as f64 + 0.1).sin())
                .collect(),
            dims: classes,
        }
    } else {
        Targets::Classes {
            labels: (0..samples).map(|i| (i * 5 % classes) as u32).collect(),
            names: (0..classes).map(|k| k.to_string()).collect(),
        }
    };
    Dataset {
        inputs,
        shape,
        targets,
        feature_names: Vec::new(),
    }
}

/// Parameters from a formula, of a size that keeps activations in their
/// interesting range.
pub(crate) fn theta(network: &Network, phase: f64) -> Vec<f64> {
    let mut theta = vec![0.0; network.layout().len()];
    for tensor in network.layout().iter() {
        let size = 1.2 / (tensor.filter_len() as f64).sqrt().min(4.0);
        for i in tensor.range.clone() {
            theta[i] = size * (1.3 * i as f64 + phase).sin();
        }
    }
    theta
}
