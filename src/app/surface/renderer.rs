//! Draws a scene with wgpu into a picture of its own, with its own depth.

use std::sync::Arc;
use std::time::Duration;

use eframe::wgpu;
use wgpu::util::DeviceExt as _;

use super::axes::{Stroke3, Surroundings};
use super::camera::Projection;
use super::math::Vec3;
use super::mesh::VERTEX_FLOATS;
use super::scene::{HALF_HEIGHT, LEVELS, Scene};
use crate::figure::{Colormap, FigureTheme, Marker, Raster};

/// The shaders.
pub const SHADER: &str = include_str!("../../../shaders/surface.wgsl");

const COLOR: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
const DEPTH: wgpu::TextureFormat = wgpu::TextureFormat::Depth32Float;
const LINE_FLOATS: usize = 12;
const POINT_FLOATS: usize = 14;
const UNIFORM_FLOATS: usize = 36 + LEVELS;
/// How far lines are lifted off the surface, in the scene: their casing, and
/// they themselves.
const LIFT: (f32, f32) = (0.014, 0.018);
/// How long reading a picture back may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Every n-th sample is left in coarse triangles so that about this many
/// remain a side.
const COARSE_SIDE: usize = 64;

/// How carefully a picture is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// Few triangles, one sample for each pixel: while it is being turned.
    Draft,
    /// All triangles, several samples for each pixel.
    Fine,
}

/// What can be drawn with, made once for a graphics device.
pub struct Renderer {
    device: wgpu::Device,
    queue: wgpu::Queue,
    bindings: wgpu::BindGroupLayout,
    fine: Pipelines,
    draft: Pipelines,
    largest: u32,
}

struct Pipelines {
    samples: u32,
    around: wgpu::RenderPipeline,
    surface: wgpu::RenderPipeline,
    lines: wgpu::RenderPipeline,
    hidden_points: wgpu::RenderPipeline,
    points: wgpu::RenderPipeline,
}

/// One picture to be drawn.
#[derive(Clone, Copy)]
pub struct Drawing<'a> {
    /// What is shown.
    pub scene: &'a Arc<Scene>,
    /// From where.
    pub view: &'a Projection,
    /// What is around it.
    pub around: &'a Surroundings,
    /// Places marked with a ring.
    pub marks: &'a [Vec3],
    /// Its colours and widths.
    pub theme: &'a FigureTheme,
    /// Pixels of one point.
    pub pixels_per_point: f32,
    /// How carefully.
    pub quality: Quality,
}

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

/// A picture on the graphics device.
pub struct Canvas {
    size: [u32; 2],
    samples: u32,
    texture: wgpu::Texture,
    /// The finished picture.
    pub view: wgpu::TextureView,
    sampled: Option<wgpu::TextureView>,
    depth: wgpu::TextureView,
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

impl Renderer {
    /// Compiles the shaders for a device.
    pub fn new(device: &wgpu::Device, queue: &wgpu::Queue) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("surface"),
            source: wgpu::ShaderSource::Wgsl(SHADER.into()),
        });
        let stages = wgpu::ShaderStages::VERTEX_FRAGMENT;
        let bindings = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("surface"),
            entries: &[
                wgpu::BindGroupLayoutEntry {
                    binding: 0,
                    visibility: stages,
                    ty: wgpu::BindingType::Buffer {
                        ty: wgpu::BufferBindingType::Uniform,
                        has_dynamic_offset: false,
                        min_binding_size: None,
                    },
                    count: None,
                },
                wgpu::BindGroupLayoutEntry {
                    binding: 1,
                    visibility: wgpu::ShaderStages::FRAGMENT,
                    ty: wgpu::BindingType::Texture {
                        sample_type: wgpu::TextureSampleType::Float { filterable: false },
                        view_dimension: wgpu::TextureViewDimension::D2,
                        multisampled: false,
                    },
                    count: None,
                },
            ],
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("surface"),
            bind_group_layouts: &[Some(&bindings)],
            immediate_size: 0,
        });
        Self {
            fine: Pipelines::new(device, &module, &layout, 4),
            draft: Pipelines::new(device, &module, &layout, 1),
            largest: device.limits().max_texture_dimension_2d,
            device: device.clone(),
            queue: queue.clone(),
            bindings,
        }
    }

    fn pipelines(&self, quality: Quality) -> &Pipelines {
        match quality {
            Quality::Draft => &self.draft,
            Quality::Fine => &self.fine,
        }
    }

    /// The size in pixels nearest to the wanted one that the device can draw.
    pub fn possible(&self, size: [f32; 2]) -> [u32; 2] {
        size.map(|side| (side.round().max(1.0) as u32).min(self.largest))
    }

    /// A canvas of this many pixels.
    pub fn canvas(&self, size: [u32; 2], quality: Quality) -> Canvas {
        let samples = self.pipelines(quality).samples;
        let texture = |format, samples, usage| {
            self.device.create_texture(&wgpu::TextureDescriptor {
                label: Some("surface"),
                size: wgpu::Extent3d {
                    width: size[0],
                    height: size[1],
                    depth_or_array_layers: 1,
                },
                mip_level_count: 1,
                sample_count: samples,
                dimension: wgpu::TextureDimension::D2,
                format,
                usage,
                view_formats: &[],
            })
        };
        let attachment = wgpu::TextureUsages::RENDER_ATTACHMENT;
        let shown = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_SRC;
        let finished = texture(COLOR, 1, attachment | shown);
        let view = |texture: &wgpu::Texture| texture.create_view(&Default::default());
        Canvas {
            size,
            samples,
            view: view(&finished),
            sampled: (samples > 1).then(|| view(&texture(COLOR, samples, attachment))),
            depth: view(&texture(DEPTH, samples, attachment)),
            texture: finished,
        }
    }

    /// Room for a scene.
    pub fn model(&self) -> Model {
        let uniform = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("surface"),
            size: (UNIFORM_FLOATS * 4) as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let map = Colormap::default();
        let colors = self.colors(map);
        let vertex = wgpu::BufferUsages::VERTEX;
        Model {
            bindings: self.bind(&uniform, &colors),
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

    fn colors(&self, map: Colormap) -> wgpu::Texture {
        let lut = map.lut();
        let pixels: Vec<u8> = lut.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
        self.device.create_texture_with_data(
            &self.queue,
            &wgpu::TextureDescriptor {
                label: Some("colours of the surface"),
                size: wgpu::Extent3d {
                    width: lut.len() as u32,
                    height: 1,
                    depth_or_array_layers: 1,
                },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: COLOR,
                usage: wgpu::TextureUsages::TEXTURE_BINDING,
                view_formats: &[],
            },
            wgpu::util::TextureDataOrder::LayerMajor,
            &pixels,
        )
    }

    fn bind(&self, uniform: &wgpu::Buffer, colors: &wgpu::Texture) -> wgpu::BindGroup {
        let view = colors.create_view(&Default::default());
        self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("surface"),
            layout: &self.bindings,
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: uniform.as_entire_binding(),
                },
                wgpu::BindGroupEntry {
                    binding: 1,
                    resource: wgpu::BindingResource::TextureView(&view),
                },
            ],
        })
    }

    /// Draws, without waiting for the device.
    pub fn draw(&self, drawing: &Drawing<'_>, model: &mut Model, canvas: &Canvas) {
        model.take(self, drawing);
        let uniform = uniform(drawing, canvas.size);
        self.queue
            .write_buffer(&model.uniform, 0, &bytes_of(&uniform));
        let around: Vec<f32> = drawing
            .around
            .lines
            .iter()
            .flat_map(|line| around_line(line, drawing.pixels_per_point))
            .collect();
        let count = drawing.around.lines.len();
        model.around.write(self, &bytes_of(&around), count);

        let mut encoder = self
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor {
                label: Some("surface"),
            });
        {
            let (view, resolve_target) = match &canvas.sampled {
                Some(sampled) => (sampled, Some(&canvas.view)),
                None => (&canvas.view, None),
            };
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("surface"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view,
                    depth_slice: None,
                    resolve_target,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Clear(wgpu::Color::TRANSPARENT),
                        store: if canvas.sampled.is_some() {
                            wgpu::StoreOp::Discard
                        } else {
                            wgpu::StoreOp::Store
                        },
                    },
                })],
                depth_stencil_attachment: Some(wgpu::RenderPassDepthStencilAttachment {
                    view: &canvas.depth,
                    depth_ops: Some(wgpu::Operations {
                        load: wgpu::LoadOp::Clear(1.0),
                        store: wgpu::StoreOp::Discard,
                    }),
                    stencil_ops: None,
                }),
                timestamp_writes: None,
                occlusion_query_set: None,
                multiview_mask: None,
            });
            model.paint(&mut pass, self.pipelines(drawing.quality), drawing.quality);
        }
        self.queue.submit([encoder.finish()]);
    }

    /// The picture as pixels. Waits for the device: not for the window's
    /// thread.
    ///
    /// # Errors
    /// One sentence, where the device does not answer.
    pub fn read(&self, canvas: &Canvas) -> Result<Raster, String> {
        let [width, height] = canvas.size;
        let row = 4 * width;
        let alignment = wgpu::COPY_BYTES_PER_ROW_ALIGNMENT;
        let padded = row.div_ceil(alignment) * alignment;
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("surface"),
            size: u64::from(padded) * u64::from(height),
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encoder.copy_texture_to_buffer(
            canvas.texture.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: &buffer,
                layout: wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(padded),
                    rows_per_image: None,
                },
            },
            wgpu::Extent3d {
                width,
                height,
                depth_or_array_layers: 1,
            },
        );
        let submission = self.queue.submit([encoder.finish()]);
        let (sender, receiver) = std::sync::mpsc::channel();
        buffer.map_async(wgpu::MapMode::Read, .., move |outcome| {
            let _ = sender.send(outcome);
        });
        let failed = |error: &dyn std::fmt::Display| {
            format!("The graphics adapter did not give the picture back: {error}")
        };
        self.device
            .poll(wgpu::PollType::Wait {
                submission_index: Some(submission),
                timeout: Some(PATIENCE),
            })
            .map_err(|error| failed(&error))?;
        receiver
            .recv_timeout(PATIENCE)
            .map_err(|error| failed(&error))?
            .map_err(|error| failed(&error))?;
        let mapped = buffer
            .get_mapped_range(..)
            .map_err(|error| failed(&error))?;
        let mut rgba = Vec::with_capacity((row * height) as usize);
        for line in mapped.chunks_exact(padded as usize) {
            for pixel in line[..row as usize].chunks_exact(4) {
                rgba.extend(straight([pixel[0], pixel[1], pixel[2], pixel[3]]));
            }
        }
        Ok(Raster::new(width as usize, height as usize, rgba))
    }
}

/// A premultiplied colour as a straight one.
fn straight(premultiplied: [u8; 4]) -> [u8; 4] {
    let [r, g, b, alpha] = premultiplied;
    if alpha == 0 {
        return [0; 4];
    }
    let channel = |value: u8| {
        let value = (u32::from(value) * 255 + u32::from(alpha) / 2) / u32::from(alpha);
        value.min(255) as u8
    };
    [channel(r), channel(g), channel(b), alpha]
}

impl Canvas {
    /// Whether it is of this size and quality.
    pub fn suits(&self, size: [u32; 2], quality: Quality) -> bool {
        self.size == size && (self.samples > 1) == (quality == Quality::Fine)
    }
}

impl Model {
    /// Brings what changed to the device.
    fn take(&mut self, renderer: &Renderer, drawing: &Drawing<'_>) {
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

    fn paint(&self, pass: &mut wgpu::RenderPass<'_>, pipelines: &Pipelines, quality: Quality) {
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

impl Pipelines {
    fn new(
        device: &wgpu::Device,
        module: &wgpu::ShaderModule,
        layout: &wgpu::PipelineLayout,
        samples: u32,
    ) -> Self {
        use wgpu::CompareFunction::{Always, Greater, LessEqual};
        const SURFACE: [wgpu::VertexAttribute; 2] =
            wgpu::vertex_attr_array![0 => Float32x3, 1 => Float32x3];
        const LINE: [wgpu::VertexAttribute; 4] = wgpu::vertex_attr_array![0 => Float32x3, 1 => Float32x3, 2 => Float32x2, 3 => Float32x4];
        const POINT: [wgpu::VertexAttribute; 4] = wgpu::vertex_attr_array![0 => Float32x3, 1 => Float32x3, 2 => Float32x4, 3 => Float32x4];
        let make = |[vertex, fragment]: [&str; 2],
                    attributes: &[wgpu::VertexAttribute],
                    step_mode,
                    compare,
                    write| {
            let floats: u64 = attributes
                .iter()
                .map(|attribute| attribute.format.size())
                .sum();
            device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
                label: Some(vertex),
                layout: Some(layout),
                vertex: wgpu::VertexState {
                    module,
                    entry_point: Some(vertex),
                    compilation_options: Default::default(),
                    buffers: &[Some(wgpu::VertexBufferLayout {
                        array_stride: floats,
                        step_mode,
                        attributes,
                    })],
                },
                primitive: wgpu::PrimitiveState::default(),
                depth_stencil: Some(wgpu::DepthStencilState {
                    format: DEPTH,
                    depth_write_enabled: Some(write),
                    depth_compare: Some(compare),
                    stencil: wgpu::StencilState::default(),
                    bias: wgpu::DepthBiasState::default(),
                }),
                multisample: wgpu::MultisampleState {
                    count: samples,
                    ..Default::default()
                },
                fragment: Some(wgpu::FragmentState {
                    module,
                    entry_point: Some(fragment),
                    compilation_options: Default::default(),
                    targets: &[Some(wgpu::ColorTargetState {
                        format: COLOR,
                        blend: Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                        write_mask: wgpu::ColorWrites::ALL,
                    })],
                }),
                multiview_mask: None,
                cache: None,
            })
        };
        let instance = wgpu::VertexStepMode::Instance;
        let line = ["line_vertex", "line_fragment"];
        let point = ["point_vertex", "point_fragment"];
        let hidden = ["point_vertex", "hidden_fragment"];
        let surface = ["surface_vertex", "surface_fragment"];
        let vertex = wgpu::VertexStepMode::Vertex;
        Self {
            samples,
            around: make(line, &LINE, instance, Always, false),
            surface: make(surface, &SURFACE, vertex, LessEqual, true),
            lines: make(line, &LINE, instance, LessEqual, false),
            hidden_points: make(hidden, &POINT, instance, Greater, false),
            points: make(point, &POINT, instance, LessEqual, false),
        }
    }
}
