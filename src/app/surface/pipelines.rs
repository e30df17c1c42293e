//! The pipelines of the shaders: what is drawn how.

use eframe::wgpu;

use super::renderer::{COLOR, DEPTH};

/// One for each kind of thing, for pictures with this many samples a pixel.
pub(super) struct Pipelines {
    /// Samples of a pixel.
    pub(super) samples: u32,
    /// Lines behind everything.
    pub(super) around: wgpu::RenderPipeline,
    /// The height field.
    pub(super) surface: wgpu::RenderPipeline,
    /// Lines on it.
    pub(super) lines: wgpu::RenderPipeline,
    /// The outlines of points that it hides.
    pub(super) hidden_points: wgpu::RenderPipeline,
    /// Points on it.
    pub(super) points: wgpu::RenderPipeline,
}

impl Pipelines {
    /// Compiles them.
    pub(super) fn new(
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
