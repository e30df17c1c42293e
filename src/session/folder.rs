//! The folder of a finished run: written once, read by every other command.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::SessionError;
use super::files::{read, read_text, write_atomically};
use super::json::{DirectionsDocument, SliceDocument, SpectrumDocument, Subject};
use super::metrics::{read_layers, read_metrics, write_layers};
use super::optimizer;
use crate::curvature::{EigenvalueEstimate, Estimate};
use crate::engine::analyses::{self, DirectionInfo, SliceAxis, SliceDirections, SliceSettings};
use crate::engine::headless::FinishedRun;
use crate::engine::{Landscape, SliceShape, Spectrum, SpectrumPoint};
use crate::landscape::{path_share, project_path};
use crate::nn::checkpoint::{self, Precision};
use crate::recipe::{Recipe, Schema};
use crate::train::optimizers::{self, OptimizerState};
use crate::train::{Divergence, History, RunError, Setup, Snapshot, Snapshots};

const RECIPE: &str = "recipe.toml";
const METRICS: &str = "metrics.csv";
const LAYERS: &str = "layers.csv";
const PARAMETERS: &str = "parameters.safetensors";
const SNAPSHOTS: &str = "snapshots.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const SLICE: &str = "results/slice.json";
const SPECTRUM: &str = "results/spectrum.json";
const SHARPNESS: &str = "results/sharpness.json";
const GRADIENTS: &str = "results/gradients.json";
const DIVERGENCE: &str = "results/divergence.json";

/// One measurement of both ends of the spectrum while training.
#[derive(Debug, Serialize, Deserialize)]
struct StoredPoint {
    step: u64,
    learning_rate: f64,
    eigenvalues: Vec<EigenvalueEstimate>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    smallest: Vec<EigenvalueEstimate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    preconditioned: Option<EigenvalueEstimate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    batch_sharpness: Option<Estimate>,
}

/// The folder of a finished run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    dir: PathBuf,
}

impl RunFolder {
    /// The folder at `dir`, whether it is there yet or not.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// The file of a figure of this view, `figures/VIEW.EXTENSION`.
    pub fn figure_path(&self, view: &str, extension: &str) -> PathBuf {
        self.dir.join("figures").join(format!("{view}.{extension}"))
    }

    /// Writes everything about the run but its figures. Results of a former run
    /// in the same folder that this one does not have are removed.
    ///
    /// # Errors
    /// [`SessionError::Write`], [`SessionError::Checkpoint`].
    pub fn save(&self, run: &FinishedRun, schema: &Schema) -> Result<(), SessionError> {
        let recipe = run
            .setup
            .recipe
            .with_absolute_paths(&run.setup.base_dir, schema);
        self.write(RECIPE, recipe.to_toml(schema).as_bytes())?;

        let mut metrics = Vec::new();
        run.history
            .write_csv(&mut metrics)
            .map_err(|source| SessionError::Write {
                path: self.dir.join(METRICS),
                source,
            })?;
        self.write(METRICS, &metrics)?;
        let layers: Vec<String> = run
            .setup
            .layers
            .iter()
            .map(|layer| layer.name.clone())
            .collect();
        self.write(LAYERS, &write_layers(&run.history, &layers))?;

        checkpoint::save_as(
            &self.dir.join(PARAMETERS),
            run.setup.network.layout(),
            &double(&run.last.theta),
            &[("step".to_owned(), run.last.step.to_string())],
            Precision::Single,
        )?;
        match &run.last.optimizer {
            Some(state) if !state.slots.is_empty() => {
                let bytes = optimizer::to_bytes(state, run.last.step)
                    .map_err(|message| self.content(OPTIMIZER, message))?;
                self.write(OPTIMIZER, &bytes)?;
            }
            // Whatever lies there is another run's; that nothing does is fine.
            _ => drop(std::fs::remove_file(self.dir.join(OPTIMIZER))),
        }
        self.write(
            SNAPSHOTS,
            &snapshots_to_bytes(run.snapshots.all()).map_err(|message| SessionError::Content {
                path: self.dir.join(SNAPSHOTS),
                message,
            })?,
        )?;

        let subject = |split: &str| subject(&run.setup, Some(run.last.step), split);
        let slice = run.landscape.as_ref().and_then(|landscape| {
            slice_document(
                landscape,
                subject(run.setup.recipe.slice.text("split")),
                &run.setup,
            )
        });
        self.write_result(SLICE, slice.as_ref())?;
        let spectrum = run.spectrum.as_ref().and_then(|spectrum| {
            let (trace, density) = (spectrum.trace?, spectrum.density.as_ref()?);
            Some(SpectrumDocument::new(
                subject("train"),
                &spectrum.top,
                trace,
                density,
            ))
        });
        self.write_result(SPECTRUM, spectrum.as_ref())?;
        let points: Vec<StoredPoint> = run
            .spectrum_points
            .iter()
            .map(|point| StoredPoint {
                step: point.step,
                learning_rate: point.learning_rate,
                eigenvalues: point.eigenvalues.clone(),
                smallest: point.smallest.clone(),
                preconditioned: point.preconditioned,
                batch_sharpness: point.batch_sharpness,
            })
            .collect();
        self.write_result(SHARPNESS, Some(&points))?;
        self.write_result(GRADIENTS, Some(&run.gradients))?;
        self.write_result(DIVERGENCE, run.divergence.as_ref())
    }

    /// The recipe of the run in this folder.
    ///
    /// # Errors
    /// [`SessionError::NotARun`], or what is wrong with the recipe.
    pub fn recipe(&self, schema: &Schema) -> Result<Recipe, SessionError> {
        let path = self.dir.join(RECIPE);
        if !path.is_file() {
            return Err(SessionError::NotARun(self.dir.clone()));
        }
        let text = read_text(&path)?;
        Ok(Recipe::parse(&text, &path.display().to_string(), schema)?)
    }

    /// The run's setup, made again from its recipe.
    ///
    /// # Errors
    /// See [`RunFolder::recipe`]; one sentence if the data or the network cannot
    /// be made again.
    pub fn setup(&self, schema: &Schema) -> Result<Arc<Setup>, SessionError> {
        let recipe = self.recipe(schema)?;
        Setup::new(Arc::new(recipe), &self.dir)
            .map(Arc::new)
            .map_err(|error: RunError| self.content(RECIPE, error.to_string()))
    }

    /// The last parameters, in double precision, and their step.
    ///
    /// # Errors
    /// [`SessionError::Checkpoint`].
    pub fn parameters(&self, setup: &Setup) -> Result<(Vec<f64>, u64), SessionError> {
        let path = self.dir.join(PARAMETERS);
        let theta = checkpoint::load(&path, setup.network.layout())?;
        let step = checkpoint::metadata(&path)?
            .iter()
            .find(|(key, _)| key == "step")
            .and_then(|(_, value)| value.parse().ok())
            .unwrap_or(0);
        Ok((theta, step))
    }

    /// What the optimizer remembered after `step` steps, if the folder has that
    /// (optimizers without memory leave none).
    ///
    /// # Errors
    /// [`SessionError::Read`], [`SessionError::Content`].
    pub fn optimizer(&self, step: u64) -> Result<Option<OptimizerState<f32>>, SessionError> {
        let path = self.dir.join(OPTIMIZER);
        if !path.is_file() {
            return Ok(None);
        }
        let (state, at) = optimizer::from_bytes(&read(&path)?)
            .map_err(|message| self.content(OPTIMIZER, message))?;
        Ok((at == step).then_some(state))
    }

    /// The snapshots of the run.
    ///
    /// # Errors
    /// [`SessionError::Read`], [`SessionError::Content`].
    pub fn snapshots(&self, setup: &Setup) -> Result<Snapshots, SessionError> {
        let bytes = read(&self.dir.join(SNAPSHOTS))?;
        let kept = snapshots_from_bytes(&bytes, setup.dim())
            .map_err(|message| self.content(SNAPSHOTS, message))?;
        Ok(Snapshots::restored(
            kept.into_iter().map(Arc::new).collect(),
        ))
    }

    /// The history of the run.
    ///
    /// # Errors
    /// [`SessionError::Read`], [`SessionError::Content`] with the line.
    pub fn history(&self) -> Result<History, SessionError> {
        let mut history = read_metrics(&self.dir.join(METRICS))?;
        read_layers(&self.dir.join(LAYERS), &mut history)?;
        Ok(history)
    }

    /// The whole run as it was when it ended. What is quick to compute (the
    /// gradient, saliency maps, predictions) is computed again.
    ///
    /// # Errors
    /// Any [`SessionError`].
    pub fn open(&self, schema: &Schema) -> Result<FinishedRun, SessionError> {
        let setup = self.setup(schema)?;
        let (theta, step) = self.parameters(&setup)?;
        let last = Arc::new(Snapshot {
            step,
            theta: theta.iter().map(|value| *value as f32).collect(),
            optimizer: None,
        });
        let snapshots = self.snapshots(&setup)?;
        let landscape = match self.read_result::<SliceDocument>(SLICE)? {
            Some(document) => Some(self.landscape(&document, &setup, &last, &snapshots)?),
            None => None,
        };
        let spectrum = self
            .read_result::<SpectrumDocument>(SPECTRUM)?
            .map(|document| Spectrum {
                top: document.top(),
                trace: Some(document.trace),
                density: Some(document.density.quadrature),
            });
        let points: Vec<StoredPoint> = self.read_result(SHARPNESS)?.unwrap_or_default();
        let optimizer = optimizers::build(&setup.recipe.optimizer, setup.dim())
            .map_err(|error| self.content(RECIPE, error.to_string()))?;
        let spectrum_points = points
            .into_iter()
            .map(|point| SpectrumPoint {
                step: point.step,
                eigenvalues: point.eigenvalues,
                smallest: point.smallest,
                preconditioned: point.preconditioned,
                batch_sharpness: point.batch_sharpness,
                stability: optimizer.stability(point.learning_rate),
                learning_rate: point.learning_rate,
            })
            .collect();
        let divergence: Option<Divergence> = self.read_result(DIVERGENCE)?;
        let (gradients, saliency, prediction) = crate::engine::headless::maps(&setup, &last.theta);
        Ok(FinishedRun {
            history: self.history()?,
            snapshots,
            divergence,
            last,
            spectrum_points,
            landscape,
            spectrum,
            gradients,
            saliency,
            prediction,
            failures: Vec::new(),
            setup,
        })
    }

    /// The slice of the document with its directions and the path, both made
    /// again: the directions come from the recipe's seed.
    fn landscape(
        &self,
        document: &SliceDocument,
        setup: &Setup,
        last: &Snapshot,
        snapshots: &Snapshots,
    ) -> Result<Landscape, SessionError> {
        let wrong = |message: String| self.content(SLICE, message);
        let slice = document.slice().map_err(wrong)?;
        let settings = SliceSettings::from_recipe(&setup.recipe.slice);
        let path = snapshots.all();
        let directions = analyses::slice_directions(setup, &last.theta, path, &settings)
            .map_err(|error| wrong(error.to_string()))?;
        let vectors: Vec<(u64, &[f32])> = path
            .iter()
            .map(|snapshot| (snapshot.step, &snapshot.theta[..]))
            .collect();
        let points = project_path(&vectors, &last.theta, &directions)
            .map_err(|error| wrong(error.to_string()))?;
        let share = path_share(&vectors, &last.theta, &directions).ok();
        Ok(Landscape {
            shape: SliceShape::Plane(Arc::new(slice)),
            info: Arc::new(DirectionInfo::of(setup, &settings, &directions)),
            quantity: document.quantity.clone(),
            directions,
            ghosts: Arc::default(),
            path: points.into(),
            anchors: Arc::default(),
            share,
            errors: document.path_errors.clone().map(Arc::new),
            excerpt: None,
            refining: None,
        })
    }

    fn content(&self, file: &str, message: String) -> SessionError {
        SessionError::Content {
            path: self.dir.join(file),
            message,
        }
    }

    fn write(&self, file: &str, content: &[u8]) -> Result<(), SessionError> {
        write_atomically(&self.dir.join(file), content)
    }

    fn write_result<T: Serialize>(
        &self,
        file: &str,
        value: Option<&T>,
    ) -> Result<(), SessionError> {
        let Some(value) = value else {
            // Whatever lies there is another run's; that nothing does is fine.
            let _ = std::fs::remove_file(self.dir.join(file));
            return Ok(());
        };
        let text = serde_json::to_vec_pretty(value)
            .map_err(|error| self.content(file, error.to_string()))?;
        self.write(file, &text)
    }

    fn read_result<T: DeserializeOwned>(&self, file: &str) -> Result<Option<T>, SessionError> {
        let path = self.dir.join(file);
        if !path.is_file() {
            return Ok(None);
        }
        serde_json::from_slice(&read(&path)?)
            .map(Some)
            .map_err(|error| self.content(file, error.to_string()))
    }
}

/// Whose analysis it is: the parameters after `step` updates, or given ones, on
/// the samples of `split`.
pub fn subject(setup: &Setup, step: Option<u64>, split: &str) -> Subject {
    let samples = match (split, &setup.data.validation) {
        ("validation", Some(validation)) => validation.len(),
        _ => setup.data.train.len(),
    };
    Subject {
        recipe: setup.recipe.name.clone(),
        step,
        split: split.to_owned(),
        samples,
        parameters: setup.dim(),
    }
}

/// The document of the slice that a recipe asks for.
fn slice_document(landscape: &Landscape, subject: Subject, setup: &Setup) -> Option<SliceDocument> {
    let SliceShape::Plane(slice) = &landscape.shape else {
        return None;
    };
    let settings = SliceSettings::from_recipe(&setup.recipe.slice);
    let directions = describe_directions(landscape, &settings);
    let mut document = SliceDocument::new(subject, directions, slice);
    document.path = landscape.path.to_vec();
    document.path_outside = landscape.share.map(|share| share.length_outside);
    document.path_errors = landscape.errors.as_deref().cloned();
    Some(document)
}

/// Where the directions of a slice come from, and what they are like.
pub fn describe_directions(landscape: &Landscape, settings: &SliceSettings) -> DirectionsDocument {
    let mut document = DirectionsDocument::of(landscape);
    if let (SliceDirections::Random { seed }, "random") =
        (&settings.directions, document.source.as_str())
    {
        document.seed = Some(*seed);
        document.normalization = serde_json::to_value(settings.normalization)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned));
    }
    if let SliceDirections::Axes(axes) = &settings.directions {
        document.seed = axes.iter().find_map(|axis| match axis {
            SliceAxis::Random { seed } => Some(*seed),
            _ => None,
        });
    }
    document
}

fn double(theta: &[f32]) -> Vec<f64> {
    theta.iter().map(|value| f64::from(*value)).collect()
}

/// `steps` [n] and `parameters` [n, P] as a safetensors file.
fn snapshots_to_bytes(snapshots: &[Arc<Snapshot>]) -> Result<Vec<u8>, String> {
    let steps: Vec<u8> = snapshots
        .iter()
        .flat_map(|snapshot| (snapshot.step as i64).to_le_bytes())
        .collect();
    let values: Vec<u8> = snapshots
        .iter()
        .flat_map(|snapshot| snapshot.theta.iter().flat_map(|value| value.to_le_bytes()))
        .collect();
    let (n, dim) = (
        snapshots.len(),
        snapshots.first().map_or(0, |snapshot| snapshot.theta.len()),
    );
    let view =
        |dtype, shape, bytes| TensorView::new(dtype, shape, bytes).map_err(|e| e.to_string());
    let tensors = [
        ("parameters", view(Dtype::F32, vec![n, dim], &values)?),
        ("steps", view(Dtype::I64, vec![n], &steps)?),
    ];
    safetensors::serialize(tensors, None).map_err(|error| error.to_string())
}

fn snapshots_from_bytes(bytes: &[u8], dim: usize) -> Result<Vec<Snapshot>, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let tensor = |name: &str, dtype: Dtype| {
        file.tensor(name)
            .ok()
            .filter(|tensor| tensor.dtype() == dtype)
            .ok_or_else(|| format!("there is no tensor {name:?} of type {dtype:?}"))
    };
    let steps = tensor("steps", Dtype::I64)?;
    let values = tensor("parameters", Dtype::F32)?;
    let n = steps.data().len() / 8;
    if values.shape() != [n, dim] {
        return Err(format!(
            "parameters has the shape {:?}; expected {:?}, as the steps and the recipe's network \
             ask for",
            values.shape(),
            [n, dim]
        ));
    }
    let word = |bytes: &[u8], at: usize| -> [u8; 4] { std::array::from_fn(|k| bytes[4 * at + k]) };
    Ok((0..n)
        .map(|index| {
            let step = i64::from_le_bytes(std::array::from_fn(|k| steps.data()[8 * index + k]));
            Snapshot {
                step: step.unsigned_abs(),
                theta: (0..dim)
                    .map(|k| f32::from_le_bytes(word(values.data(), index * dim + k)))
                    .collect(),
                optimizer: None,
            }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(step: u64) -> Arc<Snapshot> {
        Arc::new(Snapshot {
            step,
            theta: vec![step as f32, 0.5, -1.0].into(),
            optimizer: None,
        })
    }

    #[test]
    fn snapshots_read_back() {
        let kept = [snapshot(0), snapshot(7), snapshot(1000)];
        let bytes = snapshots_to_bytes(&kept).unwrap();
        let read = snapshots_from_bytes(&bytes, 3).unwrap();
        assert_eq!(read.len(), 3);
        for (read, kept) in read.iter().zip(&kept) {
            assert_eq!((read.step, &read.theta), (kept.step, &kept.theta));
        }
        assert!(
            snapshots_from_bytes(&bytes, 4)
                .unwrap_err()
                .contains("[3, 3]")
        );
        assert!(snapshots_from_bytes(&bytes[..20], 3).is_err());
    }

    #[test]
    fn a_folder_without_a_run_says_what_was_expected() {
        let folder = tempfile::tempdir().unwrap();
        let error = RunFolder::new(folder.path())
            .recipe(crate::catalogue::schema())
            .unwrap_err();
        assert!(error.to_string().contains("is not the folder of a run"));
    }
}
