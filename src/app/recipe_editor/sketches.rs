//! The small drawings beside the sections of the editor: what a section's
//! settings look like.

use eframe::egui;
use egui::{
    Align2, Color32, FontId, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Ui, pos2, vec2,
};

use super::super::theme::Palette;
use crate::data::Targets;
use crate::nn::losses::{self, LossBatch, TargetSlice};
use crate::recipe::Component;

/// A sketch of the network: a column of dots for every layer of an MLP, a slab
/// for every layer of a CNN.
pub(super) fn network(
    painter: &Painter,
    rect: Rect,
    model: &Component,
    ink: Color32,
    line: Color32,
) {
    let layers = model.get("layers").map(|_| model.texts("layers"));
    if let Some(layers) = layers {
        let count = layers.len().clamp(1, 8) as f32 + 1.0;
        let step = rect.width() / count;
        let mut side = rect.height() * 0.9;
        for index in 0..count as usize {
            let center = pos2(rect.left() + (index as f32 + 0.5) * step, rect.center().y);
            let slab = Rect::from_center_size(center, vec2((step * 0.55).min(6.0), side));
            painter.rect_stroke(slab, 1.0, Stroke::new(1.0, ink), StrokeKind::Inside);
            if layers
                .get(index)
                .is_some_and(|layer| layer.contains("pool"))
            {
                side *= 0.6;
            }
        }
        return;
    }
    let hidden = if model.get("hidden").is_some() {
        model.integers("hidden")
    } else {
        Vec::new()
    };
    // The more units the more dots, up to what can be told apart.
    let dots = |units: i64| (units.max(1) as f32).log2().round().clamp(1.0, 5.0) as usize;
    let columns: Vec<usize> = std::iter::once(2)
        .chain(hidden.iter().take(6).map(|units| dots(*units)))
        .chain(std::iter::once(2))
        .collect();
    let place = |column: usize, dot: usize| -> Pos2 {
        let count = columns[column] as f32;
        pos2(
            rect.left() + rect.width() * (column as f32 + 0.5) / columns.len() as f32,
            rect.center().y + (dot as f32 - (count - 1.0) / 2.0) * rect.height() / 5.2,
        )
    };
    for column in 1..columns.len() {
        for from in 0..columns[column - 1] {
            for to in 0..columns[column] {
                painter.line_segment(
                    [place(column - 1, from), place(column, to)],
                    Stroke::new(0.5, line),
                );
            }
        }
    }
    for (column, count) in columns.iter().enumerate() {
        for dot in 0..*count {
            painter.circle_filled(place(column, dot), 1.6, ink);
        }
    }
}

/// A curve over 0..1, scaled to fill the room.
pub(super) fn curve(painter: &Painter, rect: Rect, ink: Color32, function: impl Fn(f32) -> f32) {
    const PARTS: usize = 48;
    let values: Vec<f32> = (0..=PARTS)
        .map(|index| function(index as f32 / PARTS as f32))
        .collect();
    let mut high = values.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    if values.iter().all(|value| *value == high) {
        // A line that stays the same lies in the middle.
        high *= 2.0;
    }
    let inner = rect.shrink2(vec2(2.0, 3.0));
    let points: Vec<Pos2> = values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            pos2(
                inner.left() + inner.width() * index as f32 / PARTS as f32,
                inner.bottom() - inner.height() * (value / high).clamp(0.0, 1.0),
            )
        })
        .collect();
    painter.add(Shape::line(points, Stroke::new(1.25, ink)));
}

/// The loss of a sample over its output (of the logit of the other class, where
/// it compares classes), x from 0 to 1.
pub(super) fn loss(component: &Component) -> Option<impl Fn(f32) -> f32 + use<>> {
    let loss = losses::build(component).ok()?;
    let target = Targets::Values {
        values: vec![0.0],
        dims: 1,
    };
    let takes_numbers = loss.outputs(&target).is_ok();
    Some(move |x: f32| {
        let output = 6.0 * (x - 0.5);
        let (outputs, targets) = if takes_numbers {
            (&[output][..], TargetSlice::Values(&[0.0]))
        } else {
            (&[0.0, output][..], TargetSlice::Classes(&[0]))
        };
        let batch = LossBatch {
            outputs,
            targets,
            samples: 1,
        };
        let mut value = [0.0];
        loss.losses_f32(batch, &mut value);
        value[0]
    })
}

/// The shape of the first parameters' distribution.
pub(super) fn density(kind: &str, x: f32) -> f32 {
    let centred = 6.0 * (x - 0.5);
    if kind.contains("uniform") {
        if centred.abs() < 1.8 { 1.0 } else { 0.0 }
    } else {
        (-0.5 * centred * centred).exp()
    }
}

/// A bulk near zero and a few outliers.
pub(super) fn spectrum(x: f32) -> f32 {
    let peak = |at: f32, width: f32, height: f32| height * (-((x - at) / width).powi(2)).exp();
    peak(0.14, 0.07, 1.0) + peak(0.5, 0.02, 0.35) + peak(0.68, 0.02, 0.3) + peak(0.9, 0.02, 0.25)
}

/// Nested ellipses: contour lines.
pub(super) fn plane(painter: &Painter, rect: Rect, ink: Color32) {
    for part in [1.0, 0.62, 0.28] {
        let size = vec2(rect.width() * 0.8, rect.height() * 0.9) * part;
        painter.add(Shape::ellipse_stroke(
            rect.center(),
            size / 2.0,
            Stroke::new(1.0, ink),
        ));
    }
}

pub(super) fn bars(painter: &Painter, rect: Rect, ink: Color32) {
    for (index, part) in [0.9, 0.55, 0.75, 0.3, 0.45].into_iter().enumerate() {
        let width = rect.width() * 0.16;
        let left = rect.left() + rect.width() * (0.06 + 0.19 * index as f32);
        painter.rect_filled(
            Rect::from_min_max(
                pos2(left, rect.bottom() - 2.0 - part * (rect.height() - 5.0)),
                pos2(left + width * 0.7, rect.bottom() - 2.0),
            ),
            0.0,
            ink,
        );
    }
}

pub(super) fn label(ui: &Ui, painter: &Painter, rect: Rect, text: &str) {
    let FontId { size, family } = egui::TextStyle::Small.resolve(ui.style());
    painter.text(
        rect.right_center(),
        Align2::RIGHT_CENTER,
        text,
        FontId::new(size, family),
        Palette::of(ui.visuals()).weak,
    );
}
