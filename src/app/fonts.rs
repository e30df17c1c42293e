//! The window's fonts: those of the figures, and no others, so that a figure on
//! the screen and in a file is set alike and no machine lacks a sign.

use std::sync::Arc;

use eframe::egui;
use egui::{FontData, FontDefinitions, FontFamily, FontTweak};

use super::theme::STRONG_FAMILY;
use crate::figure::fonts;

/// The fonts of every family: text first, then mathematics for what it lacks.
pub fn definitions() -> FontDefinitions {
    const REGULAR: &str = "regular";
    const STRONG: &str = "strong";
    const MATH: &str = "math";
    let mut definitions = FontDefinitions::empty();
    for (name, data) in [
        (REGULAR, fonts::SANS_REGULAR),
        (STRONG, fonts::SANS_SEMIBOLD),
        (MATH, fonts::MATH),
    ] {
        let tweak = FontTweak {
            // Between thousands: narrow, but to be seen.
            thin_space_width: 0.8,
            ..FontTweak::default()
        };
        definitions.font_data.insert(
            name.to_owned(),
            Arc::new(FontData::from_static(data).tweak(tweak)),
        );
    }
    for (family, first) in [
        (FontFamily::Proportional, REGULAR),
        (FontFamily::Monospace, REGULAR),
        (FontFamily::Name(STRONG_FAMILY.into()), STRONG),
    ] {
        definitions
            .families
            .insert(family, vec![first.to_owned(), MATH.to_owned()]);
    }
    definitions
}

/// Gives the context these fonts.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(definitions());
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::FontId;

    /// Runs the check once the fonts are loaded.
    fn with_fonts(check: impl Fn(&mut egui::epaint::text::FontsView<'_>)) {
        let ctx = egui::Context::default();
        install(&ctx);
        let _ = crate::app::testing::frame(&ctx, egui::RawInput::default(), |ui| {
            ui.ctx().fonts_mut(|fonts| check(fonts));
        });
    }

    #[test]
    fn every_family_has_every_sign_of_the_window() {
        let signs =
            "λ₁ λ₂ 2/η ‖g‖ θ* ∇ℒ α β ∂ ∑ √ ∞ ≈ ≤ ≥ ± × · − – — … “ ” ‘ ’ → ← ↑ ↓ 10⁻³ x² ▸ ▾ ✓ ✕";
        with_fonts(|fonts| {
            for family in [
                FontFamily::Proportional,
                FontFamily::Monospace,
                FontFamily::Name(STRONG_FAMILY.into()),
            ] {
                let font = FontId::new(13.0, family.clone());
                for sign in signs.chars() {
                    assert!(fonts.has_glyph(&font, sign), "{family:?} lacks {sign:?}");
                }
            }
        });
    }

    #[test]
    fn all_digits_are_equally_wide() {
        with_fonts(|fonts| {
            for size in [11.0, 13.0, 16.0] {
                let font = FontId::new(size, FontFamily::Proportional);
                let width = fonts.glyph_width(&font, '0');
                for digit in '1'..='9' {
                    assert_eq!(fonts.glyph_width(&font, digit), width, "{digit} at {size}");
                }
            }
        });
    }
}
