//! Gradients as pictures: of the weights, filter by filter, and of the inputs.

mod images;
mod maps;
mod saliency;

pub use images::{TensorImage, tensor_image};
pub use maps::{GradientMaps, TensorGradient, gradient_maps};
pub use saliency::{SaliencyMap, SaliencyMaps, choose_samples, saliency};
