//! The picture of a surface as a texture of the window, drawn anew only when
//! something that it shows has changed.

use std::sync::Arc;

use eframe::egui::{Rect, TextureId, Ui, Vec2};
use eframe::wgpu;

use super::axes::Surroundings;
use super::camera::{Camera, Projection};
use super::math::Vec3;
use super::model::Model;
use super::renderer::{Canvas, Drawing, Quality};
use super::scene::Scene;
use super::{Gpu, SurfaceView};
use crate::figure::FigureTheme;

/// Seconds after which a picture that was drawn quickly is drawn well.
const SETTLED: f64 = 0.4;
/// A texture with a picture of a scene.
pub(super) struct Picture {
    gpu: Gpu,
    id: TextureId,
    draft: Option<Canvas>,
    fine: Option<Canvas>,
    model: Model,
    key: Option<Shown>,
}

impl Picture {
    /// Has it drawn anew.
    pub(super) fn outdate(&mut self) {
        self.key = None;
    }
}

/// What a picture shows.
#[derive(Clone, PartialEq)]
struct Shown {
    camera: Camera,
    size: [u32; 2],
    points: Vec2,
    theme: FigureTheme,
    marks: Vec<Vec3>,
    quality: Quality,
}

impl Drop for Picture {
    fn drop(&mut self) {
        self.gpu.state.renderer.write().free_texture(&self.id);
    }
}

impl SurfaceView {
    /// Brings the picture up to date; returns its texture.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn draw(
        &mut self,
        ui: &Ui,
        gpu: &Gpu,
        scene: &Arc<Scene>,
        view: &Projection,
        around: &Surroundings,
        rect: Rect,
        marks: Vec<Vec3>,
        theme: &FigureTheme,
    ) -> TextureId {
        let renderer = gpu.renderer();
        let wanted = rect.size() * ui.pixels_per_point();
        let size = renderer.possible([wanted.x, wanted.y]);
        let picture = match &mut self.picture {
            Some(picture) if Arc::ptr_eq(&picture.gpu.renderer, &gpu.renderer) => picture,
            place => {
                let canvas = renderer.canvas(size, Quality::Draft);
                let id = gpu.state.renderer.write().register_native_texture(
                    &gpu.state.device,
                    &canvas.view,
                    wgpu::FilterMode::Linear,
                );
                place.insert(Picture {
                    gpu: gpu.clone(),
                    id,
                    draft: Some(canvas),
                    fine: None,
                    model: Model::new(renderer),
                    key: None,
                })
            }
        };
        let now = ui.input(|input| input.time);
        if picture.key.is_none() {
            self.moved = now;
        }
        // A processor that draws is needed for other things too: quickly while
        // something moves, well when it has come to rest.
        let rests = now >= self.moved + SETTLED;
        let quality = if gpu.software && !rests {
            let wait = (self.moved + SETTLED - now).max(0.01) as f32;
            ui.ctx().request_repaint_after_secs(wait);
            Quality::Draft
        } else {
            Quality::Fine
        };
        let key = Shown {
            camera: self.camera,
            size,
            points: rect.size(),
            theme: theme.clone(),
            marks,
            quality,
        };
        if picture.key.as_ref() == Some(&key) {
            return picture.id;
        }
        let place = match quality {
            Quality::Draft => &mut picture.draft,
            Quality::Fine => &mut picture.fine,
        };
        if !place
            .as_ref()
            .is_some_and(|canvas| canvas.suits(size, quality))
        {
            *place = Some(renderer.canvas(size, quality));
        }
        let Some(canvas) = place.as_ref() else {
            return picture.id;
        };
        let drawing = Drawing {
            scene,
            view,
            around,
            marks: &key.marks,
            theme,
            pixels_per_point: size[0] as f32 / rect.width(),
            quality,
        };
        renderer.draw(&drawing, &mut picture.model, canvas);
        gpu.state
            .renderer
            .write()
            .update_egui_texture_from_wgpu_texture(
                &gpu.state.device,
                &canvas.view,
                wgpu::FilterMode::Linear,
                picture.id,
            );
        picture.key = Some(key);
        self.drawn += 1;
        picture.id
    }
}
