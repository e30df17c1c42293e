//! Reading and writing whole files.

use std::fs;
use std::path::Path;

use super::SessionError;

/// [`crate::files::write_atomically`] with an error that names the file.
///
/// # Errors
/// [`SessionError::Write`] with the file's name.
pub fn write_atomically(path: &Path, content: &[u8]) -> Result<(), SessionError> {
    crate::files::write_atomically(path, content).map_err(|source| SessionError::Write {
        path: path.to_owned(),
        source,
    })
}

/// Reads a whole file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, SessionError> {
    fs::read(path).map_err(|source| SessionError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Reads a whole text file.
pub(super) fn read_text(path: &Path) -> Result<String, SessionError> {
    fs::read_to_string(path).map_err(|source| SessionError::Read {
        path: path.to_owned(),
        source,
    })
}
