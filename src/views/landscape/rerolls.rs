//! Random planes of several seeds, side by side.

use super::quantity::{color_scale, label};
use super::{LandscapeSettings, SliceInfo, ends};
use crate::figure::{Axes, Axis, ColorBar, Content, Figure, Frame, Heatmap, Panel, Row};
use crate::landscape::Slice2d;

/// Planes in a row.
const COLUMNS: usize = 6;
/// The width of the colour bar's own panel at the end of a row, in planes.
const BAR: f64 = 0.85;

/// Which plane a panel of the figure shows; nothing for the colour bar's.
pub fn reroll_of(panel: usize) -> Option<usize> {
    let (row, column) = (panel / (COLUMNS + 1), panel % (COLUMNS + 1));
    (column < COLUMNS).then_some(row * COLUMNS + column)
}

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
    let axes = |seed: u64, slice: Option<&Slice2d>| {
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
        axes
    };
    // The first row's bar is for all; the other rows keep its place.
    let bar = |row: usize| {
        let mut axes = Axes::new(Axis::new(""), Axis::new(""));
        axes.frame = Frame::Bare;
        if row == 0 {
            axes.color_bar = Some(ColorBar::new(color, label(info)).over(&all));
        }
        axes
    };
    let panel = |width: f64, axes: Axes| Panel {
        width,
        content: Content::Axes(axes),
    };
    let rows = slices
        .chunks(COLUMNS)
        .enumerate()
        .map(|(row, slices)| Row {
            height: 1.0,
            panels: slices
                .iter()
                .map(|(seed, slice)| panel(1.0, axes(*seed, *slice)))
                .chain(std::iter::once(panel(BAR, bar(row))))
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
