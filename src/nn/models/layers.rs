//! Reads a list of layers, one text each.

use super::activation_names;
use crate::data::InputShape;
use crate::nn::activations;
use crate::nn::error::ModelError;
use crate::nn::network::{Network, NetworkBuilder};

/// Largest size that a layer may name.
const LARGEST: usize = 65536;

/// The network of these layers, with a dense layer to the outputs at the end.
///
/// # Errors
/// `Layer` with the entry and what was expected instead.
pub fn build(layers: &[&str], input: &InputShape, outputs: usize) -> Result<Network, ModelError> {
    let mut builder = NetworkBuilder::new(*input);
    for (index, entry) in layers.iter().enumerate() {
        add(&mut builder, entry).map_err(|message| ModelError::Layer {
            index,
            entry: (*entry).to_owned(),
            message,
        })?;
    }
    builder.dense(outputs, true);
    Ok(builder.finish())
}

fn add(builder: &mut NetworkBuilder, entry: &str) -> Result<(), String> {
    let mut words = entry.split_whitespace();
    let name = words.next().unwrap_or_default();
    let words: Vec<&str> = words.collect();
    match name {
        "conv" => {
            let form = "expected \"conv CHANNELS HEIGHTxWIDTH\", then optionally \"pad N\" and \"stride N\"";
            let (Some(outputs), Some(kernel)) = (words.first(), words.get(1)) else {
                return Err(form.to_owned());
            };
            let outputs = number(outputs, 1, form)?;
            let (height, width) = kernel.split_once('x').ok_or_else(|| form.to_owned())?;
            let kernel = (number(height, 1, form)?, number(width, 1, form)?);
            let (mut padding, mut stride) = (0, 1);
            for option in words[2..].chunks(2) {
                match option {
                    ["pad", value] => padding = number(value, 0, form)?,
                    ["stride", value] => stride = number(value, 1, form)?,
                    _ => return Err(form.to_owned()),
                }
            }
            if padding >= kernel.0.max(kernel.1) {
                return Err(format!(
                    "a padding of {padding} reaches beyond the {}×{} kernel: expected less than {}",
                    kernel.0,
                    kernel.1,
                    kernel.0.max(kernel.1)
                ));
            }
            builder.conv(outputs, kernel, stride, padding)
        }
        "max-pool" | "avg-pool" => {
            let form = format!("expected \"{name} SIZE\" with a size from 1");
            match words[..] {
                [size] => builder.pool(name == "max-pool", number(size, 1, &form)?),
                _ => Err(form),
            }
        }
        "dense" => {
            let form = "expected \"dense UNITS\" with a number of units from 1";
            match words[..] {
                [units] => {
                    builder.dense(number(units, 1, form)?, true);
                    Ok(())
                }
                _ => Err(form.to_owned()),
            }
        }
        "layer-norm" | "flatten" if words.is_empty() => {
            if name == "flatten" {
                builder.flatten();
            } else {
                builder.layer_norm();
            }
            Ok(())
        }
        _ => match activations::find(name) {
            Some(activation) if words.is_empty() => {
                builder.activation(activation);
                Ok(())
            }
            Some(_) => Err(format!("expected \"{name}\" alone")),
            None => Err(format!(
                "expected conv, max-pool, avg-pool, dense, layer-norm, flatten or an activation ({})",
                activation_names()
            )),
        },
    }
}

fn number(text: &str, least: usize, form: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (least..=LARGEST).contains(&number) => Ok(number),
        Ok(number) => Err(format!(
            "{number} is out of range: {form} (sizes from {least} to {LARGEST})"
        )),
        Err(_) => Err(format!("{text:?} is no whole number: {form}")),
    }
}
