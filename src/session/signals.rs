//! The JSON of opposing signals, as README documents it. A ratio or correlation
//! that is not defined is `null`.

use serde::{Deserialize, Serialize};

use super::json::Subject;
use crate::diagnostics::signals::{Group, OpposingSignals, RULE, RUNNING, SampleChange};

/// The losses of the samples over some steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignalsDocument {
    /// What was analysed; its step is that after the last update.
    #[serde(flatten)]
    pub subject: Subject,
    /// The step that the first update begins at.
    pub from: u64,
    /// Updates that were looked at.
    pub steps: usize,
    /// The training loss before the first update and after each.
    pub loss: Vec<f64>,
    /// The learning rate of each update.
    pub learning_rate: Vec<f64>,
    /// The median of the updates' ratios.
    pub median_ratio: Option<f64>,
    /// What each update did to the samples.
    pub changes: Vec<StepDocument>,
    /// The two groups; none where no update raises one loss and lowers another.
    pub groups: Option<GroupsDocument>,
}

/// What one update did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepDocument {
    /// The step that it begins at.
    pub step: u64,
    /// ΔL.
    pub loss_change: f64,
    /// max|Δℓᵢ|.
    pub largest: f64,
    /// max|Δℓᵢ|/|ΔL|.
    pub ratio: Option<f64>,
    /// The samples that rise most.
    pub rising: Vec<SampleChange>,
    /// The samples that fall most.
    pub falling: Vec<SampleChange>,
}

/// Two groups with opposite signs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupsDocument {
    /// How they are chosen.
    pub rule: String,
    /// The step whose update decides the signs.
    pub step: u64,
    /// Those that it raises.
    pub rising: GroupDocument,
    /// Those that it lowers.
    pub falling: GroupDocument,
    /// The correlation of the changes about zero.
    pub correlation: Option<f64>,
    /// The same about their means.
    pub pearson: Option<f64>,
    /// Updates of a running correlation.
    pub running_steps: usize,
    /// The correlation over the last so many updates, at each.
    pub running: Vec<Option<f64>>,
    /// cos(g₊, g₋) before the first update and after each.
    pub cosine: Vec<f64>,
}

/// One group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupDocument {
    /// Places in the training set.
    pub samples: Vec<usize>,
    /// Places in the data set before it was split.
    pub rows: Vec<usize>,
    /// The mean loss before the first update and after each.
    pub loss: Vec<f64>,
}

impl SignalsDocument {
    /// The document of an analysis; `rows` says where each training sample is in
    /// the data set.
    pub fn new(subject: Subject, found: &OpposingSignals, rows: &[usize]) -> Self {
        let group = |group: &Group| GroupDocument {
            samples: group.samples.clone(),
            rows: group
                .samples
                .iter()
                .map(|sample| rows.get(*sample).copied().unwrap_or(*sample))
                .collect(),
            loss: group.losses.clone(),
        };
        let changes = (0..found.steps())
            .map(|index| {
                let (rising, falling) = found.extremes(index, found.settings.top);
                StepDocument {
                    step: found.settings.from + index as u64,
                    loss_change: found.loss_change(index).unwrap_or(f64::NAN),
                    largest: found.largest(index),
                    ratio: found.ratio(index),
                    rising,
                    falling,
                }
            })
            .collect();
        Self {
            subject,
            from: found.settings.from,
            steps: found.steps(),
            loss: found.loss.clone(),
            learning_rate: found.learning_rates.clone(),
            median_ratio: found.median_ratio(),
            changes,
            groups: found.groups.as_ref().map(|groups| GroupsDocument {
                rule: RULE.to_owned(),
                step: groups.step,
                rising: group(&groups.rising),
                falling: group(&groups.falling),
                correlation: groups.correlation,
                pearson: groups.pearson,
                running_steps: RUNNING,
                running: groups.running.clone(),
                cosine: groups.cosines.clone(),
            }),
        }
    }
}
