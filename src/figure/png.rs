//! Figures as PNG: the SVG rasterised with the bundled fonts only, so that the
//! picture is the same on every machine.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, fontdb};

use super::fonts::{MATH, SANS_FAMILY, SANS_REGULAR, SANS_SEMIBOLD};
use super::layers::Raster;
use super::model::Figure;
use super::svg::{self, SvgOptions};

/// Why a figure could not be rasterised.
#[derive(Debug, thiserror::Error)]
pub enum RasterError {
    /// The SVG is not one.
    #[error("the SVG could not be read: {0}")]
    Svg(#[from] usvg::Error),
    /// No image of this size can be made.
    #[error("an image of {width}×{height} pixels is not possible; at most {LARGEST} a side are")]
    Size {
        /// Wanted columns.
        width: u32,
        /// Wanted rows.
        height: u32,
    },
    /// The PNG could not be written.
    #[error("the PNG could not be written: {0}")]
    Encoding(#[from] png::EncodingError),
}

/// Pixels along one side of an image, at most.
pub const LARGEST: u32 = 20_000;

/// Prefix of the PNG text entries that hold the figure's metadata.
pub(super) const KEYWORD_PREFIX: &str = "losscape:";

static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    for font in [SANS_REGULAR, SANS_SEMIBOLD, MATH] {
        fonts.load_font_source(fontdb::Source::Binary(Arc::new(font)));
    }
    fonts.set_sans_serif_family(SANS_FAMILY);
    Arc::new(fonts)
});

/// How [`usvg`] reads an SVG here: bundled fonts, no files, no network.
pub fn usvg_options() -> usvg::Options<'static> {
    usvg::Options {
        font_family: SANS_FAMILY.into(),
        fontdb: FONTS.clone(),
        image_href_resolver: usvg::ImageHrefResolver {
            resolve_string: Box::new(|_, _| None),
            ..usvg::ImageHrefResolver::default()
        },
        ..usvg::Options::default()
    }
}

/// Draws a figure `pixel_width` pixels wide; its proportions are those of the
/// options. Rows from the top: red, green, blue, opacity, not premultiplied.
///
/// # Errors
/// When the size is zero or too large.
pub fn rasterize(
    figure: &Figure,
    options: &SvgOptions,
    pixel_width: u32,
) -> Result<Raster, RasterError> {
    rasterize_svg(&svg::write(figure, options), pixel_width)
}

/// Draws an SVG `pixel_width` pixels wide.
///
/// # Errors
/// When the text is not an SVG, or the size is zero or too large.
pub fn rasterize_svg(svg: &str, pixel_width: u32) -> Result<Raster, RasterError> {
    let tree = usvg::Tree::from_str(svg, &usvg_options())?;
    let size = tree.size();
    let scale = pixel_width as f32 / size.width();
    let height = (size.height() * scale).round() as u32;
    let refused = || RasterError::Size {
        width: pixel_width,
        height,
    };
    if pixel_width > LARGEST || height > LARGEST {
        return Err(refused());
    }
    let mut pixmap = Pixmap::new(pixel_width, height).ok_or_else(refused)?;
    let fit = Transform::from_scale(scale, height as f32 / size.height());
    resvg::render(&tree, fit, &mut pixmap.as_mut());
    let rgba = pixmap
        .pixels()
        .iter()
        .flat_map(|p| {
            let c = p.demultiply();
            [c.red(), c.green(), c.blue(), c.alpha()]
        })
        .collect();
    Ok(Raster::new(pixel_width as usize, height as usize, rgba))
}

/// Writes a figure as PNG, `pixel_width` pixels wide, with its metadata as
/// international text entries and its resolution such that it prints as large
/// as the SVG (96 CSS pixels to the inch).
///
/// # Errors
/// When the size is zero or too large.
pub fn write(
    figure: &Figure,
    options: &SvgOptions,
    pixel_width: u32,
) -> Result<Vec<u8>, RasterError> {
    let raster = rasterize(figure, options, pixel_width)?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, raster.width as u32, raster.height as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let per_metre = f64::from(pixel_width) / options.width * 96.0 / 0.0254;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre.round() as u32,
        yppu: per_metre.round() as u32,
        unit: png::Unit::Meter,
    }));
    let mut entry = |keyword: String, text: &str| {
        if text.is_empty() {
            return Ok(());
        }
        // The format ends a text at a zero byte.
        encoder.add_itxt_chunk(keyword, text.replace('\0', "\u{fffd}"))
    };
    entry("Title".into(), figure.title.as_deref().unwrap_or(""))?;
    entry("Description".into(), &figure.description)?;
    for (key, value) in &figure.metadata {
        entry(format!("{KEYWORD_PREFIX}{key}"), value)?;
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&raster.rgba)?;
    writer.finish()?;
    Ok(bytes)
}

/// Pixels as PNG, for embedding. An image without pixels gives no bytes.
pub fn encode(raster: &Raster) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, raster.width as u32, raster.height as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&raster.rgba));
    // Memory takes every byte; only an empty image is refused.
    match written {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}
