//! Image files in the IDX format of MNIST and Fashion-MNIST.

use std::path::Path;

use super::{DataError, DataSource, Dataset, InputShape, Targets, file, split};
use crate::recipe::{Component, Field, Kind};

/// Images and labels in two IDX files (LeCun, Cortes and Burges, "The MNIST
/// database of handwritten digits", section "File formats"), possibly gzipped.
/// Pixels are scaled to 0 … 1.
pub(super) struct Idx;

static KIND: Kind = Kind {
    key: "idx",
    title: "IDX images (MNIST)",
    help: "Images and labels in the files of MNIST or Fashion-MNIST, gzipped or not.",
    fields: &[
        Field::path(
            "images",
            "Images",
            "The file of images, such as train-images-idx3-ubyte.gz, relative to the recipe.",
        ),
        Field::path(
            "labels",
            "Labels",
            "The file of labels, such as train-labels-idx1-ubyte.gz, relative to the recipe.",
        ),
        Field::text_list(
            "names",
            "Class names",
            "What the classes are called, in the order of their numbers; empty calls them 0, 1, …",
            &[],
        ),
    ],
};

/// Unsigned bytes in three dimensions: images.
const IMAGES_MAGIC: u32 = 0x0803;
/// Unsigned bytes in one dimension: labels.
const LABELS_MAGIC: u32 = 0x0801;

impl DataSource for Idx {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn load(
        &self,
        component: &Component,
        seed: u64,
        base_dir: &Path,
    ) -> Result<Dataset, DataError> {
        let images_path = component.path("images", base_dir);
        let labels_path = component.path("labels", base_dir);
        let image_bytes = file::read(&images_path)?;
        let images = parse_images(&image_bytes, &images_path)?;
        let label_bytes = file::read(&labels_path)?;
        let labels = parse_labels(&label_bytes, &labels_path)?;
        if labels.len() != images.count {
            return Err(DataError::file(
                &labels_path,
                format!(
                    "the file holds {} labels, expected {} as there are images in {}",
                    labels.len(),
                    images.count,
                    images_path.display()
                ),
            ));
        }
        let classes = labels.iter().max().map_or(0, |label| *label as usize + 1);
        let names = names(component, classes)?;
        // Limited here already, so that a few images of a large file do not
        // need the memory of all.
        let chosen = split::limited(labels.len(), component.count("limit"), seed);
        let size = images.height * images.width;
        let mut inputs = Vec::with_capacity(chosen.len() * size);
        for index in &chosen {
            let pixels = &images.pixels[index * size..(index + 1) * size];
            inputs.extend(pixels.iter().map(|pixel| f64::from(*pixel) / 255.0));
        }
        Ok(Dataset {
            inputs,
            shape: InputShape::Image {
                channels: 1,
                height: images.height,
                width: images.width,
            },
            targets: Targets::Classes {
                labels: chosen
                    .iter()
                    .map(|index| u32::from(labels[*index]))
                    .collect(),
                names,
            },
            feature_names: Vec::new(),
        })
    }
}

fn names(component: &Component, classes: usize) -> Result<Vec<String>, DataError> {
    let given = component.texts("names");
    if given.is_empty() {
        return Ok((0..classes).map(|class| class.to_string()).collect());
    }
    if given.len() < classes {
        return Err(DataError::options(
            "names",
            format!(
                "data.names has {} names, expected {classes} as there are classes in the labels",
                given.len()
            ),
        ));
    }
    Ok(given.into_iter().map(str::to_owned).collect())
}

/// The content of a file of images.
#[derive(Debug)]
pub(super) struct Images<'a> {
    pub count: usize,
    pub height: usize,
    pub width: usize,
    /// `[count, height, width]`
    pub pixels: &'a [u8],
}

/// Reads a (decompressed) file of images.
///
/// # Errors
///
/// A wrong magic number, a size that does not fit, no pixels.
pub(super) fn parse_images<'a>(bytes: &'a [u8], path: &Path) -> Result<Images<'a>, DataError> {
    let ([count, height, width], pixels) = header(bytes, path, IMAGES_MAGIC, "images")?;
    let expected = count
        .checked_mul(height)
        .and_then(|product| product.checked_mul(width));
    if expected != Some(pixels.len()) {
        return Err(DataError::file(
            path,
            format!(
                "the file holds {} bytes of pixels, expected {count} images of {height}×{width} \
                 as its header says",
                pixels.len()
            ),
        ));
    }
    if pixels.is_empty() {
        let message = format!(
            "the file holds {count} images of {height}×{width}, expected at least one pixel"
        );
        return Err(DataError::file(path, message));
    }
    Ok(Images {
        count,
        height,
        width,
        pixels,
    })
}

/// Reads a (decompressed) file of labels.
///
/// # Errors
///
/// A wrong magic number or a size that does not fit.
pub(super) fn parse_labels<'a>(bytes: &'a [u8], path: &Path) -> Result<&'a [u8], DataError> {
    let ([count], labels) = header(bytes, path, LABELS_MAGIC, "labels")?;
    if labels.len() != count {
        let message = format!(
            "the file holds {} labels, expected {count} as its header says",
            labels.len()
        );
        return Err(DataError::file(path, message));
    }
    Ok(labels)
}

/// The sizes in the header and the bytes after it.
fn header<'a, const DIMENSIONS: usize>(
    bytes: &'a [u8],
    path: &Path,
    magic: u32,
    what: &str,
) -> Result<([usize; DIMENSIONS], &'a [u8]), DataError> {
    let word = |index: usize| {
        let bytes = bytes.get(4 * index..4 * index + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let length = 4 * (1 + DIMENSIONS);
    let found = word(0);
    if let Some(found) = found
        && found != magic
    {
        let hint = match found {
            IMAGES_MAGIC => " (this is a file of images)",
            LABELS_MAGIC => " (this is a file of labels)",
            _ => "",
        };
        return Err(DataError::file(
            path,
            format!(
                "the file begins with {found:#010x}{hint}, expected {magic:#010x} for {what} of \
                 unsigned bytes in IDX format"
            ),
        ));
    }
    let mut sizes = [0; DIMENSIONS];
    for (index, size) in sizes.iter_mut().enumerate() {
        let Some(value) = word(index + 1).and_then(|value| usize::try_from(value).ok()) else {
            return Err(DataError::file(
                path,
                format!(
                    "the file ends after {} bytes, expected the {length} bytes of an IDX header",
                    bytes.len()
                ),
            ));
        };
        *size = value;
    }
    Ok((sizes, bytes.get(length..).unwrap_or_default()))
}
