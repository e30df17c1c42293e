//! The height field as triangles, and what lies on it. Pure arithmetic.

use super::math::{Vec3, vec3};

/// Numbers of a vertex in [`HeightField::vertices`].
pub const VERTEX_FLOATS: usize = 6;
/// Pieces that a path on the surface is cut into, at most.
const PIECES: usize = 24_000;

/// Heights over a rectangular grid. A height that is not a number is a hole:
/// nothing is drawn there, and nothing is made up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeightField {
    /// Columns, by rising x.
    pub x: Vec<f32>,
    /// Rows, by falling z: β grows away from the viewer.
    pub z: Vec<f32>,
    /// Row by row, `y[j * columns + i]`.
    pub y: Vec<f32>,
}

/// A cell: its lower column and row, and where in it, from 0 to 1.
struct Cell {
    i: usize,
    j: usize,
    s: f32,
    t: f32,
}

impl HeightField {
    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.x.len()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.z.len()
    }

    fn at(&self, i: usize, j: usize) -> f32 {
        self.y[j * self.columns() + i]
    }

    fn point(&self, i: usize, j: usize) -> Vec3 {
        vec3(self.x[i], self.at(i, j), self.z[j])
    }

    /// The rise along x and z at a sample, from its neighbours that have a
    /// height; flat where there are none.
    fn slope(&self, i: usize, j: usize) -> [f32; 2] {
        let here = self.at(i, j);
        let rise = |before: Option<(f32, f32)>, at: f32, after: Option<(f32, f32)>| {
            let before = before.filter(|(_, y)| !y.is_nan()).unwrap_or((at, here));
            let after = after.filter(|(_, y)| !y.is_nan()).unwrap_or((at, here));
            if before.0 == after.0 {
                0.0
            } else {
                (after.1 - before.1) / (after.0 - before.0)
            }
        };
        let column = |i: usize| (i < self.columns()).then(|| (self.x[i], self.at(i, j)));
        let row = |j: usize| (j < self.rows()).then(|| (self.z[j], self.at(i, j)));
        [
            rise(i.checked_sub(1).and_then(column), self.x[i], column(i + 1)),
            rise(j.checked_sub(1).and_then(row), self.z[j], row(j + 1)),
        ]
    }

    /// For every sample its place and the direction away from the surface
    /// there, [`VERTEX_FLOATS`] numbers each. Holes have vertices too, which
    /// no triangle uses.
    pub fn vertices(&self) -> Vec<f32> {
        let mut numbers = Vec::with_capacity(self.y.len() * VERTEX_FLOATS);
        for j in 0..self.rows() {
            for i in 0..self.columns() {
                let point = self.point(i, j);
                if point.y.is_nan() {
                    numbers.extend([point.x, 0.0, point.z, 0.0, 1.0, 0.0]);
                    continue;
                }
                let [dx, dz] = self.slope(i, j);
                numbers.extend(point.to_array());
                numbers.extend(vec3(-dx, 1.0, -dz).normalized().to_array());
            }
        }
        numbers
    }

    /// Whether a cell is divided from its lower left to its upper right corner:
    /// along the diagonal that rises less. `None` where it is empty.
    fn diagonal(&self, corners: [f32; 4]) -> Option<bool> {
        let [a, b, c, d] = corners;
        match corners.map(f32::is_nan) {
            [false, false, false, false] => Some((a - d).abs() <= (b - c).abs()),
            [true, false, false, false] | [false, false, false, true] => Some(false),
            [false, true, false, false] | [false, false, true, false] => Some(true),
            _ => None,
        }
    }

    /// Three vertices for every triangle, counter-clockwise seen from above.
    /// `stride` above 1 leaves samples out, but never fills a hole.
    pub fn triangles(&self, stride: usize) -> Vec<u32> {
        let stride = stride.max(1);
        let (columns, rows) = (self.columns(), self.rows());
        let mut indices = Vec::with_capacity(6 * (columns / stride + 1) * (rows / stride + 1));
        let starts = |count: usize| (0..count.saturating_sub(1)).step_by(stride);
        for j in starts(rows) {
            for i in starts(columns) {
                let (right, up) = ((i + stride).min(columns - 1), (j + stride).min(rows - 1));
                let whole =
                    stride == 1 || (j..=up).all(|j| (i..=right).all(|i| !self.at(i, j).is_nan()));
                if whole {
                    self.cell([i, j], [right, up], &mut indices);
                } else {
                    for j in j..up {
                        for i in i..right {
                            self.cell([i, j], [i + 1, j + 1], &mut indices);
                        }
                    }
                }
            }
        }
        indices
    }

    /// The triangles between two corners.
    fn cell(&self, [i, j]: [usize; 2], [right, up]: [usize; 2], out: &mut Vec<u32>) {
        let places = [(i, j), (right, j), (i, up), (right, up)];
        let heights = places.map(|(i, j)| self.at(i, j));
        let Some(rising) = self.diagonal(heights) else {
            return;
        };
        let triangles = if rising {
            [[0, 1, 3], [0, 3, 2]]
        } else {
            [[0, 1, 2], [1, 3, 2]]
        };
        for triangle in triangles {
            if triangle.iter().all(|&corner| !heights[corner].is_nan()) {
                out.extend(triangle.map(|corner| {
                    let (i, j) = places[corner];
                    (j * self.columns() + i) as u32
                }));
            }
        }
    }

    fn locate(&self, x: f32, z: f32) -> Option<Cell> {
        let last = |count: usize| count.checked_sub(2);
        let (last_i, last_j) = (last(self.columns())?, last(self.rows())?);
        // Rounding must not push a point of the edge out.
        let within = |value: f32, low: f32, high: f32| {
            let slack = 1e-5 * (high - low);
            (value >= low - slack && value <= high + slack).then(|| value.clamp(low, high))
        };
        let x = within(x, self.x[0], self.x[last_i + 1])?;
        let z = within(z, self.z[last_j + 1], self.z[0])?;
        let i = self.x.partition_point(|&edge| edge <= x);
        let j = self.z.partition_point(|&edge| edge >= z);
        let (i, j) = (
            i.saturating_sub(1).min(last_i),
            j.saturating_sub(1).min(last_j),
        );
        Some(Cell {
            i,
            j,
            s: (x - self.x[i]) / (self.x[i + 1] - self.x[i]),
            t: (z - self.z[j]) / (self.z[j + 1] - self.z[j]),
        })
    }

    /// The height of the drawn surface at a place; nothing outside and in
    /// holes.
    pub fn height_at(&self, x: f32, z: f32) -> Option<f32> {
        let Cell { i, j, s, t } = self.locate(x, z)?;
        let corners = [(i, j), (i + 1, j), (i, j + 1), (i + 1, j + 1)];
        let [a, b, c, d] = corners.map(|(i, j)| self.at(i, j));
        let height = if self.diagonal([a, b, c, d])? {
            if s >= t {
                a + s * (b - a) + t * (d - b)
            } else {
                a + t * (c - a) + s * (d - c)
            }
        } else if s + t <= 1.0 {
            a + s * (b - a) + t * (c - a)
        } else {
            d + (1.0 - s) * (c - d) + (1.0 - t) * (b - d)
        };
        (!height.is_nan()).then_some(height)
    }

    /// A path over the grid (x, z) laid on the surface: pieces from point to
    /// point, none where it leaves the grid or crosses a hole.
    pub fn drape(&self, path: &[[f32; 2]]) -> Vec<[Vec3; 2]> {
        let (Some(cell), true) = (self.cell_size(), path.len() > 1) else {
            return Vec::new();
        };
        let length: f32 = path
            .windows(2)
            .map(|pair| (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]))
            .filter(|length| length.is_finite())
            .sum();
        let step = (cell / 2.0).max(length / PIECES as f32);
        let on = |[x, z]: [f32; 2]| self.height_at(x, z).map(|y| vec3(x, y, z));
        let mut pieces = Vec::new();
        for pair in path.windows(2) {
            let ([x0, z0], [x1, z1]) = (pair[0], pair[1]);
            let length = (x1 - x0).hypot(z1 - z0);
            if !length.is_finite() {
                continue;
            }
            let count = ((length / step).ceil() as usize).clamp(1, PIECES);
            let mut before = on(pair[0]);
            for k in 1..=count {
                let part = k as f32 / count as f32;
                let after = on([x0 + part * (x1 - x0), z0 + part * (z1 - z0)]);
                if let (Some(a), Some(b)) = (before, after) {
                    pieces.push([a, b]);
                }
                before = after;
            }
        }
        pieces
    }

    fn cell_size(&self) -> Option<f32> {
        let extent = |values: &[f32]| Some((values.last()? - values.first()?).abs());
        let across = extent(&self.x)? / self.columns().saturating_sub(1).max(1) as f32;
        let along = extent(&self.z)? / self.rows().saturating_sub(1).max(1) as f32;
        let size = across.min(along);
        (size > 0.0 && size.is_finite()).then_some(size)
    }

    /// Where a ray of sight first meets the surface.
    pub fn hit(&self, origin: Vec3, direction: Vec3) -> Option<Vec3> {
        let step = self.cell_size()? / 2.0;
        let finite = |y: &&f32| !y.is_nan();
        let low = self.y.iter().filter(finite).copied().reduce(f32::min)?;
        let high = self.y.iter().filter(finite).copied().reduce(f32::max)?;
        let slabs = [
            (origin.x, direction.x, *self.x.first()?, *self.x.last()?),
            (origin.y, direction.y, low - 1e-4, high + 1e-4),
            (origin.z, direction.z, *self.z.last()?, *self.z.first()?),
        ];
        let (mut near, mut far) = (0.0f32, f32::INFINITY);
        for (from, by, low, high) in slabs {
            if by.abs() < 1e-9 {
                if from < low || from > high {
                    return None;
                }
                continue;
            }
            let (a, b) = ((low - from) / by, (high - from) / by);
            near = near.max(a.min(b));
            far = far.min(a.max(b));
        }
        if !(near <= far && far.is_finite()) {
            return None;
        }
        let above = |along: f32| {
            let point = origin + direction * along;
            Some(point.y - self.height_at(point.x, point.z)?)
        };
        let count = ((far - near) / step).ceil().clamp(1.0, 8192.0) as usize;
        let place = |k: usize| near + (far - near) * k as f32 / count as f32;
        let mut before: Option<(f32, f32)> = None;
        for k in 0..=count {
            let along = place(k);
            let Some(side) = above(along) else {
                before = None;
                continue;
            };
            if let Some((mut a, was)) = before
                && (was > 0.0) != (side > 0.0)
            {
                let mut b = along;
                for _ in 0..24 {
                    let middle = (a + b) / 2.0;
                    match above(middle) {
                        Some(here) if (here > 0.0) == (was > 0.0) => a = middle,
                        _ => b = middle,
                    }
                }
                return Some(origin + direction * ((a + b) / 2.0));
            }
            before = Some((along, side));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(n: usize, height: impl Fn(f32, f32) -> f32) -> HeightField {
        let axis: Vec<f32> = (0..n)
            .map(|i| -1.0 + 2.0 * i as f32 / (n - 1) as f32)
            .collect();
        let z: Vec<f32> = axis.iter().map(|v| -v).collect();
        let y = z
            .iter()
            .flat_map(|&z| axis.iter().map(move |&x| (x, z)))
            .map(|(x, z)| height(x, z))
            .collect();
        HeightField { x: axis, z, y }
    }

    fn normal(field: &HeightField, [a, b, c]: [u32; 3]) -> Vec3 {
        let n = field.columns();
        let point = |k: u32| field.point(k as usize % n, k as usize / n);
        (point(b) - point(a)).cross(point(c) - point(a))
    }

    #[test]
    fn every_cell_has_two_triangles_that_look_up() {
        for n in [2, 3, 17] {
            let field = field(n, |x, z| 0.3 * x * z);
            let indices = field.triangles(1);
            assert_eq!(indices.len(), 6 * (n - 1) * (n - 1));
            assert!(indices.iter().all(|&k| (k as usize) < n * n));
            for triangle in indices.chunks_exact(3) {
                assert!(normal(&field, [triangle[0], triangle[1], triangle[2]]).y > 0.0);
            }
        }
    }

    #[test]
    fn a_hole_takes_no_part_in_any_triangle() {
        let mut field = field(9, |x, z| x + z);
        let hole = 4 * 9 + 4;
        field.y[hole] = f32::NAN;
        let indices = field.triangles(1);
        assert!(indices.iter().all(|&k| k as usize != hole));
        // Four cells lose the triangles at their corner, and nothing else.
        assert_eq!(indices.len() / 3, 2 * 64 - 4);
        assert!(field.vertices().iter().all(|number| number.is_finite()));
        // Coarse triangles do not cover it either.
        let coarse = field.triangles(4);
        assert!(!coarse.is_empty());
        assert!(coarse.iter().all(|&k| k as usize != hole));
        assert_eq!(field.height_at(0.0, 0.0), None);
        assert!(field.height_at(0.9, 0.9).is_some());
    }

    #[test]
    fn a_coarse_mesh_spans_the_same_square() {
        let field = field(18, |x, _| x);
        let corners: Vec<u32> = field.triangles(5);
        for corner in [0, 17, 17 * 18, 18 * 18 - 1] {
            assert!(corners.contains(&corner));
        }
        assert_eq!(field.triangles(1000).len(), 6);
    }

    #[test]
    fn nothing_makes_no_triangles() {
        assert!(HeightField::default().triangles(1).is_empty());
        assert!(field(5, |_, _| f32::NAN).triangles(1).is_empty());
        assert_eq!(HeightField::default().height_at(0.0, 0.0), None);
        assert_eq!(
            HeightField::default().hit(vec3(0.0, 3.0, 0.0), vec3(0.0, -1.0, 0.0)),
            None
        );
    }

    #[test]
    fn heights_are_those_of_the_samples_and_of_planes_between() {
        let plane = field(6, |x, z| 0.2 + 0.5 * x - 0.3 * z);
        for (x, z) in [(-1.0, -1.0), (0.13, 0.77), (1.0, 1.0), (-0.4, 0.2)] {
            let height = plane.height_at(x, z).unwrap();
            assert!((height - (0.2 + 0.5 * x - 0.3 * z)).abs() < 1e-5);
        }
        assert_eq!(plane.height_at(1.01, 0.0), None);
        let bowl = field(7, |x, z| x * x + z * z);
        for j in 0..7 {
            for i in 0..7 {
                let height = bowl.height_at(bowl.x[i], bowl.z[j]).unwrap();
                assert!((height - bowl.at(i, j)).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn normals_stand_on_slopes() {
        let field = field(5, |x, z| 0.5 * x - 0.25 * z);
        let numbers = field.vertices();
        let expected = vec3(-0.5, 1.0, 0.25).normalized();
        for vertex in numbers.chunks_exact(VERTEX_FLOATS) {
            let normal = vec3(vertex[3], vertex[4], vertex[5]);
            assert!((normal - expected).length() < 1e-5);
        }
    }

    #[test]
    fn a_path_lies_on_the_surface_and_breaks_outside() {
        let mut bowl = field(17, |x, z| x * x + z * z);
        let pieces = bowl.drape(&[[-0.9, 0.0], [0.9, 0.3]]);
        assert!(pieces.len() >= 15);
        for [a, b] in &pieces {
            for p in [a, b] {
                assert!((bowl.height_at(p.x, p.z).unwrap() - p.y).abs() < 1e-5);
            }
        }
        for pair in pieces.windows(2) {
            assert_eq!(pair[0][1], pair[1][0]);
        }
        let outside = bowl.drape(&[[0.5, 0.0], [1.5, 0.0]]);
        assert!(outside.iter().all(|[_, b]| b.x <= 1.0));
        bowl.y[8 * 17 + 8] = f32::NAN;
        let broken = bowl.drape(&[[-0.9, 0.0], [0.9, 0.0]]);
        assert!(broken.iter().all(|[a, _]| a.x.abs() > 0.05));
        assert!(bowl.drape(&[[0.0, f32::NAN], [0.3, 0.3]]).is_empty());
        assert!(bowl.drape(&[[0.3, 0.3]]).is_empty());
    }

    #[test]
    fn a_ray_meets_the_first_surface_in_its_way() {
        let ridge = field(65, |x, _| 0.8 * (-30.0 * x * x).exp());
        let hit = ridge
            .hit(vec3(3.0, 0.4, 0.1), vec3(-1.0, 0.0, 0.0))
            .unwrap();
        assert!(hit.x > 0.0 && hit.x < 0.3, "{hit:?}");
        assert!((ridge.height_at(hit.x, hit.z).unwrap() - hit.y).abs() < 1e-3);
        let down = ridge
            .hit(vec3(0.5, 3.0, 0.0), vec3(0.0, -1.0, 0.0))
            .unwrap();
        assert!((down.x - 0.5).abs() < 1e-6 && down.y.abs() < 0.01);
        assert_eq!(ridge.hit(vec3(3.0, 0.4, 0.1), vec3(1.0, 0.0, 0.0)), None);
    }
}
