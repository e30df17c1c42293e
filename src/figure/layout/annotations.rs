//! Text inside a plot: labels of rules and contours, and text layers, placed
//! where they cover neither each other nor more of the data than they must.

use super::View;
use super::text::{Align, Rect, TextBox};
use crate::figure::contour::label_spots;
use crate::figure::decimate;
use crate::figure::fonts::{CAP_HEIGHT, Weight, width};
use crate::figure::layers::{Contours, Layer, Orientation, Rule};
use crate::figure::model::Axes;
use crate::figure::style::Anchor;
use crate::figure::theme::{FigureTheme, black_or_white_on};

/// Places all text inside a plot.
pub(super) fn place(axes: &Axes, view: &View, plot: Rect, theme: &FigureTheme) -> Vec<TextBox> {
    // Where there is nothing to place, the data need not be looked at.
    if !axes.layers.iter().any(has_text) {
        return Vec::new();
    }
    let mut placer = Placer {
        view,
        plot,
        theme,
        data: data_points(axes, view, plot),
        placed: Vec::new(),
    };
    for layer in &axes.layers {
        if let Layer::Text(text) = layer {
            placer.text(text);
        }
    }
    for layer in &axes.layers {
        if let Layer::Rule(rule) = layer {
            placer.rule(rule);
        }
    }
    for layer in &axes.layers {
        if let Layer::Contours(contours) = layer {
            placer.contours(contours);
        }
    }
    placer.placed
}

fn has_text(layer: &Layer) -> bool {
    match layer {
        Layer::Text(_) => true,
        Layer::Rule(rule) => rule.label.is_some(),
        Layer::Contours(contours) => contours.labelled,
        _ => false,
    }
}

struct Placer<'a> {
    view: &'a View,
    plot: Rect,
    theme: &'a FigureTheme,
    /// Pixels that marks of data go through.
    data: Vec<[f64; 2]>,
    placed: Vec<TextBox>,
}

impl Placer<'_> {
    fn label(&self, text: &str) -> TextBox {
        TextBox {
            size: self.theme.label_size,
            color: self.theme.foreground,
            halo: Some(self.theme.background),
            ..TextBox::plain(text)
        }
    }

    /// How bad a place is: other text under it counts most, then data.
    fn cost(&self, candidate: &TextBox) -> f64 {
        let bounds = candidate.bounds();
        let texts = self
            .placed
            .iter()
            .filter(|t| t.bounds().overlaps(&bounds))
            .count();
        let near = bounds.grown(2.0);
        let data = self.data.iter().filter(|p| near.contains(**p)).count();
        let outside = if self.plot.holds(&bounds) { 0.0 } else { 1e4 };
        texts as f64 * 1e3 + data as f64 + outside
    }

    /// Keeps the first of the best candidates.
    fn keep_best(&mut self, candidates: Vec<TextBox>) {
        let best = candidates
            .into_iter()
            .map(|c| (self.cost(&c), c))
            .reduce(|best, next| if next.0 < best.0 { next } else { best });
        if let Some((_, text)) = best {
            self.placed.push(text);
        }
    }

    fn text(&mut self, text: &crate::figure::layers::Text) {
        let [x, y] = self.view.pixel(text.x, text.y);
        if !self.plot.grown(1.0).contains([x, y]) {
            return;
        }
        let size = self.theme.label_size;
        let half = CAP_HEIGHT * size / 2.0;
        let away = 0.6 * self.theme.gap;
        let at = |anchor: Anchor| {
            let (dx, dy, align) = match anchor {
                Anchor::Left => (away, half, Align::Start),
                Anchor::Right => (-away, half, Align::End),
                Anchor::Center => (0.0, half, Align::Middle),
                Anchor::Below => (0.0, -away, Align::Middle),
                Anchor::Above => (0.0, away + 2.0 * half, Align::Middle),
            };
            TextBox {
                x: x + dx,
                y: y + dy,
                align,
                color: self.theme.rgba(text.ink),
                ..self.label(&text.text)
            }
        };
        let wanted = at(text.anchor);
        // The wanted place, unless it is outside or on another text.
        if self.cost(&wanted) < 1e3 || text.anchor == Anchor::Center {
            self.placed.push(wanted);
            return;
        }
        let mut candidates = vec![wanted];
        candidates.extend([Anchor::Left, Anchor::Right, Anchor::Below, Anchor::Above].map(at));
        self.keep_best(candidates);
    }

    fn rule(&mut self, rule: &Rule) {
        let Some(text) = &rule.label else { return };
        let (plot, size) = (self.plot, self.theme.label_size);
        let away = 0.5 * self.theme.gap;
        let mut base = self.label(text);
        base.color = readable(rule.style.rgba(self.theme), self.theme);
        let cap = CAP_HEIGHT * size;
        let mut candidates = Vec::new();
        match rule.orientation {
            Orientation::Horizontal => {
                let y = self.view.y.pixel(rule.at);
                if !(y >= plot.y - 0.5 && y <= plot.bottom() + 0.5) {
                    return;
                }
                for (x, align) in [
                    (plot.right() - away, Align::End),
                    (plot.x + away, Align::Start),
                    (plot.center()[0], Align::Middle),
                ] {
                    for baseline in [y - 1.4 * away, y + away + cap] {
                        candidates.push(TextBox {
                            x,
                            y: baseline,
                            align,
                            ..base.clone()
                        });
                    }
                }
            }
            Orientation::Vertical => {
                let x = self.view.x.pixel(rule.at);
                if !(x >= plot.x - 0.5 && x <= plot.right() + 0.5) {
                    return;
                }
                for fraction in [0.0, 1.0, 0.5, 0.25, 0.75] {
                    let free = plot.height - 2.0 * away - cap;
                    let baseline = plot.y + away + cap + fraction * free.max(0.0);
                    for (x, align) in [(x + away, Align::Start), (x - away, Align::End)] {
                        candidates.push(TextBox {
                            x,
                            y: baseline,
                            align,
                            ..base.clone()
                        });
                    }
                }
            }
        }
        self.keep_best(candidates);
    }

    fn contours(&mut self, contours: &Contours) {
        if !contours.labelled {
            return;
        }
        let size = 0.92 * self.theme.label_size;
        for level in &contours.levels {
            let mut lines: Vec<Vec<[f64; 2]>> = level
                .lines
                .iter()
                .map(|line| line.iter().map(|p| self.view.pixel(p[0], p[1])).collect())
                .collect();
            lines.sort_by(|a: &Vec<_>, b| length(b).total_cmp(&length(a)));
            let wanted = width(&level.label, size, Weight::Regular) + 0.5 * size;
            let behind = contours
                .over
                .map_or(self.theme.background, |scale| scale.rgba(level.value));
            for line in lines.iter().take(2) {
                let spot = label_spots(line, wanted)
                    .into_iter()
                    .take_while(|spot| spot.bend < 0.3 * size)
                    .map(|spot| {
                        // The baseline lies half a capital below the line,
                        // at right angles to it.
                        let (sin, cos) = spot.angle.to_radians().sin_cos();
                        let down = CAP_HEIGHT * size / 2.0;
                        TextBox {
                            x: spot.x - sin * down,
                            y: spot.y + cos * down,
                            size,
                            align: Align::Middle,
                            angle: spot.angle,
                            color: match contours.over {
                                Some(_) => black_or_white_on(behind),
                                None => self.theme.foreground,
                            },
                            halo: Some(behind),
                            ..self.label(&level.label)
                        }
                    })
                    .find(|text| {
                        let bounds = text.bounds().grown(0.25 * self.theme.gap);
                        self.plot.holds(&bounds)
                            && !self.placed.iter().any(|t| t.bounds().overlaps(&bounds))
                            && !self.data.iter().any(|p| bounds.contains(*p))
                    });
                self.placed.extend(spot);
            }
        }
    }
}

/// A mark's colour where it is legible as text, otherwise the foreground.
fn readable(color: [u8; 4], theme: &FigureTheme) -> [u8; 4] {
    let opaque = [color[0], color[1], color[2], 255];
    if crate::figure::theme::contrast(opaque, theme.background) >= 4.5 {
        opaque
    } else {
        theme.foreground
    }
}

fn length(line: &[[f64; 2]]) -> f64 {
    line.windows(2)
        .map(|w| (w[1][0] - w[0][0]).hypot(w[1][1] - w[0][1]))
        .sum()
}

/// Points every few pixels along the marks of data within the plot.
fn data_points(axes: &Axes, view: &View, plot: Rect) -> Vec<[f64; 2]> {
    const STRIDE: f64 = 3.0;
    let mut found = Vec::new();
    let mut add_line = |points: &[[f64; 2]]| {
        for pair in points.windows(2) {
            let [a, b] = [pair[0], pair[1]];
            let distance = (b[0] - a[0]).hypot(b[1] - a[1]);
            if !distance.is_finite() {
                continue;
            }
            let steps = (distance / STRIDE).ceil().clamp(1.0, 500.0) as usize;
            for k in 0..=steps {
                let t = k as f64 / steps as f64;
                let p = [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
                if plot.contains(p) {
                    found.push(p);
                }
            }
        }
    };
    for layer in &axes.layers {
        match layer {
            Layer::Line(line) => {
                let x: Vec<f64> = line.x.iter().map(|&v| view.x.pixel(v)).collect();
                let y: Vec<f64> = line.y.iter().map(|&v| view.y.pixel(v)).collect();
                let points: Vec<[f64; 2]> = decimate::curve(&x, &y)
                    .into_iter()
                    .map(|i| [x[i], y[i]])
                    .collect();
                add_line(&points);
            }
            Layer::Stems(stems) => {
                for (&x, &y) in stems.x.iter().zip(stems.y.iter()) {
                    let top = view.pixel(x, y);
                    add_line(&[top, [top[0], plot.bottom()]]);
                }
            }
            Layer::Scatter(scatter) => {
                for (&x, &y) in scatter.x.iter().zip(scatter.y.iter()) {
                    let p = view.pixel(x, y);
                    add_line(&[p, p]);
                }
            }
            Layer::Arrow(arrow) => add_line(&[
                view.pixel(arrow.from[0], arrow.from[1]),
                view.pixel(arrow.to[0], arrow.to[1]),
            ]),
            Layer::Rule(rule) => {
                // Labels keep off other rules too.
                let line = match rule.orientation {
                    Orientation::Horizontal => {
                        let y = view.y.pixel(rule.at);
                        [[plot.x, y], [plot.right(), y]]
                    }
                    Orientation::Vertical => {
                        let x = view.x.pixel(rule.at);
                        [[x, plot.y], [x, plot.bottom()]]
                    }
                };
                add_line(&line);
            }
            _ => {}
        }
    }
    found
}
