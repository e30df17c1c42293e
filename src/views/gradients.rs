//! Gradients: norms and update ratios of the layers over the steps, and the
//! gradient of one tensor as images.

use serde::{Deserialize, Serialize};

use super::Time;
use super::thinning::{self, Extremes, Series};
use crate::figure::ticks::format_number;
use crate::figure::{
    Axes, Axis, ColorBar, ColorScale, Colormap, Content, Figure, Heatmap, Ink, Legend, Line,
    LineStyle, Mosaic, Normalization, Panel, Raster, Row, Rule, Scale, SeriesStyle, Ticks, Tile,
};
use crate::gradients::TensorImage;
use crate::math::chunked::Chunked;
use crate::train::MetricRow;

/// Which part of the view is shown.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
pub enum GradientPart {
    /// Norms and ratios of the layers over the steps.
    #[default]
    Layers,
    /// One tensor as images.
    Weights,
    /// Inputs with the parts that speak for the decision.
    Saliency,
}

/// What of a tensor is shown.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
pub enum TensorQuantity {
    /// The gradient of the newest batch's loss.
    #[default]
    #[strum(serialize = "gradient")]
    Gradient,
    /// The parameters themselves.
    #[strum(serialize = "weights")]
    Weights,
}

/// What a person can change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GradientSettings {
    /// Which part is shown.
    pub part: GradientPart,
    /// Steps or epochs.
    pub time: Time,
    /// Gradient or parameters, for the images of a tensor.
    pub quantity: TensorQuantity,
    /// The tensor, by name; the first weight where there is none of this name.
    pub tensor: String,
    /// Whether the norms of the layers are shown.
    pub norms: bool,
    /// Whether the update-to-weight ratios are shown.
    pub ratios: bool,
}

impl Default for GradientSettings {
    fn default() -> Self {
        Self {
            part: GradientPart::Layers,
            time: Time::Step,
            quantity: TensorQuantity::Gradient,
            tensor: String::new(),
            norms: true,
            ratios: true,
        }
    }
}

/// A usual update-to-weight ratio.
pub const USUAL_RATIO: f64 = 1e-3;

/// Columns of the heat map at most.
const COLUMNS: usize = 240;

/// The metrics of the layers of one run.
#[derive(Clone, Copy, Debug)]
pub struct LayerSeries<'a> {
    /// Tells the run from others between calls; another one whenever rows were
    /// taken back or changed.
    pub key: u64,
    /// Its metrics, by rising step.
    pub rows: &'a Chunked<MetricRow>,
    /// The layers' names, from the input on.
    pub layers: &'a [String],
    /// Steps in an epoch.
    pub steps_per_epoch: u64,
}

/// Builds the figure of the layers again and again from a growing history:
/// every row is looked at once.
#[derive(Default)]
pub struct LayerCurves {
    settings: GradientSettings,
    key: u64,
    /// Their names, from the input on.
    layers: Vec<String>,
    steps_per_epoch: u64,
    consumed: usize,
    last_step: Option<u64>,
    steps: Chunked<f64>,
    norms: Vec<Quantity>,
    ratios: Vec<Quantity>,
}

/// One quantity of one layer, step by step.
#[derive(Clone, Default)]
struct Quantity {
    values: Chunked<f64>,
    extremes: Extremes,
}

/// The figure of the layers, with every point.
pub fn layers(settings: &GradientSettings, run: &LayerSeries<'_>) -> Figure {
    let mut curves = LayerCurves::default();
    curves.follow(settings, run);
    curves.figure(None, usize::MAX / 8)
}

impl LayerCurves {
    /// Takes in what came since the last time.
    pub fn follow(&mut self, settings: &GradientSettings, run: &LayerSeries<'_>) {
        let last = self.consumed.checked_sub(1).and_then(|i| run.rows.get(i));
        let continues = self.key == run.key
            && self.layers == run.layers
            && last.map(|row| row.step) == self.last_step;
        if !continues {
            *self = Self {
                key: run.key,
                layers: run.layers.to_vec(),
                norms: vec![Quantity::default(); run.layers.len()],
                ratios: vec![Quantity::default(); run.layers.len()],
                ..Self::default()
            };
        }
        self.settings.clone_from(settings);
        self.steps_per_epoch = run.steps_per_epoch;
        for row in run.rows.iter_from(self.consumed) {
            self.steps.push(row.step as f64);
            let value = |values: &[f32], layer: usize| {
                values.get(layer).map_or(f64::NAN, |v| f64::from(*v))
            };
            for layer in 0..self.layers.len() {
                let (norms, ratios) = (&mut self.norms[layer], &mut self.ratios[layer]);
                norms.values.push(value(&row.layer_gradient_norms, layer));
                ratios.values.push(value(&row.layer_update_ratios, layer));
            }
        }
        for quantity in self.norms.iter_mut().chain(&mut self.ratios) {
            quantity.extremes.follow(&quantity.values);
        }
        self.consumed = run.rows.len();
        self.last_step = run.rows.last().map(|row| row.step);
    }

    /// The figure of the layers; within `window` (a range of the horizontal
    /// axis of the ratios) curves have the extremes of `columns` columns.
    pub fn figure(&self, window: Option<(f64, f64)>, columns: usize) -> Figure {
        let settings = &self.settings;
        let mut rows = Vec::new();
        if settings.norms || !settings.ratios {
            rows.push(self.norm_map());
        }
        if settings.ratios {
            rows.push(self.ratio_lines(window, columns));
        }
        Figure {
            title: Some("Gradients of the layers".to_owned()),
            rows: rows
                .into_iter()
                .map(|axes| Row {
                    height: 1.0,
                    panels: vec![Panel {
                        width: 1.0,
                        content: Content::Axes(axes),
                    }],
                })
                .collect(),
            legend: Legend::PerPanel,
            description: self.describe(),
            ..Figure::default()
        }
    }

    fn time_axis(&self) -> Axis {
        let time = self.settings.time;
        let axis = Axis::new(time.to_string());
        if time == Time::Step {
            axis.ticks(Ticks::Integers)
        } else {
            axis
        }
    }

    /// The largest norm of every layer in each column of steps: no peak is left
    /// out.
    fn norm_map(&self) -> Axes {
        let names = self
            .layers
            .iter()
            .enumerate()
            .map(|(layer, name)| (layer as f64, name.clone()))
            .collect();
        let mut axes = Axes::new(
            self.time_axis(),
            Axis::new("layer").ticks(Ticks::Named(names)),
        );
        let (Some(&first), Some(&last)) = (self.steps.first(), self.steps.last()) else {
            return axes;
        };
        if self.layers.is_empty() {
            return axes;
        }
        let steps = last - first + 1.0;
        let columns = (steps as usize).clamp(1, COLUMNS);
        let width = steps / columns as f64;
        let layers = self.layers.len();
        let mut values = vec![f64::NAN; columns * layers];
        let column_of =
            |index: usize| (((self.steps[index] - first) / width) as usize).min(columns - 1);
        let (mut from, mut length) = (0, 0);
        while from < self.steps.len() {
            let column = column_of(from);
            let to = thinning::stretch(from, self.steps.len(), length, |i| column_of(i) == column);
            length = to - from;
            for (layer, norms) in self.norms.iter().enumerate() {
                let bad = norms.extremes.next_break(&norms.values, from, to);
                // A norm that is not a number shows as such.
                values[layer * columns + column] = if bad < to {
                    norms.values[bad]
                } else {
                    let highest = norms.extremes.within(&norms.values, from, to);
                    highest.map_or(f64::NAN, |(_, high)| norms.values[high])
                };
            }
            from = to;
        }
        let time = |edge: f64| self.settings.time.of_step(edge, self.steps_per_epoch);
        let shown: Vec<f64> = values.iter().copied().filter(|v| *v > 0.0).collect();
        let color = ColorScale::new(
            Colormap::Viridis,
            Normalization::spanning(Scale::Log10, &shown),
        );
        let unit = Heatmap::of_cells(columns, layers, values.clone(), color);
        axes.layers.push(
            Heatmap {
                x_edges: (0..=columns)
                    .map(|k| time(first - 0.5 + width * k as f64))
                    .collect(),
                ..unit
            }
            .into(),
        );
        axes.color_bar = Some(ColorBar::new(color, "‖∂L/∂θ‖").over(&values));
        if width > 1.5 {
            axes.note = Some(format!(
                "largest of {} steps",
                format_number(width.ceil(), 3)
            ));
        }
        axes
    }

    fn ratio_lines(&self, window: Option<(f64, f64)>, columns: usize) -> Axes {
        let mut axes = Axes::new(self.time_axis(), Axis::log("‖Δθ‖ / ‖θ‖"));
        axes.layers.push(
            Rule::horizontal(USUAL_RATIO)
                .style(
                    LineStyle::solid(Ink::Muted)
                        .dashed(crate::figure::Dash::Dashed)
                        .width(0.8),
                )
                .labelled("usual: 10⁻³")
                .into(),
        );
        let time = |step: f64| self.settings.time.of_step(step, self.steps_per_epoch);
        for (layer, (name, ratios)) in self.layers.iter().zip(&self.ratios).enumerate() {
            let values = &ratios.values;
            if values.iter().all(|v| v.is_nan()) {
                continue;
            }
            let series = Series {
                steps: &self.steps,
                values,
                extremes: &ratios.extremes,
            };
            let kept = thinning::indices(series, time, window, columns, Scale::Linear);
            axes.layers.push(
                Line::new(
                    kept.iter()
                        .map(|&i| time(self.steps[i]))
                        .collect::<Vec<f64>>(),
                    kept.iter().map(|&i| values[i]).collect::<Vec<f64>>(),
                )
                .style(SeriesStyle::nth(layer).into())
                .named(name.clone())
                .into(),
            );
        }
        axes
    }

    fn describe(&self) -> String {
        let Some(step) = self.last_step else {
            return "No step has been made yet.".to_owned();
        };
        let norms: Vec<String> = self
            .layers
            .iter()
            .zip(&self.norms)
            .filter_map(|(name, norms)| {
                Some(format!(
                    "{name} {}",
                    format_number(*norms.values.last()?, 3)
                ))
            })
            .collect();
        format!("Gradient norms at step {step}: {}.", norms.join(", "))
    }
}

/// Images of a tensor at most; more would be too small to see.
const TILES: usize = 144;

/// A tensor, or its gradient, as images on colours that are centred on zero.
pub fn tensor(quantity: TensorQuantity, image: Option<&TensorImage>, step: u64) -> Figure {
    let Some(image) = image.filter(|image| image.tiles() > 0) else {
        return Figure::single(Axes::new(Axis::new("input"), Axis::new("output")))
            .titled("Gradients")
            .described("No gradient yet.");
    };
    let values: Vec<f64> = image.values.iter().map(|v| f64::from(*v)).collect();
    let color = ColorScale::new(Colormap::RdBu, Normalization::centred_on(&values));
    let label = match quantity {
        TensorQuantity::Gradient => "∂L/∂w",
        TensorQuantity::Weights => "w",
    };
    let bar = ColorBar::new(color, label).over(&values);
    let at = format!("{} · step {}", image.name, format_number(step as f64, 9));
    let description = format!(
        "The {quantity} of {} at step {step}; the largest absolute value is {}.",
        image.name,
        format_number(f64::from(image.limit()), 3)
    );
    let figure = if image.tiles() == 1 {
        let (rows, columns) = (image.tile_height, image.tile_width);
        let mut axes = Axes::new(
            Axis::new("input").ticks(Ticks::Integers),
            Axis::new("output").ticks(Ticks::Integers),
        )
        .with(Heatmap::of_cells(columns, rows, values, color))
        .with_color_bar(bar)
        .noted(at);
        // Long matrices fill the panel, squarish ones keep square cells.
        let aspect = columns as f64 / rows.max(1) as f64;
        axes.equal_aspect = (0.6..=1.6).contains(&aspect);
        Figure::single(axes)
    } else {
        let size = image.tile_height * image.tile_width;
        let shown = image.tiles().min(TILES);
        let tiles = values
            .chunks_exact(size.max(1))
            .take(shown)
            .map(|tile| {
                Tile::new(Raster::from_values(
                    image.tile_width,
                    image.tile_height,
                    tile,
                    &color,
                ))
            })
            .collect();
        let note = if shown < image.tiles() {
            format!("{at} · first {shown} of {}", image.tiles())
        } else {
            at
        };
        // One column for each input channel, otherwise as fits.
        let channels = image.tile_columns;
        let by_channel = channels > 1 && channels < image.tile_rows && channels <= 4;
        Figure::row([Mosaic {
            title: None,
            tiles,
            columns: by_channel.then_some(channels * 4),
            color_bar: Some(bar),
            note: Some(note),
        }])
    };
    figure.titled("Gradients").described(description)
}

#[cfg(test)]
mod tests {
    use super::super::samples::rows;
    use super::*;
    use crate::figure::Layer;

    fn names() -> Vec<String> {
        ["0", "2", "4"].map(str::to_owned).to_vec()
    }

    fn series<'a>(rows: &'a Chunked<MetricRow>, layers: &'a [String]) -> LayerSeries<'a> {
        LayerSeries {
            key: 1,
            rows,
            layers,
            steps_per_epoch: 4,
        }
    }

    #[test]
    fn layers_have_a_map_and_lines_with_a_guide() {
        let (mut rows, names) = (rows(1000), names());
        rows[700].layer_gradient_norms[1] = 77.0;
        let figure = layers(&GradientSettings::default(), &series(&rows, &names));
        let axes: Vec<_> = figure.axes().collect();
        assert_eq!(axes[0].y.label, "layer");
        assert_eq!(axes[0].color_bar.as_ref().unwrap().label, "‖∂L/∂θ‖");
        let Layer::Heatmap(map) = &axes[0].layers[0] else {
            panic!("a heat map");
        };
        assert_eq!((map.columns(), map.rows()), (COLUMNS, 3));
        // A peak between two columns is still there.
        assert_eq!(map.value_at(700.0, 1.0), Some(77.0));
        assert!(
            axes[1]
                .layers
                .iter()
                .any(|l| matches!(l, Layer::Rule(rule) if rule.at == 1e-3))
        );
        let lines = axes[1]
            .layers
            .iter()
            .filter(|l| matches!(l, Layer::Line(_)));
        assert_eq!(lines.count(), 3);
        assert_eq!(axes[1].y.scale, Scale::Log10);
    }

    #[test]
    fn norms_follow_a_growing_history() {
        let (rows, names) = (rows(100), names());
        let settings = GradientSettings::default();
        let mut curves = LayerCurves::default();
        let few = rows.iter().take(40).cloned().collect();
        curves.follow(&settings, &series(&few, &names));
        curves.follow(&settings, &series(&rows, &names));
        let grown = curves.figure(None, usize::MAX / 8);
        assert_eq!(grown, layers(&settings, &series(&rows, &names)));
        curves.follow(&settings, &series(&Chunked::new(), &names));
        let empty = curves.figure(None, 100);
        assert!(empty.axes().next().unwrap().layers.is_empty());
    }

    #[test]
    fn not_a_number_stays_visible_in_the_map() {
        let (mut rows, names) = (rows(10), names());
        rows[4].layer_gradient_norms = vec![f32::NAN; 3];
        rows[5].layer_gradient_norms = vec![];
        let figure = layers(&GradientSettings::default(), &series(&rows, &names));
        let axes = figure.axes().next().unwrap();
        assert!(axes.has_missing_cells());
    }

    fn image(tiles: usize, side: usize) -> TensorImage {
        TensorImage {
            name: "0.weight".to_owned(),
            tile_rows: tiles,
            tile_columns: 1,
            tile_height: side,
            tile_width: side,
            values: (0..tiles * side * side).map(|i| (i as f32).sin()).collect(),
        }
    }

    #[test]
    fn a_matrix_is_one_image_and_filters_are_many() {
        let one = tensor(TensorQuantity::Gradient, Some(&image(1, 8)), 5);
        let axes = one.axes().next().unwrap();
        let limits = axes.color_bar.as_ref().unwrap().scale.normalization.limits;
        assert_eq!(limits.0, -limits.1);
        assert_eq!(
            (axes.x.label.as_str(), axes.y.label.as_str()),
            ("input", "output")
        );
        let many = tensor(TensorQuantity::Weights, Some(&image(200, 3)), 5);
        let Content::Mosaic(mosaic) = &many.panels().next().unwrap().content else {
            panic!("a mosaic");
        };
        assert_eq!(mosaic.tiles.len(), TILES);
        assert!(
            mosaic
                .note
                .as_deref()
                .unwrap()
                .ends_with("first 144 of 200")
        );
        assert_eq!(mosaic.color_bar.as_ref().unwrap().label, "w");
        assert!(
            tensor(TensorQuantity::Weights, None, 0)
                .axes()
                .next()
                .is_some()
        );
    }
}
