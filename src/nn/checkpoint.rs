//! Parameter files: safetensors with the names of the equivalent PyTorch
//! `nn.Sequential`, so that a state dict saved from PyTorch loads as it is.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::error::CheckpointError;
use super::layout::ParameterLayout;
use crate::files::write_atomically;

/// The number type of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// f32, as PyTorch saves by default.
    Single,
    /// f64.
    Double,
}

/// Writes parameters in double precision, see [`save_as`].
///
/// # Errors
/// See [`save_as`].
pub fn save(
    path: &Path,
    layout: &ParameterLayout,
    theta: &[f64],
    metadata: &[(String, String)],
) -> Result<(), CheckpointError> {
    save_as(path, layout, theta, metadata, Precision::Double)
}

/// Writes parameters with metadata (name, text), replacing the file as a whole:
/// it is either the old one or the new one, never half of one.
///
/// # Errors
/// If there are not as many parameters as in the layout, or the file cannot be
/// written.
pub fn save_as(
    path: &Path,
    layout: &ParameterLayout,
    theta: &[f64],
    metadata: &[(String, String)],
    precision: Precision,
) -> Result<(), CheckpointError> {
    if theta.len() != layout.len() {
        return Err(CheckpointError::Length {
            found: theta.len(),
            expected: layout.len(),
        });
    }
    let buffers: Vec<Vec<u8>> = layout
        .iter()
        .map(|tensor| {
            let values = &theta[tensor.range.clone()];
            match precision {
                Precision::Single => values
                    .iter()
                    .flat_map(|value| (*value as f32).to_le_bytes())
                    .collect(),
                Precision::Double => values
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect(),
            }
        })
        .collect();
    let kind = match precision {
        Precision::Single => Dtype::F32,
        Precision::Double => Dtype::F64,
    };
    let format = |error: safetensors::SafeTensorError| CheckpointError::Format {
        path: path.to_owned(),
        message: error.to_string(),
    };
    let views = layout
        .iter()
        .zip(&buffers)
        .map(|(tensor, buffer)| {
            TensorView::new(kind, tensor.shape.clone(), buffer)
                .map(|view| (tensor.name.clone(), view))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(format)?;
    let metadata: HashMap<String, String> = metadata.iter().cloned().collect();
    let bytes = safetensors::serialize(views, (!metadata.is_empty()).then_some(metadata))
        .map_err(format)?;
    write_atomically(path, &bytes).map_err(|source| CheckpointError::File {
        action: "write",
        path: path.to_owned(),
        source,
    })
}

/// Reads the parameters of this layout, in f32 or f64.
///
/// # Errors
/// If the file cannot be read, lacks a tensor, holds another one, or one has
/// another shape or number type.
pub fn load(path: &Path, layout: &ParameterLayout) -> Result<Vec<f64>, CheckpointError> {
    load_prefixed(path, layout, "")
}

/// Reads the parameters whose names start with `prefix` (which is taken off),
/// such as `d1.` for a file of directions; others are left alone, unless the
/// prefix is empty.
///
/// # Errors
/// See [`load`].
pub fn load_prefixed(
    path: &Path,
    layout: &ParameterLayout,
    prefix: &str,
) -> Result<Vec<f64>, CheckpointError> {
    let bytes = read(path)?;
    let file = parse(path, &bytes)?;
    let mut found: Vec<&str> = file
        .names()
        .into_iter()
        .filter_map(|name| name.strip_prefix(prefix))
        .collect();
    found.sort_unstable();
    let mut theta = vec![0.0; layout.len()];
    for tensor in layout.iter() {
        let Ok(view) = file.tensor(&format!("{prefix}{}", tensor.name)) else {
            return Err(CheckpointError::Missing {
                path: path.to_owned(),
                name: tensor.name.clone(),
                expected: tensor.shape.clone(),
                found: if found.is_empty() {
                    "nothing".to_owned()
                } else {
                    found.join(", ")
                },
            });
        };
        if view.shape() != tensor.shape {
            return Err(CheckpointError::Shape {
                path: path.to_owned(),
                name: tensor.name.clone(),
                found: view.shape().to_vec(),
                expected: tensor.shape.clone(),
            });
        }
        let values = &mut theta[tensor.range.clone()];
        match view.dtype() {
            Dtype::F32 => {
                for (value, bytes) in values.iter_mut().zip(view.data().as_chunks::<4>().0) {
                    *value = f64::from(f32::from_le_bytes(*bytes));
                }
            }
            Dtype::F64 => {
                for (value, bytes) in values.iter_mut().zip(view.data().as_chunks::<8>().0) {
                    *value = f64::from_le_bytes(*bytes);
                }
            }
            other => {
                return Err(CheckpointError::NumberType {
                    path: path.to_owned(),
                    name: tensor.name.clone(),
                    found: format!("{other:?}"),
                });
            }
        }
    }
    if let Some(name) = found.iter().find(|name| layout.get(name).is_none()) {
        return Err(CheckpointError::Extra {
            path: path.to_owned(),
            name: (*name).to_owned(),
            found: file
                .tensor(&format!("{prefix}{name}"))
                .map(|view| view.shape().to_vec())
                .unwrap_or_default(),
            expected: layout
                .iter()
                .map(|tensor| tensor.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        });
    }
    Ok(theta)
}

/// The metadata of a file, sorted by name.
///
/// # Errors
/// If the file cannot be read.
pub fn metadata(path: &Path) -> Result<Vec<(String, String)>, CheckpointError> {
    let bytes = read(path)?;
    let (_, header) =
        SafeTensors::read_metadata(&bytes).map_err(|error| CheckpointError::Format {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
    let mut entries: Vec<(String, String)> = header
        .metadata()
        .iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    entries.sort();
    Ok(entries)
}

fn read(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    std::fs::read(path).map_err(|source| CheckpointError::File {
        action: "read",
        path: path.to_owned(),
        source,
    })
}

fn parse<'a>(path: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>, CheckpointError> {
    SafeTensors::deserialize(bytes).map_err(|error| CheckpointError::Format {
        path: path.to_owned(),
        message: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::layout::ParameterKind;

    fn layout() -> ParameterLayout {
        let mut layout = ParameterLayout::default();
        layout.push("0.weight".into(), vec![2, 3], ParameterKind::Weight, 0);
        layout.push("0.bias".into(), vec![2], ParameterKind::Bias, 0);
        layout
    }

    #[test]
    fn a_round_trip_keeps_every_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("theta.safetensors");
        let theta: Vec<f64> = (0..8).map(|i| (i as f64).sin()).collect();
        let notes = vec![("seed".to_owned(), "7".to_owned())];
        save(&path, &layout(), &theta, &notes).unwrap();
        assert_eq!(load(&path, &layout()).unwrap(), theta);
        assert_eq!(metadata(&path).unwrap(), notes);
        save_as(&path, &layout(), &theta, &[], Precision::Single).unwrap();
        for (loaded, theta) in load(&path, &layout()).unwrap().iter().zip(&theta) {
            assert_eq!(*loaded, f64::from(*theta as f32));
        }
        assert!(metadata(&path).unwrap().is_empty());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn errors_say_what_was_found_and_expected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("theta.safetensors");
        let missing = load(&path, &layout()).unwrap_err().to_string();
        assert!(missing.starts_with("cannot read"), "{missing}");
        assert!(
            save(&path, &layout(), &[0.0; 7], &[])
                .unwrap_err()
                .to_string()
                .contains('8')
        );

        std::fs::write(&path, b"not a file of tensors").unwrap();
        let format = load(&path, &layout()).unwrap_err().to_string();
        assert!(format.contains("is not a safetensors file"), "{format}");

        save(&path, &layout(), &[0.5; 8], &[]).unwrap();
        let mut other = layout();
        other.push("2.weight".into(), vec![1, 2], ParameterKind::Weight, 1);
        let missing = load(&path, &other).unwrap_err().to_string();
        assert!(
            missing.contains("no tensor \"2.weight\" [1, 2]: it holds 0.bias, 0.weight"),
            "{missing}"
        );
        let mut fewer = ParameterLayout::default();
        fewer.push("0.weight".into(), vec![2, 3], ParameterKind::Weight, 0);
        let extra = load(&path, &fewer).unwrap_err().to_string();
        assert!(extra.contains("a tensor \"0.bias\" [2]"), "{extra}");
        let mut turned = ParameterLayout::default();
        turned.push("0.weight".into(), vec![3, 2], ParameterKind::Weight, 0);
        turned.push("0.bias".into(), vec![2], ParameterKind::Bias, 0);
        let shape = load(&path, &turned).unwrap_err().to_string();
        assert!(
            shape.contains("has the shape [2, 3], expected [3, 2]"),
            "{shape}"
        );
    }
}
