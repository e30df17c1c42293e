//! Tables of the user's own: comma-separated values.

use std::path::Path;

use csv::{Position, ReaderBuilder, StringRecord, Trim};

use super::{DataError, DataSource, Dataset, InputShape, Targets, file};
use crate::recipe::{Choice, Component, Field, Kind};

/// A table of numbers, one sample a line, with a target column.
pub(super) struct Csv;

static KIND: Kind = Kind {
    key: "csv",
    title: "CSV file",
    help: "A table of your own: one sample a line, columns of numbers, one of them the target \
           (a class or a number); may be gzipped.",
    fields: &[
        Field::path("path", "File", "The table, relative to the recipe."),
        Field::text(
            "target",
            "Target column",
            "Name of the target column, or its number counted from 1; empty means the last.",
            "",
        ),
        Field::choice(
            "task",
            "Task",
            "Whether the target is a class or a number.",
            "auto",
            &[
                choice(
                    "auto",
                    "Automatic",
                    "Classes if the targets are words or at most 20 different whole numbers, \
                     numbers otherwise.",
                ),
                choice(
                    "classification",
                    "Classification",
                    "Every different target is a class.",
                ),
                choice("regression", "Regression", "The target is a number."),
            ],
        ),
        Field::choice(
            "header",
            "Header",
            "Whether the first line names the columns.",
            "auto",
            &[
                choice(
                    "auto",
                    "Automatic",
                    "It does if it has a word above a number.",
                ),
                choice("yes", "Yes", "The first line names the columns."),
                choice("no", "No", "The first line is a sample."),
            ],
        ),
        Field::choice(
            "separator",
            "Separator",
            "What stands between two columns.",
            "auto",
            &[
                choice(
                    "auto",
                    "Automatic",
                    "The one that is most frequent in the first line.",
                ),
                choice("comma", "Comma", "Comma-separated values."),
                choice(
                    "semicolon",
                    "Semicolon",
                    "Values separated by semicolons, with decimal points.",
                ),
                choice("tab", "Tab", "Values separated by tabs."),
            ],
        ),
    ],
};

const fn choice(key: &'static str, label: &'static str, help: &'static str) -> Choice {
    Choice { key, label, help }
}

/// More different whole numbers than this are taken for a regression.
const MOST_CLASSES: usize = 20;

impl DataSource for Csv {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn load(&self, component: &Component, _: u64, base_dir: &Path) -> Result<Dataset, DataError> {
        let path = component.path("path", base_dir);
        let options = Options {
            target: component.text("target").trim(),
            task: component.text("task"),
            header: component.text("header"),
            separator: component.text("separator"),
        };
        parse(&file::read(&path)?, &path, &options)
    }
}

/// What some programs put before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The values of the fields.
pub(super) struct Options<'a> {
    pub target: &'a str,
    pub task: &'a str,
    pub header: &'a str,
    pub separator: &'a str,
}

/// The data set in a table.
///
/// # Errors
///
/// Lines of unequal length, cells that are not finite numbers, a target column
/// that is not there, a table without samples or without features.
pub(super) fn parse(
    bytes: &[u8],
    path: &Path,
    options: &Options<'_>,
) -> Result<Dataset, DataError> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut records = records(bytes, path, options.separator)?;
    let Some(first) = records.first() else {
        return Err(DataError::file(path, "the file is empty, expected a table"));
    };
    let columns = first.len();
    for record in &records {
        if record.len() != columns {
            let message = format!(
                "the line has {} columns, expected {columns} as in the first line",
                record.len()
            );
            return Err(DataError::line(
                path,
                line(bytes, record.position()),
                message,
            ));
        }
    }
    let header = match options.header {
        "yes" => true,
        "no" => false,
        _ => has_header(&records),
    };
    let names: Vec<String> = if header {
        records.remove(0).iter().map(str::to_owned).collect()
    } else {
        (1..=columns)
            .map(|number| format!("column {number}"))
            .collect()
    };
    if records.is_empty() {
        let message = "the table has a header but no samples, expected one sample a line";
        return Err(DataError::file(path, message));
    }
    if columns < 2 {
        let message = "the table has one column, expected at least one feature and the target";
        return Err(DataError::file(path, message));
    }
    let table = Table {
        path,
        bytes,
        records,
        target: target_column(options.target, &names, path)?,
        names,
    };
    table.dataset(options.task)
}

fn records(bytes: &[u8], path: &Path, separator: &str) -> Result<Vec<StringRecord>, DataError> {
    let delimiter = match separator {
        "comma" => b',',
        "semicolon" => b';',
        "tab" => b'\t',
        _ => {
            let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or(&[]);
            let count = |wanted: u8| first.iter().filter(|byte| **byte == wanted).count();
            // The last maximum wins, so comma where nothing decides.
            [b'\t', b';', b',']
                .into_iter()
                .max_by_key(|delimiter| count(*delimiter))
                .unwrap_or(b',')
        }
    };
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .delimiter(delimiter)
        .from_reader(bytes);
    reader
        .records()
        .map(|record| {
            record.map_err(|error| {
                let message = match error.kind() {
                    csv::ErrorKind::Utf8 { .. } => "this is not UTF-8 text".to_owned(),
                    _ => error.to_string(),
                };
                DataError::line(path, line(bytes, error.position()), message)
            })
        })
        .collect()
}

/// The line (from 1) on which a record begins. The reader's own count falls
/// behind at empty lines and at carriage returns.
fn line(bytes: &[u8], position: Option<&Position>) -> u64 {
    let start = position.map_or(0, |position| position.byte() as usize);
    let (before, after) = bytes.split_at(start.min(bytes.len()));
    let breaks = after
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .chain(before)
        .filter(|byte| **byte == b'\n')
        .count();
    breaks as u64 + 1
}

fn number(cell: &str) -> Option<f64> {
    cell.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Whether the first line names the columns: it has a word where the second
/// has a number, or no number at all where there is no second.
fn has_header(records: &[StringRecord]) -> bool {
    match records {
        [] => false,
        [only] => only.iter().all(|cell| number(cell).is_none()),
        [first, second, ..] => first
            .iter()
            .zip(second)
            .any(|(above, below)| number(above).is_none() && number(below).is_some()),
    }
}

fn target_column(target: &str, names: &[String], path: &Path) -> Result<usize, DataError> {
    if target.is_empty() {
        return Ok(names.len() - 1);
    }
    if let Some(index) = names.iter().position(|name| name == target) {
        return Ok(index);
    }
    if let Ok(position) = target.parse::<usize>()
        && (1..=names.len()).contains(&position)
    {
        return Ok(position - 1);
    }
    let near = names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name, target), name))
        .filter(|(distance, _)| *distance <= 2.max(target.chars().count() / 3))
        .min()
        .map(|(_, name)| format!("; did you mean {name}?"))
        .unwrap_or_default();
    let shown: Vec<&str> = names.iter().take(12).map(String::as_str).collect();
    let more = if names.len() > shown.len() {
        ", …"
    } else {
        ""
    };
    Err(DataError::file(
        path,
        format!(
            "there is no column {target}, expected a number from 1 to {} or one of {}{more}{near}",
            names.len(),
            shown.join(", ")
        ),
    ))
}

struct Table<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    names: Vec<String>,
    /// All as long as `names`.
    records: Vec<StringRecord>,
    target: usize,
}

impl Table<'_> {
    fn dataset(&self, task: &str) -> Result<Dataset, DataError> {
        let features = self.names.len() - 1;
        let mut inputs = Vec::with_capacity(self.records.len() * features);
        for record in &self.records {
            for (column, cell) in record.iter().enumerate() {
                if column != self.target {
                    inputs.push(self.number(record, column, cell)?);
                }
            }
        }
        let classification = match task {
            "classification" => true,
            "regression" => false,
            _ => self.looks_like_classes(),
        };
        let targets = if classification {
            self.classes()?
        } else {
            self.values()?
        };
        Ok(Dataset {
            inputs,
            shape: InputShape::Vector(features),
            targets,
            feature_names: self
                .names
                .iter()
                .enumerate()
                .filter(|(column, _)| *column != self.target)
                .map(|(_, name)| name.clone())
                .collect(),
        })
    }

    fn number(&self, record: &StringRecord, column: usize, cell: &str) -> Result<f64, DataError> {
        number(cell).ok_or_else(|| {
            let found = if cell.is_empty() {
                "is empty".to_owned()
            } else {
                format!("is \"{}\"", cell.chars().take(40).collect::<String>())
            };
            let message = format!("{} {found}, expected a finite number", self.column(column));
            DataError::line(self.path, line(self.bytes, record.position()), message)
        })
    }

    fn column(&self, column: usize) -> String {
        let plain = format!("column {}", column + 1);
        match self.names.get(column) {
            Some(name) if *name != plain => format!("{plain} ({name})"),
            _ => plain,
        }
    }

    fn targets(&self) -> impl Iterator<Item = &str> {
        self.records
            .iter()
            .map(|record| record.get(self.target).unwrap_or_default())
    }

    /// Words, or few different whole numbers, are classes. Words among numbers
    /// that are not whole are mistakes in a regression.
    fn looks_like_classes(&self) -> bool {
        let mut numbers: Vec<f64> = self.targets().filter_map(number).collect();
        if numbers.iter().any(|number| number.fract() != 0.0) {
            return false;
        }
        if numbers.len() < self.records.len() {
            return true;
        }
        numbers.sort_by(f64::total_cmp);
        numbers.dedup();
        numbers.len() <= MOST_CLASSES && numbers.len() < self.records.len()
    }

    fn values(&self) -> Result<Targets, DataError> {
        let values: Result<Vec<f64>, DataError> = self
            .records
            .iter()
            .zip(self.targets())
            .map(|(record, cell)| self.number(record, self.target, cell))
            .collect();
        Ok(Targets::Values {
            values: values?,
            dims: 1,
        })
    }

    /// Classes in the order of their numbers, or of the alphabet where they are
    /// words.
    fn classes(&self) -> Result<Targets, DataError> {
        for (record, cell) in self.records.iter().zip(self.targets()) {
            if cell.is_empty() {
                let message = format!("{} is empty, expected a class", self.column(self.target));
                return Err(DataError::line(
                    self.path,
                    line(self.bytes, record.position()),
                    message,
                ));
            }
        }
        let numeric = self.targets().all(|cell| number(cell).is_some());
        let order = |a: &str, b: &str| match (number(a), number(b)) {
            // `0.0 +` makes −0 and 0 the same class.
            (Some(a), Some(b)) if numeric => (0.0 + a).total_cmp(&(0.0 + b)),
            _ => a.cmp(b),
        };
        let mut names: Vec<&str> = self.targets().collect();
        // Stable: of two spellings of a number the first gives the name.
        names.sort_by(|a, b| order(a, b));
        names.dedup_by(|a, b| order(a, b).is_eq());
        let labels = self
            .targets()
            .map(|cell| {
                names
                    .binary_search_by(|name| order(name, cell))
                    .map_or(0, |index| index as u32)
            })
            .collect();
        Ok(Targets::Classes {
            labels,
            names: names.into_iter().map(str::to_owned).collect(),
        })
    }
}
