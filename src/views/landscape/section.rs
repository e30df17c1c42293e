//! A line drawn on a plane, and what the plane shows along it.

use super::quantity::line_label;
use super::{LandscapeSettings, SliceInfo};
use crate::figure::ticks::format_number;
use crate::figure::{
    Anchor, Axes, Axis, Content, Figure, Ink, Line, LineStyle, Marker, Panel, Row, Scale, Text,
};
use crate::landscape::{Slice1d, SliceQuantity};

/// The height of a section below its plane, whose own is 1.
const HEIGHT: f64 = 0.55;
/// The names of the line's ends.
const ENDS: [&str; 2] = ["A", "B"];

/// What a plane shows along a straight line on it.
#[derive(Clone, Copy, Debug)]
pub struct SectionOnPlane<'a> {
    /// α and β of its beginning and its end.
    pub ends: [[f64; 2]; 2],
    /// ‖θ_B − θ_A‖.
    pub length: f64,
    /// The values at shares of the way, on the training set.
    pub training: &'a Slice1d,
    /// The same on the validation set.
    pub validation: Option<&'a Slice1d>,
    /// Whether the values stand beside the map and not below it.
    pub beside: bool,
}

/// Adds a section to the figure of its plane: the line on the map, the values
/// along it below or beside it.
pub fn add_section(
    figure: &mut Figure,
    settings: &LandscapeSettings,
    section: SectionOnPlane<'_>,
    info: &SliceInfo<'_>,
) {
    let map = figure
        .rows
        .iter_mut()
        .flat_map(|row| row.panels.iter_mut())
        .find_map(|panel| match &mut panel.content {
            Content::Axes(axes) => Some(axes),
            Content::Mosaic(_) => None,
        });
    if let Some(map) = map {
        let [a, b] = section.ends;
        let mut style = LineStyle::solid(Ink::Foreground);
        style.casing = true;
        let line = Line::new(vec![a[0], b[0]], vec![a[1], b[1]]);
        map.layers
            .push(line.style(style).marked(Marker::Circle).into());
        // Each letter stands beyond its end, away from the line.
        let rightwards = b[0] >= a[0];
        for (k, [x, y]) in section.ends.into_iter().enumerate() {
            let text = Text {
                x,
                y,
                text: if (k == 1) == rightwards {
                    format!("\u{2002}{}", ENDS[k])
                } else {
                    format!("{}\u{2002}", ENDS[k])
                },
                anchor: if (k == 1) == rightwards {
                    Anchor::Left
                } else {
                    Anchor::Right
                },
                ink: Ink::Foreground,
            };
            map.layers.push(text.into());
        }
    }
    let panel = Panel {
        width: 1.0,
        content: along(settings, section, info).into(),
    };
    match figure.rows.first_mut() {
        Some(row) if section.beside => row.panels.push(panel),
        _ => figure.rows.push(Row {
            height: HEIGHT,
            panels: vec![panel],
        }),
    }
}

fn along(settings: &LandscapeSettings, section: SectionOnPlane<'_>, info: &SliceInfo<'_>) -> Axes {
    let curves = [
        (
            if *info.quantity == SliceQuantity::Gap {
                "validation − train"
            } else {
                "train"
            },
            Some(section.training),
        ),
        ("validation", section.validation),
    ];
    let values = || {
        let curves = curves.iter().filter_map(|(_, curve)| *curve);
        curves.flat_map(|curve| curve.loss.iter())
    };
    let positive = values().all(|value| !value.is_finite() || *value > 0.0);
    let log = settings.log && positive && info.quantity.suits_log();
    let scale = if log { Scale::Log10 } else { Scale::Linear };
    let mut axes = Axes::new(
        Axis::new("share of the way from A to B").limits(0.0, 1.0),
        Axis::new(line_label(info)).scaled(scale),
    );
    for (index, (name, curve)) in curves.into_iter().enumerate() {
        let Some(curve) = curve else { continue };
        let line = Line::new(curve.alpha.as_slice(), curve.loss.as_slice());
        axes.layers.push(line.series(index).named(name).into());
    }
    axes.note = Some(note(section));
    axes
}

fn note(section: SectionOnPlane<'_>) -> String {
    let number = |value: f64| format_number(value, 3);
    let place = |k: usize| {
        let [alpha, beta] = section.ends[k];
        format!("{} ({}, {})", ENDS[k], number(alpha), number(beta))
    };
    let mut parts = vec![format!("{} → {}", place(0), place(1))];
    parts.push(format!("‖B − A‖ = {}", number(section.length)));
    let curve = section.training;
    let finite = curve.alpha.iter().zip(&curve.loss);
    let finite = || finite.clone().filter(|(_, value)| value.is_finite());
    let extremes = [
        ("lowest", finite().min_by(|a, b| a.1.total_cmp(b.1))),
        ("highest", finite().max_by(|a, b| a.1.total_cmp(b.1))),
    ];
    for (name, found) in extremes {
        if let Some((share, value)) = found {
            parts.push(format!("{name} {} at {}", number(*value), number(*share)));
        }
    }
    let bad = curve.loss.len() - finite().count();
    if bad > 0 {
        let points = if bad == 1 { "point" } else { "points" };
        parts.push(format!("{bad} {points} not finite"));
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::super::plane;
    use super::*;
    use crate::landscape::Slice2d;
    use crate::views::Split;
    use crate::views::landscape::PathOnPlane;

    #[test]
    fn a_section_is_a_line_on_the_map_and_a_row_below_it() {
        let grid = vec![-1.0, 0.0, 1.0];
        let slice = Slice2d {
            alpha: grid.clone(),
            beta: grid,
            loss: vec![2.0, 1.0, 2.0, 1.0, 0.5, 1.0, 2.0, 1.0, 2.0],
            stderr: None,
            level: 0,
            levels: 1,
        };
        let training = Slice1d {
            alpha: vec![0.0, 0.5, 1.0],
            loss: vec![2.0, f64::NAN, 1.0],
            stderr: None,
            level: 0,
            levels: 1,
        };
        let settings = LandscapeSettings::default();
        let info = SliceInfo::new(3, "seed 0", "filter norms", Split::Training);
        let mut figure = plane(&settings, Some(&slice), PathOnPlane::default(), &info);
        let before = figure.axes().next().unwrap().layers.len();
        let section = SectionOnPlane {
            ends: [[-1.0, -1.0], [1.0, 0.5]],
            length: 2.5,
            training: &training,
            validation: None,
            beside: false,
        };
        add_section(&mut figure, &settings, section, &info);
        let axes: Vec<&Axes> = figure.axes().collect();
        assert_eq!(axes.len(), 2);
        assert_eq!(axes[0].layers.len(), before + 3);
        let note = axes[1].note.as_deref().unwrap();
        assert!(note.contains("A (−1, −1) → B (1, 0.5)"), "{note}");
        assert!(note.contains("lowest 1 at 1 · highest 2 at 0"), "{note}");
        assert!(note.contains("1 point not finite"), "{note}");
    }
}
