//! The Hessian's spectrum: its top eigenvalues over the steps, with the line
//! above which training becomes unstable, and the density of all of them.

use serde::{Deserialize, Serialize};

use super::Time;
use super::hessian::density::{self, DensityInfo, DensityLook, DensitySeries};
use super::sharpness_live::{self, LiveSettings};
use crate::curvature::{EigenvalueEstimate, SpectralDensity, TraceEstimate};
use crate::engine::curvature::Matrix;
use crate::figure::{Axes, Content, Figure, Panel, Row};

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
    /// Whether they are drawn as shares of the stability line.
    pub relative: bool,
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
            relative: false,
            density: DensityLook::default(),
            stacked: true,
        }
    }
}

impl SpectrumSettings {
    /// How the eigenvalues over the steps are drawn.
    pub fn live(&self) -> LiveSettings {
        LiveSettings {
            time: self.time,
            log: self.log_eigenvalues,
            relative: self.relative,
        }
    }
}

/// What is known about the spectrum of one run.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpectrumData<'a> {
    /// The eigenvalues over the steps, as [`super::sharpness_live`] draws them.
    pub eigenvalues: Option<&'a Axes>,
    /// The newest of them in a sentence.
    pub sentence: &'a str,
    /// The density, with the step it belongs to.
    pub density: Option<(u64, &'a SpectralDensity)>,
    /// The trace.
    pub trace: Option<&'a TraceEstimate>,
    /// Eigenvalues to mark in the density.
    pub exact: &'a [EigenvalueEstimate],
}

/// The figure of a run's spectrum.
pub fn figure(settings: &SpectrumSettings, data: &SpectrumData<'_>) -> Figure {
    let top = || {
        let axes = data.eigenvalues.cloned();
        Content::from(axes.unwrap_or_else(|| sharpness_live::empty(&settings.live())))
    };
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
        description: data.sentence.to_owned(),
        ..Figure::default()
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Line;
    use crate::figure::{Layer, Scale};

    fn estimate(value: f64) -> EigenvalueEstimate {
        EigenvalueEstimate {
            value,
            residual: 0.01,
            converged: true,
        }
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

    fn named(layers: &[Layer], name: &str) -> Option<Line> {
        layers.iter().find_map(|layer| match layer {
            Layer::Line(line) if line.name.as_deref() == Some(name) => Some(line.clone()),
            _ => None,
        })
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
}
