//! Layers as SVG.

use std::fmt::Write as _;

use super::Writer;
use super::xml::{color, number};
use crate::figure::decimate;
use crate::figure::layers::{
    Arrow, Band, Bars, Contours, Image, Interpolation, Layer, Line, Orientation, Rule, Scatter,
    Stems,
};
use crate::figure::layout::{PanelLayout, Rect, TextBox};
use crate::figure::style::{Ink, LineStyle, Marker};
use crate::figure::theme::black_or_white_on;

/// Farther outside nothing is seen, and renderers lose precision.
const FAR: f64 = 1e5;

impl Writer {
    pub(super) fn layer(&mut self, layer: &Layer, placed: &PanelLayout) {
        match layer {
            Layer::Line(line) => self.line(line, placed),
            Layer::Band(band) => self.band(band, placed),
            Layer::Scatter(scatter) => self.scatter(scatter, placed),
            Layer::Heatmap(map) => self.heatmap(map, placed),
            Layer::Contours(contours) => self.contours(contours, placed),
            Layer::Rule(rule) => self.rule(rule, placed),
            Layer::Stems(stems) => self.stems(stems, placed),
            Layer::Bars(bars) => self.bars(bars, placed),
            Layer::Arrow(arrow) => self.arrow(arrow, placed),
            Layer::Image(image) => self.picture(image, placed),
            // Placed by the layout.
            Layer::Text(_) => {}
        }
    }

    /// Attributes of a stroked path.
    pub(super) fn stroke(&self, style: &LineStyle) -> String {
        let width = style.pixels(&self.theme);
        let mut text = format!(
            " fill=\"none\"{} stroke-width=\"{}\" stroke-linejoin=\"round\"",
            color("stroke", style.rgba(&self.theme)),
            number(width)
        );
        let pattern = style.dash.pattern();
        if !pattern.is_empty() {
            let lengths: Vec<String> = pattern.iter().map(|l| number(l * width)).collect();
            let _ = write!(text, " stroke-dasharray=\"{}\"", lengths.join(" "));
        }
        text
    }

    /// A path, with a wider one of the paper's colour underneath if its style
    /// says so.
    fn stroked(&mut self, commands: &str, style: &LineStyle) {
        if style.casing {
            let casing = format!(
                " fill=\"none\"{} stroke-width=\"{}\" stroke-linejoin=\"round\"",
                color("stroke", self.theme.background),
                number(style.pixels(&self.theme) + 1.6 * self.theme.frame_width)
            );
            self.path(commands, &casing);
        }
        let attributes = self.stroke(style);
        self.path(commands, &attributes);
    }

    fn line(&mut self, line: &Line, placed: &PanelLayout) {
        let x: Vec<f64> = line.x.iter().map(|&v| placed.view.x.pixel(v)).collect();
        let y: Vec<f64> = line.y.iter().map(|&v| placed.view.y.pixel(v)).collect();
        let kept = decimate::curve(&x, &y);
        let points: Vec<[f64; 2]> = kept.iter().map(|&i| [x[i], y[i]]).collect();
        if has_length(&points) {
            self.stroked(&polyline(&points), &line.style);
        }
        self.isolated(&points, &line.style);
        if line.marker != Marker::None {
            self.line_markers(&x, &y, line.marker, &line.style);
        }
    }

    /// A point between two breaks has no length to stroke: a dot shows it.
    fn isolated(&mut self, points: &[[f64; 2]], style: &LineStyle) {
        let finite = |i: Option<usize>| {
            i.and_then(|i| points.get(i))
                .is_some_and(|p| p.iter().all(|v| v.is_finite()))
        };
        let radius = 0.75 * style.pixels(&self.theme);
        let fill = color("fill", style.rgba(&self.theme));
        for (i, p) in points.iter().enumerate() {
            if finite(Some(i)) && !finite(i.checked_sub(1)) && !finite(Some(i + 1)) {
                let dot = marker_path(Marker::Circle, *p, radius);
                self.path(&dot, &fill);
            }
        }
    }

    /// Points on a line, at least a few widths apart.
    fn line_markers(&mut self, x: &[f64], y: &[f64], marker: Marker, style: &LineStyle) {
        let distance = 3.0 * self.theme.marker_size;
        let mut last = [f64::NEG_INFINITY; 2];
        let mut commands = String::new();
        for (&x, &y) in x.iter().zip(y) {
            let far = (x - last[0]).hypot(y - last[1]) >= distance;
            if x.is_finite() && y.is_finite() && far {
                commands.push_str(&marker_path(marker, [x, y], 0.5 * self.theme.marker_size));
                last = [x, y];
            }
        }
        let rgba = style.rgba(&self.theme);
        let attributes = self.marker_attributes(marker, rgba, style.casing);
        self.path(&commands, &attributes);
    }

    fn marker_attributes(&self, marker: Marker, rgba: [u8; 4], edged: bool) -> String {
        if marker.is_open() {
            format!(
                " fill=\"none\"{} stroke-width=\"{}\"",
                color("stroke", rgba),
                number(0.9 * self.theme.line_width)
            )
        } else if edged {
            format!(
                "{}{} stroke-width=\"{}\"",
                color("fill", rgba),
                color("stroke", self.theme.background),
                number(0.8 * self.theme.frame_width)
            )
        } else {
            color("fill", rgba)
        }
    }

    /// One point of a legend or a plot.
    pub(super) fn point(&mut self, marker: Marker, at: [f64; 2], size: f64, rgba: [u8; 4]) {
        let attributes = self.marker_attributes(marker, rgba, false);
        self.path(&marker_path(marker, at, size / 2.0), &attributes);
    }

    fn band(&mut self, band: &Band, placed: &PanelLayout) {
        let x: Vec<f64> = band.x.iter().map(|&v| placed.view.x.pixel(v)).collect();
        let pixels = |values: &[f64]| -> Vec<f64> {
            values.iter().map(|&v| placed.view.y.pixel(v)).collect()
        };
        let lower = pixels(&band.lower);
        let upper = pixels(&band.upper);
        let n = x.len().min(lower.len()).min(upper.len());
        // A lower end without a place, such as 0 on a logarithmic axis, is
        // below the plot; without an upper end there is no band.
        let floor = placed.plot.bottom() + 4.0 * self.theme.gap;
        let lower: Vec<f64> = lower
            .iter()
            .zip(band.lower.iter())
            .map(|(&p, &v)| if p.is_nan() && !v.is_nan() { floor } else { p })
            .collect();
        let whole = |i: usize| x[i].is_finite() && lower[i].is_finite() && upper[i].is_finite();
        let mut commands = String::new();
        let mut start = 0;
        while start < n {
            if !whole(start) {
                start += 1;
                continue;
            }
            let end = (start..n).find(|&i| !whole(i)).unwrap_or(n);
            let side = |values: &[f64]| -> Vec<[f64; 2]> {
                decimate::columns(&x[start..end], &values[start..end])
                    .into_iter()
                    .map(|i| [x[start + i], values[start + i]])
                    .collect()
            };
            let mut outline = side(&upper);
            outline.extend(side(&lower).into_iter().rev());
            commands.push_str(&polyline(&outline));
            commands.push('Z');
            start = end;
        }
        let mut rgba = self.theme.rgba(band.ink);
        rgba[3] = (f64::from(rgba[3]) * self.theme.band_opacity).round() as u8;
        self.path(&commands, &color("fill", rgba));
    }

    fn scatter(&mut self, scatter: &Scatter, placed: &PanelLayout) {
        let reach = placed
            .plot
            .grown(scatter.largest_size() * self.theme.marker_size);
        // Points in their own order, so that no class hides the others; equal
        // neighbours share a group.
        let mut open: Option<(Marker, [u8; 4])> = None;
        for (i, (&x, &y)) in scatter.x.iter().zip(scatter.y.iter()).enumerate() {
            let at = placed.view.pixel(x, y);
            if !at.iter().all(|v| v.is_finite()) || !reach.contains(at) {
                continue;
            }
            let (marker, ink) = scatter.point_style(i);
            let rgba = self.theme.rgba(ink);
            if marker == Marker::None || rgba[3] == 0 {
                continue;
            }
            if open != Some((marker, rgba)) {
                if open.is_some() {
                    self.out.push_str("</g>\n");
                }
                let attributes = self.marker_attributes(marker, rgba, scatter.edged);
                let _ = writeln!(self.out, "<g{attributes}>");
                open = Some((marker, rgba));
            }
            let radius = 0.5 * scatter.point_size(i) * self.theme.marker_size;
            self.path(&marker_path(marker, at, radius), "");
        }
        if open.is_some() {
            self.out.push_str("</g>\n");
        }
    }

    fn contours(&mut self, contours: &Contours, placed: &PanelLayout) {
        for level in &contours.levels {
            let commands: String = level
                .lines
                .iter()
                .map(|line| {
                    let x: Vec<f64> = line.iter().map(|p| placed.view.x.pixel(p[0])).collect();
                    let y: Vec<f64> = line.iter().map(|p| placed.view.y.pixel(p[1])).collect();
                    let kept = decimate::path(&x, &y, 0.1);
                    let points: Vec<[f64; 2]> = kept.iter().map(|&i| [x[i], y[i]]).collect();
                    polyline(&interrupted(&points, &placed.annotations))
                })
                .collect();
            let mut rgba = match contours.over {
                Some(scale) => black_or_white_on(scale.rgba(level.value)),
                None => self.theme.foreground,
            };
            rgba[3] = 150;
            let attributes = format!(
                " fill=\"none\"{} stroke-width=\"{}\" stroke-linejoin=\"round\"",
                color("stroke", rgba),
                number(contours.width * 0.55 * self.theme.line_width)
            );
            self.path(&commands, &attributes);
        }
    }

    fn rule(&mut self, rule: &Rule, placed: &PanelLayout) {
        let plot = placed.plot;
        let line = match rule.orientation {
            Orientation::Horizontal => {
                let y = placed.view.y.pixel(rule.at);
                [[plot.x, y], [plot.right(), y]]
            }
            Orientation::Vertical => {
                let x = placed.view.x.pixel(rule.at);
                [[x, plot.bottom()], [x, plot.y]]
            }
        };
        if line
            .iter()
            .flatten()
            .all(|v| v.is_finite() && v.abs() < FAR)
        {
            self.stroked(&polyline(&line), &rule.style);
        }
    }

    /// The pixel of a baseline, or the plot's lower edge where it has none.
    fn baseline(value: f64, placed: &PanelLayout) -> f64 {
        let pixel = placed.view.y.pixel(value);
        if pixel.is_finite() {
            pixel.clamp(-FAR, FAR)
        } else {
            placed.plot.bottom()
        }
    }

    fn stems(&mut self, stems: &Stems, placed: &PanelLayout) {
        let baseline = Self::baseline(stems.baseline, placed);
        let (mut lines, mut points) = (String::new(), String::new());
        for (&x, &y) in stems.x.iter().zip(stems.y.iter()) {
            let top = placed.view.pixel(x, y);
            if !top.iter().all(|v| v.is_finite()) {
                continue;
            }
            lines.push_str(&polyline(&[[top[0], baseline], top]));
            if stems.marker != Marker::None {
                let radius = 0.5 * self.theme.marker_size;
                points.push_str(&marker_path(stems.marker, top, radius));
            }
        }
        self.zero_line(baseline, placed);
        self.stroked(&lines, &stems.style);
        let rgba = stems.style.rgba(&self.theme);
        let attributes = self.marker_attributes(stems.marker, rgba, false);
        self.path(&points, &attributes);
    }

    /// The line that stems and bars stand on, where it is not the frame.
    fn zero_line(&mut self, baseline: f64, placed: &PanelLayout) {
        let plot = placed.plot;
        if baseline > plot.y + 1.0 && baseline < plot.bottom() - 1.0 {
            let commands = polyline(&[[plot.x, baseline], [plot.right(), baseline]]);
            let style = LineStyle {
                width: self.theme.frame_width / self.theme.line_width,
                ..LineStyle::solid(Ink::Muted)
            };
            self.stroked(&commands, &style);
        }
    }

    fn bars(&mut self, bars: &Bars, placed: &PanelLayout) {
        let baseline = Self::baseline(bars.baseline, placed);
        let mut commands = String::new();
        for (edges, &height) in bars.edges.windows(2).zip(bars.heights.iter()) {
            let (left, right) = (placed.view.x.pixel(edges[0]), placed.view.x.pixel(edges[1]));
            let top = placed.view.y.pixel(height);
            if !(left.is_finite() && right.is_finite() && top.is_finite()) {
                continue;
            }
            commands.push_str(&polyline(&[
                [left, baseline],
                [left, top],
                [right, top],
                [right, baseline],
            ]));
            commands.push('Z');
        }
        self.zero_line(baseline, placed);
        let mut rgba = self.theme.rgba(bars.ink);
        rgba[3] = (f64::from(rgba[3]) * 0.85).round() as u8;
        let attributes = format!(
            "{}{} stroke-width=\"{}\"",
            color("fill", rgba),
            color("stroke", self.theme.background),
            number(0.5 * self.theme.frame_width)
        );
        self.path(&commands, &attributes);
    }

    fn arrow(&mut self, arrow: &Arrow, placed: &PanelLayout) {
        let from = placed.view.pixel(arrow.from[0], arrow.from[1]);
        let to = placed.view.pixel(arrow.to[0], arrow.to[1]);
        let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
        let length = dx.hypot(dy);
        if !(0.1..=FAR).contains(&length) {
            return;
        }
        let head = (3.2 * arrow.style.pixels(&self.theme) + 2.0).min(length);
        let (ux, uy) = (dx / length, dy / length);
        let neck = [to[0] - ux * head, to[1] - uy * head];
        let half = 0.45 * head;
        self.stroked(&polyline(&[from, neck]), &arrow.style);
        let triangle = polyline(&[
            to,
            [neck[0] - uy * half, neck[1] + ux * half],
            [neck[0] + uy * half, neck[1] - ux * half],
        ]);
        let fill = color("fill", arrow.style.rgba(&self.theme));
        self.path(&format!("{triangle}Z"), &fill);
    }

    fn picture(&mut self, image: &Image, placed: &PanelLayout) {
        let a = placed.view.pixel(image.x.0, image.y.0);
        let b = placed.view.pixel(image.x.1, image.y.1);
        if !a.iter().chain(&b).all(|v| v.is_finite() && v.abs() < FAR) {
            return;
        }
        let at = Rect::new(
            a[0].min(b[0]),
            a[1].min(b[1]),
            (b[0] - a[0]).abs(),
            (b[1] - a[1]).abs(),
        );
        let sharp = image.interpolation == Interpolation::Nearest;
        self.image(&image.raster, at, sharp, image.opacity);
    }
}

/// A line with gaps where texts stand on it.
fn interrupted(points: &[[f64; 2]], texts: &[TextBox]) -> Vec<[f64; 2]> {
    const STRIDE: f64 = 0.5;
    let mut found = Vec::with_capacity(points.len());
    for (i, &b) in points.iter().enumerate() {
        let Some(&a) = i.checked_sub(1).and_then(|k| points.get(k)) else {
            found.push(b);
            continue;
        };
        let segment = Rect::new(
            a[0].min(b[0]),
            a[1].min(b[1]),
            (b[0] - a[0]).abs(),
            (b[1] - a[1]).abs(),
        )
        .grown(0.1);
        let near: Vec<(&TextBox, f64)> = texts
            .iter()
            .map(|t| (t, 0.25 * t.size))
            .filter(|(t, margin)| t.bounds().grown(*margin).overlaps(&segment))
            .collect();
        let steps = if near.is_empty() {
            1
        } else {
            ((b[0] - a[0]).hypot(b[1] - a[1]) / STRIDE).ceil().max(1.0) as usize
        };
        for k in 1..=steps {
            let t = k as f64 / steps as f64;
            let p = [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
            let covered = near.iter().any(|(text, margin)| text.covers(p, *margin));
            found.push(if covered { [f64::NAN; 2] } else { p });
        }
    }
    found
}

/// Whether a polyline is more than a point in the digits that are written: no
/// renderer strokes what has no length, such as the bar of a tiny error.
fn has_length(points: &[[f64; 2]]) -> bool {
    const WRITTEN: f64 = 0.01;
    let finite = || points.iter().filter(|p| p.iter().all(|v| v.is_finite()));
    (0..2).any(|d| {
        let low = finite().map(|p| p[d]).fold(f64::INFINITY, f64::min);
        let high = finite().map(|p| p[d]).fold(f64::NEG_INFINITY, f64::max);
        high - low > WRITTEN
    })
}

/// Path commands through points; those that are not finite break it.
pub(super) fn polyline(points: &[[f64; 2]]) -> String {
    let mut commands = String::new();
    let mut broken = true;
    for p in points {
        if !p.iter().all(|v| v.is_finite()) {
            broken = true;
            continue;
        }
        commands.push(if broken { 'M' } else { 'L' });
        commands.push_str(&number(p[0].clamp(-FAR, FAR)));
        commands.push(' ');
        commands.push_str(&number(p[1].clamp(-FAR, FAR)));
        broken = false;
    }
    commands
}

/// Path commands of a point's shape, all of about the same area.
pub(super) fn marker_path(marker: Marker, [x, y]: [f64; 2], radius: f64) -> String {
    let shape = |points: &[[f64; 2]], closed: bool| {
        let placed: Vec<[f64; 2]> = points
            .iter()
            .map(|p| [x + p[0] * radius, y + p[1] * radius])
            .collect();
        polyline(&placed) + if closed { "Z" } else { "" }
    };
    match marker {
        Marker::None => String::new(),
        Marker::Circle | Marker::Ring => {
            let r = number(radius);
            let across = number(2.0 * radius);
            format!(
                "M{} {}a{r} {r} 0 1 0 {across} 0a{r} {r} 0 1 0 -{across} 0Z",
                number(x - radius),
                number(y)
            )
        }
        Marker::Square => shape(
            &[[-0.88, -0.88], [0.88, -0.88], [0.88, 0.88], [-0.88, 0.88]],
            true,
        ),
        Marker::Triangle => shape(&[[0.0, -1.2], [1.1, 0.75], [-1.1, 0.75]], true),
        Marker::Diamond => shape(
            &[[0.0, -1.25], [1.25, 0.0], [0.0, 1.25], [-1.25, 0.0]],
            true,
        ),
        Marker::Cross => {
            shape(&[[-0.8, -0.8], [0.8, 0.8]], false) + &shape(&[[-0.8, 0.8], [0.8, -0.8]], false)
        }
        Marker::Plus => {
            shape(&[[-1.05, 0.0], [1.05, 0.0]], false) + &shape(&[[0.0, -1.05], [0.0, 1.05]], false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::gallery;
    use crate::figure::svg::SvgOptions;

    #[test]
    fn a_line_without_length_is_not_stroked() {
        assert!(!has_length(&[[3.0, 4.0], [3.0, 4.001]]));
        assert!(!has_length(&[[3.0, 4.0], [f64::NAN, 5.0]]));
        assert!(has_length(&[[3.0, 4.0], [3.0, 4.1]]));
        // Many short pieces are long.
        let steps: Vec<[f64; 2]> = (0..100).map(|i| [0.002 * f64::from(i), 0.0]).collect();
        assert!(has_length(&steps));
    }

    #[test]
    fn contour_lines_stop_at_their_labels() {
        let layout = SvgOptions::default().layout(&gallery::landscape());
        let label = layout.panels[0]
            .annotations
            .iter()
            .find(|t| t.text == "0.5")
            .unwrap();
        let (sin, cos) = label.angle.to_radians().sin_cos();
        let line: Vec<[f64; 2]> = [-60.0, 60.0]
            .map(|d| [label.x + d * cos + 3.0 * sin, label.y + d * sin - 3.0 * cos])
            .into();
        let cut = interrupted(&line, std::slice::from_ref(label));
        let gap = cut.iter().filter(|p| p[0].is_nan()).count() as f64 * 0.5;
        assert!((gap - label.width() - 0.5 * label.size).abs() < 2.0);
        assert_eq!(interrupted(&line, &[]), line);
    }
}
