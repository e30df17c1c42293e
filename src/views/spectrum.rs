//! The Hessian's spectrum: its top eigenvalues over the steps, with the line
//! above which training becomes unstable, and the density of all of them.

use serde::{Deserialize, Serialize};

use super::Time;
use super::hessian::density::{self, DensityInfo, DensityLook, DensitySeries};
use super::table::{Cell, Table};
use crate::curvature::{EigenvalueEstimate, SpectralDensity, TraceEstimate};
use crate::engine::curvature::Matrix;
use crate::figure::ticks::{format_number, subscript};
use crate::figure::{
    Axes, Axis, Band, Content, Dash, Figure, Ink, Line, LineStyle, Marker, Panel, Row, Scale,
    SeriesStyle, Ticks,
};

/// Which part of the view is shown.
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
pub enum SpectrumPart {
    /// Both, side by side or one above the other.
    #[default]
    Both,
    /// The top eigenvalues over the steps.
    Eigenvalues,
    /// The density.
    Density,
}

/// What a person can change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpectrumSettings {
    /// Which part is shown.
    pub part: SpectrumPart,
    /// Steps or epochs.
    pub time: Time,
    /// Whether eigenvalues over steps have a logarithmic axis.
    pub log_eigenvalues: bool,
    /// How the density is drawn.
    pub density: DensityLook,
    /// Whether one part stands above the other and not beside it.
    pub stacked: bool,
}

impl Default for SpectrumSettings {
    fn default() -> Self {
        Self {
            part: SpectrumPart::Both,
            time: Time::Step,
            log_eigenvalues: false,
            density: DensityLook::default(),
            stacked: true,
        }
    }
}

/// The top eigenvalues at one step.
#[derive(Clone, Debug, PartialEq)]
pub struct SpectrumSample {
    /// The step.
    pub step: u64,
    /// The largest eigenvalues, descending.
    pub eigenvalues: Vec<EigenvalueEstimate>,
}

/// What is known about the spectrum of one run.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpectrumData<'a> {
    /// Top eigenvalues, by rising step.
    pub samples: &'a [SpectrumSample],
    /// Step and stability threshold wherever it changed, by rising step; empty
    /// where the Hessian's own eigenvalues do not decide.
    pub threshold: &'a [(u64, f64)],
    /// The threshold as a formula, such as `2/η`.
    pub formula: &'a str,
    /// The step up to which the threshold is drawn.
    pub last_step: u64,
    /// Steps in an epoch.
    pub steps_per_epoch: u64,
    /// The density, with the step it belongs to.
    pub density: Option<(u64, &'a SpectralDensity)>,
    /// The trace.
    pub trace: Option<&'a TraceEstimate>,
    /// Eigenvalues to mark in the density.
    pub exact: &'a [EigenvalueEstimate],
}

/// The figure of a run's spectrum.
pub fn figure(settings: &SpectrumSettings, data: &SpectrumData<'_>) -> Figure {
    let top = || Content::from(top_axes(settings, data));
    let density = || Content::from(density_axes(settings, data));
    let contents = match settings.part {
        SpectrumPart::Both => vec![top(), density()],
        SpectrumPart::Eigenvalues => vec![top()],
        SpectrumPart::Density => vec![density()],
    };
    let panel = |content| Panel {
        width: 1.0,
        content,
    };
    let rows = if settings.stacked {
        contents
            .into_iter()
            .map(|content| Row {
                height: 1.0,
                panels: vec![panel(content)],
            })
            .collect()
    } else {
        vec![Row {
            height: 1.0,
            panels: contents.into_iter().map(panel).collect(),
        }]
    };
    Figure {
        title: Some("Hessian spectrum".to_owned()),
        rows,
        description: describe(data),
        ..Figure::default()
    }
}

/// The name of the k-th largest eigenvalue, counted from 1.
pub fn eigenvalue_name(k: usize) -> String {
    format!("λ{}", subscript(k))
}

fn top_axes(settings: &SpectrumSettings, data: &SpectrumData<'_>) -> Axes {
    let scale = if settings.log_eigenvalues {
        Scale::Log10
    } else {
        Scale::Linear
    };
    let time = Axis::new(settings.time.to_string());
    let mut axes = Axes::new(
        if settings.time == Time::Step {
            time.ticks(Ticks::Integers)
        } else {
            time
        },
        Axis::new("eigenvalue λ").scaled(scale),
    );
    let place = |step: u64| settings.time.of_step(step as f64, data.steps_per_epoch);
    let count = data
        .samples
        .iter()
        .map(|sample| sample.eigenvalues.len())
        .max()
        .unwrap_or(0);
    // Few measurements are points, many a line.
    let marker = if data.samples.len() <= 60 {
        Marker::Circle
    } else {
        Marker::None
    };
    for k in 0..count {
        let x: Vec<f64> = data
            .samples
            .iter()
            .map(|sample| place(sample.step))
            .collect();
        let of = |f: &dyn Fn(&EigenvalueEstimate) -> f64| -> Vec<f64> {
            data.samples
                .iter()
                .map(|sample| sample.eigenvalues.get(k).map_or(f64::NAN, f))
                .collect()
        };
        let style = SeriesStyle::nth(k);
        let name = eigenvalue_name(k + 1);
        axes.layers.push(
            Band {
                x: x.clone().into(),
                lower: of(&|e| e.value - e.residual).into(),
                upper: of(&|e| e.value + e.residual).into(),
                ink: style.ink,
                name: None,
            }
            .into(),
        );
        let mut line = LineStyle::from(style);
        line.dash = if k == 0 { Dash::Solid } else { style.dash };
        axes.layers.push(
            Line::new(x, of(&|e| e.value))
                .style(line)
                .marked(marker)
                .named(name)
                .into(),
        );
    }
    threshold_line(&mut axes, settings, data);
    if let Some(sharpest) = newest(data) {
        let mut note = format!(
            "λ₁ = {} ± {} at step {}",
            format_number(sharpest.1.value, 4),
            format_number(sharpest.1.residual, 1),
            format_number(sharpest.0 as f64, 9)
        );
        if !sharpest.1.converged {
            note.push_str(", not converged");
        }
        if let Some((_, threshold)) = data.threshold.last() {
            note.push_str(&format!(
                " · {} = {}",
                data.formula,
                format_number(*threshold, 3)
            ));
        }
        axes.note = Some(note);
    }
    axes
}

fn newest(data: &SpectrumData<'_>) -> Option<(u64, EigenvalueEstimate)> {
    let last = data.samples.last()?;
    Some((last.step, *last.eigenvalues.first()?))
}

/// The line above which steps are unstable, following the learning rate.
fn threshold_line(axes: &mut Axes, settings: &SpectrumSettings, data: &SpectrumData<'_>) {
    let Some(&(_, latest)) = data.threshold.last() else {
        return;
    };
    let place = |step: u64| settings.time.of_step(step as f64, data.steps_per_epoch);
    let (mut x, mut y): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    for &(step, value) in data.threshold {
        // A change is a step, not a slope.
        if let Some(&before) = y.last()
            && x.last().is_some_and(|last| place(step) > *last)
        {
            x.push(place(step));
            y.push(before);
        }
        x.push(place(step));
        y.push(value);
    }
    let end = data
        .last_step
        .max(data.samples.last().map_or(0, |sample| sample.step))
        .max(1);
    x.push(place(end));
    y.push(latest);
    let highest = data
        .samples
        .iter()
        .filter_map(|sample| sample.eigenvalues.first())
        .map(|e| e.value)
        .filter(|v| v.is_finite())
        .fold(f64::NEG_INFINITY, f64::max);
    let far_above = highest > 0.0 && latest > 5.0 * highest && !settings.log_eigenvalues;
    if far_above {
        // The line would press the eigenvalues flat: the note names it.
        return;
    }
    axes.layers.push(
        Line::new(x, y)
            .style(LineStyle::solid(Ink::Foreground).dashed(Dash::Dashed))
            .named(data.formula)
            .into(),
    );
}

fn density_axes(settings: &SpectrumSettings, data: &SpectrumData<'_>) -> Axes {
    let series: Vec<DensitySeries<'_>> = data
        .density
        .iter()
        .map(|(_, density)| DensitySeries {
            matrix: Matrix::Hessian,
            density,
            top: None,
            exact: None,
        })
        .collect();
    let info = DensityInfo {
        step: data.density.map(|(step, _)| step),
        trace: data.trace,
        found: data.exact,
        ..DensityInfo::default()
    };
    density::axes(&settings.density, &series, &info)
}

fn describe(data: &SpectrumData<'_>) -> String {
    let Some((step, sharpest)) = newest(data) else {
        return "No eigenvalue has been measured yet.".to_owned();
    };
    let mut text = format!(
        "The largest eigenvalue of the Hessian is {} at step {step}",
        format_number(sharpest.value, 3)
    );
    if let Some((_, threshold)) = data.threshold.last() {
        text.push_str(&format!(
            ", the threshold {} is {}",
            data.formula,
            format_number(*threshold, 3)
        ));
    }
    text.push('.');
    text
}

/// Every eigenvalue with its residual.
pub fn table(samples: &[SpectrumSample]) -> Table {
    let rows = samples
        .iter()
        .flat_map(|sample| {
            sample.eigenvalues.iter().enumerate().map(|(k, e)| {
                vec![
                    Cell::Number(sample.step as f64),
                    Cell::Text(eigenvalue_name(k + 1)),
                    Cell::Number(e.value),
                    Cell::Number(e.residual),
                    Cell::Text(if e.converged { "yes" } else { "no" }.to_owned()),
                ]
            })
        })
        .collect();
    Table {
        title: "Top eigenvalues".to_owned(),
        columns: ["step", "", "eigenvalue", "residual", "converged"]
            .map(str::to_owned)
            .to_vec(),
        rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Layer;

    fn estimate(value: f64) -> EigenvalueEstimate {
        EigenvalueEstimate {
            value,
            residual: 0.01,
            converged: true,
        }
    }

    fn samples() -> Vec<SpectrumSample> {
        (0..20)
            .map(|i| SpectrumSample {
                step: 25 * i,
                eigenvalues: vec![estimate(i as f64), estimate(0.5 * i as f64)],
            })
            .collect()
    }

    fn density() -> SpectralDensity {
        SpectralDensity {
            dimension: 100,
            steps: 10,
            rules: vec![
                crate::curvature::ProbeRule {
                    nodes: vec![-0.1, 0.0, 0.2, 5.0],
                    weights: vec![0.2, 0.6, 0.15, 0.05],
                },
                crate::curvature::ProbeRule {
                    nodes: vec![-0.12, 0.01, 0.25, 5.1],
                    weights: vec![0.25, 0.55, 0.15, 0.05],
                },
            ],
            exact: vec![],
            range: [-0.12, 5.1],
        }
    }

    fn layers(figure: &Figure, panel: usize) -> Vec<Layer> {
        figure.axes().nth(panel).unwrap().layers.clone()
    }

    fn named(layers: &[Layer], name: &str) -> Option<Line> {
        layers.iter().find_map(|layer| match layer {
            Layer::Line(line) if line.name.as_deref() == Some(name) => Some(line.clone()),
            _ => None,
        })
    }

    #[test]
    fn eigenvalues_have_their_residuals_and_the_line_above_them() {
        let samples = samples();
        let data = SpectrumData {
            samples: &samples,
            threshold: &[(0, 20.0), (250, 10.0)],
            formula: "2/η",
            last_step: 480,
            steps_per_epoch: 1,
            ..SpectrumData::default()
        };
        let figure = figure(&SpectrumSettings::default(), &data);
        let layers = layers(&figure, 0);
        assert_eq!(named(&layers, "λ₁").unwrap().y.last().copied(), Some(19.0));
        assert!(named(&layers, "λ₂").is_some());
        assert!(
            layers
                .iter()
                .any(|l| matches!(l, Layer::Band(band) if band.upper[3] == 3.01))
        );
        let line = named(&layers, "2/η").unwrap();
        assert_eq!(&line.x[..], [0.0, 250.0, 250.0, 480.0]);
        assert_eq!(&line.y[..], [20.0, 20.0, 10.0, 10.0]);
        let axes = figure.axes().next().unwrap();
        assert_eq!(axes.y.label, "eigenvalue λ");
        assert!(axes.note.as_deref().unwrap().contains("2/η = 10"));
    }

    #[test]
    fn a_threshold_far_above_is_only_named() {
        let samples = samples();
        let data = SpectrumData {
            samples: &samples,
            threshold: &[(0, 2000.0)],
            formula: "2/η",
            ..SpectrumData::default()
        };
        let linear = figure(&SpectrumSettings::default(), &data);
        assert!(named(&layers(&linear, 0), "2/η").is_none());
        assert!(
            linear
                .axes()
                .next()
                .unwrap()
                .note
                .as_deref()
                .unwrap()
                .contains("2/η = 2")
        );
        let settings = SpectrumSettings {
            log_eigenvalues: true,
            ..SpectrumSettings::default()
        };
        assert!(named(&layers(&figure(&settings, &data), 0), "2/η").is_some());
    }

    #[test]
    fn a_density_has_its_spread_stems_and_trace() {
        let density = density();
        let trace = TraceEstimate {
            value: 12.25,
            stderr: 0.4,
            probes: 10,
            method: crate::curvature::TraceMethod::Hutchinson,
        };
        let exact = [estimate(5.05)];
        let data = SpectrumData {
            density: Some((40, &density)),
            trace: Some(&trace),
            exact: &exact,
            ..SpectrumData::default()
        };
        let figure = figure(&SpectrumSettings::default(), &data);
        let axes = figure.axes().nth(1).unwrap();
        assert_eq!(axes.y.scale, Scale::Log10);
        assert!(
            axes.note
                .as_deref()
                .unwrap()
                .starts_with("trace 12.25 ± 0.4 · 2 probes × 10 steps")
        );
        assert!(
            axes.layers
                .iter()
                .any(|l| matches!(l, Layer::Stems(s) if s.x[0] == 5.05))
        );
        let (low, high) = axes.y.limits.unwrap();
        assert!(low > 0.0 && low < high);

        let settings = SpectrumSettings {
            density: DensityLook {
                log: true,
                ..DensityLook::default()
            },
            part: SpectrumPart::Density,
            ..SpectrumSettings::default()
        };
        let figure = super::figure(&settings, &data);
        let axes = figure.axes().next().unwrap();
        assert_eq!(axes.x.scale, Scale::Log10);
        assert!(named(&axes.layers, "λ < 0").is_some());
    }

    #[test]
    fn nothing_yet_has_labelled_axes() {
        let figure = figure(&SpectrumSettings::default(), &SpectrumData::default());
        assert_eq!(figure.axes().count(), 2);
        assert!(
            figure
                .axes()
                .all(|axes| axes.layers.is_empty() && !axes.x.label.is_empty())
        );
    }

    #[test]
    fn the_table_lists_every_residual() {
        let table = table(&samples());
        assert_eq!(table.rows.len(), 40);
        assert_eq!(table.rows[1][1], Cell::Text("λ₂".to_owned()));
        assert_eq!(table.rows[1][3], Cell::Number(0.01));
    }
}
