//! What a run leaves behind: one row of metrics per step.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::math::chunked::Chunked;

/// The metrics of one step. Everything describes the parameters after `step`
/// updates, before the next one: so the row and the snapshot of a step belong
/// together, and row 0 is about the initial parameters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    /// Updates done before.
    pub step: u64,
    /// Mean loss of the step's batch before its update; with full batch it is
    /// the training loss.
    pub train_loss: f64,
    /// Mean loss over the validation set, at the chosen interval.
    pub val_loss: Option<f64>,
    /// Share of the training set that is classified correctly, at the interval.
    pub train_accuracy: Option<f64>,
    /// Share of the validation set that is classified correctly, at the interval.
    pub val_accuracy: Option<f64>,
    /// Learning rate of the step's update, the schedule's factor included.
    pub learning_rate: f64,
    /// Norm of the batch's gradient, before clipping and without weight decay.
    pub gradient_norm: f64,
    /// Norm of the step's update; none in the row that follows the last update
    /// or whose gradient is not finite.
    pub update_norm: Option<f64>,
    /// Norm of the parameters.
    pub parameter_norm: f64,
    /// Largest eigenvalue of the training loss's Hessian, where measured.
    pub sharpness: Option<f64>,
    /// Norm of the gradient of each layer, in the order of the run's layers.
    pub layer_gradient_norms: Vec<f32>,
    /// Norm of each layer's update over the norm of its parameters; empty where
    /// there was no update, infinite where all parameters were zero.
    pub layer_update_ratios: Vec<f32>,
}

/// The first line of `metrics.csv`.
pub const CSV_HEADER: &str = "step,train_loss,val_loss,train_accuracy,val_accuracy,learning_rate,\
gradient_norm,update_norm,parameter_norm,sharpness";

impl MetricRow {
    /// Writes the row as a line of `metrics.csv`: the shortest digits that read
    /// back as the same number, nothing where nothing was measured.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_csv(&self, writer: &mut impl Write) -> io::Result<()> {
        write!(writer, "{}", self.step)?;
        for value in [
            Some(self.train_loss),
            self.val_loss,
            self.train_accuracy,
            self.val_accuracy,
            Some(self.learning_rate),
            Some(self.gradient_norm),
            self.update_norm,
            Some(self.parameter_norm),
            self.sharpness,
        ] {
            match value {
                Some(value) => write!(writer, ",{value:?}")?,
                None => write!(writer, ",")?,
            }
        }
        writeln!(writer)
    }
}

/// All rows of a run, in the order of their steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    rows: Chunked<MetricRow>,
    /// Sharpness of steps whose row has not come yet.
    #[serde(default)]
    early_sharpness: BTreeMap<u64, f64>,
}

impl History {
    /// A history without rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// The rows, by rising step.
    pub fn rows(&self) -> &Chunked<MetricRow> {
        &self.rows
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The newest row.
    pub fn last(&self) -> Option<&MetricRow> {
        self.rows.last()
    }

    /// The row of this step.
    pub fn row(&self, step: u64) -> Option<&MetricRow> {
        let index = self.index(step).ok()?;
        self.rows.get(index)
    }

    /// Adds a row. A row of a step that is not after the last one replaces that
    /// step's row and voids all that follow.
    pub fn append(&mut self, mut row: MetricRow) {
        if self.rows.last().is_some_and(|last| last.step >= row.step) {
            self.truncate(row.step);
        }
        if let Some(sharpness) = self.early_sharpness.remove(&row.step) {
            row.sharpness.get_or_insert(sharpness);
        }
        self.rows.push(row);
    }

    /// Adds rows as [`History::append`] does, most often without copying them.
    pub fn append_all(&mut self, rows: Vec<MetricRow>) {
        let last = self.rows.last().map(|row| row.step);
        let first = rows.first().map(|row| row.step);
        let follow = last.is_none_or(|last| first.is_none_or(|first| first > last))
            && rows.is_sorted_by(|a, b| a.step < b.step);
        let newest = rows.last().map(|row| row.step);
        let awaited = self.early_sharpness.first_key_value();
        if !follow || awaited.is_some_and(|(step, _)| Some(*step) <= newest) {
            rows.into_iter().for_each(|row| self.append(row));
        } else {
            self.rows.append(rows);
        }
    }

    /// Enters the sharpness of a step, now or as soon as its row comes.
    pub fn set_sharpness(&mut self, step: u64, sharpness: f64) {
        match self.index(step) {
            Ok(index) => self.rows[index].sharpness = Some(sharpness),
            Err(_) => {
                self.early_sharpness.insert(step, sharpness);
            }
        }
    }

    /// Forgets the rows of this step and of all later ones.
    pub fn truncate(&mut self, step: u64) {
        drop(self.split_off(step));
    }

    /// Forgets the rows of this step and of all later ones and gives them back.
    pub fn split_off(&mut self, step: u64) -> Chunked<MetricRow> {
        let keep = self.rows.partition_point(|row| row.step < step);
        self.early_sharpness.split_off(&step);
        self.rows.split_off(keep)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.early_sharpness.clear();
    }

    /// One column as points `(step, value)`, leaving out what was not measured.
    pub fn column(
        &self,
        value: impl Fn(&MetricRow) -> Option<f64>,
    ) -> impl Iterator<Item = (u64, f64)> {
        self.rows
            .iter()
            .filter_map(move |row| value(row).map(|value| (row.step, value)))
    }

    /// Writes all rows as CSV with [`CSV_HEADER`].
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_csv(&self, mut writer: impl Write) -> io::Result<()> {
        writeln!(writer, "{CSV_HEADER}")?;
        for row in self.rows.iter() {
            row.write_csv(&mut writer)?;
        }
        writer.flush()
    }

    fn index(&self, step: u64) -> Result<usize, usize> {
        let index = self.rows.partition_point(|row| row.step < step);
        match self.rows.get(index) {
            Some(row) if row.step == step => Ok(index),
            _ => Err(index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(step: u64) -> MetricRow {
        MetricRow {
            step,
            train_loss: 0.1 + step as f64,
            ..MetricRow::default()
        }
    }

    #[test]
    fn the_csv_has_the_agreed_header_and_leaves_gaps_empty() {
        let mut history = History::new();
        history.append(MetricRow {
            step: 3,
            train_loss: 0.1 + 0.2,
            val_loss: Some(f64::NAN),
            learning_rate: 1e-7,
            gradient_norm: 2.0,
            parameter_norm: f64::INFINITY,
            ..MetricRow::default()
        });
        let mut text = Vec::new();
        history.write_csv(&mut text).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "step,train_loss,val_loss,train_accuracy,val_accuracy,learning_rate,gradient_norm,\
             update_norm,parameter_norm,sharpness\n\
             3,0.30000000000000004,NaN,,,1e-7,2.0,,inf,\n"
        );
    }

    #[test]
    fn many_rows_at_once_are_as_one_by_one() {
        let batches = [0..300, 300..310, 250..900, 900..900, 900..1500];
        let (mut history, mut slow) = (History::new(), History::new());
        for batch in batches {
            for early in [batch.end + 2, batch.start] {
                history.set_sharpness(early, 3.0);
                slow.set_sharpness(early, 3.0);
            }
            history.append_all(batch.clone().map(row).collect());
            batch.map(row).for_each(|row| slow.append(row));
            assert_eq!(history, slow);
        }
        assert_eq!(history.len(), 1500);
        let measured: Vec<u64> = history
            .column(|row| row.sharpness)
            .map(|(step, _)| step)
            .collect();
        assert_eq!(measured, [0, 900, 902]);
    }

    #[test]
    fn sharpness_finds_its_row_before_and_after() {
        let mut history = History::new();
        history.set_sharpness(1, 5.0);
        history.append(row(0));
        history.append(row(1));
        history.set_sharpness(0, 4.0);
        let sharpness: Vec<_> = history.column(|row| row.sharpness).collect();
        assert_eq!(sharpness, [(0, 4.0), (1, 5.0)]);
    }

    #[test]
    fn truncation_voids_later_rows() {
        let mut history = History::new();
        (0..10).for_each(|step| history.append(row(step)));
        history.set_sharpness(20, 1.0);
        history.truncate(4);
        assert_eq!(history.last().unwrap().step, 3);
        history.append(row(4));
        history.append(row(2));
        assert_eq!(history.len(), 3);
        assert!(history.row(2).is_some() && history.row(3).is_none());
        history.append(row(20));
        assert_eq!(history.row(20).unwrap().sharpness, None);
    }
}
