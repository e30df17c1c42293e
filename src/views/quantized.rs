//! Quantized networks: the loss against bits, the staircase beside the curve,
//! and the loss over the quantizer's scales.

use serde::{Deserialize, Serialize};

use crate::engine::quantized::{Beside, QuantizedReport, ScaleMap, ScaleSweep, Searches};
use crate::figure::ticks::format_number;
use crate::figure::{
    Axes, Axis, ColorBar, ColorScale, Colormap, Content, Dash, Figure, Heatmap, Ink, Line,
    LineStyle, Marker, Normalization, Panel, Row, Rule, Scale, Scatter, ScatterColors, Ticks,
};
use crate::landscape::{Slice1d, Slice2d, local_minima};
use crate::nn::quantize::QuantizerScope;
use crate::views::percent;

/// Which part of a report is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuantizedPart {
    /// Everything that the report has.
    #[default]
    All,
    /// The planes of the float and of the quantized network.
    Plane,
    /// The loss over the scales.
    Scales,
    /// The loss against bits, and the staircase.
    Bits,
}

/// What is shown, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuantizedLook {
    /// Which part.
    pub part: QuantizedPart,
    /// Its axes above each other.
    pub stacked: bool,
}

/// What the report has; `unit` is that of displacements.
pub fn figure(report: &QuantizedReport, unit: &str, look: QuantizedLook) -> Figure {
    let mut rows: Vec<Vec<Axes>> = Vec::new();
    let shows = |part| look.part == QuantizedPart::All || look.part == part;
    if shows(QuantizedPart::Bits) {
        rows.push(vec![bits(report), line(report, unit)]);
    }
    if shows(QuantizedPart::Scales) {
        let mut row = Vec::new();
        if !report.sweeps.is_empty() {
            row.push(sweeps(report));
            row.extend(report.map.as_ref().map(map));
        }
        row.extend(report.search.as_ref().map(searches));
        rows.push(row);
    }
    if shows(QuantizedPart::Plane)
        && let Some(plane) = &report.plane
    {
        rows.push(planes(plane, report, unit).into());
    }
    if look.stacked {
        rows = rows.into_iter().flatten().map(|axes| vec![axes]).collect();
    }
    let rows = rows
        .into_iter()
        .filter(|row| !row.is_empty())
        .map(|panels| Row {
            height: 1.0,
            panels: panels
                .into_iter()
                .map(|axes| Panel {
                    width: 1.0,
                    content: Content::Axes(axes),
                })
                .collect(),
        })
        .collect();
    Figure {
        title: Some("Quantized network".to_owned()),
        rows,
        description: format!(
            "With weights of {} the training loss is {}, without quantization {}.",
            bits_name(report.bits),
            format_number(report.loss, 4),
            format_number(report.float_loss, 4)
        ),
        ..Figure::default()
    }
}

/// `1 bit`, `4 bits`.
pub fn bits_name(bits: u32) -> String {
    format!("{bits} bit{}", if bits == 1 { "" } else { "s" })
}

/// Logarithmic where all finite values are positive.
fn scale_of<'a>(values: impl IntoIterator<Item = &'a f64>) -> Scale {
    let positive = values.into_iter().all(|v| !v.is_finite() || *v > 0.0);
    if positive {
        Scale::Log10
    } else {
        Scale::Linear
    }
}

fn bits(report: &QuantizedReport) -> Axes {
    let points = &report.against_bits;
    let loss: Vec<f64> = points.iter().map(|point| point.loss).collect();
    let scale = scale_of(loss.iter().chain([&report.float_loss]));
    let ticks = [1, 2, 3, 4, 6, 8, 12, 16, 24]
        .map(|bits| (f64::from(bits), bits.to_string()))
        .to_vec();
    let mut axes = Axes::new(
        Axis::log("bits of a weight").ticks(Ticks::Named(ticks)),
        Axis::new("training loss").scaled(scale),
    );
    let x: Vec<f64> = points.iter().map(|point| f64::from(point.bits)).collect();
    axes.layers.push(
        Rule {
            label: Some("float".to_owned()),
            ..Rule::horizontal(report.float_loss)
        }
        .into(),
    );
    let points = Scatter {
        name: Some("quantized".to_owned()),
        ..Scatter::new(x.clone(), loss.clone())
    };
    axes.layers
        .push(Line::new(x, loss).series(0).named("quantized").into());
    axes.layers.push(points.into());
    let scope = match report.scope {
        QuantizerScope::Tensor => "one scale a layer",
        QuantizerScope::Channel => "one scale a unit",
    };
    axes.note = Some(format!(
        "{scope} · {} change{} the weights by {}",
        bits_name(report.bits),
        if report.bits == 1 { "s" } else { "" },
        percent(report.weight_error)
    ));
    axes
}

fn line(report: &QuantizedReport, unit: &str) -> Axes {
    let Beside { quantized, float } = &report.line;
    let scale = scale_of(quantized.loss.iter().chain(&float.loss));
    let mut axes = Axes::new(
        Axis::new("α").unit(unit),
        Axis::new("training loss").scaled(scale),
    );
    let curve = |slice: &Slice1d| Line::new(slice.alpha.as_slice(), slice.loss.as_slice());
    axes.layers.push(
        curve(float)
            .style(LineStyle::solid(Ink::Foreground).dashed(Dash::Dashed))
            .named("float")
            .into(),
    );
    axes.layers.push(
        curve(quantized)
            .series(0)
            .named(bits_name(report.bits))
            .into(),
    );
    axes.layers.push(Rule::vertical(0.0).labelled("θ∗").into());
    axes.note = Some(format!(
        "{} points · at θ∗ {} {}, float {}",
        quantized.alpha.len(),
        bits_name(report.bits),
        format_number(report.loss, 3),
        format_number(report.float_loss, 3)
    ));
    axes
}

/// A place that is marked.
fn point(x: f64, y: f64, marker: Marker) -> Scatter {
    Scatter {
        colors: ScatterColors::Uniform(Ink::Accent),
        marker,
        size: 1.7,
        edged: true,
        ..Scatter::new(vec![x], vec![y])
    }
}

/// Curves of a sweep figure; more would hide each other.
const CURVES: usize = 4;

fn sweeps(report: &QuantizedReport) -> Axes {
    let all = report.sweeps.iter().flat_map(|sweep| &sweep.loss);
    let mut axes = Axes::new(
        Axis::new("factor on the scales"),
        Axis::new("training loss").scaled(scale_of(all)),
    );
    for (index, sweep) in report.sweeps.iter().take(CURVES).enumerate().rev() {
        let name = sweep_name(index, sweep);
        let style = LineStyle::solid(Ink::Series(index)).width(if index == 0 { 1.0 } else { 0.7 });
        axes.layers.push(
            Line::new(sweep.factor.clone(), sweep.loss.clone())
                .style(style)
                .named(name)
                .into(),
        );
    }
    axes.layers
        .push(Rule::vertical(1.0).labelled("nominal").into());
    if let Some(sweep) = report.sweeps.first() {
        let minima = local_minima(&sweep.loss);
        let of = |values: &[f64]| minima.iter().map(|k| values[*k]).collect::<Vec<f64>>();
        axes.layers.push(
            Scatter {
                colors: ScatterColors::Uniform(Ink::Foreground),
                size: 0.6,
                name: Some("local minimum".to_owned()),
                ..Scatter::new(of(&sweep.factor), of(&sweep.loss))
            }
            .into(),
        );
        axes.layers
            .push(point(1.0, report.loss, Marker::Square).into());
        if let (Some(factor), Some(loss)) = (sweep.best_factor, sweep.best_loss) {
            let best = Scatter {
                name: Some("best".to_owned()),
                ..point(factor, loss, Marker::Circle)
            };
            axes.layers.push(best.into());
        }
        let mut note = format!("{} local minima", sweep.local_minima);
        if let (Some(factor), Some(loss)) = (sweep.best_factor, sweep.best_loss) {
            note.push_str(&format!(
                " · best {} at {} · nominal {}",
                format_number(loss, 3),
                format_number(factor, 3),
                format_number(report.loss, 3)
            ));
        }
        axes.note = Some(note);
    }
    axes
}

fn sweep_name(index: usize, sweep: &ScaleSweep) -> String {
    if index == 0 && sweep.tensors.len() > 1 {
        "all layers".to_owned()
    } else {
        sweep.tensors.join(", ")
    }
}

/// How soon the searches found what.
fn searches(searches: &Searches) -> Axes {
    let both = [
        ("evolution", &searches.evolution),
        ("gradient", &searches.gradient),
    ];
    let all = both.iter().flat_map(|(_, search)| &search.best);
    let mut axes = Axes::new(
        Axis::log("evaluations"),
        Axis::new("best training loss").scaled(scale_of(all)),
    );
    for (index, (name, search)) in both.into_iter().enumerate() {
        let x: Vec<f64> = search.evaluations.iter().map(|n| *n as f64).collect();
        axes.layers.push(
            Line::new(x, search.best.clone())
                .series(index)
                .named(name)
                .into(),
        );
    }
    axes.note = Some("a gradient counts as three evaluations".to_owned());
    axes
}

fn heatmap(slice: &Slice2d, color: ColorScale, x: Axis, y: Axis) -> Axes {
    let ends = |values: &[f64]| match values {
        [first, .., last] => Some((*first, *last)),
        _ => None,
    };
    let mut axes = Axes::new(x, y);
    axes.x.limits = ends(&slice.alpha);
    axes.y.limits = ends(&slice.beta);
    if slice.alpha.len() > 1 && slice.beta.len() > 1 {
        let map = Heatmap::sampled(&slice.alpha, &slice.beta, slice.loss.as_slice(), color);
        axes.layers.push(map.into());
    }
    axes.equal_aspect()
        .with_color_bar(ColorBar::new(color, "training loss").over(&slice.loss))
}

fn colors(values: &[f64]) -> ColorScale {
    ColorScale::new(
        Colormap::Viridis,
        Normalization::spanning(scale_of(values), values),
    )
}

fn map(map: &ScaleMap) -> Axes {
    let label = |name: &str| Axis::new(format!("factor on {name}"));
    let slice = &map.slice;
    let (x, y) = (label(&map.first), label(&map.second));
    let mut axes = heatmap(slice, colors(&slice.loss), x, y);
    let named = |x: f64, y: f64, marker, name: &str| Scatter {
        name: Some(name.to_owned()),
        ..point(x, y, marker)
    };
    axes.layers
        .push(named(1.0, 1.0, Marker::Square, "nominal").into());
    if let Some((i, j)) = slice.lowest() {
        let (x, y) = (slice.alpha[i], slice.beta[j]);
        axes.layers.push(named(x, y, Marker::Circle, "best").into());
        axes.note = slice.at(i, j).map(|loss| {
            format!(
                "best {} at ({}, {})",
                format_number(loss, 3),
                format_number(x, 3),
                format_number(y, 3)
            )
        });
    }
    axes
}

/// Both planes in the same colours.
fn planes(plane: &Beside<Slice2d>, report: &QuantizedReport, unit: &str) -> [Axes; 2] {
    let both: Vec<f64> = plane
        .quantized
        .loss
        .iter()
        .chain(&plane.float.loss)
        .copied()
        .collect();
    let color = colors(&both);
    let axis = |name: &str| Axis::new(name).unit(unit);
    [
        (&plane.float, "float".to_owned(), report.float_loss),
        (&plane.quantized, bits_name(report.bits), report.loss),
    ]
    .map(|(slice, title, loss)| {
        let mut axes = heatmap(slice, color, axis("α"), axis("β"));
        let here = Scatter {
            name: Some("θ∗".to_owned()),
            ..point(0.0, 0.0, Marker::Circle)
        };
        axes.layers.push(here.into());
        axes.titled(title).noted(format!(
            "{}×{} · {} at θ∗",
            slice.alpha.len(),
            slice.beta.len(),
            format_number(loss, 3)
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::engine::quantized::{QuantizedSettings, quantized};
    use crate::figure::Layer;
    use crate::train::Setup;
    use crate::train::testing::recipe;

    #[test]
    fn every_part_has_its_axes() {
        let setup = Setup::new(recipe().into(), Path::new(".")).unwrap();
        let theta = crate::math::vector::to_f64(&setup.initial.theta);
        let mut settings = QuantizedSettings::from_recipe(&setup);
        settings.line = 9;
        let (report, _) = quantized(&setup, &theta, &settings, &(), &mut |_| ()).unwrap();
        assert_eq!(
            figure(&report, "filter norms", QuantizedLook::default())
                .axes()
                .count(),
            2
        );
        (settings.plane, settings.slice.grid) = (true, 9);
        (settings.sweep, settings.map, settings.search) = (9, 5, 20);
        let (report, _) = quantized(&setup, &theta, &settings, &(), &mut |_| ()).unwrap();
        let figure = figure(&report, "filter norms", QuantizedLook::default());
        let axes: Vec<&Axes> = figure.axes().collect();
        assert_eq!((figure.rows.len(), axes.len()), (3, 7));
        assert_eq!(axes[1].x.full_label(), "α (filter norms)");
        assert_eq!(axes[3].y.label, "factor on 2.weight");
        // All layers on top of the single ones.
        let mut lines = axes[2].layers.iter().filter_map(|layer| match layer {
            Layer::Line(line) => Some(line),
            _ => None,
        });
        let top = lines.next_back().unwrap();
        assert_eq!(top.name.as_deref(), Some("all layers"));
        // The two planes can be compared by colour.
        let limits = |axes: &Axes| {
            axes.color_bar
                .as_ref()
                .map(|bar| bar.scale.normalization.limits)
        };
        assert_eq!(limits(axes[5]), limits(axes[6]));
        // One part alone, its axes above each other.
        for (part, count) in [
            (QuantizedPart::Bits, 2),
            (QuantizedPart::Scales, 3),
            (QuantizedPart::Plane, 2),
        ] {
            let stacked = true;
            let figure = super::figure(&report, "", QuantizedLook { part, stacked });
            assert_eq!((figure.rows.len(), figure.axes().count()), (count, count));
        }
        // The nominal scales and the best ones are marked.
        let marked: Vec<[f64; 2]> = axes[2]
            .layers
            .iter()
            .filter_map(|layer| match layer {
                Layer::Scatter(points) if points.x.len() == 1 => Some([points.x[0], points.y[0]]),
                _ => None,
            })
            .collect();
        let sweep = &report.sweeps[0];
        assert!(marked.contains(&[1.0, report.loss]));
        assert!(marked.contains(&[sweep.best_factor.unwrap(), sweep.best_loss.unwrap()]));
    }
}
