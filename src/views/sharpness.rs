//! Sharpness measures: how far the loss rises within a radius, by each of them.

use crate::curvature::sharpness::{
    AverageCase, Blindness, Measure, Neighbourhood, Noted, SharpnessReport, WorstCase,
    WorstCaseReport,
};
use crate::figure::ticks::format_number;
use crate::figure::{
    Axes, Axis, Band, Dash, Figure, Ink, Line, LineStyle, Marker, Rule, SeriesStyle,
};

/// What is shown of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SharpnessLook {
    /// Which of the measured radii is marked and told: so many above the one
    /// asked for, or below it.
    pub shift: i32,
    /// One neighbourhood only.
    pub only: Option<Neighbourhood>,
}

/// How far a value may be from the truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Uncertainty {
    /// As far as rounding goes.
    Exact,
    /// A standard error.
    Standard(f64),
    /// From the residual of the eigenvalue that it is made of.
    Residual(f64),
    /// The truth is not below it.
    LowerBound,
}

/// A measure as a table has it.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasureRow {
    /// What it is called.
    pub name: &'static str,
    /// What it is.
    pub definition: &'static str,
    /// Where it was taken, such as `ρ = 0.05`; empty where there is no radius.
    pub at: String,
    /// Its value, in percent of 1 + L for the box.
    pub value: f64,
    /// How sure that is.
    pub uncertainty: Uncertainty,
    /// What it is blind to.
    pub blind_to: Blindness,
}

impl MeasureRow {
    /// The value with its uncertainty.
    pub fn text(&self) -> String {
        let percent = if self.name == BOX { " %" } else { "" };
        let value = format_number(self.value, 3);
        match self.uncertainty {
            Uncertainty::Exact => value,
            Uncertainty::LowerBound => format!("≥ {value}{percent}"),
            Uncertainty::Standard(error) | Uncertainty::Residual(error) => {
                format!("{value} ± {}", format_number(error, 1))
            }
        }
    }

    /// Whether rescaled layers or units change it although the function of a
    /// ReLU network stays the same.
    pub fn sees_rescaling(&self) -> bool {
        !(self.blind_to.layer_rescaling && self.blind_to.unit_rescaling)
    }
}

const BOX: &str = "box";

/// The measure so many radii above or below the middle one.
fn shifted<T>(measured: &[T], shift: i32) -> Option<&T> {
    let middle = i32::try_from(measured.len() / 2).ok()?;
    measured.get(usize::try_from(middle + shift).ok()?)
}

/// How many radii were measured above the one asked for.
pub fn reach(report: &SharpnessReport) -> i32 {
    i32::try_from(report.sam.value.worst.rises.len() / 2).unwrap_or(0)
}

/// Every measure with value, uncertainty and what it is blind to, at a radius
/// so many above the one asked for.
pub fn measures(report: &SharpnessReport, shift: i32) -> Vec<MeasureRow> {
    let mut rows = Vec::new();
    let radius = |symbol: &str, value: f64| format!("{symbol} = {}", format_number(value, 3));
    let (sam, asam, boxed) = (&report.sam, &report.asam, &report.boxed);
    if let Some(rise) = shifted(&sam.value.worst.rises, shift) {
        rows.push(MeasureRow {
            name: "SAM",
            definition: "The largest rise of the loss within ‖e‖ ≤ ρ that ascent found; the \
                         true one is not smaller (Foret et al. 2021)",
            at: radius("ρ", rise.radius),
            value: rise.ascent,
            uncertainty: Uncertainty::LowerBound,
            blind_to: sam.blind_to.clone(),
        });
        if let (Some(value), Some(top)) = (rise.second_order, sam.value.worst.curvature) {
            rows.push(MeasureRow {
                name: "second order",
                definition: "ρ‖∇L‖ + ½ρ²λ₁: for λ₁ ≥ 0 not less than the largest rise of \
                             the loss's quadratic model within ‖e‖ ≤ ρ",
                at: radius("ρ", rise.radius),
                value,
                uncertainty: Uncertainty::Residual(0.5 * rise.radius * rise.radius * top.residual),
                blind_to: Measure::SecondOrder.blindness(),
            });
        }
    }
    if let Some(rise) = shifted(&asam.value.worst.rises, shift) {
        rows.push(MeasureRow {
            name: "ASAM",
            definition: "The largest rise within ‖e/|θ|‖ ≤ ρ that ascent found: each weight \
                         moves by a share of itself (Kwon et al. 2021)",
            at: radius("ρ", rise.radius),
            value: rise.ascent,
            uncertainty: Uncertainty::LowerBound,
            blind_to: asam.blind_to.clone(),
        });
    }
    if let Some(rise) = shifted(&boxed.value.worst.rises, shift) {
        rows.push(MeasureRow {
            name: BOX,
            definition: "The largest rise within |e| ≤ ε(|θ| + 1) that ascent found, in percent \
                         of 1 + L (Keskar et al. 2017)",
            at: radius("ε", rise.radius),
            value: 100.0 * rise.ascent / (1.0 + report.loss),
            uncertainty: Uncertainty::LowerBound,
            blind_to: boxed.blind_to.clone(),
        });
    }
    let means = [
        (
            &report.average,
            "mean rise",
            "The mean rise under Gaussian displacements of deviation σ = ρ/√P, over pairs ±e",
        ),
        (
            &report.scaled_average,
            "scaled mean",
            "The mean rise under Gaussian displacements of deviation σ|θ|, over pairs ±e",
        ),
    ];
    for (measured, name, definition) in means {
        if let Some(at) = shifted(&measured.value.average.rises, shift) {
            rows.push(MeasureRow {
                name,
                definition,
                at: radius("σ", at.deviation),
                value: at.rise.value,
                uncertainty: Uncertainty::Standard(at.rise.stderr),
                blind_to: measured.blind_to.clone(),
            });
        }
    }
    if let Some(top) = sam.value.worst.curvature {
        rows.push(MeasureRow {
            name: "λ₁",
            definition: "The largest eigenvalue of the Hessian, with its residual",
            at: String::new(),
            value: top.value,
            uncertainty: Uncertainty::Residual(top.residual),
            blind_to: Measure::SecondOrder.blindness(),
        });
    }
    rows.push(MeasureRow {
        name: "Fisher–Rao²",
        definition: "E⟨θ, ∇ℓ⟩² over the training samples: how the loss answers to a common \
                     factor on all parameters (Liang et al. 2019)",
        at: String::new(),
        value: report.fisher_rao.value.value,
        uncertainty: Uncertainty::Exact,
        blind_to: report.fisher_rao.blind_to.clone(),
    });
    rows
}

/// The rise of the loss against the radius: in the ball, in the ball in units
/// of |θ|, and in the box. Mean rises stand at the radius ρ = σ√P, which is the
/// quadratic mean of the lengths of displacements of P parameters.
pub fn figure(report: &SharpnessReport, parameters: usize, look: SharpnessLook) -> Figure {
    let root = (parameters.max(1) as f64).sqrt();
    let of = |report: &WorstCaseReport| {
        let rise = shifted(&report.worst.rises, look.shift);
        rise.map_or((report.radius, report.value), |r| (r.radius, r.ascent))
    };
    let [sam, asam, boxed] =
        [&report.sam, &report.asam, &report.boxed].map(|noted| of(&noted.value));
    let worst = |noted: &Noted<WorstCaseReport>| noted.value.worst.clone();
    let mut ball = axes("ball ‖e‖ ≤ ρ", "radius ρ", &worst(&report.sam), sam.0);
    mean(&mut ball, &report.average.value.average, root);
    let mut scaled = axes("ball ‖e/|θ|‖ ≤ ρ", "radius ρ", &worst(&report.asam), asam.0);
    mean(&mut scaled, &report.scaled_average.value.average, root);
    let mut corner = axes("box |e| ≤ ε(|θ|+1)", "ε", &worst(&report.boxed), boxed.0);
    let number = |value: f64| format_number(value, 3);
    ball.note = Some(format!(
        "SAM {} at ρ = {} · sees rescaling",
        number(sam.1),
        number(sam.0)
    ));
    scaled.note = Some(format!(
        "ASAM {} at ρ = {} · blind to rescaling",
        number(asam.1),
        number(asam.0)
    ));
    corner.note = Some(format!(
        "{} % at ε = {} · sees rescaling",
        number(100.0 * boxed.1 / (1.0 + report.loss)),
        number(boxed.0)
    ));
    let shown: Vec<Axes> = [
        (Neighbourhood::Ball, ball),
        (Neighbourhood::ScaledBall, scaled),
        (Neighbourhood::Box, corner),
    ]
    .into_iter()
    .filter(|(which, _)| look.only.is_none_or(|only| only == *which))
    .map(|(_, axes)| axes)
    .collect();
    Figure::row(shown).titled("Sharpness").described(format!(
        "The training loss is {}. It rises by {} at most within ρ = {}, by {} within ρ = {} \
             in units of the parameters, and by {} in the box of ε = {}.",
        format_number(report.loss, 4),
        number(sam.1),
        number(sam.0),
        number(asam.1),
        number(asam.0),
        number(boxed.1),
        number(boxed.0),
    ))
}

/// What was found of the maximum, and ½ρ²λ₁.
fn axes(title: &str, x: &str, worst: &WorstCase, radius: f64) -> Axes {
    let mut axes = Axes::new(Axis::log(x), Axis::log("rise of the loss")).titled(title);
    let of = |f: &dyn Fn(&crate::curvature::sharpness::Rise) -> f64| -> Vec<f64> {
        worst.rises.iter().map(f).collect()
    };
    let radii = of(&|rise| rise.radius);
    axes.layers.push(
        Line::new(radii.clone(), of(&|rise| rise.ascent))
            .series(0)
            .marked(Marker::Circle)
            .named("largest found")
            .into(),
    );
    axes.layers.push(
        Line::new(radii.clone(), of(&|rise| rise.one_step))
            .style(LineStyle::solid(Ink::Series(1)))
            .marked(Marker::Square)
            .named("one gradient step")
            .into(),
    );
    if let Some(curvature) = worst.curvature {
        let half = of(&|rise| 0.5 * rise.radius * rise.radius * curvature.value);
        axes.layers.push(
            Line::new(radii, half)
                .style(LineStyle::solid(Ink::Foreground).dashed(Dash::Dashed))
                .named("½ρ²λ₁")
                .into(),
        );
    }
    axes.layers.push(
        Rule {
            style: LineStyle::solid(Ink::Muted).dashed(Dash::Dotted).width(0.8),
            ..Rule::vertical(radius)
        }
        .into(),
    );
    axes
}

/// The mean rise with its standard error, and ½σ² tr H.
fn mean(axes: &mut Axes, average: &AverageCase, root: f64) {
    let x: Vec<f64> = average
        .rises
        .iter()
        .map(|rise| root * rise.deviation)
        .collect();
    let value = |sign: f64| -> Vec<f64> {
        let rises = average.rises.iter();
        rises
            .map(|rise| rise.rise.value + sign * rise.rise.stderr)
            .collect()
    };
    let style = SeriesStyle::nth(2);
    axes.layers.push(
        Band {
            x: x.clone().into(),
            lower: value(-1.0).into(),
            upper: value(1.0).into(),
            ink: style.ink,
            name: None,
        }
        .into(),
    );
    let rises: Vec<f64> = average.rises.iter().map(|rise| rise.rise.value).collect();
    axes.layers.push(
        Line::new(x.clone(), rises)
            .style(LineStyle::solid(style.ink))
            .marked(Marker::Triangle)
            .named("mean, σ√P = ρ")
            .into(),
    );
    let half: Vec<f64> = average
        .rises
        .iter()
        .map(|rise| rise.second_order.unwrap_or(f64::NAN))
        .collect();
    axes.layers.push(
        Line::new(x, half)
            .style(LineStyle::solid(Ink::Foreground).dashed(Dash::Dotted))
            .named("½σ² tr H")
            .into(),
    );
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::curvature::sharpness::{SharpnessSettings, sharpness};
    use crate::figure::{Layer, Scale};
    use crate::train::Setup;
    use crate::train::testing::recipe;

    #[test]
    fn three_neighbourhoods_with_their_measures() {
        let setup = Setup::new(recipe().into(), Path::new(".")).unwrap();
        let theta = crate::math::vector::to_f64(&setup.initial.theta);
        let objective = setup.training_double().unwrap();
        let settings = SharpnessSettings {
            curve: 2,
            pairs: 4,
            ..SharpnessSettings::default()
        };
        let report = sharpness(objective, &theta, &settings, &()).unwrap();
        let all = SharpnessLook::default();
        let figure = figure(&report, theta.len(), all);
        let axes: Vec<&Axes> = figure.axes().collect();
        assert_eq!(axes.len(), 3);
        let names = |axes: &Axes| -> Vec<String> {
            let layers = axes.layers.iter();
            layers
                .filter_map(|layer| match layer {
                    Layer::Line(line) => line.name.clone(),
                    _ => None,
                })
                .collect()
        };
        assert_eq!(names(axes[0]).len(), 5);
        assert_eq!(names(axes[0])[2], "½ρ²λ₁");
        // λ₁ does not bound the box.
        assert_eq!(names(axes[2]).len(), 2);
        assert!(axes.iter().all(|axes| axes.x.scale == Scale::Log10));
        // The mean stands at the radius of its own length.
        let Layer::Line(mean) = &axes[0].layers[5] else {
            panic!("the mean");
        };
        assert!((mean.x[2] - 0.05).abs() < 1e-15);
        assert!(axes[1].note.as_deref().unwrap().contains("blind"));
    }

    #[test]
    fn the_table_has_every_measure_at_the_radius_that_was_chosen() {
        let setup = Setup::new(recipe().into(), Path::new(".")).unwrap();
        let theta = crate::math::vector::to_f64(&setup.initial.theta);
        let objective = setup.training_double().unwrap();
        let settings = SharpnessSettings {
            curve: 2,
            pairs: 4,
            ..SharpnessSettings::default()
        };
        let report = sharpness(objective, &theta, &settings, &()).unwrap();
        assert_eq!(reach(&report), 2);
        let rows = measures(&report, 0);
        let names: Vec<&str> = rows.iter().map(|row| row.name).collect();
        assert_eq!(
            names,
            [
                "SAM",
                "second order",
                "ASAM",
                "box",
                "mean rise",
                "scaled mean",
                "λ₁",
                "Fisher–Rao²"
            ]
        );
        let seeing: Vec<bool> = rows.iter().map(MeasureRow::sees_rescaling).collect();
        assert_eq!(seeing, [true, true, false, true, true, false, true, false]);
        assert_eq!(rows[0].value, report.sam.value.value);
        assert_eq!(rows[0].at, "ρ = 0.05");
        assert_eq!(Some(rows[3].value), report.boxed.value.percent);
        assert!(rows[3].text().starts_with("≥ ") && rows[3].text().ends_with(" %"));
        assert_eq!(
            rows[4].uncertainty,
            Uncertainty::Standard(report.average.value.stderr)
        );
        assert!(rows[6].text().contains(" ± "));
        // Two radii up is twice as far.
        let wide = measures(&report, 2);
        assert_eq!(wide[0].at, "ρ = 0.1");
        assert!(wide[0].value > rows[0].value);
        // λ₁ has no radius.
        assert_eq!(
            (&wide[6].at, wide[6].value),
            (&String::new(), rows[6].value)
        );
        // Beyond what was measured only those remain.
        assert_eq!(measures(&report, 3).len(), 2);
        let look = SharpnessLook {
            shift: 2,
            only: Some(Neighbourhood::ScaledBall),
        };
        let figure = figure(&report, theta.len(), look);
        let axes: Vec<&Axes> = figure.axes().collect();
        assert_eq!(axes.len(), 1);
        assert!(axes[0].note.as_deref().unwrap().contains("at ρ = 1 "));
    }
}
