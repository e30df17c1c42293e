//! Why a data set cannot be used.

use std::path::{Path, PathBuf};

/// Why a data set cannot be used; each is one sentence.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The file cannot be opened or read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file does not hold what was expected.
    #[error("{}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected.
        message: String,
    },
    /// A line of a text file does not hold what was expected.
    #[error("{}, line {line}: {message}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What was found, in which column, and what was expected.
        message: String,
    },
    /// The data and the recipe's options do not go together.
    #[error("{message}")]
    Options {
        /// The key of the recipe at fault, like `data.label_noise`.
        key: String,
        /// What was found and what was expected.
        message: String,
    },
}

impl DataError {
    pub(super) fn file(path: &Path, message: impl Into<String>) -> DataError {
        DataError::File {
            path: path.to_owned(),
            message: message.into(),
        }
    }

    pub(super) fn line(path: &Path, line: u64, message: impl Into<String>) -> DataError {
        DataError::Line {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }

    pub(super) fn options(key: &str, message: impl Into<String>) -> DataError {
        DataError::Options {
            key: format!("data.{key}"),
            message: message.into(),
        }
    }
}
