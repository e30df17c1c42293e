//! Paths between two solutions: the loss along them with its barriers, how an
//! alignment or a curve came about, barriers by layer and by fork.

use serde::{Deserialize, Serialize};

use super::Split;
use super::landscape::{self, LandscapeSettings, PathOnPlane, SliceInfo};
use crate::connectivity::{Fork, LayerGroup, LayerPath, Outside, Profile};
use crate::engine::paths::{
    Alignment, Connection, Layers, PathMethod, Profiles, ThroughThree, TrainedCurve,
};
use crate::figure::{
    Anchor, Axes, Axis, Content, Dash, Figure, Ink, Line, LineStyle, Marker, Mosaic, Panel, Raster,
    Row, Rule, Scale, Scatter, ScatterColors, SeriesStyle, Text, Ticks, Tile, ticks::format_number,
};
use crate::landscape::Interpolation;

/// What a person can change about how paths look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PathLook {
    /// Whether losses are on a logarithmic axis, where they are positive.
    pub log: bool,
    /// Whether the validation set is shown too.
    pub validation: bool,
    /// Whether the second part (permutations, training of a curve, layers) is
    /// shown.
    pub details: bool,
    /// Whether the plane through the ends and what was found is shown with them.
    #[serde(skip)]
    pub plane: bool,
    /// The parts one above the other, not side by side.
    pub stacked: bool,
    /// Show an alignment as it was after this sweep, and not its end.
    #[serde(skip)]
    pub sweep: Option<usize>,
}

impl Default for PathLook {
    fn default() -> Self {
        Self {
            log: false,
            validation: true,
            details: true,
            plane: true,
            stacked: true,
            sweep: None,
        }
    }
}

/// The colours of permutation matrices' entries: units as they are, and with
/// their sign changed.
const MATCHED: [u8; 4] = [0, 114, 178, 255];
const NEGATED: [u8; 4] = [213, 94, 0, 255];
/// Matrices that are shown side by side at most.
const MATRICES: usize = 8;

/// The figure of a connection. Without one the axes are empty.
pub fn figure(look: &PathLook, found: Option<&Connection>) -> Figure {
    let Some(found) = found else {
        let axes = Axes::new(Axis::new("λ").limits(0.0, 1.0), Axis::new("loss"));
        return Figure::single(axes)
            .titled("Paths")
            .described("No path yet.");
    };
    let mut described = String::new();
    // What is looked at first, the plane, and how it came about.
    let (mut first, mut through, mut details) = (Vec::new(), None, Vec::new());
    if let Some(fork) = &found.fork {
        first.push(Content::from(fork_barriers(look, fork)));
        details.push(fork_lines(look, fork).into());
        described = describe_fork(fork);
    }
    if let Some(straight) = &found.straight {
        first.push(losses(look, found, straight).into());
        described = describe(found, straight);
    }
    if let Some(alignment) = &found.alignment {
        details.push(matrices(look, alignment).into());
        if alignment.sweeps.len() > 1 {
            details.push(sweeps(look, found, alignment).into());
        }
    }
    if let Some(curve) = found.curve.as_ref().filter(|curve| curve.losses.len() > 1) {
        details.push(training(curve).into());
    }
    if let Some(layers) = &found.layers {
        details.push(layer_barriers(look, layers).into());
    }
    if look.details {
        let shown = found.plane.as_ref().filter(|_| look.plane);
        through = shown.and_then(|found| plane(look, found));
    } else {
        details.clear();
    }
    let row = |height: f64, contents: Vec<Content>| Row {
        height,
        panels: contents
            .into_iter()
            .map(|content| Panel {
                width: 1.0,
                content,
            })
            .collect(),
    };
    let plane = through.map(|axes| vec![Content::Axes(axes)]);
    let mut rows = if look.stacked {
        let mut rows = vec![row(1.2, first), row(1.0, details)];
        rows.extend(plane.map(|plane| row(1.5, plane)));
        rows
    } else if let Some(plane) = plane {
        first.extend(plane);
        vec![row(1.4, first), row(1.0, details)]
    } else if details.len() == 1 {
        first.append(&mut details);
        vec![row(1.0, first)]
    } else {
        vec![row(1.2, first), row(1.0, details)]
    };
    rows.retain(|row| !row.panels.is_empty());
    Figure {
        title: Some("Paths".to_owned()),
        rows,
        description: described,
        ..Figure::default()
    }
}

/// A path that is drawn: what it is called, and its series.
struct Drawn<'a> {
    name: &'static str,
    series: usize,
    profiles: &'a Profiles,
}

impl Drawn<'_> {
    fn train(&self) -> LineStyle {
        LineStyle::solid(Ink::Series(self.series))
    }

    fn validation(&self) -> LineStyle {
        LineStyle::solid(Ink::Series(self.series)).dashed(Dash::Dashed)
    }
}

/// The loss along all paths of a connection.
fn losses(look: &PathLook, found: &Connection, straight: &Profiles) -> Axes {
    let mut drawn = vec![Drawn {
        name: "straight",
        series: 0,
        profiles: straight,
    }];
    if let Some(profiles) = found.alignment.as_ref().and_then(|a| a.profiles.as_ref()) {
        drawn.push(Drawn {
            name: "aligned",
            series: 1,
            profiles,
        });
    }
    if let Some(curve) = &found.curve {
        drawn.push(Drawn {
            name: match found.method {
                PathMethod::Chain => "chain",
                _ => "Bézier",
            },
            series: 2,
            profiles: &curve.profiles,
        });
    }
    // While the units are matched, and when that is played again: the line to
    // what they have come to.
    let playing = found.alignment.as_ref().and_then(|alignment| {
        let last = alignment.sweeps.len().checked_sub(1)?;
        let sweep = look
            .sweep
            .or(alignment.profiles.is_none().then_some(last))?;
        Some(&*alignment.sweeps.get(sweep)?.line)
    });
    if playing.is_some() {
        drawn.truncate(1);
    }
    let shown = |path: &Drawn<'_>| -> Vec<Profile> {
        let validation = path.profiles.validation.iter().filter(|_| look.validation);
        std::iter::once(&path.profiles.train)
            .chain(validation)
            .cloned()
            .collect()
    };
    let positive = drawn
        .iter()
        .flat_map(shown)
        .flat_map(|profile| profile.line.loss)
        .chain(found.outside.iter().flat_map(|outside| {
            let validation = outside.validation.iter().filter(|_| look.validation);
            std::iter::once(&outside.train)
                .chain(validation)
                .flat_map(|outside| outside.loss.iter().copied())
        }))
        .all(|loss| !loss.is_finite() || loss > 0.0);
    let scale = if look.log && positive {
        Scale::Log10
    } else {
        Scale::Linear
    };
    let parameter = if found.curve.is_some() { "t" } else { "λ" };
    let ends = found.outside.iter().flat_map(|outside| {
        let lambda = &outside.train.lambda;
        lambda.first().into_iter().chain(lambda.last())
    });
    let (low, high) = ends.fold((0.0f64, 1.0f64), |(low, high), l| {
        (low.min(*l), high.max(*l))
    });
    let mut axes = Axes::new(
        Axis::new(parameter).limits(low, high),
        Axis::new("loss").scaled(scale),
    );
    let highest = drawn
        .iter()
        .map(|path| path.profiles.train.highest)
        .fold(0.0, f64::max);
    let mut notes = Vec::new();
    for path in &drawn {
        let train = &path.profiles.train;
        // The straight line goes on beyond its ends.
        let beyond = found.outside.as_ref().filter(|_| path.series == 0);
        let (lambda, loss) = whole(&train.line, beyond.map(|beyond| &beyond.train));
        chord(&mut axes, train);
        axes.layers.push(
            Line::new(lambda, loss)
                .style(path.train())
                .named(format!("{}, train", path.name))
                .into(),
        );
        let mut note = format!("{}: barrier {}", path.name, height(train));
        if let Some(validation) = path
            .profiles
            .validation
            .as_ref()
            .filter(|_| look.validation)
        {
            let beyond = beyond.and_then(|beyond| beyond.validation.as_ref());
            let (lambda, loss) = whole(&validation.line, beyond);
            axes.layers.push(
                Line::new(lambda, loss)
                    .style(path.validation())
                    .named(format!("{}, validation", path.name))
                    .into(),
            );
            note.push_str(&format!(" train, {} validation", height(validation)));
        }
        notes.push(note);
        mark_barrier(&mut axes, path.series, train, highest);
    }
    if let Some(line) = playing {
        axes.layers.push(
            Line::new(&line.lambda[..], &line.loss[..])
                .style(LineStyle::solid(Ink::Series(1)))
                .named("aligned, train")
                .into(),
        );
    }
    // The ends, once: all paths share them.
    let train = &straight.train.line;
    if let (Some(first), Some(last)) = (train.loss.first(), train.loss.last()) {
        axes.layers.push(
            Scatter {
                colors: ScatterColors::Uniform(Ink::Accent),
                size: 1.5,
                edged: true,
                ..Scatter::new(vec![0.0, 1.0], vec![*first, *last])
            }
            .into(),
        );
    }
    axes.title = Some(format!("{} → {}", found.from, found.to));
    notes.push(format!(
        "distance of the ends {}",
        format_number(found.distance, 3)
    ));
    axes.note = Some(notes.join(" · "));
    axes
}

/// The line from its points before 0 to those after 1.
fn whole(line: &Interpolation, outside: Option<&Outside>) -> (Vec<f64>, Vec<f64>) {
    let Some(outside) = outside else {
        return (line.lambda.clone(), line.loss.clone());
    };
    let before = outside.lambda.partition_point(|lambda| *lambda < 0.0);
    let join = |inner: &[f64], outer: &[f64]| [&outer[..before], inner, &outer[before..]].concat();
    (
        join(&line.lambda, &outside.lambda),
        join(&line.loss, &outside.loss),
    )
}

fn height(profile: &Profile) -> String {
    format_number(profile.line.barrier, 3)
}

/// The straight line between the ends' losses, which barriers are measured from.
fn chord(axes: &mut Axes, profile: &Profile) {
    let line = &profile.line;
    let (Some(first), Some(last)) = (line.loss.first(), line.loss.last()) else {
        return;
    };
    // On a logarithmic axis it is no straight line.
    let heights: Vec<f64> = line
        .lambda
        .iter()
        .map(|l| (1.0 - l) * first + l * last)
        .collect();
    axes.layers.push(
        Line::new(&line.lambda[..], heights)
            .style(LineStyle::solid(Ink::Muted).dashed(Dash::Dotted).width(0.8))
            .into(),
    );
}

/// A vertical line of the barrier's height at its place, if that can be seen on
/// an axis that reaches up to `highest`.
fn mark_barrier(axes: &mut Axes, series: usize, profile: &Profile, highest: f64) {
    let line = &profile.line;
    let (Some(first), Some(last)) = (line.loss.first(), line.loss.last()) else {
        return;
    };
    if !(line.barrier.is_finite() && line.barrier > 0.03 * highest) {
        return;
    }
    let at = line.barrier_at;
    let base = (1.0 - at) * first + at * last;
    axes.layers.push(
        Line::new(vec![at, at], vec![base, base + line.barrier])
            .style(LineStyle::solid(Ink::Series(series)).width(0.8))
            .marked(Marker::Plus)
            .into(),
    );
    axes.layers.push(
        Text {
            x: at,
            y: base + 0.5 * line.barrier,
            text: format!(" {} ", height(profile)),
            // Beside its bar, where paths of other heights have theirs elsewhere.
            anchor: if series == 0 {
                Anchor::Right
            } else {
                Anchor::Left
            },
            ink: Ink::Foreground,
        }
        .into(),
    );
}

fn describe(found: &Connection, straight: &Profiles) -> String {
    let mut text = format!(
        "From {} to {}: the barrier of the training loss is {} on the straight line",
        found.from,
        found.to,
        height(&straight.train)
    );
    if let Some(profiles) = found.alignment.as_ref().and_then(|a| a.profiles.as_ref()) {
        text.push_str(&format!(", {} after alignment", height(&profiles.train)));
    }
    if let Some(curve) = &found.curve {
        text.push_str(&format!(
            ", {} on the trained curve",
            height(&curve.profiles.train)
        ));
    }
    text.push('.');
    text
}

/// A permutation matrix for every group of units.
fn matrices(look: &PathLook, alignment: &Alignment) -> Mosaic {
    let at = look.sweep.and_then(|sweep| alignment.sweeps.get(sweep));
    let map = at.map_or(&alignment.map, |sweep| &*sweep.map);
    let tiles = alignment
        .groups
        .iter()
        .zip(map.permutations.iter().zip(&map.flipped))
        .take(MATRICES)
        .map(|(name, (permutation, flipped))| {
            let n = permutation.len();
            let mut rgba = vec![0; n * n * 4];
            for (place, unit) in permutation.iter().enumerate() {
                let pixel = 4 * (place * n + unit);
                let color = if flipped[place] { NEGATED } else { MATCHED };
                rgba[pixel..pixel + 4].copy_from_slice(&color);
            }
            let moved = permutation.iter().enumerate().filter(|(i, u)| i != *u);
            Tile::new(Raster::new(n, n, rgba))
                .captioned(format!("{name}: {} of {n} moved", moved.count()))
                .outlined(Ink::Muted)
        })
        .collect();
    let moved = at.map_or(alignment.moved, |sweep| sweep.moved);
    let similarity = at.map_or(alignment.similarity, |sweep| sweep.similarity);
    let signs = match map.negated() {
        0 => String::new(),
        count => format!(", {count} with its sign changed (orange)"),
    };
    Mosaic {
        title: Some("Permutations by layer".to_owned()),
        tiles,
        note: Some(format!(
            "row: unit of A, column: unit of B · {moved} moved{signs} · cosine {} → {}",
            format_number(alignment.similarity_before, 2),
            format_number(similarity, 2)
        )),
        ..Mosaic::default()
    }
}

/// Barrier and similarity over the sweeps of a matching.
fn sweeps(look: &PathLook, found: &Connection, alignment: &Alignment) -> Axes {
    let unit = match found.method {
        PathMethod::Activations => "layer",
        _ => "sweep",
    };
    let mut axes = Axes::new(
        Axis::new(unit).ticks(Ticks::Integers),
        Axis::new("barrier, cosine"),
    )
    .titled("The matching as it goes");
    let places = |count: usize| -> Vec<f64> { (0..=count).map(|i| i as f64).collect() };
    let before = found
        .straight
        .as_ref()
        .map_or(f64::NAN, |s| s.train.line.barrier);
    let count = alignment.sweeps.len();
    let barriers: Vec<f64> = std::iter::once(before)
        .chain(alignment.sweeps.iter().map(|sweep| sweep.barrier))
        .collect();
    let similar: Vec<f64> = std::iter::once(alignment.similarity_before)
        .chain(alignment.sweeps.iter().map(|sweep| sweep.similarity))
        .collect();
    for (index, (name, values)) in [("barrier", barriers), ("cosine", similar)]
        .into_iter()
        .enumerate()
    {
        axes.layers.push(
            Line::new(places(count), values)
                .series(index)
                .marked(SeriesStyle::nth(index).marker)
                .named(name)
                .into(),
        );
    }
    if found.method == PathMethod::Weights && alignment.groups.len() > 1 {
        axes.note = Some("from two starts; the better end is kept".to_owned());
    }
    if let Some(sweep) = look.sweep {
        axes.layers.push(Rule::vertical(sweep as f64 + 1.0).into());
    }
    axes
}

/// The mean loss on a curve while its bends are trained.
fn training(curve: &TrainedCurve) -> Axes {
    let positive = curve.losses.iter().all(|loss| *loss > 0.0);
    let scale = if positive {
        Scale::Log10
    } else {
        Scale::Linear
    };
    let steps: Vec<f64> = (1..=curve.losses.len()).map(|i| i as f64).collect();
    let train = &curve.profiles.train;
    Axes::new(
        Axis::new("step of the curve's training")
            .ticks(Ticks::Integers)
            .limits(0.0, curve.iterations.max(1) as f64),
        Axis::new("mean loss on the curve").scaled(scale),
    )
    .with(Line::new(steps, &curve.losses[..]).style(LineStyle::solid(Ink::Series(2))))
    .noted(format!(
        "step {} of {} · mean {} · highest {} · {} times as long as the chord",
        format_number(curve.iteration as f64, 9),
        format_number(curve.iterations as f64, 9),
        format_number(train.mean, 3),
        format_number(train.highest, 3),
        format_number(train.stretch, 3),
    ))
}

/// The barrier of every layer alone and of growing groups.
fn layer_barriers(look: &PathLook, layers: &Layers) -> Axes {
    let of = |paths: &[LayerPath], group: LayerGroup| -> Vec<f64> {
        paths
            .iter()
            .filter(|path| path.group == group)
            .map(|path| path.line.barrier)
            .collect()
    };
    let names: Vec<(f64, String)> = layers
        .train
        .iter()
        .filter(|path| path.group == LayerGroup::Single)
        .enumerate()
        .map(|(k, path)| (k as f64, path.layer.clone()))
        .collect();
    let places: Vec<f64> = names.iter().map(|(place, _)| *place).collect();
    let last = places.last().copied().unwrap_or(0.0);
    let mut axes = Axes::new(
        Axis::new("layer")
            .ticks(Ticks::Named(names))
            .limits(-0.5, last + 0.5),
        Axis::new("barrier"),
    )
    .titled("Barrier by layer");
    for (series, group, name) in [
        (3, LayerGroup::Single, "one layer"),
        (4, LayerGroup::Shallow, "up to it"),
        (5, LayerGroup::Deep, "from it on"),
    ] {
        let marker = SeriesStyle::nth(series).marker;
        axes.layers.push(
            Line::new(&places[..], of(&layers.train, group))
                .style(LineStyle::solid(Ink::Series(series)))
                .marked(marker)
                .named(name)
                .into(),
        );
        if let Some(validation) = layers.validation.as_ref().filter(|_| look.validation) {
            axes.layers.push(
                Line::new(&places[..], of(validation, group))
                    .style(LineStyle::solid(Ink::Series(series)).dashed(Dash::Dashed))
                    .into(),
            );
        }
    }
    let dashed = layers.validation.is_some() && look.validation;
    axes.note = Some(if dashed {
        "over the straight line between each path's own ends · dashed: validation".to_owned()
    } else {
        "over the straight line between each path's own ends".to_owned()
    });
    axes
}

/// The axis of the steps at which copies part.
fn fork_axis(fork: &Fork) -> Axis {
    let first = fork
        .points
        .iter()
        .map(|point| point.step)
        .find(|step| *step > 0);
    Axis::new("step at which the copies part").scaled(match first {
        Some(first) => Scale::SymLog {
            linear_threshold: first as f64,
        },
        None => Scale::Linear,
    })
}

/// The barrier against the step at which copies part.
fn fork_barriers(look: &PathLook, fork: &Fork) -> Axes {
    let steps: Vec<f64> = fork.points.iter().map(|point| point.step as f64).collect();
    let mut axes = Axes::new(fork_axis(fork), Axis::new("barrier")).titled("Barrier by fork");
    let train: Vec<f64> = fork.points.iter().map(|p| p.train.line.barrier).collect();
    axes.layers.push(
        Line::new(&steps[..], train)
            .series(0)
            .marked(Marker::Circle)
            .named("train")
            .into(),
    );
    let validation: Option<Vec<f64>> = fork
        .points
        .iter()
        .map(|point| point.validation.as_ref().map(|p| p.line.barrier))
        .collect();
    if let Some(validation) = validation.filter(|_| look.validation) {
        axes.layers.push(
            Line::new(&steps[..], validation)
                .series(1)
                .marked(Marker::Square)
                .named("validation")
                .into(),
        );
    }
    axes.note = Some(format!(
        "{} steps · batches of seed {} and of seed {}",
        format_number(fork.total_steps as f64, 9),
        fork.seeds[0],
        fork.seeds[1]
    ));
    axes
}

/// The training loss from the run's end to each copy's.
fn fork_lines(look: &PathLook, fork: &Fork) -> Axes {
    let all = fork.points.iter().flat_map(|point| &point.train.line.loss);
    let positive = all.into_iter().all(|loss| !loss.is_finite() || *loss > 0.0);
    let scale = if look.log && positive {
        Scale::Log10
    } else {
        Scale::Linear
    };
    let mut axes = Axes::new(
        Axis::new("λ").limits(0.0, 1.0),
        Axis::new("training loss").scaled(scale),
    )
    .titled("From the run's end to the copies'");
    for (index, point) in fork.points.iter().enumerate() {
        axes.layers.push(
            Line::new(&point.train.line.lambda[..], &point.train.line.loss[..])
                .series(index)
                .named(format!("step {}", format_number(point.step as f64, 9)))
                .into(),
        );
    }
    axes
}

fn describe_fork(fork: &Fork) -> String {
    let barriers: Vec<String> = fork
        .points
        .iter()
        .map(|point| {
            format!(
                "{} at step {}",
                height(&point.train),
                format_number(point.step as f64, 9)
            )
        })
        .collect();
    format!(
        "The barrier of the training loss between the run and copies that part from it: {}.",
        barriers.join(", ")
    )
}

/// The plane through the ends and what was found, with the path in it.
fn plane(look: &PathLook, through: &ThroughThree) -> Option<Axes> {
    let settings = LandscapeSettings {
        log: look.log,
        path: false,
        ..LandscapeSettings::default()
    };
    let info = SliceInfo::new(0, "", "‖B − A‖", Split::Training);
    let no_path = PathOnPlane::default();
    let mut figure = landscape::plane(&settings, Some(&through.slice), no_path, &info);
    let named: Vec<(&str, f64, f64)> = through
        .points
        .iter()
        .map(|point| (point.name.as_str(), point.alpha, point.beta))
        .collect();
    if let Some(axes) = first_axes(&mut figure) {
        let [x, y] = [0, 1].map(|k| through.path.iter().map(|p| p[k]).collect::<Vec<f64>>());
        axes.layers.push(
            Line::new(x, y)
                .style(LineStyle::solid(Ink::Foreground).width(0.9).cased())
                .into(),
        );
        axes.title = Some(format!("Plane with {}", through.points[2].name));
        axes.note = Some(format!(
            "{}×{} · perpendicular axes of equal length",
            through.slice.alpha.len(),
            through.slice.beta.len()
        ));
    }
    mark_points(&mut figure, &named);
    figure
        .rows
        .into_iter()
        .flat_map(|row| row.panels)
        .find_map(|panel| match panel.content {
            Content::Axes(axes) => Some(axes),
            Content::Mosaic(_) => None,
        })
}

fn first_axes(figure: &mut Figure) -> Option<&mut Axes> {
    figure
        .rows
        .iter_mut()
        .flat_map(|row| &mut row.panels)
        .find_map(|panel| match &mut panel.content {
            Content::Axes(axes) => Some(axes),
            Content::Mosaic(_) => None,
        })
}

/// Puts named points on the figure of a plane: name, α, β.
pub fn mark_points(figure: &mut Figure, points: &[(&str, f64, f64)]) {
    let Some(axes) = first_axes(figure) else {
        return;
    };
    for (index, (name, x, y)) in points.iter().enumerate() {
        axes.layers.push(
            Scatter {
                colors: ScatterColors::Uniform(Ink::Foreground),
                marker: SeriesStyle::nth(index).marker,
                size: 1.8,
                edged: true,
                name: Some((*name).to_owned()),
                ..Scatter::new(vec![*x], vec![*y])
            }
            .into(),
        );
    }
}

#[cfg(test)]
#[path = "paths_tests.rs"]
mod tests;
