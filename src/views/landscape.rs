//! Slices of the loss landscape: a heat map with contours and the path of
//! training, or curves along a line.

use serde::{Deserialize, Serialize};

use super::{Colors, Split, percent};
use crate::figure::{
    Axes, Axis, ColorBar, ColorScale, Contours, Figure, Heatmap, Ink, Interpolation, Line,
    LineStyle, Marker, Normalization, Rule, Scale, Scatter, ScatterColors, contour,
    ticks::format_number,
};
use crate::landscape::{LossErrors, PathPoint, PathShare, Slice1d, Slice2d};

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
    /// The samples on which the loss is measured.
    pub split: Split,
}

/// The path of training on a plane.
#[derive(Clone, Copy, Debug, Default)]
pub struct PathOnPlane<'a> {
    /// Its points, by rising step.
    pub points: &'a [PathPoint],
    /// How much of it lies outside the plane.
    pub share: Option<&'a PathShare>,
    /// How wrong the plane's loss is under it.
    pub errors: Option<&'a LossErrors>,
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

/// A label of the loss on some samples.
fn loss_label(split: Split) -> String {
    format!("{split} loss")
}

/// The loss on a plane, with the path of training. Without a slice the axes are
/// empty.
pub fn plane(
    settings: &LandscapeSettings,
    slice: Option<&Slice2d>,
    path: PathOnPlane<'_>,
    info: &SliceInfo<'_>,
) -> Figure {
    let mut axes = Axes::new(
        Axis::new("α").unit(info.unit),
        Axis::new("β").unit(info.unit),
    )
    .equal_aspect();
    let Some(slice) = slice.filter(|slice| slice.alpha.len() > 1 && slice.beta.len() > 1) else {
        axes.x.limits = Some((-1.0, 1.0));
        axes.y.limits = Some((-1.0, 1.0));
        return Figure::single(axes)
            .titled("Landscape")
            .described("No slice yet.");
    };
    let color = color_scale(settings, &slice.loss);
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
    if settings.path {
        add_path(&mut axes, path.points, info.step);
    }
    axes.color_bar = Some(ColorBar::new(color, loss_label(info.split)).over(&slice.loss));
    axes.note = Some(plane_note(slice, path, info));
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

/// Logarithmic where wanted and possible; linear colours leave out the highest
/// values where a few of them would hide all others.
fn color_scale(settings: &LandscapeSettings, loss: &[f64]) -> ColorScale {
    let finite: Vec<f64> = loss.iter().copied().filter(|v| v.is_finite()).collect();
    let positive = !finite.is_empty() && finite.iter().all(|v| *v > 0.0);
    let map = settings.colors.map();
    if settings.log && positive {
        return ColorScale::new(map, Normalization::spanning(Scale::Log10, &finite));
    }
    let mut normalization = Normalization::spanning(Scale::Linear, &finite);
    let high = crate::math::statistics::quantile(&finite, 0.95);
    let middle = crate::math::statistics::median(&finite);
    let (low, highest) = normalization.limits;
    if high.is_finite() && highest - low > 10.0 * (high - low) && high > middle {
        normalization.limits = (low, high);
    }
    ColorScale::new(map, normalization)
}

/// The same for a function whose smallest value may be zero: the logarithm then
/// begins where all but a thousandth of the values lie, at most eight decades
/// under the largest.
pub(super) fn loss_colors(settings: &LandscapeSettings, loss: &[f64]) -> ColorScale {
    let finite = || loss.iter().copied().filter(|v| v.is_finite());
    let largest = finite().fold(0.0, f64::max);
    if settings.log && largest > 0.0 && finite().all(|v| v >= 0.0) {
        let floor = 1e-8 * largest;
        let shown: Vec<f64> = finite()
            .filter(|v| *v > 0.0)
            .map(|v| v.max(floor))
            .collect();
        let normalization = Normalization::spanning(Scale::Log10, &shown);
        return ColorScale::new(settings.colors.map(), normalization);
    }
    color_scale(settings, loss)
}

fn add_path(axes: &mut Axes, points: &[PathPoint], step: u64) {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return;
    };
    axes.layers.push(
        Line::new(
            points.iter().map(|p| p.alpha).collect::<Vec<f64>>(),
            points.iter().map(|p| p.beta).collect::<Vec<f64>>(),
        )
        .style(LineStyle::solid(Ink::Foreground).width(0.9).cased())
        .named("path of training")
        .into(),
    );
    let point = |at: &PathPoint, marker, size, ink, name: String| Scatter {
        colors: ScatterColors::Uniform(ink),
        marker,
        size,
        edged: true,
        name: Some(name),
        ..Scatter::new(vec![at.alpha], vec![at.beta])
    };
    if points.len() > 1 {
        let start = format!("step {}", format_number(first.step as f64, 9));
        axes.layers
            .push(point(first, Marker::Square, 1.2, Ink::Foreground, start).into());
    }
    let shown = points.iter().find(|p| p.step == step).unwrap_or(last);
    let now = format!("step {}", format_number(shown.step as f64, 9));
    axes.layers
        .push(point(shown, Marker::Circle, 1.9, Ink::Accent, now).into());
}

fn plane_note(slice: &Slice2d, path: PathOnPlane<'_>, info: &SliceInfo<'_>) -> String {
    let mut parts = Vec::new();
    if let Some(errors) = path.errors {
        parts.push(format!("plane error {}", format_number(errors.largest, 2)));
    }
    if let Some(share) = path.share.filter(|share| share.length > 0.0) {
        parts.push(format!("{} of path outside", percent(share.length_outside)));
    }
    parts.push(format!("{}×{}", slice.alpha.len(), slice.beta.len()));
    parts.push(info.directions.to_owned());
    parts.push(format!("step {}", format_number(info.step as f64, 9)));
    let bad = slice.non_finite();
    if bad > 0 {
        parts.push(format!("{bad} points not finite"));
    }
    parts.join(" · ")
}

fn describe_plane(slice: &Slice2d, info: &SliceInfo<'_>) -> String {
    let Some([low, high]) = slice.finite_range() else {
        return "No point of the slice has a finite loss.".to_owned();
    };
    let centre = slice.centre_loss().map_or(String::new(), |loss| {
        format!(", {} in the middle", format_number(loss, 3))
    });
    format!(
        "The {} loss around the parameters of step {} lies between {} and {}{centre}.",
        info.split,
        info.step,
        format_number(low, 3),
        format_number(high, 3),
    )
}

/// The loss along the first direction, on the training and on the validation
/// set.
pub fn line(
    settings: &LandscapeSettings,
    training: Option<&Slice1d>,
    validation: Option<&Slice1d>,
    info: &SliceInfo<'_>,
) -> Figure {
    let slices = [("train", training), ("validation", validation)];
    let positive = slices
        .iter()
        .filter_map(|(_, slice)| *slice)
        .flat_map(|slice| &slice.loss)
        .all(|loss| !loss.is_finite() || *loss > 0.0);
    let scale = if settings.log && positive {
        Scale::Log10
    } else {
        Scale::Linear
    };
    let mut axes = Axes::new(
        Axis::new("α").unit(info.unit),
        Axis::new("loss").scaled(scale),
    );
    let mut points = 0;
    for (index, (name, slice)) in slices.into_iter().enumerate() {
        let Some(slice) = slice else { continue };
        points = points.max(slice.alpha.len());
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
        axes.note = Some(format!(
            "{points} points · {} · step {}",
            info.directions,
            format_number(info.step as f64, 9)
        ));
    }
    let description = match training.or(validation).and_then(Slice1d::finite_range) {
        Some([low, high]) => format!(
            "The loss along a line through the parameters of step {} lies between {} and {}.",
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
mod tests {
    use super::*;
    use crate::figure::Layer;

    fn slice(n: usize) -> Slice2d {
        let axis: Vec<f64> = (0..n)
            .map(|i| -1.0 + 2.0 * i as f64 / (n - 1) as f64)
            .collect();
        let loss = axis
            .iter()
            .flat_map(|b| axis.iter().map(move |a| 0.01 + a * a + 2.0 * b * b))
            .collect();
        Slice2d {
            alpha: axis.clone(),
            beta: axis,
            loss,
            stderr: None,
            level: 2,
            levels: 4,
        }
    }

    fn path() -> Vec<PathPoint> {
        (0..20)
            .map(|i| PathPoint {
                step: 10 * i,
                alpha: 0.8 * 0.8f64.powi(i as i32),
                beta: 0.0,
                off_plane: 0.1,
            })
            .collect()
    }

    const INFO: SliceInfo<'static> = SliceInfo {
        step: 190,
        directions: "seed 7",
        unit: "filter norms",
        split: Split::Training,
    };

    #[test]
    fn a_plane_has_map_contours_path_and_bar() {
        let (slice, points) = (slice(17), path());
        let share = PathShare {
            length: 2.0,
            length_outside: 0.94,
            squares_outside: 0.9,
        };
        let errors = LossErrors {
            steps: vec![0],
            errors: vec![0.02],
            largest: 0.02,
            at_step: Some(0),
        };
        let on_plane = PathOnPlane {
            points: &points,
            share: Some(&share),
            errors: Some(&errors),
        };
        let figure = plane(&LandscapeSettings::default(), Some(&slice), on_plane, &INFO);
        let axes = figure.axes().next().unwrap();
        assert_eq!(axes.x.full_label(), "α (filter norms)");
        let bar = axes.color_bar.as_ref().unwrap();
        assert_eq!(bar.label, "training loss");
        assert_eq!(bar.scale.normalization.scale, Scale::Log10);
        let note = axes.note.as_deref().unwrap();
        assert!(
            note.starts_with("plane error 0.02 · 94 % of path outside · 17×17 · seed 7"),
            "{note}"
        );
        let kinds: Vec<bool> = axes
            .layers
            .iter()
            .map(|l| matches!(l, Layer::Heatmap(_) | Layer::Contours(_)))
            .collect();
        assert_eq!(kinds, [true, true, false, false, false]);
        let Layer::Scatter(ball) = &axes.layers[4] else {
            panic!("the ball");
        };
        assert_eq!(ball.x[0], points[19].alpha);
        assert_eq!(axes.x.limits, Some((-1.0, 1.0)));
    }

    #[test]
    fn losses_that_are_not_positive_have_linear_colours() {
        let mut slice = slice(9);
        slice.loss[3] = -0.5;
        slice.loss[4] = f64::NAN;
        let figure = plane(
            &LandscapeSettings::default(),
            Some(&slice),
            PathOnPlane::default(),
            &INFO,
        );
        let axes = figure.axes().next().unwrap();
        let scale = axes.color_bar.as_ref().unwrap().scale;
        assert_eq!(scale.normalization.scale, Scale::Linear);
        assert!(
            axes.note
                .as_deref()
                .unwrap()
                .ends_with("1 points not finite")
        );
    }

    #[test]
    fn a_few_huge_losses_do_not_hide_the_others() {
        let mut slice = slice(17);
        slice.loss[0] = 1e6;
        let settings = LandscapeSettings {
            log: false,
            ..LandscapeSettings::default()
        };
        let figure = plane(&settings, Some(&slice), PathOnPlane::default(), &INFO);
        let bar = figure.axes().next().unwrap().color_bar.clone().unwrap();
        assert!(bar.scale.normalization.limits.1 < 4.0);
        assert_eq!(bar.exceeded, (false, true));
    }

    #[test]
    fn nothing_yet_has_axes() {
        let figure = plane(
            &LandscapeSettings::default(),
            None,
            PathOnPlane::default(),
            &INFO,
        );
        assert!(figure.axes().next().unwrap().layers.is_empty());
        let figure = line(&LandscapeSettings::default(), None, None, &INFO);
        assert_eq!(figure.axes().next().unwrap().y.label, "loss");
    }

    #[test]
    fn a_line_marks_its_middle() {
        let slice = Slice1d {
            alpha: vec![-1.0, 0.0, 1.0],
            loss: vec![1.0, 0.5, f64::INFINITY],
            stderr: None,
            level: 0,
            levels: 1,
        };
        let figure = line(
            &LandscapeSettings::default(),
            Some(&slice),
            Some(&slice),
            &INFO,
        );
        let axes = figure.axes().next().unwrap();
        assert_eq!(axes.y.scale, Scale::Log10);
        let marks = axes
            .layers
            .iter()
            .filter(|l| matches!(l, Layer::Scatter(s) if s.x[0] == 0.0 && s.y[0] == 0.5))
            .count();
        assert_eq!(marks, 2);
        assert!(
            axes.layers
                .iter()
                .any(|l| matches!(l, Layer::Rule(rule) if rule.at == 0.0))
        );
    }
}
