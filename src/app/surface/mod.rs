//! The loss surface: a [`Figure`] of a plane, lifted into space and drawn by
//! shaders of our own.
//!
//! Drag turns it, the wheel or a pinch zooms at the pointer, dragging with
//! Shift, the secondary or the middle button moves it, a double click goes
//! back. With the keyboard: arrows turn, Shift and arrows move, + and −
//! zoom, 0 or Home goes back.
//!
//! The picture is drawn beside the window's own drawing into a texture, and
//! only when something that it shows has changed.

mod axes;
mod camera;
mod math;
mod mesh;
mod renderer;
mod scene;
mod shot;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use eframe::egui::{
    self, Align2, Button, Context, Event, EventFilter, FontId, Id, Key, Modifiers, PointerButton,
    Rect, Role, Sense, Stroke, StrokeKind, TextureId, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2,
};
use eframe::egui_wgpu::RenderState;
use eframe::wgpu;

use super::plot::{self, color};
use super::theme::{HALF, Palette};
use crate::figure::contour::contour_levels;
use crate::figure::layout::FigureLayout;
use crate::figure::ticks::format_number;
use crate::figure::{Figure, FigureTheme};

use axes::{Surroundings, margins, surroundings};
use camera::{Camera, Projection, Viewport};
use math::Vec3;
use renderer::{Canvas, Drawing, Model, Quality, Renderer};
use scene::Scene;
pub use shot::Shot;

/// How far a drag over one point turns, in radians.
const TURN: f32 = 0.008;
/// How far an arrow key turns, in radians.
const KEY_TURN: f32 = 0.09;
/// How far an arrow key with Shift moves, in points.
const KEY_MOVE: f32 = 24.0;
/// How much a key magnifies.
const KEY_ZOOM: f32 = 1.2;
/// How far the wheel turns for a magnification by e, in points.
const WHEEL: f32 = 240.0;
/// Seconds after which a picture that was drawn quickly is drawn well.
const SETTLED: f64 = 0.4;
/// How near the pointer must be to a point of the path, in points.
const SNAP: f32 = 9.0;
/// Smaller tiles have no buttons for views; the keys remain.
const BUTTONS: Vec2 = vec2(320.0, 200.0);
/// The room above the box that the buttons take.
const BUTTON_HEIGHT: f32 = 18.0;
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
    /// Whether the surface was clicked.
    pub clicked: bool,
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
    /// When it was last turned or got other data, in seconds.
    moved: f64,
    /// How many pictures were drawn.
    drawn: u64,
}

/// A texture with a picture of a scene.
struct Picture {
    gpu: Gpu,
    id: TextureId,
    draft: Option<Canvas>,
    fine: Option<Canvas>,
    model: Model,
    key: Option<Shown>,
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
            picture.key = None;
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
    /// that the pointer can find, `marks` such that are marked. Where nothing
    /// can be drawn, says so and returns `None`.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        id: Id,
        path: &[[f64; 2]],
        marks: &[[f64; 2]],
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
        self.pointer(ui, &response, rect, &viewport, &extents);
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
            clicked: response.clicked(),
        };
        let pointer = response.hover_pos().filter(|_| !response.dragged());
        if let Some(pointer) = pointer {
            found.hovered = nearest(&scene, &view, path, pointer - rect.min);
            readout(ui, &response, &scene, &view, pointer - rect.min);
        }
        Some(found)
    }

    /// Drag, wheel and pinch.
    fn pointer(
        &mut self,
        ui: &Ui,
        response: &egui::Response,
        rect: Rect,
        viewport: &Viewport,
        extents: &camera::Extents,
    ) {
        let shift = ui.input(|input| input.modifiers.shift);
        let by = response.drag_delta();
        if by != Vec2::ZERO {
            let moves = response.dragged_by(PointerButton::Secondary)
                || response.dragged_by(PointerButton::Middle)
                || shift;
            if moves {
                self.camera.pan([by.x, by.y], extents, viewport);
            } else {
                self.camera.orbit(-by.x * TURN, by.y * TURN);
            }
        }
        if let Some(pointer) = response.hover_pos() {
            let (wheel, pinch) =
                ui.input(|input| (input.smooth_scroll_delta(), input.zoom_delta()));
            let factor = pinch * ((wheel.x + wheel.y) / WHEEL).exp();
            if factor != 1.0 {
                let at = pointer - rect.min;
                self.camera.zoom_at(factor, [at.x, at.y], extents, viewport);
            }
        }
        let icon = if response.dragged() {
            egui::CursorIcon::Grabbing
        } else {
            egui::CursorIcon::Grab
        };
        if response.hovered() || response.dragged() {
            ui.ctx().set_cursor_icon(icon);
        }
    }

    /// What keys do while the surface has the focus.
    fn keys(
        &mut self,
        ui: &Ui,
        response: &egui::Response,
        viewport: &Viewport,
        extents: &camera::Extents,
    ) {
        if !response.has_focus() {
            return;
        }
        let filter = EventFilter {
            horizontal_arrows: true,
            vertical_arrows: true,
            ..EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        let middle = [viewport.size[0] / 2.0, viewport.size[1] / 2.0];
        let pressed = ui.input(|input| {
            input
                .events
                .iter()
                .filter_map(|event| match event {
                    Event::Key {
                        key,
                        pressed: true,
                        modifiers,
                        ..
                    } if !modifiers.command && !modifiers.alt => Some((*key, *modifiers)),
                    _ => None,
                })
                .collect::<Vec<(Key, Modifiers)>>()
        });
        for (key, modifiers) in pressed {
            let (x, y) = match key {
                Key::ArrowLeft => (-1.0, 0.0),
                Key::ArrowRight => (1.0, 0.0),
                Key::ArrowUp => (0.0, -1.0),
                Key::ArrowDown => (0.0, 1.0),
                Key::Plus | Key::Equals => {
                    self.camera.zoom_at(KEY_ZOOM, middle, extents, viewport);
                    continue;
                }
                Key::Minus => {
                    self.camera
                        .zoom_at(1.0 / KEY_ZOOM, middle, extents, viewport);
                    continue;
                }
                Key::Num0 | Key::Home => {
                    self.reset();
                    continue;
                }
                _ => continue,
            };
            if modifiers.shift {
                let by = [KEY_MOVE * x, KEY_MOVE * y];
                self.camera.pan(by, extents, viewport);
            } else {
                // As if the scene were pulled that way.
                self.camera.orbit(-KEY_TURN * x, KEY_TURN * y);
            }
        }
    }

    /// The usual views, small in the upper right corner.
    fn buttons(&mut self, ui: &mut Ui, rect: Rect) {
        use strum::IntoEnumIterator as _;
        if !has_buttons(rect) {
            return;
        }
        let row = Rect::from_min_size(rect.min, vec2(rect.width(), BUTTON_HEIGHT));
        let mut corner = ui.new_child(
            UiBuilder::new()
                .id_salt("views")
                .max_rect(row)
                .layout(egui::Layout::right_to_left(egui::Align::Center)),
        );
        let ui = &mut corner;
        ui.style_mut().override_text_style = Some(egui::TextStyle::Small);
        ui.spacing_mut().button_padding = vec2(5.0, 1.0);
        ui.spacing_mut().item_spacing.x = 1.0;
        ui.spacing_mut().interact_size.y = BUTTON_HEIGHT;
        let reset = ui
            .add_enabled(
                self.camera != self.standpoint.camera(),
                Button::new("Reset view"),
            )
            .on_hover_text("Back to where it was looked from (double click, 0, Home)");
        if reset.clicked() {
            self.reset();
        }
        ui.add_space(HALF);
        for standpoint in Standpoint::iter().collect::<Vec<_>>().into_iter().rev() {
            let (text, hint) = standpoint.words();
            let chosen = self.camera == standpoint.camera();
            let button = ui
                .add(Button::new(text).selected(chosen).frame_when_inactive(true))
                .on_hover_text(hint);
            button.widget_info(|| {
                WidgetInfo::selected(Role::RadioButton, true, chosen, format!("View: {text}"))
            });
            if button.clicked() {
                self.look_from(standpoint);
            }
        }
    }

    /// Brings the picture up to date; returns its texture.
    #[allow(clippy::too_many_arguments)]
    fn draw(
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
                    model: renderer.model(),
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

fn has_buttons(rect: Rect) -> bool {
    rect.width() >= BUTTONS.x && rect.height() >= BUTTONS.y
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
    let tooltip = egui::Tooltip::always_open(
        ui.ctx().clone(),
        response.layer_id,
        response.id,
        egui::PopupAnchor::Pointer,
    );
    tooltip.gap(14.0).show(|ui| {
        ui.spacing_mut().item_spacing = vec2(8.0, 2.0);
        egui::Grid::new("place on the surface")
            .num_columns(2)
            .show(ui, |ui| {
                for (name, value) in rows {
                    ui.label(name);
                    ui.label(value);
                    ui.end_row();
                }
            });
    });
}
