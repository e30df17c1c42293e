//! Opposing signals: the losses of two groups of samples over the steps, what
//! their changes and gradients have in common, the samples that one step moves
//! most, and each sample's change in that step against the next.

use serde::{Deserialize, Serialize};

use super::step_axis;
use crate::data::{Dataset, InputShape, Targets};
use crate::diagnostics::signals::{OpposingSignals, RUNNING, SampleChange};
use crate::figure::ticks::format_number;
use crate::figure::{
    Axes, Axis, Content, Dash, Figure, Ink, Line, LineStyle, Marker, Mosaic, Panel, Raster, Row,
    Rule, Scale, Scatter, ScatterColors, SeriesStyle, Tile,
};

/// Images of samples that rise and of samples that fall, at most: where there is
/// room, and where there is little.
const IMAGES: usize = 12;
const FEW_IMAGES: usize = 4;

/// Losses that rise and that fall, on light and on dark paper.
const RISES: Ink = Ink::Rgba([222, 92, 75, 255]);
const FALLS: Ink = Ink::Rgba([70, 140, 200, 255]);

/// What is shown of the analysis.
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
#[strum(serialize_all = "lowercase")]
pub enum SignalPart {
    /// Everything there is room for.
    #[default]
    Both,
    /// The groups over the steps.
    Groups,
    /// The samples of one step.
    Samples,
}

/// What a person can change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SignalLook {
    /// Which part.
    pub part: SignalPart,
    /// Whether losses are on a logarithmic axis.
    pub log: bool,
}

/// How the parts share the room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrangement {
    /// Groups left, samples right.
    Beside,
    /// Groups above samples.
    #[default]
    Stacked,
    /// The losses of the groups beside the samples, and no more.
    Pair,
    /// The same above each other.
    Tall,
    /// Too little room for more than one plot.
    Single,
}

/// The analysis with what it is about.
#[derive(Clone, Copy, Debug)]
pub struct SignalData<'a> {
    /// What was found.
    pub found: &'a OpposingSignals,
    /// The training set.
    pub data: &'a Dataset,
    /// The step whose changes are shown; that of the groups, or the last, where
    /// it is none of the analysed ones.
    pub step: Option<u64>,
    /// Whether that step is marked on the curves.
    pub marked: bool,
}

impl SignalData<'_> {
    /// The step whose changes are shown.
    pub fn shown_step(&self) -> Option<u64> {
        let found = self.found;
        self.step
            .filter(|step| found.index(*step).is_some())
            .or_else(|| found.shown_step())
    }

    /// Which of the analysed steps that is, counted from zero.
    fn index(&self) -> Option<usize> {
        self.found.index(self.shown_step()?)
    }
}

/// The figure of an analysis.
pub fn figure(look: &SignalLook, arrangement: Arrangement, data: &SignalData<'_>) -> Figure {
    let losses = || Content::Axes(losses(look, data));
    let agreement = || Content::Axes(agreement(data));
    let most = match arrangement {
        Arrangement::Beside | Arrangement::Stacked => IMAGES,
        Arrangement::Pair | Arrangement::Tall | Arrangement::Single => FEW_IMAGES,
    };
    let samples = || samples(data, most);
    let pairs = || Content::Axes(pairs(data));
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
    let rows = match (look.part, arrangement) {
        (SignalPart::Groups | SignalPart::Both, Arrangement::Single) => {
            vec![row(1.0, vec![losses()])]
        }
        (SignalPart::Samples, Arrangement::Single) => vec![row(1.0, vec![samples()])],
        (SignalPart::Both, Arrangement::Pair) => vec![row(1.0, vec![losses(), samples()])],
        (SignalPart::Both, Arrangement::Tall) => {
            vec![row(1.0, vec![losses()]), row(1.0, vec![samples()])]
        }
        (SignalPart::Groups, Arrangement::Pair) => vec![row(1.0, vec![losses(), agreement()])],
        (SignalPart::Both, Arrangement::Beside) => vec![
            row(1.0, vec![losses(), samples()]),
            row(0.85, vec![agreement(), pairs()]),
        ],
        (SignalPart::Both, Arrangement::Stacked) => vec![
            row(1.0, vec![losses()]),
            row(0.7, vec![agreement()]),
            row(1.1, vec![samples(), pairs()]),
        ],
        (SignalPart::Groups, _) => vec![row(1.0, vec![losses()]), row(0.8, vec![agreement()])],
        (SignalPart::Samples, Arrangement::Beside | Arrangement::Pair) => {
            vec![row(1.0, vec![samples(), pairs()])]
        }
        (SignalPart::Samples, Arrangement::Stacked | Arrangement::Tall) => {
            vec![row(1.0, vec![samples()]), row(1.0, vec![pairs()])]
        }
    };
    Figure {
        rows,
        ..Figure::default()
    }
    .titled("Opposing signals")
    .described(describe(data))
}

/// A number with its sign.
fn signed(value: f64) -> String {
    let text = format_number(value, 2);
    if value > 0.0 {
        format!("+{text}")
    } else {
        text
    }
}

fn style(group: usize) -> LineStyle {
    LineStyle::solid(SeriesStyle::nth(group).ink)
}

fn steps(data: &SignalData<'_>, count: usize) -> Vec<f64> {
    let from = data.found.settings.from;
    (0..count).map(|k| (from + k as u64) as f64).collect()
}

/// The mean losses of both groups and of all samples.
fn losses(look: &SignalLook, data: &SignalData<'_>) -> Axes {
    let scale = if look.log {
        Scale::Log10
    } else {
        Scale::Linear
    };
    let mut axes = Axes::new(step_axis(), Axis::new("loss").scaled(scale));
    let found = data.found;
    if let Some(groups) = &found.groups {
        for (index, (group, verb)) in [(&groups.rising, "rising"), (&groups.falling, "falling")]
            .into_iter()
            .enumerate()
        {
            let line = Line::new(steps(data, group.losses.len()), group.losses.clone())
                .style(style(index))
                .named(format!(
                    "{} {verb} at step {}",
                    group.samples.len(),
                    groups.step
                ));
            axes.layers.push(line.into());
        }
    }
    axes.layers.push(
        Line::new(steps(data, found.loss.len()), found.loss.clone())
            .style(LineStyle::solid(Ink::Foreground).dashed(Dash::Dashed))
            .named("all samples")
            .into(),
    );
    mark(&mut axes, data);
    axes.note = Some(match &found.groups {
        Some(_) => "groups: by the sign of Δℓ where |Δℓ| is largest, then by Σ|Δℓ|".to_owned(),
        None if found.steps() == 0 => "no step yet".to_owned(),
        None => "no groups: in no step one loss rises while another falls".to_owned(),
    });
    axes
}

/// What the groups' changes and gradients have in common.
fn agreement(data: &SignalData<'_>) -> Axes {
    let mut axes = Axes::new(step_axis(), Axis::new("agreement").limits(-1.05, 1.05)).with(Rule {
        in_limits: false,
        ..Rule::horizontal(0.0)
    });
    let Some(groups) = &data.found.groups else {
        // The same steps as above.
        let ends = steps(data, data.found.losses.len());
        if let (Some(first), Some(last)) = (ends.first(), ends.last())
            && first < last
        {
            axes.x.limits = Some((*first, *last));
        }
        return axes;
    };
    let or_gap = |value: &Option<f64>| value.unwrap_or(f64::NAN);
    let running: Vec<f64> = groups.running.iter().map(or_gap).collect();
    axes.layers.push(
        Line::new(steps(data, running.len()), running)
            .style(style(2))
            .named(format!("correlation of Δℓ, {RUNNING} steps"))
            .into(),
    );
    if !groups.cosines.is_empty() {
        axes.layers.push(
            Line::new(steps(data, groups.cosines.len()), groups.cosines.clone())
                .style(style(3).dashed(Dash::DashDot))
                .named("cos(g₊, g₋)")
                .into(),
        );
    }
    mark(&mut axes, data);
    axes.note = groups.correlation.map(|correlation| {
        format!(
            "correlation {} over all {} steps",
            format_number(correlation, 3),
            data.found.steps()
        )
    });
    axes
}

fn mark(axes: &mut Axes, data: &SignalData<'_>) {
    if let Some(step) = data.shown_step().filter(|_| data.marked) {
        axes.layers.push(
            Rule::vertical(step as f64)
                .style(LineStyle::solid(Ink::Accent).width(0.8))
                .into(),
        );
    }
}

/// `step 12 → 13`.
fn transition(step: u64) -> String {
    format!("step {step} → {}", step + 1)
}

/// Which group a sample is in, if any: 0 rising, 1 falling.
fn group_of(found: &OpposingSignals, sample: usize) -> Option<usize> {
    let groups = found.groups.as_ref()?;
    if groups.rising.samples.contains(&sample) {
        return Some(0);
    }
    groups.falling.samples.contains(&sample).then_some(1)
}

/// The samples that the chosen step moves most, as they look.
fn samples(data: &SignalData<'_>, most: usize) -> Content {
    match data.data.shape {
        InputShape::Image {
            channels,
            height,
            width,
        } => images(data, (channels, height, width), most).into(),
        InputShape::Vector(_) => plane(data).into(),
    }
}

/// What a sample is called below its picture.
fn target(data: &Dataset, sample: usize) -> String {
    match &data.targets {
        Targets::Classes { labels, names } => labels
            .get(sample)
            .and_then(|label| names.get(*label as usize))
            .cloned()
            .unwrap_or_default(),
        Targets::Values { values, dims } => values
            .get(sample * dims)
            .map_or_else(String::new, |value| format_number(*value, 3)),
    }
}

/// Those that rise above those that fall.
fn images(data: &SignalData<'_>, shape: (usize, usize, usize), most: usize) -> Mosaic {
    let Some((index, step)) = data.index().zip(data.shown_step()) else {
        return Mosaic::default();
    };
    let count = data.found.settings.top.min(most);
    let (rising, falling) = data.found.extremes(index, count);
    // Two short rows leave the images more room than a long one.
    let side = rising.len().max(falling.len());
    let columns = if side > 5 { side.div_ceil(2) } else { side };
    let all = &data.data.inputs;
    let (low, high) =
        crate::figure::samples::finite_range(all.iter().copied()).unwrap_or((0.0, 1.0));
    let tile = |change: &SampleChange| {
        let input: Vec<f32> = data
            .data
            .input(change.sample)
            .iter()
            .map(|v| *v as f32)
            .collect();
        let raster = super::data::picture(&input, shape, low as f32, high as f32);
        let tile = Tile::new(raster).captioned(format!(
            "{}  {}",
            target(data.data, change.sample),
            signed(change.change)
        ));
        match group_of(data.found, change.sample) {
            Some(group) => tile.outlined(SeriesStyle::nth(group).ink),
            None => tile,
        }
    };
    // Those that fall begin a row of their own.
    let blank = || {
        let pixels = shape.1 * shape.2;
        Tile::new(Raster::new(shape.2, shape.1, vec![0; 4 * pixels]))
    };
    let mut tiles: Vec<Tile> = rising.iter().map(tile).collect();
    tiles.resize_with(rising.len().next_multiple_of(columns.max(1)), blank);
    tiles.extend(falling.iter().map(tile));
    Mosaic {
        title: Some(format!("Δℓ, {}: rise above, fall below", transition(step))),
        tiles,
        columns: Some(columns.max(1)),
        color_bar: None,
        note: data
            .found
            .groups
            .is_some()
            .then(|| "framed: of the groups, in their colours".to_owned()),
    }
}

/// The samples at their places, coloured by sign and sized by their changes: of the first two
/// features, or of the feature and the target.
fn plane(data: &SignalData<'_>) -> Axes {
    let set = data.data;
    let curve = set.shape.len() == 1;
    let name = |index: usize| {
        set.feature_names
            .get(index)
            .filter(|name| !name.is_empty())
            .cloned()
            .unwrap_or_else(|| format!("x{}", crate::figure::ticks::subscript(index + 1)))
    };
    let vertical = match (&set.targets, curve) {
        (Targets::Classes { .. }, true) => "class".to_owned(),
        (Targets::Values { .. }, true) => "y".to_owned(),
        _ => name(1),
    };
    let mut axes = Axes::new(Axis::new(name(0)), Axis::new(vertical));
    let Some((index, step)) = data.index().zip(data.shown_step()) else {
        return axes;
    };
    let place = |sample: usize| {
        let input = set.input(sample);
        let y = match (&set.targets, input.get(1)) {
            (_, Some(y)) => *y,
            (Targets::Classes { labels, .. }, None) => f64::from(labels[sample]),
            (Targets::Values { values, dims }, None) => values[sample * dims],
        };
        (input.first().copied().unwrap_or_default(), y)
    };
    let at = |samples: &[usize]| {
        let (x, y): (Vec<f64>, Vec<f64>) = samples.iter().map(|sample| place(*sample)).unzip();
        Scatter::new(x, y)
    };
    let changes = data.found.changes(index);
    let largest = data.found.largest(index);
    let most = if largest > 0.0 { largest } else { 1.0 };
    // The largest changes last, on top; a class has a shape of its own.
    let mut order: Vec<usize> = (0..changes.len()).collect();
    order.sort_by(|a, b| changes[*a].abs().total_cmp(&changes[*b].abs()));
    let labels = set.labels();
    let classes = set.class_names().len().max(1);
    for (sign, ink, name) in [(1.0, RISES, "rises"), (-1.0, FALLS, "falls")] {
        for class in 0..classes {
            let members: Vec<usize> = order
                .iter()
                .copied()
                .filter(|sample| (changes[*sample] > 0.0) == (sign > 0.0))
                .filter(|sample| labels.is_none_or(|labels| labels[*sample] as usize == class))
                .collect();
            let sizes = members
                .iter()
                .map(|sample| 0.5 + 1.3 * (changes[*sample].abs() / most).sqrt())
                .collect();
            let points = Scatter {
                colors: ScatterColors::Uniform(ink),
                marker: Marker::ORDER[class % 4],
                sizes,
                edged: true,
                name: (class == 0).then(|| name.to_owned()),
                ..at(&members)
            };
            axes.layers.push(points.into());
        }
    }
    if let Some(groups) = &data.found.groups {
        for (index, (group, name)) in [(&groups.rising, "rising"), (&groups.falling, "falling")]
            .into_iter()
            .enumerate()
        {
            let rings = Scatter {
                colors: ScatterColors::Uniform(SeriesStyle::nth(index).ink),
                marker: Marker::Ring,
                size: 2.3,
                name: Some(format!("{name} group")),
                ..at(&group.samples)
            };
            axes.layers.push(rings.into());
        }
    }
    let (rising, falling) = data.found.extremes(index, 1);
    let end = |found: &[SampleChange]| {
        found
            .first()
            .map(|change| format!("{} ({})", signed(change.change), target(set, change.sample)))
    };
    let ends: Vec<String> = end(&rising).into_iter().chain(end(&falling)).collect();
    axes.note = Some(format!("{}: {}", transition(step), ends.join(", ")));
    axes
}

/// The change of every sample's loss in the chosen step against that in the
/// next, or, for the last step, in the one before against this.
fn pairs(data: &SignalData<'_>) -> Axes {
    let found = data.found;
    let shown = data.index();
    let first = shown.map(|index| {
        if index + 1 < found.steps() {
            index
        } else {
            index.saturating_sub(1)
        }
    });
    let label = |offset: usize| match first {
        Some(first) => format!(
            "Δℓ, {}",
            transition(found.settings.from + (first + offset) as u64)
        ),
        None => "Δℓ".to_owned(),
    };
    let mut axes = Axes::new(Axis::new(label(0)), Axis::new(label(1)));
    let quiet = LineStyle::solid(Ink::Muted).dashed(Dash::Dotted).width(0.8);
    for rule in [Rule::horizontal(0.0), Rule::vertical(0.0)] {
        axes.layers.push(rule.style(quiet).into());
    }
    let Some(first) = first.filter(|first| first + 1 < found.steps()) else {
        return axes;
    };
    let (before, after) = (found.changes(first), found.changes(first + 1));
    let of = |samples: &[usize], name: Option<&str>, ink: Ink, marker: Marker| Scatter {
        colors: ScatterColors::Uniform(ink),
        marker,
        size: 0.9,
        edged: true,
        name: name.map(str::to_owned),
        ..Scatter::new(
            samples.iter().map(|s| before[*s]).collect::<Vec<_>>(),
            samples.iter().map(|s| after[*s]).collect::<Vec<_>>(),
        )
    };
    let others: Vec<usize> = (0..before.len())
        .filter(|sample| group_of(found, *sample).is_none())
        .collect();
    axes.layers
        .push(of(&others, Some("others"), Ink::Muted, Marker::Circle).into());
    if let Some(groups) = &found.groups {
        for (index, (group, name, marker)) in [
            (&groups.rising, "rising group", Marker::Triangle),
            (&groups.falling, "falling group", Marker::Square),
        ]
        .into_iter()
        .enumerate()
        {
            let ink = SeriesStyle::nth(index).ink;
            axes.layers
                .push(of(&group.samples, Some(name), ink, marker).into());
        }
    }
    let mut parts = Vec::new();
    if let Some(ratio) = shown.and_then(|index| found.ratio(index)) {
        parts.push(format!("max|Δℓ| / |ΔL| {}", format_number(ratio, 3)));
    }
    if let Some(median) = found.median_ratio() {
        parts.push(format!("median {}", format_number(median, 3)));
    }
    axes.note = (!parts.is_empty()).then(|| parts.join(" · "));
    axes
}

fn describe(data: &SignalData<'_>) -> String {
    let found = data.found;
    let (from, end) = (found.settings.from, found.end());
    let Some(groups) = &found.groups else {
        return format!(
            "The losses of all samples from step {from} to step {end}: no two groups move in opposite directions."
        );
    };
    let mut text = format!(
        "The losses of {} and {} samples from step {from} to step {end}: the update of step {} \
         raises those of the first and lowers those of the second.",
        groups.rising.samples.len(),
        groups.falling.samples.len(),
        groups.step
    );
    if let Some(correlation) = groups.correlation {
        text.push_str(&format!(
            " The correlation of their changes is {}.",
            format_number(correlation, 3)
        ));
    }
    if let Some(ratio) = found.median_ratio() {
        text.push_str(&format!(
            " In the median a step moves the loss of one sample {} times as much as the mean.",
            format_number(ratio, 3)
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::diagnostics::signals::{SignalSettings, opposing_signals};
    use crate::figure::Layer;
    use crate::train::Setup;
    use crate::train::testing::recipe;

    fn analysed(data: &str) -> (Arc<Setup>, OpposingSignals) {
        let mut recipe = recipe();
        recipe.data = crate::data::section().component(data).unwrap();
        if data == "function" {
            recipe.loss = crate::recipe::Component::new("mean_squared_error").with("half", false);
        }
        let setup = Arc::new(Setup::new(recipe.into(), Path::new(".")).unwrap());
        let settings = SignalSettings {
            from: 3,
            steps: 14,
            top: 4,
        };
        let found = opposing_signals(&setup, &[], &[], settings, &(), &mut |_| ()).unwrap();
        (setup, found)
    }

    fn shown<'a>(setup: &'a Setup, found: &'a OpposingSignals) -> SignalData<'a> {
        SignalData {
            found,
            data: &setup.data.train,
            step: None,
            marked: true,
        }
    }

    fn names(axes: &Axes) -> Vec<String> {
        let name = |layer: &Layer| match layer {
            Layer::Line(line) => line.name.clone(),
            Layer::Scatter(scatter) => scatter.name.clone(),
            _ => None,
        };
        axes.layers.iter().filter_map(name).collect()
    }

    #[test]
    fn groups_samples_and_pairs_stand_in_every_arrangement() {
        let (setup, found) = analysed("spirals");
        let data = shown(&setup, &found);
        for (arrangement, part, panels) in [
            (Arrangement::Beside, SignalPart::Both, 4),
            (Arrangement::Stacked, SignalPart::Both, 4),
            (Arrangement::Pair, SignalPart::Both, 2),
            (Arrangement::Pair, SignalPart::Groups, 2),
            (Arrangement::Tall, SignalPart::Both, 2),
            (Arrangement::Single, SignalPart::Both, 1),
            (Arrangement::Single, SignalPart::Samples, 1),
            (Arrangement::Stacked, SignalPart::Groups, 2),
            (Arrangement::Beside, SignalPart::Samples, 2),
        ] {
            let look = SignalLook { part, log: true };
            let figure = figure(&look, arrangement, &data);
            assert_eq!(figure.panels().count(), panels);
            assert!(figure.description.contains("from step 3 to step 17"));
        }
        let figure = figure(&SignalLook::default(), Arrangement::Stacked, &data);
        let axes: Vec<&Axes> = figure.axes().collect();
        let step = found.groups.as_ref().unwrap().step;
        assert_eq!(
            names(axes[0]),
            [
                format!("4 rising at step {step}"),
                format!("4 falling at step {step}"),
                "all samples".to_owned()
            ]
        );
        assert_eq!(names(axes[1]).len(), 2);
        assert_eq!(
            names(axes[2]),
            ["rises", "falls", "rising group", "falling group"]
        );
        assert_eq!(names(axes[3]), ["others", "rising group", "falling group"]);
        // A place for each sample, by class; each change in the pairs once.
        let places = |axes: &Axes| -> usize {
            let count = |layer: &Layer| match layer {
                Layer::Scatter(scatter) => scatter.x.len(),
                _ => 0,
            };
            axes.layers.iter().map(count).sum()
        };
        let n = setup.data.train.len();
        assert_eq!((places(axes[2]), places(axes[3])), (n + 8, n));
    }

    #[test]
    fn the_chosen_step_is_shown_and_the_last_has_the_one_before() {
        let (setup, found) = analysed("spirals");
        let groups = found.groups.as_ref().unwrap().step;
        let mut data = shown(&setup, &found);
        assert_eq!(data.shown_step(), Some(groups));
        data.step = Some(99);
        assert_eq!(data.shown_step(), Some(groups));
        data.step = Some(16);
        assert_eq!(data.shown_step(), Some(16));
        let last = pairs(&data);
        assert_eq!(last.x.label, "Δℓ, step 15 → 16");
        assert_eq!(last.y.label, "Δℓ, step 16 → 17");
        data.step = Some(5);
        assert_eq!(pairs(&data).x.label, "Δℓ, step 5 → 6");
        assert!(
            losses(&SignalLook::default(), &data)
                .layers
                .iter()
                .any(|layer| matches!(layer, Layer::Rule(rule) if rule.at == 5.0))
        );
    }

    #[test]
    fn images_stand_in_two_rows_framed_by_group() {
        let (setup, found) = analysed("digits");
        let mut data = shown(&setup, &found);
        data.step = Some(found.groups.as_ref().unwrap().step);
        let Content::Mosaic(mosaic) = samples(&data, IMAGES) else {
            panic!("images");
        };
        assert_eq!((mosaic.tiles.len(), mosaic.columns), (8, Some(4)));
        let mut more = found.clone();
        more.settings.top = 7;
        let wide = SignalData {
            found: &more,
            ..data
        };
        let Content::Mosaic(many) = samples(&wide, IMAGES) else {
            panic!("images");
        };
        assert_eq!((many.tiles.len(), many.columns), (15, Some(4)));
        assert_eq!(many.tiles[7].caption, None);
        let Content::Mosaic(few) = samples(&wide, FEW_IMAGES) else {
            panic!("images");
        };
        assert_eq!((few.tiles.len(), few.columns), (8, Some(4)));
        let caption = |k: usize| mosaic.tiles[k].caption.clone().unwrap();
        assert!(
            caption(0).contains("  +") && caption(4).contains("  \u{2212}"),
            "{}",
            caption(4)
        );
        // Frames have the colours of the groups.
        let mut own = found.clone();
        let (rising, _) = found.extremes(found.index(data.step.unwrap()).unwrap(), 2);
        let groups = own.groups.as_mut().unwrap();
        groups.falling.samples = vec![rising[1].sample];
        let data = SignalData {
            found: &own,
            ..data
        };
        let Content::Mosaic(mosaic) = samples(&data, IMAGES) else {
            panic!("images");
        };
        assert_eq!(mosaic.tiles[1].outline, Some(SeriesStyle::nth(1).ink));
    }

    #[test]
    fn a_curve_and_nothing_yet_have_labelled_axes() {
        let (setup, found) = analysed("function");
        let data = shown(&setup, &found);
        let figure = figure(&SignalLook::default(), Arrangement::Beside, &data);
        assert_eq!(figure.axes().nth(1).unwrap().y.label, "y");
        let mut none = found.clone();
        none.groups = None;
        none.losses.truncate(1);
        none.loss.truncate(1);
        let data = shown(&setup, &none);
        assert_eq!(data.shown_step(), None);
        let figure = super::figure(&SignalLook::default(), Arrangement::Stacked, &data);
        assert_eq!(figure.axes().count(), 4);
        assert!(
            figure
                .axes()
                .all(|axes| !axes.x.label.is_empty() && !axes.y.label.is_empty())
        );
        assert!(figure.description.contains("no two groups"));
    }
}
