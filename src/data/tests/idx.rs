use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;
use crate::data::InputShape;
use crate::data::idx::{parse_images, parse_labels};

fn header(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// `count` images of 2×3 pixels, all pixels of image i being i.
fn images(count: u8) -> Vec<u8> {
    let mut bytes = header(&[0x0803, u32::from(count), 2, 3]);
    bytes.extend((0..count).flat_map(|index| [index; 6]));
    bytes
}

/// Labels 0, 1, 2, 0, 1, …
fn labels(count: u8) -> Vec<u8> {
    let mut bytes = header(&[0x0801, u32::from(count)]);
    bytes.extend((0..count).map(|index| index % 3));
    bytes
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn from_files(
    images: &[u8],
    labels: &[u8],
    change: impl FnOnce(Component) -> Component,
) -> Result<PreparedData, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("images"), images).unwrap();
    std::fs::write(folder.path().join("labels"), labels).unwrap();
    let component = change(
        component("idx")
            .with("images", "images")
            .with("labels", "labels")
            .with("validation_fraction", 0.0),
    );
    prepare(&component, 0, folder.path()).map_err(|error| {
        let prefix = format!("{}/", folder.path().display());
        error.to_string().replace(&prefix, "")
    })
}

#[test]
fn images_and_labels() {
    let data = from_files(&images(30), &labels(30), |component| component).unwrap();
    let train = data.train;
    let shape = InputShape::Image {
        channels: 1,
        height: 2,
        width: 3,
    };
    assert_eq!(train.shape, shape);
    assert_eq!(train.len(), 30);
    assert_eq!(train.class_names(), ["0", "1", "2"]);
    assert_eq!(train.class_counts(), [10, 10, 10]);
    assert_eq!(train.input(17), [17.0 / 255.0; 6]);
}

#[test]
fn gzipped_files_are_the_same() {
    let plain = from_files(&images(30), &labels(30), |component| component).unwrap();
    let zipped = from_files(&gzipped(&images(30)), &gzipped(&labels(30)), |c| c).unwrap();
    assert_eq!(plain, zipped);
    let broken = &gzipped(&images(200))[..20];
    let message = from_files(broken, &labels(200), |c| c).unwrap_err();
    assert!(
        message.starts_with("images: this gzip file is damaged"),
        "{message}"
    );
}

#[test]
fn the_limit_and_the_names() {
    let data = from_files(&images(200), &labels(200), |component| {
        component
            .with("limit", 20)
            .with("names", vec!["shirt", "boot", "bag"])
    })
    .unwrap();
    let train = data.train;
    assert_eq!(train.len(), 20);
    assert_eq!(train.class_names(), ["shirt", "boot", "bag"]);
    for index in 0..20 {
        let image = (train.input(index)[0] * 255.0).round() as u32;
        assert_eq!(
            train.labels().unwrap()[index],
            image % 3,
            "pairs stay together"
        );
    }
    let message = from_files(&images(9), &labels(9), |component| {
        component.with("names", vec!["shirt"])
    });
    assert_eq!(
        message.unwrap_err(),
        "data.names has 1 names, expected 3 as there are classes in the labels"
    );
}

#[test]
fn damaged_files() {
    let refused = |images: &[u8], labels: &[u8]| from_files(images, labels, |c| c).unwrap_err();
    assert_eq!(
        refused(&labels(9), &labels(9)),
        "images: the file begins with 0x00000801 (this is a file of labels), expected 0x00000803 \
         for images of unsigned bytes in IDX format"
    );
    assert_eq!(
        refused(&images(9), &images(9)),
        "labels: the file begins with 0x00000803 (this is a file of images), expected 0x00000801 \
         for labels of unsigned bytes in IDX format"
    );
    assert_eq!(
        refused(b"GIF89a..", &labels(9)),
        "images: the file begins with 0x47494638, expected 0x00000803 for images of unsigned \
         bytes in IDX format"
    );
    assert_eq!(
        refused(&images(9)[..10], &labels(9)),
        "images: the file ends after 10 bytes, expected the 16 bytes of an IDX header"
    );
    assert_eq!(
        refused(b"", &labels(9)),
        "images: the file ends after 0 bytes, expected the 16 bytes of an IDX header"
    );
    assert_eq!(
        refused(&images(9)[..60], &labels(9)),
        "images: the file holds 44 bytes of pixels, expected 9 images of 2×3 as its header says"
    );
    assert_eq!(
        refused(&images(9), &labels(9)[..12]),
        "labels: the file holds 4 labels, expected 9 as its header says"
    );
    assert_eq!(
        refused(&images(9), &labels(8)),
        "labels: the file holds 8 labels, expected 9 as there are images in images"
    );
    assert_eq!(
        refused(&header(&[0x0803, 0, 28, 28]), &labels(0)),
        "images: the file holds 0 images of 28×28, expected at least one pixel"
    );
    let huge = header(&[0x0803, u32::MAX, u32::MAX, u32::MAX]);
    assert!(refused(&huge, &labels(9)).starts_with("images: the file holds 0 bytes of pixels"));
}

proptest! {
    #[test]
    fn no_bytes_make_the_readers_panic(
        magic in prop::sample::select(vec![0x0801_u32, 0x0803, 7]),
        sizes in prop::collection::vec(prop_oneof![0..4_u32, any::<u32>()], 0..4),
        rest in any::<Vec<u8>>(),
    ) {
        let mut bytes = header(&[magic]);
        bytes.extend(header(&sizes));
        bytes.extend(rest);
        for length in [bytes.len(), bytes.len() / 2, 3.min(bytes.len())] {
            let _ = parse_images(&bytes[..length], Path::new("images"));
            let _ = parse_labels(&bytes[..length], Path::new("labels"));
        }
    }
}
