//! The data and what the network makes of them: regions of the plane by class,
//! a fitted curve, images with their predictions.

use serde::{Deserialize, Serialize};

use super::Split;
use crate::data::{Dataset, InputShape, Targets};
use crate::diagnostics::PredictionMap;
use crate::figure::ticks::{format_number, subscript};
use crate::figure::{
    Axes, Axis, ColorBar, ColorScale, Colormap, Contours, Figure, FigureTheme, Heatmap, Image, Ink,
    Interpolation, Line, LineStyle, Marker, Mosaic, Normalization, Raster, Scatter, ScatterColors,
    Tile, contour,
};

/// What a person can change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataSettings {
    /// Which samples are shown.
    pub split: Split,
    /// Whether the regions of the network's decisions are shown.
    pub regions: bool,
    /// Whether wrongly predicted images come first.
    pub errors_first: bool,
    /// Images at most.
    pub images: usize,
    /// Which feature is along x, where there are more than two.
    pub feature_x: usize,
    /// Which feature is along y.
    pub feature_y: usize,
    /// The samples that are marked, by their numbers in the set; not stored.
    #[serde(skip)]
    pub brushed: Vec<usize>,
}

impl Default for DataSettings {
    fn default() -> Self {
        Self {
            split: Split::Training,
            regions: true,
            errors_first: false,
            images: 40,
            feature_x: 0,
            feature_y: 1,
            brushed: Vec::new(),
        }
    }
}

/// What the network says, with the step of the parameters that say it.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// The step.
    pub step: u64,
    /// What it says.
    pub map: &'a PredictionMap,
}

/// The figure of a data set, with what the network says about it. `samples` are
/// those whose images are shown (see [`images_shown`]).
pub fn figure(settings: &DataSettings, data: &Dataset, said: Option<Said<'_>>) -> Figure {
    let figure = match data.shape {
        InputShape::Vector(1) => curve(settings, data, said),
        InputShape::Vector(_) => plane(settings, data, said),
        InputShape::Image {
            channels,
            height,
            width,
        } => images(settings, data, said, (channels, height, width)),
    };
    figure.titled("Data")
}

/// The place of a sample on the axes of a figure that is no mosaic.
pub fn place_of(settings: &DataSettings, data: &Dataset, sample: usize) -> [f64; 2] {
    let input = data.input(sample);
    if let InputShape::Vector(1) = data.shape {
        let y = match &data.targets {
            Targets::Values { values, dims } => values[sample * (*dims).max(1)],
            Targets::Classes { labels, .. } => f64::from(labels[sample]),
        };
        return [input[0], y];
    }
    let [i, j] = features_shown(settings, data);
    [input[i], input[j]]
}

/// The features along x and y, where there are at least two.
fn features_shown(settings: &DataSettings, data: &Dataset) -> [usize; 2] {
    match data.shape.len() {
        2 => [0, 1],
        features => {
            [settings.feature_x, settings.feature_y].map(|f| f.min(features.saturating_sub(1)))
        }
    }
}

/// Rings around the marked samples.
fn add_brushed(axes: &mut Axes, settings: &DataSettings, data: &Dataset) {
    let known = settings.brushed.iter().filter(|s| **s < data.len());
    let places: Vec<[f64; 2]> = known.map(|s| place_of(settings, data, *s)).collect();
    if places.is_empty() {
        return;
    }
    let along = |d: usize| places.iter().map(|place| place[d]).collect::<Vec<f64>>();
    axes.layers.push(
        Scatter {
            colors: ScatterColors::Uniform(Ink::Foreground),
            marker: Marker::Ring,
            size: 1.7,
            name: Some(format!("{} brushed", places.len())),
            ..Scatter::new(along(0), along(1))
        }
        .into(),
    );
}

/// Which samples a mosaic shows: the first ones, going round the classes.
pub fn images_shown(settings: &DataSettings, data: &Dataset) -> Vec<usize> {
    crate::gradients::choose_samples(data, settings.images)
}

/// The name of a feature, counted from 0.
fn feature(data: &Dataset, index: usize) -> String {
    data.feature_names
        .get(index)
        .filter(|name| !name.is_empty())
        .cloned()
        .unwrap_or_else(|| {
            if data.shape.len() == 1 {
                "x".to_owned()
            } else {
                format!("x{}", subscript(index + 1))
            }
        })
}

/// One-dimensional inputs: the samples and the fitted curve.
fn curve(settings: &DataSettings, data: &Dataset, said: Option<Said<'_>>) -> Figure {
    let x: Vec<f64> = (0..data.len()).map(|i| data.input(i)[0]).collect();
    let mut axes = Axes::new(Axis::new(feature(data, 0)), Axis::new("y"));
    let name = match settings.split {
        Split::Training => "training samples",
        Split::Validation => "validation samples",
    };
    match &data.targets {
        Targets::Values { values, dims } => {
            let dims = (*dims).max(1);
            for d in 0..dims {
                let y: Vec<f64> = values.iter().skip(d).step_by(dims).copied().collect();
                axes.layers.push(
                    Scatter {
                        colors: ScatterColors::Uniform(Ink::Series(2 * d)),
                        edged: true,
                        name: Some(if dims > 1 {
                            format!("{name}, {}", d + 1)
                        } else {
                            name.to_owned()
                        }),
                        ..Scatter::new(x.clone(), y)
                    }
                    .into(),
                );
            }
        }
        Targets::Classes { labels, names } => {
            axes.y.label = "class".to_owned();
            axes.layers.push(classes_at(
                x,
                labels.iter().map(|l| f64::from(*l)).collect(),
                labels,
                names,
            ));
        }
    }
    if let Some(Said {
        step,
        map: PredictionMap::Curve { x, width, outputs },
    }) = said
        && matches!(data.targets, Targets::Values { .. })
    {
        for output in 0..*width {
            let y: Vec<f64> = outputs
                .iter()
                .skip(output)
                .step_by((*width).max(1))
                .map(|v| f64::from(*v))
                .collect();
            axes.layers.push(
                Line::new(x.as_slice(), y)
                    .style(LineStyle::solid(Ink::Series(2 * output + 1)))
                    .named(if *width > 1 {
                        format!("network, {}", output + 1)
                    } else {
                        "network".to_owned()
                    })
                    .into(),
            );
        }
        axes.note = Some(format!("step {}", format_number(step as f64, 9)));
    }
    add_brushed(&mut axes, settings, data);
    // A network that runs away must not hide the data.
    if let Targets::Values { values, .. } = &data.targets
        && let Some((low, high)) = crate::figure::samples::finite_range(values.iter().copied())
    {
        let room = 0.5 * (high - low).max(1e-6);
        axes.y.limits = Some((low - room, high + room));
    }
    let description = format!(
        "{} samples of one feature and the fitted curve.",
        data.len()
    );
    Figure::single(axes).described(description)
}

fn classes_at(x: Vec<f64>, y: Vec<f64>, labels: &[u32], names: &[String]) -> crate::figure::Layer {
    Scatter {
        colors: ScatterColors::Classes {
            classes: labels.iter().map(|l| *l as usize).collect(),
            names: names.to_vec(),
        },
        edged: true,
        size: if labels.len() > 600 { 0.7 } else { 0.95 },
        ..Scatter::new(x, y)
    }
    .into()
}

/// Two features and, where they are all there is, the network's decisions.
fn plane(settings: &DataSettings, data: &Dataset, said: Option<Said<'_>>) -> Figure {
    let features = data.shape.len();
    let [i, j] = features_shown(settings, data);
    let mut axes = Axes::new(Axis::new(feature(data, i)), Axis::new(feature(data, j)));
    if features == 2 {
        axes.equal_aspect = true;
    }
    if let (
        true,
        Some(Said {
            step,
            map:
                PredictionMap::Plane {
                    x,
                    y,
                    width,
                    outputs,
                    ..
                },
        }),
    ) = (settings.regions && features == 2, said)
    {
        let (x, y) = (double(x), double(y));
        match &data.targets {
            Targets::Classes { .. } => regions(&mut axes, &x, &y, *width, outputs),
            Targets::Values { .. } => surface(&mut axes, data, &x, &y, *width, outputs),
        }
        let ends = |v: &[f64]| Some((*v.first()?, *v.last()?));
        axes.x.limits = ends(&x);
        axes.y.limits = ends(&y);
        axes.note = Some(format!("step {}", format_number(step as f64, 9)));
    }
    let xs: Vec<f64> = (0..data.len()).map(|s| data.input(s)[i]).collect();
    let ys: Vec<f64> = (0..data.len()).map(|s| data.input(s)[j]).collect();
    match &data.targets {
        Targets::Classes { labels, names } => axes.layers.push(classes_at(xs, ys, labels, names)),
        Targets::Values { values, dims } => {
            let values: Vec<f64> = values.iter().step_by((*dims).max(1)).copied().collect();
            let scale = axes.color_bar.as_ref().map_or_else(
                || {
                    ColorScale::new(
                        Colormap::Viridis,
                        Normalization::spanning(crate::figure::Scale::Linear, &values),
                    )
                },
                |bar| bar.scale,
            );
            axes.layers.push(
                Scatter {
                    colors: ScatterColors::Values {
                        values: values.into(),
                        scale,
                    },
                    marker: Marker::Circle,
                    edged: true,
                    ..Scatter::new(xs, ys)
                }
                .into(),
            );
            axes.color_bar
                .get_or_insert_with(|| ColorBar::new(scale, "y"));
        }
    }
    add_brushed(&mut axes, settings, data);
    let description = format!(
        "{} samples with {features} features{}.",
        data.len(),
        if said.is_some() {
            " and the network's decisions"
        } else {
            ""
        }
    );
    Figure::single(axes).described(description)
}

fn double(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

/// The probabilities of all classes at a point, by the softmax of its outputs;
/// one output is the logit of the second class.
pub(super) fn probabilities(outputs: &[f32]) -> Vec<f64> {
    if let [logit] = outputs {
        let p = 1.0 / (1.0 + (-f64::from(*logit)).exp());
        return vec![1.0 - p, p];
    }
    let highest = outputs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f64> = outputs
        .iter()
        .map(|o| f64::from(o - highest).exp())
        .collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / sum).collect()
}

/// The opacity of a region where the network is certain.
const REGION_OPACITY: f64 = 110.0;

/// A soft ground in the colours of the classes, the paler the less certain, and
/// the lines between them.
fn regions(axes: &mut Axes, x: &[f64], y: &[f64], width: usize, outputs: &[f32]) {
    if x.len() < 2 || y.len() < 2 || width == 0 || outputs.len() < x.len() * y.len() * width {
        return;
    }
    let points: Vec<Vec<f64>> = outputs.chunks_exact(width).map(probabilities).collect();
    let classes = points.first().map_or(0, Vec::len);
    let series = FigureTheme::light().series;
    let mut rgba = Vec::with_capacity(4 * points.len());
    for row in points.chunks_exact(x.len()).rev() {
        for p in row {
            let mut mixed = [0.0; 3];
            let mut most = 0.0f64;
            for (class, p) in p.iter().enumerate() {
                let color = series[class % series.len()];
                for (mixed, c) in mixed.iter_mut().zip(color) {
                    *mixed += p * f64::from(c);
                }
                most = most.max(*p);
            }
            let chance = 1.0 / classes.max(1) as f64;
            let certain = (most - chance) / (1.0 - chance).max(1e-9);
            let opacity = if most.is_nan() {
                0.0
            } else {
                REGION_OPACITY * (0.25 + 0.75 * certain)
            };
            rgba.extend(mixed.map(|c| c.round() as u8));
            rgba.push(opacity.round() as u8);
        }
    }
    // Pixels are centred on the sample positions.
    let edges = |v: &[f64]| {
        let half = (v[1] - v[0]) / 2.0;
        (v[0] - half, v[v.len() - 1] + half)
    };
    axes.layers.push(
        Image {
            x: edges(x),
            y: edges(y),
            raster: Raster::new(x.len(), y.len(), rgba),
            interpolation: Interpolation::Bilinear,
            opacity: 1.0,
        }
        .into(),
    );
    let mut level = Vec::new();
    // With two classes one line says it all.
    let lines_of = if classes == 2 { 1 } else { classes };
    for class in 0..lines_of {
        let lead: Vec<f64> = points
            .iter()
            .map(|p| {
                let others = p.iter().enumerate().filter(|(other, _)| *other != class);
                p[class] - others.map(|(_, p)| *p).fold(f64::NEG_INFINITY, f64::max)
            })
            .collect();
        level.extend(contour::contour_lines(x, y, &lead, &[0.0]));
    }
    axes.layers.push(
        Contours {
            levels: level,
            width: 1.0,
            over: None,
            labelled: false,
        }
        .into(),
    );
}

/// A regression over two features: its values as colours, in the range of the
/// targets.
fn surface(axes: &mut Axes, data: &Dataset, x: &[f64], y: &[f64], width: usize, outputs: &[f32]) {
    let Targets::Values { values, dims } = &data.targets else {
        return;
    };
    if width == 0 || outputs.len() < x.len() * y.len() * width {
        return;
    }
    let targets: Vec<f64> = values.iter().step_by((*dims).max(1)).copied().collect();
    let scale = ColorScale::new(
        Colormap::Viridis,
        Normalization::spanning(crate::figure::Scale::Linear, &targets),
    );
    let values: Vec<f64> = outputs
        .iter()
        .step_by(width)
        .map(|v| f64::from(*v))
        .collect();
    axes.color_bar = Some(ColorBar::new(scale, "y").over(&values));
    axes.layers
        .push(Heatmap::sampled(x, y, values, scale).into());
}

/// The pixels of one sample: grey for one channel, colours for three.
pub(super) fn picture(
    input: &[f32],
    (channels, height, width): (usize, usize, usize),
    low: f32,
    high: f32,
) -> Raster {
    let plane = height * width;
    if channels != 3 {
        return Raster::grey(width, height, &input[..plane.min(input.len())], low, high);
    }
    let span = if high > low { high - low } else { 1.0 };
    let byte = |v: f32| (255.0 * ((v - low) / span).clamp(0.0, 1.0)).round() as u8;
    let rgba = (0..plane)
        .flat_map(|pixel| {
            let at = |channel: usize| input.get(channel * plane + pixel).copied().map_or(0, byte);
            [at(0), at(1), at(2), 255]
        })
        .collect();
    Raster::new(width, height, rgba)
}

/// What a caption says: the class, and what the network takes it for where that
/// is another one.
pub(super) fn verdict(truth: &str, predicted: Option<&str>) -> String {
    match predicted {
        Some(predicted) if predicted != truth => format!("{truth} ✕ {predicted}"),
        _ => truth.to_owned(),
    }
}

fn images(
    settings: &DataSettings,
    data: &Dataset,
    said: Option<Said<'_>>,
    shape: (usize, usize, usize),
) -> Figure {
    let low = data.inputs.iter().copied().fold(f64::INFINITY, f64::min) as f32;
    let high = data
        .inputs
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max) as f32;
    // (sample, predicted class)
    let mut shown: Vec<(usize, Option<u32>)> = match said {
        Some(Said {
            map: PredictionMap::Samples {
                samples, classes, ..
            },
            ..
        }) => samples
            .iter()
            .enumerate()
            .filter(|(_, sample)| **sample < data.len())
            .map(|(k, sample)| (*sample, classes.get(k).copied()))
            .collect(),
        _ => images_shown(settings, data)
            .into_iter()
            .map(|s| (s, None))
            .collect(),
    };
    let labels = data.labels();
    let names = data.class_names();
    let name = |class: u32| {
        names
            .get(class as usize)
            .cloned()
            .unwrap_or_else(|| class.to_string())
    };
    let wrong = |(sample, predicted): &(usize, Option<u32>)| {
        let label = labels.and_then(|labels| labels.get(*sample));
        predicted.is_some() && predicted.as_ref() != label
    };
    if settings.errors_first {
        shown.sort_by_key(|entry| !wrong(entry));
    }
    shown.truncate(settings.images.max(1));
    let errors = shown.iter().filter(|entry| wrong(entry)).count();
    let judged = shown
        .iter()
        .filter(|(_, predicted)| predicted.is_some())
        .count();
    let tiles = shown
        .iter()
        .map(|entry| {
            let (sample, predicted) = *entry;
            let input: Vec<f32> = data.input(sample).iter().map(|v| *v as f32).collect();
            let mut tile = Tile::new(picture(&input, shape, low, high));
            if let Some(label) = labels.and_then(|labels| labels.get(sample)) {
                let predicted = predicted.map(name);
                let mark = if settings.brushed.contains(&sample) {
                    "● "
                } else {
                    ""
                };
                let verdict = verdict(&name(*label), predicted.as_deref());
                tile = tile.captioned(format!("{mark}{verdict}"));
            }
            if wrong(entry) {
                tile.outlined(Ink::Accent)
            } else {
                tile
            }
        })
        .collect();
    let note = match said {
        Some(Said { step, .. }) if judged > 0 => Some(format!(
            "{} of {judged} right · ✕ marks what they were taken for · step {}",
            judged - errors,
            format_number(step as f64, 9)
        )),
        _ => None,
    };
    Figure::row([Mosaic {
        title: None,
        tiles,
        columns: None,
        color_bar: None,
        note,
    }])
    .described(format!(
        "{} images, {errors} of them predicted wrongly.",
        shown.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Content, Layer};

    fn two_classes() -> Dataset {
        Dataset {
            inputs: vec![0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0],
            shape: InputShape::Vector(2),
            targets: Targets::Classes {
                labels: vec![0, 0, 1, 1],
                names: vec!["a".into(), "b".into()],
            },
            feature_names: vec![],
        }
    }

    fn decision(width: usize) -> PredictionMap {
        let x = vec![-0.5, 0.5, 1.5];
        PredictionMap::Plane {
            outputs: (0..9 * width)
                .map(|i| (i % 3) as f32 - 1.0 + (i % width) as f32)
                .collect(),
            classes: vec![0; 9],
            y: x.clone(),
            x,
            width,
        }
    }

    #[test]
    fn classes_have_a_ground_a_boundary_and_points() {
        for width in [1, 2, 3] {
            let map = decision(width);
            let said = Said { step: 4, map: &map };
            let figure = figure(&DataSettings::default(), &two_classes(), Some(said));
            let axes = figure.axes().next().unwrap();
            assert!(matches!(axes.layers[0], Layer::Image(_)));
            assert!(matches!(axes.layers[1], Layer::Contours(_)));
            let Layer::Scatter(points) = &axes.layers[2] else {
                panic!("points");
            };
            assert_eq!(points.x.len(), 4);
            assert_eq!(axes.x.label, "x₁");
            assert_eq!(axes.x.limits, Some((-0.5, 1.5)));
            assert_eq!(axes.note.as_deref(), Some("step 4"));
        }
    }

    #[test]
    fn brushed_samples_are_ringed_where_they_are() {
        let data = two_classes();
        let settings = DataSettings {
            brushed: vec![1, 0, 99],
            ..DataSettings::default()
        };
        let figure = figure(&settings, &data, None);
        let axes = figure.axes().next().unwrap();
        let Some(Layer::Scatter(rings)) = axes.layers.last() else {
            panic!("no rings");
        };
        assert_eq!(rings.name.as_deref(), Some("2 brushed"));
        assert_eq!(rings.x[..], [data.input(1)[0], data.input(0)[0]]);
        assert_eq!(rings.y[..], [data.input(1)[1], data.input(0)[1]]);
    }

    #[test]
    fn data_without_a_network_are_shown_alone() {
        let figure = figure(&DataSettings::default(), &two_classes(), None);
        assert_eq!(figure.axes().next().unwrap().layers.len(), 1);
    }

    #[test]
    fn probabilities_add_up_and_survive_large_outputs() {
        let p = probabilities(&[1000.0, 0.0, -1000.0]);
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(probabilities(&[0.0]), [0.5, 0.5]);
    }

    #[test]
    fn a_curve_that_runs_away_does_not_hide_the_data() {
        let data = Dataset {
            inputs: vec![0.0, 1.0],
            shape: InputShape::Vector(1),
            targets: Targets::Values {
                values: vec![0.0, 1.0],
                dims: 1,
            },
            feature_names: vec!["t".into()],
        };
        let map = PredictionMap::Curve {
            x: vec![0.0, 0.5, 1.0],
            width: 1,
            outputs: vec![0.0, 1e9, f32::NAN],
        };
        let figure = figure(
            &DataSettings::default(),
            &data,
            Some(Said { step: 1, map: &map }),
        );
        let axes = figure.axes().next().unwrap();
        assert_eq!(axes.x.label, "t");
        assert_eq!(axes.y.limits, Some((-0.5, 1.5)));
        assert_eq!(axes.layers.len(), 2);
    }

    fn digits() -> Dataset {
        Dataset {
            inputs: (0..6 * 16).map(f64::from).collect(),
            shape: InputShape::Image {
                channels: 1,
                height: 4,
                width: 4,
            },
            targets: Targets::Classes {
                labels: vec![0, 1, 2, 0, 1, 2],
                names: vec!["0".into(), "1".into(), "2".into()],
            },
            feature_names: vec![],
        }
    }

    #[test]
    fn wrong_images_are_marked_by_sign_and_frame() {
        let map = PredictionMap::Samples {
            samples: vec![0, 1, 2],
            width: 3,
            outputs: vec![0.0; 9],
            classes: vec![0, 2, 2],
        };
        let settings = DataSettings {
            errors_first: true,
            ..DataSettings::default()
        };
        let figure = figure(&settings, &digits(), Some(Said { step: 7, map: &map }));
        let Content::Mosaic(mosaic) = &figure.panels().next().unwrap().content else {
            panic!("a mosaic");
        };
        assert_eq!(mosaic.tiles[0].caption.as_deref(), Some("1 ✕ 2"));
        assert!(mosaic.tiles[0].outline.is_some());
        assert!(mosaic.tiles[1].outline.is_none());
        assert!(mosaic.note.as_deref().unwrap().starts_with("2 of 3 right"));
        let figure = super::figure(&settings, &digits(), None);
        let Content::Mosaic(mosaic) = &figure.panels().next().unwrap().content else {
            panic!("a mosaic");
        };
        assert_eq!(mosaic.tiles.len(), 6);
    }
}
