//! Placed text as egui shapes.

use eframe::egui::{
    Color32, FontFamily, FontId, Painter, Pos2, Shape, Vec2, emath::Rot2, epaint::TextShape, vec2,
};

use crate::figure::fonts::Weight;
use crate::figure::layout::{Align, TextBox};

use super::style::color;

/// The family of semi-bold text where the window has one.
pub(super) fn semi_bold(painter: &Painter) -> FontFamily {
    let strong = FontFamily::Name("strong".into());
    let known = painter.fonts(|fonts| fonts.families().contains(&strong));
    if known {
        strong
    } else {
        FontFamily::Proportional
    }
}

/// The shapes of a text whose layout starts at `origin`.
pub(super) fn shapes(
    painter: &Painter,
    text: &TextBox,
    origin: Vec2,
    semi_bold: &FontFamily,
    shapes: &mut Vec<Shape>,
) {
    let family = match text.weight {
        Weight::Regular => FontFamily::Proportional,
        Weight::SemiBold => semi_bold.clone(),
    };
    let ink = color(text.color);
    let galley = painter.layout_no_wrap(
        text.text.clone(),
        FontId::new(text.size as f32, family),
        ink,
    );
    let baseline = galley
        .rows
        .first()
        .and_then(|row| row.glyphs.first().map(|glyph| row.pos.y + glyph.pos.y))
        .unwrap_or(galley.size().y);
    let along = match text.align {
        Align::Start => 0.0,
        Align::Middle => galley.size().x / 2.0,
        Align::End => galley.size().x,
    };
    let angle = text.angle.to_radians() as f32;
    let anchor = Pos2::new(text.x as f32, text.y as f32) + origin;
    let corner = anchor - Rot2::from_angle(angle) * vec2(along, baseline);
    let at = |offset: Vec2, ink: Color32| {
        Shape::Text(
            TextShape::new(corner + offset, galley.clone(), ink)
                .with_angle(angle)
                .with_override_text_color(ink),
        )
    };
    if let Some(halo) = text.halo {
        let halo = color(halo);
        for k in 0..8 {
            let around = Vec2::angled(k as f32 * std::f32::consts::FRAC_PI_4);
            shapes.push(at(around * 1.6, halo));
        }
    }
    shapes.push(at(Vec2::ZERO, ink));
}
