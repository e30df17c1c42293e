//! Draws a scene with wgpu into a picture of its own, with its own depth.

use std::sync::Arc;
use std::time::Duration;

use eframe::wgpu;
use wgpu::util::DeviceExt as _;

use super::axes::Surroundings;
use super::camera::Projection;
use super::math::Vec3;
use super::model::Model;
use super::pipelines::Pipelines;
use super::scene::Scene;
use crate::figure::{Colormap, FigureTheme, Raster};

/// The shaders.
pub const SHADER: &str = include_str!("../../../shaders/surface.wgsl");

/// Colours are kept as they are shown.
pub(super) const COLOR: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
/// The depth of every pixel.
pub(super) const DEPTH: wgpu::TextureFormat = wgpu::TextureFormat::Depth32Float;
/// How long reading a picture back may take.
const PATIENCE: Duration = Duration::from_secs(30);
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
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    bindings: wgpu::BindGroupLayout,
    fine: Pipelines,
    draft: Pipelines,
    largest: u32,
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

    /// The colours of a map.
    pub(super) fn colors(&self, map: Colormap) -> wgpu::Texture {
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

    /// What every pipeline reads.
    pub(super) fn bind(&self, uniform: &wgpu::Buffer, colors: &wgpu::Texture) -> wgpu::BindGroup {
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
        model.take(self, drawing, canvas.size);
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
