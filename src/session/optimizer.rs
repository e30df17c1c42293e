//! What the optimizer remembered at a run's last parameters, as a safetensors
//! file: its vectors `slot.0`, `slot.1`, … and in the metadata the `updates`
//! counted and the `step`.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::train::optimizers::OptimizerState;

pub(super) fn to_bytes(state: &OptimizerState<f32>, step: u64) -> Result<Vec<u8>, String> {
    let buffers: Vec<Vec<u8>> = state
        .slots
        .iter()
        .map(|slot| slot.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let views = buffers
        .iter()
        .enumerate()
        .map(|(k, buffer)| {
            TensorView::new(Dtype::F32, vec![buffer.len() / 4], buffer)
                .map(|view| (format!("slot.{k}"), view))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    let metadata = HashMap::from([
        ("updates".to_owned(), state.updates.to_string()),
        ("step".to_owned(), step.to_string()),
    ]);
    safetensors::serialize(views, Some(metadata)).map_err(|error| error.to_string())
}

/// The state, and the step that it belongs to.
pub(super) fn from_bytes(bytes: &[u8]) -> Result<(OptimizerState<f32>, u64), String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let number = |key: &str| {
        let text = header.metadata().as_ref().and_then(|all| all.get(key));
        text.and_then(|text| text.parse::<u64>().ok())
            .ok_or_else(|| format!("the metadata lack the number {key:?}"))
    };
    let mut slots = Vec::new();
    while let Ok(tensor) = file.tensor(&format!("slot.{}", slots.len())) {
        if tensor.dtype() != Dtype::F32 {
            return Err(format!("slot.{} is not of type F32", slots.len()));
        }
        let words = tensor.data().chunks_exact(4);
        slots.push(
            words
                .map(|word| f32::from_le_bytes(std::array::from_fn(|k| word[k])))
                .collect(),
        );
    }
    let state = OptimizerState {
        updates: number("updates")?,
        slots,
    };
    Ok((state, number("step")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_reads_back() {
        let state = OptimizerState {
            updates: 17,
            slots: vec![vec![1.0, -2.5, 1e-30], vec![0.0, 3.0, f32::MAX]],
        };
        let bytes = to_bytes(&state, 40).unwrap();
        assert_eq!(from_bytes(&bytes).unwrap(), (state, 40));
        let empty = OptimizerState::default();
        let bytes = to_bytes(&empty, 0).unwrap();
        assert_eq!(from_bytes(&bytes).unwrap(), (empty, 0));
        assert!(from_bytes(&bytes[..5]).is_err());
    }
}
