//! Random planes of several seeds, side by side.

use super::quantity::{color_scale, label};
use super::{LandscapeSettings, SliceInfo, ends};
use crate::figure::{Axes, Axis, ColorBar, Content, Figure, Frame, Heatmap, Panel, Row};
use crate::landscape::Slice2d;

/// Planes in a row.
const COLUMNS: usize = 6;
/// How much wider the last plane of a row is, which has the colour bar.
const WITH_BAR: f64 = 1.3;

/// Random planes of these seeds in rows of six, all with the same colours. One
/// that is not there yet keeps its place. Without planes the figure is empty.
pub fn rerolls(
    settings: &LandscapeSettings,
    slices: &[(u64, Option<&Slice2d>)],
    info: &SliceInfo<'_>,
) -> Figure {
    let known = || slices.iter().filter_map(|(_, slice)| *slice);
    let all: Vec<f64> = known()
        .flat_map(|slice| slice.loss.iter().copied())
        .collect();
    let color = color_scale(settings, info.quantity, &all);
    let limits = known().next().map_or([(-1.0, 1.0); 2], |slice| {
        [ends(&slice.alpha), ends(&slice.beta)]
    });
    let axes = |k: usize, seed: u64, slice: Option<&Slice2d>| {
        let mut axes = Axes::new(
            Axis::new("α").unit(info.unit),
            Axis::new("β").unit(info.unit),
        )
        .titled(format!("seed {seed}"))
        .equal_aspect();
        axes.frame = Frame::Bare;
        [axes.x.limits, axes.y.limits] = limits.map(Some);
        if let Some(slice) = slice {
            // So small that cells need no smoothing.
            let map = Heatmap::sampled(&slice.alpha, &slice.beta, slice.loss.as_slice(), color);
            axes.layers.push(map.into());
        }
        if k % COLUMNS == COLUMNS - 1 {
            axes.color_bar = Some(ColorBar::new(color, label(info)).over(&all));
        }
        axes
    };
    let rows = slices
        .chunks(COLUMNS)
        .enumerate()
        .map(|(row, slices)| Row {
            height: 1.0,
            panels: slices
                .iter()
                .enumerate()
                .map(|(column, (seed, slice))| {
                    let k = row * COLUMNS + column;
                    Panel {
                        width: if column == COLUMNS - 1 { WITH_BAR } else { 1.0 },
                        content: Content::Axes(axes(k, *seed, *slice)),
                    }
                })
                .collect(),
        })
        .collect();
    Figure {
        rows,
        ..Figure::default()
    }
    .titled("Random planes")
    .described(format!(
        "The {} on {} random planes through the parameters of step {}, with common colours.",
        label(info),
        known().count(),
        info.step
    ))
}
