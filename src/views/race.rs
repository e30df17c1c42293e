//! Races: the losses of all runners over the race's clock, and the landscape
//! with all their paths. A runner has its colour, dash and name in every view.

use super::landscape::{LandscapeSettings, loss_colors};
use super::table::{Cell, Table};
use super::{percent, step_axis};
use crate::figure::embed::{PROGRAM, PROGRAM_KEY, RECIPE_KEY};
use crate::figure::{
    Axes, Axis, ColorBar, Contours, Dash, Figure, Heatmap, Ink, Interpolation, Line, LineStyle,
    Marker, Rule, Scale, Scatter, ScatterColors, SeriesStyle, contour, decimate,
    ticks::format_number,
};
use crate::functions::TestFunction;
use crate::landscape::PathPoint;
use crate::math::statistics::Ema;
use crate::race::{
    Curve, GroundSettings, Lockstep, PlaneOrigin, RaceLandscape, RaceSettings, ScoreBoard, Status,
    step_at,
};

/// A runner as the views take it.
#[derive(Clone, Copy, Debug)]
pub struct RunnerSeries<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its number among the line styles.
    pub index: usize,
    /// What it left behind.
    pub curve: &'a Curve,
    /// Updates done.
    pub steps_done: u64,
    /// Whether it still runs.
    pub status: &'a Status,
}

/// What a person can change about the loss curves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RaceLossSettings {
    /// Whether the loss has a logarithmic axis, where all losses are positive.
    pub log: bool,
    /// Share of the old value that the moving average keeps, in \[0, 1).
    pub smoothing: f64,
    /// What the horizontal axis counts.
    pub clock: Lockstep,
    /// Columns in each of which a curve keeps its extremes.
    pub columns: usize,
}

impl Default for RaceLossSettings {
    fn default() -> Self {
        Self {
            log: true,
            smoothing: 0.0,
            clock: Lockstep::Step,
            columns: 2000,
        }
    }
}

/// The clock's name and unit on an axis.
fn clock_axis(clock: Lockstep) -> Axis {
    match clock {
        Lockstep::Step => step_axis(),
        Lockstep::Eta => Axis::new("Σηₜ"),
        Lockstep::Time => Axis::new("time").unit("s"),
    }
}

/// The clock's values at the rows of a curve.
fn clocks(curve: &Curve, clock: Lockstep) -> Vec<f64> {
    match clock {
        Lockstep::Step => (0..curve.loss.len()).map(|step| step as f64).collect(),
        Lockstep::Eta => curve.eta.to_vec(),
        Lockstep::Time => curve.seconds.to_vec(),
    }
}

/// The training losses of all runners. `at` is the moment of the clock that is
/// looked at.
pub fn losses(
    settings: &RaceLossSettings,
    runners: &[RunnerSeries<'_>],
    at: Option<f64>,
) -> Figure {
    let positive = runners
        .iter()
        .flat_map(|runner| runner.curve.loss.iter())
        .filter(|loss| loss.is_finite())
        .all(|loss| *loss >= 0.0);
    let scale = if settings.log && positive {
        Scale::Log10
    } else {
        Scale::Linear
    };
    let mut axes = Axes::new(clock_axis(settings.clock), Axis::new("loss").scaled(scale));
    let mut stopped = Vec::new();
    for runner in runners {
        let style = SeriesStyle::nth(runner.index);
        let x = clocks(runner.curve, settings.clock);
        let y: Vec<f64> = runner.curve.loss.to_vec();
        let mut push = |y: &[f64], style: LineStyle, name: Option<String>| {
            let kept = kept(&x, y, settings.columns);
            let pick = |values: &[f64]| kept.iter().map(|i| values[*i]).collect::<Vec<f64>>();
            let mut line = Line::new(pick(&x), pick(y)).style(style);
            line.name = name;
            axes.layers.push(line.into());
        };
        if settings.smoothing > 0.0 {
            let mut average = Ema::new(settings.smoothing.clamp(0.0, 0.999_999));
            let smooth: Vec<f64> = y.iter().map(|loss| average.push(*loss)).collect();
            push(&y, style.raw(), None);
            push(&smooth, style.into(), Some(runner.name.to_owned()));
        } else {
            push(&y, style.into(), Some(runner.name.to_owned()));
        }
        if let Status::Diverged(divergence) = runner.status {
            let last = (0..y.len()).rev().find(|i| y[*i].is_finite());
            if let Some(last) = last {
                axes.layers.push(
                    Scatter {
                        colors: ScatterColors::Uniform(style.ink),
                        marker: Marker::Cross,
                        size: 1.8,
                        ..Scatter::new(vec![x[last]], vec![y[last]])
                    }
                    .into(),
                );
            }
            stopped.push(format!("{}: {}", runner.name, divergence.explanation));
        }
    }
    if let Some(at) = at {
        axes.layers.push(
            Rule::vertical(at)
                .style(LineStyle::solid(Ink::Accent).dashed(Dash::Dotted))
                .into(),
        );
    }
    if !stopped.is_empty() {
        axes.note = Some(stopped.join(" · "));
    }
    Figure::single(axes)
        .titled("Race: losses")
        .described(describe(runners))
}

/// Indices of the points that show the same curve in so many columns.
fn kept(x: &[f64], y: &[f64], columns: usize) -> Vec<usize> {
    let columns = columns.max(16);
    if x.len() <= 4 * columns {
        return (0..x.len()).collect();
    }
    let last = x.last().copied().unwrap_or(1.0).max(f64::MIN_POSITIVE);
    let pixels: Vec<f64> = x.iter().map(|x| x / last * columns as f64).collect();
    decimate::columns(&pixels, y)
}

fn describe(runners: &[RunnerSeries<'_>]) -> String {
    let sentences: Vec<String> = runners
        .iter()
        .filter_map(|runner| {
            let (first, last) = (runner.curve.loss.first()?, runner.curve.loss.last()?);
            Some(format!(
                "{}: loss {} at the start, {} after {} steps, {}.",
                runner.name,
                format_number(*first, 3),
                format_number(*last, 3),
                runner.steps_done,
                runner.status.word(),
            ))
        })
        .collect();
    if sentences.is_empty() {
        "Nobody has made a step yet.".to_owned()
    } else {
        sentences.join(" ")
    }
}

/// The landscape with every runner's path and ball, up to the moment `at` of
/// the race's clock or as far as they are. `function` is the ground where it is
/// one.
pub fn landscape(
    settings: &LandscapeSettings,
    landscape: Option<&RaceLandscape>,
    runners: &[RunnerSeries<'_>],
    function: Option<&TestFunction>,
    lockstep: Lockstep,
    at: Option<f64>,
) -> Figure {
    let [x, y] = function.map_or(["θ₁", "θ₂"], |function| function.facts.axes);
    let mut axes = Axes::new(Axis::new(x), Axis::new(y)).equal_aspect();
    let Some(landscape) = landscape.filter(|landscape| landscape.slice.alpha.len() > 1) else {
        axes.x.limits = Some((-1.0, 1.0));
        axes.y.limits = Some((-1.0, 1.0));
        return Figure::single(axes)
            .titled("Race: landscape")
            .described("No landscape yet.");
    };
    if landscape.origin != PlaneOrigin::WholeSpace {
        axes.x = Axis::new("α").unit("‖d‖");
        axes.y = Axis::new("β").unit("‖d‖");
    }
    let slice = &landscape.slice;
    let ends = |values: &[f64]| {
        let low = values.first().copied().unwrap_or(-1.0);
        (low, values.last().copied().unwrap_or(1.0))
    };
    axes.x.limits = Some(ends(&slice.alpha));
    axes.y.limits = Some(ends(&slice.beta));
    let color = loss_colors(settings, &slice.loss);
    axes.layers.push(
        Heatmap {
            interpolation: if settings.smooth {
                Interpolation::Bilinear
            } else {
                Interpolation::Nearest
            },
            ..Heatmap::sampled(&slice.alpha, &slice.beta, slice.loss.as_slice(), color)
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
    if let Some(function) = function {
        add_minima(&mut axes, function);
    }
    add_paths(&mut axes, landscape, runners, lockstep, at);
    let label = if function.is_some() {
        "f".to_owned()
    } else {
        "training loss".to_owned()
    };
    axes.color_bar = Some(ColorBar::new(color, label).over(&slice.loss));
    axes.note = Some(note(landscape));
    Figure::single(axes)
        .titled("Race: landscape")
        .described(describe(runners))
}

fn add_minima(axes: &mut Axes, function: &TestFunction) {
    let minima = &function.facts.minima;
    if minima.is_empty() {
        return;
    }
    axes.layers.push(
        Scatter {
            colors: ScatterColors::Uniform(Ink::Foreground),
            marker: Marker::Diamond,
            size: 1.5,
            edged: true,
            name: Some(
                if minima.len() > 1 {
                    "minima"
                } else {
                    "minimum"
                }
                .to_owned(),
            ),
            ..Scatter::new(
                minima.iter().map(|at| at[0]).collect::<Vec<f64>>(),
                minima.iter().map(|at| at[1]).collect::<Vec<f64>>(),
            )
        }
        .into(),
    );
}

/// How far outside of the map a path is followed, in widths of the map: canvases
/// do not bear the coordinates of a runner that left for good.
const AROUND: f64 = 2.0;

/// A path without what is far outside of the map: where it leaves, it ends at
/// the edge of the surroundings, and where it comes back it begins there.
fn near(points: &[PathPoint], [x, y]: [(f64, f64); 2]) -> (Vec<f64>, Vec<f64>) {
    let (centre, reach) = {
        let half = |(low, high): (f64, f64)| (0.5 + AROUND) * (high - low);
        let middle = |(low, high): (f64, f64)| 0.5 * (low + high);
        ([middle(x), middle(y)], [half(x), half(y)])
    };
    // Largest offset from the middle, in reaches.
    let far = |p: &PathPoint| {
        ((p.alpha - centre[0]) / reach[0])
            .abs()
            .max(((p.beta - centre[1]) / reach[1]).abs())
    };
    // Between a near and a far point, where the surroundings end.
    let edge = |from: &PathPoint, to: &PathPoint| {
        let crossing = |from: f64, to: f64, side: usize| {
            let step = to - from;
            (centre[side] + reach[side].copysign(step) - from) / step
        };
        let t = crossing(from.alpha, to.alpha, 0)
            .min(crossing(from.beta, to.beta, 1))
            .clamp(0.0, 1.0);
        [
            from.alpha + t * (to.alpha - from.alpha),
            from.beta + t * (to.beta - from.beta),
        ]
    };
    let mut found: Vec<[f64; 2]> = Vec::with_capacity(points.len());
    for (index, point) in points.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|i| points.get(i));
        let inside = far(point) <= 1.0;
        match before.map(|before| (far(before) <= 1.0, before)) {
            Some((true, before)) if !inside => {
                found.push(edge(before, point));
                found.push([f64::NAN; 2]);
            }
            Some((false, before)) if inside => {
                found.push(edge(point, before));
                found.push([point.alpha, point.beta]);
            }
            _ if inside => found.push([point.alpha, point.beta]),
            _ => {}
        }
    }
    (
        found.iter().map(|at| at[0]).collect(),
        found.iter().map(|at| at[1]).collect(),
    )
}

/// All paths first, then all balls: no path hides a ball.
fn add_paths(
    axes: &mut Axes,
    landscape: &RaceLandscape,
    runners: &[RunnerSeries<'_>],
    lockstep: Lockstep,
    at: Option<f64>,
) {
    let limits = [&axes.x, &axes.y].map(|axis| axis.limits.unwrap_or((-1.0, 1.0)));
    let within = |value: f64, (low, high): (f64, f64)| low <= value && value <= high;
    let mut balls = Vec::new();
    let mut start = None;
    for (runner, path) in runners.iter().zip(&landscape.paths) {
        let step = at.map_or(u64::MAX, |at| {
            step_at(lockstep, runner.curve, runner.steps_done, at)
        });
        let end = path.points.partition_point(|point| point.step <= step);
        let points = &path.points[..end];
        let Some(last) = points.last() else { continue };
        start = start.or(points.first());
        let style = SeriesStyle::nth(runner.index);
        let (x, y) = near(points, limits);
        axes.layers.push(
            Line::new(x, y)
                .style(LineStyle::from(style).width(1.1).cased())
                .named(runner.name)
                .into(),
        );
        if !(within(last.alpha, limits[0]) && within(last.beta, limits[1])) {
            continue;
        }
        let diverged = matches!(runner.status, Status::Diverged(_)) && at.is_none();
        balls.push(Scatter {
            colors: ScatterColors::Uniform(style.ink),
            marker: if diverged {
                Marker::Cross
            } else {
                Marker::Circle
            },
            size: 2.0,
            edged: true,
            ..Scatter::new(vec![last.alpha], vec![last.beta])
        });
    }
    if let Some(start) = start {
        axes.layers.push(
            Scatter {
                colors: ScatterColors::Uniform(Ink::Foreground),
                marker: Marker::Square,
                size: 1.4,
                edged: true,
                name: Some("start".to_owned()),
                ..Scatter::new(vec![start.alpha], vec![start.beta])
            }
            .into(),
        );
    }
    axes.layers.extend(balls.into_iter().map(Into::into));
}

fn note(landscape: &RaceLandscape) -> String {
    let mut parts = Vec::new();
    let explained = landscape
        .explained()
        .map(|[first, second]| percent(first + second));
    match (&landscape.origin, explained) {
        (PlaneOrigin::WholeSpace, _) => parts.push("the whole space".to_owned()),
        (PlaneOrigin::Mean, Some(share)) => parts.push(format!(
            "principal components of all paths around their mean, {share} of the squared distances"
        )),
        (PlaneOrigin::Last(name), Some(share)) => parts.push(format!(
            "principal components of {name} around its last point, {share} of the squared distances"
        )),
        (PlaneOrigin::Mean | PlaneOrigin::Last(_), None) => {
            parts.push("principal components".to_owned());
        }
    }
    let worst = landscape
        .paths
        .iter()
        .filter_map(|path| path.errors.as_ref())
        .map(|errors| errors.largest)
        .filter(|error| !error.is_nan())
        .reduce(f64::max);
    if let Some(worst) = worst {
        parts.push(format!("plane error {}", format_number(worst, 2)));
    }
    let slice = &landscape.slice;
    parts.push(format!("{}×{}", slice.alpha.len(), slice.beta.len()));
    let left_out: usize = landscape.paths.iter().map(|path| path.left_out).sum();
    if left_out > 0 {
        parts.push(format!("{left_out} points of diverged runners left out"));
    }
    parts.join(" · ")
}

/// The score board as a table.
pub fn score_table(names: &[&str], board: &ScoreBoard) -> Table {
    let has = |of: fn(&crate::race::Score) -> bool| board.scores.iter().any(of);
    let validation = has(|score| score.val_loss.is_some());
    let minimum = has(|score| score.distance_from_minimum.is_some());
    let sharpness = has(|score| score.sharpness.is_some());
    let mut columns = vec!["runner", "status", "step", "eta_t", "seconds", "train_loss"];
    if validation {
        columns.push("val_loss");
    }
    columns.extend(["distance_from_start", "distance_from_best"]);
    if minimum {
        columns.push("distance_from_minimum");
    }
    if sharpness {
        columns.extend(["sharpness", "sharpness_residual"]);
    }
    let optional = |value: Option<f64>| value.map_or(Cell::Text(String::new()), Cell::Number);
    let rows = names
        .iter()
        .zip(&board.scores)
        .map(|(name, score)| {
            let mut row = vec![
                Cell::Text((*name).to_owned()),
                Cell::Text(score.status.word().to_owned()),
                Cell::Number(score.step as f64),
                Cell::Number(score.eta),
                Cell::Number(score.seconds),
                Cell::Number(score.train_loss),
            ];
            if validation {
                row.push(optional(score.val_loss));
            }
            row.push(Cell::Number(score.distance_from_start));
            row.push(optional(score.distance_from_best));
            if minimum {
                row.push(optional(score.distance_from_minimum));
            }
            if sharpness {
                row.push(optional(score.sharpness.map(|found| found.value)));
                row.push(optional(score.sharpness.map(|found| found.residual)));
            }
            row
        })
        .collect();
    Table {
        title: "Score board".to_owned(),
        columns: columns.into_iter().map(str::to_owned).collect(),
        rows,
    }
}

/// The figure with what the race was inside: its runners, and on a network the
/// recipe.
pub fn with_settings(figure: Figure, settings: &RaceSettings) -> Figure {
    let schema = crate::catalogue::schema();
    let mut figure = figure
        .with_metadata(PROGRAM_KEY, PROGRAM)
        .with_metadata("lockstep", settings.lockstep.key());
    for (index, entry) in settings.entries.iter().enumerate() {
        let runner = format!("{}: {}", entry.name, entry.describe());
        figure = figure.with_metadata(format!("runner {}", index + 1), runner);
    }
    match settings.ground {
        GroundSettings::Network => {
            let recipe = settings
                .base
                .with_absolute_paths(&settings.base_dir, schema);
            figure.with_metadata(RECIPE_KEY, recipe.to_toml(schema))
        }
        GroundSettings::Function { .. } => figure,
    }
}

#[cfg(test)]
#[path = "race_tests.rs"]
mod tests;
