//! The custom operations of the training graph: candle differentiates the
//! graph, these do the arithmetic of one node forward and backward with our
//! kernels.
//!
//! A value is a tensor [channels, samples, plane] in the kernels' order. The
//! backward pass of an operation with parameters writes their gradient straight
//! into the flat gradient vector, where it belongs in the end, instead of
//! handing candle a tensor that would be added to a zero tensor and copied.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use candle_core::{
    CpuStorage, CustomOp1, CustomOp3, DType, Device, Error, InplaceOp1, Layout, Result, Shape,
    Storage, Tensor,
};

use crate::nn::activations::Activation;
use crate::nn::kernels::layer_norm::{self, NormGeometry};
use crate::nn::kernels::pool::{self, PoolGeometry};
use crate::nn::kernels::{Write, flatten, unflatten};
use crate::nn::losses::{BatchTargets, Loss, LossBatch, TargetSlice};

/// The flat gradient vector that the backward passes write into.
pub type Sink = Arc<Mutex<Vec<f32>>>;

/// The numbers of a contiguous f32 tensor.
pub(super) fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => Err(Error::Msg("expected a contiguous f32 tensor".to_owned())),
    }
}

/// Runs `f` on the numbers of a tensor.
pub(super) fn with_numbers<R>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> Result<R>) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => f(numbers(storage, layout)?),
        _ => Err(Error::Msg("expected a tensor of the CPU".to_owned())),
    }
}

/// Runs `f` on the numbers of two tensors.
pub(super) fn with_both<R>(
    first: &Tensor,
    second: &Tensor,
    f: impl FnOnce(&[f32], &[f32]) -> Result<R>,
) -> Result<R> {
    with_numbers(first, |first| {
        with_numbers(second, |second| f(first, second))
    })
}

/// A tensor [channels, samples, plane] of these numbers.
pub(super) fn tensor(values: Vec<f32>, shape: &[usize; 3]) -> Result<Tensor> {
    Tensor::from_vec(values, (shape[0], shape[1], shape[2]), &Device::Cpu)
}

pub(super) fn sizes(layout: &Layout) -> Result<[usize; 3]> {
    match *layout.dims() {
        [a, b, c] => Ok([a, b, c]),
        _ => Err(Error::Msg("expected a tensor with three axes".to_owned())),
    }
}

pub(super) fn output(
    values: Vec<f32>,
    channels: usize,
    samples: usize,
    plane: usize,
) -> (CpuStorage, Shape) {
    (
        CpuStorage::F32(values),
        Shape::from((channels, samples, plane)),
    )
}

/// Overwrites a variable in place.
pub struct Assign<'a>(pub &'a [f32]);

impl InplaceOp1 for Assign<'_> {
    fn name(&self) -> &'static str {
        "assign"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        match (storage, layout.contiguous_offsets()) {
            (CpuStorage::F32(values), Some((start, end))) if end - start == self.0.len() => {
                values[start..end].copy_from_slice(self.0);
                Ok(())
            }
            _ => Err(Error::Msg(
                "expected a contiguous f32 variable of the same length".to_owned(),
            )),
        }
    }
}

/// A function of each number.
pub struct ActivationOp(pub &'static dyn Activation);

impl CustomOp1 for ActivationOp {
    fn name(&self) -> &'static str {
        self.0.choice().key
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = numbers(x, layout)?;
        let mut y = vec![0.0; x.len()];
        self.0.value_f32(x, &mut y);
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        let dims = sizes(x.layout())?;
        with_both(x, y, |x, y| {
            with_numbers(&gradient, |dy| {
                let mut dx = vec![0.0; x.len()];
                self.0.backward_f32(x, y, dy, Write::Overwrite, &mut dx);
                tensor(dx, &dims).map(Some)
            })
        })
    }
}

/// Max or average pooling.
pub struct PoolOp {
    /// Sizes.
    pub geometry: PoolGeometry,
    /// The maximum, else the mean.
    pub maximum: bool,
}

impl CustomOp1 for PoolOp {
    fn name(&self) -> &'static str {
        if self.maximum { "max-pool" } else { "avg-pool" }
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let [channels, n, _] = sizes(layout)?;
        let x = numbers(x, layout)?;
        let plane = self.geometry.output_plane();
        let mut y = vec![0.0; channels * n * plane];
        if self.maximum {
            let mut argmax = vec![0; y.len()];
            pool::max_forward(&self.geometry, x, &mut y, &mut argmax);
        } else {
            pool::average_forward(&self.geometry, x, &mut y);
        }
        Ok(output(y, channels, n, plane))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let dims = sizes(x.layout())?;
        let gradient = gradient.contiguous()?;
        with_both(x, &gradient, |x, dy| {
            let mut dx = vec![0.0; x.len()];
            if self.maximum {
                let mut again = vec![0.0; y.elem_count()];
                let mut argmax = vec![0; y.elem_count()];
                pool::max_forward(&self.geometry, x, &mut again, &mut argmax);
                pool::max_backward(&self.geometry, &argmax, dy, Write::Accumulate, &mut dx);
            } else {
                pool::average_backward(&self.geometry, dy, Write::Accumulate, &mut dx);
            }
            tensor(dx, &dims).map(Some)
        })
    }
}

/// Image to vector.
pub struct FlattenOp;

impl CustomOp1 for FlattenOp {
    fn name(&self) -> &'static str {
        "flatten"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let [channels, n, plane] = sizes(layout)?;
        let x = numbers(x, layout)?;
        let mut y = vec![0.0; x.len()];
        flatten(x, n, plane, Write::Overwrite, &mut y);
        Ok(output(y, channels * plane, n, 1))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let dims = sizes(x.layout())?;
        let gradient = gradient.contiguous()?;
        with_numbers(&gradient, |dy| {
            let mut dx = vec![0.0; dy.len()];
            unflatten(dy, dims[1], dims[2], Write::Overwrite, &mut dx);
            tensor(dx, &dims).map(Some)
        })
    }
}

/// Layer normalization.
pub struct LayerNormOp {
    /// Sizes.
    pub geometry: NormGeometry,
    /// Where γ's gradient goes.
    pub scale: Range<usize>,
    /// Where β's gradient goes.
    pub shift: Range<usize>,
    /// The flat gradient.
    pub sink: Sink,
}

impl CustomOp3 for LayerNormOp {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let [_, n, _] = sizes(x_layout)?;
        let x = numbers(x, x_layout)?;
        let scale = numbers(scale, scale_layout)?;
        let shift = numbers(shift, shift_layout)?;
        let mut statistics = vec![0.0; self.geometry.statistics_len(n)];
        layer_norm::statistics(&self.geometry, x, &mut statistics);
        let mut y = vec![0.0; x.len()];
        layer_norm::forward(&self.geometry, scale, shift, x, &statistics, &mut y);
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        _shift: &Tensor,
        _y: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let dims = sizes(x.layout())?;
        let gradient = gradient.contiguous()?;
        let mut sink = self
            .sink
            .lock()
            .map_err(|_| Error::Msg("the gradient is poisoned".to_owned()))?;
        let dx = with_both(x, &gradient, |x, dy| {
            with_numbers(scale, |scale| {
                let mut statistics = vec![0.0; self.geometry.statistics_len(dims[1])];
                layer_norm::statistics(&self.geometry, x, &mut statistics);
                let mut scratch = vec![0.0; self.geometry.scratch_len(dims[1])];
                let mut dx = vec![0.0; x.len()];
                // β follows γ in the layout.
                let (first, rest) = sink.split_at_mut(self.shift.start);
                let scale_gradient = &mut first[self.scale.clone()];
                let shift_gradient = &mut rest[..self.shift.len()];
                scale_gradient.fill(0.0);
                shift_gradient.fill(0.0);
                layer_norm::backward(
                    &self.geometry,
                    scale,
                    x,
                    &statistics,
                    dy,
                    Some((Write::Overwrite, &mut dx)),
                    Some((scale_gradient, shift_gradient)),
                    &mut scratch,
                );
                Ok(dx)
            })
        })?;
        Ok((Some(tensor(dx, &dims)?), None, None))
    }
}

/// The mean loss of a batch, as a scalar in double precision.
pub struct LossOp {
    /// The loss.
    pub loss: Arc<dyn Loss>,
    /// The targets; numbers dimension by dimension.
    pub targets: BatchTargets,
}

impl LossOp {
    fn batch<'a>(&'a self, outputs: &'a [f32], samples: usize) -> LossBatch<'a, f32> {
        LossBatch {
            outputs,
            targets: match &self.targets {
                BatchTargets::Classes(labels) => TargetSlice::Classes(labels),
                BatchTargets::Values(values) => TargetSlice::Values(values),
            },
            samples,
        }
    }
}

impl CustomOp1 for LossOp {
    fn name(&self) -> &'static str {
        "mean loss"
    }

    fn cpu_fwd(&self, outputs: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let [_, n, _] = sizes(layout)?;
        let mut losses = vec![0.0; n];
        self.loss
            .losses_f32(self.batch(numbers(outputs, layout)?, n), &mut losses);
        let sum: f64 = losses.iter().map(|loss| f64::from(*loss)).sum();
        Ok((CpuStorage::F64(vec![sum / n as f64]), Shape::from_dims(&[])))
    }

    fn bwd(&self, outputs: &Tensor, _loss: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let dims = sizes(outputs.layout())?;
        let factor = gradient.to_dtype(DType::F64)?.to_scalar::<f64>()? / dims[1] as f64;
        with_numbers(outputs, |outputs| {
            let mut gradient = vec![0.0; outputs.len()];
            self.loss
                .gradient_f32(self.batch(outputs, dims[1]), factor as f32, &mut gradient);
            tensor(gradient, &dims).map(Some)
        })
    }
}
