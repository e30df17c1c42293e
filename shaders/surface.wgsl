// The loss surface: a lit height field with contour lines, lines laid on it and
// around it, and points. Colours go out as they come in, encoded as on a
// screen, and premultiplied by opacity.

struct View {
    // From the scene to clip space.
    matrix: mat4x4<f32>,
    // The eye and 1 with perspective; the direction towards it and 0 without.
    eye: vec4<f32>,
    // The direction towards the light.
    light: vec4<f32>,
    // Pixels across and down, pixels of one unit of the scene at the target,
    // half the height of the box.
    size: vec4<f32>,
    // The underside is mixed with this colour, by its opacity.
    paper: vec4<f32>,
    // Contours: half their width in pixels, their opacity, their number.
    contour: vec4<f32>,
    // Heights of the contours, from 0 to 1.
    levels: array<vec4<f32>, 16>,
}

@group(0) @binding(0) var<uniform> view: View;
// 256 colours from the low to the high end.
@group(0) @binding(1) var colors: texture_2d<f32>;

fn towards_eye(at: vec3<f32>) -> vec3<f32> {
    return normalize(view.eye.xyz - at * view.eye.w);
}

// ---------------------------------------------------------------- the surface

struct SurfaceVertex {
    @builtin(position) position: vec4<f32>,
    @location(0) place: vec3<f32>,
    @location(1) normal: vec3<f32>,
    // From 0 at the low to 1 at the high end of the colours.
    @location(2) height: f32,
}

@vertex
fn surface_vertex(
    @location(0) place: vec3<f32>,
    @location(1) normal: vec3<f32>,
) -> SurfaceVertex {
    var out: SurfaceVertex;
    out.position = view.matrix * vec4<f32>(place, 1.0);
    out.place = place;
    out.normal = normal;
    out.height = place.y / (2.0 * view.size.w) + 0.5;
    return out;
}

// How much brighter a slope is than level ground, which keeps its colour.
fn lighting(normal: vec3<f32>, eye: vec3<f32>) -> f32 {
    let light = view.light.xyz;
    let diffuse = dot(normal, light) - light.y;
    let grazing = 1.0 - abs(dot(normal, eye));
    return clamp(1.0 + 0.48 * diffuse - 0.10 * grazing * grazing, 0.55, 1.18);
}

// How much of a pixel is covered by contour lines; level ground has none.
fn contour_cover(height: f32, slope: f32) -> f32 {
    var cover = 0.0;
    if slope < 1e-6 {
        return cover;
    }
    let count = u32(view.contour.z);
    for (var k = 0u; k < count; k++) {
        let level = view.levels[k / 4u][k % 4u];
        let away = abs(height - level) / slope;
        cover = max(cover, 1.0 - smoothstep(view.contour.x - 0.5, view.contour.x + 0.5, away));
    }
    return cover;
}

@fragment
fn surface_fragment(in: SurfaceVertex, @builtin(front_facing) front: bool) -> @location(0) vec4<f32> {
    // Derivatives first, where all pixels take the same way.
    let slope = length(vec2<f32>(dpdx(in.height), dpdy(in.height)));
    let fraction = clamp(in.height, 0.0, 1.0);
    let entry = min(i32(fraction * 256.0), 255);
    let own = textureLoad(colors, vec2<i32>(entry, 0), 0).rgb;

    let eye = towards_eye(in.place);
    var normal = normalize(in.normal);
    if !front {
        normal = -normal;
    }
    var color = own * lighting(normal, eye);
    let shine = max(dot(reflect(-view.light.xyz, normal), eye), 0.0);
    color += vec3<f32>(0.10 * pow(shine, 24.0));
    if !front {
        color = mix(color, view.paper.rgb, view.paper.a);
    }

    // Black or white, whichever stands out.
    let brightness = dot(own, vec3<f32>(0.299, 0.587, 0.114));
    let ink = select(vec3<f32>(1.0), vec3<f32>(0.0), brightness > 0.42);
    let cover = contour_cover(in.height, slope) * view.contour.y;
    color = mix(color, ink, cover);
    return vec4<f32>(clamp(color, vec3<f32>(0.0), vec3<f32>(1.0)), 1.0);
}

// ---------------------------------------------------------------------- lines

struct LineVertex {
    @builtin(position) position: vec4<f32>,
    // Pixels from the line's start, along and across it, and its length.
    @location(0) along: vec2<f32>,
    @location(1) @interpolate(flat) reach: vec2<f32>,
    @location(2) @interpolate(flat) color: vec4<f32>,
}

// One piece: an upright rectangle on the screen with round ends, as wide
// everywhere, moved towards the eye so that it lies on the surface.
@vertex
fn line_vertex(
    @builtin(vertex_index) corner: u32,
    @location(0) start: vec3<f32>,
    @location(1) end: vec3<f32>,
    // Half the width in pixels; how far it is lifted.
    @location(2) shape: vec2<f32>,
    @location(3) color: vec4<f32>,
) -> LineVertex {
    let a = view.matrix * vec4<f32>(start + towards_eye(start) * shape.y, 1.0);
    let b = view.matrix * vec4<f32>(end + towards_eye(end) * shape.y, 1.0);
    let half_size = 0.5 * view.size.xy;
    let from_pixel = a.xy / a.w * half_size;
    let to_pixel = b.xy / b.w * half_size;
    let distance = to_pixel - from_pixel;
    let reach = length(distance);
    var direction = vec2<f32>(1.0, 0.0);
    if reach > 1e-4 {
        direction = distance / reach;
    }
    let across = vec2<f32>(-direction.y, direction.x);

    // Half a pixel more for the soft edge.
    let half_width = shape.x + 0.5;
    let at_end = corner == 1u || corner == 2u || corner == 4u;
    let on_left = corner == 2u || corner == 4u || corner == 5u;
    let side = select(-half_width, half_width, on_left);
    let beyond = select(-half_width, half_width, at_end);
    let clip = select(a, b, at_end);
    let offset = direction * beyond + across * side;

    var out: LineVertex;
    out.position = vec4<f32>(clip.xy + offset / half_size * clip.w, clip.zw);
    out.along = vec2<f32>(select(0.0, reach, at_end) + beyond, side);
    out.reach = vec2<f32>(reach, shape.x);
    out.color = color;
    return out;
}

@fragment
fn line_fragment(in: LineVertex) -> @location(0) vec4<f32> {
    let nearest = clamp(in.along.x, 0.0, in.reach.x);
    let away = length(vec2<f32>(in.along.x - nearest, in.along.y));
    let cover = clamp(in.reach.y + 0.5 - away, 0.0, 1.0) * in.color.a;
    if cover <= 0.0 {
        discard;
    }
    return vec4<f32>(in.color.rgb * cover, cover);
}

// --------------------------------------------------------------------- points

struct PointVertex {
    @builtin(position) position: vec4<f32>,
    // In pixels from the middle, y up.
    @location(0) offset: vec2<f32>,
    // Radius and width of the edge in pixels, kind.
    @location(1) @interpolate(flat) shape: vec3<f32>,
    @location(2) @interpolate(flat) color: vec4<f32>,
    @location(3) @interpolate(flat) edge: vec4<f32>,
}

// A square that faces the eye, as far in front of its place as it is large, so
// that the ground on which a ball lies does not cut it.
@vertex
fn point_vertex(
    @builtin(vertex_index) corner: u32,
    @location(0) place: vec3<f32>,
    @location(1) shape: vec3<f32>,
    @location(2) color: vec4<f32>,
    @location(3) edge: vec4<f32>,
) -> PointVertex {
    let flat_at = view.matrix * vec4<f32>(place, 1.0);
    // One pixel at this place, in units of the scene.
    let pixel = flat_at.w / view.size.z;
    // A ball lies on the ground, the other signs are painted on it.
    let lift = select(0.0, shape.x * pixel, shape.z < 0.5);
    let middle = place + vec3<f32>(0.0, lift, 0.0);
    let near = middle + towards_eye(middle) * (1.2 * shape.x * pixel + 0.02);
    let clip = view.matrix * vec4<f32>(near, 1.0);

    let reach = shape.x + shape.y + 1.0;
    let at_right = corner == 1u || corner == 2u || corner == 4u;
    let at_top = corner == 2u || corner == 4u || corner == 5u;
    let offset = vec2<f32>(select(-reach, reach, at_right), select(-reach, reach, at_top));

    var out: PointVertex;
    out.position = vec4<f32>(clip.xy + offset * 2.0 / view.size.xy * clip.w, clip.zw);
    out.offset = offset;
    out.shape = shape;
    out.color = color;
    out.edge = edge;
    return out;
}

// How far a pixel is from the edge of the sign, outside positive.
fn outside(offset: vec2<f32>, shape: vec3<f32>) -> f32 {
    if shape.z > 0.5 && shape.z < 1.5 {
        let corner = abs(offset) - vec2<f32>(shape.x * 0.88);
        return max(corner.x, corner.y);
    }
    return length(offset) - shape.x;
}

@fragment
fn point_fragment(in: PointVertex) -> @location(0) vec4<f32> {
    let away = outside(in.offset, in.shape);
    let cover = clamp(in.shape.y + 0.5 - away, 0.0, 1.0);
    if cover <= 0.0 {
        discard;
    }
    var inner = in.color.rgb;
    var opacity = in.color.a;
    if in.shape.z < 0.5 {
        // A ball: its front half is a hemisphere.
        let flat_part = in.offset / in.shape.x;
        let depth = sqrt(max(1.0 - dot(flat_part, flat_part), 0.0));
        let normal = vec3<f32>(flat_part, depth);
        let light = normalize(vec3<f32>(-0.45, 0.65, 0.6));
        let shine = pow(max(dot(reflect(-light, normal), vec3<f32>(0.0, 0.0, 1.0)), 0.0), 20.0);
        inner = inner * (0.62 + 0.45 * max(dot(normal, light), 0.0)) + vec3<f32>(0.45 * shine);
    }
    let filled = clamp(0.5 - away, 0.0, 1.0);
    let color = mix(in.edge.rgb, clamp(inner, vec3<f32>(0.0), vec3<f32>(1.0)), filled);
    let alpha = mix(in.edge.a, opacity, filled) * cover;
    return vec4<f32>(color * alpha, alpha);
}

// What of a point is hidden: its outline only, faint.
@fragment
fn hidden_fragment(in: PointVertex) -> @location(0) vec4<f32> {
    let away = abs(outside(in.offset, in.shape));
    let cover = clamp(1.5 - away, 0.0, 1.0) * 0.45;
    if cover <= 0.0 {
        discard;
    }
    return vec4<f32>(in.edge.rgb * cover, cover);
}
