//! `metrics.csv` and `layers.csv`: the history of a run as tables.

use std::path::Path;

use super::SessionError;
use super::files::read_text;
use crate::train::{CSV_HEADER, History, MetricRow};

/// Reads the table that [`History::write_csv`] wrote.
///
/// # Errors
/// [`SessionError::Read`], or [`SessionError::Content`] with line and column.
pub fn read_metrics(path: &Path) -> Result<History, SessionError> {
    let text = read_text(path)?;
    let content = |message: String| SessionError::Content {
        path: path.to_owned(),
        message,
    };
    let mut lines = text.lines();
    let header = lines.next().unwrap_or_default();
    if header.trim_end() != CSV_HEADER {
        return Err(content(format!(
            "the first line is {header:?}; expected {CSV_HEADER:?}"
        )));
    }
    let mut history = History::new();
    for (index, line) in lines.enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let row =
            parse_row(line).map_err(|message| content(format!("line {}: {message}", index + 2)))?;
        history.append(row);
    }
    Ok(history)
}

fn parse_row(line: &str) -> Result<MetricRow, String> {
    let cells: Vec<&str> = line.trim_end().split(',').collect();
    let columns: Vec<&str> = CSV_HEADER.split(',').collect();
    if cells.len() != columns.len() {
        return Err(format!(
            "{} columns; expected {}",
            cells.len(),
            columns.len()
        ));
    }
    let optional = |index: usize| -> Result<Option<f64>, String> {
        let cell = cells[index].trim();
        if cell.is_empty() {
            return Ok(None);
        }
        cell.parse()
            .map(Some)
            .map_err(|_| format!("{} is {cell:?}; expected a number", columns[index]))
    };
    let required = |index: usize| -> Result<f64, String> {
        optional(index)?.ok_or_else(|| format!("{} is empty; expected a number", columns[index]))
    };
    Ok(MetricRow {
        step: cells[0]
            .trim()
            .parse()
            .map_err(|_| format!("step is {:?}; expected a whole number", cells[0]))?,
        train_loss: required(1)?,
        val_loss: optional(2)?,
        train_accuracy: optional(3)?,
        val_accuracy: optional(4)?,
        learning_rate: required(5)?,
        gradient_norm: required(6)?,
        update_norm: optional(7)?,
        parameter_norm: required(8)?,
        sharpness: optional(9)?,
        layer_gradient_norms: Vec::new(),
        layer_update_ratios: Vec::new(),
    })
}

/// Writes the per-layer columns of a history: `step`, then
/// `gradient_norm:LAYER` of every layer, then `update_ratio:LAYER` of every
/// layer; a ratio is empty where there was no update.
pub fn write_layers(history: &History, layers: &[String]) -> Vec<u8> {
    let mut text = String::from("step");
    for prefix in ["gradient_norm", "update_ratio"] {
        for layer in layers {
            text.push_str(&format!(",{prefix}:{layer}"));
        }
    }
    text.push('\n');
    for row in history.rows().iter() {
        text.push_str(&row.step.to_string());
        for values in [&row.layer_gradient_norms, &row.layer_update_ratios] {
            for index in 0..layers.len() {
                text.push(',');
                if let Some(value) = values.get(index) {
                    text.push_str(&format!("{value:?}"));
                }
            }
        }
        text.push('\n');
    }
    text.into_bytes()
}

/// Reads the table that [`write_layers`] wrote into the rows of `history`, and
/// returns the layers' names.
///
/// # Errors
/// [`SessionError::Read`], or [`SessionError::Content`] with the line.
pub fn read_layers(path: &Path, history: &mut History) -> Result<Vec<String>, SessionError> {
    let text = read_text(path)?;
    let content = |message: String| SessionError::Content {
        path: path.to_owned(),
        message,
    };
    let mut lines = text.lines();
    let layers: Vec<String> = lines
        .next()
        .unwrap_or_default()
        .split(',')
        .filter_map(|column| column.strip_prefix("gradient_norm:"))
        .map(str::to_owned)
        .collect();
    let mut filled = History::new();
    for (index, line) in lines.enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        let step = cells.first().and_then(|cell| cell.parse::<u64>().ok());
        let Some(step) = step.filter(|_| cells.len() == 1 + 2 * layers.len()) else {
            return Err(content(format!(
                "line {}: expected a step and {} numbers",
                index + 2,
                2 * layers.len()
            )));
        };
        let numbers = |cells: &[&str]| -> Result<Vec<f32>, SessionError> {
            cells
                .iter()
                .filter(|cell| !cell.is_empty())
                .map(|cell| {
                    cell.parse().map_err(|_| {
                        content(format!("line {}: {cell:?} is not a number", index + 2))
                    })
                })
                .collect()
        };
        if let Some(row) = history.row(step) {
            let mut row = row.clone();
            row.layer_gradient_norms = numbers(&cells[1..=layers.len()])?;
            row.layer_update_ratios = numbers(&cells[1 + layers.len()..])?;
            filled.append(row);
        }
    }
    if filled.len() != history.len() {
        return Err(content(format!(
            "{} of the {} steps of metrics.csv are there; expected all of them",
            filled.len(),
            history.len()
        )));
    }
    *history = filled;
    Ok(layers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> History {
        let mut history = History::new();
        for step in 0..4u64 {
            history.append(MetricRow {
                step,
                train_loss: 1.0 / (step + 1) as f64,
                val_loss: (step % 2 == 0).then_some(0.1 + 0.2),
                learning_rate: 0.1,
                gradient_norm: if step == 3 { f64::INFINITY } else { 2.5 },
                update_norm: (step < 3).then_some(0.3),
                parameter_norm: 4.0,
                sharpness: (step == 1).then_some(12.0),
                layer_gradient_norms: vec![1.5, 2.5],
                layer_update_ratios: if step < 3 {
                    vec![1e-3, f32::INFINITY]
                } else {
                    vec![]
                },
                ..MetricRow::default()
            });
        }
        history
    }

    #[test]
    fn the_tables_read_back_as_the_same_history() {
        let folder = tempfile::tempdir().unwrap();
        let (metrics, layers) = (folder.path().join("m.csv"), folder.path().join("l.csv"));
        let mut text = Vec::new();
        history().write_csv(&mut text).unwrap();
        std::fs::write(&metrics, text).unwrap();
        let names = vec!["0".to_owned(), "2".to_owned()];
        std::fs::write(&layers, write_layers(&history(), &names)).unwrap();
        let mut read = read_metrics(&metrics).unwrap();
        assert_eq!(read_layers(&layers, &mut read).unwrap(), names);
        assert_eq!(read, history());
    }

    #[test]
    fn a_spoiled_table_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        std::fs::write(
            &path,
            format!("{CSV_HEADER}\n0,1,,,,0.1,1,1,1,\n1,x,,,,0.1,1,1,1,\n"),
        )
        .unwrap();
        let message = read_metrics(&path).unwrap_err().to_string();
        assert!(message.contains("line 3: train_loss is \"x\""), "{message}");
        std::fs::write(&path, "a,b\n").unwrap();
        assert!(
            read_metrics(&path)
                .unwrap_err()
                .to_string()
                .contains("first line")
        );
    }
}
