//! The nodes with weights: dense layers and convolutions.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Error, Layout, Result, Shape, Tensor};

use super::ops::{Sink, numbers, output, sizes, tensor, with_both, with_numbers};
use crate::nn::kernels::conv::{self, ConvGeometry};
use crate::nn::kernels::{View, Write, dense};

/// How an operation reads the network's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A value of the graph; its gradient is wanted.
    Value,
    /// The data, channel by channel; no gradient.
    DataByChannel,
    /// The data, sample by sample: a tensor [samples, channels, plane].
    DataBySample,
}

impl Source {
    fn view<'a>(self, data: &'a [f32], dims: [usize; 3]) -> View<'a, f32> {
        match self {
            Source::DataBySample => View::by_sample(data, dims[0], dims[1], dims[2]),
            _ => View::by_channel(data, dims[1], dims[2]),
        }
    }
}

/// Rows of this length that hold the biases, to be added to; or zeros to be
/// overwritten.
fn biased(outputs: usize, length: usize, bias: Option<&[f32]>) -> (Vec<f32>, Write) {
    let Some(bias) = bias else {
        return (vec![0.0; outputs * length], Write::Overwrite);
    };
    let mut rows = Vec::with_capacity(outputs * length);
    for bias in bias {
        rows.resize(rows.len() + length, *bias);
    }
    (rows, Write::Accumulate)
}

/// What a dense layer and a convolution have in common.
#[derive(Clone, Debug)]
pub enum Linear {
    /// (inputs, outputs).
    Dense((usize, usize)),
    /// A convolution.
    Conv(ConvGeometry),
}

/// y = W x + b or W ∗ x + b.
#[derive(Clone)]
pub struct LinearOp {
    /// Which of the two.
    pub linear: Linear,
    /// Where x comes from.
    pub source: Source,
    /// Where W's gradient goes.
    pub weight: Range<usize>,
    /// Where b's gradient goes.
    pub bias: Option<Range<usize>>,
    /// The flat gradient.
    pub sink: Sink,
}

impl LinearOp {
    fn forward(
        &self,
        x: (&CpuStorage, &Layout),
        weight: (&CpuStorage, &Layout),
        bias: Option<(&CpuStorage, &Layout)>,
    ) -> Result<(CpuStorage, Shape)> {
        let view = self.source.view(numbers(x.0, x.1)?, sizes(x.1)?);
        let n = view.samples;
        let weight = numbers(weight.0, weight.1)?;
        let bias = match bias {
            Some((storage, layout)) => Some(numbers(storage, layout)?),
            None => None,
        };
        Ok(match &self.linear {
            Linear::Dense((inputs, outputs)) => {
                let (mut y, write) = biased(*outputs, n, bias);
                dense::product(weight, (*inputs, *outputs), view, write, &mut y);
                output(y, *outputs, n, 1)
            }
            Linear::Conv(geometry) => {
                let plane = geometry.output_plane();
                let (mut y, write) = biased(geometry.outputs, n * plane, bias);
                let mut columns = vec![0.0; geometry.columns_len(n)];
                conv::product(geometry, weight, view, write, &mut y, &mut columns);
                output(y, geometry.outputs, n, plane)
            }
        })
    }

    fn backward(&self, x: &Tensor, weight: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let dims = sizes(x.layout())?;
        let gradient = gradient.contiguous()?;
        let mut sink = self
            .sink
            .lock()
            .map_err(|_| Error::Msg("the gradient is poisoned".to_owned()))?;
        with_both(x, &gradient, |data, dy| {
            let view = self.source.view(data, dims);
            let n = view.samples;
            let (first, rest) = sink.split_at_mut(self.weight.end);
            let dw = &mut first[self.weight.clone()];
            let db = self
                .bias
                .as_ref()
                .map(|range| &mut rest[range.start - self.weight.end..range.end - self.weight.end]);
            match &self.linear {
                Linear::Dense(widths) => {
                    dense::parameter_gradient(*widths, [(dy, view)], Write::Overwrite, dw, db);
                    if self.source != Source::Value {
                        return Ok(None);
                    }
                    let mut dx = vec![0.0; data.len()];
                    with_numbers(weight, |weight| {
                        dense::input_gradient(
                            [(weight, dy)],
                            *widths,
                            n,
                            Write::Overwrite,
                            &mut dx,
                        );
                        Ok(())
                    })?;
                    tensor(dx, &dims).map(Some)
                }
                Linear::Conv(geometry) => {
                    let mut columns = vec![0.0; geometry.columns_len(n)];
                    conv::parameter_gradient(
                        geometry,
                        dy,
                        view,
                        Write::Overwrite,
                        dw,
                        db,
                        &mut columns,
                    );
                    if self.source != Source::Value {
                        return Ok(None);
                    }
                    let mut dx = vec![0.0; data.len()];
                    with_numbers(weight, |weight| {
                        conv::input_gradient(
                            geometry,
                            weight,
                            dy,
                            n,
                            Write::Overwrite,
                            &mut dx,
                            &mut columns,
                        );
                        Ok(())
                    })?;
                    tensor(dx, &dims).map(Some)
                }
            }
        })
    }
}

impl CustomOp2 for LinearOp {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.forward((x, x_layout), (weight, weight_layout), None)
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _y: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((self.backward(x, weight, gradient)?, None))
    }
}

impl CustomOp3 for LinearOp {
    fn name(&self) -> &'static str {
        "linear with bias"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.forward(
            (x, x_layout),
            (weight, weight_layout),
            Some((bias, bias_layout)),
        )
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _bias: &Tensor,
        _y: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        Ok((self.backward(x, weight, gradient)?, None, None))
    }
}
