//! The density of eigenvalues in detail: several matrices over one another, the
//! raw nodes, what stands out, and the exact spectrum.

use serde::{Deserialize, Serialize};

use crate::curvature::{
    Bandwidth, EigenvalueEstimate, ExactSpectrum, Outliers, SpectralDensity, TopSpectrum,
    TraceEstimate, verify,
};
use crate::engine::curvature::Matrix;
use crate::figure::ticks::format_number;
use crate::figure::{Axes, Axis, Band, Dash, Figure, Ink, Line, LineStyle, Marker, Rule, Stems};
use crate::views::percent;

/// Width of the kernel in decades on an axis of log₁₀|λ|.
const DECADES: f64 = 0.08;
/// Points of a curve at least.
const POINTS: usize = 256;
/// What a kernel's bandwidth can be multiplied with.
pub const FACTORS: std::ops::RangeInclusive<f64> = 0.05..=10.0;

/// How a density is drawn. Nothing here needs another product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DensityLook {
    /// Whether the axis is log₁₀|λ|, with a curve for each sign.
    pub log: bool,
    /// Whether the nodes are drawn too.
    pub stems: bool,
    /// The kernel's width as a multiple of the usual one, which is range over
    /// Lanczos steps.
    pub bandwidth: f64,
}

impl Default for DensityLook {
    fn default() -> Self {
        Self {
            log: false,
            stems: false,
            bandwidth: 1.0,
        }
    }
}

/// One matrix.
#[derive(Clone, Copy, Debug)]
pub struct DensitySeries<'a> {
    /// Which.
    pub matrix: Matrix,
    /// Its density.
    pub density: &'a SpectralDensity,
    /// Its ends.
    pub top: Option<&'a TopSpectrum>,
    /// All its eigenvalues.
    pub exact: Option<&'a ExactSpectrum>,
}

/// What the note says beside that.
#[derive(Clone, Copy, Debug, Default)]
pub struct DensityInfo<'a> {
    /// The step of the parameters.
    pub step: Option<u64>,
    /// The trace of the only matrix.
    pub trace: Option<&'a TraceEstimate>,
    /// How many classes there are; 0 for a regression.
    pub classes: usize,
    /// Eigenvalues to mark in a density that has taken none out.
    pub found: &'a [EigenvalueEstimate],
}

/// The figure of one density or several over one another.
pub fn figure(look: &DensityLook, series: &[DensitySeries<'_>], info: &DensityInfo<'_>) -> Figure {
    Figure::single(axes(look, series, info))
        .titled("Spectral density")
        .described(describe(look, series, info))
}

/// The axes of it.
pub fn axes(look: &DensityLook, series: &[DensitySeries<'_>], info: &DensityInfo<'_>) -> Axes {
    if series.is_empty() {
        return Axes::new(Axis::new("eigenvalue λ"), Axis::log("density"));
    }
    let mut axes = if look.log {
        logarithmic(look, series)
    } else {
        linear(look, series, info)
    };
    let mut notes: Vec<String> = Vec::new();
    if let [only] = series {
        if let Some(trace) = info.trace {
            notes.push(if trace.stderr > 0.0 {
                let error = format_number(trace.stderr, 2);
                format!("trace {} ± {error}", format_number(trace.value, 4))
            } else {
                format!("trace {}", format_number(trace.value, 4))
            });
        }
        notes.push(format!(
            "{} probes × {} steps",
            only.density.rules.len(),
            only.density.steps
        ));
    }
    if let Some(step) = info.step {
        notes.push(format!("step {}", format_number(step as f64, 9)));
    }
    if let [only] = series {
        let outliers = outliers(look, only.density);
        notes.extend(tell_outliers(&outliers, info.classes));
    }
    for one in series {
        notes.extend(tell_verification(look, one, series.len() > 1));
    }
    notes.extend(axes.note.take());
    axes.note = Some(notes.join(" · "));
    axes
}

/// The kernel's standard deviation on a linear axis.
pub fn sigma(look: &DensityLook, density: &SpectralDensity) -> f64 {
    look.bandwidth * density.sigma(Bandwidth::default())
}

/// The outliers by the bandwidth that is shown.
pub fn outliers(look: &DensityLook, density: &SpectralDensity) -> Outliers {
    density.outliers(sigma(look, density))
}

/// Outliers as `9 outliers above 0.31 (10 classes)`.
fn tell_outliers(outliers: &Outliers, classes: usize) -> Option<String> {
    let further = outliers.further.round();
    let mut text = match outliers.above.len() {
        0 if further < 1.0 && outliers.below.is_empty() => return None,
        1 => "1 outlier".to_owned(),
        n => format!("{n} outliers"),
    };
    text.push_str(&format!(" above {}", format_number(outliers.edges[1], 2)));
    if !outliers.below.is_empty() {
        text.push_str(&format!(
            ", {} below {}",
            outliers.below.len(),
            format_number(outliers.edges[0], 2)
        ));
    }
    if further >= 1.0 {
        text.push_str(&format!(", about {} more", format_number(further, 3)));
    }
    if classes > 0 {
        text.push_str(&format!(" ({classes} classes)"));
    }
    Some(text)
}

fn tell_verification(
    look: &DensityLook,
    series: &DensitySeries<'_>,
    named: bool,
) -> Option<String> {
    let exact = series.exact?;
    let found = verify(
        series.density,
        series.top,
        exact,
        sigma(look, series.density),
    );
    let name = if named {
        format!("{}: ", series.matrix.symbol())
    } else {
        String::new()
    };
    let error = if found.stderr.is_finite() {
        format!(" (± {} stated)", format_number(100.0 * found.stderr, 1))
    } else {
        String::new()
    };
    let mut text = format!(
        "{name}the share below λ differs by {} % at most{error}, at λ = {}",
        format_number(100.0 * found.share, 1),
        format_number(found.at, 2)
    );
    if let Some(difference) = found.eigenvalue {
        text.push_str(&format!(
            "; single eigenvalues by {}",
            format_number(difference, 1)
        ));
    }
    Some(text)
}

/// The line style of a matrix.
fn style(k: usize) -> LineStyle {
    LineStyle::solid(Ink::Series(k))
}

fn exact_style(k: usize, only: bool) -> LineStyle {
    let ink = if only {
        Ink::Foreground
    } else {
        Ink::Series(k)
    };
    LineStyle::solid(ink).dashed(Dash::Dashed)
}

/// The density over λ itself.
fn linear(look: &DensityLook, series: &[DensitySeries<'_>], info: &DensityInfo<'_>) -> Axes {
    let only = series.len() == 1;
    // The kernel's height for a single eigenvalue: what is far below it is
    // only the Gaussian's tail.
    let single = |density: &SpectralDensity, sigma: f64| {
        1.0 / (density.dimension.max(1) as f64 * sigma * (2.0 * std::f64::consts::PI).sqrt())
    };
    let curves: Vec<_> = series
        .iter()
        .map(|one| {
            let width = Bandwidth::Sigma(sigma(look, one.density));
            one.density.curve(width, POINTS)
        })
        .collect();
    let highest = curves
        .iter()
        .flat_map(|curve| &curve.upper)
        .copied()
        .fold(0.0, f64::max);
    let lowest_single = series
        .iter()
        .zip(&curves)
        .map(|(one, curve)| single(one.density, curve.bandwidth))
        .fold(f64::INFINITY, f64::min);
    let depth = if look.stems { 2e-3 } else { 0.02 };
    let floor = (depth * lowest_single)
        .min(0.1 * highest)
        .max(f64::MIN_POSITIVE);
    let mut axes = Axes::new(
        Axis::new("eigenvalue λ"),
        Axis::log("density").limits(floor, 2.0 * highest.max(floor)),
    );
    let cut = |values: &[f64]| -> Vec<f64> { values.iter().map(|v| v.max(0.5 * floor)).collect() };
    for (k, (one, curve)) in series.iter().zip(&curves).enumerate() {
        axes.layers.push(
            Band {
                x: curve.x.clone().into(),
                lower: cut(&curve.lower).into(),
                upper: cut(&curve.upper).into(),
                ink: Ink::Series(k),
                name: None,
            }
            .into(),
        );
        if look.stems {
            let height = single(one.density, curve.bandwidth) * one.density.dimension as f64;
            let (x, y): (Vec<f64>, Vec<f64>) = one
                .density
                .stems()
                .into_iter()
                .map(|(x, w)| (x, w * height))
                .filter(|(_, y)| *y > floor)
                .unzip();
            axes.layers.push(
                Stems {
                    x: x.into(),
                    y: y.into(),
                    baseline: floor,
                    style: style(k).width(0.5),
                    marker: Marker::None,
                    name: only.then(|| "nodes, each at its weight's height".to_owned()),
                }
                .into(),
            );
        }
        let name = if only {
            "density ± s.e.".to_owned()
        } else {
            one.matrix.symbol().to_owned()
        };
        axes.layers.push(
            Line::new(curve.x.clone(), cut(&curve.y))
                .style(style(k))
                .named(name)
                .into(),
        );
        if let Some(exact) = one.exact {
            let truth = exact
                .density(one.density.steps)
                .curve(Bandwidth::Sigma(curve.bandwidth), POINTS);
            axes.layers.push(
                Line::new(truth.x, cut(&truth.y))
                    .style(exact_style(k, only))
                    .named(if only {
                        "exact".to_owned()
                    } else {
                        format!("{} exact", one.matrix.symbol())
                    })
                    .into(),
            );
        }
    }
    if let ([one], [curve]) = (series, &curves[..]) {
        let stem = (floor, single(one.density, curve.bandwidth));
        mark_outliers(&mut axes, look, one, info.found, stem);
    }
    axes
}

/// The outliers and the other eigenvalues that were found one by one, and the
/// edges of the bulk; stems lead from the first to the second height.
fn mark_outliers(
    axes: &mut Axes,
    look: &DensityLook,
    one: &DensitySeries<'_>,
    found: &[EigenvalueEstimate],
    (floor, height): (f64, f64),
) {
    let outliers = outliers(look, one.density);
    let beyond: Vec<f64> = outliers
        .above
        .iter()
        .chain(&outliers.below)
        .copied()
        .collect();
    let mut known = one.density.exact.clone();
    if known.is_empty() {
        let converged = found.iter().filter(|estimate| estimate.converged);
        known.extend(converged.map(|estimate| estimate.value));
    }
    known.retain(|x| !beyond.contains(x));
    for (x, ink, marker, name) in [
        (known, Ink::Muted, Marker::Ring, "single eigenvalues"),
        (beyond, Ink::Series(1), Marker::Circle, "outliers"),
    ] {
        if x.is_empty() {
            continue;
        }
        axes.layers.push(
            Stems {
                y: vec![height; x.len()].into(),
                x: x.into(),
                baseline: floor,
                style: LineStyle::solid(ink),
                marker,
                name: Some(name.to_owned()),
            }
            .into(),
        );
    }
    let edge = |at: f64| Rule {
        in_limits: false,
        style: LineStyle::solid(Ink::Muted).dashed(Dash::Dotted).width(0.8),
        ..Rule::vertical(at)
    };
    if !outliers.above.is_empty() {
        axes.layers
            .push(edge(outliers.edges[1]).labelled("bulk").into());
    }
    if !outliers.below.is_empty() {
        axes.layers.push(edge(outliers.edges[0]).into());
    }
}

/// The density of log₁₀|λ|, one curve for each sign.
fn logarithmic(look: &DensityLook, series: &[DensitySeries<'_>]) -> Axes {
    let only = series.len() == 1;
    let top = series
        .iter()
        .flat_map(|one| one.density.range)
        .map(f64::abs)
        .fold(0.0, f64::max);
    let floor = (1e-8 * top).max(f64::MIN_POSITIVE);
    let width = look.bandwidth * DECADES;
    let curves: Vec<_> = series
        .iter()
        .map(|one| one.density.log_curve(floor, width, POINTS))
        .collect();
    let highest = curves
        .iter()
        .flat_map(|curve| curve.positive.iter().chain(&curve.negative))
        .copied()
        .fold(0.0, f64::max);
    let lowest = (1e-6 * highest).max(f64::MIN_POSITIVE);
    let mut axes = Axes::new(
        Axis::log("|λ|"),
        Axis::log("density per decade").limits(lowest, 2.0 * highest.max(lowest)),
    );
    let magnitude = |log10: &[f64]| -> Vec<f64> { log10.iter().map(|v| 10f64.powf(*v)).collect() };
    let cut = |values: &[f64]| -> Vec<f64> { values.iter().map(|v| v.max(0.5 * lowest)).collect() };
    for (k, (one, curve)) in series.iter().zip(&curves).enumerate() {
        let truth = one.exact.map(|exact| {
            exact
                .density(one.density.steps)
                .log_curve(floor, curve.bandwidth, POINTS)
        });
        for (index, sign) in [1.0, -1.0].into_iter().enumerate() {
            let side = if index == 0 { "λ > 0" } else { "λ < 0" };
            let of = |curve: &crate::curvature::LogDensityCurve| {
                cut(if index == 0 {
                    &curve.positive
                } else {
                    &curve.negative
                })
            };
            let ink = if only { index } else { k };
            let dash = if index == 0 {
                Dash::Solid
            } else {
                Dash::Dotted
            };
            let (line, name) = if only {
                (style(ink), side.to_owned())
            } else {
                let name = format!("{}, {side}", one.matrix.symbol());
                (style(ink).dashed(dash), name)
            };
            if look.stems {
                let height = 1.0 / (curve.bandwidth * (2.0 * std::f64::consts::PI).sqrt());
                let (x, y): (Vec<f64>, Vec<f64>) = one
                    .density
                    .stems()
                    .into_iter()
                    .filter(|(x, _)| sign * x >= floor)
                    .map(|(x, w)| (sign * x, w * height))
                    .filter(|(_, y)| *y > lowest)
                    .unzip();
                axes.layers.push(
                    Stems {
                        x: x.into(),
                        y: y.into(),
                        baseline: lowest,
                        style: style(ink).width(0.5),
                        marker: Marker::None,
                        name: None,
                    }
                    .into(),
                );
            }
            axes.layers.push(
                Line::new(magnitude(&curve.log10), of(curve))
                    .style(line)
                    .named(name)
                    .into(),
            );
            if let Some(truth) = &truth {
                let exact =
                    Line::new(magnitude(&truth.log10), of(truth)).style(exact_style(ink, only));
                // One entry of the legend is enough for both signs.
                axes.layers.push(
                    if index == 0 && k == 0 {
                        exact.named("exact")
                    } else {
                        exact
                    }
                    .into(),
                );
            }
        }
    }
    let near: Vec<String> = series
        .iter()
        .zip(&curves)
        .map(|(one, curve)| {
            let name = if only {
                String::new()
            } else {
                format!(" of {}", one.matrix.symbol())
            };
            // An empty sum is a negative zero.
            format!("{}{name}", percent(curve.near_zero + 0.0))
        })
        .collect();
    axes.note = Some(format!(
        "{} with |λ| < {}",
        near.join(", "),
        format_number(floor, 2)
    ));
    axes
}

fn describe(look: &DensityLook, series: &[DensitySeries<'_>], info: &DensityInfo<'_>) -> String {
    let [one, ..] = series else {
        return "No density has been estimated yet.".to_owned();
    };
    let names: Vec<&str> = series.iter().map(|one| one.matrix.symbol()).collect();
    let mut text = format!(
        "The density of the eigenvalues of {} between {} and {}",
        names.join(", "),
        format_number(one.density.range[0], 3),
        format_number(one.density.range[1], 3)
    );
    if let Some(outliers) = tell_outliers(&outliers(look, one.density), info.classes) {
        text.push_str(&format!(", with {outliers}"));
    }
    text.push('.');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curvature::{
        DensityOptions, ExtremalOptions, exact_spectrum, spectral_density, top_eigenvalues,
    };
    use crate::figure::Layer;
    use crate::math::operator::DenseSymmetric;
    use crate::math::rng::stream;

    fn found() -> (SpectralDensity, TopSpectrum, ExactSpectrum) {
        let mut values: Vec<f64> = (0..60).map(|k| f64::from(k) / 100.0 - 0.1).collect();
        values.extend([5.0, 7.0]);
        let a = DenseSymmetric::diagonal(&values);
        let options = ExtremalOptions {
            largest: 3,
            tolerance: 1e-6,
            ..ExtremalOptions::default()
        };
        let random = &mut stream(0, "p");
        let top = top_eigenvalues(&a, &options, &[], random, &()).unwrap();
        let options = DensityOptions {
            probes: 4,
            steps: 20,
            ..DensityOptions::default()
        };
        let density = spectral_density(&a, &options, Some(&top), random, &()).unwrap();
        (density, top, exact_spectrum(&a, &()).unwrap())
    }

    fn names(axes: &Axes) -> Vec<String> {
        axes.layers
            .iter()
            .filter_map(|layer| match layer {
                Layer::Line(line) => line.name.clone(),
                Layer::Stems(stems) => stems.name.clone(),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn outliers_stems_and_the_exact_curve_are_there_when_asked_for() {
        let (density, top, exact) = found();
        let mut series = DensitySeries {
            matrix: Matrix::Hessian,
            density: &density,
            top: Some(&top),
            exact: None,
        };
        let info = DensityInfo {
            classes: 3,
            step: Some(4),
            ..DensityInfo::default()
        };
        let plain = axes(&DensityLook::default(), &[series], &info);
        let note = plain.note.clone().unwrap();
        assert!(note.contains("2 outliers above"), "{note}");
        assert!(note.contains("(3 classes)"));
        assert!(names(&plain).contains(&"outliers".to_owned()));
        assert!(!names(&plain).contains(&"exact".to_owned()));
        series.exact = Some(&exact);
        let look = DensityLook {
            stems: true,
            ..DensityLook::default()
        };
        let full = axes(&look, &[series], &info);
        assert!(names(&full).contains(&"exact".to_owned()));
        assert!(names(&full).iter().any(|name| name.starts_with("nodes")));
        assert!(full.note.unwrap().contains("differs by"));
        // A wide kernel leaves nothing outside.
        let wide = DensityLook {
            bandwidth: 20.0,
            ..look
        };
        assert!(!names(&axes(&wide, &[series], &info)).contains(&"outliers".to_owned()));
    }

    #[test]
    fn several_matrices_lie_over_one_another_on_both_axes() {
        let (density, top, exact) = found();
        let series: Vec<DensitySeries<'_>> = [Matrix::Hessian, Matrix::GaussNewton, Matrix::Rest]
            .into_iter()
            .map(|matrix| DensitySeries {
                matrix,
                density: &density,
                top: Some(&top),
                exact: Some(&exact),
            })
            .collect();
        for log in [false, true] {
            let look = DensityLook {
                log,
                stems: true,
                ..DensityLook::default()
            };
            let axes = axes(&look, &series, &DensityInfo::default());
            let names = names(&axes);
            assert!(
                names.iter().any(|name| name.starts_with("H − G")),
                "{names:?}"
            );
            assert_eq!(axes.x.label.contains('|'), log);
            let (low, high) = axes.y.limits.unwrap();
            assert!(low > 0.0 && low < high);
        }
        assert!(
            axes(&DensityLook::default(), &[], &DensityInfo::default())
                .layers
                .is_empty()
        );
    }
}
