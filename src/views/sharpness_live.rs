//! Both ends of the Hessian's spectrum over the steps of a training, with the
//! line of the optimizer above which its steps are unstable.

use std::fmt::Write as _;

use super::Time;
use super::table::{Cell, Table};
use super::thinning::{self, Extremes, Series};
use crate::curvature::EigenvalueEstimate;
use crate::engine::{MonitorLoad, SpectrumPoint};
use crate::figure::ticks::{format_number, subscript};
use crate::figure::{
    Axes, Axis, Band, Dash, Ink, Layer, Line, LineStyle, Marker, Scale, Scatter, ScatterColors,
    SeriesStyle, Ticks,
};
use crate::math::chunked::Chunked;
use crate::train::optimizers::Stability;

/// Measurements up to which every one is a point of the curve.
const FEW: usize = 60;
/// Values that did not converge get a mark each up to this many.
const MARKS: usize = 400;
/// A line or curve this many times above all others would press them flat.
const FAR: f64 = 5.0;
/// Rows of the table: the newest measurements.
const ROWS: usize = 1000;

/// How the eigenvalues are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LiveSettings {
    /// Steps or epochs.
    pub time: Time,
    /// Whether the eigenvalues have a logarithmic axis.
    pub log: bool,
    /// Whether each value is divided by the stability line at its step: from 1
    /// on steps are unstable. For an adaptive optimizer these are the
    /// eigenvalues of the preconditioned Hessian.
    pub relative: bool,
}

/// The measurements of one run.
#[derive(Clone, Copy, Debug)]
pub struct LiveData<'a> {
    /// Another number whenever points were taken back.
    pub key: u64,
    /// What was measured, by rising step.
    pub points: &'a Chunked<SpectrumPoint>,
    /// Up to which sharpness the present steps are stable.
    pub stability: Option<&'a Stability>,
    /// The first step and the present one, between which the line is drawn.
    pub steps: (u64, u64),
    /// Steps in an epoch.
    pub steps_per_epoch: u64,
    /// What the measurements cost, while they are made.
    pub load: Option<MonitorLoad>,
}

/// One quantity over the steps.
#[derive(Default)]
struct Column {
    steps: Chunked<f64>,
    values: Chunked<f64>,
    residuals: Chunked<f64>,
    /// Indices of values that did not converge.
    open: Vec<usize>,
    extremes: Extremes,
    highest: f64,
}

impl Column {
    fn push(&mut self, step: u64, estimate: EigenvalueEstimate, unit: f64) {
        if !estimate.converged {
            self.open.push(self.values.len());
        }
        let value = estimate.value * unit;
        if value.is_finite() {
            self.highest = self.highest.max(value);
        }
        self.steps.push(step as f64);
        self.values.push(value);
        self.residuals.push(estimate.residual * unit.abs());
    }
}

/// Builds the figure again and again from growing measurements: every one is
/// looked at once, and a figure takes no longer for many.
#[derive(Default)]
pub struct LiveCurves {
    settings: LiveSettings,
    key: u64,
    steps: (u64, u64),
    steps_per_epoch: u64,
    stability: Option<Stability>,
    note: Option<String>,
    consumed: usize,
    last_step: Option<u64>,
    top: Vec<Column>,
    bottom: Vec<Column>,
    preconditioned: Column,
    batch: Column,
    /// The stability line, a point before and after each change.
    line: Column,
}

impl LiveCurves {
    /// Takes in what came since the last time.
    pub fn follow(&mut self, settings: &LiveSettings, data: &LiveData<'_>) {
        let last = self
            .consumed
            .checked_sub(1)
            .and_then(|i| data.points.get(i));
        let continues = self.key == data.key
            && self.settings.relative == settings.relative
            && last.map(|point| point.step) == self.last_step;
        if !continues {
            *self = Self {
                key: data.key,
                ..Self::default()
            };
        }
        self.settings = *settings;
        self.steps = data.steps;
        self.steps_per_epoch = data.steps_per_epoch;
        self.stability = data.stability.cloned();
        self.note = note(data);
        for point in data.points.iter_from(self.consumed) {
            self.push(point);
        }
        self.consumed = data.points.len();
        self.last_step = data.points.last().map(|point| point.step);
        for column in self.top.iter_mut().chain(&mut self.bottom).chain([
            &mut self.preconditioned,
            &mut self.batch,
            &mut self.line,
        ]) {
            column.extremes.follow(&column.values);
        }
    }

    fn push(&mut self, point: &SpectrumPoint) {
        let threshold = point.stability.threshold();
        let relative = self.settings.relative;
        let unit = match threshold {
            Some(threshold) if relative => 1.0 / threshold,
            _ => 1.0,
        };
        let adaptive = point.stability.preconditioned;
        if !relative || !(adaptive || threshold.is_none()) {
            for (columns, found) in [
                (&mut self.top, &point.eigenvalues),
                (&mut self.bottom, &point.smallest),
            ] {
                if columns.len() < found.len() {
                    columns.resize_with(found.len(), Column::default);
                }
                for (column, estimate) in columns.iter_mut().zip(found) {
                    column.push(point.step, *estimate, unit);
                }
            }
        }
        if let Some(estimate) = point.preconditioned {
            self.preconditioned.push(point.step, estimate, unit);
        }
        let comparable = !adaptive && (threshold.is_some() || !relative);
        if let Some(batch) = point.batch_sharpness.filter(|_| comparable) {
            let estimate = EigenvalueEstimate {
                value: batch.value,
                residual: batch.stderr,
                converged: true,
            };
            self.batch.push(point.step, estimate, unit);
        }
        if let Some(threshold) = threshold
            && (!adaptive || point.preconditioned.is_some())
        {
            self.push_line(point.step, threshold);
        }
    }

    fn push_line(&mut self, step: u64, threshold: f64) {
        let value = if self.settings.relative {
            1.0
        } else {
            threshold
        };
        if let Some(before) = self.line.values.last().copied() {
            if (before - value).abs() <= 1e-12 * value.abs() {
                return;
            }
            // A change is a step, not a slope.
            self.line.push(step, exact(before), 1.0);
        }
        self.line.push(step, exact(value), 1.0);
    }

    /// The axes of the eigenvalues over the steps. Within `window` (a range of
    /// the horizontal axis, everything for `None`) each curve has the extremes
    /// of `columns` columns; no peak is left out.
    pub fn axes(&self, window: Option<(f64, f64)>, columns: usize) -> Axes {
        let settings = &self.settings;
        let mut axes = empty(settings);
        let view = View {
            settings,
            window,
            columns,
            steps_per_epoch: self.steps_per_epoch,
        };
        let largest = self.top.iter().map(|column| column.highest);
        let highest = largest.fold(self.batch.highest, f64::max);
        let fits = |value: f64| {
            settings.log || settings.relative || highest <= 0.0 || value <= FAR * highest
        };
        let mut hidden = false;
        for (k, column) in self.top.iter().enumerate() {
            let mut style = LineStyle::from(SeriesStyle::nth(k));
            if k == 0 {
                style.dash = Dash::Solid;
            }
            view.curve(&mut axes, column, style, &top_name(k));
        }
        for (k, column) in self.bottom.iter().enumerate() {
            let style = LineStyle::from(SeriesStyle::nth(self.top.len() + k));
            view.curve(&mut axes, column, style, &bottom_name(k));
        }
        let next = self.top.len() + self.bottom.len();
        let solid = |index| LineStyle::from(SeriesStyle::nth(index)).dashed(Dash::Solid);
        view.curve(&mut axes, &self.batch, solid(next), "batch sharpness");
        if !self.preconditioned.values.is_empty() {
            if fits(self.preconditioned.highest) {
                let style = solid(next + 1);
                view.curve(&mut axes, &self.preconditioned, style, PRECONDITIONED);
            } else {
                hidden = true;
            }
        }
        if let Some(stability) = &self.stability
            && let Some(threshold) = stability.threshold()
        {
            let measured = !stability.preconditioned || !self.preconditioned.values.is_empty();
            let threshold = if settings.relative { 1.0 } else { threshold };
            // Where it was told by nobody else, it is the present one.
            let shown = !hidden && (fits(threshold) || self.line_in_reach(highest));
            if measured && shown {
                let reach = if settings.log || settings.relative || highest <= 0.0 {
                    f64::INFINITY
                } else {
                    FAR * highest
                };
                view.line(
                    &mut axes, &self.line, threshold, reach, self.steps, stability,
                );
            }
        }
        axes.note.clone_from(&self.note);
        axes
    }

    /// Whether a part of the stability line lies where the curves are.
    fn line_in_reach(&self, highest: f64) -> bool {
        self.line
            .extremes
            .within(&self.line.values, 0, self.line.values.len())
            .is_some_and(|(low, _)| self.line.values[low] <= FAR * highest)
    }
}

/// λ₁ of the preconditioned Hessian.
const PRECONDITIONED: &str = "λ₁(P⁻¹H)";

fn exact(value: f64) -> EigenvalueEstimate {
    EigenvalueEstimate {
        value,
        residual: 0.0,
        converged: true,
    }
}

/// The name of the k-th largest eigenvalue, counted from 0.
pub fn top_name(k: usize) -> String {
    format!("λ{}", subscript(k + 1))
}

/// The name of the k-th smallest eigenvalue, counted from 0.
pub fn bottom_name(k: usize) -> String {
    if k == 0 {
        "λₘᵢₙ".to_owned()
    } else {
        format!("λₘᵢₙ{}", subscript(k + 1))
    }
}

/// The axes without any curve.
pub fn empty(settings: &LiveSettings) -> Axes {
    let time = Axis::new(settings.time.to_string());
    let label = if settings.relative {
        "λ relative to the line"
    } else {
        "eigenvalue λ"
    };
    let scale = if settings.log {
        Scale::Log10
    } else {
        Scale::Linear
    };
    Axes::new(
        if settings.time == Time::Step {
            time.ticks(Ticks::Integers)
        } else {
            time
        },
        Axis::new(label).scaled(scale),
    )
}

struct View<'a> {
    settings: &'a LiveSettings,
    window: Option<(f64, f64)>,
    columns: usize,
    steps_per_epoch: u64,
}

impl View<'_> {
    fn time(&self, step: f64) -> f64 {
        self.settings.time.of_step(step, self.steps_per_epoch)
    }

    fn kept(&self, column: &Column) -> Vec<usize> {
        let series = Series {
            steps: &column.steps,
            values: &column.values,
            extremes: &column.extremes,
        };
        let time = |step| self.time(step);
        thinning::indices(series, time, self.window, self.columns, Scale::Linear)
    }

    fn curve(&self, axes: &mut Axes, column: &Column, style: LineStyle, name: &str) {
        if column.values.is_empty() {
            return;
        }
        let kept = self.kept(column);
        let x: Vec<f64> = kept.iter().map(|&i| self.time(column.steps[i])).collect();
        let of = |f: &dyn Fn(usize) -> f64| kept.iter().map(|&i| f(i)).collect::<Vec<f64>>();
        axes.layers.push(
            Band {
                x: x.clone().into(),
                lower: of(&|i| column.values[i] - column.residuals[i]).into(),
                upper: of(&|i| column.values[i] + column.residuals[i]).into(),
                ink: style.ink,
                name: None,
            }
            .into(),
        );
        let few = column.values.len() <= FEW && column.open.is_empty();
        let marker = if few { Marker::Circle } else { Marker::None };
        let line = Line::new(x, of(&|i| column.values[i])).style(style);
        axes.layers.push(line.marked(marker).named(name).into());
        // Rings where the iteration did not converge.
        let open = kept.iter().filter(|i| column.open.binary_search(i).is_ok());
        let open: Vec<usize> = open.copied().collect();
        if !open.is_empty() {
            let every = open.len().div_ceil(MARKS);
            let open: Vec<usize> = open.into_iter().step_by(every).collect();
            let x: Vec<f64> = open.iter().map(|&i| self.time(column.steps[i])).collect();
            // One entry of the legend tells of all rings.
            let rings = |layer: &Layer| matches!(layer, Layer::Scatter(_));
            let told = !axes.layers.iter().any(rings);
            let y: Vec<f64> = open.iter().map(|&i| column.values[i]).collect();
            axes.layers.push(
                Scatter {
                    colors: ScatterColors::Uniform(style.ink),
                    marker: Marker::Ring,
                    name: told.then(|| "not converged".to_owned()),
                    ..Scatter::new(x, y)
                }
                .into(),
            );
        }
    }

    /// The line from the first step to the present one, where it stands at
    /// `present`; without the parts above `highest`, which would press everything
    /// else flat.
    fn line(
        &self,
        axes: &mut Axes,
        column: &Column,
        present: f64,
        highest: f64,
        (first, last): (u64, u64),
        stability: &Stability,
    ) {
        let kept = self.kept(column);
        let mut x: Vec<f64> = kept.iter().map(|&i| self.time(column.steps[i])).collect();
        let mut y: Vec<f64> = kept.iter().map(|&i| column.values[i]).collect();
        match x.first_mut() {
            Some(start) => *start = start.min(self.time(first as f64)),
            None => {
                x.push(self.time(first as f64));
                y.push(present);
            }
        }
        let begins = x.last().copied().unwrap_or_default();
        let end = self.time(last.max(1) as f64).max(begins);
        if let Some(&before) = y.last()
            && (before - present).abs() > 1e-12 * present.abs()
        {
            x.push(end);
            y.push(before);
        }
        x.push(end);
        y.push(present);
        for value in &mut y {
            if *value > highest {
                *value = f64::NAN;
            }
        }
        let style = LineStyle::solid(Ink::Foreground).dashed(Dash::Dashed);
        let name = stability.formula();
        axes.layers
            .push(Line::new(x, y).style(style).named(name).into());
    }
}

/// The newest measurement in words.
fn note(data: &LiveData<'_>) -> Option<String> {
    let point = data.points.last()?;
    let sharpest = point.eigenvalues.first()?;
    let mut note = format!(
        "λ₁ = {} ± {} at step {}",
        format_number(sharpest.value, 4),
        format_number(sharpest.residual, 1),
        format_number(point.step as f64, 9)
    );
    if !sharpest.converged {
        note.push_str(", not converged");
    }
    let stability = data.stability.unwrap_or(&point.stability);
    if let Some(reading) = reading(point, stability) {
        note.push_str(" · ");
        note.push_str(&reading);
    }
    if let Some(lowest) = point.smallest.first() {
        let _ = write!(note, " · λₘᵢₙ = {}", format_number(lowest.value, 2));
    }
    if let Some(batch) = point.batch_sharpness {
        let _ = write!(
            note,
            " · batch sharpness {} ± {}",
            format_number(batch.value, 3),
            format_number(batch.stderr, 1)
        );
    }
    if let Some(load) = data.load {
        let _ = write!(note, " · {}", cadence(load));
    }
    Some(note)
}

/// The sharpness as a dimensionless number and the one at which the optimizer
/// becomes unstable, such as `η·λ₁ = 1.93 of 2`: η times the decisive
/// eigenvalue, weight decay added.
pub fn reading(point: &SpectrumPoint, stability: &Stability) -> Option<String> {
    let decisive = if stability.preconditioned {
        point.preconditioned?
    } else {
        *point.eigenvalues.first()?
    };
    let value = stability.scaled(decisive.value).filter(|v| v.is_finite())?;
    let name = match (stability.preconditioned, stability.weight_decay > 0.0) {
        (true, _) => "η·λ₁(P⁻¹H)",
        (false, _) if stability.regularization > 0.0 => "η·(λ₁ + ρλ₁²)",
        (false, false) => "η·λ₁",
        (false, true) => "η·(λ₁ + decay)",
    };
    Some(format!(
        "{name} = {} of {}",
        format_number(value, 3),
        format_number(stability.coefficient, 3)
    ))
}

/// How often it is measured, such as `every step` or `every ~7 steps (30 % of
/// the time)`.
pub fn cadence(load: MonitorLoad) -> String {
    let percent = format_number(100.0 * load.share, 2);
    if load.every < 1.05 {
        format!("every step ({percent} % of the time)")
    } else {
        let every = format_number(load.every, 2);
        format!("every ~{every} steps ({percent} % of the time)")
    }
}

/// The newest measurement in a sentence.
pub fn describe(data: &LiveData<'_>) -> String {
    let newest = data.points.last();
    let Some((point, sharpest)) = newest.and_then(|p| Some((p, p.eigenvalues.first()?))) else {
        return "No eigenvalue has been measured yet.".to_owned();
    };
    let mut text = format!(
        "The largest eigenvalue of the Hessian is {} at step {}",
        format_number(sharpest.value, 3),
        point.step
    );
    if !sharpest.converged {
        text.push_str(", not converged");
    }
    let stability = data.stability.unwrap_or(&point.stability);
    if let Some(found) = point.preconditioned.filter(|_| stability.preconditioned) {
        let _ = write!(
            text,
            ", that of the preconditioned one is {}",
            format_number(found.value, 3)
        );
    }
    match stability.threshold() {
        Some(threshold) => {
            let (formula, value) = (stability.formula(), format_number(threshold, 3));
            let _ = write!(text, ", the threshold {formula} is {value}.");
        }
        None => text.push('.'),
    }
    text
}

/// The newest measurements, every eigenvalue with its residual.
pub fn table(points: &Chunked<SpectrumPoint>) -> Table {
    let from = points.len().saturating_sub(ROWS);
    let mut rows = Vec::new();
    for point in points.iter_from(from) {
        let mut row = |name: String, value: f64, residual: f64, converged: &str| {
            rows.push(vec![
                Cell::Number(point.step as f64),
                Cell::Text(name),
                Cell::Number(value),
                Cell::Number(residual),
                Cell::Text(converged.to_owned()),
            ]);
        };
        let mut estimate = |name: String, e: &EigenvalueEstimate| {
            let converged = if e.converged { "yes" } else { "no" };
            row(name, e.value, e.residual, converged);
        };
        for (k, e) in point.eigenvalues.iter().enumerate() {
            estimate(top_name(k), e);
        }
        for (k, e) in point.smallest.iter().enumerate() {
            estimate(bottom_name(k), e);
        }
        if let Some(e) = &point.preconditioned {
            estimate(PRECONDITIONED.to_owned(), e);
        }
        if let Some(batch) = point.batch_sharpness {
            row("batch sharpness".to_owned(), batch.value, batch.stderr, "");
        }
    }
    Table {
        title: "Eigenvalues over the steps".to_owned(),
        columns: ["step", "", "eigenvalue", "residual", "converged"]
            .map(str::to_owned)
            .to_vec(),
        rows,
    }
}

#[cfg(test)]
#[path = "sharpness_live_tests.rs"]
mod tests;
