//! The surface as a figure for files: what the shaders draw as a picture, the
//! axes' texts as texts.

use std::sync::Arc;

use eframe::egui::{Rect, pos2, vec2};

use super::Gpu;
use super::axes::{margins, surroundings};
use super::camera::{Camera, Viewport};
use super::model::Model;
use super::renderer::{Drawing, Quality};
use super::scene::Scene;
use crate::figure::fonts::{Weight, shortened};
use crate::figure::layout::FigureLayout;
use crate::figure::{
    Anchor, Axes, Axis, Figure, FigureTheme, Frame, Image, Ink, Interpolation, Legend, Text, Ticks,
};

/// Pixels on the longer side of a picture, at most.
const LARGEST: f32 = 4096.0;
/// Looking down more steeply than this hides the axis of the loss.
const STEEP: f32 = 1.3;

/// A surface as it was seen, to be drawn again at another size: off the
/// window's thread.
#[derive(Clone)]
pub struct Shot {
    pub(super) gpu: Gpu,
    pub(super) scene: Arc<Scene>,
    pub(super) camera: Camera,
}

/// The figure around the picture of a surface, without the picture, and its
/// layout. A small one on the screen has less around it.
pub(super) fn shell(
    scene: &Scene,
    [width, height]: [f32; 2],
    theme: &FigureTheme,
    camera: &Camera,
    on_screen: bool,
) -> (Figure, FigureLayout) {
    let bare = |limits| Axis {
        ticks: Ticks::None,
        limits: Some(limits),
        ..Axis::default()
    };
    let mut axes = Axes {
        frame: Frame::Bare,
        ..Axes::new(bare((0.0, 1.0)), bare((0.0, 1.0)))
    };
    let em = theme.body_size as f32;
    let small = on_screen && height < 20.0 * em;
    if camera.elevation > STEEP && !(small && width < 24.0 * em) {
        axes.color_bar.clone_from(&scene.color_bar);
    }
    if !(on_screen && height < 14.0 * em) {
        axes.note = scene.note.as_ref().map(|note| {
            let room = f64::from(width) - 4.0 * theme.body_size;
            if small {
                shortened(note, theme.label_size, Weight::Regular, room.max(0.0))
            } else {
                note.clone()
            }
        });
    }
    let figure = Figure {
        legend: Legend::None,
        ..Figure::single(axes)
    };
    let layout = FigureLayout::new(&figure, f64::from(width), f64::from(height), theme);
    (figure, layout)
}

/// Where the picture goes.
pub(super) fn picture_rect(layout: &FigureLayout) -> Rect {
    let place = layout.panels.first().map(|panel| panel.plot);
    place.map_or(Rect::ZERO, |plot| {
        Rect::from_min_size(
            pos2(plot.x as f32, plot.y as f32),
            vec2((plot.width as f32).max(1.0), (plot.height as f32).max(1.0)),
        )
    })
}

impl Shot {
    /// The surface as a figure of this size in CSS pixels, with the title,
    /// the words and the metadata of the figure of its plane. The picture in it
    /// has `density` pixels for each of them. Waits for the graphics device.
    ///
    /// # Errors
    /// One sentence, where the device does not give the picture back.
    pub fn figure(
        &self,
        plane: Figure,
        size: [f64; 2],
        theme: &FigureTheme,
        density: f64,
    ) -> Result<Figure, String> {
        let size = size.map(|side| side as f32);
        let (mut figure, _) = shell(&self.scene, size, theme, &self.camera, false);
        figure.title = plane.title;
        figure.description = plane.description;
        figure.metadata = plane.metadata;
        let layout = FigureLayout::new(&figure, f64::from(size[0]), f64::from(size[1]), theme);
        let rect = picture_rect(&layout);
        let theme = &layout.theme;
        let points = [rect.width(), rect.height()];
        let viewport = Viewport {
            size: points,
            margins: margins(theme, points),
        };
        let view = self.camera.projection(&self.scene.extents(), &viewport);
        let around = surroundings(&self.scene, &view, &viewport, theme);

        let renderer = self.gpu.renderer();
        let density = (density as f32).min(LARGEST / points[0].max(points[1]));
        let pixels = renderer.possible(points.map(|side| side * density));
        let canvas = renderer.canvas(pixels, Quality::Fine);
        let drawing = Drawing {
            scene: &self.scene,
            view: &view,
            around: &around,
            marks: &[],
            theme,
            pixels_per_point: pixels[0] as f32 / points[0],
            quality: Quality::Fine,
        };
        renderer.draw(&drawing, &mut Model::new(renderer), &canvas);
        let raster = renderer.read(&canvas)?;

        let (width, height) = (f64::from(points[0]), f64::from(points[1]));
        let panel = figure
            .rows
            .first_mut()
            .and_then(|row| row.panels.first_mut());
        if let Some(crate::figure::Content::Axes(axes)) = panel.map(|panel| &mut panel.content) {
            axes.x.limits = Some((0.0, width));
            axes.y.limits = Some((0.0, height));
            axes.layers.push(
                Image {
                    x: (0.0, width),
                    y: (0.0, height),
                    raster,
                    interpolation: Interpolation::Nearest,
                    opacity: 1.0,
                }
                .into(),
            );
            for label in around.labels {
                let ink = if label.title {
                    Ink::Foreground
                } else {
                    Ink::Muted
                };
                let [x, y] = label.centre.map(f64::from);
                axes.layers.push(crate::figure::Layer::Text(Text {
                    x,
                    y: height - y,
                    text: label.text,
                    anchor: Anchor::Center,
                    ink,
                }));
            }
        }
        Ok(figure)
    }
}
