//! The bundled fonts and how wide text is in them. Sources and licences are in
//! `assets/fonts`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

/// Inter Regular: text, Greek, figures of equal width.
pub const SANS_REGULAR: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/assets/fonts/Inter-Regular.ttf"
));

/// Inter SemiBold: titles.
pub const SANS_SEMIBOLD: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/assets/fonts/Inter-SemiBold.ttf"
));

/// Mathematics and signs that Inter lacks: the fallback of both.
pub const MATH: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/assets/fonts/LosscapeMath-Regular.ttf"
));

/// Family name of [`SANS_REGULAR`] and [`SANS_SEMIBOLD`].
pub const SANS_FAMILY: &str = "Inter";

/// Family name of [`MATH`].
pub const MATH_FAMILY: &str = "Losscape Math";

/// Height of capitals and figures as a fraction of the text size.
pub const CAP_HEIGHT: f64 = 1490.0 / 2048.0;

/// What reaches below the baseline, as a fraction of the text size.
pub const DESCENT: f64 = 0.24;

/// What reaches above the baseline, accents included, as a fraction of the
/// text size.
pub const ASCENT: f64 = 0.96;

/// Signs that the program uses beyond the letters of Latin alphabets. A test
/// holds that the bundled fonts have every one.
pub const SYMBOLS: &str = concat!(
    "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩϵϕ",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱᵀ₀₁₂₃₄₅₆₇₈₉₊₋ₐₑᵢⱼₖₗₘₙₚₜₓ",
    "∇‖∥⟨⟩∂∑∏∫√∞≈≤≥≠≡±−×÷·∝∼≃∈∉∘⊙⊗⊕ℒℝ𝔼ℓ∗⋆′″°‰½¼",
    "→←↑↓↔↕↺↻⟲⟳⤢⤡➜↵⇥⇧⏎⎋⌫⌘⌥␣",
    "▶◀▲▼▸▾●○◌◔◐◕■□▦◆◇△★☆✓✔✕✖✎⚠⚙ⓘ☰❚⏵⏸⏹⏮⏭⏪⏩🔍",
    "–—…‘’“”•†‡⋯⋮\u{a0}\u{2009}\u{202f}",
);

/// Weight of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Body text.
    #[default]
    Regular,
    /// Titles.
    SemiBold,
}

impl Weight {
    /// The CSS font weight.
    pub fn css(self) -> u16 {
        match self {
            Self::Regular => 400,
            Self::SemiBold => 600,
        }
    }
}

/// Advance widths of every character as fractions of the text size.
struct Advances {
    regular: BTreeMap<char, f32>,
    semibold: BTreeMap<char, f32>,
    math: BTreeMap<char, f32>,
}

static ADVANCES: LazyLock<Advances> = LazyLock::new(|| Advances {
    regular: advances(SANS_REGULAR),
    semibold: advances(SANS_SEMIBOLD),
    math: advances(MATH),
});

fn advances(font: &[u8]) -> BTreeMap<char, f32> {
    // The fonts are part of the program, and a test holds that they are read;
    // a width for an unreadable one is a guess below.
    let Ok(font) = FontRef::new(font) else {
        return BTreeMap::new();
    };
    let metrics = font.glyph_metrics(Size::new(1.0), LocationRef::default());
    font.charmap()
        .mappings()
        .filter_map(|(code, glyph)| Some((char::from_u32(code)?, metrics.advance_width(glyph)?)))
        .collect()
}

/// Whether the bundled fonts have a character.
pub fn has_glyph(character: char) -> bool {
    ADVANCES.regular.contains_key(&character) || ADVANCES.math.contains_key(&character)
}

/// Width of a line of text in the unit of its size. Kerning is left out: it
/// makes text at most a little narrower.
pub fn width(text: &str, size: f64, weight: Weight) -> f64 {
    let sans = match weight {
        Weight::Regular => &ADVANCES.regular,
        Weight::SemiBold => &ADVANCES.semibold,
    };
    let ems: f64 = text
        .chars()
        .map(|c| {
            let known = sans.get(&c).or_else(|| ADVANCES.math.get(&c));
            f64::from(known.copied().unwrap_or(0.65))
        })
        .sum();
    ems * size
}

/// A text broken into at most `max_lines` lines no wider than `max_width`; what
/// does not fit ends with an ellipsis.
pub fn wrap(
    text: &str,
    size: f64,
    weight: Weight,
    max_width: f64,
    max_lines: usize,
) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size, weight) <= max_width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    if lines.len() > max_lines.max(1) {
        let rest = lines.split_off(max_lines.max(1) - 1).join(" ");
        lines.push(rest);
    }
    for line in &mut lines {
        *line = shortened(line, size, weight, max_width);
    }
    lines
}

/// A note whose parts are set apart by ` · `, broken between parts where they
/// fit on a line, otherwise like [`wrap`].
pub fn wrap_note(text: &str, size: f64, max_width: f64, max_lines: usize) -> Vec<String> {
    let fits = |line: &str| width(line, size, Weight::Regular) <= max_width;
    let mut lines: Vec<String> = Vec::new();
    for part in text.split(" · ") {
        match lines.last_mut() {
            Some(line) if fits(&format!("{line} · {part}")) => {
                line.push_str(" · ");
                line.push_str(part);
            }
            _ => lines.push(part.to_owned()),
        }
    }
    if lines.len() <= max_lines && lines.iter().all(|line| fits(line)) {
        lines
    } else {
        wrap(text, size, Weight::Regular, max_width, max_lines)
    }
}

/// A text no wider than `max_width`: cut, with an ellipsis, where necessary.
pub fn shortened(text: &str, size: f64, weight: Weight, max_width: f64) -> String {
    if width(text, size, weight) <= max_width {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let cut: String = kept.iter().collect::<String>().trim_end().to_owned() + "…";
        if width(&cut, size, weight) <= max_width {
            return cut;
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_of_the_program_has_a_glyph() {
        let missing: String = SYMBOLS.chars().filter(|&c| !has_glyph(c)).collect();
        assert_eq!(missing, "");
        // ŉ is deprecated by Unicode.
        for c in (' '..='~').chain('À'..='ſ').filter(|&c| c != 'ŉ') {
            assert!(has_glyph(c), "{c}");
        }
    }

    #[test]
    fn figures_and_signs_have_one_width() {
        for weight in [Weight::Regular, Weight::SemiBold] {
            let zero = width("0", 1.0, weight);
            for c in "123456789−+".chars() {
                assert_eq!(width(&c.to_string(), 1.0, weight), zero, "{c}");
            }
        }
    }

    #[test]
    fn families_are_named_as_the_writers_say() {
        for (font, family) in [
            (SANS_REGULAR, SANS_FAMILY),
            (SANS_SEMIBOLD, SANS_FAMILY),
            (MATH, MATH_FAMILY),
        ] {
            let mut fonts = resvg::usvg::fontdb::Database::new();
            fonts.load_font_data(font.to_vec());
            let face = fonts.faces().next().unwrap();
            assert!(
                face.families.iter().any(|f| f.0 == family),
                "{:?}",
                face.families
            );
        }
    }

    #[test]
    fn text_is_wrapped_and_cut_to_its_room() {
        let text = "plane error 0.02 · 65×65 points · bilinear between samples";
        for room in [40.0, 100.0, 200.0, 1000.0] {
            let lines = wrap(text, 11.0, Weight::Regular, room, 2);
            assert!(lines.len() <= 2 && !lines.is_empty());
            for line in &lines {
                assert!(width(line, 11.0, Weight::Regular) <= room, "{line}");
            }
        }
        assert_eq!(
            wrap_note(text, 11.0, 200.0, 3),
            [
                "plane error 0.02 · 65×65 points",
                "bilinear between samples"
            ]
        );
        assert_eq!(shortened("loss", 12.0, Weight::Regular, 100.0), "loss");
        assert_eq!(shortened("loss", 12.0, Weight::Regular, 1.0), "");
    }
}
