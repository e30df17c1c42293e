//! The JSON of the analyses, as README documents it. What is not a number or
//! infinite is written as `null`; nothing is ever put in its place.

use serde::{Deserialize, Serialize};

use crate::curvature::{
    Bandwidth, BlockStructure, EigenvalueEstimate, ExactSpectrum, Outliers, SpectralDensity,
    SpectrumSummary, TopSpectrum, TraceEstimate, Verification,
};
use crate::engine::Landscape;
use crate::engine::analyses::{PathCentre, Section};
use crate::engine::curvature::{
    BatchExtremes, ClassCurvature, Matrix, Waterfall, WaterfallRow, WaterfallSettings,
};
use crate::engine::paths::{BARRIER, Connection};
use crate::landscape::{
    AnchorPoint, Basin, Directions, Invariance, LossErrors, PathPoint, Slice1d, Slice2d,
    SliceQuantity, basins,
};
use crate::math::statistics::Estimate;

/// Whose analysis it is: what all documents begin with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// The recipe's name.
    pub recipe: String,
    /// The step of the parameters; none for parameters from a file.
    pub step: Option<u64>,
    /// `train` or `validation`.
    pub split: String,
    /// How many samples the loss is the mean of.
    pub samples: usize,
    /// Number of parameters.
    pub parameters: usize,
}

/// Where the directions of a slice come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DirectionsDocument {
    /// `random`, `path`, `eigenvectors`, `gradient`, `momentum`, `update`,
    /// `through`, `file` or `axes` (the whole plane of a two-parameter model).
    pub source: String,
    /// Seed of random directions.
    pub seed: Option<u64>,
    /// Normalization of random directions: `filter`, `layer`, `elementwise` or
    /// `none`.
    pub normalization: Option<String>,
    /// cos(d₁, d₂).
    pub cosine: f64,
    /// ‖d₁‖ and ‖d₂‖.
    pub norms: [f64; 2],
    /// What each direction means, such as `v₁` or `−∇L`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbols: Option<[String; 2]>,
    /// The shares of the path's squared distances from (0, 0) along principal
    /// components.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explained: Option<[f64; 2]>,
    /// The eigenvalues of eigenvectors of the Hessian.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eigenvalues: Option<[Option<EigenvalueEstimate>; 2]>,
    /// What (0, 0) is, for principal components: `parameters` or `mean`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub centre: Option<PathCentre>,
    /// The layers that move, where not all do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<String>>,
    /// Whether biases and normalisation parameters move along random directions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub biases: Option<bool>,
    /// Places of the other parameters that the plane passes through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<AnchorPoint>,
}

impl DirectionsDocument {
    /// Measures the directions; the caller says where they come from.
    pub fn new(directions: &Directions, source: &str) -> Self {
        Self {
            source: source.to_owned(),
            cosine: directions.cosine,
            norms: directions.norms(),
            ..Self::default()
        }
    }

    /// What is known of the directions of a slice.
    pub fn of(landscape: &Landscape) -> Self {
        let info = &*landscape.info;
        let [first, second] = &info.axes;
        let both = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| [a, b]);
        let eigenvalues = [first.eigenvalue, second.eigenvalue];
        Self {
            symbols: (first.symbol.clone().zip(second.symbol.clone())).map(|(a, b)| [a, b]),
            explained: both(first.explained, second.explained),
            eigenvalues: eigenvalues
                .iter()
                .any(Option::is_some)
                .then_some(eigenvalues),
            centre: (info.source == "path").then_some(info.centre),
            layers: info.layers.clone(),
            biases: info.biases,
            points: landscape.anchors.to_vec(),
            ..Self::new(&landscape.directions, &info.source)
        }
    }
}

fn is_loss(quantity: &SliceQuantity) -> bool {
    *quantity == SliceQuantity::Loss
}

/// A slice of the loss landscape: `loss[j][i]`, or `values[j][i]` of another
/// quantity, at `(alpha[i], beta[j])`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SliceDocument {
    /// What was sliced.
    #[serde(flatten)]
    pub subject: Subject,
    /// The plane.
    pub directions: DirectionsDocument,
    /// Displacements along d₁, ascending.
    pub alpha: Vec<f64>,
    /// Displacements along d₂, ascending.
    pub beta: Vec<f64>,
    /// What is shown, where it is not the loss.
    #[serde(default, skip_serializing_if = "is_loss")]
    pub quantity: SliceQuantity,
    /// The mean loss, a row for each β.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loss: Vec<Vec<Option<f64>>>,
    /// The same of another quantity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Vec<Option<f64>>>,
    /// Its standard error, where the loss was measured on an excerpt of the
    /// samples; laid out as `loss`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<Vec<Vec<Option<f64>>>>,
    /// The snapshots projected on the plane.
    #[serde(default)]
    pub path: Vec<PathPoint>,
    /// Share of the path's length that runs perpendicular to the plane.
    #[serde(default)]
    pub path_outside: Option<f64>,
    /// How wrong the plane's losses are under the path.
    #[serde(default)]
    pub path_errors: Option<LossErrors>,
    /// The basins of the grid, the most persistent first.
    #[serde(default, skip_deserializing)]
    pub basins: Vec<Basin>,
    /// The self-test of the normalization, where it was asked for; empty where it
    /// does not apply.
    #[serde(default, skip_serializing_if = "Option::is_none", skip_deserializing)]
    pub invariance: Option<Vec<Invariance>>,
}

impl SliceDocument {
    /// A document of a loss, without a path.
    pub fn new(subject: Subject, directions: DirectionsDocument, slice: &Slice2d) -> Self {
        let width = slice.alpha.len().max(1);
        let rows = |values: &[f64]| {
            let rows = values.chunks_exact(width);
            rows.map(|row| row.iter().copied().map(finite).collect())
                .collect()
        };
        Self {
            subject,
            directions,
            alpha: slice.alpha.clone(),
            beta: slice.beta.clone(),
            quantity: SliceQuantity::Loss,
            loss: rows(&slice.loss),
            values: Vec::new(),
            stderr: slice.stderr.as_deref().map(rows),
            path: Vec::new(),
            path_outside: None,
            path_errors: None,
            basins: basins(slice),
            invariance: None,
        }
    }

    /// The same document of this quantity.
    #[must_use]
    pub fn showing(mut self, quantity: SliceQuantity) -> Self {
        if quantity != SliceQuantity::Loss {
            self.values = std::mem::take(&mut self.loss);
        }
        self.quantity = quantity;
        self
    }

    /// The slice again; `null` becomes not-a-number.
    ///
    /// # Errors
    /// One sentence if the rows do not fit the axes.
    pub fn slice(&self) -> Result<Slice2d, String> {
        let (nx, ny) = (self.alpha.len(), self.beta.len());
        let flat = |name: &str, rows: &[Vec<Option<f64>>]| {
            if rows.len() != ny || rows.iter().any(|row| row.len() != nx) {
                return Err(format!(
                    "{name} does not have {ny} rows of {nx} numbers, as beta and alpha ask for"
                ));
            }
            let numbers = rows.iter().flatten();
            Ok(numbers.map(|x| x.unwrap_or(f64::NAN)).collect())
        };
        Ok(Slice2d {
            alpha: self.alpha.clone(),
            beta: self.beta.clone(),
            loss: match self.quantity {
                SliceQuantity::Loss => flat("loss", &self.loss)?,
                _ => flat("values", &self.values)?,
            },
            stderr: self
                .stderr
                .as_deref()
                .map(|stderr| flat("stderr", stderr))
                .transpose()?,
            level: 0,
            levels: 1,
        })
    }
}

/// A slice along one line: `loss[i]`, or `values[i]` of another quantity, at
/// `alpha[i]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LineDocument {
    /// What was sliced.
    #[serde(flatten)]
    pub subject: Subject,
    /// The line runs along its first direction.
    pub directions: DirectionsDocument,
    /// Displacements, ascending.
    pub alpha: Vec<f64>,
    /// What is shown, where it is not the loss.
    #[serde(default, skip_serializing_if = "is_loss")]
    pub quantity: SliceQuantity,
    /// The mean loss.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loss: Vec<Option<f64>>,
    /// The same of another quantity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Option<f64>>,
    /// Its standard error, where the loss was measured on an excerpt of the
    /// samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<Vec<Option<f64>>>,
    /// The self-test of the normalization, where it was asked for; empty where it
    /// does not apply.
    #[serde(default, skip_serializing_if = "Option::is_none", skip_deserializing)]
    pub invariance: Option<Vec<Invariance>>,
}

impl LineDocument {
    /// A document of the slice.
    pub fn new(subject: Subject, directions: DirectionsDocument, slice: &Slice1d) -> Self {
        Self {
            subject,
            directions,
            alpha: slice.alpha.clone(),
            quantity: SliceQuantity::Loss,
            loss: slice.loss.iter().copied().map(finite).collect(),
            values: Vec::new(),
            stderr: slice
                .stderr
                .as_ref()
                .map(|stderr| stderr.iter().copied().map(finite).collect()),
            invariance: None,
        }
    }

    /// The same document of this quantity.
    #[must_use]
    pub fn showing(mut self, quantity: SliceQuantity) -> Self {
        if quantity != SliceQuantity::Loss {
            self.values = std::mem::take(&mut self.loss);
        }
        self.quantity = quantity;
        self
    }
}

/// The density of the Hessian's eigenvalues.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DensityDocument {
    /// Eigenvalues.
    pub x: Vec<f64>,
    /// Density; its integral is 1.
    pub y: Vec<f64>,
    /// Density less its standard error over the probes.
    pub lower: Vec<f64>,
    /// Density plus its standard error over the probes.
    pub upper: Vec<f64>,
    /// Standard deviation of the Gaussian kernel.
    pub bandwidth: f64,
    /// What was computed: nodes and weights of every probe, from which another
    /// bandwidth needs no new products.
    pub quadrature: SpectralDensity,
}

impl DensityDocument {
    /// The default curve and the raw quadrature.
    pub fn new(density: &SpectralDensity) -> Self {
        let curve = density.curve(Bandwidth::default(), 1024);
        Self {
            x: curve.x,
            y: curve.y,
            lower: curve.lower,
            upper: curve.upper,
            bandwidth: curve.bandwidth,
            quadrature: density.clone(),
        }
    }
}

/// All eigenvalues of a small network's matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExactDocument {
    /// The eigenvalues with what checks them.
    #[serde(flatten)]
    pub spectrum: ExactSpectrum,
    /// Largest |λ| over the smallest that is not zero to rounding.
    #[serde(with = "crate::math::floats::cell")]
    pub condition_number: f64,
    /// The spectrum in a few numbers.
    pub summary: SpectrumSummary,
}

impl ExactDocument {
    /// A document of the spectrum.
    pub fn new(spectrum: ExactSpectrum) -> Self {
        Self {
            condition_number: spectrum.condition_number(),
            summary: spectrum.summary(),
            spectrum,
        }
    }
}

/// One layer's block of the matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerDocument {
    /// The part of the parameters' names before the dot.
    pub name: String,
    /// Number of parameters.
    pub parameters: usize,
    /// The largest eigenvalues of the block, descending.
    pub eigenvalues: Vec<EigenvalueEstimate>,
    /// The smallest, ascending.
    pub smallest: Vec<EigenvalueEstimate>,
    /// The trace of the block.
    pub trace: Estimate,
    /// ‖H_ab‖_F with every layer b, itself included.
    pub coupling: Vec<Estimate>,
}

impl LayerDocument {
    /// Every layer of the structure.
    pub fn all(names: Vec<String>, structure: &BlockStructure) -> Vec<Self> {
        names
            .into_iter()
            .zip(&structure.blocks)
            .zip(&structure.coupling)
            .map(|((name, block), coupling)| Self {
                name,
                parameters: block.range.len(),
                eigenvalues: block.eigenvalues.clone(),
                smallest: block.smallest.clone(),
                trace: block.trace,
                coupling: coupling.clone(),
            })
            .collect()
    }
}

/// The Hessian's spectrum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpectrumDocument {
    /// Whose Hessian it is.
    #[serde(flatten)]
    pub subject: Subject,
    /// Which matrix it is.
    #[serde(default)]
    pub matrix: Matrix,
    /// The largest eigenvalues, descending.
    pub eigenvalues: Vec<EigenvalueEstimate>,
    /// The smallest eigenvalues, ascending.
    pub smallest: Vec<EigenvalueEstimate>,
    /// The trace.
    pub trace: TraceEstimate,
    /// The density.
    pub density: DensityDocument,
    /// Hessian-vector products used for the eigenvalues.
    pub products: usize,
    /// The spectrum in a few numbers, from the density.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<SpectrumSummary>,
    /// What stands out of the density, by its default bandwidth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outliers: Option<Outliers>,
    /// All eigenvalues, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<ExactDocument>,
    /// How the density and the ends differ from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// The layers, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<LayerDocument>>,
    /// The tensors, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tensors: Option<Vec<LayerDocument>>,
    /// The classes, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<ClassCurvature>>,
    /// The ends by batch size, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batches: Option<Vec<BatchExtremes>>,
}

impl SpectrumDocument {
    /// Puts the parts together.
    pub fn new(
        subject: Subject,
        top: &TopSpectrum,
        trace: TraceEstimate,
        density: &SpectralDensity,
    ) -> Self {
        Self {
            subject,
            eigenvalues: top.eigenvalues.clone(),
            smallest: top.smallest.clone(),
            trace,
            density: DensityDocument::new(density),
            products: top.products,
            matrix: Matrix::default(),
            summary: Some(density.summary()),
            outliers: Some(density.outliers(density.sigma(Bandwidth::default()))),
            exact: None,
            verification: None,
            layers: None,
            tensors: None,
            classes: None,
            batches: None,
        }
    }

    /// The eigenvalues again, without their vectors.
    pub fn top(&self) -> TopSpectrum {
        TopSpectrum {
            eigenvalues: self.eigenvalues.clone(),
            smallest: self.smallest.clone(),
            products: self.products,
            vectors: Vec::new(),
            smallest_vectors: Vec::new(),
        }
    }
}

/// The density of the Hessian's eigenvalues over the training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaterfallDocument {
    /// Whose Hessian it is; its `step` is that of the last moment.
    #[serde(flatten)]
    pub subject: Subject,
    /// Which matrix it is.
    pub matrix: Matrix,
    /// Random probes, the same for every moment.
    pub probes: usize,
    /// Lanczos steps for each probe.
    pub lanczos_steps: usize,
    /// Seed of the probes.
    pub seed: u64,
    /// The moments, by rising step.
    pub rows: Vec<WaterfallRow>,
}

impl WaterfallDocument {
    /// Puts the parts together.
    pub fn new(subject: Subject, settings: &WaterfallSettings, found: Waterfall) -> Self {
        Self {
            subject,
            matrix: found.matrix,
            probes: settings.probes,
            lanczos_steps: settings.lanczos_steps,
            seed: settings.seed,
            rows: found.rows,
        }
    }
}

/// Paths between two solutions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PathsDocument<'a> {
    /// Whose first end it is; its `split` is `both`, its `samples` those of the
    /// training set.
    #[serde(flatten)]
    pub subject: Subject,
    /// Samples of the validation set; none where there is no such set.
    pub validation_samples: Option<usize>,
    /// What a barrier is.
    pub barrier_definition: &'static str,
    /// The paths.
    #[serde(flatten)]
    pub connection: &'a Connection,
}

impl<'a> PathsDocument<'a> {
    /// Puts the parts together.
    pub fn new(
        subject: Subject,
        validation_samples: Option<usize>,
        connection: &'a Connection,
    ) -> Self {
        Self {
            subject: Subject {
                split: "both".to_owned(),
                ..subject
            },
            validation_samples,
            barrier_definition: BARRIER,
            connection,
        }
    }
}

/// The loss on the plane through three parameter vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaneDocument {
    /// The slice around the first of them.
    #[serde(flatten)]
    pub slice: SliceDocument,
    /// The three vectors and their places.
    pub points: Vec<PlanePoint>,
}

/// A parameter vector on a plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanePoint {
    /// What it is called.
    pub name: String,
    /// Its place along the first direction.
    pub alpha: f64,
    /// Its place along the second direction.
    pub beta: f64,
    /// The loss there.
    #[serde(with = "crate::math::floats::cell")]
    pub loss: f64,
}

/// A section: what a plane shows along a straight line on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SectionDocument {
    /// What was looked at.
    #[serde(flatten)]
    pub subject: Subject,
    /// The plane.
    pub directions: DirectionsDocument,
    /// α and β of the line's beginning.
    pub from: [f64; 2],
    /// α and β of its end.
    pub to: [f64; 2],
    /// Its length in the space of the parameters.
    pub length: f64,
    /// What is shown.
    pub quantity: SliceQuantity,
    /// Shares of the way, ascending from 0 to 1.
    pub share: Vec<f64>,
    /// The values on the training set (of a difference of both sets: it).
    pub train: Vec<Option<f64>>,
    /// The values on the validation set.
    pub validation: Option<Vec<Option<f64>>>,
}

impl SectionDocument {
    /// A document of the section.
    pub fn new(subject: Subject, directions: DirectionsDocument, section: &Section) -> Self {
        let values = |slice: &Slice1d| slice.loss.iter().copied().map(finite).collect();
        Self {
            subject,
            directions,
            from: section.ends[0],
            to: section.ends[1],
            length: section.length,
            quantity: section.quantity.clone(),
            share: section.training.alpha.clone(),
            train: values(&section.training),
            validation: section.validation.as_ref().map(values),
        }
    }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice() -> Slice2d {
        Slice2d {
            alpha: vec![-1.0, 0.0, 1.0],
            beta: vec![-0.5, 0.5],
            loss: vec![1.0, 2.0, 3.0, 4.0, f64::NAN, f64::INFINITY],
            stderr: Some(vec![0.1, 0.2, 0.3, 0.4, f64::NAN, f64::NAN]),
            level: 0,
            levels: 1,
        }
    }

    #[test]
    fn a_slice_is_written_by_rows_of_beta_and_invents_nothing() {
        let directions = Directions::new(vec![1.0, 0.0], vec![0.0, 2.0]).unwrap();
        let document = SliceDocument::new(
            Subject::default(),
            DirectionsDocument::new(&directions, "file"),
            &slice(),
        );
        let text = serde_json::to_string(&document).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["loss"][0][2], 3.0);
        assert_eq!(value["loss"][1][0], 4.0);
        assert!(value["loss"][1][1].is_null() && value["loss"][1][2].is_null());
        assert_eq!(value["directions"]["norms"][1], 2.0);
        let read: SliceDocument = serde_json::from_str(&text).unwrap();
        let again = read.slice().unwrap();
        assert!(again.loss[4].is_nan());
        assert_eq!(again.loss[..4], slice().loss[..4]);
        assert_eq!(value["stderr"][1][0], 0.4);
        assert!(again.stderr.unwrap()[5].is_nan());
    }

    #[test]
    fn another_quantity_is_not_called_loss() {
        let directions = Directions::new(vec![1.0, 0.0], vec![0.0, 2.0]).unwrap();
        let directions = DirectionsDocument::new(&directions, "file");
        let document = SliceDocument::new(Subject::default(), directions, &slice());
        let class = SliceQuantity::ClassLoss { class: 2 };
        for quantity in [SliceQuantity::Loss, SliceQuantity::Gap, class] {
            let text = serde_json::to_string(&document.clone().showing(quantity.clone())).unwrap();
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            let is_loss = quantity == SliceQuantity::Loss;
            assert_eq!(value.get("loss").is_some(), is_loss);
            assert_eq!(value.get("values").is_some(), !is_loss);
            let read: SliceDocument = serde_json::from_str(&text).unwrap();
            assert_eq!(read.quantity, quantity);
            assert_eq!(read.slice().unwrap().loss[..4], slice().loss[..4]);
        }
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let directions = Directions::new(vec![1.0, 0.0], vec![0.0, 2.0]).unwrap();
        let mut document = SliceDocument::new(
            Subject::default(),
            DirectionsDocument::new(&directions, "file"),
            &slice(),
        );
        document.loss[1].pop();
        assert!(document.slice().unwrap_err().contains("2 rows of 3"));
    }
}
