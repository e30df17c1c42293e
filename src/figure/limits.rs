//! What axes show when nobody says: the range of the data.

use super::layers::{Layer, Orientation};
use super::model::{Axes, Axis};
use super::scale::Scale;
use super::style::Marker;

/// The limits of both axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Left and right end.
    pub x: (f64, f64),
    /// Lower and upper end.
    pub y: (f64, f64),
}

/// Collects the range of values that a scale can show.
struct Range {
    scale: Scale,
    found: Option<(f64, f64)>,
}

impl Range {
    fn add(&mut self, value: f64) {
        if self.scale.shows(value) {
            let (low, high) = self.found.unwrap_or((value, value));
            self.found = Some((low.min(value), high.max(value)));
        }
    }

    fn add_all(&mut self, values: &[f64]) {
        values.iter().for_each(|&v| self.add(v));
    }
}

impl Axes {
    /// The limits to draw with: those of the axes where given, otherwise the
    /// range of all layers, with a margin except around pictures. Always
    /// finite, different and in order.
    pub fn resolved_limits(&self) -> Limits {
        let mut x = Range {
            scale: self.x.scale,
            found: None,
        };
        let mut y = Range {
            scale: self.y.scale,
            found: None,
        };
        for layer in &self.layers {
            extend(&mut x, &mut y, layer);
        }
        let tight = self.is_picture();
        // Curves over steps begin and end at the frame; clouds of points and
        // paths in a plane keep a distance from it.
        let x_margin = match (tight, self.has_points()) {
            (true, _) => 0.0,
            (false, true) => 0.03,
            (false, false) => 0.0,
        };
        let y_margin = if tight { 0.0 } else { 0.05 };
        Limits {
            x: resolve(&self.x, x.found, x_margin, false),
            y: resolve(&self.y, y.found, y_margin, self.stands_on_zero()),
        }
    }

    fn has_points(&self) -> bool {
        self.equal_aspect
            || self.layers.iter().any(|l| match l {
                Layer::Scatter(_) | Layer::Stems(_) => true,
                Layer::Line(line) => line.marker != Marker::None,
                _ => false,
            })
    }

    /// Bars and stems stand on the lower end of the axis without a margin.
    fn stands_on_zero(&self) -> bool {
        self.layers
            .iter()
            .any(|l| matches!(l, Layer::Bars(_) | Layer::Stems(_)))
    }
}

fn resolve(
    axis: &Axis,
    found: Option<(f64, f64)>,
    margin: f64,
    stands_on_zero: bool,
) -> (f64, f64) {
    if let Some(limits) = axis.limits {
        return axis.scale.usable_limits(limits);
    }
    let limits = axis.scale.usable_limits(found.unwrap_or(match axis.scale {
        Scale::Log10 => (0.1, 1.0),
        _ => (0.0, 1.0),
    }));
    let (low, high) = axis.scale.padded(limits, margin);
    if stands_on_zero && limits.0 == 0.0 {
        (0.0, high)
    } else {
        (low, high)
    }
}

fn extend(x: &mut Range, y: &mut Range, layer: &Layer) {
    match layer {
        Layer::Line(line) => points(x, y, &line.x, &line.y),
        Layer::Scatter(scatter) => points(x, y, &scatter.x, &scatter.y),
        Layer::Band(band) => {
            points(x, y, &band.x, &band.lower);
            points(x, y, &band.x, &band.upper);
        }
        Layer::Heatmap(map) => {
            x.add_all(&map.x_edges);
            y.add_all(&map.y_edges);
        }
        Layer::Contours(contours) => {
            for [a, b] in contours
                .levels
                .iter()
                .flat_map(|l| l.lines.iter().flatten())
            {
                x.add(*a);
                y.add(*b);
            }
        }
        Layer::Rule(rule) if rule.in_limits => match rule.orientation {
            Orientation::Horizontal => y.add(rule.at),
            Orientation::Vertical => x.add(rule.at),
        },
        Layer::Rule(_) => {}
        Layer::Stems(stems) => {
            points(x, y, &stems.x, &stems.y);
            y.add(stems.baseline);
        }
        Layer::Bars(bars) => {
            x.add_all(&bars.edges);
            y.add_all(&bars.heights);
            y.add(bars.baseline);
        }
        Layer::Text(text) => {
            x.add(text.x);
            y.add(text.y);
        }
        Layer::Arrow(arrow) => {
            for [a, b] in [arrow.from, arrow.to] {
                x.add(a);
                y.add(b);
            }
        }
        Layer::Image(image) => {
            x.add_all(&[image.x.0, image.x.1]);
            y.add_all(&[image.y.0, image.y.1]);
        }
    }
}

/// Only points of which both coordinates can be shown count.
fn points(x: &mut Range, y: &mut Range, xs: &[f64], ys: &[f64]) {
    for (&a, &b) in xs.iter().zip(ys) {
        if x.scale.shows(a) && y.scale.shows(b) {
            x.add(a);
            y.add(b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Line, Rule, Stems};

    #[test]
    fn limits_span_what_can_be_shown() {
        let axes = Axes::new(Axis::new("step"), Axis::log("loss")).with(Line::new(
            vec![0.0, 1.0, 2.0, 3.0],
            vec![1.0, 0.1, f64::NAN, 0.0],
        ));
        let limits = axes.resolved_limits();
        assert_eq!(limits.x, (0.0, 1.0));
        assert!(limits.y.0 < 0.1 && limits.y.0 > 0.05);
        assert!(limits.y.1 > 1.0 && limits.y.1 < 2.0);
    }

    #[test]
    fn empty_and_constant_data_have_limits() {
        for y in [vec![], vec![3.0; 3], vec![f64::NAN; 3], vec![0.0; 3]] {
            for axis in [Axis::new("y"), Axis::log("y")] {
                let axes =
                    Axes::new(Axis::new("x"), axis).with(Line::new(vec![1.0; y.len()], y.clone()));
                let limits = axes.resolved_limits();
                assert!(limits.x.0 < limits.x.1 && limits.y.0 < limits.y.1);
            }
        }
    }

    #[test]
    fn rules_make_room_and_stems_stand_on_zero() {
        let axes = Axes::new(Axis::new("i"), Axis::new("λ"))
            .with(Stems {
                x: vec![1.0, 2.0].into(),
                y: vec![5.0, 3.0].into(),
                baseline: 0.0,
                style: crate::figure::SeriesStyle::nth(0).into(),
                marker: crate::figure::Marker::Circle,
                name: None,
            })
            .with(Rule::horizontal(20.0));
        let limits = axes.resolved_limits();
        assert_eq!(limits.y.0, 0.0);
        assert!(limits.y.1 >= 20.0);
    }
}
