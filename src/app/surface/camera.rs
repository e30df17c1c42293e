//! From where the surface is seen: orbit, pan and zoom, and the way from the
//! scene to the screen and back. Pure arithmetic.
//!
//! The eye keeps its distance; zooming narrows the picture like a lens. So
//! nothing is ever cut by a near plane, however close one looks.

use super::math::{Mat4, Vec3, vec3};

/// From the middle of what is looked at to the eye.
const DISTANCE: f32 = 7.0;
/// What lies nearer to the eye than the target by this much is still drawn.
const NEAR: f32 = 4.0;
/// What lies farther from the eye than the target by this much is still drawn.
const FAR: f32 = 4.5;
/// The flattest and the steepest look down, in radians.
const ELEVATION: (f32, f32) = (0.0, std::f32::consts::FRAC_PI_2);
/// The smallest and largest magnification.
const ZOOM: (f32, f32) = (0.4, 24.0);

/// A place to look from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Around the vertical, in radians: 0 looks along β, growing values bring
    /// the eye to the right.
    pub azimuth: f32,
    /// Above the horizontal, in radians.
    pub elevation: f32,
    /// How much larger than what fits everything in.
    pub zoom: f32,
    /// What is looked at, from the middle of the box.
    pub target: Vec3,
    /// Whether far things look smaller.
    pub perspective: bool,
}

/// The box that must be visible: half of its extents, its middle in the origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extents {
    /// Half of the extents.
    pub half: Vec3,
}

/// The room on the screen, in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Viewport {
    /// The size of the picture.
    pub size: [f32; 2],
    /// What labels need: left, right, top, bottom.
    pub margins: [f32; 4],
}

/// A camera in front of a viewport: goes from the scene to the screen and back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projection {
    /// From the scene to clip space, depth 0 at the near and 1 at the far end.
    pub matrix: Mat4,
    /// Points of the screen for one unit of the scene at the target.
    pub scale: f32,
    /// From the target to the eye, of length 1.
    pub towards_eye: Vec3,
    /// The direction on the screen's right.
    pub right: Vec3,
    /// The direction up the screen.
    pub up: Vec3,
    perspective: bool,
    target: Vec3,
    size: [f32; 2],
    centre: [f32; 2],
}

impl Default for Camera {
    fn default() -> Self {
        Self {
            azimuth: 0.56,
            elevation: 0.68,
            zoom: 1.0,
            target: Vec3::default(),
            perspective: true,
        }
    }
}

impl Camera {
    /// From above, without perspective: the map.
    pub fn top() -> Self {
        Self {
            azimuth: 0.0,
            elevation: ELEVATION.1,
            perspective: false,
            ..Self::default()
        }
    }

    /// Along β, without perspective: the profile.
    pub fn front() -> Self {
        Self {
            azimuth: 0.0,
            elevation: ELEVATION.0,
            perspective: false,
            ..Self::default()
        }
    }

    /// Turns by angles in radians: the scene follows the hand.
    pub fn orbit(&mut self, azimuth: f32, elevation: f32) {
        self.azimuth = wrapped(self.azimuth + azimuth);
        self.elevation = (self.elevation + elevation).clamp(ELEVATION.0, ELEVATION.1);
        self.perspective = true;
    }

    /// Moves the scene by points of the screen.
    pub fn pan(&mut self, by: [f32; 2], extents: &Extents, viewport: &Viewport) {
        let view = self.projection(extents, viewport);
        let moved = view.right * (-by[0] / view.scale) + view.up * (by[1] / view.scale);
        self.set_target(self.target + moved, extents);
    }

    /// Magnifies by a factor; what is under `at` (points of the screen) stays
    /// there, as far as it lies as deep as the target.
    pub fn zoom_at(&mut self, factor: f32, at: [f32; 2], extents: &Extents, viewport: &Viewport) {
        let before = self.projection(extents, viewport);
        self.zoom = (self.zoom * factor).clamp(ZOOM.0, ZOOM.1);
        let after = self.projection(extents, viewport);
        let offset = [at[0] - before.centre[0], at[1] - before.centre[1]];
        let change = 1.0 / before.scale - 1.0 / after.scale;
        let moved = before.right * (offset[0] * change) - before.up * (offset[1] * change);
        self.set_target(self.target + moved, extents);
    }

    fn set_target(&mut self, target: Vec3, extents: &Extents) {
        let half = extents.half;
        let inside = |value: f32, most: f32| value.clamp(-most, most);
        self.target = vec3(
            inside(target.x, half.x),
            inside(target.y, half.y),
            inside(target.z, half.z),
        );
    }

    /// From the target to the eye, of length 1.
    pub fn towards_eye(&self) -> Vec3 {
        let (sin_a, cos_a) = self.azimuth.sin_cos();
        let (sin_e, cos_e) = self.elevation.sin_cos();
        vec3(sin_a * cos_e, sin_e, cos_a * cos_e)
    }

    /// The way to the screen. At magnification 1 the box fits the viewport from
    /// every side, so that turning it changes its size only with the elevation.
    pub fn projection(&self, extents: &Extents, viewport: &Viewport) -> Projection {
        let (sin_a, cos_a) = self.azimuth.sin_cos();
        let (sin_e, cos_e) = self.elevation.sin_cos();
        let right = vec3(cos_a, 0.0, -sin_a);
        let up = vec3(-sin_a * sin_e, cos_e, -cos_a * sin_e);
        let towards_eye = self.towards_eye();
        let curvature = if self.perspective {
            1.0 / DISTANCE
        } else {
            0.0
        };

        let [left, rightmost, top, bottom] = viewport.margins;
        let width = (viewport.size[0] - left - rightmost).max(16.0);
        let height = (viewport.size[1] - top - bottom).max(16.0);
        let [x, below, above] = self.silhouette(extents, curvature);
        let scale = (width / (2.0 * x)).min(height / (above - below));
        let middle = scale * (above + below) / 2.0;
        let centre = [left + width / 2.0, top + height / 2.0 + middle];
        let scale = scale * self.zoom;

        let across = 2.0 * scale / viewport.size[0].max(1.0);
        let along = 2.0 * scale / viewport.size[1].max(1.0);
        let shift_x = 2.0 * centre[0] / viewport.size[0].max(1.0) - 1.0;
        let shift_y = 1.0 - 2.0 * centre[1] / viewport.size[1].max(1.0);
        let slope = -(1.0 + curvature * FAR) / (NEAR + FAR);
        let row = |direction: Vec3, offset: f32| {
            [
                direction.x,
                direction.y,
                direction.z,
                offset - direction.dot(self.target),
            ]
        };
        let w = row(towards_eye * -curvature, 1.0);
        let plus = |row: [f32; 4], factor: f32| -> [f32; 4] {
            std::array::from_fn(|k| row[k] + factor * w[k])
        };
        let matrix = Mat4([
            plus(row(right * across, 0.0), shift_x),
            plus(row(up * along, 0.0), shift_y),
            row(towards_eye * slope, -slope * NEAR),
            w,
        ]);
        Projection {
            matrix,
            scale,
            towards_eye,
            right,
            up,
            perspective: self.perspective,
            target: self.target,
            size: viewport.size,
            centre,
        }
    }

    /// How far the upright cylinder around the box reaches on the screen, at
    /// scale 1: to either side, down, up.
    fn silhouette(&self, extents: &Extents, curvature: f32) -> [f32; 3] {
        let (sin_e, cos_e) = self.elevation.sin_cos();
        // From straight above or the front the box itself is seen, upright.
        let upright = self.azimuth == 0.0 && !self.perspective;
        let corners = (0..24).map(|k| {
            let half = extents.half;
            if upright {
                let sign = |bit: usize| if k >> bit & 1 == 0 { -1.0 } else { 1.0 };
                (half.x * sign(0), half.z * sign(1))
            } else {
                let (sin, cos) = (k as f32 / 24.0 * std::f32::consts::TAU).sin_cos();
                let radius = half.x.hypot(half.z);
                (radius * sin, radius * cos)
            }
        });
        let mut reach = [1e-3f32, f32::INFINITY, f32::NEG_INFINITY];
        for (x, depth) in corners {
            for y in [-extents.half.y, extents.half.y] {
                let w = 1.0 - curvature * (y * sin_e + depth * cos_e);
                let v = (y * cos_e - depth * sin_e) / w;
                reach[0] = reach[0].max((x / w).abs());
                reach[1] = reach[1].min(v);
                reach[2] = reach[2].max(v);
            }
        }
        reach[2] = reach[2].max(reach[1] + 1e-3);
        reach
    }
}

fn wrapped(angle: f32) -> f32 {
    use std::f32::consts::{PI, TAU};
    (angle + PI).rem_euclid(TAU) - PI
}

impl Projection {
    /// Where a point of the scene is on the screen, in points, and its depth
    /// from 0 (near) to 1 (far).
    pub fn project(&self, point: Vec3) -> ([f32; 2], f32) {
        let [x, y, z, w] = self.matrix.transform(point);
        let at = [
            (x / w + 1.0) / 2.0 * self.size[0],
            (1.0 - y / w) / 2.0 * self.size[1],
        ];
        (at, z / w)
    }

    /// The ray of sight through a point of the screen: a point on it, and the
    /// direction away from the eye, of length 1.
    pub fn ray(&self, at: [f32; 2]) -> (Vec3, Vec3) {
        let u = (at[0] - self.centre[0]) / self.scale;
        let v = (self.centre[1] - at[1]) / self.scale;
        let on_plane = self.target + self.right * u + self.up * v;
        if self.perspective {
            let eye = self.eye();
            (eye, (on_plane - eye).normalized())
        } else {
            (on_plane + self.towards_eye * NEAR, -self.towards_eye)
        }
    }

    /// The eye; without perspective it is as far as it would be with it.
    pub fn eye(&self) -> Vec3 {
        self.target + self.towards_eye * DISTANCE
    }

    /// Whether far things look smaller.
    pub fn is_perspective(&self) -> bool {
        self.perspective
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::{FRAC_PI_2, PI};

    const BOX: Extents = Extents {
        half: vec3(1.0, 0.5, 1.0),
    };
    const VIEWPORT: Viewport = Viewport {
        size: [640.0, 400.0],
        margins: [40.0, 30.0, 10.0, 50.0],
    };

    fn corners() -> impl Iterator<Item = Vec3> {
        (0..8).map(|k| {
            let sign = |bit: usize| if k >> bit & 1 == 0 { -1.0 } else { 1.0 };
            vec3(sign(0), 0.5 * sign(1), sign(2))
        })
    }

    fn cameras() -> Vec<Camera> {
        let mut all = vec![Camera::default(), Camera::top(), Camera::front()];
        for (azimuth, elevation) in [(0.4, 0.2), (2.5, 1.2), (-3.0, 0.9), (-1.0, 0.0)] {
            all.push(Camera {
                azimuth,
                elevation,
                ..Camera::default()
            });
        }
        all
    }

    #[test]
    fn the_box_fits_between_the_margins_from_every_side() {
        for camera in cameras() {
            let view = camera.projection(&BOX, &VIEWPORT);
            for corner in corners() {
                let ([x, y], depth) = view.project(corner);
                assert!((39.5..=610.5).contains(&x), "{camera:?}: {x}");
                assert!((9.5..=350.5).contains(&y), "{camera:?}: {y}");
                assert!((0.0..=1.0).contains(&depth), "{camera:?}: {depth}");
            }
        }
    }

    #[test]
    fn axes_of_the_screen_are_orthonormal_and_right_handed() {
        for camera in cameras() {
            let view = camera.projection(&BOX, &VIEWPORT);
            assert!((view.right.cross(view.up) - view.towards_eye).length() < 1e-5);
            assert!((view.right.length() - 1.0).abs() < 1e-5);
            assert!((view.up.length() - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn nearer_points_are_less_deep() {
        for camera in cameras() {
            let view = camera.projection(&BOX, &VIEWPORT);
            let near = view.project(view.towards_eye).1;
            let far = view.project(-view.towards_eye).1;
            assert!(near < far);
        }
    }

    #[test]
    fn from_above_alpha_goes_right_and_beta_up() {
        let view = Camera::top().projection(&BOX, &VIEWPORT);
        let at = |x, z| view.project(vec3(x, 0.0, z)).0;
        let middle = at(0.0, 0.0);
        assert!(at(1.0, 0.0)[0] > middle[0] + 50.0);
        assert!((at(1.0, 0.0)[1] - middle[1]).abs() < 1e-3);
        // β grows against z.
        assert!(at(0.0, -1.0)[1] < middle[1] - 50.0);
        let front = Camera::front().projection(&BOX, &VIEWPORT);
        let top = front.project(vec3(0.0, 0.5, 0.0)).0;
        assert!(top[1] < front.project(Vec3::default()).0[1]);
    }

    #[test]
    fn a_ray_leads_back_to_the_point_it_goes_through() {
        for mut camera in cameras() {
            camera.zoom = 1.7;
            camera.target = vec3(0.2, -0.1, 0.3);
            let view = camera.projection(&BOX, &VIEWPORT);
            for corner in corners() {
                let (origin, direction) = view.ray(view.project(corner).0);
                let along = (corner - origin).dot(direction);
                assert!(along > 0.0, "the eye is outside the box");
                let nearest = origin + direction * along;
                assert!((nearest - corner).length() < 1e-3, "{camera:?}");
            }
        }
    }

    #[test]
    fn orbits_stay_above_the_floor_and_wrap_around() {
        let mut camera = Camera::top();
        camera.orbit(0.0, 5.0);
        assert_eq!(camera.elevation, FRAC_PI_2);
        assert!(camera.perspective, "a turned view has depth");
        camera.orbit(0.0, -5.0);
        assert_eq!(camera.elevation, 0.0);
        for _ in 0..100 {
            camera.orbit(0.3, 0.0);
            assert!((-PI..=PI).contains(&camera.azimuth));
        }
    }

    #[test]
    fn a_pan_moves_the_scene_with_the_hand() {
        let mut camera = Camera {
            zoom: 3.0,
            ..Camera::default()
        };
        let before = camera.projection(&BOX, &VIEWPORT);
        let point = camera.target;
        let [x, y] = before.project(point).0;
        camera.pan([20.0, -10.0], &BOX, &VIEWPORT);
        let after = camera.projection(&BOX, &VIEWPORT).project(point).0;
        assert!((after[0] - x - 20.0).abs() < 0.5, "{after:?}");
        assert!((after[1] - y + 10.0).abs() < 0.5, "{after:?}");
        // However far one pans, the box stays.
        camera.pan([1e6, 1e6], &BOX, &VIEWPORT);
        assert!(camera.target.x.abs() <= 1.0 && camera.target.y.abs() <= 0.5);
    }

    #[test]
    fn a_zoom_keeps_what_is_under_the_pointer() {
        for mut camera in cameras() {
            let before = camera.projection(&BOX, &VIEWPORT);
            let pointer = [before.centre[0] + 60.0, before.centre[1] - 20.0];
            let (origin, direction) = before.ray(pointer);
            // The point of the ray that is as deep as the target.
            let along = (camera.target - origin).dot(before.towards_eye)
                / direction.dot(before.towards_eye);
            let point = origin + direction * along;
            camera.zoom_at(1.4, pointer, &BOX, &VIEWPORT);
            let [x, y] = camera.projection(&BOX, &VIEWPORT).project(point).0;
            let inside = point.y.abs() < 0.4;
            assert!(!inside || (x - pointer[0]).hypot(y - pointer[1]) < 1.5);
        }
        let mut camera = Camera::default();
        camera.zoom_at(1e9, [100.0, 100.0], &BOX, &VIEWPORT);
        assert_eq!(camera.zoom, ZOOM.1);
        camera.zoom_at(1e-9, [100.0, 100.0], &BOX, &VIEWPORT);
        assert_eq!(camera.zoom, ZOOM.0);
    }
}
