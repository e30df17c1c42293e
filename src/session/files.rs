//! Reading and writing whole files.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::SessionError;

/// Writes a file so that whoever reads it finds the old content or the new one,
/// never a part: the content goes to a temporary file beside it first. Makes
/// the folder if it is not there.
///
/// # Errors
/// [`SessionError::Write`] with the file's name.
pub fn write_atomically(path: &Path, content: &[u8]) -> Result<(), SessionError> {
    let attempt = || -> std::io::Result<()> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder)?;
        let name = path
            .file_name()
            .ok_or_else(|| std::io::Error::other("expected the name of a file"))?;
        let mut temporary = name.to_owned();
        temporary.push(format!(".{}.part", std::process::id()));
        let temporary = folder.join(temporary);
        let outcome = fs::File::create(&temporary)
            .and_then(|mut file| {
                file.write_all(content)?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&temporary, path));
        if outcome.is_err() {
            // The first error is the one to tell; what is left is a stray file.
            let _ = fs::remove_file(&temporary);
        }
        outcome
    };
    attempt().map_err(|source| SessionError::Write {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.txt");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path().join("a")).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_in_the_way_is_told_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomically(folder.path(), b"x").unwrap_err();
        assert!(error.to_string().contains("cannot write"));
        let file = folder.path().join("file");
        write_atomically(&file, b"x").unwrap();
        assert!(write_atomically(&file.join("inside"), b"x").is_err());
    }
}
