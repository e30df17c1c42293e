//! Reading the user's files, gzipped or not.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::DataError;

/// Larger files (after decompression) are refused.
const LARGEST: u64 = 4 << 30;

/// The first two bytes of a gzip stream.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The bytes of a file, decompressed if they are gzipped (whatever the file is
/// called).
///
/// # Errors
///
/// A file that cannot be read, is broken off, or is larger than 4 GiB.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    let failed = |source| DataError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.starts_with(&GZIP) {
        bytes = decompress(&bytes).map_err(|source| {
            DataError::file(path, format!("this gzip file is damaged: {source}"))
        })?;
    }
    if bytes.len() as u64 > LARGEST {
        return Err(DataError::file(
            path,
            "the file is larger than 4 GiB, expected a data set that fits in memory",
        ));
    }
    Ok(bytes)
}

/// The content of a gzip stream.
///
/// # Errors
///
/// A stream that is damaged or broken off.
pub(super) fn decompress(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    MultiGzDecoder::new(bytes)
        .take(LARGEST + 1)
        .read_to_end(&mut content)?;
    Ok(content)
}
