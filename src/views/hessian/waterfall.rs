//! The spectral density over the training: a row for each moment.

use serde::{Deserialize, Serialize};

use super::density::DensityLook;
use crate::curvature::Bandwidth;
use crate::engine::curvature::{Waterfall, WaterfallRow};
use crate::figure::ticks::format_number;
use crate::figure::{
    Axes, Axis, ColorBar, ColorScale, Colormap, Figure, Heatmap, Ink, Interpolation, Line,
    LineStyle, Normalization, Ticks,
};
use crate::math::smoothing::UniformGrid;
use crate::views::Time;

/// Columns of the picture, as far as the kernel lets them.
const COLUMNS: usize = 240;
/// Columns at most.
const MOST: usize = 1500;
/// Decades of density that have colours of their own.
const DEPTH: f64 = 1e-5;
/// Decades of |λ| on a logarithmic axis.
const RANGE: f64 = 1e-7;

/// How a waterfall is drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WaterfallLook {
    /// Axis and kernel; nodes are not drawn.
    pub density: DensityLook,
    /// Steps or epochs.
    pub time: Time,
}

/// The figure: λ to the right, steps upwards, the density as colour. On a
/// logarithmic axis there are two pictures, one for each sign.
pub fn figure(look: &WaterfallLook, found: Option<&Waterfall>, steps_per_epoch: u64) -> Figure {
    let empty = || {
        let time = Axis::new(look.time.to_string());
        Figure::single(Axes::new(Axis::new("eigenvalue λ"), time))
    };
    let rows = found.map_or(&[][..], |found| &found.rows);
    let Some(extent) = Extent::of(rows, found.map_or(0, |found| found.planned)) else {
        return empty()
            .titled("Spectrum over the training")
            .described("No density has been estimated yet.");
    };
    let figure = if look.density.log {
        let (negative, positive) = (extent.low < 0.0, extent.high > 0.0);
        let pictures = [(-1.0, negative), (1.0, positive)];
        let shown = pictures.into_iter().filter(|(_, shown)| *shown);
        Figure::row(shown.map(|(sign, _)| logarithmic(look, rows, &extent, sign, steps_per_epoch)))
    } else {
        Figure::single(linear(look, rows, &extent, steps_per_epoch))
    };
    let (first, last) = (rows.first(), rows.last());
    let told = |row: Option<&WaterfallRow>| {
        row.map_or_else(String::new, |row| {
            let top = row.density.range[1];
            format!("{} at step {}", format_number(top, 3), row.step)
        })
    };
    figure.titled("Spectrum over the training").described(format!(
        "The density of the eigenvalues at {} moments of the training. The largest is {} and {}.",
        rows.len(),
        told(first),
        told(last)
    ))
}

/// What all rows together span.
struct Extent {
    low: f64,
    high: f64,
    steps: usize,
    probes: usize,
    planned: usize,
}

impl Extent {
    fn of(rows: &[WaterfallRow], planned: usize) -> Option<Self> {
        let first = rows.first()?;
        let ends = rows.iter().map(|row| row.density.range);
        let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), range| {
            (low.min(range[0]), high.max(range[1]))
        });
        Some(Self {
            low,
            high,
            steps: first.density.steps,
            probes: first.density.rules.len(),
            planned,
        })
    }
}

/// Edges of the rows: halfway between moments.
fn edges(look: &WaterfallLook, rows: &[WaterfallRow], steps_per_epoch: u64) -> Vec<f64> {
    let steps: Vec<f64> = rows.iter().map(|row| row.step as f64).collect();
    let (first, last) = (steps[0], steps[steps.len() - 1]);
    let mut edges = vec![if steps.len() == 1 { first - 0.5 } else { first }];
    edges.extend(steps.windows(2).map(|pair| 0.5 * (pair[0] + pair[1])));
    edges.push(if steps.len() == 1 { last + 0.5 } else { last });
    edges
        .into_iter()
        .map(|step| look.time.of_step(step, steps_per_epoch))
        .collect()
}

fn time_axis(look: &WaterfallLook) -> Axis {
    let axis = Axis::new(look.time.to_string());
    match look.time {
        Time::Step => axis.ticks(Ticks::Integers),
        Time::Epoch => axis,
    }
}

/// Colours over so many decades below the largest density.
fn picture(
    axes: &mut Axes,
    x_edges: Vec<f64>,
    y_edges: Vec<f64>,
    values: Vec<f64>,
    highest: f64,
    label: &str,
) {
    let highest = if highest > 0.0 { highest } else { 1.0 };
    let scale = ColorScale::new(
        Colormap::Viridis,
        Normalization::log(DEPTH * highest, highest),
    );
    axes.color_bar = Some(ColorBar::new(scale, label).over(&values));
    axes.layers.push(
        Heatmap {
            x_edges: x_edges.into(),
            y_edges: y_edges.into(),
            values: values.into(),
            color: scale,
            interpolation: Interpolation::Nearest,
        }
        .into(),
    );
}

fn note(rows: &[WaterfallRow], extent: &Extent) -> String {
    let of = if rows.len() < extent.planned {
        format!(" of {}", extent.planned)
    } else {
        String::new()
    };
    format!(
        "{}{of} moments · the same {} probes × {} steps",
        rows.len(),
        extent.probes,
        extent.steps
    )
}

fn linear(
    look: &WaterfallLook,
    rows: &[WaterfallRow],
    extent: &Extent,
    steps_per_epoch: u64,
) -> Axes {
    // One kernel for all rows: that of the widest.
    let widest = rows
        .iter()
        .map(|row| row.density.sigma(Bandwidth::default()))
        .fold(0.0, f64::max);
    let sigma = look.density.bandwidth * widest;
    let margin = 0.02 * (extent.high - extent.low) + 3.0 * sigma;
    let (grid, sigma) = cells(extent.low - margin, extent.high + margin, sigma);
    let densities: Vec<Vec<f64>> = rows
        .iter()
        .map(|row| row.density.on_grid(&grid, sigma))
        .collect();
    let highest = densities.iter().flatten().copied().fold(0.0, f64::max);
    let mut axes = Axes::new(Axis::new("eigenvalue λ"), time_axis(look));
    let x_edges = edges_of(&grid);
    axes.x.limits = Some((x_edges[0], x_edges[grid.points]));
    let y_edges = edges(look, rows, steps_per_epoch);
    picture(
        &mut axes,
        x_edges,
        y_edges,
        densities.concat(),
        highest,
        "density",
    );
    for (k, name) in [(1, Some("smallest and largest node")), (0, None)] {
        let x: Vec<f64> = rows.iter().map(|row| row.density.range[k]).collect();
        let place = |row: &WaterfallRow| look.time.of_step(row.step as f64, steps_per_epoch);
        let y: Vec<f64> = rows.iter().map(place).collect();
        axes.layers.push(
            Line {
                name: name.map(str::to_owned),
                ..Line::new(x, y).style(LineStyle::solid(Ink::Series(1)).width(0.8))
            }
            .into(),
        );
    }
    axes.noted(note(rows, extent))
}

/// Middles of columns fine enough for the kernel, and the kernel's width, which
/// grows where that would take too many.
fn cells(low: f64, high: f64, sigma: f64) -> (UniformGrid, f64) {
    let span = (high - low).max(f64::MIN_POSITIVE);
    let points =
        ((2.5 * span / sigma.max(span / MOST as f64)).ceil() as usize).clamp(COLUMNS, MOST);
    let spacing = span / points as f64;
    let grid = UniformGrid {
        start: low + 0.5 * spacing,
        spacing,
        points,
    };
    (grid, sigma.max(2.0 * spacing))
}

fn edges_of(grid: &UniformGrid) -> Vec<f64> {
    (0..=grid.points)
        .map(|i| grid.start + grid.spacing * (i as f64 - 0.5))
        .collect()
}

fn logarithmic(
    look: &WaterfallLook,
    rows: &[WaterfallRow],
    extent: &Extent,
    sign: f64,
    steps_per_epoch: u64,
) -> Axes {
    // Both pictures have the same axis and colours.
    let top = extent.high.abs().max(extent.low.abs());
    let (low, high) = ((RANGE * top).log10(), (1.5 * top).log10());
    let (grid, sigma) = cells(low, high, 0.08 * look.density.bandwidth);
    let densities = |sign: f64| -> Vec<Vec<f64>> {
        let of = |row: &WaterfallRow| row.density.on_log_grid(&grid, sigma, sign);
        rows.iter().map(of).collect()
    };
    let all = [densities(1.0), densities(-1.0)];
    let highest = all.iter().flatten().flatten().copied().fold(0.0, f64::max);
    let [positive, negative] = all;
    let (values, label) = if sign > 0.0 {
        (positive, "λ > 0")
    } else {
        (negative, "λ < 0")
    };
    let mut axes = Axes::new(Axis::log("|λ|"), time_axis(look)).titled(label);
    let x_edges: Vec<f64> = edges_of(&grid).iter().map(|v| 10f64.powf(*v)).collect();
    axes.x.limits = Some((x_edges[0], x_edges[grid.points]));
    let y_edges = edges(look, rows, steps_per_epoch);
    picture(
        &mut axes,
        x_edges,
        y_edges,
        values.concat(),
        highest,
        "density per decade",
    );
    axes.noted(note(rows, extent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curvature::{ProbeRule, SpectralDensity};
    use crate::engine::curvature::Matrix;
    use crate::figure::Layer;

    fn row(step: u64, top: f64) -> WaterfallRow {
        WaterfallRow {
            step,
            density: SpectralDensity {
                dimension: 10,
                steps: 20,
                rules: vec![ProbeRule {
                    nodes: vec![-0.1, 0.01, top],
                    weights: vec![0.1, 0.8, 0.1],
                }],
                exact: Vec::new(),
                range: [-0.1, top],
            },
        }
    }

    fn map(axes: &Axes) -> &Heatmap {
        axes.layers
            .iter()
            .find_map(|layer| match layer {
                Layer::Heatmap(map) => Some(map),
                _ => None,
            })
            .unwrap()
    }

    #[test]
    fn every_row_is_the_density_of_its_step() {
        let found = Waterfall {
            matrix: Matrix::Hessian,
            rows: vec![row(0, 2.0), row(10, 4.0), row(30, 8.0)],
            planned: 3,
        };
        let figure = figure(&WaterfallLook::default(), Some(&found), 5);
        let axes = figure.axes().next().unwrap();
        let map = map(axes);
        assert_eq!(&map.y_edges[..], [0.0, 5.0, 20.0, 30.0]);
        let widest = found.rows[2].density.sigma(Bandwidth::default());
        for (j, row) in found.rows.iter().enumerate() {
            // The row's integral is one, and the column under its largest node
            // has that node's kernel.
            let width = map.x_edges[1] - map.x_edges[0];
            let integral: f64 = (0..map.columns()).map(|i| map.value(i, j) * width).sum();
            assert!((integral - 1.0).abs() < 1e-3, "{integral}");
            let top = row.density.range[1];
            let expected = 0.1 / (widest * (2.0 * std::f64::consts::PI).sqrt());
            let step = row.step as f64;
            let value = map.value_at(top, step).unwrap();
            assert!((value / expected - 1.0).abs() < 0.1, "{value} {expected}");
        }
        assert_eq!(axes.color_bar.as_ref().unwrap().label, "density");
    }

    #[test]
    fn a_logarithmic_axis_has_a_picture_for_each_sign() {
        let found = Waterfall {
            rows: vec![row(0, 2.0), row(10, 4.0)],
            planned: 40,
            ..Waterfall::default()
        };
        let look = WaterfallLook {
            density: DensityLook {
                log: true,
                ..DensityLook::default()
            },
            time: Time::Epoch,
        };
        let figure = figure(&look, Some(&found), 5);
        assert_eq!(figure.axes().count(), 2);
        let scales: Vec<ColorScale> = figure
            .axes()
            .map(|axes| axes.color_bar.as_ref().unwrap().scale)
            .collect();
        assert_eq!(scales[0], scales[1]);
        assert_eq!(
            map(figure.axes().next().unwrap()).y_edges.last(),
            Some(&2.0)
        );
        let nothing = super::figure(&look, None, 5);
        assert!(nothing.axes().all(|axes| axes.layers.is_empty()));
    }
}
