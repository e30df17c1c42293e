//! Contour lines by marching squares, round levels, and places for labels.

use super::layers::ContourLevel;
use super::scale::Scale;
use super::ticks::{format_number, linear_values};

/// Lines on which a function sampled on a rectangular grid takes given values.
///
/// `x` and `y` are the sample positions (increasing), `values[j * x.len() + i]`
/// the value at (`x[i]`, `y[j]`). Along an edge of a cell values are
/// interpolated linearly. Where a cell's diagonal corners lie on opposite
/// sides (a saddle), the mean of the four corners decides which are joined. A
/// cell with a corner that is not finite carries no line: lines end there.
pub fn contour_lines(x: &[f64], y: &[f64], values: &[f64], levels: &[f64]) -> Vec<ContourLevel> {
    levels
        .iter()
        .map(|&value| ContourLevel {
            value,
            label: format_number(value, 3),
            lines: Tracer::new(x, y, values, value).trace(),
        })
        .collect()
}

/// No segment.
const NONE: u32 = u32::MAX;

/// One level's lines: segments between crossed grid edges, joined into
/// polylines.
struct Tracer<'a> {
    x: &'a [f64],
    y: &'a [f64],
    values: &'a [f64],
    level: f64,
    /// Pairs of grid edges joined by a segment.
    segments: Vec<[u32; 2]>,
    /// For each grid edge the at most two segments that end on it: the edge
    /// from (i, j) to (i+1, j) has number 2(j·n + i), the one to (i, j+1) the
    /// number after it.
    at_edge: Vec<[u32; 2]>,
}

impl<'a> Tracer<'a> {
    fn new(x: &'a [f64], y: &'a [f64], values: &'a [f64], level: f64) -> Self {
        Self {
            x,
            y,
            values,
            level,
            segments: Vec::new(),
            at_edge: Vec::new(),
        }
    }

    fn trace(mut self) -> Vec<Vec<[f64; 2]>> {
        let (columns, rows) = (self.x.len(), self.y.len());
        if columns < 2 || rows < 2 || self.values.len() < columns * rows || !self.level.is_finite()
        {
            return Vec::new();
        }
        self.at_edge = vec![[NONE; 2]; 2 * columns * rows];
        for j in 0..rows - 1 {
            for i in 0..columns - 1 {
                self.march(i, j);
            }
        }
        let mut used = vec![false; self.segments.len()];
        let mut lines = Vec::new();
        // Open lines begin at an edge with a single segment; what is left
        // after them is closed.
        for closed in [false, true] {
            for segment in 0..self.segments.len() {
                if used[segment] {
                    continue;
                }
                let [a, b] = self.segments[segment];
                let start = if closed || self.at_edge[a as usize][1] == NONE {
                    a
                } else if self.at_edge[b as usize][1] == NONE {
                    b
                } else {
                    continue;
                };
                lines.push(self.follow(segment, start, &mut used));
            }
        }
        lines
    }

    /// Adds the segments of the cell whose lower left corner is (i, j).
    fn march(&mut self, i: usize, j: usize) {
        let n = self.x.len();
        let corner = |di: usize, dj: usize| self.values[(j + dj) * n + i + di];
        // Counter-clockwise from the lower left.
        let corners = [corner(0, 0), corner(1, 0), corner(1, 1), corner(0, 1)];
        if corners.iter().any(|v| !v.is_finite()) {
            return;
        }
        let above = corners.map(|v| v >= self.level);
        let base = 2 * (j * n + i);
        // Bottom, right, top, left: edge k joins corners k and k+1.
        let edges = [base, base + 3, base + 2 * n, base + 1].map(|e| e as u32);
        let crossed: Vec<usize> = (0..4).filter(|&k| above[k] != above[(k + 1) % 4]).collect();
        match crossed[..] {
            [a, b] => self.join(edges[a], edges[b]),
            [_, _, _, _] => {
                let middle = corners.iter().sum::<f64>() / 4.0 >= self.level;
                // Each segment cuts off a corner that differs from the middle.
                if middle == above[0] {
                    self.join(edges[0], edges[1]);
                    self.join(edges[2], edges[3]);
                } else {
                    self.join(edges[3], edges[0]);
                    self.join(edges[1], edges[2]);
                }
            }
            _ => {}
        }
    }

    fn join(&mut self, a: u32, b: u32) {
        let segment = self.segments.len() as u32;
        self.segments.push([a, b]);
        for edge in [a, b] {
            let ends = &mut self.at_edge[edge as usize];
            let slot = usize::from(ends[0] != NONE);
            ends[slot] = segment;
        }
    }

    fn follow(&self, first: usize, start: u32, used: &mut [bool]) -> Vec<[f64; 2]> {
        let mut line = vec![self.crossing(start)];
        let (mut segment, mut edge) = (first, start);
        loop {
            used[segment] = true;
            let [a, b] = self.segments[segment];
            edge = if a == edge { b } else { a };
            let point = self.crossing(edge);
            if line.last() != Some(&point) {
                line.push(point);
            }
            let next = self.at_edge[edge as usize]
                .into_iter()
                .find(|&s| s != NONE && !used[s as usize]);
            match next {
                Some(next) => segment = next as usize,
                None => return line,
            }
        }
    }

    /// Where the level crosses a grid edge.
    fn crossing(&self, edge: u32) -> [f64; 2] {
        let n = self.x.len();
        let node = edge as usize / 2;
        let (i, j) = (node % n, node / n);
        let from = self.values[node];
        if edge.is_multiple_of(2) {
            let t = (self.level - from) / (self.values[node + 1] - from);
            [self.x[i] + t * (self.x[i + 1] - self.x[i]), self.y[j]]
        } else {
            let t = (self.level - from) / (self.values[node + n] - from);
            [self.x[i], self.y[j] + t * (self.y[j + 1] - self.y[j])]
        }
    }
}

/// About `count` round levels strictly between two limits: evenly spaced on a
/// linear scale; on a logarithmic one whole decades, or within few decades
/// also 2 and 5 times (or 1.5, 2, 3, 5, 7 times) them.
pub fn contour_levels(scale: Scale, limits: (f64, f64), count: usize) -> Vec<f64> {
    let (low, high) = scale.usable_limits(limits);
    let inside = |v: &f64| *v > low && *v < high;
    match scale {
        Scale::Linear => linear_values(low, high, count.max(2), 0.0)
            .0
            .into_iter()
            .filter(inside)
            .collect(),
        Scale::Log10 => {
            let series: [&[f64]; 4] = [
                &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
                &[1.0, 2.0, 5.0],
                &[1.0, 3.0],
                &[1.0],
            ];
            let first = low.log10().floor() as i32;
            let last = high.log10().ceil() as i32;
            let of = |mantissas: &[f64], stride: i32| -> Vec<f64> {
                (first..=last)
                    .filter(|e| e.rem_euclid(stride) == 0)
                    .flat_map(|e| {
                        mantissas.iter().map(move |m| {
                            if e < 0 {
                                m / 10f64.powi(-e)
                            } else {
                                m * 10f64.powi(e)
                            }
                        })
                    })
                    .filter(inside)
                    .collect()
            };
            if of(series[0], 1).len() < count.min(4) {
                // Less than half a decade: a logarithm is nearly linear there.
                return contour_levels(Scale::Linear, (low, high), count);
            }
            series
                .iter()
                .map(|mantissas| of(mantissas, 1))
                .chain((2..).map(|stride| of(&[1.0], stride)))
                .find(|levels| levels.len() <= count.max(2))
                .unwrap_or_default()
        }
        Scale::SymLog { .. } => {
            super::ticks::ticks(scale, (low, high), count.max(2), &super::model::Ticks::Auto)
                .into_iter()
                .filter(|t| t.major && inside(&t.value))
                .map(|t| t.value)
                .collect()
        }
    }
}

/// A place for a label on a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelSpot {
    /// The middle of the label.
    pub x: f64,
    /// The middle of the label.
    pub y: f64,
    /// Direction of the line there in degrees, clockwise where y points down,
    /// within (−90, 90\]: the text is never upside down.
    pub angle: f64,
    /// How far the line strays from a straight one under the label.
    pub bend: f64,
}

/// Places where a label of a given length could lie along a line (both in
/// pixels), the straightest first; none where the line is too short.
pub fn label_spots(line: &[[f64; 2]], length: f64) -> Vec<LabelSpot> {
    let mut along = Vec::with_capacity(line.len());
    let mut total = 0.0;
    for (i, p) in line.iter().enumerate() {
        if i > 0 {
            total += (p[0] - line[i - 1][0]).hypot(p[1] - line[i - 1][1]);
        }
        along.push(total);
    }
    if length <= 0.0 || !total.is_finite() || total < 2.0 * length {
        return Vec::new();
    }
    let at = |distance: f64| -> [f64; 2] {
        let i = along
            .partition_point(|&d| d < distance)
            .clamp(1, line.len() - 1);
        let span = along[i] - along[i - 1];
        let t = if span > 0.0 {
            (distance - along[i - 1]) / span
        } else {
            0.0
        };
        [
            line[i - 1][0] + t * (line[i][0] - line[i - 1][0]),
            line[i - 1][1] + t * (line[i][1] - line[i - 1][1]),
        ]
    };
    let candidates = ((total - length) / (length / 3.0))
        .floor()
        .clamp(1.0, 200.0) as usize;
    let mut spots: Vec<LabelSpot> = (0..=candidates)
        .map(|k| {
            let start = (total - length) * k as f64 / candidates as f64;
            let (a, b) = (at(start), at(start + length));
            let chord = (b[0] - a[0]).hypot(b[1] - a[1]).max(1e-9);
            let bend = (1..8)
                .map(|q| {
                    let p = at(start + length * f64::from(q) / 8.0);
                    ((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])).abs() / chord
                })
                .fold(length - chord, f64::max);
            let mut angle = (b[1] - a[1]).atan2(b[0] - a[0]).to_degrees();
            if angle > 90.0 {
                angle -= 180.0;
            } else if angle <= -90.0 {
                angle += 180.0;
            }
            let middle = at(start + length / 2.0);
            LabelSpot {
                x: middle[0],
                y: middle[1],
                angle,
                bend,
            }
        })
        .collect();
    spots.sort_by(|a, b| a.bend.total_cmp(&b.bend));
    spots
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn axis(n: usize) -> Vec<f64> {
        (0..n)
            .map(|i| -1.0 + 2.0 * i as f64 / (n - 1) as f64)
            .collect()
    }

    fn sample(n: usize, f: impl Fn(f64, f64) -> f64) -> (Vec<f64>, Vec<f64>) {
        let x = axis(n);
        let values = x
            .iter()
            .flat_map(|&b| x.iter().map(|&a| f(a, b)).collect::<Vec<_>>())
            .collect();
        (x, values)
    }

    fn length(line: &[[f64; 2]]) -> f64 {
        line.windows(2)
            .map(|w| (w[1][0] - w[0][0]).hypot(w[1][1] - w[0][1]))
            .sum()
    }

    #[test]
    fn a_circle_is_one_closed_line_of_its_length() {
        let (x, values) = sample(101, |a, b| a * a + b * b);
        let found = contour_lines(&x, &x, &values, &[0.25]);
        assert_eq!(found[0].lines.len(), 1);
        let line = &found[0].lines[0];
        assert_eq!(line.first(), line.last());
        for [a, b] in line {
            assert!((a.hypot(*b) - 0.5).abs() < 1e-3);
        }
        assert!((length(line) - std::f64::consts::PI).abs() < 2e-3);
    }

    #[test]
    fn a_plane_has_straight_lines_from_border_to_border() {
        let (x, values) = sample(7, |a, b| a + 2.0 * b);
        let found = contour_lines(&x, &x, &values, &[0.3]);
        assert_eq!(found[0].lines.len(), 1);
        for [a, b] in &found[0].lines[0] {
            assert!((a + 2.0 * b - 0.3).abs() < 1e-12);
        }
        assert!((length(&found[0].lines[0]) - 5f64.sqrt()).abs() < 1e-12);
        // Along x, not along y: a transposed grid would run the other way.
        let (x, values) = sample(5, |a, _| a);
        let line = &contour_lines(&x, &x, &values, &[0.25])[0].lines[0];
        assert!(line.iter().all(|p| (p[0] - 0.25).abs() < 1e-12));
    }

    #[test]
    fn lines_end_at_cells_without_a_value() {
        let (x, mut values) = sample(9, |a, _| a);
        values[4 * 9 + 4] = f64::NAN;
        let lines = &contour_lines(&x, &x, &values, &[0.1])[0].lines;
        assert_eq!(lines.len(), 2);
        assert!((lines.iter().map(|l| length(l)).sum::<f64>() - 1.5).abs() < 1e-12);
    }

    #[test]
    fn a_saddle_is_cut_by_its_mean() {
        let high = contour_lines(&[0.0, 1.0], &[0.0, 1.0], &[2.0, 0.0, 0.0, 2.0], &[0.9]);
        assert_eq!(high[0].lines.len(), 2);
        // The mean, 1, is above the level: the low corners are cut off.
        for line in &high[0].lines {
            let middle = [
                (line[0][0] + line[1][0]) / 2.0,
                (line[0][1] + line[1][1]) / 2.0,
            ];
            assert!((middle[0] - middle[1]).abs() > 0.5);
        }
    }

    proptest! {
        /// The `contour` crate closes rings along the border and lays grid
        /// points half a cell off; where lines do not meet the border the two
        /// agree in number and length.
        #[test]
        fn agrees_with_the_contour_crate(bumps in prop::collection::vec((-0.6..0.6f64, -0.6..0.6f64, 0.15..0.3f64, 0.4..1.0f64), 1..4), level in 0.2..0.6f64) {
            let n = 33;
            let (x, values) = sample(n, |a, b| {
                let border = (1.0 - a * a) * (1.0 - b * b);
                border * bumps.iter().map(|(p, q, s, h)| h * (-((a - p).powi(2) + (b - q).powi(2)) / (2.0 * s * s)).exp()).sum::<f64>()
            });
            prop_assume!(values.iter().all(|v| (v - level).abs() > 1e-9));
            // Both rules for saddles are legitimate; compare without them.
            let saddle = (0..n - 1).any(|j| (0..n - 1).any(|i| {
                let up = |k: usize| values[k] >= level;
                let (a, b, c, d) = (up(j * n + i), up(j * n + i + 1), up((j + 1) * n + i + 1), up((j + 1) * n + i));
                a == c && b == d && a != b
            }));
            prop_assume!(!saddle);
            let ours = &contour_lines(&x, &x, &values, &[level])[0].lines;
            let theirs = contour::ContourBuilder::new(n, n, true).lines(&values, &[level]).unwrap();
            let theirs = &theirs[0].geometry().0;
            prop_assert_eq!(ours.len(), theirs.len());
            let cell = 2.0 / (n - 1) as f64;
            let total: f64 = ours.iter().map(|l| length(l)).sum();
            let their_total: f64 = theirs.iter().map(|l| {
                let points: Vec<[f64; 2]> = l.0.iter().map(|c| [c.x * cell, c.y * cell]).collect();
                length(&points)
            }).sum();
            prop_assert!((total - their_total).abs() < 1e-6 * total.max(1.0), "{total} {their_total}");
        }
    }

    #[test]
    fn levels_are_round_and_inside() {
        assert_eq!(
            contour_levels(Scale::Linear, (0.03, 1.0), 6),
            [0.2, 0.4, 0.6, 0.8]
        );
        assert_eq!(
            contour_levels(Scale::Log10, (1e-3, 20.0), 6),
            [1e-2, 1e-1, 1.0, 10.0]
        );
        assert_eq!(
            contour_levels(Scale::Log10, (0.08, 3.0), 8),
            [0.1, 0.2, 0.5, 1.0, 2.0]
        );
        assert!(contour_levels(Scale::Log10, (1.0, 1.1), 6).len() >= 3);
        assert!(contour_levels(Scale::Log10, (1e-30, 1e30), 8).len() <= 8);
    }

    #[test]
    fn labels_lie_along_straight_parts_the_right_way_up() {
        let mut line: Vec<[f64; 2]> = (0..50).map(|i| [100.0 - i as f64, 10.0]).collect();
        line.extend((0..40).map(|i| {
            let t = i as f64 / 40.0 * 6.0;
            [50.0 - 8.0 * t.sin(), 18.0 - 8.0 * t.cos()]
        }));
        let spot = label_spots(&line, 30.0)[0];
        assert!(spot.bend < 1e-6 && spot.angle.abs() < 1e-6);
        assert!(label_spots(&line[..20], 30.0).is_empty());
    }
}
