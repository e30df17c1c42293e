//! Random planes of several seeds, side by side.

use super::quantity::{color_scale, label};
use super::{LandscapeSettings, SliceInfo, ends};
use crate::figure::{
    Axes, Axis, ColorBar, Content, Figure, Frame, Heatmap, Interpolation, Panel, Row,
};
use crate::landscape::Slice2d;

/// Planes in a row.
const COLUMNS: usize = 4;
/// How much wider the last plane of a row is, which has the colour bar.
const WITH_BAR: f64 = 1.3;

/// Random planes of these seeds in rows of four, all with the same colours.
/// Without planes the figure is empty.
pub fn rerolls(
    settings: &LandscapeSettings,
    slices: &[(u64, &Slice2d)],
    info: &SliceInfo<'_>,
) -> Figure {
    let all: Vec<f64> = slices
        .iter()
        .flat_map(|(_, slice)| slice.loss.iter().copied())
        .collect();
    let color = color_scale(settings, info.quantity, &all);
    let axes = |k: usize, seed: u64, slice: &Slice2d| {
        let mut axes = Axes::new(
            Axis::new("α").unit(info.unit),
            Axis::new("β").unit(info.unit),
        )
        .titled(format!("seed {seed}"))
        .equal_aspect();
        axes.frame = Frame::Bare;
        axes.x.limits = Some(ends(&slice.alpha));
        axes.y.limits = Some(ends(&slice.beta));
        let map = Heatmap::sampled(&slice.alpha, &slice.beta, slice.loss.as_slice(), color);
        let map = Heatmap {
            interpolation: if settings.smooth {
                Interpolation::Bilinear
            } else {
                Interpolation::Nearest
            },
            ..map
        };
        axes.layers.push(map.into());
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
                        content: Content::Axes(axes(k, *seed, slice)),
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
        slices.len(),
        info.step
    ))
}
