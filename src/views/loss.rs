//! Loss curves: training and validation, with accuracies, of one or many runs.

use serde::{Deserialize, Serialize};

use super::Time;
use super::thinning::{self, Extremes, Series};
use crate::figure::{
    Axes, Axis, Content, Dash, Figure, Ink, Legend, Line, LineStyle, Marker, Panel, Row, Rule,
    Scale, Scatter, SeriesStyle, Ticks, ticks::format_number,
};
use crate::math::chunked::Chunked;
use crate::math::statistics::Ema;
use crate::train::{Divergence, MetricRow};

/// What a person can change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LossSettings {
    /// Whether the loss has a logarithmic axis.
    pub log_loss: bool,
    /// Whether steps have one.
    pub log_time: bool,
    /// Steps or epochs.
    pub time: Time,
    /// Share of the old value that the moving average keeps, in \[0, 1);
    /// `None` smooths mini-batches and leaves full batches as they are.
    pub smoothing: Option<f64>,
    /// Whether the training loss is shown.
    pub training: bool,
    /// Whether the validation loss is shown.
    pub validation: bool,
    /// Whether the accuracies are shown below, where there are any.
    pub accuracy: bool,
}

impl Default for LossSettings {
    fn default() -> Self {
        Self {
            log_loss: true,
            log_time: false,
            time: Time::Step,
            smoothing: None,
            training: true,
            validation: true,
            accuracy: false,
        }
    }
}

/// How much of the noise of mini-batches is smoothed away unless somebody says
/// otherwise.
pub const DEFAULT_SMOOTHING: f64 = 0.9;

impl LossSettings {
    /// The share that the moving average keeps for a run.
    pub fn smoothing_of(&self, steps_per_epoch: u64) -> f64 {
        let automatic = if steps_per_epoch > 1 {
            DEFAULT_SMOOTHING
        } else {
            0.0
        };
        self.smoothing.unwrap_or(automatic).clamp(0.0, 0.999_999)
    }
}

/// The metrics of one run.
#[derive(Clone, Copy, Debug)]
pub struct RunSeries<'a> {
    /// Tells the run from others between calls; another one whenever rows were
    /// taken back or changed.
    pub key: u64,
    /// What the run is called.
    pub name: &'a str,
    /// Its number among the line styles.
    pub index: usize,
    /// Its metrics, by rising step.
    pub rows: &'a Chunked<MetricRow>,
    /// Steps in an epoch.
    pub steps_per_epoch: u64,
    /// Where and why it stopped being finite.
    pub divergence: Option<&'a Divergence>,
}

/// One measured quantity of a run as arrays, extended as rows come.
#[derive(Default)]
struct Column {
    steps: Chunked<f64>,
    values: Chunked<f64>,
    smooth: Chunked<f64>,
    average: Option<Ema>,
    extremes: Extremes,
    smooth_extremes: Extremes,
}

impl Column {
    fn push(&mut self, step: u64, value: Option<f64>, smoothing: f64) {
        let Some(value) = value else { return };
        self.steps.push(step as f64);
        self.values.push(value);
        if smoothing > 0.0 {
            let average = self.average.get_or_insert_with(|| Ema::new(smoothing));
            self.smooth.push(average.push(value));
        }
    }

    /// To be called after values were pushed.
    fn settle(&mut self) {
        self.extremes.follow(&self.values);
        self.smooth_extremes.follow(&self.smooth);
    }

    fn last_finite(&self) -> Option<(f64, f64)> {
        let index = (0..self.values.len())
            .rev()
            .find(|&i| self.values[i].is_finite())?;
        Some((self.steps[index], self.values[index]))
    }
}

/// What the figure needs of one run, without the run itself.
#[derive(Default)]
struct Columns {
    key: u64,
    name: String,
    index: usize,
    steps_per_epoch: u64,
    divergence: Option<Divergence>,
    smoothing: f64,
    consumed: usize,
    last_step: Option<u64>,
    train_loss: Column,
    val_loss: Column,
    train_accuracy: Column,
    val_accuracy: Column,
}

impl Columns {
    /// Takes in the rows that came since the last time, or all of them where
    /// what came before no longer holds.
    fn follow(&mut self, run: &RunSeries<'_>, smoothing: f64) {
        let last = self.consumed.checked_sub(1).and_then(|i| run.rows.get(i));
        let continues = self.key == run.key
            && self.smoothing == smoothing
            && last.map(|row| row.step) == self.last_step;
        if !continues {
            *self = Self {
                key: run.key,
                smoothing,
                ..Self::default()
            };
        }
        for row in run.rows.iter_from(self.consumed) {
            let step = row.step;
            self.train_loss.push(step, Some(row.train_loss), smoothing);
            self.val_loss.push(step, row.val_loss, 0.0);
            self.train_accuracy.push(step, row.train_accuracy, 0.0);
            self.val_accuracy.push(step, row.val_accuracy, 0.0);
        }
        for column in [
            &mut self.train_loss,
            &mut self.val_loss,
            &mut self.train_accuracy,
            &mut self.val_accuracy,
        ] {
            column.settle();
        }
        self.consumed = run.rows.len();
        self.last_step = run.rows.last().map(|row| row.step);
        run.name.clone_into(&mut self.name);
        self.index = run.index;
        self.steps_per_epoch = run.steps_per_epoch;
        self.divergence = run.divergence.cloned();
    }
}

/// Builds loss curves again and again from growing histories: every row is
/// looked at once, and a figure takes no longer for a long history.
#[derive(Default)]
pub struct LossCurves {
    settings: LossSettings,
    runs: Vec<Columns>,
}

/// The figure of some runs, with every point.
pub fn figure(settings: &LossSettings, runs: &[RunSeries<'_>]) -> Figure {
    let mut curves = LossCurves::default();
    curves.follow(settings, runs);
    curves.figure(None, usize::MAX / 8)
}

impl LossCurves {
    /// Takes in what came since the last time, the most important run last.
    pub fn follow(&mut self, settings: &LossSettings, runs: &[RunSeries<'_>]) {
        self.settings.clone_from(settings);
        self.runs.resize_with(runs.len(), Columns::default);
        for (kept, run) in self.runs.iter_mut().zip(runs) {
            kept.follow(run, settings.smoothing_of(run.steps_per_epoch));
        }
    }

    /// The figure of the runs. Within `window` (a range of the horizontal axis,
    /// everything for `None`) each curve has the extremes of `columns` columns;
    /// no peak is left out.
    pub fn figure(&self, window: Option<(f64, f64)>, columns: usize) -> Figure {
        let settings = &self.settings;
        let view = View {
            settings,
            window,
            columns,
            several: self.runs.len() > 1,
        };
        let mut loss = Axes::new(view.time_axis(), view.loss_axis());
        let mut accuracy = Axes::new(
            view.time_axis(),
            Axis::new("accuracy").unit("%").limits(0.0, 100.0),
        );
        let mut has_accuracy = false;
        for run in &self.runs {
            if settings.training {
                view.curve(&mut loss, run, &run.train_loss, Part::Training, 1.0);
                view.curve(
                    &mut accuracy,
                    run,
                    &run.train_accuracy,
                    Part::Training,
                    100.0,
                );
                has_accuracy |= !run.train_accuracy.values.is_empty();
            }
            if settings.validation {
                view.curve(&mut loss, run, &run.val_loss, Part::Validation, 1.0);
                view.curve(
                    &mut accuracy,
                    run,
                    &run.val_accuracy,
                    Part::Validation,
                    100.0,
                );
                has_accuracy |= !run.val_accuracy.values.is_empty();
            }
            view.divergence(&mut loss, run);
        }
        let mut rows = vec![(3.0, loss)];
        if settings.accuracy && has_accuracy {
            rows.push((1.6, accuracy));
        }
        Figure {
            title: Some("Loss curves".to_owned()),
            legend: if rows.len() > 1 {
                Legend::Shared
            } else {
                Legend::PerPanel
            },
            rows: rows
                .into_iter()
                .map(|(height, axes)| Row {
                    height,
                    panels: vec![Panel {
                        width: 1.0,
                        content: Content::Axes(axes),
                    }],
                })
                .collect(),
            description: describe(&self.runs),
            ..Figure::default()
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Training,
    Validation,
}

struct View<'a> {
    settings: &'a LossSettings,
    window: Option<(f64, f64)>,
    columns: usize,
    several: bool,
}

impl View<'_> {
    fn time_scale(&self) -> Scale {
        if self.settings.log_time {
            Scale::Log10
        } else {
            Scale::Linear
        }
    }

    fn time_axis(&self) -> Axis {
        let axis = Axis::new(self.settings.time.to_string()).scaled(self.time_scale());
        if self.settings.time == Time::Step && !self.settings.log_time {
            axis.ticks(Ticks::Integers)
        } else {
            axis
        }
    }

    fn loss_axis(&self) -> Axis {
        if self.settings.log_loss {
            Axis::log("loss")
        } else {
            Axis::new("loss")
        }
    }

    /// Alone, a run's training and validation are two series; among others they
    /// share the run's colour and dash, and points mark the validation.
    fn style(&self, run: &Columns, part: Part) -> (LineStyle, Marker, String) {
        match (self.several, part) {
            (false, Part::Training) => {
                (SeriesStyle::nth(0).into(), Marker::None, "train".to_owned())
            }
            (false, Part::Validation) => (
                SeriesStyle::nth(1).into(),
                Marker::None,
                "validation".to_owned(),
            ),
            (true, Part::Training) => (
                SeriesStyle::nth(run.index).into(),
                Marker::None,
                run.name.clone(),
            ),
            (true, Part::Validation) => {
                let style = SeriesStyle::nth(run.index);
                (
                    LineStyle::from(style).width(0.7).opacity(0.75),
                    style.marker,
                    format!("{}, validation", run.name),
                )
            }
        }
    }

    fn curve(&self, axes: &mut Axes, run: &Columns, column: &Column, part: Part, unit: f64) {
        if column.values.is_empty() {
            return;
        }
        let (style, marker, name) = self.style(run, part);
        let per_epoch = run.steps_per_epoch;
        let time = |step: f64| self.settings.time.of_step(step, per_epoch);
        let smoothed = !column.smooth.is_empty();
        let raw = Series {
            steps: &column.steps,
            values: &column.values,
            extremes: &column.extremes,
        };
        let smooth = Series {
            values: &column.smooth,
            extremes: &column.smooth_extremes,
            ..raw
        };
        let mut line =
            |series: Series<'_>, style: LineStyle, marker: Marker, name: Option<String>| {
                let scale = self.time_scale();
                let kept = thinning::indices(series, time, self.window, self.columns, scale);
                let mut line = Line::new(
                    kept.iter()
                        .map(|&i| time(series.steps[i]))
                        .collect::<Vec<f64>>(),
                    kept.iter()
                        .map(|&i| unit * series.values[i])
                        .collect::<Vec<f64>>(),
                )
                .style(style)
                .marked(marker);
                line.name = name;
                axes.layers.push(line.into());
            };
        if smoothed {
            let faint = LineStyle::solid(style.ink).width(0.6).opacity(0.35);
            line(raw, faint, Marker::None, None);
            line(smooth, style, marker, Some(name));
        } else {
            line(raw, style, marker, Some(name));
        }
    }

    fn divergence(&self, axes: &mut Axes, run: &Columns) {
        let Some(divergence) = &run.divergence else {
            return;
        };
        let time = self.settings.time;
        let at = time.of_step(divergence.step as f64, run.steps_per_epoch);
        let label = if self.several {
            format!("{} stopped", run.name)
        } else {
            "not finite".to_owned()
        };
        axes.layers.push(
            Rule::vertical(at)
                .style(LineStyle::solid(Ink::Accent).dashed(Dash::Dotted))
                .labelled(label)
                .into(),
        );
        if let Some((step, value)) = run.train_loss.last_finite() {
            axes.layers.push(
                Scatter {
                    colors: crate::figure::ScatterColors::Uniform(Ink::Accent),
                    marker: Marker::Cross,
                    size: 1.6,
                    edged: true,
                    ..Scatter::new(vec![time.of_step(step, run.steps_per_epoch)], vec![value])
                }
                .into(),
            );
        }
        let sentence = if self.several {
            format!("{}: {}", run.name, divergence.explanation)
        } else {
            divergence.explanation.clone()
        };
        axes.note = Some(match axes.note.take() {
            Some(note) => format!("{note} · {sentence}"),
            None => sentence,
        });
    }
}

/// The curves in words.
fn describe(runs: &[Columns]) -> String {
    let sentences: Vec<String> = runs
        .iter()
        .filter_map(|run| {
            let Column { steps, values, .. } = &run.train_loss;
            let measured = run.val_loss.values.last();
            let validation = measured.map_or(String::new(), |loss| {
                format!(", validation loss {}", format_number(*loss, 3))
            });
            Some(format!(
                "{}: training loss {} at step {}, {} at step {}{validation}.",
                run.name,
                format_number(*values.first()?, 3),
                steps.first()?,
                format_number(*values.last()?, 3),
                steps.last()?,
            ))
        })
        .collect();
    if sentences.is_empty() {
        return "No step has been made yet.".to_owned();
    }
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::samples::rows;
    use super::*;
    use crate::figure::Layer;

    fn run<'a>(rows: &'a Chunked<MetricRow>, name: &'a str, index: usize) -> RunSeries<'a> {
        RunSeries {
            key: index as u64,
            name,
            index,
            rows,
            steps_per_epoch: 4,
            divergence: None,
        }
    }

    fn lines(figure: &Figure) -> Vec<&Line> {
        figure
            .axes()
            .flat_map(|axes| &axes.layers)
            .filter_map(|layer| match layer {
                Layer::Line(line) => Some(line),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn axes_are_labelled_even_when_there_is_nothing() {
        let figure = figure(&LossSettings::default(), &[]);
        let axes = figure.axes().next().unwrap();
        assert_eq!(
            (axes.x.label.as_str(), axes.y.label.as_str()),
            ("step", "loss")
        );
        assert!(axes.layers.is_empty());
        assert_eq!(axes.y.scale, Scale::Log10);
    }

    #[test]
    fn training_and_validation_are_told_apart_by_colour_and_dash() {
        let rows = rows(400);
        let settings = LossSettings {
            smoothing: Some(0.0),
            ..LossSettings::default()
        };
        let figure = figure(&settings, &[run(&rows, "a", 3)]);
        let lines = lines(&figure);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].name.as_deref(), Some("train"));
        assert_eq!(lines[0].x.len(), 400);
        assert_ne!(lines[0].style.ink, lines[1].style.ink);
        assert_ne!(lines[0].style.dash, lines[1].style.dash);
        assert_eq!(lines[1].x.len(), 40);
    }

    #[test]
    fn smoothing_lies_over_the_raw_curve_and_follows_new_rows() {
        let rows = rows(300);
        let settings = LossSettings::default();
        let mut curves = LossCurves::default();
        let first = rows.iter().take(100).cloned().collect();
        let early = [run(&first, "a", 0)];
        curves.follow(&settings, &early);
        curves.follow(&settings, &[run(&rows, "a", 0)]);
        let grown = curves.figure(None, 1000);
        assert_eq!(grown, figure(&settings, &[run(&rows, "a", 0)]));
        let shown = lines(&grown);
        assert_eq!(shown.len(), 3);
        assert!(shown[0].name.is_none() && shown[0].style.opacity < 0.5);
        let mut ema = Ema::new(DEFAULT_SMOOTHING);
        let expected: Vec<f64> = rows.iter().map(|row| ema.push(row.train_loss)).collect();
        assert_eq!(&shown[1].y[..], &expected[..]);
        // Rows that were taken back are forgotten.
        let few = rows.iter().take(50).cloned().collect();
        curves.follow(&settings, &[run(&few, "a", 0)]);
        let back = curves.figure(None, 1000);
        assert_eq!(lines(&back)[1].x.len(), 50);
    }

    #[test]
    fn several_runs_keep_their_styles_and_names() {
        let (a, b) = (rows(50), rows(80));
        let runs = [run(&a, "first", 2), run(&b, "second", 5)];
        let figure = figure(&LossSettings::default(), &runs);
        let named: Vec<_> = lines(&figure)
            .into_iter()
            .filter(|line| line.name.is_some())
            .collect();
        assert_eq!(named.len(), 4);
        assert_eq!(named[0].style.ink, Ink::Series(2));
        assert_eq!(named[2].style.dash, SeriesStyle::nth(5).dash);
        assert_eq!(named[3].name.as_deref(), Some("second, validation"));
    }

    #[test]
    fn a_run_that_diverged_is_marked_and_explained() {
        let mut rows = rows(100);
        rows[99].train_loss = f64::INFINITY;
        let divergence = Divergence {
            step: 99,
            explanation: "The loss became infinite at step 99.".to_owned(),
            rewind_to: 80,
        };
        let run = RunSeries {
            divergence: Some(&divergence),
            ..run(&rows, "a", 0)
        };
        let figure = figure(&LossSettings::default(), &[run]);
        let axes = figure.axes().next().unwrap();
        assert_eq!(
            axes.note.as_deref(),
            Some("The loss became infinite at step 99.")
        );
        assert!(
            axes.layers
                .iter()
                .any(|l| matches!(l, Layer::Rule(rule) if rule.at == 99.0))
        );
        let cross = axes.layers.iter().find_map(|layer| match layer {
            Layer::Scatter(scatter) => Some(scatter),
            _ => None,
        });
        assert_eq!(cross.unwrap().x[0], 98.0);
    }

    #[test]
    fn epochs_and_accuracies_are_shown_on_demand() {
        let rows = rows(200);
        let settings = LossSettings {
            time: Time::Epoch,
            accuracy: true,
            ..LossSettings::default()
        };
        let figure = figure(&settings, &[run(&rows, "a", 0)]);
        let axes: Vec<_> = figure.axes().collect();
        assert_eq!(axes.len(), 2);
        assert_eq!(axes[0].x.label, "epoch");
        assert_eq!(axes[1].y.full_label(), "accuracy (%)");
        let Layer::Line(line) = &axes[0].layers[0] else {
            panic!("a line");
        };
        assert_eq!(*line.x.last().unwrap(), 199.0 / 4.0);
    }

    #[test]
    fn one_spike_in_many_rows_survives() {
        let mut rows = rows(20_000);
        rows[12_345].train_loss = 50.0;
        let mut curves = LossCurves::default();
        let settings = LossSettings {
            smoothing: Some(0.0),
            ..LossSettings::default()
        };
        curves.follow(&settings, &[run(&rows, "a", 0)]);
        let figure = curves.figure(None, 300);
        let train = lines(&figure)[0];
        assert!(train.x.len() < 1300);
        assert!(train.y.contains(&50.0));
        // Closer, every point of the window is there.
        let window = Some((12_300.0, 12_400.0));
        let figure = curves.figure(window, 300);
        assert!(lines(&figure)[0].x.len() >= 100);
    }

    #[test]
    fn settings_of_an_older_version_are_read() {
        let settings: LossSettings = serde_json::from_str(r#"{"log_loss": false}"#).unwrap();
        assert!(!settings.log_loss && settings.validation);
    }
}
