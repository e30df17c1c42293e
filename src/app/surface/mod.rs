//! The loss surface: a [`Figure`] of a plane, lifted into space and drawn by
//! shaders of our own.
//!
//! Drag turns it (a drag of the ball moves the ball over it), the wheel or a pinch zooms at the pointer, dragging with
//! Shift, the secondary or the middle button moves it, a double click goes
//! back. With the keyboard: arrows turn, Shift and arrows move, + and −
//! zoom, 0 or Home goes back.
//!
//! The picture is drawn beside the window's own drawing into a texture, and
//! only when something that it shows has changed.

mod axes;
mod camera;
mod gestures;
mod grip;
mod math;
mod mesh;
mod model;
mod picture;
mod pipelines;
mod renderer;
mod scene;
mod shot;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use eframe::egui::{
    self, Align2, Context, FontId, Id, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
    pos2,
};
use eframe::egui_wgpu::RenderState;
use eframe::wgpu;

use super::plot::{self, color};
use super::theme::Palette;
use super::widgets::values_at_pointer;
use crate::figure::contour::contour_levels;
use crate::figure::layout::FigureLayout;
use crate::figure::ticks::format_number;
use crate::figure::{Figure, FigureTheme};

use axes::{Surroundings, margins, surroundings};
use camera::{Camera, Projection, Viewport};
use gestures::{BUTTON_HEIGHT, has_buttons};
use grip::Grip;
pub use grip::Slide;
use math::Vec3;
use picture::Picture;
use renderer::Renderer;
use scene::Scene;
pub use shot::Shot;

/// How near the pointer must be to a point of the path, in points.
const SNAP: f32 = 9.0;
/// How much of the layout's own margin is left away: tiles have theirs.
const TRIM: f32 = 8.0;

/// What surfaces are drawn with; kept in the window's context.
#[derive(Clone)]
pub struct Gpu {
    state: RenderState,
    renderer: Arc<OnceLock<Renderer>>,
    software: bool,
}

impl Gpu {
    /// On the window's graphics device.
    pub fn new(state: &RenderState) -> Self {
        let kind = state.adapter.get_info().device_type;
        Self {
            state: state.clone(),
            renderer: Arc::default(),
            software: kind == wgpu::DeviceType::Cpu,
        }
    }

    /// The shaders, compiled when they are first needed.
    fn renderer(&self) -> &Renderer {
        self.renderer
            .get_or_init(|| Renderer::new(&self.state.device, &self.state.queue))
    }
}

fn gpu_id() -> Id {
    Id::unique("graphics device of surfaces")
}

/// Lets surfaces be drawn in a window with this render state.
pub fn install(context: &Context, state: &RenderState) {
    let gpu = Gpu::new(state);
    context.data_mut(|data| data.insert_temp(gpu_id(), gpu));
}

/// Whether surfaces can be drawn in this window.
pub fn is_available(context: &Context) -> bool {
    gpu(context).is_some()
}

fn gpu(context: &Context) -> Option<Gpu> {
    context.data(|data| data.get_temp(gpu_id()))
}

/// A usual place to look from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumIter)]
pub enum Standpoint {
    /// From the front right, above.
    #[default]
    Perspective,
    /// From above, as a map.
    Top,
    /// Along β, as a profile.
    Front,
}

impl Standpoint {
    fn camera(self) -> Camera {
        match self {
            Self::Perspective => Camera::default(),
            Self::Top => Camera::top(),
            Self::Front => Camera::front(),
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Perspective => ("Perspective", "From the front right, above"),
            Self::Top => ("Top", "From above, without perspective"),
            Self::Front => ("Front", "Along β, without perspective"),
        }
    }
}

/// What the pointer does to a surface.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SurfaceResponse {
    /// Which of the given places is under the pointer.
    pub hovered: Option<usize>,
    /// The place in the plane under the pointer.
    pub place: Option<[f64; 2]>,
    /// Whether the surface was clicked.
    pub clicked: bool,
    /// Where the ball is being dragged to.
    pub dragged: Option<Slide>,
    /// The place in the plane where the secondary button was clicked.
    pub menu_asked: Option<[f64; 2]>,
}

/// A surface on the screen.
#[derive(Default)]
pub struct SurfaceView {
    camera: Camera,
    standpoint: Standpoint,
    figure: Option<Arc<Figure>>,
    contours: usize,
    scene: Option<Arc<Scene>>,
    picture: Option<Picture>,
    gpu: Option<Gpu>,
    grip: Grip,
    /// When it was last turned or got other data, in seconds.
    moved: f64,
    /// How many pictures were drawn.
    drawn: u64,
}

impl SurfaceView {
    /// Shows the plane of a figure, with about `contours` contour lines.
    pub fn set_figure(&mut self, figure: &Arc<Figure>, contours: usize) {
        let same = self.contours == contours
            && self
                .figure
                .as_ref()
                .is_some_and(|shown| Arc::ptr_eq(shown, figure));
        if same {
            return;
        }
        self.figure = Some(Arc::clone(figure));
        self.contours = contours;
        self.scene = figure.axes().next().and_then(|axes| {
            let normalization = axes.color_bar.as_ref()?.scale.normalization;
            let levels = match contours {
                0 => Vec::new(),
                _ => contour_levels(normalization.scale, normalization.limits, contours),
            };
            Scene::of(axes, &levels, &figure.description).map(Arc::new)
        });
        if let Some(picture) = &mut self.picture {
            picture.outdate();
        }
    }

    /// Looks from a usual place.
    pub fn look_from(&mut self, standpoint: Standpoint) {
        self.standpoint = standpoint;
        self.camera = standpoint.camera();
    }

    /// Goes back to the usual place that was last looked from.
    pub fn reset(&mut self) {
        self.camera = self.standpoint.camera();
    }

    /// How many pictures were drawn so far: none while nothing changes.
    pub fn drawn(&self) -> u64 {
        self.drawn
    }

    /// The picture as it is seen, to be drawn again for a file, if there is one.
    pub fn shot(&self) -> Option<Shot> {
        Some(Shot {
            gpu: self.gpu.clone()?,
            scene: self.scene.clone()?,
            camera: self.camera,
        })
    }

    /// Draws the surface over the room there is. `path` are places in the plane
    /// that the pointer can find, `marks` such that are marked, `ball` one that
    /// can be dragged. Where nothing can be drawn, returns `None`.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        id: Id,
        path: &[[f64; 2]],
        marks: &[[f64; 2]],
        ball: Option<[f64; 2]>,
    ) -> Option<SurfaceResponse> {
        self.gpu = gpu(ui.ctx());
        let gpu = self.gpu.clone()?;
        let scene = self.scene.clone()?;
        let (area, _) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
        if area.width() < 24.0 || area.height() < 24.0 || !ui.is_rect_visible(area) {
            return Some(SurfaceResponse::default());
        }
        let theme = plot::theme(ui);
        let extents = scene.extents();

        // Above everything else the pointer: what follows sees the new camera.
        let shell = Shell::new(&scene, area.size(), &theme, &self.camera);
        let rect = shell.rect.translate(area.min.to_vec2());
        let viewport = shell.viewport;
        let response = ui.interact(rect, id, Sense::click_and_drag());
        let before = self.camera;
        let seen = self.camera.projection(&extents, &viewport);
        let held = self.grip.catches(ui, &response, rect, &scene, &seen, ball);
        let dragged = if held {
            self.grip.follow(ui, &response, rect, &scene, &seen)
        } else {
            self.pointer(ui, &response, rect, &viewport, &extents);
            None
        };
        self.keys(ui, &response, &viewport, &extents);
        if response.clicked() || response.drag_started() {
            response.request_focus();
        }
        if response.double_clicked() {
            self.reset();
        }
        // The picture lies under the buttons, but is drawn after them.
        let under = ui.painter().add(egui::Shape::Noop);
        self.buttons(ui, rect);
        let now = ui.input(|input| input.time);
        if before != self.camera {
            self.moved = now;
        }
        let shell = if before == self.camera {
            shell
        } else {
            Shell::new(&scene, area.size(), &theme, &self.camera)
        };
        let rect = shell.rect.translate(area.min.to_vec2());
        let theme = &shell.layout.theme;

        let view = self.camera.projection(&extents, &shell.viewport);
        let marks: Vec<Vec3> = marks
            .iter()
            .filter_map(|&[alpha, beta]| scene.on_surface(alpha, beta))
            .collect();
        let around = surroundings(&scene, &view, &shell.viewport, theme);
        let texture = self.draw(ui, &gpu, &scene, &view, &around, rect, marks, theme);
        let painter = ui.painter().with_clip_rect(ui.clip_rect().intersect(area));
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        painter.set(
            under,
            egui::Shape::image(texture, rect, whole, egui::Color32::WHITE),
        );
        labels(&painter, &around, rect, theme);
        let origin = area.min.to_vec2() - Vec2::splat(TRIM);
        plot::surround(&painter, &shell.figure, &shell.layout, origin);
        if response.has_focus() {
            let ring = Palette::of(ui.visuals()).accent.gamma_multiply(0.6);
            let ring = Stroke::new(1.0, ring);
            painter.rect_stroke(rect.shrink(0.5), 2.0, ring, StrokeKind::Inside);
        }
        let description = describe(&scene, &self.camera);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, description.clone()));
        let mut found = SurfaceResponse {
            hovered: None,
            place: None,
            clicked: response.clicked(),
            dragged,
            menu_asked: response
                .interact_pointer_pos()
                .filter(|_| response.secondary_clicked())
                .and_then(|pointer| grip::under(&scene, &view, pointer - rect.min)),
        };
        let pointer = response.hover_pos().filter(|_| !response.dragged());
        if let Some(pointer) = pointer {
            found.hovered = nearest(&scene, &view, path, pointer - rect.min);
            found.place = grip::under(&scene, &view, pointer - rect.min);
            readout(ui, &response, &scene, &view, pointer - rect.min);
        }
        Some(found)
    }
}

/// What surrounds the picture of a surface: the note under it and, where the
/// axis of the loss is not seen, the colour bar; and the room that is left.
struct Shell {
    figure: Figure,
    layout: FigureLayout,
    /// The picture, from the corner of the room.
    rect: Rect,
    viewport: Viewport,
}

impl Shell {
    fn new(scene: &Scene, size: Vec2, theme: &FigureTheme, camera: &Camera) -> Self {
        let size = size + Vec2::splat(2.0 * TRIM);
        let (figure, layout) = shot::shell(scene, [size.x, size.y], theme, camera, true);
        let rect = shot::picture_rect(&layout).translate(Vec2::splat(-TRIM));
        let mut viewport = Viewport {
            size: [rect.width(), rect.height()],
            margins: margins(&layout.theme, [rect.width(), rect.height()]),
        };
        if has_buttons(rect) {
            viewport.margins[2] += BUTTON_HEIGHT;
        }
        Self {
            figure,
            layout,
            rect,
            viewport,
        }
    }
}

/// Texts of the axes.
fn labels(painter: &egui::Painter, around: &Surroundings, rect: Rect, theme: &FigureTheme) {
    for label in &around.labels {
        let ink = if label.title {
            theme.foreground
        } else {
            theme.muted
        };
        painter.text(
            rect.min + Vec2::from(label.centre),
            Align2::CENTER_CENTER,
            &label.text,
            FontId::proportional(label.size as f32),
            color(ink),
        );
    }
}

fn describe(scene: &Scene, camera: &Camera) -> String {
    let degrees = |angle: f32| format_number(f64::from(angle.to_degrees().round()), 3);
    format!(
        "Loss surface. {} Seen from {}° around and {}° above",
        scene.description,
        degrees(camera.azimuth),
        degrees(camera.elevation),
    )
}

/// Which place in the plane is under the pointer, unless the surface hides it.
fn nearest(scene: &Scene, view: &Projection, path: &[[f64; 2]], pointer: Vec2) -> Option<usize> {
    path.iter()
        .enumerate()
        .filter_map(|(index, &[alpha, beta])| {
            let place = scene.on_surface(alpha, beta)?;
            let at = Vec2::from(view.project(place).0);
            let away = (at - pointer).length();
            (away <= SNAP).then_some((index, away))
        })
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(index, _)| index)
}

/// α, β and the loss where the pointer is on the surface.
fn readout(ui: &Ui, response: &egui::Response, scene: &Scene, view: &Projection, pointer: Vec2) {
    let (origin, direction) = view.ray([pointer.x, pointer.y]);
    let Some(place) = scene.field.hit(origin, direction) else {
        return;
    };
    let [alpha, beta, loss] = scene.values(place);
    let loss = if scene.is_cut(place) {
        format!("beyond {}", format_number(loss, 3))
    } else {
        format_number(loss, 3)
    };
    let rows = [
        (scene.alpha.axis.label.as_str(), format_number(alpha, 3)),
        (scene.beta.axis.label.as_str(), format_number(beta, 3)),
        (scene.label.as_str(), loss),
    ];
    values_at_pointer(ui, response.id, &rows);
}
