//! Sharpness measures: how far the loss rises within a radius, by each of them.

use crate::curvature::sharpness::{AverageCase, SharpnessReport, WorstCase};
use crate::figure::ticks::format_number;
use crate::figure::{
    Axes, Axis, Band, Dash, Figure, Ink, Line, LineStyle, Marker, Rule, SeriesStyle,
};

/// The rise of the loss against the radius: in the ball, in the ball in units
/// of |θ|, and in the box. Mean rises stand at the radius ρ = σ√P, which is the
/// quadratic mean of the lengths of displacements of P parameters.
pub fn figure(report: &SharpnessReport, parameters: usize) -> Figure {
    let sam = &report.sam.value;
    let asam = &report.asam.value;
    let boxed = &report.boxed.value;
    let root = (parameters.max(1) as f64).sqrt();
    let mut ball = axes("ball ‖e‖ ≤ ρ", "radius ρ", &sam.worst, sam.radius);
    mean(&mut ball, &report.average.value.average, root);
    let mut scaled = axes("ball ‖e/|θ|‖ ≤ ρ", "radius ρ", &asam.worst, asam.radius);
    mean(&mut scaled, &report.scaled_average.value.average, root);
    let mut corner = axes("box |e| ≤ ε(|θ|+1)", "ε", &boxed.worst, boxed.radius);
    ball.note = Some(format!(
        "SAM {} at ρ = {} · sees rescaling",
        format_number(sam.value, 3),
        format_number(sam.radius, 3)
    ));
    scaled.note = Some(format!(
        "ASAM {} at ρ = {} · blind to rescaling",
        format_number(asam.value, 3),
        format_number(asam.radius, 3)
    ));
    corner.note = Some(format!(
        "{} % at ε = {} · sees rescaling",
        format_number(boxed.percent.unwrap_or(f64::NAN), 3),
        format_number(boxed.radius, 3)
    ));
    Figure::row([ball, scaled, corner])
        .titled("Sharpness")
        .described(format!(
            "The training loss is {}. It rises by {} at most within ρ = {}, by {} within ρ = {} \
             in units of the parameters, and by {} in the box of ε = {}.",
            format_number(report.loss, 4),
            format_number(sam.value, 3),
            format_number(sam.radius, 3),
            format_number(asam.value, 3),
            format_number(asam.radius, 3),
            format_number(boxed.value, 3),
            format_number(boxed.radius, 3),
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
            .named("one step along the gradient")
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
            .named("mean, σ = ρ/√P")
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
        let figure = figure(&report, theta.len());
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
}
