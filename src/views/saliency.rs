//! Saliency: which parts of an input speak for a network's decision.

use crate::figure::ticks::format_number;
use crate::figure::{
    Axes, Axis, Bars, ColorBar, ColorScale, Colormap, Content, Figure, Ink, Mosaic, Normalization,
    Panel, Raster, Row, Ticks, Tile,
};
use crate::gradients::{SaliencyMap, SaliencyMaps};

/// Samples with, below each, how much every part of the input speaks for the
/// output that is explained. `classes` are the names of the outputs.
pub fn saliency(maps: Option<&SaliencyMaps>, classes: &[String], step: u64) -> Figure {
    let Some(maps) = maps.filter(|maps| !maps.samples.is_empty()) else {
        return Figure::row([Mosaic::default()])
            .titled("Saliency")
            .described("No saliency map yet.");
    };
    let [channels, height, width] = maps.shape;
    let figure = if height > 1 {
        saliency_images(maps, classes, (channels, height, width), step)
    } else {
        saliency_bars(maps, step)
    };
    let right = maps
        .samples
        .iter()
        .filter(|sample| sample.label.is_some() && sample.predicted == sample.label)
        .count();
    figure.titled("Saliency").described(format!(
        "Saliency maps of {} samples, {right} of them predicted correctly.",
        maps.samples.len()
    ))
}

fn name(classes: &[String], class: u32) -> String {
    classes
        .get(class as usize)
        .cloned()
        .unwrap_or_else(|| class.to_string())
}

fn saliency_images(
    maps: &SaliencyMaps,
    classes: &[String],
    (channels, height, width): (usize, usize, usize),
    step: u64,
) -> Figure {
    let inputs = maps.samples.iter().flat_map(|sample| &sample.input);
    let (low, high) = inputs.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| {
        (low.min(*v), high.max(*v))
    });
    // Over all channels the largest, as the authors do.
    let strongest: Vec<Vec<f64>> = maps
        .samples
        .iter()
        .map(|sample| {
            (0..height * width)
                .map(|pixel| {
                    (0..channels)
                        .filter_map(|channel| sample.saliency.get(channel * height * width + pixel))
                        .fold(0.0f64, |most, v| most.max(f64::from(*v)))
                })
                .collect()
        })
        .collect();
    let all: Vec<f64> = strongest.iter().flatten().copied().collect();
    let most = all
        .iter()
        .copied()
        .filter(|v| v.is_finite())
        .fold(0.0, f64::max);
    let color = ColorScale::new(
        Colormap::Magma,
        Normalization::linear(0.0, if most > 0.0 { most } else { 1.0 }),
    );
    let mut tiles = Vec::with_capacity(2 * maps.samples.len());
    let columns = pair_columns(maps.samples.len());
    let sample_tile = |sample: &SaliencyMap| {
        let raster = super::data::picture(&sample.input, (channels, height, width), low, high);
        let mut tile = Tile::new(raster);
        if let Some(label) = sample.label {
            let right = sample.predicted == Some(label);
            tile = tile.captioned(super::data::verdict(
                &name(classes, label),
                sample.predicted.map(|p| name(classes, p)).as_deref(),
            ));
            if !right {
                tile = tile.outlined(Ink::Accent);
            }
        }
        tile
    };
    let explained_tile = |(sample, values): (&SaliencyMap, &Vec<f64>)| {
        Tile::new(Raster::from_values(width, height, values, &color))
            .captioned(format!("∂ {}", name(classes, sample.output as u32)))
    };
    for (samples, values) in maps.samples.chunks(columns).zip(strongest.chunks(columns)) {
        tiles.extend(samples.iter().map(sample_tile));
        tiles.extend(samples.iter().zip(values).map(explained_tile));
    }
    Figure::row([Mosaic {
        title: None,
        columns: Some(columns),
        tiles,
        color_bar: Some(ColorBar::new(color, "|∂f/∂x|")),
        note: Some(format!("step {}", format_number(step as f64, 9))),
    }])
}

/// How many pairs of an image and its map stand side by side: as many as divide
/// their number and make a picture somewhat wider than high.
fn pair_columns(pairs: usize) -> usize {
    let ideal = (3.2 * pairs as f64).sqrt();
    (3..=8)
        .filter(|columns| pairs.is_multiple_of(*columns))
        .min_by(|a, b| {
            (*a as f64 - ideal)
                .abs()
                .total_cmp(&(*b as f64 - ideal).abs())
        })
        .unwrap_or(pairs.max(1))
}

/// One sample in detail: its image, what speaks for the explained output, and
/// how the network weighs the classes.
pub fn sample(maps: &SaliencyMaps, classes: &[String]) -> Figure {
    let Some(sample) = maps.samples.first() else {
        return Figure::default();
    };
    let one = SaliencyMaps {
        shape: maps.shape,
        samples: vec![sample.clone()],
    };
    let mut figure = saliency(Some(&one), classes, 0);
    for panel in figure.rows.iter_mut().flat_map(|row| &mut row.panels) {
        if let Content::Mosaic(mosaic) = &mut panel.content {
            mosaic.columns = None;
            mosaic.note = None;
            mosaic.color_bar = None;
        }
    }
    if sample.outputs.len() > 1 {
        let probabilities = super::data::probabilities(&sample.outputs);
        let names = (0..probabilities.len())
            .map(|class| (class as f64, name(classes, class as u32)))
            .collect();
        let axes = Axes::new(
            Axis::new("class").ticks(Ticks::Named(names)),
            Axis::new("probability").unit("%").limits(0.0, 100.0),
        )
        .with(Bars {
            edges: (0..=probabilities.len()).map(|k| k as f64 - 0.5).collect(),
            heights: probabilities.iter().map(|p| 100.0 * p).collect(),
            baseline: 0.0,
            ink: Ink::Series(0),
            name: None,
        });
        figure.rows.push(Row {
            height: 1.0,
            panels: vec![Panel {
                width: 1.0,
                content: Content::Axes(axes),
            }],
        });
    }
    figure.titled("Sample")
}

/// For inputs that are no images: each feature's mean saliency.
fn saliency_bars(maps: &SaliencyMaps, step: u64) -> Figure {
    let features = maps.shape[2] * maps.shape[0];
    let count = maps.samples.len().max(1) as f64;
    let mean: Vec<f64> = (0..features)
        .map(|feature| {
            maps.samples
                .iter()
                .filter_map(|sample| sample.saliency.get(feature))
                .map(|v| f64::from(*v) / count)
                .sum()
        })
        .collect();
    let axis = if features <= 12 {
        let names = (0..features)
            .map(|f| {
                (
                    f as f64,
                    format!("x{}", crate::figure::ticks::subscript(f + 1)),
                )
            })
            .collect();
        Axis::new("feature").ticks(Ticks::Named(names))
    } else {
        Axis::new("feature").ticks(Ticks::Integers)
    };
    Figure::single(
        Axes::new(axis, Axis::new("mean |∂f/∂x|"))
            .with(Bars {
                edges: (0..=features).map(|f| f as f64 - 0.5).collect(),
                heights: mean.into(),
                baseline: 0.0,
                ink: Ink::Series(0),
                name: None,
            })
            .noted(format!(
                "{} samples · step {}",
                maps.samples.len(),
                format_number(step as f64, 9)
            )),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Layer;

    fn maps(shape: [usize; 3]) -> SaliencyMaps {
        let length = shape.iter().product();
        let sample = |predicted| SaliencyMap {
            sample: 3,
            input: (0..length).map(|i| i as f32).collect(),
            saliency: vec![0.5; length],
            output: 1,
            outputs: vec![0.1, 0.9],
            predicted: Some(predicted),
            label: Some(1),
        };
        SaliencyMaps {
            shape,
            samples: vec![sample(1), sample(0)],
        }
    }

    #[test]
    fn samples_stand_above_their_saliency_and_errors_are_marked() {
        let classes = ["cat", "dog"].map(str::to_owned);
        let figure = saliency(Some(&maps([1, 4, 4])), &classes, 9);
        let Content::Mosaic(mosaic) = &figure.panels().next().unwrap().content else {
            panic!("a mosaic");
        };
        assert_eq!(mosaic.tiles.len(), 4);
        assert_eq!(mosaic.columns, Some(2));
        assert_eq!(mosaic.tiles[0].outline, None);
        assert!(mosaic.tiles[1].outline.is_some());
        assert_eq!(mosaic.tiles[2].caption.as_deref(), Some("∂ dog"));
        // Features that are no image have bars.
        let figure = saliency(Some(&maps([1, 1, 2])), &classes, 9);
        assert!(matches!(
            figure.axes().next().unwrap().layers[0],
            Layer::Bars(_)
        ));
        let _ = saliency(None, &classes, 0);
    }

    #[test]
    fn pairs_stand_in_even_rows() {
        for (pairs, columns) in [
            (1, 1),
            (2, 2),
            (4, 4),
            (7, 7),
            (8, 4),
            (10, 5),
            (12, 6),
            (16, 8),
        ] {
            assert_eq!(pair_columns(pairs), columns, "{pairs}");
        }
    }

    #[test]
    fn a_sample_has_the_probabilities_of_all_classes() {
        let classes = ["cat", "dog"].map(str::to_owned);
        let figure = sample(&maps([1, 4, 4]), &classes);
        assert_eq!(figure.rows.len(), 2);
        let axes = figure.axes().next().unwrap();
        let Layer::Bars(bars) = &axes.layers[0] else {
            panic!("bars");
        };
        assert!((bars.heights.iter().sum::<f64>() - 100.0).abs() < 1e-9);
        assert_eq!(axes.y.full_label(), "probability (%)");
    }
}
