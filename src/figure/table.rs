//! The numbers behind a figure as CSV, for tables and spreadsheets.

use super::layers::{Layer, ScatterColors};
use super::model::{Axes, Content, Figure};
use super::samples::Samples;

/// Every value that a figure shows, in long form with the columns
/// `panel, layer, name, x, y, y_upper, value`: panels and layers are counted
/// from 1; `y_upper` belongs to bands, `value` to heat maps, contours and
/// coloured points. Fields without a meaning are empty, not-a-number is `NaN`.
/// Numbers are written so that reading them back gives the same ones.
pub fn csv(figure: &Figure) -> String {
    let mut out = String::from("panel,layer,name,x,y,y_upper,value\n");
    for (p, panel) in figure.panels().enumerate() {
        if let Content::Axes(axes) = &panel.content {
            for (l, layer) in axes.layers.iter().enumerate() {
                let mut rows = Rows {
                    out: &mut out,
                    prefix: format!("{},{}", p + 1, l + 1),
                };
                rows.layer(layer, axes);
            }
        }
    }
    out
}

struct Rows<'a> {
    out: &'a mut String,
    prefix: String,
}

impl Rows<'_> {
    fn add(&mut self, name: &str, fields: [Option<f64>; 4]) {
        self.out.push_str(&self.prefix);
        self.out.push(',');
        self.out.push_str(&quoted(name));
        for field in fields {
            self.out.push(',');
            if let Some(value) = field {
                self.out.push_str(&value.to_string());
            }
        }
        self.out.push('\n');
    }

    fn points(&mut self, name: Option<&str>, x: &Samples, y: &Samples) {
        for (&x, &y) in x.iter().zip(y.iter()) {
            self.add(name.unwrap_or(""), [Some(x), Some(y), None, None]);
        }
    }

    fn layer(&mut self, layer: &Layer, axes: &Axes) {
        match layer {
            Layer::Line(line) => self.points(line.name.as_deref(), &line.x, &line.y),
            Layer::Stems(stems) => self.points(stems.name.as_deref(), &stems.x, &stems.y),
            Layer::Band(band) => {
                let name = band.name.as_deref().unwrap_or("");
                for ((&x, &low), &high) in
                    band.x.iter().zip(band.lower.iter()).zip(band.upper.iter())
                {
                    self.add(name, [Some(x), Some(low), Some(high), None]);
                }
            }
            Layer::Scatter(scatter) => {
                for (i, (&x, &y)) in scatter.x.iter().zip(scatter.y.iter()).enumerate() {
                    let (name, value) = match &scatter.colors {
                        ScatterColors::Uniform(_) => (scatter.name.as_deref(), None),
                        ScatterColors::Classes { classes, names } => (
                            classes
                                .get(i)
                                .and_then(|&c| names.get(c))
                                .map(String::as_str),
                            None,
                        ),
                        ScatterColors::Values { values, .. } => {
                            (scatter.name.as_deref(), values.get(i).copied())
                        }
                    };
                    self.add(name.unwrap_or(""), [Some(x), Some(y), None, value]);
                }
            }
            Layer::Heatmap(map) => {
                let name = axes.color_bar.as_ref().map_or("", |bar| &bar.label);
                let middle = |edges: &[f64], i: usize| (edges[i] + edges[i + 1]) / 2.0;
                for j in 0..map.rows() {
                    for i in 0..map.columns() {
                        let (x, y) = (middle(&map.x_edges, i), middle(&map.y_edges, j));
                        self.add(name, [Some(x), Some(y), None, Some(map.value(i, j))]);
                    }
                }
            }
            Layer::Contours(contours) => {
                for level in &contours.levels {
                    for p in level.lines.iter().flatten() {
                        self.add(
                            &level.label,
                            [Some(p[0]), Some(p[1]), None, Some(level.value)],
                        );
                    }
                }
            }
            Layer::Rule(rule) => {
                let name = rule.label.as_deref().unwrap_or("");
                let at = Some(rule.at);
                match rule.orientation {
                    super::Orientation::Horizontal => self.add(name, [None, at, None, None]),
                    super::Orientation::Vertical => self.add(name, [at, None, None, None]),
                }
            }
            Layer::Bars(bars) => {
                let name = bars.name.as_deref().unwrap_or("");
                for (edges, &height) in bars.edges.windows(2).zip(bars.heights.iter()) {
                    let x = (edges[0] + edges[1]) / 2.0;
                    self.add(name, [Some(x), Some(height), None, None]);
                }
            }
            Layer::Text(text) => self.add(&text.text, [Some(text.x), Some(text.y), None, None]),
            Layer::Arrow(arrow) => {
                for [x, y] in [arrow.from, arrow.to] {
                    let name = arrow.name.as_deref().unwrap_or("");
                    self.add(name, [Some(x), Some(y), None, None]);
                }
            }
            Layer::Image(_) => {}
        }
    }
}

/// A CSV field (RFC 4180).
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Axis, Line};

    #[test]
    fn the_table_has_the_values_of_the_figure() {
        let axes = Axes::new(Axis::new("step"), Axis::new("loss"))
            .with(Line::new(vec![0.0, 1.0], vec![0.1, f64::NAN]).named("train, raw"));
        let text = csv(&Figure::single(axes));
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(&rows[0][2], "train, raw");
        assert_eq!(rows[0][4].parse::<f64>().unwrap(), 0.1);
        assert!(rows[1][4].parse::<f64>().unwrap().is_nan());
        assert_eq!(&rows[1][6], "");
    }
}
