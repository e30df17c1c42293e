//! A scene as the graphics device has it: numbers for the shaders.

use std::sync::Arc;

use eframe::wgpu;
use wgpu::util::DeviceExt as _;

use super::axes::Stroke3;
use super::math::Vec3;
use super::mesh::VERTEX_FLOATS;
use super::pipelines::Pipelines;
use super::renderer::{Drawing, Quality, Renderer};
use super::scene::{HALF_HEIGHT, LEVELS, Scene};
use crate::figure::{Colormap, FigureTheme, Marker};

const LINE_FLOATS: usize = 12;
const POINT_FLOATS: usize = 14;
const UNIFORM_FLOATS: usize = 36 + LEVELS;
/// How far lines are lifted off the surface, in the scene: their casing, and
/// they themselves.
const LIFT: (f32, f32) = (0.014, 0.018);
/// Every n-th sample is left in coarse triangles so that about this many
/// remain a side.
const COARSE_SIDE: usize = 64;

/// What a scene became on the graphics device.
pub struct Model {
    uniform: wgpu::Buffer,
    bindings: wgpu::BindGroup,
    vertices: Growing,
    fine: Growing,
    coarse: Growing,
    around: Growing,
    lines: Growing,
    points: Growing,
    /// What the vertices and the colours were made from.
    scene: Option<Arc<Scene>>,
    colors: (Colormap, wgpu::Texture),
    /// What the lines and points were made with.
    inks: Option<(FigureTheme, f32, Vec<Vec3>)>,
}

/// A buffer that is replaced where it is too small.
struct Growing {
    usage: wgpu::BufferUsages,
    buffer: Option<wgpu::Buffer>,
    count: u32,
}

impl Growing {
    fn new(usage: wgpu::BufferUsages) -> Self {
        Self {
            usage: usage | wgpu::BufferUsages::COPY_DST,
            buffer: None,
            count: 0,
        }
    }

    /// Puts `count` things of these bytes into it.
    fn write(&mut self, renderer: &Renderer, bytes: &[u8], count: usize) {
        self.count = u32::try_from(count).unwrap_or(0);
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len() as u64;
        match &self.buffer {
            Some(buffer) if buffer.size() >= length => {
                renderer.queue.write_buffer(buffer, 0, bytes);
            }
            _ => {
                let descriptor = wgpu::util::BufferInitDescriptor {
                    label: Some("surface"),
                    contents: bytes,
                    usage: self.usage,
                };
                self.buffer = Some(renderer.device.create_buffer_init(&descriptor));
            }
        }
    }

    fn filled(&self) -> Option<(wgpu::BufferSlice<'_>, u32)> {
        let buffer = self.buffer.as_ref().filter(|_| self.count > 0)?;
        Some((buffer.slice(..), self.count))
    }
}

fn bytes_of(numbers: &[f32]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_ne_bytes())
        .collect()
}

fn index_bytes(indices: &[u32]) -> Vec<u8> {
    indices
        .iter()
        .flat_map(|index| index.to_ne_bytes())
        .collect()
}

fn unit(color: [u8; 4]) -> [f32; 4] {
    color.map(|channel| f32::from(channel) / 255.0)
}

impl Model {
    /// Room for a scene.
    pub fn new(renderer: &Renderer) -> Self {
        let uniform = renderer.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("surface"),
            size: (UNIFORM_FLOATS * 4) as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let map = Colormap::default();
        let colors = renderer.colors(map);
        let vertex = wgpu::BufferUsages::VERTEX;
        Self {
            bindings: renderer.bind(&uniform, &colors),
            uniform,
            vertices: Growing::new(vertex),
            fine: Growing::new(wgpu::BufferUsages::INDEX),
            coarse: Growing::new(wgpu::BufferUsages::INDEX),
            around: Growing::new(vertex),
            lines: Growing::new(vertex),
            points: Growing::new(vertex),
            scene: None,
            colors: (map, colors),
            inks: None,
        }
    }

    /// Brings what changed to the device.
    pub(super) fn take(&mut self, renderer: &Renderer, drawing: &Drawing<'_>, size: [u32; 2]) {
        let uniform = bytes_of(&uniform(drawing, size));
        renderer.queue.write_buffer(&self.uniform, 0, &uniform);
        let around: Vec<f32> = drawing
            .around
            .lines
            .iter()
            .flat_map(|line| around_line(line, drawing.pixels_per_point))
            .collect();
        let count = drawing.around.lines.len();
        self.around.write(renderer, &bytes_of(&around), count);

        let scene = drawing.scene;
        let other = !self
            .scene
            .as_ref()
            .is_some_and(|before| Arc::ptr_eq(before, scene));
        if other {
            let field = &scene.field;
            let numbers = field.vertices();
            let count = numbers.len() / VERTEX_FLOATS;
            self.vertices.write(renderer, &bytes_of(&numbers), count);
            let fine = field.triangles(1);
            self.fine.write(renderer, &index_bytes(&fine), fine.len());
            let side = field.columns().max(field.rows());
            let stride = side.div_ceil(COARSE_SIDE).max(1);
            let coarse = if stride > 1 {
                field.triangles(stride)
            } else {
                fine
            };
            self.coarse
                .write(renderer, &index_bytes(&coarse), coarse.len());
            self.scene = Some(Arc::clone(scene));
            let map = scene.color.map;
            if self.colors.0 != map {
                let colors = renderer.colors(map);
                self.bindings = renderer.bind(&self.uniform, &colors);
                self.colors = (map, colors);
            }
        }
        let inks = (
            drawing.theme.clone(),
            drawing.pixels_per_point,
            drawing.marks.to_vec(),
        );
        if other || self.inks.as_ref() != Some(&inks) {
            let lines = path_lines(drawing);
            self.lines
                .write(renderer, &bytes_of(&lines), lines.len() / LINE_FLOATS);
            let points = points(drawing);
            self.points
                .write(renderer, &bytes_of(&points), points.len() / POINT_FLOATS);
            self.inks = Some(inks);
        }
    }

    pub(super) fn paint(
        &self,
        pass: &mut wgpu::RenderPass<'_>,
        pipelines: &Pipelines,
        quality: Quality,
    ) {
        pass.set_bind_group(0, &self.bindings, &[]);
        let instances = |pass: &mut wgpu::RenderPass<'_>, pipeline, things: &Growing| {
            if let Some((slice, count)) = things.filled() {
                pass.set_pipeline(pipeline);
                pass.set_vertex_buffer(0, slice);
                pass.draw(0..6, 0..count);
            }
        };
        instances(pass, &pipelines.around, &self.around);
        let indices = match quality {
            Quality::Draft => &self.coarse,
            Quality::Fine => &self.fine,
        };
        if let (Some((vertices, _)), Some((indices, count))) =
            (self.vertices.filled(), indices.filled())
        {
            pass.set_pipeline(&pipelines.surface);
            pass.set_vertex_buffer(0, vertices);
            pass.set_index_buffer(indices, wgpu::IndexFormat::Uint32);
            pass.draw_indexed(0..count, 0, 0..1);
        }
        instances(pass, &pipelines.lines, &self.lines);
        instances(pass, &pipelines.hidden_points, &self.points);
        instances(pass, &pipelines.points, &self.points);
    }
}

/// The numbers of the shader's `View`.
fn uniform(drawing: &Drawing<'_>, size: [u32; 2]) -> Vec<f32> {
    let view = drawing.view;
    let eye = view.towards_eye;
    // The light comes over the left shoulder, wherever one stands.
    let light = (view.up * 0.75 - view.right * 0.6 + eye * 0.6).normalized();
    let mut numbers = Vec::with_capacity(UNIFORM_FLOATS);
    numbers.extend(view.matrix.columns());
    if view.is_perspective() {
        numbers.extend(view.eye().to_array());
        numbers.push(1.0);
    } else {
        numbers.extend(eye.to_array());
        numbers.push(0.0);
    }
    numbers.extend(light.to_array());
    numbers.push(0.0);
    numbers.extend([
        size[0] as f32,
        size[1] as f32,
        view.scale * drawing.pixels_per_point,
        HALF_HEIGHT,
    ]);
    let [r, g, b, _] = unit(drawing.theme.background);
    numbers.extend([r, g, b, 0.38]);
    let levels = &drawing.scene.levels;
    let width = 0.32 * drawing.theme.line_width as f32 * drawing.pixels_per_point;
    numbers.extend([width, 0.55, levels.len() as f32, 0.0]);
    numbers.extend(levels);
    numbers.resize(UNIFORM_FLOATS, 0.0);
    numbers
}

fn line(ends: [Vec3; 2], half_width: f32, lift: f32, color: [u8; 4]) -> [f32; LINE_FLOATS] {
    let [a, b] = ends;
    let [r, g, blue, opacity] = unit(color);
    [
        a.x, a.y, a.z, b.x, b.y, b.z, half_width, lift, r, g, blue, opacity,
    ]
}

fn around_line(stroke: &Stroke3, pixels_per_point: f32) -> [f32; LINE_FLOATS] {
    let half_width = 0.5 * stroke.width * pixels_per_point;
    line(stroke.ends, half_width, 0.0, stroke.color)
}

/// Lines on the surface: first the casings, then the lines.
fn path_lines(drawing: &Drawing<'_>) -> Vec<f32> {
    let theme = drawing.theme;
    let mut numbers = Vec::new();
    for surface_line in &drawing.scene.lines {
        let style = &surface_line.style;
        let half = 0.5 * style.pixels(theme) as f32 * drawing.pixels_per_point;
        let mut add = |half: f32, lift: f32, color| {
            for piece in &surface_line.pieces {
                numbers.extend(line(*piece, half, lift, color));
            }
        };
        if style.casing {
            let wider = half + 1.3 * drawing.pixels_per_point;
            add(wider, LIFT.0, theme.background);
        }
        add(half, LIFT.1, style.rgba(theme));
    }
    numbers
}

/// Points on the surface, the marked ones last.
fn points(drawing: &Drawing<'_>) -> Vec<f32> {
    let theme = drawing.theme;
    let diameter = theme.marker_size as f32 * drawing.pixels_per_point;
    let edge_width = 1.2 * drawing.pixels_per_point;
    let mut numbers = Vec::new();
    let mut add = |at: Vec3, radius: f32, edge: f32, kind: f32, color, edge_color| {
        numbers.extend(at.to_array());
        numbers.extend([radius, edge, kind]);
        numbers.extend(unit(color));
        numbers.extend(unit(edge_color));
    };
    for point in &drawing.scene.points {
        let (kind, larger) = match point.marker {
            Marker::Circle => (0.0, 1.12),
            Marker::Square => (1.0, 1.0),
            _ => (2.0, 1.0),
        };
        let radius = 0.5 * diameter * point.size as f32 * larger;
        let color = theme.rgba(point.ink);
        add(point.at, radius, edge_width, kind, color, theme.background);
    }
    for mark in drawing.marks {
        let clear = [0, 0, 0, 0];
        let radius = 1.1 * diameter;
        let width = 3.0 * drawing.pixels_per_point;
        add(*mark, radius, width, 2.0, clear, theme.background);
        add(*mark, radius, 0.5 * width, 2.0, clear, theme.foreground);
    }
    numbers
}
