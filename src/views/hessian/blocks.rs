//! The Hessian cut into layers or tensors: what couples the blocks, and the
//! curvature within each.

use super::{Points, named_rows, point_layers};
use crate::engine::curvature::LayersResult;
use crate::figure::ticks::format_number;
use crate::figure::{
    Anchor, Axes, Axis, ColorBar, ColorScale, Colormap, Content, Figure, Heatmap, Ink, Marker,
    Normalization, Panel, Row, Scale, Text, Ticks,
};
use crate::views::percent;
use crate::views::table::{Cell, Table};

/// Blocks up to which their norms are written into the cells.
const WRITTEN: usize = 6;

/// The figure: the coupling as a heat map, and beside it (or below, where
/// `stacked` is set) each block's numbers.
pub fn figure(found: Option<&LayersResult>, stacked: bool) -> Figure {
    let contents: [Content; 2] = match found {
        Some(found) => [coupling(found).into(), numbers(found).into()],
        None => [
            Axes::new(Axis::new("block"), Axis::new("block")).into(),
            Axes::new(Axis::log("curvature"), Axis::new("block")).into(),
        ],
    };
    let panel = |content| Panel {
        width: 1.0,
        content,
    };
    let rows = if stacked {
        contents
            .into_iter()
            .map(|content| Row {
                height: 1.0,
                panels: vec![panel(content)],
            })
            .collect()
    } else {
        vec![Row {
            height: 1.0,
            panels: contents.into_iter().map(panel).collect(),
        }]
    };
    Figure {
        title: Some("Blocks of the Hessian".to_owned()),
        rows,
        description: found.map_or_else(
            || "No block has been measured yet.".to_owned(),
            |found| {
                format!(
                    "The matrix {} cut into {} blocks; {} of its squared Frobenius norm lies \
                     outside the diagonal blocks.",
                    found.matrix.symbol(),
                    found.names.len(),
                    percent(found.structure.off_diagonal_share())
                )
            },
        ),
        ..Figure::default()
    }
}

/// `0.weight` as `0 W`, `0.bias` as `0 b`: there is little room.
fn short(name: &str) -> String {
    match name.split_once('.') {
        Some((layer, "weight")) => format!("{layer} W"),
        Some((layer, "bias")) => format!("{layer} b"),
        _ => name.to_owned(),
    }
}

fn coupling(found: &LayersResult) -> Axes {
    let n = found.names.len();
    let names: Vec<String> = found.names.iter().map(|name| short(name)).collect();
    let ticks = names.iter().cloned().enumerate();
    let columns = ticks.map(|(k, name)| (k as f64, name)).collect();
    let label = if found.names.iter().any(|name| name.contains('.')) {
        "tensor"
    } else {
        "layer"
    };
    let x = Axis::new(label)
        .ticks(Ticks::Named(columns))
        .limits(-0.5, n as f64 - 0.5);
    let mut y = named_rows(label, &names);
    y.limits = Some((-0.5, n as f64 - 0.5));
    let mut axes = Axes::new(x, y).titled("Coupling").equal_aspect();
    let coupling = &found.structure.coupling;
    // The first block at the top, as in a matrix.
    let values: Vec<f64> = (0..n)
        .rev()
        .flat_map(|a| (0..n).map(move |b| coupling[a][b].value))
        .collect();
    let positive: Vec<f64> = values.iter().copied().filter(|v| *v > 0.0).collect();
    let mut normalization = Normalization::spanning(Scale::Log10, &positive);
    let (low, high) = normalization.limits;
    // A decade at least: what differs little should look alike.
    normalization.limits.0 = low.max(1e-6 * high).min(0.1 * high);
    let scale = ColorScale::new(Colormap::Viridis, normalization);
    axes.layers
        .push(Heatmap::of_cells(n, n, values.clone(), scale).into());
    if n <= WRITTEN {
        for (place, value) in values.iter().enumerate() {
            axes.layers.push(
                Text {
                    x: (place % n) as f64,
                    y: (place / n) as f64,
                    text: format_number(*value, 2),
                    anchor: Anchor::Center,
                    ink: Ink::Foreground,
                }
                .into(),
            );
        }
    }
    axes.color_bar = Some(ColorBar::new(scale, "Frobenius norm of the block").over(&values));
    axes.noted(format!(
        "{} of the sum of the squares of {} lies outside the diagonal",
        percent(found.structure.off_diagonal_share()),
        found.matrix.symbol()
    ))
}

fn numbers(found: &LayersResult) -> Axes {
    let names: Vec<String> = found.names.iter().map(|name| short(name)).collect();
    let blocks = &found.structure.blocks;
    let coupling = &found.structure.coupling;
    let mut axes = Axes::new(Axis::log("curvature of the block"), named_rows("", &names))
        .titled("Within each block");
    let reversed = |values: Vec<f64>| -> Vec<f64> { values.into_iter().rev().collect() };
    let ends = |top: bool| -> (Vec<f64>, Vec<f64>) {
        let ends = blocks.iter().map(|block| {
            let list = if top {
                &block.eigenvalues
            } else {
                &block.smallest
            };
            list.first().map_or((f64::NAN, f64::NAN), |e| {
                let value = if top { e.value } else { -e.value };
                (value, e.residual)
            })
        });
        ends.unzip()
    };
    let (largest, largest_errors) = ends(true);
    let (smallest, smallest_errors) = ends(false);
    let estimates = |of: &dyn Fn(usize) -> (f64, f64)| -> (Vec<f64>, Vec<f64>) {
        (0..blocks.len()).map(of).unzip()
    };
    let (traces, trace_errors) = estimates(&|k| (blocks[k].trace.value, blocks[k].trace.stderr));
    let (norms, norm_errors) = estimates(&|k| (coupling[k][k].value, coupling[k][k].stderr));
    let series = [
        ("trace", traces, trace_errors, Marker::Triangle),
        ("Frobenius norm", norms, norm_errors, Marker::Diamond),
        ("λ₁", largest, largest_errors, Marker::Circle),
        ("−λₘᵢₙ", smallest, smallest_errors, Marker::Square),
    ];
    let count = series.len() as f64;
    for (k, (name, values, errors, marker)) in series.into_iter().enumerate() {
        // Rounding leaves a semidefinite block a smallest eigenvalue of either
        // sign: nothing to show on a logarithmic axis.
        let largest = values.iter().copied().fold(0.0, f64::max);
        let shown = |value: f64| {
            if value > 1e-12 * largest {
                value
            } else {
                f64::NAN
            }
        };
        let values: Vec<f64> = values.into_iter().map(shown).collect();
        if values.iter().all(|value| value.is_nan()) {
            continue;
        }
        axes.layers.extend(point_layers(&Points {
            name,
            values: reversed(values),
            errors: reversed(errors),
            series: k,
            marker,
            offset: 0.12 * (0.5 * (count - 1.0) - k as f64),
        }));
    }
    axes.noted("bars: residual or standard error; what is not positive is not shown")
}

/// Every number with its error.
pub fn table(found: &LayersResult) -> Table {
    let number = |value: f64| Cell::Number(value);
    let rows = found
        .names
        .iter()
        .zip(&found.structure.blocks)
        .enumerate()
        .map(|(k, (name, block))| {
            let norm = found.structure.coupling[k][k];
            let end = |list: &[crate::curvature::EigenvalueEstimate]| {
                list.first()
                    .map_or([f64::NAN; 2], |e| [e.value, e.residual])
            };
            let [largest, largest_residual] = end(&block.eigenvalues);
            let [smallest, smallest_residual] = end(&block.smallest);
            vec![
                Cell::Text(name.clone()),
                number(block.range.len() as f64),
                number(largest),
                number(largest_residual),
                number(smallest),
                number(smallest_residual),
                number(block.trace.value),
                number(block.trace.stderr),
                number(norm.value),
                number(norm.stderr),
            ]
        })
        .collect();
    Table {
        title: "Blocks of the Hessian".to_owned(),
        columns: [
            "block",
            "parameters",
            "λ₁",
            "±",
            "λₘᵢₙ",
            "±",
            "trace",
            "±",
            "‖·‖_F",
            "±",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curvature::{BlockOptions, block_structure};
    use crate::engine::curvature::{Cut, Matrix};
    use crate::figure::Layer;
    use crate::math::golden::random_symmetric;
    use crate::math::rng::stream;

    #[test]
    fn the_first_block_stands_at_the_top_of_both_panels() {
        let a = random_symmetric(30, 2);
        let options = BlockOptions::default();
        let random = &mut stream(0, "p");
        let structure = block_structure(&a, &[0..4, 4..20, 20..30], &options, random, &()).unwrap();
        let found = LayersResult {
            matrix: Matrix::Hessian,
            cut: Cut::Layers,
            names: ["0", "2", "4"].map(str::to_owned).to_vec(),
            structure,
        };
        for stacked in [false, true] {
            let figure = figure(Some(&found), stacked);
            assert_eq!(figure.rows.len(), if stacked { 2 } else { 1 });
            let first = figure.axes().next().unwrap();
            let Layer::Heatmap(map) = &first.layers[0] else {
                panic!("no heat map");
            };
            let coupling = &found.structure.coupling;
            // Column 0, uppermost row.
            assert_eq!(map.value(0, 2), coupling[0][0].value);
            assert_eq!(map.value(2, 2), coupling[0][2].value);
            let Ticks::Named(ticks) = &first.y.ticks else {
                panic!("no names");
            };
            assert_eq!(ticks[0], (2.0, "0".to_owned()));
            let second = figure.axes().nth(1).unwrap();
            let Some(Layer::Scatter(trace)) = second.layers.get(1) else {
                panic!("no points");
            };
            let expected = found.structure.blocks[0].trace.value;
            let expected = if expected > 0.0 { expected } else { f64::NAN };
            assert!(trace.x[2] == expected || expected.is_nan());
            assert!((trace.y[2] - 2.0).abs() < 0.5);
        }
        let table = table(&found);
        assert_eq!(
            (table.rows.len(), table.rows[0].len()),
            (3, table.columns.len())
        );
        assert!(
            super::figure(None, true)
                .axes()
                .all(|axes| axes.layers.is_empty())
        );
    }

    #[test]
    fn names_are_short() {
        assert_eq!(short("0.weight"), "0 W");
        assert_eq!(short("10.bias"), "10 b");
        assert_eq!(short("2"), "2");
    }
}
