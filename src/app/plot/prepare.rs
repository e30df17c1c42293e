//! What is computed once for a figure and not for every frame: coordinates on
//! the axes' scales, textures, legends, limits.

use std::collections::BTreeSet;

use eframe::egui::{self, ColorImage, TextureHandle, TextureOptions};

use crate::app::textures::fitting;
use crate::figure::{
    Axes, Contours, Heatmap, Image, Interpolation, Layer, Mosaic, Raster, Scale, Scatter,
    ScatterColors,
};

/// Axes ready to be drawn.
pub(super) struct PreparedAxes {
    /// The axes without what the legend hides.
    pub axes: Axes,
    /// One for each layer of `axes`.
    pub layers: Vec<PreparedLayer>,
    /// Whether cells without a value have to be hatched.
    pub missing: bool,
}

/// What a layer's drawing starts from.
pub(super) enum PreparedLayer {
    /// Coordinates on the scales: one or (for a band) two curves.
    Curves {
        x: Vec<f64>,
        y: Vec<Vec<f64>>,
        /// Whether x never goes back.
        forward: bool,
    },
    /// Contour lines on the scales, level by level.
    Contours(Vec<Vec<Curve>>),
    /// A texture for a heat map or an image.
    Picture(TextureHandle),
    /// Drawn from the layer itself.
    Plain,
}

/// The x and y coordinates of a curve.
pub(super) type Curve = (Vec<f64>, Vec<f64>);

/// A mosaic ready to be drawn: all tiles in one texture.
pub(super) struct PreparedMosaic {
    pub images: Option<Atlas>,
    pub overlays: Option<Atlas>,
}

/// Images of different sizes in a grid of equal cells of one texture.
pub(super) struct Atlas {
    pub texture: TextureHandle,
    columns: usize,
    cell: [usize; 2],
    size: [usize; 2],
    sizes: Vec<[usize; 2]>,
}

impl PreparedAxes {
    pub fn new(
        axes: &Axes,
        hidden: &BTreeSet<String>,
        before: Option<&mut Self>,
        context: &egui::Context,
    ) -> Self {
        let mut shown = axes.clone();
        hide(&mut shown, hidden);
        let mut reusable: Vec<(Layer, TextureHandle)> = before
            .map(|before| {
                let layers = std::mem::take(&mut before.layers);
                std::mem::take(&mut before.axes.layers)
                    .into_iter()
                    .zip(layers)
                    .filter_map(|(layer, prepared)| match prepared {
                        PreparedLayer::Picture(texture) => Some((layer, texture)),
                        _ => None,
                    })
                    .collect()
            })
            .unwrap_or_default();
        let layers = shown
            .layers
            .iter()
            .map(|layer| prepare(layer, &shown, &mut reusable, context))
            .collect();
        Self {
            missing: shown.has_missing_cells(),
            axes: shown,
            layers,
        }
    }
}

fn prepare(
    layer: &Layer,
    axes: &Axes,
    reusable: &mut Vec<(Layer, TextureHandle)>,
    context: &egui::Context,
) -> PreparedLayer {
    let (sx, sy) = (axes.x.scale, axes.y.scale);
    let on = |scale: Scale, values: &[f64]| values.iter().map(|&v| scale.forward(v)).collect();
    match layer {
        Layer::Line(line) => curves(on(sx, &line.x), vec![on(sy, &line.y)]),
        Layer::Scatter(points) => curves(on(sx, &points.x), vec![on(sy, &points.y)]),
        Layer::Stems(stems) => curves(on(sx, &stems.x), vec![on(sy, &stems.y)]),
        Layer::Band(band) => curves(
            on(sx, &band.x),
            vec![on(sy, &band.lower), on(sy, &band.upper)],
        ),
        Layer::Contours(contours) => PreparedLayer::Contours(lines(contours, sx, sy)),
        Layer::Heatmap(_) | Layer::Image(_) => {
            let (name, before) = if reusable.is_empty() {
                ("figure".to_owned(), None)
            } else {
                let (layer, texture) = reusable.remove(0);
                (texture.name(), Some((layer, texture)))
            };
            let picture = match layer {
                Layer::Heatmap(map) => heatmap(map),
                Layer::Image(image) => image_pixels(image),
                _ => (Raster::new(0, 0, Vec::new()), TextureOptions::NEAREST),
            };
            PreparedLayer::Picture(texture(context, name, layer, picture, before))
        }
        _ => PreparedLayer::Plain,
    }
}

fn curves(x: Vec<f64>, y: Vec<Vec<f64>>) -> PreparedLayer {
    let forward = x
        .iter()
        .filter(|v| v.is_finite())
        .try_fold(f64::NEG_INFINITY, |last, &v| (v >= last).then_some(v))
        .is_some();
    PreparedLayer::Curves { x, y, forward }
}

fn lines(contours: &Contours, sx: Scale, sy: Scale) -> Vec<Vec<Curve>> {
    contours
        .levels
        .iter()
        .map(|level| {
            level
                .lines
                .iter()
                .map(|line| {
                    line.iter()
                        .map(|p| (sx.forward(p[0]), sy.forward(p[1])))
                        .unzip()
                })
                .collect()
        })
        .collect()
}

/// How many pixels a side a coarse heat map is interpolated to.
const FINE: usize = 128;

fn heatmap(map: &Heatmap) -> (Raster, TextureOptions) {
    let (columns, rows) = (map.columns(), map.rows());
    if map.interpolation == Interpolation::Nearest || columns == 0 || rows == 0 {
        return (map.pixels(), TextureOptions::NEAREST);
    }
    // Between values, not between colours, and nothing where a value misses.
    let factor = (FINE / columns.max(rows)).clamp(1, 8);
    let missing = map.values.iter().any(|v| v.is_nan());
    if factor == 1 && !missing {
        return (map.pixels(), TextureOptions::LINEAR);
    }
    let factor = factor.max(2);
    let (width, height) = (columns * factor, rows * factor);
    let mut rgba = Vec::with_capacity(width * height * 4);
    for j in (0..height).rev() {
        for i in 0..width {
            let u = (i as f64 + 0.5) / factor as f64;
            let v = (j as f64 + 0.5) / factor as f64;
            rgba.extend(map.color.rgba(map.interpolated(u, v)));
        }
    }
    let options = if missing {
        TextureOptions::NEAREST
    } else {
        TextureOptions::LINEAR
    };
    (Raster::new(width, height, rgba), options)
}

fn image_pixels(image: &Image) -> (Raster, TextureOptions) {
    let options = match image.interpolation {
        Interpolation::Nearest => TextureOptions::NEAREST,
        Interpolation::Bilinear => TextureOptions::LINEAR,
    };
    (image.raster.clone(), options)
}

/// A texture of the pixels, in place of one that was there before. Nothing is
/// uploaded where the layer did not change.
fn texture(
    context: &egui::Context,
    name: String,
    layer: &Layer,
    (raster, options): (Raster, TextureOptions),
    before: Option<(Layer, TextureHandle)>,
) -> TextureHandle {
    match before {
        Some((same, texture)) if same == *layer => texture,
        Some((_, mut texture)) => {
            texture.set(fitting(context, pixels(&raster)), options);
            texture
        }
        None => context.load_texture(name, fitting(context, pixels(&raster)), options),
    }
}

fn pixels(raster: &Raster) -> ColorImage {
    if raster.width == 0 || raster.height == 0 {
        return ColorImage::filled([1, 1], egui::Color32::TRANSPARENT);
    }
    ColorImage::from_rgba_unmultiplied([raster.width, raster.height], &raster.rgba)
}

/// Takes what is hidden out of some axes.
pub(super) fn hide(axes: &mut Axes, hidden: &BTreeSet<String>) {
    if !hidden.is_empty() {
        axes.layers = axes
            .layers
            .iter()
            .filter_map(|layer| without(layer, hidden))
            .collect();
    }
}

/// The layer without what is hidden, if anything is left of it.
fn without(layer: &Layer, hidden: &BTreeSet<String>) -> Option<Layer> {
    if let Layer::Scatter(scatter) = layer
        && let ScatterColors::Classes { classes, names } = &scatter.colors
    {
        let keep: Vec<usize> = (0..scatter.x.len())
            .filter(|&i| {
                let name = classes.get(i).and_then(|&class| names.get(class));
                !name.is_some_and(|name| hidden.contains(name))
            })
            .collect();
        return Some(
            Scatter {
                x: keep
                    .iter()
                    .filter_map(|&i| scatter.x.get(i).copied())
                    .collect(),
                y: keep
                    .iter()
                    .filter_map(|&i| scatter.y.get(i).copied())
                    .collect(),
                colors: ScatterColors::Classes {
                    classes: keep
                        .iter()
                        .filter_map(|&i| classes.get(i).copied())
                        .collect(),
                    names: names.clone(),
                },
                ..scatter.clone()
            }
            .into(),
        );
    }
    let name = match layer {
        Layer::Line(line) => line.name.as_ref(),
        Layer::Band(band) => band.name.as_ref(),
        Layer::Scatter(scatter) => scatter.name.as_ref(),
        Layer::Stems(stems) => stems.name.as_ref(),
        Layer::Bars(bars) => bars.name.as_ref(),
        Layer::Arrow(arrow) => arrow.name.as_ref(),
        _ => None,
    };
    (!name.is_some_and(|name| hidden.contains(name))).then(|| layer.clone())
}

impl PreparedMosaic {
    pub fn new(mosaic: &Mosaic, before: Option<&mut Self>, context: &egui::Context) -> Self {
        let (images, overlays) = before.map_or((None, None), |before| {
            (before.images.take(), before.overlays.take())
        });
        let pictures: Vec<&Raster> = mosaic.tiles.iter().map(|tile| &tile.image).collect();
        let over: Vec<&Raster> = if mosaic.tiles.iter().any(|tile| tile.overlay.is_some()) {
            let tiles = mosaic.tiles.iter();
            tiles
                .map(|tile| tile.overlay.as_ref().unwrap_or(&EMPTY))
                .collect()
        } else {
            Vec::new()
        };
        Self {
            images: Atlas::new(&pictures, images, context),
            overlays: Atlas::new(&over, overlays, context),
        }
    }
}

static EMPTY: std::sync::LazyLock<Raster> =
    std::sync::LazyLock::new(|| Raster::new(0, 0, Vec::new()));

impl Atlas {
    fn new(rasters: &[&Raster], before: Option<Self>, context: &egui::Context) -> Option<Self> {
        if rasters.is_empty() {
            return None;
        }
        let cell = [
            rasters.iter().map(|r| r.width).max().unwrap_or(0).max(1),
            rasters.iter().map(|r| r.height).max().unwrap_or(0).max(1),
        ];
        let columns = (rasters.len() as f64).sqrt().ceil() as usize;
        let size = [cell[0] * columns, cell[1] * rasters.len().div_ceil(columns)];
        let mut image = ColorImage::filled(size, egui::Color32::TRANSPARENT);
        for (index, raster) in rasters.iter().enumerate() {
            let (left, top) = (index % columns * cell[0], index / columns * cell[1]);
            for j in 0..raster.height {
                for i in 0..raster.width {
                    let [r, g, b, a] = raster.pixel(i, j);
                    image.pixels[(top + j) * size[0] + left + i] =
                        egui::Color32::from_rgba_unmultiplied(r, g, b, a);
                }
            }
        }
        let sizes = rasters.iter().map(|r| [r.width, r.height]).collect();
        let image = fitting(context, image);
        let texture = match before {
            Some(mut before) => {
                before.texture.set(image, TextureOptions::NEAREST);
                before.texture
            }
            None => context.load_texture("mosaic", image, TextureOptions::NEAREST),
        };
        Some(Self {
            texture,
            columns,
            cell,
            size,
            sizes,
        })
    }

    /// Where image `index` lies in the texture; nothing for an empty one.
    pub fn uv(&self, index: usize) -> Option<egui::Rect> {
        let [width, height] = *self.sizes.get(index)?;
        if width == 0 || height == 0 {
            return None;
        }
        let left = (index % self.columns * self.cell[0]) as f32;
        let top = (index / self.columns * self.cell[1]) as f32;
        let scale = egui::vec2(1.0 / self.size[0] as f32, 1.0 / self.size[1] as f32);
        let from = egui::vec2(left, top) * scale;
        let to = egui::vec2(left + width as f32, top + height as f32) * scale;
        Some(egui::Rect::from_min_max(from.to_pos2(), to.to_pos2()))
    }
}
