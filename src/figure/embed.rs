//! Reading back what made a figure from the file it was written to.

use std::collections::BTreeMap;
use std::io::Cursor;

use resvg::usvg::roxmltree;

use super::png::KEYWORD_PREFIX;
use super::svg::METADATA_NAMESPACE;

/// Why a file could not be read as a figure.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// Neither PNG nor SVG.
    #[error("the file is neither a PNG nor an SVG image")]
    Format,
    /// A damaged PNG.
    #[error("the PNG image is damaged: {0}")]
    Png(#[from] ::png::DecodingError),
    /// A damaged SVG.
    #[error("the SVG image is damaged: {0}")]
    Svg(#[from] roxmltree::Error),
}

/// The key of the recipe among the metadata.
pub const RECIPE_KEY: &str = "recipe";
/// The name of what says which program made a figure.
pub const PROGRAM_KEY: &str = "program";
/// This program with its version.
pub const PROGRAM: &str = concat!("losscape ", env!("CARGO_PKG_VERSION"));

/// The recipe (TOML) in the bytes of an SVG or PNG file; `None` where the
/// image carries none.
///
/// # Errors
/// When the bytes are no SVG or PNG image.
pub fn read_embedded_recipe(bytes: &[u8]) -> Result<Option<String>, EmbedError> {
    Ok(read_embedded_metadata(bytes)?.remove(RECIPE_KEY))
}

/// The metadata in the bytes of an SVG or PNG file, as in
/// [`Figure::metadata`](super::Figure::metadata); empty where the image
/// carries none.
///
/// # Errors
/// When the bytes are no SVG or PNG image.
pub fn read_embedded_metadata(bytes: &[u8]) -> Result<BTreeMap<String, String>, EmbedError> {
    const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
    if bytes.starts_with(PNG_SIGNATURE) {
        return read_png(bytes);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| EmbedError::Format)?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with('<') {
        return Err(EmbedError::Format);
    }
    read_svg(text)
}

fn read_png(bytes: &[u8]) -> Result<BTreeMap<String, String>, EmbedError> {
    // The entries stand before the pixels: nothing is decompressed.
    let reader = ::png::Decoder::new(Cursor::new(bytes)).read_info()?;
    let mut found = BTreeMap::new();
    for entry in &reader.info().utf8_text {
        if let Some(key) = entry.keyword.strip_prefix(KEYWORD_PREFIX) {
            found.insert(key.to_owned(), entry.get_text()?);
        }
    }
    Ok(found)
}

fn read_svg(text: &str) -> Result<BTreeMap<String, String>, EmbedError> {
    let document = roxmltree::Document::parse(text)?;
    if document.root_element().tag_name().name() != "svg" {
        return Err(EmbedError::Format);
    }
    Ok(document
        .descendants()
        .filter(|node| node.has_tag_name((METADATA_NAMESPACE, "entry")))
        .filter_map(|node| {
            let key = node.attribute("key")?;
            // Comments and editors may have split the text.
            let value = node
                .descendants()
                .filter(|n| n.is_text())
                .filter_map(|n| n.text());
            Some((key.to_owned(), value.collect()))
        })
        .collect())
}
