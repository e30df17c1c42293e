//! What is said about the directions of a slice.

use crate::engine::Landscape;
use crate::engine::analyses::{DirectionInfo, PathCentre, SliceDirections, SliceSettings};
use crate::figure::ticks::format_number;
use crate::views::landscape::displacement_unit;
use crate::views::percent;

/// The unit of displacements.
pub(super) fn unit(
    landscape: &Landscape,
    slice: &SliceSettings,
    normalization: &str,
) -> &'static str {
    match slice.directions {
        SliceDirections::Random { .. } if landscape.directions.dim() == 2 => "parameter",
        SliceDirections::Random { .. } => displacement_unit(normalization),
        _ => "‖d‖",
    }
}

/// Where the directions come from, in a few words for the note of a figure.
pub(super) fn source(landscape: &Landscape, slice: &SliceSettings) -> String {
    let info = &*landscape.info;
    let mut text = match &slice.directions {
        SliceDirections::Random { .. } if landscape.directions.dim() == 2 => {
            return "the whole landscape".to_owned();
        }
        SliceDirections::Random { seed } => match &info.layers {
            Some(layers) => format!("seed {seed}, layers {}", layers.join(", ")),
            None => format!("seed {seed}"),
        },
        SliceDirections::Path => {
            let around = match info.centre {
                PathCentre::Parameters => "",
                PathCentre::Mean => " around its mean",
            };
            match landscape.directions.explained {
                Some([first, second]) => format!(
                    "principal components{around}, {} of the path",
                    percent(first + second)
                ),
                None => format!("principal components{around}"),
            }
        }
        SliceDirections::Axes(axes) => format!("{}, {}", axes[0].symbol(), axes[1].symbol()),
        SliceDirections::Through(through) => {
            let names: Vec<&str> = through.points.iter().map(|p| &*p.name).collect();
            format!("through {}", names.join(", "))
        }
        SliceDirections::Given(_) => "given directions".to_owned(),
    };
    if !landscape.directions.is_orthogonal() {
        text += &format!(", cos {}", format_number(info.cosine, 2));
    }
    text
}

/// The angle and the lengths in one short line.
pub(super) fn short(info: &DirectionInfo) -> String {
    let [first, second] = info.axes.each_ref().map(|axis| format_number(axis.norm, 3));
    format!("cos {} · ‖d‖ {first}, {second}", cosine(info))
}

/// What rounding leaves of orthogonal directions is 0.
fn cosine(info: &DirectionInfo) -> String {
    if info.cosine.abs() <= 1e-6 {
        "0".to_owned()
    } else {
        format_number(info.cosine, 2)
    }
}

/// Everything about the directions, line by line.
pub(super) fn full(info: &DirectionInfo) -> Vec<String> {
    let mut lines = vec![format!("cos(d₁, d₂) = {}", cosine(info))];
    for (k, axis) in info.axes.iter().enumerate() {
        let mut line = format!("‖d{}‖ = {}", ["₁", "₂"][k], format_number(axis.norm, 4));
        if let Some(symbol) = &axis.symbol {
            line += &format!(" · {symbol}");
        }
        if let Some(share) = axis.explained {
            line += &format!(", {} of the path's variance", percent(share));
        }
        if let Some(eigenvalue) = axis.eigenvalue {
            line += &format!(
                ", λ = {} ± {}",
                format_number(eigenvalue.value, 4),
                format_number(eigenvalue.residual, 1)
            );
        }
        lines.push(line);
    }
    if info.source == "path" {
        lines.push(match info.centre {
            PathCentre::Parameters => "around the parameters in the middle".to_owned(),
            PathCentre::Mean => "around the mean of the snapshots, which is the middle".to_owned(),
        });
    }
    if let Some(layers) = &info.layers {
        lines.push(format!("only the layers {} move", layers.join(", ")));
    }
    if let Some(biases) = info.biases {
        let verb = if biases { "move" } else { "stay still" };
        lines.push(format!("biases and normalisation parameters {verb}"));
    }
    lines
}
