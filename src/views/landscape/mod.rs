//! Slices of the loss landscape: a heat map with contours and the path of
//! training, or curves along a line.

mod overlays;
mod quantity;
mod rerolls;
mod section;

use serde::{Deserialize, Serialize};

use super::{Colors, Split, percent};
use crate::figure::{
    Axes, Axis, Band, ColorBar, Contours, Figure, Heatmap, Ink, Interpolation, Line, Marker, Rule,
    Scale, Scatter, ScatterColors, contour, ticks::format_number,
};
use crate::landscape::{
    AnchorPoint, GhostPath, LossErrors, PathPoint, PathShare, Slice1d, Slice2d, SliceQuantity,
};
use overlays::{add_basins, add_ghosts, add_path};
use quantity::{color_scale, label, line_label};

pub(super) use quantity::loss_colors;

pub use rerolls::{reroll_of, rerolls};
pub use section::{SectionOnPlane, add_section};

/// A plane, flat or in space, or a line.
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
pub enum SliceKind {
    /// The loss on a plane.
    #[default]
    #[strum(serialize = "2-D")]
    Plane,
    /// The loss on a plane as a surface, where the canvas can draw one.
    #[strum(serialize = "3-D")]
    Surface,
    /// The loss along a line.
    #[strum(serialize = "1-D")]
    Line,
}

/// What a person can change about how a slice looks. What it is computed from
/// is in the recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LandscapeSettings {
    /// A plane, flat or in space, or a line.
    pub kind: SliceKind,
    /// Whether colours (or the vertical axis of a line) follow the logarithm,
    /// where all losses are positive.
    pub log: bool,
    /// The colours.
    pub colors: Colors,
    /// Whether colours are interpolated between samples.
    pub smooth: bool,
    /// About how many contour lines; none for 0.
    pub contours: usize,
    /// Whether contours carry their values.
    pub labels: bool,
    /// Whether the path of training is drawn.
    pub path: bool,
    /// Whether minima of the grid and the saddles between them are marked.
    pub basins: bool,
}

impl Default for LandscapeSettings {
    fn default() -> Self {
        Self {
            kind: SliceKind::Plane,
            log: true,
            colors: Colors::Viridis,
            smooth: true,
            contours: 10,
            labels: true,
            path: true,
            basins: false,
        }
    }
}

/// What is said about a slice beside its numbers.
#[derive(Clone, Copy, Debug)]
pub struct SliceInfo<'a> {
    /// The step of the parameters in the middle.
    pub step: u64,
    /// Where the directions come from, such as `seed 0`.
    pub directions: &'a str,
    /// What the displacements are measured in, such as `filter norms`.
    pub unit: &'a str,
    /// The samples that the values are measured on.
    pub split: Split,
    /// What is shown.
    pub quantity: &'a SliceQuantity,
    /// The name of the class whose loss is shown.
    pub class: Option<&'a str>,
    /// What each direction means, where it means something: `v₁`.
    pub symbols: [Option<&'a str>; 2],
    /// How many of how many samples it was measured on, where not on all.
    pub excerpt: Option<(usize, usize)>,
    /// The share of the picture's points that are known, where it is still being
    /// refined.
    pub known: Option<f64>,
}

impl<'a> SliceInfo<'a> {
    /// About the loss on all samples along directions without a meaning.
    pub fn new(step: u64, directions: &'a str, unit: &'a str, split: Split) -> Self {
        static LOSS: SliceQuantity = SliceQuantity::Loss;
        Self {
            step,
            directions,
            unit,
            split,
            quantity: &LOSS,
            class: None,
            symbols: [None; 2],
            excerpt: None,
            known: None,
        }
    }

    /// The axis of a direction: `α`, or `α · v₁`.
    fn axis(&self, letter: &str, direction: usize) -> Axis {
        let label = match self.symbols[direction] {
            Some(symbol) => format!("{letter} · {symbol}"),
            None => letter.to_owned(),
        };
        Axis::new(label).unit(self.unit)
    }
}

/// The path of training on a plane.
#[derive(Clone, Copy, Debug, Default)]
pub struct PathOnPlane<'a> {
    /// Its points, by rising step.
    pub points: &'a [PathPoint],
    /// How much of it lies outside the plane.
    pub share: Option<&'a PathShare>,
    /// How wrong the plane's values are under it.
    pub errors: Option<&'a LossErrors>,
    /// The paths of other runs.
    pub ghosts: &'a [GhostPath],
    /// Other parameters that the plane passes through.
    pub anchors: &'a [AnchorPoint],
}

/// The unit of displacements along directions of this normalization, by its key
/// in a recipe.
pub fn displacement_unit(normalization: &str) -> &'static str {
    match normalization {
        "filter" => "filter norms",
        "layer" => "layer norms",
        "elementwise" => "|θ|",
        _ => "‖d‖",
    }
}

/// The loss on a plane, with the path of training. Without a slice the axes are
/// empty.
pub fn plane(
    settings: &LandscapeSettings,
    slice: Option<&Slice2d>,
    path: PathOnPlane<'_>,
    info: &SliceInfo<'_>,
) -> Figure {
    let mut axes = Axes::new(info.axis("α", 0), info.axis("β", 1)).equal_aspect();
    let Some(slice) = slice.filter(|slice| slice.alpha.len() > 1 && slice.beta.len() > 1) else {
        axes.x.limits = Some((-1.0, 1.0));
        axes.y.limits = Some((-1.0, 1.0));
        return Figure::single(axes)
            .titled("Landscape")
            .described("No slice yet.");
    };
    let color = color_scale(settings, info.quantity, &slice.loss);
    let map = Heatmap::sampled(&slice.alpha, &slice.beta, slice.loss.as_slice(), color);
    // Cells at the edge reach half a cell beyond the grid, the frame does not.
    let (alpha, beta) = (ends(&slice.alpha), ends(&slice.beta));
    axes.x.limits = Some(alpha);
    axes.y.limits = Some(beta);
    axes.layers.push(
        Heatmap {
            interpolation: if settings.smooth {
                Interpolation::Bilinear
            } else {
                Interpolation::Nearest
            },
            ..map
        }
        .into(),
    );
    if settings.contours > 0 {
        let normalization = color.normalization;
        let levels =
            contour::contour_levels(normalization.scale, normalization.limits, settings.contours);
        axes.layers.push(
            Contours {
                levels: contour::contour_lines(&slice.alpha, &slice.beta, &slice.loss, &levels),
                width: 0.6,
                over: Some(color),
                labelled: settings.labels,
            }
            .into(),
        );
    }
    let basins = settings.basins.then(|| add_basins(&mut axes, slice));
    if settings.path {
        add_ghosts(&mut axes, path.ghosts);
        add_path(&mut axes, path, info.step);
    }
    add_anchors(&mut axes, path.anchors);
    axes.color_bar = Some(ColorBar::new(color, label(info)).over(&slice.loss));
    axes.note = Some(plane_note(slice, path, basins, info));
    Figure::single(axes)
        .titled("Landscape")
        .described(describe_plane(slice, info))
}

fn ends(values: &[f64]) -> (f64, f64) {
    (
        values.first().copied().unwrap_or(-1.0),
        values.last().copied().unwrap_or(1.0),
    )
}

fn add_anchors(axes: &mut Axes, anchors: &[AnchorPoint]) {
    for anchor in anchors {
        let mark = Scatter {
            colors: ScatterColors::Uniform(Ink::Foreground),
            marker: Marker::Diamond,
            size: 1.6,
            edged: true,
            name: Some(anchor.name.clone()),
            ..Scatter::new(vec![anchor.alpha], vec![anchor.beta])
        };
        axes.layers.push(mark.into());
    }
}

fn plane_note(
    slice: &Slice2d,
    path: PathOnPlane<'_>,
    basins: Option<usize>,
    info: &SliceInfo<'_>,
) -> String {
    let mut parts = Vec::new();
    if let Some(errors) = path.errors {
        parts.push(format!("plane error {}", format_number(errors.largest, 2)));
    }
    if let Some(share) = path.share.filter(|share| share.length > 0.0) {
        parts.push(format!("{} of path outside", percent(share.length_outside)));
    }
    if let Some(basins) = basins {
        let plural = if basins == 1 { "basin" } else { "basins" };
        parts.push(format!("{basins} {plural}"));
    }
    let grid = format!("{}×{}", slice.alpha.len(), slice.beta.len());
    parts.push(match info.known {
        Some(share) => format!("{grid}, {} so far", percent(share)),
        None => grid,
    });
    parts.extend(excerpt_note(info));
    parts.push(info.directions.to_owned());
    parts.push(format!("step {}", format_number(info.step as f64, 9)));
    let bad = slice.non_finite();
    if bad > 0 {
        let points = if bad == 1 { "point" } else { "points" };
        parts.push(format!("{bad} {points} not finite"));
    }
    parts.join(" · ")
}

/// On how many samples it was measured, where not on all.
fn excerpt_note(info: &SliceInfo<'_>) -> Option<String> {
    let (samples, population) = info.excerpt?;
    (samples < population).then(|| format!("{samples} of {population} samples"))
}

fn describe_plane(slice: &Slice2d, info: &SliceInfo<'_>) -> String {
    let Some([low, high]) = slice.finite_range() else {
        return "No point of the slice has a finite value.".to_owned();
    };
    let centre = slice.centre_loss().map_or(String::new(), |loss| {
        format!(", {} in the middle", format_number(loss, 3))
    });
    format!(
        "The {} around the parameters of step {} lies between {} and {}{centre}.",
        label(info),
        info.step,
        format_number(low, 3),
        format_number(high, 3),
    )
}

/// Standard errors on either side of a mean that hold 95 % of a normal
/// distribution.
const CONFIDENCE: f64 = 1.96;

/// The values along the first direction, on the training and on the validation
/// set; measured on an excerpt of the samples, with their 95 % confidence bands.
pub fn line(
    settings: &LandscapeSettings,
    training: Option<&Slice1d>,
    validation: Option<&Slice1d>,
    info: &SliceInfo<'_>,
) -> Figure {
    let names = if *info.quantity == SliceQuantity::Gap {
        ["validation − train", "validation"]
    } else {
        ["train", "validation"]
    };
    let slices = [(names[0], training), (names[1], validation)];
    let values = || {
        let slices = slices.iter().filter_map(|(_, slice)| *slice);
        slices.flat_map(|slice| slice.loss.iter().copied())
    };
    let positive = values().all(|value| !value.is_finite() || value > 0.0);
    let log = settings.log && positive && info.quantity.suits_log();
    let scale = if log { Scale::Log10 } else { Scale::Linear };
    let mut axes = Axes::new(info.axis("α", 0), Axis::new(line_label(info)).scaled(scale));
    // A band may reach below what a logarithm can show.
    let floor = if log {
        0.1 * values()
            .filter(|v| v.is_finite())
            .fold(f64::INFINITY, f64::min)
    } else {
        f64::NEG_INFINITY
    };
    let mut points = 0;
    for (index, (name, slice)) in slices.into_iter().enumerate() {
        let Some(slice) = slice else { continue };
        points = points.max(slice.alpha.len());
        if let Some(stderr) = &slice.stderr {
            let edge = |sign: f64| -> Vec<f64> {
                let both = slice.loss.iter().zip(stderr);
                both.map(|(value, stderr)| (value + sign * CONFIDENCE * stderr).max(floor))
                    .collect()
            };
            axes.layers.push(
                Band {
                    x: slice.alpha.as_slice().into(),
                    lower: edge(-1.0).into(),
                    upper: edge(1.0).into(),
                    ink: Ink::Series(index),
                    name: Some(name.to_owned()),
                }
                .into(),
            );
        }
        axes.layers.push(
            Line::new(slice.alpha.as_slice(), slice.loss.as_slice())
                .series(index)
                .named(name)
                .into(),
        );
        let middle = slice.alpha.iter().position(|alpha| *alpha == 0.0);
        if let Some(&loss) = middle.and_then(|i| slice.loss.get(i)) {
            axes.layers.push(
                Scatter {
                    colors: ScatterColors::Uniform(Ink::Accent),
                    size: 1.6,
                    edged: true,
                    ..Scatter::new(vec![0.0], vec![loss])
                }
                .into(),
            );
        }
        axes.x.limits = Some(ends(&slice.alpha));
    }
    axes.layers.push(Rule::vertical(0.0).labelled("θ∗").into());
    if points > 0 {
        let mut parts = vec![format!("{points} points")];
        if let Some(excerpt) = excerpt_note(info) {
            parts.push(format!("{excerpt}, band: 95 %"));
        }
        parts.push(info.directions.to_owned());
        parts.push(format!("step {}", format_number(info.step as f64, 9)));
        axes.note = Some(parts.join(" · "));
    }
    let description = match training.or(validation).and_then(Slice1d::finite_range) {
        Some([low, high]) => format!(
            "The {} along a line through the parameters of step {} lies between {} and {}.",
            line_label(info),
            info.step,
            format_number(low, 3),
            format_number(high, 3)
        ),
        None => "No slice yet.".to_owned(),
    };
    Figure::single(axes)
        .titled("Landscape")
        .described(description)
}

#[cfg(test)]
mod tests;
