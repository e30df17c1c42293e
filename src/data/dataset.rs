//! Samples in memory: inputs, targets and their names.

/// The shape of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputShape {
    /// So many features.
    Vector(usize),
    /// An image, stored channel by channel, each row by row.
    Image {
        /// Number of channels.
        channels: usize,
        /// Number of rows.
        height: usize,
        /// Number of columns.
        width: usize,
    },
}

impl InputShape {
    /// Numbers in one input.
    pub fn len(&self) -> usize {
        match *self {
            InputShape::Vector(features) => features,
            InputShape::Image {
                channels,
                height,
                width,
            } => channels * height * width,
        }
    }

    /// Whether an input holds no number at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Display for InputShape {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            InputShape::Vector(1) => write!(formatter, "1 feature"),
            InputShape::Vector(features) => write!(formatter, "{features} features"),
            InputShape::Image {
                channels,
                height,
                width,
            } => write!(formatter, "{channels}×{height}×{width} image"),
        }
    }
}

/// What is to be predicted.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// One class for each sample.
    Classes {
        /// Index into `names`, one for each sample.
        labels: Vec<u32>,
        /// What the classes are called.
        names: Vec<String>,
    },
    /// Numbers for each sample (regression).
    Values {
        /// `[samples, dims]`, row-major.
        values: Vec<f64>,
        /// Numbers for each sample.
        dims: usize,
    },
}

/// Samples with their targets.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// `[samples, shape.len()]`, row-major.
    pub inputs: Vec<f64>,
    /// The shape of one input.
    pub shape: InputShape,
    /// One target for each sample.
    pub targets: Targets,
    /// What the features are called; empty for images.
    pub feature_names: Vec<String>,
}

impl Dataset {
    /// Number of samples.
    pub fn len(&self) -> usize {
        match &self.targets {
            Targets::Classes { labels, .. } => labels.len(),
            Targets::Values { values, dims } => values.len() / (*dims).max(1),
        }
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The input of one sample.
    ///
    /// # Panics
    ///
    /// If there is no sample `index`.
    pub fn input(&self, index: usize) -> &[f64] {
        let length = self.shape.len();
        &self.inputs[index * length..(index + 1) * length]
    }

    /// What the network has to put out for a sample: one number for each class
    /// or for each target value.
    pub fn outputs(&self) -> usize {
        match &self.targets {
            Targets::Classes { names, .. } => names.len(),
            Targets::Values { dims, .. } => *dims,
        }
    }

    /// The class of every sample, for a classification.
    pub fn labels(&self) -> Option<&[u32]> {
        match &self.targets {
            Targets::Classes { labels, .. } => Some(labels),
            Targets::Values { .. } => None,
        }
    }

    /// The names of the classes; empty for a regression.
    pub fn class_names(&self) -> &[String] {
        match &self.targets {
            Targets::Classes { names, .. } => names,
            Targets::Values { .. } => &[],
        }
    }

    /// Number of samples in each class; empty for a regression.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.class_names().len()];
        for label in self.labels().unwrap_or_default() {
            if let Some(count) = counts.get_mut(*label as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// The samples with these indices, in their order.
    ///
    /// # Panics
    ///
    /// If an index has no sample.
    pub fn subset(&self, indices: &[usize]) -> Dataset {
        let length = self.shape.len();
        let mut inputs = Vec::with_capacity(indices.len() * length);
        for index in indices {
            inputs.extend_from_slice(self.input(*index));
        }
        let targets = match &self.targets {
            Targets::Classes { labels, names } => Targets::Classes {
                labels: indices.iter().map(|index| labels[*index]).collect(),
                names: names.clone(),
            },
            Targets::Values { values, dims } => Targets::Values {
                values: indices
                    .iter()
                    .flat_map(|index| &values[index * dims..(index + 1) * dims])
                    .copied()
                    .collect(),
                dims: *dims,
            },
        };
        Dataset {
            inputs,
            shape: self.shape,
            targets,
            feature_names: self.feature_names.clone(),
        }
    }
}
