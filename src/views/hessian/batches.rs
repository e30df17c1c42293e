//! The extremes of mini-batch Hessians against the size of the batch.

use crate::engine::curvature::{BatchEnds, BatchExtremes, Spread};
use crate::figure::ticks::format_number;
use crate::figure::{
    Axes, Axis, Band, Dash, Figure, Ink, Line, LineStyle, Marker, Rule, Scatter, ScatterColors,
    Ticks,
};
use crate::views::table::{Cell, Table};

/// Sizes beyond which only every second is labelled.
const LABELS: usize = 8;

/// The figure: λ₁ and λ_min over the batches of each size, their mean and
/// standard deviation; `own` is the batch size that the run trains with.
pub fn figure(sizes: &[BatchExtremes], log: bool, own: Option<usize>) -> Figure {
    let every = if sizes.len() > LABELS { 2 } else { 1 };
    let ticks: Vec<(f64, String)> = sizes
        .iter()
        .enumerate()
        // The full batch and every power, or every second.
        .filter(|(k, _)| (sizes.len() - 1 - k).is_multiple_of(every))
        .map(|(_, size)| (size.size as f64, size.size.to_string()))
        .collect();
    let mut x = Axis::log("batch size B").unit("samples");
    if let (Some(first), Some(last)) = (sizes.first(), sizes.last()) {
        x = x
            .ticks(Ticks::Named(ticks))
            .limits(0.8 * first.size as f64, 1.25 * last.size as f64);
    }
    let y = if log {
        Axis::log("|eigenvalue|")
    } else {
        Axis::new("eigenvalue λ")
    };
    let mut axes = Axes::new(x, y);
    let mut add = |k: usize,
                   name: &str,
                   spread: &dyn Fn(&BatchExtremes) -> Spread,
                   of: fn(&BatchEnds) -> f64,
                   marker| {
        let sign = if log && k == 1 { -1.0 } else { 1.0 };
        let at: Vec<f64> = sizes.iter().map(|size| size.size as f64).collect();
        let line = |shift: f64| -> Vec<f64> {
            let spreads = sizes.iter().map(spread);
            spreads
                .map(|s| {
                    let deviation = if s.deviation.is_finite() {
                        s.deviation
                    } else {
                        0.0
                    };
                    let value = sign * s.mean + shift * deviation;
                    if log {
                        value.max(1e-3 * sign * s.mean)
                    } else {
                        value
                    }
                })
                .collect()
        };
        axes.layers.push(
            Band {
                x: at.clone().into(),
                lower: line(-1.0).into(),
                upper: line(1.0).into(),
                ink: Ink::Series(k),
                name: None,
            }
            .into(),
        );
        let (points_x, points_y): (Vec<f64>, Vec<f64>) = sizes
            .iter()
            .flat_map(|size| {
                size.batches
                    .iter()
                    .map(|b| (size.size as f64, sign * of(b)))
            })
            .unzip();
        axes.layers.push(
            Scatter {
                colors: ScatterColors::Uniform(Ink::Series(k)),
                marker: Marker::Ring,
                size: 0.6,
                ..Scatter::new(points_x, points_y)
            }
            .into(),
        );
        axes.layers.push(
            Line::new(at, line(0.0))
                .style(LineStyle::solid(Ink::Series(k)))
                .marked(marker)
                .named(name)
                .into(),
        );
    };
    add(
        0,
        "λ₁: mean ± s.d.",
        &|size| size.largest,
        |b| b.largest.value,
        Marker::Circle,
    );
    let name = if log {
        "−λₘᵢₙ: mean ± s.d."
    } else {
        "λₘᵢₙ: mean ± s.d."
    };
    add(
        1,
        name,
        &|size| size.smallest,
        |b| b.smallest.value,
        Marker::Square,
    );
    let within = |own: &usize| sizes.first().is_some_and(|first| first.size <= *own);
    if let Some(own) = own.filter(within) {
        axes.layers.push(
            Rule {
                style: LineStyle::solid(Ink::Muted).dashed(Dash::Dotted).width(0.8),
                in_limits: false,
                ..Rule::vertical(own as f64)
            }
            .labelled("this run")
            .into(),
        );
    }
    if !log && !sizes.is_empty() {
        let rule = LineStyle::solid(Ink::Muted).width(0.6);
        axes.layers.push(Rule::horizontal(0.0).style(rule).into());
    }
    if let (Some(first), Some(last)) = (sizes.first(), sizes.last()) {
        axes.note = Some(format!(
            "2/λ₁ = {} with all {} samples, {} with {}",
            format_number(2.0 / last.largest.mean, 3),
            last.size,
            format_number(2.0 / first.largest.mean, 3),
            if first.size == 1 {
                "one".to_owned()
            } else {
                first.size.to_string()
            },
        ));
    }
    let description = match (sizes.first(), sizes.last()) {
        (Some(first), Some(last)) => format!(
            "The largest eigenvalue of a batch's Hessian is {} on average for batches of {} and {} \
             for the whole set of {}.",
            format_number(first.largest.mean, 3),
            first.size,
            format_number(last.largest.mean, 3),
            last.size
        ),
        _ => "No batch has been measured yet.".to_owned(),
    };
    Figure::single(axes)
        .titled("Curvature by batch size")
        .described(description)
}

/// Every mean and standard deviation.
pub fn table(sizes: &[BatchExtremes]) -> Table {
    let rows = sizes
        .iter()
        .map(|size| {
            [
                size.size as f64,
                size.batches.len() as f64,
                size.largest.mean,
                size.largest.deviation,
                size.smallest.mean,
                size.smallest.deviation,
            ]
            .map(Cell::Number)
            .to_vec()
        })
        .collect();
    Table {
        title: "Curvature by batch size".to_owned(),
        columns: ["B", "batches", "λ₁", "s.d.", "λₘᵢₙ", "s.d."]
            .map(str::to_owned)
            .to_vec(),
        rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curvature::EigenvalueEstimate;
    use crate::figure::{Layer, Scale};

    fn size(size: usize, largest: f64) -> BatchExtremes {
        let estimate = |value: f64| EigenvalueEstimate {
            value,
            residual: 0.0,
            converged: true,
        };
        let ends = |value: f64| BatchEnds {
            largest: estimate(value),
            smallest: estimate(-0.2 * value),
        };
        BatchExtremes {
            size,
            largest: Spread {
                mean: largest,
                deviation: 0.5,
            },
            smallest: Spread {
                mean: -0.2 * largest,
                deviation: f64::NAN,
            },
            batches: vec![ends(largest - 0.5), ends(largest + 0.5)],
        }
    }

    #[test]
    fn both_ends_with_their_spread() {
        let sizes = [size(1, 9.0), size(2, 6.0), size(4, 5.0), size(6, 4.0)];
        let figure = figure(&sizes, false, Some(4));
        let axes = figure.axes().next().unwrap();
        let Layer::Band(band) = &axes.layers[0] else {
            panic!("no band");
        };
        assert_eq!((band.lower[0], band.upper[0]), (8.5, 9.5));
        assert!(
            axes.note
                .as_deref()
                .unwrap()
                .contains("2/λ₁ = 0.5 with all 6")
        );
        assert!(
            axes.layers
                .iter()
                .any(|layer| matches!(layer, Layer::Rule(r) if r.at == 4.0))
        );
        let logarithmic = super::figure(&sizes, true, None);
        let axes = logarithmic.axes().next().unwrap();
        assert_eq!(axes.y.scale, Scale::Log10);
        let Layer::Scatter(points) = &axes.layers[4] else {
            panic!("no points");
        };
        assert!(points.y.iter().all(|y| *y > 0.0));
        assert_eq!(table(&sizes).rows.len(), 4);
        assert!(
            super::figure(&[], false, None)
                .description
                .contains("No batch")
        );
    }
}
